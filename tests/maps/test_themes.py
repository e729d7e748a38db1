"""Capacity, access, years, before and after, indicators, burial rules and data quality: what the maps say of each."""

import dataclasses
import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from chongming_gis import maps
from chongming_gis.maps import theme_layers
from chongming_gis.wording import Words
from tests.maps.themed_toy import HOSTILE, with_themes

SIZES = [(1280, 900), (390, 800)]


def data_of(html):
    found = re.findall(r'<script type="application/json" id="data-([^"]+)">(.*?)</script>', html, flags=re.DOTALL)
    return {key: json.loads(text) for key, text in found}


@pytest.fixture(scope="module")
def html(toy_result):
    result = with_themes(toy_result)
    return {
        (name, language): sheet.page.render()
        for language in ("zh", "en")
        for name, sheet in maps.every_map(maps.prepare(result, language))
        if name not in {"overview", "care_home"}
    }


def on_screen(visit, point):
    name = visit.evaluate("document.querySelector('.folium-map').id")
    return visit.evaluate(f"Object.values({name}.latLngToContainerPoint([{point.y}, {point.x}]))")


def place(result, i):
    return result.demand.points.to_crs("EPSG:4326").geometry.iloc[i]


def choose(visit, label):
    visit.page.select_option(".cgis-choice select", label=label)


def card(visit):
    visit.page.wait_for_selector(".leaflet-popup .cgis-card")
    terms = "[...document.querySelectorAll('.leaflet-popup dt')]"
    return visit.evaluate(f"Object.fromEntries({terms}.map(t => [t.textContent, t.nextSibling.textContent]))")


def test_the_three_numbers_of_a_township_are_those_of_the_table(html, toy_result):
    """Of 9 meals that township A needs 4 are served, 3 find no place and 2 are out of reach; B and C need none."""
    view = data_of(html["meal_point", "zh"])["view-three-meal_point"]
    assert view["pies"] == [[4.0, 3.0, 2.0], None, None]
    assert view["figure"]["share"] == view["areas"][0]["share"] == "44.4%"
    assert [value for _, value in view["areas"][0]["rows"]] == ["9.0", "4.0", "3.0", "2.0", "44.4%"]
    assert toy_result.provision["served"].sum() == 4.0


def test_fifths_hold_the_people_and_nothing_is_a_class_of_its_own():
    """Ten people each at scores 1 to 10: fifths of two; a place without any score or people sets no border."""
    score = np.array([*range(1, 11), 0.0, 99.0], dtype=float)
    persons = np.array([*[10.0] * 10, 50.0, 0.0])
    classes, class_of = theme_layers.quantile_classes(score, persons, Words("en"), less_is_better=False)
    assert class_of.tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 5]
    assert [entry["label"] for entry in classes][:2] == ["none (0)", "1.00–2.00"]
    fills = [entry["fill"] for entry in classes]
    turned, _ = theme_layers.quantile_classes(score, persons, Words("en"), less_is_better=True)
    assert [entry["fill"] for entry in turned][-1] == fills[1]


def test_equal_scores_make_one_class():
    classes, class_of = theme_layers.quantile_classes(np.full(4, 2.0), np.ones(4), Words("zh"), less_is_better=False)
    assert (len(classes), class_of.tolist()) == (1, [0, 0, 0, 0])


def test_a_result_without_further_tables_has_no_further_views(toy_result):
    plain = dataclasses.replace(toy_result, provision=toy_result.provision.iloc[:0])
    names = {name for name, _ in maps.every_map(maps.prepare(plain, "zh"))}
    assert "burial_constraints" not in names
    views = data_of(maps.coverage(plain, "meal_point").page.render())
    assert not [key for key in views if key.startswith(("view-three", "view-access", "phases"))]


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("name", ["indicators", "burial_constraints", "data_quality"])
def test_each_page_opens_with_its_title_and_mark(visit, html, name, language, width, height):
    page = visit(html[name, language], width=width, height=height)
    words = Words(language)
    key = {"indicators": "map.indicators", "burial_constraints": "map.constraints", "data_quality": "map.quality"}[name]
    assert page.text("h1") == words(key)
    assert words("internal") in page.text(".cgis-foot")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.pwned") is None


@pytest.mark.browser
def test_every_view_of_a_service_can_be_chosen(visit, html, toy_result):
    page = visit(html["meal_point", "zh"])
    choose(page, Words("zh")("map.three"))
    assert page.text(".cgis-figure b") == "44.4%"
    expect(page.page.locator(".cgis-legend")).to_contain_text("够得着但无位")
    choose(page, "可得量（两步移动搜索）")
    expect(page.page.locator(".cgis-legend")).to_contain_text("没有（0）")
    page.page.mouse.click(*on_screen(page, place(toy_result, 1)))
    assert card(page)["每单位需求可得的每日供餐客数"] == "0.50"
    choose(page, "2024 征求意见稿")
    expect(page.page.locator(".cgis-legend")).not_to_contain_text("没有（0）")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_slider_shows_before_on_one_side_and_after_on_the_other(visit, html, toy_result, width, height):
    """d2 is beyond the standard before and within it after: its card says which side it is on."""
    page = visit(html["meal_point", "zh"], width=width, height=height)
    choose(page, "新增助餐点：前后对比")
    assert page.text(".cgis-figure b") == "46.2% → 92.3%"
    page.evaluate("document.querySelectorAll('.cgis-title, .cgis-tools, .cgis-legend').forEach(e => e.remove())")
    page.evaluate("document.querySelectorAll('.cgis-site').forEach(e => e.remove())")
    states = []
    for key in ("End", "Home"):  # all before, all after
        page.page.focus(".cgis-swipe input")
        page.page.keyboard.press(key)
        page.page.mouse.click(*on_screen(page, place(toy_result, 2)))
        states.append(card(page)["标准"].split(" · ")[1])
        page.page.click(".leaflet-popup-close-button")
    assert states == ["未达标", "达标"]
    assert page.evaluate("document.querySelectorAll('.cgis-swipe').length") == 1


@pytest.mark.browser
def test_leaving_the_slider_leaves_nothing_behind(visit, html):
    page = visit(html["meal_point", "zh"])
    choose(page, "新增助餐点：前后对比")
    choose(page, "2024 征求意见稿")
    assert page.evaluate("document.querySelectorAll('.cgis-swipe').length") == 0
    assert page.evaluate("[...document.querySelectorAll('.leaflet-pane')].every(p => !p.style.clipPath)")


@pytest.mark.browser
def test_the_years_show_what_stands_by_then(visit, html):
    page = visit(html["meal_point", "zh"])
    page.page.locator(".leaflet-control-layers label", has_text="分两年").click()
    labels = "[...document.querySelectorAll('.cgis-site')].map(e => e.getAttribute('aria-label'))"
    assert {HOSTILE, "乙处"} <= set(page.evaluate(labels))
    page.page.focus(".cgis-years input")
    page.page.keyboard.press("Home")
    assert "乙处" not in page.evaluate(labels)
    assert "2026" in page.text(".cgis-years output")
    assert "60 人达标（92.3%）" in page.text(".cgis-years output")


@pytest.mark.browser
def test_pointing_at_a_refused_place_tells_the_rule(visit, html, toy_result):
    page = visit(html["burial_constraints", "zh"])
    at = with_themes(toy_result).measured["candidates"].to_crs("EPSG:4326").geometry
    page.evaluate("document.querySelectorAll('.cgis-facility').forEach(e => e.remove())")
    page.page.mouse.move(*on_screen(page, at.iloc[2]))
    page.page.wait_for_selector(".cgis-tip")
    assert "不属于任何乡镇；不在陆地上" in page.text(".cgis-tip")
    page.page.mouse.click(*on_screen(page, at.iloc[0]))
    assert card(page)["结论"] == "符合全部规则"
    assert page.text(".leaflet-popup strong") == HOSTILE


@pytest.mark.browser
def test_an_indicator_says_what_an_area_has(visit, html, toy_result):
    page = visit(html["indicators", "zh"])
    assert "每乡镇 <i>一处</i>" in page.text(".cgis-choice")
    middle = toy_result.townships.to_crs("EPSG:4326").geometry.iloc[2].centroid
    page.page.mouse.click(*on_screen(page, middle))
    assert card(page)["现状"] == "无"


@pytest.mark.browser
def test_the_quality_of_each_facility_is_told(visit, html, toy_result):
    page = visit(html["data_quality", "zh"])
    at = toy_result.facilities.places.to_crs("EPSG:4326").geometry.iloc[0]
    page.page.mouse.click(*on_screen(page, at))
    assert card(page)["位置精度"] == "位置精度约 500 米"
    assert "示意数据" in page.text(".cgis-legend")
