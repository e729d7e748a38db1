"""The plan's indicators and named duties: what the study's files say, beside baseline and targets.

``measure_indicators`` counts facilities, capacity and the areas that have a service, and compares them with every
target set of the plan. It travels nowhere: indicators are about what exists; who reaches it is ``coverage``'s answer.
Where a rule of schematic data decides the value, no verdict is given (status ``schematic``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pandas as pd
import shapely

from chongming_gis import planning
from chongming_gis.tables import INDICATORS, column_types, persons_column, validate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.config import StudyConfig
    from chongming_gis.planning import IndicatorConfig, TargetSetConfig
    from chongming_gis.tables import Demand, Facilities

PERCENT = "percent"

Status: TypeAlias = Literal["met", "not_met", "schematic", "to_fill", "not_measured"]
Evidence: TypeAlias = Literal["data", "schematic", "stated"]

_SAME = 1e-9  # relative: a share of 13/18 printed as 72.2222222 and read back meets 72.2222222


@dataclass(frozen=True, slots=True)
class _Counted:
    """What measures are taken from."""

    facilities: Facilities
    demand: Demand
    townships: gpd.GeoDataFrame
    villages: gpd.GeoDataFrame


@dataclass(frozen=True, slots=True)
class _Value:
    """The district's value (NaN = not measurable), and which of the areas asked of have what they need."""

    district: float
    areas: pd.DataFrame | None = None  # scope, scope_code, name_zh, has


def measure_indicators(
    study: StudyConfig,
    *,
    facilities: Facilities,
    demand: Demand,
    townships: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
) -> pd.DataFrame:
    """Return every indicator under each of its target sets (``tables.INDICATORS``), in the order of the study.

    Parameters
    ----------
    facilities : of all services; planned ones are not counted.
    townships, villages : the areas that an ``areas_with`` indicator is asked of.

    Notes
    -----
    Shares are in percent where the indicator's unit is ``percent``, else 0-1. ``at_least`` and ``at_most`` include the
    target itself. A study without a plan gives a table without rows.
    """
    counted = _Counted(facilities.only(facilities.places["status"] == "existing"), demand, townships, villages)
    rows: list[dict[str, object]] = []
    for indicator in study.plan.indicators if study.plan else ():
        value = _measured(indicator, counted)
        for target_set in study.plan.target_sets if study.plan else ():
            if target_set.id in indicator.targets:
                rows += _rows(indicator, target_set, value, study)
    table = pd.DataFrame(rows, columns=list(INDICATORS.columns)).astype(column_types(INDICATORS))
    validate(table, INDICATORS, where="indicators")
    return table


def _measured(indicator: IndicatorConfig, counted: _Counted) -> _Value:
    measure = indicator.measure
    scale = 100.0 if indicator.unit == PERCENT else 1.0
    match measure:
        case None:
            return _Value(math.nan)
        case planning.FacilityCount():
            return _Value(float(_chosen(measure, counted).sum()))
        case planning.CapacitySum():
            return _Value(_capacity(measure.services, measure.unit, counted))
        case planning.CapacityShare():
            part = _capacity(measure.services, measure.unit, counted)
            return _Value(scale * _ratio(part, _capacity(measure.services, measure.whole_unit, counted)))
        case planning.CapacityPerPerson():
            persons = float(counted.demand.persons[persons_column(measure.base, measure.group)].sum())
            return _Value(scale * _ratio(_capacity(measure.services, measure.unit, counted), persons))
        case planning.AreasWith():
            areas = _areas_with(measure, counted)
            return _Value(scale * _ratio(float(areas["has"].sum()), float(len(areas))), areas)
        case planning.Beside():
            beside = _beside(measure, counted)
            return _Value(scale * _ratio(float(beside.sum()), float(len(beside))))


def _ratio(part: float, whole: float) -> float:
    """Return part of whole, NaN where there is no whole."""
    return part / whole if whole > 0.0 else math.nan


def _chosen(measure: planning.FacilityCount | planning.AreasWith, counted: _Counted) -> npt.NDArray[np.bool_]:
    places = counted.facilities.places
    chosen = places["service"].isin(measure.services)
    if measure.kinds:
        chosen = chosen & places["kind"].isin(measure.kinds)
    if measure.standardised:
        chosen = chosen & places["standardised"].fillna(value=False).astype(bool)
    return np.asarray(chosen, dtype=bool)


def _capacity(services: Sequence[str], unit: str, counted: _Counted) -> float:
    """Return the capacity of a unit over some services, NaN where none of them states any."""
    places, capacity = counted.facilities.places, counted.facilities.capacity
    ids = places.loc[places["service"].isin(services), "facility_id"]
    values = capacity.loc[capacity["facility_id"].isin(ids) & (capacity["unit"] == unit), "value"]
    return float(values.sum()) if len(values) else math.nan


def _areas_with(measure: planning.AreasWith, counted: _Counted) -> pd.DataFrame:
    areas = counted.townships if measure.area == "township" else counted.villages
    column = f"{measure.area}_code"
    having = counted.facilities.places.loc[_chosen(measure, counted), column]
    return pd.DataFrame(
        {
            "scope": measure.area,
            "scope_code": areas[column].to_numpy(),
            "name_zh": areas["name_zh"].to_numpy(),
            "has": areas[column].isin(having.dropna()).to_numpy(),
        }
    )


def _beside(measure: planning.Beside, counted: _Counted) -> npt.NDArray[np.bool_]:
    """Return which facilities have one of the others on their own site or within the distance."""
    places = counted.facilities.places
    own, others = places[places["service"].isin(measure.services)], places[places["service"].isin(measure.others)]
    beside = own["site_id"].notna().to_numpy() & own["site_id"].isin(others["site_id"].dropna()).to_numpy()
    if len(others):
        tree = shapely.STRtree(others.geometry.to_numpy())
        near, _ = tree.query(own.geometry.to_numpy(), predicate="dwithin", distance=measure.within_m)
        beside = beside | np.isin(np.arange(len(own)), near)
    return np.asarray(beside, dtype=bool)


def _rows(
    indicator: IndicatorConfig, target_set: TargetSetConfig, value: _Value, study: StudyConfig
) -> list[dict[str, object]]:
    target = indicator.target(target_set.id)
    is_base = study.plan is not None and target_set.base_year == study.plan.baseline_year
    common = {
        "indicator_id": indicator.id,
        "target_set": target_set.id,
        "unit": indicator.unit,
        "target_year": target_set.year,
        "evidence": _evidence(indicator),
    }
    district = {
        **common,
        "scope": "district",
        "scope_code": study.id,
        "name_zh": study.name_zh,
        "value": value.district,
        "baseline": math.nan if indicator.baseline is None or not is_base else indicator.baseline,
        "target": math.nan if target is None else target,
        **_verdict(indicator, value.district, target),
    }
    if value.areas is None:
        return [district]
    needed = 100.0 if indicator.unit == PERCENT else 1.0
    return [district] + [
        {
            **common,
            "scope": scope,
            "scope_code": code,
            "name_zh": name,
            "value": needed * has,
            "baseline": math.nan,
            "target": math.nan if target is None else needed,
            **_verdict(indicator, needed * has, None if target is None else needed),
        }
        for scope, code, name, has in value.areas.itertuples(index=False)
    ]


def _evidence(indicator: IndicatorConfig) -> Evidence:
    if indicator.measure is None:
        return "stated"
    return "schematic" if indicator.decided_by_rule else "data"


def _verdict(indicator: IndicatorConfig, value: float, target: float | None) -> Mapping[str, object]:
    """Return status and shortfall; no verdict rests on a rule of schematic data."""
    status, shortfall = _status(indicator, value, target), math.nan
    if status in {"met", "not_met"} and target is not None:
        missing = {"at_least": target - value, "at_most": value - target, "equal": abs(target - value)}
        shortfall = 0.0 if status == "met" else missing[indicator.direction]
    return {"status": status, "shortfall": shortfall}


def _status(indicator: IndicatorConfig, value: float, target: float | None) -> Status:
    if target is None:
        return "to_fill"
    if math.isnan(value):
        return "not_measured"
    if indicator.decided_by_rule:
        return "schematic"
    slack = _SAME * max(1.0, abs(target))
    is_met = {
        "at_least": value >= target - slack,
        "at_most": value <= target + slack,
        "equal": abs(value - target) <= slack,
    }
    return "met" if is_met[indicator.direction] else "not_met"
