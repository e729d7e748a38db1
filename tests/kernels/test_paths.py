"""Search kernels against plain Python: Bellman-Ford on lists of arcs, sorting, and counting by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.kernels import buckets, paths

INF = np.inf


def csr(n, arcs):
    """Arrays of a graph given as (from, to, seconds)."""
    arcs = sorted(arcs, key=lambda arc: arc[0])
    counts = np.bincount([a for a, _, _ in arcs], minlength=n) if arcs else np.zeros(n, dtype=int)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    indices = np.array([b for _, b, _ in arcs], dtype=np.int32)
    return indptr, indices, np.array([w for _, _, w in arcs], dtype=float)


def slow_times(n, arcs, seeds):
    """Bellman-Ford: seconds from the nearest seed (node, seconds) to every node."""
    times = [INF] * n
    for node, seconds in seeds:
        times[node] = min(times[node], seconds)
    for _ in range(n):
        for a, b, seconds in arcs:
            times[b] = min(times[b], times[a] + seconds)
    return times


@st.composite
def graphs(draw):
    """Up to 8 nodes and 24 arcs of whole seconds (so sums are exact), with loops, parallels and arcs of no length."""
    n = draw(st.integers(1, 8))
    node = st.integers(0, n - 1)
    arcs = draw(st.lists(st.tuples(node, node, st.sampled_from([0.0, 1.0, 1.0, 2.0, 5.0])), max_size=24))
    seeds = draw(st.lists(st.tuples(node, st.sampled_from([0.0, 0.0, 1.0, 3.0])), max_size=8))
    return n, arcs, seeds


@settings(max_examples=100)
@given(st.lists(st.floats(0, 100), max_size=60), st.integers(0, 2**16))
def test_the_heap_gives_back_entries_in_order(times, seed):
    """Pushed and dropped in any mixture, each drop takes the least that is on the heap, with its own number."""
    rng = np.random.default_rng(seed)
    heap_time, heap_node = np.empty(len(times) + 1), np.empty(len(times) + 1, dtype=np.int32)
    size, on_heap, waiting = 0, [], list(enumerate(times))
    while waiting or on_heap:
        if waiting and (not on_heap or rng.random() < 0.6):
            number, time = waiting.pop()
            size = paths.push(heap_time, heap_node, size, time, number)
            on_heap.append((time, number))
        else:
            first = (heap_time[0], heap_node[0])
            assert first[0] == min(on_heap)[0]
            on_heap.remove(first)
            size = paths.drop_first(heap_time, heap_node, size)
        assert size == len(on_heap)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.0]), st.integers(0, 5)), max_size=60))
def test_the_labelled_heap_is_ordered_by_time_and_then_by_label(entries):
    capacity = len(entries) + 1
    heap = np.empty(capacity), np.empty(capacity, dtype=np.int32), np.empty(capacity, dtype=np.int32)
    size = 0
    for number, (time, label) in enumerate(entries):
        size = paths.push_labelled(*heap, size, time, label, number)
    taken = []
    while size:
        taken.append((heap[0][0], heap[1][0], heap[2][0]))
        size = paths.drop_first_labelled(*heap, size)
    assert [entry[:2] for entry in taken] == sorted(entries)
    assert sorted((*entries[node], node) for _, _, node in taken) == sorted(taken)


@settings(max_examples=150)
@given(graphs(), st.sampled_from([0.0, 2.0, 6.0, INF]))
def test_search_finds_what_bellman_ford_finds_and_names_what_it_touched(graph, cutoff):
    """Nothing beyond the cutoff is touched, no node twice; the queue ends empty, as does all where it has no room."""
    n, arcs, seeds = graph
    node_time, touched = np.full(n, INF), np.full(n, -7, dtype=np.int32)
    seed_nodes = np.array([s for s, _ in seeds], dtype=np.int32)
    seed_times = np.array([t for _, t in seeds], dtype=float)
    numbers = csr(n, arcs)
    per_second, n_buckets = buckets.plan_buckets(numbers[2], 3.0)
    first = np.full(n_buckets, -1, dtype=np.int32)
    n_touched, room = -1, 1
    while n_touched < 0:
        entries = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32), np.empty(room)
        assert np.isinf(node_time).all()
        n_touched = paths.search(
            *numbers, seed_nodes, seed_times, cutoff, node_time, per_second, first, *entries, touched
        )
        assert (first == -1).all()
        room *= 2
    expected = [time if time <= cutoff else INF for time in slow_times(n, arcs, seeds)]
    assert node_time.tolist() == expected
    assert sorted(touched[:n_touched].tolist()) == [i for i in range(n) if expected[i] < INF]


@settings(max_examples=150)
@given(graphs(), st.sampled_from([0.0, 2.0, 6.0, INF]), st.permutations(range(8)))
def test_the_nearest_source_of_every_node_and_of_equals_the_smaller_label(graph, cutoff, labels):
    n, arcs, seeds = graph
    labels = labels[: len(seeds)]
    alone = [slow_times(n, arcs, [seed]) for seed in seeds]
    best = [min(((alone[s][node], labels[s]) for s in range(len(seeds))), default=(INF, -1)) for node in range(n)]
    best = [(time, label) if time <= cutoff and time < INF else (INF, -1) for time, label in best]
    times, found = paths.nearest_source(*csr(n, arcs), *_seeds(seeds, labels), cutoff)
    assert list(zip(times.tolist(), found.tolist(), strict=True)) == best


@settings(max_examples=150)
@given(graphs(), st.sampled_from([0.0, 2.0, 6.0, INF]), st.integers(1, 4), st.permutations(range(8)))
def test_the_k_nearest_sources_are_the_first_k_by_time_and_label(graph, cutoff, k, labels):
    """A source that enters at two nodes (the ends of its edge) counts once."""
    n, arcs, seeds = graph
    labels = [label // 2 for label in labels[: len(seeds)]]
    times, found = paths.k_nearest_sources(*csr(n, arcs), *_seeds(seeds, labels), cutoff, k)
    for node in range(n):
        by_label = {
            label: min(
                slow_times(n, arcs, [s for s, name in zip(seeds, labels, strict=True) if name == label])[node:][:1]
            )
            for label in labels
        }
        expected = sorted((time, label) for label, time in by_label.items() if time <= cutoff and time < INF)[:k]
        expected += [(INF, -1)] * (k - len(expected))
        assert list(zip(times[node].tolist(), found[node].tolist(), strict=True)) == expected


def _seeds(seeds, labels):
    return (
        np.array([s for s, _ in seeds], dtype=np.int32),
        np.array([t for _, t in seeds], dtype=float),
        np.array(labels, dtype=np.int32),
    )


def test_the_k_nearest_outgrow_their_first_room():
    """3,000 sources at one end of a line of 3 nodes: more entries than the heap begins with."""
    seeds, labels = [(0, float(i % 7)) for i in range(3000)], list(range(3000))[::-1]
    indptr, indices, weights = csr(3, [(0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0)])
    times, found = paths.k_nearest_sources(indptr, indices, weights, *_seeds(seeds, labels), INF, 1200)
    expected = sorted((time, label) for (_, time), label in zip(seeds, labels, strict=True))[:1200]
    assert list(zip(times[0].tolist(), found[0].tolist(), strict=True)) == expected
    assert times[2].tolist() == [time + 2 for time, _ in expected]


@settings(max_examples=60)
@given(
    st.lists(st.floats(0, 1e5), max_size=8),
    st.lists(st.floats(1e-3, 1.0), max_size=8),
    st.sampled_from([0.0, 1.0, 3e4]),
)
def test_no_arc_leads_once_around_the_ring(long, short, spread):
    """From any time, an arc or the spread of the seeds ends in another bucket than the one that is being emptied."""
    weights = np.array([*long, *short])
    per_second, n_buckets = buckets.plan_buckets(weights, spread)
    assert n_buckets & (n_buckets - 1) == 0
    assert 4 <= n_buckets <= 2**14
    longest = max([spread, *weights])
    for begin in (0.0, 1.0 / per_second * 0.999999, 12345.678):
        assert int((begin + longest) * per_second) + 1 - int(begin * per_second) < n_buckets


def test_a_search_with_a_ferry_and_a_million_times_shorter_streets():
    """Streets of a hundredth of a second beside an hour's ferry: the ring is bounded, the times are exact."""
    arcs = [(i, i + 1, 0.01) for i in range(200)] + [(0, 200, 3600.0), (200, 201, 3600.0)]
    times, labels = paths.nearest_source(*csr(202, arcs), *_seeds([(0, 0.0)], [0]), INF)
    assert times.tolist() == slow_times(202, arcs, [(0, 0.0)])
    assert set(labels.tolist()) == {0}


def test_along_an_edge():
    """A street of 100 s one way and 40 s the other."""
    assert paths.along_edge(100.0, 40.0, 0.25, 0.75) == 50.0
    assert paths.along_edge(100.0, 40.0, 0.75, 0.25) == 20.0
    assert paths.along_edge(100.0, INF, 0.75, 0.25) == INF
    assert paths.along_edge(INF, 40.0, 0.25, 0.75) == INF
    assert paths.along_edge(INF, INF, 0.5, 0.5) == 0.0
