"""MCLP with its certificate: plain HiGHS on the same model, and the greedy choice alone.

The solver call alone is timed, after one small call that compiles or loads the kernels. Rows of one instance differ in
the gap asked for; 0 = proven optimal.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from benchmarks import measure, siting_instances
from benchmarks.measure import Row
from chongming_gis.siting import SitingProblem, highs, mclp
from chongming_gis.siting.cover_search import greedy_sites
from chongming_gis.siting.mclp import covered_weight
from chongming_gis.siting.reduce import reduce_cover

if TYPE_CHECKING:
    from chongming_gis.siting.highs import MipAnswer
    from chongming_gis.siting.problem import SitingPlan

PEER_LIMIT_S = 60.0
LARGEST_FOR_PEER = 1_000_000  # pairs: above, HiGHS overruns its time limit many times over in presolve


@dataclass(frozen=True)
class Case:
    n_demand: int
    n_sites: int
    new_sites: int
    radius_m: float
    gaps: tuple[float, ...]  # asked for, the last is what the peers are held against


CASES = (
    Case(10_000, 1_000, 30, 1_000.0, (0.0,)),
    Case(100_000, 3_000, 60, 1_000.0, (1e-5, 0.0)),
    Case(100_000, 3_000, 30, 2_500.0, (0.0025, 0.001, 0.0)),
    Case(700_000, 5_000, 100, 1_000.0, (0.0015, 0.001, 0.0)),
)


def run() -> list[Row]:
    """Return the rows."""
    warm = SitingProblem(*siting_instances.covering(2_000, 200, 1_000.0))
    mclp(warm, standard=1_000.0, new_sites=10)
    return [row for case in CASES for row in _rows(case)]


def _rows(case: Case) -> list[Row]:
    problem = SitingProblem(*siting_instances.covering(case.n_demand, case.n_sites, case.radius_m))
    size = f"MCLP {case.n_demand:,} x {case.n_sites:,}, p = {case.new_sites}, {problem.costs.nnz / 1e6:.2g} M pairs"
    rows, plan = [], None
    for gap in case.gaps:
        plan = mclp(problem, standard=case.radius_m, new_sites=case.new_sites, target_gap=gap)
        aim = f"gap {gap:.3%}" if gap else "proven"
        rows.append(Row(f"{size}, {aim}", plan.time_s, note=_told(plan)))
    rows.append(_against_greedy(case, problem, plan, size))
    if problem.costs.nnz <= LARGEST_FOR_PEER:
        rows.append(_against_highs(case, problem, plan, size))
    return rows


def _told(plan: SitingPlan) -> str:
    return f"{plan.status}, {plan.objective:,.0f} of at most {plan.bound:,.0f} (gap {plan.gap:.4%})"


def _against_greedy(case: Case, problem: SitingProblem, plan: SitingPlan, size: str) -> Row:
    limits = np.full(problem.n_demand, case.radius_m)

    def peer() -> np.ndarray:
        sites = {"standing": problem.existing, "candidates": problem.candidates}
        rest = reduce_cover(problem, standard=limits, n_new=case.new_sites, **sites)
        return rest.sites[greedy_sites(rest)]

    took = measure.seconds(peer)
    reached = covered_weight(problem, peer(), limits)
    measure.refuse_unless(reached <= plan.bound, "the bound is below the greedy plan")
    return Row(size, plan.time_s, "greedy alone", took, f"covers {1 - reached / plan.objective:.2%} fewer, no bound")


def _against_highs(case: Case, problem: SitingProblem, plan: SitingPlan, size: str) -> Row:
    began = time.perf_counter()
    found = plain_highs(problem, case.new_sites)
    took = time.perf_counter() - began
    measure.refuse_unless(found.objective <= plan.bound + 0.5, "HiGHS found a plan above the bound")
    measure.refuse_unless(found.bound >= plan.objective - 0.5, "HiGHS proved a bound below the plan")
    gap = abs(found.bound - found.objective) / max(1.0, abs(found.objective))
    return Row(size, plan.time_s, "HiGHS, plain model", took, f"HiGHS: {found.outcome}, gap {gap:.3%}")


def plain_highs(problem: SitingProblem, new_sites: int, *, time_limit_s: float = PEER_LIMIT_S) -> MipAnswer:
    """Return what HiGHS finds for the model as the textbook writes it, one row a demand point."""
    n, m = problem.costs.shape
    covers = sparse.csr_array((np.ones(problem.costs.nnz), problem.costs.indices, problem.costs.indptr), shape=(n, m))
    number = sparse.csr_array(np.ones((1, m)))
    model = highs.MipModel(
        costs=np.concatenate([np.zeros(m), problem.weights]),
        matrix=sparse.csr_array(sparse.block_array([[covers, -sparse.eye_array(n)], [number, None]], format="csr")),
        row_low=np.concatenate([np.zeros(n), [-np.inf]]),
        row_high=np.concatenate([np.full(n, np.inf), [float(new_sites)]]),
        low=np.zeros(m + n),
        high=np.ones(m + n),
        is_whole=np.arange(m + n) < m,
        sense="maximise",
    )
    return highs.solve(model, time_limit_s=time_limit_s, absolute_gap=0.99)
