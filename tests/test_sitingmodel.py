"""The sections [[layers]] and [[candidates]] of a study: what is allowed, and every fault named."""

import copy
from pathlib import Path

import pytest

from chongming_gis import config
from chongming_gis.errors import StudyError
from chongming_gis.sitingmodel import NearConfig
from tests.test_candidates import study

FILE = {"path": "a.gpkg", "kind": "sourced"}
GRID = {"path": "a.tif", "kind": "sourced"}


def refusal(*, rules=(), layers=(), more=(), **section):
    content = study().model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    names = {"name_zh": "名", "name_en": "name", "source": "test"}
    content["layers"] = [{"id": f"l{i}", **names, **layer} for i, layer in enumerate(layers)]
    content["siting_rules"] = [{"service": "meal", "source": "test", **rule} for rule in rules]
    content["candidates"] = [{**content["candidates"][0], **section}, *more]
    with pytest.raises(StudyError) as error:
        config.parse_study(copy.deepcopy(content), folder=Path())
    return str(error.value)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({}, "give exactly one of path, land, roads, roads_except, services (given: none)"),
        ({**FILE, "land": ["pond"]}, "(given: path, land)"),
        ({"path": "a.gpkg"}, "kind (surveyed, official_statistic, ...) goes with path"),
        ({"land": ["pond"], "kind": "sourced"}, "goes with path, and only with it"),
        ({**FILE, "kinds": ["park"]}, "kind_column and kinds belong together"),
        ({**FILE, "values": [1], "crs": "EPSG:4326"}, "crs, values: only for a grid"),
        ({**GRID, "kind_column": "use", "kinds": ["park"]}, "kinds is for features"),
        ({**GRID, "at_least": 5, "at_most": 3}, "at_least 5 is above at_most 3"),
        ({**GRID, "crs": "EPSG:0"}, "layers.l0.crs"),
        ({"services": ["zoo"]}, "layers.l0.services: 'zoo' is not declared"),
        ({"id": "clinic", "land": ["pond"]}, "layers.clinic.id: a service or 'dwelling' has this id already"),
    ],
)
def test_a_fault_of_a_layer_is_told(layer, words):
    assert words in refusal(layers=[layer])


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"villages": False}, "names no places; give at least one of own, sites_of"),
        ({"services": ["zoo"]}, "candidates.0.services: 'zoo' is not declared"),
        ({"sites_of": ["zoo"]}, "candidates.0.sites_of: 'zoo' is not declared"),
        ({"features_of": ["plot"]}, "candidates.0.features_of: 'plot' is not declared in this study; allowed: none"),
        ({"near": {"mode": "boat", "minutes": 3}}, "candidates.0.near.mode: 'boat'"),
        ({"near": {"mode": "foot"}}, "give metres (straight line), or mode and minutes"),
        ({"near": {"metres": 5, "mode": "foot", "minutes": 3}}, "give metres (straight line), or mode and minutes"),
        ({"own": {"path": "a.csv", "kind": "sourced", "source": "t", "datum": "xian80"}}, "candidates.0.own.datum"),
        ({"grid_every_m": -5}, "candidates.0.grid_every_m"),
        ({"nodes": True}, "candidates.0.nodes: unknown key"),
    ],
)
def test_a_fault_of_candidates_is_told(section, words):
    assert words in refusal(**section)


def test_a_service_is_in_one_section_only():
    second = {"services": ["meal", "shop"], "villages": True, "source": "test"}
    assert "the service 'meal' is in two sections" in refusal(more=[second])


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([{"rule": "not_within", "layer": "l0", "distance_m": 5}], "a grid can only be used with not_inside"),
        ([{"rule": "not_inside", "layer": "l1"}], "does not say which cells count"),
        (2 * [{"rule": "not_inside", "layer": "pond"}], "siting_rules: the id 'meal: not_inside:pond' is given twice"),
    ],
)
def test_a_rule_fits_its_layer(rules, words):
    assert words in refusal(rules=rules, layers=[{**GRID, "values": [1]}, GRID])


def test_features_of_a_grid_are_none():
    assert "'l0' is a grid, which has no features" in refusal(layers=[GRID], features_of=["l0"])


def test_minutes_become_seconds():
    assert NearConfig(mode="foot", minutes=2.5).limit_s == 150.0
    assert NearConfig(metres=5).limit_s is None
