"""Visits to people who live alone, from two points in a town of four places, by hand."""

import numpy as np
import pytest

from chongming_gis import measured_tables, tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import visits
from tests.measured.toy_ground import A, H, make_ground, places_of, the_people, the_study

MEASURES = {"visits": {"service": "point", "group": "old", "base": "resident", "source": "test"}}


def measure(**columns):
    """1, 2 and 5 people live alone at d0 (v1), d1 (v2) and d3 (no road); points in v1 (at A) and v3 (at H)."""
    study = the_study({"point": {}}, measures=MEASURES)
    points = places_of("point", [A, H], village=["v1", "v3"], township=["t1", "t2"], **columns)
    found = visits.STEP.measure(make_ground(study, {"point": points})).tables
    for name, table in found.items():
        tables.validate(table, measured_tables.MEASURED[name], where=name)
    return found


def test_points_for_their_village_only():
    found = measure(serves=["village", "village"])
    load = found["visits"].set_index(["serves_rule", "facility_id"])
    assert load.loc[("applied", "point0"), ["persons", "n_villages", "time_s"]].tolist() == [1.0, 1, 40.0]
    assert load.loc[("applied", "point1"), "persons"] == 0.0
    assert np.isnan(load.loc[("applied", "point1"), "time_s"])
    left = found["visits_beyond"].set_index(["serves_rule", "village_code"])
    assert left.loc[("applied", "v2"), ["persons", "persons_beyond", "persons_unreached"]].tolist() == [2.0, 0.0, 2.0]
    assert left.loc[("applied", "v2"), "time_s"] == np.inf
    assert left.loc[("applied", "v3"), "persons"] == 0.0
    assert np.isnan(left.loc[("applied", "v3"), "time_s"])


def test_with_the_rule_ignored_everyone_goes_to_the_nearest():
    """d1's two people are 270 s from A: (1 x 40 + 2 x 270) / 3 in the mean."""
    found = measure(serves=["village", "village"])
    load = found["visits"].set_index(["serves_rule", "facility_id"])
    row = load.loc[("ignored", "point0")]
    assert row[["persons", "n_villages", "farthest_s"]].tolist() == [3.0, 2, 270.0]
    assert row["time_s"] == pytest.approx(580 / 3)


def test_a_rule_that_does_not_bind_is_told_once():
    assert set(measure()["visits"]["serves_rule"]) == {"applied"}


def test_beyond_the_standard():
    """Ten people who live alone at d2, 990 s from the only point: too late, but reached."""
    study = the_study({"point": {}}, measures=MEASURES)
    people = the_people(persons={"all": [10, 20, 30, 5], "old": [0, 0, 10, 0]})
    found = visits.STEP.measure(make_ground(study, {"point": places_of("point", [A])}, people=people)).tables
    row = found["visits_beyond"].set_index("village_code").loc["v3"]
    assert row[["persons_beyond", "persons_unreached", "time_s"]].tolist() == [10.0, 0.0, 990.0]
    assert found["visits"]["persons_beyond"].tolist() == [10.0]


def test_loads_and_unreached_add_up_to_everyone():
    found = measure(serves=["village", "all"])
    unreached = found["visits_beyond"].groupby("serves_rule")["persons_unreached"].sum()
    for rule, loads in found["visits"].groupby("serves_rule"):
        nowhere = 5.0  # d3 lies in no village
        assert loads["persons"].sum() + unreached[rule] + nowhere == pytest.approx(8.0)


def test_faults_of_the_section():
    with pytest.raises(StudyError, match=r"measures\.visits\.service: 'spa' is not declared"):
        the_study({"point": {}}, measures={"visits": {**MEASURES["visits"], "service": "spa"}})
