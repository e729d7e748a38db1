"""Side rules as rows over the sites: they bind in every model, and an infeasible model can name each of them.

What the rules say of sites that stand:

- *new_sites* is "at most": a plan may build fewer. Closing a site does not allow one more.
- *budget*: new sites cost, closed ones save, their ``site_costs``; what is saved may be spent.
- *at_least*, *at_most* count new sites only.
- *forced* and *forbidden* name sites that are, or are not, open in the plan; a closable site that is forced stays,
  and one that is forbidden closes (or moves, where it may). Forbidding a site that may not close has no effect: nothing
  is built there.
- *exclusive*, *spacing*: two sites that stand already break nothing; a site that stands, unless the plan closes it,
  keeps its partners from being built.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.errors import SitingError
from chongming_gis.siting.formulation import Rows, Rule, rows_of, stands

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chongming_gis.siting.formulation import Bools, Entry, Ints
    from chongming_gis.siting.problem import SitingProblem


def site_rules(problem: SitingProblem, *, new_sites: int | None, needs_limit: bool = True) -> list[Rule]:
    """Return every side rule about sites; floors are about people (``cover_rows.floor_rules``).

    Parameters
    ----------
    new_sites : most sites to build; None = as many as the budget allows
    needs_limit : whether building costs nothing in the objective, so that a number or a budget must limit it

    Raises
    ------
    SitingError
        ``new_sites`` is negative, or nothing limits what is built.
    """
    rules = problem.rules
    if new_sites is not None and new_sites < 0:
        raise SitingError(f"new_sites: {new_sites} must be at least 0")
    if needs_limit and new_sites is None and rules.budget is None:
        raise SitingError("new_sites: nothing limits what is built; give a number of new sites or a budget")
    is_new = ~_is_existing(problem)
    told = []
    if new_sites is not None:
        told.append(Rule("new_sites", _sum(np.flatnonzero(is_new), high=float(new_sites))))
    if rules.budget is not None:
        told.append(_budget(problem, rules.budget, is_new))
    for name, counts in (("at_least", rules.at_least), ("at_most", rules.at_most)):
        for area, count in sorted(counts.items()):
            inside = np.flatnonzero(is_new & (problem.site_areas == area))
            limits = {"low": float(count)} if name == "at_least" else {"high": float(count)}
            told.append(Rule(name, _sum(inside, **limits), area))
    told += [Rule("forced", _sum([site], low=1.0), site) for site in sorted(set(rules.forced))]
    is_fixed = stands(problem)
    forbidden = [site for site in sorted(set(rules.forbidden)) if not is_fixed[site]]
    told += [Rule("forbidden", _sum(forbidden, high=0.0))] if forbidden else []
    told += _exclusive(problem, is_new)
    return told + _spacing(problem, is_new)


def _is_existing(problem: SitingProblem) -> Bools:
    is_existing = np.zeros(problem.n_sites, dtype=bool)
    is_existing[problem.existing] = True
    return is_existing


def _sum(sites: Ints | list[int], *, low: float = -math.inf, high: float = math.inf) -> Rows:
    return rows_of([(sites, np.ones(len(sites)), low, high)])


def _budget(problem: SitingProblem, budget: float, is_new: Bools) -> Rule:
    closable = np.array(sorted(set(problem.rules.closable)), dtype=np.int64)
    columns = np.concatenate([np.flatnonzero(is_new), closable])
    saved = float(problem.site_costs[closable].sum())  # spent - (saved where closed) = spent + (kept) - all kept
    body = rows_of([(columns, problem.site_costs[columns], -math.inf, budget + saved + 1e-9 * max(budget, 1.0))])
    return Rule("budget", body, offset=-saved)


def _exclusive(problem: SitingProblem, is_new: Bools) -> list[Rule]:
    told = []
    for at, group in enumerate(problem.rules.exclusive):
        sites = np.unique(np.asarray(group, dtype=np.int64))
        built, standing = sites[is_new[sites]], sites[~is_new[sites]]
        entries: list[Entry] = [(built, np.ones(len(built)), -math.inf, 1.0)]
        entries += _apart(problem, ((int(i), int(k)) for i in built for k in standing), is_new)
        told.append(Rule("exclusive", rows_of(entries), at))
    return told


def _spacing(problem: SitingProblem, is_new: Bools) -> list[Rule]:
    pairs = {(min(i, k), max(i, k)) for i, k in problem.rules.spacing if i != k}
    entries = _apart(problem, sorted(pairs), is_new)
    return [Rule("spacing", rows_of(entries))] if entries else []


def _apart(problem: SitingProblem, pairs: Iterable[tuple[int, int]], is_new: Bools) -> list[Entry]:
    """Return a row a pair: not both, unless both stand already."""
    is_fixed = stands(problem)
    entries: list[Entry] = []
    for pair in pairs:
        if not (is_new[pair[0]] or is_new[pair[1]]):
            continue
        free = [site for site in pair if not is_fixed[site]]
        entries.append((free, [1.0] * len(free), -math.inf, float(len(free) - 1)))
    return entries
