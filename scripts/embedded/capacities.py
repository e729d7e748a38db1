"""Capacities whose sums the plan gives, and the named institutions that facts support."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from embedded import shapes
from embedded.counting import largest_remainder

if TYPE_CHECKING:
    import geopandas as gpd

    from embedded.facts import Facts
    from embedded.siting_rules import Units

NAMED_HOME_BEDS = {"新民敬老院": 148}  # facilities_named.csv: 148 beds, 2020
# name in facilities_named.csv -> (service, township code it replaces a rule-made row in)
EXISTING_NAMED = {
    "新民敬老院": ("elder_home", "310151103", "home"),
    "港沿镇敬老院": ("elder_home", "310151108", "home"),
    "上海市第二社会福利院": ("elder_home", "310151108", "welfare_institution"),
    "港沿镇综合为老服务中心": ("elder_centre", "310151108", None),
    "三星镇综合为老服务中心(长者食堂/中央配送)": ("elder_centre", "310151107", None),
    "城桥镇金日社区老年人日间照护中心": ("day_care", "310151101", None),
    "鲁玙村睦邻点": ("neighbourly_point", "310151108", None),
}
PLANNED_NAMED = {  # under construction or planned after 2020: not among the 47
    "上海市第五社会福利院": ("310151115", None, None),
    "陈家镇敬老院(新建)": ("310151110", 2022, 420),
    "新村乡养老机构(新建)": ("310151201", None, None),
    "三星镇养老机构(新建)": ("310151107", None, None),
    "长兴镇养老机构(新建)": ("310151116", None, None),
    "城桥镇养老机构(新建)": ("310151101", None, None),
}
ADDED_MEAL_POINTS = {"堡镇社区生活服务中心长者食堂": "310151102"}
CEMETERIES = {"瀛新园(瀛新古园)陵园": "310151103", "瀛裕冥园": "310151110"}


def add_capacities(facts: Facts, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Return the tables with the capacities that sum to the plan's figures."""
    return tables | {
        "small_home": _with_beds(tables["small_home"], "beds", facts.parameter("beds_per_small_home")),
        "day_care": _with_beds(
            _with_beds(tables["day_care"], "beds", facts.parameter("beds_per_day_care")),
            "places",
            facts.parameter("places_per_day_care"),
        ),
        "elder_home": _home_beds(facts, tables, rng),
        "meal_point": _meals(facts, tables["meal_point"], rng),
        "burial_ground": _plots(facts, tables["burial_ground"], rng, share="graves_in_burial_grounds_share"),
        "columbarium": _plots(facts, tables["columbarium"], rng, share=None),
    }


def _with_beds(table: pd.DataFrame, unit: str, each: float) -> pd.DataFrame:
    return table.assign(**{f"capacity_{unit}": np.full(len(table), round(each), dtype=np.int64)})


def _home_beds(facts: Facts, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """Return homes with beds: what the plan counts in all, less small homes and community beds."""
    homes = tables["elder_home"].reset_index(drop=True)
    elsewhere = len(tables["small_home"]) * facts.parameter("beds_per_small_home")
    elsewhere += len(tables["day_care"]) * facts.parameter("beds_per_day_care")
    known = homes["name_zh"].map(NAMED_HOME_BEDS)
    left = round(facts.parameter("beds_all") - elsewhere - known.sum())
    beds = known.fillna(0).to_numpy(np.int64)
    size = np.exp(rng.normal(0, 0.4, len(homes)))
    beds[known.isna()] = largest_remainder(size[known.isna()], left)
    nursing = largest_remainder(beds, round(facts.parameter("beds_all") * facts.parameter("nursing_share_of_beds")))
    special = np.argsort(-beds, kind="stable")[:10]
    dementia = np.zeros(len(homes), dtype=np.int64)
    dementia[special] = largest_remainder(beds[special], int(facts.parameter("dementia_beds")))
    largest = homes.assign(beds=beds).groupby("township_code")["beds"].transform("max").to_numpy() == beds
    standardised = largest & (beds >= facts.parameter("smallest_standardised_home_beds"))
    return homes.assign(
        capacity_beds=beds, capacity_nursing_beds=nursing, capacity_dementia_beds=dementia, standardised=standardised
    )


def _meals(facts: Facts, table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return meal points with meals a day; the first of each of the largest townships is a canteen."""
    table = table.reset_index(drop=True)
    first = table["facility_id"].str.endswith("-01")
    per_township = table.groupby("township_code")["facility_id"].transform("size")
    ranked = table[first].assign(n=per_township[first]).sort_values(["n", "township_code"], ascending=[False, True])
    canteen = table["facility_id"].isin(ranked["facility_id"].head(facts.count("meal_point", "canteen")))
    weight = np.where(canteen, facts.parameter("meals_canteen_weight"), 1.0) * np.exp(rng.normal(0, 0.25, len(table)))
    meals = largest_remainder(weight, int(facts.parameter("meals_per_day")))
    return table.assign(kind=np.where(canteen, "canteen", "meal_point"), capacity_meals_per_day=meals)


def _plots(facts: Facts, table: pd.DataFrame, rng: np.random.Generator, *, share: str | None) -> pd.DataFrame:
    """Return burial places with plots built and in use."""
    grounds = round(facts.parameter("graves_moved") * facts.parameter("graves_in_burial_grounds_share"))
    used_in_all = grounds if share else round(facts.parameter("graves_moved")) - grounds
    size = np.exp(rng.normal(0, 0.3, len(table))) * np.where(table["level"] == "township", 2.0, 1.0)
    plots = largest_remainder(size, round(used_in_all / facts.parameter("burial_share_in_use")))
    full = np.clip(rng.normal(facts.parameter("burial_share_in_use"), 0.12, len(table)), 0.3, 0.97)
    used = np.minimum(largest_remainder(plots * full, used_in_all), plots)
    short = used_in_all - int(used.sum())
    for row in np.argsort(used - plots, kind="stable"):
        extra = min(short, int(plots[row] - used[row]))
        used[row] += extra
        short -= extra
    return table.assign(capacity_plots=plots, used_plots=used)


def name_known_places(facts: Facts, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables in which the named institutions take the place of a rule-made row of their township."""
    named = facts["facilities_named"].set_index("name_zh")
    tables = {service: table.copy() for service, table in tables.items()}
    for name, (service, township, kind) in EXISTING_NAMED.items():
        table = tables[service]
        is_free = (table["township_code"] == township) & (table["data_kind"] == "schematic")
        row = table.index[is_free][0]
        fact = named.loc[name]
        table.loc[row, ["name_zh", "data_kind", "source"]] = [name, "sourced", f"名称与所在乡镇：{fact['source_zh']}"]
        table.loc[row, "kind"] = kind
    return tables


def add_planned(
    facts: Facts, tables: dict[str, pd.DataFrame], units: Units, townships: gpd.GeoDataFrame
) -> dict[str, pd.DataFrame]:
    """Return the tables with what was planned or built after 2020, and the two commercial cemeteries."""
    homes, meals = tables["elder_home"], tables["meal_point"]
    planned = [_planned_home(facts, homes, name, *more) for name, more in PLANNED_NAMED.items()]
    return tables | {
        "elder_home": pd.concat([homes, pd.DataFrame(planned)], ignore_index=True),
        "meal_point": pd.concat([meals, _added_meal_points(facts, meals, units)], ignore_index=True),
        "cemetery": _cemeteries(facts, tables["burial_ground"], townships),
    }


def _planned_home(
    facts: Facts, homes: pd.DataFrame, name: str, township: str, year: int | None, beds: int | None
) -> dict[str, Any]:
    fact = facts["facilities_named"].set_index("name_zh").loc[name]
    beside = homes[homes["township_code"] == township].iloc[0].to_dict()
    number = list(PLANNED_NAMED).index(name) + 1
    return beside | {
        "facility_id": f"elder_home-{township}-p{number}",
        "name_zh": name,
        "status": "planned",
        "open_year": year,
        "site_id": f"site-{township}-p{number}",
        "x": beside["x"] + 60.0,
        "y": beside["y"] + 25.0,
        "capacity_beds": beds,
        "capacity_nursing_beds": None,
        "capacity_dementia_beds": None,
        "standardised": None,
        "data_kind": "sourced",
        "source": f"名称与所在乡镇：{fact['source_zh']}",
    }


def _added_meal_points(facts: Facts, meals: pd.DataFrame, units: Units) -> pd.DataFrame:
    """Return what opened by the end of 2022 (111 less 92): in villages without a meal point, most elders first."""
    count = facts.count("meal_point", "added_2022")
    free = units.table[~units.table["village_code"].isin(meals["village_code"])]
    free = free.sort_values(["elders", "village_code"], ascending=[False, True]).head(count)
    each = largest_remainder(np.ones(count), int(facts.parameter("meals_added_2022")))
    towns = facts["townships"].set_index("township_code")["name_zh"]
    rows = []
    for number, (meal, (_, unit)) in enumerate(zip(each, free.iterrows(), strict=True), start=1):
        beside = meals.iloc[0].to_dict()
        x, y = units.free[unit["village_code"]][0]
        rows.append(
            beside
            | {
                "facility_id": f"meal_point-{unit['township_code']}-n{number:02d}",
                "name_zh": f"{towns[unit['township_code']]}助餐点(2022年前新增{number:02d})",
                "township_code": unit["township_code"],
                "village_code": unit["village_code"],
                "site_id": f"site-{unit['village_code']}-01",
                "kind": "meal_point",
                "status": "planned",
                "open_year": 2022,
                "x": x,
                "y": y,
                "capacity_meals_per_day": int(meal),
                "data_kind": "schematic",
                "source": "数量：2022年末111处（shcm.gov.cn/wwb 2023-03-06）；位置：按规则",
            }
        )
    for name, township in ADDED_MEAL_POINTS.items():
        fact = facts["facilities_named"].set_index("name_zh").loc[name]
        mine = [row for row in rows if row["township_code"] == township]
        if mine:
            mine[0].update(
                name_zh=name, kind="canteen", data_kind="sourced", source=f"名称与所在乡镇：{fact['source_zh']}"
            )
    return pd.DataFrame(rows)


def _cemeteries(facts: Facts, grounds: pd.DataFrame, townships: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the two named commercial cemeteries.

    One has a listed point; if the schematic township does not hold it, the nearest point 200 m inside does. The other
    stands beside its township's burial ground.
    """
    land = townships.set_index("township_code").geometry
    named = facts["facilities_named"].set_index("name_zh")
    rows = []
    for name, township in CEMETERIES.items():
        fact = named.loc[name]
        beside = grounds[grounds["township_code"] == township].iloc[0].to_dict()
        for column in ("capacity_plots", "used_plots"):
            beside.pop(column)
        at = np.array([beside["x"] + 40.0, beside["y"]])
        if np.isfinite(fact["lon_wgs84"]):
            listed = shapely.Point(shapes.to_metric([fact["lon_wgs84"]], [fact["lat_wgs84"]])[0])
            at = shapely.get_coordinates(shapely.shortest_line(land[township].buffer(-200.0), listed))[0]
        rows.append(
            beside
            | {
                "facility_id": f"cemetery-{township}-01",
                "service": "cemetery",
                "name_zh": name,
                "level": "district",
                "serves": "all",
                "kind": "commercial",
                "site_id": f"site-cemetery-{township}",
                "x": at[0],
                "y": at[1],
                "data_kind": "sourced",
                "source": fact["source_zh"],
            }
        )
    return pd.DataFrame(rows)
