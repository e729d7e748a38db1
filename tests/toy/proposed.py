"""Proposals on the toy result of tests/maps/toy.py: one site that newly covers a2 (30 persons), with a hostile name."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import tables
from chongming_gis.measured_tables import PLAN_ACCESS, PLANS, SITE_GAINS, SITES
from chongming_gis.proposalmodel import ProposalConfig
from chongming_gis.sitingmodel import CandidatesConfig
from chongming_gis.tables import column_types

HOSTILE = "<img src=x onerror=window.pwned=1>活动室"


def _frame(contract, *rows):
    frame = pd.DataFrame([{**dict.fromkeys(contract.columns), **row} for row in rows], columns=list(contract.columns))
    return frame.astype(column_types(contract))


def _plan(**changes):
    return {
        "proposal": "more", "service": "meal_point", "standard": "draft_2024", "model": "MCLP", "status": "optimal",
        "stop_reason": "proven", "n_existing": 2, "n_candidates": 7, "n_refused": 3, "n_asked": 1, "n_new": 1,
        "persons": 65.0, "covered_before": 30.0, "covered_after": 60.0, "objective": 60.0, "bound": 60.0, "gap": 0.0,
        "cost": 300_000.0, **changes,
    }  # fmt: skip


def _site(village):
    return {
        "proposal": "more", "service": "meal_point", "place_id": "c1", "rank": 1, "name_zh": HOSTILE,
        "township_code": "101", "village_code": village, "kind": "site", "newly_covered": 30.0, "lost_without": 30.0,
        "minutes_saved": 12.5, "township_shortfall": 0.5, "co_location": 2, "backup_gained": 10.0, "cost": 300_000.0,
        "cost_per_person": 10_000.0, "meets_duty": True, "stand_in_id": "c2", "stand_in_name": "丙村",
        "stand_in_loss": 4.0, "refused_id": "c3", "refused_gain": 9.0, "refused_reason": "off_land",
        "refused_source": "sources.land", "score": 1.0, "share_first": 1.0,
    }  # fmt: skip


def with_proposals(result, **plan):
    """The toy result with one proposal; ``plan`` changes its row of the plans."""
    config = ProposalConfig(
        id="more", name_zh="新增助餐点", name_en="more meal points", service="meal_point", new_sites=1, each_township=1,
        cost="new", source="文件一", source_en="document one",
    )  # fmt: skip
    looked_at = CandidatesConfig(services=("meal_point",), villages=True, near={"metres": 500}, source="test")
    study = result.study.model_copy(update={"proposals": (config,), "candidates": (looked_at,)})
    point, village = result.demand.points.geometry.iloc[2], result.demand.points["village_code"].iloc[2]
    row = _plan(**plan)
    sites = gpd.GeoDataFrame(_frame(SITES, _site(village)), geometry=[shapely.Point(point.x + 50, point.y + 50)],
                             crs=result.demand.points.crs)  # fmt: skip
    gains = [
        {"proposal": "more", "service": "meal_point", "place_id": "c1", "township_code": "101", "village_code": village,
         "base": "resident", "group": group, "persons": persons}
        for group, persons in (("a60_plus", 30.0), ("a80_plus", 3.0))
    ]  # fmt: skip
    access = {
        "proposal": "more",
        "demand_id": result.demand.points["demand_id"].iloc[2],
        "place_id": "c1",
        "time_s": 60.0,
    }
    measured = {
        "plans": _frame(PLANS, row),
        "sites": sites if row["n_new"] else tables.no_rows(SITES, sites.crs),
        "site_gains": _frame(SITE_GAINS, *gains),
        "plan_access": _frame(PLAN_ACCESS, access),
    }
    for contract in (PLANS, SITES, SITE_GAINS, PLAN_ACCESS):
        tables.validate(measured[contract.name], contract, where=contract.name)
    return dataclasses.replace(result, study=study, measured={**result.measured, **measured})


NOTHING = {"n_new": 0, "n_asked": 0, "covered_after": 30.0, "objective": 30.0, "bound": 30.0, "cost": 0.0}
INFEASIBLE = {
    "n_new": 0, "status": "infeasible", "covered_after": 30.0,
    "reason": "at_least of area 2: no candidate is left there",
    "objective": -np.inf, "bound": -np.inf, "gap": np.inf, "cost": 0.0,
}  # fmt: skip
