"""GCJ-02 and BD-09 both ways, through ``crs``: published vectors, a plain oracle, and what holds everywhere."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from chongming_gis import crs

#: WGS 84, GCJ-02 and BD-09 of six places on Chongming, to six decimals (project facts, gcj_test_vectors.csv: the
#: published formulas, checked against positions of Amap and Baidu in ten towns).
VECTORS = [
    (121.170000, 31.800000, 121.174577, 31.798153, 121.181053, 31.804239),
    (121.393380, 31.629910, 121.398065, 31.628168, 121.404612, 31.633952),
    (121.451040, 31.656390, 121.455666, 31.654597, 121.462082, 31.660840),
    (121.689570, 31.391410, 121.693907, 31.389394, 121.700328, 31.395664),
    (121.837630, 31.342490, 121.841855, 31.340410, 121.848427, 31.346201),
    (121.950000, 31.520000, 121.954172, 31.517941, 121.960677, 31.523858),
]
BOTH = [(crs.wgs84_to_gcj02, crs.gcj02_to_wgs84), (crs.wgs84_to_bd09, crs.bd09_to_wgs84)]
ALL = [function for pair in BOTH for function in pair]
MILLIMETRE = 1e-8  # degrees: 1.1 mm of latitude, less of longitude

WEST, SOUTH, EAST, NORTH = crs.CHINA_BOX


def published_gcj02(lon, lat):
    """The published formula, one position at a time, step by step as it is usually written; no fading at the border."""
    x, y = lon - 105.0, lat - 35.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    north += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * math.pi) + 320 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east += (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    east += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    a, ee = 6378245.0, 0.00669342162296594323
    magic = 1 - ee * math.sin(lat / 180.0 * math.pi) ** 2
    north = (north * 180.0) / ((a * (1 - ee)) / (magic * math.sqrt(magic)) * math.pi)
    east = (east * 180.0) / (a / math.sqrt(magic) * math.cos(lat / 180.0 * math.pi) * math.pi)
    return lon + east, lat + north


def published_bd09(lon, lat):
    x, y = published_gcj02(lon, lat)
    z = math.sqrt(x * x + y * y) + 0.00002 * math.sin(y * math.pi * 3000.0 / 180.0)
    theta = math.atan2(y, x) + 0.000003 * math.cos(x * math.pi * 3000.0 / 180.0)
    return z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006


def bisected(published, lon, lat):
    """The position that a published formula moves to (lon, lat), by halving a box around it: slow, no iteration."""
    west, east, south, north = lon - 0.03, lon + 0.03, lat - 0.03, lat + 0.03
    for _ in range(60):
        x, y = (west + east) / 2, (south + north) / 2
        there = published(x, y)
        # each offset depends a little on the other coordinate, far less than on its own
        margin = 0.1 * max(east - west, north - south)
        west, east = (x - margin, east) if there[0] < lon else (west, x + margin)
        south, north = (y - margin, north) if there[1] < lat else (south, y + margin)
    return x, y


@pytest.fixture(scope="module", autouse=True)
def _compiled_before_any_clock_runs():
    for convert in ALL:
        convert([121.5], [31.6])


@pytest.mark.parametrize("vector", VECTORS)
def test_published_vectors_both_ways(vector):
    wgs, gcj, bd = vector[:2], vector[2:4], vector[4:]
    half_a_digit = 5.1e-7
    for found, expected in [
        (crs.wgs84_to_gcj02(*wgs), gcj),
        (crs.wgs84_to_bd09(*wgs), bd),
        (crs.gcj02_to_wgs84(*gcj), wgs),
        (crs.bd09_to_wgs84(*bd), wgs),
    ]:
        np.testing.assert_allclose(found, expected, atol=1.1 * half_a_digit, rtol=0)


in_china = st.tuples(st.floats(73.0, 135.5), st.floats(3.0, 54.0))
anywhere = st.tuples(st.floats(-180.0, 180.0), st.floats(-90.0, 90.0))
#: Within a kilometre or so of the box's border, on both sides.
_near = st.floats(-0.02, 0.02)
near_border = st.one_of(
    st.tuples(st.sampled_from([WEST, EAST]), st.floats(SOUTH, NORTH), _near).map(lambda p: (p[0] + p[2], p[1])),
    st.tuples(st.floats(WEST, EAST), st.sampled_from([SOUTH, NORTH]), _near).map(lambda p: (p[0], p[1] + p[2])),
    st.tuples(st.sampled_from([WEST, EAST]), st.sampled_from([SOUTH, NORTH]), _near).map(lambda p: (p[0] + p[2], p[1])),
)


@given(in_china)
def test_in_china_it_is_the_published_formula(place):
    np.testing.assert_allclose(crs.wgs84_to_gcj02(*place), published_gcj02(*place), atol=1e-11, rtol=0)
    np.testing.assert_allclose(crs.wgs84_to_bd09(*place), published_bd09(*place), atol=1e-11, rtol=0)


@settings(max_examples=40)
@given(in_china)
def test_the_way_back_is_what_halving_finds(place):
    np.testing.assert_allclose(crs.gcj02_to_wgs84(*place), bisected(published_gcj02, *place), atol=1e-9, rtol=0)
    np.testing.assert_allclose(crs.bd09_to_wgs84(*place), bisected(published_bd09, *place), atol=1e-9, rtol=0)


@pytest.mark.parametrize(("there", "back"), BOTH)
@given(place=st.one_of(in_china, near_border, anywhere))
def test_there_and_back_and_back_and_there_is_the_same_place_everywhere(there, back, place):
    np.testing.assert_allclose(back(*there(*place)), place, atol=MILLIMETRE / 10, rtol=0)
    np.testing.assert_allclose(there(*back(*place)), place, atol=MILLIMETRE / 10, rtol=0)


@pytest.mark.parametrize("convert", ALL)
@given(place=anywhere)
def test_outside_the_box_nothing_moves(convert, place):
    lon, lat = place
    if WEST < lon < EAST and SOUTH < lat < NORTH:
        lon -= 180.0
    assert tuple(float(value) for value in convert(lon, lat)) == (lon, lat)


@pytest.mark.parametrize("convert", ALL)
@given(place=near_border, step=st.floats(1e-7, 0.01), northwards=st.booleans())
def test_nothing_jumps_or_turns_round_at_the_border(convert, place, step, northwards):
    """Going east (north) one goes east (north) after conversion, by a like distance: so no two places become one."""
    start = np.array(place)
    move = np.array([0.0, step] if northwards else [step, 0.0])
    moved = np.array(convert(*(start + move))) - np.array(convert(*start))
    assert np.abs(moved - move).max() < 0.05 * step + 1e-9


@pytest.mark.parametrize("convert", ALL)
def test_missing_positions_stay_missing_and_empty_stays_empty(convert):
    lon, lat = convert([121.5, np.nan, 121.5, np.nan, np.inf], [np.nan, 31.6, 31.6, np.nan, 31.6])
    assert np.isnan(lon).tolist() == np.isnan(lat).tolist() == [True, True, False, True, True]
    assert [part.shape for part in convert([], [])] == [(0,), (0,)]


@pytest.mark.parametrize("convert", ALL)
def test_any_shape_comes_back_and_arguments_are_left_alone(convert):
    lon = np.full((2, 3), 121.5)
    lat = np.full((2, 3), 31.6)
    lon.flags.writeable = lat.flags.writeable = False  # as columns of a frame are
    found = convert(lon, lat)
    assert [part.shape for part in found] == [(2, 3), (2, 3)]
    assert (lon == 121.5).all()
    assert (np.ptp(found[0]), np.ptp(found[1])) == (0.0, 0.0)
    with pytest.raises(ValueError, match=r"different shapes: \(2, 3\) and \(2,\)"):
        convert(lon, np.zeros(2))


def test_how_far_the_datums_are_apart_on_chongming():
    """400-445 m east and 190-230 m south (project facts, crs_basemaps.csv)."""
    metric = Transformer.from_crs(4326, 32651, always_xy=True)
    here = np.array(metric.transform(121.5, 31.6))
    east, south = np.array(metric.transform(*crs.wgs84_to_gcj02(121.5, 31.6))) - here
    assert 400.0 < east < 445.0
    assert -230.0 < south < -190.0


@pytest.mark.parametrize("convert", ALL)
def test_a_million_points_in_a_second(convert):
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(75.0, 135.0, 1_000_000), rng.uniform(5.0, 53.0, 1_000_000)
    convert(lon[:10], lat[:10])  # compile
    took = []
    for _ in range(3):  # processor time of all threads: the clock on the wall depends on what else the machine does
        start = time.process_time()
        convert(lon, lat)
        took.append(time.process_time() - start)
        if took[-1] < 1.0:
            break
    assert min(took) < 1.0
