"""Everything on a map is reached by keyboard alone, and what has the focus can be seen."""

import io

import numpy as np
import pytest
from PIL import Image

from chongming_gis.wording import Words
from tests.pages import every_page

pytestmark = pytest.mark.browser

WHERE = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  return {
    is: at === document.body ? "" : [...at.classList, at.tagName.toLowerCase(), at.type || ""].join(" "),
    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    box: [box.left, box.top, box.width, box.height],
    name: at.getAttribute("aria-label") || at.title || at.textContent || "",
  };
}"""
TO_BEGINNING = "document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')"
EVERYWHERE = [
    "folium-map",
    "select",
    "summary",
    "input search",
    "is-measure",
    "is-locate",
    "is-print",
    "zoom-in",
    "zoom-out",
]


@pytest.fixture(scope="module")
def pages(toy, toy_result):
    return {language: every_page.pages(toy, toy_result, language) for language in every_page.LANGUAGES}


def walk(page, most=90):
    """Where Tab leads, from the beginning of a page to its end."""
    page.evaluate(TO_BEGINNING)
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(WHERE)
        if not stop["is"] or stop in stops:
            break
        stops.append(stop)
    return stops


def is_seen(page, stop):
    """Whether the focus changes the pixels around what has it: an outline, or for a slider its handle."""
    left, top, width, height = stop["box"]
    clip = {"x": max(left - 6, 0), "y": max(top - 6, 0), "width": width + 12, "height": height + 12}
    taken = []
    for _ in range(2):
        taken.append(np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"), dtype=int))
        page.evaluate("document.activeElement.blur()")
    return np.abs(taken[0] - taken[1]).max() > 60


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 800)])
@pytest.mark.parametrize("language", every_page.LANGUAGES)
def test_tab_reaches_every_control_of_a_map_and_shows_where_it_is(visit, pages, language, width, height):
    page = visit(pages[language]["map meal_point"], width=width, height=height).page
    stops = walk(page)
    reached = " | ".join(stop["is"] for stop in stops)
    for wanted in [*EVERYWHERE, "cgis-facility", "cgis-site"]:
        assert wanted in reached
    first_facility = next(i for i, stop in enumerate(stops) if "cgis-facility" in stop["is"])
    assert all("leaflet-marker-icon" in stop["is"] for stop in stops[first_facility:])  # controls come before them
    assert ("leaflet-control-layers-selector" if width > 700 else "leaflet-control-layers-toggle") in reached
    assert [stop for stop in stops if stop["outline"] < 2] == []
    assert [
        stop for stop in stops if not stop["name"].strip() and "input" not in stop["is"] and "select" not in stop["is"]
    ] == []


@pytest.mark.parametrize("name", ["map overview", "map indicators", "map data_quality", "map delivery", "map plans"])
def test_tab_reaches_the_controls_of_the_other_maps(visit, pages, name):
    stops = walk(visit(pages["zh"][name]).page)
    reached = " | ".join(stop["is"] for stop in stops)
    wanted = [stop for stop in EVERYWHERE if stop != "select" or name != "map data_quality"]  # which has one view
    assert [stop for stop in wanted if stop not in reached] == []
    assert [stop for stop in stops if stop["outline"] < 2] == []


def test_sliders_are_reached_moved_and_seen(visit, pages):
    words, page = Words("zh"), visit(pages["zh"]["map meal_point"]).page
    page.focus(".cgis-choice select")
    page.select_option(".cgis-choice select", label=words("map.swipe", proposal="新增助餐点"))
    page.locator(".leaflet-control-layers label", has_text="分两年").locator("input").press(" ")
    for slider in (".cgis-swipe input", ".cgis-years input"):
        before = page.input_value(slider)
        stop = next(stop for stop in walk(page) if "range" in stop["is"] and stop["box"] == box(page, slider))
        page.focus(slider)
        page.keyboard.press("ArrowLeft")
        assert page.input_value(slider) != before
        assert is_seen(page, stop)


def box(page, selector):
    return list(page.locator(selector).bounding_box().values())


def test_a_layer_is_switched_a_place_found_and_its_card_closed_without_a_mouse(visit, pages):
    page = visit(pages["zh"]["map meal_point"], width=390, height=800).page
    page.focus(".leaflet-control-layers-toggle")
    page.keyboard.press("Enter")
    page.wait_for_selector(".leaflet-control-layers-expanded")
    page.keyboard.press("Tab")
    box_of = "document.activeElement.closest('label').textContent.trim()"
    assert page.evaluate("document.activeElement.type") == "checkbox"
    layer, was = page.evaluate(box_of), page.evaluate("document.activeElement.checked")
    page.keyboard.press(" ")
    assert page.evaluate(box_of) == layer
    assert page.evaluate("document.activeElement.checked") != was
    page.focus(".cgis-search input")
    page.keyboard.type("敬老")
    page.keyboard.press("Enter")
    assert page.locator(".leaflet-popup .cgis-card").count() == 0  # no facility of another service is on this map
    page.fill(".cgis-search input", "助餐")
    page.keyboard.press("Enter")
    assert "助餐点" in page.inner_text(".leaflet-popup strong")
    page.keyboard.press("Escape")
    page.wait_for_selector(".leaflet-popup", state="detached")


@pytest.mark.parametrize("name", ["report", "compare", "sheets"])
def test_links_and_folds_of_the_documents_are_reached(visit, pages, name):
    page = visit(pages["zh"][name], ready="body").page
    stops = walk(page, most=15)
    assert len(stops) >= 2
    assert any("a" in stop["is"].split() for stop in stops)
    assert [stop for stop in stops if stop["outline"] < 2 and "iframe" not in stop["is"]] == []
