"""The same siting questions asked of spopt with PuLP and CBC, and of HiGHS as one plain model.

Each answer is checked before a time is printed: no contestant may beat another's bound, and where two prove their
optimum, the optima are equal. Peers' times include building their model, as ours do; all get the same time limit.
"""

from __future__ import annotations

import logging
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from benchmarks import siting_instances
from benchmarks.mclp import plain_highs
from benchmarks.measure import Row, refuse_unless
from chongming_gis.siting import SitingProblem, highs, lscp, mclp, p_median
from chongming_gis.siting.set_cover_parts import cover_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from chongming_gis.siting import SitingPlan

LIMIT_S = 30.0  # for the peers' solvers; building their model is not cut short
FAR_M = 1e6  # "not within reach" where a peer wants a dense table


@dataclass(frozen=True)
class Answer:
    """What a contestant found; ``bound`` is what it proved (the value itself where it says optimal)."""

    value: float
    bound: float
    time_s: float
    told: str


def run() -> list[Row]:
    """Return the rows."""
    warnings.simplefilter("ignore")  # those of spopt's own dependencies
    warm = SitingProblem(*siting_instances.covering(2_000, 200, 1_000.0))
    mclp(warm, standard=1_000.0, new_sites=10)
    lscp(warm, standard=1_000.0)
    p_median(warm, new_sites=3, unreachable_cost=FAR_M)
    return [*_mclp_rows(5_000, 500, 30), *_lscp_rows(5_000, 500), *_median_rows(500, 100, 10)]


def _mclp_rows(n_demand: int, n_sites: int, p: int) -> list[Row]:
    costs, weights = siting_instances.covering(n_demand, n_sites, 1_000.0)
    ours = _ask(lambda: mclp(SitingProblem(costs, weights), standard=1_000.0, new_sites=p))

    def spopt() -> Answer:
        from spopt.locate import MCLP

        began = time.perf_counter()
        model = MCLP.from_cost_matrix(_dense(costs), weights, 1_000.0, p)
        return _solved(model, began, sign=-1.0)

    job = f"MCLP {n_demand:,} x {n_sites:,}, p = {p}, 1 km"
    plain = _plain(lambda: plain_highs(SitingProblem(costs, weights), p, time_limit_s=LIMIT_S))
    return _rows(job, ours, {"spopt + CBC": spopt, "HiGHS, plain model": plain}, sign=-1.0)


def _lscp_rows(n_demand: int, n_sites: int) -> list[Row]:
    costs, weights = siting_instances.covering(n_demand, n_sites, 1_000.0)
    reached = np.flatnonzero(np.diff(costs.indptr) > 0)  # a peer calls one person out of reach infeasible
    costs = sparse.csr_array(costs[reached])
    ours = _ask(lambda: lscp(SitingProblem(costs, weights[reached]), standard=1_000.0))

    def spopt() -> Answer:
        from spopt.locate import LSCP

        began = time.perf_counter()
        return _solved(LSCP.from_cost_matrix(_dense(costs), 1_000.0), began, sign=1.0)

    pattern = sparse.csr_array((np.ones(costs.nnz), costs.indices, costs.indptr), shape=costs.shape)
    plain = _plain(lambda: highs.solve(cover_model(pattern, np.ones(n_sites)), time_limit_s=LIMIT_S))
    job = f"LSCP {n_demand:,} x {n_sites:,}, 1 km"
    return _rows(job, ours, {"spopt + CBC": spopt, "HiGHS, plain model": plain}, sign=1.0)


def _median_rows(n_demand: int, n_sites: int, p: int) -> list[Row]:
    costs, weights = siting_instances.covering(n_demand, n_sites, FAR_M)  # all pairs: spopt knows no missing ones
    ours = _ask(lambda: p_median(SitingProblem(costs, weights), new_sites=p))

    def spopt() -> Answer:
        from spopt.locate import PMedian

        began = time.perf_counter()
        return _solved(PMedian.from_cost_matrix(_dense(costs), weights, p), began, sign=1.0)

    job = f"p-median {n_demand:,} x {n_sites:,}, p = {p}, all pairs"
    plain = _plain(lambda: _plain_median(costs, weights, p))
    return _rows(job, ours, {"spopt + CBC": spopt, "HiGHS, plain model": plain}, sign=1.0)


def _plain_median(costs: sparse.csr_array, weights: np.ndarray, p: int) -> highs.MipAnswer:
    """Ask HiGHS about the p-median as ReVelle & Swain (1970) write it: a column a pair, a row a pair."""
    n, m = costs.shape
    rows, columns = np.repeat(np.arange(n), np.diff(costs.indptr)), costs.indices
    pairs = np.arange(costs.nnz)
    goes = sparse.csr_array((np.ones(costs.nnz), (rows, m + pairs)), shape=(n, m + costs.nnz))
    opened = sparse.csr_array(
        (np.r_[np.ones(costs.nnz), -np.ones(costs.nnz)], (np.r_[pairs, pairs], np.r_[m + pairs, columns])),
        shape=(costs.nnz, m + costs.nnz),
    )
    number = sparse.csr_array((np.ones(m), (np.zeros(m, dtype=int), np.arange(m))), shape=(1, m + costs.nnz))
    model = highs.MipModel(
        costs=np.concatenate([np.zeros(m), weights[rows] * costs.data]),
        matrix=sparse.csr_array(sparse.vstack([goes, opened, number])),
        row_low=np.concatenate([np.ones(n), np.full(costs.nnz, -np.inf), [-np.inf]]),
        row_high=np.concatenate([np.full(n, np.inf), np.zeros(costs.nnz), [float(p)]]),
        low=np.zeros(m + costs.nnz),
        high=np.ones(m + costs.nnz),
        is_whole=np.arange(m + costs.nnz) < m,
        sense="minimise",
    )
    return highs.solve(model, time_limit_s=LIMIT_S)


def _ask(ask: Callable[[], SitingPlan]) -> Answer:
    began = time.perf_counter()
    plan = ask()
    return Answer(plan.objective, plan.bound, time.perf_counter() - began, f"{plan.objective:,.6g}, {plan.stop_reason}")


def _plain(ask: Callable[[], highs.MipAnswer]) -> Callable[[], Answer]:
    def peer() -> Answer:
        began = time.perf_counter()
        found = ask()
        told = f"{found.objective:,.6g} of {found.bound:,.6g}, {found.outcome}"
        return Answer(found.objective, found.bound, time.perf_counter() - began, told)

    return peer


def _solved(model: object, began: float, *, sign: float) -> Answer:
    """Solve a model of spopt with CBC; what CBC has proven when time ends is not told, so no bound then."""
    import pulp

    logging.getLogger("pulp").setLevel(logging.ERROR)
    built_s = time.perf_counter() - began
    problem = model.problem  # type: ignore[attr-defined]
    status = problem.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=LIMIT_S, gapRel=0.0))
    is_proven = problem.sol_status == pulp.LpSolutionOptimal
    has_plan = problem.sol_status in {pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible}
    value = float(pulp.value(problem.objective)) if has_plan else sign * np.inf
    told = f"{value:,.6g}, {pulp.LpStatus[status] if is_proven else 'not proven'}, {built_s:.1f} s of it to build"
    return Answer(value, value if is_proven else -sign * np.inf, time.perf_counter() - began, told)


def _rows(job: str, ours: Answer, peers: dict[str, Callable[[], Answer]], *, sign: float) -> list[Row]:
    """Return one row a peer; ``sign`` is 1 where less is better, -1 where more is."""
    rows = []
    for name, peer in peers.items():
        theirs = peer()
        slack = 1e-6 * max(1.0, abs(ours.value))
        refuse_unless(sign * theirs.value >= sign * ours.bound - slack, f"{job}: {name} is better than our bound")
        refuse_unless(sign * ours.value >= sign * theirs.bound - slack, f"{job}: we are better than {name}'s bound")
        rows.append(Row(job, ours.time_s, name, theirs.time_s, f"ours {ours.told}; theirs {theirs.told}"))
    return rows


def _dense(costs: sparse.csr_array) -> np.ndarray:
    table = np.full(costs.shape, FAR_M)
    rows = np.repeat(np.arange(costs.shape[0]), np.diff(costs.indptr))
    table[rows, costs.indices] = costs.data
    return table
