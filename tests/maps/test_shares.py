import math

import pytest

from chongming_gis.maps import shares


@pytest.fixture
def read(toy_result):
    return shares.read_shares(toy_result)


def standards(service) -> tuple[shares.Question, ...]:
    return tuple(shares.Question(service, standard) for standard in service.standards)


def test_figures_are_those_of_the_coverage_table(toy_result, read):
    service = toy_result.study.service("meal_point")
    question = shares.headline(service)
    whole = read.whole(question)
    assert (whole.persons, whole.covered, whole.uncovered, whole.unreached) == (65.0, 30.0, 35.0, 5.0)
    places = read.by_code(question, "township")
    assert list(places) == ["101", "102", "103"]
    assert places["101"].share == 0.5
    assert math.isnan(places["103"].share)


def test_the_rule_is_lifted_only_where_that_changes_a_number(toy_result, read):
    meal, care = (toy_result.study.service(name) for name in ("meal_point", "care_home"))
    assert [q.rule for q in read.questions(standards(meal))] == ["applied", "applied", "ignored", "ignored"]
    assert [q.rule for q in read.questions(standards(care))] == ["applied"]


def test_the_three_numbers_shown_add_up():
    shown = shares.in_words(shares.Figures(persons=249_621.4, covered=133_304.6, share=0.534))
    assert shown == {"persons": "249,621", "covered": "133,305", "uncovered": "116,316", "share": "53.4%",
                     "unreached": "0"}  # fmt: skip


def test_who_reaches_nothing_is_told_apart_by_place(toy_result, read):
    """Meal points: b0's 5 may use none, a2's 30 come too late. Care homes: a2's 3 (80 and over) have no way there."""
    meal, care = (shares.headline(toy_result.study.service(name)) for name in ("meal_point", "care_home"))
    assert {code: place.unreached for code, place in read.by_code(meal, "township").items()} == {
        "101": 0.0, "102": 5.0, "103": 0.0,
    }  # fmt: skip
    assert {code: place.unreached for code, place in read.by_code(care, "township").items()} == {
        "101": 3.0, "102": 0.0, "103": 0.0,
    }  # fmt: skip
    assert read.whole(meal.freed).unreached == 0.0


def test_who_reaches_nothing_equals_a_count_row_by_row(toy_result, read):
    persons = toy_result.demand.persons
    for service in toy_result.study.services:
        for question in read.questions(standards(service)):
            rows = toy_result.access
            slow = sum(
                float(persons.loc[row.demand_id, f"{service.base}:{service.group}"])
                for row in rows.itertuples()
                if (row.service, row.standard, row.serves_rule) == question.parts and math.isinf(row.time_s)
            )
            assert read.whole(question).unreached == slow


def test_a_fraction_of_a_person_left_out_is_not_nobody():
    assert shares.in_words(shares.Figures(persons=10.3, covered=10.1, share=0.98))["uncovered"] == "<1"


def test_english_names_stand_in_where_there_are_some(toy_result):
    from chongming_gis.wording import Words

    names = shares.township_names(toy_result, Words("en"))
    assert names["101"] == "Bao <b>"
    assert "庙镇" in names["102"]
