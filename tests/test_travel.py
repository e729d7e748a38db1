"""Travel times: the toy town by hand, a networkx twin on random graphs and real extracts, and what must always hold."""

import dataclasses
import functools
import inspect
import operator

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import network, sources, tables, travel
from chongming_gis.errors import CrsError, NetworkError
from tests import oracle
from tests.toy.roads import BIKE, CAR, FOOT, points, road_tables, snapped, town

INF = np.inf
MODES = (FOOT, BIKE, CAR)
# P, Q and R of the hand-worked answers: 10 m north of A - B, 20 m south of C - D, 40 m north of G - H on the island
P, Q, R = (30, 10), (250, -20), (1350, 40)


def times_of(mode, origins, destinations, cutoff_s=INF):
    net = network.compile_network(town(), mode)
    return oracle.dense(travel.travel_times(net, points(*origins), points(*destinations), cutoff_s=cutoff_s).matrix)


@pytest.mark.parametrize(
    ("mode", "start", "end", "seconds"),
    [
        (FOOT, P, Q, 10 + 70 + 100 + 50 + 20),
        (FOOT, Q, P, 10 + 70 + 100 + 50 + 20),  # feet ignore the one-way
        (BIKE, P, Q, 10 + (70 + 100 + 50) / 5 + 20),
        (BIKE, Q, P, 20 + (50 + 50 + 100 + 50 + 70) / 5 + 10),  # back by C F E B: past the bollard, up the path
        (CAR, P, Q, 10 + (70 + 100 + 50) / 10 + 20),
        (CAR, Q, P, INF),  # cars may neither go against the one-way nor up the path
        (FOOT, P, R, 10 + 70 + 100 + 100 + (300 + 600 / 2) + 50 + 40),
        (BIKE, P, R, 10 + (70 + 100 + 100) / 5 + (300 + 600 / 2) + 50 / 5 + 40),
        (CAR, P, R, INF),  # the ferry takes no cars
        (FOOT, P, P, 10 + 10),  # to the road and back to the same place
        (FOOT, (20, 0), (70, 0), 50),
        (BIKE, (170, 0), (130, 0), (30 + 50 + 100 + 50 + 30) / 5),  # against the one-way: all the way round
        (BIKE, (130, 0), (170, 0), 40 / 5),
        (CAR, (310, 250), (200, -40), np.hypot(10, 250) + (100 + 40) / 10),  # from D, not from the motorway
        (FOOT, (100, -50), (200, 0), 150),  # from corner to corner
    ],
)
def test_answers_worked_by_hand(mode, start, end, seconds):
    """Metres are seconds on foot; a bicycle is five, a car ten times as fast, and the ferry takes 300 + 600 / 2 s."""
    assert times_of(mode, [start], [end])[0, 0] == pytest.approx(seconds, abs=1e-6)


def test_a_bollard_stops_cars_between_two_points_beside_it():
    """E ends the street E - F for a car: it can be reached from F, and nothing lies behind it."""
    roads = road_tables(
        {1: (0, 0), 2: (100, 0), 3: (200, 0)},
        [(1, 2, {"highway": "residential"}), (2, 3, {"highway": "residential"})],
        {2: {"barrier": "bollard"}},
    )
    before, behind = points((95, 0)), points((105, 0))
    for mode, seconds in ((CAR, INF), (BIKE, 2.0), (FOOT, 10.0)):
        net = network.compile_network(roads, mode)
        assert oracle.dense(travel.travel_times(net, before, behind, cutoff_s=900).matrix)[0, 0] == pytest.approx(
            seconds
        )


def test_the_nearest_by_hand():
    """For a walker at P: Q 250 s, R 970 s; at the island R is nearest; from beyond all streets there is none."""
    net = network.compile_network(town(), FOOT)
    near = travel.nearest(net, points(P, (1400, 0), (9000, 0)), points(Q, R), k=2)
    np.testing.assert_allclose(near.time_s, [[250, 970], [90, 100 + 600 + 50 + 20], [INF, INF]])
    assert near.destination.tolist() == [[0, 1], [1, 0], [-1, -1]]


def test_direction_is_part_of_the_question():
    """By bicycle from P to Q takes 74 s, and from Q to P 94 s; by car P reaches Q but cannot be served from it."""
    for mode, there, back in ((BIKE, 74, 94), (CAR, 52, INF)):
        net = network.compile_network(town(), mode)
        to = travel.nearest(net, points(P), points(Q))
        from_ = travel.nearest(net, points(P), points(Q), direction="from_destination")
        assert to.time_s[0, 0] == pytest.approx(there)
        assert from_.time_s[0, 0] == pytest.approx(back)
        limits = np.array([there])
        assert travel.count_within(net, points(P), points(Q), limit_s=limits).tolist() == [1]
        counted = travel.count_within(net, points(P), points(Q), limit_s=limits, direction="from_destination")
        assert counted.tolist() == [0]


def test_the_upper_bound_is_inclusive():
    """Exactly 250 s on foot is within 250 s; the same to a microsecond below the bound is not."""
    net = network.compile_network(town(), FOOT)
    for cutoff_s, found in ((250.0, True), (249.999999, False), (250.000001, True)):
        assert travel.travel_times(net, points(P), points(Q), cutoff_s=cutoff_s).n_pairs == found
        near = travel.nearest(net, points(P), points(Q), cutoff_s=cutoff_s)
        assert (near.destination[0, 0] == 0, np.isfinite(near.time_s[0, 0])) == (found, found)
        assert travel.count_within(net, points(P), points(Q), limit_s=np.array([cutoff_s]))[0] == found


def test_the_bound_does_not_hang_on_the_last_bit_of_a_sum():
    """Nine legs of 100.1 m are 900.9 s, though 100.1 nine times is 900.9000000000001 in binary."""
    places = {i: (100 * i, 0) for i in range(10)}
    roads = road_tables(places, [(i, i + 1, {"highway": "path", "length_m": 100.1}) for i in range(9)])
    net = network.compile_network(roads, FOOT)
    start, end = snapped([0], [0.0], [0.0]), snapped([8], [1.0], [0.0])
    assert functools.reduce(operator.add, [100.1] * 9) != 900.9  # sum() itself compensates since Python 3.12
    for one, other in ((start, end), (end, start)):
        times = travel.travel_times(net, one, other, cutoff_s=900.9)
        assert (times.n_pairs, times.matrix.data.tolist()) == (1, [900.9])
        assert travel.nearest(net, one, other, cutoff_s=900.9).time_s.tolist() == [[900.9]]
        assert travel.count_within(net, one, other, limit_s=np.array([900.9])).tolist() == [1]


def test_a_stored_nought_is_a_nought():
    net = network.compile_network(town(), FOOT)
    times = travel.travel_times(net, points((40, 0)), points((40, 0), (9000, 0)), cutoff_s=900)
    assert (times.n_pairs, times.matrix.indices.tolist(), times.matrix.data.tolist()) == (1, [0], [0.0])
    times = travel.travel_times(net, points((40, 0), (9000, 0)), points((40, 0)), cutoff_s=900)
    assert (times.n_pairs, times.matrix.data.tolist()) == (1, [0.0])
    assert times.cutoff_s == 900.0


def test_downstream_on_a_one_way_that_leads_nowhere_is_no_way_at_all():
    """Both points stand on one one-way street and the origin is past the destination: inf, -1, also without cutoff."""
    net = network.compile_network(
        road_tables({1: (0, 0), 2: (100, 0)}, [(1, 2, {"highway": "path", "oneway": "yes"})]), BIKE
    )
    before, behind = snapped([0], [0.2], [0.0]), snapped([0], [0.7], [0.0])
    for k in (1, 2):
        near = travel.nearest(net, behind, before, k=k)
        assert (near.time_s.tolist(), near.destination.tolist()) == ([[INF] * k], [[-1] * k])
    assert travel.nearest(net, before, behind).time_s.tolist() == [[10.0]]
    assert travel.nearest(net, behind, before, direction="from_destination").time_s.tolist() == [[10.0]]
    assert travel.travel_times(net, behind, before, cutoff_s=INF).n_pairs == 0
    assert travel.count_within(net, behind, before, limit_s=np.array([INF])).tolist() == [0]


def test_equal_times_go_to_the_destination_that_stands_first():
    """Seven destinations in one place, so all times are equal to the last bit: the first k of them, whatever k."""
    net = network.compile_network(town(), FOOT)
    for k in range(1, 8):
        near = travel.nearest(net, points(P, (200, 10)), points(*[Q] * 7), k=k)
        assert near.destination.tolist() == [list(range(k))] * 2


def test_nobody_and_nowhere():
    """No origins, no destinations, or none within reach of a road: empty answers of the right shape."""
    net = network.compile_network(town(), FOOT)
    nowhere = (9000, 0)
    for start, end in (([], [Q]), ([P], []), ([], []), ([nowhere], [Q]), ([P], [nowhere]), ([P, nowhere], [nowhere])):
        times = travel.travel_times(net, points(*start), points(*end), cutoff_s=900)
        assert (times.matrix.shape, times.n_pairs) == ((len(start), len(end)), 0)
        for k in (1, 3):
            near = travel.nearest(net, points(*start), points(*end), k=k)
            assert near.time_s.tolist() == [[INF] * k] * len(start)
            assert near.destination.tolist() == [[-1] * k] * len(start)
        limits = np.full(len(start), 900.0)
        assert travel.count_within(net, points(*start), points(*end), limit_s=limits).tolist() == [0] * len(start)
    assert travel.reached_nodes(net, points(nowhere), cutoff_s=900).nnz == 0
    assert travel.reached_nodes(net, points(), cutoff_s=900).shape == (0, net.n_nodes)


def test_wrong_questions_are_refused():
    net = network.compile_network(town(), FOOT)
    for cutoff_s in (0.0, -1.0, np.nan):
        for ask in (travel.travel_times, travel.nearest):
            with pytest.raises(NetworkError, match="cutoff_s"):
                ask(net, points(P), points(Q), cutoff_s=cutoff_s)
        with pytest.raises(NetworkError, match="cutoff_s"):
            travel.reached_nodes(net, points(P), cutoff_s=cutoff_s)
    with pytest.raises(NetworkError, match="k = 0"):
        travel.nearest(net, points(P), points(Q), k=0)
    for limit_s in (np.array([1.0, 2.0]), np.array([np.nan]), np.array(900.0)):
        with pytest.raises(NetworkError, match="limit_s"):
            travel.count_within(net, points(P), points(Q), limit_s=limit_s)
    with pytest.raises(CrsError):
        travel.nearest(net, points(P).to_crs("EPSG:4326"), points(Q))


@pytest.mark.parametrize("direction", ["to_facility", "outward", "", None])
def test_a_direction_that_does_not_exist_is_refused(direction):
    """It must not be taken silently for the other one."""
    net = network.compile_network(town(), FOOT)
    for ask in (
        lambda: travel.nearest(net, points(P), points(Q), direction=direction),
        lambda: travel.count_within(net, points(P), points(Q), limit_s=np.array([1.0]), direction=direction),
        lambda: travel.reached_nodes(net, points(P), cutoff_s=900, direction=direction),
    ):
        with pytest.raises(NetworkError, match=r"direction.*to_destination.*from_destination"):
            ask()


def test_what_is_remembered_of_points_is_of_the_network_that_was_asked():
    """The same points on twice as fast roads: what the first search worked out is not taken for the second."""
    net = network.compile_network(town(), FOOT)
    quick = dataclasses.replace(net, forward_s=net.forward_s / 2.0, backward_s=net.backward_s / 2.0)
    here, there = (network.snap_points(net, points(at)) for at in (P, Q))
    assert travel.travel_times(net, here, there, cutoff_s=INF).matrix[0, 0] == 250.0
    fresh = travel.travel_times(quick, points(P), points(Q), cutoff_s=INF).matrix[0, 0]
    assert travel.travel_times(quick, here, there, cutoff_s=INF).matrix[0, 0] == fresh != 250.0


def test_points_of_another_network_are_refused():
    big, small = (
        network.compile_network(town(), FOOT),
        network.compile_network(road_tables({1: (0, 0), 2: (9, 0)}, [(1, 2, {"highway": "path"})]), FOOT),
    )
    with pytest.raises(NetworkError, match="another network"):
        travel.nearest(small, network.snap_points(big, points(Q)), points((0, 0)))


# the networkx twin -------------------------------------------------------------------------------------------------


def assert_all_equal_the_twin(net, slow, start, end, *, cutoff_s):
    """Every public search between two groups of points equals networkx, in both directions and from both sides."""
    expected = oracle.slow_times(slow, net, start, end)
    for cutoff in (cutoff_s, INF):
        found = oracle.dense(travel.travel_times(net, start, end, cutoff_s=cutoff).matrix)
        oracle.assert_same_times(found, expected, cutoff_s=cutoff)
    # many times more destinations than origins, and the other way round: the search starts from the other side
    many = np.repeat(np.arange(len(end)), len(start) + 1)
    found = oracle.dense(travel.travel_times(net, start, end.take(many), cutoff_s=INF).matrix)
    oracle.assert_same_times(found, expected[:, many])
    many = np.repeat(np.arange(len(start)), len(end) + 1)
    found = oracle.dense(travel.travel_times(net, start.take(many), end, cutoff_s=INF).matrix)
    oracle.assert_same_times(found, expected[many])
    back = oracle.slow_times(slow, net, end, start).T
    for direction, times in (("to_destination", expected), ("from_destination", back)):
        _assert_nearest(net, start, end, times, cutoff_s=cutoff_s, direction=direction)
        _assert_counts(net, start, end, times, cutoff_s=cutoff_s, direction=direction)
    return expected


def _assert_nearest(net, start, end, times, *, cutoff_s, direction):
    for k in (1, 3):
        for cutoff in (cutoff_s, INF):
            near = travel.nearest(net, start, end, cutoff_s=cutoff, k=k, direction=direction)
            padded = np.column_stack([times, np.full((len(start), k), INF)])
            oracle.assert_same_times(near.time_s, np.sort(padded, axis=1)[:, :k], cutoff_s=cutoff)
            assert np.array_equal(near.destination >= 0, np.isfinite(near.time_s))
            row, column = np.nonzero(near.destination >= 0)
            chosen = near.destination[row, column]
            np.testing.assert_allclose(near.time_s[row, column], times[row, chosen], rtol=0, atol=1e-6)
            assert len(set(zip(row.tolist(), chosen.tolist(), strict=True))) == len(row)  # no destination twice


def _assert_counts(net, start, end, times, *, cutoff_s, direction):
    rng = np.random.default_rng(len(start) + len(end))
    limits = rng.choice([0.0, cutoff_s / 3, cutoff_s, INF], len(start)) + 0.00025  # off the sums of round lengths
    found = travel.count_within(net, start, end, limit_s=limits, direction=direction)
    assert found.tolist() == (np.isfinite(times) & (times <= limits[:, np.newaxis])).sum(axis=1).tolist()


def assert_nodes_equal_the_twin(net, slow, start, *, cutoff_s):
    """Seconds to and from every node, whichever end of a parted node it is."""
    names = oracle.node_names(slow, net)
    graph = slow.graph(("o", *oracle.on_edges(net, start)))
    for direction, searched in (("to_destination", graph), ("from_destination", graph.reverse())):
        name = "from" if direction == "to_destination" else "to"
        found = oracle.dense(travel.reached_nodes(net, start, cutoff_s=cutoff_s, direction=direction))
        expected = np.full(found.shape, INF)
        for i in range(len(start)):
            reached = nx.single_source_dijkstra_path_length(searched, (name, "o", i))
            expected[i] = [reached.get(node, INF) for node in names]
        oracle.assert_same_times(found, expected, cutoff_s=cutoff_s)


def random_points(rng, net, n):
    """Points on any edges, several on one, at its very ends and inside, one in ten out of reach."""
    edge = rng.integers(0, min(net.n_edges, 1 + net.n_edges // 2 + 1), n)
    fraction = rng.choice([0.0, 1.0, 0.5, -1.0], n)
    fraction = np.where(fraction < 0, rng.random(n), fraction)
    return snapped(np.where(rng.random(n) < 0.1, -1, edge), fraction, rng.choice([0.0, 1.5, 60.0], n))


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_the_town_equals_the_twin_from_everywhere_to_everywhere(mode):
    """Points on a grid over the whole town, snapped by the program, several to an edge."""
    roads = town()
    net, slow = network.compile_network(roads, mode), oracle.SlowNetwork(roads, mode)
    grid = [(x, y) for x in range(-50, 1451, 90) for y in (-310, -60, -40, 5, 190)]
    everywhere = network.snap_points(net, points(*grid, *grid[::7]))
    assert 20 < np.count_nonzero(everywhere.is_reachable) < len(everywhere)
    start, end = everywhere.take(np.arange(0, len(everywhere), 2)), everywhere.take(np.arange(0, len(everywhere), 3))
    assert_all_equal_the_twin(net, slow, start, end, cutoff_s=200.0)
    assert_nodes_equal_the_twin(net, slow, start, cutoff_s=200.0)


@st.composite
def graphs(draw):
    """Random roads: up to 9 nodes and 18 edges, with loops, parallels, one-ways either way, closed edges, edges of no
    length, barriers, and parts that nothing leads to; and a seed for points on them.
    """
    n = draw(st.integers(2, 9))
    places = {i: (100 * (i % 3), 100 * (i // 3)) for i in range(n)}
    node = st.integers(0, n - 1)
    oneway = st.sampled_from([None, None, "yes", "yes", "-1", "reversible"])
    roads = [(0, 1, {"highway": "residential"})]
    for _ in range(draw(st.integers(0, 17))):
        u, v = draw(node), draw(node)
        inner = [(places[u][0] + 20, places[u][1] + 20)] if u == v else []
        length = draw(st.sampled_from([0.0, 10.0, 33.3, 100.0, 100.0, 457.1]))
        roads.append((u, v, {"highway": "residential", "line": inner, "oneway": draw(oneway), "length_m": length}))
    barriers = {i: {"barrier": "bollard"} for i in draw(st.sets(node, max_size=2))}
    return road_tables(places, roads, barriers), draw(st.integers(0, 2**32 - 1))


@settings(max_examples=50)
@given(graphs(), st.sampled_from([CAR, CAR, BIKE, FOOT]))
def test_random_graphs_equal_the_twin(graph, mode):
    roads, seed = graph
    rng = np.random.default_rng(seed)
    net, slow = network.compile_network(roads, mode), oracle.SlowNetwork(roads, mode)
    start, end = (random_points(rng, net, int(rng.integers(1, 7))) for _ in range(2))
    cutoff_s = float(rng.choice([10.0, 60.0, 200.0])) + 0.00025
    assert_all_equal_the_twin(net, slow, start, end, cutoff_s=cutoff_s)
    assert_nodes_equal_the_twin(net, slow, start, cutoff_s=cutoff_s)


@pytest.fixture(scope="module")
def extract(shared_data):
    """Roads of an extract; Helsinki with a ferry, for its own has no drawn part inside the extract.

    Way 170463494 (Market Square - Suomenlinna, motor_vehicle=yes) keeps one pier node there. A ferry with its tags is
    laid from the south-western to the north-eastern end of the streets: 20 s every 20 s, so that going round loses.
    """
    read = {}

    def get(name):
        if name not in read:
            roads = sources.read_roads(shared_data / "osm" / f"{name}.osm.pbf")
            read[name] = _with_ferry(roads) if name == "helsinki" else roads
        return read[name]

    return get


def _with_ferry(roads):
    """Between two nodes of the largest piece of every mode, so that all may take it."""
    nets = [network.compile_network(roads, network.preset(name)) for name in ("older_walk", "ebike", "car")]
    main = [set(net.node_id[net.piece == np.argmax(np.bincount(net.piece))].tolist()) for net in nets]
    shared = np.isin(roads.nodes["node_id"], sorted(set.intersection(*main)))
    diagonal = np.where(shared, roads.nodes.geometry.x + roads.nodes.geometry.y, np.nan)
    pair = roads.nodes["node_id"].to_numpy()[[int(np.nanargmin(diagonal)), int(np.nanargmax(diagonal))]]
    ends = roads.nodes.set_index("node_id").geometry.loc[pair]
    ferry = roads.edges.iloc[[0]].assign(
        **dict.fromkeys(tables.EDGE_TAGS, pd.Series([None], dtype="str")),
        edge_id=len(roads.edges), u=pair[0], v=pair[1], way_id=170463494, length_m=float(shapely.distance(*ends)),
        duration_s=20.0, headway_s=20.0, way_share=1.0,
        geometry=[shapely.LineString(list(ends))],
    )  # fmt: skip
    ferry = ferry.assign(route="ferry", motor_vehicle="yes").astype(roads.edges.dtypes.to_dict())
    return dataclasses.replace(roads, edges=pd.concat([roads.edges, ferry], ignore_index=True))


@pytest.mark.extract
@pytest.mark.parametrize("preset", ["older_walk", "ebike", "car"])
@pytest.mark.parametrize("name", ["liechtenstein", "helsinki"])
def test_three_hundred_pairs_of_an_extract_equal_the_twin(extract, name, preset):
    """15 origins by 20 destinations, among them both ends of Helsinki's ferry; some pairs must go by ferry."""
    roads, mode = extract(name), network.preset(preset)
    net, slow = network.compile_network(roads, mode), oracle.SlowNetwork(roads, mode)
    rng = np.random.default_rng(300)
    start, end = (network.snap_points(net, _beside_roads(rng, net, roads, n)) for n in (15, 20))
    expected = assert_all_equal_the_twin(net, slow, start, end, cutoff_s=900.0)
    assert expected.size == 300
    assert np.isfinite(expected).sum() > 150
    if name == "helsinki":
        without = dataclasses.replace(roads, edges=roads.edges[roads.edges["highway"].notna()])
        net_without = network.compile_network(without, mode)
        by_land = oracle.dense(travel.travel_times(net_without, start, end, cutoff_s=INF).matrix)
        assert np.count_nonzero(expected < by_land - 1.0) >= 5


def _beside_roads(rng, net, roads, n):
    """Points up to 60 m beside streets; two of them beside the ends of a ferry where there is one."""
    lines = net.lines[rng.choice(np.flatnonzero(net.can_snap), n)]
    at = shapely.get_coordinates(shapely.line_interpolate_point(lines, rng.random(n), normalized=True))
    at += rng.uniform(-40, 40, (n, 2))
    for ferry in np.flatnonzero(roads.edges["highway"].isna().to_numpy()[net.row]):
        ends = [net.tail[ferry], net.head[ferry]]
        at[:2] = np.column_stack([net.node_x[ends], net.node_y[ends]])
    return gpd.GeoSeries(shapely.points(at), crs=net.crs)


# what must always hold ---------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(graphs())
def test_the_nearest_is_the_least_of_the_row_and_more_destinations_never_harm(graph):
    roads, seed = graph
    rng = np.random.default_rng(seed)
    net = network.compile_network(roads, CAR)
    start, end = random_points(rng, net, 6), random_points(rng, net, 6)
    fewer, times = end.take(np.arange(3)), oracle.dense(travel.travel_times(net, start, end, cutoff_s=500.0).matrix)
    near = travel.nearest(net, start, end, cutoff_s=500.0).time_s[:, 0]
    oracle.assert_same_times(near, times.min(axis=1), cutoff_s=500.0)
    assert (near <= travel.nearest(net, start, fewer, cutoff_s=500.0).time_s[:, 0]).all()
    limits = np.full(6, 120.00025)
    more, less = (travel.count_within(net, start, some, limit_s=limits) for some in (end, fewer))
    assert (more >= less).all()
    nearest_three = travel.nearest(net, start, end, cutoff_s=500.0, k=3)
    assert (np.diff(np.nan_to_num(nearest_three.time_s, posinf=1e9), axis=1) >= 0).all()
    alone = travel.nearest(net, start, end, cutoff_s=500.0, k=1)
    oracle.assert_same_times(alone.time_s, nearest_three.time_s[:, :1])


@settings(max_examples=60)
@given(graphs(), st.sampled_from(travel.DIRECTIONS))
def test_times_within_groups_are_those_of_all_pairs_without_the_pairs_of_others(graph, direction):
    roads, seed = graph
    rng = np.random.default_rng(seed)
    net = network.compile_network(roads, CAR)
    start, end = random_points(rng, net, 8), random_points(rng, net, 5)
    groups = rng.integers(-2, 3, 8).astype(np.int32), rng.integers(-2, 3, 5).astype(np.int32)
    cutoff_s = float(rng.choice([60.0, 500.0, INF]))
    found = travel.times_within_groups(net, start, end, groups=groups, cutoff_s=cutoff_s, direction=direction).matrix
    if direction == "to_destination":
        whole = oracle.dense(travel.travel_times(net, start, end, cutoff_s=cutoff_s).matrix)
    else:
        whole = oracle.dense(travel.travel_times(net, end, start, cutoff_s=cutoff_s).matrix).T
    of_one = (groups[0][:, np.newaxis] == groups[1][np.newaxis, :]) & (groups[0] >= 0)[:, np.newaxis]
    oracle.assert_same_times(oracle.dense(found), np.where(of_one, whole, INF))


def test_groups_need_a_number_for_each_point():
    net = network.compile_network(town(), FOOT)
    lone = np.zeros(1, dtype=np.int32)
    with pytest.raises(NetworkError, match="groups need one number for each of 2 origins and 1 destinations"):
        travel.times_within_groups(net, points(P, Q), points(R), groups=(lone, lone))
    none = travel.times_within_groups(net, points(P, Q), points(R).iloc[:0], groups=(np.zeros(2), np.zeros(0)))
    assert none.matrix.shape == (2, 0)


@settings(max_examples=20)
@given(graphs())
def test_going_by_way_of_a_node_is_never_faster(graph):
    """d(a, c) <= d(a, node) + d(node, c): the least sum over all nodes is the time, but for points on one edge."""
    roads, seed = graph
    rng = np.random.default_rng(seed)
    net = network.compile_network(roads, CAR)
    start, end = random_points(rng, net, 4), random_points(rng, net, 4)
    times = oracle.dense(travel.travel_times(net, start, end, cutoff_s=1e6).matrix)
    there = oracle.dense(travel.reached_nodes(net, start, cutoff_s=1e6))
    onward = oracle.dense(travel.reached_nodes(net, end, cutoff_s=1e6, direction="from_destination"))
    by_node = (there[:, np.newaxis, :] + onward[np.newaxis, :, :]).min(axis=2)
    assert (times <= by_node + 1e-5).all()
    same_edge = (start.edge[:, np.newaxis] == end.edge[np.newaxis, :]) & (start.edge[:, np.newaxis] >= 0)
    np.testing.assert_allclose(times[~same_edge], by_node[~same_edge], rtol=0, atol=1e-5)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_results_do_not_depend_on_threads(monkeypatch, threads):
    rng = np.random.default_rng(11)
    net = network.compile_network(_lattice(rng), CAR)
    start, end = random_points(rng, net, 57), random_points(rng, net, 83)
    limits = rng.uniform(0, 300, 57)

    def everything():
        times = travel.travel_times(net, start, end, cutoff_s=300.0).matrix
        near = travel.nearest(net, start, end, cutoff_s=300.0, k=3)
        nodes = travel.reached_nodes(net, start, cutoff_s=100.0)
        counts = travel.count_within(net, start, end, limit_s=limits)
        own = travel.times_within_groups(net, start, end, groups=(np.arange(57) % 5, np.arange(83) % 5)).matrix
        return [
            own.indices,
            own.data,
            times.indptr,
            times.indices,
            times.data,
            near.time_s,
            near.destination,
            nodes.indices,
            nodes.data,
            counts,
        ]

    monkeypatch.setenv("CHONGMING_THREADS", "3")
    expected = everything()
    assert expected[2][-1] > 500
    monkeypatch.setenv("CHONGMING_THREADS", threads)
    for found, wanted in zip(everything(), expected, strict=True):
        assert found.tobytes() == wanted.tobytes()


def _lattice(rng):
    """A lattice of 12 by 12 streets, of lengths that are not round and a fifth one-way."""
    places = {12 * r + c: (100 * c, 100 * r) for r in range(12) for c in range(12)}
    roads = []
    for i in places:
        for j in ([i + 1] if i % 12 < 11 else []) + ([i + 12] if i < 132 else []):
            tags = {"highway": "residential", "length_m": float(rng.uniform(100, 180))}
            roads.append((i, j, {**tags, "oneway": "yes" if rng.random() < 0.2 else None}))
    return road_tables(places, roads)


def test_results_do_not_depend_on_the_order_of_points():
    """Times are the same to the bit; where points are turned, destinations are named by their new places."""
    rng = np.random.default_rng(12)
    net = network.compile_network(_lattice(rng), CAR)
    start, end = random_points(rng, net, 40), random_points(rng, net, 60)
    rows, columns = rng.permutation(40), rng.permutation(60)
    times = oracle.dense(travel.travel_times(net, start, end, cutoff_s=400.0).matrix)
    turned = oracle.dense(travel.travel_times(net, start.take(rows), end.take(columns), cutoff_s=400.0).matrix)
    np.testing.assert_array_equal(turned, times[rows][:, columns])
    near = travel.nearest(net, start, end, cutoff_s=400.0, k=3)
    near_turned = travel.nearest(net, start.take(rows), end.take(columns), cutoff_s=400.0, k=3)
    np.testing.assert_array_equal(near_turned.time_s, near.time_s[rows])
    limits = np.linspace(0, 300, 40)
    counts = travel.count_within(net, start, end, limit_s=limits)
    turned = travel.count_within(net, start.take(rows), end.take(columns), limit_s=limits[rows])
    np.testing.assert_array_equal(turned, counts[rows])


def test_points_may_be_given_snapped_or_not():
    net = network.compile_network(town(), FOOT)
    start, end = points(P, R), points(Q)
    a = travel.travel_times(net, start, end, cutoff_s=900).matrix
    b = travel.travel_times(net, network.snap_points(net, start), network.snap_points(net, end), cutoff_s=900).matrix
    assert (a != b).nnz == 0


def test_columns_ascend_within_a_row_from_either_side():
    rng = np.random.default_rng(3)
    net = network.compile_network(_lattice(rng), CAR)
    start, end = random_points(rng, net, 30), random_points(rng, net, 31)
    for one, other in ((start, end), (end, start)):
        matrix = travel.travel_times(net, one, other, cutoff_s=300.0).matrix
        assert matrix.format == "csr"
        for row in range(matrix.shape[0]):
            assert (np.diff(matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]) > 0).all()


@pytest.mark.parametrize(
    "function", [travel.travel_times, travel.nearest, travel.count_within, travel.times_within_groups]
)
def test_everything_after_the_points_is_named(function):
    parameters = list(inspect.signature(function).parameters.values())
    assert [p.name for p in parameters[:3]] == ["network", "origins", "destinations"]
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[3:])
