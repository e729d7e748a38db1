"""Islands and the land that is no township's: reserve, tidal flat, the Jiangsu enclave, port and reservoir land.

The rules are stated in data/SOURCES.md. Facts give coarse outlines and township areas; the strips along the northern
shore are made as deep as needed for the land of the townships to come out near the sum of their known areas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from embedded import shapes

if TYPE_CHECKING:
    from embedded.facts import Facts

TOWNSHIP_LAND_OVER_KNOWN = 1.08  # the outlines hold more dry land than the tables; the rest lies in the strips
COAST_ROUGHNESS_M = 90.0
RESERVE_LIMIT = ((121.902, 31.430), (121.884, 31.500), (121.876, 31.540), (121.862, 31.640))
STRIPS = {  # id: (west, east, share of the common depth)
    "jiangsu_enclave": (121.440, 121.700, 1.0),
    "northern_tidal_flat_west": (121.185, 121.446, 0.40),
    "northern_tidal_flat_east": (121.690, 121.890, 1.0),
}
CHANGXING_PORT = (121.640, 121.790, 900.0)  # west, east, depth: shipyards along the southern shore
QINGCAOSHA = (121.556, 121.690, 3900.0)  # reservoir in front of the north-western shore of Changxing
DONGFENGXISHA = (121.262, 121.330, 900.0)  # reservoir in front of the south-western shore of Chongming
SOLVER_STEPS = 24


@dataclass(frozen=True, slots=True)
class Ground:
    """Island outlines, the township land on each, the zones that are no township's, and the frames."""

    islands: dict[str, Any]
    township_land: dict[str, Any]
    zones: dict[str, Any]
    frames: dict[str, shapes.IslandFrame]


def make_ground(facts: Facts, rng: np.random.Generator) -> Ground:
    """Return the islands and their division into township land and other land."""
    islands = _islands(facts, rng)
    frames = {name: shapes.island_frame(area) for name, area in islands.items()}
    known = facts["townships"].groupby("island")["area_km2"].sum() * 1e6
    main = islands["Chongming"]
    reserve = main.intersection(_east_of_limit())
    north = _shore(main, frames["Chongming"], side=1)
    depth = _strip_depth(main, north, reserve, target=TOWNSHIP_LAND_OVER_KNOWN * known["Chongming"])
    zones = {"dongtan_reserve": reserve, **_strips(main, north, reserve, depth)}
    port = _strip(islands["Changxing"], _shore(islands["Changxing"], frames["Changxing"], side=-1), *CHANGXING_PORT)
    zones["changxing_port"] = shapes.smooth_polygon(port, 60).intersection(islands["Changxing"])
    zones["qingcaosha_reservoir"] = _reservoir(islands, frames["Changxing"], "Changxing", 1, QINGCAOSHA)
    zones["dongfengxisha_reservoir"] = _reservoir(islands, frames["Chongming"], "Chongming", -1, DONGFENGXISHA)
    land = {name: area.difference(shapely.union_all(list(zones.values()))) for name, area in islands.items()}
    land = {name: shapes.largest_part(shapely.set_precision(area, shapes.GRID_M)) for name, area in land.items()}
    return Ground(islands, land, zones, frames)


def _islands(facts: Facts, rng: np.random.Generator) -> dict[str, Any]:
    outlines = facts["island_outlines"]
    islands = {}
    for name, points in outlines.groupby("island", sort=True):
        ring = shapes.chaikin_ring(shapes.to_metric(points["lon"], points["lat"]))
        area = shapely.Polygon(shapes.ring_with_inlets(ring, rng, COAST_ROUGHNESS_M))
        islands[str(name)] = shapely.set_precision(area.buffer(0), shapes.GRID_M)
    return islands


def _east_of_limit() -> Any:
    lon, lat = np.array(RESERVE_LIMIT).T
    limit = shapes.chaikin_line(shapes.to_metric(lon, lat))
    far = shapes.to_metric([122.2, 122.2], [lat[-1], lat[0]])
    return shapely.Polygon(np.vstack([limit, far]))


def _shore(island: Any, frame: shapes.IslandFrame, *, side: int) -> Any:
    """Return the shore on one side of the island's axis (1 north, -1 south)."""
    ring = shapely.get_coordinates(shapely.segmentize(island.exterior, 200.0))
    near = shapely.STRtree(shapely.points(frame.axis)).nearest(shapely.points(ring))
    across = ((ring - frame.axis[near]) * frame.normal[near]).sum(axis=1) * side
    points = ring[across > 0]
    return shapely.LineString(points[np.argsort(frame.along_m[near][across > 0], kind="stable")])


def _strip(island: Any, shore: Any, west: float, east: float, depth: float) -> Any:
    """Return the land within ``depth`` metres of a shore between two meridians."""
    xy = shapely.get_coordinates(shore)
    lon = shapes.to_lonlat(xy)[:, 0]
    piece = shapely.LineString(xy[(lon >= west) & (lon <= east)])
    return island.intersection(piece.buffer(depth, cap_style="flat"))


def _strips(island: Any, shore: Any, reserve: Any, depth: float) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, (west, east, share) in STRIPS.items():
        earlier = shapely.union_all([reserve, *made.values()])
        made[name] = shapes.largest_part(_strip(island, shore, west, east, depth * share).difference(earlier))
    return made


def _strip_depth(island: Any, shore: Any, reserve: Any, *, target: float) -> float:
    """Return the common depth of the northern strips at which township land has the target area (bisection)."""
    low, high = 0.0, 6000.0
    for _ in range(SOLVER_STEPS):
        middle = (low + high) / 2
        taken = shapely.union_all([reserve, *_strips(island, shore, reserve, middle).values()])
        low, high = (middle, high) if island.difference(taken).area > target else (low, middle)
    return (low + high) / 2


def _reservoir(
    islands: dict[str, Any], frame: shapes.IslandFrame, name: str, side: int, rule: tuple[float, float, float]
) -> Any:
    """Return a reservoir in the water along a shore: a strip outside the coast with rounded ends."""
    west, east, width = rule
    xy = shapely.get_coordinates(_shore(islands[name], frame, side=side))
    lon = shapes.to_lonlat(xy)[:, 0]
    piece = shapely.LineString(xy[(lon >= west) & (lon <= east)])
    water = piece.buffer(width, cap_style="flat").difference(shapely.union_all(list(islands.values())).buffer(60.0))
    return shapes.smooth_polygon(shapes.largest_part(water), width / 4)
