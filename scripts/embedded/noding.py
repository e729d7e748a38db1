"""Collected lines -> one clean network: noded on a grid, stubs cut, pieces joined, bridges marked."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
import shapely.ops
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from embedded import shapes

if TYPE_CHECKING:
    from embedded.shapes import Floats

STUB_M = 14.0  # dead ends shorter than this come from lines that overshoot
STUB_ROUNDS = 3
SAME_LINE_M = 1.2
JOIN_REACH_M = 700.0  # loose pieces nearer than this to the rest are joined to it, others dropped
SMALLEST_PIECE_M = 350.0
BRIDGE_HALF_M = 17.0
LONGEST_BRIDGE_M = 42.0  # a minor road longer in the water than this does not cross a canal, it runs in it
MINOR = ("tertiary", "unclassified", "residential", "service", "track")
SHORTEST_BANK_M = 4.0  # a shorter piece beside a bridge belongs to the bridge


@dataclass(frozen=True, slots=True)
class Ends:
    """The node at either end of each edge, and where the nodes lie."""

    u: Any
    v: Any
    xy: Floats


def node_lines(table: pd.DataFrame) -> pd.DataFrame:
    """Return the lines cut wherever they meet; where lines run together the most important one gives the tags."""
    merged = shapely.union_all(table["geometry"].to_numpy(), grid_size=shapes.GRID_M)
    pieces = shapes.parts(merged)
    pieces = pieces[shapely.length(pieces) > 0]
    middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    which, line = shapely.STRtree(table["geometry"].to_numpy()).query(middle, "dwithin", SAME_LINE_M)
    found = pd.DataFrame({"piece": which, "line": line, "rank": table["rank"].to_numpy()[line]})
    best = found.sort_values(["piece", "rank", "line"]).drop_duplicates("piece").set_index("piece")["line"]
    best = best.reindex(range(len(pieces)))
    known = best.notna().to_numpy()
    made = table.drop(columns="geometry").iloc[best[known].astype(int)].reset_index(drop=True)
    return made.assign(geometry=pieces[known])


def edge_ends(geometry: Any) -> Ends:
    """Return the nodes of edges: ends with the same coordinates are one node."""
    first = shapely.get_coordinates(shapely.get_point(geometry, 0))
    last = shapely.get_coordinates(shapely.get_point(geometry, -1))
    xy, node = np.unique(np.vstack([first, last]), axis=0, return_inverse=True)
    return Ends(node[: len(first)], node[len(first) :], xy)


def cut_stubs(edges: pd.DataFrame) -> pd.DataFrame:
    """Return the edges without very short dead ends."""
    for _ in range(STUB_ROUNDS):
        ends = edge_ends(edges["geometry"].to_numpy())
        degree = np.bincount(np.concatenate([ends.u, ends.v]))
        loose = (degree[ends.u] == 1) | (degree[ends.v] == 1)
        stub = loose & (shapely.length(edges["geometry"].to_numpy()) < STUB_M)
        loops = ends.u == ends.v
        if not (stub | loops).any():
            break
        edges = edges[~(stub | loops)].reset_index(drop=True)
    return merge_chains(edges)


def drop_wet(edges: pd.DataFrame, water: Any) -> pd.DataFrame:
    """Return the edges without minor ones that run along in a canal, or end in it."""
    shapely.prepare(water)
    geometry = edges["geometry"].to_numpy()
    minor = edges["highway"].isin(MINOR).to_numpy()
    near = minor & shapely.intersects(water, geometry)
    wet_m = np.zeros(len(edges))
    wet_m[near] = shapely.length(shapely.intersection(geometry[near], water))
    ends = edge_ends(geometry)
    degree = np.bincount(np.concatenate([ends.u, ends.v]))
    in_water = shapely.contains_xy(water, ends.xy[:, 0], ends.xy[:, 1])
    stops = ((degree == 1) & in_water)[ends.u] | ((degree == 1) & in_water)[ends.v]
    return edges[~(minor & ((wet_m > LONGEST_BRIDGE_M) | stops))].reset_index(drop=True)


def merge_chains(edges: pd.DataFrame) -> pd.DataFrame:
    """Return the edges with runs of one kind joined over nodes where nothing else meets."""
    ends = edge_ends(edges["geometry"].to_numpy())
    degree = np.bincount(np.concatenate([ends.u, ends.v]))
    kind = edges.groupby(["highway", "name", "lanes"], dropna=False, sort=True).ngroup().to_numpy()
    at_node: dict[int, list[int]] = {}
    for edge, (u, v) in enumerate(zip(ends.u, ends.v, strict=True)):
        for node in (u, v):
            if degree[node] == 2:
                at_node.setdefault(int(node), []).append(edge)
    pairs = [two for two in at_node.values() if len(two) == 2 and two[0] != two[1] and kind[two[0]] == kind[two[1]]]
    if not pairs:
        return edges
    a, b = np.array(pairs).T
    links = coo_array((np.ones(len(a)), (a, b)), shape=(len(edges), len(edges)))
    count, chain = connected_components(links, directed=False)
    size = np.bincount(chain, minlength=count)
    single = edges[size[chain] == 1]
    joined = []
    for _, rows in edges[size[chain] > 1].groupby(chain[size[chain] > 1], sort=True):
        line = shapely.line_merge(shapely.union_all(rows["geometry"].to_numpy()))
        joined.extend(rows.iloc[0].drop("geometry").to_dict() | {"geometry": part} for part in shapes.parts(line))
    return pd.concat([single, pd.DataFrame(joined)], ignore_index=True)


def join_pieces(edges: pd.DataFrame, land: Any) -> tuple[pd.DataFrame, int]:
    """Return the edges as one connected piece, and how many small pieces were dropped.

    A loose piece is joined by a straight lane from its nearest node, if that stays on land and is short enough.
    """
    dropped = 0
    for _ in range(6):
        ends = edge_ends(edges["geometry"].to_numpy())
        piece = _components(ends)
        if piece.max() == 0:
            break
        edge_piece = piece[ends.u]
        lengths = np.bincount(edge_piece, weights=shapely.length(edges["geometry"].to_numpy()))
        main = int(np.argmax(lengths))
        links, lost = _links_to_main(ends, piece, lengths, main, land)
        dropped += len(lost)
        edges = edges[~np.isin(edge_piece, lost)]
        edges = pd.concat([edges, links], ignore_index=True)
    return edges, dropped


def _components(ends: Ends) -> Any:
    shape = (len(ends.xy), len(ends.xy))
    return connected_components(coo_array((np.ones(len(ends.u)), (ends.u, ends.v)), shape=shape), directed=False)[1]


def _links_to_main(ends: Ends, piece: Any, lengths: Any, main: int, land: Any) -> tuple[pd.DataFrame, list[int]]:
    inside = shapely.points(ends.xy[piece == main])
    tree = shapely.STRtree(inside)
    links, lost = [], []
    for which in range(len(lengths)):
        if which == main:
            continue
        mine = shapely.points(ends.xy[piece == which])
        (_, near), far = tree.query_nearest(mine, return_distance=True, all_matches=False)
        best = int(np.argmin(far))
        line = shapely.LineString([*mine[best].coords, *inside[near[best]].coords])
        if lengths[which] >= SMALLEST_PIECE_M and far[best] <= JOIN_REACH_M and land.contains(line):
            links.append({"geometry": line, "highway": "residential", "rank": 5})
        else:
            lost.append(which)
    return pd.DataFrame(links), lost


def mark_bridges(edges: pd.DataFrame, canals: Any) -> pd.DataFrame:
    """Return the edges with ``bridge`` where they cross a canal; long edges are cut at both banks."""
    geometry = edges["geometry"].to_numpy()
    crosses = np.unique(shapely.STRtree(canals).query(geometry, "intersects")[0])
    kept = edges.drop(index=crosses).assign(bridge=None)
    rows = []
    tree = shapely.STRtree(canals)
    for row in edges.iloc[crosses].to_dict("records"):
        line = row["geometry"]
        over = canals[np.sort(tree.query(line, "intersects"))]
        at = sorted(
            float(line.project(p))
            for canal in over
            for p in shapely.get_parts(line.intersection(canal))
            if p.geom_type == "Point"
        )
        rows.extend(row | piece for piece in _bridge_pieces(line, at))
    return pd.concat([kept, pd.DataFrame(rows)], ignore_index=True)


def _bridge_pieces(line: Any, at: list[float]) -> list[dict[str, Any]]:
    """Return the pieces of a line: a bridge around each crossing, the banks between them."""
    if not at or line.length < 5 * BRIDGE_HALF_M:
        return [{"geometry": line, "bridge": "yes" if at else None}]
    spans: list[list[float]] = []
    for crossing in at:
        low, high = crossing - BRIDGE_HALF_M, crossing + BRIDGE_HALF_M
        low, high = (0.0 if low < SHORTEST_BANK_M else low), min(high, line.length)
        high = line.length if line.length - high < SHORTEST_BANK_M else high
        if spans and low - spans[-1][1] < 2 * BRIDGE_HALF_M:
            spans[-1][1] = high
        else:
            spans.append([low, high])
    cuts = [0.0, *[edge for span in spans for edge in span], line.length]
    pieces = []
    for k, (low, high) in enumerate(itertools.pairwise(cuts)):
        if high - low < 0.01:
            continue
        part = shapely.ops.substring(line, low, high)
        pieces.append({"geometry": part, "bridge": "yes" if k % 2 else None})
    return pieces
