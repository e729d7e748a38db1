"""Buildings in which people can live: of an OSM extract, or of a layer of outlines or points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

from chongming_gis import crs as crs_module
from chongming_gis.errors import InputFileError, TableError
from chongming_gis.sources import layers, tagged

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from pyproj import CRS

#: Values of ``building`` in which nobody lives (wiki *Key:building*: commercial, religious, civic, agricultural,
#: power, cars, other), and ruins. ``yes`` and every value that is not listed counts as lived in.
NOT_LIVED_IN = frozenset(
    {
        *(
            "no",
            "garage",
            "garages",
            "carport",
            "parking",
            "shed",
            "roof",
            "ruins",
            "collapsed",
            "construction",
            "ship",
        ),
        *("industrial", "warehouse", "commercial", "retail", "office", "supermarket", "kiosk", "service", "hangar"),
        *("manufacture", "utility", "transformer_tower", "water_tower", "storage_tank", "silo", "digester", "tower"),
        *("church", "chapel", "cathedral", "temple", "mosque", "synagogue", "shrine", "religious", "monastery"),
        *("school", "kindergarten", "university", "college", "hospital", "public", "civic", "government", "museum"),
        *("fire_station", "train_station", "station", "transportation", "bridge", "toilets", "stadium", "sports_hall"),
        *("grandstand", "pavilion", "riding_hall", "sports_centre", "hotel", "bunker", "military"),
        *("barn", "stable", "cowshed", "sty", "farm_auxiliary", "greenhouse", "greenhouse_horticulture", "glasshouse"),
        *("slurry_tank", "hut", "boathouse", "entrance", "underpass_entrance", "subway_entrance", "gatehouse"),
    }
)


@dataclass(frozen=True, slots=True)
class Buildings:
    """Where people can live: a point inside each building, and how much room it has."""

    ids: list[str]
    points: npt.NDArray[np.object_]  # in the metric CRS
    weight: npt.NDArray[np.float64]  # floor area in m2, or what a column of the layer says
    n_dropped: int  # of a use in which nobody lives, or without a position


def read_buildings(path: Path, *, crs: CRS, layer: str | None = None, weight: str | None = None) -> Buildings:
    """Return the buildings of an OSM extract in which people can live, or all of a layer.

    Parameters
    ----------
    weight : layers: the column that tells how much room a building has; none = its outline's area. OSM buildings have
        the area of their outline times their ``building:levels``. Buildings known as points have the middle one
        (median) of the others' areas, or 1 where all are points.

    Raises
    ------
    InputFileError
        The file is missing, damaged, of a format that is not read, or holds no such building.
    CrsError
        The layer has no CRS.
    TableError
        The column is missing, or does not hold positive numbers.
    """
    family = layers.check_suffix(path, layers.LAYER, layers.OSM)
    found = _of_osm(path, crs) if family is layers.OSM else _of_layer(path, crs, layer=layer, weight=weight)
    if not found.ids:
        raise InputFileError(f"{path}: there is no building in this file in which people could live")
    return found


def _of_osm(path: Path, crs: CRS) -> Buildings:
    found = tagged.read_tagged(path, {"building": (tagged.ANY_VALUE,)})
    kept = [row for row, tags in enumerate(found.tags) if tags["building"] not in NOT_LIVED_IN]
    shapes = crs_module.transform(found.geometry[kept], pyproj.CRS.from_user_input(crs_module.GEOGRAPHIC), crs)
    levels = np.array([_levels(found.tags[row].get("building:levels", "")) for row in kept])
    return Buildings(
        ids=[found.osm_id[row] for row in kept],
        points=np.asarray(shapely.point_on_surface(shapes), dtype=object),
        weight=_areas_m2(shapes) * levels,
        n_dropped=len(found.tags) - len(kept) + len(found.without_position),
    )


def _of_layer(path: Path, crs: CRS, *, layer: str | None, weight: str | None) -> Buildings:
    frame = crs_module.to_metric(layers.read_layer(path, layer=layer), crs, where=str(path))
    shapes = frame.geometry.to_numpy()
    lost = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    shapes = shapes[~lost]
    if weight is None:
        room = _areas_m2(shapes)
    elif weight not in frame.columns:
        raise TableError(f"{path}: no column {weight!r}; the file has {layers.name_columns(frame)}")
    else:
        room = layers.to_numbers(frame[weight])[~lost]
        wrong = np.flatnonzero(~(np.isfinite(room) & (room >= 0.0)))
        if len(wrong):
            raise TableError(
                f"{path}: {weight} is no number of 0 or more in {len(wrong)} row(s), e.g. row {wrong[0] + 1}"
            )
    ids = [f"b{row:07d}" for row in np.flatnonzero(~lost).tolist()]
    return Buildings(ids, np.asarray(shapely.point_on_surface(shapes), dtype=object), room, int(lost.sum()))


def _areas_m2(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    area = np.asarray(shapely.area(shapes), dtype=float)
    known = area > 0.0
    return np.where(known, area, np.median(area[known]) if known.any() else 1.0)


def _levels(text: str) -> float:
    """Return the number of storeys that a tag tells, or 1.

    Examples
    --------
    >>> _levels("6"), _levels("2.5"), _levels("many"), _levels("0")
    (6.0, 2.5, 1.0, 1.0)
    """
    try:
        levels = float(text)
    except ValueError:
        return 1.0
    return levels if 0.0 < levels < 200.0 else 1.0
