"""Services planned together within one budget, saving where two share a site, beside the same planned apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from chongming_gis.findings import Finding
from chongming_gis.measured.groundwork import Measured, Step
from chongming_gis.measured.phased import questions
from chongming_gis.measured_tables import JOINT_PLANS, JOINT_SITES
from chongming_gis.proposals.question import WITHIN
from chongming_gis.siting.joint import ALONE, JointPart, plan_apart, plan_jointly
from chongming_gis.tables import column_types, no_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chongming_gis.config import StudyConfig
    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.phasemodel import JointPartConfig, JointProposalConfig
    from chongming_gis.proposals import Question
    from chongming_gis.siting.joint import JointPlan

TIME_LIMIT_S = 20.0  # of one joint plan; the certificate says what was proven until then
TARGET_GAP = 1e-4
ALL = "all"
_PLANNED = ("optimal", "feasible")


def join(ground: Groundwork) -> Measured:
    """Return every joint plan of the study, its sites, and what the same budget does for each service by itself."""
    study = ground.study
    asked = questions(ground, (part.proposal for entry in study.joint_proposals for part in entry.parts))
    plans: list[dict[str, Any]] = []
    sites: list[gpd.GeoDataFrame] = []
    findings: list[Finding] = []
    for entry in study.joint_proposals:
        own = [asked[part.proposal] for part in entry.parts]
        least = [
            _least(entry, part, question, study, findings) for part, question in zip(entry.parts, own, strict=True)
        ]
        parts = _parts(entry, own, least)
        saving = next((cost.value for cost in study.costs if cost.id == entry.saving), 0.0)
        plan = plan_jointly(parts, budget=entry.budget, saving=saving, time_limit_s=TIME_LIMIT_S, target_gap=TARGET_GAP)
        budgets = _budgets(entry, own, least)
        apart = plan_apart(parts, budgets, saving=saving, time_limit_s=TIME_LIMIT_S, target_gap=TARGET_GAP)
        plans += _plan_rows(entry, own, plan, (apart, budgets))
        if plan.status in _PLANNED:
            sites.append(_sites(entry, own, plan, apart))
    table = pd.DataFrame(plans, columns=list(JOINT_PLANS.columns)).astype(column_types(JOINT_PLANS))
    crs = ground.demand.points.crs
    return Measured(
        tables={
            JOINT_PLANS.name: table,
            JOINT_SITES.name: pd.concat(sites, ignore_index=True) if sites else no_rows(JOINT_SITES, crs),
        },
        findings=tuple(findings),
    )


def _least(
    entry: JointProposalConfig, part: JointPartConfig, question: Question, study: StudyConfig, told: list[Finding]
) -> int:
    """Return how many new sites of a service the joint plan must build; a target still to be filled asks for none."""
    if part.at_least != "as_asked":
        return part.at_least
    proposal = next(one for one in study.proposals if one.id == part.proposal)
    if proposal.new_sites is not None:
        return proposal.new_sites
    short = sum(question.problem.rules.at_least.values())
    if proposal.target is None or proposal.target_set is None or study.plan is None:
        return short
    target = next(i for i in study.plan.indicators if i.id == proposal.target).target(proposal.target_set)
    if target is None:
        told.append(
            Finding(
                "warning",
                f"joint_proposals.{entry.id}",
                f"target {proposal.target!r} of {proposal.target_set!r} is still to be filled: nothing is asked for",
                suggestion="fill it, or give at_least in the part",
                rule="joint_target_to_fill",
                details={"indicator": proposal.target, "target_set": proposal.target_set},
            )
        )
        return short
    return max(math.ceil(target) - len(question.problem.existing), short, 0)


def _parts(entry: JointProposalConfig, own: Sequence[Question], least: Sequence[int]) -> list[JointPart]:
    known: dict[str, int] = {}
    parts = []
    for part, question, count in zip(entry.parts, own, least, strict=True):
        places = question.sites["place_id"].tolist()
        is_new = question.sites["is_new"].tolist()
        ground = [known.setdefault(place, len(known)) if new else ALONE
                  for place, new in zip(places, is_new, strict=True)]  # fmt: skip
        parts.append(
            JointPart(
                part.proposal,
                question.problem,
                WITHIN,
                np.array(ground, dtype=np.int64),
                part.weight,
                at_least=count,
            )
        )
    return parts


def _budgets(entry: JointProposalConfig, own: Sequence[Question], least: Sequence[int]) -> list[float]:
    """Return what each service would have for itself.

    That is its share, or the full price of what it asks for and an equal part of the rest; where there is too little
    money, so much in proportion to that price.
    """
    shares = [part.share for part in entry.parts]
    if all(share is not None for share in shares):
        return [entry.budget * (share or 0.0) for share in shares]
    prices = [
        count * float(question.problem.site_costs[question.problem.candidates].max(initial=0.0))
        for question, count in zip(own, least, strict=True)
    ]
    total = math.fsum(prices)
    if total > entry.budget:
        return [entry.budget * price / total for price in prices]
    return [price + (entry.budget - total) / len(own) for price in prices]


def _plan_rows(
    entry: JointProposalConfig,
    own: Sequence[Question],
    plan: JointPlan,
    other: tuple[JointPlan, Sequence[float]],
) -> list[dict[str, Any]]:
    apart, budgets = other
    certificate = {
        "joint": entry.id,
        "budget": entry.budget,
        "status": plan.status,
        "stop_reason": plan.stop_reason,
        "reason": plan.reason or None,
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
    }
    has_plan, has_apart = plan.status in _PLANNED, apart.status in _PLANNED
    rows: list[dict[str, Any]] = []
    for at, (part, question) in enumerate(zip(entry.parts, own, strict=True)):
        problem = question.problem
        standing = np.asarray(question.covers[:, problem.existing].sum(axis=1)).ravel() > 0
        row: dict[str, Any] = {
            **certificate,
            "service": question.service.id,
            "proposal": part.proposal,
            "weight": part.weight,
            "persons": float(problem.weights.sum()),
            "covered_before": float(problem.weights[standing].sum()),
            "apart_budget": budgets[at],
        }
        if has_plan:
            row |= _told("", question, plan, at)
            row["saved"] = float(plan.saved[at].sum())
        if has_apart:
            row |= _told("apart_", question, apart, at)
        rows.append(row)
    summed = {
        name: sum(row[name] for row in rows)
        for name in ("n_new", "spent", "saved", "apart_n_new", "apart_spent", "apart_budget")
        if name in rows[0]
    }
    weighed = {
        name: math.fsum(row["weight"] * row[name] for row in rows)
        for name in ("persons", "covered_before", "covered", "apart_covered")
        if name in rows[0]
    }
    return [*rows, {**certificate, "service": ALL, **summed, **weighed}]


def _told(prefix: str, question: Question, plan: JointPlan, at: int) -> Mapping[str, Any]:
    own = plan.plans[at]
    spent = float(question.problem.site_costs[own.chosen].sum() - plan.saved[at].sum())
    return {f"{prefix}n_new": len(own.chosen), f"{prefix}spent": spent, f"{prefix}covered": own.objective}


def _sites(entry: JointProposalConfig, own: Sequence[Question], plan: JointPlan, apart: JointPlan) -> gpd.GeoDataFrame:
    services_at: dict[str, list[str]] = {}
    for question, one in zip(own, plan.plans, strict=True):
        for place in question.sites["place_id"].iloc[one.chosen]:
            services_at.setdefault(place, []).append(question.service.id)
    parts = []
    for at, (question, one) in enumerate(zip(own, plan.plans, strict=True)):
        sites = question.sites.iloc[one.chosen]
        others = [[name for name in services_at[place] if name != question.service.id] for place in sites["place_id"]]
        open_sites = np.concatenate([question.problem.existing, one.chosen])
        count = np.asarray(question.covers[:, open_sites].sum(axis=1)).ravel()
        alone = question.problem.weights * (count == 1)
        parts.append(
            gpd.GeoDataFrame(
                {
                    "joint": entry.id,
                    "service": question.service.id,
                    **{
                        name: sites[name].to_numpy()
                        for name in ("place_id", "name_zh", "township_code", "village_code", "kind")
                    },
                    "cost": question.problem.site_costs[one.chosen],
                    "saved": plan.saved[at],
                    "shared_with": [" | ".join(names) or None for names in others],
                    "lost_without": np.asarray(alone @ question.covers[:, one.chosen]).ravel(),
                    "is_apart": np.isin(one.chosen, apart.plans[at].chosen),
                },
                geometry=sites.geometry.to_numpy(),
                crs=question.sites.crs,
            ).astype(column_types(JOINT_SITES))
        )
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=own[0].sites.crs)


STEP = Step("joint", "full", lambda study: bool(study.joint_proposals), join)
