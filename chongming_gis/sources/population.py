"""People from a population grid: a GeoTIFF of counts or densities in any CRS -> demand points.

One point stands for each part of a cell that lies in one township: a cell across a township line, or across the
region's border, counts on each side by the area it has there. The points are moved to the study's metric CRS, the
counts never: warping would move people and change totals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import tables
from chongming_gis.errors import InputFileError, StudyError
from chongming_gis.findings import Finding
from chongming_gis.peoplemodel import RasterConfig
from chongming_gis.sources import gridparts, grids, shares
from chongming_gis.sources.surroundings import (
    Surroundings,
    Zones,
    clip,
    township_zones,
    uninhabited,
    village_zones,
)

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.config import DemandSource, StudyConfig

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Objects = npt.NDArray[np.object_]

SUFFIXES = grids.SUFFIXES


@dataclass(frozen=True, slots=True)
class SplitGrid:
    """A grid whose cells are split between areas, with a point for each part."""

    grid: grids.GridCells
    parts: gridparts.Parts
    points: Objects  # in the metric CRS
    is_wet: npt.NDArray[np.bool_]  # no dry place in the part
    inside: Floats  # of each cell: the fraction that counts


def read_population(
    source: DemandSource, *, path: Path, study: StudyConfig, crs: CRS, around: Surroundings | None = None
) -> tables.Demand:
    """Return one demand point for each part of a cell that lies in one township, ordered by row, column and township.

    Parameters
    ----------
    source : the study's ``sources.demand``, with its ``raster`` section.
    path : the GeoTIFF, resolved from the study file.
    study : for its groups (whose columns are bands of the grid, or come from shares) and its settlement classes.
    crs : the study's metric CRS.
    around : the region (people outside are left out), the townships and the land.

    Returns
    -------
    Demand
        Cells without data, or with nobody of any group, make no point; its ``report`` counts them, and tells the
        persons of each column before and after.

    Raises
    ------
    InputFileError
        The file is missing, is no grid, is incomplete, or nobody lives where the study lies.
    CrsError
        The grid has no CRS and the study declares none.
    StudyError
        A group names a column that is no band, or no settlement class is given.
    TableError
        A cell holds a negative or infinite number of persons.
    """
    if source.settlement_class is None:
        raise StudyError("sources.demand.settlement_class: a grid does not tell it; name one of the study's classes")
    around = around or Surroundings()
    raster = source.raster or RasterConfig()
    zones = township_zones(around)
    given = shares.read_all(source, study, (zones, village_zones(around)))
    columns = shares.columns_to_read(study, given)
    grid = grids.read_cells(path, columns, raster=raster, within=around.region, crs=crs)
    wet = uninhabited(around, source.nobody_lives_in)
    split = split_grid(grid, clip(zones.geometry, around.region), around=around, wet=wet, crs=crs, border=raster.border)
    if len(split.parts.cell) == 0:
        raise InputFileError(f"{path}: nobody lives in this grid where the study lies; check its place and its CRS")
    counts = pd.DataFrame(grid.counts[split.parts.cell] * split.parts.fraction[:, None], columns=columns)
    township = _codes(zones, split.parts.area)
    persons = shares.group_sums(shares.add_shares(counts, given, {"township": township}, where=str(path)), study)
    settlement = _settlement(grid, columns, source, study)[split.parts.cell]
    points = _points(split, township, settlement, crs)
    points, persons = _merged(points, persons, split, settlement, size=raster.merge_cells)
    tables.validate(points, tables.DEMAND, where=str(path))
    return tables.Demand(
        points=points,
        persons=persons.set_axis(pd.Index(points["demand_id"], name="demand_id")),
        report=_report(
            path, split, counts.assign(township=township), len(points), [*grid.findings, *shares.findings_of(given)]
        ),
    )


def split_grid(
    grid: grids.GridCells,
    areas: Objects,
    *,
    around: Surroundings,
    wet: shapely.Geometry | None,
    crs: CRS,
    border: str,
) -> SplitGrid:
    """Return the cells split between some areas (polygons cut to the region) and what of the region is in none."""
    frame, row, column = grid.frame, grid.row, grid.column
    region = around.region
    covered = gridparts.covered_fractions(frame, row, column, areas, crs)
    inside = np.ones(len(row))
    if region is not None:
        found = gridparts.covered_fractions(frame, row, column, np.array([region], dtype=object), crs)
        inside[:] = np.bincount(found.cell, weights=found.fraction, minlength=len(row))
    parts = gridparts.split_cells(len(row), covered, inside=inside)
    if border == "whole":
        whole = parts.fraction / inside[parts.cell]
        parts, inside = gridparts.Parts(parts.cell, parts.area, whole), (inside > 0.0).astype(float)
    rest: shapely.Geometry | None = region
    if region is not None and len(areas) and bool((parts.area == gridparts.NO_AREA).any()):
        rest = region - shapely.union_all(areas)
    places = gridparts.place_parts(frame, row, column, parts, gridparts.Ground(areas, rest, wet, crs))
    parts, places = gridparts.leave_water(parts, places)
    return SplitGrid(grid, parts, places.points, places.is_wet, inside)


def _codes(zones: Zones, area: Ints) -> pd.Series:
    known = np.concatenate([zones.code, np.array([None], dtype=object)])  # NO_AREA = -1 takes the last
    return pd.Series(known[area], dtype="str")


def _points(split: SplitGrid, township: pd.Series, settlement: Objects, crs: CRS) -> gpd.GeoDataFrame:
    row, column = split.grid.row[split.parts.cell], split.grid.column[split.parts.cell]
    several = np.bincount(split.parts.cell)[split.parts.cell] > 1
    suffix = np.where(several, "-" + township.fillna("rest").to_numpy(dtype=object), "")
    ids = [f"cell-{r:05d}-{c:05d}{end}" for r, c, end in zip(row.tolist(), column.tolist(), suffix, strict=True)]
    return gpd.GeoDataFrame(
        {
            "demand_id": pd.Series(ids, dtype="str"),
            **{name: tables.empty_text(len(ids)) for name in ("name_zh", "village_code", "island")},
            "township_code": township,
            "settlement_class": pd.Series(settlement, dtype="str"),
        },
        geometry=split.points,
        crs=crs,
    )


def _merged(
    points: gpd.GeoDataFrame, persons: pd.DataFrame, split: SplitGrid, settlement: Objects, *, size: int
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return points and persons with blocks of cells made one point for each township and settlement class."""
    if size == 1:
        return points, persons
    _, kind = np.unique(settlement.astype(str), return_inverse=True)
    by = (split.parts.area + 1) * (kind.max() + 1) + kind.reshape(-1)
    weight = persons.sum(axis=1).to_numpy()
    row, column = split.grid.row[split.parts.cell], split.grid.column[split.parts.cell]
    stands = gridparts.merge_parts(row, column, by, points=split.points, weight=np.maximum(weight, 1e-12), size=size)
    sums = persons.groupby(stands).sum()
    return points.loc[sums.index].reset_index(drop=True), sums.reset_index(drop=True)


def _settlement(grid: grids.GridCells, columns: list[str], source: DemandSource, study: StudyConfig) -> Objects:
    """Return the class of each cell: dense cells have their own where the study says from how many persons."""
    rule = source.raster
    classes = np.full(len(grid.row), source.settlement_class, dtype=object)
    if rule is None or rule.dense_from_persons is None:
        return classes
    first = study.groups[0]
    names = first.columns[next(iter(first.columns))]
    absent = [name for name in names if name not in columns]
    if absent:
        raise StudyError(
            f"sources.demand.raster.dense_from_persons: {', '.join(map(repr, absent))} come from shares, so a cell "
            "does not tell them; put a group of the grid's own bands first"
        )
    everyone = grid.counts[:, [columns.index(name) for name in names]].sum(axis=1)
    classes[everyone >= rule.dense_from_persons] = rule.dense_class
    return classes


def _report(
    path: Path,
    split: SplitGrid,
    counts: pd.DataFrame,
    n_points: int,
    findings: list[Finding],
) -> dict[str, Any]:
    """Return what was read, kept and left out; ``counts`` are those of the parts, with their ``township``."""
    grid = split.grid
    outside, partly = split.inside <= 0.0, (split.inside > 0.0) & (split.inside < 1.0)
    by_township = counts.groupby(counts["township"].fillna("")).sum(numeric_only=True).round(6)
    after = counts.drop(columns="township").sum()
    before = dict(zip(after.index, grid.counts.sum(axis=0).round(6).tolist(), strict=True))
    n_wet = int(split.is_wet.sum())
    if n_wet:
        findings = [
            *findings,
            Finding(
                "warning",
                str(path),
                f"{n_wet} point(s) of the grid stand where nobody lives (water, reserve): their cells have no dry land",
                "check the land layer, or sources.demand.nobody_lives_in",
                rule="grid_in_water",
                details={"points": f"{n_wet:,}"},
            ),
        ]
    return {
        "cells_read": grid.n_read,
        "cells_without_people": grid.n_read - len(grid.row),
        "cells_outside_region": int(outside.sum()),
        "cells_partly_outside": int(partly.sum()),
        "cells_split": int((np.bincount(split.parts.cell, minlength=1) > 1).sum()),
        "points_kept": n_points,
        "points_in_water": n_wet,
        "persons_read": before,
        "persons_kept": after.round(6).to_dict(),
        "persons_by_township": {str(code): row for code, row in by_township.to_dict("index").items()},
        "findings": findings,
    }
