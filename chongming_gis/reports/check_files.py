"""What ``chongming-gis check`` writes: check.json with every finding, and check.xlsx with the faulty cells marked.

Names and values come from other people's files: nothing in the workbook is a live formula.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference, Series
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from chongming_gis import check
from chongming_gis.cell_text import writable
from chongming_gis.errors import OutputError
from chongming_gis.reports import verdict as verdict_words
from chongming_gis.wording import Words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from openpyxl.worksheet.worksheet import Worksheet

    from chongming_gis.check import Verdict
    from chongming_gis.config import Language, StudyConfig
    from chongming_gis.reports.verdict import Told

JSON, XLSX = "check.json", "check.xlsx"
FORMAT = 1
_FILLS = {
    "error": PatternFill("solid", fgColor="F4B6B6"),
    "warning": PatternFill("solid", fgColor="FFE699"),
    "note": PatternFill("solid", fgColor="DDEBF7"),
}
_LIGHTS = {"green": "A9D08E", "yellow": "FFD966", "red": "F08080"}
_HEADER = PatternFill("solid", fgColor="D9D9D9")
_MOST_COMMENT = 1000  # characters; a cell with more faults than fit is told in the list of findings
_MOST_SHEET_ROWS = 1_048_575  # of an .xlsx, less the header
_MOST_TEXT = 32_767  # characters of a cell
_TITLE = 31  # characters of a sheet's name
_NOT_IN_TITLES = str.maketrans(dict.fromkeys("[]:*?/\\'", "_"))


@dataclass(frozen=True, slots=True)
class Copy:
    """The cells of a table that has findings, as its file has them: ``cells[i]`` is row ``i + 1``."""

    where: str  # the file as findings name it
    sheet: str  # as findings name it
    cells: Sequence[Sequence[str]]


def write_check(
    verdict: Verdict, folder: Path, *, study: StudyConfig, copies: Sequence[Copy], language: Language
) -> None:
    """Write check.json and check.xlsx into an existing folder (see ``results.staged_folder``).

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    try:
        content = json.dumps(record(verdict, study), ensure_ascii=False, indent=1)
        (folder / JSON).write_text(content, encoding="utf-8")
        _workbook(verdict, study, copies, Words(language)).save(folder / XLSX)
    except OSError as error:
        raise OutputError(f"{folder}: the check cannot be written ({error.strerror or error})") from error


def record(verdict: Verdict, study: StudyConfig) -> dict[str, Any]:
    """Return the content of check.json: plain values, in a fixed order, said in both languages."""
    said = {name: verdict_words.tell(verdict.findings, study, Words(name)) for name in ("zh", "en")}
    findings = [
        {
            **check.record_of(finding),
            **{name: {"said": texts[k].said, "remedy": texts[k].remedy} for name, texts in said.items()},
        }
        for k, finding in enumerate(verdict.findings)
    ]
    kept = verdict.record()
    for light, entry in zip(verdict.lights, kept["lights"], strict=True):
        entry["effect"] = {name: verdict_words.effect(light, Words(name)) for name in ("zh", "en")}
    return {"format": FORMAT, "study": {"id": study.id, "digest": study.digest}, **kept, "findings": findings}


def _workbook(verdict: Verdict, study: StudyConfig, copies: Sequence[Copy], words: Words) -> Workbook:
    book = Workbook()
    book.remove(book.worksheets[0])
    _overview(book.create_sheet(words("verdict.lights")), verdict, study, words)
    told = verdict_words.tell(verdict.findings, study, words)
    _findings(book.create_sheet(words("verdict.findings")), told, study, words)
    if verdict.distances:
        _distances(book.create_sheet(words("verdict.distances")), verdict, study, words)
    for copy in copies:
        mine = [entry for entry in told if (entry.finding.where, entry.finding.sheet) == (copy.where, copy.sheet)]
        _marked(book.create_sheet(_title(copy, book)), copy, mine)
    return book


def _put(sheet: Worksheet, row: int, values: Sequence[str | float | None]) -> None:
    for column, value in enumerate(values, start=1):
        if isinstance(value, str):
            _put_text(sheet, row, column, value)
            sheet.cell(row, column).alignment = Alignment(vertical="top", wrap_text=True)
        else:
            sheet.cell(row, column, value)


def _put_text(sheet: Worksheet, row: int, column: int, value: str) -> None:
    cell = sheet.cell(row, column, writable(value)[:_MOST_TEXT])
    cell.data_type = "s"  # a text, whatever it begins with


def _head(sheet: Worksheet, row: int, names: Sequence[str], widths: Sequence[int]) -> None:
    _put(sheet, row, names)
    for column, width in enumerate(widths, start=1):
        sheet.cell(row, column).font = Font(bold=True)
        sheet.cell(row, column).fill = _HEADER
        sheet.column_dimensions[get_column_letter(column)].width = width


def _overview(sheet: Worksheet, verdict: Verdict, study: StudyConfig, words: Words) -> None:
    _put(sheet, 1, [words("verdict.title", study=words.name(study))])
    _put(sheet, 2, [verdict_words.overall(verdict, words)])
    for row in (1, 2):
        sheet.cell(row, 1).alignment = Alignment(wrap_text=False)
        sheet.cell(row, 1).font = Font(bold=True)
    keys = ("light", "input", "file", "kind", "errors", "warnings", "notes", "effect")
    names = [words(f"col.{name}") for name in keys]
    _head(sheet, 4, names, (8, 26, 36, 14, 8, 8, 8, 70))
    for row, light in enumerate(verdict.lights, start=5):
        kind = words.or_raw("kind", light.kind) if light.kind else ""
        counts = (light.errors, light.warnings, light.notes)
        role = words.role(study, light.role)
        colour = words(f"verdict.{light.colour}")
        _put(sheet, row, [colour, role, light.path, kind, *counts, verdict_words.effect(light, words)])
        sheet.cell(row, 1).fill = PatternFill("solid", fgColor=_LIGHTS[light.colour])
    sheet.freeze_panes = "A5"


def _findings(sheet: Worksheet, told: Sequence[Told], study: StudyConfig, words: Words) -> None:
    keys = ("severity", "input", "file", "sheet", "row", "id", "name", "column", "value_given")
    names = [words(f"col.{name}") for name in (*keys, "finding", "remedy", "rule")]
    _head(sheet, 1, names, (8, 22, 30, 12, 7, 22, 24, 16, 16, 60, 50, 20))
    for row, entry in enumerate(told[:_MOST_SHEET_ROWS], start=2):
        finding = entry.finding
        where = (words.role(study, finding.role) if finding.role else "", finding.where, finding.sheet, finding.row)
        about = (finding.details.get("id", ""), finding.details.get("name", ""), finding.column, finding.value)
        severity = words(f"severity.{finding.severity}")
        _put(sheet, row, [severity, *where, *about, entry.said, entry.remedy, finding.rule])
        sheet.cell(row, 1).fill = _FILLS[finding.severity]
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{max(2, len(told) + 1)}"


def _distances(sheet: Worksheet, verdict: Verdict, study: StudyConfig, words: Words) -> None:
    limits = [words("verdict.up_to", metres=f"{limit:.0f}") for limit in check.BINS_M]
    limits += [words("verdict.beyond"), words("verdict.out_of_reach")]
    names = [words(f"col.{name}") for name in ("input", "mode")]
    _head(sheet, 1, [*names, words("col.number"), *limits], (26, 16, 10, *([10] * len(limits))))
    modes = {mode.id: words.name(mode) for mode in study.modes}
    counted = []
    row = 2
    for entry in verdict.distances:
        role, mode = words.role(study, entry.role), modes.get(entry.mode, entry.mode)
        _put(sheet, row, [role, mode, words("col.points"), *entry.places])
        row += 1
        if entry.persons is not None:
            _put(sheet, row, [role, mode, words("col.persons"), *(round(number, 1) for number in entry.persons)])
            counted.append(row)
            row += 1
    if counted:
        chart = BarChart()
        chart.title = words("verdict.chart")
        chart.height, chart.width = 9, 22
        for at in counted:
            values = Reference(sheet, min_col=4, max_col=3 + len(limits), min_row=at)
            chart.series.append(Series(values, title=str(sheet.cell(at, 2).value)))
        chart.set_categories(Reference(sheet, min_col=4, max_col=3 + len(limits), min_row=1))
        sheet.add_chart(chart, f"A{row + 2}")
    sheet.freeze_panes = "D2"


def _title(copy: Copy, book: Workbook) -> str:
    """Return a name for a copy's sheet that no other sheet has."""
    name = copy.where.rpartition("/")[2]
    wanted = f"{name} {copy.sheet}".strip().translate(_NOT_IN_TITLES)[:_TITLE] or "table"
    title, number = wanted, 1
    while title.casefold() in {sheet.title.casefold() for sheet in book.worksheets}:
        number += 1
        title = f"{wanted[: _TITLE - 4]} {number}"
    return title


def _marked(sheet: Worksheet, copy: Copy, told: Sequence[Told]) -> None:
    """Write the rows of a table as they are, each in its own row number, and mark what findings are about."""
    for row, values in enumerate(copy.cells[:_MOST_SHEET_ROWS], start=1):
        for column, value in enumerate(values, start=1):
            if value:
                _put_text(sheet, row, column, value)
    at_row = _header_row(copy, told)
    header = list(copy.cells[at_row - 1]) if copy.cells else []
    columns = {name.strip(): number for number, name in reversed(list(enumerate(header, start=1)))}
    width = max(len(header), 1)
    comments: dict[tuple[int, int], list[str]] = {}
    for entry in told:
        finding = entry.finding
        row = finding.row if finding.row is not None else at_row
        at = columns.get(finding.column.strip()) if finding.column else None
        for column in [at] if at else range(1, width + 1):
            if at or sheet.cell(row, column).fill.fill_type is None:
                sheet.cell(row, column).fill = _FILLS[finding.severity]
        comments.setdefault((row, at or 1), []).append(" — ".join(part for part in (entry.said, entry.remedy) if part))
    for (row, column), texts in comments.items():
        said = "\n".join(texts)
        sheet.cell(row, column).comment = Comment(said[:_MOST_COMMENT], "chongming-gis", height=120, width=320)
    sheet.freeze_panes = f"A{at_row + 1}"


def _header_row(copy: Copy, told: Sequence[Told]) -> int:
    """Return the first row that holds the columns which findings name, else the first with two texts in it."""
    named = {entry.finding.column.strip() for entry in told if entry.finding.column}
    rows = [{value.strip() for value in values if value.strip()} for values in copy.cells]
    most = max((len(named & row) for row in rows), default=0)
    wanted = (len(named & row) == most if most else len(row) > 1 for row in rows)
    return next((number for number, is_header in enumerate(wanted, start=1) if is_header), 1)
