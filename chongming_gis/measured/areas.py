"""The ground within the headline standard of the services that ``[measures.isochrones]`` names, and whom it misjudges.

A standard whose mode or limit differs between settlement classes has an area for each: that of the town is judged by
the people of the town. Cells are placed on the roads once a mode; ``isochrones`` does the rest. A service of which an
area misjudges more than 1 % of the people is drawn again in smaller cells.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import geotiff, isochrones, network, reach, tables
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

MOST_MISJUDGED = 0.01  # of all people; a service with an area beyond is drawn anew
FINE_CELL_M = 15.0  # in cells so large
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
    services = [service for service in ground.study.services if service.id in chosen]
    placing = _Placing(ground, services)
    land = _land(ground)
    first_rows = first_row_of_questions(ground.access, len(ground.demand.points))
    drawn: list[_Drawn] = []
    packed: dict[str, bytes] = {}
    for service in services:
        first = first_rows[service.id, service.standards[0].id, reach.APPLIED]
        time_s = ground.access["time_s"].iloc[first : first + len(ground.demand.points)].to_numpy(float)
        draw = functools.partial(_draw, ground, service, time_s, land)
        found = draw({mode: placing.cells_of(mode, isochrones.CELL_M) for mode in _longest(service)})
        if found.worst_share > MOST_MISJUDGED:
            del found  # its surfaces, before larger ones are made
            found = draw({mode: placing.cells_of(mode, FINE_CELL_M) for mode in _longest(service)})
        drawn.append(replace(found, surfaces={}))
        for mode, surface in found.surfaces.items():
            name = f"travel_time_{service.id}_{mode}"
            packed[name] = geotiff.pack_surface(surface, f"{name}.tif")
    rows = pd.concat([found.rows for found in drawn], ignore_index=True)
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=ground.inputs.crs)
    return Measured({ISOCHRONES.name: table}, packed, tuple(told for found in drawn for told in found.findings))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The areas of one service."""

    rows: pd.DataFrame
    surfaces: Mapping[str, Surface]  # by mode
    findings: list[Finding]

    @property
    def worst_share(self) -> float:
        """The largest share of people that one of the areas misjudges; 0 where nobody lives."""
        return float(self.rows["share_misclassified"].max(skipna=True)) if self.rows["persons"].any() else 0.0


def _draw(
    ground: Groundwork, service: ServiceConfig, time_s: Floats, land: _Land, placed: Mapping[str, _Placed]
) -> _Drawn:
    config = _config(ground)
    found = {mode: _surface(service, mode, placed[mode], ground) for mode in placed}
    parts: list[pd.DataFrame] = []
    findings: list[Finding] = []
    for limit, at in reach.rows_of_limit(service, service.standards[0], ground.demand.points):
        limits_s = [limit.limit_s * part / config.rings for part in range(1, config.rings + 1)]
        areas = isochrones.service_areas(
            found[limit.mode], limits_s=limits_s, ground=land.dry, excluded=land.water
        ).assign(cell_m=placed[limit.mode].cells.raster.cell_m)
        parts.append(_rows(service, limit, areas, people=_people(ground, service, at, time_s)))
        findings += _nothing_reached(service, limit, areas)
    return _Drawn(pd.concat(parts, ignore_index=True), found if config.surface else {}, findings)


def _longest(service: ServiceConfig) -> dict[str, float]:
    """Return the longest limit of each mode of a service's headline standard."""
    longest: dict[str, float] = {}
    for limit in service.standards[0].limits:
        longest[limit.mode] = max(limit.limit_s, longest.get(limit.mode, 0.0))
    return longest


class _Placing:
    """The cells of each mode, placed when they are first asked for; equal cells are told their township once."""

    def __init__(self, ground: Groundwork, services: Sequence[ServiceConfig]) -> None:
        self._networks = ground.networks
        serves = {name for service in services for name in ground.facilities[service.id].points["serves"].unique()}
        townships, villages = ground.inputs.townships, ground.inputs.villages
        self._townships = townships if "township" in serves else townships.iloc[:0]
        self._villages = villages if "village" in serves else villages.iloc[:0]
        self._placed: dict[tuple[str, float], _Placed] = {}

    def cells_of(self, mode: str, cell_m: float) -> _Placed:
        """Return the cells of a mode, of a size."""
        if (mode, cell_m) not in self._placed:
            self._placed[mode, cell_m] = self._place(mode, cell_m)
        return self._placed[mode, cell_m]

    def _place(self, mode: str, cell_m: float) -> _Placed:
        net = self._networks[mode]
        known = [(self._networks[name], placed.cells) for (name, _), placed in self._placed.items()]
        cells = network.snap_cells(net, network.raster_of_network(net, cell_m=cell_m), known=known)
        same = next((placed.ground for placed in self._placed.values() if _are_same(placed.cells, cells)), None)
        ground = same or isochrones.ground_of_cells(cells, townships=self._townships, villages=self._villages)
        return _Placed(cells, ground)


def _are_same(one: SnappedCells, other: SnappedCells) -> bool:
    return one.raster == other.raster and np.array_equal(one.cell, other.cell)


@dataclass(frozen=True, slots=True)
class _Land:
    """What areas are cut to, and what is cut out of them; None = nothing is."""

    dry: Area | None = None
    water: Area | None = None


def _land(ground: Groundwork) -> _Land:
    """Return the land inside the region, without its waters."""
    land, region = ground.inputs.land, ground.inputs.region
    areal = land[shapely.get_dimensions(land.geometry.to_numpy()) == _AREAL]
    outlines = [areal.geometry[areal["kind"].isin(DRY_LAND)].to_numpy()]
    outlines += [np.array([region], dtype=object)] if region is not None else []
    joined = [shapely.union_all(outline) for outline in outlines if len(outline)]
    waters = areal.geometry[areal["kind"].isin(_WATERS)].to_numpy()
    water: Area = shapely.union_all(waters)  # type: ignore[assignment]
    if not joined:
        return _Land(water=water if len(waters) else None)
    dry: Area = shapely.difference(shapely.intersection_all(joined), water)  # type: ignore[assignment]
    return _Land(dry=dry)


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
            "cell_m": areas["cell_m"],
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
