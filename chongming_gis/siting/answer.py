"""From a formulation to a plan with its certificate: HiGHS looks, the problem itself is asked what the plan reaches."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.errors import SitingError
from chongming_gis.siting import highs
from chongming_gis.siting.cut_search import solve_with_cuts
from chongming_gis.siting.formulation import as_mip, holds
from chongming_gis.siting.problem import SitingPlan, infeasible, relative_gap, status_of
from chongming_gis.siting.reasons import explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.siting.formulation import Bools, Floats, Formulation, Ints, Rows
    from chongming_gis.siting.highs import MipAnswer
    from chongming_gis.siting.problem import Sense, SitingProblem

REASON_LIMIT_S = 10.0


def find_plan(
    formulation: Formulation,
    *,
    time_limit_s: float,
    target_gap: float,
    start: npt.ArrayLike | None = None,
    more: Sequence[Rows] = (),
    reason_limit_s: float = REASON_LIMIT_S,
) -> SitingPlan:
    """Return the best plan found, the bound proven, and why the search ended.

    Parameters
    ----------
    time_limit_s : seconds for the search
    target_gap : relative gap at which the search may stop
    start : sites to build in a plan to begin from; one that breaks a rule is of no use and does no harm
    more : rows beyond those of the formulation, for instance plans that are known already
    reason_limit_s : seconds to find out which rule makes a model infeasible; 0 = do not ask
    """
    plan, _ = find_values(
        formulation,
        time_limit_s=time_limit_s,
        target_gap=target_gap,
        start=start,
        more=more,
        reason_limit_s=reason_limit_s,
    )
    return plan


def find_values(
    formulation: Formulation,
    *,
    time_limit_s: float,
    target_gap: float,
    start: npt.ArrayLike | None = None,
    more: Sequence[Rows] = (),
    reason_limit_s: float = REASON_LIMIT_S,
) -> tuple[SitingPlan, Floats]:
    """Return the plan of ``find_plan``, and the values of all columns; empty where there is no plan.

    Raises
    ------
    SitingError
        The time or the gap is NaN or negative.
    """
    if not (time_limit_s >= 0.0 and 0.0 <= target_gap < math.inf):
        raise SitingError(f"time_limit_s {time_limit_s} and target_gap {target_gap} must be numbers of at least 0")
    began = time.perf_counter()
    guess = None
    if start is not None and formulation.can_complete:
        guess = formulation.complete(opened(formulation.problem, start))
    step = _step(formulation)
    model_told = as_mip(formulation, more=more)
    finders = [part.separate for part in formulation.parts if part.separate is not None]
    if finders:
        found = solve_with_cuts(
            model_told,
            finders[0],
            lambda values: formulation.complete(values[: formulation.problem.n_sites] > 0.5),
            time_limit_s=time_limit_s,
            target_gap=target_gap,
            start=guess,
        )
    else:
        found = highs.solve(
            model_told,
            time_limit_s=time_limit_s,
            target_gap=target_gap,
            absolute_gap=step * (1.0 - 1e-6),
            start=guess,
        )
    sense, model = formulation.sense, formulation.model
    if found.outcome == "infeasible":
        reason = explain(formulation, time_limit_s=reason_limit_s) if reason_limit_s else ""
        return infeasible(model, sense, reason, time_s=time.perf_counter() - began), np.empty(0)
    if found.outcome == "unknown":
        return _unknown(formulation, found, time.perf_counter() - began), np.empty(0)
    values = _tidied(formulation, found.values, more)
    objective, assigned = formulation.measure(values)
    bound = _valid_bound(found, objective, formulation.offset, sense, step)
    if found.outcome == "optimal" and target_gap == 0.0 and relative_gap(objective, bound) <= highs.TOLERANCE:
        bound = objective
    is_open = values[: formulation.problem.n_sites] > 0.5
    chosen, closed = changes(formulation.problem, is_open)
    status = status_of(objective, bound)
    stop = "proven" if status == "optimal" else _stop(found)
    spent = time.perf_counter() - began
    plan = SitingPlan(model, status, chosen, objective, bound, sense, stop, "", spent, closed, assigned)
    return plan, values


def opened(problem: SitingProblem, chosen: npt.ArrayLike, closed: npt.ArrayLike = ()) -> Bools:
    """Return which sites are open once ``chosen`` are built and ``closed`` closed."""
    is_open = np.zeros(problem.n_sites, dtype=bool)
    is_open[problem.existing] = True
    is_open[np.asarray(chosen, dtype=np.int64)] = True
    is_open[np.asarray(closed, dtype=np.int64)] = False
    return is_open


def changes(problem: SitingProblem, is_open: Bools) -> tuple[Ints, Ints]:
    """Return which sites are built and which are closed where these are open."""
    is_existing = np.zeros(problem.n_sites, dtype=bool)
    is_existing[problem.existing] = True
    return np.flatnonzero(is_open & ~is_existing), np.flatnonzero(is_existing & ~is_open)


def _tidied(formulation: Formulation, values: Floats, more: Sequence[Rows]) -> Floats:
    """Return the values with the sites as whole numbers, and without changes that bring nothing.

    "At most so many" leaves the solver free to build what serves nobody, or to close what costs nothing.
    """
    n_sites = formulation.problem.n_sites
    is_open = values[:n_sites] > 0.5
    if not formulation.can_complete:
        return np.concatenate([is_open.astype(np.float64), values[n_sites:]])
    best = formulation.complete(is_open)
    reached, _ = formulation.measure(best)
    chosen, closed = changes(formulation.problem, is_open)
    for site in [*chosen.tolist()[::-1], *closed.tolist()]:
        other = is_open.copy()
        other[site] = ~other[site]
        guess = formulation.complete(other)
        objective, _ = formulation.measure(guess)
        is_worse = objective < reached if formulation.sense == "maximise" else objective > reached
        if not is_worse and not formulation.broken(guess) and all(holds(rows, guess) for rows in more):
            is_open, best, reached = other, guess, objective
    return best


def _step(formulation: Formulation) -> float:
    """Return 1 where every objective a plan can have is a whole number, else 0."""
    costs = formulation.objective()
    is_whole = formulation.can_complete and bool((costs == np.rint(costs)).all())
    return 1.0 if is_whole and float(formulation.offset).is_integer() else 0.0


def _valid_bound(found: MipAnswer, objective: float, offset: float, sense: Sense, step: float) -> float:
    bound = found.bound + offset
    if step and math.isfinite(bound):
        bound = math.floor(bound + 1e-6) if sense == "maximise" else math.ceil(bound - 1e-6)
    return max(bound, objective) if sense == "maximise" else min(bound, objective)


def _stop(found: MipAnswer) -> str:
    if found.is_interrupted:
        return "interrupted"
    return "time limit" if found.is_out_of_time else "target gap"


def _unknown(formulation: Formulation, found: MipAnswer, time_s: float) -> SitingPlan:
    worst = -math.inf if formulation.sense == "maximise" else math.inf
    nothing = np.empty(0, dtype=np.int64)
    reason = "no plan was found in the time given, and none was excluded; give more time"
    return SitingPlan(
        formulation.model,
        "unknown",
        nothing,
        worst,
        found.bound + formulation.offset,
        formulation.sense,
        _stop(found),
        reason,
        time_s,
    )
