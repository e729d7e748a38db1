"""docs/siting.md says what the code does: its examples are run, and its figures are those of the embedded study."""

import doctest
import re
from pathlib import Path

from chongming_gis.sitingmodel import CandidatesConfig, LayerConfig

PAGE = Path(__file__).resolve().parents[1] / "docs" / "siting.md"
TOLD_ELSEWHERE = {
    "services",
    "source",
    "source_en",
    "id",
    "name_zh",
    "name_en",
    "layer",
    "licence",
    "licence_en",
    "date",
}


def test_the_examples_of_the_page_are_true():
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8")
    assert result.failed == 0
    assert result.attempted >= 4


def test_every_key_of_candidates_and_layers_is_on_the_page():
    told = set(re.findall(r"`(\w+)[`\s]", PAGE.read_text(encoding="utf-8")))
    keys = {*CandidatesConfig.model_fields, *LayerConfig.model_fields} - TOLD_ELSEWHERE
    assert keys - told <= {"position_quality_m", "how", "how_en"}
