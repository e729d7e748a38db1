"""Rounds for one group of kitchens, by PyVRP: who goes where in which order, and what is left behind.

All waves are one problem: a vehicle that leaves in three waves is three vehicles that leave at second 0, each with the
drops' deadline and the time by which it must be back. Times are rounded up to whole seconds, so that what PyVRP finds
on time is on time; costs are in thousandths of the currency. Drops may be left out at a price.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyvrp
from pyvrp.stop import MaxIterations, MaxRuntime, MultipleCriteria

from chongming_gis.delivery import ways
from chongming_gis.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.delivery.question import HotRange, Question
    from chongming_gis.delivery.sharing import Item
    from chongming_gis.deliverymodel import VehicleConfig

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

COST_SCALE = 1000.0
_CLOSED_S = 1_000_000  # longer than any deadline: a way that must not be taken
_KM = 1000.0


@dataclass(frozen=True, slots=True)
class Round:
    """One vehicle, out and back: what it carries to which drops, in their order. Times count from its departure."""

    kitchen: int
    vehicle: int
    items: tuple[Item, ...]
    arrive_s: tuple[float, ...]
    back_s: float
    length_m: float  # on the road and from road to door
    cost: float

    @property
    def meals(self) -> int:
        """The meals on board at departure."""
        return sum(item.meals for item in self.items)


@dataclass(frozen=True, slots=True)
class Found:
    """The rounds of a group, and whether the search went through all its iterations before its time was over."""

    rounds: tuple[Round, ...]
    in_full: bool = True

    @property
    def meals(self) -> int:
        """The meals on all rounds."""
        return sum(one.meals for one in self.rounds)

    @property
    def cost(self) -> float:
        """What the rounds cost."""
        return float(sum(one.cost for one in self.rounds))


@dataclass(frozen=True, slots=True)
class Legs:
    """Seconds and metres between the points of a group, kitchens first, then drops; inf where there is no way."""

    time_s: Floats
    length_m: Floats


@dataclass(frozen=True, slots=True)
class Group:
    """Kitchens that share items, directly or through others."""

    kitchens: tuple[int, ...]
    items: tuple[Item, ...]


def cost_of(vehicle: VehicleConfig, *, time_s: float, length_m: float) -> float:
    """Return what a round costs: once, by kilometre and by hour."""
    moving = vehicle.cost_per_km * length_m / _KM
    return vehicle.cost_per_round + moving + vehicle.cost_per_hour * time_s / SECONDS_PER_HOUR


def measure_legs(question: Question, group: Group) -> dict[str, Legs]:
    """Return the ways between all points of a group, by mode."""
    drops = np.array(sorted({item.drop for item in group.items}), dtype=np.intp)
    kitchens = np.array(group.kitchens, dtype=np.intp)
    legs = {}
    for mode in sorted({vehicle.mode for vehicle in question.vehicles}):
        points = question.kitchens.snapped[mode].take(kitchens).joined(question.drops.snapped[mode].take(drops))
        cutoff_s = max(question.rules.deadline_s, question.rules.back_s)
        time_s, road_m = ways.measure_ways(question.networks[mode], points, cutoff_s=cutoff_s)
        off_m = np.where(points.is_reachable, points.off_network_m, np.inf)
        legs[mode] = Legs(time_s, road_m + off_m[:, None] + off_m[None, :])
    return legs


def route_group(question: Question, hot: HotRange, group: Group, legs: dict[str, Legs]) -> Found:
    """Return rounds that bring as much as they can of a group's items; what no round has is left behind.

    Notes
    -----
    PyVRP (Wouda, Lan & Kool 2024), iterated local search; it ends after a number of iterations, so that the same
    question gives the same rounds on every machine. It proves nothing about the best possible rounds. Of the time limit
    a group has the share that its items are of all drops; a search that it ends is told.
    """
    if not group.items:
        return Found(())
    problem = _problem(question, hot, group, legs)
    rules = question.rules
    n_wanted = max(int(np.count_nonzero(question.meals)), len(group.items))
    time_is_over = MaxRuntime(rules.time_limit_s * len(group.items) / n_wanted)  # counts over both searches
    results = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that penalties are at their bound: told by what is left behind
        for start in (None, pyvrp.Solution(problem.data, [])):
            stop = MultipleCriteria([MaxIterations(rules.iterations), time_is_over])
            results.append(
                pyvrp.solve(
                    problem.data, stop, seed=rules.seed, collect_stats=False, display=False, initial_solution=start
                )
            )
            if results[-1].is_feasible():
                break
    best = results[-1].best
    found = []
    for route in best.routes() if best.is_feasible() else []:
        who = problem.of_type[route.vehicle_type()]
        visited = visits_of([group.items[stop.idx] for stop in route if stop.is_client()])
        if visited:
            found.append(make_round(question, group, legs, who, visited))
    in_full = all(result.num_iterations >= rules.iterations for result in results)
    return Found(tuple(sorted(found, key=_order)), in_full)


def visits_of(items: Sequence[Item]) -> tuple[Item, ...]:
    """Return the items of a round with all that goes to one drop in one visit, the first."""
    visits: dict[int, Item] = {}
    for item in items:
        known = visits.get(item.drop)
        visits[item.drop] = item if known is None else replace(known, meals=known.meals + item.meals)
    return tuple(visits.values())


def _order(one: Round) -> tuple[int, int, tuple[int, ...]]:
    return one.kitchen, one.vehicle, tuple(item.drop for item in one.items)


def make_round(
    question: Question, group: Group, legs: dict[str, Legs], who: tuple[int, int], items: tuple[Item, ...]
) -> Round:
    """Return a kitchen's vehicle's round over some items in their order, with its times, length and cost."""
    kitchen, number = who
    vehicle = question.vehicles[number]
    way = legs[vehicle.mode]
    place = _places(group)
    at, time_s, length_m, arrive = place[("kitchen", kitchen)], 0.0, 0.0, []
    for item in items:
        there = place[("drop", item.drop)]
        time_s += float(way.time_s[at, there])
        length_m += float(way.length_m[at, there])
        arrive.append(round(time_s, 6))
        time_s += question.rules.handover_s
        at = there
    home = place[("kitchen", kitchen)]
    time_s = round(time_s + float(way.time_s[at, home]), 6)
    length_m += float(way.length_m[at, home])
    cost = cost_of(vehicle, time_s=time_s, length_m=length_m)
    return Round(kitchen, number, items, tuple(arrive), time_s, length_m, cost)


def _places(group: Group) -> dict[tuple[str, int], int]:
    drops = sorted({item.drop for item in group.items})
    rows = [("kitchen", kitchen) for kitchen in group.kitchens] + [("drop", drop) for drop in drops]
    return {row: at for at, row in enumerate(rows)}


@dataclass(frozen=True, slots=True)
class _Problem:
    data: pyvrp.ProblemData
    of_type: list[tuple[int, int]]  # the kitchen and the vehicle of each of PyVRP's vehicle types


def _problem(question: Question, hot: HotRange, group: Group, legs: dict[str, Legs]) -> _Problem:
    """Return a group as PyVRP's problem: a location for each kitchen and item, a profile for a kitchen's vehicles."""
    rules = question.rules
    place = _places(group)
    n_kitchens = len(group.kitchens)
    rows = np.array(
        [place[("kitchen", k)] for k in group.kitchens] + [place[("drop", item.drop)] for item in group.items]
    )
    at = [question.kitchens.xy[k] for k in group.kitchens] + [question.drops.xy[item.drop] for item in group.items]
    locations = [pyvrp.Location(float(x), float(y)) for x, y in at]
    prize = round(COST_SCALE * rules.missed_meal_price)
    clients = [
        pyvrp.Client(
            n_kitchens + number,
            delivery=[item.meals],
            service_duration=int(np.ceil(rules.handover_s)),
            tw_late=int(rules.deadline_s),
            prize=prize * item.meals,
            required=False,
        )
        for number, item in enumerate(group.items)
    ]
    types: list[Any] = []
    of_type: list[tuple[int, int]] = []
    costs: list[Any] = []
    durations: list[Any] = []
    for position, kitchen in enumerate(group.kitchens):
        for number, vehicle in enumerate(question.vehicles):
            n_rounds = int(question.fleet[kitchen, number]) * rules.n_waves
            if n_rounds == 0:
                continue
            may = np.array(
                [kitchen in item.allowed and bool(hot.is_usable[number, kitchen, item.drop]) for item in group.items]
            )
            time_s, cost = _matrices(vehicle, legs[vehicle.mode], rows, n_kitchens, rules.handover_s)
            shut = np.concatenate([np.arange(n_kitchens) != position, ~may])
            time_s[:, shut] = _CLOSED_S
            np.fill_diagonal(time_s, 0)
            types.append(
                pyvrp.VehicleType(
                    num_available=n_rounds,
                    capacity=[vehicle.capacity_meals],
                    start_depot=position,
                    end_depot=position,
                    fixed_cost=round(COST_SCALE * vehicle.cost_per_round),
                    tw_late=int(rules.back_s),
                    start_late=0,
                    profile=len(costs),
                )
            )
            of_type.append((kitchen, number))
            costs.append(cost)
            durations.append(time_s)
    depots = [pyvrp.Depot(position) for position in range(n_kitchens)]
    return _Problem(pyvrp.ProblemData(locations, clients, depots, types, costs, durations), of_type)


def _matrices(
    vehicle: VehicleConfig, legs: Legs, rows: npt.NDArray[np.intp], n_kitchens: int, handover_s: float
) -> tuple[Longs, Longs]:
    """Return whole seconds, rounded up, and costs between locations; the handover's wage is on the way to each drop."""
    time_s, length_m = legs.time_s[np.ix_(rows, rows)], legs.length_m[np.ix_(rows, rows)]
    is_open = np.isfinite(time_s)
    whole_s = np.where(is_open, np.ceil(np.where(is_open, time_s, 0.0) - 1e-6), _CLOSED_S).astype(np.int64)
    paid_s = np.where(is_open, time_s, 0.0)
    paid_s[:, n_kitchens:] += handover_s
    money = vehicle.cost_per_km * np.where(is_open, length_m, 0.0) / _KM
    money += vehicle.cost_per_hour * paid_s / SECONDS_PER_HOUR
    cost = np.rint(COST_SCALE * money).astype(np.int64)
    np.fill_diagonal(cost, 0)
    return whole_s, cost
