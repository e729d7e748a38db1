"""The area that is asked for: a name, a box of degrees, or a file of polygons -> one shape in WGS 84."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from chongming_gis import crs as crs_module
from chongming_gis.errors import FetchError, StudyError
from chongming_gis.sources import layers
from chongming_gis.sources.boundaries import read_region

if TYPE_CHECKING:
    from chongming_gis.sources.nominatim import Nominatim

    Area = shapely.Polygon | shapely.MultiPolygon

_NUMBER = r"\s*([-+]?\d+(?:\.\d+)?)\s*"
_BOX = re.compile(rf"^{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}$")
_WGS84 = crs_module.parse(crs_module.GEOGRAPHIC, where="this package")


@dataclass(frozen=True, slots=True)
class Place:
    """An area with how it was found."""

    asked: str
    name: str  # empty where it has none: a box
    area: Area  # WGS 84
    how: str  # box, file, or the object of OpenStreetMap


def find_place(asked: str, *, nominatim: Nominatim) -> Place:
    """Return the area that a person asked for.

    Parameters
    ----------
    asked : ``west,south,east,north`` in degrees, the path of a polygon layer, or a place name.

    Raises
    ------
    StudyError
        The box is none, or the area has no extent.
    InputFileError, CrsError, TableError
        The file cannot be read as polygons.
    FetchError
        The name is not known, or cannot be looked up.
    """
    box = _BOX.match(asked)
    if box:
        return _of_box(asked, tuple(float(part) for part in box.groups()))
    path = Path(asked)
    if path.name.lower().endswith(layers.LAYER) or path.is_file():
        return Place(asked, path.stem, read_region(path, _WGS84), "file")
    found = nominatim.find_area(asked)
    if found is None:
        raise FetchError(
            f"{nominatim.url} knows no area named {asked!r}; add the district, province and country "
            "(崇明区, 上海市, 中国), or give the area as west,south,east,north or as a file of polygons"
        )
    row = found.iloc[0]
    shape = row.geometry
    if not isinstance(shape, (shapely.Polygon, shapely.MultiPolygon)):
        raise FetchError(
            f"{nominatim.url} gives {asked!r} as a {shape.geom_type}, not as an area; give a file of polygons"
        )
    how = f"{row.get('osm_type', 'object')} {row.get('osm_id', '')} of OpenStreetMap".strip()
    return Place(asked, str(row.get("name") or asked), _valid(shape), how)


def _valid(area: Area) -> Area:
    if area.is_valid:
        return area
    repaired: Area = shapely.buffer(area, 0.0)
    return repaired


def grown(area: Area, margin_m: float) -> Area:
    """Return an area of WGS 84 grown by some metres, through the UTM zone of its centre."""
    metric = crs_module.utm_zone(area.centroid.x, area.centroid.y)
    moved = crs_module.transform(np.array([area], dtype=object), _WGS84, metric)
    back: Area = crs_module.transform(shapely.buffer(moved, margin_m), metric, _WGS84)[0]
    return back


def _of_box(asked: str, box: tuple[float, ...]) -> Place:
    west, south, east, north = box
    if not (-180.0 <= west < east <= 180.0 and -90.0 <= south < north <= 90.0):
        raise StudyError(f"{asked}: write west,south,east,north in degrees, e.g. 121.15,31.40,121.95,31.90")
    return Place(asked, "", shapely.box(west, south, east, north), "box")
