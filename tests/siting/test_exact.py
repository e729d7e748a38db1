"""Every model under every rule equals the best of all plans, and its bound holds."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.errors import SitingError
from chongming_gis.siting import SideRules, SitingProblem, exact, highs
from tests.siting import all_plans, slow_checker
from tests.siting.question_strategies import RULES, questions

MODELS = {
    "mclp": ("maximise", st.fixed_dictionaries({"standard": st.integers(0, 9), "new_sites": st.integers(0, 4)})),
    "lscp": ("minimise", st.fixed_dictionaries({"standard": st.integers(0, 9)})),
    "psclp": (
        "minimise",
        st.fixed_dictionaries({"standard": st.integers(0, 9), "share": st.sampled_from((0.0, 0.4, 0.9))}),
    ),
    "p_median": (
        "minimise",
        st.fixed_dictionaries(
            {"new_sites": st.integers(0, 4), "unreachable_cost": st.sampled_from((None, 0.0, 5.0, 20.0))}
        ),
    ),
    "p_center": ("minimise", st.fixed_dictionaries({"new_sites": st.integers(0, 4)})),
}


def assert_is_best(problem, model, question):
    sense, _ = MODELS[model]
    judge = getattr(slow_checker, model)
    plan = getattr(exact, f"solve_{model}")(problem, **question)
    best = slow_checker.best(problem, judge, sense, **question)
    if best is None:
        assert plan.status == "infeasible"
        assert plan.reason
        assert not len(plan.chosen)
        return
    obeys, objective = judge(problem, set(plan.chosen.tolist()), set(plan.closed.tolist()), **question)
    assert obeys
    assert plan.objective == pytest.approx(objective, rel=1e-12)
    assert plan.objective == pytest.approx(best, rel=1e-9)
    assert plan.status == "optimal"
    assert plan.stop_reason == "proven"
    assert plan.bound == plan.objective


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("model", sorted(MODELS))
@settings(max_examples=10)
@given(data=st.data())
def test_each_model_under_each_rule_is_the_best_of_all_plans(model, rule, data):
    assert_is_best(data.draw(questions(rules=(rule,))), model, data.draw(MODELS[model][1]))


@pytest.mark.parametrize("model", sorted(MODELS))
@settings(max_examples=30)
@given(data=st.data())
def test_each_model_under_several_rules_is_the_best_of_all_plans(model, data):
    assert_is_best(data.draw(questions()), model, data.draw(MODELS[model][1]))


@pytest.mark.parametrize("model", sorted(MODELS))
@settings(max_examples=15)
@given(data=st.data())
def test_all_plans_at_once_are_judged_like_one_at_a_time(model, data):
    problem, question = data.draw(questions(max_sites=6)), data.draw(MODELS[model][1])
    good, objective = getattr(all_plans, model)(problem, all_plans.every_choice(problem), **question)
    told = {
        tuple(is_open): (bool(obeys), value if obeys else None)
        for is_open, obeys, value in zip(all_plans.every_choice(problem), good, objective, strict=True)
    }
    for built, closed in slow_checker.every_plan(problem):
        is_open = np.zeros(problem.n_sites, dtype=bool)
        is_open[sorted(slow_checker.open_sites(problem, built, closed))] = True
        obeys, value = getattr(slow_checker, model)(problem, built, closed, **question)
        assert told.pop(tuple(is_open)) == (obeys, pytest.approx(value) if obeys else None)
    assert not told


def line(**settings):
    """Four villages of 10, 20, 30, 40 people; a site in each, and one between the first two; nobody reaches village 4's
    site but its own people."""
    no = math.inf
    costs = [[0, no, no, no, 2], [no, 0, no, no, 2], [no, no, 0, no, no], [no, no, no, 0, no]]
    return SitingProblem(np.array(costs, dtype=float), [10, 20, 30, 40], **settings)


def test_one_site_covers_the_largest_village_and_two_the_two_largest():
    assert exact.solve_mclp(line(), standard=5.0, new_sites=1).chosen.tolist() == [3]
    plan = exact.solve_mclp(line(), standard=5.0, new_sites=3)
    assert (plan.chosen.tolist(), plan.objective) == ([2, 3, 4], 100.0)


def test_new_sites_is_a_most_and_useless_sites_are_not_built():
    plan = exact.solve_mclp(line(existing=[0, 1, 2, 3]), standard=5.0, new_sites=1)
    assert not len(plan.chosen)
    assert plan.objective == 100.0
    assert plan.status == "optimal"


def test_a_standard_may_differ_by_row():
    plan = exact.solve_mclp(line(), standard=[1.0, 2.0, 0.0, 0.0], new_sites=5)
    assert plan.objective == 100.0
    strict = exact.solve_lscp(line(rules=SideRules(forbidden=(0,))), standard=[1.0, 2.0, 0.0, 0.0])
    assert strict.status == "infeasible"
    assert "forbidden sites [0]" in strict.reason


def test_as_many_sites_as_the_budget_allows():
    costs = [5.0, 5.0, 5.0, 5.0, 8.0]
    plan = exact.solve_mclp(line(site_costs=costs, rules=SideRules(budget=13.0)), standard=5.0, new_sites=None)
    assert (plan.chosen.tolist(), plan.objective) == ([2, 3], 70.0)
    poor = exact.solve_mclp(line(site_costs=costs, rules=SideRules(budget=4.9)), standard=5.0, new_sites=None)
    assert (poor.status, poor.objective, poor.chosen.tolist()) == ("optimal", 0.0, [])


def test_closing_a_site_pays_for_another():
    costs = [5.0, 5.0, 5.0, 5.0, 8.0]
    rules = SideRules(budget=0.0, closable=(0,))
    plan = exact.solve_mclp(line(existing=[0], site_costs=costs, rules=rules), standard=5.0, new_sites=None)
    assert (plan.chosen.tolist(), plan.closed.tolist(), plan.objective) == ([3], [0], 40.0)


def test_a_target_of_people_instead_of_a_number_of_sites():
    plan = exact.solve_psclp(line(), standard=5.0, weight=65.0)
    assert (plan.objective, plan.status) == (2.0, "optimal")
    assert exact.solve_psclp(line(), standard=5.0, share=1.0).chosen.tolist() == [2, 3, 4]
    too_many = exact.solve_psclp(line(), standard=5.0, weight=101.0)
    assert too_many.status == "infeasible"
    assert "target: 101 of 100 is too much; the other rules allow at most 100" in too_many.reason


def test_who_may_not_use_a_site_is_never_served_by_it():
    # site 0 is next door to both rows but serves the first alone
    problem = SitingProblem(np.array([[1.0, 9.0], [math.inf, 9.0]]), [1, 100])
    assert exact.solve_mclp(problem, standard=5.0, new_sites=1).objective == 1.0
    assert exact.solve_p_median(problem, new_sites=1).chosen.tolist() == [1]
    assert exact.solve_p_center(problem, new_sites=1).chosen.tolist() == [1]
    assert exact.solve_p_median(problem, new_sites=1, unreachable_cost=10.0).assigned.tolist() == [1, 1]


def test_p_median_and_p_center_say_who_goes_where():
    plan = exact.solve_p_median(line(), new_sites=3)
    assert (plan.chosen.tolist(), plan.objective, plan.assigned.tolist()) == ([2, 3, 4], 60.0, [4, 4, 2, 3])
    plan = exact.solve_p_center(line(), new_sites=4)
    assert (plan.objective, plan.assigned.tolist()) == (0.0, [0, 1, 2, 3])


@pytest.mark.parametrize("model", sorted(MODELS))
@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0)])
def test_nobody_or_no_site_is_an_answer(model, shape):
    question = {"mclp": {"standard": 1.0, "new_sites": 2}, "lscp": {"standard": 1.0}}
    question |= {"psclp": {"standard": 1.0, "share": 0.5}, "p_median": {"new_sites": 2}, "p_center": {"new_sites": 2}}
    problem = SitingProblem(np.empty(shape), np.ones(shape[0]))
    plan = getattr(exact, f"solve_{model}")(problem, **question[model])
    assert plan.status == ("infeasible" if shape[0] and model in {"psclp", "p_median", "p_center"} else "optimal")
    assert bool(plan.reason) == (plan.status == "infeasible")


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"standard": -1.0, "new_sites": 1}, "standard"),
        ({"standard": math.nan, "new_sites": 1}, "standard"),
        ({"standard": [1.0, 2.0], "new_sites": 1}, "4 rows"),
        ({"standard": 1.0, "new_sites": -1}, "new_sites: -1"),
        ({"standard": 1.0, "new_sites": None}, "nothing limits"),
        ({"standard": 1.0, "new_sites": 1, "time_limit_s": math.nan}, "time_limit_s"),
        ({"standard": 1.0, "new_sites": 1, "target_gap": -0.1}, "target_gap"),
    ],
)
def test_what_is_no_question_is_refused(question, told):
    with pytest.raises(SitingError, match=told):
        exact.solve_mclp(line(), **question)


def test_a_target_needs_one_number():
    for wrong in ({}, {"share": 0.5, "weight": 3.0}, {"share": 1.5}, {"weight": -1.0}):
        with pytest.raises(SitingError):
            exact.solve_psclp(line(), standard=1.0, **wrong)
    with pytest.raises(SitingError, match="unreachable_cost"):
        exact.solve_p_median(line(), new_sites=1, unreachable_cost=math.nan)


def hard(n_rows=150, n_sites=60):
    """A question that takes HiGHS longer than the tests allow it."""
    rng = np.random.default_rng(3)
    where, sites = rng.random((n_rows, 2)), rng.random((n_sites, 2))
    costs = np.linalg.norm(where[:, None] - sites[None], axis=2)
    return SitingProblem(costs, rng.integers(1, 30, n_rows) + rng.random(n_rows), rules=SideRules(at_most={-1: 12}))


def test_a_bound_holds_when_time_ends():
    best = exact.solve_p_median(hard(), new_sites=8)
    assert best.status == "optimal"
    short = exact.solve_p_median(hard(), new_sites=8, time_limit_s=0.01)
    assert short.status in {"feasible", "unknown"}
    assert short.stop_reason == "time limit"
    assert short.bound <= best.objective <= short.objective
    assert short.reason or short.status == "feasible"


def test_a_target_gap_ends_the_search_with_a_bound_that_holds():
    best = exact.solve_p_median(hard(), new_sites=8)
    rough = exact.solve_p_median(hard(), new_sites=8, target_gap=0.2)
    assert rough.bound <= best.objective <= rough.objective
    assert rough.gap <= 0.2 + 1e-9
    assert rough.stop_reason == ("proven" if rough.status == "optimal" else "target gap")


def test_more_sites_are_never_worse():
    reached = [exact.solve_mclp(hard(), standard=0.2, new_sites=p).objective for p in range(6)]
    assert reached == sorted(reached)
    costs = [exact.solve_p_center(hard(40, 20), new_sites=p).objective for p in range(1, 6)]
    assert costs == sorted(costs, reverse=True)


@settings(max_examples=20)
@given(questions(), st.randoms(use_true_random=False))
def test_another_order_of_sites_and_rows_changes_nothing(problem, random):
    rows, sites = list(range(problem.n_demand)), list(range(problem.n_sites))
    random.shuffle(rows)
    random.shuffle(sites)
    at = {site: new for new, site in enumerate(sites)}
    rules = problem.rules
    moved = SideRules(
        rules.budget, rules.at_least, rules.at_most, tuple(at[s] for s in rules.forced),
        tuple(at[s] for s in rules.forbidden), tuple(tuple(at[s] for s in group) for group in rules.exclusive),
        tuple((at[a], at[b]) for a, b in rules.spacing), rules.floor, tuple(at[s] for s in rules.closable),
    )  # fmt: skip
    other = SitingProblem(
        problem.costs[rows][:, sites], problem.weights[rows], existing=[at[s] for s in problem.existing.tolist()],
        site_costs=problem.site_costs[sites], demand_areas=problem.demand_areas[rows],
        site_areas=problem.site_areas[sites], rules=moved,
    )  # fmt: skip
    for model, question in (
        ("mclp", {"standard": 5, "new_sites": 2}),
        ("p_median", {"new_sites": 2, "unreachable_cost": 9.0}),
    ):
        one, two = (getattr(exact, f"solve_{model}")(p, **question) for p in (problem, other))
        assert (one.status, one.objective, one.bound) == (two.status, two.objective, two.bound)


@settings(max_examples=20)
@given(questions(rules=("budget", "floor", "at_most")))
def test_rows_that_are_split_in_two_change_nothing(problem):
    twice = SitingProblem(
        problem.costs[np.repeat(np.arange(problem.n_demand), 2)],
        np.stack([problem.weights - problem.weights // 2, problem.weights // 2], axis=1).ravel(),
        existing=problem.existing, site_costs=problem.site_costs,
        demand_areas=np.repeat(problem.demand_areas, 2), site_areas=problem.site_areas, rules=problem.rules,
    )  # fmt: skip
    for one, two in ((exact.solve_mclp(p, standard=5, new_sites=2) for p in (problem, twice)),):
        assert (one.status, one.objective) == (two.status, two.objective)


def test_an_interrupted_search_gives_the_best_found_with_its_bound(monkeypatch):
    solve = highs.solve

    def interrupted(model, **settings):
        found = solve(model, **settings)
        return replace(found, outcome="feasible", bound=found.bound + 7.0, is_interrupted=True)

    monkeypatch.setattr(highs, "solve", interrupted)
    plan = exact.solve_mclp(line(), standard=5.0, new_sites=1)
    assert (plan.status, plan.stop_reason, plan.chosen.tolist()) == ("feasible", "interrupted", [3])
    assert (plan.objective, plan.bound) == (40.0, 47.0)


def test_a_plan_that_is_neither_found_nor_excluded_is_unknown_not_infeasible(monkeypatch):
    nothing = highs.MipAnswer("unknown", np.empty(0), -math.inf, 90.0, is_out_of_time=True)
    monkeypatch.setattr(highs, "solve", lambda *_, **__: nothing)
    plan = exact.solve_mclp(line(existing=[0]), standard=5.0, new_sites=1)
    assert (plan.status, plan.stop_reason, plan.bound) == ("unknown", "time limit", 100.0)
    assert "give more time" in plan.reason
