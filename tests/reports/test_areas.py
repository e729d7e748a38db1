"""The chapter on drawn areas of the toy town: its numbers are those of the isochrones table."""

import dataclasses

import pytest

from chongming_gis.maps import shares
from chongming_gis.reports import areas
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words
from tests.maps import measured_toy


def chapter(result, language="en"):
    words = Words(language)
    return areas.sections(Told(result, words, shares.read_shares(result), shares.township_names(result, words)))


@pytest.fixture(scope="module")
def result(toy_result):
    return measured_toy.with_areas(toy_result)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_ring_with_its_people_and_error(result, language):
    (section,) = chapter(result, language)
    rows = [[cell.shown for cell in row][2:] for row in section.blocks[1].rows]
    assert rows == [["5", "0.6", "10", "10", "0", "0%", "—"], ["15", "3.2", "35", "30", "5", "16.7%", "25.0%"]]
    assert len(section.blocks[1].columns) == len(rows[0]) + 2
    assert result.study.service("meal_point").name_zh in section.blocks[0].text or language == "en"


def test_what_is_left_to_a_full_run_and_where_the_surfaces_are(result):
    measures = result.study.measures
    drawn = measures.isochrones.model_copy(update={"full_services": ("care_home",)})
    study = result.study.model_copy(update={"measures": measures.model_copy(update={"isochrones": drawn})})
    told = dataclasses.replace(result, study=study, surfaces={"travel_time_b": None, "travel_time_a": None})
    (section,) = chapter(told)
    notes = section.blocks[2].items
    assert notes[1] == "The areas of 1 more services are drawn by run --full."
    assert notes[2].endswith("travel_time_a.tif, travel_time_b.tif.")
    assert "300 m" in notes[0]


def test_no_areas_no_chapter(toy_result):
    assert chapter(toy_result) == ()
