"""The map of meals to the door: what its data say, and the clock in a browser."""

import dataclasses
import json

import pandas as pd
import pytest

from chongming_gis import maps
from chongming_gis.maps import delivery_sheet
from chongming_gis.maps.other_sheets import further_maps
from chongming_gis.wording import LANGUAGES
from tests.maps import delivery_toy
from tests.maps.themed_toy import with_sensitive


@pytest.fixture(scope="module")
def delivered(toy, toy_result):
    return delivery_toy.with_rounds(toy, toy_result)


def content(entry):
    return json.loads(entry.text.partition(">")[2].rpartition("</script>")[0])


def test_a_result_without_rounds_has_no_such_map(toy_result):
    assert delivery_sheet.delivery_map(maps.prepare(toy_result, "zh")) is None


def test_rounds_carry_their_clock(delivered):
    data = content(delivery_sheet.rounds_data(maps.prepare(delivered, "en")))
    assert data["depart"] == [37_800, 41_400]
    assert data["times"] == [[0, 300, 420, 900, 1020, 1500], [0, 600, 720, 1300]]
    assert data["along"][1] == [0.0, 0.5, 0.5, 1.0]
    assert data["handed"] == [[[300, 5], [900, 4]], [[600, 3]]]
    assert data["about"] == data["drops"]["note"] == ""
    assert data["vehicles"] == ["bike <b>", "van"]
    assert data["drops"]["states"] == ["whole", "whole", "part", "left", "far"]
    assert data["drops"]["kitchen"] == [0, 0, 0, -1, -1]


def test_small_numbers_of_meals_of_sensitive_people_are_not_told(delivered):
    """Of d1 and d4 four meals are wanted; with d0's five told, the nine on the round would tell d1's."""
    masked = with_sensitive(delivered, "a60_plus")
    assert delivery_sheet.hidden_drops(masked) == {"d1", "d4"}
    data = content(delivery_sheet.rounds_data(maps.prepare(masked, "en")))
    cards = [dict(map(tuple, rows)) for rows in data["drops"]["rows"]]
    assert [card["Wanted (meals)"] for card in cards] == ["5", "<5", "5", "6", "<5"]
    assert [card["Brought (meals)"] for card in cards] == ["5", "<5", "3", "0", "0"]
    assert [dict(map(tuple, rows))["Meals"] for rows in data["rows"]] == ["—", "3"]
    assert data["drops"]["meals"] == [5, 2.5, 5, 6, 2.5]
    assert data["handed"] == [[[300, 5], [900, 2.5]], [[600, 3]]]
    assert data["about"] == "about "
    assert "fewer than 5 meals" in data["drops"]["note"]
    assert delivery_sheet.hidden_drops(with_sensitive(delivered, "a60_plus", internal=True)) == frozenset()
    assert delivery_sheet.hidden_drops(with_sensitive(delivered, "a80_plus")) == frozenset()


def test_the_sum_of_two_small_numbers_may_be_told():
    stops = pd.DataFrame({"drop_id": ["a", "b", "c"], "meals": [3.0, 2.0, 9.0]})
    assert delivery_sheet.sum_of_round(stops, frozenset("ab")) == 14.0
    assert delivery_sheet.sum_of_round(stops, frozenset("a")) is None
    assert delivery_sheet.sum_of_round(stops.assign(meals=[1.0, 1.0, 9.0]), frozenset("ab")) is None


def test_a_drop_out_of_range_tells_how_far_the_nearest_kitchen_is(delivered):
    far = delivered.measured["delivery_drops"].assign(nearest_s=[300.0, 800.0, 600.0, 1500.0, 2460.0])
    result = dataclasses.replace(delivered, measured={**delivered.measured, "delivery_drops": far})
    rows = content(delivery_sheet.rounds_data(maps.prepare(result, "en")))["drops"]["rows"]
    assert dict(map(tuple, rows[4]))["From the nearest kitchen (min)"] == "41.0"
    assert "From the nearest kitchen (min)" not in dict(map(tuple, rows[0]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_map_is_written_with_the_others_and_loads_nothing(delivered, language):
    sheets = dict(further_maps(maps.prepare(delivered, language)))
    page = sheets["delivery"].page.render()
    assert "cgis.player(" in page
    assert page == dict(further_maps(maps.prepare(delivered, language)))["delivery"].page.render()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_clock_moves_the_vehicles_and_counts_what_is_handed_over(delivered, visit, width):
    sheet = delivery_sheet.delivery_map(maps.prepare(delivered, "zh"))
    seen = visit(sheet.page.render(), width=width)
    assert seen.text(".cgis-clock") == "10:45"
    assert seen.text(".cgis-player .cgis-note") == "在途 1 · 已送（份） 9"
    seen.page.fill(".cgis-player input", str(41_400 + 600))
    assert seen.text(".cgis-clock") == "11:40"
    assert seen.text(".cgis-player .cgis-note") == "在途 1 · 已送（份） 12"
    seen.page.click(".cgis-player button")
    seen.page.wait_for_timeout(500)  # ten steps of a quarter of a minute, more or less
    assert seen.text(".cgis-clock") > "11:40"
    assert seen.page.get_attribute(".cgis-player button", "aria-label") == "暂停"
    seen.page.click(".cgis-player button")
    box = seen.page.locator(".cgis-player").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
