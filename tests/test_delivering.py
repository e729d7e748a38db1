"""The command ``deliver``: what it writes and says, and what it refuses."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from chongming_gis import delivering
from chongming_gis.cli import app
from chongming_gis.errors import OutputError, StudyError
from tests.maps import delivery_toy
from tests.measured import test_deliveries as made

_SPEC = importlib.util.spec_from_file_location("toy_town", Path(__file__).parent / "maps" / "toy.py")
toy = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(toy)


@pytest.fixture
def planned(monkeypatch):
    """The command without its planning: it finds the plan drawn by hand."""
    result = delivery_toy.with_rounds(toy, toy.result())
    monkeypatch.setattr(delivering, "plan_study", lambda *_, **__: result)
    return result


def test_everything_is_written_and_the_day_is_told(planned, tmp_path):
    folder = tmp_path / "out"
    done = CliRunner().invoke(app, ["deliver", "--out", str(folder), "--lang", "en"])
    assert done.exit_code == 0, done.output
    assert "24 meals wanted at the door, 12 brought (at most 16), 2 rounds" in done.output
    assert "6 left: no vehicle has room or time left" in done.output
    stops = pd.read_csv(folder / "routes.csv")
    assert stops["round_id"].tolist() == ["F1-01", "F1-01", "F1-02"]
    assert stops["load_after"].tolist() == [4, 0, 0]
    assert {"routes.geojson", "delivery_drops.geojson", "delivery_sheets.html"} <= {p.name for p in folder.iterdir()}
    assert (folder / "maps" / "delivery.html").stat().st_size > 10_000
    again = pd.read_parquet(folder / "tables" / "route_stops.parquet")
    pd.testing.assert_frame_equal(again, planned.measured["route_stops"])


def test_what_stands_there_is_not_touched(planned, tmp_path):
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    done = CliRunner().invoke(app, ["deliver", "--out", str(tmp_path)])
    assert isinstance(done.exception, OutputError)
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "x"


def test_a_study_without_the_section_is_told_what_to_add():
    with pytest.raises(StudyError, match=r"has no \[delivery\]: add the section"):
        delivering.ask_study(made.the_study({"meal": {}}))
