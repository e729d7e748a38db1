"""Columns of the sheets of report.xlsx: names in place of codes, and values in units people use.

Times are minutes, shares are fractions that the sheet shows in percent. An empty cell is a value that is missing; what
is never reached is said in words; small numbers of sensitive groups at one place are not told (``discretion``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pandas as pd

from chongming_gis import discretion, wording
from chongming_gis.units import seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chongming_gis.reports.figures import Told

Form: TypeAlias = Literal["text", "count", "amount", "share", "minutes", "score", "year"]
Value: TypeAlias = "str | float | None"

_SCOPES = ("district", "island", "township")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet: its heading, its values from top to bottom, and how they are shown."""

    title: str
    values: Sequence[Value]
    form: Form = "text"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with one table; ``marks`` are fills of cells by row, below the heading."""

    title: str
    what: str
    columns: tuple[Column, ...]
    marks: tuple[tuple[str, ...], ...] = ()

    @property
    def n_rows(self) -> int:
        """Return how many rows stand below the heading."""
        return len(self.columns[0].values)


def make_sheet(told: Told, key: str, columns: Iterable[Column], **blanks: object) -> Sheet:
    """Return a sheet with its title and what it holds, from the words."""
    words = told.words
    return Sheet(words(f"xlsx.{key}"), words(f"xlsx.{key}.what", **blanks), tuple(columns))


def column(told: Told, key: str, values: Iterable[Any], form: Form = "text") -> Column:
    """Return a column under a heading of the report."""
    own = f"xlsx.col.{key}"
    heading = told.words(own, currency=_currency(told)) if told.words.knows(own) else told.words(f"col.{key}")
    return Column(heading, [cell_value(told, value, form) for value in values], form)


def _currency(told: Told) -> str:
    costs = told.result.study.costs
    return told.words.or_raw("currency", costs[0].currency) if costs else wording.NOTHING


def cell_value(told: Told, value: Any, form: Form) -> Value:
    """Return what a cell holds: nothing where a value is missing, words where it is without end."""
    if pd.isna(value):
        return None
    if form == "text":
        return str(value)
    number = float(value)
    if math.isinf(number):
        key = f"xlsx.never.{form}"
        return told.words(key) if told.words.knows(key) else wording.NOTHING
    return seconds_to_minutes(number) if form == "minutes" else number


def people(told: Told, key: str, values: Iterable[float], groups: str | Iterable[str]) -> Column:
    """Return a column of people at one place each; small numbers of sensitive groups are not told.

    Parameters
    ----------
    groups : whom the numbers count, one for all or one a row.
    """
    made = column(told, key, values, "count")
    each = [groups] * len(made.values) if isinstance(groups, str) else list(groups)
    return Column(made.title, hidden_small(told, made.values, each), "count")


def hidden_small(told: Told, values: Sequence[Value], groups: Sequence[str]) -> list[Value]:
    """Return counts with the small ones of sensitive groups as the words that stand for them."""
    study = told.result.study
    wary = {group for group in set(groups) if discretion.is_sensitive(study, group)}
    return [
        discretion.HIDDEN
        if group in wary and isinstance(value, float) and discretion.is_hidden(study, group, value)
        else value
        for value, group in zip(values, groups, strict=True)
    ]


def service_names(told: Told, ids: Iterable[str]) -> list[str]:
    """Return the names of services by their ids."""
    return [told.words.heading(told.words.service(told.result.study, name)) for name in ids]


def township_names(told: Told, codes: pd.Series) -> list[str]:
    """Return the names of townships by their codes; no text where there is none."""
    return [told.townships.get(code, code) if pd.notna(code) else "" for code in codes]


def village_names(told: Told, codes: pd.Series) -> list[str]:
    """Return the names of villages by their codes; no text where there is none."""
    villages = told.result.villages
    names = dict(zip(villages["village_code"], villages["name_zh"], strict=True))
    return [str(names.get(code, code)) if pd.notna(code) else "" for code in codes]


def area_columns(told: Told, table: pd.DataFrame) -> tuple[Column, Column]:
    """Return of which kind and name the area of each row is."""
    words = told.words
    villages = dict(zip(told.result.villages["village_code"], told.result.villages["name_zh"], strict=True))
    groups = {group.id: words.name(group) for group in told.result.study.groups}
    names = []
    for scope, code in zip(table["scope"], table["scope_code"], strict=True):
        known = {
            "district": {code: words("report.whole")},
            "township": told.townships,
            "village": villages,
            "group": groups,
        }
        names.append(known.get(scope, {code: words.or_raw("island", code)}).get(code, code))
    scopes = [words(f"xlsx.scope.{scope}") for scope in table["scope"]]
    return column(told, "scope", scopes), column(told, "area", names)


def mode_names(told: Told, ids: Iterable[Any]) -> list[str]:
    """Return the names of modes by their ids; no text where there is none."""
    names = {mode.id: told.words.name(mode) for mode in told.result.study.modes}
    names["by_settlement"] = told.words("xlsx.by_settlement")
    return [names.get(name, name) if pd.notna(name) else "" for name in ids]


def measured_table(told: Told, name: str) -> pd.DataFrame | None:
    """Return the table of a measure, where it was taken and found something."""
    table = told.result.measured.get(name)
    return None if table is None or table.empty else table


def large_areas(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the study area, its islands and townships: those of villages are in the result folder."""
    return table[table["scope"].isin(_SCOPES)]
