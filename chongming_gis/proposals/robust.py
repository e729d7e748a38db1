"""How firm a proposal is: other plans that are nearly as good, and the plan under other speeds, ways and people.

Many questions are asked here that differ little: each is answered exactly (``solving``), or its part says how far.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis import network, reach
from chongming_gis.errors import SitingError
from chongming_gis.proposals.question import WITHIN, ask, replace_rules, standing_sites, with_floor
from chongming_gis.proposals.solving import PLANNED, reached, solve
from chongming_gis.siting import SitingProblem
from chongming_gis.siting.alternatives import Alternatives, site_frequency

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.config import LimitConfig
    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.proposals.question import Question, Setting
    from chongming_gis.siting import SitingPlan
    from chongming_gis.uncertainty import Draws

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]
    Ids = tuple[int, ...]
    _Open = tuple[float, Ids, Ids, Ids, SitingPlan]  # for the heap, chosen, forced, forbidden, the part's best plan

ALTERNATIVES_LIMIT_S = 20.0  # of one proposal; the stop reason says where it cut the list short
DRAW_LIMIT_S = 2.0  # of one draw; how many were proven best is told
NEAR_M = 1000.0  # planning assumption: fifteen minutes on foot, the same neighbourhood


@dataclass(frozen=True, slots=True)
class Core:
    """A question without the rows and columns that cannot matter: ``rows`` and ``columns`` are those of the whole."""

    question: Question
    rows: Ints
    columns: Ints
    n_sites: int  # of the whole

    def at(self, chosen: npt.ArrayLike) -> Ints:
        """Return where columns of the whole question stand here."""
        return np.searchsorted(self.columns, np.asarray(chosen, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Robustness:
    """A plan over the draws.

    Attributes
    ----------
    share : (n_sites,) share of the draws with a plan whose best plan has the site; NaN where no draw has a plan
    share_near : the same of any site within ``NEAR_M`` of it
    lost : one number a draw with a plan: what keeping the plan loses, as a share of what the best plan adds
    n_draws, n_proven : draws, and those whose best plan is proven to be
    share_same : share of the draws with a plan in which all sites stay
    """

    share: Floats
    share_near: Floats
    lost: Floats
    n_draws: int
    n_proven: int
    share_same: float


def ask_widely(
    proposal: ProposalConfig,
    setting: Setting,
    candidates: gpd.GeoDataFrame,
    *,
    paces: Mapping[str, tuple[float, float]],
) -> Question:
    """Return the question of a proposal with all times that can matter while they grow or shrink.

    Parameters
    ----------
    candidates : ``tables.CANDIDATES`` of the proposal's service, refused ones included
    paces : by mode, the least and the largest factor on times; a mode that is not named keeps its times

    Raises
    ------
    SitingError
        The proposal cannot be asked.

    Notes
    -----
    Whoever an existing site reaches even at the largest factor is covered whatever is built: such people are not asked
    for their times to candidates, but for the p-median.
    """
    standing = standing_sites(proposal, setting)
    shape = (len(setting.demand.points), len(standing.points) + len(candidates))
    question = ask(proposal, setting, candidates, time_s=sparse.csr_array(shape))
    new = question.sites[question.sites["is_new"].to_numpy(bool)].reset_index(drop=True)
    modes = sorted({limit.mode for limit in question.standard.limits})
    there = reach.Places(new, {mode: network.snap_points(setting.networks[mode], new.geometry) for mode in modes})
    pairs: list[tuple[npt.NDArray[np.integer], npt.NDArray[np.integer], Floats]] = []
    for limit, rows in reach.rows_of_limit(question.service, question.standard, setting.demand.points):
        least, largest = paces.get(limit.mode, (1.0, 1.0))
        old = _seconds(question, setting, (limit, rows), standing, least)
        pairs.append((rows[old.row], old.col, old.data))
        nearest_s = np.full(len(rows), np.inf)
        np.minimum.at(nearest_s, old.row, old.data)
        loose = rows[nearest_s * largest > limit.limit_s] if proposal.model == "mclp" else rows
        found = _seconds(question, setting, (limit, loose), there, least)
        pairs.append((loose[found.row], found.col + len(standing.points), found.data))
    row, column, seconds = (np.concatenate(part) for part in zip(*pairs, strict=True))
    time_s = sparse.csr_array((seconds, (row, column)), shape=shape)
    time_s.sort_indices()
    costs = _scaled(time_s, 1.0 / question.limit_s)
    return _asked(replace(question, time_s=time_s), costs, question.problem.weights)


def core_of(question: Question, largest: Floats | None = None) -> Core:
    """Return a question without those who are covered anyway and without the sites that may not be built.

    Parameters
    ----------
    largest : (n_demand,) the largest factor on a row's times; None = times stay
    """
    problem = question.problem
    factor = np.ones(problem.n_demand) if largest is None else largest
    rows = np.arange(problem.n_demand)
    if question.proposal.model == "mclp" and not problem.rules.floor:
        standing = _scaled(problem.costs[:, problem.existing], factor)
        row = np.repeat(rows, np.diff(standing.indptr))
        is_covered = np.zeros(problem.n_demand, dtype=bool)
        is_covered[row[standing.data <= WITHIN]] = True
        rows = np.flatnonzero(~is_covered & (problem.weights > 0.0))
    columns = np.union1d(problem.existing, problem.candidates)
    at = np.full(problem.n_sites, -1)
    at[columns] = np.arange(len(columns))
    rules = problem.rules
    small = SitingProblem(
        problem.costs[rows][:, columns],
        problem.weights[rows],
        existing=at[problem.existing],
        site_costs=problem.site_costs[columns],
        capacities=problem.capacities[columns],
        demand_areas=problem.demand_areas[rows],
        site_areas=problem.site_areas[columns],
        rules=replace(
            rules,
            forbidden=(),
            forced=tuple(at[list(rules.forced)].tolist()) if rules.forced else (),
            spacing=tuple((int(at[a]), int(at[b])) for a, b in rules.spacing if at[a] >= 0 and at[b] >= 0),
        ),
    )
    return Core(
        replace(
            question,
            problem=small,
            sites=question.sites.iloc[columns].reset_index(drop=True),
            time_s=question.time_s[rows][:, columns],
            limit_s=question.limit_s[rows],
        ),
        rows,
        columns,
        problem.n_sites,
    )


def good_plans(
    question: Question,
    plan: SitingPlan,
    *,
    count: int,
    within_share: float,
    time_limit_s: float = ALTERNATIVES_LIMIT_S,
) -> Alternatives:
    """Return a plan and up to ``count`` others that are nearly as good, the best first.

    Parameters
    ----------
    plan : of this question; it comes first, and the frequencies count it
    within_share : how much worse others may be, as a share of what the plan adds to what stands
    time_limit_s : seconds for all of them

    Raises
    ------
    SitingError
        ``count`` or ``within_share`` is negative.

    Notes
    -----
    Every plan lacks a site of each before it; one that only adds sites, or builds none, is no other plan. After a plan
    the others fall into parts: without its first site, with the first but without the second, and so on; the best of
    the best plans of all parts is next, and its part falls apart likewise (Lawler 1972; Murty 1968).
    """
    if count < 0 or not within_share >= 0.0:
        raise SitingError(f"count {count} and within_share {within_share} must be at least 0")
    ends = time.perf_counter() + time_limit_s
    sign = 1.0 if plan.sense == "maximise" else -1.0
    kept, stop = [plan], "enough"
    if plan.status not in PLANNED or not count:
        return Alternatives((plan,), site_frequency([plan], question.problem.n_sites), stop)
    core = core_of(question)
    first = replace(plan, chosen=core.at(plan.chosen))
    here = reached(core.question, first.chosen)
    least = here - sign * within_share * abs(here - reached(core.question, np.empty(0, dtype=np.int64)))
    least -= sign * 1e-9 * max(abs(here), 1.0)
    parts: list[_Open] = []
    _split(core.question, first, ((), ()), ends, parts)
    while len(kept) <= count:
        if time.perf_counter() > ends:
            stop = "time limit"
            break
        if not parts or sign * parts[0][-1].objective < sign * least:
            stop = "no more within the share"
            break
        _, _, forced, forbidden, found = heapq.heappop(parts)
        differs = found.objective - here
        kept.append(
            replace(found, chosen=core.columns[found.chosen], objective=plan.objective + differs,
                    bound=plan.objective + found.bound - here)
        )  # fmt: skip
        if len(kept) <= count:
            _split(core.question, found, (forced, forbidden), ends, parts)
    return Alternatives(tuple(kept), site_frequency(kept, question.problem.n_sites), stop)


def lost_if_refused(question: Question, plan: SitingPlan, *, time_limit_s: float = DRAW_LIMIT_S) -> Floats:
    """Return for each chosen site what the best plan without it falls short of the plan; inf where there is none."""
    core = core_of(question)
    chosen = core.at(plan.chosen)
    here = reached(core.question, chosen)
    sign = 1.0 if plan.sense == "maximise" else -1.0
    lost = []
    for site in chosen.tolist():
        others = chosen[chosen != site]
        found = solve(_part(core.question, (), (site,)), prefer=others, time_limit_s=time_limit_s, target_gap=0.0)
        lost.append(sign * (here - found.objective) if found.status in PLANNED else math.inf)
    return np.array(lost, dtype=np.float64)


def try_draws(core: Core, plan: SitingPlan, draws: Draws, *, mode: Sequence[str], area: Ints) -> Robustness:
    """Return how a plan fares while times and people are drawn: each draw's own best plan beside it.

    Parameters
    ----------
    core : of the widely asked question (``ask_widely``), at the largest factors
    plan : of the whole question
    mode : (n_demand of the whole question,) by which a row is measured
    area : (n_demand of the whole question,) column of ``draws.people``; -1 = its people are known

    Notes
    -----
    A draw multiplies all times of a mode by one number, ferries included, and the people of an area by another.
    """
    question, problem = core.question, core.question.problem
    chosen = core.at(plan.chosen)
    modes, of_row = np.unique(np.asarray(mode, dtype="str")[core.rows], return_inverse=True)
    own_area = area[core.rows]
    is_cover = question.proposal.model == "mclp"
    built: list[Claims] = []
    lost: list[float] = []
    n_proven = 0
    for draw in range(len(draws)):
        factors = np.array([float(draws.slower(str(name), slice(draw, draw + 1))[0]) for name in modes])
        people = np.where(own_area >= 0, draws.people[draw][own_area], 1.0)
        costs = _scaled(problem.costs, factors[of_row])
        asked = _asked(question, _within(costs) if is_cover else costs, problem.weights * people)
        found = solve(asked, prefer=chosen, time_limit_s=DRAW_LIMIT_S, target_gap=0.0)
        if found.status not in PLANNED:
            continue
        n_proven += found.stop_reason == "proven"
        built.append(np.isin(np.arange(problem.n_sites), found.chosen))
        best, kept, none = (reached(asked, sites) for sites in (found.chosen, chosen, chosen[:0]))
        added = abs(best - none)
        lost.append(max(added - abs(kept - none), 0.0) / added if added > 0.0 else 0.0)
    return _robustness(core, chosen, np.array(built, dtype=bool).reshape(-1, problem.n_sites), np.array(lost),
                       counts=(len(draws), n_proven))  # fmt: skip


def _robustness(core: Core, chosen: Ints, built: Claims, lost: Floats, *, counts: tuple[int, int]) -> Robustness:
    """Return the shares of the draws; ``built`` is (n draws with a plan, n_sites of the core)."""
    n_sites = core.n_sites
    share, near = np.full(n_sites, np.nan), np.full(n_sites, np.nan)
    share_same = math.nan
    if len(built):
        share[:], near[:] = 0.0, 0.0
        ever = np.flatnonzero(built.any(axis=0) | np.isin(np.arange(built.shape[1]), chosen))
        share[core.columns] = built.mean(axis=0)
        points = core.question.sites.geometry.iloc[ever]
        x, y = points.x.to_numpy(), points.y.to_numpy()
        is_near = np.hypot(x[:, None] - x, y[:, None] - y) <= NEAR_M
        near[core.columns[ever]] = (built[:, ever].astype(np.float64) @ is_near > 0.0).mean(axis=0)
        share_same = float(built[:, chosen].all(axis=1).mean())
    return Robustness(share, near, lost, counts[0], counts[1], share_same)


def _seconds(
    question: Question, setting: Setting, who: tuple[LimitConfig, Ints], places: reach.Places, least: float
) -> sparse.coo_array:
    """Return the seconds of the rows of one limit to places, as far as the least factor may bring them within it."""
    limit, rows = who
    proposal = question.proposal
    beyond_s = proposal.unreachable_min * 60.0 if proposal.model == "p_median" else 0.0
    people = reach.Places(setting.demand.points.iloc[rows], {limit.mode: setting.demand.snapped[limit.mode].take(rows)})
    found = reach.usable_times(
        question.service,
        question.standard.model_copy(update={"limits": (limit,)}),
        demand=people,
        facilities=places,
        networks=setting.networks,
        cutoff_s=max(limit.limit_s, beyond_s) / min(least, 1.0),
    )
    return sparse.coo_array(found.tocoo())


def _scaled(table: sparse.csr_array, factor: Floats) -> sparse.csr_array:
    """Return a table with each row times a factor; stored zeros stay stored."""
    data = table.data * np.repeat(factor, np.diff(table.indptr))
    return sparse.csr_array((data, table.indices, table.indptr), shape=table.shape)


def _within(costs: sparse.csr_array) -> sparse.csr_array:
    """Return the pairs within the standard alone."""
    kept = costs.data <= WITHIN
    counts = np.concatenate(([0], np.cumsum(kept)))[costs.indptr]
    return sparse.csr_array((costs.data[kept], costs.indices[kept], counts), shape=costs.shape)


def _asked(question: Question, costs: sparse.csr_array, weights: Floats) -> Question:
    """Return the question with other costs and weights; its floors are lowered to what is then possible."""
    old = question.problem
    problem = SitingProblem(
        costs,
        weights,
        existing=old.existing,
        site_costs=old.site_costs,
        capacities=old.capacities,
        demand_areas=old.demand_areas,
        site_areas=old.site_areas,
        rules=old.rules,
    )
    changed = replace(question, problem=problem)
    return replace(changed, problem=with_floor(changed)) if question.proposal.floor else changed


def _part(question: Question, forced: Sequence[int], forbidden: Sequence[int]) -> Question:
    rules = question.problem.rules
    more = replace(rules, forced=(*rules.forced, *forced), forbidden=(*rules.forbidden, *forbidden))
    return replace(question, problem=replace_rules(question.problem, more))


def _split(question: Question, found: SitingPlan, taken: tuple[Ids, Ids], ends: float, parts: list[_Open]) -> None:
    """Add the parts that the plans without one of a plan's free sites fall into, each with its best plan."""
    forced, forbidden = taken
    sign = 1.0 if found.sense == "maximise" else -1.0
    for site in found.chosen.tolist():
        if site in forced:
            continue
        left_s = ends - time.perf_counter()
        if left_s <= 0.0:
            return
        without = (*forbidden, site)
        best = solve(_part(question, forced, without), time_limit_s=left_s, target_gap=0.0)
        if best.status in PLANNED and len(best.chosen):
            heapq.heappush(parts, (-sign * best.objective, tuple(best.chosen.tolist()), forced, without, best))
        forced = (*forced, site)
