"""Every page as a reader has it, in both languages, wide and narrow: it validates, and all of it can be told apart."""

import pytest

from tests.pages import every_page
from tests.pages.contrast import contrast, faint_signs, faint_texts
from tests.pages.html_faults import faults

pytestmark = pytest.mark.browser

SIZES = {"wide": (1280, 900), "narrow": (390, 800)}
FADE_MS = 300  # a card fades in
OPEN_ALL = "document.querySelectorAll('details').forEach((part) => { part.open = true; })"


@pytest.fixture(scope="module")
def pages(toy, toy_result):
    return {language: every_page.pages(toy, toy_result, language) for language in every_page.LANGUAGES}


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("language", every_page.LANGUAGES)
@pytest.mark.parametrize("name", every_page.NAMES)
def test_a_drawn_page_validates_and_its_texts_and_signs_stand_out(visit, pages, name, language, size):
    width, height = SIZES[size]
    page = visit(pages[language][name], width=width, height=height, ready="body").page
    is_map = name.startswith("map ") and name != "map empty"
    if is_map:
        page.press(".is-print", "Enter")
        page.press(".is-measure", "Enter")
    page.evaluate(OPEN_ALL)
    page.wait_for_timeout(50)  # the panels are laid out anew
    assert faint_texts(page) == []
    assert faint_signs(page) == []
    if is_map:
        page.press(".is-measure", "Enter")
        page.fill(".cgis-search input", "b")
        assert page.locator(".cgis-found li").count()
        assert faint_texts(page) == []
        page.keyboard.press("Enter")
        page.wait_for_selector(".leaflet-popup .cgis-card")
        page.wait_for_timeout(FADE_MS)
        assert faint_texts(page) == []
    assert faults(page.content()) == []


def test_every_colour_of_people_and_places_stands_out_from_the_land_or_has_an_edge_that_does(visit, pages):
    """Light classes have an edge of their own hue on the map as in the legend."""
    page = visit(pages["zh"]["map meal_point"])
    land = [246, 243, 234]
    for fill in ("#8fcbd6", "#5aa9cf", "#f28e2b", "#f1a340", "#b5abd0", "#bccad3", "#56b4e9", "#ffffff", "#ffff00"):
        edge = page.evaluate(f"cgis.edge('{fill}')")
        assert contrast([int(edge[at : at + 2], 16) for at in (1, 3, 5)], land) >= 3.0
    assert page.evaluate("cgis.edge('#08457e')") == "#ffffff"


def test_faint_texts_and_signs_are_found(visit, toy_result, pages):
    page = visit(pages["zh"]["map care_home"])
    page.page.add_style_tag(
        content=".cgis-study { color: #b0b8bc !important; }"
        ".cgis-key path { fill: #eee !important; stroke: #ddd !important; }"
    )
    assert any("玩具镇" in said for said in faint_texts(page.page))
    assert faint_signs(page.page)
