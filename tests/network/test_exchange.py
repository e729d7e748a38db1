import networkx as nx
import numpy as np
import osmnx
import pytest
import shapely

from chongming_gis import sources, tables
from chongming_gis.network.exchange import to_networkx

KEY = ["way_id", "u", "v", "length_m"]


def in_order(roads):
    edges = roads.edges.assign(length_m=roads.edges["length_m"].round(6))
    return edges.sort_values(KEY, kind="stable").reset_index(drop=True)


def assert_round_trip(roads, again):
    left, right = in_order(roads), in_order(again)
    for name, column in tables.EDGES.columns.items():
        if name == "edge_id":
            continue
        if str(column.dtype) == "float64":
            np.testing.assert_allclose(left[name], right[name], rtol=1e-9, atol=1e-6, err_msg=name)
        else:
            assert left[name].fillna("").tolist() == right[name].fillna("").tolist(), name
    assert left.geometry.geom_equals_exact(right.geometry, tolerance=1e-6).all()
    tags = [name for name in tables.NODES.columns if name != "node_id"]
    assert roads.nodes["node_id"].tolist() == again.nodes["node_id"].tolist()
    assert roads.nodes[tags].fillna("").equals(again.nodes[tags].fillna(""))


@pytest.fixture(scope="module")
def liechtenstein(shared_data):
    return sources.read_roads(shared_data / "osm" / "liechtenstein.osm.pbf")


@pytest.fixture
def town(tmp_path):
    """Two-way 1 - 2, one-way 2 -> 3, one-way against its drawing 3 - 4, a roundabout loop at 4, a gate at 2."""
    text = """<osm version="0.6">
    <node id="1" lon="121.500" lat="31.6"/>
    <node id="2" lon="121.501" lat="31.6"><tag k="barrier" v="gate"/><tag k="access" v="private"/></node>
    <node id="3" lon="121.502" lat="31.6"/><node id="4" lon="121.503" lat="31.6"/>
    <node id="5" lon="121.504" lat="31.6"/><node id="6" lon="121.504" lat="31.601"/>
    <way id="11"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/><tag k="name" v="一路"/></way>
    <way id="12"><nd ref="2"/><nd ref="3"/><tag k="highway" v="primary"/><tag k="oneway" v="1"/></way>
    <way id="13"><nd ref="3"/><nd ref="4"/><tag k="highway" v="primary"/><tag k="oneway" v="-1"/></way>
    <way id="14"><nd ref="4"/><nd ref="5"/><nd ref="6"/><nd ref="4"/>
      <tag k="highway" v="primary"/><tag k="junction" v="roundabout"/></way>
    <way id="15"><nd ref="1"/><nd ref="4"/><tag k="route" v="ferry"/><tag k="duration" v="10"/></way>
    </osm>"""
    path = tmp_path / "town.osm"
    path.write_text(text, encoding="utf-8")
    return sources.read_roads(path)


def test_directions_of_the_town(town):
    graph = to_networkx(town)
    found = {(u, v, data["osmid"]): (data["oneway"], data["reversed"]) for u, v, data in graph.edges(data=True)}
    assert found == {
        (1, 2, 11): (False, False),
        (2, 1, 11): (False, True),
        (2, 3, 12): (True, False),
        (4, 3, 13): (True, True),
        (4, 4, 14): (True, False),
        (1, 4, 15): (False, False),
        (4, 1, 15): (False, True),
    }
    assert graph.nodes[2]["access"] == "private"
    assert "barrier" not in graph.nodes[1]


def test_geometry_runs_along_the_edge(town):
    graph = to_networkx(town)
    for u, v, data in graph.edges(data=True):
        ends = [(graph.nodes[node]["x"], graph.nodes[node]["y"]) for node in (u, v)]
        np.testing.assert_allclose(data["geometry"].coords[:: len(data["geometry"].coords) - 1], ends)


def test_town_there_and_back(town, tmp_path):
    graph = to_networkx(town)
    assert_round_trip(town, sources.read_roads(graph))
    osmnx.save_graphml(graph, tmp_path / "town.graphml")
    again = sources.read_roads(tmp_path / "town.graphml")
    assert_round_trip(town, again)
    assert again.edges["oneway"].fillna("-").tolist() == ["-", "1", "-1", "-", "-"]


@pytest.mark.extract
def test_extract_there_and_back(liechtenstein):
    graph = to_networkx(liechtenstein)
    both_ways = sum(not data["oneway"] for *_, data in graph.edges(data=True))
    assert graph.number_of_edges() - both_ways // 2 == len(liechtenstein.edges)
    assert_round_trip(liechtenstein, sources.read_roads(graph))


@pytest.mark.extract
def test_osmnx_works_on_the_graph(liechtenstein):
    graph = osmnx.add_edge_travel_times(osmnx.add_edge_speeds(to_networkx(liechtenstein)))
    nodes, edges = osmnx.convert.graph_to_gdfs(graph)
    assert nodes.crs == edges.crs == liechtenstein.crs
    assert (edges["travel_time"] > 0).all()
    middle = liechtenstein.edges.geometry.iloc[10].interpolate(0.5, normalized=True)
    u, v, _ = osmnx.distance.nearest_edges(graph, middle.x, middle.y)
    assert {u, v} == set(liechtenstein.edges.loc[10, ["u", "v"]])
    route = osmnx.routing.shortest_path(graph, u, v, weight="length")
    assert nx.path_weight(graph, route, "length") > 0


def test_unsimplified_and_simplified_osmnx_graphs_are_doors(tmp_path, town):
    """A street through the middle of nowhere (1 - 2 - 3, two ways) becomes one edge of lists when osmnx simplifies."""
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for node in (1, 2, 3):
        graph.add_node(node, x=121.5 + 0.001 * node, y=31.6)
    for u, v, osmid, highway in ((1, 2, 70, "track"), (2, 3, 71, "residential")):
        graph.add_edge(u, v, osmid=osmid, highway=highway, oneway=False, reversed=False, length=95.0)
        graph.add_edge(v, u, osmid=osmid, highway=highway, oneway=False, reversed=True, length=95.0)
    plain = sources.read_roads(graph)
    assert plain.edges[["way_id", "u", "v", "highway", "oneway"]].to_numpy().tolist() == [
        [70, 1, 2, "track", "no"],
        [71, 2, 3, "residential", "no"],
    ]
    merged = sources.read_roads(osmnx.simplify_graph(graph))
    assert merged.edges[["way_id", "u", "v", "highway", "oneway"]].to_numpy().tolist() == [
        [70, 1, 3, "residential", "no"]
    ]
    assert merged.report["edges_with_several_values"] == 1
    assert merged.edges["length_m"].sum() == pytest.approx(plain.edges["length_m"].sum())


def test_edges_without_a_twin_are_one_way():
    graph = nx.MultiDiGraph(crs="EPSG:32651")
    graph.add_nodes_from([(1, {"x": 350000.0, "y": 3500000.0}), (2, {"x": 350100.0, "y": 3500000.0})])
    graph.add_edge(2, 1, highway="service")
    bent = shapely.LineString([(350000, 3500000), (350050, 3500050), (350100, 3500000)])
    graph.add_edge(1, 2, highway="primary", geometry=bent)
    graph.add_edge(2, 1, highway="primary", geometry=shapely.reverse(bent))
    edges = sources.read_roads(graph).edges[["u", "v", "highway", "oneway"]]
    assert edges.to_numpy().tolist() == [[1, 2, "primary", "no"], [2, 1, "service", "yes"]]
