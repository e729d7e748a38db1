"""Positions of tables under each datum they may declare, and every fault of a coordinate with its row and remedy."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS

from chongming_gis import crs
from chongming_gis.errors import CrsError, TableError, UndeclaredDatumError
from chongming_gis.sources import layers

#: The seat of the district and a place east of the 121.5 degrees where two zones meet, WGS 84.
LON, LAT = np.array([121.39338, 121.83763]), np.array([31.62991, 31.34249])


def written(epsg):
    """Easting and northing of the two places in a grid."""
    return crs.from_degrees(LON, LAT, CRS.from_epsg(epsg))


def table(tmp_path, first, second, names=("lon", "lat")):
    path = tmp_path / "places.csv"
    rows = [f"{one},{other}" for one, other in zip(first, second, strict=True)]
    path.write_text("\n".join([",".join(names), *rows]) + "\n", encoding="utf-8")
    return path


def found_at(read):
    assert read.faults == []
    assert read.frame.crs.to_epsg() == 4326
    return read.frame.geometry.x.to_numpy(), read.frame.geometry.y.to_numpy()


@pytest.mark.parametrize(
    ("datum", "convert"),
    [
        ("wgs84", None),
        ("cgcs2000", None),
        ("gcj02", crs.wgs84_to_gcj02),
        ("bd09", crs.wgs84_to_bd09),
        ("GCJ-02", crs.wgs84_to_gcj02),
    ],
)
def test_degrees_of_each_datum_come_in_as_wgs84(tmp_path, datum, convert):
    lon, lat = (LON, LAT) if convert is None else convert(LON, LAT)
    found = found_at(layers.read_points(table(tmp_path, lon, lat), columns={}, datum=datum))
    np.testing.assert_allclose(found, (LON, LAT), atol=1e-9)


@pytest.mark.parametrize("epsg", [4549, 4550, 4528, 4510, 4499, 32651])
@pytest.mark.parametrize("axes", ["easting_northing", "northing_easting"])
def test_grids_come_in_as_wgs84_in_either_order(tmp_path, epsg, axes):
    """The whole island fits either zone; EPSG declares northing first for 45xx and easting first for 32651."""
    east, north = written(epsg)
    columns = (east, north) if axes == "easting_northing" else (north, east)
    path = table(tmp_path, *columns, names=("X坐标", "Y坐标"))
    read = layers.read_points(path, columns={"x": "X坐标", "y": "Y坐标"}, datum=f"epsg:{epsg}", axes=axes)
    np.testing.assert_allclose(found_at(read), (LON, LAT), atol=2e-8)  # a millimetre of rounding is in the file


def faults_of(path, **declared):
    return layers.read_points(path, columns={}, **declared).faults


def test_eastings_with_a_zone_number_name_the_grid_that_has_it(tmp_path):
    (east, _), (north, _) = written(4528)
    plain = written(4549)[0][0]
    path = table(tmp_path, [north, north], [plain, east], names=("x", "y"))
    (fault,) = faults_of(path, datum="epsg:4549", axes="northing_easting")
    assert (fault.rule, fault.row, fault.column, fault.value[:2]) == ("easting_zone", 3, "y", "40")
    assert fault.suggestion == "write datum = 'epsg:4528'"
    (fault,) = faults_of(path, datum="epsg:4528", axes="northing_easting")
    assert (fault.row, fault.suggestion) == (2, "write datum = 'epsg:4549'")


def test_six_degree_zones_are_named_too(tmp_path):
    (east, _), (north, _) = written(4499)
    (fault,) = faults_of(table(tmp_path, [east], [north], names=("x", "y")), datum="epsg:4510", axes="easting_northing")
    assert fault.suggestion == "write datum = 'epsg:4499'"


@pytest.mark.parametrize("epsg", [4549, 4528])
@pytest.mark.parametrize(
    ("said", "true"),
    [("easting_northing", "northing_easting"), ("northing_easting", "easting_northing")],
)
def test_the_wrong_order_is_told(tmp_path, epsg, said, true):
    east, north = written(epsg)
    columns = (east, north) if true == "easting_northing" else (north, east)
    found = faults_of(table(tmp_path, *columns, names=("x", "y")), datum=f"epsg:{epsg}", axes=said)
    assert [(fault.rule, fault.row) for fault in found] == [("axes_swapped", 2), ("axes_swapped", 3)]
    assert {fault.suggestion for fault in found} == {f"write axes = '{true}'"}
    assert found[0].details == {"axes": true}


def test_every_row_is_told_what_is_wrong_with_it_once(tmp_path):
    path = table(tmp_path, ["121.5", "x", "121.5", "31.6", "421.5", "512345.6"], ["31.6", 31.6, "", 121.5, 31.6, 3.5e6])
    found = faults_of(path, datum="gcj02")
    assert sorted((fault.row, fault.rule, fault.column, fault.value) for fault in found) == [
        (3, "position_missing", "lon", "x"),
        (4, "position_missing", "lat", ""),
        (5, "position_swapped", "lon", "31.6"),
        (6, "position_range", "lon", "421.5"),
        (7, "position_in_metres", "lon", "512345.6"),
    ]
    read = layers.read_points(path, columns={}, datum="gcj02")
    assert read.frame.geometry.is_empty.tolist() == [False, True, True, True, True, True]


def test_grid_rows_that_are_nowhere(tmp_path):
    east, north = written(4549)
    path = table(tmp_path, [*east, 0.0, "?"], [*north, 0.0, 1.0], names=("x", "y"))
    found = faults_of(path, datum="epsg:4549", axes="easting_northing")
    assert [(fault.row, fault.rule) for fault in found] == [(5, "position_missing"), (4, "position_outside_grid")]
    assert "outside the area of epsg:4549" in found[1].message


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"datum": "epsg:4549"}, "axes is missing: epsg:4549 .* .Chinese survey tables call the northing X"),
        ({"datum": "epsg:4549", "axes": "xy"}, "axes = 'xy' is not accepted"),
        ({"datum": "wgs84", "axes": "easting_northing"}, "axes is only for datum = 'epsg:N', not for wgs84; remove it"),
        ({"datum": "epsg:4326"}, "write datum = 'wgs84'"),
        ({"datum": "epsg:4490"}, "write datum = 'cgcs2000'"),
        ({"datum": "epsg:4610"}, "not in metres"),
        ({"datum": "epsg:2379", "axes": "northing_easting"}, "have the table delivered in CGCS2000"),
        ({"datum": "epsg:999999"}, "not a known CRS"),
        ({"datum": "mars"}, "'mars' is not accepted as a datum; write wgs84, cgcs2000, gcj02, bd09, or epsg:N"),
    ],
)
def test_a_datum_that_cannot_be_is_refused_with_the_file(tmp_path, declared, words):
    path = table(tmp_path, [121.5], [31.6])
    with pytest.raises(CrsError, match=rf"places\.csv: .*{words}"):
        layers.read_points(path, columns={}, **declared)


def test_the_columns_of_the_datum_are_needed(tmp_path):
    with pytest.raises(TableError, match="no column x and y; the file has lon, lat"):
        layers.read_points(table(tmp_path, [1], [2]), columns={}, datum="epsg:4549", axes="easting_northing")
    with pytest.raises(TableError, match="no column lon and lat; the file has a, b"):
        layers.read_points(table(tmp_path, [1], [2], names=("a", "b")), columns={})


@pytest.mark.parametrize("names", [("lon", "lat"), ("x", "y")])
def test_an_undeclared_datum_is_refused_and_carries_the_coordinates(tmp_path, names):
    with pytest.raises(UndeclaredDatumError, match=r"places\.csv: the datum of \w+ and \w+ is not declared") as caught:
        layers.read_points(table(tmp_path, [121.5, "?"], [31.6, 31.7], names=names), columns={})
    assert caught.value.columns == names
    np.testing.assert_array_equal(caught.value.coordinates, [[121.5, np.nan], [31.6, 31.7]])
    assert [finding.rule for finding in caught.value.findings] == ["datum_undeclared"]


def test_faults_that_were_there_before_stay(tmp_path):
    read = layers.read_points(table(tmp_path, ["?"], [31.6]), columns={}, datum="wgs84")
    again = layers.positions_of(read, datum="wgs84")
    assert [fault.rule for fault in again.faults] == ["position_missing", "position_missing"]


def test_a_layer_of_web_map_positions_is_moved_and_one_of_a_survey_is_not(tmp_path):
    places = gpd.GeoDataFrame({"a": [1, 2]}, geometry=gpd.points_from_xy(*crs.wgs84_to_bd09(LON, LAT)), crs=4326)
    places.to_file(tmp_path / "p.geojson")
    read = layers.read_points(tmp_path / "p.geojson", columns={}, datum="bd09")
    np.testing.assert_allclose(found_at(read), (LON, LAT), atol=1e-7)
    places.to_crs(32651).to_file(tmp_path / "p.gpkg")
    assert layers.read_points(tmp_path / "p.gpkg", columns={}, datum="cgcs2000").frame.crs.to_epsg() == 32651
    for datum, axes in (("bd09", None), ("epsg:32651", "easting_northing")):
        with pytest.raises(CrsError, match=rf"'{datum}' does not fit a layer that says its CRS .*UTM zone 51N"):
            layers.read_points(tmp_path / "p.gpkg", columns={}, datum=datum, axes=axes)


def test_a_layer_keeps_rows_without_geometry_when_it_is_moved(tmp_path):
    places = gpd.GeoDataFrame({"a": [1, 2]}, geometry=[shapely.Point(121.5, 31.6), None], crs=4326)
    places.to_parquet(tmp_path / "p.parquet")
    read = layers.read_points(tmp_path / "p.parquet", columns={}, datum="gcj02")
    assert [(fault.row, fault.rule) for fault in read.faults] == [(2, "geometry_missing")]
