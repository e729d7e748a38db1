"""Shortest paths on a CSR graph: a bounded search from one seed set, and labels of the k nearest sources.

Graph arrays are ``indptr`` (int32, n + 1), ``indices`` (int32, n arcs) and ``weights`` (float64 seconds, finite, not
negative). Deletion is lazy: a node is queued again when its time improves, and an entry that is worse than the node's
time is skipped when taken. Where the order of settling does not matter the queue is a ring of ``buckets``; where it
does, a 4-ary heap of (time, node).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels.buckets import ROOM, plan_buckets, put
from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]

ARITY = 4  # four children share a cache line of keys; fewer levels than a binary heap


@compiled
def push(heap_time: Floats, heap_node: Ints, size: int, time: float, node: int) -> int:
    """Put one entry on the heap; the new size comes back."""
    at = size
    while at > 0:
        above = (at - 1) // 4
        if heap_time[above] <= time:
            break
        heap_time[at] = heap_time[above]
        heap_node[at] = heap_node[above]
        at = above
    heap_time[at] = time
    heap_node[at] = node
    return size + 1


@compiled
def drop_first(heap_time: Floats, heap_node: Ints, size: int) -> int:
    """Take the first entry (already read by the caller) off the heap; the new size comes back."""
    size -= 1
    time = heap_time[size]
    node = heap_node[size]
    at = 0
    while True:
        child = 4 * at + 1
        if child >= size:
            break
        best = child
        best_time = heap_time[child]
        last = min(child + 4, size)
        for other in range(child + 1, last):
            if heap_time[other] < best_time:
                best = other
                best_time = heap_time[other]
        if best_time >= time:
            break
        heap_time[at] = best_time
        heap_node[at] = heap_node[best]
        at = best
    heap_time[at] = time
    heap_node[at] = node
    return size


@compiled
def push_labelled(
    heap_time: Floats, heap_label: Ints, heap_node: Ints, size: int, time: float, label: int, node: int
) -> int:
    """Put one entry on a heap ordered by time, then by label; the new size comes back."""
    at = size
    while at > 0:
        above = (at - 1) // 4
        if heap_time[above] < time or (heap_time[above] == time and heap_label[above] <= label):
            break
        heap_time[at] = heap_time[above]
        heap_label[at] = heap_label[above]
        heap_node[at] = heap_node[above]
        at = above
    heap_time[at] = time
    heap_label[at] = label
    heap_node[at] = node
    return size + 1


@compiled
def drop_first_labelled(heap_time: Floats, heap_label: Ints, heap_node: Ints, size: int) -> int:
    """Take the first entry (already read by the caller) off a labelled heap; the new size comes back."""
    size -= 1
    time, label, node = heap_time[size], heap_label[size], heap_node[size]
    at = 0
    while True:
        child = 4 * at + 1
        if child >= size:
            break
        best = child
        for other in range(child + 1, min(child + 4, size)):
            if heap_time[other] < heap_time[best] or (
                heap_time[other] == heap_time[best] and heap_label[other] < heap_label[best]
            ):
                best = other
        if heap_time[best] > time or (heap_time[best] == time and heap_label[best] >= label):
            break
        heap_time[at] = heap_time[best]
        heap_label[at] = heap_label[best]
        heap_node[at] = heap_node[best]
        at = best
    heap_time[at] = time
    heap_label[at] = label
    heap_node[at] = node
    return size


@compiled
def search(
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    seed_nodes: Ints,
    seed_times: Floats,
    cutoff: float,
    node_time: Floats,
    per_second: float,
    first: Ints,
    after: Ints,
    entry_node: Ints,
    entry_time: Floats,
    touched: Ints,
) -> int:
    """Fill ``node_time`` with the time from the seeds to every node within the cutoff; -1 = no room for the entries.

    ``node_time`` must be all inf on entry; the first ``n`` entries of ``touched`` (n is returned) name the nodes that
    were given a time, so that the caller can reset them. Only what is reached is touched. ``per_second`` and ``first``
    (all -1) are of ``buckets.plan_buckets`` for the spread of the seeds. On return ``first`` is all -1 again, and after
    -1 ``node_time`` is all inf.
    """
    ring, room = first.shape[0] - 1, after.shape[0]
    n_touched, n_entries, waiting, free = 0, 0, 0, -1
    bucket = np.int64(2**62)
    is_full = seed_nodes.shape[0] > room
    for s in range(0 if is_full else seed_nodes.shape[0]):
        node = seed_nodes[s]
        time = seed_times[s]
        if time <= cutoff and time < node_time[node]:
            if node_time[node] == np.inf:
                touched[n_touched] = node
                n_touched += 1
            node_time[node] = time
            place = np.int64(time * per_second)
            put(first, after, entry_node, entry_time, n_entries, place & ring, time, node)
            n_entries += 1
            waiting += 1
            bucket = min(bucket, place)
    while waiting > 0 and not is_full:
        entry = first[bucket & ring]
        if entry < 0:
            bucket += 1
            continue
        first[bucket & ring] = after[entry]
        after[entry] = free
        free = entry
        waiting -= 1
        node = entry_node[entry]
        time = entry_time[entry]
        if time > node_time[node]:
            continue
        for arc in range(indptr[node], indptr[node + 1]):
            there = time + weights[arc]
            neighbour = indices[arc]
            if there <= cutoff and there < node_time[neighbour]:
                if free >= 0:
                    new = free
                    free = after[new]
                elif n_entries < room:
                    new = n_entries
                    n_entries += 1
                else:
                    is_full = True
                    break
                if node_time[neighbour] == np.inf:
                    touched[n_touched] = neighbour
                    n_touched += 1
                node_time[neighbour] = there
                at = np.int64(there * per_second) & ring
                put(first, after, entry_node, entry_time, new, at, there, neighbour)
                waiting += 1
    if is_full:
        first[:] = -1
        for i in range(n_touched):
            node_time[touched[i]] = np.inf
        return -1
    return n_touched


@compiled
def nearest_source(
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    seed_nodes: Ints,
    seed_times: Floats,
    seed_labels: Ints,
    cutoff: float,
) -> tuple[Floats, Ints]:
    """Return for every node the time of the nearest source and its label (inf, -1 beyond the cutoff).

    Equal times go to the smaller label, whatever the order of the seeds.
    """
    n = indptr.shape[0] - 1
    node_time = np.full(n, np.inf)
    label = np.full(n, np.int32(-1), dtype=np.int32)
    earliest, latest = np.inf, 0.0
    for s in range(seed_nodes.shape[0]):
        if seed_times[s] <= cutoff:
            earliest, latest = min(earliest, seed_times[s]), max(latest, seed_times[s])
    per_second, n_buckets = plan_buckets(weights, max(latest - earliest, 0.0))
    room = max(ROOM, n // 4, seed_nodes.shape[0])
    while not _label_nodes(
        indptr, indices, weights, seed_nodes, seed_times, seed_labels, cutoff, per_second, n_buckets, room, node_time,
        label,
    ):  # fmt: skip
        room *= 2
        node_time[:] = np.inf
        label[:] = -1
    return node_time, label


@compiled
def _label_nodes(
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    seed_nodes: Ints,
    seed_times: Floats,
    seed_labels: Ints,
    cutoff: float,
    per_second: float,
    n_buckets: int,
    room: int,
    node_time: Floats,
    label: Ints,
) -> bool:
    """Fill in the times and labels of ``nearest_source``; False where the entries did not find room."""
    first = np.full(n_buckets, np.int32(-1), dtype=np.int32)
    after, entry_node, entry_time = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
    ring = n_buckets - 1
    n_entries, waiting, free = 0, 0, -1
    bucket = np.int64(2**62)
    for s in range(seed_nodes.shape[0]):
        node = seed_nodes[s]
        time = seed_times[s]
        if time <= cutoff and (time < node_time[node] or (time == node_time[node] and seed_labels[s] < label[node])):
            label[node] = seed_labels[s]
            if time < node_time[node]:
                node_time[node] = time
                place = np.int64(time * per_second)
                put(first, after, entry_node, entry_time, n_entries, place & ring, time, node)
                n_entries += 1
                waiting += 1
                bucket = min(bucket, place)
    while waiting > 0:
        entry = first[bucket & ring]
        if entry < 0:
            bucket += 1
            continue
        first[bucket & ring] = after[entry]
        after[entry] = free
        free = entry
        waiting -= 1
        node = entry_node[entry]
        time = entry_time[entry]
        if time > node_time[node]:
            continue
        own = label[node]
        for arc in range(indptr[node], indptr[node + 1]):
            there = time + weights[arc]
            neighbour = indices[arc]
            if there > cutoff:
                continue
            if there < node_time[neighbour] or (there == node_time[neighbour] and own < label[neighbour]):
                node_time[neighbour] = there
                label[neighbour] = own
                if free >= 0:
                    new = free
                    free = after[new]
                elif n_entries < room:
                    new = n_entries
                    n_entries += 1
                else:
                    return False
                at = np.int64(there * per_second) & ring
                put(first, after, entry_node, entry_time, new, at, there, neighbour)
                waiting += 1
    return True


@compiled
def k_nearest_sources(
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    seed_nodes: Ints,
    seed_times: Floats,
    seed_labels: Ints,
    cutoff: float,
    k: int,
) -> tuple[Floats, Ints]:
    """Return for every node the times and labels of its k nearest sources, nearest first (inf, -1 where fewer).

    Each node is settled at most k times, by k different sources. Equal times go to the smaller label, whatever the
    order of the seeds: the heap is ordered by label within a time, and no arc changes a label or shortens a time.
    """
    n = indptr.shape[0] - 1
    times = np.full((n, k), np.inf)
    labels = np.full((n, k), np.int32(-1), dtype=np.int32)
    count = np.zeros(n, dtype=np.int32)
    capacity = max(1024, 2 * seed_nodes.shape[0])
    heap_time = np.empty(capacity)
    heap_label = np.empty(capacity, dtype=np.int32)
    heap_node = np.empty(capacity, dtype=np.int32)
    size = 0
    for s in range(seed_nodes.shape[0]):
        if seed_times[s] <= cutoff:
            size = push_labelled(heap_time, heap_label, heap_node, size, seed_times[s], seed_labels[s], seed_nodes[s])
    while size > 0:
        time = heap_time[0]
        source = heap_label[0]
        node = heap_node[0]
        size = drop_first_labelled(heap_time, heap_label, heap_node, size)
        if count[node] == k or _holds(labels, node, count[node], source):
            continue
        times[node, count[node]] = time
        labels[node, count[node]] = source
        count[node] += 1
        for arc in range(indptr[node], indptr[node + 1]):
            there = time + weights[arc]
            neighbour = indices[arc]
            if there > cutoff or count[neighbour] == k or _holds(labels, neighbour, count[neighbour], source):
                continue
            if size == heap_time.shape[0]:
                heap_time = np.concatenate((heap_time, np.empty_like(heap_time)))
                heap_label = np.concatenate((heap_label, np.empty_like(heap_label)))
                heap_node = np.concatenate((heap_node, np.empty_like(heap_node)))
            size = push_labelled(heap_time, heap_label, heap_node, size, there, source, neighbour)
    return times, labels


@compiled
def _holds(labels: Ints, node: int, count: int, source: int) -> bool:
    for i in range(count):  # noqa: SIM110 - a loop compiles to less than a generator
        if labels[node, i] == source:
            return True
    return False


@compiled
def along_edge(forward_s: float, backward_s: float, start: float, end: float) -> float:
    """Return the time along one edge from fraction ``start`` to ``end`` (inf where that direction is closed)."""
    if end > start:
        return (end - start) * forward_s if forward_s < np.inf else np.inf
    if end < start:
        return (start - end) * backward_s if backward_s < np.inf else np.inf
    return 0.0


@compiled
def nearest_of_points(
    node_times: Floats,
    node_labels: Ints,
    tail: Ints,
    head: Ints,
    own_edge: Ints,
    fraction: Floats,
    off_time: Floats,
    forward_s: Floats,
    backward_s: Floats,
    edge_indptr: Ints,
    edge_targets: Ints,
    target_fraction: Floats,
    target_off_time: Floats,
    cutoff: float,
) -> tuple[Floats, Ints]:
    """Return the k nearest targets of each point from the labels of its edge's two ends and the targets on its edge.

    ``node_times`` and ``node_labels`` are (n nodes, k) labels *towards* the targets, their off-network legs included;
    ``tail``, ``head``, ``forward_s`` and ``backward_s`` are those of each edge, the seconds for travel from the point
    to the target. A point at the very end of its edge stands on that node, whatever directions the edge allows.
    """
    n_points = own_edge.shape[0]
    k = node_times.shape[1]
    best_time = np.full((n_points, k), np.inf)
    best_label = np.full((n_points, k), np.int32(-1), dtype=np.int32)
    for p in range(n_points):
        edge = own_edge[p]
        if edge < 0:
            continue
        for side in range(2):
            node = tail[edge] if side == 0 else head[edge]
            share = fraction[p] if side == 0 else 1.0 - fraction[p]
            along = share * (backward_s[edge] if side == 0 else forward_s[edge]) if share > 0.0 else 0.0
            if along == np.inf:
                continue
            for i in range(k):
                if node_labels[node, i] < 0:
                    break
                time = off_time[p] + along + node_times[node, i]
                if time <= cutoff:
                    _keep(best_time, best_label, p, time, node_labels[node, i])
        for at in range(edge_indptr[edge], edge_indptr[edge + 1]):
            target = edge_targets[at]
            time = off_time[p] + target_off_time[target]
            time += along_edge(forward_s[edge], backward_s[edge], fraction[p], target_fraction[target])
            if time <= cutoff and time < np.inf:  # inf: against the one way that the edge allows
                _keep(best_time, best_label, p, time, target)
    return best_time, best_label


@compiled
def _keep(best_time: Floats, best_label: Ints, p: int, time: float, label: int) -> None:
    """Insert a (time, label) into a point's sorted list of k, once a label, ties by label."""
    k = best_time.shape[1]
    at = k - 1
    for i in range(k):
        if best_label[p, i] == label:
            if best_time[p, i] <= time:
                return
            at = i
            break
    else:
        if best_label[p, at] >= 0 and (
            best_time[p, at] < time or (best_time[p, at] == time and best_label[p, at] < label)
        ):
            return
    while at > 0 and (
        best_label[p, at - 1] < 0
        or best_time[p, at - 1] > time
        or (best_time[p, at - 1] == time and best_label[p, at - 1] > label)
    ):
        best_time[p, at] = best_time[p, at - 1]
        best_label[p, at] = best_label[p, at - 1]
        at -= 1
    best_time[p, at] = time
    best_label[p, at] = label
