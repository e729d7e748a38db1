"""Areas within 15 minutes of the embedded meal points, on foot and by e-bike: the usual recipes and how they misjudge.

The recipes are those of the osmnx examples (isochrones of single places): the subgraph within a time of the node next
to the place, then the convex hull of its nodes, or its streets with 25 m and its nodes with 50 m around them, joined.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis import isochrones, network, sources, travel

if TYPE_CHECKING:
    from collections.abc import Callable

    from chongming_gis.tables import RoadTables

DATA = Path(__file__).resolve().parents[1] / "data"
CRS = "EPSG:32651"
LIMIT_S = 900.0
STREET_M, NODE_M = 25.0, 50.0  # edge_buff and node_buff of the osmnx example


def run() -> list[Row]:
    """Return the rows."""
    roads = sources.read_roads(DATA / "network" / "roads.parquet", crs=CRS)
    meals = pd.read_csv(DATA / "facilities" / "meal_point.csv", encoding="utf-8-sig")
    places = gpd.GeoSeries(gpd.points_from_xy(meals["lon"], meals["lat"]), crs="EPSG:4326").to_crs(CRS)
    demand = gpd.read_parquet(DATA / "demand" / "demand.parquet").to_crs(CRS)
    persons = demand.filter(regex=r"^res_a(60|65|70|80)").sum(axis=1).to_numpy(float)
    rows = []
    for preset in ("older_walk", "ebike"):
        net = network.compile_network(roads, network.preset(preset))
        rows += _rows(net, roads, places, demand.geometry, persons)
    return rows


def _rows(
    net: network.Network, roads: RoadTables, places: gpd.GeoSeries, doors: gpd.GeoSeries, persons: np.ndarray
) -> list[Row]:
    facilities = network.snap_points(net, places)
    time_s = travel.nearest(net, network.snap_points(net, doors), facilities).time_s[:, 0]

    def wrong(area: shapely.Geometry) -> str:
        error = isochrones.area_error(area, doors, persons=persons, time_s=time_s, limit_s=LIMIT_S)
        near = error.near_edge_misclassified / max(error.near_edge_persons, 1.0)
        return f"{100 * error.share:.2f} % ({100 * near:.2f} % near the edge)"

    def lines() -> gpd.GeoDataFrame:
        return isochrones.service_lines(net, roads, facilities, limits_s=[300.0, 600.0, LIMIT_S])

    def cells() -> network.SnappedCells:
        return network.snap_cells(net, network.raster_of_network(net, cell_m=isochrones.CELL_M))

    of_cells = cells()

    def surface() -> isochrones.Surface:
        return isochrones.time_surface(net, of_cells, facilities, cutoff_s=LIMIT_S + 100.0)

    def areas(found: isochrones.Surface) -> gpd.GeoDataFrame:
        return isochrones.service_areas(found, limits_s=[LIMIT_S])

    mine = wrong(areas(surface()).geometry[0])
    whole = measure.take(lambda: areas(isochrones.time_surface(net, cells(), facilities, cutoff_s=1000.0)))
    kept = surface()
    job = f"{net.mode.name}, {len(facilities)} facilities"
    rows = [
        Row(f"lines at 3 limits, {job}", measure.median_seconds(lines)),
        Row(f"cells snapped (once a mode), {job}", measure.median_seconds(cells), note=f"{len(of_cells):,} cells"),
        Row(f"surface, {job}", measure.median_seconds(surface)),
        Row(f"area of a surface, {job}", measure.median_seconds(lambda: areas(kept))),
    ]
    graph, starts = _graph(net), np.unique(_next_nodes(net, facilities))
    recipes: dict[str, Callable[[nx.Graph], shapely.Geometry]] = {
        "ego_graph, convex hulls": partial(_hull, net),
        "ego_graph, buffers": partial(_buffers, net),
    }
    for name, shape in recipes.items():
        job_of_peer = partial(_joined, graph, starts, shape)
        theirs = wrong(job_of_peer())
        took = measure.seconds(job_of_peer)
        note = f"misjudged: {mine}; peer {theirs}"
        rows.append(Row(f"areas from the start, {job}", whole.seconds, name, took, note, whole.peak_mb))
    return rows


def _graph(net: network.Network) -> nx.Graph:
    tail, head, seconds = measure.undirected_arcs(net)
    graph = nx.Graph()
    graph.add_weighted_edges_from(zip(tail.tolist(), head.tolist(), seconds.tolist(), strict=True), "seconds")
    low, high = np.minimum(net.tail, net.head), np.maximum(net.tail, net.head)
    for a, b, line in zip(low.tolist(), high.tolist(), net.lines, strict=True):
        graph[a][b]["line"] = line
    return graph


def _next_nodes(net: network.Network, facilities: network.SnappedPoints) -> np.ndarray:
    edge = facilities.edge[facilities.is_reachable]
    return np.where(facilities.fraction[facilities.is_reachable] < 0.5, net.tail[edge], net.head[edge])


def _joined(graph: nx.Graph, starts: np.ndarray, shape: Callable[[nx.Graph], shapely.Geometry]) -> shapely.Geometry:
    within = (nx.ego_graph(graph, int(start), radius=LIMIT_S, distance="seconds") for start in starts)
    return shapely.union_all([shape(part) for part in within])


def _hull(net: network.Network, part: nx.Graph) -> shapely.Geometry:
    nodes = np.array(part.nodes)
    return shapely.convex_hull(shapely.multipoints(np.column_stack([net.node_x[nodes], net.node_y[nodes]])))


def _buffers(net: network.Network, part: nx.Graph) -> shapely.Geometry:
    nodes = np.array(part.nodes)
    streets = shapely.buffer([line for _, _, line in part.edges(data="line")], STREET_M)
    corners = shapely.buffer(shapely.points(net.node_x[nodes], net.node_y[nodes]), NODE_M)
    return shapely.union_all(np.concatenate([streets, corners]))
