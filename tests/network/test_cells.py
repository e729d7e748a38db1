"""Cells onto edges: what ``snap_points`` says of every centre."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from chongming_gis import network, sources
from chongming_gis.errors import NetworkError
from chongming_gis.network import cells as cells_module
from tests.toy import roads as toy


def one_by_one(net, raster):
    x, y = raster.centres(np.arange(raster.n_rows * raster.n_columns))
    return network.snap_points(net, gpd.GeoSeries(shapely.points(x, y), crs=net.crs))


def refuse_unless_equal(found, slow, rows=None):
    """Compare in the order of the cells; ``rows`` are those that ``slow`` was asked for."""
    order = np.argsort(found.cell)
    assert found.cell[order].tolist() == np.flatnonzero(slow.is_reachable).tolist()
    mine, theirs = found.snapped.take(order), slow.take(np.flatnonzero(slow.is_reachable))
    for name in ("edge", "off_network_m", "off_network_s", "left_tiny_piece"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), err_msg=name)
    np.testing.assert_allclose(mine.fraction, theirs.fraction, atol=1e-9)  # two ends of one corner differ by a bit


@settings(max_examples=60)
@given(
    st.floats(3, 120),
    st.tuples(st.floats(-600, 600), st.floats(-600, 600)),
    st.tuples(st.floats(1, 1200), st.floats(1, 1200)),
    st.floats(0.5, 400),
    st.sampled_from([0.0, 60.0, 500.0]),
    st.sampled_from([toy.FOOT, toy.CAR]),
)
def test_cells_snap_as_points_do(cell_m, corner, size, max_snap_m, tiny_piece_m, mode):
    net = network.compile_network(toy.town(), replace(mode, max_snap_m=max_snap_m, tiny_piece_m=tiny_piece_m))
    west, south = toy.X0 + corner[0], toy.Y0 + corner[1]
    raster = network.raster_around((west, south, west + size[0], south + size[1]), cell_m=cell_m, crs=net.crs)
    refuse_unless_equal(network.snap_cells(net, raster), one_by_one(net, raster))


@pytest.mark.extract
def test_cells_of_a_real_town_snap_as_points_do(shared_data, monkeypatch):
    """Bands of a few rows of tiles make no difference."""
    roads = sources.read_roads(shared_data / "osm" / "liechtenstein.osm.pbf", crs="EPSG:32632")
    net = network.compile_network(roads, network.preset("older_walk"))
    west, south = net.node_x[0], net.node_y[0]
    raster = network.raster_around((west, south, west + 3000, south + 2000), cell_m=13.0, crs=net.crs)
    slow = one_by_one(net, raster)
    refuse_unless_equal(network.snap_cells(net, raster), slow)
    monkeypatch.setattr(cells_module, "_BAND_CELLS", 1)
    refuse_unless_equal(network.snap_cells(net, raster), slow)


def test_the_raster_of_a_network_holds_every_place_that_snaps():
    net = network.compile_network(toy.town(), toy.FOOT)
    raster = network.raster_of_network(net, cell_m=25.0)
    assert (raster.west % 25, raster.north % 25) == (0, 0)
    wider = network.Raster(raster.west - 25, raster.north + 25, 25.0, raster.n_columns + 2, raster.n_rows + 2, net.crs)
    assert len(network.snap_cells(net, raster)) == len(network.snap_cells(net, wider))
    assert raster.transform == (25.0, 0.0, raster.west, 0.0, -25.0, raster.north)


def test_rasters_that_cannot_be():
    net = network.compile_network(toy.town(), toy.FOOT)
    for cell_m in (0.0, -5.0, float("nan")):
        with pytest.raises(NetworkError, match="positive number of metres"):
            network.raster_of_network(net, cell_m=cell_m)
    with pytest.raises(NetworkError, match="more than 250 million"):
        network.raster_of_network(net, cell_m=0.01)
    with pytest.raises(NetworkError, match="EPSG:32650"):
        network.snap_cells(net, network.raster_around((0, 0, 1, 1), cell_m=1.0, crs=CRS.from_epsg(32650)))


def test_a_network_that_nobody_can_step_onto():
    net = network.compile_network(toy.one_street({"highway": "residential", "tunnel": "yes"}), toy.FOOT)
    with pytest.raises(NetworkError, match="step onto"):
        network.raster_of_network(net, cell_m=10.0)
    raster = network.raster_around((toy.X0, toy.Y0, toy.X0 + 100, toy.Y0 + 100), cell_m=10.0, crs=net.crs)
    assert len(network.snap_cells(net, raster)) == 0


def test_cells_of_another_mode_on_the_same_roads_are_taken():
    """A slower walker steps onto the same roads: the same cells, with seconds of their own."""
    slow = replace(toy.FOOT, name="slow", off_network_speed_kmh=1.8)
    walker, slower = (network.compile_network(toy.town(), mode) for mode in (toy.FOOT, slow))
    raster = network.raster_of_network(walker, cell_m=20.0)
    cells = network.snap_cells(walker, raster)
    taken = network.snap_cells(slower, raster, known=[(walker, cells)])
    assert taken.cell is cells.cell
    np.testing.assert_allclose(taken.snapped.off_network_s, 2.0 * cells.snapped.off_network_s)


@pytest.mark.parametrize("mode", [toy.FOOT, toy.BIKE, toy.CAR, replace(toy.FOOT, max_snap_m=100.0)])
@pytest.mark.parametrize("of", [toy.FOOT, toy.BIKE, toy.CAR])
def test_knowing_the_cells_of_another_mode_changes_no_answer(mode, of):
    net, other = (network.compile_network(toy.town(), one) for one in (mode, of))
    raster = network.raster_of_network(other, cell_m=20.0)
    found = network.snap_cells(net, raster, known=[(other, network.snap_cells(other, raster))])
    alone = network.snap_cells(net, raster)
    np.testing.assert_array_equal(found.cell, alone.cell)
    for name in ("edge", "fraction", "off_network_m", "off_network_s", "reason", "left_tiny_piece"):
        np.testing.assert_array_equal(getattr(found.snapped, name), getattr(alone.snapped, name))
