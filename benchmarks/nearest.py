"""The nearest of 200 sites for every node of the Wuhan network, without a cutoff: networkx and SciPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis.kernels import paths

if TYPE_CHECKING:
    from chongming_gis import network

SITES = 200


def run() -> list[Row]:
    """Return the rows."""
    net = measure.wuhan_network("older_walk")
    rng = np.random.default_rng(measure.SEED)
    sites = np.sort(rng.choice(net.n_nodes, SITES, replace=False)).astype(np.int32)
    labels, zero = np.arange(SITES, dtype=np.int32), np.zeros(SITES)
    inward = (net.inward.indptr, net.inward.indices, net.inward.weights)
    time_s, _ = paths.nearest_source(*inward, sites, zero, labels, np.inf)
    ours = measure.take(lambda: paths.nearest_source(*inward, sites, zero, labels, np.inf))
    job = f"nearest of {SITES} sites for every node, Wuhan, no cutoff"
    return [_against_networkx(job, net, sites, time_s, ours), _against_scipy(job, net, sites, time_s, ours)]


def _against_networkx(
    job: str, net: network.Network, sites: np.ndarray, time_s: np.ndarray, ours: measure.Taken
) -> Row:
    graph = nx.Graph()
    graph.add_nodes_from(range(net.n_nodes))
    graph.add_weighted_edges_from(zip(*(a.tolist() for a in measure.undirected_arcs(net)), strict=True), "seconds")
    sources = set(sites.tolist())
    found = nx.multi_source_dijkstra_path_length(graph, sources, weight="seconds")
    theirs = np.full(net.n_nodes, np.inf)
    theirs[list(found)] = list(found.values())
    measure.refuse_unless(np.allclose(theirs, time_s, rtol=0, atol=1e-6), "seconds to the nearest site (networkx)")
    took = measure.median_seconds(
        lambda: nx.multi_source_dijkstra_path_length(graph, sources, weight="seconds"), runs=3
    )
    return Row(job, ours.seconds, "networkx multi-source", took, peak_mb=ours.peak_mb)


def _against_scipy(job: str, net: network.Network, sites: np.ndarray, time_s: np.ndarray, ours: measure.Taken) -> Row:
    tail, head, seconds = measure.undirected_arcs(net)
    shape = (net.n_nodes, net.n_nodes)
    matrix = sparse.csr_matrix((np.r_[seconds, seconds], (np.r_[tail, head], np.r_[head, tail])), shape=shape)

    def peer() -> np.ndarray:
        return csgraph.dijkstra(matrix, indices=sites, min_only=True)

    measure.refuse_unless(np.allclose(peer(), time_s, rtol=0, atol=1e-6), "seconds to the nearest site (scipy)")
    return Row(job, ours.seconds, "scipy dijkstra min_only", measure.median_seconds(peer))
