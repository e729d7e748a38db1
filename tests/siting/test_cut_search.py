"""Rows found on the way give the same plans as all pairs at once."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.siting import SideRules, SitingProblem, choice_rows, exact, models
from chongming_gis.siting.alternatives import best_plans
from chongming_gis.siting.answer import find_plan
from chongming_gis.siting.gradual import gradual_cover
from tests.siting import slow_checker
from tests.siting.question_strategies import RULES, questions


@pytest.fixture
def cuts_only(monkeypatch):
    """However few the pairs are."""
    monkeypatch.setattr(choice_rows, "MOST_PAIRS", -1)


def assert_is_best(plan, problem, judge, sense, **question):
    best = slow_checker.best(problem, judge, sense, **question)
    if best is None:
        assert plan.status == "infeasible"
        assert plan.reason
        return
    assert judge(problem, set(plan.chosen.tolist()), set(plan.closed.tolist()), **question)[0]
    assert (plan.status, plan.objective) == ("optimal", pytest.approx(best, rel=1e-9, abs=1e-9))


@pytest.mark.usefixtures("cuts_only")
@settings(max_examples=60)
@given(questions(), st.integers(0, 4), st.sampled_from((None, 0.0, 5.0, 20.0)))
def test_the_p_median_by_cuts_is_the_best_of_all_plans(problem, new_sites, unreachable_cost):
    question = {"new_sites": new_sites, "unreachable_cost": unreachable_cost}
    assert_is_best(exact.solve_p_median(problem, **question), problem, slow_checker.p_median, "minimise", **question)


@pytest.mark.usefixtures("cuts_only")
@settings(max_examples=40)
@given(questions(rules=tuple(set(RULES) - {"floor"})), st.integers(0, 9), st.integers(0, 4))
def test_gradual_cover_by_cuts_is_the_best_of_all_plans(problem, standard, new_sites):
    question = {"standard": standard, "new_sites": new_sites, "decay": "linear"}
    assert_is_best(gradual_cover(problem, **question), problem, slow_checker.gradual, "maximise", **question)


def town(n_rows=120, n_sites=50, **rules):
    rng = np.random.default_rng(11)
    where, sites = rng.random((n_rows, 2)), rng.random((n_sites, 2))
    costs = np.linalg.norm(where[:, None] - sites[None], axis=2)
    areas = (sites[:, 0] * 3).astype(int)
    return SitingProblem(costs, rng.integers(1, 30, n_rows), site_areas=areas, rules=SideRules(**rules))


@pytest.mark.parametrize("new_sites", [1, 6, 20])
def test_cuts_and_pairs_agree(new_sites, monkeypatch):
    problem = town(at_most={0: 2, 1: 6}, exclusive=((0, 1, 2, 3),))
    pairs = exact.solve_p_median(problem, new_sites=new_sites)
    monkeypatch.setattr(choice_rows, "MOST_PAIRS", -1)
    cuts = exact.solve_p_median(problem, new_sites=new_sites)
    assert (cuts.status, cuts.objective) == ("optimal", pytest.approx(pairs.objective, rel=1e-9))


@pytest.mark.usefixtures("cuts_only")
def test_the_bound_holds_when_time_ends():
    problem = town(n_rows=300, n_sites=80, at_most={0: 2})
    best = exact.solve_p_median(problem, new_sites=10)
    assert best.status == "optimal"
    for limit_s in (0.01, 0.3):
        short = exact.solve_p_median(problem, new_sites=10, time_limit_s=limit_s)
        assert short.bound <= best.objective * (1 + 1e-9)
        assert short.objective >= best.objective * (1 - 1e-9) or short.objective == math.inf


@pytest.mark.usefixtures("cuts_only")
def test_alternatives_by_cuts_are_those_of_pairs(monkeypatch):
    formulation = models.p_median_formulation(town(40, 15), new_sites=3, unreachable_cost=None)
    cuts = [plan.objective for plan in best_plans(formulation, count=4, within_share=0.5).plans]
    monkeypatch.setattr(choice_rows, "MOST_PAIRS", 10_000)
    formulation = models.p_median_formulation(town(40, 15), new_sites=3, unreachable_cost=None)
    assert cuts == pytest.approx([plan.objective for plan in best_plans(formulation, count=4, within_share=0.5).plans])


def test_large_questions_with_rules_take_the_bound_of_the_question_without(monkeypatch):
    problem = town(at_most={0: 2, 1: 6})
    best = exact.solve_p_median(problem, new_sites=6)
    monkeypatch.setattr(exact, "MOST_PAIRS", 100)
    again = exact.solve_p_median(problem, new_sites=6)
    assert (again.status, again.objective) == ("optimal", pytest.approx(best.objective))
    short = exact.solve_p_median(problem, new_sites=6, time_limit_s=0.6)
    assert 0.0 < short.bound <= best.objective * (1 + 1e-9)


@pytest.mark.usefixtures("cuts_only")
def test_a_start_that_obeys_is_never_made_worse():
    formulation = models.p_median_formulation(town(300, 80), new_sites=10, unreachable_cost=None)
    known = find_plan(formulation, time_limit_s=20.0, target_gap=0.05)
    again = find_plan(formulation, time_limit_s=0.01, target_gap=0.0, start=known.chosen)
    assert again.objective <= known.objective * (1 + 1e-9)
