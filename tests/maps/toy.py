"""A toy town as a finished StudyResult: numbers small enough to check by eye, names as hostile as they come.

::

    township A (101)    township B (102)    township C (103, nobody lives there)
    +---------------+   +---------------+   +---------------+
    | a0 a1 a2      |   | b0 b1         |   |               |
    +---------------+   +---------------+   +---------------+
    squares of 4 km side by side; road along the middle; meal points F1 (in A), F2 (in B, serves its village only)

Persons (resident, 60 and over): a0 10, a1 20, a2 30; b0 5, b1 0. Meal points, headline standard: a0 and a1 are within,
a2 is not; b0 is within only where anyone may use F2. So A: 30 of 60, B: 0 of 5 (5 of 5 without the rule), all 30
of 65. Care homes: nobody is within 30 minutes, a2 and b1 reach none at all.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, Point, Polygon, box

from chongming_gis import config, indicators, results, tables

CRS = "EPSG:32651"
X0, Y0, SIDE = 330_000.0, 3_500_000.0, 4_000.0
HOSTILE = "</script><script>window.pwned=1</script>"
NAMES = {
    "township": ["<b>堡镇</b>", "庙镇 {{7*7}} {% raw %}", "مدينة\u202e🏝️"],
    "demand": [HOSTILE, "O'Neil \"村\" \u2028", "<img src=x onerror=window.pwned=1>", "`${window.pwned=1}`",
               "//evil.example"],
    "facility": ["</script><svg onload=window.pwned=1>", "助餐点 & {{ config }}", "敬老院 🏠"],
}  # fmt: skip
PERSONS = {"resident:a60_plus": [10.0, 20.0, 30.0, 5.0, 0.0], "resident:a80_plus": [1.0, 2.5, 3.0, 0.5, 0.0]}
TOWNSHIP_OF = ["101", "101", "101", "102", "102"]
# service, standard, rule -> seconds, facility, covered
ACCESS = {
    ("meal_point", "draft_2024", "applied"): ([300, 840, 1500, np.inf, np.inf], "F1", [1, 1, 0, 0, 0]),
    ("meal_point", "draft_2024", "ignored"): ([300, 840, 1500, 120, 500], "F1", [1, 1, 0, 1, 1]),
    ("meal_point", "walk_15", "applied"): ([300, 1200, 4000, np.inf, np.inf], "F1", [1, 0, 0, 0, 0]),
    ("meal_point", "walk_15", "ignored"): ([300, 1200, 4000, 180, 700], "F1", [1, 0, 0, 1, 1]),
    ("care_home", "drive_30", "applied"): ([2400, 5000, np.inf, 9000, np.inf], "F3", [0, 0, 0, 0, 0]),
    ("care_home", "drive_30", "ignored"): ([2400, 5000, np.inf, 9000, np.inf], "F3", [0, 0, 0, 0, 0]),
}

PLANNING = {
    "plan": {
        "name_zh": "规划 <b>甲</b>", "name_en": "Plan <b>A</b>", "source": "文〔2021〕1号",
        "source_en": "document 1 of 2021", "baseline_year": 2020,
        "target_sets": [
            {"id": "now", "name_zh": "到2025年", "name_en": "until 2025", "stage": "review", "base_year": 2020,
             "year": 2025, "source": "文〔2021〕1号", "source_en": "document 1 of 2021"},
            {"id": "later", "name_zh": "到2030年", "name_en": "until 2030", "stage": "open", "base_year": 2025,
             "year": 2030, "source": "待定", "source_en": "open"},
        ],
        "indicators": [
            {"id": "sites", "name_zh": "助餐点数", "name_en": "meal points", "definition": "个数", "type": "duty",
             "unit": "count", "baseline": 1, "targets": {"now": 3, "later": "to_fill"}, "source": "一",
             "measure": {"of": "facilities", "services": ["meal_point"]}},
            {"id": "everywhere", "name_zh": "每乡镇 <i>一处</i>", "name_en": "one in each township", "number": 8,
             "definition": "乡镇覆盖率", "type": "binding", "unit": "percent", "targets": {"now": 100}, "source": "二",
             "measure": {"of": "areas_with", "area": "township", "services": ["meal_point"]}},
            {"id": "ruled", "name_zh": "按规则放置", "name_en": "placed by rule", "definition": "乡镇覆盖率",
             "type": "duty", "unit": "percent", "targets": {"now": 100}, "source": "三", "decided_by_rule": "规则一",
             "decided_by_rule_en": "rule one",
             "measure": {"of": "areas_with", "area": "township", "services": ["care_home"]}},
            {"id": "stated", "name_zh": "只有规划数值", "name_en": "stated only", "definition": "比例", "source": "四",
             "type": "expected", "unit": "percent", "baseline": 15, "targets": {"now": 20}},
        ],
    },
    "needs": [
        {"service": "meal_point", "unit": "meals_per_day", "group": "a60_plus", "base": "resident",
         "factors": [{"value": 0.04, "name_zh": "每人", "name_en": "each", "source": "规划假设",
                      "source_en": "planning assumption"},
                     {"value": 0.5, "name_zh": "一半", "name_en": "half", "source": "规划假设",
                      "source_en": "planning assumption"}]},
    ],
    "costs": [
        {"id": "new", "name_zh": "新建", "name_en": "new site", "service": "meal_point", "what": "site",
         "value": 300000, "year": 2021, "source": "规划假设", "source_en": "planning assumption"},
    ],
    "siting_rules": [
        {"service": "care_home", "rule": "not_within", "layer": "canal", "distance_m": 50, "source": "测试"},
        {"service": "care_home", "rule": "not_inside", "layer": "forest", "source": "测试"},
        {"service": "care_home", "rule": "beside", "layer": "meal_point", "distance_m": 300, "source": "测试"},
    ],
}  # fmt: skip


def study() -> config.StudyConfig:
    provenance = {"path": "x.csv", "kind": "sourced", "source": "测试 <i>source</i>", "licence": "CC0"}
    walk = [{"mode": "walk", "minutes": 15}]
    by_class = [
        {"settlement": "town", "mode": "walk", "minutes": 15},
        {"settlement": "village", "mode": "ebike", "minutes": 15},
    ]
    content = {
        "id": "toy",
        "name_zh": "玩具镇 <b>&</b>",
        "name_en": "Toy town <b>&</b>",
        "data_date": "2024-12-31",
        "crs": CRS,
        "sources": {
            "roads": {**provenance, "path": "r.osm", "source": "OpenStreetMap", "licence": "ODbL 1.0"},
            "demand": {**provenance, "kind": "derived"},
            "townships": provenance,
        },
        "bases": [{"id": "resident", "name_zh": "常住人口", "name_en": "residents", "source": "census"}],
        "groups": [
            {"id": "a60_plus", "name_zh": "60岁及以上", "name_en": "60 and over", "columns": {"resident": ["a60"]}},
            {"id": "a80_plus", "name_zh": "80岁及以上", "name_en": "80 and over", "columns": {"resident": ["a80"]}},
        ],
        "settlement_classes": [
            {"id": "town", "name_zh": "镇区", "name_en": "town"},
            {"id": "village", "name_zh": "村庄", "name_en": "village"},
        ],
        "modes": [
            {"id": "walk", "name_zh": "步行", "name_en": "walking", "preset": "older_walk", "source": "test"},
            {"id": "ebike", "name_zh": "电动自行车", "name_en": "e-bike", "preset": "ebike", "source": "test"},
            {"id": "car", "name_zh": "小汽车", "name_en": "car", "preset": "car", "source": "test"},
        ],
        "services": [
            {
                "id": "meal_point", "name_zh": "老年助餐点", "name_en": "Meal points",
                "facilities": {**provenance, "kind": "schematic", "position_quality_m": 500},
                "capacity_unit": "份", "group": "a60_plus", "base": "resident",
                "standards": [
                    {"id": "draft_2024", "name_zh": "2024 征求意见稿", "name_en": "2024 draft", "source": "t",
                     "limits": by_class},
                    {"id": "walk_15", "name_zh": "步行十五分钟", "name_en": "15 minutes on foot", "source": "t",
                     "limits": walk},
                ],
            },
            {
                "id": "care_home", "name_zh": "养老机构", "name_en": "Care homes",
                "facilities": provenance, "group": "a80_plus", "base": "resident",
                "standards": [
                    {"id": "drive_30", "name_zh": "车行三十分钟", "name_en": "30 minutes by car", "source": "t",
                     "limits": [{"mode": "car", "minutes": 30}]},
                ],
            },
        ],
        **PLANNING,
    }  # fmt: skip
    return config.parse_study(content, folder=Path())


def result() -> results.StudyResult:
    """The toy town, checked against every contract it must keep."""
    made = results.StudyResult(
        study=study(),
        demand=_demand(),
        facilities=_facilities(),
        townships=_townships(),
        villages=_villages(),
        land=_land(),
        roads_drawn=_roads(),
        access=_access(),
        coverage=_coverage(),
        indicators=_indicators(),
        provision=_provision(),
        measured={},
        surfaces={},
        manifest=MANIFEST,
    )
    for frame, contract in (
        (made.demand.points, tables.DEMAND),
        (made.facilities.places, tables.FACILITIES),
        (made.facilities.capacity, tables.FACILITY_CAPACITY),
        (made.townships, tables.TOWNSHIPS),
        (made.villages, tables.VILLAGES),
        (made.land, tables.LAND),
        (made.access, tables.ACCESS),
        (made.coverage, tables.COVERAGE),
        (made.indicators, tables.INDICATORS),
        (made.provision, tables.PROVISION),
    ):
        tables.validate(frame, contract, where=f"toy {contract.name}")
    return made


MANIFEST = {
    "versions": {"chongming-gis": "0.1.0", "python": "3.11"},
    "study_digest": "ab" * 32,
    "inputs": [{"role": "roads", "path": "data/r.osm", "sha256": "cd" * 32, "rows_read": 12, "rows_kept": 10}],
    "sources": [
        {"role": "roads", "path": "data/r.osm", "kind": "sourced", "source": "OpenStreetMap", "licence": "ODbL 1.0",
         "date": "2024-11", "position_quality_m": 5},
        {"role": "demand", "path": "d.csv", "kind": "derived", "source": "census <script>", "licence": "",
         "date": "2020", "position_quality_m": None},
        {"role": "facilities:meal_point", "path": "m.csv", "kind": "schematic", "source": "placed by rule",
         "licence": "CC0", "date": "2024", "position_quality_m": 500},
        {"role": "facilities:care_home", "path": "c.csv", "kind": "sourced", "source": "district list",
         "licence": "CC BY 4.0", "date": "2024", "position_quality_m": 50},
    ],
    "counts": {"nodes": 11, "edges": 10, "demand_points": 5, "persons:resident:a60_plus": 65.0,
               "facilities:meal_point": 2, "facilities:care_home": 1},
    "snapping": [
        {"mode": "walk", "what": "demand", "points": 5, "snapped": 4, "out_of_reach": 1, "moved_from_tiny": 1,
         "reasons": {"too far from a road of this mode": 1}},
    ],
    "network": [{"mode": "walk", "nodes": 11, "edges": 20, "length_km": 12.0, "components": 2,
                 "largest_component_share": 0.95}],
    "notices": ["toy <notice>"],
    "timings": {"read": 0.1},
}  # fmt: skip


def _frame(columns: dict[str, object], geometry: list) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


def _texts(values: list[str | None]) -> pd.Series:
    return pd.Series(values, dtype="str")


def _townships() -> gpd.GeoDataFrame:
    squares = [box(X0 + i * SIDE, Y0, X0 + (i + 1) * SIDE, Y0 + SIDE) for i in range(3)]
    columns = {
        "township_code": _texts(["101", "102", "103"]),
        "name_zh": _texts(NAMES["township"]),
        "name_en": _texts(["Bao <b>", None, "Third"]),
    }
    return _frame(columns, squares)


def _villages() -> gpd.GeoDataFrame:
    squares = [box(X0 + i * SIDE, Y0, X0 + (i + 0.5) * SIDE, Y0 + SIDE) for i in range(2)]
    columns = {
        "village_code": _texts(["10101", "10201"]),
        "name_zh": _texts(["南村", "北村 <u>"]),
        "township_code": _texts(["101", "102"]),
    }
    return _frame(columns, squares)


def _land() -> gpd.GeoDataFrame:
    island = Polygon(
        [(X0 - 500, Y0 - 500), (X0 + 3 * SIDE + 500, Y0 - 300), (X0 + 3 * SIDE, Y0 + SIDE + 500), (X0, Y0 + SIDE + 400)]
    )
    shapes = [
        island,
        box(X0 + 5000, Y0 + 500, X0 + 5400, Y0 + 3600),
        box(X0 + 9000, Y0 + 500, X0 + 11500, Y0 + 2500),
        LineString(island.exterior),
    ]
    columns = {
        "land_id": _texts(["1", "2", "3", "4"]),
        "kind": _texts(["land", "water", "nature_reserve", "coast"]),
        "name_zh": _texts([None, "河", "保护区 <s>", None]),
        "data_kind": _texts(["derived"] * 4),
    }
    return _frame(columns, shapes)


def _roads() -> gpd.GeoDataFrame:
    y = Y0 + SIDE / 2
    lines = [
        LineString([(X0, y), (X0 + 6000, y + 40), (X0 + 3 * SIDE, y)]),
        LineString([(X0 + 2000, Y0), (X0 + 2000, Y0 + SIDE)]),
        LineString([(X0 + 7000, Y0), (X0 + 7100, Y0 + SIDE)]),
        LineString([(X0, y), (X0 - 4000, y - 3000)]),
        LineString([(X0 + 3 * SIDE, y), (X0 + 3 * SIDE + 4000, y)]),
    ]
    columns = {
        "highway": _texts(["primary", "residential", "footway", None, "motorway"]),
        "route": _texts([None, None, None, "ferry", None]),
        "name": _texts(["大路 <b>", None, None, None, None]),
        "bridge": _texts([None] * 5),
        "tunnel": _texts([None, None, None, None, "yes"]),
    }
    return _frame(columns, lines)


def _demand() -> tables.Demand:
    at = [(800, 2000), (1500, 1000), (3500, 3300), (4900, 1200), (7200, 3000)]
    ids = [f"d{i}" for i in range(5)]
    columns = {
        "demand_id": _texts(ids),
        "name_zh": _texts(NAMES["demand"]),
        "township_code": _texts(TOWNSHIP_OF),
        "village_code": _texts(["10101", "10101", None, "10201", "10201"]),
        "island": _texts(["toy"] * 5),
        "settlement_class": _texts(["town", "town", "village", "village", "village"]),
    }
    points = _frame(columns, [Point(X0 + x, Y0 + y) for x, y in at])
    return tables.Demand(points=points, persons=pd.DataFrame(PERSONS, index=pd.Index(ids, name="demand_id")))


def _indicators() -> pd.DataFrame:
    return indicators.measure_indicators(
        study(), facilities=_facilities(), demand=_demand(), townships=_townships(), villages=_villages()
    )


def _provision() -> pd.DataFrame:
    """Of 9 meals that the first three points need, 4 are served, 3 find no place and 2 are out of reach."""
    numbers = {
        "need": [2.0, 3.0, 4.0],
        "served": [2.0, 2.0, 0.0],
        "no_place": [0.0, 1.0, 2.0],
        "out_of_reach": [0.0, 0.0, 2.0],
        "nearest_with_place_s": [np.inf, 1200.0, np.inf],
    }
    texts = {"demand_id": ["d0", "d1", "d2"], "service": ["meal_point"] * 3, "unit": ["meals_per_day"] * 3}
    return pd.DataFrame({name: _texts(values) for name, values in texts.items()} | numbers)


def _facilities() -> tables.Facilities:
    columns = {
        "facility_id": _texts(["F1", "F2", "F3"]),
        "service": _texts(["meal_point", "meal_point", "care_home"]),
        "name_zh": _texts(NAMES["facility"]),
        "township_code": _texts(["101", "102", None]),
        "village_code": _texts([None, None, None]),
        "site_id": _texts([None, None, None]),
        "kind": _texts(["社区食堂 <b>", None, None]),
        "level": _texts(["township", "village", "district"]),
        "serves": _texts(["all", "village", "all"]),
        "status": _texts(["existing", "planned", "existing"]),
        "open_year": pd.Series([2019, pd.NA, pd.NA], dtype="Int64"),
        "close_year": pd.Series([pd.NA] * 3, dtype="Int64"),
        "standardised": pd.Series([True, pd.NA, False], dtype="boolean"),
        "position_quality_m": [500.0, np.nan, 50.0],
        "data_kind": _texts(["schematic", "schematic", "sourced"]),
        "source": _texts(["rule <i>", None, "list"]),
    }
    places = _frame(columns, [Point(X0 + 700, Y0 + 2100), Point(X0 + 5200, Y0 + 1500), Point(X0 + 10_000, Y0 + 2000)])
    capacity = pd.DataFrame(
        {
            "facility_id": _texts(["F1", "F3"]),
            "unit": _texts(["份", "床"]),
            "value": [120.0, 80.0],
            "used": [75.0, np.nan],
        }
    )
    return tables.Facilities(places=places, capacity=capacity)


def _access() -> pd.DataFrame:
    rows = []
    for (service, standard, rule), (times, facility, covered) in ACCESS.items():
        for i, (time_s, is_covered) in enumerate(zip(times, covered, strict=True)):
            is_village = TOWNSHIP_OF[i] == "102" or i == 2
            mode = {"draft_2024": "ebike" if is_village else "walk", "walk_15": "walk", "drive_30": "car"}[standard]
            nearest = (
                None
                if np.isinf(time_s)
                else ("F2" if TOWNSHIP_OF[i] == "102" and service == "meal_point" else facility)
            )
            limit_s = 1800.0 if standard == "drive_30" else 900.0
            rows.append(
                (
                    f"d{i}",
                    service,
                    standard,
                    rule,
                    mode,
                    limit_s,
                    float(time_s),
                    nearest,
                    bool(is_covered),
                    int(is_covered),
                )
            )
    names = [
        "demand_id",
        "service",
        "standard",
        "serves_rule",
        "mode",
        "standard_s",
        "time_s",
        "facility_id",
        "covered",
        "n_within",
    ]
    frame = pd.DataFrame(rows, columns=names)
    return frame.astype(
        dict.fromkeys(("demand_id", "service", "standard", "serves_rule", "mode", "facility_id"), "str")
    )


def _coverage() -> pd.DataFrame:
    """Sums of the access table by hand-written loops, for both groups."""
    scopes = {"district": {"toy": range(5)}, "island": {"toy": range(5)},
              "township": {"101": range(3), "102": range(3, 5), "103": range(0)},
              "village": {"10101": range(2), "10201": range(3, 5)}}  # fmt: skip
    rows = []
    for (service, standard, rule), (_, _, covered) in ACCESS.items():
        mode = {"draft_2024": "by_settlement", "walk_15": "walk", "drive_30": "car"}[standard]
        for scope, places in scopes.items():
            for code, members in places.items():
                for column, counts in PERSONS.items():
                    base, _, group = column.partition(":")
                    persons = sum(counts[i] for i in members)
                    within = sum(counts[i] * covered[i] for i in members)
                    share = within / persons if persons else np.nan
                    limit_s = 1800.0 if standard == "drive_30" else 900.0
                    rows.append(
                        (scope, code, None, service, standard, rule, mode, group, base, limit_s, persons, within, share)
                    )
    texts = ["scope", "scope_code", "name_zh", "service", "standard", "serves_rule", "mode", "group", "base"]
    numbers = ["standard_s", "persons", "persons_covered", "share_covered"]
    frame = pd.DataFrame(rows, columns=[*texts, *numbers])
    return frame.astype({**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers, float)})
