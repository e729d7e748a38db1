"""Proposals in the toy town of tests/measured/toy_ground.py: who is newly covered, by what, and why there.

Times on foot: A to d0 40, d1 270, d2 990; F to d0 230, d1 120, d2 840; H to d0 980, d1 770, d2 90. Persons 10, 20, 30.
"""

import numpy as np
import pandas as pd
import pytest

from chongming_gis import proposals, tables
from chongming_gis.candidates import HAS_SERVICE
from chongming_gis.errors import SitingError, StudyError
from chongming_gis.measured_tables import PLAN_ACCESS, PLANS, SITE_GAINS, SITE_TIMES, SITES
from chongming_gis.siting import SitingPlan
from tests.measured.toy_ground import A, F, H, the_study
from tests.proposals.toy_questions import ASKED, CANDIDATES, COSTS, PLAN, ask, candidates


def make(standing, at, **asked):
    """The answer to one proposal."""
    made = proposals.make_proposal(*ask(standing, **asked), at)
    for table, contract in (
        (made.plan_row, PLANS),
        (made.sites, SITES),
        (made.site_gains, SITE_GAINS),
        (made.plan_access, PLAN_ACCESS),
    ):
        tables.validate(table, contract, where=contract.name)
    return made


def test_the_site_that_covers_most_more_is_proposed_with_its_gains():
    made = make([A], candidates(F, H), cost="new")  # d0 and d1 are covered; F and H both reach d2
    plan, site = made.plan_row.iloc[0], made.sites.iloc[0]
    assert (plan["covered_before"], plan["covered_after"], plan["bound"]) == (30.0, 60.0, 60.0)
    assert (plan["status"], plan["n_existing"], plan["n_candidates"], plan["cost"]) == ("optimal", 1, 2, 500.0)
    assert site["place_id"] == "c0"
    assert (site["newly_covered"], site["lost_without"]) == (30.0, 30.0)
    assert site["minutes_saved"] == pytest.approx((990 - 840) / 60)
    assert site["backup_gained"] == 30.0  # d0 and d1 had one
    assert site["cost_per_person"] == pytest.approx(500 / 30)
    assert (site["stand_in_id"], site["stand_in_loss"]) == ("c1", 0.0)


def test_every_newly_covered_person_is_counted_at_the_nearest_new_site():
    proposal, setting = ask([], minutes=4, new_sites=3)
    question = proposals.ask(proposal, setting, candidates(A, F, H))  # A reaches d0; F d0 and d1; H d2
    everything = SitingPlan("MCLP", "feasible", np.arange(3), 60.0, 60.0, "maximise", "search exhausted")
    made = proposals.answer(question, setting, everything)
    gained = made.sites.set_index("place_id")
    assert gained["newly_covered"].to_dict() == {"c0": 10.0, "c1": 20.0, "c2": 30.0}
    assert gained["lost_without"].to_dict() == {"c0": 0.0, "c1": 20.0, "c2": 30.0}
    assert gained["minutes_saved"].isna().all()  # nobody had one in reach, however far
    assert made.plan_access["place_id"].tolist() == ["c0", "c1", "c2"]
    assert made.plan_access["time_s"].tolist() == [40.0, 120.0, 90.0]
    by_village = made.site_gains[made.site_gains["group"] == "all"]
    assert by_village.set_index("village_code")["persons"].to_dict() == {"v1": 10.0, "v2": 20.0, "v3": 30.0}


def test_at_most_so_many_are_built_and_none_that_adds_nothing():
    made = make([], candidates(A, F, H), minutes=4, new_sites=2)
    assert set(made.sites["place_id"]) == {"c1", "c2"}
    assert made.plan_row["covered_after"].item() == 60.0


def test_better_ground_that_a_rule_refuses_is_named_with_the_rule():
    made = make([H], candidates(A, F, allowed=[True, False], reason=[None, "not_inside:farmland"]), minutes=4)
    site = made.sites.iloc[0]
    assert site["place_id"] == "c0"
    assert (site["refused_id"], site["refused_gain"]) == ("c1", 20.0)  # F would cover d0 and d1
    assert (site["refused_reason"], site["refused_source"]) == ("not_inside:farmland", "law")
    assert pd.isna(site["stand_in_id"])


def test_a_township_without_one_gets_one_first():
    at = candidates(F, H, township=["t1", "t2"])
    made = make([A], at, minutes=4, each_township=1)  # F would cover d1 (20), H covers d2 (30)
    assert made.sites[["place_id", "meets_duty"]].to_numpy().tolist() == [["c1", True]]
    assert made.plan_row["n_asked"].item() == 1
    made = make([A], candidates(F, H, township=["t1", "t1"]), minutes=4, each_township=1)
    assert made.plan_row["status"].item() == "infeasible"
    assert made.sites.empty
    assert "t2" in made.plan_row["reason"].item() or "area" in made.plan_row["reason"].item()


def test_nothing_is_proposed_where_enough_stand():
    made = make([A, F, H], candidates(A), target="points", target_set="next")
    assert made.plan_row[["n_asked", "n_new", "status"]].to_numpy().tolist() == [[0, 0, "optimal"]]


def test_the_number_is_what_the_target_lacks():
    made = make([A], candidates(F, H), minutes=4, target="points", target_set="next")
    assert made.plan_row[["n_asked", "n_new"]].to_numpy().tolist() == [[2, 2]]
    with pytest.raises(SitingError, match=r"proposals\.more: target 'later' of 'next' is still to be filled"):
        make([A], candidates(F), target="later", target_set="next")


def test_new_sites_keep_their_distance():
    near = (210, -50)
    made = make([], candidates(F, near, H), minutes=4, new_sites=2, spacing_m=100.0)
    assert set(made.sites["place_id"]) == {"c0", "c2"}
    made = make([F], candidates(near, H), minutes=4, new_sites=2, spacing_m=100.0)
    assert set(made.sites["place_id"]) == {"c1"}
    made = make([F], candidates(near, H), minutes=4, new_sites=2, spacing_m=10.0)  # exactly 10 m apart is apart
    assert made.plan_row["n_candidates"].item() == 2


def test_a_budget_alone_says_how_many():
    made = make([], candidates(A, F, H), minutes=4, budget=1000.0, cost="new")
    assert made.plan_row[["n_new", "cost"]].to_numpy().tolist() == [[2, 1000.0]]
    assert pd.isna(made.plan_row["n_asked"].item())


def test_only_standing_sites_of_the_kinds_count_and_one_of_another_kind_may_become_one():
    """A canteen at A (d0), a snack bar at F (d0, d1), asked for canteens: the bar may become one and adds d1."""
    at = candidates(F, allowed=[False], reason=[HAS_SERVICE])
    standing = {"standing": [A, F], "at": at, "minutes": 4, "new_sites": 1}
    made = make(**standing, kinds_of=["canteen", "snack"], kinds=["canteen"])
    assert made.plan_row[["n_existing", "n_new"]].to_numpy().tolist() == [[1, 1]]
    assert made.plan_row[["covered_before", "covered_after"]].to_numpy().tolist() == [[10.0, 30.0]]
    assert made.sites["minutes_saved"].item() == pytest.approx((270 - 120) / 60)  # d1 went to A
    made = make(**standing, kinds_of=["canteen", "snack"])
    assert made.plan_row[["n_existing", "n_candidates", "n_new"]].to_numpy().tolist() == [[2, 0, 0]]


@pytest.mark.parametrize(("criterion", "first"), [("newly_covered", "c1"), ("backup_gained", "c0")])
def test_the_rank_follows_the_weights(criterion, first):
    """A canteen at A reaches d0. F adds d1 (20 persons) and is a second one for d0 (10); H adds d2 (30)."""
    made = make([A], candidates(F, H), minutes=4, new_sites=2, weights={criterion: 1.0})
    assert made.sites["place_id"].iloc[0] == first
    assert made.sites["rank"].tolist() == [1, 2]
    assert made.sites["share_first"].tolist() == [1.0, 0.0]  # one criterion: no weight changes the order


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"new_sites": 1, "service": "soup"}, "proposals.more.service: 'soup'"),
        ({"new_sites": 1, "target": "points", "target_set": "next"}, "give new_sites or target, not both"),
        ({}, "say how many"),
        ({"target": "points"}, "target goes with target_set"),
        ({"budget": 5.0}, "budget needs cost"),
        ({"new_sites": 1, "cost": "gold"}, "proposals.more.cost: 'gold'"),
        ({"new_sites": 1, "standard": "fast"}, "proposals.more.standard: 'fast'"),
        ({"new_sites": 1, "weights": {"cost": 0.0}}, "one of them must be above 0"),
        ({"new_sites": 1, "weights": {"beauty": 1.0}}, "beauty"),
    ],
)
def test_a_proposal_that_the_study_cannot_ask_is_refused_by_name(changes, told):
    with pytest.raises(StudyError, match=told.replace(".", r"\.")):
        the_study({"meal": {}}, candidates=CANDIDATES, proposals=[{**ASKED, **changes}], costs=COSTS, plan=PLAN)


def test_a_service_without_candidates_is_told():
    with pytest.raises(StudyError, match=r"no \[\[candidates\]\] section speaks of 'meal'"):
        the_study({"meal": {}}, proposals=[{**ASKED, "new_sites": 1}])


def test_a_proposal_is_asked_again_from_its_tables_without_networks():
    proposal, setting = ask([A], minutes=4)
    at = candidates(F, H, F, allowed=[True, True, False], reason=[None, None, "off_land"])
    made = proposals.make_proposal(proposal, setting, at)
    tables.validate(made.site_times, SITE_TIMES, where="site_times")
    assert made.site_times["site_row"].max() == 2  # the refused one, row 3, is not kept
    saved = proposals.setting_of(
        setting.study,
        demand=setting.people,
        facilities=tables.Facilities(setting.facilities["meal"].points, pd.DataFrame()),
        townships=setting.townships,
        access=setting.access,
    )

    def again(asked, **choice):
        question = proposals.ask_again(asked, saved, candidates=at, site_times=made.site_times)
        return proposals.solve(proposals.with_choice(question, **choice))

    assert again(proposal).objective == made.plan.objective == 40.0  # d0 by A, and d2 by H (30) rather than d1 (20)
    assert again(proposal.model_copy(update={"new_sites": 2})).objective == 60.0
    assert again(proposal, lock=["c0"]).objective == 30.0
    assert again(proposal, forbid=["c1"]).objective == 30.0
    assert again(proposal, lock=["c0", "c1"]).objective == 60.0  # two are locked: two are built
    with pytest.raises(SitingError, match=r"c9: is no candidate of more\nc1: is locked and forbidden.*\nc2: may not"):
        again(proposal, lock=["c9", "c1", "c2"], forbid=["c1"])
    with pytest.raises(SitingError, match="holds no travel times of the proposal 'other'"):
        again(proposal.model_copy(update={"id": "other"}))
    with pytest.raises(SitingError, match="has no proposal 'other'; it has more"):
        proposals.find_proposal(setting.study, "other")


def test_a_proposal_of_some_kinds_is_told_the_same_when_asked_again_without_networks():
    """d1 goes 270 s to the canteen at A, farther than the 240 s of the standard: known again from the saved times."""
    at = candidates(F, H)
    proposal, setting = ask([A, F], minutes=4, kinds_of=["canteen", "snack"], kinds=["canteen"], new_sites=2)
    made = proposals.make_proposal(proposal, setting, at)
    tables.validate(made.site_times, SITE_TIMES, where="site_times")
    saved = proposals.setting_of(
        setting.study,
        demand=setting.people,
        facilities=tables.Facilities(setting.facilities["meal"].points, pd.DataFrame()),
        townships=setting.townships,
        access=setting.access,
    )
    question = proposals.ask_again(proposal, saved, candidates=at, site_times=made.site_times)
    again = proposals.answer(question, saved, proposals.solve(question))
    assert made.sites.set_index("place_id")["minutes_saved"]["c0"] == pytest.approx((270 - 120) / 60)
    pd.testing.assert_frame_equal(pd.DataFrame(again.sites), pd.DataFrame(made.sites))
    pd.testing.assert_frame_equal(again.site_times, made.site_times)
