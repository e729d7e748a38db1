"""Areas in: townships, villages, land and the region, from polygon layers or the admin relations of an OSM extract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import shapely

from chongming_gis import crs as crs_module
from chongming_gis import tables
from chongming_gis.errors import InputFileError, StudyError, TableError
from chongming_gis.sources import layers, tagged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    from pyproj import CRS


def read_areas(
    path: Path,
    *,
    contract: tables.Contract,
    crs: CRS,
    columns: Mapping[str, str] | None = None,
    layer: str | None = None,
    admin_level: int | None = None,
    fill: Mapping[str, str] | None = None,
) -> gpd.GeoDataFrame:
    """Return areas that satisfy a contract (townships, villages or land), in the metric CRS, ordered by key.

    Parameters
    ----------
    path : a vector layer, or an OSM file, whose administrative relations are taken.
    contract : ``tables.TOWNSHIPS``, ``tables.VILLAGES`` or ``tables.LAND``.
    columns : our column -> the file's column.
    admin_level : OSM files: the value of ``admin_level``. The key is then ``r<relation id>``.
    fill : our column -> the value for all rows where the file has no such column, e.g. the study's ``data_kind``.

    Returns
    -------
    GeoDataFrame
        ``attrs["report"]`` counts the areas read, the invalid outlines repaired and the relations that are not whole
        in the extract.

    Raises
    ------
    InputFileError
        The file is missing, damaged, of a format that is not read, or holds no such area.
    CrsError
        The layer has no CRS.
    StudyError
        An OSM file without ``admin_level``.
    TableError
        A required column is missing (the message lists the file's), or a value breaks the contract.
    """
    family = layers.check_suffix(path, layers.LAYER, layers.OSM)
    if family is layers.OSM:
        frame, report = _admin_areas(path, admin_level, key=contract.key[0])
    else:
        frame = layers.rename_columns(layers.read_layer(path, layer=layer), columns or {}, where=str(path))
        report = {}
    frame = frame.assign(**{name: value for name, value in (fill or {}).items() if name not in frame.columns})
    frame = _contract_columns(frame, contract, where=str(path))
    geometry, n_repaired = _valid(frame.geometry.to_numpy())
    frame = crs_module.to_metric(frame.set_geometry(gpd.GeoSeries(geometry, crs=frame.crs)), crs, where=str(path))
    frame = frame.sort_values(list(contract.key), kind="stable").reset_index(drop=True)
    tables.validate(frame, contract, where=str(path))
    frame.attrs["report"] = {"areas_read": len(frame), "outlines_repaired": n_repaired, **report}
    return frame


def read_region(path: Path, crs: CRS, *, layer: str | None = None) -> shapely.Polygon | shapely.MultiPolygon:
    """Return the area of a polygon layer as one shape in the metric CRS.

    Raises
    ------
    InputFileError
        The file is missing, damaged or of a format that is not read.
    CrsError
        The layer has no CRS.
    TableError
        It holds no polygon, or something else than polygons.
    """
    layers.check_suffix(path, layers.LAYER)
    frame = layers.read_layer(path, layer=layer)
    remedy = "keep the boundary alone in its layer"
    faults = layers.geometry_faults(frame, ("Polygon", "MultiPolygon"), where=str(path), remedy=remedy)
    if faults:
        raise TableError.of(faults, where=str(path))
    if frame.empty:
        raise TableError(f"{path}: there is no polygon in this layer")
    geometry, _ = _valid(frame.geometry.to_numpy())
    region = shapely.union_all(crs_module.transform(geometry, frame.crs, crs))
    if not isinstance(region, (shapely.Polygon, shapely.MultiPolygon)):
        raise TableError(f"{path}: the polygons of this layer have no area; draw the boundary again")
    return region


def _admin_areas(path: Path, admin_level: int | None, *, key: str) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
    if admin_level is None:
        raise StudyError(f"{path}: for an OSM file say which areas: admin_level = 8, for instance")
    found = tagged.read_tagged(path, {"admin_level": (str(admin_level),)})
    rows = [
        (osm_id, tags, shape)
        for osm_id, tags, shape in zip(found.osm_id, found.tags, found.geometry, strict=True)
        if osm_id.startswith("r") and tags.get("boundary") == "administrative"
    ]
    broken = sum(osm_id.startswith("r") for osm_id in found.without_position)
    if not rows:
        raise InputFileError(
            f"{path}: no whole area with admin_level = {admin_level} ({broken} reach beyond the extract)"
        )
    columns = {
        key: pd.Series([osm_id for osm_id, _, _ in rows], dtype="str"),
        "name_zh": pd.Series([tagged.name_of(tags) or osm_id for osm_id, tags, _ in rows], dtype="str"),
        "name_en": pd.Series([tags.get("name:en") for _, tags, _ in rows], dtype="str"),
    }
    shapes = [shape for _, _, shape in rows]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs_module.GEOGRAPHIC), {"relations_not_whole": broken}


def _contract_columns(frame: gpd.GeoDataFrame, contract: tables.Contract, *, where: str) -> gpd.GeoDataFrame:
    """Return the frame with the contract's columns as text: optional ones filled with NA, required ones present."""
    absent = [name for name, rule in contract.columns.items() if not rule.nullable and name not in frame.columns]
    if absent:
        missing = ", ".join(map(repr, absent))
        raise TableError(
            f"{where}: no column {missing}; the file has {layers.name_columns(frame)}: map them in columns"
        )
    texts = {
        name: layers.as_text(frame[name]) if name in frame.columns else tables.empty_text(len(frame))
        for name in contract.columns
    }
    return frame.assign(**texts)


def _valid(geometry: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], int]:
    """Return valid outlines, and how many had to be repaired (rings that cross themselves, as drawn by hand)."""
    is_area = shapely.get_dimensions(geometry) == 2
    broken = is_area & ~shapely.is_valid(geometry)
    if not broken.any():
        return geometry, 0
    valid = geometry.copy()
    valid[broken] = shapely.make_valid(geometry[broken], method="structure", keep_collapsed=False)
    return valid, int(broken.sum())
