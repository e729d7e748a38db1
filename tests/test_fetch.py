"""``chongming-gis fetch`` as a planner uses it, against a stand-in server with the extract of Liechtenstein."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import tomllib

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from chongming_gis import cli, results, sources
from chongming_gis.config import read_study
from chongming_gis.sources import fetchedstudy, places
from tests.standin import overpass as standin

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.extract]
BOX = "9.514,47.132,9.526,47.144"
SMALL = ("--tile-km", "1.2", "--margin-km", "0.7", "--pause-s", "0")


@pytest.fixture(scope="module")
def extract(standin_extract):
    return standin_extract


@pytest.fixture
def server(extract):
    yield from standin.serve(extract)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path, server):
    """Run the program in this process against the stand-in: (exit code, standard output, standard error)."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("CHONGMING_GIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments, endpoint=True):
        there = ("--endpoint", server.url, "--nominatim", server.url) if endpoint else ()
        monkeypatch.setattr(sys, "argv", ["chongming-gis", *map(str, arguments), *there])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


def text_of(folder):
    return (folder / "study.toml").read_text(encoding="utf-8")


def test_a_box_becomes_a_study_that_is_checked_and_runs(command, server, tmp_path, shared_data):
    code, out, _ = command("fetch", BOX, "--out", tmp_path / "vaduz", *SMALL)
    assert code == 0
    assert "chongming-gis check" in out
    assert {path.name for path in (tmp_path / "vaduz").iterdir()} == {
        *("study.toml", "area.osm.pbf", "boundary.geojson", "townships.geojson", "land.geojson", "fetch.json"),
    }
    study = read_study(tmp_path / "vaduz" / "study.toml")
    assert [service.id for service in study.services] == ["cemetery", "community_affairs"]
    assert study.data_date.isoformat() == standin.OSM_DATE[:10]
    assert (study.sources.roads.kind, study.sources.roads.date) == ("sourced", standin.OSM_DATE)
    assert "© OpenStreetMap contributors" in study.sources.roads.licence
    assert command("check", tmp_path / "vaduz" / "study.toml", endpoint=False)[0] == 0
    code, out, err = command(
        "run", tmp_path / "vaduz" / "study.toml", "--out", tmp_path / "r", "--quiet", endpoint=False
    )
    assert (code, err) == (0, "")
    result = results.load(tmp_path / "r")
    assert set(result.townships["name_zh"]) >= {"Vaduz"}
    assert len(result.demand.points) > 100  # a home is a building within the boundary
    assert result.coverage["persons"].max() == pytest.approx(2.4 * len(result.demand.points))


def test_the_roads_are_those_of_the_extract(command, tmp_path, shared_data, server):
    assert command("fetch", BOX, "--out", tmp_path / "f", *SMALL)[0] == 0
    area = shapely.box(*map(float, BOX.split(",")))
    fetched = sources.read_roads(tmp_path / "f" / "area.osm.pbf", area=area, crs="EPSG:32632").edges
    direct = sources.read_roads(shared_data / "osm" / "liechtenstein.osm.pbf", area=area, crs="EPSG:32632").edges
    assert fetched[["u", "v", "way_id"]].equals(direct[["u", "v", "way_id"]])
    np.testing.assert_array_equal(fetched["length_m"], direct["length_m"])
    assert len(server.queries) > 5
    assert len(direct) > 300


def test_what_was_asked_is_written_down(command, tmp_path, server):
    command("fetch", BOX, "--out", tmp_path / "f", *SMALL)
    log = json.loads((tmp_path / "f" / "fetch.json").read_text(encoding="utf-8"))
    assert len(log["requests"]) == len(server.queries)
    assert log["osm_dates"] == [standin.OSM_DATE]
    for name, digest in log["files"].items():
        assert hashlib.sha256((tmp_path / "f" / name).read_bytes()).hexdigest() == digest
    assert all(len(asked["answer_sha256"]) == 64 and asked["server"] == server.url for asked in log["requests"])


def test_twice_the_same_makes_the_same_bytes_and_asks_nothing(command, tmp_path, server):
    command("fetch", BOX, "--out", tmp_path / "a" / "f", *SMALL)
    asked = len(server.queries)
    command("fetch", BOX, "--out", tmp_path / "b" / "f", *SMALL)
    assert len(server.queries) == asked
    for name in ("area.osm.pbf", "study.toml", "boundary.geojson", "townships.geojson", "land.geojson"):
        assert (tmp_path / "a" / "f" / name).read_bytes() == (tmp_path / "b" / "f" / name).read_bytes(), name


def test_services_without_a_facility_stand_there_as_comments_that_can_be_used(command, tmp_path):
    command("fetch", BOX, "--out", tmp_path / "f", *SMALL)
    text = text_of(tmp_path / "f")
    assert "# 老年助餐点 (meal_point): none is mapped in this area" in text
    assert "# 长者照护之家 (small_home): OpenStreetMap does not tell small care homes" in text
    start = text.index("# 老年助餐点 (meal_point)")
    end = text.index("\n\n", start)
    unmarked = "\n".join(line.removeprefix("#").removeprefix(" ") for line in text[start:end].splitlines()[1:])
    content = tomllib.loads(text[:start] + unmarked)
    assert content["services"][-1]["facilities"]["path"] == "meal_point.csv"
    (tmp_path / "f" / "own.toml").write_text(text[:start] + unmarked, encoding="utf-8")
    assert read_study(tmp_path / "f" / "own.toml").service("meal_point").standards


def test_a_polygon_file_is_the_boundary(command, tmp_path):
    area = shapely.Point(9.52, 47.138).buffer(0.005)
    gpd.GeoDataFrame(geometry=[area], crs=4326).to_file(tmp_path / "mine.geojson")
    code, _, _ = command("fetch", tmp_path / "mine.geojson", "--out", tmp_path / "f", *SMALL)
    assert code == 0
    assert gpd.read_file(tmp_path / "f" / "boundary.geojson").geometry[0].equals_exact(area, 1e-9)
    assert read_study(tmp_path / "f" / "study.toml").name_zh == "mine"


VADUZ = {
    "osm_type": "relation",
    "osm_id": 1155956,
    "name": "Vaduz",
    "importance": 0.7,
    "display_name": "Vaduz, Liechtenstein",
    "lat": "47.14",
    "lon": "9.52",
    "boundingbox": ["47.13", "47.15", "9.51", "9.53"],
    "geojson": {
        "type": "Polygon",
        "coordinates": [[[9.51, 47.13], [9.53, 47.13], [9.53, 47.15], [9.51, 47.15], [9.51, 47.13]]],
    },
}


@pytest.fixture
def no_pause(monkeypatch):
    """Osmnx waits a second before every question; not in tests."""
    monkeypatch.setattr("osmnx._nominatim.time", type("Clock", (), {"sleep": staticmethod(lambda _: None)}))


def test_a_place_name_is_looked_up_once(command, tmp_path, server, no_pause):
    import osmnx

    before = (osmnx.settings.nominatim_url, osmnx.settings.use_cache, dict(osmnx.settings.requests_kwargs))
    server.places["瓦杜兹"] = [VADUZ]
    code, _, err = command("fetch", "瓦杜兹", "--out", tmp_path / "a", *SMALL)
    assert (code, "error" in err) == (0, False)
    assert read_study(tmp_path / "a" / "study.toml").name_zh == "Vaduz"
    assert gpd.read_file(tmp_path / "a" / "boundary.geojson").total_bounds == pytest.approx([9.51, 47.13, 9.53, 47.15])
    log = json.loads((tmp_path / "a" / "fetch.json").read_text(encoding="utf-8"))
    assert log["place"]["how"] == "relation 1155956 of OpenStreetMap"
    command("fetch", "瓦杜兹", "--out", tmp_path / "b", *SMALL)
    assert sum(isinstance(query, dict) for query in server.queries) == 1
    assert (osmnx.settings.nominatim_url, osmnx.settings.use_cache, osmnx.settings.requests_kwargs) == before


def test_a_place_that_nobody_knows_is_told(command, tmp_path, no_pause):
    code, _, err = command("fetch", "Nowhere", "--out", tmp_path / "f")
    assert code == 2
    assert "knows no area named 'Nowhere'; add the district, province and country" in err
    assert not (tmp_path / "f").exists()


def test_a_place_that_is_a_point_is_told(command, server, no_pause):
    server.places["Vaduz Post"] = [{**VADUZ, "geojson": {"type": "Point", "coordinates": [9.52, 47.14]}}]
    assert "knows no area named 'Vaduz Post'" in command("fetch", "Vaduz Post")[2]


def test_a_busy_nominatim_is_not_waited_for_for_ever(command, server, no_pause, monkeypatch):
    monkeypatch.setattr("chongming_gis.sources.web.WebClient.wait", lambda *_: None)
    server.modes = ["429"] * 99
    code, _, err = command("fetch", "Vaduz")
    assert code == 2
    assert "answers 429" in err
    assert len(server.queries) == 5


def test_a_server_without_areas_gives_all_the_rest(command, tmp_path, server, monkeypatch):
    """The box lies wholly in one township, whose outline it does not meet; this server cannot say in which."""
    asked = standin.Extract.answer

    def no_areas(self, query):
        if "is_in" in query:
            server.modes = []
            raise ConnectionError
        return asked(self, query)

    monkeypatch.setattr(standin.Extract, "answer", no_areas)
    monkeypatch.setattr("chongming_gis.sources.web.WebClient.wait", lambda *_: None)
    code, out, _ = command("fetch", BOX, "--out", tmp_path / "f", *SMALL)
    assert code == 0
    assert "此服务器不能查询某点所在的行政区" in out
    assert "没有找到乡镇" in out
    assert read_study(tmp_path / "f" / "study.toml").sources.townships is None


def test_no_road_at_all_is_an_error_that_says_so(command, tmp_path, server):
    server.modes = ["empty"] * 99
    code, _, err = command("fetch", BOX, "--out", tmp_path / "f", *SMALL)
    assert code == 2
    assert f"{server.url} knows no road in {BOX}" in err
    assert ".osm.pbf" in err
    assert not (tmp_path / "f").exists()


def test_an_existing_folder_is_never_damaged(command, tmp_path, server):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "mine.xlsx").write_bytes(b"work of a week")
    code, _, err = command("fetch", BOX, "--out", tmp_path / "f")
    assert code == 2
    assert "exists already and is not overwritten" in err
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["mine.xlsx"]
    assert server.queries == []


def test_a_failed_fetch_leaves_no_folder(command, tmp_path, server):
    server.modes = ["", "", "400"]
    code, _, err = command("fetch", BOX, "--out", tmp_path / "f", *SMALL)
    assert code == 2
    assert "What was fetched so far is kept" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]
    asked = len(server.queries)
    assert command("fetch", BOX, "--out", tmp_path / "f", *SMALL)[0] == 0
    boxes = server.boxes()
    assert set(boxes[:2]).isdisjoint(boxes[asked:])


@pytest.mark.parametrize("box", ["9.53,47.13,9.51,47.15", "9.5,47.1,9.6,147.2"])
def test_a_box_that_is_none_is_told(command, box):
    code, _, err = command("fetch", box)
    assert code == 2
    assert "write west,south,east,north in degrees" in err


def test_a_box_may_begin_with_a_minus(command, tmp_path, server):
    server.modes = ["empty"] * 9
    assert "knows no road in -51.23,-30.05,-51.20,-30.02" in command("fetch", "-51.23,-30.05,-51.20,-30.02")[2]


def test_nothing_to_fetch_is_told(command):
    assert "name a place, a box or a polygon layer, or a study with --study" in command("fetch")[2]


def test_without_a_network_it_fails_in_seconds_and_says_what_to_do(tmp_path):
    """Whole program, as it is started: an address on this computer where nobody listens."""
    start = time.monotonic()
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "chongming_gis", "fetch", BOX, "--out", str(tmp_path / "f")),
            *("--endpoint", "http://127.0.0.1:9/api", "--cache", str(tmp_path / "c")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert time.monotonic() - start < 30.0  # most of it is Python starting
    assert ended.returncode == 2
    assert "no server can be reached; is there a network?" in ended.stderr
    assert "download an .osm.pbf" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "f").exists()


def test_killed_in_the_middle_it_goes_on_where_it_was(tmp_path, server, command):
    """kill -9 after some tiles; the second fetch asks only for the others, and its folder is that of one go."""
    server.pause_s = 0.15
    arguments = ["fetch", BOX, "--out", str(tmp_path / "f"), *SMALL, "--endpoint", server.url]
    environment = {**os.environ, "CHONGMING_GIS_CACHE": str(tmp_path / "cache")}
    process = subprocess.Popen(
        [sys.executable, "-m", "chongming_gis", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60.0
    while len(server.queries) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "f").exists()
    kept = len(list((tmp_path / "cache").glob("*.answer")))
    asked = len(server.queries)
    assert 3 <= kept <= asked
    server.pause_s = 0.0
    assert command("fetch", BOX, "--out", tmp_path / "f", *SMALL)[0] == 0
    log = json.loads((tmp_path / "f" / "fetch.json").read_text(encoding="utf-8"))
    assert len(server.queries) - asked == len(log["requests"]) - kept
    assert sum(request["from_cache"] for request in log["requests"]) == kept
    assert command("fetch", BOX, "--out", tmp_path / "g" / "f", "--cache", tmp_path / "c2", *SMALL)[0] == 0
    assert (tmp_path / "f" / "area.osm.pbf").read_bytes() == (tmp_path / "g" / "f" / "area.osm.pbf").read_bytes()


class TestOwnStudy:
    def study(self, folder, changes):
        text = (folder / "study.toml").read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        (folder / "own.toml").write_text(text, encoding="utf-8")
        return folder / "own.toml"

    def test_its_tags_are_looked_for(self, command, tmp_path):
        command("fetch", BOX, "--out", tmp_path / "f", *SMALL)
        own = self.study(tmp_path / "f", {'amenity = ["townhall"]': 'amenity = ["school", "kindergarten"]'})
        assert command("fetch", BOX, "--study", own, "--out", tmp_path / "g", *SMALL)[0] == 0
        study = read_study(tmp_path / "g" / "study.toml")
        assert study.service("community_affairs").facilities.tags == {"amenity": ("school", "kindergarten")}
        assert command("check", tmp_path / "g" / "study.toml", endpoint=False)[0] == 0


class TestPopulation:
    @pytest.fixture
    def grid(self, tmp_path):
        """A grid of 20 x 20 cells with one person each, as bytes."""
        path = tmp_path / "made.tif"
        transform = rasterio.Affine(0.0006, 0.0, 9.514, 0.0, -0.0006, 47.144)
        profile = {"driver": "GTiff", "width": 20, "height": 20, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
        with rasterio.open(path, "w", transform=transform, **profile) as file:
            file.write(np.ones((1, 20, 20), dtype=np.float32))
        return path.read_bytes()

    @pytest.fixture
    def url(self, server, grid):
        server.files["/grid.tif"] = grid
        return server.url.replace("/api", "/grid.tif")

    def test_a_grid_takes_the_place_of_buildings(self, command, tmp_path, url, grid):
        digest = hashlib.sha256(grid).hexdigest()
        arguments = ("--population", url, "--sha256", digest, "--people", "none")
        assert command("fetch", BOX, "--out", tmp_path / "f", *arguments, *SMALL)[0] == 0
        source = read_study(tmp_path / "f" / "study.toml").sources.demand
        assert (source.url, source.sha256, source.size_bytes) == (url, digest, len(grid))
        assert (tmp_path / "f" / "population.tif").read_bytes() == grid
        assert command("check", tmp_path / "f" / "study.toml", endpoint=False)[0] == 0

    def test_another_grid_than_expected_stops_the_fetch(self, command, tmp_path, url):
        code, _, err = command("fetch", BOX, "--out", tmp_path / "f", "--population", url, "--sha256", "0" * 64, *SMALL)
        assert code == 2
        assert "is not the file that was expected" in err
        assert not (tmp_path / "f").exists()

    def test_a_run_never_fetches_but_says_how(self, command, tmp_path, url, server, grid):
        command("fetch", BOX, "--out", tmp_path / "f", "--population", url, *SMALL)
        study, path = tmp_path / "f" / "study.toml", tmp_path / "f" / "population.tif"
        path.unlink()
        server.ranges.clear()
        code, _, err = command("check", study, "--quiet", endpoint=False)
        assert code == 2
        assert "is not there yet; `chongming-gis fetch --study`" in err
        assert server.ranges == []
        code, out, _ = command("fetch", "--study", study)
        assert (code, path.read_bytes()) == (0, grid)
        assert hashlib.sha256(grid).hexdigest() in out
        assert command("fetch", "--study", study)[0] == 0
        assert len(server.ranges) == 1  # it was there already
        path.write_bytes(grid[:-1] + b"x")
        assert "its sha256 is" in command("check", study, "--quiet", endpoint=False)[2]

    def test_without_people_the_study_says_what_is_missing(self, command, tmp_path):
        code, out, _ = command("fetch", BOX, "--out", tmp_path / "f", "--people", "none", *SMALL)
        assert code == 0
        assert "请先编辑" in out
        assert "# Nothing was fetched of where people live: add people.csv" in text_of(tmp_path / "f")


@pytest.mark.parametrize("name", ['"引号" <b>', "崇明区🏝", "a\\b\nc\x7f"])
def test_names_of_any_kind_survive_the_study_file(name, tmp_path):
    import datetime as dt

    facts = fetchedstudy.FetchedFacts(
        study_id="x",
        name=name,
        osm_date="",
        server="http://s",
        today=dt.date(2026, 11, 24),
        areas={},
        people="places",
    )
    follows = read_study(sources.embedded_study_path())
    text = fetchedstudy.study_file(facts, follows=follows, services={}, found={})
    assert tomllib.loads(text)["name_zh"] == name
    assert not fetchedstudy.is_valid(text, tmp_path)  # a study needs a service
    assert tomllib.loads(text)["data_date"] == dt.date(2026, 11, 24)


def test_an_area_grows_by_metres():
    grown = places.grown(shapely.box(9.51, 47.13, 9.53, 47.15), 1000.0)
    west, south, east, north = grown.bounds
    assert (9.51 - west) * 75_800 == pytest.approx(1000.0, rel=0.02)  # a degree of longitude at 47.14 N in metres
    assert (47.13 - south) * 111_200 == pytest.approx(1000.0, rel=0.02)
    assert (east > 9.54, north > 47.158) == (True, True)
