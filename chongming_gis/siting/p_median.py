"""p sites with the least weighted cost of everyone going to the best open one, with a proven bound.

A Lagrangian bound is lowered while the sites it proposes are improved by swaps; sites that no better plan can use are
left out on the way, and where few pairs are left HiGHS closes the rest. Rules beyond "this site yes, that site no" go
to ``exact``.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.kernels import median
from chongming_gis.siting.choice_rows import best_open
from chongming_gis.siting.lscp import check_numbers, forced_candidates, free_candidates, standing_sites
from chongming_gis.siting.problem import SitingPlan, SitingProblem, infeasible, relative_gap, status_of
from chongming_gis.siting.set_cover import Limits, solve_cover
from chongming_gis.siting.set_cover_parts import covered_rows, pattern

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

TIME_LIMIT_S = 60.0
_PENALTY = 10.0  # times the largest cost: what going without counts for in the search where nobody may go without
_STEP, _KEPT, _PATIENCE, _LAST_STEP = 0.3, 0.7, 20, 1e-5  # of the bound's descent: measured on benchmarks/
_ROUNDS = 25  # of the descent between two plans that are tried
_KICKS, _KICKED = 40, 3  # shaken plans tried in vain, and sites exchanged in each
_FEW_PAIRS = 40_000  # HiGHS closes so many in seconds
_SEED = 20261124


def p_median(
    problem: SitingProblem,
    *,
    new_sites: int | None,
    unreachable_cost: float | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> SitingPlan:
    """Return at most ``new_sites`` sites with the least weighted cost of everyone going to the best open site.

    Existing sites serve too. ``assigned`` says who goes where.

    Parameters
    ----------
    new_sites : most sites to build; None = as many as the budget allows
    unreachable_cost : cost of a person whom no open site serves, and the most that anyone costs; None = everyone with
        a weight above 0 must be served, and a plan that leaves someone out is infeasible
    time_limit_s : seconds after which the best found is returned
    target_gap : relative gap at which the search may stop

    Raises
    ------
    SitingError
        A number is negative or NaN, or nothing limits what is built.

    Notes
    -----
    ReVelle & Swain (1970): min sum w_i c_ij z_ij, sum of z_ij = 1, z_ij <= x_j. Bound: the rows' sums relaxed
    (Cornuejols, Fisher & Nemhauser 1977). Swaps: Whitaker (1983).
    """
    began = time.perf_counter()
    check_numbers(problem, time_limit_s=time_limit_s, target_gap=target_gap)
    check_new_sites(new_sites)
    if unreachable_cost is not None and not 0.0 <= unreachable_cost < math.inf:
        raise SitingError(f"unreachable_cost: {unreachable_cost} must be a number of at least 0")
    if not problem.is_plain or new_sites is None:
        from chongming_gis.siting.exact import solve_p_median

        return solve_p_median(
            problem, new_sites=new_sites, unreachable_cost=unreachable_cost, time_limit_s=time_limit_s,
            target_gap=target_gap,
        )  # fmt: skip
    limits = Limits(began + time_limit_s, target_gap)
    n_more = new_sites - len(forced_candidates(problem))
    reason = problem.refusal or too_many_forced(problem, new_sites)
    first = np.empty(0, dtype=np.int64)
    if not reason and unreachable_cost is None:
        first, reason, is_known = serving_sites(problem, n_more, limits)
        if not is_known:
            return _unknown(reason, began)
    if reason:
        return infeasible("p-median", "minimise", reason, time_s=time.perf_counter() - began)
    work = _Work(_question(problem, unreachable_cost, n_more), limits, first)
    stop = work.run()
    return _plan(problem, work, stop, unreachable_cost, began)


def check_new_sites(new_sites: int | None) -> None:
    """Refuse a number of new sites below 0.

    Raises
    ------
    SitingError
        Says so.
    """
    if new_sites is not None and new_sites < 0:
        raise SitingError(f"new_sites: {new_sites} must be at least 0")


def too_many_forced(problem: SitingProblem, new_sites: int) -> str:
    """Return why the forced sites are too many, as a sentence; empty where they are not."""
    n_forced = len(forced_candidates(problem))
    if n_forced <= new_sites:
        return ""
    return f"forced, new_sites: {n_forced} sites are forced and at most {new_sites} may be built"


def serving_sites(problem: SitingProblem, n_more: int, limits: Limits) -> tuple[Longs, str, bool]:
    """Return at most ``n_more`` free candidates that serve everyone beside the standing sites, or why none do.

    The last value is False where time ended before either was known.
    """
    nobody = np.empty(0, dtype=np.int64)
    served = pattern(problem.costs)
    rows = np.flatnonzero(~covered_rows(served, standing_sites(problem)) & (problem.weights > 0.0))
    candidates = free_candidates(problem)
    table = sparse.csr_array(served[rows][:, candidates])
    n_lost = int(np.count_nonzero(np.diff(table.indptr) == 0))
    if n_lost:
        return nobody, f"reach: {n_lost} demand rows with people have no pair with any site that may stand", True
    half = replace(limits, enough=float(n_more), hopeless=n_more + 0.5)
    found = solve_cover(table, np.ones(len(candidates)), half)
    if len(found.columns) <= n_more:
        return candidates[found.columns], "", True
    if found.bound > n_more:
        text = f"reach, new_sites: at least {found.bound:g} sites must be chosen to serve everyone, and {n_more} may be"
        return nobody, text, True
    return nobody, "no plan that serves everyone was found in the time given, and none was excluded", False


@dataclass(frozen=True, slots=True)
class _Question:
    """What each free candidate saves each row, against the cost with the standing sites alone."""

    gains: median.Gains
    candidates: Longs
    n_rows: int
    n_more: int
    offset: float  # the cost without new sites
    must_gain: Bools  # rows that some new site must serve

    @property
    def is_whole(self) -> bool:
        """Whether every plan's cost is a whole number."""
        gain = self.gains.gain
        return float(self.offset).is_integer() and bool((gain == np.rint(gain)).all()) and self.offset < 2.0**50


def _question(problem: SitingProblem, unreachable_cost: float | None, n_more: int) -> _Question:
    costs, weights = problem.costs, problem.weights
    nothing = _PENALTY * max(1.0, costs.data.max(initial=0.0)) if unreachable_cost is None else unreachable_cost
    base = _served(problem, standing_sites(problem), np.full(problem.n_demand, nothing))[0]
    rows = np.repeat(np.arange(problem.n_demand), np.diff(costs.indptr))
    gain = weights[rows] * (base[rows] - costs.data)
    keep = gain > 0.0
    table = sparse.csc_array((gain[keep], (rows[keep], costs.indices[keep])), shape=costs.shape)
    candidates = free_candidates(problem)
    table = sparse.csc_array(table[:, candidates])
    table.sort_indices()
    gains = median.Gains(table.indptr.astype(np.int64), table.indices.astype(np.int32), table.data)
    must = np.zeros(problem.n_demand, dtype=bool)
    if unreachable_cost is None:
        must = (weights > 0.0) & (base >= nothing)
    return _Question(gains, candidates, problem.n_demand, n_more, float(weights @ base), must)


def _served(problem: SitingProblem, is_in: Longs, nothing: Floats) -> tuple[Floats, Longs]:
    """Return the least cost of each row among some sites, at most ``nothing``, and the site; -1 where none."""
    costs = problem.costs
    is_open = np.zeros(problem.n_sites, dtype=bool)
    is_open[is_in] = True
    nearness = sparse.csr_array((-costs.data, costs.indices, costs.indptr), shape=costs.shape)
    best = best_open(nearness, is_open, nothing=-nothing)
    return -best.value, best.site


@dataclass(slots=True)
class _Work:
    """A question under way: the best plan (numbers of candidates) and what all plans save at most."""

    question: _Question
    limits: Limits
    plan: Longs
    saved: float = field(init=False)
    most: float = field(init=False, default=math.inf)
    is_free: Bools = field(init=False)
    is_interrupted: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        question = self.question
        self.plan = np.flatnonzero(np.isin(question.candidates, self.plan))
        self.saved = median.total_gain(question.gains, self.plan, question.n_rows)
        self.is_free = np.ones(len(question.candidates), dtype=bool)

    @property
    def objective(self) -> float:
        return self.question.offset - self.saved

    @property
    def bound(self) -> float:
        bound = self.question.offset - self.most
        if self.question.is_whole and math.isfinite(bound):
            bound = math.ceil(bound - 1e-6 * max(1.0, abs(bound) * 1e-3))
        return min(self.objective, bound)

    @property
    def is_done(self) -> bool:
        return relative_gap(self.objective, self.bound) <= max(self.limits.target_gap, 1e-12)

    def run(self) -> str:
        """Work until done or out of time, and return why it ended."""
        try:
            self._steps()
        except KeyboardInterrupt:
            self.is_interrupted = True
        gap = relative_gap(self.objective, self.bound)
        if gap <= 1e-12:
            return "proven"
        if self.is_interrupted:
            return "interrupted"
        if gap <= self.limits.target_gap:
            return "target gap"
        return "time limit" if self.limits.left_s <= 0.0 else "search exhausted"

    def _steps(self) -> None:
        question = self.question
        if question.n_more == 0 or not len(question.gains.gain):
            self.most = self.saved
            return
        if question.n_more >= len(question.candidates):
            self._try(np.arange(len(question.candidates)))
            self.most = self.saved
            return
        for plan in (self.plan, self.plan[:0]):
            n_left = question.n_more - len(plan)
            self._try(median.greedy(question.gains, plan, n_left, question.n_rows, self.is_free))
        self._descend()
        if not self.is_done:
            self._shake()

    def _try(self, plan: Longs) -> None:
        """Improve a plan by swaps, and keep it if it is the best."""
        question = self.question
        plan = np.sort(plan)
        while self.limits.left_s > 0.0:
            if median.swap(question.gains, plan, question.n_rows, self.is_free) <= 0.0:
                break
        saved = median.total_gain(question.gains, plan, question.n_rows)
        if saved > self.saved and self._serves(plan):
            self.plan, self.saved = np.sort(plan), saved

    def _serves(self, plan: Longs) -> bool:
        question = self.question
        if not question.must_gain.any():
            return True
        first, _, _ = median.two_best(question.gains, plan, question.n_rows)
        return bool((first[question.must_gain] > 0.0).all())

    def _descend(self) -> None:
        """Lower the bound, and try the sites it proposes."""
        question = self.question
        n_rows, n_sites = question.n_rows, len(question.candidates)
        _, second, _ = median.two_best(question.gains, self.plan, n_rows)
        pace = np.array([math.inf, _STEP, 0.0, 0.0])
        dual = median.Dual(second, second.copy(), np.zeros(n_rows), np.zeros(n_sites), np.zeros(n_sites), pace)
        tried: set[bytes] = set()
        while dual.pace[1] > _LAST_STEP and self.limits.left_s > 0.0:
            shape = (_KEPT, _PATIENCE, _ROUNDS)
            proposed = median.descend(question.gains, dual, question.n_more, self.saved, shape)
            self.most = max(min(self.most, float(dual.pace[0]) * (1.0 + 1e-12)), self.saved)
            if self.is_done:
                return
            proposed = np.sort(proposed[self.is_free[proposed]])
            if len(proposed) and proposed.tobytes() not in tried:
                tried.add(proposed.tobytes())
                self._try(proposed)
            self._leave_out(dual)
            if self.is_done:
                return

    def _leave_out(self, dual: median.Dual) -> None:
        """Leave out the sites that no plan better than the best can use, by the best multipliers."""
        rest, n_more = dual.best_rest, self.question.n_more
        last = np.partition(rest, len(rest) - n_more)[len(rest) - n_more]
        barred = self.most - (last - rest) < self.saved * (1.0 - 1e-9)
        barred[self.plan] = False
        self.is_free &= ~barred
        dual.rest[~self.is_free] = -1.0

    def _shake(self) -> None:
        """Exchange some sites of the best plan by lot and improve again, until often in vain."""
        rng = np.random.default_rng(_SEED)
        vain = 0
        while vain < _KICKS and self.limits.left_s > 0.0:
            outside = np.setdiff1d(np.flatnonzero(self.is_free), self.plan)
            n_kicked = min(_KICKED, len(outside), len(self.plan))
            if not n_kicked:
                return
            plan = self.plan.copy()
            plan[rng.choice(len(plan), n_kicked, replace=False)] = rng.choice(outside, n_kicked, replace=False)
            before = self.saved
            self._try(plan)
            vain = 0 if self.saved > before else vain + 1
            if self.is_done:
                return


def _closed(problem: SitingProblem, work: _Work, unreachable_cost: float | None) -> tuple[Longs, float, str]:
    """Return the new sites of the best plan, the bound of all plans, and why HiGHS stopped."""
    from chongming_gis.siting.exact import solve_p_median

    candidates = work.question.candidates
    barred = candidates[~work.is_free].tolist()
    rest = SitingProblem(
        problem.costs,
        problem.weights,
        existing=problem.existing,
        site_costs=problem.site_costs,
        rules=replace(problem.rules, forbidden=(*problem.rules.forbidden, *barred)),
    )
    own = np.concatenate([forced_candidates(problem), candidates[work.plan]])
    found = solve_p_median(
        rest, new_sites=work.question.n_more + len(forced_candidates(problem)), unreachable_cost=unreachable_cost,
        time_limit_s=work.limits.left_s, target_gap=work.limits.target_gap, start=own,
    )  # fmt: skip
    if found.status not in {"optimal", "feasible"}:
        return own, work.bound, _stop_of(found)
    bound = max(work.bound, min(found.bound, work.objective))
    return (found.chosen if found.objective < work.objective else own), bound, _stop_of(found)


def _stop_of(plan: SitingPlan) -> str:
    """Return why a search ended, where HiGHS ended it."""
    return "search exhausted" if plan.stop_reason in {"proven", "target gap"} else plan.stop_reason


def _plan(problem: SitingProblem, work: _Work, stop: str, unreachable_cost: float | None, began: float) -> SitingPlan:
    candidates, forced = work.question.candidates, forced_candidates(problem)
    chosen, bound = np.concatenate([forced, candidates[work.plan]]), work.bound
    n_pairs = int(np.diff(work.question.gains.site_ptr)[work.is_free].sum())
    if stop == "search exhausted" and n_pairs <= _FEW_PAIRS and work.limits.left_s > 0.0:
        chosen, bound, stop = _closed(problem, work, unreachable_cost)
    without = np.full(problem.n_demand, math.inf if unreachable_cost is None else unreachable_cost)
    chosen = _used(problem, np.sort(chosen), without)
    cost, assigned = _served(problem, np.union1d(problem.existing, chosen), without)
    is_some = problem.weights > 0.0
    objective = float(problem.weights[is_some] @ cost[is_some])
    if objective - bound <= 1e-9 * abs(objective):
        bound = objective
    status = status_of(objective, bound)
    if status == "optimal":
        stop = "proven"
    elif relative_gap(objective, bound) <= work.limits.target_gap and stop == "search exhausted":
        stop = "target gap"
    return SitingPlan(
        "p-median", status, chosen, objective, bound, "minimise", stop, time_s=time.perf_counter() - began,
        assigned=assigned,
    )  # fmt: skip


def _used(problem: SitingProblem, chosen: Longs, without: Floats) -> Longs:
    """Return the sites to build without those that serve nobody better than the others do; forced ones stay."""
    is_some = problem.weights > 0.0
    assigned = _served(problem, np.union1d(problem.existing, chosen), without)[1]
    used = set(np.unique(assigned[is_some]).tolist()) | set(problem.rules.forced)
    return chosen[np.isin(chosen, sorted(used))]


def _unknown(reason: str, began: float) -> SitingPlan:
    nothing = np.empty(0, dtype=np.int64)
    return SitingPlan(
        "p-median", "unknown", nothing, math.inf, 0.0, "minimise", "time limit", reason, time.perf_counter() - began
    )
