"""Everything a study names, read and brought together: one metric CRS, codes filled in, every fault told.

``read_what_can`` goes on where an input cannot be read, so that all faults are known at once. What is read is judged
elsewhere (``check``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd
import shapely

from chongming_gis import check, crs, manifest, sources, tables
from chongming_gis.config import PointSource
from chongming_gis.datum_evidence import DatumVerdict, datum_fault, tell_datum
from chongming_gis.datums import columns_of
from chongming_gis.errors import ChongmingError, StudyError, TableError, UndeclaredDatumError
from chongming_gis.findings import Finding
from chongming_gis.sources import spreadsheets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import geopandas as gpd
    from pyproj import CRS
    from shapely.geometry import MultiPolygon, Polygon

    from chongming_gis.config import AreaSource, FacilitySource, ServiceConfig, StudyConfig
    from chongming_gis.progress import Clock

    Area: TypeAlias = Polygon | MultiPolygon

Value = TypeVar("Value")
Source = TypeVar("Source", bound=PointSource)

_WGS84 = crs.parse(crs.GEOGRAPHIC, where="this package")
_TABLES = {*spreadsheets.TEXT, *spreadsheets.WORKBOOK}
AREAS = (tables.TOWNSHIPS, tables.VILLAGES, tables.LAND)  # named as the study's sources and the inputs name them


@dataclass(slots=True)
class Readings:
    """What could be read of a study, and every fault of what could not."""

    inputs: tables.StudyInputs  # with no rows for what could not be read
    unread: frozenset[str]  # the roles of these
    faults: list[Finding]
    told: list[str]  # the same as sentences, one an input


@dataclass(slots=True)
class _Reader:
    """Reads input after input, hears every fault, and goes on."""

    study: StudyConfig
    clock: Clock
    roads: tables.RoadTables | None = None
    faults: list[Finding] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    kept: dict[str, Any] = field(default_factory=dict)  # of tables with faulty rows: what the other rows make

    def attempt(self, role: str, path: Path, job: Callable[[], Value]) -> Value | None:
        """Return what the job reads, or None after hearing why it could not."""
        try:
            return self.clock.run(role.partition(":")[0], path.name, job)
        except ChongmingError as error:
            self.hear(role, error)
            return None

    def attempt_points(self, role: str, path: Path, read: Callable[[StudyConfig], Value]) -> Value | None:
        """Return what is read of a table of places; one without a datum is looked through for other faults too."""
        study = self.study
        try:
            return self.clock.run(role.partition(":")[0], path.name, lambda: read(study))
        except UndeclaredDatumError as error:
            verdict = _tell_datum(error, study, self.roads)
            self.hear(role, error if verdict is None else datum_fault(verdict, where=error.findings[0].where))
            try:  # the table's other faults are to be told at once too
                self.kept[role] = read(_assuming_datum(study, error, verdict))
            except UndeclaredDatumError:
                pass
            except ChongmingError as more:
                self.hear(role, more)
        except ChongmingError as error:
            self.hear(role, error)
        return None

    def hear(self, role: str, error: ChongmingError) -> None:
        """Keep every fault of an input."""
        found = error.findings or [_unreadable(error, role, self.study)]
        self.faults.extend(_of_input(found, role, self.study))
        self.told.append(str(error))
        self.unread.add(role)
        if isinstance(error, TableError) and error.kept is not None:
            self.kept[role] = error.kept


def read_what_can(study: StudyConfig, clock: Clock) -> Readings:
    """Return what can be read of a study."""
    reader = _Reader(study, clock)
    region_path = study.region.boundary
    area = None
    if region_path is not None:
        area = reader.attempt("region", region_path, lambda: sources.read_region(study.resolve(region_path), _WGS84))
    roads = reader.roads = reader.attempt("roads", study.sources.roads.path, lambda: _read_roads(study, area))
    # without roads the others are read all the same, so that every fault is found
    metric = crs.parse_metric(study.crs or "EPSG:32651", where="crs") if roads is None else roads.crs
    region = None if area is None else _moved(area, _WGS84, metric)
    areas = {contract.name: tables.no_rows(contract, metric) for contract in AREAS}
    for contract in AREAS:
        source = getattr(study.sources, contract.name)
        job = _area_job(study, source, contract, metric) if source else None
        read = reader.attempt(contract.name, source.path, job) if job else None
        if read is not None:
            areas[contract.name] = read
    around = sources.Surroundings(region, areas["townships"], areas["villages"], areas["land"], roads)
    areas["townships"] = _with_gaps_told(study, areas["townships"], around)
    demand = reader.attempt_points("demand", study.sources.demand.path, lambda of: _read_demand(of, metric, around))
    facilities = _read_all_facilities(reader, metric, around)
    townships, villages, land = (areas[contract.name] for contract in AREAS)
    demand = demand or reader.kept.get(check.DEMAND)
    roles = {name: check.facilities_role(name) for name in facilities}
    facilities = {name: table or reader.kept.get(roles[name]) for name, table in facilities.items()}
    known = {check.DEMAND: demand, **{roles[name]: table for name, table in facilities.items()}}
    demand = demand or _nobody(study, metric)
    inputs = tables.StudyInputs(
        roads=roads if roads is not None else _no_roads(metric),
        demand=replace(demand, points=_with_codes(demand.points, townships, villages)),
        facilities={
            name: replace(table, places=_with_codes(table.places, townships, villages))
            for name, table in facilities.items()
            if table is not None
        },
        townships=townships,
        villages=villages,
        land=land,
        region=region,
    )
    said = _said_by_readers(inputs, study)
    still_unread = frozenset(role for role in reader.unread if known.get(role) is None)
    return Readings(replace(inputs, findings=tuple(said)), still_unread, reader.faults, reader.told)


def _nobody(study: StudyConfig, metric: CRS) -> tables.Demand:
    columns = [tables.persons_column(base, group.id) for group in study.groups for base in group.columns]
    persons = pd.DataFrame({name: pd.Series(dtype=float) for name in columns}, index=pd.Index([], name="demand_id"))
    return tables.Demand(points=tables.no_rows(tables.DEMAND, metric), persons=persons)


def _no_roads(metric: CRS) -> tables.RoadTables:
    return tables.RoadTables(nodes=tables.no_rows(tables.NODES, metric), edges=tables.no_rows(tables.EDGES, metric))


def _said_by_readers(inputs: tables.StudyInputs, study: StudyConfig) -> list[Finding]:
    """Return the warnings and notes that readers left in their reports."""
    said: list[Finding] = []
    for role, report in manifest.reports_of(inputs).items():
        said += _of_input(report.get("findings") or (), role, study)
    return said


def _of_input(findings: Iterable[Finding], role: str, study: StudyConfig) -> list[Finding]:
    """Return findings with their input, and with files as the study names them."""
    names = {str(study.resolve(source.path)): source.path.as_posix() for _, source in manifest.named_files(study)}
    if study.region.boundary is not None:
        names[str(study.resolve(study.region.boundary))] = study.region.boundary.as_posix()
    return [replace(found, role=role, where=names.get(found.where, found.where)) for found in findings]


def _unreadable(error: ChongmingError, role: str, study: StudyConfig) -> Finding:
    """Return the finding that an input cannot be read, for errors that carry none."""
    path = study.region.boundary if role == "region" else dict(manifest.named_files(study))[role].path
    where = "" if path is None else path.as_posix()
    reason = str(error).removeprefix(f"{'' if path is None else study.resolve(path)}: ")
    return Finding("error", where, reason, rule="input_unreadable", details={"reason": reason}, role=role)


def _tell_datum(
    error: UndeclaredDatumError, study: StudyConfig, roads: tables.RoadTables | None
) -> DatumVerdict | None:
    """Return what the study's roads say about undeclared coordinates; None where the roads were not read."""
    if roads is None:
        return None
    source, (first, second) = study.sources.roads, error.coordinates
    return tell_datum(first, second, roads.edges, kind=source.kind, position_quality_m=source.position_quality_m)


def _assuming_datum(study: StudyConfig, error: UndeclaredDatumError, verdict: DatumVerdict | None) -> StudyConfig:
    """Return the study with the likely datum (else WGS 84) wherever none is declared, to look for other faults only."""
    datum, axes = "wgs84", None
    if verdict is not None and verdict.likely is not None:
        datum, axes = verdict.likely, verdict.axes
    if columns_of(datum) != error.columns:
        return study

    def declared(source: Source) -> Source:
        return source if source.datum else source.model_copy(update={"datum": datum, "axes": axes})

    services = tuple(s.model_copy(update={"facilities": declared(s.facilities)}) for s in study.services)
    return study.model_copy(
        update={
            "sources": study.sources.model_copy(update={"demand": declared(study.sources.demand)}),
            "services": services,
        }
    )


def count_readings(study: StudyConfig) -> int:
    """Return how many inputs a study names."""
    named = (study.region.boundary, study.sources.townships, study.sources.villages, study.sources.land)
    return 2 + len(study.services) + sum(source is not None for source in named)


def _read_roads(study: StudyConfig, area: Area | None) -> tables.RoadTables:
    source = study.sources.roads
    clip = None
    if source.clip_margin_m is not None and area is not None:
        clip = _grown(area, source.clip_margin_m)
    return sources.read_roads(
        study.resolve(source.path), area=clip, crs=study.crs, columns=source.columns, layer=source.layer
    )


def _grown(area: Area, margin_m: float) -> Area:
    """Return a geographic polygon grown by some metres, through the UTM zone of its centre."""
    metric = crs.utm_zone(area.centroid.x, area.centroid.y)
    return _moved(shapely.buffer(_moved(area, _WGS84, metric), margin_m), metric, _WGS84)


def _moved(area: Area, source: CRS, target: CRS) -> Area:
    moved: Area = crs.transform(np.array([area], dtype=object), source, target)[0]
    return moved


def _area_job(
    study: StudyConfig, source: AreaSource, contract: tables.Contract, metric: CRS
) -> Callable[[], gpd.GeoDataFrame]:
    return lambda: sources.read_areas(
        study.resolve(source.path),
        contract=contract,
        crs=metric,
        columns=source.columns,
        layer=source.layer,
        admin_level=source.admin_level,
        rules=sources.AreaRules(
            codes=None if source.codes is None else study.resolve(source.codes), sliver_m2=source.sliver_m2
        ),
    )


def _with_gaps_told(study: StudyConfig, townships: gpd.GeoDataFrame, around: sources.Surroundings) -> gpd.GeoDataFrame:
    """Return the townships with the parts of the region that lie in none told in their report."""
    source = study.sources.townships
    if source is None or townships.empty:
        return townships
    found = sources.tell_gaps(
        townships,
        around.region,
        uninhabited=sources.uninhabited(around, study.sources.demand.nobody_lives_in),
        where=str(study.resolve(source.path)),
        sliver_m2=source.sliver_m2,
    )
    if not found:
        return townships
    told = townships.copy()
    report = townships.attrs.get("report", {})
    told.attrs["report"] = {**report, "findings": [*report.get("findings", ()), *found]}
    return told


def _read_demand(study: StudyConfig, metric: CRS, around: sources.Surroundings) -> tables.Demand:
    source, region = study.sources.demand, around.region
    demand = sources.read_demand(source, path=study.resolve(source.path), study=study, crs=metric, around=around)
    if source.osm is None or region is None:
        return demand
    inside = check.is_inside(
        demand.points, region
    )  # an extract reaches beyond the region; a table that does is at fault
    return tables.Demand(
        points=demand.points[inside].reset_index(drop=True),
        persons=demand.persons[inside],
        report={**demand.report, "dropped_outside_region": int((~inside).sum())},
    )


def _read_all_facilities(
    reader: _Reader, metric: CRS, around: sources.Surroundings
) -> dict[str, tables.Facilities | None]:
    """Return the facilities of every service; rows without coordinates are looked up in what the study itself knows.

    Tables that have such rows are read last, so that the facilities of all others are known places by then.
    """
    study = reader.study
    later: dict[str, gpd.GeoDataFrame | None] = {}
    found: dict[str, tables.Facilities | None] = {}
    jobs = [(service.id, check.facilities_role(service.id), service.facilities.path) for service in study.services]
    for name, role, path in jobs:
        read = _facility_reader(name, metric, around.region)
        found[name] = reader.attempt_points(role, path, _read_or_postpone(read, study, name, later))
    if not later:
        return found
    known = [table.places for table in found.values() if table is not None]
    known += [kept.places for kept in reader.kept.values() if isinstance(kept, tables.Facilities)]
    known += [places for places in later.values() if places is not None]
    known = [_with_codes(places, *_known_areas(around, metric)) for places in known]
    reader.clock.of += len(later)
    locator = reader.attempt(
        "gazetteer",
        study.gazetteer.aliases or Path(),
        lambda: sources.make_gazetteer(study, around, known, crs=metric),
    )
    for name, role, path in jobs:
        if name in later:
            read = _facility_reader(name, metric, around.region, locator)
            found[name] = reader.attempt_points(role, path, read)
    return found


def _known_areas(around: sources.Surroundings, metric: CRS) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    townships, villages = around.townships, around.villages
    return (
        tables.no_rows(tables.TOWNSHIPS, metric) if townships is None else townships,
        tables.no_rows(tables.VILLAGES, metric) if villages is None else villages,
    )


def _read_or_postpone(
    read: Callable[[StudyConfig], tables.Facilities],
    study: StudyConfig,
    service_id: str,
    later: dict[str, gpd.GeoDataFrame | None],
) -> Callable[[StudyConfig], tables.Facilities | None]:
    """Return a reader that puts off a table that cannot be read whole yet, and keeps what places it has."""

    def read_now(of: StudyConfig) -> tables.Facilities | None:
        try:
            found = read(of)
        except UndeclaredDatumError:
            raise
        except ChongmingError as error:
            is_table = study.service(service_id).facilities.path.suffix.lower() in _TABLES
            if of is not study or not is_table:
                raise
            kept = error.kept if isinstance(error, TableError) else None
            later[service_id] = kept.places if isinstance(kept, tables.Facilities) else None
            return None
        if of is study and found.report.get("unplaced"):
            later[service_id] = found.places
            return None
        return found

    return read_now


def _facility_reader(
    service_id: str, metric: CRS, region: Area | None, locate: sources.Locator | None = None
) -> Callable[[StudyConfig], tables.Facilities]:
    return lambda study: _facility_job(study, study.service(service_id), metric, region, locate)()


def _facility_job(
    study: StudyConfig, service: ServiceConfig, metric: CRS, region: Area | None, locate: sources.Locator | None
) -> Callable[[], tables.Facilities]:
    source: FacilitySource = service.facilities

    def read() -> tables.Facilities:
        found = sources.read_facilities(
            source,
            path=study.resolve(source.path),
            service_id=service.id,
            capacity_unit=service.capacity_unit,
            crs=metric,
            service_names=(service.name_zh, service.name_en),
            locate=locate,
        )
        found = _in_service(
            found, study.data_date.year, where=f"services.{service.id} ({source.path})", path=study.resolve(source.path)
        )
        if not source.tags or region is None:
            return replace(found, report={**found.report, "rows_kept": len(found.places)})
        inside = check.is_inside(found.places, region)
        if not inside.any():
            raise StudyError(f"services.{service.id}: none of the {len(inside)} tagged objects lies in the region")
        return found.only(inside, rows_kept=int(inside.sum()), dropped_outside_region=int((~inside).sum()))

    return read


def _in_service(found: tables.Facilities, year: int, *, where: str, path: Path) -> tables.Facilities:
    """Return the facilities that stand in a year: existing, opened by then, not yet closed.

    Raises
    ------
    StudyError
        None does.
    """
    places = found.places
    opened = (places["open_year"] <= year).fillna(value=True).to_numpy(bool)
    closed = (places["close_year"] <= year).fillna(value=False).to_numpy(bool)
    stands = (places["status"] == "existing").to_numpy(bool) & opened & ~closed
    if not stands.any():
        raise StudyError(f"{where}: none of {len(places)} facilities is in service in {year}; see status, open_year")
    if stands.all():
        return found
    told = [*found.report.get("findings", ()), *_not_counted(places[~stands], year, found.report, path=path)]
    return found.only(stands, not_in_service=int((~stands).sum()), findings=told)


def _not_counted(places: pd.DataFrame, year: int, report: Mapping[str, Any], *, path: Path) -> list[Finding]:
    """Return one warning a facility that a list has and the study's year does not; planned ones are told as notes."""
    row_of = report.get("row_of", {})
    told = []
    columns = ("facility_id", "name_zh", "status", "open_year", "close_year")
    for facility_id, name, status, opened, closed in places[list(columns)].itertuples(index=False):
        is_planned = status != "existing"
        said = status if is_planned else str(closed if pd.notna(closed) and closed <= year else opened)
        told.append(
            Finding(
                "note" if is_planned else "warning",
                str(path),
                f"{name} ({said}) is not in service in {year} and is not counted",
                "" if is_planned else "correct its year, or the study's data_date",
                rule="not_in_service_planned" if is_planned else "not_in_service",
                row=row_of.get(facility_id),
                sheet=str(report.get("sheet") or ""),
                value=str(name),
                details={"said": said, "year": str(year)},
            )
        )
    return told


def _with_codes(points: gpd.GeoDataFrame, townships: gpd.GeoDataFrame, villages: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Fill missing township and village codes: by the names stated, else with the area a point lies in (the first)."""
    points = sources.fill_codes_by_name(points, townships, villages)
    filled = {}
    for column, areas in (("township_code", townships), ("village_code", villages)):
        missing = points[column].isna().to_numpy()
        if column == "village_code" and "located_by" in points.columns:
            missing = missing & points["located_by"].isna().to_numpy()  # the middle of a road is in no certain village
        if len(areas) == 0 or not missing.any():
            continue
        tree = shapely.STRtree(areas.geometry.to_numpy())
        which, area = tree.query(points.geometry.to_numpy()[missing], predicate="intersects")
        order = np.lexsort((areas[column].to_numpy(object)[area].astype(str), which))
        first = np.unique(which[order], return_index=True)[1]
        values = points[column].to_numpy(object).copy()
        values[np.flatnonzero(missing)[which[order][first]]] = areas[column].to_numpy(object)[area[order][first]]
        filled[column] = pd.Series(values, index=points.index, dtype="str")
    return points.assign(**filled)
