"""Why no plan obeys the rules: which of them, by how much, and what would be possible.

First the fewest rules that have to give way are found (one mixed-integer model with a switch a rule). Where one is
enough, every rule that would do alone is told, with the best that the others leave it; else the fewest together.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.siting import highs
from chongming_gis.siting.formulation import as_mip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chongming_gis.siting.formulation import Floats, Formulation, Rule
    from chongming_gis.siting.highs import MipModel

_MOST_TOLD = 6
_LONGEST_S = 2.0  # for one rule, so that the others are asked as well
_SHORTEST_S = 0.2  # a rule gets at least so long; without it the last ones would always be "unknown"


@dataclass(frozen=True, slots=True)
class _Relaxed:
    """Whether the other rules can be obeyed, and the best they leave of the rule's own row; NaN where it has none."""

    is_possible: bool
    best: float


def explain(formulation: Formulation, *, time_limit_s: float) -> str:
    """Return a sentence that names the rules no plan can obey, and what would be possible.

    Parameters
    ----------
    formulation : a model that is infeasible
    time_limit_s : seconds; where they are too few, rules are named that together cannot be obeyed
    """
    ends = time.perf_counter() + time_limit_s
    lost = [rule for rule in formulation.rules if rule.name == "reach" and rule.place]
    if lost:
        return f"{lost[0].place} demand rows with people have no site that they may use within the limit"
    givers = _fewest(formulation, time_limit_s=time_limit_s)
    if not givers:
        names = ", ".join(sorted({_named(formulation, rule) for rule in formulation.rules}))
        return f"no plan obeys all rules together: {names}"
    if len(givers) > 1:
        told = [_sentence(formulation, rule, _without(formulation, [rule], givers, ends)) for rule in givers]
        return (
            f"no plan obeys all rules, and one less is not enough; these would have to give way together: {_list(told)}"
        )
    told = []
    for rule in [*givers, *(other for other in formulation.rules if other is not givers[0])]:
        found = _without(formulation, [rule], [rule], ends)
        if found.is_possible:
            told.append(_sentence(formulation, rule, found))
        if time.perf_counter() > ends or len(told) == _MOST_TOLD:
            break
    if not told:  # time was too short to say what would be possible
        told = [_sentence(formulation, givers[0], _Relaxed(is_possible=True, best=math.nan))]
    if len(told) == 1:
        return f"no plan obeys all rules: {told[0]}"
    return f"no plan obeys all rules; any one of these would have to give way: {_list(told)}"


def _fewest(formulation: Formulation, *, time_limit_s: float) -> list[Rule]:
    """Return the fewest rules without which a plan exists; none where time was too short or that is not enough."""
    found = highs.solve(_switched(formulation), time_limit_s=max(time_limit_s / 2, _SHORTEST_S))
    if found.outcome not in {"optimal", "feasible"}:
        return []
    switches = found.values[formulation.n_columns :] > 0.5
    return [rule for rule, is_off in zip(formulation.rules, switches, strict=True) if is_off]


def _switched(formulation: Formulation) -> MipModel:
    """Return the model that switches off as few rules as possible."""
    bare = as_mip(formulation, rules=())
    n, n_rules = formulation.n_columns, len(formulation.rules)
    blocks, lows, highs_of = [bare.matrix], [bare.row_low], [bare.row_high]
    for at, rule in enumerate(formulation.rules):
        body = rule.body
        table = body.matrix(n)
        least, most = _range(table, bare)
        switch = np.where(np.isfinite(body.low), np.maximum(body.low - least, 0.0), 0.0)
        switch -= np.where(np.isfinite(body.high), np.maximum(most - body.high, 0.0), 0.0)
        place = (np.arange(len(switch)), np.full(len(switch), at))
        column = sparse.csr_array((switch, place), shape=(len(switch), n_rules))
        blocks.append(sparse.hstack([table, column], format="csr"))
        lows.append(body.low)
        highs_of.append(body.high)
    blocks[0] = sparse.hstack([bare.matrix, sparse.csr_array((bare.matrix.shape[0], n_rules))], format="csr")
    return replace(
        bare,
        costs=np.concatenate([np.zeros(n), np.ones(n_rules)]),
        matrix=sparse.csr_array(sparse.vstack(blocks, format="csr")),
        row_low=np.concatenate(lows),
        row_high=np.concatenate(highs_of),
        low=np.concatenate([bare.low, np.zeros(n_rules)]),
        high=np.concatenate([bare.high, np.ones(n_rules)]),
        is_whole=np.concatenate([bare.is_whole, np.ones(n_rules, dtype=bool)]),
        sense="minimise",
    )


def _range(table: sparse.csr_array, bare: MipModel) -> tuple[Floats, Floats]:
    """Return the least and the most that each row can be."""
    high = np.where(np.isfinite(bare.high), bare.high, 1.0)  # choices are at most 1 by their own rows
    up, down = table.maximum(0.0), table.minimum(0.0)
    return up @ bare.low + down @ high, up @ high + down @ bare.low


def _without(formulation: Formulation, asked: Sequence[Rule], given_up: Sequence[Rule], ends: float) -> _Relaxed:
    """Return what the rules that stay leave of the first rule asked."""
    body = asked[0].body
    kept = [rule for rule in formulation.rules if not any(rule is other for other in given_up)]
    is_single = len(body.low) == 1 and asked[0].name not in {"forced", "locked", "refused", "reach"}
    objective = np.zeros(formulation.n_columns)
    if is_single:
        np.add.at(objective, body.columns, body.values)
    wants_more = bool(np.isfinite(body.low).all())
    model = as_mip(formulation, rules=kept, objective=objective, sense="maximise" if wants_more else "minimise")
    left_s = min(max(ends - time.perf_counter(), _SHORTEST_S), _LONGEST_S)
    found = highs.solve(model, time_limit_s=left_s)
    has_plan = found.outcome in {"optimal", "feasible"}
    return _Relaxed(has_plan, found.bound + asked[0].offset if has_plan and is_single else math.nan)


def _list(told: Sequence[str]) -> str:
    return "; ".join(f"({at}) {sentence}" for at, sentence in enumerate(told, start=1))


def _named(formulation: Formulation, rule: Rule) -> str:
    """Return the rule's name with what it names."""
    if rule.name == "exclusive" and rule.place is not None:
        return f"exclusive sites {sorted(set(formulation.problem.rules.exclusive[rule.place]))}"
    if rule.name in {"forced", "locked", "refused"}:
        return f"{rule.name} site {rule.place}"
    return rule.name if rule.place is None else f"{rule.name} of area {rule.place}"


def _sentence(formulation: Formulation, rule: Rule, found: _Relaxed) -> str:
    """Return the rule, its number, and what the other rules would allow."""
    asked = _asked(formulation, rule)
    possible = "" if math.isnan(found.best) else _POSSIBLE.get(rule.name, _no_number)(rule, found.best)
    return f"{_named(formulation, rule)}{asked}{possible}"


def _asked(formulation: Formulation, rule: Rule) -> str:
    rules, place = formulation.problem.rules, rule.place if rule.place is not None else -1
    told: dict[str, Callable[[], str]] = {
        "budget": lambda: f": {rules.budget:g} is too little",
        "new_sites": lambda: f": {_whole(rule.body.high[0])} are too few",
        "at_least": lambda: f": {rules.at_least[place]} new sites are too many",
        "at_most": lambda: f": {rules.at_most[place]} new sites are too few",
        "forced": lambda: " cannot be open under the other rules",
        "locked": lambda: " cannot be open under the other rules",
        "refused": lambda: " is needed by the other rules",
        "forbidden": lambda: f" sites {sorted(set(rules.forbidden))}",
        "exclusive": lambda: ": the other rules need more than one of them",
        "spacing": lambda: ": the other rules need sites that stand too near to each other",
        "floor": lambda: f": {rules.floor[place]:.1%} of {rule.total:g} is too much",
        "target": lambda: f": {rule.body.low[0] + rule.offset:g} of {rule.total:g} is too much",
        "reach": lambda: ": not everyone can be served under the other rules",
    }
    return told.get(rule.name, lambda: " cannot be obeyed under the other rules")()


_POSSIBLE: dict[str, Callable[[Rule, float], str]] = {
    "budget": lambda _, best: f"; the other rules need at least {best:g}",
    "new_sites": lambda _, best: f"; the other rules need at least {_up(best)}",
    "at_least": lambda _, best: f"; the other rules allow at most {_down(best)}",
    "at_most": lambda _, best: f"; the other rules need at least {_up(best)}",
    "forbidden": lambda _, best: f": the other rules need at least {_up(best)} of them",
    "floor": lambda rule, best: f"; the other rules allow at most {best / rule.total:.1%}",
    "target": lambda _, best: f"; the other rules allow at most {best:g}",
}


def _no_number(_: Rule, __: float) -> str:
    return ""


def _up(value: float) -> int:
    return math.ceil(value - 1e-6)


def _down(value: float) -> int:
    return math.floor(value + 1e-6)


def _whole(value: float) -> int:
    return round(value)
