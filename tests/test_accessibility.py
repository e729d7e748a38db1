"""How much of a service each place can use: towns worked by hand, published cases, a slow oracle, and what must hold.

The town of the hand-worked cases (minutes; T = 15 is the catchment; beds and people in brackets)::

    a (10) --0--> home 1 (2 beds)        a --10--> home 2 (3 beds)
    b (30)                               b --5---> home 2
    c (5)   reaches nothing              home 3 (4 beds) is reached by d only, where nobody lives: d (0) --15--> home 3
"""

import functools
import inspect
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chongming_gis import accessibility, decay, travel
from chongming_gis.accessibility import question as asking
from chongming_gis.errors import StudyError, TableError

INF = np.inf
NAMES = ["binary", "step", "linear", "exponential", "gaussian", "bell", "epanechnikov", "power"]
WEIGHED = ["two_step", "e2sfca", "three_step", "m2sfca", "bfca", "bfca_by_place", "gravity", "ev2sfca"]
HANDING_OUT = ["two_step", "e2sfca", "three_step", "bfca"]  # persons x score is the supply in reach
EVERY = [*WEIGHED, "cumulative", "closest", "raam"]

TOWN = sparse.csr_matrix(
    (np.array([0.0, 600.0, 300.0, 900.0]), np.array([0, 1, 1, 2]), np.array([0, 2, 3, 3, 4])), shape=(4, 3)
)
PEOPLE, BEDS = [10.0, 30.0, 5.0, 0.0], [2.0, 3.0, 4.0]


def call(name, times, demand, supply, **more):
    return getattr(accessibility, name)(times, demand, supply, **more)


def sparse_times(dense):
    """Inf is not stored; 0 is."""
    dense = np.asarray(dense, dtype=float)
    rows, columns = np.nonzero(np.isfinite(dense))
    indptr = np.concatenate([[0], np.cumsum(np.isfinite(dense).sum(axis=1))])
    assert rows.size == columns.size
    return sparse.csr_matrix((dense[rows, columns], columns, indptr), shape=dense.shape)


# ------------------------------------------------------------------ worked by hand


@pytest.mark.parametrize(
    ("name", "more", "scores"),
    [
        # home 1: 2/10; home 2: 3/40; home 3: nobody lives in reach, so 4 beds for nobody
        ("two_step", {}, [2 / 10 + 3 / 40, 3 / 40, 0, 0]),
        # linear weights a1 = 1, a2 = 1/3, b2 = 2/3, d3 = 0; home 2: 3 / (10/3 + 20) = 9/70
        ("two_step", {"decay": "linear"}, [2 / 10 + 9 / 70 / 3, 9 / 70 * 2 / 3, 0, 0]),
        # zones of 5 minutes: a1 = 1, a2 = 0.68, b2 = 1; home 2: 3 / (6.8 + 30)
        ("e2sfca", {}, [2 / 10 + 3 / 36.8 * 0.68, 3 / 36.8, 0, 0]),
        # a splits 1/2, 1/2; b goes to 2 alone: home 1: 2/5, home 2: 3/35
        ("three_step", {"decay": "binary"}, [2 / 5 / 2 + 3 / 35 / 2, 3 / 35, 0, 0]),
        # linear: a splits 3/4, 1/4. home 1: 2/(7.5 x 1); home 2: 3/(2.5/3 + 20) = 18/125
        ("three_step", {"decay": "linear"}, [0.2 + 18 / 125 / 4 / 3, 18 / 125 * 2 / 3, 0, 0]),
        # linear, squared on the way back
        ("m2sfca", {"decay": "linear"}, [2 / 10 + 9 / 70 / 9, 9 / 70 * 4 / 9, 0, 0]),
        # a splits 3/4, 1/4 by weight: home 1: 2/7.5, home 2: 3/32.5, handed out in the same parts
        ("bfca", {"decay": "linear"}, [2 / 10 + 3 / 32.5 / 4, 3 / 32.5, 0, 0]),
        # as published: home 1's 2/7.5 to a alone; home 2's 3/32.5 in the ratio of the weights 1/3 : 2/3
        ("bfca_by_place", {"decay": "linear"}, [2 / 7.5 + 3 / 32.5 / 3, 3 / 32.5 * 2 / 3, 0, 0]),
        # enough = 0.1 bed a person. home 1 stops at a (2/10 > 0.1, nobody else), home 2 at b and a (3/40 <= 0.1: b is
        # first, 3/30 <= 0.1 already, so it stops at b). a has 0.2 at home 1, b 0.1 at home 2
        ("ev2sfca", {"target_ratio": 0.1}, [0.2, 0.1, 0, 0]),
        # 0.08 a person: home 2 goes on to a (3/40). b never has enough (0.075). a stops at home 1
        ("ev2sfca", {"target_ratio": 0.08}, [0.2, 0.1, 0, 0]),
        # 0.25: a goes on to home 2 as 0.2 is too little, but home 2 stops at b (3/30 < 0.25): not mutual
        ("ev2sfca", {"target_ratio": 0.25}, [0.2, 0.1, 0, 0]),
        # 0.09: home 2 goes on to a, 3/40; a has 0.2 >= 0.09 at home 1 alone
        ("ev2sfca", {"target_ratio": 0.09, "decay": "linear"}, [0.2, 0.1, 0, 0]),
        ("gravity", {"decay": "linear"}, [2 + 3 / 3, 3 * 2 / 3, 0, 0]),
        ("cumulative", {}, [5, 3, 0, 4]),
        ("closest", {}, [0, 300, INF, 900]),
        # tau 1 h, 45 people / 9 beds = 5 a bed is 1. All of b must go to home 2: 30/15 + 1/12. If x of a go there too:
        # (10 - x)/10 = (30 + x)/15 + 1/6 has no x >= 0, so a stays: 1
        ("raam", {}, [1.0, 2 + 1 / 12, INF, 0.25]),
    ],
)
def test_the_town_by_hand(name, more, scores):
    found = call(name, TOWN, PEOPLE, BEDS, catchment_s=900.0, **more)
    assert found == pytest.approx(scores, rel=1e-9)


def test_people_queue_where_it_is_best_for_them():
    """Two homes of 10 beds, 30 minutes of travel worth a load of 1 (1 person a bed); everyone starts at home 1.

    p (30) --0--> 1, --15--> 2; q (10) --15--> 1, --0--> 2. x of p move: (30 - x)/10 = (10 + x)/10 + 1/2, x = 7.5.
    """
    times = sparse_times([[0, 900], [900, 0]])
    cost = accessibility.raam(times, [30, 10], [10, 10], catchment_s=900.0, tau_s=1800.0, persons_per_place=1.0)
    assert cost == pytest.approx([2.25, 1.75], abs=1e-6)


def test_a_facility_that_nobody_could_use_better_is_left_alone():
    """The way to home 2 costs 5, more than any queue at home 1: all 30 stay at 30/10."""
    times = sparse_times([[0, 900]])
    cost = accessibility.raam(times, [30], [10, 10], catchment_s=900.0, tau_s=180.0, persons_per_place=1.0)
    assert cost == pytest.approx([3.0])


def test_catchments_of_both_sides_must_allow_a_pair():
    """a is a town (5 minutes), b a village (15); home 2 serves 10 minutes. Only a-1 and b-2 are left."""
    catchments = accessibility.Catchments(origin_s=[300.0, 900.0, 900.0, 900.0], destination_s=[900.0, 600.0, 600.0])
    assert accessibility.two_step(TOWN, PEOPLE, BEDS, catchment_s=catchments) == pytest.approx([0.2, 0.1, 0, 0])
    by_origin = accessibility.two_step(TOWN, PEOPLE, BEDS, catchment_s=[300.0, 900.0, 900.0, 900.0])
    assert by_origin == pytest.approx([0.2, 0.1, 0, 0])
    one_way = accessibility.Catchments(destination_s=[900.0, 300.0, 900.0])
    assert accessibility.cumulative(TOWN, PEOPLE, BEDS, catchment_s=one_way).tolist() == [2.0, 3.0, 0.0, 4.0]


def test_modes_are_combined_by_the_share_of_people_who_use_them():
    """Half of a's people and a fifth of b's ride: riders reach home 2 from both, walkers only from b (binary).

    Weights of home 2: a 0.5, b 0.8 + 0.2 = 1. 3 / (5 + 30) = 3/35; a 0.5 x 3/35, b 3/35.
    """
    ride, walk = sparse_times([[300], [200]]), sparse_times([[INF], [800]])
    shares = np.array([0.5, 0.2])
    by_mode = [(walk, 1 - shares), accessibility.Mode(ride, shares)]
    found = accessibility.two_step(by_mode, [10, 30], [3], catchment_s=900.0)
    assert found == pytest.approx([1.5 / 35, 3 / 35])
    assert accessibility.closest(by_mode, [10, 30], [3], catchment_s=900.0).tolist() == [300.0, 200.0]
    nobody_rides = [(walk, 1.0), (ride, 0.0)]
    assert accessibility.closest(nobody_rides, [10, 30], [3], catchment_s=900.0).tolist() == [INF, 800.0]


def test_a_mode_may_have_its_own_catchment_and_decay():
    ride = accessibility.Mode(sparse_times([[600]]), 0.5, catchment_s=1200.0, decay="linear")
    walk = accessibility.Mode(sparse_times([[1000]]), 0.5)
    assert accessibility.gravity([ride, walk], [1], [8], catchment_s=1500.0, decay="binary").tolist() == [6.0]


def test_a_facility_grows_until_it_has_its_people():
    """Home 2 has b within 5 minutes (30) and a within 10 (40); home 3 never has anyone."""
    times = travel.TravelTimes(TOWN, 900.0)
    of = functools.partial(accessibility.catchments_with_people, times, PEOPLE)
    assert of(persons=30).tolist() == [900.0, 300.0, 900.0]
    assert of(persons=31).tolist() == [900.0, 600.0, 900.0]
    catchments = accessibility.Catchments(destination_s=of(persons=10))
    assert accessibility.two_step(times, PEOPLE, BEDS, catchment_s=catchments) == pytest.approx([0.2, 0.1, 0, 0])


# ------------------------------------------------------------------ published


def test_the_figure_of_luo_and_wang_2003():
    """Fig. 3 of doi 10.1068/b29120: 11 tracts of one person, 2 physicians, 30 minutes (as tested in R's twostepr)."""
    near_a, near_b = {1, 2, 3, 4, 6, 7, 9, 10}, {4, 5, 8, 11}
    dense = [[20 if i in near_a else 40, 20 if i in near_b else 40] for i in range(1, 12)]
    found = accessibility.two_step(sparse_times(dense), np.ones(11), [1, 1], catchment_s=30.0)
    published = [0.125, 0.125, 0.125, 0.375, 0.25, 0.125, 0.125, 0.25, 0.125, 0.125, 0.25]
    assert found.tolist() == published


@pytest.mark.parametrize(("beta", "published"), [(1, [11 / 15, 11 / 15, 8 / 15]), (2, [7 / 9, 7 / 9, 4 / 9])])
def test_the_gravity_model_of_luo_and_wang_2003(beta, published):
    """Three places, two physicians, one of them twice as far from the third place (as tested in R's twostepr)."""
    times = sparse_times([[1, 1], [1, 1], [1, 2]])
    power = decay.Power(exponent=beta, floor_s=1.0)
    assert accessibility.two_step(times, [1, 1, 1], [1, 1], catchment_s=9.0, decay=power) == pytest.approx(published)


def test_the_published_run_of_3sfca():
    """README of the R package fca 0.1.0 (GPL; numbers only): a Gaussian with 1 % left at 20 minutes, no cut."""
    minutes = np.array(
        [
            [8.627326, 23.64915, 12.26931, 26.49052, 28.21402, 1.366695, 15.843165, 26.772571, 16.543050, 13.698442],
            [28.705000, 13.60002, 20.32712, 17.17900, 3.08774, 26.994749, 7.382632, 1.261786, 9.837622, 28.635109],
            [26.686179, 20.78410, 19.21520, 29.82809, 19.67117, 21.255914, 16.321981, 17.824261, 8.674792, 4.413409],
        ]
    )
    published = [
        3.97260949, 0.03678999, 1.46747735, 0.01079342, 0.28782748,
        9.11410451, 0.19596873, 0.31194607, 0.37539987, 1.10349481,
    ]  # fmt: skip
    found = accessibility.three_step(
        sparse_times(minutes.T),
        [100, 200, 50, 100, 500, 50, 100, 100, 50, 500],
        [1000, 200, 500],
        catchment_s=30.0,
        decay=decay.Bell(sigma_s=20.0 / math.sqrt(2.0 * math.log(100.0))),
    )
    assert found == pytest.approx(published, rel=1e-5)


def test_the_three_towns_of_pysal_access():
    """The hospital example of PySAL access 1.1.10 (BSD): weights 1/minutes, times that differ by direction.

    Scenario 1: 1 and 2 reach the city 3 in 20 minutes, 3 reaches them in 40. Hospital 1: 15 / (100 + 10/40); hospital
    2: 20 / (50 + 10/40); hospital 3: 100 / (10 + 100/20 + 50/20).
    """
    minutes = sparse_times([[1, INF, 20], [INF, 1, 20], [40, 40, 1]])
    found = accessibility.two_step(minutes, [100, 50, 10], [15, 20, 100], catchment_s=61.0, decay=lambda t: 1.0 / t)
    r1, r2, r3 = 15 / 100.25, 20 / 50.25, 100 / 17.5
    assert found == pytest.approx([r1 + r3 / 20, r2 + r3 / 20, r1 / 40 + r2 / 40 + r3])


# ------------------------------------------------------------------ the oracle


def weight_of(name, t, c):
    """One weight from its formula, at a catchment above 0."""
    if t > c:
        return 0.0
    u = t / c
    return {
        "binary": lambda: 1.0,
        "step": lambda: 1.0 if 3 * t <= c else 0.68 if 3 * t <= 2 * c else 0.22,
        "linear": lambda: 1 - u,
        "exponential": lambda: 0.01**u,
        "gaussian": lambda: 0.0 if u == 1 else (math.exp(-u * u / 2) - math.exp(-0.5)) / (1 - math.exp(-0.5)),
        "bell": lambda: 0.01 ** (u * u),
        "epanechnikov": lambda: 1 - u * u,
        "power": lambda: 60 / max(t, 60),
    }[name]()


def over(a, b):
    return a / b if b > 0 else 0.0


def slow(name, dense, demand, supply, origin_s, destination_s, curve, target=None):
    """Every measure from its definition, one pair at a time; ``dense`` has inf where a pair is not stored."""
    n, m = dense.shape
    origins, places = range(n), range(m)
    limit = [[min(origin_s[i], destination_s[j]) for j in places] for i in origins]
    w = [[weight_of(curve, dense[i][j], limit[i][j]) for j in places] for i in origins]
    within = [[dense[i][j] <= limit[i][j] for j in places] for i in origins]
    if name == "cumulative":
        return [sum(supply[j] for j in places if within[i][j]) for i in origins]
    if name == "closest":
        return [min((dense[i][j] for j in places if within[i][j] and supply[j] > 0), default=INF) for i in origins]
    if name == "gravity":
        return [sum(supply[j] * w[i][j] for j in places) for i in origins]
    if name == "raam":
        return slow_raam(dense, within, demand, supply)
    if name == "ev2sfca":
        mutual = slow_mutual(dense, within, demand, supply, target)
        w = [[w[i][j] * mutual[i][j] for j in places] for i in origins]
        name = "two_step"
    part = [[over(w[i][j], sum(w[i])) for j in places] for i in origins]
    asked, given = {
        "two_step": (w, w),
        "e2sfca": (w, w),
        "three_step": ([[part[i][j] * w[i][j] for j in places] for i in origins],) * 2,
        "m2sfca": (w, [[x * x for x in row] for row in w]),
        "bfca": (part, part),
        "bfca_by_place": (part, [[over(w[i][j], sum(w[k][j] for k in origins)) for j in places] for i in origins]),
    }[name]
    each = [over(supply[j], sum(demand[i] * asked[i][j] for i in origins)) for j in places]
    return [sum(each[j] * given[i][j] for j in places) for i in origins]


def slow_mutual(dense, within, demand, supply, target):
    """Which pairs are in the catchments of both sides: radii tried one by one, near to far."""
    n, m = dense.shape
    ends, ratio = [INF] * m, [0.0] * m
    for j in range(m):
        for radius in sorted({dense[i][j] for i in range(n) if within[i][j]}):
            inside = sum(demand[i] for i in range(n) if within[i][j] and dense[i][j] <= radius)
            if inside >= supply[j] / target * (1 - 1e-9):
                ends[j] = radius
                break
        ratio[j] = over(supply[j], sum(demand[i] for i in range(n) if within[i][j] and dense[i][j] <= ends[j]))
    serves = [[within[i][j] and dense[i][j] <= ends[j] for j in range(m)] for i in range(n)]
    mutual = []
    for i in range(n):
        radii = sorted({dense[i][j] for j in range(m) if serves[i][j]})
        held = {r: sum(ratio[j] for j in range(m) if serves[i][j] and dense[i][j] <= r) for r in radii}
        reach = next((r for r in radii if held[r] >= target * (1 - 1e-9)), INF)
        mutual.append([serves[i][j] and dense[i][j] <= reach for j in range(m)])
    return mutual


def slow_raam(dense, within, demand, supply):
    """Shift people from the dearest place they use to the cheapest in reach, by the exact amount, till nobody gains."""
    n, m = dense.shape
    rho = sum(demand) / sum(supply) if sum(demand) > 0 and sum(supply) > 0 else 1.0
    open_to = [[j for j in range(m) if within[i][j] and supply[j] > 0] for i in range(n)]
    flow = [{j: (demand[i] / len(open_to[i])) for j in open_to[i]} for i in range(n)]

    def cost(i, j):
        return sum(flow[k].get(j, 0.0) for k in range(n)) / (supply[j] * rho) + dense[i][j] / 3600

    for _ in range(20_000):
        worst = 0.0
        for i in range(n):
            used = [j for j in open_to[i] if flow[i][j] > 0]
            if not used:
                continue
            dear, cheap = max(used, key=lambda j: cost(i, j)), min(open_to[i], key=lambda j: cost(i, j))
            gain = cost(i, dear) - cost(i, cheap)
            worst = max(worst, gain)
            move = min(flow[i][dear], gain / (1 / (supply[dear] * rho) + 1 / (supply[cheap] * rho)))
            if dear != cheap:
                flow[i][dear] -= move
                flow[i][cheap] += move
        if worst < 1e-8:
            break
    return [min((cost(i, j) for j in open_to[i]), default=INF) for i in range(n)]


@st.composite
def towns(draw, most_origins=6, most_places=5):
    """Sparse times on a grid of half minutes (ties, zeros and exact bounds happen), with people and places."""
    n, m = draw(st.integers(1, most_origins)), draw(st.integers(1, most_places))
    time = st.one_of(st.just(INF), st.integers(0, 32).map(lambda k: 30.0 * k))
    dense = np.array(draw(st.lists(st.lists(time, min_size=m, max_size=m), min_size=n, max_size=n)))
    demand = draw(st.lists(st.integers(0, 40), min_size=n, max_size=n))
    supply = draw(st.lists(st.integers(0, 12), min_size=m, max_size=m))
    return dense, np.array(demand, dtype=float), np.array(supply, dtype=float)


def options(name, curve):
    return {} if name in {"cumulative", "closest", "raam"} else {"decay": curve}


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=60)
@given(town=towns(), curve=st.sampled_from(NAMES), data=st.data())
def test_every_measure_is_its_definition(name, town, curve, data):
    dense, demand, supply = town
    limits = st.sampled_from([300.0, 600.0, 900.0])
    origin_s = np.array(data.draw(st.lists(limits, min_size=demand.size, max_size=demand.size)))
    destination_s = np.array(data.draw(st.lists(limits, min_size=supply.size, max_size=supply.size)))
    more = options(name, curve) | ({"target_ratio": 0.2} if name == "ev2sfca" else {})
    catchments = accessibility.Catchments(origin_s, destination_s)
    found = call(name, sparse_times(dense), demand, supply, catchment_s=catchments, **more)
    expected = slow(name, dense, demand, supply, origin_s, destination_s, curve, target=0.2)
    assert found == pytest.approx(expected, rel=1e-9, abs=2e-6 if name == "raam" else 1e-12)


# ------------------------------------------------------------------ what must hold


@pytest.mark.parametrize("name", HANDING_OUT)
@settings(max_examples=50)
@given(town=towns(12, 6), curve=st.sampled_from(NAMES))
def test_persons_times_score_is_the_supply_in_reach(name, town, curve):
    """Holds for 2SFCA, E2SFCA, kernel forms, 3SFCA and BFCA (by person); supply that nobody reaches goes nowhere."""
    dense, demand, supply = town
    times = sparse_times(dense)
    found = call(name, times, demand, supply, catchment_s=900.0, decay=curve)
    weights = np.array([[weight_of(curve, t, 900.0) for t in row] for row in dense])
    in_reach = supply[(demand[:, None] * weights).sum(axis=0) > 0].sum()
    assert (demand * found).sum() == pytest.approx(in_reach, rel=1e-9)


def test_m2sfca_and_the_published_bfca_do_not_hand_out_the_supply():
    times = sparse_times([[450.0], [0.0]])
    people, beds = np.array([10.0, 30.0]), np.array([8.0])
    for name in ("m2sfca", "bfca_by_place"):
        assert (people * call(name, times, people, beds, catchment_s=900.0)).sum() != pytest.approx(8.0, rel=0.01)


@settings(max_examples=40)
@given(town=towns(), curve=st.sampled_from(NAMES))
def test_the_published_bfca_hands_out_levels_of_service_by_place(town, curve):
    """The scores of the origins sum to the levels of the facilities that have demand (Paez, Higgins & Vivona 2019)."""
    dense, demand, supply = town
    found = accessibility.bfca_by_place(sparse_times(dense), demand, supply, catchment_s=900.0, decay=curve)
    w = np.array([[weight_of(curve, t, 900.0) for t in row] for row in dense])
    part = np.divide(w, w.sum(axis=1, keepdims=True), out=np.zeros_like(w), where=w.sum(axis=1, keepdims=True) > 0)
    load = (demand[:, None] * part).sum(axis=0)
    assert found.sum() == pytest.approx((supply[load > 0] / load[load > 0]).sum(), rel=1e-9)


@pytest.mark.parametrize("name", [*HANDING_OUT, "m2sfca", "bfca_by_place", "gravity", "cumulative"])
@settings(max_examples=30)
@given(town=towns(), curve=st.sampled_from(NAMES))
def test_twice_the_supply_is_twice_the_score(name, town, curve):
    """Not so for RAAM (a cost), EV2SFCA (catchments end sooner) and closest."""
    dense, demand, supply = town
    times, more = sparse_times(dense), options(name, curve)
    once = call(name, times, demand, supply, catchment_s=900.0, **more)
    assert call(name, times, demand, 2 * supply, catchment_s=900.0, **more).tolist() == (2 * once).tolist()


@pytest.mark.parametrize("name", ["closest", "ev2sfca", "raam"])
def test_twice_the_supply_is_not_twice_the_score(name):
    """a reaches both homes. Twice the beds: EV2SFCA stops sooner, RAAM's queues halve but the way stays."""
    times, people, beds = sparse_times([[300, 600], [INF, 0]]), np.array([10.0, 10.0]), np.array([1.0, 2.0])
    more = {"ev2sfca": {"target_ratio": 0.15}, "raam": {"persons_per_place": 5.0}}.get(name, {})
    once = call(name, times, people, beds, catchment_s=900.0, **more)
    twice = call(name, times, people, 2 * beds, catchment_s=900.0, **more)
    assert not np.allclose(twice, 2 * once)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "bfca_by_place"])
@settings(max_examples=30)
@given(town=towns(), curve=st.sampled_from(NAMES), part=st.sampled_from([0.0, 0.25, 0.5]))
def test_splitting_a_place_changes_nothing(name, town, curve, part):
    """The first origin is cut in two at one spot; everyone keeps their score. Not so for the published BFCA."""
    dense, demand, supply = town
    whole = call(name, sparse_times(dense), demand, supply, catchment_s=900.0, **options(name, curve))
    cut = np.concatenate([[part * demand[0], (1 - part) * demand[0]], demand[1:]])
    split = call(
        name, sparse_times(np.vstack([dense[:1], dense])), cut, supply, catchment_s=900.0, **options(name, curve)
    )
    near = 1e-5 if name == "raam" else 1e-12
    assert split[1:] == pytest.approx(whole, rel=1e-9, abs=near)
    assert split[0] == pytest.approx(whole[0], rel=1e-9, abs=near)


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=30)
@given(town=towns(), curve=st.sampled_from(NAMES), data=st.data())
def test_the_order_of_places_does_not_matter(name, town, curve, data):
    dense, demand, supply = town
    rows = data.draw(st.permutations(range(demand.size)))
    columns = data.draw(st.permutations(range(supply.size)))
    found = call(name, sparse_times(dense), demand, supply, catchment_s=900.0, **options(name, curve))
    moved = sparse_times(dense[np.ix_(rows, columns)])
    again = call(name, moved, demand[rows], supply[columns], catchment_s=900.0, **options(name, curve))
    assert again == pytest.approx(found[rows], rel=1e-9, abs=1e-5 if name == "raam" else 1e-12)


@settings(max_examples=50)
@given(town=towns(), data=st.data())
def test_one_more_facility_never_takes_plain_coverage_away(town, data):
    """Cumulative and gravity never fall, and nobody's nearest is farther."""
    dense, demand, supply = town
    without = sparse_times(dense[:, :-1]) if supply.size > 1 else sparse.csr_matrix((demand.size, 0))
    times = sparse_times(dense)
    for name, better in (("cumulative", np.greater_equal), ("gravity", np.greater_equal), ("closest", np.less_equal)):
        before = call(name, without, demand, supply[:-1], catchment_s=900.0)
        assert better(call(name, times, demand, supply, catchment_s=900.0), before).all()


@pytest.mark.parametrize("name", HANDING_OUT)
def test_where_everyone_reaches_everything_all_have_the_same(name):
    times = sparse_times(np.zeros((5, 3)))
    found = call(name, times, [5, 10, 0, 20, 5], [1, 2, 5], catchment_s=900.0)
    assert found == pytest.approx(np.full(5, 8 / 40))


def test_a_mode_shared_with_itself_is_one_mode():
    twice = [(TOWN, 0.25), (TOWN, 0.75)]
    for name in ("two_step", "three_step", "m2sfca", "bfca", "gravity", "cumulative", "closest"):
        one = call(name, TOWN, PEOPLE, BEDS, catchment_s=900.0)
        assert call(name, twice, PEOPLE, BEDS, catchment_s=900.0) == pytest.approx(one)


def test_threads_and_blocks_do_not_change_a_bit(monkeypatch):
    rng = np.random.default_rng(1)
    times = sparse_times(np.where(rng.random((300, 40)) < 0.3, rng.uniform(0, 900, (300, 40)), INF))
    demand, supply = rng.uniform(0, 9, 300), rng.uniform(0, 9, 40)
    whole = accessibility.two_step(times, demand, supply, catchment_s=800.0, decay="gaussian")
    monkeypatch.setattr(asking, "_BLOCK", 7)
    for threads in ("1", "3"):
        monkeypatch.setenv("CHONGMING_THREADS", threads)
        found = accessibility.two_step(times, demand, supply, catchment_s=np.full(300, 800.0), decay="gaussian")
        assert found.tolist() == whole.tolist()


def test_a_crowd_of_many_settles():
    """2,000 places and 60 facilities in the plane. Each queue is what its users bear beyond the way; all are at their
    least in reach, and the queues together hold everyone who reaches one.
    """
    rng = np.random.default_rng(7)
    xy, sites = rng.uniform(0, 6000, (2000, 2)), rng.uniform(0, 6000, (60, 2))
    seconds = np.hypot(*(xy[:, None] - sites[None]).transpose(2, 0, 1))
    times = sparse_times(np.where(seconds <= 1800, seconds, INF))
    demand, supply = rng.integers(0, 50, 2000).astype(float), rng.integers(1, 20, 60).astype(float)
    cost = accessibility.raam(times, demand, supply, catchment_s=1800.0)
    reached, in_reach = np.isfinite(cost), seconds <= 1800
    queue = np.max(np.where(in_reach, cost[:, None] - seconds / 3600, -INF), axis=0)
    assert np.allclose(np.min(np.where(in_reach, queue + seconds / 3600, INF), axis=1), cost, atol=1e-9)
    persons_per_place = demand.sum() / supply.sum()
    assert (supply * persons_per_place * queue).sum() == pytest.approx(demand[reached].sum(), rel=1e-5)


# ------------------------------------------------------------------ nothing there, and what is wrong


def test_nothing_there_has_defined_answers():
    """No facilities, no people, no capacity, no pairs, no origins: 0, or inf where the answer is a time or a cost."""
    none = sparse.csr_matrix((2, 0))
    unreached = sparse.csr_matrix((2, 3))
    for name in EVERY:
        nothing = INF if name in {"closest", "raam"} else 0.0
        for times, supply in ((none, []), (unreached, [1, 2, 3]), (sparse_times([[0], [60]]), [0])):
            assert call(name, times, [10, 20], supply, catchment_s=900.0).tolist() == [nothing, nothing], name
        assert call(name, sparse.csr_matrix((0, 2)), [], [1, 2], catchment_s=900.0).tolist() == []
    for name in [*HANDING_OUT, "m2sfca", "ev2sfca"]:
        assert call(name, sparse_times([[0], [60]]), [0, 0], [5], catchment_s=900.0).tolist() == [0.0, 0.0]
    nobody = accessibility.raam(sparse_times([[0], [360]]), [0, 0], [5], catchment_s=900.0)
    assert nobody.tolist() == [0.0, 0.1]  # the first person would bear the way alone


def test_a_catchment_of_nothing_holds_who_is_there():
    for curve in NAMES:
        found = accessibility.two_step(TOWN, PEOPLE, BEDS, catchment_s=0.0, decay=curve)
        assert found.tolist() == [0.2, 0.0, 0.0, 0.0], curve


def test_inputs_are_left_as_they_were():
    times, demand, supply = TOWN.copy(), np.array(PEOPLE), np.array(BEDS)
    times.data.flags.writeable = demand.flags.writeable = supply.flags.writeable = False
    for name in EVERY:
        call(name, times, demand, supply, catchment_s=900.0)
    assert times.nnz == 4


def test_frames_and_unsorted_matrices_are_welcome():
    shuffled = sparse.csr_matrix((np.array([600.0, 0.0]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    found = accessibility.two_step(shuffled, pd.Series([10]), pd.Series([2, 3]), catchment_s=300)
    assert found.tolist() == [0.2]
    assert accessibility.two_step(sparse.csr_array(TOWN), PEOPLE, BEDS, catchment_s=900.0)[0] == pytest.approx(0.275)
    whole_minutes = sparse.csr_matrix(np.array([[5, 10]]))
    assert accessibility.cumulative(whole_minutes, [1], [1, 1], catchment_s=5).tolist() == [1.0]


def test_the_cutoff_of_the_times_is_the_catchment_unless_another_is_given():
    times = travel.TravelTimes(TOWN, 900.0)
    assert accessibility.cumulative(times, PEOPLE, BEDS).tolist() == [5.0, 3.0, 0.0, 4.0]
    assert accessibility.cumulative(times, PEOPLE, BEDS, catchment_s=300.0).tolist() == [2.0, 3.0, 0.0, 0.0]


def test_all_faults_are_told_at_once():
    wrong = TOWN.copy()
    wrong.data[1] = -1.0
    with pytest.raises(TableError) as told:
        accessibility.two_step(wrong, [1.0, -2.0, np.nan, 0.0], [1.0, 2.0], catchment_s=[1.0, INF, 1.0, 1.0])
    said = str(told.value)
    assert "1 of 4 stored seconds" in said
    assert "demand: negative, infinite or missing at position 1, 2" in said
    assert "supply: (2,) numbers for 3 places" in said
    assert "catchment_s of times by origin: negative, infinite or missing at position 1" in said


@pytest.mark.parametrize(
    ("times", "more", "said"),
    [
        (TOWN.toarray(), {"catchment_s": 900.0}, "neither TravelTimes nor a SciPy CSR matrix"),
        (TOWN.tocsc(), {"catchment_s": 900.0}, "neither TravelTimes nor a SciPy CSR matrix"),
        (TOWN, {}, "give catchment_s"),
        (travel.TravelTimes(TOWN, 600.0), {"catchment_s": 900.0}, "beyond their cutoff of 600 s"),
        ([(TOWN, 0.5), (TOWN, 0.6)], {"catchment_s": 900.0}, "must sum to 1"),
        ([(TOWN, 1.0), (TOWN[:2], 0.0)], {"catchment_s": 900.0}, "different shapes"),
        ([], {"catchment_s": 900.0}, "empty sequence"),
        (TOWN, {"catchment_s": [[900.0]]}, "numbers for 4 places"),
        (TOWN, {"catchment_s": "far"}, "not numbers"),
    ],
)
def test_times_that_do_not_fit_are_refused(times, more, said):
    with pytest.raises(TableError, match=said):
        accessibility.two_step(times, PEOPLE, BEDS, **more)


def test_a_pair_stored_twice_is_refused():
    twice = sparse.csr_matrix((np.array([60.0, 90.0]), np.array([0, 0]), np.array([0, 2])), shape=(1, 1))
    with pytest.raises(TableError, match="stored twice"):
        accessibility.two_step(twice, [1], [1], catchment_s=900.0)


@pytest.mark.parametrize("name", WEIGHED)
@pytest.mark.parametrize("bad", [lambda t: -t, lambda t: np.full_like(t, np.nan)])
def test_a_decay_that_gives_no_weight_is_refused(name, bad):
    with pytest.raises(StudyError, match="finite and not negative"):
        call(name, TOWN, PEOPLE, BEDS, catchment_s=900.0, decay=bad)


def test_parameters_out_of_range_are_refused():
    for call_it in (
        lambda: accessibility.raam(TOWN, PEOPLE, BEDS, catchment_s=900.0, tau_s=0.0),
        lambda: accessibility.raam(TOWN, PEOPLE, BEDS, catchment_s=900.0, persons_per_place=INF),
        lambda: accessibility.ev2sfca(TOWN, PEOPLE, BEDS, catchment_s=900.0, target_ratio=-1.0),
        lambda: accessibility.catchments_with_people(TOWN, PEOPLE, persons=0, catchment_s=900.0),
        lambda: accessibility.two_step(TOWN, PEOPLE, BEDS, catchment_s=900.0, decay="round"),
    ):
        with pytest.raises(StudyError):
            call_it()
    for name in ("raam", "ev2sfca"):
        with pytest.raises(TableError, match="one mode of travel"):
            call(name, [(TOWN, 0.5), (TOWN, 0.5)], PEOPLE, BEDS, catchment_s=900.0)


@pytest.mark.parametrize("name", EVERY)
def test_every_measure_is_asked_in_the_same_way(name):
    """Times, demand and supply by position; catchment, decay and the rest by name, and nothing else is needed."""
    parameters = inspect.signature(getattr(accessibility, name)).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == ["times", "demand", "supply"]
    named = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert named >= {"catchment_s"} | ({"decay"} if name in WEIGHED else set())
    assert all(p.default is not p.empty for p in parameters if p.kind is p.KEYWORD_ONLY)
