"""Everyone, or a share of the people, within the standard at least cost: LSCP and PSCLP, each with a proven bound.

The search is that of ``set_cover``. Rules beyond "this site yes, that site no" go to ``exact``.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.siting.problem import SitingPlan, infeasible, status_of
from chongming_gis.siting.set_cover import CoverAnswer, Limits, solve_cover, solve_partial_cover
from chongming_gis.siting.set_cover_parts import covered_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.problem import SitingProblem

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

TIME_LIMIT_S = 60.0
_MANY_PAIRS = 200_000  # of partial cover: MCLP is asked instead of HiGHS where all sites cost the same
_ASK_SHARE = 0.125  # of the time left, for one such question


def lscp(
    problem: SitingProblem, *, standard: npt.ArrayLike, time_limit_s: float = TIME_LIMIT_S, target_gap: float = 0.0
) -> SitingPlan:
    """Return the cheapest sites that cover everyone whom any site could cover.

    Existing sites cover first. The objective is the ``site_costs`` of the new sites: their number, unless costs are
    given. Demand beyond the standard of every site binds nothing; ``unreachable_weight`` says how much it is.

    Parameters
    ----------
    standard : largest cost that counts as covered, one number or (n_demand,)
    time_limit_s : seconds after which the best found is returned
    target_gap : relative gap at which the search may stop

    Raises
    ------
    SitingError
        The standard, the time or the gap is no number of at least 0.

    Notes
    -----
    Toregas, Swain, ReVelle & Bergman (1971): min sum c_j x_j, at least one open site within the standard of each row.
    """
    began = time.perf_counter()
    check_numbers(problem, standard=standard, time_limit_s=time_limit_s, target_gap=target_gap)
    covers = pairs_within(problem, standard)
    unreachable = float(problem.weights[np.diff(covers.indptr) == 0].sum())
    if not problem.is_plain:
        from chongming_gis.siting.exact import solve_lscp

        plan = solve_lscp(problem, standard=standard, time_limit_s=time_limit_s, target_gap=target_gap)
        return replace(plan, unreachable_weight=unreachable)
    reason = problem.refusal or _not_covered(problem, covers)
    if reason:
        plan = infeasible("LSCP", "minimise", reason, time_s=time.perf_counter() - began)
        return replace(plan, unreachable_weight=unreachable)
    standing, candidates = standing_sites(problem), free_candidates(problem)
    is_open = covered_rows(covers, standing) | (np.diff(covers.indptr) == 0)
    table = sparse.csr_array(covers[np.flatnonzero(~is_open)][:, candidates])
    answer = solve_cover(table, problem.site_costs[candidates], Limits(began + time_limit_s, target_gap))
    return _plan(problem, "LSCP", answer, unreachable, began)


def psclp(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    share: float | None = None,
    weight: float | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> SitingPlan:
    """Return the cheapest sites that cover a share of all weight, or so much weight, existing sites counted.

    Parameters
    ----------
    standard : largest cost that counts as covered, one number or (n_demand,)
    share, weight : one of both: the share of all weight (0-1, people whom no site reaches included), or the weight
    time_limit_s : seconds after which the best found is returned
    target_gap : relative gap at which the search may stop

    Raises
    ------
    SitingError
        Not exactly one of ``share`` and ``weight`` is given, or a number is out of range.

    Notes
    -----
    Daskin & Owen (1999), partial set covering: min sum c_j x_j, sum w_i y_i >= target, y_i <= sum of x_j.
    """
    began = time.perf_counter()
    check_numbers(problem, standard=standard, time_limit_s=time_limit_s, target_gap=target_gap)
    total = float(problem.weights.sum())
    target = _target(total, share, weight)
    covers = pairs_within(problem, standard)
    unreachable = float(problem.weights[np.diff(covers.indptr) == 0].sum())
    if not problem.is_plain:
        from chongming_gis.siting.exact import solve_psclp

        plan = solve_psclp(
            problem, standard=standard, share=share, weight=weight, time_limit_s=time_limit_s, target_gap=target_gap
        )
        return replace(plan, unreachable_weight=unreachable)
    standing, candidates = standing_sites(problem), free_candidates(problem)
    is_served = covered_rows(covers, standing)
    rows = np.flatnonzero(~is_served & (problem.weights > 0.0))
    table = sparse.csr_array(covers[rows][:, candidates])
    is_some = np.diff(table.indptr) > 0
    served, coverable = float(problem.weights[is_served].sum()), float(problem.weights[rows[is_some]].sum())
    slack = 1e-9 * max(total, 1.0)
    reason = problem.refusal
    if not reason and served + coverable < target - slack:
        reason = (
            f"target: {target:g} of {total:g} must be covered, and all sites that may be built together cover "
            f"{served + coverable:g} within the standard"
        )
    if reason:
        plan = infeasible("PSCLP", "minimise", reason, time_s=time.perf_counter() - began)
        return replace(plan, unreachable_weight=unreachable)
    missing = served + coverable - target + slack
    limits = Limits(began + time_limit_s, target_gap)
    if served >= target - slack:
        answer = CoverAnswer(np.empty(0, dtype=np.int64), 0.0, 0.0, "proven")
    else:
        costs = problem.site_costs[candidates]
        question = table[np.flatnonzero(is_some)], costs, problem.weights[rows[is_some]], missing
        if table.nnz < _MANY_PAIRS or costs.min() <= 0.0 or costs.min() < costs.max():
            answer = solve_partial_cover(*question, limits)
        else:
            answer = _fewest_sites(problem, standard, target - slack, question, limits)
    return _plan(problem, "PSCLP", answer, unreachable, began)


def _fewest_sites(
    problem: SitingProblem,
    standard: npt.ArrayLike,
    target: float,
    question: tuple[sparse.csr_array, Floats, Floats, float],
    limits: Limits,
) -> CoverAnswer:
    """Return the fewest sites that cover the target where all cost the same, by asking how much so many can cover.

    MCLP has by far the better bound (Church & ReVelle 1974 in place of Daskin & Owen 1999).
    """
    from chongming_gis.siting.mclp import mclp

    price = float(question[1][0])
    candidates, n_forced = free_candidates(problem), len(forced_candidates(problem))
    quick = replace(
        limits, deadline_s=time.perf_counter() + 0.3 * min(limits.left_s, TIME_LIMIT_S), enough=0.0,
        hopeless=price * (len(candidates) + 1), is_quick=True,
    )  # fmt: skip
    answer = solve_partial_cover(*question, quick)
    columns, low, stop = answer.columns, round(answer.bound / price), answer.stop_reason
    doubts: list[int] = []  # numbers of sites for which neither was proven
    while low < len(columns) and len(columns) - low > limits.target_gap * len(columns):
        stop = "time limit"
        asked = _next_number(low, len(columns), doubts)
        if asked is None:
            stop = "search exhausted"
        if limits.left_s <= 0.0 or asked is None:
            break
        plan = mclp(problem, standard=standard, new_sites=n_forced + asked, time_limit_s=_ASK_SHARE * limits.left_s)
        if plan.objective >= target:
            columns = np.flatnonzero(np.isin(candidates, plan.chosen))
        elif plan.bound < target:
            low = asked + 1
        else:
            doubts.append(asked)
        if plan.stop_reason == "interrupted":
            stop = "interrupted"
            break
    value = price * len(columns)
    bound = min(value, price * low)
    if stop != "interrupted" and value - bound <= limits.target_gap * value:
        stop = "target gap"
    return CoverAnswer(columns, value, bound, stop)


def _next_number(low: int, high: int, doubts: list[int]) -> int | None:
    """Return the number of sites to ask about: halfway, then below and above those in doubt; None = no more."""
    doubts = [number for number in doubts if low <= number < high]
    if not doubts:
        return (low + high - 1) // 2
    below, above = (low, min(doubts) - 1), (max(doubts) + 1, high - 1)
    turns = (below, above) if len(doubts) % 2 else (above, below)
    return next(((first + last) // 2 for first, last in turns if first <= last), None)


def check_numbers(
    problem: SitingProblem, *, standard: npt.ArrayLike = 0.0, time_limit_s: float, target_gap: float
) -> None:
    """Refuse arguments that are no numbers of at least 0, all at once.

    Raises
    ------
    SitingError
        Says which.
    """
    told = []
    limit = np.asarray(standard, dtype=np.float64)
    if limit.shape not in {(), (problem.n_demand,)}:
        told.append(f"standard: has shape {limit.shape}; give one number, or one for each of {problem.n_demand} rows")
    elif not (limit >= 0.0).all():
        told.append(f"standard: {limit} must be a number of at least 0")
    for name, value in (("time_limit_s", time_limit_s), ("target_gap", target_gap)):
        if not value >= 0.0:
            told.append(f"{name}: {value} must be a number of at least 0")
    if told:
        raise SitingError("\n".join(told))


def pairs_within(problem: SitingProblem, standard: npt.ArrayLike) -> sparse.csr_array:
    """Return ones where a pair is within the standard (one number, or one a row); a cost *at* it is within."""
    costs = problem.costs
    limit = np.broadcast_to(np.asarray(standard, dtype=np.float64), (problem.n_demand,))
    keep = costs.data <= np.repeat(limit, np.diff(costs.indptr))
    before = np.concatenate(([0], np.cumsum(keep)))
    return sparse.csr_array((np.ones(before[-1]), costs.indices[keep], before[costs.indptr]), shape=costs.shape)


def standing_sites(problem: SitingProblem) -> Longs:
    """Return the columns that are open in every plan: existing and forced ones."""
    return np.union1d(problem.existing, np.asarray(problem.rules.forced, dtype=np.int64))


def free_candidates(problem: SitingProblem) -> Longs:
    """Return the columns to decide about: candidates that are not forced."""
    return np.setdiff1d(problem.candidates, np.asarray(problem.rules.forced, dtype=np.int64))


def forced_candidates(problem: SitingProblem) -> Longs:
    """Return the columns that every plan builds."""
    return np.setdiff1d(np.asarray(problem.rules.forced, dtype=np.int64), problem.existing)


def _not_covered(problem: SitingProblem, covers: sparse.csr_array) -> str:
    """Return why some rows that a site could cover are covered in no plan; empty where all are."""
    possible = np.union1d(problem.existing, problem.candidates)
    is_lost = ~covered_rows(covers, possible) & (np.diff(covers.indptr) > 0)
    if not is_lost.any():
        return ""
    return (
        f"forbidden, spacing: {np.count_nonzero(is_lost)} demand rows (weight {problem.weights[is_lost].sum():g}) are "
        "within the standard only of sites that are forbidden or too near to an existing site"
    )


def _target(total: float, share: float | None, weight: float | None) -> float:
    if (share is None) == (weight is None):
        raise SitingError("say either the share to cover (0-1) or the weight, not both")
    if share is not None and not 0.0 <= share <= 1.0:
        raise SitingError(f"share: {share} must be from 0 to 1")
    if weight is not None and not 0.0 <= weight < np.inf:
        raise SitingError(f"weight: {weight} must be a number of at least 0")
    return share * total if share is not None else float(weight or 0.0)


def _plan(problem: SitingProblem, model: str, answer: CoverAnswer, unreachable: float, began: float) -> SitingPlan:
    forced, candidates = forced_candidates(problem), free_candidates(problem)
    chosen = np.sort(np.concatenate([forced, candidates[answer.columns]]))
    objective = float(problem.site_costs[chosen].sum())
    is_proven = answer.bound == answer.value
    bound = objective if is_proven else min(objective, float(problem.site_costs[forced].sum()) + answer.bound)
    return SitingPlan(
        model,
        status_of(objective, bound),
        chosen,
        objective,
        bound,
        "minimise",
        "proven" if is_proven else answer.stop_reason,
        time_s=time.perf_counter() - began,
        unreachable_weight=unreachable,
    )
