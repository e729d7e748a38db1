import string

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from chongming_gis.maps.packing import pack, pack_coordinates, pack_shapes, pack_signed

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def unpack(text: str) -> list[int]:
    """The slow obvious reading, as own/canvas.js does it."""
    out, value, weight = [], 0, 1
    for letter in text:
        digit = ALPHABET.index(letter)
        value += digit % 32 * weight
        weight *= 32
        if digit < 32:
            out.append(value)
            value, weight = 0, 1
    return out


def unfold(numbers: list[int]) -> list[int]:
    return [-(n + 1) // 2 if n % 2 else n // 2 for n in numbers]


@given(st.lists(st.integers(0, 2**52)))
def test_whole_numbers_come_back(numbers):
    assert unpack(pack(numbers)) == numbers


@given(st.lists(st.integers(-(2**40), 2**40)))
def test_signed_numbers_come_back(numbers):
    assert unfold(unpack(pack_signed(numbers))) == numbers


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=1, max_size=20))
def test_coordinates_come_back_to_half_a_step(points):
    steps = np.array(unfold(unpack(pack_coordinates(np.array(points))))).reshape(-1, 2)
    assert np.abs(steps.cumsum(axis=0) / 1e5 - np.array(points)).max() <= 0.5e-5 + 1e-9


def test_shapes_know_their_parts_and_points():
    square_with_hole = shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], holes=[[(1, 1), (2, 1), (1, 2)]])
    two = shapely.MultiPolygon([shapely.box(5, 5, 6, 6), shapely.box(7, 7, 8, 8)])
    packed = pack_shapes(np.array([square_with_hole, two]))
    assert unpack(packed["parts"]) == [2, 2]
    assert unpack(packed["points"]) == [5, 4, 5, 5]
    assert len(unpack(packed["xy"])) == 2 * 19


def test_lines_keep_their_order():
    lines = np.array(
        [shapely.LineString([(0, 0), (1, 1)]), shapely.MultiLineString([[(2, 2), (3, 3)], [(4, 4), (5, 5)]])]
    )
    packed = pack_shapes(lines)
    assert unpack(packed["parts"]) == [1, 2]
    xy = np.array(unfold(unpack(packed["xy"]))).reshape(-1, 2).cumsum(axis=0) / 1e5
    assert xy[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_nothing_packs_to_nothing():
    assert pack([]) == ""
    assert pack_shapes(np.array([], dtype=object)) == {"parts": "", "points": "", "xy": ""}
