"""A slow twin of the network: tags read one edge at a time, points inserted by splitting edges, networkx for the rest.

Nothing here looks at the compiled arrays but the edge a point snapped to. It follows DESIGN.md (decision 2) and the
OSM wiki (Key:access, Key:oneway, Key:barrier), written anew, so that one misreading would have to be made twice.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass

import networkx as nx
import numpy as np


def _words(text):
    return set(text.split())


OPEN_WORDS = _words("yes permissive designated official destination customers delivery public discouraged dismount")
SHUT_WORDS = _words("no private agricultural forestry emergency military use_sidepath permit residents restricted")
WALKERS_ONLY = _words("footway pedestrian steps corridor elevator bridleway platform via_ferrata")
SLOW_ONLY = WALKERS_ONLY | _words("path cycleway track trail crossing")
UNUSABLE = _words("construction proposed planned abandoned razed raceway bus_guideway escape emergency_bay")
MOTORWAYS = {"motorway", "motorway_link"}
STEPS = {"steps", "elevator", "via_ferrata"}
GATES = _words(
    "cattle_grid border_control toll_booth sally_port gate lift_gate swing_gate no entrance height_restrictor arch "
    "kerb bump_gate hampshire_gate sliding_gate checkpoint"
)
NARROW = _words(
    "bollard block cycle_barrier chain bus_trap sump_buster motorcycle_barrier planter rope spikes wicket_gate debris "
    "log horse_stile"
)
WALLS = _words("fence wall hedge city_wall retaining_wall ditch")
LIMIT_WORDS = {"urban": 50, "rural": 70, "motorway": 120, "living_street": 20, "walk": 7}


@dataclass(frozen=True)
class Reading:
    """Seconds along and against one edge (inf = closed), and whether a point may step onto it."""

    along_s: float
    against_s: float
    can_snap: bool

    @property
    def is_open(self):
        return math.isfinite(self.along_s) or math.isfinite(self.against_s)


def records(frame):
    """Rows as plain dictionaries; what is not tagged is None."""
    rows = frame.drop(columns="geometry").to_dict("records")
    return [{k: None if v is None or v != v else v for k, v in row.items()} for row in rows]


def says(value):
    """True, False, or None where an access value says nothing known."""
    words = {word.strip().lower() for word in (value or "").split(";")}
    if words & OPEN_WORDS:
        return True
    return False if words & SHUT_WORDS else None


def may_use(edge, access):
    """Whether a mode may use an edge at all: its own key first, then what the class implies, then ``access``."""
    own, general = says(edge[access]), says(edge["access"])
    highway, on_wheels = edge["highway"], access != "foot"
    if highway is None:
        if edge["route"] != "ferry":
            return False
        if own is not None:
            return own
        return access != "motor_vehicle" and general is not False
    in_tunnel = edge["tunnel"] not in {None, "no"}
    if highway in UNUSABLE or (access != "motor_vehicle" and highway in MOTORWAYS):
        return False
    if access != "motor_vehicle" and in_tunnel and highway in {"trunk", "trunk_link"}:
        return False
    if on_wheels and (highway in STEPS or (access == "motor_vehicle" and highway == "corridor")):
        return False
    closed_by_class = highway == "busway"
    closed_by_class |= access == "bicycle" and highway in WALKERS_ONLY
    closed_by_class |= access == "motor_vehicle" and highway in SLOW_ONLY
    closed_by_class |= access != "motor_vehicle" and edge["motorroad"] == "yes"
    if closed_by_class:
        return own is True
    if own is not None:
        return own
    return general is not False


def ways_of(edge, access):
    """Whether an edge may be travelled (along, against) its drawing."""
    if access == "foot":
        return True, True
    word = (edge["oneway"] or "").lower()
    is_ring = edge["junction"] in {"roundabout", "circular"}
    if not word and edge["highway"] is not None and (is_ring or edge["highway"] == "motorway"):
        word = "yes"
    if access == "bicycle" and edge["oneway_bicycle"] is not None:
        word = edge["oneway_bicycle"].lower()
    if word == "reversible":
        return False, False
    return word not in {"-1", "reverse"}, word not in {"yes", "true", "1"}


def limit_kmh(tag):
    """The lowest speed limit in a maxspeed tag (None = none)."""
    found = []
    for part in re.split(r"[;|]", tag or ""):
        word = part.strip().lower().split(":")[-1]
        number = re.fullmatch(r"(?:zone)?(\d+(?:\.\d+)?) ?(mph|km/h|kmh|kph)?", word)
        if number and float(number[1]) > 0:
            found.append(float(number[1]) * (1.609344 if number[2] == "mph" else 1.0))
        elif word in LIMIT_WORDS:
            found.append(LIMIT_WORDS[word])
    return min(found) if found else None


def seconds_of(edge, mode):
    """Seconds along a whole edge (inf = the mode has no speed on it)."""
    if edge["highway"] is None:
        crossing = edge["duration_s"]
        if crossing is None:
            crossing = edge["length_m"] / (mode.ferry_speed_kmh * 1000 / 3600)
        headway = mode.ferry_headway_s if edge["headway_s"] is None else edge["headway_s"]
        return crossing + edge["way_share"] * headway / 2
    speed = mode.speed_kmh
    if not isinstance(speed, float | int):
        speed = speed.get(edge["highway"], speed.get("default"))
        if speed is None:
            return math.inf
    limit = limit_kmh(edge["maxspeed"])
    if mode.access != "foot" and limit is not None:
        speed = min(speed, limit)
    if mode.access == "bicycle" and edge["bicycle"] == "dismount":
        speed = min(speed, 3.6)
    return edge["length_m"] / (speed * 1000 / 3600)


def read_edge(edge, mode):
    """How a mode uses one edge."""
    seconds = seconds_of(edge, mode) if may_use(edge, mode.access) else math.inf
    along, against = ways_of(edge, mode.access)
    in_tunnel = edge["tunnel"] not in {None, "no"}
    can_snap = math.isfinite(seconds) and edge["highway"] is not None and not in_tunnel
    return Reading(
        along_s=seconds if along else math.inf,
        against_s=seconds if against else math.inf,
        can_snap=can_snap and edge["highway"] not in MOTORWAYS,
    )


def stops(node, access):
    """Whether a node's barrier stops a mode: its own key first, then ``access``, then what such a barrier lets pass."""
    if node["barrier"] is None:
        return False
    for tag in (node[access], node["access"]):
        if says(tag) is not None:
            return not says(tag)
    if access == "foot":
        return node["barrier"] in WALLS
    return node["barrier"] not in (GATES if access == "motor_vehicle" else GATES | NARROW)


class SlowNetwork:
    """The roads of one mode as a networkx graph in which a barrier that stops the mode parts every edge end."""

    def __init__(self, roads, mode):
        self.mode = mode
        self.edges = {edge["edge_id"]: edge for edge in records(roads.edges)}
        self.readings = {edge_id: read_edge(edge, mode) for edge_id, edge in self.edges.items()}
        self.lines = dict(zip(roads.edges["edge_id"].tolist(), roads.edges.geometry, strict=True))
        self.stopped = {node["node_id"] for node in records(roads.nodes) if stops(node, mode.access)}

    def end(self, edge_id, side):
        """The name of an edge's end ('u' or 'v'): its node, or an end of its own at a barrier."""
        node = self.edges[edge_id][side]
        return ("end", node, edge_id, side) if node in self.stopped else ("node", node)

    def graph(self, *groups):
        """A directed graph with groups of points inserted: ``groups`` are (name, edge ids, fractions, seconds off).

        Point i of a group can be left from ("from", name, i) and reached at ("to", name, i); edge id -1 is nowhere.
        """
        graph = nx.MultiDiGraph()
        standing = defaultdict(list)
        for name, edge_ids, fractions, off_s in groups:
            for i, (edge_id, fraction, off) in enumerate(zip(edge_ids, fractions, off_s, strict=True)):
                graph.add_nodes_from([("from", name, i), ("to", name, i)])
                if edge_id >= 0:
                    standing[edge_id].append((fraction, name, i, off))
        for edge_id, use in self.readings.items():
            if use.is_open:
                self._add_edge(graph, edge_id, use, standing[edge_id])
        return graph

    def _add_edge(self, graph, edge_id, use, standing):
        before, at = self.end(edge_id, "u"), 0.0
        for fraction, name, i, off in sorted(standing):
            here = ("on", name, i)
            graph.add_edge(("from", name, i), here, weight=off)
            graph.add_edge(here, ("to", name, i), weight=off)
            self._join(graph, before, here, fraction - at, use)
            before, at = here, fraction
        self._join(graph, before, self.end(edge_id, "v"), 1.0 - at, use)

    @staticmethod
    def _join(graph, before, after, share, use):
        graph.add_nodes_from([before, after])
        for start, end, whole in ((before, after, use.along_s), (after, before, use.against_s)):
            if share == 0.0:
                graph.add_edge(start, end, weight=0.0)  # the same place, whatever the street allows
            elif math.isfinite(whole):
                graph.add_edge(start, end, weight=share * whole)


def times_between(graph, start, end, n_start, n_end):
    """Dense seconds between two groups of a ``SlowNetwork.graph``, inf where there is no way."""
    times = np.full((n_start, n_end), np.inf)
    for i in range(n_start):
        found = nx.single_source_dijkstra_path_length(graph, ("from", start, i))
        for j in range(n_end):
            times[i, j] = found.get(("to", end, j), np.inf)
    return times


def slow_times(slow, net, origins, destinations):
    """Dense seconds from snapped origins to snapped destinations of a compiled network, the slow way."""
    groups = [(name, *on_edges(net, points)) for name, points in (("o", origins), ("d", destinations))]
    return times_between(slow.graph(*groups), "o", "d", len(origins), len(destinations))


def on_edges(net, points):
    """Edge ids, fractions and seconds off the network of snapped points."""
    edge_ids = np.where(points.edge >= 0, net.edge_id[points.edge], -1)
    return edge_ids.tolist(), points.fraction.tolist(), points.off_network_s.tolist()


def node_names(slow, net):
    """For every node of a compiled network its name in the slow one; both must part the same ends."""
    names = {}
    for ends, side in ((net.tail, "u"), (net.head, "v")):
        for node, edge_id in zip(ends.tolist(), net.edge_id.tolist(), strict=True):
            name = slow.end(edge_id, side)
            assert names.setdefault(node, name) == name
    assert len(set(names.values())) == len(names) == net.n_nodes
    return [names[node] for node in range(net.n_nodes)]


def dense(matrix):
    """A sparse matrix of seconds as a full one: not stored = inf, a stored 0 = 0."""
    full = np.full(matrix.shape, np.inf)
    coo = matrix.tocoo()
    full[coo.row, coo.col] = coo.data
    return full


def within(times, cutoff_s):
    """The same times with everything beyond a cutoff as not reached."""
    return np.where(times <= cutoff_s, times, np.inf)


def assert_same_times(found, expected, *, cutoff_s=np.inf, tolerance_s=1e-6):
    """Equal to a microsecond; a time on the cutoff itself may fall on either side by its last bit."""
    at_cutoff = np.isfinite(expected) & np.isclose(expected, cutoff_s, rtol=0, atol=tolerance_s)
    expected = within(expected, cutoff_s)
    settled = ~at_cutoff
    assert np.array_equal(np.isfinite(found)[settled], np.isfinite(expected)[settled])
    both = np.isfinite(found) & np.isfinite(expected)
    np.testing.assert_allclose(found[both], expected[both], rtol=0, atol=tolerance_s)
