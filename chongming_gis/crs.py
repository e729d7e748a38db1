"""The two coordinate systems: geographic WGS 84 at the doors, one metric CRS inside.

Axis order is always (x = east or longitude, y = north or latitude), whatever the authority's definition says.
Only ``sources``, ``results`` and ``maps`` convert; everything between them works in the study's metric CRS.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError

from chongming_gis.errors import CrsError

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

GEOGRAPHIC = "EPSG:4326"
_WGS84 = Geod(ellps="WGS84")


def parse(value: object, *, where: str) -> CRS:
    """Return the CRS that a study or a file names.

    Parameters
    ----------
    value : anything pyproj understands, e.g. ``"EPSG:32651"``.
    where : named in the error.

    Raises
    ------
    CrsError
        It is missing or unknown.
    """
    if value is None:
        raise CrsError(f"{where}: the coordinate system (CRS) is missing; declare it, e.g. EPSG:4326")
    try:
        return CRS.from_user_input(value)
    except CRSError as error:
        raise CrsError(f"{where}: {value!r} is not a known CRS; write an EPSG code such as EPSG:32651") from error


def parse_metric(value: object, *, where: str) -> CRS:
    """Return a CRS after making sure that its unit is the metre.

    Raises
    ------
    CrsError
        It is missing, unknown, geographic, or in another unit.

    Examples
    --------
    >>> parse_metric("EPSG:32651", where="study").to_epsg()
    32651
    >>> parse_metric("EPSG:4326", where="study")
    Traceback (most recent call last):
    chongming_gis.errors.CrsError: study: EPSG:4326 is not in metres; name a projected CRS such as EPSG:32651
    """
    crs = parse(value, where=where)
    units = {axis.unit_name for axis in crs.axis_info[:2]}
    if not crs.is_projected or units != {"metre"}:
        raise CrsError(f"{where}: {value} is not in metres; name a projected CRS such as EPSG:32651")
    return crs


def utm_zone(lon: float, lat: float) -> CRS:
    """Return the WGS 84 / UTM zone of a point (degrees), the metric CRS used where a study names none.

    Examples
    --------
    >>> utm_zone(121.5, 31.6).to_epsg()
    32651
    """
    zone = min(int((lon + 180.0) // 6.0) + 1, 60)
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def transform(geometry: npt.NDArray[np.object_], source: CRS, target: CRS) -> npt.NDArray[np.object_]:
    """Return shapely geometries moved from one CRS to another (x east, y north)."""
    if source == target:
        return geometry
    transformer = _transformer(source, target)

    def move(coords: Floats) -> Floats:
        return np.column_stack(transformer.transform(coords[:, 0], coords[:, 1]))

    return np.asarray(shapely.transform(geometry, move), dtype=object)


@cache
def _transformer(source: CRS, target: CRS) -> Transformer:
    """Return the conversion between two systems; making one takes longer than many a use of it."""
    return Transformer.from_crs(source, target, always_xy=True)


def to_metric(frame: gpd.GeoDataFrame, target: CRS, *, where: str) -> gpd.GeoDataFrame:
    """Return the frame in the metric CRS.

    Raises
    ------
    CrsError
        The frame does not say which CRS it is in.
    """
    if frame.crs is None:
        raise CrsError(f"{where}: the file does not say its CRS (a .prj or a crs entry is missing); declare it")
    return frame if frame.crs == target else frame.to_crs(target)


def to_geographic(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame in WGS 84 longitude and latitude."""
    return frame if frame.crs == GEOGRAPHIC else frame.to_crs(GEOGRAPHIC)


def geodesic_lengths_m(lines: npt.NDArray[np.object_], crs: CRS) -> Floats:
    """Return the length in metres of each line on the WGS 84 ellipsoid.

    Projected lengths carry the zone's scale error (up to 0.04 % in a UTM zone); geodesic ones do not, so no
    travel time depends on the metric CRS that a study chose.

    Parameters
    ----------
    lines : array of LineString, any CRS.
    crs : the CRS of their coordinates.

    Notes
    -----
    Sum over the segments of the geodesic inverse (Karney 2013, through ``pyproj.Geod``).
    """
    coords, owner = shapely.get_coordinates(lines, return_index=True)
    if len(coords) == 0:
        return np.zeros(len(lines))
    transformer = _transformer(crs, CRS.from_user_input(GEOGRAPHIC))
    lon, lat = transformer.transform(coords[:, 0], coords[:, 1])
    same_line = owner[1:] == owner[:-1]
    _, _, step_m = _WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
    total_m = np.bincount(owner[1:], weights=np.where(same_line, step_m, 0.0), minlength=len(lines))
    return np.asarray(total_m, dtype=np.float64)
