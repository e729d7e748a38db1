"""How sure is the coverage: the same question asked again and again over the study's stated ranges.

Speeds, paths that are not on the map, the wait for a ferry, how far from a road people may live, and how many people
live where are drawn from their ranges, the same draws for every service (common random numbers). No search is
repeated: at another speed every time changes by the same factor but for its ferry part, which stands apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    from scipy import sparse

    from chongming_gis.measuremodel import CertaintyConfig

    Floats = npt.NDArray[np.float64]
    Claims = npt.NDArray[np.bool_]

_BLOCK = 64  # draws at once: 16,000 points x 64 numbers are 8 MB


@dataclass(frozen=True, slots=True)
class Draws:
    """What is drawn: one number a draw, and one a draw and area for the numbers of people."""

    speed: Mapping[str, Floats]  # by mode: the factor on its speed
    path: Floats  # the factor on the way for small paths that are not on the map, at most 1
    wait: Floats  # the share of a ferry's headway that is waited
    snap_m: Floats  # who lives farther than this from a road cannot be said to reach it
    people: Floats  # (n draws, n areas): the factor on the persons of an area
    on_map: frozenset[str] = frozenset()  # modes whose roads are all on the map: ``path`` does not hold for them

    def slower(self, mode: str, block: slice) -> Floats:
        """Return the factor on the moving time of a mode in some of the draws."""
        path = 1.0 if mode in self.on_map else self.path[block]
        return np.asarray(path / self.speed[mode][block], dtype=np.float64)

    def __len__(self) -> int:
        """Return the number of draws."""
        return len(self.path)


@dataclass(frozen=True, slots=True)
class Trip:
    """One way of every demand point to a facility it may use, in parts: one number a point."""

    mode: npt.NDArray[np.object_]  # id
    moving_s: Floats  # on foot, by road and to the road; inf = not reached
    crossing_s: Floats  # on ferries
    headway_s: Floats  # of the ferries taken
    snap_m: Floats  # from the point to its road
    limit_s: Floats


def draw(
    config: CertaintyConfig,
    *,
    modes: Sequence[str],
    n_areas: int,
    seed: int,
    on_map: frozenset[str] = frozenset(),
) -> Draws:
    """Return the draws of a study; the same seed gives the same draws, whatever is measured with them.

    Parameters
    ----------
    modes : ids in the order of the study; one without a range keeps its speed.
    n_areas : how many areas have numbers of people of their own (villages).
    on_map : the modes for which no small path is missing from the map (cars).

    Notes
    -----
    Speeds and paths are triangular between low and high with their likely value; the wait and the snap limit uniform;
    people log-normal with mean 1 by area.
    """
    rng = np.random.default_rng(seed)
    n = config.draws
    ranges = {entry.mode: entry for entry in config.speeds}
    speed = {}
    for mode in modes:
        numbers = rng.random(n)  # drawn for every mode, so that a range more or less shifts no other draw
        entry = ranges.get(mode)
        speed[mode] = np.ones(n) if entry is None else _triangular(numbers, entry.low, entry.likely, entry.high)
    path = _triangular(rng.random(n), config.path.low, config.path.likely, config.path.high)
    wait = rng.random(n)
    snap_m = config.snap_m.low + rng.random(n) * (config.snap_m.high - config.snap_m.low)
    sigma = config.population_sigma
    people = np.exp(sigma * rng.standard_normal((n, n_areas)) - sigma**2 / 2.0)
    return Draws(speed, path, wait, snap_m, people, on_map)


def _triangular(numbers: Floats, low: float, likely: float, high: float) -> Floats:
    """Return triangular draws by inversion (Kotz & van Dorp 2004)."""
    if high <= low:
        return np.full(len(numbers), likely)
    turn = (likely - low) / (high - low)
    rising = low + np.sqrt(numbers * (high - low) * (likely - low))
    falling = high - np.sqrt((1.0 - numbers) * (high - low) * (high - likely))
    return np.asarray(np.where(numbers < turn, rising, falling), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Certainty:
    """The share covered in every draw by unit, and how often each point is covered."""

    share: Floats  # (n draws, n units); NaN where nobody lives
    covered_share: Floats  # (n points,): in which share of the draws the point is covered

    def interval(self, confidence: float) -> tuple[Floats, Floats, Floats]:
        """Return the low, middle and high share of each unit: (1 - confidence) / 2 of the draws lie beyond each end."""
        tail = (1.0 - confidence) / 2.0
        empty = np.isnan(self.share).all(axis=0)
        shares = np.where(empty, 0.0, self.share)
        low, middle, high = np.quantile(shares, [tail, 0.5, 1.0 - tail], axis=0)
        return tuple(np.where(empty, np.nan, values) for values in (low, middle, high))  # type: ignore[return-value]


def measure_certainty(
    ways: Sequence[Trip], draws: Draws, *, persons: Floats, area: npt.NDArray[np.integer], member: sparse.csr_matrix
) -> Certainty:
    """Return who is covered in every draw.

    Parameters
    ----------
    ways : the trips among which each point takes the quickest of each draw; one is enough where there are no ferries.
    persons : a number a demand point.
    area : the row of ``draws.people`` that scales each point's persons (-1 = none, factor 1).
    member : (n units, n points), 1 where a point lies in a unit: what shares are given for.

    Notes
    -----
    time = (moving x path / speed) + crossing + wait x headway, of the quickest way; covered = time <= limit and
    snap distance <= snap limit.

    Raises
    ------
    TableError
        There is no way, or persons, areas and ways differ in length.
    """
    n_points = len(persons)
    lengths = {len(values) for trip in ways for values in (trip.mode, trip.moving_s)}
    if lengths != {n_points} or len(area) != n_points:
        told = ", ".join(map(str, sorted(lengths))) or "no"
        raise TableError(f"measure_certainty: {n_points} persons, {told} trips and {len(area)} areas must agree")
    parts = [_Part.of(trip) for trip in ways]
    shares = np.empty((len(draws), member.shape[0]))
    often = np.zeros(n_points)
    with_one = np.hstack([draws.people, np.ones((len(draws), 1))])  # area -1 takes the last column
    first = ways[0]
    for start in range(0, len(draws), _BLOCK):
        block = slice(start, start + _BLOCK)
        is_in_time = np.zeros((n_points, len(draws.path[block])), dtype=bool)
        for part in parts:
            is_in_time[part.rows] |= part.time_s(draws, block) <= part.limit_s[:, np.newaxis]
        covered = is_in_time & (first.snap_m[:, np.newaxis] <= draws.snap_m[block])
        counts = persons[:, np.newaxis] * with_one[block].T[area]
        whole, reached = member @ counts, member @ (counts * covered)
        shares[block] = np.divide(reached, whole, out=np.full_like(whole, np.nan), where=whole > 0.0).T
        often += covered.sum(axis=1)
    return Certainty(shares, often / len(draws))


@dataclass(frozen=True, slots=True)
class _Part:
    """A trip of the points that it is one for."""

    rows: npt.NDArray[np.intp]
    modes: list[str]
    mode: npt.NDArray[np.intp]  # place in ``modes``
    moving_s: Floats
    crossing_s: Floats
    headway_s: Floats
    limit_s: Floats

    @classmethod
    def of(cls, trip: Trip) -> _Part:
        """Leave out the points that the trip never brings there."""
        rows = np.flatnonzero(np.isfinite(trip.moving_s))
        modes, mode = np.unique(trip.mode[rows].astype(str), return_inverse=True)
        return cls(
            rows=rows,
            modes=modes.tolist(),
            mode=mode,
            moving_s=trip.moving_s[rows],
            crossing_s=trip.crossing_s[rows],
            headway_s=trip.headway_s[rows],
            limit_s=trip.limit_s[rows],
        )

    def time_s(self, draws: Draws, block: slice) -> Floats:
        """Return the seconds of each point in some of the draws."""
        if not self.modes:
            return np.empty((0, len(draws.path[block])))
        slower = np.vstack([draws.slower(mode, block) for mode in self.modes])
        time_s = slower[self.mode]
        time_s *= self.moving_s[:, np.newaxis]
        if self.headway_s.any() or self.crossing_s.any():
            time_s += self.crossing_s[:, np.newaxis] + self.headway_s[:, np.newaxis] * draws.wait[block]
        return time_s


def status_changes(certainty: Certainty, *, level: float, confidence: float) -> npt.NDArray[np.object_]:
    """Return the status of each unit: ``reached``, ``not_reached``, ``uncertain``, or ``nobody``.

    Parameters
    ----------
    level : the share covered from which a unit counts as reached.
    confidence : a unit is reached (or not) if that holds in at least this share of the draws.
    """
    empty = np.isnan(certainty.share).all(axis=0)
    holds = np.nan_to_num(certainty.share, nan=0.0) >= level
    how_often = holds.mean(axis=0)
    status = np.where(
        how_often >= confidence, "reached", np.where(how_often <= 1.0 - confidence, "not_reached", "uncertain")
    )
    return np.where(empty, "nobody", status).astype(object)
