"""What stands on the sheets of report.xlsx: the tables of a result with names in place of codes, in units people use.

Times are minutes, shares are fractions that the sheet shows in percent. An empty cell is a value that is missing; what
is never reached is said in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from chongming_gis import wording
from chongming_gis.maps import shares
from chongming_gis.maps.proposal_layer import site_names
from chongming_gis.reports.figures import Told, facility_counts, freed_figures
from chongming_gis.units import seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from chongming_gis.maps.shares import Figures, Question
    from chongming_gis.reports.content import Report

Form: TypeAlias = Literal["text", "count", "amount", "share", "minutes", "score", "year"]
Value: TypeAlias = "str | float | None"

MOST_GAPS = 50  # of a service; all of them are in gaps.geojson
_SCOPES = ("district", "island", "township")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet: its heading, its values from top to bottom, and how they are shown."""

    title: str
    values: Sequence[Value]
    form: Form = "text"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with one table; ``marks`` are fills of cells by row, below the heading."""

    title: str
    what: str
    columns: tuple[Column, ...]
    marks: tuple[tuple[str, ...], ...] = ()

    @property
    def n_rows(self) -> int:
        """Return how many rows stand below the heading."""
        return len(self.columns[0].values)


def sheets(told: Told, report: Report) -> list[Sheet]:
    """Return the sheets of a result, in the order of the report; those without rows are left out."""
    makers: tuple[Callable[[Told], Sheet | None], ...] = (
        _services, _standards, _townships, _matrix, _villages, _capacity, _gaps, _areas, _basket, _missing, _links,
        _burial, _visits, _visits_beyond, _plans, lambda told: _sites(told, report), _candidates, _fairness, _certainty,
        _certainty_villages, _indicators,
    )  # fmt: skip
    made = [make(told) for make in makers]
    return [sheet for sheet in made if sheet is not None and sheet.n_rows]


def _sheet(told: Told, key: str, columns: Iterable[Column], **blanks: object) -> Sheet:
    words = told.words
    return Sheet(words(f"xlsx.{key}"), words(f"xlsx.{key}.what", **blanks), tuple(columns))


def _col(told: Told, key: str, values: Iterable[Any], form: Form = "text") -> Column:
    """Return a column under a heading of the report."""
    own = f"xlsx.col.{key}"
    heading = told.words(own, currency=_currency(told)) if told.words.knows(own) else told.words(f"col.{key}")
    return Column(heading, [_value(told, value, form) for value in values], form)


def _currency(told: Told) -> str:
    costs = told.result.study.costs
    return told.words.or_raw("currency", costs[0].currency) if costs else wording.NOTHING


def _value(told: Told, value: Any, form: Form) -> Value:
    """Return what a cell holds: nothing where a value is missing, words where it is without end."""
    if pd.isna(value):
        return None
    if form == "text":
        return str(value)
    number = float(value)
    if math.isinf(number):
        key = f"xlsx.never.{form}"
        return told.words(key) if told.words.knows(key) else wording.NOTHING
    return seconds_to_minutes(number) if form == "minutes" else number


def _services_of(told: Told, ids: Iterable[str]) -> list[str]:
    return [told.words.heading(told.words.service(told.result.study, name)) for name in ids]


def _towns(told: Told, codes: pd.Series) -> list[str]:
    return [told.townships.get(code, code) if pd.notna(code) else "" for code in codes]


def _village_names(told: Told, codes: pd.Series) -> list[str]:
    villages = told.result.villages
    names = dict(zip(villages["village_code"], villages["name_zh"], strict=True))
    return [str(names.get(code, code)) if pd.notna(code) else "" for code in codes]


def _areas_of(told: Told, table: pd.DataFrame) -> tuple[Column, Column]:
    """Return of which kind and name the area of each row is."""
    words = told.words
    villages = dict(zip(told.result.villages["village_code"], told.result.villages["name_zh"], strict=True))
    groups = {group.id: words.name(group) for group in told.result.study.groups}
    names = []
    for scope, code in zip(table["scope"], table["scope_code"], strict=True):
        known = {
            "district": {code: words("report.whole")},
            "township": told.townships,
            "village": villages,
            "group": groups,
        }
        names.append(known.get(scope, {code: words.or_raw("island", code)}).get(code, code))
    scopes = [words(f"xlsx.scope.{scope}") for scope in table["scope"]]
    return _col(told, "scope", scopes), _col(told, "area", names)


def _modes(told: Told, ids: Iterable[Any]) -> list[str]:
    names = {mode.id: told.words.name(mode) for mode in told.result.study.modes}
    names["by_settlement"] = told.words("xlsx.by_settlement")
    return [names.get(name, name) if pd.notna(name) else "" for name in ids]


def _who(told: Told, question: Question) -> str:
    return told.words.group(told.result.study, question.service.group, question.service.base)


def _figure_columns(told: Told, found: Sequence[Figures | None], freed: Sequence[Figures | None]) -> list[Column]:
    """Return persons, covered, uncovered, unreached and shares of rows, as the coverage table has them."""

    def of(name: str, figures: Sequence[Figures | None]) -> list[float]:
        return [math.nan if entry is None else float(getattr(entry, name)) for entry in figures]

    columns = [
        _col(told, "persons", of("persons", found), "count"),
        _col(told, "covered", of("covered", found), "count"),
    ]
    columns += [_col(told, "uncovered", of("uncovered", found), "count")]
    columns += [
        _col(told, "unreached", of("unreached", found), "count"),
        _col(told, "share", of("share", found), "share"),
    ]
    if any(entry is not None for entry in freed):
        columns.append(_col(told, "share_ignored", of("share", freed), "share"))
    return columns


def _asked(told: Told, questions: Sequence[Question]) -> list[Column]:
    words, study = told.words, told.result.study
    return [
        _col(told, "service", _services_of(told, [question.service.id for question in questions])),
        _col(told, "standard", [words.name(question.standard) for question in questions]),
        _col(told, "limits", [words.standard(study, question.standard) for question in questions]),
        _col(told, "who", [_who(told, question) for question in questions]),
    ]


def _of_questions(told: Told, key: str, questions: Sequence[Question]) -> Sheet:
    found = [told.shares.whole(question) for question in questions]
    freed = [freed_figures(told, question) for question in questions]
    counts = [facility_counts(told, question.service) for question in questions]
    columns = [*_asked(told, questions), *_figure_columns(told, found, freed)]
    columns.append(_col(told, "facilities", [existing for existing, _ in counts], "count"))
    if any(planned for _, planned in counts):
        columns.append(_col(told, "planned", [planned for _, planned in counts], "count"))
    return _sheet(told, key, columns)


def _headlines(told: Told) -> list[Question]:
    return [shares.headline(service) for service in told.result.study.services]


def _services(told: Told) -> Sheet:
    return _of_questions(told, "services", _headlines(told))


def _standards(told: Told) -> Sheet:
    listed = [
        shares.Question(service, standard) for service in told.result.study.services for standard in service.standards
    ]
    return _of_questions(told, "standards", listed)


def _townships(told: Told) -> Sheet:
    rows = [(q, code, f) for q in _headlines(told) for code, f in told.shares.by_code(q, "township").items()]
    freed = [
        told.shares.by_code(question.freed, "township").get(code) if told.shares.rule_matters(question) else None
        for question, code, _ in rows
    ]
    service, standard, _, who = _asked(told, [question for question, _, _ in rows])
    town = _col(told, "township", [told.townships.get(code, code) for _, code, _ in rows])
    figures = _figure_columns(told, [figures for _, _, figures in rows], freed)
    return _sheet(told, "townships", [service, town, standard, who, *figures])


def _matrix(told: Told) -> Sheet | None:
    """Return the share of every service in every township, marked with the colours of the maps."""
    questions = _headlines(told)
    found = [told.shares.by_code(question, "township") for question in questions]
    codes = sorted({code for places in found for code in places})
    if not codes:
        return None
    wholes = [told.shares.whole(question) for question in questions]
    by_column = [wholes, *([places.get(code) for places in found] for code in codes)]
    values = [[math.nan if entry is None else entry.share for entry in column] for column in by_column]
    titles = [told.words("report.whole"), *(told.townships.get(code, code) for code in codes)]
    columns = [_col(told, "service", _services_of(told, [question.service.id for question in questions]))]
    columns += [
        Column(title, [_value(told, value, "share") for value in column], "share")
        for title, column in zip(titles, values, strict=True)
    ]
    marks = tuple(("", *(_mark(value) for value in row)) for row in zip(*values, strict=True))
    return replace(_sheet(told, "matrix", columns), marks=marks)


def _mark(share: float) -> str:
    return "share-none" if math.isnan(share) else f"share-{min(int(share * 5.0), 4)}"


def _villages(told: Told) -> Sheet:
    """Return the villages with people left out, of each service most people first."""
    parts = []
    for question in _headlines(told):
        rows = [(code, f) for code, f in told.shares.by_code(question, "village").items() if f.uncovered > 0.0]
        rows.sort(key=lambda row: (-row[1].uncovered, row[0]))
        parts += [(question, code, figures) for code, figures in rows]
    villages = told.result.villages.set_index("village_code")
    towns = villages["township_code"].to_dict()
    codes = pd.Series([code for _, code, _ in parts], dtype="str")
    columns = [
        _col(told, "service", _services_of(told, [question.service.id for question, _, _ in parts])),
        _col(told, "township", [told.townships.get(towns.get(code, ""), towns.get(code, "")) for code in codes]),
        _col(told, "village", _village_names(told, codes)),
        _col(told, "persons", [figures.persons for _, _, figures in parts], "count"),
        _col(told, "uncovered", [figures.uncovered for _, _, figures in parts], "count"),
        _col(told, "share", [figures.share for _, _, figures in parts], "share"),
    ]
    return _sheet(told, "villages", columns)


def _measured(told: Told, name: str) -> pd.DataFrame | None:
    table = told.result.measured.get(name)
    return None if table is None or table.empty else table


def _capacity(told: Told) -> Sheet | None:
    """Return need and places by service and township."""
    provision = told.result.provision
    if provision.empty:
        return None
    towns = told.result.demand.points.set_index("demand_id")["township_code"]
    numbers = ["need", "served", "no_place", "out_of_reach"]
    keyed = provision.assign(town=provision["demand_id"].map(towns).fillna(""))
    sums = keyed.groupby(["service", "unit", "town"], sort=False)[numbers].sum().reset_index()
    place = {service.id: number for number, service in enumerate(told.result.study.services)}
    sums = sums.sort_values(
        ["service", "town"], key=lambda c: c.map(place) if c.name == "service" else c, kind="stable"
    )
    columns = [
        _col(told, "service", _services_of(told, sums["service"])),
        _col(told, "township", _towns(told, sums["town"])),
        _col(told, "unit", [told.words.or_raw("unit", unit) for unit in sums["unit"]]),
        *(
            _col(told, key, sums[name], "amount")
            for key, name in zip(("need", "served", "no_place", "beyond_reach"), numbers, strict=True)
        ),
        _col(told, "share_served", sums["served"] / sums["need"].where(sums["need"] > 0.0), "share"),
    ]
    return _sheet(told, "capacity", columns)


def _gaps(told: Told) -> Sheet | None:
    table = _measured(told, "gaps")
    if table is None:
        return None
    place = {service.id: number for number, service in enumerate(told.result.study.services)}
    shown = table[table["rank"] <= MOST_GAPS]
    shown = shown.iloc[np.lexsort((shown["rank"], shown["service"].map(place)))]
    groups = [group for group in told.result.study.groups if f"persons_{group.id}" in shown]
    columns = [
        _col(told, "service", _services_of(told, shown["service"])),
        _col(told, "rank", shown["rank"], "year"),
        _col(told, "gap", shown[f"name_{told.words.language}"]),
        _col(told, "township", _towns(told, shown["township_code"])),
        _col(told, "village", _village_names(told, shown["village_code"])),
        _col(told, "mode", _modes(told, shown["mode"])),
        _col(told, "persons", shown["persons"], "count"),
        _col(told, "unreached", shown["persons_unreached"], "count"),
        _col(told, "gap_nearest", shown["nearest_s"], "minutes"),
        _col(told, "gap_median", shown["median_s"], "minutes"),
        *(
            Column(
                told.words("gaps.of_group", group=told.words.name(group)),
                [_value(told, v, "count") for v in shown[f"persons_{group.id}"]],
                "count",
            )
            for group in groups
        ),
    ]
    return _sheet(told, "gaps", columns, n=MOST_GAPS, all=f"{len(table):,}")


def _areas(told: Told) -> Sheet | None:
    table = _measured(told, "isochrones")
    if table is None:
        return None
    classes = {entry.id: told.words.name(entry) for entry in told.result.study.settlement_classes}
    columns = [
        _col(told, "service", _services_of(told, table["service"])),
        _col(told, "settlement", [classes.get(name, told.words("report.whole")) for name in table["settlement"]]),
        _col(told, "mode", _modes(told, table["mode"])),
        _col(told, "minutes", table["limit_s"], "minutes"),
        _col(told, "area_km2", table["area_km2"], "amount"),
        _col(told, "persons", table["persons"], "count"),
        _col(told, "persons_inside", table["persons_inside"], "count"),
        _col(told, "persons_in_time", table["persons_in_time"], "count"),
        _col(told, "misjudged", table["persons_misclassified"], "count"),
        _col(told, "share_misjudged", table["share_misclassified"], "share"),
        _col(told, "near_edge", table["near_edge_persons"], "count"),
        _col(told, "near_edge_misjudged", table["near_edge_misclassified"], "count"),
    ]
    return _sheet(told, "areas", columns)


def _large(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the study area, its islands and townships: those of villages are in the result folder."""
    return table[table["scope"].isin(_SCOPES)]


def _basket(told: Told) -> Sheet | None:
    table = _measured(told, "basket")
    if table is None:
        return None
    shown = _large(table)
    columns = [
        *_areas_of(told, shown),
        _col(told, "n_within", shown["n_within"], "year"),
        _col(told, "n_services", shown["n_services"], "year"),
        _col(told, "persons", shown["persons"], "count"),
        _col(told, "share_of_persons", shown["share"], "share"),
    ]
    return _sheet(told, "basket", columns)


def _missing(told: Told) -> Sheet | None:
    table = _measured(told, "basket_missing")
    if table is None:
        return None
    shown = _large(table)
    columns = [
        *_areas_of(told, shown),
        _col(told, "service", _services_of(told, shown["service"])),
        _col(told, "persons", shown["persons"], "count"),
        _col(told, "persons_missing", shown["persons_missing"], "count"),
        _col(told, "share_missing", shown["share_missing"], "share"),
    ]
    return _sheet(told, "missing", columns)


def _links(told: Told) -> Sheet | None:
    table, asked = _measured(told, "links"), told.result.study.measures.links
    if table is None:
        return None
    levels = {level.id: told.words.name(level) for level in asked.levels} if asked else {}
    names = told.result.facilities.places.set_index("facility_id")["name_zh"].to_dict()
    columns = [
        _col(told, "township", _towns(told, table["township_code"])),
        _col(told, "village", table["name_zh"].fillna(table["village_code"])),
        _col(told, "level", [levels.get(level, level) for level in table["level"]]),
        _col(told, "link_status", [told.words.or_raw("xlsx.link", status) for status in table["status"]]),
        _col(told, "persons", table["persons"], "count"),
        _col(told, "facility", [names.get(name, name) if pd.notna(name) else "" for name in table["facility_id"]]),
        _col(told, "mode", _modes(told, table["mode"])),
        _col(told, "own_minutes", table["time_s"], "minutes"),
        _col(told, "share_in_time", table["share_within"], "share"),
        _col(told, "anywhere_minutes", table["elsewhere_s"], "minutes"),
    ]
    return _sheet(told, "links", columns)


def _burial(told: Told) -> Sheet | None:
    table = _measured(told, "burial")
    if table is None:
        return None
    columns = [
        _col(told, "service", _services_of(told, table["service"])),
        *_areas_of(told, table),
        _col(told, "grounds", table["n_grounds"], "count"),
        _col(told, "plots", table["plots"], "count"),
        _col(told, "plots_used", table["used"], "count"),
        _col(told, "plots_left", table["plots_left"], "count"),
        _col(told, "per_year", table["per_year"], "amount"),
        _col(told, "years_until", table["years"], "amount"),
        _col(told, "years_low", table["years_low"], "amount"),
        _col(told, "years_high", table["years_high"], "amount"),
        _col(told, "years_pooled", table["years_pooled"], "amount"),
        _col(told, "evidence", [told.words(f"xlsx.evidence.{name}") for name in table["evidence"]]),
    ]
    return _sheet(told, "burial", columns)


def _visits(told: Told) -> Sheet | None:
    table = _measured(told, "visits")
    if table is None:
        return None
    columns = [
        _col(told, "township", _towns(told, table["township_code"])),
        _col(told, "village", _village_names(told, table["village_code"])),
        _col(told, "point_to_visit", table["name_zh"].fillna(table["facility_id"])),
        _col(told, "serves", [told.words(f"xlsx.serves.{rule}") for rule in table["serves_rule"]]),
        _col(told, "to_visit", table["persons"], "count"),
        _col(told, "villages", table["n_villages"], "count"),
        _col(told, "visit_beyond", table["persons_beyond"], "count"),
        _col(told, "mean_minutes", table["time_s"], "minutes"),
        _col(told, "farthest_minutes", table["farthest_s"], "minutes"),
    ]
    return _sheet(told, "visits", columns)


def _visits_beyond(told: Told) -> Sheet | None:
    table = _measured(told, "visits_beyond")
    if table is None:
        return None
    shown = table[(table["persons_beyond"] > 0.0) | (table["persons_unreached"] > 0.0)]
    columns = [
        _col(told, "township", _towns(told, shown["township_code"])),
        _col(told, "village", shown["name_zh"].fillna(shown["village_code"])),
        _col(told, "serves", [told.words(f"xlsx.serves.{rule}") for rule in shown["serves_rule"]]),
        _col(told, "to_visit", shown["persons"], "count"),
        _col(told, "visit_beyond", shown["persons_beyond"], "count"),
        _col(told, "visit_unreached", shown["persons_unreached"], "count"),
        _col(told, "middle_minutes", shown["time_s"], "minutes"),
    ]
    return _sheet(told, "visits_beyond", columns)


def _proposal_names(told: Told, ids: Iterable[str]) -> list[str]:
    names = {proposal.id: told.words.name(proposal) for proposal in told.result.study.proposals}
    return [names.get(name, name) for name in ids]


def _plans(told: Told) -> Sheet | None:
    table = _measured(told, "plans")
    if table is None:
        return None
    people = table["persons"].where(table["persons"] > 0.0)
    columns = [
        _col(told, "proposal", _proposal_names(told, table["proposal"])),
        _col(told, "service", _services_of(told, table["service"])),
        _col(told, "plan_status", [told.words(f"xlsx.plan.{status}") for status in table["status"]]),
        _col(told, "candidates", table["n_candidates"], "count"),
        _col(told, "refused", table["n_refused"], "count"),
        _col(told, "asked", table["n_asked"], "count"),
        _col(told, "new_sites", table["n_new"], "count"),
        _col(told, "persons", table["persons"], "count"),
        _col(told, "covered_before", table["covered_before"], "count"),
        _col(told, "covered_after", table["covered_after"], "count"),
        _col(told, "share_before", table["covered_before"] / people, "share"),
        _col(told, "share_after", table["covered_after"] / people, "share"),
        _col(told, "gap_to_best", table["gap"].where(np.isfinite(table["gap"])), "share"),
        _col(told, "money", table["cost"], "count"),
        _col(told, "reason", table["reason"]),
    ]
    return _sheet(told, "plans", columns)


def _sites(told: Told, report: Report) -> Sheet | None:
    """Return the proposed sites with the reasons that the report gives for them."""
    table = _measured(told, "sites")
    if table is None:
        return None
    said = _reasons(report)
    reasons = [said.get((name, rank), "") for name, rank in zip(table["proposal"], table["rank"], strict=True)]
    columns = [
        _col(told, "proposal", _proposal_names(told, table["proposal"])),
        _col(told, "rank", table["rank"], "year"),
        _col(told, "site", site_names(told.result, table, told.words)),
        _col(told, "place_id", table["place_id"]),
        _col(told, "township", _towns(told, table["township_code"])),
        _col(told, "village", _village_names(told, table["village_code"])),
        _col(told, "newly_covered", table["newly_covered"], "count"),
        _col(told, "lost_without", table["lost_without"], "count"),
        _col(told, "minutes_saved", table["minutes_saved"], "amount"),
        _col(told, "backup_gained", table["backup_gained"], "count"),
        _col(told, "money", table["cost"], "count"),
        _col(told, "money_per_person", table["cost_per_person"], "count"),
        _col(told, "share_first", table["share_first"], "share"),
        _col(told, "stand_in", table["stand_in_name"].fillna(table["stand_in_id"])),
        _col(told, "stand_in_loss", table["stand_in_loss"], "count"),
        _col(told, "reasons", reasons),
    ]
    return _sheet(told, "sites", columns)


def _reasons(report: Report) -> dict[tuple[str, int], str]:
    """Return the sentence on each proposed site, by proposal and rank: the lists of the report, best first."""
    chapter = next((section for section in report.sections if section.id == "proposals"), None)
    found = {}
    for section in chapter.inner if chapter else ():
        items = [item for block in section.blocks if block.kind == "bullets" for item in block.items]
        found |= {(section.id.removeprefix("proposal-"), rank): item for rank, item in enumerate(items, start=1)}
    return found


def _candidates(told: Told) -> Sheet | None:
    table = _measured(told, "candidates")
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
        _col(told, "service", _services_of(told, table["service"])),
        _col(told, "place_id", table["candidate_id"]),
        _col(told, "name", table["name_zh"]),
        _col(told, "candidate_kind", [words.or_raw("candidate_kind", kind) for kind in table["kind"]]),
        _col(told, "township", _towns(told, table["township_code"])),
        _col(told, "village", _village_names(told, table["village_code"])),
        _col(told, "allowed", [words("xlsx.allowed" if allowed else "xlsx.refused") for allowed in table["allowed"]]),
        _col(told, "refused_why", reasons),
        _col(told, "persons_near", table["persons_near"], "count"),
    ]
    return _sheet(told, "candidates", columns)


def _fairness(told: Told) -> Sheet | None:
    table = _measured(told, "fairness")
    if table is None:
        return None
    shown = table[table["scope"] != "village"]
    named = {**told.words.starting("fair.measure."), **told.words.starting("xlsx.measure.")}
    columns = [
        _col(told, "service", _services_of(told, shown["service"])),
        *_areas_of(told, shown),
        _col(told, "access_measure", [named.get(name, name) for name in shown["measure"]]),
        _col(told, "persons", shown["persons"], "count"),
        _col(told, "value", shown["value"], "score"),
    ]
    return _sheet(told, "fairness", columns)


def _certainty(told: Told) -> Sheet | None:
    table = _measured(told, "certainty")
    if table is None:
        return None
    shown = _large(table)
    columns = [
        _col(told, "service", _services_of(told, shown["service"])),
        *_areas_of(told, shown),
        _col(told, "persons", shown["persons"], "count"),
        *(
            Column(
                told.words(f"certainty.col.{key}"), [_value(told, v, "share") for v in shown[f"share_{key}"]], "share"
            )
            for key in ("run", "low", "likely", "high")
        ),
    ]
    return _sheet(told, "certainty", columns)


def _certainty_villages(told: Told) -> Sheet | None:
    table = _measured(told, "certainty_villages")
    if table is None:
        return None
    shown = table[table["status"] == "uncertain"]
    columns = [
        _col(told, "service", _services_of(told, shown["service"])),
        _col(told, "township", _towns(told, shown["township_code"])),
        _col(told, "village", shown["name_zh"].fillna(shown["village_code"])),
        _col(told, "persons", shown["persons"], "count"),
        Column(
            told.words("certainty.col.in_run"), [told.words(f"certainty.status.{name}") for name in shown["status_run"]]
        ),
        Column(
            told.words("certainty.col.often"), [_value(told, v, "share") for v in shown["draws_reached_share"]], "share"
        ),
    ]
    return _sheet(told, "certainty_villages", columns)


def _indicators(told: Told) -> Sheet | None:
    table, plan = told.result.indicators, told.result.study.plan
    if table.empty or plan is None:
        return None
    words = told.words
    names = {indicator.id: words.name(indicator) for indicator in plan.indicators}
    sets = {entry.id: words.name(entry) for entry in plan.target_sets}
    columns = [
        _col(told, "target_set", [sets.get(name, name) for name in table["target_set"]]),
        _col(told, "indicator", [names.get(name, name) for name in table["indicator_id"]]),
        *_areas_of(told, table),
        _col(told, "unit", [words.or_raw("unit", unit) for unit in table["unit"]]),
        _col(told, "value", table["value"], "score"),
        _col(told, "baseline_value", table["baseline"], "score"),
        _col(told, "target_value", table["target"], "score"),
        _col(told, "target_year", table["target_year"], "year"),
        _col(told, "shortfall", table["shortfall"], "score"),
        _col(told, "places_short", table["places_short"], "count"),
        _col(told, "persons_short", table["persons_short"], "count"),
        _col(told, "status", [words.heading(words(f"indicator_status.{status}")) for status in table["status"]]),
    ]
    return _sheet(told, "indicators", columns)
