"""Proposals built over the years: what in which year, and what the price of keeping what stands is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from chongming_gis.measured.groundwork import Measured, Step
from chongming_gis.measured.questions import uncounted_question_of
from chongming_gis.measured_tables import PHASE_SITES, PHASES
from chongming_gis.proposals.question import WITHIN
from chongming_gis.siting.phases import Phases, plan_phases
from chongming_gis.tables import column_types, no_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.phasemodel import PhasesConfig
    from chongming_gis.proposals import Question
    from chongming_gis.siting.phases import PhasedPlan

TIME_LIMIT_S = 12.0  # of one phased proposal; the certificate says what was proven until then
TARGET_GAP = 1e-4


def phase(ground: Groundwork) -> Measured:
    """Return every phased proposal of the study: its years with certificate and price, and its sites."""
    asked = questions(ground, (entry.proposal for entry in ground.study.phases))
    years, sites = [], []
    for entry in ground.study.phases:
        question = asked[entry.proposal]
        plan = plan_phases(
            question.problem,
            _phases(entry),
            standard=WITHIN,
            time_limit_s=TIME_LIMIT_S,
            target_gap=TARGET_GAP,
        )
        years.append(_years(entry, question, plan))
        if plan.built:
            sites.append(_sites(entry, question, plan))
    crs = ground.demand.points.crs
    return Measured(
        tables={
            PHASES.name: pd.concat(years, ignore_index=True),
            PHASE_SITES.name: pd.concat(sites, ignore_index=True) if sites else no_rows(PHASE_SITES, crs),
        }
    )


def questions(ground: Groundwork, wanted: Iterable[str]) -> dict[str, Question]:
    """Return the siting questions of some proposals; how many sites they ask for is left to the caller."""
    ids = set(wanted)
    return {entry.id: uncounted_question_of(ground, entry) for entry in ground.study.proposals if entry.id in ids}


def _phases(entry: PhasesConfig) -> Phases:
    return Phases(
        tuple(float((year.budget if entry.is_money else year.new_sites) or 0.0) for year in entry.years),
        "money" if entry.is_money else "new_sites",
        tuple(year.weight for year in entry.years),
        entry.unspent,
        entry.prefer,
    )


def _years(entry: PhasesConfig, question: Question, plan: PhasedPlan) -> pd.DataFrame:
    problem = question.problem
    standing = np.asarray(question.covers[:, problem.existing].sum(axis=1)).ravel() > 0
    has_cost = question.proposal.cost is not None
    has_plan = bool(plan.built)
    n = len(entry.years)
    built = plan.built or tuple(np.empty(0, dtype=np.int64) for _ in range(n))
    unphased = [own.objective if math.isfinite(own.objective) else math.nan for own in plan.unphased]
    bounds = [own.bound if math.isfinite(own.bound) else math.nan for own in plan.unphased]
    limits = _phases(entry).limits
    table = pd.DataFrame(
        {
            "phases": [entry.id] * n,
            "proposal": entry.proposal,
            "service": question.service.id,
            "year": [year.year for year in entry.years],
            "limit": limits,
            "limit_unit": "money" if entry.is_money else "new_sites",
            "weight": [year.weight for year in entry.years],
            "n_new": [len(sites) for sites in built],
            "cost": [float(problem.site_costs[sites].sum()) if has_cost else math.nan for sites in built],
            "persons": float(problem.weights.sum()),
            "covered_before": float(problem.weights[standing].sum()),
            "covered": plan.covered,
            "unphased": unphased or [math.nan] * n,
            "unphased_bound": bounds or [math.nan] * n,
            "price_of_nesting": plan.price if has_plan else [math.nan] * n,
            "status": plan.status,
            "stop_reason": plan.stop_reason,
            "reason": plan.reason or None,
            "objective": plan.objective,
            "bound": plan.bound,
            "gap": plan.gap,
        }
    )
    return table.astype(column_types(PHASES))[list(PHASES.columns)]


def _sites(entry: PhasesConfig, question: Question, plan: PhasedPlan) -> gpd.GeoDataFrame:
    problem, covers = question.problem, question.covers.tocsc()
    is_covered = np.asarray(question.covers[:, problem.existing].sum(axis=1)).ravel() > 0
    rows: list[dict[str, Any]] = []
    columns: list[int] = []
    for year, built in zip(entry.years, plan.built, strict=True):
        left = built.tolist()
        while left:  # the site that adds most first, so that what the sites of a year add is the year's sum
            added = [_added(problem.weights, is_covered, _rows(covers, site)) for site in left]
            site = left.pop(int(np.argmax(added)))
            rows.append({"year": year.year, "added": max(added)})
            columns.append(site)
            is_covered[_rows(covers, site)] = True
    own = question.sites.iloc[columns]
    has_cost = question.proposal.cost is not None
    table = gpd.GeoDataFrame(
        {
            "phases": entry.id,
            "service": question.service.id,
            "year": [row["year"] for row in rows],
            **{name: own[name].to_numpy() for name in ("place_id", "name_zh", "township_code", "village_code", "kind")},
            "added": [row["added"] for row in rows],
            "cost": problem.site_costs[columns] if has_cost else np.nan,
        },
        geometry=own.geometry.to_numpy(),
        crs=question.sites.crs,
    )
    return table.astype(column_types(PHASE_SITES))


def _rows(covers: Any, site: int) -> npt.NDArray[np.integer]:
    rows: npt.NDArray[np.integer] = covers.indices[covers.indptr[site] : covers.indptr[site + 1]]
    return rows


def _added(weights: npt.NDArray[np.float64], covered: npt.NDArray[np.bool_], rows: npt.NDArray[np.integer]) -> float:
    return float(weights[rows[~covered[rows]]].sum())


STEP = Step("phases", "full", lambda study: bool(study.phases), phase)
