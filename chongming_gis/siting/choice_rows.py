"""Who goes where, as columns: each demand row uses the open site that is best for it.

A pair has a column where it is better than what the row has without it (a standing site, or going without); what it is
better by is its gain. p-median and gradual cover are both this model, with costs saved and cover won as gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from chongming_gis.siting.cut_rows import cut_part
from chongming_gis.siting.formulation import Bools, Floats, Ints, Part, Rows, sums, unlimited

MOST_PAIRS = 10_000  # more are not told as columns


@dataclass(frozen=True, slots=True)
class BestOpen:
    """The best open site of each demand row: its value, and its column; -1 where no open site is a pair's."""

    value: Floats
    site: Ints


def best_open(values: sparse.csr_array, is_open: Bools, *, nothing: Floats) -> BestOpen:
    """Return the largest stored value of each row among open sites; ``nothing`` where none is larger than it.

    Ties go to the site of the lowest number.
    """
    n_rows = values.shape[0]
    rows = np.repeat(np.arange(n_rows), np.diff(values.indptr))
    keep = is_open[values.indices]
    rows, columns, data = rows[keep], values.indices[keep], values.data[keep]
    order = np.lexsort((columns, -data, rows))
    rows, first = np.unique(rows[order], return_index=True)
    best, site = nothing.copy(), np.full(n_rows, -1, dtype=np.int64)
    found = data[order][first]
    is_better = found >= nothing[rows]
    best[rows[is_better]] = found[is_better]
    site[rows[is_better]] = columns[order][first][is_better]
    return BestOpen(best, site)


@dataclass(frozen=True, slots=True)
class Choice:
    """The columns of who goes where.

    Attributes
    ----------
    part : the columns of pairs; a row of a single pair has none, its site's column says it all
    site_gains : (n_sites,) what rows of a single pair add to the objective of their site
    column : column of each stored pair, in the order of the gains
    """

    part: Part
    site_gains: Floats
    column: Ints


def fewest_columns(gains: sparse.csr_array, *, first: int) -> tuple[Part, Floats]:
    """Return who goes where as a column a pair, or, where pairs are many, a column a row with cuts."""
    if gains.nnz > MOST_PAIRS:
        return cut_part(gains, first=first)
    choice = choice_part(gains, first=first)
    return choice.part, choice.site_gains


def choice_part(gains: sparse.csr_array, *, first: int) -> Choice:
    """Return the columns of who goes where.

    Parameters
    ----------
    gains : (n_demand, n_sites) what a row wins by going there, above 0 where stored
    first : number of the first column
    """
    sizes = np.diff(gains.indptr)
    rows = np.repeat(np.arange(gains.shape[0]), sizes)
    is_single = sizes[rows] == 1
    site_gains = sums(gains.indices[is_single], gains.data[is_single], gains.shape[1])
    column = gains.indices.astype(np.int64)
    column[~is_single] = first + np.arange(np.count_nonzero(~is_single))
    rows, sites, data = rows[~is_single], gains.indices[~is_single].astype(np.int64), gains.data[~is_single]
    n = len(rows)
    own = np.arange(n, dtype=np.int64)
    used, at = np.unique(rows, return_inverse=True)
    body = Rows(  # one choice a row; only open sites
        np.concatenate([at, len(used) + own, len(used) + own]),
        np.concatenate([first + own, first + own, sites]),
        np.concatenate([np.ones(2 * n), -np.ones(n)]),
        -unlimited(len(used) + n),
        np.concatenate([np.ones(len(used)), np.zeros(n)]),
    )
    table = sparse.csr_array((data, (at, sites)), shape=(len(used), gains.shape[1]))

    def values_of(is_open: Bools) -> Floats:
        best = best_open(table, is_open, nothing=np.zeros(len(used)))
        return np.asarray(best.site[at] == sites, dtype=np.float64)

    return Choice(Part(data, unlimited(n), np.zeros(n, dtype=bool), body, values_of), site_gains, column)
