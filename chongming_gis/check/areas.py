"""How areas fit roads and people: townships without any, roads beyond all townships, a region mostly empty."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import shapely

from chongming_gis.check.material import DEMAND, facilities_role, input_of, percent

if TYPE_CHECKING:
    import geopandas as gpd

    from chongming_gis.check.material import Input, PlaceTable
    from chongming_gis.config import Provenance, StudyConfig
    from chongming_gis.findings import Finding
    from chongming_gis.tables import StudyInputs

_MUCH_OUTSIDE = 0.5  # planning assumption: with more road length than this outside, boundaries and roads hardly fit
_LITTLE_OF_REGION = 0.1  # planning assumption: people on less than this share of the region are of a smaller area
_FEWEST_TO_SPAN = 10  # places: fewer say little of the area they are of
_OLD_YEARS = 3  # planning assumption: lists that are older than this against the data date may have changed


def judge_areas(inputs: StudyInputs, study: StudyConfig, *, unread: frozenset[str]) -> list[Finding]:
    """Return how the townships fit the roads and the people, and the region the people."""
    found: list[Finding] = []
    source = input_of("townships", study.sources.townships)
    if len(inputs.townships) and "roads" not in unread:
        found += _roads_and_townships(inputs, source, input_of("roads", study.sources.roads))
    if DEMAND not in unread:
        if len(inputs.townships):
            found += _townships_without_people(inputs, source)
        found += _region_and_people(inputs, study)
    return found


def _roads_and_townships(inputs: StudyInputs, townships: Input, roads: Input) -> list[Finding]:
    edges = inputs.roads.edges
    on_land = edges[edges["highway"].notna()]
    lines = on_land.geometry.to_numpy()
    shapes = inputs.townships.geometry.to_numpy()
    middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    area, which = shapely.STRtree(middles).query(shapes, predicate="intersects")
    has_road = np.zeros(len(shapes), dtype=bool)
    has_road[area] = True
    if not has_road.all():  # a road may pass with its middle elsewhere
        missing = np.flatnonzero(~has_road)
        crossed, _ = shapely.STRtree(lines).query(shapes[missing], predicate="intersects")
        has_road[missing[crossed]] = True
    found = _named(inputs.townships[~has_road], townships, "there is no road in {names}", rule="township_without_road")
    inside = np.zeros(len(lines), dtype=bool)
    inside[which] = True
    length_m = on_land["length_m"].to_numpy(float)
    outside = float(length_m[~inside].sum() / length_m.sum()) if length_m.sum() > 0 else 0.0
    if outside > _MUCH_OUTSIDE:
        said = "{share} % of the roads' length lies outside all townships"
        details = {"share": percent(outside)}
        advice = "check that roads and boundaries are of one region, or set clip_margin_m"
        found.append(
            roads.finding(said, rule="roads_outside_townships", severity="note", suggestion=advice, details=details)
        )
    return found


def _townships_without_people(inputs: StudyInputs, source: Input) -> list[Finding]:
    peopled = inputs.demand.points["township_code"][inputs.demand.persons.sum(axis=1).to_numpy() > 0]
    empty = inputs.townships[~inputs.townships["township_code"].isin(peopled)]
    return _named(empty, source, "nobody lives in {names}", rule="township_without_people")


def _named(townships: gpd.GeoDataFrame, source: Input, message: str, *, rule: str) -> list[Finding]:
    """Return one finding a township."""
    return [
        source.finding(message, rule=rule, suggestion="check the file for gaps", details={"names": f"{name} ({code})"})
        for name, code in zip(townships["name_zh"], townships["township_code"], strict=True)
    ]


def _region_and_people(inputs: StudyInputs, study: StudyConfig) -> list[Finding]:
    region, points = inputs.region, inputs.demand.points
    if region is None or len(points) < _FEWEST_TO_SPAN:
        return []
    spanned = shapely.convex_hull(shapely.multipoints(points.geometry.to_numpy()))
    share = float(shapely.area(shapely.intersection(spanned, region)) / region.area)
    if share >= _LITTLE_OF_REGION:
        return []
    path = study.region.boundary
    source = input_of("demand", study.sources.demand)
    details = {"share": percent(share), "region": "" if path is None else path.as_posix()}
    said = "all people live on {share} % of the region ({region})"
    advice = "check that both are of one area"
    return [source.finding(said, rule="region_mostly_empty", suggestion=advice, details=details)]


def judge_serving(table: PlaceTable) -> list[Finding]:
    """Return the facilities that serve an area which they do not name."""
    found = []
    for level in ("township", "village"):
        lost = (table.frame["serves"] == level) & table.frame[f"{level}_code"].isna()
        found += table.findings(
            lost,
            f"serves one {level} but has no {level}_code, so nobody may use it",
            rule=f"serves_no_{level}",
            column="serves",
            suggestion=f"give its {level}_code, or serves = all",
        )
    return found


def judge_dates(study: StudyConfig) -> list[Finding]:
    """Return the inputs that are much older than the study's data date."""
    named: list[tuple[str, Provenance | None]] = [
        ("roads", study.sources.roads),
        (DEMAND, study.sources.demand),
        *((facilities_role(service.id), service.facilities) for service in study.services),
    ]
    found = []
    for role, source in named:
        year = _year(source.date) if source is not None else None
        if year is None:
            continue
        age = study.data_date.year - year
        if age > _OLD_YEARS:
            said = "is of {year}, {years} years before the study's data date"
            details = {"year": str(year), "years": str(age)}
            found.append(input_of(role, source).finding(said, rule="source_old", severity="note", details=details))
    return found


def _year(date: str) -> int | None:
    match = re.search(r"(?<!\d)(19|20)\d\d(?!\d)", date)
    return int(match[0]) if match else None
