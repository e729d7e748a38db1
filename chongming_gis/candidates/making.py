"""Candidates of a service by their contract: places, what is known of them, and which rule refuses which."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from chongming_gis import tables
from chongming_gis.candidates import attributes, exclusion, ground, places
from chongming_gis.errors import StudyError, TableError
from chongming_gis.findings import Finding
from chongming_gis.sources.surroundings import DRY_LAND

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.candidates.exclusion import Ruling
    from chongming_gis.candidates.ground import Ground
    from chongming_gis.candidates.places import Found
    from chongming_gis.config import StudyConfig
    from chongming_gis.network import Network
    from chongming_gis.planning import SitingRuleConfig
    from chongming_gis.sitingmodel import CandidatesConfig
    from chongming_gis.tables import StudyInputs

    Floats = npt.NDArray[np.float64]

#: What refuses a place whatever rules a study has, beside the ids of its own rules.
OUTSIDE, NO_TOWNSHIP, OFF_LAND = "outside_district", "in_no_township", "off_land"
HAS_SERVICE, TOWNSHIP_SERVED = "service_is_there", "township_has_service"


def make_candidates(
    study: StudyConfig,
    inputs: StudyInputs,
    service: str,
    *,
    read: Ground | None = None,
    networks: Mapping[str, Network] | None = None,
) -> gpd.GeoDataFrame:
    """Return where a service could be built, the refused places with every rule that refuses them.

    Parameters
    ----------
    service : the id of a service that a section ``[[candidates]]`` names.
    read : the layers of the study, where they have been read for another service already.
    networks : by mode; needed where people near are counted by minutes of a mode.

    Returns
    -------
    GeoDataFrame
        Satisfies ``tables.CANDIDATES``, with a column more for each layer of ``measure_to``; own list first, then
        sites, features, villages, nodes, grid. ``attrs["report"]`` counts places by kind and rule, says which rules
        could not be judged and why, and has these as ``findings`` too. No candidate at all is an answer: no rows and a
        finding.

    Raises
    ------
    StudyError
        The study has no such service or no candidates for it, or files of its layers cannot be read.
    TableError
        The own list has faults, or lies outside the district as a whole: its datum is another one.
    """
    section = _section_of(study, service)
    read = ground.read_ground(study, inputs) if read is None else read
    found = _described(section, study, inputs, read)
    told = [*found.findings, *_not_found(section, read, service)]
    frame = found.frame.assign(service=pd.Series([service] * len(found.frame), dtype="str"))
    near, more = _persons_near(section, study, service, frame, inputs, networks)
    frame = frame.assign(persons_near=near)
    general = _general_rulings(section, service, frame, inputs)
    rulings = [*general, *exclusion.judge(frame, _rules_of(study, service), read)]
    frame = exclusion.with_rulings(frame, rulings)
    told += [*more, *_own_outside(found, general, study, section), *_said(rulings, frame, service)]
    frame = frame[[*tables.CANDIDATES.columns, *_more_columns(frame), "geometry"]]
    tables.validate(frame, tables.CANDIDATES, where=f"candidates of {service}")
    frame.attrs["report"] = _report(study, service, frame, found, rulings, read) | {
        "near": section.near.model_dump(exclude_none=True),
        "findings": told,
    }
    return frame


def survey_ground(
    study: StudyConfig, inputs: StudyInputs, service: str, *, every_m: float, read: Ground | None = None
) -> pd.DataFrame:
    """Return for each township whether any ground is allowed to a burial service, on a grid of any fineness.

    Parameters
    ----------
    service : the id of a service that a section ``[[candidates]]`` names; only its rules are asked.
    every_m : the spacing of the grid in metres. A patch of allowed ground as wide as this is found; smaller ones may
        not be.
    read : the layers of the study, where they have been read already.

    Returns
    -------
    DataFrame
        Satisfies ``tables.GROUND_CHOICE``, see ``choose_ground``; ``n_allowed`` x ``every_m``² is about the area.

    Raises
    ------
    StudyError
        The study has no such service or no candidates for it, nothing bounds the grid, or it is too fine.
    """
    section = _section_of(study, service)
    read = ground.read_ground(study, inputs) if read is None else read
    frame = places.grid_places(every_m, inputs)
    codes = attributes.area_codes(frame.geometry.to_numpy(), inputs.townships, "township_code")
    frame = frame.assign(service=pd.Series([service] * len(frame), dtype="str"), township_code=codes)
    general = _general_rulings(section, service, frame, inputs)
    frame = exclusion.with_rulings(frame, [*general, *exclusion.judge(frame, _rules_of(study, service), read)])
    return exclusion.choose_ground(frame, inputs.townships)


def _rules_of(study: StudyConfig, service: str) -> list[SitingRuleConfig]:
    return [rule for rule in study.siting_rules if rule.service == service]


def _described(section: CandidatesConfig, study: StudyConfig, inputs: StudyInputs, read: Ground) -> Found:
    """Return the places of a section with what is known of each; the services of a section share them."""
    key = study.candidates.index(section)
    if key not in read.described:
        found = places.find_places(section, study, inputs, read)
        points = found.frame.geometry.to_numpy()
        frame = found.frame.assign(
            township_code=_filled(found.frame["township_code"], points, inputs.townships, "township_code"),
            village_code=_filled(found.frame["village_code"], points, inputs.villages, "village_code"),
            **_attributes(section, points, inputs, read),
        )
        read.described[key] = replace(found, frame=frame)
    described: Found = read.described[key]
    return described


def _section_of(study: StudyConfig, service: str) -> CandidatesConfig:
    study.service(service)
    for section in study.candidates:
        if service in section.services:
            return section
    raise StudyError(f"the study has no candidates for {service!r}; add the service to a section [[candidates]]")


def _more_columns(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame.columns if name not in tables.CANDIDATES.columns and name != "geometry"]


def _filled(stated: pd.Series, points: npt.NDArray[np.object_], areas: gpd.GeoDataFrame, column: str) -> pd.Series:
    """Return the codes that places state, else those of the area they lie in; villages may be points."""
    areal = areas[shapely.get_dimensions(areas.geometry.to_numpy()) == 2]
    return stated.where(stated.notna(), attributes.area_codes(points, areal, column)).astype("str")


def _attributes(
    section: CandidatesConfig, points: npt.NDArray[np.object_], inputs: StudyInputs, read: Ground
) -> dict[str, pd.Series | Floats]:
    road_class, road_m = attributes.nearest_roads(points, inputs.roads)
    columns: dict[str, pd.Series | Floats] = {
        "land_kind": attributes.land_kinds(points, inputs.land),
        "road_class": road_class,
        "road_m": road_m,
    }
    return columns | dict(attributes.measure_to(points, name, read) for name in section.measure_to)


def _persons_near(
    section: CandidatesConfig,
    study: StudyConfig,
    service: str,
    frame: gpd.GeoDataFrame,
    inputs: StudyInputs,
    networks: Mapping[str, Network] | None,
) -> tuple[Floats, list[Finding]]:
    """Return the people of the service's group near each place; NaN and a note where the network is not given."""
    config = study.service(service)
    column = tables.persons_column(config.base, config.group)
    persons = inputs.demand.persons[column].to_numpy(dtype=float)
    homes, near = inputs.demand.points.geometry, section.near
    if near.metres is not None:
        points = frame.geometry.to_numpy()
        return attributes.persons_around(points, homes.to_numpy(), persons, metres=near.metres), []
    network = None if networks is None or near.mode is None else networks.get(near.mode)
    if network is None or near.limit_s is None:
        words = f"people near are counted by {near.mode}, whose network was not given: they are not counted"
        details = {"mode": str(near.mode)}
        told = Finding("note", _where(service), words, rule="candidates_near_unknown", details=details)
        return np.full(len(frame), np.nan), [told]
    if frame.empty:
        return np.empty(0), []
    return attributes.persons_on_network(frame.geometry, homes, persons, network=network, limit_s=near.limit_s), []


def _general_rulings(
    section: CandidatesConfig, service: str, frame: gpd.GeoDataFrame, inputs: StudyInputs
) -> list[Ruling]:
    """Return what refuses a place whatever the rules: it is no ground of the district, or the service stands there."""
    points, nowhere = frame.geometry.to_numpy(), np.zeros(len(frame), dtype=bool)
    rulings = []
    if inputs.region is not None:
        shapely.prepare(inputs.region)
        outside = ~shapely.intersects(inputs.region, points)
        rulings.append(exclusion.Ruling(OUTSIDE, "region.boundary", outside, nowhere))
    if not inputs.townships.empty:
        in_none = attributes.area_codes(points, inputs.townships, "township_code").isna().to_numpy(bool)
        rulings.append(exclusion.Ruling(NO_TOWNSHIP, "sources.townships", in_none, nowhere))
    shapes = inputs.land.geometry.to_numpy()
    dry = shapes[(shapely.get_dimensions(shapes) == 2) & inputs.land["kind"].isin(DRY_LAND).to_numpy(bool)]
    if len(dry):
        on_land = np.zeros(len(frame), dtype=bool)
        on_land[shapely.STRtree(points).query(dry, predicate="intersects")[1]] = True
        rulings.append(exclusion.Ruling(OFF_LAND, "sources.land", ~on_land, nowhere))
    if service in inputs.facilities:
        there = inputs.facilities[service].places
        sites = there["site_id"].where(there["site_id"].notna(), there["facility_id"])
        has = frame["candidate_id"].isin(places.SITE_PREFIX + sites) | frame["site_id"].isin(there["site_id"].dropna())
        rulings.append(exclusion.Ruling(HAS_SERVICE, f"services.{service}", has.to_numpy(bool), nowhere))
        if section.only_townships_without:
            served = frame["township_code"].isin(there["township_code"].dropna()).to_numpy(bool)
            rulings.append(exclusion.Ruling(TOWNSHIP_SERVED, section.source, served, nowhere))
    return rulings


def _own_outside(found: Found, general: list[Ruling], study: StudyConfig, section: CandidatesConfig) -> list[Finding]:
    """Return a warning for each place of the own list that is no ground of the district.

    Raises
    ------
    TableError
        All of them are.
    """
    own = (found.frame["kind"] == "own").to_numpy(bool)
    if section.own is None or not own.any():
        return []
    outside = np.zeros(len(own), dtype=bool)
    for ruling in general:
        if ruling.rule in {OUTSIDE, NO_TOWNSHIP}:
            outside |= ruling.broken
    path = section.own.path.as_posix()
    advice = "check its datum and the order of its coordinates, or remove it"
    told = [
        Finding(
            "warning",
            path,
            f"{id_} lies outside the district and is refused",
            advice,
            rule="candidate_outside",
            row=found.row_of.get(id_),
            value=id_.removeprefix("own:"),
        )
        for id_ in found.frame["candidate_id"][own & outside]
    ]
    if outside[own].all():
        raise TableError(
            f"{study.resolve(section.own.path)}: all {int(own.sum())} sites lie outside the district; "
            "check the datum of the list and the order of its coordinates",
            told,
        )
    return told


def _not_found(section: CandidatesConfig, read: Ground, service: str) -> list[Finding]:
    """Return a warning for each layer whose features or distances are asked for and that is not there."""
    told = []
    for name in dict.fromkeys([*section.features_of, *section.measure_to]):
        if name in read.absent:
            reason = read.absent[name]
            words, details = f"{name} is not measured: {reason}", {"layer": name, "reason": reason}
            told.append(Finding("warning", _where(service), words, rule="candidates_layer_absent", details=details))
    return told


def _said(rulings: list[Ruling], frame: gpd.GeoDataFrame, service: str) -> list[Finding]:
    """Return what readers of the candidates must know: what was not judged, and that nothing is left."""
    told, where = [], _where(service)
    for ruling in rulings:
        details = {"rule": ruling.rule, "reason": ruling.why, "count": str(int(ruling.unjudged.sum()))}
        if not ruling.is_judged:
            words = f"the rule {ruling.rule} could not be judged and refuses nothing: {ruling.why}"
            advice = "give the layer in [[layers]], and look at the sites by hand until then"
            told.append(Finding("warning", where, words, advice, rule="candidates_rule_unjudged", details=details))
        elif ruling.unjudged.any():
            count = details["count"]
            words = f"the rule {ruling.rule} could not be judged at {count} places: the grid has no data there"
            told.append(Finding("warning", where, words, rule="candidates_rule_gaps", details=details))
    if frame.empty:
        words, advice = "there is no place to look at", "name more kinds of places in [[candidates]]"
        told.append(Finding("warning", where, words, advice, rule="candidates_none"))
    elif not frame["allowed"].any():
        most = exclusion.refusals(frame)["rule"].iloc[0]
        words = f"all {len(frame)} places are refused, most of them by {most}"
        details = {"count": str(len(frame)), "rule": most}
        told.append(Finding("warning", where, words, rule="candidates_all_refused", details=details))
    return told


def _where(service: str) -> str:
    return f"candidates.{service}"


def _report(
    study: StudyConfig,
    service: str,
    frame: gpd.GeoDataFrame,
    found: Found,
    rulings: list[Ruling],
    read: Ground,
) -> dict[str, Any]:
    of_study = {rule.id: rule for rule in _rules_of(study, service)}
    rules = []
    for ruling in rulings:
        rule = of_study.get(ruling.rule)
        layer = None if rule is None else read.layers.get(rule.layer)
        entry = {
            "rule": ruling.rule,
            "source": ruling.source,
            "date": "" if rule is None else rule.date,
            "judged_by": "" if layer is None else layer.origin,
            "data_kind": "" if layer is None else layer.data_kind,
            "refused": int(ruling.broken.sum()),
            "unjudged": int(ruling.unjudged.sum()),
            "why_unjudged": ruling.why,
        }
        rules.append(entry)
    at = frame.groupby("kind")["allowed"]
    by_kind = zip(at.size().items(), at.sum(), strict=True)
    return {
        "service": service,
        "candidates": len(frame),
        "allowed": int(frame["allowed"].sum()),
        "by_kind": {str(kind): {"places": int(n), "allowed": int(allowed)} for (kind, n), allowed in by_kind},
        "left_out": dict(found.left_out),
        "rules": rules,
    }
