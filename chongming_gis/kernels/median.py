"""p sites that save the most: swaps of one site for another, and multipliers for a bound.

Everything is told as a gain: what a row saves, weight counted, where a site is open, against what it has without any
new site. Pairs stand by site (CSR, rows ascending), only where the gain is above 0. A row takes the best gain among the
open sites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]

EPS = 1e-10  # relative: a change of the sum that is smaller is rounding


class Gains(NamedTuple):
    """What each row gains by each site."""

    site_ptr: Longs
    site_rows: Ints
    gain: Floats


class Dual(NamedTuple):
    """Where the multipliers stand: they change in place."""

    price: Floats  # of a row: what its best site is counted for whatever is open
    best: Floats  # the prices of the best bound
    direction: Floats
    rest: Floats  # of a site: the sum of its gains above the prices
    best_rest: Floats
    pace: Floats  # best bound, step, rounds without a gain, rounds


@compiled
def total_gain(gains: Gains, sites: Longs, n_rows: int) -> float:
    """Return what some open sites save together."""
    best = np.zeros(n_rows)
    for site in sites:
        for pair in range(gains.site_ptr[site], gains.site_ptr[site + 1]):
            row = gains.site_rows[pair]
            best[row] = max(best[row], gains.gain[pair])
    return float(best.sum())


@compiled
def two_best(gains: Gains, plan: Longs, n_rows: int) -> tuple[Floats, Floats, Longs]:
    """Return the best and second best gain of each row among the plan, and the place of the best in it (-1 = none)."""
    first, second = np.zeros(n_rows), np.zeros(n_rows)
    place = np.full(n_rows, -1, dtype=np.int64)
    for at in range(plan.shape[0]):
        for pair in range(gains.site_ptr[plan[at]], gains.site_ptr[plan[at] + 1]):
            row, gain = gains.site_rows[pair], gains.gain[pair]
            if gain > first[row]:
                second[row] = first[row]
                first[row] = gain
                place[row] = at
            elif gain > second[row]:
                second[row] = gain
    return first, second, place


@compiled
def greedy(gains: Gains, plan: Longs, n_more: int, n_rows: int, is_free: Bools) -> Longs:
    """Return the plan and at most ``n_more`` sites, one by one for what each adds; none that adds nothing."""
    best = np.zeros(n_rows)
    is_open = ~is_free
    found = np.empty(plan.shape[0] + n_more, dtype=np.int64)
    found[: plan.shape[0]] = plan
    n_found = plan.shape[0]
    for site in plan:
        is_open[site] = True
        for pair in range(gains.site_ptr[site], gains.site_ptr[site + 1]):
            row = gains.site_rows[pair]
            best[row] = max(best[row], gains.gain[pair])
    added = np.full(is_free.shape[0], np.inf)  # an upper bound of what a site adds: it only shrinks
    for _ in range(n_more):
        chosen, most = -1, 0.0
        for site in np.argsort(-added, kind="mergesort"):
            if is_open[site]:
                continue
            if added[site] < most or (added[site] == most and chosen >= 0 and site > chosen):
                break
            added[site] = 0.0
            for pair in range(gains.site_ptr[site], gains.site_ptr[site + 1]):
                added[site] += max(0.0, gains.gain[pair] - best[gains.site_rows[pair]])
            if added[site] > most or (added[site] == most and chosen >= 0 and site < chosen):
                chosen, most = site, added[site]
        if chosen < 0:
            break
        is_open[chosen] = True
        found[n_found] = chosen
        n_found += 1
        for pair in range(gains.site_ptr[chosen], gains.site_ptr[chosen + 1]):
            row = gains.site_rows[pair]
            best[row] = max(best[row], gains.gain[pair])
    return found[:n_found].copy()


@compiled
def swap(gains: Gains, plan: Longs, n_rows: int, is_free: Bools) -> float:
    """Make the one swap that saves most, in place; return what it saves, 0 where none saves anything.

    All free sites are tried against all sites of the plan in one pass over the pairs (Whitaker 1983; Hansen &
    Mladenovic 1997).
    """
    n_plan = plan.shape[0]
    first, second, place = two_best(gains, plan, n_rows)
    loss, spared = np.zeros(n_plan), np.zeros(n_plan)
    for row in range(n_rows):
        if place[row] >= 0:
            loss[place[row]] += first[row] - second[row]
    is_open = np.zeros(is_free.shape[0], dtype=np.bool_)
    for site in plan:
        is_open[site] = True
    least = EPS * max(1.0, first.sum())
    most, comes, leaves = float(least), -1, -1
    for site in range(is_free.shape[0]):
        if is_open[site] or not is_free[site]:
            continue
        added = 0.0
        spared[:] = 0.0
        for pair in range(gains.site_ptr[site], gains.site_ptr[site + 1]):
            row, gain = gains.site_rows[pair], gains.gain[pair]
            if gain <= second[row]:
                continue
            if gain > first[row]:
                added += gain - first[row]
                if place[row] >= 0:
                    spared[place[row]] += first[row] - second[row]
            else:
                spared[place[row]] += gain - second[row]
        for at in range(n_plan):
            saved = added - loss[at] + spared[at]
            if saved > most:
                most, comes, leaves = saved, site, at
    if comes < 0:
        return 0.0
    plan[leaves] = comes
    return float(most)


@compiled
def upper_bound(gains: Gains, price: Floats, rest: Floats, n_more: int) -> tuple[float, Longs]:
    """Return the most that any ``n_more`` sites can save by these prices (at least 0), and which sites that would be.

    Fills ``rest``; sites whose rest is set to -1 on entry are closed and stay so.
    """
    for site in range(rest.shape[0]):
        if rest[site] < 0.0:
            continue
        total = 0.0
        for pair in range(gains.site_ptr[site], gains.site_ptr[site + 1]):
            over = gains.gain[pair] - price[gains.site_rows[pair]]
            if over > 0.0:
                total += over
        rest[site] = total
    chosen = np.argsort(-rest, kind="mergesort")[:n_more]
    bound = price.sum()
    for site in chosen:
        bound += max(0.0, rest[site])
    return bound, chosen


@compiled
def descend(gains: Gains, dual: Dual, n_more: int, goal: float, shape: tuple[float, int, int]) -> Longs:
    """Lower the bound for some rounds (subgradient method with a remembered direction); return the sites of the best.

    Parameters
    ----------
    goal : what a known plan saves: no bound is lower
    shape : share of the old direction kept, rounds without a gain until the step shrinks, rounds to do
    """
    price, best, direction, rest, best_rest, pace = dual
    kept, patience, n_rounds = shape
    found = np.empty(0, dtype=np.int64)
    slope = np.empty(price.shape[0])
    for _ in range(n_rounds):
        bound, chosen = upper_bound(gains, price, rest, n_more)
        pace[3] += 1.0
        if bound < pace[0]:
            pace[2] = 0.0 if bound < pace[0] - 1e-6 * abs(pace[0]) else pace[2] + 1.0
            pace[0] = bound
            best[:] = price
            best_rest[:] = rest
            found = chosen
        else:
            pace[2] += 1.0
        if pace[2] >= patience:
            pace[1] *= 0.8
            pace[2] = 0.0
            price[:] = best
        slope[:] = 1.0
        for site in chosen:
            if rest[site] > 0.0:
                for pair in range(gains.site_ptr[site], gains.site_ptr[site + 1]):
                    if gains.gain[pair] > price[gains.site_rows[pair]]:
                        slope[gains.site_rows[pair]] -= 1.0
        length = 0.0
        for row in range(price.shape[0]):
            direction[row] = (1.0 - kept) * slope[row] + kept * direction[row]
            if price[row] <= 0.0 and direction[row] > 0.0:
                direction[row] = 0.0
            length += direction[row] * direction[row]
        if length < 1e-14 or bound <= goal:
            pace[1] = 0.0
            break
        step = pace[1] * (bound - goal) / length
        for row in range(price.shape[0]):
            price[row] = max(0.0, price[row] - step * direction[row])
    return found
