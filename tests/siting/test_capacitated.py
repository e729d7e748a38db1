"""Capacities, split and single assignment, extensions and moves, against every plan there is."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from chongming_gis.errors import SitingError
from chongming_gis.siting import SideRules, SitingProblem
from chongming_gis.siting.capacitated import (
    CapacityRules,
    Extension,
    Move,
    capacitated_mclp,
    capacitated_p_median,
)
from tests.siting import slow_checker
from tests.siting.question_strategies import questions


@st.composite
def capacity_questions(draw, max_rows=4, max_sites=4):
    problem = draw(questions(max_sites=max_sites, max_rows=max_rows))
    sites = range(problem.n_sites)
    capacities = [draw(st.sampled_from((0.0, 2.0, 5.0, 7.0, math.inf))) for _ in sites]
    existing = problem.existing.tolist()
    candidates = [j for j in sites if j not in existing]
    extended = draw(st.lists(st.sampled_from(sites), max_size=2, unique=True))
    extensions = tuple(
        Extension(j, draw(st.sampled_from((0.0, 1.0, 2.0))), draw(st.sampled_from((0.0, 2.0, 4.0)))) for j in extended
    )
    moves = ()
    if existing and candidates:
        move = st.builds(Move, st.sampled_from(existing), st.sampled_from(candidates), st.sampled_from((0.0, 2.0)))
        moves = tuple(draw(st.lists(move, max_size=2, unique_by=lambda m: (m.site, m.to))))
    how = CapacityRules(draw(st.sampled_from(("single", "split"))), extensions, moves)
    changed = SitingProblem(
        problem.costs, problem.weights, existing=existing, site_costs=problem.site_costs, capacities=capacities,
        demand_areas=problem.demand_areas, site_areas=problem.site_areas, rules=problem.rules,
    )  # fmt: skip
    return changed, how


def every_capacity_plan(problem, how, new_sites):
    """(open sites, capacity of each, money left) of every plan that obeys the rules about sites."""
    existing, rules = set(problem.existing.tolist()), problem.rules
    subsets = itertools.chain.from_iterable(itertools.combinations(how.moves, n) for n in range(len(how.moves) + 1))
    for moves in subsets:
        gone, goals = [m.site for m in moves], [m.to for m in moves]
        if len(set(gone)) < len(gone) or len(set(goals)) < len(goals):
            continue
        for built, closed in slow_checker.every_plan(problem):
            if built & set(goals) or closed & set(gone):
                continue
            spent = slow_checker.money(problem, built, closed) + sum(m.cost for m in moves)
            left = math.inf if rules.budget is None else rules.budget - spent
            if len(built) > new_sites or left < -1e-9:
                continue
            loose = with_rules(problem, closable=(*rules.closable, *(m.site for m in how.moves)), budget=None, floor={})
            if slow_checker.broken_rules(loose, built | set(goals), closed | set(gone)):
                continue
            capacity = {j: problem.capacities[j] for j in (existing - closed - set(gone)) | built}
            capacity |= {m.to: problem.capacities[m.site] for m in moves}
            yield capacity, max(left, 0.0)


def with_rules(problem, **changes):
    rules = {name: getattr(problem.rules, name) for name in SideRules.__slots__} | changes
    return SitingProblem(
        problem.costs, problem.weights, existing=problem.existing, site_costs=problem.site_costs,
        demand_areas=problem.demand_areas, site_areas=problem.site_areas, rules=SideRules(**rules),
    )  # fmt: skip


def best_single(problem, how, capacity, left, pays, offset, must_go):
    """The least pay of every way to give each row one open site, or none; None where no way obeys."""
    extensions = {e.site: e for e in how.extensions}
    known = sorted(pays)
    rows = [i for i in range(problem.n_demand) if problem.weights[i] > 0]
    choices = [[j for i2, j in known if i2 == i and j in capacity] + ([] if must_go else [None]) for i in rows]
    best = None
    for chosen in itertools.product(*choices):
        load = dict.fromkeys(capacity, 0.0)
        for i, j in zip(rows, chosen, strict=True):
            if j is not None:
                load[j] += problem.weights[i]
        over = {j: load[j] - capacity[j] for j in capacity if load[j] > capacity[j]}
        if any(j not in extensions or extensions[j].most < more for j, more in over.items()):
            continue
        if sum(extensions[j].unit_cost * more for j, more in over.items()) > left + 1e-9:
            continue
        served = dict(zip(rows, [j is not None for j in chosen], strict=True))
        if not floors_hold(problem, lambda i, served=served: float(served.get(i, False))):
            continue
        pay = offset + sum(problem.weights[i] * pays[i, j] for i, j in zip(rows, chosen, strict=True) if j is not None)
        best = pay if best is None else min(best, pay)
    return best


def floors_hold(problem, share_of):
    for area, share in problem.rules.floor.items():
        rows = np.flatnonzero(problem.demand_areas == area)
        total = problem.weights[rows].sum()
        if sum(problem.weights[i] * share_of(i) for i in rows) < share * total - 1e-9:
            return False
    return True


def best_split(problem, how, capacity, left, pays, offset, must_go):
    """The same where rows may be split: a linear programme in persons."""
    pairs = [(i, j) for i, j in sorted(pays) if j in capacity and problem.weights[i] > 0]
    extensions = [e for e in how.extensions if e.site in capacity]
    n, m = len(pairs), len(pairs) + len(extensions)
    rows, limits, equal, equal_to = [], [], [], []
    for i in range(problem.n_demand):
        row = np.array([float(i2 == i) for i2, _ in pairs] + [0.0] * (m - n))
        if must_go and problem.weights[i] > 0:
            equal.append(row)
            equal_to.append(problem.weights[i])
        else:
            rows.append(row)
            limits.append(problem.weights[i])
    for j, most in capacity.items():
        if math.isfinite(most):
            rows.append(np.array([float(j2 == j) for _, j2 in pairs] + [-float(e.site == j) for e in extensions]))
            limits.append(most)
    if math.isfinite(left):
        rows.append(np.array([0.0] * n + [e.unit_cost for e in extensions]))
        limits.append(left)
    for area, share in problem.rules.floor.items():
        inside = problem.demand_areas == area
        rows.append(-np.array([float(inside[i]) for i, _ in pairs] + [0.0] * (m - n)))
        limits.append(-share * problem.weights[inside].sum() + 1e-9)
    if m == 0:
        met = all(limit >= -1e-9 for limit in limits) and all(value == 0.0 for value in equal_to)
        return offset if met else None
    found = linprog(
        [*(pays[pair] for pair in pairs), *([0.0] * (m - n))],
        A_ub=np.array(rows) if rows else None, b_ub=limits or None,
        A_eq=np.array(equal) if equal else None, b_eq=equal_to or None,
        bounds=[(0, None)] * n + [(0, e.most) for e in extensions],
    )  # fmt: skip
    return None if found.status == 2 else offset + found.fun


def slow_best(problem, how, new_sites, pays, offset, must_go):
    judge = best_single if how.assignment == "single" else best_split
    found = [
        judge(problem, how, capacity, left, pays, offset, must_go)
        for capacity, left in every_capacity_plan(problem, how, new_sites)
    ]
    return min((value for value in found if value is not None), default=None)


def assert_obeys(problem, how, found, new_sites, covers):
    """The rules, counted from the flows."""
    plan = found.plan
    flows = found.flows.toarray()
    is_open = slow_checker.open_sites(problem, plan.chosen.tolist(), plan.closed.tolist())
    moved = {m.to: m for m in found.moves}
    assert {(i, j) for i, j in zip(*np.nonzero(flows), strict=True)} <= set(covers)
    assert set(np.flatnonzero(flows.sum(axis=0)).tolist()) <= is_open
    assert (flows.sum(axis=1) <= problem.weights * (1 + 1e-6)).all()
    extensions = {e.site: e for e in how.extensions}
    for j in range(problem.n_sites):
        capacity = problem.capacities[moved[j].site if j in moved else j]
        assert flows[:, j].sum() <= capacity + found.added[j] + 1e-5
        assert found.added[j] <= (extensions[j].most + 1e-6 if j in extensions else 0.0)
        assert found.added[j] <= 1e-6 or j in is_open
    built = set(plan.chosen.tolist()) - set(moved)
    assert len(built) <= new_sites
    if problem.rules.budget is not None:
        closed = set(plan.closed.tolist()) - {m.site for m in found.moves}
        spent = slow_checker.money(problem, built, closed) + sum(m.cost for m in found.moves)
        spent += sum(extensions[j].unit_cost * found.added[j] for j in extensions)
        assert spent <= problem.rules.budget + 1e-5
    loose = with_rules(problem, budget=None, closable=(*problem.rules.closable, *(m.site for m in how.moves)))
    shares = flows.sum(axis=1) / np.where(problem.weights > 0, problem.weights, 1.0) + 1e-6
    assert not slow_checker.broken_rules(loose, set(plan.chosen.tolist()), set(plan.closed.tolist()), covered=shares)
    if how.assignment == "single":
        assert (np.count_nonzero(flows, axis=1) <= 1).all()


def assert_is_best(problem, how, found, new_sites, pays, offset, must_go, sign):
    best = slow_best(problem, how, new_sites, pays, offset, must_go)
    if best is None:
        assert found.plan.status == "infeasible"
        assert found.plan.reason
        return
    assert found.plan.status == "optimal"
    assert sign * found.plan.objective == pytest.approx(best, rel=1e-5, abs=1e-5)
    assert found.plan.bound == pytest.approx(found.plan.objective, rel=1e-9)
    assert_obeys(problem, how, found, new_sites, pays)
    counted = offset + sum(flow * pays[i, j] for (i, j), flow in np.ndenumerate(found.flows.toarray()) if flow)
    assert sign * found.plan.objective == pytest.approx(counted, rel=1e-9, abs=1e-9)


@settings(max_examples=40)
@given(capacity_questions(), st.integers(0, 9), st.integers(0, 3))
def test_the_capacitated_mclp_is_the_best_of_all_plans(question, standard, new_sites):
    problem, how = question
    found = capacitated_mclp(problem, standard=standard, new_sites=new_sites, capacity=how)
    pays = {pair: -1.0 for pair, cost in slow_checker.pairs(problem).items() if cost <= standard}
    assert_is_best(problem, how, found, new_sites, pays, 0.0, False, -1.0)


@settings(max_examples=40)
@given(capacity_questions(), st.sampled_from((None, 0.0, 5.0, 20.0)), st.integers(0, 3))
def test_the_capacitated_p_median_is_the_best_of_all_plans(question, unreachable_cost, new_sites):
    problem, how = question
    found = capacitated_p_median(problem, new_sites=new_sites, unreachable_cost=unreachable_cost, capacity=how)
    without = unreachable_cost or 0.0
    pays = {pair: cost - without for pair, cost in slow_checker.pairs(problem).items()}
    offset = without * problem.weights.sum()
    assert_is_best(problem, how, found, new_sites, pays, offset, unreachable_cost is None, 1.0)


@settings(max_examples=12)
@given(capacity_questions(max_rows=3, max_sites=12), st.integers(0, 9), st.integers(0, 2))
def test_the_capacitated_models_are_the_best_among_twelve_sites_too(question, standard, new_sites):
    problem, how = question
    found = capacitated_mclp(problem, standard=standard, new_sites=new_sites, capacity=how)
    costs = slow_checker.pairs(problem)
    pays = {pair: -1.0 for pair, cost in costs.items() if cost <= standard}
    assert_is_best(problem, how, found, new_sites, pays, 0.0, False, -1.0)
    found = capacitated_p_median(problem, new_sites=new_sites, unreachable_cost=5.0, capacity=how)
    pays = {pair: cost - 5.0 for pair, cost in costs.items()}
    assert_is_best(problem, how, found, new_sites, pays, 5.0 * problem.weights.sum(), False, 1.0)


def village_and_town(capacities, **settings):
    """A town of 10 with site 0, a village of 6 with site 1, an hour apart."""
    return SitingProblem([[0.0, 60.0], [60.0, 0.0]], [10, 6], capacities=capacities, **settings)


def test_people_may_be_split_between_sites_or_go_whole():
    problem = village_and_town([8.0, 8.0])
    split = capacitated_p_median(problem, new_sites=2)
    assert split.plan.objective == pytest.approx(2 * 60.0)
    assert split.flows.toarray() == pytest.approx(np.array([[8.0, 2.0], [0.0, 6.0]]))
    assert split.plan.assigned.tolist() == [0, 1]
    single = capacitated_p_median(problem, new_sites=2, capacity=CapacityRules("single"))
    assert single.plan.status == "infeasible"
    assert "reach: not everyone can be served" in single.plan.reason
    some = capacitated_mclp(problem, standard=0.0, new_sites=2, capacity=CapacityRules("single"))
    assert (some.plan.objective, some.plan.assigned.tolist()) == (6.0, [-1, 1])


def test_capacity_is_added_where_the_budget_allows_it():
    problem = village_and_town([8.0, 8.0], existing=[0], site_costs=[0.0, 9.0], rules=SideRules(budget=3.0))
    extended = CapacityRules("split", (Extension(0, unit_cost=1.5, most=5.0),))
    found = capacitated_mclp(problem, standard=0.0, new_sites=1, capacity=extended)
    assert found.plan.objective == pytest.approx(10.0)
    assert found.added == pytest.approx(np.array([2.0, 0.0]))
    poor = capacitated_mclp(problem, standard=0.0, new_sites=1)
    assert poor.plan.objective == pytest.approx(8.0)


def test_a_site_moves_with_its_capacity_and_counts_as_none_of_the_new():
    problem = SitingProblem(
        [[0.0, 60.0], [60.0, 0.0]], [1, 6], existing=[0], capacities=[5.0, 2.0], site_costs=[0.0, 9.0],
        rules=SideRules(budget=4.0),
    )  # fmt: skip
    may_move = CapacityRules(moves=(Move(0, to=1, cost=4.0),))
    found = capacitated_mclp(problem, standard=0.0, new_sites=0, capacity=may_move)
    assert (found.plan.chosen.tolist(), found.plan.closed.tolist()) == ([1], [0])
    assert found.moves == may_move.moves
    assert found.plan.objective == pytest.approx(5.0)
    dear = CapacityRules(moves=(Move(0, to=1, cost=4.1),))
    stays = capacitated_mclp(problem, standard=0.0, new_sites=0, capacity=dear)
    assert (stays.plan.objective, stays.moves) == (pytest.approx(1.0), ())


def test_an_infeasible_floor_within_capacities_says_what_is_possible():
    problem = village_and_town([4.0, 4.0], demand_areas=[3, 3], rules=SideRules(floor={3: 0.8}))
    found = capacitated_mclp(problem, standard=99.0, new_sites=2)
    assert found.plan.status == "infeasible"
    assert "floor of area 3: 80.0% of 16 is too much; the other rules allow at most 50.0%" in found.plan.reason
    assert found.flows.nnz == 0


def test_what_cannot_be_extended_or_moved_is_refused_all_at_once():
    problem = village_and_town([8.0, 8.0], existing=[0])
    wrong = CapacityRules(
        "half",  # type: ignore[arg-type]
        (Extension(7, 1.0, 1.0), Extension(1, -1.0, 1.0), Extension(1, 1.0, math.nan)),
        (Move(1, to=0, cost=math.inf),),
    )
    with pytest.raises(SitingError) as told:
        capacitated_mclp(problem, standard=0.0, new_sites=1, capacity=wrong)
    for part in (
        "assignment: 'half'",
        "site 7: no site",
        "given more than once",
        "does not stand",
        "must go to a cand",
    ):
        assert part in str(told.value)
    with pytest.raises(SitingError, match="unreachable_cost"):
        capacitated_p_median(problem, new_sites=1, unreachable_cost=-1.0)
