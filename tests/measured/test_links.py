"""The network of levels in a town of four villages: by hand, and against every pair counted one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import measured_tables, tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import links
from tests.measured.toy_ground import A, F, H, make_ground, places_of, the_people, the_study

INF = np.inf
NAMES = {"name_zh": "级", "name_en": "level"}
LEVELS = [
    {"id": "low", **NAMES, "area": "village", "services": ["room"]},
    {"id": "middle", **NAMES, "area": "township", "services": ["centre"]},
    {"id": "high", **NAMES, "area": "district", "services": ["home"]},
]
MEASURES = {"links": {"levels": LEVELS, "group": "all", "base": "resident", "source": "test"}}


def the_ground(**services):
    """Rooms in v1 (at A) and v3 (at H); the centre of t1 at F, of t2 at A; one home, at F."""
    given_ = {
        "room": places_of("room", [A, H], serves=["village"] * 2, village=["v1", "v3"], township=["t1", "t2"]),
        "centre": places_of("centre", [F, A], township=["t1", "t2"]),
        "home": places_of("home", [F]),
    } | services
    return make_ground(the_study({name: {} for name in given_}, measures=MEASURES), given_)


@pytest.fixture(scope="module")
def table():
    found = links.STEP.measure(the_ground()).tables["links"]
    tables.validate(found, measured_tables.MEASURED["links"], where="links")
    return found.set_index(["village_code", "level"])


def test_every_village_has_every_level_in_order(table):
    assert table.index.tolist() == [(f"v{i}", level) for i in (1, 2, 3, 4) for level in ("low", "middle", "high")]


def test_the_own_room(table):
    """v1 and v3 have one, v2 has none, v4 has neither room nor people."""
    rows = table.xs("low", level="level")
    assert rows["status"].tolist() == ["linked", "none", "linked", "none"]
    assert rows["time_s"].tolist()[:3] == [40.0, INF, 90.0]
    assert np.isnan(rows.loc["v4", "time_s"])
    assert rows["n_own"].tolist() == [1, 0, 1, 0]
    assert rows["facility_id"].fillna("").tolist() == ["room0", "", "room1", ""]
    assert rows.loc["v2", "elsewhere_s"] == 270.0  # the room of v1 is next, though it is not for them


def test_the_centre_of_the_own_township_even_where_another_is_nearer(table):
    """d0 has A, of the other township, 40 s away, and F, its own, 230 s; d2 has F 840 s, its own at A 990 s away."""
    rows = table.xs("middle", level="level")
    assert rows["time_s"].tolist()[:3] == [230.0, 120.0, 990.0]
    assert rows["facility_id"].fillna("").tolist() == ["centre0", "centre0", "centre1", ""]
    assert rows["elsewhere_s"].tolist()[:3] == [40.0, 120.0, 840.0]
    assert rows["status"].tolist() == ["linked", "linked", "beyond", "nobody"]
    assert rows["share_within"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert rows["standard_s"].tolist()[:3] == [900.0] * 3
    assert rows["mode"].tolist()[:3] == ["foot"] * 3


def test_the_district_level_takes_the_nearest_anywhere(table):
    rows = table.xs("high", level="level")
    assert rows["time_s"].tolist()[:3] == [230.0, 120.0, 840.0]
    assert rows["status"].tolist() == ["linked", "linked", "linked", "nobody"]
    assert np.isnan(rows.loc["v4", ["time_s", "share_within"]].to_numpy(float)).all()


def test_a_centre_that_cannot_be_reached_is_not_the_same_as_none():
    centre = places_of("centre", [(9000, 0), F], township=["t2", "t1"])
    rows = links.STEP.measure(the_ground(centre=centre)).tables["links"].set_index(["level", "village_code"])
    assert rows.loc[("middle", "v3"), ["status", "n_own", "time_s"]].tolist() == ["unreached", 1, INF]


def test_any_service_of_a_level_will_do():
    """A second service of the low level at F, of v2: v2 is linked by it, v1 keeps its room."""
    levels = [{**LEVELS[0], "services": ["room", "club"]}]
    study = the_study({"room": {}, "club": {}}, measures={"links": {**MEASURES["links"], "levels": levels}})
    ground = make_ground(
        study,
        {
            "room": places_of("room", [A], serves=["village"], village=["v1"]),
            "club": places_of("club", [F], village=["v2"]),
        },
    )
    rows = links.STEP.measure(ground).tables["links"].set_index("village_code")
    assert rows["status"].tolist() == ["linked", "linked", "none", "none"]
    assert rows["time_s"].tolist()[:2] == [40.0, 120.0]
    assert rows["facility_id"].fillna("").tolist()[:2] == ["room0", "club0"]


def test_the_middle_person_stands_for_a_village():
    """All three places in one village: 10 people at 40 s, 20 at 270 s, 30 at 990 s: the 30th of 60 is at 270 s."""
    people = the_people(village=["v1", "v1", "v1", None])
    centre = places_of("centre", [A], township=["t1"])
    study = the_study({"centre": {}}, measures={"links": {**MEASURES["links"], "levels": [LEVELS[1]]}})
    ground = make_ground(study, {"centre": centre}, people=the_people(village=["v1"] * 3 + [None], township=["t1"] * 4))
    row = links.STEP.measure(ground).tables["links"].set_index("village_code").loc["v1"]
    assert people.points["village_code"].notna().sum() == 3
    assert row["time_s"] == 270.0
    assert row["share_within"] == 0.5
    assert row["status"] == "linked"  # from half of the people


# seconds of every place to A, F and H; which settles all that a search may find
TIMES = np.array([[40, 230, 980], [270, 120, 770], [990, 840, 90], [INF, INF, INF]])
TOWNSHIP, VILLAGE = ["t1", "t1", "t2", None], ["v1", "v2", "v3", None]


@settings(max_examples=25)
@given(
    area=st.sampled_from(["village", "township"]),
    township=st.lists(st.sampled_from(["t1", "t2", None]), min_size=3, max_size=3),
    village=st.lists(st.sampled_from(["v1", "v2", "v3", None]), min_size=3, max_size=3),
    serves=st.lists(st.sampled_from(["all", "township", "village"]), min_size=3, max_size=3),
)
def test_own_ways_are_those_of_a_count_over_all_pairs(area, township, village, serves):
    of_village = {"v1": "t1", "v2": "t1", "v3": "t2"}  # a place in a village lies in the village's township
    township = [of_village.get(v, t) for v, t in zip(village, township, strict=True)]
    place = places_of("centre", [A, F, H], serves=serves, township=township, village=village)
    ground = make_ground(the_study({"centre": {}}, measures={}), {"centre": place})
    ways = links.own_ways(ground, ground.study.service("centre"), area)
    for i in range(4):
        best = INF
        for j in range(3):
            own = {"village": (VILLAGE, village), "township": (TOWNSHIP, township)}
            here, there = own[area]
            lies_in = here[i] is not None and here[i] == there[j]
            mine = serves[j] == "all" or (
                own[serves[j]][0][i] is not None and own[serves[j]][0][i] == own[serves[j]][1][j]
            )
            if lies_in and mine:
                best = min(best, TIMES[i, j])
        assert ways.time_s[i] == pytest.approx(best), i
        assert (ways.facility[i] is None) == (best == INF)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.sampled_from([1.0, 5.0, 9.0, INF]), st.integers(1, 4))))
def test_the_middle_is_that_of_the_people_in_a_row(rows):
    """Everyone in a row by time: the middle one, of an even number the first of the two."""
    group, values, weights = (np.array(part) for part in zip(*rows, strict=True)) if rows else ([], [], [])
    group, values = np.array(group, dtype=np.intp), np.array(values, dtype=float)
    found = links.middle(values, group, np.array(weights, dtype=float), 4)
    for number in range(4):
        row = sorted(v for g, v, w in rows if g == number for _ in range(w))
        if row:
            assert found[number] == row[(len(row) - 1) // 2]
        else:
            assert np.isnan(found[number])


def test_every_fault_of_the_section_is_told_at_once():
    levels = [{**LEVELS[0], "services": ["spa"]}, {**LEVELS[0], "services": ["room", "room"]}]
    with pytest.raises(StudyError) as caught:
        the_study({"room": {}}, measures={"links": {**MEASURES["links"], "levels": levels, "group": "young"}})
    said = str(caught.value)
    assert "measures.links.levels: the id 'low' is given twice" in said
    assert "measures.links.group (base resident): 'young' is not declared" in said
    assert "measures.links.levels.low.services: the id 'room' is given twice" in said
