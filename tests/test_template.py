"""The empty workbook: an office fills it in, and it is read without any mapping."""

import openpyxl
import pytest
from pyproj import CRS
from typer.testing import CliRunner

from chongming_gis import cli, config, sources, template
from chongming_gis.errors import OutputError
from chongming_gis.sources import embedded_study_path, headers, records
from chongming_gis.wording import LANGUAGES, Words

METRIC = CRS.from_epsg(32651)


@pytest.fixture(scope="module")
def study():
    return config.read_study(embedded_study_path())


@pytest.fixture(scope="module")
def book(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "t.xlsx"
    template.write_template(path, study, services=[study.service("elder_home"), study.service("meal_point")])
    return path


def test_every_header_is_known_in_every_language(study):
    for language in LANGUAGES:
        words = Words(language)
        units = {service.capacity_unit for service in study.services} | {"spaces"}
        for column in template._COLUMNS:
            for unit in units:
                header = template.header_of(column, unit, words)
                expected = {
                    "serial": {None},
                    "capacity": {"capacity", f"capacity_{unit}"},
                    "used": {"used", f"used_{unit}"},
                }
                assert headers.FACILITIES.column_of(header) in expected.get(column, {column}), header


def test_the_workbook_has_a_sheet_per_service_and_hides_its_lists(study, book):
    loaded = openpyxl.load_workbook(book)
    names = [study.service(name).name_zh for name in ("elder_home", "meal_point")]
    assert loaded.sheetnames == ["说明", *names, "选项"]
    assert loaded["选项"].sheet_state == "hidden"
    sheet = loaded[study.service("elder_home").name_zh]
    assert sheet.freeze_panes == "C4"
    assert "城桥镇" in [cell.value for column in loaded["选项"].columns for cell in column]
    offered = {str(rule.sqref)[0]: rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert {"D", "K", "L", "M", "P"} <= set(offered)
    assert all(formula.startswith("'选项'!$") for formula in offered.values())
    assert sheet["B3"].comment.text.startswith("必填")
    assert not any(
        isinstance(cell.value, str) and cell.value.startswith("=") for row in sheet.iter_rows() for cell in row
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_filled_template_is_read_without_mapping(study, tmp_path, language):
    service = study.service("elder_home")
    path = tmp_path / "t.xlsx"
    template.write_template(path, study, services=[service, study.service("meal_point")], language=language)
    loaded = openpyxl.load_workbook(path)
    sheet = loaded[template.sheet_name(service, language)]
    choices = {name: Words(language)(f"template.choices.{name}").split("|") for name in template._CHOICES}
    values = {
        "serial": 1, "name_zh": '=甲"院"<b>', "township_name": "城桥镇", "lon": 121.4, "lat": 31.63,
        "capacity": 60, "used": 45,
        "level": choices["level"][1], "serves": choices["serves"][0], "status": choices["status"][0], "open_year": 2019,
        "standardised": choices["standardised"][0], "position_quality_m": 20, "source": "台账",
    }  # fmt: skip
    for position, column in enumerate(template._COLUMNS, start=1):
        cell = sheet.cell(5, position, values.get(column))
        if column == "name_zh":
            cell.data_type = "s"
    loaded.save(path)
    source = config.FacilitySource(path=path, kind="sourced", source="x", datum="wgs84")
    found = sources.read_facilities(
        source,
        path=path,
        service_id=service.id,
        capacity_unit=service.capacity_unit,
        crs=METRIC,
        service_names=(service.name_zh, service.name_en),
    )
    place = found.places.iloc[0]
    assert len(found.places) == 1
    assert place["name_zh"] == '=甲"院"<b>'
    assert place[["level", "serves", "status", "open_year", "standardised", "position_quality_m",
    "source"]].tolist() == [
        "township", "district", "existing", 2019, True, 20.0, "台账",
    ]  # fmt: skip
    assert found.capacity[["unit", "value", "used"]].to_numpy().tolist() == [["beds", 60.0, 45.0]]
    assert found.report["rows_dropped"] == {"row_example": 1}
    assert place["township_name"] == "城桥镇"


def test_an_untouched_template_has_no_records(book, study):
    found = records.read_records(
        book, vocabulary=headers.FACILITIES, sheet_names=(study.service("meal_point").name_zh,)
    )
    assert found.table.frame.empty
    assert [finding.rule for finding in found.findings] == ["row_example"]


def test_names_that_a_sheet_cannot_bear_or_would_compute(study, tmp_path):
    service = study.service("elder_home").model_copy(update={"name_zh": "养老/托老[机构]", "id": "elder_home"})
    assert template.sheet_name(service) == "elder_home"
    path = tmp_path / "t.xlsx"
    named = study.model_copy(update={"name_zh": '=HYPERLINK("http://a")'})
    template.write_template(path, named, services=[service.model_copy(update={"name_zh": "=1+1"})])
    loaded = openpyxl.load_workbook(path)
    assert all(cell.data_type != "f" for sheet in loaded for row in sheet.iter_rows() for cell in row)


def test_the_command_never_overwrites_and_leaves_nothing_half_written(tmp_path, monkeypatch, study):
    path = tmp_path / "t.xlsx"
    path.write_text("mine")
    result = CliRunner().invoke(cli.app, ["template", str(path), "--service", "small_home"])
    assert isinstance(result.exception, OutputError)
    assert path.read_text() == "mine"
    other = tmp_path / "new" / "u.xlsx"
    result = CliRunner().invoke(cli.app, ["template", str(other), "--service", "small_home", "--lang", "zh"])
    assert result.exit_code == 0
    assert "chongming-gis check" in result.output
    assert [entry.name for entry in other.parent.iterdir()] == ["u.xlsx"]

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(openpyxl.Workbook, "save", fail)
    with pytest.raises(OutputError, match="cannot be written"):
        template.write_template(tmp_path / "v.xlsx", study, services=[study.service("small_home")])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["new", "t.xlsx"]


def test_the_study_that_init_writes_has_a_template_too(tmp_path, monkeypatch):
    """It names no townships: the example row has a stand-in, and no unit is shown as a raw id."""
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    assert run(cli.app, ["init", "study.toml"]).exit_code == 0
    done = run(cli.app, ["template", "t.xlsx", "--study", "study.toml"])
    assert done.exception is None
    assert "meals_per_day" not in "".join(
        str(cell)
        for sheet in openpyxl.load_workbook("t.xlsx")
        for row in sheet.iter_rows(values_only=True)
        for cell in row
    )
