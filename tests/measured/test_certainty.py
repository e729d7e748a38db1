"""How sure the coverage of the toy town is: ways by hand, every draw against a search of its own, and the tables."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from chongming_gis import config, coverage, measured_tables, network, tables, uncertainty
from chongming_gis.errors import StudyError
from chongming_gis.measured import Groundwork, certainty
from chongming_gis.sources import embedded_study_path
from tests.toy import study as toy
from tests.toy.roads import CRS, FOOT, town

SOURCE = {"source": "planning assumption"}
RANGES = {
    "draws": 40,
    "confidence": 0.9,
    "speeds": [{"mode": "foot", "low": 0.5, "high": 2.0, **SOURCE}],
    "path": {"low": 0.8, "likely": 1.0, "high": 1.0, **SOURCE},
    "snap_m": {"low": 30, "likely": 60, "high": 400, **SOURCE},
    "population_sigma": 0.3,
    "population_source": "planning assumption",
}

# On foot (1 m/s) from d0 at P (30, 10), d1 at Q (250, -20), d2 at R (1350, 40) on the island, d3 350 m from H.
# f0 at F (200, -50). Only d2 and d3 take the ferry: 300 s of crossing, 600 s of headway, 240 and 600 s on foot.
PEOPLE = {
    "persons": {"all": [10, 20, 30, 5], "old": [1, 2, 0, 5]},
    "township": ["t1", "t1", "t2", None],
    "village": ["v1", "v2", "v3", None],
}
HOMES = [(30, 10), (250, -20), (1350, 40), (1400, 350)]


def the_ground(*, ranges=None, facilities=((200, -50),), minutes=15, **changes):
    """The toy town with one meal point at F and the standard of 15 minutes on foot, as a run hands it on."""
    measures = {"certainty": {**RANGES, **(ranges or {})}}
    limits = [{"mode": "foot", "minutes": minutes}]
    study = toy.study(measures=measures, services__0__standards__0__limits=limits, **changes)
    roads, people = town(), toy.demand(HOMES, **PEOPLE)
    net = network.compile_network(roads, FOOT)
    demand, places = toy.places([net], people.points), toy.places([net], toy.facilities(list(facilities)))
    access = coverage.measure_access(
        study.services[0], demand=demand, facilities=places, networks={"foot": net}, search_limit_s=14_400.0
    )
    townships = toy.areas(["t1", "t2", "t3"])
    villages = toy.areas(["v1", "v2", "v3", "v4"], tables.VILLAGES)
    shares = coverage.measure_coverage(access, demand=people, study=study, townships=townships, villages=villages)
    inputs = tables.StudyInputs(
        roads=roads,
        demand=people,
        facilities={"meal": tables.Facilities(places.points, tables.no_table(tables.FACILITY_CAPACITY))},
        townships=townships,
        villages=villages,
        land=tables.no_rows(tables.LAND, CRS),
        region=None,
    )
    return Groundwork(study, inputs, {"foot": net}, demand, {"meal": places}, access, shares)


def exact_s(ground, *, pace, wait):
    """The seconds of every point where all moving takes ``pace`` times as long and a ferry is waited for so long."""
    edges = ground.inputs.roads.edges
    ferry_s = edges["duration_s"] + wait * edges["headway_s"]
    roads = dataclasses.replace(ground.inputs.roads, edges=edges.assign(duration_s=ferry_s, headway_s=0.0))
    kmh = 3.6 / pace
    net = network.compile_network(roads, dataclasses.replace(FOOT, speed_kmh=kmh, off_network_speed_kmh=kmh))
    return coverage.nearest_usable_s(
        ground.study.services[0],
        demand=toy.places([net], ground.demand.points),
        facilities=toy.places([net], ground.facilities["meal"].points),
        network=net,
        search_limit_s=14_400.0,
    )


def quickest_s(ways, *, pace, wait):
    return np.min([way.moving_s * pace + way.crossing_s + way.headway_s * wait for way in ways], axis=0)


def row(table, **keys):
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_a_ferry_stands_apart_from_the_moving():
    """d2 walks 40 m to the road, 50 m to the pier, 150 m from it; d0 and d1 take no ferry; d3 is far from roads."""
    ways = certainty.ways_of(the_ground().study.services[0], the_ground())
    assert ways[0].moving_s[:2].tolist() == [230.0, 120.0]
    assert not np.isfinite(ways[0].moving_s[2:]).any()
    for way in ways[1:]:
        assert not np.isfinite(way.moving_s[[0, 1, 3]]).any()
        assert (way.moving_s[2], way.crossing_s[2], way.headway_s[2]) == pytest.approx((240.0, 300.0, 600.0), abs=0.01)
    assert ways[0].snap_m.tolist() == [10.0, 20.0, 40.0, np.inf]


def test_people_beyond_the_snap_limit_of_the_run_are_reached_in_a_wider_one():
    """d3 lives 350 m from H: beyond the 300 m of the mode, within the 400 m of the range."""
    ground = the_ground(minutes=25)
    found = certainty.measure(ground).tables["certainty"]
    whole = row(found, scope="district")
    assert whole["share_run"] == pytest.approx(60 / 65)
    assert whole["share_high"] == 1.0
    narrow = certainty.measure(the_ground(minutes=25, ranges={"snap_m": {**RANGES["snap_m"], "high": 300}}))
    assert row(narrow.tables["certainty"], scope="district")["share_high"] < 1.0


@pytest.mark.parametrize("seed", range(3))
def test_the_times_of_every_draw_are_those_of_a_search_of_its_own(seed):
    """Two meal points on the mainland and one across the water: people of the island take the boat when it is soon."""
    places = [(200, -50), (0, 0), (1400, 0)] if seed else [(200, -50), (0, 0)]
    ground = the_ground(facilities=places)
    ways = certainty.ways_of(ground.study.services[0], ground)
    rng = np.random.default_rng(seed)
    corners = [(0.4, 0.0), (2.0, 0.0), (0.4, 1.0), (2.0, 1.0), (1.0, 0.5)]
    for pace, wait in [*corners, *zip(rng.uniform(0.4, 2.0, 8), rng.random(8), strict=True)]:
        found, exact = quickest_s(ways, pace=pace, wait=wait), exact_s(ground, pace=pace, wait=wait)
        in_time = exact <= 900.0
        np.testing.assert_allclose(found[in_time], exact[in_time], atol=0.02)
        assert (found[~in_time] > 900.0).all()


def test_at_the_study_own_values_the_run_is_found_again():
    ground = the_ground()
    config_ = ground.study.measures.certainty
    nothing = uncertainty.Draws(
        {"foot": np.ones(1), "bike": np.ones(1)}, np.ones(1), np.full(1, 0.5), np.full(1, 300.0), np.ones((1, 4))
    )
    ways = certainty.ways_of(ground.study.services[0], ground)
    found = uncertainty.measure_certainty(ways, nothing, persons=np.ones(4), area=np.full(4, -1), member=np.eye(4))
    first = coverage.answers_of(ground.access, "meal", "walk15", "applied")
    assert config_.draws == 40
    assert found.covered_share.astype(bool).tolist() == first["covered"].tolist() == [True, True, True, False]


def test_the_tables_keep_their_contracts_and_the_units_of_the_coverage_table():
    ground = the_ground()
    found = certainty.measure(ground)
    for name in ("certainty", "certainty_villages", "certainty_drivers"):
        tables.validate(found.tables[name], measured_tables.MEASURED[name], where=name)
    shares = found.tables["certainty"]
    assert shares[["scope", "scope_code"]].to_numpy().tolist() == [
        ["district", "toy"],
        *(["township", code] for code in ("t1", "t2", "t3")),
        *(["village", code] for code in ("v1", "v2", "v3", "v4")),
    ]
    known = shares[shares["persons"] > 0]
    assert (known["share_low"] <= known["share_likely"]).all()
    assert (known["share_likely"] <= known["share_high"]).all()
    assert shares.loc[shares["persons"] == 0, "share_low"].isna().all()
    assert row(shares, scope_code="t1")["share_low"] == 1.0


def test_a_village_that_the_boat_decides_is_uncertain():
    """v3 (d2) needs 240 s of walking at paces of 0.4 to 2 and a boat of 300 to 900 s: within 900 s in some draws."""
    villages = certainty.measure(the_ground()).tables["certainty_villages"]
    status = villages.set_index("village_code")["status"].to_dict()
    assert status == {"v1": "reached", "v2": "reached", "v3": "uncertain", "v4": "nobody"}
    in_run = villages.set_index("village_code")["status_run"].to_dict()
    assert in_run == {"v1": "reached", "v2": "reached", "v3": "reached", "v4": "nobody"}
    often = villages.set_index("village_code")["draws_reached_share"]
    assert 0.1 < often["v3"] < 0.9
    assert np.isnan(often["v4"])


def test_what_drives_it_is_told_range_by_range():
    """Without a boat to wait for only d2's speed and boat matter; d3 waits for a wider limit, and a sum for people."""
    drivers = certainty.measure(the_ground()).tables["certainty_drivers"].set_index("driver")
    width = drivers["share_high"] - drivers["share_low"]
    assert list(width.index) == list(certainty.DRIVERS)
    assert width["path"] == 0.0  # 240 s x 0.8 saves 48 s: d2 is in time either way
    assert width["wait"] > 0.4  # 30 of 65 people wait for the boat
    assert width["people"] > 0.0


def test_the_same_seed_gives_the_same_tables_and_another_seed_others():
    one, same = (certainty.measure(the_ground()).tables["certainty"] for _ in range(2))
    other = certainty.measure(the_ground(seed=1)).tables["certainty"]
    assert one.equals(same)
    assert not one.equals(other)


def test_small_paths_are_missing_for_feet_and_bicycles_not_for_cars():
    ground = the_ground()
    net = ground.networks["foot"]
    car = dataclasses.replace(net, mode=dataclasses.replace(net.mode, access="motor_vehicle"))
    draws = certainty._draws(
        dataclasses.replace(ground, networks={"foot": car}), ground.study.measures.certainty, n_areas=1
    )
    assert draws.on_map == {"foot"}
    assert certainty._draws(ground, ground.study.measures.certainty, n_areas=1).on_map == frozenset()


def test_the_step_is_asked_for_by_its_section_and_in_a_full_run_only():
    assert certainty.STEP.depth == "full"
    assert certainty.STEP.is_asked(the_ground().study)
    assert not certainty.STEP.is_asked(toy.study())
    with pytest.raises(StudyError, match=r"no \[measures.certainty\]"):
        certainty.measure(SimpleNamespace(study=toy.study()))


def test_every_fault_of_the_section_is_told_at_once():
    wrong = {
        **RANGES,
        "speeds": [{"mode": "boat", "low": 0.5, "high": 2.0, **SOURCE}] * 2,
        "confidence": 0.9,
    }
    with pytest.raises(StudyError) as caught:
        toy.study(measures={"certainty": wrong})
    told = str(caught.value)
    assert "measures.certainty.speeds: the id 'boat' is given twice" in told
    assert "measures.certainty.speeds.mode: 'boat' is not declared" in told
    with pytest.raises(StudyError, match="must ascend"):
        toy.study(measures={"certainty": {**RANGES, "path": {"low": 1, "likely": 0.9, "high": 1, **SOURCE}}})
    with pytest.raises(StudyError, match=r"measures\.certainty\.path\.source: is missing"):
        toy.study(measures={"certainty": {**RANGES, "path": {"low": 1, "likely": 1, "high": 1}}})


def test_the_embedded_study_states_its_ranges_with_their_sources():
    found = config.read_study(embedded_study_path()).measures.certainty
    assert found.draws == 500
    assert [entry.mode for entry in found.speeds] == ["walk", "ebike", "car"]
    for entry in (found.path, found.snap_m, *found.speeds):
        assert entry.source
        assert entry.source_en
        assert entry.low < entry.high
