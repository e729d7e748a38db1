"""`map` and `report` on a saved result of the toy town: what they draw is what a run draws, and nothing is computed."""

import dataclasses

import geopandas as gpd
import pandas as pd
import pytest
from typer.testing import CliRunner

from chongming_gis import cli, maps, pipeline, reports, results
from chongming_gis.errors import InputFileError, OutputError, StudyError
from tests.maps import measured_toy
from tests.maps import toy as toy_town
from tests.toy.proposed import with_proposals

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    result = with_proposals(measured_toy.with_areas(toy_town.result()))
    folder = tmp_path_factory.mktemp("results") / "r"
    with results.staged_folder(folder) as stage:
        results.save(result, stage)
    return folder


def run(*arguments):
    done = RUNNER.invoke(cli.app, [str(argument) for argument in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output.split()


def test_all_maps_are_drawn_into_the_result_by_default(saved):
    written = run("map", saved)
    drawn = dict(maps.every_map(maps.prepare(results.load(saved), "zh")))
    assert written == [str(saved / "maps" / f"{name}.html") for name in drawn]
    for name, sheet in drawn.items():
        assert (saved / "maps" / f"{name}.html").read_text(encoding="utf-8") == sheet.page.render()
    assert not list(saved.glob("**/*.part"))


@pytest.mark.parametrize("names", [["meal_point"], ["overview"], ["care_home", "overview"], ["data_quality"]])
def test_some_maps_are_the_same_as_when_all_are_drawn(saved, tmp_path, names):
    asked = [argument for name in names for argument in ("--service", name)]
    run("map", saved, *asked, "--out", tmp_path / "m", "--lang", "en")
    assert {path.stem for path in (tmp_path / "m").iterdir()} == set(names)
    drawn = dict(maps.every_map(maps.prepare(results.load(saved), "en")))
    for name in names:
        assert (tmp_path / "m" / f"{name}.html").read_text(encoding="utf-8") == drawn[name].page.render()


def test_a_map_that_there_is_not_is_named_with_those_that_there_are(saved, tmp_path):
    with pytest.raises(StudyError, match="school is no map of this result; use overview, meal_point, care_home"):
        run("map", saved, "--service", "school", "--service", "meal_point", "--out", tmp_path / "m")
    assert list((tmp_path / "m").glob("*")) == []


def test_the_report_is_written_in_the_formats_asked_for(saved, tmp_path):
    assert run("report", saved, "--out", tmp_path, "--format", "xlsx, html") == [
        str(tmp_path / "report.html"),
        str(tmp_path / "report.xlsx"),
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.xlsx"}
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == reports.render_report(results.load(saved))
    with pytest.raises(OutputError, match=r"'doc', 'pdf' is no format; use html, docx, xlsx"):
        run("report", saved, "--format", "pdf,doc")


def test_all_three_forms_come_by_default_with_the_same_bytes_each_time(saved, tmp_path):
    for name in ("one", "two"):
        written = run("report", saved, "--out", tmp_path / name, "--lang", "en")
        assert [path.rpartition("/")[2] for path in written] == ["report.html", "report.docx", "report.xlsx"]
    for name in ("report.html", "report.docx", "report.xlsx"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_small_numbers_of_sensitive_groups_are_shown_when_asked_for(tmp_path):
    result = toy_town.result()
    groups = tuple(group.model_copy(update={"sensitive": True}) for group in result.study.groups)
    result = dataclasses.replace(result, study=result.study.model_copy(update={"groups": groups}))
    with results.staged_folder(tmp_path / "r") as stage:
        results.save(result, stage)
    for name, *asked in (("shared",), ("office", "--internal")):
        run("report", tmp_path / "r", "--format", "xlsx", "--out", tmp_path / name, *asked)
    asked = {"sheet_name": "未达标村（居）", "dtype": str, "engine": "calamine"}
    shown = {
        name: pd.read_excel(tmp_path / name / "report.xlsx", **asked)["人数"].tolist() for name in ("shared", "office")
    }
    assert shown == {"shared": ["5", "<5", "<5"], "office": ["5", "3.5", "0.5"]}


def test_what_is_no_result_and_what_cannot_be_written_is_told(saved, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for command in ("map", "report"):
        with pytest.raises(InputFileError, match="is not a result folder"):
            run(command, tmp_path)
        with pytest.raises(OutputError, match="choose another --out"):
            run(command, saved, "--out", tmp_path / "file")


def test_a_measured_table_that_is_broken_is_named_when_it_is_wanted(saved, tmp_path):
    result = results.load(saved)
    with results.staged_folder(tmp_path / "r") as stage:
        results.save(result, stage)
    path = tmp_path / "r" / "layers" / "gaps.parquet"
    path.write_bytes(path.read_bytes()[:100])
    broken = results.load(tmp_path / "r")
    assert "gaps" in broken.measured
    assert "burial" not in broken.measured
    with pytest.raises(InputFileError, match=r"gaps\.parquet: cannot be read"):
        broken.measured["gaps"]
    with pytest.raises(InputFileError, match=r"gaps\.parquet: cannot be read"):
        run("map", tmp_path / "r", "--service", "meal_point")


def test_measured_tables_are_read_once_and_as_they_were_saved(saved):
    measured = results.load(saved).measured
    assert measured["gaps"] is measured["gaps"]
    assert list(measured) == ["gaps", "isochrones", "plans", "sites", "plan_access", "site_gains"]
    assert len(measured) == 6
    pd.testing.assert_frame_equal(measured["gaps"], measured_toy.gaps())
    assert isinstance(measured["gaps"], gpd.GeoDataFrame)


@pytest.mark.parametrize(
    ("formats", "asked", "wanted"),
    [(("html",), None, {"report.html"}), (("html", "xlsx"), None, {"report.html", "report.xlsx"}),
     (("html",), ("docx",), {"report.docx"})],
)  # fmt: skip
def test_a_run_writes_the_formats_of_its_study_or_those_asked_for(tmp_path, formats, asked, wanted):
    result = toy_town.result()
    outputs = result.study.outputs.model_copy(update={"formats": formats})
    study = result.study.model_copy(update={"outputs": outputs})
    result = dataclasses.replace(result, study=study, manifest={**result.manifest, "timings": {}})
    pipeline.write_result(result, tmp_path / "r", formats=asked)
    assert {path.name for path in (tmp_path / "r").glob("report.*")} == wanted
