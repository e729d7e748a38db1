"""The seconds to the nearest facility on every patch of ground: the coverage of millions of doors, one a cell.

A cell's time is that of a person who stands at its centre, by the same snapping and the same search as for demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
import shapely

from chongming_gis import travel
from chongming_gis.errors import NetworkError
from chongming_gis.kernels import cells as kernel
from chongming_gis.units import kmh_to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.network import Network, SnappedPoints
    from chongming_gis.network.cells import Raster, SnappedCells

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Question: TypeAlias = tuple[npt.NDArray[np.intp], SnappedPoints]  # which cells ask for the nearest of what

_CELLS_AT_ONCE = 1_000_000  # some 150 MB of working memory


@dataclass(frozen=True, slots=True)
class Surface:
    """Seconds to the nearest facility at the centre of each cell.

    Attributes
    ----------
    time_s : (rows, columns), rows from the north; inf beyond ``cutoff_s`` and where no road of the mode is near.
    off_network_s_per_m : what a metre off the network takes.
    """

    time_s: Floats
    raster: Raster
    cutoff_s: float
    off_network_s_per_m: float

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """The six numbers of the affine transform from (column, row) to (x, y)."""
        return self.raster.transform

    @property
    def crs(self) -> CRS:
        """The metric CRS."""
        return self.raster.crs


def time_surface(
    network: Network,
    cells: SnappedCells,
    facilities: SnappedPoints,
    *,
    cutoff_s: float,
    direction: travel.Direction = "to_destination",
    groups: tuple[Ints, Ints] | None = None,
) -> Surface:
    """Return the seconds to the nearest facility from the centre of every cell.

    Parameters
    ----------
    cells : of ``network.snap_cells``.
    cutoff_s : upper bound, inclusive; farther cells are inf. For areas with smooth borders take a minute or more
        beyond the largest limit.
    direction : ``to_destination`` (a resident goes there) or ``from_destination`` (it is brought to the resident).
    groups : the group of each of ``cells`` and of each facility, e.g. its township: a facility serves the cells of
        its own group only. A facility with a negative number serves all, a cell with one belongs to none.

    Raises
    ------
    NetworkError
        The cutoff is not positive, or groups are not one number for each cell and facility.
    """
    questions = questions_of_groups(cells, facilities, groups) if groups else [(np.arange(len(cells)), facilities)]
    return surface_of_questions(network, cells, questions, cutoff_s=cutoff_s, direction=direction)


def surface_of_questions(
    network: Network,
    cells: SnappedCells,
    questions: Iterable[Question],
    *,
    cutoff_s: float,
    direction: travel.Direction,
) -> Surface:
    """Return the least seconds that any of some questions finds for each cell; see ``time_surface``."""
    time_s = np.full(cells.raster.n_rows * cells.raster.n_columns, np.inf)
    for rows, there in questions:
        if not len(there):
            continue
        for start in range(0, len(rows), _CELLS_AT_ONCE):
            part = rows[start : start + _CELLS_AT_ONCE]
            here = cells.snapped.take(part)
            found = travel.nearest(network, here, there, cutoff_s=cutoff_s, direction=direction)
            at = cells.cell[part]
            time_s[at] = np.minimum(time_s[at], found.time_s[:, 0])
    slowness_s_per_m = 1.0 / kmh_to_ms(network.mode.off_network_speed_kmh)
    return Surface(time_s.reshape(cells.raster.shape), cells.raster, float(cutoff_s), slowness_s_per_m)


def questions_of_groups(cells: SnappedCells, facilities: SnappedPoints, groups: tuple[Ints, Ints]) -> list[Question]:
    """Return which cells are to be asked for the nearest of which facilities; ``groups`` as for ``time_surface``.

    Raises
    ------
    NetworkError
        Groups are not one number for each cell and facility.
    """
    of_cells, of_facilities = (np.asarray(group) for group in groups)
    if of_cells.shape != (len(cells),) or of_facilities.shape != (len(facilities),):
        raise NetworkError(f"groups need one number for each of {len(cells)} cells and {len(facilities)} facilities")
    open_to_all = np.flatnonzero(of_facilities < 0)
    questions = [(np.arange(len(cells)), facilities.take(open_to_all))]
    if of_cells.max(initial=0) <= np.iinfo(np.int16).max:
        of_cells = of_cells.astype(np.int16)  # NumPy sorts short numbers by their digits, ten times as fast
    order = np.argsort(of_cells, kind="stable")
    sorted_groups = of_cells[order]
    for group in np.unique(of_facilities[of_facilities >= 0]):
        first, last = np.searchsorted(sorted_groups, [group, group + 1])
        questions.append((order[first:last], facilities.take(np.flatnonzero(of_facilities == group))))
    return questions


def areas_of_cells(cells: SnappedCells, areas: gpd.GeoSeries) -> Ints:
    """Return the area that the centre of each cell is in, by position; -1 = none. Of several the last one counts.

    Raises
    ------
    NetworkError
        The areas are in another CRS.
    """
    raster = cells.raster
    if areas.crs != raster.crs:
        raise NetworkError("the areas are in another CRS than the raster: convert them on reading")
    if len(areas) == 0:
        return np.full(len(cells), -1, dtype=np.int32)
    area = np.full(raster.shape, -1, dtype=np.int32)
    for number, shape in enumerate(areas.to_numpy()):
        coords, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shape)), return_index=True)
        if len(coords) == 0:
            continue
        x, y = np.ascontiguousarray(coords[:, 0]), np.ascontiguousarray(coords[:, 1])
        starts = np.searchsorted(ring, np.arange(ring[-1] + 2))
        unsure = kernel.fill_area(area, number, x, y, starts, raster.west, raster.north, raster.cell_m)
        if len(unsure):
            shapely.prepare(shape)
            area.ravel()[unsure[shapely.intersects_xy(shape, *raster.centres(unsure))]] = number
    return area.ravel()[cells.cell]


def served_areas(places: pd.DataFrame, areas: pd.DataFrame, level: str) -> tuple[npt.NDArray[np.intp], Ints]:
    """Return the facilities that serve one area of a level only, and the position of that area.

    Parameters
    ----------
    level : ``township`` or ``village``; both frames have its codes.
    """
    codes = pd.Index(areas[f"{level}_code"])
    area = codes.get_indexer(pd.Index(places[f"{level}_code"]))
    rows = np.flatnonzero((places["serves"] == level).to_numpy(dtype=bool) & (area >= 0))
    return rows, area[rows].astype(np.int32)
