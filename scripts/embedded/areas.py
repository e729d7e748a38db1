"""Division of land into areas of wanted size around given points: townships, then villages.

A power diagram (weighted Voronoi division by squared distance less a weight per area) is cut from the land; the weights
are moved until every area has its size. Borders are bent like canals and roads are, so that they do not look ruled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from embedded import shapes

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]

SAMPLE_M = 90.0
WEIGHT_STEPS = 400
BORDER_STEP_M = 250.0


@dataclass(frozen=True, slots=True)
class Seeds:
    """Points that areas grow around: several may belong to one area (``owner``), which has one wanted size."""

    xy: Floats
    owner: Integers
    wanted_m2: Floats  # per owner


def sample_land(area: Any, step_m: float = SAMPLE_M) -> Floats:
    """Return points of a square grid that lie on an area."""
    west, south, east, north = area.bounds
    x, y = np.meshgrid(np.arange(west, east, step_m) + step_m / 2, np.arange(south, north, step_m) + step_m / 2)
    grid = np.column_stack([x.ravel(), y.ravel()])
    shapely.prepare(area)
    return grid[shapely.contains_xy(area, grid[:, 0], grid[:, 1])]


def fit_weights(seeds: Seeds, sample: Floats, fixed: Floats | None = None) -> Floats:
    """Return one weight (m2) per owner at which each gets its wanted share of the sample points.

    Points in ``fixed`` (one per owner) may never change hands: a weight stops growing before it would take another
    owner's own point.
    """
    squared = ((sample[:, None, :] - seeds.xy[None, :, :]) ** 2).sum(axis=2)
    wanted = seeds.wanted_m2 / seeds.wanted_m2.sum() * len(sample)
    weights = np.zeros(len(wanted))
    step = float(np.median(wanted)) * SAMPLE_M**2 * 0.4
    for turn in range(WEIGHT_STEPS):
        holder = seeds.owner[np.argmin(squared - weights[seeds.owner], axis=1)]
        share = np.bincount(holder, minlength=len(wanted)) / wanted
        move = step * np.clip(1.0 - share, -1.0, 1.0) / (1.0 + turn / 40.0)
        weights = weights + move
        if fixed is not None:
            weights = _keep_own_points(weights, seeds, fixed)
        if np.abs(share - 1.0).max() < 0.004:
            break
    return weights - weights.mean()


def _keep_own_points(weights: Floats, seeds: Seeds, fixed: Floats, room_m: float = 500.0) -> Floats:
    """Return weights lowered until every owner holds its own point with some room around it."""
    apart = ((fixed[:, None, :] - seeds.xy[None, :, :]) ** 2).sum(axis=2)
    owners = np.arange(len(weights))
    for _ in range(5):
        own = np.full(len(weights), np.inf)
        np.minimum.at(own, seeds.owner, apart[seeds.owner, np.arange(len(seeds.owner))])
        edge = np.sqrt(apart) - room_m
        most = weights[:, None] + np.maximum(edge, 0.0) ** 2 - own[:, None]
        limit = np.full((len(weights), len(weights)), np.inf)
        for seed, owner in enumerate(seeds.owner):
            limit[:, owner] = np.minimum(limit[:, owner], most[:, seed])
        limit[owners, owners] = np.inf
        weights = np.minimum(weights, limit.min(axis=0))
    return weights


def power_cells(seeds: Seeds, weights: Floats, land: Any) -> list[Any]:
    """Return one polygon (or multipolygon) per owner: the power diagram, bent and clipped to the land."""
    faces, owner = _power_faces(seeds, weights, land)
    cells = []
    for which in range(len(weights)):
        whole = shapely.union_all(faces[owner == which])
        cells.append(whole)
    return cells


def _power_faces(seeds: Seeds, weights: Floats, land: Any) -> tuple[Any, Integers]:
    """Return faces of the bent diagram on the land, and the owner of each.

    A power diagram in the plane is the section of a Voronoi diagram one dimension up; here its borders are found by
    clipping with half-planes, which is exact and quick for some dozens of seeds.
    """
    west, south, east, north = land.buffer(4000).bounds
    box = shapely.box(west, south, east, north)
    borders = [
        _power_polygon(k, seeds, weights, box).exterior
        for k in range(len(seeds.xy))
        if not _power_polygon(k, seeds, weights, box).is_empty
    ]
    lines = shapely.union_all(shapely.set_precision(np.array(borders, dtype=object), shapes.GRID_M))
    bent = shapely.transform(shapely.segmentize(lines, BORDER_STEP_M), shapes.bend)
    edges = shapely.union_all(
        shapely.set_precision(np.array([bent, land.boundary], dtype=object), shapes.GRID_M), grid_size=shapes.GRID_M
    )
    faces = shapes.parts(shapely.polygonize(shapes.parts(edges)))
    inside = shapely.point_on_surface(faces)
    faces = faces[shapely.contains(land, inside)]
    middle = _unbend(shapely.get_coordinates(shapely.point_on_surface(faces)))
    squared = ((middle[:, None, :] - seeds.xy[None, :, :]) ** 2).sum(axis=2)
    return faces, seeds.owner[np.argmin(squared - weights[seeds.owner], axis=1)]


def _unbend(xy: Floats) -> Floats:
    """Return the points that ``shapes.bend`` moves to the given ones (fixed-point iteration)."""
    guess = xy.copy()
    for _ in range(12):
        guess = guess + (xy - shapes.bend(guess))
    return guess


def _power_polygon(k: int, seeds: Seeds, weights: Floats, box: Any) -> Any:
    """Return the power cell of one seed in a box."""
    ring = shapely.get_coordinates(box)[:-1]
    order = np.argsort(((seeds.xy - seeds.xy[k]) ** 2).sum(axis=1), kind="stable")
    for j in order[1:]:
        normal = 2 * (seeds.xy[j] - seeds.xy[k])
        limit = (seeds.xy[j] ** 2).sum() - (seeds.xy[k] ** 2).sum() - weights[seeds.owner[j]] + weights[seeds.owner[k]]
        ring = _clip(ring, normal, float(limit))
        if len(ring) < 3:
            return shapely.Polygon()
    return shapely.Polygon(ring)


def _clip(ring: Floats, normal: Floats, limit: float) -> Floats:
    """Return the part of a convex ring where ``normal . x <= limit``."""
    side = ring @ normal - limit
    if (side <= 0).all():
        return ring
    kept = []
    for here in range(len(ring)):
        ahead = (here + 1) % len(ring)
        if side[here] <= 0:
            kept.append(ring[here])
        if side[here] * side[ahead] < 0:
            share = side[here] / (side[here] - side[ahead])
            kept.append(ring[here] + share * (ring[ahead] - ring[here]))
    return np.array(kept)
