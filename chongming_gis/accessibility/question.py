"""What the measures of access are asked: times by one or several modes, catchments, demand and supply, all checked.

``ask`` checks and reports every fault at once; ``weigh`` turns the times of all modes into one matrix of weights. Pairs
are weighed in blocks of rows, so that memory stays near that of the matrix; threads share the blocks, and the result
does not depend on their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from chongming_gis.decay import DecayLike, Own, as_decay
from chongming_gis.errors import TableError
from chongming_gis.kernels.threads import over_ranges
from chongming_gis.travel import TravelTimes

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.decay import Decay

    Floats = npt.NDArray[np.float64]
    Claims = npt.NDArray[np.bool_]

_BLOCK = 200_000  # pairs weighed at once: their arrays stay in the cache
_MOST_SHOWN = 5
_SAME_SHARE = 1e-9

Seconds: TypeAlias = "TravelTimes | sparse.csr_matrix | sparse.csr_array"
Times: TypeAlias = "Seconds | Sequence[Mode | tuple[Seconds, npt.ArrayLike]]"


@dataclass(frozen=True, slots=True)
class Catchments:
    """How far a pair may be apart: both sides must allow it. Seconds, one number or one a place; None = any.

    A pair counts where its time is at most that of the origin *and* at most that of the destination, in every step of a
    measure; decays are stretched over the smaller of the two.
    """

    origin_s: npt.ArrayLike | None = None
    destination_s: npt.ArrayLike | None = None


CatchmentLike: TypeAlias = "Catchments | npt.ArrayLike | None"


@dataclass(frozen=True, slots=True)
class Mode:
    """One way of getting there: its times, and the share (0-1) of people who use it, one number or one an origin.

    ``catchment_s`` and ``decay`` stand in for those of the call where this mode has its own.
    """

    times: Seconds
    share: npt.ArrayLike
    catchment_s: CatchmentLike = None
    decay: DecayLike | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """The checked times of one mode; limits and share are arrays of no dimension (one number) or one (by place)."""

    seconds: sparse.csr_array
    share: Floats
    origin_s: Floats
    destination_s: Floats
    decay: Decay

    def limits(self, start: int, stop: int) -> Floats:
        """Return the catchments of the pairs of some rows, or the one number that holds for all."""
        indptr = self.seconds.indptr
        origin, destination = self.origin_s, self.destination_s
        if origin.ndim:
            origin = np.repeat(origin[start:stop], np.diff(indptr[start : stop + 1]))
        if destination.ndim:
            destination = destination[self.seconds.indices[indptr[start] : indptr[stop]]]
        return np.asarray(np.minimum(origin, destination))

    def within(self) -> Claims:
        """Return which pairs are in the catchment; the bound is inclusive."""
        return np.asarray(self.seconds.data <= self.limits(0, self.seconds.shape[0]))

    def where(self, chosen: Claims) -> Leg:
        """Return the leg with the chosen pairs only, a stored 0 among them."""
        seconds = self.seconds
        before = np.concatenate(
            [np.zeros(1, dtype=seconds.indptr.dtype), np.cumsum(chosen, dtype=seconds.indptr.dtype)]
        )
        parts = (seconds.data[chosen], seconds.indices[chosen], before[seconds.indptr])
        return replace(self, seconds=sparse.csr_array(parts, shape=seconds.shape))


@dataclass(frozen=True, slots=True)
class Question:
    """Times, demand and supply that fit together."""

    legs: tuple[Leg, ...]
    demand: Floats
    supply: Floats

    def only_leg(self, measure: str) -> Leg:
        """Return the one mode of a measure that cannot combine several.

        Raises
        ------
        TableError
            There are several.
        """
        if len(self.legs) > 1:
            raise TableError(f"{measure} is defined for one mode of travel, not {len(self.legs)}: call it mode by mode")
        return self.legs[0]


def ask(
    times: Times, demand: npt.ArrayLike, supply: npt.ArrayLike | None, *, catchment_s: CatchmentLike, decay: DecayLike
) -> Question:
    """Return the checked question; no supply stands for one place at each destination.

    Raises
    ------
    TableError
        Shapes differ; a time, catchment, demand, supply or share is negative, infinite or missing; shares do not sum to
        1; a catchment is beyond the cutoff of the times. The message lists every fault.
    StudyError
        There is no such decay.
    """
    modes = [times] if not isinstance(times, Sequence) else list(times)
    asked = [_as_mode(mode) for mode in modes]
    if not asked:
        raise TableError("times: an empty sequence; hand over the times of one mode at least")
    faults: list[str] = []
    legs: list[Leg] = []
    for number, mode in enumerate(asked):
        name = "times" if len(asked) == 1 else f"times of mode {number}"
        seconds = _checked_seconds(mode.times, name, faults)
        if seconds is None:
            continue
        catchment = catchment_s if mode.catchment_s is None else mode.catchment_s
        cutoff_s = mode.times.cutoff_s if isinstance(mode.times, TravelTimes) else None
        origin_s, destination_s = _checked_catchments(catchment, seconds.shape, cutoff_s, name, faults)
        share = _checked_numbers(mode.share, seconds.shape[0], f"share of {name}", faults, may_be_one=True)
        legs.append(Leg(seconds, share, origin_s, destination_s, as_decay(mode.decay or decay)))
    if len({leg.seconds.shape for leg in legs}) > 1:
        faults.append(f"times of the modes have different shapes: {[leg.seconds.shape for leg in legs]}")
    elif legs:
        n_origins, n_destinations = legs[0].seconds.shape
        demand = _checked_numbers(demand, n_origins, "demand", faults)
        supply = (
            np.ones(n_destinations) if supply is None else _checked_numbers(supply, n_destinations, "supply", faults)
        )
        if not faults:
            off = np.abs(sum(leg.share for leg in legs) - 1.0) > _SAME_SHARE
            if np.any(off):
                faults.append(f"shares of the modes must sum to 1{_positions(off)}")
    if faults:
        raise TableError("; ".join(faults))
    # copies: kernels compile anew for arrays that may not be written, as those of frames are
    return Question(tuple(legs), np.array(demand, dtype=np.float64), np.array(supply, dtype=np.float64))


def weigh(question: Question) -> sparse.csr_array:
    """Return the weights of all pairs: the sum over modes of share x decay of time.

    Raises
    ------
    StudyError
        A decay gives a weight that is negative, infinite or not a number.
    """
    total = weigh_leg(question.legs[0])
    for leg in question.legs[1:]:
        total = total + weigh_leg(leg)
    return total


def weigh_leg(leg: Leg) -> sparse.csr_array:
    """Return share x decay of the pairs of one mode; raises as ``weigh``."""
    seconds, indptr = leg.seconds, leg.seconds.indptr
    weights = np.empty(seconds.nnz)
    cuts = np.unique(np.searchsorted(indptr, np.arange(0, seconds.nnz + _BLOCK, _BLOCK)))
    cuts = np.concatenate([[0], cuts[(cuts > 0) & (cuts < seconds.shape[0])], [seconds.shape[0]]])

    def run(first: int, last: int) -> None:
        for start, stop in zip(cuts[first:last], cuts[first + 1 : last + 1], strict=True):
            pairs = slice(indptr[start], indptr[stop])
            found = leg.decay(seconds.data[pairs], leg.limits(start, stop))
            if leg.share.ndim:
                found *= np.repeat(leg.share[start:stop], np.diff(indptr[start : stop + 1]))
            elif leg.share != 1.0:
                found *= leg.share
            weights[pairs] = found

    if isinstance(leg.decay, Own):  # what others wrote may not be made for threads
        run(0, len(cuts) - 1)
    else:
        over_ranges(len(cuts) - 1, run)
    return with_weights(seconds, weights)


def ratios(supply: Floats, load: Floats) -> Floats:
    """Return supply / load; what nobody reaches goes nowhere: 0."""
    return np.divide(supply, load, out=np.zeros_like(supply), where=load > 0.0)


def with_weights(like: sparse.csr_array, weights: Floats) -> sparse.csr_array:
    """Return a matrix of the same pairs with other weights."""
    return sparse.csr_array((weights, like.indices, like.indptr), shape=like.shape)


def by_row(matrix: sparse.csr_array, numbers: Floats) -> Floats:
    """Return the number of each pair's origin."""
    return np.repeat(numbers, np.diff(matrix.indptr))


def split_rows(weights: sparse.csr_array) -> sparse.csr_array:
    """Return the part that each pair has in the weights of its origin."""
    totals = weights @ np.ones(weights.shape[1])
    parts = by_row(weights, ratios(np.ones(weights.shape[0]), totals))
    parts *= weights.data
    return with_weights(weights, parts)


def _as_mode(mode: Any) -> Mode:
    if isinstance(mode, Mode):
        return mode
    if isinstance(mode, tuple) and len(mode) == 2:
        return Mode(*mode)
    return Mode(mode, 1.0)


def _checked_seconds(times: Any, name: str, faults: list[str]) -> sparse.csr_array | None:
    matrix: Any = times.matrix if isinstance(times, TravelTimes) else times
    if not (getattr(matrix, "format", "") == "csr" and matrix.ndim == 2):
        faults.append(f"{name}: {type(matrix).__name__} is neither TravelTimes nor a SciPy CSR matrix of seconds")
        return None
    data = np.asarray(matrix.data, dtype=np.float64)
    seconds = sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
    if not seconds.has_canonical_format:
        seconds = seconds.sorted_indices()
        if not seconds.has_canonical_format:
            faults.append(f"{name}: some pairs are stored twice")
    if data.size and not (data.min() >= 0.0 and data.max() < np.inf):
        wrong = int((~((data >= 0.0) & (data < np.inf))).sum())
        faults.append(f"{name}: {wrong} of {data.size} stored seconds are negative, infinite or missing")
    return seconds


def _checked_catchments(
    catchment_s: CatchmentLike, shape: tuple[int, int], cutoff_s: float | None, name: str, faults: list[str]
) -> tuple[Floats, Floats]:
    given = catchment_s if isinstance(catchment_s, Catchments) else Catchments(catchment_s)
    if given.origin_s is None and given.destination_s is None:
        if cutoff_s is None:
            faults.append(f"{name}: a matrix does not say how far it goes; give catchment_s")
        given = Catchments(0.0 if cutoff_s is None else cutoff_s)
    sides = []
    for side, numbers, n in (("origin", given.origin_s, shape[0]), ("destination", given.destination_s, shape[1])):
        if numbers is None:
            sides.append(np.asarray(np.inf))
        else:
            sides.append(_checked_numbers(numbers, n, f"catchment_s of {name} by {side}", faults, may_be_one=True))
    widest = min((float(side.max(initial=0.0)) for side in sides), default=0.0)
    if cutoff_s is not None and widest > cutoff_s:
        faults.append(
            f"{name}: a catchment of {widest:g} s is beyond their cutoff of {cutoff_s:g} s; search farther for times"
        )
    return sides[0], sides[1]


def _checked_numbers(
    numbers: npt.ArrayLike, n: int, name: str, faults: list[str], *, may_be_one: bool = False
) -> Floats:
    try:
        found = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError):
        faults.append(f"{name}: not numbers")
        return np.zeros(n)
    if found.shape != (n,) and not (may_be_one and found.ndim == 0):
        faults.append(f"{name}: {found.shape} numbers for {n} places")
        return np.zeros(n)
    wrong = ~((found >= 0.0) & (found < np.inf))
    if wrong.any():
        faults.append(f"{name}: negative, infinite or missing{_positions(wrong)}")
        return np.zeros(n)
    return found


def _positions(wrong: Claims) -> str:
    if wrong.ndim == 0:
        return ""
    at = np.flatnonzero(wrong)
    more = f" and {at.size - _MOST_SHOWN} more" if at.size > _MOST_SHOWN else ""
    return f" at position {', '.join(map(str, at[:_MOST_SHOWN]))}{more} (counted from 0)"
