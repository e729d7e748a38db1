"""Search, measuring, one's own position and printing, by mouse and by keyboard."""

import json
import re

import pytest
from playwright.sync_api import expect
from pyproj import Geod

from chongming_gis import maps
from chongming_gis.wording import Words

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def html(toy_result):
    return {
        language: maps.coverage(toy_result, "meal_point", language=language).page.render() for language in ("zh", "en")
    }


def view_of(visit):
    name = visit.evaluate("document.querySelector('.folium-map').id")
    return visit.evaluate(f"[{name}.getCenter().lat, {name}.getCenter().lng, {name}.getZoom()]")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 800)])
def test_a_facility_is_found_by_part_of_its_name(visit, html, toy, toy_result, language, width, height):
    page = visit(html[language], width=width, height=height)
    page.page.fill(".cgis-search input", "助餐")
    expect(page.page.locator("[role=option]")).to_have_count(1)
    assert page.page.get_attribute(".cgis-search input", "aria-expanded") == "true"
    assert Words(language)("js.search_found").format(n=1) in page.text(".cgis-told")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".leaflet-popup .cgis-card")
    assert page.text(".leaflet-popup strong") == toy.NAMES["facility"][1]
    at = toy_result.facilities.places.to_crs("EPSG:4326").geometry.iloc[1]
    _, lon, zoom = view_of(page)
    assert abs(lon - at.x) < 0.05
    assert zoom >= 14
    assert page.page.get_attribute(".cgis-search input", "aria-expanded") == "false"


@pytest.mark.parametrize(("language", "typed"), [("zh", "bao"), ("zh", "堡"), ("en", "bao"), ("en", "堡")])
def test_a_township_is_found_in_both_languages(visit, html, toy, toy_result, language, typed):
    page = visit(html[language])
    page.page.fill(".cgis-search input", typed)
    expect(page.page.locator("[role=option]")).to_have_count(1)
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".leaflet-popup .cgis-card")
    town = toy_result.townships.iloc[0]
    assert page.text(".leaflet-popup strong") == town["name_zh" if language == "zh" else "name_en"]


def test_a_village_is_chosen_by_arrow_keys_and_tells_its_township(visit, html, toy):
    page = visit(html["zh"])
    page.page.fill(".cgis-search input", "村")
    options = page.page.locator("[role=option]")
    expect(options).to_have_count(2)
    page.page.keyboard.press("ArrowDown")
    assert options.nth(1).get_attribute("aria-selected") == "true"
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".leaflet-popup .cgis-card")
    assert page.text(".leaflet-popup strong") == "北村 <u>"
    assert toy.NAMES["township"][1] in page.text(".leaflet-popup")
    page.page.fill(".cgis-search input", "nowhere")
    assert page.text(".cgis-told") == Words("zh")("js.search_nothing")
    page.page.keyboard.press("Escape")
    assert page.page.get_attribute(".cgis-search input", "aria-expanded") == "false"


def test_distances_are_those_of_the_ellipsoid(visit, html):
    page = visit(html["zh"])
    pairs = [
        ((31.6, 121.2), (31.6, 121.9)),
        ((31.4, 121.7), (31.8, 121.2)),
        ((0.0, 10.0), (0.0, 11.0)),
        ((31.0, 121.0),) * 2,
    ]
    ellipsoid = Geod(ellps="WGS84")
    for (lat1, lon1), (lat2, lon2) in pairs:
        metres = page.evaluate(f"cgis.distance({{lat: {lat1}, lng: {lon1}}}, {{lat: {lat2}, lng: {lon2}}})")
        assert metres == pytest.approx(ellipsoid.inv(lon1, lat1, lon2, lat2)[2], abs=1e-3)
    assert page.evaluate("[999.4, 1234, 23456].map(cgis.lengthInWords)") == ["999 米", "1.23 公里", "23.5 公里"]


def test_measuring_by_mouse_opens_no_cards_and_ends_with_escape(visit, html):
    page = visit(html["zh"])
    page.page.click(".is-measure")
    page.page.mouse.click(700, 300)
    page.page.mouse.click(900, 300)
    told = page.text(".cgis-told")
    assert re.search(r"距离： [\d.]+ 公里", told)
    assert told.split("： ")[1] == page.text(".cgis-length")
    assert page.page.query_selector(".leaflet-popup") is None
    page.page.focus(".folium-map")
    page.page.keyboard.press("Escape")
    assert page.page.get_attribute(".is-measure", "aria-pressed") == "false"
    page.page.mouse.click(900, 400)
    assert page.text(".cgis-told") == told  # it stands until one measures anew


def test_measuring_by_keyboard(visit, html):
    page = visit(html["en"])
    page.page.focus(".is-measure")
    page.page.keyboard.press("Enter")
    page.page.focus(".folium-map")
    page.page.keyboard.press("Enter")
    name = page.evaluate("document.querySelector('.folium-map').id")
    page.evaluate(f"{name}.panBy([100, 0], {{animate: false}})")
    page.page.keyboard.press("Enter")
    assert "km" in page.text(".cgis-told")


def test_a_position_that_is_not_given_is_said_quietly(visit, html):
    page = visit(html["zh"])
    page.page.click(".is-locate")
    expect(page.page.locator(".cgis-told")).to_have_text(Words("zh")("js.locate_no"))


def test_ones_position_is_shown(visit, html, toy_result):
    page = visit(html["zh"])
    at = toy_result.demand.points.to_crs("EPSG:4326").geometry.iloc[0]
    context = page.page.context
    context.grant_permissions(["geolocation"])
    context.set_geolocation({"latitude": at.y, "longitude": at.x, "accuracy": 30})
    page.page.click(".is-locate")
    expect(page.page.locator(".cgis-told")).to_have_text("位置精度约 30 米")
    lat, lon, _ = view_of(page)
    assert (lat, lon) == (pytest.approx(at.y, abs=1e-4), pytest.approx(at.x, abs=1e-4))
    context.set_geolocation({"latitude": 10.0, "longitude": 10.0})
    page.page.click(".is-locate")
    expect(page.page.locator(".cgis-told")).to_have_text(Words("zh")("js.locate_outside"))


@pytest.mark.parametrize(("paper", "width", "height"), [("A4", 841.9, 595.3), ("A3", 1190.6, 841.9)])
def test_a_map_prints_on_one_page_of_the_chosen_paper(visit, html, paper, width, height):
    page = visit(html["zh"])
    before = view_of(page)
    page.evaluate("window.print = () => {}")
    page.page.click(".is-print")
    page.page.locator(".cgis-papers button", has_text=paper).click()
    printed = page.page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    box = [float(n) for n in re.search(rb"/MediaBox\s*\[([^\]]+)\]", printed).group(1).split()]
    assert box[2:] == [pytest.approx(width, abs=1.5), pytest.approx(height, abs=1.5)]
    assert view_of(page) == pytest.approx(before, abs=1e-6)  # the screen is as it was


def test_on_paper_stand_title_legend_scale_north_and_mark_but_no_buttons(visit, html):
    page = visit(html["zh"], width=390, height=800)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for selector in (".cgis-title", ".cgis-legend-body", ".leaflet-control-scale", ".cgis-north", ".cgis-foot"):
        assert page.page.is_visible(selector), selector
    for selector in (".cgis-tools", ".leaflet-control-zoom", ".leaflet-control-layers", ".cgis-choice select"):
        assert not page.page.is_visible(selector), selector
    assert "内部工作用图" in page.text(".cgis-foot")
    assert page.evaluate(
        "getComputedStyle(document.querySelector('.cgis-choice label'), '::after').content"
    ) == json.dumps("2024 征求意见稿", ensure_ascii=False)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.page.is_visible(".cgis-tools")


def test_tools_are_reached_by_tab(visit, html):
    page = visit(html["en"])
    page.page.focus(".cgis-search input")
    reached = []
    for _ in range(3):
        page.page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    words = Words("en")
    assert reached == [words("js.measure"), words("js.locate"), words("js.print")]
