"""The verdict on inputs: what stops a run, what a reader must know, each with its place and its rows."""

import dataclasses

import pytest
import shapely

from chongming_gis import check, tables
from tests.toy import study as toy
from tests.toy.roads import X0, Y0, town

PLACES = [(30, 10), (250, -20), (1350, 40)]


def inputs(*, people=None, places=None, townships=(), region=None):
    """The toy town with three people and one facility, and what a test changes in it."""
    people = people or toy.demand(
        PLACES, persons={"all": [1, 2, 3], "old": [1, 0, 0]}, township=["t1", "t1", "t2"], village=["v1", "v2", "v3"]
    )
    facilities = tables.Facilities(toy.facilities([(200, -50)]) if places is None else places, capacity=None)
    crs = town().crs
    return tables.StudyInputs(
        roads=town(),
        demand=people,
        facilities={"meal": facilities},
        townships=toy.areas(townships) if townships else tables.no_rows(tables.TOWNSHIPS, crs),
        villages=tables.no_rows(tables.VILLAGES, crs),
        land=tables.no_rows(tables.LAND, crs),
        region=region,
    )


def verdict(made):
    return [(finding.severity, str(finding)) for finding in check.judge(made, toy.study())]


def at(frame, row, x, y):
    """The frame with one point moved."""
    geometry = frame.geometry.to_numpy().copy()
    geometry[row] = shapely.Point(x, y)
    return frame.set_geometry(geometry, crs=frame.crs)


def test_inputs_that_fit_together_have_no_findings():
    assert verdict(inputs(townships=("t1", "t2"))) == []


def test_a_facility_outside_the_region_stops_the_run():
    region = shapely.box(X0 - 50, Y0 - 400, X0 + 1500, Y0 + 600)
    assert verdict(inputs(region=region)) == []
    ((severity, words),) = verdict(inputs(region=region, places=toy.facilities([(200, -50), (1600, 0)])))
    assert severity == "error"
    assert words.startswith("services.meal.facilities (m.csv): 1 of 2 facilities lie outside the region: f1;")


def test_a_place_on_the_border_of_the_region_is_inside():
    region = shapely.box(X0 + 30, Y0 - 50, X0 + 1350, Y0 + 600)
    assert verdict(inputs(region=region)) == []


def test_without_a_region_places_far_from_all_roads_are_in_wrong_coordinates():
    """The roads end 500 m north of A; 5,499 m north is within 5 km of them, 5,501 m is not."""
    people = inputs().demand
    near = dataclasses.replace(people, points=at(people.points, 0, X0, Y0 + 5499))
    assert verdict(inputs(people=near)) == []
    far = dataclasses.replace(people, points=at(people.points, 0, X0, Y0 + 5501))
    ((severity, words),) = verdict(inputs(people=far))
    assert severity == "error"
    assert words.startswith(
        "sources.demand (x.csv): 1 of 3 demand points lie more than 5 km outside the roads: d0; check"
    )


def test_many_rows_are_named_by_the_first_five():
    ((_, words),) = verdict(inputs(places=toy.facilities([(1e6 + i, 0) for i in range(7)])))
    assert "7 of 7 facilities" in words
    assert "f0, f1, f2, f3, f4 ..." in words
    assert "f5" not in words


def test_a_service_for_nobody_stops_the_run():
    nobody = toy.demand(PLACES, persons={"all": [0, 0, 0], "old": [1, 0, 0]}, township=["t1"] * 3, village=[None] * 3)
    ((severity, words),) = verdict(inputs(people=nobody))
    assert severity == "error"
    assert words.startswith("services.meal: nobody")
    assert "'all' (base 'resident')" in words


@pytest.mark.parametrize("level", ["township", "village"])
def test_a_facility_that_serves_an_area_it_does_not_name_is_told(level):
    places = toy.facilities([(200, -50), (0, 0)], serves=[level, level], **{level: [None, "x"]})
    ((severity, words),) = verdict(inputs(places=places))
    assert severity == "warning"
    assert f"1 facilities serve one {level} but have no {level}_code" in words
    assert words.endswith(": f0")


def test_people_in_no_township_are_told_where_there_are_townships():
    people = toy.demand(
        PLACES, persons={"all": [1, 2, 3], "old": [1, 0, 0]}, township=["t1", None, None], village=[None] * 3
    )
    assert verdict(inputs(people=people)) == []
    ((severity, words),) = verdict(inputs(people=people, townships=("t1",)))
    assert severity == "warning"
    assert "2 of 3 demand points lie in no township: d1, d2" in words


def test_everything_is_found_at_once_and_errors_come_first():
    lost = toy.demand([(1e6, 0)], persons={"all": [0], "old": [0]}, township=[None], village=[None])
    places = toy.facilities([(1e6, 0)], serves=["village"])
    found = verdict(inputs(people=lost, places=places, townships=("t1",)))
    assert [severity for severity, _ in found] == ["error"] * 3 + ["warning"] * 2


def test_inputs_are_not_written_into():
    made = inputs(townships=("t1",))
    before = made.demand.points.copy(), made.facilities["meal"].places.copy()
    check.judge(made, toy.study())
    assert made.demand.points.equals(before[0])
    assert made.facilities["meal"].places.equals(before[1])
