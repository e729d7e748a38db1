"""Layers of a result on a folium.Map of somebody's own."""

import dataclasses

import folium
import pytest

from chongming_gis import maps
from chongming_gis.errors import StudyError
from chongming_gis.maps.vendored import tag
from tests.maps.measured_toy import with_areas
from tests.toy.proposed import with_proposals


@pytest.fixture(scope="module")
def rich(toy_result):
    return with_areas(with_proposals(toy_result))


def layers_of(material):
    return [
        maps.townships_layer(material, "meal_point"),
        maps.roads_layer(material),
        maps.people_layer(material, "meal_point", standard_id="walk_15"),
        maps.uncovered_layer(material, "meal_point"),
        maps.facilities_layer(material, "meal_point"),
        maps.gaps_layer(material, "meal_point"),
        maps.sites_layer(material, "more"),
    ]


@pytest.mark.browser
def test_all_layers_draw_on_a_plain_folium_map_and_open_their_cards(visit, rich):
    """folium's links to Leaflet are answered by the copy here: the test has no network."""
    own = folium.Map(location=[31.62, 121.23], zoom_start=12, tiles=None)
    for layer in layers_of(maps.prepare(rich, "zh")):
        layer.add_to(own)
    own.add_child(maps.legend())
    folium.LayerControl().add_to(own)
    figure = own.get_root()
    figure.render()
    for name in [name for name, child in figure.header._children.items() if type(child).__name__.endswith("Link")]:
        del figure.header._children[name]
    body = figure.render().replace(
        "<head>", "<head>" + tag("leaflet-1.9.4/leaflet.js") + tag("leaflet-1.9.4/leaflet.css"), 1
    )
    while '<script src="http' in body or '<link rel="stylesheet" href="http' in body:
        start = min(
            i for i in (body.find('<script src="http'), body.find('<link rel="stylesheet" href="http')) if i >= 0
        )
        end = body.index("</script>", start) + 9 if body[start:].startswith("<script") else body.index("/>", start) + 2
        body = body[:start] + body[end:]
    page = visit(body)
    assert page.evaluate("document.querySelectorAll('.cgis-facility').length") == 2
    assert page.evaluate("document.querySelectorAll('.cgis-site').length") == 1
    name = page.evaluate("document.querySelector('.folium-map').id")
    at = rich.demand.points.to_crs("EPSG:4326").geometry.iloc[1]
    x, y = page.evaluate(f"Object.values({name}.latLngToContainerPoint([{at.y}, {at.x}]))")
    page.page.mouse.click(x, y)
    page.page.wait_for_selector(".leaflet-popup .cgis-card")
    assert "电动自行车" in page.text(".leaflet-popup") or "步行" in page.text(".leaflet-popup")
    assert page.page.query_selector(".cgis-legend") is not None


def test_layers_also_go_on_our_own_map(rich):
    sheet = maps.coverage(rich, "meal_point")
    maps.facilities_layer(rich, "care_home").add_to(sheet)
    assert 'id="data-facilities-care_home"' in sheet.page.render()


def test_what_is_not_there_is_named(toy_result, rich):
    with pytest.raises(StudyError, match="no service 'bus'"):
        maps.people_layer(toy_result, "bus")
    with pytest.raises(StudyError, match="no standard 'fast'; it has draft_2024, walk_15"):
        maps.people_layer(toy_result, "meal_point", standard_id="fast")
    with pytest.raises(StudyError, match="no gaps of care_home"):
        maps.gaps_layer(rich, "care_home")
    with pytest.raises(StudyError, match="no sites of a proposal 'less'; it has more"):
        maps.sites_layer(rich, "less")
    bare = dataclasses.replace(
        toy_result, roads_drawn=toy_result.roads_drawn.iloc[:0], townships=toy_result.townships.iloc[:0]
    )
    with pytest.raises(StudyError, match="no roads"):
        maps.roads_layer(bare)
    with pytest.raises(StudyError, match="no townships"):
        maps.townships_layer(bare, "meal_point")


def test_a_result_shows_its_tables_in_a_notebook(toy_result):
    shown = toy_result._repr_html_()
    assert "玩具镇 &lt;b&gt;&amp;&lt;/b&gt;" in shown
    assert "<b>" not in shown
    assert f"<td>access</td><td style='text-align:right'>{len(toy_result.access):,}</td>" in shown
    assert len(shown) < 20_000
