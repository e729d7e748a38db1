"""Points onto edges, against hand-worked places and against shapely's distance to every edge."""

import dataclasses

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chongming_gis import network
from chongming_gis.errors import CrsError, TableError
from chongming_gis.network.snap import REASONS
from tests.toy.roads import BIKE, CAR, CRS, FOOT, X0, Y0, points, road_tables, town


def snap(mode, *xy, roads=None):
    net = network.compile_network(town() if roads is None else roads, mode)
    return net, network.snap_points(net, points(*xy))


def where(net, at):
    return [int(net.edge_id[edge]) if edge >= 0 else None for edge in at.edge]


@pytest.mark.parametrize(
    ("mode", "xy", "edge", "fraction", "off_m"),
    [
        (FOOT, (30, 10), 0, 0.3, 10.0),
        (FOOT, (250, -20), 2, 0.5, 20.0),
        (FOOT, (1350, 40), 7, 0.5, 40.0),
        (FOOT, (90, -30), 3, 0.6, 10.0),  # the path is the nearest for feet and bicycles
        (CAR, (90, -30), 4, 0.0, np.hypot(10, 20)),  # but not for cars: the end at the bollard
        (FOOT, (-30, -40), 0, 0.0, 50.0),  # beyond the end of a street: its corner
        (FOOT, (0, 0), 0, 0.0, 0.0),
        (FOOT, (40, 0), 0, 0.4, 0.0),
        (FOOT, (205, 150), 2, 0.05, 150.0),  # 5 m from the tunnel, but one cannot climb into it
        (CAR, (310, 250), 2, 1.0, np.hypot(10, 250)),  # 10 m from the motorway
        (FOOT, (400, -5), 2, 1.0, np.hypot(100, 5)),  # 5 m from the ferry
    ],
)
def test_a_point_steps_onto_the_nearest_place_it_may_use(mode, xy, edge, fraction, off_m):
    net, at = snap(mode, xy)
    assert where(net, at) == [edge]
    assert at.fraction[0] == pytest.approx(fraction)
    assert at.off_network_m[0] == pytest.approx(off_m)
    assert at.off_network_s[0] == pytest.approx(off_m)  # 3.6 km/h
    assert (REASONS[at.reason[0]], bool(at.left_tiny_piece[0])) == ("", False)


def test_the_off_network_leg_has_its_own_speed():
    _, at = snap(dataclasses.replace(BIKE, off_network_speed_kmh=7.2), (30, 10))
    assert at.off_network_s[0] == pytest.approx(5.0)


def test_corners_belong_to_the_edge_with_the_smaller_id():
    """At B, C, E (for feet) and F, on the corner and off it, several edges are equally near."""
    net, at = snap(FOOT, (100, 0), (200, 0), (100, -50), (200, -50), (100, 20), (90, -60))
    assert where(net, at) == [0, 1, 3, 4, 0, 3]
    assert at.fraction[:4].tolist() == [1.0, 1.0, 1.0, 1.0]


def test_the_limit_is_inclusive_and_beyond_it_a_reason_is_kept():
    """From A westwards: 300 m is within reach, 300.001 m is not; the sea is not; a missing point has another reason."""
    net, at = snap(FOOT, (-300, 0), (-300.001, 0), (800, -10), None)
    assert where(net, at) == [0, None, None, None]
    assert at.is_reachable.tolist() == [True, False, False, False]
    assert [REASONS[code] for code in at.reason] == ["", REASONS[1], REASONS[1], "no position"]
    assert at.off_network_m.tolist() == [300.0, np.inf, np.inf, np.inf]
    assert at.off_network_s.tolist() == [300.0, np.inf, np.inf, np.inf]
    assert len(at) == 4


@pytest.mark.parametrize("bad", [None, shapely.Point(), shapely.Point(np.nan, 0), shapely.Point(0, np.inf)])
def test_points_without_a_position_say_so(bad):
    net = network.compile_network(town(), FOOT)
    at = network.snap_points(net, gpd.GeoSeries([bad, shapely.Point(X0 + 50, Y0)], crs=CRS))
    assert [REASONS[code] for code in at.reason] == ["no position", ""]
    assert at.edge.tolist() == [-1, 0]


@pytest.mark.parametrize("far", [1e7, 1e18, 1e19, 1e300, -1e300])
@pytest.mark.parametrize("limit_m", [300.0, 1e5, 1e300])
def test_points_from_another_planet_are_only_far(far, limit_m):
    """However far a point and however wide the limit, the answer comes at once."""
    net = network.compile_network(town(), dataclasses.replace(FOOT, max_snap_m=limit_m, tiny_piece_m=0.0))
    at = network.snap_points(net, gpd.GeoSeries([shapely.Point(far, Y0), shapely.Point(X0, far)], crs=CRS))
    reached = abs(far) < limit_m
    if abs(far) < 1e100:  # beyond that the squares of distances overflow, and everything is infinitely far
        assert at.is_reachable.tolist() == [reached, reached]
    assert at.off_network_m[at.edge < 0].tolist() == [np.inf] * int((at.edge < 0).sum())


def test_tiny_pieces_are_avoided_where_a_substantial_one_is_within_reach():
    """J - K is 50 m long, less than the 60 m that count; E is 75 m east and 240 m north of the point, within 300 m."""
    net, at = snap(FOOT, (25, -290))
    assert (where(net, at), at.left_tiny_piece.tolist()) == ([3], [True])
    assert (at.fraction[0], at.off_network_m[0]) == (1.0, pytest.approx(np.hypot(75, 240)))
    assert at.report()["moved_from_tiny"] == 1


def test_tiny_pieces_are_better_than_nothing():
    net, at = snap(dataclasses.replace(FOOT, max_snap_m=200.0), (25, -290))
    assert (where(net, at), at.left_tiny_piece.tolist(), at.off_network_m.tolist()) == ([9], [False], [10.0])


def test_what_counts_as_tiny_is_the_mode_s():
    """A piece as long as the bound is not tiny; a bound of 0 makes nothing tiny, not even a street that leads away."""
    for tiny_piece_m in (50.0, 0.0):
        net, at = snap(dataclasses.replace(FOOT, tiny_piece_m=tiny_piece_m), (25, -290))
        assert (where(net, at), at.left_tiny_piece.tolist()) == ([9], [False])


def test_a_one_way_that_leads_out_of_a_piece_is_no_place_to_start_from():
    """By car one cannot come back over B > C, so a point beside it steps onto A - B, 50.2 m away."""
    net, at = snap(CAR, (150, 5))
    assert (where(net, at), at.left_tiny_piece.tolist(), at.fraction[0]) == ([0], [True], 1.0)
    assert at.off_network_m[0] == pytest.approx(np.hypot(50, 5))
    net, at = snap(BIKE, (150, 5))  # a bicycle comes back by the path
    assert (where(net, at), at.left_tiny_piece.tolist(), at.fraction[0]) == ([1], [False], 0.5)


def test_reports_count_every_point_once():
    _, at = snap(FOOT, (30, 10), (50, 30), (25, -290), (9000, 0), None)
    assert at.report() == {
        "points": 5,
        "snapped": 3,
        "out_of_reach": 2,
        "moved_from_tiny": 1,
        "median_m": 30.0,
        "longest_m": 251.446,
        "reasons": {"too far from a road of this mode": 1, "no position": 1},
    }
    _, nobody = snap(FOOT)
    assert (nobody.report()["points"], nobody.report()["median_m"], nobody.report()["reasons"]) == (0, None, {})


def test_some_of_the_points_in_another_order():
    net, at = snap(FOOT, (30, 10), (9000, 0), (250, -20))
    some = at.take(np.array([2, 1]))
    assert where(net, some) == [2, None]
    assert (some.fraction.tolist(), some.reason.tolist()) == ([0.5, 0.0], [0, 1])


def test_the_shape_of_the_edge_counts_not_its_ends():
    """A hairpin of 100 + 20 + 100 m: the point beside its second leg is 3/4 along, though its ends are 20 m apart."""
    places = {1: (0, 0), 2: (0, 20)}
    roads = road_tables(places, [(1, 2, {"highway": "path", "line": [(100, 0), (100, 20)]})])
    _, at = snap(dataclasses.replace(FOOT, tiny_piece_m=0.0), (55, 22), (103, 10), roads=roads)
    assert at.fraction == pytest.approx([165 / 220, 110 / 220])
    assert at.off_network_m == pytest.approx([2.0, 3.0])


def test_an_edge_without_length_can_be_stepped_onto():
    places = {1: (0, 0), 2: (0, 0), 3: (100, 0)}
    roads = road_tables(places, [(1, 2, {"highway": "path"}), (2, 3, {"highway": "path"})])
    net, at = snap(dataclasses.replace(FOOT, tiny_piece_m=0.0), (-5, 0), roads=roads)
    assert (where(net, at), at.off_network_m.tolist()) == ([0], [5.0])
    assert 0.0 <= at.fraction[0] <= 1.0


def test_points_in_another_crs_are_refused():
    net = network.compile_network(town(), FOOT)
    with pytest.raises(CrsError, match=r"EPSG:4326.*EPSG:32651"):
        network.snap_points(net, points((0, 0)).to_crs("EPSG:4326"))
    with pytest.raises(CrsError, match="no CRS"):
        network.snap_points(net, gpd.GeoSeries([shapely.Point(X0, Y0)]))
    with pytest.raises(CrsError, match="EPSG:32650"):
        network.snap_points(net, gpd.GeoSeries([shapely.Point(X0, Y0)], crs="EPSG:32650"))


def test_anything_but_points_is_refused_with_its_row():
    net = network.compile_network(town(), FOOT)
    mixed = gpd.GeoSeries({"p": shapely.Point(X0, Y0), "q": shapely.box(X0, Y0, X0 + 1, Y0 + 1)}, crs=CRS)
    with pytest.raises(TableError, match=r"1 of 2 geometries.*row q.*centroids"):
        network.snap_points(net, mixed)
    with pytest.raises(TableError, match=r"1 of 1.*row 0"):
        network.snap_points(net, gpd.GeoSeries([shapely.MultiPoint([(X0, Y0)])], crs=CRS))


def brute_force(net, geometry):
    """Edge, distance and "left a tiny piece" by shapely's distance to every edge, one point at a time."""
    edge, off_m, left = [], [], []
    is_large = net.piece_m >= net.mode.tiny_piece_m
    for point in geometry:
        far = shapely.distance(net.lines, point)
        near = net.can_snap & (far <= net.mode.max_snap_m + 1e-9)
        chosen = near & is_large if (near & is_large).any() else near
        if not chosen.any():
            edge.append([])
            off_m.append(np.inf)
            left.append(False)
            continue
        least = far[chosen].min()
        edge.append(np.flatnonzero(chosen & (far <= least + 1e-7)).tolist())
        off_m.append(least)
        left.append(bool((far[near] < least - 1e-6).any()))
    return edge, np.array(off_m), left


def assert_as_brute_force(net, geometry):
    """The same distance and tiny-piece verdict; an equally near edge; a fraction at that distance."""
    at = network.snap_points(net, gpd.GeoSeries(geometry, crs=net.crs))
    edge, off_m, left = brute_force(net, geometry)
    np.testing.assert_allclose(at.off_network_m, off_m, rtol=0, atol=1e-6)
    assert at.left_tiny_piece.tolist() == left
    for row, equally_near in enumerate(edge):
        if not equally_near:
            assert (at.edge[row], REASONS[at.reason[row]]) == (-1, "too far from a road of this mode")
            continue
        assert at.edge[row] in equally_near
        assert 0.0 <= at.fraction[row] <= 1.0
        place = shapely.line_interpolate_point(net.lines[at.edge[row]], at.fraction[row], normalized=True)
        assert shapely.distance(place, geometry[row]) == pytest.approx(off_m[row], abs=1e-6)
    return at


@st.composite
def tangles(draw):
    """Up to 12 edges of one to three segments between places on a small grid (crossing, touching, parallel, of no
    length, one-way or a ferry), and up to 6 points, some of them on the grid itself, some far outside.
    """
    n = draw(st.integers(2, 8))
    number = st.integers(-200, 200)
    places = {i: (draw(number), draw(number)) for i in range(n)}
    node = st.integers(0, n - 1)
    roads = []
    for _ in range(draw(st.integers(1, 12))):
        u, v = draw(node), draw(node)
        inner = draw(st.lists(st.tuples(number, number), min_size=int(u == v), max_size=2))
        tags = draw(
            st.sampled_from(
                [{"highway": "path"}, {"highway": "path", "oneway": "yes"}, {"highway": "path", "tunnel": "yes"}]
            )
        )
        roads.append((u, v, {**tags, "line": inner}))
    roads.append((0, 1, {"highway": "path", "line": [(5, 5)]}))
    offset = st.one_of(number, st.floats(-600, 600, allow_nan=False), st.just(4000))
    beside = draw(st.lists(st.tuples(offset, offset), min_size=1, max_size=6))
    return road_tables(places, roads), beside


@settings(max_examples=100)
@given(tangles(), st.sampled_from([20.0, 300.0, 5000.0]), st.sampled_from([0.0, 150.0, 1e9]))
@example((road_tables({0: (0, 0), 1: (0, 0)}, [(0, 1, {"highway": "path"})]), [(0, 0), (3, 4)]), 20.0, 0.0)
def test_any_tangle_of_edges_gives_what_brute_force_gives(tangle, max_snap_m, tiny_piece_m):
    roads, beside = tangle
    mode = dataclasses.replace(BIKE, max_snap_m=max_snap_m, tiny_piece_m=tiny_piece_m)
    assert_as_brute_force(network.compile_network(roads, mode), points(*beside).to_numpy())


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_equally_near_edges_go_to_the_smaller_id(seed):
    """A star of eight spokes of whole metres around one corner, in any order: all points at the corner take edge 0."""
    rng = np.random.default_rng(seed)
    spokes = rng.permutation([(100, 0), (0, 100), (-100, 0), (0, -100), (60, 80), (-60, 80), (60, -80), (-60, -80)])
    places = {0: (0, 0), **{i + 1: tuple(map(int, spoke)) for i, spoke in enumerate(spokes)}}
    roads = [(0, i, {"highway": "path"}) if rng.random() < 0.5 else (i, 0, {"highway": "path"}) for i in range(1, 9)]
    net = network.compile_network(road_tables(places, roads), FOOT)
    assert network.snap_points(net, points((0, 0), (0, 0))).edge.tolist() == [0, 0]


def test_results_do_not_depend_on_threads_or_on_the_order_of_points(monkeypatch):
    rng = np.random.default_rng(5)
    net = network.compile_network(town(), FOOT)
    xy = [tuple(at) for at in rng.uniform([-300, -400], [1700, 500], (200, 2))]
    found = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("CHONGMING_THREADS", threads)
        found.append(network.snap_points(net, points(*xy)))
    turned = rng.permutation(len(xy))
    again = network.snap_points(net, points(*[xy[i] for i in turned]))
    for name in ("edge", "fraction", "off_network_m", "reason", "left_tiny_piece"):
        values = [getattr(at, name) for at in found]
        assert values[0].tobytes() == values[1].tobytes() == values[2].tobytes(), name
        assert getattr(again, name).tobytes() == values[0][turned].tobytes(), name


@pytest.mark.extract
@pytest.mark.parametrize(("name", "preset"), [("liechtenstein", "older_walk"), ("helsinki", "car")])
def test_points_over_an_extract_snap_where_brute_force_says(shared_data, name, preset):
    """150 points over the whole extract, its emptiest corners included, and 50 within 100 m of a road's corner."""
    from chongming_gis import sources

    net = network.compile_network(sources.read_roads(shared_data / "osm" / f"{name}.osm.pbf"), network.preset(preset))
    rng = np.random.default_rng(20)
    west, south, east, north = shapely.total_bounds(net.lines)
    anywhere = rng.uniform([west - 500, south - 500], [east + 500, north + 500], (150, 2))
    corners = shapely.get_coordinates(net.lines)
    beside = corners[rng.integers(0, len(corners), 50)] + rng.uniform(-100, 100, (50, 2))
    at = assert_as_brute_force(net, shapely.points(np.vstack([anywhere, beside])))
    assert at.is_reachable[150:].all()
    assert not at.is_reachable[:150].all()
