"""Bed plans in the toy town of toy_ground.py, worked by hand.

Half a bed a person: d0 5, d1 10, d2 15, d3 2.5 (reaches nothing). Home A has 8 beds (2 nursing), home H 10 (3).
Minutes on foot: A to d0 0.67, d1 4.5, d2 16.5; H to d0 16.33, d1 12.83, d2 1.5. Without a bed 60 count.
"""

import numpy as np
import pytest

from chongming_gis import candidates as candidates_module
from chongming_gis import tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import beds
from chongming_gis.measured_tables import MEASURED
from tests.measured.toy_ground import A, F, H, capacities, make_ground, places_of, the_study
from tests.proposals.test_proposals import candidates
from tests.toy.study import text

SAYS = {"name_zh": "名", "name_en": "name", "source": "test"}


def cost(name, what, value, unit=None):
    return {**SAYS, "id": name, "what": what, "value": value, "year": 2021, **({"unit": unit} if unit else {})}


COSTS = [
    cost("build", "capacity", 200.0, "beds"),
    cost("extend", "capacity", 100.0, "beds"),
    cost("nurse", "conversion", 10.0, "nursing_beds"),
    cost("raise", "site", 50.0),
]
HOMES = {"services": ["home"]}
INDICATORS = {
    "beds": ("beds", 24, {"of": "capacity", "unit": "beds", **HOMES}),
    "nursing": ("percent", 50, {"of": "capacity_share", "unit": "nursing_beds", "whole_unit": "beds", **HOMES}),
    "per_person": (
        "percent", 30, {"of": "capacity_per_person", "unit": "beds", "group": "all", "base": "resident", **HOMES}
    ),
    "standard": ("percent", 100, {"of": "areas_with", "area": "township", "standardised": True, **HOMES}),
    "homes": ("count", 3, {"of": "facilities", **HOMES}),
    "later": ("beds", "to_fill", {"of": "capacity", "unit": "beds", **HOMES}),
    "stated": ("beds", 5, None),
    "soup": ("beds", 5, {"of": "capacity", "services": ["soup"], "unit": "beds"}),
}  # fmt: skip
PLAN = {
    **SAYS,
    "baseline_year": 2020,
    "target_sets": [{**SAYS, "id": "next", "stage": "review", "base_year": 2020, "year": 2025}],
    "indicators": [
        {**SAYS, "id": name, "definition": "x", "type": "duty", "unit": unit, "targets": {"next": target},
         **({"measure": measure} if measure else {})}
        for name, (unit, target, measure) in INDICATORS.items()
    ],
}  # fmt: skip
SHORT_PLAN = {**PLAN, "indicators": PLAN["indicators"][:1]}
ASKED = {
    **SAYS,
    "id": "plan",
    "service": "home",
    "target_set": "next",
    "targets": ["beds"],
    "extend": {"cost": "extend", "least": 2, "most": 5},
    "frontier_points": 1,
}
NEEDS = [
    {"service": "home", "unit": "beds", "group": "all", "base": "resident",
     "factors": [{**SAYS, "value": 0.5}]}
]  # fmt: skip


def study_of(**asked):
    return the_study(
        {"home": {"capacity_unit": "beds"}, "soup": {}},
        bed_plans=[{**ASKED, **asked}],
        costs=COSTS,
        plan=PLAN,
        needs=NEEDS,
        candidates=[{"services": ["home"], "villages": True, "near": {"metres": 1000}, "source": "test"}],
    )


def ground_of(study, *, standardised=(True, False), stated=True):
    frame = places_of("home", [A, H], township=["t1", "t2"]).assign(
        standardised=np.array(standardised), name_zh=text(["甲", "乙"])
    )
    rows = [("home0", "beds", 8.0, np.nan), ("home0", "nursing_beds", 2.0, np.nan)]
    rows += [("home1", "beds", 10.0, np.nan), ("home1", "nursing_beds", 3.0, np.nan)] if stated else []
    frames = {"home": frame, "soup": places_of("soup", [A])}
    return make_ground(study, frames, capacity={"home": capacities(rows)})


def allot(monkeypatch, *, at=None, standardised=(True, False), stated=True, **asked):
    if at is not None:
        monkeypatch.setattr(candidates_module, "make_candidates", lambda *_, **__: at)
    found = beds.allot(ground_of(study_of(**asked), standardised=standardised, stated=stated))
    for name, table in found.tables.items():
        tables.validate(table, MEASURED[name], where=name)
    return found


def done(found):
    return found.tables["bed_plan"][["place_id", "what", "unit", "beds", "cost"]].to_numpy().tolist()


def test_the_cheapest_beds_go_where_they_shorten_most_ways(monkeypatch):
    """Six more: at H each saves 58.5 minutes (d2), at A 55.5 (d1); at least two at a home, at most five."""
    found = allot(monkeypatch)
    assert done(found) == [["home0", "extended", "beds", 2, 200.0], ["home1", "extended", "beds", 4, 400.0]]
    (row,) = found.tables["bed_plans"].to_dict("records")
    assert (row["status"], row["cost"], row["bound"], row["gap"]) == ("optimal", 600.0, 600.0, 0.0)
    assert (row["beds_before"], row["beds_after"], row["n_homes"], row["need"]) == (18.0, 24.0, 2, 32.5)
    before = (5 * 40 + 3 * 270 + 10 * 90) / 60 + 14.5 * 60
    assert row["minutes_before"] == pytest.approx(before / 32.5)
    assert row["minutes"] == pytest.approx(((5 * 40 + 5 * 270 + 14 * 90) / 60 + 8.5 * 60) / 32.5)
    assert row["share_in_time"] == pytest.approx(24 / 32.5)
    (duty,) = found.tables["bed_duties"].to_dict("records")
    assert (duty["before"], duty["target"], duty["after"], duty["status"]) == (18.0, 24.0, 24.0, "met")
    assert set(found.tables["bed_plan"]["targets"]) == {"beds"}


def test_a_share_is_met_by_new_nursing_beds_and_one_conversion(monkeypatch):
    """5 of 18 are nursing beds; of 24 half are 12: six new ones and one converted, where most could be."""
    found = allot(
        monkeypatch, targets=["beds", "nursing"], new_beds_are=["nursing_beds"], conversions=[{"cost": "nurse"}]
    )
    assert ["home1", "converted", "nursing_beds", 1, 10.0] in done(found)
    assert found.tables["bed_plans"]["cost"].item() == 610.0
    duties = found.tables["bed_duties"].set_index("indicator_id")
    assert duties.loc["nursing", ["before", "after"]].tolist() == pytest.approx([100 * 5 / 18, 50.0])
    targets = found.tables["bed_plan"].set_index(["place_id", "what"])["targets"]
    assert targets["home0", "extended"] == "beds | nursing"
    assert targets["home1", "converted"] == "nursing"


def test_beds_for_each_hundred_persons(monkeypatch):
    found = allot(monkeypatch, targets=["per_person"])  # 30 % of 65 persons: 19.5 beds, so 20
    assert found.tables["bed_plans"]["cost"].item() == 200.0
    duty = found.tables["bed_duties"].iloc[0]
    assert (duty["before"], duty["after"]) == pytest.approx((100 * 18 / 65, 100 * 20 / 65))


def test_a_township_without_a_standardised_home_gets_one(monkeypatch):
    found = allot(monkeypatch, targets=["standard"], standardise={"cost": "raise", "least_beds": 12})
    assert done(found) == [["home1", "extended", "beds", 2, 200.0], ["home1", "standardised", "beds", 12, 50.0]]
    duty = found.tables["bed_duties"].iloc[0]
    assert (duty["before"], duty["after"], duty["status"]) == (50.0, 100.0, "met")
    assert found.tables["bed_plan"]["targets"].tolist() == ["", "standard"]


def test_a_new_home_stands_where_its_township_is_nearest(monkeypatch):
    """F and a place far off are candidates of t1; the people of t1 are nearer to F."""
    at = candidates(F, (0, 900), township=["t1", "t1"])
    found = allot(monkeypatch, at=at, targets=["homes"], new={"cost": "build", "least": 3, "most": 6}, extend=None)
    assert done(found) == [["c0", "new", "beds", 3, 600.0]]
    assert found.tables["bed_plans"][["n_ground", "n_new"]].to_numpy().tolist() == [[1, 1]]
    refused = candidates(F, township=["t1"], allowed=[False])
    found = allot(monkeypatch, at=refused, targets=["homes"], new={"cost": "build", "least": 3, "most": 6})
    assert found.tables["bed_plans"]["status"].item() == "infeasible"
    assert found.tables["bed_plans"]["reason"].item().startswith("homes: at least 3 is asked for")


def test_what_nearness_costs(monkeypatch):
    at = candidates(F, township=["t1"])
    found = allot(monkeypatch, at=at, new={"cost": "build", "least": 3, "most": 30}, frontier_points=4)
    frontier = found.tables["bed_frontier"]
    assert len(frontier) >= 2
    assert frontier["cost"].is_monotonic_increasing
    assert frontier["minutes"].is_monotonic_decreasing
    assert (frontier["minutes_bound"] <= frontier["minutes"] + 1e-9).all()
    assert frontier.iloc[0]["cost"] == 600.0


def test_a_target_to_be_filled_is_told_and_left_out(monkeypatch):
    found = allot(monkeypatch, targets=["beds", "later"])
    assert found.tables["bed_duties"]["status"].tolist() == ["met", "to_fill"]
    assert [finding.rule for finding in found.findings] == ["bed_target_to_fill"]
    found = allot(monkeypatch, targets=["later"])
    assert found.tables["bed_plans"]["status"].item() == "to_fill"
    assert found.tables["bed_plan"].empty


def test_too_little_money_is_an_answer(monkeypatch):
    found = allot(monkeypatch, budget=599.0)
    (row,) = found.tables["bed_plans"].to_dict("records")
    assert (row["status"], row["reason"]) == (
        "infeasible",
        "budget: 599 is too little; the duties cost at least 600",
    )
    assert found.tables["bed_duties"]["status"].tolist() == ["not_met"]
    assert found.tables["bed_frontier"].empty


def test_a_home_that_states_no_beds_is_told(monkeypatch):
    found = allot(monkeypatch, stated=False, targets=["homes"], at=candidates(F, township=["t1"]),
                  new={"cost": "build", "least": 3, "most": 6})  # fmt: skip
    assert [(f.rule, f.details["ids"]) for f in found.findings] == [("beds_not_stated", "home1")]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"service": "inn"}, r"bed_plans\.plan\.service: 'inn'"),
        ({"service": "soup"}, "has no capacity_unit"),
        ({"targets": ["gold"]}, r"bed_plans\.plan\.targets: 'gold'"),
        ({"targets": ["stated"]}, "counts nothing that the study measures"),
        ({"targets": ["soup"]}, "does not count 'home'"),
        ({"targets": ["beds", "beds"]}, "named more than once"),
        ({"target_set": "never"}, "'never'"),
        ({"extend": {"cost": "nurse", "least": 1, "most": 2}}, r"extend\.cost: 'nurse'"),
        ({"extend": {"cost": "extend", "least": 3, "most": 2}}, "most 2 is below least 3"),
        ({"extend": None}, "says nothing that may be done"),
        ({"conversions": [{"cost": "extend"}]}, r"conversions\.cost: 'extend'"),
        ({"conversions": [{"cost": "nurse"}, {"cost": "nurse", "least": 2}]}, "same kind of bed"),
        ({"standardise": {"cost": "nurse", "least_beds": 5}}, r"standardise\.cost: 'nurse'"),
    ],
)
def test_a_bed_plan_that_the_study_cannot_ask_is_refused_by_name(changes, told):
    with pytest.raises(StudyError, match=told):
        study_of(**changes)


def test_needs_and_candidates_are_asked_for():
    with pytest.raises(StudyError, match=r"no \[\[needs\]\] says how many beds"):
        the_study({"home": {"capacity_unit": "beds"}}, bed_plans=[ASKED], costs=COSTS, plan=SHORT_PLAN)
    with pytest.raises(StudyError, match=r"no \[\[candidates\]\] section speaks of 'home'"):
        the_study(
            {"home": {"capacity_unit": "beds"}},
            bed_plans=[{**ASKED, "new": {"cost": "build", "least": 1, "most": 2}}],
            costs=COSTS,
            plan=SHORT_PLAN,
            needs=NEEDS,
        )
