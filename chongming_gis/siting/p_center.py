"""p sites with the least largest cost of anyone to the best open one, with a proven bound.

Whether a radius can be kept is a covering question (``set_cover``): quick answers narrow the radii down from both
sides, thorough ones close what is left. Rules beyond "this site yes, that site no" go to ``exact``.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from chongming_gis.siting.choice_rows import best_open
from chongming_gis.siting.lscp import check_numbers, forced_candidates, free_candidates, standing_sites
from chongming_gis.siting.p_median import check_new_sites, serving_sites, too_many_forced
from chongming_gis.siting.problem import SitingPlan, infeasible, relative_gap, status_of
from chongming_gis.siting.set_cover import Limits, solve_cover

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.problem import SitingProblem

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]
    Verdict = Literal["yes", "no", "unknown"]

TIME_LIMIT_S = 60.0
_QUICK_SHARE = 0.05  # of the time left, at most, for one quick question
_THOROUGH_SHARE = 0.75  # likewise for a thorough one
_CLOSE = 3e-3  # relative: quick questions are not asked about radii nearer to each other


def p_center(
    problem: SitingProblem,
    *,
    new_sites: int | None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> SitingPlan:
    """Return at most ``new_sites`` sites with the least largest cost of anyone to the best open site.

    Existing sites serve too. Everyone with a weight above 0 must be served; how many they are does not matter.

    Parameters
    ----------
    new_sites : most sites to build; None = as many as the budget allows
    time_limit_s : seconds after which the best found is returned
    target_gap : relative gap of the radius at which the search may stop

    Raises
    ------
    SitingError
        A number is negative or NaN, or nothing limits what is built.

    Notes
    -----
    Hakimi (1964); a search over the costs that occur (Minieka 1970).
    """
    began = time.perf_counter()
    check_numbers(problem, time_limit_s=time_limit_s, target_gap=target_gap)
    check_new_sites(new_sites)
    if not problem.is_plain or new_sites is None:
        from chongming_gis.siting.exact import solve_p_center

        return solve_p_center(problem, new_sites=new_sites, time_limit_s=time_limit_s, target_gap=target_gap)
    limits = Limits(began + time_limit_s, target_gap)
    n_more = new_sites - len(forced_candidates(problem))
    reason = problem.refusal or too_many_forced(problem, new_sites)
    plan, is_known = np.empty(0, dtype=np.int64), True
    if not reason:
        plan, reason, is_known = serving_sites(problem, n_more, limits)
    if not is_known:
        return SitingPlan("p-center", "unknown", plan, math.inf, 0.0, "minimise", "time limit", reason)
    if reason:
        return infeasible("p-center", "minimise", reason, time_s=time.perf_counter() - began)
    search = _Search(problem, n_more, limits)
    search.keep(plan)
    stop = search.run()
    return _plan(problem, search, stop, began)


class _Search:
    """The radii left: ``radii[low]`` may be kept, none before it can; ``radii[high]`` is the best plan's."""

    def __init__(self, problem: SitingProblem, n_more: int, limits: Limits) -> None:
        self.problem, self.n_more, self.limits = problem, n_more, limits
        self.standing, self.candidates = standing_sites(problem), free_candidates(problem)
        self.plan = np.empty(0, dtype=np.int64)
        costs = problem.costs
        is_some = problem.weights > 0.0
        table = sparse.csr_array(costs[np.flatnonzero(is_some)])
        self.from_standing = _least(table, self.standing)
        least = np.minimum(self.from_standing, _least(table, self.candidates))
        self.table = sparse.csr_array(table[:, self.candidates])
        self.row_of_pair = np.repeat(np.arange(table.shape[0]), np.diff(self.table.indptr))
        radii = np.unique(np.concatenate([self.table.data, self.from_standing[np.isfinite(self.from_standing)]]))
        self.radii: Floats = radii[radii >= least.max(initial=0.0)]
        self.low, self.high = 0, len(self.radii)

    @property
    def bound(self) -> float:
        return float(self.radii[self.low]) if len(self.radii) else 0.0

    @property
    def radius(self) -> float:
        return (
            float(self.radii[self.high]) if self.high < len(self.radii) else (0.0 if not len(self.radii) else math.inf)
        )

    @property
    def is_done(self) -> bool:
        return self.low >= self.high or relative_gap(self.radius, self.bound) <= self.limits.target_gap

    def keep(self, plan: Longs) -> None:
        """Keep a plan (new sites) if its radius is the least so far."""
        is_in = np.flatnonzero(np.isin(self.candidates, plan))
        worst = np.minimum(self.from_standing, _least(self.table, is_in)).max(initial=0.0)
        at = int(np.searchsorted(self.radii, worst))
        if self.high == len(self.radii) or at < self.high:
            self.plan, self.high = plan, min(at, max(len(self.radii) - 1, 0))

    def run(self) -> str:
        """Narrow the radii down until done or out of time, and return why it ended."""
        is_interrupted = False
        try:
            if not self.is_done:
                is_interrupted = self._narrow() or self._close()
        except KeyboardInterrupt:
            is_interrupted = True
        if self.low >= self.high:
            return "proven"
        if is_interrupted:
            return "interrupted"
        if self.is_done:
            return "target gap"
        return "time limit" if self.limits.left_s <= 0.0 else "search exhausted"

    def _narrow(self) -> bool:
        """Ask quick questions on both sides of the radii that got no answer; return whether that was interrupted.

        The bound alone is asked below them, the search alone above.
        """
        doubts = (self.high, self.low - 1)  # the first and the last radius without an answer
        asked = "both"
        while not self.is_done and self.limits.left_s > 0.0:
            asked = self._side(doubts, asked)
            if not asked:
                return False
            first, last = {"both": (self.low, self.high), "bound": (self.low, doubts[0])}.get(
                asked, (doubts[1] + 1, self.high)
            )
            at = (first + last - 1) // 2
            verdict, stop = self._ask(at, asked=asked, time_s=_QUICK_SHARE * self.limits.left_s)
            if stop == "interrupted":
                return True
            if verdict == "unknown":
                doubts = (min(doubts[0], at), max(doubts[1], at))
            doubts = (max(doubts[0], self.low), min(doubts[1], self.high - 1))
        return False

    def _side(self, doubts: tuple[int, int], before: str) -> str:
        """Return what to ask next: bound and search by turns; empty where both are near to the radii in doubt."""
        if doubts[0] > doubts[1]:
            return "both"
        has_room = {
            "bound": doubts[0] > self.low and self._at(doubts[0]) - self.bound > _CLOSE * self.radius,
            "search": doubts[1] < self.high - 1 and self.radius - self._at(doubts[1]) > _CLOSE * self.radius,
        }
        turns = ("search", "bound") if before == "bound" else ("bound", "search")
        return next((side for side in turns if has_room[side]), "")

    def _close(self) -> bool:
        """Ask thorough questions, ever nearer to what is known to be impossible; return whether interrupted."""
        part = 0.5
        while not self.is_done and self.limits.left_s > 0.0:
            aim = self.bound + part * (self.radius - self.bound)
            at = int(np.clip(np.searchsorted(self.radii, aim), self.low, self.high - 1))
            verdict, stop = self._ask(at, asked="all", time_s=_THOROUGH_SHARE * self.limits.left_s)
            if stop == "interrupted":
                return True
            part = part if verdict != "unknown" else part / 2.0
        return False

    def _at(self, at: int) -> float:
        return float(self.radii[at])

    def _ask(self, at: int, *, asked: str, time_s: float) -> tuple[Verdict, str]:
        """Return whether everyone can be served within a radius, and why the search for it ended."""
        radius = self._at(at)
        is_open = self.from_standing > radius
        keep = (self.table.data <= radius) & is_open[self.row_of_pair]
        before = np.concatenate(([0], np.cumsum(keep)))
        table = sparse.csr_array(
            (np.ones(before[-1]), self.table.indices[keep], before[self.table.indptr]), shape=self.table.shape
        )
        limits = Limits(
            min(self.limits.deadline_s, time.perf_counter() + time_s),
            enough=-math.inf if asked == "bound" else float(self.n_more),
            hopeless=math.inf if asked == "search" else self.n_more + 0.5,
            is_quick=asked != "all",
        )  # fmt: skip
        found = solve_cover(sparse.csr_array(table[np.flatnonzero(is_open)]), np.ones(len(self.candidates)), limits)
        if len(found.columns) <= self.n_more:
            self.keep(self.candidates[found.columns])
            return "yes", found.stop_reason
        if found.bound > self.n_more:
            self.low = max(self.low, at + 1)
            return "no", found.stop_reason
        return "unknown", found.stop_reason


def _least(table: sparse.csr_array, sites: Longs) -> Floats:
    """Return the least cost of each row among some sites; inf where none is a pair's."""
    is_open = np.zeros(table.shape[1], dtype=bool)
    is_open[sites] = True
    nearness = sparse.csr_array((-table.data, table.indices, table.indptr), shape=table.shape)
    return -best_open(nearness, is_open, nothing=np.full(table.shape[0], -np.inf)).value


def _plan(problem: SitingProblem, search: _Search, stop: str, began: float) -> SitingPlan:
    chosen = np.sort(np.concatenate([forced_candidates(problem), search.plan]))
    costs = problem.costs
    is_open = np.zeros(problem.n_sites, dtype=bool)
    is_open[problem.existing] = True
    is_open[chosen] = True
    nearness = sparse.csr_array((-costs.data, costs.indices, costs.indptr), shape=costs.shape)
    best = best_open(nearness, is_open, nothing=np.full(problem.n_demand, -np.inf))
    objective = float((-best.value[problem.weights > 0.0]).max(initial=0.0))
    bound = min(objective, search.bound)
    return SitingPlan(
        "p-center", status_of(objective, bound), chosen, objective, bound, "minimise", stop,
        time_s=time.perf_counter() - began, assigned=best.site,
    )  # fmt: skip
