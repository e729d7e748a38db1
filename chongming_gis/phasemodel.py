"""The part of a study that ties proposals together: in phases over the years, or several services within one budget.

``[[phases]]`` says how many of a proposal's sites, or how much money, each year has; what is built stays.
``[[joint_proposals]]`` names proposals that share one budget, and what is saved where two of them share a site.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from chongming_gis.studymodel import Identifier, NotNegative, Positive, StudyModel, Text, Year, repeated_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chongming_gis.planning import CostConfig
    from chongming_gis.proposalmodel import ProposalConfig

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class PhaseYearConfig(StudyModel):
    """One year: how many new sites, or how much money."""

    year: Year
    new_sites: Annotated[int, Field(ge=0)] | None = None
    budget: NotNegative | None = None  # in the currency of the proposal's cost
    weight: NotNegative = 1.0  # what a person covered in this year counts

    @model_validator(mode="after")
    def _one_of_them(self) -> PhaseYearConfig:
        if (self.new_sites is None) == (self.budget is None):
            raise ValueError("give new_sites or budget, one of them")
        return self


class PhasesConfig(StudyModel):
    """A proposal built over the years. How many sites the proposal itself asks for does not bind the years."""

    id: Identifier
    name_zh: Text
    name_en: Text
    proposal: Identifier
    years: Annotated[tuple[PhaseYearConfig, ...], Field(min_length=1)]
    unspent: Literal["carries_over", "lapses"] = "carries_over"
    prefer: Literal["every_year", "last_year"] = "every_year"  # last_year: first the best for the last year
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _years_fit(self) -> PhasesConfig:
        numbers = [entry.year for entry in self.years]
        faults = []
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            faults.append(f"years: {numbers} must ascend")
        if len({entry.budget is None for entry in self.years}) > 1:
            faults.append("years: give new_sites for every year, or budget for every year")
        if not any(entry.weight for entry in self.years):
            faults.append("years: one weight must be above 0")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def is_money(self) -> bool:
        """Whether the years have money, not a number of sites."""
        return self.years[0].budget is not None


class JointPartConfig(StudyModel):
    """One of the proposals that share a budget."""

    proposal: Identifier
    weight: NotNegative = 1.0  # what a person covered by this service counts
    at_least: Literal["as_asked"] | Annotated[int, Field(ge=0)] = "as_asked"  # new sites; as_asked: the proposal's own
    share: Share | None = None  # of the budget, where the services are planned apart for comparison


class JointProposalConfig(StudyModel):
    """Several proposals within one budget."""

    id: Identifier
    name_zh: Text
    name_en: Text
    parts: tuple[JointPartConfig, ...]  # two or more
    budget: Positive
    saving: Identifier | None = None  # of [[costs]], what = "co_location_saving"; none = sharing a site saves nothing
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _parts_fit(self) -> JointProposalConfig:
        faults = []
        named = [part.proposal for part in self.parts]
        if len(named) < 2:
            faults.append("parts: name two proposals or more")
        if len(set(named)) < len(named):
            faults.append("parts: a proposal is named more than once")
        if self.parts and not any(part.weight for part in self.parts):
            faults.append("parts: one weight must be above 0")
        shares = [part.share for part in self.parts]
        if any(share is None for share in shares) and any(share is not None for share in shares):
            faults.append("parts: give share for every part, or for none")
        if sum(share or 0.0 for share in shares) > 1.0 + 1e-9:
            faults.append("parts: the shares are more than the whole budget")
        if faults:
            raise ValueError("; ".join(faults))
        return self


def faults(
    phases: Sequence[PhasesConfig],
    joint_proposals: Sequence[JointProposalConfig],
    *,
    proposals: Sequence[ProposalConfig],
    costs: Sequence[CostConfig],
) -> list[str]:
    """Return where phases and joint proposals name what the study does not have."""
    told = repeated_ids("phases", [entry.id for entry in phases])
    told += repeated_ids("joint_proposals", [entry.id for entry in joint_proposals])
    known, by_cost = {entry.id: entry for entry in proposals}, {cost.id: cost for cost in costs}
    for entry in phases:
        at = f"phases.{entry.id}"
        told += _proposal_faults(at, entry.proposal, known)
        if entry.is_money and entry.proposal in known and known[entry.proposal].cost is None:
            told.append(f"{at}.years: budget needs the proposal {entry.proposal!r} to name a cost")
    for joint in joint_proposals:
        at = f"joint_proposals.{joint.id}"
        for part in joint.parts:
            told += _proposal_faults(f"{at}.parts", part.proposal, known)
        told += _money_faults(at, joint, known, by_cost)
        allowed = {cost.id for cost in costs if cost.what == "co_location_saving"}
        if joint.saving is not None and joint.saving not in allowed:
            told.append(f"{at}.saving: {joint.saving!r} is not one this study has for it; allowed: {_listed(allowed)}")
    return told


def _proposal_faults(at: str, name: str, known: Mapping[str, ProposalConfig]) -> list[str]:
    if name not in known:
        return [f"{at}.proposal: {name!r} is not one this study has for it; allowed: {_listed(set(known))}"]
    if known[name].model != "mclp":
        return [f"{at}.proposal: {name!r} is a {known[name].model}; only mclp can be phased or planned jointly"]
    return []


def _money_faults(
    at: str, joint: JointProposalConfig, known: Mapping[str, ProposalConfig], costs: Mapping[str, CostConfig]
) -> list[str]:
    named = [known[part.proposal] for part in joint.parts if part.proposal in known]
    told = [f"{at}.parts: the proposal {entry.id!r} names no cost" for entry in named if entry.cost is None]
    found = [costs[entry.cost] for entry in named if entry.cost is not None and entry.cost in costs]
    prices = sorted({f"{cost.currency} {cost.year}" for cost in found})
    if len(prices) > 1:
        told.append(f"{at}: its costs are in prices of {', '.join(prices)}; bring them to one currency and year")
    services = [entry.service for entry in named]
    if len(set(services)) < len(services):
        told.append(f"{at}.parts: two proposals are about the same service; a joint plan takes each service once")
    return told


def _listed(allowed: set[str]) -> str:
    return ", ".join(sorted(allowed)) or "none"
