"""Road tables and a travel mode become a network: CSR arrays in seconds, ready for the kernels.

Nodes are numbered along a Z-order curve, so that neighbours on the ground are neighbours in memory. A barrier that
stops the mode cuts its node into one end per edge: each side can be reached, nothing passes through.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from chongming_gis.errors import NetworkError
from chongming_gis.network.rules import TravelMode, blocked_nodes, edge_use

if TYPE_CHECKING:
    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.tables import RoadTables

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]
    Lines = npt.NDArray[np.object_]

_Z_ORDER_BITS = 16


@dataclass(frozen=True, slots=True)
class Graph:
    """One direction of a network: arcs of node i are ``indices[indptr[i]:indptr[i + 1]]``, ``weights`` in seconds."""

    indptr: Ints
    indices: Ints
    weights: Floats


@dataclass(frozen=True, slots=True)
class Network:
    """The roads as one mode can use them.

    Node arrays have one entry a node (``node_id`` repeats where a barrier cut a node), edge arrays one an edge that the
    mode can use in at least one direction. ``row`` is the edge's row in the road tables, ``lines`` their shapes from
    tail to head in ``crs``; ``forward_s`` is tail to head, ``backward_s`` head to tail, inf where closed. ``piece_m``
    is the length of the piece of network (strongly connected, so that one can get in and out again) that the edge
    belongs to, 0 where it belongs to none. ``remembered`` holds what others worked out from all this, by what it is.
    """

    mode: TravelMode
    crs: CRS
    node_id: Longs
    node_x: Floats
    node_y: Floats
    row: Longs
    edge_id: Longs
    tail: Ints
    head: Ints
    length_m: Floats
    forward_s: Floats
    backward_s: Floats
    can_snap: Claims
    lines: Lines
    piece: Ints  # per node: the number of its strongly connected piece
    piece_m: Floats
    outward: Graph
    inward: Graph
    remembered: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def n_nodes(self) -> int:
        """The number of nodes."""
        return len(self.node_id)

    @property
    def n_edges(self) -> int:
        """The number of edges."""
        return len(self.tail)

    def report(self) -> dict[str, object]:
        """Return size and connectedness in a planner's terms: edges, kilometres, pieces and the largest one's share."""
        inside = self.piece[self.tail] == self.piece[self.head]
        length_by_piece = np.bincount(
            self.piece[self.tail[inside]], weights=self.length_m[inside], minlength=int(self.piece.max()) + 1
        )
        total = float(self.length_m.sum())
        return {
            "mode": self.mode.name,
            "nodes": self.n_nodes,
            "edges": self.n_edges,
            "length_km": round(total / 1000.0, 3),
            "components": int(np.count_nonzero(length_by_piece)),
            "largest_component_share": round(float(length_by_piece.max()) / total, 6) if total > 0 else None,
            "tiny_pieces": int(np.count_nonzero((length_by_piece > 0) & (length_by_piece < self.mode.tiny_piece_m))),
        }


def compile_network(roads: RoadTables, mode: TravelMode) -> Network:
    """Return the network of a mode.

    Raises
    ------
    NetworkError
        No edge can be used by the mode; the message says what the roads hold instead.
    """
    use = edge_use(roads, mode)
    row = np.flatnonzero(np.isfinite(use.forward_s) | np.isfinite(use.backward_s))
    if len(row) == 0:
        raise NetworkError(_no_road_message(roads, mode))
    edges = roads.edges
    tail_at, head_at, source_row = _cut_at_barriers(roads, row, blocked_nodes(roads, mode))
    xy = shapely.get_coordinates(roads.nodes.geometry.to_numpy()[source_row])
    order = np.argsort(_z_order(xy), kind="stable")
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    tail, head = place[tail_at], place[head_at]
    forward_s, backward_s = use.forward_s[row], use.backward_s[row]
    length_m = edges["length_m"].to_numpy(float)[row]
    outward, inward = _both_ways(tail, head, forward_s, backward_s, len(order))
    piece = _pieces(outward)
    return Network(
        mode=mode,
        crs=roads.crs,
        node_id=roads.nodes["node_id"].to_numpy(np.int64)[source_row][order],
        node_x=np.ascontiguousarray(xy[order, 0]),
        node_y=np.ascontiguousarray(xy[order, 1]),
        row=row,
        edge_id=edges["edge_id"].to_numpy(np.int64)[row],
        tail=tail,
        head=head,
        length_m=length_m,
        forward_s=forward_s,
        backward_s=backward_s,
        can_snap=use.can_snap[row],
        lines=edges.geometry.to_numpy()[row],
        piece=piece,
        piece_m=_piece_lengths(piece, tail, head, length_m),
        outward=outward,
        inward=inward,
    )


def with_seconds(network: Network, *, forward_s: Floats, backward_s: Floats) -> Network:
    """Return a network on which the open edges take other times; what is snapped to the one is snapped to the other.

    Parameters
    ----------
    forward_s, backward_s : one number an edge, finite where the edge is open that way, else inf.

    Raises
    ------
    NetworkError
        An edge would open or close, which other snapped points and pieces would have to follow.
    """
    for now, then in ((network.forward_s, forward_s), (network.backward_s, backward_s)):
        if not np.array_equal(np.isfinite(now), np.isfinite(then)):
            raise NetworkError("other times for a network must keep open what is open and closed what is closed")
    outward, inward = _both_ways(network.tail, network.head, forward_s, backward_s, network.n_nodes)
    return replace(network, forward_s=forward_s, backward_s=backward_s, outward=outward, inward=inward)


def _no_road_message(roads: RoadTables, mode: TravelMode) -> str:
    classes = roads.edges["highway"].value_counts().head(5)
    found = ", ".join(f"{name} ({count})" for name, count in classes.items()) or "no highway tags at all"
    return (
        f"mode {mode.name!r}: none of the {len(roads.edges)} edges is open to {mode.access}; the roads hold {found}: "
        "check the tags, or the columns that the study maps to them"
    )


def _cut_at_barriers(roads: RoadTables, row: Longs, blocked: Claims) -> tuple[Longs, Longs, Longs]:
    """Return the node of each edge's tail and head, and the node row each compiled node comes from.

    Every edge end at a blocked node becomes a node of its own.
    """
    if len(roads.nodes) == 0:
        raise NetworkError(f"the node table lacks every node of {len(row)} edges: it has no rows")
    node_ids = roads.nodes["node_id"].to_numpy(np.int64)  # sorted by contract of the readers, checked here
    order = np.argsort(node_ids, kind="stable")
    ends = np.concatenate([roads.edges["u"].to_numpy(np.int64)[row], roads.edges["v"].to_numpy(np.int64)[row]])
    found = order[np.minimum(np.searchsorted(node_ids, ends, sorter=order), len(order) - 1)]
    if not np.array_equal(node_ids[found], ends):
        lost = ends[node_ids[found] != ends]
        raise NetworkError(f"{len(lost)} edge end(s) name a node that the node table lacks, e.g. node {lost[0]}")
    is_cut = blocked[found]
    used = np.unique(found[~is_cut])
    at = np.searchsorted(used, found)
    at[is_cut] = len(used) + np.arange(np.count_nonzero(is_cut))
    return at[: len(row)], at[len(row) :], np.concatenate([used, found[is_cut]])


def _z_order(xy: Floats) -> Longs:
    low = xy.min(axis=0)
    extent = max(float((xy.max(axis=0) - low).max()), 1.0)
    cells = ((xy - low) / extent * (2**_Z_ORDER_BITS - 1)).astype(np.uint64)
    return (_spread(cells[:, 0]) | (_spread(cells[:, 1]) << np.uint64(1))).astype(np.int64)


def _spread(cells: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return 16-bit numbers with a zero bit after each bit (Morton 1966)."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        cells = (cells | (cells << np.uint64(shift))) & np.uint64(mask)
    return cells


def _both_ways(tail: Ints, head: Ints, forward_s: Floats, backward_s: Floats, n_nodes: int) -> tuple[Graph, Graph]:
    """Return the graph with the traffic and against it: one and the same where no edge takes longer one way."""
    outward = _graph(tail, head, forward_s, backward_s, n_nodes)
    if np.array_equal(forward_s, backward_s):
        return outward, outward
    return outward, _graph(tail, head, backward_s, forward_s, n_nodes)


def _graph(tail: Ints, head: Ints, tail_to_head: Floats, head_to_tail: Floats, n_nodes: int) -> Graph:
    along, against = np.isfinite(tail_to_head), np.isfinite(head_to_tail)
    start = np.concatenate([tail[along], head[against]])
    end = np.concatenate([head[along], tail[against]])
    seconds = np.concatenate([tail_to_head[along], head_to_tail[against]])
    order = np.argsort(start, kind="stable")
    counts = np.bincount(start, minlength=n_nodes)
    indptr = np.zeros(n_nodes + 1, dtype=np.int32)
    np.cumsum(counts, out=indptr[1:])
    return Graph(indptr=indptr, indices=end[order].astype(np.int32), weights=np.ascontiguousarray(seconds[order]))


def _pieces(graph: Graph) -> Ints:
    n_nodes = len(graph.indptr) - 1
    arcs = (np.ones(len(graph.indices)), graph.indices.copy(), graph.indptr.copy())  # weights of 0 s are arcs too
    matrix = sparse.csr_matrix(arcs, shape=(n_nodes, n_nodes))
    matrix.sum_duplicates()  # SciPy's strong components never end on parallel arcs
    _, piece = csgraph.connected_components(matrix, directed=True, connection="strong")
    return np.asarray(piece, dtype=np.int32)


def _piece_lengths(piece: Ints, tail: Ints, head: Ints, length_m: Floats) -> Floats:
    inside = piece[tail] == piece[head]
    total = np.bincount(piece[tail[inside]], weights=length_m[inside], minlength=int(piece.max()) + 1)
    return np.where(inside, total[piece[tail]], 0.0)
