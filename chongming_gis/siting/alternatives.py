"""Other good plans: the next best ones, a plan with some sites locked or refused, and which sites good plans share.

Every function takes a formulation (``models.mclp_formulation`` and its like): built once, it gives many answers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.errors import SitingError
from chongming_gis.siting.answer import find_plan, opened
from chongming_gis.siting.formulation import Rule, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chongming_gis.siting.formulation import Floats, Formulation, Ints, Rows
    from chongming_gis.siting.problem import SitingPlan

_SHARE_FOR_START = 0.3  # of the time to answer again: what finding a start may take


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Distinct plans, best first.

    Attributes
    ----------
    plans : each the best of those that differ from all before it, where its status says optimal
    frequency : (n_sites,) share of the plans that build the site
    stop_reason : "enough" (as many as asked), "no more within the share", "time limit" or "interrupted"
    """

    plans: tuple[SitingPlan, ...]
    frequency: Floats
    stop_reason: str


def best_plans(
    formulation: Formulation, *, count: int, within_share: float, differ_by: int = 1, time_limit_s: float = 30.0
) -> Alternatives:
    """Return up to ``count`` distinct plans that are at most ``within_share`` worse than the best.

    Parameters
    ----------
    within_share : share of the best objective (0.02 = 2 %)
    differ_by : how many sites that an earlier plan builds a later one must do without; of a plan that builds fewer,
        all of them. A plan that only adds sites to an earlier one is not distinct
    time_limit_s : seconds for all plans together

    Raises
    ------
    SitingError
        ``count`` or ``differ_by`` is below 1, or ``within_share`` is negative.

    Notes
    -----
    After each plan S a row is added that no later plan may break: sum of x_j over S <= |S| - differ_by (a "no-good
    cut"; Balas & Jeroslow 1972, here one-sided).

    Examples
    --------
    >>> from chongming_gis.siting import SitingProblem
    >>> from chongming_gis.siting.models import mclp_formulation
    >>> problem = SitingProblem([[0.0, 2000.0, 0.0], [2000.0, 0.0, 2000.0]], [40, 39])
    >>> formulation = mclp_formulation(problem, standard=900.0, new_sites=1)
    >>> found = best_plans(formulation, count=5, within_share=0.05)
    >>> sorted((plan.chosen.tolist(), plan.objective) for plan in found.plans)
    [([0], 40.0), ([1], 39.0), ([2], 40.0)]
    """
    if count < 1 or differ_by < 1 or not within_share >= 0.0:
        raise SitingError(
            f"count {count} and differ_by {differ_by} must be at least 1, within_share {within_share} at least 0"
        )
    ends = time.perf_counter() + time_limit_s
    plans: list[SitingPlan] = []
    known: list[Rows] = []
    stop = "enough"
    while len(plans) < count:
        plan = find_plan(
            formulation,
            time_limit_s=max(ends - time.perf_counter(), 0.0),
            target_gap=0.0,
            more=known,
            reason_limit_s=0.0 if plans else 10.0,
        )
        if plan.status in {"infeasible", "unknown"} or (plans and _is_beyond(plan, plans[0], within_share)):
            stop = plan.stop_reason if plan.stop_reason in {"time limit", "interrupted"} else "no more within the share"
            plans += [] if plans else [plan]
            break
        plans.append(plan)
        if not len(plan.chosen):
            stop = "no more within the share"  # nothing is built: every other plan only adds to it
            break
        known.append(_others(plan, differ_by))
        if plan.stop_reason in {"time limit", "interrupted"}:
            stop = plan.stop_reason
            break
    return Alternatives(tuple(plans), site_frequency(plans, formulation.problem.n_sites), stop)


def site_frequency(plans: Iterable[SitingPlan], n_sites: int) -> Floats:
    """Return in which share of the plans each site is built; infeasible ones do not count, NaN where none is left."""
    told = [plan.chosen for plan in plans if plan.status in {"optimal", "feasible"}]
    if not told:
        return np.full(n_sites, np.nan)
    return np.bincount(np.concatenate(told), minlength=n_sites) / len(told)


def solve_again(
    formulation: Formulation,
    plan: SitingPlan,
    *,
    locked: Sequence[int] = (),
    refused: Sequence[int] = (),
    time_limit_s: float = 1.0,
) -> SitingPlan:
    """Return the best plan that builds (or keeps) ``locked`` and not ``refused``, beginning from another plan.

    Parameters
    ----------
    plan : a plan of the same formulation
    locked, refused : sites that are, or are not, open
    time_limit_s : seconds; the best found until then is returned with its bound

    Raises
    ------
    SitingError
        A number is no site.
    """
    n_sites = formulation.problem.n_sites
    outside = sorted({site for site in (*locked, *refused) if not 0 <= site < n_sites})
    if outside:
        raise SitingError(f"locked, refused: {outside} are no sites; columns run from 0 to {n_sites - 1}")
    began = time.perf_counter()
    more = [Rule("locked", rows_of([([site], [1.0], 1.0, np.inf)]), site) for site in sorted(set(locked))]
    more += [Rule("refused", rows_of([([site], [1.0], -np.inf, 0.0)]), site) for site in sorted(set(refused))]
    changed = replace(formulation, rules=(*formulation.rules, *more))
    start = None
    if formulation.can_complete and plan.status in {"optimal", "feasible"}:
        start = _mended(changed, plan, locked, refused, ends=began + _SHARE_FOR_START * time_limit_s)
    left_s = max(time_limit_s - (time.perf_counter() - began), 0.0)
    found = find_plan(changed, time_limit_s=left_s, target_gap=0.0, start=start, reason_limit_s=time_limit_s)
    return replace(found, time_s=time.perf_counter() - began)


def _mended(
    formulation: Formulation, plan: SitingPlan, locked: Sequence[int], refused: Sequence[int], *, ends: float
) -> Ints:
    """Return the plan's sites with as few changes as the locks ask for; rules may still be broken.

    As many sites as before are built: for one that comes in, the one that is missed least goes; for one that goes, the
    one that brings most comes in.
    """
    problem = formulation.problem
    is_existing = opened(problem, ())
    sites = [site for site in dict.fromkeys((*plan.chosen.tolist(), *locked)) if site not in refused]
    sites = [site for site in sites if not is_existing[site]]
    while len(sites) > len(plan.chosen) and time.perf_counter() < ends:
        loose = [site for site in sites if site not in locked]
        if not loose:
            break
        sites.remove(_best_of(formulation, [[s for s in sites if s != site] for site in loose], loose, ends))
    free = np.setdiff1d(problem.candidates, [*sites, *refused]).tolist()
    while len(sites) < len(plan.chosen) and free and time.perf_counter() < ends:
        added = _best_of(formulation, [[*sites, site] for site in free], free, ends)
        sites.append(added)
        free.remove(added)
    return np.array(sorted(sites), dtype=np.int64)


def _best_of(formulation: Formulation, plans: Sequence[Sequence[int]], names: Sequence[int], ends: float) -> int:
    """Return the name of the plan with the best objective among those there is time to count."""
    sign = 1.0 if formulation.sense == "maximise" else -1.0
    best, name = -np.inf, names[0]
    for sites, site in zip(plans, names, strict=True):
        reached, _ = formulation.measure(opened(formulation.problem, sites).astype(np.float64))
        if sign * reached > best:
            best, name = sign * reached, site
        if time.perf_counter() > ends:
            break
    return name


def _others(plan: SitingPlan, differ_by: int) -> Rows:
    size = len(plan.chosen)
    return rows_of([(plan.chosen, np.ones(size), -np.inf, float(size - min(differ_by, size)))])


def _is_beyond(plan: SitingPlan, best: SitingPlan, within_share: float) -> bool:
    """Return whether the plan is worse than the best by more than the share."""
    worse = best.objective - plan.objective if best.sense == "maximise" else plan.objective - best.objective
    return worse > within_share * abs(best.objective) + 1e-9 * abs(best.objective)
