"""Road tables written by hand, and one toy town whose every answer can be worked out on paper.

::

    y
    500                                        M
                                               |  500 m motorway, drawn D -> M
    200                            I           |
                                   |  200 m    |
                                   |  tunnel   |
      0   A ------- B >>>>>>>>>>>> C --------- D ~~~~~~~~ ferry ~~~~~~~~ G ------- H
            100 m   |  one-way     |  100 m      1000 m, 300 s,            100 m
                    |  100 m       |             every 600 s
                    | 50 m path    | 50 m
    -50             E ------------ F
                  (bollard) 100 m
    -300  J -- K   50 m, joined to nothing
     x    0        100             200         300                       1300    1400

Speeds of the three modes below are 1, 5 and 10 m/s, and 1 m/s from a point to the road, so that metres are seconds on
foot. The path B - E is closed to cars, the bollard at E stops cars only, the ferry takes no cars (it is not tagged so),
the motorway takes cars only, and the tunnel takes everyone but no point may step onto it.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import network, tables

CRS = "EPSG:32651"
X0, Y0 = 330_000.0, 3_500_000.0
SOUTH_WEST = np.array([X0, Y0])

FOOT = network.TravelMode(
    name="foot", access="foot", speed_kmh=3.6, off_network_speed_kmh=3.6, max_snap_m=300.0, tiny_piece_m=60.0
)
BIKE = network.TravelMode(
    name="bike", access="bicycle", speed_kmh=18.0, off_network_speed_kmh=3.6, max_snap_m=300.0, tiny_piece_m=60.0
)
CAR = network.TravelMode(
    name="car", access="motor_vehicle", speed_kmh=36.0, off_network_speed_kmh=3.6, max_snap_m=300.0, tiny_piece_m=60.0
)

PLACES = {
    "A": (0, 0), "B": (100, 0), "C": (200, 0), "D": (300, 0), "E": (100, -50), "F": (200, -50), "G": (1300, 0),
    "H": (1400, 0), "I": (200, 200), "J": (0, -300), "K": (50, -300), "M": (300, 500),
}  # fmt: skip
STREETS = [
    ("A", "B", {"highway": "residential"}),
    ("B", "C", {"highway": "residential", "oneway": "yes"}),
    ("C", "D", {"highway": "residential"}),
    ("B", "E", {"highway": "path"}),
    ("E", "F", {"highway": "residential"}),
    ("C", "F", {"highway": "residential"}),
    ("D", "G", {"route": "ferry", "duration_s": 300.0, "headway_s": 600.0}),
    ("G", "H", {"highway": "residential"}),
    ("C", "I", {"highway": "residential", "tunnel": "yes"}),
    ("J", "K", {"highway": "residential"}),
    ("D", "M", {"highway": "motorway"}),
]


def nodes_table(places, barriers=None):
    """Nodes {id: (x, y)} and barriers {id: tags}; coordinates start at the south-west of the toy town."""
    barriers = barriers or {}
    ids = sorted(places)
    columns = {"node_id": np.array(ids, dtype=np.int64)}
    for tag in ("barrier", "access", "foot", "bicycle", "motor_vehicle"):
        columns[tag] = pd.Series([barriers.get(i, {}).get(tag) for i in ids], dtype="str")
    xy = np.array([places[i] for i in ids], dtype=float).reshape(-1, 2) + SOUTH_WEST
    return gpd.GeoDataFrame(columns, geometry=shapely.points(xy), crs=CRS)


def edges_table(places, roads):
    """Edges (u, v, tags); tags may also give ``length_m``, ``line`` (inner places), ``way_id`` and the ferry's times.

    Without ``length_m`` an edge is as long as it is drawn.
    """
    lines = [_line(places, u, v, tags.get("line", ())) for u, v, tags in roads]
    columns = {
        "edge_id": np.arange(len(roads), dtype=np.int64),
        "u": np.array([u for u, _, _ in roads], dtype=np.int64),
        "v": np.array([v for _, v, _ in roads], dtype=np.int64),
        "way_id": np.array([tags.get("way_id", 1000 + i) for i, (_, _, tags) in enumerate(roads)], dtype=np.int64),
        "length_m": np.array(
            [tags.get("length_m", line.length) for (_, _, tags), line in zip(roads, lines, strict=True)]
        ),
    }
    for tag in tables.EDGE_TAGS:
        columns[tag] = pd.Series([tags.get(tag) for _, _, tags in roads], dtype="str")
    for number, missing in (("duration_s", np.nan), ("headway_s", np.nan), ("way_share", 1.0)):
        columns[number] = np.array([tags.get(number, missing) for _, _, tags in roads], dtype=float)
    return gpd.GeoDataFrame(columns, geometry=lines, crs=CRS)


def _line(places, u, v, inner):
    return shapely.LineString(np.array([places[u], *inner, places[v]], dtype=float) + SOUTH_WEST)


def road_tables(places, roads, barriers=None):
    """Road tables that satisfy the contracts of ``sources.read_roads``."""
    return tables.RoadTables(nodes=nodes_table(places, barriers), edges=edges_table(places, roads))


def one_street(tags, *, barrier=None):
    """Two edges 1 - 2 - 3 of 100 m with the same tags, with a barrier (its tags) at 2 where one is given."""
    places = {1: (0, 0), 2: (100, 0), 3: (200, 0)}
    return road_tables(places, [(1, 2, tags), (2, 3, tags)], {} if barrier is None else {2: barrier})


def town():
    """The town that is drawn above; node ids are the letters' numbers, A = 1."""
    number = {letter: ord(letter) - ord("A") + 1 for letter in PLACES}
    return road_tables(
        {number[letter]: place for letter, place in PLACES.items()},
        [(number[u], number[v], tags) for u, v, tags in STREETS],
        {number["E"]: {"barrier": "bollard"}},
    )


def points(*xy):
    """Points of the town, in metres from A."""
    return gpd.GeoSeries([None if at is None else shapely.Point(X0 + at[0], Y0 + at[1]) for at in xy], crs=CRS)


def snapped(edge, fraction, off_s):
    """Points that stand on edges already; off the network they take ``off_s`` seconds. Edge -1 is out of reach."""
    edge = np.asarray(edge, dtype=np.int32)
    off_s = np.where(edge >= 0, np.asarray(off_s, dtype=float), np.inf)
    return network.SnappedPoints(
        edge=edge,
        fraction=np.where(edge >= 0, np.asarray(fraction, dtype=float), 0.0),
        off_network_m=off_s,
        off_network_s=off_s,
        reason=np.where(edge >= 0, 0, 1).astype(np.int32),
        left_tiny_piece=np.zeros(len(edge), dtype=bool),
    )
