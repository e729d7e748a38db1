"""Population grids on disk: the cells of a GeoTIFF in which someone lives, in the grid's own CRS.

A grid is read window by window, and only where the study lies, so that one of a whole country does not fill the
memory. Nothing is warped: ``gridparts`` splits the cells between areas, ``population`` makes demand of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import rasterio
import shapely
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from chongming_gis import crs as crs_module
from chongming_gis.errors import CrsError, InputFileError, StudyError, TableError
from chongming_gis.findings import Finding
from chongming_gis.units import M2_PER_KM2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from pyproj import CRS
    from rasterio import Affine

    from chongming_gis.peoplemodel import RasterConfig

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Objects = npt.NDArray[np.object_]

SUFFIXES = (".tif", ".tiff")
_WINDOW_NUMBERS = 4_000_000  # cells x bands read at a time: 32 MB as float64
_MOST_BLOCK_BYTES = 400_000_000  # GDAL holds a whole block in memory
_MOST_NUMBERS = 40_000_000  # cells with people x bands kept: 320 MB
_MOST_BLOCKS_CHECKED = 200_000
_CACHE_MB = 64
_TAIL_BYTES = 32  # packed data ends in a checksum or an end mark, never in so many zeros
_LONGEST_EDGE_M = 1000.0  # outlines are cut this fine before they change CRS; a straight km bends by about 1 cm
_EQUAL_AREA = "EPSG:6933"  # WGS 84 / NSIDC EASE-Grid 2.0 Global: cylindrical equal-area


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the cells of a grid lie."""

    transform: Affine
    crs: CRS
    height: int
    width: int

    def middles(self, row: Ints, column: Ints, crs: CRS) -> Objects:
        """Return the middles of cells as points of a CRS, for turned grids too."""
        x, y = self._place(row + 0.5, column + 0.5)
        return crs_module.transform(np.asarray(shapely.points(x, y), dtype=object), self.crs, crs)

    def outlines(self, row: Ints, column: Ints, crs: CRS) -> Objects:
        """Return the outlines of cells as polygons of a CRS."""
        rings = np.stack(
            [
                np.column_stack(self._place(row + down, column + right))
                for down, right in ((0, 0), (0, 1), (1, 1), (1, 0))
            ],
            axis=1,
        )
        return crs_module.transform(np.asarray(shapely.polygons(rings), dtype=object), self.crs, crs)

    def in_pixels(self, geometry: Objects, crs: CRS) -> Objects:
        """Return geometries of a CRS in columns and *minus* rows of the grid: its cells are unit squares there."""
        if crs != self.crs:
            geometry = np.asarray(shapely.segmentize(geometry, _LONGEST_EDGE_M), dtype=object)
        moved = crs_module.transform(geometry, crs, self.crs)
        back = ~self.transform

        def to_pixels(coords: Floats) -> Floats:
            x, y = coords[:, 0], coords[:, 1]
            return np.column_stack([back.a * x + back.b * y + back.c, -(back.d * x + back.e * y + back.f)])

        return np.asarray(shapely.transform(moved, to_pixels), dtype=object)

    def areas_km2(self, row: Ints, column: Ints) -> Floats:
        """Return the area of cells on the ground, by an equal-area projection."""
        flat = self.outlines(row, column, pyproj.CRS.from_user_input(_EQUAL_AREA))
        return np.asarray(shapely.area(flat) / M2_PER_KM2, dtype=np.float64)

    def _place(self, row: npt.ArrayLike, column: npt.ArrayLike) -> tuple[Floats, Floats]:
        to, down, right = self.transform, np.asarray(row, dtype=float), np.asarray(column, dtype=float)
        return to.c + to.a * right + to.b * down, to.f + to.d * right + to.e * down


@dataclass(frozen=True, slots=True)
class GridCells:
    """The cells in which someone lives, ordered by row and column."""

    frame: Frame
    row: Ints
    column: Ints
    counts: Floats  # (cells, columns): persons of each cell, whatever unit the file has
    n_read: int  # cells looked at, those without data or people included
    findings: tuple[Finding, ...] = ()


def read_cells(
    path: Path, columns: Sequence[str], *, raster: RasterConfig, within: shapely.Geometry | None, crs: CRS
) -> GridCells:
    """Return the cells of a grid with persons in any of some columns.

    Parameters
    ----------
    columns : persons columns; the study or the grid says which band is which.
    raster : the study's section on the grid.
    within : only the rows and columns around this area (in ``crs``) are read; none = all.

    Raises
    ------
    InputFileError
        The file is missing, no grid, incomplete, or nobody lives where the study lies.
    CrsError
        The grid has no CRS and the study declares none, or they contradict each other.
    StudyError
        A column is no band.
    TableError
        Cells hold negative or infinite numbers.
    """
    if not path.exists():
        raise InputFileError(f"{path}: there is no such file; check the path")
    try:
        with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB), rasterio.open(path) as grid:
            frame = Frame(grid.transform, _crs_of(grid, raster, path), grid.height, grid.width)
            bands = _bands(grid, columns, raster, path)
            _refuse_unreadable(grid, bands, path)
            around = _window_around(within, frame, crs, path)
            return _collect(grid, around, bands, frame=frame, raster=raster)
    except RasterioIOError as error:
        raise InputFileError(
            f"{path}: cannot be read as a grid ({' '.join(str(error).split())}); it is damaged, incomplete or "
            "misnamed: fetch it again"
        ) from error


def _crs_of(grid: rasterio.DatasetReader, raster: RasterConfig, path: Path) -> CRS:
    if grid.crs is None:
        if raster.crs is None:
            raise CrsError(
                f"{path}: the grid does not say its CRS; declare it in the study, as in crs = 'EPSG:4326' in the "
                "raster section (WorldPop's grids are in EPSG:4326)"
            )
        return crs_module.parse(raster.crs, where=str(path))
    own = crs_module.parse(grid.crs.to_wkt(), where=str(path))
    if raster.crs is not None and crs_module.parse(raster.crs, where="raster.crs") != own:
        raise CrsError(
            f"{path}: the grid says that it is in {grid.crs.to_string()}, the study that it is in {raster.crs}; "
            "remove crs from the raster section, or correct the file"
        )
    return own


def _bands(grid: rasterio.DatasetReader, columns: Sequence[str], raster: RasterConfig, path: Path) -> list[int]:
    """Return the band number of each column; a single band without a name is the single column that is asked for."""
    known = dict(raster.bands) or {name: band for band, name in enumerate(grid.descriptions, start=1) if name}
    if not raster.bands and grid.count == 1 and len(columns) == 1:
        return [1]
    absent = [name for name in columns if name not in known]
    if absent:
        raise StudyError(
            f"{path}: no band for {', '.join(map(repr, absent))}; the grid has "
            f"{', '.join(known) or f'{grid.count} band(s) without names'}: name them in raster.bands"
        )
    beyond = [f"{name} = {known[name]}" for name in columns if known[name] > grid.count]
    if beyond:
        raise StudyError(f"{path}: sources.demand.raster.bands: {', '.join(beyond)}: the grid has {grid.count} bands")
    return [known[name] for name in columns]


def _refuse_unreadable(grid: rasterio.DatasetReader, bands: list[int], path: Path) -> None:
    """Refuse a file that ends before its data does, and blocks too large for the memory."""
    height, width = grid.block_shapes[0]
    n_bytes = height * width * np.dtype(grid.dtypes[0]).itemsize
    if n_bytes > _MOST_BLOCK_BYTES:
        raise InputFileError(
            f"{path}: is stored in blocks of {height:,} x {width:,} cells ({n_bytes / 1e9:.1f} GB each), too large to "
            "read by windows; write it again in tiles (gdal_translate -co TILED=YES -co COMPRESS=DEFLATE)"
        )
    rows, columns = _n_blocks(grid)
    if rows * columns * len(bands) > _MOST_BLOCKS_CHECKED:
        return  # the blocks that are read tell it themselves
    size, end = path.stat().st_size, 0
    for band, row, column in product(bands, range(rows), range(columns)):
        offset, length = (
            grid.get_tag_item(f"BLOCK_{what}_{column}_{row}", dm="TIFF", bidx=band) for what in ("OFFSET", "SIZE")
        )
        if offset is not None and length is not None:
            end = max(end, int(offset) + int(length))
    if end > size:
        raise InputFileError(
            f"{path}: is incomplete (its data ends at byte {end:,}, the file at {size:,}); fetch it again"
        )
    if grid.compression is not None and end > _TAIL_BYTES and not any(_bytes_before(path, end)):
        raise InputFileError(f"{path}: is incomplete (it ends in zeros where packed data should be); fetch it again")


def _bytes_before(path: Path, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(end - _TAIL_BYTES)
        return file.read(_TAIL_BYTES)


def _n_blocks(grid: rasterio.DatasetReader) -> tuple[int, int]:
    height, width = grid.block_shapes[0]
    return -(-grid.height // height), -(-grid.width // width)


def _window_around(within: shapely.Geometry | None, frame: Frame, crs: CRS, path: Path) -> tuple[int, int, int, int]:
    """Return first row, first column, end row and end column of what is read."""
    if within is None:
        return 0, 0, frame.height, frame.width
    west, south, east, north = shapely.total_bounds(frame.in_pixels(np.array([within], dtype=object), crs))
    top, left = max(0, int(np.floor(-north))), max(0, int(np.floor(west)))
    end_row, end_column = min(frame.height, int(np.ceil(-south))), min(frame.width, int(np.ceil(east)))
    if top >= end_row or left >= end_column:
        raise InputFileError(f"{path}: the grid does not reach the study's region; check its place and its CRS")
    return top, left, end_row, end_column


def _windows(grid: rasterio.DatasetReader, around: tuple[int, int, int, int], n_bands: int) -> Iterator[Window]:
    """Yield windows of whole blocks (as far as they fit), so that no block is unpacked twice."""
    height, width = grid.block_shapes[0]
    most = max(1, _WINDOW_NUMBERS // n_bands)
    wide = max(1, min(-(-grid.width // width), most // (height * width))) * width
    tall = max(1, most // (wide * height)) * height
    if height * width > most:  # one block is more than a window: cut it, GDAL's cache keeps it
        wide, tall = min(width, most), max(1, most // min(width, most))
    top, left, end_row, end_column = around
    for row in range(top // tall * tall, end_row, tall):
        for column in range(left // wide * wide, end_column, wide):
            first_row, first_column = max(row, top), max(column, left)
            yield Window(
                first_column,
                first_row,
                min(column + wide, end_column) - first_column,
                min(row + tall, end_row) - first_row,
            )


def _collect(
    grid: rasterio.DatasetReader,
    around: tuple[int, int, int, int],
    bands: list[int],
    *,
    frame: Frame,
    raster: RasterConfig,
) -> GridCells:
    found: list[tuple[Ints, Ints, Floats]] = []
    faults = _Faults(str(grid.name))
    n_kept = n_missing = 0
    for window in _windows(grid, around, len(bands)):
        missing = _is_absent(grid, window, bands)
        n_missing += missing
        if missing:
            continue
        values = _values(grid, window, bands, raster)
        if values is None:
            continue
        faults.note(values, window, bands)
        row, column = np.nonzero((values > 0.0).any(axis=0))
        found.append((row + window.row_off, column + window.col_off, values[:, row, column].T))
        n_kept += len(row) * len(bands)
        if n_kept > _MOST_NUMBERS:
            raise InputFileError(
                f"{grid.name}: people live in more than {n_kept // len(bands):,} cells; name the study's boundary "
                "(region.boundary), or a coarser grid"
            )
    faults.stop()
    if n_kept == 0:
        raise InputFileError(
            f"{grid.name}: nobody lives in this grid where the study lies; check its bands and its no-data value"
        )
    row, column = (np.concatenate([part[axis] for part in found]).astype(np.int64) for axis in (0, 1))
    counts = np.concatenate([values for _, _, values in found])
    order = np.lexsort((column, row))
    row, column, counts = row[order], column[order], counts[order]
    if raster.unit == "persons_per_km2":
        counts = counts * frame.areas_km2(row, column)[:, None]
    n_read = (around[2] - around[0]) * (around[3] - around[1])
    return GridCells(frame, row, column, counts, n_read, tuple(_absent(grid, n_missing)))


def _is_absent(grid: rasterio.DatasetReader, window: Window, bands: list[int]) -> bool:
    """Return whether none of a window's blocks is stored in the file (a sparse GeoTIFF)."""
    if grid.driver != "GTiff":
        return False
    height, width = grid.block_shapes[0]
    rows = range(window.row_off // height, -(-(window.row_off + window.height) // height))
    columns = range(window.col_off // width, -(-(window.col_off + window.width) // width))
    return not any(
        grid.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", dm="TIFF", bidx=band)
        for band, row, column in product(bands, rows, columns)
    )


def _absent(grid: rasterio.DatasetReader, n_missing: int) -> list[Finding]:
    if not n_missing:
        return []
    words = f"{n_missing} part(s) of the grid are not stored in the file (a sparse GeoTIFF); nobody is counted there"
    remedy = "if that is not meant, the file is damaged: fetch it again"
    return [
        Finding("warning", str(grid.name), words, remedy, rule="grid_parts_absent", details={"parts": f"{n_missing:,}"})
    ]


def _values(grid: rasterio.DatasetReader, window: Window, bands: list[int], raster: RasterConfig) -> Floats | None:
    """Return the persons of a window, 0 where there is no data, or None where every number is 0."""
    raw = grid.read(bands, window=window)
    if not raw.any():
        return None
    values: Floats = raw.astype(np.float64)
    if any("all_valid" not in [flag.name for flag in grid.mask_flag_enums[band - 1]] for band in bands):
        values[grid.read_masks(bands, window=window) == 0] = 0.0
    if raster.nodata is not None:
        values[raw == raster.nodata] = 0.0
    values[np.isnan(values)] = 0.0  # no count is NaN: it means "no data" whatever the file declares
    return values


class _Faults:
    """What cannot be a number of persons, gathered over all windows."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.number = {"grid_negative": 0, "grid_infinite": 0}
        self.first: dict[str, tuple[float, str]] = {}

    def note(self, values: Floats, window: Window, bands: list[int]) -> None:
        for rule, wrong in (("grid_negative", values < 0.0), ("grid_infinite", values == np.inf)):
            if not wrong.any():
                continue
            self.number[rule] += int(wrong.sum())
            band, row, column = np.argwhere(wrong)[0]
            where = f"row {row + window.row_off}, column {column + window.col_off}, band {bands[band]}"
            self.first.setdefault(rule, (float(values[band, row, column]), where))

    def stop(self) -> None:
        """Raise what was found.

        Raises
        ------
        TableError
            Some number is negative or infinite.
        """
        findings = []
        for rule, (value, where) in self.first.items():
            kind = "a negative" if rule == "grid_negative" else "an infinite"
            words = f"{self.number[rule]:,} cell(s) hold no number of persons but {kind} one, e.g. {value:g} in {where}"
            remedy = (
                f"if {value:g} means no data, write nodata = {value:g} in the raster section; else correct the grid"
            )
            findings.append(
                Finding(
                    "error",
                    self.where,
                    words,
                    remedy,
                    rule=rule,
                    value=f"{value:g}",
                    details={"cells": f"{self.number[rule]:,}", "place": where},
                )
            )
        if findings:
            raise TableError.of(findings, where=self.where)
