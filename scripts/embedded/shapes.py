"""Geometry that every step of the embedded study uses: projection, smoothing, a bent frame along an island.

All work is in metres (EPSG:32651); longitude and latitude appear only when facts come in and files go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import Transformer

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Geometries = npt.NDArray[np.object_]

METRIC = "EPSG:32651"
GEOGRAPHIC = "EPSG:4326"
GRID_M = 0.5  # all linework is noded on this grid, so that two meeting lines share a vertex exactly
DEGREE_DIGITS = 6  # about 0.1 m

_TO_METRIC = Transformer.from_crs(GEOGRAPHIC, METRIC, always_xy=True)
_TO_GEOGRAPHIC = Transformer.from_crs(METRIC, GEOGRAPHIC, always_xy=True)


def to_metric(lon: Any, lat: Any) -> Floats:
    """Return x, y in metres of longitudes and latitudes, one row a point."""
    return np.column_stack(_TO_METRIC.transform(np.asarray(lon, float), np.asarray(lat, float)))


def to_lonlat(xy: Floats) -> Floats:
    """Return longitude and latitude of points in metres, rounded as the files hold them."""
    return np.round(np.column_stack(_TO_GEOGRAPHIC.transform(xy[:, 0], xy[:, 1])), DEGREE_DIGITS)


def geometries_to_lonlat(geometries: Any) -> Geometries:
    """Return geometries in longitude and latitude, rounded as the files hold them."""
    return np.asarray(shapely.transform(np.asarray(geometries, dtype=object), to_lonlat), dtype=object)


def chaikin_ring(points: Floats, times: int = 3) -> Floats:
    """Return a closed ring with its corners cut (Chaikin 1974); the last point does not repeat the first."""
    for _ in range(times):
        ahead = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * ahead, 0.25 * points + 0.75 * ahead], axis=1).reshape(-1, 2)
    return points


def chaikin_line(points: Floats, times: int = 2) -> Floats:
    """Return an open line with its corners cut; both ends stay."""
    for _ in range(times):
        cut = np.stack([0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]], axis=1)
        points = np.vstack([points[:1], cut.reshape(-1, 2)[1:-1], points[-1:]])
    return points


def bend(xy: Floats, amplitude_m: float = 110.0) -> Floats:
    """Return points moved a little by a smooth wave, so that borders, canals and lanes are not ruled lines."""
    x, y = xy[:, 0] / 1000.0, xy[:, 1] / 1000.0
    dx = np.sin(1.31 * y + 0.4 * x) + 0.6 * np.sin(2.17 * y - 0.9 * x + 1.0)
    dy = np.sin(1.13 * x - 0.3 * y) + 0.6 * np.sin(2.03 * x + 0.7 * y + 2.0)
    return np.column_stack([xy[:, 0] + amplitude_m * dx / 1.6, xy[:, 1] + amplitude_m * dy / 1.6])


def ring_with_inlets(points: Floats, rng: np.random.Generator, roughness_m: float) -> Floats:
    """Return a ring pushed in and out by a smooth seeded wave, so that a hand-drawn coast does not look ruled."""
    closed = np.vstack([points, points[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    total = along[-1]
    at = np.arange(0.0, total, 150.0)
    ring = np.column_stack([np.interp(at, along, closed[:, k]) for k in (0, 1)])
    waves = rng.uniform(0, 2 * np.pi, 12)
    turns = np.round(total / np.geomspace(1200.0, 12000.0, 12))
    heights = np.geomspace(0.18, 1.0, 12) * rng.uniform(0.5, 1.0, 12)
    push = (heights * np.sin(2 * np.pi * turns * at[:, None] / total + waves)).sum(axis=1) / heights.sum()
    step = np.roll(ring, -1, axis=0) - np.roll(ring, 1, axis=0)
    normal = np.column_stack([step[:, 1], -step[:, 0]]) / np.hypot(*step.T)[:, None]
    return ring + roughness_m * 2.2 * push[:, None] * normal


@dataclass(frozen=True, slots=True)
class IslandFrame:
    """A frame that follows an island: ``s`` along its axis from west to east, ``n`` across it, north positive."""

    along_m: Floats
    axis: Floats
    normal: Floats

    def to_xy(self, s: Any, n: Any) -> Floats:
        """Return x, y of frame coordinates, bent like everything people have laid out on the island."""
        s, n = np.broadcast_arrays(np.asarray(s, float), np.asarray(n, float))
        base = np.column_stack([np.interp(s, self.along_m, self.axis[:, k]) for k in (0, 1)])
        across = np.column_stack([np.interp(s, self.along_m, self.normal[:, k]) for k in (0, 1)])
        return bend(base + n.reshape(-1, 1) * across)

    def to_line(self, s: Any, n: Any) -> Any:
        """Return the line through frame coordinates."""
        return shapely.LineString(self.to_xy(s, n))

    def span(self, area: Any) -> tuple[float, float, float, float]:
        """Return s and n limits (s from, s to, n from, n to) that hold an area with some room."""
        xy = shapely.get_coordinates(area)
        near = shapely.STRtree(shapely.points(self.axis)).nearest(shapely.points(xy))
        s = self.along_m[near]
        n = ((xy - self.axis[near]) * self.normal[near]).sum(axis=1)
        return float(s.min()) - 500, float(s.max()) + 500, float(n.min()) - 500, float(n.max()) + 500


def island_frame(area: Any) -> IslandFrame:
    """Return the frame of an island: its axis is a cubic through the middle between its two long shores."""
    xy = shapely.get_coordinates(area)
    centre = xy.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((xy - centre).T))
    east = axes[:, -1] * np.sign(axes[0, -1])
    north = np.array([-east[1], east[0]])
    u, v = (xy - centre) @ east, (xy - centre) @ north
    at = np.linspace(u.min() * 0.92, u.max() * 0.92, 60)
    shore = np.array([_middle(u, v, a, reach=0.03 * np.ptp(u)) for a in at])
    middle = np.polynomial.Polynomial.fit(at, shore, 3)
    beyond = np.arange(u.min() - 2000, u.max() + 2000, 20.0)
    inside = np.clip(beyond, at[0], at[-1])
    across = middle(inside) + middle.deriv()(inside) * (beyond - inside)
    axis = centre + beyond[:, None] * east + across[:, None] * north
    step = np.gradient(axis, axis=0)
    step /= np.hypot(*step.T)[:, None]
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(axis, axis=0).T))])
    return IslandFrame(along, axis, np.column_stack([-step[:, 1], step[:, 0]]))


def _middle(u: Floats, v: Floats, at: float, *, reach: float) -> float:
    near = np.abs(u - at) < reach
    return float((v[near].min() + v[near].max()) / 2) if near.any() else 0.0


def smooth_polygon(area: Any, radius_m: float) -> Any:
    """Return a polygon whose corners and thin necks are rounded."""
    return shapely.buffer(shapely.buffer(shapely.buffer(area, radius_m), -2 * radius_m), radius_m)


def parts(geometry: Any) -> Geometries:
    """Return the simple parts of a geometry or of an array of geometries."""
    return np.asarray(shapely.get_parts(geometry), dtype=object)


def largest_part(geometry: Any) -> Any:
    """Return the largest polygon of a geometry."""
    pieces = parts(geometry)
    return pieces[np.argmax(shapely.area(pieces))]
