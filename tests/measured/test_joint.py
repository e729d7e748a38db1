"""A joint plan in the toy town: meals and soup, within four minutes; A reaches d0 (10), F d0 and d1 (30), H d2 (30)."""

import numpy as np
import pytest

from chongming_gis import candidates as candidates_module
from chongming_gis import tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import joint
from chongming_gis.measured_tables import MEASURED
from tests.measured.test_phased import SHORT
from tests.measured.toy_ground import A, F, H, make_ground, places_of, the_study
from tests.proposals.test_proposals import ASKED, CANDIDATES, COSTS, PLAN, candidates

SAYS = {"name_zh": "名", "name_en": "name", "source": "test"}
SOUP = {**SAYS, "id": "soup_cost", "what": "site", "value": 100.0, "year": 2021}
SAVING = {**SAYS, "id": "sharing", "what": "co_location_saving", "value": 0.5, "year": 2021}
JOINT = {
    **SAYS,
    "id": "both",
    "parts": [{"proposal": "more"}, {"proposal": "broth", "at_least": 0}],
    "budget": 600.0,
    "saving": "sharing",
}
STANDING = [A]


def study_of(*, more=None, broth=None, costs=(SOUP, SAVING), **changes):
    proposals = [{**ASKED, "new_sites": 1, "cost": "new", **(more or {})}]
    proposals.append({**ASKED, "id": "broth", "service": "soup", "new_sites": 1, "cost": "soup_cost", **(broth or {})})
    return the_study(
        {"meal": SHORT, "soup": SHORT},
        candidates=[{**CANDIDATES[0], "services": ["meal", "soup"]}],
        proposals=proposals,
        costs=[*COSTS, *costs],
        plan=PLAN,
        joint_proposals=[{**JOINT, **changes}],
    )


def join(monkeypatch, *at, more=None, broth=None, **changes):
    monkeypatch.setattr(candidates_module, "make_candidates", lambda *_, **__: candidates(*at))
    monkeypatch.setattr(candidates_module, "read_ground", lambda *_: None)
    study = study_of(more=more, broth=broth, **changes)
    frames = {name: places_of(name, STANDING, township=["t1"]) for name in ("meal", "soup")}
    found = joint.join(make_ground(study, frames))
    for name, table in found.tables.items():
        tables.validate(table, MEASURED[name], where=name)
    return found


def test_sharing_a_site_buys_one_more(monkeypatch):
    """600: a meal point at H (500) and soup there at half its price; apart soup has 50 of the last 100: too little."""
    found = join(monkeypatch, F, H)
    rows = found.tables["joint_plans"].set_index("service")
    assert rows.loc["meal", ["n_new", "spent", "saved", "covered"]].tolist() == [1, 500.0, 0.0, 40.0]
    assert rows.loc["soup", ["n_new", "spent", "saved", "covered"]].tolist() == [1, 50.0, 50.0, 40.0]
    assert rows.loc["all", ["n_new", "spent", "saved", "covered"]].tolist() == [2, 550.0, 50.0, 80.0]
    assert rows["covered_before"].tolist() == [10.0, 10.0, 20.0]
    assert rows.loc["all", ["status", "objective", "bound"]].tolist() == ["optimal", 80.0, 80.0]
    sites = found.tables["joint_sites"]
    assert sites["place_id"].tolist() == ["c1", "c1"]
    assert sites["shared_with"].tolist() == ["soup", "meal"]
    assert sites["lost_without"].tolist() == [30.0, 30.0]
    assert sites["is_apart"].tolist() == [True, False]


def test_what_sharing_saves_is_spent_on_more_people(monkeypatch):
    found = join(monkeypatch, F, H, budget=650.0)  # apart soup has 150 / 2 and more: 500 + 75, 0 + 75
    rows = found.tables["joint_plans"].set_index("service")
    assert rows.loc["soup", ["n_new", "covered"]].tolist() == [2, 60.0]
    assert rows.loc["soup", ["apart_budget", "apart_n_new", "apart_covered"]].tolist() == [75.0, 0, 10.0]
    assert rows.loc["all", ["covered", "apart_covered"]].tolist() == [100.0, 50.0]


def test_shares_of_the_study_are_the_budgets_apart(monkeypatch):
    parts = [{"proposal": "more", "share": 0.5}, {"proposal": "broth", "share": 0.5, "weight": 2.0}]
    found = join(monkeypatch, F, H, parts=parts)
    rows = found.tables["joint_plans"].set_index("service")
    assert rows["apart_budget"].tolist() == [300.0, 300.0, 600.0]
    assert rows["apart_n_new"].tolist() == [0, 2, 2]
    assert rows.loc["all", ["apart_covered", "covered"]].tolist() == [10 + 2 * 60.0, 40 + 2 * 40.0]


def test_too_little_money_for_what_is_asked_is_an_answer(monkeypatch):
    found = join(monkeypatch, F, H, budget=499.0)
    rows = found.tables["joint_plans"]
    assert set(rows["status"]) == {"infeasible"}
    assert rows["reason"].iloc[0] == "budget: 499 is too little; the rules of the services cost at least 500"
    assert rows["n_new"].isna().all()
    assert np.isfinite(rows["apart_covered"]).all()
    assert found.tables["joint_sites"].empty


def test_a_target_still_to_be_filled_is_told(monkeypatch):
    found = join(monkeypatch, F, H, more={"new_sites": None, "target": "later", "target_set": "next"}, budget=200.0)
    assert [finding.rule for finding in found.findings] == ["joint_target_to_fill"]
    assert found.tables["joint_plans"]["n_new"].tolist() == [0, 2, 2]
    found = join(monkeypatch, F, H, more={"new_sites": None, "target": "points", "target_set": "next"}, budget=1200.0)
    assert found.tables["joint_plans"]["n_new"].iloc[0] == 2  # three are asked for, one stands


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"parts": [{"proposal": "more"}, {"proposal": "less"}]}, r"joint_proposals\.both\.parts\.proposal: 'less'"),
        ({"parts": [{"proposal": "more"}]}, "two proposals or more"),
        ({"parts": []}, "two proposals or more"),
        ({"parts": [{"proposal": "more"}, {"proposal": "more"}]}, "named more than once"),
        ({"parts": [{"proposal": "more", "share": 0.5}, {"proposal": "broth"}]}, "for every part, or for none"),
        ({"parts": [{"proposal": "more", "share": 0.9}, {"proposal": "broth", "share": 0.9}]}, "more than the whole"),
        ({"parts": [{"proposal": "more", "weight": 0.0}, {"proposal": "broth", "weight": 0.0}]}, "one weight"),
        ({"saving": "new"}, r"joint_proposals\.both\.saving: 'new'"),
        ({"budget": 0.0}, "budget"),
        ({"broth": {"cost": None}}, "'broth' names no cost"),
        ({"broth": {"service": "meal"}}, "same service"),
        ({"costs": ({**SOUP, "year": 2019}, SAVING)}, "CNY 2019, CNY 2021"),
    ],
)
def test_a_joint_plan_that_the_study_cannot_ask_is_refused_by_name(changes, told):
    with pytest.raises(StudyError, match=told):
        study_of(**changes)
