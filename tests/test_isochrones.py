"""Isochrones of the toy town (tests/toy/roads.py), by hand; metres are seconds on foot and off the network."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import geotiff, isochrones, network, reach, sources, travel
from chongming_gis.errors import InputFileError, NetworkError, OutputError
from chongming_gis.isochrones.areas import _CONNECTED
from chongming_gis.sources.buildings import read_buildings
from tests.toy import roads as toy
from tests.toy import study as toy_study

FOOT = network.compile_network(toy.town(), toy.FOOT)
CAR = network.compile_network(toy.town(), toy.CAR)
BY_EDGE = {0: "AB", 1: "BC", 2: "CD", 3: "BE", 4: "EF", 5: "CF", 6: "ferry", 7: "GH", 8: "CI", 9: "JK", 10: "DM"}
#: A ring road of 800 x 800 m whose middle is farther than 300 m from it
RING = toy.road_tables(
    {1: (0, 0), 2: (800, 0), 3: (800, 800), 4: (0, 800)},
    [(u, v, {"highway": "residential"}) for u, v in ((1, 2), (2, 3), (3, 4), (4, 1))],
)


def snap(net, *xy):
    return network.snap_points(net, toy.points(*xy))


def drawn(net, facilities, *limits_s, roads=None, direction="to_destination"):
    return isochrones.service_lines(net, roads or toy.town(), facilities, limits_s=limits_s, direction=direction)


def pieces(lines):
    """{(edge, from, to): (seconds that remain at both ends)}, shares and seconds to a millionth."""
    return {
        (BY_EDGE[row.edge_id], round(row.from_share, 6), round(row.to_share, 6)): (
            round(row.remaining_from_s, 5),
            round(row.remaining_to_s, 5),
        )
        for row in lines.itertuples()
    }


def surface_of(net, facilities, *, cell_m=10.0, cutoff_s=1000.0):
    cells = network.snap_cells(net, network.raster_of_network(net, cell_m=cell_m))
    return isochrones.time_surface(net, cells, facilities, cutoff_s=cutoff_s)


def covers(area, *xy):
    return shapely.intersects(area, toy.points(*xy).to_numpy()).tolist()


# -- reached pieces of road


def test_pieces_end_where_the_seconds_do():
    """From A 120 s reach A - B, and 20 m each of B - C (on foot its one way does not bind) and of the path B - E."""
    lines = drawn(FOOT, snap(FOOT, (0, 0)), 120.0)
    assert pieces(lines) == {("AB", 0, 1): (120, 20), ("BC", 0, 0.2): (20, 0), ("BE", 0, 0.4): (20, 0)}
    assert lines["length_m"].tolist() == pytest.approx([100, 20, 20])
    ends = shapely.get_coordinates(lines.geometry.to_numpy()[1]) - toy.SOUTH_WEST
    np.testing.assert_allclose(ends, [[100, 0], [120, 0]], atol=1e-6)
    assert lines.crs == FOOT.crs


def test_a_facility_beside_its_own_edge_is_reached_from_both_sides():
    """10 s from the road at 30 m: of 25 s 15 remain on the edge, either way."""
    lines = drawn(FOOT, snap(FOOT, (30, 10)), 25.0)
    assert pieces(lines) == {("AB", 0.15, 0.3): (0, 15), ("AB", 0.3, 0.45): (15, 0)}


def test_two_facilities_meet_where_both_are_equally_far():
    lines = drawn(FOOT, snap(FOOT, (20, 0), (80, 0)), 40.0)
    by_facility = lines[lines["edge_id"] == 0].groupby("facility")["length_m"].sum()
    assert by_facility.tolist() == pytest.approx([50, 50])
    assert pieces(lines)["AB", 0.2, 0.5] == (40, 10)


def test_rings_part_the_pieces_among_the_limits():
    lines = drawn(FOOT, snap(FOOT, (0, 0)), 120.0, 30.0, 60.0, 60.0)
    assert lines.groupby("limit_s")["length_m"].sum().to_dict() == pytest.approx({30: 30, 60: 30, 120: 80})
    at_60 = lines[lines["limit_s"] == 60].iloc[0]
    assert (at_60.from_s, at_60.to_s, at_60.remaining_from_s) == pytest.approx((30, 60, 30))


def test_one_way_streets_are_reached_the_way_they_allow():
    """By car at 10 m/s, 15 s from D: people come over C - D, from the second half of B >> C and from C - F.

    The motorway D >> M leaves D, so nobody comes by it; what is brought from D goes 150 m along it, and not to B - C.
    """
    at_d = snap(CAR, (300, 0))
    to_d = pieces(drawn(CAR, at_d, 15.0))
    assert to_d == {("CD", 0, 1): (5, 15), ("BC", 0.5, 1): (0, 5), ("CF", 0, 1): (5, 0), ("CI", 0, 0.25): (5, 0)}
    from_d = pieces(drawn(CAR, at_d, 15.0, direction="from_destination"))
    assert ("DM", 0, 0.3) in from_d
    assert not any(edge == "BC" for edge, _, _ in from_d)


def test_a_ferry_is_travelled_but_is_no_road():
    """From H: 100 s to the landing G, 600 s of boat and waiting: of 750 s 50 remain at D."""
    lines = drawn(FOOT, snap(FOOT, (1400, 0)), 750.0)
    assert pieces(lines) == {("GH", 0, 1): (650, 750), ("CD", 0.5, 1): (0, 50)}


def test_each_facility_alone_and_all_together():
    """Alone each reaches 60 m around it; together they share the road between them."""
    both = snap(FOOT, (20, 0), (80, 0))
    alone = isochrones.lines_by_facility(FOOT, toy.town(), both, limits_s=[60.0])
    assert alone["facility"].is_monotonic_increasing
    lengths = alone.groupby("facility")["length_m"].sum()
    assert lengths.tolist() == pytest.approx([80, 80 + 40 + 40])
    for row in (0, 1):
        single = drawn(FOOT, both.take(np.array([row])), 60.0)
        assert pieces(alone[alone["facility"] == row]) == pieces(single)


def test_facilities_that_meet_no_road_reach_nothing():
    nowhere = snap(FOOT, (5000, 5000), None)
    assert len(drawn(FOOT, nowhere, 900.0)) == 0
    assert len(isochrones.lines_by_facility(FOOT, toy.town(), nowhere, limits_s=[900.0])) == 0
    assert len(drawn(FOOT, nowhere.take(np.empty(0, dtype=np.intp)), 900.0)) == 0


@pytest.mark.parametrize("limits", [[], [0.0], [900.0, -1.0], [float("nan")]])
def test_limits_that_are_none(limits):
    with pytest.raises(NetworkError, match="at least one positive number of seconds"):
        isochrones.service_lines(FOOT, toy.town(), snap(FOOT, (0, 0)), limits_s=limits)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 10), st.floats(0, 1), st.floats(0, 200)), min_size=1, max_size=4),
    st.floats(1, 900),
    st.sampled_from(["to_destination", "from_destination"]),
    st.sampled_from(["foot", "bike", "car"]),
)
def test_pieces_are_what_sampling_the_roads_finds(places, limit_s, direction, mode):
    """At 101 places of every edge: inside a piece exactly where the time is within the limit, and that time."""
    net = network.compile_network(toy.town(), {"foot": toy.FOOT, "bike": toy.BIKE, "car": toy.CAR}[mode])
    edge, share, off_s = zip(*places, strict=True)
    facilities = toy.snapped(np.array(edge) % net.n_edges, share, off_s)
    lines = drawn(net, facilities, limit_s / 3.0, limit_s, direction=direction)
    at = np.tile(np.linspace(0.0, 1.0, 101), net.n_edges)
    on = np.repeat(np.arange(net.n_edges), 101)
    truth = travel.nearest(net, toy.snapped(on, at, 0.0), facilities, direction=direction).time_s[:, 0]
    found = np.full(len(at), np.inf)
    for piece in lines.itertuples():
        row = np.flatnonzero(net.edge_id[on] == piece.edge_id)
        row = row[(at[row] >= piece.from_share - 1e-9) & (at[row] <= piece.to_share + 1e-9)]
        place = (at[row] - piece.from_share) / (piece.to_share - piece.from_share)
        found[row] = np.minimum(found[row], piece.from_s + place * (piece.to_s - piece.from_s))
    inner = (at > 0) & (at < 1) & (net.edge_id[on] != 6)  # at a junction other edges may lead on; 6 is the ferry
    clear = inner & (np.abs(truth - limit_s) > 1e-4)
    np.testing.assert_array_equal((found <= limit_s + 1e-5)[clear], (truth <= limit_s)[clear])
    inside = clear & (truth <= limit_s)
    np.testing.assert_allclose(found[inside], truth[inside], atol=1e-5)


def test_pieces_of_bent_roads_follow_the_bends():
    """A street of 3 + 4 sides of 100 m: three quarters of it turn the first corner and stop in the second side."""
    roads = toy.road_tables({1: (0, 0), 2: (100, 100)}, [(1, 2, {"highway": "residential", "line": [(100, 0)]})])
    net = network.compile_network(roads, replace(toy.FOOT, tiny_piece_m=0.0))
    lines = drawn(net, toy.snapped([0], [0.0], 0.0), 50.0, 150.0, roads=roads)
    corners = [(shapely.get_coordinates(line) - toy.SOUTH_WEST).round(6).tolist() for line in lines.geometry]
    assert corners == [[[0, 0], [50, 0]], [[50, 0], [100, 0], [100, 50]]]


# -- surfaces and areas


def test_seconds_at_the_centres_of_cells():
    surface = surface_of(FOOT, snap(FOOT, (0, 0)))
    raster = surface.raster
    assert surface.time_s.shape == raster.shape
    assert raster.west % 10 == 0 == raster.north % 10
    column, row = int((toy.X0 + 55 - raster.west) // 10), int((raster.north - toy.Y0 - 45) // 10)
    assert surface.time_s[row, column] == 100.0  # (55, 45): 45 m to the road, 55 m along it
    assert np.isinf(surface.time_s[0, 0])


def test_an_area_reaches_as_far_from_the_road_as_the_seconds_that_remain():
    area = isochrones.service_areas(surface_of(FOOT, snap(FOOT, (0, 0))), limits_s=[120.0]).geometry[0]
    assert covers(area, (-50, 40), (50, 60), (120, 0)) == [True, True, False]
    assert covers(area, (50, 80), (-90, 90), (0, 114), (0, 126)) == [False, False, True, False]
    assert covers(area, (150, 5)) == [False]


def test_ground_of_a_road_that_is_not_reached_is_never_covered():
    """J - K joins nothing: from A it is 170 s as the crow flies to (0, -170), but who stands there steps onto J - K."""
    net = network.compile_network(toy.town(), replace(toy.FOOT, tiny_piece_m=0.0))
    area = isochrones.service_areas(surface_of(net, snap(net, (0, 0))), limits_s=[400.0]).geometry[0]
    assert covers(area, (0, -100), (0, -140), (0, -170), (25, -200), (25, -300)) == [True, True, False, False, False]


def test_beside_a_one_way_street_that_leads_away():
    """By car nobody on B >> C gets back to A. Where such streets count as tiny, people are led to another."""
    strict = network.compile_network(toy.town(), replace(toy.CAR, tiny_piece_m=0.0))
    area = isochrones.service_areas(surface_of(strict, snap(strict, (0, 0))), limits_s=[200.0]).geometry[0]
    assert covers(area, (50, 20), (150, 20), (150, 5)) == [True, False, False]
    led = isochrones.service_areas(surface_of(CAR, snap(CAR, (0, 0))), limits_s=[200.0]).geometry[0]
    assert covers(led, (140, 20)) == [True]


def test_over_the_ferry_the_landing_is_covered_and_the_water_is_not():
    area = isochrones.service_areas(surface_of(FOOT, snap(FOOT, (1400, 0))), limits_s=[750.0]).geometry[0]
    assert covers(area, (300, 20), (1300, 0), (800, 0), (800, 50)) == [True, True, False, False]
    assert len(area.geoms) == 2


def test_a_hole_stays_a_hole():
    """The middle of the ring is more than 300 m from any road: a hole of 200 x 200 m."""
    net = network.compile_network(RING, toy.FOOT)
    areas = isochrones.service_areas(surface_of(net, snap(net, (0, 0)), cutoff_s=4000.0), limits_s=[3500.0])
    (polygon,) = areas.geometry[0].geoms
    (hole,) = polygon.interiors
    assert shapely.Polygon(hole).area == pytest.approx(200 * 200, rel=0.05)
    assert covers(areas.geometry[0], (400, 400), (400, 250)) == [False, True]


def test_water_and_excluded_ground_are_cut_exactly():
    surface = surface_of(FOOT, snap(FOOT, (0, 0)))
    south = shapely.box(toy.X0 - 500, toy.Y0 - 500, toy.X0 + 500, toy.Y0 + 3)
    pond = shapely.box(toy.X0 + 41, toy.Y0 - 33, toy.X0 + 59, toy.Y0 - 17)
    whole = isochrones.service_areas(surface, limits_s=[120.0]).geometry[0]
    areas = isochrones.service_areas(surface, limits_s=[120.0], ground=south, excluded=pond)
    (polygon,) = areas.geometry[0].geoms
    assert polygon.bounds[3] == toy.Y0 + 3
    assert shapely.Polygon(polygon.interiors[0]).equals(pond)
    assert areas["area_m2"][0] == pytest.approx(whole.intersection(south).area - pond.area)


def test_nothing_within_the_limit_is_an_empty_area():
    far = isochrones.service_areas(surface_of(FOOT, snap(FOOT, (50, 200))), limits_s=[1.0, 5.0])
    assert far.geometry.is_empty.all()
    assert far["area_m2"].tolist() == [0, 0]


def test_limits_beyond_the_surface_are_refused():
    with pytest.raises(NetworkError, match="ends at 1000 s"):
        isochrones.service_areas(surface_of(FOOT, snap(FOOT, (0, 0))), limits_s=[1001.0])


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(-200, 1500), st.floats(-400, 300)), min_size=1, max_size=3),
    st.lists(st.floats(1, 900), min_size=2, max_size=3, unique=True),
    st.sampled_from([9.0, 25.0, 40.0]),
    st.sampled_from([FOOT, CAR]),
)
def test_areas_agree_with_coverage_and_lie_in_each_other(places, limits_s, cell_m, net):
    """At the centre of every cell the area says what coverage says of a person there; a longer limit loses nothing."""
    facilities = snap(net, *places)
    surface = surface_of(net, facilities, cell_m=cell_m)
    areas = isochrones.service_areas(surface, limits_s=limits_s)
    x, y = surface.raster.centres(np.arange(surface.time_s.size))
    people = network.snap_points(net, gpd.GeoSeries(gpd.points_from_xy(x, y), crs=net.crs))
    truth = travel.nearest(net, people, facilities).time_s[:, 0]
    assert areas["limit_s"].tolist() == sorted(limits_s)
    for row in areas.itertuples():
        np.testing.assert_array_equal(shapely.intersects_xy(row.geometry, x, y), truth <= row.limit_s)
        assert row.geometry.is_valid
    for inner, outer in zip(areas.geometry, areas.geometry[1:], strict=False):
        assert inner.difference(outer).area < 1e-6


@settings(max_examples=60)
@given(st.integers(1, 7), st.integers(1, 7), st.data())
def test_borders_of_any_pattern_of_cells(n_rows, n_columns, data):
    """Valid, as many polygons as there are connected parts, and every centre on its side."""
    seconds = data.draw(
        st.lists(st.sampled_from([10.0, 40.0, 60.0, np.inf]), min_size=n_rows * n_columns, max_size=n_rows * n_columns)
    )
    time_s = np.array(seconds).reshape(n_rows, n_columns)
    raster = network.Raster(0.0, 0.0, 10.0, n_columns, n_rows, FOOT.crs)
    surface = isochrones.Surface(time_s, raster, 100.0, 1.0)
    areas = isochrones.service_areas(surface, limits_s=[20.0, 40.0, 60.0])
    x, y = raster.centres(np.arange(time_s.size))
    for row in areas.itertuples():
        assert row.geometry.is_valid
        np.testing.assert_array_equal(shapely.intersects_xy(row.geometry, x, y), time_s.ravel() <= row.limit_s)
        assert len(row.geometry.geoms) == _parts(time_s <= row.limit_s)
    assert areas["area_m2"].is_monotonic_increasing
    for inner, outer in zip(areas.geometry, areas.geometry[1:], strict=False):
        assert inner.difference(outer).area < 1e-6


def _parts(within):
    """Count connected parts by flooding, one cell after the other."""
    left = {(int(r), int(c)) for r, c in np.argwhere(within)}
    steps = [(int(r) - 1, int(c) - 1) for r, c in np.argwhere(_CONNECTED)]
    count = 0
    while left:
        count += 1
        flood = [left.pop()]
        while flood:
            r, c = flood.pop()
            near = {(r + dr, c + dc) for dr, dc in steps} & left
            left -= near
            flood += near
    return count


# -- facilities for some people only


def township_ground():
    """A township t west of x = 60 and u east of it."""
    halves = [
        shapely.box(toy.X0 - 500, toy.Y0 - 500, toy.X0 + 60, toy.Y0 + 500),
        shapely.box(toy.X0 + 60, toy.Y0 - 500, toy.X0 + 2000, toy.Y0 + 500),
    ]
    townships = gpd.GeoDataFrame({"township_code": pd.Series(["t", "u"], dtype="str")}, geometry=halves, crs=toy.CRS)
    villages = gpd.GeoDataFrame({"village_code": pd.Series([], dtype="str")}, geometry=[], crs=toy.CRS)
    return townships, villages


def test_a_facility_for_one_township_counts_on_its_ground_only():
    """f0 at A serves t, f1 at D serves all, f2 at B serves a township that nobody knows."""
    townships, villages = township_ground()
    frame = toy_study.facilities(
        [(0, 0), (300, 0), (100, 0)], serves=["township", "all", "township"], township=["t", "u", None]
    )
    places = toy_study.places([FOOT], frame)
    cells = network.snap_cells(FOOT, network.raster_of_network(FOOT, cell_m=10.0))
    ground = isochrones.ground_of_cells(cells, townships=townships, villages=villages)
    surface = isochrones.usable_surface(FOOT, cells, places, ground=ground, cutoff_s=1000.0)
    x, y = surface.raster.centres(cells.cell)
    people = toy_study.demand(
        np.column_stack([x - toy.X0, y - toy.Y0]),
        persons={"all": np.ones(len(cells))},
        township=np.where(x < toy.X0 + 60, "t", "u"),
        village=[None] * len(cells),
    )
    here = reach.Places(people.points, {"foot": cells.snapped})
    own = reach.own_facility_times(here, places, FOOT, "to_destination", 1000.0).toarray()[:, 0]
    to_all = travel.nearest(FOOT, cells.snapped, places.snapped["foot"].take(np.array([1]))).time_s[:, 0]
    truth = np.minimum(np.where(own > 0, own, np.inf), to_all)
    found = surface.time_s.ravel()[cells.cell]
    np.testing.assert_array_equal(found, np.where(truth <= 1000.0, truth, np.inf))

    lines = isochrones.usable_lines(FOOT, toy.town(), places, areas=ground.areas, limits_s=[80.0])
    assert pieces(lines) == {("AB", 0, 0.6): (80, 20), ("CD", 0.2, 1): (0, 80)}
    assert lines["facility"].tolist() == [0, 1]
    assert lines["length_m"].tolist() == pytest.approx([60, 80])
    assert shapely.get_coordinates(lines.geometry[0])[1].tolist() == pytest.approx([toy.X0 + 60, toy.Y0])


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=40)
def test_the_area_of_each_cell_is_the_one_its_centre_is_in(seed, is_on_centres):
    """Outlines with holes and several parts, some with corners and edges right on the centres of cells."""
    rng = np.random.default_rng(seed)
    raster = network.Raster(1000.0, 5000.0, 10.0, 30, 20, toy.CRS)
    cells = network.SnappedCells(raster, rng.permutation(600), None)
    step = 5.0 if is_on_centres else 0.1
    shapes = []
    for _ in range(3):
        corners = np.round(rng.uniform([[950, 4750]], [[1350, 5050]], (12, 2)) / step) * step
        blobs = shapely.box(*corners[:6].min(axis=0), *corners[:6].max(axis=0))
        hole = shapely.MultiPoint(corners[6:9]).convex_hull
        shapes.append(blobs.difference(hole).union(shapely.MultiPoint(corners[9:]).convex_hull))
    found = isochrones.areas_of_cells(cells, gpd.GeoSeries([*shapes, None], crs=toy.CRS))
    x, y = raster.centres(cells.cell)
    expected = np.full(600, -1)
    for number, shape in enumerate(shapes):
        expected[shapely.intersects_xy(shape, x, y)] = number
    assert found.tolist() == expected.tolist()


# -- how many people an area misjudges


def test_people_misjudged_by_hand():
    """A square of 1000 m; p0 inside and in time, p1 inside and late, p2 just outside and in time, p3 far and late."""
    area = shapely.MultiPolygon([shapely.box(0, 0, 1000, 1000)])
    points = gpd.GeoSeries(gpd.points_from_xy([500, 100, 1200, 5000], [500, 500, 500, 500]), crs=toy.CRS)
    error = isochrones.area_error(
        area, points, persons=[10.0, 3.0, 2.0, 5.0], time_s=[800.0, 901.0, 900.0, np.inf], limit_s=900.0
    )
    assert error == isochrones.AreaError(20.0, 5.0, 0.25, 5.0, 5.0, inside=13.0, in_time=12.0)


def test_an_empty_area_misjudges_everyone_in_time():
    points = toy.points((0, 0), (10, 0))
    error = isochrones.area_error(
        shapely.MultiPolygon(), points, persons=[2.0, 3.0], time_s=[10.0, np.inf], limit_s=60.0
    )
    assert error == isochrones.AreaError(5.0, 2.0, 0.4, 0.0, 0.0, inside=0.0, in_time=2.0)


def test_nobody_has_no_share():
    points = toy.points((0, 0))
    error = isochrones.area_error(shapely.box(0, 0, 1, 1), points, persons=[0.0], time_s=[1.0], limit_s=60.0)
    assert np.isnan(error.share)


def test_persons_and_times_are_one_number_a_point():
    with pytest.raises(NetworkError, match="one number for each of 1 points"):
        isochrones.area_error(shapely.box(0, 0, 1, 1), toy.points((0, 0)), persons=[1, 2], time_s=[1.0], limit_s=60.0)


@pytest.mark.extract
def test_areas_misjudge_at_most_one_percent_of_the_people_of_liechtenstein(shared_data):
    """Floor area in buildings stands for persons; 12 of the buildings are facilities."""
    path = shared_data / "osm" / "liechtenstein.osm.pbf"
    roads = sources.read_roads(path, crs="EPSG:32632")
    buildings = read_buildings(path, crs=roads.crs)
    doors = gpd.GeoSeries(buildings.points, crs=roads.crs)
    sites = doors.iloc[np.sort(np.random.default_rng(20261124).choice(len(doors), 12, replace=False))]
    for preset in ("older_walk", "ebike"):
        net = network.compile_network(roads, network.preset(preset))
        facilities = network.snap_points(net, sites)
        time_s = travel.nearest(net, network.snap_points(net, doors), facilities).time_s[:, 0]
        area = isochrones.service_areas(
            surface_of(net, facilities, cell_m=isochrones.CELL_M), limits_s=[900.0]
        ).geometry[0]
        error = isochrones.area_error(area, doors, persons=buildings.weight, time_s=time_s, limit_s=900.0)
        assert 0.1 < buildings.weight[time_s <= 900.0].sum() / error.persons < 0.95
        assert error.share <= 0.01
        assert error.near_edge_misclassified <= 0.02 * error.near_edge_persons


# -- the file


def test_a_surface_is_written_as_a_cloud_optimised_geotiff(tmp_path):
    """Seconds are rounded up, so that what is within 900 s in the file is within 900 s."""
    surface = surface_of(FOOT, snap(FOOT, (0, 0)), cell_m=1.0)
    geotiff.write_surface(surface, tmp_path / "a.tif")
    geotiff.write_surface(surface, tmp_path / "b.tif")
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    with rasterio.open(tmp_path / "a.tif") as file:
        seconds = file.read(1)
        assert file.crs.to_epsg() == 32651
        assert tuple(file.transform)[:6] == surface.transform
        assert file.nodata == geotiff.NOT_REACHED
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.overviews(1) == [2, 4]
        assert file.units == ("s",)
    reached = seconds != geotiff.NOT_REACHED
    np.testing.assert_array_equal(reached, np.isfinite(surface.time_s))
    np.testing.assert_array_equal(seconds[reached], np.ceil(surface.time_s[reached]))
    assert ((seconds <= 120) == (surface.time_s <= 120)).all()


def test_a_surface_that_cannot_be_written(tmp_path):
    surface = surface_of(FOOT, snap(FOOT, (0, 0)), cell_m=50.0)
    with pytest.raises(OutputError, match=r"no_folder.*cannot be written"):
        geotiff.write_surface(surface, tmp_path / "no_folder" / "a.tif")
    late = replace(surface, time_s=np.where(np.isfinite(surface.time_s), 70_000.0, np.inf))
    with pytest.raises(OutputError, match="do not fit"):
        geotiff.write_surface(late, tmp_path / "late.tif")


def test_a_surface_comes_back_from_its_file(tmp_path):
    """In whole seconds; written again it has the same bytes."""
    surface = surface_of(FOOT, snap(FOOT, (0, 0)), cell_m=50.0)
    geotiff.write_surface(surface, tmp_path / "a.tif")
    back = geotiff.read_surface(tmp_path / "a.tif")
    assert replace(back, time_s=None) == replace(surface, time_s=None)
    np.testing.assert_array_equal(back.time_s, np.ceil(surface.time_s))
    geotiff.write_surface(back, tmp_path / "b.tif")
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_the_surfaces_of_a_folder_are_read_when_asked_for(tmp_path):
    surface = surface_of(FOOT, snap(FOOT, (0, 0)), cell_m=50.0)
    geotiff.write_surface(surface, tmp_path / "b.tif")
    (tmp_path / "a.tif").write_bytes(b"no image")
    found = geotiff.SavedSurfaces(tmp_path)
    assert (list(found), len(found)) == (["a", "b"], 2)
    assert found["b"].cutoff_s == surface.cutoff_s
    with pytest.raises(InputFileError, match=r"a\.tif: cannot be read as a surface"):
        _ = found["a"]
    with pytest.raises(KeyError):
        _ = found["c"]


def test_a_tiff_that_is_no_surface(tmp_path):
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", height=2, width=2, count=1, dtype="uint16",
                       crs="EPSG:32651", transform=rasterio.Affine(50, 0, 0, 0, -50, 0)):  # fmt: skip
        pass
    with pytest.raises(InputFileError, match="CUTOFF_S"):
        geotiff.read_surface(tmp_path / "a.tif")
