"""Outlines of areas made fit to be counted by: rings repaired, slivers of drawing given to a neighbour, gaps found.

Pure geometry in a metric CRS: arrays of polygons in, arrays and numbers out.

Two borders that were drawn from each other's coordinates differ by roundings. What is narrower than that
(``ROUNDING_M``), or smaller than 10 m2, is no fault and stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Objects = npt.NDArray[np.object_]
    Pairs = list[tuple[int, int, float]]

ROUNDING_M = 0.2  # mean width; six decimals of a degree are 0.1 m
_NOTHING_M2 = 10.0  # smaller than this, whatever its shape, is a rounding at a corner
_THIN = 0.05  # 4 pi area / perimeter^2; a strip of 1 by 60 (a square has 0.79)
_ISLET_WIDTH_M = 10.0  # along a coast two drawings differ by strips; a gap is wider


@dataclass(frozen=True, slots=True)
class Tidied:
    """Areas after slivers were given away, and what was done; rows are those of the areas."""

    geometry: Objects
    overlaps: Pairs = field(default_factory=list)  # too large for slivers: (row, row, m2), left as they are
    cut: Pairs = field(default_factory=list)  # overlaps that were slivers, cut from the second area
    moved: Pairs = field(default_factory=list)  # parts of the first area that were slivers beside the second
    dropped: list[tuple[int, float]] = field(default_factory=list)  # thin parts that touch nothing
    filled: list[tuple[int, float]] = field(default_factory=list)  # gaps that were slivers, given to an area


def repair(geometry: Objects) -> tuple[Objects, npt.NDArray[np.bool_]]:
    """Return valid outlines, and which had to be repaired (rings that cross themselves, as drawn by hand)."""
    is_area = shapely.get_dimensions(geometry) == 2
    broken = is_area & ~shapely.is_valid(geometry)
    if not broken.any():
        return geometry, broken
    valid = geometry.copy()
    valid[broken] = shapely.make_valid(geometry[broken], method="structure", keep_collapsed=False)
    return valid, broken


def tidy(geometry: Objects, *, sliver_m2: float) -> Tidied:
    """Return areas without slivers: overlaps, parts and gaps smaller than a limit.

    Parameters
    ----------
    geometry : valid polygons in order of their key; where two overlap, the first keeps a sliver.
    sliver_m2 : the limit; larger overlaps and parts stay as they are.
    """
    shapes = geometry.copy()
    overlaps, cut = _cut_overlaps(shapes, sliver_m2)
    moved, dropped = _move_parts(shapes, sliver_m2)
    filled = _fill_gaps(shapes, sliver_m2)
    return Tidied(shapes, overlaps, cut, moved, dropped, filled)


def find_gaps(geometry: Objects, within: shapely.Geometry, *, sliver_m2: float) -> Objects:
    """Return the parts of an area that no outline covers, the largest first.

    Left out are what is smaller than the limit, and strips narrower than 10 m, as between two drawings of one coast.
    """
    parts = shapely.get_parts(shapely.difference(within, shapely.union_all(geometry)))
    area_m2 = shapely.area(parts)
    is_gap = (shapely.get_dimensions(parts) == 2) & (area_m2 > sliver_m2) & (_mean_width_m(parts) >= _ISLET_WIDTH_M)
    found = parts[is_gap]
    return np.asarray(found[np.argsort(-area_m2[is_gap], kind="stable")], dtype=object)


def _mean_width_m(shapes: Objects) -> Floats:
    """Return the mean width of each shape if it is a strip: twice its area by its perimeter."""
    length_m = shapely.length(shapes)
    return np.asarray(2.0 * shapely.area(shapes) / np.maximum(length_m, 1e-9), dtype=float)


def _is_meant(shapes: Objects) -> npt.NDArray[np.bool_]:
    """Return which shapes are more than roundings of coordinates."""
    return np.asarray((_mean_width_m(shapes) > ROUNDING_M) & (shapely.area(shapes) > _NOTHING_M2), dtype=bool)


def _polygons_of(shape: shapely.Geometry) -> shapely.Geometry:
    """Return what is polygon in a shape (a difference may leave lines)."""
    parts = shapely.get_parts(shape)
    parts = parts[shapely.get_dimensions(parts) == 2]
    whole: shapely.Geometry = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
    return whole


def _pairs(shapes: Objects) -> npt.NDArray[np.int64]:
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    kept = first < second
    pairs = np.column_stack([first[kept], second[kept]])
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _cut_overlaps(shapes: Objects, sliver_m2: float) -> tuple[Pairs, Pairs]:
    """Cut slivers of overlap from the second of two areas, in place; return the larger overlaps and those cut."""
    pairs = _pairs(shapes)
    common = shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]])
    area_m2 = shapely.area(common)
    counts = _is_meant(common)
    overlaps: Pairs = []
    cut: Pairs = []
    for (first, second), m2 in zip(pairs[counts].tolist(), area_m2[counts].tolist(), strict=True):
        if m2 > sliver_m2:
            overlaps.append((first, second, m2))
        else:
            shapes[second] = _polygons_of(shapely.difference(shapes[second], shapes[first]))
            cut.append((first, second, m2))
    return overlaps, cut


def _move_parts(shapes: Objects, sliver_m2: float) -> tuple[Pairs, list[tuple[int, float]]]:
    """Give the small parts of areas to the areas beside them, in place; drop thin ones that touch none."""
    moved: Pairs = []
    dropped: list[tuple[int, float]] = []
    several = np.flatnonzero(shapely.get_num_geometries(shapes) > 1)
    for row in several.tolist():
        parts = shapely.get_parts(shapes[row])
        area_m2 = shapely.area(parts)
        small = np.flatnonzero(area_m2 < sliver_m2)
        small = small[small != int(np.argmax(area_m2))]
        kept = np.ones(len(parts), dtype=bool)
        for at in small.tolist():
            part, m2 = parts[at], float(area_m2[at])
            neighbour = _neighbour(shapes, part, without=row)
            if neighbour is not None:
                shapes[neighbour] = _polygons_of(_joined(shapes[neighbour], part))
                moved.append((row, neighbour, m2))
            elif 4.0 * np.pi * m2 < _THIN * shapely.length(part) ** 2:
                dropped.append((row, m2))
            else:
                continue  # an islet
            kept[at] = False
        if not kept.all():
            shapes[row] = parts[kept][0] if kept.sum() == 1 else shapely.multipolygons(parts[kept])
    return moved, dropped


def _neighbour(shapes: Objects, part: shapely.Geometry, *, without: int | None = None) -> int | None:
    """Return the area that shares the longest border with a part; of equal ones the first."""
    near = shapely.buffer(part, ROUNDING_M)
    rows = [row for row in np.flatnonzero(shapely.intersects(shapes, near)).tolist() if row != without]
    shared_m = shapely.length(shapely.intersection(shapely.boundary(shapes[rows]), near)) if rows else np.empty(0)
    if len(shared_m) == 0 or shared_m.max() <= 4.0 * ROUNDING_M:
        return None
    return rows[int(np.argmax(shared_m))]


def _joined(area: shapely.Geometry, part: shapely.Geometry) -> shapely.Geometry:
    """Return an area with a part that lies beside it, the crack of rounding between them closed."""
    return shapely.union(area, shapely.snap(part, area, ROUNDING_M))


def _fill_gaps(shapes: Objects, sliver_m2: float) -> list[tuple[int, float]]:
    """Give gaps that are slivers to the area with the longest border, in place."""
    whole = shapely.get_parts(shapely.union_all(shapes))
    rings = [ring for part in whole for ring in part.interiors]
    if not rings:
        return []
    holes = np.asarray(shapely.polygons(np.array(rings, dtype=object)), dtype=object)
    area_m2 = np.asarray(shapely.area(holes))
    is_sliver = (area_m2 <= sliver_m2) & _is_meant(holes)
    filled: list[tuple[int, float]] = []
    for hole, m2 in zip(holes[is_sliver], area_m2[is_sliver].tolist(), strict=True):
        row = _neighbour(shapes, hole)
        if row is not None:
            shapes[row] = _polygons_of(_joined(shapes[row], hole))
            filled.append((row, m2))
    return filled
