"""A priority queue for searches that may settle a node more than once: entries of nearly the same time in one bucket.

Bucket ``k`` holds the entries whose time is ``k`` to ``k + 1`` widths; buckets are taken in order, the entries of one
in any order. A search that relaxes an arc again whenever its tail gets better ends with the times of Dijkstra's, to the
last bit (both are the least that satisfy the same sums), without the comparisons of a heap (Dial 1969; Denardo & Fox
1979). The buckets are a ring: no arc leads farther than once around.

The state is ``first`` (a bucket's first entry, -1 = none; as many as a power of two) and by entry ``after`` (the next
one), ``node`` and ``time``. Entries that were taken are used again first, while they are still in the cache. A search
whose entries do not find room begins again with twice as much: arrays that might grow within its loop would double its
time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]

ROOM = 1024  # entries to begin with
_MOST = 2**14  # buckets
_PART = 0.25  # of a mean arc: the width of a bucket, if there are not too many of them


@compiled
def put(
    first: Ints,
    after: Ints,
    entry_node: Ints,
    entry_time: Floats,
    entry: int,
    at: int | np.int64,
    time: float,
    node: int,
) -> None:
    """Write an entry and make it the first of bucket ``at``."""
    entry_node[entry] = node
    entry_time[entry] = time
    after[entry] = first[at]
    first[at] = entry


@compiled
def plan_buckets(weights: Floats, spread: float) -> tuple[float, int]:
    """Return buckets a second, and how many buckets the ring needs (a power of two).

    Parameters
    ----------
    weights : seconds of all arcs
    spread : seconds from the earliest to the latest time with which a search begins
    """
    total, longest = 0.0, spread
    for arc in range(weights.shape[0]):
        total += weights[arc]
        longest = max(longest, weights[arc])
    width = max(_PART * total / max(weights.shape[0], 1), 2.0 * longest / _MOST)
    if width <= 0.0:
        return 1.0, 4
    n_buckets = 4
    while n_buckets < longest / width + 4.0:  # both ends, the bucket that is being emptied, and one for rounding
        n_buckets *= 2
    return 1.0 / width, n_buckets
