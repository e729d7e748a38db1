"""How evenly access is spread over the people of the toy town, by hand (scores 7/6, 7/6, 1/2, 0 of test_scores)."""

import math

import numpy as np
import pandas as pd
import pytest

from chongming_gis import measured_tables, tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import fair
from chongming_gis.measuremodel import DeprivationConfig
from tests.measured.test_scores import study_of
from tests.measured.toy_ground import the_people

FAIR = {"questions": [{"question": "meal", "line": 1.0}], "source": "test"}
SCORES = [4.0, 2.0, 1.0, 0.0]  # of 10, 20, 30 and 5 people; d0, d1 in t1, d2 in t2, d3 nowhere


def measure(score=SCORES, *, people=None, **changes):
    study = study_of({}, fairness={**FAIR, **changes})
    demand = people or the_people()
    table = pd.DataFrame({"question": "meal", "service": "meal", "score": score})
    found = fair.measure_fairness(table, study.measures.fairness, study=study, demand=demand)
    tables.validate(found, measured_tables.FAIRNESS, where="fairness")
    return found.set_index(["scope", "scope_code", "measure"])["value"].sort_index()


def test_the_whole_by_hand():
    """65 people with 40, 40, 30 and 0: mean 110/65. Below 1: only the five with nothing."""
    found = measure()["district", "toy"]
    assert found["mean_score"] == pytest.approx(110 / 65)
    assert found["share_without"] == pytest.approx(5 / 65)
    assert found["share_below_line"] == pytest.approx(5 / 65)
    assert found["gap_to_line"] == pytest.approx(5 / 65)
    # the lowest 5 have 0, 35 have 30, 55 have 70, 65 all 110
    area = (5 * 0 + 30 * (0 + 30) + 20 * (30 + 70) + 10 * (70 + 110)) / (65 * 110)
    assert found["gini"] == pytest.approx(1 - area)
    # the best-served 6.5 have 4 each, the worst-served 26: 5 with 0 and 21 with 1
    assert found["palma"] == pytest.approx(26 / 21)


def test_theil_between_and_within_townships():
    """t1 has 30 people with 80, t2 30 with 30, and the five outside all townships are a group of their own."""
    found = measure()
    mean = 110 / 65
    between = 80 / 110 * math.log(80 / 30 / mean) + 30 / 110 * math.log(1 / mean)
    whole = found["district", "toy"]
    assert whole["theil_between"] == pytest.approx(between)
    assert whole["theil_between"] + whole["theil_within"] == pytest.approx(whole["theil"])
    assert found["township", "t1"]["theil_within"] == pytest.approx(whole["theil_within"])
    assert found["township", "t1"][["share_persons", "share_score"]].tolist() == pytest.approx([30 / 65, 80 / 110])
    assert found["township", "t2"][["gini", "theil", "mean_score"]].tolist() == pytest.approx([0.0, 0.0, 1.0])


def test_villages_stand_worst_first_with_their_rank():
    study = study_of({}, fairness=FAIR)
    table = pd.DataFrame({"question": "meal", "service": "meal", "score": SCORES})
    found = fair.measure_fairness(table, study.measures.fairness, study=study, demand=the_people())
    rows = found[(found["scope"] == "village") & (found["measure"] == "mean_score")]
    assert rows[["scope_code", "value", "rank"]].to_numpy().tolist() == [["v3", 1.0, 1], ["v2", 2.0, 2], ["v1", 4.0, 3]]
    assert found.loc[found["measure"] != "mean_score", "rank"].isna().all()


def test_groups_beside_all():
    """Of the old 1 lives at d0, 2 at d1 and 5 at d3: 4 + 4 over 8 people, against 110/65."""
    found = measure(groups=["old"])["group", "old"]
    assert found["mean_score"] == pytest.approx(1.0)
    assert found["ratio"] == pytest.approx(65 / 110)
    assert found["share_without"] == pytest.approx(5 / 8)
    assert {code for scope, code, _ in measure().index if scope == "group"} == {"all", "old"}


def test_access_gathers_where_fewer_are_old():
    """The old are 1/10, 2/20, 0 and 5/5 of all: rank (worst off first) d3, then d0 and d1 together, then d2."""
    worse = {"group": "old", "of": "all", "base": "resident", "area": "village"}
    found = measure(deprivation=worse)["district", "toy", "concentration"]
    ranks = {"d3": 2.5 / 65, "d01": 20 / 65, "d2": 50 / 65}
    expected = 2 * (80 * ranks["d01"] + 30 * ranks["d2"]) / 110 - 1
    assert found == pytest.approx(expected)


def test_areas_share_one_deprivation():
    """In t1 3 of 30 are old; a place outside all areas is its own area."""
    worse = DeprivationConfig(group="old", of="all", base="resident", area="township")
    found = fair.deprivation_of(worse, the_people(), where=np.ones(4, dtype=bool))
    assert found.tolist() == pytest.approx([0.1, 0.1, 0.0, 1.0])
    by_point = worse.model_copy(update={"area": "point"})
    each = fair.deprivation_of(by_point, the_people(), where=np.ones(4, dtype=bool))
    assert each.tolist() == pytest.approx([0.1, 0.1, 0.0, 1.0])


def test_groups_that_do_not_sum_are_told():
    people = the_people(persons={"all": [10, 20, 0, 5], "old": [11, 2, 4, 0]})
    worse = {"group": "old", "of": "all", "base": "resident", "area": "village"}
    with pytest.raises(StudyError) as told:
        fair.deprivation_of(DeprivationConfig(**worse), people, where=np.array([True, True, True, False]))
    assert "there are more of old than of all in v1, v3" in str(told.value)
    assert "all is nobody, though people live there: name a wider group in v3" in str(told.value)
    empty = the_people(persons={"all": [1, 1, 0, 1], "old": [0] * 4})
    nowhere = fair.deprivation_of(DeprivationConfig(**worse), empty, where=np.array([True, True, False, True]))
    assert np.isnan(nowhere).tolist() == [False, False, True, False]


def test_an_area_without_people_has_no_value_and_is_no_bad_village():
    """Nobody lives in t2 and v3: not 0 and not fair, but missing."""
    found = measure(people=the_people(persons={"all": [10, 20, 0, 5], "old": [0] * 4}))
    assert found["township", "t2"].isna().all()
    assert ("village", "v3", "mean_score") not in found.index
    assert math.isnan(found["group", "old", "mean_score"])


def test_without_any_access_there_is_nothing_to_be_uneven_about():
    found = measure([0.0] * 4)["district", "toy"]
    assert found[["mean_score", "share_without", "share_below_line", "gap_to_line"]].tolist() == [0.0, 1.0, 1.0, 1.0]
    assert found[["gini", "palma", "theil", "theil_between", "atkinson"]].isna().all()


def test_without_anybody_nothing_is_defined():
    found = measure(people=the_people(persons={"all": [0] * 4, "old": [0] * 4}))
    assert found["district", "toy"].isna().all()


def test_without_townships_theil_has_no_parts():
    found = measure(people=the_people(township=[None] * 4))["district", "toy"]
    assert found["theil"] > 0.0
    assert found[["theil_between", "theil_within"]].isna().all()


def test_islands_are_measured_each():
    found = measure(people=the_people(island=["main", "main", "far", "far"]))
    assert found["island", "main", "mean_score"] == pytest.approx(80 / 30)
    assert found["island", "far", "mean_score"] == pytest.approx(30 / 35)


def test_without_a_line_there_is_no_poverty():
    found = measure(questions=[{"question": "meal"}])
    assert not {"share_below_line", "gap_to_line", "severity"} & {name for _, _, name in found.index}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"questions": [{"question": "bus"}]}, "'bus' is no question of measures.accessibility; it has meal"),
        ({"questions": [{"question": "meal", "line": 0}]}, "greater than 0"),
        ({"questions": [{"question": "meal"}, {"question": "meal"}]}, "the id 'meal' is given twice"),
        ({"groups": ["young"]}, "fairness.groups (base resident): 'young' is not declared"),
        ({"epsilon": -1}, "greater than or equal to 0"),
        (
            {"deprivation": {"group": "poor", "of": "all", "base": "resident"}},
            "deprivation.group (base resident): 'poor' is not declared",
        ),
        ({"deprivation": {"group": "old", "of": "all", "base": "born"}}, "deprivation.base: 'born' is not declared"),
    ],
)
def test_what_fairness_may_not_say(changes, said):
    with pytest.raises(StudyError) as told:
        study_of({}, fairness={**FAIR, **changes})
    assert said in str(told.value)


@pytest.mark.parametrize("method", ["raam", "closest"])
def test_inequality_is_of_what_is_good_to_have(method):
    with pytest.raises(StudyError, match=f"less is better in {method}"):
        study_of({"method": method}, fairness=FAIR)
