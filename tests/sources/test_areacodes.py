"""Codes from stated names: only where a name means one area; two villages of one name are told apart by township."""

import geopandas as gpd
import pandas as pd
import shapely

from chongming_gis import sources


def areas(**columns):
    n = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(
        {name: pd.Series(values, dtype="str") for name, values in columns.items()},
        geometry=[shapely.Point(0, 0).buffer(1)] * n,
        crs=32651,
    )


TOWNS = areas(township_code=["1", "2"], name_zh=["城桥镇", "堡镇"])
VILLAGES = areas(village_code=["11", "12", "21"], name_zh=["富民村", "东海村", "富民村"], township_code=["1", "1", "2"])


def fill(**columns):
    points = areas(**{"township_code": [None], "village_code": [None], **columns})
    filled = sources.fill_codes_by_name(points, TOWNS, VILLAGES)
    return filled["township_code"].fillna("-").tolist(), filled["village_code"].fillna("-").tolist()


def test_names_become_codes():
    assert fill(township_name=["城桥镇"], village_name=["东海村"]) == (["1"], ["12"])
    assert fill(township_name=["城桥"], village_name=["东海村村委会"]) == (["1"], ["12"])


def test_two_villages_of_one_name_need_the_township():
    assert fill(village_name=["富民村"]) == (["-"], ["-"])
    assert fill(village_name=["东海村"]) == (["-"], ["12"])
    assert fill(township_name=["堡镇"], village_name=["富民村"]) == (["2"], ["21"])
    assert fill(township_code=["1"], village_name=["富民村"]) == (["1"], ["11"])


def test_what_is_not_known_stays_missing_and_codes_stay():
    assert fill(township_name=["新河镇"], village_name=["西海村"]) == (["-"], ["-"])
    assert fill(township_name=["堡镇"], village_name=["东海村"]) == (["2"], ["-"])
    assert fill(township_name=["堡镇"], township_code=["1"]) == (["1"], ["-"])
    assert fill(name_zh=["甲"]) == (["-"], ["-"])
