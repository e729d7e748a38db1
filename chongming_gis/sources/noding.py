"""Lines as they were drawn -> edges between junctions. Arrays in, arrays out; no file, no tag, no CRS.

A line is a run of positions; each position names a vertex. Lines meet where they name the same vertex, and only
there: two roads that cross on a map without a common vertex are a bridge and a road below it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Edges cut from lines, in the order of the lines and along each."""

    line: Ints  # (n_edges,) the line that an edge is cut from
    start: Ints  # (n_edges,) vertex at its start
    end: Ints  # (n_edges,) vertex at its end
    geometry: npt.NDArray[np.object_]  # (n_edges,) LineString
    n_positions_unknown: int  # positions whose vertex has no coordinates
    n_positions_repeated: int  # the same vertex twice running
    n_lone_positions: int  # known positions without a known neighbour: no edge can be drawn to them


def split_at_junctions(offsets: Ints, vertex: Ints, coords: Floats, is_barrier: Bools) -> Pieces:
    """Return the edges between junctions.

    A line is split at every vertex that is used by two or more positions (of any lines, or of itself), at barriers,
    at the tip where it turns back along itself, and around positions whose vertex has no coordinates, which happens
    at the border of an extract: the pieces on both sides of the hole are kept.

    Parameters
    ----------
    offsets : (n_lines + 1,) where the positions of each line begin and end in ``vertex``.
    vertex : (n_positions,) row of ``coords``.
    coords : (n_vertices, 2), NaN where the position of a vertex is not known.
    is_barrier : (n_vertices,) whether a vertex splits the line on which it lies.

    Examples
    --------
    Two lines that meet in vertex 1, the middle of the first::

        0 --- 1 --- 2      line 0 = 0 1 2
              |
              3            line 1 = 1 3

    >>> coords = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [1.0, -1.0]])
    >>> pieces = split_at_junctions(np.array([0, 3, 5]), np.array([0, 1, 2, 1, 3]), coords, np.zeros(4, dtype=bool))
    >>> [(int(line), int(u), int(v)) for line, u, v in zip(pieces.line, pieces.start, pieces.end)]
    [(0, 0, 1), (0, 1, 2), (1, 1, 3)]
    """
    line = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    known = np.isfinite(coords[vertex, 0])
    same_line = line[1:] == line[:-1]
    repeated = np.r_[False, same_line & (vertex[1:] == vertex[:-1])][: len(vertex)]
    run = np.cumsum(np.r_[True, ~(same_line & known[:-1])][: len(vertex)]) - 1

    kept = known & ~repeated
    lone = kept & (np.bincount(run[kept], minlength=len(vertex) + 1)[run] == 1)
    kept &= ~lone
    vertex, line, run = vertex[kept], line[kept], run[kept]

    is_last = np.r_[run[1:] != run[:-1], True][: len(run)]
    is_first = np.r_[True, run[1:] != run[:-1]][: len(run)]
    is_shared = np.bincount(vertex, minlength=len(coords)) >= 2
    is_tip = np.zeros(len(vertex), dtype=bool)
    is_tip[1:-1] = (vertex[:-2] == vertex[2:]) & (run[:-2] == run[2:])
    breaks = np.flatnonzero(is_first | is_last | is_tip | is_shared[vertex] | is_barrier[vertex])
    opening = np.flatnonzero(~is_last[breaks])
    begin, end = breaks[opening], breaks[opening + 1]
    return Pieces(
        line=line[begin],
        start=vertex[begin],
        end=vertex[end],
        geometry=_lines_between(begin, end, coords[vertex]),
        n_positions_unknown=int((~known).sum()),
        n_positions_repeated=int((known & repeated).sum()),
        n_lone_positions=int(lone.sum()),
    )


def _lines_between(begin: Ints, end: Ints, coords: Floats) -> npt.NDArray[np.object_]:
    """Return a LineString for each stretch of positions ``begin .. end``, both included."""
    sizes = end - begin + 1
    before = np.cumsum(sizes) - sizes
    positions = np.arange(sizes.sum()) - np.repeat(before - begin, sizes)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    return np.asarray(shapely.linestrings(coords[positions], indices=owner), dtype=object)
