"""The study file: every fault at once with its key and what is allowed; frozen; minutes out of sight below it."""

import dataclasses
import datetime as dt
import tomllib
from pathlib import Path

import pydantic
import pytest

from chongming_gis import config
from chongming_gis.errors import InputFileError, StudyError
from tests.toy.study import content, study

REPOSITORY = Path(__file__).resolve().parents[1]


def faults(**changes):
    with pytest.raises(StudyError) as caught:
        config.parse_study(content(**changes), folder=Path(), where="my.toml")
    return str(caught.value)


def test_a_study_and_its_defaults():
    found = study()
    assert found.data_date == dt.date(2024, 12, 31)
    assert found.search_limit_s == 14_400.0
    assert (found.region.boundary, found.outputs.language, found.outputs.folder) == (None, "zh", None)
    assert found.services[0].direction == "to_facility"
    assert found.service("meal") is found.services[0]


def test_minutes_become_seconds_and_are_named_so():
    limits = study().services[0].standards[1].limits
    assert [limit.limit_s for limit in limits] == [240.0, 840.0]
    exact = study(services__0__standards__0__limits=[{"mode": "foot", "minutes": 4.1}])
    assert exact.services[0].standards[0].limits[0].limit_s == 246.0
    assert study(region={"search_limit_min": 8.2}).search_limit_s == 492.0


def test_what_a_standard_says_of_itself():
    walk15, by_class = study().services[0].standards
    assert (walk15.mode_label, walk15.common_limit_s) == ("foot", 900.0)
    assert (by_class.mode_label, by_class.common_limit_s) == ("foot", None)
    mixed = (
        study(
            services__0__standards__1__limits=[
                {"settlement": "town", "mode": "foot", "minutes": 15},
                {"settlement": "village", "mode": "bike", "minutes": 15},
            ]
        )
        .services[0]
        .standards[1]
    )
    assert (mixed.mode_label, mixed.common_limit_s) == ("by_settlement", 900.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": 1}, "colour: unknown key"),
        ({"services__0__colour": 1}, "services.meal.colour: unknown key"),
        ({"services__0__standards__0__limits": [{"mode": "foot", "minutes": 15, "km": 1}]}, "limits.0.km: unknown key"),
        ({"sources__roads__kind": "guessed"}, "sources.roads.kind = 'guessed'"),
        ({"id": "Meal Point"}, "id = 'Meal Point': an id is lower-case"),
        ({"id": "1st"}, "an id is lower-case"),
        ({"crs": "EPSG:4326"}, "crs = 'EPSG:4326'"),
        ({"crs": "EPSG:0"}, "not a known CRS"),
        ({"seed": -1}, "seed = -1"),
        ({"data_date": "soon"}, "data_date = 'soon'"),
        ({"services__0__standards__0__limits": [{"mode": "foot", "minutes": 0}]}, "minutes = 0"),
        ({"services__0__standards__0__limits": [{"mode": "foot", "minutes": float("nan")}]}, "minutes = nan"),
        ({"services__0__standards__0__limits": [{"mode": "foot", "minutes": float("inf")}]}, "minutes = inf"),
        ({"region": {"search_limit_min": -5}}, "region.search_limit_min = -5"),
        ({"services__0__direction": "sideways"}, "services.meal.direction = 'sideways'"),
        ({"modes__0__preset": "tram"}, "modes.foot.preset = 'tram'"),
        ({"modes__0__speed_kmh": {"primary": -3}}, "modes.foot.speed_kmh.primary = -3"),
        ({"modes__0__speed_kmh": 0}, "modes.foot.speed_kmh = 0"),
        ({"modes__0__speed_kmh": "fast"}, "modes.foot.speed_kmh = 'fast'"),
        ({"services": []}, "services = []"),
        ({"services__0__standards": []}, "services.meal.standards = []"),
        ({"services__0__standards__0__limits": []}, "limits = []"),
        ({"groups__0__columns": {"resident": []}}, "groups.all.columns.resident = []"),
        ({"outputs": {"language": "fr"}}, "outputs.language = 'fr'"),
        # names that do not meet
        (
            {"services__0__group": "young"},
            "services.meal.group: 'young' is not declared in this study; allowed: all, old",
        ),
        ({"services__0__base": "guests"}, "services.meal.base: 'guests' is not declared"),
        ({"groups__0__columns": {"guests": ["n"]}}, "groups.all.columns: 'guests' is not declared"),
        (
            {"services__0__standards__0__limits": [{"mode": "tram", "minutes": 5}]},
            "walk15.mode: 'tram' is not declared",
        ),
        (
            {"services__0__standards__0__limits": [{"mode": "foot", "minutes": 5, "settlement": "hamlet"}]},
            "walk15.settlement: 'hamlet' is not declared in this study; allowed: all, town, village",
        ),
        ({"sources__demand__settlement_class": "hamlet"}, "sources.demand.settlement_class: 'hamlet' is not declared"),
        # a class without a limit, or with two
        (
            {"services__0__standards__1__limits": [{"mode": "foot", "minutes": 5, "settlement": "town"}]},
            "services.meal.standards.by_class.limits: none for settlement class village",
        ),
        (
            {"services__0__standards__0__limits": [{"mode": "foot", "minutes": 5}, {"mode": "foot", "minutes": 6}]},
            "give one limit per settlement class",
        ),
        (
            {
                "services__0__standards__0__limits": [
                    {"mode": "foot", "minutes": 5},
                    {"mode": "foot", "minutes": 6, "settlement": "town"},
                ]
            },
            "give one limit per settlement class, or a single one for all",
        ),
    ],
)
def test_a_fault_names_its_key_its_value_and_what_is_allowed(changes, words):
    message = faults(**changes)
    assert message.startswith("my.toml: 1 fault(s)\n  ")
    assert words in message


def test_ids_that_are_given_twice():
    twice = content()["services"][0]
    message = faults(services=[twice, twice])
    assert "services: the id 'meal' is given twice" in message
    assert "bases: the id 'resident' is given twice" in faults(bases=content()["bases"] * 2)
    assert "modes: the id 'foot' is given twice" in faults(modes=content()["modes"][:1] * 2)
    standards = twice["standards"][:1] * 2
    assert "services.meal.standards: the id 'walk15' is given twice" in faults(services__0__standards=standards)


def test_a_group_without_columns_for_the_base_of_its_service():
    bases = [*content()["bases"], {"id": "registered", "name_zh": "x", "name_en": "x", "source": "x"}]
    message = faults(bases=bases, services__0__base="registered")
    assert "services.meal: group 'all' has no columns for base 'registered'" in message


def test_every_fault_is_told_at_once():
    message = faults(
        colour=1, seed=-1, sources__roads__kind="x", services__0__direction="x", modes__1__speed_kmh=0, id="A"
    )
    assert message.startswith("my.toml: 6 fault(s)")
    for key in ("colour", "seed", "sources.roads.kind", "services.meal.direction", "modes.bike.speed_kmh", "id"):
        assert f"\n  {key}" in message


def test_a_missing_key_is_named():
    made = content()
    del made["data_date"], made["services"][0]["group"]
    with pytest.raises(StudyError, match=r"data_date: is missing and has no default") as caught:
        config.parse_study(made, folder=Path())
    assert "services.meal.group: is missing" in str(caught.value)


def test_names_are_checked_in_all_services_at_once():
    other = {**content()["services"][0], "id": "other", "group": "nobody", "base": "nothing"}
    message = faults(services=[{**content()["services"][0], "group": "young"}, other])
    for words in ("services.meal.group: 'young'", "services.other.group: 'nobody'", "services.other.base: 'nothing'"):
        assert words in message


def test_nothing_of_a_study_can_be_changed():
    found = study()
    with pytest.raises(pydantic.ValidationError):
        found.id = "other"
    with pytest.raises(pydantic.ValidationError):
        found.services[0].standards[0].limits[0].minutes = 5
    assert isinstance(found.services, tuple)


def test_an_unknown_service_is_named_with_those_there_are():
    with pytest.raises(StudyError, match="no service 'pool'; it has meal"):
        study().service("pool")


def test_the_place_of_the_file_is_no_key_of_it():
    assert "folder: unknown key" in faults(folder="/home")


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


LAYOUT = """
id = "s"
name_zh = "名"
name_en = "n"
data_date = 2024-12-31
modes = [{ id = "foot", name_zh = "x", name_en = "x", preset = "older_walk", source = "x" }]
bases = [{ id = "r", name_zh = "x", name_en = "x", source = "x" }]
groups = [{ id = "g", name_zh = "x", name_en = "x", columns = { r = ["n"] } }]
settlement_classes = [{ id = "town", name_zh = "x", name_en = "x" }]
[sources]
roads = { path = "../r.osm", kind = "sourced", source = "x" }
demand = { path = "d.csv", kind = "sourced", source = "x" }
[[services]]
id = "m"
name_zh = "x"
name_en = "x"
group = "g"
base = "r"
facilities = { path = "/far/m.csv", kind = "sourced", source = "x" }
[[services.standards]]
id = "s15"
name_zh = "x"
name_en = "x"
source = "x"
limits = [{ mode = "foot", minutes = 15 }]
"""


def test_the_digest_is_of_the_content_not_of_layout_comments_or_place(tmp_path):
    """Keys in another order, comments, 15.0 for 15, a byte-order mark, another folder: the same digest."""
    one = config.read_study(write(tmp_path / "one.toml", LAYOUT))
    (tmp_path / "deep").mkdir()
    lines = LAYOUT.replace("minutes = 15", "minutes = 15.0").split("[sources]")
    turned = "\ufeff# a comment\n" + "\n".join(reversed(lines[0].strip().split("\n"))) + "\n\n[sources]" + lines[1]
    other = config.read_study(write(tmp_path / "deep" / "other.toml", turned))
    assert one.digest == other.digest
    assert len(one.digest) == 64
    changed = config.read_study(write(tmp_path / "c.toml", LAYOUT.replace("minutes = 15", "minutes = 16")))
    assert changed.digest != one.digest


def test_the_digest_survives_saving_and_loading():
    found = study()
    again = config.StudyConfig.model_validate(found.model_dump(mode="json"))
    assert (again, again.digest) == (found, found.digest)


def test_paths_start_at_the_study_file(tmp_path):
    (tmp_path / "studies").mkdir()
    found = config.read_study(write(tmp_path / "studies" / "s.toml", LAYOUT))
    assert found.resolve(found.sources.demand.path) == tmp_path / "studies" / "d.csv"
    assert found.resolve(found.sources.roads.path).resolve() == (tmp_path / "r.osm").resolve()
    assert found.resolve(found.services[0].facilities.path) == Path("/far/m.csv")


def test_a_study_in_a_linked_folder_finds_what_lies_beside_the_real_one(tmp_path):
    """`..` of a linked folder is the folder above the real one, as the shell and open() have it."""
    (tmp_path / "real" / "deep" / "studies").mkdir(parents=True)
    (tmp_path / "real" / "deep" / "r.osm").write_text("")
    write(tmp_path / "real" / "deep" / "studies" / "s.toml", LAYOUT)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep" / "studies")
    found = config.read_study(tmp_path / "link" / "s.toml")
    assert found.resolve(found.sources.roads.path).is_file()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id = 5\nid 6", "is not valid TOML: .*line 2"),
        ('id = "a"\nid = "b"', "not valid TOML"),
        (None, "no such study file.*init"),
    ],
)
def test_a_file_that_is_no_study(tmp_path, text, words):
    path = tmp_path / "s.toml"
    if text is not None:
        write(path, text)
    with pytest.raises(InputFileError, match=rf"s\.toml: .*{words}"):
        config.read_study(path)


def test_a_folder_or_foreign_bytes_are_no_study(tmp_path):
    with pytest.raises(InputFileError, match="cannot be read"):
        config.read_study(tmp_path)
    (tmp_path / "gbk.toml").write_bytes('name_zh = "崇明"'.encode("gbk"))
    with pytest.raises(InputFileError, match=r"gbk\.toml: cannot be read as UTF-8"):
        config.read_study(tmp_path / "gbk.toml")


def test_an_empty_study_names_what_it_lacks(tmp_path):
    with pytest.raises(StudyError, match="services: is missing"):
        config.read_study(write(tmp_path / "s.toml", ""))


@pytest.mark.parametrize(
    "path",
    sorted(REPOSITORY.glob("studies/*.toml")) + sorted(REPOSITORY.glob("tests/studies/*.toml")),
    ids=lambda path: path.stem,
)
def test_the_studies_of_the_repository_are_valid(path):
    assert config.read_study(path).id == path.stem


def test_the_template_is_toml():
    template = REPOSITORY / "chongming_gis" / "study_template.toml"
    assert "services" in tomllib.loads(template.read_text(encoding="utf-8"))
    config.read_study(template)


def test_presets_of_the_study_file_are_those_of_the_network():
    from typing import get_args

    from chongming_gis import network

    assert set(get_args(config.Preset)) == set(network.PRESETS)
    assert {mode.access for mode in network.PRESETS.values()} <= set(get_args(config.Access))
    assert all(dataclasses.is_dataclass(mode) for mode in network.PRESETS.values())


@pytest.mark.parametrize(
    ("written", "kept"),
    [("wgs84", "wgs84"), ("GCJ-02", "gcj02"), ("BD09", "bd09"), ("CGCS2000", "cgcs2000")],
)
def test_datums_may_be_written_as_people_write_them(written, kept):
    found = study(services__0__facilities__datum=written, sources__demand__datum=written)
    assert found.services[0].facilities.datum == found.sources.demand.datum == kept


@pytest.mark.parametrize("axes", ["easting_northing", "northing_easting"])
def test_a_grid_is_declared_with_the_order_of_its_axes(axes):
    found = study(services__0__facilities__datum="EPSG:4549", services__0__facilities__axes=axes)
    assert (found.services[0].facilities.datum, found.services[0].facilities.axes) == ("epsg:4549", axes)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"datum": "epsg:4549"}, ["services.meal.facilities: axes is missing", "axes = 'northing_easting'"]),
        ({"datum": "gcj02", "axes": "easting_northing"}, ["axes is only for datum = 'epsg:N', not for gcj02"]),
        ({"axes": "easting_northing"}, ["axes is given without a datum"]),
        ({"datum": "epsg:4549", "axes": "north_east"}, ["services.meal.facilities.axes = 'north_east'"]),
        ({"datum": "epsg:4326"}, ["services.meal.facilities.datum = 'epsg:4326'", "write datum = 'wgs84'"]),
        ({"datum": "epsg:2379", "axes": "northing_easting"}, ["Xian 1980", "delivered in CGCS2000"]),
        ({"datum": "baidu"}, ["datum = 'baidu'", "write wgs84, cgcs2000, gcj02, bd09, or epsg:N"]),
    ],
)
def test_datums_that_cannot_be_are_told_with_what_to_write(declared, words):
    source = {"path": "m.csv", "kind": "sourced", "source": "test", **declared}
    told = faults(services__0__facilities=source)
    assert all(word in told for word in words), told
