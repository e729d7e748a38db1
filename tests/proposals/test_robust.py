"""Other good plans and draws: the toy town by hand, and every plan of small random questions counted one by one."""

import dataclasses
import functools
import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chongming_gis import proposals
from chongming_gis.errors import SitingError
from chongming_gis.proposals import robust, solving
from chongming_gis.siting import SideRules, SitingProblem
from chongming_gis.siting.alternatives import best_plans
from chongming_gis.siting.models import mclp_formulation
from chongming_gis.uncertainty import Draws
from tests.measured.toy_ground import A, F, H
from tests.proposals.toy_questions import ask, candidates
from tests.toy.roads import CRS

WEIGHTS = [7, 11, 13, 17, 19, 23]


def asked(standing, at, *, paces=None, **changes):
    proposal, setting = ask(standing, **changes)
    return robust.ask_widely(proposal, setting, at, paces=paces or {})


@functools.cache
def template():
    """Some question, whose arithmetic is put in its place by ``question_of``."""
    proposal, setting = ask([A], minutes=4)
    return proposals.ask(proposal, setting, candidates(F, H))


def question_of(covers, weights, *, new_sites, existing=(), areas=None, rules=None):
    """A covering question by hand: ``covers`` (n_demand, n_sites) of 0 and 1; sites stand 10 km apart."""
    costs = np.where(np.asarray(covers) > 0, 1.0, np.inf)
    problem = SitingProblem(costs, weights, existing=existing, site_areas=areas, rules=rules)
    n = problem.n_sites
    sites = gpd.GeoDataFrame(
        {"place_id": [f"s{i}" for i in range(n)]},
        geometry=[shapely.Point(10_000.0 * i, 0.0) for i in range(n)],
        crs=CRS,
    )
    return dataclasses.replace(
        template(),
        problem=problem,
        sites=sites,
        time_s=sparse.csr_array(problem.costs),
        limit_s=np.ones(problem.n_demand),
        new_sites=new_sites,
    )


def same_draws(n, *, speed=1.0, people=1.0, areas=1):
    """``n`` draws that are all alike."""
    ones = np.ones(n)
    return Draws({"foot": speed * ones}, ones, 0.5 * ones, 300.0 * ones, np.full((n, areas), people))


def held(question, plan, draws, *, largest=1.0, area=None):
    n = question.problem.n_demand
    core = robust.core_of(question, np.full(n, largest))
    own = np.full(n, -1) if area is None else area
    return robust.try_draws(core, plan, draws, mode=["foot"] * n, area=own)


def covered(question, chosen):
    problem = question.problem
    is_open = [*problem.existing.tolist(), *chosen]
    return sum(
        weight
        for row, weight in enumerate(problem.weights.tolist())
        if any(site in is_open for site in problem.costs[[row]].indices)
    )


def plans_one_by_one(question):
    """Every set of candidates that obeys number, spacing and at_least."""
    rules, free = question.problem.rules, question.problem.candidates.tolist()
    for size in range(question.new_sites + 1):
        for sites in itertools.combinations(free, size):
            in_area = [int(question.problem.site_areas[site]) for site in sites]
            if (
                set(rules.forced) <= set(sites)
                and not any(a in sites and b in sites for a, b in rules.spacing)
                and all(in_area.count(area) >= least for area, least in rules.at_least.items())
            ):
                yield sites


@st.composite
def questions(draw):
    n_sites = draw(st.integers(2, 7))
    cell = st.lists(st.booleans(), min_size=n_sites, max_size=n_sites)
    covers = np.array(draw(st.lists(cell, min_size=6, max_size=6)), dtype=float)
    areas = draw(st.lists(st.integers(0, 1), min_size=n_sites, max_size=n_sites))
    pairs = [(a, b) for a in range(n_sites) for b in range(a)]
    rules = SideRules(
        at_least=draw(st.sampled_from([{}, {0: 1}, {0: 1, 1: 1}])),
        forbidden=draw(st.sampled_from([(), (0,)])),
        spacing=tuple(draw(st.lists(st.sampled_from(pairs), max_size=2, unique=True))),
    )
    existing = draw(st.sampled_from([(), (1,)]))
    return question_of(covers, WEIGHTS, new_sites=draw(st.integers(1, 3)), existing=existing, areas=areas, rules=rules)


@given(questions())
@settings(max_examples=60)
def test_the_fast_search_finds_what_counting_every_plan_finds(question):
    plan = proposals.solve(question)
    possible = [covered(question, sites) for sites in plans_one_by_one(question)]
    most = min(question.new_sites, len(question.problem.candidates))
    if not possible or not most or sum(question.problem.rules.at_least.values()) > most:
        assert plan.status == "infeasible"
    else:
        assert plan.status == "optimal"
        assert plan.objective == covered(question, plan.chosen.tolist()) == max(possible)
        assert tuple(plan.chosen.tolist()) in set(plans_one_by_one(question))


@given(questions(), st.sampled_from([0.1, 0.5, 1.0]))
@settings(max_examples=60)
def test_every_next_plan_is_the_best_that_lacks_a_site_of_each_before_it(question, within_share):
    plan = proposals.solve(question)
    if plan.status == "infeasible":
        return
    found = robust.good_plans(question, plan, count=4, within_share=within_share, time_limit_s=900.0)
    nothing = covered(question, ())
    least = plan.objective - within_share * (plan.objective - nothing) - 1e-6
    before = [set(plan.chosen.tolist())]
    for other in found.plans[1:]:
        left = [sites for sites in plans_one_by_one(question) if not any(one <= set(sites) for one in before)]
        assert other.objective == covered(question, other.chosen.tolist())
        assert other.objective == max(covered(question, sites) for sites in left)
        assert other.objective >= least
        assert not any(one <= set(other.chosen.tolist()) for one in before)
        before.append(set(other.chosen.tolist()))
    if found.stop_reason == "no more within the share":
        left = [sites for sites in plans_one_by_one(question) if not any(one <= set(sites) for one in before)]
        assert all(covered(question, sites) < least or covered(question, sites) == nothing for sites in left)
    else:
        assert len(found.plans) == 5


@given(questions())
@settings(max_examples=60)
def test_the_general_model_finds_a_plan_as_good(question):
    plan = proposals.solve(question)
    slow = solving.solve_by_model(question, time_limit_s=60.0, target_gap=0.0)
    assert (plan.status, plan.objective) == (slow.status, pytest.approx(slow.objective, nan_ok=True))


def test_the_general_model_gives_plans_as_good():
    rng = np.random.default_rng(5)
    covers = rng.random((30, 9)) < 0.25
    question = question_of(covers, rng.integers(1, 100, 30), new_sites=3)
    plan = proposals.solve(question)
    found = robust.good_plans(question, plan, count=5, within_share=1.0)
    general = best_plans(mclp_formulation(question.problem, standard=1.0, new_sites=3), count=6, within_share=1.0)
    assert [one.objective for one in found.plans] == [one.objective for one in general.plans]


def test_other_plans_of_the_toy_town_by_hand():
    """Of F (d0, d1: 30 persons), H (d2: 30) and a place beside A (d0: 10) one is built: F and H are as good."""
    question = asked([], candidates(F, H, A), minutes=4)
    plan = proposals.solve(question)
    found = robust.good_plans(question, plan, count=5, within_share=0.02)
    assert [one.objective for one in found.plans] == [30.0, 30.0]
    assert {tuple(one.chosen.tolist()) for one in found.plans} == {(0,), (1,)}
    assert found.frequency.tolist() == [0.5, 0.5, 0.0]
    assert found.stop_reason == "no more within the share"
    assert robust.lost_if_refused(question, plan).tolist() == [0.0]
    whole = robust.good_plans(question, plan, count=5, within_share=1.0)
    assert [one.objective for one in whole.plans] == [30.0, 30.0, 10.0]
    assert len(robust.good_plans(question, plan, count=1, within_share=1.0).plans) == 2
    assert len(robust.good_plans(question, plan, count=0, within_share=1.0).plans) == 1


def test_the_share_is_of_what_the_plan_adds():
    """A stands (d0: 10). H adds 30, F adds 20 (d1): a third less of what is added, a quarter of all who are covered."""
    question = asked([A], candidates(F, H), minutes=4)
    plan = proposals.solve(question)
    assert len(robust.good_plans(question, plan, count=3, within_share=0.3).plans) == 1
    assert len(robust.good_plans(question, plan, count=3, within_share=0.34).plans) == 2
    assert robust.lost_if_refused(question, plan).tolist() == [10.0]


def test_a_site_that_no_plan_can_do_without_costs_everything():
    question = asked([A], candidates(F, H, township=["t1", "t2"]), minutes=4, each_township=1)
    plan = proposals.solve(question)
    assert robust.lost_if_refused(question, plan).tolist() == [np.inf]
    found = robust.good_plans(question, plan, count=3, within_share=1.0)
    assert [len(found.plans), found.stop_reason] == [1, "no more within the share"]


def test_numbers_below_zero_are_refused():
    question = asked([A], candidates(F, H), minutes=4)
    plan = proposals.solve(question)
    for wrong in ({"count": -1, "within_share": 0.1}, {"count": 1, "within_share": float("nan")}):
        with pytest.raises(SitingError, match="must be at least 0"):
            robust.good_plans(question, plan, **wrong)


def test_a_preferred_site_stays_where_another_is_no_better():
    question = question_of([[1, 1, 0], [0, 0, 1]], [10.0, 4.0], new_sites=1)
    assert [proposals.solve(question, prefer=[site]).chosen.tolist() for site in (0, 1, 2)] == [[0], [1], [0]]


def test_where_nothing_is_drawn_every_site_stays():
    question = asked([A], candidates(F, H), minutes=4, new_sites=2)
    plan = proposals.solve(question)
    found = held(question, plan, same_draws(7))
    assert found.share[plan.chosen].tolist() == found.share_near[plan.chosen].tolist() == [1.0, 1.0]
    assert found.lost.tolist() == [0.0] * 7
    assert (found.n_draws, found.n_proven, found.share_same) == (7, 7, 1.0)


def test_times_that_grow_are_asked_of_those_who_may_lose_what_they_have():
    """A stands and reaches d0 in 40 s and d1 in 270 s. At half the speed (540 s, limit 480 s) d1 is left to F."""
    question = asked([A], candidates(F, H), minutes=8, paces={"foot": (1.0, 2.0)})
    narrow = asked([A], candidates(F, H), minutes=8)
    assert question.time_s[1, 1] == 120.0  # d1 to F
    assert narrow.time_s[1, 1] == 0.0  # not asked: d1 is covered
    plan = proposals.solve(question)
    assert question.sites["place_id"].iloc[plan.chosen].tolist() == ["c1"]  # H: d2, 30
    slow = held(question, plan, same_draws(3, speed=0.5), largest=2.0)
    assert slow.share.tolist() == [0.0, 0.0, 1.0]  # d1 (20) by F is less than d2 (30) by H
    fewer = np.array([-1, -1, 0, -1])
    rare = held(question, plan, same_draws(3, speed=0.5, people=0.5), largest=2.0, area=fewer)
    assert rare.share.tolist() == [0.0, 1.0, 0.0]  # of d2 15 are left
    assert rare.lost.tolist() == pytest.approx([0.25] * 3)  # H adds 15 of the 20
    assert rare.share_same == 0.0


def test_times_that_shrink_are_asked_beyond_the_limit():
    """F to d0 takes 230 s: beyond 2 minutes, but within it for those twice as quick."""
    question = asked([], candidates(F, H), minutes=2, paces={"foot": (0.5, 1.0)})
    plan = proposals.solve(question)
    assert (plan.objective, question.time_s[0, 0]) == (30.0, 230.0)
    quick = held(question, plan, same_draws(2, speed=2.0))
    assert quick.share[plan.chosen].tolist() == [1.0]
    assert asked([], candidates(F, H), minutes=2).time_s[0, 0] == 0.0


def test_a_neighbour_counts_as_near():
    question = question_of([[1, 0], [0, 1]], [10.0, 9.0], new_sites=1)
    close = question.sites.set_geometry([shapely.Point(0, 0), shapely.Point(1000, 0)], crs=CRS)
    question = dataclasses.replace(question, sites=close)
    plan = proposals.solve(question)
    draws = dataclasses.replace(same_draws(4), people=np.array([[1.0], [1.0], [0.5], [0.5]]))
    found = held(question, plan, draws, area=np.array([0, -1]))
    assert found.share.tolist() == [0.5, 0.5]
    assert found.share_near.tolist() == [1.0, 1.0]
    assert found.lost.tolist() == pytest.approx([0.0, 0.0, 4 / 9, 4 / 9])


def test_draws_without_a_plan_are_counted_apart():
    """Where every township must be covered by half, and nothing can be, the floor falls to what is possible."""
    question = asked([A], candidates(F, H), minutes=4, floor=1.0, new_sites=2)
    plan = proposals.solve(question)
    found = held(question, plan, same_draws(2))
    assert (len(found.lost), found.share[plan.chosen].tolist()) == (2, [1.0, 1.0])
    impossible = dataclasses.replace(
        question,
        proposal=question.proposal.model_copy(update={"floor": None}),
        problem=SitingProblem(
            question.problem.costs,
            question.problem.weights,
            existing=question.problem.existing,
            site_areas=question.problem.site_areas,
            rules=SideRules(at_least={99: 1}),
        ),
    )
    none = held(impossible, plan, same_draws(2))
    assert (len(none.lost), none.n_draws) == (0, 2)
    assert np.isnan(none.share).all()


def test_a_p_median_is_drawn_by_the_general_model():
    question = asked([], candidates(F, H), minutes=15, model="p_median", unreachable_min=60)
    plan = proposals.solve(question)
    found = held(question, plan, same_draws(2))
    assert found.share[plan.chosen].tolist() == [1.0]
    assert found.lost.tolist() == pytest.approx([0.0, 0.0])
