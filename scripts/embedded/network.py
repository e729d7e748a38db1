"""The road network of the embedded study, from named roads down to the path to a row of houses, and the ferry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from embedded import lanes, main_roads, noding, shapes, town_grids, waterways
from embedded.lines import LineBook
from embedded.villages import FARM_TOWNSHIPS

if TYPE_CHECKING:
    from embedded.coast import Ground
    from embedded.facts import Facts

SPEED_SIGNS = {"motorway": "80", "trunk": "80", "secondary": "60", "tertiary": "50"}  # km/h; planning assumption
DYKE_ROOM_M = 90.0  # no lane nearer to the coast
TOWN_OVERLAP_M = 80.0  # lanes lead this far into a town
FOREST_PARK = (121.4840, 31.6985, 1050.0)  # 东平国家森林公园, north of 北沿公路 2188号; radius makes about its 3.6 km2


@dataclass(frozen=True, slots=True)
class Network:
    """Edges in metres with their tags, the named roads before noding, and the canals they bridge."""

    edges: gpd.GeoDataFrame
    named: gpd.GeoDataFrame
    canals: dict[str, waterways.Waterways]
    dropped_pieces: int


def forest_park() -> Any:
    """Return the area of the Dongping forest park (schematic)."""
    lon, lat, radius = FOREST_PARK
    centre = shapes.to_metric([lon], [lat])[0]
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = centre + np.column_stack([1.15 * radius * np.cos(angle), 0.95 * radius * np.sin(angle)])
    return shapely.Polygon(shapes.bend(ring))


def make_network(
    facts: Facts, ground: Ground, townships: gpd.GeoDataFrame, villages: gpd.GeoDataFrame, rng: np.random.Generator
) -> Network:
    """Return the whole network; each island's roads are one connected piece for people on foot."""
    named = main_roads.make_main_roads(facts)
    canals = {island: waterways.make_waterways(ground, island, rng) for island in sorted(ground.islands)}
    made, dropped = [], 0
    for island in sorted(ground.islands):
        book = _collect(ground, townships, villages, named, canals[island], island, rng)
        edges = noding.cut_stubs(noding.drop_wet(noding.node_lines(book.table()), canals[island].water))
        edges, lost = noding.join_pieces(edges, ground.islands[island])
        made.append(noding.mark_bridges(edges, canals[island].lines).assign(island=island))
        dropped += lost
    surface = pd.concat(made, ignore_index=True)
    land = shapely.union_all(list(ground.islands.values()))
    motorway = main_roads.motorway_pieces(named, land)
    slips = _slip_roads(named, surface)
    ferry = _ferry(facts, ground, surface)
    edges = pd.concat([surface, motorway, slips, ferry], ignore_index=True)
    return Network(_tagged(edges), named, canals, dropped)


def _collect(
    ground: Ground,
    townships: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    named: gpd.GeoDataFrame,
    canals: waterways.Waterways,
    island: str,
    rng: np.random.Generator,
) -> LineBook:
    land = ground.township_land[island]
    built = shapely.union_all([b for b in villages["built_up"] if not b.is_empty and b.intersects(land)])
    book = LineBook()
    for row in named[named["highway"] != "motorway"].itertuples(index=False):
        if row.geometry.intersects(land):
            book.add(row.geometry, row.highway, name=row.name_zh, lanes=row.lanes)
    inside = shapely.intersection(land, ground.islands[island].buffer(-DYKE_ROOM_M))
    open_land = inside.difference(shapely.union(built.buffer(-TOWN_OVERLAP_M), forest_park()))
    farms = shapely.union_all(townships.geometry[townships["township_code"].isin(FARM_TOWNSHIPS)].to_numpy())
    place = lanes.Countryside(ground.frames[island], canals, open_land, farms, ground.frames[island].span(land))
    lanes.add_country_roads(book, place, rng)
    seats = villages[["x", "y"]].to_numpy()
    water = shapely.union_all(canals.lines)
    for piece in shapes.parts(shapely.intersection(built, inside)):
        centre = seats[shapely.contains_xy(piece, seats[:, 0], seats[:, 1])]
        start = centre[0] if len(centre) else shapely.get_coordinates(piece.centroid)[0]
        town_grids.add_town(book, piece, start, water, rng)
    return _inside(book, inside, named)


def _inside(book: LineBook, inside: Any, named: gpd.GeoDataFrame) -> LineBook:
    """Return the book with everything but the named roads cut at the land inside the dyke."""
    names = set(named["name_zh"])
    shapely.prepare(inside)
    lines = np.array(book.geometry, dtype=object)
    untouched = shapely.contains_properly(inside, lines) | np.isin(np.array(book.name, dtype=str), list(names))
    cut = LineBook()
    for whole, line, highway, name, count in zip(
        untouched, book.geometry, book.highway, book.name, book.lanes, strict=True
    ):
        cut.add(line if whole else shapely.intersection(line, inside), highway, name=name, lanes=count)
    return cut


def _slip_roads(named: gpd.GeoDataFrame, surface: pd.DataFrame) -> pd.DataFrame:
    """Return the slip roads of the interchanges: from the motorway to the nearest node of the road it meets."""
    rows = []
    for on, wanted, road in main_roads.interchange_links(named):
        ends = noding.edge_ends(surface.loc[surface["name"] == road, "geometry"].to_numpy())
        near = ends.xy[np.argmin(np.hypot(*(ends.xy - [wanted.x, wanted.y]).T))]
        rows.append({"geometry": shapely.LineString([[on.x, on.y], near]), "highway": "motorway_link"})
    return pd.DataFrame(rows)


def _ferry(facts: Facts, ground: Ground, surface: pd.DataFrame) -> pd.DataFrame:
    """Return the Changxing-Hengsha ferry and the landing road on either side.

    Each end is the point of its island's coast that is nearest to the stated landing.
    """
    fact = facts["ferries_ports"].iloc[0]
    stated = shapes.to_metric([fact["from_lon"], fact["to_lon"]], [fact["from_lat"], fact["to_lat"]])
    coast = [
        shapely.get_coordinates(shapely.shortest_line(ground.islands[island].exterior, shapely.Point(at)))[0]
        for island, at in zip(("Changxing", "Hengsha"), stated, strict=True)
    ]
    landing = np.round(np.array(coast) / shapes.GRID_M) * shapes.GRID_M
    minutes, headway = facts.parameter("ferry_crossing_min"), facts.parameter("ferry_headway_min")
    rows: list[dict[str, Any]] = [
        {
            "geometry": shapely.LineString(landing),
            "route": "ferry",
            "name": "长横渡(长兴岛—横沙岛)",
            "duration": f"00:{minutes:02.0f}",
            "interval": f"00:{headway:02.0f}",
        }
    ]
    for island, at in zip(("Changxing", "Hengsha"), landing, strict=True):
        ends = noding.edge_ends(surface.loc[surface["island"] == island, "geometry"].to_numpy())
        near = ends.xy[np.argmin(np.hypot(*(ends.xy - at).T))]
        rows.append({"geometry": shapely.LineString([at, near]), "highway": "tertiary", "island": island})
    return pd.DataFrame(rows)


def _tagged(edges: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the edges with every tag as text, ordered from west to east."""
    edges = edges.assign(
        maxspeed=edges["highway"].map(SPEED_SIGNS),
        surface=edges["highway"].map(lambda value: "asphalt" if value in SPEED_SIGNS else None),
        foot=np.where(edges["route"] == "ferry", "yes", None),
        # 长横渡 is a vehicle and passenger ferry (general knowledge, facts of 2026-11-24)
        motor_vehicle=np.where(edges["route"] == "ferry", "yes", None),
        # one line stands for both carriageways of the motorway, which would be one-way by its class
        oneway=np.where(edges["highway"].isin(["motorway", "motorway_link"]), "no", None),
        data_kind="schematic",
    )
    start = shapely.get_coordinates(shapely.get_point(edges["geometry"].to_numpy(), 0))
    stop = shapely.get_coordinates(shapely.get_point(edges["geometry"].to_numpy(), -1))
    order = np.lexsort((stop[:, 1], stop[:, 0], start[:, 1], start[:, 0]))
    edges = edges.iloc[order].reset_index(drop=True).drop(columns="rank")
    return gpd.GeoDataFrame(edges, geometry="geometry", crs=shapes.METRIC)
