"""The chapter on the complete circle of the toy town: numbers from its tables, in both languages."""

import dataclasses

import pandas as pd
import pytest

from chongming_gis import measuremodel
from chongming_gis.maps import shares
from chongming_gis.reports import circle
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words

BASKET = measuremodel.BasketConfig(
    services=("meal_point", "care_home"), group="a60_plus", base="resident", source="依据", source_en="reason"
)


def told_of(result, language="en", **tables):
    measures = result.study.measures.model_copy(update={"basket": BASKET})
    study = result.study.model_copy(update={"measures": measures})
    result = dataclasses.replace(result, study=study, measured=tables)
    words = Words(language)
    return Told(result, words, shares.read_shares(result), shares.township_names(result, words))


def frame(names, rows, texts):
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(texts, "str"))


@pytest.fixture(scope="module")
def tables():
    """Of 65 people 20 have both services and 30 one; in A 20 of 60 have both, in B nobody, C is empty."""
    counts = {
        ("district", "toy"): (15, 30, 20), ("township", "101"): (10, 30, 20), ("township", "102"): (5, 0, 0),
        ("township", "103"): (0, 0, 0), ("village", "10101"): (0, 10, 20), ("village", "10201"): (5, 0, 0),
    }  # fmt: skip
    rows = []
    for (scope, code), persons in counts.items():
        whole = sum(persons)
        for n, k in enumerate(persons):
            rows.append(
                (scope, code, None if scope == "township" else "南村", n, 2, float(k), k / whole if whole else None)
            )
    names = ["scope", "scope_code", "name_zh", "n_within", "n_services", "persons", "share"]
    missing = [
        ("district", "toy", "meal_point", 65.0, 15.0), ("district", "toy", "care_home", 65.0, 45.0),
        ("township", "101", "meal_point", 60.0, 10.0), ("township", "101", "care_home", 60.0, 40.0),
        ("township", "102", "meal_point", 5.0, 5.0), ("township", "102", "care_home", 5.0, 5.0),
        ("village", "10101", "meal_point", 30.0, 0.0), ("village", "10101", "care_home", 30.0, 10.0),
        ("village", "10201", "meal_point", 5.0, 5.0), ("village", "10201", "care_home", 5.0, 5.0),
    ]  # fmt: skip
    lacking = frame(
        ["scope", "scope_code", "service", "persons", "persons_missing"], missing, ["scope", "scope_code", "service"]
    )
    return {
        "basket": frame(names, rows, names[:3]),
        "basket_missing": lacking.assign(share_missing=lacking["persons_missing"] / lacking["persons"]),
    }


def shown(table):
    return [[cell.shown for cell in row] for row in table.rows]


def test_the_opening_counts_people(toy_result, tables):
    (section,) = circle.sections(told_of(toy_result, **tables))
    said = section.blocks[0].text
    assert "On average a person has 1.1 of the 2; 20 persons (30.8%) have all of them." in said
    assert "Most often missing: Care homes (69.2% lack it), Meal points (23.1% lack it)." in said


def test_how_many_services_people_have(toy_result, tables):
    (section,) = circle.sections(told_of(toy_result, **tables))
    assert shown(section.blocks[1]) == [["2 of 2", "20", "30.8%"], ["1 of 2", "30", "46.2%"], ["0 of 2", "15", "23.1%"]]


def test_townships_from_the_least_complete_on_and_those_without_people_left_out(toy_result, tables):
    (section,) = circle.sections(told_of(toy_result, **tables))
    rows = shown(section.blocks[2])
    assert [row[1:] for row in rows] == [["0%", "0.0", "100%", "100%"], ["33.3%", "1.2", "17%", "67%"]]
    marks = [[cell.mark for cell in row[3:]] for row in section.blocks[2].rows]
    assert marks == [["share-4", "share-4"], ["share-0", "share-3"]]


def test_villages_name_what_most_of_their_people_lack(toy_result, tables):
    (section,) = circle.sections(told_of(toy_result, "zh", **tables))
    rows = shown(section.blocks[3])
    assert [row[2:] for row in rows] == [["5", "0.0", "老年助餐点、养老机构"], ["30", "1.7", "—"]]


def test_no_chapter_without_the_table(toy_result):
    assert circle.sections(told_of(toy_result)) == ()
