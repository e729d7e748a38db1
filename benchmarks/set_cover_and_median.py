"""LSCP, p-median and p-center on the instances of the strip with their gaps; for LSCP also the plain model in HiGHS."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from benchmarks import siting_instances
from benchmarks.measure import Row, refuse_unless
from chongming_gis.siting import SitingProblem, highs, lscp, p_center, p_median
from chongming_gis.siting.set_cover_parts import cover_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from chongming_gis.siting import SitingPlan

PAIRS_M = 8_000.0  # pairs of p-median and p-center
UNREACHABLE_M = 16_000.0  # the cost of a person whom no open site serves
PEER_S = 60.0


def run() -> list[Row]:
    """Return the rows."""
    near, wide = _covering(1_000.0), _covering(2_500.0)
    costs, weights = siting_instances.covering(10_000, 1_000, PAIRS_M)
    people = SitingProblem(costs, weights)
    lscp(_covering(1_000.0, 2_000, 200), standard=1_000.0)  # compile, load
    p_median(_covering(8_000.0, 500, 50), new_sites=3, unreachable_cost=UNREACHABLE_M)
    median = partial(p_median, people, new_sites=30, unreachable_cost=UNREACHABLE_M)
    return [
        _against_highs(near),
        _row("LSCP 50,000 x 3,000, 2.5 km, 60 s", lambda: lscp(wide, standard=2_500.0, time_limit_s=60.0)),
        _row("p-median 10,000 x 1,000, p = 30, gap <= 0.25 %", lambda: median(time_limit_s=20.0, target_gap=0.0025)),
        _row("p-median 10,000 x 1,000, p = 30, 60 s", lambda: median(time_limit_s=60.0)),
        _row("p-center 10,000 x 1,000, p = 30, 10 s", lambda: p_center(people, new_sites=30, time_limit_s=10.0)),
        _row("p-center 10,000 x 1,000, p = 30, 60 s", lambda: p_center(people, new_sites=30, time_limit_s=60.0)),
    ]


def _covering(radius_m: float, n_demand: int = 50_000, n_sites: int = 3_000) -> SitingProblem:
    return SitingProblem(*siting_instances.covering(n_demand, n_sites, radius_m))


def _row(job: str, ask: Callable[[], SitingPlan]) -> Row:
    began = time.perf_counter()
    plan = ask()
    return Row(job, time.perf_counter() - began, note=_told(plan))


def _told(plan: SitingPlan) -> str:
    return f"{plan.objective:.6g}, bound {plan.bound:.6g}, gap {plan.gap:.3%}, {plan.stop_reason}"


def _against_highs(problem: SitingProblem) -> Row:
    """The same question as one plain model: a row a demand point, a column a candidate."""
    began = time.perf_counter()
    plan = lscp(problem, standard=1_000.0)
    ours_s = time.perf_counter() - began
    costs = problem.costs
    table = sparse.csr_array((np.ones(costs.nnz), costs.indices, costs.indptr), shape=costs.shape)
    began = time.perf_counter()
    rows = table[np.flatnonzero(np.diff(table.indptr) > 0)]
    found = highs.solve(cover_model(rows, np.ones(problem.n_sites)), time_limit_s=PEER_S)
    peer_s = time.perf_counter() - began
    refuse_unless(plan.bound <= found.objective + 1e-6, "HiGHS found fewer sites than the bound allows")
    note = f"{_told(plan)}; HiGHS {found.objective:g}, bound {found.bound:g}"
    return Row("LSCP 50,000 x 3,000, 1 km, proven", ours_s, "HiGHS, plain model", peer_s, note)
