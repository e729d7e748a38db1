import string

import pytest

from chongming_gis import wording
from chongming_gis.wording import LANGUAGES, Words

CATALOGUE = wording._catalogue()


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_both_languages_have_every_text_with_the_same_blanks(key):
    texts = CATALOGUE[key]
    assert set(texts) == set(LANGUAGES)
    assert all(texts.values())
    assert blanks(texts["zh"]) == blanks(texts["en"])


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_english_is_written_without_chinese(key):
    assert not any("\u4e00" <= letter <= "\u9fff" or letter in "，。；：（）" for letter in CATALOGUE[key]["en"])


def test_a_code_without_a_word_is_shown_as_it_is():
    assert Words("zh").or_raw("kind", "schematic") == "示意数据"
    assert Words("zh").or_raw("kind", "rumour") == "rumour"


def test_values_that_look_like_blanks_stay_text():
    assert Words("en")("minutes_n", n="{n}") == "{n} min"
