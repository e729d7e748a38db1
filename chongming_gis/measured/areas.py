"""The ground within the headline standard of the services that ``[measures.isochrones]`` names, and whom it misjudges.

A standard whose mode or limit differs between settlement classes has an area for each: that of the town is judged by
the people of the town. Cells are placed on the roads once a mode; ``isochrones`` does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import isochrones, network, reach, tables
from chongming_gis.errors import StudyError
from chongming_gis.findings import Finding
from chongming_gis.measured.groundwork import Measured, Step
from chongming_gis.measured.uncovered import first_row_of_questions
from chongming_gis.measured_tables import ISOCHRONES
from chongming_gis.sources.surroundings import DRY_LAND
from chongming_gis.tables import persons_column
from chongming_gis.units import M2_PER_KM2, seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from chongming_gis.config import LimitConfig, ServiceConfig, StudyConfig
    from chongming_gis.isochrones import Ground, Surface
    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.measuremodel import IsochronesConfig
    from chongming_gis.network import SnappedCells

    Floats = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.intp]
    Area = shapely.Polygon | shapely.MultiPolygon

BEYOND_S = 60.0  # surfaces end so much later than the limit: borders lie between two cells that are both known
_AREAL = 2  # dimensions
_WATERS = ("water", "sea", "river", "lake", "pond", "canal", "reservoir")
_TYPES = tables.column_types(ISOCHRONES)


def measure_areas(ground: Groundwork) -> Measured:
    """Return the areas of the services that every run draws (``measured_tables.ISOCHRONES``), and their surfaces.

    Raises
    ------
    StudyError
        The study asks for no areas.
    """
    return _measured(ground, _config(ground).services)


def measure_other_areas(ground: Groundwork) -> Measured:
    """Return the areas of the services that only a full run draws.

    Raises
    ------
    StudyError
        The study asks for no areas.
    """
    return _measured(ground, _config(ground).full_services)


def _config(ground: Groundwork) -> IsochronesConfig:
    config = ground.study.measures.isochrones
    if config is None:
        raise StudyError("measures.isochrones: the study has no such section")
    return config


def _asks(study: StudyConfig, key: Literal["services", "full_services"]) -> bool:
    return study.measures.isochrones is not None and bool(getattr(study.measures.isochrones, key))


STEP = Step("isochrones", "daily", lambda study: _asks(study, "services"), measure_areas)
FULL_STEP = Step("isochrones_full", "full", lambda study: _asks(study, "full_services"), measure_other_areas)


@dataclass(frozen=True, slots=True)
class _Placed:
    """The cells of a mode on its roads, and the township and village of each."""

    cells: SnappedCells
    ground: Ground


def _measured(ground: Groundwork, chosen: Sequence[str]) -> Measured:
    config = _config(ground)
    services = [service for service in ground.study.services if service.id in chosen]
    placed = _place(ground, services)
    dry = _dry_ground(ground)
    first_rows = first_row_of_questions(ground.access, len(ground.demand.points))
    parts: list[pd.DataFrame] = []
    surfaces: dict[str, Surface] = {}
    findings: list[Finding] = []
    for service in services:
        first = first_rows[service.id, service.standards[0].id, reach.APPLIED]
        time_s = ground.access["time_s"].iloc[first : first + len(ground.demand.points)].to_numpy(float)
        found = {mode: _surface(service, mode, placed[mode], ground) for mode in _longest(service)}
        if config.surface:
            surfaces |= {f"travel_time_{service.id}_{mode}": surface for mode, surface in found.items()}
        for limit, at in reach.rows_of_limit(service, service.standards[0], ground.demand.points):
            limits_s = [limit.limit_s * part / config.rings for part in range(1, config.rings + 1)]
            areas = isochrones.service_areas(found[limit.mode], limits_s=limits_s, ground=dry)
            parts.append(_rows(service, limit, areas, people=_people(ground, service, at, time_s)))
            findings += _nothing_reached(service, limit, areas)
    table = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=ground.inputs.crs)
    return Measured({ISOCHRONES.name: table}, surfaces, tuple(findings))


def _longest(service: ServiceConfig) -> dict[str, float]:
    """Return the longest limit of each mode of a service's headline standard."""
    longest: dict[str, float] = {}
    for limit in service.standards[0].limits:
        longest[limit.mode] = max(limit.limit_s, longest.get(limit.mode, 0.0))
    return longest


def _place(ground: Groundwork, services: Sequence[ServiceConfig]) -> dict[str, _Placed]:
    """Return the cells of each mode that the services are measured by; equal cells are told their township once."""
    townships, villages = ground.inputs.townships, ground.inputs.villages
    serves = {name for service in services for name in ground.facilities[service.id].points["serves"].unique()}
    bound = {
        "townships": townships if "township" in serves else townships.iloc[:0],
        "villages": villages if "village" in serves else villages.iloc[:0],
    }
    placed: dict[str, _Placed] = {}
    for mode in dict.fromkeys(mode for service in services for mode in _longest(service)):
        net = ground.networks[mode]
        known = [(ground.networks[name], entry.cells) for name, entry in placed.items()]
        cells = network.snap_cells(net, network.raster_of_network(net, cell_m=isochrones.CELL_M), known=known)
        same = next((p.ground for p in placed.values() if _are_same(p.cells, cells)), None)
        placed[mode] = _Placed(cells, same or isochrones.ground_of_cells(cells, **bound))
    return placed


def _are_same(one: SnappedCells, other: SnappedCells) -> bool:
    return one.raster == other.raster and np.array_equal(one.cell, other.cell)


def _dry_ground(ground: Groundwork) -> Area | None:
    """Return the land inside the region without its waters; None where the study tells of no land and no region."""
    land, region = ground.inputs.land, ground.inputs.region
    areal = land[shapely.get_dimensions(land.geometry.to_numpy()) == _AREAL]
    outlines = [areal.geometry[areal["kind"].isin(DRY_LAND)].to_numpy()]
    outlines += [np.array([region], dtype=object)] if region is not None else []
    joined = [shapely.union_all(outline) for outline in outlines if len(outline)]
    if not joined:
        return None
    water = areal.geometry[areal["kind"].isin(_WATERS)].to_numpy()
    dry: Area = shapely.difference(shapely.intersection_all(joined), shapely.union_all(water))  # type: ignore[assignment]
    return dry


def _surface(service: ServiceConfig, mode: str, placed: _Placed, ground: Groundwork) -> Surface:
    return isochrones.usable_surface(
        ground.networks[mode],
        placed.cells,
        ground.facilities[service.id],
        ground=placed.ground,
        cutoff_s=_longest(service)[mode] + BEYOND_S,
        direction=reach.DIRECTIONS[service.direction],
    )


@dataclass(frozen=True, slots=True)
class _People:
    """The people whom a limit holds for: where, how many of the service's group, and how long they take."""

    points: gpd.GeoSeries
    persons: Floats
    time_s: Floats


def _people(ground: Groundwork, service: ServiceConfig, at: Rows, time_s: Floats) -> _People:
    persons = ground.inputs.demand.persons[persons_column(service.base, service.group)].to_numpy(float)[at]
    return _People(ground.demand.points.geometry.iloc[at], persons, time_s[at])


def _rows(service: ServiceConfig, limit: LimitConfig, areas: gpd.GeoDataFrame, people: _People) -> pd.DataFrame:
    """Return the areas that hold any ground, with their people and how many of them they misjudge."""
    areas = areas[~areas.geometry.is_empty].reset_index(drop=True)
    numbers = [_numbers(area, limit_s, people) for area, limit_s in zip(areas.geometry, areas["limit_s"], strict=True)]
    table = pd.DataFrame(
        {
            "service": service.id,
            "standard": service.standards[0].id,
            "settlement": limit.settlement,
            "mode": limit.mode,
            "limit_s": areas["limit_s"],
            "standard_s": limit.limit_s,
            "area_km2": areas["area_m2"] / M2_PER_KM2,
            **{name: np.array([row[name] for row in numbers], dtype=float) for name in _NUMBERS},
        }
    )
    return table.astype(_TYPES).assign(geometry=areas.geometry.to_numpy())


def _numbers(area: Area, limit_s: float, people: _People) -> Mapping[str, float]:
    error = isochrones.area_error(area, people.points, persons=people.persons, time_s=people.time_s, limit_s=limit_s)
    return {
        "persons": error.persons,
        "persons_inside": error.inside,
        "persons_in_time": error.in_time,
        "persons_misclassified": error.misclassified,
        "share_misclassified": error.share,
        "near_edge_persons": error.near_edge_persons,
        "near_edge_misclassified": error.near_edge_misclassified,
    }


_NUMBERS = (
    "persons", "persons_inside", "persons_in_time", "persons_misclassified", "share_misclassified",
    "near_edge_persons", "near_edge_misclassified",
)  # fmt: skip


def _nothing_reached(service: ServiceConfig, limit: LimitConfig, areas: gpd.GeoDataFrame) -> list[Finding]:
    """Return that some ring holds no ground, so that nobody looks for it in vain."""
    empty = areas["limit_s"][areas.geometry.is_empty]
    if empty.empty:
        return []
    minutes = f"{seconds_to_minutes(float(empty.max())):g}"
    said = f"from no ground is a facility reached within {minutes} minutes by {limit.mode}: no area is drawn"
    details = {"minutes": minutes, "mode": limit.mode}
    return [Finding("note", f"services.{service.id}", said, rule="no_area", details=details)]
