"""What is wrong with the coordinates of a table under the datum that it declares, row by row.

Pure: two columns of numbers in, faults out. ``layers.positions_of`` turns them into findings with file and row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely

from chongming_gis import crs, datums

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from pyproj import CRS

    Floats = npt.NDArray[np.float64]
    Claims = npt.NDArray[np.bool_]

#: A grid is used this far beyond its zone, so that a district on the border of two zones needs only one of them.
_MARGIN_DEG = 3.0
_NO_DEGREES = 1000.0  # from here on a number is meant in metres
_FAR_EASTING_M = 1e7  # no northing of these grids, and no easting without a zone number, is as large


@dataclass(frozen=True, slots=True)
class PositionFault:
    """One kind of fault and the rows that have it."""

    rows: Claims
    words: str
    rule: str
    column: str  # ours; whose value is shown
    suggestion: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


def position_faults(first: Floats, second: Floats, *, datum: str, axes: str | None) -> list[PositionFault]:
    """Return the faults of two coordinate columns (NaN where a cell is no number), each row under one fault at most."""
    names = datums.columns_of(datum)
    known = np.isfinite(first) & np.isfinite(second)
    words, rule = f"{names[0]} or {names[1]} is missing or not a number", "position_missing"
    faults = [
        PositionFault(~np.isfinite(first), words, rule, names[0]),
        PositionFault(np.isfinite(first) & ~known, words, rule, names[1]),
    ]
    if datum in datums.DEGREES:
        return [*faults, *_degree_faults(first, second, known)]
    return [*faults, *_metre_faults(first, second, known, datum=datum, axes=axes)]


def _degree_faults(lon: Floats, lat: Floats, known: Claims) -> list[PositionFault]:
    in_range = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
    swapped = known & (np.abs(lon) <= 90.0) & (np.abs(lat) > 90.0) & (np.abs(lat) <= 180.0)
    in_metres = known & (np.abs(lon) >= _NO_DEGREES) & (np.abs(lat) >= _NO_DEGREES)
    return [
        PositionFault(swapped, "lon and lat are swapped", "position_swapped", "lon"),
        PositionFault(
            in_metres,
            "lon and lat are no degrees but metres",
            "position_in_metres",
            "lon",
            "map the two columns to x and y, and write datum = 'epsg:N' and axes",
        ),
        PositionFault(known & ~in_range & ~swapped & ~in_metres, "lon or lat is out of range", "position_range", "lon"),
    ]


def _metre_faults(first: Floats, second: Floats, known: Claims, *, datum: str, axes: str | None) -> list[PositionFault]:
    projected = datums.projection(datum)
    easting, northing = datums.easting_northing(first, second, axes)
    x_or_y = ("x", "y") if axes == datums.EASTING_NORTHING else ("y", "x")
    other = next(order for order in datums.AXES if order != axes)
    fits = _is_in_area(easting, northing, projected) & known
    swapped = known & ~fits & (_is_in_area(northing, easting, projected) | (northing >= _FAR_EASTING_M))
    doubtful = known & ~fits & ~swapped
    faults = [
        PositionFault(
            swapped, "x and y are in the other order", "axes_swapped", "x", f"write axes = {other!r}", {"axes": other}
        )
    ]
    for zone_datum, rows in _by_other_zone(easting, doubtful, projected).items():
        words = f"the easting is not one of {datum}, but may be of {zone_datum}"
        remedy, details = f"write datum = {zone_datum!r}", {"declared": datum, "likely": zone_datum}
        faults.append(PositionFault(rows, words, "easting_zone", x_or_y[0], remedy, details))
        doubtful = doubtful & ~rows
    words = f"the position lies outside the area of {datum}"
    return [*faults, PositionFault(doubtful, words, "position_outside_grid", x_or_y[0], details={"declared": datum})]


def _by_other_zone(easting: Floats, doubtful: Claims, projected: CRS) -> dict[str, Claims]:
    """Return the rows whose eastings have a zone number too many or too few, by the datum they are written for."""
    found: dict[str, Claims] = {}
    for millions in np.unique(easting[doubtful] // 1e6):
        datum = datums.numbered_or_plain(projected, float(millions * 1e6))
        if datum is not None:
            rows = doubtful & (easting // 1e6 == millions)
            found[datum] = found.get(datum, np.zeros(len(easting), dtype=bool)) | rows
    return found


def _is_in_area(easting: Floats, northing: Floats, projected: CRS) -> Claims:
    """Return which positions lie in the area the CRS is made for, or not far from it."""
    area = projected.area_of_use
    lon, lat = crs.to_degrees(easting, northing, projected)
    finite = np.isfinite(lon) & np.isfinite(lat)
    if area is None:
        return np.asarray(finite)
    west, south, east, north = shapely.box(*area.bounds).buffer(_MARGIN_DEG).bounds
    return np.asarray(finite & (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
