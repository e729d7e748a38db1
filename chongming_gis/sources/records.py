"""From a grid of texts to records under our column names.

The header is the row that names most of our columns, so titles above it do no harm. ``recordrows`` reads what is below.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chongming_gis.errors import InputFileError, TableError
from chongming_gis.sources import cells, headers, layers, spreadsheets
from chongming_gis.sources.recordrows import (
    BLANKS,
    LEFT_OUT,
    Body,
    Teller,
    choose_rows,
    clash,
    read_columns,
    tell_cells,
    tell_rows,
    tidy,
)
from chongming_gis.sources.sheetscan import column_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chongming_gis.findings import Finding
    from chongming_gis.sources.headers import Vocabulary
    from chongming_gis.sources.spreadsheets import Grid

TABLE = (*spreadsheets.TEXT, *spreadsheets.WORKBOOK)

_HEADER_WITHIN = 30  # rows from the top in which a header is looked for
_ENOUGH_OF_OURS = 4


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a table under our column names, all as text."""

    table: layers.PointTable  # its faults are the errors found so far
    findings: list[Finding] = field(default_factory=list)  # warnings and notes
    report: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)  # our column -> the unit its header states

    def numbers(self, name: str) -> cells.Numbers:
        """Return a column as numbers, in the unit of its header (人口(万人) is multiplied)."""
        return cells.read_numbers(layers.text_column(self.table.frame, name), unit=self.units.get(name, ""))


def read_records(
    path: Path,
    *,
    vocabulary: Vocabulary,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    sheet_names: Sequence[str] = (),
) -> Records:
    """Return the records of a text table or of a sheet of a workbook.

    Parameters
    ----------
    vocabulary : what headers mean.
    columns : our column -> the file's header, where the vocabulary does not know it or another is meant.
    sheet : the sheet; none = the only one that is filled, or the one with a name of ``sheet_names``.
    header_row : the number of the header's row as the file shows it; none = the row with most known headers.

    Returns
    -------
    Records
        Columns that nobody knows keep the file's header. ``report`` has ``columns`` (what was taken for what),
        ``columns_unused``, ``header_row``, ``sheet``, and the rows left out with the reason.

    Raises
    ------
    InputFileError
        The file cannot be read, has no such sheet or row, or is empty.
    TableError
        A header that ``columns`` names is not there, or a text table is in two encodings.
    """
    layers.check_suffix(path, TABLE)
    grid = spreadsheets.read_grid(path, sheet=sheet, sheet_names=sheet_names)
    return records_of(grid, vocabulary, columns=columns or {}, header_row=header_row, where=str(path))


def records_of(
    grid: Grid, vocabulary: Vocabulary, *, columns: Mapping[str, str], header_row: int | None, where: str
) -> Records:
    """Return the records of a grid."""
    if not any(any(row) for row in grid.cells):
        raise InputFileError(f"{where}: {_at(grid)}is empty; there is no table in it")
    header = _header_row(grid, vocabulary, columns, header_row, where=where)
    names = _headers(grid, header)
    mapping = headers.map_headers(names, vocabulary, taken=_taken(names, columns, where=where))
    teller = Teller(where, grid.sheet, names)
    body = Body(grid, header, names, mapping, vocabulary)
    kept, left_out = choose_rows(body)
    texts = read_columns(body, kept, teller)
    teller.tell_clashes(body, kept)
    tell_rows(body, kept, left_out, teller)
    tell_cells(body, kept, teller)
    findings = teller.findings
    frame = pd.DataFrame(
        {name: pd.array(column, dtype="str") for name, column in texts.items()}, index=pd.RangeIndex(len(kept))
    )
    table = layers.PointTable(
        frame,
        [finding for finding in findings if finding.severity == "error"],
        first_row=header + 2,
        where=where,
        names={ours: names[position] for ours, position in mapping.columns.items()},
        rows=np.array(kept, dtype=np.int64) + 1,
        sheet=grid.sheet,
        shown=frame,
    )
    report = {
        **({"sheet": grid.sheet} if grid.sheet else {}),
        **({} if grid.encoding in {"", "utf-8", "utf-8-sig"} else {"encoding": grid.encoding}),
        **({"header_row": header + 1} if header else {}),
        "columns": {ours: names[position] for ours, position in mapping.columns.items()},
        "columns_unused": [name for name in frame.columns if name not in mapping.columns],
        "rows_dropped": dict(Counter(rule for rule, _ in left_out.values())),
        "rows_left_out": [f"row {row + 1}: {LEFT_OUT[rule]}: {text}" for row, (rule, text) in left_out.items()],
    }
    told = [finding for finding in findings if finding.severity != "error"]
    return Records(table, told, report, dict(mapping.units))


def _at(grid: Grid) -> str:
    return f"sheet {grid.sheet!r} " if grid.sheet else ""


def _header_row(
    grid: Grid, vocabulary: Vocabulary, columns: Mapping[str, str], header_row: int | None, *, where: str
) -> int:
    """Return the index of the last row of the header."""
    if header_row is not None:
        if not 1 <= header_row <= len(grid.cells):
            raise InputFileError(f"{where}: {_at(grid)}has no row {header_row} (header_row); it has {len(grid.cells)}")
        return header_row - 1
    if sum(name in vocabulary.synonyms for name in grid.cells[0]) >= _ENOUGH_OF_OURS:
        return 0  # a file in our own words
    rows = _filled_top(grid)
    named = {headers.key_of(theirs) for theirs in columns.values()}
    scores = [
        vocabulary.count_known(row) + len(named and {headers.key_of(text) for text in row if text} & named)
        for row in rows
    ]
    best = int(np.argmax(scores))
    if scores[best] == 0:  # nothing known: the first row that looks like one, so that its headers can be told
        filled = [sum(bool(text) for text in row) for row in rows]
        best = next((row for row, count in enumerate(filled) if count > 1), next(r for r, c in enumerate(filled) if c))
    while best + 1 < len(rows) and any(rows[best]) and rows[best + 1] == rows[best]:
        best += 1  # a header of two rows, merged upright
    return best


def _filled_top(grid: Grid) -> list[list[str]]:
    """Return the first rows, each merged cell with its text in all its places."""
    top = [[text.strip(BLANKS) for text in row] for row in grid.cells[:_HEADER_WITHIN]]
    for first_row, first_column, last_row, last_column in grid.scan.merged:
        if first_row >= len(top) or first_column >= len(top[0]):
            continue
        text = top[first_row][first_column]
        for row in range(first_row, min(last_row + 1, len(top))):
            for column in range(first_column, min(last_column + 1, len(top[0]))):
                top[row][column] = top[row][column] or text
    return top


def _headers(grid: Grid, header: int) -> list[str]:
    """Return the header of each column; what stands merged over several columns counts for the first only."""
    names = [tidy(text) for text in grid.cells[header]]
    for first_row, first_column, last_row, _ in grid.scan.merged:
        if first_row < header <= last_row and first_column < len(names):
            names[first_column] = names[first_column] or tidy(grid.cells[first_row][first_column])
    return names


def _taken(names: list[str], columns: Mapping[str, str], *, where: str) -> dict[str, int]:
    """Return the positions of the headers that the study names itself."""
    taken: dict[str, int] = {}
    absent: list[str] = []
    for ours, theirs in columns.items():
        exact = [position for position, name in enumerate(names) if name == tidy(theirs)]
        wanted = headers.key_of(theirs)
        alike = [position for position, name in enumerate(names) if name and headers.key_of(name) == wanted]
        found = exact or alike
        if len(found) == 1:
            taken[ours] = found[0]
        elif found:
            letters = ", ".join(column_name(position) for position in found)
            raise TableError(f"{where}: {len(found)} columns are called {theirs!r} ({letters}); rename one in the file")
        else:
            absent.append(theirs)
    if absent:
        have = ", ".join(name for name in names if name) or "no headers"
        raise TableError(f"{where}: no column {', '.join(map(repr, sorted(absent)))}; the file has {have}")
    return taken


def with_our_names(
    table: layers.PointTable, vocabulary: Vocabulary, *, beside: Sequence[str] = (), named: Mapping[str, str]
) -> Records:
    """Return the records of a layer under our column names.

    Parameters
    ----------
    beside : columns of ours that a layer does not need (its geometry says them): headers that mean them stay.
    named : our column -> the file's, already renamed.
    """
    names = [str(name) for name in table.frame.columns if name != table.frame.active_geometry_name]
    taken = {ours: names.index(ours) for ours in named if ours in names}
    mapping = headers.map_headers(names, vocabulary, taken=taken)
    renamed = {names[at]: ours for ours, at in mapping.columns.items() if ours not in {*beside, *named, names[at]}}
    findings: list[Finding] = []
    for ours, positions in mapping.clashes.items():
        if ours not in beside:
            theirs = [names[at] for at in positions]
            findings.append(clash(table.where, "", ours, theirs, is_minor=ours in vocabulary.minor))
    errors = [finding for finding in findings if finding.severity == "error"]
    shown = replace(
        table,
        frame=table.frame.drop(columns=[ours for ours in renamed.values() if ours in names]).rename(columns=renamed),
        faults=[*table.faults, *errors],
        names={**table.names, **{ours: theirs for theirs, ours in renamed.items()}},
    )
    report = {"columns": {ours: theirs for theirs, ours in renamed.items()}}
    warnings = [finding for finding in findings if finding.severity != "error"]
    return Records(shown, warnings, report, dict(mapping.units))
