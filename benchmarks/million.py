"""A generated planar network of up to 1 M nodes, 5,000 sites, e-bike 15 minutes: time, memory and growth."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis import network, tables, travel

SIZES = (250_000, 500_000, 1_000_000)
SITES_PER_NODE = 5_000 / 1_000_000
SPACING_M = 120.0
KEPT = 0.75  # share of the grid's edges that stay: mean degree 3, as in real road networks
CUTOFF_S = 900.0
PEOPLE = 1_000_000


def run() -> list[Row]:
    """Return a row a size; each runs in a process of its own, so that its peak memory is its own."""
    rows = []
    for size in SIZES:
        code = f"from benchmarks import million; million.report({size})"
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        reached = f"{found['pairs']:,} nodes reached"
        note = f"{reached}; compile {found['compile_s']:.1f} s"
        job = f"{size:,} nodes, {found['sites']:,} sites, e-bike 15 min"
        rows.append(Row(job, found["seconds"], note=note, peak_mb=found["peak_mb"]))
    rows.append(Row(f"{PEOPLE:,} points snapped on {size:,} nodes", found["snap_s"], note="the target is 15 s"))
    return rows


def report(n_nodes: int) -> None:
    """Print what one size takes, as JSON."""
    roads = planar_network(n_nodes)
    start = time.perf_counter()
    net = network.compile_network(roads, network.preset("ebike"))
    compile_s = time.perf_counter() - start
    del roads
    rng = np.random.default_rng(measure.SEED)
    sites = rng.choice(net.n_nodes, int(n_nodes * SITES_PER_NODE), replace=False)
    at = network.snap_points(net, measure.node_points(net, sites))
    snap_s = _snap_s(net, rng)
    reached = travel.reached_nodes(net, at.take(np.arange(10)), cutoff_s=CUTOFF_S)
    _check(net, sites[:3], reached)
    taken = measure.take(lambda: travel.reached_nodes(net, at, cutoff_s=CUTOFF_S), runs=3)
    pairs = travel.reached_nodes(net, at, cutoff_s=CUTOFF_S).nnz
    figures = {"seconds": taken.seconds, "peak_mb": taken.peak_mb, "compile_s": compile_s, "snap_s": snap_s}
    print(json.dumps({**figures, "pairs": pairs, "sites": len(sites), "people": PEOPLE}))


def _snap_s(net: network.Network, rng: np.random.Generator) -> float:
    node = rng.integers(0, net.n_nodes, PEOPLE)
    xy = np.column_stack([net.node_x[node], net.node_y[node]]) + rng.normal(0.0, 40.0, (PEOPLE, 2))
    people = gpd.GeoSeries(shapely.points(xy), crs=net.crs)
    return measure.seconds(lambda: network.snap_points(net, people))


def _check(net: network.Network, sites: np.ndarray, reached) -> None:  # noqa: ANN001
    from scipy import sparse
    from scipy.sparse import csgraph

    graph = net.outward
    matrix = sparse.csr_matrix((graph.weights, graph.indices, graph.indptr), shape=(net.n_nodes, net.n_nodes))
    theirs = csgraph.dijkstra(matrix, indices=sites, limit=CUTOFF_S)
    for i in range(len(sites)):
        within = np.flatnonzero(np.round(theirs[i], 6) <= CUTOFF_S)
        same = np.array_equal(within, reached[i].indices)
        measure.refuse_unless(same and np.allclose(theirs[i, within], reached[i].data, atol=1e-6), "scipy with limit")


def planar_network(n_nodes: int) -> tables.RoadTables:
    """Return a square grid with jittered nodes, a quarter of its edges left out: planar and mostly connected."""
    side = round(n_nodes**0.5)
    rng = np.random.default_rng(measure.SEED)
    number = np.arange(side * side).reshape(side, side)
    xy = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * SPACING_M
    xy = xy + rng.uniform(-0.3, 0.3, xy.shape) * SPACING_M + np.array([300_000.0, 3_400_000.0])
    tail = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    head = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    kept = rng.random(len(tail)) < KEPT
    tail, head = tail[kept], head[kept]
    lines = shapely.linestrings(np.stack([xy[tail], xy[head]], axis=1))
    n_edges = len(lines)
    text = {tag: tables.empty_text(n_edges) for tag in tables.EDGE_TAGS}
    text["highway"] = pd.Series(np.full(n_edges, "residential", dtype=object), dtype="str")
    edges = gpd.GeoDataFrame(
        {
            "edge_id": np.arange(n_edges),
            "u": tail,
            "v": head,
            "way_id": np.arange(n_edges),
            "length_m": shapely.length(lines),
            **text,
            "duration_s": np.nan,
            "headway_s": np.nan,
            "way_share": 1.0,
        },
        geometry=lines,
        crs="EPSG:32651",
    )
    tags = {name: tables.empty_text(side * side) for name in ("barrier", "access", "foot", "bicycle", "motor_vehicle")}
    nodes = gpd.GeoDataFrame({"node_id": np.arange(side * side), **tags}, geometry=shapely.points(xy), crs="EPSG:32651")
    return tables.RoadTables(nodes=nodes, edges=edges)
