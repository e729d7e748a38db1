"""The steps of the embedded study in order: facts -> ground -> areas -> roads -> people -> facilities -> files."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from embedded import (
    capacities,
    coast,
    facilities,
    homes,
    main_roads,
    network,
    noding,
    people,
    raster,
    shapes,
    siting_rules,
    townships,
    villages,
    zones,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded.facts import Facts

SEED = 20261124
STEPS = ("ground", "villages", "network", "places", "people", "facilities")
EDGE_COLUMNS = (
    "highway",
    "route",
    "oneway",
    "foot",
    "motor_vehicle",
    "maxspeed",
    "bridge",
    "tunnel",
    "surface",
    "name",
    "lanes",
    "duration",
    "interval",
    "island",
    "data_kind",
)


@dataclass(frozen=True, slots=True)
class EmbeddedStudy:
    """Everything the generator makes, in metres, before it is turned into files."""

    ground: coast.Ground
    townships: gpd.GeoDataFrame
    villages: gpd.GeoDataFrame
    network: network.Network
    homes: pd.DataFrame
    persons: pd.DataFrame
    cover: zones.Cover
    facilities: dict[str, pd.DataFrame]


def make_study(facts: Facts, say: Callable[[str], None]) -> EmbeddedStudy:
    """Return the study; every step has its own random stream, so that a change in one does not shake the others."""
    streams = dict(zip(STEPS, np.random.default_rng(SEED).spawn(len(STEPS)), strict=True))
    clock = time.perf_counter()

    def done(what: str) -> None:
        say(f"{time.perf_counter() - clock:6.1f} s  {what}")

    ground = coast.make_ground(facts, streams["ground"])
    towns = townships.make_townships(facts, ground)
    cells = villages.make_villages(facts, towns, streams["villages"])
    done(f"{len(towns)} townships, {len(cells)} villages and neighbourhoods")
    roads = network.make_network(facts, ground, towns, cells, streams["network"])
    done(f"{len(roads.edges):,} pieces of road")
    kept_free = shapely.union_all([*ground.zones.values(), network.forest_park()])
    places = homes.roadside_places(ground, roads, cells, kept_free, streams["places"])
    totals = people.township_totals(facts)
    residents = people.unit_residents(facts, cells, totals, streams["people"])
    lived_in = people.choose_places(cells, residents, places, streams["people"])
    persons = people.persons_table(facts, lived_in, totals, streams["people"])
    done(f"{len(lived_in):,} places with {_residents(persons):,} residents")
    cover = zones.make_cover(ground, roads, cells, lived_in)
    elders = persons[[c for c in persons if c.startswith("reg_a") and "0_59" not in c]].sum(axis=1).to_numpy()
    units = siting_rules.make_units(cells, places, lived_in, elders)
    burial_xy = siting_rules.burial_places(ground, roads, lived_in, shapely.union(kept_free, cover.both))
    made = facilities.make_facilities(facts, units, burial_xy, _village_of(burial_xy, cells), streams["facilities"])
    made = capacities.add_capacities(facts, capacities.name_known_places(facts, made), streams["facilities"])
    made = capacities.add_planned(facts, made, units, towns)
    done(f"{sum(map(len, made.values())):,} facilities of {len(made)} services")
    return EmbeddedStudy(ground, towns, cells, roads, lived_in, persons, cover, made)


def _residents(persons: pd.DataFrame) -> int:
    return int(
        persons[[column for column in persons if column.startswith("res_a") and "alone" not in column]].sum().sum()
    )


def _village_of(xy: Any, cells: gpd.GeoDataFrame) -> Any:
    """Return the village that each point lies in (every point lies on township land)."""
    which = shapely.STRtree(cells.geometry.to_numpy()).nearest(shapely.points(xy))
    return cells["village_code"].to_numpy()[which].astype(str)


def layers(study: EmbeddedStudy) -> dict[str, gpd.GeoDataFrame]:
    """Return the GeoParquet layers by their path under ``data``, in longitude and latitude."""
    edges = study.network.edges.reindex(columns=[*EDGE_COLUMNS, "geometry"])
    towns = study.townships[["township_code", "name_zh", "name_en", "island", "area_km2", "geometry"]]
    towns = towns.rename(columns={"area_km2": "known_area_km2"}).assign(data_kind="schematic")
    cells = study.villages[["village_code", "name_zh", "township_code", "kind", "geometry"]]
    cells = cells.assign(
        settlement_class=np.where(cells["kind"] == "neighbourhood", "town", "village"), data_kind="schematic"
    )
    islands = gpd.GeoDataFrame(
        {"island": sorted(study.ground.islands), "data_kind": "schematic"},
        geometry=[study.ground.islands[name] for name in sorted(study.ground.islands)],
        crs=shapes.METRIC,
    )
    found = {
        "network/roads.parquet": edges,
        "boundaries/townships.parquet": towns,
        "boundaries/villages.parquet": cells,
        "boundaries/islands.parquet": islands,
        "boundaries/land.parquet": zones.make_land(study.ground, study.network, study.villages, study.cover),
        "demand/demand.parquet": _demand(study),
    }
    return {path: _geographic(frame) for path, frame in found.items()}


def _demand(study: EmbeddedStudy) -> gpd.GeoDataFrame:
    places = study.homes.merge(study.villages[["village_code", "name_zh"]], on="village_code", how="left")
    places = places.merge(study.townships[["township_code", "island"]], on="township_code", how="left")
    columns = places[["demand_id", "name_zh", "township_code", "village_code", "island", "settlement_class"]]
    small = study.persons.astype(np.int32)
    return gpd.GeoDataFrame(
        pd.concat([columns, small], axis=1), geometry=gpd.points_from_xy(places["x"], places["y"]), crs=shapes.METRIC
    )


def _geographic(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer in longitude and latitude with text columns that are the same on every platform."""
    geometry = shapes.geometries_to_lonlat(frame.geometry.to_numpy())
    frame = frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index), crs=shapes.GEOGRAPHIC)
    return frame.reset_index(drop=True)


def tables(study: EmbeddedStudy, facts: Facts) -> dict[str, pd.DataFrame]:
    """Return the CSV tables by their path under ``data``."""
    found = {f"facilities/{name}.csv": table for name, table in facilities.to_files(study.facilities).items()}
    units = facts["villages"]
    found["boundaries/virtual_units.csv"] = units.loc[units["kind"] == "其他", ["village_code", "name_zh", "township"]]
    found["demand/projection.csv"] = people.projection(facts, study.persons)
    return found


def grid(study: EmbeddedStudy) -> raster.Grid:
    """Return the population grid."""
    return raster.make_grid(study.homes, study.persons)


def _service_table(study: EmbeddedStudy, facts: Facts) -> pd.DataFrame:
    """Return how many of each service there are, beside the count and the 2025 target of the facts."""
    made = {name: int((table["status"] == "existing").sum()) for name, table in study.facilities.items()}
    known = facts["facility_counts"]
    known = known[known["service"].isin(list(made))].drop_duplicates("service").set_index("service")
    rows = pd.DataFrame({"service": sorted(made), "made": [made[name] for name in sorted(made)]})
    return rows.assign(target_2025=known["target_2025"].reindex(rows["service"]).to_numpy())


def _grid_table(study: EmbeddedStudy) -> pd.DataFrame:
    """Return residents by township of the points and of the 100 m grid (cells go where their middle lies)."""
    residents = study.persons[[name for name in study.persons if name.startswith("res_a") and "alone" not in name]]
    x, y = ((np.floor(study.homes[axis] / raster.CELL_M) + 0.5) * raster.CELL_M for axis in ("x", "y"))
    which = shapely.STRtree(study.townships.geometry.to_numpy()).nearest(shapely.points(x, y))
    people_of = pd.DataFrame(
        {"points": study.homes["township_code"], "grid": study.townships["township_code"].to_numpy()[which]}
    )
    people_of["persons"] = residents.sum(axis=1).to_numpy()
    table = pd.DataFrame({how: people_of.groupby(how)["persons"].sum() for how in ("points", "grid")})
    table = table.reindex(study.townships["township_code"])
    names = study.townships["name_zh"].to_numpy()
    return table.assign(name_zh=names, difference=table["grid"] - table["points"]).reset_index(drop=True)[
        ["name_zh", "points", "grid", "difference"]
    ]


def figures(study: EmbeddedStudy, facts: Facts) -> dict[str, pd.DataFrame]:
    """Return what is printed beside the facts: services, grid, areas, named roads, the degree of road nodes."""
    towns = study.townships
    made = towns.geometry.area / 1e6
    areas = pd.DataFrame(
        {
            "name_zh": towns["name_zh"],
            "known_km2": towns["area_km2"],
            "made_km2": made.round(1),
            "deviation_percent": ((made / towns["area_km2"] - 1) * 100).round(1),
        }
    )
    ends = noding.edge_ends(study.network.edges.geometry.to_numpy())
    degree = np.bincount(np.concatenate([ends.u, ends.v]))
    share = np.bincount(np.minimum(degree, 5)) / len(degree)
    degrees = pd.DataFrame({"degree": range(1, len(share)), "share": share[1:].round(3)})
    degrees.attrs["nodes"] = len(degree)
    return {
        "services": _service_table(study, facts),
        "grid": _grid_table(study),
        "areas": areas,
        "roads": main_roads.length_table(study.network.named),
        "degrees": degrees,
    }
