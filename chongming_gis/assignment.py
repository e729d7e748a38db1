"""Is there a place for everyone who can reach one: needs assigned to capacity within reach.

``assign_needs`` gives the three numbers of every demand point: served, in reach but without a place, out of reach. As
much need as possible is served, and of all ways to do so the one with the least travel. It is exact: a transport
problem, solved by its own kernel (``kernels.transport``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.errors import TableError
from chongming_gis.kernels import transport

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.travel import TravelTimes

    Floats = npt.NDArray[np.float64]

_LEAST = 1e-9  # of the largest need: a flow below it is rounding
_MOST_PLACES = 5000  # the kernel keeps a table of places by places


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which need goes where, in the unit of the capacity. Arrays are one number a demand point or a facility."""

    flow: sparse.csr_matrix  # (n demand, n facilities): what each point gets at each facility
    served: Floats
    no_place: Floats  # in reach of a facility, but there is no place left
    out_of_reach: Floats  # no facility in reach at all
    spare: Floats  # capacity left at each facility

    @property
    def total_served(self) -> float:
        """The need that is served."""
        return float(self.served.sum())


def assign_needs(times: TravelTimes | sparse.csr_matrix, need: Floats, capacity: Floats) -> Assignment:
    """Return how needs share the capacity within reach: most need served, then least travel.

    Parameters
    ----------
    times : seconds, (n demand, n facilities); a pair that is not stored cannot be used (beyond the standard, or the
        facility serves others).
    need : (n demand,), in the unit of the capacity; 0 where nobody needs anything.
    capacity : (n facilities,); infinite where it is not limited.

    Returns
    -------
    Assignment
        served + no_place + out_of_reach = need at every point. A point may be served in part, at several facilities.

    Raises
    ------
    TableError
        A need is negative or not a number, a capacity is negative or not a number, or lengths differ.

    Notes
    -----
    Hitchcock's transport problem (1941), with one more place of unlimited room for those not served, whose cost exceeds
    every chain of moves. Needs and capacities are real numbers; which of several equally good answers is given depends
    on the order of the facilities, the total served and the total travel do not.

    Examples
    --------
    Two points of 10 meals each, both within reach of a canteen of 12:

    >>> near = sparse.csr_matrix(np.array([[300.0], [600.0]]))
    >>> found = assign_needs(near, np.array([10.0, 10.0]), np.array([12.0]))
    >>> found.served.tolist(), found.no_place.tolist()
    ([10.0, 2.0], [0.0, 8.0])
    """
    matrix = times if isinstance(times, sparse.csr_matrix) else times.matrix
    need, capacity = np.asarray(need, dtype=np.float64), np.asarray(capacity, dtype=np.float64)
    _refuse(matrix, need, capacity)
    n_needs, n_places = matrix.shape
    pairs = matrix.tocoo()
    concerned = np.unique(pairs.row)
    concerned = concerned[need[concerned] > 0.0]
    flow = np.zeros(len(pairs.data))
    if len(concerned):
        problem, kept, is_real = _problem(pairs, concerned, need, capacity)
        least = _LEAST * float(need[concerned].max())
        flow[kept] = transport.cheapest_flows(problem, least)[is_real]
    used = flow > 0.0
    shape = (n_needs, n_places)
    assigned = sparse.csr_matrix((flow[used], (pairs.row[used], pairs.col[used])), shape=shape)
    served = np.minimum(np.asarray(assigned.sum(axis=1)).ravel(), need)
    in_reach = np.bincount(pairs.row, minlength=n_needs) > 0
    left = need - served
    return Assignment(
        flow=assigned,
        served=served,
        no_place=np.where(in_reach, left, 0.0),
        out_of_reach=np.where(in_reach, 0.0, left),
        spare=np.maximum(capacity - np.asarray(assigned.sum(axis=0)).ravel(), 0.0),
    )


def _refuse(matrix: sparse.csr_matrix, need: Floats, capacity: Floats) -> None:
    n_needs, n_places = matrix.shape
    faults = []
    if need.shape != (n_needs,) or capacity.shape != (n_places,):
        faults.append(f"times are {matrix.shape}, needs {need.shape} and capacities {capacity.shape}: they must agree")
    for name, values, is_wrong in (
        ("need", need, ~(np.isfinite(need) & (need >= 0.0))),
        ("capacity", capacity, ~(capacity >= 0.0)),
        ("time", matrix.data, ~(np.isfinite(matrix.data) & (matrix.data >= 0.0))),
    ):
        if is_wrong.any():
            at = np.flatnonzero(is_wrong)
            faults.append(f"{len(at)} {name} value(s) are negative or no number, e.g. {values[at[0]]} at {at[0]}")
    if n_places > _MOST_PLACES:
        faults.append(
            f"{n_places} facilities are more than the {_MOST_PLACES} that can be assigned at once; split them"
        )
    if faults:
        raise TableError(f"assign_needs: {'; '.join(faults)}")


def _problem(
    pairs: sparse.coo_matrix, concerned: npt.NDArray[np.integer], need: Floats, capacity: Floats
) -> tuple[transport.Problem, npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return the kernel's problem, which pairs stand in it, and which of its own these are (the rest: unserved)."""
    n_places = len(capacity)
    number = np.full(len(need), -1, dtype=np.int64)
    number[concerned] = np.arange(len(concerned))
    kept = np.flatnonzero(number[pairs.row] >= 0)
    unserved_cost = (n_places + 2) * float(pairs.data[kept].max()) + 1.0
    row = np.concatenate([number[pairs.row[kept]], np.arange(len(concerned))])
    place = np.concatenate([pairs.col[kept], np.full(len(concerned), n_places)])
    cost = np.concatenate([pairs.data[kept], np.full(len(concerned), unserved_cost)])
    order = np.lexsort((place, row))
    row, place, cost = row[order], place[order], cost[order]
    problem = transport.Problem(
        indptr=_starts(row, len(concerned)),
        indices=place.astype(np.int32),
        cost=cost,
        need=need[concerned],
        capacity=np.append(capacity, np.inf),
        place_indptr=_starts(place, n_places + 1),
        place_pairs=np.argsort(place, kind="stable").astype(np.int32),
        pair_row=row.astype(np.int32),
    )
    is_real = place < n_places
    return problem, kept[order[is_real]], is_real


def _starts(keys: npt.NDArray[np.integer], n_keys: int) -> npt.NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=n_keys))]).astype(np.int32)
