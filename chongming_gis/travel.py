"""Travel times between points on a network: pairs within a cutoff, the nearest few, counts, and reached nodes.

A time is off-network leg + along the edge + network + along the edge + off-network leg, in seconds. All searches are
exact. Times are rounded to a microsecond, so that "within 900 s, upper bound inclusive" never hangs on the last bit of
a sum; results depend neither on the number of threads nor on which side a search starts from beyond that rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import geopandas as gpd
import numpy as np
from scipy import sparse

from chongming_gis.errors import NetworkError
from chongming_gis.kernels import catchments, paths
from chongming_gis.kernels.threads import over_ranges
from chongming_gis.network import Graph, Network, SnappedPoints, snap_points

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]

Value = TypeVar("Value")
Points: TypeAlias = SnappedPoints | gpd.GeoSeries
Direction = Literal["to_destination", "from_destination"]
DIRECTIONS: tuple[Direction, ...] = ("to_destination", "from_destination")

DECIMALS_S = 6
_SLACK_S = 10.0**-DECIMALS_S  # searches go this much farther, so that rounding decides at the cutoff


@dataclass(frozen=True, slots=True)
class TravelTimes:
    """A sparse matrix of seconds: rows are origins, columns destinations.

    A pair that is not stored is beyond ``cutoff_s``; a stored 0 is a 0. Columns ascend within a row.
    """

    matrix: sparse.csr_matrix
    cutoff_s: float

    @property
    def n_pairs(self) -> int:
        """The number of pairs within the cutoff."""
        return int(self.matrix.nnz)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest destinations of each origin, nearest first: arrays (n origins, k); inf and -1 where there is none."""

    time_s: Floats
    destination: Ints


@dataclass(frozen=True, slots=True)
class _Way:
    """A network travelled one way: outward with the traffic, or inward against it."""

    graph: Graph
    forward_s: Floats
    backward_s: Floats


@dataclass(frozen=True, slots=True)
class _Targets:
    """Points hung on nodes and edges, as the kernels want them."""

    node_indptr: Ints
    node_targets: Ints
    node_times: Floats
    edge_indptr: Ints
    edge_targets: Ints
    fraction: Floats
    off_network_s: Floats


def travel_times(network: Network, origins: Points, destinations: Points, *, cutoff_s: float) -> TravelTimes:
    """Return the seconds from every origin to every destination within a cutoff.

    Parameters
    ----------
    origins, destinations : snapped points, or points in the network's CRS (then they are snapped).
    cutoff_s : upper bound, inclusive.

    Raises
    ------
    NetworkError
        The cutoff is not a positive number, or points were snapped to another network.

    Notes
    -----
    Bounded Dijkstra (1959) from the side that has fewer points, on the reverse graph where that is the destinations;
    memory is that of the pairs found.
    """
    _check_cutoff(cutoff_s)
    start, end = _snapped(network, origins), _snapped(network, destinations)
    if len(end) < len(start):
        per_source, columns, seconds = _pairs(network, end, start, "from_destination", cutoff_s)
        matrix = _matrix(per_source, columns, seconds, (len(end), len(start)), cutoff_s).transpose().tocsr()
    else:
        per_source, columns, seconds = _pairs(network, start, end, "to_destination", cutoff_s)
        matrix = _matrix(per_source, columns, seconds, (len(start), len(end)), cutoff_s)
    matrix.sort_indices()
    return TravelTimes(matrix=matrix, cutoff_s=float(cutoff_s))


def times_within_groups(
    network: Network,
    origins: Points,
    destinations: Points,
    *,
    groups: tuple[Ints, Ints],
    cutoff_s: float = np.inf,
    direction: Direction = "to_destination",
) -> TravelTimes:
    """Return the seconds between origins and destinations of the same group, e.g. of one township.

    Parameters
    ----------
    groups : the group of each origin and of each destination; a negative number belongs to none.
    cutoff_s : upper bound, inclusive.
    direction : ``to_destination`` (a resident goes there) or ``from_destination`` (a delivery comes from there); rows
        are origins either way.

    Notes
    -----
    One search a destination, which ends as soon as all origins of its group are reached: a far cutoff costs nothing
    where everyone can get there.
    """
    _check_cutoff(cutoff_s)
    start, end = _snapped(network, origins), _snapped(network, destinations)
    own, theirs = (np.asarray(group, dtype=np.int32) for group in groups)
    if own.shape != (len(start),) or theirs.shape != (len(end),):
        raise NetworkError(f"groups need one number for each of {len(start)} origins and {len(end)} destinations")
    from_end: Direction = "from_destination" if direction == "to_destination" else "to_destination"
    way, back = _ways(network, from_end)
    arguments = _kernel_arguments(network, end, start, way, back)
    n_own = _group_sizes(own[start.edge >= 0], theirs)
    own = np.where(own < 0, -1, own).astype(np.int32)
    theirs = np.where(theirs < 0, -2, theirs).astype(np.int32)
    pairs: Callable[..., tuple[Longs, Ints, Floats]] = catchments.own_pairs_within
    parts = over_ranges(len(end), lambda a, b: pairs(a, b, *arguments, cutoff_s + _SLACK_S, theirs, own, n_own))
    if not parts:
        return TravelTimes(sparse.csr_matrix((len(start), len(end))), float(cutoff_s))
    matrix = _matrix(*_joined(parts), (len(end), len(start)), cutoff_s).transpose().tocsr()
    matrix.sort_indices()
    return TravelTimes(matrix=matrix, cutoff_s=float(cutoff_s))


def _group_sizes(members: Ints, groups: Ints) -> Ints:
    """Return for each of some groups how many members it has; a negative group has none."""
    if len(groups) == 0:
        return np.zeros(0, dtype=np.int32)
    sizes = np.bincount(members[members >= 0], minlength=max(int(groups.max()) + 1, 1))
    return np.where(groups >= 0, sizes[np.maximum(groups, 0)], 0).astype(np.int32)


def nearest(
    network: Network,
    origins: Points,
    destinations: Points,
    *,
    cutoff_s: float = np.inf,
    k: int = 1,
    direction: Direction = "to_destination",
) -> Nearest:
    """Return the k nearest destinations of each origin.

    Parameters
    ----------
    origins, destinations : snapped points, or points in the network's CRS (then they are snapped).
    cutoff_s : upper bound, inclusive; destinations beyond it count as none.
    k : how many; where fewer are within reach the rest is inf and -1.
    direction : ``to_destination`` (a resident goes there) or ``from_destination`` (a delivery comes from there).

    Raises
    ------
    NetworkError
        The cutoff or k is not positive, or points were snapped to another network.

    Notes
    -----
    One search from all destinations at once that keeps the k nearest labels of each node; equal times go to the
    destination that stands first.
    """
    _check_cutoff(cutoff_s)
    if k < 1:
        raise NetworkError(f"k = {k}: ask for at least one destination")
    start, end = _snapped(network, origins), _snapped(network, destinations)
    way, back = _ways(network, direction)
    seed_nodes, seed_times = _entries(network, end, back)
    node, side = np.nonzero(seed_nodes >= 0)
    seeds = (seed_nodes[node, side], seed_times[node, side], node.astype(np.int32))
    limit = cutoff_s + _SLACK_S
    graph = (back.graph.indptr, back.graph.indices, back.graph.weights)
    if k == 1:
        node_time, label = paths.nearest_source(*graph, *seeds, limit)
        node_time, label = node_time[:, np.newaxis], label[:, np.newaxis]
    else:
        node_time, label = paths.k_nearest_sources(*graph, *seeds, limit, k)
    targets = _hang(network, end, back)
    time_s, destination = paths.nearest_of_points(
        node_time, label, network.tail, network.head, start.edge, start.fraction, start.off_network_s, way.forward_s,
        way.backward_s, targets.edge_indptr, targets.edge_targets, targets.fraction, targets.off_network_s, limit,
    )  # fmt: skip
    time_s = np.round(time_s, DECIMALS_S)
    beyond = time_s > cutoff_s
    return Nearest(np.where(beyond, np.inf, time_s), np.where(beyond, -1, destination).astype(np.int32))


def count_within(
    network: Network,
    origins: Points,
    destinations: Points,
    *,
    limit_s: Floats,
    direction: Direction = "to_destination",
) -> Ints:
    """Return for each origin how many destinations are within its own limit.

    Parameters
    ----------
    limit_s : one limit an origin, inclusive; shape (n origins,).

    Notes
    -----
    The pairs are counted as they are found and never stored.
    """
    start, end = _snapped(network, origins), _snapped(network, destinations)
    limit_s = np.asarray(limit_s, dtype=float)
    if limit_s.shape != (len(start),) or np.isnan(limit_s).any():
        raise NetworkError(f"limit_s needs one number for each of the {len(start)} origins, without NaN")
    if len(start) == 0 or len(end) == 0:
        return np.zeros(len(start), dtype=np.int32)
    way, back = _ways(network, direction)
    arguments = _kernel_arguments(network, end, start, back, way)
    cutoff = float(limit_s.max()) + _SLACK_S
    counts: Callable[..., Ints] = catchments.counts_within
    parts = over_ranges(len(end), lambda a, b: counts(a, b, *arguments, cutoff, limit_s + _SLACK_S / 2.0))
    return np.asarray(np.sum(parts, axis=0), dtype=np.int32)


def reached_nodes(
    network: Network, origins: Points, *, cutoff_s: float, direction: Direction = "to_destination"
) -> sparse.csr_matrix:
    """Return the seconds from each origin to every network node within a cutoff: CSR (n origins, n nodes).

    Parameters
    ----------
    direction : ``from_destination`` gives the seconds from the nodes to the points instead.
    """
    _check_cutoff(cutoff_s)
    start = _snapped(network, origins)
    way, _ = _ways(network, direction)
    nodes, times = _entries(network, start, way)
    graph = (way.graph.indptr, way.graph.indices, way.graph.weights)
    limits = (cutoff_s + _SLACK_S, cutoff_s, 10.0**DECIMALS_S)
    within: Callable[..., tuple[Longs, Ints, Floats]] = catchments.nodes_within
    parts = over_ranges(len(start), lambda a, b: within(a, b, *graph, nodes, times, *limits))
    per_source, columns, seconds = _joined(parts)
    indptr = np.concatenate([[0], np.cumsum(per_source)])
    return sparse.csr_matrix((seconds, columns, indptr), shape=(len(start), network.n_nodes))


def _check_cutoff(cutoff_s: float) -> None:
    if not cutoff_s > 0:
        raise NetworkError(f"cutoff_s = {cutoff_s}: must be a positive number of seconds")


def _snapped(network: Network, points: Points) -> SnappedPoints:
    if not isinstance(points, SnappedPoints):
        return snap_points(network, points)
    if len(points) and points.edge.max() >= network.n_edges:
        raise NetworkError("these points were snapped to another network: snap them to this one")
    return points


def _ways(network: Network, direction: Direction) -> tuple[_Way, _Way]:
    """Return the way in which origins travel, and its reverse."""
    if direction not in DIRECTIONS:
        raise NetworkError(f"direction = {direction!r}: is none of {', '.join(DIRECTIONS)}")
    outward = _Way(network.outward, network.forward_s, network.backward_s)
    inward = _Way(network.inward, network.backward_s, network.forward_s)
    return (outward, inward) if direction == "to_destination" else (inward, outward)


def _entries(network: Network, points: SnappedPoints, way: _Way) -> tuple[Ints, Floats]:
    """Return the nodes (n, 2) through which points enter the network, and the seconds to them (-1, inf: closed).

    A point at the very end of an edge stands on that node, whatever directions the edge allows.
    """
    return _remembered(network, points, way, "entries", lambda: _entries_of(network, points, way))


def _remembered(network: Network, points: SnappedPoints, way: _Way, what: str, find: Callable[[], Value]) -> Value:
    """Return what is found of points on a network, found once: the same people ask for every service."""
    key = (what, way.graph is network.outward)
    known = points.remembered.get(key)
    if known is None or known[0] is not network:
        known = points.remembered[key] = (network, find())
    value: Value = known[1]
    return value


def _entries_of(network: Network, points: SnappedPoints, way: _Way) -> tuple[Ints, Floats]:
    nodes = np.full((len(points), 2), -1, dtype=np.int32)
    times = np.full((len(points), 2), np.inf)
    found = np.flatnonzero(points.edge >= 0)
    edge, fraction = points.edge[found], points.fraction[found]
    share_of = ((network.tail, way.backward_s, fraction), (network.head, way.forward_s, 1.0 - fraction))
    for side, (end, whole_s, share) in enumerate(share_of):
        along = np.zeros(len(found))
        np.multiply(share, whole_s[edge], out=along, where=share > 0)  # 0 of a closed edge is 0, not NaN
        is_open = np.isfinite(along)
        nodes[found[is_open], side] = end[edge[is_open]]
        times[found, side] = along + points.off_network_s[found]
    return nodes, times


def _hang(network: Network, points: SnappedPoints, way: _Way) -> _Targets:
    """Return points hung on the nodes from which they are entered; ``way`` leads from the points to those nodes."""
    return _remembered(network, points, way, "hung", lambda: _hung(network, points, way))


def _hung(network: Network, points: SnappedPoints, way: _Way) -> _Targets:
    nodes, times = _entries(network, points, way)
    target, side = np.nonzero(nodes >= 0)
    node_indptr, order = _grouped(nodes[target, side], network.n_nodes)
    on_edge = np.flatnonzero(points.edge >= 0)
    edge_indptr, edge_order = _grouped(points.edge[on_edge], network.n_edges)
    return _Targets(
        node_indptr=node_indptr,
        node_targets=target[order].astype(np.int32),
        node_times=times[target, side][order],
        edge_indptr=edge_indptr,
        edge_targets=on_edge[edge_order].astype(np.int32),
        fraction=points.fraction,
        off_network_s=points.off_network_s,
    )


def _grouped(keys: Ints, n_keys: int) -> tuple[Ints, npt.NDArray[np.intp]]:
    indptr = np.zeros(n_keys + 1, dtype=np.int32)
    np.cumsum(np.bincount(keys, minlength=n_keys), out=indptr[1:])
    return indptr, np.argsort(keys, kind="stable")


def _kernel_arguments(
    network: Network, sources: SnappedPoints, targets: SnappedPoints, way: _Way, back: _Way
) -> tuple[Any, ...]:
    """Return the arrays that the pair kernels share, in their order."""
    nodes, times = _entries(network, sources, way)
    hung = _hang(network, targets, back)
    return (
        way.graph.indptr, way.graph.indices, way.graph.weights, nodes, times, sources.edge, sources.fraction,
        sources.off_network_s, way.forward_s, way.backward_s, hung.node_indptr, hung.node_targets, hung.node_times,
        hung.edge_indptr, hung.edge_targets, hung.fraction, hung.off_network_s,
    )  # fmt: skip


def _pairs(
    network: Network, sources: SnappedPoints, targets: SnappedPoints, direction: Direction, cutoff_s: float
) -> tuple[Longs, Ints, Floats]:
    way, back = _ways(network, direction)
    arguments = _kernel_arguments(network, sources, targets, way, back)
    pairs: Callable[..., tuple[Longs, Ints, Floats]] = catchments.pairs_within
    return _joined(over_ranges(len(sources), lambda a, b: pairs(a, b, *arguments, cutoff_s + _SLACK_S)))


def _joined(parts: list[tuple[Longs, Ints, Floats]]) -> tuple[Longs, Ints, Floats]:
    per_source, columns, seconds = zip(*parts, strict=True)
    return np.concatenate(per_source), np.concatenate(columns), np.concatenate(seconds)


def _matrix(
    per_source: Longs, columns: Ints, seconds: Floats, shape: tuple[int, int], cutoff_s: float
) -> sparse.csr_matrix:
    rounded = np.round(seconds, DECIMALS_S)
    inside = rounded <= cutoff_s
    if not inside.all():
        rows = np.repeat(np.arange(shape[0]), per_source)
        per_source = np.bincount(rows[inside], minlength=shape[0])
        columns, rounded = columns[inside], rounded[inside]
    indptr = np.concatenate([[0], np.cumsum(per_source)])
    return sparse.csr_matrix((rounded, columns, indptr), shape=shape)
