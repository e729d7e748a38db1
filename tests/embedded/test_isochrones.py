"""Areas of the shipped study agree with the times at its doors."""

import numpy as np
import pandas as pd
import pytest

from chongming_gis import isochrones, network, reach, sources


@pytest.fixture(scope="module")
def tables_of_roads(shipped):
    return sources.read_roads(shipped.folder / "network" / "roads.parquet", crs="EPSG:32651")


@pytest.mark.parametrize(("preset", "least", "most"), [("older_walk", 0.1, 0.5), ("ebike", 0.7, 0.99)])
def test_areas_of_meal_points_misjudge_at_most_one_percent(
    shipped, tables_of_roads, townships, villages, land, demand, preset, least, most
):
    """People of 60 and over, 15 minutes, each township to its own meal points as the study has it."""
    meals = shipped.facilities("meal_point")
    persons = demand.filter(regex=r"^res_a(60|65|70|80)").sum(axis=1).to_numpy(float)
    net = network.compile_network(tables_of_roads, network.preset(preset))
    snapped = {preset: network.snap_points(net, demand.geometry)}
    places = reach.Places(meals, {preset: network.snap_points(net, meals.geometry)})
    own = reach.own_facility_times(reach.Places(demand, snapped), places, net, "to_destination", 900.0).tocoo()
    time_s = np.full(len(demand), np.inf)
    np.minimum.at(time_s, own.row, own.data)

    cells = network.snap_cells(net, network.raster_of_network(net, cell_m=isochrones.CELL_M))
    ground = isochrones.ground_of_cells(cells, townships=townships, villages=villages)
    surface = isochrones.usable_surface(net, cells, places, ground=ground, cutoff_s=1000.0)
    areas = isochrones.service_areas(surface, limits_s=[300.0, 600.0, 900.0], ground=land.union_all())
    error = isochrones.area_error(areas.geometry[2], demand.geometry, persons=persons, time_s=time_s, limit_s=900.0)
    assert least < persons[time_s <= 900.0].sum() / error.persons < most
    assert error.share <= 0.01
    assert error.near_edge_misclassified <= 0.01 * error.near_edge_persons
    assert areas.geometry.is_valid.all()
    for inner, outer in zip(areas.geometry, areas.geometry[1:], strict=False):
        assert inner.difference(outer).area < 1.0  # m2 of 900 km2: corners of the coast are rounded once more

    lines = isochrones.usable_lines(net, tables_of_roads, places, areas=ground.areas, limits_s=[900.0])
    codes = pd.Series(meals["township_code"].to_numpy())[lines["facility"].to_numpy()].to_numpy()
    middle = lines.geometry.interpolate(0.5, normalized=True)
    shapes = townships.set_index("township_code").geometry.reindex(codes)
    assert middle.distance(shapes.set_axis(middle.index)).max() < 1e-3
