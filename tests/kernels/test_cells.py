"""Cycles and borders; cells onto segments are compared with ``snap_points`` in tests/network/test_cells.py."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chongming_gis.kernels import cells
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


def links_by_the_book(within):
    """The border triangle by triangle: corners anticlockwise, link i joins corner i and the next."""
    wide = within.shape[1]
    found = {}
    for row, column in np.ndindex(within.shape[0] - 1, wide - 1):
        at = {"nw": (row, column), "sw": (row + 1, column), "se": (row + 1, column + 1), "ne": (row, column + 1)}
        cell = row * wide + column
        west, south, diagonal = 3 * cell + cells.SOUTH, 3 * (cell + wide) + cells.EAST, 3 * cell + cells.DIAGONAL
        east, north = 3 * (cell + 1) + cells.SOUTH, 3 * cell + cells.EAST
        for corners, links in (
            (("nw", "sw", "se"), (west, south, diagonal)),
            (("nw", "se", "ne"), (diagonal, east, north)),
        ):
            inside = [bool(within[at[corner]]) for corner in corners]
            leaves = [i for i in range(3) if inside[i] and not inside[(i + 1) % 3]]
            returns = [i for i in range(3) if not inside[i] and inside[(i + 1) % 3]]
            if leaves:
                found[links[leaves[0]]] = links[returns[0]]
    return found


@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_the_border_goes_through_every_triangle_that_is_within_in_part(inner):
    within = np.pad(inner, 1)
    squares = np.arange(within.size).reshape(within.shape)[:-1, :-1].ravel()
    four = np.array([within.ravel()[squares + step] for step in (0, 1, within.shape[1], within.shape[1] + 1)])
    start, end = cells.border_links(within, squares[four.any(axis=0) & ~four.all(axis=0)])
    assert len(np.unique(start)) == len(start)
    assert dict(zip(start.tolist(), end.tolist(), strict=True)) == links_by_the_book(within)
