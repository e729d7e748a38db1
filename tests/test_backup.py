"""Backup worked by hand, and closing each facility in turn as the slow twin."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import backup


def table(reach):
    """Access rows from a boolean matrix (n points, n facilities): the nearest is the first in reach."""
    count = reach.sum(axis=1)
    first = np.where(count > 0, reach.argmax(axis=1), 0)
    return pd.DataFrame(
        {
            "covered": count > 0,
            "n_within": count,
            "facility_id": pd.Series([f"f{i}" if n else None for i, n in zip(first, count, strict=True)], dtype="str"),
        }
    )


def names(n):
    return pd.Series([f"f{i}" for i in range(n)], dtype="str")


def test_by_hand():
    """Of 5, 3, 2 and 7 people: the first reach f0 only, the second f0 and f1, the third f1 only, the last none."""
    reach = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)
    found = backup.measure_backup(table(reach), np.array([5.0, 3.0, 2.0, 7.0]), names(3))
    assert (found.persons, found.covered, found.with_second) == (17.0, 10.0, 3.0)
    assert found.lost_if_closed.to_dict() == {"f0": 5.0, "f1": 2.0, "f2": 0.0}
    assert found.lost_if_closed.index.tolist() == ["f0", "f1", "f2"]


@settings(max_examples=60)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_it_equals_closing_each_in_turn(n, m, seed):
    rng = np.random.default_rng(seed)
    reach, persons = rng.random((n, m)) < 0.4, rng.integers(0, 9, n).astype(float)
    found = backup.measure_backup(table(reach), persons, names(m))
    whole = persons[reach.any(axis=1)].sum()
    for j in range(m):
        without = np.delete(reach, j, axis=1)
        assert found.lost_if_closed[f"f{j}"] == whole - persons[without.any(axis=1)].sum()
    assert found.lost_if_closed.is_monotonic_decreasing
