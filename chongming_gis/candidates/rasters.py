"""What a grid says at some places: land cover, suitability, slope. Only the rows that hold places are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import rasterio
import shapely
from rasterio.errors import RasterioError
from rasterio.windows import Window

from chongming_gis import crs as crs_module
from chongming_gis.errors import CrsError, InputFileError, StudyError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.sitingmodel import LayerConfig

    Floats = npt.NDArray[np.float64]
    Objects = npt.NDArray[np.object_]

_CELLS_AT_ONCE = 4_000_000  # 32 MB as float64


def sample(path: Path, layer: LayerConfig, points: Objects, crs: CRS) -> Floats:
    """Return the value of the cell that each place lies in; NaN outside the grid and where it has no data.

    Parameters
    ----------
    path : the grid, resolved from the study file.
    layer : its section in the study: the band, and the CRS of a grid that does not say its own.
    points : in ``crs``, metric.

    Raises
    ------
    InputFileError
        The file is missing, damaged or no grid.
    CrsError
        It does not say its CRS and the study does not either, or the two differ.
    StudyError
        It has no such band.
    """
    if not path.exists():
        raise InputFileError(f"{path}: there is no such file; check layers.{layer.id}.path")
    try:
        with rasterio.open(path) as grid:
            if layer.band > grid.count:
                raise StudyError(f"{path}: layers.{layer.id}.band = {layer.band}, but the grid has {grid.count}")
            return _values_at(grid, layer.band, crs_module.transform(points, crs, _crs_of(grid, layer, path)))
    except RasterioError as error:
        reason = " ".join(str(error).split())
        raise InputFileError(f"{path}: cannot be read as a grid ({reason}); it is damaged or misnamed") from error


def _crs_of(grid: rasterio.DatasetReader, layer: LayerConfig, path: Path) -> CRS:
    declared = None if layer.crs is None else crs_module.parse(layer.crs, where=f"layers.{layer.id}.crs")
    if grid.crs is None:
        if declared is None:
            raise CrsError(f"{path}: the grid does not say its CRS; declare it as layers.{layer.id}.crs")
        return declared
    own = crs_module.parse(grid.crs.to_wkt(), where=str(path))
    if declared is not None and declared != own:
        raise CrsError(f"{path}: the grid is in {own.name}, layers.{layer.id}.crs says {layer.crs}; remove crs")
    return own


def _values_at(grid: rasterio.DatasetReader, band: int, points: Objects) -> Floats:
    back = ~grid.transform
    x, y = shapely.get_x(points), shapely.get_y(points)
    column = np.floor(back.a * x + back.b * y + back.c)
    row = np.floor(back.d * x + back.e * y + back.f)
    inside = (column >= 0) & (column < grid.width) & (row >= 0) & (row < grid.height)
    values = np.full(len(points), np.nan)
    wanted = np.flatnonzero(inside)
    wanted = wanted[np.argsort(row[wanted], kind="stable")]
    first, last = (0, 0) if not len(wanted) else (int(column[wanted].min()), int(column[wanted].max()))
    rows_at_once = max(1, _CELLS_AT_ONCE // (last - first + 1))
    while len(wanted):
        top = int(row[wanted[0]])
        part = wanted[row[wanted] < top + rows_at_once]
        window = Window(first, top, last - first + 1, int(row[part[-1]]) - top + 1)
        cells = grid.read(band, window=window, masked=True).astype(np.float64).filled(np.nan)
        values[part] = cells[row[part].astype(int) - top, column[part].astype(int) - first]
        wanted = wanted[len(part) :]
    values[~np.isfinite(values)] = np.nan
    return values
