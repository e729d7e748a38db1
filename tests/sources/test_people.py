"""People from tables by village and township: matching, spreading, shares, totals; worked by hand on a toy district.

Two townships of 1 km x 1 km side by side, each with two villages of 500 m x 1 km::

        甲镇 (t1)          乙镇 (t2)
    +---------+---------+---------+---------+  1000
    | 富民村  | 东海居  |  富民村 |  南门居 |
    |  v11    |  v12    |   v21   |   v22   |
    +---------+---------+---------+---------+     0
    0        500      1000      1500      2000
"""

import geopandas as gpd
import numpy as np
import openpyxl
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS
from rasterio import Affine

from chongming_gis import manifest, sources, tables
from chongming_gis.errors import StudyError, TableError
from chongming_gis.sources import spread

METRIC = CRS.from_epsg(32651)
X0, Y0 = 340_000.0, 3_500_000.0
POP = [{"id": "all", "name_zh": "全部", "name_en": "All", "columns": {"resident": ["pop"]}}]
AGES = [
    {"id": "all", "name_zh": "全部", "name_en": "All", "columns": {"resident": ["young", "old"]}},
    {"id": "old", "name_zh": "老", "name_en": "Old", "columns": {"resident": ["old"]}},
]
BOTH = [{"id": "all", "name_zh": "全部", "name_en": "All", "columns": {"resident": ["pop"], "registered": ["pop_reg"]}}]


def box(west, south, east, north):
    return shapely.box(X0 + west, Y0 + south, X0 + east, Y0 + north)


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=METRIC)


TOWNSHIPS = frame(
    [box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)], township_code=["t1", "t2"], name_zh=["甲镇", "乙镇"]
)
VILLAGES = frame(
    [box(500 * k, 0, 500 * (k + 1), 1000) for k in range(4)],
    village_code=["v11", "v12", "v21", "v22"],
    name_zh=["富民村委会", "东海居委会", "富民村委会", "南门居委会"],
    township_code=["t1", "t1", "t2", "t2"],
)
FOUR = "乡镇,村居,pop\n甲镇,富民村,100\n甲镇,东海社区,200\n乙镇,富民,300\n乙镇,南门居委会,400\n"


@pytest.fixture
def read(tmp_path, toy_study):
    def make(text=FOUR, *, by="village", groups=POP, tables=None, land=None, roads=None, villages=VILLAGES, **demand):
        (tmp_path / "people.csv").write_text(text, encoding="utf-8-sig")
        parts = {"tables": tables or [{"path": "people.csv", "by": by}], "settlement_class": "village", **demand}
        study = toy_study(groups=groups, path=None, **parts)
        around = sources.Surroundings(townships=TOWNSHIPS, villages=villages, land=land, roads=roads)
        return sources.read_demand(
            study.sources.demand, path=study.resolve(study.sources.demand.path), study=study, crs=METRIC, around=around
        )

    return make


@pytest.fixture
def toy_study(toy_study, tmp_path):
    """As elsewhere, but a path that is None is left out."""
    from chongming_gis import config
    from tests.sources.conftest import STUDY

    def make(*, groups, path=None, **demand):
        content = {
            **STUDY,
            "groups": groups,
            "sources": {**STUDY["sources"], "demand": {"kind": "official_statistic", "source": "office", **demand}},
        }
        content["services"] = [{**STUDY["services"][0], "group": groups[0]["id"]}]
        return config.parse_study(content, folder=tmp_path)

    return make


def rules(demand):
    return [finding.rule for finding in demand.report["findings"]]


def by(demand, column, of="resident:all"):
    return demand.persons[of].groupby(demand.points[column].fillna("").to_numpy()).sum().to_dict()


def write_grid(path, counts, size_m=100.0):
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "height": len(counts), "width": len(counts[0]),
               "crs": "EPSG:32651", "transform": Affine(size_m, 0, X0, 0, -size_m, Y0 + 1000)}  # fmt: skip
    with rasterio.open(path, "w", **profile) as grid:
        grid.write(np.array(counts, "float32"), 1)
    return path.name


class TestMatching:
    def test_names_are_found_in_their_township_whatever_offices_add(self, read):
        demand = read()
        assert by(demand, "village_code") == {"v11": 100.0, "v12": 200.0, "v21": 300.0, "v22": 400.0}
        assert demand.points["name_zh"].tolist() == ["富民村委会", "东海居委会", "富民村委会", "南门居委会"]
        assert demand.points["township_code"].tolist() == ["t1", "t1", "t2", "t2"]
        assert shapely.contains(VILLAGES.geometry.to_numpy(), demand.points.geometry.to_numpy()).all()

    def test_codes_need_no_names(self, read):
        demand = read("村居代码,pop\nv22,4\nv11,1\nv12,2\nv21,3\n")
        assert by(demand, "village_code") == {"v11": 1.0, "v12": 2.0, "v21": 3.0, "v22": 4.0}

    def test_order_of_rows_does_not_matter(self, read):
        header, *rows = FOUR.splitlines()
        turned = read("\n".join([header, *rows[::-1]]) + "\n")
        assert turned.persons.equals(read().persons)

    def test_every_row_without_an_area_is_told_at_once(self, read):
        text = (
            "乡镇,村居,pop\n"
            "甲镇,富民村,1\n"
            ",富民村,2\n"  # row 3: in which township?
            "丙镇,富民村,3\n"  # row 4: no such township
            "乙镇,西沙村,4\n"  # row 5: no such village
            "乙镇,,5\n"  # row 6: no village
            "甲镇,富民村委会,6\n"  # row 7: again
            "乙镇,南门,若干\n"  # row 8
            "甲镇,东海,-8\n"  # row 9
        )
        with pytest.raises(TableError) as caught:
            read(text)
        found = {(f.rule, f.row, f.value) for f in caught.value.findings}
        assert found == {
            ("village_ambiguous", 3, "富民村"),
            ("township_unknown", 4, "丙镇"),
            ("village_unknown", 5, "西沙村"),
            ("village_missing", 6, ""),
            ("village_repeated", 2, "富民村"),
            ("village_repeated", 7, "富民村委会"),
            ("persons_text", 8, "若干"),
            ("persons_negative", 9, "-8"),
        }
        assert {f.column for f in caught.value.findings} == {"乡镇", "村居", "pop"}

    def test_villages_without_a_row_are_named(self, read):
        demand = read("乡镇,村居,pop\n甲镇,富民村,100\n")
        (finding,) = demand.report["findings"]
        assert (finding.rule, finding.severity, finding.details["number"]) == ("village_without_row", "warning", "3")
        assert "南门居委会 (v22)" in finding.message

    def test_a_table_without_areas_or_persons(self, read):
        with pytest.raises(TableError, match="no column tells the village of a row; the file has pop"):
            read("pop\n1\n")
        with pytest.raises(TableError, match="no persons column; the study wants pop, the file has"):
            read("村居,people\n南门,1\n")

    def test_the_level_s_areas_must_be_in_the_study(self, read):
        with pytest.raises(StudyError, match=r"by = 'village' needs sources\.villages"):
            read(villages=None)


class TestTotals:
    def test_total_rows_are_left_out_and_told(self, read):
        demand = read(FOUR + "合计,,1000\n")
        assert demand.persons["resident:all"].sum() == 1000.0
        assert rules(demand) == ["total_row"]
        assert demand.report["rows_dropped"] == {"row_of_totals": 1, "empty": 0, "not_a_record": 0}
        assert (demand.report["rows_read"], demand.report["rows_kept"]) == (5, 4)

    def test_totals_that_do_not_fit_are_warned_of(self, read):
        text = FOUR.replace("乙镇,富民", "甲镇小计,,305\n乙镇,富民") + "小计,,700\n总计,,1010\n"
        demand = read(text)
        assert demand.persons["resident:all"].sum() == 1000.0
        found = [(f.row, f.severity, f.details) for f in demand.report["findings"] if f.rule == "total_differs"]
        assert found == [
            (4, "warning", {"stated": "305", "summed": "300"}),
            (8, "warning", {"stated": "1,010", "summed": "1,000"}),
        ]

    def test_totals_of_townships(self, read):
        demand = read("乡镇,pop\n甲镇,10\n乙,20\n全区合计,31\n", by="township")
        assert by(demand, "township_code") == {"t1": 10.0, "t2": 20.0}
        assert rules(demand) == ["total_row", "total_differs"]


class TestWorkbook:
    def test_a_sheet_with_a_title_merged_townships_and_full_width_digits(self, tmp_path, read):
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "常住"
        for row in (["崇明区各村人口"], ["乡镇", "村居", "常住人口（人）"], ["甲镇", "富民村", "１００"],
                    [None, "东海", "1,200人"],
                    ["乙镇", "富民村", 300], [None, "南门", 4], [None, "合计", 1604]):  # fmt: skip
            sheet.append(row)
        sheet.merge_cells("A3:A4")
        sheet.merge_cells("A5:A6")
        book.save(tmp_path / "people.xlsx")
        columns = {"pop": "常住人口（人）"}
        demand = read(tables=[{"path": "people.xlsx", "by": "village", "sheet": "常住", "columns": columns}])
        assert by(demand, "village_code") == {"v11": 100.0, "v12": 1200.0, "v21": 300.0, "v22": 4.0}
        assert "total_row" in rules(demand)
        assert "total_differs" not in rules(demand)


class TestSpread:
    def test_village_totals_spread_by_a_grid(self, tmp_path, read):
        counts = [[0] * 20 for _ in range(10)]
        counts[0][0], counts[5][4], counts[9][9], counts[2][17] = 1, 3, 7, 0.5
        path = write_grid(tmp_path / "grid.tif", counts)
        demand = read(spread={"by": "raster", "path": path})
        found = dict(zip(demand.points["demand_id"], demand.persons["resident:all"], strict=True))
        assert found == pytest.approx({
            "cell-00000-00000": 25.0, "cell-00005-00004": 75.0, "cell-00009-00009": 200.0, "cell-00002-00017": 400.0,
            "village-v21": 300.0,
        })  # fmt: skip
        (finding,) = demand.report["findings"]
        assert (finding.rule, finding.details) == (
            "village_without_support",
            {"number": "1", "names": "富民村委会 (v21)"},
        )

    def test_township_totals_spread_by_a_grid_over_township_lines(self, tmp_path, read):
        counts = np.zeros((2, 4))  # cells of 500 m; the grid is moved by half a cell, so the middle one is in both
        counts[0, 1] = 8
        counts[1, 3] = 1
        path = tmp_path / "grid.tif"
        profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "height": 2, "width": 4, "crs": "EPSG:32651",
                   "transform": Affine(500, 0, X0 + 250, 0, -500, Y0 + 1000)}  # fmt: skip
        with rasterio.open(path, "w", **profile) as grid:
            grid.write(counts.astype("float32"), 1)
        demand = read("乡镇,pop\n甲镇,10\n乙镇,20\n", by="township", spread={"by": "raster", "path": "grid.tif"})
        found = dict(zip(demand.points["demand_id"], demand.persons["resident:all"], strict=True))
        # 乙镇 has half of 8 and half of the last cell's 1 (the other half lies beyond the district)
        assert found == pytest.approx({
            "cell-00000-00001-t1": 10.0, "cell-00000-00001-t2": 20 * 4 / 4.5, "cell-00001-00003-t2": 20 * 0.5 / 4.5
        }) or found == pytest.approx({
            "cell-00000-00001-t1": 10.0, "cell-00000-00001-t2": 20 * 4 / 4.5, "cell-00001-00003": 20 * 0.5 / 4.5
        })  # fmt: skip
        assert by(demand, "township_code") == pytest.approx({"t1": 10.0, "t2": 20.0})

    def test_spread_along_roads_where_people_live(self, read, toy_roads):
        roads = toy_roads([("residential", (100, 500), (400, 500)), ("primary", (100, 700), (400, 700)),
                           ("unclassified", (600, 100), (600, 900)),
                           ("residential", (1900, 100), (1900, 300))])  # fmt: skip
        lake = frame([box(550, 0, 650, 500)], land_id=["l"], kind=["lake"])
        demand = read(spread={"by": "roads", "every_m": 100}, roads=roads, land=lake)
        assert by(demand, "village_code") == pytest.approx({"v11": 100.0, "v12": 200.0, "v21": 300.0, "v22": 400.0})
        of_v11 = demand.points[demand.points["village_code"] == "v11"]
        assert sorted(p.x - X0 for p in of_v11.geometry) == pytest.approx([150, 250, 350])
        assert [p.y - Y0 for p in of_v11.geometry] == pytest.approx([500, 500, 500])
        in_v12 = demand.points[demand.points["village_code"] == "v12"].geometry
        assert sorted(p.y - Y0 for p in in_v12) == pytest.approx([550, 650, 750, 850])
        assert rules(demand) == ["village_without_support"]

    def test_spread_over_buildings_of_a_layer_by_area(self, tmp_path, read):
        shapes = [
            box(10, 10, 20, 20),
            box(40, 10, 60, 25),
            box(600, 0, 610, 10),
            box(1100, 0, 1110, 10),
            box(1600, 0, 1610, 10),
        ]
        frame(shapes, room=[9.0, 1.0, 1.0, 1.0, 1.0]).to_parquet(tmp_path / "houses.parquet")
        demand = read(spread={"by": "buildings", "path": "houses.parquet"})
        assert demand.persons["resident:all"].tolist() == [25.0, 75.0, 200.0, 300.0, 400.0]
        demand = read(spread={"by": "buildings", "path": "houses.parquet", "weight": "room"})
        assert demand.persons["resident:all"].tolist() == [90.0, 10.0, 200.0, 300.0, 400.0]

    def test_spread_over_buildings_of_an_extract(self, tmp_path, read, osm_writer):
        from pyproj import Transformer

        lon_lat = Transformer.from_crs(32651, 4326, always_xy=True).transform
        corners, ways = {}, {}
        for number, (x, y, kind) in enumerate([(100, 100, "house"), (200, 100, "apartments"), (300, 100, "school")]):
            ids = range(10 * number + 1, 10 * number + 5)
            for node, (dx, dy) in zip(ids, ((0, 0), (10, 0), (10, 10), (0, 10)), strict=True):
                corners[node] = (*lon_lat(X0 + x + dx, Y0 + y + dy), {})
            levels = {"building:levels": "3"} if kind == "apartments" else {}
            ways[number + 1] = ((*ids, ids[0]), {"building": kind, **levels})
        osm_writer(tmp_path / "houses.osm", corners, ways)
        demand = read("乡镇,村居,pop\n甲镇,富民村,100\n", spread={"by": "buildings", "path": "houses.osm"})
        assert demand.persons["resident:all"].tolist() == pytest.approx([25.0, 75.0], abs=0.1)
        assert demand.report["buildings_not_lived_in"] == 1

    def test_whole_persons_keep_the_sums(self, tmp_path, read):
        path = write_grid(tmp_path / "grid.tif", np.ones((10, 20)))
        demand = read(FOUR.replace(",100\n", ",101\n"), spread={"by": "raster", "path": path, "whole_persons": True})
        assert by(demand, "village_code") == {"v11": 101.0, "v12": 200.0, "v21": 300.0, "v22": 400.0}
        assert (demand.persons["resident:all"] % 1 == 0).all()

    def test_villages_known_as_points_hold_their_people_there(self, read):
        points = VILLAGES.assign(geometry=VILLAGES.geometry.centroid)
        demand = read(villages=points)
        assert demand.points.geometry.geom_equals(points.geometry).all()
        assert rules(demand) == []


class TestBasesAndGroups:
    def test_two_bases_from_two_files_stand_on_the_same_points(self, tmp_path, read):
        (tmp_path / "registered.csv").write_text("街镇,户籍\n甲镇,60\n乙镇,90\n", encoding="utf-8")
        counts = np.zeros((10, 20))
        counts[0, [0, 7, 12, 18]] = 1, 2, 1, 1
        path = write_grid(tmp_path / "grid.tif", counts)
        demand = read(
            groups=BOTH,
            tables=[
                {"path": "people.csv", "by": "village"},
                {"path": "registered.csv", "by": "township", "columns": {"pop_reg": "户籍"}},
            ],
            spread={"by": "raster", "path": path},
        )
        assert demand.persons["resident:all"].tolist() == [100.0, 200.0, 300.0, 400.0]
        assert demand.persons["registered:all"].tolist() == pytest.approx([20.0, 40.0, 45.0, 45.0])
        assert demand.report["persons_read"] == {"pop": 1000.0, "pop_reg": 150.0}
        assert demand.report["persons_kept"] == {"pop": 1000.0, "pop_reg": 150.0}
        assert demand.report["persons_by_township"]["t2"] == {"pop": 700.0, "pop_reg": 90.0}

    def test_one_column_in_two_tables_is_refused(self, tmp_path, read):
        (tmp_path / "more.csv").write_text("街镇,pop\n甲镇,60\n乙镇,90\n", encoding="utf-8")
        with pytest.raises(TableError, match=r"column pop is in .*people\.csv too; map it in one table only"):
            read(tables=[{"path": "people.csv", "by": "village"}, {"path": "more.csv", "by": "township"}])

    def test_a_column_that_no_table_has(self, read):
        with pytest.raises(TableError, match="no persons column 'pop_reg'; map them"):
            read(groups=BOTH)

    def test_age_groups_by_shares_of_the_township(self, tmp_path, read):
        (tmp_path / "ages.csv").write_text("乡镇,young,old\n甲镇,60%,40%\n乙镇,0.75,0.25\n", encoding="utf-8")
        demand = read(groups=AGES, shares=[{"path": "ages.csv", "of": "pop", "by": "township"}])
        assert demand.persons["resident:old"].tolist() == pytest.approx([40.0, 80.0, 75.0, 100.0])
        assert demand.persons["resident:all"].tolist() == pytest.approx([100.0, 200.0, 300.0, 400.0])

    def test_shares_of_the_district_in_percent_are_scaled_to_the_whole(self, tmp_path, read):
        (tmp_path / "ages.csv").write_text("young,old\n66.7,33.2\n", encoding="utf-8")
        demand = read(groups=AGES, shares=[{"path": "ages.csv", "of": "pop", "unit": "percent"}])
        assert demand.persons["resident:all"].tolist() == pytest.approx([100.0, 200.0, 300.0, 400.0])
        assert demand.persons["resident:old"].iloc[0] == pytest.approx(100 * 33.2 / 99.9)
        assert rules(demand) == ["shares_scaled"]

    def test_shares_that_cannot_be_right(self, tmp_path, read):
        shares = [{"path": "ages.csv", "of": "pop", "by": "township"}]
        (tmp_path / "ages.csv").write_text("乡镇,young,old\n甲镇,60,40\n丙镇,x,0.5\n", encoding="utf-8")
        with pytest.raises(TableError) as caught:
            read(groups=AGES, shares=shares)
        assert {(f.rule, f.row, f.column) for f in caught.value.findings} == {
            ("township_unknown", 3, "乡镇"), ("share_text", 3, "young"),
            ("share_range", 2, "young"), ("share_range", 2, "old"),
        }  # fmt: skip
        assert "unit = 'percent'" in str(caught.value)
        (tmp_path / "ages.csv").write_text("乡镇,young,old\n甲镇,0.6,0.3\n", encoding="utf-8")
        with pytest.raises(TableError, match=r"do not add up to 1 .*complete = false"):
            read(groups=AGES, shares=shares)
        demand_of = {"path": "ages.csv", "of": "pop", "by": "township", "complete": False}
        with pytest.raises(TableError, match="people live in township t2, for which there are no shares"):
            read(groups=AGES, shares=[demand_of])

    def test_shares_divide_a_grid_too(self, tmp_path, toy_study):
        path = write_grid(tmp_path / "grid.tif", [[10, 20]], size_m=1000)
        (tmp_path / "ages.csv").write_text("乡镇,young,old\n甲镇,60%,40%\n乙镇,75%,25%\n", encoding="utf-8")
        parts = {"settlement_class": "village", "shares": [{"path": "ages.csv", "of": "people", "by": "township"}]}
        study = toy_study(groups=AGES, **parts, tables=[{"path": "x.csv", "by": "village"}])
        source = study.sources.demand.model_copy(update={"tables": ()})
        demand = sources.read_demand(
            source, path=tmp_path / path, study=study, crs=METRIC, around=sources.Surroundings(townships=TOWNSHIPS)
        )
        assert demand.persons["resident:old"].tolist() == pytest.approx([4.0, 5.0])
        assert demand.persons["resident:all"].tolist() == pytest.approx([10.0, 20.0])


class TestSettlement:
    def test_by_the_end_of_the_village_s_name(self, read):
        demand = read(settlement_by_name={"居委会": "town"})
        assert demand.points["settlement_class"].tolist() == ["village", "town", "village", "town"]

    def test_by_a_column_of_the_table_before_all_rules(self, read):
        text = "乡镇,村居,pop,城乡分类\n甲镇,富民村,1,城镇\n甲镇,东海,2,\n乙镇,富民村,3,village\n乙镇,南门,4,town\n"
        demand = read(text, settlement_by_name={"居委会": "town"})
        assert demand.points["settlement_class"].tolist() == ["town", "town", "village", "town"]
        with pytest.raises(TableError, match="settlement_class is none of the study's: town, village"):
            read(text.replace("城镇", "郊区"))

    def test_by_dense_cells(self, tmp_path, read):
        path = write_grid(tmp_path / "grid.tif", [[5] * 15 + [50] * 5] * 10)
        raster = {"dense_class": "town", "dense_from_persons": 20}
        demand = read(spread={"by": "raster", "path": path, "raster": raster})
        assert set(demand.points["settlement_class"][demand.points["village_code"] == "v22"]) == {"town"}
        assert set(demand.points["settlement_class"][demand.points["village_code"] == "v11"]) == {"village"}


@pytest.fixture
def toy_roads():
    def make(lines):
        shapes = [shapely.LineString([(X0 + x, Y0 + y) for x, y in ends]) for _, *ends in lines]
        edges = frame(
            shapes, edge_id=range(len(lines)), highway=[kind for kind, *_ in lines], length_m=shapely.length(shapes)
        )
        return tables.RoadTables(nodes=frame([]), edges=edges)

    return make


@given(
    totals=st.lists(st.integers(0, 5000), min_size=1, max_size=5),
    weights=st.lists(st.tuples(st.integers(0, 4), st.floats(1e-6, 1e6)), min_size=1, max_size=40),
    fraction=st.sampled_from([0.0, 0.25]),
)
def test_sums_are_kept_whatever_the_weights(totals, weights, fraction):
    area = np.array([a % len(totals) for a, _ in weights])
    weight = np.array([w for _, w in weights])
    wanted = np.array(totals, dtype=float)[:, None] + fraction
    has_points = np.isin(np.arange(len(totals)), area)
    for whole in (False, True):
        shared = spread.share_out(wanted, area, weight, whole=whole)
        sums = np.bincount(area, weights=shared[:, 0], minlength=len(totals))
        assert sums[has_points] == pytest.approx(wanted[has_points, 0], rel=1e-9)
        assert (shared >= 0).all()
        if whole:
            exact = spread.share_out(wanted, area, weight, whole=False)
            assert (np.abs(shared - exact) < 1.0 + 1e-6).all()
            assert ((shared % 1 == 0) | (shared % 1 == fraction)).all()


@given(st.permutations(range(6)))
def test_order_of_support_points_does_not_matter(order):
    area, weight = np.array([0, 0, 0, 1, 1, 1]), np.array([1.0, 2.0, 4.0, 3.0, 3.5, 0.1])
    wanted = np.array([[10.0], [7.0]])
    shared = spread.share_out(wanted, area, weight, whole=True)
    assert (
        spread.share_out(wanted, area[order], weight[order], whole=True).ravel().tolist()
        == shared[order].ravel().tolist()
    )


def test_provenance_of_the_parts_is_inherited_or_own(tmp_path, toy_study):
    study = toy_study(
        groups=BOTH,
        tables=[{"path": "a.csv", "by": "village"}, {"path": "b.csv", "by": "township", "source": "police"}],
        spread={"by": "raster", "path": "grid.tif", "kind": "derived", "raster": {"crs": "EPSG:4326"}},
        shares=[{"path": "ages.csv", "of": "pop"}],
    )

    found = {entry["role"]: entry for entry in manifest.provenance(study) if entry["role"].startswith("demand")}
    assert {role: (entry["path"], entry["kind"], entry["source"]) for role, entry in found.items()} == {
        "demand": ("a.csv", "official_statistic", "office"),
        "demand:table": ("b.csv", "official_statistic", "police"),
        "demand:spread": ("grid.tif", "derived", "office"),
        "demand:shares": ("ages.csv", "official_statistic", "office"),
    }


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        ({"tables": [{"path": "a.csv", "by": "village"}], "path": "b.csv"}, "give path .* or tables, not both"),
        ({"path": "a.csv", "spread": {"by": "roads"}}, "spread is given without tables"),
        ({"tables": [{"path": "a.csv", "by": "hamlet"}]}, "'village' or 'township'"),
        ({"tables": [{"path": "a.csv", "by": "village"}], "spread": {"by": "raster"}}, "by = 'raster' needs a file"),
        ({"path": "a.tif", "raster": {"crs": "EPSG:0"}}, "is not a known CRS"),
        (
            {
                "tables": [{"path": "a.csv", "by": "village"}],
                "spread": {
                    "by": "raster",
                    "path": "a.tif",
                    "raster": {"dense_class": "city", "dense_from_persons": 5},
                },
            },
            r"spread\.raster\.dense_class: 'city' is not declared",
        ),
        (
            {"tables": [{"path": "a.csv", "by": "village"}], "settlement_by_name": {"村": "city"}},
            "'city' is not declared",
        ),
    ],
)
def test_sections_that_do_not_fit_are_refused(tmp_path, demand, message):
    from chongming_gis import config
    from tests.sources.conftest import STUDY

    content = {**STUDY, "sources": {**STUDY["sources"], "demand": {"kind": "derived", "source": "x", **demand}}}
    with pytest.raises(StudyError, match=message):
        config.parse_study(content, folder=tmp_path)
