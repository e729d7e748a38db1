"""Cells of a grid split between areas: what part of each cell lies in which area, and where that part's people stand.

Fractions are exact areas in the grid's own CRS (exactextract), so that counts are never warped. Points are chosen in
the study's metric CRS, each inside its own area and on dry land wherever there is any.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.feature import JSONFeatureSource
from exactextract.raster import NumPyRasterSource

if TYPE_CHECKING:
    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.sources.grids import Frame

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Objects = npt.NDArray[np.object_]

NO_AREA = -1
_TILE = 1024  # cells a side that are compared with outlines at a time
_LEAST_FRACTION = 1e-9  # of a cell: less is the rounding of an outline, not a part
_ROUNDING = 2e-7  # exactextract computes fractions in single precision
_LEAST_REST = 1e-6  # what a cell's areas leave over of it: less is a gap between outlines, not a place


@dataclass(frozen=True, slots=True)
class Covered:
    """Which part of which cell is covered by which geometry; ordered by cell, then geometry."""

    cell: Ints
    geometry: Ints
    fraction: Floats  # of the cell, above 0, at most 1


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of cells, ordered by cell and area; those of one cell add up to its ``inside`` fraction."""

    cell: Ints
    area: Ints  # row of the areas, or NO_AREA
    fraction: Floats


def covered_fractions(frame: Frame, row: Ints, column: Ints, geometry: Objects, crs: CRS) -> Covered:
    """Return what fraction of each cell each polygon covers.

    Parameters
    ----------
    row, column : the cells.
    geometry : polygons in ``crs``; empty ones cover nothing.
    """
    shapes = frame.in_pixels(geometry, crs)
    tree = shapely.STRtree(shapes)
    features = [json.loads(shape) for shape in shapely.to_geojson(shapes)]
    found: list[tuple[Ints, Ints, Floats]] = []
    tile = row // _TILE * (frame.width // _TILE + 1) + column // _TILE
    order = np.argsort(tile, kind="stable")
    for cells in np.split(order, np.flatnonzero(np.diff(tile[order])) + 1):
        if len(cells) == 0:
            continue
        top, left = int(row[cells].min()), int(column[cells].min())
        height, width = int(row[cells].max()) + 1 - top, int(column[cells].max()) + 1 - left
        window = shapely.box(left, -(top + height), left + width, -top)
        number = (row[cells] - top) * width + column[cells] - left
        for which in np.sort(tree.query(window, predicate="intersects")).tolist():
            fraction = _in_window(features[which], window, (height, width))[number]
            some = fraction > _LEAST_FRACTION
            found.append((cells[some], np.full(int(some.sum()), which), fraction[some]))
    cell, which, fraction = (np.concatenate([part[axis] for part in found] or [np.empty(0)]) for axis in range(3))
    in_order = np.lexsort((which, cell))
    fraction = np.where(fraction > 1.0 - _ROUNDING, 1.0, fraction)
    return Covered(cell[in_order].astype(np.int64), which[in_order].astype(np.int64), fraction[in_order])


def _in_window(outline: dict[str, object], window: shapely.Polygon, shape: tuple[int, int]) -> Floats:
    """Return the covered fraction of every cell of a window, row by row."""
    west, south, east, north = window.bounds
    grid = NumPyRasterSource(np.zeros(shape, dtype=np.uint8), west, south, east, north)
    feature = {"type": "Feature", "properties": {}, "geometry": outline}
    result = exact_extract(grid, JSONFeatureSource([feature]), ["cell_id", "coverage"])[0]["properties"]
    fraction = np.zeros(shape[0] * shape[1])
    fraction[np.asarray(result["cell_id"], dtype=np.int64)] = result["coverage"]
    return fraction


def split_cells(n_cells: int, covered: Covered, *, inside: Floats) -> Parts:
    """Return each cell's parts by area, and the rest of it that lies in none.

    Parameters
    ----------
    covered : the areas' fractions.
    inside : the fraction of each cell that counts (1, or what the region covers). Parts of a cell are scaled down
        where areas overlap and would make up more.

    Examples
    --------
    A cell of which areas 0 and 1 cover a quarter each, and one that areas 0 and 1 both cover whole:

    >>> both = Covered(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([0.25, 0.25, 1.0, 1.0]))
    >>> parts = split_cells(2, both, inside=np.ones(2))
    >>> parts.cell.tolist(), parts.area.tolist(), parts.fraction.tolist()
    ([0, 0, 0, 1, 1], [-1, 0, 1, 0, 1], [0.5, 0.25, 0.25, 0.5, 0.5])
    """
    total = np.bincount(covered.cell, weights=covered.fraction, minlength=n_cells)
    rest = inside - total
    has_rest = rest > _LEAST_REST
    scaled_to = np.where(has_rest, total, inside)  # gaps and overlaps of outlines go to the areas in proportion
    scale = np.divide(scaled_to, total, out=np.zeros(n_cells), where=total > 0.0)
    alone = np.flatnonzero((has_rest | (total <= 0.0)) & (inside > _LEAST_FRACTION))
    cell = np.concatenate([covered.cell, alone])
    area = np.concatenate([covered.geometry, np.full(len(alone), NO_AREA)])
    fraction = np.concatenate(
        [covered.fraction * scale[covered.cell], np.where(total[alone] > 0.0, rest[alone], inside[alone])]
    )
    some = fraction > 0.0
    cell, area, fraction = cell[some], area[some], fraction[some]
    order = np.lexsort((area, cell))
    return Parts(cell[order], area[order], fraction[order])


@dataclass(frozen=True, slots=True)
class Ground:
    """Where points may stand: the areas, what is left when they are taken away, and where nobody can live."""

    areas: Objects  # polygons in the metric CRS
    rest: shapely.Geometry | None  # where parts without an area lie; None = anywhere
    wet: shapely.Geometry | None
    crs: CRS


@dataclass(frozen=True, slots=True)
class Places:
    """A point for each part, and which of them could not be kept dry."""

    points: Objects
    is_wet: npt.NDArray[np.bool_]


def place_parts(frame: Frame, row: Ints, column: Ints, parts: Parts, ground: Ground) -> Places:
    """Return a point for each part: the middle of the cell where that lies in the area and dry, else one that does."""
    x_row, x_column = row[parts.cell], column[parts.cell]
    points = frame.middles(x_row, x_column, ground.crs)
    good = np.zeros(len(points), dtype=bool)
    is_wet = np.zeros(len(points), dtype=bool)
    order = np.argsort(parts.area, kind="stable")
    for mine in np.split(order, np.flatnonzero(np.diff(parts.area[order])) + 1):
        if len(mine):
            area = ground.rest if parts.area[mine[0]] == NO_AREA else ground.areas[parts.area[mine[0]]]
            good[mine] = _within(area, points[mine])
    if ground.wet is not None:
        shapely.prepare(ground.wet)
        good &= ~shapely.intersects(ground.wet, points)
    bad = np.flatnonzero(~good)
    outlines = frame.outlines(x_row[bad], x_column[bad], ground.crs)
    for part, outline in zip(bad.tolist(), outlines, strict=True):
        area = ground.rest if parts.area[part] == NO_AREA else ground.areas[parts.area[part]]
        points[part], is_wet[part] = _point_in(outline, area, ground.wet, points[part])
    return Places(points, is_wet)


def leave_water(parts: Parts, places: Places) -> tuple[Parts, Places]:
    """Return the parts without those that have no dry place, their people given to the dry parts of the same cell.

    A cell without any dry part keeps its parts as they are.

    Examples
    --------
    >>> parts = Parts(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.25, 0.5, 1.0]))
    >>> points = np.asarray(shapely.points([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]))
    >>> kept, _ = leave_water(parts, Places(points, np.array([True, False, True])))
    >>> kept.cell.tolist(), kept.fraction.tolist()
    ([0, 1], [0.75, 1.0])
    """
    if not places.is_wet.any():
        return parts, places
    total = np.bincount(parts.cell, weights=parts.fraction)
    dry = np.bincount(parts.cell, weights=parts.fraction * ~places.is_wet, minlength=len(total))
    scale = np.divide(total, dry, out=np.ones(len(total)), where=dry > 0.0)[parts.cell]
    kept = ~places.is_wet | (dry[parts.cell] <= 0.0)
    left = Parts(parts.cell[kept], parts.area[kept], (parts.fraction * scale)[kept])
    return left, Places(places.points[kept], places.is_wet[kept])


def _within(area: shapely.Geometry | None, points: Objects) -> npt.NDArray[np.bool_]:
    if area is None:
        return np.ones(len(points), dtype=bool)
    shapely.prepare(area)
    return np.asarray(shapely.intersects(area, points), dtype=bool)


def _point_in(
    cell: shapely.Polygon, area: shapely.Geometry | None, wet: shapely.Geometry | None, middle: shapely.Point
) -> tuple[shapely.Point, bool]:
    """Return a point of the cell in the area, dry if there is such a place, and whether it is not."""
    piece = cell if area is None else shapely.intersection(cell, _near(area, cell))
    if piece.is_empty:  # a sliver of rounding: the nearest point of the area
        nearest = shapely.shortest_line(area, middle)
        return shapely.Point(shapely.get_coordinates(nearest)[0]), False
    dry = piece if wet is None else shapely.difference(piece, _near(wet, cell))
    if dry.is_empty:
        return shapely.point_on_surface(piece), True
    return shapely.point_on_surface(dry), False


def _near(area: shapely.Geometry, cell: shapely.Polygon) -> shapely.Geometry:
    """Return the part of a large area around a cell, without the cost of overlaying all of it."""
    west, south, east, north = cell.bounds
    margin = max(east - west, north - south)
    west, south, east, north = west - margin, south - margin, east + margin, north + margin
    try:
        return shapely.make_valid(shapely.clip_by_rect(area, west, south, east, north))
    except shapely.GEOSException:  # GEOS's clipping makes rings of three points of some real outlines
        return shapely.intersection(area, shapely.box(west, south, east, north))


def merge_parts(cell_row: Ints, cell_column: Ints, by: Ints, *, points: Objects, weight: Floats, size: int) -> Ints:
    """Return for each part which of the merged parts it belongs to, named by the part whose point stands for it.

    Parameters
    ----------
    by : what must not be mixed (area and settlement class).
    size : cells a side of a block. The point nearest to the weighted middle stands for the block: it is one of those
        that lie in the area and dry.

    Examples
    --------
    >>> points = np.asarray(shapely.points([[0.0, 0.0], [10.0, 0.0], [40.0, 0.0]]))
    >>> row, column, by = np.array([0, 0, 0]), np.array([0, 1, 4]), np.array([0, 0, 0])
    >>> merge_parts(row, column, by, points=points, weight=np.array([1.0, 9.0, 1.0]), size=2).tolist()
    [1, 1, 2]
    """
    key = np.column_stack([cell_row // size, cell_column // size, by])
    _, group = np.unique(key, axis=0, return_inverse=True)
    group = group.reshape(-1)
    coords = shapely.get_coordinates(points)
    total = np.bincount(group, weights=weight)
    middle = [np.bincount(group, weights=weight * coords[:, axis]) / total for axis in (0, 1)]
    away = np.hypot(coords[:, 0] - middle[0][group], coords[:, 1] - middle[1][group])
    order = np.lexsort((np.arange(len(group)), away, group))
    first = order[np.r_[True, np.diff(group[order]) > 0]]
    return first[group].astype(np.int64)
