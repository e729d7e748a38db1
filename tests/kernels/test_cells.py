"""Cycles of a permutation; cells onto segments are compared with ``snap_points`` in tests/network/test_cells.py."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.kernels.cells import cycles


def test_cycles_by_hand():
    """0 -> 2 -> 1 -> 0, 3 alone, 4 -> 5 -> 4."""
    order, starts = cycles(np.array([2, 0, 1, 3, 5, 4]))
    assert order.tolist() == [0, 2, 1, 3, 4, 5]
    assert starts.tolist() == [0, 3, 4, 6]


def test_no_places_make_no_cycles():
    order, starts = cycles(np.empty(0, dtype=np.int64))
    assert (order.tolist(), starts.tolist()) == ([], [0])


@settings(max_examples=100)
@given(st.integers(1, 30).flatmap(lambda n: st.permutations(range(n))))
def test_cycles_visit_every_place_once_and_follow_the_permutation(following):
    order, starts = cycles(np.array(following, dtype=np.int64))
    assert sorted(order) == list(range(len(following)))
    rings = [order[a:b].tolist() for a, b in itertools.pairwise(starts)]
    for ring in rings:
        assert [following[place] for place in ring] == [*ring[1:], ring[0]]
        assert ring[0] == min(ring)
    assert [ring[0] for ring in rings] == sorted(ring[0] for ring in rings)
