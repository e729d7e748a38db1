"""The offsets of the Chinese map datums GCJ-02 and BD-09, and positions moved by them or back.

The offsets are the published formulas, in degrees. ``moved`` adds them; ``moved_back`` finds by fixed-point iteration
which position they moved to the given one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Box = tuple[float, float, float, float]

GCJ02, BD09 = 0, 1  # what is added to WGS 84, and what BD-09 adds to GCJ-02

_SEMI_MAJOR_M = 6378245.0  # Krasovsky 1940, as GCJ-02 uses it
_ECCENTRICITY2 = 0.00669342162296594323
_BAIDU_WAVE = math.pi * 3000.0 / 180.0
_CONVERGED_DEG = 1e-9  # the step after which the next one is far below a hundredth of a millimetre
_MOST_STEPS = 30  # each comes 20 times nearer at the border of the box, 300 times in China


@compiled
def sines(x: float) -> tuple[float, float, float, float, float]:
    """Return sin(pi x / 30), sin(pi x / 12), sin(pi x / 3), sin(pi x) and sin(2 pi x).

    All are powers of one number on the unit circle: a product takes a tenth of the time of a sine.
    """
    turn = complex(math.cos(math.pi / 60.0 * x), math.sin(math.pi / 60.0 * x))
    turn_2 = turn * turn
    turn_5 = turn_2 * turn_2 * turn
    turn_10 = turn_5 * turn_5
    turn_20 = turn_10 * turn_10
    turn_60 = turn_20 * turn_20 * turn_20
    return turn_2.imag, turn_5.imag, turn_20.imag, turn_60.imag, 2.0 * turn_60.real * turn_60.imag


@compiled
def gcj02_offset(lon: float, lat: float) -> tuple[float, float]:
    """Return what GCJ-02 adds to WGS 84: a polynomial and sines in metres about 105 E 35 N, turned into degrees."""
    x, y = lon - 105.0, lat - 35.0
    root = math.sqrt(abs(x))
    x_30, x_12, x_3, x_1, x_2 = sines(x)
    y_30, y_12, y_3, y_1, _ = sines(y)
    common = 20.0 * x_2 * (4.0 - 4.0 * x_2 * x_2)  # 20 sin(6 pi x) + 20 sin(2 pi x), by the sine of a tripled angle
    waves_north = common + 20.0 * y_1 + 40.0 * y_3 + 160.0 * y_12 + 320.0 * y_30
    waves_east = common + 20.0 * x_1 + 40.0 * x_3 + 150.0 * x_12 + 300.0 * x_30
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves_north * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves_east * 2.0 / 3.0
    sine = math.sin(math.radians(lat))
    flattened = 1.0 - _ECCENTRICITY2 * sine * sine
    across = math.sqrt(flattened)
    north_radius_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY2) / (flattened * across)
    east_radius_m = _SEMI_MAJOR_M / across * math.sqrt(1.0 - sine * sine)
    return math.degrees(east_m / east_radius_m), math.degrees(north_m / north_radius_m)


@compiled
def bd09_offset(lon: float, lat: float) -> tuple[float, float]:
    """Return what BD-09 adds to GCJ-02: a ripple in distance and direction from 0 E 0 N, and a constant."""
    longer = 1.0 + 0.00002 * math.sin(lat * _BAIDU_WAVE) / math.sqrt(lon * lon + lat * lat)
    turned = 0.000003 * math.cos(lon * _BAIDU_WAVE)  # so small an angle that it is its own sine to the last bit
    upright = 1.0 - 0.5 * turned * turned
    return (
        longer * (lon * upright - lat * turned) + 0.0065 - lon,
        longer * (lat * upright + lon * turned) + 0.006 - lat,
    )


@compiled
def faded_offset(lon: float, lat: float, step: int, box: Box, fade: float) -> tuple[float, float]:
    """Return the offset inside a box; over the last ``fade`` degrees before its border it goes to nothing."""
    west, south, east, north = box
    inwards = min(lon - west, east - lon, lat - south, north - lat)
    if not inwards > 0.0:
        return 0.0, 0.0
    by_lon, by_lat = gcj02_offset(lon, lat) if step == GCJ02 else bd09_offset(lon, lat)
    weight = min(inwards / fade, 1.0)
    return weight * by_lon, weight * by_lat


@compiled
def moved(lon: Floats, lat: Floats, step: int, box: Box, fade: float) -> tuple[Floats, Floats]:
    """Return positions with the offset added."""
    to_lon, to_lat = np.empty_like(lon), np.empty_like(lat)
    for i in range(lon.shape[0]):
        by_lon, by_lat = faded_offset(lon[i], lat[i], step, box, fade)
        to_lon[i], to_lat[i] = lon[i] + by_lon, lat[i] + by_lat
    return to_lon, to_lat


@compiled
def moved_back(lon: Floats, lat: Floats, step: int, box: Box, fade: float) -> tuple[Floats, Floats]:
    """Return the positions that ``moved`` moves to the given ones."""
    to_lon, to_lat = np.empty_like(lon), np.empty_like(lat)
    for i in range(lon.shape[0]):
        here_lon, here_lat = lon[i], lat[i]
        for _ in range(_MOST_STEPS):
            by_lon, by_lat = faded_offset(here_lon, here_lat, step, box, fade)
            step_lon, step_lat = lon[i] - by_lon - here_lon, lat[i] - by_lat - here_lat
            here_lon, here_lat = here_lon + step_lon, here_lat + step_lat
            if not max(abs(step_lon), abs(step_lat)) >= _CONVERGED_DEG:
                break
        to_lon[i], to_lat[i] = here_lon, here_lat
    return to_lon, to_lat
