"""The grid search against the distance to every segment, whatever the size of the cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.kernels import snapping


@pytest.mark.parametrize(
    ("point", "squared", "share"),
    [((3, 4), 16.0, 0.3), ((-3, 4), 25.0, 0.0), ((13, 4), 25.0, 1.0), ((0, 0), 0.0, 0.0), ((10, 0), 0.0, 1.0)],
)
def test_the_distance_to_a_segment(point, squared, share):
    """From (0, 0) to (10, 0), by hand; corners are met at share 0 and 1 exactly."""
    assert snapping.distance_to_segment(*map(float, point), 0.0, 0.0, 10.0, 0.0) == (squared, share)


def test_a_segment_without_length_is_its_place():
    assert snapping.distance_to_segment(3.0, 4.0, 0.0, 0.0, 0.0, 0.0) == (25.0, 0.0)


def slow_nearest(point, segments, edges, limit):
    """(squared distance, edge) of the nearest segment within the limit; of equals the smallest edge."""
    far = [snapping.distance_to_segment.py_func(*point, *segment)[0] for segment in segments]
    return min(((d, edge) for d, edge in zip(far, edges, strict=True) if d <= limit * limit), default=(np.inf, -1))


whole = st.integers(-40, 40).map(float)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(whole, whole, whole, whole), min_size=1, max_size=15),
    st.lists(
        st.tuples(st.one_of(whole, st.floats(-90, 90)), st.one_of(whole, st.floats(-90, 90))), min_size=1, max_size=8
    ),
    st.sampled_from([0.7, 3.0, 10.0, 33.0, 500.0]),
    st.sampled_from([1.0, 25.0, 1e4]),
    st.integers(0, 999),
)
def test_the_grid_finds_the_nearest_whatever_its_cells(segments, points, cell, limit, seed):
    """Segments longer and shorter than a cell, on cell borders, of no length; points beside the grid, and far."""
    rng = np.random.default_rng(seed)
    edges = rng.permutation(len(segments)).astype(np.int32)
    is_large = rng.random(len(segments)) < 0.5
    x = np.array([[a, c] for a, _, c, _ in segments]).ravel()
    y = np.array([[b, d] for _, b, _, d in segments]).ravel()
    first = np.arange(0, len(x), 2)
    west, south = x.min(), y.min()
    shape = (west, south, cell, int((x.max() - west) / cell) + 1, int((y.max() - south) / cell) + 1)
    indptr, content = snapping.grid_of_segments(x, y, first, *shape)
    px, py = (np.array(column) for column in zip(*points, strict=True))
    found = snapping.nearest_segments(0, len(px), px, py, x, y, first, edges, is_large, indptr, content, *shape, limit)
    large = [i for i in range(len(segments)) if is_large[edges[i]]]
    for p, point in enumerate(points):
        squared, edge = slow_nearest(point, [segments[i] for i in large], edges[large].tolist(), limit)
        assert found[2][p] == pytest.approx(np.sqrt(squared))
        assert (edges[found[0][p]] if found[0][p] >= 0 else -1) == edge
        squared, edge = slow_nearest(point, segments, edges.tolist(), limit)
        if found[0][p] < 0 or squared < found[2][p] ** 2:
            assert found[5][p] == pytest.approx(np.sqrt(squared))
            assert (edges[found[3][p]] if found[3][p] >= 0 else -1) == edge
        for segment, share, distance in (found[:3], found[3:]):
            if segment[p] >= 0:
                x1, y1, x2, y2 = segments[segment[p]]
                at = (x1 + share[p] * (x2 - x1), y1 + share[p] * (y2 - y1))
                assert np.hypot(at[0] - point[0], at[1] - point[1]) == pytest.approx(distance[p], abs=1e-9)


def test_ranges_of_points_are_searched_alone():
    """Points 2 .. 4 of five give the same as those of all five."""
    x, y, first = np.array([0.0, 10.0]), np.array([0.0, 0.0]), np.array([0])
    shape = (0.0, 0.0, 5.0, 3, 1)
    grid = snapping.grid_of_segments(x, y, first, *shape)
    px, py = np.arange(5.0), np.arange(5.0)
    common = (px, py, x, y, first, np.zeros(1, dtype=np.int32), np.ones(1, dtype=bool), *grid, *shape, 100.0)
    everyone, some = snapping.nearest_segments(0, 5, *common), snapping.nearest_segments(2, 4, *common)
    for whole_column, column in zip(everyone, some, strict=True):
        assert column.tolist() == whole_column[2:4].tolist()
