"""The command ``deliver``: what it writes and says, and what it refuses."""

import dataclasses
import importlib.util
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from chongming_gis import delivering, pipeline
from chongming_gis.cli import app
from chongming_gis.errors import OutputError, StudyError
from tests.maps import delivery_toy
from tests.measured import test_deliveries as made
from tests.test_check_files import write
from tests.test_cli import PEOPLE, PLACES, STUDY

_SPEC = importlib.util.spec_from_file_location("toy_town", Path(__file__).parent / "maps" / "toy.py")
toy = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(toy)

DELIVERY = """
[[needs]]
service = "meal_point"
unit = "meals_per_day"
group = "old"
base = "resident"
factors = [{ value = 1.0, name_zh = "份", name_en = "meals", source = "test" }]
[delivery]
service = "meal_point"
kitchens = { services = ["meal_point"], source = "test" }
shares = [{ group = "old", base = "resident", share = 0.5, source = "test" }]
starts = ["10:30", "11:30"]
deadline_min = 30
handover_min = 1
missed_meal_price = 50
price_year = 2023
iterations = 20
source = "test"
[[delivery.vehicles]]
id = "cart"
name_zh = "手推车"
name_en = "cart"
mode = "walk"
capacity_meals = 20
per_kitchen = 1
cost_per_km = 0.0
cost_per_hour = 36.0
source = "test"
"""


@pytest.fixture
def dirty(tmp_path):
    """Twenty and fifteen meals at the two homes, five in the sea; one kitchen that cooks ten, one that cooks none."""
    people, places = PEOPLE + "z,海中,121.60,31.70,20,10\n", PLACES.replace(",50", ",10")
    places += "c2,空厨房,121.5060,31.6001,0\n"
    return write(tmp_path / "study", people=people, places=places, study=STUDY + DELIVERY)


def test_check_tells_what_is_wrong_with_kitchens_and_drops(dirty):
    found = {finding.rule: finding for finding in pipeline.check_study(dirty).findings}
    assert found["delivery_no_meals"].details["ids"] == "c2"
    assert found["delivery_no_road"].details["ids"] == "z"
    assert found["delivery_more_meals"].details == {"wanted": "40", "cooked": "10"}


def test_check_says_nothing_of_deliveries_where_the_people_cannot_be_read(tmp_path):
    study = write(tmp_path / "study", people="demand_id\n", study=STUDY + DELIVERY)
    assert not [finding for finding in pipeline.check_study(study).findings if finding.rule.startswith("delivery_")]


def test_what_is_wrong_is_said_in_the_language_asked_for_and_the_rest_is_planned(dirty, tmp_path):
    done = CliRunner().invoke(app, ["deliver", str(dirty.folder / "study.toml"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "需上门40份，送到10份（最多可送10份），1趟" in done.output
    assert "未送5份：没有道路从厨房通到" in done.output
    assert "未送25份：时限内的厨房供餐能力已用完" in done.output
    assert "1个厨房没有外送能力（未填或为0）：c2" in done.output
    assert "1个交接点没有道路从厨房通到：z" in done.output
    assert "需上门40份，厨房合计只能外送10份" in done.output
    assert pd.read_csv(tmp_path / "out" / "routes.csv")["meals"].tolist() == [10]
    assert "装车 10 份" in (tmp_path / "out" / "delivery_sheets.html").read_text(encoding="utf-8")


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


def test_a_plan_stands_without_coverage(planned, tmp_path):
    """The command itself measures no coverage: its result has an empty table of it."""
    bare = dataclasses.replace(planned, coverage=planned.coverage.iloc[:0], access=planned.access.iloc[:0])
    delivering.write_plan(bare, tmp_path / "out", language="zh")
    assert (tmp_path / "out" / "maps" / "delivery.html").stat().st_size > 10_000


def test_what_stands_there_is_not_touched(planned, tmp_path):
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    done = CliRunner().invoke(app, ["deliver", "--out", str(tmp_path)])
    assert isinstance(done.exception, OutputError)
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "x"


def test_a_study_without_the_section_is_told_what_to_add():
    with pytest.raises(StudyError, match=r"has no \[delivery\]: add the section"):
        delivering.ask_study(made.the_study({"meal": {}}))
