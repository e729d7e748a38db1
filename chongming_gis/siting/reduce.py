"""A covering question made small without changing its answer.

Demand that a standing site covers, or that nobody could cover, is left out; rows with the same candidates become one;
a candidate goes where another one covers all that it covers. It knows nothing of search or of bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels import cover

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse

    from chongming_gis.siting.problem import SitingProblem

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]

_KEY_SEED = 20261124


@dataclass(frozen=True, slots=True)
class CoverRest:
    """What is left to decide: rows that some candidate can cover, candidates that cover some row.

    Attributes
    ----------
    row_ptr, row_sites : (n_rows + 1,), (n_pairs,) the sites of each row, ascending
    site_ptr, site_rows : (n_sites + 1,), (n_pairs,) the rows of each site, ascending
    weights : (n_rows,) persons of all demand that the row stands for, above 0
    sites : (n_sites,) the columns of the problem that the sites are, ascending
    taken : columns that are part of every plan worth having, beside the existing and the forced ones
    n_new : how many sites may still be chosen
    settled : persons who are covered whatever is chosen
    """

    row_ptr: Longs
    row_sites: Ints
    site_ptr: Longs
    site_rows: Ints
    weights: Floats
    sites: Longs
    taken: Longs
    n_new: int
    settled: float

    @property
    def n_sites(self) -> int:
        """How many candidates are left."""
        return len(self.sites)

    @property
    def n_pairs(self) -> int:
        """How many pairs of a row and a candidate are left."""
        return len(self.row_sites)

    @property
    def coverable(self) -> float:
        """Persons who are covered if every candidate is built."""
        return self.settled + float(self.weights.sum())


def reduce_cover(
    problem: SitingProblem, *, standard: Floats, standing: Longs, candidates: Longs, n_new: int
) -> CoverRest:
    """Return what is left to decide beside some standing sites.

    Parameters
    ----------
    standard : (n_demand,) a pair covers where its cost is at most this
    standing : columns that count as built: existing and forced ones
    candidates : columns to choose from, ascending, none of them standing
    n_new : how many of them may be chosen
    """
    costs, weights = _without_repeats(problem.costs), problem.weights
    kind = np.zeros(problem.n_sites, dtype=np.int64)
    kind[candidates] = np.random.default_rng(_KEY_SEED).integers(1, 2**62, len(candidates))
    kind[standing] = -1
    pairs = costs.indptr.astype(np.int64), costs.indices.astype(np.int32), costs.data, standard, kind
    keys, counts = cover.row_keys(*pairs)
    settled = float(weights[counts < 0].sum())
    rows = np.flatnonzero((counts > 0) & (weights > 0.0))
    rows = rows[np.argsort(keys[rows], kind="stable")]
    group, first = cover.group_rows(*pairs, keys, rows)
    merged = _summed(group, weights[rows], len(first))
    new_index = np.full(problem.n_sites, -1, dtype=np.int32)
    new_index[candidates] = np.arange(len(candidates))
    row_ptr = _starts(counts[first])
    row_sites = cover.copy_rows(*pairs[:4], new_index, first, row_ptr)
    nothing = np.empty(0, dtype=np.int64)
    rest = _in_order(row_ptr, row_sites, merged, len(candidates))[0]
    whole = CoverRest(*rest, candidates, nothing, n_new, settled)
    return restrict(whole, np.ones(len(candidates), dtype=bool), nothing)[0]


def restrict(rest: CoverRest, is_kept: npt.NDArray[np.bool_], taken: Longs) -> tuple[CoverRest, Longs]:
    """Return the question without some candidates and dominated ones, and each row's new place (-1 = none).

    Parameters
    ----------
    is_kept : (n_sites,) False = in no plan that is worth having
    taken : sites (numbers of ``rest``) that are built in every plan worth having
    """
    is_covered = np.zeros(len(rest.weights), dtype=bool)
    for site in taken:
        is_covered[rest.site_rows[rest.site_ptr[site] : rest.site_ptr[site + 1]]] = True
    is_kept = is_kept.copy()
    is_kept[taken] = False
    settled = rest.settled + float(rest.weights[is_covered].sum())
    parts = _merged(rest.row_ptr, rest.row_sites, rest.weights, is_kept, ~is_covered)
    map_of = parts[-1]
    is_dominated = cover.dominated(*parts[:4])
    sites = rest.sites[is_kept]
    if is_dominated.any():
        again = _merged(parts[0], parts[1], parts[4], ~is_dominated, np.ones(len(parts[4]), dtype=bool))
        map_of = np.append(again[-1], -1)[map_of]  # -1 finds the last, which is -1
        parts, sites = again, sites[~is_dominated]
    chosen = np.sort(np.concatenate([rest.taken, rest.sites[taken]]))
    return CoverRest(*parts[:5], sites, chosen, rest.n_new - len(taken), settled), map_of


def _merged(
    row_ptr: Longs, row_sites: Ints, weights: Floats, is_kept: npt.NDArray[np.bool_], is_open: npt.NDArray[np.bool_]
) -> tuple[Longs, Ints, Longs, Ints, Floats, Longs]:
    """Return the pairs of kept sites and open rows both ways, equal rows as one, and where each row went."""
    kind = np.zeros(len(is_kept), dtype=np.int64)
    kind[is_kept] = np.random.default_rng(_KEY_SEED).integers(1, 2**62, np.count_nonzero(is_kept))
    pairs = row_ptr, row_sites, np.zeros(len(row_sites)), np.zeros(len(weights)), kind
    keys, counts = cover.row_keys(*pairs)
    rows = np.flatnonzero((counts > 0) & is_open)
    rows = rows[np.argsort(keys[rows], kind="stable")]
    group, first = cover.group_rows(*pairs, keys, rows)
    new_index = np.where(is_kept, np.cumsum(is_kept) - 1, -1).astype(np.int32)
    new_ptr = _starts(counts[first])
    sites = cover.copy_rows(*pairs[:4], new_index, first, new_ptr)
    total = _summed(group, weights[rows], len(first))
    parts, place = _in_order(new_ptr, sites, total, int(np.count_nonzero(is_kept)))
    map_of = np.full(len(weights), -1, dtype=np.int64)
    map_of[rows] = place[group]
    return *parts, map_of


def _in_order(
    row_ptr: Longs, row_sites: Ints, weights: Floats, n_sites: int
) -> tuple[tuple[Longs, Ints, Longs, Ints, Floats], Longs]:
    """Return the pairs both ways, neighbouring rows together for the processor's cache, and each row's place."""
    order = cover.near_order(row_ptr, row_sites, *cover.turn(row_ptr, row_sites, n_sites))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    new_ptr = _starts(np.diff(row_ptr)[order])
    everywhere = np.arange(n_sites, dtype=np.int32)
    free = np.zeros(len(row_sites)), np.zeros(len(weights))  # within any standard
    new_sites = cover.copy_rows(row_ptr, row_sites, *free, everywhere, order, new_ptr)
    return (new_ptr, new_sites, *cover.turn(new_ptr, new_sites, n_sites), weights[order]), place


def _without_repeats(costs: sparse.csr_array) -> sparse.csr_array:
    """Return the table with each pair stored once; SciPy takes a pair stored twice for its sum."""
    if costs.has_canonical_format:
        return costs
    table = costs.copy()
    table.sum_duplicates()
    return table


def _summed(group: Longs, values: Floats, size: int) -> Floats:
    return np.bincount(group, weights=values, minlength=size).astype(np.float64)


def _starts(counts: npt.NDArray[np.integer]) -> Longs:
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
