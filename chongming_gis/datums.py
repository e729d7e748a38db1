"""What a table may declare its coordinates to be, and its positions in WGS 84.

Longitudes and latitudes are WGS 84, CGCS2000, or those of a Chinese web map (GCJ-02, BD-09); eastings and northings
name their EPSG code, and in which order the table has them, because survey tables call the northing X.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from chongming_gis import crs as crs_module
from chongming_gis.errors import CrsError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from pyproj import CRS

    Floats = npt.NDArray[np.float64]
    Pair = tuple[Floats, Floats]

Axes = Literal["easting_northing", "northing_easting"]
EASTING_NORTHING, NORTHING_EASTING = AXES = get_args(Axes)

#: CGCS2000 and WGS 84 differ by less than 0.1 m (Cheng et al. 2009), far below any position used here.
DEGREES: dict[str, Callable[[Floats, Floats], Pair]] = {
    "wgs84": lambda lon, lat: (lon, lat),
    "cgcs2000": lambda lon, lat: (lon, lat),
    "gcj02": crs_module.gcj02_to_wgs84,
    "bd09": crs_module.bd09_to_wgs84,
}
CHOICES = f"{', '.join(DEGREES)}, or epsg:N for eastings and northings (e.g. epsg:4549)"

_SAME_AS = {4326: "wgs84", 4490: "cgcs2000"}  # geographic EPSG codes that have a name here


def parse(text: str) -> str:
    """Return a declared datum as this package writes it: one of ``DEGREES``, or ``epsg:N``.

    Raises
    ------
    CrsError
        It is none of these, or the EPSG code is not a CRS in metres that can be turned into WGS 84.

    Examples
    --------
    >>> parse("GCJ-02"), parse("EPSG:4549")
    ('gcj02', 'epsg:4549')
    """
    plain = re.sub(r"[\s_-]", "", text).lower()
    if plain in DEGREES:
        return plain
    code = re.fullmatch(r"epsg:?(\d+)", plain)
    if code is None:
        raise CrsError(f"{text!r} is not accepted as a datum; write {CHOICES}")
    number = int(code[1])
    if number in _SAME_AS:
        raise CrsError(f"EPSG:{number} has longitudes and latitudes; write datum = {_SAME_AS[number]!r}")
    crs_module.to_degrees(np.empty(0), np.empty(0), crs_module.parse_metric(f"EPSG:{number}", where="datum"))
    return f"epsg:{number}"


def check(datum: str, axes: str | None) -> None:
    """Make sure that the order of the axes is said where it is needed, and only there.

    Raises
    ------
    CrsError
        It is missing, unknown, or given for longitudes and latitudes.
    """
    if datum in DEGREES:
        if axes is not None:
            raise CrsError(f"axes is only for datum = 'epsg:N', not for {datum}; remove it")
        return
    if axes is None:
        raise CrsError(
            f"axes is missing: {datum} has eastings and northings, and tables differ in their order; write "
            f"axes = {NORTHING_EASTING!r} where column x holds the northings (Chinese survey tables call the northing "
            f"X), {EASTING_NORTHING!r} where it holds the eastings"
        )
    if axes not in AXES:
        raise CrsError(f"axes = {axes!r} is not accepted; write {' or '.join(map(repr, AXES))}")


def columns_of(datum: str) -> tuple[str, str]:
    """Return the names of the two columns a table with this datum has its coordinates in."""
    return ("lon", "lat") if datum in DEGREES else ("x", "y")


def projection(datum: str) -> CRS:
    """Return the CRS of a datum ``epsg:N``."""
    return crs_module.parse_metric(datum.upper(), where="datum")


def easting_northing(first: Floats, second: Floats, axes: str | None) -> Pair:
    """Return two columns as (easting, northing)."""
    return (second, first) if axes == NORTHING_EASTING else (first, second)


def to_wgs84(first: Floats, second: Floats, *, datum: str, axes: str | None = None) -> Pair:
    """Return the WGS 84 longitude and latitude of two coordinate columns.

    Parameters
    ----------
    first, second : longitude and latitude in degrees, or the columns x and y in metres.
    datum : as ``parse`` returns it.
    axes : for ``epsg:N``: what x and y are.

    Raises
    ------
    CrsError
        ``axes`` does not fit the datum.
    """
    check(datum, axes)
    if datum in DEGREES:
        return DEGREES[datum](first, second)
    return crs_module.to_degrees(*easting_northing(first, second, axes), projection(datum))


def numbered_or_plain(projected: CRS, easting: float) -> str | None:
    """Return the datum an easting is written for, where it has a zone number too many or lacks one.

    Examples
    --------
    >>> numbered_or_plain(projection("epsg:4549"), 40_512_345.0)
    'epsg:4528'
    >>> numbered_or_plain(projection("epsg:4528"), 512_345.0)
    'epsg:4549'
    """
    millions = int(easting // 1e6)
    number = int(_parameter(projected, "false easting") // 1e6)
    if millions == number:
        return None
    try:
        if number == 0:
            return f"epsg:{crs_module.numbered_gauss_kruger_zone(millions).to_epsg()}"
        if millions == 0:
            width: Literal[3, 6] = 3 if number > 23 else 6
            meridian = _parameter(projected, "longitude of natural origin")
            return f"epsg:{crs_module.gauss_kruger_zone(meridian, width_deg=width).to_epsg()}"
    except CrsError:
        pass
    return None


def _parameter(projected: CRS, name: str) -> float:
    conversion = projected.coordinate_operation
    found = [] if conversion is None else [p.value for p in conversion.params if p.name.lower() == name]
    return float(found[0]) if found else 0.0
