"""Tables with one row a village or township: opened, their rows matched to the study's areas, total rows set apart.

A row says which area it is by a code or a name. Names are compared without what offices add to them (居委会, 村委会,
街道办事处 ...), villages within their township. What cannot be told is a finding, never a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chongming_gis.sources import cells, headers, layers, records, spreadsheets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from chongming_gis.findings import Finding
    from chongming_gis.sources.surroundings import Zones

    Bools = npt.NDArray[np.bool_]
    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

#: What offices add to the name of a village or neighbourhood, and to that of a township; the longest first.
VILLAGE_ENDS = ("社区居民委员会", "居民委员会", "村民委员会", "居委会", "村委会", "社区", "村")
TOWNSHIP_ENDS = ("街道办事处", "人民政府", "镇政府", "乡政府", "街道", "镇", "乡")
#: Our columns that say which area a row is, and its settlement class; the headers they go by are those of ``headers``.
AREA_COLUMNS = ("village_name", "township_name", "village_code", "township_code")
_HEADERS = {
    name: theirs
    for name, theirs in headers.PEOPLE.synonyms.items()
    if name in {*AREA_COLUMNS, "name_zh", "settlement_class"}
}
_VOCABULARY = headers.Vocabulary(_HEADERS, frozenset({*AREA_COLUMNS, "settlement_class"}))
SUBTOTAL = "小计"
_TOTAL = re.compile(
    r"^(?P<of>.*?)(?P<kind>合计|总计|小计|总数|共计)[:：]?$|^(?:全区|全县|全市|全镇|全乡|total|grandtotal|subtotal|sum)$",
    re.IGNORECASE,
)
_UNKNOWN, _AMBIGUOUS = -1, -2


@dataclass(frozen=True, slots=True)
class AreaTable:
    """A table as the file has it, rows of totals included."""

    table: layers.PointTable
    units: Mapping[str, str]  # our column -> the unit its header states
    findings: list[Finding]
    report: dict[str, Any]

    def numbers(self, name: str) -> Floats:
        """Return a column of numbers as people write them (１２０, 1,234, 120人, 1.2万); NaN for what is none."""
        return read_numbers(self.table.frame[name], unit=self.units.get(name, ""))


@dataclass(frozen=True, slots=True)
class AreaRows:
    """The area that each record of a table is about."""

    area: Ints  # row of the zones, -1 where it is not known (``faults`` tell)
    totals: dict[int, str]  # rows of totals, with the name of what they sum up ("" = not named)
    is_empty: Bools
    faults: list[Finding]

    @property
    def is_total(self) -> Bools:
        """Whether each record holds totals."""
        return np.isin(np.arange(len(self.area)), list(self.totals))

    @property
    def is_kept(self) -> Bools:
        """Whether each record counts people of one area."""
        return ~self.is_total & ~self.is_empty


def open_table(path: Path, *, persons: Sequence[str], columns: Mapping[str, str], sheet: str | None) -> AreaTable:
    """Return the records of a text table or a workbook as text under our names.

    Parameters
    ----------
    persons : the columns of numbers that are looked for.
    columns : our column -> the file's header.

    Raises
    ------
    InputFileError
        The file cannot be opened, or does not say which sheet is meant.
    TableError
        A mapped column is missing.
    """
    layers.check_suffix(path, records.TABLE)
    grid = spreadsheets.read_grid(path, sheet=sheet)
    vocabulary = _VOCABULARY.plus(dict.fromkeys(persons, ()))
    found = records.records_of(grid, vocabulary, columns=columns, header_row=None, where=str(path))
    table, total_rows = _with_totals(found, grid)
    left_out = [finding for finding in found.findings if finding.row not in total_rows]
    return AreaTable(table, found.units, left_out, {"columns": found.report["columns"]})


def _with_totals(found: records.Records, grid: spreadsheets.Grid) -> tuple[layers.PointTable, set[int]]:
    """Return the table with the rows of totals that ``records`` leaves out (they are compared), and those rows."""
    table, header = found.table, found.table.first_row - 2
    taken = set() if table.rows is None else set(table.rows.tolist())
    rows = [
        row
        for row in range(header + 1, len(grid.cells))
        if row + 1 not in taken and any(_TOTAL.match(written(text)) for text in grid.cells[row] if text.strip())
    ]
    position = {written(text): at for at, text in reversed(list(enumerate(grid.cells[header]))) if text.strip()}
    at = [position.get(written(found.report["columns"].get(name, name))) for name in table.frame.columns]
    texts = [[grid.cells[row][place].strip() or None if place is not None else None for place in at] for row in rows]
    more = pd.DataFrame(texts, columns=table.frame.columns, dtype="str")
    order = np.argsort(np.r_[table.rows if table.rows is not None else [], np.array(rows) + 1], kind="stable")
    frame = pd.concat([table.frame, more], ignore_index=True).iloc[order].reset_index(drop=True)
    numbers = np.r_[table.rows if table.rows is not None else [], np.array(rows) + 1][order].astype(np.int64)
    return replace(table, frame=frame, shown=frame, rows=numbers), {row + 1 for row in rows}


def match_rows(table: layers.PointTable, zones: Zones, townships: Zones) -> AreaRows:
    """Return which area each record of a table is about.

    Parameters
    ----------
    zones : the areas that the rows are about: villages, or the townships themselves.
    townships : for the townships that rows of villages name; none = villages are looked for in all.
    """
    level, frame = zones.level, table.frame
    texts = {name: layers.text_column(frame, name) for name in AREA_COLUMNS}
    if f"{level}_name" not in frame.columns:
        texts[f"{level}_name"] = layers.text_column(frame, "name_zh")
    name, code = texts[f"{level}_name"], texts[f"{level}_code"]
    values = [column for column in frame.columns if column not in AREA_COLUMNS]
    filled = frame[values].notna().any(axis=1).to_numpy() if values else np.zeros(len(frame), dtype=bool)
    is_empty = (name.isna() & code.isna()).to_numpy() & ~filled
    totals = {} if _no_column(table, level) else _totals(name, texts["township_name"], code)
    nothing = np.full(len(frame), _UNKNOWN)
    if faults := _no_column(table, level):
        return AreaRows(nothing, totals, is_empty, [*table.faults, *faults])
    rows = AreaRows(nothing, totals, is_empty, [])
    area, faults = _areas(table, texts, zones, townships, wanted=rows.is_kept)
    return replace(rows, area=area, faults=[*table.faults, *faults])


def _no_column(table: layers.PointTable, level: str) -> list[Finding]:
    if {f"{level}_name", f"{level}_code", "name_zh"} & set(table.frame.columns):
        return []
    have = layers.name_columns(table.frame)
    words = f"no column tells the {level} of a row; the file has {have}"
    remedy = f"map {level}_name or {level}_code in its columns"
    return table.table_fault(words, rule="area_column_missing", suggestion=remedy)


def _areas(
    table: layers.PointTable, texts: Mapping[str, pd.Series], zones: Zones, townships: Zones, *, wanted: Bools
) -> tuple[Ints, list[Finding]]:
    """Return the row of the zones for each record, and what is wrong with those that have none."""
    level = zones.level
    name, code = texts[f"{level}_name"], texts[f"{level}_code"]
    inside = np.full(len(name), _UNKNOWN)
    faults: list[Finding] = []
    if level == "village" and len(townships.code):
        inside = _look_up(texts["township_name"], texts["township_code"], townships, TOWNSHIP_ENDS)
        named = (texts["township_name"].notna() | texts["township_code"].notna()).to_numpy()
        words = "the study has no such township"
        lost = wanted & named & (inside == _UNKNOWN) & code.isna().to_numpy()
        column = "township_name" if "township_name" in table.frame.columns else "township_code"
        faults += table.fault(lost, words, rule="township_unknown", column=column, suggestion="see sources.townships")
        wanted = wanted & ~lost
    ends = VILLAGE_ENDS if level == "village" else TOWNSHIP_ENDS
    within = [townships.code[row] if row >= 0 else None for row in inside.tolist()]
    area = _look_up(name, code, zones, ends, within=within if level == "village" else None)
    column = next((c for c in (f"{level}_name", "name_zh") if c in table.frame.columns), f"{level}_code")
    missing = (name.isna() & code.isna()).to_numpy()
    unknown, ambiguous = (area == _UNKNOWN) & ~missing, area == _AMBIGUOUS
    faults += table.fault(wanted & missing, f"no {level} is named", rule=f"{level}_missing", column=column)
    faults += table.fault(
        wanted & unknown,
        f"the study has no such {level}",
        rule=f"{level}_unknown",
        column=column,
        suggestion="write the name or code as in the study's areas, or remove the row",
    )
    faults += table.fault(
        wanted & ambiguous,
        f"several {level}s of the study have this name",
        rule=f"{level}_ambiguous",
        column=column,
        suggestion="give the township, or the code",
    )
    repeated = (
        pd.Series(np.where(wanted & (area >= 0), area, -1)).duplicated(keep=False).to_numpy() & (area >= 0) & wanted
    )
    faults += table.fault(
        repeated,
        f"another row is about the same {level}",
        rule=f"{level}_repeated",
        column=column,
        suggestion="keep one row",
    )
    return np.where(area < 0, _UNKNOWN, area), faults


def _look_up(
    name: pd.Series, code: pd.Series, zones: Zones, ends: tuple[str, ...], *, within: list[str | None] | None = None
) -> Ints:
    """Return the zone of each row by code, else by name as written, else by name without its end."""
    by_code = {str(zone): row for row, zone in enumerate(zones.code)}
    index: dict[tuple[str | None, str], set[int]] = defaultdict(set)
    for row, (full, township) in enumerate(zip(zones.name, zones.township, strict=True)):
        for key in {f"={written(full)}", stem(full, ends)}:
            index[None, key].add(row)
            index[str(township), key].add(row)
    places: Iterable[str | None] = within if within is not None else [None] * len(name)
    rows = []
    for text, number, place in zip(name.tolist(), code.tolist(), places, strict=True):
        if isinstance(number, str):
            rows.append(_by_code(by_code, number))
        elif not isinstance(text, str):
            rows.append(_UNKNOWN)
        else:
            rows.append(_only(index[place, f"={written(text)}"] or index[place, stem(text, ends)]))
    return np.array(rows, dtype=np.int64)


def _by_code(by_code: Mapping[str, int], number: str) -> int:
    """Return the zone of a code; township codes are written with 9 digits or, padded, with 12."""
    return by_code.get(number, by_code.get(number.removesuffix("000"), by_code.get(f"{number}000", _UNKNOWN)))


def _only(rows: set[int]) -> int:
    return next(iter(rows)) if len(rows) == 1 else (_AMBIGUOUS if rows else _UNKNOWN)


def written(name: str) -> str:
    """Return a name in one spelling: half-width, without spaces."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", str(name)))


def stem(name: str, ends: tuple[str, ...]) -> str:
    """Return a name without what offices add to it.

    Examples
    --------
    >>> stem("富民村村民委员会", VILLAGE_ENDS), stem("南门居委会", VILLAGE_ENDS), stem("堡镇", TOWNSHIP_ENDS)
    ('富民', '南门', '堡')
    """
    text = written(name)
    while True:
        end = next((end for end in ends if text.endswith(end) and len(text) > len(end)), None)
        if end is None:
            return text
        text = text.removesuffix(end)


def _totals(name: pd.Series, township: pd.Series, code: pd.Series) -> dict[int, str]:
    """Return the rows of totals, and what each says that it sums up."""
    found: dict[int, str] = {}
    for row, (own, other, number) in enumerate(zip(name.tolist(), township.tolist(), code.tolist(), strict=True)):
        texts = [written(text) for text in (own, other) if isinstance(text, str)]
        match = next((match for text in texts if (match := _TOTAL.match(text))), None)
        if match is None or isinstance(number, str):
            continue
        of = match["of"] or next((text for text in texts if not _TOTAL.match(text)), "")
        found[row] = of or (SUBTOTAL if match["kind"] == SUBTOTAL else "")
    return found


def rows_of_total(rows: AreaRows, row: int, zones: Zones, townships: Zones) -> list[Bools]:
    """Return the rows that a row of totals may sum up: one answer, or two where it does not say which.

    A total that names a township sums up its rows; one that names nothing all of them; 小计 the rows above it up to the
    total before, or those below it.
    """
    kept, of = rows.is_kept, rows.totals[row]
    if of == SUBTOTAL:
        place, marks = np.arange(len(kept)), sorted(rows.totals)
        above = max((mark for mark in marks if mark < row), default=-1)
        below = min((mark for mark in marks if mark > row), default=len(kept))
        return [kept & (place > above) & (place < row), kept & (place > row) & (place < below)]
    nothing = pd.Series([None], dtype="str")
    township = int(_look_up(pd.Series([of], dtype="str"), nothing, townships, TOWNSHIP_ENDS)[0]) if of else _UNKNOWN
    if township < 0:
        return [kept]
    return [kept & (zones.township[rows.area] == townships.code[township])]


def read_numbers(column: pd.Series, *, unit: str = "") -> Floats:
    """Return a column of numbers as people write them; NaN for what is none.

    Examples
    --------
    >>> read_numbers(pd.Series(["１２０人", "1,234.5", "若干", None], dtype="str")).tolist()
    [120.0, 1234.5, nan, nan]
    """
    return cells.read_numbers(column, unit=unit).numbers
