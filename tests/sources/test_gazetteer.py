"""Addresses placed by what a study knows itself: a toy of two townships worked by hand, and the embedded study.

The toy (metres, x east of X0, y north of Y0)::

    y 2000  +-----------------+-----------------+
            |  甲镇           |  乙镇           |
            |   富民村        |    富民村       |
            |   [0..1000]     |    [2000..3000] |
    y 1000  +---- 长路 (x 0 .. 4000, y 500) ----+     长路 runs through both; 短路 (x 1500, y 0 .. 1000) through 甲镇;
            |   东海居委会    |                 |     they meet at (1500, 500)
    y 0     +-----------------+-----------------+
            x 0             2000              4000
"""

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import CRS

from chongming_gis import config, sources, tables
from chongming_gis.errors import TableError
from chongming_gis.sources import gazetteer, placenames
from tests.toy.study import facilities, text

METRIC = CRS.from_epsg(32651)
X0, Y0 = 350_000.0, 3_500_000.0
TOWNSHIPS = {"t1": "甲镇", "t2": "乙庄镇"}
VILLAGES = {"v1": ("富民村村委会", "t1"), "v2": ("富民村村委会", "t2"), "v3": ("东海居委会", "t1")}


def box(x, y, width, height):
    return shapely.box(X0 + x, Y0 + y, X0 + x + width, Y0 + y + height)


def line(*xy):
    return shapely.LineString([(X0 + x, Y0 + y) for x, y in xy])


def toy(*, facility=None, aliases=None, **options):
    townships = gpd.GeoDataFrame(
        {"township_code": text(TOWNSHIPS), "name_zh": text(TOWNSHIPS.values())},
        geometry=[box(0, 0, 2000, 2000), box(2000, 0, 2000, 2000)],
        crs=METRIC,
    )
    villages = gpd.GeoDataFrame(
        {
            "village_code": text(VILLAGES),
            "name_zh": text(name for name, _ in VILLAGES.values()),
            "township_code": text(of for _, of in VILLAGES.values()),
        },
        geometry=[box(0, 1000, 1000, 1000), box(2000, 1000, 1000, 1000), box(0, 0, 1000, 1000)],
        crs=METRIC,
    )
    edges = gpd.GeoDataFrame(
        {
            "u": [1, 2, 3, 2],
            "v": [2, 4, 2, 5],
            "name": text(["长路", "长路", "短路", "短路"]),
            "highway": text(["residential"] * 4),
        },
        geometry=[
            line((0, 500), (1500, 500)),
            line((1500, 500), (4000, 500)),
            line((1500, 0), (1500, 500)),
            line((1500, 500), (1500, 1000)),
        ],
        crs=METRIC,
    )
    known = gazetteer.KnownPlaces(
        townships,
        villages,
        edges,
        tables.no_rows(tables.FACILITIES, METRIC) if facility is None else facility,
        **options.pop("quality", {}),
    )
    return gazetteer.build_gazetteer(known, crs=METRIC, aliases=aliases, regions=("上海", "崇明"), **options)


def asked(*addresses, **columns):
    return pd.DataFrame({"address": text(addresses), **{name: text(values) for name, values in columns.items()}})


def place(of, address=None, **columns):
    frame = pd.DataFrame({name: text([value]) for name, value in {"address": address, **columns}.items()})
    return of.locate(frame).iloc[0]


def xy(row):
    return round(row.geometry.x - X0, 3), round(row.geometry.y - Y0, 3)


def test_a_village_is_placed_in_its_middle_with_its_reach_and_the_quality_of_its_outline():
    """A square of 1 km reaches 707 m from its middle; with outlines good to 300 m, sqrt(707^2 + 300^2) = 768 m."""
    found = place(toy(quality={"villages_quality_m": 300.0}), "甲镇富民村3组")
    assert xy(found) == (500.0, 1500.0)
    assert found["position_quality_m"] == pytest.approx(np.hypot(np.sqrt(0.5) * 1000.0, 300.0))
    assert (found["village_code"], found["township_code"]) == ("v1", "t1")
    assert found["how"] == "the middle of 富民村 (甲镇)"
    assert pd.isna(found["reason"])


def test_a_number_on_a_road_is_placed_in_the_middle_of_the_road_in_its_township():
    """长路 is 2 km long in each township: its middle is 1 km from both ends there."""
    found = toy(quality={"roads_quality_m": 5.0}).locate(
        asked("甲镇长路12号", "乙庄镇长路３４号", "乙庄长路", "短路8弄5号")
    )
    assert [xy(row) for _, row in found.iterrows()] == [(1000, 500), (3000, 500), (3000, 500), (1500, 500)]
    assert found["position_quality_m"].tolist() == pytest.approx(np.hypot([1000, 1000, 1000, 500], 5.0))
    assert found["township_code"].tolist() == ["t1", "t2", "t2", "t1"]


def test_a_crossing_is_placed_on_the_junction():
    found = toy().locate(asked("甲镇长路短路路口", "长路与短路交叉口", "短路（近长路）", "短路、长路"))
    assert {xy(row) for _, row in found.iterrows()} == {(1500.0, 500.0)}
    assert found["position_quality_m"].tolist() == [50.0] * 4
    lost = place(toy(), "乙庄镇长路短路路口")
    assert lost.geometry is None
    assert lost["reason"] == "长路、短路 have no junction 乙庄镇"


def test_a_road_and_a_village_together_are_finer_than_either():
    """长路 runs through 东海 from x 0 to 1000; 300 m off the road are added to what the road is good for."""
    found = toy().locate(asked("东海居委会近长路", "东海社区长路以北300米", "甲镇富民村近长路"))
    assert [xy(row) for _, row in found.iterrows()] == [(500, 500), (500, 500), (500, 1500)]
    assert found["position_quality_m"].tolist()[:2] == pytest.approx([500.0, 800.0])


@pytest.mark.parametrize(
    "address",
    [
        "上海市崇明区甲镇富民村3组",
        "上海市崇明县甲镇富民村三队",
        "崇明甲镇富民村",
        "甲镇 富民村 12 号",
        "甲镇富民村村委会",
        "甲镇富民村村民委员会旁",
        "甲镇富民3组",
        "甲镇政府辖区内，富民村",
        "富民村（甲镇）",
    ],
)
def test_forms_of_an_address(address):
    assert place(toy(), address)["village_code"] == "v1"


@pytest.mark.parametrize("name", ["东海居委会", "东海居委", "东海社区", "东海居民委员会", "东海社区居委会"])
def test_a_neighbourhood_has_its_own_forms(name):
    assert place(toy(), f"甲镇{name}12号")["village_code"] == "v3"
    assert place(toy(), "甲镇东海村").geometry is None


def test_the_same_name_in_two_townships_is_resolved_by_the_township_or_not_at_all():
    known = toy()
    assert place(known, "富民村")["reason"] == "富民村 can be 富民村 (甲镇)、富民村 (乙庄镇); give the township"
    assert place(known, "富民村")["rule"] == "place_ambiguous"
    for township in ("乙庄镇", "乙庄", "t2", "崇明区乙庄镇人民政府"):
        assert place(known, "富民村5号", township_name=township)["village_code"] == "v2"
    assert place(known, township_name="甲", village_name="富民")["village_code"] == "v1"
    assert place(known, "长路3号")["reason"] == "长路 runs through 甲镇、乙庄镇; give the township"


def test_what_contradicts_itself_is_not_placed():
    known = toy()
    lost = known.locate(
        asked(
            *("乙庄镇富民村", "甲镇长路", "甲镇富民村东海社区", "乙庄镇东海社区", "乙庄镇短路5号"),
            township_name=["甲镇", "丙镇", None, None, None],
        )
    )
    assert lost.geometry.isna().all()
    assert lost["reason"].tolist() == [
        "it is said to be in 甲镇 and in 乙庄镇",
        "the study has no township '丙镇'; did you mean 甲镇?",
        "it is said to be in 富民村 (甲镇) and in 东海社区 (甲镇)",
        "东海社区 is not in 乙庄镇, but in 东海社区 (甲镇)",
        "短路 does not run through 乙庄镇, but through 甲镇",
    ]


def test_near_names_are_only_suggested():
    known = toy()
    lost = known.locate(asked("甲镇富明村", "甲镇东富民村", "甲镇长路村", "甲镇富民村路5号", "乙庄镇长街1号", "", None))
    assert lost.geometry.isna().all()
    assert lost["reason"].tolist() == [
        "the study knows no 富明村 in 甲镇; did you mean 富民村 (甲镇)?",
        "the study knows no 东富民村 in 甲镇; did you mean 富民村 (甲镇)?",
        "the study knows no 长路村 in 甲镇",
        "the study knows no 富民村路 in 甲镇",
        "the study knows no 长街 in 乙庄镇; did you mean 长路?",
        "neither an address nor a village is given",
        "neither an address nor a village is given",
    ]
    assert lost["position_quality_m"].isna().all()


def test_a_township_alone_is_placed_only_where_the_study_says_so():
    assert place(toy(), "甲镇").geometry is None
    found = toy(coarsest="township").locate(asked("甲镇", "甲镇无名村3号"))
    assert [xy(row) for _, row in found.iterrows()] == [(1000, 1000), (1000, 1000)]
    assert found["position_quality_m"].tolist() == pytest.approx([1414.2] * 2, abs=0.1)
    assert found["how"].tolist() == ["the middle of 甲镇", "the middle of 甲镇; 无名村 is not known to the study"]


def test_facilities_that_have_coordinates_are_known_places():
    homes = facilities([(1200, 1300), (3300, 200)], township=["t1", "t2"])
    homes = homes.assign(name_zh=text(["甲镇敬老院", "夕阳红食堂"]), position_quality_m=[20.0, np.nan]).set_geometry(
        [box(1200, 1300, 0, 0).centroid, box(3300, 200, 0, 0).centroid], crs=METRIC
    )
    known = toy(facility=homes)
    found = known.locate(
        asked(
            "甲镇敬老院内2楼",
            None,
            None,
            name_zh=["食堂一", "夕阳红食堂", "夕阳红食堂"],
            township_name=[None, None, "甲镇"],
        )
    )
    assert found["how"].tolist()[:2] == [
        "at the facility of that name, 甲镇敬老院 (甲镇)",
        "by its name: at the facility of that name, 夕阳红食堂 (乙庄镇)",
    ]
    assert xy(found.iloc[0]) == (1200.0, 1300.0)
    assert found["position_quality_m"].iloc[0] == 20.0
    assert found.geometry.isna().tolist() == [False, False, True]  # the third says another township


def test_a_name_helps_where_the_address_says_nothing():
    found = toy().locate(asked(None, "甲镇", name_zh=["甲镇富民村睦邻点", "东海社区食堂"]))
    assert found["village_code"].tolist() == ["v1", "v3"]
    assert found["how"].iloc[0] == "by its name: the middle of 富民村 (甲镇)"
    assert found["column"].tolist() == ["name_zh", "name_zh"]


def test_aliases(tmp_path):
    """旧名 are read from a table; one name of two villages is told apart by the township."""
    path = tmp_path / "aliases.csv"
    path.write_text("别名,现名,所属乡镇\n新光大队,富民村,乙庄镇\n丙乡,甲镇,\n老街,长路,\n", encoding="utf-8-sig")
    known = toy(aliases=gazetteer.read_aliases(path))
    found = known.locate(asked("新光大队", "丙乡富民村", "丙乡老街5号"))
    assert found["village_code"].tolist()[:2] == ["v2", "v1"]
    assert xy(found.iloc[2]) == (1000.0, 500.0)
    path.write_text("别名,现名\n,富民村\n甲,\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"row 2: alias is missing; row 3: name is missing"):
        gazetteer.read_aliases(path)
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"no column 'alias', 'name'; the file has a, b"):
        gazetteer.read_aliases(path)


def test_a_study_without_areas_still_knows_its_roads():
    nothing = tables.no_rows(tables.TOWNSHIPS, METRIC)
    edges = toy().atlas.roads
    frame = gpd.GeoDataFrame(
        {"u": edges.ends[:, 0], "v": edges.ends[:, 1], "name": text(["长路"] * 2 + ["短路"] * 2)},
        geometry=edges.lines,
        crs=METRIC,
    ).assign(highway=text(["residential"] * 4))
    known = gazetteer.build_gazetteer(
        gazetteer.KnownPlaces(
            nothing, tables.no_rows(tables.VILLAGES, METRIC), frame, tables.no_rows(tables.FACILITIES, METRIC)
        ),
        crs=METRIC,
    )
    found = known.locate(asked("长路5号", "长路短路路口", "富民村"))
    assert [xy(row) for _, row in found[:2].iterrows()] == [(2000, 500), (1500, 500)]
    assert found["reason"].iloc[2] == "the study knows no 富民村"


# ---- the embedded study ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def embedded():
    study = config.read_study(sources.embedded_study_path())
    named = study.sources
    around = sources.Surroundings(
        townships=sources.read_areas(study.resolve(named.townships.path), contract=tables.TOWNSHIPS, crs=METRIC),
        villages=sources.read_areas(study.resolve(named.villages.path), contract=tables.VILLAGES, crs=METRIC),
        roads=sources.read_roads(study.resolve(named.roads.path), crs=study.crs, columns=named.roads.columns),
    )
    return around, sources.make_gazetteer(study, around, [], crs=METRIC)


def test_two_villages_of_one_name_in_the_embedded_study(embedded):
    _, known = embedded
    found = known.locate(
        asked("港西镇富民村", "横沙乡富民村", "陈家镇东海村2队", "横沙乡东海村2队", "富民村", "东海村村委会")
    )
    assert found["village_code"].tolist()[:4] == ["310151112209", "310151202217", "310151110204", "310151202219"]
    assert found["reason"].tolist()[4:] == [
        "富民村 can be 富民村 (港西镇)、富民村 (横沙乡); give the township",
        "东海村村委会 can be 东海村 (陈家镇)、东海村 (横沙乡); give the township",
    ]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_address_made_from_the_gazetteer_s_own_entries_is_placed_in_the_right_township(embedded, data):
    around, known = embedded
    villages, townships = around.villages, around.townships.set_index("township_code")
    village = villages.iloc[data.draw(st.integers(0, len(villages) - 1))]
    town = townships.loc[village["township_code"]]
    form = data.draw(st.sampled_from(placenames.village_names(village["name_zh"])))
    prefix = data.draw(st.sampled_from(["", "上海市崇明区", "崇明县", "崇明区", "上海崇明"]))
    tail = data.draw(st.sampled_from(["", "3组", "１２号", "六队", "旁", "村委会旁"]))
    found = place(known, f"{prefix}{town['name_zh']}{form}{tail}")
    assert found["village_code"] == village["village_code"]
    assert found["township_code"] == village["township_code"]
    assert shapely.intersects(town.geometry, found.geometry)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_name_with_one_wrong_character_is_never_placed(embedded, data):
    around, known = embedded
    names = [placenames.village_names(name)[0] for name in around.villages["name_zh"]]
    row = data.draw(st.integers(0, len(names) - 1))
    at = data.draw(st.integers(0, len(placenames.bare_village_name(names[row])) - 1))
    town = around.townships.set_index("township_code")["name_zh"][around.villages["township_code"].iloc[row]]
    wrong = f"{names[row][:at]}㐀{names[row][at + 1 :]}"
    lost = place(known, f"{town}{wrong}3组")
    assert lost.geometry is None
    assert lost["reason"].startswith("the study knows no")


def made_up_addresses(around, n):
    rng = np.random.default_rng(5)
    towns = around.townships.set_index("township_code")["name_zh"]
    rows = around.villages.iloc[rng.integers(len(around.villages), size=n)]
    roads = np.array(["陈海公路", "三双公路", "草港公路", "北沿公路", "宏海公路", "团城公路"])[
        rng.integers(6, size=(n, 2))
    ]
    return [
        (
            f"上海市崇明区{towns[code]}{name}{i}组",
            f"{towns[code]}{road}{i}号",
            f"{road}{other}路口{i}号",
            f"{towns[code]}富明村{i}队",
            f"某镇某村{i}号",
        )[i % 5]
        for i, (code, name, (road, other)) in enumerate(zip(rows["township_code"], rows["name_zh"], roads, strict=True))
    ]


def test_the_order_of_rows_changes_nothing_and_5000_take_seconds(embedded):
    around, known = embedded
    frame = asked(*made_up_addresses(around, 5000))
    start = time.perf_counter()
    found = known.locate(frame)
    took_s = time.perf_counter() - start
    assert took_s < 10.0  # 1.3 s alone on a laptop core
    mixed = frame.sample(frac=1.0, random_state=3)
    again = gazetteer.Gazetteer(known.atlas, METRIC).locate(mixed)
    assert again.index.equals(mixed.index)
    columns = ["how", "reason", "position_quality_m", "township_code", "village_code"]
    pd.testing.assert_frame_equal(again.loc[frame.index, columns], found[columns])
    both = found.geometry.notna()
    assert (again.loc[frame.index].geometry.notna() == both).all()
    assert shapely.equals(again.loc[frame.index].geometry[both].to_numpy(), found.geometry[both].to_numpy()).all()


def test_every_place_lies_in_the_township_it_names(embedded):
    around, known = embedded
    found = known.locate(asked(*made_up_addresses(around, 1000)))
    found = found[found.geometry.notna()]
    shapes = around.townships.set_index("township_code").geometry[found["township_code"]].to_numpy()
    assert len(found) > 300
    assert shapely.dwithin(shapes, found.geometry.to_numpy(), 1e-6).all()


@pytest.mark.extract
def test_the_named_facilities_of_the_facts(embedded, shared_data):
    """Of 17, the addresses place five: three villages or neighbourhoods, a road, and a village beside unknown roads."""
    _, known = embedded
    facts = pd.read_csv(shared_data.parent / "facts" / "facilities_named.csv", dtype="str")
    wanted = facts.rename(columns={"township": "township_name"})[["name_zh", "address", "township_name"]]
    found = known.locate(wanted)
    placed = found[found.geometry.notna()]
    assert wanted["name_zh"][placed.index].tolist() == [
        "上海市第二社会福利院",
        "城桥镇金日社区老年人日间照护中心",
        "鲁玙村睦邻点",
        "瀛新园(瀛新古园)陵园",
        "瀛裕冥园",
    ]
    assert placed["township_code"].tolist() == ["310151108", "310151101", "310151108", "310151103", "310151110"]
    assert placed["position_quality_m"].between(3000, 5000).all()
    unplaced = found[found.geometry.isna()]["rule"].value_counts()
    assert unplaced.to_dict() == {"place_township_only": 9, "place_unknown_in": 2, "place_contradicts": 1}


def test_a_place_that_may_be_far_off_is_none_unless_the_study_takes_middles():
    """Roads good to 7 km only: the middle of one in its township is farther off than the 6 km that count as a place."""
    wanted = asked("甲镇长路1573号")
    lost = toy(quality={"roads_quality_m": 7000.0}).locate(wanted).iloc[0]
    assert (lost["geometry"], lost["rule"]) == (None, "place_too_vague")
    assert "may be" in lost["reason"]
    found = toy(quality={"roads_quality_m": 7000.0}, coarsest="township").locate(wanted).iloc[0]
    assert found["position_quality_m"] > 6000.0
