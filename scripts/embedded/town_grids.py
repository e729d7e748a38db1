"""Streets of towns: a grid inside built-up land with gaps and courts, and main streets that lead into the country."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from embedded import shapes

if TYPE_CHECKING:
    from embedded.lines import LineBook

BLOCK_M = (105.0, 165.0)
STREET_MISSING = 0.16
BRIDGE_MISSING = 0.75  # narrow streets that stop at a canal
COURT_SHARE = 0.45  # block sides with a dead-end street into the block
COURT_M = (25.0, 60.0)
MAIN_STREET_EVERY = 4  # every fourth street is wider
MAIN_STREET_REACH_M = 1300.0  # beyond the built-up land
TURN_DEG = -24.0  # towns lie along the island


def add_town(book: LineBook, built_up: Any, seat: Any, canals: Any, rng: np.random.Generator) -> None:
    """Add the streets of one piece of built-up land to the book; few of them bridge a canal."""
    frame = _TownFrame(np.asarray(seat, float), np.deg2rad(TURN_DEG + rng.uniform(-4, 4)))
    local = frame.to_local(shapely.get_coordinates(built_up))
    u = _street_lines(local[:, 0].min(), local[:, 0].max(), rng)
    v = _street_lines(local[:, 1].min(), local[:, 1].max(), rng)
    shapely.prepare(built_up)
    land = _Land(built_up, canals)
    for k, position in enumerate(u):
        _add_street(book, land, frame, rng, along=v, fixed=position, across=True, wide=k % MAIN_STREET_EVERY == 0)
    for k, position in enumerate(v):
        _add_street(book, land, frame, rng, along=u, fixed=position, across=False, wide=k % MAIN_STREET_EVERY == 0)
    reach = np.sqrt(built_up.area) / 2 + MAIN_STREET_REACH_M
    ends = np.linspace(-reach, reach, 13)
    book.add(shapely.LineString(shapes.chaikin_line(frame.to_xy(ends, np.zeros(13)))), "tertiary")
    book.add(shapely.LineString(shapes.chaikin_line(frame.to_xy(np.zeros(13), ends))), "tertiary")


@dataclass(frozen=True, slots=True)
class _Land:
    built_up: Any
    canals: Any


class _TownFrame:
    """Coordinates along (u) and across (v) a town's streets, measured from its seat."""

    def __init__(self, origin: Any, turn: float) -> None:
        self.origin = origin
        self.axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])

    def to_local(self, xy: Any) -> Any:
        return (xy - self.origin) @ self.axes.T

    def to_xy(self, u: Any, v: Any) -> Any:
        return self.origin + np.column_stack([u, v]) @ self.axes


def _street_lines(low: float, high: float, rng: np.random.Generator) -> Any:
    gaps = rng.uniform(*BLOCK_M, size=int((high - low) / BLOCK_M[0]) + 2)
    positions = np.cumsum(gaps)
    middle = positions[np.argmin(np.abs(positions - (0.0 - low)))]
    return positions - middle  # one line passes through the seat


def _add_street(
    book: LineBook,
    land: _Land,
    frame: _TownFrame,
    rng: np.random.Generator,
    *,
    along: Any,
    fixed: float,
    across: bool,
    wide: bool,
) -> None:
    """Add one street, block by block, with some blocks left out and courts branching off."""

    def points(a: Any, b: Any) -> Any:
        return frame.to_xy(b, a) if across else frame.to_xy(a, b)

    for start, stop in itertools.pairwise(along):
        middle = (start + stop) / 2
        line = shapely.LineString(points(np.array([start, middle, stop]), np.full(3, fixed)))
        left_out = STREET_MISSING if not line.intersects(land.canals) else BRIDGE_MISSING
        if (rng.random() < left_out and not wide) or not land.built_up.contains(line):
            continue
        book.add(line, "unclassified" if wide else "residential")
        if rng.random() < COURT_SHARE:
            depth = rng.uniform(*COURT_M) * rng.choice([-1.0, 1.0])
            court = shapely.LineString(points(np.array([middle, middle]), np.array([fixed, fixed + depth])))
            book.add(court, "service")
