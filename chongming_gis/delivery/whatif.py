"""What another deadline, one more vehicle or one more kitchen would bring, beside the plan as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.delivery.plan import plan_day
from chongming_gis.delivery.question import measure_range
from chongming_gis.delivery.rounds import Group, measure_legs, route_group
from chongming_gis.delivery.sharing import Item, share_within
from chongming_gis.progress import Progress, silent
from chongming_gis.units import seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.delivery.plan import DayPlan
    from chongming_gis.delivery.question import HotRange, Question, Stands

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

MOST_TRIED = 60  # candidates for a kitchen that are asked exactly, those with the most to serve
MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One change and what it brings; NaN where a number is not asked.

    Attributes
    ----------
    in_range : meals wanted within hot range of some kitchen.
    most_served : meals that can be cooked and carried, by the exact assignment.
    served : meals that planned rounds bring.
    minutes_saved : minutes of riding saved by each meal that is served already.
    """

    what: str  # deadline, vehicle, kitchen
    id: str
    value: float  # minutes of the deadline, vehicles added, meals of the kitchen
    in_range: float
    most_served: float
    served: float
    cost: float
    minutes_saved: float


def try_deadlines(
    question: Question, plan: DayPlan, deadlines_s: Sequence[float], *, progress: Progress = silent
) -> list[WhatIf]:
    """Return the plan under each deadline, all else as it is; the one in force is not planned again."""
    told = []
    for number, deadline_s in enumerate(deadlines_s):
        progress("delivery_deadline", f"{seconds_to_minutes(deadline_s):g} min", number, len(deadlines_s))
        same = deadline_s == question.rules.deadline_s
        asked = replace(question, rules=replace(question.rules, deadline_s=deadline_s))
        found = plan if same else plan_day(asked, with_bound=False)
        minutes = seconds_to_minutes(deadline_s)
        reached = found.hot.any_vehicle.any(axis=0) if len(question.kitchens) else np.zeros(len(question.drops), bool)
        in_range = float(question.meals[reached].sum())
        served = float(found.n_served)
        most = float(found.most_served)
        told.append(WhatIf("deadline", f"{minutes:g}", minutes, in_range, most, served, found.cost, float("nan")))
    return told


def try_vehicles(question: Question, plan: DayPlan, vehicle: int, *, progress: Progress = silent) -> list[WhatIf]:
    """Return what one more vehicle of a kind brings at each kitchen, the others' rounds left as they are."""
    told = []
    n_kitchens = len(question.kitchens)
    for kitchen in range(n_kitchens):
        progress("delivery_vehicle", question.kitchens.ids[kitchen], kitchen, n_kitchens)
        fleet = question.fleet.copy()
        fleet[kitchen, vehicle] += 1
        more = replace(question, fleet=fleet)
        served, cost = _served_again(more, plan, kitchen)
        told.append(
            WhatIf(
                "vehicle", question.kitchens.ids[kitchen], 1.0, float("nan"), float("nan"), served, cost, float("nan")
            )
        )
    return told


def _served_again(question: Question, plan: DayPlan, kitchen: int) -> tuple[float, float]:
    """Return all meals served and the cost when one kitchen plans again, with what is left in its hot range."""
    old = [one for one in plan.rounds if one.kitchen == kitchen]
    n_old = sum(one.meals for one in old)
    hot = measure_range(_only(question, kitchen))
    mine = [Item(i.drop, i.meals, kitchen, (kitchen,)) for one in old for i in one.items]
    spare = np.array([int(question.sends[kitchen]) - n_old])
    reachable = np.where(hot.any_vehicle, hot.fastest_s, np.inf)
    more = share_within(reachable, plan.left, np.maximum(spare, 0))
    parts = _items(question, hot, kitchen, more.flow[0])
    if not parts:
        return float(plan.n_served), plan.cost
    group = Group((kitchen,), (*mine, *parts))
    whole = _widened(hot, len(question.kitchens), kitchen)
    new = route_group(question, whole, group, measure_legs(question, group))
    if new.meals <= n_old:
        return float(plan.n_served), plan.cost
    return float(plan.n_served + new.meals - n_old), plan.cost + new.cost - sum(one.cost for one in old)


def _only(question: Question, kitchen: int) -> Question:
    """Return the question with one of its kitchens."""
    return question.take(kitchens=np.array([kitchen]), drops=np.arange(len(question.drops)))


def _widened(hot: HotRange, n_kitchens: int, kitchen: int) -> HotRange:
    """Return the hot range of one kitchen in its row of all kitchens."""
    n_vehicles, _, n_drops = hot.out_s.shape
    in_time, usable = (np.zeros((n_vehicles, n_kitchens, n_drops), dtype=bool) for _ in range(2))
    in_time[:, kitchen], usable[:, kitchen] = hot.is_in_time[:, 0], hot.is_usable[:, 0]
    out_s, back_s = (np.full((n_vehicles, n_kitchens, n_drops), np.inf) for _ in range(2))
    out_s[:, kitchen], back_s[:, kitchen] = hot.out_s[:, 0], hot.back_s[:, 0]
    return replace(hot, out_s=out_s, back_s=back_s, is_in_time=in_time, is_usable=usable)


def _items(question: Question, hot: HotRange, kitchen: int, meals: Longs) -> list[Item]:
    loads = np.array([vehicle.capacity_meals for vehicle in question.vehicles], dtype=np.int64)
    items = []
    for drop in np.flatnonzero(meals).tolist():
        most, left = int(np.where(hot.is_usable[:, 0, drop], loads, 0).max()), int(meals[drop])
        while left > 0:
            items.append(Item(drop, min(most, left), kitchen, (kitchen,)))
            left -= most
    return items


def try_kitchens(
    question: Question,
    plan: DayPlan,
    places: Stands,
    *,
    cooks: int,
    fleet: Sequence[int],
    areas: Sequence[str],
    progress: Progress = silent,
) -> list[WhatIf]:
    """Return the places where one more kitchen serves the most meals, the best of each area, the best first.

    Parameters
    ----------
    places : where a kitchen could stand, on the networks of the vehicles.
    cooks : meals a day that it sends out.
    fleet : its vehicles of each kind.
    areas : the area of each place; one place an area is told.

    Notes
    -----
    Each place is asked by the exact assignment of all kitchens together; the rounds of the new kitchen alone are then
    planned for what the present ones leave. Only ``MOST_TRIED`` places are asked, from every area those that could
    serve most: a place can add no more than it sends and no more than is left in its hot range.
    """
    if len(places) == 0 or len(question.drops) == 0:
        return []
    there = replace(
        question,
        kitchens=places,
        cooks=np.full(len(places), cooks, dtype=np.int64),
        fleet=np.tile(np.asarray(fleet, dtype=np.int64), (len(places), 1)),
    )
    reach = measure_range(there)
    fastest = np.where(reach.any_vehicle, reach.fastest_s, np.inf)
    unserved = question.meals - plan.sharing.flow.sum(axis=0)
    ceiling = np.minimum(there.sends, (np.isfinite(fastest) * unserved[None, :]).sum(axis=1))
    weight = np.where(np.isfinite(fastest), question.meals[None, :], 0)
    ride = (np.where(weight > 0, fastest, 0.0) * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1)
    best_first = np.lexsort((np.arange(len(places)), ride, -ceiling))
    turn = _turns(np.asarray(areas, dtype=object)[best_first])
    order = best_first[np.argsort(turn, kind="stable")]
    order = order[ceiling[order] > 0]
    told: list[tuple[WhatIf, int]] = []
    now = np.where(plan.hot.any_vehicle, plan.hot.fastest_s, np.inf)
    for number, at in enumerate(order[:MOST_TRIED].tolist()):
        progress("delivery_kitchen", places.ids[at], number, MOST_TRIED)
        times = np.vstack([now, fastest[at : at + 1]])
        sends = np.append(question.sends, there.sends[at])
        found = share_within(times, question.meals, sends)
        told.append((_value(question, plan, places.ids[at], times, sends, found.n_served, cooks), at))
    told.sort(key=lambda pair: _worth(pair[0]))  # a stable sort: ties stay in the order in which they were asked
    best = [pair for pair, turn in zip(told, _turns([areas[at] for _, at in told]), strict=True) if turn == 0]
    return [_with_rounds(there, plan, change, at) for change, at in best[:MOST_TOLD]]


def _worth(change: WhatIf) -> tuple[float, float, float]:
    """Return the order of new kitchens: most meals, most in hot range (cooked or not), least riding."""
    return -change.most_served, -change.in_range, -np.nan_to_num(change.minutes_saved)


def _turns(areas: Sequence[str] | npt.NDArray[np.object_]) -> list[int]:
    """Return for each entry how many of the same area stand before it."""
    seen: dict[str, int] = {}
    turns = []
    for area in areas:
        turns.append(seen.get(area, 0))
        seen[area] = turns[-1] + 1
    return turns


def _value(question: Question, plan: DayPlan, place: str, times: Floats, sends: Longs, most: int, cooks: int) -> WhatIf:
    before = plan.sharing.flow
    served = before.sum(axis=0)
    again = share_within(times, served, sends)
    ridden = float((before * np.where(before > 0, times[:-1], 0.0)).sum())
    then = float((again.flow * np.where(again.flow > 0, times, 0.0)).sum())
    total = int(served.sum())
    saved = seconds_to_minutes((ridden - then) / total) if total else float("nan")
    reached = np.isfinite(times).any(axis=0)
    in_range = float(question.meals[reached].sum())
    return WhatIf("kitchen", place, float(cooks), in_range, float(most), float("nan"), float("nan"), saved)


def _with_rounds(there: Question, plan: DayPlan, change: WhatIf, at: int) -> WhatIf:
    """Return a change with the rounds of the new kitchen for what the present plan leaves."""
    alone = _only(there, at)
    hot = measure_range(alone)
    reachable = np.where(hot.any_vehicle, hot.fastest_s, np.inf)
    given = share_within(reachable, plan.left, alone.sends)
    items = _items(alone, hot, 0, given.flow[0])
    group = Group((0,), tuple(items))
    found = route_group(alone, hot, group, measure_legs(alone, group))
    return replace(change, served=float(plan.n_served + found.meals), cost=plan.cost + found.cost)
