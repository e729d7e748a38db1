"""What a reader sees and can do, in a real browser with the network off."""

import folium
import pytest
from playwright.sync_api import expect

from chongming_gis import maps
from chongming_gis.maps.page import PlanMap
from chongming_gis.wording import Words

pytestmark = pytest.mark.browser

SIZES = [(1280, 900), (390, 800)]


@pytest.fixture(scope="module")
def html(toy_result) -> dict[tuple[str, str], str]:
    return {
        (name, language): sheet.page.render()
        for language in ("zh", "en")
        for name, sheet in maps.all_maps(toy_result, language=language)
    }


def on_screen(visit, lat: float, lon: float) -> list[float]:
    """Where a place is on the screen, through the map's own projection."""
    name = visit.evaluate("document.querySelector('.folium-map').id")
    return visit.evaluate(f"Object.values({name}.latLngToContainerPoint([{lat}, {lon}]))")


def click_on(visit, lat: float, lon: float) -> None:
    visit.page.mouse.click(*on_screen(visit, lat, lon))
    visit.page.wait_for_selector(".leaflet-popup .cgis-card")


def card(visit) -> dict[str, str]:
    terms = "[...document.querySelectorAll('.leaflet-popup dt')]"
    return visit.evaluate(f"Object.fromEntries({terms}.map(t => [t.textContent, t.nextSibling.textContent]))")


def lat_lon(points) -> list[tuple[float, float]]:
    return [(place.y, place.x) for place in points.to_crs("EPSG:4326").geometry]


def place_of(toy_result, demand_id: str) -> tuple[float, float]:
    points = toy_result.demand.points
    return lat_lon(points[points["demand_id"] == demand_id])[0]


def check(visit, label: str) -> None:
    visit.page.locator(".leaflet-control-layers label", has_text=label).first.click()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ["overview", "meal_point", "care_home"])
def test_every_map_opens_with_title_legend_and_scale(visit, html, name, language, width, height):
    page = visit(html[name, language], width=width, height=height)
    words = Words(language)
    assert words("internal") in page.text(".leaflet-control-attribution")
    assert (name != "care_home") == (words("schematic_badge") in page.text(".cgis-title"))
    assert "%" in page.text(".cgis-figure b")
    assert page.evaluate("document.querySelector('.cgis-legend').open") == (width > 700)
    page.evaluate("document.querySelector('.cgis-legend').open = true")
    assert len(page.page.query_selector_all(".cgis-legend li")) > 3
    assert page.page.is_visible(".leaflet-control-scale")
    assert page.page.is_visible(".leaflet-control-attribution")
    assert page.evaluate("document.documentElement.lang").startswith(language)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.pwned") is None


def test_the_card_of_a_place_says_what_the_tables_say(visit, html, toy_result, toy):
    page = visit(html["meal_point", "zh"])
    click_on(page, *place_of(toy_result, "d2"))
    shown = card(page)
    assert page.text(".leaflet-popup strong") == toy.NAMES["demand"][2]
    assert shown["60岁及以上（常住人口）"] == "30"
    assert shown["到达时间 · 电动自行车"] == "25.0 分钟"
    assert shown["标准"] == "15 分钟 · 未达标"
    assert shown["乡镇"] == toy.NAMES["township"][0]
    assert shown["最近设施"] == toy.NAMES["facility"][0]


def test_the_card_of_a_township_says_what_the_coverage_table_says(visit, html, toy_result):
    page = visit(html["overview", "zh"])
    corner = (
        toy_result.townships[["geometry"]]
        .iloc[[1]]
        .set_geometry(toy_result.townships.geometry.iloc[[1]].centroid.translate(1000.0, 1000.0))
    )
    click_on(page, *lat_lon(corner)[0])
    row = toy_result.coverage.query(
        "scope_code == '102' and service == 'meal_point' and standard == 'draft_2024' and group == 'a60_plus'"
        " and serves_rule == 'applied'"
    ).iloc[0]
    shown = card(page)
    assert shown["60岁及以上（常住人口）"] == f"{row['persons']:.0f}"
    assert shown["达标人数"] == f"{row['persons_covered']:.0f}"
    assert shown["覆盖率"] == "0%"
    assert shown["其中无法到达"] == "5"
    assert shown["不限服务范围时"] == "100%"


def test_layers_switch_on_and_off_and_the_legend_follows(visit, html):
    page = visit(html["meal_point", "zh"])
    assert "乡镇覆盖率" not in page.text(".cgis-legend")
    check(page, "乡镇覆盖率")
    expect(page.page.locator(".cgis-legend")).to_contain_text("80–100%")
    check(page, "居住点（按到达时间）")
    expect(page.page.locator(".cgis-legend")).not_to_contain_text("到最近设施的时间")
    before = page.evaluate("document.querySelectorAll('.cgis-facility').length")
    check(page, "设施")
    assert (before, page.evaluate("document.querySelectorAll('.cgis-facility').length")) == (2, 0)


def test_choosing_another_standard_changes_title_and_figures(visit, html):
    page = visit(html["meal_point", "zh"])
    assert page.text(".cgis-figure b") == "46.2%"
    page.page.select_option(".cgis-choice select", label="步行十五分钟")
    assert page.text(".cgis-figure b") == "15.4%"
    assert page.text(".cgis-standard") == "步行 15 分钟"
    page.page.select_option(".cgis-choice select", index=2)
    assert page.text(".cgis-figure b") == "53.8%"


def test_choosing_another_service_on_the_overview_by_keyboard(visit, html):
    page = visit(html["overview", "zh"])
    assert page.evaluate("document.querySelectorAll('.cgis-facility').length") == 2
    page.page.focus(".cgis-choice select")
    page.page.keyboard.press("ArrowDown")
    assert page.text(".cgis-standard") == "小汽车 30 分钟"
    assert page.evaluate("document.querySelectorAll('.cgis-facility').length") == 1


def test_a_facility_opens_by_keyboard(visit, html, toy):
    page = visit(html["meal_point", "zh"])
    page.page.focus(".cgis-facility")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".leaflet-popup .cgis-card")
    assert page.text(".leaflet-popup strong") in toy.NAMES["facility"]
    assert card(page)["容量（份）"] == "120（已用 75）"
    assert page.page.get_attribute(".leaflet-popup-close-button", "aria-label") == "关闭"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_controls_are_named_in_the_pages_language(visit, html, language):
    page = visit(html["meal_point", language], width=390, height=800)
    words = Words(language)
    assert page.page.get_attribute(".leaflet-control-layers-toggle", "title") == words("layers")
    assert page.page.get_attribute(".leaflet-control-zoom-in", "title") == words("js.zoom_in")
    page.page.focus(".leaflet-control-layers-toggle")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector(".leaflet-control-layers-expanded")


def test_pointing_at_a_place_says_what_it_is(visit, html, toy_result, toy):
    page = visit(html["meal_point", "zh"])
    page.page.mouse.move(*on_screen(page, *place_of(toy_result, "d1")))
    page.page.wait_for_selector(".cgis-tip")
    assert toy.NAMES["demand"][1].split(" \u2028")[0] in page.text(".cgis-tip")


def test_standard_folium_elements_work_beside_ours(visit, toy_result):
    sheet = maps.coverage(toy_result, "meal_point")
    icon = folium.Icon(icon="home", prefix="fa")
    folium.Marker([31.62, 121.22], popup="<i>mine</i>", icon=icon).add_to(sheet)
    folium.Marker([31.63, 121.23], tooltip="default icon").add_to(sheet)
    page = visit(sheet.page.render())
    page.page.wait_for_selector(".awesome-marker")
    page.page.click(".awesome-marker", force=True)
    page.page.wait_for_selector(".leaflet-popup i >> text=mine")


def test_an_empty_plan_map_opens(visit):
    sheet = PlanMap(title="x", language="en", bounds=((31.0, 121.0), (32.0, 122.0)))
    folium.CircleMarker([31.5, 121.5]).add_to(sheet)
    page = visit(sheet.page.render())
    assert page.page.is_visible(".leaflet-interactive")
