"""Places where homes (and services) can stand: beside lanes and town streets, on dry land, in a known village."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from embedded import shapes

if TYPE_CHECKING:
    from embedded.coast import Ground
    from embedded.network import Network

STEP_M = 32.0  # between places along a lane
SETBACK_M = (11.0, 21.0)
HOUSE_ROADS = ("residential", "service", "unclassified", "tertiary")
WATER_ROOM_M = 8.0
ROAD_ROOM_M = {"motorway": 60.0, "trunk": 30.0, "secondary": 18.0}
COAST_ROOM_M = 110.0


def roadside_places(
    ground: Ground, network: Network, villages: gpd.GeoDataFrame, keep_free: Any, rng: np.random.Generator
) -> pd.DataFrame:
    """Return places (x, y) beside roads with the village they lie in and whether that is town land.

    Parameters
    ----------
    keep_free : area in which nothing is built (reserve, forest park, reservoirs).
    """
    edges = network.edges[network.edges["highway"].isin(HOUSE_ROADS) & (network.edges["bridge"] != "yes")]
    xy = _beside(edges.geometry.to_numpy(), rng)
    xy = xy[_is_dry(xy, ground, network, keep_free)]
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=shapes.METRIC)
    cells = villages[["village_code", "township_code", "kind", "geometry"]]
    found = gpd.sjoin(points, cells, predicate="within").sort_index()
    found = found[~found.index.duplicated()]
    built = shapely.union_all([area for area in villages["built_up"] if not area.is_empty])
    shapely.prepare(built)
    at = xy[found.index.to_numpy()]
    found = pd.DataFrame(found.drop(columns=["geometry", "index_right"])).assign(x=at[:, 0], y=at[:, 1])
    found["in_town"] = shapely.contains_xy(built, at[:, 0], at[:, 1])
    return found.reset_index(drop=True)


def _beside(lines: Any, rng: np.random.Generator) -> Any:
    """Return points every few dozen metres along lines, set back to one side or the other."""
    lengths = shapely.length(lines)
    count = np.maximum((lengths / STEP_M).astype(int), 1)
    owner = np.repeat(np.arange(len(lines)), count)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    at = (rank + rng.uniform(0.2, 0.8, len(owner))) * (lengths / count)[owner]
    here = shapely.get_coordinates(shapely.line_interpolate_point(lines[owner], at))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines[owner], at + 1.0))
    back = shapely.get_coordinates(shapely.line_interpolate_point(lines[owner], np.maximum(at - 1.0, 0.0)))
    step = ahead - back
    step /= np.maximum(np.hypot(*step.T), 1e-9)[:, None]
    away = rng.uniform(*SETBACK_M, len(owner)) * rng.choice([-1.0, 1.0], len(owner))
    return here + away[:, None] * np.column_stack([-step[:, 1], step[:, 0]])


def _is_dry(xy: Any, ground: Ground, network: Network, keep_free: Any) -> Any:
    """Return which points lie inside the dyke, off the water, off the big roads and outside the land kept free."""
    inside = shapely.union_all([island.buffer(-COAST_ROOM_M) for island in ground.islands.values()])
    inside = inside.difference(keep_free)
    water = shapely.union_all([canal.water for canal in network.canals.values()]).buffer(WATER_ROOM_M)
    near_road = shapely.union_all(
        [
            shapely.union_all(network.edges.geometry[network.edges["highway"] == highway].to_numpy()).buffer(room)
            for highway, room in ROAD_ROOM_M.items()
        ]
    )
    for area in (inside, water, near_road):
        shapely.prepare(area)
    x, y = xy.T
    return shapely.contains_xy(inside, x, y) & ~shapely.contains_xy(water, x, y) & ~shapely.contains_xy(near_road, x, y)
