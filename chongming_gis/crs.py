"""The two coordinate systems: geographic WGS 84 at the doors, one metric CRS inside.

Axis order is always (x = east or longitude, y = north or latitude), whatever the authority's definition says.
Only ``sources``, ``results`` and ``maps`` convert; everything between them works in the study's metric CRS.
What Chinese data comes in is turned here too: the map datums GCJ-02 and BD-09, and the Gauss-Kruger zones of CGCS2000.
"""

from __future__ import annotations

import warnings
from functools import cache, partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import shapely
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup

from chongming_gis.errors import CrsError

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Pair = tuple[Floats, Floats]

GEOGRAPHIC = "EPSG:4326"

#: West, south, east, north in degrees: where the map datums move positions at all (the ``outOfChina`` test of their
#: published implementations, e.g. googollee/eviltransform). It is a box, not a border: it holds parts of neighbours.
CHINA_BOX = (72.004, 0.8293, 137.8347, 55.8271)

#: Over this many degrees inside the box's border the offset fades to nothing. A step of up to a kilometre there would
#: give some positions two origins and others none. China's own extremes lie 1.4 degrees or more inside the box.
CHINA_BOX_FADE = 0.5
_WGS84 = Geod(ellps="WGS84")
_WGS84_DEGREES = (CRS.from_epsg(4326), CRS.from_epsg(4490))  # longitudes and latitudes that are taken as WGS 84
_MOST_ERROR_M = 5.0  # of a conversion between datums; snapping and walking times do not feel it


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


def gauss_kruger_zone(lon: float, *, width_deg: Literal[3, 6] = 3) -> CRS:
    """Return the CGCS2000 / Gauss-Kruger zone of a longitude (degrees), eastings without the zone number.

    Parameters
    ----------
    width_deg : zones of 3 degrees (surveys at 1:10,000 and larger) or of 6. A place on the border of two zones is
        given the eastern one.

    Raises
    ------
    CrsError
        There is no such zone: the EPSG registry has central meridians from 75 to 135 degrees east.

    Examples
    --------
    >>> gauss_kruger_zone(121.4).to_epsg(), gauss_kruger_zone(121.6).to_epsg()
    (4549, 4550)
    >>> gauss_kruger_zone(121.4, width_deg=6).to_epsg()
    4510
    """
    zone = np.floor((lon + 1.5) / 3.0) if width_deg == 3 else np.floor(lon / 6.0) + 1.0
    meridian = width_deg * zone - (0 if width_deg == 3 else 3)
    if not 75 <= meridian <= 135:
        raise CrsError(f"longitude {lon:g}: no Gauss-Kruger zone of CGCS2000; they span 73.5 to 136.5 degrees east")
    first_code = 4534 if width_deg == 3 else 4502  # EPSG: CGCS2000 / (3-degree) Gauss-Kruger CM 75E
    return CRS.from_epsg(first_code + int(meridian - 75) // width_deg)


def numbered_gauss_kruger_zone(number: int) -> CRS:
    """Return the CGCS2000 / Gauss-Kruger zone whose eastings begin with this number (40512345 is in zone 40).

    Parameters
    ----------
    number : 25-45 are the zones of 3 degrees, 13-23 those of 6.

    Raises
    ------
    CrsError
        There is no such zone.

    Examples
    --------
    >>> numbered_gauss_kruger_zone(40).to_epsg(), numbered_gauss_kruger_zone(21).to_epsg()
    (4528, 4499)
    """
    if 25 <= number <= 45:
        return CRS.from_epsg(4513 + number - 25)  # EPSG: CGCS2000 / 3-degree Gauss-Kruger zone 25
    if 13 <= number <= 23:
        return CRS.from_epsg(4491 + number - 13)  # EPSG: CGCS2000 / Gauss-Kruger zone 13
    raise CrsError(f"zone {number}: CGCS2000 has Gauss-Kruger zones 25 to 45 (3 degrees) and 13 to 23 (6 degrees)")


def wgs84_to_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    """Return the longitude and latitude that WGS 84 positions have in GCJ-02 (Amap, Tencent).

    Parameters
    ----------
    lon, lat : degrees, of one shape. A position with a NaN or an infinity comes back as NaN, one outside ``CHINA_BOX``
        as it is.

    Notes
    -----
    The published formula, with the offset fading to nothing over ``CHINA_BOX_FADE`` degrees inside the border of
    ``CHINA_BOX``. So it is one-to-one and continuous everywhere, and the inverse has one answer everywhere.

    Examples
    --------
    >>> lon, lat = wgs84_to_gcj02([121.39338, 12.5], [31.62991, 41.9])
    >>> lon.round(6).tolist(), lat.round(6).tolist()
    ([121.398065, 12.5], [31.628168, 41.9])
    """
    from chongming_gis.kernels import mapdatum

    return _by_offsets(lon, lat, mapdatum.moved, (mapdatum.GCJ02,))


def gcj02_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    """Return the WGS 84 longitude and latitude of GCJ-02 positions: the exact inverse of ``wgs84_to_gcj02``.

    Notes
    -----
    Iteration of ``wgs = gcj - offset(wgs)``. The offset changes by less than 1/20 of the way one moves, so it converges
    everywhere (Banach); it ends where the error is below 0.01 mm.
    """
    from chongming_gis.kernels import mapdatum

    return _by_offsets(lon, lat, mapdatum.moved_back, (mapdatum.GCJ02,))


def wgs84_to_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    """Return the longitude and latitude that WGS 84 positions have in BD-09 (Baidu); see ``wgs84_to_gcj02``."""
    from chongming_gis.kernels import mapdatum

    return _by_offsets(lon, lat, mapdatum.moved, (mapdatum.GCJ02, mapdatum.BD09))


def bd09_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Pair:
    """Return the WGS 84 longitude and latitude of BD-09 positions: the exact inverse of ``wgs84_to_bd09``."""
    from chongming_gis.kernels import mapdatum

    return _by_offsets(lon, lat, mapdatum.moved_back, (mapdatum.BD09, mapdatum.GCJ02))


def _by_offsets(lon: npt.ArrayLike, lat: npt.ArrayLike, move: Callable[..., Pair], steps: tuple[int, ...]) -> Pair:
    """Return positions after one offset, or two in their order."""
    from chongming_gis.kernels.threads import over_ranges

    given = (np.array(lon, dtype=float), np.array(lat, dtype=float))
    if given[0].shape != given[1].shape:
        raise ValueError(f"lon and lat are of different shapes: {given[0].shape} and {given[1].shape}")
    is_known = np.isfinite(given[0]) & np.isfinite(given[1])
    east, north = (np.where(is_known, values, np.nan).reshape(-1) for values in given)
    for step in steps:
        job = partial(_move_range, east, north, move, step)
        parts = over_ranges(len(east), job)
        east, north = (np.concatenate([part[axis] for part in parts]) for axis in (0, 1))
    return east.reshape(given[0].shape), north.reshape(given[0].shape)


def _move_range(east: Floats, north: Floats, move: Callable[..., Pair], step: int, start: int, stop: int) -> Pair:
    return move(east[start:stop], north[start:stop], step, CHINA_BOX, CHINA_BOX_FADE)


def to_degrees(x: Floats, y: Floats, source: CRS) -> Pair:
    """Return the WGS 84 longitude and latitude of positions (x east, y north) in a projected CRS.

    Raises
    ------
    CrsError
        No conversion of its datum to WGS 84 is published that is good to 5 m (Xian 1980, Beijing 1954).

    Notes
    -----
    CGCS2000 and WGS 84 differ by less than 0.1 m (Cheng et al. 2009); the EPSG registry has no conversion between them,
    so CGCS2000 degrees are taken as they are.
    """
    lon, lat = _degrees_transformer(source).transform(x, y)
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def from_degrees(lon: Floats, lat: Floats, target: CRS) -> Pair:
    """Return positions (x east, y north) in a metric CRS of WGS 84 longitudes and latitudes; NaN where it has none."""
    x, y = _transformer(_geographic(), target).transform(lon, lat)
    is_known = np.isfinite(x) & np.isfinite(y)
    return np.where(is_known, x, np.nan), np.where(is_known, y, np.nan)


@cache
def _degrees_transformer(source: CRS) -> Transformer:
    geodetic = source.geodetic_crs
    if geodetic is not None and any(geodetic.equals(same, ignore_axis_order=True) for same in _WGS84_DEGREES):
        return Transformer.from_crs(source, geodetic, always_xy=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Best transformation is not available", category=UserWarning)
        known = TransformerGroup(source, GEOGRAPHIC, always_xy=True, allow_ballpark=False).transformers
    if not any(0.0 <= step.accuracy <= _MOST_ERROR_M for step in known):
        raise CrsError(
            f"{source.name}: no conversion to WGS 84 good to {_MOST_ERROR_M:g} m is published; "
            "have the table delivered in CGCS2000"
        )
    return Transformer.from_crs(source, GEOGRAPHIC, always_xy=True, allow_ballpark=False)


def transform(geometry: npt.NDArray[np.object_], source: CRS, target: CRS) -> npt.NDArray[np.object_]:
    """Return shapely geometries moved from one CRS to another (x east, y north)."""
    if source == target:
        return geometry
    transformer = _transformer(source, target)

    def move(coords: Floats) -> Floats:
        return np.column_stack(transformer.transform(coords[:, 0], coords[:, 1]))

    return np.asarray(shapely.transform(geometry, move), dtype=object)


def shapes_to_degrees(geometry: npt.NDArray[np.object_], source: CRS) -> npt.NDArray[np.object_]:
    """Return shapely geometries in WGS 84 longitude and latitude."""
    return transform(geometry, source, _geographic())


@cache
def _geographic() -> CRS:
    return CRS.from_user_input(GEOGRAPHIC)


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
    return frame if frame.crs == _geographic() else frame.to_crs(_geographic())


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
    transformer = _transformer(crs, _geographic())
    lon, lat = transformer.transform(coords[:, 0], coords[:, 1])
    same_line = owner[1:] == owner[:-1]
    _, _, step_m = _WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
    total_m = np.bincount(owner[1:], weights=np.where(same_line, step_m, 0.0), minlength=len(lines))
    return np.asarray(total_m, dtype=np.float64)
