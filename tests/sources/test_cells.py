"""Cells as people write them; what is not certain is marked and not guessed."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chongming_gis.sources import cells


def column(*texts):
    return pd.Series(list(texts), dtype="str")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("120", 120), ("１２０", 120), (" 120 张", 120), ("120张", 120), ("120床", 120), ("1,200", 1200),
        ("1，200", 1200),
        ("1 200", 1200), ("12,345,678.5", 12345678.5), ("1.2万", 12000), ("1.2万人", 12000), ("3百", 300), ("-5", -5),
        ("+5", 5), ("约80", 80), ("大约 80 人", 80), ("80左右", 80), ("80客/日", 80), ("60 beds", 60), ("1e3", 1000),
        ("0", 0), ("50米", 50), ("30 ㎡", 30), ("2.50", 2.5),
    ],
)  # fmt: skip
def test_numbers_are_read(text, number):
    read = cells.read_numbers(column(text))
    assert read.numbers.tolist() == [pytest.approx(number)]
    assert not read.unreadable.any()
    assert read.approximate.tolist() == [text[0] in "约大" or text.endswith("左右")]


@pytest.mark.parametrize(
    "text", ["若干", "无", "一百二十", "1,20", "12,34", "60张(含护理床10张)", "1/2", "50%", "inf", "1.2.3", "甲"]
)
def test_what_is_no_number_is_unreadable(text):
    read = cells.read_numbers(column(text, None))
    assert read.unreadable.tolist() == [True, False]
    assert not read.ranges.any()
    assert np.isnan(read.numbers).all()


@pytest.mark.parametrize("text", ["80-120", "80～120", "80至120张", "100以上", "不足50", ">50", "≥50", "30多", "50余"])
def test_ranges_are_no_numbers(text):
    read = cells.read_numbers(column(text))
    assert read.unreadable.tolist() == [True]
    assert read.ranges.tolist() == [True]


def test_the_unit_of_the_header_multiplies():
    assert cells.read_numbers(column("1.5", None), unit="万人").numbers.tolist()[0] == 15000
    assert [cells.scale_of(unit) for unit in ("张", "千人", "单位：万人", "千米", "千克", "百分比", "")] == [
        1, 1000, 10000, 1, 1, 1, 1,
    ]  # fmt: skip


@given(st.integers(0, 10**9), st.sampled_from(["{}", "{:,}", " {}张", "{}人"]))
def test_any_whole_number_in_any_dress(number, dress):
    assert cells.read_numbers(column(dress.format(number))).numbers.tolist() == [number]


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2019", 2019), ("2019年", 2019), ("2019年5月", 2019), ("2019年05月01日", 2019), ("2019/5/1", 2019),
        ("2019-05", 2019),
        ("2019-05-01", 2019), ("2019-05-01 08:30:00", 2019), ("2019.5.1", 2019), ("2019.6", 2019),
        ("2019.06", 2019), ("20190501", 2019), ("43586", 2019),
        ("43586.0", 2019), ("２０１９年", 2019), ("2019年建成", 2019), ("1998", 1998), ("2019.0", 2019),
        ("2019年度", 2019),
        ("1954", 1954),
    ],
)  # fmt: skip
def test_years_are_read(text, year):
    read = cells.read_years(column(text))
    assert read.years.tolist() == [year]
    assert not read.unreadable.any()


@pytest.mark.parametrize(
    "text", ["2019.55", "2019.13", "19年", "五年前", "20195", "2019-2020", "999", "2019年13月99", "123456789", "99"]
)
def test_what_is_no_year_is_unreadable(text):
    read = cells.read_years(column(text, None))
    expected = [True, False] if text != "20195" else [False, False]  # a day of 1955: what a spreadsheet would show
    assert read.unreadable.tolist() == expected


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("121.5", 121.5), ("121.5°", 121.5), ("121.5 °E", 121.5), ("E121.5", 121.5), ("东经121.5度", 121.5),
        ("121.5E", 121.5),
        ("121°23′45″E", 121 + 23 / 60 + 45 / 3600), ("121°23'45.6\"", 121 + 23 / 60 + 45.6 / 3600),
        ("121度23分45秒", 121 + 23 / 60 + 45 / 3600), ("121 23 45", 121 + 23 / 60 + 45 / 3600),
        ("121°23.75'", 121 + 23.75 / 60),
        ("121:23:45", 121 + 23 / 60 + 45 / 3600), ("西经8°15′", -8.25), ("S33.5", -33.5), ("-33.5", -33.5),
        ("１２１．５", 121.5),
        ("北纬31°37′12″", 31.62), ("121º30’00”", 121.5),
    ],
)  # fmt: skip
def test_degrees_are_read(text, degrees):
    assert cells.read_degrees(column(text)).tolist() == [pytest.approx(degrees, abs=1e-9)]


@pytest.mark.parametrize("text", ["121.7.5", "121°75′", "121°30′99″", "城桥镇", "121,5", "见附图", "1234.5°"])
def test_what_is_no_angle_is_nan(text):
    assert math.isnan(cells.read_degrees(column(text))[0])


@given(
    st.integers(0, 179),
    st.integers(0, 59),
    st.integers(0, 59),
    st.sampled_from(["{}°{}′{}″", "{}度{}分{}秒", "{} {} {}"]),
)
def test_degrees_minutes_and_seconds_add_up(degrees, minutes, seconds, dress):
    read = cells.read_degrees(column(dress.format(degrees, minutes, seconds)))
    assert read[0] == pytest.approx(degrees + minutes / 60 + seconds / 3600)


def test_both_coordinates_in_one_cell():
    first, second = cells.split_pairs(
        column("121.5,31.6", "（121.5， 31.6）", "121.5;31.6", "121°30′E 31°36′N", "121.5", None)
    )
    assert first.fillna("-").tolist() == ["121.5", "121.5", "121.5", "121°30'E", "121.5", "-"]
    assert second.fillna("-").tolist() == ["31.6", "31.6", "31.6", "31°36'N", "-", "-"]


def test_yes_and_no():
    read = cells.read_claims(column("是", "√", "有", "YES", "1", "否", "×", "无", "no", "0", "部分", None))
    assert read.claims.tolist()[:10] == [True] * 5 + [False] * 5
    assert read.claims.isna().tolist() == [False] * 10 + [True] * 2
    assert read.unreadable.tolist() == [False] * 10 + [True, False]


def test_words_are_replaced_and_unknown_ones_kept():
    meanings = {"镇级": "township", "underconstruction": "planned"}
    assert cells.read_words(column("镇级", "镇 级", "省级",
    "Under Construction", None), meanings).fillna("-").tolist() == [
        "township", "township", "省级", "planned", "-",
    ]  # fmt: skip
