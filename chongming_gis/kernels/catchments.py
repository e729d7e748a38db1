"""Bounded one-to-many searches, one per source: pairs of points, counts, or nodes within a cutoff.

Sources and targets are points on edges. A source enters the graph at the ends of its edge (``source_nodes``,
``source_times``, (n sources, 2), -1 = closed); a target hangs on nodes (``target_indptr`` over nodes, ``target_ids``,
``target_times``: seconds from the node to the target, its off-network leg included). Source and target on one edge are
also joined along that edge. Each call runs its sources ``start .. stop`` with one workspace, so that callers give each
thread its own range; results do not depend on how the range is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels.buckets import ROOM, plan_buckets
from chongming_gis.kernels.compiled import compiled
from chongming_gis.kernels.paths import along_edge, drop_first, push, search

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]


@compiled
def _targets_reached(
    source: int,
    touched: Ints,
    n_touched: int,
    node_time: Floats,
    target_indptr: Ints,
    target_ids: Ints,
    target_times: Floats,
    source_edge: Ints,
    source_fraction: Floats,
    source_off_time: Floats,
    forward_s: Floats,
    backward_s: Floats,
    edge_indptr: Ints,
    edge_targets: Ints,
    target_fraction: Floats,
    target_off_time: Floats,
    cutoff: float,
    best: Floats,
    reached: Ints,
) -> int:
    """Fill ``best`` (all inf on entry) with the time to each target within the cutoff; ``reached`` names them."""
    n_reached = 0
    for i in range(n_touched):
        node = touched[i]
        for at in range(target_indptr[node], target_indptr[node + 1]):
            time = node_time[node] + target_times[at]
            target = target_ids[at]
            if time <= cutoff and time < best[target]:
                if best[target] == np.inf:
                    reached[n_reached] = target
                    n_reached += 1
                best[target] = time
    edge = source_edge[source]
    if edge >= 0:
        for at in range(edge_indptr[edge], edge_indptr[edge + 1]):
            target = edge_targets[at]
            time = source_off_time[source] + target_off_time[target]
            time += along_edge(forward_s[edge], backward_s[edge], source_fraction[source], target_fraction[target])
            if time <= cutoff and time < best[target]:
                if best[target] == np.inf:
                    reached[n_reached] = target
                    n_reached += 1
                best[target] = time
    return n_reached


@compiled
def pairs_within(
    start: int,
    stop: int,
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    source_nodes: Ints,
    source_times: Floats,
    source_edge: Ints,
    source_fraction: Floats,
    source_off_time: Floats,
    forward_s: Floats,
    backward_s: Floats,
    target_indptr: Ints,
    target_ids: Ints,
    target_times: Floats,
    edge_indptr: Ints,
    edge_targets: Ints,
    target_fraction: Floats,
    target_off_time: Floats,
    cutoff: float,
) -> tuple[Longs, Ints, Floats]:
    """Return (pairs per source, target of each pair, seconds), targets in ascending order within a source."""
    n_nodes = indptr.shape[0] - 1
    n_targets = target_fraction.shape[0]
    node_time = np.full(n_nodes, np.inf)
    per_second, n_buckets = plan_buckets(weights, _spread(source_times, start, stop))
    first = np.full(n_buckets, np.int32(-1), dtype=np.int32)
    after, entry_node, entry_time = np.empty(ROOM, np.int32), np.empty(ROOM, np.int32), np.empty(ROOM)
    touched = np.empty(n_nodes, dtype=np.int32)
    best = np.full(n_targets, np.inf)
    reached = np.empty(n_targets, dtype=np.int32)
    per_source = np.zeros(stop - start, dtype=np.int64)
    columns = np.empty(1024, dtype=np.int32)
    seconds = np.empty(1024)
    n_pairs = 0
    for source in range(start, stop):
        n_touched, after, entry_node, entry_time = _seeded_search(
            source, indptr, indices, weights, source_nodes, source_times, cutoff, node_time, per_second, first, after,
            entry_node, entry_time, touched,
        )  # fmt: skip
        n_reached = _targets_reached(
            source, touched, n_touched, node_time, target_indptr, target_ids, target_times, source_edge,
            source_fraction, source_off_time, forward_s, backward_s, edge_indptr, edge_targets, target_fraction,
            target_off_time, cutoff, best, reached,
        )  # fmt: skip
        while n_pairs + n_reached > columns.shape[0]:
            columns = np.concatenate((columns, np.empty_like(columns)))
            seconds = np.concatenate((seconds, np.empty_like(seconds)))
        reached[:n_reached].sort()
        for i in range(n_reached):
            target = reached[i]
            columns[n_pairs] = target
            seconds[n_pairs] = best[target]
            best[target] = np.inf
            n_pairs += 1
        per_source[source - start] = n_reached
        for i in range(n_touched):
            node_time[touched[i]] = np.inf
    return per_source, columns[:n_pairs].copy(), seconds[:n_pairs].copy()


@compiled
def own_pairs_within(
    start: int,
    stop: int,
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    source_nodes: Ints,
    source_times: Floats,
    source_edge: Ints,
    source_fraction: Floats,
    source_off_time: Floats,
    forward_s: Floats,
    backward_s: Floats,
    target_indptr: Ints,
    target_ids: Ints,
    target_times: Floats,
    edge_indptr: Ints,
    edge_targets: Ints,
    target_fraction: Floats,
    target_off_time: Floats,
    cutoff: float,
    source_group: Ints,
    target_group: Ints,
    n_own: Ints,
) -> tuple[Longs, Ints, Floats]:
    """Return the pairs of one group (source, target) within the cutoff, as ``pairs_within`` does.

    ``n_own`` is the number of targets of each source's group that stand on an edge: a search ends once all of them are
    reached and nothing that is still open can be nearer, however far the cutoff is.
    """
    n_nodes = indptr.shape[0] - 1
    n_targets = target_fraction.shape[0]
    node_time = np.full(n_nodes, np.inf)
    heap_time = np.empty(indices.shape[0] + 4)
    heap_node = np.empty(indices.shape[0] + 4, dtype=np.int32)
    touched = np.empty(n_nodes, dtype=np.int32)
    best = np.full(n_targets, np.inf)
    reached = np.empty(n_targets, dtype=np.int32)
    per_source = np.zeros(stop - start, dtype=np.int64)
    columns = np.empty(1024, dtype=np.int32)
    seconds = np.empty(1024)
    n_pairs = 0
    for source in range(start, stop):
        group = source_group[source]
        bound = cutoff if n_own[source] > 0 else -np.inf
        n_reached = 0
        n_touched = 0
        size = 0
        edge = source_edge[source]
        if edge >= 0:
            for at in range(edge_indptr[edge], edge_indptr[edge + 1]):
                target = edge_targets[at]
                time = source_off_time[source] + target_off_time[target]
                time += along_edge(forward_s[edge], backward_s[edge], source_fraction[source], target_fraction[target])
                if target_group[target] == group and time <= cutoff and time < best[target]:
                    if best[target] == np.inf:
                        reached[n_reached] = target
                        n_reached += 1
                    best[target] = time
        for side in range(2):
            node = source_nodes[source, side]
            if node >= 0 and source_times[source, side] <= bound and source_times[source, side] < node_time[node]:
                if node_time[node] == np.inf:
                    touched[n_touched] = node
                    n_touched += 1
                node_time[node] = source_times[source, side]
                size = push(heap_time, heap_node, size, node_time[node], node)
        is_whole = False
        while size > 0:
            if not is_whole and n_reached == n_own[source]:
                is_whole = True
                bound = 0.0
                for i in range(n_reached):
                    bound = max(bound, best[reached[i]])
            time = heap_time[0]
            node = heap_node[0]
            if time > bound:
                break
            size = drop_first(heap_time, heap_node, size)
            if time > node_time[node]:
                continue
            for at in range(target_indptr[node], target_indptr[node + 1]):
                target = target_ids[at]
                there = time + target_times[at]
                if target_group[target] == group and there <= cutoff and there < best[target]:
                    if best[target] == np.inf:
                        reached[n_reached] = target
                        n_reached += 1
                    best[target] = there
            for arc in range(indptr[node], indptr[node + 1]):
                there = time + weights[arc]
                neighbour = indices[arc]
                if there <= bound and there < node_time[neighbour]:
                    if node_time[neighbour] == np.inf:
                        touched[n_touched] = neighbour
                        n_touched += 1
                    node_time[neighbour] = there
                    size = push(heap_time, heap_node, size, there, neighbour)
        while n_pairs + n_reached > columns.shape[0]:
            columns = np.concatenate((columns, np.empty_like(columns)))
            seconds = np.concatenate((seconds, np.empty_like(seconds)))
        reached[:n_reached].sort()
        for i in range(n_reached):
            target = reached[i]
            columns[n_pairs] = target
            seconds[n_pairs] = best[target]
            best[target] = np.inf
            n_pairs += 1
        per_source[source - start] = n_reached
        for i in range(n_touched):
            node_time[touched[i]] = np.inf
    return per_source, columns[:n_pairs].copy(), seconds[:n_pairs].copy()


@compiled
def counts_within(
    start: int,
    stop: int,
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    source_nodes: Ints,
    source_times: Floats,
    source_edge: Ints,
    source_fraction: Floats,
    source_off_time: Floats,
    forward_s: Floats,
    backward_s: Floats,
    target_indptr: Ints,
    target_ids: Ints,
    target_times: Floats,
    edge_indptr: Ints,
    edge_targets: Ints,
    target_fraction: Floats,
    target_off_time: Floats,
    cutoff: float,
    target_limit: Floats,
) -> Ints:
    """Return for each target the number of sources from which it is within its own limit (at most the cutoff)."""
    n_nodes = indptr.shape[0] - 1
    n_targets = target_fraction.shape[0]
    node_time = np.full(n_nodes, np.inf)
    per_second, n_buckets = plan_buckets(weights, _spread(source_times, start, stop))
    first = np.full(n_buckets, np.int32(-1), dtype=np.int32)
    after, entry_node, entry_time = np.empty(ROOM, np.int32), np.empty(ROOM, np.int32), np.empty(ROOM)
    touched = np.empty(n_nodes, dtype=np.int32)
    best = np.full(n_targets, np.inf)
    reached = np.empty(n_targets, dtype=np.int32)
    counts = np.zeros(n_targets, dtype=np.int32)
    for source in range(start, stop):
        n_touched, after, entry_node, entry_time = _seeded_search(
            source, indptr, indices, weights, source_nodes, source_times, cutoff, node_time, per_second, first, after,
            entry_node, entry_time, touched,
        )  # fmt: skip
        n_reached = _targets_reached(
            source, touched, n_touched, node_time, target_indptr, target_ids, target_times, source_edge,
            source_fraction, source_off_time, forward_s, backward_s, edge_indptr, edge_targets, target_fraction,
            target_off_time, cutoff, best, reached,
        )  # fmt: skip
        for i in range(n_reached):
            target = reached[i]
            if best[target] <= target_limit[target]:
                counts[target] += 1
            best[target] = np.inf
        for i in range(n_touched):
            node_time[touched[i]] = np.inf
    return counts


@compiled
def nodes_within(
    start: int,
    stop: int,
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    source_nodes: Ints,
    source_times: Floats,
    search_limit: float,
    cutoff: float,
    parts: float,
) -> tuple[Longs, Ints, Floats]:
    """Return (nodes per source, node, seconds) within the cutoff, nodes in ascending order within a source.

    Seconds are rounded to ``parts`` of one, and then compared with the cutoff; searches go up to ``search_limit``.
    """
    n_nodes = indptr.shape[0] - 1
    node_time = np.full(n_nodes, np.inf)
    per_second, n_buckets = plan_buckets(weights, _spread(source_times, start, stop))
    first = np.full(n_buckets, np.int32(-1), dtype=np.int32)
    after, entry_node, entry_time = np.empty(ROOM, np.int32), np.empty(ROOM, np.int32), np.empty(ROOM)
    touched = np.empty(n_nodes, dtype=np.int32)
    other, counts = np.empty(ROOM, dtype=np.int32), np.empty(_DIGIT, dtype=np.int64)
    per_source = np.zeros(stop - start, dtype=np.int64)
    columns = np.empty(1024, dtype=np.int32)
    seconds = np.empty(1024)
    n_pairs = 0
    for source in range(start, stop):
        n_touched, after, entry_node, entry_time = _seeded_search(
            source, indptr, indices, weights, source_nodes, source_times, search_limit, node_time, per_second, first,
            after, entry_node, entry_time, touched,
        )  # fmt: skip
        while n_pairs + n_touched > columns.shape[0]:
            columns = np.concatenate((columns, np.empty_like(columns)))
            seconds = np.concatenate((seconds, np.empty_like(seconds)))
        if n_touched > other.shape[0]:
            other = np.empty(max(n_touched, 2 * other.shape[0]), dtype=np.int32)
        _sort(touched[:n_touched], other, counts)
        before = n_pairs
        for i in range(n_touched):
            node = touched[i]
            time = np.rint(node_time[node] * parts) / parts
            node_time[node] = np.inf
            if time <= cutoff:
                columns[n_pairs] = node
                seconds[n_pairs] = time
                n_pairs += 1
        per_source[source - start] = n_pairs - before
    return per_source, columns[:n_pairs].copy(), seconds[:n_pairs].copy()


_DIGIT = 2048  # values of a digit: the counts stay in the nearest cache
_FEW = 256  # where comparing is as fast


@compiled
def _sort(values: Ints, other: Ints, counts: Longs) -> None:
    """Sort numbers by their digits, the last first; ``other`` is as long at least."""
    n = values.shape[0]
    if n < _FEW:
        values.sort()
        return
    low, high = values[0], values[0]
    for i in range(n):
        low, high = min(low, values[i]), max(high, values[i])
    span, unit = np.int64(high) - low, np.int64(1)
    is_here = True  # the numbers are in ``values``
    while unit <= span:
        into = other if is_here else values
        out = values if is_here else other
        counts[:] = 0
        for i in range(n):
            counts[(np.int64(out[i]) - low) // unit % _DIGIT] += 1
        place = 0
        for digit in range(_DIGIT):
            place, counts[digit] = place + counts[digit], place
        for i in range(n):
            digit = (np.int64(out[i]) - low) // unit % _DIGIT
            into[counts[digit]] = out[i]
            counts[digit] += 1
        unit *= _DIGIT
        is_here = not is_here
    if not is_here:
        values[:] = other[:n]


@compiled
def _spread(source_times: Floats, start: int, stop: int) -> float:
    """Return the most seconds between the two times with which one source begins."""
    most = 0.0
    for source in range(start, stop):
        apart = abs(source_times[source, 0] - source_times[source, 1])
        if apart < np.inf:  # nan and inf: an end is closed
            most = max(most, apart)
    return most


@compiled
def _seeded_search(
    source: int,
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    source_nodes: Ints,
    source_times: Floats,
    cutoff: float,
    node_time: Floats,
    per_second: float,
    first: Ints,
    after: Ints,
    entry_node: Ints,
    entry_time: Floats,
    touched: Ints,
) -> tuple[int, Ints, Ints, Floats]:
    """Search from one source's entries; -1 among its nodes means that this end of its edge is closed.

    The entries' arrays come back, as they may have grown.
    """
    seeds = np.empty(2, dtype=np.int32)
    times = np.empty(2)
    n = 0
    for side in range(2):
        if source_nodes[source, side] >= 0:
            seeds[n] = source_nodes[source, side]
            times[n] = source_times[source, side]
            n += 1
    n_touched = search(
        indptr, indices, weights, seeds[:n], times[:n], cutoff, node_time, per_second, first, after, entry_node,
        entry_time, touched,
    )  # fmt: skip
    while n_touched < 0:
        room = 2 * after.shape[0]
        after, entry_node, entry_time = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
        n_touched = search(
            indptr, indices, weights, seeds[:n], times[:n], cutoff, node_time, per_second, first, after, entry_node,
            entry_time, touched,
        )  # fmt: skip
    return n_touched, after, entry_node, entry_time
