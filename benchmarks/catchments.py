"""Catchments of 500 sites on the Wuhan network: networkx ego_graph and pandana."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis import network, travel

SITES = 500
CUTOFF_S = 900.0
SAMPLE = 25  # ego_graph is timed on this many sites and scaled


def run() -> list[Row]:
    """Return the rows for walking and e-bike, 15 minutes."""
    return [row for preset in ("older_walk", "ebike") for row in _of_mode(preset)]


def _of_mode(preset: str) -> list[Row]:
    net = measure.wuhan_network(preset)
    rng = np.random.default_rng(measure.SEED)
    sites = rng.choice(measure.large_piece(net), SITES, replace=False)
    at = network.snap_points(net, measure.node_points(net, sites))
    reached = travel.reached_nodes(net, at, cutoff_s=CUTOFF_S)
    ours = measure.take(lambda: travel.reached_nodes(net, at, cutoff_s=CUTOFF_S))
    job = f"catchments of {SITES} sites, Wuhan, {preset} 15 min"
    rows = [_against_ego_graph(job, net, sites, reached, ours)]
    return [*rows, *_against_pandana(job, net, sites, reached, ours.seconds)]


def _against_ego_graph(job: str, net: network.Network, sites: np.ndarray, reached, ours: measure.Taken) -> Row:  # noqa: ANN001
    graph = nx.Graph()
    graph.add_weighted_edges_from(zip(*(a.tolist() for a in measure.undirected_arcs(net)), strict=True), "seconds")
    some = sites[:SAMPLE].tolist()
    found = [set(nx.ego_graph(graph, site, radius=CUTOFF_S, distance="seconds")) for site in some]
    mine = [set(reached[i].indices.tolist()) for i in range(SAMPLE)]
    measure.refuse_unless(all(a == b for a, b in zip(found, mine, strict=True)), "nodes within reach (ego_graph)")
    took = measure.seconds(lambda: [nx.ego_graph(graph, site, radius=CUTOFF_S, distance="seconds") for site in some])
    return Row(job, ours.seconds, "networkx ego_graph", took * SITES / SAMPLE, f"{SAMPLE} sites, scaled", ours.peak_mb)


def _against_pandana(job: str, net: network.Network, sites: np.ndarray, reached, ours: float) -> list[Row]:  # noqa: ANN001
    try:
        import pandana
    except ImportError:
        return [Row(job, ours, "pandana", None, "not installed: pip install pandana")]
    tail, head, seconds = measure.undirected_arcs(net)
    nodes = pd.DataFrame({"x": net.node_x, "y": net.node_y})
    edges = pd.DataFrame({"from": tail, "to": head, "s": seconds})
    peer = pandana.Network(nodes["x"], nodes["y"], edges["from"], edges["to"], edges[["s"]], twoway=True)
    precompute = measure.seconds(lambda: peer.precompute(CUTOFF_S))
    found = peer.nodes_in_range(sites.tolist(), CUTOFF_S, imp_name="s")
    counts = found.groupby("source")["destination"].nunique().reindex(sites, fill_value=0).to_numpy()
    mine = np.diff(reached.indptr)
    # pandana rounds weights to 1/1000: a node at the very limit may fall on either side
    measure.refuse_unless(np.abs(counts - mine).sum() <= max(2, 1e-4 * mine.sum()), "nodes within reach (pandana)")
    query = measure.median_seconds(lambda: peer.nodes_in_range(sites.tolist(), CUTOFF_S, imp_name="s"), runs=3)
    return [
        Row(job, ours, "pandana, precompute + query", precompute + query, f"precompute {precompute:.2f} s"),
        Row(job, ours, "pandana, query alone", query),
    ]
