"""What can be left out of a covering question, and what HiGHS is asked about it.

Tables are sparse, rows by columns; a stored pair covers.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.kernels import setcover
from chongming_gis.siting import highs
from chongming_gis.siting.problem import relative_gap

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

SLICE_S = 0.05  # a kernel runs so long before the clock and Ctrl-C are looked at


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
