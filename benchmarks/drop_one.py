"""What is lost if each single one of 500 facilities closes, 100,000 places, 2 M pairs: one pass, and 500 passes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis import backup

ORIGINS, FACILITIES, PAIRS_AN_ORIGIN = 100_000, 500, 20
LIMIT_S = 900.0
JOB = "drop-one, 500 facilities, 100,000 places, 2 M pairs"


def run() -> list[Row]:
    """Return the rows."""
    times, persons = _town()
    ids = pd.Series([f"f{number:03d}" for number in range(FACILITIES)], dtype="str")

    def ours() -> np.ndarray:
        found = backup.measure_backup(_access(times, ids), persons, ids)
        return found.lost_if_closed.reindex(ids).to_numpy()

    lost = ours()
    taken = measure.take(ours)
    note = "pairs to access table and drop-one; the target is 2 s"
    peer_s = measure.seconds(lambda: _each_by_itself(times, persons, lost))
    return [Row(JOB, taken.seconds, "numpy, a pass a facility", peer_s, note, taken.peak_mb)]


def _town() -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return seconds, of which a place has 0 to 20 within the limit, and persons."""
    rng = np.random.default_rng(measure.SEED)
    gap = FACILITIES // PAIRS_AN_ORIGIN
    columns = rng.integers(0, gap, (ORIGINS, PAIRS_AN_ORIGIN)) + gap * np.arange(PAIRS_AN_ORIGIN)
    seconds = rng.uniform(0.0, 1.0, columns.shape) * rng.uniform(900.0, 20_000.0, (ORIGINS, 1))
    indptr = np.arange(ORIGINS + 1) * PAIRS_AN_ORIGIN
    times = sparse.csr_matrix((seconds.ravel(), columns.ravel(), indptr), shape=(ORIGINS, FACILITIES))
    return times, rng.uniform(1.0, 100.0, ORIGINS)


def _access(times: sparse.csr_matrix, ids: pd.Series) -> pd.DataFrame:
    """Return the columns of the access table that drop-one reads."""
    seconds = times.data.reshape(ORIGINS, PAIRS_AN_ORIGIN)
    nearest = seconds.argmin(axis=1)
    facility = times.indices.reshape(ORIGINS, PAIRS_AN_ORIGIN)[np.arange(ORIGINS), nearest]
    n_within = (seconds <= LIMIT_S).sum(axis=1)
    texts = pd.Series(ids.array.take(facility))
    return pd.DataFrame({"covered": n_within > 0, "n_within": n_within.astype(np.int64), "facility_id": texts})


def _each_by_itself(times: sparse.csr_matrix, persons: np.ndarray, lost: np.ndarray) -> None:
    """Close one facility after the other and count again."""
    inside = times.data <= LIMIT_S
    rows = np.repeat(np.arange(ORIGINS), PAIRS_AN_ORIGIN)[inside]
    columns = times.indices[inside]
    whole = persons[np.bincount(rows, minlength=ORIGINS) > 0].sum()
    found = np.empty(FACILITIES)
    for facility in range(FACILITIES):
        kept = np.bincount(rows[columns != facility], minlength=ORIGINS) > 0
        found[facility] = whole - persons[kept].sum()
    measure.refuse_unless(np.allclose(found, lost, atol=1e-6), "persons lost")
