"""HiGHS through highspy: one mixed-integer model in, values with a proven bound out. The solver's only home."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import highspy
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse

    from chongming_gis.siting.problem import Sense

Outcome = Literal["optimal", "feasible", "infeasible", "unknown"]

_SEED = 20261124
_FEASIBILITY = 1e-7


@dataclass(frozen=True, slots=True)
class MipModel:
    """``sense`` costs @ x, row_low <= matrix @ x <= row_high, low <= x <= high, some x whole numbers."""

    costs: npt.NDArray[np.float64]  # (n,)
    matrix: sparse.csr_array  # (m, n)
    row_low: npt.NDArray[np.float64]  # (m,); -inf = none
    row_high: npt.NDArray[np.float64]  # (m,); inf = none
    low: npt.NDArray[np.float64]  # (n,)
    high: npt.NDArray[np.float64]  # (n,)
    is_whole: npt.NDArray[np.bool_]  # (n,)
    sense: Sense


@dataclass(frozen=True, slots=True)
class MipAnswer:
    """What HiGHS found: ``values`` is empty where it found nothing; ``bound`` holds whatever the outcome."""

    outcome: Outcome
    values: npt.NDArray[np.float64]
    objective: float
    bound: float
    is_out_of_time: bool


def solve(
    model: MipModel,
    *,
    time_limit_s: float = math.inf,
    target_gap: float = 0.0,
    start: npt.NDArray[np.float64] | None = None,
) -> MipAnswer:
    """Return the best values found and the bound proven.

    Parameters
    ----------
    time_limit_s : seconds; the best found until then is returned
    target_gap : relative gap at which the search may stop
    start : (n,) a feasible point to begin from
    """
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("log_to_console", False)
    for option, value in {
        "output_flag": False,
        "random_seed": _SEED % 2**31,
        "mip_rel_gap": target_gap,
        "mip_abs_gap": 0.0 if target_gap == 0.0 else 1e-9,
        "threads": 1,
        "mip_feasibility_tolerance": _FEASIBILITY,
    }.items():
        highs.setOptionValue(option, value)
    if math.isfinite(time_limit_s):
        highs.setOptionValue("time_limit", max(time_limit_s, 0.01))
    highs.passModel(_as_lp(model))
    if start is not None:
        guess = highspy.HighsSolution()
        guess.col_value = start.tolist()
        highs.setSolution(guess)
    highs.run()
    return _answer(highs, model)


def _as_lp(model: MipModel) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = model.matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.costs, model.low, model.high
    lp.row_lower_, lp.row_upper_ = model.row_low, model.row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.matrix.indptr
    lp.a_matrix_.index_ = model.matrix.indices
    lp.a_matrix_.value_ = model.matrix.data
    lp.sense_ = highspy.ObjSense.kMaximize if model.sense == "maximise" else highspy.ObjSense.kMinimize
    if model.is_whole.any():
        kinds = {True: highspy.HighsVarType.kInteger, False: highspy.HighsVarType.kContinuous}
        lp.integrality_ = [kinds[whole] for whole in model.is_whole.tolist()]
    return lp


def _answer(highs: highspy.Highs, model: MipModel) -> MipAnswer:
    status, info = highs.getModelStatus(), highs.getInfo()
    has_values = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.asarray(highs.getSolution().col_value, dtype=np.float64) if has_values else np.empty(0)
    worst = -math.inf if model.sense == "maximise" else math.inf
    objective = float(info.objective_function_value) if has_values else worst
    is_optimal = status == highspy.HighsModelStatus.kOptimal
    bound = float(info.mip_dual_bound) if model.is_whole.any() else (objective if is_optimal else -worst)
    outcome: Outcome = "unknown"
    if status in {highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible}:
        outcome, bound = "infeasible", worst
    elif is_optimal:
        outcome = "optimal"
    elif has_values:
        outcome = "feasible"
    return MipAnswer(outcome, values, objective, bound, status == highspy.HighsModelStatus.kTimeLimit)
