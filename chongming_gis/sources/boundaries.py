"""Areas in: townships, villages, land and the region, from polygon layers or the admin relations of an OSM extract.

Townships and villages are matched to codes by name where the study has a table of codes; rows of one code become one
area, rings that cross themselves are repaired, slivers go to a neighbour. All of it is told, and so is what is left:
overlaps, gaps, names that fit no code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import crs as crs_module
from chongming_gis import tables
from chongming_gis.errors import InputFileError, StudyError, TableError
from chongming_gis.findings import Finding
from chongming_gis.sources import codetable, layers, outlines, tagged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt
    from pyproj import CRS

#: The smallest overlap, gap or part of an area that is meant; planning assumption: a plot, not a drawing error.
SLIVER_M2 = 1000.0
_TILING = (tables.TOWNSHIPS.name, tables.VILLAGES.name)  # these do not overlap
_MOST_GAPS = 20
_M2_PER_KM2 = 1e6


@dataclass(frozen=True, slots=True)
class AreaRules:
    """How areas are matched to codes and tidied."""

    codes: Path | None = None  # a table of codes and names, see ``codetable.read_codes``
    sliver_m2: float = SLIVER_M2


def read_areas(
    path: Path,
    *,
    contract: tables.Contract,
    crs: CRS,
    columns: Mapping[str, str] | None = None,
    layer: str | None = None,
    admin_level: int | None = None,
    fill: Mapping[str, str] | None = None,
    rules: AreaRules | None = None,
) -> gpd.GeoDataFrame:
    """Return areas that satisfy a contract (townships, villages or land), in the metric CRS, ordered by key.

    Parameters
    ----------
    path : a vector layer, or an OSM file, whose administrative relations are taken.
    contract : ``tables.TOWNSHIPS``, ``tables.VILLAGES`` or ``tables.LAND``.
    columns : our column -> the file's column.
    admin_level : OSM files: the value of ``admin_level``. The key is then ``r<relation id>``.
    fill : our column -> the value for all rows where the file has no such column, e.g. the study's ``data_kind``.
    rules : the table of codes, and from which size on an overlap, a gap or a part is no sliver.

    Returns
    -------
    GeoDataFrame
        ``attrs["report"]`` counts the areas read, the invalid outlines repaired and the relations that are not whole
        in the extract; its ``findings`` say what was joined, repaired and tidied, and which areas overlap.

    Raises
    ------
    InputFileError
        The file is missing, damaged, of a format that is not read, or holds no such area.
    CrsError
        The layer has no CRS.
    StudyError
        An OSM file without ``admin_level``.
    TableError
        A required column is missing (the message lists the file's), a name fits no code (with those that look like
        it), two villages of a township bear one name, or a value breaks the contract.
    """
    rules = rules or AreaRules()
    family = layers.check_suffix(path, layers.LAYER, layers.OSM)
    if family is layers.OSM:
        frame, report = _admin_areas(path, admin_level, key=contract.key[0])
    else:
        frame = layers.rename_columns(layers.read_layer(path, layer=layer), columns or {}, where=str(path))
        report = {}
    frame = frame.assign(**{name: value for name, value in (fill or {}).items() if name not in frame.columns})
    faults: list[Finding] = []
    key = contract.key[0]
    if rules.codes is not None and contract.name in _TILING:
        coded = codetable.give_codes(frame, codetable.read_codes(rules.codes, key=key), key=key, where=str(path))
        frame, faults = coded.frame, coded.faults
    if not faults:
        frame = _contract_columns(frame, contract, where=str(path))
    geometry, repaired = outlines.repair(frame.geometry.to_numpy())
    frame = crs_module.to_metric(frame.set_geometry(gpd.GeoSeries(geometry, crs=frame.crs)), crs, where=str(path))
    findings = _repairs(frame, repaired, key, where=str(path))
    n_rows = len(frame)
    if contract.name in _TILING and not faults:
        joined = codetable.join_rows(frame, contract, where=str(path))
        frame, faults = joined.frame, joined.faults
        findings += joined.notes
        if contract is tables.VILLAGES:
            faults = [*faults, *codetable.twin_names(frame, where=str(path))]
    if faults:
        raise TableError.of(faults, where=str(path))
    frame = frame.sort_values(list(contract.key), kind="stable").reset_index(drop=True)
    if contract.name in _TILING:
        frame, told = _tidied(frame, rules.sliver_m2, where=str(path))
        findings += told
    tables.validate(frame, contract, where=str(path))
    frame.attrs["report"] = {
        "areas_read": n_rows,
        "outlines_repaired": int(repaired.sum()),
        **({"rows_joined": n_rows - len(frame)} if n_rows > len(frame) else {}),
        **({"findings": findings} if findings else {}),
        **report,
    }
    return frame


def tell_gaps(
    townships: gpd.GeoDataFrame,
    region: shapely.Polygon | shapely.MultiPolygon | None,
    *,
    uninhabited: shapely.Geometry | None,
    where: str,
    sliver_m2: float = SLIVER_M2,
) -> list[Finding]:
    """Return a warning for each part of the region that lies in no township, the largest first.

    Parameters
    ----------
    townships : satisfies ``tables.TOWNSHIPS``, in a metric CRS.
    region : where townships must be; none = inside their outer border.
    uninhabited : where nobody can live: there need be no township.
    where : the file of the townships, as the finding names it.
    """
    if townships.empty:
        return []
    shapes = townships.geometry.to_numpy()
    within = region if region is not None else _without_holes(shapes)
    if uninhabited is not None:
        within = shapely.difference(within, uninhabited)
    gaps = outlines.find_gaps(shapes, within, sliver_m2=sliver_m2)
    names = townships["name_zh"].to_numpy(dtype=object)
    found = []
    for gap in gaps[:_MOST_GAPS]:
        beside = "、".join(names[shapely.dwithin(shapes, gap, 1.0)]) or "—"
        size = _km2(gap.area)
        words = f"{size} km² of the region lie in no township, beside {beside}"
        details = {"km2": size, "names": beside}
        advice = "check the outlines; people there count for the district only"
        found.append(Finding("warning", where, words, advice, rule="area_gap", details=details))
    if len(gaps) > _MOST_GAPS:
        rest = gaps[_MOST_GAPS:]
        details = {"count": str(len(rest)), "km2": _km2(float(shapely.area(rest).sum()))}
        words = f"{details['count']} more parts of the region ({details['km2']} km²) lie in no township"
        found.append(Finding("warning", where, words, rule="area_gaps_more", details=details))
    return found


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
    geometry, _ = outlines.repair(frame.geometry.to_numpy())
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
        named = "name_zh" in frame.columns and contract.name in _TILING and contract.key[0] in absent
        also = ", or give codes, a table of codes and names" if named else ""
        raise TableError(
            f"{where}: no column {missing}; the file has {layers.name_columns(frame)}: map them in columns{also}"
        )
    texts = {
        name: layers.as_text(frame[name]) if name in frame.columns else tables.empty_text(len(frame))
        for name in contract.columns
    }
    return frame.assign(**texts)


def _without_holes(shapes: npt.NDArray[np.object_]) -> shapely.Geometry:
    parts = shapely.get_parts(shapely.union_all(shapes))
    return shapely.union_all(shapely.polygons(shapely.get_exterior_ring(parts)))


def _km2(area_m2: float) -> str:
    return f"{area_m2 / _M2_PER_KM2:.3g}"


def _repairs(frame: gpd.GeoDataFrame, repaired: npt.NDArray[np.bool_], key: str, *, where: str) -> list[Finding]:
    """Return a note for each outline that crossed itself, with the area that was kept."""
    table = layers.PointTable(frame, [], first_row=1, where=where)
    found: list[Finding] = []
    for row in np.flatnonzero(repaired):
        only = np.arange(len(frame)) == row
        size = _km2(frame.geometry.iloc[row].area)
        words = f"the outline crossed itself and was repaired; {size} km² were kept"
        column = "name_zh" if "name_zh" in frame.columns else key
        found += table.fault(
            only, words, rule="outline_repaired", column=column, severity="note", details={"km2": size}
        )
    return found


def _tidied(frame: gpd.GeoDataFrame, sliver_m2: float, *, where: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return areas without slivers, and what was done and what overlaps; points among villages are left alone."""
    shapes = frame.geometry.to_numpy().copy()
    flat = np.flatnonzero((shapely.get_dimensions(shapes) == 2) & ~shapely.is_empty(shapes))
    tidy = outlines.tidy(shapes[flat], sliver_m2=sliver_m2)
    names = frame["name_zh"].to_numpy(dtype=object)[flat]
    found: list[Finding] = []
    for one, other, m2 in tidy.overlaps:
        details = {"first": str(names[one]), "second": str(names[other]), "km2": _km2(m2)}
        words = f"{details['first']} and {details['second']} overlap by {details['km2']} km²"
        advice = "correct the outlines; what lies in both counts for the one with the first code"
        found.append(Finding("warning", where, words, advice, rule="areas_overlap", details=details))
    cut, moved = [m2 for *_, m2 in tidy.cut], [m2 for *_, m2 in tidy.moved]
    dropped, filled = [m2 for _, m2 in tidy.dropped], [m2 for _, m2 in tidy.filled]
    done = (
        (cut, "areas_cut", "overlaps smaller than a sliver were cut from the area with the later code"),
        (moved, "slivers_moved", "parts smaller than a sliver were given to the area beside them"),
        (dropped, "slivers_dropped", "thin parts smaller than a sliver, touching no area, were left out"),
        (filled, "gaps_filled", "gaps smaller than a sliver were given to the area with the longest border"),
    )
    for sizes, rule, words in done:
        if sizes:
            details = {"count": str(len(sizes)), "m2": f"{sum(sizes):.0f}", "limit": f"{sliver_m2:.0f}"}
            said = f"{details['count']} {words} ({details['m2']} m² in all, limit {details['limit']} m²)"
            found.append(Finding("note", where, said, rule=rule, details=details))
    if cut or moved or dropped or filled:
        shapes[flat] = tidy.geometry
        frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    return frame, found
