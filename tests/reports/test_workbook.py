"""report.xlsx: each number is that of the table it came from, nothing is a formula, and every sheet is ready to use."""

import dataclasses
import datetime as dt
import io
import math
import zipfile

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest

from chongming_gis import discretion, measured_tables, tables
from chongming_gis.errors import OutputError
from chongming_gis.maps import shares
from chongming_gis.reports import workbook, workbook_measures, workbook_tables
from chongming_gis.reports.blocks import Bullets, Table
from chongming_gis.reports.content import Report, build_content
from chongming_gis.reports.figures import Told
from chongming_gis.reports.workbook_columns import Column
from chongming_gis.wording import Words
from tests.maps import measured_toy
from tests.toy.proposed import INFEASIBLE, with_proposals


@pytest.fixture(scope="module")
def result(toy_result):
    return with_proposals(measured_toy.with_areas(toy_result))


@pytest.fixture(scope="module", params=["zh", "en"])
def opened(request, result):
    content = workbook.render_workbook(result, language=request.param)
    return openpyxl.load_workbook(io.BytesIO(content)), Words(request.param), content


def told(result, language="zh"):
    words = Words(language)
    return Told(result, words, shares.read_shares(result), shares.township_names(result, words))


def frame(sheet):
    head, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    return pd.DataFrame(rows, columns=head)


def of(opened, key):
    book, words, _ = opened
    return frame(book[words(f"xlsx.{key}")])


def test_contents_lead_to_every_sheet(opened, result):
    book, words, _ = opened
    first = book.worksheets[0]
    links = {cell.value: cell.hyperlink.location for row in first.iter_rows() for cell in row if cell.hyperlink}
    assert list(links) == [sheet.title for sheet in book.worksheets[1:]]
    assert all(where.rpartition("!")[0].strip("'") == name for name, where in links.items())
    listed = {row[0].value: row[1].value for row in first.iter_rows() if row[0].value in links}
    for name, n_rows in listed.items():
        assert n_rows is None or n_rows == book[name].max_row - 1
    assert first["A1"].value == words("report.title", study=words.name(result.study))


def test_sheets_are_printed_across_with_all_columns_on_a_page(opened, result):
    book, words, _ = opened
    for sheet in book.worksheets:
        assert sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.title
        page = sheet.page_setup
        assert (page.orientation, page.paperSize, page.fitToWidth, page.fitToHeight) == ("landscape", 9, 1, 0)
    assert book.worksheets[1].print_title_rows == "$1:$1"
    summary = [cell for cell in book.worksheets[0]["C"] if cell.alignment.wrap_text and not cell.font.b]
    assert summary[0].value == build_content(result, words).sections[0].blocks[0].text
    heights = [book.worksheets[0].row_dimensions[cell.row].height for cell in summary]
    assert all(height % 15.0 == 0.0 for height in heights)
    assert book.worksheets[0].row_dimensions[summary[0].row - 1].height is None


def test_shares_by_township_are_those_of_the_coverage_table(opened, result):
    words = opened[1]
    found = of(opened, "townships")
    own = {service.id: (service.group, service.base, service.standards[0].id) for service in result.study.services}
    table = result.coverage[(result.coverage["scope"] == "township") & (result.coverage["serves_rule"] == "applied")]
    wanted = [
        row for row in table.sort_values("scope_code").to_dict("records")
        if (row["group"], row["base"], row["standard"]) == own[row["service"]]
    ]  # fmt: skip
    wanted.sort(key=lambda row: list(own).index(row["service"]))
    assert found[words("col.persons")].tolist() == [row["persons"] for row in wanted]
    assert found[words("col.covered")].tolist() == [row["persons_covered"] for row in wanted]
    assert found[words("col.uncovered")].tolist() == [row["persons"] - row["persons_covered"] for row in wanted]
    np.testing.assert_array_equal(found[words("col.share")].astype(float), [row["share_covered"] for row in wanted])


def test_the_sheets_show_what_the_report_shows(opened, result):
    """Shares and counts, formatted as the sheet formats them, are the cells of the report's tables."""
    words = opened[1]
    report = build_content(result, words)
    blocks = [b for s in report.sections for b in s.blocks if isinstance(b, Table)]
    headline = next(b for b in blocks if b.caption == words("report.by_service"))
    services = of(opened, "services")
    assert services[words("col.service")].tolist() == [row[0].shown for row in headline.rows]
    at = headline.columns.index(words("col.persons"))
    assert [f"{value:,.0f}" for value in services[words("col.persons")]] == [row[at].shown for row in headline.rows]
    matrix = next(b for b in blocks if b.is_matrix)
    found = of(opened, "matrix")
    for row, cells in zip(found.to_numpy(), matrix.rows, strict=True):
        shown = ["—" if value is None or math.isnan(value) else f"{100 * value:.1f}" for value in row[1:]]
        assert shown == [
            cell.shown if "." in cell.shown or cell.shown == "—" else f"{cell.shown}.0" for cell in cells[1:]
        ]


def test_the_matrix_has_the_colours_of_the_report(opened, result):
    book, words, _ = opened
    report = build_content(result, words)
    matrix = next(b for s in report.sections for b in s.blocks if isinstance(b, Table) and b.is_matrix)
    sheet = book[words("xlsx.matrix")]
    for row, cells in zip(sheet.iter_rows(min_row=2), matrix.rows, strict=True):
        fills = [cell.fill.fgColor.rgb[2:] for cell in row[1:]]
        assert fills == [workbook._FILLS[cell.mark].fgColor.rgb[2:] for cell in cells[1:]]


def test_villages_with_people_left_out_come_with_most_first(opened):
    """South (a0, a1: all within), north (b0: 5 of 5 left out, who may use F2 only from its village)."""
    words = opened[1]
    found = of(opened, "villages")
    meals = found[found[words("col.service")] == found[words("col.service")].iloc[0]]
    assert meals[words("col.village")].tolist() == ["北村 <u>"]
    assert meals[words("col.uncovered")].tolist() == [5.0]
    assert meals[words("col.share")].tolist() == [0.0]


def test_gaps_areas_and_sites_are_those_of_the_tables(opened, result):
    words = opened[1]
    gaps = of(opened, "gaps")
    assert gaps[words("col.persons")].tolist() == [30.0, 5.0]
    assert gaps[words("col.gap_nearest")].tolist() == [25.0, words("xlsx.never.minutes")]
    areas = of(opened, "areas")
    assert areas[words("col.minutes")].tolist() == [5.0, 15.0]
    assert areas[words("col.misjudged")].tolist() == [0.0, 5.0]
    site = result.measured["sites"].iloc[0]
    sites = of(opened, "sites").iloc[0]
    assert sites[words("col.newly_covered")] == site["newly_covered"]
    assert sites[words("col.place_id")] == site["place_id"]
    report = build_content(result, words)
    chapter = next(section for section in report.sections if section.id == "proposals")
    (reasons,) = (b.items for s in chapter.inner for b in s.blocks if isinstance(b, Bullets))
    assert sites[words("xlsx.col.reasons")] == reasons[0]
    plan = of(opened, "plans").iloc[0]
    assert plan[words("xlsx.col.covered_after")] == result.measured["plans"]["covered_after"].iloc[0]


def test_need_and_places_by_township_are_sums_of_the_provision(opened):
    """Of 9 meals, all of township A, 4 are served, 3 find no place, 2 are out of reach."""
    words = opened[1]
    row = of(opened, "capacity").iloc[0]
    assert [row[words(f"col.{name}")] for name in ("need", "served", "no_place", "beyond_reach")] == [9, 4, 3, 2]
    assert row[words("col.share_served")] == pytest.approx(4 / 9)


def test_indicators_keep_what_is_missing_empty(opened, result):
    words = opened[1]
    found = of(opened, "indicators")
    wanted = result.indicators
    assert len(found) == len(wanted)
    np.testing.assert_allclose(found[words("col.value")].astype(float), wanted["value"])
    assert found[words("xlsx.col.target_year")].tolist() == wanted["target_year"].tolist()


def test_a_plan_without_an_answer_has_no_gap_and_says_why(toy_result):
    made = with_proposals(toy_result, **INFEASIBLE)
    words = Words("en")
    book = openpyxl.load_workbook(io.BytesIO(workbook.render_workbook(made, language="en")))
    row = frame(book[words("xlsx.plans")]).iloc[0]
    assert row[words("xlsx.col.plan_status")] == words("xlsx.plan.infeasible")
    assert row[words("xlsx.col.gap_to_best")] is None
    assert row[words("col.reason")] == words.reason(INFEASIBLE["reason"])
    assert words("xlsx.sites") not in book.sheetnames


def of_rows(contract, **columns):
    return pd.DataFrame(columns).astype(tables.column_types(contract))


def of_contract(contract, **columns):
    made = of_rows(contract, **columns)
    tables.validate(made, contract, where=contract.name)
    return made


SCOPES = {
    "scope": ["district", "township", "village"],
    "scope_code": ["toy", "101", "10101"],
    "name_zh": ["甲", "乙", "丙"],
}
VILLAGE = {"village_code": ["10101", "10201"], "name_zh": ["南村", None], "township_code": ["101", None]}
CANDIDATES = {
    "candidate_id": ["c1", "c2"], "service": "meal_point", "name_zh": ["甲", None], "township_code": ["101", None],
    "village_code": ["10101", None], "site_id": [None, None], "kind": ["village", "node"], "allowed": [True, False],
    "reason": [None, "off_land | in_no_township"], "source": [None, "a | b"], "unjudged": [None, None],
    "land_kind": [None, None], "road_class": [None, None], "road_m": [1.0, np.nan], "persons_near": [40.0, np.nan],
}  # fmt: skip
OTHERS = {
    "basket": of_contract(
        measured_tables.BASKET, **SCOPES, n_within=[1, 2, 0], n_services=2, persons=[65.0, 30.0, 4.0],
        share=[0.5, 1.0, 0.1],
    ),
    "basket_missing": of_contract(
        measured_tables.BASKET_MISSING, **SCOPES, service="meal_point", persons=[65.0, 60.0, 30.0],
        persons_missing=[35.0, 30.0, 0.0], share_missing=[35 / 65, 0.5, 0.0],
    ),
    "links": of_contract(
        measured_tables.LINKS, **VILLAGE, level="village", persons=[30.0, 5.0], n_own=[1, 0], facility_id=["F1", None],
        mode=["walk", None], standard_s=[900.0, np.nan], time_s=[300.0, np.inf], share_within=[1.0, 0.0],
        elsewhere_s=[300.0, 120.0], status=["linked", "none"],
    ),
    "burial": of_contract(
        measured_tables.BURIAL, **SCOPES, service="care_home", n_grounds=[2, 1, 1], n_unknown=[0, 1, 0],
        plots=[10.0, 5.0, 5.0], used=[4.0, 2.0, 2.0], plots_left=[6.0, np.nan, 3.0],
        persons=[65.0, 60.0, 30.0], per_year_low=0.5, per_year=1.0,
        per_year_high=2.0, years_low=[3.0, np.nan, 1.5], years=[6.0, np.nan, np.inf], years_high=[12.0, np.nan, np.inf],
        years_pooled=[6.0, np.nan, np.inf], evidence="schematic",
    ),
    "visits": of_contract(
        measured_tables.VISITS, facility_id=["F1", "F2"], serves_rule=["applied", "ignored"], name_zh=["=1+1", None],
        township_code=["101", None], village_code=["10101", None], persons=[30.0, 0.0], n_villages=[2, 0],
        persons_beyond=[3.0, 0.0], time_s=[600.0, np.nan], farthest_s=[900.0, np.nan],
    ),
    "visits_beyond": of_contract(
        measured_tables.VISITS_BEYOND, **VILLAGE, serves_rule="applied", persons=[30.0, 5.0], persons_beyond=[0.0, 0.0],
        persons_unreached=[0.0, 5.0], time_s=[600.0, np.inf],
    ),
    "fairness": of_contract(
        measured_tables.FAIRNESS, question="q", service="meal_point",
        scope=["district", "township", "group", "village"],
        scope_code=["toy", "101", "a80_plus", "10101"], measure=["gini", "mean_score", "ratio", "mean_score"],
        persons=[65.0, 60.0, 7.0, 30.0], value=[0.4, np.nan, 1.1, np.inf],
        rank=pd.array([None, None, None, 1], dtype="Int64"),
    ),
    "certainty": of_contract(
        measured_tables.CERTAINTY, **SCOPES, service="meal_point", standard="draft_2024", group="a60_plus",
        base="resident", persons=[65.0, 60.0, 30.0], share_run=0.5, share_low=0.4, share_likely=0.45, share_high=0.6,
    ),
    "certainty_villages": of_contract(
        measured_tables.CERTAINTY_VILLAGES, **VILLAGE, service="meal_point", standard="draft_2024", persons=[30.0, 5.0],
        status_run=["reached", "not_reached"], draws_reached_share=[0.7, 0.0], status=["uncertain", "not_reached"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def others(toy_result):
    """The sheets of measures whose tables are made up here, by their titles in English."""
    at = toy_result.demand.points.geometry.iloc[:2].to_numpy()
    looked_at = gpd.GeoDataFrame(
        of_rows(tables.CANDIDATES, **CANDIDATES), geometry=at, crs=toy_result.demand.points.crs
    )
    tables.validate(looked_at, tables.CANDIDATES, where="candidates")
    made = dataclasses.replace(toy_result, measured={**OTHERS, "candidates": looked_at})
    words = Words("en")
    found = workbook_measures.sheets(told(made, "en"), Report("", "", "", "", ()))
    return {
        sheet.title: {column.title: list(column.values) for column in sheet.columns} for sheet in found if sheet
    }, words


def test_measures_have_names_minutes_and_what_is_missing(others):
    sheets, words = others
    links = sheets[words("xlsx.links")]
    assert links[words("col.own_minutes")] == [5.0, "not reached"]
    assert links[words("col.anywhere_minutes")] == [5.0, 2.0]
    assert links[words("col.village")] == ["南村", "10201"]
    assert links[words("xlsx.col.link_status")] == ["linked", "no facility"]
    burial = sheets[words("xlsx.burial")]
    assert burial[words("col.years_until")] == [6.0, None, "never"]
    assert burial[words("col.plots_left")] == [6.0, None, 3.0]
    assert burial[words("xlsx.col.area")] == ["All", "Bao <b>", "南村"]
    assert sheets[words("xlsx.visits")][words("col.mean_minutes")] == [10.0, None]
    assert sheets[words("xlsx.visits_beyond")][words("col.visit_unreached")] == [5.0]  # who is well served is left out
    fair = sheets[words("xlsx.fairness")]
    assert fair[words("col.value")] == [0.4, None, 1.1]  # villages are in the result folder
    assert fair[words("xlsx.col.area")] == ["All", "Bao <b>", "80 and over"]
    assert sheets[words("xlsx.basket")][words("col.persons")] == [65.0, 30.0]
    assert sheets[words("xlsx.missing")][words("xlsx.col.persons_missing")] == [35.0, 30.0]
    assert sheets[words("xlsx.certainty")]["Low"] == [0.4, 0.4]
    assert len(sheets[words("xlsx.certainty_villages")][words("col.village")]) == 1
    looked_at = sheets[words("xlsx.candidates")]
    assert looked_at[words("xlsx.col.allowed")] == ["allowed", "refused"]
    assert (
        looked_at[words("xlsx.col.refused_why")][1] == f"{words('refusal.off_land')}; {words('refusal.in_no_township')}"
    )
    assert looked_at[words("xlsx.col.persons_near")] == [40.0, None]


@pytest.mark.parametrize("internal", [False, True])
def test_small_numbers_of_sensitive_people_are_told_to_the_office_only(toy_result, internal):
    """Care homes are for people of 80 and over: 4 of the south live nowhere near one, 0.5 in the north."""
    study = toy_result.study
    groups = tuple(g.model_copy(update={"sensitive": g.id == "a80_plus"}) for g in study.groups)
    study = study.model_copy(update={"groups": groups})
    made = dataclasses.replace(toy_result, study=study.for_internal_use() if internal else study)
    sheet = workbook_tables._villages(told(made))
    columns = {column.title: list(column.values) for column in sheet.columns}
    homes = [k for k, name in enumerate(columns["服务"]) if name == "养老机构"]
    shown = [[columns[name][k] for name in ("人数", "未达标人数", "覆盖率")] for k in homes]
    hidden = [[discretion.HIDDEN, discretion.HIDDEN, None]] * 2
    assert shown == ([[3.5, 3.5, 0.0], [0.5, 0.5, 0.0]] if internal else hidden)
    meals = [columns["人数"][k] for k, name in enumerate(columns["服务"]) if name == "老年助餐点"]
    assert meals == [5.0]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_text_of_the_data_becomes_a_formula(toy_result, language):
    hostile = ['=HYPERLINK("http://example.org")', "+1+1", "@SUM(A1)\x00", "-2+3"]
    townships = toy_result.townships.assign(name_zh=hostile[:3], name_en=None)
    villages = toy_result.villages.assign(name_zh=hostile[:2])
    made = dataclasses.replace(toy_result, townships=townships, villages=villages)
    content = workbook.render_workbook(made, language=language)
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert any("'=HYPERLINK" in value for value in texts)
    assert not [value for value in texts if value[0] in "=+@" or (value[0] == "-" and len(value) > 1)]
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert not [
            name
            for name in package.namelist()
            if name.startswith("xl/worksheets/sheet") and b"<f>" in package.read(name)
        ]


def test_sheets_are_ready_to_use(opened):
    book, words, _ = opened
    for key in ("services", "townships", "gaps", "sites", "indicators"):
        sheet = book[words(f"xlsx.{key}")]
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref.startswith("A1:")
        assert sheet.auto_filter.ref.endswith(str(sheet.max_row))
        assert all(cell.font.b for cell in sheet[1])
        assert all(8 <= sheet.column_dimensions[cell.column_letter].width <= 50 for cell in sheet[1])
    townships = book[words("xlsx.townships")]
    formats = {cell.value: townships.cell(2, cell.column).number_format for cell in townships[1]}
    assert formats[words("col.persons")] == "#,##0"
    assert formats[words("col.share")] == "0.0%"
    assert formats[words("col.township")] == "@"


def test_chapters_as_text_have_numbers_as_numbers(opened, result):
    book, words, _ = opened
    sheet = book[words("report.method")]
    report = build_content(result, words)
    (method,) = (section for section in report.sections if section.id == "method")
    cells = {str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None}
    for block in method.blocks:
        if isinstance(block, Table):
            assert block.caption in cells
            first = block.rows[0][0].shown
            assert first in cells
    assert "0.95" in cells  # the largest piece of the network, 95 % there


@pytest.mark.parametrize(
    ("shown", "value", "form"),
    [("1,234", 1234.0, "#,##0"), ("63.2%", 0.632, "0.0%"), ("100%", 1.0, "0%"), ("12.50", 12.5, "#,##0.00"),
     ("20200", 20200.0, "#,##0"), ("<1", "<1", "@"), ("—", "—", "@"), ("±5%", "±5%", "@"), ("1,23", "1,23", "@"),
     ("-0.29", -0.29, "#,##0.00")],
)  # fmt: skip
def test_numbers_of_the_report_are_read_back_as_they_are_shown(shown, value, form):
    assert workbook._as_number(shown) == (value, form)


def test_the_same_result_gives_the_same_bytes_and_no_time_but_the_data_date(opened, result):
    book, words, content = opened
    assert workbook.render_workbook(result, language=words.language) == content
    assert {book.properties.created, book.properties.modified} == {dt.datetime(2024, 12, 31)}  # noqa: DTZ001
    assert not book.properties.creator
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert {entry.date_time for entry in package.infolist()} == {(2024, 12, 31, 0, 0, 0)}


def test_a_bare_result_has_a_workbook_too(toy_result):
    study = toy_result.study.model_copy(update={"plan": None, "needs": (), "costs": (), "siting_rules": ()})
    empty = {name: getattr(toy_result, name).iloc[:0] for name in ("townships", "villages", "provision", "indicators")}
    coverage = toy_result.coverage[toy_result.coverage["scope"] == "district"]
    made = dataclasses.replace(toy_result, study=study, coverage=coverage, manifest={}, **empty)
    book = openpyxl.load_workbook(io.BytesIO(workbook.render_workbook(made)))
    assert book.sheetnames[:3] == ["目录", "分服务", "分标准"]
    assert "覆盖率矩阵" not in book.sheetnames


def test_names_of_sheets_are_allowed_in_both_languages():
    for language in ("zh", "en"):
        words = Words(language)
        titles = [
            text
            for key, text in words.starting("xlsx.").items()
            if f"xlsx.{key}.what" and words.knows(f"xlsx.{key}.what")
        ]
        assert len(titles) == len(set(titles)) == 25
        assert all(len(title) <= 31 and not set(title) & set("[]:*?/\\'") for title in titles)


def test_a_folder_that_cannot_be_written_is_named(toy_result, tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OutputError, match="report cannot be written"):
        workbook.write_workbook(toy_result, tmp_path / "out")


def test_rows_made_as_text_are_read_as_they_were_meant(result):
    values = ["甲", " 两边有空格 ", "", None, "=1+1", "<b>&amp;</b>", "第一行\n第二行", "🏝", "x" * 40_000]
    numbers = [0.0, None, 1e-9, 123456789.125, -0.5, 1 / 3, 2.0**52, 7, None]
    sheet = workbook_tables.make_sheet(
        told(result), "services", [Column("字", values), Column("数", numbers, "amount")]
    )
    book = openpyxl.Workbook(write_only=True)
    workbook._write_table(book.create_sheet("s"), sheet)
    stream = io.BytesIO()
    book.save(stream)
    packed = workbook._packed(stream.getvalue(), dt.date(2024, 1, 1), {"xl/worksheets/sheet1.xml": sheet})
    _, *rows = openpyxl.load_workbook(io.BytesIO(packed)).active.iter_rows()
    assert [row[0].value for row in rows] == [
        "甲", " 两边有空格 ", None, None, "'=1+1", "<b>&amp;</b>", "第一行\n第二行", "🏝", "x" * 32_767,
    ]  # fmt: skip
    assert [row[1].value for row in rows] == numbers
    assert {(row[0].number_format, row[1].number_format) for row in rows} == {("@", "#,##0.0")}
    assert [row[0].row for row in rows] == list(range(2, len(values) + 2))
