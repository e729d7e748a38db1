"""What is left of a covering question answers as the whole question does."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chongming_gis.siting import SitingProblem
from chongming_gis.siting.mclp import covered_weight
from chongming_gis.siting.reduce import reduce_cover, restrict

STANDARD = 5.0
NOTHING = np.empty(0, dtype=np.int64)


@st.composite
def problems(draw, max_sites=6, max_rows=9):
    n_sites, n_rows = draw(st.integers(1, max_sites)), draw(st.integers(1, max_rows))
    cell = st.sampled_from([np.inf, 0.0, 3.0, 5.0, 5.1])
    row = st.lists(cell, min_size=n_sites, max_size=n_sites)
    table = np.array(draw(st.lists(row, min_size=n_rows, max_size=n_rows)))
    weights = draw(st.lists(st.sampled_from([0, 1, 2.5, 7]), min_size=n_rows, max_size=n_rows))
    existing = draw(st.lists(st.integers(0, n_sites - 1), max_size=2, unique=True))
    return SitingProblem(table, weights, existing=existing)


def reduced(problem, n_new=2):
    limits = np.full(problem.n_demand, STANDARD)
    return reduce_cover(problem, standard=limits, standing=problem.existing, candidates=problem.candidates, n_new=n_new)


def reached(problem, chosen):
    sites = np.concatenate([problem.existing, np.asarray(chosen, dtype=np.int64)])
    return covered_weight(problem, sites, np.full(problem.n_demand, STANDARD))


def value(rest, places):
    is_covered = np.zeros(len(rest.weights), dtype=bool)
    for site in places:
        is_covered[rest.site_rows[rest.site_ptr[site] : rest.site_ptr[site + 1]]] = True
    return rest.settled + rest.weights[is_covered].sum()


def test_the_weight_within_a_standard_is_counted_by_hand():
    problem = SitingProblem([[5.0, np.inf], [5.1, 0.0], [np.inf, np.inf]], [3, 4, 5])
    assert covered_weight(problem, np.array([0]), np.full(3, 5.0)) == 3.0
    assert covered_weight(problem, np.array([0, 1]), np.full(3, 5.0)) == 7.0
    assert covered_weight(problem, np.array([0]), np.array([1.0, 6.0, 9.0])) == 4.0


def test_what_is_left_of_a_small_island():
    """Row 0 is served by the standing site, row 4 by nobody; 1 and 2 are one row; site 3 covers less than site 2."""
    far = np.inf
    table = [
        [1, 1, far, far, far],
        [far, far, 2, far, 9],
        [far, far, 4, far, far],
        [far, far, 5, 5, far],
        [far, far, far, far, 6],
    ]
    rest = reduced(SitingProblem(table, [10, 20, 30, 40, 50], existing=[0]))
    assert rest.settled == 10.0
    assert rest.sites.tolist() == [2]  # 1 covers nobody new, 3 a part of 2, 4 stands beyond the standard
    assert rest.weights.tolist() == [90.0]  # one candidate left, so all its rows are one
    assert rest.coverable == 100.0


@settings(max_examples=60)
@given(problems())
def test_every_choice_covers_the_same_in_both(problem):
    rest = reduced(problem)
    for n in range(rest.n_sites + 1):
        for places in itertools.combinations(range(rest.n_sites), n):
            assert value(rest, places) == pytest.approx(reached(problem, rest.sites[list(places)]))


@settings(max_examples=60)
@given(problems(), st.integers(1, 3))
def test_the_best_of_what_is_left_is_the_best_of_all(problem, n_new):
    rest = reduced(problem, n_new)
    of_all = max(
        (reached(problem, some) for n in range(n_new + 1) for some in itertools.combinations(problem.candidates, n)),
        default=0.0,
    )
    of_rest = max(
        value(rest, some) for n in range(n_new + 1) for some in itertools.combinations(range(rest.n_sites), n)
    )
    assert of_rest == pytest.approx(of_all)


@settings(max_examples=60)
@given(problems())
def test_what_is_left_is_as_small_as_it_says(problem):
    rest = reduced(problem)
    rows = [tuple(rest.row_sites[a:b]) for a, b in itertools.pairwise(rest.row_ptr)]
    assert all(rows)
    assert len(set(rows)) == len(rows)
    assert (rest.weights > 0).all()
    assert rest.sites.tolist() == sorted(set(rest.sites.tolist()) - set(problem.existing.tolist()))
    assert rest.coverable == pytest.approx(reached(problem, problem.candidates))


@settings(max_examples=60)
@given(problems(), st.data())
def test_a_restricted_question_keeps_the_value_of_every_choice_and_the_sum_of_its_rows(problem, data):
    rest = reduced(problem, n_new=4)
    places = st.lists(st.integers(0, max(0, rest.n_sites - 1)), unique=True, max_size=2 if rest.n_sites else 0)
    gone, taken = set(data.draw(places)), sorted(data.draw(places))
    is_kept = np.array([site not in gone for site in range(rest.n_sites)], dtype=bool)
    less, row_of = restrict(rest, is_kept, np.array(taken, dtype=np.int64))
    assert less.n_new == 4 - len(taken)
    assert less.taken.tolist() == rest.sites[taken].tolist()
    assert set(less.sites) <= set(rest.sites[is_kept]) - set(less.taken)
    sums = np.bincount(row_of[row_of >= 0], weights=rest.weights[row_of >= 0], minlength=len(less.weights))
    assert sums == pytest.approx(less.weights)
    for n in range(less.n_sites + 1):
        for some in itertools.combinations(range(less.n_sites), n):
            assert value(less, some) == pytest.approx(reached(problem, [*less.sites[list(some)], *less.taken]))
    assert less.coverable == pytest.approx(reached(problem, [*rest.sites[is_kept], *less.taken]))


def test_a_pair_stored_twice_is_its_sum_as_in_scipy():
    twice = sparse.csr_array((np.array([3.0, 3.0, 4.0]), np.array([0, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    assert reduced(SitingProblem(twice, [1, 2])).sites.tolist() == [1]  # 3 + 3 is beyond 5


def test_the_question_is_left_as_it_was():
    table = sparse.csr_array(np.array([[1.0, 2.0], [3.0, 4.0]]))
    problem = SitingProblem(table, [1, 2])
    before = problem.costs.data.copy(), problem.costs.indices.copy()
    rest = reduced(problem)
    restrict(rest, np.array([False] * rest.n_sites), NOTHING)
    assert (problem.costs.data == before[0]).all()
    assert (problem.costs.indices == before[1]).all()
    assert rest.n_sites == 1
