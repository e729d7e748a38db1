"""The population as a 100 m grid: the same people, one band per base and group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio import Affine

from embedded import shapes

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

CELL_M = 100.0
NODATA = -1  # cells in which nobody lives are 0 on the islands' bounding box; nothing is -1, the door must know it
TAGS = {"AREA_OR_POINT": "Area"}


@dataclass(frozen=True, slots=True)
class Grid:
    """Whole persons per cell and band, with the grid's western and northern edge in metres."""

    bands: tuple[str, ...]
    counts: Any  # (bands, rows, columns) int16
    west: float
    north: float


def make_grid(homes: pd.DataFrame, persons: pd.DataFrame) -> Grid:
    """Return persons summed over the cells that homes lie in."""
    x, y = homes["x"].to_numpy(), homes["y"].to_numpy()
    west, north = np.floor(x.min() / CELL_M) * CELL_M, np.ceil(y.max() / CELL_M) * CELL_M
    column = ((x - west) // CELL_M).astype(int)
    row = ((north - y) // CELL_M).astype(int)
    size = (row.max() + 1, column.max() + 1)
    cell = row * size[1] + column
    counts = [np.bincount(cell, weights=persons[band], minlength=size[0] * size[1]) for band in persons.columns]
    return Grid(tuple(persons.columns), np.array(counts).reshape(-1, *size).astype(np.int16), float(west), float(north))


def write_grid(grid: Grid, path: Path) -> None:
    """Write the grid as a compressed, tiled GeoTIFF in metres; each band carries its group as description."""
    profile = {
        "driver": "GTiff",
        "dtype": "int16",
        "count": len(grid.bands),
        "height": grid.counts.shape[1],
        "width": grid.counts.shape[2],
        "crs": shapes.METRIC,
        "nodata": NODATA,
        "transform": Affine(CELL_M, 0.0, grid.west, 0.0, -CELL_M, grid.north),
        "compress": "deflate",
        "zlevel": 9,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "interleave": "band",
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(grid.counts)
        for band, name in enumerate(grid.bands, start=1):
            target.set_band_description(band, name)
        target.update_tags(**TAGS)


def read_grid(path: Path) -> Grid:
    """Return a grid as written by ``write_grid``."""
    with rasterio.open(path) as source:
        corner = source.transform
        return Grid(tuple(source.descriptions), source.read(), corner.c, corner.f)
