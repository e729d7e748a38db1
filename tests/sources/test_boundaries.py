import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from chongming_gis import config, sources, tables
from chongming_gis.errors import CrsError, InputFileError, StudyError, TableError
from chongming_gis.sources import outlines

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
    land = gpd.GeoDataFrame({"land_id": ["1"] * 2, "kind": ["x"] * 2}, geometry=[SQUARE] * 2, crs=4326)
    land.assign(data_kind="schematic").to_parquet(path)
    with pytest.raises(TableError, match="repeat the key land_id"):
        sources.read_areas(path, contract=tables.LAND, crs=METRIC)
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


# ---- names to codes, rows of one code, slivers, overlaps, gaps -----------------------------------------------------


UTM = "EPSG:32651"
EAST, NORTH = 350_000.0, 3_500_000.0


def cell(x, y, width=1000.0, height=1000.0):
    return shapely.box(EAST + x, NORTH + y, EAST + x + width, NORTH + y + height)


def write(path, shapes, names, **columns):
    frame = gpd.GeoDataFrame({"name_zh": names, **columns}, geometry=list(shapes), crs=UTM)
    frame.to_file(path)
    return path


def codes_of(folder, rows, header="代码,名称,别名"):
    path = folder / "codes.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8-sig")
    return path


def read(path, *, contract=tables.TOWNSHIPS, **rules):
    return sources.read_areas(path, contract=contract, crs=METRIC, rules=sources.AreaRules(**rules))


def findings(areas):
    return areas.attrs["report"].get("findings", [])


def told(areas):
    return [finding.rule for finding in findings(areas)]


def test_townships_get_their_codes_by_name_with_or_without_its_end_and_by_alias(tmp_path):
    codes = codes_of(tmp_path, ["101,城桥镇,", "102,堡镇,", "103,新河镇,新民镇、新民乡", "104,东方街道,"])
    names = ["新民乡", "堡　镇", "城桥", "东方街道办事处"]
    path = write(tmp_path / "towns.gpkg", [cell(1000 * i, 0) for i in range(4)], names)
    areas = read(path, codes=codes)
    assert areas[["township_code", "name_zh"]].to_numpy().tolist() == [
        ["101", "城桥镇"],
        ["102", "堡镇"],
        ["103", "新河镇"],
        ["104", "东方街道"],
    ]
    assert told(areas) == []


def test_names_that_fit_no_code_are_all_told_with_those_that_look_like_them(tmp_path):
    codes = codes_of(tmp_path, ["101,城桥镇,", "102,堡镇,", "103,新河镇,", "104,新海镇,"])
    path = write(tmp_path / "towns.gpkg", [cell(1000 * i, 0) for i in range(4)], ["城乔镇", "堡镇", "某镇", None])
    with pytest.raises(TableError) as caught:
        read(path, codes=codes)
    assert [(f.rule, f.row, f.value) for f in caught.value.findings] == [
        ("area_nameless", 4, ""),
        ("area_name_unknown_near", 1, "城乔镇"),
        ("area_name_unknown", 3, "某镇"),
    ]
    assert "did you mean 城桥镇?" in str(caught.value)


def test_a_code_of_the_file_must_be_in_the_table_and_wins_over_the_name(tmp_path):
    codes = codes_of(tmp_path, ["101,城桥镇,", "102,堡镇,"])
    path = write(tmp_path / "t.gpkg", [cell(0, 0), cell(1000, 0)], ["堡镇", "堡镇"], township_code=["101", None])
    areas = read(path, codes=codes)
    assert areas["name_zh"].tolist() == ["城桥镇", "堡镇"]
    write(path, [cell(0, 0), cell(1000, 0)], ["堡镇", "城桥镇"], township_code=["999", None])
    with pytest.raises(TableError, match=r"row 1: the code is not in .*codes.csv"):
        read(path, codes=codes)


def test_villages_get_their_codes_within_their_township(tmp_path):
    rows = ["v1,富民村村委会,t1", "v2,富民村村委会,t2", "v3,南门居委会,t1"]
    codes = codes_of(tmp_path, rows, header="村居代码,村居名称,所属乡镇代码")
    path = write(
        tmp_path / "villages.gpkg",
        [cell(1000 * i, 0) for i in range(3)],
        ["富民村", "富民", "南门"],
        township_code=["t2", "t1", "t1"],
    )
    areas = read(path, contract=tables.VILLAGES, codes=codes)
    assert areas[["village_code", "township_code"]].to_numpy().tolist() == [["v1", "t1"], ["v2", "t2"], ["v3", "t1"]]
    write(path, [cell(0, 0)], ["富民村"], township_code=[None])
    with pytest.raises(TableError, match=r"several codes of .* have this name"):
        read(path, contract=tables.VILLAGES, codes=codes)


def test_the_table_of_codes_is_checked(tmp_path):
    path = write(tmp_path / "towns.gpkg", [cell(0, 0)], ["堡镇"])
    with pytest.raises(TableError, match="no column 'name_zh'; the file has"):
        read(path, codes=codes_of(tmp_path, ["1,2"], header="代码,电话"))
    with pytest.raises(TableError, match="row 3: township_code is missing; row 4: name_zh is missing"):
        read(path, codes=codes_of(tmp_path, ["1,堡镇,", ",城桥镇,", "3,,"]))
    with pytest.raises(TableError, match=r"no column 'township_code'.*, or give codes, a table of codes and names"):
        read(path)


def test_the_18_townships_of_the_embedded_study_are_found_by_name(tmp_path):
    study = config.read_study(sources.embedded_study_path())
    source = study.resolve(study.sources.townships.path)
    whole = gpd.read_parquet(source)
    named = whole[["name_zh", "geometry"]].assign(
        name_zh=[name.removesuffix("镇").removesuffix("乡") if len(name) > 2 else name for name in whole["name_zh"]]
    )
    named.sample(frac=1.0, random_state=1).to_file(tmp_path / "named.gpkg")
    table = source.parents[1] / "sources" / "townships.csv"
    areas = read(tmp_path / "named.gpkg", codes=table)
    expected = sources.read_areas(source, contract=tables.TOWNSHIPS, crs=METRIC)
    assert areas["township_code"].tolist() == expected["township_code"].tolist()
    assert areas["name_zh"].tolist() == expected["name_zh"].tolist()
    assert areas.geometry.geom_equals_exact(expected.geometry, tolerance=1e-6).all()


def test_rows_of_one_code_are_made_one_area(tmp_path):
    path = write(
        tmp_path / "towns.gpkg",
        [cell(0, 0), cell(5000, 0), cell(1000, 0)],
        ["甲镇", "甲镇", "乙镇"],
        township_code=["1", "1", "2"],
    )
    areas = read(path)
    assert areas["township_code"].tolist() == ["1", "2"]
    assert areas.area.tolist() == pytest.approx([2e6, 1e6])
    assert areas.geom_type.tolist() == ["MultiPolygon", "Polygon"]
    assert areas.attrs["report"]["rows_joined"] == 1
    assert [(f.severity, f.rule, f.row, f.value) for f in findings(areas)] == [("note", "area_rows_joined", 1, "1")]


def test_rows_of_one_code_with_two_names_are_refused(tmp_path):
    path = write(tmp_path / "t.gpkg", [cell(0, 0), cell(1000, 0)], ["甲镇", "乙镇"], township_code=["1", "1"])
    with pytest.raises(TableError, match=r"row 1, 2: rows with this code have different names"):
        read(path)


def test_a_village_name_is_given_once_in_a_township(tmp_path):
    cells = [cell(0, 0), cell(1000, 0), cell(2000, 0)]
    path = write(
        tmp_path / "v.gpkg", cells, ["富民村"] * 3, village_code=["a", "b", "c"], township_code=["1", "2", "2"]
    )
    with pytest.raises(TableError, match=r"row 2, 3: another village of this township has this name"):
        read(path, contract=tables.VILLAGES)
    write(path, cells, ["富民村"] * 3, village_code=["a", "b", "c"], township_code=["1", "2", "3"])
    assert len(read(path, contract=tables.VILLAGES)) == 3


def test_repairs_are_told_with_the_area_kept(tmp_path):
    bow = shapely.Polygon([(EAST, NORTH), (EAST + 1000, NORTH + 1000), (EAST + 1000, NORTH), (EAST, NORTH + 1000)])
    path = write(tmp_path / "towns.gpkg", [cell(1000, 0), bow], ["甲镇", "乙镇"], township_code=["1", "2"])
    (finding,) = findings(read(path))
    assert (finding.rule, finding.row, finding.value, finding.details["km2"]) == ("outline_repaired", 2, "乙镇", "0.5")


def test_overlaps_above_a_sliver_are_warnings_and_stay(tmp_path):
    path = write(tmp_path / "t.gpkg", [cell(0, 0), cell(900, 0)], ["甲镇", "乙镇"], township_code=["1", "2"])
    areas = read(path)
    (finding,) = findings(areas)
    assert (finding.severity, finding.rule) == ("warning", "areas_overlap")
    assert finding.message == "甲镇 and 乙镇 overlap by 0.1 km²"
    assert areas.area.tolist() == pytest.approx([1e6, 1e6])


def test_slivers_of_overlap_and_gap_go_to_one_of_two(tmp_path):
    """甲 and 乙 overlap by 0.5 m x 1,000 m; between 丙 and the others is a gap of 0.5 m, closed at both ends."""
    above = shapely.union_all([cell(0, 1000.5, 2000, 999.5), cell(0, 1000, 1, 1), cell(1999, 1000, 1, 1)])
    path = write(
        tmp_path / "t.gpkg",
        [cell(0, 0, 1000.5), cell(1000, 0), above],
        ["甲镇", "乙镇", "丙镇"],
        township_code=["1", "2", "3"],
    )
    areas = read(path)
    assert told(areas) == ["areas_cut", "gaps_filled"]
    assert all(finding.severity == "note" for finding in findings(areas))
    assert shapely.area(shapely.intersection(areas.geometry[0], areas.geometry[1])) == pytest.approx(0.0, abs=1e-6)
    assert areas.area.sum() == pytest.approx(4e6, abs=1e-3)
    assert shapely.union_all(areas.geometry.to_numpy()).area == pytest.approx(4e6, abs=1e-3)
    assert [finding.details["m2"] for finding in findings(areas)] == ["500", "999"]
    untouched = read(path, sliver_m2=0.0)
    assert told(untouched) == ["areas_overlap"]


def test_small_parts_go_to_the_neighbour_and_thin_ones_that_touch_nothing_are_left_out(tmp_path):
    """甲 has 400 m2 inside 乙's notch (moved), a strip of 1 m x 100 m far away (left out) and an islet (kept)."""
    notch = cell(1990, 100, 20, 20)
    first = shapely.union_all([cell(0, 0), notch, cell(9000, 0, 1, 100), cell(9000, 500, 25, 25)])
    second = shapely.difference(cell(1000, 0, 2000), notch)
    path = write(tmp_path / "t.gpkg", [first, second], ["甲镇", "乙镇"], township_code=["1", "2"])
    areas = read(path)
    assert told(areas) == ["slivers_moved", "slivers_dropped"]
    assert areas.area.tolist() == pytest.approx([1e6 + 625.0, 2e6])
    assert areas.is_valid.all()


def test_borders_drawn_from_rounded_coordinates_are_left_alone(tmp_path):
    path = write(tmp_path / "t.gpkg", [cell(0, 0, 1000.05), cell(1000, 0)], ["甲镇", "乙镇"], township_code=["1", "2"])
    areas = read(path)
    assert told(areas) == []
    assert areas.area.iloc[1] == pytest.approx(1e6)


def test_gaps_in_the_region_are_told_with_their_area_and_neighbours(tmp_path):
    path = write(tmp_path / "t.gpkg", [cell(0, 0), cell(2000, 0)], ["甲镇", "乙镇"], township_code=["1", "2"])
    areas = read(path)
    region = shapely.box(EAST, NORTH, EAST + 3000, NORTH + 1004)
    (finding,) = sources.tell_gaps(areas, region, uninhabited=None, where="t.gpkg")
    assert (finding.severity, finding.rule, finding.where) == ("warning", "area_gap", "t.gpkg")
    assert finding.message == "1.01 km² of the region lie in no township, beside 甲镇、乙镇"
    assert sources.tell_gaps(areas, region, uninhabited=cell(900, -10, 1200, 2000), where="") == []
    assert sources.tell_gaps(areas, None, uninhabited=None, where="") == []


def test_many_gaps_are_told_one_by_one_and_then_together():
    rows = [cell(100.0 * i, 0, 50.0) for i in range(31)]
    areas = gpd.GeoDataFrame({"name_zh": [f"镇{i}" for i in range(31)]}, geometry=rows, crs=UTM)
    region = shapely.box(EAST, NORTH, EAST + 3050, NORTH + 1000)
    found = sources.tell_gaps(areas, region, uninhabited=None, where="")
    assert [finding.rule for finding in found] == ["area_gap"] * 20 + ["area_gaps_more"]
    assert found[-1].details == {"count": "10", "km2": "0.5"}


@settings(max_examples=40)
@given(st.lists(st.integers(1, 9), min_size=3, max_size=12), st.integers(0, 10_000))
def test_tidying_keeps_the_ground(widths, seed):
    """Strips side by side, their borders shifted by up to half a metre: what they cover stays within their slivers."""
    rng = np.random.default_rng(seed)
    edges = np.cumsum([0, *widths]) * 100.0
    left, right = (edges[at] + rng.uniform(-0.5, 0.5, len(widths)) for at in (slice(None, -1), slice(1, None)))
    frame = np.array([shapely.box(EAST + a, NORTH, EAST + b, NORTH + 500) for a, b in zip(left, right, strict=True)])
    tidy = outlines.tidy(frame, sliver_m2=600.0)
    assert shapely.is_valid(tidy.geometry).all()
    before, after = (shapely.union_all(shapes).area for shapes in (frame, tidy.geometry))
    assert after == pytest.approx(before, abs=1e-3)
    first, second = shapely.STRtree(tidy.geometry).query(tidy.geometry, predicate="intersects")
    common = shapely.intersection(tidy.geometry[first[first < second]], tidy.geometry[second[first < second]])
    assert (shapely.area(common) <= outlines.ROUNDING_M * 510).all()  # roundings stay
    assert tidy.overlaps == []


def test_tidying_does_not_depend_on_the_order_of_rows(tmp_path):
    shapes = [cell(0, 0, 1000.5), cell(1000, 0, 1000.5), cell(2000, 0)]
    names, codes = ["甲镇", "乙镇", "丙镇"], ["1", "2", "3"]
    one = read(write(tmp_path / "a.gpkg", shapes, names, township_code=codes))
    other = read(write(tmp_path / "b.gpkg", shapes[::-1], names[::-1], township_code=codes[::-1]))
    assert one.geometry.geom_equals(other.geometry).all()
