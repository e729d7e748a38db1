"""A study whose tables have addresses and no coordinates: placed by what the study itself knows, or told row by row."""

import copy
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS

from chongming_gis import config, crs, manifest, pipeline
from chongming_gis.errors import StudyError
from chongming_gis.wording import Words
from tests.toy.study import content

UTM = "EPSG:32651"
EAST, NORTH = 350_000.0, 3_500_000.0
SOURCE = {"kind": "sourced", "source": "test"}


def box(x, y, side=1000.0):
    return shapely.box(EAST + x, NORTH + y, EAST + x + side, NORTH + y + side)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """甲镇 (x 0 .. 1000) with 东村 above 西村, 乙镇 beside it with another 东村; 长路 along y = 500."""
    path = tmp_path_factory.mktemp("study")
    lane = shapely.LineString([(EAST + 0, NORTH + 500), (EAST + 1000, NORTH + 500), (EAST + 2000, NORTH + 500)])
    gpd.GeoDataFrame({"highway": ["residential"], "name": ["长路"]}, geometry=[lane], crs=UTM).to_file(
        path / "roads.gpkg"
    )
    towns = gpd.GeoDataFrame({"name": ["甲镇", "乙"]}, geometry=[box(0, 0), box(1000, 0)], crs=UTM)
    towns.to_file(path / "towns.gpkg")
    (path / "codes.csv").write_text("代码,名称\nt1,甲镇\nt2,乙镇\n", encoding="utf-8")
    villages = gpd.GeoDataFrame(
        {"village_code": ["v1", "v2", "v3"], "name_zh": ["东村", "西村", "东村"], "township_code": ["t1", "t1", "t2"]},
        geometry=[box(0, 500, 500), box(0, 0, 500), box(1000, 0, 500)],
        crs=UTM,
    )
    villages.to_file(path / "villages.gpkg")
    x, y = np.array([EAST + 100, EAST + 1100]), np.array([NORTH + 480, NORTH + 520])
    lon, lat = crs.to_degrees(x, y, CRS.from_user_input(UTM))
    homes = [f"h{i},town,{lon[i]},{lat[i]},5,2" for i in range(2)]
    (path / "homes.csv").write_text("\n".join(["demand_id,settlement_class,lon,lat,n,n_old", *homes]), encoding="utf-8")
    (path / "meals.csv").write_text(f"名称,经度,纬度\n幸福食堂,{lon[1]},{lat[1]}\n", encoding="utf-8")
    return path


def study(folder, clinics, *, gazetteer=None, unplaced=None):
    made = content(
        sources__roads={**SOURCE, "path": "roads.gpkg", "position_quality_m": 30.0},
        sources__demand={**SOURCE, "path": "homes.csv", "datum": "wgs84"},
        services__0__facilities={**SOURCE, "path": "meals.csv", "datum": "wgs84"},
        crs=UTM,
    )
    made["sources"]["townships"] = {
        **SOURCE,
        "path": "towns.gpkg",
        "columns": {"name_zh": "name"},
        "codes": "codes.csv",
    }
    made["sources"]["villages"] = {**SOURCE, "path": "villages.gpkg"}
    clinic = {**copy.deepcopy(made["services"][0]), "id": "clinic"}
    clinic["facilities"] = {**SOURCE, "path": "clinics.csv", "datum": "wgs84"}
    if unplaced is not None:
        clinic["facilities"]["unplaced"] = unplaced
    made["services"].insert(0, clinic)  # read first, and placed last
    if gazetteer is not None:
        made["gazetteer"] = gazetteer
    (folder / "clinics.csv").write_text("\n".join(["名称,地址,乡镇,经度,纬度", *clinics]), encoding="utf-8")
    return config.parse_study(made, folder=folder)


GOOD = ["甲所,东村3组,甲镇,,", "乙所,乙镇长路5号,,,", "丙所,幸福食堂二楼,,,"]


def test_rows_without_coordinates_are_placed_and_told(folder):
    inputs = pipeline.read_inputs(study(folder, GOOD))
    places = inputs.facilities["clinic"].places
    xy = [(round(point.x - EAST), round(point.y - NORTH)) for point in places.geometry]
    assert xy == [(250, 750), (1500, 500), (1100, 520)]
    assert places["township_code"].tolist() == ["t1", "t2", "t2"]
    assert places["village_code"].fillna("").tolist() == ["v1", "", ""]
    quality = places["position_quality_m"]
    assert quality.tolist()[:2] == pytest.approx([353.553, (500**2 + 30**2) ** 0.5], abs=0.01)
    assert inputs.facilities["clinic"].report["located"][0] == (
        "row 2: 甲所, 东村3组, 甲镇: the middle of 东村 (甲镇) (within 354 m)"
    )
    notes = [finding for finding in inputs.findings if finding.role == "facilities:clinic"]
    assert [(f.severity, f.rule, f.row, f.where) for f in notes] == [
        ("note", "located_village", 2, "clinics.csv"),
        ("note", "located_road", 3, "clinics.csv"),
        ("note", "located_facility", 4, "clinics.csv"),
    ]
    assert Words("zh")("finding.located_road", **notes[1].details) == (
        "没有坐标，按文字定位在乙镇境内长路的中部，误差约 501 米"
    )


def test_rows_that_cannot_be_placed_are_all_told_and_stop_the_run(folder):
    with pytest.raises(StudyError) as caught:
        pipeline.read_inputs(study(folder, [*GOOD, "丁所,东村,,,", "戊所,甲镇束村,,,"]))
    assert [(f.rule, f.row, f.value) for f in caught.value.findings] == [
        ("place_ambiguous", 5, "东村"),
        ("place_unknown_in_near", 6, "甲镇束村"),
    ]
    assert "东村 can be 东村 (甲镇)、东村 (乙镇); give the township" in str(caught.value)
    assert "did you mean 东村 (甲镇)、西村 (甲镇)?" in str(caught.value)


def test_they_can_be_left_out_and_are_named(folder):
    inputs = pipeline.read_inputs(study(folder, [*GOOD, "丁所,东村,,,"], unplaced="leave_out"))
    table = inputs.facilities["clinic"]
    assert table.places["name_zh"].tolist() == ["甲所", "乙所", "丙所"]
    assert table.report["unplaced"] == ["row 5: 丁所, 东村"]
    warnings = [(f.rule, f.row) for f in inputs.findings if f.severity == "warning"]
    assert ("place_ambiguous", 5) in warnings


def test_aliases_and_the_coarsest_place_come_from_the_study(folder):
    (folder / "aliases.csv").write_text("别名,现名,乡镇\n红旗大队,西村,甲镇\n", encoding="utf-8")
    made = study(
        folder, ["甲所,红旗大队2组,,,", "乙所,乙镇,,,"], gazetteer={"aliases": "aliases.csv", "coarsest": "township"}
    )
    inputs = pipeline.read_inputs(made)
    places = inputs.facilities["clinic"].places
    assert [(round(p.x - EAST), round(p.y - NORTH)) for p in places.geometry] == [(250, 250), (1500, 500)]
    entries = {entry["role"]: entry for entry in manifest.input_files(made, manifest.named_files(made), inputs)}
    assert entries["gazetteer"]["path"] == "aliases.csv"
    assert len(entries["gazetteer"]["sha256"]) == len(entries["townships:codes"]["sha256"]) == 64


def test_a_broken_table_of_aliases_is_one_fault_beside_the_others(folder):
    (folder / "broken.csv").write_text("别名,现名\n红旗大队,\n", encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        pipeline.read_inputs(study(folder, ["甲所,西村2组,,,"], gazetteer={"aliases": "broken.csv"}))
    found = {(f.role, f.rule, f.where) for f in caught.value.findings}
    assert ("gazetteer", "alias_incomplete", "broken.csv") in found


def test_gaps_between_townships_are_told_once(folder):
    region = gpd.GeoDataFrame(geometry=[shapely.box(EAST, NORTH, EAST + 2000, NORTH + 1500)], crs=UTM)
    region.to_file(folder / "region.gpkg")
    made = study(folder, GOOD)
    made = made.model_copy(update={"region": made.region.model_copy(update={"boundary": Path("region.gpkg")})})
    inputs = pipeline.read_inputs(made)
    gaps = [finding for finding in inputs.findings if finding.rule == "area_gap"]
    assert [(f.severity, f.role, f.where, f.details["km2"]) for f in gaps] == [
        ("warning", "townships", "towns.gpkg", "1")
    ]
