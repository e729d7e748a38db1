"""Proposed sites on a service's map: stars with cards, and the view of who is covered once they stand."""

import json
import re

import pytest

from chongming_gis import maps
from chongming_gis.wording import Words
from tests.toy.proposed import HOSTILE, NOTHING, with_proposals


@pytest.fixture(scope="module")
def html(toy_result):
    return maps.coverage(with_proposals(toy_result), "meal_point").page.render()


def data_of(html):
    found = re.findall(r'<script type="application/json" id="data-([^"]+)">(.*?)</script>', html, flags=re.DOTALL)
    return {key: json.loads(text) for key, text in found}


def test_the_card_of_a_site_says_what_the_table_says(html):
    sites = data_of(html)["sites-more"]
    assert (sites["names"], sites["ranks"]) == ([HOSTILE], [1])
    said = dict(sites["rows"][0])
    words = Words("zh")
    assert said[words("col.lost_without")] == "30"
    assert said[words("col.minutes_saved")] == "12.5"
    assert said[words("map.stand_in")] == "丙村"
    assert said[words("map.cost", currency="元", year=2021)] == "300,000"


def test_the_view_once_built_counts_the_newly_covered(html):
    """Before: 30 of 65, all of them in A; a2 adds 30 there."""
    view = data_of(html)["view-after-more"]
    assert view["figure"]["share"] == "92.3%"
    assert [area and area["covered"] for area in view["areas"]][:2] == ["60", "0"]
    assert data_of(html)["names-after-more"]["names"][-1] == HOSTILE


def test_a_proposal_that_builds_nothing_adds_no_layer(toy_result):
    page = maps.coverage(with_proposals(toy_result, **NOTHING), "meal_point").page.render()
    assert not [key for key in data_of(page) if "more" in key]


@pytest.mark.browser
def test_a_star_opens_its_card_and_the_view_changes_the_figure(visit, html):
    page = visit(html)
    star = page.page.locator(".cgis-site")
    assert star.count() == 1
    star.first.click()
    page.page.wait_for_selector(".leaflet-popup .cgis-card")
    assert HOSTILE in page.text(".leaflet-popup strong")
    page.page.select_option(".cgis-choice select", label="新增助餐点")
    page.page.wait_for_function("document.querySelector('.cgis-figure b').textContent === '92.3%'")
    assert page.evaluate("window.pwned") is None
