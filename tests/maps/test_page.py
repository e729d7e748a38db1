import re
from html.parser import HTMLParser

import folium
import pytest
from folium.plugins import MarkerCluster

from chongming_gis import maps
from chongming_gis.maps.page import OnlineLoadError, PlanMap, plain, safe_json

BOUNDS = ((31.0, 121.0), (32.0, 122.0))


@pytest.fixture
def blank() -> PlanMap:
    return PlanMap(title="a <b> & {{ 7 * 7 }}", language="zh", bounds=BOUNDS)


class Nesting(HTMLParser):
    """Raises where an element is closed that is not the one open."""

    VOID = ("meta", "link", "br", "img", "input", "hr")

    def __init__(self):
        super().__init__()
        self.open = []
        self.ids = []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_json_in_a_script_is_only_ever_data():
    text = safe_json({"a": "</script><!--\u2028\u2029", "b": 1.5})
    assert "<" not in text
    assert "\u2028" not in text
    with pytest.raises(ValueError, match="not JSON compliant"):
        safe_json(float("nan"))


def test_plain_text_stays_text_for_html_and_for_templates():
    shown = plain("<b>{{ 7*7 }}{% raw %}//x")
    assert not set("<>{}/") & set(shown)


def test_page_is_whole_and_its_title_is_text(blank):
    html = blank.get_root().render()
    assert html.startswith('<!DOCTYPE html>\n<html lang="zh-CN">')
    assert "<title>a &lt;b&gt; &amp; {{ 7 * 7 }}</title>" in html
    reader = Nesting()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))


def test_nothing_is_loaded_from_elsewhere_even_by_the_browsers_leave(blank):
    html = blank.get_root().render()
    assert re.search(
        r'http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;|default-src \'none\'', html
    )
    assert not re.search(r"<(script|img|iframe)[^>]+src=|<link|@import", html.replace(folium_leaflet(), ""))


def folium_leaflet() -> str:
    from chongming_gis.maps import vendored

    return vendored.tags("leaflet")


def test_save_and_notebook_give_the_same_page(blank, tmp_path):
    html = blank.get_root().render()
    blank.save(tmp_path / "m.html")
    assert (tmp_path / "m.html").read_text(encoding="utf-8") == html
    notebook = blank._repr_html_()
    assert "srcdoc=" in notebook
    assert "cdn" not in notebook


def test_rendering_twice_gives_the_same_bytes(toy_result):
    first = maps.coverage(toy_result, "meal_point")
    html = first.get_root().render()
    assert first.get_root().render() == html
    assert maps.coverage(toy_result, "meal_point").get_root().render() == html


def test_elements_of_others_get_stable_ids_too():
    def page() -> str:
        sheet = PlanMap(title="t", language="en", bounds=BOUNDS)
        group = folium.FeatureGroup(name="mine").add_to(sheet)
        folium.Marker([31.5, 121.5], popup="<i>hello</i>", tooltip="tip").add_to(group)
        folium.LayerControl().add_to(sheet)
        return sheet.get_root().render()

    html = page()
    assert html == page()
    assert not re.search(r"_[0-9a-f]{32}", html)


def test_popups_and_icons_bring_what_they_need_and_other_pages_do_not_carry_it(blank):
    assert "jQuery" not in blank.get_root().render()
    folium.Marker([31.5, 121.5], popup="hello", icon=folium.Icon(icon="home", prefix="fa")).add_to(blank)
    html = blank.get_root().render()
    assert "jQuery" in html
    assert "AwesomeMarkers" in html
    assert "Font Awesome 6 Free" in html


def test_parts_joined_are_the_page(toy_result):
    sheet = maps.overview(toy_result)
    parts = sheet.page.parts()
    assert len(parts) > 10
    assert "".join(parts) == sheet.page.render()


def test_maps_of_one_result_share_their_base(toy_result):
    parts = [set(sheet.page.parts()) for _, sheet in maps.all_maps(toy_result)]
    shared = set.intersection(*parts)
    for key in ("roads", "demand", "ground", "townships"):
        assert any(f'id="data-{key}"' in part for part in shared)


@pytest.mark.parametrize(
    "element",
    [
        folium.TileLayer("OpenStreetMap"),
        folium.raster_layers.ImageOverlay("https://example.org/a.png", bounds=[[31, 121], [32, 122]]),
        MarkerCluster(),
        folium.Marker([31, 121], popup=folium.Popup('<img src="https://example.org/a.png">')),
    ],
)
def test_what_would_load_from_a_network_is_refused(blank, element):
    element.add_to(blank)
    with pytest.raises(OnlineLoadError, match=r"without a network|without one"):
        blank.get_root().render()


def test_a_link_to_follow_is_allowed(blank):
    folium.Marker([31, 121], popup=folium.Popup('<a href="https://example.org/">read on</a>')).add_to(blank)
    assert "https://example.org/" in blank.get_root().render()
