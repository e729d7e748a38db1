"""p-center: the best of all plans, a bound that always holds, and clear answers."""

import importlib
import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.kernels import setcover
from chongming_gis.siting import SideRules, SitingProblem, exact, highs, p_center, p_center_rows
from tests.siting import slow_checker
from tests.siting.question_strategies import RULES, questions
from tests.siting.test_lscp import PLAIN, town

center_module = importlib.import_module("chongming_gis.siting.p_center")  # the package has the function of that name


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


@settings(max_examples=60)
@given(problem=questions(rules=PLAIN, max_sites=8, max_rows=12), new_sites=st.integers(0, 9))
def test_the_plan_is_the_best_of_all(problem, new_sites):
    assert_is_best(p_center(problem, new_sites=new_sites), problem, new_sites)


@settings(max_examples=20)
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


def interrupt(*_, **__):
    raise KeyboardInterrupt


def end_early(*_, **__):
    """What HiGHS answers when it has heard Ctrl-C itself."""
    return highs.MipAnswer("unknown", np.empty(0), math.inf, -math.inf, is_out_of_time=False, is_interrupted=True)


@pytest.mark.parametrize("heard", [interrupt, end_early])
def test_after_an_interrupt_the_bound_holds(monkeypatch, heard):
    costs, weights = town(200, 40, 8, radius=2500.0)
    problem = SitingProblem(costs, weights)
    best = p_center(problem, new_sites=5).objective
    monkeypatch.setattr(highs, "solve", heard)
    plan = p_center(problem, new_sites=5)
    assert plan.stop_reason == "interrupted"
    assert plan.bound <= best <= plan.objective


@pytest.fixture
def without_linear_programs(monkeypatch):
    """Every question is taken for one that is too large for them."""
    for module in (center_module, p_center_rows):
        monkeypatch.setattr(module, "MOST_LP_PAIRS", 0)


@pytest.mark.usefixtures("without_linear_programs")
def test_a_question_too_large_for_linear_programs_has_the_same_answer(monkeypatch):
    costs, weights = town(200, 40, 8, radius=2500.0)
    problem = SitingProblem(costs, weights)
    plan = p_center(problem, new_sites=5)
    assert plan.status == "optimal"
    assert plan.objective == exact.solve_p_center(problem, new_sites=5).objective
    monkeypatch.setattr(setcover, "ascend", interrupt)
    stopped = p_center(problem, new_sites=5)
    assert stopped.stop_reason == "interrupted"
    assert stopped.bound <= plan.objective <= stopped.objective


def test_out_of_time_the_bound_holds():
    costs, weights = town(200, 40, 8, radius=2500.0)
    problem = SitingProblem(costs, weights)
    best = p_center(problem, new_sites=5).objective
    plan = p_center(problem, new_sites=5, time_limit_s=0.0)
    assert plan.status in {"feasible", "unknown"}
    assert plan.bound <= best <= plan.objective


@st.composite
def tables(draw):
    """Which of up to 7 candidates are near each of up to 9 rows; a row without any is served already."""
    shape = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    near = draw(st.lists(st.booleans(), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    return np.reshape(near, shape)


def covers(near, columns):
    return bool((near[:, list(columns)].any(axis=1) | ~near.any(axis=1)).all())


def fewest(near):
    """Return the least number of columns that cover all rows that any covers, by trying all sets."""
    columns = range(near.shape[1])
    return next(n for n in range(near.shape[1] + 1) if any(covers(near, some) for some in combinations(columns, n)))


@settings(max_examples=100)
@given(near=tables())
def test_what_is_left_of_a_question_has_the_answer_of_the_whole(near):
    rest = p_center_rows.within(sparse.csr_array(near.astype(float)))
    assert (rest.table.toarray() > 0).tolist() == near[np.ix_(rest.rows, rest.columns)].tolist()
    assert not near[np.ix_(rest.rows, rest.taken)].any()
    assert len(rest.taken) + fewest(rest.table.toarray() > 0) == fewest(near)


@settings(max_examples=60)
@given(near=tables())
def test_critical_rows_say_how_many_are_needed(near):
    question, needed = p_center_rows.within(sparse.csr_array(near.astype(float))), fewest(near)
    critical = p_center_rows.CriticalRows(len(near))
    prices = critical.prices(question, 10.0)
    assert p_center_rows.least_number(question, prices) <= needed + 1e-9
    assert p_center_rows.least_number(question, 3.0 * prices) <= needed + 1e-9
    met = []
    assert critical.ask(question, needed - 1, 10.0, met.append) == "no"
    assert critical.ask(question, needed, 10.0, met.append) == "yes"
    assert len(met[-1]) <= needed
    assert covers(near, met[-1])


@settings(max_examples=60)
@given(near=tables(), data=st.data())
def test_the_search_finds_so_many_columns_wherever_it_begins(near, data):
    question, needed = p_center_rows.within(sparse.csr_array(near.astype(float))), fewest(near)
    begin = np.array(data.draw(st.lists(st.booleans(), min_size=near.shape[1], max_size=near.shape[1])))
    assert p_center_rows.SwapSearch(question, begin, needed - 1, place=0).run(10.0, 300) is None
    found = p_center_rows.SwapSearch(question, begin, needed, place=0).run(10.0, 3000)
    assert len(found) <= needed
    assert covers(near, found)


def test_a_search_goes_on_where_it_stopped():
    near = np.eye(12) + np.roll(np.eye(12), 1, axis=1) + np.roll(np.eye(12), 2, axis=1)
    question = p_center_rows.within(sparse.csr_array(near))
    whole = p_center_rows.SwapSearch(question, np.zeros(12, dtype=bool), 3, place=0)
    parts = p_center_rows.SwapSearch(question, np.zeros(12, dtype=bool), 3, place=0)
    whole.run(10.0, 60)
    for _ in range(3):
        parts.run(10.0, 20)
    assert whole.state.counts[2] == parts.state.counts[2] == 60
    assert whole.state.is_chosen.tolist() == parts.state.is_chosen.tolist()
    assert whole.state.guide.tolist() == parts.state.guide.tolist()
