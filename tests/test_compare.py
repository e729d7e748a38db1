"""Two results of the toy town that differ in one thing each: who gained, who lost, and why."""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from chongming_gis import compare, tables
from chongming_gis.errors import InputFileError


@pytest.fixture(scope="module")
def toy():
    spec = importlib.util.spec_from_file_location("toy_town_of_maps", Path(__file__).parent / "maps" / "toy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.result()


def with_access(result, changes, **more):
    """The result with the headline rows of meal_point under the rule changed: {demand row: (covered, facility)}."""
    access = result.access.copy()
    rows = np.flatnonzero(
        (access["service"] == "meal_point")
        & (access["standard"] == "draft_2024")
        & (access["serves_rule"] == "applied")
    )
    covered, facility = access["covered"].to_numpy(bool).copy(), access["facility_id"].to_numpy(object).copy()
    for row, (is_covered, facility_id) in changes.items():
        covered[rows[row]], facility[rows[row]] = is_covered, facility_id
    access = access.assign(covered=covered, facility_id=pd.Series(facility, dtype="str"))
    return dataclasses.replace(result, access=access, **more)


def with_places(result, change):
    places = change(result.facilities.places).reset_index(drop=True)
    return tables.Facilities(places=places, capacity=result.facilities.capacity)


def test_a_result_differs_from_itself_in_nothing(toy):
    found = compare.compare_results(toy, toy)
    assert len(found.points) == len(found.facilities) == 0
    assert found.points["persons"].sum() == 0.0  # numbers, where there are no rows
    assert (found.coverage["change_covered"] == 0).all()
    assert len(found.coverage) == len(toy.coverage)
    assert (found.indicators["status_before"] == found.indicators["status_after"]).all()


def test_a_new_site_and_a_closed_one(toy):
    """F9 opens and takes d2 in; F1 closes and d1, whose nearest it was, is lost."""
    extra = toy.facilities.places.iloc[[0]].assign(facility_id="F9", name_zh="新食堂")
    places = with_places(toy, lambda old: pd.concat([old[old["facility_id"] != "F1"], extra]))
    after = with_access(toy, {2: (True, "F9"), 1: (False, "F2")}, facilities=places)
    found = compare.compare_results(toy, after)
    assert found.facilities[["facility_id", "change"]].to_numpy().tolist() == [["F1", "gone"], ["F9", "new"]]
    rows = found.points.set_index("demand_id")
    assert rows.loc["d2", ["change", "cause", "persons"]].tolist() == ["gained", "new_site", 30.0]
    assert rows.loc["d1", ["change", "cause", "persons"]].tolist() == ["lost", "closed", 20.0]
    assert len(rows) == 2


def test_the_standard_the_road_and_the_position_as_causes(toy):
    limits = toy.study.model_dump(mode="json", exclude_none=True)
    limits["services"][0]["standards"][0]["limits"][0]["minutes"] = 20
    looser = type(toy.study).model_validate({**limits, "folder": Path()})
    gained = {2: (True, "F1")}
    by_standard = compare.compare_results(toy, with_access(toy, gained, study=looser))
    assert by_standard.points["cause"].tolist() == ["standard"]
    before, after = (
        {**toy.manifest, "inputs": [{"role": "roads", "sha256": digest}]} for digest in ("a" * 64, "b" * 64)
    )
    by_road = compare.compare_results(
        dataclasses.replace(toy, manifest=before), with_access(toy, gained, manifest=after)
    )
    assert by_road.points["cause"].tolist() == ["road"]
    moved = with_places(
        toy, lambda old: old.set_geometry(shapely.transform(old.geometry.to_numpy(), lambda xy: xy + 30))
    )
    by_move = compare.compare_results(toy, with_access(toy, gained, facilities=moved))
    assert by_move.points["cause"].tolist() == ["position"]
    assert set(by_move.facilities["detail"]) == {"42 m"}  # 30 m each way
    assert compare.compare_results(toy, with_access(toy, gained)).points["cause"].tolist() == ["people"]


def test_capacity_is_told(toy):
    capacity = toy.facilities.capacity.assign(value=[130.0, 80.0])
    after = dataclasses.replace(toy, facilities=tables.Facilities(places=toy.facilities.places, capacity=capacity))
    found = compare.compare_results(toy, after).facilities
    assert found[["facility_id", "change", "detail"]].to_numpy().tolist() == [["F1", "capacity", "份: 120 -> 130"]]


def test_other_points_are_compared_by_area_only(toy):
    points = toy.demand.points.assign(demand_id=[f"x{i}" for i in range(len(toy.demand.points))])
    after = dataclasses.replace(toy, demand=tables.Demand(points=points, persons=toy.demand.persons))
    found = compare.compare_results(toy, after)
    assert not found.has_same_points
    assert len(found.points) == 0
    assert len(found.coverage) == len(toy.coverage)


def test_results_without_a_common_service_are_refused(toy):
    study = toy.study.model_dump(mode="json", exclude_none=True)
    study = {**study, "plan": None, "needs": [], "costs": [], "siting_rules": []}
    for service in study["services"]:
        service["id"] += "_x"
    other = type(toy.study).model_validate({**study, "folder": Path()})
    with pytest.raises(InputFileError, match="no service in common"):
        compare.compare_results(toy, dataclasses.replace(toy, study=other))


def test_results_of_different_places_are_refused_by_their_townships(toy):
    townships = toy.townships.assign(township_code=[f"9{code}" for code in toy.townships["township_code"]])
    with pytest.raises(InputFileError, match="different places: toy has the townships 101, 102, 103; toy has 9101"):
        compare.compare_results(toy, dataclasses.replace(toy, townships=townships))


def test_the_district_is_the_district_whatever_the_study_is_called(toy):
    coverage = toy.coverage.assign(scope_code=toy.coverage["scope_code"].replace("toy", "other"))
    study = toy.study.model_copy(update={"id": "other"})
    found = compare.compare_results(toy, dataclasses.replace(toy, study=study, coverage=coverage))
    assert set(found.coverage.loc[found.coverage["scope"] == "district", "scope_code"]) == {"toy"}


def test_what_finds_a_place_is_compared_by_service(toy):
    """4 of 9 meals are served before, 5 after."""
    provision = toy.provision.assign(served=[2.0, 3.0, 0.0], no_place=[0.0, 0.0, 2.0])
    (row,) = compare.compare_results(toy, dataclasses.replace(toy, provision=provision)).provision.to_dict("records")
    assert (row["need_before"], row["served_before"], row["served_after"], row["no_place_after"]) == (
        9.0,
        4.0,
        5.0,
        2.0,
    )
