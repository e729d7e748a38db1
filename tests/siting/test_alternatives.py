"""Other good plans: distinct, in order, and each the best of what is left."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.errors import SitingError
from chongming_gis.siting import SideRules, SitingProblem, models
from chongming_gis.siting.alternatives import best_plans, site_frequency, solve_again
from chongming_gis.siting.answer import find_plan
from tests.siting import all_plans, slow_checker
from tests.siting.question_strategies import questions

QUESTION = {"standard": 4, "new_sites": 3}


def best_left(problem, plans, differ_by):
    """The best objective of the plans that differ from those known."""
    is_open = all_plans.every_choice(problem)
    good, objective = all_plans.mclp(problem, is_open, **QUESTION)
    for plan in plans:
        good &= (~is_open[:, sorted(plan)]).sum(axis=1) >= min(differ_by, len(plan))
    return max(objective[good], default=None)


@settings(max_examples=25)
@given(questions(), st.sampled_from((0.0, 0.1, 0.5)), st.integers(1, 2))
def test_each_plan_is_the_best_of_those_that_differ_from_all_before(problem, within_share, differ_by):
    formulation = models.mclp_formulation(problem, **QUESTION)
    found = best_plans(formulation, count=4, within_share=within_share, differ_by=differ_by)
    if found.plans[0].status == "infeasible":
        assert len(found.plans) == 1
        assert found.plans[0].reason
        assert np.isnan(found.frequency).all()
        return
    known = []
    for plan in found.plans:
        built = set(plan.chosen.tolist())
        assert slow_checker.mclp(problem, built, set(plan.closed.tolist()), **QUESTION) == (True, plan.objective)
        assert plan.objective == best_left(problem, known, differ_by)
        assert plan.objective >= (1 - within_share) * found.plans[0].objective - 1e-9
        known.append(built)
    assert len({frozenset(p) for p in known}) == len(known)
    if found.stop_reason == "no more within the share" and known[-1]:
        rest = best_left(problem, known, differ_by)
        assert rest is None or rest < (1 - within_share) * found.plans[0].objective


def spread(seed=1, n_rows=60, n_sites=25, **rules):
    rng = np.random.default_rng(seed)
    where, sites = rng.random((n_rows, 2)), rng.random((n_sites, 2))
    costs = np.linalg.norm(where[:, None] - sites[None], axis=2)
    return SitingProblem(costs, rng.integers(1, 9, n_rows), site_costs=np.ones(n_sites), rules=SideRules(**rules))


def test_how_often_a_site_appears_among_good_plans():
    found = best_plans(models.mclp_formulation(spread(), standard=0.2, new_sites=4), count=6, within_share=0.3)
    assert found.stop_reason == "enough"
    for site, share in enumerate(found.frequency):
        assert share == pytest.approx(sum(site in plan.chosen for plan in found.plans) / 6)
    assert site_frequency(found.plans[:1], 25)[found.plans[0].chosen].tolist() == [1.0] * 4


def test_plans_that_differ_by_two_share_fewer_sites():
    formulation = models.mclp_formulation(spread(), standard=0.2, new_sites=4)
    found = best_plans(formulation, count=5, within_share=0.5, differ_by=2)
    for one, other in itertools.combinations(found.plans, 2):
        assert len(set(one.chosen) - set(other.chosen)) >= 2


def test_a_locked_site_is_in_a_refused_one_out_and_the_rest_is_best():
    problem = spread()
    formulation = models.mclp_formulation(problem, standard=0.2, new_sites=4)
    plan = find_plan(formulation, time_limit_s=20.0, target_gap=0.0)
    refused = int(plan.chosen[0])
    locked = int(np.setdiff1d(np.arange(25), plan.chosen)[3])
    again = solve_again(formulation, plan, locked=[locked], refused=[refused], time_limit_s=20.0)
    assert locked in again.chosen
    assert refused not in again.chosen
    rules = SideRules(forced=(locked,), forbidden=(refused,))
    ruled = models.mclp_formulation(spread(forced=rules.forced, forbidden=rules.forbidden), standard=0.2, new_sites=4)
    expected = find_plan(ruled, time_limit_s=20.0, target_gap=0.0)
    assert (again.status, again.objective) == ("optimal", expected.objective)


def test_solving_again_without_time_still_gives_a_plan_that_obeys():
    problem = spread(n_rows=400, n_sites=80)
    formulation = models.mclp_formulation(problem, standard=0.1, new_sites=8)
    plan = find_plan(formulation, time_limit_s=5.0, target_gap=0.0)
    again = solve_again(formulation, plan, refused=[int(plan.chosen[0])], time_limit_s=0.02)
    best = solve_again(formulation, plan, refused=[int(plan.chosen[0])], time_limit_s=30.0)
    assert plan.chosen[0] not in again.chosen
    assert again.objective <= best.objective <= again.bound


def test_what_is_locked_and_refused_is_named_where_nothing_is_left():
    problem = spread()
    formulation = models.mclp_formulation(problem, standard=0.2, new_sites=2)
    plan = find_plan(formulation, time_limit_s=20.0, target_gap=0.0)
    again = solve_again(formulation, plan, locked=[1, 2, 3])
    assert again.status == "infeasible"
    assert "new_sites: 2 are too few; the other rules need at least 3" in again.reason
    assert "locked site 1 cannot be open" in again.reason
    both = solve_again(formulation, plan, locked=[1], refused=[1])
    assert "refused site 1 is needed by the other rules" in both.reason


def test_other_models_have_alternatives_too():
    problem = spread(n_rows=30, n_sites=12)
    for formulation in (
        models.p_median_formulation(problem, new_sites=3, unreachable_cost=None),
        models.lscp_formulation(problem, standard=0.4),
        models.psclp_formulation(problem, standard=0.3, share=0.8, weight=None),
    ):
        found = best_plans(formulation, count=3, within_share=0.2)
        values = [plan.objective for plan in found.plans]
        assert values == sorted(values)
        assert len({tuple(plan.chosen) for plan in found.plans}) == len(found.plans)
        assert all(plan.status == "optimal" for plan in found.plans)


def test_nothing_to_build_has_no_alternative():
    found = best_plans(models.mclp_formulation(spread(), standard=0.2, new_sites=0), count=3, within_share=1.0)
    assert [len(plan.chosen) for plan in found.plans] == [0]


def test_what_is_no_question_is_refused():
    formulation = models.mclp_formulation(spread(), standard=0.2, new_sites=1)
    for wrong in ({"count": 0, "within_share": 0.1}, {"count": 1, "within_share": -0.1}):
        with pytest.raises(SitingError, match="at least"):
            best_plans(formulation, **wrong)
    plan = find_plan(formulation, time_limit_s=5.0, target_gap=0.0)
    with pytest.raises(SitingError, match=r"\[99\] are no sites"):
        solve_again(formulation, plan, locked=[99])
