"""The toy town with two rounds of a day, drawn by hand: one whole, one to a drop that gets a part, and one left out."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, Point

from chongming_gis import measured_tables, tables
from chongming_gis.deliverymodel import DeliveryConfig

SECTION = {
    "service": "meal_point", "kitchens": {"services": ["meal_point"], "source": "test"},
    "shares": [{"group": "a60_plus", "base": "resident", "share": 0.5, "source": "test"}],
    "vehicles": [
        {"id": "bike", "name_zh": "电动车 <b>", "name_en": "bike <b>", "mode": "ebike", "capacity_meals": 10,
         "per_kitchen": 1, "cost_per_km": 0.1, "cost_per_hour": 25, "source": "test"},
        {"id": "van", "name_zh": "面包车", "name_en": "van", "mode": "car", "capacity_meals": 50, "per_kitchen": 1,
         "cost_per_km": 1, "cost_per_hour": 30, "source": "test"},
    ],
    "starts": ["10:30", "11:30"], "deadline_min": 30, "handover_min": 2, "missed_meal_price": 50, "price_year": 2023,
    "source": "test",
}  # fmt: skip


def with_rounds(toy, result):
    """The toy result after a day's plan."""
    at = lambda x, y: (toy.X0 + x, toy.Y0 + y)  # noqa: E731
    hostile = toy.HOSTILE
    kitchens = _layer(
        measured_tables.DELIVERY_KITCHENS,
        [
            {"kitchen_id": "F1", "name_zh": toy.NAMES["facility"][0], "township_code": "101", "village_code": None,
             "meals_stated": 40, "meals_cooked": 20, "meals_assigned": 12, "meals_brought": 12, "meals_in_range": 15,
             "n_rounds": 2, "n_drops": 3, "length_m": 9000, "cost": 30, "status": "sends"},
            {"kitchen_id": "F2", "name_zh": None, "township_code": "102", "village_code": None, "meals_stated": 0,
             "meals_cooked": 0, "meals_assigned": 0, "meals_brought": 0, "meals_in_range": 0, "n_rounds": 0,
             "n_drops": 0, "length_m": 0, "cost": 0, "status": "no_meals"},
        ],
        [Point(*at(700, 2100)), Point(*at(5200, 1500))], toy.CRS,
    )  # fmt: skip
    names = [hostile, "村二", "村三", "村四", "村五"]
    brought, left = [5.0, 4.0, 3.0, 0.0, 0.0], [0.0, 0.0, 2.0, 6.0, 4.0]
    drops = _layer(
        measured_tables.DELIVERY_DROPS,
        [
            {"drop_id": f"d{i}", "name_zh": names[i], "township_code": "101" if i < 3 else "102",
             "village_code": "10101" if i < 2 else None, "meals": brought[i] + left[i], "meals_brought": brought[i],
             "meals_left": left[i], "kitchen_id": "F1" if brought[i] else None,
             "arrive_s": [300.0, 900.0, 600.0, np.nan, np.nan][i], "nearest_s": [300, 800, 600, 1500, np.inf][i],
             "reason": [None, None, "no_capacity", "no_round", "out_of_range"][i]}
            for i in range(5)
        ],
        list(result.demand.points.geometry), toy.CRS,
    )  # fmt: skip
    kitchen = at(700, 2100)
    lines = [
        LineString([kitchen, at(800, 2000), at(1500, 1000), kitchen]),
        LineString([kitchen, at(3500, 3300), kitchen]),
    ]
    rounds = [
        {"round_id": f"F1-0{i + 1}", "kitchen_id": "F1", "name_zh": toy.NAMES["facility"][0],
         "vehicle": ("bike", "van")[i], "cart": 1, "wave": i + 1, "depart": ("10:30", "11:30")[i],
         "back_s": (1500.0, 1300.0)[i], "n_stops": (2, 1)[i], "meals": (9.0, 3.0)[i], "length_m": lines[i].length,
         "cost": 15.0, "uses_ferry": i == 1}
        for i in range(2)
    ]  # fmt: skip
    stops = [("F1-01", 1, 0, "10:35", 300.0, 5.0, 4.0), ("F1-01", 2, 1, "10:45", 900.0, 4.0, 0.0),
             ("F1-02", 1, 2, "11:40", 600.0, 3.0, 0.0)]  # fmt: skip
    along = [lines[0].project(Point(*at(800, 2000))), lines[0].project(Point(*at(1500, 1000))), lines[1].length / 2]
    table = [
        {"round_id": r, "stop": n, "drop_id": f"d{i}", "name_zh": names[i], "township_code": "101",
         "village_code": "10101", "arrive": clock, "arrive_s": s, "meals": m, "load_after": load, "along_m": far}
        for (r, n, i, clock, s, m, load), far in zip(stops, along, strict=True)
    ]  # fmt: skip
    whole = {
        "service": "meal_point", "deadline_s": 1800.0, "n_kitchens": 2, "n_drops": 5, "n_drops_whole": 2,
        "meals_needed": 60, "meals_wanted": 24, "meals_stated": 40, "meals_cooked": 20, "meals_carried": 120,
        "meals_in_range": 20, "meals_at_most": 16, "meals_brought": 12, "meals_target": 80, "n_rounds": 2,
        "n_vehicles": 2, "length_m": 9000, "ride_s": 600, "oldest_s": 900, "cost": 30, "price_of_missed": 600,
        "bound": 420, "currency": "CNY", "price_year": 2023, "iterations": 20, "seed": 1, "evidence": "schematic",
    }  # fmt: skip
    changes = [
        ("deadline", "20", None, 20, 15, 14, 10, -2, None, 25),
        ("deadline", "30", None, 30, 20, 16, 12, 0, None, 30),
        ("vehicle", "F1", "甲", 1, None, None, 14, 2, None, 36),
        ("kitchen", "c1", "新址 <i>", 75, 24, 22, 18, 6, 1.5, 60),
    ]
    keys = ["what", "id", "name_zh", "value", "meals_in_range", "meals_at_most", "meals_brought", "meals_more",
            "minutes_saved", "cost"]  # fmt: skip
    whatif = [{**dict(zip(keys, row, strict=True)), "township_code": "101"} for row in changes]
    made = {
        "delivery": _table(measured_tables.DELIVERY, [whole]),
        "delivery_kitchens": kitchens,
        "delivery_drops": drops,
        "routes": _layer(measured_tables.ROUTES, rounds, lines, toy.CRS),
        "route_stops": _table(measured_tables.ROUTE_STOPS, table),
        "delivery_whatif": _table(measured_tables.DELIVERY_WHATIF, whatif),
    }
    for name, frame in made.items():
        tables.validate(frame, measured_tables.MEASURED[name], where=name)
    study = result.study.model_copy(update={"delivery": DeliveryConfig.model_validate(SECTION)})
    return dataclasses.replace(result, study=study, measured={**result.measured, **made})


def _table(contract, rows):
    return pd.DataFrame(rows, columns=list(contract.columns)).astype(tables.column_types(contract))


def _layer(contract, rows, geometry, crs):
    return gpd.GeoDataFrame(_table(contract, rows), geometry=geometry, crs=crs)
