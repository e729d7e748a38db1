"""Small siting questions for hypothesis, with one rule, or with several at once."""

import numpy as np
from hypothesis import strategies as st

from chongming_gis.siting import SideRules, SitingProblem

AREAS = (0, 1, 2)
RULES = ("budget", "at_least", "at_most", "forced", "forbidden", "exclusive", "spacing", "floor", "closable")


@st.composite
def questions(draw, rules=RULES, max_sites=12, max_rows=9):
    n_sites, n_rows = draw(st.integers(1, max_sites)), draw(st.integers(1, max_rows))
    costs = st.integers(0, 9).map(float)
    cell = st.one_of(st.just(np.inf), costs, costs)
    table = np.array(
        draw(st.lists(st.lists(cell, min_size=n_sites, max_size=n_sites), min_size=n_rows, max_size=n_rows))
    )
    sites = st.integers(0, n_sites - 1)
    existing = draw(st.lists(sites, max_size=2, unique=True))
    areas = st.sampled_from((-1, *AREAS))
    return SitingProblem(
        table,
        draw(st.lists(st.integers(0, 6), min_size=n_rows, max_size=n_rows)),
        existing=existing,
        site_costs=draw(st.lists(st.integers(0, 4), min_size=n_sites, max_size=n_sites)),
        demand_areas=draw(st.lists(areas, min_size=n_rows, max_size=n_rows)),
        site_areas=draw(st.lists(areas, min_size=n_sites, max_size=n_sites)),
        rules=draw(side_rules(rules, sites, existing)),
    )


@st.composite
def side_rules(draw, names, sites, existing):
    counts = st.dictionaries(st.sampled_from(AREAS), st.integers(0, 2), max_size=2)
    some = {
        "budget": st.one_of(st.none(), st.integers(0, 8).map(float)),
        "at_least": st.dictionaries(st.sampled_from(AREAS), st.integers(0, 2), max_size=1),
        "at_most": counts,
        "forced": st.lists(sites, max_size=1).map(tuple),
        "forbidden": st.lists(sites, max_size=2).map(tuple),
        "exclusive": st.lists(st.lists(sites, min_size=1, max_size=3).map(tuple), max_size=2).map(tuple),
        "spacing": st.lists(st.tuples(sites, sites), max_size=3).map(tuple),
        "floor": st.dictionaries(st.sampled_from(AREAS), st.sampled_from((0.0, 0.3, 0.5, 1.0)), max_size=2),
        "closable": st.lists(st.sampled_from(existing), max_size=2, unique=True).map(tuple)
        if existing
        else st.just(()),
    }
    return SideRules(**{name: draw(some[name]) for name in names})
