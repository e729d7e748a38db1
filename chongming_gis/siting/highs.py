"""HiGHS through highspy: one mixed-integer model in, values with a proven bound out. The solver's only home."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import highspy
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse

    from chongming_gis.siting.problem import Sense

Outcome = Literal["optimal", "feasible", "infeasible", "unknown"]

_SEED = 20261124
_FEASIBILITY = 1e-7
TOLERANCE = 1e-6  # relative: what the solver may be off by where it says optimal
_LISTEN_S = 0.1  # waiting without a limit would not hear Ctrl-C on every system


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
    is_interrupted: bool = False
    row_prices: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))  # (m,) of a relaxed optimum


class _QuietHighs(highspy.Highs):
    """HiGHS that prints nothing: it greets once callbacks are set, which its constructor does before any option."""

    def enableCallbacks(self) -> None:  # noqa: N802 (a method of HiGHS)
        """Silence the log before the first word."""
        for option in ("log_to_console", "output_flag"):
            self.setOptionValue(option, False)  # noqa: FBT003 (a function of HiGHS)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def solve(
    model: MipModel,
    *,
    time_limit_s: float = math.inf,
    target_gap: float = 0.0,
    absolute_gap: float = 0.0,
    start: npt.NDArray[np.float64] | None = None,
) -> MipAnswer:
    """Return the best values found and the bound proven.

    Parameters
    ----------
    time_limit_s : seconds; the best found until then is returned
    target_gap : relative gap at which the search may stop
    absolute_gap : the same in the objective's own unit; just below 1 where every objective is a whole number
    start : (n,) a feasible point to begin from

    Notes
    -----
    An interrupt (Ctrl-C) ends the search, not the program: the best found comes back with its bound and
    ``is_interrupted``. A second one while the solver winds up is passed on.
    """
    if not len(model.costs):  # HiGHS has no answer to a model without columns
        holds = bool(((model.row_low <= 0.0) & (model.row_high >= 0.0)).all())
        value = 0.0 if holds else (-math.inf if model.sense == "maximise" else math.inf)
        return MipAnswer("optimal" if holds else "infeasible", np.empty(0), value, value, is_out_of_time=False)
    scale = _scale(model.costs)
    highs = _QuietHighs()  # type: ignore[no-untyped-call]
    for option, value in {
        "random_seed": _SEED % 2**31,
        "mip_rel_gap": target_gap,
        "mip_abs_gap": absolute_gap * scale,
        "threads": 1,
        "mip_feasibility_tolerance": _FEASIBILITY,
    }.items():
        highs.setOptionValue(option, value)
    if math.isfinite(time_limit_s):
        highs.setOptionValue("time_limit", max(time_limit_s, 0.01))
    highs.passModel(_as_lp(replace(model, costs=model.costs * scale)))
    if start is not None:
        guess = highspy.HighsSolution()
        guess.col_value = start.tolist()
        highs.setSolution(guess)
    is_interrupted = _run(highs)
    answer = _answer(highs, model, is_interrupted=is_interrupted)
    return replace(answer, objective=answer.objective / scale, bound=answer.bound / scale)


def _scale(costs: npt.NDArray[np.float64]) -> float:
    """Return a power of two that lifts a small objective clear of the solver's tolerances, which are absolute."""
    largest = float(np.abs(costs).max(initial=0.0))
    return 2.0 ** math.ceil(math.log2(1.0 / largest)) if 0.0 < largest < 1.0 else 1.0


def relax(model: MipModel, *, time_limit_s: float) -> MipAnswer:
    """Return an optimum of the relaxed model in the middle of all that are as good, not in a corner.

    An interior point without crossover: rows that are found for it bind for many corners at once. ``bound`` is not
    proven, since the solver's tolerances are wide here; ``row_prices`` are its multipliers.
    """
    highs = _QuietHighs()  # type: ignore[no-untyped-call]
    # presolve would put what costs nothing into a corner
    for option, value in {"solver": "ipm", "run_crossover": "off", "presolve": "off"}.items():
        highs.setOptionValue(option, value)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("time_limit", max(time_limit_s, 0.01))
    loose = replace(model, is_whole=np.zeros(len(model.costs), dtype=bool))
    highs.passModel(_as_lp(loose))
    is_interrupted = _run(highs)
    found = _answer(highs, loose, is_interrupted=is_interrupted)
    return replace(found, row_prices=np.asarray(highs.getSolution().row_dual, dtype=np.float64))


def _run(highs: _QuietHighs) -> bool:
    """Run HiGHS beside the main thread, which alone hears Ctrl-C; return whether it was heard."""
    asked_to_stop, is_done = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def stop_if_asked(event: Any) -> None:
        if asked_to_stop.is_set():
            event.interrupt()

    def run() -> None:
        try:
            highs.run()
        except BaseException as error:  # noqa: BLE001 (raised again where it can be seen)
            failures.append(error)
        finally:
            is_done.set()

    highs.cbMipInterrupt += stop_if_asked
    highs.cbSimplexInterrupt += stop_if_asked
    highs.cbIpmInterrupt += stop_if_asked
    threading.Thread(target=run, daemon=True).start()
    try:  # an event, not Thread.join: a join that Ctrl-C breaks takes the thread for ended until Python 3.12
        while not is_done.wait(_LISTEN_S):
            pass
    except KeyboardInterrupt:
        asked_to_stop.set()
        is_done.wait()
    if failures:
        raise failures[0]
    return asked_to_stop.is_set()


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


def _answer(highs: _QuietHighs, model: MipModel, *, is_interrupted: bool) -> MipAnswer:
    status, info = highs.getModelStatus(), highs.getInfo()
    has_values = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.asarray(highs.getSolution().col_value, dtype=np.float64) if has_values else np.empty(0)
    worst = -math.inf if model.sense == "maximise" else math.inf
    objective = float(info.objective_function_value) if has_values else worst
    is_optimal = status == highspy.HighsModelStatus.kOptimal
    bound = float(info.mip_dual_bound) if model.is_whole.any() else (objective if is_optimal else -worst)
    if abs(bound) >= highspy.kHighsInf or not info.valid:
        bound = -worst
    outcome: Outcome = "unknown"
    if status in {highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible}:
        outcome, bound = "infeasible", worst
    elif is_optimal:
        outcome = "optimal"
    elif has_values:
        outcome = "feasible"
    is_out_of_time = status == highspy.HighsModelStatus.kTimeLimit
    return MipAnswer(outcome, values, objective, bound, is_out_of_time, is_interrupted and outcome != "optimal")
