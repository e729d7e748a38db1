"""The sheets of report.xlsx on what measures found: gaps, areas, links, burial, visits, proposals, fairness."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis import discretion, wording
from chongming_gis.maps.proposal_layer import site_names
from chongming_gis.reports.blocks import Bullets
from chongming_gis.reports.workbook_columns import (
    Column,
    area_columns,
    cell_value,
    column,
    large_areas,
    make_sheet,
    measured_table,
    mode_names,
    people,
    service_names,
    township_names,
    village_names,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chongming_gis.config import GroupConfig
    from chongming_gis.reports.content import Report
    from chongming_gis.reports.figures import Told
    from chongming_gis.reports.workbook_columns import Sheet

MOST_GAPS = 50  # of a service; all of them are in gaps.geojson


def sheets(told: Told, report: Report) -> list[Sheet | None]:
    """Return the sheets of the measures, none where one was not taken."""
    return [
        _gaps(told), _areas(told), _basket(told), _missing(told), _links(told), _burial(told), _visits(told),
        _visits_beyond(told), _plans(told), _sites(told, report), _candidates(told), _fairness(told), _certainty(told),
        _certainty_villages(told),
    ]  # fmt: skip


def _gaps(told: Told) -> Sheet | None:
    table = measured_table(told, "gaps")
    if table is None:
        return None
    place = {service.id: number for number, service in enumerate(told.result.study.services)}
    shown = table[table["rank"] <= MOST_GAPS]
    shown = shown.iloc[np.lexsort((shown["rank"], shown["service"].map(place)))]
    groups = [group for group in told.result.study.groups if f"persons_{group.id}" in shown]
    columns = [
        column(told, "service", service_names(told, shown["service"])),
        column(told, "rank", shown["rank"], "year"),
        column(told, "gap", shown[f"name_{told.words.language}"]),
        column(told, "township", township_names(told, shown["township_code"])),
        column(told, "village", village_names(told, shown["village_code"])),
        column(told, "mode", mode_names(told, shown["mode"])),
        people(told, "persons", shown["persons"], shown["group"]),
        people(told, "unreached", shown["persons_unreached"], shown["group"]),
        column(told, "gap_nearest", shown["nearest_s"], "minutes"),
        column(told, "gap_median", shown["median_s"], "minutes"),
        *(_gap_people(told, shown, group) for group in groups),
    ]
    return make_sheet(told, "gaps", columns, n=MOST_GAPS, all=f"{len(table):,}")


def _gap_people(told: Told, gaps: pd.DataFrame, group: GroupConfig) -> Column:
    """Return how many people of a group live in each gap."""
    counts = people(told, "persons", gaps[f"persons_{group.id}"], group.id)
    return replace(counts, title=told.words("gaps.of_group", group=told.words.name(group)))


def _areas(told: Told) -> Sheet | None:
    table = measured_table(told, "isochrones")
    if table is None:
        return None
    classes = {entry.id: told.words.name(entry) for entry in told.result.study.settlement_classes}
    columns = [
        column(told, "service", service_names(told, table["service"])),
        column(told, "settlement", [classes.get(name, told.words("report.whole")) for name in table["settlement"]]),
        column(told, "mode", mode_names(told, table["mode"])),
        column(told, "minutes", table["limit_s"], "minutes"),
        column(told, "area_km2", table["area_km2"], "amount"),
        column(told, "persons", table["persons"], "count"),
        column(told, "persons_inside", table["persons_inside"], "count"),
        column(told, "persons_in_time", table["persons_in_time"], "count"),
        column(told, "misjudged", table["persons_misclassified"], "count"),
        column(told, "share_misjudged", table["share_misclassified"], "share"),
        column(told, "near_edge", table["near_edge_persons"], "count"),
        column(told, "near_edge_misjudged", table["near_edge_misclassified"], "count"),
    ]
    return make_sheet(told, "areas", columns)


def _basket(told: Told) -> Sheet | None:
    table = measured_table(told, "basket")
    if table is None:
        return None
    shown = large_areas(table)
    columns = [
        *area_columns(told, shown),
        column(told, "n_within", shown["n_within"], "year"),
        column(told, "n_services", shown["n_services"], "year"),
        column(told, "persons", shown["persons"], "count"),
        column(told, "share_of_persons", shown["share"], "share"),
    ]
    return make_sheet(told, "basket", columns)


def _missing(told: Told) -> Sheet | None:
    table = measured_table(told, "basket_missing")
    if table is None:
        return None
    shown = large_areas(table)
    columns = [
        *area_columns(told, shown),
        column(told, "service", service_names(told, shown["service"])),
        column(told, "persons", shown["persons"], "count"),
        column(told, "persons_missing", shown["persons_missing"], "count"),
        column(told, "share_missing", shown["share_missing"], "share"),
    ]
    return make_sheet(told, "missing", columns)


def _links(told: Told) -> Sheet | None:
    table, asked = measured_table(told, "links"), told.result.study.measures.links
    if table is None:
        return None
    levels = {level.id: told.words.name(level) for level in asked.levels} if asked else {}
    group = asked.group if asked else ""
    within = [
        math.nan if discretion.share(told.result.study, group, part, of_persons=whole) == wording.NOTHING else part
        for part, whole in zip(table["share_within"], table["persons"], strict=True)
    ]
    names = told.result.facilities.places.set_index("facility_id")["name_zh"].to_dict()
    columns = [
        column(told, "township", township_names(told, table["township_code"])),
        column(told, "village", table["name_zh"].fillna(table["village_code"])),
        column(told, "level", [levels.get(level, level) for level in table["level"]]),
        column(told, "link_status", [told.words.or_raw("xlsx.link", status) for status in table["status"]]),
        people(told, "persons", table["persons"], group),
        column(told, "facility", [names.get(name, name) if pd.notna(name) else "" for name in table["facility_id"]]),
        column(told, "mode", mode_names(told, table["mode"])),
        column(told, "own_minutes", table["time_s"], "minutes"),
        column(told, "share_in_time", within, "share"),
        column(told, "anywhere_minutes", table["elsewhere_s"], "minutes"),
    ]
    return make_sheet(told, "links", columns)


def _burial(told: Told) -> Sheet | None:
    table = measured_table(told, "burial")
    if table is None:
        return None
    columns = [
        column(told, "service", service_names(told, table["service"])),
        *area_columns(told, table),
        column(told, "grounds", table["n_grounds"], "count"),
        column(told, "plots", table["plots"], "count"),
        column(told, "plots_used", table["used"], "count"),
        column(told, "plots_left", table["plots_left"], "count"),
        column(told, "per_year", table["per_year"], "amount"),
        column(told, "years_until", table["years"], "amount"),
        column(told, "years_low", table["years_low"], "amount"),
        column(told, "years_high", table["years_high"], "amount"),
        column(told, "years_pooled", table["years_pooled"], "amount"),
        column(told, "evidence", [told.words(f"xlsx.evidence.{name}") for name in table["evidence"]]),
    ]
    return make_sheet(told, "burial", columns)


def _visits(told: Told) -> Sheet | None:
    table = measured_table(told, "visits")
    if table is None:
        return None
    columns = [
        column(told, "township", township_names(told, table["township_code"])),
        column(told, "village", village_names(told, table["village_code"])),
        column(told, "point_to_visit", table["name_zh"].fillna(table["facility_id"])),
        column(told, "serves", [told.words(f"xlsx.serves.{rule}") for rule in table["serves_rule"]]),
        people(told, "to_visit", table["persons"], _visited(told)),
        column(told, "villages", table["n_villages"], "count"),
        people(told, "visit_beyond", table["persons_beyond"], _visited(told)),
        column(told, "mean_minutes", table["time_s"], "minutes"),
        column(told, "farthest_minutes", table["farthest_s"], "minutes"),
    ]
    return make_sheet(told, "visits", columns)


def _visits_beyond(told: Told) -> Sheet | None:
    table = measured_table(told, "visits_beyond")
    if table is None:
        return None
    shown = table[(table["persons_beyond"] > 0.0) | (table["persons_unreached"] > 0.0)]
    columns = [
        column(told, "township", township_names(told, shown["township_code"])),
        column(told, "village", shown["name_zh"].fillna(shown["village_code"])),
        column(told, "serves", [told.words(f"xlsx.serves.{rule}") for rule in shown["serves_rule"]]),
        people(told, "to_visit", shown["persons"], _visited(told)),
        people(told, "visit_beyond", shown["persons_beyond"], _visited(told)),
        people(told, "visit_unreached", shown["persons_unreached"], _visited(told)),
        column(told, "middle_minutes", shown["time_s"], "minutes"),
    ]
    return make_sheet(told, "visits_beyond", columns)


def _visited(told: Told) -> str:
    """Return the group that is visited."""
    asked = told.result.study.measures.visits
    return asked.group if asked else ""


def _groups(told: Told, services: Iterable[str]) -> list[str]:
    """Return whom each service is for."""
    groups = {service.id: service.group for service in told.result.study.services}
    return [groups[name] for name in services]


def _proposal_names(told: Told, ids: Iterable[str]) -> list[str]:
    names = {proposal.id: told.words.name(proposal) for proposal in told.result.study.proposals}
    return [names.get(name, name) for name in ids]


def _plans(told: Told) -> Sheet | None:
    table = measured_table(told, "plans")
    if table is None:
        return None
    people = table["persons"].where(table["persons"] > 0.0)
    columns = [
        column(told, "proposal", _proposal_names(told, table["proposal"])),
        column(told, "service", service_names(told, table["service"])),
        column(told, "plan_status", [told.words(f"xlsx.plan.{status}") for status in table["status"]]),
        column(told, "candidates", table["n_candidates"], "count"),
        column(told, "refused", table["n_refused"], "count"),
        column(told, "asked", table["n_asked"], "count"),
        column(told, "new_sites", table["n_new"], "count"),
        column(told, "persons", table["persons"], "count"),
        column(told, "covered_before", table["covered_before"], "count"),
        column(told, "covered_after", table["covered_after"], "count"),
        column(told, "share_before", table["covered_before"] / people, "share"),
        column(told, "share_after", table["covered_after"] / people, "share"),
        column(told, "gap_to_best", table["gap"].where(np.isfinite(table["gap"])), "share"),
        column(told, "money", table["cost"], "count"),
        column(told, "reason", table["reason"].map(told.words.reason, na_action="ignore")),
    ]
    return make_sheet(told, "plans", columns)


def _sites(told: Told, report: Report) -> Sheet | None:
    """Return the proposed sites with the reasons that the report gives for them."""
    table = measured_table(told, "sites")
    if table is None:
        return None
    said = _reasons(report)
    groups = _groups(told, table["service"])
    reasons = [said.get((name, rank), "") for name, rank in zip(table["proposal"], table["rank"], strict=True)]
    columns = [
        column(told, "proposal", _proposal_names(told, table["proposal"])),
        column(told, "rank", table["rank"], "year"),
        column(told, "site", site_names(told.result, table, told.words)),
        column(told, "place_id", table["place_id"]),
        column(told, "township", township_names(told, table["township_code"])),
        column(told, "village", village_names(told, table["village_code"])),
        people(told, "newly_covered", table["newly_covered"], groups),
        people(told, "lost_without", table["lost_without"], groups),
        column(told, "minutes_saved", table["minutes_saved"], "amount"),
        people(told, "backup_gained", table["backup_gained"], groups),
        column(told, "money", table["cost"], "count"),
        column(told, "money_per_person", table["cost_per_person"], "count"),
        column(told, "share_first", table["share_first"], "share"),
        column(told, "stand_in", table["stand_in_name"].fillna(table["stand_in_id"])),
        people(told, "stand_in_loss", table["stand_in_loss"], groups),
        column(told, "reasons", reasons),
    ]
    return make_sheet(told, "sites", columns)


def _reasons(report: Report) -> dict[tuple[str, int], str]:
    """Return the sentence on each proposed site, by proposal and rank: the lists of the report, best first."""
    chapter = next((section for section in report.sections if section.id == "proposals"), None)
    found: dict[tuple[str, int], str] = {}
    for section in chapter.inner if chapter else ():
        items = [item for block in section.blocks if isinstance(block, Bullets) for item in block.items]
        found |= {(section.id.removeprefix("proposal-"), rank): item for rank, item in enumerate(items, start=1)}
    return found


def _candidates(told: Told) -> Sheet | None:
    table = measured_table(told, "candidates")
    if table is None:
        return None
    study, words = told.result.study, told.words
    reasons = [
        words.join_clauses([words.refusal(study, service, rule) for rule in str(rules).split(" | ")])
        if pd.notna(rules)
        else ""
        for service, rules in zip(table["service"], table["reason"], strict=True)
    ]
    columns = [
        column(told, "service", service_names(told, table["service"])),
        column(told, "place_id", table["candidate_id"]),
        column(told, "name", table["name_zh"]),
        column(told, "candidate_kind", [words.or_raw("candidate_kind", kind) for kind in table["kind"]]),
        column(told, "township", township_names(told, table["township_code"])),
        column(told, "village", village_names(told, table["village_code"])),
        column(told, "allowed", [words("xlsx.allowed" if allowed else "xlsx.refused") for allowed in table["allowed"]]),
        column(told, "refused_why", reasons),
        people(told, "persons_near", table["persons_near"], _groups(told, table["service"])),
    ]
    return make_sheet(told, "candidates", columns)


def _fairness(told: Told) -> Sheet | None:
    table = measured_table(told, "fairness")
    if table is None:
        return None
    shown = table[table["scope"] != "village"]
    named = {**told.words.starting("fair.measure."), **told.words.starting("xlsx.measure.")}
    columns = [
        column(told, "service", service_names(told, shown["service"])),
        *area_columns(told, shown),
        column(told, "access_measure", [named.get(name, name) for name in shown["measure"]]),
        column(told, "persons", shown["persons"], "count"),
        column(told, "value", shown["value"], "score"),
    ]
    return make_sheet(told, "fairness", columns)


def _certainty(told: Told) -> Sheet | None:
    table = measured_table(told, "certainty")
    if table is None:
        return None
    shown = large_areas(table)
    columns = [
        column(told, "service", service_names(told, shown["service"])),
        *area_columns(told, shown),
        column(told, "persons", shown["persons"], "count"),
        *(
            Column(
                told.words(f"certainty.col.{key}"),
                [cell_value(told, v, "share") for v in shown[f"share_{key}"]],
                "share",
            )
            for key in ("run", "low", "likely", "high")
        ),
    ]
    return make_sheet(told, "certainty", columns)


def _certainty_villages(told: Told) -> Sheet | None:
    table = measured_table(told, "certainty_villages")
    if table is None:
        return None
    shown = table[table["status"] == "uncertain"]
    columns = [
        column(told, "service", service_names(told, shown["service"])),
        column(told, "township", township_names(told, shown["township_code"])),
        column(told, "village", shown["name_zh"].fillna(shown["village_code"])),
        people(told, "persons", shown["persons"], _groups(told, shown["service"])),
        Column(
            told.words("certainty.col.in_run"), [told.words(f"certainty.status.{name}") for name in shown["status_run"]]
        ),
        Column(
            told.words("certainty.col.often"),
            [cell_value(told, v, "share") for v in shown["draws_reached_share"]],
            "share",
        ),
    ]
    return make_sheet(told, "certainty_villages", columns)
