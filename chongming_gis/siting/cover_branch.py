"""The search for the best plan of a covering question, with a bound that falls as the plan rises.

Greedy choice and swaps give a plan; primal-dual steps on the relaxation give a bound, and hints for better plans.
Sites that the bound proves to be in no better plan, or in all of them, are decided, which merges rows and makes the
next steps cheap. What then is left open is split at the site the relaxed plan is least sure of: built, or not built.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.siting.cover_bound import Relaxation, proven_sites
from chongming_gis.siting.cover_search import greedy_sites, improve, shake
from chongming_gis.siting.problem import PROVEN_GAP, relative_gap
from chongming_gis.siting.reduce import CoverRest, restrict

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

_SEED = 20261124
_ROUND_READS = 400_000_000  # pairs that the steps of a round read at most, about half a second
_STEPS, _FEWEST_STEPS = 40, 5  # between two looks at bound and plan
_SHRINK = 0.1  # part of the sites decided before the question is written anew without them
_QUIET_ROUNDS = 2  # before random exchanges begin: the shares are no hint yet
_SOLVED_ROOT, _SOLVED = 0.05, 0.2  # of the distance from plan to bound: how well a relaxation is solved before a split
_ROUNDS_ROOT, _ROUNDS = 200, 6  # most rounds before a split
_SHAKEN = 16  # every so many splits random exchanges are tried too
_MOST_OPEN = 50_000_000  # pairs of open parts: above, the newest part goes first, which needs no more room
_ROUNDING = 1e-11  # relative: more than two sums of the same numbers in another order differ by
_LARGEST_WHOLE = 1e10  # above, a person is lost in the rounding

_NOTHING = np.empty(0, dtype=np.int64)


@dataclass(slots=True, eq=False)
class _Part:
    """A part of the question that is still open: no plan in it covers more than ``bound``."""

    number: int
    bound: float
    rest: CoverRest
    price: Floats
    share: Floats


@dataclass(slots=True)
class CoverBranch:
    """The best plan so far (``chosen``: columns, forced and existing ones left out), the bound so far, the open parts.

    Parameters
    ----------
    root : the question
    deadline_s : of ``time.perf_counter``
    target_gap : relative gap at which the search may stop
    """

    root: CoverRest
    deadline_s: float
    target_gap: float
    is_whole: bool = False
    chosen: Longs = field(default_factory=lambda: _NOTHING)
    value: float = -math.inf
    bound: float = math.inf
    is_interrupted: bool = False
    _open: list[_Part] = field(default_factory=list)
    _n_parts: int = 0

    def run(self) -> None:
        """Search until proven, near enough, out of time, or interrupted."""
        weights = self.root.weights
        is_whole = bool((weights == np.rint(weights)).all()) and float(self.root.settled).is_integer()
        self.is_whole = is_whole and self.root.coverable < _LARGEST_WHOLE
        self.bound = self.root.coverable
        try:
            self._begin()
            rng = np.random.default_rng(_SEED)
            while not self._is_done():
                part = self._next()
                self._solve(part, rng)
                if not self._is_done():
                    self._open.remove(part)
                    self._lower()
        except KeyboardInterrupt:
            self.is_interrupted = True

    @property
    def stop_reason(self) -> str:
        """Why the search ended without a proof."""
        if self.is_interrupted:
            return "interrupted"
        return "target gap" if relative_gap(self.value, self.bound) <= self.target_gap else "time limit"

    def _begin(self) -> None:
        rest = self.root
        self._keep(rest, _NOTHING, rest.settled)
        if rest.n_new and rest.n_sites:
            plan = self._improve(rest, greedy_sites(rest))
            share = np.zeros(rest.n_sites)
            share[plan] = 1.0
            self._open.append(_Part(0, rest.coverable, rest, 0.5 * rest.weights, share))
        self._lower()

    def _next(self) -> _Part:
        """Return the open part with the highest bound, the oldest of equals; the newest where room is short."""
        if sum(part.rest.n_pairs for part in self._open) > _MOST_OPEN:
            return self._open[-1]
        return max(self._open, key=lambda part: (part.bound, -part.number))

    def _solve(self, part: _Part, rng: np.random.Generator) -> None:
        """Lower the bound of a part, decide sites, and add the two parts it falls into where that is not enough."""
        is_root = part.number == 0
        part_solved, most_rounds = (_SOLVED_ROOT, _ROUNDS_ROOT) if is_root else (_SOLVED, _ROUNDS)
        n_round, n_all = 0, 0
        relaxation = Relaxation(part.rest, part.share, part.price)
        while True:
            n_round, n_all = n_round + 1, n_all + 1
            n_steps = max(_FEWEST_STEPS, min(_STEPS, _ROUND_READS // (2 * part.rest.n_pairs)))
            relaxation.descend(n_steps, deadline_s=self.deadline_s)
            part.bound = min(part.bound, relaxation.best.value)
            if is_root:
                self._lower()
                self._guess(part.rest, relaxation.share, rng if n_all > _QUIET_ROUNDS else None)
            if self._is_done() or part.bound < self._beaten():
                return
            is_useless, is_certain = proven_sites(part.rest, relaxation.best, beaten=self._beaten())
            if np.count_nonzero(is_useless | is_certain) > _SHRINK * part.rest.n_sites:
                smaller = self._within(part, relaxation, is_useless, np.flatnonzero(is_certain))
                if smaller is None:
                    return
                part.rest, part.price, part.share = smaller.rest, smaller.price, smaller.share
                relaxation, n_round = Relaxation(part.rest, part.share, part.price), 0
            own, whole = relaxation.best.value - relaxation.value, relaxation.best.value - self.value
            if own <= part_solved * whole or n_round >= most_rounds:
                break
        self._guess(part.rest, relaxation.share, rng if part.number % _SHAKEN == _SHAKEN - 1 else None)
        self._split(part, relaxation)

    def _split(self, part: _Part, relaxation: Relaxation) -> None:
        is_useless, is_certain = proven_sites(part.rest, relaxation.best, beaten=self._beaten())
        site = np.argmin(np.abs(relaxation.share - 0.5) + (is_useless | is_certain))
        is_site = np.arange(part.rest.n_sites) == site
        for useless, certain in ((is_useless & ~is_site, is_certain | is_site), (is_useless | is_site, is_certain)):
            child = self._within(part, relaxation, useless, np.flatnonzero(certain & ~useless))
            if child is not None:
                self._open.append(child)

    def _within(self, part: _Part, relaxation: Relaxation, is_useless: Bools, certain: Longs) -> _Part | None:
        """Return the part with some sites decided, prices and shares carried on; None where nothing is open."""
        old = part.rest
        rest, row_of = restrict(old, ~is_useless, certain)
        self._n_parts += 1
        if rest.n_new < 0:
            return None
        self._keep(rest, _NOTHING, rest.settled)
        if rest.n_new >= rest.n_sites:
            self._keep(rest, np.arange(rest.n_sites), rest.coverable)
        if rest.n_new == 0 or rest.n_new >= rest.n_sites:
            return None
        is_left = row_of >= 0
        price = np.bincount(row_of[is_left], weights=relaxation.best_price[is_left], minlength=len(rest.weights))
        share = relaxation.share[np.isin(old.sites, rest.sites)]
        bound = min(part.bound, relaxation.best.value, rest.coverable)
        return _Part(self._n_parts, bound, rest, np.minimum(price, rest.weights), share)

    def _guess(self, rest: CoverRest, share: Floats, rng: np.random.Generator | None) -> None:
        """Build what the relaxed plan builds most of, and swap on from there."""
        plan = self._improve(rest, np.argsort(-share, kind="stable")[: rest.n_new])
        if rng is not None and not self._is_done():
            least = self._step() / 2.0
            self._keep(rest, *shake(rest, plan, share, rng, least_gain=least, deadline_s=self.deadline_s))

    def _improve(self, rest: CoverRest, plan: Longs) -> Longs:
        plan, value = improve(rest, plan, least_gain=self._step() / 2.0, deadline_s=self.deadline_s)
        self._keep(rest, plan, value)
        return plan

    def _keep(self, rest: CoverRest, plan: Longs, value: float) -> None:
        if value > self.value:
            self.chosen, self.value = np.sort(np.concatenate([rest.taken, rest.sites[plan]])), value
            self.bound = max(self.bound, value)

    def _lower(self) -> None:
        """Take the highest bound of the open parts; plans outside of them are no better than the best one."""
        bound = max((part.bound for part in self._open), default=self.value)
        if self.is_whole:
            bound = float(math.floor(bound + _ROUNDING * bound + 1e-6))
        self.bound = max(self.value + (0.0 if self.is_whole else self._step()), min(self.bound, bound))

    def _step(self) -> float:
        """Return the least by which a better plan is better: one person, or what counts as equal."""
        return 1.0 if self.is_whole else PROVEN_GAP / 2.0 * self.value

    def _beaten(self) -> float:
        """Return what a plan must cover to be better than the best one, less what rounding may hide."""
        return self.value + self._step() * (1.0 - 1e-6) - _ROUNDING * self.value

    def _is_done(self) -> bool:
        is_near = relative_gap(self.value, self.bound) <= max(self.target_gap, PROVEN_GAP)
        return is_near or time.perf_counter() >= self.deadline_s
