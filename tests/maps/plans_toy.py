"""A bed plan and a joint plan of the toy town, one place with a hostile name."""

import dataclasses

from chongming_gis.bedmodel import BedPlanConfig
from chongming_gis.measured_tables import BED_DUTIES, BED_FRONTIER, BED_PLAN, BED_PLANS, JOINT_PLANS, JOINT_SITES
from chongming_gis.phasemodel import JointProposalConfig
from tests.toy.frames import frame_of
from tests.toy.proposed import HOSTILE, with_proposals

SAYS = {"source": "文件", "source_en": "document"}
BEDS = BedPlanConfig(
    id="homes", name_zh="床位方案", name_en="bed plan", service="meal_point", target_set="now", targets=("sites",),
    extend={"cost": "new", "least": 2, "most": 9}, **SAYS,
)  # fmt: skip
JOINT = JointProposalConfig(
    id="both", name_zh="合并方案", name_en="joint plan", parts=({"proposal": "more"}, {"proposal": "other"}),
    budget=900_000.0, saving=None, **SAYS,
)  # fmt: skip
ACTION = {"plan": "homes", "place_id": "h1", "name_zh": HOSTILE, "township_code": "101", "what": "extended",
          "unit": "beds", "beds": 6, "beds_before": 10.0, "cost": 600_000.0, "targets": "sites"}  # fmt: skip
SITE = {"joint": "both", "service": "meal_point", "place_id": "c1", "name_zh": HOSTILE, "township_code": "101",
        "kind": "site", "cost": 300_000.0, "saved": 60_000.0, "shared_with": "care_home", "lost_without": 7.0,
        "is_apart": False}  # fmt: skip


def with_plans(result):
    """The toy result with one proposal, a bed plan of two homes, and a joint plan of a shared and a single ground."""
    result = with_proposals(result)
    at = result.demand.points.geometry
    plan = {"plan": "homes", "service": "meal_point", "target_set": "now", "status": "optimal", "currency": "CNY",
            "stop_reason": "proven", "price_year": 2021, "beds_before": 18.0, "beds_after": 24.0, "n_homes": 2,
            "n_ground": 0, "n_new": 0, "n_extended": 1, "need": 30.0, "cost": 750_000.0, "bound": 750_000.0, "gap": 0.0,
            "minutes_before": 20.0, "minutes": 15.0, "share_in_time_before": 0.4, "share_in_time": 0.6}  # fmt: skip
    duty = {"plan": "homes", "indicator_id": "sites", "target_set": "now", "unit": "beds", "before": 18.0,
            "target": 24.0, "after": 24.0, "status": "met", "evidence": "data"}  # fmt: skip
    point = {"plan": "homes", "point": 1, "cost": 750_000.0, "minutes": 15.0, "minutes_bound": 15.0, "new_beds": 0,
             "share_in_time": 0.6, "extended_beds": 6, "n_new": 0, "n_extended": 1}  # fmt: skip
    joined = {"joint": "both", "service": "meal_point", "proposal": "more", "weight": 1.0, "persons": 65.0,
              "covered_before": 30.0, "n_new": 2, "spent": 540_000.0, "saved": 60_000.0, "covered": 60.0,
              "apart_budget": 450_000.0, "apart_n_new": 1, "apart_spent": 300_000.0, "apart_covered": 50.0,
              "budget": 900_000.0, "status": "optimal", "stop_reason": "proven", "objective": 60.0, "bound": 60.0,
              "gap": 0.0}  # fmt: skip
    actions = [
        ACTION,
        {**ACTION, "what": "converted", "unit": "nursing_beds", "beds": 2, "cost": 60_000.0, "targets": ""},
        {**ACTION, "place_id": "h2", "name_zh": "乙院", "township_code": "102", "what": "converted", "beds": 3,
         "unit": "nursing_beds", "beds_before": 8.0, "cost": 90_000.0, "targets": "sites | stated"},
    ]  # fmt: skip
    sites = [
        SITE,
        {**SITE, "service": "care_home", "shared_with": "meal_point", "saved": 0.0, "lost_without": 3.0},
        {**SITE, "place_id": "c2", "name_zh": None, "village_code": None, "shared_with": None, "saved": 0.0,
         "is_apart": True},
    ]  # fmt: skip
    measured = {
        "bed_plans": frame_of(BED_PLANS, [plan]),
        "bed_plan": frame_of(BED_PLAN, actions, [at.iloc[0], at.iloc[0], at.iloc[3]]),
        "bed_duties": frame_of(BED_DUTIES, [duty]),
        "bed_frontier": frame_of(BED_FRONTIER, [point, {**point, "point": 2, "cost": 960_000.0, "minutes": 10.0}]),
        "joint_plans": frame_of(JOINT_PLANS, [joined, {**joined, "service": "all", "proposal": None, "weight": None}]),
        "joint_sites": frame_of(JOINT_SITES, sites, [at.iloc[2], at.iloc[2], at.iloc[1]]),
    }
    study = result.study.model_copy(update={"bed_plans": (BEDS,), "joint_proposals": (JOINT,)})
    return dataclasses.replace(result, study=study, measured={**result.measured, **measured})
