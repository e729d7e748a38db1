"""The chapter on gaps of the toy town: its numbers are those of the gaps and the coverage table."""

import dataclasses

import pytest

from chongming_gis.maps import shares
from chongming_gis.reports import uncovered
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words
from tests.maps import measured_toy


def told(result, language="en"):
    words = Words(language)
    return Told(result, words, shares.read_shares(result), shares.township_names(result, words))


def shown(table):
    return [[cell.shown for cell in row] for row in table.rows]


@pytest.fixture(scope="module")
def result(toy_result):
    return measured_toy.with_areas(toy_result)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_gaps_by_service(result, language):
    """Of the 35 meal-point people left out 35 live in two gaps, all of them in the first ten, none beside."""
    (section,) = uncovered.sections(told(result, language))
    row = shown(section.blocks[1])[0]
    assert row[1:6] == ["35", "2", "35", "100%", "0"]
    assert "30" in row[6]
    assert "10" in section.blocks[0].text


def test_the_gaps_of_a_service(result):
    (section,) = uncovered.sections(told(result))
    (own,) = section.inner
    assert "2 gaps with 35 persons, the largest around A with 30" in own.blocks[0].text
    first, second = shown(own.blocks[1])
    assert first[:7] == ["1", "around A", "30", "3", "25.0", "26.0", "0"]
    assert second[4:7] == ["—", "—", "5"]
    assert len(own.blocks[1].columns) == len(first)


def test_services_without_gaps_are_named(result):
    (section,) = uncovered.sections(told(result))
    care = result.study.service("care_home").name_en
    assert any(care in note for note in section.blocks[2].items)


def test_no_gaps_no_chapter(toy_result, result):
    assert uncovered.sections(told(toy_result)) == ()
    bare = dataclasses.replace(result, measured={})
    assert uncovered.sections(told(bare)) == ()
