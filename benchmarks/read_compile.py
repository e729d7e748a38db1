"""Liechtenstein's roads read and compiled for three modes, against osmnx on the same ways."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import osmium
import osmnx
import pandas as pd
from osmium.filter import IdFilter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis import network, sources

if TYPE_CHECKING:
    import networkx as nx

    from chongming_gis.tables import RoadTables

EXTRACT = measure.SHARED / "osm" / "liechtenstein.osm.pbf"
MODES = ("older_walk", "ebike", "car")
MOST_DIFFERENCE = 0.001  # of the total length


def run() -> list[Row]:
    """Return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roads.osm"
        dropped = _write_road_ways(path)
        _refuse_other_edges(sources.read_roads(EXTRACT), _peer(path), n_dropped=dropped)
        peer_s = measure.seconds(lambda: _peer(path))
        packed = measure.take(lambda: _ours(EXTRACT))
        plain = measure.take(lambda: _ours(path))
    peer = "osmnx, graph and speeds once"
    return [
        Row(
            "read + compile 3 modes, Liechtenstein .osm.pbf",
            packed.seconds,
            peer,
            peer_s,
            "whole extract",
            packed.peak_mb,
        ),
        Row(
            "read + compile 3 modes, the same .osm",
            plain.seconds,
            peer,
            peer_s,
            "roads and ferries only",
            plain.peak_mb,
        ),
    ]


def _ours(path: Path) -> list[network.Network]:
    roads = sources.read_roads(path)
    return [network.compile_network(roads, network.preset(mode)) for mode in MODES]


def _peer(path: Path) -> nx.MultiDiGraph:
    graph = osmnx.graph_from_xml(path, simplify=True, retain_all=True)
    return osmnx.add_edge_travel_times(osmnx.add_edge_speeds(graph))


def _write_road_ways(path: Path) -> int:
    """Write the highway and ferry ways that we take as roads, with their nodes; return how many we do not take."""
    taken = set(sources.read_roads(EXTRACT).edges["way_id"])
    ways, nodes = set(), set()
    for way in osmium.FileProcessor(EXTRACT, osmium.osm.WAY):
        if "highway" in way.tags or way.tags.get("route") == "ferry":
            ways.add(way.id)
            nodes.update(node.ref for node in way.nodes if way.id in taken)
    with osmium.SimpleWriter(path) as writer:
        for kind, ids in ((osmium.osm.NODE, nodes), (osmium.osm.WAY, ways & taken)):
            for item in osmium.FileProcessor(EXTRACT, kind).with_filter(IdFilter(ids)):
                writer.add(item)
    return len(ways - taken)


def _refuse_other_edges(roads: RoadTables, graph: nx.MultiDiGraph, *, n_dropped: int) -> None:
    """Compare lengths, and which nodes are joined how often; ends the benchmark where they differ."""
    theirs = sources.read_roads(graph).edges
    ours_m, theirs_m = roads.edges["length_m"].sum(), theirs["length_m"].sum()
    measure.refuse_unless(abs(ours_m / theirs_m - 1.0) <= MOST_DIFFERENCE, f"{ours_m:.0f} m and {theirs_m:.0f} m")
    ours = _pairs_between(roads.edges, set(graph))
    peers = Counter(zip(*_sorted_ends(theirs), strict=True))
    different = sum(((ours - peers) + (peers - ours)).values())
    measure.refuse_unless(different == 0, f"{different} of {sum(peers.values())} pairs of joined nodes")
    print(f"edge sets agree: {ours_m / 1000:.1f} km, {sum(peers.values())} streets ({n_dropped} ways are no roads)")


def _sorted_ends(edges: pd.DataFrame) -> tuple[list[int], list[int]]:
    ends = np.sort(edges[["u", "v"]].to_numpy(), axis=1)
    return ends[:, 0].tolist(), ends[:, 1].tolist()


def _pairs_between(edges: pd.DataFrame, kept: set[int]) -> Counter[tuple[int, int]]:
    """Return how often two kept nodes are joined, along any number of our edges.

    osmnx merges streets through nodes where only two of them meet, also where the way, its name or its class changes;
    we keep those nodes, and split at barriers. So our edges are strung together at every node that osmnx left out.
    """
    ends = edges[["u", "v"]].to_numpy()
    is_kept = np.isin(ends, list(kept))
    edge, side = np.nonzero(~is_kept)
    _, node = np.unique(ends[edge, side], return_inverse=True)
    n_nodes = node.max(initial=-1) + 1
    links = coo_array((np.ones(len(edge)), (edge, len(edges) + node)), shape=(len(edges) + n_nodes,) * 2)
    _, string = connected_components(links, directed=False)
    edge, side = np.nonzero(is_kept)
    outer = pd.Series(ends[edge, side]).groupby(string[edge]).agg(lambda found: tuple(sorted(found)))
    return Counter(outer)


if __name__ == "__main__":
    for row in run():
        print(row.as_record())
