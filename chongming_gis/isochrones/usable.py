"""Surfaces of a service whose facilities may serve one township or village only.

The rule is that of ``reach``: such a facility counts on its own ground, as it counts for its own people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis import reach
from chongming_gis.isochrones.surface import (
    Surface,
    areas_of_cells,
    questions_of_groups,
    served_areas,
    surface_of_questions,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis import travel
    from chongming_gis.network import Network, SnappedCells

    Ints = npt.NDArray[np.int32]

LEVELS = ("township", "village")  # the values of ``serves`` that bind


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground that belongs to each township and village, and which of them each cell is in (-1 = none)."""

    areas: Mapping[str, gpd.GeoDataFrame]  # by level
    of_cells: Mapping[str, Ints]


def ground_of_cells(cells: SnappedCells, *, townships: gpd.GeoDataFrame, villages: gpd.GeoDataFrame) -> Ground:
    """Return which township and village each cell is in; it is asked once a mode and serves every service.

    Raises
    ------
    NetworkError
        The areas are in another CRS than the cells.
    """
    areas = dict(zip(LEVELS, (townships, villages), strict=True))
    return Ground(areas, {level: areas_of_cells(cells, frame.geometry) for level, frame in areas.items()})


def usable_surface(
    network: Network,
    cells: SnappedCells,
    facilities: reach.Places,
    *,
    ground: Ground,
    cutoff_s: float,
    direction: travel.Direction = "to_destination",
) -> Surface:
    """Return the seconds to the nearest facility that a person who lives in a cell may use.

    Raises
    ------
    NetworkError
        The cutoff is not positive.

    Notes
    -----
    A restricted facility without a known township or village serves nobody, as in ``reach``.
    """
    snapped = facilities.snapped[network.mode.name]
    open_to_all = np.flatnonzero(~reach.is_restricted(facilities.points))
    questions = [(np.arange(len(cells)), snapped.take(open_to_all))] if len(open_to_all) else []
    for level, frame in ground.areas.items():
        rows, group = served_areas(facilities.points, frame, level)
        if len(rows):
            questions += questions_of_groups(cells, snapped.take(rows), (ground.of_cells[level], group))
    return surface_of_questions(network, cells, questions, cutoff_s=cutoff_s, direction=direction)
