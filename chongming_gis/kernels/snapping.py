"""The nearest edge of each point: segments in a uniform grid, searched ring by ring around the point.

Edges are cut into straight segments. After ring r around a point's cell, everything nearer than r cells plus the way
to the cell's own border has been seen, so the search ends as soon as the best found is nearer than that: exact, and
independent of the size of the cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]


@compiled
def distance_to_segment(x: float, y: float, x1: float, y1: float, x2: float, y2: float) -> tuple[float, float]:
    """Return the squared distance of a point to a segment and where on it (0-1) the nearest place is.

    At its ends the segment's own corner is taken, so that edges which share a corner are equally far to the last bit.
    """
    dx, dy = x2 - x1, y2 - y1
    square = dx * dx + dy * dy
    share = 0.0 if square == 0.0 else ((x - x1) * dx + (y - y1) * dy) / square
    if share <= 0.0:
        return (x - x1) ** 2 + (y - y1) ** 2, 0.0
    if share >= 1.0:
        return (x - x2) ** 2 + (y - y2) ** 2, 1.0
    return (x - x1 - share * dx) ** 2 + (y - y1 - share * dy) ** 2, share


@compiled
def lengths_before(owner: Longs, length: Floats) -> Floats:
    """Return for each piece the length of those before it that have the same owner; pieces of one stand together."""
    before = np.zeros(length.shape[0])
    for i in range(1, length.shape[0]):
        if owner[i] == owner[i - 1]:
            before[i] = before[i - 1] + length[i - 1]
    return before


@compiled
def grid_of_segments(
    x: Floats, y: Floats, first: Longs, west: float, south: float, cell: float, n_columns: int, n_rows: int
) -> tuple[Longs, Ints]:
    """Return CSR (cells, segments): the segments that may touch each cell.

    Segment i runs from vertex ``first[i]`` to the next one.
    """
    n_cells = n_columns * n_rows
    count = np.zeros(n_cells + 1, dtype=np.int64)
    content = np.empty(0, dtype=np.int32)
    near = (0.75 * cell) ** 2  # a cell's corner is 0.7071 cells from its centre
    for filling in range(2):
        if filling == 1:
            count = np.cumsum(count)
            content = np.empty(count[n_cells], dtype=np.int32)
        for i in range(first.shape[0]):
            a = first[i]
            x1, y1, x2, y2 = x[a], y[a], x[a + 1], y[a + 1]
            column_from = int((min(x1, x2) - west) / cell)
            column_to = int((max(x1, x2) - west) / cell)
            row_from = int((min(y1, y2) - south) / cell)
            row_to = int((max(y1, y2) - south) / cell)
            for row in range(row_from, row_to + 1):
                for column in range(column_from, column_to + 1):
                    centre_x, centre_y = west + (column + 0.5) * cell, south + (row + 0.5) * cell
                    if distance_to_segment(centre_x, centre_y, x1, y1, x2, y2)[0] > near:
                        continue
                    at = row * n_columns + column
                    if filling == 0:
                        count[at + 1] += 1
                    else:
                        content[count[at]] = i
                        count[at] += 1
    # filling moved each start to its end, which is the start of the next cell
    indptr = np.zeros(n_cells + 1, dtype=np.int64)
    indptr[1:] = count[:n_cells]
    return indptr, content


@compiled
def nearest_segments(
    start: int,
    stop: int,
    point_x: Floats,
    point_y: Floats,
    x: Floats,
    y: Floats,
    first: Longs,
    edge_of: Ints,
    is_large: Claims,
    indptr: Longs,
    content: Ints,
    west: float,
    south: float,
    cell: float,
    n_columns: int,
    n_rows: int,
    limit: float,
) -> tuple[Ints, Floats, Floats, Ints, Floats, Floats]:
    """Return (segment, place on it, distance) of the nearest edge of a large piece, and the same of any edge.

    -1, 0, inf where none is within the limit. Equally near edges go to the one that stands first.
    """
    n = stop - start
    segment = np.full((2, n), np.int32(-1), dtype=np.int32)
    place = np.zeros((2, n))
    squared = np.full((2, n), np.inf)
    limit_squared = limit * limit
    for p in range(n):
        px, py = point_x[start + p], point_y[start + p]
        if not (np.isfinite(px) and np.isfinite(py)):
            continue
        # a point beside the grid is searched from the nearest place in it, which is no farther from any segment
        near_x = min(max(px, west), west + n_columns * cell)
        near_y = min(max(py, south), south + n_rows * cell)
        column = min(int((near_x - west) / cell), n_columns - 1)
        row = min(int((near_y - south) / cell), n_rows - 1)
        inside_x, inside_y = near_x - west - column * cell, near_y - south - row * cell
        to_border = min(inside_x, cell - inside_x, inside_y, cell - inside_y)
        ring = 0
        while True:
            for r in range(max(row - ring, 0), min(row + ring, n_rows - 1) + 1):
                whole = r == row - ring or r == row + ring
                step = 1 if whole or ring == 0 else 2 * ring
                for c in range(column - ring, column + ring + 1, step):
                    if c < 0 or c >= n_columns:
                        continue
                    at = r * n_columns + c
                    for k in range(indptr[at], indptr[at + 1]):
                        i = content[k]
                        a = first[i]
                        far, share = distance_to_segment(px, py, x[a], y[a], x[a + 1], y[a + 1])
                        if far > limit_squared:
                            continue
                        for kind in range(2):
                            if kind == 0 and not is_large[edge_of[i]]:
                                continue
                            best = segment[kind, p]
                            if far < squared[kind, p] or (
                                far == squared[kind, p] and (best < 0 or edge_of[i] < edge_of[best])
                            ):
                                squared[kind, p] = far
                                segment[kind, p] = i
                                place[kind, p] = share
            seen = ring * cell + to_border
            if seen > limit or (segment[0, p] >= 0 and squared[0, p] < seen * seen):
                break
            if ring >= max(column, n_columns - 1 - column, row, n_rows - 1 - row):
                break  # the whole grid has been seen
            ring += 1
    distance = np.sqrt(squared)
    return segment[0], place[0], distance[0], segment[1], place[1], distance[1]


@compiled
def fractions_along(
    segment: Ints, place: Floats, edge: Ints, start_m: Floats, length_m: Floats, edge_m: Floats
) -> Floats:
    """Return how far along their edges (0 = tail, 1 = head) places on segments are; 0 for no segment (-1).

    ``edge``, ``start_m`` (metres of the edge before it), ``length_m`` and ``edge_m`` (of the whole edge) are those of
    each segment. The last corner of an edge is its head, whatever the sum of the pieces before it says to the last bit.
    """
    fraction = np.zeros(segment.shape[0])
    for p in range(segment.shape[0]):
        i = segment[p]
        if i < 0:
            continue
        is_last = i + 1 == edge.shape[0] or edge[i + 1] != edge[i]
        if is_last and place[p] == 1.0:
            fraction[p] = 1.0
            continue
        along = start_m[i] + place[p] * length_m[i]
        if edge_m[i] > 0.0:
            along /= edge_m[i]
        fraction[p] = min(max(along, 0.0), 1.0)
    return fraction
