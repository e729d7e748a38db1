"""MCLP: so many new sites that the most people are covered, with the proof that no other choice covers more.

The fast route takes the plain question: what stands, what is forced or forbidden, what stands too near; and a floor
that its plan keeps anyway. Budgets, floors that bind and other side rules go to the general model (``siting.exact``).
"""

from __future__ import annotations

import operator
import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.errors import SitingError
from chongming_gis.siting.cover_branch import CoverBranch
from chongming_gis.siting.cover_search import needed
from chongming_gis.siting.problem import SitingPlan, SitingProblem, infeasible, status_of
from chongming_gis.siting.reduce import reduce_cover

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

TIME_LIMIT_S = 60.0
_FREE_SHARE = 0.25  # of the time, for the plan without the floor
_ROUNDING = 1e-9  # a share of a sum of floats is no exact number


def mclp(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    new_sites: int | None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> SitingPlan:
    """Return at most ``new_sites`` sites that cover the most people within the standard, existing sites counted.

    No site is built that adds nothing, so the plan may be smaller; it is, too, where fewer candidates are left than may
    be built, as in every model here. Ctrl-C ends the search, not the program: the best plan found comes back with its
    bound.

    Parameters
    ----------
    standard : largest cost that counts as covered, one number or (n_demand,), in the unit of the costs
    new_sites : most sites to build, forced ones counted; None = as many as ``rules.budget`` allows
    time_limit_s : seconds; the only thing that makes two answers to one question differ
    target_gap : relative gap at which the search may stop

    Raises
    ------
    SitingError
        A number is NaN, negative or not whole where it must be; every fault is listed.

    Notes
    -----
    Church & ReVelle (1974): max sum w_i y_i, y_i <= sum of x_j over the sites j that cover i, sum of x_j <= new_sites.

    Examples
    --------
    Three villages in a row, a day's walk apart; the site in the middle reaches its neighbours.

    >>> import numpy as np
    >>> from chongming_gis.siting import SitingProblem
    >>> costs = np.array([[0.0, 10.0, np.inf], [10.0, 0.0, 10.0], [np.inf, 10.0, 0.0]])
    >>> plan = mclp(SitingProblem(costs, [50, 20, 40]), standard=10.0, new_sites=1)
    >>> plan.chosen.tolist(), plan.objective, plan.bound, plan.status
    ([1], 110.0, 110.0, 'optimal')
    """
    _compile()
    return _cover_most(problem, standard, new_sites, time_limit_s, target_gap)


@cache
def _compile() -> None:
    """Compile the kernels on a small question, so that a first answer is not cut short by it."""
    generator = np.random.default_rng(0)
    places, homes = generator.uniform(0.0, 10.0, (40, 2)), generator.uniform(0.0, 10.0, (400, 2))
    costs = np.hypot(*(homes[:, None, :] - places[None, :, :]).transpose(2, 0, 1))
    problem = SitingProblem(np.where(costs <= 2.5, costs, np.inf), generator.integers(1, 30, 400))
    _cover_most(problem, 2.5, 6, np.inf, 0.0)


def _cover_most(
    problem: SitingProblem, standard: npt.ArrayLike, new_sites: int | None, time_limit_s: float, target_gap: float
) -> SitingPlan:
    began = time.perf_counter()
    limits = _checked(problem, standard, new_sites, time_limit_s, target_gap)
    if not _is_plain(problem) or new_sites is None:
        from chongming_gis.siting import exact

        free = _without_floor(problem, limits, new_sites, began + _FREE_SHARE * time_limit_s, target_gap)
        if free is not None:
            return replace(free, time_s=time.perf_counter() - began)
        time_limit_s = max(time_limit_s - (time.perf_counter() - began), 0.0)
        return exact.solve_mclp(
            problem, standard=standard, new_sites=new_sites, time_limit_s=time_limit_s, target_gap=target_gap
        )
    forced = np.setdiff1d(np.unique(np.array(problem.rules.forced, dtype=np.int64)), problem.existing)
    reason = _contradiction(problem, forced, int(new_sites))
    if reason:
        return infeasible("MCLP", "maximise", reason, time_s=time.perf_counter() - began)
    rest = reduce_cover(
        problem,
        standard=limits,
        standing=np.concatenate([problem.existing, forced]),
        candidates=np.setdiff1d(problem.candidates, forced),
        n_new=int(new_sites) - len(forced),
    )
    search = CoverBranch(rest, began + time_limit_s, target_gap)
    search.run()
    useful = rest.sites[needed(rest, np.searchsorted(rest.sites, search.chosen))]
    chosen = np.sort(np.concatenate([forced, useful]))
    objective = covered_weight(problem, np.concatenate([problem.existing, chosen]), limits)
    bound = max(search.bound, objective)
    status = status_of(objective, bound)
    stop = "proven" if status == "optimal" else search.stop_reason
    spent = time.perf_counter() - began
    return SitingPlan("MCLP", status, chosen, objective, bound, "maximise", stop, time_s=spent)


def _without_floor(
    problem: SitingProblem, limits: Floats, new_sites: int | None, ends: float, target_gap: float
) -> SitingPlan | None:
    """Return the plan without the floor, if the floor is the only rule in the way and this plan keeps it; else None.

    What is best among all plans, and obeys, is best among those that obey.
    """
    free = replace(problem, rules=replace(problem.rules, floor={}))
    if new_sites is None or not problem.rules.floor or not _is_plain(free):
        return None
    left_s = max(ends - time.perf_counter(), 0.0)
    plan = _cover_most(free, limits, new_sites, left_s, target_gap)
    if plan.status not in {"optimal", "feasible"} or plan.gap > target_gap:
        return None
    is_covered = _covered_by(problem, np.concatenate([problem.existing, plan.chosen]), limits)
    for area, share in problem.rules.floor.items():
        own = problem.weights * (problem.demand_areas == area)
        if own[is_covered].sum() < share * own.sum() - _ROUNDING * max(own.sum(), 1.0):
            return None
    return plan


def covered_weight(problem: SitingProblem, sites: Longs, standard: Floats) -> float:
    """Return the persons within the standard (n_demand,) of any of the sites."""
    return float(problem.weights[_covered_by(problem, sites, standard)].sum())


def _covered_by(problem: SitingProblem, sites: Longs, standard: Floats) -> Bools:
    """Return which rows are within the standard (n_demand,) of any of the sites."""
    is_built = np.zeros(problem.n_sites, dtype=bool)
    is_built[sites] = True
    pairs = np.flatnonzero(is_built[problem.costs.indices])
    rows = np.searchsorted(problem.costs.indptr, pairs, side="right") - 1
    is_covered = np.zeros(problem.n_demand, dtype=bool)
    is_covered[rows[problem.costs.data[pairs] <= standard[rows]]] = True
    return is_covered


def _is_plain(problem: SitingProblem) -> bool:
    """Return whether no rule is set but those that only take sites out of the choice or into the plan."""
    rules = problem.rules
    if {"budget", "at_least", "at_most", "exclusive", "floor", "closable"} & set(rules.names):
        return False
    is_candidate = np.zeros(problem.n_sites, dtype=bool)
    is_candidate[problem.candidates] = True
    return not any(is_candidate[one] and is_candidate[other] and one != other for one, other in rules.spacing)


def _contradiction(problem: SitingProblem, forced: Longs, new_sites: int) -> str:
    """Return the sentence that says why there is no plan; empty where there is one."""
    candidates = problem.candidates
    barred = np.setdiff1d(forced, candidates).tolist()
    if barred:
        return f"forced: sites {barred} are forbidden or stand too near an existing site"
    if len(forced) > new_sites:
        return f"forced: {len(forced)} sites are forced, but new_sites allows {new_sites}"
    if new_sites and not len(candidates):
        return f"new_sites: {new_sites} asked for, but no site is left to build: all stand, are forbidden or too near"
    return ""


def _checked(
    problem: SitingProblem, standard: npt.ArrayLike, new_sites: int | None, time_limit_s: float, target_gap: float
) -> Floats:
    """Return the standard of each row; refuse numbers that mean nothing, all at once."""
    told = []
    limits = np.asarray(standard, dtype=np.float64)
    if limits.shape not in {(), (problem.n_demand,)}:
        told.append(f"standard: has shape {limits.shape}; give one number or one for each of {problem.n_demand} rows")
    if not (limits >= 0.0).all():
        told.append(f"standard: {standard!r} must be at least 0 everywhere, and not NaN")
    if new_sites is not None and not _is_count(new_sites):
        told.append(f"new_sites: {new_sites} must be a whole number of at least 0")
    for name, value in (("time_limit_s", time_limit_s), ("target_gap", target_gap)):
        told += [] if value >= 0.0 else [f"{name}: {value} must be at least 0"]
    if told:
        raise SitingError("\n".join(told))
    return np.full(problem.n_demand, limits) if limits.ndim == 0 else limits


def _is_count(value: object) -> bool:
    try:
        return operator.index(value) >= 0 and not isinstance(value, bool)  # type: ignore[arg-type]
    except TypeError:
        return False
