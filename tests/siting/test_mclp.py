"""MCLP: the most people covered, and the proof of it."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from benchmarks.siting_instances import covering
from chongming_gis.errors import SitingError
from chongming_gis.siting import SideRules, SitingProblem, cover_bound, cover_branch, cover_search, exact, mclp
from chongming_gis.siting.mclp import covered_weight
from chongming_gis.siting.problem import PROVEN_GAP
from chongming_gis.siting.reduce import reduce_cover
from tests.siting import all_plans, slow_checker
from tests.siting.question_strategies import questions

FAR = np.inf
STANDARD = 5.0


WHOLE = st.integers(0, 9).map(float)


@st.composite
def problems(draw, max_sites=12, max_rows=14, weights=WHOLE):
    """Rows in reach of several sites, of one, of none; weights of 0; standing, forced and forbidden sites."""
    n_sites, n_rows = draw(st.integers(1, max_sites)), draw(st.integers(1, max_rows))
    seed, density = draw(st.integers(0, 2**20)), draw(st.sampled_from([0.15, 0.3, 0.6]))
    rng = np.random.default_rng(seed)
    table = np.where(rng.random((n_rows, n_sites)) < density, rng.choice([0.0, 4.0, 5.0, 6.0], (n_rows, n_sites)), FAR)
    sites = st.integers(0, n_sites - 1)
    forbidden = draw(st.lists(sites, max_size=2))
    forced = draw(st.lists(sites.filter(lambda s: s not in forbidden), max_size=1))
    return SitingProblem(
        table,
        draw(st.lists(weights, min_size=n_rows, max_size=n_rows)),
        existing=draw(st.lists(sites.filter(lambda s: s not in forced), max_size=2)),
        rules=SideRules(forced=tuple(forced), forbidden=tuple(forbidden)),
    )


def reached(problem, chosen):
    sites = np.concatenate([problem.existing, np.asarray(chosen, dtype=np.int64)])
    return covered_weight(problem, sites, np.full(problem.n_demand, STANDARD))


def best_of_all(problem, new_sites):
    """Every choice there is, one by one."""
    forced = set(problem.rules.forced)
    values = [
        reached(problem, some)
        for n in range(new_sites + 1)
        for some in itertools.combinations(problem.candidates.tolist(), n)
        if forced <= set(some)
    ]
    return max(values)


@settings(max_examples=40)
@given(questions(rules=("floor",)), st.integers(0, 9), st.integers(0, 4))
def test_under_a_floor_it_is_the_best_of_all_plans_whether_the_floor_binds_or_not(problem, standard, new_sites):
    assume(len(problem.candidates) > 0)
    plan = mclp(problem, standard=standard, new_sites=new_sites)
    best = all_plans.best(problem, all_plans.mclp, "maximise", standard=standard, new_sites=new_sites)
    if best is None:
        assert plan.status == "infeasible"
        assert plan.reason
        return
    assert (plan.status, plan.objective, plan.bound) == ("optimal", best, best)
    assert slow_checker.mclp(problem, set(plan.chosen.tolist()), set(), standard=standard, new_sites=new_sites)[0]


def drawn(n_demand=1500, n_sites=90, seed=20261124, radius=2500.0):
    costs, weights = covering(n_demand, n_sites, radius, seed)
    return SitingProblem(costs, weights)


@settings(max_examples=60)
@given(problems(), st.integers(1, 4))
def test_nothing_covers_more_than_a_plan_that_is_called_optimal(problem, new_sites):
    plan = mclp(problem, standard=STANDARD, new_sites=new_sites)
    if plan.status == "infeasible":
        assert not len(problem.candidates)
        return
    assert plan.status == "optimal"
    assert plan.stop_reason == "proven"
    assert plan.objective == best_of_all(problem, new_sites) == plan.bound
    assert reached(problem, plan.chosen) == plan.objective
    assert len(plan.chosen) <= new_sites
    assert set(plan.chosen) <= set(problem.candidates.tolist())
    assert set(problem.rules.forced) <= set(plan.chosen.tolist())


@settings(max_examples=40)
@given(problems(weights=st.floats(0.0, 3.0)), st.integers(1, 3))
def test_broken_weights_are_proven_up_to_rounding(problem, new_sites):
    plan = mclp(problem, standard=STANDARD, new_sites=new_sites)
    if plan.status == "infeasible":
        assert not len(problem.candidates)
        return
    assert plan.objective == pytest.approx(best_of_all(problem, new_sites), rel=1e-6)
    assert plan.objective <= plan.bound
    assert plan.status == "optimal" or plan.objective == 0.0
    assert plan.gap <= PROVEN_GAP or plan.objective == 0.0


@settings(max_examples=30)
@given(problems(), st.integers(1, 4))
def test_no_site_is_built_that_adds_nothing(problem, new_sites):
    plan = mclp(problem, standard=STANDARD, new_sites=new_sites)
    for site in set(plan.chosen.tolist()) - set(problem.rules.forced):
        assert reached(problem, [s for s in plan.chosen if s != site]) < plan.objective


@settings(max_examples=25)
@given(problems())
def test_one_more_site_never_covers_fewer(problem):
    n_least = len(set(problem.rules.forced))
    plans = [mclp(problem, standard=STANDARD, new_sites=p) for p in range(n_least, len(problem.candidates) + 1)]
    values = [plan.objective for plan in plans]
    assert values == sorted(values)
    if values:
        assert values[-1] == reached(problem, problem.candidates)


@settings(max_examples=40)
@given(problems(), st.integers(1, 4))
def test_the_greedy_choice_adds_63_percent_of_the_most_that_can_be_added(problem, new_sites):
    problem = SitingProblem(problem.costs, problem.weights, existing=problem.existing)
    limits = np.full(problem.n_demand, STANDARD)
    rest = reduce_cover(
        problem, standard=limits, standing=problem.existing, candidates=problem.candidates, n_new=new_sites
    )
    greedy = reached(problem, rest.sites[cover_search.greedy_sites(rest)])
    base, best = reached(problem, []), best_of_all(problem, new_sites)
    assert greedy - base >= (1.0 - 1.0 / math.e) * (best - base)


@settings(max_examples=40)
@given(problems(), st.integers(1, 4), st.integers(0, 99))
def test_any_prices_prove_a_bound_and_no_better_plan_lacks_what_they_prove(problem, new_sites, seed):
    limits = np.full(problem.n_demand, STANDARD)
    rest = reduce_cover(
        problem, standard=limits, standing=problem.existing, candidates=problem.candidates, n_new=new_sites
    )
    if rest.n_sites == 0:
        return
    price = np.random.default_rng(seed).random(len(rest.weights)) * rest.weights
    relaxation = cover_bound.Relaxation(rest, np.zeros(rest.n_sites), price)
    for _ in range(4):
        bound = relaxation.best
        is_useless, is_certain = cover_bound.proven_sites(rest, bound, beaten=rest.coverable - 2.0 - 1e-9)
        for some in itertools.combinations(range(rest.n_sites), min(new_sites, rest.n_sites)):
            value = reached(problem, rest.sites[list(some)])
            assert value <= bound.value + 1e-9
            if value >= rest.coverable - 2.0:
                assert not is_useless[list(some)].any()
                assert set(np.flatnonzero(is_certain)) <= set(some)
        assert relaxation.value <= bound.value + 1e-9
        relaxation.descend(20)


@settings(max_examples=25)
@given(problems(), st.integers(1, 3), st.randoms(use_true_random=False))
def test_other_numbers_for_rows_and_sites_change_neither_value_nor_bound(problem, new_sites, random):
    problem = SitingProblem(problem.costs, problem.weights, existing=problem.existing)
    rows, sites = list(range(problem.n_demand)), list(range(problem.n_sites))
    random.shuffle(rows)
    random.shuffle(sites)
    where = {old: new for new, old in enumerate(sites)}
    other = SitingProblem(
        sparse.csr_array(problem.costs.tocsc()[:, sites].tocsr()[rows]),
        problem.weights[rows],
        existing=[where[site] for site in problem.existing.tolist()],
    )
    one, two = (mclp(p, standard=STANDARD, new_sites=new_sites) for p in (problem, other))
    assert (one.status, one.objective) == (two.status, two.objective)
    assert one.bound == pytest.approx(two.bound, rel=1e-9)


@settings(max_examples=25)
@given(problems(), st.integers(1, 3), st.integers(2, 3))
def test_a_row_in_pieces_is_the_same_row(problem, new_sites, pieces):
    problem = SitingProblem(problem.costs, problem.weights * pieces, existing=problem.existing)
    parts = SitingProblem(
        sparse.csr_array(sparse.vstack([problem.costs] * pieces)),
        np.tile(problem.weights / pieces, pieces),
        existing=problem.existing,
    )
    one, two = (mclp(p, standard=STANDARD, new_sites=new_sites) for p in (problem, parts))
    assert (one.status, one.objective, one.bound) == (two.status, two.objective, two.bound)
    assert one.chosen.tolist() == two.chosen.tolist()


@pytest.mark.parametrize(("new_sites", "radius", "seed"), [(8, 2500.0, 20261124), (15, 4000.0, 1), (12, 6000.0, 2)])
def test_instances_of_the_benchmark_are_proven_and_are_what_highs_finds(new_sites, radius, seed):
    problem = drawn(radius=radius, seed=seed)
    plan = mclp(problem, standard=radius, new_sites=new_sites)
    found = exact.solve_mclp(problem, standard=radius, new_sites=new_sites)
    assert found.status == plan.status == "optimal"
    assert plan.objective == plan.bound == found.objective


def test_a_standing_site_counts_and_its_people_are_not_covered_twice():
    """A village of 50 is served; 60 live near it and 40 elsewhere: the best new site is for the 60 alone."""
    table = [[0.0, 1.0, FAR], [FAR, 2.0, FAR], [FAR, FAR, 3.0]]
    plan = mclp(SitingProblem(table, [50, 60, 40], existing=[0]), standard=STANDARD, new_sites=1)
    assert plan.chosen.tolist() == [1]
    assert plan.objective == plan.bound == 110.0


def test_a_site_too_near_a_standing_one_is_not_built():
    table = [[0.0, 1.0, FAR], [FAR, 2.0, FAR], [FAR, FAR, 3.0]]
    problem = SitingProblem(table, [50, 60, 40], existing=[0], rules=SideRules(spacing=((0, 1),)))
    plan = mclp(problem, standard=STANDARD, new_sites=1)
    assert plan.chosen.tolist() == [2]
    assert plan.objective == plan.bound == 90.0


def test_a_forced_site_is_built_even_if_it_adds_nothing_and_takes_its_place():
    table = [[1.0, FAR, FAR], [FAR, 1.0, FAR], [FAR, FAR, 9.0]]
    problem = SitingProblem(table, [5, 4, 3], rules=SideRules(forced=(2,)))
    plan = mclp(problem, standard=STANDARD, new_sites=2)
    assert plan.chosen.tolist() == [0, 2]
    assert plan.objective == plan.bound == 5.0


def test_of_equal_sites_the_first_is_built():
    assert mclp(SitingProblem(np.zeros((3, 4)), [1, 1, 1]), standard=0.0, new_sites=2).chosen.tolist() == [0]


def test_no_new_site_is_a_plan_with_nothing_to_build():
    plan = mclp(SitingProblem([[0.0, 1.0], [1.0, 0.0]], [3, 4], existing=[1]), standard=0.5, new_sites=0)
    assert plan.status == "optimal"
    assert plan.chosen.tolist() == []
    assert plan.objective == plan.bound == 4.0


def test_where_nobody_can_be_covered_the_plan_is_empty_and_proven():
    plan = mclp(SitingProblem([[9.0, FAR], [FAR, FAR]], [3, 4]), standard=STANDARD, new_sites=1)
    assert (plan.status, plan.chosen.tolist(), plan.objective, plan.bound) == ("optimal", [], 0.0, 0.0)


def test_each_row_may_have_a_standard_of_its_own():
    problem = SitingProblem([[4.0, 4.0], [6.0, 4.0], [FAR, 6.0]], [10, 20, 25])
    assert mclp(problem, standard=[4.0, 4.0, 4.0], new_sites=1).objective == 30.0
    assert mclp(problem, standard=[4.0, 4.0, 6.0], new_sites=1).objective == 55.0


@pytest.mark.parametrize(
    ("rules", "existing", "new_sites", "sentence"),
    [
        (SideRules(forbidden=(0, 1, 2)), (), 1, "no site is left"),
        (SideRules(), (0, 1, 2), 1, "no site is left"),
        (SideRules(forced=(0, 1)), (), 1, "2 sites are forced"),
        (SideRules(forced=(0, 1)), (), 0, "2 sites are forced"),
        (SideRules(forced=(1,), forbidden=(1,)), (), 1, "[1] are forbidden"),
        (SideRules(forced=(1,), spacing=((0, 1),)), (0,), 1, "too near"),
    ],
)
def test_rules_that_no_plan_can_obey_are_an_answer_with_its_reason(rules, existing, new_sites, sentence):
    problem = SitingProblem(np.zeros((2, 3)), [1, 1], existing=existing, rules=rules)
    plan = mclp(problem, standard=1.0, new_sites=new_sites)
    assert plan.status == "infeasible"
    assert sentence in plan.reason
    assert plan.chosen.tolist() == []
    assert math.isinf(plan.gap)


def test_more_sites_than_candidates_are_at_most_all_of_them():
    problem = SitingProblem([[0.0, FAR], [FAR, 0.0]], [1, 2])
    plan = mclp(problem, standard=1.0, new_sites=9)
    assert (plan.chosen.tolist(), plan.objective, plan.status) == ([0, 1], 3.0, "optimal")


def test_all_numbers_that_mean_nothing_are_told_at_once():
    problem = SitingProblem(np.zeros((2, 3)), [1, 1])
    with pytest.raises(SitingError) as error:
        mclp(problem, standard=math.nan, new_sites=-1, time_limit_s=-1.0, target_gap=math.nan)
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == [
        "standard", "new_sites", "time_limit_s", "target_gap",
    ]  # fmt: skip


@pytest.mark.parametrize("new_sites", [1.5, "2", -3, True, math.nan])
def test_a_number_of_sites_is_a_whole_one(new_sites):
    with pytest.raises(SitingError, match="new_sites"):
        mclp(SitingProblem(np.zeros((2, 3)), [1, 1]), standard=1.0, new_sites=new_sites)


@pytest.mark.parametrize("standard", [-1.0, [1.0, math.nan], [1.0, 1.0, 1.0]])
def test_a_standard_is_a_number_or_one_for_each_row(standard):
    with pytest.raises(SitingError, match="standard"):
        mclp(SitingProblem(np.zeros((2, 3)), [1, 1]), standard=standard, new_sites=1)


@pytest.mark.parametrize(
    "rules",
    [
        SideRules(budget=3.0),
        SideRules(at_most={1: 1}),
        SideRules(at_least={1: 2}),
        SideRules(exclusive=((0, 1),)),
        SideRules(spacing=((0, 1),)),
        SideRules(floor={1: 0.9}),
    ],
)
def test_other_side_rules_bind_too(rules):
    """The two best sites together break each of the rules: another pair is built, and proven."""
    table = [[1.0, FAR, FAR, FAR], [FAR, 1.0, FAR, FAR], [FAR, FAR, 1.0, FAR], [FAR, FAR, FAR, 1.0]]
    free = SitingProblem(
        table, [9, 8, 3, 2], site_costs=[2, 2, 1, 1], demand_areas=[0, 0, 1, 1], site_areas=[1, 1, 1, 1]
    )
    if rules.at_least:
        free = SitingProblem(table, [9, 8, 3, 2], site_areas=[0, 0, 1, 1])
    bound = SitingProblem(
        table,
        [9, 8, 3, 2],
        site_costs=[2, 2, 1, 1],
        demand_areas=[0, 0, 1, 1],
        site_areas=free.site_areas,
        rules=rules,
    )
    best = mclp(free, standard=1.0, new_sites=2)
    plan = mclp(bound, standard=1.0, new_sites=2)
    assert best.chosen.tolist() == [0, 1]
    assert plan.status == "optimal"
    assert plan.objective == plan.bound < best.objective


def test_the_bound_holds_when_time_is_over_at_once():
    problem = drawn()
    best = mclp(problem, standard=2500.0, new_sites=8)
    plan = mclp(problem, standard=2500.0, new_sites=8, time_limit_s=0.0)
    assert plan.status == "feasible"
    assert plan.stop_reason == "time limit"
    assert 0.0 < plan.objective <= best.objective <= plan.bound
    assert len(plan.chosen) == 8


def test_a_target_gap_ends_the_search_early_and_the_bound_still_holds():
    problem = drawn(radius=4000.0)
    best = mclp(problem, standard=4000.0, new_sites=12)
    plan = mclp(problem, standard=4000.0, new_sites=12, target_gap=0.2)
    assert plan.gap <= 0.2
    assert plan.objective <= best.objective <= plan.bound
    assert plan.stop_reason == "target gap"
    assert plan.status == "feasible"


@pytest.mark.parametrize("place", ["greedy_sites", "Relaxation", "proven_sites"])
def test_an_interrupt_gives_the_best_plan_so_far_with_its_bound(monkeypatch, place):
    problem = drawn(radius=6000.0, seed=2)
    best = mclp(problem, standard=6000.0, new_sites=12)

    def interrupt(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(cover_branch, place, interrupt)
    plan = mclp(problem, standard=6000.0, new_sites=12)
    assert plan.stop_reason == "interrupted"
    assert plan.status == "feasible"
    limits = np.full(problem.n_demand, 6000.0)
    assert covered_weight(problem, plan.chosen, limits) == plan.objective <= best.objective <= plan.bound
    assert (plan.objective == 0.0) == (place == "greedy_sites")


FANO = [(0, 1, 2), (0, 3, 4), (0, 5, 6), (1, 3, 5), (1, 4, 6), (2, 3, 6), (2, 4, 5)]


def fano(weight):
    table = np.full((7, 7), FAR)
    for row, sites in enumerate(FANO):
        table[row, list(sites)] = 1.0
    return SitingProblem(table, [weight] * 7)


@pytest.mark.parametrize("weight", [10.0, 10.3])
def test_what_no_prices_can_prove_is_proven_by_splitting(monkeypatch, weight):
    """Seven rows, seven sites, three each: two sites cover 3 + 3 - 1 rows, two sevenths of each would cover six."""
    split, seen = cover_branch.CoverBranch._split, []
    monkeypatch.setattr(cover_branch.CoverBranch, "_split", lambda *args: seen.append(1) or split(*args))
    plan = mclp(fano(weight), standard=1.0, new_sites=2)
    assert plan.objective == pytest.approx(5 * weight)
    assert plan.status == "optimal"
    assert seen


@pytest.mark.parametrize("n_splits", [0, 1, 2, 3, 5])
def test_an_interrupt_between_two_splits_keeps_a_valid_bound(monkeypatch, n_splits):
    split, seen = cover_branch.CoverBranch._split, []

    def interrupt_later(*args):
        split(*args)
        seen.append(1)
        if len(seen) > n_splits:
            raise KeyboardInterrupt

    problem = hard()
    best = mclp(problem, standard=1.0, new_sites=6)
    assert best.status == "optimal"
    monkeypatch.setattr(cover_branch.CoverBranch, "_split", interrupt_later)
    plan = mclp(problem, standard=1.0, new_sites=6)
    assert plan.stop_reason == "interrupted"
    assert 0.0 < plan.objective <= best.objective <= plan.bound


def hard():
    """Sites that cover rows at random: no neighbours, so prices prove little."""
    rng = np.random.default_rng(8)
    table = np.where(rng.random((150, 40)) < 0.1, 1.0, FAR)
    return SitingProblem(table, rng.integers(1, 30, 150).astype(float))


@pytest.mark.parametrize("most_open", [50_000_000, 0])
def test_a_question_at_random_is_proven_in_whatever_order_its_parts_are_taken(monkeypatch, most_open):
    monkeypatch.setattr(cover_branch, "_MOST_OPEN", most_open)
    plan = mclp(hard(), standard=1.0, new_sites=6)
    found = exact.solve_mclp(hard(), standard=1.0, new_sites=6)
    assert plan.status == found.status == "optimal"
    assert plan.objective == plan.bound == found.objective


def test_the_same_question_has_the_same_answer_again():
    problem = drawn(radius=4000.0, seed=5)
    one, two = (mclp(problem, standard=4000.0, new_sites=12) for _ in range(2))
    assert one.chosen.tolist() == two.chosen.tolist()
    assert (one.objective, one.bound, one.stop_reason) == (two.objective, two.bound, two.stop_reason)
