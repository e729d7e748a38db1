"""A proposal of the study as a siting problem: who, which sites (existing ones and candidates), times over limits.

Each person is measured by the mode and limit of the place they live in, so that a cost is *time over limit*: 1 is the
standard everywhere, whatever mode it is in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.spatial import cKDTree

from chongming_gis import network, reach
from chongming_gis.candidates import HAS_SERVICE
from chongming_gis.errors import SitingError
from chongming_gis.siting import SideRules, SitingProblem
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig, StandardConfig, StudyConfig
    from chongming_gis.network import Network
    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.reach import Places
    from chongming_gis.tables import Demand

WITHIN = 1.0  # the standard, as a share of the limit


@dataclass(frozen=True, slots=True)
class Setting:
    """What a proposal is asked over. Frames are in the study's metric CRS."""

    study: StudyConfig
    people: Demand
    townships: gpd.GeoDataFrame
    demand: Places
    facilities: Mapping[str, Places]  # by service
    networks: Mapping[str, Network]  # by mode
    access: pd.DataFrame  # ``tables.ACCESS``


@dataclass(frozen=True, slots=True)
class Question:
    """A proposal made arithmetic.

    Attributes
    ----------
    problem : costs are time over limit; refused candidates are columns too, forbidden by its rules
    sites : one row a column of the problem: place_id, name_zh, township_code, village_code, is_new, allowed, geometry
    time_s : (n_demand, n_sites) seconds, as far as the search went; see ``_times`` on whom it asks
    limit_s : (n_demand,) the limit each point is measured by
    new_sites : how many may be built; None = as many as the budget allows
    """

    proposal: ProposalConfig
    service: ServiceConfig
    standard: StandardConfig
    problem: SitingProblem
    sites: gpd.GeoDataFrame
    time_s: sparse.csr_array
    limit_s: npt.NDArray[np.float64]
    new_sites: int | None

    @property
    def covers(self) -> sparse.csr_array:
        """(n_demand, n_sites): 1 where a site is within the standard."""
        costs = self.problem.costs
        kept = costs.data <= WITHIN
        counts = np.concatenate(([0], np.cumsum(kept)))[costs.indptr]
        return sparse.csr_array((np.ones(int(kept.sum())), costs.indices[kept], counts), shape=costs.shape)


def ask(
    proposal: ProposalConfig,
    setting: Setting,
    candidates: gpd.GeoDataFrame,
    *,
    time_s: sparse.csr_array | None = None,
) -> Question:
    """Return the siting problem of a proposal.

    Parameters
    ----------
    candidates : ``tables.CANDIDATES`` of the proposal's service, refused ones included
    time_s : (n_demand, n_sites) seconds of the same question asked before; then the networks are not asked again

    Raises
    ------
    SitingError
        The proposal cannot be asked: a target that is still to be filled.
    """
    study = setting.study
    service = study.service(proposal.service)
    standard = next(s for s in service.standards if proposal.standard in {None, s.id})
    standing = standing_sites(proposal, setting)
    sites = _sites(standing, candidates, proposal)
    limit_s = _limits(service, standard, setting)
    if time_s is None:
        time_s = _times(proposal, (service, standard), setting, standing, sites)
    persons = setting.people.persons[persons_column(service.base, service.group)]
    weights = persons.reindex(setting.demand.points["demand_id"]).to_numpy(float)
    codes = pd.Index(sorted({str(c) for c in setting.townships["township_code"]}))
    demand_areas = codes.get_indexer(pd.Index(setting.demand.points["township_code"])).astype(np.int64)
    site_areas = codes.get_indexer(pd.Index(sites["township_code"])).astype(np.int64)
    costs = sparse.csr_array((time_s.data / np.repeat(limit_s, np.diff(time_s.indptr)), time_s.indices, time_s.indptr),
                             shape=time_s.shape)  # fmt: skip
    n_standing = len(standing.points)
    is_refused = np.flatnonzero(~sites["allowed"].to_numpy(bool))
    short = _short_townships(proposal, site_areas[:n_standing], len(codes))
    problem = SitingProblem(
        costs,
        weights,
        existing=np.arange(n_standing),
        site_costs=np.full(len(sites), _cost(proposal, study)),
        demand_areas=demand_areas,
        site_areas=site_areas,
        rules=SideRules(
            budget=proposal.budget,
            at_least=short,
            at_most=dict.fromkeys(range(len(codes)), proposal.most_per_township) if proposal.most_per_township else {},
            forbidden=tuple(is_refused.tolist()),
            spacing=_too_near(sites, proposal.spacing_m, n_standing),
        ),
    )
    question = Question(
        proposal, service, standard, problem, sites, time_s, limit_s, how_many(proposal, study, n_standing, short)
    )
    return replace(question, problem=with_floor(question)) if proposal.floor else question


def standing_sites(proposal: ProposalConfig, setting: Setting) -> Places:
    """Return the existing sites that a proposal counts."""
    places = setting.facilities[proposal.service]
    if not proposal.kinds:
        return places
    rows = np.flatnonzero(places.points["kind"].isin(proposal.kinds).to_numpy(bool))
    snapped = {mode: points.take(rows) for mode, points in places.snapped.items()}
    return reach.Places(places.points.iloc[rows], snapped)


def _sites(standing: Places, candidates: gpd.GeoDataFrame, proposal: ProposalConfig) -> gpd.GeoDataFrame:
    texts = ["name_zh", "township_code", "village_code", "site_id", "kind", "reason", "source"]
    columns = ["place_id", "serves", *texts, "geometry"]
    old = standing.points.assign(place_id=standing.points["facility_id"], reason=None, source=None)
    allowed = candidates["allowed"].to_numpy(bool)
    if proposal.kinds:  # what stands there may become one of these kinds
        allowed = allowed | (candidates["reason"] == HAS_SERVICE).to_numpy(bool)
    new = candidates.assign(place_id=candidates["candidate_id"], serves=proposal.serves, allowed=allowed)
    return gpd.GeoDataFrame(
        pd.concat(
            [
                frame[columns].astype(dict.fromkeys(texts, "str")).assign(
                    is_new=is_new, allowed=frame["allowed"].to_numpy(bool) if is_new else True
                )
                for frame, is_new in ((old, False), (new, True))
            ],
            ignore_index=True,
        ),
        crs=candidates.crs,
    )  # fmt: skip


def _limits(service: ServiceConfig, standard: StandardConfig, setting: Setting) -> npt.NDArray[np.float64]:
    limit_s = np.empty(len(setting.demand.points))
    for limit, rows in reach.rows_of_limit(service, standard, setting.demand.points):
        limit_s[rows] = limit.limit_s
    return limit_s


def _times(
    proposal: ProposalConfig,
    asked: tuple[ServiceConfig, StandardConfig],
    setting: Setting,
    standing: Places,
    sites: gpd.GeoDataFrame,
) -> sparse.csr_array:
    """Return the seconds to existing sites and, where it can matter, to candidates.

    Cover cannot grow where an existing site reaches already, nor can anyone gain a second one where two do: such people
    (most of them, under a long limit) are not asked for their times to the candidates. The p-median asks everyone.
    """
    service, standard = asked
    is_median = proposal.model == "p_median"
    cutoff_s = proposal.unreachable_min * 60.0 if is_median else 0.0
    usable_times = partial(reach.usable_times, service, standard, networks=setting.networks, cutoff_s=cutoff_s)
    old = usable_times(demand=setting.demand, facilities=standing)
    rows = np.flatnonzero((np.diff(old.indptr) <= int(proposal.counts_backup)) | is_median)
    new = sites[sites["is_new"].to_numpy(bool)].reset_index(drop=True)
    modes = sorted({limit.mode for limit in standard.limits})
    there = reach.Places(new, {mode: network.snap_points(setting.networks[mode], new.geometry) for mode in modes})
    here = reach.Places(
        setting.demand.points.iloc[rows], {mode: setting.demand.snapped[mode].take(rows) for mode in modes}
    )
    found = usable_times(demand=here, facilities=there).tocoo()
    spread = sparse.csr_array((found.data, (rows[found.row], found.col)), shape=(old.shape[0], len(new)))
    return sparse.csr_array(sparse.hstack([old, spread], format="csr"))


def _cost(proposal: ProposalConfig, study: StudyConfig) -> float:
    return next((cost.value for cost in study.costs if cost.id == proposal.cost), 1.0)


def _short_townships(proposal: ProposalConfig, standing: npt.NDArray[np.int64], n: int) -> dict[int, int]:
    """Return by township how many new sites its duty still needs."""
    if not proposal.each_township:
        return {}
    present = np.bincount(standing[standing >= 0], minlength=n)
    return {int(i): int(proposal.each_township - present[i]) for i in np.flatnonzero(present < proposal.each_township)}


def how_many(proposal: ProposalConfig, study: StudyConfig, present: int, short: Mapping[int, int]) -> int | None:
    """Return how many new sites a proposal asks for where so many stand; None = as many as the budget allows.

    Raises
    ------
    SitingError
        The target that says so is still to be filled.
    """
    if proposal.new_sites is not None:
        return proposal.new_sites
    if proposal.target is not None and proposal.target_set is not None and study.plan is not None:
        indicator = next(i for i in study.plan.indicators if i.id == proposal.target)
        target = indicator.target(proposal.target_set)
        if target is None:
            raise SitingError(
                f"proposals.{proposal.id}: target {proposal.target!r} of {proposal.target_set!r} is still to be filled;"
                " fill it, or give new_sites"
            )
        return max(math.ceil(target) - present, sum(short.values()), 0)
    return sum(short.values()) if proposal.each_township and proposal.budget is None else None


def _too_near(sites: gpd.GeoDataFrame, spacing_m: float, n_standing: int) -> tuple[tuple[int, int], ...]:
    """Return the pairs of sites nearer to each other than the spacing, but those of two existing ones."""
    if spacing_m <= 0.0 or len(sites) == n_standing:
        return ()
    points = np.column_stack([sites.geometry.x, sites.geometry.y])
    pairs = cKDTree(points).query_pairs(spacing_m, output_type="ndarray")
    is_at_limit = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T) >= spacing_m
    usable = sites["allowed"].to_numpy(bool)
    kept = pairs[~is_at_limit & (pairs[:, 1] >= n_standing) & usable[pairs].all(axis=1)]
    return tuple((int(a), int(b)) for a, b in kept[np.lexsort((kept[:, 1], kept[:, 0]))])


def with_floor(question: Question) -> SitingProblem:
    """Return the problem with the floor of every township, lowered to what all allowed sites together can cover."""
    problem, floor = question.problem, question.proposal.floor or 0.0
    open_sites = np.concatenate([problem.existing, problem.candidates])
    reachable = np.asarray(question.covers[:, open_sites].sum(axis=1)).ravel() > 0
    floors = {}
    for area in np.unique(problem.demand_areas[problem.demand_areas >= 0]):
        mine = problem.demand_areas == area
        whole = float(problem.weights[mine].sum())
        if whole > 0.0:
            floors[int(area)] = min(floor, float(problem.weights[mine & reachable].sum()) / whole)
    return replace_rules(problem, replace(problem.rules, floor=floors))


def replace_rules(problem: SitingProblem, rules: SideRules) -> SitingProblem:
    """Return the same problem under other rules."""
    return SitingProblem(
        problem.costs,
        problem.weights,
        existing=problem.existing,
        site_costs=problem.site_costs,
        capacities=problem.capacities,
        demand_areas=problem.demand_areas,
        site_areas=problem.site_areas,
        rules=rules,
    )
