"""Gap areas of a study in the toy town, by hand; the numbers of tests/measured/toy_ground.py."""

import dataclasses

import numpy as np
import pytest

from chongming_gis import measured_tables, tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import uncovered
from tests.measured.toy_ground import A, H, make_ground, places_of, the_people, the_study

INF = np.inf


def minutes(value, **more):
    return {"standards": [{"id": "near", "name_zh": "近", "name_en": "near", "source": "test",
                           "limits": [{"mode": "foot", "minutes": value}], **more}]}  # fmt: skip


def find(facilities, *, limits=5, people=None, standard=None, **config):
    services = {name: standard or minutes(limits) for name in facilities}
    measures = {"gaps": {"radius_min": 5, "source": "test", **config}}
    ground = make_ground(the_study(services, measures=measures), facilities, people=people)
    table = uncovered.STEP.measure(ground).tables["gaps"]
    tables.validate(table, measured_tables.GAPS, where="gaps")
    return table


@pytest.fixture(scope="module")
def of_home():
    """One home on the island: d0 takes 980 s, d1 770 s, d2 90 s, d3 meets no road; d0 and d1 are 250 s apart."""
    return find({"home": places_of("home", [H])})


def test_people_near_each_other_are_one_area(of_home):
    """d0 (10 persons) and d1 (20) gather each other: the first by id is the middle, most live in v2; d3 is alone."""
    assert of_home["gap_id"].tolist() == ["home-d0", "home-d3"]
    assert of_home["rank"].tolist() == [1, 2]
    assert of_home["persons"].tolist() == [30.0, 5.0]
    assert of_home["n_points"].tolist() == [2, 1]
    assert of_home["village_code"].tolist()[0] == "v2"
    assert of_home["township_code"].fillna("").tolist() == ["t1", ""]
    assert of_home["mode"].tolist() == ["foot", "foot"]


def test_how_far_they_are(of_home):
    """20 of the 30 take 770 s, so half of them take at most that; nobody at d3 reaches any."""
    assert of_home["nearest_s"].tolist() == [770.0, INF]
    assert of_home["median_s"].tolist() == [770.0, INF]
    assert of_home["persons_unreached"].tolist() == [0.0, 5.0]


def test_all_groups_are_counted(of_home):
    assert of_home["persons_all"].tolist() == [30.0, 5.0]
    assert of_home["persons_old"].tolist() == [3.0, 5.0]


def test_names_in_both_languages(of_home):
    assert of_home["name_zh"].tolist()[0] == "区t1-区v2 一带"
    assert of_home["name_en"].tolist()[0] == "around x-区v2"


def test_the_outline_holds_its_places(of_home):
    points = the_people().points.geometry
    assert of_home.geometry.iloc[0].contains(points.iloc[0])
    assert of_home.geometry.iloc[0].contains(points.iloc[1])
    assert not of_home.geometry.iloc[0].intersects(points.iloc[2])
    assert of_home.crs == points.crs


def test_areas_around_one_village_are_numbered():
    """d0 and d1 too far apart to be gathered (radius 3 minutes), both of v1."""
    people = the_people(village=["v1", "v1", "v3", None])
    found = find({"home": places_of("home", [H])}, radius_min=3, people=people)
    assert found["name_zh"].tolist()[:2] == ["区t1-区v1 一带", "区t1-区v1 一带（2）"]


def test_the_radius_is_at_most_the_limit_of_the_standard():
    """Within 4 minutes of each other d0 and d1 are not (250 s), whatever the radius allows."""
    found = find({"home": places_of("home", [H])}, limits=4, radius_min=60)
    assert found["gap_id"].tolist() == ["home-d1", "home-d0", "home-d3"]


def test_settlement_classes_have_areas_of_their_own():
    """d0 is measured by 5 minutes, d1 by 6: one site may not close both, so they are not gathered."""
    limits = [
        {"settlement": "town", "mode": "foot", "minutes": 5},
        {"settlement": "village", "mode": "foot", "minutes": 6},
    ]
    people = the_people(settlement=["town", "village", "village", "village"])
    found = find({"home": places_of("home", [H])}, people=people, standard=minutes(0, limits=limits), radius_min=10)
    assert found["gap_id"].tolist() == ["home-d1", "home-d0", "home-d3"]


def test_several_services_and_least_persons():
    """From A only d2 (990 s) and d3 are left out within 5 minutes; areas of under 6 are not listed."""
    both = {"home": places_of("home", [H]), "room": places_of("room", [A])}
    found = find(both, least_persons=6)
    assert found["gap_id"].tolist() == ["home-d0", "room-d2"]
    assert found["rank"].tolist() == [1, 1]
    assert find(both, least_persons=6, services=["room"])["service"].tolist() == ["room"]


def test_nobody_is_left_out():
    people = the_people(persons={"all": [10, 0, 0, 0], "old": [0, 0, 0, 0]})
    assert len(find({"room": places_of("room", [A])}, people=people)) == 0


def test_a_committee_is_left_out_of_a_name():
    ground = make_ground(
        the_study({"home": minutes(5)}, measures={"gaps": {"radius_min": 5, "source": "test"}}),
        {"home": places_of("home", [H])},
    )
    for written, said in (("北双村村委会", "北双村"), ("光明社区居委会", "光明社区"), ("新南居委会", "新南居委会")):
        villages = ground.inputs.villages.assign(name_zh=written)
        inputs = dataclasses.replace(ground.inputs, villages=villages)
        found = uncovered.STEP.measure(dataclasses.replace(ground, inputs=inputs)).tables["gaps"]
        assert found["name_zh"].iloc[0] == f"区t1-{said} 一带"


def test_a_study_asks_for_it_or_not():
    assert not uncovered.STEP.is_asked(the_study({"home": {}}))
    assert uncovered.STEP.is_asked(the_study({"home": {}}, measures={"gaps": {"radius_min": 5, "source": "test"}}))


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"radius_min": 5, "services": ["none"]}, r"measures\.gaps\.services: 'none' is not declared"),
        ({"radius_min": 0}, r"measures\.gaps\.radius_min"),
        ({"radius_min": 5, "least_persons": -1}, r"measures\.gaps\.least_persons"),
        ({}, r"measures\.gaps\.radius_min: is missing"),
        ({"radius_min": 5, "services": ["home", "home"]}, r"measures\.gaps\.services: the id 'home' is given twice"),
    ],
)
def test_faults_of_the_study(config, fault):
    with pytest.raises(StudyError, match=fault):
        the_study({"home": {}}, measures={"gaps": {"source": "test", **config}})
