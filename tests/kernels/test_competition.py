"""Catchments that grow and crowds that settle, against plain Python and against what an equilibrium is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.kernels import competition

INF = np.inf


def rows(table):
    """Lists of (column, number) pairs as compressed rows."""
    indptr = np.cumsum([0, *(len(row) for row in table)]).astype(np.int32)
    pairs = [pair for row in table for pair in row]
    return indptr, np.array([c for c, _ in pairs], dtype=np.int32), np.array([x for _, x in pairs], dtype=float)


amount = st.integers(0, 5)
table_of_amounts = st.lists(st.lists(st.tuples(amount, st.sampled_from([0.0, 1.0, 2.0, 3.0])), max_size=6), max_size=5)


@settings(max_examples=100)
@given(table_of_amounts, st.integers(0, 12))
def test_a_catchment_ends_at_the_first_time_that_holds_enough(table, enough):
    indptr, amounts, seconds = rows(table)
    found = competition.grow(indptr, seconds, amounts.astype(float), np.full(len(table), float(enough)))
    for row, radius in zip(table, found, strict=True):
        times = sorted({t for _, t in row if sum(a for a, s in row if s <= t) >= enough})
        assert radius == (times[0] if times else INF)


@st.composite
def crowds(draw):
    """Ties, rings of equal ways, places of very different size, rows without people or places."""
    n_places = draw(st.integers(1, 5))
    way = st.sampled_from([0.0, 0.1, 0.1, 0.5, 3.0])
    row = st.dictionaries(st.integers(0, n_places - 1), way, max_size=n_places)
    table = [sorted(r.items()) for r in draw(st.lists(row, max_size=8))]
    people = draw(st.lists(st.sampled_from([0.0, 0.01, 1.0, 7.0, 900.0]), min_size=len(table), max_size=len(table)))
    slope = draw(st.lists(st.sampled_from([1e-4, 0.01, 0.3, 2.0]), min_size=n_places, max_size=n_places))
    return table, np.array(people), np.array(slope)


@settings(max_examples=200)
@given(crowds())
def test_a_crowd_settles_where_nobody_can_do_better(crowd):
    """All people are somewhere; a place that is loaded is the cheapest of some row whose people can fill it."""
    table, people, slope = crowd
    indptr, indices, travel = rows(table)
    load, excess, _ = competition.settle(indptr, indices, travel, people, slope, 1e-7, 2000)
    assert excess <= 1e-7
    has_place = np.diff(indptr) > 0
    assert load.sum() == pytest.approx(people[has_place].sum(), rel=1e-9, abs=1e-9)
    assert (load >= -1e-9).all()
    cost = {(i, j): t + slope[j] * load[j] for i, row in enumerate(table) for j, t in row}
    least = {i: min(cost[i, j] for j, _ in row) for i, row in enumerate(table) if row}
    worth_it = {(i, j) for (i, j), c in cost.items() if c <= least[i] + 1e-4}
    for j in range(slope.size):  # a loaded place holds no more than the people for whom it is worth it
        assert load[j] <= sum(people[i] for i in least if (i, j) in worth_it) + 1e-3 * max(1.0, people.sum())
