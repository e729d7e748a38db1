"""Needs assigned to capacity: cases worked by hand, a linear programme as the slow twin, and what must always hold."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from chongming_gis import assignment, travel
from chongming_gis.errors import TableError

NONE = np.nan  # no pair


def pairs(rows):
    table = np.array(rows, dtype=float)
    row, column = np.nonzero(~np.isnan(table))
    return sparse.csr_matrix((table[row, column], (row, column)), shape=table.shape)


def cost_of(found, times):
    stored = found.flow.tocoo()
    dense = {(i, j): t for i, j, t in zip(*_triples(times), strict=True)}
    return sum(flow * dense[i, j] for i, j, flow in zip(stored.row, stored.col, stored.data, strict=True))


def _triples(times):
    stored = times.tocoo()
    return stored.row, stored.col, stored.data


def test_three_numbers_by_hand():
    """Canteen 0 has 12 places, canteen 1 has 5. Points: a (10) reaches both, b (4) only 0, c (6) only 1, d (3) none.

    All of b can be served at 0, a gets the other 8 there and must give way to nobody; c takes the 5 of 1. Served 17.
    """
    times = pairs([[300, 500], [600, NONE], [NONE, 200], [NONE, NONE]])
    found = assignment.assign_needs(times, np.array([10.0, 4.0, 6.0, 3.0]), np.array([12.0, 5.0]))
    assert found.total_served == pytest.approx(17.0)
    assert found.out_of_reach.tolist() == [0.0, 0.0, 0.0, 3.0]
    assert (found.served + found.no_place + found.out_of_reach).tolist() == pytest.approx([10.0, 4.0, 6.0, 3.0])
    assert found.spare.tolist() == pytest.approx([0.0, 0.0])


def test_the_nearer_one_gives_way_where_that_serves_more():
    """Point a is near 0 and can also use 1; b can only use 0. Serving both means that a travels on."""
    times = pairs([[10, 900], [20, NONE]])
    found = assignment.assign_needs(times, np.array([5.0, 5.0]), np.array([5.0, 5.0]))
    assert found.served.tolist() == pytest.approx([5.0, 5.0])
    assert found.flow.toarray().tolist() == [[0.0, 5.0], [5.0, 0.0]]


def test_a_chain_of_moves_is_found():
    """Each of three points could go to its own or the next place; place 0 is wanted twice, only place 3 has room."""
    times = pairs([[1, 100, NONE, NONE], [NONE, 1, 100, NONE], [NONE, NONE, 1, 100], [2, NONE, NONE, NONE]])
    found = assignment.assign_needs(times, np.ones(4), np.array([1.0, 1.0, 1.0, 1.0]))
    assert found.served.tolist() == [1.0, 1.0, 1.0, 1.0]
    assert cost_of(found, times) == pytest.approx(100 + 100 + 100 + 2)


def test_unlimited_capacity_is_the_nearest():
    times = pairs([[3, 1, 2], [5, NONE, 4]])
    found = assignment.assign_needs(times, np.array([2.0, 7.0]), np.full(3, np.inf))
    assert found.flow.toarray().tolist() == [[0.0, 2.0, 0.0], [0.0, 0.0, 7.0]]
    assert np.isinf(found.spare).all()


def test_no_capacity_no_need_and_nobody():
    times = pairs([[5.0], [6.0]])
    found = assignment.assign_needs(times, np.array([2.0, 0.0]), np.array([0.0]))
    assert (found.no_place.tolist(), found.served.tolist()) == ([2.0, 0.0], [0.0, 0.0])
    none = assignment.assign_needs(sparse.csr_matrix((3, 0)), np.ones(3), np.zeros(0))
    assert none.out_of_reach.tolist() == [1.0, 1.0, 1.0]
    assert assignment.assign_needs(sparse.csr_matrix((0, 2)), np.zeros(0), np.ones(2)).spare.tolist() == [1.0, 1.0]


def test_a_stored_nought_is_a_time_of_nought():
    times = sparse.csr_matrix((np.array([0.0]), (np.array([0]), np.array([0]))), shape=(1, 1))
    assert assignment.assign_needs(times, np.array([1.0]), np.array([3.0])).served.tolist() == [1.0]
    same = assignment.assign_needs(travel.TravelTimes(times, 900.0), np.array([1.0]), np.array([3.0]))
    assert same.spare.tolist() == [2.0]


def test_wrong_numbers_are_all_told_at_once():
    times = pairs([[5.0], [6.0]])
    with pytest.raises(TableError) as error:
        assignment.assign_needs(times, np.array([-1.0, np.nan]), np.array([np.nan]))
    assert "2 need value(s) are negative or no number, e.g. -1.0 at 0" in str(error.value)
    assert "1 capacity value(s)" in str(error.value)
    with pytest.raises(TableError, match="they must agree"):
        assignment.assign_needs(times, np.ones(3), np.ones(1))


@st.composite
def cases(draw):
    n, m = draw(st.integers(1, 12)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table = rng.integers(0, 20, (n, m)).astype(float)  # ties on purpose
    table[rng.random((n, m)) < draw(st.sampled_from([0.0, 0.3, 0.7]))] = np.nan
    need = rng.choice([0.0, 1.0, 2.5, 0.1, 7.0], n)
    capacity = rng.choice([0.0, 1.0, 3.3, 10.0, np.inf], m)
    return table, need, capacity


def by_programme(table, need, capacity):
    """Return the most that can be served and the least travel of doing so: two linear programmes."""
    row, column = np.nonzero(~np.isnan(table))
    if len(row) == 0:
        return 0.0, 0.0
    at = np.arange(len(row))
    limits = np.concatenate([need, capacity])
    matrix = sparse.csr_matrix(
        (np.ones(2 * len(row)), (np.concatenate([row, len(need) + column]), np.tile(at, 2))),
        shape=(len(limits), len(row)),
    )
    finite = np.isfinite(limits)
    most = -linprog(-np.ones(len(row)), A_ub=matrix[finite], b_ub=limits[finite]).fun
    least = linprog(
        table[row, column], A_ub=matrix[finite], b_ub=limits[finite], A_eq=np.ones((1, len(row))), b_eq=[most]
    )
    return most, least.fun


@settings(max_examples=150)
@given(cases())
def test_it_equals_the_linear_programme(case):
    table, need, capacity = case
    times = pairs(table)
    found = assignment.assign_needs(times, need, capacity)
    most, least = by_programme(table, need, capacity)
    assert found.total_served == pytest.approx(most, abs=1e-7)
    assert cost_of(found, times) == pytest.approx(least, abs=1e-5)
    np.testing.assert_allclose(found.served + found.no_place + found.out_of_reach, need, atol=1e-9)
    assert (np.asarray(found.flow.sum(axis=0)).ravel() <= capacity + 1e-7).all()
    assert (found.flow.data > 0).all()


def test_it_equals_brute_force_of_whole_units():
    """Three people and three places of one each: all 27 ways and more are tried."""
    rng = np.random.default_rng(5)
    for _ in range(30):
        table = rng.integers(1, 9, (3, 3)).astype(float)
        table[rng.random((3, 3)) < 0.3] = np.nan
        found = assignment.assign_needs(pairs(table), np.ones(3), np.ones(3))
        best = (0, 0.0)
        for choice in itertools.product(range(-1, 3), repeat=3):
            taken = [j for j in choice if j >= 0]
            costs = [table[i, j] for i, j in enumerate(choice) if j >= 0]
            if len(set(taken)) == len(taken) and not np.isnan(costs).any():
                best = min(best, (-len(taken), sum(costs)))
        assert (found.total_served, cost_of(found, pairs(table))) == pytest.approx((-best[0], best[1]))


@settings(max_examples=40)
@given(cases(), st.randoms(use_true_random=False))
def test_order_and_splitting_change_no_total(case, random):
    table, need, capacity = case
    whole = assignment.assign_needs(pairs(table), need, capacity)
    rows = list(range(len(need)))
    random.shuffle(rows)
    turned = assignment.assign_needs(pairs(table[rows]), need[rows], capacity)
    assert turned.total_served == pytest.approx(whole.total_served, abs=1e-7)
    halves = assignment.assign_needs(pairs(np.repeat(table, 2, axis=0)), np.repeat(need / 2, 2), capacity)
    assert halves.total_served == pytest.approx(whole.total_served, abs=1e-7)
    assert halves.out_of_reach.sum() == pytest.approx(whole.out_of_reach.sum(), abs=1e-7)


@settings(max_examples=40)
@given(cases())
def test_more_capacity_never_serves_less(case):
    table, need, capacity = case
    less = assignment.assign_needs(pairs(table), need, capacity)
    more = assignment.assign_needs(pairs(table), need, capacity + 1.0)
    assert more.total_served >= less.total_served - 1e-7
