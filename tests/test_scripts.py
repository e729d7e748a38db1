"""The programs in scripts/ that a planner copies from do what their first lines say."""

import runpy
import sys
from pathlib import Path

import pytest

from chongming_gis import config, pipeline

ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "tests" / "studies" / "helsinki.toml"

pytestmark = pytest.mark.extract


def program(monkeypatch, name, *arguments):
    """Run a script as if from the command line."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    runpy.run_path(str(ROOT / "scripts" / name), run_name="__main__")


def test_coverage_maps_writes_an_overview_and_a_map_a_service(shared_data, monkeypatch, capsys, tmp_path):
    """Three services and what every result has: self-contained pages, named on lines; a saved result gives the same."""
    program(monkeypatch, "coverage_maps.py", STUDY, tmp_path / "maps")
    names = {path.name for path in (tmp_path / "maps").iterdir()}
    assert names >= {"overview.html", "pharmacy.html", "bank.html", "theatre.html"}
    assert {Path(line).name for line in capsys.readouterr().out.split()} == names
    pipeline.write_result(pipeline.run_study(config.read_study(STUDY)), tmp_path / "r")
    program(monkeypatch, "coverage_maps.py", tmp_path / "r", tmp_path / "again")
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "maps" / name).read_bytes()


def test_build_report_redraws_a_saved_result(shared_data, monkeypatch, tmp_path):
    """From the saved folder alone comes the very report that the run wrote, and another in English."""
    pipeline.write_result(pipeline.run_study(config.read_study(STUDY)), tmp_path / "r")
    program(monkeypatch, "build_report.py", tmp_path / "r", tmp_path / "again")
    written = (tmp_path / "r" / "report.html").read_bytes()
    assert (tmp_path / "again" / "report.html").read_bytes() == written
    program(monkeypatch, "build_report.py", tmp_path / "r", tmp_path / "english", "en")
    assert 'lang="en"' in (tmp_path / "english" / "report.html").read_text(encoding="utf-8")[:500]


def test_build_report_says_how_it_is_used(monkeypatch):
    """Without a folder it prints its own first lines."""
    with pytest.raises(SystemExit, match="RESULT_FOLDER"):
        program(monkeypatch, "build_report.py")
