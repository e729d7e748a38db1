"""A bound of the cheapest cover above that of the relaxed model: three rows that no column covers need two columns.

Rows that a relaxed plan leaves open, and inequalities of three rows that it breaks, are added round by round. Each
round's multipliers give a bound that holds by itself, however well the relaxed model was solved.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from chongming_gis.kernels import setcover
from chongming_gis.kernels.triples import SharedRows, broken_triples
from chongming_gis.siting import highs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

_ROWS_AT_ONCE, _TRIPLES_AT_ONCE = 400, 400
_TRIPLES_A_ROW = 2  # in one round: more say the same of the same rows
_LEAST_BROKEN = 0.02
_LEAST_BUILT = 0.005  # of a column: an interior point leaves a little of all
_NEARLY_TIGHT = 1.25  # cover of a row worth a look
_LEAST_SHARED = 0.1
_STALLED, _STALLED_ROUNDS = 2e-4, 3  # relative: the last so many rounds raised the bound by less


class _Rows(NamedTuple):
    """Inequalities over the columns: ``table @ x >= low``."""

    table: sparse.csr_array
    low: Floats


def rising_bounds(table: sparse.csr_array, costs: Floats, dual: Floats, deadline_s: float) -> Iterator[float]:
    """Yield bounds of the cheapest cover's cost, each round's own, until they hardly rise or time ends.

    Parameters
    ----------
    table : (n_rows, n_columns) ones
    costs : (n_columns,) above 0
    dual : (n_rows,) multipliers; the rows that matter by them are the first of the relaxed model
    deadline_s : moment of ``time.perf_counter``

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C, while the relaxed model was solved.

    Notes
    -----
    Half of the sum of three rows, rounded up: Chvatal-Gomory inequalities with 0, 1/2 (Caprara & Fischetti 1996), the
    smallest of those of Balas & Ng (1989) for set covering.
    """
    is_known = dual > 1e-3 * dual.max(initial=0.0)
    model = _Rows(sparse.csr_array(table[np.flatnonzero(is_known)]), np.ones(np.count_nonzero(is_known)))
    known: list[float] = []
    while (left_s := deadline_s - time.perf_counter()) > 0.0:
        found = highs.relax(_as_model(model, costs), time_limit_s=left_s)
        if found.is_interrupted:
            raise KeyboardInterrupt
        if found.outcome != "optimal":
            return
        built, prices = np.maximum(found.values, 0.0), np.maximum(found.row_prices, 0.0)
        known.append(float(prices @ model.low + np.minimum(costs - model.table.T @ prices, 0.0).sum()))
        yield known[-1]
        if len(known) > _STALLED_ROUNDS and known[-1] < known[-1 - _STALLED_ROUNDS] * (1.0 + _STALLED):
            return
        cover = table @ built
        is_open = (cover < 1.0 - 1e-4) & ~is_known
        most_open = np.flatnonzero(is_open)[np.argsort(cover[is_open], kind="stable")[:_ROWS_AT_ONCE]]
        triples = _triples(table, built, cover)
        if not len(most_open) and not triples.table.shape[0]:
            return
        is_known[most_open] = True
        is_tight = (model.table @ built < model.low + _LEAST_BROKEN) | (prices > 1e-4 * costs.max())
        kept = np.flatnonzero(is_tight)
        model = _Rows(
            sparse.csr_array(sparse.vstack([model.table[kept], table[most_open], triples.table])),
            np.concatenate([model.low[kept], np.ones(len(most_open)), triples.low]),
        )


def _as_model(rows: _Rows, costs: Floats) -> highs.MipModel:
    n_rows, n_columns = rows.table.shape
    return highs.MipModel(
        costs, rows.table, rows.low, np.full(n_rows, np.inf), np.zeros(n_columns), np.full(n_columns, np.inf),
        np.zeros(n_columns, dtype=bool), "minimise",
    )  # fmt: skip


def _triples(table: sparse.csr_array, built: Floats, cover: Floats) -> _Rows:
    """Return the inequalities of three rows that a relaxed plan breaks most, few of them for each row."""
    columns = np.flatnonzero(built > _LEAST_BUILT)
    rows = np.flatnonzero(cover < _NEARLY_TIGHT)
    part = sparse.csr_array(sparse.csr_array(table[rows])[:, columns])
    part.sort_indices()
    sizes, count = np.diff(part.indptr), np.bincount(part.indices, minlength=len(columns))
    order = np.argsort(sizes, kind="stable")
    is_row = setcover.undominated_rows(part.indptr.astype(np.int64), part.indices.astype(np.int32), order, count)
    rows, part = rows[is_row], sparse.csr_array(part[np.flatnonzero(is_row)])
    near = sparse.coo_array(part.multiply(built[columns]).tocsr() @ part.T)
    is_pair = (near.data > _LEAST_SHARED) & (near.row != near.col)
    pairs = sparse.csr_array((near.data[is_pair], (near.row[is_pair], near.col[is_pair])), shape=near.shape)
    shared = SharedRows(
        part.indptr.astype(np.int64), part.indices.astype(np.int32), built[columns], cover[rows],
        pairs.indptr.astype(np.int64), pairs.indices.astype(np.int32), pairs.data,
    )  # fmt: skip
    chosen = rows[_spread(*broken_triples(shared, _LEAST_BROKEN), len(rows))]
    pick = sparse.csr_array(
        (np.ones(chosen.size), chosen.ravel(), 3 * np.arange(len(chosen) + 1)), shape=(len(chosen), table.shape[0])
    )
    halves = sparse.csr_array(pick @ table)
    halves.data = np.ceil(halves.data / 2.0)
    return _Rows(halves, np.full(len(chosen), 2.0))


def _spread(triples: Longs, broken: Floats, n_rows: int) -> Longs:
    """Return the triples broken most such that each row is in few."""
    times = np.zeros(n_rows, dtype=np.int64)
    chosen = []
    for at in np.argsort(-broken, kind="stable"):
        if times[triples[at]].max() < _TRIPLES_A_ROW:
            times[triples[at]] += 1
            chosen.append(at)
        if len(chosen) == _TRIPLES_AT_ONCE:
            break
    return triples[np.array(chosen, dtype=np.int64)]
