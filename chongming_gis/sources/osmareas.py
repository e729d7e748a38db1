"""Townships, villages and land of a fetched area, as layers that a planner can open and correct."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import crs as crs_module
from chongming_gis.sources import tagged
from chongming_gis.sources.osmasked import LAND, land_kind, together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from chongming_gis.sources.tagged import TaggedObjects

    Area = shapely.Polygon | shapely.MultiPolygon
    Objects = npt.NDArray[np.object_]

_LEAST_SHARE = 0.01  # of an area, or of the region: less is a neighbour that the border merely touches


@dataclass(frozen=True, slots=True)
class OsmAreas:
    """The layers that were found, by the name the study has for them, with what they are."""

    frames: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    what: dict[str, str] = field(default_factory=dict)


def read_osm_areas(path: Path, region: Area, *, township_level: int, village_levels: Sequence[int]) -> OsmAreas:
    """Return the townships, villages and land of an OSM file that lie in a region (WGS 84), ordered by id.

    Parameters
    ----------
    village_levels : the first of these that is present is taken.
    """
    shapely.prepare(region)
    levels = tuple(str(level) for level in dict.fromkeys([township_level, *village_levels]))
    admin = tagged.read_tagged(path, {"admin_level": levels})
    frames, what = {}, {}
    townships = _admin(admin, region, level=township_level)
    if len(townships):
        frames["townships"] = townships.rename(columns={"code": "township_code"})
        what["townships"] = _what(township_level)
    for level in village_levels if len(townships) else ():
        villages = _admin(admin, region, level=level).drop(columns="name_en")
        if len(villages):
            villages = villages.rename(columns={"code": "village_code"})
            frames["villages"] = villages.assign(township_code=_most_of(villages, frames["townships"]))
            what["villages"] = _what(level)
            break
    land = _land(tagged.read_tagged(path, together(tags for _, tags in LAND)), region)
    if len(land):
        frames["land"], what["land"] = land, "water, wetland, forest, farmland, industry, protected areas"
    return OsmAreas(frames, what)


def _what(level: int) -> str:
    return f"boundary=administrative, admin_level={level}"


def _admin(found: TaggedObjects, region: Area, *, level: int) -> gpd.GeoDataFrame:
    is_area = [
        osm_id.startswith("r") and tags.get("boundary") == "administrative" and tags["admin_level"] == str(level)
        for osm_id, tags in zip(found.osm_id, found.tags, strict=True)
    ]
    rows = np.flatnonzero(np.array(is_area, dtype=bool) & (shapely.get_dimensions(found.geometry) == 2))
    within = np.asarray(shapely.area(shapely.intersection(_valid(found.geometry[rows]), region)))
    least = _LEAST_SHARE * np.minimum(shapely.area(found.geometry[rows]), region.area)
    rows = rows[within > least]
    columns: dict[str, list[Any]] = {
        "code": [found.osm_id[row] for row in rows],
        "name_zh": [tagged.name_of(found.tags[row]) or found.osm_id[row] for row in rows],
        "name_en": [found.tags[row].get("name:en") for row in rows],
    }
    return _frame(columns, found.geometry[rows])


def _land(found: TaggedObjects, region: Area) -> gpd.GeoDataFrame:
    kinds = [land_kind(tags) for tags in found.tags]
    is_kept = (shapely.get_dimensions(found.geometry) == 2) & np.array([kind is not None for kind in kinds], dtype=bool)
    rows = np.flatnonzero(is_kept & shapely.intersects(region, found.geometry))
    columns: dict[str, list[Any]] = {
        "land_id": [found.osm_id[row] for row in rows],
        "kind": [kinds[row] for row in rows],
        "name_zh": [tagged.name_of(found.tags[row]) for row in rows],
        "data_kind": ["sourced"] * len(rows),
    }
    return _frame(columns, found.geometry[rows])


def _frame(columns: Mapping[str, list[Any]], geometry: Objects) -> gpd.GeoDataFrame:
    texts = {name: pd.Series(values, dtype="str") for name, values in columns.items()}
    return gpd.GeoDataFrame(texts, geometry=geometry, crs=crs_module.GEOGRAPHIC)


def _most_of(villages: gpd.GeoDataFrame, townships: gpd.GeoDataFrame) -> pd.Series:
    """Return the township that has most of each village."""
    inside = _valid(villages.geometry.to_numpy())
    common = [shapely.area(shapely.intersection(inside, area)) for area in _valid(townships.geometry.to_numpy())]
    most = np.argmax(np.array(common), axis=0)
    return pd.Series(townships["township_code"].to_numpy(dtype=object)[most], dtype="str")


def _valid(geometry: Objects) -> Objects:
    return np.asarray(shapely.make_valid(geometry, method="structure", keep_collapsed=False), dtype=object)
