"""Ways behind travel times: in the toy town by hand, on random towns against networkx and the travel times."""

import networkx as nx
import numpy as np
import pytest
import shapely

from chongming_gis import network, travel
from chongming_gis.delivery import ways
from tests.toy import roads as toy


def trace(mode, start, end):
    net = network.compile_network(toy.town(), mode)
    points = network.snap_points(net, toy.points(start, end))
    places = np.array([start, end], dtype=float) + toy.SOUTH_WEST
    return net, ways.trace_way(net, ways.arcs_of(net), points, places, cutoff_s=3600.0)


def corners(way):
    return (shapely.get_coordinates(way.line) - toy.SOUTH_WEST).tolist()


def test_on_foot_the_way_leads_from_point_to_road_to_point():
    _, way = trace(toy.FOOT, (30, 10), (250, -20))
    assert way.time_s == 10 + 220 + 20
    assert corners(way) == [[30, 10], [30, 0], [100, 0], [200, 0], [250, 0], [250, -20]]


def test_a_car_goes_round_the_one_way_street():
    """From C's side back to B there is no way for a car: the path B - E is closed, and the bollard stands at E."""
    _, way = trace(toy.CAR, (250, 0), (50, 0))
    assert way.time_s == np.inf
    assert way.line.is_empty
    _, on_bike = trace(toy.BIKE, (250, 0), (50, 0))
    assert corners(on_bike) == [[250, 0], [200, 0], [200, -50], [100, -50], [100, 0], [50, 0]]


def test_along_one_edge_and_on_one_spot():
    _, way = trace(toy.FOOT, (20, 0), (80, 0))
    assert (way.time_s, corners(way)) == (60.0, [[20, 0], [80, 0]])
    _, stay = trace(toy.FOOT, (20, 0), (20, 0))
    assert (stay.time_s, stay.line.length) == (0.0, 0.0)


def test_against_a_one_way_edge_the_way_leaves_and_comes_back():
    _, way = trace(toy.BIKE, (180, 0), (120, 0))
    assert corners(way) == [[180, 0], [200, 0], [200, -50], [100, -50], [100, 0], [120, 0]]


def test_the_ferry_is_on_the_way():
    net, way = trace(toy.FOOT, (250, 0), (1350, 0))
    assert way.time_s == 50 + 300 + 300 + 50
    is_ferry = toy.town().edges["route"].eq("ferry").to_numpy()[net.row]
    assert is_ferry[way.edges].tolist() == [False, True, False]


def random_town(rng):
    places = {i: tuple(rng.integers(0, 2000, 2).tolist()) for i in range(14)}
    streets = []
    for _ in range(30):
        u, v = rng.choice(14, 2, replace=False).tolist()
        streets.append((u, v, {"highway": "residential", **({"oneway": "yes"} if rng.random() < 0.3 else {})}))
    return toy.road_tables(places, streets)


@pytest.mark.parametrize("seed", range(8))
def test_times_are_travel_times_and_lengths_those_of_the_way(seed):
    rng = np.random.default_rng(seed)
    net = network.compile_network(random_town(rng), toy.BIKE)
    xy = rng.integers(0, 2000, (9, 2)).astype(float)
    points = network.snap_points(net, toy.points(*map(tuple, xy)))
    cutoff_s = 400.0
    times, lengths = ways.measure_ways(net, points, cutoff_s=cutoff_s)
    known = travel.travel_times(net, points, points, cutoff_s=cutoff_s).matrix.tocoo()
    table = np.full((9, 9), np.inf)
    table[known.row, known.col] = known.data
    assert np.isfinite(table).sum() > 5
    np.testing.assert_allclose(times, table, atol=2e-6)
    arcs = ways.arcs_of(net)
    for i, j in zip(*np.nonzero(np.isfinite(times)), strict=True):
        way = ways.trace_way(net, arcs, points.take(np.array([i, j])), xy[[i, j]] + toy.SOUTH_WEST, cutoff_s=cutoff_s)
        assert way.time_s == pytest.approx(times[i, j], abs=2e-6)
        on_road = way.line.length - points.off_network_m[[i, j]].sum()
        assert on_road == pytest.approx(lengths[i, j], abs=1e-5)


def test_ways_between_nodes_are_as_fast_as_those_of_networkx():
    net = network.compile_network(random_town(np.random.default_rng(3)), toy.BIKE)
    graph = nx.MultiDiGraph()
    for u, v, along, against in zip(net.tail, net.head, net.forward_s, net.backward_s, strict=True):
        graph.add_edge(u, v, s=along) if np.isfinite(along) else None
        graph.add_edge(v, u, s=against) if np.isfinite(against) else None
    xy = np.column_stack([net.node_x, net.node_y]) - toy.SOUTH_WEST
    times, _ = ways.measure_ways(net, network.snap_points(net, toy.points(*map(tuple, xy))), cutoff_s=1e6)
    for i in graph.nodes:
        there = nx.single_source_dijkstra_path_length(graph, i, weight="s")
        assert {j: pytest.approx(times[i, j], abs=1e-5) for j in there} == there
        assert np.isinf(times[i, [j for j in graph.nodes if j not in there]]).all()
