"""What is asked: kitchens, drops, vehicles and rules, and which drop each kitchen reaches while the meal is hot.

A drop is in hot range of a kitchen if one of the kitchen's vehicles brings a meal there within the deadline and is back
in time for the next departure. All times are relative to the departure of a round: the waves of a day are alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis import travel
from chongming_gis.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from chongming_gis.deliverymodel import VehicleConfig
    from chongming_gis.network import Network, SnappedPoints

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]
    Rows = npt.NDArray[np.intp]

_A_DAY_S = 24.0 * SECONDS_PER_HOUR  # who is farther from every kitchen counts as not reached at all


@dataclass(frozen=True, slots=True)
class Stands:
    """Places on the networks of all vehicles: kitchens or drops."""

    ids: tuple[str, ...]
    xy: Floats  # (n, 2), metres
    snapped: Mapping[str, SnappedPoints]  # by mode

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Rows) -> Stands:
        """Return some of the places, in the order of ``rows``."""
        snapped = {mode: points.take(rows) for mode, points in self.snapped.items()}
        return Stands(tuple(self.ids[row] for row in rows.tolist()), self.xy[rows], snapped)

    @property
    def is_on_road(self) -> Claims:
        """Which of them any vehicle can get to."""
        found = np.zeros(len(self), dtype=bool)
        for points in self.snapped.values():
            found |= points.is_reachable
        return found


@dataclass(frozen=True, slots=True)
class Rules:
    """What every round keeps to, and what decides between rounds."""

    deadline_s: float  # from the kitchen's door to a drop, inclusive
    back_s: float  # from leaving to being back, inclusive
    handover_s: float  # at each drop
    n_waves: int  # how often a vehicle leaves
    missed_meal_price: float
    iterations: int  # of the search, for each group of kitchens
    time_limit_s: float  # of the search of all groups of a plan; it ends what the iterations do not
    seed: int


@dataclass(frozen=True, slots=True)
class Question:
    """One day of meals to the door.

    Parameters
    ----------
    cooks : meals each kitchen can send out, (n kitchens,).
    meals : wanted at each drop, (n drops,).
    fleet : vehicles of each kind at each kitchen, (n kitchens, n vehicles).
    networks : by mode; a ferry that does not run takes longer than any deadline.
    """

    kitchens: Stands
    cooks: Longs
    drops: Stands
    meals: Longs
    vehicles: tuple[VehicleConfig, ...]
    fleet: Longs
    rules: Rules
    networks: Mapping[str, Network]

    def take(self, *, kitchens: Rows, drops: Rows) -> Question:
        """Return the question of some kitchens and some drops only, in the order of these rows."""
        return replace(
            self,
            kitchens=self.kitchens.take(kitchens),
            cooks=self.cooks[kitchens],
            fleet=self.fleet[kitchens],
            drops=self.drops.take(drops),
            meals=self.meals[drops],
        )

    @property
    def carries(self) -> Longs:
        """How many meals each kitchen's vehicles carry if every round is full, (n kitchens, n vehicles)."""
        loads = np.array([vehicle.capacity_meals for vehicle in self.vehicles], dtype=np.int64)
        return np.asarray(self.fleet * self.rules.n_waves * loads, dtype=np.int64)

    @property
    def sends(self) -> Longs:
        """How many meals each kitchen can cook and carry, (n kitchens,)."""
        return np.asarray(np.minimum(self.cooks, self.carries.sum(axis=1)), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class HotRange:
    """Seconds from kitchens to drops and back by kind of vehicle, (n vehicles, n kitchens, n drops); inf beyond."""

    out_s: Floats
    back_s: Floats
    is_in_time: Claims  # there and back, whether or not the kitchen has such a vehicle
    is_usable: Claims  # and it has
    nearest_s: (
        Floats  # from the nearest kitchen by the fastest kind, however far, (n drops,); inf = no road leads there
    )

    @property
    def any_vehicle(self) -> Claims:
        """Which drop is in hot range of which kitchen, (n kitchens, n drops)."""
        return np.asarray(self.is_usable.any(axis=0), dtype=bool)

    @property
    def fastest_s(self) -> Floats:
        """Seconds by the fastest usable vehicle, (n kitchens, n drops); inf where there is none."""
        return np.asarray(np.where(self.is_usable, self.out_s, np.inf).min(axis=0), dtype=float)


def measure_range(question: Question) -> HotRange:
    """Return the times between kitchens and drops, and which of them are in hot range."""
    rules = question.rules
    shape = (len(question.vehicles), len(question.kitchens), len(question.drops))
    out_s, back_s = np.full(shape, np.inf), np.full(shape, np.inf)
    if 0 in shape:
        nowhere = np.zeros(shape, dtype=bool)
        return HotRange(out_s, back_s, nowhere, nowhere, np.full(len(question.drops), np.inf))
    by_mode: dict[str, tuple[Floats, Floats]] = {}
    for number, vehicle in enumerate(question.vehicles):
        if vehicle.mode not in by_mode:
            by_mode[vehicle.mode] = _there_and_back(question, vehicle.mode)
        out_s[number], back_s[number] = by_mode[vehicle.mode]
    is_in_time = (out_s <= rules.deadline_s) & (out_s + rules.handover_s + back_s <= rules.back_s)
    is_usable = is_in_time & (question.fleet.T[:, :, None] > 0)
    return HotRange(out_s, back_s, is_in_time, is_usable, measure_nearest(question))


def measure_nearest(question: Question) -> Floats:
    """Return the seconds from the nearest kitchen by the fastest kind of vehicle, however far; inf = no road from any.

    Notes
    -----
    Whether the kitchen has such a vehicle is not asked. Beyond a day nothing counts as reached.
    """
    nearest_s = np.full(len(question.drops), np.inf)
    for mode in sorted({vehicle.mode for vehicle in question.vehicles}):
        kitchens, drops = question.kitchens.snapped[mode], question.drops.snapped[mode]
        net = question.networks[mode]
        found = travel.nearest(net, drops, kitchens, cutoff_s=_A_DAY_S, direction="from_destination")
        nearest_s = np.minimum(nearest_s, found.time_s[:, 0])
    return nearest_s


def _there_and_back(question: Question, mode: str) -> tuple[Floats, Floats]:
    network = question.networks[mode]
    kitchens, drops = question.kitchens.snapped[mode], question.drops.snapped[mode]
    out = travel.travel_times(network, kitchens, drops, cutoff_s=question.rules.deadline_s).matrix.tocoo()
    back = travel.travel_times(network, drops, kitchens, cutoff_s=question.rules.back_s).matrix.tocoo()
    shape = (len(kitchens), len(drops))
    out_s, back_s = np.full(shape, np.inf), np.full(shape, np.inf)
    out_s[out.row, out.col] = out.data
    back_s[back.col, back.row] = back.data
    return out_s, back_s
