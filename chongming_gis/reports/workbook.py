"""report.xlsx: a sheet a table, with filters, number formats, widths and frozen headings; nothing in it is computed.

Texts come from files of other people: one that a spreadsheet program would take for a formula has an apostrophe in
front (``cell_text``). The chapters on data quality and method stand on two sheets as the report has them. The same
result gives the same bytes: every time in the file is the study's data date.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import zipfile
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from chongming_gis import discretion
from chongming_gis.cell_text import writable
from chongming_gis.errors import OutputError
from chongming_gis.maps import shares
from chongming_gis.reports.blocks import MARK_FILLS, Bullets, Notes, Paragraph, References, Table
from chongming_gis.reports.content import build_content
from chongming_gis.reports.figures import Told
from chongming_gis.reports.workbook_tables import sheets
from chongming_gis.wording import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from openpyxl.cell import Cell

    from chongming_gis.reports.blocks import Block, Section
    from chongming_gis.reports.content import Report
    from chongming_gis.reports.workbook_columns import Column, Form, Sheet, Value
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Language

_Listed: TypeAlias = "tuple[str, int | None, str]"  # a sheet's name, its rows, what it holds

FILE = "report.xlsx"
FORMATS: dict[Form, str] = {
    "text": "@",
    "count": "#,##0",
    "amount": "#,##0.0",
    "share": "0.0%",
    "minutes": "0.0",
    "score": "#,##0.00##",
    "year": "0",
}
_HEAD = PatternFill("solid", fgColor="DCE6EC")
_FILLS = {name: PatternFill("solid", fgColor=colour) for name, colour in MARK_FILLS.items()}
_LINE = Border(bottom=Side(style="thin", color="7A8A93"))
_WIDEST, _NARROWEST = 48, 8  # characters
_WIDE = 110  # digits: the column of sentences
_LINE_PT = 15.0  # a row of one line
_MOST_TEXT = 32_767  # characters of a cell
_ASKED_FOR_WIDTH = 400  # rows that are looked at for the width of a column
_STYLE = re.compile(rb'<c r="[A-Z]+\d+" s="(\d+)"')
_NUMBER = re.compile(
    r"^-?\d{1,3}(,\d{3})*(\.(?P<decimals>\d+))?(?P<percent>%)?$|^-?\d+(\.(?P<plain>\d+))?(?P<share>%)?$"
)
_OLDEST_ZIP = dt.date(1980, 1, 1)
_CHAPTERS_AS_TEXT = ("quality", "method")


def write_workbook(
    result: StudyResult, folder: Path, *, language: Language = "zh", content: Report | None = None
) -> Path:
    """Write ``report.xlsx`` into a folder, made where it is missing, and return its path.

    Parameters
    ----------
    content : what ``build_content`` made of the same result in the same language, where it is there already.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    path = folder / FILE
    made = render_workbook(result, language=language, content=content)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made)
    except OSError as error:
        raise OutputError(f"{path}: the report cannot be written ({error.strerror or error})") from error
    return path


def render_workbook(result: StudyResult, *, language: Language = "zh", content: Report | None = None) -> bytes:
    """Return the tables of a result as the bytes of a workbook."""
    words = Words(language)
    report = content or build_content(result, words)
    told = Told(result, words, shares.read_shares(result), shares.township_names(result, words))
    book = Workbook(write_only=True)
    tables = sheets(told, report)
    chapters = [section for section in report.sections if section.id in _CHAPTERS_AS_TEXT]
    listed: list[_Listed] = [(sheet.title, sheet.n_rows, sheet.what) for sheet in tables]
    listed += [(section.title, None, words("xlsx.chapter.what")) for section in chapters]
    front = [" · ".join(filter(None, (words.mark(result.study), report.badge))), report.date, report.notice]
    front += [words("discretion.note")] if discretion.hides_any(result.study) else []
    _write_contents(book.create_sheet(words("xlsx.contents")), report, (front, listed), words)
    bodies = {}
    for number, sheet in enumerate(tables, start=2):  # the contents are the first
        _write_table(book.create_sheet(sheet.title), sheet)
        if not sheet.marks:
            bodies[f"xl/worksheets/sheet{number}.xml"] = sheet
    for section in chapters:
        _write_chapter(book.create_sheet(section.title), section)
    date = result.study.data_date
    day = dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC).replace(tzinfo=None)
    book.properties.title, book.properties.creator = writable(report.title)[:255], ""
    book.properties.created = book.properties.modified = day
    stream = io.BytesIO()
    book.save(stream)
    return _packed(stream.getvalue(), date, bodies)


def _cell(sheet: Any, value: Value, form: Form = "text") -> Cell:
    """Return a cell with its value: a text stays a text, whatever it begins with."""
    cell = WriteOnlyCell(sheet, value=None)
    cell.number_format = FORMATS[form]
    if isinstance(value, str):
        cell.value = writable(value)[:_MOST_TEXT]
        cell.data_type = "s"
    else:
        cell.value = value
    return cell


def _write_contents(sheet: Any, report: Report, told: tuple[Sequence[str], Sequence[_Listed]], words: Words) -> None:
    """Write what the workbook is, a list of its sheets with links, and the sentences of the summary."""
    front, listed = told
    _lay_out_print(sheet)
    for letter, width in (("A", 26), ("B", 10), ("C", _WIDE)):
        sheet.column_dimensions[letter].width = width
    title = _cell(sheet, report.title)
    title.font = Font(bold=True, size=14)
    sheet.append([title])
    for line in filter(None, front):
        sheet.append([_cell(sheet, line)])
    sheet.append([])
    _append_head(sheet, [words("xlsx.col.sheet"), words("col.rows"), words("xlsx.col.what")])
    for name, n_rows, what in listed:
        link = _cell(sheet, name)
        link.hyperlink = Hyperlink(ref="A1", location=f"{quote_sheetname(name)}!A1")
        link.font = Font(color="0A4A7D", underline="single")
        sheet.append([link, _cell(sheet, n_rows, "count"), _cell(sheet, what)])
    sheet.append([])
    row = len([report.title, *filter(None, front)]) + len(listed) + 3  # two rows are empty, one is the head
    for text in (text for block in report.sections[0].blocks for text in _sentences(block)):
        row += 1
        sheet.row_dimensions[row].height = _LINE_PT * math.ceil(_width(text) / (0.9 * _WIDE))
        cell = _cell(sheet, text)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.append([None, None, cell])


def _sentences(block: Block) -> list[str]:
    if isinstance(block, Paragraph):
        return [block.text]
    return [item for item in block.items if item] if isinstance(block, Bullets | Notes) else []


def _lay_out_print(sheet: Any) -> None:
    """Print on A4 across, all columns on one page: a table cut between columns cannot be read."""
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.paperSize, sheet.page_setup.orientation = Worksheet.PAPERSIZE_A4, "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0


def _append_head(sheet: Any, names: Iterable[str]) -> None:
    cells = []
    for name in names:
        cell = _cell(sheet, name)
        cell.font, cell.fill, cell.border = Font(bold=True), _HEAD, _LINE
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        cells.append(cell)
    sheet.append(cells)


def _write_table(sheet: Any, table: Sheet) -> None:
    """Write a table from the first row on, so that filters and pivot tables find it.

    Of a table without marks the first row only, which has the styles; ``_rows_below`` makes the others.
    """
    _lay_out_print(sheet)
    sheet.print_title_rows = "1:1"
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns))}{table.n_rows + 1}"
    for number, column in enumerate(table.columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = _column_width(column)
    _append_head(sheet, [column.title for column in table.columns])
    if table.marks:
        for row, marks in zip(_rows(table), table.marks, strict=True):
            sheet.append([_marked(sheet, *entry) for entry in zip(row, table.columns, marks, strict=True)])
        return
    sheet.append([_cell(sheet, column.values[0], column.form) for column in table.columns])


def _rows_below(table: Sheet, part: bytes) -> bytes:
    """Return a sheet of one row with all rows of its table, each cell in the style of the one above.

    openpyxl takes eight times as long to write a cell as to make its text here.
    """
    head, end, tail = part.rpartition(b"</sheetData>")
    styles = _STYLE.findall(head[head.rindex(b"<row ") :])
    columns = [
        _cell_texts(column, f'<c r="{get_column_letter(number)}', int(style))
        for number, (column, style) in enumerate(zip(table.columns, styles, strict=True), start=1)
    ]
    rows = "".join(
        f'<row r="{number}">{"".join(f"{start}{number}{rest}" for start, rest in cells)}</row>'
        for number, cells in enumerate(zip(*columns, strict=True), start=3)
    )
    return head + rows.encode("ascii", "xmlcharrefreplace") + end + tail


def _cell_texts(column: Column, start: str, style: int) -> list[tuple[str, str]]:
    """Return what stands before and after the number of the row in each cell of a column but the first."""
    made: dict[Value, str] = {}
    for value in column.values[1:]:
        if value in made:
            continue
        if isinstance(value, str):
            shown = writable(value)[:_MOST_TEXT]
            kept = ' xml:space="preserve"' if shown != shown.strip() else ""
            inner = f' t="inlineStr"><is><t{kept}>{escape(shown)}</t></is></c>' if shown else ' t="inlineStr"/>'
        else:
            inner = ' t="n"/>' if value is None else f' t="n"><v>{value:.16g}</v></c>'
        made[value] = f'" s="{style}"{inner}'
    return [(start, made[value]) for value in column.values[1:]]


def _rows(table: Sheet) -> Iterable[tuple[Value, ...]]:
    return zip(*(column.values for column in table.columns), strict=True)


def _marked(sheet: Any, value: Value, column: Column, mark: str) -> Cell:
    """Return a cell of its own with a fill: a cell that is written again must keep its style."""
    cell = _cell(sheet, value, column.form)
    if mark:
        cell.fill = _FILLS[mark]
    return cell


def _column_width(column: Column) -> float:
    """Return a width in characters that its heading and most of its values fit."""
    shown = [value for value in column.values[:_ASKED_FOR_WIDTH] if isinstance(value, str)]
    longest = max((_width(value) for value in shown), default=0.0)
    numbers = 12.0 if column.form in {"count", "amount", "score"} else 9.0
    wanted = max(longest if shown else numbers, min(_width(column.title), 14.0)) + 2.0
    return min(max(wanted, _NARROWEST), _WIDEST)


def _width(shown: str) -> float:
    """Return how wide a text is in digits: a Chinese letter is two."""
    return sum(2.0 if ord(letter) > 0x2E7F else 1.0 for letter in shown)


def _write_chapter(sheet: Any, section: Section) -> None:
    """Write a chapter as the report has it, its tables one below the other."""
    _lay_out_print(sheet)
    for letter, width in zip("ABCDEFGH", (44, 30, 24, 24, 24, 24, 24, 40), strict=True):
        sheet.column_dimensions[letter].width = width
    for block in section.blocks:
        for text in _sentences(block):
            sheet.append([_cell(sheet, text)])
        if isinstance(block, References):
            _append_title(sheet, block.caption)
            for number, item in enumerate(block.items, start=1):
                sheet.append([_cell(sheet, f"[{number}] {item}")])
        elif isinstance(block, Table):
            _append_title(sheet, block.caption)
            _append_head(sheet, block.columns)
            for row in block.rows:
                cells = []
                for entry in row:
                    value, shown_as = (
                        _as_number(entry.shown) if entry.kind == "number" else (entry.shown, FORMATS["text"])
                    )
                    cell = _cell(sheet, value)
                    cell.number_format = shown_as
                    if entry.mark:
                        cell.fill = _FILLS[entry.mark]
                    cells.append(cell)
                sheet.append(cells)
        sheet.append([])


def _append_title(sheet: Any, caption: str) -> None:
    cell = _cell(sheet, caption)
    cell.font = Font(bold=True)
    sheet.append([cell])


def _as_number(shown: str) -> tuple[Value, str]:
    """Return the number that a cell of the report shows, and the format that shows it so; else the text.

    Examples
    --------
    >>> _as_number("1,234"), _as_number("63.2%"), _as_number("<1")
    ((1234.0, '#,##0'), (0.632, '0.0%'), ('<1', '@'))
    """
    found = _NUMBER.match(shown)
    if found is None:
        return shown, FORMATS["text"]
    decimals = len(found["decimals"] or found["plain"] or "")
    tail = f".{'0' * decimals}" if decimals else ""
    if found["percent"] or found["share"]:
        return round(float(shown.rstrip("%").replace(",", "")) / 100.0, decimals + 2), f"0{tail}%"
    return float(shown.replace(",", "")), f"#,##0{tail}"


def _packed(content: bytes, date: dt.date, bodies: Mapping[str, Sheet]) -> bytes:
    """Return the parts of a workbook packed again, with the data date in place of today and all rows of its tables.

    Parameters
    ----------
    bodies : the tables of which the first row is there, by the name of their part.
    """
    day = max(date, _OLDEST_ZIP)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            part = old.read(name)
            if name == "docProps/core.xml":
                part = re.sub(
                    rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + f"{day.isoformat()}T00:00:00Z".encode(), part
                )
            if name in bodies:
                part = _rows_below(bodies[name], part)
            new.writestr(entry, part)
    return stream.getvalue()
