"""Text of other people on its way into a spreadsheet is never computed there, and comes back as it was."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chongming_gis import cell_text


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u3000=1",
        "＝1+1",
        "\ufeff=cmd|' /C calc'!A0",
        "\tx",
    ],
)
def test_what_looks_like_a_formula_gets_an_apostrophe(text):
    assert cell_text.harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "城桥镇敬老院", "A=B", "<b>甲</b>", '"甲"', "😀", "'甲'", "1-2"])
def test_other_texts_stay(text):
    assert cell_text.harmless(text) == text


@given(st.lists(st.one_of(st.none(), st.text(alphabet="'=+-@ \t\r\n甲a1", max_size=6)), min_size=1))
def test_columns_come_back_as_they_were(texts):
    column = pd.Series(texts, dtype="str")
    out = cell_text.harmless_column(column)
    assert not any(isinstance(text, str) and text.lstrip()[:1] in {"=", "+", "-", "@"} for text in out)
    pd.testing.assert_series_equal(cell_text.as_written(out), column)
    assert [cell_text.harmless(text) for text in column.dropna()] == out.dropna().tolist()


def test_control_characters_cannot_be_written():
    assert cell_text.writable("甲\x00\x0b乙\ud800\n丙") == "甲乙\n丙"
