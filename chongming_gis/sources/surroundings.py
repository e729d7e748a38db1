"""What surrounds the people of a study: the region, its townships and villages, its land and roads.

Readers of people need them to clip, to split between townships and to keep everybody on dry land.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis import tables

    Area = shapely.Polygon | shapely.MultiPolygon
    Objects = npt.NDArray[np.object_]

#: Kinds of ``sources.land`` that outline the dry land itself; where some are given, all else is water.
DRY_LAND = ("coast", "land", "island")
_MARGIN_M = 1000.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Areas in the study's metric CRS; what a study does not have is None."""

    region: Area | None = None
    townships: gpd.GeoDataFrame | None = None
    villages: gpd.GeoDataFrame | None = None
    land: gpd.GeoDataFrame | None = None
    roads: tables.RoadTables | None = None


@dataclass(frozen=True, slots=True)
class Zones:
    """The areas that people are split between, ordered by code; each code once."""

    level: str  # "village" or "township"
    code: Objects
    township: Objects  # the township of each, its own code where the level is "township"
    name: Objects
    geometry: Objects  # polygons, or points where that is all that is known of a village


def township_zones(around: Surroundings) -> Zones:
    """Return the townships as zones; none where the study has none."""
    frame = around.townships
    if frame is None or frame.empty:
        return _no_zones("township")
    code, name = (frame[column].to_numpy(dtype=object) for column in ("township_code", "name_zh"))
    return Zones("township", code, code, name, frame.geometry.to_numpy())


def village_zones(around: Surroundings) -> Zones:
    """Return the villages as zones; none where the study has none."""
    frame = around.villages
    if frame is None or frame.empty:
        return _no_zones("village")
    code, township, name = (
        frame[column].to_numpy(dtype=object) for column in ("village_code", "township_code", "name_zh")
    )
    return Zones("village", code, township, name, frame.geometry.to_numpy())


def _no_zones(level: str) -> Zones:
    nothing = np.empty(0, dtype=object)
    return Zones(level, nothing, nothing, nothing, nothing)


def uninhabited(around: Surroundings, kinds: tuple[str, ...]) -> shapely.Geometry | None:
    """Return the part of the study in which nobody can live, or None where the land tells of none.

    It is the union of the land's areas of these kinds, and what lies outside the land's outline (``DRY_LAND``) if it
    has one.
    """
    if around.land is None or around.land.empty:
        return None
    areal = around.land[shapely.get_dimensions(around.land.geometry.to_numpy()) == 2]
    wet = shapely.union_all(areal[areal["kind"].isin(kinds)].geometry.to_numpy())
    dry = areal[areal["kind"].isin(DRY_LAND)].geometry.to_numpy()
    if len(dry):
        frames = [frame.geometry.to_numpy() for frame in (around.townships, around.villages) if frame is not None]
        regions = [] if around.region is None else [np.array([around.region], dtype=object)]
        west, south, east, north = shapely.total_bounds(np.concatenate([dry, *frames, *regions]))
        outside = shapely.box(west - _MARGIN_M, south - _MARGIN_M, east + _MARGIN_M, north + _MARGIN_M)
        wet = shapely.union(wet, shapely.difference(outside, shapely.union_all(dry)))
    return None if shapely.is_empty(wet) else wet


def clip(geometry: Objects, region: Area | None) -> Objects:
    """Return areas cut to the region; what touches it in lines or points alone comes back empty."""
    if region is None or len(geometry) == 0:
        return geometry
    shapely.prepare(region)
    cut = geometry.copy()
    across = ~shapely.contains(region, geometry)
    cut[across] = _polygons_of(shapely.intersection(geometry[across], region))
    return cut


def without(geometry: Objects, part: shapely.Geometry | None) -> Objects:
    """Return areas less a part of the plane."""
    if part is None or len(geometry) == 0:
        return geometry
    shapely.prepare(part)
    cut = geometry.copy()
    touched = shapely.intersects(part, geometry)
    cut[touched] = _polygons_of(shapely.difference(geometry[touched], part))
    return cut


def _polygons_of(geometry: Objects) -> Objects:
    """Return what is polygon in each geometry (an intersection may leave lines and points beside it)."""
    mixed = shapely.get_type_id(geometry) == 7
    only = geometry.copy()
    for row in np.flatnonzero(mixed):
        parts = shapely.get_parts(geometry[row])
        only[row] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    flat = (shapely.get_dimensions(only) < 2) & (shapely.get_dimensions(geometry) >= 0)
    only[flat & (shapely.get_type_id(only) != 0)] = shapely.Polygon()
    return only
