"""p-median: the best of all plans, a bound that always holds, swaps that equal trying them all, and clear answers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.kernels import median
from chongming_gis.siting import SideRules, SitingProblem, exact, p_median
from tests.siting import slow_checker
from tests.siting.question_strategies import RULES, questions
from tests.siting.test_lscp import PLAIN, town

UNREACHABLE = st.sampled_from((None, 0.0, 5.0, 20.0))


def assert_is_best(plan, problem, question):
    best = slow_checker.best(problem, slow_checker.p_median, "minimise", **question)
    if best is None:
        assert plan.status == "infeasible"
        assert plan.reason
        return
    built, closed = set(plan.chosen.tolist()), set(plan.closed.tolist())
    obeys, objective = slow_checker.p_median(problem, built, closed, **question)
    assert obeys
    assert plan.status == "optimal"
    assert plan.objective == plan.bound == pytest.approx(objective) == pytest.approx(best)


@settings(max_examples=60)
@given(
    problem=questions(rules=PLAIN, max_sites=8, max_rows=12), new_sites=st.integers(0, 9), unreachable_cost=UNREACHABLE
)
def test_the_plan_is_the_best_of_all(problem, new_sites, unreachable_cost):
    question = {"new_sites": new_sites, "unreachable_cost": unreachable_cost}
    assert_is_best(p_median(problem, **question), problem, question)


@settings(max_examples=25)
@given(problem=questions(rules=RULES), new_sites=st.integers(0, 4), unreachable_cost=UNREACHABLE)
def test_every_other_rule_binds_too(problem, new_sites, unreachable_cost):
    question = {"new_sites": new_sites, "unreachable_cost": unreachable_cost}
    assert_is_best(p_median(problem, **question), problem, question)


def test_a_worked_case():
    """Three villages on a line at 0, 4, 10 with 3, 1, 2 people, a site in each; one may be built."""
    at = np.array([0.0, 4.0, 10.0])
    problem = SitingProblem(np.abs(at[:, None] - at), [3, 1, 2])
    plan = p_median(problem, new_sites=1)  # 0: 4 + 20 = 24; 4: 12 + 12 = 24; 10: 30 + 6 = 36
    assert plan.objective == plan.bound == 24
    assert plan.chosen.tolist() in ([0], [1])
    assert p_median(problem, new_sites=2).objective == 4
    assert p_median(problem, new_sites=2).assigned.tolist() == [0, 0, 2]
    assert p_median(problem, new_sites=1, unreachable_cost=5.0).objective == 4 + 2 * 5
    existing = SitingProblem(np.abs(at[:, None] - at), [3, 1, 2], existing=[2])
    assert p_median(existing, new_sites=1).chosen.tolist() == [0]
    assert p_median(existing, new_sites=0).objective == 30 + 6


def test_more_sites_than_candidates_build_what_serves_somebody():
    plan = p_median(SitingProblem([[0.0, 1.0], [5.0, 6.0]], [1, 1]), new_sites=7)
    assert plan.chosen.tolist() == [0]
    assert plan.status == "optimal"


def test_no_plan_is_an_answer_with_its_reason():
    apart = SitingProblem([[0.0, math.inf], [math.inf, 0.0]], [1, 1])
    few = p_median(apart, new_sites=1)
    assert few.status == "infeasible"
    assert "at least 2 sites" in few.reason
    assert p_median(apart, new_sites=1, unreachable_cost=9.0).objective == 9.0
    lost = p_median(SitingProblem([[0.0], [math.inf]], [1, 1]), new_sites=1)
    assert "1 demand rows" in lost.reason
    forced = SitingProblem([[0.0, 0.0]], [1], rules=SideRules(forced=(0, 1)))
    assert "2 sites are forced and at most 1" in p_median(forced, new_sites=1).reason
    nothing = SitingProblem([[0.0, 0.0]], [1], rules=SideRules(forbidden=(0, 1)))
    assert p_median(nothing, new_sites=1).status == "infeasible"
    assert p_median(nothing, new_sites=1, unreachable_cost=2.0).objective == 2.0


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"new_sites": -1}, "new_sites"),
        ({"new_sites": None}, "nothing limits"),
        ({"new_sites": 1, "unreachable_cost": math.nan}, "unreachable_cost"),
        ({"new_sites": 1, "time_limit_s": math.nan}, "time_limit_s"),
    ],
)
def test_nonsense_is_refused(question, told):
    with pytest.raises(SitingError, match=told):
        p_median(SitingProblem([[0.0, 1.0]], [1]), **question)


def test_a_middling_question_equals_the_plain_model_and_more_sites_never_cost_more():
    costs, weights = town(250, 40, 7, radius=800.0)
    problem = SitingProblem(costs, weights)
    plans = [p_median(problem, new_sites=p, unreachable_cost=1000.0) for p in (2, 4, 6, 8)]
    objectives = [plan.objective for plan in plans]
    assert objectives == sorted(objectives, reverse=True)
    assert all(plan.gap <= 1e-3 for plan in plans)
    plain = exact.solve_p_median(problem, new_sites=6, unreachable_cost=1000.0)
    assert plans[2].bound <= plain.objective * (1 + 1e-9)
    assert plans[2].objective == pytest.approx(plain.objective, rel=1e-3)
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(250), rng.permutation(40)
    again = p_median(SitingProblem(costs[rows][:, columns], weights[rows]), new_sites=6, unreachable_cost=1000.0)
    assert again.objective == pytest.approx(objectives[2])


def test_without_time_and_after_an_interrupt_the_bound_holds(monkeypatch):
    costs, weights = town(250, 40, 7, radius=800.0)
    problem = SitingProblem(costs, weights)
    best = p_median(problem, new_sites=6, unreachable_cost=1000.0)
    hasty = p_median(problem, new_sites=6, unreachable_cost=1000.0, time_limit_s=0.0)
    assert hasty.bound <= best.objective <= hasty.objective

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(median, "descend", interrupt)
    stopped = p_median(problem, new_sites=6, unreachable_cost=1000.0)
    assert stopped.stop_reason == "interrupted"
    assert stopped.bound <= best.objective <= stopped.objective
    assert len(stopped.chosen) == 6


def gains_of(table):
    columns = sparse.csc_array(table)
    columns.sort_indices()
    return median.Gains(columns.indptr.astype(np.int64), columns.indices.astype(np.int32), columns.data)


@settings(max_examples=80)
@given(st.lists(st.lists(st.integers(0, 9), min_size=6, max_size=6), min_size=1, max_size=8), st.integers(1, 4))
def test_the_swap_made_is_the_best_one_and_the_bound_holds(cells, n_sites):
    table = np.array(cells, dtype=float)
    gains, n_rows = gains_of(table), len(table)
    plan = np.arange(n_sites)
    worth = {some: table[:, some].max(axis=1).sum() for some in itertools.combinations(range(6), n_sites)}
    swaps = [tuple(sorted({*plan.tolist(), new} - {old})) for old in plan for new in range(n_sites, 6)]
    before = worth[tuple(range(n_sites))]
    most = max([worth[some] for some in swaps] + [before])
    saved = median.swap(gains, plan, n_rows, np.ones(6, dtype=bool))
    assert before + saved == most == worth[tuple(sorted(plan.tolist()))] == median.total_gain(gains, plan, n_rows)
    prices = table.max(axis=1) / 2.0
    bound, chosen = median.upper_bound(gains, prices, np.zeros(6), n_sites)
    assert bound >= max(worth.values()) - 1e-9
    assert len(chosen) == n_sites
    greedy = median.greedy(gains, np.empty(0, dtype=np.int64), n_sites, n_rows, np.ones(6, dtype=bool))
    assert median.total_gain(gains, greedy, n_rows) >= (1 - 1 / math.e) * max(worth.values()) - 1e-9
    assert not len(greedy) or table[:, greedy[0]].sum() == table.sum(axis=0).max()
