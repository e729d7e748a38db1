"""Whole numbers and geometry as short text that a page decodes: no binary, nothing to escape in JSON or HTML.

A number becomes base-32 digits, lowest first, in an alphabet of 64 letters: the upper half of the alphabet says that
more digits follow. Signed numbers are folded first (0, -1, 1, -2 ... become 0, 1, 2, 3 ...). Coordinates are steps of
1e-5 degree (about a metre), each as the difference from the one before. ``own/canvas.js`` reads it back.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    import numpy.typing as npt

STEPS_PER_DEGREE = 1e5
_ALPHABET = np.frombuffer(f"{string.ascii_uppercase}{string.ascii_lowercase}{string.digits}-_".encode(), dtype=np.uint8)
_DIGIT_BITS = 5
_MORE = 1 << _DIGIT_BITS
_NARROW = 1 << 31  # below it four bytes a number do


def pack(values: npt.ArrayLike) -> str:
    """Return whole numbers from 0 on as text.

    Examples
    --------
    >>> pack([0, 31, 32])
    'AfgB'
    """
    rest = np.asarray(values, dtype=np.int64)
    if rest.size == 0:
        return ""
    if int(rest.max()) < _NARROW:
        rest = rest.astype(np.int32)
    digits, has = [rest & (_MORE - 1)], [np.ones(rest.size, dtype=np.bool_)]
    while (rest := rest >> _DIGIT_BITS).any():
        has.append(rest > 0)
        digits[-1] = np.where(has[-1], digits[-1] | _MORE, digits[-1])
        digits.append(rest & (_MORE - 1))
    if len(digits) == 1:
        return bytes(_ALPHABET[digits[0]]).decode("ascii")
    return bytes(_ALPHABET[np.column_stack(digits)[np.column_stack(has)]]).decode("ascii")


def pack_signed(values: npt.ArrayLike) -> str:
    """Return whole numbers of either sign as text.

    Examples
    --------
    >>> pack_signed([0, -1, 1]) == pack([0, 1, 2])
    True
    """
    numbers = np.asarray(values, dtype=np.int64)
    return pack(np.where(numbers < 0, -2 * numbers - 1, 2 * numbers))


def pack_coordinates(lon_lat: npt.NDArray[np.float64]) -> str:
    """Return longitudes and latitudes (n, 2), in degrees, as text: interleaved differences in steps of 1e-5 degree."""
    steps = np.rint(np.asarray(lon_lat, dtype=np.float64).reshape(-1, 2) * STEPS_PER_DEGREE).astype(np.int64)
    return pack_signed(np.diff(steps, axis=0, prepend=0).ravel())


def pack_shapes(geometries: npt.NDArray[np.object_]) -> dict[str, Any]:
    """Return lines or polygons (degrees) as text: parts a shape, points a part, and all coordinates in one run.

    A part is a line or a ring; rings of one shape are filled by the even-odd rule, so holes need no mark.
    """
    parts, owner = shapely.get_parts(geometries, return_index=True)
    is_area = shapely.get_dimensions(parts) == 2
    if is_area.any():
        parts, ring_owner = shapely.get_rings(parts, return_index=True)
        owner = owner[ring_owner]
    coordinates, point_owner = shapely.get_coordinates(parts, return_index=True)
    return {
        "parts": pack(np.bincount(owner, minlength=len(geometries))),
        "points": pack(np.bincount(point_owner, minlength=len(parts))),
        "xy": pack_coordinates(coordinates),
    }
