"""``read_roads``: one pair of road tables, whatever the roads came from.

The doors (``pbf``, ``lines``, ``osm``) hand over lines as drawn with their raw tags. Here they are judged (is this a
road at all), split at junctions, measured, clipped, moved to the metric CRS and checked against the contracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from chongming_gis import crs as crs_module
from chongming_gis import tables
from chongming_gis.errors import NetworkError
from chongming_gis.sources import layers, tags
from chongming_gis.sources.noding import split_at_junctions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import networkx as nx
    import numpy.typing as npt

    from chongming_gis.sources.drawn import DrawnLines
    from chongming_gis.sources.noding import Bools, Floats, Pieces

    Box = tuple[float, float, float, float]
    Region = shapely.Polygon | shapely.MultiPolygon


@dataclass(frozen=True, slots=True)
class _Cut:
    """Edges between junctions, still in the CRS of their file, with what depends on all of a way's edges."""

    lines: DrawnLines
    pieces: Pieces
    length_m: Floats
    way_share: Floats  # of the way's length
    line_share: Floats  # of the length of the line (a way may be drawn as several rows of a layer)


def read_roads(
    path: Path | str | nx.MultiDiGraph[Any],
    *,
    bbox: Box | None = None,
    area: Region | None = None,
    crs: CRS | str | None = None,
    columns: Mapping[str, str] | None = None,
    layer: str | None = None,
) -> tables.RoadTables:
    """Return the roads and ferries of a file or a graph as tables of nodes and edges.

    Parameters
    ----------
    path : ``.osm.pbf``, ``.osm`` (also ``.osm.gz``, ``.osm.bz2``), ``.graphml`` of osmnx, a line layer ``.gpkg``,
        ``.shp``, ``.geojson``, ``.parquet``, or an osmnx graph in memory.
    bbox : (min_lon, min_lat, max_lon, max_lat) in WGS 84 degrees.
    area : polygon in WGS 84 degrees. Both keep whole edges, also those that cross the border.
    crs : the metric CRS of the result; none = the UTM zone of the roads' centre.
    columns : line layers: our name (a tag of ``tables.EDGE_TAGS``, or an OSM key) -> the file's column. A column
        that already bears the name needs no entry.
    layer : the layer of a file that holds several.

    Returns
    -------
    RoadTables
        Edges ordered by (way_id, position along the way), nodes by node_id; ``report`` counts what was read, kept
        and dropped, by reason. Parallel edges and loops are kept. Lengths are geodesic.

    Raises
    ------
    InputFileError
        The file is missing, damaged, or of a format that is not read.
    CrsError
        The layer has no CRS, or ``crs`` is not metric.
    TableError
        The layer has no column for ``highway``, or geometries that are not lines.
    NetworkError
        There is no road in the file, or none within ``bbox`` or ``area``.

    Notes
    -----
    Lines are split where two of them (or one twice) use the same vertex, at their ends and tips, and at barriers; not
    where they merely cross on the map. ``sources.lines`` says what a shared vertex is in a layer without node ids,
    ``sources.tags`` which ways are not taken as roads.
    """
    where = str(path) if isinstance(path, (Path, str)) else "the graph"
    target = None if crs is None else crs_module.parse_metric(crs, where="read_roads: crs")
    drawn = _open(path, columns=columns or {}, layer=layer)
    lines, dropped = _roads_only(drawn, where=where)
    cut = _cut(lines, where=where)
    within = _within(cut, _regions(bbox, area), where=where)
    report = {**drawn.report, **dropped, **_counts(cut, within)}
    return _tables(cut, within, crs=target, report=report, where=where)


def _open(path: Path | str | nx.MultiDiGraph[Any], *, columns: Mapping[str, str], layer: str | None) -> DrawnLines:
    from chongming_gis.sources import lines, osm, pbf

    if not isinstance(path, (Path, str)):  # asked this way round, networkx need not be loaded for a file
        return osm.lines_of_graph(path, where="the graph")
    path = Path(path)
    family = layers.check_suffix(path, layers.OSM, layers.GRAPH, layers.LAYER)
    if family is layers.OSM:
        return pbf.read_ways(path)
    if family is layers.GRAPH:
        return osm.read_graph(path)
    return lines.read_lines(path, columns=columns, layer=layer)


def _roads_only(drawn: DrawnLines, *, where: str) -> tuple[DrawnLines, dict[str, int]]:
    reasons = tags.drop_reasons(drawn.raw, is_closed=drawn.is_closed)
    wanted = reasons.isna().to_numpy()
    if not wanted.any():
        raise NetworkError(
            f"{where}: there is no road in this file ({len(wanted)} lines, none with a usable highway tag)"
        )
    counts = {f"ways_dropped_{reason}": int(n) for reason, n in reasons.value_counts().sort_index().items()}
    order = np.argsort(drawn.way_id, kind="stable")
    in_order = order[wanted[order]]
    lines = drawn if np.array_equal(in_order, np.arange(len(wanted))) else drawn.take(in_order)
    return lines, {"ways_read": len(wanted), "ways_kept": int(wanted.sum()), **counts}


def _cut(lines: DrawnLines, *, where: str) -> _Cut:
    is_barrier = np.zeros(len(lines.coords), dtype=bool)
    is_barrier[lines.node_raw.index] = True
    pieces = split_at_junctions(lines.offsets, lines.vertex, lines.coords, is_barrier)
    if len(pieces.line) == 0:
        unknown = pieces.n_positions_unknown
        raise NetworkError(
            f"{where}: there is no road whose nodes are in this file ({unknown} positions missing); "
            "an OSM file needs its nodes, with ids above 0, before its ways"
        )
    length_m = crs_module.geodesic_lengths_m(pieces.geometry, lines.crs)
    _, way = np.unique(lines.way_id[pieces.line], return_inverse=True)
    way_share, line_share = _share_of(length_m, way), _share_of(length_m, pieces.line)
    if "way_share" in lines.raw.columns:  # a row of our own tables knows its share of a way that was clipped since
        stated = lines.raw["way_share"].to_numpy(dtype=float)[pieces.line] * line_share
        way_share = np.where(np.isfinite(stated), stated, way_share)
    return _Cut(lines=lines, pieces=pieces, length_m=length_m, way_share=way_share, line_share=line_share)


def _share_of(length_m: Floats, group: npt.NDArray[np.int64]) -> Floats:
    """Return each edge's share of the length of its group; edges of a group without length share equally."""
    total = np.bincount(group, weights=length_m)[group]
    number = np.bincount(group)[group]
    return np.where(total > 0.0, length_m / np.where(total > 0.0, total, 1.0), 1.0 / number)


def _regions(bbox: Box | None, area: Region | None) -> list[Region]:
    """Return the polygons (WGS 84) that an edge must touch to be kept."""
    if bbox is None:
        return [] if area is None else [area]
    west, south, east, north = bbox
    if not (-180.0 <= west < east <= 180.0 and -90.0 <= south < north <= 90.0):
        raise NetworkError(f"bbox {bbox}: write (min_lon, min_lat, max_lon, max_lat) in degrees")
    box = shapely.box(west, south, east, north)
    return [box] if area is None else [box, area]


def _within(cut: _Cut, regions: list[Region], *, where: str) -> Bools:
    within = np.ones(len(cut.length_m), dtype=bool)
    if not regions:
        return within
    geographic = crs_module.transform(cut.pieces.geometry, cut.lines.crs, CRS.from_user_input(crs_module.GEOGRAPHIC))
    for region in regions:
        shapely.prepare(region)
        within &= shapely.intersects(region, geographic)
    if not within.any():
        asked = " and ".join(_in_degrees(region.bounds) for region in regions)
        have = _in_degrees(shapely.total_bounds(geographic))
        raise NetworkError(f"{where}: no road lies within {asked}; the roads of the file span {have}")
    return within


def _in_degrees(bounds: Iterable[float]) -> str:
    return f"({', '.join(f'{degrees:.4f}' for degrees in bounds)})"


def _counts(cut: _Cut, within: Bools) -> dict[str, int]:
    pieces = cut.pieces
    drawn = np.zeros(len(cut.lines.way_id), dtype=bool)
    drawn[pieces.line] = True
    return {
        "ways_without_edge": int((~drawn).sum()),
        "ferries_without_edge": int((tags.is_ferry(cut.lines.raw).to_numpy() & ~drawn).sum()),
        "positions_unknown": pieces.n_positions_unknown,
        "positions_repeated": pieces.n_positions_repeated,
        "positions_alone": pieces.n_lone_positions,
        "edges_outside": int((~within).sum()),
        "edges_kept": int(within.sum()),
        "edges_without_length": int((cut.length_m[within] == 0.0).sum()),
    }


def _tables(cut: _Cut, within: Bools, *, crs: CRS | None, report: Mapping[str, int], where: str) -> tables.RoadTables:
    target = layers.utm_zone_of(cut.pieces.geometry[within], cut.lines.crs) if crs is None else crs
    edges, nodes = _edges(cut, within, crs=target), _nodes(cut, within, crs=target)
    tables.validate(edges, tables.EDGES, where=where)
    tables.validate(nodes, tables.NODES, where=where)
    ferries = edges[edges["highway"].isna()]
    more = {
        "nodes_kept": len(nodes),
        "barriers_kept": int(nodes["barrier"].notna().sum()),
        "ferry_edges": len(ferries),
        "ferry_edges_without_duration": int(ferries["duration_s"].isna().sum()),
        "ferry_edges_without_headway": int(ferries["headway_s"].isna().sum()),
    }
    return tables.RoadTables(nodes=nodes, edges=edges, report={**report, **more})


def _edges(cut: _Cut, within: Bools, *, crs: CRS) -> gpd.GeoDataFrame:
    lines, line = cut.lines, cut.pieces.line[within]
    duration_s = tags.ferry_seconds(lines.raw, stated="duration_s", tag="duration")[line] * cut.line_share[within]
    columns = {
        "edge_id": np.arange(len(line)),
        "u": lines.node_id[cut.pieces.start[within]],
        "v": lines.node_id[cut.pieces.end[within]],
        "way_id": lines.way_id[line],
        "length_m": cut.length_m[within],
        **tags.edge_tags(lines.raw).take(line).reset_index(drop=True),
        "duration_s": duration_s,
        "headway_s": tags.ferry_seconds(lines.raw, stated="headway_s", tag="interval")[line],
        "way_share": cut.way_share[within],
    }
    geometry = crs_module.transform(cut.pieces.geometry[within], lines.crs, crs)
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=crs)


def _nodes(cut: _Cut, within: Bools, *, crs: CRS) -> gpd.GeoDataFrame:
    lines = cut.lines
    vertices = np.unique(np.r_[cut.pieces.start[within], cut.pieces.end[within]])
    vertices = vertices[np.argsort(lines.node_id[vertices], kind="stable")]
    places = np.asarray(shapely.points(lines.coords[vertices]), dtype=object)
    node_tags = tags.node_tags(lines.node_raw).reindex(vertices).reset_index(drop=True)
    columns = {"node_id": lines.node_id[vertices], **node_tags.astype("str")}
    return gpd.GeoDataFrame(columns, geometry=crs_module.transform(places, lines.crs, crs), crs=crs)
