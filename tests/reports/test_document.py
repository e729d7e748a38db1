import json
import re
from html.parser import HTMLParser

import pytest

from chongming_gis import reports
from chongming_gis.errors import OutputError


class Reader(HTMLParser):
    """Checks nesting and gathers text, ids, links and table cells."""

    VOID = ("meta", "link", "br", "img", "input", "hr")

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.cells, self.loads = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []
        self.loads += [values["src"]] if "src" in values else []
        if tag in {"td", "th"}:
            self.cells.append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data


@pytest.fixture(scope="module")
def page(toy_result) -> str:
    return reports.render_report(toy_result)


@pytest.fixture(scope="module")
def reader(page) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def test_the_page_is_whole_html_and_every_link_leads_inside(reader, page):
    assert page.startswith("<!DOCTYPE html>")
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    assert reader.loads == []


def test_the_same_result_gives_the_same_bytes(toy_result, page):
    assert reports.render_report(toy_result) == page


def test_shared_parts_stand_in_the_file_once(page):
    assert page.count("Leaflet 1.9.4, a JS library") == 1
    assert page.count("cgis.Canvas = L.Renderer.extend") == 1
    assert page.count('id=\\"data-demand\\"') == 1


def test_the_embedded_maps_are_the_pages_of_maps(toy_result, page):
    from chongming_gis import maps

    parts = json.loads(re.search(r'id="map-parts">(.*?)</script>', page, flags=re.DOTALL).group(1))
    frames = re.findall(r'data-parts="([\d ]+)"', page)
    built = ["".join(parts[int(i)] for i in frame.split()) for frame in frames]
    assert built == [sheet.page.render() for _, sheet in maps.all_maps(toy_result, standards="headline")]


def test_names_are_text(reader, page, toy):
    for name in toy.NAMES["township"][:2]:
        assert name in reader.cells
    visible = page.split('id="map-parts">')[0]
    for name in ("<b>堡镇</b>", "census <script>", "toy <notice>"):
        assert name not in visible


def test_the_report_is_written_in_either_language(toy_result, tmp_path):
    path = reports.write_report(toy_result, tmp_path, language="en")
    text = path.read_text(encoding="utf-8")
    assert path.name == "report.html"
    assert '<html lang="en">' in text
    own = text.split('id="map-parts">')[0]
    chinese = set(re.findall(r"[\u4e00-\u9fff]+", re.sub(r"<style>.*?</style>", "", own, flags=re.DOTALL)))
    assert chinese <= {"堡镇", "庙镇", "南村", "测试"}  # names of places, and the toy's own sources


def test_a_folder_that_cannot_be_written_is_named(toy_result, tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OutputError, match="report cannot be written"):
        reports.write_report(toy_result, tmp_path / "out")


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 800)])
def test_the_report_opens_offline_and_draws_its_maps(visit, toy_result, language, width, height):
    shown = visit(reports.render_report(toy_result, language=language), width=width, height=height)
    for i in range(3):
        box = shown.page.locator(".frame").nth(i)
        box.scroll_into_view_if_needed()
        box.locator("iframe").wait_for()
        inside = box.frame_locator("iframe")
        inside.locator(".cgis-figure b").wait_for()
        assert "%" in inside.locator(".cgis-figure b").inner_text()
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.evaluate("window.pwned") is None


@pytest.mark.browser
def test_a_map_in_the_report_answers(visit, toy_result):
    shown = visit(reports.render_report(toy_result))
    box = shown.page.locator(".frame").first
    box.scroll_into_view_if_needed()
    inside = box.frame_locator("iframe")
    inside.locator(".cgis-choice select").select_option(label="养老机构")
    assert inside.locator(".cgis-standard").inner_text() == "小汽车 30 分钟"
