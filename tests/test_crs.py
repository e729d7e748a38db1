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


@pytest.mark.parametrize(
    ("lon", "width_deg", "epsg"),
    [(121.16, 3, 4549), (121.4999, 3, 4549), (121.5, 3, 4550), (121.97, 3, 4550), (73.5, 3, 4534), (136.49, 3, 4554),
     (121.16, 6, 4510), (119.99, 6, 4509), (120.0, 6, 4510), (72.0, 6, 4502), (137.9, 6, 4512)],
)  # fmt: skip
def test_the_gauss_kruger_zone_of_a_place(lon, width_deg, epsg):
    assert crs.gauss_kruger_zone(lon, width_deg=width_deg).to_epsg() == epsg


@pytest.mark.parametrize(("lon", "width_deg"), [(73.4, 3), (136.5, 3), (-121.5, 3), (71.9, 6), (138.0, 6)])
def test_there_is_no_zone_beyond_china(lon, width_deg):
    with pytest.raises(CrsError, match="no Gauss-Kruger zone of CGCS2000"):
        crs.gauss_kruger_zone(lon, width_deg=width_deg)


def test_zone_codes_are_what_the_registry_says():
    """Every code against the name, central meridian and false easting in the EPSG registry."""
    for zone in range(25, 46):
        numbered, plain = crs.numbered_gauss_kruger_zone(zone), crs.gauss_kruger_zone(3.0 * zone)
        assert numbered.name == f"CGCS2000 / 3-degree Gauss-Kruger zone {zone}"
        assert plain.name == f"CGCS2000 / 3-degree Gauss-Kruger CM {3 * zone}E"
    for zone in range(13, 24):
        numbered, plain = crs.numbered_gauss_kruger_zone(zone), crs.gauss_kruger_zone(6.0 * zone - 3.0, width_deg=6)
        assert numbered.name == f"CGCS2000 / Gauss-Kruger zone {zone}"
        assert plain.name == f"CGCS2000 / Gauss-Kruger CM {6 * zone - 3}E"
    with pytest.raises(CrsError, match="zone 24: CGCS2000 has Gauss-Kruger zones 25 to 45"):
        crs.numbered_gauss_kruger_zone(24)


@pytest.mark.parametrize(("epsg", "easting"), [(4549, 500_000.0), (4528, 40_500_000.0), (32651, 215_000.0)])
def test_degrees_of_a_grid_are_east_then_north_and_come_back(epsg, easting):
    """EPSG:4549 and 4528 declare northing first; x is the easting all the same."""
    lon, lat = crs.to_degrees(np.array([easting]), np.array([3_500_000.0]), CRS.from_epsg(epsg))
    assert abs(lon[0] - 120.0) < 0.01
    assert 31.0 < lat[0] < 32.0
    back = crs.from_degrees(lon, lat, CRS.from_epsg(epsg))
    np.testing.assert_allclose(np.ravel(back), [easting, 3_500_000.0], atol=1e-3)


@pytest.mark.parametrize(("epsg", "name"), [(2379, "Xian 1980"), (2437, "Beijing 1954")])
def test_old_datums_without_a_good_conversion_are_refused(epsg, name):
    """PROJ would shift nothing (Xian 1980) or within 15 m (Beijing 1954), silently."""
    with pytest.raises(CrsError, match=rf"{name}.*no conversion to WGS 84 good to 5 m"):
        crs.to_degrees(np.array([500_000.0]), np.array([3.5e6]), CRS.from_epsg(epsg))


def test_what_has_no_degrees_is_missing():
    x, y = crs.from_degrees(np.array([121.5, np.nan]), np.array([31.6, 31.6]), CRS.from_epsg(32651))
    assert np.isfinite(x).tolist() == np.isfinite(y).tolist() == [True, False]
