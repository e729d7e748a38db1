"""Overpass against the stand-in server, which answers from the extract of Liechtenstein."""

import datetime as dt
import json
import time

import osmium
import pytest
import shapely

from chongming_gis import sources
from chongming_gis.errors import FetchError
from chongming_gis.sources import osmasked, osmwrite, overpass
from chongming_gis.sources.cache import Cache
from chongming_gis.sources.overpass import Overpass
from chongming_gis.sources.web import Patience, WebClient
from tests.standin import overpass as standin

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.extract]
VADUZ = (9.510, 47.130, 9.530, 47.150)  # the town and its vineyards
EMPTY = (9.4711, 47.2600, 9.4712, 47.2601)  # a corner of the extract without anything
ROADS = ['way["highway"]', 'way["route"="ferry"]']


@pytest.fixture(scope="module")
def extract(standin_extract):
    return standin_extract


@pytest.fixture
def server(extract):
    yield from standin.serve(extract)


class Waits(list):
    """A sleep that is remembered and not slept."""

    def __call__(self, seconds):
        self.append(seconds)


@pytest.fixture
def waits():
    return Waits()


@pytest.fixture
def asking(server, tmp_path, waits):
    def make(**patience):
        client = WebClient(patience=Patience(**{"pause_s": 0.0, **patience}), sleep=waits)
        return Overpass(client, Cache(tmp_path / "kept"), (server.url,))

    return make


def silent(done, of):
    pass


def ids(tiles):
    return [(e["type"], e["id"]) for e in osmwrite.merge(tile.elements for tile in tiles)]


@pytest.fixture(scope="module")
def whole(extract):
    """Everything that is asked of Vaduz, straight from the extract."""
    return sorted(
        ((e["type"], e["id"]) for e in extract.answer(overpass.query(VADUZ, ROADS))),
        key=lambda key: (("node", "way", "relation").index(key[0]), key[1]),
    )


@pytest.mark.parametrize(
    "mode", ["429", "429-without-time", "504", "truncated", "half", "html", "remark-busy", "hang-up"]
)
def test_whatever_goes_wrong_once_the_answer_is_whole(server, asking, whole, mode):
    server.modes = [mode]
    tiles = asking().fetch_tiles([VADUZ], ROADS, silent)
    assert ids(tiles) == whole
    assert len(server.queries) == 2


def test_429_waits_as_long_as_the_server_says(server, asking, waits):
    server.modes = ["429"]
    asking().fetch(VADUZ, ROADS)
    assert waits == [7.0]


def test_429_without_a_time_waits_for_the_slot_of_the_status_page(server, asking, waits):
    server.modes = ["429-without-time"]
    free_at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=40)
    server.status = f"Rate limit: 2\nSlot available after: {free_at:%Y-%m-%dT%H:%M:%SZ}, in 40 seconds.\n"
    asking().fetch(VADUZ, ROADS)
    assert len(waits) == 1
    assert 30.0 < waits[0] <= 40.0


def test_a_slow_answer_is_asked_for_in_quarters(server, asking, whole):
    server.modes = ["slow"]
    start = time.monotonic()
    tiles = asking(silence_s=0.3, rounds=1).fetch_tiles([VADUZ], ROADS, silent)
    assert time.monotonic() - start < 10.0
    assert len(tiles) == 4
    assert ids(tiles) == whole


def test_a_server_that_is_slow_for_small_tiles_too_is_given_up(server, asking):
    server.modes = ["504"] * 99
    with pytest.raises(FetchError, match=r"answers 504 .*download an \.osm\.pbf"):
        asking(rounds=2).fetch_tiles([VADUZ], ROADS, silent)
    assert len(server.queries) == 4


def test_a_remark_means_that_the_tile_is_cut(server, asking, whole):
    """osmnx takes the half that comes with such a remark for the whole."""
    server.full_above = 0.015  # wider boxes time out, beside half of their elements
    heard = []
    tiles = asking().fetch_tiles([VADUZ], ROADS, lambda done, of: heard.append((done, of)))
    assert ids(tiles) == whole
    assert [tile.box for tile in tiles] == list(overpass.quarters(VADUZ))
    assert heard == [(0, 1), (0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    asked = len(server.queries)
    again = asking().fetch_tiles([VADUZ], ROADS, silent)  # that it was too much is kept too
    assert (ids(again), len(server.queries)) == (whole, asked)


def test_a_tile_that_is_never_whole_is_an_error(server, asking):
    server.full_above = 0.0
    with pytest.raises(FetchError, match=r"gives no whole answer even for the small tile .*timed out"):
        asking().fetch_tiles([VADUZ], ROADS, silent)


def test_an_empty_answer_is_an_answer(server, asking):
    tile = asking().fetch(EMPTY, ROADS)
    assert tile.elements == []
    assert asking().fetch(EMPTY, ROADS).kept.is_new is False
    assert len(server.queries) == 1


def test_a_damaged_answer_is_asked_for_again(server, asking, whole):
    tile = asking().fetch(VADUZ, ROADS)
    path = asking().cache.path(tile.kept.key)
    path.write_bytes(path.read_bytes()[:-100])
    assert ids([asking().fetch(VADUZ, ROADS)]) == whole
    assert len(server.queries) == 2


def test_what_was_kept_is_not_asked_for_when_the_server_is_gone(server, asking, whole):
    asking().fetch(VADUZ, ROADS)
    server.modes = ["504"] * 99
    tile = asking().fetch(VADUZ, ROADS)
    assert ids([tile]) == whole
    assert (tile.osm_date, tile.kept.server) == (standin.OSM_DATE, server.url)


@pytest.mark.parametrize(
    ("status", "wait_s"),
    [
        ("Rate limit: 2\n1 slots available now.\nSlot available after: 2026-11-24T12:00:09Z, in 9 seconds.", 0.0),
        (
            "Slot available after: 2026-11-24T12:00:30Z, in 30 s\nSlot available after: 2026-11-24T12:00:09Z, in 9 s",
            9.0,
        ),
        ("Slot available after: 2026-11-24T11:59:00Z, in -60 seconds.", 0.0),
        ("Currently running queries (pid, space limit, time limit, start time):", 30.0),
        ("<html>not a status page</html>", None),
    ],
)
def test_the_status_page_says_how_long_to_wait(status, wait_s):
    now = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
    assert overpass.slot_wait_s(status, now=now) == wait_s


def test_an_endpoint_may_be_written_with_or_without_interpreter():
    assert {overpass.base_of(f"http://o/api{end}") for end in ("", "/", "/interpreter", "/interpreter/")} == {
        "http://o/api"
    }


class TestTiles:
    def test_they_cover_the_area_and_are_no_longer_than_asked(self):
        area = shapely.Point(9.5, 47.1).buffer(0.2)
        boxes = overpass.tiles_of(area, side_km=10.0)
        assert shapely.union_all([shapely.box(*box) for box in boxes]).buffer(1e-7).covers(area)
        assert all(north - south <= 10.0 / 111.2 + 1e-6 for _, south, _, north in boxes)
        corners = 4 * 5 - len(boxes)  # 30 x 44 km make 4 x 5 boxes; those that the circle does not touch are not asked
        assert corners >= 0
        assert all(area.intersects(shapely.box(*box)) for box in boxes)

    def test_a_small_area_is_one_tile(self):
        assert overpass.tiles_of(shapely.box(*VADUZ), side_km=15.0) == [VADUZ]

    @pytest.mark.parametrize("size", [5.0, 60.0])
    def test_too_large_an_area_is_refused_with_advice(self, size):
        with pytest.raises(FetchError, match=r"too much for a public Overpass server\. Instead, download"):
            overpass.tiles_of(shapely.box(0.0, 0.0, size, size), side_km=15.0)

    def test_quarters_make_the_box(self):
        parts = list(overpass.quarters(VADUZ))
        assert shapely.union_all([shapely.box(*part) for part in parts]).equals(shapely.box(*VADUZ))
        assert sum(shapely.box(*part).area for part in parts) == pytest.approx(shapely.box(*VADUZ).area)


@pytest.fixture(scope="module")
def elements(extract):
    boxes = overpass.tiles_of(shapely.box(9.495, 47.115, 9.545, 47.165), side_km=2.0)
    assert len(boxes) > 5
    statements = osmasked.tile_statements(services=[], people="buildings")
    return osmwrite.merge(extract.answer(overpass.query(box, statements)) for box in boxes)


@pytest.fixture(scope="module")
def pbf(elements, tmp_path_factory):
    path = tmp_path_factory.mktemp("osm") / "area.osm.pbf"
    osmwrite.write_pbf(elements, path, osm_date=standin.OSM_DATE)
    return path


class TestOneFile:
    """What is fetched in tiles is the extract, as far as the area goes."""

    def test_roads_are_those_of_the_extract(self, pbf, shared_data, same_edges):
        area = shapely.box(*VADUZ)
        fetched = sources.read_roads(pbf, area=area, crs="EPSG:32632")
        direct = sources.read_roads(shared_data / "osm" / "liechtenstein.osm.pbf", area=area, crs="EPSG:32632")
        assert len(direct.edges) > 500
        same_edges(fetched.edges, direct.edges)
        assert fetched.edges["length_m"].sum() == pytest.approx(direct.edges["length_m"].sum(), rel=1e-12)
        assert fetched.edges[["u", "v", "way_id"]].equals(direct.edges[["u", "v", "way_id"]])
        columns = ["node_id", "barrier", "access", "foot", "bicycle", "motor_vehicle"]
        assert fetched.nodes[columns].equals(direct.nodes[columns])
        assert fetched.nodes["barrier"].notna().any()

    def test_the_same_elements_make_the_same_bytes(self, elements, pbf, tmp_path):
        mixed = osmwrite.merge([elements[::-1], elements])
        osmwrite.write_pbf(mixed, tmp_path / "b.osm.pbf", osm_date=standin.OSM_DATE)
        assert (tmp_path / "b.osm.pbf").read_bytes() == pbf.read_bytes()

    def test_the_file_is_sorted_and_says_how_old_it_is(self, pbf):
        header = osmium.io.Reader(str(pbf)).header()
        assert header.get("osmosis_replication_timestamp") == standin.OSM_DATE
        kinds = [(("n", "w", "r").index(item.type_str()), item.id) for item in osmium.FileProcessor(str(pbf))]
        assert kinds == sorted(set(kinds))


def test_the_newest_version_of_an_element_is_kept():
    old = {"type": "node", "id": 1, "version": 1, "lat": 1.0, "lon": 2.0}
    new = {**old, "version": 2, "tags": {"name": "富民村"}}
    way = {"type": "way", "id": 1, "nodes": [1]}
    assert osmwrite.merge([[way, new], [old, way]]) == [new, way]
    assert osmwrite.merge([[old], [new, way]]) == [new, way]


def test_an_element_that_is_none_is_an_error():
    with pytest.raises(FetchError, match="none of OpenStreetMap's"):
        osmwrite.merge([[{"type": "count", "id": 0}]])


class TestWhatIsAsked:
    def test_every_service_of_the_plan_has_tags_or_a_note(self):
        follows = sources.embedded_study_path()
        from chongming_gis.config import read_study

        table = osmasked.default_service_tags()
        assert set(table) == {service.id for service in read_study(follows).services}
        assert all(bool(how.tags) != bool(how.note) for how in table.values())
        assert "place_of_worship" not in json.dumps([dict(how.tags) for how in table.values()])

    def test_statements_are_put_once(self):
        asked = osmasked.tile_statements(services=[{"shop": ("charity",)}, {"shop": ("charity",)}], people="places")
        assert len(asked) == len(set(asked))
        assert 'nwr["shop"="charity"]' in asked
        assert 'node["place"]' in asked

    def test_quotes_and_signs_in_values_are_escaped(self, extract):
        statement = osmasked.tile_statements(services=[{"name": ('a"b', "c.d")}], people="none")[2]
        assert statement == r'nwr["name"~"^(a\"b|c\\.d)$"]'
        assert extract.answer(overpass.query(EMPTY, [statement])) == []

    @pytest.mark.parametrize(
        ("tags", "kind"),
        [
            ({"natural": "water", "water": "river"}, "river"),
            ({"natural": "water"}, "water"),
            ({"natural": "wetland", "wetland": "tidalflat"}, "tidal_flat"),
            ({"boundary": "protected_area", "protect_class": "4"}, "reserve"),
            ({"boundary": "protected_area", "protect_class": "5"}, "protected_area"),  # people live there
            ({"building": "yes"}, None),
        ],
    )
    def test_land_is_called_as_sources_land_calls_it(self, tags, kind):
        assert osmasked.land_kind(tags) == kind
