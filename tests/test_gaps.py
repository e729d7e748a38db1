"""Gap areas of the toy town (tests/toy/roads.py), by hand; metres are seconds on foot."""

import geopandas as gpd
import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import gaps, network
from tests.toy import roads as toy

# On the street A - B at 0, 30, 60 m; at C and D; on the island at G; and one that meets no road
PLACES = [(0, 0), (30, 0), (60, 0), (200, 0), (300, 0), (1300, 0), (5000, 5000)]
PERSONS = [1.0, 5.0, 2.0, 4.0, 1.0, 3.0, 6.0]
VILLAGES = ["v1", "v1", "v2", "v3", "v3", "v4", None]


def people(townships, order=None):
    rows = range(len(PLACES)) if order is None else order
    return gpd.GeoDataFrame(
        {
            "demand_id": pd.Series([f"d{i}" for i in rows], dtype="str"),
            "township_code": pd.Series([townships[i] for i in rows], dtype="str"),
            "village_code": pd.Series([VILLAGES[i] for i in rows], dtype="str"),
        },
        geometry=toy.points(*[PLACES[i] for i in rows]).array,
        crs=toy.CRS,
    )


def find(*, radius_s, townships=("t",) * 7, uncovered=(True,) * 7, least=1.0, order=None):
    rows = list(range(len(PLACES))) if order is None else list(order)
    net = network.compile_network(toy.town(), toy.FOOT)
    points = people(townships, order)
    return gaps.find_gaps(
        points,
        persons=np.array(PERSONS)[rows],
        uncovered=np.array(uncovered)[rows],
        network=net,
        snapped=network.snap_points(net, points.geometry),
        radius_s=radius_s,
        least_persons=least,
    )


def test_areas_by_hand():
    """Within 30 s: d1 gathers d0, d2 (8 persons); the others stand alone: d6 (6, no road), d3 (4), d5 (3), d4 (1)."""
    found = find(radius_s=30.0)
    assert found.areas["demand_id"].tolist() == ["d1", "d6", "d3", "d5", "d4"]
    assert found.areas["persons"].tolist() == [8.0, 6.0, 4.0, 3.0, 1.0]
    assert found.areas["n_points"].tolist() == [3, 1, 1, 1, 1]
    assert found.area_of_point.tolist() == [0, 0, 0, 2, 4, 3, 1]
    assert found.areas["village_code"].fillna("-").tolist() == ["v1", "-", "v3", "v4", "v3"]
    assert (found.areas["x"].iloc[0] - toy.X0, found.areas["y"].iloc[0] - toy.Y0) == (30.0, 0.0)


def test_a_township_border_parts_an_area():
    """d2 belongs to another township: d0 and d1 gather each other (6 persons, the first by id is the middle)."""
    found = find(radius_s=30.0, townships=("t", "t", "u", "t", "t", "t", "t"))
    assert found.areas["demand_id"].tolist()[:2] == ["d0", "d6"]
    assert found.areas["persons"].iloc[0] == 6.0 == found.areas["persons"].iloc[1]  # ties stand by id
    assert found.area_of_point[2] not in {-1, found.area_of_point[1]}


def test_the_covered_and_small_areas_are_left_out():
    found = find(radius_s=30.0, uncovered=(True, False, True, True, True, True, True), least=2.0)
    assert found.area_of_point[1] == -1
    assert set(found.areas["demand_id"]) == {"d2", "d3", "d5", "d6"}  # d0 and d4 have one person each
    assert found.area_of_point[[0, 4]].tolist() == [-1, -1]


def test_everybody_covered():
    found = find(radius_s=30.0, uncovered=(False,) * 7)
    assert len(found.areas) == 0
    assert (found.area_of_point == -1).all()


@settings(max_examples=40)
@given(st.permutations(range(7)), st.sampled_from([1.0, 30.0, 100.0, 400.0, 2000.0]))
def test_the_order_changes_nothing_and_nobody_is_lost(order, radius_s):
    found, turned = find(radius_s=radius_s, least=0.0), find(radius_s=radius_s, least=0.0, order=order)
    pd.testing.assert_frame_equal(turned.areas, found.areas)
    assert turned.area_of_point.tolist() == found.area_of_point[list(order)].tolist()
    assert found.areas["persons"].sum() == sum(PERSONS)
    assert found.areas["persons"].is_monotonic_decreasing
