"""Workbooks and text tables as plain grids of texts, with the file's own row numbers; nothing is computed or guessed.

Formats: .csv, .txt; .xlsx, .xlsm, .xls, .et, .ods (and a .wps that is a workbook). What a workbook is, its content
tells, not its suffix. Values are read by calamine, which never computes a formula: a cell with one gives the value that
was stored with it, or, where none was, the formula's text. Hidden rows and sheets are read like others and told.
"""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import python_calamine as calamine

from chongming_gis.errors import InputFileError
from chongming_gis.sources import delimited, packages, sheetscan
from chongming_gis.sources.packages import Kind
from chongming_gis.sources.sheetscan import SheetScan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TEXT = (".csv", ".txt")
WORKBOOK = (".xlsx", ".xlsm", ".xls", ".et", ".ods", ".wps")


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of one sheet as texts: ``cells[i]`` is the file's row ``i + 1``; all rows are equally long."""

    sheet: str  # empty for a text table
    cells: list[list[str]]
    scan: SheetScan = field(default_factory=SheetScan)
    is_hidden: bool = False
    encoding: str = ""  # of a text table


def read_grid(path: Path, *, sheet: str | None = None, sheet_names: Sequence[str] = ()) -> Grid:
    """Return one sheet of a workbook, or a text table.

    Parameters
    ----------
    sheet : its name; without it the only sheet that has anything in it, or the one of ``sheet_names``.
    sheet_names : names that the wanted sheet may have.

    Raises
    ------
    InputFileError
        The file cannot be read safely, or does not say which of its sheets is meant.
    TableError
        A text table is in two encodings.
    """
    where = str(path)
    try:
        if path.stat().st_size > max(packages.MAX_FILE_BYTES, delimited.MAX_FILE_BYTES):
            raise InputFileError(f"{where}: is too large to be a table; split it")
        data = path.read_bytes()
    except OSError as error:
        if isinstance(error, InputFileError):
            raise
        raise InputFileError(f"{where}: cannot be opened ({error.strerror or error})") from error
    if path.suffix.lower() in TEXT:
        if sheet is not None:
            raise InputFileError(f"{where}: a text table has no sheet {sheet!r}; remove the key sheet")
        rows, encoding = delimited.read_rows(data, where=where)
        return Grid("", _rectangle(rows), encoding=encoding)
    return _read_workbook(data, sheet=sheet, sheet_names=sheet_names, where=where)


def _read_workbook(data: bytes, *, sheet: str | None, sheet_names: Sequence[str], where: str) -> Grid:
    kind = packages.check_package(data, where=where)
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
            visible = {
                entry.name: entry.visible is calamine.SheetVisibleEnum.Visible
                for entry in workbook.sheets_metadata
                if entry.typ is calamine.SheetTypeEnum.WorkSheet
            }
            scans = _Scans(kind, data, where)
            name = _choose(visible, sheet, sheet_names, scans, workbook, where=where)
            scan = scans.of(name)
            found = workbook.get_sheet_by_name(name)
            sheetscan.refuse_too_many(found.total_height, found.total_width, where=where)
            values = found.to_python(skip_empty_area=False)
            if kind is Kind.XLS:
                scan.merged = [(*first, *last) for first, last in found.merged_cell_ranges or ()]
    except calamine.PasswordError as error:
        raise InputFileError(f"{where}: is protected by a password; save it without one") from error
    except calamine.CalamineError as error:
        raise InputFileError(f"{where}: cannot be read as a workbook ({error}); save it as .xlsx") from error
    return Grid(name, _with_scanned(_texts(values), scan), scan, is_hidden=not visible[name])


@dataclass(frozen=True, slots=True)
class _Scans:
    """Scans the sheets of one workbook; those of an .xls cannot be scanned, and have nothing but values."""

    kind: Kind
    data: bytes
    where: str

    def of(self, sheet: str) -> SheetScan:
        if self.kind is Kind.ODS:
            return sheetscan.scan_ods(self.data, sheet, where=self.where)
        if self.kind is Kind.XLS:
            return SheetScan()
        part = sheetscan.xlsx_sheets(self.data, where=self.where).get(sheet)
        if part is None:
            raise InputFileError(f"{self.where}: has no content for its sheet {sheet!r}; save it again")
        return sheetscan.scan_xlsx(self.data, part, where=self.where)


def _choose(
    visible: dict[str, bool],
    wanted: str | None,
    names: Sequence[str],
    scans: _Scans,
    workbook: calamine.CalamineWorkbook,
    *,
    where: str,
) -> str:
    """Return the name of the sheet that is meant."""
    listed = ", ".join(map(repr, visible)) or "none"
    if wanted is not None:
        if wanted not in visible:
            raise InputFileError(f"{where}: has no sheet {wanted!r}; its sheets: {listed}")
        return wanted
    keys = {_key(name) for name in names}
    named = [name for name in visible if _key(name) in keys]
    if len(named) == 1:
        return named[0]
    candidates = named or list(visible)
    if len(candidates) > 1 and not named:
        shown = [name for name in candidates if visible[name]]
        filled = [name for name in shown or candidates if _is_filled(name, scans, workbook)]
        candidates = filled or candidates
    if len(candidates) == 1:
        return candidates[0]
    meant = f", none of them named {' or '.join(map(repr, names))}" if names and not named else ""
    raise InputFileError(f"{where}: has several sheets ({listed}){meant}; name one (sheet = ...)")


def _is_filled(name: str, scans: _Scans, workbook: calamine.CalamineWorkbook) -> bool:
    if scans.kind is Kind.XLS:
        return bool(workbook.get_sheet_by_name(name).height)
    return scans.of(name).n_rows > 0


def _key(name: str) -> str:
    return "".join(name.split()).casefold()


def _texts(values: list[list[Any]]) -> list[list[str]]:
    return [[value if type(value) is str else _text(value) for value in row] for row in values]


def _text(value: Any) -> str:
    """Return a value as a spreadsheet would show it unformatted: whole numbers without ``.0``, dates as ISO 8601."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)


def _with_scanned(cells: list[list[str]], scan: SheetScan) -> list[list[str]]:
    """Return the cells with errors and formulas without a stored value put in, which calamine leaves empty."""
    cells = _rectangle(cells, scan.n_rows, scan.n_columns)
    for (row, column), text in (*scan.formulas.items(), *scan.errors.items()):
        if not cells[row][column]:
            cells[row][column] = text
    return cells


def _rectangle(rows: list[list[str]], n_rows: int = 0, n_columns: int = 0) -> list[list[str]]:
    width = max(n_columns, max(map(len, rows), default=0))
    padded = [row if len(row) == width else row + [""] * (width - len(row)) for row in rows]
    return padded + [[""] * width for _ in range(n_rows - len(padded))]
