"""From a study to its result: read, check, compile, snap, measure. The only module that joins the parts.

``run_study`` computes and returns a ``StudyResult``; ``write_result`` turns one into a folder of tables, maps and a
report. Both say what they are doing through a ``Progress``.
"""

from __future__ import annotations

import hashlib
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

from chongming_gis import __version__, check, coverage, crs, indicators, maps, network, reports, results, sources, tables
from chongming_gis.errors import ChongmingError, StudyError
from chongming_gis.findings import Finding
from chongming_gis.results import StudyResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyproj import CRS
    from shapely.geometry import MultiPolygon, Polygon

    from chongming_gis.config import AreaSource, FacilitySource, Language, ServiceConfig, StudyConfig
    from chongming_gis.network import Network, SnappedPoints

    Area: TypeAlias = Polygon | MultiPolygon

Value = TypeVar("Value")

_WGS84 = crs.parse(crs.GEOGRAPHIC, where="this package")
_DRAWN_TOLERANCE_M = 5.0  # roads are simplified this far for drawing: half a line's width at zoom 15
_DRAWN_COLUMNS = ["highway", "route", "name", "bridge", "tunnel", "geometry"]
_AREAS = (tables.TOWNSHIPS, tables.VILLAGES, tables.LAND)  # named as the study's sources and the inputs name them
_MOST_NAMED = 20
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
    findings = check.judge(inputs, study)
    errors = [finding for finding in findings if finding.severity == "error"]
    _stop_on_faults([str(finding) for finding in errors], errors)
    notices = [str(finding) for finding in findings]
    networks = {m.name: clock.run("compile", m.name, _job(network.compile_network, inputs.roads, m)) for m in modes}
    demand, facilities = _snap_all(inputs, study, networks, clock)
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
            "inputs": _input_files(study, inputs),
            "counts": _counts(inputs),
            "network": [net.report() for net in networks.values()],
            "snapping": _snapping_report(demand, facilities),
            "notices": notices,
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
    clock = clock or _Clock(silent, of=_n_readings(study))
    faults: list[Finding] = []
    told: list[str] = []

    def attempt(stage: str, path: Path, job: Callable[[], Value]) -> Value | None:
        try:
            return clock.run(stage, path.name, job)
        except ChongmingError as error:
            faults.extend(error.findings or [Finding("error", "", str(error))])
            told.append(str(error))
            return None

    region_path = study.region.boundary
    area = None
    if region_path is not None:
        area = attempt("region", region_path, lambda: sources.read_region(study.resolve(region_path), _WGS84))
    roads = attempt("roads", study.sources.roads.path, lambda: _read_roads(study, area))
    # without roads the others are read all the same, so that every fault is found
    metric = crs.parse_metric(study.crs or "EPSG:32651", where="crs") if roads is None else roads.crs
    region = None if area is None else _moved(area, _WGS84, metric)
    areas = {contract.name: tables.no_rows(contract, metric) for contract in _AREAS}
    for contract in _AREAS:
        source = getattr(study.sources, contract.name)
        read = attempt(contract.name, source.path, _area_job(study, source, contract, metric)) if source else None
        if read is not None:
            areas[contract.name] = read
    demand = attempt("demand", study.sources.demand.path, lambda: _read_demand(study, metric, region))
    facilities = {
        service.id: attempt("facilities", service.facilities.path, _facility_job(study, service, metric, region))
        for service in study.services
    }
    _stop_on_faults(told, faults)
    townships, villages, land = (areas[contract.name] for contract in _AREAS)
    assert roads is not None  # noqa: S101  # tells the type checker what _stop_on_faults made sure of
    assert demand is not None  # noqa: S101
    return tables.StudyInputs(
        roads=roads,
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
    )


def _read_demand(study: StudyConfig, metric: CRS, region: Area | None) -> tables.Demand:
    source = study.sources.demand
    demand = sources.read_demand(source, path=study.resolve(source.path), study=study, crs=metric)
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


def _facility_job(
    study: StudyConfig, service: ServiceConfig, metric: CRS, region: Area | None
) -> Callable[[], tables.Facilities]:
    source: FacilitySource = service.facilities

    def read() -> tables.Facilities:
        found = sources.read_facilities(
            source,
            path=study.resolve(source.path),
            service_id=service.id,
            capacity_unit=service.capacity_unit,
            crs=metric,
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
    """Fill missing township and village codes with the area a point lies in (of several, the first by code)."""
    filled = {}
    for column, areas in (("township_code", townships), ("village_code", villages)):
        missing = points[column].isna().to_numpy()
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
) -> tuple[coverage.Places, dict[str, coverage.Places]]:
    """Snap demand and the facilities of every service to every network."""
    demand_at: dict[str, SnappedPoints] = {}
    facilities_at: dict[str, dict[str, SnappedPoints]] = {service.id: {} for service in study.services}
    for name, net in networks.items():
        demand_at[name] = clock.run("snap_demand", name, _job(network.snap_points, net, inputs.demand.points.geometry))
        users = [service.id for service in study.services if name in _modes_of(service)]
        snapped = clock.run("snap_facilities", name, _job(_snap_facilities, net, inputs, users))
        for service_id, points in snapped.items():
            facilities_at[service_id][name] = points
    places = {name: coverage.Places(inputs.facilities[name].places, at) for name, at in facilities_at.items()}
    return coverage.Places(inputs.demand.points, demand_at), places


def _snap_facilities(net: Network, inputs: tables.StudyInputs, services: list[str]) -> dict[str, SnappedPoints]:
    """Snap the facilities of some services, all in one call: the grid of road segments is built once a call."""
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
    demand: coverage.Places,
    facilities: coverage.Places,
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
    named = [("roads", areas.roads), ("demand", areas.demand), ("townships", areas.townships)]
    named += [("villages", areas.villages), ("land", areas.land)]
    named += [(f"facilities:{service.id}", service.facilities) for service in study.services]
    return [(role, source) for role, source in named if source is not None]


def _provenance(study: StudyConfig) -> list[dict[str, Any]]:
    keys = ("kind", "source", "licence", "date", "position_quality_m")
    return [
        {"role": role, "path": source.path.as_posix(), **{key: getattr(source, key) for key in keys}}
        for role, source in _named_sources(study)
    ]


def _input_files(study: StudyConfig, inputs: tables.StudyInputs) -> list[dict[str, Any]]:
    reports_of: dict[str, Mapping[str, Any]] = {"roads": inputs.roads.report, "demand": inputs.demand.report}
    areas = {"townships": inputs.townships, "villages": inputs.villages, "land": inputs.land}
    reports_of |= {name: area.attrs.get("report", {}) for name, area in areas.items()}
    reports_of |= {f"facilities:{name}": table.report for name, table in inputs.facilities.items()}
    files = [(role, source.path) for role, source in _named_sources(study)]
    if study.region.boundary is not None:
        files.append(("region", study.region.boundary))
    digests: dict[Path, str] = {}
    for _, path in files:
        if path not in digests:
            digests[path] = hashlib.sha256(study.resolve(path).read_bytes()).hexdigest()
    return [
        {"role": role, "path": path.as_posix(), "sha256": digests[path], **_shortened(reports_of.get(role, {}))}
        for role, path in files
    ]


def _shortened(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reader's report with long lists of names cut to the first few; their number stands beside them."""
    return {key: value[:_MOST_NAMED] if isinstance(value, list) else value for key, value in report.items()}


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


def _snapping_report(demand: coverage.Places, facilities: Mapping[str, coverage.Places]) -> list[dict[str, Any]]:
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
