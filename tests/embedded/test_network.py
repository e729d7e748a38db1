import re

import numpy as np
import pytest
import shapely
from pyproj import Geod
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from chongming_gis import config, network, sources
from chongming_gis.tables import EDGE_TAGS

GEOD = Geod(ellps="WGS84")


def nodes_of(roads):
    first = shapely.get_coordinates(shapely.get_point(roads.geometry.to_numpy(), 0))
    last = shapely.get_coordinates(shapely.get_point(roads.geometry.to_numpy(), -1))
    xy, node = np.unique(np.round(np.vstack([first, last]), 2), axis=0, return_inverse=True)
    return node[: len(first)], node[len(first) :], xy


def pieces_of(roads):
    u, v, xy = nodes_of(roads)
    return connected_components(coo_array((np.ones(len(u)), (u, v)), shape=(len(xy), len(xy))), directed=False)


def on_foot(roads):
    return roads[~roads["highway"].isin(["motorway", "motorway_link"])]


def test_columns_are_named_as_the_contract_of_edges_has_them(roads):
    own = {"geometry", "lanes", "duration", "interval", "island", "data_kind"}
    assert set(roads.columns) - own <= set(EDGE_TAGS)


def test_size_and_degrees_are_those_of_a_rural_extract(roads):
    """Liechtenstein's roads and tracks: 28 % dead ends, 51 % of degree 3, 5 % of degree 4 (docs/what-is-real.md)."""
    u, v, xy = nodes_of(roads)
    degree = np.bincount(np.concatenate([u, v]))
    share = np.bincount(degree) / len(degree)
    assert 25_000 <= len(xy) <= 45_000
    assert 0.20 <= share[1] <= 0.38
    assert 0.40 <= share[3] <= 0.68
    assert share[4] <= 0.15


def test_the_roads_of_each_island_are_one_piece_for_people_on_foot(roads):
    walk = on_foot(roads)
    for island in ("Chongming", "Changxing", "Hengsha"):
        assert pieces_of(walk[walk["island"] == island])[0] == 1, island


def test_on_foot_only_the_ferry_joins_two_islands(roads):
    walk = on_foot(roads)
    assert pieces_of(walk)[0] == 2  # the main island, and Changxing with Hengsha
    assert pieces_of(walk[walk["route"] != "ferry"])[0] == 3


def test_by_car_everything_is_one_piece_and_without_the_ferry_hengsha_is_cut_off(roads):
    assert pieces_of(roads)[0] == 1
    count, label = pieces_of(roads[roads["route"] != "ferry"])
    assert count == 2
    dry = roads[roads["route"] != "ferry"].reset_index(drop=True)
    u, _, _ = nodes_of(dry)
    assert len(set(label[u[dry["island"] == "Hengsha"]])) == 1
    assert not set(label[u[dry["island"] == "Hengsha"]]) & set(label[u[dry["island"] != "Hengsha"]])


def test_the_ferry_carries_its_parameters_and_begins_and_ends_at_the_coast(shipped, roads):
    ferry = roads[roads["route"] == "ferry"]
    assert len(ferry) == 1
    assert ferry["highway"].isna().all()
    facts = shipped.table("sources/model_parameters.csv").set_index("parameter")["value"].astype(float)
    assert ferry["duration"].iloc[0] == f"00:{facts['ferry_crossing_min']:02.0f}"
    assert ferry["interval"].iloc[0] == f"00:{facts['ferry_headway_min']:02.0f}"
    islands = shipped.layer("boundaries/islands.parquet").set_index("island").geometry
    ends = shapely.points(shapely.get_coordinates(ferry.geometry.iloc[0])[[0, -1]])
    for end, island in zip(ends, ("Changxing", "Hengsha"), strict=True):
        assert islands[island].exterior.distance(end) < 2.0


def test_the_motorway_is_tunnel_bridge_and_road_and_nothing_else_is(roads):
    motorway = roads[roads["highway"] == "motorway"].set_index("name")
    assert (motorway.loc[["G40 上海长江隧道"], "tunnel"] == "yes").all()
    assert (motorway.loc[["G40 上海长江大桥"], "bridge"] == "yes").all()
    assert roads.loc[roads["highway"] != "motorway", "tunnel"].isna().all()


def test_all_19_named_roads_are_there_with_class_and_lanes(shipped, roads):
    facts = shipped.table("sources/roads.csv", lanes=str).set_index("name_zh")
    assert len(facts) == 19
    drawn = roads[roads["name"].isin(facts.index)]
    assert set(drawn["name"]) == set(facts.index)
    assert (drawn["highway"].to_numpy() == facts.loc[drawn["name"], "highway"].to_numpy()).all()
    assert (drawn["lanes"].to_numpy() == facts.loc[drawn["name"], "lanes"].to_numpy()).all()


@pytest.mark.parametrize(
    ("name", "known_km"), [("陈海公路", 67.2), ("G40 上海长江隧道", 8.95), ("G40 上海长江大桥", 10.3)]
)
def test_length_is_within_5_percent_of_the_known_one(shipped, roads, name, known_km):
    facts = shipped.table("sources/roads.csv").set_index("name_zh")
    assert facts.loc[name, "length_km_known"] == known_km
    lines = roads.to_crs("EPSG:4326").geometry[roads["name"] == name]
    made_km = sum(GEOD.geometry_length(line) for line in lines) / 1000
    assert abs(made_km / known_km - 1) < 0.05


def test_no_surface_road_leaves_its_island(shipped, roads):
    islands = shapely.union_all(shipped.layer("boundaries/islands.parquet").geometry.to_numpy()).buffer(1.0)
    walk = on_foot(roads)
    surface = walk.geometry[walk["route"] != "ferry"].to_numpy()
    shapely.prepare(islands)
    assert shapely.covers(islands, surface).all()


def test_few_lanes_bridge_a_main_canal(roads, land):
    canals = shapely.union_all(land.geometry[land["kind"] == "canal"].to_numpy())
    shapely.prepare(canals)
    lanes = roads[roads["highway"].isin(["residential", "service", "track"])]
    wet = lanes[shapely.intersects(canals, lanes.geometry.to_numpy())]
    wet_m = shapely.length(shapely.intersection(wet.geometry.to_numpy(), canals))
    assert len(wet) / len(lanes) < 0.10
    assert (wet.loc[wet_m > 18.0, "bridge"] == "yes").mean() > 0.95


def test_names_are_real_roads_or_none(shipped, roads):
    facts = set(shipped.table("sources/roads.csv")["name_zh"])
    named = set(roads["name"].dropna()) - facts
    assert named == {"长横渡(长兴岛—横沙岛)"}
    assert not [name for name in facts if re.search(r"\d{3,}", name)]


def test_cars_cross_the_bridge_the_tunnel_and_the_ferry_in_both_directions():
    """One car network joins the three islands: whoever drives there can drive back."""
    study = config.read_study(sources.embedded_study_path())
    roads = sources.read_roads(study.resolve(study.sources.roads.path), crs=study.crs)
    net = network.compile_network(roads, network.preset("car"))
    is_ferry = roads.edges["route"].to_numpy(object)[net.row] == "ferry"
    assert is_ferry.sum() == 1
    assert (net.piece[net.tail[is_ferry]] == net.piece[net.head[is_ferry]]).all()
    for name in ("G40 上海长江隧道", "G40 上海长江大桥"):
        named = roads.edges["name"].to_numpy(object)[net.row] == name
        assert np.isfinite(net.forward_s[named]).all()
        assert np.isfinite(net.backward_s[named]).all()
    assert net.report()["largest_component_share"] > 0.99
