import networkx as nx
import osmnx
import pytest

from chongming_gis import sources
from chongming_gis.errors import CrsError, InputFileError, NetworkError, TableError
from chongming_gis.network.exchange import to_networkx


def street(**graph_attributes):
    graph = nx.MultiDiGraph(**graph_attributes)
    graph.add_nodes_from([(1, {"x": 121.5, "y": 31.6}), (2, {"x": 121.6, "y": 31.6})])
    graph.add_edge(1, 2, highway="service", osmid=5)
    return graph


def test_the_toy_town_is_the_same_as_graphml(toy_osm, tmp_path, same_edges):
    roads = sources.read_roads(toy_osm)
    osmnx.save_graphml(to_networkx(roads), tmp_path / "town.graphml")
    again = sources.read_roads(tmp_path / "town.graphml")
    same_edges(roads.edges, again.edges)
    assert again.nodes["node_id"].tolist() == roads.nodes["node_id"].tolist()


def test_osmnx_reads_the_same_ways_as_long(tmp_path, osm_writer, toy_position):
    """osmnx's own reader of a toy town: one way round a block, one through it, one against its drawing."""
    nodes = {node: (*toy_position(node), {}) for node in (1, 2, 3, 4, 5, 6, 7)}
    ways = {
        60: ((1, 2, 3, 4, 5), {"highway": "residential"}),
        61: ((2, 6, 7, 3), {"highway": "service", "oneway": "yes"}),
        62: ((4, 7), {"highway": "primary", "oneway": "-1"}),
    }
    path = osm_writer(tmp_path / "town.osm", nodes, ways)
    ours = sources.read_roads(path).edges.groupby("way_id")["length_m"].sum()
    for simplify in (False, True):
        graph = osmnx.graph_from_xml(path, simplify=simplify, retain_all=True)
        theirs = sources.read_roads(graph).edges
        assert theirs.groupby("way_id")["length_m"].sum().to_dict() == pytest.approx(ours.to_dict(), abs=1e-6)
        assert theirs.groupby("way_id")["oneway"].first().to_dict() == {60: "no", 61: "yes", 62: "yes"}


def test_lists_are_settled_in_the_same_way_whatever_their_order():
    first, second = street(crs="EPSG:4326"), street(crs="EPSG:4326")
    first.edges[1, 2, 0].update(highway=["track", "path"], maxspeed=["100", "30"], osmid=[9, 5])
    second.edges[1, 2, 0].update(highway=["path", "track"], maxspeed=["30", "100"], osmid=[5, 9])
    one, other = sources.read_roads(first), sources.read_roads(second)
    assert one.edges.equals(other.edges)
    assert one.edges[["way_id", "highway", "maxspeed"]].iloc[0].tolist() == [5, "path", "30"]
    assert one.report["edges_with_several_values"] == 1


class TestBadInput:
    def test_graph_without_crs(self):
        with pytest.raises(CrsError, match=r"the graph: graph\['crs'\]: the coordinate system \(CRS\) is missing"):
            sources.read_roads(street())

    def test_graph_without_edges(self):
        with pytest.raises(NetworkError, match="there is no road in this graph"):
            sources.read_roads(nx.MultiDiGraph(crs="EPSG:4326"))

    def test_nodes_without_places(self):
        graph = street(crs="EPSG:4326")
        graph.add_edge(1, 3, highway="service")
        with pytest.raises(TableError, match=r"1 node\(s\) have no x and y, e\.g\. 3"):
            sources.read_roads(graph)

    def test_node_ids_that_are_no_numbers(self):
        with pytest.raises(TableError, match=r"2 node ids are not whole numbers, e\.g\. 'a1'"):
            sources.read_roads(nx.relabel_nodes(street(crs="EPSG:4326"), {1: "a1", 2: "a2"}))

    @pytest.mark.parametrize("content", ["no xml", "<graphml></graphml>", "<html><body/></html>", ""])
    def test_other_content_than_the_name_says(self, tmp_path, content):
        path = tmp_path / "roads.graphml"
        path.write_text(content)
        with pytest.raises(InputFileError, match=r"roads\.graphml: cannot be read as osmnx GraphML") as caught:
            sources.read_roads(path)
        assert "\n" not in str(caught.value)
