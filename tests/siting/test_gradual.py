"""Gradual and backup cover against every plan there is, and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.errors import SitingError
from chongming_gis.siting import SideRules, SitingProblem
from chongming_gis.siting.exact import solve_mclp
from chongming_gis.siting.gradual import Backup, backup_coverage, gradual_cover
from tests.siting import slow_checker
from tests.siting.question_strategies import questions


def assert_is_best(plan, problem, judge, **question):
    best = slow_checker.best(problem, judge, "maximise", **question)
    if best is None:
        assert plan.status == "infeasible"
        assert plan.reason
        return
    obeys, objective = judge(problem, set(plan.chosen.tolist()), set(plan.closed.tolist()), **question)
    assert obeys
    assert plan.status == "optimal"
    assert plan.objective == pytest.approx(objective, rel=1e-9, abs=1e-9)
    assert plan.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
    assert plan.bound >= plan.objective


@settings(max_examples=35)
@given(questions(), st.integers(0, 9), st.integers(0, 4), st.sampled_from(("linear", "binary")))
def test_gradual_cover_is_the_best_of_all_plans(problem, standard, new_sites, decay):
    question = {"standard": standard, "new_sites": new_sites, "decay": decay}
    assert_is_best(gradual_cover(problem, **question), problem, slow_checker.gradual, **question)


@settings(max_examples=35)
@given(
    questions(),
    st.integers(2, 9),
    st.integers(0, 4),
    st.sampled_from(("BACOP1", "BACOP2")),
    st.sampled_from((0.0, 0.3, 0.5, 1.0)),
)
def test_backup_cover_is_the_best_of_all_plans(problem, standard, new_sites, definition, first_share):
    found = backup_coverage(problem, standard=standard, new_sites=new_sites, backup=Backup(definition, first_share))
    question = {"standard": standard, "new_sites": new_sites, "definition": definition, "first_share": first_share}
    assert_is_best(found.plan, problem, slow_checker.backup, **question)


def test_gradual_cover_counts_the_share_of_the_standard_that_is_left():
    # two people at 3 of 10, three at 10 of 10 (within, but nothing left of a straight line), one beyond
    problem = SitingProblem([[3.0], [10.0], [11.0]], [2, 3, 1])
    plan = gradual_cover(problem, standard=10.0, new_sites=1, decay="linear")
    assert plan.objective == pytest.approx(2 * 0.7)
    assert plan.assigned.tolist() == [0, -1, -1]


def test_gradual_cover_by_a_step_is_the_maximal_cover():
    rng = np.random.default_rng(5)
    problem = SitingProblem(rng.integers(0, 40, (30, 12)).astype(float), rng.integers(1, 9, 30))
    for new_sites in range(4):
        gradual = gradual_cover(problem, standard=8.0, new_sites=new_sites, decay="binary")
        assert gradual.objective == solve_mclp(problem, standard=8.0, new_sites=new_sites).objective


def test_who_has_one_possible_site_is_not_backed_up():
    problem = SitingProblem([[1.0, math.inf], [1.0, 1.0]], [10, 1])
    found = backup_coverage(problem, standard=5.0, new_sites=2)
    assert found.covered_weight == 11.0
    assert found.backed_up_weight == 1.0


def test_a_standing_site_is_a_first_cover():
    problem = SitingProblem([[1.0, 1.0, math.inf], [math.inf, math.inf, 1.0]], [4, 5], existing=[0])
    twice = backup_coverage(problem, standard=5.0, new_sites=1, backup=Backup("BACOP2", first_share=0.0))
    assert twice.plan.chosen.tolist() == [1]
    once = backup_coverage(problem, standard=5.0, new_sites=1, backup=Backup("BACOP2", first_share=1.0))
    assert once.plan.chosen.tolist() == [2]


def test_mandatory_first_cover_comes_before_any_backup():
    problem = SitingProblem([[1.0, 1.0, math.inf], [math.inf, math.inf, 1.0]], [40, 5])
    found = backup_coverage(problem, standard=5.0, new_sites=2, backup=Backup("BACOP1"))
    assert 2 in found.plan.chosen
    assert found.backed_up_weight == 0.0
    short = backup_coverage(problem, standard=5.0, new_sites=1, backup=Backup("BACOP1"))
    assert short.plan.status == "infeasible"
    assert "new_sites: 1 are too few; the other rules need at least 2" in short.plan.reason
    assert math.isnan(short.covered_weight)


def test_an_unknown_definition_is_refused():
    problem = SitingProblem([[1.0]], [1], rules=SideRules())
    with pytest.raises(SitingError, match="BACOP1, or BACOP2"):
        backup_coverage(problem, standard=1.0, new_sites=1, backup=Backup("both"))
    with pytest.raises(SitingError, match="first_share"):
        backup_coverage(problem, standard=1.0, new_sites=1, backup=Backup("BACOP2", 2.0))
