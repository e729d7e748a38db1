"""Drawn areas of a study in the toy town: whose they are, what is cut out of them, and whom they misjudge."""

import dataclasses

import geopandas as gpd
import numpy as np
import pytest
import shapely

from chongming_gis import geotiff, measured, measured_tables, pipeline, tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import areas
from tests.measured.toy_ground import A, F, make_ground, places_of, the_people, the_study
from tests.toy import study as toy
from tests.toy.roads import CRS, X0, Y0


def box(x0, y0, x1, y1):
    return shapely.box(X0 + x0, Y0 + y0, X0 + x1, Y0 + y1)


def the_ground(*, xy=(A,), limits=None, people=None, config=None, **columns):
    more = {} if limits is None else {"standards": [{"id": "near", "name_zh": "近", "name_en": "near", "source": "test",
                                                     "limits": limits}]}  # fmt: skip
    study = the_study({"home": more}, measures={"isochrones": {"services": ["home"], "rings": 2, **(config or {})}})
    return make_ground(study, {"home": places_of("home", list(xy), **columns)}, people=people)


def found_on(ground):
    found = areas.STEP.measure(ground)
    tables.validate(found.tables["isochrones"], measured_tables.ISOCHRONES, where="isochrones")
    return found


def land(*shapes):
    columns = {
        "land_id": toy.text([f"l{i}" for i in range(len(shapes))]),
        "kind": toy.text([kind for kind, _ in shapes]),
        "name_zh": toy.text([None] * len(shapes)),
        "data_kind": toy.text(["derived"] * len(shapes)),
    }
    return gpd.GeoDataFrame(columns, geometry=[shape for _, shape in shapes], crs=CRS)


def with_inputs(ground, **changes):
    return dataclasses.replace(ground, inputs=dataclasses.replace(ground.inputs, **changes))


@pytest.fixture(scope="module")
def of_home():
    """A home at A, 15 minutes: d0 takes 40 s, d1 270 s, d2 990 s, d3 meets no road; rings of 450 and 900 s."""
    return found_on(the_ground())


def test_rings_and_their_people(of_home):
    table = of_home.tables["isochrones"]
    assert table["limit_s"].tolist() == [450.0, 900.0]
    assert table["standard_s"].tolist() == [900.0, 900.0]
    assert table["persons"].tolist() == [65.0, 65.0]
    assert table["cell_m"].tolist() == [25.0, 25.0]
    assert table["persons_in_time"].tolist() == [30.0, 30.0]
    assert table["persons_inside"].tolist() == [30.0, 30.0]
    assert table["persons_misclassified"].tolist() == [0.0, 0.0]
    assert table["share_misclassified"].tolist() == [0.0, 0.0]
    assert (table["area_km2"] * 1e6).tolist() == pytest.approx(table.geometry.area.tolist())


def test_rings_lie_inside_each_other(of_home):
    inner, outer = of_home.tables["isochrones"].geometry
    assert inner.difference(outer).area == 0.0
    assert inner.area < outer.area


def unpacked(found):
    return geotiff.PackedSurfaces(found.surfaces)["travel_time_home_foot"]


def test_the_surface_ends_a_minute_beyond_the_limit(of_home):
    assert list(of_home.surfaces) == ["travel_time_home_foot"]
    assert unpacked(of_home).cutoff_s == 960.0
    seconds = unpacked(of_home).time_s
    assert np.array_equal(seconds, np.ceil(seconds))
    assert found_on(the_ground(config={"surface": False})).surfaces == {}


def test_whoever_an_area_misjudges_is_counted():
    """The time at the door of d1 (20 persons) is made too long for it: inside, though not in time."""
    ground = the_ground()
    late = ground.access.assign(time_s=ground.access["time_s"].where(ground.access["demand_id"] != "d1", 5000.0))
    row = found_on(dataclasses.replace(ground, access=late)).tables["isochrones"].iloc[1]
    assert row["persons_misclassified"] == 20.0
    assert row["share_misclassified"] == pytest.approx(20.0 / 65.0)
    assert row["persons_inside"] - row["persons_in_time"] == 20.0
    assert row["cell_m"] == areas.FINE_CELL_M  # it was drawn again, in vain: the fault is not the area's


def test_each_settlement_class_has_its_own_area_and_people():
    limits = [
        {"settlement": "town", "mode": "foot", "minutes": 4},
        {"settlement": "village", "mode": "foot", "minutes": 14},
    ]
    people = the_people(settlement=["town", "village", "village", "village"])
    found = found_on(the_ground(limits=limits, people=people))
    table = found.tables["isochrones"]
    assert table["settlement"].tolist() == ["town", "town", "village", "village"]
    assert table["limit_s"].tolist() == [120.0, 240.0, 420.0, 840.0]
    assert table["persons"].tolist() == [10.0, 10.0, 55.0, 55.0]
    assert table["persons_in_time"].tolist() == [10.0, 10.0, 20.0, 20.0]
    assert list(found.surfaces) == ["travel_time_home_foot"]  # of one mode, up to the longer limit
    assert unpacked(found).cutoff_s == 900.0


def test_water_and_what_is_off_the_land_is_left_out():
    """Land east of x = -100; a pond on the street between A and B; the region ends at x = 250."""
    ground = the_ground()
    pond = box(40, -30, 60, 30)
    shapes = land(("coast", box(-100, -900, 2000, 900)), ("pond", pond), ("farmland", box(0, 0, 5, 5)))
    area = found_on(with_inputs(ground, land=shapes, region=box(-900, -900, 250, 900))).tables["isochrones"]
    whole = found_on(ground).tables["isochrones"].geometry.iloc[1]
    left = whole.intersection(box(-100, -900, 250, 900)).difference(pond)
    assert area.geometry.iloc[1].symmetric_difference(left).area < 1e-3
    assert area.geometry.iloc[1].intersection(pond).area == pytest.approx(0.0, abs=1e-6)


def test_water_is_left_out_where_no_land_is_told():
    pond = box(40, -30, 60, 30)
    area = found_on(with_inputs(the_ground(), land=land(("pond", pond)))).tables["isochrones"].geometry.iloc[1]
    assert area.intersection(pond).area == pytest.approx(0.0, abs=1e-6)
    assert area.intersects(box(30, -30, 39, 30))


def test_a_home_for_one_township_counts_on_its_ground():
    """The home at F serves t1 only, which ends at x = 150; people beyond are not in time although F is near."""
    ground = the_ground(xy=(F,), serves=["township"], township=["t1"])
    towns = ground.inputs.townships.set_geometry([box(-500, -500, 150, 500), box(150, -500, 2000, 500)], crs=CRS)
    area = found_on(with_inputs(ground, townships=towns)).tables["isochrones"].geometry.iloc[1]
    assert area.bounds[2] <= X0 + 150 + 12.5  # a cell's centre decides
    assert area.contains(shapely.Point(X0 + 30, Y0 + 10))


def test_a_home_that_nobody_reaches_is_told():
    found = found_on(the_ground(xy=((9000, 0),)))
    assert len(found.tables["isochrones"]) == 0
    (told,) = found.findings
    assert (told.severity, told.rule, told.where) == ("note", "no_area", "services.home")
    assert "no ground" in told.message
    assert told.details == {"minutes": "15", "mode": "foot"}


def test_nobody_lives_there():
    people = the_people(persons={"all": [0, 0, 0, 0], "old": [0, 0, 0, 0]})
    table = found_on(the_ground(people=people)).tables["isochrones"]
    assert table["persons"].tolist() == [0.0, 0.0]
    assert table["share_misclassified"].isna().all()


def test_services_of_a_full_run_are_added_below():
    """A daily run draws ``home``; a full one ``room`` besides, in the same table."""
    config = {"services": ["home"], "full_services": ["room"], "rings": 1}
    study = the_study({"room": {}, "home": {}}, measures={"isochrones": config})
    ground = make_ground(study, {"home": places_of("home", [A]), "room": places_of("room", [F])})
    daily, full = ([step.name for step in measured.steps_of(study, depth)] for depth in ("daily", "full"))
    assert daily == ["isochrones"]
    assert full == ["isochrones", "isochrones_full"]
    parts = [step.measure(ground) for step in measured.steps_of(study, "full")]
    joined = pipeline._joined(part.tables for part in parts)["isochrones"]
    assert joined["service"].tolist() == ["home", "room"]
    tables.validate(joined, measured_tables.ISOCHRONES, where="isochrones")
    assert joined.crs == CRS


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"services": ["none"]}, r"measures\.isochrones\.services: 'none' is not declared"),
        ({"full_services": ["none"]}, r"measures\.isochrones\.full_services: 'none' is not declared"),
        ({}, "name services, or full_services"),
        ({"services": ["home"], "full_services": ["home"]}, "home: is among services"),
        ({"services": ["home"], "rings": 0}, r"measures\.isochrones\.rings"),
    ],
)
def test_faults_of_the_study(config, fault):
    with pytest.raises(StudyError, match=fault):
        the_study({"home": {}}, measures={"isochrones": config})
