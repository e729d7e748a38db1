"""The plan's indicators and named duties: what the study's files say, beside baseline and targets.

``measure_indicators`` counts facilities, capacity and the areas that have a service, and compares them with every
target set of the plan. It travels nowhere: indicators are about what exists; who reaches it is ``coverage``'s answer,
which ``add_covered`` fills in where an indicator asks for it.
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
    """The district's value (NaN = not measurable), what is missing of it, and the same by area where it is asked there.

    Shares are 0-1 here; what is missing is told whatever the target, and means nothing where less is better.
    """

    district: float
    places_short: float = math.nan
    persons_short: float = math.nan
    areas: pd.DataFrame | None = None  # scope, scope_code, name_zh, value, places_short, persons_short


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
        value = _measured(indicator, counted, _persons_of(indicator, study))
        for target_set in study.plan.target_sets if study.plan else ():
            if target_set.id in indicator.targets:
                rows += _rows(indicator, target_set, value, study)
    table = pd.DataFrame(rows, columns=list(INDICATORS.columns)).astype(column_types(INDICATORS))
    validate(table, INDICATORS, where="indicators")
    return table


def _persons_of(indicator: IndicatorConfig, study: StudyConfig) -> str | None:
    """Return the column of the persons whom an indicator is about: those of its first service."""
    if indicator.measure is None:
        return None
    service = study.service(indicator.measure.services[0])
    return persons_column(service.base, service.group)


def _whole(district: float, areas: pd.DataFrame) -> _Value:
    """Return the district's value with what its areas are short of together."""
    persons = areas["persons_short"]
    persons_short = float(persons.sum()) if persons.notna().any() else math.nan
    return _Value(district, float(areas["places_short"].sum()), persons_short, areas)


def _measured(indicator: IndicatorConfig, counted: _Counted, persons_of: str | None) -> _Value:
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
            areas = _areas_with(measure, counted, persons_of)
            return _whole(scale * _ratio(float(areas["value"].sum()), float(len(areas))), areas)
        case planning.Beside():
            beside = _beside(measure, counted)
            return _whole(
                scale * _ratio(float(beside.sum()), float(len(beside))), _beside_by_township(measure, counted)
            )
        case planning.Covered():
            return _Value(math.nan)  # see add_covered


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


def _areas_with(measure: planning.AreasWith, counted: _Counted, persons_of: str | None) -> pd.DataFrame:
    areas = counted.townships if measure.area == "township" else counted.villages
    column = f"{measure.area}_code"
    having = counted.facilities.places.loc[_chosen(measure, counted), column]
    has = areas[column].isin(having.dropna()).to_numpy(bool)
    persons = np.full(len(areas), np.nan)
    if persons_of is not None:
        number = pd.Index(areas[column]).get_indexer(pd.Index(counted.demand.points[column]))
        inside = number >= 0
        lived = counted.demand.persons[persons_of].to_numpy(float)[inside]
        persons = np.bincount(number[inside], lived, minlength=len(areas))
    return pd.DataFrame(
        {
            "scope": measure.area,
            "scope_code": areas[column].to_numpy(),
            "name_zh": areas["name_zh"].to_numpy(),
            "value": has.astype(float),
            "places_short": (~has).astype(float),
            "persons_short": np.where(has, 0.0, persons),
        }
    )


def _beside_by_township(measure: planning.Beside, counted: _Counted) -> pd.DataFrame:
    """Return the share of facilities with a neighbour in each township that has some, and how many are without."""
    places, beside = counted.facilities.places, _beside(measure, counted)
    own = places.loc[places["service"].isin(measure.services), "township_code"]
    table = pd.DataFrame({"scope_code": own.to_numpy(object), "beside": beside}).dropna(subset="scope_code")
    by_code = table.groupby("scope_code")["beside"].agg(["mean", "size", "sum"])
    names = counted.townships.set_index("township_code")["name_zh"]
    by_code = by_code.reindex([code for code in names.index if code in by_code.index])
    return pd.DataFrame(
        {
            "scope": "township",
            "scope_code": by_code.index.to_numpy(object),
            "name_zh": names.reindex(by_code.index).to_numpy(object),
            "value": by_code["mean"].to_numpy(float),
            "places_short": (by_code["size"] - by_code["sum"]).to_numpy(float),
            "persons_short": np.nan,
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
        **_short(indicator, value.places_short, value.persons_short, value.district, target),
    }
    if value.areas is None:
        return [district]
    scale = 100.0 if indicator.unit == PERCENT else 1.0
    needed = scale if isinstance(indicator.measure, planning.AreasWith) else target  # an area has one or has none
    return [district] + [
        {
            **common,
            "scope": scope,
            "scope_code": code,
            "name_zh": name,
            "value": scale * own,
            "baseline": math.nan,
            "target": math.nan if target is None else needed,
            **_verdict(indicator, scale * own, None if target is None else needed),
            **_short(indicator, places, persons, math.nan, target),
        }
        for scope, code, name, own, places, persons in value.areas.itertuples(index=False)
    ]


def _short(
    indicator: IndicatorConfig, places: float, persons: float, value: float, target: float | None
) -> Mapping[str, float]:
    """Return the places that are missing and who lives where they are, NaN where a target is open or less is better."""
    if target is None or indicator.direction == "at_most":
        return {"places_short": math.nan, "persons_short": math.nan}
    if isinstance(indicator.measure, planning.FacilityCount):
        places = max(target - value, 0.0)
    return {"places_short": places, "persons_short": persons}


def add_covered(table: pd.DataFrame, study: StudyConfig, coverage: pd.DataFrame) -> pd.DataFrame:
    """Return the indicators with those filled in that ask which share of a service's people is within its standard.

    Parameters
    ----------
    table : of ``measure_indicators``.
    coverage : ``tables.COVERAGE``; the headline standard, the serves rule applied, the service's own people.
    """
    if study.plan is None or table.empty:
        return table
    asked = {entry.id: entry for entry in study.plan.indicators if isinstance(entry.measure, planning.Covered)}
    sets = {entry.id: entry for entry in study.plan.target_sets}
    parts = [table[~table["indicator_id"].isin(asked)]]
    for indicator_id, target_set_id in table[["indicator_id", "target_set"]].drop_duplicates().itertuples(index=False):
        if indicator_id in asked:
            indicator = asked[indicator_id]
            made = _rows(indicator, sets[target_set_id], _covered(indicator, study, coverage), study)
            parts.append(pd.DataFrame(made, columns=list(INDICATORS.columns)).astype(column_types(INDICATORS)))
    order = {entry.id: number for number, entry in enumerate(study.plan.indicators)}
    filled = pd.concat(parts, ignore_index=True)
    filled = filled.sort_values("indicator_id", key=lambda column: column.map(order), kind="stable", ignore_index=True)
    validate(filled, INDICATORS, where="indicators")
    return filled


def _covered(indicator: IndicatorConfig, study: StudyConfig, coverage: pd.DataFrame) -> _Value:
    """Return the share of a service's people within its headline standard, for the district and its townships."""
    measure = indicator.measure
    service = study.service(measure.services[0] if measure else "")
    asked = {
        "service": service.id, "standard": service.standards[0].id, "serves_rule": "applied",
        "group": service.group, "base": service.base,
    }  # fmt: skip
    rows = coverage[np.logical_and.reduce([coverage[name] == value for name, value in asked.items()])]
    short = rows["persons"] - rows["persons_covered"]
    told = rows.assign(value=rows["share_covered"], places_short=math.nan, persons_short=short)
    columns = ["scope", "scope_code", "name_zh", "value", "places_short", "persons_short"]
    lived_in = (told["scope"] == "township") & (told["persons"] > 0.0)
    district = told[told["scope"] == "district"].iloc[0]
    scale = 100.0 if indicator.unit == PERCENT else 1.0
    return _Value(
        scale * float(district["value"]), math.nan, float(district["persons_short"]), told.loc[lived_in, columns]
    )


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
