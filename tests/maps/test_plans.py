"""Bed plans and joint plans on maps: a star a place, with what is done there and why."""

import dataclasses
import json
import re

import pytest
from playwright.sync_api import expect

from chongming_gis import maps
from chongming_gis.maps.other_sheets import further_maps
from chongming_gis.wording import Words
from tests.maps.plans_toy import HOSTILE, with_plans
from tests.maps.themed_toy import with_sensitive

LANGUAGES = ["zh", "en"]


@pytest.fixture(scope="module")
def planned(toy_result):
    return with_plans(toy_result)


def page_of(result, language="zh"):
    return dict(further_maps(maps.prepare(result, language)))["plans"].page.render()


def data_of(html, key):
    return json.loads(re.search(rf'id="data-{key}">(.*?)</script>', html, flags=re.DOTALL).group(1))


def test_a_home_says_what_is_done_there_and_for_which_target(planned):
    homes = data_of(page_of(planned, "en"), "beds-homes")
    assert homes["names"] == [HOSTILE, "乙院"]
    assert [homes["classes"][k]["label"] for k in homes["cls"]] == [
        "beds added (and perhaps converted)",
        "beds converted only",
    ]
    first = dict(homes["rows"][0])
    assert first["beds added"] == "6"
    assert first["converted to nursing beds"] == "2"
    assert (first["Beds now"], first["Beds then"]) == ("10", "16")
    assert first["Cost (CNY, prices of 2021)"] == "660,000"
    assert first["Counts towards"] == "meal points"
    assert dict(homes["rows"][1])["Counts towards"] == "meal points, stated only"


def test_a_shared_ground_is_one_star_with_a_line_a_service(planned):
    html = page_of(planned, "en")
    grounds = data_of(html, "joint-both")
    assert [grounds["classes"][k]["label"] for k in grounds["cls"]] == ["several services on one ground", "Meal points"]
    assert dict(grounds["rows"][0])["Meal points"] == (
        "without it 7 fewer are covered; it costs CNY 240,000; sharing saves CNY 60,000; "
        "it stands here only where they are planned together"
    )
    assert "it stands here too where services are planned apart" in dict(grounds["rows"][1])["Meal points"]
    figure = data_of(html, "view-joint-both")["figure"]
    assert figure == {"share": "2", "text": "grounds: Meal points: 2; Care homes: 1; 1 of them shared by several"}


def test_few_people_of_a_sensitive_group_are_not_told(planned):
    assert "少覆盖 3 人" in str(data_of(page_of(planned), "joint-both")["rows"])
    told = str(data_of(page_of(with_sensitive(planned, "a80_plus")), "joint-both")["rows"])
    assert "少覆盖 <5 人" in told
    assert "少覆盖 3 人" not in told
    assert "少覆盖 3 人" in str(
        data_of(page_of(with_sensitive(planned, "a80_plus", internal=True)), "joint-both")["rows"]
    )


def test_plans_that_build_nothing_have_no_map_and_no_layer(planned):
    empty = {name: planned.measured[name].iloc[:0] for name in ("bed_plan", "joint_sites")}
    result = dataclasses.replace(planned, measured={**planned.measured, **empty})
    assert "plans" not in dict(further_maps(maps.prepare(result, "zh")))
    assert "data-beds-homes" not in maps.overview(result).page.render()


def test_the_overview_has_both_as_layers(planned):
    html = maps.overview(planned, language="en").page.render()
    assert data_of(html, "beds-homes") == data_of(page_of(planned, "en"), "beds-homes")
    assert "Proposed: joint plan" in html
    assert "joint-both" in data_of(html, "tools")["facilities"]


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_stars_open_by_keyboard_the_search_finds_them_and_the_legend_follows(visit, planned, language):
    words = Words(language)
    page = visit(page_of(planned, language)).page
    expect(page.locator(".cgis-legend")).to_contain_text(words("map.plans.extended"))
    assert page.locator(".cgis-site").count() == 2
    page.focus(".cgis-site >> nth=0")
    page.keyboard.press("Enter")
    assert page.inner_text(".leaflet-popup strong") == HOSTILE
    assert "660,000" in page.inner_text(".leaflet-popup")
    page.keyboard.press("Escape")
    page.select_option(".cgis-choice select", index=1)
    expect(page.locator(".cgis-legend")).to_contain_text(words("map.plans.shared"))
    assert "2" in page.inner_text(".cgis-figure b")
    page.fill(".cgis-search input", "乙院")
    page.keyboard.press("Enter")
    expect(page.locator(".leaflet-popup strong").last).to_have_text("乙院")  # while the other fades out
    page.locator(".leaflet-control-layers label", has_text=words("layer.facilities")).locator("input").click()
    assert page.locator(".cgis-facility").count() == 3  # of both services of the joint plan
