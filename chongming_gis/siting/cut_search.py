"""A model whose rows are too many to be told at once: those that bind are found on the way.

First for the relaxed model, whose sites may be open by halves; then for whole sites, until the plan that the solver
takes for the best is worth what it thinks. Every bound on the way holds: it is the bound of a model with fewer rows.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.siting.highs import MipAnswer, relax, solve
from chongming_gis.siting.problem import relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable

    from chongming_gis.siting.formulation import Floats, Rows
    from chongming_gis.siting.highs import MipModel

_LP_ROUNDS = 60
_LP_SHARE = 0.5  # of the time
_STALLED = 1e-5  # relative: a round that moves the bound by less is the last


def solve_with_cuts(
    model: MipModel,
    separate: Callable[[Floats], Rows | None],
    complete: Callable[[Floats], Floats],
    *,
    time_limit_s: float,
    target_gap: float,
    start: Floats | None,
) -> MipAnswer:
    """Return the best values found and the bound proven, as ``highs.solve`` does.

    Parameters
    ----------
    separate : from values, the rows that they break; None where they break none
    complete : from values with whole sites, the values that obey every row with these sites
    """
    ends = time.perf_counter() + time_limit_s
    model = _relaxed_first(model, separate, time.perf_counter() + _LP_SHARE * time_limit_s)
    sign = 1.0 if model.sense == "maximise" else -1.0
    best = np.empty(0) if start is None or not _obeys(model, start) else start
    reached = float(model.costs @ best) if len(best) else -sign * math.inf
    bound = sign * math.inf
    while True:
        left_s = max(ends - time.perf_counter(), 0.0)
        found = solve(model, time_limit_s=left_s, target_gap=target_gap, start=best if len(best) else None)
        if found.outcome == "infeasible":
            return found
        bound = sign * min(sign * bound, sign * found.bound)
        cuts = None
        if len(found.values):
            whole = complete(found.values)
            objective = float(model.costs @ whole)
            if sign * objective > sign * reached and _obeys(model, whole):
                best, reached = whole, objective
            cuts = separate(np.where(model.is_whole, np.rint(found.values), found.values))
        is_stopped = found.is_out_of_time or found.is_interrupted or relative_gap(reached, bound) <= target_gap
        if cuts is None or is_stopped:
            break
        model = _with_rows(model, [cuts])
    if not len(best):
        return replace(found, outcome="unknown", values=best, objective=reached, bound=bound)
    is_done = relative_gap(reached, bound) <= max(target_gap, 1e-9) or (found.outcome == "optimal" and cuts is None)
    return replace(found, outcome="optimal" if is_done else "feasible", values=best, objective=reached, bound=bound)


def _relaxed_first(model: MipModel, separate: Callable[[Floats], Rows | None], ends: float) -> MipModel:
    """Return the model with the rows that bind where sites may be open by halves."""
    known: list[Rows] = []
    bound = math.inf
    for _ in range(_LP_ROUNDS):
        left_s = ends - time.perf_counter()
        if left_s <= 0.0:
            break
        found = relax(_with_rows(model, known), time_limit_s=left_s)
        cuts = separate(found.values) if len(found.values) else None
        if cuts is None:
            break
        known.append(cuts)
        if abs(bound - found.objective) <= _STALLED * abs(found.objective):
            break
        bound = found.objective
    return _with_rows(model, known)


def _with_rows(model: MipModel, more: list[Rows]) -> MipModel:
    n = len(model.costs)
    return replace(
        model,
        matrix=sparse.csr_array(sparse.vstack([model.matrix, *(rows.matrix(n) for rows in more)], format="csr")),
        row_low=np.concatenate([model.row_low, *(rows.low for rows in more)]),
        row_high=np.concatenate([model.row_high, *(rows.high for rows in more)]),
    )


def _obeys(model: MipModel, values: Floats) -> bool:
    """Return whether whole values obey the rows told so far, up to the solver's tolerance."""
    reached = model.matrix @ values
    scale = 1e-6 * np.maximum(1.0, np.abs(reached))
    inside = (values >= model.low - 1e-6) & (values <= model.high * (1.0 + 1e-9) + 1e-6)
    return bool(((reached >= model.row_low - scale) & (reached <= model.row_high + scale)).all() and inside.all())
