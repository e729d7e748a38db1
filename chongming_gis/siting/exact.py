"""The models of location science with every side rule, each as one mixed-integer model for HiGHS.

Plain questions have faster answers of their own (``mclp``, ``lscp``, ``p_median``, ``p_center``); these here obey every
rule of ``SideRules`` and say which rule makes a question infeasible. In all of them:

- ``new_sites`` is the *most* that are built; None = as many as ``rules.budget`` allows.
- a standard is one number, or one a demand row; a cost equal to it is within it.
- who has no pair with a site is never served by it.
- ``start`` names the sites built in a plan to begin from; one that breaks a rule does no harm.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.siting.answer import find_plan
from chongming_gis.siting.choice_rows import MOST_PAIRS
from chongming_gis.siting.models import (
    center_formulation,
    lscp_formulation,
    mclp_formulation,
    p_median_formulation,
    psclp_formulation,
)
from chongming_gis.siting.problem import SideRules, SitingPlan, status_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.formulation import Floats
    from chongming_gis.siting.problem import SitingProblem

TIME_LIMIT_S = 60.0


def solve_mclp(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    new_sites: int | None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
    start: npt.ArrayLike | None = None,
) -> SitingPlan:
    """Return at most ``new_sites`` sites that cover the most people within the standard, existing sites counted.

    Parameters
    ----------
    standard : largest cost that counts as covered, one number or (n_demand,)
    new_sites : most sites to build; None = as many as the budget allows
    start : sites of a plan to begin from

    Raises
    ------
    SitingError
        Nothing limits what is built, or a number is negative.

    Notes
    -----
    Church & ReVelle (1974): max sum w_i y_i, y_i <= sum of x_j over the sites j that cover i.

    Examples
    --------
    Three villages with a site each; every area is owed half of its people, and the smallest is alone in area 2.

    >>> import numpy as np
    >>> from chongming_gis.siting import SideRules, SitingProblem
    >>> costs = np.array([[0.0, np.inf, np.inf], [np.inf, 0.0, np.inf], [np.inf, np.inf, 0.0]])
    >>> rules = SideRules(floor={2: 0.5})
    >>> problem = SitingProblem(costs, [50, 40, 6], demand_areas=[1, 1, 2], rules=rules)
    >>> plan = solve_mclp(problem, standard=900.0, new_sites=2)
    >>> plan.chosen.tolist(), plan.objective, plan.status
    ([0, 2], 56.0, 'optimal')
    >>> solve_mclp(problem, standard=900.0, new_sites=0).reason  # doctest: +ELLIPSIS
    'no plan obeys all rules; ... new_sites: 0 are too few; the other rules need at least 1...'
    """
    formulation = mclp_formulation(problem, standard=standard, new_sites=new_sites)
    return find_plan(formulation, time_limit_s=time_limit_s, target_gap=target_gap, start=start)


def solve_lscp(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
    start: npt.ArrayLike | None = None,
) -> SitingPlan:
    """Return the cheapest sites that cover everyone whom any site could cover.

    The objective is the ``site_costs`` of what is built less those of what is closed; 1 each unless given, so the
    number of sites. Demand that no site covers within the standard binds nothing; ask ``cover_rows.within`` who it is.

    Notes
    -----
    Toregas, Swain, ReVelle & Bergman (1971): min sum c_j x_j, at least one open site within the standard of each row.
    """
    formulation = lscp_formulation(problem, standard=standard)
    return find_plan(formulation, time_limit_s=time_limit_s, target_gap=target_gap, start=start)


def solve_psclp(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    share: float | None = None,
    weight: float | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> SitingPlan:
    """Return the cheapest sites that cover a share of all weight (0-1), or so much weight, existing sites counted.

    Raises
    ------
    SitingError
        Not exactly one of ``share`` and ``weight`` is given, or it is out of range.

    Notes
    -----
    Daskin & Owen (1999), partial set covering: min sum c_j x_j, sum w_i y_i >= target, y_i <= sum of x_j.
    """
    formulation = psclp_formulation(problem, standard=standard, share=share, weight=weight)
    return find_plan(formulation, time_limit_s=time_limit_s, target_gap=target_gap)


def solve_p_median(
    problem: SitingProblem,
    *,
    new_sites: int | None,
    unreachable_cost: float | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
    start: npt.ArrayLike | None = None,
) -> SitingPlan:
    """Return at most ``new_sites`` sites with the least weighted cost of everyone going to the best open site.

    Parameters
    ----------
    unreachable_cost : cost of a person whom no open site serves, and the most that anyone costs; None = everyone with
        a weight above 0 must be served, and a plan that leaves someone out is infeasible

    Notes
    -----
    ReVelle & Swain (1970): min sum w_i c_ij z_ij, sum of z_ij = 1, z_ij <= x_j. A floor counts who has a pair with an
    open site, however long the way.
    """
    began = time.perf_counter()
    formulation = p_median_formulation(problem, new_sites=new_sites, unreachable_cost=unreachable_cost)
    bound = -math.inf
    if problem.costs.nnz > MOST_PAIRS and new_sites is not None and not problem.is_plain:
        plain = _without_rules(problem, new_sites, unreachable_cost, time_limit_s / 3, target_gap)
        bound = plain.bound if math.isfinite(plain.bound) else -math.inf
        start = plain.chosen if start is None else start
    left_s = max(time_limit_s - (time.perf_counter() - began), 0.0)
    plan = find_plan(formulation, time_limit_s=left_s, target_gap=target_gap, start=start)
    if plan.status == "infeasible":
        return plan
    bound = min(max(bound, plan.bound), plan.objective)
    status = status_of(plan.objective, bound) if plan.status == "feasible" else plan.status
    stop = "proven" if status == "optimal" else plan.stop_reason
    return replace(plan, bound=bound, status=status, stop_reason=stop, time_s=time.perf_counter() - began)


def solve_p_center(
    problem: SitingProblem,
    *,
    new_sites: int | None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> SitingPlan:
    """Return at most ``new_sites`` sites with the least largest cost of anyone to the best open site.

    Everyone with a weight above 0 must be served; how many they are does not matter.

    Notes
    -----
    Hakimi (1964); solved by binary search over the costs that occur (Minieka 1970): can everyone be covered within it?
    """
    began = time.perf_counter()
    radii = _radii(problem)
    best = find_plan(
        center_formulation(problem, radius=math.inf, new_sites=new_sites), time_limit_s=time_limit_s, target_gap=1.0
    )
    if best.status in {"infeasible", "unknown"} or not len(radii):
        return best
    low, stop = 0, "proven"  # every radius before radii[low] is excluded
    while radii[low] < best.objective:
        at = (low + int(np.searchsorted(radii, best.objective)) - 1) // 2
        left_s = time_limit_s - (time.perf_counter() - began)
        if best.objective - radii[low] <= target_gap * best.objective:
            stop = "target gap"
            break
        found = find_plan(
            center_formulation(problem, radius=float(radii[at]), new_sites=new_sites),
            time_limit_s=max(left_s, 0.0),
            target_gap=1.0,
            reason_limit_s=0.0,
        )
        if found.status == "infeasible":
            low = at + 1
        elif found.status == "unknown":
            stop = found.stop_reason
            break
        else:
            best = found
        if found.stop_reason == "interrupted":
            stop = "interrupted"
            break
    bound = min(float(radii[low]), best.objective)
    status = status_of(best.objective, bound)
    spent = time.perf_counter() - began
    return replace(
        best, status=status, bound=bound, stop_reason="proven" if status == "optimal" else stop, time_s=spent
    )


def _without_rules(
    problem: SitingProblem, new_sites: int, unreachable_cost: float | None, time_limit_s: float, target_gap: float
) -> SitingPlan:
    """Return the p-median that no side rule binds: nobody's rules make it cheaper, so its bound holds for all."""
    from chongming_gis.siting.p_median import p_median

    return p_median(
        replace(problem, rules=SideRules()),
        new_sites=new_sites,
        unreachable_cost=unreachable_cost,
        time_limit_s=time_limit_s,
        target_gap=target_gap,
    )


def _radii(problem: SitingProblem) -> Floats:
    """Return every cost the answer can be: those of people, none below what the worst placed of them must bear."""
    costs = problem.costs
    rows = np.repeat(np.arange(problem.n_demand), np.diff(costs.indptr))
    is_some = problem.weights[rows] > 0.0
    nearest = np.full(problem.n_demand, np.inf)
    np.minimum.at(nearest, rows, costs.data)
    at_least = nearest[np.unique(rows[is_some])].max(initial=0.0)
    found: Floats = np.unique(costs.data[is_some])
    enough: Floats = found[found >= at_least]
    return enough
