import json
import re
from dataclasses import replace

import folium
import geopandas as gpd
import pandas as pd
import pytest

from chongming_gis import maps
from chongming_gis.errors import OutputError, StudyError, TableError
from chongming_gis.maps.base import build_base
from chongming_gis.maps.layers import Drawn


def data_of(html: str) -> dict[str, object]:
    found = re.findall(r'<script type="application/json" id="data-([^"]+)">(.*?)</script>', html, flags=re.DOTALL)
    return {key: json.loads(text) for key, text in found}


@pytest.fixture(scope="module")
def pages(toy_result) -> dict[str, str]:
    return {name: sheet.page.render() for name, sheet in maps.all_maps(toy_result)}


def test_there_is_a_map_a_service_and_an_overview(pages):
    assert list(pages) == ["overview", "meal_point", "care_home"]


def test_an_unknown_service_is_named(toy_result):
    with pytest.raises(StudyError, match="no service 'bus'"):
        maps.coverage(toy_result, "bus")


def test_figures_on_the_map_are_those_of_the_coverage_table(pages, toy_result):
    view = data_of(pages["meal_point"])["view-meal_point-draft_2024-applied"]
    table = toy_result.coverage.query(
        "service == 'meal_point' and standard == 'draft_2024' and serves_rule == 'applied' and group == 'a60_plus'"
    )
    whole = table.query("scope == 'district'").iloc[0]
    assert view["figure"]["share"] == f"{100 * whole['share_covered']:.1f}%"
    townships = table.query("scope == 'township'").sort_values("scope_code")
    for shown, row in zip(view["areas"], townships.to_dict("records"), strict=True):
        assert shown["persons"] == f"{row['persons']:.0f}"
        assert shown["covered"] == f"{row['persons_covered']:.0f}"
    assert view["areas"][1]["shareIgnored"] == "100%"
    assert view["areas"][2] == {"persons": "0", "covered": "0", "uncovered": "0", "share": "—",
                                "unreached": "0", "value": None}  # fmt: skip
    assert view["figure"]["text"].endswith("35 人未达标，其中 5 人无法到达")


def test_a_service_map_offers_its_standards_and_the_overview_its_services(pages):
    assert [k for k in data_of(pages["meal_point"]) if k.startswith("view-")] == [
        "view-meal_point-draft_2024-applied", "view-meal_point-walk_15-applied",
        "view-meal_point-draft_2024-ignored", "view-meal_point-walk_15-ignored", "view-three-meal_point",
    ]  # fmt: skip
    assert [k for k in data_of(pages["overview"]) if k.startswith("view-")] == [
        "view-meal_point-draft_2024-applied", "view-care_home-drive_30-applied",
    ]  # fmt: skip


def test_facilities_say_level_capacity_and_what_their_data_is(pages):
    rows = data_of(pages["meal_point"])["facilities-meal_point"]["rows"][0]
    assert ["容量（份）", "120（已用 75）"] in rows
    assert ["级别", "乡镇级"] in rows
    assert ["数据性质", "示意数据 · 位置精度约 500 米"] in rows


def test_pages_say_that_they_are_internal_and_what_is_schematic(pages):
    title = data_of(pages["meal_point"])["title"]
    assert title["badge"] == "示意数据"
    assert title["attribution"][0] == "内部工作用图"
    assert "示意数据" in title["notice"]
    assert (
        title["foot"] == "内部工作用图 · 数据日期：2024-12-31 · 数据性质：公开来源 1 项、推算数据 1 项、示意数据 1 项"
    )
    plain = data_of(pages["care_home"])["title"]
    assert (plain["notice"], plain["badge"]) == ("", "")


def test_the_source_panel_says_what_the_catalogue_says(pages):
    """File, position quality, source, date and licence in the line, the kind apart; what is not known is left out."""
    told = data_of(pages["meal_point"])["title"]["sources"]
    assert told[2] == {
        "role": "老年助餐点设施",
        "kind": "示意数据",
        "isSchematic": True,
        "line": "m.csv · 位置精度约 500 米 · placed by rule · 2024 · CC0",
    }
    assert told[1] == {
        "role": "人口分布",
        "kind": "推算数据",
        "isSchematic": False,
        "line": "d.csv · census <script> · 2020",
    }


def test_zones_are_told_apart_by_what_they_are(toy_result):
    """Each kind of zone has a look of its own; one that nobody foresaw has the look of all others."""
    for kind, look in (("reserve", "reserve"), ("farmland", "farmland"), ("heritage_site", "other")):
        land = toy_result.land.assign(kind=kind)
        zones = data_of(maps.overview(replace(toy_result, land=land)).page.render())["zones"]
        assert {look for entry in zones if entry["closed"] for look in entry["looks"]} == {look}


def test_hostile_names_stand_in_the_page_as_data_only(pages, toy):
    for html in pages.values():
        for name in toy.NAMES["demand"] + toy.NAMES["township"]:
            if "<" in name:
                assert name not in html
        assert data_of(html)["demand"]["names"] == toy.NAMES["demand"]
        assert data_of(html)["townships"]["names"] == toy.NAMES["township"]
        assert data_of(html)["title"]["study"] == "玩具镇 <b>&</b>"
    assert data_of(pages["meal_point"])["facilities-meal_point"]["names"] == toy.NAMES["facility"][:2]


def test_english_pages_are_english_but_for_names_in_the_data(toy_result):
    html = maps.coverage(toy_result, "meal_point", language="en").page.render()
    assert '<html lang="en">' in html
    data = data_of(html)
    texts = [*data["texts"].values(), *data["control"].values(), data["title"]["title"], data["title"]["badge"]]
    views = [v for k, v in data.items() if k.startswith("view-")]
    texts += [
        t
        for v in views
        for t in (v["standard"], v["who"], v["figure"]["text"], *(c["label"] for c in v.get("classes", [])))
    ]
    texts += [text for entry in data["views"]["names"] for text in entry]
    texts += re.findall(r'"([^"]+)": \w+_\d{4}', html)
    assert not any(re.search(r"[\u4e00-\u9fff]", text) for text in texts)


def test_a_result_without_areas_or_roads_still_has_maps(toy_result):
    def no_rows(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return frame.iloc[:0]

    bare = replace(
        toy_result,
        townships=no_rows(toy_result.townships),
        villages=no_rows(toy_result.villages),
        land=no_rows(toy_result.land),
        roads_drawn=no_rows(toy_result.roads_drawn),
        coverage=toy_result.coverage.query("scope == 'district'"),
        manifest={},
    )
    sheets = dict(maps.all_maps(bare))
    data = data_of(sheets["meal_point"].page.render())
    assert not {"ground", "roads", "townships", "villages", "zones"} & set(data)
    assert data["view-meal_point-draft_2024-applied"]["figure"]["share"] == "46.2%"


def test_a_coverage_table_without_the_rule_lifted_is_enough(toy_result):
    only_applied = replace(toy_result, coverage=toy_result.coverage.query("serves_rule == 'applied'"))
    data = data_of(maps.coverage(only_applied, "meal_point").page.render())
    assert not any(key.endswith("-ignored") for key in data)


def test_the_report_form_of_a_map_offers_its_headline_standard_only(toy_result):
    html = dict(maps.all_maps(toy_result, standards="headline"))["meal_point"].page.render()
    assert data_of(html)["views"]["names"] == [
        ["2024 征求意见稿", ""],
        ["2024 征求意见稿", "不限服务范围（任何人可用任何设施）"],
    ]


def test_an_access_table_with_gaps_is_refused(toy_result):
    gap = replace(toy_result, access=toy_result.access.iloc[1:])
    with pytest.raises(TableError, match=r"meal_point / draft_2024 / applied has 4 row\(s\) where there are 5"):
        maps.coverage(gap, "meal_point")


def test_rows_of_the_access_table_may_stand_in_any_order(toy_result):
    shuffled = replace(toy_result, access=toy_result.access.sample(frac=1.0, random_state=1))
    assert maps.coverage(shuffled, "meal_point").page.render() == maps.coverage(toy_result, "meal_point").page.render()


def test_layers_go_on_any_folium_map(toy_result):
    base = build_base(toy_result, "zh")
    plain_map = folium.Map(location=[31.6, 121.4], tiles=None)
    Drawn("roads", {"data": base.roads}, name="roads").add_to(plain_map)
    html = plain_map.get_root().render()
    assert 'id="data-roads"' in html
    assert "cgis.roads(" in html
    assert html.index("leaflet.js") < html.index("cgis.Canvas = L.Renderer.extend")


def test_maps_are_written_as_files(toy_result, tmp_path):
    paths = maps.write_maps(toy_result, tmp_path / "maps", language="en")
    assert [path.name for path in paths] == [
        *("overview.html", "meal_point.html", "care_home.html"), *("indicators.html", "data_quality.html"),
    ]  # fmt: skip
    for path in paths:
        assert '<html lang="en">' in path.read_text(encoding="utf-8")
        assert path.stat().st_size < 400_000


def test_a_folder_that_cannot_be_written_is_named(toy_result, tmp_path):
    (tmp_path / "maps").write_text("in the way")
    with pytest.raises(OutputError, match="maps cannot be written"):
        maps.write_maps(toy_result, tmp_path / "maps")


def test_persons_missing_from_a_township_layer_do_not_break_the_map(toy_result):
    table = toy_result.coverage
    cut = replace(toy_result, coverage=pd.DataFrame(table[table["scope_code"] != "102"]))
    view = data_of(maps.coverage(cut, "meal_point").page.render())["view-meal_point-draft_2024-applied"]
    assert view["areas"][1] is None
