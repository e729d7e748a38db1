"""The 19 named roads from their waypoints, and the motorway with its interchanges."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.ops
from pyproj import Geod

from embedded import shapes

if TYPE_CHECKING:
    from embedded.facts import Facts

JOIN_ENDS_WITHIN_M = 1500.0
SHARPEST_JOIN_DEG = 65.0  # an end that would have to turn back is left where its waypoint is
CORNER_CUTS = 2
LINK_ALONG_MOTORWAY_M = 420.0
LINK_ALONG_ROAD_M = 260.0
INTERCHANGES = ("潘园公路", "陈海公路", "北沿公路")  # roads that meet the motorway; general knowledge, LOW


def make_main_roads(facts: Facts) -> gpd.GeoDataFrame:
    """Return the named roads in metres: smooth lines through their waypoints, loose ends joined to the next road."""
    roads = facts["roads"]
    points = {str(name): rows for name, rows in facts["road_waypoints"].groupby("road", sort=False)}
    lines = []
    for name in roads["name_zh"]:
        way = points[name].sort_values("seq")
        lines.append(shapely.LineString(shapes.chaikin_line(shapes.to_metric(way["lon"], way["lat"]), CORNER_CUTS)))
    table = gpd.GeoDataFrame(roads.copy(), geometry=np.array(lines, dtype=object), crs=shapes.METRIC)
    surface = (table["highway"] != "motorway").to_numpy()
    table["drawn_m"] = lengths_m(table.geometry)  # before ends are joined: the road as its waypoints have it
    joined = [_join_ends(k, lines, surface) if surface[k] else lines[k] for k in range(len(lines))]
    return table.set_geometry(gpd.GeoSeries(joined, crs=shapes.METRIC))


def lengths_m(geometry: gpd.GeoSeries) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return geodesic lengths in metres."""
    geod = Geod(ellps="WGS84")
    return np.array([geod.geometry_length(line) for line in shapes.geometries_to_lonlat(geometry.to_numpy())])


def length_table(roads: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return known and made length of each named road, km, and the deviation in percent."""
    made = roads["drawn_m"] / 1000
    known = roads["length_km_known"]
    return pd.DataFrame(
        {
            "name_zh": roads["name_zh"],
            "known_km": known,
            "made_km": made.round(2),
            "deviation_percent": ((made / known - 1) * 100).round(1),
        }
    )


def _join_ends(k: int, lines: list[Any], surface: Any) -> Any:
    """Return a road whose ends are joined to the nearest other surface road, if one is within reach."""
    others = shapely.union_all([line for j, line in enumerate(lines) if j != k and surface[j]])
    xy = shapely.get_coordinates(lines[k])
    for end, at in ((0, xy[0]), (-1, xy[-1])):
        link = shapely.shortest_line(shapely.Point(at), others)
        ahead = xy[0] - xy[1] if end == 0 else xy[-1] - xy[-2]
        if 1.0 < link.length <= JOIN_ENDS_WITHIN_M and _turn_deg(ahead, link) <= SHARPEST_JOIN_DEG:
            target = shapely.get_coordinates(link)[-1:]
            xy = np.vstack([target, xy]) if end == 0 else np.vstack([xy, target])
    return shapely.LineString(xy)


def _turn_deg(ahead: Any, link: Any) -> float:
    """Return by how many degrees a link turns away from the direction in which a road arrives."""
    step = np.diff(shapely.get_coordinates(link), axis=0)[0]
    cosine = float(ahead @ step) / float(np.hypot(*ahead) * np.hypot(*step))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def motorway_pieces(roads: gpd.GeoDataFrame, land: Any) -> pd.DataFrame:
    """Return the motorway cut at its interchanges and, north of the island, at the coast (bridge beyond it)."""
    motorway = roads[roads["highway"] == "motorway"]
    pieces = []
    for row in motorway.itertuples(index=False):
        cuts = shapely.union_all([land.boundary, *_interchange_points(row.geometry, roads)])
        structure = row.structure if isinstance(row.structure, str) else ""
        for part in _cut(row.geometry, cuts if not structure else None):
            over_water = not land.buffer(5).contains(part.interpolate(0.5, normalized=True))
            pieces.append(
                {
                    "geometry": part,
                    "highway": "motorway",
                    "name": row.name_zh,
                    "lanes": row.lanes,
                    "bridge": "yes" if structure == "bridge" or (not structure and over_water) else None,
                    "tunnel": "yes" if structure == "tunnel" else None,
                }
            )
    return pd.DataFrame(pieces)


def interchange_links(roads: gpd.GeoDataFrame) -> list[tuple[Any, Any, str]]:
    """Return (point on the motorway, point wanted on the road, road) of every slip road."""
    links = []
    motorway = roads[roads["highway"] == "motorway"]
    for name in INTERCHANGES:
        road = roads.loc[roads["name_zh"] == name, "geometry"].iloc[0]
        for line in motorway.geometry:
            meet = _one_point(line.intersection(road))
            if meet is None:
                continue
            for way in (-1, 1):
                on = _shifted(line, meet, way * LINK_ALONG_MOTORWAY_M)
                links.append((on, _shifted(road, meet, way * LINK_ALONG_ROAD_M), name))
    return links


def _interchange_points(line: Any, roads: gpd.GeoDataFrame) -> list[Any]:
    return [on for on, _, _ in interchange_links(roads) if on.distance(line) < 1.0]


def _one_point(geometry: Any) -> Any:
    pieces = [part for part in shapely.get_parts(geometry) if part.geom_type == "Point"]
    return pieces[0] if pieces else None


def _shifted(line: Any, at: Any, by_m: float) -> Any:
    return line.interpolate(float(np.clip(line.project(at) + by_m, 0.0, line.length)))


def _cut(line: Any, cuts: Any) -> list[Any]:
    """Return the pieces of a line cut where it meets some lines or points, in order."""
    if cuts is None:
        return [line]
    meets = [part for part in shapely.get_parts(shapely.intersection(line, cuts)) if part.geom_type == "Point"]
    near = [part for part in shapely.get_parts(cuts) if part.geom_type == "Point" and part.distance(line) < 1.0]
    at = sorted({round(line.project(point), 3) for point in [*meets, *near]})
    at = [0.0, *[value for value in at if 1.0 < value < line.length - 1.0], line.length]
    return [shapely.ops.substring(line, a, b) for a, b in itertools.pairwise(at)]
