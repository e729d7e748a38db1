"""Which datum a table is in, told from the roads: right where it says so, silent where it cannot know."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from chongming_gis import crs, datum_evidence, datums, wording
from chongming_gis.errors import CrsError

UTM = CRS.from_epsg(32651)
WRITE = {"wgs84": lambda lon, lat: (lon, lat), "gcj02": crs.wgs84_to_gcj02, "bd09": crs.wgs84_to_bd09}


@pytest.fixture(scope="module")
def lanes():
    """Roads by chance in a box of 6 km on Chongming: 300 pieces of 200-1200 m, 6 km of road a square kilometre."""
    rng = np.random.default_rng(7)
    x, y = crs.from_degrees(np.array([121.5]), np.array([31.6]), UTM)
    start = rng.uniform(-3000, 3000, (300, 2)) + np.column_stack([x, y])
    angle, length = rng.uniform(0, np.pi, 300), rng.uniform(200, 1200, 300)
    end = start + np.column_stack([np.cos(angle), np.sin(angle)]) * length[:, None]
    lines = shapely.linestrings(np.stack([start, end], axis=1))
    return gpd.GeoDataFrame({"highway": ["residential"] * 300}, geometry=lines, crs=UTM)


def beside(roads, rng, n, *, outliers=0.1, noise_m=5.0):
    """WGS 84 positions 5-40 m beside roads (by length), some noise on all and some that lie anywhere near."""
    lines = roads.geometry.to_numpy()
    length = shapely.length(lines)
    line = lines[rng.choice(len(lines), n, p=length / length.sum())]
    at = rng.uniform(0.02, 0.98, n)
    before, place, after = (
        shapely.get_coordinates(shapely.line_interpolate_point(line, at + step, normalized=True))
        for step in (-0.02, 0.0, 0.02)
    )
    along = after - before
    along /= np.hypot(*along.T)[:, None] + 1e-12
    across = np.column_stack([-along[:, 1], along[:, 0]])
    found = place + across * (rng.uniform(5, 40, n) * rng.choice([-1, 1], n))[:, None]
    found += rng.normal(0, noise_m, found.shape)
    found[rng.uniform(size=n) < outliers] += rng.uniform(-800, 800, 2)
    return crs.to_degrees(found[:, 0], found[:, 1], roads.crs)


@pytest.mark.parametrize("datum", WRITE)
def test_places_beside_lanes_are_told_in_each_datum(lanes, datum):
    places = WRITE[datum](*beside(lanes, np.random.default_rng(1), 60))
    verdict = datum_evidence.tell_datum(*places, lanes)
    assert (verdict.likely, verdict.confident, verdict.reason, verdict.axes) == (datum, True, "told", None)
    assert verdict.points == 60
    assert max(verdict.scores, key=verdict.scores.get) == datum
    assert set(verdict.near) == set(WRITE)
    assert verdict.near[datum] > 0.8
    assert verdict.to_write == f"datum = '{datum}'"


@pytest.mark.parametrize("epsg", [4549, 4550, 4528, 4529, 32651])
@pytest.mark.parametrize("northing_first", [False, True])
def test_metres_are_told_with_their_grid_and_order(lanes, epsg, northing_first):
    columns = crs.from_degrees(*beside(lanes, np.random.default_rng(2), 60), CRS.from_epsg(epsg))
    verdict = datum_evidence.tell_datum(*(columns[::-1] if northing_first else columns), lanes)
    assert (verdict.likely, verdict.confident) == (f"epsg:{epsg}", True)
    assert verdict.axes == datums.AXES[northing_first]
    assert verdict.to_write == f"datum = 'epsg:{epsg}', axes = '{datums.AXES[northing_first]}'"


def test_the_same_projection_under_two_codes_is_one_answer(lanes):
    """EPSG:4510 (6 degrees) and 4550 (3 degrees) have the meridian of 123 E in common."""
    columns = crs.from_degrees(*beside(lanes, np.random.default_rng(2), 60), CRS.from_epsg(4510))
    assert datum_evidence.tell_datum(*columns, lanes).likely == "epsg:4550"


def test_the_score_is_what_slow_counting_gives(lanes):
    lon, lat = beside(lanes, np.random.default_rng(3), 15)
    verdict = datum_evidence.tell_datum(lon, lat, lanes)
    x, y = crs.from_degrees(lon, lat, UTM)

    def closeness(east, north):
        total = 0.0
        for a, b in zip(x + east, y + north, strict=True):
            nearest = lanes.distance(shapely.Point(a, b)).min()
            total -= np.log(min(max(nearest, 15.0), 300.0))
        return total / len(x)

    moved = [
        closeness(radius * np.cos(angle), radius * np.sin(angle))
        for ring, radius in enumerate((150.0, 220.0, 300.0, 400.0))
        for angle in 2 * np.pi * (np.arange(12) + ring / 4) / 12
    ]
    expected = (closeness(0.0, 0.0) - np.mean(moved)) / np.std(moved, ddof=1)
    assert verdict.scores["wgs84"] == pytest.approx(expected)


def test_ferries_are_no_roads(lanes):
    places = WRITE["gcj02"](*beside(lanes, np.random.default_rng(1), 60))
    ferries = lanes.assign(geometry=lanes.translate(420, -210), highway=None)
    both = gpd.GeoDataFrame(pd.concat([lanes, ferries], ignore_index=True), crs=UTM)
    assert datum_evidence.tell_datum(*places, both).near == datum_evidence.tell_datum(*places, lanes).near


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"kind": "schematic"}, "roads_schematic"),
        ({"position_quality_m": 1000.0}, "roads_coarse"),
        ({"position_quality_m": 100.0}, "told"),
    ],
)
def test_roads_that_are_not_where_they_are_drawn_tell_nothing(lanes, given, reason):
    verdict = datum_evidence.tell_datum(*beside(lanes, np.random.default_rng(1), 60), lanes, **given)
    assert verdict.reason == reason
    assert (verdict.likely is None) == (reason != "told")


def test_a_few_places_tell_nothing_however_often_they_are_repeated(lanes):
    lon, lat = beside(lanes, np.random.default_rng(1), 9)
    verdict = datum_evidence.tell_datum(np.tile(lon, 20), np.tile(lat, 20), lanes)
    assert (verdict.likely, verdict.reason, verdict.points) == (None, "few_points", 9)
    nothing = datum_evidence.tell_datum([np.nan] * 30, [31.6] * 30, lanes)
    assert (nothing.reason, nothing.points) == ("few_points", 0)


def test_places_elsewhere_and_places_anywhere_are_not_told(lanes):
    rng = np.random.default_rng(4)
    elsewhere = datum_evidence.tell_datum(rng.uniform(114.0, 114.2, 50), rng.uniform(30.5, 30.6, 50), lanes)
    assert (elsewhere.likely, elsewhere.reason) == (None, "no_roads_there")
    nowhere = datum_evidence.tell_datum(rng.uniform(31.5, 31.7, 50), rng.uniform(121.4, 121.6, 50), lanes)  # swapped
    assert (nowhere.likely, nowhere.reason) == (None, "no_roads_there")
    anywhere = datum_evidence.tell_datum(rng.uniform(121.48, 121.52, 50), rng.uniform(31.58, 31.62, 50), lanes)
    assert (anywhere.likely, anywhere.confident, anywhere.reason) == (None, False, "no_match")
    metres = datum_evidence.tell_datum(rng.uniform(1e5, 2e5, 50), rng.uniform(1e5, 2e5, 50), lanes)
    assert (metres.likely, metres.reason) == (None, "no_roads_there")
    without_roads = datum_evidence.tell_datum(*beside(lanes, rng, 20), lanes.iloc[:0])
    assert (without_roads.likely, without_roads.reason) == (None, "no_roads_there")


def test_one_straight_street_is_not_enough_to_be_sure(lanes):
    """Moved along their street, places stay beside it: 60 of them witness one thing only."""
    x, y = crs.from_degrees(np.array([121.5]), np.array([31.6]), UTM)
    east = x[0] + np.linspace(-2000, 2000, 60)
    street = gpd.GeoDataFrame(
        {"highway": ["primary"]},
        geometry=[shapely.LineString([(east[0] - 2000, y[0]), (east[-1] + 2000, y[0])])],
        crs=UTM,
    )
    lon, lat = crs.to_degrees(east, np.full(60, y[0] + 20.0), UTM)
    assert not datum_evidence.tell_datum(lon, lat, street).confident


def test_outside_china_the_map_datums_are_the_same(lanes):
    roads = lanes.set_geometry(lanes.translate(-180_000, 0)).set_crs(32632, allow_override=True)
    places = beside(roads, np.random.default_rng(1), 50)
    verdict = datum_evidence.tell_datum(*places, roads)
    assert (verdict.likely, verdict.confident, verdict.reason) == ("wgs84", True, "same_everywhere")


def test_roads_in_degrees_are_refused(lanes):
    with pytest.raises(CrsError, match="not in metres"):
        datum_evidence.tell_datum([121.5] * 20, [31.6] * 20, lanes.to_crs(4326))


def test_the_same_table_has_the_same_verdict_in_any_order(lanes):
    lon, lat = beside(lanes, np.random.default_rng(6), 450)
    order = np.random.default_rng(0).permutation(450)
    assert datum_evidence.tell_datum(lon, lat, lanes) == datum_evidence.tell_datum(lon[order], lat[order], lanes)
    assert datum_evidence.tell_datum(lon, lat, lanes).points == 400


def points(lon, lat):
    return gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=4326)


@pytest.mark.parametrize("declared", [*datums.DEGREES, "epsg:4549"])
@pytest.mark.parametrize("true", WRITE)
def test_a_declared_datum_is_suspected_where_the_roads_contradict_it(lanes, declared, true):
    """What comes out of the readers: written in ``true``, converted as ``declared``, in the study's metric CRS."""
    lon, lat = WRITE[true](*beside(lanes, np.random.default_rng(5), 60))
    lon, lat = datums.DEGREES.get(declared, datums.DEGREES["wgs84"])(lon, lat)
    verdict = datum_evidence.suspect_datum(points(lon, lat).to_crs(UTM), declared, lanes)
    if true == declared or (true == "wgs84" and declared in {"cgcs2000", "epsg:4549"}):
        assert verdict is None
        return
    assert verdict.likely == true
    finding = datum_evidence.suspicion(verdict, declared, where="clinics.csv")
    assert (finding.severity, finding.rule, finding.where) == ("warning", "datum_suspect", "clinics.csv")
    assert f"declared as {declared}, but its 60 places lie beside roads as if they were {verdict.name}" in str(finding)


def test_nothing_is_suspected_where_nothing_can_be_told(lanes):
    lon, lat = WRITE["gcj02"](*beside(lanes, np.random.default_rng(5), 60))
    assert datum_evidence.suspect_datum(points(lon, lat), "wgs84", lanes, kind="schematic") is None
    assert datum_evidence.suspect_datum(points(lon, lat).iloc[:9], "wgs84", lanes) is None
    with_gaps = pd.concat([points(lon, lat), gpd.GeoSeries([None, shapely.Point()], crs=4326)], ignore_index=True)
    assert datum_evidence.suspect_datum(with_gaps, "wgs84", lanes).points == 60


VERDICTS = [
    datum_evidence.DatumVerdict(likely, confident=True, reason=reason, points=50, near={"wgs84": 0.9, "gcj02": 0.31})
    for reason, likely in [("told", "wgs84"), ("leaning", "gcj02"), ("same_everywhere", "wgs84")]
    + [(reason, None) for reason in ("roads_schematic", "roads_coarse", "few_points", "no_roads_there", "no_match")]
]


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: verdict.reason)
def test_the_error_says_what_to_write_in_both_languages(verdict):
    (finding,) = datum_evidence.datum_fault(verdict, where="a.csv").findings
    assert (finding.severity, finding.where, finding.rule) == ("error", "a.csv", f"datum_undeclared_{verdict.reason}")
    assert finding.message.startswith("the datum of its coordinates is not declared; ")
    assert ("find out which map" in finding.suggestion) == (verdict.likely is None)
    for language in wording.LANGUAGES:
        words = wording.Words(language)
        for key in (f"finding.{finding.rule}", f"finding.{finding.rule}.do"):
            text = words(key, value="", column="", **finding.details)
            assert not re.search(r"[{}]", text)
    if verdict.likely == "wgs84" and verdict.reason == "told":
        assert "wgs84 (or cgcs2000), almost surely (50 places; within 50 m of a road: wgs84 90 %, gcj02 31 %)" in str(
            finding
        )


@pytest.fixture(scope="module")
def wuhan(shared_data):
    """The middle of Wuhan and its north-east edge, with the river: 16 by 16 km of real roads."""
    roads = gpd.read_parquet(shared_data / "roads" / "wuhan.parquet")
    x, y = crs.from_degrees(np.array([114.38]), np.array([30.6]), roads.crs)
    return roads.cx[x[0] - 8_000 : x[0] + 8_000, y[0] - 8_000 : y[0] + 8_000].reset_index(drop=True)


@pytest.mark.extract
@pytest.mark.parametrize(("n", "tables"), [(50, 30), (20, 30)])
def test_tables_made_from_real_roads(wuhan, n, tables):
    """At least 95 % right with 50 places; with 20, never a confident wrong answer."""
    rng = np.random.default_rng(n)
    right, wrong_and_sure = 0, 0
    for number in range(tables):
        datum = list(WRITE)[number % 3]
        verdict = datum_evidence.tell_datum(*WRITE[datum](*beside(wuhan, rng, n)), wuhan)
        right += verdict.likely == datum
        wrong_and_sure += verdict.confident and verdict.likely != datum
    assert wrong_and_sure == 0
    assert right >= 0.95 * tables


@pytest.mark.extract
def test_tables_in_none_of_the_datums_are_not_surely_told(wuhan):
    """Moved by chance by 100-250 m (an old local grid, say), which is none of the datums in question."""
    rng = np.random.default_rng(9)
    for _ in range(20):
        x, y = crs.from_degrees(*beside(wuhan, rng, 20), wuhan.crs)
        distance, angle = rng.uniform(100, 250), rng.uniform(0, 2 * np.pi)
        lon, lat = crs.to_degrees(x + distance * np.cos(angle), y + distance * np.sin(angle), wuhan.crs)
        assert not datum_evidence.tell_datum(lon, lat, wuhan).confident


@pytest.mark.extract
@pytest.mark.parametrize("written", ["gcj02", "wgs84"])
def test_villages_cannot_be_told_from_schematic_roads(shared_data, repository_roads, written):
    """Drawn by rule, up to a kilometre off: the study says so, and even unsaid the places do not fall on them."""
    villages = pd.read_csv(shared_data / "villages" / "chongming_village_points.csv")
    lon, lat = villages[f"lon_{written}"], villages[f"lat_{written}"]
    told = datum_evidence.tell_datum(lon, lat, repository_roads, kind="schematic", position_quality_m=1000)
    assert (told.likely, told.reason) == (None, "roads_schematic")
    assert not datum_evidence.tell_datum(lon, lat, repository_roads).confident


@pytest.fixture(scope="module")
def repository_roads(request):
    return gpd.read_parquet(request.config.rootpath / "data" / "network" / "roads.parquet").to_crs(UTM)
