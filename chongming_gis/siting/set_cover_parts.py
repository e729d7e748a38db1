"""What can be left out of a covering question, what HiGHS is asked about it, and the bound of its pieces together.

Tables are sparse, rows by columns; a stored pair covers.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from chongming_gis.kernels import setcover
from chongming_gis.kernels.threads import thread_count
from chongming_gis.siting import highs
from chongming_gis.siting.problem import relative_gap

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]


def covered_rows(table: sparse.csr_array, columns: Longs) -> Bools:
    """Return which rows have at least one of some columns."""
    is_in = np.zeros(table.shape[1])
    is_in[columns] = 1.0
    found: Bools = pattern(table) @ is_in > 0.0
    return found


def pattern(table: sparse.csr_array) -> sparse.csr_array:
    """Return ones where pairs are stored, zeros included."""
    return sparse.csr_array((np.ones(table.nnz), table.indices, table.indptr), shape=table.shape)


def as_cover(table: sparse.csr_array, costs: Floats, weights: Floats, missing: float) -> setcover.Cover:
    """Return the question as the kernels want it; rows without a column may weigh ``missing`` together."""
    columns = sparse.csc_array(table)
    columns.sort_indices()
    return setcover.Cover(
        table.indptr.astype(np.int64),
        table.indices.astype(np.int32),
        columns.indptr.astype(np.int64),
        columns.indices.astype(np.int32),
        np.ascontiguousarray(costs, dtype=np.float64),
        np.ascontiguousarray(weights, dtype=np.float64),
        np.array([missing]),
    )


def reduced(table: sparse.csr_array, costs: Floats) -> tuple[sparse.csr_array, Longs, Longs]:
    """Return the rows and columns worth a look, which columns these are, and the columns that every plan may take.

    Columns that cost nothing (or less) are taken; so is the only column of a row.
    """
    taken = np.flatnonzero(costs <= 0.0)
    rest = pattern(table)[np.flatnonzero(~covered_rows(table, taken))]
    columns = np.flatnonzero(costs > 0.0)
    rest = sparse.csr_array(rest[:, columns])
    parts = [taken]
    while True:
        rest.sort_indices()
        sizes = np.diff(rest.indptr)
        count = np.bincount(rest.indices, minlength=rest.shape[1])
        order = np.argsort(sizes, kind="stable")
        is_row = setcover.undominated_rows(rest.indptr.astype(np.int64), rest.indices.astype(np.int32), order, count)
        rest = rest[np.flatnonzero(is_row)]
        only = np.unique(rest.indices[rest.indptr[:-1][np.diff(rest.indptr) == 1]]).astype(np.int64)
        parts.append(columns[only])
        rest = sparse.csr_array(rest[np.flatnonzero(~covered_rows(rest, only))])
        is_column = setcover.undominated_columns(as_cover(rest, costs[columns], np.ones(rest.shape[0]), 0.0))
        if is_column.all():
            return rest, columns, np.sort(np.concatenate(parts))
        rest, columns = sparse.csr_array(rest[:, np.flatnonzero(is_column)]), columns[is_column]


def merged(table: sparse.csr_array, weights: Floats) -> tuple[sparse.csr_array, Floats]:
    """Return the rows with the same columns as one row each, their weights added."""
    known: dict[bytes, int] = {}
    group = np.empty(table.shape[0], dtype=np.int64)
    indices = table.indices.astype(np.int32)
    for row, (first, last) in enumerate(zip(table.indptr[:-1].tolist(), table.indptr[1:].tolist(), strict=True)):
        group[row] = known.setdefault(indices[first:last].tobytes(), len(known))
    _, first_of = np.unique(group, return_index=True)
    total: Floats = np.bincount(group, weights=weights, minlength=len(known)).astype(np.float64)
    return pattern(table[first_of]), total


def needed(
    table: sparse.csr_array, costs: Floats, chosen: Longs, weights: Floats | None = None, missing: float = 0.0
) -> Longs:
    """Return the columns without those that no row needs, the dearest and last left out first.

    Parameters
    ----------
    weights, missing : weight of the rows, and how much of it may stay uncovered; without them none may
    """
    weights = np.ones(table.shape[0]) if weights is None else weights
    columns = sparse.csc_array(pattern(table)[:, chosen])
    rows_of = [columns.indices[a:b] for a, b in zip(columns.indptr[:-1], columns.indptr[1:], strict=True)]
    times = np.bincount(columns.indices, minlength=table.shape[0])
    room = missing - float(weights[times == 0].sum())
    is_kept = np.ones(len(chosen), dtype=bool)
    for at in np.lexsort((-chosen, -costs[chosen])):
        rows = rows_of[at]
        loss = float(weights[rows[times[rows] == 1]].sum())
        if loss <= max(room, 0.0):
            times[rows] -= 1
            room -= loss
            is_kept[at] = False
    return np.sort(chosen[is_kept])


def piecewise_bound(table: sparse.csr_array, costs: Floats, dual: Floats, n_pieces: int, time_s: float) -> float:
    """Return a lower bound of a cover's cost: the sum over pieces, each covered at least cost by itself.

    A column that several pieces need is charged to each in proportion to the multipliers of the rows it covers there,
    so no cover of all costs less than the sum. It is at least the Lagrangian bound, since a piece is solved in whole
    columns (Lagrangean decomposition: Guignard & Kim 1987).
    """
    piece = _pieces(table, dual, n_pieces)
    tables = [sparse.csr_array(table[np.flatnonzero(piece == at)]) for at in range(n_pieces)]
    charges = np.stack([some.T @ dual[piece == at] for at, some in enumerate(tables)])
    owner = charges.argmax(axis=0)
    charges[owner, np.arange(len(costs))] += costs - charges.sum(axis=0)
    bound = float(np.minimum(charges, 0.0).sum())
    pool = ThreadPoolExecutor(thread_count())
    end_s = time.perf_counter() + time_s
    share_s = time_s * thread_count() / n_pieces

    def least(at: int) -> float:
        rest, columns, taken = reduced(tables[at], charges[at])
        spent = float(np.maximum(charges[at][taken], 0.0).sum())
        left_s = end_s - time.perf_counter()
        if not rest.shape[0]:
            return spent
        own_dual = dual[piece == at]
        lagrangian = float(own_dual.sum() + np.minimum(charges[at] - tables[at].T @ own_dual, 0.0).sum())
        found = highs.solve(cover_model(rest, charges[at][columns]), time_limit_s=min(max(left_s, 0.0), 3.0 * share_s))
        own = found.bound - highs.TOLERANCE * max(1.0, abs(found.bound)) if math.isfinite(found.bound) else -math.inf
        return max(spent + own, lagrangian - float(np.minimum(charges[at], 0.0).sum()))

    try:
        return bound + sum(pool.map(least, range(n_pieces)))
    finally:  # after Ctrl-C nobody waits for a piece that is under way
        pool.shutdown(wait=False, cancel_futures=True)


def _pieces(table: sparse.csr_array, dual: Floats, n_pieces: int) -> Longs:
    """Return the piece of each row: neighbours together, each with about the same sum of multipliers."""
    near = sparse.csr_array(table.T @ table)
    order = csgraph.reverse_cuthill_mckee(sparse.csr_matrix(near), symmetric_mode=True)
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    at = np.argsort(table @ place / np.diff(table.indptr), kind="stable")
    piece = np.empty(len(dual), dtype=np.int64)
    before = np.cumsum(dual[at]) - dual[at] / 2.0
    piece[at] = np.minimum((before / max(before[-1], 1e-300) * n_pieces).astype(np.int64), n_pieces - 1)
    return piece


def better_dual(table: sparse.csr_array, costs: Floats, dual: Floats, time_s: float) -> Floats:
    """Return the best multipliers of the rows that matter by those given, from a linear program; else those given."""
    rows = np.flatnonzero(dual > 1e-3 * dual.max(initial=0.0))
    n_rows, n_columns = len(rows), len(costs)
    model = highs.MipModel(
        np.ones(n_rows),
        sparse.csr_array(table[rows].T),
        np.full(n_columns, -np.inf),
        costs,
        np.zeros(n_rows),
        np.full(n_rows, np.inf),
        np.zeros(n_rows, dtype=bool),
        "maximise",
    )
    found = highs.solve(model, time_limit_s=time_s)
    if found.is_interrupted:
        raise KeyboardInterrupt
    if found.outcome != "optimal":
        return dual
    better = np.zeros(len(dual))
    better[rows] = np.maximum(found.values, 0.0)
    return better


def cover_model(table: sparse.csr_array, costs: Floats) -> highs.MipModel:
    """Return the whole question as a model for HiGHS."""
    n_rows, n_columns = table.shape
    return highs.MipModel(
        costs, table, np.ones(n_rows), np.full(n_rows, np.inf), np.zeros(n_columns), np.ones(n_columns),
        np.ones(n_columns, dtype=bool), "minimise",
    )  # fmt: skip


def with_limit(model: highs.MipModel, at_most: float) -> highs.MipModel:
    """Return the model with a limit of its costs: HiGHS finds or excludes such a plan sooner than the cheapest one."""
    return replace(
        model,
        matrix=sparse.csr_array(sparse.vstack([model.matrix, sparse.csr_array(model.costs[np.newaxis])])),
        row_low=np.append(model.row_low, -np.inf),
        row_high=np.append(model.row_high, at_most + 1e-6 * max(1.0, at_most)),
    )


def proven(found: highs.MipAnswer, value: float) -> float:
    """Return the bound that HiGHS proved: the value itself where HiGHS may be off by the difference."""
    if not math.isfinite(found.bound):
        return -math.inf
    if found.outcome == "optimal" and relative_gap(value, found.bound) <= highs.TOLERANCE:
        return value
    return found.bound - highs.TOLERANCE * max(1.0, abs(found.bound))
