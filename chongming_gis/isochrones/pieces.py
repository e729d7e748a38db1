"""Where on an edge one is within a limit: arithmetic on the times at its ends, without any geometry.

Along an edge the time is the least of two straight lines, one by way of each end; where a facility stands on the edge,
it counts as an end. So every piece is found exactly, and the time in between runs straight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis import travel
from chongming_gis.network import SnappedPoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.network import Network

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Rows = npt.NDArray[np.intp]

_LEAST_PIECE = 1e-9  # of an edge: shorter pieces are the rounding of times


@dataclass(frozen=True, slots=True)
class _Stretches:
    """Edges, cut where facilities stand on them; seconds from both ends to the nearest facility, its row with them."""

    edge: Ints
    start: Floats  # share of the edge
    end: Floats
    start_s: Floats
    end_s: Floats
    start_facility: Ints
    end_facility: Ints
    to_start_s: Floats  # along the whole stretch, in the direction of travel that serves its start; inf: closed
    to_end_s: Floats


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of edges within one limit and not within the one before it."""

    limit: Rows
    edge: Ints
    start: Floats
    end: Floats
    start_s: Floats
    end_s: Floats
    facility: Ints

    def __len__(self) -> int:
        return len(self.edge)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Pieces:
        """Return some of the pieces, in the order of ``rows``."""
        return Pieces(*(getattr(self, name)[rows] for name in self.__slots__))

    def of_facilities(self, rows: Rows) -> Pieces:
        """Return the pieces with facilities numbered anew: the i-th is ``rows[i]``."""
        return replace(self, facility=rows[self.facility].astype(np.int32))

    def in_order(self) -> Rows:
        """Return the order by limit, edge, place and facility."""
        return np.lexsort((self.facility, self.start, self.edge, self.limit))


def join(parts: Sequence[Pieces]) -> Pieces:
    """Return the pieces of several, one after the other."""
    return Pieces(*(np.concatenate([getattr(part, name) for part in parts]) for name in Pieces.__slots__))


def reached_pieces(
    network: Network,
    edges: Rows,
    facilities: SnappedPoints,
    *,
    limits_s: Sequence[float],
    direction: travel.Direction,
) -> Pieces:
    """Return the pieces of some edges from which a facility is within a limit.

    Parameters
    ----------
    edges : ascending.
    limits_s : ascending.
    """
    return _pieces(_stretches(network, edges, facilities, limits_s[-1], direction), limits_s)


def _stretches(
    network: Network, edges: Rows, facilities: SnappedPoints, cutoff_s: float, direction: travel.Direction
) -> _Stretches:
    on = np.isin(facilities.edge, edges) & (facilities.fraction > 0) & (facilities.fraction < 1)
    edge = np.concatenate([edges, edges, facilities.edge[on]]).astype(np.int32)
    share = np.concatenate([np.zeros(len(edges)), np.ones(len(edges)), facilities.fraction[on]])
    order = np.lexsort((share, edge))
    edge, share = edge[order], share[order]
    is_new = np.ones(len(edge), dtype=bool)
    is_new[1:] = (edge[1:] != edge[:-1]) | (share[1:] != share[:-1])
    edge, share = edge[is_new], share[is_new]
    found = travel.nearest(network, _standing(edge, share), facilities, cutoff_s=cutoff_s, direction=direction)
    start = np.flatnonzero(edge[1:] == edge[:-1])
    length = share[start + 1] - share[start]
    to_tail_s, to_head_s = network.backward_s[edge[start]], network.forward_s[edge[start]]
    if direction == "from_destination":
        to_tail_s, to_head_s = to_head_s, to_tail_s
    return _Stretches(
        edge=edge[start],
        start=share[start],
        end=share[start + 1],
        start_s=found.time_s[start, 0],
        end_s=found.time_s[start + 1, 0],
        start_facility=found.destination[start, 0],
        end_facility=found.destination[start + 1, 0],
        to_start_s=to_tail_s * length,
        to_end_s=to_head_s * length,
    )


def _standing(edge: Ints, share: Floats) -> SnappedPoints:
    """Return points that stand on the road."""
    zero = np.zeros(len(edge))
    return SnappedPoints(edge, share, zero, zero, np.zeros(len(edge), dtype=np.int32), np.zeros(len(edge), dtype=bool))


def _pieces(of: _Stretches, limits_s: Sequence[float]) -> Pieces:
    """Return the pieces of all stretches: up to the place where both ways take equally long, and beyond it."""
    by_start = np.isfinite(of.start_s) & np.isfinite(of.to_start_s)
    by_end = np.isfinite(of.end_s) & np.isfinite(of.to_end_s)
    turn = np.where(by_start, 1.0, 0.0)
    both = np.flatnonzero(by_start & by_end)
    whole_s = of.to_start_s[both] + of.to_end_s[both]
    lead_s = of.end_s[both] + of.to_end_s[both] - of.start_s[both]
    turn[both] = np.clip(np.divide(lead_s, whole_s, out=np.full(len(both), 0.5), where=whole_s > 0), 0.0, 1.0)
    found = []
    for number, limit_s in enumerate(limits_s):
        before_s = limits_s[number - 1] if number else -np.inf
        for rows, near_s, whole, most, facility, is_mirrored in (
            (np.flatnonzero(by_start), of.start_s, of.to_start_s, turn, of.start_facility, False),
            (np.flatnonzero(by_end), of.end_s, of.to_end_s, 1.0 - turn, of.end_facility, True),
        ):
            near, along = near_s[rows], whole[rows]
            low = np.minimum(_reach(near, along, before_s), most[rows])
            high = np.minimum(_reach(near, along, limit_s), most[rows])
            low_s, high_s = near + low * along, near + high * along
            if is_mirrored:
                low, high, low_s, high_s = 1.0 - high, 1.0 - low, high_s, low_s
            length = of.end[rows] - of.start[rows]
            pieces = Pieces(
                limit=np.full(len(rows), number),
                edge=of.edge[rows],
                start=of.start[rows] + low * length,
                end=np.where(high == 1.0, of.end[rows], of.start[rows] + high * length),
                start_s=low_s,
                end_s=high_s,
                facility=facility[rows],
            )
            found.append(pieces.take((high - low) * length > _LEAST_PIECE))
    return join(found)


def _reach(near_s: Floats, whole_s: Floats, limit_s: float) -> Floats:
    """Return how far along a stretch (0-1) one is still within a limit, from the end that is near."""
    left_s = limit_s - near_s
    share = np.where(left_s >= 0, 1.0, 0.0)  # of a stretch that takes no time: all or nothing
    with np.errstate(over="ignore"):  # a stretch of next to no time: inf becomes all of it
        np.divide(left_s, whole_s, out=share, where=whole_s > 0)
    return np.clip(share, 0.0, 1.0)
