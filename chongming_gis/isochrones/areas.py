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
from chongming_gis.kernels.cells import DIAGONAL, border_links, cycles
from chongming_gis.kernels.threads import each_on_threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.isochrones.surface import Surface

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]
    Area = shapely.Polygon | shapely.MultiPolygon
    Parts = npt.NDArray[np.object_]

CELL_M = 25.0  # the default of programs; at 50 m areas misjudge 1 % of people or more, at 10 m hardly fewer than at 25
NEAR_EDGE_M = 300.0
_LEAST_SHARE = 1.0 / 16.0  # of the way between two centres: borders keep off the centres themselves
_SHARES = 1024  # steps between two centres, 2.4 cm of 25 m: such places are exact numbers, and files half as large
_STEEPEST = 1.5  # a metre across and a metre along at the speed off the network take 1.41 times a metre
_CONNECTED = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])  # neighbours that share a side of a triangle


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
    parts = [shapely.get_parts(area) for area in each_on_threads(ordered, lambda limit: _area_within(surface, limit))]
    shapes = _cut(parts, ground, excluded)
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
    within = np.pad(within[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1)
    window = _Window(surface, int(rows[0]) - 1, int(columns[0]) - 1, within.shape[1])
    changes = within[:, 1:] != within[:, :-1]
    is_mixed = changes[1:] | changes[:-1] | (within[1:, :-1] != within[:-1, :-1])
    row, column = np.nonzero(is_mixed)
    # with what is within on its left, seen with the north above
    start, end = border_links(within, row * within.shape[1] + column)
    links = np.sort(start)
    order, starts = cycles(np.searchsorted(links, end[np.argsort(start)]))
    share = _crossings(window, links, limit_s)
    label, n_parts = ndimage.label(within, structure=_CONNECTED)
    part = label.ravel()[_inner_ends(window, links[order[starts[:-1]]], limit_s)].astype(np.int64) - 1
    return _polygons(np.column_stack(_positions(window, links, share))[order], starts, part, n_parts)


@dataclass(frozen=True, slots=True)
class _Window:
    """Part of a surface, with a cell more all around; it may stand over the edge of the raster.

    Its cells are numbered along the rows; a link is 3 x cell + which of the cell's three.
    """

    surface: Surface
    top: int  # row of the raster
    left: int
    n_columns: int

    def ends(self, links: Longs) -> tuple[Longs, Longs]:
        """Return the two cells that each link joins."""
        cell, kind = np.divmod(links, 3)
        return cell, cell + np.array([1, self.n_columns, self.n_columns + 1])[kind]

    def seconds(self, cell: Longs) -> Floats:
        """Return the times of some cells; inf over the edge of the raster."""
        row, column = np.divmod(cell, self.n_columns)
        row, column = row + self.top, column + self.left
        time_s = self.surface.time_s
        inside = (row >= 0) & (row < time_s.shape[0]) & (column >= 0) & (column < time_s.shape[1])
        found = np.full(len(cell), np.inf)
        found[inside] = time_s[row[inside], column[inside]]
        return found


def _inner_ends(window: _Window, links: Longs, limit_s: float) -> Longs:
    one, other = window.ends(links)
    return np.where(window.seconds(one) <= limit_s, one, other)


def _crossings(window: _Window, links: Longs, limit_s: float) -> Floats:
    """Return where on each link the border crosses it: by proportion of the times at its ends.

    Half-way where one end is not reached, or the times differ by more than a step from cell to cell can take: there
    two roads meet whose ground ends somewhere in between, and the times say nothing about where.
    """
    one, other = window.ends(links)
    from_s, to_s = window.seconds(one), window.seconds(other)
    step_s = _STEEPEST * window.surface.off_network_s_per_m * window.surface.raster.cell_m
    most_s = step_s * np.where(links % 3 == DIAGONAL, np.sqrt(2.0), 1.0)
    share = np.full(len(links), 0.5)
    both = np.isfinite(from_s) & np.isfinite(to_s)
    both[both] = np.abs(to_s[both] - from_s[both]) <= most_s[both]
    share[both] = (limit_s - from_s[both]) / (to_s[both] - from_s[both])
    return np.asarray(np.clip(np.rint(share * _SHARES) / _SHARES, _LEAST_SHARE, 1.0 - _LEAST_SHARE))


def _positions(window: _Window, links: Longs, share: Floats) -> tuple[Floats, Floats]:
    """Return x and y of places on links."""
    one, other = window.ends(links)
    row, column = np.divmod(one, window.n_columns)
    row_step, column_step = np.divmod(other - one, window.n_columns)
    raster = window.surface.raster
    x = raster.west + (window.left + column + share * column_step + 0.5) * raster.cell_m
    y = raster.north - (window.top + row + share * row_step + 0.5) * raster.cell_m
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


def _cut(areas: list[Parts], ground: Area | None, excluded: Area | None) -> list[shapely.MultiPolygon]:
    """Return areas on the ground and off what is excluded; only the polygons that meet a border are cut.

    A prepared outline is asked by one thread at a time: it is not made for several.
    """
    if ground is not None:
        shapely.prepare(ground)
        whole = [shapely.contains_properly(ground, parts) for parts in areas]
        cut = each_on_threads([parts[~is_in] for parts, is_in in zip(areas, whole, strict=True)],
                              lambda parts: shapely.intersection(parts, ground))  # fmt: skip
        areas = [np.concatenate([parts[is_in], left]) for parts, is_in, left in zip(areas, whole, cut, strict=True)]
    if excluded is not None:
        shapely.prepare(excluded)
        touched = [shapely.intersects(excluded, parts) for parts in areas]
        cut = each_on_threads([parts[is_wet] for parts, is_wet in zip(areas, touched, strict=True)],
                              lambda parts: shapely.difference(parts, excluded))  # fmt: skip
        areas = [
            np.concatenate([parts[~is_wet], left]) for parts, is_wet, left in zip(areas, touched, cut, strict=True)
        ]
    return [_polygons_of(parts) for parts in areas]


def _polygons_of(parts: Parts) -> shapely.MultiPolygon:
    flat = shapely.get_parts(shapely.get_parts(parts))  # collections hold multipolygons, and lines where edges touch
    flat = flat[(shapely.get_type_id(flat) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(flat)]
    return shapely.MultiPolygon(list(flat))
