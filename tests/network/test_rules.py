"""What tags mean for each mode, by tables: OSM's access hierarchy, one-ways, barriers, speeds, ferries, tunnels."""

import dataclasses
import inspect

import numpy as np
import pytest

from chongming_gis import config, network, sources, tables
from chongming_gis.errors import NetworkError
from chongming_gis.network import rules
from tests import oracle
from tests.toy.roads import BIKE, CAR, FOOT, one_street, road_tables

MODES = {"foot": FOOT, "bicycle": BIKE, "motor_vehicle": CAR}


def use(tags, mode):
    """Seconds along and against one 100 m edge, and whether points snap to it."""
    found = rules.edge_use(one_street(tags), mode)
    return found.forward_s[0], found.backward_s[0], bool(found.can_snap[0])


def who(tags):
    """The modes that may use an edge in at least one direction, as initials: f, b, m."""
    return "".join(name[0] for name, mode in MODES.items() if np.isfinite(use(tags, mode)[:2]).any())


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        # no access tag: the class decides
        ({"highway": "residential"}, "fbm"),
        ({"highway": "unclassified"}, "fbm"),
        ({"highway": "trunk"}, "fbm"),
        ({"highway": "living_street"}, "fbm"),
        ({"highway": "service"}, "fbm"),
        ({"highway": "motorway"}, "m"),
        ({"highway": "motorway_link"}, "m"),
        ({"highway": "track"}, "fb"),
        ({"highway": "path"}, "fb"),
        ({"highway": "cycleway"}, "fb"),
        ({"highway": "footway"}, "f"),
        ({"highway": "pedestrian"}, "f"),
        ({"highway": "steps"}, "f"),
        ({"highway": "bridleway"}, "f"),
        ({"highway": "busway"}, ""),
        ({"highway": "construction"}, ""),
        ({"highway": "raceway"}, ""),
        ({}, ""),
        ({"railway": "rail"}, ""),
        # the general key binds everyone; the mode's own key wins over it, in both directions
        ({"highway": "residential", "access": "no"}, ""),
        ({"highway": "residential", "access": "private"}, ""),
        ({"highway": "residential", "access": "no", "foot": "yes"}, "f"),
        ({"highway": "residential", "access": "private", "bicycle": "permissive"}, "b"),
        ({"highway": "residential", "access": "no", "motor_vehicle": "destination"}, "m"),
        ({"highway": "residential", "access": "yes", "foot": "no"}, "bm"),
        ({"highway": "residential", "access": "permissive", "motor_vehicle": "private"}, "fb"),
        ({"highway": "residential", "foot": "use_sidepath"}, "bm"),
        ({"highway": "residential", "bicycle": "use_sidepath"}, "fm"),
        ({"highway": "residential", "motor_vehicle": "agricultural"}, "fb"),
        ({"highway": "residential", "motor_vehicle": "forestry", "bicycle": "no"}, "f"),
        ({"highway": "residential", "access": "destination"}, "fbm"),
        ({"highway": "residential", "access": "permissive"}, "fbm"),
        ({"highway": "residential", "access": "designated"}, "fbm"),
        ({"highway": "residential", "access": "military"}, ""),
        # words that nobody knows say nothing: the next key is asked
        ({"highway": "residential", "access": "unbekannt"}, "fbm"),
        ({"highway": "residential", "access": "no", "foot": "unbekannt"}, ""),
        ({"highway": "footway", "bicycle": "shared"}, "f"),
        # lists open what one of their words opens; case and spaces do not matter
        ({"highway": "residential", "motor_vehicle": "agricultural;forestry"}, "fb"),
        ({"highway": "residential", "access": "no;destination"}, "fbm"),
        ({"highway": "residential", "access": " No "}, ""),
        # what a class closes only the mode's own key opens: a bare access=yes repeats the class
        ({"highway": "footway", "access": "yes"}, "f"),
        ({"highway": "footway", "bicycle": "yes"}, "fb"),
        ({"highway": "footway", "motor_vehicle": "permissive"}, "fm"),
        ({"highway": "track", "access": "yes"}, "fb"),
        ({"highway": "track", "motor_vehicle": "yes"}, "fbm"),
        ({"highway": "path", "motor_vehicle": "destination"}, "fbm"),
        ({"highway": "pedestrian", "bicycle": "yes", "foot": "no"}, "b"),
        ({"highway": "busway", "foot": "yes"}, "f"),
        # what is not there on the ground no tag opens
        ({"highway": "motorway", "foot": "yes", "bicycle": "yes"}, "m"),
        ({"highway": "steps", "bicycle": "yes", "motor_vehicle": "yes"}, "f"),
        ({"highway": "construction", "access": "yes", "foot": "yes"}, ""),
        # motor roads are for motors unless they say otherwise
        ({"highway": "trunk", "motorroad": "yes"}, "m"),
        ({"highway": "trunk", "motorroad": "yes", "bicycle": "yes"}, "bm"),
        ({"highway": "trunk", "motorroad": "no"}, "fbm"),
        # tunnels follow their tags, but of trunk class they are closed to feet and bicycles whatever is tagged
        ({"highway": "primary", "tunnel": "yes"}, "fbm"),
        ({"highway": "primary", "tunnel": "yes", "foot": "no"}, "bm"),
        ({"highway": "trunk", "tunnel": "yes"}, "m"),
        ({"highway": "trunk_link", "tunnel": "yes", "foot": "yes"}, "m"),
        ({"highway": "trunk", "tunnel": "no"}, "fbm"),
        # ferries: feet and bicycles unless tagged no, cars where tagged
        ({"route": "ferry"}, "fb"),
        ({"route": "ferry", "motor_vehicle": "yes"}, "fbm"),
        ({"route": "ferry", "access": "yes"}, "fb"),
        ({"route": "ferry", "access": "private"}, ""),
        ({"route": "ferry", "access": "no", "foot": "yes"}, "f"),
        ({"route": "ferry", "foot": "no"}, "b"),
        ({"route": "bus"}, ""),
        # a road on which a ferry relation was tagged is a road
        ({"route": "ferry", "highway": "residential"}, "fbm"),
    ],
)
def test_who_may_use_an_edge(tags, expected):
    assert who(tags) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"vehicle": "no"}, "f"),
        ({"vehicle": "no", "bicycle": "yes"}, "fb"),
        ({"vehicle": "no", "motor_vehicle": "yes"}, "fm"),
        ({"motor_vehicle": "no", "motorcar": "yes"}, "fbm"),
        ({"motor_vehicle": "yes", "motorcar": "no"}, "fb"),
        ({"access": "no", "vehicle": "yes"}, "bm"),
        ({"access": "yes", "vehicle": "private", "motorcar": "destination"}, "fm"),
    ],
)
def test_keys_between_access_and_the_mode_refine_in_their_order(tmp_path, raw, expected):
    """access < vehicle < motor_vehicle < motorcar, and access < vehicle < bicycle, read through the .osm door."""
    tags = "".join(f'<tag k="{k}" v="{v}"/>' for k, v in {"highway": "residential", **raw}.items())
    (tmp_path / "town.osm").write_text(
        '<osm version="0.6"><node id="1" lon="121.5" lat="31.6"/><node id="2" lon="121.501" lat="31.6"/>'
        f'<way id="9"><nd ref="1"/><nd ref="2"/>{tags}</way></osm>'
    )
    roads = sources.read_roads(tmp_path / "town.osm")
    allowed = [name[0] for name, mode in MODES.items() if np.isfinite(rules.edge_use(roads, mode).forward_s[0])]
    assert "".join(allowed) == expected


@pytest.mark.parametrize(
    ("tags", "bicycle", "motor_vehicle"),
    [
        ({}, "<>", "<>"),
        ({"oneway": "no"}, "<>", "<>"),
        ({"oneway": "yes"}, ">", ">"),
        ({"oneway": "true"}, ">", ">"),
        ({"oneway": "1"}, ">", ">"),
        ({"oneway": "Yes"}, ">", ">"),
        ({"oneway": "-1"}, "<", "<"),
        ({"oneway": "reverse"}, "<", "<"),
        ({"oneway": "reversible"}, "", ""),
        ({"oneway": "alternating"}, "<>", "<>"),
        ({"oneway": "maybe"}, "<>", "<>"),
        ({"junction": "roundabout"}, ">", ">"),
        ({"junction": "circular"}, ">", ">"),
        ({"junction": "roundabout", "oneway": "no"}, "<>", "<>"),
        ({"junction": "roundabout", "oneway": "-1"}, "<", "<"),
        ({"junction": "yes"}, "<>", "<>"),
        ({"highway": "motorway"}, "", ">"),
        ({"highway": "motorway", "oneway": "no"}, "", "<>"),
        ({"highway": "motorway_link"}, "", "<>"),
        ({"oneway": "yes", "oneway_bicycle": "no"}, "<>", ">"),
        ({"oneway": "yes", "oneway_bicycle": "-1"}, "<", ">"),
        ({"oneway_bicycle": "yes"}, ">", "<>"),
        ({"junction": "roundabout", "oneway_bicycle": "no"}, "<>", ">"),
        ({"oneway": "reversible", "oneway_bicycle": "no"}, "<>", ""),
        ({"highway": None, "route": "ferry", "motor_vehicle": "yes", "oneway": "yes"}, ">", ">"),
    ],
)
def test_one_ways_bind_wheels(tags, bicycle, motor_vehicle):
    tags = {"highway": "residential", **tags}
    for mode, expected in ((BIKE, bicycle), (CAR, motor_vehicle)):
        along, against, _ = use(tags, mode)
        assert (">" in expected, "<" in expected) == (np.isfinite(along), np.isfinite(against))


@pytest.mark.parametrize(
    "tags", [{"oneway": "yes"}, {"oneway": "-1"}, {"junction": "roundabout"}, {"oneway": "reversible"}]
)
def test_one_ways_do_not_bind_feet(tags):
    along, against, _ = use({"highway": "residential", **tags}, FOOT)
    assert along == against == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("tags", "stopped"),
    [
        ({}, ""),
        ({"foot": "no", "access": "no"}, ""),  # no barrier: a crossing's own tags stop nobody
        ({"barrier": "bollard"}, "m"),
        ({"barrier": "block"}, "m"),
        ({"barrier": "cycle_barrier"}, "m"),
        ({"barrier": "gate"}, ""),
        ({"barrier": "lift_gate"}, ""),
        ({"barrier": "cattle_grid"}, ""),
        ({"barrier": "border_control"}, ""),
        ({"barrier": "entrance"}, ""),
        ({"barrier": "stile"}, "bm"),
        ({"barrier": "kissing_gate"}, "bm"),
        ({"barrier": "turnstile"}, "bm"),
        ({"barrier": "wall"}, "fbm"),
        ({"barrier": "fence"}, "fbm"),
        ({"barrier": "never_heard_of"}, "bm"),
        ({"barrier": "gate", "access": "private"}, "fbm"),
        ({"barrier": "gate", "access": "no"}, "fbm"),
        ({"barrier": "gate", "access": "private", "foot": "yes"}, "bm"),
        ({"barrier": "gate", "access": "no", "foot": "yes", "bicycle": "designated"}, "m"),
        ({"barrier": "gate", "access": "yes", "motor_vehicle": "private"}, "m"),
        ({"barrier": "bollard", "bicycle": "no"}, "bm"),
        ({"barrier": "bollard", "motor_vehicle": "yes"}, ""),
        ({"barrier": "bollard", "access": "unbekannt"}, "m"),
        ({"barrier": "wall", "foot": "yes"}, "bm"),
    ],
)
def test_barriers_stop_whom_they_stop(tags, stopped):
    roads = one_street({"highway": "residential"}, barrier=tags)
    found = {name: rules.blocked_nodes(roads, mode).tolist() for name, mode in MODES.items()}
    assert "".join(name[0] for name, at in found.items() if at[1]) == stopped
    assert not any(at[0] or at[2] for at in found.values())


@pytest.mark.parametrize(
    ("maxspeed", "limit_kmh"),
    [
        ("50", 50.0),
        ("50 km/h", 50.0),
        ("50kmh", 50.0),
        ("30 mph", 30 * 1.609344),
        ("30mph", 30 * 1.609344),
        ("10 knots", 18.52),
        ("50;80", 50.0),
        ("80; 50", 50.0),
        ("80|60|40", 40.0),
        ("none;60", 60.0),
        ("CN:urban", 50.0),
        ("CN:rural", 70.0),
        ("DE:urban", 50.0),
        ("DE:zone30", 30.0),
        ("DE:zone:30", 30.0),
        ("DE:30", 30.0),
        ("walk", 7.0),
        ("DE:living_street", 20.0),
        ("7.5", 7.5),
        # what says nothing readable sets no limit
        ("none", None),
        ("signals", None),
        ("variable", None),
        ("", None),
        ("0", None),
        ("-50", None),
        ("fast", None),
        ("CN:", None),
        ("²", None),
        ("DE:zone²", None),
        ("5 0", None),
    ],
)
def test_maxspeed_in_all_its_forms(maxspeed, limit_kmh):
    """A car of 100 km/h on 100 m: the limit, and where there is none its own speed."""
    fast = dataclasses.replace(CAR, speed_kmh=100.0)
    seconds, _, _ = use({"highway": "residential", "maxspeed": maxspeed}, fast)
    assert seconds == pytest.approx(0.1 / (limit_kmh or 100.0) * 3600.0)


def test_a_limit_only_slows():
    """maxspeed 80 does not make an e-bike or a car of 20 km/h faster, and feet have none."""
    tags = {"highway": "residential", "maxspeed": "80"}
    assert use(tags, BIKE)[0] == pytest.approx(20.0)
    assert use(tags, dataclasses.replace(CAR, speed_kmh=20.0))[0] == pytest.approx(18.0)
    assert use({"highway": "residential", "maxspeed": "2"}, FOOT)[0] == pytest.approx(100.0)


def test_bicycles_are_pushed_where_riders_dismount():
    """100 m at 3.6 km/h; a rider who is slower than that is not hurried."""
    tags = {"highway": "footway", "bicycle": "dismount"}
    assert use(tags, BIKE)[0] == pytest.approx(100.0)
    assert use(tags, dataclasses.replace(BIKE, speed_kmh=1.8))[0] == pytest.approx(200.0)


def test_speeds_by_class_and_the_class_that_stands_for_the_rest():
    by_class = dataclasses.replace(CAR, speed_kmh={"primary": 72.0, "default": 18.0})
    assert use({"highway": "primary"}, by_class)[0] == pytest.approx(5.0)
    assert use({"highway": "residential"}, by_class)[0] == pytest.approx(20.0)


@pytest.mark.parametrize("tags", [{}, {"maxspeed": "50"}, {"maxspeed": "50", "bicycle": "dismount"}])
def test_a_class_without_a_speed_is_closed_whatever_its_limit(tags):
    """Without ``default`` the classes that are not named are closed; a maxspeed tag does not open them."""
    for mode in (BIKE, CAR, FOOT):
        only_primary = dataclasses.replace(mode, speed_kmh={"primary": 72.0})
        along, against, can_snap = use({"highway": "residential", **tags}, only_primary)
        assert (along, against, can_snap) == (np.inf, np.inf, False)


def test_a_ferry_costs_its_crossing_and_half_the_headway():
    assert use({"route": "ferry", "duration_s": 300.0, "headway_s": 600.0}, FOOT)[0] == pytest.approx(600.0)


def test_a_ferry_that_says_nothing_takes_the_study_s_speed_and_headway():
    """100 m at 36 km/h is 10 s, and half of a headway of 100 s is 50 s."""
    mode = dataclasses.replace(FOOT, ferry_speed_kmh=36.0, ferry_headway_s=100.0)
    assert use({"route": "ferry"}, mode)[0] == pytest.approx(60.0)
    assert use({"route": "ferry", "duration_s": 30.0}, mode)[0] == pytest.approx(80.0)
    assert use({"route": "ferry", "headway_s": 40.0}, mode)[0] == pytest.approx(30.0)


def test_a_ferry_in_three_edges_waits_once():
    """A crossing of 1,000 s every 600 s cut 0.2 + 0.3 + 0.5: the whole way costs 1,000 + 300 s."""
    places = {1: (0, 0), 2: (200, 0), 3: (500, 0), 4: (1000, 0)}
    ferry = {"route": "ferry", "headway_s": 600.0, "way_id": 7}
    roads = road_tables(
        places,
        [(i, i + 1, {**ferry, "way_share": s, "duration_s": 1000.0 * s}) for i, s in ((1, 0.2), (2, 0.3), (3, 0.5))],
    )
    seconds = rules.edge_use(roads, FOOT).forward_s
    assert seconds == pytest.approx([260.0, 390.0, 650.0])
    assert seconds.sum() == pytest.approx(1300.0)


@pytest.mark.parametrize(
    ("tags", "mode", "expected"),
    [
        ({"highway": "residential"}, FOOT, True),
        ({"highway": "residential", "bridge": "yes"}, FOOT, True),
        ({"highway": "residential", "tunnel": "no"}, FOOT, True),
        ({"highway": "residential", "tunnel": "yes"}, FOOT, False),
        ({"highway": "footway", "tunnel": "building_passage"}, FOOT, False),
        ({"highway": "motorway"}, CAR, False),
        ({"highway": "motorway_link"}, CAR, False),
        ({"highway": "trunk"}, CAR, True),
        ({"route": "ferry"}, FOOT, False),
        ({"highway": "residential", "access": "no"}, FOOT, False),
    ],
)
def test_points_step_only_onto_what_has_ground_beside_it(tags, mode, expected):
    assert use(tags, mode)[2] is expected


def test_the_tables_are_not_written_into():
    roads = one_street({"highway": "residential", "oneway": "yes", "maxspeed": "30"}, barrier={"barrier": "gate"})
    before = roads.edges.copy(), roads.nodes.copy()
    for mode in MODES.values():
        rules.edge_use(roads, mode)
        rules.blocked_nodes(roads, mode)
    assert roads.edges.equals(before[0])
    assert roads.nodes.equals(before[1])


@pytest.mark.extract
@pytest.mark.parametrize("name", ["liechtenstein", "helsinki"])
@pytest.mark.parametrize("preset", ["older_walk", "ebike", "car"])
def test_every_edge_and_barrier_of_an_extract_is_read_as_the_slow_twin_reads_it(shared_data, name, preset):
    roads = _extract(shared_data, name)
    mode = network.preset(preset)
    found = rules.edge_use(roads, mode)
    slow = [oracle.read_edge(edge, mode) for edge in oracle.records(roads.edges)]
    np.testing.assert_allclose(found.forward_s, [edge.along_s for edge in slow], rtol=1e-12)
    np.testing.assert_allclose(found.backward_s, [edge.against_s for edge in slow], rtol=1e-12)
    assert found.can_snap.tolist() == [edge.can_snap for edge in slow]
    stopped = [oracle.stops(node, mode.access) for node in oracle.records(roads.nodes)]
    assert rules.blocked_nodes(roads, mode).tolist() == stopped
    assert 0 < np.isfinite(found.forward_s).sum() <= len(roads.edges)


_READ: dict[str, tables.RoadTables] = {}


def _extract(shared_data, name):
    if name not in _READ:
        _READ[name] = sources.read_roads(shared_data / "osm" / f"{name}.osm.pbf")
    return _READ[name]


@pytest.mark.parametrize(
    "change",
    [
        {"access": "horse"},
        {"speed_kmh": 0.0},
        {"speed_kmh": -1.0},
        {"speed_kmh": float("nan")},
        {"speed_kmh": float("inf")},
        {"speed_kmh": {"primary": 0.0}},
        {"off_network_speed_kmh": 0.0},
        {"max_snap_m": float("inf")},
        {"max_snap_m": 0.0},
        {"ferry_speed_kmh": 0.0},
        {"ferry_headway_s": -1.0},
        {"tiny_piece_m": -1.0},
        {"tiny_piece_m": float("nan")},
    ],
)
def test_a_mode_refuses_what_is_not_a_speed_or_a_limit(change):
    key, value = next(iter(change.items()))
    named = {"access": "horse"}.get(key, "primary" if isinstance(value, dict) else key)
    with pytest.raises(NetworkError, match=f"'foot'.*{named}"):
        dataclasses.replace(FOOT, **change)


def test_every_fault_of_a_mode_is_told_at_once():
    with pytest.raises(NetworkError, match=r"speed_kmh = -1.*max_snap_m = 0.*tiny_piece_m = -2"):
        dataclasses.replace(FOOT, speed_kmh=-1, max_snap_m=0, tiny_piece_m=-2)


def test_a_mode_is_made_by_names_only():
    parameters = inspect.signature(network.TravelMode).parameters
    assert {"name", "access", "speed_kmh", "off_network_speed_kmh", "max_snap_m"} <= set(parameters)
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())


def test_presets_are_named_in_the_error():
    assert network.preset("car").access == "motor_vehicle"
    with pytest.raises(NetworkError, match=r"'tram'.*older_walk.*ebike.*car"):
        network.preset("tram")


def _declared(preset, **changes):
    words = {"id": "m", "name_zh": "x", "name_en": "x", "source": "x"}
    entry = config.ModeConfig(**words, preset=preset, **changes)
    return network.mode_of_study(entry, ferry_speed_kmh=12.0, ferry_headway_min=20.0, tiny_piece_m=77.0)


def test_a_study_s_mode_is_its_preset_and_what_the_study_changes():
    mode = _declared("ebike", max_snap_m=50.0)
    assert (mode.name, mode.access, mode.speed_kmh, mode.max_snap_m) == ("m", "bicycle", 15.0, 50.0)
    assert (mode.ferry_speed_kmh, mode.ferry_headway_s, mode.tiny_piece_m) == (12.0, 1200.0, 77.0)
    assert mode.off_network_speed_kmh == network.preset("ebike").off_network_speed_kmh


def test_a_walker_leaves_the_road_at_the_study_s_walking_speed():
    assert _declared("older_walk", speed_kmh=3).off_network_speed_kmh == 3.0
    assert _declared("older_walk", speed_kmh=3, off_network_speed_kmh=2).off_network_speed_kmh == 2.0
    assert _declared("ebike", speed_kmh=20).off_network_speed_kmh == 3.6
    assert _declared("car", speed_kmh={"default": 30}).speed_kmh == {"default": 30.0}
