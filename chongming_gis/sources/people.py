"""People from tables by village or township: totals of each area, put where people live inside it.

Each table has one row an area and columns of persons; several tables give several bases. The rows are matched to the
study's areas (``arearows``), divided into age groups where shares are given (``shares``), and shared out over cells,
roads or buildings (``spread``). The sums of every row are kept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import tables
from chongming_gis.errors import InputFileError, StudyError, TableError
from chongming_gis.findings import Finding
from chongming_gis.sources import arearows, layers, shares, spread
from chongming_gis.sources.areapoints import MOST_NAMED, Counted, Placed, place_people
from chongming_gis.sources.surroundings import Surroundings, clip, township_zones, uninhabited, village_zones

if TYPE_CHECKING:
    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.config import DemandSource, StudyConfig
    from chongming_gis.peoplemodel import PeopleTable
    from chongming_gis.sources.surroundings import Zones

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Objects = npt.NDArray[np.object_]

_TOTAL_TOLERANCE = 0.5  # persons: totals of rounded rows


def read_people(source: DemandSource, *, study: StudyConfig, crs: CRS, around: Surroundings) -> tables.Demand:
    """Return demand points for the people of the study's tables, ordered by demand_id.

    Parameters
    ----------
    source : the study's ``sources.demand``, with its ``tables`` and perhaps ``spread`` and ``shares``.
    around : the villages and townships of the study, its land and roads.

    Returns
    -------
    Demand
        Its ``report`` counts rows, names those left out, and gives the totals of each column before and after, for all
        and by township.

    Raises
    ------
    StudyError
        The study has no areas of a table's level, or no settlement class is given.
    TableError
        Rows name no area or several, numbers are missing or negative, columns are missing; every fault of every
        table is listed.
    """
    zones = {"village": village_zones(around), "township": township_zones(around)}
    given = shares.read_all(source, study, (zones["village"], zones["township"]))
    wanted = shares.columns_to_read(study, given)
    counted = _read_tables(source, study, wanted, zones)
    counted = [_with_shares(entry, given, zones) for entry in counted]
    fine = zones["village" if any(entry.level == "village" for entry in counted) else "township"]
    wet = uninhabited(around, source.nobody_lives_in)
    polygonal = fine.geometry.copy()
    polygonal[shapely.get_dimensions(polygonal) < 2] = shapely.Polygon()  # a village known as a point spreads nobody
    site = spread.Site(clip(polygonal, around.region), fine.code, wet, crs)
    path = study.resolve(source.spread.path) if source.spread is not None and source.spread.path is not None else None
    support = spread.find_support(source.spread, path=path, site=site, around=around)
    whole = source.spread is not None and source.spread.whole_persons
    placed, findings = place_people(counted, support, fine, zones, around=around, wet=wet, whole=whole)
    return _demand(placed, source, study, crs, given=given, counted=counted, support=support, findings=findings)


def _read_tables(source: DemandSource, study: StudyConfig, wanted: list[str], zones: dict[str, Zones]) -> list[Counted]:
    faults: list[Finding] = []
    counted: list[Counted] = []
    holder: dict[str, str] = {}
    for entry in source.tables:
        if len(zones[entry.by].code) == 0:
            raise StudyError(f"sources.demand.tables ({entry.path}): by = {entry.by!r} needs sources.{entry.by}s")
        found, wrong = _read_table(entry, study, wanted, zones)
        faults += wrong
        if found is None:
            continue
        for name in found.counts.columns:
            if name in holder:
                words = f"column {name} is in {holder[name]} too"
                faults.append(
                    Finding(
                        "error", found.where, words, "map it in one table only", rule="people_column_twice", column=name
                    )
                )
            holder[name] = found.where
        counted.append(found)
    absent = [name for name in wanted if name not in holder]
    if absent and not faults:
        where = ", ".join(entry.where for entry in counted)
        remedy = "map them in the columns of the table, or make them by sources.demand.shares"
        faults = [
            Finding("error", where, f"no persons column {name!r}", remedy, rule="people_column_missing", column=name)
            for name in absent
        ]
    if faults:
        raise TableError.of(faults, where=", ".join(str(entry.path) for entry in source.tables))
    return counted


def _read_table(
    entry: PeopleTable, study: StudyConfig, wanted: list[str], zones: dict[str, Zones]
) -> tuple[Counted | None, list[Finding]]:
    path = study.resolve(entry.path)
    opened = arearows.open_table(path, persons=wanted, columns=entry.columns, sheet=entry.sheet)
    table = opened.table
    rows = arearows.match_rows(table, zones[entry.by], zones["township"])
    names = [name for name in wanted if name in table.frame.columns]
    if not names:
        words = (
            f"no persons column; the study wants {', '.join(wanted)}, the file has {layers.name_columns(table.frame)}"
        )
        remedy = "map them in the columns of the table"
        return None, [*rows.faults, *table.table_fault(words, rule="people_column_missing", suggestion=remedy)]
    numbers, faults = _numbers(opened, names, rows.is_kept)
    classes, more = _classes(table, study, rows.is_kept)
    faults = [*rows.faults, *faults, *more]
    if faults:
        return None, faults
    kept = np.flatnonzero(rows.is_kept)
    if len(kept) == 0:
        raise InputFileError(f"{table.where}: there is no row of people in this table")
    kept = kept[np.argsort(rows.area[kept], kind="stable")]
    frame = pd.DataFrame(numbers[kept], columns=names)
    findings = [
        *opened.findings,
        *_total_findings(table, rows, zones, numbers, names, level=entry.by),
        *_absent_findings(rows.area[kept], zones[entry.by], table.where),
    ]
    n_total, n_empty = int(rows.is_total.sum()), int((rows.is_empty & ~rows.is_total).sum())
    n_other = sum(finding.rule == "row_left_out" for finding in opened.findings)  # titles, notes, examples
    report = {
        **opened.report,
        "rows_read": len(table.frame) + n_other,
        "rows_dropped": {"row_of_totals": n_total, "empty": n_empty, "not_a_record": n_other},
        "rows_kept": len(kept),
        "persons_read": {name: round(float(frame[name].sum()), 6) for name in names},
    }
    area = rows.area[kept]
    township = zones[entry.by].township[area]
    return Counted(entry.by, area, township, frame, classes[kept], findings, report, table.where), []


def _numbers(opened: arearows.AreaTable, names: list[str], kept: Bools) -> tuple[Floats, list[Finding]]:
    table = opened.table
    numbers = np.empty((len(table.frame), len(names)))
    faults: list[Finding] = []
    for position, name in enumerate(names):
        number = opened.numbers(name)
        remedy = "write 0 where nobody lives"
        words = f"{name} is missing or not a number"
        faults += table.fault(kept & ~np.isfinite(number), words, rule="persons_text", column=name, suggestion=remedy)
        faults += table.fault(kept & (number < 0.0), f"{name} is negative", rule="persons_negative", column=name)
        numbers[:, position] = number
    return numbers, faults


def _classes(table: layers.PointTable, study: StudyConfig, kept: Bools) -> tuple[Objects, list[Finding]]:
    """Return the settlement class that each row tells by id or name, None where it tells none."""
    text = layers.text_column(table.frame, "settlement_class")
    known = {word: entry.id for entry in study.settlement_classes for word in (entry.name_zh, entry.name_en, entry.id)}
    found = text.map(known).astype(object)
    unknown = kept & text.notna().to_numpy() & found.isna().to_numpy()
    classes = ", ".join(entry.id for entry in study.settlement_classes)
    words, details = f"settlement_class is none of the study's: {classes}", {"known": classes}
    faults = table.fault(unknown, words, rule="class_unknown", column="settlement_class", details=details)
    return found.where(found.notna(), None).to_numpy(dtype=object), faults


def _total_findings(
    table: layers.PointTable,
    rows: arearows.AreaRows,
    zones: dict[str, Zones],
    numbers: Floats,
    names: list[str],
    *,
    level: str,
) -> list[Finding]:
    """Return that rows of totals were left out, and where they differ from the sum of their rows."""
    findings = table.fault(
        rows.is_total, "is a row of totals and was left out", rule="total_row", column=f"{level}_name", severity="note"
    )
    for row in rows.totals:
        parts = arearows.rows_of_total(rows, row, zones[level], zones["township"])
        for position, name in enumerate(names):
            stated = numbers[row, position]
            sums = [float(numbers[part, position].sum()) for part in parts]
            if not np.isfinite(stated) or any(abs(stated - summed) <= _TOTAL_TOLERANCE for summed in sums):
                continue
            findings += table.fault(
                np.arange(len(numbers)) == row,
                f"the stated total of {name} is {stated:,.10g}, its rows add up to {sums[0]:,.10g}",
                rule="total_differs",
                column=name,
                severity="warning",
                suggestion="find the row that is missing or wrong; the rows are counted, not the total",
                details={"stated": f"{stated:,.10g}", "summed": f"{sums[0]:,.10g}"},
            )
    return findings


def _absent_findings(area: Ints, zones: Zones, where: str) -> list[Finding]:
    """Return the warning that areas of the study have no row."""
    absent = np.setdiff1d(np.arange(len(zones.code)), area)
    if len(absent) == 0:
        return []
    names = [f"{zones.name[row]} ({zones.code[row]})" for row in absent[:MOST_NAMED].tolist()]
    more = " ..." if len(absent) > MOST_NAMED else ""
    words = f"{len(absent)} of {len(zones.code)} {zones.level}s have no row, so nobody is counted there: "
    return [
        Finding(
            "warning",
            where,
            f"{words}{', '.join(names)}{more}",
            "add their rows, with 0 where nobody lives",
            rule=f"{zones.level}_without_row",
            details={"number": str(len(absent)), "names": ", ".join(names) + more},
        )
    ]


def _with_shares(entry: Counted, given: list[shares.Shares], zones: dict[str, Zones]) -> Counted:
    codes = {"township": pd.Series(entry.township, dtype="str")}
    if entry.level == "village":
        codes["village"] = pd.Series(zones["village"].code[entry.area], dtype="str")
    return replace(entry, counts=shares.add_shares(entry.counts, given, codes, where=entry.where))


def _demand(
    placed: Placed,
    source: DemandSource,
    study: StudyConfig,
    crs: CRS,
    *,
    given: list[shares.Shares],
    counted: list[Counted],
    support: spread.Support,
    findings: list[Finding],
) -> tables.Demand:
    persons = shares.group_sums(placed.counts, study)
    lived_in = (persons > 0.0).any(axis=1).to_numpy()
    settlement = _settlement(placed, source)
    if pd.isna(settlement[lived_in]).any():
        raise StudyError(
            "sources.demand: no settlement class for some places; give a column settlement_class in the table, "
            "settlement_by_name, or settlement_class for all others"
        )
    points = gpd.GeoDataFrame(
        {
            "demand_id": pd.Series(placed.ids, dtype="str"),
            "name_zh": pd.Series(placed.name, dtype="str"),
            "township_code": pd.Series(placed.township, dtype="str"),
            "village_code": pd.Series(placed.village, dtype="str"),
            "island": tables.empty_text(len(placed.ids)),
            "settlement_class": pd.Series(settlement, dtype="str"),
        },
        geometry=placed.points,
        crs=crs,
    )
    points = points[lived_in].reset_index(drop=True)
    where = ", ".join(entry.where for entry in counted)
    tables.validate(points, tables.DEMAND, where=where)
    return tables.Demand(
        points=points,
        persons=persons[lived_in].set_axis(pd.Index(points["demand_id"], name="demand_id")),
        report=_report(placed, counted, support, [*findings, *shares.findings_of(given)], n_points=len(points)),
    )


def _settlement(placed: Placed, source: DemandSource) -> Objects:
    """Return the class of each point: what the table says, else by the area's name, else dense cells, else the rest."""
    raster = source.spread.raster if source.spread is not None else None
    dense = raster.dense_class if raster is not None else None
    classes = np.full(len(placed.ids), source.settlement_class, dtype=object)
    if dense is not None:
        classes[placed.is_dense] = dense
    names = pd.Series([arearows.written(name) for name in placed.name], dtype="str")
    for end, named in reversed(source.settlement_by_name.items()):  # the first that fits wins
        classes[names.str.endswith(arearows.written(end)).to_numpy()] = named
    told = ~pd.isna(placed.settlement)
    classes[told] = placed.settlement[told]
    return classes


def _report(
    placed: Placed, counted: list[Counted], support: spread.Support, findings: list[Finding], *, n_points: int
) -> dict[str, Any]:
    kept = placed.counts.sum()
    read = pd.concat([entry.counts.sum() for entry in counted])
    township = pd.Series(placed.township, dtype="str").fillna("")
    by_township = placed.counts.groupby(township).sum()
    return {
        "rows_read": sum(entry.report["rows_read"] for entry in counted),
        "rows_kept": sum(entry.report["rows_kept"] for entry in counted),
        "rows_dropped": {
            reason: sum(entry.report["rows_dropped"][reason] for entry in counted)
            for reason in counted[0].report["rows_dropped"]
        },
        "tables": [{"where": entry.where, "by": entry.level, **entry.report} for entry in counted],
        **support.report,
        "points_kept": n_points,
        "points_without_people": len(placed.ids) - n_points,
        "persons_read": read.round(6).to_dict(),
        "persons_kept": kept.round(6).to_dict(),
        "persons_by_township": {str(code): row for code, row in by_township.round(6).to_dict("index").items()},
        "largest_difference_of_a_township": _largest_difference(by_township, counted),
        "findings": [finding for entry in counted for finding in entry.findings] + support.findings + findings,
    }


def _largest_difference(by_township: pd.DataFrame, counted: list[Counted]) -> float:
    """Return by how much the persons put in a township differ from those that the tables have there, at most."""
    largest = 0.0
    for entry in counted:
        given = entry.counts.groupby(pd.Series(entry.township, dtype="str").fillna("")).sum()
        placed = by_township.reindex(index=given.index, columns=given.columns).fillna(0.0)
        largest = max(largest, float(np.abs(placed.to_numpy() - given.to_numpy()).max(initial=0.0)))
    return round(largest, 6)
