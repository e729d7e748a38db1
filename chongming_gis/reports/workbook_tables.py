"""The sheets of report.xlsx: who is covered, by service, standard, township and village; capacity; indicators."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from chongming_gis import discretion
from chongming_gis.maps import shares
from chongming_gis.reports import workbook_delivery, workbook_measures
from chongming_gis.reports.figures import Told, facility_counts, freed_figures
from chongming_gis.reports.workbook_columns import (
    Column,
    area_columns,
    cell_value,
    column,
    make_sheet,
    people,
    service_names,
    township_names,
    village_names,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chongming_gis.maps.shares import Figures, Question
    from chongming_gis.reports.content import Report
    from chongming_gis.reports.workbook_columns import Sheet


def sheets(told: Told, report: Report) -> list[Sheet]:
    """Return the sheets of a result; those without rows are left out."""
    covered = [_services(told), _standards(told), _townships(told), _matrix(told), _villages(told), _capacity(told)]
    made = [*covered, *workbook_measures.sheets(told, report), *workbook_delivery.sheets(told), _indicators(told)]
    return [sheet for sheet in made if sheet is not None and sheet.n_rows]


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
    town = column(told, "township", [told.townships.get(code, code) for _, code, _ in rows])
    figures = _figure_columns(told, [figures for _, _, figures in rows], freed)
    return make_sheet(told, "townships", [service, town, standard, who, *figures])


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
    columns = [column(told, "service", service_names(told, [question.service.id for question in questions]))]
    columns += [
        Column(title, [cell_value(told, value, "share") for value in column], "share")
        for title, column in zip(titles, values, strict=True)
    ]
    marks = tuple(("", *(_mark(value) for value in row)) for row in zip(*values, strict=True))
    return replace(make_sheet(told, "matrix", columns), marks=marks)


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
    groups = [question.service.group for question, _, _ in parts]
    wary = [_tells_few(told, group, figures) for group, (_, _, figures) in zip(groups, parts, strict=True)]
    columns = [
        column(told, "service", service_names(told, [question.service.id for question, _, _ in parts])),
        column(told, "township", township_names(told, pd.Series([towns.get(code) for code in codes], dtype="str"))),
        column(told, "village", village_names(told, codes)),
        people(told, "persons", [figures.persons for _, _, figures in parts], groups),
        column(told, "uncovered", [figures.uncovered for _, _, figures in parts], "count"),
        column(told, "share", [figures.share for _, _, figures in parts], "share"),
    ]
    for place, stands in ((4, discretion.HIDDEN), (5, None)):
        values = [stands if few else value for few, value in zip(wary, columns[place].values, strict=True)]
        columns[place] = replace(columns[place], values=values)
    return make_sheet(told, "villages", columns)


def _tells_few(told: Told, group: str, figures: Figures) -> bool:
    """Return whether the people left out at a place, or the others there, are too few to be told."""
    parts = [figures.persons, figures.uncovered, figures.covered]
    return bool(discretion.is_hidden(told.result.study, group, parts).any())


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
        column(told, "service", service_names(told, sums["service"])),
        column(told, "township", township_names(told, sums["town"])),
        column(told, "unit", [told.words.or_raw("unit", unit) for unit in sums["unit"]]),
        *(
            column(told, key, sums[name], "amount")
            for key, name in zip(("need", "served", "no_place", "beyond_reach"), numbers, strict=True)
        ),
        column(told, "share_served", sums["served"] / sums["need"].where(sums["need"] > 0.0), "share"),
    ]
    return make_sheet(told, "capacity", columns)


def _indicators(told: Told) -> Sheet | None:
    table, plan = told.result.indicators, told.result.study.plan
    if table.empty or plan is None:
        return None
    words = told.words
    names = {indicator.id: words.name(indicator) for indicator in plan.indicators}
    sets = {entry.id: words.name(entry) for entry in plan.target_sets}
    columns = [
        column(told, "target_set", [sets.get(name, name) for name in table["target_set"]]),
        column(told, "indicator", [names.get(name, name) for name in table["indicator_id"]]),
        *area_columns(told, table),
        column(told, "unit", [words.or_raw("unit", unit) for unit in table["unit"]]),
        column(told, "value", table["value"], "score"),
        column(told, "baseline_value", table["baseline"], "score"),
        column(told, "target_value", table["target"], "score"),
        column(told, "target_year", table["target_year"], "year"),
        column(told, "shortfall", table["shortfall"], "score"),
        column(told, "places_short", table["places_short"], "count"),
        column(told, "persons_short", table["persons_short"], "count"),
        column(told, "status", [words.heading(words(f"indicator_status.{status}")) for status in table["status"]]),
    ]
    return make_sheet(told, "indicators", columns)


def _headlines(told: Told) -> list[Question]:
    return [shares.headline(service) for service in told.result.study.services]


def _of_questions(told: Told, key: str, questions: Sequence[Question]) -> Sheet:
    found = [told.shares.whole(question) for question in questions]
    freed = [freed_figures(told, question) for question in questions]
    counts = [facility_counts(told, question.service) for question in questions]
    columns = [*_asked(told, questions), *_figure_columns(told, found, freed)]
    columns.append(column(told, "facilities", [existing for existing, _ in counts], "count"))
    if any(planned for _, planned in counts):
        columns.append(column(told, "planned", [planned for _, planned in counts], "count"))
    return make_sheet(told, key, columns)


def _asked(told: Told, questions: Sequence[Question]) -> list[Column]:
    words, study = told.words, told.result.study
    return [
        column(told, "service", service_names(told, [question.service.id for question in questions])),
        column(told, "standard", [words.name(question.standard) for question in questions]),
        column(told, "limits", [words.standard(study, question.standard) for question in questions]),
        column(told, "who", [_who(told, question) for question in questions]),
    ]


def _figure_columns(told: Told, found: Sequence[Figures | None], freed: Sequence[Figures | None]) -> list[Column]:
    """Return persons, covered, uncovered, unreached and shares of rows, as the coverage table has them."""

    def of(name: str, figures: Sequence[Figures | None]) -> list[float]:
        return [math.nan if entry is None else float(getattr(entry, name)) for entry in figures]

    columns = [
        column(told, "persons", of("persons", found), "count"),
        column(told, "covered", of("covered", found), "count"),
    ]
    columns += [column(told, "uncovered", of("uncovered", found), "count")]
    columns += [
        column(told, "unreached", of("unreached", found), "count"),
        column(told, "share", of("share", found), "share"),
    ]
    if any(entry is not None for entry in freed):
        columns.append(column(told, "share_ignored", of("share", freed), "share"))
    return columns


def _who(told: Told, question: Question) -> str:
    return told.words.group(told.result.study, question.service.group, question.service.base)
