from collections import Counter

import numpy as np
import osmium
import pyproj
import pytest
import shapely

from chongming_gis import sources, tables
from chongming_gis.errors import CrsError, InputFileError, NetworkError

WGS84 = pyproj.Geod(ellps="WGS84")


def edge(roads, way, nth=0):
    return roads.edges[roads.edges["way_id"] == way].iloc[nth]


def test_toy_town_is_split_as_worked_by_hand(toy_osm, toy_edges):
    roads = sources.read_roads(toy_osm)
    found = list(roads.edges[["way_id", "u", "v"]].itertuples(index=False, name=None))
    assert found == [(way, u, v) for way, u, v, _ in toy_edges]
    assert roads.edges["edge_id"].tolist() == list(range(len(toy_edges)))
    assert roads.nodes["node_id"].tolist() == [1, 2, 3, 4, 5, 8, 10, 14, 15, 20, 21, 22]


def test_toy_town_keeps_every_vertex_and_measures_on_the_ellipsoid(toy_osm, toy_edges, toy_position):
    roads = sources.read_roads(toy_osm)
    assert roads.crs.to_epsg() == 32651
    back = pyproj.Transformer.from_crs(32651, 4326, always_xy=True)
    for row, (_, _, _, along) in zip(roads.edges.itertuples(), toy_edges, strict=True):
        lon, lat = zip(*map(toy_position, along), strict=True)
        assert row.length_m == pytest.approx(WGS84.line_length(lon, lat), abs=1e-6)
        np.testing.assert_allclose(back.transform(*shapely.get_coordinates(row.geometry).T), (lon, lat), atol=1e-9)
        start = roads.nodes.set_index("node_id").geometry[row.u]
        assert start.equals(shapely.Point(row.geometry.coords[0]))


def test_tags_are_raw_and_the_more_specific_key_wins(toy_osm):
    roads = sources.read_roads(toy_osm)
    main = edge(roads, 100)
    assert (main["highway"], main["name"], main["maxspeed"]) == ("residential", "主街", "40")
    assert (main["motor_vehicle"], main["bicycle"]) == ("destination", "destination")
    assert edge(roads, 101)["motor_vehicle"] == "yes"  # motorcar is more specific than motor_vehicle
    assert (edge(roads, 102)["bicycle"], edge(roads, 102)["motor_vehicle"]) == ("dismount", "no")
    assert (edge(roads, 107)["maxspeed"], edge(roads, 107)["oneway"]) == ("CN:urban", "-1")
    assert edge(roads, 108).isna()["maxspeed"]  # source:maxspeed=sign says where it was seen, not how fast
    assert edge(roads, 109)["oneway_bicycle"] == "no"


def test_barrier_splits_and_its_tags_stand_on_the_node(toy_osm):
    nodes = sources.read_roads(toy_osm).nodes.set_index("node_id")
    assert nodes.loc[4, ["barrier", "bicycle", "motor_vehicle"]].tolist() == ["bollard", "yes", "no"]
    assert nodes["barrier"].notna().sum() == 1


def test_ferry_times_are_shared_out_by_length(toy_osm):
    """w103 is two equal steps of 0.002 and 0.001 degrees of latitude: two thirds and one third of 20 minutes."""
    roads = sources.read_roads(toy_osm)
    near, far = edge(roads, 103, 0), edge(roads, 103, 1)
    assert near["way_share"] == pytest.approx(2 / 3, abs=1e-6)
    assert (near["duration_s"], far["duration_s"]) == pytest.approx((800.0, 400.0), abs=1e-2)
    assert near["duration_s"] + far["duration_s"] == pytest.approx(1200.0)
    assert near["headway_s"] == far["headway_s"] == 3600.0
    assert np.isnan(edge(roads, 100)["duration_s"])


def test_report_says_what_was_dropped(toy_osm):
    report = sources.read_roads(toy_osm).report
    assert report["ways_read"] == 10
    assert report["ways_kept"] == 8
    assert (report["ways_dropped_not_existing"], report["ways_dropped_area"]) == (1, 1)
    assert (report["positions_unknown"], report["positions_alone"]) == (1, 1)
    assert (report["ferry_edges"], report["barriers_kept"]) == (2, 1)
    assert (report["edges_kept"], report["nodes_kept"]) == (13, 12)


def test_bbox_and_area_keep_edges_that_cross_the_border(toy_osm, toy_position):
    """A box between columns 1.5 and 2.5 holds no node of w100, w101 or w109, but they pass through it."""
    west, south = toy_position(14)[0] - 0.0005, 31.5995
    bbox = (west, south, west + 0.001, 31.6015)
    roads = sources.read_roads(toy_osm, bbox=bbox)
    assert list(roads.edges[["way_id", "u", "v"]].itertuples(index=False, name=None)) == [
        (100, 2, 3), (101, 2, 3), (107, 14, 15), (109, 2, 3),
    ]  # fmt: skip
    assert roads.report["edges_outside"] == 9
    same = sources.read_roads(toy_osm, area=shapely.box(*bbox))
    assert same.edges.equals(roads.edges)


def test_metric_crs_is_the_caller_s_and_lengths_do_not_depend_on_it(toy_osm):
    utm, gauss = sources.read_roads(toy_osm), sources.read_roads(toy_osm, crs="EPSG:4549")
    assert gauss.crs.to_epsg() == 4549
    np.testing.assert_array_equal(utm.edges["length_m"], gauss.edges["length_m"])
    with pytest.raises(CrsError, match="not in metres"):
        sources.read_roads(toy_osm, crs="EPSG:4326")


def test_pbf_and_packed_files_are_the_same_door(toy_osm, tmp_path):
    expected = sources.read_roads(toy_osm)
    for name in ("town.osm.pbf", "town.pbf", "town.osm.gz", "town.osm.bz2"):
        with osmium.SimpleWriter(tmp_path / name) as writer:
            for item in osmium.FileProcessor(toy_osm):
                writer.add(item)
        roads = sources.read_roads(str(tmp_path / name))
        assert roads.edges.equals(expected.edges)
        assert roads.nodes.equals(expected.nodes)


GONE = {"proposed", "construction", "abandoned", "razed", "planned", "disused", "no", "rest_area", "services"}


def slow_ways(path):
    """A plain loop over the file: places of all nodes, barriers, and the nodes of every way that is a road."""
    places, barriers, ways = {}, set(), {}
    for item in osmium.FileProcessor(path):
        if item.is_node():
            places[item.id] = (item.lon, item.lat)
            barriers |= {item.id} if "barrier" in item.tags else set()
        elif item.is_way():
            refs = [node.ref for node in item.nodes]
            highway = item.tags.get("highway")
            is_area = item.tags.get("area") == "yes" or (highway == "platform" and refs[0] == refs[-1])
            is_ferry = highway is None and item.tags.get("route") == "ferry"
            if is_ferry or (highway is not None and highway not in GONE and not is_area):
                ways[item.id] = refs
    return places, barriers, ways


def slow_edges(places, barriers, ways):
    """Ways cut at holes, ends, tips, barriers, and nodes that are used more than once."""
    runs = []
    for way, refs in sorted(ways.items()):
        run = []
        for ref in [*refs, None]:
            if ref in places:
                run.append(ref)
                continue
            if len(run) > 1:
                runs.append((way, run))
            run = []
    uses = Counter(ref for _, run in runs for ref in run)
    edges = []
    for way, run in runs:
        start = 0
        for position in range(1, len(run)):
            is_end = position == len(run) - 1 or run[position - 1] == run[position + 1]
            if is_end or uses[run[position]] > 1 or run[position] in barriers:
                lon, lat = zip(*(places[ref] for ref in run[start : position + 1]), strict=True)
                edges.append((way, run[start], run[position], WGS84.line_length(lon, lat)))
                start = position
    return edges


@pytest.mark.extract
@pytest.mark.parametrize("name", ["liechtenstein", "helsinki", "porto_alegre"])
def test_extract_agrees_with_a_slow_count(shared_data, name):
    path = shared_data / "osm" / f"{name}.osm.pbf"
    places, barriers, ways = slow_ways(path)
    expected = slow_edges(places, barriers, ways)
    roads = sources.read_roads(path)
    found = roads.edges[["way_id", "u", "v", "length_m"]]
    assert list(found.drop(columns="length_m").itertuples(index=False, name=None)) == [row[:3] for row in expected]
    np.testing.assert_allclose(found["length_m"], [row[3] for row in expected], atol=1e-6)
    assert roads.report["ways_kept"] == len(ways)
    used = set(found["u"]) | set(found["v"])
    assert set(roads.nodes["node_id"]) == used
    assert set(roads.nodes.loc[roads.nodes["barrier"].notna(), "node_id"]) == barriers & used


@pytest.mark.extract
def test_the_helsinki_ferry_is_not_whole_in_the_extract_and_the_report_says_so(shared_data):
    roads = sources.read_roads(shared_data / "osm" / "helsinki.osm.pbf")
    assert roads.report["ferries_without_edge"] == 1


def test_tables_satisfy_their_contracts(toy_osm):
    roads = sources.read_roads(toy_osm)
    tables.validate(roads.edges, tables.EDGES, where="toy")
    tables.validate(roads.nodes, tables.NODES, where="toy")


class TestBadInput:
    def test_missing_file(self, tmp_path):
        with pytest.raises(InputFileError, match=r"nowhere\.osm\.pbf: there is no such file"):
            sources.read_roads(tmp_path / "nowhere.osm.pbf")

    def test_folder(self, tmp_path):
        with pytest.raises(InputFileError, match="is a folder"):
            sources.read_roads(tmp_path)

    def test_unknown_suffix_lists_the_accepted(self, tmp_path):
        path = tmp_path / "roads.kml"
        path.write_text("<kml/>")
        with pytest.raises(InputFileError, match=r"\.kml is not read here; accepted: \.osm\.pbf.*\.graphml.*\.gpkg"):
            sources.read_roads(path)

    @pytest.mark.parametrize("content", [b"this is text", b"", b"<html>404</html>"])
    @pytest.mark.parametrize("name", ["roads.osm.pbf", "roads.osm"])
    def test_other_content_than_the_name_says(self, tmp_path, name, content):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputFileError, match=r"roads\.osm.*cannot be read as OSM data.*fetch it again") as caught:
            sources.read_roads(path)
        assert "\n" not in str(caught.value)

    @pytest.mark.extract
    def test_truncated_extract(self, shared_data, tmp_path):
        whole = (shared_data / "osm" / "helsinki.osm.pbf").read_bytes()
        path = tmp_path / "half.osm.pbf"
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputFileError, match=r"half\.osm\.pbf: cannot be read as OSM data \(PBF error"):
            sources.read_roads(path)

    def test_no_road(self, tmp_path, osm_writer):
        nodes = {1: (121.5, 31.6, {}), 2: (121.6, 31.6, {})}
        for ways in ({}, {5: ((1, 2), {"highway": "proposed"})}):
            path = osm_writer(tmp_path / "empty.osm", nodes, ways)
            with pytest.raises(NetworkError, match=r"empty\.osm: there is no road in this file"):
                sources.read_roads(path)

    def test_no_road_whose_nodes_are_in_the_file(self, tmp_path, osm_writer):
        path = osm_writer(tmp_path / "cut.osm", {1: (121.5, 31.6, {})}, {5: ((1, 2), {"highway": "service"})})
        with pytest.raises(NetworkError, match=r"no road whose nodes are in this file \(1 positions missing\)"):
            sources.read_roads(path)

    def test_bbox_elsewhere_says_where_the_roads_are(self, toy_osm):
        with pytest.raises(NetworkError, match=r"no road lies within \(8\.0000.*roads of the file span \(121\.5000"):
            sources.read_roads(toy_osm, bbox=(8.0, 47.0, 9.0, 48.0))

    @pytest.mark.parametrize("bbox", [(122.0, 31.0, 121.0, 32.0), (121.0, 31.0, 122.0, 320.0)])
    def test_bbox_in_another_order(self, toy_osm, bbox):
        with pytest.raises(NetworkError, match=r"write \(min_lon, min_lat, max_lon, max_lat\)"):
            sources.read_roads(toy_osm, bbox=bbox)
