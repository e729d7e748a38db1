"""Where beds are built, added and converted so that the plan's targets are met at least cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from chongming_gis.findings import Finding
from chongming_gis.measured.bed_question import ask_beds, costs_of
from chongming_gis.measured.groundwork import Measured, Step
from chongming_gis.measured_tables import BED_DUTIES, BED_FRONTIER, BED_PLAN, BED_PLANS
from chongming_gis.siting.bed_problem import AreaDuty
from chongming_gis.siting.bed_rows import ways_of
from chongming_gis.siting.beds import allot_beds, find_frontier, reached
from chongming_gis.tables import column_types, no_rows

if TYPE_CHECKING:
    from chongming_gis.measured.bed_question import AskedBeds
    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.planning import IndicatorConfig
    from chongming_gis.siting.beds import BedPlan
    from chongming_gis.tables import Contract

TIME_LIMIT_S = 20.0  # for the plan, and again for all points of its frontier; a few seconds are enough here
_SAME = 1e-9
_SCALES = {"percent": 100.0}


def allot(ground: Groundwork) -> Measured:
    """Return every bed plan of the study: certificate, what is done where, which targets it meets, and the frontier."""
    plans, rows, duties, frontier, findings = [], [], [], [], []
    for config in ground.study.bed_plans:
        asked = ask_beds(config, ground)
        findings += _findings(asked)
        plan = None
        if asked.targets:
            plan = allot_beds(asked.question, travel=asked.travel, time_limit_s=TIME_LIMIT_S)
        plans.append(_plan_row(asked, plan, ground))
        duties += _duty_rows(asked, plan)
        if plan is None or plan.status in {"infeasible", "unknown"}:
            continue
        rows.append(_actions(asked, plan))
        points = find_frontier(
            asked.question, asked.travel, points=config.frontier_points, first=plan, time_limit_s=TIME_LIMIT_S
        )
        known = (plans[-1]["minutes"], plans[-1]["share_in_time"])
        frontier += [_point(asked, one, at, known if one is plan else None) for at, one in enumerate(points, start=1)]
    crs = ground.demand.points.crs
    return Measured(
        tables={
            BED_PLANS.name: _table(BED_PLANS, plans),
            BED_PLAN.name: pd.concat(rows, ignore_index=True) if rows else no_rows(BED_PLAN, crs),
            BED_DUTIES.name: _table(BED_DUTIES, duties),
            BED_FRONTIER.name: _table(BED_FRONTIER, frontier),
        },
        findings=tuple(findings),
    )


def _table(contract: Contract, rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(contract.columns)).astype(column_types(contract))


def _findings(asked: AskedBeds) -> list[Finding]:
    where = f"bed_plans.{asked.plan.id}"
    told = [
        Finding(
            "warning",
            where,
            f"target {indicator.id!r} of {asked.plan.target_set!r} is still to be filled: the bed plan leaves it out",
            suggestion=f"fill plan.indicators.{indicator.id}.targets.{asked.plan.target_set}",
            rule="bed_target_to_fill",
            details={"indicator": indicator.id, "target_set": asked.plan.target_set},
        )
        for indicator in asked.open_targets
    ]
    if asked.unstated:
        ids = ", ".join(asked.unstated[:5]) + (", ..." if len(asked.unstated) > 5 else "")
        told.append(
            Finding(
                "warning",
                where,
                f"{len(asked.unstated)} homes state no {asked.unit} and count as having none: {ids}",
                suggestion=f"fill capacity_{asked.unit}",
                rule="beds_not_stated",
                details={"n": str(len(asked.unstated)), "ids": ids},
            )
        )
    return told


def _plan_row(asked: AskedBeds, plan: BedPlan | None, ground: Groundwork) -> dict[str, Any]:
    costs, sites = costs_of(asked.plan, ground.study.costs), asked.question.sites
    row: dict[str, Any] = {
        "plan": asked.plan.id,
        "service": asked.plan.service,
        "target_set": asked.plan.target_set,
        "status": "to_fill" if plan is None else plan.status,
        "stop_reason": "" if plan is None else plan.stop_reason,
        "reason": (plan.reason or None) if plan else None,
        "currency": costs[0].currency if costs else "",
        "price_year": costs[0].year if costs else None,
        "beds_before": float(sites.beds.sum()),
        "n_homes": int(np.count_nonzero(~sites.is_new)),
        "n_ground": int(np.count_nonzero(sites.is_new)),
        "need": float(asked.travel.need.sum()),
    }
    nothing = np.zeros(sites.n_sites, dtype=np.int64)
    row |= dict(zip(("minutes_before", "share_in_time_before"), _ways(asked, nothing), strict=True))
    if plan is None or plan.status in {"infeasible", "unknown"}:
        return row
    minutes, share = _ways(asked, plan.added)
    return row | {
        "cost": plan.cost,
        "bound": plan.bound,
        "gap": plan.gap,
        "beds_after": float(sites.beds.sum() + plan.added.sum()),
        "n_new": int(np.count_nonzero(sites.is_new & (plan.added > 0))),
        "n_extended": int(np.count_nonzero(~sites.is_new & (plan.added > 0))),
        "minutes": minutes,
        "share_in_time": share,
    }


def _ways(asked: AskedBeds, added: np.ndarray) -> tuple[float, float]:
    """Return the mean minutes of everyone in need, and the share who find a bed within the standard; NaN for nobody."""
    total = float(asked.travel.need.sum())
    if total == 0.0:
        return math.nan, math.nan
    minutes, flows = ways_of(asked.question, asked.travel, added)
    return minutes / total, float(flows.multiply(asked.in_time).sum()) / total


def _duty_rows(asked: AskedBeds, plan: BedPlan | None) -> list[dict[str, Any]]:
    has_plan = plan is not None and plan.status not in {"infeasible", "unknown"}
    after = reached(asked.question, plan) if has_plan and plan is not None else [math.nan] * len(asked.targets)
    told = []
    for indicator, duty, value in zip(asked.targets, asked.question.duties, after, strict=True):
        target = indicator.target(asked.plan.target_set) or 0.0
        if isinstance(duty, AreaDuty):
            scale = _SCALES.get(indicator.unit, 1.0) / max(len(duty.has), 1)
            before, now = scale * float(duty.has.sum()), scale * value
        else:
            before, now = _shown(asked, indicator, None), _shown(asked, indicator, plan if has_plan else None)
            now = now if has_plan else math.nan
        told.append(
            {
                **_named(asked, indicator),
                "before": before,
                "target": target,
                "after": now,
                "status": _status(indicator, before, now, target),
            }
        )
    return told + [{**_named(asked, one), "status": "to_fill"} for one in asked.open_targets]


def _named(asked: AskedBeds, indicator: IndicatorConfig) -> dict[str, Any]:
    return {
        "plan": asked.plan.id,
        "indicator_id": indicator.id,
        "target_set": asked.plan.target_set,
        "unit": indicator.unit,
        "evidence": "schematic" if indicator.decided_by_rule else "data",
    }


def _shown(asked: AskedBeds, indicator: IndicatorConfig, plan: BedPlan | None) -> float:
    """Return an indicator's value in its own unit, before or after a plan."""
    duty = asked.question.duties[asked.targets.index(indicator)]
    if isinstance(duty, AreaDuty):
        return math.nan
    measure = indicator.measure
    value = duty.standing if plan is None else reached(asked.question, plan)[asked.targets.index(indicator)]
    if measure is None or measure.of != "capacity_share":
        return value / duty.scale
    added = 0.0 if plan is None else float(plan.added.sum())
    whole = asked.wholes[indicator.id] + added
    share = (indicator.target(asked.plan.target_set) or 0.0) / _SCALES.get(indicator.unit, 1.0)
    return _SCALES.get(indicator.unit, 1.0) * (value / whole + share) if whole > 0.0 else math.nan


def _status(indicator: IndicatorConfig, before: float, now: float, target: float) -> str:
    slack = _SAME * max(1.0, abs(target))

    def meets(value: float) -> bool:
        return {
            "at_least": value >= target - slack,
            "at_most": value <= target + slack,
            "equal": abs(value - target) <= slack,
        }[indicator.direction]

    if meets(before) and (math.isnan(now) or meets(now)):
        return "met_before"
    return "met" if meets(now) else "not_met"


def _actions(asked: AskedBeds, plan: BedPlan) -> gpd.GeoDataFrame:
    """Return what is done at each site, a row a thing, with the targets it counts towards."""
    question, sites = asked.question, asked.question.sites
    short = {
        indicator.id
        for indicator, row in zip(asked.targets, _duty_rows(asked, plan), strict=False)
        if row["status"] != "met_before"
    }
    told: list[tuple[int, str, str, int, float, list[str]]] = []
    new_kinds = {kind.name for kind in sites.kinds if kind.is_of_new}
    for site in np.flatnonzero(plan.added > 0).tolist():
        what = "new" if sites.is_new[site] else "extended"
        beds = int(plan.added[site])
        cost = float(beds * sites.bed_costs[site] + sites.build_costs[site])
        units = {asked.unit, *new_kinds}
        told.append((site, what, asked.unit, beds, cost, _meets(asked, short, units, is_site=bool(sites.is_new[site]))))
    for at, kind in enumerate(sites.kinds):
        for site in np.flatnonzero(plan.converted[at] > 0).tolist():
            beds = int(plan.converted[at][site])
            told.append((site, "converted", kind.name, beds, beds * kind.cost, _meets(asked, short, {kind.name})))
    for site in np.flatnonzero(plan.standardised).tolist():
        cost = 0.0 if sites.is_new[site] else sites.standard_cost
        beds = int(sites.beds[site] + plan.added[site])
        areas = [duty.name for duty in question.duties if isinstance(duty, AreaDuty) and duty.needs_standard]
        told.append((site, "standardised", asked.unit, beds, cost, [name for name in areas if name in short]))
    told.sort(key=lambda row: (row[0], ("new", "extended", "standardised", "converted").index(row[1]), row[2]))
    own = asked.sites.iloc[[row[0] for row in told]]
    table = gpd.GeoDataFrame(
        {
            "plan": asked.plan.id,
            **{name: own[name].to_numpy() for name in ("place_id", "name_zh", "township_code", "village_code", "kind")},
            "what": [row[1] for row in told],
            "unit": [row[2] for row in told],
            "beds": [row[3] for row in told],
            "beds_before": sites.beds[[row[0] for row in told]],
            "cost": [row[4] for row in told],
            "targets": [" | ".join(row[5]) for row in told],
        },
        geometry=own.geometry.to_numpy(),
        crs=asked.sites.crs,
    )
    return table.astype(column_types(BED_PLAN))


def _meets(asked: AskedBeds, short: set[str], units: set[str], *, is_site: bool = False) -> list[str]:
    """Return the targets not met before that beds of these units count towards."""
    told = []
    for indicator in asked.targets:
        measure = indicator.measure
        counts = measure is not None and getattr(measure, "unit", None) in units
        counts = counts or (is_site and measure is not None and measure.of == "facilities")
        told += [indicator.id] if counts and indicator.id in short else []
    return told


def _point(asked: AskedBeds, plan: BedPlan, at: int, ways: tuple[float, float] | None) -> dict[str, Any]:
    sites = asked.question.sites
    minutes, share = ways or _ways(asked, plan.added)
    return {
        "plan": asked.plan.id,
        "point": at,
        "cost": plan.cost,
        "minutes": minutes,
        "minutes_bound": min(plan.minutes_bound, minutes),
        "share_in_time": share,
        "new_beds": int(plan.added[sites.is_new].sum()),
        "extended_beds": int(plan.added[~sites.is_new].sum()),
        "n_new": int(np.count_nonzero(sites.is_new & (plan.added > 0))),
        "n_extended": int(np.count_nonzero(~sites.is_new & (plan.added > 0))),
    }


STEP = Step("beds", "full", lambda study: bool(study.bed_plans), allot)
