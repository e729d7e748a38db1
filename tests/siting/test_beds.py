"""Beds: the least cost against trying every allotment, sums worked by hand, and what nearness costs."""

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.siting.bed_problem import AreaDuty, BedDuty, BedKind, BedQuestion, BedSites, BedTravel
from chongming_gis.siting.bed_rows import shared_out, ways_of
from chongming_gis.siting.beds import allot_beds, cost_of, find_frontier, reached

INF = math.inf


def homes(**changes):
    """A home of 50 and one of 90 beds in areas 0 and 1, and ground for a new one in area 2.

    Adding costs 3 a bed (2 to 40 beds), building 5 a bed and 10 once (20 to 60).
    """
    given_ = {
        "beds": [50.0, 90.0, 0.0],
        "is_new": [False, False, True],
        "areas": [0, 1, 2],
        "least": [2, 2, 20],
        "most": [40, 40, 60],
        "bed_costs": [3.0, 3.0, 5.0],
        "build_costs": [0.0, 0.0, 10.0],
        "is_standard": [False, True, False],
        **changes,
    }
    told = {name: np.array(value) if isinstance(value, list) else value for name, value in given_.items()}
    return BedSites(**told)


NURSING = BedKind("nursing", np.array([10.0, 30.0, 0.0]), 1.0, is_of_new=True)
DEMENTIA = BedKind("dementia", np.array([0.0, 0.0, 0.0]), 2.0, least=8)


def question(*duties, budget=None, **changes):
    return BedQuestion(homes(**changes), duties, budget)


def test_what_stands_is_extended_where_that_is_cheapest():
    plan = allot_beds(question(BedDuty("beds", 140.0, low=170.0, per_bed=1.0)))
    assert (plan.status, plan.cost, plan.bound) == ("optimal", 90.0, 90.0)
    assert plan.added.sum() == 30
    assert plan.added[2] == 0


def test_a_home_is_built_when_extending_is_not_enough_and_has_at_least_its_size():
    plan = allot_beds(question(BedDuty("beds", 140.0, low=221.0, per_bed=1.0)))  # 80 by extending, 1 more
    assert plan.added.tolist() in ([40, 21, 20], [21, 40, 20])
    assert plan.cost == 61 * 3 + 20 * 5 + 10


def test_no_fewer_beds_than_the_least_are_added_at_a_site():
    plan = allot_beds(question(BedDuty("beds", 140.0, low=141.0, per_bed=1.0)))
    assert sorted(plan.added.tolist()) == [0, 0, 2]
    assert plan.cost == 6.0


def test_a_share_counts_the_beds_that_are_added():
    """40 of 140 are nursing beds; 60 % of 160 are 96: 20 new ones are of the kind, 36 are converted."""
    share = BedDuty("share", 40.0 - 0.6 * 140.0, low=0.0, per_bed=-0.6, per_kind={"nursing": 1.0})
    asked = question(BedDuty("beds", 140.0, low=160.0, per_bed=1.0), share, kinds=(NURSING,))
    plan = allot_beds(asked)
    assert plan.converted.sum() == 36
    assert plan.cost == 20 * 3 + 36
    assert reached(asked, plan) == pytest.approx((160.0, 0.0), abs=1e-9)
    assert plan.converted[0].tolist() == [14, 22, 0]  # in proportion to 40 and 60 beds that could be


def test_conversions_come_in_the_least_size_and_where_there_are_none_first():
    asked = question(BedDuty("dementia", 0.0, low=17.0, per_kind={"dementia": 1.0}), kinds=(DEMENTIA,))
    plan = allot_beds(asked)
    assert plan.cost == 34.0
    assert sorted(plan.converted[0].tolist()) == [0, 8, 9]
    few = allot_beds(question(BedDuty("dementia", 0.0, low=3.0, per_kind={"dementia": 1.0}), kinds=(DEMENTIA,)))
    assert (few.converted.sum(), few.cost) == (8, 16.0)


def test_every_area_gets_a_home_up_to_the_standard():
    """Area 0: the home of 50 needs 30 beds more to have 80, and 20 once; area 2: a new home of 60 is too small."""
    duty = AreaDuty("standard", np.array([False, True, False]), 2, needs_standard=True)
    plan = allot_beds(question(duty, standard_cost=20.0, standard_from=80))
    assert plan.added.tolist() == [30, 0, 0]
    assert plan.standardised.tolist() == [True, False, False]
    assert plan.cost == 30 * 3 + 20
    all_three = replace(duty, least=3)
    plan = allot_beds(question(all_three, standard_cost=20.0, standard_from=60))
    assert plan.standardised.tolist() == [True, False, True]
    assert plan.cost == 10 * 3 + 20 + 60 * 5 + 10
    plan = allot_beds(question(all_three, standard_cost=20.0, standard_from=80))
    assert plan.status == "infeasible"
    assert plan.reason == "standard: 3 areas must have one; with the sizes allowed at most 2"


def test_an_area_without_any_home_gets_one():
    plan = allot_beds(question(AreaDuty("one", np.array([True, True, False]), 3)))
    assert (plan.added.tolist(), plan.cost) == ([0, 0, 20], 110.0)


def test_nothing_is_done_where_everything_is_met():
    plan = allot_beds(question(BedDuty("beds", 140.0, low=100.0, per_bed=1.0)))
    assert (plan.status, plan.cost, plan.added.sum()) == ("optimal", 0.0, 0)
    assert allot_beds(question()).cost == 0.0


@pytest.mark.parametrize(
    ("duties", "more", "told"),
    [
        (
            [BedDuty("beds", 140.0, low=300.0, per_bed=1.0)],
            {},
            "beds: at least 300 is asked for; with the sizes allowed at most 280",
        ),
        (
            [BedDuty("beds", 140.0, low=170.0, per_bed=1.0)],
            {"budget": 89.0},
            "budget: 89 is too little; the duties cost at least 90",
        ),
        (
            [BedDuty("beds", 140.0, low=200.0, per_bed=1.0), BedDuty("few", 140.0, high=180.0, per_bed=1.0)],
            {},
            (
                "beds: at least 200 is asked for; beside the other duties at most 180; "
                "few: at most 180 is allowed; beside the other duties at most 200 or more"
            ),
        ),
        (
            [BedDuty("nursing", 40.0, low=250.0, per_kind={"nursing": 1.0})],
            {"kinds": (replace(NURSING, is_of_new=False),), "most": [0, 0, 0], "least": [0, 0, 0]},
            "nursing: at least 250 is asked for; with the sizes allowed at most 140",
        ),
    ],
)
def test_no_plan_is_an_answer_that_names_the_duty(duties, more, told):
    plan = allot_beds(question(*duties, **more))
    assert (plan.status, plan.cost) == ("infeasible", INF)
    assert plan.reason == told


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (question(beds=[50.0, -1.0, 0.0]), "sites.beds"),
        (question(bed_costs=[math.nan, 1.0, 1.0]), "sites.bed_costs"),
        (question(least=[1, 2]), "sites.least: has shape"),
        (question(kinds=(replace(NURSING, beds=np.array([60.0, 0.0, 0.0])),)), r"sites \[0\] have more than beds"),
        (question(BedDuty("x", 0.0, per_kind={"gold": 1.0})), "gold"),
        (question(BedDuty("x", 0.0, low=2.0, high=1.0)), "above high"),
        (question(AreaDuty("x", np.array([True]), 2)), "2 of 1 areas"),
        (question(budget=-1.0), "budget"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(asked, told):
    with pytest.raises(SitingError, match=told):
        allot_beds(asked)


@pytest.mark.parametrize(
    ("minutes", "need", "told"),
    [([[1.0, 2.0]], [1.0], "shape"), ([[1.0, 2.0, 3.0]], [-1.0], "need"), ([[1.0, 2.0, math.nan]], [1.0], "minutes")],
)
def test_travel_that_means_nothing_is_refused(minutes, need, told):
    travel = BedTravel(sparse.csr_array(np.array(minutes)), np.array(need), 60.0)
    with pytest.raises(SitingError, match=told):
        allot_beds(question(), travel=travel)


def two_villages():
    """Village 0 needs 60 beds, 10 minutes from home 0; village 1 needs 100, 10 minutes from the new ground.

    Home 1 is 30 minutes from both.
    """
    minutes = np.array([[10.0, 30.0, 50.0], [50.0, 30.0, 10.0]])
    return BedTravel(sparse.csr_array(minutes), np.array([60.0, 100.0]), 60.0)


def test_who_goes_where_is_the_shortest_way_within_the_beds():
    total, flows = ways_of(question(), two_villages(), np.array([0, 0, 0]))
    # 50 of village 0 at home 0; 90 at home 1, of whom all save 30 minutes; 20 find no bed
    assert total == pytest.approx(50 * 10 + 90 * 30 + 20 * 60)
    assert flows.sum() == pytest.approx(140.0)
    total, _ = ways_of(question(), two_villages(), np.array([10, 0, 60]))
    assert total == pytest.approx(60 * 10 + 60 * 10 + 40 * 30)


def test_of_the_cheapest_plans_the_nearest_is_taken():
    asked = question(BedDuty("beds", 140.0, low=160.0, per_bed=1.0))
    plan = allot_beds(asked, travel=two_villages())
    assert plan.cost == 60.0
    assert plan.added[0] >= 10  # the ten of village 0 that found no bed at home 0
    assert plan.minutes == pytest.approx((60 * 10 + 100 * 30) / 160)
    assert plan.minutes_bound <= plan.minutes + 1e-9


def test_the_frontier_rises_in_cost_and_falls_in_minutes():
    asked = question(BedDuty("beds", 140.0, low=160.0, per_bed=1.0))
    points = find_frontier(asked, two_villages(), points=4)
    assert len(points) >= 2
    costs, minutes = [p.cost for p in points], [p.minutes for p in points]
    assert costs == sorted(costs)
    assert minutes == sorted(minutes, reverse=True)
    assert points[0].cost == 60.0
    assert points[-1].added[2] > 0  # village 1 gets a home of its own
    for point in points:
        assert reached(asked, point)[0] >= 160.0
        assert point.minutes_bound <= point.minutes + 1e-9
        assert point.cost == pytest.approx(cost_of(asked, point.added, point.converted, point.standardised), rel=1e-5)
    assert len(find_frontier(asked, two_villages(), points=1)) == 1
    assert find_frontier(question(BedDuty("beds", 0.0, low=999.0, per_bed=1.0)), two_villages(), points=3) == ()
    with pytest.raises(SitingError, match="points"):
        find_frontier(asked, two_villages(), points=0)


def test_nobody_in_need_is_no_minutes():
    nobody = replace(two_villages(), need=np.zeros(2))
    assert allot_beds(question(BedDuty("beds", 140.0, low=160.0, per_bed=1.0)), travel=nobody).minutes == 0.0


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=6),
    st.integers(0, 100),
    st.integers(1, 6),
)
def test_conversions_are_shared_out_whole_within_their_room(rooms, total, least):
    room = np.array(rooms, dtype=np.int64)
    able = np.sort(room[room >= least])[::-1] if least > 1 else room
    most = sum(able.tolist()[: total // least]) if least > 1 else int(room.sum())
    total = min(total, int(most))
    kind = BedKind("k", np.zeros(len(room)), 1.0, least=least)
    shares = shared_out(total, room, kind, None)
    assert (shares <= room).all()
    if least == 1 or total == 0 or total >= least:
        assert shares.sum() in {total, 0 if least > 1 else total}
    assert all(share == 0 or share >= least for share in shares)


@st.composite
def small_questions(draw):
    n = draw(st.integers(1, 3))
    numbers = st.lists(st.integers(0, 3), min_size=n, max_size=n)
    is_new = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    beds = np.where(is_new, 0, np.array(draw(numbers)))
    least = np.array(draw(numbers))
    most = least + np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    own = np.minimum(np.array(draw(numbers)), beds)
    kind = BedKind("k", own.astype(float), float(draw(st.integers(0, 3))), draw(st.integers(1, 2)), draw(st.booleans()))
    areas = np.array(draw(st.lists(st.integers(-1, 1), min_size=n, max_size=n)))
    is_standard = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))) & ~is_new
    sites = BedSites(
        beds.astype(float),
        is_new,
        areas,
        least,
        most,
        np.array(draw(numbers), dtype=float),
        np.array(draw(numbers), dtype=float),
        is_standard,
        draw(st.sampled_from((1.0, 2.0, INF))),
        draw(st.integers(0, 3)),
        (kind,),
    )
    has = np.array([bool((is_standard & (areas == area)).any()) for area in (0, 1)])
    share = draw(st.sampled_from((0.25, 0.5, 1.0)))
    duties = [
        BedDuty("beds", float(beds.sum()), low=float(draw(st.integers(0, 8))), per_bed=1.0),
        BedDuty("share", own.sum() - share * beds.sum(), low=0.0, per_bed=-share, per_kind={"k": 1.0}),
        AreaDuty("standard", has, draw(st.integers(0, 2)), needs_standard=True),
        BedDuty("homes", float((~is_new).sum()), low=float(draw(st.integers(0, 3))), per_site=1.0),
    ]
    kept = draw(st.lists(st.sampled_from(range(4)), unique=True, max_size=3))
    budget = draw(st.sampled_from((None, 0.0, 5.0, 12.0)))
    return BedQuestion(sites, tuple(duties[i] for i in sorted(kept)), budget)


def cheapest(asked):
    """The least cost of every allotment there is; None where none meets the duties."""
    sites = asked.sites
    kind, n, best = sites.kinds[0], sites.n_sites, None
    sizes = [
        [0, *(b for b in range(least, most + 1) if b > 0)] for least, most in zip(sites.least, sites.most, strict=True)
    ]
    for added in itertools.product(*sizes):
        room = sites.beds - kind.beds + (0 if kind.is_of_new else np.array(added))
        parts = [[c for c in range(int(r) + 1) if c == 0 or c >= kind.least] for r in room]
        up = [
            [False, True]
            if not sites.is_standard[j]
            and sites.beds[j] + added[j] >= sites.standard_from
            and (added[j] > 0 if sites.is_new[j] else sites.standard_cost < INF)
            else [False]
            for j in range(n)
        ]
        for standard in itertools.product(*up):
            for converted in itertools.product(*parts):
                if not meets(asked, added, converted, standard):
                    continue
                cost = sum(sites.bed_costs[j] * added[j] + sites.build_costs[j] * (added[j] > 0) for j in range(n))
                cost += kind.cost * sum(converted)
                cost += sum(sites.standard_cost for j in range(n) if standard[j] and not sites.is_new[j])
                if asked.budget is None or cost <= asked.budget + 1e-9:
                    best = cost if best is None else min(best, cost)
    return best


def meets(asked, added, converted, standard):
    sites = asked.sites
    kind, n = sites.kinds[0], sites.n_sites
    for duty in asked.duties:
        if isinstance(duty, AreaDuty):
            have = {a for a in range(len(duty.has)) if duty.has[a]}
            have |= {int(sites.areas[j]) for j in range(n) if standard[j] and sites.areas[j] >= 0}
            if len(have) < duty.least:
                return False
            continue
        value = duty.standing + duty.per_bed * sum(added)
        value += duty.per_site * sum(added[j] > 0 and sites.is_new[j] for j in range(n))
        value += duty.per_kind.get("k", 0.0) * (sum(converted) + (sum(added) if kind.is_of_new else 0))
        if not duty.low - 1e-6 <= value <= duty.high + 1e-6:
            return False
    return True


@settings(max_examples=80)
@given(small_questions())
def test_it_costs_what_the_cheapest_of_every_allotment_costs(asked):
    plan, best = allot_beds(asked), cheapest(asked)
    if best is None:
        assert plan.status == "infeasible"
        assert plan.reason
        return
    assert plan.status == "optimal"
    assert plan.cost == pytest.approx(best, abs=1e-6)
    assert plan.bound <= plan.cost
    assert meets(asked, plan.added.tolist(), plan.converted[0].tolist(), plan.standardised.tolist())
    assert plan.cost == pytest.approx(cost_of(asked, plan.added, plan.converted, plan.standardised))


def test_reasons_do_not_depend_on_the_order_of_duties():
    duties = [BedDuty("beds", 140.0, low=300.0, per_bed=1.0), BedDuty("few", 140.0, high=1.0, per_bed=1.0)]
    one, two = (allot_beds(question(*order)).reason for order in (duties, duties[::-1]))
    assert sorted(re.split("; (?=beds|few)", one)) == sorted(re.split("; (?=beds|few)", two))
