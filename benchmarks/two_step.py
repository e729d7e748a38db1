"""2SFCA with the Gaussian of Dai, 100,000 x 2,000, 10 M pairs: SciPy and pandas recipes, and PySAL access."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pandas as pd
from scipy import sparse

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis import accessibility

ORIGINS, FACILITIES, PAIRS_AN_ORIGIN = 100_000, 2_000, 100
CATCHMENT_S = 900.0
PART = 10  # PySAL access calls its weight function pair by pair: timed on one origin in so many, and scaled
JOB = "two_step, gaussian, 100,000 x 2,000, 10 M pairs"
END = math.exp(-0.5)


def run() -> list[Row]:
    """Return the rows."""
    times, demand, supply = _town()

    def ours() -> np.ndarray:
        return accessibility.two_step(times, demand, supply, catchment_s=CATCHMENT_S, decay="gaussian")

    score = ours()
    taken = measure.take(ours)
    tracemalloc.start()
    ours()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = times.data.nbytes + times.indices.nbytes + times.indptr.nbytes
    note = f"peak beside the times {peak / 1e6:.0f} MB; the times are {size / 1e6:.0f} MB"
    return [
        _against_scipy(times, demand, supply, score, taken, note),
        _against_pandas(times, demand, supply, score, taken.seconds),
        _against_access(times, demand, supply, taken.seconds),
    ]


def _town() -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(measure.SEED)
    gap = FACILITIES // PAIRS_AN_ORIGIN
    columns = rng.integers(0, gap, (ORIGINS, PAIRS_AN_ORIGIN)) + gap * np.arange(PAIRS_AN_ORIGIN)
    seconds = rng.uniform(0.0, 1000.0, columns.size)
    indptr = np.arange(ORIGINS + 1) * PAIRS_AN_ORIGIN
    times = sparse.csr_matrix((seconds, columns.ravel(), indptr), shape=(ORIGINS, FACILITIES))
    return times, rng.uniform(1.0, 100.0, ORIGINS), rng.uniform(1.0, 50.0, FACILITIES)


def _dai(seconds: np.ndarray) -> np.ndarray:
    weights = (np.exp(-((seconds / CATCHMENT_S) ** 2) / 2.0) - END) / (1.0 - END)
    return np.where(seconds <= CATCHMENT_S, weights, 0.0)


def _against_scipy(times, demand, supply, score, ours, note) -> Row:  # noqa: ANN001
    def peer() -> np.ndarray:
        weights = sparse.csr_matrix((_dai(times.data), times.indices, times.indptr), shape=times.shape)
        return weights @ (supply / (weights.T @ demand))

    measure.refuse_unless(np.allclose(peer(), score, rtol=1e-9), "scores (scipy)")
    return Row(JOB, ours.seconds, "scipy recipe", measure.median_seconds(peer, runs=3), note, ours.peak_mb)


def _against_pandas(times, demand, supply, score, ours) -> Row:  # noqa: ANN001
    table = _pairs(times)

    def peer() -> np.ndarray:
        pairs = table[table["cost"] <= CATCHMENT_S]
        pairs = pairs.assign(weight=_dai(pairs["cost"].to_numpy()))
        asked = pairs["weight"] * pairs["origin"].map(pd.Series(demand))
        ratio = pd.Series(supply) / asked.groupby(pairs["dest"]).sum()
        got = pairs["weight"] * pairs["dest"].map(ratio)
        return got.groupby(pairs["origin"]).sum().reindex(range(ORIGINS), fill_value=0.0).to_numpy()

    measure.refuse_unless(np.allclose(peer(), score, rtol=1e-9), "scores (pandas)")
    return Row(JOB, ours, "pandas merge and groupby", measure.seconds(peer))


def _against_access(times, demand, supply, ours) -> Row:  # noqa: ANN001
    try:
        from access.fca import two_stage_fca
    except ImportError:
        return Row(JOB, ours, "PySAL access", None, "not installed: pip install access")
    some = times[: ORIGINS // PART]
    people, beds, table = (
        pd.DataFrame({"demand": demand[: some.shape[0]]}),
        pd.DataFrame({"supply": supply}),
        _pairs(some),
    )

    def weight(seconds: float) -> float:
        return (math.exp(-((seconds / CATCHMENT_S) ** 2) / 2.0) - END) / (1.0 - END)

    def peer() -> pd.Series:
        return two_stage_fca(
            people, beds, table, max_cost=CATCHMENT_S, demand_index=True, demand_name="demand", supply_index=True,
            supply_name="supply", cost_origin="origin", cost_dest="dest", cost_name="cost", weight_fn=weight,
        )  # fmt: skip

    mine = accessibility.two_step(some, people["demand"], supply, catchment_s=CATCHMENT_S, decay="gaussian")
    theirs = peer().reindex(range(some.shape[0]), fill_value=0.0)
    measure.refuse_unless(np.allclose(theirs, mine, rtol=1e-9), "scores (access)")
    note = f"one origin in {PART}, scaled"
    return Row(JOB, ours, "PySAL access two_stage_fca", PART * measure.seconds(peer), note)


def _pairs(times: sparse.csr_matrix) -> pd.DataFrame:
    origin = np.repeat(np.arange(times.shape[0]), np.diff(times.indptr))
    return pd.DataFrame({"origin": origin, "dest": times.indices, "cost": times.data})
