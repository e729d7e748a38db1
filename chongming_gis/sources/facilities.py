"""Facilities in: tables of longitude and latitude, point layers, or tagged objects of an OSM extract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import crs as crs_module
from chongming_gis import tables
from chongming_gis.errors import InputFileError, StudyError, TableError
from chongming_gis.sources import layers, tagged

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

    from chongming_gis.config import FacilitySource
    from chongming_gis.findings import Finding

_CLAIMS = {
    **dict.fromkeys(("1", "true", "yes", "y", "是"), True),
    **dict.fromkeys(("0", "false", "no", "n", "否"), False),
}
_VOCABULARY = {
    "level": tables.LEVELS,
    "serves": tables.SERVES,
    "status": tables.STATUSES,
    "data_kind": tables.DATA_KINDS,
}


def read_facilities(
    source: FacilitySource, *, path: Path, service_id: str, capacity_unit: str | None, crs: CRS
) -> tables.Facilities:
    """Return the facilities of one service in the metric CRS, ordered by facility_id, and what each can give.

    Parameters
    ----------
    source : the service's ``facilities`` section.
    path : the file, resolved from the study file.
    service_id : rows of another service are left out where the file has a column ``service``.
    capacity_unit : the unit of a plain column ``capacity`` (or ``used``). Columns ``capacity_<unit>`` and
        ``used_<unit>`` carry theirs; a facility may have several.

    Returns
    -------
    Facilities
        Its ``report`` counts what was read and dropped, and names OSM objects that have no position in the extract.

    Raises
    ------
    InputFileError
        The file is missing, damaged, of a format that is not read, or has no facility of this service.
    StudyError
        ``tags`` is missing for an OSM file, or given for another.
    CrsError
        A layer without CRS, or a table whose datum is not declared.
    TableError
        Positions, ids, names, years, capacities or words are wrong; every fault is listed with its rows.

    Notes
    -----
    Where the file has no facility_id, it is ``<service>-<number of the record>``, so it stays the same as long as the
    order of the file does.
    """
    family = layers.check_suffix(path, layers.TABLE, layers.LAYER, layers.OSM)
    if (family is layers.OSM) != bool(source.tags):
        need = "is only for OSM files" if source.tags else "(tag = [values]) is needed for an OSM file"
        raise StudyError(f"{path}: services.{service_id}.facilities.tags {need}")
    if family is layers.OSM:
        table, dropped = _tagged_objects(path, source)
    else:
        table, dropped = layers.read_points(path, columns=source.columns, layer=source.layer, datum=source.datum), []
    mine = layers.text_column(table.frame, "service", default=service_id) == service_id
    if not mine.any():
        raise InputFileError(f"{path}: there is no facility of service {service_id!r} in this file")
    places, place_faults = _places(table, source, service_id=service_id)
    capacity, capacity_faults = _capacity(table, places["facility_id"], capacity_unit)
    faults = [*table.faults, *place_faults, *capacity_faults]
    if faults:
        raise TableError.of(faults, where=str(path))
    report = {"rows_read": len(mine) + len(dropped), "rows_of_other_services": int((~mine).sum()), "dropped": dropped}
    return _facilities(places[mine], capacity, crs=crs, where=str(path), report=report)


def _facilities(
    places: gpd.GeoDataFrame, capacity: pd.DataFrame, *, crs: CRS, where: str, report: dict[str, object]
) -> tables.Facilities:
    metric = crs_module.to_metric(places, crs, where=where)
    metric = metric.sort_values("facility_id", kind="stable").reset_index(drop=True)
    capacity = capacity[capacity["facility_id"].isin(metric["facility_id"])]
    capacity = capacity.sort_values(["facility_id", "unit"], kind="stable").reset_index(drop=True)
    tables.validate(metric, tables.FACILITIES, where=where)
    tables.validate(capacity, tables.FACILITY_CAPACITY, where=where)
    return tables.Facilities(places=metric, capacity=capacity, report=report)


def _places(
    table: layers.PointTable, source: FacilitySource, *, service_id: str
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    frame = table.frame
    numbered = pd.Series([f"{service_id}-{row + 1:04d}" for row in range(len(frame))], index=frame.index, dtype="str")
    columns: dict[str, pd.Series] = {name: layers.text_column(frame, name) for name in tables.FACILITIES.columns}
    columns["facility_id"] = columns["facility_id"] if "facility_id" in frame.columns else numbered
    columns["service"] = columns["service"].fillna(service_id)
    defaults = {"level": source.level, "serves": source.serves, "status": "existing", "data_kind": source.kind}
    defaults["source"] = source.source
    for name, value in defaults.items():
        columns[name] = columns[name].fillna(value)
    faults = _text_faults(table, columns)
    for name in ("open_year", "close_year"):
        columns[name], year_faults = _years(table, name)
        faults += year_faults
    columns["standardised"], claim_faults = _claims(table, "standardised")
    columns["position_quality_m"], quality_faults = _position_quality(table, source.position_quality_m)
    geometry = frame.geometry
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=geometry.crs), [*faults, *claim_faults, *quality_faults]


def _text_faults(table: layers.PointTable, columns: dict[str, pd.Series]) -> list[Finding]:
    ids, names = columns["facility_id"], columns["name_zh"]
    faults = [
        *table.fault(ids.isna(), "facility_id is missing", rule="id_missing", column="facility_id"),
        *table.fault(
            ids.duplicated(keep=False) & ids.notna(),
            "facility_id is given more than once",
            rule="id_repeated",
            column="facility_id",
        ),
    ]
    if "name_zh" in table.frame.columns:
        faults += table.fault(names.isna(), "name_zh is missing", rule="name_missing", column="name_zh")
    else:
        words = f"no column 'name_zh'; the file has {layers.name_columns(table.frame)}"
        faults += table.table_fault(words, rule="column_missing", suggestion="map it in columns")
    for name, allowed in _VOCABULARY.items():
        wrong = ~columns[name].isin(allowed)
        faults += table.fault(wrong, f"{name} is none of {', '.join(allowed)}", rule="word_unknown", column=name)
    return faults


def _years(table: layers.PointTable, name: str) -> tuple[pd.Series, list[Finding]]:
    text = layers.text_column(table.frame, name)
    number = layers.to_numbers(text)
    wrong = text.notna() & ~(np.isfinite(number) & (number % 1 == 0))
    years = pd.Series(number, index=text.index).where(~wrong).astype("Int64")
    return years, table.fault(wrong, f"{name} is no year", rule="year", column=name)


def _claims(table: layers.PointTable, name: str) -> tuple[pd.Series, list[Finding]]:
    text = layers.text_column(table.frame, name).str.lower()
    claims = text.map(_CLAIMS).astype("boolean")
    wrong = text.notna() & claims.isna()
    return claims, table.fault(wrong, f"{name} is neither yes nor no", rule="claim", column=name)


def _position_quality(table: layers.PointTable, default_m: float | None) -> tuple[pd.Series, list[Finding]]:
    text = layers.text_column(table.frame, "position_quality_m")
    number = pd.Series(layers.to_numbers(text), index=text.index)
    wrong = text.notna() & ~(number >= 0.0)
    filled = number if default_m is None else number.fillna(default_m)
    words = "position_quality_m is not a number of metres"
    return filled, table.fault(wrong, words, rule="position_quality", column="position_quality_m")


def _capacity(
    table: layers.PointTable, facility_id: pd.Series, capacity_unit: str | None
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return one row a facility and unit, and the faults of the capacity columns."""
    frames: list[pd.DataFrame] = []
    faults: list[Finding] = []
    for unit, (value_name, used_name) in _capacity_columns(table.frame, capacity_unit).items():
        if not unit:
            words, remedy = f"column {value_name!r} has no unit", "set capacity_unit, or call it capacity_<unit>"
            faults += table.table_fault(words, rule="capacity_unit", suggestion=remedy)
            continue
        value, value_faults = _amounts(table, value_name)
        used, used_faults = _amounts(table, used_name)
        alone = used.notna() & value.isna()
        faults += [*value_faults, *used_faults]
        if not value_faults:
            words = f"{used_name} is given without {value_name}"
            faults += table.fault(alone, words, rule="capacity_used_alone", column=used_name)
        rows = pd.DataFrame({"facility_id": facility_id, "unit": unit, "value": value, "used": used})
        frames.append(rows[value.notna()].astype({"unit": "str"}))
    if frames:
        return pd.concat(frames, ignore_index=True), faults
    empty = {"facility_id": pd.Series(dtype="str"), "unit": pd.Series(dtype="str")}
    return pd.DataFrame({**empty, "value": pd.Series(dtype=float), "used": pd.Series(dtype=float)}), faults


def _capacity_columns(frame: pd.DataFrame, capacity_unit: str | None) -> dict[str, tuple[str, str]]:
    """Return for each unit the columns of capacity and use; the unit of the plain columns may be empty."""
    found = {}
    for name in map(str, frame.columns):
        word, _, unit = name.partition("_")
        if word in {"capacity", "used"}:
            suffix = f"_{unit}" if unit else ""
            found[unit or capacity_unit or ""] = (f"capacity{suffix}", f"used{suffix}")
    return found


def _amounts(table: layers.PointTable, name: str) -> tuple[pd.Series, list[Finding]]:
    text = layers.text_column(table.frame, name)
    number = layers.to_numbers(text)
    faults = [
        *table.fault(text.notna() & ~np.isfinite(number), f"{name} is not a number", rule="capacity_text", column=name),
        *table.fault(number < 0.0, f"{name} is negative", rule="capacity_negative", column=name),
    ]
    return pd.Series(number, index=text.index), faults


def _tagged_objects(path: Path, source: FacilitySource) -> tuple[layers.PointTable, list[str]]:
    found = tagged.read_tagged(path, source.tags)
    columns = {
        "facility_id": pd.Series(found.osm_id, dtype="str"),
        "name_zh": pd.Series([_name(tags, source) for tags in found.tags], dtype="str"),
        "kind": pd.Series([_first_match(tags, source) for tags in found.tags], dtype="str"),
    }
    points = np.asarray(shapely.point_on_surface(found.geometry), dtype=object)
    frame = gpd.GeoDataFrame(columns, geometry=points, crs=crs_module.GEOGRAPHIC)
    return layers.PointTable(frame, [], first_row=1, where=str(path)), found.without_position


def _name(tags: dict[str, str], source: FacilitySource) -> str:
    return tagged.name_of(tags) or _first_match(tags, source)


def _first_match(tags: dict[str, str], source: FacilitySource) -> str:
    """Return the value of the first of the source's tags that the object bears."""
    return next(tags[key] for key, values in source.tags.items() if tagged.is_match(tags, key, values))
