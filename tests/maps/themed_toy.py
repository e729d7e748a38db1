"""Further tables of the toy town: access, phases, burial candidates, and a sensitive group."""

import dataclasses

import numpy as np
import shapely

from chongming_gis import measured_tables
from chongming_gis.phasemodel import PhasesConfig
from tests.toy.frames import frame_of
from tests.toy.proposed import with_proposals

HOSTILE = "</script><img src=x onerror=window.pwned=1>"
SCORES = [0.0, 0.5, 1.0, 2.0, 4.0]  # of d0 ... d4, where 10, 20, 30, 5 and 0 persons live


def _access(result):
    return frame_of(
        measured_tables.ACCESSIBILITY,
        [
            {"demand_id": name, "question": "meals", "service": "meal_point", "method": "two_step", "demand": 1.0,
             "unit": "meals_per_day", "score": score, "score_unit": "supply_per_need", "reachable_supply": 9.0,
             "n_reachable": 1}
            for name, score in zip(result.demand.points["demand_id"], SCORES, strict=True)
        ],
    )  # fmt: skip


def _candidates(result):
    at = result.demand.points.geometry.iloc[:3]
    common = {"service": "meal_point", "kind": "grid", "township_code": "101", "land_kind": "farmland", "road_m": 42.0}
    rows = [
        {**common, "candidate_id": "c1", "name_zh": HOSTILE, "allowed": True},
        {**common, "candidate_id": "c2", "allowed": False, "reason": "off_land", "source": "sources.land"},
        {**common, "candidate_id": "c3", "allowed": False, "reason": "in_no_township | off_land",
         "source": "sources.townships | sources.land"},
    ]  # fmt: skip
    return frame_of(measured_tables.CANDIDATES, rows, [shapely.Point(p.x + 300, p.y + 200) for p in at])


def _phases():
    common = {"phases": "steps", "proposal": "more", "service": "meal_point", "limit": 1.0, "limit_unit": "new_sites",
              "weight": 1.0, "n_new": 1, "persons": 65.0, "covered_before": 30.0, "status": "optimal",
              "stop_reason": "proven", "objective": 95.0, "bound": 95.0, "gap": 0.0}  # fmt: skip
    return frame_of(
        measured_tables.PHASES, [{**common, "year": 2026, "covered": 60.0}, {**common, "year": 2027, "covered": 65.0}]
    )


def _phase_sites(result):
    at = result.demand.points.geometry
    common = {"phases": "steps", "service": "meal_point", "township_code": "101", "kind": "grid", "cost": np.nan}
    rows = [
        {**common, "year": 2026, "place_id": "p1", "name_zh": HOSTILE, "added": 30.0},
        {**common, "year": 2027, "place_id": "p2", "name_zh": "乙处", "added": 5.0},
    ]
    return frame_of(measured_tables.PHASE_SITES, rows, [at.iloc[2], at.iloc[3]])


def with_themes(result):
    """The toy result with one proposal, its years, a question of access and burial candidates."""
    result = with_proposals(result)
    asked = {
        "accessibility": {
            "questions": [{"id": "meals", "service": "meal_point", "method": "two_step", "source": "测试"}]
        },
        "burial": {"services": ["meal_point"], "source": "测试"},
    }
    phases = {
        "id": "steps", "name_zh": "分两年", "name_en": "two years", "proposal": "more", "source": "测试",
        "years": [{"year": 2026, "new_sites": 1}, {"year": 2027, "new_sites": 1}],
    }  # fmt: skip
    study = result.study.model_copy(
        update={
            "measures": type(result.study.measures).model_validate(asked),
            "phases": (PhasesConfig.model_validate(phases),),
        }
    )
    made = {
        "accessibility": _access(result),
        "candidates": _candidates(result),
        "phases": _phases(),
        "phase_sites": _phase_sites(result),
    }
    return dataclasses.replace(result, study=study, measured={**result.measured, **made})


def with_sensitive(result, *names, internal=False):
    """A result whose study marks some groups as sensitive."""
    groups = tuple(group.model_copy(update={"sensitive": group.id in names}) for group in result.study.groups)
    study = result.study.model_copy(update={"groups": groups})
    return dataclasses.replace(result, study=study.for_internal_use() if internal else study)
