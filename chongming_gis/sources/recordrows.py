"""Rows below a header: which are records, what their cells say, and everything there is to tell about them.

Left out, and told one by one, are example rows, totals, footnotes, section titles, headers printed again, and rows in
which no known column is filled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chongming_gis.findings import Finding
from chongming_gis.sources import cells
from chongming_gis.sources.sheetscan import column_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chongming_gis.findings import Severity
    from chongming_gis.sources.headers import HeaderMap, Vocabulary
    from chongming_gis.sources.spreadsheets import Grid

BLANKS = " \t\u3000\xa0\u200b\u200c\u200d\ufeff\r\n"
_BREAK_IN_CHINESE = re.compile(r"(?<=[^\x00-\x7f])[ \t]*[\r\n]+[ \t]*(?=[^\x00-\x7f])")
_BREAK = re.compile(r"[ \t]*[\r\n]+[ \t]*")

_LONGEST_MISSING = max(map(len, cells.MISSING))
_EXAMPLE = re.compile(r"^(?:示\s*例|例|例如|样例|example)(?:[:：\s(（]|$)", re.IGNORECASE)
_TOTAL = re.compile(r"^(?:合\s*计|总\s*计|小\s*计|共\s*计|总\s*数|total|subtotal)\s*[:：]?$", re.IGNORECASE)
_FOOTNOTE = re.compile(
    r"^(?:注\s*[:：\d]|备注|说明|填表|填报|制表|审核|复核|联系人|联系电话|单位负责人|数据来源|资料来源|来源|截至|截止|统计时间|note|source)",
    re.IGNORECASE,
)
_CELL_ERROR = re.compile(r"^#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA)$")
LEFT_OUT = {
    "row_example": "an example",
    "row_total": "a total",
    "row_note": "a note",
    "row_header_again": "the header again",
    "row_section": "the title of a section",
    "row_nothing_known": "no known column is filled",
}
#: What is told as missing anyway where a merged cell leaves a row without it.
_TOLD_WHEN_MISSING = frozenset({"name_zh", "facility_id", "demand_id", "lon", "lat", "lon_lat", "x", "y"})
_NAMING = frozenset({"name_zh", "facility_id", "demand_id"})


@dataclass(frozen=True, slots=True)
class Body:
    """The grid below its header."""

    grid: Grid
    header: int
    names: list[str]
    mapping: HeaderMap
    vocabulary: Vocabulary

    @property
    def is_text_table(self) -> bool:
        """Whether it comes from a text table, where one delimiter too many shifts a row."""
        return not self.grid.sheet


def choose_rows(body: Body) -> tuple[list[int], dict[int, tuple[str, str]]]:
    """Return the rows that are records, and why others that hold something are none; by their index in the grid."""
    known = sorted({*body.mapping.columns.values(), *(p for ps in body.mapping.clashes.values() for p in ps)})
    titles = _section_titles(body)
    raw_header = body.grid.cells[body.header]
    kept: list[int] = []
    left_out: dict[int, tuple[str, str]] = {}
    for row in range(body.header + 1, len(body.grid.cells)):
        texts = body.grid.cells[row]
        if not any(texts):
            continue
        first = next((text for text in map(tidy, texts) if text), "")
        if not first:
            continue
        rule = _no_record(first, texts, body)
        if rule:
            left_out[row] = (rule, first)
        elif row in titles:
            left_out[row] = ("row_section", first)
        elif texts == raw_header:
            left_out[row] = ("row_header_again", first)
        elif known and not any(texts[position].strip(BLANKS) for position in known):
            left_out[row] = ("row_nothing_known", first)
        else:
            kept.append(row)
    return kept, left_out


def _no_record(first: str, texts: list[str], body: Body) -> str:
    position = body.mapping.columns.get("name_zh")
    name = tidy(texts[position]) if position is not None else ""
    if _EXAMPLE.match(first) or _EXAMPLE.match(name):
        return "row_example"
    if _TOTAL.match(first) or _TOTAL.match(name):
        return "row_total"
    if sum(bool(text.strip(BLANKS)) for text in texts) == 1 and _FOOTNOTE.match(first):
        return "row_note"
    return ""


def _section_titles(body: Body) -> set[int]:
    """Return the rows that are one cell merged over all columns."""
    filled = [position for position, name in enumerate(body.names) if name]
    if len(filled) < 2:
        return set()
    return {
        first_row
        for first_row, first_column, last_row, last_column in body.grid.scan.merged
        if first_row == last_row > body.header and first_column <= filled[0] and last_column >= filled[-1]
    }


def read_columns(body: Body, kept: list[int], teller: Teller) -> dict[str, list[str | None]]:
    """Return the texts of each column, empty ones as None: ours first, then the unknown by the file's header."""
    found: dict[str, list[str | None]] = {}
    used = set(body.mapping.columns.values())
    ours_of = {position: ours for ours, position in body.mapping.columns.items()}
    order = [*body.mapping.columns.values(), *(p for p, name in enumerate(body.names) if name and p not in used)]
    cells_of = body.grid.cells
    shared_from = _merged_below(body)
    for position in order:
        ours = ours_of.get(position)
        name = ours or body.names[position]
        if name in found:
            continue
        column = [cells_of[row][position] for row in kept]
        if ours is not None:
            column = _filled_down(column, kept, shared_from.get(position, {}), body, ours, teller)
        cleaned = {text: tidy(text) or None for text in set(column)}
        if ours is not None:
            teller.tell_missing(column, cleaned)
        found[name] = [cleaned[text] for text in column]
    return found


def _merged_below(body: Body) -> dict[int, dict[int, int]]:
    """Return for each column the rows that a merged cell above covers, and the row it begins in."""
    found: dict[int, dict[int, int]] = {}
    for first_row, first_column, last_row, _ in body.grid.scan.merged:
        if last_row > first_row > body.header:
            covered = found.setdefault(first_column, {})
            covered.update(dict.fromkeys(range(first_row + 1, min(last_row + 1, len(body.grid.cells))), first_row))
    return found


def _filled_down(
    column: list[str], kept: list[int], covered: dict[int, int], body: Body, ours: str, teller: Teller
) -> list[str]:
    """Return a column with the text of upright merged cells in all their rows, where one may count for several."""
    if not covered:
        return column
    position = body.mapping.columns[ours]
    filled = list(column)
    for i, row in enumerate(kept):
        above = body.grid.cells[covered[row]][position] if row in covered else ""
        if not above or column[i]:
            continue
        if ours in body.vocabulary.shared:
            filled[i] = above
            teller.n_filled += 1
        elif ours not in _TOLD_WHEN_MISSING:
            words = "the cell is merged with rows above; one value cannot be shared out among them"
            remedy = "unmerge it and write each row's own value"
            teller.tell("error", words, "merged_value", row=row, position=position, value=above, suggestion=remedy)
    return filled


class Teller:
    """Makes findings about one table and counts what is told once for all."""

    def __init__(self, where: str, sheet: str, names: list[str]) -> None:
        self.where, self.sheet, self.names = where, sheet, names
        self.findings: list[Finding] = []
        self.missing_words: dict[str, int] = {}
        self.n_filled = 0

    def tell(
        self,
        severity: Severity,
        words: str,
        rule: str,
        *,
        row: int | None = None,
        position: int | None = None,
        value: str = "",
        suggestion: str = "",
        details: Mapping[str, str] | None = None,
    ) -> None:
        """Add a finding; ``row`` and ``position`` are those of the grid."""
        self.findings.append(
            Finding(
                severity,
                self.where,
                words,
                suggestion,
                rule=rule,
                sheet=self.sheet,
                row=None if row is None else row + 1,
                column="" if position is None else self.names[position] or column_name(position),
                value=value,
                details=details or {},
            )
        )

    def tell_missing(self, column: list[str], cleaned: dict[str, str | None]) -> None:
        """Empty the texts that say there is nothing to say, and count them."""
        for text, clean in cleaned.items():
            if clean is not None and len(clean) <= _LONGEST_MISSING and clean.casefold() in cells.MISSING:
                cleaned[text] = None
                self.missing_words[clean] = self.missing_words.get(clean, 0) + column.count(text)

    def tell_clashes(self, body: Body, kept: list[int]) -> None:
        """Tell where several headers could be one column; columns without content are no rivals."""
        for ours, positions in body.mapping.clashes.items():
            rival = any(body.grid.cells[row][position].strip(BLANKS) for row in kept for position in positions)
            theirs = [self.names[position] for position in positions]
            is_minor = not rival or ours in body.vocabulary.minor
            self.findings.append(clash(self.where, self.sheet, ours, theirs, is_minor=is_minor))


def tell_rows(body: Body, kept: list[int], left_out: dict[int, tuple[str, str]], teller: Teller) -> None:
    """Tell which rows were left out and why, which are hidden, and what was done to cells."""
    for row, (rule, text) in left_out.items():
        teller.tell("note", f"the row was left out: {LEFT_OUT[rule]}", rule, row=row, value=text)
    if body.grid.is_hidden:
        teller.tell("note", "the sheet is hidden; it was read", "sheet_hidden")
    for row in kept:
        if row in body.grid.scan.hidden_rows:
            teller.tell("note", "the row is hidden; it was read", "row_hidden", row=row)
    if teller.n_filled:
        words = f"{teller.n_filled} cells take the text of the merged cell they belong to"
        teller.tell("note", words, "cells_merged", details={"count": str(teller.n_filled)})
    if teller.missing_words:
        said = ", ".join(f"{word!r} {count} x" for word, count in sorted(teller.missing_words.items()))
        words = f"cells that say {said} count as empty"
        teller.tell("note", words, "missing_words", details={"words": said})


def tell_cells(body: Body, kept: list[int], teller: Teller) -> None:
    """Tell errors and formulas in cells, and what stands beyond the header."""
    cells_of = body.grid.cells
    for ours, position in body.mapping.columns.items():
        if ours not in body.vocabulary.shared and ours not in _NAMING:
            continue  # a column of numbers: who reads it tells
        for row in kept:
            text = cells_of[row][position]
            if text[:1] == "#" and _CELL_ERROR.match(text):
                words = f"the cell holds the error {text}"
                remedy = "write the value itself"
                teller.tell("error", words, "cell_error", row=row, position=position, value=text, suggestion=remedy)
            elif text[:1] == "=" and (row, position) in body.grid.scan.formulas:
                words = "the cell holds a formula without a stored value; its text was read"
                remedy = "write the value itself, or open the file in a spreadsheet and save it"
                teller.tell("warning", words, "formula_text", row=row, position=position, value=text, suggestion=remedy)
    known = {position: ours for ours, position in body.mapping.columns.items()}
    rows = set(kept)
    stored = sum(row in rows and column in known and cells_of[row][column] != text
                 for (row, column), text in body.grid.scan.formulas.items())  # fmt: skip
    if stored:
        words = f"{stored} cells hold formulas; the values stored with them were read"
        teller.tell("note", words, "formulas_stored", details={"count": str(stored)})
    if body.is_text_table:
        width = max(position for position, name in enumerate(body.names) if name) + 1
        for row in kept:
            if any(cells_of[row][width:]):
                found = max(p for p, text in enumerate(cells_of[row]) if text) + 1
                words = f"the row has {found} fields, the header {width}"
                remedy = "a text with the delimiter in it must stand in quotes"
                details = {"found": str(found), "header": str(width)}
                teller.tell("error", words, "row_fields", row=row, suggestion=remedy, details=details)


def clash(where: str, sheet: str, ours: str, theirs: Sequence[str], *, is_minor: bool) -> Finding:
    """Return the finding that several headers could be one column."""
    listed = ", ".join(map(repr, theirs))
    return Finding(
        "warning" if is_minor else "error",
        where,
        f"columns {listed} could all be {ours}, and none was taken",
        f"write columns = {{ {ours} = '...' }} with the one that is meant",
        rule="column_ambiguous",
        sheet=sheet,
        details={"ours": ours, "columns": listed},
    )


def tidy(text: str) -> str:
    """Return a text without blanks around it, on one line."""
    text = text.strip(BLANKS)
    if "\n" in text or "\r" in text:
        text = _BREAK.sub(" ", _BREAK_IN_CHINESE.sub("", text))
    return text
