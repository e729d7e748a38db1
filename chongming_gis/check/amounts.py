"""Numbers that cannot be, or hardly: capacities far from all others, zero or exceeded; people who do not add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.check.material import DEMAND, input_of
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from chongming_gis.check.material import PlaceTable
    from chongming_gis.config import StudyConfig
    from chongming_gis.findings import Finding
    from chongming_gis.tables import StudyInputs

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]

_FEWEST = 10  # fewer values have no usual size
_MANY_SPREADS = 6.0  # planning assumption: this many robust standard deviations of the logarithms from the median ...
_MANY_TIMES = 8.0  # ... and this many times more or less than it
_MAD_TO_SD = 1.4826  # of a normal distribution
_ROUNDING = 1.01  # sub-groups that were scaled to totals may exceed them this much


def judge_capacities(table: PlaceTable, capacity: pd.DataFrame | None) -> list[Finding]:
    """Return what is odd about the capacities of one service, unit by unit."""
    if capacity is None or len(capacity) == 0:
        return []
    found = []
    ids = table.frame[table.key]
    gives_nothing = (ids.map(capacity.groupby("facility_id")["value"].sum()) == 0.0).to_numpy()
    for unit, rows in capacity.groupby("unit", sort=True):
        of = rows.set_index("facility_id")
        value = ids.map(of["value"]).to_numpy(float, na_value=np.nan)
        used = ids.map(of["used"]).to_numpy(float, na_value=np.nan)
        found += _one_unit(table, str(unit), value, used, gives_nothing)
    return found


def _one_unit(table: PlaceTable, unit: str, value: Floats, used: Floats, gives_nothing: Bools) -> list[Finding]:
    column = next((name for name in (f"capacity_{unit}", "capacity") if name in table.columns), f"capacity_{unit}")
    column = table.columns.get(column, column)
    median, odd = odd_sizes(value)
    kinds = (
        (odd, "{amount} {unit} are far from all others (median {median})", "capacity_odd", "check the number"),
        (
            (value == 0.0) & gives_nothing,
            "a capacity of 0 {unit}",
            "capacity_zero",
            "leave the cell empty if it is not known",
        ),
        (used > value, "{used} {unit} are in use, but there are {amount}", "capacity_overused", "check both numbers"),
    )
    found = []
    for faulty, message, rule, advice in kinds:
        details = {
            "amount": [f"{number:,.10g}" for number in value[faulty]],
            "used": [f"{number:,.10g}" for number in used[faulty]],
            "median": f"{median:,.10g}",
            "unit": unit,
        }
        found += table.findings(faulty, message, rule=rule, suggestion=advice, column=column, details=details)
    return found


def odd_sizes(values: Floats) -> tuple[float, Bools]:
    """Return the median of the positive values, and which are far from it on a logarithmic scale.

    Notes
    -----
    Far: more than six robust standard deviations (1.4826 times the median absolute deviation of the logarithms) and
    more than eight times as large or small. Median and deviation do not move with a few wrong values.

    Examples
    --------
    >>> odd_sizes(np.array([40.0, 50, 60, 55, 45, 50, 52, 48, 47, 5000]))[1].nonzero()[0].tolist()
    [9]
    """
    positive = values > 0.0
    odd = np.zeros(len(values), dtype=bool)
    if positive.sum() < _FEWEST:
        return (float(np.median(values[positive])) if positive.any() else 0.0), odd
    logs = np.log(values[positive])
    median = float(np.median(logs))
    spread = _MAD_TO_SD * float(np.median(np.abs(logs - median)))
    odd[positive] = np.abs(logs - median) > max(_MANY_SPREADS * spread, float(np.log(_MANY_TIMES)))
    return float(np.exp(median)), odd


def judge_people(table: PlaceTable, inputs: StudyInputs, study: StudyConfig) -> list[Finding]:
    """Return what does not add up among the people, and services for nobody."""
    persons = inputs.demand.persons
    return [*_nobody_served(persons, study), *_groups(table, persons, study), *_empty_points(table, persons)]


def _nobody_served(persons: pd.DataFrame, study: StudyConfig) -> list[Finding]:
    message = "nobody of group {group} (base {base}) lives anywhere, for whom service {service} is"
    source = input_of(DEMAND, study.sources.demand)
    return [
        source.finding(
            message,
            rule="service_for_nobody",
            severity="error",
            suggestion="check groups.columns",
            details={"group": service.group, "base": service.base, "service": service.id},
        )
        for service in study.services
        if not persons[persons_column(service.base, service.group)].sum() > 0
    ]


def _groups(table: PlaceTable, persons: pd.DataFrame, study: StudyConfig) -> list[Finding]:
    """Return the points at which a group is larger than the group of everyone, told once a base and point."""
    found = []
    for base in study.bases:
        groups = [group.id for group in study.groups if base.id in group.columns]
        everyone = _everyone(study, base.id)
        if everyone is None:
            continue
        whole = persons[persons_column(base.id, everyone)].to_numpy(float)
        for group in groups:
            part = persons[persons_column(base.id, group)].to_numpy(float)
            more = part > whole * _ROUNDING + 0.5
            found += table.findings(
                more,
                "has {part} persons of group {group}, but only {whole} of {everyone} ({base})",
                rule="group_exceeds_all",
                suggestion="check both columns",
                details={
                    "part": [f"{number:,.10g}" for number in part[more]],
                    "whole": [f"{number:,.10g}" for number in whole[more]],
                    "group": group,
                    "everyone": everyone,
                    "base": base.id,
                },
            )
    return found


def _everyone(study: StudyConfig, base: str) -> str | None:
    """Return the group that everyone belongs to: its name says so, or its columns hold all columns of most groups."""
    columns = {group.id: set(group.columns[base]) for group in study.groups if base in group.columns}
    named = [name for name in ("everyone", "all", "total", "population") if name in columns]
    if named:
        return named[0]
    if len(columns) < 2:
        return None
    largest = max(columns, key=lambda name: len(columns[name]))
    holds = [name for name in columns if columns[name] <= columns[largest]]
    return largest if len(holds) > len(columns) / 2 and len(columns[largest]) > 1 else None


def _empty_points(table: PlaceTable, persons: pd.DataFrame) -> list[Finding]:
    empty = int((persons.sum(axis=1) == 0).sum())
    if not empty:
        return []
    details = {"n": str(empty), "of": str(len(persons))}
    said = "{n} of {of} points have nobody living there"
    return [table.source.finding(said, rule="points_without_people", severity="note", details=details)]
