"""compare.html of the toy town: a canteen closes, another opens; what is said is what the tables say."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from chongming_gis import compare, maps, tables
from chongming_gis.maps import comparison as comparison_maps
from chongming_gis.reports import comparison
from chongming_gis.wording import Words


@pytest.fixture
def found(toy_result):
    """F1 closes and d1 (20 people) is lost; F9 opens and d2 (30) is gained; F3 has 90 beds instead of 80."""
    rows = np.flatnonzero(
        (toy_result.access["service"] == "meal_point")
        & (toy_result.access["standard"] == "draft_2024")
        & (toy_result.access["serves_rule"] == "applied")
    )
    covered, facility = (toy_result.access[name].to_numpy(object).copy() for name in ("covered", "facility_id"))
    covered[rows[1]], facility[rows[1]] = False, "F2"
    covered[rows[2]], facility[rows[2]] = True, "F9"
    access = toy_result.access.assign(covered=covered.astype(bool), facility_id=pd.Series(facility, dtype="str"))
    places = toy_result.facilities.places
    extra = places.iloc[[0]].assign(facility_id="F9", name_zh="新食堂 <b>")
    kept = pd.concat([places[places["facility_id"] != "F1"], extra], ignore_index=True)
    capacity = toy_result.facilities.capacity.assign(value=[120.0, 90.0]).iloc[1:].reset_index(drop=True)
    coverage = toy_result.coverage.copy()
    is_meal = (coverage["service"] == "meal_point") & (coverage["standard"] == "draft_2024")
    is_meal &= (coverage["serves_rule"] == "applied") & (coverage["group"] == "a60_plus")
    for scope, code, persons in (("district", "toy", 65.0), ("township", "101", 60.0)):
        at = is_meal & (coverage["scope"] == scope) & (coverage["scope_code"] == code)
        coverage.loc[at, ["persons_covered", "share_covered"]] = [40.0, 40.0 / persons]
    after = dataclasses.replace(
        toy_result, access=access, coverage=coverage, facilities=tables.Facilities(places=kept, capacity=capacity)
    )
    return compare.compare_results(toy_result, after)


def section(report, name):
    return next(entry for entry in report.sections if entry.id == name)


def shown(block):
    return [[cell.shown for cell in row] for row in block.rows]


def test_the_summary_names_who_gained_and_who_lost_and_why(found):
    summary = section(comparison.build_content(found, Words("en")), "summary")
    assert summary.blocks[0].text == "2 of 2 services changed:"
    assert summary.blocks[1].items[0] == (
        "Meal points: 46.2% covered before, 61.5% after (+15.4 points); 30 people gained it (new site: 30); "
        "20 people lost it (site closed: 20)"
    )
    chinese = section(comparison.build_content(found, Words("zh")), "summary").blocks[1].items[0]
    assert "新达标 30 人（新设施 30 人）；不再达标 20 人（设施关闭 20 人）" in chinese


def test_tables_by_service_township_village_and_facility(found):
    report = comparison.build_content(found, Words("en"))
    by_service = shown(section(report, "coverage").blocks[0])
    assert by_service[0][1:] == [
        "46.2%",
        "61.5%",
        "+15.4",
        "+10",
        "30",
        "20",
        "gained: new site: 30; lost: site closed: 20",
    ]
    (township,) = shown(section(report, "townships").blocks[0])
    assert township[2:] == ["50.0%", "66.7%", "+16.7", "+10"]
    people = shown(section(report, "people").blocks[0])
    assert [row[3:] for row in people] == [["gained", "new site", "30"], ["lost", "site closed", "20"]]
    facilities = shown(section(report, "facilities").blocks[0])
    assert [row[3:] for row in facilities] == [["capacity changed", "床: 80 -> 90"], ["closed", ""], ["new", ""]]


def test_of_the_same_result_twice_there_is_no_map_and_one_sentence(toy_result):
    same = compare.compare_results(toy_result, toy_result)
    report = comparison.build_content(same, Words("en"))
    assert [entry.id for entry in report.sections] == ["summary", "coverage", "inputs"]
    assert "do not differ" in report.sections[0].blocks[0].text
    assert comparison_maps.comparison_map(same, maps.prepare(toy_result, "en")) is None


def test_what_differs_between_the_studies_is_listed(toy_result):
    content = toy_result.study.model_dump(mode="json", exclude_none=True)
    content["services"][0]["standards"][0]["limits"][0]["minutes"] = 20
    content["modes"][0]["speed_kmh"] = 4.0
    content["data_date"] = "2025-12-31"
    content["services"][1]["name_en"] = "Homes"
    study = type(toy_result.study).model_validate({**content, "folder": toy_result.study.folder})
    changed = compare.compare_results(toy_result, dataclasses.replace(toy_result, study=study))
    (bullets,) = section(comparison.build_content(changed, Words("en")), "inputs").blocks
    rest = "village: e-bike 15 min"
    assert bullets.items == (
        "data date: 2024-12-31 → 2025-12-31",
        "the way of travelling “walking” is set otherwise",
        f"Meal points · 2024 draft: town: walking 15 min; {rest} → town: walking 20 min; {rest}",
    )


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_map_shows_who_gained_with_the_cause_on_the_card(found, visit, language):
    """d2 stands 300 m from nothing else: its card says gained, by a new site, and the time before."""
    words = Words(language)
    sheet = comparison_maps.comparison_map(found, maps.prepare(found.after, language))
    page = visit(sheet.page.render())
    legend = page.evaluate("document.querySelector('.cgis-legend').textContent")
    assert words("compare.class.gained", cause=words("compare.cause.new_site")) in legend
    assert words("compare.class.lost", cause=words("compare.cause.closed")) in legend
    assert words("js.status.gone") in legend
    place = found.after.demand.points.to_crs("EPSG:4326").geometry.iloc[2]
    name = page.evaluate("document.querySelector('.folium-map').id")
    at = page.evaluate(f"Object.values({name}.latLngToContainerPoint([{place.y}, {place.x}]))")
    page.page.mouse.click(*at)
    page.page.wait_for_selector(".leaflet-popup .cgis-card")
    card = page.text(".leaflet-popup .cgis-card")
    assert words("compare.class.gained", cause=words("compare.cause.new_site")) in card
    assert words("compare.time_before") in card
    assert "25.0" in card  # 1,500 s
    shares = page.text(".cgis-figure")
    assert "46.2% → 61.5%" in shares


def test_the_page_is_whole_and_asks_no_network(found):
    page = comparison.render_comparison(found, "zh")
    assert page.count("<main>") == 1
    assert "新食堂 &lt;b&gt;" in page
    assert "新食堂 <b>" not in page.replace("\\u003cb>", "")
