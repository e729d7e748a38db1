"""The whole check of a toy study: what is told, what the manifest keeps, and the two files that are written.

The toy study is the one of the command line's tests: one street of 1.2 km, two homes, one canteen.
"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import openpyxl
import pytest

from chongming_gis import check, findings, manifest, pipeline, results
from chongming_gis.config import read_study
from chongming_gis.errors import StudyError
from chongming_gis.reports import check_files
from chongming_gis.reports.verdict import effect, notes, tell
from chongming_gis.sources import embedded_study_path
from chongming_gis.wording import Words
from tests.test_cli import PEOPLE, PLACES, STUDY, roads

STUDIES = Path(__file__).parent / "studies"
MESSY = (
    "facility_id,name_zh,lon,lat,capacity\n"
    "c1,西街助餐点,121.5008,31.5999,50\n"
    "c2,西街助餐点,121.5009,31.5999,40\n"  # the name of c1, 10 m away
    "c3,=1+1,121.5063,31.6021,0\n"  # nothing to give, and a name that is a formula
    'c4,"<b>""东""</b> 🍜",121.50,31.59,-5\n'  # a negative capacity
    "c5,远处,121.60,31.70,20\n"  # ten kilometres off
)


def write(folder, *, people=PEOPLE, places=PLACES, study=STUDY, streets=None):
    folder.mkdir(exist_ok=True)
    (folder / "roads.geojson").write_text(streets or roads(), encoding="utf-8")
    (folder / "people.csv").write_text(people, encoding="utf-8-sig")
    (folder / "places.csv").write_text(places, encoding="utf-8-sig")
    (folder / "study.toml").write_text(study, encoding="utf-8")
    return read_study(folder / "study.toml")


@pytest.fixture
def messy(tmp_path):
    """A study with faults in two of its three files."""
    return write(tmp_path / "study", people=PEOPLE.replace("100,40", "100,140"), places=MESSY)


def rules(verdict, role):
    return sorted((finding.rule, finding.row) for finding in verdict.findings if finding.role == role)


def test_faulty_rows_do_not_hide_the_others(messy):
    """One row cannot be read; all the others are judged, in the rows that the file shows."""
    verdict = pipeline.check_study(messy)
    assert rules(verdict, "facilities:meal_point") == [
        ("capacity_negative", 5),
        ("capacity_zero", 4),
        ("coarse_position", 6),
        ("facility_off_road", 6),
        ("far_from_roads", 6),
        ("same_name_near", 3),
    ]
    assert rules(verdict, "demand") == [("group_exceeds_all", 2)]
    assert [light.colour for light in verdict.lights] == ["green", "yellow", "red"]


def test_what_cannot_be_read_is_told_and_the_rest_judged(tmp_path):
    study = write(tmp_path / "study", people=PEOPLE.replace("100,40", "100,140"))
    (tmp_path / "study" / "roads.geojson").unlink()
    verdict = pipeline.check_study(study)
    (error,) = verdict.errors
    assert (error.role, error.where, error.rule) == ("roads", "roads.geojson", "input_unreadable")
    assert "there is no such file" in error.message
    assert rules(verdict, "demand") == [("group_exceeds_all", 2)]


def test_a_run_stops_where_the_check_is_red(messy):
    with pytest.raises(StudyError, match="capacity is negative") as stopped:
        pipeline.run_study(messy)
    assert {finding.role for finding in stopped.value.findings} == {"facilities:meal_point"}


def test_check_json_has_every_finding_in_both_languages_and_no_folder_of_this_machine(messy, tmp_path):
    verdict = pipeline.check_study(messy)
    pipeline.write_check(verdict, messy, tmp_path / "c")
    text = (tmp_path / "c" / "check.json").read_text(encoding="utf-8")
    kept = json.loads(text)
    assert kept["format"] == check_files.FORMAT
    assert (kept["study"]["id"], kept["colour"]) == ("toy", "red")
    assert len(kept["findings"]) == len(verdict.findings)
    assert set(kept["findings"][0]) == {field.name for field in dataclasses.fields(findings.Finding)} | {"zh", "en"}
    assert [light["role"] for light in kept["lights"]] == ["roads", "demand", "facilities:meal_point"]
    assert {entry["mode"] for entry in kept["distances_to_road"]} == {"walk"}
    assert str(tmp_path) not in text
    negative = next(entry for entry in kept["findings"] if entry["rule"] == "capacity_negative")
    assert (negative["row"], negative["column"], negative["value"]) == (5, "capacity", "-5")
    assert negative["zh"]["said"] != negative["en"]["said"]


def test_the_check_is_the_same_twice(messy, tmp_path):
    for name in ("a", "b"):
        pipeline.write_check(pipeline.check_study(messy), messy, tmp_path / name)
    assert (tmp_path / "a" / "check.json").read_bytes() == (tmp_path / "b" / "check.json").read_bytes()


@pytest.fixture
def book(messy, tmp_path):
    """check.xlsx of the messy study, in Chinese."""
    verdict = pipeline.check_study(messy)
    pipeline.write_check(verdict, messy, tmp_path / "c")
    return openpyxl.load_workbook(tmp_path / "c" / "check.xlsx"), verdict


def test_the_workbook_has_the_lights_and_all_findings_with_a_filter(book):
    sheets, verdict = book
    assert sheets.sheetnames == ["总览", "全部问题", "到道路的距离", "people.csv", "places.csv"]
    lights = [[cell.value for cell in row] for row in sheets["总览"].iter_rows(min_row=5)]
    assert [row[0] for row in lights] == ["绿灯", "黄灯", "红灯"]
    assert lights[0][7] == "可用"
    listed = sheets["全部问题"]
    assert listed.max_row == len(verdict.findings) + 1
    assert listed.auto_filter.ref == f"A1:L{len(verdict.findings) + 1}"
    assert [cell.value for cell in listed[1]][:5] == ["级别", "输入", "文件", "工作表", "行"]


def test_the_marked_copy_keeps_rows_and_marks_the_faulty_cells(book):
    """Row 5, column capacity is red with a comment; row 6 is told as a whole; row 2 is untouched."""
    sheet = book[0]["places.csv"]
    assert [cell.value for cell in sheet[1]] == ["facility_id", "name_zh", "lon", "lat", "capacity"]
    assert sheet["A5"].value == "c4"
    assert sheet["E5"].fill.fgColor.rgb.endswith("F4B6B6")
    assert "负" in sheet["E5"].comment.text
    assert sheet["D5"].fill.fill_type is None
    assert all(cell.fill.fgColor.rgb.endswith("F4B6B6") for cell in sheet[6])
    assert all(cell.fill.fill_type is None for cell in sheet[2])
    assert sheet["B3"].fill.fgColor.rgb.endswith("FFE699")


def test_nothing_in_the_workbook_is_a_live_formula(book):
    sheets, _ = book
    cells = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    assert sheets["places.csv"]["B4"].value == "'=1+1"
    assert sheets["places.csv"]["B5"].value == '<b>"东"</b> 🍜'


def test_the_distances_are_counted_with_the_people(book):
    rows = [[cell.value for cell in row] for row in book[0]["到道路的距离"].iter_rows(min_row=2)]
    people = next(row for row in rows if row[2] == "人数")
    assert sum(people[3:13]) == 160
    assert len(book[0]["到道路的距离"]._charts) == 1


def test_an_english_workbook_has_english_sheets(messy, tmp_path):
    pipeline.write_check(pipeline.check_study(messy), messy, tmp_path / "c", language="en")
    names = openpyxl.load_workbook(tmp_path / "c" / "check.xlsx").sheetnames
    assert names[:3] == ["Overview", "All findings", "Distance to the road"]


def test_a_failed_write_keeps_the_last_check(messy, tmp_path, monkeypatch):
    verdict = pipeline.check_study(messy)
    pipeline.write_check(verdict, messy, tmp_path / "c")
    before = (tmp_path / "c" / "check.json").read_bytes()

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(openpyxl.Workbook, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        pipeline.write_check(verdict, messy, tmp_path / "c")
    assert (tmp_path / "c" / "check.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "study"]


# ---- a run ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def warned(tmp_path):
    """The result of a study with warnings but no errors."""
    places = PLACES + "c2,西街助餐点,121.50081,31.5999,50\n"
    return pipeline.run_study(write(tmp_path / "study", places=places))


def test_a_run_keeps_verdict_and_findings_and_says_them_in_its_language(warned):
    assert warned.manifest["verdict"]["colour"] == "yellow"
    (group,) = [entry for entry in warned.manifest["findings"] if entry["severity"] == "warning"]
    assert (group["rule"], group["count"], group["role"]) == ("same_name_near", 1, "facilities:meal_point")
    (said,) = notes(warned, Words("zh"))
    assert said == "places.csv 第 3 行 西街助餐点 c2：与 c1（第 2 行）同名，相距 1 m"
    assert notes(warned, Words("en"))[0].startswith("places.csv row 3 西街助餐点 c2: has the same name as c1 (row 2)")


def test_the_report_has_a_chapter_on_data_quality_from_the_saved_result(warned, tmp_path):
    pipeline.write_result(warned, tmp_path / "r")
    loaded = results.load(tmp_path / "r")
    assert loaded.manifest["verdict"] == json.loads(json.dumps(warned.manifest["verdict"]))
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert "数据质量" in page
    assert "与 c1（第 2 行）同名" in page
    assert "黄灯：可以测算，但有 1 处提醒" in page


def test_names_of_modes_and_groups_stand_in_place_of_ids():
    study = read_study(embedded_study_path())
    finding = findings.Finding("warning", "x", "m", rule="off_road", details={"modes": "walk, car"}, role="demand")
    (told,) = tell([finding], study, Words("zh"))
    assert told.said == "附近没有可用道路（老年人步行、小汽车）"


def test_the_effect_of_a_light_is_that_of_its_rule():
    light = check.Light("demand", "x", "sourced", "yellow", 0, 3, 0, rule="in_no_township", n=3, of=40)
    assert effect(light, Words("en")) == "3 of 40 lie in no township: they count for the district only"
    other = dataclasses.replace(light, rule="never_heard_of")
    assert effect(other, Words("en")).startswith("3 warnings")
    assert effect(dataclasses.replace(light, colour="green"), Words("zh")) == "可用"


# ---- the manifest's inputs -----------------------------------------------------------------------------------------


def assert_adds_up(entries):
    for entry in entries:
        if "rows_read" in entry:
            assert entry["rows_read"] == entry["rows_kept"] + sum(entry["rows_dropped"].values()), entry


def test_the_manifest_says_of_each_input_what_became_of_its_rows(tmp_path):
    """Of five rows one is of another service, one is planned, one closed in 2020: two are kept."""
    places = (
        "facility_id,service,name_zh,lon,lat,status,close_year\n"
        "c1,meal_point,甲,121.5008,31.5999,existing,\n"
        "c2,meal_point,乙,121.5063,31.6011,existing,2030\n"
        "c3,meal_point,丙,121.5041,31.6001,planned,\n"
        "c4,meal_point,丁,121.5052,31.6001,existing,2020\n"
        "c5,library,戊,121.5032,31.6001,existing,\n"
    )
    study = write(tmp_path / "study", places=places)
    inputs = pipeline.read_inputs(study)
    entries = manifest.input_files(study, manifest.named_sources(study), inputs)
    by_role = {entry["role"]: entry for entry in entries}
    assert set(by_role) == {"roads", "demand", "facilities:meal_point"}
    facilities = by_role["facilities:meal_point"]
    assert (facilities["rows_read"], facilities["rows_kept"]) == (5, 2)
    assert facilities["rows_dropped"] == {"other_service": 1, "not_in_service": 2}
    told = {finding.value: finding for finding in inputs.findings if finding.rule.startswith("not_in_service")}
    assert {name: finding.severity for name, finding in told.items()} == {"丙": "note", "丁": "warning"}
    assert (told["丁"].row, told["丁"].details["said"]) == (5, "2020")
    assert (facilities["path"], facilities["datum"], facilities["kind"]) == ("places.csv", "wgs84", "schematic")
    assert {"licence", "position_quality_m"} <= set(facilities)
    assert all(re.fullmatch("[0-9a-f]{64}", entry["sha256"]) for entry in entries)
    assert all("rows_read" in entry for entry in entries)
    assert_adds_up(entries)


def test_rows_read_are_kept_or_dropped_for_every_input_of_the_embedded_study():
    study = read_study(embedded_study_path())
    inputs = pipeline.read_inputs(study)
    entries = manifest.input_files(study, manifest.named_sources(study), inputs)
    assert len(entries) == 5 + 20 + 1
    assert [entry["role"] for entry in entries if "rows_read" not in entry] == ["region"]  # one shape
    assert_adds_up(entries)
    assert json.dumps(entries, ensure_ascii=False)


@pytest.mark.extract
def test_liechtenstein_is_yellow_and_says_why(shared_data):
    """Rows add up; some buildings have no road for cars within reach, and the report on it has their share."""
    study = read_study(STUDIES / "liechtenstein.toml")
    inputs = pipeline.read_inputs(study)
    assert_adds_up(manifest.input_files(study, manifest.named_sources(study), inputs))
    verdict = pipeline.check_study(study)
    assert verdict.colour == "yellow"
    found = {finding.rule for finding in verdict.findings}
    assert {"people_off_road", "off_road", "road_gap", "in_no_township", "roads_in_pieces"} <= found
    assert not verdict.errors
