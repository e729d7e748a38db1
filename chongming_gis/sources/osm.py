"""osmnx graphs (in memory or .graphml) -> lines as drawn: one line a street, not one a direction.

osmnx holds a two-way street as two edges, ``u -> v`` and ``v -> u``, of which the second says ``reversed=True``. Here
they become one line in the direction in which the way was drawn. An edge without a twin is one-way.

Where osmnx's simplification merged ways it keeps lists of their different values, in an order that changes from run
to run (it passes through a set). The smallest value is taken, numbers before text, and the report counts such edges;
an extract or an unsimplified graph loses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from chongming_gis import crs as crs_module
from chongming_gis.errors import InputFileError, NetworkError, TableError
from chongming_gis.sources import tags
from chongming_gis.sources.drawn import DrawnLines

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from pathlib import Path

    import networkx as nx

    from chongming_gis.sources.noding import Floats, Ints

#: The graph attribute by which ``network.to_networkx`` says that edges carry the raw one-way tag beside osmnx's
#: true-or-false ``oneway``; the edge attribute has the same name and is absent where the tag is.
ONEWAY_TAG = "oneway_tag"
_TEXTS = (*(key for key in tags.RAW_KEYS if key != "oneway"), "oneway_bicycle", ONEWAY_TAG)
_UNNAMED = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class _Edge:
    """A graph edge as one line: between which nodes, along which coordinates, with which attributes."""

    u: int
    v: int
    coords: Floats
    data: dict[str, Any]

    @property
    def osmids(self) -> tuple[str, ...]:
        return tuple(sorted(map(str, _values(self.data.get("osmid")))))

    @property
    def is_reversed(self) -> bool:
        return self.data.get("reversed") is True

    def turned(self) -> _Edge:
        """Return the edge against its direction."""
        return _Edge(self.v, self.u, self.coords[::-1], self.data)


def read_graph(path: Path) -> DrawnLines:
    """Return the lines of a GraphML file that osmnx wrote.

    Raises
    ------
    InputFileError
        The file is not GraphML, or lacks what osmnx writes (a CRS, node positions).
    """
    import networkx as nx
    import osmnx

    try:
        graph = osmnx.load_graphml(path, edge_dtypes=dict.fromkeys(tags.NUMBERS, float))
    except (OSError, SyntaxError, KeyError, ValueError, TypeError, nx.NetworkXException) as error:
        reason = " ".join(str(error).split())  # a parse error of XML is a SyntaxError
        raise InputFileError(f"{path}: cannot be read as osmnx GraphML ({type(error).__name__}: {reason})") from error
    return lines_of_graph(graph, where=str(path))


def lines_of_graph(graph: nx.MultiDiGraph[Any], *, where: str) -> DrawnLines:
    """Return the lines of an osmnx graph, in the graph's CRS.

    Raises
    ------
    CrsError
        ``graph.graph["crs"]`` is missing or unknown.
    NetworkError
        The graph has no edges.
    TableError
        Node ids are not whole numbers, or nodes have no x and y.
    """
    crs = crs_module.parse(graph.graph.get("crs"), where=f"{where}: graph['crs']")
    if graph.number_of_edges() == 0:
        raise NetworkError(f"{where}: there is no road in this graph (it has no edges)")
    node_id, places = _nodes(graph, where=where)
    edges = _streets(graph, dict(zip(node_id.tolist(), places, strict=True)))
    raw, n_lists = _raw_columns([data for _, data in edges], has_raw_oneway=ONEWAY_TAG in graph.graph)
    offsets, vertex, coords = _positions([edge for edge, _ in edges], node_id, places)
    return DrawnLines(
        way_id=_way_ids([edge for edge, _ in edges]),
        raw=raw,
        offsets=offsets,
        vertex=vertex,
        coords=coords,
        crs=crs,
        node_id=np.r_[node_id, np.full(len(coords) - len(node_id), -1)],
        node_raw=_node_raw(graph, node_id),
        report={"graph_edges_read": graph.number_of_edges(), "edges_with_several_values": n_lists},
    )


def _nodes(graph: nx.MultiDiGraph[Any], *, where: str) -> tuple[Ints, Floats]:
    odd = [node for node in graph if not isinstance(node, (int, np.integer))]
    if odd:
        raise TableError(f"{where}: {len(odd)} node ids are not whole numbers, e.g. {odd[0]!r}; renumber the nodes")
    bare = [node for node, data in graph.nodes(data=True) if "x" not in data or "y" not in data]
    if bare:
        raise TableError(f"{where}: {len(bare)} node(s) have no x and y, e.g. {bare[0]}; osmnx graphs have both")
    node_id = np.array(sorted(graph), dtype=np.int64)
    return node_id, np.array([(graph.nodes[i]["x"], graph.nodes[i]["y"]) for i in node_id.tolist()], dtype=float)


def _streets(graph: nx.MultiDiGraph[Any], place: dict[int, Floats]) -> list[tuple[_Edge, dict[str, Any]]]:
    """Return one edge a street with its attributes, ``oneway`` as an OSM tag; ordered by way, ends and place."""
    groups: dict[Hashable, list[_Edge]] = defaultdict(list)
    for u, v, data in graph.edges(data=True):
        line = data.get("geometry")
        coords = np.array([place[u], place[v]]) if line is None else shapely.get_coordinates(line)
        edge = _Edge(int(u), int(v), coords, data)
        there, back = coords.tobytes(), coords[::-1].tobytes()
        groups[edge.osmids, min(u, v), max(u, v), min(there, back)].append(edge)
    streets = [street for edges in groups.values() for street in _pair_up(edges)]
    return sorted(streets, key=lambda s: (_way_id(s[0]), s[0].u, s[0].v, s[0].coords.tolist()))


def _pair_up(edges: list[_Edge]) -> Iterable[tuple[_Edge, dict[str, Any]]]:
    """Yield the edges that follow one line, each with its twin in the other direction taken away."""
    waiting: list[_Edge] = []
    for edge in edges:
        twin = None if edge.data.get("oneway") is True else next((e for e in waiting if _is_twin(e, edge)), None)
        if twin is None:
            waiting.append(edge)
            continue
        waiting.remove(twin)
        drawn = min(edge, twin, key=lambda e: (e.is_reversed, e.u, e.coords.tolist()))
        yield drawn, {**drawn.data, "oneway": "no"}
    for edge in waiting:
        if edge.data.get("oneway") is False:
            yield (edge.turned() if edge.is_reversed else edge), {**edge.data, "oneway": "no"}
        elif edge.is_reversed:
            yield edge.turned(), {**edge.data, "oneway": "-1"}
        else:
            yield edge, {**edge.data, "oneway": "yes"}


def _is_twin(one: _Edge, other: _Edge) -> bool:
    return (
        one.data.get("oneway") is not True
        and (one.u, one.v) == (other.v, other.u)
        and np.array_equal(one.coords, other.coords[::-1])
    )


def _positions(edges: list[_Edge], node_id: Ints, places: Floats) -> tuple[Ints, Ints, Floats]:
    """Return offsets, vertices and coordinates: shared vertices at the ends, vertices of its own inside an edge.

    The graph has decided where streets meet, so vertices inside its edges are never junctions.
    """
    sizes = np.array([len(edge.coords) for edge in edges])
    offsets = np.r_[0, np.cumsum(sizes)]
    all_coords = np.concatenate([edge.coords for edge in edges])
    first, last = offsets[:-1], offsets[1:] - 1
    is_inside = np.ones(len(all_coords), dtype=bool)
    is_inside[first] = is_inside[last] = False
    vertex = np.empty(len(all_coords), dtype=np.int64)
    vertex[first] = np.searchsorted(node_id, [edge.u for edge in edges])
    vertex[last] = np.searchsorted(node_id, [edge.v for edge in edges])
    vertex[is_inside] = np.arange(is_inside.sum()) + len(node_id)
    return offsets, vertex, np.concatenate([places, all_coords[is_inside]])


def _raw_columns(attributes: list[dict[str, Any]], *, has_raw_oneway: bool) -> tuple[pd.DataFrame, int]:
    """Return the tags as text columns, and the number of edges on which at least one was a list."""
    several = np.zeros(len(attributes), dtype=bool)
    columns: dict[str, pd.Series] = {}
    for name in (*_TEXTS, "oneway", *tags.NUMBERS):
        values = [_values(data.get(name)) for data in attributes]
        several |= np.array([len(found) > 1 for found in values])
        chosen = [min(found, key=_natural_order) if found else None for found in values]
        if name in tags.NUMBERS:
            columns[name] = pd.Series(chosen, dtype=float)
        else:
            columns[name] = pd.Series([None if value is None else str(value) for value in chosen], dtype="str")
    raw_oneway = columns.pop(ONEWAY_TAG)
    if has_raw_oneway:
        columns["oneway"] = raw_oneway
    return pd.DataFrame(columns), int(several.sum())


def _values(value: object) -> list[Any]:
    """Return an attribute's values: none, one, or those of a list; missing ones (NaN too) are left out."""
    values = value if isinstance(value, (list, tuple, set)) else [value]
    return [v for v in values if v is not None and v == v and v != ""]


def _natural_order(value: object) -> tuple[float, str]:
    try:
        return float(str(value)), str(value)
    except ValueError:
        return np.inf, str(value)


def _way_id(edge: _Edge) -> int:
    ids = [int(i) for i in _values(edge.data.get("osmid")) if str(i).lstrip("-").isdigit()]
    return min(ids, default=_UNNAMED)


def _way_ids(edges: list[_Edge]) -> Ints:
    """Return the OSM way of each edge, the smallest of several; edges that name none are numbered after the others."""
    ids = np.array([_way_id(edge) for edge in edges], dtype=np.int64)
    unnamed = ids == _UNNAMED
    ids[unnamed] = max(int(ids.max()), -1) + 1 + np.arange(unnamed.sum())
    return ids


def _node_raw(graph: nx.MultiDiGraph[Any], node_id: Ints) -> pd.DataFrame:
    """Return the raw tags of barriers, index = row of ``node_id``."""
    rows = [row for row, node in enumerate(node_id.tolist()) if graph.nodes[node].get("barrier")]
    found = [graph.nodes[int(node_id[row])] for row in rows]
    columns = {key: pd.Series([data.get(key) for data in found], dtype="str") for key in tags.RAW_NODE_KEYS}
    return pd.DataFrame(columns).set_axis(rows)
