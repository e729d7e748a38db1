"""People from a population grid: a GeoTIFF with one band per group -> one demand point per cell where someone lives.

The grid must lie in the study's metric CRS: warping counts would move people and change totals. It is read window by
window, so that a grid of a whole province does not fill the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from rasterio.errors import RasterioIOError

from chongming_gis import tables
from chongming_gis.errors import CrsError, InputFileError, StudyError, TableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.config import DemandSource, StudyConfig

    Floats = npt.NDArray[np.float64]

SUFFIXES = (".tif", ".tiff")


def read_population(source: DemandSource, *, path: Path, study: StudyConfig, crs: CRS) -> tables.Demand:
    """Return one demand point in the middle of each cell where someone lives, ordered by row and column.

    Parameters
    ----------
    source : the study's ``sources.demand``, with its ``raster`` section.
    path : the GeoTIFF, resolved from the study file; its unit is persons per cell.
    study : for its groups (whose columns are bands of the grid) and its settlement classes.
    crs : the study's metric CRS; the grid's must be the same.

    Returns
    -------
    Demand
        Cells without data, or with nobody of any group, make no point; its ``report`` counts them. The sum of every
        column is the sum of its band.

    Raises
    ------
    InputFileError
        The file is missing, is no grid, or nobody lives in it.
    CrsError
        The grid has no CRS, or another one than the study.
    StudyError
        A group names a column that is no band, or no settlement class is given.
    TableError
        A cell holds a negative or infinite number of persons.
    """
    if source.settlement_class is None:
        raise StudyError("sources.demand.settlement_class: a grid does not tell it; name one of the study's classes")
    columns = list(dict.fromkeys(name for group in study.groups for names in group.columns.values() for name in names))
    counts, x, y, cell, n_cells = _read_cells(path, columns, source=source, crs=crs)
    persons = _group_sums(counts, columns, study)
    points = gpd.GeoDataFrame(
        {
            "demand_id": pd.Series([f"cell-{row:05d}-{column:05d}" for row, column in cell], dtype="str"),
            **{name: tables.empty_text(len(cell)) for name in ("name_zh", "township_code", "village_code", "island")},
            "settlement_class": pd.Series(_settlement(persons, source, study), dtype="str"),
        },
        geometry=gpd.points_from_xy(x, y),
        crs=crs,
    )
    tables.validate(points, tables.DEMAND, where=str(path))
    return tables.Demand(
        points=points,
        persons=persons.set_axis(pd.Index(points["demand_id"], name="demand_id")),
        report={"cells_read": n_cells, "cells_without_people": n_cells - len(points)},
    )


def _read_cells(
    path: Path, columns: list[str], *, source: DemandSource, crs: CRS
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.int64], int]:
    """Return counts (cells, columns), x, y, row and column of the cells with people, and how many cells there are."""
    if not path.exists():
        raise InputFileError(f"{path}: there is no such file; check the path")
    try:
        with rasterio.open(path) as grid:
            _check_crs(grid, crs, path)
            bands = _bands(grid, columns, source.raster.bands if source.raster else {}, path)
            found = [_read_window(grid, window, bands, path) for _, window in grid.block_windows(1)]
            counts = np.concatenate([values for values, _ in found])
            cell = np.concatenate([position for _, position in found])
            order = np.lexsort((cell[:, 1], cell[:, 0]))
            if len(order) == 0:
                raise InputFileError(f"{path}: nobody lives in this grid; check its bands and its no-data value")
            x, y = _middles(grid, cell[order])
            return counts[order], x, y, cell[order], grid.width * grid.height
    except RasterioIOError as error:
        raise InputFileError(f"{path}: cannot be read as a grid ({error}); it is damaged or misnamed") from error


def _middles(grid: rasterio.DatasetReader, cell: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return x and y of the middles of cells (row, column), for turned grids too."""
    to = grid.transform
    row, column = cell[:, 0] + 0.5, cell[:, 1] + 0.5
    return to.c + to.a * column + to.b * row, to.f + to.d * column + to.e * row


def _check_crs(grid: rasterio.DatasetReader, crs: CRS, path: Path) -> None:
    if grid.crs is None:
        raise CrsError(f"{path}: the grid does not say its CRS; declare it in the file")
    if crs != grid.crs.to_wkt():
        raise CrsError(
            f"{path}: the grid is in {grid.crs.to_string()}, the study in {crs.to_string()}; warp the grid beforehand "
            "with a method that keeps sums (gdalwarp -r sum)"
        )


def _bands(grid: rasterio.DatasetReader, columns: list[str], named: Mapping[str, int], path: Path) -> list[int]:
    """Return the band number of each column."""
    known = dict(named) or {name: band for band, name in enumerate(grid.descriptions, start=1) if name}
    absent = [name for name in columns if name not in known]
    if absent:
        raise StudyError(
            f"{path}: no band for {', '.join(map(repr, absent))}; the grid has "
            f"{', '.join(known) or 'no descriptions'}: name the bands in sources.demand.raster.bands"
        )
    beyond = [f"{name} = {known[name]}" for name in columns if known[name] > grid.count]
    if beyond:
        raise StudyError(f"{path}: sources.demand.raster.bands: {', '.join(beyond)}: the grid has {grid.count} bands")
    return [known[name] for name in columns]


def _read_window(
    grid: rasterio.DatasetReader, window: rasterio.windows.Window, bands: list[int], path: Path
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return counts and positions of the cells of one window in which someone lives."""
    masked = grid.read(bands, window=window, masked=True)
    values = np.ma.filled(masked.astype(np.float64), 0.0)
    wrong = ~np.isfinite(values) | (values < 0.0)
    if wrong.any():
        band, row, column = np.argwhere(wrong)[0]
        where = f"row {row + window.row_off}, column {column + window.col_off}, band {bands[band]}"
        raise TableError(
            f"{path}: {int(wrong.sum())} cell(s) hold no number of persons, e.g. {values[band, row, column]} in "
            f"{where}; declare the no-data value in the file"
        )
    row, column = np.nonzero(values.sum(axis=0) > 0.0)
    return values[:, row, column].T, np.column_stack([row + window.row_off, column + window.col_off]).astype(np.int64)


def _group_sums(counts: Floats, columns: list[str], study: StudyConfig) -> pd.DataFrame:
    at = {name: number for number, name in enumerate(columns)}
    return pd.DataFrame(
        {
            tables.persons_column(base, group.id): counts[:, [at[name] for name in names]].sum(axis=1)
            for group in study.groups
            for base, names in group.columns.items()
        }
    )


def _settlement(persons: pd.DataFrame, source: DemandSource, study: StudyConfig) -> list[str | None]:
    """Return the class of each cell: dense cells have their own where the study says from how many persons."""
    rule = source.raster
    if rule is None or rule.dense_from_persons is None:
        return [source.settlement_class] * len(persons)
    first = study.groups[0]
    everyone = persons[tables.persons_column(next(iter(first.columns)), first.id)]
    return [rule.dense_class if dense else source.settlement_class for dense in everyone >= rule.dense_from_persons]
