"""Why a plan cannot be: the English sentences of ``siting`` are said in Chinese, each of their parts."""

import re

import numpy as np
import pytest

from chongming_gis.siting import exact, phases
from chongming_gis.siting.lscp import lscp, psclp
from chongming_gis.siting.mclp import mclp
from chongming_gis.siting.p_center import p_center
from chongming_gis.siting.p_dispersion import p_dispersion
from chongming_gis.siting.p_median import p_median
from chongming_gis.siting.problem import SideRules, SitingProblem
from chongming_gis.wording import Words
from tests.reports.test_proposals import chapter
from tests.toy.proposed import with_proposals

INF = np.inf
COSTS = np.array([[1.0, 9.0, INF], [9.0, 1.0, 9.0], [INF, 9.0, 1.0]])  # each of three sites serves its own people
AREAS = {"demand_areas": [0, 1, 2], "site_areas": [0, 1, 2]}


def problem(**rules):
    return SitingProblem(COSTS, [10.0, 20.0, 30.0], site_costs=[3.0, 4.0, 5.0], **AREAS, rules=SideRules(**rules))


def cover(new_sites, **rules):
    return exact.solve_mclp(problem(**rules), standard=2.0, new_sites=new_sites)


PLANS = {
    "budget": lambda: cover(3, budget=2.0, forced=(0,)),
    "new_sites": lambda: cover(1, at_least={0: 1, 1: 1}),
    "at_least": lambda: cover(3, at_least={0: 2}),
    "at_most": lambda: cover(3, at_most={0: 0}, forced=(0,)),
    "forbidden": lambda: cover(3, forbidden=(0,), floor={0: 1.0}),
    "exclusive": lambda: cover(3, exclusive=((0, 1),), forced=(0, 1)),
    "spacing": lambda: cover(3, spacing=((0, 1),), forced=(0, 1)),
    "floor": lambda: cover(1, floor={0: 1.0, 1: 0.9}),
    "several": lambda: cover(0, budget=1.0, floor={0: 1.0}, forbidden=(0,)),
    "lscp": lambda: lscp(problem(forbidden=(0,)), standard=2.0),
    "lscp, budget": lambda: exact.solve_lscp(problem(budget=1.0), standard=2.0),
    "psclp": lambda: psclp(problem(forbidden=(0, 1)), standard=2.0, share=0.9),
    "mclp forced": lambda: mclp(problem(forced=(0,), forbidden=(0,)), standard=2.0, new_sites=1),
    "mclp many": lambda: mclp(problem(forced=(0, 1)), standard=2.0, new_sites=1),
    "mclp none": lambda: mclp(problem(forbidden=(0, 1, 2)), standard=2.0, new_sites=1),
    "p-median": lambda: p_median(problem(forbidden=(1,)), new_sites=1),
    "p-median lost": lambda: p_median(problem(forbidden=(1, 2)), new_sites=1),
    "p-median forced": lambda: p_median(problem(forced=(0, 1)), new_sites=1),
    "p-center": lambda: p_center(problem(forced=(0,), forbidden=(0,)), new_sites=2),
    "p-dispersion": lambda: p_dispersion(np.ones((2, 2)), new_sites=3),
    "phases": lambda: phases.plan_phases(problem(), phases.Phases(limits=(1.0, 1.0), unit="budget"), standard=2.0),
}


@pytest.mark.parametrize("case", PLANS)
def test_every_reason_is_said_in_chinese(case):
    """No letter is left that is not a number's or a site's; the English sentence stays as it is."""
    plan = PLANS[case]()
    assert plan.reason, plan.status
    told = Words("zh").reason(plan.reason)
    assert not re.search("[A-Za-z]", told), (plan.reason, told)
    assert set(re.findall(r"\d+", told)) == set(re.findall(r"\d+", plan.reason))
    assert Words("en").reason(plan.reason) == plan.reason


PARTS = {
    "no plan obeys all rules; any one of these would have to give way: (1) budget: 2 is too little; the other rules "
    "need at least 3; (2) floor of area 3: 50.0% of 30 is too much; the other rules allow at most 40.0%": (
        "没有符合全部规则的方案；下列规则放宽任何一条即可：（1）预算 2 不够；其他规则至少需要 3；"
        "（2）区域 3 的下限 50.0%（共 30）太高；其他规则至多允许 40.0%"
    ),
    "no plan obeys all rules together: budget, exclusive sites [1, 2], at_least of area 4, reach": (
        "没有同时符合全部规则的方案：预算、互斥的地点 [1, 2]、区域 4 至少新增、人人可达"
    ),
    "护理床: at least 60 is asked for; with the sizes allowed at most 55": ("护理床：要求至少 60；按允许的规模至多 55"),
    "budget: 1,000 is too little; the duties cost at least 2,000": "预算 1,000 不够；达到各项指标至少要花 2,000",
    "a rule of tomorrow": "a rule of tomorrow",
}


@pytest.mark.parametrize(("sentence", "told"), PARTS.items(), ids=range(len(PARTS)))
def test_parts_of_a_reason(sentence, told):
    assert Words("zh").reason(sentence) == told


def test_a_chinese_report_of_an_infeasible_proposal_has_no_english_sentence(toy_result):
    reason = cover(1, at_least={0: 1, 1: 1}).reason
    changes = {"n_new": 0, "status": "infeasible", "reason": reason, "covered_after": 30.0, "objective": -INF}
    section = chapter(with_proposals(toy_result, **changes, bound=-INF, gap=INF, cost=0.0), "zh")
    shown = repr(section)
    assert Words("zh").reason(reason) in shown
    assert reason not in shown
