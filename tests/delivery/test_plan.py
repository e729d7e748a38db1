"""Days of deliveries by hand, against brute force, and checked again; nothing is lost without a reason."""

import dataclasses
import itertools

import numpy as np
import pytest

from chongming_gis import delivery, network
from chongming_gis.delivery import plan as planning
from chongming_gis.delivery import rounds as routing
from chongming_gis.delivery.sharing import Item
from tests.delivery.toy_day import APART, ISLAND, day, stands, town, vehicle
from tests.toy import roads as toy


def told(question, **options):
    plan = delivery.plan_day(question, **options)
    assert delivery.check_rounds(question, plan.rounds, plan.left.tolist()) == []
    assert (plan.served + plan.left == question.meals).all()
    assert all((reason == "") == (left == 0) for reason, left in zip(plan.reason, plan.left, strict=True))
    assert plan.n_served <= plan.most_served
    price = float(plan.left.sum()) * question.rules.missed_meal_price
    assert plan.cost_bound <= plan.cost + price + 1e-6
    return plan


def test_one_round_by_hand():
    """From (0, 0) over (2, 0) and (4, 0): 40 s and 80 s + 30 s of handover; back after 4 x 40 + 2 x 30 = 220 s."""
    plan = told(day([(0, 0)], [(4, 0), (2, 0)], cooks=[9], meals=[4, 5], handover_s=30.0))
    (one,) = plan.rounds
    assert [item.drop for item in one.items] in ([1, 0], [0, 1])
    assert one.back_s == 220.0
    assert one.length_m == pytest.approx(800.0)
    assert one.cost == pytest.approx(1.0 + 0.8 + 36.0 * 220 / 3600)
    assert (plan.n_served, plan.reason) == (9, ("", ""))


def test_arrivals_and_deadline_by_hand():
    """(4, 0) is 80 s away; with a deadline of 100 s the other drop must come first."""
    plan = told(day([(0, 0)], [(4, 0), (2, 0)], cooks=[9], meals=[4, 5], handover_s=20.0, deadline_s=100.0))
    (one,) = plan.rounds
    assert [(item.drop, at) for item, at in zip(one.items, one.arrive_s, strict=True)] == [(1, 40.0), (0, 100.0)]


def test_reasons_the_first_that_holds():
    drops = [(1, 0), (5, 5), None, ISLAND, APART]
    plan = told(day([(0, 0)], drops, cooks=[99], meals=[3, 3, 3, 3, 3], deadline_s=150.0))
    assert plan.reason == ("", "out_of_range", "no_road", "out_of_range", "no_road")
    assert plan.hot.nearest_s.tolist() == [20.0, 200.0, np.inf, 700.0, np.inf]
    full = told(day([(0, 0)], [(1, 0), (2, 0)], cooks=[4], meals=[3, 3]))
    assert sorted(full.reason) == ["", "no_capacity"]
    assert full.left.sum() == 2
    late = told(day([(0, 0)], [(5, 0)], cooks=[9], meals=[3], back_s=150.0))
    assert late.reason == ("not_back",)
    shut = told(day([(0, 0)], [(1, 0)], cooks=[0], meals=[3]))
    assert shut.reason == ("no_kitchen_open",)


def test_no_round_is_left_for_the_last_drop():
    """One bicycle, one wave, two drops on opposite sides of the kitchen that one round cannot reach in time."""
    plan = told(day([(2, 0)], [(0, 0), (5, 0)], cooks=[9], meals=[3, 3], deadline_s=70.0))
    assert sorted(plan.reason) == ["", "no_round"]
    two_waves = told(day([(2, 0)], [(0, 0), (5, 0)], cooks=[9], meals=[3, 3], deadline_s=70.0, n_waves=2))
    assert (two_waves.reason, sorted(two_waves.waves)) == (("", ""), [0, 1])


def test_what_no_round_takes_is_offered_to_another_kitchen():
    """Both drops are nearer to k0, whose one bicycle reaches one of them in time; k1 takes the other."""
    question = day([(2, 0), (2, 1)], [(0, 0), (4, 0)], cooks=[3, 9], meals=[3, 3], deadline_s=60.0)
    assert told(question).n_served == 6


def test_no_kitchen_no_drop_no_vehicle():
    assert told(day([], [(1, 0), None], cooks=[], meals=[3, 3])).reason == ("no_kitchen", "no_road")
    assert told(day([(0, 0)], [], cooks=[3], meals=[])).rounds == ()
    assert told(day([(0, 0)], [(1, 0)], cooks=[3], meals=[3], fleet=[[0]])).reason == ("no_kitchen_open",)
    assert told(day([(0, 0)], [(1, 0)], cooks=[3], meals=[0])).rounds == ()


def test_the_ferry_is_crossing_and_waiting_or_does_not_run():
    """(4, 0) - ferry - island: 20 + 600 s."""
    question = day([(4, 0)], [ISLAND], cooks=[9], meals=[3], deadline_s=620.0, back_s=1240.0)
    assert told(question).rounds[0].arrive_s == (620.0,)
    assert told(dataclasses.replace(question, rules=dataclasses.replace(question.rules, deadline_s=619.0))).left[0] == 3
    net = town()
    is_ferry = net.length_m == 1000.0
    never = [np.where(is_ferry, 1e9, seconds) for seconds in (net.forward_s, net.backward_s)]
    closed = network.with_seconds(net, forward_s=never[0], backward_s=never[1])
    shut = dataclasses.replace(question, networks={**question.networks, "bike": closed})
    assert told(shut, if_ferry_ran=delivery.measure_range(question)).reason == ("ferry",)
    soon = dataclasses.replace(question.rules, deadline_s=600.0)
    late, late_shut = (dataclasses.replace(asked, rules=soon) for asked in (question, shut))
    assert told(late_shut, if_ferry_ran=delivery.measure_range(late)).reason == ("out_of_range",)


def test_a_drop_that_wants_more_than_a_vehicle_carries_is_brought_in_parts():
    plan = told(day([(0, 0)], [(1, 0)], cooks=[25], meals=[25], n_waves=3))
    assert [one.meals for one in plan.rounds] == [10, 10, 5] or sorted(o.meals for o in plan.rounds) == [5, 10, 10]


def test_parts_for_one_drop_on_one_round_are_one_visit():
    parts = [Item(0, 4, 0, (0,)), Item(1, 2, 0, (0,)), Item(0, 3, 1, (0, 1))]
    assert [(item.drop, item.meals) for item in routing.visits_of(parts)] == [(0, 7), (1, 2)]
    question = day([(0, 0)], [(1, 0)], cooks=[9], meals=[9], handover_s=30.0)
    group = routing.Group((0,), (Item(0, 4, 0, (0,)), Item(0, 5, 0, (0,))))
    hot, legs = delivery.measure_range(question), routing.measure_legs(question, group)
    (one,) = routing.route_group(question, hot, group, legs).rounds
    assert (one.meals, len(one.items), one.back_s) == (9, 1, 70.0)
    twice = routing.make_round(question, group, legs, (0, 0), group.items)
    assert any("d0 is visited twice" in fault for fault in delivery.check_rounds(question, [twice], [0]))


def test_a_time_limit_ends_the_search_and_is_told():
    drops = [(x, y) for x in range(4) for y in range(4)]
    question = day([(0, 0)], drops, cooks=[99], meals=[1] * 16, n_waves=3, iterations=10**7, time_limit_s=0.2)
    plan = told(question)
    assert (plan.n_groups, plan.n_cut) == (1, 1)
    assert plan.n_served == 16
    short = dataclasses.replace(question, rules=dataclasses.replace(question.rules, iterations=20, time_limit_s=60.0))
    assert told(short).n_cut == 0


def test_roomy_kitchens_share_their_drops_and_scarce_ones_do_not():
    roomy = day([(0, 0), (5, 0)], [(2, 0), (3, 0)], cooks=[50, 50], meals=[3, 3])
    hot = delivery.measure_range(roomy)
    items = planning.items_of(roomy, hot, delivery.share_kitchens(roomy, hot))
    assert {item.allowed for item in items} == {(0, 1)}
    scarce = dataclasses.replace(roomy, cooks=np.array([3, 3]))
    items = planning.items_of(scarce, hot, delivery.share_kitchens(scarce, hot))
    assert [(item.kitchen, item.allowed) for item in items] == [(0, (0,)), (1, (1,))]


def test_groups_are_tied_by_shared_items_and_cut_when_large(monkeypatch):
    items = [Item(0, 1, 0, (0, 1)), Item(1, 1, 1, (1,)), Item(2, 1, 2, (2,))]
    assert [group.kitchens for group in planning.group_items(items)] == [(0, 1), (2,)]
    monkeypatch.setattr(planning, "MOST_DROPS", 1)
    assert [group.kitchens for group in planning.group_items(items)] == [(0,), (1,), (2,)]


def test_the_same_question_gives_the_same_rounds():
    rng = np.random.default_rng(4)
    drops = [tuple(at) for at in rng.integers(0, 6, (12, 2)).tolist()]
    question = day([(0, 0), (5, 5)], drops, cooks=[25, 25], meals=rng.integers(1, 6, 12), n_waves=2, deadline_s=200.0)
    first, second = told(question), told(question)
    assert first.rounds == second.rounds
    assert (first.waves, first.carts) == (second.waves, second.carts)


def cheapest_rounds(question, group, legs):
    """The cheapest round that may drive for every kitchen, vehicle and set of items."""
    items, rules = group.items, question.rules
    orders = [order for size in range(1, len(items) + 1) for order in itertools.permutations(range(len(items)), size)]
    single = {}
    for (number, kind), kitchen, order in itertools.product(enumerate(question.vehicles), group.kitchens, orders):
        some = tuple(items[i] for i in order)
        is_too_much = sum(item.meals for item in some) > kind.capacity_meals
        if is_too_much or any(kitchen not in item.allowed for item in some):
            continue
        one = routing.make_round(question, group, legs, (kitchen, number), some)
        if max(one.arrive_s) <= rules.deadline_s and one.back_s <= rules.back_s:
            key = (kitchen, number, frozenset(order))
            single[key] = min(single.get(key, np.inf), one.cost)
    return single


def best_by_hand(question, group, legs):
    """The least cost of rounds and missed meals: all orders of all subsets, all ways to share subsets among rounds."""
    items = group.items
    n = len(items)
    single = cheapest_rounds(question, group, legs)
    best = {(frozenset(), ()): 0.0}
    frontier = dict(best)
    limits = {(k, v): question.fleet[k, v] * question.rules.n_waves for k in group.kitchens
              for v in range(len(question.vehicles))}  # fmt: skip
    while frontier:
        grown = {}
        for (done, used), cost in frontier.items():
            for (kitchen, number, some), more in single.items():
                if done & some:
                    continue
                count = dict(used)
                count[(kitchen, number)] = count.get((kitchen, number), 0) + 1
                if count[(kitchen, number)] > limits[(kitchen, number)]:
                    continue
                key = (done | some, tuple(sorted(count.items())))
                if cost + more < min(best.get(key, np.inf), grown.get(key, np.inf)) - 1e-12:
                    grown[key] = cost + more
        best |= grown
        frontier = grown
    price = question.rules.missed_meal_price
    return min(
        cost + price * sum(items[i].meals for i in range(n) if i not in done) for (done, _), cost in best.items()
    )


@pytest.mark.parametrize("seed", range(6))
def test_small_cases_equal_brute_force(seed):
    rng = np.random.default_rng(seed)
    n = 4 if seed % 2 else 5
    drops = [tuple(at) for at in rng.integers(0, 6, (n, 2)).tolist()]
    kinds = (vehicle(), vehicle("car", mode="car", capacity_meals=14, cost_per_round=4.0))
    kitchens = [(0, 0), (5, 5)] if seed % 3 == 0 else [(2, 2)]
    question = day(
        kitchens, drops, cooks=[99] * len(kitchens), meals=rng.integers(1, 7, n), vehicles=kinds,
        deadline_s=float(rng.choice([90, 130, 200])), back_s=400.0, handover_s=10.0, iterations=150,
    )  # fmt: skip
    hot = delivery.measure_range(question)
    sharing = delivery.share_kitchens(question, hot)
    total = 0.0
    for group in planning.group_items(planning.items_of(question, hot, sharing)):
        legs = routing.measure_legs(question, group)
        found = routing.route_group(question, hot, group, legs)
        missed = sum(i.meals for i in group.items) - found.meals
        cost = found.cost + question.rules.missed_meal_price * missed
        assert cost == pytest.approx(best_by_hand(question, group, legs), abs=0.02)  # costs are in thousandths a leg
        total += cost
    total += question.rules.missed_meal_price * float((sharing.no_capacity + sharing.out_of_range).sum())
    assert delivery.bound_cost(question, hot) <= total + 1e-6


def test_the_bound_is_met_by_a_full_vehicle_to_one_drop():
    """Ten meals to one drop 80 s away: one round of 160 s; only the kilometres are not in the bound."""
    question = day([(0, 0)], [(4, 0)], cooks=[10], meals=[10], vehicles=[vehicle(cost_per_km=0.0)], handover_s=20.0)
    plan = told(question)
    assert plan.cost_bound == pytest.approx(plan.cost) == pytest.approx(1.0 + 36.0 * 180 / 3600)


FAULTS = {
    "overload": (lambda one: {"items": (dataclasses.replace(one.items[0], meals=11),)}, "11 meals on a vehicle for 10"),
    "late": (lambda _: {"arrive_s": (10.0,)}, "is reached after 20.0 s, not 10.0 s"),
    "back": (lambda _: {"back_s": 1.0}, "is back after 40.0 s, not 1.0 s"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_checker_sees_each_fault(name):
    question = day([(0, 0)], [(1, 0)], cooks=[9], meals=[3])
    plan = told(question)
    change, message = FAULTS[name]
    broken = dataclasses.replace(plan.rounds[0], **change(plan.rounds[0]))
    assert any(message in fault for fault in delivery.check_rounds(question, [broken], plan.left.tolist()))


def test_the_checker_sees_what_is_brought_twice_lost_or_beyond_the_fleet():
    question = day([(0, 0)], [(1, 0)], cooks=[3], meals=[3])
    plan = told(question)
    twice = delivery.check_rounds(question, [*plan.rounds, *plan.rounds], [0])
    assert any("6 meals leave, it cooks 3" in fault for fault in twice)
    assert any("2 rounds by bike, of 1" in fault for fault in twice)
    assert any("0 brought and 0 left are not 3" in fault for fault in delivery.check_rounds(question, [], [0]))


# P-n16-k8 of Augerat et al. (CVRPLIB): the optimum with distances rounded to whole numbers is 450.
P_N16_XY = [(30, 40), (37, 52), (49, 49), (52, 64), (31, 62), (52, 33), (42, 41), (52, 41), (57, 58), (62, 42),
            (42, 57), (27, 68), (43, 67), (58, 48), (58, 27), (37, 69)]  # fmt: skip
P_N16_DEMAND = [19, 30, 16, 23, 11, 31, 15, 28, 8, 8, 7, 14, 6, 19, 11]
P_N16_OPTIMUM = [[2], [6], [8], [15, 12, 10], [14, 5], [13, 9, 7], [11, 4], [3, 1]]
ROUNDING = {
    "round": np.round,
    "trunc": np.trunc,
    "dimacs": lambda d: np.trunc(10 * d),
    "exact": lambda d: np.round(1000 * d),
    "none": lambda d: d,
}


@pytest.mark.parametrize("rule", ROUNDING)
def test_the_evaluator_reproduces_a_known_solution_under_each_rounding_rule(rule):
    xy = np.array(P_N16_XY, dtype=float)
    distance = ROUNDING[rule](np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)))
    truck = vehicle(capacity_meals=35, per_kitchen=8, cost_per_km=1000.0, cost_per_hour=0.0, cost_per_round=0.0)
    question = day([(0, 0)], [], cooks=[246], meals=[], vehicles=[truck])
    items = tuple(Item(i, demand, 0, (0,)) for i, demand in enumerate(P_N16_DEMAND))
    group = routing.Group((0,), items)
    legs = {"bike": routing.Legs(np.zeros_like(distance), distance)}
    known = [
        routing.make_round(question, group, legs, (0, 0), tuple(items[c - 1] for c in route)) for route in P_N16_OPTIMUM
    ]
    assert max(one.meals for one in known) <= 35
    cost = sum(one.cost for one in known)
    by_hand = sum(distance[[0, *route], [*route, 0]].sum() for route in P_N16_OPTIMUM)
    assert cost == pytest.approx(by_hand)
    if rule == "round":
        assert cost == pytest.approx(450.0)


@pytest.mark.parametrize(("rule", "optimum"), [("round", 450.0), ("none", 451.335)])
def test_the_search_finds_the_known_optimum(rule, optimum):
    """450 in whole numbers; 451.335 is what is published for distances that are not rounded."""
    xy = np.array(P_N16_XY, dtype=float)
    distance = ROUNDING[rule](np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)))
    truck = vehicle(capacity_meals=35, per_kitchen=8, cost_per_km=1000.0, cost_per_hour=0.0, cost_per_round=0.0)
    question = day([(0, 0)], [(0, 0)] * 15, cooks=[246], meals=P_N16_DEMAND, vehicles=[truck], iterations=400)
    group = routing.Group((0,), tuple(Item(i, demand, 0, (0,)) for i, demand in enumerate(P_N16_DEMAND)))
    legs = {"bike": routing.Legs(np.zeros_like(distance), distance)}
    found = routing.route_group(question, delivery.measure_range(question), group, legs)
    assert found.meals == 246
    assert found.cost == pytest.approx(optimum, abs=0.001)


# CMT6 of Christofides, Mingozzi and Toth (1979), as in CVRPLIB: 50 customers after the depot, 10 of service at each,
# 160 on board, every round over within 200; the optimum, with distances that are not rounded, is 555.43.
CMT6 = """
30 40 0|37 52 7|49 49 30|52 64 16|20 26 9|40 30 21|21 47 15|17 63 19|31 62 23|52 33 11|51 21 5|42 41 19|31 32 29
5 25 23|12 42 21|36 16 10|52 41 15|27 23 3|17 33 41|13 13 9|57 58 28|62 42 8|42 57 8|16 57 16|8 52 10|7 38 28
27 68 7|30 48 15|43 67 14|58 48 6|58 27 19|37 69 11|38 46 12|46 10 23|61 33 26|62 63 17|63 69 6|32 22 9|45 35 15
59 15 14|5 6 7|10 17 27|21 10 13|5 64 11|30 15 16|39 10 10|32 39 5|25 32 25|25 55 17|48 28 18|56 37 10
"""
CMT6_OPTIMUM = """
32 11 16 29 21 50 34 30 9 38|1 22 31 28 3 36 35 20 2|14 25 13 41 40 19 42 17|12 37 44 15 45 33 39 10 49 5
27 48 8 26 7 43 24 23 6|18 4 47 46
"""


def rows_of(text):
    return [[int(word) for word in row.split()] for row in text.strip().replace("\n", "|").split("|")]


@pytest.fixture(scope="module")
def cmt6():
    """The instance as a day: a straight street between any two points, 100 m and 20 s a unit, CNY 10 a kilometre."""
    table = rows_of(CMT6)
    places = {n: (100 * x, 100 * y) for n, (x, y, _) in enumerate(table)}
    streets = [(a, b, {"highway": "residential"}) for a, b in itertools.combinations(places, 2)]
    net = network.compile_network(toy.road_tables(places, streets), toy.BIKE)
    xy = [places[n] for n in sorted(places)]
    at = np.array(xy, dtype=float) + toy.SOUTH_WEST
    snapped = network.snap_points(net, toy.points(*xy))
    everyone = delivery.Stands(tuple(f"{n}" for n in sorted(places)), at, {"bike": snapped})
    truck = vehicle(capacity_meals=160, per_kitchen=6, cost_per_km=10.0, cost_per_hour=0.0, cost_per_round=0.0)
    question = day([(0, 0)], [], cooks=[777], meals=[], vehicles=[truck], deadline_s=4000.0, back_s=4000.0,
                   handover_s=200.0, iterations=400)  # fmt: skip
    return dataclasses.replace(
        question, kitchens=everyone.take(np.array([0])), drops=everyone.take(np.arange(1, 51)),
        meals=np.array([demand for _, _, demand in table[1:]]), networks={"bike": net},
    )  # fmt: skip


def test_a_known_solution_with_time_limits_costs_what_is_published_and_is_feasible(cmt6):
    group = routing.Group((0,), tuple(Item(n, int(meals), 0, (0,)) for n, meals in enumerate(cmt6.meals)))
    legs = routing.measure_legs(cmt6, group)
    known = [
        routing.make_round(cmt6, group, legs, (0, 0), tuple(group.items[c - 1] for c in route))
        for route in rows_of(CMT6_OPTIMUM)
    ]
    assert sum(one.cost for one in known) == pytest.approx(555.43, abs=0.005)
    assert delivery.check_rounds(cmt6, known, [0] * 50) == []
    longest_s = max(one.back_s for one in known)
    tighter = dataclasses.replace(cmt6, rules=dataclasses.replace(cmt6.rules, back_s=longest_s - 1.0))
    assert sum("later than" in fault for fault in delivery.check_rounds(tighter, known, [0] * 50)) == 1
    small = dataclasses.replace(cmt6, vehicles=(cmt6.vehicles[0].model_copy(update={"capacity_meals": 150}),))
    assert sum("on a vehicle for 150" in f for f in delivery.check_rounds(small, known, [0] * 50)) == sum(
        one.meals > 150 for one in known
    )


def test_the_search_comes_near_the_known_optimum_with_time_limits_and_the_bound_is_below(cmt6):
    plan = told(cmt6)
    assert plan.n_served == 777
    assert 555.42 <= plan.cost <= 1.03 * 555.43
    assert 0.0 <= plan.cost_bound <= 555.43


def test_what_if():
    question = day([(0, 0)], [(1, 0), (5, 5)], cooks=[9], meals=[3, 4], deadline_s=150.0)
    plan = told(question)
    tried = delivery.try_deadlines(question, plan, [150.0, 300.0])
    assert [(change.in_range, change.served) for change in tried] == [(3.0, 3.0), (7.0, 7.0)]
    crowded = day([(2, 0)], [(0, 0), (5, 0)], cooks=[9], meals=[3, 3], deadline_s=70.0)
    (more,) = delivery.try_vehicles(crowded, told(crowded), 0)
    assert (more.id, more.served) == ("k0", 6.0)
    places = stands("p", [(5, 4), (0, 1), None])
    found = delivery.try_kitchens(question, plan, places, cooks=5, fleet=[1], areas=["a", "b", "b"])
    assert [(change.id, change.most_served, change.served) for change in found] == [("p0", 7.0, 7.0)]
    assert found[0].minutes_saved == 0.0
    nothing = day([], [(1, 0)], cooks=[], meals=[3])
    (first,) = delivery.try_kitchens(nothing, told(nothing), places, cooks=5, fleet=[1], areas=["a", "a", "b"])
    assert (first.id, first.most_served, first.served) == ("p1", 3.0, 3.0)


def test_of_kitchens_that_add_as_many_meals_the_one_that_reaches_more_comes_first():
    """Both could serve the meals that k0 cannot cook; p1 also stands near the drop beyond k0's hot range."""
    question = day([(0, 0)], [(1, 0), (5, 5)], cooks=[3], meals=[6, 2], deadline_s=100.0)
    places = stands("p", [(1, 1), (3, 2)])
    found = delivery.try_kitchens(question, told(question), places, cooks=3, fleet=[1], areas=["a", "b"])
    assert [(change.id, change.most_served, change.in_range) for change in found] == [
        ("p1", 6.0, 8.0),
        ("p0", 6.0, 6.0),
    ]


def test_a_kitchen_next_door_saves_minutes():
    """Three meals ride 100 s; with a kitchen one block away, 20 s."""
    question = day([(0, 0)], [(5, 0), (5, 5)], cooks=[3], meals=[3, 1])
    plan = told(question)
    (change,) = delivery.try_kitchens(question, plan, stands("p", [(5, 1)]), cooks=4, fleet=[1], areas=["a"])
    assert change.most_served == 4.0
    assert change.minutes_saved == pytest.approx(80.0 / 60.0)


def test_toy_modes_are_those_of_the_networks():
    assert {toy.BIKE.name, toy.CAR.name} == set(day([(0, 0)], [], cooks=[1], meals=[]).networks)
