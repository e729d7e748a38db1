"""Every siting question of the embedded study with a floor for each township, then phases, joint plan, alternatives.

The floor is a share of those whom all allowed sites together could cover in the township, the same for all townships:
the highest that so many new sites allow, a whole percent taken off, so a tight one. Seconds are of the processor, since
they are held against a limit for all questions together.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar
from unittest import mock

import numpy as np

from benchmarks.measure import Row, refuse_unless
from chongming_gis import measured, pipeline, proposals, siting
from chongming_gis.config import read_study
from chongming_gis.measured import joint, phased
from chongming_gis.measured.questions import candidates_of, question_of
from chongming_gis.proposals import robust
from chongming_gis.proposals.question import WITHIN
from chongming_gis.siting import alternatives, models
from chongming_gis.siting.equity import highest_floor
from chongming_gis.sources import embedded_study_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from chongming_gis.measured import Groundwork
    from chongming_gis.proposals import Question
    from chongming_gis.siting import SitingPlan

    T = TypeVar("T")

GOAL_S, MORE_GOAL_S = 5.0, 30.0
ALTERNATIVES, WITHIN_SHARE = 5, 0.02
STEP = 0.01  # of a floor


@dataclass(frozen=True)
class Floored:
    """A question with its floor, and how long it took to find out what floor is possible."""

    question: Question
    floor: float
    asked_s: float


def run() -> list[Row]:
    """Return the rows."""
    ground = _ground()
    study = ground.study
    ready_s = _processor_seconds(lambda: [candidates_of(ground, entry.service) for entry in study.proposals])[1]
    questions, asked_s = _processor_seconds(lambda: [question_of(ground, entry) for entry in study.proposals])
    rows = [
        Row("candidates of all services", ready_s, note="processor time, not part of the goal"),
        Row("times to candidates, questions", asked_s, note="processor time, not part of the goal"),
    ]
    _solve(questions[0])  # compile, load
    floored = [_floored(question) for question in questions]
    solved = [_processor_seconds(lambda one=one: _solve(one.question)) for one in floored]
    for one, (plan, took) in zip(floored, solved, strict=True):
        _check(one, plan)
        rows.append(Row(f"{one.question.proposal.id}, floor {one.floor:.0%} of the coverable", took, note=_told(plan)))
    total = sum(took for _, took in solved)
    rows.append(Row("all services, one plan each with floors", total, "goal", GOAL_S, "processor time of the solves"))
    rows.append(Row("highest floors of all", sum(one.asked_s for one in floored), note="not part of the goal"))
    return rows + _more(ground, floored, [plan for plan, _ in solved])


def _more(ground: Groundwork, floored: list[Floored], plans: list[SitingPlan]) -> list[Row]:
    """Return the rows of phases, joint plans and alternatives, the last with floors."""
    _, phases_s = _processor_seconds(lambda: phased.phase(ground))
    _, joint_s = _processor_seconds(lambda: joint.join(ground))
    pairs = [(one, plan) for one, plan in zip(floored, plans, strict=True) if plan.status in proposals.PLANNED]
    found = [(one, *_processor_seconds(lambda one=one, plan=plan: _others(one.question, plan))) for one, plan in pairs]
    whole = phases_s + joint_s + sum(took for _, _, took in found)
    return [
        Row("phases", phases_s),
        Row("joint plan, and each service apart", joint_s),
        *(
            Row(
                f"alternatives of {one.question.proposal.id}",
                took,
                note=f"{len(others.plans) - 1}, {others.stop_reason}",
            )
            for one, others, took in found
        ),
        Row("phases, joint plan, alternatives", whole, "goal", MORE_GOAL_S, "processor time"),
    ]


def _solve(question: Question) -> SitingPlan:
    most = question.new_sites if question.new_sites is not None else len(question.problem.candidates)
    return siting.mclp(question.problem, standard=WITHIN, new_sites=most, target_gap=1e-4, time_limit_s=60.0)


def _others(question: Question, plan: SitingPlan) -> alternatives.Alternatives:
    """Return other plans as a run does where the covering search answers; else from the general model, built once."""
    problem = question.problem
    free = replace(question, problem=replace(problem, rules=replace(problem.rules, floor={})))
    if not problem.rules.at_least and not problem.rules.spacing and _solve(free).objective == plan.objective:
        return robust.good_plans(question, plan, count=ALTERNATIVES, within_share=WITHIN_SHARE)
    formulation = models.mclp_formulation(problem, standard=WITHIN, new_sites=question.new_sites)
    return siting.best_plans(formulation, count=ALTERNATIVES + 1, within_share=WITHIN_SHARE, time_limit_s=60.0)


def _floored(question: Question) -> Floored:
    """Return the question with the highest floor that its number of sites allows, a whole percent taken off."""
    problem = question.problem
    sites = np.concatenate([problem.existing, problem.candidates])
    can_be = np.asarray(question.covers[:, sites].sum(axis=1)).ravel() > 0
    began = time.process_time()
    coverable = replace(problem, weights=np.where(can_be, problem.weights, 0.0))
    best = highest_floor(coverable, standard=WITHIN, new_sites=question.new_sites, time_limit_s=20.0)
    took = time.process_time() - began
    share = max(math.floor((best.objective if math.isfinite(best.objective) else 0.0) / STEP - 1e-9) * STEP, 0.0)
    floors = {}
    for area in np.unique(problem.demand_areas[(problem.demand_areas >= 0) & (problem.weights > 0.0)]).tolist():
        mine = problem.demand_areas == area
        floors[area] = share * float(problem.weights[mine & can_be].sum() / problem.weights[mine].sum())
    rules = replace(problem.rules, floor=floors)
    return Floored(replace(question, problem=replace(problem, rules=rules)), share, took)


def _check(one: Floored, plan: SitingPlan) -> None:
    refuse_unless(plan.status in {"optimal", "feasible", "infeasible"}, f"{one.question.proposal.id}: {plan.status}")
    if plan.status == "infeasible":
        return
    problem = one.question.problem
    sites = np.concatenate([problem.existing, plan.chosen])
    covered = np.asarray(one.question.covers[:, sites].sum(axis=1)).ravel() > 0
    for area, share in problem.rules.floor.items():
        mine = problem.demand_areas == area
        least = share * problem.weights[mine].sum()
        refuse_unless(problem.weights[mine & covered].sum() >= least - 1e-6 * max(1.0, least), f"floor of area {area}")


def _told(plan: SitingPlan) -> str:
    told = f"{plan.status}, {plan.stop_reason}, {len(plan.chosen)} sites, {plan.objective:,.0f}, gap {plan.gap:.3%}"
    return f"{told}; {plan.reason}" if plan.reason else told


def _processor_seconds(job: Callable[[], T]) -> tuple[T, float]:
    began = time.process_time()
    found = job()
    return found, time.process_time() - began


def _ground() -> Groundwork:
    """Return what a run of the embedded study hands to its measures."""
    kept: list[Groundwork] = []

    def keep(ground: Groundwork) -> measured.Measured:
        kept.append(ground)
        return measured.Measured()

    step = measured.Step("proposals", "daily", lambda study: bool(study.proposals), keep)
    with mock.patch.object(measured, "STEPS", (step,)):
        pipeline.run_study(read_study(embedded_study_path()))
    return kept[0]
