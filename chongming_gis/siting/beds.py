"""Beds: where to build, extend, convert and bring up to standard so that every duty is met at the least cost.

Arithmetic only: sites with the beds they have, what changing them costs, and duties as sums. ``allot_beds`` gives the
cheapest plan with its certificate, and of the cheapest ones the nearest to people where travel is given;
``find_frontier`` what nearness costs.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.siting import highs
from chongming_gis.siting.bed_problem import AreaDuty, BedQuestion, BedTravel, check_question, check_travel
from chongming_gis.siting.bed_reasons import explain_beds
from chongming_gis.siting.bed_rows import BedModel, bed_model, minutes_model, promising, read_plan, ways_of
from chongming_gis.siting.problem import relative_gap, status_of

if TYPE_CHECKING:
    from chongming_gis.siting.formulation import Bools, Ints
    from chongming_gis.siting.highs import MipAnswer
    from chongming_gis.siting.problem import Status

TIME_LIMIT_S = 20.0
_NEAREST = 2  # sites of each village whose ways are looked at beside those of the plan with beds in parts
_NEARLY = 0.01  # of the shortest ways: where the frontier ends
_MONEY = 1e-6  # relative: what two sums of money may differ by


@dataclass(frozen=True, slots=True)
class BedPlan:
    """What is done at each site, and what that costs at least.

    Attributes
    ----------
    added : (n_sites,) beds built or added
    converted : (n_kinds, n_sites) beds converted
    standardised : (n_sites,) homes brought or built up to the standard for a duty
    cost, bound : money; no plan that meets the duties costs less than the bound
    minutes, minutes_bound : mean over all need of the way to its bed; and what no plan of this cost goes below; NaN
        without travel
    """

    status: Status
    added: Ints
    converted: Ints
    standardised: Bools
    cost: float
    bound: float
    stop_reason: str
    reason: str = ""
    minutes: float = math.nan
    minutes_bound: float = math.nan
    time_s: float = 0.0

    @property
    def gap(self) -> float:
        """How far the cost may be from the least possible, as a share of it; inf where there is no plan."""
        return relative_gap(self.cost, self.bound)


def allot_beds(
    question: BedQuestion, *, travel: BedTravel | None = None, time_limit_s: float = TIME_LIMIT_S
) -> BedPlan:
    """Return the cheapest plan that meets every duty; with travel, of the cheapest ones that with the shortest ways.

    Raises
    ------
    SitingError
        Numbers are NaN or negative, sizes do not fit, or a duty names a kind there is not; every fault is listed.

    Notes
    -----
    min cost of beds added, converted and homes brought up to the standard; beds are whole numbers, at a site none or
    between ``least`` and ``most``; each duty is one row. Conversions of one kind that may be anywhere are shared out
    over the homes in proportion to the beds they could convert.
    """
    began = time.perf_counter()
    check_question(question)
    if travel is not None:
        check_travel(question, travel)
    model = bed_model(question)
    found = highs.solve(model.mip, time_limit_s=time_limit_s)
    if found.outcome in {"infeasible", "unknown"}:
        reason = explain_beds(question, time_limit_s=time_limit_s) if found.outcome == "infeasible" else _TOO_SHORT
        return _none(question, found, reason, time.perf_counter() - began)
    plan = _priced(question, model, found)
    if travel is not None:
        left_s = max(time_limit_s - (time.perf_counter() - began), 0.0)
        plan = _nearest(question, travel, plan, budget=plan.cost, time_limit_s=left_s)
    return replace(plan, time_s=time.perf_counter() - began)


_TOO_SHORT = "no plan was found in the time given, and none was excluded; give more time"


def find_frontier(
    question: BedQuestion,
    travel: BedTravel,
    *,
    points: int,
    first: BedPlan | None = None,
    target_gap: float = 1e-3,
    time_limit_s: float = TIME_LIMIT_S,
) -> tuple[BedPlan, ...]:
    """Return plans from the cheapest to the nearest: each has the shortest ways that its money buys.

    Parameters
    ----------
    points : how many; 1 = only the cheapest
    first : the cheapest plan with its minutes, from ``allot_beds``; none = found here
    target_gap : relative gap of the minutes at which the search for a point may stop
    time_limit_s : seconds for all points together

    Returns
    -------
    tuple
        Ascending cost and falling minutes; none where no plan meets the duties. The money of the points is spread
        evenly from the least to what ways at most 1 % longer than the shortest possible take (epsilon constraint:
        Haimes, Lasdon & Wismer 1971). A point that is no nearer than a cheaper one is left out.
    """
    began = time.perf_counter()
    if points < 1:
        raise SitingError(f"points: {points} must be at least 1")
    check_question(question)
    check_travel(question, travel)
    plan = first if first is not None else allot_beds(question, travel=travel, time_limit_s=time_limit_s)
    if plan.status in {"infeasible", "unknown"}:
        return ()
    dearest = _dearest(question, travel) if points > 1 else plan.cost
    kept = [plan]
    for at in range(1, points):
        budget = plan.cost + (dearest - plan.cost) * at / (points - 1)
        left_s = max(began + time_limit_s - time.perf_counter(), 0.0) / (points - at)
        point = _nearest(question, travel, plan, budget=budget, time_limit_s=left_s, target_gap=target_gap)
        if point.minutes < kept[-1].minutes * (1.0 - _MONEY) and point.cost > kept[-1].cost:
            kept.append(point)
    return tuple(kept)


def _dearest(question: BedQuestion, travel: BedTravel) -> float:
    """Return the money beyond which ways hardly grow shorter: the least, beds in parts allowed, for such ways."""
    model = minutes_model(question, travel, budget=question.budget)
    free = replace(model.mip, is_whole=np.zeros_like(model.mip.is_whole))
    shortest = highs.solve(free)
    minutes = shortest.objective + model.offset
    row = sparse.csr_array(free.costs[None])
    money = highs.solve(
        replace(
            free,
            costs=np.concatenate([model.money, np.zeros(len(free.costs) - len(model.money))]),
            matrix=sparse.csr_array(sparse.vstack([free.matrix, row], format="csr")),
            row_low=np.append(free.row_low, -math.inf),
            row_high=np.append(free.row_high, minutes * (1.0 + _NEARLY) - model.offset),
        )
    )
    return money.objective if money.outcome == "optimal" else 0.0


def reached(question: BedQuestion, plan: BedPlan) -> tuple[float, ...]:
    """Return what each duty's sum is after the plan; of areas, how many have one."""
    sites, told = question.sites, []
    for duty in question.duties:
        if isinstance(duty, AreaDuty):
            has = duty.has.copy()
            made = plan.standardised if duty.needs_standard else sites.is_new & (plan.added > 0)
            inside = made & (sites.areas >= 0)
            has[sites.areas[inside]] = True
            told.append(float(has.sum()))
            continue
        new_sites = int(np.count_nonzero(sites.is_new & (plan.added > 0)))
        value = duty.standing + duty.per_bed * float(plan.added.sum()) + duty.per_site * new_sites
        for at, kind in enumerate(sites.kinds):
            made_of = float(plan.converted[at].sum()) + (float(plan.added.sum()) if kind.is_of_new else 0.0)
            value += duty.per_kind.get(kind.name, 0.0) * made_of
        told.append(value)
    return tuple(told)


def cost_of(question: BedQuestion, added: Ints, converted: Ints, standardised: Bools) -> float:
    """Return what doing this costs."""
    sites = question.sites
    cost = float(sites.bed_costs @ added) + float(sites.build_costs[added > 0].sum())
    raised = int(np.count_nonzero(standardised & ~sites.is_new))
    cost += raised * sites.standard_cost if raised else 0.0
    return cost + sum(kind.cost * float(row.sum()) for kind, row in zip(sites.kinds, converted, strict=True))


def _priced(question: BedQuestion, model: BedModel, found: MipAnswer) -> BedPlan:
    added, converted, standardised = read_plan(question, model, found.values)
    cost = cost_of(question, added, converted, standardised)
    bound = min(found.bound, cost)
    if found.outcome == "optimal" and relative_gap(cost, bound) <= highs.TOLERANCE:
        bound = cost
    status = status_of(cost, bound)
    return BedPlan(
        status, added, converted, standardised, cost, bound, "proven" if status == "optimal" else _stop(found)
    )


def _nearest(
    question: BedQuestion,
    travel: BedTravel,
    plan: BedPlan,
    *,
    budget: float,
    time_limit_s: float,
    target_gap: float = 1e-3,
) -> BedPlan:
    """Return the plan with the shortest ways for so much money; the given one where nothing better is found.

    The bound is that of all ways and beds in parts; the plan is looked for among the ways gone there and those to
    everyone's nearest sites, and its ways are then counted anew over all of them.
    """
    total = float(travel.need.sum())
    if total == 0.0:
        return replace(plan, minutes=0.0, minutes_bound=0.0)
    own = ways_of(question, travel, plan.added)[0] if math.isnan(plan.minutes) else plan.minutes * total
    money = budget * (1.0 + _MONEY) + _MONEY
    whole = minutes_model(question, travel, budget=money)
    free = highs.solve(replace(whole.mip, is_whole=np.zeros_like(whole.mip.is_whole)))
    bound = max(free.bound + whole.offset, 0.0) if free.outcome == "optimal" else 0.0
    kept = replace(plan, minutes=own / total, minutes_bound=min(bound, own) / total)
    if own <= bound * (1.0 + target_gap):
        return kept
    if free.outcome != "optimal":
        return kept
    fewer = promising(travel, free.values[len(whole.money) :], _NEAREST)
    model = minutes_model(question, fewer, budget=money)
    gap = target_gap * bound / max(whole.offset - bound, 1.0)  # HiGHS counts what is saved, we the ways themselves
    found = highs.solve(model.mip, time_limit_s=time_limit_s, target_gap=gap)
    if found.outcome not in {"optimal", "feasible"}:
        return kept
    added, converted, standardised = read_plan(question, model, found.values)
    gone, _ = ways_of(question, travel, added)
    if gone > own * (1.0 + _MONEY):
        return kept
    cost = cost_of(question, added, converted, standardised)
    if cost <= plan.cost * (1.0 + 2 * _MONEY):
        cost = min(cost, plan.cost)  # the same money but for the solver's tolerance
    return replace(
        plan,
        added=added,
        converted=converted,
        standardised=standardised,
        cost=cost,
        bound=min(plan.bound, cost),
        minutes=gone / total,
        minutes_bound=min(bound, gone) / total,
    )


def _none(question: BedQuestion, found: MipAnswer, reason: str, time_s: float) -> BedPlan:
    n = question.sites.n_sites
    is_proven = found.outcome == "infeasible"
    bound = math.inf if is_proven else found.bound
    nothing = np.zeros(n, dtype=np.int64)
    converted = np.zeros((len(question.sites.kinds), n), dtype=np.int64)
    stop = "proven" if is_proven else _stop(found)
    status: Status = "infeasible" if is_proven else "unknown"
    return BedPlan(status, nothing, converted, nothing > 0, math.inf, bound, stop, reason, time_s=time_s)


def _stop(found: MipAnswer) -> str:
    if found.is_interrupted:
        return "interrupted"
    return "time limit" if found.is_out_of_time else "target gap"
