"""What the XML of one worksheet says besides its values: extent, hidden rows, errors, formulas without a value.

Run before the values are read, because the reader of values (calamine) makes room for the whole rectangle from the
first to the last filled cell: two cells in opposite corners of a sheet would end the process.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chongming_gis.errors import InputFileError
from chongming_gis.sources import packages

if TYPE_CHECKING:
    from xml.parsers import expat

    Range = tuple[int, int, int, int]  # first row, first column, last row, last column; from 0, both ends included

MAX_CELLS = 2_000_000  # 40,000 rows of 50 columns
MAX_TEXT = 200_000_000  # characters in all cells of a sheet: one long shared text may stand in every cell
_MAX_MERGED = 20_000


@dataclass(slots=True)
class SheetScan:
    """What is known of a worksheet besides its values; rows and columns from 0."""

    hidden_rows: set[int] = field(default_factory=set)
    merged: list[Range] = field(default_factory=list)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)  # #N/A, #REF! ...
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)  # of cells with a stored value, too
    n_rows: int = 0  # as far as the last filled cell
    n_columns: int = 0


def xlsx_sheets(data: bytes, *, where: str) -> dict[str, str]:
    """Return the XML part of each sheet of an .xlsx by the sheet's name.

    Raises
    ------
    InputFileError
        The workbook does not say where its sheets are.
    """
    sheets: dict[str, str] = {}
    targets: dict[str, str] = {}

    def sheet(_: expat.XMLParserType, name: str, attributes: dict[str, str]) -> None:
        if _local(name) == "sheet":
            link = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            sheets[attributes.get("name", "")] = link

    def target(_: expat.XMLParserType, name: str, attributes: dict[str, str]) -> None:
        if _local(name) == "Relationship":
            path = attributes.get("Target", "")
            full = path.lstrip("/") if path.startswith("/") else posixpath.normpath(posixpath.join("xl", path))
            targets[attributes.get("Id", "")] = full

    packages.parse_part(data, "xl/workbook.xml", where=where, begin=sheet)
    packages.parse_part(data, "xl/_rels/workbook.xml.rels", where=where, begin=target)
    return {name: targets[link] for name, link in sheets.items() if link in targets}


def scan_xlsx(data: bytes, part: str, *, where: str) -> SheetScan:
    """Return what the XML of a sheet of an .xlsx says.

    Raises
    ------
    InputFileError
        The sheet is damaged, or holds more cells or text than is read.
    """
    lengths = _text_lengths(data, where=where)
    scan = SheetScan()
    scanner = _XlsxScanner(scan, where, lengths)
    packages.parse_part(data, part, where=where, begin=scanner.begin)
    scanner.close()
    return scan


def _text_lengths(data: bytes, *, where: str) -> list[int]:
    """Return the length of each shared text."""
    lengths: list[int] = []

    def count(text: str) -> None:
        lengths[-1] += len(text)

    def begin(parser: expat.XMLParserType, name: str, _: dict[str, str]) -> None:
        name = _local(name)
        if name == "si":
            lengths.append(0)
            parser.CharacterDataHandler = None
        elif name == "t" and lengths:
            parser.CharacterDataHandler = count

    if packages.has_part(data, "xl/sharedStrings.xml"):
        packages.parse_part(data, "xl/sharedStrings.xml", where=where, begin=begin)
    return lengths


class _XlsxScanner:
    """Hears the elements of a worksheet (ECMA-376 part 1, 18.3.1)."""

    def __init__(self, scan: SheetScan, where: str, lengths: list[int]) -> None:
        self._scan, self._where, self._lengths = scan, where, lengths
        self._row = self._column = -1
        self._kind = ""
        self._heard: list[str] = []
        self._of = ""
        self._has_value = False
        self._text = 0
        self._columns: dict[str, int] = {}  # by their letters

    def begin(self, parser: expat.XMLParserType, name: str, attributes: dict[str, str]) -> None:
        if self._of:
            self._end_text(parser)
        if ":" in name:
            name = _local(name)
        if name == "c":
            self._cell(attributes)
        elif name in {"v", "is"}:
            self._value(parser, name)
        elif name == "f":
            self._listen(parser, "f")
        elif name == "row":
            number = attributes.get("r", "")
            self._row = int(number) - 1 if number.isdecimal() else self._row + 1
            self._column = -1
            if attributes.get("hidden") in {"1", "true"}:
                self._scan.hidden_rows.add(self._row)
        elif name == "mergeCell":
            self._merge(attributes.get("ref", ""))

    def close(self) -> None:
        self._end_text(None)

    def _cell(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r", "")
        if place:
            letters = place.rstrip("0123456789")
            column = self._columns.get(letters)
            if column is None:
                column = self._columns[letters] = cell_place(letters)[1]
            self._row, self._column = int(place[len(letters) :]) - 1, column
        else:
            self._column += 1
        self._kind = attributes.get("t", "n")

    def _fill(self) -> None:
        """Note that the cell holds something."""
        scan = self._scan
        if self._row >= scan.n_rows or self._column >= scan.n_columns:
            scan.n_rows = max(scan.n_rows, self._row + 1)
            scan.n_columns = max(scan.n_columns, self._column + 1)
            refuse_too_many(scan.n_rows, scan.n_columns, where=self._where)

    def _value(self, parser: expat.XMLParserType, name: str) -> None:
        self._fill()
        if name == "v" and self._kind in {"e", "s"}:
            self._listen(parser, "v")

    def _listen(self, parser: expat.XMLParserType, of: str) -> None:
        self._of = of
        self._heard = []
        parser.CharacterDataHandler = self._heard.append

    def _end_text(self, parser: expat.XMLParserType | None) -> None:
        if parser is not None:
            parser.CharacterDataHandler = None
        text, of = "".join(self._heard).strip(), self._of
        self._of, self._heard = "", []
        if of == "f":
            self._scan.formulas[self._row, self._column] = f"={text}"
            self._fill()
        elif of == "v" and self._kind == "e":
            self._scan.errors[self._row, self._column] = text
        elif of == "v" and text.isdecimal() and int(text) < len(self._lengths):
            self._text += self._lengths[int(text)]
            if self._text > MAX_TEXT:
                raise InputFileError(f"{self._where}: a sheet holds over {MAX_TEXT:,} characters; split it")

    def _merge(self, place: str) -> None:
        first, _, last = place.partition(":")
        self._scan.merged.append((*cell_place(first), *cell_place(last or first)))
        if len(self._scan.merged) > _MAX_MERGED:
            raise InputFileError(f"{self._where}: a sheet has over {_MAX_MERGED:,} merged cells; unmerge them")


def scan_ods(data: bytes, sheet: str, *, where: str) -> SheetScan:
    """Return what the XML of an .ods says about one of its sheets.

    Raises
    ------
    InputFileError
        A sheet of the file is damaged, or holds more cells than is read.
    """
    scanner = _OdsScanner(sheet, where)
    packages.parse_part(data, "content.xml", where=where, begin=scanner.begin)
    return scanner.found


class _OdsScanner:
    """Hears the elements of a spreadsheet document (OpenDocument 1.3 part 3, chapter 9)."""

    def __init__(self, sheet: str, where: str) -> None:
        self._sheet, self._where = sheet, where
        self.found = SheetScan()
        self._scan = SheetScan()
        self._next_row = self._row = self._column = 0

    def begin(self, _: expat.XMLParserType, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        if name == "table":
            self._next_row = 0
            self._scan = SheetScan()
            if attributes.get("table:name") == self._sheet:
                self.found = self._scan
        elif name == "table-row":
            self._row, self._column = self._next_row, 0
            repeated = _count(attributes.get("table:number-rows-repeated"))
            self._next_row += repeated
            if attributes.get("table:visibility") in {"collapse", "filter"}:
                self._scan.hidden_rows.update(range(self._row, self._row + min(repeated, MAX_CELLS)))
        elif name in {"table-cell", "covered-table-cell"}:
            self._cell(attributes)

    def _cell(self, attributes: dict[str, str]) -> None:
        scan, row, column = self._scan, self._row, self._column
        self._column += _count(attributes.get("table:number-columns-repeated"))
        rows = _count(attributes.get("table:number-rows-spanned"))
        columns = _count(attributes.get("table:number-columns-spanned"))
        if rows * columns > 1 and len(scan.merged) < _MAX_MERGED:
            scan.merged.append((row, column, row + rows - 1, column + columns - 1))
        if "office:value-type" in attributes or "table:formula" in attributes:
            scan.n_rows = max(scan.n_rows, self._next_row)  # as often as the row is repeated
            scan.n_columns = max(scan.n_columns, self._column)
            refuse_too_many(scan.n_rows, scan.n_columns, where=self._where)
        if "table:formula" in attributes:
            scan.formulas[row, column] = attributes["table:formula"].removeprefix("of:")


def refuse_too_many(n_rows: int, n_columns: int, *, where: str) -> None:
    """Raise where a sheet has more cells than is read.

    Raises
    ------
    InputFileError
        It has; the message names the farthest cell.
    """
    if n_rows * n_columns > MAX_CELLS:
        far = f"row {n_rows:,}, column {column_name(n_columns - 1)}"
        raise InputFileError(
            f"{where}: a sheet reaches to {far}, more than {MAX_CELLS:,} cells; "
            "delete the stray cells beyond the table, or split it"
        )


def cell_place(name: str) -> tuple[int, int]:
    """Return row and column, from 0, of a cell by its name.

    Examples
    --------
    >>> cell_place("A1"), cell_place("$AB$12")
    ((0, 0), (11, 27))
    """
    column = row = 0
    for sign in name:
        if sign.isdigit():
            row = 10 * row + int(sign)
        elif sign.isalpha():
            column = 26 * column + ord(sign.upper()) - 64
    return row - 1, column - 1


def column_name(column: int) -> str:
    """Return the letters of a column by its number from 0.

    Examples
    --------
    >>> column_name(0), column_name(27)
    ('A', 'AB')
    """
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _count(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 1


def _local(name: str) -> str:
    return name.rpartition(":")[2]
