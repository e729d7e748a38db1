"""Headers as offices write them mean our columns; what could be two of them is told and not taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chongming_gis.sources import headers
from chongming_gis.sources.headers import FACILITIES, PEOPLE


@pytest.mark.parametrize(
    ("header", "ours"),
    [
        ("名称", "name_zh"), ("机构名称", "name_zh"), ("单位名称", "name_zh"), ("设施名称", "name_zh"),
        ("Name", "name_zh"),
        ("地址", "address"), ("详细地址", "address"), ("住址", "address"),
        ("经度", "lon"), ("lng", "lon"), ("Lon", "lon"), ("LONGITUDE", "lon"), ("经度(°E)", "lon"),
        ("坐标\n（经度）", "lon"),
        ("纬度", "lat"), ("lat", "lat"), ("Ｌａｔ", "lat"), ("X", "x"), ("Y坐标", "y"), ("经纬度", "lon_lat"),
        ("床位数", "capacity_beds"), ("核定床位", "capacity_beds"), ("总床位", "capacity_beds"),
        ("床位数(张)", "capacity_beds"), ("床位数／张", "capacity_beds"), ("床 位 数", "capacity_beds"),
        ("乡镇", "township_name"), ("街镇", "township_name"), ("所属乡镇", "township_name"),
        ("村居", "village_name"), ("所属村", "village_name"), ("村(居)", "village_name"),
        ("类型", "kind"), ("状态", "status"), ("开业时间", "open_year"), ("成立年份", "open_year"),
        ("服务范围", "serves"),
        ("是否标准化", "standardised"), ("*机构名称", "name_zh"), ("1.机构名称", "name_zh"), ("3、地址：", "address"),
        ("capacity_beds", "capacity_beds"), ("facility_id", "facility_id"),
        ("序号", None), ("编号", None), ("联系电话", None), ("", None), ("备注", None), ("面积(平方米)", None),
        ("是否有床位数超过一百张的养老机构并且已经投入使用的情况说明" * 3, None),
    ],
)  # fmt: skip
def test_a_header_means_a_column(header, ours):
    assert FACILITIES.column_of(header) == ours


def test_no_word_is_listed_for_two_columns():
    for vocabulary in (FACILITIES, PEOPLE):
        listed = [headers.key_of(word) for ours, words in vocabulary.synonyms.items() for word in {ours, *words}]
        repeated = {word for word in listed if listed.count(word) > 1 and len({vocabulary.by_key[word]}) != 1}
        assert not repeated
        for ours, words in vocabulary.synonyms.items():
            for word in (ours, *words):
                assert vocabulary.column_of(word) == ours, word


WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(33, 127)})


@given(
    st.sampled_from(sorted({word for words in FACILITIES.synonyms.values() for word in words})),
    st.sampled_from(["{}", " {} ", "{}:", "{}：", "*{}", "{}（必填）", "{}(张)", "　{}", "{}\n"]),
    st.booleans(),
    st.booleans(),
)
def test_dress_does_not_change_the_meaning(word, dress, wide, upper):
    text = dress.format(word.upper() if upper else word)
    assert FACILITIES.column_of(text.translate(WIDE) if wide else text) == FACILITIES.column_of(word)


def test_two_headers_of_one_meaning_are_a_clash():
    found = headers.map_headers(["名称", "机构名称", "经度", "纬度", "电话"], FACILITIES)
    assert found.columns == {"lon": 2, "lat": 3}
    assert found.clashes == {"name_zh": [0, 1]}


def test_our_own_name_wins_over_a_synonym():
    found = headers.map_headers(["名称", "name_zh"], FACILITIES)
    assert (found.columns, found.clashes) == ({"name_zh": 1}, {})


def test_the_study_names_the_column_that_is_meant():
    found = headers.map_headers(["名称", "机构名称"], FACILITIES, taken={"name_zh": 1})
    assert (found.columns, found.clashes) == ({"name_zh": 1}, {})
    moved = headers.map_headers(["名称", "简称"], FACILITIES, taken={"name_zh": 1})
    assert moved.columns == {"name_zh": 1}


def test_units_of_headers_are_kept():
    found = headers.map_headers(["床位数（张）", "名称", "核定容量"], FACILITIES.plus({"capacity": ("核定容量/百人",)}))
    assert found.units == {"capacity_beds": "张"}
    assert headers.unit_of("人口（万人）") == "万人"


def test_further_synonyms_win():
    more = PEOPLE.plus({"a60_plus": ("60岁及以上", "name")}, shared=["a60_plus"])
    assert more.column_of("60 岁及以上（人）") == "a60_plus"
    assert more.column_of("Name") == "a60_plus"
    assert PEOPLE.column_of("Name") == "name_zh"
    assert "a60_plus" in more.shared
