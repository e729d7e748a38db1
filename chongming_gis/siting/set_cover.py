"""The cheapest columns that cover all rows, or enough of them, with a proven bound: what LSCP and p-center ask.

What cannot matter is left out, a local search looks for cheap covers, and multipliers give a bound. Parts that share no
column are then closed one by one: small ones by HiGHS, large ones as far as inequalities of three rows raise the bound.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from chongming_gis.kernels import setcover
from chongming_gis.siting import highs
from chongming_gis.siting.cover_cuts import rising_bounds
from chongming_gis.siting.problem import relative_gap
from chongming_gis.siting.set_cover_parts import (
    SLICE_S,
    as_cover,
    cover_model,
    covered_rows,
    merged,
    needed,
    proven,
    reduced,
    with_limit,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

_QUIET_STEPS, _QUIET_TIMES = 40, 3  # the search ends after so many steps a column, or times those to its best, in vain
_SEARCH_SHARE = 0.15  # of the time, at most, for each search and each ascent
_STEP, _KEPT, _PATIENCE, _LAST_STEP = 0.02, 0.98, 50, 1e-5  # of the ascent: measured on the instances of benchmarks/
_CUT_SHARE = 0.6  # of the time then left, for inequalities of three rows
_WHOLE_PAIRS = 50_000  # HiGHS closes a part of this size in about 10 s
_WHETHER = 5.0  # times as many pairs, where the question is only whether a cost can be kept; more, and HiGHS is lost
_MOST_PAIRS = 1_000_000  # of partial cover: more are never given to HiGHS
_ROUNDING = 1e-6  # relative: a bound this little above a possible value is not rounded up to the next
_SEED = 20261124


@dataclass(frozen=True, slots=True)
class Limits:
    """When a search may end: at a moment (``time.perf_counter``), a gap, a value low enough or a bound too high.

    With ``is_quick`` HiGHS is not asked, the bound is raised only where one can be too high, and covers are looked
    for only where one can be low enough.
    """

    deadline_s: float
    target_gap: float = 0.0
    enough: float = -math.inf
    hopeless: float = math.inf
    is_quick: bool = False

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self.deadline_s - time.perf_counter())


@dataclass(frozen=True, slots=True)
class CoverAnswer:
    """The cheapest cover found (columns, ascending), its cost, the bound proven, and why the search ended."""

    columns: Longs
    value: float
    bound: float
    stop_reason: str


def solve_cover(table: sparse.csr_array, costs: Floats, limits: Limits) -> CoverAnswer:
    """Return the cheapest columns such that each row has one.

    Parameters
    ----------
    table : (n_rows, n_columns) a stored pair covers; every row has at least one
    costs : (n_columns,) at least 0
    """
    rest, columns, taken = reduced(table, costs)
    spent = float(costs[taken].sum())
    if not rest.shape[0]:
        return CoverAnswer(needed(table, costs, taken), spent, spent, "proven")
    shifted = replace(limits, enough=limits.enough - spent, hopeless=limits.hopeless - spent)
    work = _Work(as_cover(rest, costs[columns], np.ones(rest.shape[0]), 0.0), shifted, spent)
    stop = work.run()
    chosen = np.concatenate([taken, columns[work.search.best]])
    return _answer(needed(table, costs, chosen), costs, work.bound + spent, stop)


def solve_partial_cover(
    table: sparse.csr_array, costs: Floats, weights: Floats, missing: float, limits: Limits
) -> CoverAnswer:
    """Return the cheapest columns such that rows without one weigh at most ``missing``.

    Parameters
    ----------
    table : (n_rows, n_columns) a stored pair covers; every row has at least one
    costs : (n_columns,) at least 0
    weights : (n_rows,) above 0
    """
    free = np.flatnonzero(costs <= 0.0)
    is_left = ~covered_rows(table, free)
    rest, merged_weights = merged(table[np.flatnonzero(is_left)], weights[is_left])
    cover = as_cover(rest, costs, merged_weights, missing)
    columns = np.flatnonzero(setcover.undominated_columns(cover) & (costs > 0.0))
    cover = as_cover(sparse.csr_array(rest[:, columns]), costs[columns], merged_weights, missing)
    work = _Work(cover, limits, 0.0)
    stop = work.run()
    chosen = np.concatenate([free, columns[work.search.best]])
    return _answer(needed(table, costs, chosen, weights, missing), costs, work.bound, stop)


def _answer(columns: Longs, costs: Floats, bound: float, stop: str) -> CoverAnswer:
    value = float(costs[columns].sum())
    bound = min(bound, value)
    if value - bound <= 1e-12 * max(1.0, value):
        bound, stop = value, "proven"
    return CoverAnswer(columns, value, bound, stop)


def _grain(costs: Floats) -> float:
    """Return a number of which all sums of the costs are multiples, 0 where none is known."""
    if not len(costs):
        return 0.0
    if (costs == costs[0]).all():
        return float(costs[0])
    is_whole = (costs == np.rint(costs)).all() and costs.max() < 2.0**31
    return float(np.gcd.reduce(costs.astype(np.int64))) if is_whole else 0.0


def _round_up(bound: float, grain: float) -> float:
    if grain <= 0.0 or not math.isfinite(bound):
        return bound
    return math.ceil(bound / grain - _ROUNDING * max(1.0, abs(bound / grain))) * grain


@dataclass(slots=True)
class _Part:
    """Rows and columns that share nothing with the others, what they cost in the best cover, and at least must cost."""

    rows: Longs
    columns: Longs
    bound: float
    is_closed: bool = False


@dataclass(slots=True)
class _Work:
    """A question under way: the best cover is in ``search``, the bound in ``parts``."""

    cover: setcover.Cover
    limits: Limits
    spent: float  # already, outside of this question
    search: setcover.Search = field(init=False)
    dual: Floats = field(init=False)
    parts: list[_Part] = field(init=False)
    grain: float = field(init=False)

    def __post_init__(self) -> None:
        n_rows, n_columns = len(self.cover.weight), len(self.cover.cost)
        self.grain = _grain(self.cover.cost)
        self.dual = np.zeros(n_rows)
        self.parts = [_Part(np.arange(n_rows), np.arange(n_columns), 0.0)]
        self.search = _fresh_search(self.cover)

    @property
    def value(self) -> float:
        return float(self.search.sums[1])

    @property
    def bound(self) -> float:
        return min(self.value, _round_up(sum(part.bound for part in self.parts), self.grain))

    @property
    def is_done(self) -> bool:
        value, bound, limits = self.value, self.bound, self.limits
        gap = relative_gap(value + self.spent, bound + self.spent)
        return gap <= max(limits.target_gap, 1e-12) or value <= limits.enough or bound >= limits.hopeless

    def run(self) -> str:
        """Work until done or out of time, and return why it ended."""
        try:
            is_interrupted = self._steps()
        except KeyboardInterrupt:
            is_interrupted = True
        gap = relative_gap(self.value + self.spent, self.bound + self.spent)
        if gap <= 1e-12:
            return "proven"
        if is_interrupted:
            return "interrupted"
        if self.is_done:
            return "target gap" if gap <= self.limits.target_gap else "search exhausted"
        return "time limit" if self.limits.left_s <= 0.0 else "search exhausted"

    def _steps(self) -> bool:
        """Search, raise the bound, then close what is open; return whether that was interrupted."""
        if self.limits.is_quick:
            self._answer_quickly()
            return False
        self._search()
        if not self.is_done:
            self._ascend(_SEARCH_SHARE)
        if self.is_done:
            return False
        if self.cover.missing[0] > 0.0:
            return self._close_partial()
        self._split()
        for part in sorted(self.parts, key=lambda part: len(part.rows)):
            if self.is_done or self.limits.left_s <= 0.0:
                return False
            if self._close(part):
                return True
        return False

    def _answer_quickly(self) -> None:
        """Ask only for what the limits name: a bound too high, a value low enough."""
        if math.isfinite(self.limits.hopeless):
            self._ascend(0.5)
        if math.isfinite(self.limits.enough):
            self._search(1.0)

    def _search(self, time_share: float = _SEARCH_SHARE, quiet_times: float = _QUIET_TIMES) -> None:
        """Look for cheaper covers until long in vain; the same steps whatever the pace of the processor."""
        search, end_s = self.search, time.perf_counter() + time_share * self.limits.left_s
        first = int(search.counts[2])
        n_steps = 100
        while not self.is_done:
            since = int(search.counts[4]) if search.counts[4] > first else first
            last = max(since + _QUIET_STEPS * len(self.cover.cost), quiet_times * since)
            n_steps = int(min(n_steps, last - int(search.counts[2])))
            began = time.perf_counter()
            if n_steps <= 0 or began >= end_s:
                return
            setcover.search(self.cover, search, self.limits.enough, n_steps)
            if time.perf_counter() - began < SLICE_S / 2:
                n_steps *= 2

    def _ascend(self, time_share: float) -> None:
        """Raise the multipliers until their bound hardly grows."""
        cover, end_s = self.cover, time.perf_counter() + time_share * self.limits.left_s
        sizes = np.maximum(np.diff(cover.column_ptr), 1)
        dual = np.minimum.reduceat((cover.cost / sizes)[cover.row_columns], cover.row_ptr[:-1])
        duals = dual, dual.copy(), np.zeros_like(dual)
        pace = np.array([-math.inf, _STEP, 0.0, 0.0])
        n_rounds = min(200, max(1, 10_000_000 // len(cover.row_columns)))
        goal = min(self.value, self.limits.hopeless + 1.0)
        while pace[1] > _LAST_STEP and time.perf_counter() < end_s:
            setcover.ascend(cover, duals, pace, goal, (_KEPT, _PATIENCE, n_rounds))
            self.dual, self.parts[0].bound = duals[1], float(max(pace[0], 0.0))
            if self.is_done:
                return

    def _split(self) -> None:
        """Cut the question into parts that share no column, each with the bound its multipliers give."""
        cover = self.cover
        n_rows, n_columns = len(cover.weight), len(cover.cost)
        table = sparse.csr_array(
            (np.ones(len(cover.row_columns)), cover.row_columns, cover.row_ptr), shape=(n_rows, n_columns)
        )
        pairs = sparse.coo_array(table)
        both = sparse.csr_array((pairs.data, (pairs.row, n_rows + pairs.col)), shape=(n_rows + n_columns,) * 2)
        n_parts, of = csgraph.connected_components(both, directed=False)
        reduced_costs = cover.cost - table.T @ self.dual
        bounds = np.bincount(of[:n_rows], weights=self.dual, minlength=n_parts)
        bounds += np.bincount(of[n_rows:], weights=np.minimum(reduced_costs, 0.0), minlength=n_parts)
        rows, columns = (np.argsort(some, kind="stable") for some in (of[:n_rows], of[n_rows:]))
        row_cut, column_cut = (
            np.cumsum(np.bincount(some, minlength=n_parts))[:-1] for some in (of[:n_rows], of[n_rows:])
        )
        self.parts = [
            _Part(own, theirs, _round_up(max(bound, 0.0), self.grain))
            for own, theirs, bound in zip(
                np.split(rows, row_cut), np.split(columns, column_cut), bounds.tolist(), strict=True
            )
        ]

    def _close(self, part: _Part) -> bool:
        """Raise a part's bound to what it costs, if time allows; return whether that was interrupted."""
        table, costs = self._table(part), self.cover.cost[part.columns]
        at_most = self.limits.enough - sum(other.bound for other in self.parts if other is not part)
        is_asked_whether = math.isfinite(at_most) and self.grain > 0.0
        if table.nnz > _WHOLE_PAIRS * (_WHETHER if is_asked_whether else 1.0):
            self._cut(part, table)
            is_too_large = table.nnz > _WHOLE_PAIRS * _WHETHER
            if not self.is_done and is_too_large:  # nothing else is left to do with the time
                self._search(1.0, math.inf)
            elif not self.is_done:
                self._search()
            if self.is_done or is_too_large:
                return False
        own = self.search.best[part.columns]
        if costs[own].sum() <= part.bound or self.limits.left_s <= 0.0:
            return False
        model = cover_model(table, costs)
        found = highs.solve(
            with_limit(model, at_most) if is_asked_whether else model,
            time_limit_s=self.limits.left_s,
            absolute_gap=0.999 * self.grain,
            start=None if is_asked_whether else own.astype(np.float64),
        )
        if found.outcome == "infeasible":
            self._raise(part, at_most + self.grain)
            return False
        if len(found.values):
            chosen = found.values > 0.5
            if costs[chosen].sum() < costs[own].sum() and covered_rows(table, np.flatnonzero(chosen)).all():
                self._adopt(part, chosen)
        self._raise(part, proven(found, float(costs[self.search.best[part.columns]].sum())))
        return found.is_interrupted

    def _cut(self, part: _Part, table: sparse.csr_array) -> None:
        """Raise a part's bound by inequalities of three rows, while that helps."""
        end_s = time.perf_counter() + _CUT_SHARE * self.limits.left_s
        for bound in rising_bounds(table, self.cover.cost[part.columns], self.dual[part.rows], end_s):
            self._raise(part, bound)
            if self.is_done:
                return

    def _close_partial(self) -> bool:
        """Ask HiGHS about partial cover; return whether that was interrupted."""
        cover, n_rows = self.cover, len(self.cover.weight)
        if len(cover.row_columns) > _MOST_PAIRS or self.limits.left_s <= 0.0:
            return False
        best = self.search.best
        body = sparse.hstack([self._table(self.parts[0]), -sparse.eye_array(n_rows)])
        target = sparse.csr_array(np.concatenate([np.zeros(len(cover.cost)), cover.weight])[np.newaxis])
        n_columns = len(cover.cost) + n_rows
        least = float(cover.weight.sum() - cover.missing[0])
        model = highs.MipModel(
            np.concatenate([cover.cost, np.zeros(n_rows)]),
            sparse.csr_array(sparse.vstack([body, target])),
            np.concatenate([np.zeros(n_rows), [least]]),
            np.full(n_rows + 1, np.inf),
            np.zeros(n_columns),
            np.ones(n_columns),
            np.arange(n_columns) < len(cover.cost),
            "minimise",
        )
        start = np.concatenate([best, np.zeros(n_rows)]).astype(np.float64)
        start[len(cover.cost) :] = covered_rows(self._table(self.parts[0]), np.flatnonzero(best))
        found = highs.solve(
            model, time_limit_s=self.limits.left_s, target_gap=self.limits.target_gap,
            absolute_gap=0.999 * self.grain, start=start,
        )  # fmt: skip
        if len(found.values):
            chosen = found.values[: len(cover.cost)] > 0.5
            left = cover.weight[~covered_rows(self._table(self.parts[0]), np.flatnonzero(chosen))].sum()
            if cover.cost[chosen].sum() < self.value and left <= cover.missing[0]:
                self._adopt(self.parts[0], chosen)
        self._raise(self.parts[0], proven(found, self.value))
        return found.is_interrupted

    def _table(self, part: _Part) -> sparse.csr_array:
        cover = self.cover
        table = sparse.csr_array(
            (np.ones(len(cover.row_columns)), cover.row_columns, cover.row_ptr),
            shape=(len(cover.weight), len(cover.cost)),
        )
        return sparse.csr_array(sparse.csr_array(table[part.rows])[:, part.columns])

    def _raise(self, part: _Part, bound: float) -> None:
        part.bound = max(part.bound, _round_up(bound, self.grain))

    def _adopt(self, part: _Part, chosen: Bools) -> None:
        best = self.search.best.copy()
        best[part.columns] = chosen
        self.search = _fresh_search(self.cover, best)


def _fresh_search(cover: setcover.Cover, plan: Bools | None = None) -> setcover.Search:
    n_rows, n_columns = len(cover.weight), len(cover.cost)
    is_partial = cover.missing[0] > 0.0
    state = setcover.Search(
        is_chosen=np.ones(n_columns, dtype=bool) if plan is None else plan.copy(),
        best=np.zeros(n_columns, dtype=bool),
        times=np.zeros(n_rows, dtype=np.int64),
        guide=cover.weight.copy() if is_partial else np.ones(n_rows),
        score=np.zeros(n_columns),
        changed=np.zeros(n_columns, dtype=np.int64),
        may_add=np.zeros(n_columns, dtype=bool),
        open_rows=np.zeros(n_rows, dtype=np.int64),
        open_place=np.zeros(n_rows, dtype=np.int64),
        plan=np.zeros(n_columns, dtype=np.int64),
        plan_place=np.zeros(n_columns, dtype=np.int64),
        counts=np.zeros(5, dtype=np.int64),
        sums=np.zeros(3),
        chance=np.array([_SEED], dtype=np.uint64),
    )
    setcover.start(cover, state)
    setcover.search(cover, state, math.inf, 1)  # notes the plan as the best so far
    return state
