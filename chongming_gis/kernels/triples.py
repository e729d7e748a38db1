"""Three rows of a covering question that a relaxed plan covers too cheaply: no column alone covers all three.

Arrays in, arrays out; rows are demand, columns are candidates, as in ``setcover``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]


class SharedRows(NamedTuple):
    """Rows with the columns that a relaxed plan builds in part, and pairs of rows that share such columns."""

    row_ptr: Longs
    row_columns: Ints
    built: Floats  # part of each column that is built
    cover: Floats  # sum of those parts for each row, about 1
    near_ptr: Longs
    near_row: Ints
    shared: Floats  # sum of the parts of the columns that cover both rows


@compiled
def broken_triples(rows: SharedRows, least: float) -> tuple[Longs, Floats]:
    """Return for each row the three rows, it among them, whose inequality is broken most, where by more than ``least``.

    With ``k`` the number of the three rows that column j covers, every cover obeys
    ``sum ceil(k_j / 2) x_j >= 2``. The left side is the rows' cover less what pairs share, plus twice what all three
    share. Of the three pairs, that of the row and its first partner shares most, so at least a third of the column.
    """
    row_ptr, row_columns, cover = rows.row_ptr, rows.row_columns, rows.cover
    n_rows = cover.shape[0]
    found, broken = np.empty((n_rows, 3), dtype=np.int64), np.empty(n_rows)
    n_found = 0
    of_row = np.zeros(n_rows)
    times = np.zeros(rows.built.shape[0], dtype=np.int64)
    for one in range(n_rows):
        for at in range(rows.near_ptr[one], rows.near_ptr[one + 1]):
            of_row[rows.near_row[at]] = rows.shared[at]
        most, second, third = least, np.int64(-1), np.int64(-1)
        for at in range(rows.near_ptr[one], rows.near_ptr[one + 1]):
            two, both = np.int64(rows.near_row[at]), rows.shared[at]
            if two < one or both < 1.0 / 3.0:
                continue
            is_counted = False
            for further in range(rows.near_ptr[two], rows.near_ptr[two + 1]):
                three = np.int64(rows.near_row[further])
                to_one, to_two = of_row[three], rows.shared[further]
                if to_one <= 0.0 or to_one > both or to_two > both:
                    continue
                lacking = 2.0 - (cover[one] + cover[two] + cover[three] - both - to_one - to_two)
                if lacking <= most:
                    continue
                if not is_counted:
                    is_counted = True
                    for pair in range(row_ptr[one], row_ptr[one + 1]):
                        times[row_columns[pair]] += 1
                    for pair in range(row_ptr[two], row_ptr[two + 1]):
                        times[row_columns[pair]] += 1
                for pair in range(row_ptr[three], row_ptr[three + 1]):
                    if times[row_columns[pair]] == 2:
                        lacking -= 2.0 * rows.built[row_columns[pair]]
                if lacking > most:
                    most, second, third = lacking, two, three
            if is_counted:
                for pair in range(row_ptr[one], row_ptr[one + 1]):
                    times[row_columns[pair]] = 0
                for pair in range(row_ptr[two], row_ptr[two + 1]):
                    times[row_columns[pair]] = 0
        for at in range(rows.near_ptr[one], rows.near_ptr[one + 1]):
            of_row[rows.near_row[at]] = 0.0
        if second >= 0:
            found[n_found, 0], found[n_found, 1], found[n_found, 2] = one, second, third
            broken[n_found] = most
            n_found += 1
    return found[:n_found], broken[:n_found]
