"""What a floor costs, and the highest floor there is, against every plan."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.siting import SideRules, SitingProblem
from chongming_gis.siting.equity import floor_frontier, floor_price, highest_floor
from tests.siting import all_plans
from tests.siting.question_strategies import questions


def two_areas(**rules):
    """Area 1 has three large villages, area 2 two small ones; a site each."""
    costs = np.full((5, 5), math.inf)
    np.fill_diagonal(costs, 1.0)
    return SitingProblem(costs, [50, 40, 30, 6, 4], demand_areas=[1, 1, 1, 2, 2], rules=SideRules(**rules))


def test_the_price_of_a_floor_is_who_is_no_longer_covered():
    found = floor_price(two_areas(floor={2: 0.6}), standard=1.0, new_sites=2)
    assert found.without.chosen.tolist() == [0, 1]
    assert found.with_floor.chosen.tolist() == [0, 3]
    assert found.price == found.least == found.most == 34.0


def test_the_other_rules_bind_both_plans():
    found = floor_price(two_areas(floor={2: 0.6}, forbidden=(0,)), standard=1.0, new_sites=2)
    assert (found.without.objective, found.price) == (70.0, 24.0)


def test_a_floor_nobody_can_obey_has_no_price():
    found = floor_price(two_areas(floor={1: 1.0, 2: 1.0}), standard=1.0, new_sites=4)
    assert found.with_floor.status == "infeasible"
    assert "new_sites: 4 are too few; the other rules need at least 5" in found.with_floor.reason
    assert math.isnan(found.price)
    assert math.isnan(found.least)
    assert math.isnan(found.most)


def test_the_frontier_over_floors_never_falls():
    found = floor_frontier(two_areas(), standard=1.0, new_sites=3, shares=[0.6, 0.0, 0.3, 0.9])
    assert list(found) == [0.0, 0.3, 0.6, 0.9]
    assert [step.price for step in found.values()][:3] == [0.0, 24.0, 24.0]
    assert found[0.9].with_floor.status == "infeasible"


def test_the_highest_floor_by_hand():
    plan = highest_floor(two_areas(), standard=1.0, new_sites=2)
    assert plan.objective == pytest.approx(50 / 120)
    assert plan.chosen.tolist() == [0, 3]


@settings(max_examples=40)
@given(questions(), st.integers(0, 9), st.integers(0, 3))
def test_the_highest_floor_is_the_best_of_all_plans(problem, standard, new_sites):
    plan = highest_floor(problem, standard=standard, new_sites=new_sites)
    is_open = all_plans.every_choice(problem)
    good, _ = all_plans.mclp(problem, is_open, standard=standard, new_sites=new_sites)
    covered = all_plans.times_covered(problem, is_open[good], standard) > 0
    worst = np.ones(len(covered))
    for area in range(3):
        weights = np.where(problem.demand_areas == area, problem.weights, 0.0)
        if weights.sum() > 0.0:
            worst = np.minimum(worst, covered @ weights / weights.sum())
    best = worst.max() if len(worst) else None
    if best is None:
        assert plan.status == "infeasible"
        return
    assert plan.status == "optimal"
    assert plan.objective == pytest.approx(best, abs=1e-9)
