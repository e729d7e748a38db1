"""Facilities from office tables: 40 kinds of faults in 5,000 rows, each told with its row and no other."""

import time

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import CRS, Transformer

from chongming_gis import config, sources
from chongming_gis.errors import CrsError, InputFileError, TableError
from chongming_gis.wording import LANGUAGES, Words
from tests.sources import workbooks

METRIC = CRS.from_epsg(32651)
HEADER = [
    "设施编号", "机构名称", "详细地址", "所属街镇", "所属村居", "经度", "纬度", "床位数（张）", "入住人数",
    "机构类型", "级别",
    "服务范围", "运营状态", "开业时间", "关停时间", "是否标准化", "定位精度（米）", "数据性质",
]  # fmt: skip
AT = {name: position for position, name in enumerate(HEADER)}
FIRST_ROW = 4  # two titles and the header stand above


def source(**changes):
    return config.FacilitySource(**{"path": "f.xlsx", "kind": "sourced", "source": "台账", "datum": "wgs84", **changes})


def read(path, *, unit="beds", locate=None, names=("养老院",), **changes):
    return sources.read_facilities(
        source(**changes),
        path=path,
        service_id="elder_home",
        capacity_unit=unit,
        crs=METRIC,
        locate=locate,
        service_names=names,
    )


def good_row(i, rng):
    """A row without a fault, written in one of the ways offices write."""
    lon, lat = 121.2 + rng.random() * 0.7, 31.4 + rng.random() * 0.4
    as_dms = f"{int(lon)}°{int(lon % 1 * 60)}′{lon * 60 % 1 * 60:.2f}″"
    beds = int(rng.integers(20, 300))
    return [
        f"H{i:05d}",
        f"第{i}养老院",
        f"某镇某路{i}号",
        ("城桥镇", "堡镇", "新河镇")[i % 3],
        None,
        (lon, f"{lon:.6f}", f"{lon:.6f}°", as_dms)[i % 4],
        (lat, f"{lat:.6f}", f"北纬{lat:.6f}")[i % 3],
        (beds, f"{beds}张", f"{beds:,}", str(beds).translate(str.maketrans("0123456789", "０１２３４５６７８９")))[
            i % 4
        ],
        (beds // 2, None, f"{beds // 2}人")[i % 3],
        "养老院",
        ("镇级", "区级", "村级", None, "township")[i % 5],
        ("全区", "本镇", "本村", "不限", None)[i % 5],
        ("运营", "在营", "规划", "在建", None)[i % 5],
        (2015, "2015年", "2015年5月", "2015/5/1", None, "42125")[i % 6],
        None,
        ("是", "否", None, "√")[i % 4],
        (20, "50米", None)[i % 3],
        ("实测", "公示", None)[i % 3],
    ]


#: kind -> (the header of the cell, what is written there, rule, header the finding names; None = no column)
FAULTS = {
    "no name": ("机构名称", None, "name_missing", "机构名称"),
    "a dash for a name": ("机构名称", "——", "name_missing", "机构名称"),
    "a garbled name": ("机构名称", "锟斤拷敬老院", "text_garbled", "机构名称"),
    "a replaced letter in a name": ("机构名称", "城桥\ufffd敬老院", "text_garbled", "机构名称"),
    "an error for a name": ("机构名称", "#NAME?", "cell_error", "机构名称"),
    "a garbled address": ("详细地址", "锟斤拷路1号", "text_garbled", "详细地址"),
    "no id": ("设施编号", None, "id_missing", "设施编号"),
    "no longitude": ("经度", None, "position_missing", "经度"),
    "no latitude": ("纬度", None, "position_missing", "纬度"),
    "words for a longitude": ("经度", "见附图", "position_missing", "经度"),
    "75 minutes": ("经度", "121°75′00″", "position_missing", "经度"),
    "two points in a number": ("经度", "121.5.5", "position_missing", "经度"),
    "a decimal comma": ("纬度", "31,6", "position_missing", "纬度"),
    "an error for a longitude": ("经度", "#N/A", "position_missing", "经度"),
    "longitude out of range": ("经度", 1121.5, "position_range", "经度"),
    "latitude out of range": ("纬度", 316.0, "position_range", "经度"),
    "no number of beds": ("床位数（张）", "若干", "capacity_text", "床位数（张）"),
    "a percentage": ("床位数（张）", "50%", "capacity_text", "床位数（张）"),
    "an error for a capacity": ("床位数（张）", "#REF!", "capacity_text", "床位数（张）"),
    "beds in Chinese numerals": ("床位数（张）", "一百二十", "capacity_text", "床位数（张）"),
    "two numbers in one cell": ("床位数（张）", "60(护理10)", "capacity_text", "床位数（张）"),
    "a range": ("床位数（张）", "80-120", "capacity_range", "床位数（张）"),
    "at least": ("床位数（张）", "100以上", "capacity_range", "床位数（张）"),
    "negative beds": ("床位数（张）", -5, "capacity_negative", "床位数（张）"),
    "use is a word": ("入住人数", "满员", "capacity_text", "入住人数"),
    "negative use": ("入住人数", -1, "capacity_negative", "入住人数"),
    "five years ago": ("开业时间", "五年前", "year", "开业时间"),
    "half a year": ("开业时间", "2019.55", "year", "开业时间"),
    "two digits of a year": ("开业时间", "19年", "year", "开业时间"),
    "two years": ("开业时间", "2019-2020", "year", "开业时间"),
    "closing unreadable": ("关停时间", "明年", "year", "关停时间"),
    "closed before it opened": ("关停时间", "1999", "years_order", "关停时间"),
    "an unknown status": ("运营状态", "待查", "word_unknown", "运营状态"),
    "an unknown level": ("级别", "省级", "word_unknown", "级别"),
    "unknown users": ("服务范围", "老人", "word_unknown", "服务范围"),
    "an unknown kind of data": ("数据性质", "听说", "word_unknown", "数据性质"),
    "neither yes nor no": ("是否标准化", "部分", "claim", "是否标准化"),
    "quality is a word": ("定位精度（米）", "较准", "position_quality", "定位精度（米）"),
    "negative quality": ("定位精度（米）", -3, "position_quality", "定位精度（米）"),
}
#: Faults of more than one cell: kind -> ({header: value}, rule, header the finding names)
WIDER = {
    "swapped": ({"经度": 31.6, "纬度": 121.5}, "position_swapped", "经度"),
    "metres": ({"经度": 357000.0, "纬度": 3497000.0}, "position_in_metres", "经度"),
    "no position": ({"经度": None, "纬度": None}, "unplaced", "详细地址"),
    "no position, no address": ({"经度": "/", "纬度": "不详", "详细地址": None}, "unplaced", "详细地址"),
    "use without capacity": ({"床位数（张）": None, "入住人数": 5}, "capacity_used_alone", "入住人数"),
    "the same id": ({"设施编号": "H00000"}, "id_repeated", "设施编号"),
}
TIMES = 3


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A workbook of 5,000 rows, the faults in it, and the rows that are left out."""
    rng = np.random.default_rng(20261124)
    rows = [good_row(i, rng) for i in range(5000)]
    kinds = [*FAULTS, *WIDER]
    spots = iter(rng.permutation(np.arange(1, 4990)).tolist())
    expected = set()
    for kind in kinds:
        for _ in range(TIMES):
            at = next(spots)
            cells, rule, column = (
                WIDER[kind] if kind in WIDER else ({FAULTS[kind][0]: FAULTS[kind][1]}, *FAULTS[kind][2:])
            )
            if rule == "years_order":
                rows[at][AT["开业时间"]] = 2015
            for header, value in cells.items():
                rows[at][AT[header]] = value
            expected.add((rule, at + FIRST_ROW, column))
    rows[0][AT["设施编号"]] = "H00000"
    expected.add(("id_repeated", FIRST_ROW, "设施编号"))
    about, closed, formula = next(spots), next(spots), next(spots)
    rows[about][AT["床位数（张）"]] = "约80"
    rows[closed][AT["运营状态"]] = "已关停"
    rows[closed][AT["经度"]] = "不用管"
    rows[formula][AT["机构名称"]] = '=HYPERLINK("http://example.org","点我")'
    merged = 4992
    rows[merged + 1][AT["床位数（张）"]] = None
    rows[merged + 1][AT["入住人数"]] = None
    expected.add(("merged_value", merged + 1 + FIRST_ROW, "床位数（张）"))
    total = ["合计", *[None] * 6, 99999, *[None] * 10]
    path = tmp_path_factory.mktemp("planted") / "f.xlsx"
    sheet_rows = [["崇明区养老机构一览表"], ["单位：张、人"], HEADER, *rows[:2500], HEADER, *rows[2500:], total]
    shift = {row: row + (row >= 2500 + FIRST_ROW) for row in range(FIRST_ROW, 5000 + FIRST_ROW)}
    top = shift[merged + FIRST_ROW]
    workbooks.xlsx(
        path, {"养老院": sheet_rows, "其他": [["x"]]}, merge=["A1:R1", f"H{top}:H{top + 1}"], hidden_rows=[9]
    )
    expected = {(rule, shift[row], column) for rule, row, column in expected}
    others = {
        ("row_header_again", 2500 + FIRST_ROW),
        ("row_total", 5000 + FIRST_ROW + 1),
        ("row_hidden", 9),
        ("capacity_about", shift[about + FIRST_ROW]),
        ("facility_closed", shift[closed + FIRST_ROW]),
        ("formula_text", shift[formula + FIRST_ROW]),
    }
    return path, expected, others


@pytest.fixture(scope="module")
def refused(planted):
    """The error that the planted table gives, and the seconds of work until then."""
    start = time.process_time()
    with pytest.raises(TableError) as caught:
        read(planted[0])
    return caught.value, time.process_time() - start


def test_every_planted_fault_is_told_with_its_row_and_no_other(planted, refused):
    _, expected, others = planted
    error, took_s = refused
    assert len(FAULTS) + len(WIDER) >= 40
    assert {finding.severity for finding in error.findings} == {"error"}
    assert {(finding.rule, finding.row, finding.column) for finding in error.findings} == expected
    assert len(error.findings) == len(expected)
    assert {finding.sheet for finding in error.findings} == {"养老院"}
    told = error.kept.report["findings"]
    assert {(finding.rule, finding.row) for finding in told if finding.row is not None} == others
    assert {finding.rule for finding in told if finding.row is None} == {"missing_words"}
    assert took_s < 2.0


def test_every_rule_has_its_text_in_both_languages(refused):
    error, _ = refused
    for finding in (*error.findings, *error.kept.report["findings"]):
        said = {language: Words(language).finding(finding) for language in LANGUAGES}
        assert said["zh"] != said["en"], finding.rule
        assert "{" not in said["zh"] + said["en"]
        assert not finding.suggestion or Words("zh").remedy(finding) != finding.suggestion, finding.rule


def test_the_value_in_the_file_is_shown_and_the_message_stays_short(refused):
    error, _ = refused
    by_rule = {finding.rule: finding for finding in error.findings}
    assert by_rule["capacity_range"].value in {"80-120", "100以上"}
    assert by_rule["position_in_metres"].value == "357000"
    assert by_rule["word_unknown"].details["allowed"]
    assert len(str(error)) < 6000


def test_the_rows_without_a_fault_are_kept_beside_the_error(planted, refused):
    _, expected, _ = planted
    kept = refused[0].kept
    faulty = {row for _, row, _ in expected}
    assert len(kept.places) == 5000 - len(faulty) - 1  # and the closed one
    assert {kept.report["row_of"][name] for name in kept.places["facility_id"]}.isdisjoint(faulty)


def test_a_clean_table_is_read_in_any_dress(tmp_path):
    rng = np.random.default_rng(1)
    rows = [good_row(i, rng) for i in range(400)]
    path = workbooks.xlsx(tmp_path / "f.xlsx", {"养老院": [HEADER, *rows]})
    found = read(path)
    assert len(found.places) == 400
    assert "findings" not in found.report
    assert found.places["open_year"].dropna().unique().tolist() == [2015]
    assert found.places["status"].value_counts().to_dict() == {"existing": 240, "planned": 160}
    by_id = found.capacity.set_index("facility_id")
    for i in (0, 1, 2, 3, 11):
        written = str(rows[i][AT["床位数（张）"]]).replace(",", "").removesuffix("张")
        assert by_id.loc[f"H{i:05d}", "value"] == float(int(written))
    assert found.report["columns"]["capacity_beds"] == "床位数（张）"
    lon = found.places.to_crs(4326).geometry.x
    assert lon.between(121.2, 121.9).all()


@pytest.mark.parametrize("suffix", [".xls", ".ods", ".et", ".csv"])
def test_other_formats_give_the_same_facilities(tmp_path, suffix):
    rng = np.random.default_rng(2)
    rows = [HEADER, *(good_row(i, rng) for i in range(40))]
    first = read(workbooks.xlsx(tmp_path / "f.xlsx", {"养老院": rows}))
    path = tmp_path / f"f{suffix}"
    if suffix == ".csv":
        pd.DataFrame(rows).to_csv(path, header=False, index=False, encoding="gb18030")
    else:
        {".xls": workbooks.xls, ".ods": workbooks.ods}.get(suffix, workbooks.xlsx)(path, {"养老院": rows})
    second = read(path)
    pd.testing.assert_frame_equal(
        pd.DataFrame(first.places.drop(columns="geometry")), pd.DataFrame(second.places.drop(columns="geometry"))
    )
    assert shapely.equals_exact(first.places.geometry, second.places.geometry, 1e-6).all()
    pd.testing.assert_frame_equal(first.capacity, second.capacity)


def test_several_services_in_one_workbook(tmp_path):
    head = ["名称", "lon", "lat"]
    sheets = {"养老院": [head, ["甲", 121.5, 31.6]], "助餐点": [head, ["乙", 121.5, 31.6], ["丙", 121.5, 31.6]]}
    path = workbooks.xlsx(tmp_path / "f.xlsx", sheets)
    assert read(path).places["name_zh"].tolist() == ["甲"]
    assert read(path, sheet="助餐点").places["name_zh"].tolist() == ["乙", "丙"]
    with pytest.raises(InputFileError, match=r"several sheets .* none of them named '老年学校' or 'elder_home'"):
        read(path, names=("老年学校",))


def test_a_column_of_services_holds_ids_or_names(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text(
        "service,name_zh,lon,lat\n养老院,甲,121.5,31.6\nelder_home,乙,121.5,31.6\n助餐点,丙,,\n", encoding="utf-8"
    )
    found = read(path)
    assert found.places["name_zh"].tolist() == ["甲", "乙"]
    assert found.places["service"].tolist() == ["elder_home"] * 2
    assert found.report["rows_dropped"] == {"other_service": 1}


def test_plain_columns_and_columns_of_a_unit_go_together(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("名称,经度,纬度,床位数,已用数,规模\n甲,121.5,31.6,60,45,\n", encoding="utf-8")
    assert read(path).capacity[["unit", "value", "used"]].to_numpy().tolist() == [["beds", 60.0, 45.0]]
    path.write_text("名称,经度,纬度,床位数,规模\n甲,121.5,31.6,60,80\n", encoding="utf-8")
    with pytest.raises(TableError, match="columns '床位数' and '规模' both say the same"):
        read(path)


class TestCoordinates:
    def at(self, found):
        return [(round(p.x, 6), round(p.y, 6)) for p in found.places.to_crs(4326).geometry]

    def test_both_in_one_cell(self, tmp_path):
        path = tmp_path / "f.csv"
        path.write_text('名称,经纬度\n甲,"121.5,31.6"\n乙,121.5；31.6\n丙,121°30′E 31°36′N\n', encoding="utf-8")
        assert self.at(read(path)) == [(121.5, 31.6)] * 3
        path.write_text("名称,经纬度\n甲,121.5\n", encoding="utf-8")
        with pytest.raises(TableError) as caught:
            read(path)
        assert [(f.rule, f.column, f.value) for f in caught.value.findings] == [("position_missing", "经纬度", "121.5")]

    def test_x_and_y_in_degrees_where_the_datum_is_one(self, tmp_path):
        path = tmp_path / "f.csv"
        path.write_text("名称,X,Y\n甲,121.5,31.6\n", encoding="utf-8")
        assert self.at(read(path)) == [(121.5, 31.6)]

    def test_eastings_and_northings(self, tmp_path):
        x, y = Transformer.from_crs(4326, 4549, always_xy=True).transform(121.5, 31.6)
        path = tmp_path / "f.csv"
        path.write_text(f"名称,东坐标,北坐标\n甲,{x},{y}\n", encoding="utf-8")
        assert self.at(read(path, datum="epsg:4549", axes="easting_northing")) == [(121.5, 31.6)]


class Finder:
    """Knows where 甲 is and nothing else."""

    def __init__(self):
        self.asked = None

    def locate(self, wanted):
        self.asked = wanted
        hit = (wanted["name_zh"] == "甲").to_numpy()
        east, north = Transformer.from_crs(4326, 32651, always_xy=True).transform(121.4, 31.65)
        points = np.where(hit, shapely.Point(east, north), None)
        texts = {
            "how": pd.Series(np.where(hit, "the middle of 富民村", None), index=wanted.index, dtype="str"),
            "reason": pd.Series(
                np.where(hit, None, "the study knows no such village"), index=wanted.index, dtype="str"
            ),
            "village_code": pd.Series(np.where(hit, "310151101021", None), index=wanted.index, dtype="str"),
        }
        quality = pd.Series(np.where(hit, 800.0, np.nan), index=wanted.index)
        return gpd.GeoDataFrame({**texts, "position_quality_m": quality}, geometry=points, crs=METRIC)


class TestRowsWithoutCoordinates:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "f.csv"
        path.write_text(
            "名称,地址,所属乡镇,经度,纬度,床位数\n甲,富民村3组,城桥镇,,,10\n乙,不知道,堡镇,,,20\n丙,,,121.5,31.6,30\n",
            encoding="utf-8",
        )
        return path

    def test_the_locator_is_asked_about_them_only(self, path):
        finder = Finder()
        found = read(path, locate=finder, unplaced="leave_out", position_quality_m=25.0)
        assert finder.asked.fillna("-").to_dict("list") == {
            "name_zh": ["甲", "乙"], "address": ["富民村3组", "不知道"], "township_name": ["城桥镇", "堡镇"],
            "village_name": ["-", "-"],
        }  # fmt: skip
        assert found.places["name_zh"].tolist() == ["甲", "丙"]
        assert found.places["position_quality_m"].tolist() == [800.0, 25.0]
        assert found.places["village_code"].fillna("-").tolist() == ["310151101021", "-"]
        where = found.places.to_crs(4326).geometry[0]
        assert (where.x, where.y) == (pytest.approx(121.4, abs=1e-9), pytest.approx(31.65, abs=1e-9))
        assert found.report["located"] == ["row 2: 甲, 富民村3组, 城桥镇: the middle of 富民村 (within 800 m)"]
        assert found.report["unplaced"] == ["row 3: 乙, 不知道, 堡镇"]
        assert found.report["rows_dropped"] == {"no_position": 1}
        (warning,) = [finding for finding in found.report["findings"] if finding.severity == "warning"]
        assert warning.row == 3
        assert "the study knows no such village" in warning.message
        assert found.capacity["value"].tolist() == [10.0, 30.0]

    def test_without_leave_they_stop_the_run(self, path):
        with pytest.raises(TableError) as caught:
            read(path, locate=Finder())
        assert [(f.rule, f.row, f.column, f.value) for f in caught.value.findings] == [
            ("unplaced", 3, "地址", "不知道")
        ]
        assert "unplaced = 'leave_out'" in caught.value.findings[0].suggestion

    def test_without_a_locator_all_of_them_are_listed(self, path):
        found = read(path, unplaced="leave_out")
        assert found.report["unplaced"] == ["row 2: 甲, 富民村3组, 城桥镇", "row 3: 乙, 不知道, 堡镇"]
        assert found.places["name_zh"].tolist() == ["丙"]

    def test_a_table_of_addresses_needs_no_datum(self, tmp_path):
        path = tmp_path / "f.csv"
        path.write_text("名称,地址\n甲,富民村3组\n", encoding="utf-8")
        assert len(read(path, datum=None, locate=Finder()).places) == 1
        with pytest.raises(
            InputFileError, match="no facility of service 'elder_home' has a position; 1 rows were read"
        ):
            read(path, datum=None, unplaced="leave_out")


class TestLayers:
    def test_headers_of_a_layer_are_known_too(self, tmp_path):
        frame = gpd.GeoDataFrame(
            {"机构名称": ["甲"], "床位数": [40], "所属镇": ["城桥镇"], "经度": [0.0], "状态": ["在营"]},
            geometry=[shapely.Point(121.5, 31.6)],
            crs=4326,
        )
        frame.to_file(tmp_path / "f.geojson")
        found = read(tmp_path / "f.geojson", datum=None)
        assert found.places[["name_zh", "township_name", "status"]].iloc[0].tolist() == ["甲", "城桥镇", "existing"]
        assert found.capacity[["unit", "value"]].to_numpy().tolist() == [["beds", 40.0]]
        assert found.report["columns"] == {
            "name_zh": "机构名称", "capacity_beds": "床位数", "township_name": "所属镇", "status": "状态",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("encoding", "has_cpg"), [("gbk", True), ("gbk", False), ("utf-8", True), ("utf-8", False)]
    )
    def test_chinese_shapefiles_are_read_in_their_encoding(self, tmp_path, encoding, has_cpg):
        frame = gpd.GeoDataFrame({"名称": ["城桥镇敬老院"]}, geometry=[shapely.Point(121.5, 31.6)], crs=4326)
        frame.to_file(tmp_path / "f.shp", encoding=encoding)
        dbf = tmp_path / "f.dbf"
        if not has_cpg:
            (tmp_path / "f.cpg").unlink()
            raw = bytearray(dbf.read_bytes())
            raw[29] = 0  # the language driver: not said
            dbf.write_bytes(raw)
        assert read(tmp_path / "f.shp", datum=None).places["name_zh"].tolist() == ["城桥镇敬老院"]

    def test_a_shapefile_without_prj_is_refused(self, tmp_path):
        frame = gpd.GeoDataFrame({"名称": ["甲"]}, geometry=[shapely.Point(121.5, 31.6)], crs=4326)
        frame.to_file(tmp_path / "f.shp", encoding="utf-8")
        (tmp_path / "f.prj").unlink()
        with pytest.raises(CrsError, match=r"f\.shp: the file does not say its CRS \(a \.prj .* is missing\)"):
            read(tmp_path / "f.shp", datum=None)


def test_names_survive_as_they_are(tmp_path):
    names = ['"甲"', "<script>alert(1)</script>", "甲&乙", "😀敬老院", "O'Brien", "=1+1", "a\\b", "</title>"]
    book = openpyxl.Workbook()
    book.active.append(["名称", "经度", "纬度"])
    for name in names:
        book.active.append([None, 121.5, 31.6])
        cell = book.active.cell(book.active.max_row, 1, name)
        cell.data_type = "s"
    book.save(tmp_path / "f.xlsx")
    assert read(tmp_path / "f.xlsx").places["name_zh"].tolist() == names
