"""Who is covered by which open site, as columns: demand rows with the same sites are one column.

Rows that a site covers which stands for good are served whatever is built and get no column; rows of a single
possible site have that site's column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.siting.formulation import Bools, Floats, Ints, Part, Rows, Rule, rows_of, stands, sums, unlimited

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.problem import SitingProblem

NOBODY, SERVED = -1, -2  # classes of rows that no site reaches, and that a standing site serves


@dataclass(frozen=True, slots=True)
class CoverClasses:
    """Demand rows by the sites that could cover them.

    Attributes
    ----------
    sites : (n_classes, n_sites) which sites that may open, or may close, cover the class
    of_row : (n_demand,) class of each row, ``NOBODY`` or ``SERVED``
    column : (n_classes,) column that is 1 where the class is covered: the site itself where there is but one
    """

    sites: sparse.csr_array
    of_row: Ints
    column: Ints

    @property
    def has_own(self) -> Bools:
        """Which classes have a column of their own."""
        return self.column >= self.sites.shape[1]

    def weights(self, of_rows: Floats) -> Floats:
        """Return the weight of each class."""
        is_in = self.of_row >= 0
        return sums(self.of_row[is_in], of_rows[is_in], self.sites.shape[0])


def within(problem: SitingProblem, standard: npt.ArrayLike) -> sparse.csr_array:
    """Return which pairs are within the standard (one number, or one a demand row); a cost *at* it is within.

    Raises
    ------
    SitingError
        The standard has another shape, or is NaN or negative.
    """
    costs = problem.costs
    told = np.asarray(standard, dtype=np.float64)
    if told.shape not in {(), (problem.n_demand,)} or not (told >= 0.0).all():
        raise SitingError(f"standard: must be one number of at least 0, or one for each of {problem.n_demand} rows")
    limit = np.broadcast_to(np.asarray(standard, dtype=np.float64), (problem.n_demand,))
    rows = np.repeat(np.arange(problem.n_demand), np.diff(costs.indptr))
    keep = costs.data <= limit[rows]
    indptr = np.concatenate(([0], np.cumsum(np.bincount(rows[keep], minlength=problem.n_demand))))
    return sparse.csr_array((np.ones(indptr[-1]), costs.indices[keep], indptr), shape=costs.shape)


def classes_of(problem: SitingProblem, covers: sparse.csr_array, *, first: int, is_asked: Bools) -> CoverClasses:
    """Return the rows of ``is_asked`` by their sites; own columns are numbered from ``first``."""
    is_fixed = stands(problem)
    of_row = np.full(problem.n_demand, NOBODY, dtype=np.int64)
    of_row[covers @ is_fixed.astype(np.float64) > 0.0] = SERVED
    indptr, indices = covers.indptr, covers.indices
    known: dict[bytes, int] = {}
    members: list[npt.NDArray[np.integer]] = []
    for row in np.flatnonzero((of_row == NOBODY) & (np.diff(indptr) > 0) & is_asked).tolist():
        sites = indices[indptr[row] : indptr[row + 1]]
        at = known.setdefault(sites.tobytes(), len(known))
        if at == len(members):
            members.append(sites)
        of_row[row] = at
    sizes = np.array([len(sites) for sites in members], dtype=np.int64)
    columns = np.concatenate([np.empty(0, dtype=np.int64), *members])
    table = sparse.csr_array(
        (np.ones(len(columns)), columns, np.concatenate(([0], np.cumsum(sizes)))), shape=(len(members), problem.n_sites)
    )
    column = np.zeros(len(members), dtype=np.int64)
    is_single = sizes == 1
    column[is_single] = columns[table.indptr[:-1][is_single]]
    column[~is_single] = first + np.arange(np.count_nonzero(~is_single))
    return CoverClasses(table, of_row, column)


def cover_part(classes: CoverClasses, gains: Floats) -> tuple[Part, Floats]:
    """Return the columns of the classes, and what single classes add to the objective of their sites.

    Parameters
    ----------
    gains : (n_classes,) objective of covering each class
    """
    has_own = classes.has_own
    own = classes.sites[np.flatnonzero(has_own)]
    n_own = own.shape[0]
    table = own.tocoo()
    rows = Rows(
        np.concatenate([np.arange(n_own), table.row]),
        np.concatenate([classes.column[has_own], table.col]),
        np.concatenate([np.ones(n_own), -np.ones(table.nnz)]),
        -unlimited(n_own),
        np.zeros(n_own),
    )
    site_gains = sums(classes.column[~has_own], gains[~has_own], classes.sites.shape[1])
    part = Part(
        gains[has_own],
        np.ones(n_own),
        np.zeros(n_own, dtype=bool),
        rows,
        lambda is_open: np.minimum(own @ is_open.astype(np.float64), 1.0),
    )
    return part, site_gains


def floor_rules(problem: SitingProblem, classes: CoverClasses) -> list[Rule]:
    """Return the least share of each area's weight that must be covered, as rows over the classes' columns."""
    rules = []
    for area, share in sorted(problem.rules.floor.items()):
        in_area = np.where(problem.demand_areas == area, problem.weights, 0.0)
        total = float(in_area.sum())
        served = float(in_area[classes.of_row == SERVED].sum())
        weights = classes.weights(in_area)
        used = np.flatnonzero(weights)
        low = share * total - served - 1e-9 * max(total, 1.0)  # a share of a sum of floats is no exact number
        body = rows_of([(classes.column[used], weights[used], low, np.inf)])
        rules.append(Rule("floor", body, area, served, total, sites_needed(classes, weights, low)))
    return rules


def sites_needed(classes: CoverClasses, weights: Floats, least: float) -> Rows | None:
    """Return what it takes of the sites themselves to cover classes of so much weight; None where nothing is needed.

    Parameters
    ----------
    weights : (n_classes,)
    least : weight that must be covered

    Notes
    -----
    What a site adds is at most what it covers alone, and more than ``least`` is no use: sum of min(a_j, least) x_j >=
    least. From the largest a_j follows how many sites it takes at least.
    """
    if least <= 0.0:
        return None
    alone = np.minimum(classes.sites.T @ weights, least)
    sites = np.flatnonzero(alone)
    reached = np.cumsum(np.sort(alone[sites])[::-1])
    count = float(np.searchsorted(reached, least * (1.0 - 1e-9)) + 1)
    return rows_of([(sites, alone[sites] / least, 1.0 - 1e-9, np.inf), (sites, np.ones(len(sites)), count, np.inf)])
