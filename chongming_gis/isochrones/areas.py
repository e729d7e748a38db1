"""Areas within a limit, from a surface of seconds, and how many people they misjudge.

The border runs between the centres of neighbouring cells, so a centre is inside exactly when its time is within the
limit. Each square between four centres is cut into two triangles by the diagonal from north-west to south-east; a
border crosses a triangle in one straight line. That leaves no choice anywhere: areas have no crossings, every hole is
kept, and the area of a larger limit holds that of a smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from scipy import ndimage

from chongming_gis.errors import NetworkError
from chongming_gis.kernels.cells import cycles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.isochrones.surface import Surface
    from chongming_gis.network.cells import Raster

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]
    Area = shapely.Polygon | shapely.MultiPolygon

CELL_M = 25.0  # the default of programs; at 50 m areas misjudge 1 % of people or more, at 10 m hardly fewer than at 25
NEAR_EDGE_M = 300.0
_LEAST_SHARE = 1.0 / 16.0  # of the way between two centres: borders keep off the centres themselves
_SHARES = 1024  # steps between two centres, 2.4 cm of 25 m: such places are exact numbers, and files half as large
_STEEPEST = 1.5  # a metre across and a metre along at the speed off the network take 1.41 times a metre
_CONNECTED = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])  # neighbours that share a side of a triangle
_EAST, _SOUTH, _DIAGONAL = 0, 1, 2  # the links that belong to a cell


@dataclass(frozen=True, slots=True)
class AreaError:
    """People on whom an area and the time at their door disagree.

    Attributes
    ----------
    persons, misclassified : all of them, and those inside although too far, or outside although in time.
    share : of all persons; NaN where there are none.
    near_edge_persons, near_edge_misclassified : the same within 300 m of the edge of the area.
    inside, in_time : persons inside the area, and within the limit by the time at their door.
    """

    persons: float
    misclassified: float
    share: float
    near_edge_persons: float
    near_edge_misclassified: float
    inside: float
    in_time: float


def service_areas(
    surface: Surface,
    *,
    limits_s: Sequence[float],
    ground: Area | None = None,
    excluded: Area | None = None,
) -> gpd.GeoDataFrame:
    """Return one area a limit, ascending: all ground from which a facility is reached within it.

    Parameters
    ----------
    limits_s : upper bounds, inclusive, none beyond the surface's cutoff.
    ground : land; what is outside is cut off. None: nothing is.
    excluded : water, or other ground where nobody is to be drawn, cut out.

    Returns
    -------
    GeoDataFrame
        ``limit_s``, ``area_m2`` and the geometry (MultiPolygon, empty where nothing is within the limit); metric CRS.

    Raises
    ------
    NetworkError
        No limits, limits that are not positive, or beyond the surface.
    """
    ordered = checked_limits(limits_s)
    if ordered[-1] > surface.cutoff_s:
        raise NetworkError(f"limit {ordered[-1]:g} s is beyond the surface, which ends at {surface.cutoff_s:g} s")
    shapes = [_without(_area_within(surface, limit_s), ground, excluded) for limit_s in ordered]
    columns = {"limit_s": np.array(ordered), "area_m2": shapely.area(shapes)}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=surface.crs)


def checked_limits(limits_s: Sequence[float]) -> list[float]:
    """Return limits in ascending order, each once.

    Raises
    ------
    NetworkError
        There are none, or some are not positive numbers.
    """
    ordered = sorted({float(limit) for limit in limits_s})
    if not ordered or not all(np.isfinite(limit) and limit > 0 for limit in ordered):
        raise NetworkError(f"limits_s = {list(limits_s)}: at least one positive number of seconds is needed")
    return ordered


def area_error(
    area: Area,
    points: gpd.GeoSeries,
    *,
    persons: Floats,
    time_s: Floats,
    limit_s: float,
    near_m: float = NEAR_EDGE_M,
) -> AreaError:
    """Return how many people an area misjudges, by the time at each door.

    Parameters
    ----------
    area, points : in one metric CRS; a point on the edge of the area is inside.
    persons, time_s : one number a point.

    Raises
    ------
    NetworkError
        Persons or times are not one number a point.
    """
    persons, time_s = np.asarray(persons, dtype=float), np.asarray(time_s, dtype=float)
    if persons.shape != (len(points),) or time_s.shape != (len(points),):
        raise NetworkError(f"persons and time_s need one number for each of {len(points)} points")
    geometry = np.asarray(points.to_numpy())
    shapely.prepare(area)
    inside = shapely.intersects(area, geometry)
    in_time = time_s <= limit_s
    wrong = inside != in_time
    near = _are_near(geometry, area, near_m)
    everyone, misjudged = float(persons.sum()), float(persons[wrong].sum())
    return AreaError(
        persons=everyone,
        misclassified=misjudged,
        share=misjudged / everyone if everyone > 0 else float("nan"),
        near_edge_persons=float(persons[near].sum()),
        near_edge_misclassified=float(persons[near & wrong].sum()),
        inside=float(persons[inside].sum()),
        in_time=float(persons[in_time].sum()),
    )


def _are_near(points: npt.NDArray[np.object_], area: Area, near_m: float) -> Claims:
    """Return which points are within some metres of the edge of an area."""
    edge = shapely.boundary(area)
    shapely.prepare(edge)
    return np.asarray(shapely.dwithin(edge, points, near_m))


def _area_within(surface: Surface, limit_s: float) -> shapely.MultiPolygon:
    """Return the ground within one limit, before anything is cut off."""
    within = surface.time_s <= limit_s
    rows, columns = np.flatnonzero(within.any(axis=1)), np.flatnonzero(within.any(axis=0))
    if len(rows) == 0:
        return shapely.MultiPolygon()
    # the window of what is within, with the cells around it, and a margin that is not: borders close inside it
    top, left = max(int(rows[0]) - 1, 0), max(int(columns[0]) - 1, 0)
    time_s = np.pad(surface.time_s[top : rows[-1] + 2, left : columns[-1] + 2], 1, constant_values=np.inf)
    border = _border(time_s, limit_s)
    share = _crossings(time_s, limit_s, border.links, _STEEPEST * surface.off_network_s_per_m * surface.raster.cell_m)
    x, y = _positions(border.links, share, time_s.shape[1], surface.raster, (top - 1, left - 1))
    label, n_parts = ndimage.label(time_s <= limit_s, structure=_CONNECTED)
    order, starts = cycles(border.following)
    inner = _inner_ends(time_s, limit_s, border.links[order[starts[:-1]]])
    part = label.ravel()[inner].astype(np.int64) - 1
    return _polygons(np.column_stack([x, y])[order], starts, part, n_parts)


@dataclass(frozen=True, slots=True)
class _Border:
    """Links between neighbouring cells of which one is within, and which link the border crosses next."""

    links: Longs  # 3 x cell + which of the cell's links
    following: Longs  # place in links


def _border(time_s: Floats, limit_s: float) -> _Border:
    """Return the border with what is within on its left, seen with the north above."""
    within = time_s <= limit_s
    n_columns = within.shape[1]
    corners = (within[:-1, :-1], within[1:, :-1], within[1:, 1:], within[:-1, 1:])  # NW, SW, SE, NE
    all_in, any_in = np.logical_and.reduce(corners), np.logical_or.reduce(corners)
    row, column = np.nonzero(any_in & ~all_in)
    cell = row * n_columns + column
    nw, sw, se, ne = (corner[row, column] for corner in corners)
    north, west = 3 * cell + _EAST, 3 * cell + _SOUTH
    south, east, diagonal = 3 * (cell + n_columns) + _EAST, 3 * (cell + 1) + _SOUTH, 3 * cell + _DIAGONAL
    lower = _through_triangles((nw, sw, se), (west, south, diagonal))
    upper = _through_triangles((nw, se, ne), (diagonal, east, north))
    start, end = (np.concatenate(pair) for pair in zip(lower, upper, strict=True))
    order = np.argsort(start)
    return _Border(start[order], np.searchsorted(start[order], end[order]))


def _through_triangles(within: tuple[Claims, ...], links: tuple[Longs, ...]) -> tuple[Longs, Longs]:
    """Return the links by which the border enters and leaves each triangle that it crosses.

    Corners run anticlockwise; link i joins corner i and the next. The border goes from the link on which one leaves
    what is within to the one on which one comes back.
    """
    leaves = [within[i] & ~within[(i + 1) % 3] for i in range(3)]
    returns = [~within[i] & within[(i + 1) % 3] for i in range(3)]
    crossed = leaves[0] | leaves[1] | leaves[2]
    return np.select(leaves, links)[crossed], np.select(returns, links)[crossed]


def _ends(links: Longs, n_columns: int) -> tuple[Longs, Longs]:
    cell, kind = np.divmod(links, 3)
    return cell, cell + np.array([1, n_columns, n_columns + 1])[kind]


def _inner_ends(time_s: Floats, limit_s: float, links: Longs) -> Longs:
    one, other = _ends(links, time_s.shape[1])
    return np.where(time_s.ravel()[one] <= limit_s, one, other)


def _crossings(time_s: Floats, limit_s: float, links: Longs, step_s: float) -> Floats:
    """Return where on each link the border crosses it: by proportion of the times at its ends.

    Half-way where one end is not reached, or the times differ by more than a step from cell to cell can take: there
    two roads meet whose ground ends somewhere in between, and the times say nothing about where.
    """
    one, other = _ends(links, time_s.shape[1])
    seconds = time_s.ravel()
    from_s, to_s = seconds[one], seconds[other]
    most_s = step_s * np.where(links % 3 == _DIAGONAL, np.sqrt(2.0), 1.0)
    share = np.full(len(links), 0.5)
    both = np.isfinite(from_s) & np.isfinite(to_s)
    both[both] = np.abs(to_s[both] - from_s[both]) <= most_s[both]
    share[both] = (limit_s - from_s[both]) / (to_s[both] - from_s[both])
    return np.asarray(np.clip(np.rint(share * _SHARES) / _SHARES, _LEAST_SHARE, 1.0 - _LEAST_SHARE))


def _positions(
    links: Longs, share: Floats, n_columns: int, raster: Raster, corner: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Return x and y of places on links; ``corner`` is the raster's row and column of the window's first cell."""
    one, other = _ends(links, n_columns)
    row, column = np.divmod(one, n_columns)
    row_step, column_step = np.divmod(other - one, n_columns)
    x = raster.west + (corner[1] + column + share * column_step + 0.5) * raster.cell_m
    y = raster.north - (corner[0] + row + share * row_step + 0.5) * raster.cell_m
    return x, y


def _polygons(xy: Floats, starts: Longs, part: Longs, n_parts: int) -> shapely.MultiPolygon:
    """Return rings as polygons: each connected part has one outer ring, which runs anticlockwise, and its holes."""
    sizes = np.diff(starts)
    ring = np.repeat(np.arange(len(sizes)), sizes)
    corner = _are_corners(xy, starts)
    rings = np.asarray(shapely.linearrings(xy[corner], indices=ring[corner]))
    outer = shapely.is_ccw(rings)
    shells = np.empty(n_parts, dtype=object)
    shells[part[outer]] = rings[outer]
    polygons = np.asarray(shapely.polygons(shells))
    inner = np.flatnonzero(~outer)
    inner = inner[np.argsort(part[inner], kind="stable")]
    owners, first = np.unique(part[inner], return_index=True)
    for owner, start, stop in zip(owners, first, np.append(first, len(inner))[1:], strict=True):
        polygons[owner] = shapely.Polygon(shells[owner], rings[inner[start:stop]])
    return shapely.MultiPolygon(list(polygons))


def _are_corners(xy: Floats, starts: Longs) -> Claims:
    """Return which places of rings are none between two others on one straight line, a third of them or more."""
    before, after = np.arange(-1, len(xy) - 1), np.arange(1, len(xy) + 1)
    before[starts[:-1]], after[starts[1:] - 1] = starts[1:] - 1, starts[:-1]
    here, ahead = xy - xy[before], xy[after] - xy
    return np.asarray(here[:, 0] * ahead[:, 1] != here[:, 1] * ahead[:, 0])


def _without(area: shapely.MultiPolygon, ground: Area | None, excluded: Area | None) -> shapely.MultiPolygon:
    """Return the area on the ground and off what is excluded; only the polygons that meet a border are cut."""
    parts = shapely.get_parts(area)
    if ground is not None:
        shapely.prepare(ground)
        whole = shapely.contains_properly(ground, parts)
        parts = np.concatenate([parts[whole], shapely.intersection(parts[~whole], ground)])
    if excluded is not None:
        shapely.prepare(excluded)
        touched = shapely.intersects(excluded, parts)
        parts = np.concatenate([parts[~touched], shapely.difference(parts[touched], excluded)])
    flat = shapely.get_parts(shapely.get_parts(parts))  # collections hold multipolygons, and lines where edges touch
    flat = flat[(shapely.get_type_id(flat) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(flat)]
    return shapely.MultiPolygon(list(flat))
