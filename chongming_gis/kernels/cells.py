"""The nearest edge of every cell of a raster, tile by tile, the cells in an area, and the rings around those in time.

What is nearest to some cell of a square tile cannot be far from what is nearest to its centre: with d the distance of
the centre and h half the tile's diagonal it is within d + 2 h of the centre. Those few segments are gathered once a
tile, nearest to the centre first, and tried until the next one can no longer be nearer: exact, and ten times faster
than to search for each cell anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels.compiled import compiled
from chongming_gis.kernels.snapping import distance_to_segment

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]

EAST, SOUTH, DIAGONAL = 0, 1, 2  # the links that belong to a cell
NEAR_M = 1e-6  # an outline so near to a cell's centre is asked exactly: farther off, rounding decides nothing


@compiled
def nearest_segments_of_cells(
    start: int,
    stop: int,
    west: float,
    north: float,
    cell_m: float,
    n_columns: int,
    n_rows: int,
    tile: int,
    tile_distance: Floats,
    x: Floats,
    y: Floats,
    first: Longs,
    edge_of: Ints,
    is_large: Claims,
    indptr: Longs,
    content: Ints,
    grid_west: float,
    grid_south: float,
    grid_cell: float,
    grid_columns: int,
    grid_rows: int,
    limit: float,
) -> tuple[Longs, Ints, Floats, Floats, Claims]:
    """Return (cell, segment, place on it, distance, left a tiny piece) of the cells that meet a segment, by tile.

    Cells are numbered along the rows from the north-west, tiles of ``tile`` x ``tile`` cells likewise; ``start`` and
    ``stop`` are tiles. ``tile_distance`` is how far the centre of each tile is from its nearest segment (of a large
    piece where one is within ``limit`` + half a tile's diagonal, else of any; inf where there is none). A cell takes
    the nearest segment of a large piece within the limit, else the nearest of any; equally near ones go to the edge
    that stands first, as in ``snapping.nearest_segments``.
    """
    n_tile_columns = (n_columns + tile - 1) // tile
    half = 0.5 * tile * cell_m * np.sqrt(2.0)
    most = (stop - start) * tile * tile
    cell = np.empty(most, dtype=np.int64)
    segment = np.empty(most, dtype=np.int32)
    place = np.empty(most)
    distance = np.empty(most)
    left_tiny = np.empty(most, dtype=np.bool_)
    n = 0
    seen = np.full(first.shape[0], -1, dtype=np.int64)
    near = np.empty(1024, dtype=np.int32)
    near_m = np.empty(1024)
    limit_squared = limit * limit
    for t in range(start, stop):
        if tile_distance[t] == np.inf:
            continue
        tile_row, tile_column = t // n_tile_columns, t % n_tile_columns
        centre_x = west + (tile_column + 0.5) * tile * cell_m
        centre_y = north - (tile_row + 0.5) * tile * cell_m
        radius = min(tile_distance[t] + 2.0 * half, limit + half) * (1.0 + 1e-9) + 1e-6
        n_near = 0
        column_from = max(int((centre_x - radius - grid_west) / grid_cell), 0)
        column_to = min(int((centre_x + radius - grid_west) / grid_cell), grid_columns - 1)
        row_from = max(int((centre_y - radius - grid_south) / grid_cell), 0)
        row_to = min(int((centre_y + radius - grid_south) / grid_cell), grid_rows - 1)
        for r in range(row_from, row_to + 1):
            for c in range(column_from, column_to + 1):
                at = r * grid_columns + c
                for k in range(indptr[at], indptr[at + 1]):
                    i = content[k]
                    if seen[i] == t:
                        continue
                    seen[i] = t
                    a = first[i]
                    far = np.sqrt(distance_to_segment(centre_x, centre_y, x[a], y[a], x[a + 1], y[a + 1])[0])
                    if far > radius:
                        continue
                    if n_near == near.shape[0]:
                        near = np.concatenate((near, np.empty_like(near)))
                        near_m = np.concatenate((near_m, np.empty_like(near_m)))
                    near[n_near] = i
                    near_m[n_near] = far
                    n_near += 1
        order = np.argsort(near_m[:n_near])
        for r in range(tile_row * tile, min((tile_row + 1) * tile, n_rows)):
            py = north - (r + 0.5) * cell_m
            for c in range(tile_column * tile, min((tile_column + 1) * tile, n_columns)):
                px = west + (c + 0.5) * cell_m
                to_centre = np.sqrt((px - centre_x) ** 2 + (py - centre_y) ** 2)
                large, some = -1, -1
                large_squared, some_squared, large_place, some_place = np.inf, np.inf, 0.0, 0.0
                for k in order:
                    least = max(near_m[k] - to_centre - 1e-6, 0.0)  # no nearer to the cell than this
                    if least * least > large_squared or least > limit:
                        break
                    i = near[k]
                    a = first[i]
                    far, share = distance_to_segment(px, py, x[a], y[a], x[a + 1], y[a + 1])
                    if far > limit_squared:
                        continue
                    edge = edge_of[i]
                    if far < some_squared or (far == some_squared and edge < edge_of[some]):
                        some, some_squared, some_place = i, far, share
                    if is_large[edge] and (far < large_squared or (far == large_squared and edge < edge_of[large])):
                        large, large_squared, large_place = i, far, share
                if some < 0:
                    continue
                cell[n] = r * n_columns + c
                left_tiny[n] = large >= 0 and np.sqrt(some_squared) < np.sqrt(large_squared) - 1e-6
                segment[n] = some if large < 0 else large
                place[n] = some_place if large < 0 else large_place
                distance[n] = np.sqrt(some_squared if large < 0 else large_squared)
                n += 1
    return cell[:n].copy(), segment[:n].copy(), place[:n].copy(), distance[:n].copy(), left_tiny[:n].copy()


@compiled
def border_links(within: Claims, squares: Longs) -> tuple[Longs, Longs]:
    """Return the links that the border of what is within crosses: where it comes from and where it goes next.

    The outermost cells are not within. Cells are numbered along the rows; link 3 x cell + ``EAST``, ``SOUTH`` or
    ``DIAGONAL`` joins a cell and its neighbour there. ``squares`` are the north-western cells of those squares of four
    that are within in part. A square is cut into two triangles by its diagonal from north-west to south-east; in each
    triangle the border goes from the link on which one leaves what is within, anticlockwise, to the one on which one
    comes back. No link is left twice.
    """
    n_columns = within.shape[1]
    start = np.empty(2 * squares.shape[0], dtype=np.int64)
    end = np.empty(2 * squares.shape[0], dtype=np.int64)
    n = 0
    corner = np.zeros(4, dtype=np.bool_)
    link = np.empty(4, dtype=np.int64)
    for cell in squares:
        row, column = cell // n_columns, cell % n_columns
        for is_upper in (False, True):
            corner[0] = corner[3] = within[row, column]
            corner[2 - is_upper] = within[row + 1, column + 1]
            if is_upper:
                corner[2] = within[row, column + 1]
                link[0], link[1], link[2] = 3 * cell + DIAGONAL, 3 * (cell + 1) + SOUTH, 3 * cell + EAST
            else:
                corner[1] = within[row + 1, column]
                link[0], link[1], link[2] = 3 * cell + SOUTH, 3 * (cell + n_columns) + EAST, 3 * cell + DIAGONAL
            crossed = False
            for i in range(3):
                if corner[i] and not corner[i + 1]:
                    start[n] = link[i]
                    crossed = True
                elif not corner[i] and corner[i + 1]:
                    end[n] = link[i]
            n += crossed
    return start[:n].copy(), end[:n].copy()


@compiled
def cycles(following: Longs) -> tuple[Longs, Longs]:
    """Return the places of a permutation cycle by cycle, and where each cycle starts (one more: the end).

    A cycle starts at its smallest place, and cycles are ordered by these.
    """
    n = following.shape[0]
    order = np.empty(n, dtype=np.int64)
    starts = np.empty(n + 1, dtype=np.int64)
    done = np.zeros(n, dtype=np.bool_)
    filled, n_cycles = 0, 0
    for place in range(n):
        if done[place]:
            continue
        starts[n_cycles] = filled
        n_cycles += 1
        at = place
        while not done[at]:
            done[at] = True
            order[filled] = at
            filled += 1
            at = following[at]
    starts[n_cycles] = filled
    return order, starts[: n_cycles + 1].copy()


@compiled
def fill_area(
    grid: Ints, value: int, x: Floats, y: Floats, starts: Longs, west: float, north: float, cell_m: float
) -> Longs:
    """Write a number into the cells whose centre is inside some rings; return the cells that are left to be asked.

    ``grid`` is (rows, columns) from the north-west and changes in place. Rings are closed, ring i runs from
    ``starts[i]`` to ``starts[i + 1]``; holes are rings too: inside is where a line to the west crosses an odd number of
    them. Cells whose centre is within ``NEAR_M`` of a crossing are not decided here: they are returned, numbered along
    the rows, some of them perhaps twice.
    """
    n_rows, n_columns = grid.shape
    low = max(int((north - y.max()) / cell_m - 0.5), 0)
    high = min(int((north - y.min()) / cell_m - 0.5) + 2, n_rows)
    counts = np.zeros(max(high - low, 0) + 1, dtype=np.int64)
    unsure = np.empty(64, dtype=np.int64)
    n_unsure = 0
    crossing = np.empty(0)
    for is_counted in (False, True):  # first how many crossings each row has, then where
        if is_counted:
            counts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))[: counts.shape[0]]
            crossing = np.empty(counts[-1])
        for ring in range(starts.shape[0] - 1):
            for i in range(starts[ring], starts[ring + 1] - 1):
                least, most = min(y[i], y[i + 1]), max(y[i], y[i + 1])
                first = max(int((north - most - NEAR_M) / cell_m - 0.5), low)
                last = min(int((north - least + NEAR_M) / cell_m - 0.5) + 1, high - 1)
                for row in range(first, last + 1):
                    centre = north - (row + 0.5) * cell_m
                    if least <= centre < most:
                        if is_counted:
                            share = (centre - y[i]) / (y[i + 1] - y[i])
                            crossing[counts[row - low]] = x[i] + share * (x[i + 1] - x[i])
                        counts[row - low] += 1
                    if (
                        is_counted
                        and least - NEAR_M <= centre <= most + NEAR_M
                        and (most - least <= 2.0 * NEAR_M or min(centre - least, most - centre) <= NEAR_M)
                    ):  # along a level edge, or at a corner
                        west_x, east_x = min(x[i], x[i + 1]), max(x[i], x[i + 1])
                        if most - least > 2.0 * NEAR_M:
                            corner = x[i] if abs(centre - y[i]) <= abs(centre - y[i + 1]) else x[i + 1]
                            west_x, east_x = corner, corner
                        start = max(int((west_x - NEAR_M - west) / cell_m - 0.5), 0)
                        stop = min(int((east_x + NEAR_M - west) / cell_m - 0.5) + 1, n_columns - 1)
                        for column in range(start, stop + 1):
                            at = west + (column + 0.5) * cell_m
                            if west_x - NEAR_M <= at <= east_x + NEAR_M:
                                if n_unsure == unsure.shape[0]:
                                    unsure = np.concatenate((unsure, np.empty_like(unsure)))
                                unsure[n_unsure] = row * n_columns + column
                                n_unsure += 1
    before = 0  # counts now say where the crossings of each row end
    for row in range(low, high):
        here = np.sort(crossing[before : counts[row - low]])
        before = counts[row - low]
        for pair in range(0, here.shape[0] - 1, 2):
            start = max(int(np.ceil((here[pair] - west) / cell_m - 0.5)) - 1, 0)
            stop = min(int(np.floor((here[pair + 1] - west) / cell_m - 0.5)) + 1, n_columns - 1)
            for column in range(start, stop + 1):
                at = west + (column + 0.5) * cell_m
                if abs(at - here[pair]) <= NEAR_M or abs(at - here[pair + 1]) <= NEAR_M:
                    if n_unsure == unsure.shape[0]:
                        unsure = np.concatenate((unsure, np.empty_like(unsure)))
                    unsure[n_unsure] = row * n_columns + column
                    n_unsure += 1
                elif here[pair] < at < here[pair + 1]:
                    grid[row, column] = value
    return unsure[:n_unsure].copy()
