"""A siting question answered: by the covering search wherever its rules can be said in demand rows, else by the model.

Both are exact; the covering search takes hundredths of a second where the general model takes seconds.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis import siting
from chongming_gis.proposals.question import WITHIN, replace_rules
from chongming_gis.siting import SideRules, SitingProblem
from chongming_gis.siting.mclp import covered_weight
from chongming_gis.siting.problem import infeasible, status_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.proposals.question import Question
    from chongming_gis.siting import SitingPlan

    Ints = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]

TIME_LIMIT_S = 4.0  # of one proposal in a daily run; the certificate says what was proven until then
TARGET_GAP = 1e-4
PLANNED = ("optimal", "feasible")
_AS_ROWS = {"forced", "forbidden", "spacing", "at_least"}  # rules that the covering search can be told
_BONUS = 0.01  # persons: between plans this near to each other, the one that keeps a site wins


def solve(
    question: Question,
    *,
    prefer: npt.ArrayLike = (),
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = TARGET_GAP,
) -> SitingPlan:
    """Return the best plan of a question, by the covering search where its rules allow.

    Parameters
    ----------
    prefer : columns that stay in the plan where others are no better (to a hundredth of a person each)
    time_limit_s : seconds for either search
    target_gap : relative gap at which a search may stop

    Notes
    -----
    "At least one new site in area a" is said as a demand row that every candidate in a covers and that weighs more than
    any site: where all these rows are covered, the plan is the best of those that obey. Spacing is left out first: a
    best plan that happens to keep it is the best of those that must. Otherwise the general model is asked.
    """
    began = time.perf_counter()
    rules, proposal = question.problem.rules, question.proposal
    fits = set(rules.names) <= _AS_ROWS and max(rules.at_least.values(), default=0) <= 1
    if proposal.model == "mclp" and question.new_sites is not None and fits and len(question.problem.candidates):
        plan = _plan_of_rows(question, np.asarray(prefer, dtype=np.int64), time_limit_s, target_gap)
        if plan is not None:
            return replace(plan, time_s=time.perf_counter() - began)
    return solve_by_model(question, time_limit_s=time_limit_s, target_gap=target_gap)


def solve_by_model(question: Question, *, time_limit_s: float, target_gap: float) -> SitingPlan:
    """Return the plan of a question by the model that its proposal names, whatever its rules."""
    problem, proposal = question.problem, question.proposal
    most = len(problem.candidates) if question.new_sites is None else question.new_sites
    if proposal.model == "mclp":
        return siting.mclp(problem, standard=WITHIN, new_sites=most, time_limit_s=time_limit_s, target_gap=target_gap)
    shortest_s = float(question.limit_s.min(initial=math.inf))
    return siting.p_median(
        problem,
        new_sites=most,
        unreachable_cost=max(proposal.unreachable_min * 60.0 / shortest_s, WITHIN),
        time_limit_s=time_limit_s,
        target_gap=target_gap,
    )


def reached(question: Question, chosen: Ints) -> float:
    """Return the objective of a plan, whether it obeys the rules or not."""
    problem = question.problem
    if question.proposal.model == "mclp":
        return covered_weight(problem, np.concatenate([problem.existing, chosen]), np.full(problem.n_demand, WITHIN))
    bare = replace_rules(problem, SideRules(forced=tuple(chosen.tolist())))
    whole = replace(question, problem=bare, new_sites=len(chosen))
    return solve_by_model(whole, time_limit_s=TIME_LIMIT_S, target_gap=0.0).objective


def _plan_of_rows(question: Question, prefer: Ints, time_limit_s: float, target_gap: float) -> SitingPlan | None:
    """Return the plan of the covering search, or None where it breaks a rule that the rows could not say."""
    problem = question.problem
    rules, weights, free = problem.rules, problem.weights, problem.candidates
    new_sites = min(question.new_sites or 0, len(free))
    areas = [area for area, least in sorted(rules.at_least.items()) if least]
    is_free = np.zeros(problem.n_sites, dtype=bool)
    is_free[free] = True
    in_area = (problem.site_areas == np.array(areas, dtype=np.int64)[:, None]) & is_free
    empty = [area for area, sites in zip(areas, in_area, strict=True) if not sites.any()]
    if empty:
        return infeasible("MCLP", "maximise", f"at_least of area {empty}: no candidate is left there")
    if areas and len(areas) == new_sites:
        is_free &= in_area.any(axis=0)  # one each, and none elsewhere
    is_out = ~is_free
    is_out[problem.existing] = False
    wanted = prefer[is_free[prefer]]
    stay = sparse.csr_array(
        (np.ones(len(wanted)), (np.arange(len(wanted)), wanted)), shape=(len(wanted), problem.n_sites)
    )
    heavy = _most_covered(question) + 1.0 + _BONUS if areas else 0.0
    lifted = SitingProblem(
        sparse.vstack([problem.costs, sparse.csr_array(in_area.astype(np.float64)), stay], format="csr"),
        np.concatenate([weights, np.full(len(areas), heavy), np.full(len(wanted), _BONUS)]),
        existing=problem.existing,
        rules=SideRules(forced=rules.forced, forbidden=tuple(np.flatnonzero(is_out).tolist())),
    )
    found = siting.mclp(
        lifted,
        standard=WITHIN,
        new_sites=new_sites,
        time_limit_s=time_limit_s,
        target_gap=0.0 if areas else target_gap,  # heavy rows would make a small share of many persons
    )
    if found.status not in PLANNED or not _obeys(found.chosen, in_area, problem):
        return None
    objective = reached(question, found.chosen)
    bound = max(found.bound - heavy * len(areas), objective)
    if (weights == np.rint(weights)).all() and bound < objective + 1.0:
        bound = objective  # whole persons: nothing lies between
    return replace(found, objective=objective, bound=bound, status=status_of(objective, bound))


def _most_covered(question: Question) -> float:
    """Return the most persons that one site covers."""
    costs, weights = question.problem.costs, question.problem.weights
    persons = np.where(costs.data <= WITHIN, np.repeat(weights, np.diff(costs.indptr)), 0.0)
    return float(np.bincount(costs.indices, weights=persons).max(initial=0.0))


def _obeys(chosen: Ints, in_area: Claims, problem: SitingProblem) -> bool:
    """Return whether every area has its site and no two new sites stand too near."""
    built = set(chosen.tolist())
    if any(one in built and other in built for one, other in problem.rules.spacing):
        return False
    return bool(in_area[:, chosen].any(axis=1).all())
