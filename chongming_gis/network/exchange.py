"""Road tables -> networkx, in osmnx's convention, so that osmnx and networkx functions work on them.

``sources.read_roads`` is the way back: it turns the pair of directions of a street into one edge again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import shapely

from chongming_gis import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    import networkx as nx

#: Values of ``oneway`` by which osmnx gives a way one direction; it also does so for roundabouts.
_ONE_WAY = frozenset({"yes", "true", "1", "-1", "reverse", "T", "F"})
_AGAINST = frozenset({"-1", "reverse", "T"})

#: Edge attribute that keeps the raw tag beside osmnx's true-or-false ``oneway``; the graph attribute of the same name
#: tells ``sources.read_roads`` that an edge without it has no such tag.
_ONEWAY_TAG = "oneway_tag"
_NOTE = "edges carry the raw oneway tag as oneway_tag; absent = not tagged"
_NODE_TAGS = ("barrier", "access", "foot", "bicycle", "motor_vehicle")
_EDGE_TAGS = tuple(tag for tag in tables.EDGE_TAGS if tag != "oneway")
_NUMBERS = ("duration_s", "headway_s", "way_share")


def to_networkx(roads: tables.RoadTables) -> nx.MultiDiGraph[Any]:
    """Return the roads as an osmnx graph: two edges for a street open both ways, one for a one-way.

    Nodes have ``x`` and ``y`` in the graph's CRS (that of the tables) and the tags of their barrier. Edges have
    ``osmid`` (the way), ``length`` (metres, geodesic), ``oneway`` and ``reversed`` (true or false), ``geometry`` in
    the direction of the edge, ``edge_id`` (the row of the table), and the tags and ferry times of the table where it
    has them.

    Notes
    -----
    One-way follows osmnx: by the ``oneway`` tag or ``junction=roundabout``, for all modes alike. The rules of a mode
    are finer (feet ignore one-ways, motorways imply them): use ``compile_network`` for travel times.
    """
    import networkx as nx  # takes longer to load than a district to compile

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    graph.graph.update({"crs": roads.crs.to_string(), "simplified": True, _ONEWAY_TAG: _NOTE})
    graph.add_nodes_from(_nodes(roads))
    graph.add_edges_from(_edges(roads))
    return graph


def _nodes(roads: tables.RoadTables) -> Iterator[tuple[int, dict[str, Any]]]:
    nodes = roads.nodes
    x, y = shapely.get_coordinates(nodes.geometry.to_numpy()).T.tolist()
    tags = nodes[list(_NODE_TAGS)].to_dict("records")
    for node, east, north, found in zip(nodes["node_id"].tolist(), x, y, tags, strict=True):
        yield node, {"x": east, "y": north, **_present(found)}


def _edges(roads: tables.RoadTables) -> Iterator[tuple[int, int, dict[str, Any]]]:
    edges = roads.edges
    there = edges.geometry.to_numpy()
    back = shapely.reverse(there)
    columns = ["u", "v", "edge_id", "way_id", "length_m", "oneway", *_EDGE_TAGS, *_NUMBERS]
    records = edges[columns].to_dict("records")
    for record, along, against in zip(records, there, back, strict=True):
        tag = record["oneway"]
        data = {
            "osmid": record["way_id"],
            "length": record["length_m"],
            "edge_id": record["edge_id"],
            **_present({name: record[name] for name in (*_EDGE_TAGS, *_NUMBERS)}),
            **_present({_ONEWAY_TAG: tag}),
        }
        is_oneway = tag in _ONE_WAY or record["junction"] == "roundabout"
        if not (is_oneway and tag in _AGAINST):
            yield record["u"], record["v"], {**data, "oneway": is_oneway, "reversed": False, "geometry": along}
        if not is_oneway or tag in _AGAINST:
            yield record["v"], record["u"], {**data, "oneway": is_oneway, "reversed": True, "geometry": against}


def _present(values: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that say something (a missing value is NaN, which differs from itself)."""
    return {name: value for name, value in values.items() if value is not None and value == value}
