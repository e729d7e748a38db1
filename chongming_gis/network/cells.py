"""The cells of a raster onto edges: the very answer that ``snap_points`` gives for their centres, for millions of them.

Which road a cell belongs to depends on the mode alone, so it is asked once and serves every service and limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chongming_gis.errors import NetworkError
from chongming_gis.kernels import cells as kernel
from chongming_gis.kernels import snapping
from chongming_gis.kernels.threads import over_ranges
from chongming_gis.network.snap import (
    SNAPPED,
    Segments,
    SnappedPoints,
    fractions_along,
    search_arguments,
    segments_of,
)
from chongming_gis.units import kmh_to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.network.compile import Network

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

MOST_CELLS = 250_000_000  # 2 GB of seconds
_TILE = 8  # cells along a tile; 4 and 16 take longer on the embedded roads at 10-25 m
_BAND_CELLS = 4_000_000  # worked on at once: some 200 MB


@dataclass(frozen=True, slots=True)
class Raster:
    """Square cells, rows from the north. The edges stand at multiples of the cell, so that all rasters of a size match.

    Attributes
    ----------
    west, north : the outer corner, metres in ``crs``.
    cell_m : the side of a cell.
    """

    west: float
    north: float
    cell_m: float
    n_columns: int
    n_rows: int
    crs: CRS

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.n_rows, self.n_columns

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """The six numbers of the affine transform from (column, row) to (x, y), as rasterio orders them."""
        return self.cell_m, 0.0, self.west, 0.0, -self.cell_m, self.north

    def centres(self, cell: Longs) -> tuple[Floats, Floats]:
        """Return x and y of the centres of cells, numbered along the rows from the north-west."""
        row, column = np.divmod(cell, self.n_columns)
        return self.west + (column + 0.5) * self.cell_m, self.north - (row + 0.5) * self.cell_m


@dataclass(frozen=True, slots=True)
class SnappedCells:
    """The cells of a raster that meet the network, and where; all others are too far from a road of the mode."""

    raster: Raster
    cell: Longs  # numbered along the rows from the north-west; neighbours stand near each other
    snapped: SnappedPoints

    def __len__(self) -> int:
        return len(self.cell)


def raster_around(bounds: tuple[float, float, float, float], *, cell_m: float, crs: CRS) -> Raster:
    """Return the raster that covers (min x, min y, max x, max y).

    Raises
    ------
    NetworkError
        The cell is not a positive number of metres, or there would be more than 250 million cells.
    """
    if not (np.isfinite(cell_m) and cell_m > 0):
        raise NetworkError(f"cell_m = {cell_m}: must be a positive number of metres")
    if not np.isfinite(bounds).all():
        raise NetworkError("there is no road to lay a raster around")
    west, south = (float(np.floor(low / cell_m)) for low in bounds[:2])
    east, north = (float(np.ceil(high / cell_m)) for high in bounds[2:])
    n_columns, n_rows = max(int(east - west), 1), max(int(north - south), 1)
    if n_columns * n_rows > MOST_CELLS:
        raise NetworkError(
            f"cell_m = {cell_m:g}: {n_columns} x {n_rows} cells are more than {MOST_CELLS // 10**6} million; "
            "choose larger cells or a smaller region"
        )
    return Raster(west * cell_m, north * cell_m, float(cell_m), n_columns, n_rows, crs)


def raster_of_network(network: Network, *, cell_m: float) -> Raster:
    """Return the raster that covers every place from which the roads of a network can be stepped onto.

    Raises
    ------
    NetworkError
        See ``raster_around``.
    """
    segments = segments_of(network)
    if len(segments.first) == 0:
        raise NetworkError(f"mode {network.mode.name!r}: no road that one can step onto to lay a raster around")
    low_x, low_y = float(segments.x.min()), float(segments.y.min())
    high_x, high_y = float(segments.x.max()), float(segments.y.max())
    reach_m = network.mode.max_snap_m
    bounds = (low_x - reach_m, low_y - reach_m, high_x + reach_m, high_y + reach_m)
    return raster_around(bounds, cell_m=cell_m, crs=network.crs)


def snap_cells(network: Network, raster: Raster, *, known: Sequence[tuple[Network, SnappedCells]] = ()) -> SnappedCells:
    """Return where the centre of each cell meets the network, for the cells that do.

    Parameters
    ----------
    known : cells of other modes. Where one may step onto the very same roads (on foot and by e-bike, mostly), its
        answer is taken, with this mode's seconds.

    Raises
    ------
    NetworkError
        The raster is in another CRS than the network.

    Notes
    -----
    Equal to ``snap_points`` of the centres. Cells are worked on in bands of rows, so memory is that of the answer.
    """
    if raster.crs != network.crs:
        raise NetworkError(f"the raster is in {raster.crs.to_string()}, the network in {network.crs.to_string()}")
    segments = segments_of(network)
    if len(segments.first) == 0:
        empty = np.empty(0, dtype=np.int64)
        return SnappedCells(raster, empty, _nothing())
    arguments = search_arguments(network)
    for other, cells in known:
        if cells.raster == raster and _may_step_onto_the_same(network, segments, arguments, other):
            off_m = cells.snapped.off_network_m
            return SnappedCells(raster, cells.cell, replace(cells.snapped, off_network_s=_off_seconds(network, off_m)))
    tile_rows_at_once = max(_BAND_CELLS // (raster.n_columns * _TILE), 1)
    tile_columns, tile_rows = -(-raster.n_columns // _TILE), -(-raster.n_rows // _TILE)
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    for first_row in range(0, tile_rows, tile_rows_at_once):
        last_row = min(first_row + tile_rows_at_once, tile_rows)
        parts += _of_tiles(network, raster, arguments, (first_row * tile_columns, last_row * tile_columns))
    cell, segment, place, off_m, left_tiny = (np.concatenate(column) for column in zip(*parts, strict=True))
    snapped = SnappedPoints(
        edge=segments.edge[segment],
        fraction=fractions_along(segments, segment, place),
        off_network_m=off_m,
        off_network_s=_off_seconds(network, off_m),
        reason=np.full(len(cell), SNAPPED, dtype=np.int32),
        left_tiny_piece=left_tiny,
    )
    return SnappedCells(raster, cell, snapped)


def _off_seconds(network: Network, off_m: Floats) -> Floats:
    return off_m / kmh_to_ms(network.mode.off_network_speed_kmh)


def _may_step_onto_the_same(network: Network, segments: Segments, arguments: tuple[Any, ...], other: Network) -> bool:
    """Return whether every place meets two networks on the same edge, as far away."""
    theirs = segments_of(other)
    if network.mode.max_snap_m != other.mode.max_snap_m or len(theirs.first) != len(segments.first):
        return False
    found = search_arguments(other)
    return all(np.array_equal(mine, their) for mine, their in zip(arguments, found, strict=True))


def _of_tiles(
    network: Network, raster: Raster, arguments: tuple[Any, ...], tiles: tuple[int, int]
) -> list[tuple[npt.NDArray[Any], ...]]:
    limit_m = network.mode.max_snap_m
    numbers = np.arange(*tiles)
    row, column = np.divmod(numbers, -(-raster.n_columns // _TILE))
    x = raster.west + (column + 0.5) * _TILE * raster.cell_m
    y = raster.north - (row + 0.5) * _TILE * raster.cell_m
    reach_m = limit_m + 0.5 * _TILE * raster.cell_m * np.sqrt(2.0)
    nearest: Callable[..., tuple[Any, ...]] = snapping.nearest_segments
    found = over_ranges(len(x), lambda a, b: nearest(a, b, x, y, *arguments, reach_m * (1.0 + 1e-9)))
    large_m, any_m = (np.concatenate([part[at] for part in found]) for at in (2, 5))
    far_m = np.full(tiles[1], np.inf)
    far_m[tiles[0] :] = np.where(np.isfinite(large_m), large_m, any_m)
    of_cells: Callable[..., tuple[Any, ...]] = kernel.nearest_segments_of_cells
    shape = (raster.west, raster.north, raster.cell_m, raster.n_columns, raster.n_rows, _TILE)
    start = tiles[0]
    return over_ranges(len(x), lambda a, b: of_cells(start + a, start + b, *shape, far_m, *arguments, limit_m))


def _nothing() -> SnappedPoints:
    none, floats = np.empty(0, dtype=np.int32), np.empty(0)
    return SnappedPoints(none, floats, floats, floats, none, np.empty(0, dtype=bool))
