"""The kernels of covering against plain Python sets."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.kernels import cover

PLENTY = 40


@st.composite
def tables(draw, max_rows=8, max_sites=6):
    """Which site covers which row, with rows and sites that are alike, empty, or part of another."""
    n_rows, n_sites = draw(st.integers(1, max_rows)), draw(st.integers(1, max_sites))
    row = st.lists(st.booleans(), min_size=n_sites, max_size=n_sites)
    return np.array(draw(st.lists(row, min_size=n_rows, max_size=n_rows)))


def compressed(table):
    rows, sites = np.nonzero(table)
    row_ptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(table)))]).astype(np.int64)
    sites = sites.astype(np.int32)
    return row_ptr, sites, *cover.turn(row_ptr, sites, table.shape[1])


def whole_weights(table, seed=3):
    return np.random.default_rng(seed).integers(1, 9, len(table)).astype(float)


def covered(table, weights, chosen):
    return weights[table[:, list(chosen)].any(axis=1)].sum()


@settings(max_examples=PLENTY)
@given(tables())
def test_turned_pairs_are_the_columns_of_the_table(table):
    _, _, site_ptr, site_rows = compressed(table)
    for site in range(table.shape[1]):
        rows = site_rows[site_ptr[site] : site_ptr[site + 1]]
        assert rows.tolist() == np.flatnonzero(table[:, site]).tolist()


@settings(max_examples=PLENTY)
@given(tables())
def test_the_walk_meets_every_row_that_has_a_site_once(table):
    order = cover.near_order(*compressed(table))
    assert sorted(order.tolist()) == np.flatnonzero(table.any(axis=1)).tolist()


@settings(max_examples=PLENTY)
@given(tables(), st.booleans())
def test_rows_are_of_one_group_where_their_sites_are_the_same_even_if_all_keys_are(table, are_keys_alike):
    row_ptr, row_sites, *_ = compressed(table)
    kind = np.full(table.shape[1], 7) if are_keys_alike else np.arange(1, table.shape[1] + 1) ** 3
    pairs = row_ptr, row_sites, np.zeros(len(row_sites)), np.zeros(len(table)), kind.astype(np.int64)
    keys, counts = cover.row_keys(*pairs)
    assert counts.tolist() == table.sum(axis=1).tolist()
    order = np.lexsort([*table.T, keys])  # alike rows side by side, as a sort by keys that differ would put them
    group, first = cover.group_rows(*pairs, keys, order)
    for (a, one), (b, other) in itertools.combinations(zip(group, order, strict=True), 2):
        assert (a == b) == (table[one] == table[other]).all()
    assert sorted(set(group)) == list(range(len(first)))
    assert (table[first][group] == table[order]).all()


def test_pairs_beyond_the_standard_and_sites_that_may_not_be_used_do_not_count():
    row_ptr, row_sites = np.array([0, 3, 5, 6]), np.array([0, 1, 2, 1, 3, 0], dtype=np.int32)
    costs, standard = np.array([5.0, 6.0, 1.0, 3.0, 1.0, 2.0]), np.array([5.0, 3.0, 1.0])
    kind = np.array([10, 20, 0, -1])  # the third is forbidden, the fourth stands
    keys, counts = cover.row_keys(row_ptr, row_sites, costs, standard, kind)
    assert counts.tolist() == [1, -1, 0]  # 5 is within 5; covered by the standing site; nobody within 1
    assert keys[0] == 10
    assert keys[2] == 0


@settings(max_examples=PLENTY)
@given(tables())
def test_a_site_is_dominated_where_another_covers_all_its_rows(table):
    found = cover.dominated(*compressed(table))
    for site in range(table.shape[1]):
        rows = set(np.flatnonzero(table[:, site]))
        others = [(set(np.flatnonzero(table[:, k])), k) for k in range(table.shape[1]) if k != site]
        assert found[site] == (not rows or any(rows < more or (rows == more and k < site) for more, k in others))


@settings(max_examples=PLENTY)
@given(tables(), st.integers(0, 6))
def test_the_lazy_greedy_choice_is_the_plain_one(table, n_new):
    weights = whole_weights(table)
    _, _, site_ptr, site_rows = compressed(table)
    plain = []
    while len(plain) < n_new:
        now = covered(table, weights, plain)
        gains = [covered(table, weights, [*plain, site]) - now for site in range(table.shape[1])]
        if max(gains) <= 0:
            break
        plain.append(int(np.argmax(gains)))
    assert cover.greedy(site_ptr, site_rows, weights, n_new).tolist() == plain


@settings(max_examples=PLENTY)
@given(tables(), st.integers(1, 4), st.integers(1, 7))
def test_swaps_end_where_none_helps_and_keep_the_books(table, n_new, n_tried):
    weights = whole_weights(table)
    _, _, *pairs = compressed(table)
    n_sites = table.shape[1]
    plan = np.arange(min(n_new, n_sites))
    books = cover.books_of(plan, *pairs, weights)
    start, quiet = 0, 0
    while quiet < n_sites:
        since = cover.swap(*pairs, weights, plan, *books, start, n_tried, 0.5)
        quiet = quiet + n_tried if since == n_tried else since
        start = (start + n_tried) % n_sites
    best = covered(table, weights, plan)
    for out, new in itertools.product(plan, set(range(n_sites)) - set(plan)):
        assert covered(table, weights, [*(set(plan) - {out}), new]) <= best
    count, keepers, loss = books
    assert count.tolist() == table[:, plan].sum(axis=1).tolist()
    assert (keepers == table[:, plan] @ plan).all()
    assert [loss[s] for s in plan] == [best - covered(table, weights, set(plan) - {s}) for s in plan]
    assert cover.covered_weight(*pairs, weights, plan) == best


@settings(max_examples=PLENTY)
@given(tables(max_rows=11))
def test_gathered_sums_are_those_of_the_table(table):
    values = np.random.default_rng(1).random(len(table))
    _, _, site_ptr, site_rows = compressed(table)
    into = np.empty(table.shape[1])
    cover.gather(site_ptr, site_rows, values, into)
    assert into == pytest.approx(values @ table)


@settings(max_examples=PLENTY)
@given(st.lists(st.floats(-2, 3), min_size=1, max_size=8), st.integers(1, 4), st.integers(0, 99))
def test_shares_are_the_nearest_ones_that_are_allowed(wanted, n_new, seed):
    """Nearest: a single multiplier explains all of them, and it is 0 where the number does not bind."""
    wanted = np.array(wanted)
    step = np.random.default_rng(seed).uniform(0.1, 3.0, len(wanted))
    share = np.empty(len(wanted))
    cover.share_out(wanted, step, n_new, share)
    assert ((share >= 0) & (share <= 1)).all()
    assert share.sum() <= n_new + 1e-9
    inner = (share > 1e-9) & (share < 1 - 1e-9)
    multipliers = ((wanted - share) / step)[inner]
    if share.sum() < n_new - 1e-9:
        assert share == pytest.approx(np.clip(wanted, 0, 1))
    elif inner.any():
        assert multipliers == pytest.approx(np.full(len(multipliers), multipliers[0]), abs=1e-9)
        assert share == pytest.approx(np.clip(wanted - multipliers[0] * step, 0, 1), abs=1e-9)


def test_steps_end_at_the_relaxed_optimum_of_a_ring():
    """Three villages, three sites between two each, one to build: half of each site is worth half a village more."""
    table = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=bool)
    weights = np.array([10.0, 10.0, 10.0])
    row_ptr, row_sites, site_ptr, site_rows = compressed(table)
    share, price = np.zeros(3), 0.3 * weights
    steps = np.full(3, 1 / 20.0), weights / 2.0
    cover.descend(
        row_ptr, row_sites, site_ptr, site_rows, weights, 1, *steps, share, price, np.zeros(3), np.zeros(3), 400
    )
    assert share == pytest.approx(np.full(3, 1 / 3), abs=1e-3)
    bound = (weights - price).sum() + (price @ table).max()
    assert bound == pytest.approx(20.0, abs=0.05)  # one site covers two villages: here the relaxation is exact
