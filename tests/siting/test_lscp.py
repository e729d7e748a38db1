"""Cheapest cover of everyone, or of a share: the best of all plans, a bound that always holds, and clear answers."""

import importlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.kernels import setcover
from chongming_gis.siting import SideRules, SitingProblem, exact, lscp, psclp, set_cover, set_cover_parts
from tests.siting import slow_checker
from tests.siting.question_strategies import RULES, questions

PLAIN = ("forced", "forbidden", "spacing")
SHARES = st.sampled_from((0.0, 0.3, 0.5, 0.9, 1.0))


def town(n_demand, n_sites, seed, radius=250.0):
    """People around some centres of a strip, sites where some of them live; all pairs within a radius."""
    rng = np.random.default_rng(seed)
    people = rng.uniform((0, 0), (2000, 800), (20, 2))[rng.integers(0, 20, n_demand)] + rng.normal(0, 90, (n_demand, 2))
    sites = people[rng.choice(n_demand, n_sites, replace=False)] + rng.normal(0, 10, (n_sites, 2))
    costs = np.hypot(*(people[:, None] - sites[None]).transpose(2, 0, 1))
    return np.where(costs <= radius, costs, np.inf), rng.integers(1, 30, n_demand).astype(float)


def assert_is_best(plan, problem, judge, question):
    best = slow_checker.best(problem, judge, "minimise", **question)
    if best is None:
        assert plan.status == "infeasible"
        assert plan.reason
        return
    obeys, objective = judge(problem, set(plan.chosen.tolist()), set(plan.closed.tolist()), **question)
    assert obeys
    assert plan.status == "optimal"
    assert plan.stop_reason == "proven"
    assert plan.objective == plan.bound == pytest.approx(objective) == pytest.approx(best)


@settings(max_examples=40)
@given(problem=questions(rules=PLAIN, max_rows=14), standard=st.integers(0, 9))
def test_lscp_is_the_best_of_all_plans(problem, standard):
    assert_is_best(lscp(problem, standard=standard), problem, slow_checker.lscp, {"standard": standard})


@settings(max_examples=40)
@given(problem=questions(rules=PLAIN, max_rows=14), standard=st.integers(0, 9), share=SHARES)
def test_psclp_is_the_best_of_all_plans(problem, standard, share):
    question = {"standard": standard, "share": share}
    assert_is_best(psclp(problem, **question), problem, slow_checker.psclp, question)


@settings(max_examples=25)
@given(problem=questions(rules=RULES), standard=st.integers(0, 9), share=SHARES)
def test_every_other_rule_binds_too(problem, standard, share):
    assert_is_best(lscp(problem, standard=standard), problem, slow_checker.lscp, {"standard": standard})
    question = {"standard": standard, "share": share}
    assert_is_best(psclp(problem, **question), problem, slow_checker.psclp, question)


def test_a_worked_case_with_people_out_of_reach():
    """Villages of 10, 20, 30, 5 people; a site between the first two, three in all; none near the last."""
    no = math.inf
    costs = [[1, 0, no, no], [1, no, 0, no], [no, no, no, 0], [9, no, no, no]]
    problem = SitingProblem(costs, [10, 20, 30, 5])
    plan = lscp(problem, standard=2)
    assert plan.chosen.tolist() == [0, 3]
    assert plan.objective == plan.bound == 2
    assert plan.unreachable_weight == 5
    assert psclp(problem, standard=2, share=0.4).chosen.tolist() == [0] or psclp(
        problem, standard=2, share=0.4
    ).chosen.tolist() == [3]
    assert psclp(problem, standard=2, weight=31).chosen.tolist() == [0, 3]
    everyone = psclp(problem, standard=2, share=1.0)
    assert everyone.status == "infeasible"
    assert "65 must be covered" in everyone.reason.replace("65 of 65", "65")
    assert everyone.unreachable_weight == 5


def test_costs_decide_where_they_differ():
    costs = [[0, 0, math.inf], [0, math.inf, 0]]
    problem = SitingProblem(costs, [1, 1], site_costs=[5.0, 2.0, 2.5])
    assert lscp(problem, standard=0).chosen.tolist() == [1, 2]
    assert lscp(problem, standard=0).objective == 4.5
    dear = SitingProblem(costs, [1, 1], site_costs=[4.0, 2.0, 2.5])
    assert lscp(dear, standard=0).chosen.tolist() == [0]


def test_existing_sites_cover_first_and_cost_nothing():
    problem = SitingProblem([[0, 1], [math.inf, 0]], [1, 1], existing=[1], site_costs=[3, 4])
    plan = lscp(problem, standard=1)
    assert plan.chosen.tolist() == []
    assert plan.objective == plan.bound == 0
    assert plan.status == "optimal"


def test_a_forbidden_site_that_alone_could_cover_is_named():
    problem = SitingProblem([[0.0, math.inf], [math.inf, 0.0]], [3, 4], rules=SideRules(forbidden=(1,)))
    plan = lscp(problem, standard=1)
    assert plan.status == "infeasible"
    assert "forbidden" in plan.reason
    assert "weight 4" in plan.reason
    assert (
        "forced" in lscp(SitingProblem([[0.0]], [1], rules=SideRules(forced=(0,), forbidden=(0,))), standard=1).reason
    )


def test_nobody_reachable_and_nobody_at_all():
    nobody = lscp(SitingProblem(np.full((3, 2), np.inf), [1, 2, 3]), standard=5)
    assert nobody.objective == nobody.bound == 0
    assert nobody.unreachable_weight == 6
    assert lscp(SitingProblem(np.empty((0, 2)), []), standard=5).status == "optimal"
    assert psclp(SitingProblem(np.empty((0, 2)), []), standard=5, share=1.0).status == "optimal"
    assert psclp(SitingProblem(np.full((3, 2), np.inf), [1, 2, 3]), standard=5, share=0.0).objective == 0


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda p: lscp(p, standard=math.nan), "standard"),
        (lambda p: lscp(p, standard=[1, 2, 3]), "standard: has shape"),
        (lambda p: lscp(p, standard=1, time_limit_s=-1, target_gap=math.nan), "time_limit_s.*\n?.*target_gap"),
        (lambda p: psclp(p, standard=1), "either the share"),
        (lambda p: psclp(p, standard=1, share=0.5, weight=3), "either the share"),
        (lambda p: psclp(p, standard=1, share=1.5), "share: 1.5"),
        (lambda p: psclp(p, standard=1, weight=-2), "weight: -2"),
    ],
)
def test_nonsense_is_refused(ask, told):
    with pytest.raises(SitingError, match=told):
        ask(SitingProblem([[0.0, 1.0], [1.0, 0.0]], [1, 1]))


def test_a_middling_question_equals_the_plain_model():
    costs, weights = town(500, 70, 3)
    problem = SitingProblem(costs, weights)
    assert lscp(problem, standard=200).objective == exact.solve_lscp(problem, standard=200).objective
    partial = psclp(problem, standard=200, share=0.8)
    assert partial.status == "optimal"
    assert partial.objective == exact.solve_psclp(problem, standard=200, share=0.8).objective


@settings(max_examples=40)
@given(problem=questions(rules=PLAIN, max_rows=14), standard=st.integers(0, 9), share=SHARES)
def test_asking_mclp_for_the_fewest_sites_is_the_best_too(problem, standard, share):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("chongming_gis.siting.lscp"), "_MANY_PAIRS", 0)
        problem = SitingProblem(
            problem.costs, problem.weights, existing=problem.existing, site_costs=np.full(problem.n_sites, 2.0),
            rules=problem.rules,
        )  # fmt: skip
        question = {"standard": standard, "share": share}
        assert_is_best(psclp(problem, **question), problem, slow_checker.psclp, question)


def test_unequal_costs_equal_the_plain_model():
    costs, weights = town(400, 60, 4)
    money = np.random.default_rng(1).uniform(1, 3, 60)
    problem = SitingProblem(costs, weights, site_costs=money)
    plan = lscp(problem, standard=200)
    assert plan.objective == pytest.approx(exact.solve_lscp(problem, standard=200).objective)
    assert plan.status == "optimal"


def test_renumbering_keeps_the_objective_and_a_longer_standard_never_costs_more():
    costs, weights = town(300, 50, 5)
    rng = np.random.default_rng(2)
    rows, columns = rng.permutation(300), rng.permutation(50)
    reach = [lscp(SitingProblem(costs, weights), standard=some).objective for some in (200, 225, 250)]
    again = [
        lscp(SitingProblem(costs[rows][:, columns], weights[rows]), standard=some).objective for some in (200, 225, 250)
    ]
    assert reach == again
    shares = [psclp(SitingProblem(costs, weights), standard=150, share=some).objective for some in (0.2, 0.4, 0.6, 0.8)]
    assert shares == sorted(shares)


def test_without_time_a_plan_comes_back_with_a_bound_that_holds():
    costs, weights = town(500, 70, 3)
    problem = SitingProblem(costs, weights)
    best = lscp(problem, standard=200).objective
    plan = lscp(problem, standard=200, time_limit_s=0.0)
    obeys, objective = slow_checker.lscp(problem, set(plan.chosen.tolist()), set(), standard=200)
    assert obeys
    assert objective == plan.objective
    assert plan.bound <= best <= plan.objective
    assert (plan.status == "optimal") == (plan.bound == plan.objective)
    assert lscp(problem, standard=200, target_gap=0.5).gap <= 0.5


def test_an_interrupt_returns_the_best_found(monkeypatch):
    costs, weights = town(900, 150, 3)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(setcover, "ascend", interrupt)
    plan = lscp(SitingProblem(costs, weights), standard=250)
    assert plan.stop_reason == "interrupted"
    assert plan.status == "feasible"
    assert plan.bound <= plan.objective
    assert slow_checker.lscp(SitingProblem(costs, weights), set(plan.chosen.tolist()), set(), standard=250)[0]


@pytest.mark.parametrize("whether", [1.0, 1e9])
def test_a_part_too_large_for_the_solver_is_answered_with_a_bound_that_holds(whether, monkeypatch):
    monkeypatch.setattr(set_cover, "_WHOLE_PAIRS", 1)
    monkeypatch.setattr(set_cover, "_WHETHER", whether)  # 1: the solver is not asked at all
    problem = SitingProblem(*town(400, 60, 6))
    best = exact.solve_lscp(problem, standard=220)
    plan = lscp(problem, standard=220)
    assert plan.bound <= best.objective <= plan.objective
    assert plan.bound >= best.objective - 1.0
    if whether > 1.0:
        assert plan.stop_reason == "proven"


@settings(max_examples=60)
@given(
    cells=st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=8),
    prices=st.lists(st.integers(1, 3), min_size=6, max_size=6),
)
def test_what_is_left_out_is_covered_by_what_stays(cells, prices):
    table = sparse.csr_array(np.array(cells, dtype=float))
    table = table[np.flatnonzero(np.diff(table.indptr) > 0)]
    money = np.array(prices, dtype=float)
    cover = set_cover_parts.as_cover(table, money, np.ones(table.shape[0]), 0.0)
    rows = [set(row) for row in np.split(table.indices, table.indptr[1:-1])] if table.shape[0] else []
    order = np.argsort(np.diff(cover.row_ptr), kind="stable")
    kept = setcover.undominated_rows(cover.row_ptr, cover.row_columns, order, np.diff(cover.column_ptr))
    for at, row in enumerate(rows):
        inside = [other for i, other in enumerate(rows) if kept[i] and other <= row]
        assert inside, "a row left out contains all columns of one that stays"
        if kept[at]:
            assert sum(other == row for other in inside) == 1
    columns = [set(np.flatnonzero([j in row for row in rows]).tolist()) for j in range(6)]
    stays = setcover.undominated_columns(cover)
    for j in np.flatnonzero(~stays):
        assert not columns[j] or any(columns[j] <= columns[k] and money[k] <= money[j] for k in np.flatnonzero(stays))


@settings(max_examples=60)
@given(
    cells=st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=6),
    prices=st.lists(st.floats(0.0, 3.0), min_size=6, max_size=6),
    missing=st.sampled_from((0.0, 1.0, 2.5)),
)
def test_the_bound_of_any_multipliers_holds(cells, prices, missing):
    table = sparse.csr_array(np.array(cells, dtype=float))
    table = table[np.flatnonzero(np.diff(table.indptr) > 0)]
    n_rows = table.shape[0]
    weights = np.arange(1.0, n_rows + 1.0)
    cover = set_cover_parts.as_cover(table, np.ones(5), weights, missing)
    bound = setcover.lower_bound(cover, np.array(prices)[:n_rows], np.empty(5), np.empty(n_rows))
    plans = [[j for j in range(5) if code >> j & 1] for code in range(32)]
    left = [weights[~set_cover_parts.covered_rows(table, np.array(plan, dtype=int))].sum() for plan in plans]
    best = min(len(plan) for plan, some in zip(plans, left, strict=True) if some <= missing)
    assert bound <= best + 1e-6
