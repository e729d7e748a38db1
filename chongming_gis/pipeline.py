"""From a study to its result: read, check, compile, snap, measure. The only module that joins the parts.

``run_study`` computes and returns a ``StudyResult``; ``write_result`` turns one into a folder of tables, maps and a
report. Both say what they are doing through a ``Progress``.
"""

from __future__ import annotations

import contextlib
import platform
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import (
    __version__,
    check,
    coverage,
    geotiff,
    indicators,
    manifest,
    maps,
    measured,
    network,
    provision,
    reach,
    readings,
    reports,
    results,
    tables,
)
from chongming_gis.config import PointSource
from chongming_gis.errors import ChongmingError, StudyError
from chongming_gis.findings import Finding
from chongming_gis.measured.delivery_question import ask_delivery
from chongming_gis.progress import Clock, Progress, job_of, silent
from chongming_gis.results import StudyResult
from chongming_gis.sources import spreadsheets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from shapely.geometry import MultiPolygon, Polygon

    from chongming_gis.config import Language, ReportFormat, ServiceConfig, StudyConfig
    from chongming_gis.network import Network, SnappedPoints
    from chongming_gis.reports import check_files

    Area: TypeAlias = Polygon | MultiPolygon

Value = TypeVar("Value")
Source = TypeVar("Source", bound=PointSource)

_DRAWN_TOLERANCE_M = 5.0  # roads are simplified this far for drawing: half a line's width at zoom 15
_DRAWN_COLUMNS = ["highway", "route", "name", "bridge", "tunnel", "geometry"]
_NAMED_VERSIONS = ("geopandas", "numba", "numpy", "osmium", "osmnx", "pandas", "pyproj", "pyvrp", "scipy", "shapely")


def run_study(study: StudyConfig, *, depth: measured.Depth = "daily", progress: Progress = silent) -> StudyResult:
    """Return who reaches each service of a study, who does not and where, and the measures the study asks for.

    Parameters
    ----------
    depth : "full" also takes the measures that need minutes (certainty draws)

    Raises
    ------
    ChongmingError
        Inputs are missing, broken or do not fit together; every fault is listed.
    """
    modes = _modes(study)
    provided_services = provision.services_with_provision(study)
    steps = measured.steps_of(study, depth)
    n_measured = len(study.services) + len(provided_services) + 1 + len(steps)
    clock = Clock(progress, of=readings.count_readings(study) + 3 * len(modes) + n_measured)
    inputs = read_inputs(study, clock=clock)
    findings = [*inputs.findings, *check.judge(inputs, study)]
    errors = [finding for finding in findings if finding.severity == "error"]
    _stop_on_faults(check.sentences(errors), errors)
    networks = {m.name: clock.run("compile", m.name, job_of(network.compile_network, inputs.roads, m)) for m in modes}
    demand, facilities = _snap_all(inputs, study, networks, clock)
    on_roads = _on_roads(networks, demand, facilities)
    findings += check.judge_on_roads(inputs, study, on_roads)
    tables_of_access = [
        clock.run("access", service.id, _access_job(study, service, networks, demand, facilities[service.id]))
        for service in study.services
    ]
    access = pd.concat(tables_of_access, ignore_index=True)
    shares = clock.run("coverage", "", _coverage_job(access, inputs, study))
    tables.validate(shares, tables.COVERAGE, where="coverage")
    provided = [
        clock.run("provision", service.id, _provision_job(study, service, inputs, networks, demand, facilities))
        for service in provided_services
    ]
    ground = measured.Groundwork(study, inputs, networks, demand, facilities, access, shares, progress)
    taken = [clock.run(f"measure_{step.name}", "", job_of(step.measure, ground)) for step in steps]
    verdict = _verdict(
        study,
        inputs,
        [*findings, *(finding for found in taken for finding in found.findings)],
        check.measure_distances(inputs, study, on_roads),
    )
    facilities_of_all = all_facilities(inputs)
    return StudyResult(
        study=study,
        demand=inputs.demand,
        facilities=facilities_of_all,
        townships=inputs.townships,
        villages=inputs.villages,
        land=inputs.land,
        roads_drawn=drawn_roads(inputs.roads),
        access=access,
        coverage=shares,
        indicators=_indicators(study, inputs, facilities_of_all, shares),
        provision=pd.concat(provided, ignore_index=True) if provided else tables.no_table(tables.PROVISION),
        measured=_joined(found.tables for found in taken),
        surfaces=geotiff.PackedSurfaces({name: file for found in taken for name, file in found.surfaces.items()}),
        manifest={
            "versions": _versions(),
            "study_digest": study.digest,
            "sources": manifest.provenance(study),
            "inputs": manifest.input_files(study, manifest.named_files(study), inputs),
            "counts": _counts(inputs),
            "network": [net.report() for net in networks.values()],
            "snapping": _snapping_report(demand, facilities),
            "verdict": verdict.record(),
            "findings": check.grouped_records(verdict.findings),
            "timings": clock.stages,
        },
    )


def write_result(
    result: StudyResult,
    folder: Path,
    *,
    language: Language | None = None,
    formats: Iterable[ReportFormat] | None = None,
    progress: Progress = silent,
) -> StudyResult:
    """Write tables, maps and report into a folder, all or nothing, and return the result with the timings added.

    Parameters
    ----------
    formats : of the report; None = those of the study

    Raises
    ------
    OutputError
        The folder cannot be written; what stood there before is untouched.
    """
    language = language or result.study.outputs.language
    wanted = tuple(formats or result.study.outputs.formats)
    clock = Clock(progress, of=4, stages={stage: dict(took) for stage, took in result.manifest["timings"].items()})
    with results.staged_folder(folder) as stage:
        material = clock.run("maps", "", lambda: maps.prepare(result, language))
        clock.run("maps", "", lambda: maps.write_maps(result, stage / "maps", language=language, material=material))
        clock.run(
            "report",
            "",
            lambda: reports.write_reports(result, stage, formats=wanted, language=language, material=material),
        )
        reports.write_sheets(result, stage, language=language)
        written = replace(result, manifest={**result.manifest, "timings": clock.stages})
        clock.run("save", str(folder), lambda: results.save(written, stage))
    return written


def read_inputs(study: StudyConfig, *, clock: Clock | None = None) -> tables.StudyInputs:
    """Return everything a study reads, in its metric CRS, with township and village codes filled in.

    Raises
    ------
    StudyError
        Some inputs cannot be read; the faults of all of them are listed, and carried one by one in ``findings``.
    """
    read = readings.read_what_can(study, clock or Clock(silent, of=readings.count_readings(study)))
    _stop_on_faults(read.told, read.faults)
    return read.inputs


def check_study(study: StudyConfig, *, progress: Progress = silent) -> check.Verdict:
    """Return everything that is to be said about the inputs of a study, whatever cannot be read.

    What can be read is judged, so that all faults are told at once; nothing is computed but the networks and how far
    people and facilities are from their roads.
    """
    modes = _modes(study)
    clock = Clock(progress, of=readings.count_readings(study) + 3 * len(modes) + 1)
    read = readings.read_what_can(study, clock)
    inputs, unread = read.inputs, read.unread
    findings = [*read.faults, *inputs.findings]
    findings += clock.run("judge", "", lambda: check.judge(inputs, study, unread=unread))
    networks = {}
    for mode in modes if "roads" not in unread else []:
        try:
            networks[mode.name] = clock.run("compile", mode.name, job_of(network.compile_network, inputs.roads, mode))
        except ChongmingError as error:
            reason = str(error)
            where, details = study.sources.roads.path.as_posix(), {"mode": mode.name, "reason": reason}
            findings.append(Finding("error", where, reason, rule="no_network", details=details, role="roads"))
    demand, facilities = _snap_all(inputs, study, networks, clock)
    on_roads = _on_roads(networks, demand, facilities)
    findings += check.judge_on_roads(inputs, study, on_roads, unread=unread)
    if _is_delivery_read(study, networks, unread):
        empty = (tables.no_table(tables.ACCESS), tables.no_table(tables.COVERAGE))
        findings += ask_delivery(measured.Groundwork(study, inputs, networks, demand, facilities, *empty)).findings
    return _verdict(study, inputs, findings, check.measure_distances(inputs, study, on_roads))


def _is_delivery_read(study: StudyConfig, networks: Mapping[str, Network], unread: Collection[str]) -> bool:
    """Return whether a study asks for deliveries and all that they stand on could be read."""
    if study.delivery is None:
        return False
    needed = {"roads", check.DEMAND, *map(check.facilities_role, study.delivery.services)}
    return needed.isdisjoint(unread) and study.delivery.modes <= networks.keys()


def write_check(verdict: check.Verdict, study: StudyConfig, folder: Path, *, language: Language | None = None) -> None:
    """Write check.json and check.xlsx, with a marked copy of each table that has faulty rows, into a folder, whole.

    Raises
    ------
    OutputError
        The folder cannot be written; what stood there before is untouched.
    """
    from chongming_gis.reports import check_files  # openpyxl is loaded when a workbook is written

    language = language or study.outputs.language
    with results.staged_folder(folder, marker=check_files.JSON) as stage:
        check_files.write_check(verdict, stage, study=study, copies=_copies(verdict, study), language=language)


def _copies(verdict: check.Verdict, study: StudyConfig) -> list[check_files.Copy]:
    """Return the cells of every table that has findings about rows; those that cannot be opened are left out."""
    from chongming_gis.reports import check_files

    marked = {(finding.where, finding.sheet) for finding in verdict.findings if finding.row is not None}
    copies = []
    for where, sheet in sorted(marked):
        path = study.resolve(Path(where))
        if path.suffix.lower() not in {*spreadsheets.TEXT, *spreadsheets.WORKBOOK}:
            continue
        with contextlib.suppress(ChongmingError):  # the findings say why
            copies.append(check_files.Copy(where, sheet, spreadsheets.read_grid(path, sheet=sheet or None).cells))
    return copies


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
    sizes |= {contract.name: len(getattr(inputs, contract.name)) for contract in readings.AREAS}
    files = [
        check.InputFile(role, source.path.as_posix(), source.kind, sizes.get(role))
        for role, source in manifest.named_sources(study)
        if role.partition(":")[0] != "demand" or role == "demand"
    ]
    if study.region.boundary is not None:
        files.insert(0, check.InputFile("region", study.region.boundary.as_posix(), "", None))
    return check.make_verdict(findings, files, distances)


def _by_role(inputs: tables.StudyInputs) -> dict[str, tables.Facilities]:
    return {check.facilities_role(name): table for name, table in inputs.facilities.items()}


def _stop_on_faults(told: list[str], findings: list[Finding]) -> None:
    if told:
        raise StudyError("\n".join(dict.fromkeys(told)), findings)


def _modes(study: StudyConfig) -> list[network.TravelMode]:
    """Return the modes that some standard or measure names, in the order of the study."""
    used = set[str]().union(*(_modes_of(study, service) for service in study.services))
    return network.modes_of_study(study, used)


def _modes_of(study: StudyConfig, service: ServiceConfig) -> set[str]:
    standards = {limit.mode for standard in service.standards for limit in standard.limits}
    delivered = study.delivery.modes if study.delivery and service.id in study.delivery.services else set()
    return standards | study.measures.modes_of(service.id) | delivered


def _snap_all(
    inputs: tables.StudyInputs, study: StudyConfig, networks: Mapping[str, Network], clock: Clock
) -> tuple[reach.Places, dict[str, reach.Places]]:
    """Snap demand and the facilities of every service to every network."""
    demand_at: dict[str, SnappedPoints] = {}
    facilities_at: dict[str, dict[str, SnappedPoints]] = {service.id: {} for service in study.services}
    for name, net in networks.items():
        demand_at[name] = clock.run(
            "snap_demand", name, job_of(network.snap_points, net, inputs.demand.points.geometry)
        )
        users = [s.id for s in study.services if name in _modes_of(study, s) and s.id in inputs.facilities]
        snapped = clock.run("snap_facilities", name, job_of(_snap_facilities, net, inputs, users))
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


def _provision_job(
    study: StudyConfig,
    service: ServiceConfig,
    inputs: tables.StudyInputs,
    networks: Mapping[str, Network],
    demand: reach.Places,
    facilities: Mapping[str, reach.Places],
) -> Callable[[], pd.DataFrame]:
    unit = service.capacity_unit or ""
    return lambda: provision.provision_table(
        provision.measure_provision(
            service,
            need=provision.needs_of(study, service.id, unit, inputs.demand),
            capacity=provision.capacity_of(inputs.facilities[service.id], unit),
            demand=demand,
            facilities=facilities[service.id],
            networks=networks,
            search_limit_s=study.search_limit_s,
        ),
        inputs.demand,
    )


def _coverage_job(access: pd.DataFrame, inputs: tables.StudyInputs, study: StudyConfig) -> Callable[[], pd.DataFrame]:
    return lambda: coverage.measure_coverage(
        access, demand=inputs.demand, study=study, townships=inputs.townships, villages=inputs.villages
    )


def _indicators(
    study: StudyConfig, inputs: tables.StudyInputs, facilities: tables.Facilities, shares: pd.DataFrame
) -> pd.DataFrame:
    counted = indicators.measure_indicators(
        study, facilities=facilities, demand=inputs.demand, townships=inputs.townships, villages=inputs.villages
    )
    return indicators.add_covered(counted, study, shares)


def all_facilities(inputs: tables.StudyInputs) -> tables.Facilities:
    """Return the facilities of every service in one pair of tables, in the order of the study."""
    parts = list(inputs.facilities.values())
    return tables.Facilities(
        places=pd.concat([part.places for part in parts], ignore_index=True),
        capacity=pd.concat([part.capacity for part in parts], ignore_index=True),
    )


def _joined(parts: Iterable[Mapping[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """Return measured tables by name; where a full run adds rows to a daily table they stand below."""
    found: dict[str, list[pd.DataFrame]] = {}
    for part in parts:
        for name, table in part.items():
            found.setdefault(name, []).append(table)
    return {name: same[0] if len(same) == 1 else pd.concat(same, ignore_index=True) for name, same in found.items()}


def drawn_roads(roads: tables.RoadTables) -> gpd.GeoDataFrame:
    """Return roads as maps draw them: simplified, with what decides their look."""
    drawn = roads.edges[_DRAWN_COLUMNS]
    simplified = shapely.simplify(drawn.geometry.to_numpy(), _DRAWN_TOLERANCE_M)
    return drawn.set_geometry(gpd.GeoSeries(simplified, index=drawn.index, crs=roads.crs))


def _versions() -> dict[str, str]:
    found = {name: metadata.version(name) for name in _NAMED_VERSIONS}
    return {"chongming_gis": __version__, "python": platform.python_version(), **found}


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
