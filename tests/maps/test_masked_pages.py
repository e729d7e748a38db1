"""No page and no report tells fewer than five of a sensitive group at one place, unless it is for internal use."""

import dataclasses
import json
import re

import pytest

from chongming_gis import maps
from chongming_gis.reports import document
from chongming_gis.wording import Words
from tests.maps.measured_toy import with_areas
from tests.maps.test_packing import unpack
from tests.maps.themed_toy import with_sensitive

COUNTS = [1.0, 2.5, 3.0, 0.5, 6.0]  # of 80 and over at d0 ... d4


def data_of(html):
    found = re.findall(r'<script type="application/json" id="data-([^"]+)">(.*?)</script>', html, flags=re.DOTALL)
    return {key: json.loads(text) for key, text in found}


@pytest.fixture(scope="module")
def result(toy_result):
    persons = toy_result.demand.persons.assign(**{"resident:a80_plus": COUNTS})
    demand = dataclasses.replace(toy_result.demand, persons=persons)
    return with_areas(dataclasses.replace(toy_result, demand=demand))


@pytest.fixture(scope="module")
def masked(result):
    return with_sensitive(result, "a80_plus")


def test_the_page_source_holds_no_small_number(masked):
    data = data_of(maps.coverage(masked, "care_home").page.render())
    counts = data["persons-resident-a80_plus"]
    assert unpack(counts["tenths"]) == [1, 1, 1, 1, 60]
    assert counts["hidden"] == 2.5  # of four places the mean would tell too much


def test_other_groups_stand_as_they_are(masked):
    counts = data_of(maps.coverage(masked, "meal_point").page.render())["persons-resident-a60_plus"]
    assert unpack(counts["tenths"]) == [100, 200, 300, 50, 0]
    assert "hidden" not in counts


def test_for_internal_use_everything_stands(result):
    open_result = with_sensitive(result, "a80_plus", internal=True)
    data = data_of(maps.coverage(open_result, "care_home").page.render())
    assert unpack(data["persons-resident-a80_plus"]["tenths"]) == [10, 25, 30, 5, 60]
    assert data["title"]["masked"] == ""
    assert "3" in data_of(maps.coverage(open_result, "meal_point").page.render())["gaps-meal_point"]["values"][0]


def test_gaps_tell_no_small_number_of_a_sensitive_group(masked):
    gaps = data_of(maps.coverage(masked, "meal_point").page.render())["gaps-meal_point"]
    of_oldest = gaps["labels"].index("其中80岁及以上") if "其中80岁及以上" in gaps["labels"] else -1
    assert gaps["values"][0][of_oldest] == "<5"
    assert gaps["values"][1][of_oldest] == "<5"


def test_the_report_tells_none_either(masked, result, tmp_path):
    def gap_cells(made, folder):
        folder.mkdir()
        document.write_report(made, folder, language="zh")
        text = (folder / "report.html").read_text(encoding="utf-8")
        rows = re.findall(r"<tr>.*?甲 一带.*?</tr>", text, flags=re.DOTALL)
        return [
            re.sub(r"<[^>]+>", "", cell) for row in rows for cell in re.findall(r"<td.*?</td>", row, flags=re.DOTALL)
        ]

    assert "&lt;5" in gap_cells(masked, tmp_path / "shared")
    told = gap_cells(with_sensitive(result, "a80_plus", internal=True), tmp_path / "own")
    assert "&lt;5" not in told
    assert "3" in told


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_cards_say_fewer_than_five_and_the_page_says_so(visit, masked, language):
    page = visit(maps.coverage(masked, "care_home", language=language).page.render())
    assert Words(language)("discretion.note") in page.text(".cgis-title")
    name = page.evaluate("document.querySelector('.folium-map').id")
    at = masked.demand.points.to_crs("EPSG:4326").geometry
    for i, told in ((1, "<5"), (4, "6")):
        x, y = page.evaluate(f"Object.values({name}.latLngToContainerPoint([{at.iloc[i].y}, {at.iloc[i].x}]))")
        page.page.mouse.click(x, y)
        page.page.wait_for_selector(".leaflet-popup .cgis-card")
        assert told in page.evaluate("[...document.querySelectorAll('.leaflet-popup dd')].map(e => e.textContent)")


@pytest.mark.browser
def test_sums_over_hidden_numbers_are_called_rough(visit, masked):
    """From afar the uncovered of several places are one circle: 'about', never the exact sum."""
    page = visit(maps.overview(masked).page.render())
    page.page.select_option(".cgis-choice select", index=1)
    name = page.evaluate("document.querySelector('.folium-map').id")
    page.evaluate(f"{name}.setZoom(6, {{animate: false}})")
    card = page.evaluate(
        f"(() => {{ let found = null; {name}.eachLayer((layer) => {{ if (layer.gather) {{"
        f" const cell = layer.gather(6).cells[0];"
        f" const at = cgis.latLng(cell.x, cell.y); found = layer.hit({name}.latLngToContainerPoint(at)); }} }});"
        " return found; })()"
    )
    assert card["rows"][0][1] == "约 16"  # 6 and four times 2.5
