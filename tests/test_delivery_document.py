"""docs/delivery.md says what the code does: its worked township is run, and it names every key of the section."""

import doctest
import re
from pathlib import Path

from chongming_gis.delivery import REASONS
from chongming_gis.deliverymodel import DeliveryConfig

PAGE = Path(__file__).resolve().parents[1] / "docs" / "delivery.md"


def test_the_worked_township_is_true():
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8")
    assert result.failed == 0
    assert result.attempted >= 12


def test_every_key_and_every_reason_is_on_the_page():
    told = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert set(DeliveryConfig.model_fields) - {"source", "source_en"} <= told
    assert set(REASONS) - {""} <= told
