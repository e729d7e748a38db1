"""docs/maps.md says what the code does: its examples are run on the toy town, and every map it names is written."""

import doctest
from pathlib import Path

from chongming_gis import maps
from tests.maps import toy

PAGE = Path(__file__).resolve().parents[1] / "docs" / "maps.md"


def test_the_examples_of_the_page_are_true():
    found = doctest.testfile(str(PAGE), module_relative=False, globs={"result": toy.result()}, encoding="utf-8")
    assert found.failed == 0
    assert found.attempted >= 12


def test_every_map_and_layer_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    named = {f"{name}.html" for name, _ in maps.every_map(maps.prepare(toy.result(), "zh"))}
    named -= {"meal_point.html", "care_home.html"}  # <service>.html
    named |= {name for name in maps.__all__ if name.endswith("_layer")}
    assert [name for name in sorted(named) if name not in text] == []
