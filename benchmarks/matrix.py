"""A travel-time matrix on the Wuhan network, 2,000 homes to 500 sites, e-bike 30 minutes: SciPy and igraph.

Homes and sites stand on nodes, since the peers know no others; pairs and seconds are compared one by one.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis import network, travel

HOMES, SITES, CUTOFF_S = 2_000, 500, 1800.0
JOB = f"travel-time matrix {HOMES:,} x {SITES}, Wuhan, e-bike 30 min"


def run() -> list[Row]:
    """Return the rows."""
    net = measure.wuhan_network("ebike")
    rng = np.random.default_rng(measure.SEED)
    chosen = rng.choice(measure.large_piece(net), HOMES + SITES, replace=False)
    homes, sites = chosen[:HOMES], chosen[HOMES:]
    at, there = (network.snap_points(net, measure.node_points(net, nodes)) for nodes in (homes, sites))
    times = travel.travel_times(net, at, there, cutoff_s=CUTOFF_S).matrix
    taken = measure.take(lambda: travel.travel_times(net, at, there, cutoff_s=CUTOFF_S))
    return [
        _against_scipy(net, homes, sites, times, taken),
        _against_igraph(net, homes, sites, times, taken),
    ]


def _refuse_other(times: sparse.csr_matrix, theirs: np.ndarray, peer: str) -> None:
    mine = np.full(times.shape, np.inf)
    rows = np.repeat(np.arange(times.shape[0]), np.diff(times.indptr))
    mine[rows, times.indices] = times.data
    near = np.where(np.round(theirs, travel.DECIMALS_S) <= CUTOFF_S, theirs, np.inf)
    measure.refuse_unless(np.allclose(mine, near, rtol=0, atol=1e-5), f"pairs and seconds ({peer})")


def _against_scipy(net, homes, sites, times, ours) -> Row:  # noqa: ANN001
    tail, head, seconds = measure.undirected_arcs(net)
    both = (np.r_[seconds, seconds], (np.r_[tail, head], np.r_[head, tail]))
    matrix = sparse.csr_matrix(both, shape=(net.n_nodes, net.n_nodes))

    def peer() -> np.ndarray:
        return csgraph.dijkstra(matrix, indices=sites, limit=CUTOFF_S + 1.0)[:, homes].T

    _refuse_other(times, peer(), "scipy")
    note = f"{times.nnz:,} pairs"
    return Row(JOB, ours.seconds, "scipy dijkstra with limit", measure.seconds(peer), note, ours.peak_mb)


def _against_igraph(net, homes, sites, times, ours) -> Row:  # noqa: ANN001
    try:
        import igraph
    except ImportError:
        return Row(JOB, ours.seconds, "igraph", None, "not installed: pip install igraph")
    tail, head, seconds = measure.undirected_arcs(net)
    graph = igraph.Graph(n=net.n_nodes, edges=np.column_stack([tail, head]))

    def peer() -> np.ndarray:
        return np.array(graph.distances(sites.tolist(), homes.tolist(), weights=seconds)).T

    _refuse_other(times, peer(), "igraph")
    return Row(JOB, ours.seconds, "igraph distances", measure.seconds(peer), "it knows no limit")
