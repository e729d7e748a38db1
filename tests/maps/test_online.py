"""Online base maps: off until switched on, refused where their datum is not ours, no loss where there is no network."""

import base64
import dataclasses
import re
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect
from pydantic import ValidationError

from chongming_gis import config, maps
from chongming_gis.wording import Words

SITE = "https://maps.example/overview.html"
TILE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
KEY = "0123456789abcdef"


def offering(result, *online, key=KEY):
    asked = config.MapsConfig(online=online, tianditu_key=key)
    study = result.study.model_copy(update={"maps": asked})
    return maps.overview(dataclasses.replace(result, study=study))


@pytest.mark.parametrize("name", ["amap", "gaode_road", "Tencent", "高德地图", "baidu", "google_cn"])
def test_maps_drawn_in_a_shifted_datum_are_refused_with_the_reason(name):
    with pytest.raises(ValidationError, match=r"GCJ-02 or BD-09.*beside its place; use osm"):
        config.MapsConfig(online=[name])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"online": ["tianditu"]}, "tianditu needs tianditu_key"),
        ({"online": ["osm", "osm"]}, "the id 'osm' is given twice"),
        ({"online": ["bing"]}, "should be 'osm', 'tianditu' or 'tianditu_imagery'"),
        ({"tianditu_key": 'x"><script>'}, "should match pattern"),
    ],
)
def test_what_cannot_be_offered_is_told(content, fault):
    with pytest.raises(ValidationError, match=re.escape(fault)):
        config.MapsConfig(**content)


def test_a_page_may_load_images_of_the_maps_it_offers_and_of_no_other_host(toy_result):
    policies = [
        re.search(r'Content-Security-Policy" content="([^"]+)"', offering(toy_result, *names).page.render()).group(1)
        for names in ((), ("osm",), ("osm", "tianditu", "tianditu_imagery"))
    ]
    assert ["http" in policy for policy in policies] == [False, True, True]
    assert "img-src data: blob: https://tile.openstreetmap.org; font-src" in policies[1]
    assert "img-src data: blob: https://tile.openstreetmap.org https://*.tianditu.gov.cn; font-src" in policies[2]


def test_the_report_offers_none(toy_result):
    sheets = dict(maps.all_maps(toy_result, standards="headline"))
    assert "tile.openstreetmap.org" not in sheets["overview"].page.render()
    assert "tile.openstreetmap.org" in dict(maps.every_map(maps.prepare(toy_result, "zh")))["overview"].page.render()


@contextmanager
def served(chromium, html, *, answers):
    """The page as a web site would give it, the names of what else it asked, and its complaints."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    asked, complaints = [], []

    def answer(route):
        if route.request.url == SITE:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        else:
            asked.append(route.request)
            route.fulfill(body=TILE, content_type="image/png") if answers else route.abort()

    context.route("**/*", answer)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(SITE)
    page.wait_for_selector(".leaflet-map-pane", state="attached")
    try:
        yield page, asked
    finally:
        context.close()
    assert complaints == []


def switch(page, name):
    page.locator(".leaflet-control-layers label", has_text=Words("zh")(f"online.{name}")).locator("input").click()


@pytest.mark.browser
def test_nothing_is_asked_before_a_map_is_switched_on_and_then_its_tiles_and_credit_are_shown(chromium, toy_result):
    html = offering(toy_result, "osm").page.render()
    with served(chromium, html, answers=True) as (page, asked):
        page.wait_for_timeout(300)
        assert asked == []
        switch(page, "osm")
        page.wait_for_function("document.querySelectorAll('.leaflet-online-pane img.leaflet-tile-loaded').length > 3")
        assert {re.sub(r"/\d+/\d+/\d+\.png$", "", request.url) for request in asked} == {
            "https://tile.openstreetmap.org"
        }
        assert asked[0].all_headers()["referer"] == "https://maps.example/"
        assert "OpenStreetMap" in page.inner_text(".leaflet-control-attribution a[href*='copyright']")
        expect(page.locator(".cgis-legend")).to_contain_text(Words("zh")("online.osm"))
        under, ground, roads = page.evaluate(
            "['online', 'ground', 'roads'].map(n => +document.querySelector(`.leaflet-${n}-pane`).style.zIndex)"
        )
        assert ground < under < roads
        switch(page, "osm")
        expect(page.locator(".leaflet-control-attribution")).not_to_contain_text("copyright")
        assert page.locator(".leaflet-online-pane img").count() == 0


@pytest.mark.browser
def test_tianditu_is_asked_with_the_key_for_ground_and_names(chromium, toy_result):
    html = offering(toy_result, "tianditu").page.render()
    with served(chromium, html, answers=True) as (page, asked):
        switch(page, "tianditu")
        page.wait_for_function("document.querySelectorAll('.leaflet-online-pane img.leaflet-tile-loaded').length > 3")
        assert {re.search(r"t[0-7]\.tianditu\.gov\.cn/(\w+)/wmts\?", request.url).group(1) for request in asked} == {
            "vec_w",
            "cva_w",
        }
        assert all(request.url.endswith(f"&tk={KEY}") for request in asked)
        expect(page.locator(".cgis-legend")).to_contain_text("CGCS2000")
        expect(page.locator(".leaflet-control-attribution")).to_contain_text("天地图")


@pytest.mark.browser
@pytest.mark.parametrize("name", ["osm", "tianditu_imagery"])
def test_without_a_network_the_drawn_base_stays_and_the_legend_says_so(chromium, toy_result, name):
    html = offering(toy_result, name).page.render()
    with served(chromium, html, answers=False) as (page, asked):
        switch(page, name)
        expect(page.locator(".cgis-legend")).to_contain_text(Words("zh")("js.online.missing"))
        assert asked
        painted = (
            "[...document.querySelectorAll('.leaflet-ground-pane canvas')].some(c => c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data.some(Boolean))"
        )
        assert page.evaluate(painted)
        page.select_option(".cgis-choice select", index=1)
        assert page.text_content(".cgis-standard") == "小汽车 30 分钟"


@pytest.mark.browser
def test_a_page_opened_as_a_file_does_not_ask_openstreetmap_which_would_refuse_it(visit, toy_result):
    page = visit(offering(toy_result, "osm").page.render())  # fails at its end if anything is asked
    switch(page.page, "osm")
    expect(page.page.locator(".cgis-legend")).to_contain_text(Words("zh")("js.online.needs_site"))
