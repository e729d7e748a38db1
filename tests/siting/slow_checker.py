"""One plan at a time: each rule and each objective counted anew from the problem, row by row."""

import itertools
import math

import numpy as np

from tests.siting import all_plans

TINY = 1e-9


def pairs(problem):
    """{(row, site): cost} of every stored pair."""
    table = problem.costs.tocoo()
    return {(int(i), int(j)): float(c) for i, j, c in zip(table.row, table.col, table.data, strict=True)}


def every_plan(problem):
    """Every (built, closed) there is, rules or not."""
    existing = set(problem.existing.tolist())
    new = [j for j in range(problem.n_sites) if j not in existing]
    closable = sorted(set(problem.rules.closable))
    for n_built in range(len(new) + 1):
        for built in itertools.combinations(new, n_built):
            for n_closed in range(len(closable) + 1):
                for closed in itertools.combinations(closable, n_closed):
                    yield set(built), set(closed)


def open_sites(problem, built, closed):
    return (set(problem.existing.tolist()) - set(closed)) | set(built)


def broken_rules(problem, built, closed, *, new_sites=None, covered=None):
    """The names of the rules this plan breaks; ``covered`` gives the share of each row that counts for floors."""
    broken = broken_counts(problem, built, closed, new_sites) + broken_places(problem, built, closed)
    rules = problem.rules
    if covered is not None:
        for area, share in rules.floor.items():
            rows = [i for i in range(problem.n_demand) if problem.demand_areas[i] == area]
            total = sum(problem.weights[i] for i in rows)
            if sum(problem.weights[i] * covered[i] for i in rows) < share * total - 2 * TINY * max(1.0, total):
                broken.append("floor")
    return broken


def broken_counts(problem, built, closed, new_sites):
    rules, broken = problem.rules, []
    if new_sites is not None and len(built) > new_sites:
        broken.append("new_sites")
    if rules.budget is not None:
        spent = money(problem, built, closed)
        if spent > rules.budget + TINY * max(1.0, rules.budget):
            broken.append("budget")
    if any(sum(problem.site_areas[j] == area for j in built) < count for area, count in rules.at_least.items()):
        broken.append("at_least")
    if any(sum(problem.site_areas[j] == area for j in built) > count for area, count in rules.at_most.items()):
        broken.append("at_most")
    return broken


def broken_places(problem, built, closed):
    rules, broken = problem.rules, []
    existing, closable = set(problem.existing.tolist()), set(problem.rules.closable)
    is_open = open_sites(problem, built, closed)
    if built & existing or not closed <= closable:
        broken.append("sites")
    if not set(rules.forced) <= is_open:
        broken.append("forced")
    if set(rules.forbidden) & (built | ((existing & closable) - closed)):
        broken.append("forbidden")
    groups = [itertools.combinations(sorted(set(group)), 2) for group in rules.exclusive]
    if any(together(a, b, is_open, existing) for pairs_of_group in groups for a, b in pairs_of_group):
        broken.append("exclusive")
    if any(together(a, b, is_open, existing) for a, b in rules.spacing):
        broken.append("spacing")
    return broken


def together(one, other, is_open, existing):
    return one != other and {one, other} <= is_open and not {one, other} <= existing


def limits(problem, standard):
    return np.broadcast_to(np.asarray(standard, dtype=float), (problem.n_demand,))


def covered_rows(problem, is_open, standard):
    limit = limits(problem, standard)
    known = pairs(problem)
    return [any((i, j) in known and known[i, j] <= limit[i] for j in is_open) for i in range(problem.n_demand)]


def nearest(problem, is_open):
    known = pairs(problem)
    return [min((known[i, j] for j in is_open if (i, j) in known), default=math.inf) for i in range(problem.n_demand)]


def money(problem, built, closed):
    return sum(problem.site_costs[j] for j in built) - sum(problem.site_costs[j] for j in closed)


def mclp(problem, built, closed, *, standard, new_sites):
    """(obeys, objective)"""
    covered = covered_rows(problem, open_sites(problem, built, closed), standard)
    obeys = not broken_rules(problem, built, closed, new_sites=new_sites, covered=covered)
    return obeys, sum(w for w, c in zip(problem.weights, covered, strict=True) if c)


def lscp(problem, built, closed, *, standard):
    covered = covered_rows(problem, open_sites(problem, built, closed), standard)
    could = covered_rows(problem, set(range(problem.n_sites)), standard)
    return covered == could and not broken_rules(problem, built, closed, covered=covered), money(problem, built, closed)


def psclp(problem, built, closed, *, standard, share=None, weight=None):
    covered = covered_rows(problem, open_sites(problem, built, closed), standard)
    target = weight if share is None else share * problem.weights.sum()
    reached = sum(w for w, c in zip(problem.weights, covered, strict=True) if c)
    obeys = reached >= target - 2 * TINY * max(1.0, problem.weights.sum())
    return obeys and not broken_rules(problem, built, closed, covered=covered), money(problem, built, closed)


def p_median(problem, built, closed, *, new_sites, unreachable_cost=None):
    near = nearest(problem, open_sites(problem, built, closed))
    covered = [math.isfinite(c) for c in near]
    obeys = not broken_rules(problem, built, closed, new_sites=new_sites, covered=covered)
    most = math.inf if unreachable_cost is None else unreachable_cost
    objective = sum(w * min(c, most) for w, c in zip(problem.weights, near, strict=True) if w > 0)
    return obeys and math.isfinite(objective), objective


def p_center(problem, built, closed, *, new_sites):
    near = nearest(problem, open_sites(problem, built, closed))
    radius = max((c for w, c in zip(problem.weights, near, strict=True) if w > 0), default=0.0)
    covered = [math.isfinite(c) for c in near]
    return math.isfinite(radius) and not broken_rules(
        problem, built, closed, new_sites=new_sites, covered=covered
    ), radius


def best(problem, judge, sense, **question):
    """The best objective of all plans that obey; None where none does: ``all_plans`` under the judge's name."""
    return all_plans.best(problem, getattr(all_plans, judge.__name__), sense, **question)


def gradual(problem, built, closed, *, standard, new_sites, decay):
    """Cover that falls in a straight line ("linear") or in a step ("binary"), by the best open site."""
    limit, known = limits(problem, standard), pairs(problem)
    cover = []
    for i in range(problem.n_demand):
        costs = [known[i, j] for j in open_sites(problem, built, closed) if (i, j) in known and known[i, j] <= limit[i]]
        fade = {"binary": lambda c: 1.0 + 0.0 * c, "linear": lambda c, i=i: 1.0 - c / limit[i] if limit[i] else 1.0}[
            decay
        ]
        cover.append(max((fade(c) for c in costs), default=0.0))
    obeys = not broken_rules(problem, built, closed, new_sites=new_sites, covered=cover)
    return obeys, sum(w * c for w, c in zip(problem.weights, cover, strict=True))


def backup(problem, built, closed, *, standard, new_sites, definition, first_share):
    """Both definitions of backup cover."""
    is_open, limit, known = open_sites(problem, built, closed), limits(problem, standard), pairs(problem)
    count = [sum((i, j) in known and known[i, j] <= limit[i] for j in is_open) for i in range(problem.n_demand)]
    obeys = not broken_rules(problem, built, closed, new_sites=new_sites, covered=[c >= 1 for c in count])
    once = sum(w for w, c in zip(problem.weights, count, strict=True) if c >= 1)
    twice = sum(w for w, c in zip(problem.weights, count, strict=True) if c >= 2)
    if definition == "BACOP2":
        return obeys, first_share * once + (1 - first_share) * twice
    could = covered_rows(problem, set(range(problem.n_sites)), standard)
    return obeys and [c >= 1 for c in count] == could, twice
