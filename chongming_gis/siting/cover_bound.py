"""How many persons no plan can exceed: the Lagrangian dual of covering, and what it proves about single sites.

Each row gets a price between 0 and its weight. Whatever the prices, no plan covers more than the sum of what the prices
leave of the weights, plus the prices that the best ``n_new`` sites collect. The prices are lowered to the best ones by
primal-dual steps, which also give the shares of the relaxed plan: the best hint there is for a real one.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels import cover

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.reduce import CoverRest

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

_READS = 20_000_000  # pairs read between two looks at the clock, about 30 ms
_ENOUGH = 0.5  # a restart is due once the distance of both values has shrunk to this part since the last one
_LONG = 0.36  # ... or once it has gone on for this part of all steps (Applegate et al. 2021, PDLP)


@dataclass(frozen=True, slots=True)
class Bound:
    """What some prices prove about ``rest``.

    Attributes
    ----------
    value : no plan covers more persons
    earned : (n_sites,) what the prices pay to each site
    """

    value: float
    earned: Floats


def bound_of(rest: CoverRest, price: Floats) -> Bound:
    """Return what prices (n_rows,), each from 0 to the row's weight, prove."""
    earned = np.empty(rest.n_sites)
    cover.gather(rest.site_ptr, rest.site_rows, price, earned)
    top = np.sort(earned)[::-1][: rest.n_new]
    return Bound(rest.settled + float((rest.weights - price).sum()) + float(top.sum()), earned)


def proven_sites(rest: CoverRest, bound: Bound, *, beaten: float) -> tuple[Bools, Bools]:
    """Return which sites are in no plan that covers at least ``beaten`` persons, and which are in every such plan."""
    ranked = np.sort(bound.earned)[::-1]
    last = ranked[rest.n_new - 1] if rest.n_new <= rest.n_sites else 0.0
    after = ranked[rest.n_new] if rest.n_new < rest.n_sites else 0.0
    is_useless = bound.value - last + np.minimum(bound.earned, last) < beaten
    is_certain = bound.value - np.maximum(bound.earned, after) + after < beaten
    return is_useless & ~is_certain, is_certain


class Relaxation:
    """The primal-dual steps on one question: prices, shares, and their means since the last restart."""

    def __init__(self, rest: CoverRest, share: Floats, price: Floats, *, pace: float = 1.0) -> None:
        self.rest, self.share, self.price = rest, share, price
        reach = np.empty(rest.n_sites)
        cover.gather(rest.site_ptr, rest.site_rows, rest.weights, reach)
        self._site_step = pace / reach
        self._row_step = rest.weights / np.diff(rest.row_ptr) / pace
        self._share_sum, self._price_sum = np.zeros_like(share), np.zeros_like(price)
        self._steps, self._since, self._distance = 0, 0, np.inf
        self.best: Bound = bound_of(rest, price)
        self.best_price = price.copy()
        self.value = -np.inf  # of the best shares so far: what the relaxed plan surely reaches

    def descend(self, n_steps: int, *, deadline_s: float = math.inf) -> None:
        """Take steps; restart from the last prices and shares, or their means, the better of both, when it is due.

        Parameters
        ----------
        deadline_s : of ``time.perf_counter``; the steps taken until then count
        """
        n_taken, at_a_time = 0, max(1, _READS // (2 * self.rest.n_pairs))
        while n_taken < n_steps and (n_taken == 0 or time.perf_counter() < deadline_s):
            size = min(at_a_time, n_steps - n_taken)
            self._advance(size)
            n_taken += size
        mean_share, mean_price = self._share_sum / self._since, self._price_sum / self._since
        last, mean = self._distance_of(self.share, self.price), self._distance_of(mean_share, mean_price)
        if min(last, mean) > _ENOUGH * self._distance and self._since < _LONG * self._steps:
            return
        if mean < last:
            self.share, self.price = mean_share, mean_price
        self._distance, self._since = min(last, mean), 0
        self._share_sum[:], self._price_sum[:] = 0.0, 0.0

    def _advance(self, n_steps: int) -> None:
        rest = self.rest
        cover.descend(
            rest.row_ptr, rest.row_sites, rest.site_ptr, rest.site_rows, rest.weights, rest.n_new, self._site_step,
            self._row_step, self.share, self.price, self._share_sum, self._price_sum, n_steps,
        )  # fmt: skip
        self._steps += n_steps
        self._since += n_steps

    def _distance_of(self, share: Floats, price: Floats) -> float:
        """Return how far the value of shares is from the bound of prices, and keep what is best of both."""
        covered = np.empty(len(price))
        cover.gather(self.rest.row_ptr, self.rest.row_sites, share, covered)
        value = self.rest.settled + float(self.rest.weights @ np.minimum(covered, 1.0))
        bound = bound_of(self.rest, price)
        self.value = max(self.value, value)
        if bound.value < self.best.value:
            self.best, self.best_price = bound, price.copy()
        return bound.value - value
