"""A proposal answered: the plan with its certificate, and tables of its sites with reasons and ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import geopandas as gpd
import numpy as np
import pandas as pd

from chongming_gis import coverage, ranking, reach
from chongming_gis.measured_tables import PLAN_ACCESS, PLANS, SITE_GAINS, SITES
from chongming_gis.proposalmodel import Criterion
from chongming_gis.proposals.gains import measure_gains
from chongming_gis.proposals.question import ask, standing_sites
from chongming_gis.proposals.solving import TARGET_GAP, TIME_LIMIT_S, solve
from chongming_gis.tables import column_types, no_rows, no_table, persons_column

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse

    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.proposals.gains import Gains
    from chongming_gis.proposals.question import Question, Setting
    from chongming_gis.siting import SitingPlan

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]

CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
LESS_IS_BETTER = ("cost",)
_RANK_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal answered.

    Attributes
    ----------
    plan_row : one row of ``measured_tables.PLANS``
    sites : ``measured_tables.SITES``, the best first
    site_gains : ``measured_tables.SITE_GAINS``
    plan_access : ``measured_tables.PLAN_ACCESS``
    site_times : ``measured_tables.SITE_TIMES``
    """

    question: Question
    plan: SitingPlan
    plan_row: pd.DataFrame
    sites: gpd.GeoDataFrame
    site_gains: pd.DataFrame
    plan_access: pd.DataFrame
    site_times: pd.DataFrame


def make_proposal(
    proposal: ProposalConfig,
    setting: Setting,
    candidates: gpd.GeoDataFrame,
    *,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = TARGET_GAP,
) -> Proposal:
    """Return where the next sites of a proposal go, with the certificate and the reasons.

    Parameters
    ----------
    candidates : ``tables.CANDIDATES`` of the proposal's service, refused ones included
    time_limit_s, target_gap : of the solver

    Raises
    ------
    SitingError
        The proposal cannot be asked.
    """
    question = ask(proposal, setting, candidates)
    return answer(question, setting, solve(question, time_limit_s=time_limit_s, target_gap=target_gap))


def answer(question: Question, setting: Setting, plan: SitingPlan) -> Proposal:
    """Return the tables of a plan: from ``make_proposal``, or of another plan for the same question."""
    before = _nearest_before(question, setting)
    gains = measure_gains(question, plan, before.time_s)
    return Proposal(
        question=question,
        plan=plan,
        plan_row=_plan_row(question, plan, gains),
        sites=_ranked(question, setting, plan, gains),
        site_gains=_site_gains(question, setting, plan, gains),
        plan_access=_plan_access(question, setting, plan, gains),
        site_times=_site_times(question, before),
    )


@dataclass(frozen=True, slots=True)
class _Before:
    """The nearest existing site of each demand point: seconds (inf = none in reach) and its column (-1 = not asked)."""

    time_s: Floats
    column: Ints


def _nearest_before(question: Question, setting: Setting) -> _Before:
    """Return the nearest existing site of everyone: from the access table where all of the service count.

    Of some kinds only, the networks tell; a question asked again without them has it among its times.
    """
    service, standard, kinds = question.service, question.standard, question.proposal.kinds
    n_demand, standing = question.problem.n_demand, len(question.problem.existing)
    unasked = np.full(n_demand, -1, dtype=np.int64)
    if not kinds:
        found = coverage.answers_of(setting.access, service.id, standard.id, reach.APPLIED)
        return _Before(found["time_s"].to_numpy(float), unasked)
    if not standing or not setting.networks:
        return _Before(_row_minima(question.time_s[:, :standing]), unasked)
    found = coverage.measure_access(
        service.model_copy(update={"standards": (standard,)}),
        demand=setting.demand,
        facilities=standing_sites(question.proposal, setting),
        networks=setting.networks,
        search_limit_s=setting.study.search_limit_s,
    )
    found = found[found["serves_rule"] == reach.APPLIED]
    columns = pd.Index(question.sites["place_id"].iloc[:standing]).get_indexer(pd.Index(found["facility_id"]))
    return _Before(found["time_s"].to_numpy(float), columns.astype(np.int64))


def _row_minima(table: sparse.csr_array) -> Floats:
    found = np.full(table.shape[0], np.inf)
    np.minimum.at(found, np.repeat(np.arange(table.shape[0]), np.diff(table.indptr)), table.data)
    return found


def _plan_row(question: Question, plan: SitingPlan, gains: Gains) -> pd.DataFrame:
    weights, proposal = question.problem.weights, question.proposal
    row = {
        "proposal": proposal.id,
        "service": proposal.service,
        "standard": question.standard.id,
        "model": plan.model,
        "status": plan.status,
        "stop_reason": plan.stop_reason,
        "reason": plan.reason or None,
        "n_existing": len(question.problem.existing),
        "n_candidates": len(question.problem.candidates),
        "n_refused": int((question.sites["is_new"] & ~question.sites["allowed"]).sum()),
        "n_asked": question.new_sites,
        "n_new": len(plan.chosen),
        "persons": float(weights.sum()),
        "covered_before": float(weights[gains.before].sum()),
        "covered_after": float(weights[gains.after].sum()),
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
        "cost": _cost_of(question, plan),
    }
    return pd.DataFrame([row]).astype(column_types(PLANS))[list(PLANS.columns)]


def _cost_of(question: Question, plan: SitingPlan) -> float:
    if question.proposal.cost is None:
        return math.nan
    return float(question.problem.site_costs[plan.chosen].sum())


def _ranked(question: Question, setting: Setting, plan: SitingPlan, gains: Gains) -> gpd.GeoDataFrame:
    sites, chosen = question.sites, plan.chosen
    if not len(chosen):
        return no_rows(SITES, sites.crs)
    proposal = question.proposal
    amounts = _criteria(question, setting, plan, gains)
    criteria = ranking.Criteria(
        np.column_stack([amounts[name] for name in CRITERIA]),
        tuple("less" if name in LESS_IS_BETTER else "more" for name in CRITERIA),
        CRITERIA,
    )
    weights = [proposal.weights.get(name, 0.0) if proposal.weights else 1.0 for name in CRITERIA]
    scores = ranking.score(criteria, weights)
    stability = ranking.rank_stability(
        criteria, generator=np.random.default_rng(setting.study.seed), draws=_RANK_DRAWS, around=weights
    )
    own = sites.iloc[chosen]
    with np.errstate(divide="ignore"):
        per_person = np.where(gains.newly_covered > 0.0, amounts["cost"] / gains.newly_covered, np.nan)
    has_cost = proposal.cost is not None
    table = gpd.GeoDataFrame(
        {
            "proposal": proposal.id,
            "service": proposal.service,
            "place_id": own["place_id"].to_numpy(),
            "rank": ranking.ranks(scores),
            **{name: own[name].to_numpy() for name in ("name_zh", "township_code", "village_code", "kind")},
            "newly_covered": gains.newly_covered,
            "lost_without": gains.lost_without,
            "minutes_saved": gains.seconds_saved / 60.0,
            "township_shortfall": amounts["township_shortfall"],
            "co_location": amounts["co_location"].astype(np.int64),
            "backup_gained": gains.backup_gained,
            "cost": amounts["cost"] if has_cost else np.nan,
            "cost_per_person": per_person if has_cost else np.nan,
            "meets_duty": _meets_duty(question, plan),
            **_neighbour(question, gains.stand_in, "stand_in"),
            "stand_in_loss": gains.stand_in_loss,
            **_neighbour(question, gains.refused, "refused"),
            "refused_gain": gains.refused_gain,
            "refused_reason": _taken(question, gains.refused, "reason"),
            "refused_source": _taken(question, gains.refused, "source"),
            "score": scores,
            "share_first": stability.within(1),
        },
        geometry=own.geometry.to_numpy(),
        crs=sites.crs,
    ).astype(column_types(SITES))
    return table.sort_values(["rank", "place_id"], kind="stable", ignore_index=True)


def _criteria(question: Question, setting: Setting, plan: SitingPlan, gains: Gains) -> dict[str, Floats]:
    problem, sites = question.problem, question.sites
    areas = problem.site_areas[plan.chosen]
    inside = problem.demand_areas >= 0
    n_areas = int(max(problem.demand_areas.max(initial=0), problem.site_areas.max(initial=0))) + 1
    people = np.bincount(problem.demand_areas[inside], weights=problem.weights[inside], minlength=n_areas)
    left = np.bincount(
        problem.demand_areas[inside], weights=(problem.weights * ~gains.before)[inside], minlength=n_areas
    )
    share = np.where(people > 0.0, left / np.where(people > 0.0, people, 1.0), 0.0)
    own_site = sites["site_id"].iloc[plan.chosen]
    others = pd.concat([places.points[["service", "site_id"]] for places in setting.facilities.values()])
    others = others[(others["service"] != question.service.id) & others["site_id"].notna()]
    services_at = others.groupby("site_id")["service"].nunique()
    return {
        "newly_covered": gains.newly_covered,
        "minutes_saved": np.nan_to_num(gains.seconds_saved / 60.0),
        "township_shortfall": np.where(areas >= 0, share[np.maximum(areas, 0)], 0.0),
        "co_location": own_site.map(services_at).fillna(0.0).to_numpy(float),
        "backup_gained": np.nan_to_num(gains.backup_gained),
        "cost": problem.site_costs[plan.chosen],
    }


def _meets_duty(question: Question, plan: SitingPlan) -> Claims:
    """Return which sites stand in a township that had fewer than the proposal asks for in each."""
    short = np.array(sorted(question.problem.rules.at_least), dtype=np.int64)
    return np.isin(question.problem.site_areas[plan.chosen], short)


def _neighbour(question: Question, columns: Ints, what: str) -> dict[str, object]:
    return {f"{what}_id": _taken(question, columns, "place_id"), f"{what}_name": _taken(question, columns, "name_zh")}


def _taken(question: Question, columns: Ints, name: str) -> pd.Series:
    texts = question.sites[name].to_numpy(object)
    return pd.Series([texts[column] if column >= 0 else None for column in columns], dtype="str")


def _plan_access(question: Question, setting: Setting, plan: SitingPlan, gains: Gains) -> pd.DataFrame:
    rows = np.flatnonzero(gains.credited >= 0)
    if not len(rows):
        return no_table(PLAN_ACCESS)
    columns = plan.chosen[gains.credited[rows]]
    table = pd.DataFrame(
        {
            "proposal": question.proposal.id,
            "demand_id": setting.demand.points["demand_id"].to_numpy()[rows],
            "place_id": question.sites["place_id"].to_numpy()[columns],
            "time_s": np.asarray(question.time_s[rows, columns]).ravel(),
        }
    )
    return table.astype(column_types(PLAN_ACCESS))


def _site_times(question: Question, before: _Before) -> pd.DataFrame:
    """Return the times to every site that stands or may be built, so that the question can be asked again.

    Beyond what the question asked: the nearest existing site of those who have none within the standard.
    """
    kept = question.sites["allowed"].to_numpy(bool)
    pairs = question.time_s.tocoo()
    used = kept[pairs.col]
    has_none = np.isinf(_row_minima(question.time_s[:, : len(question.problem.existing)]))
    far = np.flatnonzero(has_none & (before.column >= 0) & np.isfinite(before.time_s))
    row, column = np.concatenate([pairs.row[used], far]), np.concatenate([pairs.col[used], before.column[far]])
    order = np.lexsort((column, row))
    return pd.DataFrame(
        {
            "proposal": pd.Series([question.proposal.id] * len(row), dtype="str"),
            "demand_row": row[order].astype(np.int32),
            "site_row": column[order].astype(np.int32),
            "time_s": np.concatenate([pairs.data[used], before.time_s[far]])[order],
        }
    )


def _site_gains(question: Question, setting: Setting, plan: SitingPlan, gains: Gains) -> pd.DataFrame:
    """Return the newly covered of every site by village and group, nobody left out."""
    rows = np.flatnonzero(gains.credited >= 0)
    if not len(rows):
        return no_table(SITE_GAINS)
    points = setting.demand.points.iloc[rows]
    base, persons = question.service.base, setting.people.persons
    keys = pd.DataFrame(
        {
            "place_id": question.sites["place_id"].to_numpy()[plan.chosen[gains.credited[rows]]],
            "township_code": points["township_code"].to_numpy(),
            "village_code": points["village_code"].to_numpy(),
        }
    )
    groups = [group.id for group in setting.study.groups if base in group.columns]
    counts = pd.DataFrame(
        {group: persons[persons_column(base, group)].reindex(points["demand_id"]).to_numpy() for group in groups}
    )
    by = ["place_id", "township_code", "village_code"]
    wide = pd.concat([keys, counts], axis=1).groupby(by, sort=True, dropna=False)[groups].sum().reset_index()
    long = wide.melt(id_vars=by, value_vars=groups, var_name="group", value_name="persons")
    long = long.assign(proposal=question.proposal.id, service=question.service.id, base=base)
    long = long.astype(column_types(SITE_GAINS))[list(SITE_GAINS.columns)]
    return long.sort_values(["place_id", "village_code", "group"], kind="stable", ignore_index=True)
