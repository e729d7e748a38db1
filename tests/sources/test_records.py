"""From a messy sheet to records: the header is found, what is no record is told, rows keep their numbers."""

import pytest

from chongming_gis.errors import InputFileError, TableError
from chongming_gis.sources import headers, records
from tests.sources import workbooks

HEADER = ["序号", "机构名称", "所属街镇", "床位数（张）", "经度", "纬度"]


def row(number, name="甲院", town="城桥镇", beds=60, lon=121.5, lat=31.6):
    return [number, name, town, beds, lon, lat]


def read(path, **changes):
    return records.read_records(path, vocabulary=headers.FACILITIES, **changes)


def book(tmp_path, rows, **changes):
    return workbooks.xlsx(tmp_path / "t.xlsx", {"表": rows}, **changes)


def told(found):
    return [(f.severity, f.rule, f.row) for f in [*found.table.faults, *found.findings]]


def test_titles_and_notes_above_the_header_do_no_harm(tmp_path):
    rows = [["崇明区养老机构名称及地址一览表"], [None, "填表说明：名称必须写全称"], [], HEADER, row(1), row(2, "乙院")]
    found = read(book(tmp_path, rows, merge=["A1:F1"]))
    assert found.report["header_row"] == 4
    assert found.table.row_numbers.tolist() == [5, 6]
    assert found.table.frame["name_zh"].tolist() == ["甲院", "乙院"]
    assert found.report["columns"] == {
        "name_zh": "机构名称", "township_name": "所属街镇", "capacity_beds": "床位数（张）", "lon": "经度",
        "lat": "纬度",
    }  # fmt: skip
    assert found.report["columns_unused"] == ["序号"]
    assert found.units == {"capacity_beds": "张"}
    assert told(found) == []


def test_the_header_row_can_be_named(tmp_path):
    path = book(tmp_path, [HEADER, ["名称", "x", "y"], ["甲", 1, 2]])
    assert read(path).report.get("header_row") is None
    found = read(path, header_row=2)
    assert found.table.frame.columns.tolist() == ["name_zh", "x", "y"]
    with pytest.raises(InputFileError, match=r"sheet '表' has no row 9 \(header_row\); it has 3"):
        read(path, header_row=9)


def test_a_header_of_two_rows(tmp_path):
    """名称 and 床位 stand over both rows; 坐标 over 经度 and 纬度."""
    rows = [["一览表"], ["名称", "床位数", "坐标", None], [None, None, "经度", "纬度"], ["甲", 60, 121.5, 31.6]]
    found = read(book(tmp_path, rows, merge=["A1:D1", "A2:A3", "B2:B3", "C2:D2"]))
    assert found.report["header_row"] == 3
    assert found.table.frame.to_dict("records") == [
        {"name_zh": "甲", "capacity_beds": "60", "lon": "121.5", "lat": "31.6"}
    ]
    assert found.table.row_numbers.tolist() == [4]


def test_merged_values_count_for_all_their_rows_only_where_one_can(tmp_path):
    rows = [HEADER, row(1), row(2, "乙院", None, None), row(3, "丙院", None, None), row(4, "丁院", "港西镇", 20)]
    found = read(book(tmp_path, rows, merge=["C2:C4", "D2:D4"]))
    assert found.table.frame["township_name"].tolist() == ["城桥镇"] * 3 + ["港西镇"]
    assert found.table.frame["capacity_beds"].fillna("-").tolist() == ["60", "-", "-", "20"]
    assert told(found) == [("error", "merged_value", 3), ("error", "merged_value", 4), ("note", "cells_merged", None)]
    assert found.table.faults[0].column == "床位数（张）"
    assert found.table.faults[0].value == "60"


def test_what_is_no_record_is_left_out_and_told(tmp_path):
    rows = [
        HEADER,
        ["示例", "示例：写全称", "城桥镇", 10, 121, 31],
        ["一、城区", None, None, None, None, None],
        row(1),
        [None] * 6,
        HEADER,
        row(2, "乙院"),
        ["合 计", None, None, 120, None, None],
        [7, None, None, None, None, None],
        ["注：床位数截至 2025 年底", None, None, None, None, None],
    ]
    found = read(book(tmp_path, rows, merge=["A3:F3"]))
    assert found.table.row_numbers.tolist() == [4, 7]
    assert told(found) == [
        ("note", "row_example", 2), ("note", "row_section", 3), ("note", "row_header_again", 6),
        ("note", "row_total", 8), ("note", "row_nothing_known", 9), ("note", "row_note", 10),
    ]  # fmt: skip
    assert found.report["rows_dropped"] == {
        "row_example": 1, "row_section": 1, "row_header_again": 1, "row_total": 1, "row_nothing_known": 1,
        "row_note": 1,
    }  # fmt: skip


def test_cells_that_say_nothing_are_empty(tmp_path):
    found = read(book(tmp_path, [HEADER, row(1, "甲院", "—", "暂无"), row(2, " 乙　院 \n东区", "/", "n/a")]))
    assert found.table.frame["township_name"].isna().all()
    assert found.table.frame["capacity_beds"].isna().all()
    assert found.table.frame["name_zh"].tolist() == ["甲院", "乙　院东区"]
    assert told(found) == [("note", "missing_words", None)]
    assert "'—' 1 x" in found.findings[0].message


def test_two_columns_of_one_meaning_are_told_and_not_taken(tmp_path):
    path = book(tmp_path, [["名称", "机构名称", "地址", "所在地"], ["甲", "甲院", "a", "b"]])
    found = read(path)
    assert told(found) == [("error", "column_ambiguous", None), ("warning", "column_ambiguous", None)]
    assert found.table.faults[0].message == "columns '名称', '机构名称' could all be name_zh, and none was taken"
    assert "name_zh" not in found.table.frame.columns
    chosen = read(path, columns={"name_zh": "机构名称", "address": "地址"})
    assert chosen.table.frame["name_zh"].tolist() == ["甲院"]
    assert told(chosen) == []


def test_columns_that_are_empty_are_no_rivals(tmp_path):
    found = read(book(tmp_path, [["名称", "机构名称"], ["甲", None]], merge=[]), columns={"name_zh": "名称"})
    assert told(found) == []


def test_a_column_the_study_names_must_be_there_once(tmp_path):
    path = book(tmp_path, [["甲列", "乙列", "乙列"], ["a", "b", "c"]])
    assert read(path, columns={"name_zh": "甲 列"}).table.frame["name_zh"].tolist() == ["a"]
    with pytest.raises(TableError, match="no column '丙列'; the file has 甲列, 乙列, 乙列"):
        read(path, columns={"name_zh": "丙列"})
    with pytest.raises(TableError, match=r"2 columns are called '乙列' \(B, C\)"):
        read(path, columns={"name_zh": "乙列"})


def test_errors_and_formulas_in_texts_are_told(tmp_path):
    found = read(book(tmp_path, [HEADER, row(1, "#N/A"), row(2, "=1+1"), row(3, "丙", beds="#REF!")]))
    assert told(found) == [("error", "cell_error", 2), ("warning", "formula_text", 3)]
    assert found.table.frame["name_zh"].tolist() == ["#N/A", "=1+1", "丙"]


def test_a_row_of_too_many_fields_is_told(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("名称,经度,纬度\n甲,121.5,31.6\n乙,东区,121.5,31.6\n\n丙,121.5,31.6,,\n", encoding="utf-8")
    found = read(path)
    assert told(found) == [("error", "row_fields", 3)]
    assert found.table.row_numbers.tolist() == [2, 3, 5]


def test_hidden_rows_and_sheets_are_read_and_told(tmp_path):
    sheets = {"表": [HEADER, row(1), row(2)], "另": [["x"]]}
    path = workbooks.xlsx(tmp_path / "t.xlsx", sheets, hidden_rows=[3], hidden_sheets=["表"])
    assert told(read(path, sheet="表")) == [("note", "sheet_hidden", None), ("note", "row_hidden", 3)]


def test_an_empty_table_and_one_without_records(tmp_path):
    with pytest.raises(InputFileError, match="sheet '表' is empty"):
        read(book(tmp_path, []))
    assert read(book(tmp_path, [HEADER])).table.frame.empty


def test_findings_carry_sheet_row_column_and_value(tmp_path):
    found = read(book(tmp_path, [["题目"], HEADER, row(1), row(2, beds="很多")]))
    (finding,) = found.table.fault([False, True], "no", rule="r", column="capacity_beds")
    assert (finding.sheet, finding.row, finding.column, finding.value) == ("表", 4, "床位数（张）", "很多")
    some = found.table.take(found.table.frame["name_zh"].notna().to_numpy() & [False, True])
    assert some.row_numbers.tolist() == [4]
