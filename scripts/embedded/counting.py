"""Whole numbers that add up: largest remainder across areas, running rounding along points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]


def largest_remainder(weights: Any, total: int) -> Integers:
    """Return whole numbers in proportion to weights that sum to ``total`` (Hamilton's method; ties by position)."""
    exact = np.asarray(weights, float) / np.sum(weights) * total
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def at_least_one(weights: Any, total: int) -> Integers:
    """Return whole numbers that sum to ``total``: one each, the rest by largest remainder."""
    return 1 + largest_remainder(weights, total - len(np.asarray(weights)))


def running_rounding(expected: Any, total: int, start: float) -> Integers:
    """Return whole numbers along points: every stretch of points sums to its expectation within one.

    Parameters
    ----------
    expected : weights of the points, in spatial order.
    total : what they add up to.
    start : a number in [0, 1) that shifts where units fall, so that different columns do not favour the same points.
    """
    expected = np.asarray(expected, float)
    if total == 0:
        return np.zeros(len(expected), dtype=np.int64)
    reached = np.cumsum(expected) / expected.sum() * total
    steps = np.floor(reached + start).astype(np.int64)
    steps[-1] = total
    return np.diff(np.concatenate([[0], np.minimum(steps, total)]))
