"""Whether p sites can serve everyone within a radius: the few rows that decide it, and a search for a plan.

Most rows are served by the way when a few awkward ones are. So a model of those few rows says what is impossible for
all; a plan of theirs that leaves others out names the rows that are missing (Chen & Handler 1987; Contardo, Iori &
Kramer 2019). The search keeps p sites and swaps them until nobody is left out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from chongming_gis.kernels import setcover
from chongming_gis.siting import highs
from chongming_gis.siting.set_cover_parts import (
    SLICE_S,
    as_cover,
    cover_model,
    covered_rows,
    pattern,
    reduced,
    with_limit,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]
    Verdict = Literal["yes", "no", "unknown"]

MARGIN = 1e-4  # a bound must exceed p by this much to count, a multiplier 0 to matter: the solver rounds at 1e-7
_OVERLAP = 0.5  # a row is added with others only while they have less than this share of its candidates
MOST_LP_PAIRS = 300_000  # 80,000 pairs take 0.3 s


@dataclass(frozen=True, slots=True)
class Within:
    """The rows and candidates worth a look at a radius, and the candidates that are the only one of some row.

    Attributes
    ----------
    table : (n_rows, n_columns) a stored pair is within the radius
    rows, columns : what they are in the whole table, ascending
    taken : columns of the whole table that every plan has
    """

    table: sparse.csr_array
    rows: Longs
    columns: Longs
    taken: Longs


def within(table: sparse.csr_array) -> Within:
    """Return a covering question without what cannot matter: rows that others imply, candidates that others surpass."""
    rest = pattern(table)
    rows, columns = np.arange(rest.shape[0]), np.arange(rest.shape[1])
    taken = [np.empty(0, dtype=np.int64)]
    while True:
        rest.sort_indices()
        sizes = np.diff(rest.indptr)
        count = np.bincount(rest.indices, minlength=rest.shape[1])
        order = np.argsort(sizes, kind="stable")
        is_row = setcover.undominated_rows(rest.indptr.astype(np.int64), rest.indices.astype(np.int32), order, count)
        only = np.unique(rest.indices[rest.indptr[:-1][is_row & (sizes == 1)]]).astype(np.int64)
        taken.append(columns[only])
        is_row &= ~covered_rows(rest, only)
        rest, rows = sparse.csr_array(rest[np.flatnonzero(is_row)]), rows[is_row]
        is_column = setcover.undominated_columns(as_cover(rest, np.ones(len(columns)), np.ones(len(rows)), 0.0))
        if is_column.all():
            return Within(rest, rows, columns, np.sort(np.concatenate(taken)))
        rest, columns = sparse.csr_array(rest[:, np.flatnonzero(is_column)]), columns[is_column]


class CriticalRows:
    """The rows of a table that have decided so far; every question adds to them."""

    def __init__(self, n_rows: int) -> None:
        self.is_critical: Bools = np.zeros(n_rows, dtype=bool)
        self.is_interrupted = False

    def prices(self, question: Within, time_s: float) -> Floats:
        """Return the best multipliers of the rows (linear program), or plain ones where time or size forbids it.

        A candidate's rows have at most its own price, 1, together: so many candidates as their sum are needed.
        """
        table = question.table
        plain = np.full(table.shape[0], 1.0 / max(1, np.bincount(table.indices, minlength=1).max(initial=0)))
        if not table.nnz or table.nnz > MOST_LP_PAIRS or time_s <= 0.0:
            return plain
        n_rows, n_columns = table.shape
        model = highs.MipModel(
            np.ones(n_rows), sparse.csr_array(table.T), np.full(n_columns, -np.inf), np.ones(n_columns),
            np.zeros(n_rows), np.ones(n_rows), np.zeros(n_rows, dtype=bool), "maximise",
        )  # fmt: skip
        found = highs.solve(model, time_limit_s=time_s)
        self.is_interrupted |= found.is_interrupted
        return np.maximum(found.values, 0.0) if found.outcome == "optimal" else plain

    def ask(self, question: Within, n_more: int, time_s: float, keep: Callable[[Longs], None]) -> Verdict:
        """Return whether ``n_more`` columns can cover every row.

        Parameters
        ----------
        keep : gets the columns of each plan met, those included that leave rows out
        """
        end_s = time.perf_counter() + time_s
        prices = self.prices(question, time_s)
        if least_number(question, prices) > n_more + MARGIN:
            return "no"
        is_in = self.is_critical[question.rows] | _is_dear(prices) | _apart(question.table)
        while (left_s := end_s - time.perf_counter()) > 0.0 and not self.is_interrupted:
            some = sparse.csr_array(question.table[np.flatnonzero(is_in)])
            columns, outcome = self._plan_of(some, n_more - len(question.taken), left_s)
            if outcome != "found":
                return "no" if outcome == "infeasible" else "unknown"
            keep(np.concatenate([question.taken, question.columns[columns]]))
            missing = np.flatnonzero(~covered_rows(question.table, columns))
            if not len(missing):
                return "yes"
            added = missing[_apart(sparse.csr_array(question.table[missing]))]
            is_in[added] = True
            self.is_critical[question.rows[added]] = True
        return "unknown"

    def _plan_of(self, table: sparse.csr_array, n_more: int, time_s: float) -> tuple[Longs, str]:
        """Return at most ``n_more`` columns that cover some rows, and whether they were found."""
        rest, columns, taken = reduced(table, np.ones(table.shape[1]))
        n_more -= len(taken)
        if n_more < 0:
            return taken, "infeasible"
        if not rest.shape[0]:
            return taken, "found"
        model = with_limit(cover_model(rest, np.ones(len(columns))), float(n_more))
        found = highs.solve(model, time_limit_s=time_s, absolute_gap=float(n_more + 1))
        self.is_interrupted |= found.is_interrupted
        if found.outcome == "infeasible":
            return taken, "infeasible"
        chosen = columns[found.values > 0.5] if len(found.values) else columns[:0]
        if not len(found.values) or len(chosen) > n_more or not covered_rows(table, np.append(taken, chosen)).all():
            return taken, "unknown"
        return np.concatenate([taken, chosen]), "found"


def least_number(question: Within, prices: Floats) -> float:
    """Return how many columns cover every row at least, by multipliers of the rows (Lagrangian bound)."""
    left = 1.0 - question.table.T @ prices
    return float(len(question.taken) + prices.sum() + np.minimum(left, 0.0).sum())


def _is_dear(prices: Floats) -> Bools:
    """Return which rows have a multiplier worth the name where some have none; no row where all are alike."""
    is_dear: Bools = (prices > MARGIN) & (prices.min(initial=0.0) < prices.max(initial=0.0))
    return is_dear


def _apart(table: sparse.csr_array) -> Bools:
    """Return some rows of few candidates that have little in common with each other."""
    is_used, is_in = np.zeros(table.shape[1], dtype=bool), np.zeros(table.shape[0], dtype=bool)
    for row in np.argsort(np.diff(table.indptr), kind="stable"):
        own = table.indices[table.indptr[row] : table.indptr[row + 1]]
        if np.count_nonzero(is_used[own]) < _OVERLAP * len(own):
            is_in[row] = True
            is_used[own] = True
    return is_in


class SwapSearch:
    """A search for so many columns that cover every row, from some plan on; it can be gone on with.

    Attributes
    ----------
    place : the number of the radius that is asked about
    n_steps : steps at once between two looks at the clock
    """

    def __init__(self, question: Within, is_planned: Bools, n_more: int, *, place: int) -> None:
        n_rows, n_columns = question.table.shape
        self.question, self.n_more = question, n_more - len(question.taken)
        self.cover = as_cover(question.table, np.ones(n_columns), np.ones(n_rows), 0.0)
        self.place = place
        is_chosen = is_planned[question.columns]
        is_chosen[np.flatnonzero(is_chosen)[max(self.n_more, 0) :]] = False
        self.state = setcover.Search(
            is_chosen=is_chosen,
            best=np.zeros(n_columns, dtype=bool),
            times=np.zeros(n_rows, dtype=np.int64),
            guide=np.ones(n_rows),
            score=np.zeros(n_columns),
            changed=np.zeros(n_columns, dtype=np.int64),
            may_add=np.zeros(n_columns, dtype=bool),
            open_rows=np.zeros(n_rows, dtype=np.int64),
            open_place=np.zeros(n_rows, dtype=np.int64),
            plan=np.zeros(n_columns, dtype=np.int64),
            plan_place=np.zeros(n_columns, dtype=np.int64),
            counts=np.zeros(5, dtype=np.int64),
            sums=np.zeros(3),
            chance=np.array([1], dtype=np.uint64),
        )
        setcover.start(self.cover, self.state)
        self.state.sums[1] = self.n_more + 1.0  # no plan may be larger than one column less than this
        self.n_steps = 100

    def run(self, time_s: float, most_steps: int) -> Longs | None:
        """Return columns of the whole table that cover every row; None = none was found in the time or the steps."""
        end_s, last = time.perf_counter() + time_s, int(self.state.counts[2]) + most_steps
        while self.n_more >= 0 and (began := time.perf_counter()) < end_s and self.state.counts[2] < last:
            n_steps = min(self.n_steps, last - int(self.state.counts[2]))
            setcover.search(self.cover, self.state, float(self.n_more), n_steps)
            if self.state.sums[1] <= self.n_more:
                return np.sort(np.concatenate([self.question.taken, self.question.columns[self.state.best]]))
            if time.perf_counter() - began < SLICE_S / 2:
                self.n_steps *= 2
        return None
