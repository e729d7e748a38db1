"""Gaps and the ground that is reached on the map of their service: what the cards and the legend say, and when."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from chongming_gis import maps
from chongming_gis.maps import gap_layer, isochrone_layer
from chongming_gis.wording import Words
from tests.maps import measured_toy as made


@pytest.fixture(scope="module")
def result(toy_result):
    return made.with_areas(toy_result)


@pytest.fixture(scope="module")
def html(result):
    return {language: maps.coverage(result, "meal_point", language=language).page.render() for language in ("zh", "en")}


def content(data):
    return json.loads(re.search(r">(.*)</script>", data.text).group(1))


def test_the_card_of_a_gap(result):
    service = result.study.service("meal_point")
    data = content(gap_layer.gaps_data(result, service, Words("zh")))
    first, second = (dict(zip(data["labels"], values, strict=True)) for values in data["values"])
    assert data["names"][0] == "甲 一带"
    assert first["60岁及以上（常住人口）"] == "30"
    assert first["最近一人到设施"] == "25.0 分钟"
    assert first["半数人到设施不超过"] == "26.0 分钟"
    assert first["其中无法到达"] == ""  # nobody: the page leaves the row out
    assert second["其中无法到达"] == "5"
    assert second["最近一人到设施"] == Words("zh")("js.not_reached")


def test_a_service_without_gaps_or_areas_has_no_layers(result, toy_result):
    care = result.study.service("care_home")
    assert gap_layer.gaps_data(result, care, Words("zh")) is None
    assert isochrone_layer.areas_data(result, care, Words("zh")) == []
    meal = toy_result.study.service("meal_point")
    assert gap_layer.gaps_data(toy_result, meal, Words("zh")) is None
    assert isochrone_layer.areas_data(toy_result, meal, Words("zh")) == []


def test_rings_with_their_error(result):
    ((title, data),) = isochrone_layer.areas_data(result, result.study.service("meal_point"), Words("en"))
    shown = content(data)
    assert shown["rings"] == ["≤ 5 min", "≤ 15 min"]
    assert title.startswith("Ground that is reached")
    assert shown["note"] == "Misjudged: 16.7% of all people, 25.0% of those within 300 m of the edge"
    assert dict(shown["rows"][1])["Misjudged"] == "5 persons (16.7%)"
    assert np.isnan(isochrone_layer.near_edge_share(made.isochrones().iloc[0]))


def test_the_report_leaves_the_rings_to_the_maps(result):
    page = dict(maps.all_maps(result, standards="headline"))["meal_point"].page.render()
    assert 'id="data-gaps-meal_point"' in page
    assert "data-reached-" not in page


# -- in a browser


def on_screen(visit, point):
    name = visit.evaluate("document.querySelector('.folium-map').id")
    return visit.evaluate(f"Object.values({name}.latLngToContainerPoint([{point.y}, {point.x}]))")


def show_only(visit, label):
    for shown in ("居住点", "设施", "People by travel time", "Facilities"):
        box = visit.page.locator(".leaflet-control-layers label", has_text=shown)
        if box.count() and box.first.locator("input").is_checked():
            box.first.click()
    visit.page.locator(".leaflet-control-layers label", has_text=label).first.click()


def click_on(visit, frame, at):
    place = frame.geometry.iloc[[at]].representative_point().to_crs("EPSG:4326").iloc[0]
    visit.page.mouse.click(*on_screen(visit, place))
    visit.page.wait_for_selector(".leaflet-popup .cgis-card")
    return visit.text(".leaflet-popup strong"), visit.text(".leaflet-popup dl")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("language", "label", "half"), [("zh", "覆盖缺口", "26.0 分钟"), ("en", "Coverage gaps", "26.0 min")]
)
def test_a_gap_is_drawn_with_its_card_and_legend(visit, html, language, label, half):
    page = visit(html[language])
    expect(page.page.locator(".cgis-legend")).not_to_contain_text(label)
    show_only(page, label)
    expect(page.page.locator(".cgis-legend")).to_contain_text(label)
    title, rows = click_on(page, made.gaps(), 0)
    assert title == "1 · " + ("甲 一带" if language == "zh" else "around A")
    assert half in rows


@pytest.mark.browser
def test_names_are_text_on_the_page(visit, html):
    page = visit(html["zh"])
    show_only(page, "覆盖缺口")
    title, _ = click_on(page, made.gaps(), 1)
    assert title == "2 · " + made.HOSTILE
    assert page.evaluate("window.pwned") is None


@pytest.mark.browser
def test_rings_are_drawn_with_their_card_and_error(visit, html):
    page = visit(html["zh"])
    show_only(page, "可达范围")
    expect(page.page.locator(".cgis-legend")).to_contain_text("≤ 5 分钟")
    expect(page.page.locator(".cgis-legend")).to_contain_text("16.7%")
    assert "≤ 5 分钟" in click_on(page, made.isochrones(), 0)[0]


@pytest.mark.browser
def test_the_outer_ring_is_the_one_outside_the_inner(visit, html):
    page = visit(html["zh"])
    show_only(page, "可达范围")
    inner, outer = made.isochrones().geometry
    ring = made.isochrones().iloc[[1]].set_geometry([outer.difference(inner)], crs="EPSG:32651")
    assert "≤ 15 分钟" in click_on(page, ring, 0)[0]


@pytest.mark.browser
def test_another_standard_has_neither(visit, html):
    page = visit(html["zh"])
    show_only(page, "覆盖缺口")
    expect(page.page.locator(".cgis-legend")).to_contain_text("覆盖缺口")
    page.page.select_option(".cgis-choice select", label="步行十五分钟")
    expect(page.page.locator(".cgis-legend")).not_to_contain_text("覆盖缺口")
