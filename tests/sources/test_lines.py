import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given
from hypothesis import strategies as st

from chongming_gis import sources, tables
from chongming_gis.errors import CrsError, InputFileError, TableError
from chongming_gis.sources import lines

SHORT = {"oneway_bicycle": "bikeway", "motor_vehicle": "motor", "way_share": "share"}  # .shp names have 10 letters


def layer(shapes, *, crs="EPSG:32651", **columns):
    return gpd.GeoDataFrame({"highway": ["residential"] * len(shapes), **columns}, geometry=shapes, crs=crs)


def written(frame, path, name="roads.gpkg"):
    if name.endswith(".parquet"):
        frame.to_parquet(path / name)
    else:
        frame.to_file(path / name)
    return path / name


def pairs(roads):
    """Edges as pairs of rounded places."""
    at = roads.nodes.set_index("node_id").geometry
    place = {i: (round(p.x), round(p.y)) for i, p in at.items()}
    return [(place[u], place[v]) for u, v in zip(roads.edges["u"], roads.edges["v"], strict=True)]


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".parquet", ".shp"])
def test_the_toy_town_is_the_same_through_every_layer(toy_osm, tmp_path, same_edges, suffix):
    roads = sources.read_roads(toy_osm)
    edges = roads.edges if suffix in {".gpkg", ".parquet"} else roads.edges.to_crs("EPSG:4326")
    mapped = SHORT if suffix == ".shp" else {}
    path = written(edges.rename(columns=mapped), tmp_path, f"roads{suffix}")
    again = sources.read_roads(path, columns=mapped)
    assert again.crs == roads.crs
    same_edges(roads.edges, again.edges)


def test_shared_vertices_join_and_crossings_do_not(tmp_path):
    """
    Line 0 = (0,0) (50,0) (100,0); line 1 starts at its vertex (50,0); line 2 crosses it at (25,0): a bridge.
    """
    shapes = [
        shapely.LineString([(0, 0), (50, 0), (100, 0)]),
        shapely.LineString([(50, 0), (50, 80)]),
        shapely.LineString([(25, -40), (25, 40)]),
    ]
    moved = [shapely.affinity.translate(shape, 350000, 3500000) for shape in shapes]
    roads = sources.read_roads(written(layer(moved), tmp_path))
    x, y = 350000, 3500000
    assert pairs(roads) == [
        ((x, y), (x + 50, y)),
        ((x + 50, y), (x + 100, y)),
        ((x + 50, y), (x + 50, y + 80)),
        ((x + 25, y - 40), (x + 25, y + 40)),
    ]
    assert roads.edges["way_id"].tolist() == [0, 0, 1, 2]


def test_an_end_on_the_middle_of_a_segment_joins_it(tmp_path):
    """Line 1 ends 8 mm from the middle of line 0 (GeoJSON rounding); line 2 stops 0.5 m short and stays loose."""
    shapes = [
        shapely.LineString([(350000, 3500000), (350100, 3500000)]),
        shapely.LineString([(350040, 3500070), (350040, 3500000.008)]),
        shapely.LineString([(350060, 3500070), (350060, 3500000.5)]),
    ]
    roads = sources.read_roads(written(layer(shapes), tmp_path))
    assert roads.edges["way_id"].tolist() == [0, 0, 1, 2]
    assert roads.report["ends_joined_to_a_line"] == 1
    assert roads.edges["length_m"].iloc[:2].sum() == pytest.approx(100.0, rel=1e-3)
    assert len(roads.nodes) == 6


def test_multilines_are_exploded_and_keep_the_row(tmp_path):
    parts = shapely.MultiLineString(
        [[(350000, 3500000), (350010, 3500000)], [(350010, 3500000), (350010, 3500020)], [(350900, 0), (350900, 5)]]
    )
    other = shapely.LineString([(350000, 3500000), (350000, 3500500)])
    roads = sources.read_roads(written(layer([parts, other]).set_crs("EPSG:32651"), tmp_path, "roads.parquet"))
    assert roads.edges["way_id"].tolist() == [0, 0, 0, 1]
    assert roads.edges.loc[:2, "way_share"].sum() == pytest.approx(1.0)


def test_lengths_are_geodesic_also_in_a_projected_layer(tmp_path):
    """Web Mercator stretches by 1 / cos(latitude): 1,000 units at 31.6 degrees north are about 852 m."""
    shape = shapely.LineString([(13525000, 3709000), (13526000, 3709000)])
    roads = sources.read_roads(written(layer([shape], crs="EPSG:3857"), tmp_path))
    lat = np.radians(31.585)
    earth = 6378137.0 / np.sqrt(1 - 0.00669438 * np.sin(lat) ** 2)
    east_west = 1000.0 / 6378137.0 * earth * np.cos(lat)
    assert roads.edges["length_m"].iloc[0] == pytest.approx(east_west, rel=1e-4)
    assert roads.crs.to_epsg() == 32651


def test_columns_map_our_names_and_other_programs_spellings(tmp_path):
    """Geofabrik's shapefiles: fclass, oneway F/T/B, bridge and tunnel T/F, maxspeed 0 = not known."""
    shapes = [shapely.LineString([(350000, y), (350100, y)]) for y in (3500000, 3500100, 3500200)]
    frame = layer(shapes).drop(columns="highway")
    frame = frame.assign(
        fclass=["primary", "service", "track"], oneway=["F", "T", "B"], bridge=["T", "F", "F"], maxspeed=[50, 0, 0]
    )
    path = written(frame, tmp_path)
    edges = sources.read_roads(path, columns={"highway": "fclass"}).edges
    assert edges["highway"].tolist() == ["primary", "service", "track"]
    assert edges["oneway"].tolist() == ["yes", "-1", "no"]
    assert edges["bridge"].tolist() == ["yes", "no", "no"]
    assert edges["maxspeed"].fillna("-").tolist() == ["50", "-", "-"]


def test_boolean_oneway_and_rows_without_geometry(tmp_path):
    shapes = [shapely.LineString([(350000, 3500000), (350100, 3500000)]), None]
    roads = sources.read_roads(written(layer(shapes, oneway=[True, False]), tmp_path))
    assert roads.edges["oneway"].tolist() == ["yes"]
    assert roads.report["rows_without_geometry"] == 1


def test_order_of_rows_does_not_change_the_roads(toy_osm, tmp_path, same_edges):
    roads = sources.read_roads(toy_osm)
    path = written(roads.edges.iloc[::-1], tmp_path)
    again = sources.read_roads(path)
    same_edges(roads.edges, again.edges)
    assert again.nodes["node_id"].is_monotonic_increasing


coordinates = st.tuples(st.integers(0, 30), st.integers(0, 30))


@given(st.lists(coordinates, min_size=1, max_size=30), st.randoms())
def test_positions_nudged_below_the_tolerance_are_the_same_vertices(places, random):
    exact = np.array(places, dtype=float)
    nudged = exact + [[random.uniform(-3e-4, 3e-4), random.uniform(-3e-4, 3e-4)] for _ in places]
    vertex, _ = lines.join_vertices(exact, tolerance_m=0.001)
    moved, coords = lines.join_vertices(nudged, tolerance_m=0.001)
    assert len(coords) == len(set(places))
    same = vertex[:, None] == vertex[None, :]
    np.testing.assert_array_equal(moved[:, None] == moved[None, :], same)
    assert np.abs(coords[moved] - exact).max() < 0.002


@pytest.mark.extract
@pytest.mark.parametrize(("name", "epsg", "rows", "km"), [("wuhan", 32650, 92667, 7185), ("liege", 32631, 79907, None)])
def test_real_noded_layers(shared_data, name, epsg, rows, km):
    """Rows and kilometres as shared/README.md counts them (planar); every row stays one edge but those joined."""
    roads = sources.read_roads(shared_data / "roads" / f"{name}.parquet")
    assert roads.crs.to_epsg() == epsg
    assert roads.report["rows_read"] == rows
    assert len(roads.edges) == rows + roads.report["ends_joined_to_a_line"]
    assert len(roads.edges) - rows <= 2
    planar = gpd.read_parquet(shared_data / "roads" / f"{name}.parquet").length.sum()
    assert km is None or round(planar / 1000) == km
    assert roads.edges["length_m"].sum() == pytest.approx(planar, rel=1e-3)


class TestBadInput:
    def test_missing_crs(self, tmp_path):
        frame = layer([shapely.LineString([(0, 0), (1, 1)])], crs=None)
        with pytest.raises(CrsError, match=r"roads\.parquet: the file does not say its CRS"):
            sources.read_roads(written(frame, tmp_path, "roads.parquet"))

    def test_mixed_geometry_names_rows_and_remedy(self, tmp_path):
        shapes = [
            shapely.LineString([(0, 0), (1, 1)]),
            shapely.Point(0, 0),
            shapely.box(0, 0, 1, 1),
            shapely.Point(1, 1),
        ]
        with pytest.raises(TableError, match=r"row 2, 4: 2 Point where .*row 3: 1 Polygon .*save the lines alone"):
            sources.read_roads(written(layer(shapes), tmp_path, "roads.parquet"))

    def test_no_road_class_lists_the_columns(self, tmp_path):
        frame = layer([shapely.LineString([(350000, 3500000), (350001, 3500001)])]).rename(columns={"highway": "类别"})
        with pytest.raises(TableError, match="no column 'highway'; the file has 类别"):
            sources.read_roads(written(frame, tmp_path))

    def test_mapped_column_that_is_not_there(self, tmp_path):
        frame = layer([shapely.LineString([(350000, 3500000), (350001, 3500001)])])
        with pytest.raises(TableError, match="no column 'fclass'; the file has highway"):
            sources.read_roads(written(frame, tmp_path), columns={"highway": "fclass"})

    def test_several_layers_and_none_named(self, tmp_path):
        frame = layer([shapely.LineString([(350000, 3500000), (350001, 3500001)])])
        for name in ("main", "side"):
            frame.to_file(tmp_path / "roads.gpkg", layer=name)
        with pytest.raises(InputFileError, match=r"name one layer .*main, side"):
            sources.read_roads(tmp_path / "roads.gpkg")
        with pytest.raises(InputFileError, match=r"no layer 'rail'; layers .*main, side"):
            sources.read_roads(tmp_path / "roads.gpkg", layer="rail")
        assert len(sources.read_roads(tmp_path / "roads.gpkg", layer="side").edges) == 1

    @pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".parquet"])
    def test_other_content_than_the_name_says(self, tmp_path, suffix):
        path = tmp_path / f"roads{suffix}"
        path.write_bytes(b"this is no layer")
        with pytest.raises(InputFileError, match="cannot be read as") as caught:
            sources.read_roads(path)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".parquet"])
    @pytest.mark.parametrize("share", [0.3, 0.99])
    def test_truncated(self, toy_osm, tmp_path, suffix, share):
        """Above all .shp, of which GDAL would read the rows that are left."""
        edges = sources.read_roads(toy_osm).edges.to_crs("EPSG:4326").rename(columns=SHORT)
        path = written(edges, tmp_path, f"roads{suffix}")
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputFileError, match=r"cannot be read as|is incomplete"):
            sources.read_roads(path, columns=SHORT)

    def test_parquet_without_geometry(self, tmp_path):
        layer([shapely.LineString([(0, 0), (1, 1)])]).drop(columns="geometry").to_parquet(tmp_path / "roads.parquet")
        with pytest.raises(InputFileError, match="cannot be read as GeoParquet"):
            sources.read_roads(tmp_path / "roads.parquet")


def test_contract_holds_for_a_layer(toy_osm, tmp_path):
    roads = sources.read_roads(written(sources.read_roads(toy_osm).edges, tmp_path))
    tables.validate(roads.edges, tables.EDGES, where="layer")
