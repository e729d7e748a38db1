"""Points onto edges: where a person steps onto the road, how far that is, and why a point cannot.

A point snaps to the nearest edge it may use, at the nearest place of the edge's shape. Pieces of network shorter than
the mode's ``tiny_piece_m`` are taken only where no larger piece is within ``max_snap_m``. Equally near edges go to the
smaller edge id.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from chongming_gis.errors import CrsError, TableError
from chongming_gis.kernels import snapping
from chongming_gis.kernels.threads import over_ranges
from chongming_gis.units import kmh_to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.network.compile import Network

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]
    Geometries = npt.NDArray[np.object_]

REASONS = ("", "too far from a road of this mode", "no position")
SNAPPED, TOO_FAR, NO_POSITION = 0, 1, 2
_LEAST_CELL_M = 10.0
_MOST_CELLS = 4000  # along both sides of the grid together: 4 M cells at most
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
    remembered : what others worked out from these points and a network, by what it is.
    """

    edge: Ints
    fraction: Floats
    off_network_m: Floats
    off_network_s: Floats
    reason: Ints
    left_tiny_piece: Claims
    remembered: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

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

    def joined(self, others: SnappedPoints) -> SnappedPoints:
        """Return these points followed by others of the same network."""
        names = [column.name for column in fields(self) if column.init]
        mine, theirs = ({name: getattr(points, name) for name in names} for points in (self, others))
        return SnappedPoints(**{name: np.concatenate([mine[name], theirs[name]]) for name in mine})

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
    x, y = shapely.get_x(geometry), shapely.get_y(geometry)  # NaN where there is no point
    has_position = np.isfinite(x) & np.isfinite(y)
    segments = segments_of(network)
    large, any_piece = _nearest(network, segments, x, y)
    chosen = np.where(large.segment >= 0, large.segment, any_piece.segment)
    place = np.where(large.segment >= 0, large.place, any_piece.place)
    off_m = np.where(large.segment >= 0, large.distance_m, any_piece.distance_m)
    found = chosen >= 0
    edge = np.full(len(chosen), -1, dtype=np.int32)
    edge[found] = segments.edge[chosen[found]]
    return SnappedPoints(
        edge=edge,
        fraction=fractions_along(segments, chosen, place),
        off_network_m=off_m,
        off_network_s=off_m / kmh_to_ms(network.mode.off_network_speed_kmh),
        reason=np.where(found, SNAPPED, np.where(has_position, TOO_FAR, NO_POSITION)).astype(np.int32),
        left_tiny_piece=(large.segment >= 0) & (any_piece.distance_m < large.distance_m - _TIE_M),
    )


@dataclass(frozen=True, slots=True)
class Segments:
    """The straight pieces of the edges that points may snap to; piece i runs from vertex ``first[i]`` to the next."""

    x: Floats
    y: Floats
    first: Longs
    edge: Ints
    start_m: Floats  # planar metres from the edge's tail to the piece
    length_m: Floats
    edge_m: Floats  # planar length of the piece's edge


@dataclass(frozen=True, slots=True)
class _Found:
    segment: Ints
    place: Floats
    distance_m: Floats


def segments_of(network: Network) -> Segments:
    """Return the straight pieces of the edges that points may snap to."""
    if "segments" not in network.remembered:
        network.remembered["segments"] = _cut_to_segments(network)
    segments: Segments = network.remembered["segments"]
    return segments


def _cut_to_segments(network: Network) -> Segments:
    edges = np.flatnonzero(network.can_snap)
    coords, owner = shapely.get_coordinates(network.lines[edges], return_index=True)
    x, y = np.ascontiguousarray(coords[:, 0]), np.ascontiguousarray(coords[:, 1])
    first = np.flatnonzero(owner[1:] == owner[:-1])
    length_m = np.hypot(x[first + 1] - x[first], y[first + 1] - y[first])
    edge_m = np.asarray(np.bincount(owner[first], weights=length_m, minlength=len(edges)), dtype=float)
    return Segments(
        x=x,
        y=y,
        first=first,
        edge=edges[owner[first]].astype(np.int32),
        start_m=snapping.lengths_before(owner[first], length_m),  # the same to the last bit whatever edges stand before
        length_m=length_m,
        edge_m=edge_m[owner[first]],
    )


def _nearest(network: Network, segments: Segments, x: Floats, y: Floats) -> tuple[_Found, _Found]:
    """Return the nearest place on a piece of network that is not tiny, and on any piece."""
    if len(segments.first) == 0 or len(x) == 0:
        nothing = _Found(np.full(len(x), -1, dtype=np.int32), np.zeros(len(x)), np.full(len(x), np.inf))
        return nothing, nothing
    arguments = search_arguments(network)
    nearest: Callable[..., tuple[npt.NDArray[Any], ...]] = snapping.nearest_segments
    limit_m = network.mode.max_snap_m
    parts = over_ranges(len(x), lambda a, b: nearest(a, b, x, y, *arguments, limit_m))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return _Found(*columns[:3]), _Found(*columns[3:])


def search_arguments(network: Network) -> tuple[Any, ...]:
    """Return what the kernels that search segments share: the segments, which are of large pieces, and their grid."""
    if "search" not in network.remembered:
        network.remembered["search"] = _grid_over(network)
    arguments: tuple[Any, ...] = network.remembered["search"]
    return arguments


def _grid_over(network: Network) -> tuple[Any, ...]:
    segments = segments_of(network)
    west, south = float(segments.x.min()), float(segments.y.min())
    width, height = float(segments.x.max()) - west, float(segments.y.max()) - south
    cell = max(
        _LEAST_CELL_M, 1.5 * float(np.sqrt(width * height / len(segments.first))), (width + height) / _MOST_CELLS
    )
    shape = (west, south, cell, int(width / cell) + 1, int(height / cell) + 1)
    grid = snapping.grid_of_segments(segments.x, segments.y, segments.first, *shape)
    is_large = network.piece_m >= network.mode.tiny_piece_m
    return (segments.x, segments.y, segments.first, segments.edge, is_large, *grid, *shape)


def fractions_along(segments: Segments, segment: Ints, place: Floats) -> Floats:
    """Return how far along their edges (0 = tail, 1 = head) places on segments are; 0 for no segment (-1)."""
    return snapping.fractions_along(
        segment, place, segments.edge, segments.start_m, segments.length_m, segments.edge_m
    )  # fmt: skip


def _checked(network: Network, points: gpd.GeoSeries) -> Geometries:
    if points.crs is None or points.crs != network.crs:
        named = "no CRS" if points.crs is None else points.crs.to_string()
        raise CrsError(f"the points are in {named}, the network in {network.crs.to_string()}: convert them on reading")
    geometry = np.array(points.to_numpy(), dtype=object)
    kinds = shapely.get_type_id(geometry)
    wrong = (kinds != 0) & (kinds != -1)
    if wrong.any():
        rows = points.index[wrong]
        raise TableError(f"{wrong.sum()} of {len(points)} geometries are not points, e.g. row {rows[0]}: use centroids")
    geometry[shapely.is_empty(geometry)] = None  # an empty point has no coordinates to ask for
    return geometry
