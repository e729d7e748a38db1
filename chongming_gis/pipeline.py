"""From a study to its result: read, check, compile, snap, measure. The only module that joins the parts.

``run_study`` computes and returns a ``StudyResult``; ``write_result`` turns one into a folder of tables, maps and a
report. Both say what they are doing through a ``Progress``.
"""

from __future__ import annotations

import contextlib
import platform
import sys
import time
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import (
    __version__,
    check,
    coverage,
    crs,
    indicators,
    manifest,
    maps,
    network,
    reach,
    reports,
    results,
    sources,
    tables,
)
from chongming_gis.config import PointSource, Provenance
from chongming_gis.datum_evidence import DatumVerdict, datum_fault, tell_datum
from chongming_gis.datums import columns_of
from chongming_gis.errors import ChongmingError, StudyError, TableError, UndeclaredDatumError
from chongming_gis.findings import Finding
from chongming_gis.reports import check_files
from chongming_gis.results import StudyResult
from chongming_gis.sources import spreadsheets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pyproj import CRS
    from shapely.geometry import MultiPolygon, Polygon

    from chongming_gis.config import AreaSource, FacilitySource, Language, ServiceConfig, StudyConfig
    from chongming_gis.network import Network, SnappedPoints

    Area: TypeAlias = Polygon | MultiPolygon

Value = TypeVar("Value")
Source = TypeVar("Source", bound=PointSource)

_WGS84 = crs.parse(crs.GEOGRAPHIC, where="this package")
_DRAWN_TOLERANCE_M = 5.0  # roads are simplified this far for drawing: half a line's width at zoom 15
_DRAWN_COLUMNS = ["highway", "route", "name", "bridge", "tunnel", "geometry"]
_TABLES = {*spreadsheets.TEXT, *spreadsheets.WORKBOOK}
_AREAS = (tables.TOWNSHIPS, tables.VILLAGES, tables.LAND)  # named as the study's sources and the inputs name them
_NAMED_VERSIONS = ("geopandas", "numba", "numpy", "osmium", "osmnx", "pandas", "pyproj", "scipy", "shapely")


class Progress(Protocol):
    """What a run tells while it works."""

    def __call__(self, stage: str, detail: str, done: int, of: int) -> None:
        """Hear that step ``done`` of ``of`` begins; ``stage`` is an id, ``detail`` a file, mode or service."""


def silent(stage: str, detail: str, done: int, of: int) -> None:
    """Hear nothing."""


@dataclass(slots=True)
class _Clock:
    """Tells the progress and keeps what each stage took."""

    progress: Progress
    of: int
    done: int = 0
    stages: dict[str, dict[str, float]] = field(default_factory=dict)

    def run(self, stage: str, detail: str, job: Callable[[], Value]) -> Value:
        """Return what the job returns, after telling the progress that it begins."""
        self.progress(stage, detail, self.done, self.of)
        start = time.perf_counter()
        value = job()
        kept = self.stages.setdefault(stage, {"seconds": 0.0})
        kept["seconds"] = round(kept["seconds"] + time.perf_counter() - start, 3)
        kept.update(_peak_memory())
        self.done += 1
        return value


def run_study(study: StudyConfig, *, progress: Progress = silent) -> StudyResult:
    """Return who reaches each service of a study, who does not and where.

    Raises
    ------
    ChongmingError
        Inputs are missing, broken or do not fit together; every fault is listed.
    """
    modes = _modes(study)
    clock = _Clock(progress, of=_n_readings(study) + 3 * len(modes) + len(study.services) + 1)
    inputs = read_inputs(study, clock=clock)
    findings = [*inputs.findings, *check.judge(inputs, study)]
    errors = [finding for finding in findings if finding.severity == "error"]
    _stop_on_faults(check.sentences(errors), errors)
    networks = {m.name: clock.run("compile", m.name, _job(network.compile_network, inputs.roads, m)) for m in modes}
    demand, facilities = _snap_all(inputs, study, networks, clock)
    on_roads = _on_roads(networks, demand, facilities)
    findings += check.judge_on_roads(inputs, study, on_roads)
    verdict = _verdict(study, inputs, findings, check.measure_distances(inputs, study, on_roads))
    tables_of_access = [
        clock.run("access", service.id, _access_job(study, service, networks, demand, facilities[service.id]))
        for service in study.services
    ]
    access = pd.concat(tables_of_access, ignore_index=True)
    shares = clock.run("coverage", "", _coverage_job(access, inputs, study))
    tables.validate(shares, tables.COVERAGE, where="coverage")
    facilities_of_all = all_facilities(inputs)
    return StudyResult(
        study=study,
        demand=inputs.demand,
        facilities=facilities_of_all,
        townships=inputs.townships,
        villages=inputs.villages,
        land=inputs.land,
        roads_drawn=_drawn(inputs.roads),
        access=access,
        coverage=shares,
        indicators=indicators.measure_indicators(
            study,
            facilities=facilities_of_all,
            demand=inputs.demand,
            townships=inputs.townships,
            villages=inputs.villages,
        ),
        manifest={
            "versions": _versions(),
            "study_digest": study.digest,
            "sources": _provenance(study),
            "inputs": manifest.input_files(study, _named_files(study), inputs),
            "counts": _counts(inputs),
            "network": [net.report() for net in networks.values()],
            "snapping": _snapping_report(demand, facilities),
            "verdict": verdict.record(),
            "findings": check.grouped_records(verdict.findings),
            "timings": clock.stages,
        },
    )


def write_result(
    result: StudyResult, folder: Path, *, language: Language | None = None, progress: Progress = silent
) -> StudyResult:
    """Write tables, maps and report into a folder, all or nothing, and return the result with the timings added.

    Raises
    ------
    OutputError
        The folder cannot be written; what stood there before is untouched.
    """
    language = language or result.study.outputs.language
    clock = _Clock(progress, of=3, stages={stage: dict(took) for stage, took in result.manifest["timings"].items()})
    with results.staged_folder(folder) as stage:
        clock.run("maps", "", lambda: maps.write_maps(result, stage / "maps", language=language))
        clock.run("report", "", lambda: reports.write_report(result, stage, language=language))
        written = replace(result, manifest={**result.manifest, "timings": clock.stages})
        clock.run("save", str(folder), lambda: results.save(written, stage))
    return written


def read_inputs(study: StudyConfig, *, clock: _Clock | None = None) -> tables.StudyInputs:
    """Return everything a study reads, in its metric CRS, with township and village codes filled in.

    Raises
    ------
    StudyError
        Some inputs cannot be read; the faults of all of them are listed, and carried one by one in ``findings``.
    """
    readings = _read_what_can(study, clock or _Clock(silent, of=_n_readings(study)))
    _stop_on_faults(readings.told, readings.faults)
    return readings.inputs


def check_study(study: StudyConfig, *, progress: Progress = silent) -> check.Verdict:
    """Return everything that is to be said about the inputs of a study, whatever cannot be read.

    What can be read is judged, so that all faults are told at once; nothing is computed but the networks and how far
    people and facilities are from their roads.
    """
    modes = _modes(study)
    clock = _Clock(progress, of=_n_readings(study) + 3 * len(modes) + 1)
    readings = _read_what_can(study, clock)
    inputs, unread = readings.inputs, readings.unread
    findings = [*readings.faults, *inputs.findings]
    findings += clock.run("judge", "", lambda: check.judge(inputs, study, unread=unread))
    networks = {}
    for mode in modes if "roads" not in unread else []:
        try:
            networks[mode.name] = clock.run("compile", mode.name, _job(network.compile_network, inputs.roads, mode))
        except ChongmingError as error:
            reason = str(error)
            where, details = study.sources.roads.path.as_posix(), {"mode": mode.name, "reason": reason}
            findings.append(Finding("error", where, reason, rule="no_network", details=details, role="roads"))
    demand, facilities = _snap_all(inputs, study, networks, clock)
    on_roads = _on_roads(networks, demand, facilities)
    findings += check.judge_on_roads(inputs, study, on_roads, unread=unread)
    return _verdict(study, inputs, findings, check.measure_distances(inputs, study, on_roads))


def write_check(verdict: check.Verdict, study: StudyConfig, folder: Path, *, language: Language | None = None) -> None:
    """Write check.json and check.xlsx, with a marked copy of each table that has faulty rows, into a folder, whole.

    Raises
    ------
    OutputError
        The folder cannot be written; what stood there before is untouched.
    """
    language = language or study.outputs.language
    with results.staged_folder(folder, marker=check_files.JSON) as stage:
        check_files.write_check(verdict, stage, study=study, copies=_copies(verdict, study), language=language)


def _copies(verdict: check.Verdict, study: StudyConfig) -> list[check_files.Copy]:
    """Return the cells of every table that has findings about rows; those that cannot be opened are left out."""
    marked = {(finding.where, finding.sheet) for finding in verdict.findings if finding.row is not None}
    copies = []
    for where, sheet in sorted(marked):
        path = study.resolve(Path(where))
        if path.suffix.lower() not in {*spreadsheets.TEXT, *spreadsheets.WORKBOOK}:
            continue
        with contextlib.suppress(ChongmingError):  # the findings say why
            copies.append(check_files.Copy(where, sheet, spreadsheets.read_grid(path, sheet=sheet or None).cells))
    return copies


@dataclass(slots=True)
class _Readings:
    """What could be read of a study, and every fault of what could not."""

    inputs: tables.StudyInputs  # with no rows for what could not be read
    unread: frozenset[str]  # the roles of these
    faults: list[Finding]
    told: list[str]  # the same as sentences, one an input


@dataclass(slots=True)
class _Reader:
    """Reads input after input, hears every fault, and goes on."""

    study: StudyConfig
    clock: _Clock
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


def _read_what_can(study: StudyConfig, clock: _Clock) -> _Readings:
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
    areas = {contract.name: tables.no_rows(contract, metric) for contract in _AREAS}
    for contract in _AREAS:
        source = getattr(study.sources, contract.name)
        job = _area_job(study, source, contract, metric) if source else None
        read = reader.attempt(contract.name, source.path, job) if job else None
        if read is not None:
            areas[contract.name] = read
    around = sources.Surroundings(region, areas["townships"], areas["villages"], areas["land"], roads)
    areas["townships"] = _with_gaps_told(study, areas["townships"], around)
    demand = reader.attempt_points("demand", study.sources.demand.path, lambda of: _read_demand(of, metric, around))
    facilities = _read_all_facilities(reader, metric, around)
    townships, villages, land = (areas[contract.name] for contract in _AREAS)
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
    return _Readings(replace(inputs, findings=tuple(said)), still_unread, reader.faults, reader.told)


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
    names = {str(study.resolve(source.path)): source.path.as_posix() for _, source in _named_files(study)}
    if study.region.boundary is not None:
        names[str(study.resolve(study.region.boundary))] = study.region.boundary.as_posix()
    return [replace(found, role=role, where=names.get(found.where, found.where)) for found in findings]


def _unreadable(error: ChongmingError, role: str, study: StudyConfig) -> Finding:
    """Return the finding that an input cannot be read, for errors that carry none."""
    path = study.region.boundary if role == "region" else dict(_named_files(study))[role].path
    where = "" if path is None else path.as_posix()
    reason = str(error).removeprefix(f"{'' if path is None else study.resolve(path)}: ")
    return Finding("error", where, reason, rule="input_unreadable", details={"reason": reason}, role=role)


def _on_roads(
    networks: Mapping[str, Network], demand: reach.Places, facilities: Mapping[str, reach.Places]
) -> check.OnRoads:
    return check.OnRoads(
        networks=networks,
        demand=demand.snapped,
        facilities={name: places.snapped for name, places in facilities.items()},
    )


def _verdict(
    study: StudyConfig,
    inputs: tables.StudyInputs,
    findings: Iterable[Finding],
    distances: list[check.SnapHistogram],
) -> check.Verdict:
    sizes: dict[str, int | None] = {"demand": len(inputs.demand.points) or None}
    sizes |= {name: len(table.places) for name, table in _by_role(inputs).items()}
    sizes |= {contract.name: len(getattr(inputs, contract.name)) for contract in _AREAS}
    files = [
        check.InputFile(role, source.path.as_posix(), source.kind, sizes.get(role))
        for role, source in _named_sources(study)
        if role.partition(":")[0] != "demand" or role == "demand"
    ]
    if study.region.boundary is not None:
        files.insert(0, check.InputFile("region", study.region.boundary.as_posix(), "", None))
    return check.make_verdict(findings, files, distances)


def _by_role(inputs: tables.StudyInputs) -> dict[str, tables.Facilities]:
    return {check.facilities_role(name): table for name, table in inputs.facilities.items()}


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


def _stop_on_faults(told: list[str], findings: list[Finding]) -> None:
    if told:
        raise StudyError("\n".join(dict.fromkeys(told)), findings)


def _n_readings(study: StudyConfig) -> int:
    named = (study.region.boundary, study.sources.townships, study.sources.villages, study.sources.land)
    return 2 + len(study.services) + sum(source is not None for source in named)


def _job(function: Callable[..., Value], *arguments: Any) -> Callable[[], Value]:
    return lambda: function(*arguments)


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
        found = _in_service(found, study.data_date.year, where=f"services.{service.id} ({source.path})")
        if not source.tags or region is None:
            return replace(found, report={**found.report, "rows_kept": len(found.places)})
        inside = check.is_inside(found.places, region)
        if not inside.any():
            raise StudyError(f"services.{service.id}: none of the {len(inside)} tagged objects lies in the region")
        places = found.places[inside].reset_index(drop=True)
        return tables.Facilities(
            places=places,
            capacity=found.capacity[found.capacity["facility_id"].isin(places["facility_id"])].reset_index(drop=True),
            report={**found.report, "rows_kept": len(places), "dropped_outside_region": int((~inside).sum())},
        )

    return read


def _in_service(found: tables.Facilities, year: int, *, where: str) -> tables.Facilities:
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
    kept = places[stands].reset_index(drop=True)
    return tables.Facilities(
        places=kept,
        capacity=found.capacity[found.capacity["facility_id"].isin(kept["facility_id"])].reset_index(drop=True),
        report={**found.report, "not_in_service": int((~stands).sum())},
    )


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


def _modes(study: StudyConfig) -> list[network.TravelMode]:
    """Return the modes that some standard names, in the order of the study."""
    used = set[str]().union(*(_modes_of(service) for service in study.services))
    roads = study.sources.roads
    return [
        network.mode_of_study(
            mode,
            ferry_speed_kmh=roads.ferry_speed_kmh,
            ferry_headway_min=roads.ferry_headway_min,
            tiny_piece_m=study.region.snap_tiny_piece_m,
        )
        for mode in study.modes
        if mode.id in used
    ]


def _modes_of(service: ServiceConfig) -> set[str]:
    return {limit.mode for standard in service.standards for limit in standard.limits}


def _snap_all(
    inputs: tables.StudyInputs, study: StudyConfig, networks: Mapping[str, Network], clock: _Clock
) -> tuple[reach.Places, dict[str, reach.Places]]:
    """Snap demand and the facilities of every service to every network."""
    demand_at: dict[str, SnappedPoints] = {}
    facilities_at: dict[str, dict[str, SnappedPoints]] = {service.id: {} for service in study.services}
    for name, net in networks.items():
        demand_at[name] = clock.run("snap_demand", name, _job(network.snap_points, net, inputs.demand.points.geometry))
        users = [s.id for s in study.services if name in _modes_of(s) and s.id in inputs.facilities]
        snapped = clock.run("snap_facilities", name, _job(_snap_facilities, net, inputs, users))
        for service_id, points in snapped.items():
            facilities_at[service_id][name] = points
    read = inputs.facilities
    places = {name: reach.Places(read[name].places, at) for name, at in facilities_at.items() if name in read}
    return reach.Places(inputs.demand.points, demand_at), places


def _snap_facilities(net: Network, inputs: tables.StudyInputs, services: list[str]) -> dict[str, SnappedPoints]:
    """Snap the facilities of some services, all in one call: the grid of road segments is built once a call."""
    if not services:
        return {}
    places = [inputs.facilities[name].places.geometry for name in services]
    snapped = network.snap_points(net, pd.concat(places, ignore_index=True))
    ends = np.cumsum([len(points) for points in places])
    return {
        name: snapped.take(np.arange(end - len(points), end))
        for name, points, end in zip(services, places, ends, strict=True)
    }


def _access_job(
    study: StudyConfig,
    service: ServiceConfig,
    networks: Mapping[str, Network],
    demand: reach.Places,
    facilities: reach.Places,
) -> Callable[[], pd.DataFrame]:
    return lambda: coverage.measure_access(
        service, demand=demand, facilities=facilities, networks=networks, search_limit_s=study.search_limit_s
    )


def _coverage_job(access: pd.DataFrame, inputs: tables.StudyInputs, study: StudyConfig) -> Callable[[], pd.DataFrame]:
    return lambda: coverage.measure_coverage(
        access, demand=inputs.demand, study=study, townships=inputs.townships, villages=inputs.villages
    )


def all_facilities(inputs: tables.StudyInputs) -> tables.Facilities:
    """Return the facilities of every service in one pair of tables, in the order of the study."""
    parts = list(inputs.facilities.values())
    return tables.Facilities(
        places=pd.concat([part.places for part in parts], ignore_index=True),
        capacity=pd.concat([part.capacity for part in parts], ignore_index=True),
    )


def _drawn(roads: tables.RoadTables) -> gpd.GeoDataFrame:
    drawn = roads.edges[_DRAWN_COLUMNS]
    simplified = shapely.simplify(drawn.geometry.to_numpy(), _DRAWN_TOLERANCE_M)
    return drawn.set_geometry(gpd.GeoSeries(simplified, index=drawn.index, crs=roads.crs))


def _versions() -> dict[str, str]:
    found = {name: metadata.version(name) for name in _NAMED_VERSIONS}
    return {"chongming_gis": __version__, "python": platform.python_version(), **found}


def _named_sources(study: StudyConfig) -> list[tuple[str, Any]]:
    areas = study.sources
    named: list[tuple[str, Any]] = [("roads", areas.roads), *areas.demand.parts, ("townships", areas.townships)]
    named += [("villages", areas.villages), ("land", areas.land)]
    named += [(f"facilities:{service.id}", service.facilities) for service in study.services]
    return [(role, source) for role, source in named if source is not None]


@dataclass(frozen=True, slots=True)
class _NameTable:
    """A table of codes or of other names: a file of the study that is no source of places."""

    path: Path
    licence: str = ""


def _named_files(study: StudyConfig) -> list[tuple[str, Any]]:
    """Return the sources, and the tables that say what their names mean."""
    named = _named_sources(study)
    for name in ("townships", "villages"):
        source = getattr(study.sources, name)
        if source is not None and source.codes is not None:
            named.append((f"{name}:codes", _NameTable(source.codes)))
    if study.gazetteer.aliases is not None:
        named.append(("gazetteer", _NameTable(study.gazetteer.aliases, study.gazetteer.licence)))
    return named


def _provenance(study: StudyConfig) -> list[dict[str, Any]]:
    return [
        {
            "role": role,
            "path": source.path.as_posix(),
            **{key: getattr(source, key) for key in Provenance.model_fields},
        }
        for role, source in _named_sources(study)
    ]


def _counts(inputs: tables.StudyInputs) -> dict[str, float]:
    persons = {f"persons:{name}": round(float(total), 3) for name, total in inputs.demand.persons.sum().items()}
    return {
        "nodes": len(inputs.roads.nodes),
        "edges": len(inputs.roads.edges),
        "road_km": round(float(inputs.roads.edges["length_m"].sum()) / 1000.0, 3),
        "demand_points": len(inputs.demand.points),
        "townships": len(inputs.townships),
        "villages": len(inputs.villages),
        **persons,
        **{f"facilities:{name}": len(table.places) for name, table in inputs.facilities.items()},
    }


def _snapping_report(demand: reach.Places, facilities: Mapping[str, reach.Places]) -> list[dict[str, Any]]:
    everything = {"demand": demand, **facilities}
    return [
        {"what": what, "mode": mode, **points.report()}
        for what, places in everything.items()
        for mode, points in places.snapped.items()
    ]


def _peak_memory() -> dict[str, float]:
    """Return the process's peak memory so far, where the system tells it."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux: unlike getrusage, not that of the program which started this one
        peak_kb = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return {"peak_mb": round(int(peak_kb) / 1024.0, 1)}
    try:
        import resource
    except ImportError:  # Windows
        return {}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_mb": round(peak / (1024.0**2 if sys.platform == "darwin" else 1024.0), 1)}
