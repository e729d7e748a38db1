"""The fastest way itself: a bounded search that also keeps how long the way is and by which arc each node was reached.

Arrays are those of ``paths``; ``arc_length`` is in metres. Of equally fast ways the one found first is kept, which the
order of the arcs decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels.compiled import compiled
from chongming_gis.kernels.paths import along_edge, drop_first, push

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]


@compiled
def way_tree(
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    arc_length: Floats,
    seed_nodes: Ints,
    seed_times: Floats,
    seed_lengths: Floats,
    cutoff: float,
) -> tuple[Floats, Floats, Ints]:
    """Return for every node the seconds and metres from the seeds, and the arc by which it was reached.

    Beyond the cutoff: inf, inf, -1; a node that is best entered as seed ``s`` has arc ``-2 - s``.
    """
    n = indptr.shape[0] - 1
    node_time = np.full(n, np.inf)
    node_length = np.full(n, np.inf)
    reached_by = np.full(n, np.int32(-1), dtype=np.int32)
    heap_time = np.empty(1024)
    heap_node = np.empty(1024, dtype=np.int32)
    size = 0
    for s in range(seed_nodes.shape[0]):
        node = seed_nodes[s]
        if node < 0 or seed_times[s] > cutoff or seed_times[s] >= node_time[node]:
            continue
        node_time[node] = seed_times[s]
        node_length[node] = seed_lengths[s]
        reached_by[node] = np.int32(-2 - s)
        size = push(heap_time, heap_node, size, seed_times[s], node)
    while size > 0:
        time = heap_time[0]
        node = heap_node[0]
        size = drop_first(heap_time, heap_node, size)
        if time > node_time[node]:
            continue
        for arc in range(indptr[node], indptr[node + 1]):
            there = time + weights[arc]
            neighbour = indices[arc]
            if there <= cutoff and there < node_time[neighbour]:
                if size == heap_time.shape[0]:
                    heap_time = np.concatenate((heap_time, np.empty_like(heap_time)))
                    heap_node = np.concatenate((heap_node, np.empty_like(heap_node)))
                node_time[neighbour] = there
                node_length[neighbour] = node_length[node] + arc_length[arc]
                reached_by[neighbour] = np.int32(arc)
                size = push(heap_time, heap_node, size, there, neighbour)
    return node_time, node_length, reached_by


@compiled
def lengths_from(
    start: int,
    stop: int,
    indptr: Ints,
    indices: Ints,
    weights: Floats,
    arc_length: Floats,
    entry_nodes: Ints,
    entry_times: Floats,
    entry_lengths: Floats,
    exit_nodes: Ints,
    exit_times: Floats,
    exit_lengths: Floats,
    edge: Ints,
    fraction: Floats,
    off_time: Floats,
    forward_s: Floats,
    backward_s: Floats,
    edge_length: Floats,
    cutoff: float,
) -> tuple[Floats, Floats]:
    """Return seconds and metres on the road of the fastest ways from points ``start .. stop`` to all points.

    Arrays of points are (n,) or (n, 2): through which nodes a point enters the network and leaves it (-1 = not), with
    seconds (the off-network leg included) and metres along its edge. The shape is (stop - start, n); beyond: inf.
    """
    n = edge.shape[0]
    times = np.full((stop - start, n), np.inf)
    lengths = np.full((stop - start, n), np.inf)
    for source in range(start, stop):
        row = source - start
        if edge[source] < 0:
            continue
        node_time, node_length, _ = way_tree(
            indptr, indices, weights, arc_length,
            entry_nodes[source], entry_times[source], entry_lengths[source], cutoff,
        )  # fmt: skip
        for target in range(n):
            if edge[target] < 0:
                continue
            if edge[target] == edge[source]:
                own = edge[source]
                along = along_edge(forward_s[own], backward_s[own], fraction[source], fraction[target])
                time = off_time[source] + off_time[target] + along
                if time <= cutoff:
                    times[row, target] = time
                    lengths[row, target] = abs(fraction[target] - fraction[source]) * edge_length[edge[source]]
            for side in range(2):
                node = exit_nodes[target, side]
                if node < 0:
                    continue
                time = node_time[node] + exit_times[target, side]
                if time <= cutoff and time < times[row, target]:
                    times[row, target] = time
                    lengths[row, target] = node_length[node] + exit_lengths[target, side]
    return times, lengths
