"""The compiled graph is the roads and nothing else: arcs, barriers, pieces, and the errors of roads that make none."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import network, tables
from chongming_gis.errors import NetworkError
from tests import oracle
from tests.toy.roads import BIKE, CAR, FOOT, one_street, road_tables, town


def arcs(graph, names):
    """Every arc as (from, to, seconds), in a sorted list, so that parallel arcs count."""
    start = np.repeat(np.arange(len(graph.indptr) - 1), np.diff(graph.indptr))
    return sorted(
        (names[s], names[e], round(w, 9)) for s, e, w in zip(start, graph.indices, graph.weights, strict=True)
    )


def edge_row(net, edge_id):
    return net.edge_id.tolist().index(edge_id)


def test_the_town_on_foot_has_every_street_both_ways_but_the_motorway():
    net = network.compile_network(town(), FOOT)
    assert net.edge_id.tolist() == list(range(10))
    np.testing.assert_allclose(net.forward_s, [100, 100, 100, 50, 100, 50, 600, 100, 200, 50])
    np.testing.assert_array_equal(net.forward_s, net.backward_s)
    assert net.n_nodes == 11  # A to K; M stands on the motorway only


def test_the_town_by_bicycle_has_a_one_way():
    net = network.compile_network(town(), BIKE)
    np.testing.assert_allclose(net.forward_s, [20, 20, 20, 10, 20, 10, 600, 20, 40, 10])
    assert net.backward_s[edge_row(net, 1)] == np.inf


def test_the_town_by_car_has_a_one_way_motorway_and_neither_path_nor_ferry():
    net = network.compile_network(town(), CAR)
    assert net.edge_id.tolist() == [0, 1, 2, 4, 5, 7, 8, 9, 10]
    assert net.backward_s[edge_row(net, 10)] == np.inf
    assert net.n_nodes == 12


def test_what_points_may_step_onto():
    net = network.compile_network(town(), CAR)
    assert net.edge_id[~net.can_snap].tolist() == [8, 10]  # the tunnel and the motorway
    net = network.compile_network(town(), FOOT)
    assert net.edge_id[~net.can_snap].tolist() == [6, 8]  # the ferry and the tunnel


def test_pieces_are_as_long_as_what_one_can_get_into_and_out_of():
    """By car: A - B is 100 m; B > C leads out of it and belongs to nothing; C D F E I is 450 m; G - H, J - K apart."""
    net = network.compile_network(town(), CAR)
    by_edge = dict(zip(net.edge_id.tolist(), net.piece_m.tolist(), strict=True))
    assert by_edge == {0: 100, 1: 0, 2: 450, 4: 450, 5: 450, 7: 100, 8: 450, 9: 50, 10: 0}
    report = net.report()
    assert (report["components"], report["tiny_pieces"]) == (4, 1)
    assert report["length_km"] == pytest.approx(1.3)
    assert report["largest_component_share"] == pytest.approx(450 / 1300, abs=1e-6)
    assert (report["mode"], report["nodes"], report["edges"]) == ("car", 12, 9)


@pytest.mark.parametrize(("barrier", "mode", "passes"), [("bollard", CAR, 0), ("bollard", BIKE, 1), ("wall", FOOT, 0)])
def test_a_barrier_lets_each_side_be_reached_and_nothing_through(barrier, mode, passes):
    net = network.compile_network(one_street({"highway": "residential"}, barrier={"barrier": barrier}), mode)
    assert net.n_nodes == (3 if passes else 4)
    assert sorted(net.node_id.tolist()) == ([1, 2, 3] if passes else [1, 2, 2, 3])
    assert len(net.outward.indices) == 4
    assert len(set(net.piece.tolist())) == (1 if passes else 2)


def test_a_barrier_on_a_junction_parts_all_its_arms_and_both_ends_of_a_loop():
    """A bollard at 1, where 1 - 2, 1 - 3 and a loop 1 - 1 meet: four ends, so 2 + 4 nodes for a car."""
    roads = road_tables(
        {1: (0, 0), 2: (100, 0), 3: (0, 100)},
        [
            (1, 2, {"highway": "residential"}),
            (3, 1, {"highway": "residential"}),
            (1, 1, {"highway": "residential", "line": [(-50, 0), (-50, -50)]}),
        ],
        {1: {"barrier": "bollard"}},
    )
    net = network.compile_network(roads, CAR)
    assert sorted(net.node_id.tolist()) == [1, 1, 1, 1, 2, 3]
    assert len(set(net.piece.tolist())) == 3
    loop = edge_row(net, 2)
    assert net.tail[loop] != net.head[loop]
    assert network.compile_network(roads, FOOT).n_nodes == 3


def test_parallel_edges_loops_and_edges_without_length_are_kept():
    roads = road_tables(
        {1: (0, 0), 2: (100, 0), 3: (100, 0)},
        [
            (1, 2, {"highway": "residential"}),
            (1, 2, {"highway": "residential", "length_m": 150.0}),
            (1, 2, {"highway": "residential"}),
            (2, 2, {"highway": "residential", "line": [(120, 20), (120, -20)], "length_m": 70.0}),
            (2, 3, {"highway": "residential", "length_m": 0.0}),
        ],
    )
    net = network.compile_network(roads, FOOT)
    names = net.node_id.tolist()
    expected = [(1, 2, 100.0)] * 2 + [(1, 2, 150.0)] + [(2, 2, 70.0)] * 2 + [(2, 3, 0.0)]
    expected += [(2, 1, 100.0)] * 2 + [(2, 1, 150.0)] + [(3, 2, 0.0)]
    assert arcs(net.outward, names) == sorted(expected)
    assert net.piece_m.tolist() == [420.0] * 5


@st.composite
def random_roads(draw):
    """Up to 8 nodes on a grid and 16 edges: parallel, loops, of no length, one-way, closed, with barriers."""
    n = draw(st.integers(1, 8))
    places = {i + 1: (100 * (i % 3), 100 * (i // 3)) for i in range(n)}
    node = st.integers(1, n)
    oneway = st.sampled_from([None, None, "yes", "-1", "reversible"])
    length = st.sampled_from([0.0, 1.0, 40.0, 100.0, 250.0])
    roads = []
    for _ in range(draw(st.integers(1, 16))):
        u, v = draw(node), draw(node)
        inner = [(places[u][0] + 20, places[u][1] + 20)] if u == v else []
        tags = {"highway": draw(st.sampled_from(["residential", "path", "motorway"])), "line": inner}
        roads.append((u, v, {**tags, "oneway": draw(oneway), "length_m": draw(length)}))
    kinds = st.sampled_from(["bollard", "gate", "wall"])
    barriers = {i: {"barrier": kind} for i, kind in draw(st.dictionaries(node, kinds, max_size=2)).items()}
    return road_tables(places, roads, barriers)


@settings(max_examples=60)
@given(random_roads(), st.sampled_from([FOOT, BIKE, CAR]))
def test_the_arcs_are_those_of_the_slow_twin(roads, mode):
    slow = oracle.SlowNetwork(roads, mode)
    expected = []
    for edge_id, use in slow.readings.items():
        u, v = slow.end(edge_id, "u"), slow.end(edge_id, "v")
        expected += [(u, v, round(use.along_s, 9))] if np.isfinite(use.along_s) else []
        expected += [(v, u, round(use.against_s, 9))] if np.isfinite(use.against_s) else []
    if not expected:
        with pytest.raises(NetworkError, match="none of the"):
            network.compile_network(roads, mode)
        return
    net = network.compile_network(roads, mode)
    names = oracle.node_names(slow, net)
    assert arcs(net.outward, names) == sorted(expected)
    assert arcs(net.inward, names) == sorted((v, u, seconds) for u, v, seconds in expected)
    for graph in (net.outward, net.inward):
        assert graph.indptr.dtype == graph.indices.dtype == np.int32
        assert graph.weights.dtype == np.float64


@settings(max_examples=40)
@given(random_roads())
def test_pieces_are_the_strong_components_that_networkx_finds(roads):
    nx = pytest.importorskip("networkx")
    slow = oracle.SlowNetwork(roads, BIKE)
    if not any(use.is_open for use in slow.readings.values()):
        return
    net = network.compile_network(roads, BIKE)
    names = oracle.node_names(slow, net)
    components = {name: i for i, part in enumerate(nx.strongly_connected_components(slow.graph())) for name in part}
    pairs = {(int(net.piece[i]), components[name]) for i, name in enumerate(names)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    for row in range(net.n_edges):
        inside = [
            e
            for e in range(net.n_edges)
            if net.piece[net.tail[e]] == net.piece[net.head[e]] == net.piece[net.tail[row]]
        ]
        expected = sum(net.length_m[inside]) if net.piece[net.tail[row]] == net.piece[net.head[row]] else 0.0
        assert net.piece_m[row] == pytest.approx(expected)


def test_the_order_of_the_node_table_does_not_matter():
    roads = town()
    turned = dataclasses.replace(roads, nodes=roads.nodes.iloc[::-1].reset_index(drop=True))
    a, b = (network.compile_network(tables_, FOOT) for tables_ in (roads, turned))
    assert arcs(a.outward, a.node_id.tolist()) == arcs(b.outward, b.node_id.tolist())


def test_compiling_twice_gives_the_same_bytes():
    a, b = (network.compile_network(town(), BIKE) for _ in range(2))
    for field in dataclasses.fields(a):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if isinstance(x, np.ndarray) and x.dtype != object:
            assert x.tobytes() == y.tobytes(), field.name


def test_nodes_near_on_the_ground_are_near_in_memory():
    """Two clusters far apart, their ids interleaved: the Z-order keeps each cluster together."""
    places = {i: (10 * (i % 10) + (50_000 if i % 2 else 0), 10 * (i // 10)) for i in range(40)}
    roads = road_tables(places, [(i, i + 2, {"highway": "path"}) for i in range(38)])
    net = network.compile_network(roads, FOOT)
    east = net.node_x > net.node_x.min() + 25_000
    assert np.count_nonzero(np.diff(east.astype(int))) == 1


def test_no_usable_edge_says_what_the_roads_hold():
    roads = one_street({"highway": "motorway"})
    with pytest.raises(NetworkError, match=r"'foot': none of the 2 edges.*foot.*motorway \(2\)"):
        network.compile_network(roads, FOOT)
    with pytest.raises(NetworkError, match="no highway tags at all"):
        network.compile_network(one_street({"route": "bus"}), FOOT)


def test_an_edge_end_without_its_node_is_named():
    roads = town()
    lost = tables.RoadTables(nodes=roads.nodes[roads.nodes["node_id"] != 5], edges=roads.edges)
    with pytest.raises(NetworkError, match=r"2 edge end\(s\).*node 5"):
        network.compile_network(lost, FOOT)
    with pytest.raises(NetworkError, match="node table lacks"):
        network.compile_network(tables.RoadTables(nodes=roads.nodes[:0], edges=roads.edges), FOOT)


def test_both_ways_are_one_graph_where_no_street_is_one_way():
    """Held once; a single one-way street makes two of it."""
    plain = network.compile_network(one_street({"highway": "residential"}), BIKE)
    assert plain.inward is plain.outward
    one_way = network.compile_network(one_street({"highway": "residential", "oneway": "yes"}), BIKE)
    assert one_way.inward is not one_way.outward
