"""The verdict on what was read: faults that stop a run, and warnings that the report prints.

Pure: the readers report what they met, this judges how the inputs fit together. A finding says where, what, and what
to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from chongming_gis.findings import SEVERITIES, Finding
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

    from chongming_gis.config import StudyConfig
    from chongming_gis.tables import StudyInputs

_EXAMPLES = 5
_ROADS_MARGIN_M = 5000.0  # without a region, a place this far from all roads is in the wrong coordinates


def judge(inputs: StudyInputs, study: StudyConfig) -> list[Finding]:
    """Return every finding about the inputs of a study, errors first."""
    findings = [*_outside(inputs, study), *_people(inputs, study), *_serving(inputs, study), *_areas(inputs)]
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _study_area(inputs: StudyInputs) -> tuple[BaseGeometry, str]:
    if inputs.region is not None:
        return inputs.region, "outside the region"
    west, south, east, north = inputs.roads.edges.total_bounds
    area = shapely.box(west, south, east, north).buffer(_ROADS_MARGIN_M)
    return area, f"more than {_ROADS_MARGIN_M / 1000:.0f} km outside the roads"


def _outside(inputs: StudyInputs, study: StudyConfig) -> list[Finding]:
    area, words = _study_area(inputs)
    points = [(f"sources.demand ({study.sources.demand.path})", "demand points", "demand_id", inputs.demand.points)]
    for service in study.services:
        where = f"services.{service.id}.facilities ({service.facilities.path})"
        points.append((where, "facilities", "facility_id", inputs.facilities[service.id].places))
    findings = []
    for where, what, key, frame in points:
        lost = frame[~is_inside(frame, area)]
        if len(lost):
            message = f"{len(lost)} of {len(frame)} {what} lie {words}: {_named(lost, key)}"
            advice = "check the datum and the order of lon and lat, or remove them"
            findings.append(Finding("error", where, message, advice, rule="outside_region"))
    return findings


def is_inside(frame: gpd.GeoDataFrame, area: BaseGeometry) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which places of a frame lie in an area, its border included."""
    shapely.prepare(area)
    return np.asarray(shapely.intersects(area, frame.geometry.to_numpy()), dtype=bool)


def _named(frame: gpd.GeoDataFrame, key: str) -> str:
    shown = ", ".join(frame[key].head(_EXAMPLES))
    return f"{shown} ..." if len(frame) > _EXAMPLES else shown


def _people(inputs: StudyInputs, study: StudyConfig) -> list[Finding]:
    persons = inputs.demand.persons
    return [
        Finding(
            "error",
            f"services.{service.id}",
            f"nobody of group {service.group!r} (base {service.base!r}) lives anywhere; check groups.columns",
        )
        for service in study.services
        if not persons[persons_column(service.base, service.group)].sum() > 0
    ]


def _serving(inputs: StudyInputs, study: StudyConfig) -> list[Finding]:
    findings = []
    for service in study.services:
        places = inputs.facilities[service.id].places
        for level in ("township", "village"):
            lost = places[(places["serves"] == level) & places[f"{level}_code"].isna()]
            if len(lost):
                findings.append(
                    Finding(
                        "warning",
                        f"services.{service.id}.facilities ({service.facilities.path})",
                        f"{len(lost)} facilities serve one {level} but have no {level}_code, so nobody may use them: "
                        f"{_named(lost, 'facility_id')}",
                    )
                )
    return findings


def _areas(inputs: StudyInputs) -> list[Finding]:
    points = inputs.demand.points
    lost = points[points["township_code"].isna()]
    if len(lost) == 0 or len(inputs.townships) == 0:
        return []
    message = f"{len(lost)} of {len(points)} demand points lie in no township: {_named(lost, 'demand_id')}; they count "
    return [Finding("warning", "sources.townships", f"{message}for the district only")]
