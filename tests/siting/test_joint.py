"""Joint plans against trying every pair of plans, and the saving on shared ground worked by hand."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.errors import SitingError
from chongming_gis.siting import SideRules, SitingProblem
from chongming_gis.siting.joint import ALONE, JointPart, plan_apart, plan_jointly, savings
from tests.siting import slow_checker as slow
from tests.siting.question_strategies import questions

INF = np.inf
STANDARD = 5.0


def part(name, table, persons, cost, *, ground=None, rules=None, **more):
    table = np.array(table, dtype=float)
    problem = SitingProblem(table, persons, site_costs=np.full(table.shape[1], float(cost)), rules=rules)
    return JointPart(name, problem, STANDARD, np.arange(table.shape[1]) if ground is None else np.array(ground), **more)


TWO = [[1, INF], [INF, 1]]  # each ground reaches one village


def centre_and_kitchen(**more):
    """A centre for 10 reaches 50 or 49 people, a kitchen for 5 30 or 20; grounds 0 and 1 are the same for both."""
    return [part("centre", TWO, [50, 49], 10, **more), part("kitchen", TWO, [20, 30], 5)]


def test_a_shared_site_saves_and_what_is_saved_buys_more():
    """14 buy a centre and, at 4 instead of 5, a kitchen on the same ground: 49 + 30 beats 50 + 20."""
    plan = plan_jointly(centre_and_kitchen(), budget=14.0, saving=0.2)
    assert plan.status == "optimal"
    assert [p.chosen.tolist() for p in plan.plans] == [[1], [1]]
    assert [s.tolist() for s in plan.saved] == [[0.0], [1.0]]
    assert (plan.objective, plan.bound, plan.spent) == (79.0, 79.0, 14.0)


def test_without_a_saving_or_on_other_ground_the_money_buys_one_of_them():
    plan = plan_jointly(centre_and_kitchen(), budget=14.0, saving=0.0)
    assert plan.objective == 50.0  # a centre, or two kitchens
    apart = [part("centre", TWO, [50, 49], 10), part("kitchen", TWO, [20, 30], 5, ground=[ALONE, ALONE])]
    assert plan_jointly(apart, budget=14.0, saving=0.2).objective == 50.0


def test_only_the_cheaper_one_saves():
    """Were the dearer one the second, 13 would do for both."""
    plan = plan_jointly(centre_and_kitchen(), budget=13.0, saving=0.2)
    assert plan.objective == 50.0
    three = [part(name, [[1]], [1], cost) for name, cost in (("a", 4), ("b", 6), ("c", 5))]
    plan = plan_jointly(three, budget=13.5, saving=0.5)  # 6 + 2.5 + 2
    assert plan.spent == 10.5
    assert [s.tolist() for s in plan.saved] == [[2.0], [0.0], [2.5]]


def test_planned_apart_each_has_its_own_money_and_knows_nothing_of_the_others():
    parts = centre_and_kitchen()
    apart = plan_apart(parts, [10.0, 5.0], saving=0.2)
    assert [p.chosen.tolist() for p in apart.plans] == [[0], [1]]
    assert (apart.objective, apart.spent, apart.status) == (80.0, 15.0, "optimal")
    together = plan_jointly(parts, budget=15.0, saving=0.2)
    assert together.objective == 80.0
    by_chance = plan_apart([parts[0], part("kitchen", TWO, [30, 20], 5)], [10.0, 5.0], saving=0.2)
    assert (by_chance.spent, [s.tolist() for s in by_chance.saved]) == (14.0, [[0.0], [1.0]])


def test_weights_say_what_a_person_counts():
    parts = [part("centre", TWO, [50, 49], 10), part("kitchen", TWO, [20, 30], 5, weight=2.0)]
    plan = plan_jointly(parts, budget=10.0, saving=0.0)
    assert (plan.objective, [p.chosen.tolist() for p in plan.plans]) == (100.0, [[], [0, 1]])


def test_the_least_of_a_service_is_built_whatever_covers_more():
    parts = [part("centre", TWO, [5, 4], 10, at_least=1), part("kitchen", TWO, [20, 30], 5)]
    plan = plan_jointly(parts, budget=15.0, saving=0.2)
    assert [len(p.chosen) for p in plan.plans] == [1, 1]
    most = [part("centre", TWO, [5, 4], 10), part("kitchen", TWO, [20, 30], 5, new_sites=1)]
    assert [len(p.chosen) for p in plan_jointly(most, budget=10.0, saving=0.0).plans] == [0, 1]


@pytest.mark.parametrize(
    ("parts", "budget", "told"),
    [
        (centre_and_kitchen(), 4.0, "budget: 4 buys nothing; the cheapest site of any service costs 5"),
        (centre_and_kitchen(at_least=2), 19.0, "budget: 19 is too little; the rules of the services cost at least 20"),
        (centre_and_kitchen(at_least=3), 99.0, "centre: at_least 3, but only 2 candidates"),
        (centre_and_kitchen(rules=SideRules(at_least={7: 1})), 99.0, "centre: .*at_least of area 7"),
        ([part("a", TWO, [1, 1], 5, rules=SideRules(forbidden=(0, 1)))] * 1, 9.0, "no service has a site left"),
    ],
)
def test_no_plan_is_an_answer_with_the_reason(parts, budget, told):
    plan = plan_jointly(parts, budget=budget, saving=0.2)
    assert (plan.status, plan.objective) == ("infeasible", -math.inf)
    assert all(len(own.chosen) == 0 for own in plan.plans)
    assert re.search(told, plan.reason), plan.reason


@pytest.mark.parametrize(
    ("parts", "budget", "saving", "told"),
    [
        ([], 1.0, 0.0, "no service"),
        (centre_and_kitchen(), -1.0, 0.0, "budget"),
        (centre_and_kitchen(), math.nan, 0.0, "budget"),
        (centre_and_kitchen(), 1.0, 1.5, "saving"),
        (centre_and_kitchen(weight=-1.0), 1.0, 0.0, "weight"),
        (centre_and_kitchen(at_least=2, new_sites=1), 1.0, 0.0, "at_least"),
        ([part("a", TWO, [1, 1], 5, ground=[0])], 9.0, 0.0, "ground has shape"),
        ([part("a", TWO, [1, 1], 5, ground=[3, 3])], 9.0, 0.0, "same ground"),
    ],
)
def test_questions_that_mean_nothing_are_refused(parts, budget, saving, told):
    with pytest.raises(SitingError, match=told):
        plan_jointly(parts, budget=budget, saving=saving)


def test_one_budget_a_service_is_needed():
    with pytest.raises(SitingError, match="1 for 2 services"):
        plan_apart(centre_and_kitchen(), [1.0], saving=0.0)


def saved_slowly(parts, chosen, saving):
    """All but the dearest on each ground (the first of equals) save their share."""
    total = 0.0
    grounds = {int(p.ground[j]) for p, sites in zip(parts, chosen, strict=True) for j in sites} - {ALONE}
    for ground in grounds:
        costs = [
            float(p.problem.site_costs[j])
            for p, sites in zip(parts, chosen, strict=True)
            for j in sites
            if p.ground[j] == ground
        ]
        total += saving * (sum(costs) - max(costs))
    return total


def best_pair(parts, budget, saving):
    """The best weighted cover of every combination of plans; None where none obeys."""
    choices = []
    for one in parts:
        own = []
        for built, _ in slow.every_plan(one.problem):
            obeys, reached = slow.mclp(one.problem, built, set(), standard=STANDARD, new_sites=one.new_sites)
            if obeys and len(built) >= one.at_least:
                own.append((built, one.weight * reached))
        choices.append(own)
    best = None
    for combination in itertools.product(*choices):
        chosen = [built for built, _ in combination]
        price = sum(p.problem.site_costs[list(c)].sum() for p, c in zip(parts, chosen, strict=True))
        if price - saved_slowly(parts, chosen, saving) <= budget + 1e-9:
            value = sum(value for _, value in combination)
            best = value if best is None else max(best, value)
    return best


@st.composite
def joint_questions(draw):
    parts = []
    for number in range(draw(st.integers(1, 3))):
        problem = draw(questions(("at_least", "forced", "spacing", "floor", "budget"), max_sites=4, max_rows=5))
        ground = draw(st.permutations(range(6)))[: problem.n_sites]
        alone = draw(st.lists(st.booleans(), min_size=problem.n_sites, max_size=problem.n_sites))
        parts.append(
            JointPart(
                f"s{number}",
                problem,
                STANDARD,
                np.where(alone, ALONE, ground),
                float(draw(st.integers(0, 3))),
                at_least=draw(st.integers(0, 1)),
            )
        )
    return parts, float(draw(st.integers(0, 12))), draw(st.sampled_from((0.0, 0.25, 1.0)))


@settings(max_examples=40)
@given(joint_questions())
def test_it_finds_what_trying_every_combination_finds(question):
    parts, budget, saving = question
    plan, best = plan_jointly(parts, budget=budget, saving=saving), best_pair(parts, budget, saving)
    if plan.status == "infeasible":
        cheapest = min((p.problem.site_costs[p.problem.candidates].min(initial=INF) for p in parts), default=INF)
        assert plan.reason
        assert best is None or budget < cheapest or cheapest == INF
        return
    assert plan.status == "optimal"
    assert plan.objective == pytest.approx(best)
    assert plan.bound >= plan.objective
    chosen = [set(own.chosen.tolist()) for own in plan.plans]
    price = sum(p.problem.site_costs[list(c)].sum() for p, c in zip(parts, chosen, strict=True))
    assert plan.spent == pytest.approx(price - saved_slowly(parts, chosen, saving))
    assert plan.spent <= budget + 1e-6
    assert sum(s.sum() for s in savings(parts, plan.plans, saving=saving)) == pytest.approx(price - plan.spent)


@settings(max_examples=15)
@given(joint_questions())
def test_more_money_and_more_saving_never_cover_fewer(question):
    parts, budget, saving = question
    less = plan_jointly(parts, budget=budget, saving=saving).objective
    assert plan_jointly(parts, budget=budget + 2.0, saving=saving).objective >= less - 1e-9
    assert plan_jointly(parts, budget=budget, saving=1.0).objective >= less - 1e-9


def test_little_time_still_gives_a_bound_that_holds():
    generator = np.random.default_rng(7)
    people, sites = generator.random((300, 2)) * 10, generator.random((30, 2)) * 10
    apart = np.hypot(*(people[:, None] - sites[None]).transpose(2, 0, 1))
    apart[apart > 2.0] = INF
    parts = [part("a", apart, np.ones(300), 3), part("b", apart, np.ones(300), 1)]
    best = plan_jointly(parts, budget=9.0, saving=0.2)
    hasty = plan_jointly(parts, budget=9.0, saving=0.2, time_limit_s=0.0)
    assert hasty.bound >= best.objective - 1e-6
    assert hasty.objective <= best.bound + 1e-6
