"""docs/batch.md says what the code does: its examples are run on a toy district, its options are the command's."""

import doctest
import re
from pathlib import Path

from typer.main import get_command

from chongming_gis import cli
from tests.test_batch import district

PAGE = Path(__file__).resolve().parents[1] / "docs" / "batch.md"


def test_the_examples_of_the_page_are_true(tmp_path):
    given = {"study_file": district(tmp_path, "a"), "folder": tmp_path / "out"}
    found = doctest.testfile(str(PAGE), module_relative=False, globs=given, encoding="utf-8")
    assert found.failed == 0
    assert found.attempted >= 12


def test_every_option_is_on_the_page_and_there():
    options = {option for parameter in get_command(cli.app).commands["batch"].params for option in parameter.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE.read_text(encoding="utf-8")))
    assert named <= options
    assert {
        "--out",
        "--scheduler",
        "--workers",
        "--set",
        "--draws",
        "--grid",
        "--tile-km",
        "--reach-min",
        "--site",
    } <= named
