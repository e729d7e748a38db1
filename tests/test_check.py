"""The verdict on inputs: what stops a run, what a reader must know, each with its place and its rows.

The toy town (``tests.toy.roads``) lies within 1.4 km x 0.8 km; distances below are in metres from its place A.
"""

import dataclasses
import string

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import check, network, tables
from chongming_gis.check.amounts import odd_sizes
from chongming_gis.findings import Finding
from tests.toy import study as toy
from tests.toy.roads import BIKE, CRS, FOOT, X0, Y0, road_tables, town

PLACES = [(30, 10), (250, -20), (1350, 40)]


def inputs(*, people=None, places=None, townships=(), region=None, land=None, capacity=None, roads=None, report=None):
    """The toy town with three people and one facility, and what a test changes in it."""
    people = people or toy.demand(
        PLACES, persons={"all": [1, 2, 3], "old": [1, 0, 0]}, township=["t1", "t1", "t2"], village=["v1", "v2", "v3"]
    )
    placed = toy.facilities([(200, -50)], township=["t1"]) if places is None else places
    roads = roads or town()
    return tables.StudyInputs(
        roads=roads,
        demand=people,
        facilities={"meal": tables.Facilities(placed, capacity=capacity, report=report or {})},
        townships=squares(townships) if townships else tables.no_rows(tables.TOWNSHIPS, CRS),
        villages=tables.no_rows(tables.VILLAGES, CRS),
        land=tables.no_rows(tables.LAND, CRS) if land is None else land,
        region=region,
    )


def squares(codes):
    """Townships side by side from west to east, each 1,000 m wide and 2,000 m high; t1 begins 500 m west of A."""
    frame = toy.areas(codes)
    shapes = [shapely.box(X0 - 500 + 1000 * k, Y0 - 1000, X0 + 500 + 1000 * k, Y0 + 1000) for k in range(len(codes))]
    return frame.set_geometry(gpd.GeoSeries(shapes, crs=CRS))


def land(*areas):
    """Land areas (kind, west, south, east, north) in metres from A."""
    columns = {
        "land_id": toy.text([f"l{k}" for k in range(len(areas))]),
        "kind": toy.text([area[0] for area in areas]),
        "name_zh": toy.text([None] * len(areas)),
        "data_kind": toy.text(["sourced"] * len(areas)),
    }
    shapes = [shapely.box(X0 + w, Y0 + s, X0 + e, Y0 + n) for _, w, s, e, n in areas]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def capacities(values, *, used=None, unit="meals"):
    used = [np.nan] * len(values) if used is None else used
    ids = toy.text([f"f{k}" for k in range(len(values))])
    return pd.DataFrame({"facility_id": ids, "unit": toy.text([unit] * len(values)), "value": values, "used": used})


def found(made, study=None):
    return check.judge(made, study or toy.study())


def told(findings, rule=None):
    """Severity, rule and id of findings, or the ids and sentences of one rule."""
    if rule is None:
        return [(finding.severity, finding.rule, finding.details.get("id")) for finding in findings]
    return [(finding.details.get("id"), finding.message) for finding in findings if finding.rule == rule]


def named(places, names):
    return places.assign(name_zh=toy.text(names))


def test_inputs_that_fit_together_have_no_findings():
    assert found(inputs(townships=("t1", "t2"))) == []


def test_a_clean_study_is_green():
    made = inputs(townships=("t1", "t2"))
    files = [
        check.InputFile("demand", "x.csv", "sourced", 3),
        check.InputFile("facilities:meal", "m.csv", "sourced", 1),
    ]
    verdict = check.make_verdict(found(made), files)
    assert verdict.colour == "green"
    assert [light.colour for light in verdict.lights] == ["green", "green"]


# ---- where places lie ----------------------------------------------------------------------------------------------


def test_a_facility_outside_the_region_is_an_error_with_its_row():
    region = shapely.box(X0 - 50, Y0 - 400, X0 + 1500, Y0 + 600)
    assert found(inputs(region=region)) == []
    places = toy.facilities([(200, -50), (1600, 0)])
    report = {"row_of": {"f0": 2, "f1": 3}, "sheet": "点"}
    (finding,) = found(inputs(region=region, places=places, report=report))
    assert (finding.severity, finding.rule, finding.where) == ("error", "outside_region", "m.csv")
    assert (finding.row, finding.sheet, finding.role) == (3, "点", "facilities:meal")
    assert finding.details == {"id": "f1", "name": "食堂"}


def test_a_place_on_the_border_of_the_region_is_inside():
    region = shapely.box(X0 + 30, Y0 - 50, X0 + 1350, Y0 + 600)
    assert found(inputs(region=region)) == []


def test_without_a_region_places_far_from_all_roads_are_in_wrong_coordinates():
    """The roads end 500 m north of A; 5,499 m north is within 5 km of them, 5,501 m is not."""
    near = toy.facilities([(0, 5499)], township=["t1"])
    assert found(inputs(places=near)) == []
    assert told(found(inputs(places=toy.facilities([(0, 5501)], township=["t1"])))) == [
        ("error", "far_from_roads", "f0")
    ]


def test_a_place_in_a_reservoir_is_told_with_its_depth():
    """The reservoir reaches 40 m south of the place and farther to all other sides."""
    made = inputs(land=land(("reservoir", 0, -90, 400, 100)))
    assert told(found(made), "in_water") == [("d0", "lies in reservoir, 30 m from its edge"), (
        "d1", "lies in reservoir, 70 m from its edge"), ("f0", "lies in reservoir, 40 m from its edge")]  # fmt: skip


def test_a_place_less_deep_in_water_than_its_position_is_good_to_is_not_told():
    made = inputs(land=land(("reservoir", 0, -90, 400, 100)))
    study = toy.study(services__0__facilities__position_quality_m=40.0, sources__demand__position_quality_m=70.0)
    assert told(found(made, study), "in_water") == []
    study = toy.study(services__0__facilities__position_quality_m=39.0, sources__demand__position_quality_m=70.0)
    assert [name for name, _ in told(found(made, study), "in_water")] == ["f0"]


def test_a_place_off_the_coast_is_told_where_there_is_one():
    made = inputs(land=land(("coast", -100, -500, 1300, 600), ("forest", 0, 0, 1, 1)))
    assert told(found(made), "off_land") == [("d2", "lies 50 m off the land")]


def test_a_place_outside_the_township_it_names_is_told_with_the_distance_and_where_it_is():
    """t1 ends 500 m east of A: 601 m is 101 m outside it and told, 599 m is within the margin of 100 m."""
    places = toy.facilities([(601, 0), (599, 0)], township=["t1", "t1"])
    assert told(found(inputs(places=places, townships=("t1", "t2"))), "outside_township") == [
        ("f0", "lies 101 m outside its township 区t1, in 区t2")
    ]


def test_a_township_may_be_stated_by_its_name():
    places = toy.facilities([(800, 0)]).assign(township_name=toy.text(["区 t1镇"]))
    assert told(found(inputs(places=places, townships=("t1", "t2"))), "outside_township") == [
        ("f0", "lies 300 m outside its township 区t1, in 区t2")
    ]


def test_a_township_that_the_boundaries_do_not_have_is_told():
    places = toy.facilities([(200, -50)], township=["t9"])
    (finding,) = found(inputs(places=places, townships=("t1", "t2")))
    assert (finding.severity, finding.rule, finding.value) == ("warning", "township_unknown", "t9")


def test_places_far_from_the_seat_of_their_township_are_told():
    """The seat is the place that bears the township's name; 8,000 m from it is not far, 8,001 m is."""
    xy = [(0, 0), (0, 4000), (0, 4001), (0, -4000)]
    frame = named(toy.facilities([(x, y - 3999.5) for x, y in xy]), ["庙镇", "甲村", "乙村", "丙村"])
    frame = frame.assign(township_name=toy.text(["庙镇"] * 4))
    moved = frame.geometry.to_numpy().copy()
    moved[0], moved[1], moved[2], moved[3] = (shapely.Point(X0, Y0 + y) for y in (-4000, 4000, 4001, 0))
    made = inputs(places=frame.set_geometry(gpd.GeoSeries(moved, crs=CRS)))
    assert told(found(made), "far_from_town") == [("f2", "lies 8.0 km from 庙镇, its township")]


def test_places_far_from_the_others_of_their_township_are_told_where_it_has_no_seat_or_boundary():
    xy = [(0, -4400), (10, -4400), (20, -4400), (30, -4400), (0, 4400)]
    made = inputs(places=named(toy.facilities(xy, township=["t1"] * 5), list("甲乙丙丁戊")))
    assert [name for name, _ in told(found(made), "far_from_town")] == ["f4"]
    assert told(found(inputs(places=toy.facilities(xy[1:], township=["t1"] * 4))), "far_from_town") == []


# ---- places given twice ------------------------------------------------------------------------------------------


def test_the_same_name_near_by_is_told_once_for_a_pair():
    """f0 and f1 are 299 m apart and told, f2 is 301 m from f1; the later of a pair is told, with the earlier."""
    places = named(toy.facilities([(0, 0), (299, 0), (600, 0), (0, 1)]), ["甲", " 甲", "甲", "乙"])
    assert told(found(inputs(places=places)), "same_name_near") == [
        ("f1", "has the same name as f0 (row —), 299 m away")
    ]


def test_two_on_one_spot_are_told_unless_they_share_a_site():
    places = named(toy.facilities([(0, 0), (3, 0), (6.5, 0)]), ["甲", "乙", "丙"])
    made = inputs(places=places, report={"row_of": {"f0": 2, "f1": 3, "f2": 4}})
    (finding,) = found(made)
    assert (finding.rule, finding.row, finding.details["other"]) == ("same_spot", 3, "f0")
    assert finding.message == "stands on the same spot as f0 (row 2)"
    shared = places.assign(site_id=toy.text(["s", "s", None]))
    assert found(inputs(places=shared)) == []


def test_facilities_of_two_services_on_one_spot_without_a_site_are_noted():
    content = toy.content()
    content["services"] = [content["services"][0], {**content["services"][0], "id": "care"}]
    study = toy.config.parse_study(content, folder=toy.Path())
    made = inputs()
    other = made.facilities["meal"].places.assign(facility_id=toy.text(["g0"]), service=toy.text(["care"]))
    both = {**made.facilities, "care": tables.Facilities(other, capacity=None)}
    noted = [f for f in found(dataclasses.replace(made, facilities=both), study) if f.rule == "shared_spot"]
    assert [(f.severity, f.role, f.details["n"]) for f in noted] == [
        ("note", "facilities:meal", "1"),
        ("note", "facilities:care", "1"),
    ]
    shared = {name: dataclasses.replace(t, places=t.places.assign(site_id=toy.text(["s"]))) for name, t in both.items()}
    assert not [f for f in found(dataclasses.replace(made, facilities=shared), study) if f.rule == "shared_spot"]


def test_a_demand_point_that_repeats_another_is_told():
    xy = [(0, 0), (0, 0), (0, 0)]
    people = toy.demand(xy, persons={"all": [5, 5, 6], "old": [1, 1, 1]}, township=["t1"] * 3, village=[None] * 3)
    assert [name for name, _ in told(found(inputs(people=people)), "people_repeated")] == ["d1"]


# ---- coordinates as written --------------------------------------------------------------------------------------


def in_degrees(*lon_lat):
    """Facilities at longitudes and latitudes, as a table of WGS 84 coordinates gives them."""
    places = toy.facilities([(0, 0)] * len(lon_lat), township=["t1"] * len(lon_lat))
    points = gpd.GeoSeries([shapely.Point(at) for at in lon_lat], crs="EPSG:4326").to_crs(CRS)
    return named(places.set_geometry(points), [f"点{k}" for k in range(len(lon_lat))])


LON, LAT = 121.2134, 31.6191  # within the toy town's surroundings


def test_coordinates_with_few_decimals_are_told_unless_the_quality_says_so():
    """Three decimals are 56 m off at worst, two 557 m; four are fine."""
    places = in_degrees((LON, LAT), (121.213, 31.619), (121.21, 31.62))
    study = toy.study(services__0__facilities__datum="wgs84")
    coarse = told(found(inputs(places=places), study), "coarse_position")
    assert [(name, words.partition("be ")[2]) for name, words in coarse] == [
        ("f1", "56 m off"),
        ("f2", "557 m off"),
    ]  # fmt: skip
    study = toy.study(services__0__facilities__datum="wgs84", services__0__facilities__position_quality_m=60.0)
    assert [name for name, _ in told(found(inputs(places=places), study), "coarse_position")] == ["f2"]


def test_a_default_position_is_told_for_every_row_that_has_it():
    places = in_degrees(*[(LON, LAT)] * 3, *[(LON + 0.00123 * k, LAT + 0.00087 * k) for k in range(1, 6)])
    rows = told(found(inputs(places=places)), "default_position")
    assert rows == [
        (f"f{k}", "stands on a spot that 37.5 % of all rows share: a default, not a position") for k in range(3)
    ]


@pytest.mark.parametrize(("column", "rule"), [(0, "one_longitude"), (1, "one_latitude")])
def test_a_column_that_was_filled_down_is_told(column, rule):
    places = [[LON + 0.00123 * k, LAT + 0.00087 * k] for k in range(8)]
    for place in places[:5]:
        place[column] = (LON, LAT)[column]
    rows = told(found(inputs(places=in_degrees(*map(tuple, places)))), rule)
    assert [name for name, _ in rows] == [f"f{k}" for k in range(5)]


def test_schematic_roads_cannot_bear_out_a_declared_datum():
    study = toy.study(sources__roads__kind="schematic", services__0__facilities__datum="gcj02")
    (finding,) = found(inputs(), study)
    assert (finding.severity, finding.rule, finding.role) == ("note", "datum_untold_schematic", "roads")


# ---- numbers -----------------------------------------------------------------------------------------------------


def spread_out(n):
    """Facilities of different names 350 m apart on a line, inside the margin around the roads."""
    places = toy.facilities([(350 * k, 350) for k in range(n)], township=["t1"] * n)
    return named(places, [f"名{k}" for k in range(n)])


def test_a_capacity_far_from_all_others_is_told():
    """Nine between 40 and 60 and one of 5,000: a hundred times the median of 50."""
    values = [40.0, 50, 60, 55, 45, 50, 52, 48, 50, 5000]
    made = inputs(places=spread_out(10), capacity=capacities(values))
    assert told(found(made), "capacity_odd") == [("f9", "5,000 meals are far from all others (median 50)")]


def test_capacities_of_all_sizes_are_not_odd():
    sizes = np.geomspace(5, 500, 30)
    assert not odd_sizes(sizes)[1].any()


def test_few_capacities_have_no_usual_size():
    assert not odd_sizes(np.array([50.0] * 8 + [5000.0]))[1].any()


def test_nothing_and_more_in_use_than_there_is_are_told():
    made = inputs(places=spread_out(3), capacity=capacities([0.0, 10, 10], used=[np.nan, 11, 10]))
    assert told(found(made)) == [("warning", "capacity_overused", "f1"), ("warning", "capacity_zero", "f0")]


def test_a_home_without_beds_of_one_kind_gives_something():
    both = pd.concat([capacities([0.0]), capacities([5.0], unit="beds")], ignore_index=True)
    assert found(inputs(capacity=both)) == []


def test_a_service_for_nobody_stops_the_run():
    nobody = toy.demand(PLACES, persons={"all": [0, 0, 0], "old": [0, 0, 0]}, township=["t1"] * 3, village=[None] * 3)
    errors = [finding for finding in found(inputs(people=nobody)) if finding.severity == "error"]
    assert [(finding.rule, finding.details["service"]) for finding in errors] == [("service_for_nobody", "meal")]


def test_a_group_larger_than_everyone_is_told_beyond_rounding():
    """100.9 of 100 is rounding (1 % and a half), 101.6 is not."""
    people = toy.demand(
        PLACES, persons={"all": [100, 100, 0], "old": [101.4, 101.6, 0]}, township=["t1"] * 3, village=[None] * 3
    )
    assert told(found(inputs(people=people))) == [
        ("warning", "group_exceeds_all", "d1"),
        ("note", "points_without_people", None),
    ]


@pytest.mark.parametrize("level", ["township", "village"])
def test_a_facility_that_serves_an_area_it_does_not_name_is_told(level):
    places = named(toy.facilities([(200, -50), (0, 0)], serves=[level, level], **{level: [None, "x"]}), ["甲", "乙"])
    assert told(found(inputs(places=places))) == [("warning", f"serves_no_{level}", "f0")]


# ---- areas -------------------------------------------------------------------------------------------------------


def test_people_in_no_township_are_told_where_there_are_townships():
    people = toy.demand(
        PLACES, persons={"all": [1, 2, 3], "old": [1, 0, 0]}, township=["t1", None, None], village=[None] * 3
    )
    assert found(inputs(people=people)) == []
    assert told(found(inputs(people=people, townships=("t1",)))) == [
        ("warning", "in_no_township", "d1"),
        ("warning", "in_no_township", "d2"),
    ]


def test_townships_without_road_or_people_are_told():
    """t3 lies east of the ferry's far end: neither road nor people; t2 has both."""
    findings = found(inputs(townships=("t1", "t2", "t3")))
    assert [(f.rule, f.details["names"]) for f in findings] == [
        ("township_without_people", "区t3 (t3)"),
        ("township_without_road", "区t3 (t3)"),
    ]


def test_roads_mostly_outside_all_townships_are_noted():
    """t1 holds all roads but G - H (100 m): nothing is said; with t2 alone it is."""
    made = inputs(townships=("t1", "t2"))
    only = dataclasses.replace(made, townships=made.townships.iloc[[1]].reset_index(drop=True))
    assert "roads_outside_townships" in {finding.rule for finding in found(only)}
    assert "roads_outside_townships" not in {finding.rule for finding in found(inputs(townships=("t1",)))}


def test_people_on_a_corner_of_the_region_are_told():
    region = shapely.box(X0 - 20_000, Y0 - 20_000, X0 + 20_000, Y0 + 20_000)
    xy = [(30 * k, 10 * (k % 2)) for k in range(10)]
    many = toy.demand(xy, persons={"all": [1] * 10, "old": [1] * 10}, township=["t1"] * 10, village=[None] * 10)
    assert told(found(inputs(people=many, region=region))) == [("warning", "region_mostly_empty", None)]
    tight = shapely.box(X0 - 1, Y0 - 60, X0 + 271, Y0 + 12)  # 272 m x 72 m; the people span 2,550 square metres of it
    assert found(inputs(people=many, region=tight)) == []


def test_a_source_much_older_than_the_data_date_is_noted():
    study = toy.study(services__0__facilities__date="2020-06")
    (finding,) = found(inputs(), study)
    assert (finding.severity, finding.rule, finding.details) == ("note", "source_old", {"year": "2020", "years": "4"})
    assert found(inputs(), toy.study(services__0__facilities__date="2021-06")) == []


# ---- roads -------------------------------------------------------------------------------------------------------


def on_roads(roads, *modes, demand=(), facilities=()):
    networks = {mode.name: network.compile_network(roads, mode) for mode in modes}
    points = {name: gpd.GeoSeries([shapely.Point(X0 + x, Y0 + y) for x, y in xy], crs=CRS)
              for name, xy in (("demand", demand), ("facilities", facilities))}  # fmt: skip
    return check.OnRoads(
        networks=networks,
        demand={name: network.snap_points(net, points["demand"]) for name, net in networks.items()},
        facilities={"meal": {name: network.snap_points(net, points["facilities"]) for name, net in networks.items()}},
    )


def road(*xy, first=1, **tags):
    """A street through some places, as nodes and edges."""
    nodes = {first + k: at for k, at in enumerate(xy)}
    return nodes, [(first + k, first + k + 1, {"highway": "residential", **tags}) for k in range(len(xy) - 1)]


def judged_roads(*streets, modes=(FOOT,)):
    nodes, edges = {}, []
    for some_nodes, some_edges in streets:
        nodes |= some_nodes
        edges += some_edges
    roads = road_tables(nodes, edges)
    made = inputs(roads=roads, places=toy.facilities([(0, 0)]))
    net = on_roads(roads, *modes, demand=PLACES, facilities=[(0, 0)])
    return [f for f in check.judge_on_roads(made, toy.study(), net) if f.role == "roads"]


def test_a_road_in_one_piece_has_no_findings():
    assert judged_roads(road((0, 0), (500, 0), (1000, 0))) == []


def test_small_pieces_of_more_than_two_percent_are_a_warning_islands_are_a_note():
    """1,000 m beside 1,000 m are two islands; 1,000 m with four crumbs of 9 m have 3.5 % in small pieces."""
    islands = judged_roads(road((0, 0), (1000, 0)), road((0, 400), (1000, 400), first=10))
    assert [(f.severity, f.rule, f.details["share"]) for f in islands] == [("note", "roads_in_pieces", "50.0")]
    crumbs = [road((100 * k, 200), (100 * k + 9, 200), first=10 * k) for k in range(1, 5)]
    (finding,) = [f for f in judged_roads(road((0, 0), (1000, 0)), *crumbs) if f.rule == "roads_in_pieces"]
    assert (finding.severity, finding.details["n"], finding.details["small"]) == ("warning", "5", "3.5")


def test_lines_that_never_meet_are_told():
    """Twenty-five streets of 500 m side by side have 50 ends, all of them dead."""
    streets = [road((0, 60 * k), (500, 60 * k), first=10 * k + 1) for k in range(25)]
    (finding,) = [f for f in judged_roads(*streets) if f.rule == "many_dead_ends"]
    assert (finding.severity, finding.details["share"]) == ("warning", "100.0")


def test_an_end_that_nearly_meets_another_piece_is_told_with_its_place():
    """The side road ends 20 m south of the street: told; at 30 m it is not."""
    gaps = judged_roads(road((0, 0), (500, 0), (1000, 0)), road((250, -20), (250, -400), first=10))
    (finding,) = [f for f in gaps if f.rule == "road_gap"]
    assert (finding.details["metres"], finding.details["edge"]) == ("20 m", "0")
    assert finding.details["lon"].startswith("121.2")
    far = judged_roads(road((0, 0), (500, 0), (1000, 0)), road((250, -30), (250, -400), first=10))
    assert [f.rule for f in far if f.rule == "road_gap"] == []


def test_ends_that_nearly_meet_are_told_where_the_way_round_is_long():
    """A loop of 2 km left open by 8 m is told, one of 300 m is not."""
    long = judged_roads(road((0, 0), (0, 500), (500, 500), (500, -8), (8, -8)))
    assert [f.details["metres"] for f in long if f.rule == "ends_nearly_meet"] == []
    open_loop = judged_roads(road((0, 0), (0, 500), (500, 500), (500, 0), (8, 0)))
    assert [f.details["metres"] for f in open_loop if f.rule == "ends_nearly_meet"] == ["8 m"]
    small = judged_roads(road((0, 0), (0, 75), (75, 75), (75, 0), (8, 0)))
    assert [f.rule for f in small if f.rule == "ends_nearly_meet"] == []


def test_a_class_without_speed_is_told_for_the_mode_that_lacks_it():
    mode = dataclasses.replace(BIKE, speed_kmh={"primary": 15.0})
    roads = judged_roads(
        road((0, 0), (500, 0), highway="primary"), road((500, 0), (900, 0), first=10), modes=(FOOT, mode)
    )
    told_of = [
        (f.details["highway"], f.details["mode"], f.details["km"]) for f in roads if f.rule == "class_without_speed"
    ]
    assert told_of == [("residential", "bike", "0.4")]


# ---- how places meet the roads -----------------------------------------------------------------------------------


def test_people_and_facilities_without_a_road_are_told_with_the_share_of_people():
    """Of 1 + 2 + 3 people the three at the far end are 400 m from every road (the limit is 300 m)."""
    xy = [(30, 10), (250, -20), (1350, 400)]
    people = toy.demand(xy, persons={"all": [1, 2, 3], "old": [1, 0, 0]}, township=["t1"] * 3, village=[None] * 3)
    made = inputs(people=people, places=toy.facilities([(0, -700)]))
    findings = check.judge_on_roads(made, toy.study(), on_roads(town(), FOOT, demand=xy, facilities=[(0, -700)]))
    said = {f.rule: f for f in findings}
    assert said["people_off_road"].message.startswith("3 people (50.0 %) have no road of mode foot")
    assert (said["off_road"].details["id"], said["off_road"].details["modes"]) == ("d2", "foot")
    assert said["facility_off_road"].details["id"] == "f0"


def test_distances_to_the_road_are_counted_in_bins_with_people_and_those_out_of_reach():
    """10 m counts in the first bin, 20 m in the second, 400 m is out of reach."""
    xy = [(30, 10), (250, -20), (1350, 400)]
    people = toy.demand(xy, persons={"all": [1, 2, 3], "old": [1, 0, 0]}, township=["t1"] * 3, village=[None] * 3)
    net = on_roads(town(), FOOT, demand=xy, facilities=[(200, -50)])
    of_people, of_facilities = check.measure_distances(inputs(people=people), toy.study(), net)
    assert of_people.places == (1, 1, 0, 0, 0, 0, 0, 0, 0, 1)
    assert of_people.persons == (1, 2, 0, 0, 0, 0, 0, 0, 0, 3)
    assert (of_facilities.role, of_facilities.places[0], of_facilities.persons) == ("facilities:meal", 1, None)
    kept = of_people.record()
    assert kept["bins"][1] == {"up_to_m": 25.0, "places": 1, "persons": 2.0}
    assert kept["out_of_reach"] == {"places": 1, "persons": 3.0}


# ---- the whole ---------------------------------------------------------------------------------------------------


def test_everything_is_found_at_once_and_errors_come_first():
    lost = toy.demand([(1e6, 0)], persons={"all": [0], "old": [0]}, township=[None], village=[None])
    places = toy.facilities([(1e6, 0)], serves=["village"])
    findings = found(inputs(people=lost, places=places, townships=("t1",)))
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert {f.rule for f in findings} >= {"far_from_roads", "service_for_nobody", "serves_no_village"}


def test_nothing_is_said_about_what_was_not_read():
    """Without people and roads, only the facilities are judged."""
    nobody = toy.demand([], persons={"all": [], "old": []}, township=[], village=[])
    made = inputs(people=nobody, places=toy.facilities([(1e6, 0)], serves=["village"]), townships=("t1",))
    no_roads = tables.RoadTables(tables.no_rows(tables.NODES, CRS), tables.no_rows(tables.EDGES, CRS))
    made = dataclasses.replace(made, roads=no_roads)
    findings = check.judge(made, toy.study(), unread=frozenset({"roads", "demand"}))
    assert told(findings) == [("warning", "in_no_township", "f0"), ("warning", "serves_no_village", "f0")]


def test_inputs_are_not_written_into():
    made = inputs(townships=("t1",))
    before = made.demand.points.copy(), made.facilities["meal"].places.copy()
    check.judge(made, toy.study())
    assert made.demand.points.equals(before[0])
    assert made.facilities["meal"].places.equals(before[1])


MESSY = [(0, 0), (1, 0), (299, 0), (1600, 0), (5, 5), (620, 0), (90, -40), (700, 800)]


@settings(max_examples=25)
@given(st.permutations(range(len(MESSY))))
def test_the_order_of_rows_does_not_change_the_verdict(order):
    places = toy.facilities(MESSY, township=["t1"] * len(MESSY), serves=["village"] * len(MESSY))
    places = named(places, ["甲", "乙", "甲", "丙", "乙", "丁", "甲", "戊"])
    capacity = capacities([0.0, 1, 2, 3, 4, 5, 6, 7], used=[np.nan, 2, 1, 1, 1, 9, 1, 1])
    box = shapely.box(X0 - 50, Y0 - 400, X0 + 1500, Y0 + 600)
    whole = found(inputs(places=places, capacity=capacity, townships=("t1", "t2"), region=box))
    mixed = places.iloc[list(order)].reset_index(drop=True)
    again = found(inputs(places=mixed, capacity=capacity, townships=("t1", "t2"), region=box))
    assert whole == again
    assert len({finding.rule for finding in whole}) > 5


def finding(severity, rule, role="demand", **more):
    return Finding(severity, "x.csv", f"{rule}!", rule=rule, role=role, **more)


def test_lights_count_and_name_the_rule_with_the_most_rows():
    said = [
        finding("warning", "a"),
        finding("warning", "b", row=1),
        finding("warning", "b", row=2),
        finding("note", "c"),
    ]
    said += [finding("error", "d", role="roads"), finding("warning", "e", role="elsewhere")]
    files = [check.InputFile("roads", "r", "sourced", None), check.InputFile("demand", "x.csv", "sourced", 40)]
    verdict = check.make_verdict(said, files)
    assert verdict.colour == "red"
    roads, demand, study = verdict.lights
    assert (roads.colour, roads.errors, roads.rule) == ("red", 1, "d")
    assert (demand.colour, demand.warnings, demand.notes, demand.rule, demand.n, demand.of) == (
        "yellow",
        3,
        1,
        "b",
        2,
        40,
    )
    assert (study.role, study.colour, study.warnings) == ("study", "yellow", 1)


def test_the_same_finding_is_told_once():
    assert len(check.in_order([finding("warning", "a", row=3), finding("warning", "a", row=3)])) == 1


def test_a_record_gives_the_finding_back():
    one = finding("warning", "a", row=3, sheet="s", column="c", value="v", details={"id": "x"})
    assert check.finding_of(check.record_of(one)) == one


def test_many_rows_are_named_by_the_first_five():
    places = named(toy.facilities([(1e6 + 1000 * k, 0) for k in range(7)]), list(string.ascii_lowercase[:7]))
    (sentence,) = check.sentences(found(inputs(places=places)))
    assert sentence.startswith("m.csv (f0, f1, f2, f3, f4 and 2 more): lies more than 5.0 km outside the roads; check")


def test_groups_for_the_manifest_count_all_and_keep_the_first():
    (group,) = check.grouped_records(finding("warning", "a", row=k) for k in range(50))
    assert (group["count"], len(group["first"]), group["rule"]) == (50, 20, "a")
