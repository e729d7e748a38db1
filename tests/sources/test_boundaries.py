import geopandas as gpd
import pytest
import shapely
from pyproj import CRS

from chongming_gis import sources, tables
from chongming_gis.errors import CrsError, InputFileError, StudyError, TableError

METRIC = CRS.from_epsg(32651)
SQUARE = shapely.box(121.5, 31.6, 121.51, 31.61)


def towns(shapes, **columns):
    names = {"township_code": [310151101 + i for i in range(len(shapes))], "name_zh": ["镇"] * len(shapes)}
    return gpd.GeoDataFrame({**names, **columns}, geometry=shapes, crs=4326)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".parquet"])
def test_townships(tmp_path, suffix):
    frame = towns([shapely.box(121.51, 31.6, 121.52, 31.61), SQUARE]).iloc[::-1]
    path = tmp_path / f"towns{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_file(path)
    areas = sources.read_areas(path, contract=tables.TOWNSHIPS, crs=METRIC)
    assert areas["township_code"].tolist() == ["310151101", "310151102"]
    assert areas["name_en"].isna().all()
    assert areas.crs == METRIC
    assert areas.area.tolist() == pytest.approx([1.0522e6] * 2, rel=2e-3)  # 948.5 m by 1,108.8 m, WGS 84 at 31.6 N
    assert areas.attrs["report"] == {"areas_read": 2, "outlines_repaired": 0}


def test_outlines_that_cross_themselves_are_repaired_and_counted(tmp_path):
    """A bow tie of two triangles that meet in the middle: half of its square is left."""
    bow = shapely.Polygon([(121.5, 31.6), (121.51, 31.61), (121.51, 31.6), (121.5, 31.61)])
    towns([bow, SQUARE]).to_parquet(tmp_path / "towns.parquet")
    areas = sources.read_areas(tmp_path / "towns.parquet", contract=tables.TOWNSHIPS, crs=METRIC)
    assert areas.is_valid.all()
    assert areas.area[0] == pytest.approx(areas.area[1] / 2, rel=1e-3)
    assert areas.attrs["report"]["outlines_repaired"] == 1


def test_land_takes_what_the_study_says_of_all_rows(tmp_path):
    frame = gpd.GeoDataFrame({"编号": ["x"], "kind": ["wetland"]}, geometry=[SQUARE], crs=4326)
    frame.to_parquet(tmp_path / "land.parquet")
    land = sources.read_areas(
        tmp_path / "land.parquet",
        contract=tables.LAND,
        crs=METRIC,
        columns={"land_id": "编号"},
        fill={"data_kind": "schematic"},
    )
    assert land[["land_id", "kind", "data_kind"]].iloc[0].tolist() == ["x", "wetland", "schematic"]


def test_missing_columns_list_the_file_s(tmp_path):
    towns([SQUARE]).rename(columns={"name_zh": "名称"}).to_parquet(tmp_path / "towns.parquet")
    with pytest.raises(TableError, match=r"no column 'name_zh'; the file has township_code, 名称: map them"):
        sources.read_areas(tmp_path / "towns.parquet", contract=tables.TOWNSHIPS, crs=METRIC)


def test_points_repeated_codes_and_missing_crs(tmp_path):
    path = tmp_path / "towns.parquet"
    towns([shapely.Point(121.5, 31.6)]).to_parquet(path)
    with pytest.raises(TableError, match="are Point where Polygon or MultiPolygon is needed"):
        sources.read_areas(path, contract=tables.TOWNSHIPS, crs=METRIC)
    towns([SQUARE, SQUARE], township_code=["1", "1"]).to_parquet(path)
    with pytest.raises(TableError, match="repeat the key township_code"):
        sources.read_areas(path, contract=tables.TOWNSHIPS, crs=METRIC)
    towns([SQUARE]).set_crs(None, allow_override=True).to_parquet(path)
    with pytest.raises(CrsError, match="does not say its CRS"):
        sources.read_areas(path, contract=tables.TOWNSHIPS, crs=METRIC)


def test_region_is_one_shape(tmp_path):
    path = tmp_path / "region.gpkg"
    towns([SQUARE, shapely.box(121.51, 31.6, 121.52, 31.61)]).to_file(path)
    region = sources.read_region(path, METRIC)
    assert region.geom_type == "Polygon"
    assert region.area == pytest.approx(2 * 1.0522e6, rel=2e-3)


def test_region_must_be_polygons(tmp_path):
    path = tmp_path / "region.parquet"
    towns([shapely.LineString([(121.5, 31.6), (121.6, 31.6)])]).to_parquet(path)
    with pytest.raises(TableError, match="row 1: 1 LineString where Polygon or MultiPolygon is needed"):
        sources.read_region(path, METRIC)
    towns([]).to_parquet(path)
    with pytest.raises(TableError, match="there is no polygon in this layer"):
        sources.read_region(path, METRIC)


KM2 = {
    "Balzers": 19.7, "Eschen": 10.4, "Gamprin": 6.2, "Mauren": 7.5, "Planken": 5.3, "Ruggell": 7.4,
    "Schaan": 26.9, "Schellenberg": 3.6, "Triesen": 26.5, "Triesenberg": 29.7, "Vaduz": 17.3,
}  # fmt: skip


@pytest.mark.extract
class TestLiechtenstein:
    """The eleven municipalities; areas in km2 as published by the Amt fuer Statistik (whole country 160.5)."""

    def read(self, shared_data, **options):
        path = shared_data / "osm" / "liechtenstein.osm.pbf"
        return sources.read_areas(path, crs=CRS.from_epsg(32632), **{"contract": tables.TOWNSHIPS, **options})

    def test_municipalities(self, shared_data):
        areas = self.read(shared_data, admin_level=8)
        assert dict(zip(areas["name_zh"], areas.area / 1e6, strict=True)) == pytest.approx(KM2, abs=0.15)
        assert areas.area.sum() / 1e6 == pytest.approx(160.5, rel=5e-3)
        assert areas["township_code"].str.match(r"^r\d+$").all()
        assert areas["township_code"].is_monotonic_increasing
        assert areas.attrs["report"]["relations_not_whole"] == 22 - 11  # neighbours in Austria and Switzerland

    def test_level_is_needed_and_must_exist(self, shared_data):
        with pytest.raises(StudyError, match="say which areas: admin_level"):
            self.read(shared_data)
        with pytest.raises(InputFileError, match="no whole area with admin_level = 9"):
            self.read(shared_data, admin_level=9)

    def test_relations_do_not_say_the_township_of_a_village(self, shared_data):
        with pytest.raises(TableError, match="no column 'township_code'"):
            self.read(shared_data, admin_level=8, contract=tables.VILLAGES)
