"""Points onto edges: where a person steps onto the road, how far that is, and why a point cannot.

A point snaps to the nearest edge it may use, at the nearest place of the edge's shape. Pieces of network shorter than
the mode's ``tiny_piece_m`` are taken only where no larger piece is within ``max_snap_m``. Equally near edges go to the
smaller edge id.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from chongming_gis.errors import CrsError, TableError
from chongming_gis.kernels.threads import thread_count
from chongming_gis.units import kmh_to_ms

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.network.compile import Network

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Claims = npt.NDArray[np.bool_]
    Geometries = npt.NDArray[np.object_]

REASONS = ("", "too far from a road of this mode", "no position")
SNAPPED, TOO_FAR, NO_POSITION = 0, 1, 2
_TIE_M = 1e-6  # edges that meet in a point are equally far from it but for rounding


@dataclass(frozen=True, slots=True)
class SnappedPoints:
    """Where each point meets the network, in the order of the points.

    Attributes
    ----------
    edge : position of the edge in the network, -1 where the point is out of reach.
    fraction : how far along the edge (0 = tail, 1 = head).
    off_network_m, off_network_s : from the point to the edge, in metres and in seconds at the mode's off-network speed.
    reason : number into ``REASONS``: 0 where the point snapped.
    left_tiny_piece : the nearest edge belongs to a tiny piece, and the point was led to a larger one.
    """

    edge: Ints
    fraction: Floats
    off_network_m: Floats
    off_network_s: Floats
    reason: Ints
    left_tiny_piece: Claims

    def __len__(self) -> int:
        return len(self.edge)

    def take(self, rows: npt.NDArray[np.intp]) -> SnappedPoints:
        """Return some of the points, in the order of ``rows``."""
        return SnappedPoints(
            edge=self.edge[rows],
            fraction=self.fraction[rows],
            off_network_m=self.off_network_m[rows],
            off_network_s=self.off_network_s[rows],
            reason=self.reason[rows],
            left_tiny_piece=self.left_tiny_piece[rows],
        )

    @property
    def is_reachable(self) -> Claims:
        """Which points meet the network."""
        return self.edge >= 0

    def report(self) -> dict[str, object]:
        """Return how many points snapped, how many did not and why, and the distances of those that did."""
        off_m = self.off_network_m[self.is_reachable]
        names = {REASONS[code]: int(np.count_nonzero(self.reason == code)) for code in (TOO_FAR, NO_POSITION)}
        return {
            "points": len(self),
            "snapped": int(np.count_nonzero(self.is_reachable)),
            "out_of_reach": int(np.count_nonzero(~self.is_reachable)),
            "moved_from_tiny": int(np.count_nonzero(self.left_tiny_piece)),
            "median_m": round(float(np.median(off_m)), 3) if len(off_m) else None,
            "longest_m": round(float(off_m.max()), 3) if len(off_m) else None,
            "reasons": {name: count for name, count in names.items() if count},
        }


def snap_points(network: Network, points: gpd.GeoSeries) -> SnappedPoints:
    """Return where each point meets the network.

    Parameters
    ----------
    points : in the CRS of the network; missing and empty points are out of reach with that reason.

    Raises
    ------
    CrsError
        The points are in another CRS than the network.
    TableError
        Something else than points is among them.
    """
    geometry = _checked(network, points)
    has_position = np.isfinite(shapely.get_x(geometry)) & np.isfinite(shapely.get_y(geometry))  # NaN where missing
    where = np.flatnonzero(has_position)
    large = network.can_snap & (network.piece_m >= network.mode.tiny_piece_m)
    edge = np.full(len(geometry), -1, dtype=np.int32)
    edge[where] = _nearest_edges(network, geometry[where], np.flatnonzero(large))
    left_tiny = np.zeros(len(geometry), dtype=bool)
    tiny = np.flatnonzero(network.can_snap & ~large)
    if len(tiny):
        alternative = np.full(len(geometry), -1, dtype=np.int32)
        alternative[where] = _nearest_edges(network, geometry[where], tiny)
        left_tiny = (edge >= 0) & (alternative >= 0)
        left_tiny[left_tiny] = _is_nearer(network, geometry[left_tiny], alternative[left_tiny], edge[left_tiny])
        edge = np.where(edge >= 0, edge, alternative)
    return _project(network, geometry, edge, left_tiny_piece=left_tiny, has_position=has_position)


def _checked(network: Network, points: gpd.GeoSeries) -> Geometries:
    if points.crs is None or points.crs != network.crs:
        named = "no CRS" if points.crs is None else points.crs.to_string()
        raise CrsError(f"the points are in {named}, the network in {network.crs.to_string()}: convert them on reading")
    geometry = np.asarray(points.to_numpy(), dtype=object)
    kinds = shapely.get_type_id(geometry)
    wrong = (kinds != 0) & (kinds != -1)
    if wrong.any():
        rows = points.index[wrong]
        raise TableError(f"{wrong.sum()} of {len(points)} geometries are not points, e.g. row {rows[0]}: use centroids")
    return geometry


def _nearest_edges(network: Network, points: Geometries, candidates: npt.NDArray[np.intp]) -> Ints:
    """Return the nearest candidate edge of each point within the snap limit, -1 where none is."""
    nearest = np.full(len(points), -1, dtype=np.int32)
    if len(candidates) == 0 or len(points) == 0:
        return nearest
    tree = shapely.STRtree(network.lines[candidates])
    limit_m = network.mode.max_snap_m
    cuts = np.linspace(0, len(points), min(len(points), 4 * thread_count()) + 1).astype(int)

    def query(start: int, stop: int) -> npt.NDArray[np.intp]:
        found = tree.query_nearest(points[start:stop], max_distance=limit_m, all_matches=True)
        return np.asarray(found + np.array([[start], [0]]), dtype=np.intp)

    with ThreadPoolExecutor(thread_count()) as pool:
        which, edge = np.concatenate(list(pool.map(query, cuts[:-1], cuts[1:])), axis=1)
    # of equally near edges the one with the smallest id: candidates ascend, so the first of each point after a sort
    order = np.lexsort((edge, which))
    first = np.unique(which[order], return_index=True)[1]
    chosen = order[first]
    nearest[which[chosen]] = candidates[edge[chosen]]
    return nearest


def _is_nearer(network: Network, points: Geometries, edge: Ints, than: Ints) -> Claims:
    there = shapely.distance(points, network.lines[edge])
    here = shapely.distance(points, network.lines[than])
    return np.asarray(there < here - _TIE_M, dtype=bool)


def _project(
    network: Network, geometry: Geometries, edge: Ints, *, left_tiny_piece: Claims, has_position: Claims
) -> SnappedPoints:
    fraction = np.zeros(len(edge))
    off_m = np.full(len(edge), np.inf)
    found = edge >= 0
    lines = network.lines[edge[found]]
    fraction[found] = np.clip(shapely.line_locate_point(lines, geometry[found], normalized=True), 0.0, 1.0)
    off_m[found] = shapely.distance(geometry[found], lines)
    return SnappedPoints(
        edge=edge,
        fraction=fraction,
        off_network_m=off_m,
        off_network_s=off_m / kmh_to_ms(network.mode.off_network_speed_kmh),
        reason=np.where(found, SNAPPED, np.where(has_position, TOO_FAR, NO_POSITION)).astype(np.int32),
        left_tiny_piece=left_tiny_piece,
    )
