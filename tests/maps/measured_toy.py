"""Gap areas and drawn areas of the toy town's meal points, with numbers that are easy to recognise."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import measured_tables, tables

X0, Y0, SIDE = 330_000.0, 3_500_000.0, 4_000.0
HOSTILE = "</script><img src=x onerror=window.pwned=1>"


def _frame(rows, contract, geometry, **more):
    frame = pd.DataFrame(rows).astype(tables.column_types(contract)).assign(**more)
    made = gpd.GeoDataFrame(frame, geometry=geometry, crs="EPSG:32651")
    tables.validate(made, contract, where=contract.name)
    return made


def gaps():
    """Around d2 (30 persons, 25 minutes), and around d3 (5 persons who reach none)."""
    rows = {
        "gap_id": ["meal_point-d2", "meal_point-d3"],
        "service": "meal_point",
        "standard": "draft_2024",
        "mode": "ebike",
        "rank": [1, 2],
        "name_zh": ["甲 一带", HOSTILE],
        "name_en": ["around A", HOSTILE],
        "township_code": ["101", "102"],
        "village_code": [None, "10201"],
        "demand_id": ["d2", "d3"],
        "n_points": [1, 1],
        "base": "resident",
        "group": "a60_plus",
        "persons": [30.0, 5.0],
        "persons_unreached": [0.0, 5.0],
        "nearest_s": [1500.0, np.inf],
        "median_s": [1560.0, np.inf],
    }
    around = [shapely.Point(X0 + x, Y0 + y).buffer(400.0) for x, y in ((3500, 3300), (4900, 1200))]
    more = {"persons_a60_plus": [30.0, 5.0], "persons_a80_plus": [3.0, 0.5]}
    return _frame(rows, measured_tables.GAPS, around, **more)


def isochrones():
    """Squares around F1 for people of the town: 5 minutes inside 15, with a hole; 5 of 30 persons misjudged."""
    centre = shapely.Point(X0 + 1000, Y0 + 2500)
    inner, outer = (centre.buffer(side, cap_style="square") for side in (400.0, 900.0))
    hole = shapely.Point(X0 + 1700, Y0 + 2500).buffer(100.0, cap_style="square")
    rows = {
        "service": "meal_point",
        "standard": "draft_2024",
        "settlement": "town",
        "mode": "walk",
        "limit_s": [300.0, 900.0],
        "standard_s": 900.0,
        "cell_m": 25.0,
        "area_km2": [0.64, 3.2],
        "persons": 30.0,
        "persons_inside": [10.0, 35.0],
        "persons_in_time": [10.0, 30.0],
        "persons_misclassified": [0.0, 5.0],
        "share_misclassified": [0.0, 5.0 / 30.0],
        "near_edge_persons": [0.0, 20.0],
        "near_edge_misclassified": [0.0, 5.0],
    }
    shapes = [shapely.MultiPolygon([inner]), shapely.MultiPolygon([outer.difference(hole)])]
    return _frame(rows, measured_tables.ISOCHRONES, shapes)


def with_areas(result):
    """The toy result with both tables, as a study that asks for them makes them."""
    asked = {
        "gaps": {"radius_min": 10, "least_persons": 2, "source": "test"},
        "isochrones": {"services": ["meal_point"]},
    }
    measures = type(result.study.measures).model_validate(asked)
    return dataclasses.replace(
        result,
        study=result.study.model_copy(update={"measures": measures}),
        measured={**result.measured, "gaps": gaps(), "isochrones": isochrones()},
    )
