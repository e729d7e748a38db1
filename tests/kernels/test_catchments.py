"""Bounded one-to-many kernels against plain Python, however the sources are cut into ranges."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.kernels import catchments

INF = np.inf


@st.composite
def towns(draw):
    """Edges (tail, head, seconds along, seconds against; inf = closed), points (edge, quarters along, seconds off)."""
    n = draw(st.integers(1, 6))
    node = st.integers(0, n - 1)
    seconds = st.sampled_from([0.0, 4.0, 8.0, 8.0, 20.0, INF])
    edges = draw(st.lists(st.tuples(node, node, seconds, seconds), min_size=1, max_size=12))
    point = st.tuples(st.integers(-1, len(edges) - 1), st.integers(0, 4), st.sampled_from([0.0, 1.0, 6.0]))
    return n, edges, draw(st.lists(point, max_size=5)), draw(st.lists(point, max_size=5))


def slow_nodes(n, edges, seeds):
    """Seconds from (node, seconds) to every node, by relaxing every edge often enough."""
    times = [INF] * n
    for node, seconds in seeds:
        times[node] = min(times[node], seconds)
    for _ in range(n):
        for tail, head, along, against in edges:
            times[head] = min(times[head], times[tail] + along)
            times[tail] = min(times[tail], times[head] + against)
    return times


def entries(edges, point, *, away):
    """The (node, seconds) by which one leaves (``away``) or reaches a point on an edge."""
    edge, quarters, off = point
    if edge < 0:
        return []
    tail, head, along, against = edges[edge]
    to_tail, to_head = (against, along) if away else (along, against)
    back = off if quarters == 0 else off + quarters / 4 * to_tail
    onward = off if quarters == 4 else off + (4 - quarters) / 4 * to_head
    return [(node, seconds) for node, seconds in ((tail, back), (head, onward)) if seconds < INF]


def slow_time(n, edges, start, end):
    """Seconds from one point to another."""
    if start[0] < 0 or end[0] < 0:
        return INF
    nodes = slow_nodes(n, edges, entries(edges, start, away=True))
    best = min((nodes[node] + seconds for node, seconds in entries(edges, end, away=False)), default=INF)
    if start[0] == end[0]:
        share = (end[1] - start[1]) / 4
        whole = edges[start[0]][2 if share > 0 else 3]
        best = min(best, start[2] + end[2] + (abs(share) * whole if share else 0.0))
    return best


def arrays(n, edges, starts, ends):
    """The arguments the pair kernels share, built one list at a time."""
    arcs = [(t, h, a) for t, h, a, _ in edges if a < INF] + [(h, t, b) for t, h, _, b in edges if b < INF]
    arcs.sort(key=lambda arc: arc[0])
    indptr = np.searchsorted([a for a, _, _ in arcs], range(n + 1)).astype(np.int32)
    graph = indptr, np.array([b for _, b, _ in arcs], dtype=np.int32), np.array([w for _, _, w in arcs], dtype=float)
    nodes, times = np.full((len(starts), 2), -1, dtype=np.int32), np.full((len(starts), 2), INF)
    for row, start in enumerate(starts):
        for side, (node, seconds) in enumerate(entries(edges, start, away=True)):
            nodes[row, side], times[row, side] = node, seconds
    hung = sorted((node, j, seconds) for j, end in enumerate(ends) for node, seconds in entries(edges, end, away=False))
    on_edge = sorted((end[0], j) for j, end in enumerate(ends) if end[0] >= 0)
    return (
        *graph, nodes, times, _column(starts, 0, np.int32), _column(starts, 1, float) / 4, _column(starts, 2, float),
        np.array([a for _, _, a, _ in edges]), np.array([b for _, _, _, b in edges]),
        np.searchsorted([h[0] for h in hung], range(n + 1)).astype(np.int32), _column(hung, 1, np.int32),
        _column(hung, 2, float), np.searchsorted([e[0] for e in on_edge], range(len(edges) + 1)).astype(np.int32),
        _column(on_edge, 1, np.int32), _column(ends, 1, float) / 4, _column(ends, 2, float),
    )  # fmt: skip


def _column(rows, at, dtype):
    return np.array([row[at] for row in rows], dtype=dtype)


def in_ranges(n, cuts, run):
    bounds = sorted({0, n, *(cut for cut in cuts if cut < n)})
    return [run(a, b) for a, b in itertools.pairwise(bounds)] or [run(0, 0)]


CUTOFFS = st.sampled_from([0.0, 7.0, 16.0, INF])


@settings(max_examples=150)
@given(towns(), CUTOFFS, st.lists(st.integers(0, 4), max_size=3))
def test_pairs_within_the_cutoff_in_order_of_targets(town, cutoff, cuts):
    n, edges, starts, ends = town
    arguments = arrays(*town)
    parts = in_ranges(len(starts), cuts, lambda a, b: catchments.pairs_within(a, b, *arguments, cutoff))
    per_source = np.concatenate([part[0] for part in parts]).tolist()
    found = list(zip(*(np.concatenate([part[i] for part in parts]).tolist() for i in (1, 2)), strict=True))
    expected = []
    for start in starts:
        times = [slow_time(n, edges, start, end) for end in ends]
        expected.append([(j, time) for j, time in enumerate(times) if time <= cutoff and time < INF])
    assert per_source == [len(row) for row in expected]
    assert found == [pair for row in expected for pair in row]


@settings(max_examples=100)
@given(towns(), CUTOFFS, st.lists(st.integers(0, 4), max_size=3), st.integers(0, 99))
def test_counts_within_each_target_s_own_limit(town, cutoff, cuts, seed):
    n, edges, starts, ends = town
    limits = np.random.default_rng(seed).choice([-1.0, 0.0, 5.0, 12.0, 30.0], len(ends))
    arguments = arrays(*town)
    parts = in_ranges(len(starts), cuts, lambda a, b: catchments.counts_within(a, b, *arguments, cutoff, limits))
    expected = [
        sum(slow_time(n, edges, start, end) <= min(cutoff, limits[j]) for start in starts) for j, end in enumerate(ends)
    ]
    assert np.sum(parts, axis=0).tolist() == expected


@settings(max_examples=100)
@given(towns(), CUTOFFS, st.lists(st.integers(0, 4), max_size=3))
def test_nodes_within_the_cutoff_each_once(town, cutoff, cuts):
    n, edges, starts, _ = town
    arguments = arrays(*town)[:5]
    parts = in_ranges(len(starts), cuts, lambda a, b: catchments.nodes_within(a, b, *arguments, cutoff, cutoff, 1e6))
    per_source = np.concatenate([part[0] for part in parts])
    found = list(zip(*(np.concatenate([part[i] for part in parts]).tolist() for i in (1, 2)), strict=True))
    for start, stop, point in zip(np.cumsum(per_source) - per_source, np.cumsum(per_source), starts, strict=True):
        times = slow_nodes(n, edges, entries(edges, point, away=True))
        assert found[start:stop] == [(i, time) for i, time in enumerate(times) if time <= cutoff and time < INF]


def test_nodes_are_rounded_before_they_are_compared_with_the_cutoff():
    """0.1 + 0.2 is more than 0.3 by a last bit: within 0.3 all the same, and told as 0.3; 0.300001 is not."""
    arguments = arrays(4, [(0, 1, 0.1, 0.1), (1, 2, 0.2, 0.2), (1, 3, 0.200001, INF)], [(0, 0, 0.0)], [])[:5]
    per_source, columns, seconds = catchments.nodes_within(0, 1, *arguments, 0.300001, 0.3, 1e6)
    assert (per_source.tolist(), columns.tolist(), seconds.tolist()) == ([3], [0, 1, 2], [0.0, 0.1, 0.3])


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 255, 256, 3000]), st.sampled_from([3, 2047, 2048, 10**6, 2**31]))
def test_node_numbers_are_sorted(seed, n, span):
    """Few and many, within one digit and over all of them."""
    values = np.random.default_rng(seed).integers(-(span // 2), span - span // 2, n).astype(np.int32)
    expected = np.sort(values)
    catchments._sort(values, np.empty(n, dtype=np.int32), np.empty(catchments._DIGIT, dtype=np.int64))
    assert values.tolist() == expected.tolist()


@pytest.mark.parametrize("n_targets", [1, 1023, 1024, 1025, 5000])
def test_more_pairs_than_the_first_room_for_them(n_targets):
    """One street of 10 s, all targets at its middle; three sources at its tail find all of them."""
    ends = [(0, 2, float(j % 3)) for j in range(n_targets)]
    arguments = arrays(2, [(0, 1, 10.0, 10.0)], [(0, 0, 0.0)] * 3, ends)
    per_source, columns, seconds = catchments.pairs_within(0, 3, *arguments, 100.0)
    assert per_source.tolist() == [n_targets] * 3
    assert columns.tolist() == list(range(n_targets)) * 3
    assert seconds.tolist() == [5.0 + j % 3 for j in range(n_targets)] * 3
