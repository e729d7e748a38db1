"""Country roads in the frame of an island: a ladder of district and township roads, canal roads, lanes, house paths.

The pattern is Chongming's: canals cross the island about every kilometre with a road on their bank; between two canals
lanes run along the island every 250-400 m with houses beside them; few lanes bridge a main canal.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from embedded.lines import LineBook
    from embedded.shapes import IslandFrame
    from embedded.waterways import Waterways

BANK_M = 34.0  # from a canal's middle to the road on its bank
OVERSHOOT_M = 5.0  # lines reach a little over each other so that they surely cross; the stubs are cut off later
LANE_GAP_M = (255.0, 385.0)
LADDER_EVERY_M = (1900.0, 2600.0)  # between township roads along the island
EAST_BANK_SHARE = 0.62  # of its length, a canal has a road on its eastern bank too
BRIDGE_SHARE = 0.20  # lanes that bridge the canal at their western end
LANE_MISSING, LANE_DEAD_END = 0.05, 0.22
COLUMN_LINK_SHARE = 0.30  # of pairs of neighbouring lanes joined by a path inside a block
PATH_GAP_M, PATH_LENGTH_M = 400.0, (35.0, 130.0)
FARM_KEEPS = 0.42  # share of lanes and paths on the wide fields of the former farms
STEP_M = 130.0


@dataclass(frozen=True, slots=True)
class Countryside:
    """What the lanes of one island need: its frame, canals, the land lanes may use, and the farm land."""

    frame: IslandFrame
    waterways: Waterways
    open_land: Any
    farm_land: Any
    limits: tuple[float, float, float, float]


def add_country_roads(book: LineBook, place: Countryside, rng: np.random.Generator) -> None:
    """Add every country road of an island to the book, cut at the land that lanes may use."""
    shapely.prepare([place.farm_land, place.open_land])
    _add_ladder(book, place, rng)
    s_at = place.waterways.crossing_s
    for index, s in enumerate(s_at):
        _add_canal_roads(book, place, rng, index=index, s=float(s))
    blocks = np.concatenate([[place.limits[0]], s_at, [place.limits[1]]])
    for west, east in itertools.pairwise(blocks):
        _add_block(book, place, rng, west=float(west), east=float(east))


def _add_ladder(book: LineBook, place: Countryside, rng: np.random.Generator) -> None:
    """Township roads along the island; they bridge every canal."""
    s_from, s_to, n_from, n_to = place.limits
    n = n_from + rng.uniform(*LADDER_EVERY_M) / 2
    s = np.arange(s_from, s_to, STEP_M)
    while n < n_to:
        sway = 90.0 * np.sin(s / 2900.0 + n)
        _add(book, place, place.frame.to_line(s, n + sway), "tertiary")
        n += rng.uniform(*LADDER_EVERY_M)


def _add_canal_roads(book: LineBook, place: Countryside, rng: np.random.Generator, *, index: int, s: float) -> None:
    """Add the road on a canal's western bank (every second a township road), and pieces of one on the eastern."""
    _, _, n_from, n_to = place.limits
    highway = "secondary" if index % 6 == 0 else "tertiary" if index % 2 == 0 else "unclassified"
    _add(book, place, place.frame.to_line(s - BANK_M, np.arange(n_from, n_to, STEP_M)), highway)
    n = n_from
    while n < n_to:
        reach = rng.uniform(1200.0, 3800.0)
        if rng.random() < EAST_BANK_SHARE:
            along = np.arange(n, min(n + reach, n_to), STEP_M)
            if len(along) > 1:
                _add(book, place, place.frame.to_line(s + BANK_M, along), "unclassified")
        n += reach


def _add_block(book: LineBook, place: Countryside, rng: np.random.Generator, *, west: float, east: float) -> None:
    """Lanes of the land between two canals, paths to the houses on them, and links between neighbouring lanes."""
    n_from, n_to = place.limits[2:]
    gaps = rng.uniform(*LANE_GAP_M, size=int((n_to - n_from) / LANE_GAP_M[0]) + 1)
    rows = n_from + np.cumsum(gaps)
    rows = rows[rows < n_to]
    columns = west + (east - west) * (np.array([0.33, 0.67]) + rng.uniform(-0.07, 0.07, 2))
    for n, ahead in zip(rows, np.append(rows[1:], np.nan), strict=True):
        middle = place.frame.to_xy([(west + east) / 2], [n])[0]
        keeps = FARM_KEEPS if shapely.contains_xy(place.farm_land, *middle) else 1.0
        if rng.random() > keeps or rng.random() < LANE_MISSING:
            continue
        s_from, s_to = _lane_ends(rng, west, east)
        _add_lane(book, place, rng, s_from=s_from, s_to=s_to, n=float(n), keeps=keeps)
        for s in columns:
            if rng.random() < COLUMN_LINK_SHARE * keeps and s_from < s < s_to and np.isfinite(ahead):
                along = np.array([n - OVERSHOOT_M, (n + ahead) / 2, ahead + OVERSHOOT_M])
                _add(book, place, place.frame.to_line(s + rng.uniform(-60.0, 60.0), along), "residential")


def _lane_ends(rng: np.random.Generator, west: float, east: float) -> tuple[float, float]:
    bridges = rng.random() < BRIDGE_SHARE
    s_from = west - BANK_M - OVERSHOOT_M if bridges else west + BANK_M - OVERSHOOT_M
    s_to = east - BANK_M + OVERSHOOT_M
    if rng.random() < LANE_DEAD_END:
        stop = rng.uniform(0.35, 0.8)
        if rng.random() < 0.5:
            return s_from, west + stop * (east - west)
        return east - stop * (east - west), s_to
    return s_from, s_to


def _add_lane(
    book: LineBook, place: Countryside, rng: np.random.Generator, *, s_from: float, s_to: float, n: float, keeps: float
) -> None:
    """One lane with the paths that lead off it; path starts are vertices of the lane, so they meet exactly."""
    gaps = rng.exponential(PATH_GAP_M / keeps, size=int((s_to - s_from) / 40.0) + 1) + 35.0
    at = s_from + np.cumsum(gaps)
    at = at[at < s_to - 25.0]
    s = np.unique(np.concatenate([[s_from, s_to], at, np.arange(s_from + 60.0, s_to - 60.0, STEP_M)]))
    sway = 9.0 * np.sin(s / 210.0 + n)
    _add(book, place, place.frame.to_line(s, n + sway), "residential")
    starts = n + 9.0 * np.sin(at / 210.0 + n)
    lengths = rng.uniform(*PATH_LENGTH_M, size=len(at)) * rng.choice([-1.0, 1.0], size=len(at))
    kinds = np.where(rng.random(len(at)) < 0.25, "track", "service")
    for position, start, length, kind in zip(at, starts, lengths, kinds, strict=True):
        lean = rng.uniform(-12.0, 12.0)
        _add(book, place, place.frame.to_line([position, position + lean], [start, start + length]), str(kind))


def _add(book: LineBook, place: Countryside, line: Any, highway: str) -> None:
    whole = shapely.contains_properly(place.open_land, line)
    book.add(line if whole else shapely.intersection(line, place.open_land), highway)
