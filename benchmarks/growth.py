"""Cost against nodes, people, facilities, candidates and workers: measured, fitted, and carried on to a country.

Each curve is fitted as ``a x n^b`` (least squares of logarithms); the residual is the largest factor by which a
measured point is off. Beyond what fits here the model is carried on tile by tile, so that no exponent is trusted far
outside its range: a tile has at most a million nodes, which is measured, and tiles add up.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse
from scipy.spatial import cKDTree

from benchmarks import measure, million
from benchmarks.measure import RESULTS, Row
from chongming_gis import network, travel
from chongming_gis.batch import covering
from chongming_gis.kernels.threads import THREADS_VARIABLE

FOUND = RESULTS / "growth.json"
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "growth.svg"
NODES = (62_500, 125_000, 250_000, 500_000, 1_000_000)
PEOPLE = (62_500, 125_000, 250_000, 500_000, 1_000_000)
FACILITIES = (250, 500, 1_000, 2_000, 4_000)
CANDIDATES = (250, 500, 1_000, 2_000, 4_000)
WORKERS = (1, 2)
BASE_NODES = 250_000  # of the region on which people and facilities are counted
CUTOFF_S = 900.0

# What a region has for each node of its roads (planning assumption: the proportions of the embedded study)
PEOPLE_A_NODE, FACILITIES_A_NODE, CANDIDATES_A_NODE = 1.0, 0.005, 0.003
TILE_NODES = 1_000_000
HALO_FACTOR = 1.4  # a tile of 40 km with a halo of 3.75 km: 15 minutes at 15 km/h
CORES, MEMORY_GB, WANTED_S = 8, 32.0, 3600.0  # of a machine, and in what time an answer is wanted
REGIONS = (("Shanghai", 3_000_000), ("a province", 30_000_000), ("China", 300_000_000))


@dataclass(frozen=True)
class Curve:
    """Seconds (or MB) against a number, with the power law through them."""

    name: str
    unit: str
    at: tuple[float, ...]
    cost: tuple[float, ...]
    factor: float
    exponent: float
    residual: float  # the largest factor between a point and the law, less 1

    def of(self, n: float) -> float:
        """Return what the law says."""
        return self.factor * n**self.exponent


def fit(name: str, unit: str, at: tuple[float, ...], cost: tuple[float, ...]) -> Curve:
    """Return the power law through some points."""
    x, y = np.log(at), np.log(cost)
    exponent, start = np.polyfit(x, y, 1)
    residual = float(np.exp(np.abs(y - start - exponent * x).max()) - 1.0)
    return Curve(name, unit, tuple(at), tuple(cost), float(np.exp(start)), float(exponent), residual)


def run() -> list[Row]:
    """Measure, fit, draw; return a row a curve."""
    by_nodes = [_of_nodes(n) for n in NODES]
    base = _base()
    curves = [
        fit("compile one mode, nodes", "s", NODES, tuple(one["compile_s"] for one in by_nodes)),
        fit("memory of one mode and its roads, nodes", "MB", NODES, tuple(one["memory_mb"] for one in by_nodes)),
        fit("snap and nearest, people", "s", PEOPLE, tuple(_of_people(base, n) for n in PEOPLE)),
        fit(
            "catchments e-bike 15 min, facilities", "s", FACILITIES, tuple(_of_facilities(base, n) for n in FACILITIES)
        ),
        fit("sites with bound, candidates", "s", CANDIDATES, tuple(_of_candidates(n) for n in CANDIDATES)),
        fit("8 regions, workers", "s", WORKERS, tuple(_of_workers(n) for n in WORKERS)),
    ]
    RESULTS.mkdir(exist_ok=True)
    content = {"machine": measure.machine(), "curves": [asdict(curve) for curve in curves]}
    FOUND.write_text(json.dumps(content, indent=1), encoding="utf-8")
    draw(curves)
    return [
        Row(
            f"growth: {curve.name} = {curve.at[-1]:,.0f}",
            curve.cost[-1],
            note=f"in {curve.unit}; exponent {curve.exponent:.2f}, residual {curve.residual:.0%}",
        )
        for curve in curves
    ]


def _of_nodes(n: int) -> dict[str, float]:
    code = f"from benchmarks import growth; growth.report({n})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def report(n: int) -> None:
    """Print what a network of so many nodes costs, as JSON: a process of its own."""
    measure.forget_peak()
    before = measure.peak_mb() or math.nan
    roads = million.planar_network(n)
    mode = network.preset("ebike")
    compile_s = measure.median_seconds(lambda: network.compile_network(roads, mode), runs=3)
    kept = network.compile_network(roads, mode)
    measure.forget_peak()
    memory_mb = (measure.peak_mb() or math.nan) - before
    print(json.dumps({"compile_s": compile_s, "memory_mb": memory_mb, "nodes": kept.n_nodes}))


def _base() -> network.Network:
    return network.compile_network(million.planar_network(BASE_NODES), network.preset("ebike"))


def _points(net: network.Network, n: int) -> gpd.GeoSeries:
    rng = np.random.default_rng(measure.SEED)
    node = rng.integers(0, net.n_nodes, n)
    xy = np.column_stack([net.node_x[node], net.node_y[node]]) + rng.normal(0.0, 40.0, (n, 2))
    return gpd.GeoSeries(shapely.points(xy), crs=net.crs)


def _of_people(net: network.Network, n: int) -> float:
    people, places = _points(net, n), network.snap_points(net, _points(net, 1_000))
    return measure.median_seconds(
        lambda: travel.nearest(net, network.snap_points(net, people), places, cutoff_s=CUTOFF_S), runs=3
    )


def _of_facilities(net: network.Network, n: int) -> float:
    at = network.snap_points(net, _points(net, n))
    return measure.median_seconds(lambda: travel.reached_nodes(net, at, cutoff_s=CUTOFF_S), runs=3)


def _of_candidates(n: int) -> float:
    """Return the seconds of greedy sites with their bound: 50,000 people, each in reach of 20 candidates on average."""
    rng = np.random.default_rng(measure.SEED)
    n_people, n_near, n_parts = 50_000, 20, 4
    people, places = rng.uniform(0.0, 1.0, (n_people, 2)), rng.uniform(0.0, 1.0, (n, 2))
    reach = math.sqrt(n_near / (math.pi * n))
    near = cKDTree(people).sparse_distance_matrix(cKDTree(places), reach, output_type="coo_matrix")
    covers = sparse.csr_array(near.tocsr())
    weights = rng.uniform(0.0, 5.0, n_people)
    which = np.floor(n_parts * people[:, 0]).astype(int)
    nobody = np.zeros(n_people, dtype=bool)
    parts = [
        covering.part_of(covers[which == i], weights[which == i], is_settled=nobody[which == i]) for i in range(n_parts)
    ]
    return measure.seconds(lambda: covering.cover_most(None, _itself, parts, n_sites=n, new_sites=n // 20, n_steps=100))


def _itself(part: covering.CoverPart) -> covering.CoverPart:
    return part


def _of_workers(n: int) -> float:
    """Return the seconds in which so many processes of one thread do eight regions; they are started before."""
    os.environ[THREADS_VARIABLE] = "1"
    try:
        with ProcessPoolExecutor(n, mp_context=get_context("spawn")) as pool:
            list(pool.map(_region, range(n)))
            began = time.perf_counter()
            list(pool.map(_region, range(8)))
            return time.perf_counter() - began
    finally:
        del os.environ[THREADS_VARIABLE]


def _region(number: int) -> int:
    """Do one region from its roads to catchments."""
    net = network.compile_network(million.planar_network(50_000 + number), network.preset("ebike"))
    at = network.snap_points(net, _points(net, 500))
    return int(travel.reached_nodes(net, at, cutoff_s=CUTOFF_S).nnz)


def draw(curves: list[Curve]) -> None:
    """Draw every curve with its law, the regions beyond it as dotted lines; the same figures make the same bytes."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    with mpl.rc_context({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = plt.subplots(2, 3, figsize=(10, 6), layout="constrained")
        for axis, curve in zip(axes.flat, curves, strict=True):
            axis.loglog(curve.at, curve.cost, "o", color="#1f5f8b")
            line = np.geomspace(curve.at[0], curve.at[-1], 20)
            axis.loglog(line, [curve.of(n) for n in line], "-", color="#1f5f8b", linewidth=1)
            what, _, against = curve.name.rpartition(", ")
            axis.set_title(f"{what}: exponent {curve.exponent:.2f} (±{curve.residual:.0%})", fontsize=9)
            axis.set_xlabel(against)
            axis.set_ylabel(curve.unit)
            axis.grid(visible=True, which="major", linewidth=0.3)
        PICTURE.parent.mkdir(exist_ok=True)
        figure.savefig(PICTURE, metadata={"Date": None})
        plt.close(figure)


def page() -> str:
    """Return the fitted laws and what they say about large regions, as Markdown."""
    content = json.loads(FOUND.read_text(encoding="utf-8"))
    curves = [Curve(**record) for record in content["curves"]]
    lines = [f"*{content['machine']}*", ""]
    if curves[0].at[-1] < TILE_NODES * HALO_FACTOR:
        lines += [f"Measured up to {curves[0].at[-1]:,.0f} nodes: larger tiles are the laws' word.", ""]
    lines += ["| cost | measured from | to | law | largest residual |", "| --- | ---: | ---: | --- | ---: |"]
    for curve in curves:
        what, _, against = curve.name.rpartition(", ")
        law = f"{curve.factor:.3g} {curve.unit} x {against}^{curve.exponent:.2f}"
        lines.append(
            f"| {what} | {curve.at[0]:,.0f}: {curve.cost[0]:.3g} {curve.unit} | {curve.at[-1]:,.0f}: "
            f"{curve.cost[-1]:.3g} {curve.unit} | {law} | {curve.residual:.0%} |"
        )
    lines += [
        "",
        "| region | nodes | tiles | processor hours | memory a worker, GB | memory of the giver, GB | machines |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, nodes in REGIONS:
        cost = carried_on(curves, nodes)
        lines.append(
            f"| {name} | {nodes:,} | {cost['tiles']:.0f} | {cost['hours']:.2f} | {cost['worker_gb']:.1f} | "
            f"{cost['giver_gb']:.0f} | {cost['machines']:.0f} |"
        )
    return "\n".join(lines)


def carried_on(curves: list[Curve], nodes: int) -> dict[str, float]:
    """Return what access, coverage and one proposal cost for a region, tile by tile."""
    compile_, memory, people, catchments, sites, workers = curves
    tiles = math.ceil(nodes / TILE_NODES)
    a_tile = min(nodes, TILE_NODES) * HALO_FACTOR
    threads = len(os.sched_getaffinity(0))  # the curves were measured with so many threads, at best
    tile_s = threads * (
        compile_.of(a_tile)
        + people.of(a_tile * PEOPLE_A_NODE)
        + catchments.of(a_tile * FACILITIES_A_NODE)
        + catchments.of(a_tile * CANDIDATES_A_NODE)
    )
    # every candidate is priced by the tiles around it: the cost of a step follows pairs, so it is linear in people
    sites_s = sites.of(CANDIDATES[-1]) * nodes * CANDIDATES_A_NODE / CANDIDATES[-1]
    all_s = tiles * tile_s + sites_s
    worker_gb = memory.of(a_tile) / 1000.0
    efficiency = min(1.0, -workers.exponent)  # 1 = twice the workers take half the time
    a_machine = min(CORES, MEMORY_GB / worker_gb)
    return {
        "tiles": tiles,
        "hours": all_s / 3600.0,
        "worker_gb": worker_gb,
        "giver_gb": memory.of(NODES[-1]) / NODES[-1] * nodes / 1000.0,
        "machines": math.ceil(all_s / WANTED_S / (a_machine * efficiency)),
    }
