"""Kernels on threads: ranges of sources or points, one after the other on each processor this process is allowed."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Value = TypeVar("Value")
Found = TypeVar("Found")

THREADS_VARIABLE = "CHONGMING_THREADS"


def thread_count() -> int:
    """Return the number of threads, at least 1; results never depend on it."""
    asked = os.environ.get(THREADS_VARIABLE, "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def over_ranges(n: int, run: Callable[[int, int], Any]) -> list[Any]:
    """Return what a kernel returns for ranges that cut 0 .. n, in the order of the ranges.

    Parameters
    ----------
    run : takes start and stop; it must release the GIL for threads to help.
    """
    threads = thread_count()
    parts = max(1, min(n, 4 * threads))
    cuts = [n * i // parts for i in range(parts + 1)]
    if threads == 1:
        return [run(start, stop) for start, stop in itertools.pairwise(cuts)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, cuts[:-1], cuts[1:]))


def each_on_threads(values: Sequence[Value], run: Callable[[Value], Found]) -> list[Found]:
    """Return what a function that releases the GIL makes of each value, in their order."""
    threads = min(thread_count(), len(values))
    if threads <= 1:
        return [run(value) for value in values]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, values))
