"""Indicators of a toy district, each value worked by hand.

Three townships in a row, A B C, two villages in each. Meal points: two in A (one a canteen), one in B. One planned in C
does not count. Care homes: one in A with 80 beds (24 nursing), one in C with 20 beds (6 nursing). 1,000 people of 60+:
700 in A (village A1), 300 in C (village C2).
"""

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from chongming_gis import config, indicators, tables

CRS = "EPSG:32651"


def text(values):
    return pd.Series(values, dtype="str")


def areas(column, codes):
    frame = {column: text(codes), "name_zh": text([f"名{code}" for code in codes]), "township_code": text(codes)}
    shapes = [box(1000.0 * i, 0.0, 1000.0 * (i + 1), 1000.0) for i in range(len(codes))]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=CRS)


FACILITIES = [  # id, service, township, site, kind, status, standardised, x
    ("m1", "meal", "A", "s1", "canteen", "existing", None, 100.0),
    ("m2", "meal", "A", None, "point", "existing", None, 200.0),
    ("m3", "meal", "B", None, "point", "existing", None, 1700.0),
    ("m4", "meal", "C", None, "canteen", "planned", None, 2500.0),
    ("h1", "home", "A", "s1", None, "existing", True, 900.0),
    ("h2", "home", "C", None, None, "existing", False, 2900.0),
]
CAPACITY = [("h1", "beds", 80.0), ("h1", "nursing", 24.0), ("h2", "beds", 20.0), ("h2", "nursing", 6.0)]


def facilities(rows=FACILITIES):
    columns = list(zip(*rows, strict=True))
    places = gpd.GeoDataFrame(
        {
            "facility_id": text(columns[0]),
            "service": text(columns[1]),
            "township_code": text(columns[2]),
            "village_code": text([None] * len(rows)),
            "site_id": text(columns[3]),
            "kind": text(columns[4]),
            "status": text(columns[5]),
            "standardised": pd.Series(columns[6], dtype="boolean"),
        },
        geometry=[Point(x, 0.0) for x in columns[7]],
        crs=CRS,
    )
    capacity = pd.DataFrame(CAPACITY, columns=["facility_id", "unit", "value"]).assign(used=np.nan)
    return tables.Facilities(places=places, capacity=capacity)


def demand():
    codes = {"demand_id": text(["d", "e"]), "township_code": text(["A", "C"]), "village_code": text(["A1", "C2"])}
    points = gpd.GeoDataFrame(codes, geometry=[Point(0, 0), Point(2500, 0)], crs=CRS)
    persons = pd.DataFrame({"registered:old": [700.0, 300.0]}, index=pd.Index(text(["d", "e"])))
    return tables.Demand(points=points, persons=persons)


def study(measure, *, target=1.0, unit="percent", **more):
    source = {"path": "x.csv", "kind": "sourced", "source": "test"}
    services = [
        {
            "id": name, "name_zh": name, "name_en": name, "facilities": source, "group": "old", "base": "registered",
            "standards": [{"id": "s", "name_zh": "s", "name_en": "s", "source": "t",
                           "limits": [{"mode": "walk", "minutes": 15}]}],
        }
        for name in ("meal", "home")
    ]  # fmt: skip
    named = {"name_zh": "甲", "name_en": "a", "source": "test"}
    indicator = {**named, "id": "i", "definition": "d", "type": "duty", "unit": unit, "targets": {"t": target},
                 "measure": measure, **more}  # fmt: skip
    content = {
        "id": "toy", "name_zh": "镇", "name_en": "town", "data_date": "2020-12-31",
        "sources": {"roads": source, "demand": source},
        "bases": [{**named, "id": "registered"}],
        "groups": [{"id": "old", "name_zh": "老", "name_en": "old", "columns": {"registered": ["old"]}}],
        "settlement_classes": [{"id": "town", "name_zh": "镇", "name_en": "town"}],
        "modes": [{**named, "id": "walk", "preset": "older_walk"}],
        "services": services,
        "plan": {**named, "baseline_year": 2020,
                 "target_sets": [{**named, "id": "t", "stage": "review", "base_year": 2020, "year": 2025}],
                 "indicators": [indicator]},
    }  # fmt: skip
    return config.parse_study({k: v for k, v in content.items() if v is not None}, folder=Path())


def measured(measure, *, rows=FACILITIES, **more):
    return indicators.measure_indicators(
        study(measure, **more),
        facilities=facilities(rows),
        demand=demand(),
        townships=areas("township_code", ["A", "B", "C"]),
        villages=areas("village_code", ["A1", "A2", "B1", "B2", "C1", "C2"]),
    )


def district(measure, **more):
    table = measured(measure, **more)
    return table[table["scope"] == "district"].iloc[0]


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ({"of": "facilities", "services": ["meal"]}, 3.0),
        ({"of": "facilities", "services": ["meal", "home"]}, 5.0),
        ({"of": "facilities", "services": ["meal"], "kinds": ["canteen"]}, 1.0),
        ({"of": "facilities", "services": ["home"], "standardised": True}, 1.0),
        ({"of": "capacity", "services": ["home"], "unit": "beds"}, 100.0),
        ({"of": "capacity_share", "services": ["home"], "unit": "nursing", "whole_unit": "beds"}, 0.3),
        (
            {"of": "capacity_per_person", "services": ["home"], "unit": "beds", "group": "old", "base": "registered"},
            0.1,
        ),
        ({"of": "areas_with", "area": "township", "services": ["meal"]}, 2 / 3),
        ({"of": "areas_with", "area": "village", "services": ["meal"]}, 0.0),
        ({"of": "beside", "services": ["meal"], "others": ["home"], "within_m": 700.0}, 2 / 3),
        ({"of": "beside", "services": ["meal"], "others": ["home"], "within_m": 1.0}, 1 / 3),
    ],
)
def test_each_measure_by_hand(measure, value):
    assert district(measure, unit="count")["value"] == pytest.approx(value)
    assert district(measure, unit="percent")["value"] == pytest.approx(
        value if measure["of"] in {"facilities", "capacity"} else 100.0 * value
    )


def test_a_distance_is_inclusive_and_one_site_needs_none():
    """m2 stands exactly 700 m from h1; m1 shares h1's site, 800 m away."""
    exact = {"of": "beside", "services": ["meal"], "others": ["home"], "within_m": 700.0}
    assert district(exact, unit="count")["value"] == pytest.approx(2 / 3)
    assert district({**exact, "within_m": 699.9}, unit="count")["value"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("direction", "target", "status", "shortfall"),
    [
        ("at_least", 3, "met", 0.0),
        ("at_least", 5, "not_met", 2.0),
        ("at_most", 3, "met", 0.0),
        ("at_most", 1, "not_met", 2.0),
        ("equal", 3, "met", 0.0),
        ("equal", 4, "not_met", 1.0),
        ("at_least", "to_fill", "to_fill", math.nan),
    ],
)
def test_verdicts(direction, target, status, shortfall):
    row = district({"of": "facilities", "services": ["meal"]}, unit="count", direction=direction, target=target)
    assert (row["status"], row["evidence"]) == (status, "data")
    assert row["shortfall"] == pytest.approx(shortfall, nan_ok=True)


def test_a_target_that_was_printed_and_read_back_is_met():
    row = district({"of": "areas_with", "area": "township", "services": ["meal"]}, target=66.66666667)
    assert row["status"] == "met"


def test_what_a_rule_decides_has_no_verdict():
    table = measured({"of": "areas_with", "area": "township", "services": ["meal"]}, target=100, decided_by_rule="规则")
    assert set(table["status"]) == {"schematic"}
    assert set(table["evidence"]) == {"schematic"}
    assert table["shortfall"].isna().all()
    assert table["value"].iloc[0] == pytest.approx(200 / 3)  # the number stands, the verdict does not


def test_areas_are_named_with_what_they_lack():
    table = measured({"of": "areas_with", "area": "township", "services": ["meal"]}, target=100)
    rows = table[table["scope"] == "township"].set_index("scope_code")
    assert rows["status"].to_dict() == {"A": "met", "B": "met", "C": "not_met"}
    assert rows["shortfall"].to_dict() == {"A": 0.0, "B": 0.0, "C": 100.0}
    assert rows.loc["C", "name_zh"] == "名C"


def test_what_is_missing_is_told_in_places_and_persons():
    """No meals in C, where 300 people live; a rule that decides withholds the verdict, not the place."""
    measure = {"of": "areas_with", "area": "township", "services": ["meal"]}
    for more in ({}, {"decided_by_rule": "规则"}):
        rows = measured(measure, target=100, **more).set_index("scope_code")[["places_short", "persons_short"]]
        assert rows.loc["C"].tolist() == [1.0, 300.0]
        assert rows.loc["A"].tolist() == [0.0, 0.0]
        assert rows.loc["toy"].tolist() == [1.0, 300.0]
    assert measured(measure, target="to_fill")["places_short"].isna().all()
    assert measured(measure, target=50, direction="at_most")["persons_short"].isna().all()
    village = measured({**measure, "area": "village"}, target=100).set_index("scope_code")
    assert village.loc["toy", ["places_short", "persons_short"]].tolist() == [6.0, 1000.0]


def test_facilities_that_are_missing_are_places():
    row = district({"of": "facilities", "services": ["meal"]}, unit="count", target=5)
    assert row["places_short"] == 2.0
    assert math.isnan(row["persons_short"])


def test_facilities_without_a_neighbour_are_told_by_township():
    """Of the meal points m1 shares a site with h1, m2 in A is 700 m from it, m3 in B has no home near."""
    table = measured({"of": "beside", "services": ["meal"], "others": ["home"], "within_m": 100.0}, target=100)
    rows = table.set_index("scope_code")
    assert rows["value"].to_dict() == pytest.approx({"toy": 100 / 3, "A": 50.0, "B": 0.0})
    assert rows["places_short"].to_dict() == {"toy": 2.0, "A": 1.0, "B": 1.0}
    assert rows.loc["A", ["status", "shortfall"]].tolist() == ["not_met", 50.0]


def covered(**more):
    """Of 700 people in A 630 are within the standard, of 300 in C 90; nobody lives in B."""
    plan = study({"of": "covered", "services": ["meal"]}, **more)
    table = indicators.measure_indicators(
        plan,
        facilities=facilities(),
        demand=demand(),
        townships=areas("township_code", ["A", "B", "C"]),
        villages=areas("village_code", []),
    )
    assert set(table["status"]) <= {"not_measured", "to_fill"}
    persons, within = np.array([1000.0, 700.0, 0.0, 300.0]), np.array([720.0, 630.0, 0.0, 90.0])
    rows = {"scope": text(["district"] + ["township"] * 3), "scope_code": text(["toy", "A", "B", "C"])}
    shares = pd.DataFrame(
        {**rows, "name_zh": text(["镇", "甲", "乙", "丙"]), "persons": persons, "persons_covered": within}
    )
    shares = shares.assign(
        share_covered=within / np.where(persons > 0.0, persons, np.nan), service="meal", standard="s"
    )
    shares = shares.assign(serves_rule="applied", group="old", base="registered")
    free = shares.assign(serves_rule="ignored", persons_covered=persons)
    return indicators.add_covered(table, plan, pd.concat([shares, free])).set_index("scope_code")


def test_an_indicator_of_who_is_covered():
    rows = covered(target=85)
    assert rows["value"].to_dict() == pytest.approx({"toy": 72.0, "A": 90.0, "C": 30.0})
    assert rows["status"].to_dict() == {"toy": "not_met", "A": "met", "C": "not_met"}
    assert rows["persons_short"].to_dict() == {"toy": 280.0, "A": 70.0, "C": 210.0}
    assert set(covered(target=85, decided_by_rule="规则")["status"]) == {"schematic"}


def test_what_the_files_do_not_say_is_not_measured():
    assert district(None)["status"] == "not_measured"
    assert district(None)["evidence"] == "stated"
    unknown = district({"of": "capacity", "services": ["meal"], "unit": "beds"})
    assert (unknown["status"], math.isnan(unknown["value"])) == ("not_measured", True)


def test_a_service_without_any_facility_has_none_and_a_share_of_nothing_is_unknown():
    rows = [row for row in FACILITIES if row[1] == "home"]
    assert district({"of": "facilities", "services": ["meal"]}, rows=rows, unit="count")["value"] == 0.0
    beside = {"of": "beside", "services": ["meal"], "others": ["home"], "within_m": 10.0}
    assert math.isnan(district(beside, rows=rows)["value"])


def test_a_study_without_a_plan_has_a_table_without_rows():
    bare = study({"of": "facilities", "services": ["meal"]}).model_copy(update={"plan": None})
    table = indicators.measure_indicators(
        bare,
        facilities=facilities(),
        demand=demand(),
        townships=areas("township_code", ["A"]),
        villages=areas("village_code", []),
    )
    assert len(table) == 0
    assert list(table.columns) == list(tables.INDICATORS.columns)


@settings(max_examples=25)
@given(st.permutations(FACILITIES))
def test_the_order_of_the_list_changes_nothing(rows):
    beside = {"of": "beside", "services": ["meal"], "others": ["home"], "within_m": 700.0}
    pd.testing.assert_frame_equal(measured(beside, rows=rows), measured(beside))


def test_a_baseline_stands_with_the_targets_of_its_year_only():
    made = study({"of": "facilities", "services": ["meal"]}, unit="count", baseline=2, target=3)
    content = made.model_dump(mode="json", exclude_none=True)
    later = {**content["plan"]["target_sets"][0], "id": "later", "base_year": 2025, "year": 2030}
    content["plan"]["target_sets"].append(later)
    content["plan"]["indicators"][0]["targets"]["later"] = 4
    table = indicators.measure_indicators(
        config.parse_study({key: value for key, value in content.items() if value}, folder=Path()),
        facilities=facilities(),
        demand=demand(),
        townships=areas("township_code", ["A"]),
        villages=areas("village_code", ["A1"]),
    )
    assert table["baseline"].fillna(-1).tolist() == [2.0, -1.0]
