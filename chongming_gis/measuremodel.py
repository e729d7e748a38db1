"""The part of a study that asks for more than coverage: one section ``[measures.<name>]`` for each measure.

A measure whose section is absent is not taken. What a section names (services, groups, modes, units) must be declared
in the study; ``faults`` says where it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from chongming_gis import decay
from chongming_gis.errors import StudyError
from chongming_gis.studymodel import Identifier, NotNegative, Positive, StudyModel, Text, repeated_ids
from chongming_gis.units import minutes_to_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_SAME_SHARE = 1e-9


class RangeConfig(StudyModel):
    """A number that is not known exactly: low, likely, high."""

    low: NotNegative
    likely: NotNegative
    high: NotNegative
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> RangeConfig:
        if not self.low <= self.likely <= self.high:
            raise ValueError(f"low {self.low:g}, likely {self.likely:g}, high {self.high:g} must ascend")
        return self


class SpeedRangeConfig(RangeConfig):
    """The range of a mode's speed, as a factor on the speed of the study (likely = 1)."""

    mode: Identifier
    low: Positive
    likely: Positive = 1.0
    high: Positive


class CertaintyConfig(StudyModel):
    """Over which ranges the coverage is asked again."""

    draws: Annotated[int, Field(ge=10, le=100_000)] = 500
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.9
    reached_from_share: Share = 0.5  # a village counts as reached if at least this share of its people is
    speeds: tuple[SpeedRangeConfig, ...] = ()
    path: RangeConfig  # factor on the way on foot and by bicycle, for small paths that are not on the map
    snap_m: RangeConfig  # how far from a road people may live and still be said to reach it; uniform low - high
    population_sigma: NotNegative = 0.0  # log-normal, by village
    population_source: Text
    population_source_en: str = ""


class BasketConfig(StudyModel):
    """Which services a group of people must have within their headline standards for the complete circle."""

    services: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    group: Identifier
    base: Identifier
    source: Text
    source_en: str = ""


class LinkConfig(StudyModel):
    """One level of the network that a village hangs on: by which services, and where their facility must lie."""

    id: Identifier
    name_zh: Text
    name_en: Text
    area: Literal["village", "township", "district"]  # of the village itself; district = anywhere
    services: Annotated[tuple[Identifier, ...], Field(min_length=1)]  # any of them will do


class LinksConfig(StudyModel):
    """The levels of the network that every village should be linked to."""

    levels: Annotated[tuple[LinkConfig, ...], Field(min_length=1)]
    group: Identifier
    base: Identifier
    linked_from_share: Share = 0.5  # a village is linked if at least this share of its people is within the standard
    source: Text
    source_en: str = ""


class BurialConfig(StudyModel):
    """For which services the years until their plots are full are told; their needs say how many a year go there."""

    services: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    source: Text
    source_en: str = ""


class VisitsConfig(StudyModel):
    """Whom the points of which service visit at home."""

    service: Identifier
    group: Identifier
    base: Identifier
    source: Text
    source_en: str = ""


Method = Literal[
    "two_step", "e2sfca", "three_step", "m2sfca", "bfca", "bfca_by_place", "ev2sfca", "raam", "gravity", "cumulative",
    "closest",
]  # fmt: skip
WITHOUT_DECAY = frozenset({"raam", "cumulative", "closest"})
WITH_ONE_MODE = frozenset({"raam", "ev2sfca"})
LESS_IS_BETTER = frozenset({"raam", "closest"})
_OF_CURVE = {"step": {"bounds", "weights"}, "exponential": {"scale_min"}, "bell": {"sigma_min"},
             "power": {"exponent", "floor_min"}}  # fmt: skip
_OF_METHOD = {"raam": {"tau_min", "persons_per_place"}, "ev2sfca": {"target_ratio"}}
_EVERYWHERE = "all"


class DecayConfig(StudyModel):
    """How much less a facility counts that is farther away; what is left out is as docs/methods.md says."""

    curve: decay.DecayName
    bounds: tuple[Positive, ...] | None = None  # step: where zones end, as shares of the catchment, the last 1
    weights: tuple[NotNegative, ...] | None = None  # step: of the zones, from 1 down
    scale_min: Positive | None = None  # exponential: after so long 1/e is left
    sigma_min: Positive | None = None  # bell
    exponent: Positive | None = None  # power
    floor_min: Positive | None = None  # power: nothing nearer counts for more than 1

    @model_validator(mode="after")
    def _fits(self) -> DecayConfig:
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        others = given - {"curve"} - _OF_CURVE.get(self.curve, set())
        if others:
            raise ValueError(f"{', '.join(sorted(others))}: is of another curve than {self.curve}")
        try:
            self.value  # noqa: B018  # made to hear what is wrong with it
        except StudyError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def value(self) -> decay.Decay:
        """The decay itself."""
        given = {name: getattr(self, name) for name in _OF_CURVE.get(self.curve, ()) if getattr(self, name) is not None}
        if not given:
            return decay.as_decay(self.curve)
        made = {
            f"{name.removesuffix('_min')}_s" if name.endswith("_min") else name: (
                minutes_to_seconds(value) if name.endswith("_min") else value
            )
            for name, value in given.items()
        }
        kinds: dict[str, type[decay.Decay]] = {
            "step": decay.Step, "exponential": decay.Exponential, "bell": decay.Bell, "power": decay.Power,
        }  # fmt: skip
        return kinds[self.curve](**made)


class CatchmentConfig(StudyModel):
    """How far people of a settlement class go by a mode, and the share of them who use it."""

    settlement: Identifier = _EVERYWHERE
    mode: Identifier
    minutes: Positive
    share: Annotated[float, Field(gt=0, le=1)] = 1.0

    @property
    def limit_s(self) -> float:
        """The catchment in seconds."""
        return minutes_to_seconds(self.minutes)


class AccessConfig(StudyModel):
    """One question of access: how much of a service people can use, by one method."""

    id: Identifier
    service: Identifier
    method: Method = "two_step"
    decay: DecayConfig | None = None  # none: that of the method
    catchments: tuple[CatchmentConfig, ...] = ()  # none: minutes and modes of the service's headline standard
    demand: Literal["need", "persons"] = "need"  # of the study's needs, or the people whom the service is for
    unit: Identifier | None = None  # of supply (and need); none: the service's capacity_unit; for persons, facilities
    tau_min: Positive | None = None  # raam: minutes that weigh as much as a load of persons_per_place
    persons_per_place: Positive | None = None  # raam: the load that costs 1; none: all demand over all supply
    target_ratio: Positive | None = None  # ev2sfca: supply per demand that is enough; none: all supply over all demand
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _whole(self) -> AccessConfig:
        wrong = [
            f"{name}: {self.method} has none"
            for method, names in _OF_METHOD.items()
            for name in sorted(names)
            if getattr(self, name) is not None and method != self.method
        ]
        if self.decay is not None and self.method in WITHOUT_DECAY:
            wrong.append(f"decay: {self.method} has none")
        wrong += self._catchment_faults()
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _catchment_faults(self) -> list[str]:
        shares: dict[str, dict[str, float]] = {}
        wrong = []
        for entry in self.catchments:
            of_class = shares.setdefault(entry.settlement, {})
            if entry.mode in of_class:
                wrong.append(f"catchments: {entry.mode} is given twice for {entry.settlement}")
            of_class[entry.mode] = entry.share
        if _EVERYWHERE in shares and len(shares) > 1:
            wrong.append("catchments: give them for each settlement class, or for all")
        for name, of_class in shares.items():
            if abs(sum(of_class.values()) - 1.0) > _SAME_SHARE:
                wrong.append(f"catchments: the shares of the modes of {name} sum to {sum(of_class.values()):g}, not 1")
            if len(of_class) > 1 and self.method in WITH_ONE_MODE:
                wrong.append(f"catchments: {self.method} is defined for one mode of travel, not {len(of_class)}")
        return wrong

    @property
    def more(self) -> dict[str, Any]:
        """What the method is called with beside times, demand, supply and catchments."""
        named = {
            "decay": self.decay.value if self.decay else None,
            "tau_s": minutes_to_seconds(self.tau_min) if self.tau_min else None,
            "persons_per_place": self.persons_per_place,
            "target_ratio": self.target_ratio,
        }
        return {name: value for name, value in named.items() if value is not None}


class AccessibilityConfig(StudyModel):
    """How much of some services people can use when others use them too."""

    questions: Annotated[tuple[AccessConfig, ...], Field(min_length=1)]


class DeprivationConfig(StudyModel):
    """Who counts as worse off: where one group is a larger share of another, by place or area."""

    group: Identifier
    of: Identifier
    base: Identifier
    area: Literal["point", "village", "township"] = "village"


class FairQuestionConfig(StudyModel):
    """A question of access whose fairness is asked."""

    question: Identifier
    line: Positive | None = None  # the least that a person should have, in the unit of the score


class FairnessConfig(StudyModel):
    """How evenly access is spread over people."""

    questions: Annotated[tuple[FairQuestionConfig, ...], Field(min_length=1)]
    epsilon: NotNegative = 0.5  # of Atkinson's index: how much inequality is minded
    groups: tuple[Identifier, ...] = ()  # whose part is told; none: all groups of the base
    deprivation: DeprivationConfig | None = None
    source: Text  # of the lines
    source_en: str = ""


class GapsConfig(StudyModel):
    """How the people whom a service does not reach are gathered into areas."""

    services: tuple[Identifier, ...] = ()  # none: all
    radius_min: Positive  # how far from the middle of its area anyone may live; at most the limit of the standard
    least_persons: Positive = 1.0  # areas with fewer are only counted
    source: Text
    source_en: str = ""

    @property
    def radius_s(self) -> float:
        """The radius in seconds."""
        return minutes_to_seconds(self.radius_min)


class IsochronesConfig(StudyModel):
    """For which services the ground within the headline standard is drawn, in every run or in a full one."""

    services: tuple[Identifier, ...] = ()  # in every run
    full_services: tuple[Identifier, ...] = ()  # besides, under --full
    rings: Annotated[int, Field(ge=1, le=4)] = 3  # equal parts of the limit
    surface: bool = True  # write the seconds as a GeoTIFF

    @model_validator(mode="after")
    def _names_each_once(self) -> IsochronesConfig:
        if not (self.services or self.full_services):
            raise ValueError("name services, or full_services")
        if twice := sorted(set(self.services) & set(self.full_services)):
            raise ValueError(f"{', '.join(twice)}: is among services; take it out of full_services")
        return self


class MeasuresConfig(StudyModel):
    """Which measures a run takes beside coverage, capacity and the plan's indicators."""

    accessibility: AccessibilityConfig | None = None
    fairness: FairnessConfig | None = None
    certainty: CertaintyConfig | None = None
    gaps: GapsConfig | None = None
    isochrones: IsochronesConfig | None = None
    basket: BasketConfig | None = None
    links: LinksConfig | None = None
    burial: BurialConfig | None = None
    visits: VisitsConfig | None = None

    def modes_of(self, service: str) -> set[str]:
        """Return the modes by which the measures ask for a service, beside those of its standards."""
        questions = self.accessibility.questions if self.accessibility else ()
        return {limit.mode for entry in questions if entry.service == service for limit in entry.catchments}


def faults(measures: MeasuresConfig, known: Mapping[str, set[str]]) -> list[str]:
    """Return where the measures name what the study does not have.

    Parameters
    ----------
    known : the ids of ``services``, ``modes``, ``bases``, ``settlement_classes``, and for each base its groups under
        ``groups:<base>``; ``needs_per_year``: the services with a need in a unit that ends so.
    """
    wanted: list[tuple[str, str, set[str]]] = []
    found: list[str] = []
    found += _access_faults(measures, known, wanted)
    if measures.certainty is not None:
        modes = [entry.mode for entry in measures.certainty.speeds]
        wanted += [("measures.certainty.speeds.mode", mode, known["modes"]) for mode in modes]
        found += repeated_ids("measures.certainty.speeds", modes)
    wanted += _network_names(measures, known)
    found += _network_faults(measures, known)
    return found + [
        f"{key}: {value!r} is not declared in this study; allowed: {', '.join(sorted(allowed))}"
        for key, value, allowed in wanted
        if value not in allowed
    ]


def _access_faults(
    measures: MeasuresConfig, known: Mapping[str, set[str]], wanted: list[tuple[str, str, set[str]]]
) -> list[str]:
    """Add to ``wanted`` what questions of access and fairness name, and return what else is wrong with them."""
    questions = measures.accessibility.questions if measures.accessibility else ()
    at_all = "measures.accessibility.questions"
    found = repeated_ids(at_all, [entry.id for entry in questions])
    for entry in questions:
        at = f"{at_all}.{entry.id}"
        wanted.append((f"{at}.service", entry.service, known["services"]))
        wanted += [(f"{at}.catchments.mode", limit.mode, known["modes"]) for limit in entry.catchments]
        classes = {limit.settlement for limit in entry.catchments}
        wanted += [
            (f"{at}.catchments.settlement", name, known["settlement_classes"] | {_EVERYWHERE})
            for name in sorted(classes)
        ]
        lost = known["settlement_classes"] - classes
        if classes and _EVERYWHERE not in classes and lost:
            found.append(f"{at}.catchments: none for settlement class {', '.join(sorted(lost))}")
        if entry.demand == "need" and entry.service in known["services"]:
            units = known.get(f"needs:{entry.service}", set())
            unit = entry.unit or next(iter(known.get(f"capacity:{entry.service}", ())), None)
            if unit not in units:
                said = f"in {unit}" if unit else "in a unit of capacity"
                found.append(
                    f"{at}: the study states no need of {entry.service} {said}; add it under [[needs]], give another "
                    "unit, or write demand = 'persons'"
                )
    return found + _fairness_faults(measures, known, wanted)


def _fairness_faults(
    measures: MeasuresConfig, known: Mapping[str, set[str]], wanted: list[tuple[str, str, set[str]]]
) -> list[str]:
    if measures.fairness is None:
        return []
    at = "measures.fairness"
    asked = {entry.id: entry for entry in (measures.accessibility.questions if measures.accessibility else ())}
    found = repeated_ids(f"{at}.questions", [entry.question for entry in measures.fairness.questions])
    for entry in measures.fairness.questions:
        if entry.question not in asked:
            named = ", ".join(asked) or "none; add [measures.accessibility]"
            found.append(f"{at}.questions: {entry.question!r} is no question of measures.accessibility; it has {named}")
            continue
        question = asked[entry.question]
        if question.method in LESS_IS_BETTER:
            found.append(
                f"{at}.questions.{entry.question}: less is better in {question.method}, and inequality is measured of "
                "what is good to have; ask a question by another method"
            )
        for base in known.get(f"base:{question.service}", ()):
            wanted += [
                (f"{at}.groups (base {base})", group, known.get(f"groups:{base}", set()))
                for group in measures.fairness.groups
            ]
    worse = measures.fairness.deprivation
    if worse is not None:
        wanted.append((f"{at}.deprivation.base", worse.base, known["bases"]))
        groups = known.get(f"groups:{worse.base}", set())
        wanted += [(f"{at}.deprivation.{name} (base {worse.base})", getattr(worse, name), groups)
                   for name in ("group", "of")]  # fmt: skip
    return found


def _network_names(measures: MeasuresConfig, known: Mapping[str, set[str]]) -> list[tuple[str, str, set[str]]]:
    """Return what basket, links, burial and visits name: key, value and what is allowed."""
    wanted: list[tuple[str, str, set[str]]] = []
    for at, people in (("basket", measures.basket), ("links", measures.links), ("visits", measures.visits)):
        if people is not None:
            wanted.append((f"measures.{at}.base", people.base, known["bases"]))
            groups = known.get(f"groups:{people.base}", set())
            wanted.append((f"measures.{at}.group (base {people.base})", people.group, groups))
    if measures.visits is not None:
        wanted.append(("measures.visits.service", measures.visits.service, known["services"]))
    lists = _service_lists(measures)
    wanted += [(at, name, known["services"]) for at, services in lists.items() for name in services]
    return wanted


def _service_lists(measures: MeasuresConfig) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for at, section in (("basket", measures.basket), ("burial", measures.burial)):
        if section is not None:
            found[f"measures.{at}.services"] = section.services
    if measures.gaps is not None:
        found["measures.gaps.services"] = measures.gaps.services
    if measures.isochrones is not None:
        found["measures.isochrones.services"] = measures.isochrones.services
        found["measures.isochrones.full_services"] = measures.isochrones.full_services
    for level in measures.links.levels if measures.links else ():
        found[f"measures.links.levels.{level.id}.services"] = level.services
    return found


def _network_faults(measures: MeasuresConfig, known: Mapping[str, set[str]]) -> list[str]:
    """Return what basket, links and burial say twice, and burial services without a yearly need."""
    found = [fault for at, services in _service_lists(measures).items() for fault in repeated_ids(at, list(services))]
    if measures.links is not None:
        found += repeated_ids("measures.links.levels", [level.id for level in measures.links.levels])
    if measures.burial is not None:
        found += [
            f"measures.burial.services: {name!r} has no [[needs]] in a unit that ends in _per_year; add one"
            for name in measures.burial.services
            if name in known["services"] and name not in known["needs_per_year"]
        ]
    return found
