"""Phased plans against trying every nested plan, and the price of nesting worked by hand."""

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.errors import SitingError
from chongming_gis.siting import SideRules, SitingProblem
from chongming_gis.siting.phases import Phases, plan_phases
from tests.siting import slow_checker as slow
from tests.siting.question_strategies import questions

INF = np.inf
STANDARD = 5.0


def chain(**more):
    """Four villages in a row; ground 1 covers both middle ones, 0 and 2 a middle one and an end each."""
    costs = [[1, INF, INF], [1, 1, INF], [INF, 1, 1], [INF, INF, 1]]
    return SitingProblem(np.array(costs, dtype=float), [4, 5, 5, 4], **more)


def nested_plans(problem, years):
    """Every way to build: a tuple of sets, each in the next."""
    new = [j for j in range(problem.n_sites) if j not in set(problem.existing.tolist())]
    for when in itertools.product(range(years + 1), repeat=len(new)):
        yield [{j for j, at in zip(new, when, strict=True) if at <= year} for year in range(years)]


def is_within(problem, phases, built):
    each = problem.site_costs if phases.unit == "money" else np.ones(problem.n_sites)
    used = [sum(each[j] for j in sites) for sites in built]
    if phases.unspent == "lapses":
        return all(
            now - before <= limit + 1e-9 for before, now, limit in zip([0.0, *used], used, phases.limits, strict=False)
        )
    return all(now <= limit + 1e-9 for now, limit in zip(used, np.cumsum(phases.limits), strict=True))


def best_nested(problem, phases):
    """The best weighted sum (of those with the best last year, if asked); None where no plan obeys."""
    found = []
    for built in nested_plans(problem, len(phases.limits)):
        if not is_within(problem, phases, built):
            continue
        covered = [slow.covered_rows(problem, slow.open_sites(problem, sites, set()), STANDARD) for sites in built]
        if slow.broken_rules(problem, built[-1], set(), covered=covered[-1]):
            continue
        persons = [float(sum(w for w, c in zip(problem.weights, row, strict=True) if c)) for row in covered]
        found.append((persons[-1], float(phases.weight_of_year @ np.array(persons))))
    if not found:
        return None
    last = max(row[0] for row in found) if phases.prefer == "last_year" else -math.inf
    return max(value for ends, value in found if ends >= last)


def test_one_year_gives_way_for_another_and_the_price_is_told():
    """Alone, 1 covers 10 and the pair 0, 2 covers 18: the pair needs 0 or 2 first, with 9."""
    plan = plan_phases(chain(), Phases((1, 1)), standard=STANDARD)
    assert plan.status == "optimal"
    assert [sites.tolist() for sites in plan.built] == [[0], [2]]
    assert plan.covered.tolist() == [9.0, 18.0]
    assert [own.objective for own in plan.unphased] == [10.0, 18.0]
    assert plan.price.tolist() == [1.0, 0.0]
    assert (plan.objective, plan.bound, plan.gap) == (27.0, 27.0, 0.0)


def test_weights_decide_which_year_gives_way_unless_the_last_comes_first():
    early = Phases((1, 1), weights=(10.0, 1.0))
    plan = plan_phases(chain(), early, standard=STANDARD)  # 10 x 10 + 14 beats 10 x 9 + 18
    assert plan.covered.tolist() == [10.0, 14.0]
    assert plan.price.tolist() == [0.0, 4.0]
    plan = plan_phases(chain(), replace(early, prefer="last_year"), standard=STANDARD)
    assert plan.covered.tolist() == [9.0, 18.0]


def test_what_a_year_leaves_is_carried_over_or_lapses():
    problem = chain(site_costs=[2.0, 2.0, 2.0])
    carried = plan_phases(problem, Phases((1.0, 1.0, 2.0), "money"), standard=STANDARD)
    assert [len(sites) for sites in carried.built] == [0, 1, 1]
    lapsed = plan_phases(problem, Phases((1.0, 1.0, 2.0), "money", unspent="lapses"), standard=STANDARD)
    assert [len(sites) for sites in lapsed.built] == [0, 0, 1]
    assert lapsed.covered.tolist() == [0.0, 0.0, 10.0]


def test_sites_that_stand_count_in_every_year_and_a_year_may_build_nothing():
    plan = plan_phases(chain(existing=[1]), Phases((0, 1)), standard=STANDARD)
    assert plan.covered.tolist() == [10.0, 14.0]
    assert [len(sites) for sites in plan.built] == [0, 1]
    plan = plan_phases(chain(), Phases((0, 0)), standard=STANDARD)
    assert (plan.status, plan.covered.tolist(), plan.objective) == ("optimal", [0.0, 0.0], 0.0)


def test_duties_hold_for_the_last_year_only():
    problem = chain(site_areas=[0, 1, 2], rules=SideRules(at_least={0: 1}))
    plan = plan_phases(problem, Phases((1, 1), weights=(10.0, 1.0)), standard=STANDARD)
    assert [sites.tolist() for sites in plan.built] == [[1], [0]]
    assert plan.price.tolist() == [0.0, 4.0]  # the last year's own best, 0 and 2, obeys the duty too


@pytest.mark.parametrize(
    ("problem", "phases", "told"),
    [
        (chain(site_costs=[7.0] * 3), Phases((2.0, 3.0), "money"), "budget: 5 in all years buys nothing; .* costs 7"),
        (chain(rules=SideRules(forbidden=(0, 1, 2))), Phases((1, 1)), "no site is left to build"),
        (chain(rules=SideRules(forced=(0, 1, 2))), Phases((1, 1)), "forced|new_sites"),
        (chain(rules=SideRules(forced=(0,), forbidden=(0,))), Phases((1, 1)), "forced"),
        (chain(site_areas=[0, 0, 1], rules=SideRules(at_least={1: 2})), Phases((1, 1)), "at_least of area 1"),
    ],
)
def test_no_plan_is_an_answer_with_the_reason(problem, phases, told):
    plan = plan_phases(problem, phases, standard=STANDARD)
    assert (plan.status, plan.built, plan.objective) == ("infeasible", (), -math.inf)
    assert np.isnan(plan.covered).all()
    assert re.search(told, plan.reason), plan.reason


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        (Phases(()), "there are no years"),
        (Phases((1, -1)), "limits"),
        (Phases((math.nan, 1)), "limits"),
        (Phases((1.5, 1)), "whole numbers"),
        (Phases((1, 1), weights=(1.0,)), "weights: 1 for 2 years"),
        (Phases((1, 1), weights=(1.0, -2.0)), "weights"),
    ],
)
def test_years_that_mean_nothing_are_refused(phases, told):
    with pytest.raises(SitingError, match=told):
        plan_phases(chain(), phases, standard=STANDARD)


def test_closing_sites_is_refused():
    with pytest.raises(SitingError, match="closable"):
        plan_phases(chain(existing=[1], rules=SideRules(closable=(1,))), Phases((1,)), standard=STANDARD)


RULES = ("at_least", "at_most", "forced", "forbidden", "exclusive", "spacing", "floor")
PHASED = st.builds(
    Phases,
    st.lists(st.integers(0, 2).map(float), min_size=1, max_size=3).map(tuple),
    st.sampled_from(("new_sites", "money")),
    st.just(()),
    st.sampled_from(("carries_over", "lapses")),
    st.sampled_from(("every_year", "last_year")),
)


@settings(max_examples=40)
@given(questions(RULES, max_sites=5, max_rows=6), PHASED, st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_it_finds_what_trying_every_nested_plan_finds(problem, phases, weights):
    phases = replace(phases, weights=tuple(float(w) for w in weights[: len(phases.limits)]))
    plan, best = plan_phases(problem, phases, standard=STANDARD), best_nested(problem, phases)
    if plan.status == "infeasible":
        assert plan.reason
        cheapest = problem.site_costs[problem.candidates].min(initial=INF)
        buys_nothing = phases.unit == "money" and sum(phases.limits) < cheapest
        assert best is None or buys_nothing or not len(problem.candidates)
        return
    assert plan.status == "optimal"
    assert plan.objective == pytest.approx(best)
    assert plan.bound >= plan.objective
    assert is_within(
        problem, phases, [set(np.concatenate(plan.built[: y + 1]).tolist()) for y in range(len(plan.built))]
    )
    assert (plan.price >= -1e-9).all() or problem.rules.names


@settings(max_examples=20)
@given(questions(("spacing",), max_sites=6, max_rows=8), st.lists(st.integers(0, 2), min_size=2, max_size=3))
def test_permuting_sites_keeps_objective_and_bound(problem, limits):
    phases = Phases(tuple(float(n) for n in limits))
    order = np.random.default_rng(1).permutation(problem.n_sites)
    at = np.argsort(order)
    other = SitingProblem(
        problem.costs[:, order],
        problem.weights,
        existing=at[problem.existing],
        rules=SideRules(spacing=tuple((int(at[a]), int(at[b])) for a, b in problem.rules.spacing)),
    )
    one, two = (plan_phases(p, phases, standard=STANDARD) for p in (problem, other))
    assert (one.objective, one.bound) == pytest.approx((two.objective, two.bound))


def test_little_time_still_gives_a_bound_that_holds():
    generator = np.random.default_rng(7)
    people, sites = generator.random((400, 2)) * 10, generator.random((40, 2)) * 10
    apart = np.hypot(*(people[:, None] - sites[None]).transpose(2, 0, 1))
    apart[apart > 2.0] = INF
    problem = SitingProblem(apart, np.ones(400))
    best = plan_phases(problem, Phases((2, 2, 2)), standard=1.0)
    hasty = plan_phases(problem, Phases((2, 2, 2)), standard=1.0, time_limit_s=0.0)
    assert hasty.bound >= best.objective - 1e-6
    assert hasty.objective <= best.bound + 1e-6
