"""Inequalities of three rows: what no column covers alone needs two, and no bound exceeds the cheapest cover."""

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chongming_gis.kernels.triples import SharedRows, broken_triples
from chongming_gis.siting import highs, set_cover
from chongming_gis.siting.cover_cuts import rising_bounds

CELLS = st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=1, max_size=9)


def table_of(cells):
    """Ones where a cell is true; a row without any gets the first column."""
    dense = np.array(cells, dtype=float)
    dense[dense.sum(axis=1) == 0, 0] = 1.0
    return sparse.csr_array(dense)


def bounds_of(table, costs):
    return list(rising_bounds(table, costs, np.ones(table.shape[0]), time.perf_counter() + 20.0))


def test_three_rows_of_which_each_two_share_a_column_need_two_columns():
    bounds = bounds_of(table_of([[1, 1, 0], [0, 1, 1], [1, 0, 1]]), np.ones(3))
    assert bounds[0] == pytest.approx(1.5, abs=1e-6)
    assert bounds[-1] == pytest.approx(2.0, abs=1e-6)


def test_a_column_that_covers_all_three_rows_is_worth_two():
    bounds = bounds_of(table_of([[1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 1, 1]]), np.ones(4))
    assert bounds[-1] == pytest.approx(1.0, abs=1e-6)


@settings(max_examples=60)
@given(cells=CELLS, prices=st.lists(st.integers(1, 4), min_size=7, max_size=7))
def test_no_bound_exceeds_the_cheapest_cover_and_the_last_is_no_worse_than_the_first(cells, prices):
    table, costs = table_of(cells), np.array(prices, dtype=float)
    plans = np.array(list(itertools.product((0.0, 1.0), repeat=7)))
    covers = (plans @ table.T.toarray() >= 1.0).all(axis=1)
    best = (plans[covers] @ costs).min()
    bounds = bounds_of(table, costs)
    assert max(bounds) <= best + 1e-9
    assert max(bounds) >= bounds[0]


@settings(max_examples=80)
@given(cells=CELLS, parts=st.lists(st.integers(1, 10), min_size=7, max_size=7))
def test_the_triples_found_are_those_that_trying_all_finds(cells, parts):
    table = table_of(cells)
    dense, built = table.toarray(), np.array(parts) / 10.0
    shared = (dense * built) @ dense.T
    cover = shared.diagonal().copy()
    np.fill_diagonal(shared, 0.0)
    pairs = sparse.csr_array(shared)
    rows = SharedRows(
        table.indptr.astype(np.int64), table.indices.astype(np.int32), built, cover,
        pairs.indptr.astype(np.int64), pairs.indices.astype(np.int32), pairs.data,
    )  # fmt: skip
    found, broken = broken_triples(rows, 1e-6)
    for three, much in zip(found, broken, strict=True):
        assert much == pytest.approx(2.0 - np.ceil(dense[three].sum(axis=0) / 2.0) @ built)
    every = [
        2.0 - np.ceil(dense[list(three)].sum(axis=0) / 2.0) @ built
        for three in itertools.combinations(range(len(dense)), 3)
        if min(shared[a, b] for a, b in itertools.combinations(three, 2)) > 0.0
    ]
    most = max(every, default=0.0)
    if most > 1e-6 and (cover >= 1.0).all():  # of a plan that covers all rows
        assert broken.max() == pytest.approx(most)


def test_time_that_is_over_yields_nothing_and_an_interrupt_is_passed_on(monkeypatch):
    table = table_of([[1, 1, 0], [0, 1, 1], [1, 0, 1]])
    assert list(rising_bounds(table, np.ones(3), np.ones(3), time.perf_counter() - 1.0)) == []
    stopped = highs.MipAnswer("unknown", np.empty(0), math.inf, -math.inf, is_out_of_time=False, is_interrupted=True)
    monkeypatch.setattr(highs, "relax", lambda *_, **__: stopped)
    with pytest.raises(KeyboardInterrupt):
        bounds_of(table, np.ones(3))


def test_an_interrupt_in_between_returns_the_best_found(monkeypatch):
    def stop(*_):
        yield 0.0
        raise KeyboardInterrupt

    monkeypatch.setattr(set_cover, "rising_bounds", stop)
    monkeypatch.setattr(set_cover, "_WHOLE_PAIRS", 1)
    lines = [[(x, (m * x + b) % 3) for x in range(3)] for m in range(3) for b in range(3)]
    lines += [
        [(x, y) for y in range(3)] for x in range(3)
    ]  # of the plane of nine points: five points meet all, 3 by LP
    table = table_of([[(x, y) in line for x in range(3) for y in range(3)] for line in lines])
    answer = set_cover.solve_cover(table, np.ones(9), set_cover.Limits(math.inf))
    assert (answer.stop_reason, answer.value, answer.bound) == ("interrupted", 5.0, 3.0)
    assert (table[:, answer.columns].sum(axis=1) >= 1.0).all()
