"""Years until the plots that people may use are full: plots left / (deaths x share), with an interval.

Deaths and shares are the factors of the service's needs. A ground that serves one village or township is for its own
people: they fill their village's ground first, then their township's, then (told for the district only) those that are
open to all. Planned grounds do not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis.coverage import DISTRICT
from chongming_gis.measured.groundwork import Groundwork, Measured, Step
from chongming_gis.measured_tables import BURIAL
from chongming_gis.reach import is_restricted
from chongming_gis.tables import column_types, persons_column

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig, StudyConfig

    Floats = npt.NDArray[np.float64]

_PER_YEAR = "_per_year"  # the end of a need's unit
_RATES = ("per_year_low", "per_year", "per_year_high")
_YEARS = ("years_low", "years", "years_high")  # of the high, the likely and the low rate


@dataclass(frozen=True, slots=True)
class Filling:
    """Who fills which grounds of one area: places a year by village, and what is left to them, their township, all."""

    per_year: Floats  # by village; a village without a ground of its own has nothing left
    village_left: Floats
    township_of: npt.NDArray[np.intp]  # of each village: its row in township_left
    township_left: Floats
    open_left: float = 0.0

    def years(self) -> float:
        """Return the years until the first people find no plot they may use; inf if nobody is ever buried.

        Notes
        -----
        What a set of villages may use together bounds how long it lasts: years <= (plots of the set) / (places a year
        of the set). The least of these bounds is reached (Hall 1935). It is found from above: of all villages, those
        that are short at the present bound give the next one, until none is (Dinkelbach 1967).
        """
        if not self.per_year.any():
            return np.inf
        asked = self.per_year > 0.0
        years = self._bound(asked, np.ones(len(self.township_left), dtype=bool))
        while True:
            over = np.maximum(self.per_year * years - self.village_left, 0.0)
            beyond = np.bincount(self.township_of, over, minlength=len(self.township_left))
            is_short = beyond > self.township_left
            villages = (over > 0.0) & is_short[self.township_of]
            if (beyond - self.township_left)[is_short].sum() <= self.open_left or not villages.any():
                return years
            bound = self._bound(villages, is_short)
            if not bound < years:
                return years
            years = bound

    def _bound(self, villages: npt.NDArray[np.bool_], townships: npt.NDArray[np.bool_]) -> float:
        plots = self.village_left[villages].sum() + self.township_left[townships].sum() + self.open_left
        return float(plots / self.per_year[villages].sum())


def _is_asked(study: StudyConfig) -> bool:
    return study.measures.burial is not None


def _measure(ground: Groundwork) -> Measured:
    asked = ground.study.measures.burial
    if asked is None:
        return Measured()
    tables = [_fill(ground, ground.study.service(name)) for name in asked.services]
    types = column_types(BURIAL)
    return Measured(tables={BURIAL.name: pd.concat(tables, ignore_index=True)[list(types)].astype(types)})


def _fill(ground: Groundwork, service: ServiceConfig) -> pd.DataFrame:
    """Return the rows of one service: the district, its townships, and the villages with a ground of their own."""
    people, grounds = _people(ground, service), _grounds(ground, service)
    named = {area: _names(getattr(ground.inputs, f"{area}s"), area) for area in ("township", "village")}
    is_own = {area: grounds["serves"] == area for area in named}
    rows: list[dict[str, object]] = [
        {"scope": DISTRICT, "scope_code": ground.study.id, "name_zh": ground.study.name_zh, **_figures(people, grounds)}
    ]
    for code in sorted({*named["township"], *people["township"]} - {""}):
        inside = people[people["township"] == code]
        own = (is_own["township"] & (grounds["whom"] == code)) | (
            is_own["village"] & grounds["whom"].isin(inside["village"])
        )
        figures = _figures(inside, grounds[own])
        rows.append({"scope": "township", "scope_code": code, "name_zh": named["township"].get(code), **figures})
    for code in sorted(grounds.loc[is_own["village"], "whom"].unique()):
        own = is_own["village"] & (grounds["whom"] == code)
        figures = _figures(people[people["village"] == code], grounds[own])
        rows.append({"scope": "village", "scope_code": code, "name_zh": named["village"].get(code), **figures})
    return pd.DataFrame(rows).assign(service=service.id)


def _names(areas: pd.DataFrame, area: str) -> dict[str, str]:
    return dict(zip(areas[f"{area}_code"], areas["name_zh"], strict=True))


def _people(ground: Groundwork, service: ServiceConfig) -> pd.DataFrame:
    """Return one row a village: village, township, persons, and places a year at the low, likely and high rates.

    People without a village are a village of their township, those without a township ("") are together.
    """
    needs = [need for need in ground.study.needs if need.service == service.id and need.unit.endswith(_PER_YEAR)]
    counted = ground.inputs.demand.persons
    groups = sorted({persons_column(need.base, need.group) for need in needs})
    places = {
        name: sum(
            counted[persons_column(need.base, need.group)].to_numpy(float) * need.rate_range[end] for need in needs
        )
        for end, name in enumerate(_RATES)
    }
    points = ground.demand.points
    township = points["township_code"].astype(object).fillna("")
    village = points["village_code"].astype(object).fillna("in:" + township)
    table = pd.DataFrame({"village": village, "township": township})
    table = table.assign(persons=counted[groups].to_numpy(float).sum(axis=1), **places)
    sums = {name: (name, "sum") for name in ("persons", *_RATES)}
    return table.groupby("village", as_index=False, sort=True).agg(township=("township", "first"), **sums)


def _grounds(ground: Groundwork, service: ServiceConfig) -> pd.DataFrame:
    """Return the existing grounds: serves, whom (a code, "" = all), value, used, left, data_kind."""
    read = ground.inputs.facilities[service.id]
    places = pd.DataFrame(read.places.drop(columns="geometry"))
    places = places[places["status"] == "existing"]
    capacity = read.capacity[read.capacity["unit"] == service.capacity_unit]
    table = places.merge(capacity[["facility_id", "value", "used"]], on="facility_id", how="left")
    own = table["village_code"].where(table["serves"] == "village", table["township_code"]).astype(object)
    table["whom"] = own.where(is_restricted(table), "")
    table["left"] = (table["value"] - table["used"]).clip(lower=0.0)  # NaN where either is not stated
    return table[table["whom"].notna()].reset_index(drop=True)


def _figures(people: pd.DataFrame, grounds: pd.DataFrame) -> dict[str, object]:
    """Return the figures of some villages and the grounds that serve them."""
    unknown, left = int(grounds["left"].isna().sum()), float(grounds["left"].sum())
    persons = float(people["persons"].sum())
    is_told = unknown == 0 and persons > 0.0
    years = _years(people, grounds) if is_told else [np.nan] * len(_RATES)
    per_year = {rate: float(people[rate].sum()) for rate in _RATES}
    pooled = left / per_year["per_year"] if per_year["per_year"] > 0.0 else np.inf
    return {
        "n_grounds": len(grounds),
        "n_unknown": unknown,
        "plots": float(grounds["value"].sum()),
        "used": float(grounds["used"].sum()),
        "plots_left": left if unknown == 0 else np.nan,
        "persons": persons,
        **per_year,
        **dict(zip(_YEARS, years, strict=True)),
        "years_pooled": pooled if is_told else np.nan,
        "evidence": "schematic" if (grounds["data_kind"] == "schematic").any() else "data",
    }


def _years(people: pd.DataFrame, grounds: pd.DataFrame) -> list[float]:
    """Return the years at the high, the likely and the low rate."""
    townships, township_of = np.unique(people["township"].to_numpy(object), return_inverse=True)
    left = {serves: _left(grounds, serves) for serves in ("village", "township", "")}
    village_left = np.array([left["village"].get(code, 0.0) for code in people["village"]])
    township_left = np.array([left["township"].get(code, 0.0) for code in townships])
    rates = people[list(_RATES)].to_numpy(float)
    return [
        Filling(rates[:, end], village_left, township_of, township_left, left[""].get("", 0.0)).years()
        for end in reversed(range(len(_RATES)))
    ]


def _left(grounds: pd.DataFrame, serves: str) -> dict[str, float]:
    """Return what is left in the grounds of villages, of townships, or in those open to all (""), by whom for."""
    mine = grounds["serves"].to_numpy(object) == serves if serves else grounds["whom"].to_numpy(object) == ""
    found: dict[str, float] = {}
    for code, left in zip(grounds["whom"].to_numpy(object)[mine], grounds["left"].to_numpy(float)[mine], strict=True):
        found[code] = found.get(code, 0.0) + left
    return found


STEP = Step(name="burial", depth="daily", is_asked=_is_asked, measure=_measure)
