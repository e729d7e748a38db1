"""Opening workbooks and text tables: any format gives one grid; what would do harm is refused before it is parsed."""

import datetime as dt
import re
import zipfile

import openpyxl
import pytest
from openpyxl.styles import PatternFill

from chongming_gis.errors import InputFileError, TableError
from chongming_gis.sources import delimited, packages, spreadsheets
from chongming_gis.sources.sheetscan import cell_place, column_name
from tests.sources import workbooks

ROWS = [["名称", "床位数", "经度"], ["甲 <b>&\"'😀", 120, 121.5], [None, None, None], ["乙", 80.5, 121.25]]
HALF_PAST_EIGHT = dt.datetime(2019, 5, 1, 8, 30)  # noqa: DTZ001 - a sheet knows no time zone
TEXTS = [["名称", "床位数", "经度"], ["甲 <b>&\"'😀", "120", "121.5"], ["", "", ""], ["乙", "80.5", "121.25"]]


@pytest.mark.parametrize("suffix", [".xlsx", ".xlsm", ".et", ".xls", ".ods", ".wps"])
def test_every_format_gives_the_same_grid(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write = {".xls": workbooks.xls, ".ods": workbooks.ods}.get(suffix, workbooks.xlsx)
    write(path, {"表": ROWS})
    grid = spreadsheets.read_grid(path)
    assert grid.sheet == "表"
    assert grid.cells == TEXTS


def test_what_a_workbook_is_its_content_tells(tmp_path):
    """An .et of old versions is BIFF; an .xls that somebody renamed is an .xlsx."""
    assert spreadsheets.read_grid(workbooks.xls(tmp_path / "t.et", {"表": ROWS})).cells == TEXTS
    assert spreadsheets.read_grid(workbooks.xlsx(tmp_path / "t.xls", {"表": ROWS})).cells == TEXTS


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8", ","), ("utf-8-sig", ","), ("gb18030", ","), ("utf-16", "\t"), ("gb18030", ";"), ("utf-8", "\t")],
)
def test_encodings_and_delimiters_of_text_tables(tmp_path, encoding, delimiter):
    text = "\r\n".join(delimiter.join(f'"{cell}"' if cell.startswith("甲") else cell for cell in row) for row in TEXTS)
    path = tmp_path / "t.csv"
    path.write_bytes(text.replace("&\"'", '&""\'').encode(encoding))
    grid = spreadsheets.read_grid(path)
    assert grid.cells == TEXTS
    assert grid.encoding == encoding


def test_a_text_in_quotes_may_go_over_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('name,address\n甲,"一行\n两行"\n乙,x\n', encoding="utf-8")
    assert spreadsheets.read_grid(path).cells == [["name", "address"], ["甲", "一行\n两行"], ["乙", "x"]]


def test_lines_in_another_encoding_are_named(tmp_path):
    path = tmp_path / "t.csv"
    lines = [f"城桥镇敬老院{i},121.{i}".encode("gb18030") for i in range(6)]
    lines[3] = "港西镇敬老院,121.3".encode()
    path.write_bytes("名称,经度\n".encode("gb18030") + b"\n".join(lines))
    with pytest.raises(TableError, match="row 5: this line is in another encoding than the rest") as caught:
        spreadsheets.read_grid(path)
    assert [(finding.row, finding.rule) for finding in caught.value.findings] == [(5, "encoding_mixed")]
    lines = [f"城桥镇敬老院{i},121.{i}".encode() for i in range(6)]
    lines[0] = "港西镇敬老院,121.3".encode("gb18030")
    path.write_bytes("名称,经度\n".encode() + b"\n".join(lines))
    with pytest.raises(TableError) as caught:
        spreadsheets.read_grid(path)
    assert [finding.row for finding in caught.value.findings] == [2]


def test_gb18030_that_happens_to_look_like_utf8_in_places_is_read(tmp_path):
    """Two bytes of one common character may form a letter of UTF-8; such a line must not make the file mixed."""
    odd = [c for c in map(chr, range(0x4E00, 0x9FA6)) if _reads_as_utf8(c.encode("gb18030"))]
    assert len(odd) > 100
    path = tmp_path / "t.csv"
    path.write_bytes("\n".join(["名称", *odd, "城桥镇"]).encode("gb18030"))
    assert [row[0] for row in spreadsheets.read_grid(path).cells] == ["名称", *odd, "城桥镇"]


def _reads_as_utf8(raw):
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a,b\n\xff\xff,1\n", "line 2 is not text in UTF-8 nor GB 18030"),
        (b"a,b\n1,\x002\n", "has zero bytes in it"),
        ("名称,b\n".encode("utf-16-le") * 9, "UTF-16 without a byte order mark"),
        (b'a,b\n"never closed,1\nx,2\n', "a quote .* is not closed there"),
        (b"\xff\xfea\x00,", "is not text in utf-16"),
    ],
)
def test_text_tables_that_cannot_be_read(tmp_path, data, words):
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(InputFileError, match=words):
        spreadsheets.read_grid(path)


def test_values_are_written_as_a_sheet_shows_them(tmp_path):
    path = workbooks.xlsx(
        tmp_path / "t.xlsx",
        {"表": [[310151101001, 0.1, True, dt.date(2019, 5, 1), HALF_PAST_EIGHT, dt.time(9, 0), "00123"]]},
    )
    assert spreadsheets.read_grid(path).cells == [
        ["310151101001", "0.1", "true", "2019-05-01", "2019-05-01 08:30:00", "09:00:00", "00123"]
    ]


def test_formulas_are_never_computed(tmp_path):
    """openpyxl stores no result; then the text of the formula stands in the cell. A stored result is taken."""
    path = workbooks.xlsx(tmp_path / "t.xlsx", {"表": [["名称"], ['=HYPERLINK("http://a","甲")'], ["=1+1"], ["=2+2"]]})
    workbooks.repacked(
        path,
        lambda name, xml: (
            re.sub(rb"<f>2\+2</f><v ?(/>|></v>)", b"<f>2+2</f><v>4</v>", xml) if "sheet1" in name else xml
        ),  # an empty element is written in one of three ways, by the parser that is installed
    )
    grid = spreadsheets.read_grid(path)
    assert [row[0] for row in grid.cells] == ["名称", '=HYPERLINK("http://a","甲")', "=1+1", "4"]
    assert sorted(grid.scan.formulas) == [(1, 0), (2, 0), (3, 0)]


def test_errors_merges_and_hidden_rows_are_known(tmp_path):
    path = workbooks.xlsx(
        tmp_path / "t.xlsx", {"表": [["乡镇", "n"], ["甲镇", "#N/A"], [None, 2]]}, merge=["A2:A3"], hidden_rows=[3]
    )
    grid = spreadsheets.read_grid(path)
    assert grid.cells[1] == ["甲镇", "#N/A"]
    assert grid.scan.errors == {(1, 1): "#N/A"}
    assert grid.scan.merged == [(1, 0, 2, 0)]
    assert grid.scan.hidden_rows == {2}
    old = workbooks.xls(tmp_path / "t.xls", {"表": [["乡镇"], ["甲镇"], [None]]}, merge=[(1, 2, 0, 0)])
    assert spreadsheets.read_grid(old).scan.merged == [(1, 0, 2, 0)]
    hidden = {2: 'table:visibility="collapse"'}
    free = workbooks.ods(tmp_path / "t.ods", {"表": [["乡镇"], ["甲镇"]]}, row_attributes=hidden)
    assert spreadsheets.read_grid(free).scan.hidden_rows == {1}


class TestChoosingTheSheet:
    def test_the_only_one_with_anything_in_it(self, tmp_path):
        path = workbooks.xlsx(tmp_path / "t.xlsx", {"Sheet1": [], "数据": [["名称"]], "Sheet3": []})
        assert spreadsheets.read_grid(path).sheet == "数据"

    def test_the_one_named_as_the_service(self, tmp_path):
        path = workbooks.xlsx(tmp_path / "t.xlsx", {"养老院": [["a"]], " 助餐 点": [["b"]], "c": [["c"]]})
        assert spreadsheets.read_grid(path, sheet_names=("meal_point", "助餐点")).cells == [["b"]]
        assert spreadsheets.read_grid(path, sheet="c", sheet_names=("助餐点",)).cells == [["c"]]

    def test_else_the_sheets_are_named(self, tmp_path):
        path = workbooks.xlsx(tmp_path / "t.xlsx", {"甲": [["a"]], "乙": [["b"]]})
        with pytest.raises(InputFileError, match=r"several sheets \('甲', '乙'\), none of them named '丙'; name one"):
            spreadsheets.read_grid(path, sheet_names=("丙",))
        with pytest.raises(InputFileError, match="has no sheet '丁'; its sheets: '甲', '乙'"):
            spreadsheets.read_grid(path, sheet="丁")

    def test_a_hidden_one_is_read_when_it_is_meant(self, tmp_path):
        sheets = {"甲": [["a"]], "乙": [["b"]]}
        path = workbooks.xlsx(tmp_path / "t.xlsx", sheets, hidden_sheets=["甲"])
        assert spreadsheets.read_grid(path).sheet == "乙"
        grid = spreadsheets.read_grid(path, sheet="甲")
        assert (grid.cells, grid.is_hidden) == ([["a"]], True)


class TestHarm:
    def test_a_zip_bomb_is_refused_by_what_its_directory_says(self, tmp_path, monkeypatch):
        assert packages.MAX_UNPACKED_BYTES <= 2**28
        monkeypatch.setattr(packages, "MAX_UNPACKED_BYTES", 20 * 2**20)
        path = workbooks.bomb(tmp_path / "t.xlsx", size=30 * 2**20)
        assert path.stat().st_size < 10**5
        monkeypatch.setattr(packages, "_inflated", _not_reached)
        with pytest.raises(InputFileError, match="unpacks to 30 MB"):
            spreadsheets.read_grid(path)

    def test_a_smaller_one_by_its_ratio(self, tmp_path):
        path = workbooks.bomb(tmp_path / "t.xlsx", size=20 * 2**20)
        with pytest.raises(InputFileError, match=r"sharedStrings\.xml unpacks to 1,0\d\d times its size"):
            spreadsheets.read_grid(path)

    def test_one_whose_directory_lies_by_what_it_really_unpacks_to(self, tmp_path):
        path = workbooks.bomb(tmp_path / "t.xlsx", size=20 * 2**20, stated=900)
        with pytest.raises(InputFileError, match=r"sharedStrings\.xml unpacks to \d+ times its size"):
            spreadsheets.read_grid(path)

    @pytest.mark.parametrize(
        "part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "docProps/core.xml"]
    )
    def test_external_entities_are_refused_in_every_part(self, tmp_path, part):
        secret = tmp_path / "secret.txt"
        secret.write_text("top secret")
        entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'.encode()
        path = workbooks.xlsx(tmp_path / "t.xlsx", {"表": [["名称"], ["甲"]]})

        def change(name, xml):
            if name != part:
                return xml
            head = b'<?xml version="1.0"?>' if not xml.startswith(b"<?xml") else xml[: xml.index(b"?>") + 2]
            return head + entity + xml.removeprefix(head).replace("甲".encode(), b"&e;")

        workbooks.repacked(path, change)
        with pytest.raises(InputFileError, match=f"{part} declares a document type"):
            spreadsheets.read_grid(path)

    def test_a_billion_laughs_are_refused(self, tmp_path):
        laughs = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "' + b"&a;" * 50 + b'">]>'
        path = workbooks.ods(tmp_path / "t.ods", {"表": [["名称"]]})
        workbooks.repacked(
            path,
            lambda name, xml: xml.replace(b"?><office", b"?>" + laughs + b"<office") if name == "content.xml" else xml,
        )
        with pytest.raises(InputFileError, match=r"content\.xml declares a document type"):
            spreadsheets.read_grid(path)

    def test_two_far_corners_do_not_end_the_process(self, tmp_path):
        """The reader of values would ask for 17 thousand million cells, and abort."""
        book = openpyxl.Workbook()
        book.active["A1"], book.active["XFD1048576"] = 1, 2
        book.save(tmp_path / "t.xlsx")
        with pytest.raises(InputFileError, match=r"reaches to row 1,048,576, column XFD.*delete the stray cells"):
            spreadsheets.read_grid(tmp_path / "t.xlsx")
        repeated = {2: 'table:number-rows-repeated="1048575"'}
        free = workbooks.ods(tmp_path / "t.ods", {"表": [["a"] * 9, ["b"] * 9]}, row_attributes=repeated)
        with pytest.raises(InputFileError, match="reaches to row 1,048,576, column I"):
            spreadsheets.read_grid(free)

    def test_formatted_but_empty_cells_far_out_do_no_harm(self, tmp_path):
        book = openpyxl.Workbook()
        book.active["A1"] = "名称"
        book.active["XFD1048576"].fill = PatternFill("solid", fgColor="FFFF00")
        book.save(tmp_path / "t.xlsx")
        assert spreadsheets.read_grid(tmp_path / "t.xlsx").cells == [["名称"]]
        empty = {2: 'table:number-rows-repeated="1048575"'}
        free = workbooks.ods(tmp_path / "t.ods", {"表": [["a"], [None]]}, row_attributes=empty)
        assert spreadsheets.read_grid(free).cells == [["a"]]

    def test_one_long_text_in_every_cell_is_counted(self, tmp_path, monkeypatch):
        monkeypatch.setattr("chongming_gis.sources.sheetscan.MAX_TEXT", 10_000)
        path = workbooks.xlsx(tmp_path / "t.xlsx", {"表": [["名称"]]})
        shared = b"<sst><si><t>" + b"x" * 1000 + b"</t></si></sst>"
        cells = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (i, i) for i in range(1, 13))

        def change(name, xml):
            if name.endswith("sheet1.xml"):
                start, end = xml.index(b"<sheetData>") + 11, xml.index(b"</sheetData>")
                return xml[:start] + cells + xml[end:]
            return xml

        workbooks.repacked(path, change)
        with zipfile.ZipFile(path, "a") as package:
            package.writestr("xl/sharedStrings.xml", shared)
        with pytest.raises(InputFileError, match="over 10,000 characters"):
            spreadsheets.read_grid(path)

    def test_two_parts_of_one_name_are_refused(self, tmp_path):
        path = workbooks.xlsx(tmp_path / "t.xlsx", {"表": [["名称"]]})
        with zipfile.ZipFile(path, "a") as package, pytest.warns(UserWarning, match="Duplicate"):
            package.writestr("xl/workbook.xml", b"<workbook/>")
        with pytest.raises(InputFileError, match="two files of one name"):
            spreadsheets.read_grid(path)


def _not_reached(*_):
    raise AssertionError("the parts must not be unpacked")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (workbooks.compound("EncryptedPackage".encode("utf-16-le"), "EncryptionInfo"), "protected by a password"),
        (workbooks.compound("WordDocument".encode("utf-16-le"), "1Table"), "a text document, not a workbook"),
        (b"<html><body><table><tr><td>1</td></tr></table></body></html>", "is a web page or XML"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html><html></html>", "is a web page or XML"),
        (b"a\tb\n1\t2\n", "is not a workbook, whatever its name says"),
        (b"PK\x03\x04 and then nothing", "is damaged"),
        (b"", "is not a workbook"),
        (workbooks.compound(b"nothing in it", "Other"), "cannot be read as a workbook"),
    ],
)
def test_files_that_are_no_workbooks(tmp_path, data, words):
    path = tmp_path / "t.xls"
    path.write_bytes(data)
    with pytest.raises(InputFileError, match=words):
        spreadsheets.read_grid(path)


def test_a_cut_workbook_is_damaged(tmp_path):
    path = workbooks.xlsx(tmp_path / "t.xlsx", {"表": [["名称", "床位数"]] * 400})
    whole = path.read_bytes()
    for length in (len(whole) // 3, len(whole) - 60):
        path.write_bytes(whole[:length])
        with pytest.raises(InputFileError, match="is damaged"):
            spreadsheets.read_grid(path)


def test_large_files_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "MAX_FILE_BYTES", 1000)
    monkeypatch.setattr(delimited, "MAX_FILE_BYTES", 1000)
    for name in ("t.xlsx", "t.csv"):
        (tmp_path / name).write_bytes(b"x" * 2000)
        with pytest.raises(InputFileError, match="too large"):
            spreadsheets.read_grid(tmp_path / name)


def test_no_name_of_a_cell_is_beyond_reading(tmp_path):
    for column in (0, 25, 26, 701, 702, 16383):
        assert cell_place(f"{column_name(column)}7") == (6, column)
