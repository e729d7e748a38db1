"""Every round checked again, slowly and by itself: on time, not overloaded, back in time, nobody twice, nothing lost.

It asks ``travel`` for each leg anew and adds up in plain loops; nothing of the search is used. A fault is a fault of
this program, and stops it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis import travel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chongming_gis.delivery.question import Question
    from chongming_gis.delivery.rounds import Round

_SLACK_S = 1e-3


class RoundError(AssertionError):
    """A round breaks a rule that it was made to keep: a fault of this program."""


def check_rounds(question: Question, rounds: Sequence[Round], left: Sequence[int]) -> list[str]:
    """Return what is wrong with a day's rounds, in words; nothing where all is well.

    Parameters
    ----------
    left : meals not brought, of each drop.
    """
    told = []
    brought = [0] * len(question.drops)
    cooked = [0] * len(question.kitchens)
    out: dict[tuple[int, int], int] = {}
    for number, one in enumerate(rounds, start=1):
        at = f"round {number} from {question.kitchens.ids[one.kitchen]}"
        told += [f"{at}: {fault}" for fault in _faults_of(question, one)]
        out[(one.kitchen, one.vehicle)] = out.get((one.kitchen, one.vehicle), 0) + 1
        for item in one.items:
            brought[item.drop] += item.meals
            cooked[one.kitchen] += item.meals
    for kitchen, n_meals in enumerate(cooked):
        if n_meals > question.cooks[kitchen]:
            told.append(f"{question.kitchens.ids[kitchen]}: {n_meals} meals leave, it cooks {question.cooks[kitchen]}")
    for (kitchen, vehicle), n_rounds in out.items():
        most = int(question.fleet[kitchen, vehicle]) * question.rules.n_waves
        if n_rounds > most:
            name = question.vehicles[vehicle].id
            told.append(f"{question.kitchens.ids[kitchen]}: {n_rounds} rounds by {name}, of {most}")
    for drop, n_meals in enumerate(brought):
        wanted = int(question.meals[drop])
        if n_meals + left[drop] != wanted:
            told.append(f"{question.drops.ids[drop]}: {n_meals} brought and {left[drop]} left are not {wanted}")
    return told


def _faults_of(question: Question, one: Round) -> list[str]:
    vehicle, rules = question.vehicles[one.vehicle], question.rules
    faults = []
    load = sum(item.meals for item in one.items)
    if load > vehicle.capacity_meals:
        faults.append(f"{load} meals on a vehicle for {vehicle.capacity_meals}")
    if len(one.items) == 0 or len(one.items) != len(one.arrive_s):
        faults.append("stops and arrivals do not agree")
    clock = 0.0
    for stop, (item, said_s) in enumerate(zip(one.items, one.arrive_s, strict=False)):
        before = one.items[stop - 1].drop if stop else None
        clock += _leg_s(question, one, before, item.drop)
        name = question.drops.ids[item.drop]
        if abs(clock - said_s) > _SLACK_S:
            faults.append(f"{name} is reached after {clock:.1f} s, not {said_s:.1f} s")
        if clock > rules.deadline_s + _SLACK_S:
            faults.append(f"{name} is reached after {clock:.1f} s; a meal may be {rules.deadline_s:.0f} s old")
        if item.meals <= 0:
            faults.append(f"{name} gets no meal")
        if any(item.drop == other.drop for other in one.items[:stop]):
            faults.append(f"{name} is visited twice")
        clock += rules.handover_s
    if one.items:
        clock += _leg_s(question, one, one.items[-1].drop, None)
    if abs(clock - one.back_s) > _SLACK_S:
        faults.append(f"is back after {clock:.1f} s, not {one.back_s:.1f} s")
    if clock > rules.back_s + _SLACK_S:
        faults.append(f"is back after {clock:.1f} s, later than {rules.back_s:.0f} s")
    return faults


def _leg_s(question: Question, one: Round, start: int | None, end: int | None) -> float:
    """Return the seconds from a drop, or the kitchen (None), to another."""
    mode = question.vehicles[one.vehicle].mode
    kitchen = question.kitchens.snapped[mode].take(np.array([one.kitchen]))
    points = [kitchen if drop is None else question.drops.snapped[mode].take(np.array([drop])) for drop in (start, end)]
    cutoff_s = max(question.rules.deadline_s, question.rules.back_s)
    found = travel.travel_times(question.networks[mode], points[0], points[1], cutoff_s=cutoff_s).matrix.tocoo()
    return float(found.data[0]) if len(found.data) else float("inf")
