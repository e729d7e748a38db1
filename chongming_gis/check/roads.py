"""Whether the roads hang together: pieces, dead ends, ends that nearly meet, classes that a mode has no speed for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from chongming_gis import crs as crs_module
from chongming_gis.check.material import input_of, metres, percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.check.material import Input
    from chongming_gis.config import StudyConfig
    from chongming_gis.findings import Finding, Severity
    from chongming_gis.tables import RoadTables

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Bools = npt.NDArray[np.bool_]
    Gap = tuple[int, float, int]  # node, metres, id of the edge it should meet (-1 = another end)

_SMALL_PIECE = 0.01  # of the whole length: a piece that is an island's own network is larger
_MUCH_IN_SMALL = 0.02  # planning assumption: more than this share of the length in small pieces is a fault of the file
_MANY_DEAD_ENDS = 0.5  # planning assumption: of all junctions and ends
_FEWEST_NODES = 50  # a few streets say little
_NEAR_M = 25.0  # planning assumption: an end this near another piece of network is meant to meet it
_NEARLY_MEET_M = 10.0  # planning assumption: two ends of one piece this near are meant to meet
_BY_ROAD_M = 500.0  # ... unless it is no further than this by road
_ANY_CLASS = "default"


class Mode(Protocol):
    """What of a travel mode is looked at."""

    @property
    def name(self) -> str:
        """The mode's id in the study."""

    @property
    def access(self) -> str:
        """Whose access tags bind."""

    @property
    def speed_kmh(self) -> float | Mapping[str, float]:
        """One speed, or one a highway class."""


class ModeNetwork(Protocol):
    """What of a compiled network is looked at; see ``network.Network``."""

    @property
    def mode(self) -> Mode:
        """The mode."""

    @property
    def crs(self) -> CRS:
        """The metric CRS."""

    @property
    def node_x(self) -> Floats:
        """Eastings of the nodes."""

    @property
    def node_y(self) -> Floats:
        """Northings of the nodes."""

    @property
    def node_id(self) -> npt.NDArray[np.int64]:
        """Ids of the nodes; an id repeats where a barrier cuts a node."""

    @property
    def tail(self) -> Ints:
        """The node at which each edge begins."""

    @property
    def head(self) -> Ints:
        """The node at which each edge ends."""

    @property
    def length_m(self) -> Floats:
        """Length of each edge."""

    @property
    def edge_id(self) -> npt.NDArray[np.int64]:
        """Ids of the edges."""

    @property
    def lines(self) -> npt.NDArray[np.object_]:
        """Shapes of the edges."""


def judge_classes(roads: RoadTables, modes: Iterable[Mode], study: StudyConfig) -> list[Finding]:
    """Return the highway classes that a mode has no speed for: they are closed to it."""
    source = input_of("roads", study.sources.roads)
    length_m = roads.edges.groupby("highway")["length_m"].sum()
    found = []
    for mode in modes:
        if not isinstance(mode.speed_kmh, Mapping) or _ANY_CLASS in mode.speed_kmh:
            continue
        for name, metres_of_class in length_m[~length_m.index.isin(mode.speed_kmh)].items():
            details = {"highway": str(name), "mode": mode.name, "km": f"{metres_of_class / 1000.0:.1f}"}
            said = "class {highway} ({km} km) has no speed for mode {mode}, which may not use it"
            advice = "give it a speed in the mode's speed_kmh, or a default"
            found.append(source.finding(said, rule="class_without_speed", suggestion=advice, details=details))
    return found


def judge_networks(networks: Mapping[str, ModeNetwork], study: StudyConfig) -> list[Finding]:
    """Return how the networks of the modes hang together; modes that use the same edges are told together."""
    source = input_of("roads", study.sources.roads)
    found: list[Finding] = []
    for names, network in _different(networks):
        pieces = _pieces_of(network)
        found += [*_parts(pieces, names, source), *_dead_ends(pieces, names, source)]
    if networks:
        widest = max(networks.values(), key=lambda network: len(network.tail))
        found += _gaps(_pieces_of(widest), source)
    return found


def _different(networks: Mapping[str, ModeNetwork]) -> list[tuple[str, ModeNetwork]]:
    """Return the networks that differ, with the names of all modes that have them."""
    groups: dict[bytes, tuple[list[str], ModeNetwork]] = {}
    for name, network in networks.items():
        groups.setdefault(network.edge_id.tobytes(), ([], network))[0].append(name)
    return [(", ".join(names), network) for names, network in groups.values()]


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A network's nodes and edges by the piece they belong to, directions left aside."""

    network: ModeNetwork
    piece: Ints  # of each node
    length_m: Floats  # of each piece
    degree: Ints  # edges at each node

    @property
    def shares(self) -> Floats:
        """The share of the whole length of each piece."""
        total = self.length_m.sum()
        return np.asarray(self.length_m / total if total > 0 else self.length_m)


def _pieces_of(network: ModeNetwork) -> _Pieces:
    n = len(network.node_x)
    links = sparse.coo_matrix((np.ones(len(network.tail)), (network.tail, network.head)), shape=(n, n)).tocsr()
    count, piece = csgraph.connected_components(links, directed=False)
    length_m = np.bincount(piece[network.tail], weights=network.length_m, minlength=count)
    degree = np.bincount(np.concatenate([network.tail, network.head]), minlength=n)
    return _Pieces(network, np.asarray(piece), np.asarray(length_m, dtype=float), np.asarray(degree))


def _parts(pieces: _Pieces, modes: str, source: Input) -> list[Finding]:
    shares = pieces.shares
    in_small = float(shares[shares < _SMALL_PIECE].sum())
    outside = 1.0 - float(shares.max(initial=0.0))
    if len(shares) < 2:
        return []
    details = {"modes": modes, "n": str(len(shares)), "share": percent(outside), "small": percent(in_small)}
    said = (
        "{modes}: the network is in {n} pieces; {share} % of its length is outside the largest, {small} % in small ones"
    )
    is_much = in_small > _MUCH_IN_SMALL
    advice = "look for missing bridges and for lines that do not meet" if is_much else ""
    severity: Severity = "warning" if is_much else "note"
    return [source.finding(said, rule="roads_in_pieces", severity=severity, suggestion=advice, details=details)]


def _dead_ends(pieces: _Pieces, modes: str, source: Input) -> list[Finding]:
    used = pieces.degree > 0
    share = float((pieces.degree[used] == 1).mean()) if used.sum() >= _FEWEST_NODES else 0.0
    if share <= _MANY_DEAD_ENDS:
        return []
    said = "{share} % of the ends and junctions of {modes} are dead ends: the lines may not meet"
    advice = "draw crossing roads with a common point"
    return [
        source.finding(
            said, rule="many_dead_ends", suggestion=advice, details={"modes": modes, "share": percent(share)}
        )
    ]


def _gaps(pieces: _Pieces, source: Input) -> list[Finding]:
    """Return the dead ends that nearly meet another piece of network, or another dead end that is far by road."""
    network = pieces.network
    ends = np.flatnonzero((pieces.degree == 1) & ~_is_cut(network))
    points = np.asarray(shapely.points(network.node_x[ends], network.node_y[ends]), dtype=object).reshape(-1)
    tree = shapely.STRtree(network.lines)
    one, edge = tree.query(points, predicate="dwithin", distance=_NEAR_M)
    apart = pieces.piece[ends[one]] != pieces.piece[network.tail[edge]]
    one, edge = one[apart], edge[apart]
    gap_m = shapely.distance(points[one], network.lines[edge])
    order = np.lexsort((gap_m, one))
    which, first = np.unique(one[order], return_index=True)
    found = [
        (int(ends[at]), float(gap_m[order][k]), int(network.edge_id[edge[order][k]]))
        for at, k in zip(which, first, strict=True)
    ]
    message = "ends {metres} from edge {edge} of another piece ({lon}, {lat})"
    told = _told(found, network, "road_gap", message, source)
    message = "ends {metres} from another end ({lon}, {lat})"
    return told + _told(_near_ends(pieces, ends, points), network, "ends_nearly_meet", message, source)


def _is_cut(network: ModeNetwork) -> Bools:
    """Return which nodes are ends only because a barrier cuts the road there."""
    _, which, count = np.unique(network.node_id, return_inverse=True, return_counts=True)
    return np.asarray(count[which.ravel()] > 1)


def _near_ends(pieces: _Pieces, ends: npt.NDArray[np.intp], points: npt.NDArray[np.object_]) -> list[Gap]:
    """Return pairs of dead ends of one piece that nearly meet and are far from each other by road."""
    network = pieces.network
    one, other = shapely.STRtree(points).query(points, predicate="dwithin", distance=_NEARLY_MEET_M)
    once = (one < other) & (pieces.piece[ends[one]] == pieces.piece[ends[other]])
    one, other = one[once], other[once]
    if len(one) == 0:
        return []
    n = len(network.node_x)
    links = sparse.coo_matrix((np.maximum(network.length_m, 1e-3), (network.tail, network.head)), shape=(n, n)).tocsr()
    starts, which = np.unique(ends[one], return_inverse=True)
    by_road_m = csgraph.dijkstra(links, directed=False, indices=starts, limit=_BY_ROAD_M)[which, ends[other]]
    gap_m = shapely.distance(points[one], points[other])
    return [
        (int(ends[a]), float(gap), -1) for a, gap, far in zip(one, gap_m, ~np.isfinite(by_road_m), strict=True) if far
    ]


def _told(found: list[Gap], network: ModeNetwork, rule: str, message: str, source: Input) -> list[Finding]:
    nodes = np.array([node for node, _, _ in found], dtype=np.intp)
    lon, lat = crs_module.to_degrees(network.node_x[nodes], network.node_y[nodes], network.crs)
    advice = "join the two if a road or bridge runs there"
    findings = []
    for (_, gap_m, edge), east, north in zip(found, lon, lat, strict=True):
        details = {"metres": metres(gap_m), "lon": f"{east:.6f}", "lat": f"{north:.6f}"}
        if edge >= 0:
            details["edge"] = str(edge)
        findings.append(source.finding(f"a road {message}", rule=rule, suggestion=advice, details=details))
    return findings
