"""p sites with the least largest cost of anyone to the best open one, with a proven bound.

Whether a radius can be kept is a covering question (``p_center_rows``): quick answers narrow the radii down from both
sides, then critical rows raise the bound and a search lowers the radius by turns. Rules beyond "this site yes, that
site no" go to ``exact``.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.siting.choice_rows import best_open
from chongming_gis.siting.lscp import check_numbers, forced_candidates, free_candidates, standing_sites
from chongming_gis.siting.p_center_rows import MARGIN, MOST_LP_PAIRS, CriticalRows, SwapSearch, least_number, within
from chongming_gis.siting.p_median import check_new_sites, serving_sites, too_many_forced
from chongming_gis.siting.problem import SitingPlan, infeasible, relative_gap, status_of
from chongming_gis.siting.set_cover import Limits, solve_cover

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.p_center_rows import Verdict, Within
    from chongming_gis.siting.problem import SitingProblem

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

TIME_LIMIT_S = 60.0
_SEARCH_SHARE, _BOUND_SHARE = 0.05, 0.15  # of the time left, at most, for one quick answer from above or below
_QUICK_S = 3.0  # and no longer than this
_THOROUGH_SHARE = 0.6  # likewise for a thorough one
_FIRST_PART = 0.15  # of the way from the bound to the best plan: where the first thorough question is asked
_EASY = 0.2  # of the time allowed: what is answered sooner was easy
_DROP, _LEAST_DROP = 3e-3, 1e-5  # relative: how far below the best plan a better one is looked for
_QUICK_SEARCH, _LONG_SEARCH = 60, 600  # steps a candidate; 4,871 m of 10,000 x 1,000 came after 60
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
    Hakimi (1964); a search over the costs that occur (Minieka 1970), each asked of few rows (Contardo, Iori &
    Kramer 2019).
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
        self.critical = CriticalRows(int(np.count_nonzero(problem.weights > 0.0)))
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
            verdict = self._ask(at, asked)
            if self.critical.is_interrupted:
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
        """Ask what the few critical rows exclude, and search below the best plan, by turns; return whether interrupted.

        The bound goes up by small steps, since the rows found on the way serve the next; by halves while that is easy.
        """
        part, drop = _FIRST_PART, _DROP
        search: SwapSearch | None = None
        while not self.is_done and self.limits.left_s > 0.0:
            began, time_s = time.perf_counter(), _THOROUGH_SHARE * self.limits.left_s
            aim = self.bound + part * (self.radius - self.bound)
            at = int(np.clip(np.searchsorted(self.radii, aim), self.low, self.high - 1))
            verdict = self._ask_rows(at, time_s)
            spent_s = time.perf_counter() - began
            if self.critical.is_interrupted:
                return True
            if verdict == "unknown":
                if at == self.low and spent_s < time_s:  # the solver gave up
                    return False
                part /= 2.0
            elif spent_s < _EASY * time_s:
                part = min(0.5, 2.0 * part)
            search, drop = self._descend(search, drop, spent_s)
        return False

    def _descend(self, search: SwapSearch | None, drop: float, time_s: float) -> tuple[SwapSearch | None, float]:
        """Search below the best plan for some time, from it on; return what to go on with and how far below."""
        end_s = time.perf_counter() + min(time_s, self.limits.left_s)
        while not self.is_done and time.perf_counter() < end_s:
            at = max(self.low, int(np.searchsorted(self.radii, (1.0 - drop) * self.radius, side="right")) - 1)
            at = min(at, self.high - 1)
            if search is None or search.place < self.low or search.place >= self.high:
                search = SwapSearch(self._within(at), np.isin(self.candidates, self.plan), self.n_more, place=at)
            found = search.run(end_s - time.perf_counter(), _LONG_SEARCH * len(search.cover.cost))
            if found is not None:
                self.keep(self.candidates[found])
                continue
            if drop <= _LEAST_DROP:
                break
            if time.perf_counter() < end_s:  # in vain: less far below
                search, drop = None, drop / 3.0
        return search, drop

    def _at(self, at: int) -> float:
        return float(self.radii[at])

    def _ask(self, at: int, asked: str) -> Verdict:
        """Return quickly whether everyone can be served within a radius."""
        question = self._within(at)
        if asked != "search" and self._is_excluded(question, min(_BOUND_SHARE * self.limits.left_s, _QUICK_S)):
            self.low = max(self.low, at + 1)
            return "no"
        if asked == "bound" or self.critical.is_interrupted:
            return "unknown"
        search = SwapSearch(question, np.isin(self.candidates, self.plan), self.n_more, place=at)
        time_s = min(_SEARCH_SHARE * self.limits.left_s, _QUICK_S)
        found = search.run(time_s, _QUICK_SEARCH * len(question.columns))
        if found is None:
            return "unknown"
        self.keep(self.candidates[found])
        return "yes"

    def _is_excluded(self, question: Within, time_s: float) -> bool:
        """Return whether multipliers prove that the sites do not suffice: by a linear program, or step by step."""
        if question.table.nnz <= MOST_LP_PAIRS:
            return least_number(question, self.critical.prices(question, time_s)) > self.n_more + MARGIN
        n_more = self.n_more - len(question.taken)
        limits = Limits(time.perf_counter() + time_s, hopeless=n_more + 0.5, is_quick=True)
        found = solve_cover(question.table, np.ones(len(question.columns)), limits)
        self.critical.is_interrupted |= found.stop_reason == "interrupted"
        return found.bound > n_more

    def _ask_rows(self, at: int, time_s: float) -> Verdict:
        """Return whether everyone can be served within a radius, as the rows that are critical decide it."""
        verdict = self.critical.ask(
            self._within(at), self.n_more, time_s, lambda columns: self.keep(self.candidates[columns])
        )
        if verdict == "no":
            self.low = max(self.low, at + 1)
        return verdict

    def _within(self, at: int) -> Within:
        """Return what is to be covered within a radius beside the standing sites."""
        radius = self._at(at)
        keep = (self.table.data <= radius) & (self.from_standing > radius)[self.row_of_pair]
        before = np.concatenate(([0], np.cumsum(keep)))
        return within(
            sparse.csr_array(
                (np.ones(before[-1]), self.table.indices[keep], before[self.table.indptr]), shape=self.table.shape
            )
        )


def _least(table: sparse.csr_array, sites: Longs) -> Floats:
    """Return the least cost of each row among some sites; inf where none is a pair's."""
    is_open = np.zeros(table.shape[1], dtype=bool)
    is_open[sites] = True
    values = np.where(is_open[table.indices], table.data, np.inf)
    least = np.full(table.shape[0], np.inf)
    rows = np.flatnonzero(np.diff(table.indptr))
    if len(rows):
        least[rows] = np.minimum.reduceat(values, table.indptr[rows])
    return least


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
