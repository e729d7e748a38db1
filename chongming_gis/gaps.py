"""Where those live who are out of reach: gap areas, each small enough that one new site could close it.

Points that are not covered are gathered around the one from which most of them can be reached in a few minutes along
the network; those are a gap area, then the next one is sought among the rest. Areas do not cross townships, so that
each has one office to answer for it.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis import tables, travel

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt
    from scipy import sparse

    from chongming_gis.network import Network, SnappedPoints

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_LONE = -1


@dataclass(frozen=True, slots=True)
class Gaps:
    """The gap areas of one service, largest first, and which one each demand point belongs to."""

    areas: pd.DataFrame  # see ``find_gaps``
    area_of_point: Ints  # row of areas, -1 = covered, nobody there, or in no area worth naming


def find_gaps(
    points: gpd.GeoDataFrame,
    *,
    persons: Floats,
    uncovered: npt.NDArray[np.bool_],
    network: Network,
    snapped: SnappedPoints,
    radius_s: float,
    least_persons: float = 1.0,
) -> Gaps:
    """Return the gap areas of a service.

    Parameters
    ----------
    points : the demand (``tables.DEMAND``), metric CRS.
    persons : of the service's group, a number a point.
    uncovered : which points are not within the standard.
    network, snapped : the mode the gaps are gathered by, and the points on it.
    radius_s : how far a point may be from the middle of its area, along the network.
    least_persons : areas with fewer people are left out of the table.

    Returns
    -------
    Gaps
        ``areas`` has demand_id of the middle, township_code, village_code (where most of its people live), persons,
        n_points, x and y of the middle; ordered by persons, ties by demand_id.

    Notes
    -----
    Greedy maximal covering (Church & ReVelle 1974): each step takes the point that gathers most of those left, so that
    the first areas are those where a site would help most. A point that meets no road is an area of its own.
    """
    rows = np.flatnonzero(uncovered & (persons > 0.0))
    township = points["township_code"].to_numpy(object)[rows]
    owner = _gather(
        _near(network, snapped.take(rows), radius_s, township), persons[rows], points["demand_id"].iloc[rows]
    )
    middles, number = np.unique(owner, return_inverse=True)
    total = np.bincount(number, weights=persons[rows], minlength=len(middles))
    ids = points["demand_id"].to_numpy(object)[rows[middles]]
    order = np.lexsort((ids.astype(str), -total))
    order = order[total[order] >= least_persons]
    rank = np.full(len(middles), _LONE, dtype=np.int64)
    rank[order] = np.arange(len(order))
    area_of_point = np.full(len(points), _LONE, dtype=np.int64)
    area_of_point[rows] = rank[number]
    chosen = points.iloc[rows[middles[order]]].reset_index(drop=True)
    areas = pd.DataFrame(
        {
            "demand_id": chosen["demand_id"],
            "township_code": chosen["township_code"],
            "village_code": _main_village(points, persons, area_of_point, len(order)),
            "persons": total[order],
            "n_points": np.bincount(number, minlength=len(middles))[order],
            "x": chosen.geometry.x.to_numpy(),
            "y": chosen.geometry.y.to_numpy(),
        }
    )
    return Gaps(areas=areas, area_of_point=area_of_point)


def _near(
    network: Network, snapped: SnappedPoints, radius_s: float, township: npt.NDArray[np.object_]
) -> sparse.csr_matrix:
    """Return which points each point gathers: within the radius and of the same township (1 = yes)."""
    groups = pd.factorize(pd.Series(township, dtype="str"))[0].astype(np.int32)
    groups = np.where(groups < 0, groups.max(initial=0) + 1, groups).astype(np.int32)  # of no township: together
    pairs = travel.times_within_groups(network, snapped, snapped, groups=(groups, groups), cutoff_s=radius_s).matrix
    pairs = pairs.tocsr()
    pairs.data = np.ones_like(pairs.data)
    return pairs


def _gather(near: sparse.csr_matrix, persons: Floats, ids: pd.Series) -> Ints:
    """Return for each point the point that gathers it: lazy greedy, ties to the smaller id."""
    n = len(persons)
    owner = np.full(n, _LONE, dtype=np.int64)
    place = np.argsort(np.argsort(ids.to_numpy(object).astype(str), kind="stable"), kind="stable")
    left = persons.astype(float).copy()
    heap = [(-gain, int(place[i]), i) for i, gain in enumerate(near @ left)]
    heapq.heapify(heap)
    while heap:
        said, tie, middle = heapq.heappop(heap)
        members = near.indices[near.indptr[middle] : near.indptr[middle + 1]]
        gain = float(left[members].sum())
        if gain <= 0.0:
            continue
        if -said > gain:  # others took some of them: look again later
            heapq.heappush(heap, (-gain, tie, middle))
            continue
        free = members[left[members] > 0.0]
        owner[free] = middle
        left[free] = 0.0
    alone = owner < 0
    owner[alone] = np.flatnonzero(alone)
    return owner


def _main_village(points: pd.DataFrame, persons: Floats, area_of_point: Ints, n_areas: int) -> pd.Series:
    """Return the village in which most people of each area live, ties to the smaller code."""
    inside = area_of_point >= 0
    found = pd.DataFrame(
        {
            "area": area_of_point[inside],
            "village_code": points["village_code"].to_numpy(object)[inside],
            "persons": persons[inside],
        }
    ).dropna(subset=["village_code"])
    sums = found.groupby(["area", "village_code"], sort=True)["persons"].sum().reset_index()
    first = sums.sort_values(["area", "persons", "village_code"], ascending=[True, False, True]).drop_duplicates("area")
    codes = tables.empty_text(n_areas).astype(object)
    codes[first["area"].to_numpy()] = first["village_code"].to_numpy()
    return codes.astype("str")
