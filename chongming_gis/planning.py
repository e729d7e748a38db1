"""The planning part of a study: what people need, what the plan asks for, what things cost, where they may stand.

All of it is data of the study with a source in each entry (or the words "planning assumption"); nothing here is a
constant of the program. ``faults`` says where the entries do not fit the rest of the study.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from chongming_gis.studymodel import Identifier, NotNegative, Positive, StudyModel, Text, Year, repeated_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TARGET_ARMS = ("a number", "to fill")

Finite = Annotated[float, Field(allow_inf_nan=False)]
Target = Annotated[
    Annotated[Finite, Tag(TARGET_ARMS[0])] | Annotated[Literal["to_fill"], Tag(TARGET_ARMS[1])],
    Discriminator(lambda value: TARGET_ARMS[isinstance(value, str)]),
]
Services = Annotated[tuple[Identifier, ...], Field(min_length=1)]


class FactorConfig(StudyModel):
    """One factor of a rate, so that a planner can change it without undoing the others."""

    value: NotNegative  # the likely one
    low: NotNegative | None = None  # where it is not known exactly: between low and high
    high: NotNegative | None = None
    name_zh: Text
    name_en: Text
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> FactorConfig:
        low, high = (self.value if end is None else end for end in (self.low, self.high))
        if not low <= self.value <= high:
            raise ValueError(f"low {low:g}, value {self.value:g}, high {high:g} must ascend")
        return self


class NeedConfig(StudyModel):
    """What one group of people needs of a service, in the unit of its capacity: persons x rate."""

    service: Identifier
    unit: Identifier  # the capacity unit it is compared with
    group: Identifier
    base: Identifier
    factors: Annotated[tuple[FactorConfig, ...], Field(min_length=1)]  # their product is the need of one person

    @property
    def rate(self) -> float:
        """What one person of the group needs."""
        return math.prod(factor.value for factor in self.factors)

    @property
    def rate_range(self) -> tuple[float, float, float]:
        """The low, likely and high need of one person: every factor at its low end, as stated, at its high end."""
        low = math.prod(factor.value if factor.low is None else factor.low for factor in self.factors)
        high = math.prod(factor.value if factor.high is None else factor.high for factor in self.factors)
        return low, self.rate, high


class TargetSetConfig(StudyModel):
    """A dated set of targets: the plan under review, a scenario, or the next plan, open for the planner to fill."""

    id: Identifier
    name_zh: Text
    name_en: Text
    stage: Literal["review", "scenario", "open"]
    base_year: Year
    year: Year
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> TargetSetConfig:
        if self.year <= self.base_year:
            raise ValueError(f"year {self.year} must be after base_year {self.base_year}")
        return self


class FacilityCount(StudyModel):
    """How many facilities there are of some services."""

    of: Literal["facilities"]
    services: Services
    kinds: tuple[str, ...] = ()  # of the facilities' column kind; none = all
    standardised: Literal[True] | None = None  # count only those that are standardised


class CapacitySum(StudyModel):
    """How much capacity of one unit there is over some services."""

    of: Literal["capacity"]
    services: Services
    unit: Identifier


class CapacityShare(StudyModel):
    """The share that capacity of one unit has in that of another."""

    of: Literal["capacity_share"]
    services: Services
    unit: Identifier
    whole_unit: Identifier


class CapacityPerPerson(StudyModel):
    """Capacity over the persons of a group."""

    of: Literal["capacity_per_person"]
    services: Services
    unit: Identifier
    group: Identifier
    base: Identifier


class AreasWith(StudyModel):
    """The share of townships or villages that have at least one facility of some services."""

    of: Literal["areas_with"]
    area: Literal["township", "village"]
    services: Services
    kinds: tuple[str, ...] = ()
    standardised: Literal[True] | None = None


class Beside(StudyModel):
    """The share of a service's facilities that have one of some others on their site, or within a distance."""

    of: Literal["beside"]
    services: Services
    others: Services
    within_m: Positive  # straight line


class Covered(StudyModel):
    """The share of a service's people who are within its headline standard."""

    of: Literal["covered"]
    services: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=1)]


Measure = Annotated[
    FacilityCount | CapacitySum | CapacityShare | CapacityPerPerson | AreasWith | Beside | Covered,
    Field(discriminator="of"),
]


class IndicatorConfig(StudyModel):
    """One indicator or named duty of the plan: baseline, targets by target set, and how the study measures it."""

    id: Identifier
    name_zh: Text
    name_en: Text
    definition: Text
    number: int | None = None  # the plan's own number
    type: Literal["binding", "expected", "duty"]
    unit: Text  # "percent": shares are shown and compared in percent
    direction: Literal["at_least", "at_most", "equal"] = "at_least"
    baseline: Finite | None = None
    targets: dict[Identifier, Target] = Field(default_factory=dict)  # by target set
    measure: Measure | None = None  # none: known from the plan only, not from the study's files
    decided_by_rule: str = ""  # what a rule of schematic data decides in it: then no verdict is printed
    decided_by_rule_en: str = ""
    source: Text
    source_en: str = ""

    def target(self, target_set: str) -> float | None:
        """Return the target of a set, or None where it is still to be filled."""
        value = self.targets[target_set]
        return None if isinstance(value, str) else value


class PlanConfig(StudyModel):
    """The plan that the district is measured against."""

    name_zh: Text
    name_en: Text
    source: Text
    source_en: str = ""
    baseline_year: Year  # the year of the indicators' baselines
    target_sets: Annotated[tuple[TargetSetConfig, ...], Field(min_length=1)]
    indicators: Annotated[tuple[IndicatorConfig, ...], Field(min_length=1)]


class CostConfig(StudyModel):
    """What building, extending or converting costs."""

    id: Identifier
    name_zh: Text
    name_en: Text
    service: Identifier | None = None  # none: it holds for several
    what: Literal["site", "capacity", "conversion", "co_location_saving"]
    unit: Identifier | None = None  # of capacity and conversion: the capacity unit that one value pays for
    value: NotNegative  # money; of co_location_saving a share (0-1) of the second service's cost
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"
    year: Year  # of the prices
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _whole(self) -> CostConfig:
        if (self.what in {"capacity", "conversion"}) != (self.unit is not None):
            raise ValueError("unit goes with what = 'capacity' and 'conversion', and only with these")
        if self.what == "co_location_saving" and self.value > 1.0:
            raise ValueError("a saving is a share between 0 and 1")
        return self


class SitingRuleConfig(StudyModel):
    """Where a new site of a service may not stand, or should stand."""

    service: Identifier
    rule: Literal["not_inside", "not_within", "beside"]
    layer: Text  # the id of a layer of the study or of a service, "dwelling", a kind of land, or a class of road
    distance_m: NotNegative = 0.0
    only_new_ground: bool = False  # what stands already may be shared: the rule spares sites of other services
    date: str = ""  # of the text that the rule is taken from: rules change
    source: Text
    source_en: str = ""

    @property
    def id(self) -> str:
        """The rule's name among those of its service; it stays the same as long as the rule does."""
        return f"{self.rule}:{self.layer}" + (f":{self.distance_m:g}" if self.distance_m else "")

    @model_validator(mode="after")
    def _distance(self) -> SitingRuleConfig:
        if (self.rule == "not_inside") != (self.distance_m == 0.0):
            raise ValueError("not_inside has no distance_m; not_within and beside need one")
        return self


def faults(
    *,
    plan: PlanConfig | None,
    needs: Iterable[NeedConfig],
    costs: Iterable[CostConfig],
    siting_rules: Iterable[SitingRuleConfig],
    known: Mapping[str, set[str]],
) -> list[str]:
    """Return where the planning part names what the study does not have.

    Parameters
    ----------
    known : the ids of ``services``, ``bases``, and for each base its groups under ``groups:<base>``.
    """
    services = known["services"]
    wanted: list[tuple[str, str, set[str]]] = []
    found: list[str] = []
    for need in needs:
        at = f"needs.{need.service}"
        wanted += [(f"{at}.service", need.service, services), (f"{at}.base", need.base, known["bases"])]
        wanted.append((f"{at}.group (base {need.base})", need.group, known.get(f"groups:{need.base}", set())))
    for cost in costs:
        wanted += [(f"costs.{cost.id}.service", cost.service, services)] if cost.service else []
    wanted += [(f"siting_rules.{rule.service}.service", rule.service, services) for rule in siting_rules]
    found += repeated_ids("costs", [cost.id for cost in costs])
    if plan is not None:
        found += repeated_ids("plan.target_sets", [entry.id for entry in plan.target_sets])
        found += repeated_ids("plan.indicators", [entry.id for entry in plan.indicators])
        sets = {entry.id for entry in plan.target_sets}
        for indicator in plan.indicators:
            at = f"plan.indicators.{indicator.id}"
            wanted += [(f"{at}.targets", name, sets) for name in indicator.targets]
            measure = indicator.measure
            wanted += [(f"{at}.measure.services", name, services) for name in (measure.services if measure else ())]
            if isinstance(measure, Beside):
                wanted += [(f"{at}.measure.others", name, services) for name in measure.others]
            if isinstance(measure, CapacityPerPerson):
                wanted.append((f"{at}.measure.base", measure.base, known["bases"]))
                groups = known.get(f"groups:{measure.base}", set())
                wanted.append((f"{at}.measure.group (base {measure.base})", measure.group, groups))
    return found + [
        f"{key}: {value!r} is not declared in this study; allowed: {', '.join(sorted(allowed))}"
        for key, value, allowed in wanted
        if value not in allowed
    ]
