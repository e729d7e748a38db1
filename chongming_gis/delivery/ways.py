"""The way a vehicle really takes: its length, its line on the roads, and whether it crosses by ferry.

Times are those of ``travel`` (the same graph, entries and cutoff); here the way behind a time is kept. Of several
equally fast ways one is given, the same one every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely import ops

from chongming_gis.kernels import ways as kernel
from chongming_gis.kernels.threads import over_ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from chongming_gis.network import Network, SnappedPoints

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]

_SLACK_S = 1e-6  # as travel rounds
_SAME_EDGE = -1


@dataclass(frozen=True, slots=True)
class Arcs:
    """The arcs of a network's outward graph: which edge each one is, which way along it, and how long."""

    edge: Ints
    is_forward: npt.NDArray[np.bool_]
    length_m: Floats


@dataclass(frozen=True, slots=True)
class Way:
    """One fastest way between two points: its line from point to point, and what it runs on."""

    line: shapely.LineString
    time_s: float  # inf = there is none, and the line is empty
    edges: Ints  # in the order in which they are used


def arcs_of(network: Network) -> Arcs:
    """Return what the arcs of ``network.outward`` are, in its order."""
    along, against = (np.flatnonzero(np.isfinite(s)) for s in (network.forward_s, network.backward_s))
    start = np.concatenate([network.tail[along], network.head[against]])
    order = np.argsort(start, kind="stable")
    edge = np.concatenate([along, against])[order].astype(np.int32)
    is_forward = np.concatenate([np.ones(len(along), dtype=bool), np.zeros(len(against), dtype=bool)])[order]
    return Arcs(edge, is_forward, np.ascontiguousarray(network.length_m[edge]))


def measure_ways(network: Network, points: SnappedPoints, *, cutoff_s: float) -> tuple[Floats, Floats]:
    """Return seconds and metres of the fastest way from every point to every other; inf beyond the cutoff.

    Parameters
    ----------
    points : snapped to this network; few, since the answer is a table of all with all.

    Notes
    -----
    Metres are those on the network; the legs between points and roads are in the seconds only.
    """
    n = len(points)
    if n == 0:
        return np.zeros((0, 0)), np.zeros((0, 0))
    run: Callable[..., tuple[Floats, Floats]] = kernel.lengths_from
    arguments = _arguments(network, arcs_of(network), points)
    parts = over_ranges(n, lambda a, b: run(a, b, *arguments, cutoff_s + _SLACK_S))
    times, lengths = (np.concatenate(part) for part in zip(*parts, strict=True))
    return np.round(times, 6), lengths


def _arguments(network: Network, arcs: Arcs, points: SnappedPoints) -> tuple[Any, ...]:
    graph = network.outward
    entries, exits = (_ends(network, points, is_exit=is_exit) for is_exit in (False, True))
    return (
        graph.indptr, graph.indices, graph.weights, arcs.length_m, *entries, *exits, points.edge, points.fraction,
        points.off_network_s, network.forward_s, network.backward_s, network.length_m,
    )  # fmt: skip


def _ends(network: Network, points: SnappedPoints, *, is_exit: bool) -> tuple[Ints, Floats, Floats]:
    """Return through which nodes (n, 2) points enter the network or leave it, with seconds and metres; -1 = not.

    A point at the very end of an edge stands on that node, whatever directions the edge allows (as in ``travel``).
    """
    nodes = np.full((len(points), 2), -1, dtype=np.int32)
    times = np.full((len(points), 2), np.inf)
    lengths = np.full((len(points), 2), np.inf)
    found = np.flatnonzero(points.edge >= 0)
    edge, fraction = points.edge[found], points.fraction[found]
    to_tail = network.forward_s if is_exit else network.backward_s
    to_head = network.backward_s if is_exit else network.forward_s
    for side, (end, whole_s, share) in enumerate(
        ((network.tail, to_tail, fraction), (network.head, to_head, 1.0 - fraction))
    ):
        along = np.zeros(len(found))
        np.multiply(share, whole_s[edge], out=along, where=share > 0)
        is_open = np.isfinite(along)
        nodes[found[is_open], side] = end[edge[is_open]]
        times[found, side] = along + points.off_network_s[found]
        lengths[found, side] = share * network.length_m[edge]
    return nodes, times, lengths


def trace_way(network: Network, arcs: Arcs, points: SnappedPoints, places: Floats, *, cutoff_s: float) -> Way:
    """Return the fastest way from the first of two points to the second.

    Parameters
    ----------
    points : two, snapped to this network.
    places : (2, 2), where they really lie, in the network's CRS.
    """
    entry_nodes, entry_s, entry_m = _ends(network, points.take(np.array([0])), is_exit=False)
    exit_nodes, exit_s, _ = _ends(network, points.take(np.array([1])), is_exit=True)
    graph = network.outward
    limit = cutoff_s + _SLACK_S
    search: Callable[..., tuple[Floats, Floats, Ints]] = kernel.way_tree
    node_s, _, reached_by = search(
        graph.indptr, graph.indices, graph.weights, arcs.length_m, entry_nodes[0], entry_s[0], entry_m[0], limit
    )
    best_s, side = _straight_along(network, points), _SAME_EDGE
    for at in (0, 1):
        if exit_nodes[0, at] >= 0 and node_s[exit_nodes[0, at]] + exit_s[0, at] < best_s:
            best_s, side = float(node_s[exit_nodes[0, at]] + exit_s[0, at]), at
    if not best_s <= limit:
        return Way(shapely.LineString(), np.inf, np.empty(0, dtype=np.int32))
    start_edge, end_edge = int(points.edge[0]), int(points.edge[1])
    if side == _SAME_EDGE:
        parts, edges = [_part(network, start_edge, points.fraction[0], points.fraction[1])], [start_edge]
    else:
        chain, seed = _unpack(reached_by, arcs, network, int(exit_nodes[0, side]))
        middle = [_whole(network, int(arcs.edge[arc]), is_forward=bool(arcs.is_forward[arc])) for arc in chain]
        first = _part(network, start_edge, points.fraction[0], float(seed))
        last = _part(network, end_edge, float(side), points.fraction[1])
        parts = [first, *middle, last]
        edges = [start_edge, *(int(arcs.edge[arc]) for arc in chain), end_edge]
    line = _joined([places[:1], *parts, places[1:]])
    return Way(line, round(best_s, 6), np.array(edges, dtype=np.int32))


def _straight_along(network: Network, points: SnappedPoints) -> float:
    """Return the seconds along the edge that both points stand on; inf where there is no such way."""
    edge = int(points.edge[0])
    if edge < 0 or edge != points.edge[1]:
        return np.inf
    share = float(points.fraction[1] - points.fraction[0])
    whole = network.forward_s[edge] if share > 0 else network.backward_s[edge]
    return float(points.off_network_s.sum() + (abs(share) * whole if share != 0.0 else 0.0))


def _unpack(reached_by: Ints, arcs: Arcs, network: Network, node: int) -> tuple[list[int], int]:
    """Return the arcs that lead to a node, and by which end (0 = tail, 1 = head) the start's edge was left."""
    chain: list[int] = []
    arc = int(reached_by[node])
    while arc >= 0:
        chain.append(arc)
        edge = int(arcs.edge[arc])
        node = int(network.tail[edge] if arcs.is_forward[arc] else network.head[edge])
        arc = int(reached_by[node])
    return chain[::-1], -2 - arc


def _whole(network: Network, edge: int, *, is_forward: bool) -> Floats:
    coordinates: Floats = shapely.get_coordinates(network.lines[edge])
    return coordinates if is_forward else coordinates[::-1]


def _part(network: Network, edge: int, start: float, end: float) -> Floats:
    """Return the corners of an edge's line from one fraction of it to another."""
    line = network.lines[edge]
    return np.asarray(shapely.get_coordinates(ops.substring(line, start, end, normalized=True)), dtype=float)


def _joined(parts: list[Floats]) -> shapely.LineString:
    xy = np.concatenate(parts)
    keep = np.r_[True, (np.diff(xy, axis=0) != 0.0).any(axis=1)]
    xy = xy[keep]
    return shapely.LineString(xy if len(xy) > 1 else np.repeat(xy, 2, axis=0))
