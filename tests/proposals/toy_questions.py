"""Proposals asked in the toy town of tests/measured/toy_ground.py."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import tables
from chongming_gis.measured.questions import setting_of
from tests.measured.toy_ground import make_ground, places_of, the_study
from tests.toy.roads import CRS, X0, Y0
from tests.toy.study import text

CANDIDATES = [{"services": ["meal"], "villages": True, "near": {"metres": 1000}, "source": "test"}]
COSTS = [
    {"id": "new", "name_zh": "新", "name_en": "new", "what": "site", "value": 500.0, "year": 2021, "source": "test"}
]
PLAN = {
    "name_zh": "规划",
    "name_en": "plan",
    "source": "test",
    "baseline_year": 2020,
    "target_sets": [
        {
            "id": "next",
            "name_zh": "目",
            "name_en": "t",
            "stage": "review",
            "base_year": 2020,
            "year": 2025,
            "source": "t",
        }
    ],
    "indicators": [
        {
            "id": "points",
            "name_zh": "点",
            "name_en": "points",
            "definition": "点",
            "type": "duty",
            "unit": "count",
            "targets": {"next": 3},
            "measure": {"of": "facilities", "services": ["meal"]},
            "source": "test",
        },
        {
            "id": "later",
            "name_zh": "点",
            "name_en": "points",
            "definition": "点",
            "type": "duty",
            "unit": "count",
            "targets": {"next": "to_fill"},
            "measure": {"of": "facilities", "services": ["meal"]},
            "source": "test",
        },
    ],
}
ASKED = {"id": "more", "name_zh": "增", "name_en": "more", "service": "meal", "source": "test"}


def candidates(*at, allowed=None, township=None, reason=None):
    """Candidates c0, c1, ... at some places."""
    n = len(at)
    columns = {name: text([None] * n) for name in tables.CANDIDATES.columns}
    frame = pd.DataFrame(columns).assign(
        candidate_id=text([f"c{i}" for i in range(n)]),
        service=text(["meal"] * n),
        name_zh=text([f"点{i}" for i in range(n)]),
        township_code=text(township or ["t1"] * n),
        kind=text(["village"] * n),
        allowed=np.array(allowed if allowed is not None else [True] * n),
        reason=text(reason or [None] * n),
        source=text(["law" if rule else None for rule in reason or [None] * n]),
        road_m=1.0,
        persons_near=0.0,
    )
    return gpd.GeoDataFrame(frame, geometry=[shapely.Point(X0 + x, Y0 + y) for x, y in at], crs=CRS)


def ask(standing, **asked):
    """A proposal and its setting."""
    ground = ground_of(standing, **asked)
    return ground.study.proposals[0], setting_on(ground)


def ground_of(standing, *, minutes=15, kinds_of=None, **asked):
    """The ground of a proposal, for one new site if nothing else says how many; facilities stand at ``standing``."""
    how_many = {"new_sites", "target", "each_township", "budget"} & set(asked)
    proposal = {**ASKED, **({} if how_many else {"new_sites": 1}), **asked}
    study = the_study(
        {"meal": {"standards": [{"id": "walk", "name_zh": "走", "name_en": "walk", "source": "t",
                                 "limits": [{"mode": "foot", "minutes": minutes}]}]}},
        candidates=CANDIDATES, proposals=[proposal], costs=COSTS, plan=PLAN,
    )  # fmt: skip
    frame = places_of("meal", standing, township=["t1"] * len(standing))
    if kinds_of:
        frame = frame.assign(kind=text(kinds_of))
    return make_ground(study, {"meal": frame})


def setting_on(ground):
    """The setting of proposals on the ground of measures."""
    return setting_of(ground)
