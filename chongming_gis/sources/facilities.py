"""Facilities in: office tables (.xlsx, .xls, .csv ...), point layers, or tagged objects of an OSM extract."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import crs as crs_module
from chongming_gis import tables
from chongming_gis.errors import InputFileError, StudyError, TableError
from chongming_gis.sources import cells, headers, layers, placing, records, tagged
from chongming_gis.sources.capacities import read_capacity
from chongming_gis.sources.facility_words import CLOSED, WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.config import FacilitySource
    from chongming_gis.findings import Finding
    from chongming_gis.sources.placing import Locator

    Claims = npt.NDArray[np.bool_]

_VOCABULARY = {
    "level": tables.LEVELS,
    "serves": tables.SERVES,
    "status": tables.STATUSES,
    "data_kind": tables.DATA_KINDS,
}
_COORDINATES = ("lon", "lat", "x", "y", "lon_lat")
_KEPT_TEXTS = ("address", "township_name", "village_name")  # beyond the contract, where the file has them
_GARBLED = "\ufffd|锟斤拷|\u00c3[\u0080-\u00bf]|\u00e4\u00b8"  # what text looks like after a wrong encoding


def read_facilities(
    source: FacilitySource,
    *,
    path: Path,
    service_id: str,
    capacity_unit: str | None,
    crs: CRS,
    locate: Locator | None = None,
    service_names: Sequence[str] = (),
) -> tables.Facilities:
    """Return the facilities of one service in the metric CRS, ordered by facility_id, and what each can give.

    Parameters
    ----------
    source : the service's ``facilities`` section.
    path : the file, resolved from the study file.
    service_id : rows of another service are left out where the file has a column ``service``.
    capacity_unit : the unit of a plain column ``capacity`` (or ``used``). Columns ``capacity_<unit>`` and
        ``used_<unit>`` carry theirs; a facility may have several.
    locate : finds rows that have no coordinates by name and address.
    service_names : what a workbook's sheet of this service, and a column ``service``, may call it besides its id.

    Returns
    -------
    Facilities
        Its ``report`` counts what was read and left out; ``dropped`` names what, ``unplaced`` the rows that have no
        position, ``located`` those the locator found, ``columns`` which header was taken for what, and ``findings``
        holds warnings and notes. Facilities that the file calls closed are left out and named in ``dropped``.

    Raises
    ------
    InputFileError
        The file is missing, damaged, of a format that is not read, or has no facility of this service.
    StudyError
        ``tags`` is missing for an OSM file, or given for another.
    CrsError
        A layer without CRS, or a table whose datum is not declared.
    TableError
        Positions, ids, names, years, capacities or words are wrong; every fault is listed with its rows, and ``kept``
        holds the facilities of the rows without one.

    Notes
    -----
    Where the file has no facility_id, it is ``<service>-<number of the record>``, so it stays the same as long as the
    order of the file does.
    """
    family = layers.check_suffix(path, records.TABLE, layers.LAYER, layers.OSM)
    if (family is layers.OSM) != bool(source.tags):
        need = "is only for OSM files" if source.tags else "(tag = [values]) is needed for an OSM file"
        raise StudyError(f"{path}: services.{service_id}.facilities.tags {need}")
    names = (*service_names, service_id)
    if family is layers.OSM:
        opened = _open_extract(path, source)
    else:
        opened = _open_table(path, source, names) if family is records.TABLE else _open_layer(path, source)
    opened = _numbered(opened, service_id)
    mine = _is_of_service(opened.table.frame, names)
    if not mine.any():
        raise InputFileError(f"{path}: there is no facility of service {service_id!r} in this file")
    others, left_out = int((~mine).sum()), sum(opened.report.get("rows_dropped", {}).values())
    counts = {"rows_read": len(mine) + len(opened.dropped) + left_out, "rows_of_other_services": others}
    opened = replace(opened, report={**opened.report, **counts})
    opened = _without_closed(replace(opened, table=opened.table.take(mine)))
    placed = _placed(opened, source, crs=crs, locate=locate)
    places, faults = _places(placed, source, service_id=service_id)
    capacity, capacity_findings = read_capacity(placed.table, places["facility_id"], capacity_unit, opened.units)
    findings = [*opened.findings, *placed.findings, *faults, *capacity_findings]
    errors = [*placed.table.faults, *(finding for finding in findings if finding.severity == "error")]
    report = _report(opened, placed, [finding for finding in findings if finding.severity != "error"])
    kept = ~placed.unplaced & ~np.isin(placed.table.row_numbers, [finding.row or 0 for finding in errors])
    found = None
    if not errors or (kept.any() and all(finding.row is not None for finding in errors)):
        report["row_of"] = dict(zip(places["facility_id"], placed.table.row_numbers.tolist(), strict=True))
        found = _facilities(places[kept], capacity, crs=crs, where=str(path), report=report)
    if errors:
        raise TableError.of(errors, where=str(path), kept=found)
    if found is None or found.places.empty:
        raise InputFileError(
            f"{path}: no facility of service {service_id!r} has a position; {len(mine)} rows were read"
        )
    return found


@dataclass(frozen=True, slots=True)
class _Opened:
    """The records of a file before they are judged."""

    table: layers.PointTable
    is_placed: bool  # its frame has points already
    dropped: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    n_closed: int = 0


def _open_table(path: Path, source: FacilitySource, names: Sequence[str]) -> _Opened:
    found = records.read_records(
        path,
        vocabulary=headers.FACILITIES,
        columns=source.columns,
        sheet=source.sheet,
        header_row=source.header_row,
        sheet_names=names,
    )
    renamed = {ours: theirs for ours, theirs in found.report["columns"].items() if ours != theirs}
    report = {**found.report, "columns": renamed}
    return _Opened(found.table, is_placed=False, findings=found.findings, report=report, units=found.units)


def _open_layer(path: Path, source: FacilitySource) -> _Opened:
    table = layers.read_points(path, columns=source.columns, layer=source.layer, datum=source.datum, axes=source.axes)
    found = records.with_our_names(table, headers.FACILITIES, beside=_COORDINATES, named=source.columns)
    return _Opened(found.table, is_placed=True, findings=found.findings, report=found.report, units=found.units)


def _open_extract(path: Path, source: FacilitySource) -> _Opened:
    table, dropped = _tagged_objects(path, source)
    return _Opened(table, is_placed=True, dropped=dropped)


def _numbered(opened: _Opened, service_id: str) -> _Opened:
    """Return the table with ids, words in our own terms, and the texts of the file to show beside faults."""
    table = opened.table
    frame = table.frame
    if opened.is_placed:  # the attributes of a layer have types; a table of texts is as it should be
        others = [name for name in frame.columns if name != frame.active_geometry_name]
        frame = frame.assign(**{name: layers.as_text(frame[name]) for name in others})
    if "facility_id" not in frame.columns:
        ids = [f"{service_id}-{row + 1:04d}" for row in range(len(frame))]
        frame = frame.assign(facility_id=pd.Series(ids, index=frame.index, dtype="str"))
    for name, meanings in WORDS.items():
        if name in frame.columns:
            frame = frame.assign(**{name: cells.read_words(frame[name], meanings)})
    shown = table.frame if table.shown is None else table.shown
    return replace(opened, table=replace(table, frame=frame, shown=shown))


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a text column, all missing where the file has none."""
    return frame[name] if name in frame.columns else pd.Series(np.nan, index=frame.index, dtype="str")


def _label(table: layers.PointTable, name: str) -> str:
    """Return what the file calls a column of ours."""
    return table.names.get(name, name)


def _is_of_service(frame: pd.DataFrame, names: Sequence[str]) -> Claims:
    said = _column(frame, "service")
    wanted = {headers.key_of(name) for name in names}
    known = {text: headers.key_of(text) in wanted for text in said.dropna().unique()}
    return np.array([known.get(text, True) for text in said], dtype=bool)


def _without_closed(opened: _Opened) -> _Opened:
    """Return the records that the file does not call closed; the others are named as dropped."""
    status = _column(opened.table.frame, "status")
    closed = status.isin(CLOSED).to_numpy()
    if not closed.any():
        return opened
    shown = opened.table.frame if opened.table.shown is None else opened.table.shown
    said = _column(shown, "status")
    dropped = [f"{placing.describe(opened.table, row)} (closed: {said.iloc[row]})" for row in np.flatnonzero(closed)]
    words = "the facility is closed; it is left out"
    told = opened.table.fault(closed, words, rule="facility_closed", column="status", severity="note")
    return replace(
        opened,
        table=opened.table.take(~closed),
        dropped=[*opened.dropped, *dropped],
        n_closed=len(dropped),
        findings=[*opened.findings, *told],
    )


def _placed(opened: _Opened, source: FacilitySource, *, crs: CRS, locate: Locator | None) -> placing.Placed:
    if not opened.is_placed:
        return placing.place_rows(opened.table, source, crs=crs, locate=locate)
    index = opened.table.frame.index
    nothing = pd.Series(np.nan, index=index)
    return placing.Placed(opened.table, nothing, nothing.astype("str"), np.zeros(len(index), dtype=bool))


def _report(opened: _Opened, placed: placing.Placed, findings: list[Finding]) -> dict[str, Any]:
    unplaced = [placing.describe(placed.table, row) for row in np.flatnonzero(placed.unplaced)]
    located = [
        f"{placing.describe(placed.table, row)}: {placed.how.iloc[row]} (within {placed.quality_m.iloc[row]:,.0f} m)"
        for row in np.flatnonzero(placed.how.notna())
    ]
    counts = {name: opened.report[name] for name in ("rows_read", "rows_of_other_services")}
    by_reason = {
        "other_service": counts["rows_of_other_services"],
        **opened.report.get("rows_dropped", {}),
        "no_position_in_extract": 0 if opened.n_closed else len(opened.dropped),
        "closed": opened.n_closed,
        "no_position": len(unplaced),
    }
    dropped = [*opened.dropped, *(f"{text} (no position)" for text in unplaced)]
    extras = {
        **opened.report,
        "rows_dropped": {reason: n for reason, n in by_reason.items() if n},
        "unplaced": unplaced,
        "located": located,
        "findings": findings,
    }
    told = {name: value for name, value in extras.items() if name not in counts and value not in ([], {}, "")}
    return {**counts, "dropped": dropped, **told}


def _facilities(
    places: gpd.GeoDataFrame, capacity: pd.DataFrame, *, crs: CRS, where: str, report: dict[str, Any]
) -> tables.Facilities:
    metric = crs_module.to_metric(places, crs, where=where)
    metric = metric.sort_values("facility_id", kind="stable").reset_index(drop=True)
    capacity = capacity[capacity["facility_id"].isin(metric["facility_id"])]
    capacity = capacity.sort_values(["facility_id", "unit"], kind="stable").reset_index(drop=True)
    tables.validate(metric, tables.FACILITIES, where=where)
    tables.validate(capacity, tables.FACILITY_CAPACITY, where=where)
    return tables.Facilities(places=metric, capacity=capacity, report=report)


def _places(
    placed: placing.Placed, source: FacilitySource, *, service_id: str
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    table = placed.table
    frame = table.frame
    columns: dict[str, pd.Series] = {name: _column(frame, name) for name in tables.FACILITIES.columns}
    columns["service"] = pd.Series(service_id, index=frame.index, dtype="str")
    defaults = {"level": source.level, "serves": source.serves, "status": "existing", "data_kind": source.kind}
    defaults["source"] = source.source
    for name, value in defaults.items():
        columns[name] = columns[name].fillna(value)
    faults = _text_faults(table, columns)
    for name in ("open_year", "close_year"):
        columns[name], year_faults = _years(table, name)
        faults += year_faults
    early = (columns["close_year"] < columns["open_year"]).fillna(value=False)
    faults += table.fault(early, "close_year is before open_year", rule="years_order", column="close_year")
    columns["standardised"], claim_faults = _claims(table, "standardised")
    columns["position_quality_m"], quality_faults = _position_quality(placed, source.position_quality_m)
    columns |= {name: _column(frame, name) for name in _KEPT_TEXTS if name in frame.columns}
    if placed.how.notna().any():
        columns["located_by"] = placed.how
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
    elif not any(finding.details.get("ours") == "name_zh" for finding in table.faults):  # told: which one it is
        faults += table.column_fault("name_zh", suggestion="map it in columns")
    for name in ("name_zh", *_KEPT_TEXTS):
        if name in table.frame.columns:
            garbled = _column(table.frame, name).str.contains(_GARBLED, na=False)
            words, remedy = (
                f"{_label(table, name)} is garbled",
                "it was saved in a wrong encoding: take it from the original file",
            )
            faults += table.fault(garbled, words, rule="text_garbled", column=name, suggestion=remedy)
    for name, allowed in _VOCABULARY.items():
        wrong = ~columns[name].isin(allowed)
        faults += table.fault(
            wrong,
            f"{_label(table, name)} is none of {', '.join(allowed)}",
            rule="word_unknown",
            column=name,
            details={"allowed": ", ".join(allowed)},
        )
    return faults


def _years(table: layers.PointTable, name: str) -> tuple[pd.Series, list[Finding]]:
    if name not in table.frame.columns:
        return pd.Series(pd.NA, index=table.frame.index, dtype="Int64"), []
    read = cells.read_years(_column(table.frame, name))
    return read.years, table.fault(read.unreadable, f"{_label(table, name)} is no year", rule="year", column=name)


def _claims(table: layers.PointTable, name: str) -> tuple[pd.Series, list[Finding]]:
    if name not in table.frame.columns:
        return pd.Series(pd.NA, index=table.frame.index, dtype="boolean"), []
    read = cells.read_claims(_column(table.frame, name))
    return read.claims, table.fault(
        read.unreadable, f"{_label(table, name)} is neither yes nor no", rule="claim", column=name
    )


def _position_quality(placed: placing.Placed, default_m: float | None) -> tuple[pd.Series, list[Finding]]:
    """Return how far off each position may be: as the file says, else as the locator says, else the source's."""
    table = placed.table
    read = cells.read_numbers(_column(table.frame, "position_quality_m"))
    number = pd.Series(read.numbers, index=table.frame.index)
    wrong = read.unreadable | (number < 0.0).to_numpy()
    filled = number.fillna(placed.quality_m)
    is_coordinate = placed.how.isna()
    if default_m is not None:
        filled = filled.mask(filled.isna() & is_coordinate, default_m)
    words = f"{_label(table, 'position_quality_m')} is not a number of metres"
    return filled, table.fault(wrong, words, rule="position_quality", column="position_quality_m")


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
