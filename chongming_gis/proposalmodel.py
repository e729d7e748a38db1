"""The part of a study that asks where to build: one section ``[[proposals]]`` for each question of where the next go.

A proposal names a service, how many new sites (a number, a target of the plan, or one for each township that has none),
what is to be best (``model``), and the rules that bind. Where one may build is in ``[[candidates]]`` and
``[[siting_rules]]``; what it costs in ``[[costs]]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from chongming_gis.studymodel import Identifier, NotNegative, Positive, StudyModel, Text, repeated_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chongming_gis.planning import CostConfig, PlanConfig

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]

#: By what proposed sites are ranked; each is counted for every site.
Criterion = Literal["newly_covered", "minutes_saved", "township_shortfall", "co_location", "backup_gained", "cost"]


class ProposalConfig(StudyModel):
    """One question of where to build next."""

    id: Identifier
    name_zh: Text
    name_en: Text
    service: Identifier
    kinds: tuple[str, ...] = ()  # only existing facilities of these kinds stand already; none = all of the service
    standard: Identifier | None = None  # none = the service's first
    model: Literal["mclp", "p_median"] = "mclp"
    new_sites: Annotated[int, Field(ge=0)] | None = None
    target: Identifier | None = None  # an indicator that counts facilities: as many new ones as are missing
    target_set: Identifier | None = None
    each_township: Count = 0  # at least this many in every township, existing ones counted
    most_per_township: Annotated[int, Field(ge=1)] | None = None  # new ones
    floor: Share | None = None  # every township's people covered at least to this share, where that is possible
    spacing_m: NotNegative = 0.0  # between new sites, and to existing ones
    serves: Literal["all", "township", "village"] = "all"  # who may use a new site
    cost: Identifier | None = None  # of [[costs]]: what one new site costs
    budget: Positive | None = None  # in the currency of the cost
    unreachable_min: Positive = 60.0  # p_median: the minutes that count for people whom no site reaches
    weights: dict[Criterion, NotNegative] = Field(default_factory=dict)  # for the rank; none given = equal
    # planning assumptions on how firm a plan is said to be (`run --full`)
    alternatives: Count = 5  # most other plans
    within_percent: NotNegative = 2.0  # how much less than the plan they may add
    draws: Count = 50  # of speeds, ways and people, where [measures.certainty] gives their ranges
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _whole(self) -> ProposalConfig:
        faults = []
        if self.new_sites is not None and self.target is not None:
            faults.append("give new_sites or target, not both")
        if self.new_sites is None and self.target is None and self.each_township == 0 and self.budget is None:
            faults.append("say how many: new_sites, target (an indicator of the plan), each_township or budget")
        if (self.target is None) != (self.target_set is None):
            faults.append("target goes with target_set, and only with it")
        if self.budget is not None and self.cost is None:
            faults.append("budget needs cost, the id of what one site costs")
        if self.weights and not any(self.weights.values()):
            faults.append("weights: one of them must be above 0")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def counts_backup(self) -> bool:
        """Whether anyone asks for whom a site is a second one: under a long limit this costs most of the time."""
        return not self.weights or self.weights.get("backup_gained", 0.0) > 0.0


def faults(
    proposals: Sequence[ProposalConfig],
    *,
    plan: PlanConfig | None,
    costs: Sequence[CostConfig],
    standards: Mapping[str, set[str]],
    candidates: set[str],
) -> list[str]:
    """Return where proposals name what the study does not have.

    Parameters
    ----------
    standards : the ids of the standards of each service.
    candidates : the services that ``[[candidates]]`` speak of.
    """
    told = repeated_ids("proposals", [proposal.id for proposal in proposals])
    indicators = {i.id: i for i in plan.indicators} if plan else {}
    site_costs = {cost.id for cost in costs if cost.what == "site"}
    for proposal in proposals:
        at = f"proposals.{proposal.id}"
        wanted = [("service", proposal.service, set(standards)), ("cost", proposal.cost, site_costs)]
        wanted.append(("standard", proposal.standard, standards.get(proposal.service, set())))
        wanted.append(("target", proposal.target, {i for i, of in indicators.items() if _counts_facilities(of)}))
        if proposal.target in indicators:
            wanted.append(("target_set", proposal.target_set, set(indicators[proposal.target].targets)))
        told += [
            f"{at}.{key}: {value!r} is not one this study has for it; allowed: {', '.join(sorted(allowed)) or 'none'}"
            for key, value, allowed in wanted
            if value is not None and value not in allowed
        ]
        if proposal.service in standards and proposal.service not in candidates:
            told.append(f"{at}.service: no [[candidates]] section speaks of {proposal.service!r}; add one")
    return told


def _counts_facilities(indicator: object) -> bool:
    measure = getattr(indicator, "measure", None)
    return measure is not None and measure.of == "facilities"
