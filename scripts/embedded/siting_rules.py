"""Where a rule puts things: which villages of a township get a service, and where in the village it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from embedded import shapes

if TYPE_CHECKING:
    import geopandas as gpd

    from embedded.coast import Ground
    from embedded.network import Network

SLOT_GAP_M = 70.0  # between two sites of one village
BURIAL_ROOM_M = {"dwelling": 110.0, "canal": 60.0, "dyke": 180.0, "trunk": 120.0, "other_road": 35.0}
# the first, second and fourth are the adjustable planning assumptions of standards.csv with a little room added
BURIAL_GRID_M = 90.0


@dataclass(frozen=True, slots=True)
class Units:
    """Villages with their elders, their centre, and every place by the road that is nobody's home."""

    table: pd.DataFrame  # village_code, township_code, name_zh, kind, elders, x, y: centre of its people
    free: dict[str, Any]  # village_code -> (n, 2) places, nearest to the centre first


def make_units(villages: gpd.GeoDataFrame, places: pd.DataFrame, homes: pd.DataFrame, elders: Any) -> Units:
    """Return the villages with the middle of their people and the free places around it."""
    at = homes.assign(elders=np.maximum(elders, 0.1))
    sums = (
        at.assign(wx=at["x"] * at["elders"], wy=at["y"] * at["elders"])
        .groupby("village_code")[["elders", "wx", "wy"]]
        .sum()
    )
    table = villages[["village_code", "township_code", "name_zh", "base_name", "kind"]].merge(
        sums, left_on="village_code", right_index=True
    )
    table = pd.DataFrame(table).assign(x=table["wx"] / table["elders"], y=table["wy"] / table["elders"])
    seats = villages["built_up"].map(lambda area: not area.is_empty).to_numpy()
    free = places.drop(index=homes["place"])
    in_village = free.groupby("village_code").groups
    pools = {}
    for row, has_town in zip(table.itertuples(index=False), seats, strict=True):
        pool = free.loc[in_village[row.village_code]]
        if has_town and pool["in_town"].any():
            pool = pool[pool["in_town"]]
        xy = pool[["x", "y"]].to_numpy()
        order = np.argsort(np.hypot(xy[:, 0] - row.x, xy[:, 1] - row.y), kind="stable")
        pools[row.village_code] = _thin(xy[order])
    return Units(table.reset_index(drop=True), pools)


def _thin(xy: Any) -> Any:
    """Return places at least a site's width apart, keeping the order."""
    kept: list[Any] = []
    for point in xy[:400]:
        if all(np.hypot(*(point - other)) >= SLOT_GAP_M for other in kept):
            kept.append(point)
        if len(kept) == 24:
            break
    return np.array(kept)


def spread(units: pd.DataFrame, count: int, reach_m: float, rng: np.random.Generator) -> list[int]:
    """Return ``count`` rows of units, chosen one after the other where most elders are not yet near one.

    A seeded unevenness of the elders keeps the choice from being the best possible: real places were not
    sited by an optimiser.
    """
    xy = units[["x", "y"]].to_numpy()
    weight = units["elders"].to_numpy() * rng.uniform(0.3, 1.7, len(units))
    near = np.exp(-((xy[:, None, :] - xy[None, :, :]) ** 2).sum(axis=2) / (2 * reach_m**2))
    left = weight.copy()
    chosen: list[int] = []
    for _ in range(count):
        gain = near @ left
        gain[chosen] = -1.0
        if len(chosen) >= len(units):
            break
        pick = int(np.argmax(gain))
        chosen.append(pick)
        left = left * (1 - near[pick])
    return chosen


def site_of(units: Units, village_code: str, slot: int) -> Any:
    """Return the place of the numbered site of a village."""
    pool = units.free[village_code]
    return pool[(slot - 1) % len(pool)]


def burial_places(ground: Ground, network: Network, homes: pd.DataFrame, keep_free: Any) -> Any:
    """Return points of a grid where the siting distances of a burial ground are kept."""
    points = []
    for island, land in sorted(ground.township_land.items()):
        inside = land.intersection(ground.islands[island].buffer(-BURIAL_ROOM_M["dyke"])).difference(keep_free)
        west, south, east, north = inside.bounds
        x, y = np.meshgrid(np.arange(west, east, BURIAL_GRID_M), np.arange(south, north, BURIAL_GRID_M))
        grid = np.column_stack([x.ravel(), y.ravel()])
        shapely.prepare(inside)
        points.append(grid[shapely.contains_xy(inside, *grid.T)])
    xy = np.vstack(points)
    to_home, _ = cKDTree(homes[["x", "y"]].to_numpy()).query(xy, distance_upper_bound=BURIAL_ROOM_M["dwelling"])
    xy = xy[np.isinf(to_home)]
    for geometry, room in _burial_obstacles(network):
        near = shapely.STRtree(geometry).query(shapely.points(xy), "dwithin", room)[0]
        xy = np.delete(xy, np.unique(near), axis=0)
    return xy


def _burial_obstacles(network: Network) -> list[tuple[Any, float]]:
    edges = network.edges
    big = edges["highway"].isin(["motorway", "trunk"])
    canals = np.concatenate([canal.lines for canal in network.canals.values()])
    return [
        (shapes.parts(canals), BURIAL_ROOM_M["canal"]),
        (edges.geometry[big].to_numpy(), BURIAL_ROOM_M["trunk"]),
        (edges.geometry[~big].to_numpy(), BURIAL_ROOM_M["other_road"]),
    ]
