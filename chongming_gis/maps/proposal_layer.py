"""Proposed sites on a service's map: where they would stand and why, and who is within the standard once they do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from chongming_gis import discretion, wording
from chongming_gis.maps import shares, views
from chongming_gis.maps.base import lon_lat
from chongming_gis.maps.packing import pack_coordinates
from chongming_gis.maps.page import Data
from chongming_gis.maps.shares import Figures
from chongming_gis.tables import persons_column, rows_where

if TYPE_CHECKING:
    import geopandas as gpd

    from chongming_gis.config import ServiceConfig
    from chongming_gis.maps.times import Times
    from chongming_gis.maps.views import Material
    from chongming_gis.phasemodel import PhasesConfig
    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words


def proposals_of(result: StudyResult, service: ServiceConfig) -> list[ProposalConfig]:
    """Return the proposals of a service that would build something."""
    sites = result.measured.get("sites")
    built = set() if sites is None else set(sites["proposal"])
    return [of for of in result.study.proposals if of.service == service.id and of.id in built]


def sites_of(result: StudyResult, proposal: ProposalConfig) -> gpd.GeoDataFrame:
    """Return the sites of a proposal, the best first."""
    sites = result.measured["sites"]
    return rows_where(cast("gpd.GeoDataFrame", sites), "proposal", proposal.id)


def site_names(result: StudyResult, sites: pd.DataFrame, words: Words) -> list[str]:
    """Return the names of sites; a junction or a point of a grid is named after its village, else its township."""
    villages = result.villages.set_index("village_code")["name_zh"]
    towns = result.townships.set_index("township_code")["name_zh"]
    names = []
    for site in sites.to_dict("records"):
        place = villages.get(site["village_code"]) or towns.get(site["township_code"])
        kind = words.or_raw("candidate_kind", str(site["kind"]))
        near = words("proposals.near", place=place, kind=kind) if place else str(site["place_id"])
        names.append(near if pd.isna(site["name_zh"]) else str(site["name_zh"]))
    return names


def sites_data(material: Material, proposal: ProposalConfig) -> Data:
    """Return the sites of a proposal with what their cards say."""
    result, words = material.result, material.words
    sites = sites_of(result, proposal)
    content = {
        "title": words.heading(words.name(proposal)),
        "xy": pack_coordinates(lon_lat(sites)),
        "names": site_names(result, sites, words),
        "ranks": sites["rank"].tolist(),
        "label": words("map.proposed_site"),
        "rows": [_card(material, proposal, site) for site in sites.to_dict("records")],
    }
    return Data.of(f"sites-{proposal.id}", content)


def _card(material: Material, proposal: ProposalConfig, site: dict[Any, Any]) -> list[tuple[str, str]]:
    words, study = material.words, material.result.study
    service = study.service(proposal.service)
    costs = {cost.id: cost for cost in study.costs}
    told = {
        name: discretion.persons(study, service.group, float(site[name]))
        for name in ("newly_covered", "lost_without", "backup_gained")
    }
    rows = [
        (words("col.rank"), str(site["rank"])),
        (
            words.group(study, service.group, service.base),
            words("map.newly", persons=told["newly_covered"]),
        ),
        (words("col.lost_without"), told["lost_without"]),
        (words("col.backup_gained"), told["backup_gained"]),
    ]
    if not pd.isna(site["minutes_saved"]):
        rows.append((words("col.minutes_saved"), f"{site['minutes_saved']:.1f}"))
    if site["meets_duty"]:
        rows.append((words("map.duty"), words("yes")))
    if not pd.isna(site["cost"]) and proposal.cost in costs:
        cost = costs[proposal.cost]
        rows.append(
            (
                words("map.cost", currency=words.or_raw("currency", cost.currency), year=cost.year),
                f"{site['cost']:,.0f}",
            )
        )
    if not pd.isna(site["stand_in_id"]):
        other = site["stand_in_id"] if pd.isna(site["stand_in_name"]) else site["stand_in_name"]
        rows.append((words("map.stand_in"), str(other)))
    return rows


def after_view(material: Material, proposal: ProposalConfig) -> tuple[Data, Data] | None:
    """Return the view of the headline question once the sites stand, and the names of what people then go to.

    None where the proposal counts only some kinds of the service, or another standard than the headline: the map's
    figures are about all of the service under the headline.
    """
    result, words = material.result, material.words
    service = result.study.service(proposal.service)
    question = shares.headline(service)
    if proposal.kinds or proposal.standard not in {None, question.standard.id}:
        return None
    sites = sites_of(result, proposal)
    before = material.access.times(question, material.places(service)["facility_id"])
    after = _after(material, proposal, before, sites)
    whole, areas = _figures(material, service, after)
    content = {
        **views.heading(material, question, whole),
        "areas": [areas.get(code) for code in material.base.township_codes],
        **views.times_content(material, after),
    }
    names = [*material.places(service)["name_zh"].astype(str), *site_names(result, sites, words)]
    return Data.of(f"view-after-{proposal.id}", content), Data.of(f"names-after-{proposal.id}", {"names": names})


def _after(material: Material, proposal: ProposalConfig, before: Times, sites: gpd.GeoDataFrame) -> Times:
    changed = material.result.measured["plan_access"]
    changed = rows_where(changed, "proposal", proposal.id)
    rows = pd.Index(material.result.demand.points["demand_id"]).get_indexer(pd.Index(changed["demand_id"]))
    n_old = len(material.places(material.result.study.service(proposal.service)))
    at_site = pd.Index(sites["place_id"]).get_indexer(pd.Index(changed["place_id"]))
    time_s, covered = before.time_s.copy(), before.covered.copy()
    within, facility = before.within.copy(), before.facility.copy()
    time_s[rows], covered[rows], facility[rows] = changed["time_s"].to_numpy(), True, n_old + at_site
    within[rows] += 1
    return replace(before, time_s=time_s, covered=covered, within=within, facility=facility)


def _figures(material: Material, service: ServiceConfig, times: Times) -> tuple[Figures, dict[str, dict[str, Any]]]:
    """Return the figures of the whole study and, for the cards and colours of townships, of each of them."""
    demand = material.result.demand
    persons = demand.persons[persons_column(service.base, service.group)].to_numpy(float)
    codes, names = pd.factorize(demand.points["township_code"])
    inside = codes >= 0
    unreached = ~np.isfinite(times.time_s) & ~times.covered
    parts = [persons, persons * times.covered, persons * unreached]
    sums = [np.bincount(codes[inside], weights=part[inside], minlength=len(names)) for part in parts]
    areas = {}
    for code, *row in zip(names, *sums, strict=True):
        found = _of(*row)
        value = None if np.isnan(found.share) else round(found.share, 6)
        areas[str(code)] = {**shares.in_words(found), "value": value}
    return _of(*(float(part.sum()) for part in parts)), areas


def _of(persons: float, covered: float, unreached: float) -> Figures:
    return Figures(
        float(persons), float(covered), float(covered / persons) if persons > 0.0 else np.nan, float(unreached)
    )


def swipe_view(material: Material, proposal: ProposalConfig, after: Data) -> Data:
    """Return what the title says while the map shows the service before and after a proposal, side by side."""
    result, words = material.result, material.words
    service = result.study.service(proposal.service)
    question = shares.headline(service)
    before = material.access.times(question, material.places(service)["facility_id"])
    was, _ = _figures(material, service, before)
    now, _ = _figures(material, service, _after(material, proposal, before, sites_of(result, proposal)))
    content = views.heading(material, question, now)
    if content["figure"]:
        content["figure"] = {
            "share": f"{wording.share(was.share)} → {wording.share(now.share)}",
            "text": words(
                "map.swipe.figure", more=wording.persons(now.covered - was.covered), after=words.name(proposal)
            ),
        }
    return Data.of(f"{after.key}-swipe", {**content, "areas": []})


def phases_data(material: Material, phases: PhasesConfig) -> Data | None:
    """Return the sites of a phased proposal with the year each is built in, and what every year reaches."""
    result, words = material.result, material.words
    years = result.measured["phases"]
    years = years[years["phases"] == phases.id].sort_values("year", kind="stable")
    sites = result.measured["phase_sites"]
    sites = sites[sites["phases"] == phases.id].sort_values(["year", "place_id"], kind="stable")
    if years.empty or sites.empty:
        return None
    group = result.study.service(str(sites["service"].iloc[0])).group
    numbers = years["year"].tolist()
    content = {
        "title": words.heading(words.name(phases)),
        "label": words("map.phases.site"),
        "xy": pack_coordinates(lon_lat(sites)),
        "names": site_names(result, sites, words),
        "marks": [f"{year % 100:02d}" for year in sites["year"]],
        "of": [numbers.index(year) for year in sites["year"]],
        "rows": [
            [
                (words("col.year_built"), str(site["year"])),
                (words("col.newly_covered"), discretion.persons(result.study, group, float(site["added"]))),
            ]
            for site in sites.to_dict("records")
        ],
        "years": [
            {
                "year": int(row["year"]),
                "text": words(
                    "map.phases.year",
                    year=row["year"],
                    n=f"{n:,}",
                    covered=wording.persons(row["covered"]),
                    share=wording.share(row["covered"] / row["persons"] if row["persons"] > 0 else None),
                ),
            }
            for row, n in zip(years.to_dict("records"), years["n_new"].cumsum().tolist(), strict=True)
        ],
    }
    return Data.of(f"phases-{phases.id}", content)
