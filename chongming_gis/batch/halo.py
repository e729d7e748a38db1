"""How far around a tile roads can matter: every way of at most so many seconds from its people lies inside.

A mode's *pace* is the speed that no ordinary edge beats. Edges that do beat it (ferries that are faster than walking, a
road whose stated length is shorter than its drawing) are *jumps*: they are taken whole, and from their ends the halo
goes on with the time that is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from chongming_gis.network import rules
from chongming_gis.units import kmh_to_ms

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.network import Network
    from chongming_gis.tables import RoadTables

    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.intp]

_ROUNDING_M = 1.0  # far more than the last bits of any sum here
_ROUNDING_S = 1e-3
_DATA_MARGIN = 1.05  # an ordinary edge may be that much faster than the mode's speed: drawn in a stretched CRS


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a mode gets away from where it starts, on the map of the study's CRS.

    Attributes
    ----------
    speed_ms : metres on the map a second that no edge but the jumps beats.
    reach_s : ways that take longer do not matter.
    jump_row : rows of the jumps in the road tables.
    jump_line : their shapes.
    jump_ends : (2, n, 2): where their tails and their heads are.
    jump_s : seconds of each, the faster way round.
    """

    mode: str
    speed_ms: float
    reach_s: float
    jump_row: Rows
    jump_line: npt.NDArray[np.object_]
    jump_ends: Floats
    jump_s: Floats

    @property
    def halo_m(self) -> float:
        """How far ordinary roads lead within the reach."""
        return self.speed_ms * self.reach_s


def pace_of(network: Network, roads: RoadTables, *, reach_s: float) -> Pace:
    """Return the pace of a mode.

    Notes
    -----
    The speed of an edge is its drawn length, with what lacks to its nodes, by its seconds the faster way round. The
    pace is the highest speed of edges that are no ferries and at most five per cent above the median stretch (drawn by
    stated length) times the mode's highest speed by stated length; all faster edges, ferries among them, are jumps. So
    the bound holds whatever the data say: at worst there are many jumps.
    """
    seconds = np.minimum(network.forward_s, network.backward_s)
    ends = np.stack([np.column_stack([network.node_x[at], network.node_y[at]]) for at in (network.tail, network.head)])
    drawn_m = shapely.length(network.lines) + _lack_at_ends(network, ends)
    speed_ms = np.divide(drawn_m, seconds, out=np.where(drawn_m > 0, np.inf, 0.0), where=seconds > 0)
    is_ferry = rules.ferry_parts(roads.edges, network.mode)[0][network.row]
    top_ms = _top_speed_ms(network, is_ferry, drawn_m)
    ordinary = ~is_ferry & (speed_ms <= _DATA_MARGIN * top_ms)
    pace_ms = float(speed_ms[ordinary].max()) if ordinary.any() else top_ms
    jump = np.flatnonzero(speed_ms > pace_ms)
    return Pace(
        mode=network.mode.name,
        speed_ms=pace_ms,
        reach_s=reach_s + _ROUNDING_S,
        jump_row=network.row[jump],
        jump_line=network.lines[jump],
        jump_ends=ends[:, jump],
        jump_s=seconds[jump],
    )


def _lack_at_ends(network: Network, ends: Floats) -> Floats:
    """Return how far each edge's drawing begins and ends from its nodes, together."""
    first, last = (shapely.get_coordinates(shapely.get_point(network.lines, at)) for at in (0, -1))
    lack: Floats = np.hypot(*(first - ends[0]).T) + np.hypot(*(last - ends[1]).T)
    return lack


def _top_speed_ms(network: Network, is_ferry: npt.NDArray[np.bool_], drawn_m: Floats) -> float:
    speed = network.mode.speed_kmh
    top_kmh = float(speed) if isinstance(speed, (int, float)) else max(speed.values())
    measured = ~is_ferry & (network.length_m > 0)
    stretch = float(np.median(drawn_m[measured] / network.length_m[measured])) if measured.any() else 1.0
    return max(stretch, 1.0) * kmh_to_ms(top_kmh)


def rows_within(pace: Pace, area: shapely.Geometry, *, tree: shapely.STRtree, snap_m: float) -> Rows:
    """Return the rows of every edge that some way of at most ``reach_s`` from or to a place in an area may use.

    Parameters
    ----------
    area : where the people are.
    tree : of the shapes of all edges, in the order of the road tables.
    snap_m : people and facilities step onto roads up to so far off.

    Notes
    -----
    A way that has taken t seconds is within ``speed x t`` of where it stepped onto the road, or of the end of the last
    jump it made and ``speed x (t - arrival)``, where the arrival at the ends of jumps is bounded from below by a search
    over them alone. Every edge that comes that near is taken, whole.
    """
    base_m = snap_m + _ROUNDING_M
    parts = [tree.query(area, predicate="dwithin", distance=base_m + pace.halo_m)]
    ends = pace.jump_ends.reshape(-1, 2)
    if len(ends):
        direct = shapely.distance(shapely.points(ends), area)
        starts = np.maximum(direct - base_m, 0.0) / pace.speed_ms
        # who steps onto a jump in its middle may be at its ends at once
        steps_on = np.tile(shapely.dwithin(pace.jump_line, area, base_m), 2)
        arrival = _arrivals(np.where(steps_on, 0.0, starts), ends, pace)
        for at in np.flatnonzero((arrival < starts) & (arrival <= pace.reach_s)):
            left_m = pace.speed_ms * (pace.reach_s - arrival[at])
            parts.append(tree.query(shapely.points(ends[at]), predicate="dwithin", distance=left_m + _ROUNDING_M))
        is_made = (arrival <= pace.reach_s).reshape(2, -1).any(axis=0)
        parts.append(pace.jump_row[is_made])
    return np.unique(np.concatenate(parts))


def _arrivals(starts: Floats, ends: Floats, pace: Pace) -> Floats:
    """Return the earliest seconds at the ends of jumps: straight lines at the pace, and jumps (Dijkstra 1959)."""
    n = len(pace.jump_s)
    arrival, settled = starts.copy(), np.zeros(2 * n, dtype=bool)
    while True:
        at = int(np.argmin(np.where(settled, np.inf, arrival)))
        if settled[at] or arrival[at] > pace.reach_s:
            return arrival
        settled[at] = True
        other = (at + n) % (2 * n)
        arrival[other] = min(arrival[other], arrival[at] + pace.jump_s[at % n])
        if arrival[at] < starts[at]:  # else the straight line from the people is no longer
            straight_s = np.hypot(*(ends - ends[at]).T) / pace.speed_ms
            np.minimum(arrival, arrival[at] + straight_s, out=arrival)
