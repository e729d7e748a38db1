"""Where people live: point layers, tables of longitude and latitude, a grid, tables by village, or an OSM extract."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import crs as crs_module
from chongming_gis import tables
from chongming_gis.errors import InputFileError, StudyError, TableError
from chongming_gis.sources import layers, people, population, tagged
from chongming_gis.sources.buildings import NOT_LIVED_IN
from chongming_gis.sources.fetchedfile import require_fetched
from chongming_gis.sources.surroundings import Surroundings

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

    from chongming_gis.config import DemandSource, StudyConfig
    from chongming_gis.findings import Finding

#: The persons column of demand that comes from OSM; a study's groups name it.
POPULATION = "population"

_GROUPED_NUMBER = re.compile(r"^\d{1,3}(?:[ ,.'\u00a0]\d{3})+$|^\d+$")


def read_demand(
    source: DemandSource, *, path: Path, study: StudyConfig, crs: CRS, around: Surroundings | None = None
) -> tables.Demand:
    """Return demand points in the metric CRS and their persons by base and group, ordered by demand_id.

    Parameters
    ----------
    source : the study's ``sources.demand``.
    path : the file, resolved from the study file.
    study : for its groups (whose columns are added up), and its settlement classes.
    around : the region, areas, land and roads of the study: a grid is clipped and split by them, the people of tables
        are put inside them.

    Returns
    -------
    Demand
        Its ``report`` counts what was read and dropped, and names the dropped.

    Raises
    ------
    InputFileError
        The file is missing, damaged, of a format that is not read, or has no point in it.
    StudyError
        ``osm`` is missing for an OSM file, or given for another.
    CrsError
        A layer without CRS, or a table whose datum is not declared.
    TableError
        Columns are missing, persons missing or negative, ids repeated, settlement classes missing or unknown; every
        fault is listed with its rows.
    """
    require_fetched(source, path)
    if source.tables:
        return people.read_people(source, study=study, crs=crs, around=around or Surroundings())
    if path.suffix.lower() in population.SUFFIXES:
        return population.read_population(source, path=path, study=study, crs=crs, around=around)
    if source.shares:
        raise StudyError("sources.demand.shares: is for a grid or for tables; give points a column for each group")
    family = layers.check_suffix(path, layers.TABLE, layers.LAYER, layers.OSM)
    if (family is layers.OSM) != (source.osm is not None):
        need = "is needed for an OSM file" if source.osm is None else "is only for OSM files"
        raise StudyError(f"{path}: sources.demand.osm ('buildings' or 'places') {need}")
    if source.osm == "buildings":
        table, dropped = _buildings(path, persons=source.persons_per_building)
    elif source.osm == "places":
        table, dropped = _places(path)
    else:
        table = layers.read_points(
            path, columns=source.columns, layer=source.layer, datum=source.datum, axes=source.axes
        )
        dropped = []
    if table.frame.empty:
        raise InputFileError(f"{path}: there is no demand point in this file ({len(dropped)} dropped)")
    demand = _demand_of(table, source, study=study, crs=crs, where=str(path))
    read = len(table.frame) + len(dropped)
    report = {"points_read": read, "points_dropped": len(dropped), "dropped": dropped}
    if source.osm is None:
        report["row_of"] = demand.report["row_of"]
    return replace(demand, report=report)


def _demand_of(
    table: layers.PointTable, source: DemandSource, *, study: StudyConfig, crs: CRS, where: str
) -> tables.Demand:
    frame = table.frame
    columns = {name: layers.text_column(frame, name) for name in tables.DEMAND.columns}
    columns["settlement_class"] = layers.text_column(frame, "settlement_class", default=source.settlement_class)
    persons, persons_faults = _persons(table, study)
    faults = [
        *table.faults,
        *_id_faults(table, columns["demand_id"]),
        *_class_faults(table, columns["settlement_class"], {entry.id for entry in study.settlement_classes}),
        *persons_faults,
    ]
    if faults:
        kept = _without_faults(table, faults)
        rest = None if kept is None else _demand_of(kept, source, study=study, crs=crs, where=where)
        raise TableError.of(faults, where=where, kept=rest)
    points = gpd.GeoDataFrame(columns, geometry=frame.geometry, crs=frame.crs)
    points = crs_module.to_metric(points, crs, where=where).sort_values("demand_id", kind="stable")
    persons = persons.loc[points.index].set_axis(pd.Index(points["demand_id"], name="demand_id"))
    points = points.reset_index(drop=True)
    tables.validate(points, tables.DEMAND, where=where)
    row_of = dict(zip(columns["demand_id"], table.row_numbers.tolist(), strict=True))
    return tables.Demand(points=points, persons=persons, report={"row_of": row_of})


def _without_faults(table: layers.PointTable, faults: list[Finding]) -> layers.PointTable | None:
    """Return the records without a fault; None where there are none, or the whole table has one."""
    wanted = ~np.isin(table.row_numbers, [fault.row or 0 for fault in faults])
    if any(fault.row is None for fault in faults) or not wanted.any():
        return None
    return replace(table.take(wanted), faults=[])


def _id_faults(table: layers.PointTable, ids: pd.Series) -> list[Finding]:
    if "demand_id" not in table.frame.columns:
        return table.column_fault("demand_id", suggestion="map one in sources.demand.columns")
    return [
        *table.fault(ids.isna(), "demand_id is missing", rule="id_missing", column="demand_id"),
        *table.fault(
            ids.duplicated(keep=False) & ids.notna(),
            "demand_id is given more than once",
            rule="id_repeated",
            column="demand_id",
        ),
    ]


def _class_faults(table: layers.PointTable, classes: pd.Series, allowed: set[str]) -> list[Finding]:
    if classes.isna().all():
        remedy = "add the column, or one class for all in sources.demand.settlement_class"
        return table.table_fault("no settlement_class", rule="class_column_missing", suggestion=remedy)
    known = ", ".join(sorted(allowed))
    column = "settlement_class"
    unknown = classes.notna() & ~classes.isin(allowed)
    return [
        *table.fault(classes.isna(), "settlement_class is missing", rule="class_missing", column=column),
        *table.fault(
            unknown,
            f"settlement_class is none of the study's: {known}",
            rule="class_unknown",
            column=column,
            details={"known": known},
        ),
    ]


def _persons(table: layers.PointTable, study: StudyConfig) -> tuple[pd.DataFrame, list[Finding]]:
    """Return persons by base and group, and what is wrong with the columns they are added up from."""
    wanted = {
        tables.persons_column(base, group.id): names for group in study.groups for base, names in group.columns.items()
    }
    counts: dict[str, pd.Series] = {}
    faults: list[Finding] = []
    for name in dict.fromkeys(name for names in wanted.values() for name in names):
        if name not in table.frame.columns:
            faults += table.column_fault(name, suggestion="map it in sources.demand.columns")
            continue
        number = layers.to_numbers(table.frame[name])
        words, remedy = f"{name} is missing or not a number", "write 0 where nobody lives"
        faults += table.fault(~np.isfinite(number), words, rule="persons_text", column=name, suggestion=remedy)
        faults += table.fault(number < 0.0, f"{name} is negative", rule="persons_negative", column=name)
        counts[name] = pd.Series(number, index=table.frame.index)
    if faults:
        return pd.DataFrame(), faults
    sums = {
        column: sum((counts[name] for name in names), start=pd.Series(0.0, table.frame.index))
        for column, names in wanted.items()
    }
    return pd.DataFrame(sums, index=table.frame.index), []


def _buildings(path: Path, *, persons: float) -> tuple[layers.PointTable, list[str]]:
    found = tagged.read_tagged(path, {"building": (tagged.ANY_VALUE,)})
    dropped = [f"{osm_id}: no position in the extract" for osm_id in found.without_position]
    kept = []
    for row, (osm_id, tags) in enumerate(zip(found.osm_id, found.tags, strict=True)):
        if tags["building"] in NOT_LIVED_IN:
            dropped.append(f"{osm_id}: building={tags['building']}")
        else:
            kept.append(row)
    return _osm_table(found, kept, population=[persons] * len(kept)), dropped


def _places(path: Path) -> tuple[layers.PointTable, list[str]]:
    found = tagged.read_tagged(path, {"place": (tagged.ANY_VALUE,)})
    dropped, kept, population = [], [], []
    for row, (osm_id, tags) in enumerate(zip(found.osm_id, found.tags, strict=True)):
        if not osm_id.startswith("n"):
            continue  # the outline of a place whose node is listed itself
        persons = _whole_number(tags.get("population", ""))
        if persons is None:
            name = tagged.name_of(tags) or "without name"
            dropped.append(f"{osm_id}: {tags['place']} {name} has no population that is a number")
        else:
            kept.append(row)
            population.append(persons)
    return _osm_table(found, kept, population=population), dropped


def _osm_table(found: tagged.TaggedObjects, kept: list[int], *, population: list[float]) -> layers.PointTable:
    columns = {
        "demand_id": pd.Series([found.osm_id[row] for row in kept], dtype="str"),
        "name_zh": pd.Series([tagged.name_of(found.tags[row]) for row in kept], dtype="str"),
        POPULATION: pd.Series(population, dtype=float),
    }
    points = shapely.centroid(found.geometry[kept])
    return layers.PointTable(gpd.GeoDataFrame(columns, geometry=points, crs=crs_module.GEOGRAPHIC), [], first_row=1)


def _whole_number(text: str) -> float | None:
    """Return persons of an OSM ``population`` tag (``5797``, ``5 797``, ``5.797``), or None.

    Examples
    --------
    >>> _whole_number("5,797"), _whole_number("about 100")
    (5797.0, None)
    """
    return float(re.sub(r"\D", "", text)) if _GROUPED_NUMBER.match(text.strip()) else None
