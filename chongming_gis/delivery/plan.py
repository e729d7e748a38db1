"""A day's plan: who cooks for whom, the rounds, and every drop that is left with the reason why.

``plan_day`` puts the parts together: hot range, exact assignment, groups of kitchens that share drops, rounds by PyVRP
for each group, a second offer of what was left, the independent check, and the bounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.delivery.bound import bound_cost
from chongming_gis.delivery.checker import RoundError, check_rounds
from chongming_gis.delivery.question import measure_range
from chongming_gis.delivery.rounds import Found, Group, measure_legs, route_group
from chongming_gis.delivery.sharing import Item, Sharing, items_of, share_kitchens, share_within
from chongming_gis.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.delivery.question import HotRange, Question
    from chongming_gis.delivery.rounds import Round

    Longs = npt.NDArray[np.int64]

MOST_DROPS = 150  # in one group; a larger one is cut into its kitchens
#: Why meals are not brought, the first that holds; "" = they are.
REASONS = (
    "", "no_road", "no_kitchen", "ferry", "not_back", "out_of_range", "no_kitchen_open", "no_capacity", "no_round",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DayPlan:
    """What is brought to whom, by which rounds, what is left and why, and what no plan could beat.

    Attributes
    ----------
    rounds : in the order of kitchens, departures and vehicles; ``waves`` and ``carts`` say for each when it leaves
        (from 0) and with which of the kitchen's vehicles of its kind (from 0).
    left : meals not brought, (n drops,); ``reason`` of each drop, "" where none is left.
    most_served : meals that the exact assignment can serve: no rounds bring more.
    cost_bound : what rounds and missed meals cost at least; NaN = no bound.
    """

    rounds: tuple[Round, ...]
    waves: tuple[int, ...]
    carts: tuple[int, ...]
    left: Longs
    reason: tuple[str, ...]
    hot: HotRange
    sharing: Sharing
    most_served: int
    cost_bound: float
    n_groups: int
    n_cut: int  # of these: the search was ended by its time limit

    @property
    def served(self) -> Longs:
        """Meals that rounds bring, of each drop."""
        found = np.zeros(len(self.left), dtype=np.int64)
        for one in self.rounds:
            for item in one.items:
                found[item.drop] += item.meals
        return found

    @property
    def n_served(self) -> int:
        """All meals that rounds bring."""
        return sum(one.meals for one in self.rounds)

    @property
    def cost(self) -> float:
        """What the rounds cost."""
        return float(sum(one.cost for one in self.rounds))


@dataclass(slots=True)
class _Day:
    """What was found for each group while the day is put together."""

    found: dict[int, Found] = field(default_factory=dict)

    @property
    def rounds(self) -> list[Round]:
        return [one for number in sorted(self.found) for one in self.found[number].rounds]


def plan_day(
    question: Question, *, if_ferry_ran: HotRange | None = None, with_bound: bool = True, progress: Progress = silent
) -> DayPlan:
    """Return the plan of a day.

    Parameters
    ----------
    if_ferry_ran : the hot range if the ferry ran, where it does not: so that a drop is told what it lacks.
    with_bound : False leaves the bound on the cost out (what-ifs do not tell it).
    progress : hears each group of kitchens, as stage ``delivery_rounds``.

    Raises
    ------
    RoundError
        A round breaks a rule: a fault of this program.
    """
    hot = measure_range(question)
    sharing = share_kitchens(question, hot)
    groups = group_items(items_of(question, hot, sharing))
    day = _Day()
    for number, group in enumerate(groups):
        progress("delivery_rounds", question.kitchens.ids[group.kitchens[0]], number, len(groups))
        day.found[number] = route_group(question, hot, group, measure_legs(question, group))
    _offer_again(question, hot, groups, day)
    rounds = sorted(day.rounds, key=lambda one: (one.kitchen, one.vehicle, one.arrive_s, one.back_s))
    left = question.meals - _brought(question, rounds)
    faults = check_rounds(question, rounds, left.tolist())
    if faults:
        raise RoundError("; ".join(faults))
    waves, carts = _departures(question, rounds)
    order = sorted(range(len(rounds)), key=lambda n: (rounds[n].kitchen, waves[n], rounds[n].vehicle, carts[n]))
    rounds = [rounds[n] for n in order]
    waves, carts = [waves[n] for n in order], [carts[n] for n in order]
    return DayPlan(
        rounds=tuple(rounds),
        waves=tuple(waves),
        carts=tuple(carts),
        left=left,
        reason=tuple(_reasons(question, hot, sharing, left, if_ferry_ran)),
        hot=hot,
        sharing=sharing,
        most_served=sharing.n_served,
        cost_bound=bound_cost(question, hot) if with_bound else float("nan"),
        n_groups=len(groups),
        n_cut=sum(not found.in_full for found in day.found.values()),
    )


def group_items(items: Sequence[Item]) -> list[Group]:
    """Return groups of kitchens that share items, in the order of their first kitchen.

    Notes
    -----
    Items with several kitchens tie these together. A group of more than ``MOST_DROPS`` items is cut: each item goes to
    the kitchen of the exact assignment, so that no table of all with all grows beyond reach.
    """
    found = []
    for group in _tied(items):
        if len(group.items) > MOST_DROPS and len(group.kitchens) > 1:
            found += _tied([Item(i.drop, i.meals, i.kitchen, (i.kitchen,)) for i in group.items])
        else:
            found.append(group)
    return sorted(found, key=lambda group: group.kitchens)


def _tied(items: Sequence[Item]) -> list[Group]:
    head: dict[int, int] = {}

    def find(kitchen: int) -> int:
        while head.setdefault(kitchen, kitchen) != kitchen:
            kitchen = head[kitchen]
        return kitchen

    for item in items:
        for other in item.allowed:
            first, second = sorted((find(item.allowed[0]), find(other)))
            head[second] = first
    members: dict[int, list[Item]] = {}
    for item in items:
        members.setdefault(find(item.kitchen), []).append(item)
    return [
        Group(tuple(sorted({k for item in own for k in item.allowed})), tuple(own))
        for _, own in sorted(members.items())
    ]


def _brought(question: Question, rounds: Sequence[Round]) -> Longs:
    brought = np.zeros(len(question.drops), dtype=np.int64)
    for one in rounds:
        for item in one.items:
            brought[item.drop] += item.meals
    return brought


def _offer_again(question: Question, hot: HotRange, groups: list[Group], day: _Day) -> None:
    """Offer what no round had room for to kitchens that still cook and carry; keep it where more is brought.

    Notes
    -----
    Once: what a kitchen could not take the first time is not offered to it again. Only groups of one kitchen are asked.
    """
    alone = {group.kitchens[0]: number for number, group in enumerate(groups) if len(group.kitchens) == 1}
    free = [k for k in range(len(question.kitchens)) if k not in {m for g in groups for m in g.kitchens}]
    alone |= {kitchen: len(groups) + number for number, kitchen in enumerate(free)}
    rounds = day.rounds
    sent = np.zeros(len(question.kitchens), dtype=np.int64)
    for one in rounds:
        sent[one.kitchen] += one.meals
    left = question.meals - _brought(question, rounds)
    fastest = np.where(hot.any_vehicle, hot.fastest_s, np.inf)
    fastest[[k for k in range(len(question.kitchens)) if k not in alone]] = np.inf
    for group in groups:
        for item in group.items:
            if left[item.drop] > 0:
                fastest[list(item.allowed), item.drop] = np.inf
    spare = question.sends - sent
    offered = share_within(fastest, left, spare)
    for kitchen in np.flatnonzero(offered.flow.sum(axis=1)).tolist():
        number = alone[kitchen]
        old = day.found.get(number, Found(()))
        mine = [Item(i.drop, i.meals, kitchen, (kitchen,)) for one in old.rounds for i in one.items]
        more = _parts(question, hot, kitchen, offered.flow[kitchen])
        group = Group((kitchen,), (*mine, *more))
        new = route_group(question, hot, group, measure_legs(question, group))
        if new.meals > old.meals:
            day.found[number] = new


def _parts(question: Question, hot: HotRange, kitchen: int, meals: Longs) -> list[Item]:
    loads = np.array([vehicle.capacity_meals for vehicle in question.vehicles], dtype=np.int64)
    items = []
    for drop in np.flatnonzero(meals).tolist():
        most = int(np.where(hot.is_usable[:, kitchen, drop], loads, 0).max())
        left = int(meals[drop])
        while left > 0:
            items.append(Item(drop, min(most, left), kitchen, (kitchen,)))
            left -= most
    return items


def _departures(question: Question, rounds: Sequence[Round]) -> tuple[list[int], list[int]]:
    """Return when each round leaves, and with which vehicle of its kind: the first wave fills before the second."""
    used: dict[tuple[int, int], int] = {}
    waves, carts = [], []
    for one in rounds:
        number = used.get((one.kitchen, one.vehicle), 0)
        used[(one.kitchen, one.vehicle)] = number + 1
        n_carts = int(question.fleet[one.kitchen, one.vehicle])
        waves.append(number // n_carts)
        carts.append(number % n_carts)
    return waves, carts


def _reasons(
    question: Question, hot: HotRange, sharing: Sharing, left: Longs, with_ferry: HotRange | None
) -> list[str]:
    """Return why meals of each drop are left, the first reason that holds."""
    with_ferry = hot if with_ferry is None else with_ferry
    beyond = ~hot.is_in_time.any(axis=(0, 1))
    cooks = (hot.any_vehicle & (question.sends > 0)[:, None]).any(axis=0)
    holds = {
        "": left == 0,
        "no_road": ~question.drops.is_on_road,
        "no_kitchen": np.full(len(left), len(question.kitchens) == 0),
        "ferry": beyond & with_ferry.is_in_time.any(axis=(0, 1)),
        "not_back": beyond & (hot.out_s <= question.rules.deadline_s).any(axis=(0, 1)),
        "out_of_range": beyond & np.isfinite(with_ferry.nearest_s),
        "no_way": beyond,
        "no_kitchen_open": ~cooks,
        "no_capacity": left <= sharing.no_capacity,
    }
    told: list[str] = np.select(list(holds.values()), list(holds), default="no_round").tolist()
    return ["no_road" if reason == "no_way" else reason for reason in told]
