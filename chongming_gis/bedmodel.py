"""The part of a study that asks for beds: one section ``[[bed_plans]]`` for each set of targets.

A bed plan names the service whose homes are built and extended, the indicators of the plan that are to reach their
targets, how large building and extending may be, and what each costs (``[[costs]]``). Where new homes may stand is in
``[[candidates]]``; what people need is in ``[[needs]]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from chongming_gis.planning import AreasWith, CapacityPerPerson, CapacityShare, CapacitySum, FacilityCount
from chongming_gis.studymodel import Identifier, Positive, StudyModel, Text, repeated_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chongming_gis.planning import CostConfig, IndicatorConfig, PlanConfig

AtLeastOne = Annotated[int, Field(ge=1)]
MEASURES = (CapacitySum, CapacityShare, CapacityPerPerson, AreasWith, FacilityCount)


class SizeConfig(StudyModel):
    """What building or extending a home costs, and how large it may be."""

    cost: Identifier  # of [[costs]], what = "capacity": one bed
    site_cost: Identifier | None = None  # of [[costs]], what = "site": once, whatever the size
    least: AtLeastOne  # beds
    most: AtLeastOne

    @model_validator(mode="after")
    def _in_order(self) -> SizeConfig:
        if self.most < self.least:
            raise ValueError(f"most {self.most} is below least {self.least}")
        return self


class NewHomeConfig(SizeConfig):
    """The same of a new home, and how many places are kept for it in each township."""

    sites_per_township: AtLeastOne = 1  # the allowed candidates nearest to the township's own people


class ConversionConfig(StudyModel):
    """Making ordinary beds into beds of a kind."""

    cost: Identifier  # of [[costs]], what = "conversion"; its unit is the kind
    least: AtLeastOne = 1  # beds at one home, where any are


class StandardiseConfig(StudyModel):
    """Bringing a home up to the standard that an indicator counts."""

    cost: Identifier  # of [[costs]], what = "site": once for a home that stands
    least_beds: AtLeastOne  # a home up to the standard has so many


class BedPlanConfig(StudyModel):
    """One set of bed targets to be met at least cost."""

    id: Identifier
    name_zh: Text
    name_en: Text
    service: Identifier  # of the homes that are built and extended
    target_set: Identifier
    targets: Annotated[tuple[Identifier, ...], Field(min_length=1)]  # indicators of the plan
    new: NewHomeConfig | None = None  # none = no home is built
    extend: SizeConfig | None = None  # none = no home is extended
    new_beds_are: tuple[Identifier, ...] = ()  # kinds that every bed added is of, without a conversion
    conversions: tuple[ConversionConfig, ...] = ()
    standardise: StandardiseConfig | None = None
    budget: Positive | None = None
    frontier_points: Annotated[int, Field(ge=1, le=20)] = 5
    unreachable_min: Positive = 60.0  # counts for need that finds no bed nearer; planning assumption
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _whole(self) -> BedPlanConfig:
        if self.new is None and self.extend is None and not self.conversions and self.standardise is None:
            raise ValueError("says nothing that may be done: give new, extend, conversions or standardise")
        if len(set(self.targets)) < len(self.targets):
            raise ValueError("targets: an indicator is named more than once")
        return self

    @property
    def cost_ids(self) -> tuple[str, ...]:
        """Every cost that the plan names."""
        sizes = [size for size in (self.new, self.extend) if size is not None]
        named = [size.cost for size in sizes] + [size.site_cost for size in sizes]
        named += [one.cost for one in self.conversions] + ([self.standardise.cost] if self.standardise else [])
        return tuple(dict.fromkeys(name for name in named if name is not None))


def faults(
    bed_plans: Sequence[BedPlanConfig],
    *,
    plan: PlanConfig | None,
    costs: Sequence[CostConfig],
    known: Mapping[str, set[str]],
    candidates: set[str],
) -> list[str]:
    """Return where bed plans name what the study does not have.

    Parameters
    ----------
    known : the ids of ``services``; for each service its capacity unit under ``capacity:<id>`` and the units that its
        needs are stated in under ``needs:<id>``.
    candidates : the services that ``[[candidates]]`` speak of.
    """
    told = repeated_ids("bed_plans", [entry.id for entry in bed_plans])
    indicators = {entry.id: entry for entry in plan.indicators} if plan else {}
    by_id = {cost.id: cost for cost in costs}
    for entry in bed_plans:
        at = f"bed_plans.{entry.id}"
        if entry.service not in known["services"]:
            told.append(_unknown(f"{at}.service", entry.service, known["services"]))
            continue
        units = known.get(f"capacity:{entry.service}", set())
        if not units:
            told.append(f"{at}.service: {entry.service!r} has no capacity_unit, so that its beds are not known")
        elif not units & known.get(f"needs:{entry.service}", set()):
            told.append(
                f"{at}.service: no [[needs]] says how many {min(units)} of {entry.service!r} people need; add one"
            )
        if entry.new is not None and entry.service not in candidates:
            told.append(f"{at}.new: no [[candidates]] section speaks of {entry.service!r}; add one")
        told += _cost_faults(entry, at, by_id, units)
        for name in entry.targets:
            told += _target_faults(entry, at, indicators.get(name), name, set(indicators), units)
    return told


def _cost_faults(entry: BedPlanConfig, at: str, costs: Mapping[str, CostConfig], units: set[str]) -> list[str]:
    wanted: list[tuple[str, str | None, str]] = []
    for key, size in (("new", entry.new), ("extend", entry.extend)):
        if size is not None:
            wanted += [(f"{key}.cost", size.cost, "capacity"), (f"{key}.site_cost", size.site_cost, "site")]
    wanted += [("conversions.cost", one.cost, "conversion") for one in entry.conversions]
    wanted += [("standardise.cost", entry.standardise.cost, "site")] if entry.standardise else []
    told = []
    for key, name, what in wanted:
        allowed = {
            cost.id for cost in costs.values() if cost.what == what and (what != "capacity" or cost.unit in units)
        }
        told += [_unknown(f"{at}.{key}", name, allowed)] if name is not None and name not in allowed else []
    found = [costs[name] for name in entry.cost_ids if name in costs]
    prices = sorted({f"{cost.currency} {cost.year}" for cost in found})
    if len(prices) > 1:
        told.append(f"{at}: its costs are in prices of {', '.join(prices)}; bring them to one currency and year")
    kinds = [costs[one.cost].unit for one in entry.conversions if one.cost in costs]
    told += [f"{at}.conversions: two of them make the same kind of bed"] if len(set(kinds)) < len(kinds) else []
    return told


def _target_faults(
    entry: BedPlanConfig, at: str, indicator: IndicatorConfig | None, name: str, known: set[str], units: set[str]
) -> list[str]:
    if indicator is None:
        return [_unknown(f"{at}.targets", name, known)]
    told = []
    measure = indicator.measure
    if not isinstance(measure, MEASURES):
        what = "nothing that the study measures" if measure is None else measure.of
        told.append(f"{at}.targets: {name!r} counts {what}; beds cannot be planned by it")
    elif entry.service not in measure.services:
        told.append(
            f"{at}.targets: {name!r} does not count {entry.service!r}, so that no plan of it can reach the target"
        )
    elif isinstance(measure, CapacityShare) and measure.whole_unit not in units:
        told.append(f"{at}.targets: {name!r} is a share of {measure.whole_unit!r}, not of the homes' capacity_unit")
    elif isinstance(measure, AreasWith) and measure.area != "township":
        told.append(f"{at}.targets: {name!r} asks for one in every {measure.area}; homes are planned by township")
    elif isinstance(measure, AreasWith | FacilityCount) and measure.kinds:
        told.append(f"{at}.targets: {name!r} counts only some kinds of home; a plan of beds cannot say the kind")
    elif isinstance(measure, FacilityCount) and measure.standardised:
        told.append(f"{at}.targets: {name!r} counts homes up to the standard; ask for one in every township instead")
    if entry.target_set not in indicator.targets:
        told.append(_unknown(f"{at}.target_set ({name})", entry.target_set, set(indicator.targets)))
    return told


def _unknown(key: str, value: object, allowed: set[str]) -> str:
    return f"{key}: {value!r} is not one this study has for it; allowed: {', '.join(sorted(allowed)) or 'none'}"
