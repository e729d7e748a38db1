"""Who goes where without a column a pair: one column a demand row, and rows that are found only where they bind.

What a row wins is at most g_k + sum of (g_j - g_k) x_j over the sites that are better than the k-th, for every k. Which
k says most at some x is known in closed form: the first at which the sites so far add up to one (Magnanti & Wong 1981;
Fischetti, Ljubic & Sinnl 2017 for many sites; Duran-Mateluna, Ales & Elloumi 2023 for the p-median).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.siting.formulation import Bools, Floats, Ints, Part, Rows, rows_of, sums, unlimited

if TYPE_CHECKING:
    from scipy import sparse

_VIOLATED = 1e-7  # of the largest gain of a row: smaller violations are the solver's tolerance


@dataclass(frozen=True, slots=True)
class SortedGains:
    """The gains of each row with several pairs, the largest first.

    Attributes
    ----------
    row, site, gain : (n_pairs,) rows counted from 0, ascending; in a row the best site first
    start : (n_rows + 1,) where each row's pairs start
    """

    row: Ints
    site: Ints
    gain: Floats
    start: Ints

    def best(self, is_open: Bools) -> Floats:
        """Return what each row wins from its best open site."""
        found = np.zeros(len(self.start) - 1)
        keep = is_open[self.site]
        np.maximum.at(found, self.row[keep], self.gain[keep])
        return found

    def cuts(self, wins: Floats, opens: Floats, *, first: int) -> Rows | None:
        """Return the row that says most of each win that is too large where sites are open by ``opens`` (0-1 each).

        Parameters
        ----------
        wins : (n_rows,) what each row is said to win
        first : number of the first row's column
        """
        n_rows = len(self.start) - 1
        reached = np.cumsum(opens[self.site])
        reached -= np.concatenate(([0.0], reached))[self.start[:-1]][self.row]
        is_full = reached >= 1.0 - 1e-9
        at = np.full(n_rows, len(self.gain))
        np.minimum.at(at, self.row[is_full], np.flatnonzero(is_full))
        level = np.append(self.gain, 0.0)[at]  # 0: all sites together are not one
        above = np.maximum(self.gain - level[self.row], 0.0)
        most = level + sums(self.row, above * opens[self.site], n_rows)
        is_violated = wins > most + _VIOLATED * self.gain[self.start[:-1]]
        if not is_violated.any():
            return None
        number = np.cumsum(is_violated) - 1
        told = np.flatnonzero(is_violated)
        keep = is_violated[self.row] & (above > 0.0)
        return Rows(
            np.concatenate([np.arange(len(told)), number[self.row[keep]]]),
            np.concatenate([first + told, self.site[keep]]),
            np.concatenate([np.ones(len(told)), -above[keep]]),
            -unlimited(len(told)),
            level[told],
        )


def cut_part(gains: sparse.csr_array, *, first: int) -> tuple[Part, Floats]:
    """Return a column a row, to be held down by cuts, and what rows of a single pair add to their site's objective."""
    sizes = np.diff(gains.indptr)
    row = np.repeat(np.arange(gains.shape[0]), sizes)
    is_single = sizes[row] == 1
    site_gains = sums(gains.indices[is_single], gains.data[is_single], gains.shape[1])
    order = np.lexsort((gains.indices, -gains.data, row))
    order = order[~is_single[order]]
    used, at = np.unique(row[order], return_inverse=True)
    start = np.searchsorted(at, np.arange(len(used) + 1))
    table = SortedGains(at, gains.indices[order].astype(np.int64), gains.data[order], start)
    n = len(used)

    def separate(values: Floats) -> Rows | None:
        return table.cuts(values[first : first + n], values[: gains.shape[1]], first=first)

    most = table.gain[start[:-1]] if n else np.empty(0)
    return Part(np.ones(n), most, np.zeros(n, dtype=bool), rows_of([]), table.best, separate), site_gains
