"""Why no plan of beds meets the duties: which of them, and what would be possible."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from chongming_gis.siting import highs
from chongming_gis.siting.bed_problem import AreaDuty, BedDuty, BedQuestion
from chongming_gis.siting.bed_rows import bed_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chongming_gis.siting.problem import Sense


def explain_beds(question: BedQuestion, *, time_limit_s: float) -> str:
    """Return which duty cannot be met, by itself, within the budget or beside the others, and what could be."""
    each_s = time_limit_s / (2 * len(question.duties) + 1)
    told = []
    for duty in question.duties:
        alone = highs.solve(bed_model(replace(question, duties=(duty,), budget=None)).mip, time_limit_s=each_s)
        if alone.outcome == "infeasible":
            told.append(f"{duty.name}: {_asked(duty)}; with the sizes allowed at most {_most(question, (), duty)}")
    if told:
        return "; ".join(told)
    if question.budget is not None:
        cheapest = highs.solve(bed_model(replace(question, budget=None)).mip, time_limit_s=each_s)
        if cheapest.outcome != "infeasible":
            return f"budget: {question.budget:,.0f} is too little; the duties cost at least {cheapest.bound:,.0f}"
    for duty in question.duties:
        others = tuple(other for other in question.duties if other is not duty)
        rest = highs.solve(bed_model(replace(question, duties=others, budget=None)).mip, time_limit_s=each_s)
        if rest.outcome in {"optimal", "feasible"}:
            told.append(f"{duty.name}: {_asked(duty)}; beside the other duties at most {_most(question, others, duty)}")
    names = ", ".join(duty.name for duty in question.duties)
    return "; ".join(told) or f"no plan meets all duties together: {names}"


def _asked(duty: BedDuty | AreaDuty) -> str:
    if isinstance(duty, AreaDuty):
        return f"{duty.least} areas must have one"
    if math.isfinite(duty.low):
        return f"at least {duty.low / duty.scale:,.6g} is asked for"
    return f"at most {duty.high / duty.scale:,.6g} is allowed"


def _most(question: BedQuestion, duties: Sequence[BedDuty | AreaDuty], duty: BedDuty | AreaDuty) -> str:
    """Return the best that a duty's sum can be beside others."""
    model = bed_model(replace(question, duties=(*duties, _free(duty)), budget=None))
    row = model.duty_rows[-1]
    objective = model.mip.matrix[[row]].toarray().ravel()
    wants_more = isinstance(duty, AreaDuty) or math.isfinite(duty.low)
    sense: Sense = "maximise" if wants_more else "minimise"
    mip = replace(model.mip, costs=objective, sense=sense)
    found = highs.solve(mip, time_limit_s=5.0)
    if not math.isfinite(found.bound):
        return "unknown"
    standing = 0.0 if isinstance(duty, AreaDuty) else duty.standing
    scale = 1.0 if isinstance(duty, AreaDuty) else duty.scale
    return f"{(found.bound + standing) / scale:,.6g}" + ("" if wants_more else " or more")


def _free(duty: BedDuty | AreaDuty) -> BedDuty | AreaDuty:
    if isinstance(duty, AreaDuty):
        return replace(duty, least=0)
    return replace(duty, low=-math.inf, high=math.inf)
