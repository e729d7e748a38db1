"""Who goes where within capacities, as columns: the share of each demand row that each of its sites serves.

Where people may be split, rows with the same sites at the same costs are one row: what it sends anywhere is handed out
to its members by weight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.siting.formulation import Formulation, Part, Rows, Rule, rows_of, sums
from chongming_gis.siting.rules import site_rules

if TYPE_CHECKING:
    from chongming_gis.siting.capacitated import CapacityRules, Move
    from chongming_gis.siting.formulation import Bools, Entry, Floats, Ints
    from chongming_gis.siting.problem import Sense, SitingProblem

_SMALLEST_SHARE = 1e-7  # of a demand row: less than that at a site is the solver's tolerance, not a person


@dataclass(frozen=True, slots=True)
class FlowQuestion:
    """What a model with capacities asks.

    Attributes
    ----------
    pays : (n_demand, n_sites) objective of a person of the row served by the site; stored where that may be
    offset : objective with nobody served
    must_go : rows that have to be served whole
    """

    model: str
    sense: Sense
    pays: sparse.csr_array
    offset: float
    must_go: Bools


@dataclass(frozen=True, slots=True)
class FlowModel:
    """A formulation whose columns are sites, shares of groups of rows, added capacity, and moves."""

    formulation: Formulation
    group_of: Ints  # (n_demand,) -1 where nobody lives or no site is
    pairs: sparse.csr_array  # (n_groups, n_sites), ones: a column each, in this order
    how: CapacityRules

    def read(self, values: Floats) -> tuple[sparse.csr_array, Floats, tuple[Move, ...]]:
        """Return the weight of each row at each site, the capacity added to each site, and the moves made."""
        problem, n = self.formulation.problem, self.pairs.nnz
        at = problem.n_sites
        shares = clean_shares(values, self.pairs, at)
        table = sparse.csr_array((shares, self.pairs.indices, self.pairs.indptr), shape=self.pairs.shape)
        used = np.flatnonzero(self.group_of >= 0)
        spread = sparse.csr_array(
            (problem.weights[used], (used, self.group_of[used])), shape=(problem.n_demand, self.pairs.shape[0])
        )
        flows = sparse.csr_array(spread @ table)
        flows.eliminate_zeros()
        flows.sort_indices()
        added = np.zeros(problem.n_sites)
        for at_extension, extension in enumerate(self.how.extensions):
            added[extension.site] = max(values[at + n + at_extension], 0.0)
        is_made = values[at + n + len(self.how.extensions) :] > 0.5
        return flows, added, tuple(m for m, made in zip(self.how.moves, is_made.tolist(), strict=True) if made)


def flow_model(problem: SitingProblem, asked: FlowQuestion, how: CapacityRules, *, new_sites: int | None) -> FlowModel:
    """Return the model with capacities, extensions, moves and every side rule."""
    may_close = set(problem.rules.closable)
    problem = _movable(problem, how.moves)
    group_of, rows = _groups(problem, asked.pays, is_split=how.assignment == "split")
    pays = asked.pays[rows]
    weights = sums(group_of[group_of >= 0], problem.weights[group_of >= 0], len(rows))
    pairs = sparse.csr_array((np.ones(pays.nnz), pays.indices, pays.indptr), shape=pays.shape)
    group = np.repeat(np.arange(len(rows)), np.diff(pairs.indptr))
    n, first = pairs.nnz, problem.n_sites
    column = first + np.arange(n)
    shares = Part(
        pays.data * weights[group],
        np.ones(n),
        np.full(n, how.assignment == "single"),
        _share_rows(pairs, group, column),
    )
    extras = _extras(problem, how, pairs, weights, may_close)
    rules = _paid(problem, site_rules(problem, new_sites=new_sites), how, first=first + n)
    rules += _floors(problem, group, column, weights, problem.demand_areas[rows])
    if asked.must_go.any():
        rules.append(_served(asked.must_go, group_of, group, column))

    def measure(values: Floats) -> tuple[float, Ints]:
        share = clean_shares(values, pairs, first)
        best = np.full(len(rows) + 1, -1, dtype=np.int64)
        order = np.lexsort((-pairs.indices, share))  # the largest share comes last, of equals the lowest site
        some = order[share[order] > 0.0]
        best[group[some]] = pairs.indices[some]
        return float((pays.data * weights[group]) @ share) + asked.offset + 0.0, best[group_of]

    nothing = np.zeros(problem.n_sites)
    formulation = Formulation(
        asked.model, problem, asked.sense, nothing, asked.offset, (shares, extras), tuple(rules), measure
    )
    return FlowModel(formulation, group_of, pairs, how)


def clean_shares(values: Floats, pairs: sparse.csr_array, first: int) -> Floats:
    """Return the shares without what is the solver's tolerance: none at closed sites, none above 1."""
    is_open = values[: pairs.shape[1]] > 0.5
    shares = np.clip(values[first : first + pairs.nnz], 0.0, 1.0)
    shares[(shares < _SMALLEST_SHARE) | ~is_open[pairs.indices]] = 0.0
    near_whole = shares > 1.0 - _SMALLEST_SHARE
    shares[near_whole] = 1.0
    return shares


def _movable(problem: SitingProblem, moves: tuple[Move, ...]) -> SitingProblem:
    """Return the problem in which sites that may move can close, which alone saves nothing."""
    only_moved = sorted({move.site for move in moves} - set(problem.rules.closable))
    if not only_moved:
        return problem
    costs = problem.site_costs.copy()
    costs[only_moved] = 0.0
    rules = replace(problem.rules, closable=(*problem.rules.closable, *only_moved))
    return replace(problem, site_costs=costs, rules=rules)


def _groups(problem: SitingProblem, pays: sparse.csr_array, *, is_split: bool) -> tuple[Ints, Ints]:
    """Return the group of each row, and one row of each group."""
    group_of = np.full(problem.n_demand, -1, dtype=np.int64)
    some = np.flatnonzero((problem.weights > 0.0) & (np.diff(pays.indptr) > 0))
    if not is_split:
        group_of[some] = np.arange(len(some))
        return group_of, some
    known: dict[tuple[bytes, bytes, int], int] = {}
    first: list[int] = []
    for row, start, end in zip(some.tolist(), pays.indptr[some].tolist(), pays.indptr[some + 1].tolist(), strict=True):
        key = (pays.indices[start:end].tobytes(), pays.data[start:end].tobytes(), int(problem.demand_areas[row]))
        group_of[row] = known.setdefault(key, len(known))
        if len(first) < len(known):
            first.append(row)
    return group_of, np.array(first, dtype=np.int64)


def _share_rows(pairs: sparse.csr_array, group: Ints, column: Ints) -> Rows:
    n, n_groups = pairs.nnz, pairs.shape[0]
    at = n_groups + np.arange(n)
    return Rows(
        np.concatenate([group, at, at]),
        np.concatenate([column, column, pairs.indices]),
        np.concatenate([np.ones(2 * n), -np.ones(n)]),
        np.full(n_groups + n, -np.inf),
        np.concatenate([np.ones(n_groups), np.zeros(n)]),
    )


def _extras(
    problem: SitingProblem, how: CapacityRules, pairs: sparse.csr_array, weights: Floats, may_close: set[int]
) -> Part:
    """Return added capacity and moves as columns, with the rows of all capacities."""
    n, first = pairs.nnz, problem.n_sites
    at_extension = first + n
    at_move = at_extension + len(how.extensions)
    entries = _capacity_rows(problem, how, pairs, weights)
    entries += [([at_extension + at, e.site], [1.0, -e.most], -np.inf, 0.0) for at, e in enumerate(how.extensions)]
    for site in sorted({move.site for move in how.moves}):
        mine = [at_move + at for at, move in enumerate(how.moves) if move.site == site]
        entries.append(([site, *mine], [1.0] * (1 + len(mine)), -np.inf if site in may_close else 1.0, 1.0))
    for to in sorted({move.to for move in how.moves}):
        mine = [at_move + at for at, move in enumerate(how.moves) if move.to == to]
        entries.append(([*mine, to], [*([1.0] * len(mine)), -1.0], -np.inf, 0.0))
    n_extra = len(how.extensions) + len(how.moves)
    high = np.array([*(e.most for e in how.extensions), *(1.0 for _ in how.moves)])
    is_whole = np.array([False] * len(how.extensions) + [True] * len(how.moves), dtype=bool)
    return Part(np.zeros(n_extra), high, is_whole, rows_of(entries))


def _capacity_rows(problem: SitingProblem, how: CapacityRules, pairs: sparse.csr_array, weights: Floats) -> list[Entry]:
    """Return a row for each site that could be asked for more than it can serve."""
    first, at_extension = problem.n_sites, problem.n_sites + pairs.nnz
    at_move = at_extension + len(how.extensions)
    capacity = np.minimum(problem.capacities, float(problem.weights.sum()))  # no site can serve more than everybody
    group = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    reach = sums(pairs.indices, weights[group], problem.n_sites)
    is_goal = np.isin(np.arange(problem.n_sites), [move.to for move in how.moves])
    by_site = np.argsort(pairs.indices, kind="stable")
    ends = np.cumsum(np.bincount(pairs.indices, minlength=problem.n_sites))
    entries: list[Entry] = []
    for site in np.flatnonzero((reach > capacity) | (is_goal & (reach > 0.0))).tolist():
        own = by_site[(ends[site - 1] if site else 0) : ends[site]]
        more = [(site, -capacity[site])]
        more += [(at_extension + at, -1.0) for at, e in enumerate(how.extensions) if e.site == site]
        more += [(at_move + at, capacity[site] - capacity[m.site]) for at, m in enumerate(how.moves) if m.to == site]
        columns = np.concatenate([first + own, np.array([at for at, _ in more], dtype=np.int64)])
        values = np.concatenate([weights[group[own]], np.array([value for _, value in more])])
        entries.append((columns, values, -np.inf, 0.0))
    return entries


def _paid(problem: SitingProblem, rules: list[Rule], how: CapacityRules, *, first: int) -> list[Rule]:
    """Return the rules with extensions and moves in the budget, and moved sites not counted as new."""
    spent = [(first + at, e.unit_cost) for at, e in enumerate(how.extensions)]
    counted = []
    for at, move in enumerate(how.moves, start=len(how.extensions)):
        kept = (
            problem.site_costs[move.site] - problem.site_costs[move.to]
        )  # closing saves, building costs: neither here
        spent.append((first + at, move.cost + kept))
        counted.append((first + at, -1.0))
    more = {"budget": spent, "new_sites": counted}
    return [_longer(rule, more.get(rule.name, [])) for rule in rules]


def _longer(rule: Rule, entries: list[tuple[int, float]]) -> Rule:
    if not entries:
        return rule
    body = replace(
        rule.body,
        rows=np.concatenate([rule.body.rows, np.zeros(len(entries), dtype=np.int64)]),
        columns=np.concatenate([rule.body.columns, np.array([at for at, _ in entries], dtype=np.int64)]),
        values=np.concatenate([rule.body.values, np.array([value for _, value in entries])]),
    )
    return replace(rule, body=body)


def _floors(problem: SitingProblem, group: Ints, column: Ints, weights: Floats, area_of_group: Ints) -> list[Rule]:
    rules = []
    for area, share in sorted(problem.rules.floor.items()):
        total = float(problem.weights[problem.demand_areas == area].sum())
        inside = area_of_group[group] == area
        low = share * total - 1e-9 * max(total, 1.0)
        rules.append(Rule("floor", rows_of([(column[inside], weights[group][inside], low, np.inf)]), area, 0.0, total))
    return rules


def _served(must_go: Bools, group_of: Ints, group: Ints, column: Ints) -> Rule:
    """Return that rows are served whole; rows without any site make it impossible."""
    lost = int(np.count_nonzero(must_go & (group_of < 0)))
    needed = np.unique(group_of[must_go & (group_of >= 0)])
    at = np.searchsorted(needed, group)
    is_needed = np.isin(group, needed)
    n_rows = len(needed) + bool(lost)
    body = Rows(
        at[is_needed], column[is_needed], np.ones(np.count_nonzero(is_needed)), np.ones(n_rows), np.full(n_rows, np.inf)
    )
    return Rule("reach", body, place=lost or None)
