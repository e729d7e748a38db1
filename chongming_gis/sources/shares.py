"""Age groups by shares: a persons column divided by the shares of a table, for the district or by township or village.

Groups that are complete add up to the column they are made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis import tables
from chongming_gis.errors import StudyError, TableError
from chongming_gis.findings import Finding
from chongming_gis.sources import arearows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from chongming_gis.config import DemandSource, StudyConfig
    from chongming_gis.peoplemodel import SharesTable
    from chongming_gis.sources import layers
    from chongming_gis.sources.surroundings import Zones

    Floats = npt.NDArray[np.float64]

_ROUNDING = 0.011  # complete shares may miss 1 by this much: percentages printed with one or no decimal


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of one table: one row an area (one row of all for the district), one column a group."""

    of: str
    by: str
    table: pd.DataFrame  # index = area code, or "" for the district
    findings: tuple[Finding, ...]
    where: str


def needed_columns(study: StudyConfig) -> list[str]:
    """Return the persons columns that the study's groups name, each once, in the order of the study."""
    return list(dict.fromkeys(name for group in study.groups for names in group.columns.values() for name in names))


def read_all(source: DemandSource, study: StudyConfig, zones: tuple[Zones, ...]) -> list[Shares]:
    """Return the study's tables of shares.

    Raises
    ------
    TableError
        Rows name no area of the study, or values are no shares; every fault is listed.
    StudyError
        A table holds none of the columns that groups name.
    """
    needed = needed_columns(study)
    by_level = {found.level: found for found in zones}
    return [_read(entry, study, needed, by_level) for entry in source.shares]


def _read(entry: SharesTable, study: StudyConfig, needed: list[str], zones: Mapping[str, Zones]) -> Shares:
    path = study.resolve(entry.path)
    opened = arearows.open_table(path, persons=needed, columns=entry.columns, sheet=entry.sheet)
    table = opened.table
    names = [name for name in needed if name in table.frame.columns]
    if not names:
        raise StudyError(
            f"{path}: holds no column of shares; groups name {', '.join(needed)}, the file has "
            f"{', '.join(map(str, table.frame.columns))}: map them in its columns"
        )
    index, kept, faults = _areas(entry, table, zones)
    values, more = _values(entry, table, names, kept)
    if faults or more:
        raise TableError.of([*faults, *more], where=str(path))
    frame = pd.DataFrame(values[kept], columns=names, index=pd.Index(index, dtype="str"))
    findings: list[Finding] = []
    if entry.complete:
        frame, findings = _completed(frame, str(path))
    return Shares(entry.of, entry.by, frame, (*opened.findings, *findings), str(path))


def _areas(
    entry: SharesTable, table: layers.PointTable, zones: Mapping[str, Zones]
) -> tuple[list[str], npt.NDArray[np.bool_], list[Finding]]:
    if entry.by == "district":
        kept = table.frame.notna().any(axis=1).to_numpy()
        if kept.sum() != 1:
            words = f"by = 'district' needs one row of shares; the table has {int(kept.sum())}"
            return [""], kept, [*table.faults, *table.table_fault(words, rule="shares_rows")]
        return [""], kept, table.faults
    if not len(zones[entry.by].code):
        raise StudyError(f"{table.where}: by = {entry.by!r} needs sources.{entry.by}s")
    rows = arearows.match_rows(table, zones[entry.by], zones["township"])
    kept = rows.is_kept
    return [str(zones[entry.by].code[row]) for row in rows.area[kept].tolist()], kept, rows.faults


def _values(
    entry: SharesTable, table: layers.PointTable, names: list[str], kept: npt.NDArray[np.bool_]
) -> tuple[Floats, list[Finding]]:
    values = np.empty((len(table.frame), len(names)))
    faults: list[Finding] = []
    for position, name in enumerate(names):
        text = table.frame[name].astype("str")
        in_percent = text.str.contains("[%％]", regex=True, na=False).to_numpy()
        number = arearows.read_numbers(text.str.replace("[%％]", "", regex=True))
        number = np.where(in_percent | (entry.unit == "percent"), number / 100.0, number)
        missing, wrong = ~np.isfinite(number), (number < 0.0) | (number > 1.0)
        faults += table.fault(kept & missing, f"{name} is missing or not a number", rule="share_text", column=name)
        remedy = "" if entry.unit == "percent" else "if these are percentages, write unit = 'percent'"
        words = f"{name} is no share between 0 and 1 (0 and 100 percent)"
        faults += table.fault(kept & wrong, words, rule="share_range", column=name, suggestion=remedy)
        values[:, position] = number
    total = values.sum(axis=1)
    if entry.complete and not faults:
        off = kept & (np.abs(total - 1.0) > _ROUNDING)
        words = "the shares of this row do not add up to 1 (100 percent)"
        remedy = "correct them, or write complete = false if the groups overlap or leave people out"
        faults += table.fault(off, words, rule="shares_sum", suggestion=remedy)
    return values, faults


def _completed(frame: pd.DataFrame, where: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Return shares that add up to 1 exactly, and the note that they were scaled."""
    total = frame.sum(axis=1)
    off = (total - 1.0).abs() > 1e-9
    if not off.any():
        return frame.div(total, axis=0), []
    words = (
        f"the shares of {int(off.sum())} row(s) missed 1 by up to {(total - 1.0).abs().max():.3f} and were scaled to it"
    )
    note = Finding("note", where, words, rule="shares_scaled", details={"rows": str(int(off.sum()))})
    return frame.div(total, axis=0), [note]


def columns_to_read(study: StudyConfig, given: list[Shares]) -> list[str]:
    """Return the persons columns that files must hold: what groups name and shares do not make, and what is divided."""
    made = {name for entry in given for name in entry.table.columns}
    direct = [name for name in needed_columns(study) if name not in made]
    return list(dict.fromkeys([*direct, *(entry.of for entry in given)]))


def add_shares(
    counts: pd.DataFrame, given: list[Shares], codes: Mapping[str, pd.Series], *, where: str
) -> pd.DataFrame:
    """Return counts with the columns that shares make of those that are there.

    Parameters
    ----------
    counts : persons columns, one row an area or a point.
    codes : ``township`` and perhaps ``village`` -> the code of each row, in the same order.

    Raises
    ------
    StudyError
        The rows do not say the areas that a table of shares is by.
    TableError
        People live in areas without shares; the message names them.
    """
    made: dict[str, Floats] = {}
    for entry in given:
        if entry.of not in counts.columns:
            continue
        total = counts[entry.of].to_numpy(dtype=float)
        if entry.by == "district":
            rows = np.zeros(len(counts), dtype=np.int64)
        elif entry.by not in codes:
            raise StudyError(f"{entry.where}: by = {entry.by!r}, but the people of {where} are not by {entry.by}")
        else:
            rows = entry.table.index.get_indexer(pd.Index(codes[entry.by]))
            _refuse_without_shares(entry, codes[entry.by], (rows < 0) & (total > 0.0))
        for name in entry.table.columns:
            made[name] = total * entry.table[name].to_numpy()[rows]
    return counts.assign(**made)


def _refuse_without_shares(entry: Shares, code: pd.Series, lost: npt.NDArray[np.bool_]) -> None:
    if lost.any():
        names = sorted({str(text) for text in code[lost].fillna("(none)")})
        findings = [
            Finding(
                "error",
                entry.where,
                f"people live in {entry.by} {name}, for which there are no shares",
                "add its row",
                rule="shares_area_missing",
                value=name,
            )
            for name in names
        ]
        raise TableError.of(findings, where=entry.where)


def group_sums(counts: pd.DataFrame, study: StudyConfig) -> pd.DataFrame:
    """Return persons by base and group: the sums of the columns that each group names."""
    return pd.DataFrame(
        {
            tables.persons_column(base, group.id): counts[list(names)].sum(axis=1)
            for group in study.groups
            for base, names in group.columns.items()
        },
        index=counts.index,
    )


def findings_of(given: list[Shares]) -> list[Finding]:
    """Return the notes of all tables of shares."""
    return [finding for entry in given for finding in entry.findings]
