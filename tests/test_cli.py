"""The command line on a toy study: what a planner sees when all is well, and one line for each thing that is not.

The toy: one street of 1.2 km from west to east at 31.6 N with a crossing in its middle, homes at both ends and one
canteen near the western end. At 3.6 km/h (1 m/s) the eastern home is out of a 15-minute walk.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chongming_gis import __version__, cli, results
from chongming_gis.config import read_study
from chongming_gis.maps.packing import pack

STREET = [[121.5000, 31.6], [121.5063, 31.6], [121.5126, 31.6]]  # 0.0063 degrees of longitude are about 598 m here
CROSSING = [[121.5063, 31.597], [121.5063, 31.6], [121.5063, 31.603]]
PEOPLE = "demand_id,name_zh,lon,lat,population,old\nw,西宅,121.5001,31.6001,100,40\ne,东宅,121.5125,31.6001,60,30\n"
PLACES = "facility_id,name_zh,lon,lat,capacity\nc1,西街助餐点,121.5008,31.5999,50\n"
STUDY = """
id = "toy"
name_zh = "示例区"
name_en = "Toy district"
data_date = 2024-12-31
crs = "EPSG:32651"
[sources.roads]
path = "roads.geojson"
kind = "schematic"
source = "test"
[sources.demand]
path = "people.csv"
datum = "wgs84"
kind = "schematic"
source = "test"
settlement_class = "village"
[[bases]]
id = "resident"
name_zh = "常住人口"
name_en = "residents"
source = "test"
[[groups]]
id = "all"
name_zh = "全部人口"
name_en = "everyone"
columns = { resident = ["population"] }
[[groups]]
id = "old"
name_zh = "老年人"
name_en = "older people"
columns = { resident = ["old"] }
[[settlement_classes]]
id = "village"
name_zh = "村"
name_en = "village"
[[modes]]
id = "walk"
name_zh = "步行"
name_en = "walking"
preset = "older_walk"
source = "preset"
[[services]]
id = "meal_point"
name_zh = "助餐点"
name_en = "meal point"
capacity_unit = "meals_per_day"
group = "old"
base = "resident"
facilities = { path = "places.csv", datum = "wgs84", kind = "schematic", source = "test" }
[[services.standards]]
id = "walk15"
name_zh = "步行15分钟"
name_en = "15 minutes on foot"
source = "test"
limits = [{ mode = "walk", minutes = 15 }]
"""


def roads(lines=(STREET, CROSSING), **properties):
    """Write lines as GeoJSON."""
    tags = {"highway": "residential", **properties}
    features = [
        {"type": "Feature", "properties": tags, "geometry": {"type": "LineString", "coordinates": line}}
        for line in lines
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.fixture
def toy(tmp_path):
    """A folder with the toy study."""
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "roads.geojson").write_text(roads(), encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8-sig")
    (folder / "places.csv").write_text(PLACES, encoding="utf-8-sig")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder


def command(monkeypatch, capsys, *arguments):
    """Run the program in this process: (exit code, standard output, standard error)."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys, "argv", ["chongming-gis", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    return ended.value.code or 0, said.out, said.err


def test_run_writes_the_result_and_says_who_is_covered(toy, monkeypatch, capsys, tmp_path):
    """The western home (40 old people) is covered, the eastern one (30), 1.1 km away, is not: 57.1 %."""
    code, out, _ = command(monkeypatch, capsys, "run", toy / "study.toml", "--out", tmp_path / "r")
    assert code == 0
    assert "57.1%" in out
    assert "30" in out
    result = results.load(tmp_path / "r")
    rows = result.access.set_index("demand_id")
    assert list(rows.loc[["w", "e"], "covered"]) == [True, False]
    assert rows.loc["e", "facility_id"] == "c1"
    assert 1000 < rows.loc["e", "time_s"] < 1300
    assert {path.name for path in (tmp_path / "r").iterdir()} >= {
        "report.html",
        "maps",
        "coverage.csv",
        "manifest.json",
    }


def test_english_and_quiet(toy, monkeypatch, capsys, tmp_path):
    """--lang en speaks English; --quiet says nothing at all."""
    code, out, _ = command(monkeypatch, capsys, "run", toy / "study.toml", "--out", tmp_path / "r", "--lang", "en")
    assert code == 0
    assert "meal point" in out
    code, out, err = command(monkeypatch, capsys, "run", toy / "study.toml", "--out", tmp_path / "r", "--quiet")
    assert (code, out, err) == (0, "", "")


def test_small_numbers_are_shown_for_internal_use_only(toy, monkeypatch, capsys, tmp_path):
    """Three old people in the eastern home: "<5" on the map and in its source, unless the run is --internal."""
    (toy / "people.csv").write_text(PEOPLE.replace("60,30", "60,3"), encoding="utf-8-sig")
    old = 'columns = { resident = ["old"] }'
    (toy / "study.toml").write_text(STUDY.replace(old, f"sensitive = true\n{old}"), encoding="utf-8")
    pages = {}
    for name, options in (("shared", ()), ("own", ("--internal",))):
        out = tmp_path / name
        code, *_ = command(monkeypatch, capsys, "run", toy / "study.toml", "--out", out, "--quiet", *options)
        assert code == 0
        page = (out / "maps" / "meal_point.html").read_text(encoding="utf-8")
        found = re.search(r'id="data-persons-resident-old">(.*?)</script>', page)
        pages[name] = json.loads(found.group(1))
        assert results.load(out).study.outputs.internal == bool(options)
    assert pages["shared"] == {"tenths": pack([1, 400]), "hidden": 2.5}
    assert pages["own"] == {"tenths": pack([30, 400])}


def test_default_folder_is_below_the_working_directory(toy, monkeypatch, capsys, tmp_path):
    """Without --out the result stands at ./chongming-result/<study id>."""
    monkeypatch.chdir(tmp_path)
    code, _, _ = command(monkeypatch, capsys, "run", toy / "study.toml", "--quiet")
    assert code == 0
    assert (tmp_path / "chongming-result" / "toy" / "report.html").is_file()


def test_check_of_a_sound_study_is_green(toy, monkeypatch, capsys, tmp_path):
    """Exit 0, every light is green, and the files stand where it says."""
    monkeypatch.chdir(tmp_path)
    code, out, _ = command(monkeypatch, capsys, "check", toy / "study.toml", "--lang", "en")
    assert code == 0
    assert out.count("● green") == 3
    assert "Green: ready to compute, no warnings." in out
    assert "chongming-check/toy/check.xlsx" in out
    written = sorted(path.name for path in (tmp_path / "chongming-check" / "toy").iterdir())
    assert written == ["check.json", "check.xlsx"]


def test_check_tells_all_faults_of_all_files_in_chinese(toy, monkeypatch, capsys, tmp_path):
    """A missing road file, a negative number of people and a facility outside: exit 2, each with file and row."""
    (toy / "roads.geojson").unlink()
    _edit("people.csv", "100,40", "-100,40")(toy)
    _edit("places.csv", ",50", ",-50")(toy)
    code, out, _ = command(monkeypatch, capsys, "check", toy / "study.toml", "--out", tmp_path / "c")
    assert code == 2
    assert "红灯：有 3 处错误" in out
    for words in ("roads.geojson", "people.csv", "places.csv", "第 2 行", "人数为负：-100"):
        assert words in out
    assert str(tmp_path) not in out.replace(str(tmp_path / "c"), "")  # files are named as the study names them


def test_check_quietly_says_errors_alone(toy, monkeypatch, capsys, tmp_path):
    """--quiet: nothing where all is well, and one line a fault where it is not."""
    assert command(monkeypatch, capsys, "check", toy / "study.toml", "--out", tmp_path / "c", "-q") == (0, "", "")
    _edit("places.csv", "121.5008,31.5999", "120.0,30.0")(toy)
    code, out, err = command(monkeypatch, capsys, "check", toy / "study.toml", "--out", tmp_path / "c", "-q")
    assert (code, out) == (2, "")
    assert err.startswith("error: places.csv, row 2 (c1): lies more than 5.0 km outside the roads")


def test_check_replaces_a_check_but_nothing_else(toy, monkeypatch, capsys, tmp_path):
    """Its own folder is written again; one with other files is refused before any work."""
    for _ in range(2):
        assert command(monkeypatch, capsys, "check", toy / "study.toml", "--out", tmp_path / "c", "-q")[0] == 0
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "thesis.docx").write_text("mine", encoding="utf-8")
    code, _, err = command(monkeypatch, capsys, "check", toy / "study.toml", "--out", tmp_path / "d", "-q")
    assert code == 2
    assert "would be lost" in err


def test_run_points_at_check_where_there_are_several_faults(toy, monkeypatch, capsys):
    """Two faults: the last line says how to see every row."""
    _edit("people.csv", "100,40", "-100,-40")(toy)
    _, _, err = command(monkeypatch, capsys, "run", toy / "study.toml")
    assert "`chongming-gis check`" in err.strip().splitlines()[-1]


def test_init_writes_a_study_that_parses_and_overwrites_nothing(monkeypatch, capsys, tmp_path):
    """The commented template is a valid study file; a second init refuses."""
    path = tmp_path / "study.toml"
    assert command(monkeypatch, capsys, "init", path)[0] == 0
    assert read_study(path).id == "my_district"
    code, _, err = command(monkeypatch, capsys, "init", path)
    assert code == 2
    assert "exists already" in err
    code, _, err = command(monkeypatch, capsys, "init", tmp_path / "no" / "study.toml")
    assert code == 2
    assert "cannot be written" in err


def test_version(monkeypatch, capsys):
    """--version prints the version."""
    assert command(monkeypatch, capsys, "--version")[1].strip() == f"chongming-gis {__version__}"


def _edit(name, old, new):
    def edit(folder):
        path = folder / name
        text = path.read_text(encoding="utf-8-sig")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return edit


def _write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def _point_layer_among_lines(folder):
    content = json.loads(roads())
    point = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [121.5, 31.6]}}
    content["features"].append(point)
    (folder / "roads.geojson").write_text(json.dumps(content), encoding="utf-8")


def _truncated_pbf(folder):
    source = Path(__file__).resolve().parents[2] / "shared" / "data" / "osm" / "liechtenstein.osm.pbf"
    if not source.is_file():
        pytest.skip("the real extracts (../shared/data) are not beside the repository")
    (folder / "roads.osm.pbf").write_bytes(source.read_bytes()[:300_000])
    _edit("study.toml", "roads.geojson", "roads.osm.pbf")(folder)


def _shapefile_without_prj(folder):
    import geopandas as gpd

    gpd.read_file(folder / "roads.geojson").to_file(folder / "roads.shp")
    (folder / "roads.prj").unlink()
    _edit("study.toml", "roads.geojson", "roads.shp")(folder)


FAULTS = {
    "no study file": (lambda folder: (folder / "study.toml").unlink(), ["study.toml", "no such study file"]),
    "not TOML": (_write("study.toml", b"id = \n"), ["study.toml", "TOML"]),
    "unknown key": (_edit("study.toml", "[[modes]]", "[[modes]]\ncolour = 1"), ["modes.walk.colour", "unknown key"]),
    "roads missing": (lambda folder: (folder / "roads.geojson").unlink(), ["roads.geojson"]),
    "roads of a wrong format": (_edit("study.toml", "roads.geojson", "people.csv"), ["people.csv", ".osm.pbf"]),
    "a pbf that is text": (
        lambda folder: (
            _write("r.osm.pbf", b"hello")(folder),
            _edit("study.toml", "roads.geojson", "r.osm.pbf")(folder),
        ),
        ["r.osm.pbf"],
    ),
    "truncated pbf": (_truncated_pbf, ["roads.osm.pbf"]),
    "no usable road": (_write("roads.geojson", roads(highway="proposed").encode()), ["roads.geojson"]),
    "no road for the mode": (_write("roads.geojson", roads(highway="motorway").encode()), ["walk", "motorway"]),
    "mixed geometry": (_point_layer_among_lines, ["roads.geojson", "Point"]),
    "no CRS": (_shapefile_without_prj, ["roads.shp", "CRS"]),
    "CRS of the study in degrees": (_edit("study.toml", "EPSG:32651", "EPSG:4326"), ["crs", "not in metres"]),
    "unknown CRS": (_edit("study.toml", "EPSG:32651", "EPSG:99"), ["crs", "EPSG:99"]),
    "facility outside": (_edit("places.csv", "121.5008,31.5999", "120.0,30.0"), ["places.csv", "c1", "outside"]),
    "lon and lat swapped": (_edit("places.csv", "121.5008,31.5999", "31.5999,121.5008"), ["places.csv"]),
    "no facility": (_write("places.csv", b"facility_id,name_zh,lon,lat\n"), ["places.csv", "meal_point"]),
    "negative capacity": (_edit("places.csv", ",50", ",-50"), ["places.csv", "capacity"]),
    "negative persons": (_edit("people.csv", "100,40", "-100,40"), ["people.csv", "population"]),
    "duplicate people": (_edit("people.csv", "e,东宅", "w,东宅"), ["people.csv", "w"]),
    "duplicate facilities": (
        _edit("places.csv", "c1,西", "c1,西街,121.5,31.6,1\nc1,西"),
        ["places.csv", "row 2, 3", "more than once"],
    ),
    "nobody in the group": (
        _write("people.csv", PEOPLE.replace(",40\n", ",0\n").replace(",30\n", ",0\n").encode()),
        ["old", "nobody"],
    ),
    "unknown mode": (_edit("study.toml", 'mode = "walk"', 'mode = "fly"'), ["fly", "walk"]),
    "unknown preset": (_edit("study.toml", '"older_walk"', '"jetpack"'), ["preset", "jetpack"]),
    "undeclared datum": (_edit("study.toml", 'places.csv", datum = "wgs84"', 'places.csv"'), ["places.csv", "datum"]),
    "missing column": (_edit("people.csv", "population", "people"), ["people.csv", "population"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_said_plainly_and_writes_nothing(fault, toy, monkeypatch, capsys, tmp_path):
    """Exit code 2, no traceback, the words that say where and what, and no result folder."""
    prepare, words = FAULTS[fault]
    prepare(toy)
    out = tmp_path / "r"
    code, said, err = command(monkeypatch, capsys, "run", toy / "study.toml", "--out", out, "--quiet")
    assert code == 2, err
    assert said == ""
    assert "Traceback" not in err
    assert err.startswith("error: ")
    for word in words:
        assert word in err
    assert not out.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_a_single_fault_is_one_line(toy, monkeypatch, capsys):
    """One thing wrong: one line."""
    (toy / "roads.geojson").unlink()
    _, _, err = command(monkeypatch, capsys, "run", toy / "study.toml")
    assert len(err.strip().splitlines()[-1:]) == 1
    assert err.strip().splitlines()[-1].startswith("error: ")


def test_a_file_where_the_result_should_go(toy, monkeypatch, capsys, tmp_path):
    """It is refused before any work, and the file stays."""
    (tmp_path / "r").write_text("mine", encoding="utf-8")
    code, _, err = command(monkeypatch, capsys, "run", toy / "study.toml", "--out", tmp_path / "r")
    assert code == 2
    assert "not a folder" in err
    assert (tmp_path / "r").read_text(encoding="utf-8") == "mine"


def test_a_folder_with_other_files_is_not_replaced(toy, monkeypatch, capsys, tmp_path):
    """Only a result may be replaced by a result."""
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "thesis.docx").write_text("mine", encoding="utf-8")
    code, _, err = command(monkeypatch, capsys, "run", toy / "study.toml", "--out", tmp_path / "r")
    assert code == 2
    assert "would be lost" in err
    assert (tmp_path / "r" / "thesis.docx").is_file()


def _as_program(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "chongming_gis", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to become another user")
def test_an_unprivileged_user_gets_one_line(toy, monkeypatch, capsys, tmp_path):
    """A folder that this user may not write: exit 2, one line, nothing written."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o755)
    made_by_pytest = [parent for parent in tmp_path.parents if "pytest" in parent.name or "popen" in parent.name]
    for path in (toy, tmp_path, *made_by_pytest):
        path.chmod(0o755)
    os.seteuid(65534)
    try:
        code, _, err = command(monkeypatch, capsys, "run", toy / "study.toml", "--out", closed / "r", "--quiet")
    finally:
        os.seteuid(0)
    assert code == 2, err
    assert "cannot be written by this user" in err
    assert list(closed.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to mount a small file system")
def test_a_full_disk_gets_one_line_and_keeps_the_old_result(toy, tmp_path):
    """A file system of 256 kB holds no result: exit 2, one line, and it is as empty as before."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine does not allow mounting a small file system")
    try:
        done = _as_program("run", toy / "study.toml", "--out", disk / "r", "--quiet")
        assert done.returncode == 2, done.stderr
        assert "No space left" in done.stderr
        assert "Traceback" not in done.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
