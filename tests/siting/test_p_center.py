"""p-center: the best of all plans, a bound that always holds, and clear answers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.errors import SitingError
from chongming_gis.kernels import setcover
from chongming_gis.siting import SideRules, SitingProblem, exact, p_center
from tests.siting import slow_checker
from tests.siting.question_strategies import RULES, questions
from tests.siting.test_lscp import PLAIN, town


def assert_is_best(plan, problem, new_sites):
    best = slow_checker.best(problem, slow_checker.p_center, "minimise", new_sites=new_sites)
    if best is None:
        assert plan.status == "infeasible"
        assert plan.reason
        return
    built, closed = set(plan.chosen.tolist()), set(plan.closed.tolist())
    assert slow_checker.p_center(problem, built, closed, new_sites=new_sites) == (True, plan.objective)
    assert plan.status == "optimal"
    assert plan.objective == plan.bound == best


@settings(max_examples=60, deadline=None)
@given(problem=questions(rules=PLAIN, max_sites=8, max_rows=12), new_sites=st.integers(0, 9))
def test_the_plan_is_the_best_of_all(problem, new_sites):
    assert_is_best(p_center(problem, new_sites=new_sites), problem, new_sites)


@settings(max_examples=20, deadline=None)
@given(problem=questions(rules=RULES), new_sites=st.integers(0, 4))
def test_every_other_rule_binds_too(problem, new_sites):
    assert_is_best(p_center(problem, new_sites=new_sites), problem, new_sites)


def test_a_worked_case():
    """Villages at 0, 4, 10 and 11 with a site in each; nobody lives in a fifth, at 50."""
    at = np.array([0.0, 4.0, 10.0, 11.0])
    costs = np.abs(np.append(at, 50.0)[:, None] - at)
    problem = SitingProblem(costs, [3, 1, 2, 2, 0])
    assert p_center(problem, new_sites=1).objective == 7.0
    assert p_center(problem, new_sites=1).chosen.tolist() == [1]
    assert p_center(problem, new_sites=2).objective == 4.0
    assert p_center(problem, new_sites=9).objective == 0.0
    standing = SitingProblem(costs, [3, 1, 2, 2, 0], existing=[3])
    assert p_center(standing, new_sites=0).objective == 11.0
    assert p_center(standing, new_sites=0).assigned.tolist() == [3] * 5
    assert p_center(standing, new_sites=1).objective == 4.0


def test_no_plan_is_an_answer_with_its_reason():
    apart = SitingProblem([[0.0, math.inf], [math.inf, 0.0]], [1, 1])
    assert "at least 2 sites" in p_center(apart, new_sites=1).reason
    assert p_center(apart, new_sites=0).status == "infeasible"
    assert "1 demand rows" in p_center(SitingProblem([[0.0], [math.inf]], [1, 1]), new_sites=1).reason
    forced = SitingProblem([[0.0, 0.0]], [1], rules=SideRules(forced=(0, 1)))
    assert "2 sites are forced" in p_center(forced, new_sites=1).reason
    assert p_center(SitingProblem(np.empty((0, 2)), []), new_sites=1).objective == 0.0


@pytest.mark.parametrize(("question", "told"), [({"new_sites": -1}, "new_sites"), ({"new_sites": None}, "limits")])
def test_nonsense_is_refused(question, told):
    with pytest.raises(SitingError, match=told):
        p_center(SitingProblem([[0.0, 1.0]], [1]), **question)


def test_a_middling_question_equals_the_plain_model_and_more_sites_never_reach_less():
    costs, weights = town(200, 40, 8, radius=2500.0)
    problem = SitingProblem(costs, weights)
    plans = [p_center(problem, new_sites=p) for p in (3, 5, 7)]
    radii = [plan.objective for plan in plans]
    assert radii == sorted(radii, reverse=True)
    assert [plan.status for plan in plans] == ["optimal"] * 3
    assert radii[1] == exact.solve_p_center(problem, new_sites=5).objective
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(200), rng.permutation(40)
    assert p_center(SitingProblem(costs[rows][:, columns], weights[rows]), new_sites=5).objective == radii[1]
    assert p_center(problem, new_sites=5, target_gap=0.2).bound <= radii[1]


def test_after_an_interrupt_the_bound_holds(monkeypatch):
    costs, weights = town(200, 40, 8, radius=2500.0)
    problem = SitingProblem(costs, weights)
    best = p_center(problem, new_sites=5).objective

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(setcover, "ascend", interrupt)
    plan = p_center(problem, new_sites=5)
    assert plan.stop_reason == "interrupted"
    assert plan.bound <= best <= plan.objective
