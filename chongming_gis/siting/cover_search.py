"""Good plans for a covering question: the greedy choice, and swaps until none helps. Bounds are not its business."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels import cover
from chongming_gis.siting.reduce import restrict

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.reduce import CoverRest

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

_WORK = 20_000_000  # pairs looked at between two looks at the clock, about 50 ms
_PART = 1e-3  # least share of a site in the core
_FEWEST_KICKS, _MOST_KICKS = 10, 100  # at a time; in between so many that they read about as much as the steps do
_STEPS_READ, _SWAPS_READ, _KICK_READS = 80, 10, 50_000  # pairs of the rest and of the core; a kick alone, in pairs
_FEWEST, _MOST = 2, 6  # sites exchanged by a kick
_RARELY = 0.01  # weight of a kick against what the relaxed plan says


def greedy_sites(rest: CoverRest) -> Longs:
    """Return sites chosen one by one for what each adds; fewer than ``n_new`` where nothing is left to add."""
    return cover.greedy(rest.site_ptr, rest.site_rows, rest.weights, min(rest.n_new, rest.n_sites))


def improve(rest: CoverRest, chosen: Longs, *, least_gain: float, deadline_s: float) -> tuple[Longs, float]:
    """Return the sites after swaps until none gains more than ``least_gain``, and the persons covered.

    Every candidate is tried against every chosen site (Teitz & Bart 1968, with the books of Resende & Werneck 2007).

    Parameters
    ----------
    chosen : sites of ``rest``
    deadline_s : of ``time.perf_counter``; the swaps made until then stay
    """
    pairs = rest.site_ptr, rest.site_rows, rest.weights
    plan = np.sort(chosen)
    if 0 < len(plan) < rest.n_sites:
        books = cover.books_of(plan, *pairs)
        n_tried = min(rest.n_sites, max(1, _WORK * rest.n_sites // max(1, rest.n_pairs)))
        start, quiet = 0, 0
        while quiet < rest.n_sites and time.perf_counter() < deadline_s:
            since = cover.swap(*pairs, plan, *books, start, n_tried, least_gain)
            quiet = quiet + n_tried if since == n_tried else since
            start = (start + n_tried) % rest.n_sites
    return np.sort(plan), rest.settled + cover.covered_weight(*pairs, plan)


def shake(
    rest: CoverRest, chosen: Longs, share: Floats, rng: np.random.Generator, *, least_gain: float, deadline_s: float
) -> tuple[Longs, float]:
    """Return better sites where exchanging a few at random, and swapping on from there, finds any.

    Only sites that the relaxed plan builds in part, and the chosen ones, are tried: that costs next to nothing.

    Parameters
    ----------
    chosen : sites of ``rest``
    share : (n_sites,) of the relaxed plan, 0-1: what is built whole is seldom given up, what is not seldom taken
    """
    is_core = share > _PART
    is_core[chosen] = True
    core, _ = restrict(rest, is_core, np.empty(0, dtype=np.int64))
    place = np.searchsorted(rest.sites, core.sites)
    plan = np.flatnonzero(np.isin(place, chosen))
    others = np.setdiff1d(np.arange(core.n_sites), plan)  # a chosen site may be dominated within the core
    plan = np.concatenate([plan, others[: core.n_new - len(plan)]])
    plan, value = improve(core, plan, least_gain=least_gain, deadline_s=deadline_s)
    n_kicks = _STEPS_READ * rest.n_pairs // (_SWAPS_READ * core.n_pairs + _KICK_READS)
    for _ in range(min(max(n_kicks, _FEWEST_KICKS), _MOST_KICKS)):
        if len(plan) == core.n_sites or time.perf_counter() >= deadline_s:
            break
        other = _kicked(plan, share[place], rng)
        other, reached = improve(core, other, least_gain=least_gain, deadline_s=deadline_s)
        if reached >= value:
            plan, value = other, reached
    return improve(rest, place[plan], least_gain=least_gain, deadline_s=deadline_s)


def _kicked(plan: Longs, share: Floats, rng: np.random.Generator) -> Longs:
    """Return the plan with a few sites exchanged, those the relaxed plan is undecided about first."""
    others = np.setdiff1d(np.arange(len(share)), plan)
    n = min(int(rng.integers(_FEWEST, _MOST + 1)), len(plan), len(others))
    leaves, enters = 1.0 + _RARELY - share[plan], share[others] + _RARELY
    kicked = plan.copy()
    kicked[rng.choice(len(plan), n, replace=False, p=leaves / leaves.sum())] = rng.choice(
        others, n, replace=False, p=enters / enters.sum()
    )
    return kicked


def needed(rest: CoverRest, chosen: Longs) -> Longs:
    """Return the sites without those that cover nobody alone, the last of equals left out first."""
    count = np.zeros(len(rest.weights), dtype=np.int64)
    for site in chosen:
        count[_rows(rest, site)] += 1
    kept = []
    for site in np.sort(chosen)[::-1]:
        rows = _rows(rest, site)
        if (count[rows] == 1).any():
            kept.append(site)
        else:
            count[rows] -= 1
    return np.array(kept[::-1], dtype=np.int64)


def _rows(rest: CoverRest, site: int) -> npt.NDArray[np.int32]:
    return rest.site_rows[rest.site_ptr[site] : rest.site_ptr[site + 1]]
