"""docs/methods.md says what the code does: its examples are run, and every measure is on the page."""

import doctest
import re
from pathlib import Path

import pytest

from chongming_gis import accessibility, decay, fairness

PAGE = Path(__file__).resolve().parents[1] / "docs" / "methods.md"


def test_the_examples_of_the_page_are_true():
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags, encoding="utf-8")
    assert result.failed == 0
    assert result.attempted > 30


@pytest.mark.parametrize(
    "name",
    [
        *(name for name in accessibility.__all__ if name.islower()),
        *decay.NAMES,
        *(name for name in vars(fairness) if callable(vars(fairness)[name]) and name.islower() and name[0] != "_"),
    ],
)
def test_every_measure_is_on_the_page(name):
    if getattr(vars(fairness).get(name), "__module__", fairness.__name__) == fairness.__name__:
        assert re.search(rf"`{name}`", PAGE.read_text(encoding="utf-8"))
