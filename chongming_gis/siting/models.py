"""The models of location science as formulations: objective, who is covered or goes where, and every rule.

Nothing is solved here; ``exact`` asks for a plan, ``alternatives`` for many, ``reasons`` why there is none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.siting.choice_rows import best_open, fewest_columns
from chongming_gis.siting.cover_rows import NOBODY, classes_of, cover_part, floor_rules, sites_needed, within
from chongming_gis.siting.formulation import Formulation, Rule, rows_of, stands
from chongming_gis.siting.rules import site_rules

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.cover_rows import CoverClasses
    from chongming_gis.siting.formulation import Bools, Floats, Ints
    from chongming_gis.siting.problem import SitingProblem

_NOBODY_ASSIGNED = np.empty(0, dtype=np.int64)


def mclp_formulation(problem: SitingProblem, *, standard: npt.ArrayLike, new_sites: int | None) -> Formulation:
    """Return the maximal covering model with its rules."""
    covers = within(problem, standard)
    classes = classes_of(problem, covers, first=problem.n_sites, is_asked=problem.weights > 0.0)
    part, site_gains = cover_part(classes, classes.weights(problem.weights))
    rules = site_rules(problem, new_sites=new_sites) + floor_rules(problem, classes)

    def measure(values: Floats) -> tuple[float, Ints]:
        return covered_weight(problem, covers, values), _NOBODY_ASSIGNED

    served = covered_weight(problem, covers, stands(problem).astype(np.float64))
    return Formulation("MCLP", problem, "maximise", site_gains, served, (part,), tuple(rules), measure)


def lscp_formulation(problem: SitingProblem, *, standard: npt.ArrayLike, new_sites: int | None = None) -> Formulation:
    """Return the set covering model with its rules; ``new_sites`` limits it where the question is "whether"."""
    covers = within(problem, standard)
    everyone = np.ones(problem.n_demand, dtype=bool)
    classes = classes_of(problem, covers, first=problem.n_sites, is_asked=everyone)
    rules = [reach_rule(classes), *site_rules(problem, new_sites=new_sites, needs_limit=False)]
    return _cheapest("LSCP", problem, rules, classes)


def psclp_formulation(
    problem: SitingProblem, *, standard: npt.ArrayLike, share: float | None, weight: float | None
) -> Formulation:
    """Return the partial covering model with its rules."""
    total = float(problem.weights.sum())
    target = _target(total, share, weight)
    covers = within(problem, standard)
    classes = classes_of(problem, covers, first=problem.n_sites, is_asked=problem.weights > 0.0)
    weights = classes.weights(problem.weights)
    served = covered_weight(problem, covers, stands(problem).astype(np.float64))
    slack = 1e-9 * max(total, 1.0)
    body = rows_of([(classes.column, weights, target - served - slack, np.inf)])
    rules = [
        Rule("target", body, None, served, total, sites_needed(classes, weights, target - served - slack)),
        *site_rules(problem, new_sites=None, needs_limit=False),
    ]
    return _cheapest("PSCLP", problem, rules, classes)


def p_median_formulation(
    problem: SitingProblem, *, new_sites: int | None, unreachable_cost: float | None
) -> Formulation:
    """Return the p-median model with its rules."""
    if unreachable_cost is not None and not 0.0 <= unreachable_cost < np.inf:
        raise SitingError(f"unreachable_cost: {unreachable_cost} must be a number of at least 0")
    costs, weights = problem.costs, problem.weights
    must_go = weights > 0.0 if unreachable_cost is None else np.zeros(problem.n_demand, dtype=bool)
    nearness = sparse.csr_array((-costs.data, costs.indices, costs.indptr), shape=costs.shape)
    without = np.full(problem.n_demand, -np.inf if unreachable_cost is None else -unreachable_cost)
    standing = best_open(nearness, stands(problem), nothing=without).value
    floor = np.where(np.isinf(standing), -_row_maxima(costs), standing)  # who must be served costs at most this
    part, site_gains = fewest_columns(gains_over(nearness, floor, weights), first=problem.n_sites)
    covers = within(problem, np.inf)
    everyone = np.ones(problem.n_demand, dtype=bool)
    classes = classes_of(problem, covers, first=problem.n_sites + len(part.costs), is_asked=everyone)
    parts = [part]
    if problem.rules.floor:
        reached, _ = cover_part(classes, np.zeros(classes.sites.shape[0]))
        parts.append(reached)
    rules = site_rules(problem, new_sites=new_sites) + floor_rules(problem, classes)
    rules += [reach_rule(classes, must_go)] if must_go.any() else []

    def measure(values: Floats) -> tuple[float, Ints]:
        best = best_open(nearness, values[: problem.n_sites] > 0.5, nothing=without)
        is_some = weights > 0.0
        return float(-(best.value[is_some] @ weights[is_some])) + 0.0, best.site

    offset = float(-(floor @ weights))
    parts = [replace(part, costs=-part.costs) for part in parts]
    saved = -site_gains
    return Formulation("p-median", problem, "minimise", saved, offset, tuple(parts), tuple(rules), measure)


def center_formulation(problem: SitingProblem, *, radius: float, new_sites: int | None) -> Formulation:
    """Return the question whether everyone can be served within the radius, as a model without an objective."""
    covers = within(problem, radius)
    must_go = problem.weights > 0.0
    classes = classes_of(problem, covers, first=problem.n_sites, is_asked=must_go)
    rules = [reach_rule(classes, must_go), *site_rules(problem, new_sites=new_sites)]
    nearness = sparse.csr_array((-problem.costs.data, problem.costs.indices, problem.costs.indptr), shape=covers.shape)
    nowhere = np.full(problem.n_demand, -np.inf)

    def measure(values: Floats) -> tuple[float, Ints]:
        best = best_open(nearness, values[: problem.n_sites] > 0.5, nothing=nowhere)
        return float(-best.value[must_go].min(initial=0.0)) + 0.0, best.site

    nothing = np.zeros(problem.n_sites)
    return Formulation("p-center", problem, "minimise", nothing, 0.0, (), tuple(rules), measure)


def reach_rule(classes: CoverClasses, must_go: Bools | None = None) -> Rule:
    """Return that every class has an open site; of ``must_go``, also rows that no site reaches, so that none can."""
    needed = np.arange(classes.sites.shape[0])
    lost = 0
    if must_go is not None:
        needed = np.unique(classes.of_row[must_go & (classes.of_row >= 0)])
        lost = int(np.count_nonzero(must_go & (classes.of_row == NOBODY)))
    table = classes.sites[needed]
    entries = [
        (table.indices[a:b], np.ones(b - a), 1.0, np.inf)
        for a, b in zip(table.indptr[:-1].tolist(), table.indptr[1:].tolist(), strict=True)
    ]
    entries += [(np.empty(0, dtype=np.int64), np.empty(0), 1.0, np.inf)] if lost else []
    return Rule("reach", rows_of(entries), place=lost or None)


def covered_weight(problem: SitingProblem, covers: sparse.csr_array, values: Floats) -> float:
    """Return the weight of the rows that an open site covers."""
    is_open = (values[: problem.n_sites] > 0.5).astype(np.float64)
    return float(problem.weights[covers @ is_open > 0.0].sum())


def _cheapest(name: str, problem: SitingProblem, rules: list[Rule], classes: CoverClasses) -> Formulation:
    """Return the model that spends the least: new sites cost, closed ones save."""
    costs = np.where(stands(problem), 0.0, problem.site_costs)
    saved = float(problem.site_costs[list(set(problem.rules.closable))].sum())
    floors = floor_rules(problem, classes)
    has_columns = bool(floors) or any(rule.name == "target" for rule in rules)
    parts = (cover_part(classes, np.zeros(classes.sites.shape[0]))[0],) if has_columns else ()

    def measure(values: Floats) -> tuple[float, Ints]:
        is_open = values[: problem.n_sites] > 0.5
        return float(costs[is_open].sum()) - saved, _NOBODY_ASSIGNED

    return Formulation(name, problem, "minimise", costs, -saved, parts, (*rules, *floors), measure)


def _target(total: float, share: float | None, weight: float | None) -> float:
    if (share is None) == (weight is None):
        raise SitingError("say either the share to cover (0-1) or the weight, not both")
    if share is not None and not 0.0 <= share <= 1.0:
        raise SitingError(f"share: {share} must be from 0 to 1")
    if weight is not None and not 0.0 <= weight < np.inf:
        raise SitingError(f"weight: {weight} must be a number of at least 0")
    return share * total if share is not None else float(weight or 0.0)


def gains_over(values: sparse.csr_array, floor: Floats, weights: Floats) -> sparse.csr_array:
    """Return by how much each pair is better than ``floor``, times the row's weight; only where it is."""
    rows = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
    gains = (values.data - floor[rows]) * weights[rows]
    keep = gains > 0.0
    indptr = np.concatenate(([0], np.cumsum(np.bincount(rows[keep], minlength=values.shape[0]))))
    return sparse.csr_array((gains[keep], values.indices[keep], indptr), shape=values.shape)


def _row_maxima(costs: sparse.csr_array) -> Floats:
    rows = np.repeat(np.arange(costs.shape[0]), np.diff(costs.indptr))
    found = np.zeros(costs.shape[0])
    np.maximum.at(found, rows, costs.data)
    return found
