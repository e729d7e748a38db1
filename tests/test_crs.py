"""The two coordinate systems, and lengths that do not depend on which metric one a study chose."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS, Geod, Transformer

from chongming_gis import crs
from chongming_gis.errors import ChongmingError, CrsError

CHONGMING = (121.5, 31.6)


@pytest.mark.parametrize("value", ["EPSG:32651", 32651, "epsg:4549", CRS.from_epsg(32632)])
def test_metric_systems_are_taken(value):
    assert crs.parse_metric(value, where="study").is_projected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "missing"),
        ("EPSG:4326", "not in metres"),
        ("EPSG:4490", "not in metres"),
        ("EPSG:2263", "not in metres"),  # New York, US survey feet
        ("EPSG:4978", "not in metres"),  # metres from the centre of the earth
        ("EPSG:999999", "not a known CRS"),
        ("somewhere", "not a known CRS"),
        ("", "not a known CRS"),
        (object(), "not a known CRS"),
    ],
)
def test_anything_else_is_refused_with_its_place(value, words):
    with pytest.raises(CrsError, match=rf"my\.toml: .*{words}") as caught:
        crs.parse_metric(value, where="my.toml")
    assert isinstance(caught.value, ChongmingError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (*CHONGMING, 32651),
        (120.0, 31.6, 32651),
        (119.999, 31.6, 32650),
        (9.5, 47.1, 32632),
        (-51.2, -30.0, 32722),
        (180.0, 10.0, 32660),
        (-180.0, 10.0, 32601),
        (0.0, 0.0, 32631),
    ],
)
def test_the_utm_zone_of_a_place(lon, lat, epsg):
    assert crs.utm_zone(lon, lat).to_epsg() == epsg


def test_axes_are_east_north_whatever_the_authority_says():
    """EPSG:4549 declares northing first; 120 degrees east is 500 km east in it all the same."""
    point = np.array([shapely.Point(120.0, 31.6)], dtype=object)
    moved = crs.transform(point, CRS.from_epsg(4326), CRS.from_epsg(4549))
    assert moved[0].x == pytest.approx(500_000.0, abs=1e-3)
    assert 3.4e6 < moved[0].y < 3.6e6


def test_there_and_back_is_the_same_place():
    lon_lat = np.array([shapely.LineString([CHONGMING, (121.9, 31.45)]), shapely.Point(121.1, 31.8)], dtype=object)
    metric, geographic = CRS.from_epsg(32651), CRS.from_epsg(4326)
    back = crs.transform(crs.transform(lon_lat, geographic, metric), metric, geographic)
    assert shapely.equals_exact(back, lon_lat, tolerance=1e-9).all()
    assert crs.transform(lon_lat, metric, metric) is lon_lat


def test_frames_are_moved_and_frames_without_a_crs_refused():
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(CHONGMING)], crs="EPSG:4326")
    moved = crs.to_metric(frame, CRS.from_epsg(32651), where="x.gpkg")
    assert moved.crs.to_epsg() == 32651
    assert crs.to_geographic(moved).geometry.iloc[0].distance(shapely.Point(CHONGMING)) < 1e-9
    assert frame.crs.to_epsg() == 4326
    with pytest.raises(CrsError, match=r"x\.gpkg: .*does not say its CRS"):
        crs.to_metric(gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)]), CRS.from_epsg(32651), where="x.gpkg")


def metric_lines(epsg):
    rng = np.random.default_rng(8)
    ends = rng.uniform([121.2, 31.4], [121.9, 31.8], (20, 2))
    chains = [np.vstack([end, end + rng.uniform(-0.02, 0.02, (i % 4 + 1, 2))]) for i, end in enumerate(ends)]
    lines = np.array([shapely.LineString(chain) for chain in chains], dtype=object)
    return lines, crs.transform(lines, CRS.from_epsg(4326), CRS.from_epsg(epsg))


def test_lengths_are_those_of_the_ellipsoid_segment_by_segment():
    lines, metric = metric_lines(32651)
    geod = Geod(ellps="WGS84")
    expected = [geod.line_length(*line.xy) for line in lines]
    np.testing.assert_allclose(crs.geodesic_lengths_m(metric, CRS.from_epsg(32651)), expected, rtol=1e-7)


@pytest.mark.parametrize("epsg", [4549, 32650, 3857])
def test_lengths_do_not_depend_on_the_metric_system(epsg):
    """Web Mercator stretches by 17 % at Chongming; the length of a road stays what it is."""
    expected = crs.geodesic_lengths_m(metric_lines(32651)[1], CRS.from_epsg(32651))
    found = crs.geodesic_lengths_m(metric_lines(epsg)[1], CRS.from_epsg(epsg))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_known_length():
    """One degree of longitude on the equator is a 360th of the WGS 84 equator, 40,075,016.686 m."""
    line = np.array([shapely.LineString([(0, 0), (1, 0)])], dtype=object)
    assert crs.geodesic_lengths_m(line, CRS.from_epsg(4326))[0] == pytest.approx(40_075_016.686 / 360, rel=1e-9)


def test_no_lines_and_lines_without_length():
    assert crs.geodesic_lengths_m(np.array([], dtype=object), CRS.from_epsg(32651)).tolist() == []
    to_metric = Transformer.from_crs(4326, 32651, always_xy=True)
    at = to_metric.transform(*CHONGMING)
    still = np.array([shapely.LineString([at, at])], dtype=object)
    assert crs.geodesic_lengths_m(still, CRS.from_epsg(32651)).tolist() == [0.0]
