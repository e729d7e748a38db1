"""Points gathered around the one from which most people are near, then around the next: lazy greedy covering.

What a point would gather only ever shrinks as others take people away. So the best point of a heap is looked at again,
and taken when what was said of it still holds; else it goes back with what is left (Minoux 1978).
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]


@compiled
def gather(first: Longs, member: Ints, persons: Floats, place: Longs) -> Longs:
    """Return for each point the one that gathers it; itself where none does.

    Parameters
    ----------
    first, member : CSR: the points that each point would gather.
    place : the order of the points by id, which decides ties.
    """
    n = len(persons)
    left = persons.copy()
    owner = np.full(n, -1, dtype=np.int64)
    heap = [(-_sum(first, member, left, point), place[point], np.int64(point)) for point in range(n)]
    heapq.heapify(heap)
    while len(heap) > 0:
        said, tie, middle = heapq.heappop(heap)
        gain = _sum(first, member, left, int(middle))
        if gain <= 0.0:
            continue
        if -said > gain:
            heapq.heappush(heap, (-gain, tie, middle))
            continue
        for at in range(first[middle], first[middle + 1]):
            point = member[at]
            if left[point] > 0.0:
                owner[point] = middle
                left[point] = 0.0
    for point in range(n):
        if owner[point] < 0:
            owner[point] = point
    return owner


@compiled
def _sum(first: Longs, member: Ints, left: Floats, point: int) -> float:
    total = 0.0
    for at in range(first[point], first[point + 1]):
        total += left[member[at]]
    return total
