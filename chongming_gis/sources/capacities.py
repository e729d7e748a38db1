"""How much of which unit facilities give and how much is in use, from the columns of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis.sources import cells, layers

if TYPE_CHECKING:
    from chongming_gis.findings import Finding


def read_capacity(
    table: layers.PointTable, facility_id: pd.Series, capacity_unit: str | None, units: dict[str, str]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return one row a facility and unit, and the faults of the capacity columns."""
    frames: list[pd.DataFrame] = []
    faults: list[Finding] = []
    for unit, columns in _capacity_columns(table.frame, capacity_unit).items():
        suffix = f"_{unit}" if unit else ""
        value_name, clash = _one_of(table, columns.get("capacity", []), f"capacity{suffix}")
        used_name, used_clash = _one_of(table, columns.get("used", []), f"used{suffix}")
        faults += [*clash, *used_clash]
        if not unit:
            words, remedy = f"column {value_name!r} has no unit", "set capacity_unit, or call it capacity_<unit>"
            faults += table.table_fault(words, rule="capacity_unit", suggestion=remedy)
            continue
        value, value_faults = _amounts(table, value_name, units)
        used, used_faults = _amounts(table, used_name, units)
        faults += [*value_faults, *used_faults]
        is_empty = layers.text_column(table.frame, value_name).isna()  # an unreadable one is told already
        words = f"{table.names.get(used_name, used_name)} is given without {table.names.get(value_name, value_name)}"
        faults += table.fault(used.notna() & is_empty, words, rule="capacity_used_alone", column=used_name)
        rows = pd.DataFrame({"facility_id": facility_id, "unit": unit, "value": value, "used": used})
        frames.append(rows[value.notna()].astype({"unit": "str"}))
    if frames:
        return pd.concat(frames, ignore_index=True), faults
    empty = {"facility_id": pd.Series(dtype="str"), "unit": pd.Series(dtype="str")}
    return pd.DataFrame({**empty, "value": pd.Series(dtype=float), "used": pd.Series(dtype=float)}), faults


def _capacity_columns(frame: pd.DataFrame, capacity_unit: str | None) -> dict[str, dict[str, list[str]]]:
    """Return for each unit the columns of ``capacity`` and ``used``; the unit of the plain columns may be empty."""
    found: dict[str, dict[str, list[str]]] = {}
    for name in map(str, frame.columns):
        word, _, unit = name.partition("_")
        if word in {"capacity", "used"}:
            found.setdefault(unit or capacity_unit or "", {}).setdefault(word, []).append(name)
    return found


def _one_of(table: layers.PointTable, names: list[str], default: str) -> tuple[str, list[Finding]]:
    """Return the column that holds something, and the fault that two do."""
    filled = [name for name in names if table.frame[name].notna().any()] or names
    if len(filled) < 2:
        return (filled or [default])[0], []
    theirs = " and ".join(repr(table.names.get(name, name)) for name in filled)
    words = f"columns {theirs} both say the same of facilities, and one is meant"
    remedy = "remove one, or map one in columns"
    return filled[0], table.table_fault(words, rule="capacity_twice", suggestion=remedy, details={"columns": theirs})


def _amounts(table: layers.PointTable, name: str, units: dict[str, str]) -> tuple[pd.Series, list[Finding]]:
    if name not in table.frame.columns:
        return pd.Series(np.nan, index=table.frame.index, dtype=float), []
    read = cells.read_numbers(layers.text_column(table.frame, name), unit=units.get(name, ""))
    label = table.names.get(name, name)
    one = "write one number"
    about = "it is said to be about this much; the number was read"
    findings = [
        *table.fault(read.unreadable & ~read.ranges, f"{label} is not a number", rule="capacity_text", column=name),
        *table.fault(read.ranges, f"{label} is not one number", rule="capacity_range", column=name, suggestion=one),
        *table.fault(read.numbers < 0.0, f"{label} is negative", rule="capacity_negative", column=name),
        *table.fault(read.approximate, f"{label}: {about}", rule="capacity_about", column=name, severity="note"),
    ]
    return pd.Series(read.numbers, index=table.frame.index), findings
