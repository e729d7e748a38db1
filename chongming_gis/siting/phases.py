"""Plans in phases: what is built in which year, what stands stays, and what that costs against planning each year anew.

The models are maximal covering ones, a copy a year, tied by "what is built stays". Rules about sites and floors hold
for the last year; rules that only take sites away hold for every year by that.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from chongming_gis.errors import SitingError
from chongming_gis.siting import exact, highs
from chongming_gis.siting.answer import opened
from chongming_gis.siting.formulation import as_mip, rows_of
from chongming_gis.siting.mclp import mclp
from chongming_gis.siting.models import mclp_formulation
from chongming_gis.siting.problem import PROVEN_GAP, SideRules, SitingPlan, SitingProblem, relative_gap, status_of
from chongming_gis.siting.stacked import side_by_side, with_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.formulation import Bools, Entry, Floats, Formulation, Ints
    from chongming_gis.siting.highs import MipAnswer, MipModel
    from chongming_gis.siting.problem import Status

Unit = Literal["new_sites", "money"]
Unspent = Literal["carries_over", "lapses"]
Prefer = Literal["every_year", "last_year"]

TIME_LIMIT_S = 60.0
_SLACK = 1e-9  # relative: sums of money in another order
_SHARE_UNPHASED = 0.5  # of the time, for all the years' own best plans together


@dataclass(frozen=True, slots=True)
class Phases:
    """How much may be built in each year.

    Attributes
    ----------
    limits : (n_years,) most new sites, or most money, of each year
    unit : what the limits count; money is that of ``SitingProblem.site_costs``
    weights : (n_years,) what a person covered in that year counts; none = 1 each
    unspent : whether what a year leaves may be used later
    prefer : "every_year" maximises the weighted sum over the years; "last_year" first makes the last year as good as
        it can be, then the weighted sum
    """

    limits: tuple[float, ...]
    unit: Unit = "new_sites"
    weights: tuple[float, ...] = ()
    unspent: Unspent = "carries_over"
    prefer: Prefer = "every_year"

    @property
    def weight_of_year(self) -> Floats:
        """What a person covered counts in each year."""
        return np.asarray(self.weights or (1.0,) * len(self.limits), dtype=np.float64)


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


@dataclass(frozen=True, slots=True)
class _Search:
    problem: SitingProblem
    phases: Phases
    standard: npt.ArrayLike
    formulation: Formulation
    ends: float
    target_gap: float
    unphased: list[SitingPlan] = field(default_factory=list)

    @property
    def n_years(self) -> int:
        return len(self.phases.limits)

    @property
    def left_s(self) -> float:
        return max(self.ends - time.perf_counter(), 0.0)

    @property
    def is_new(self) -> Bools:
        is_new = np.ones(self.problem.n_sites, dtype=bool)
        is_new[self.problem.existing] = False
        return is_new


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
    search = _Search(problem, phases, standard, formulation, began + time_limit_s, target_gap)
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


def _buys_nothing(search: _Search) -> str:
    """Return why nothing can be built whatever the years allow; empty where something can, or nothing is asked for."""
    candidates, total = search.problem.candidates, math.fsum(search.phases.limits)
    if not len(candidates):
        return "no site is left to build: all stand, are forbidden or stand too near" if total > 0.0 else ""
    if search.phases.unit == "new_sites":
        return ""
    cheapest = float(search.problem.site_costs[candidates].min())
    if total >= cheapest * (1.0 - _SLACK):
        return ""
    return f"budget: {total:,.10g} in all years buys nothing; the cheapest site costs {cheapest:,.10g}"


def _best_of_each_year(search: _Search) -> list[SitingPlan]:
    """Return each year's best plan with all that may be used until then; the last year alone obeys duties and floors.

    The years before it obey what holds for them in a nested plan too, so that each bounds its year from above.
    """
    plans = []
    for year in range(search.n_years):
        is_last = year == search.n_years - 1
        left_s = search.left_s * _SHARE_UNPHASED / (search.n_years - year)
        plans.append(_best_until(search, year, is_last=is_last, time_limit_s=left_s))
    return plans


def _best_until(search: _Search, year: int, *, is_last: bool, time_limit_s: float) -> SitingPlan:
    rules = search.problem.rules if is_last else _lasting(search.problem.rules)
    until = math.fsum(search.phases.limits[: year + 1])
    candidates = len(search.problem.candidates)
    if search.phases.unit == "money":
        budget = until if rules.budget is None else min(until, rules.budget)
        rules, most = replace(rules, budget=budget), candidates
    else:
        most = min(int(until), candidates)
    return mclp(
        _under(search.problem, rules),
        standard=search.standard,
        new_sites=most,
        time_limit_s=time_limit_s,
        target_gap=search.target_gap,
    )


def _lasting(rules: SideRules) -> SideRules:
    """Return the rules that hold in every year of a nested plan: those that only take sites away."""
    return replace(rules, at_least={}, forced=(), floor={})


def _under(problem: SitingProblem, rules: SideRules) -> SitingProblem:
    return SitingProblem(
        problem.costs,
        problem.weights,
        existing=problem.existing,
        site_costs=problem.site_costs,
        demand_areas=problem.demand_areas,
        site_areas=problem.site_areas,
        rules=rules,
    )


def _solve(search: _Search) -> PhasedPlan:
    weights, model = search.phases.weight_of_year, _model(search)
    starts = [plan for plan in (_forward(search), _backward(search)) if plan is not None and _obeys(search, plan)]
    is_last_best = True
    if search.phases.prefer == "last_year":
        last = np.zeros(search.n_years)
        last[-1] = 1.0
        first = _best_nested(search, model, last, starts, search.left_s / 2)
        if first.is_open is None:
            return _nothing_found(search, first)
        floor = float(_covered(search, first.is_open)[-1])
        is_last_best = status_of(floor, max(first.bound, floor)) == "optimal"
        model = with_rows(model, rows_of([_covered_row(search, search.n_years - 1, at_least=floor)]))
        starts = [plan for plan in (*starts, first.is_open) if _covered(search, plan)[-1] >= floor]
    found = _best_nested(search, model, weights, starts, search.left_s)
    if found.is_open is None:
        return _nothing_found(search, found)
    is_open = _tidied(search, found.is_open)
    covered = _covered(search, is_open)
    objective = float(weights @ covered)
    bound = max(found.bound, objective)
    status: Status = status_of(objective, bound) if is_last_best else "feasible"
    stop = "proven" if status == "optimal" else found.stop_reason
    built = np.diff(is_open.astype(np.int8), axis=0, prepend=opened(search.problem, ())[None].astype(np.int8)) > 0
    years = tuple(np.flatnonzero(row) for row in built)
    return PhasedPlan(status, years, covered, objective, bound, stop, _not_below(search, is_open, covered))


def _not_below(search: _Search, is_open: Bools, covered: Floats) -> tuple[SitingPlan, ...]:
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


def _best_nested(search: _Search, model: MipModel, weights: Floats, starts: list[Bools], time_limit_s: float) -> _Found:
    """Return the nested plan with the highest weighted sum; a simple plan that no year can better needs no solver."""
    alone = float(sum(w * plan.bound for w, plan in zip(weights, search.unphased, strict=True) if w > 0.0))
    values = [float(weights @ _covered(search, plan)) for plan in starts]
    best = starts[int(np.argmax(values))] if starts else None
    if best is not None and relative_gap(max(values), max(alone, *values)) <= max(search.target_gap, PROVEN_GAP):
        return _Found(best, alone, "target gap")
    start = None if best is None else np.concatenate([search.formulation.complete(row) for row in best])
    found = highs.solve(
        _weighted(search, model, weights), time_limit_s=time_limit_s, target_gap=search.target_gap, start=start
    )
    stop = _stop(found)
    if found.outcome == "infeasible":
        return _Found(None, -math.inf, "proven", is_infeasible=True)
    bound = min(found.bound + search.formulation.offset * float(weights.sum()), alone)
    if found.outcome == "unknown":
        return _Found(best, bound, stop)
    is_open = _open_years(search, found.values)
    objective = float(weights @ _covered(search, is_open))
    if best is not None and max(values) > objective:
        is_open, objective = best, max(values)
    is_proven = found.outcome == "optimal" and search.target_gap == 0.0
    if is_proven and relative_gap(objective, bound) <= highs.TOLERANCE:
        bound = objective
    return _Found(is_open, bound, stop)


def _model(search: _Search) -> MipModel:
    """Return a copy of the covering model for each year; only the last obeys all rules."""
    formulation = search.formulation
    is_usable = opened(search.problem, search.problem.candidates)
    whole = as_mip(formulation)
    high = np.concatenate([is_usable, np.ones(formulation.n_columns - search.problem.n_sites)])
    lasting = replace(as_mip(formulation, rules=()), high=high * whole.high)
    models = [lasting] * (search.n_years - 1) + [replace(whole, high=high * whole.high)]
    model = side_by_side(models, [1.0] * search.n_years)
    return with_rows(model, rows_of([*_nested(search), *_limits(search), *_own_bounds(search)]))


def _column(search: _Search, year: int, column: npt.ArrayLike) -> Ints:
    return np.asarray(column, dtype=np.int64) + year * search.formulation.n_columns


def _nested(search: _Search) -> list[Entry]:
    return [
        ([*_column(search, year, [site]), *_column(search, year + 1, [site])], [1.0, -1.0], -math.inf, 0.0)
        for year in range(search.n_years - 1)
        for site in search.problem.candidates.tolist()
    ]


def _limits(search: _Search) -> list[Entry]:
    phases, sites = search.phases, np.flatnonzero(search.is_new)
    each = search.problem.site_costs[sites] if phases.unit == "money" else np.ones(len(sites))
    entries: list[Entry] = []
    for year, limit in enumerate(phases.limits):
        columns, values = _column(search, year, sites), each
        high = math.fsum(phases.limits[: year + 1])
        if phases.unspent == "lapses":
            high = limit
            if year:
                columns = np.concatenate([columns, _column(search, year - 1, sites)])
                values = np.concatenate([each, -each])
        entries.append((columns, values, -math.inf, high + _SLACK * max(high, 1.0)))
    return entries


def _own_bounds(search: _Search) -> list[Entry]:
    """Return that no year has more than its own best plan: the search ends sooner with it."""
    return [
        _covered_row(search, year, at_most=plan.bound)
        for year, plan in enumerate(search.unphased)
        if math.isfinite(plan.bound)
    ]


def _covered_row(search: _Search, year: int, *, at_least: float = -math.inf, at_most: float = math.inf) -> Entry:
    gains, offset = search.formulation.objective(), search.formulation.offset
    used = np.flatnonzero(gains)
    slack = 1e-7 * max(1.0, abs(at_least) if math.isfinite(at_least) else abs(at_most))
    return _column(search, year, used), gains[used], at_least - offset - slack, at_most - offset + slack


def _weighted(search: _Search, model: MipModel, weights: Floats) -> MipModel:
    return replace(model, costs=np.concatenate([weight * search.formulation.objective() for weight in weights]))


def _open_years(search: _Search, values: Floats) -> Bools:
    return values.reshape(search.n_years, -1)[:, : search.problem.n_sites] > 0.5


def _covered(search: _Search, is_open: Bools) -> Floats:
    return np.array([search.formulation.measure(row.astype(np.float64))[0] for row in is_open])


def _obeys(search: _Search, is_open: Bools) -> bool:
    """Return whether a nested plan keeps to the limits of the years and to the rules."""
    each = search.problem.site_costs if search.phases.unit == "money" else np.ones(search.problem.n_sites)
    used = (is_open & search.is_new) @ each
    limits = np.asarray(search.phases.limits)
    if search.phases.unspent == "lapses":
        used = np.diff(used, prepend=0.0)
    else:
        limits = np.cumsum(limits)
    is_within = bool((used <= limits + _SLACK * np.maximum(limits, 1.0)).all())
    return is_within and not search.formulation.broken(search.formulation.complete(is_open[-1]))


def _tidied(search: _Search, is_open: Bools) -> Bools:
    """Return the plan without sites that bring nothing in any year: "at most so many" leaves the solver free."""
    best = _covered(search, is_open)
    for site in np.flatnonzero(is_open[-1] & search.is_new)[::-1].tolist():
        other = is_open.copy()
        other[:, site] = False
        if (_covered(search, other) >= best).all() and _obeys(search, other):
            is_open = other
    return is_open


def _forward(search: _Search) -> Bools | None:
    """Return the plan that gives each year its best with what stands by then."""
    if search.phases.unit == "money":
        return None
    rows, chosen = [], np.empty(0, dtype=np.int64)
    for year in range(search.n_years):
        rules = replace(_lasting(search.problem.rules), forced=tuple(chosen.tolist()))
        found = _restricted(search, year, rules)
        if found is None:
            return None
        chosen = np.union1d(chosen, found)
        rows.append(opened(search.problem, chosen))
    return np.array(rows)


def _backward(search: _Search) -> Bools | None:
    """Return the plan that ends in the last year's own best and builds its sites in the best order."""
    last = search.unphased[-1]
    if search.phases.unit == "money" or last.status not in {"optimal", "feasible"}:
        return None
    rows, chosen = [opened(search.problem, last.chosen)], last.chosen
    for year in range(search.n_years - 2, -1, -1):
        others = np.setdiff1d(np.arange(search.problem.n_sites), [*chosen, *search.problem.existing])
        found = _restricted(search, year, replace(_lasting(search.problem.rules), forbidden=tuple(others.tolist())))
        if found is None:
            return None
        chosen = found
        rows.append(opened(search.problem, chosen))
    return np.array(rows[::-1])


def _restricted(search: _Search, year: int, rules: SideRules) -> Ints | None:
    problem = _under(search.problem, rules)
    most = min(int(math.fsum(search.phases.limits[: year + 1])), len(problem.candidates))
    left_s = max(search.left_s * _SHARE_UNPHASED / (2 * search.n_years), 0.01)
    found = mclp(problem, standard=search.standard, new_sites=most, time_limit_s=left_s, target_gap=1e-3)
    return found.chosen if found.status in {"optimal", "feasible"} else None


def _nothing_found(search: _Search, found: _Found) -> PhasedPlan:
    if found.is_infeasible:
        alone = exact.solve_mclp(_under(search.problem, search.problem.rules), standard=search.standard,
                                 new_sites=len(search.problem.candidates), time_limit_s=search.left_s,
                                 target_gap=1.0)  # fmt: skip
        total = math.fsum(search.phases.limits)
        reason = alone.reason or f"no nested plan obeys all rules with at most {total:g} {search.phases.unit} in all"
        return _none(search, "infeasible", "proven", reason)
    reason = "no plan was found in the time given, and none was excluded; give more time"
    return _none(search, "unknown", found.stop_reason, reason)


def _none(search: _Search, status: Status, stop: str, reason: str, time_s: float = 0.0) -> PhasedPlan:
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
