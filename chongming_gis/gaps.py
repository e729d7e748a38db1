"""Where those live who are out of reach: gap areas, each small enough that one new site could close it.

Points that are not covered are gathered around the one from which most of them can be reached in a few minutes along
the network; those are a gap area, then the next one is sought among the rest. Areas do not cross townships, so that
each has one office to answer for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis import tables, travel
from chongming_gis.kernels import gathering

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt
    from scipy import sparse

    from chongming_gis.network import Network, SnappedPoints

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Rows = npt.NDArray[np.intp]

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
    near = times_around(network, snapped.take(rows), radius_s=radius_s, townships=points["township_code"].iloc[rows])
    return gather_gaps(points, near, rows=rows, persons=persons, least_persons=least_persons)


def gather_gaps(
    points: gpd.GeoDataFrame,
    near: sparse.csr_matrix,
    *,
    rows: Rows,
    persons: Floats,
    least_persons: float = 1.0,
) -> Gaps:
    """Return the gap areas of a service whose points' neighbours are known; see ``find_gaps``.

    Parameters
    ----------
    near : of ``times_around``, between the points of ``rows``: a pair that is stored belongs together.
    rows : the points that are not covered and have people, ascending.
    persons : a number a point, of all points.
    """
    owner = _gather(near, persons[rows], points["demand_id"].iloc[rows])
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


def times_around(
    network: Network, snapped: SnappedPoints, *, radius_s: float, townships: pd.Series
) -> sparse.csr_matrix:
    """Return the seconds from each point to those within a radius that are of its township.

    Parameters
    ----------
    townships : the code of each point's township; those without one are taken together.
    """
    groups = pd.factorize(townships)[0].astype(np.int32)
    groups = np.where(groups < 0, groups.max(initial=0) + 1, groups).astype(np.int32)
    return travel.times_within_groups(network, snapped, snapped, groups=(groups, groups), cutoff_s=radius_s).matrix


def _gather(near: sparse.csr_matrix, persons: Floats, ids: pd.Series) -> Ints:
    """Return for each point the point that gathers it: lazy greedy, ties to the smaller id."""
    codes = ids.to_numpy(object).astype(str)
    place = np.empty(len(codes), dtype=np.int64)
    place[np.argsort(codes, kind="stable")] = np.arange(len(codes))
    first, member = near.indptr.astype(np.int64), near.indices.astype(np.int32)
    return gathering.gather(first, member, np.array(persons, dtype=np.float64), place)


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
