"""Several services planned at once: one budget for all, and money saved where two of them share a site.

Each service has its own covering problem with its own rules; they meet in the budget alone. ``plan_apart`` gives every
service a part of the same budget for itself, for comparison.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.errors import SitingError
from chongming_gis.siting import exact, highs
from chongming_gis.siting.answer import changes, opened
from chongming_gis.siting.joint_rows import ALONE, SLACK, JointPart, formulation_of, joint_model, most_of, sharing_rows
from chongming_gis.siting.mclp import mclp
from chongming_gis.siting.problem import SitingPlan, infeasible, relative_gap, status_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chongming_gis.siting.formulation import Bools, Floats, Formulation
    from chongming_gis.siting.problem import Status

TIME_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class JointPlan:
    """The plans of all services with one certificate.

    Attributes
    ----------
    plans : one a service, in the order of the parts; their bounds are infinite: only the whole has one
    objective, bound : weighted people covered over all services; no plan within the budget has more than the bound
    spent : money, what is saved by sharing taken off
    saved : for each service (in the order of its ``chosen``) money saved because the site shares its ground
    """

    status: Status
    plans: tuple[SitingPlan, ...]
    objective: float
    bound: float
    spent: float
    saved: tuple[Floats, ...]
    stop_reason: str
    reason: str = ""
    time_s: float = 0.0

    @property
    def gap(self) -> float:
        """How far the objective may be from the best possible, as a share of it; inf where there is no plan."""
        return relative_gap(self.objective, self.bound)


def plan_jointly(
    parts: Sequence[JointPart],
    *,
    budget: float,
    saving: float,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> JointPlan:
    """Return what to build of each service within one budget so that the weighted people covered are most.

    Parameters
    ----------
    budget : money for all new sites together, what is saved taken off
    saving : share (0-1) of the cost that every service but the dearest saves on ground that new sites share
    time_limit_s : seconds; the best found until then is returned with its bound
    target_gap : relative gap at which the search may stop

    Raises
    ------
    SitingError
        There is no service, sites may close, or a number is NaN, negative or out of range; every fault is listed.

    Notes
    -----
    max sum over services s of l_s w_i y_is, the covering rows of each, and sum of c_js x_js - saving * c_js z_js <=
    budget, with z_js <= x_js and z_js <= the sum of x_jt over the services t that are dearer on that ground. Ground
    shared with what stands already saves nothing here: it saves as much for each service alone.
    """
    began = time.perf_counter()
    _check(parts, budget, saving)
    refusal = _buys_nothing(parts, budget)
    if refusal:
        return _none(parts, "infeasible", -math.inf, "proven", refusal, began)
    formulations = [formulation_of(part) for part in parts]
    model = joint_model(parts, formulations, budget=budget, saving=saving)
    alone = _bound_alone(parts, budget=budget, saving=saving, time_limit_s=0.3 * time_limit_s)
    left_s = max(began + time_limit_s - time.perf_counter(), 0.0)
    start = _start(parts, formulations, budget=budget)
    found = highs.solve(model, time_limit_s=left_s, target_gap=target_gap, start=start)
    stop = "interrupted" if found.is_interrupted else "time limit" if found.is_out_of_time else "target gap"
    if found.outcome == "infeasible":
        return _none(parts, "infeasible", -math.inf, "proven", _reason(parts, budget, saving, time_limit_s), began)
    offset = sum(part.weight * formulation.offset for part, formulation in zip(parts, formulations, strict=True))
    if found.outcome == "unknown":
        reason = "no plan was found in the time given, and none was excluded; give more time"
        return _none(parts, "unknown", min(found.bound + offset, alone), stop, reason, began)
    opens = _opens(parts, formulations, found.values)
    opens = _tidied(parts, formulations, opens, budget=budget, saving=saving)
    plans = tuple(_plan_of(part, one, is_open) for part, one, is_open in zip(parts, formulations, opens, strict=True))
    saved = savings(parts, plans, saving=saving)
    objective = _weighed(parts, plans)
    bound = max(min(found.bound + offset, alone), objective)
    if found.outcome == "optimal" and target_gap == 0.0 and relative_gap(objective, bound) <= highs.TOLERANCE:
        bound = objective
    status = status_of(objective, bound)
    spent = _spent(parts, plans) - math.fsum(float(one.sum()) for one in saved)
    took = time.perf_counter() - began
    return JointPlan(status, plans, objective, bound, spent, saved, "proven" if status == "optimal" else stop, "", took)


def plan_apart(
    parts: Sequence[JointPart],
    budgets: Sequence[float],
    *,
    saving: float,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> JointPlan:
    """Return what each service builds with a budget of its own and nothing known of the others.

    Where two of them happen to share ground the saving is told, but none of them could count on it.

    Parameters
    ----------
    budgets : money of each service; ``at_least`` binds nobody here: what the money does not buy cannot be asked for

    Raises
    ------
    SitingError
        As ``plan_jointly``, or there is not one budget a service.
    """
    began = time.perf_counter()
    for budget in budgets:
        _check(parts, budget, saving)
    if len(budgets) != len(parts):
        raise SitingError(f"budgets: {len(budgets)} for {len(parts)} services; give one each")
    plans = tuple(
        _alone(part, budget, time_limit_s / len(parts), target_gap) for part, budget in zip(parts, budgets, strict=True)
    )
    objective = _weighed(parts, plans)
    bound = math.fsum(part.weight * plan.bound for part, plan in zip(parts, plans, strict=True) if part.weight)
    saved = savings(parts, plans, saving=saving)
    spent = _spent(parts, plans) - math.fsum(float(one.sum()) for one in saved)
    failed = [f"{part.name}: {plan.reason}" for part, plan in zip(parts, plans, strict=True) if plan.reason]
    took = time.perf_counter() - began
    if failed:
        is_proven = any(plan.status == "infeasible" for plan in plans)
        status: Status = "infeasible" if is_proven else "unknown"
        return _none(parts, status, -math.inf if is_proven else bound, "proven", "; ".join(failed), began)
    is_proven = all(plan.status == "optimal" for plan in plans)
    stops = [plan.stop_reason for plan in plans if plan.status != "optimal"]
    status = "optimal" if is_proven else "feasible"
    return JointPlan(status, plans, objective, bound, spent, saved, (stops or ["proven"])[0], "", took)


def savings(parts: Sequence[JointPart], plans: Sequence[SitingPlan], *, saving: float) -> tuple[Floats, ...]:
    """Return the money saved at each chosen site: on shared ground all but the dearest service save their share."""
    dearest: dict[int, tuple[float, int]] = {}
    for number, (part, plan) in enumerate(zip(parts, plans, strict=True)):
        for site in plan.chosen.tolist():
            ground = int(part.ground[site])
            if ground != ALONE:
                dearest[ground] = min(
                    dearest.get(ground, (math.inf, 0)), (-float(part.problem.site_costs[site]), number)
                )
    told = []
    for number, (part, plan) in enumerate(zip(parts, plans, strict=True)):
        costs = part.problem.site_costs[plan.chosen]
        is_shared = [int(g) != ALONE and dearest[int(g)][1] != number for g in part.ground[plan.chosen]]
        told.append(saving * costs * np.array(is_shared, dtype=np.float64))
    return tuple(told)


def _check(parts: Sequence[JointPart], budget: float, saving: float) -> None:
    told = [] if parts else ["parts: there is no service to plan"]
    told += [] if 0.0 <= budget < math.inf else [f"budget: {budget} must be a number of at least 0"]
    told += [] if 0.0 <= saving <= 1.0 else [f"saving: {saving} must be a share from 0 to 1"]
    for part in parts:
        ground = np.asarray(part.ground)
        if ground.shape != (part.problem.n_sites,):
            told.append(f"{part.name}: ground has shape {ground.shape}, must be ({part.problem.n_sites},)")
        elif len(set(used := ground[part.problem.candidates][ground[part.problem.candidates] != ALONE])) < len(used):
            told.append(f"{part.name}: two of its candidates stand on the same ground; leave one out")
        if part.at_least < 0 or (part.new_sites is not None and part.new_sites < part.at_least):
            told.append(f"{part.name}: at_least {part.at_least} must be from 0 to new_sites {part.new_sites}")
        if not 0.0 <= part.weight < math.inf:
            told.append(f"{part.name}: weight {part.weight} must be a number of at least 0")
        if part.problem.rules.closable:
            told.append(f"{part.name}: closing sites cannot be planned jointly; leave closable out")
    if told:
        raise SitingError("\n".join(told))


def _buys_nothing(parts: Sequence[JointPart], budget: float) -> str:
    costs = [float(p.problem.site_costs[p.problem.candidates].min()) for p in parts if len(p.problem.candidates)]
    few = [part for part in parts if part.at_least > len(part.problem.candidates)]
    if few:
        told = [f"{p.name}: at_least {p.at_least}, but only {len(p.problem.candidates)} candidates" for p in few]
        return "; ".join(told)
    if not costs:
        return "no service has a site left to build: all stand, are forbidden or stand too near"
    if budget >= min(costs) * (1.0 - SLACK):
        return ""
    return f"budget: {budget:,.10g} buys nothing; the cheapest site of any service costs {min(costs):,.10g}"


def _start(parts: Sequence[JointPart], formulations: Sequence[Formulation], *, budget: float) -> Floats:
    """Return the values of a plan to begin from: each service with the price of its least, and a part of the rest."""
    asked = [part.at_least * float(part.problem.site_costs[part.problem.candidates].max(initial=0.0)) for part in parts]
    left = max(budget - math.fsum(asked), 0.0)
    share = min(budget / math.fsum(asked), 1.0) if math.fsum(asked) > 0.0 else 0.0
    budgets = [share * own + left / len(parts) for own in asked]
    plans = [_alone(part, money, 1.0, 1e-3) for part, money in zip(parts, budgets, strict=True)]
    opens = [opened(part.problem, plan.chosen) for part, plan in zip(parts, plans, strict=True)]
    values = np.concatenate([one.complete(is_open) for one, is_open in zip(formulations, opens, strict=True)])
    first = np.concatenate(([0], np.cumsum([one.n_columns for one in formulations]))).astype(np.int64)
    rows, discounts = sharing_rows(parts, first, at=int(first[-1]))
    saves = np.zeros(len(discounts))
    for columns, *_ in rows[1::2]:
        own, *dearer = np.asarray(columns).tolist()
        site = int(rows[2 * (own - int(first[-1]))][0][1])
        saves[own - int(first[-1])] = values[site] * max(values[dearer])
    return np.concatenate([values, saves])


def _bound_alone(parts: Sequence[JointPart], *, budget: float, saving: float, time_limit_s: float) -> float:
    """Return what no joint plan can exceed: each service with the whole budget and every site at its lowest price."""
    total = 0.0
    for part in parts:
        cheapest = part.problem.site_costs * (1.0 - saving)
        rules = part.problem.rules
        own = replace(rules, budget=None, at_least={}, forced=(), floor={})
        costs = np.sort(cheapest[part.problem.candidates])
        count = int(np.searchsorted(np.cumsum(costs), budget * (1.0 + SLACK) + SLACK, side="right"))
        plan = mclp(
            replace(part.problem, rules=own),
            standard=part.standard,
            new_sites=min(most_of(part), count),
            time_limit_s=time_limit_s / len(parts),
        )
        total += part.weight * plan.bound if part.weight else 0.0
    return total


def _opens(parts: Sequence[JointPart], formulations: Sequence[Formulation], values: Floats) -> list[Bools]:
    ends = np.cumsum([formulation.n_columns for formulation in formulations])
    blocks = np.split(values[: ends[-1]], ends[:-1])
    return [block[: part.problem.n_sites] > 0.5 for part, block in zip(parts, blocks, strict=True)]


def _plan_of(part: JointPart, formulation: Formulation, is_open: Bools) -> SitingPlan:
    objective, assigned = formulation.measure(is_open.astype(np.float64))
    chosen, closed = changes(part.problem, is_open)
    return SitingPlan("MCLP", "feasible", chosen, objective, math.inf, "maximise", "part of a joint plan",
                      closed=closed, assigned=assigned)  # fmt: skip


def _tidied(
    parts: Sequence[JointPart],
    formulations: Sequence[Formulation],
    opens: list[Bools],
    *,
    budget: float,
    saving: float,
) -> list[Bools]:
    """Return the plan without sites that cover nobody more; one that only makes another cheaper goes where it may."""
    for number, (part, formulation) in enumerate(zip(parts, formulations, strict=True)):
        for site in changes(part.problem, opens[number])[0][::-1].tolist():
            is_open = opens[number].copy()
            is_open[site] = False
            other = [*opens[:number], is_open, *opens[number + 1 :]]
            reached, _ = formulation.measure(opens[number].astype(np.float64))
            without, _ = formulation.measure(is_open.astype(np.float64))
            plans = [_plan_of(p, f, o) for p, f, o in zip(parts, formulations, other, strict=True)]
            saved = math.fsum(float(one.sum()) for one in savings(parts, plans, saving=saving))
            fits = _spent(parts, plans) - saved <= budget + SLACK * max(budget, 1.0)
            if without >= reached and fits and not formulation.broken(formulation.complete(is_open)):
                opens = other
    return opens


def _alone(part: JointPart, budget: float, time_limit_s: float, target_gap: float) -> SitingPlan:
    """Return the best plan of one service with so much money; a rule of its own that binds more stays."""
    own = part.problem.rules.budget
    money = budget if own is None else min(budget, own)
    costs = part.problem.site_costs[part.problem.candidates]
    if len(costs) and np.ptp(costs) == 0.0 and costs[0] > 0.0:  # every site costs the same: money is a number of sites
        count = min(math.floor(money * (1.0 + SLACK) / costs[0] + SLACK), most_of(part))
        problem = replace(part.problem, rules=replace(part.problem.rules, budget=None))
        return mclp(problem, standard=part.standard, new_sites=count, time_limit_s=time_limit_s, target_gap=target_gap)
    problem = replace(part.problem, rules=replace(part.problem.rules, budget=money))
    return exact.solve_mclp(
        problem, standard=part.standard, new_sites=most_of(part), time_limit_s=time_limit_s, target_gap=target_gap
    )


def _reason(parts: Sequence[JointPart], budget: float, saving: float, time_limit_s: float) -> str:
    """Return which service cannot obey its own rules, or else that the budget is too little, and what would do."""
    told = []
    for part in parts:
        plan = exact.solve_mclp(
            part.problem,
            standard=part.standard,
            new_sites=most_of(part),
            time_limit_s=time_limit_s / len(parts),
            target_gap=1.0,
        )
        told += [f"{part.name}: {plan.reason}"] if plan.status == "infeasible" else []
    if told:
        return "; ".join(told)
    formulations = [formulation_of(part) for part in parts]
    model = joint_model(parts, formulations, budget=0.0, saving=saving)
    row = model.matrix[[model.matrix.shape[0] - 1]].toarray().ravel()
    free = model.row_high.copy()
    free[-1] = math.inf
    least = highs.solve(replace(model, costs=row, row_high=free, sense="minimise"), time_limit_s=time_limit_s)
    return f"budget: {budget:,.10g} is too little; the rules of the services cost at least {least.bound:,.10g}"


def _weighed(parts: Sequence[JointPart], plans: Sequence[SitingPlan]) -> float:
    return math.fsum(part.weight * plan.objective for part, plan in zip(parts, plans, strict=True) if part.weight)


def _spent(parts: Sequence[JointPart], plans: Sequence[SitingPlan]) -> float:
    """Return the full price of what is built."""
    return math.fsum(float(part.problem.site_costs[plan.chosen].sum()) for part, plan in zip(parts, plans, strict=True))


def _none(parts: Sequence[JointPart], status: Status, bound: float, stop: str, reason: str, began: float) -> JointPlan:
    nothing = tuple(infeasible("MCLP", "maximise", reason) for _ in parts)
    saved = tuple(np.empty(0) for _ in parts)
    took = time.perf_counter() - began
    return JointPlan(status, nothing, -math.inf, bound, 0.0, saved, stop, reason, took)


__all__ = ["ALONE", "JointPart", "JointPlan", "plan_apart", "plan_jointly", "savings"]
