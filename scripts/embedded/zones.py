"""The land layer: coast, zones with their rules, water, built-up land, fields and woods. All of it is schematic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from embedded import shapes
from embedded.network import forest_park

if TYPE_CHECKING:
    from embedded.coast import Ground
    from embedded.network import Network

PROTECTION_M = {"qingcaosha_reservoir": 500.0, "dongfengxisha_reservoir": 500.0}  # planning assumption
FIELD_CELL_M = 240.0
FIELD_TURN_DEG = -26.0  # fields lie along the islands, as the canals and lanes do
FIELD_FROM_HOMES_M = 165.0
FARMLAND_WAVE = -0.25  # fields where a smooth wave is above this are basic farmland: somewhat more than half of them
SMALLEST_FIELD_M2 = 12 * FIELD_CELL_M**2
FOREST_BELT_M = 170.0  # behind the northern and eastern dyke
MOTORWAY_WOOD_M = 90.0
BACKGROUND_RULE = "one of the zones placed by the rules of data/SOURCES.md"

NAMES = {
    "dongtan_reserve": ("reserve", "崇明东滩鸟类国家级自然保护区(示意)", "land and tidal flat east of a fixed limit"),
    "northern_tidal_flat_west": ("tidal_flat", "北沿滩涂西段(示意)", "strip along the northern shore"),
    "northern_tidal_flat_east": ("tidal_flat", "北沿滩涂东段(示意)", "strip along the northern shore"),
    "jiangsu_enclave": (
        "other_district",
        "海永镇、启隆镇(江苏,示意)",
        "strip along the northern shore, Jiangsu province",
    ),
    "changxing_port": ("port", "长兴岛造船及港口用地(示意)", "strip of 900 m along the southern shore of Changxing"),
    "qingcaosha_reservoir": ("reservoir", "青草沙水库(示意)", "water in front of the north-western shore of Changxing"),
    "dongfengxisha_reservoir": (
        "reservoir",
        "东风西沙水库(示意)",
        "water in front of the south-western shore of Chongming",
    ),
}
ISLAND_NAMES = {"Chongming": "崇明岛", "Changxing": "长兴岛", "Hengsha": "横沙岛"}


@dataclass(frozen=True, slots=True)
class Cover:
    """Woods and basic farmland, in metres."""

    forest: Any
    farmland: Any

    @property
    def both(self) -> Any:
        """The two as one area."""
        return shapely.union(self.forest, self.farmland)


def make_cover(ground: Ground, network: Network, villages: gpd.GeoDataFrame, homes: pd.DataFrame) -> Cover:
    """Return woods (behind the outer dykes, along the motorway) and basic farmland (fields away from homes)."""
    land = shapely.union_all(list(ground.township_land.values()))
    built = shapely.union_all([area for area in villages["built_up"] if not area.is_empty])
    motorway = network.edges[network.edges["highway"] == "motorway"]
    homes_xy = shapely.points(homes[["x", "y"]].to_numpy())
    off_homes = shapely.union_all(shapely.buffer(homes_xy, 60.0, quad_segs=4))
    woods = shapely.union(
        _outer_belt(ground), shapely.union_all(motorway.geometry.to_numpy()).buffer(MOTORWAY_WOOD_M, cap_style="flat")
    )
    taken = shapely.union_all([built, off_homes, forest_park()])
    forest = _large_parts(shapely.intersection(woods, land).difference(taken), 15_000.0)
    fields = _fields(land.difference(shapely.union_all([built.buffer(100.0), forest, forest_park()])), homes)
    return Cover(forest, _large_parts(fields.difference(shapely.union(forest, off_homes)), 60_000.0))


def _outer_belt(ground: Ground) -> Any:
    """Return a strip of land behind the strips of tidal flat, the reserve and the enclave."""
    outer = [ground.zones[name] for name in NAMES if NAMES[name][0] in {"reserve", "tidal_flat"}]
    return shapely.union_all(outer).buffer(FOREST_BELT_M)


def _fields(land: Any, homes: pd.DataFrame) -> Any:
    """Return fields on a coarse grid: cells with their middle on land, away from homes, where the wave is high."""
    turn = np.deg2rad(FIELD_TURN_DEG)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = shapely.get_coordinates(land.envelope) @ axes.T
    (u_from, v_from), (u_to, v_to) = corners.min(axis=0), corners.max(axis=0)
    u, v = np.meshgrid(np.arange(u_from, u_to, FIELD_CELL_M), np.arange(v_from, v_to, FIELD_CELL_M))
    grid = np.column_stack([u.ravel(), v.ravel()]) @ axes
    shapely.prepare(land)
    grid = grid[shapely.contains_xy(land, *grid.T)]
    to_home, _ = cKDTree(homes[["x", "y"]].to_numpy()).query(grid, distance_upper_bound=FIELD_FROM_HOMES_M)
    grid = grid[np.isinf(to_home)]
    wave = np.sin(grid[:, 0] / 1100.0) * np.cos(grid[:, 1] / 900.0) + 0.5 * np.sin(
        grid[:, 0] / 370.0 + grid[:, 1] / 530.0
    )
    grid = grid[wave > FARMLAND_WAVE]
    half = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) @ axes * (FIELD_CELL_M / 2 + 0.5)
    cells = shapely.polygons(grid[:, None, :] + half[None, :, :])
    area = _large_parts(shapely.union_all(cells), SMALLEST_FIELD_M2)
    rounded = shapely.buffer(shapely.buffer(shapely.buffer(area, -45.0), 90.0, quad_segs=2), -45.0, quad_segs=2)
    return shapely.intersection(shapely.simplify(rounded, 12.0), land)


def _large_parts(area: Any, smallest_m2: float) -> Any:
    pieces = shapes.parts(area)
    return shapely.MultiPolygon(list(pieces[shapely.area(pieces) >= smallest_m2]))


def make_land(ground: Ground, network: Network, villages: gpd.GeoDataFrame, cover: Cover) -> gpd.GeoDataFrame:
    """Return the land layer in metres, one row a zone, ordered by id."""
    rows = [*_coast_rows(ground, network), *_zone_rows(ground), *_water_rows(network)]
    built = villages[villages["built_up"].map(lambda area: not area.is_empty)]
    for township, areas in built.groupby("township_code", sort=True)["built_up"]:
        rows.append(
            _row(
                f"built_up_{township}",
                "built_up",
                None,
                "town cells, farm settlements and market towns",
                shapely.union_all(areas.to_numpy()),
            )
        )
    rows.append(
        _row("forest", "forest", "防护林(示意)", "170 m behind the outer dykes, 90 m along the motorway", cover.forest)
    )
    rows.append(
        _row(
            "basic_farmland",
            "farmland",
            "基本农田(示意)",
            "fields 165 m and more from homes where a smooth wave is high; not the official map",
            cover.farmland,
        )
    )
    table = pd.DataFrame(rows).sort_values("land_id", ignore_index=True)
    table["geometry"] = shapely.set_precision(table["geometry"].to_numpy(), shapes.GRID_M)
    return gpd.GeoDataFrame(table, geometry="geometry", crs=shapes.METRIC)


def _row(land_id: str, kind: str, name_zh: str | None, rule: str, geometry: Any) -> dict[str, Any]:
    return {
        "land_id": land_id,
        "kind": kind,
        "name_zh": name_zh,
        "rule": rule,
        "data_kind": "schematic",
        "geometry": geometry,
    }


def _coast_rows(ground: Ground, network: Network) -> list[dict[str, Any]]:
    rows = []
    for island, area in sorted(ground.islands.items()):
        name = ISLAND_NAMES[island]
        rows.append(_row(f"coast_{island.lower()}", "coast", name, "coarse outline, corners cut, small inlets", area))
        dyke = network.canals[island].dyke
        rows.append(_row(f"dyke_{island.lower()}", "dyke", f"{name}江堤(示意)", "45 m inside the coast", dyke))
    return rows


def _zone_rows(ground: Ground) -> list[dict[str, Any]]:
    rows = [_row(name, kind, name_zh, rule, ground.zones[name]) for name, (kind, name_zh, rule) in NAMES.items()]
    rows.append(
        _row(
            "dongping_forest_park",
            "forest_park",
            "东平国家森林公园(示意)",
            "ellipse north of 北沿公路 2188号",
            forest_park(),
        )
    )
    for name, width in PROTECTION_M.items():
        zone = ground.zones[name]
        rows.append(
            _row(
                f"{name}_protection",
                "reservoir_protection",
                f"{NAMES[name][1][:-4]}保护区(示意)",
                f"{width:.0f} m around the reservoir (planning assumption)",
                zone.buffer(width).difference(zone),
            )
        )
    return rows


def _water_rows(network: Network) -> list[dict[str, Any]]:
    return [
        _row(
            f"canal_{island.lower()}",
            "canal",
            f"{ISLAND_NAMES[island]}河道(示意)",
            "main canals across the island about every kilometre, 22 m wide",
            canals.water,
        )
        for island, canals in sorted(network.canals.items())
    ]
