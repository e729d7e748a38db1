"""Where names are written: all townships of Chongming on a desk, what fits on a telephone, all when one zooms in."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from chongming_gis import maps

TOWNSHIPS = Path(__file__).resolve().parents[2] / "data" / "boundaries" / "townships.parquet"
WRITTEN = "(() => { let found = []; %s.eachLayer((l) => { if (l.written) { found = l.written; } }); return found; })()"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chongming(toy_result):
    """The toy town's result over the 18 townships that are shipped, each with a share."""
    areas = gpd.read_parquet(TOWNSHIPS).to_crs(toy_result.townships.crs)
    areas = areas[["township_code", "name_zh", "name_en", "geometry"]]
    town = toy_result.coverage["scope"] == "township"
    one = toy_result.coverage[town & (toy_result.coverage["scope_code"] == "101")]
    rows = [one.assign(scope_code=code) for code in areas["township_code"]]
    coverage = pd.concat([toy_result.coverage[~town], *rows], ignore_index=True)
    empty = {"villages": toy_result.villages.iloc[:0], "land": toy_result.land.iloc[:0]}
    return replace(toy_result, townships=areas, coverage=coverage, **empty)


def names_on(page):
    """What is written on the open map, and the map's name on the page."""
    name = page.evaluate("document.querySelector('.folium-map').id")
    return page.evaluate(WRITTEN % name), name


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("service", ["overview", "meal_point"])
def test_all_18_townships_are_named_with_their_share_on_a_desk(visit, chongming, language, service):
    sheets = dict(maps.all_maps(chongming, language=language))
    written, _ = names_on(visit(sheets[service].page.render(), width=1280, height=800))
    column = "name_zh" if language == "zh" else "name_en"
    assert {entry["name"] for entry in written} == set(chongming.townships[column])
    assert all(entry["isFull"] for entry in written)
    boxes = [entry["box"] for entry in written]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[0] >= b[2] or a[2] <= b[0] or a[1] >= b[3] or a[3] <= b[1]
    if language == "zh":
        assert sum(entry["hasMoved"] for entry in written) <= 3  # most stand where they belong


def test_most_are_named_on_a_telephone_and_every_one_when_one_zooms_in(visit, chongming):
    page = visit(maps.overview(chongming).page.render(), width=390, height=844)
    written, name = names_on(page)
    assert len(written) >= 12
    middles = chongming.townships.to_crs("EPSG:4326").representative_point()
    for town, at in zip(chongming.townships["name_zh"], middles, strict=True):
        page.evaluate(f"{name}.setView([{at.y}, {at.x}], 12, {{animate: false}}) && null")
        here = {entry["name"]: entry for entry in names_on(page)[0]}
        assert here[town]["isFull"]
        assert not here[town]["hasMoved"]


def place(visit, chongming, labels: str, taken: str = "[]", cost: str = "() => 0"):
    page = visit(maps.overview(chongming).page.render())
    return page.evaluate(f"cgis.placeLabels({labels}, {taken}, true, {cost})")


def test_a_label_without_neighbours_stays_where_it_is(visit, chongming):
    (found,) = place(visit, chongming, "[{x: 100, y: 100, sizes: [[40, 30]]}]")
    assert (found["dx"], found["dy"], found["form"], found["box"]) == (0, 0, 0, [80, 85, 120, 115])


def test_of_two_in_one_place_the_second_moves_as_little_as_it_must(visit, chongming):
    """Labels of 40 x 30 side by side: 30 down is nearer than 40 aside; moves come in steps of 8 pixels."""
    labels = "[{x: 100, y: 100, sizes: [[40, 30]]}, {x: 100, y: 100, sizes: [[40, 30]]}]"
    first, second = place(visit, chongming, labels)
    assert (first["dx"], first["dy"]) == (0, 0)
    assert abs(second["dy"]) in {30, 32}
    assert second["dx"] == 0


def test_where_there_is_room_for_the_name_only_the_share_goes(visit, chongming):
    """A wall all around leaves a hole of 60 x 20 pixels: the full label of 40 x 30 does not fit, 40 x 15 does."""
    wall = "[[-900, -900, 70, 900], [130, -900, 900, 900], [70, -900, 130, 90], [70, 110, 130, 900]]"
    labels = "[{x: 100, y: 100, sizes: [[40, 30], [40, 15]]}, {x: 100, y: 100, sizes: [[40, 30], [40, 15]]}]"
    first, second = place(visit, chongming, labels, wall)
    assert first["form"] == 1
    assert second is None


def test_a_place_in_another_area_is_taken_last(visit, chongming):
    """Down costs 70 pixels more: the label goes up."""
    labels = "[{x: 100, y: 100, sizes: [[40, 30]]}, {x: 100, y: 100, sizes: [[40, 30]]}]"
    _, second = place(visit, chongming, labels, cost="(label, x, y) => (y > 100 ? 70 : 0)")
    assert second["dy"] < 0
