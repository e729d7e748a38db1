"""Rules on random ground against a slow oracle: one place, one rule, one distance at a time."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from chongming_gis import candidates
from chongming_gis.candidates import attributes, exclusion
from chongming_gis.candidates.ground import Ground, Layer
from chongming_gis.planning import SitingRuleConfig

METRIC = CRS.from_epsg(32651)
number = st.integers(0, 20)
point = st.builds(shapely.Point, number, number)
line = st.builds(lambda a, b, c: shapely.LineString([a, b, c]), *[st.tuples(number, number)] * 3).filter(
    lambda shape: shape.length > 0
)
area = st.builds(
    lambda x, y, w, h: shapely.box(x, y, x + w, y + h), number, number, st.integers(1, 9), st.integers(1, 9)
)
layer = st.one_of(
    st.lists(point, min_size=1, max_size=5),
    st.lists(line, min_size=1, max_size=4),
    st.lists(area, min_size=1, max_size=4),
)
rule = st.tuples(
    st.sampled_from(["not_inside", "not_within", "beside"]), st.integers(0, 2), st.sampled_from([1, 3, 5, 2.5])
)


def text(values):
    return pd.Series(values, dtype="str")


def ground_of(shapes, sites):
    layers = {
        f"layer{i}": Layer(f"layer{i}", np.array(of, dtype=object), "land", "schematic", sites=frozenset(on))
        for i, (of, on) in enumerate(zip(shapes, sites, strict=True))
    }
    return Ground(METRIC, layers)


def rule_of(kind, i, distance):
    more = {} if kind == "not_inside" else {"distance_m": distance}
    return SitingRuleConfig(service="s", rule=kind, layer=f"layer{i}", source=f"{kind} {i} {distance}", **more)


def obeys(place, site, of, ground):
    """Whether a place obeys a rule: True, False, or None where that cannot be told."""
    known = ground.layers[of.layer]
    dimensions = shapely.get_dimensions(known.geometry)
    if of.rule == "not_inside":
        if not (dimensions == 2).any():
            return None
        return not any(shape.intersects(place) for shape in known.geometry[dimensions == 2])
    nearest = min(shape.distance(place) for shape in known.geometry)
    if of.rule == "not_within":
        return nearest >= of.distance_m
    return nearest <= of.distance_m or site in known.sites


@given(
    shapes=st.lists(layer, min_size=3, max_size=3),
    sites=st.lists(st.sets(st.sampled_from(["s1", "s2"])), min_size=3, max_size=3),
    where=st.lists(st.tuples(point, st.sampled_from(["s1", "s2", None])), min_size=1, max_size=25),
    asked=st.lists(rule, min_size=1, max_size=5, unique=True),
)
def test_a_place_is_allowed_if_and_only_if_it_obeys_every_rule(shapes, sites, where, asked):
    ground = ground_of(shapes, sites)
    rules = [rule_of(*each) for each in asked]
    frame = gpd.GeoDataFrame(
        {"site_id": text([site for _, site in where]), "kind": text(["grid"] * len(where))},
        geometry=[place for place, _ in where],
        crs=METRIC,
    )
    made = exclusion.with_rulings(frame, exclusion.judge(frame, rules, ground))
    for row, (place, site) in enumerate(where):
        said = [(each, obeys(place, site, each, ground)) for each in rules]
        assert made["allowed"].iloc[row] == all(verdict is not False for _, verdict in said)
        broken = [each for each, verdict in said if verdict is False]
        assert _split(made["reason"].iloc[row]) == [each.id for each in broken]
        assert _split(made["source"].iloc[row]) == [each.source for each in broken]
        assert _split(made["unjudged"].iloc[row]) == [each.id for each, verdict in said if verdict is None]


def _split(cell):
    return [] if pd.isna(cell) else cell.split(" | ")


@given(
    shapes=st.lists(st.one_of(point, line, area), min_size=1, max_size=6),
    where=st.lists(point, min_size=1, max_size=15),
)
def test_distances_are_those_to_the_nearest_shape(shapes, where):
    known = Layer("x", np.array(shapes, dtype=object), "land", "derived")
    found = attributes.distances_m(np.array(where, dtype=object), known)
    slow = [min(shape.distance(place) for shape in shapes) for place in where]
    np.testing.assert_allclose(found, slow, atol=1e-9)


@given(
    homes=st.lists(st.tuples(point, st.integers(0, 9)), max_size=20),
    where=st.lists(point, min_size=1, max_size=10),
    metres=st.integers(1, 12),
)
def test_people_near_are_those_at_most_so_far_away(homes, where, metres):
    persons = np.array([n for _, n in homes], dtype=float)
    at = np.array([home for home, _ in homes], dtype=object)
    found = attributes.persons_around(np.array(where, dtype=object), at, persons, metres=float(metres))
    assert found.tolist() == [float(sum(n for home, n in homes if home.distance(place) <= metres)) for place in where]


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c"]), unique=True), max_size=12))
def test_refusals_count_each_rule_once_a_place_and_tell_which_alone_refuses(broken):
    frame = pd.DataFrame(
        {
            "service": text(["s"] * len(broken)),
            "reason": text([" | ".join(rules) or None for rules in broken]),
            "source": text([" | ".join(f"of {rule}" for rule in rules) or None for rules in broken]),
        }
    )
    told = candidates.refusals(frame)
    assert told.set_index("rule")["count"].to_dict() == {
        rule: n for rule in "abc" if (n := sum(rule in rules for rules in broken))
    }
    assert told.set_index("rule")["alone"].to_dict() == {
        rule: sum(rules == [rule] for rules in broken) for rule in told["rule"]
    }
    assert all(source == f"of {rule}" for rule, source in zip(told["rule"], told["source"], strict=True))


def test_a_source_that_holds_the_separator_stays_one_source():
    ground = ground_of([[shapely.box(0, 0, 2, 2)]] * 3, [()] * 3)
    asked = SitingRuleConfig(service="s", rule="not_inside", layer="layer0", source="a | b")
    frame = gpd.GeoDataFrame(
        {"site_id": text([None]), "kind": text(["grid"])}, geometry=[shapely.Point(1, 1)], crs=METRIC
    )
    made = exclusion.with_rulings(frame, exclusion.judge(frame, [asked], ground)).assign(service="s")
    assert candidates.refusals(made)["source"].tolist() == ["a / b"]


@pytest.mark.parametrize("kinds", [["surveyed"], ["derived", "surveyed"]])
def test_no_rules_allow_everything(kinds):
    frame = gpd.GeoDataFrame(
        {"site_id": text([None]), "kind": text(["grid"])}, geometry=[shapely.Point(1, 1)], crs=METRIC
    )
    made = exclusion.with_rulings(frame, exclusion.judge(frame, [], Ground(METRIC, {})))
    assert made["allowed"].tolist() == [True]
    assert made["reason"].isna().all()
    assert candidates.ground.least_sure(kinds) == kinds[0]
