"""Covering: rows of people that any of some sites can serve, and a few sites to be chosen.

Both directions are compressed: the sites of row ``i`` are ``row_sites[row_ptr[i]:row_ptr[i + 1]]``, the rows of site
``j`` are ``site_rows[site_ptr[j]:site_ptr[j + 1]]``, ascending. A row's price (0 to its weight) is what the dual lets
the chosen sites earn for it; a site's share (0 to 1) is how much of it the relaxed plan builds.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]

HALVINGS = 60  # of the interval in which the multiplier of the number of sites is sought: to the last bit


@compiled
def row_keys(indptr: Longs, indices: Ints, costs: Floats, standard: Floats, kind: Longs) -> tuple[Longs, Ints]:
    """Return a key of each row's set of candidates within the standard, and their number.

    Parameters
    ----------
    standard : by row, the largest cost that covers
    kind : by site, 0 where it may not be used, -1 where it stands, else a random number as its key
    -1 as the number says that a standing site covers the row.
    """
    n = indptr.shape[0] - 1
    keys, counts = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int32)
    for row in range(n):
        for pair in range(indptr[row], indptr[row + 1]):
            if costs[pair] <= standard[row] and kind[indices[pair]] != 0:
                if kind[indices[pair]] == -1:
                    counts[row] = -1
                    break
                keys[row] += kind[indices[pair]]
                counts[row] += 1
    return keys, counts


@compiled
def _is_same(indptr: Longs, indices: Ints, costs: Floats, standard: Floats, kind: Longs, one: int, other: int) -> bool:
    """Return whether two rows have the same candidates within the standard; both hold them in ascending order."""
    a, b = indptr[one], indptr[other]
    while True:
        while a < indptr[one + 1] and (costs[a] > standard[one] or kind[indices[a]] == 0):
            a += 1
        while b < indptr[other + 1] and (costs[b] > standard[other] or kind[indices[b]] == 0):
            b += 1
        if a == indptr[one + 1] or b == indptr[other + 1]:
            return bool(a == indptr[one + 1] and b == indptr[other + 1])
        if indices[a] != indices[b]:
            return False
        a += 1
        b += 1


@compiled
def group_rows(
    indptr: Longs, indices: Ints, costs: Floats, standard: Floats, kind: Longs, keys: Longs, order: Longs
) -> tuple[Longs, Longs]:
    """Return the group of each row in ``order`` (sorted by key) and the first row of each group.

    Rows of one key are compared pair by pair, so two sets with one key are never taken for the same.
    """
    group, first = np.empty(order.shape[0], dtype=np.int64), np.empty(order.shape[0], dtype=np.int64)
    n = 0
    for at in range(order.shape[0]):
        row = order[at]
        if (
            n == 0
            or keys[row] != keys[first[n - 1]]
            or not _is_same(indptr, indices, costs, standard, kind, first[n - 1], row)
        ):
            first[n] = row
            n += 1
        group[at] = n - 1
    return group, first[:n]


@compiled
def copy_rows(
    indptr: Longs, indices: Ints, costs: Floats, standard: Floats, new_index: Ints, rows: Longs, row_ptr: Longs
) -> Ints:
    """Return the candidates of some rows within the standard under new numbers (-1 = left out)."""
    row_sites = np.empty(row_ptr[-1], dtype=np.int32)
    for at in range(rows.shape[0]):
        into = row_ptr[at]
        for pair in range(indptr[rows[at]], indptr[rows[at] + 1]):
            if costs[pair] <= standard[rows[at]] and new_index[indices[pair]] >= 0:
                row_sites[into] = new_index[indices[pair]]
                into += 1
    return row_sites


@compiled
def turn(row_ptr: Longs, row_sites: Ints, n_sites: int) -> tuple[Longs, Ints]:
    """Return the same pairs compressed by site, rows ascending."""
    site_ptr = np.zeros(n_sites + 1, dtype=np.int64)
    for pair in range(row_sites.shape[0]):
        site_ptr[row_sites[pair] + 1] += 1
    for site in range(n_sites):
        site_ptr[site + 1] += site_ptr[site]
    into, site_rows = site_ptr[:-1].copy(), np.empty(row_sites.shape[0], dtype=np.int32)
    for row in range(row_ptr.shape[0] - 1):
        for pair in range(row_ptr[row], row_ptr[row + 1]):
            site_rows[into[row_sites[pair]]] = row
            into[row_sites[pair]] += 1
    return site_ptr, site_rows


@compiled
def near_order(row_ptr: Longs, row_sites: Ints, site_ptr: Longs, site_rows: Ints) -> Longs:
    """Return all rows in the order in which a walk from site to row to site meets them: neighbours stay together."""
    order, n = np.empty(row_ptr.shape[0] - 1, dtype=np.int64), 0
    is_met, is_queued = np.zeros(row_ptr.shape[0] - 1, dtype=np.bool_), np.zeros(site_ptr.shape[0] - 1, dtype=np.bool_)
    queue, head, tail = np.empty(site_ptr.shape[0] - 1, dtype=np.int64), 0, 0
    for start in range(site_ptr.shape[0] - 1):
        if not is_queued[start]:
            is_queued[start], queue[tail] = True, start
            tail += 1
        while head < tail:
            site = queue[head]
            head += 1
            for at in range(site_ptr[site], site_ptr[site + 1]):
                row = site_rows[at]
                if is_met[row]:
                    continue
                is_met[row], order[n] = True, row
                n += 1
                for pair in range(row_ptr[row], row_ptr[row + 1]):
                    if not is_queued[row_sites[pair]]:
                        is_queued[row_sites[pair]], queue[tail] = True, row_sites[pair]
                        tail += 1
    return order[:n]


@compiled
def dominated(row_ptr: Longs, row_sites: Ints, site_ptr: Longs, site_rows: Ints) -> Bools:
    """Return the sites whose rows another site covers too; of sites with the same rows all but the first."""
    is_dominated = np.zeros(site_ptr.shape[0] - 1, dtype=np.bool_)
    for site in range(site_ptr.shape[0] - 1):
        start, stop = site_ptr[site], site_ptr[site + 1]
        if start == stop:
            is_dominated[site] = True
            continue
        rarest = site_rows[start]
        for at in range(start, stop):
            row = site_rows[at]
            if row_ptr[row + 1] - row_ptr[row] < row_ptr[rarest + 1] - row_ptr[rarest]:
                rarest = row
        for pair in range(row_ptr[rarest], row_ptr[rarest + 1]):
            other = row_sites[pair]
            size = site_ptr[other + 1] - site_ptr[other]
            if other == site or size < stop - start or (size == stop - start and other > site):
                continue
            a, b = start, site_ptr[other]
            while a < stop and b < site_ptr[other + 1] and stop - a <= site_ptr[other + 1] - b:
                if site_rows[a] == site_rows[b]:
                    a += 1
                elif site_rows[a] < site_rows[b]:
                    break
                b += 1
            if a == stop:
                is_dominated[site] = True
                break
    return is_dominated


@compiled
def gather(ptr: Longs, indices: Ints, values: Floats, into: Floats) -> None:
    """Fill ``into`` with the sums of the values at each slot's indices; four sums a slot, so that additions overlap."""
    for slot in range(ptr.shape[0] - 1):
        at, stop = ptr[slot], ptr[slot + 1]
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        while at + 3 < stop:
            a += values[indices[at]]
            b += values[indices[at + 1]]
            c += values[indices[at + 2]]
            d += values[indices[at + 3]]
            at += 4
        while at < stop:
            a += values[indices[at]]
            at += 1
        into[slot] = (a + b) + (c + d)


@compiled
def greedy(site_ptr: Longs, site_rows: Ints, weights: Floats, n_new: int) -> Longs:
    """Return sites in the order of the greedy choice, the lowest of equals first; none that adds nothing.

    Lazy: a gain never grows, so a site whose gain of today leads the old gains of all others is the best.
    """
    is_covered = np.zeros(weights.shape[0], dtype=np.bool_)
    heap: list[tuple[float, np.int64]] = [(0.0, np.int64(0)) for _ in range(0)]
    for site in range(site_ptr.shape[0] - 1):
        gain = 0.0
        for at in range(site_ptr[site], site_ptr[site + 1]):
            gain += weights[site_rows[at]]
        heap.append((-gain, np.int64(site)))
    heapq.heapify(heap)
    chosen, n = np.empty(n_new, dtype=np.int64), 0
    fresh = np.zeros(site_ptr.shape[0] - 1, dtype=np.int64)  # how many were chosen when the gain was counted
    while n < n_new and len(heap) > 0:
        loss, leader = heapq.heappop(heap)
        if fresh[leader] == n:
            if loss >= 0.0:
                break
            chosen[n] = leader
            n += 1
            for at in range(site_ptr[leader], site_ptr[leader + 1]):
                is_covered[site_rows[at]] = True
            continue
        gain = 0.0
        for at in range(site_ptr[leader], site_ptr[leader + 1]):
            if not is_covered[site_rows[at]]:
                gain += weights[site_rows[at]]
        fresh[leader] = n
        heapq.heappush(heap, (-gain, leader))
    return chosen[:n]


@compiled
def build(
    site: int, site_ptr: Longs, site_rows: Ints, weights: Floats, count: Ints, keepers: Longs, loss: Floats
) -> None:
    """Open a site in the books of a plan (see ``books_of``)."""
    for at in range(site_ptr[site], site_ptr[site + 1]):
        row = site_rows[at]
        if count[row] == 0:
            loss[site] += weights[row]
        elif count[row] == 1:
            loss[keepers[row]] -= weights[row]
        count[row] += 1
        keepers[row] += site


@compiled
def close(
    site: int, site_ptr: Longs, site_rows: Ints, weights: Floats, count: Ints, keepers: Longs, loss: Floats
) -> None:
    """Close a site in the books of a plan."""
    for at in range(site_ptr[site], site_ptr[site + 1]):
        row = site_rows[at]
        count[row] -= 1
        keepers[row] -= site
        if count[row] == 1:
            loss[keepers[row]] += weights[row]
    loss[site] = 0.0


@compiled
def books_of(chosen: Longs, site_ptr: Longs, site_rows: Ints, weights: Floats) -> tuple[Ints, Longs, Floats]:
    """Return the books of a plan.

    They are: by row how many chosen sites cover it; the sum of their numbers, which is the site itself where there is
    one; by site what would be uncovered without it.
    """
    count = np.zeros(weights.shape[0], dtype=np.int32)
    keepers = np.zeros(weights.shape[0], dtype=np.int64)
    loss = np.zeros(site_ptr.shape[0] - 1)
    for site in chosen:
        build(site, site_ptr, site_rows, weights, count, keepers, loss)
    return count, keepers, loss


@compiled
def swap(
    site_ptr: Longs,
    site_rows: Ints,
    weights: Floats,
    chosen: Longs,
    count: Ints,
    keepers: Longs,
    loss: Floats,
    start: int,
    n_tried: int,
    least_gain: float,
) -> int:
    """Try ``n_tried`` sites from ``start`` on, each in place of the best of all chosen; return how many since a swap.

    A swap that gains more than ``least_gain`` is made at once in ``chosen`` and the books (``books_of``).
    """
    n_sites, quiet = site_ptr.shape[0] - 1, 0
    extra, is_chosen = np.zeros(n_sites), np.zeros(n_sites, dtype=np.bool_)
    for at in range(chosen.shape[0]):
        is_chosen[chosen[at]] = True
    for tried in range(n_tried):
        site = (start + tried) % n_sites
        quiet += 1
        if is_chosen[site]:
            continue
        gain = 0.0
        for at in range(site_ptr[site], site_ptr[site + 1]):
            row = site_rows[at]
            if count[row] == 0:
                gain += weights[row]
            elif count[row] == 1:
                extra[keepers[row]] += weights[row]
        best, out = -np.inf, 0
        for at in range(chosen.shape[0]):
            saved = extra[chosen[at]] - loss[chosen[at]]
            extra[chosen[at]] = 0.0
            if saved > best:
                best, out = saved, at
        if gain + best > least_gain:
            close(chosen[out], site_ptr, site_rows, weights, count, keepers, loss)
            build(site, site_ptr, site_rows, weights, count, keepers, loss)
            is_chosen[chosen[out]], is_chosen[site] = False, True
            chosen[out], quiet = site, 0
    return quiet


@compiled
def covered_weight(site_ptr: Longs, site_rows: Ints, weights: Floats, chosen: Longs) -> float:
    """Return the weight of the rows that some chosen site covers."""
    is_covered, total = np.zeros(weights.shape[0], dtype=np.bool_), 0.0
    for site in chosen:
        for at in range(site_ptr[site], site_ptr[site + 1]):
            if not is_covered[site_rows[at]]:
                is_covered[site_rows[at]] = True
                total += weights[site_rows[at]]
    return total


@compiled
def share_out(wanted: Floats, step: Floats, n_new: int, share: Floats) -> None:
    """Fill ``share`` with the shares (0 to 1, at most ``n_new`` in all) nearest to the wanted, steps as measure."""
    total, low, high = 0.0, 0.0, 0.0
    for site in range(wanted.shape[0]):
        share[site] = min(max(wanted[site], 0.0), 1.0)
        total += share[site]
        high = max(high, wanted[site] / step[site])
    if total <= n_new:
        return
    for _ in range(HALVINGS):
        middle, total = 0.5 * (low + high), 0.0
        for site in range(wanted.shape[0]):
            total += min(max(wanted[site] - middle * step[site], 0.0), 1.0)
        if total > n_new:
            low = middle
        else:
            high = middle
        if high - low <= 1e-15 * high:
            break
    for site in range(wanted.shape[0]):
        share[site] = min(max(wanted[site] - high * step[site], 0.0), 1.0)


@compiled
def descend(
    row_ptr: Longs,
    row_sites: Ints,
    site_ptr: Longs,
    site_rows: Ints,
    weights: Floats,
    n_new: int,
    site_step: Floats,
    row_step: Floats,
    share: Floats,
    price: Floats,
    share_sum: Floats,
    price_sum: Floats,
    n_steps: int,
) -> None:
    """Take primal-dual steps on the relaxed plan, in ``share`` and ``price``, and add each to the sums.

    Chambolle & Pock (2011) with the diagonal steps of Pock & Chambolle (2011): shares follow what their rows pay,
    prices fall where rows are covered more than once and rise where they are not.
    """
    n_sites, n_rows = site_ptr.shape[0] - 1, weights.shape[0]
    wanted, now = np.empty(n_sites), np.empty(n_sites)
    earned, covered = np.empty(n_sites), np.empty(n_rows)
    for _ in range(n_steps):
        gather(site_ptr, site_rows, price, earned)
        for site in range(n_sites):
            wanted[site] = share[site] + site_step[site] * earned[site]
        share_out(wanted, site_step, n_new, now)
        for site in range(n_sites):
            wanted[site] = 2.0 * now[site] - share[site]
            share[site] = now[site]
            share_sum[site] += now[site]
        gather(row_ptr, row_sites, wanted, covered)
        for row in range(n_rows):
            moved = price[row] - row_step[row] * (covered[row] - 1.0)
            price[row] = min(max(moved, 0.0), weights[row])
            price_sum[row] += price[row]
