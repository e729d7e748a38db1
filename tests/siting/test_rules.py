"""What each side rule says of sites that are new, stand, or may close."""

import math

import numpy as np
import pytest

from chongming_gis.siting import SideRules, SitingProblem
from chongming_gis.siting.exact import solve_lscp, solve_mclp


def row(rules, *, existing=(), people=(10, 20, 30, 40), new_sites=4, **settings):
    """Four villages with a site each that reaches nobody else; villages 0 and 1 are area 7, 2 and 3 area 8."""
    costs = np.full((4, 4), math.inf)
    np.fill_diagonal(costs, 1.0)
    problem = SitingProblem(
        costs, people, existing=existing, demand_areas=[7, 7, 8, 8], site_areas=[7, 7, 8, 8], rules=rules, **settings
    )
    return solve_mclp(problem, standard=1.0, new_sites=new_sites)


def test_at_least_and_at_most_count_new_sites_by_area():
    assert row(SideRules(at_least={7: 1}), new_sites=2).chosen.tolist() == [1, 3]
    assert row(SideRules(at_most={8: 1}), new_sites=2).chosen.tolist() == [1, 3]
    assert row(SideRules(at_least={7: 1}), existing=[1], new_sites=1).chosen.tolist() == [0]
    assert row(SideRules(at_most={8: 1}), existing=[3], new_sites=1).chosen.tolist() == [2]
    assert row(SideRules(at_least={7: 0}, at_most={9: 0})).chosen.tolist() == [0, 1, 2, 3]


def test_forced_sites_are_in_and_forbidden_ones_out():
    assert row(SideRules(forced=(0,)), new_sites=2).chosen.tolist() == [0, 3]
    assert row(SideRules(forbidden=(3, 3)), new_sites=2).chosen.tolist() == [1, 2]
    assert row(SideRules(forced=(0,)), existing=[0], new_sites=1).chosen.tolist() == [3]
    assert row(SideRules(forbidden=(3,)), existing=[3], new_sites=1).objective == 70.0


def test_a_forced_site_that_may_close_stays_and_a_forbidden_one_closes():
    money = [5.0, 5.0, 5.0, 5.0]
    rules = SideRules(budget=0.0, closable=(0,))
    assert row(rules, existing=[0], site_costs=money).closed.tolist() == [0]
    kept = row(SideRules(budget=0.0, closable=(0,), forced=(0,)), existing=[0], site_costs=money)
    assert (kept.closed.tolist(), kept.chosen.tolist()) == ([], [])
    gone = row(SideRules(closable=(3,), forbidden=(3,)), existing=[3], new_sites=0)
    assert (gone.closed.tolist(), gone.objective) == ([3], 0.0)


def test_a_site_is_not_closed_where_that_brings_nothing():
    plan = row(SideRules(closable=(0, 3)), existing=[0, 3], new_sites=1)
    assert plan.closed.tolist() == []
    assert plan.objective == 80.0


def test_of_an_exclusive_group_one_is_built():
    assert row(SideRules(exclusive=((2, 3), (0, 1)))).chosen.tolist() == [1, 3]
    assert row(SideRules(exclusive=((2, 3),)), existing=[3]).chosen.tolist() == [0, 1]
    assert row(SideRules(exclusive=((2, 3),)), existing=[2, 3]).objective == 100.0
    assert row(SideRules(exclusive=((3, 3),))).chosen.tolist() == [0, 1, 2, 3]


def test_sites_too_near_are_not_both_built_and_a_standing_one_keeps_its_partner_out():
    assert row(SideRules(spacing=((3, 2), (2, 3), (1, 1)))).chosen.tolist() == [0, 1, 3]
    assert row(SideRules(spacing=((2, 3),)), existing=[2]).objective == 60.0
    assert row(SideRules(spacing=((2, 3),)), existing=[2, 3]).objective == 100.0
    moved = row(SideRules(spacing=((2, 3),), closable=(2,)), existing=[2])
    assert (moved.chosen.tolist(), moved.closed.tolist(), moved.objective) == ([0, 1, 3], [2], 70.0)


def test_the_floor_counts_existing_sites_and_people_nobody_reaches():
    assert row(SideRules(floor={7: 0.5}), new_sites=1).chosen.tolist() == [1]
    assert row(SideRules(floor={7: 0.3}), existing=[0], new_sites=1).chosen.tolist() == [3]
    assert row(SideRules(floor={7: 2 / 3}), new_sites=2).chosen.tolist() == [1, 3]  # 20 of 30, a share of thirds
    assert row(SideRules(floor={9: 1.0}), new_sites=1).chosen.tolist() == [3]  # an area without demand
    alone = SitingProblem([[1.0], [math.inf]], [1, 3], demand_areas=[4, 4], rules=SideRules(floor={4: 0.5}))
    found = solve_mclp(alone, standard=1.0, new_sites=1)
    assert found.status == "infeasible"
    assert "floor of area 4: 50.0% of 4 is too much; the other rules allow at most 25.0%" in found.reason


def test_the_budget_takes_what_costs_exactly_as_much():
    tenths = [0.1, 0.2, 0.3, 0.4]
    assert row(SideRules(budget=0.3), site_costs=tenths, new_sites=None).chosen.tolist() == [0, 1]
    assert row(SideRules(budget=0.3 - 1e-6), site_costs=tenths, new_sites=None).objective == 20.0


def test_several_rules_bind_at_once():
    rules = SideRules(budget=9.0, at_most={8: 1}, floor={7: 0.5}, exclusive=((1, 3),), forced=(2,))
    plan = row(rules, site_costs=[1.0, 4.0, 4.0, 1.0])
    assert (plan.chosen.tolist(), plan.objective, plan.status) == ([0, 1, 2], 60.0, "optimal")


CONTRADICTIONS = [
    (SideRules(forced=(1,), forbidden=(1,)), 4, "forced site 1 cannot be open"),
    (SideRules(forced=(1,), forbidden=(1,)), 4, "forbidden sites [1]: the other rules need at least 1 of them"),
    (SideRules(at_least={7: 3}), 4, "at_least of area 7: 3 new sites are too many; the other rules allow at most 2"),
    (SideRules(at_least={9: 1}), 4, "at_least of area 9: 1 new sites are too many; the other rules allow at most 0"),
    (SideRules(at_least={7: 2}), 1, "new_sites: 1 are too few; the other rules need at least 2"),
    (SideRules(at_least={7: 1}, at_most={7: 0}), 4, "at_most of area 7: 0 new sites are too few"),
    (SideRules(budget=4.0, at_least={7: 1}), None, "budget: 4 is too little; the other rules need at least 5"),
    (SideRules(exclusive=((0, 1),), at_least={7: 2}), 4, "exclusive sites [0, 1]: the other rules need more than one"),
    (SideRules(spacing=((0, 1),), at_least={7: 2}), 4, "spacing: the other rules need sites that stand too near"),
    (SideRules(floor={7: 1.0, 8: 1.0}), 3, "100.0% of 30 is too much; the other rules allow at most 66.7%"),
    (SideRules(floor={8: 1.0}), 0, "new_sites: 0 are too few; the other rules need at least 2"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "new_sites", "told"), CONTRADICTIONS)
def test_an_infeasible_model_says_which_rule_makes_it_so_and_what_would_be_possible(rules, new_sites, told):
    plan = row(rules, site_costs=[5.0, 6.0, 7.0, 8.0], new_sites=new_sites)
    assert (plan.status, plan.chosen.tolist(), plan.objective) == ("infeasible", [], -math.inf)
    assert told in plan.reason


def test_rules_that_have_to_give_way_together_are_told_together():
    plan = row(SideRules(forced=(0, 1), at_most={8: 0}, at_least={8: 1}, exclusive=((0, 1),)))
    assert plan.status == "infeasible"
    assert "one less is not enough" in plan.reason
    assert "of area 8" in plan.reason


def test_a_budget_below_the_cheapest_site_leaves_the_standing_ones():
    plan = row(SideRules(budget=4.0), existing=[0], site_costs=[5.0, 6.0, 7.0, 8.0], new_sites=None)
    assert (plan.status, plan.chosen.tolist(), plan.objective) == ("optimal", [], 10.0)


def test_cover_that_the_rules_forbid_is_infeasible_and_cover_nobody_gives_is_not():
    costs = np.array([[1.0, 9.0], [9.0, 1.0], [9.0, 9.0]])
    free = solve_lscp(SitingProblem(costs, [1, 1, 1]), standard=2.0)
    assert (free.objective, free.status) == (2.0, "optimal")
    kept = solve_lscp(SitingProblem(costs, [1, 1, 1], rules=SideRules(forbidden=(1,))), standard=2.0)
    assert kept.status == "infeasible"
    assert "forbidden sites [1]: the other rules need at least 1 of them" in kept.reason
