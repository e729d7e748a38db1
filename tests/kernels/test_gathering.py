"""Points gathered around the one from which most people are near, against looking at every point each time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chongming_gis.kernels import gathering


def gather(near, persons, place=None):
    first = np.concatenate([[0], np.cumsum(near.sum(axis=1))]).astype(np.int64)
    member = np.nonzero(near)[1].astype(np.int32)
    order = np.arange(len(persons)) if place is None else place
    return gathering.gather(first, member, np.array(persons, dtype=float), np.array(order, dtype=np.int64)).tolist()


def look_at_every_point(near, persons, place):
    left, owner = np.array(persons, dtype=float), np.full(len(persons), -1)
    while True:
        gains = near @ left
        best = min(range(len(left)), key=lambda i: (-gains[i], place[i]), default=None)
        if best is None or gains[best] <= 0:
            return np.where(owner < 0, np.arange(len(left)), owner).tolist()
        taken = near[best] & (left > 0)
        owner[taken], left[taken] = best, 0.0


def test_by_hand():
    """Point 1 gathers all three of a row (6 people) before its ends could gather two each; point 3 is by itself."""
    near = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]], dtype=bool)
    assert gather(near, [1, 2, 3, 4]) == [1, 1, 1, 3]


def test_ties_go_to_the_first_in_order():
    near = np.ones((2, 2), dtype=bool)
    assert gather(near, [1, 1]) == [0, 0]
    assert gather(near, [1, 1], place=[1, 0]) == [1, 1]


def test_a_point_near_nobody_not_even_itself_gathers_itself():
    assert gather(np.zeros((2, 2), dtype=bool), [3, 0]) == [0, 1]


def test_nobody():
    assert gather(np.zeros((0, 0), dtype=bool), []) == []


@settings(max_examples=80)
@given(st.data())
def test_like_looking_at_every_point(data):
    n = data.draw(st.integers(0, 9))
    near = data.draw(hnp.arrays(bool, (n, n)))
    persons = data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    place = data.draw(st.permutations(range(n)))
    assert gather(near, persons, place) == look_at_every_point(near, persons, place)
