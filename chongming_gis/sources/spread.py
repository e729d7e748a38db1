"""Where inside an area its people are put: support points with weights, and totals shared out over them.

Support comes from the cells of a grid, from roads along which people live, or from buildings; nobody is put where
nobody can live. Sums are kept for each area and column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from chongming_gis.errors import StudyError
from chongming_gis.sources import buildings, gridparts, grids, population, roads
from chongming_gis.sources.surroundings import without

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.findings import Finding
    from chongming_gis.peoplemodel import SpreadConfig
    from chongming_gis.sources.surroundings import Surroundings

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Support:
    """Points that people can be put on, each in one area; ordered by id."""

    ids: list[str]
    points: Objects  # in the metric CRS
    area: Ints  # row of the areas
    weight: Floats  # above 0
    is_dense: Bools
    findings: list[Finding] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Site:
    """The areas that people are spread in (polygons cut to the region; empty where an area has none)."""

    areas: Objects
    codes: Objects
    wet: shapely.Geometry | None
    crs: CRS


def find_support(spread: SpreadConfig | None, *, path: Path | None, site: Site, around: Surroundings) -> Support:
    """Return the points over which the study wants its people spread; none for one point an area.

    Raises
    ------
    ChongmingError
        The file of the grid, the roads or the buildings cannot be read.
    StudyError
        Roads are wanted and there are none.
    """
    if spread is None or spread.by == "point":
        nothing = np.empty(0)
        return Support([], nothing.astype(object), nothing.astype(np.int64), nothing, nothing.astype(bool))
    if spread.by == "roads":
        return _along_roads(spread, path=path, site=site, around=around)
    assert path is not None  # noqa: S101  # the config asks for it
    if spread.by == "raster":
        return _on_cells(spread, path=path, site=site, around=around)
    found = buildings.read_buildings(path, crs=site.crs, layer=spread.layer, weight=spread.weight)
    order = np.argsort(np.array(found.ids, dtype=object).astype(str), kind="stable")
    ids = [found.ids[row] for row in order.tolist()]
    report = {"buildings_not_lived_in": found.n_dropped}
    return _in_areas(ids, found.points[order], found.weight[order], site=site, report=report)


def _on_cells(spread: SpreadConfig, *, path: Path, site: Site, around: Surroundings) -> Support:
    """Return the parts of cells that lie in the areas; the weight is the persons that the grid has there."""
    raster = spread.raster
    names = list(raster.bands) or ["population"]
    extent = shapely.box(*shapely.total_bounds(site.areas))
    grid = grids.read_cells(path, names, raster=raster, within=extent, crs=site.crs)
    split = population.split_grid(grid, site.areas, around=around, wet=site.wet, crs=site.crs, border=raster.border)
    total = grid.counts.sum(axis=1)
    parts, row, column = split.parts, grid.row[split.parts.cell], grid.column[split.parts.cell]
    kept = (parts.area != gridparts.NO_AREA) & ~split.is_wet
    several = np.bincount(parts.cell)[parts.cell] > 1
    ids = [
        f"cell-{row[part]:05d}-{column[part]:05d}" + (f"-{site.codes[parts.area[part]]}" if several[part] else "")
        for part in np.flatnonzero(kept).tolist()
    ]
    dense = np.zeros(len(total), dtype=bool)
    if raster.dense_from_persons is not None:
        dense = total >= raster.dense_from_persons
    return Support(
        ids,
        split.points[kept],
        parts.area[kept],
        total[parts.cell[kept]] * parts.fraction[kept],
        dense[parts.cell[kept]],
        list(grid.findings),
        {"cells_read": grid.n_read, "cells_without_people": grid.n_read - len(grid.row)},
    )


def _along_roads(spread: SpreadConfig, *, path: Path | None, site: Site, around: Surroundings) -> Support:
    """Return a point for every so many metres of road along which people live; its weight is that length."""
    found = roads.read_roads(path, crs=site.crs, layer=spread.layer) if path is not None else around.roads
    if found is None:
        raise StudyError("sources.demand.spread: by = 'roads' needs sources.roads, or a path")
    edges = found.edges[found.edges["highway"].isin(spread.classes)]
    length = edges["length_m"].to_numpy(dtype=float)
    pieces = np.maximum(1, np.ceil(length / spread.every_m)).astype(np.int64)
    edge = np.repeat(np.arange(len(edges)), pieces)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    along = (step + 0.5) / pieces[edge]
    points = shapely.line_interpolate_point(edges.geometry.to_numpy()[edge], along, normalized=True)
    number = edges["edge_id"].to_numpy()[edge]
    ids = [f"road-{n:08d}-{k:04d}" for n, k in zip(number.tolist(), step.tolist(), strict=True)]
    report = {"road_km_lived_along": round(float(length.sum()) / 1000.0, 3)}
    return _in_areas(ids, np.asarray(points, dtype=object), length[edge] / pieces[edge], site=site, report=report)


def _in_areas(ids: list[str], points: Objects, weight: Floats, *, site: Site, report: dict[str, Any]) -> Support:
    """Return the points that lie on the dry land of an area (on a border: of the first area)."""
    tree = shapely.STRtree(without(site.areas, site.wet))
    which, area = tree.query(points, predicate="intersects")
    order = np.lexsort((area, which))
    which, first = np.unique(which[order], return_index=True)
    area = area[order][first]
    kept = weight[which] > 0.0
    which, area = which[kept], area[kept]
    return Support(
        [ids[row] for row in which.tolist()],
        points[which],
        area.astype(np.int64),
        weight[which],
        np.zeros(len(which), dtype=bool),
        report={**report, "support_outside_areas": len(ids) - len(which)},
    )


def share_out(totals: Floats, area: Ints, weight: Floats, *, whole: bool) -> Floats:
    """Return what each point has of its area's totals, in proportion to its weight.

    Parameters
    ----------
    totals : (areas, columns).
    area : row of ``totals`` for each point.
    weight : of each point, above 0.
    whole : whole persons by largest remainder (ties: the earlier point); what a total has beyond a whole number goes
        to the point with the largest remainder too.

    Returns
    -------
    array
        (points, columns). The points of an area add up to its totals, if it has any points.

    Examples
    --------
    >>> totals, area = np.array([[10.0]]), np.array([0, 0, 0])
    >>> share_out(totals, area, np.array([1.0, 1.0, 2.0]), whole=False).ravel().tolist()
    [2.5, 2.5, 5.0]
    >>> share_out(totals, area, np.array([1.0, 1.0, 2.0]), whole=True).ravel().tolist()
    [3.0, 2.0, 5.0]
    """
    if len(area) == 0:
        return np.zeros((0, totals.shape[1]))
    sums = np.bincount(area, weights=weight, minlength=len(totals))
    shared = totals[area] * (weight / sums[area])[:, None]
    if not whole:
        return shared
    floors = np.floor(shared + 1e-9)
    for column in range(totals.shape[1]):
        short = totals[:, column] - np.bincount(area, weights=floors[:, column], minlength=len(totals))
        order = np.lexsort((np.arange(len(area)), -(shared[:, column] - floors[:, column]).round(9), area))
        starts = np.searchsorted(area[order], np.arange(len(totals)))
        rank = np.arange(len(area)) - starts[area[order]]
        floors[order, column] += np.clip(short[area[order]] - rank, 0.0, 1.0)
    return floors
