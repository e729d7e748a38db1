"""`chongming-gis compare` on two runs of the toy street: what it prints and writes, one line for what it refuses."""

import json
import shutil

import pandas as pd
import pytest

from chongming_gis import pipeline, results
from chongming_gis.config import read_study
from tests.test_cli import PEOPLE, PLACES, STUDY, command, roads

EAST = "c2,东街助餐点,121.5120,31.5999,20\n"  # within a few minutes of the eastern home
FILES = {"compare.html", "compare.json", "compare.csv", "people.csv", "facilities.csv", "capacity.csv",
         "indicators.csv", "inputs.csv"}  # fmt: skip


def write_study(folder, *, places=PLACES, people=PEOPLE, study=STUDY, lines=None):
    folder.mkdir(parents=True)
    (folder / "roads.geojson").write_text(roads() if lines is None else lines, encoding="utf-8")
    (folder / "people.csv").write_text(people, encoding="utf-8-sig")
    (folder / "places.csv").write_text(places, encoding="utf-8-sig")
    (folder / "study.toml").write_text(study, encoding="utf-8")
    return folder / "study.toml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Results of the toy street by name: as it is, with a second canteen, and others; each is run once."""
    root = tmp_path_factory.mktemp("compare")
    made = {}

    def result(name, **changes):
        if name not in made:
            study = read_study(write_study(root / name, **changes))
            made[name] = root / f"{name}-result"
            with results.staged_folder(made[name]) as stage:  # its tables are enough: no maps, no report
                results.save(pipeline.run_study(study), stage)
        return made[name]

    return result


@pytest.fixture
def one(run):
    return run("one")


@pytest.fixture
def two(run):
    return run("two", places=PLACES + EAST)


def table(folder, name):
    return pd.read_csv(folder / name, encoding="utf-8-sig")


def test_a_new_canteen_is_told_with_who_gained_and_why(one, two, monkeypatch, capsys, tmp_path):
    """Of 70 old people 40 were covered; the second canteen brings the 30 of the eastern home."""
    out = tmp_path / "c"
    code, said, err = command(monkeypatch, capsys, "compare", one, two, "--out", out, "--lang", "en")
    assert (code, err) == (0, "")
    for words in ("57.1%", "100%", "+42.9", "30", str(out / "compare.html")):
        assert words in said
    assert {path.name for path in out.iterdir()} == FILES
    people = table(out, "people.csv")
    assert people[["demand_id", "change", "cause", "persons"]].to_numpy().tolist() == [["e", "gained", "new_site", 30]]
    assert table(out, "facilities.csv")[["facility_id", "change"]].to_numpy().tolist() == [["c2", "new"]]
    district = table(out, "compare.csv").query("scope == 'district' and group == 'old'").iloc[0]
    assert district["persons_covered_before"] == 40
    assert district["change_covered"] == 30
    kept = json.loads((out / "compare.json").read_text(encoding="utf-8"))
    assert kept["services"]["meal_point"] == pytest.approx(
        {"share_before": 4 / 7, "share_after": 1.0, "gained": 30.0, "lost": 0.0}
    )
    page = (out / "compare.html").read_text(encoding="utf-8")
    assert "30 people gained it (new site: 30)" in page
    assert "东街助餐点" in page
    assert ": another file content (places.csv)" in page
    assert "roads.geojson" not in page.partition('id="inputs"')[2].partition("</section>")[0]


def test_the_other_way_round_it_is_a_loss_by_closing(one, two, monkeypatch, capsys, tmp_path):
    code, said, _ = command(monkeypatch, capsys, "compare", two, one, "--out", tmp_path / "c")
    assert code == 0
    assert "−42.9" in said
    page = (tmp_path / "c" / "compare.html").read_text(encoding="utf-8")
    assert "不再达标 30 人（设施关闭 30 人）" in page


def test_a_result_beside_itself_does_not_differ(one, monkeypatch, capsys, tmp_path):
    out = tmp_path / "c"
    assert command(monkeypatch, capsys, "compare", one, one, "--out", out, "-q") == (0, "", "")
    page = (out / "compare.html").read_text(encoding="utf-8")
    assert "两个结果没有差别" in page
    assert "文件、数据日期、出行方式和标准都相同" in page
    assert table(out, "people.csv").empty


def test_by_default_it_is_written_below_the_working_directory_and_again(one, two, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert command(monkeypatch, capsys, "compare", one, two, "-q")[0] == 0
    assert (tmp_path / "chongming-compare" / "toy" / "compare.html").is_file()
    assert [path.name for path in (tmp_path / "chongming-compare").iterdir()] == ["toy"]


def test_the_same_two_results_give_the_same_bytes(one, two, monkeypatch, capsys, tmp_path):
    for name in ("a", "b"):
        command(monkeypatch, capsys, "compare", one, two, "--out", tmp_path / name, "-q")
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_another_name_of_the_study_does_not_hide_the_district(one, run, monkeypatch, capsys, tmp_path):
    """The id names the district in the tables: with another id the whole is still the whole."""
    renamed = run("renamed", places=PLACES + EAST, study=STUDY.replace('id = "toy"', 'id = "own_toy"'))
    code, said, _ = command(monkeypatch, capsys, "compare", one, renamed, "--out", tmp_path / "c", "--lang", "en")
    assert code == 0
    assert "+42.9" in said


def test_another_limit_is_the_cause_and_told_among_what_differs(one, run, monkeypatch, capsys, tmp_path):
    longer = run("longer", study=STUDY.replace("minutes = 15", "minutes = 25"))
    command(monkeypatch, capsys, "compare", one, longer, "--out", tmp_path / "c", "--lang", "en", "-q")
    page = (tmp_path / "c" / "compare.html").read_text(encoding="utf-8")
    assert "standard or speed: 30" in page
    assert "walking 15 min → walking 25 min" in page


def test_other_people_are_compared_by_area_only(one, run, monkeypatch, capsys, tmp_path):
    others = run("others", people=PEOPLE.replace("\ne,", "\nx,"))
    code, _, _ = command(monkeypatch, capsys, "compare", one, others, "--out", tmp_path / "c", "--lang", "en")
    assert code == 0
    assert "compared by area only" in (tmp_path / "c" / "compare.html").read_text(encoding="utf-8")
    assert table(tmp_path / "c", "people.csv").empty


@pytest.mark.parametrize("place", [0, 1])
def test_what_is_no_result_is_refused_by_name(one, monkeypatch, capsys, tmp_path, place):
    empty = tmp_path / "empty"
    empty.mkdir()
    pair = [one, one]
    pair[place] = empty
    code, _, err = command(monkeypatch, capsys, "compare", *pair, "--out", tmp_path / "c")
    assert code == 2
    assert f"error: {empty}: is not a result folder (manifest.json is missing)" in err
    assert not (tmp_path / "c").exists()


def test_a_result_of_another_format_is_refused(one, monkeypatch, capsys, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(one, old)
    manifest = json.loads((old / "manifest.json").read_text(encoding="utf-8"))
    (old / "manifest.json").write_text(json.dumps({**manifest, "format": 1}), encoding="utf-8")
    code, _, err = command(monkeypatch, capsys, "compare", old, one, "--out", tmp_path / "c")
    assert code == 2
    assert "is a result in format 1" in err


def test_results_in_different_crs_or_of_other_services_are_refused(one, run, monkeypatch, capsys, tmp_path):
    elsewhere = run("elsewhere", study=STUDY.replace("EPSG:32651", "EPSG:4549"))
    code, _, err = command(monkeypatch, capsys, "compare", one, elsewhere, "--out", tmp_path / "c")
    assert code == 2
    assert "different coordinate systems (EPSG:32651 and EPSG:4549)" in err
    other = run("other", study=STUDY.replace('id = "meal_point"', 'id = "care_home"'))
    code, _, err = command(monkeypatch, capsys, "compare", one, other, "--out", tmp_path / "c")
    assert code == 2
    assert "no service in common" in err
    assert "toy has meal_point; toy has care_home" in err
    assert not (tmp_path / "c").exists()


def test_a_result_or_other_files_are_never_overwritten(one, two, monkeypatch, capsys, tmp_path):
    """--out on a result folder by mistake: it is no comparison, so it stays as it is."""
    before = sorted(path.name for path in one.iterdir())
    code, _, err = command(monkeypatch, capsys, "compare", one, two, "--out", one)
    assert code == 2
    assert "holds other files" in err
    assert sorted(path.name for path in one.iterdir()) == before
