"""Every plan of a small question at once: each choice of up to 12 sites is a row, each rule and objective an array.

The same definitions as ``slow_checker``, which judges one plan at a time; a test holds both against each other.
"""

import itertools

import numpy as np

TINY = 1e-9


def every_choice(problem):
    """(n_plans, n_sites) which sites are open: those that may be built or closed in every combination."""
    free = np.setdiff1d(np.arange(problem.n_sites), problem.existing)
    free = np.union1d(free, np.array(problem.rules.closable, dtype=int)).astype(int)
    is_open = np.zeros((2 ** len(free), problem.n_sites), dtype=bool)
    is_open[:, problem.existing] = True
    is_open[:, free] = (np.arange(2 ** len(free))[:, None] >> np.arange(len(free))) & 1
    return is_open


def stands(problem):
    is_existing = np.zeros(problem.n_sites, dtype=bool)
    is_existing[problem.existing] = True
    return is_existing


def dense(problem):
    """(n_demand, n_sites) costs, inf where there is no pair."""
    table = np.full(problem.costs.shape, np.inf)
    pairs = problem.costs.tocoo()
    table[pairs.row, pairs.col] = pairs.data
    return table


def limits(problem, standard):
    return np.broadcast_to(np.asarray(standard, dtype=float), (problem.n_demand,))


def times_covered(problem, is_open, standard):
    """(n_plans, n_demand) how many open sites cover a row."""
    return is_open.astype(float) @ (dense(problem) <= limits(problem, standard)[:, None]).T


def nearest(problem, is_open):
    """(n_plans, n_demand) the least cost to an open site, inf where none."""
    return np.where(is_open[:, None, :], dense(problem)[None], np.inf).min(axis=2, initial=np.inf)


def money(problem, is_open):
    return (is_open.astype(float) - stands(problem)) @ problem.site_costs


def obey(problem, is_open, *, new_sites=None, covered=None):
    """Which plans obey; ``covered`` (n_plans, n_demand) is the share of each row that counts for floors."""
    rules, built = problem.rules, is_open & ~stands(problem)
    good = np.ones(len(is_open), dtype=bool)
    if new_sites is not None:
        good &= built.sum(axis=1) <= new_sites
    if rules.budget is not None:
        good &= money(problem, is_open) <= rules.budget + TINY * max(1.0, rules.budget)
    for area, count in rules.at_least.items():
        good &= built[:, problem.site_areas == area].sum(axis=1) >= count
    for area, count in rules.at_most.items():
        good &= built[:, problem.site_areas == area].sum(axis=1) <= count
    good &= is_open[:, np.array(rules.forced, dtype=int)].all(axis=1)
    return good & _obey_places(problem, is_open) & _obey_floors(problem, covered, len(is_open))


def _obey_places(problem, is_open):
    rules, is_existing = problem.rules, stands(problem)
    is_movable = ~is_existing
    is_movable[np.array(rules.closable, dtype=int)] = True
    barred = [site for site in rules.forbidden if is_movable[site]]
    good = ~is_open[:, barred].any(axis=1)
    pairs = [pair for group in rules.exclusive for pair in itertools.combinations(sorted(set(group)), 2)]
    for one, other in (*pairs, *rules.spacing):
        if one != other and not (is_existing[one] and is_existing[other]):
            good &= ~(is_open[:, one] & is_open[:, other])
    return good


def _obey_floors(problem, covered, n_plans):
    good = np.ones(n_plans, dtype=bool)
    for area, share in problem.rules.floor.items() if covered is not None else ():
        weights = np.where(problem.demand_areas == area, problem.weights, 0.0)
        good &= covered @ weights >= share * weights.sum() - 2 * TINY * max(1.0, weights.sum())
    return good


def mclp(problem, is_open, *, standard, new_sites):
    """(which plans obey, their objectives), as below."""
    covered = (times_covered(problem, is_open, standard) > 0).astype(float)
    return obey(problem, is_open, new_sites=new_sites, covered=covered), covered @ problem.weights


def lscp(problem, is_open, *, standard):
    covered = times_covered(problem, is_open, standard) > 0
    could = times_covered(problem, np.ones((1, problem.n_sites), dtype=bool), standard) > 0
    good = obey(problem, is_open, covered=covered.astype(float)) & (covered == could).all(axis=1)
    return good, money(problem, is_open)


def psclp(problem, is_open, *, standard, share=None, weight=None):
    covered = (times_covered(problem, is_open, standard) > 0).astype(float)
    target = weight if share is None else share * problem.weights.sum()
    enough = covered @ problem.weights >= target - 2 * TINY * max(1.0, problem.weights.sum())
    return obey(problem, is_open, covered=covered) & enough, money(problem, is_open)


def p_median(problem, is_open, *, new_sites, unreachable_cost=None):
    near = nearest(problem, is_open)
    most = np.inf if unreachable_cost is None else unreachable_cost
    is_some = problem.weights > 0
    objective = np.minimum(near[:, is_some], most) @ problem.weights[is_some]
    good = obey(problem, is_open, new_sites=new_sites, covered=np.isfinite(near).astype(float))
    return good & np.isfinite(objective), objective


def p_center(problem, is_open, *, new_sites):
    near = nearest(problem, is_open)
    radius = near[:, problem.weights > 0].max(axis=1, initial=0.0)
    good = obey(problem, is_open, new_sites=new_sites, covered=np.isfinite(near).astype(float))
    return good & np.isfinite(radius), radius


def gradual(problem, is_open, *, standard, new_sites, decay):
    limit, costs = limits(problem, standard)[:, None], dense(problem)
    with np.errstate(divide="ignore", invalid="ignore"):
        fade = 1.0 - costs / limit if decay == "linear" else np.ones_like(costs)
    fade = np.where(costs <= limit, np.where(limit > 0.0, fade, 1.0), 0.0)
    cover = np.where(is_open[:, None, :], fade[None], 0.0).max(axis=2, initial=0.0)
    return obey(problem, is_open, new_sites=new_sites, covered=cover), cover @ problem.weights


def backup(problem, is_open, *, standard, new_sites, definition, first_share):
    count = times_covered(problem, is_open, standard)
    once, twice = count >= 1, count >= 2
    good = obey(problem, is_open, new_sites=new_sites, covered=once.astype(float))
    if definition == "BACOP2":
        return good, first_share * (once @ problem.weights) + (1 - first_share) * (twice @ problem.weights)
    could = times_covered(problem, np.ones((1, problem.n_sites), dtype=bool), standard) >= 1
    return good & (once == could).all(axis=1), twice @ problem.weights


def best(problem, judge, sense, **question):
    """The best objective of all plans that obey; None where none does."""
    good, objective = judge(problem, every_choice(problem), **question)
    if not good.any():
        return None
    return float(objective[good].max() if sense == "maximise" else objective[good].min())
