"""The part of a study that asks for meals brought to the door: the section ``[delivery]``.

It says which facilities cook, whose meals are brought and where they are handed over, by which vehicles, when rounds
leave, and how old a meal may be. What people need is in ``[[needs]]``; where kitchens stand and how much they cook is
in the facilities of the study. Nothing of it is a constant of the program.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from chongming_gis.studymodel import Identifier, NotNegative, Positive, StudyModel, Text, Year, repeated_ids
from chongming_gis.units import minutes_to_seconds, seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chongming_gis.planning import NeedConfig, PlanConfig

_CLOCK = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)$")
_HOUR_MIN = 60
_DAY_MIN = 24 * _HOUR_MIN


def _clock(value: str) -> str:
    if not _CLOCK.match(value):
        raise ValueError("a time of day is hh:mm, e.g. 10:45")
    return value


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
ClockTime = Annotated[str, AfterValidator(_clock)]
AtLeastOne = Annotated[int, Field(ge=1)]


def minutes_of_day(clock: str) -> int:
    """Return the minutes since midnight of a time of day.

    Examples
    --------
    >>> minutes_of_day("10:45")
    645
    """
    hours, minutes = clock.split(":")
    return _HOUR_MIN * int(hours) + int(minutes)


def clock_after(start: str, seconds: float) -> str:
    """Return the time of day so many seconds after a start, cut to the minute.

    Examples
    --------
    >>> clock_after("10:45", 1799.0), clock_after("23:50", 900.0)
    ('11:14', '00:05')
    """
    minutes = (minutes_of_day(start) + int(seconds_to_minutes(seconds))) % _DAY_MIN
    return f"{minutes // _HOUR_MIN:02d}:{minutes % _HOUR_MIN:02d}"


class DeliveredShareConfig(StudyModel):
    """Which share of the meals that a group needs is brought to the door."""

    group: Identifier
    base: Identifier
    share: Share
    source: Text
    source_en: str = ""


class VehicleConfig(StudyModel):
    """One kind of vehicle: what it carries, what it costs, how many there are; how fast it is says its travel mode."""

    id: Identifier
    name_zh: Text
    name_en: Text
    mode: Identifier  # of [[modes]]
    capacity_meals: AtLeastOne  # on one round
    per_kitchen: Annotated[int, Field(ge=0)]
    cost_per_km: NotNegative
    cost_per_hour: NotNegative  # wages, on the way and at the door
    cost_per_round: NotNegative = 0.0
    source: Text
    source_en: str = ""


class KitchenConfig(StudyModel):
    """Which facilities cook, and how much of it leaves the house."""

    services: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    kinds: tuple[str, ...] = ()  # of the facilities' column kind; none = all
    share_delivered: Share = 1.0  # of the stated capacity; the rest is eaten in the house
    new_capacity_meals: AtLeastOne = 100  # to be brought, of one more kitchen in the what-ifs
    source: Text
    source_en: str = ""


class DeliveryConfig(StudyModel):
    """Meals to the door, hot: kitchens, drops, vehicles, waves of departure, and what a missed meal counts."""

    service: Identifier  # whose needs are brought; its capacity unit is that of the kitchens
    kitchens: KitchenConfig
    drop_services: tuple[Identifier, ...] = ()  # where meals are handed over; none = at every demand point
    shares: Annotated[tuple[DeliveredShareConfig, ...], Field(min_length=1)]
    vehicles: Annotated[tuple[VehicleConfig, ...], Field(min_length=1)]
    starts: Annotated[tuple[ClockTime, ...], Field(min_length=1)]  # when the rounds leave, one wave after the other
    deadline_min: Positive  # from the kitchen's door to the drop
    handover_min: NotNegative  # at each drop
    turnaround_min: NotNegative = 0.0  # between coming back and leaving again
    back_within_min: Positive = 60.0  # with one wave only: rounds are back so soon
    ferry: Literal["runs", "not_running"] = "runs"
    missed_meal_price: Positive  # far above what bringing one costs, so that none is left out to save money
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"
    price_year: Year
    deadlines_min: tuple[Positive, ...] = (20.0, 30.0, 40.0)  # asked in the what-ifs
    iterations: AtLeastOne = 300  # of the search for each group of kitchens; the same number gives the same rounds
    time_limit_s: Positive = 60.0  # of the search of one plan; where it strikes, another machine may find other rounds
    target_indicator: Identifier | None = None  # of the plan: the meals a day it asks for
    target_set: Identifier | None = None
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _whole(self) -> DeliveryConfig:
        faults = repeated_ids("vehicles", [vehicle.id for vehicle in self.vehicles])
        minutes = [minutes_of_day(start) for start in self.starts]
        if any(later <= earlier for earlier, later in itertools.pairwise(minutes)):
            faults.append(f"starts: {', '.join(self.starts)} must ascend")
        elif self.back_min <= 0:
            faults.append(
                f"turnaround_min = {self.turnaround_min:g}: no time is left between two starts for being on the way"
            )
        groups = [(entry.group, entry.base) for entry in self.shares]
        if len(set(groups)) < len(groups):
            faults.append("shares: a group is named more than once")
        if (self.target_indicator is None) != (self.target_set is None):
            faults.append("target_indicator and target_set go together")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def back_min(self) -> float:
        """The minutes within which every round is back, so that its vehicle can leave with the next wave."""
        minutes = [minutes_of_day(start) for start in self.starts]
        gaps = [later - earlier for earlier, later in itertools.pairwise(minutes)]
        return min(gaps) - self.turnaround_min if gaps else self.back_within_min

    @property
    def deadline_s(self) -> float:
        """How old a meal may be at the drop, in seconds."""
        return minutes_to_seconds(self.deadline_min)

    @property
    def modes(self) -> set[str]:
        """The travel modes of the vehicles."""
        return {vehicle.mode for vehicle in self.vehicles}

    @property
    def services(self) -> set[str]:
        """The services whose facilities are kitchens or drops."""
        return {*self.kitchens.services, *self.drop_services}


def faults(
    delivery: DeliveryConfig | None,
    *,
    plan: PlanConfig | None,
    needs: Sequence[NeedConfig],
    known: Mapping[str, set[str]],
) -> list[str]:
    """Return where the section names what the study does not have.

    Parameters
    ----------
    known : the ids of ``services``, ``bases`` and ``modes``; for each base its groups under ``groups:<base>``, for each
        service its capacity unit under ``capacity:<id>``.
    """
    if delivery is None:
        return []
    at = "delivery"
    wanted = [(f"{at}.service", delivery.service, known["services"])]
    wanted += [(f"{at}.kitchens.services", name, known["services"]) for name in delivery.kitchens.services]
    wanted += [(f"{at}.drop_services", name, known["services"]) for name in delivery.drop_services]
    wanted += [(f"{at}.vehicles.{vehicle.id}.mode", vehicle.mode, known["modes"]) for vehicle in delivery.vehicles]
    told = [_unknown(key, value, allowed) for key, value, allowed in wanted if value not in allowed]
    units = known.get(f"capacity:{delivery.service}", set())
    if delivery.service in known["services"] and not units:
        told.append(f"{at}.service: {delivery.service!r} has no capacity_unit, so that its meals are not known")
    told += [
        f"{at}.kitchens.services: {name!r} has another capacity_unit than {delivery.service!r}"
        for name in delivery.kitchens.services
        if name in known["services"] and units and known.get(f"capacity:{name}") != units
    ]
    stated = {(need.group, need.base) for need in needs if need.service == delivery.service and need.unit in units}
    for entry in delivery.shares:
        if (entry.group, entry.base) not in stated:
            pairs = ", ".join(sorted(f"{group} of {base}" for group, base in stated)) or "none"
            who = f"{entry.group} of {entry.base}"
            told.append(f"{at}.shares: no [[needs]] of {delivery.service!r} for {who}; there are: {pairs}")
    return told + _target_faults(delivery, plan)


def _target_faults(delivery: DeliveryConfig, plan: PlanConfig | None) -> list[str]:
    if delivery.target_indicator is None or delivery.target_set is None:
        return []
    indicators = {entry.id: entry for entry in plan.indicators} if plan else {}
    if delivery.target_indicator not in indicators:
        return [_unknown("delivery.target_indicator", delivery.target_indicator, set(indicators))]
    targets = set(indicators[delivery.target_indicator].targets)
    if delivery.target_set not in targets:
        return [_unknown("delivery.target_set", delivery.target_set, targets)]
    return []


def _unknown(key: str, value: object, allowed: set[str]) -> str:
    return f"{key}: {value!r} is not declared in this study; allowed: {', '.join(sorted(allowed)) or 'none'}"
