"""Every page of a run on real roads opens with the network off, without a word on the console."""

from pathlib import Path

import pytest

from chongming_gis import config, pipeline

STUDY = Path(__file__).resolve().parents[1] / "studies" / "liechtenstein.toml"

pytestmark = [pytest.mark.browser, pytest.mark.extract]


@pytest.fixture(scope="module")
def folder(shared_data, tmp_path_factory):
    """The result folder of Liechtenstein."""
    out = tmp_path_factory.mktemp("run") / "liechtenstein"
    pipeline.write_result(pipeline.run_study(config.read_study(STUDY)), out)
    return out


@pytest.mark.parametrize(
    "name", ["maps/overview.html", "maps/school.html", "maps/post_office.html", "maps/fire_station.html", "report.html"]
)
def test_page_of_a_real_run_opens_offline(folder, visit, name):
    """The page draws and names the country; the fixture fails on any request or console error."""
    opened = visit((folder / name).read_text(encoding="utf-8"))
    assert "列支敦士登" in opened.text("body")
