"""Plans in phases: what is built in which year, what stands stays, and what that costs against planning each year anew.

The models are maximal covering ones, a copy a year, tied by "what is built stays". Rules about sites and floors hold
for the last year; rules that only take sites away hold for every year by that.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.errors import SitingError
from chongming_gis.siting import exact, highs
from chongming_gis.siting.answer import opened
from chongming_gis.siting.formulation import rows_of
from chongming_gis.siting.mclp import mclp
from chongming_gis.siting.models import mclp_formulation
from chongming_gis.siting.phase_rows import (
    SLACK,
    Phases,
    PhaseSearch,
    covered_of,
    covered_row,
    lasting,
    obeys,
    open_years,
    phase_model,
    weighted,
)
from chongming_gis.siting.problem import PROVEN_GAP, SideRules, SitingPlan, SitingProblem, relative_gap, status_of
from chongming_gis.siting.stacked import with_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.formulation import Bools, Floats, Ints
    from chongming_gis.siting.highs import MipAnswer, MipModel
    from chongming_gis.siting.problem import Status


TIME_LIMIT_S = 60.0
_SHARE_UNPHASED = 0.5  # of the time, for all the years' own best plans together


@dataclass(frozen=True, slots=True)
class PhasedPlan:
    """What is built in each year, with its certificate and what each year could have had alone.

    Attributes
    ----------
    built : for each year the columns built in it, ascending; nothing where there is no plan
    covered : (n_years,) weight covered in each year, existing sites counted
    objective, bound : weighted sum over the years; no nested plan has more than the bound ("last_year": none whose last
        year is as good as this one's, which a plan called optimal has at its best)
    unphased : for each year the best plan of its own with all that may be used until then, nothing kept from before
    """

    status: Status
    built: tuple[Ints, ...]
    covered: Floats
    objective: float
    bound: float
    stop_reason: str
    unphased: tuple[SitingPlan, ...]
    reason: str = ""
    time_s: float = 0.0

    @property
    def gap(self) -> float:
        """How far the objective may be from the best possible, as a share of it; inf where there is no plan."""
        return relative_gap(self.objective, self.bound)

    @property
    def price(self) -> Floats:
        """(n_years,) weight that each year gives up for the others: its own best plan less what it has here."""
        return np.array([plan.objective for plan in self.unphased]) - self.covered


def plan_phases(
    problem: SitingProblem,
    phases: Phases,
    *,
    standard: npt.ArrayLike,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> PhasedPlan:
    """Return what to build in which year so that the people covered, summed over the years, are most.

    Parameters
    ----------
    problem : ``rules.budget`` binds all years together; ``at_least``, ``forced`` and floors hold for the last year
    standard : largest cost that counts as covered, one number or (n_demand,)
    time_limit_s : seconds for all solving; the best found until then is returned with its bound
    target_gap : relative gap at which the search may stop

    Raises
    ------
    SitingError
        There are no years, a limit or weight is NaN or negative, or sites may close (closing cannot be phased).

    Notes
    -----
    max sum over years t of l_t w_i y_it, y_it <= sum of x_jt over the sites j that cover i, x_jt <= x_j,t+1, and the
    sites added up to t within the limits up to t ("carries_over") or those added in t within that of t ("lapses").
    The years' own optima bound it from above: sum of l_t times theirs.

    Examples
    --------
    Ground 1 covers both middle villages; 0 and 2 each cover one of them and an end. One site first, a second later:
    the best single site is in no best pair, so that one of the two years has to give way.

    >>> costs = np.array([[1.0, np.inf, np.inf], [1.0, 1.0, np.inf], [np.inf, 1.0, 1.0], [np.inf, np.inf, 1.0]])
    >>> plan = plan_phases(SitingProblem(costs, [4, 5, 5, 4]), Phases((1, 1)), standard=1.0)
    >>> [sites.tolist() for sites in plan.built], plan.covered.tolist(), plan.price.tolist()
    ([[0], [2]], [9.0, 18.0], [1.0, 0.0])
    """
    began = time.perf_counter()
    _check(problem, phases)
    most = int(math.fsum(phases.limits)) if phases.unit == "new_sites" else problem.n_sites
    formulation = mclp_formulation(problem, standard=standard, new_sites=most)
    search = PhaseSearch(problem, phases, standard, formulation, began + time_limit_s, target_gap)
    reason = _buys_nothing(search)
    if not reason:
        search.unphased.extend(_best_of_each_year(search))
        reason = search.unphased[-1].reason if search.unphased[-1].status == "infeasible" else ""
    if reason:
        return _none(search, "infeasible", "proven", reason, time.perf_counter() - began)
    plan = _solve(search)
    return replace(plan, time_s=time.perf_counter() - began)


def _check(problem: SitingProblem, phases: Phases) -> None:
    told = []
    if not phases.limits:
        told.append("limits: there are no years; give at least one")
    if phases.weights and len(phases.weights) != len(phases.limits):
        told.append(f"weights: {len(phases.weights)} for {len(phases.limits)} years; give one a year, or none")
    for name in ("limits", "weights"):
        wrong = [value for value in getattr(phases, name) if not (0.0 <= value < math.inf)]
        told += [f"{name}: {wrong} must be numbers of at least 0"] if wrong else []
    if phases.unit == "new_sites" and any(limit != round(limit) for limit in phases.limits if math.isfinite(limit)):
        told.append(f"limits: {phases.limits} count sites; give whole numbers")
    if problem.rules.closable:
        told.append("closable: closing sites cannot be phased; leave it out")
    if told:
        raise SitingError("\n".join(told))


def _buys_nothing(search: PhaseSearch) -> str:
    """Return why nothing can be built whatever the years allow; empty where something can, or nothing is asked for."""
    candidates, total = search.problem.candidates, math.fsum(search.phases.limits)
    if not len(candidates):
        return "no site is left to build: all stand, are forbidden or stand too near" if total > 0.0 else ""
    if search.phases.unit == "new_sites":
        return ""
    cheapest = float(search.problem.site_costs[candidates].min())
    if total >= cheapest * (1.0 - SLACK):
        return ""
    return f"budget: {total:,.10g} in all years buys nothing; the cheapest site costs {cheapest:,.10g}"


def _best_of_each_year(search: PhaseSearch) -> list[SitingPlan]:
    """Return each year's best plan with all that may be used until then; the last year alone obeys duties and floors.

    The years before it obey what holds for them in a nested plan too, so that each bounds its year from above.
    """
    plans = []
    for year in range(search.n_years):
        is_last = year == search.n_years - 1
        left_s = search.left_s * _SHARE_UNPHASED / (search.n_years - year)
        plans.append(_best_until(search, year, is_last=is_last, time_limit_s=left_s))
    return plans


def _best_until(search: PhaseSearch, year: int, *, is_last: bool, time_limit_s: float) -> SitingPlan:
    rules = search.problem.rules if is_last else lasting(search.problem.rules)
    until = math.fsum(search.phases.limits[: year + 1])
    candidates = len(search.problem.candidates)
    if search.phases.unit == "money":
        budget = until if rules.budget is None else min(until, rules.budget)
        rules, most = replace(rules, budget=budget), candidates
    else:
        most = min(int(until), candidates)
    return mclp(
        replace(search.problem, rules=rules),
        standard=search.standard,
        new_sites=most,
        time_limit_s=time_limit_s,
        target_gap=search.target_gap,
    )


def _solve(search: PhaseSearch) -> PhasedPlan:
    weights, model = search.phases.weight_of_year, phase_model(search)
    starts = [plan for plan in (_forward(search), _backward(search)) if plan is not None and obeys(search, plan)]
    is_last_best = True
    if search.phases.prefer == "last_year":
        last = np.zeros(search.n_years)
        last[-1] = 1.0
        first = _best_nested(search, model, last, starts, search.left_s / 2)
        if first.is_open is None:
            return _nothing_found(search, first)
        floor = float(covered_of(search, first.is_open)[-1])
        is_last_best = status_of(floor, max(first.bound, floor)) == "optimal"
        model = with_rows(model, rows_of([covered_row(search, search.n_years - 1, at_least=floor)]))
        starts = [plan for plan in (*starts, first.is_open) if covered_of(search, plan)[-1] >= floor]
    found = _best_nested(search, model, weights, starts, search.left_s)
    if found.is_open is None:
        return _nothing_found(search, found)
    is_open = _tidied(search, found.is_open)
    covered = covered_of(search, is_open)
    objective = float(weights @ covered)
    bound = max(found.bound, objective)
    status: Status = status_of(objective, bound) if is_last_best else "feasible"
    stop = "proven" if status == "optimal" else found.stop_reason
    built = np.diff(is_open.astype(np.int8), axis=0, prepend=opened(search.problem, ())[None].astype(np.int8)) > 0
    years = tuple(np.flatnonzero(row) for row in built)
    return PhasedPlan(status, years, covered, objective, bound, stop, _not_below(search, is_open, covered))


def _not_below(search: PhaseSearch, is_open: Bools, covered: Floats) -> tuple[SitingPlan, ...]:
    """Return the years' own best plans; where the search ended early and the nested plan has more, that one."""
    told = []
    for plan, row, reached in zip(search.unphased, is_open, covered.tolist(), strict=True):
        if reached <= plan.objective:
            told.append(plan)
            continue
        status = status_of(reached, max(plan.bound, reached))
        chosen = np.flatnonzero(row & search.is_new)
        told.append(replace(plan, chosen=chosen, objective=reached, bound=max(plan.bound, reached), status=status))
    return tuple(told)


@dataclass(frozen=True, slots=True)
class _Found:
    """The best nested plan found ((n_years, n_sites) open; None = none), and what none can exceed."""

    is_open: Bools | None
    bound: float
    stop_reason: str
    is_infeasible: bool = False


def _best_nested(
    search: PhaseSearch, model: MipModel, weights: Floats, starts: list[Bools], time_limit_s: float
) -> _Found:
    """Return the nested plan with the highest weighted sum; a simple plan that no year can better needs no solver."""
    alone = float(sum(w * plan.bound for w, plan in zip(weights, search.unphased, strict=True) if w > 0.0))
    values = [float(weights @ covered_of(search, plan)) for plan in starts]
    best = starts[int(np.argmax(values))] if starts else None
    if best is not None and relative_gap(max(values), max(alone, *values)) <= max(search.target_gap, PROVEN_GAP):
        return _Found(best, alone, "target gap")
    start = None if best is None else np.concatenate([search.formulation.complete(row) for row in best])
    found = highs.solve(
        weighted(search, model, weights), time_limit_s=time_limit_s, target_gap=search.target_gap, start=start
    )
    stop = _stop(found)
    if found.outcome == "infeasible":
        return _Found(None, -math.inf, "proven", is_infeasible=True)
    bound = min(found.bound + search.formulation.offset * float(weights.sum()), alone)
    if found.outcome == "unknown":
        return _Found(best, bound, stop)
    is_open = open_years(search, found.values)
    objective = float(weights @ covered_of(search, is_open))
    if best is not None and max(values) > objective:
        is_open, objective = best, max(values)
    is_proven = found.outcome == "optimal" and search.target_gap == 0.0
    if is_proven and relative_gap(objective, bound) <= highs.TOLERANCE:
        bound = objective
    return _Found(is_open, bound, stop)


def _tidied(search: PhaseSearch, is_open: Bools) -> Bools:
    """Return the plan without sites that bring nothing in any year: "at most so many" leaves the solver free."""
    best = covered_of(search, is_open)
    for site in np.flatnonzero(is_open[-1] & search.is_new)[::-1].tolist():
        other = is_open.copy()
        other[:, site] = False
        if (covered_of(search, other) >= best).all() and obeys(search, other):
            is_open = other
    return is_open


def _forward(search: PhaseSearch) -> Bools | None:
    """Return the plan that gives each year its best with what stands by then."""
    if search.phases.unit == "money":
        return None
    rows, chosen = [], np.empty(0, dtype=np.int64)
    for year in range(search.n_years):
        rules = replace(lasting(search.problem.rules), forced=tuple(chosen.tolist()))
        found = _restricted(search, year, rules)
        if found is None:
            return None
        chosen = np.union1d(chosen, found)
        rows.append(opened(search.problem, chosen))
    return np.array(rows)


def _backward(search: PhaseSearch) -> Bools | None:
    """Return the plan that ends in the last year's own best and builds its sites in the best order."""
    last = search.unphased[-1]
    if search.phases.unit == "money" or last.status not in {"optimal", "feasible"}:
        return None
    rows, chosen = [opened(search.problem, last.chosen)], last.chosen
    for year in range(search.n_years - 2, -1, -1):
        others = np.setdiff1d(np.arange(search.problem.n_sites), [*chosen, *search.problem.existing])
        found = _restricted(search, year, replace(lasting(search.problem.rules), forbidden=tuple(others.tolist())))
        if found is None:
            return None
        chosen = found
        rows.append(opened(search.problem, chosen))
    return np.array(rows[::-1])


def _restricted(search: PhaseSearch, year: int, rules: SideRules) -> Ints | None:
    problem = replace(search.problem, rules=rules)
    most = min(int(math.fsum(search.phases.limits[: year + 1])), len(problem.candidates))
    left_s = max(search.left_s * _SHARE_UNPHASED / (2 * search.n_years), 0.01)
    found = mclp(problem, standard=search.standard, new_sites=most, time_limit_s=left_s, target_gap=1e-3)
    return found.chosen if found.status in {"optimal", "feasible"} else None


def _nothing_found(search: PhaseSearch, found: _Found) -> PhasedPlan:
    if found.is_infeasible:
        alone = exact.solve_mclp(replace(search.problem, rules=search.problem.rules), standard=search.standard,
                                 new_sites=len(search.problem.candidates), time_limit_s=search.left_s,
                                 target_gap=1.0)  # fmt: skip
        total = math.fsum(search.phases.limits)
        reason = alone.reason or f"no nested plan obeys all rules with at most {total:g} {search.phases.unit} in all"
        return _none(search, "infeasible", "proven", reason)
    reason = "no plan was found in the time given, and none was excluded; give more time"
    return _none(search, "unknown", found.stop_reason, reason)


def _none(search: PhaseSearch, status: Status, stop: str, reason: str, time_s: float = 0.0) -> PhasedPlan:
    weights = search.phases.weight_of_year
    bound = -math.inf
    if status == "unknown":
        bound = float(weights @ np.array([plan.bound for plan in search.unphased]))
    covered = np.full(search.n_years, np.nan)
    return PhasedPlan(status, (), covered, -math.inf, bound, stop, tuple(search.unphased), reason, time_s)


def _stop(found: MipAnswer) -> str:
    if found.is_interrupted:
        return "interrupted"
    return "time limit" if found.is_out_of_time else "target gap"


__all__ = ["PhasedPlan", "Phases", "plan_phases"]
