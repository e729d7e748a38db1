"""The chapters on burial plots (years until they are full) and on visits to people who live alone."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from chongming_gis import discretion, wording
from chongming_gis.reports.blocks import Notes, Paragraph, Section, Table, number, short, text

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import pandas as pd

    from chongming_gis.config import ServiceConfig
    from chongming_gis.measuremodel import VisitsConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.reports.figures import Told

    Row = Mapping[Hashable, Any]

_DAYS_A_YEAR = 365.25
_MOST_YEARS = 500.0  # a date beyond is no date to plan for
_MOST_NAMED = 3
_MOST_SITES = 10
_MOST_VILLAGES = 20


def sections(told: Told) -> tuple[Section, ...]:
    """Return both chapters, each where the study asks for it."""
    return (*_burial(told), *_visits(told))


def _burial(told: Told) -> tuple[Section, ...]:
    asked, table = told.result.study.measures.burial, told.result.measured.get("burial")
    if asked is None or table is None or table.empty:
        return ()
    words = told.words
    inner = [
        _of_service(told, told.result.study.service(name), table[table["service"] == name]) for name in asked.services
    ]
    notes = Notes(tuple(words(f"burial.note_{key}") for key in ("years", "pooled", "interval")))
    opening = Paragraph(words("burial.opening", source=words.source(asked)))
    return (Section("burial", words("burial.chapter"), (opening, notes), tuple(inner)),)


def _of_service(told: Told, service: ServiceConfig, table: pd.DataFrame) -> Section:
    words = told.words
    district = table[table["scope"] == "district"].to_dict("records")[0]
    townships = table[table["scope"] == "township"].sort_values(["years", "scope_code"], kind="stable")
    blocks: list[Block] = [Paragraph(_sentence(told, service, district, townships))]
    for scope in ("township", "village"):
        rows = table[table["scope"] == scope].sort_values(["years", "scope_code"], kind="stable")
        if len(rows):
            blocks.append(_table(told, service, scope, rows))
    return Section(f"burial-{service.id}", words.heading(words.name(service)), tuple(blocks))


def _table(told: Told, service: ServiceConfig, scope: str, rows: pd.DataFrame) -> Table:
    words = told.words
    names = (scope, "grounds", "plots", "plots_left", "per_year", "years_until", "years_interval", "full_in")
    columns = tuple(words(f"col.{name}") for name in (*names, "years_pooled", "status"))
    caption = words(f"burial.by_{scope}", service=words.heading(words.name(service)))
    shown = tuple(_row(told, row) for row in rows.to_dict("records"))
    return Table(caption, columns, shown, folded=caption if scope == "village" else "")


def _sentence(told: Told, service: ServiceConfig, district: Row, townships: pd.DataFrame) -> str:
    words = told.words
    said = {
        "service": words.heading(words.name(service)),
        "n": f"{district['n_grounds']:,}",
        "plots": f"{district['plots']:,.0f}",
        "used": f"{district['used']:,.0f}",
        "per_year": f"{district['per_year']:,.0f}",
    }
    sentences = [words("burial.sentence", **said)]
    if math.isfinite(district["years_pooled"]):
        left = f"{district['plots_left']:,.0f}"
        sentences.append(words("burial.pooled_sentence", left=left, years=_years(told, district["years_pooled"])))
    first = townships[townships["years"].notna()].head(_MOST_NAMED).to_dict("records")
    if first:
        named = [
            words("burial.place_years", place=_place(told, row), years=_years(told, row["years"])) for row in first
        ]
        sentences.append(words("burial.first_sentence", places=words.join(named)))
    if district["evidence"] == "schematic":
        sentences.append(words("burial.schematic", label=words.heading(words("indicator_status.schematic"))))
    return ("" if words.language == "zh" else " ").join(sentences)


def _place(told: Told, row: Row) -> str:
    code = str(row["scope_code"])
    name = row["name_zh"] if isinstance(row["name_zh"], str) else code
    return told.townships.get(code, name) if row["scope"] == "township" else name


def _years(told: Told, years: float) -> str:
    if math.isnan(years):
        return wording.NOTHING
    return told.words("burial.never") if math.isinf(years) else f"{years:.1f}"


def _row(told: Told, row: Row) -> tuple[Cell, ...]:
    words = told.words
    interval = wording.NOTHING
    if not math.isnan(row["years"]):
        interval = f"{_years(told, row['years_low'])}–{_years(told, row['years_high'])}"
    status = words("indicator_status.schematic") if row["evidence"] == "schematic" else wording.NOTHING
    if row["n_unknown"]:
        status = words("burial.unknown", n=row["n_unknown"])
    return (
        text(_place(told, row)),
        number(f"{row['n_grounds']:,}"),
        number(f"{row['plots']:,.0f}"),
        number(wording.quantity(round(float(row["plots_left"]), 0))),
        number(f"{row['per_year']:,.1f}"),
        number(_years(told, row["years"])),
        number(interval),
        number(_full_in(told, row["years"])),
        number(_years(told, row["years_pooled"])),
        short(status),
    )


def _full_in(told: Told, years: float) -> str:
    """Return the calendar year in which the plots are full, counted from the date of the data."""
    if math.isnan(years) or years > _MOST_YEARS:
        return wording.NOTHING
    return str((told.result.study.data_date + dt.timedelta(days=years * _DAYS_A_YEAR)).year)


def _visits(told: Told) -> tuple[Section, ...]:
    asked = told.result.study.measures.visits
    loads, beyond = (told.result.measured.get(name) for name in ("visits", "visits_beyond"))
    if asked is None or loads is None or beyond is None or loads.empty:
        return ()
    words = told.words
    applied = {name: table[table["serves_rule"] == "applied"] for name, table in (("loads", loads), ("beyond", beyond))}
    blocks: list[Block] = [Paragraph(_visit_sentences(told, asked, loads, beyond))]
    tables = (
        _by_township(told, applied["loads"], applied["beyond"]),
        _largest_loads(told, applied["loads"]),
        _villages_beyond(told, beyond),
    )
    blocks += [table for table in tables if table is not None]
    notes = [words("visits.note", source=words.source(asked))]
    if told.result.study.service(asked.service).facilities.kind == "schematic":
        service = words.service(told.result.study, asked.service)
        label = words.heading(words("indicator_status.schematic"))
        notes.append(words("links.note_schematic", label=label, services=service))
    blocks.append(Notes(tuple(notes)))
    return (Section("visits", words("visits.chapter"), tuple(blocks)),)


def _visit_sentences(told: Told, asked: VisitsConfig, loads: pd.DataFrame, beyond: pd.DataFrame) -> str:
    words, study = told.words, told.result.study
    service = study.service(asked.service)
    persons = float(told.result.demand.persons[f"{asked.base}:{asked.group}"].sum())
    said = {"who": words.group(study, asked.group, asked.base), "service": words.name(service)}
    sentences = [
        words("visits.opening", persons=wording.persons(persons), n=f"{loads['facility_id'].nunique():,}", **said)
    ]
    rules = [rule for rule in ("applied", "ignored") if (loads["serves_rule"] == rule).any()]
    for rule in rules:
        mine, villages = loads[loads["serves_rule"] == rule], beyond[beyond["serves_rule"] == rule]
        visited = float(mine["persons"].sum())
        too_far = float(mine["persons_beyond"].sum())
        lacking = villages[(villages["persons_beyond"] + villages["persons_unreached"]) > 0.0]
        sentences.append(
            words(
                f"visits.{rule}" if len(rules) > 1 else "visits.only",
                visited=wording.persons(visited),
                mean=f"{visited / len(mine):.1f}",
                most=wording.persons(float(mine["persons"].max())),
                standard=words.name(service.standards[0]),
                beyond=wording.persons(too_far),
                unreached=wording.persons(max(persons - visited, 0.0)),
                villages=f"{len(lacking):,}",
            )
        )
    return ("" if words.language == "zh" else " ").join(sentences)


def _by_township(told: Told, loads: pd.DataFrame, beyond: pd.DataFrame) -> Table | None:
    words = told.words
    people = beyond.groupby("township_code", sort=True)[["persons", "persons_beyond", "persons_unreached"]].sum()
    points = loads.groupby("township_code")["persons"].agg(["size", "mean", "max"])
    people = people.join(points).sort_values("persons", ascending=False, kind="stable")
    people = people[people["persons"] > 0.0]
    if people.empty:
        return None
    rows = [
        (
            text(told.townships.get(str(code), str(code))),
            number(wording.persons(row["persons"])),
            number(wording.quantity(row["size"] if row["size"] == row["size"] else 0.0)),
            number(wording.NOTHING if math.isnan(row["mean"]) else f"{row['mean']:.1f}"),
            number(wording.persons(row["max"])),
            number(wording.persons(row["persons_beyond"])),
            number(wording.persons(row["persons_unreached"])),
        )
        for code, row in people.to_dict("index").items()
    ]
    names = ("township", "to_visit", "points_to_visit", "load_mean", "load_most", "visit_beyond", "visit_unreached")
    return Table(words("visits.by_township"), tuple(words(f"col.{name}") for name in names), tuple(rows))


def _largest_loads(told: Told, loads: pd.DataFrame) -> Table | None:
    words, study = told.words, told.result.study
    asked = study.measures.visits
    largest = (
        loads[loads["persons"] > 0.0].sort_values(["persons", "facility_id"], ascending=[False, True]).head(_MOST_SITES)
    )
    if largest.empty:
        return None
    rows = [
        (
            text(str(row["name_zh"]) if isinstance(row["name_zh"], str) else str(row["facility_id"])),
            text(told.townships.get(str(row["township_code"]), wording.NOTHING)),
            number(discretion.persons(study, asked.group if asked else "", row["persons"])),
            number(wording.minutes(float(row["time_s"]))),
            number(wording.minutes(float(row["farthest_s"]))),
        )
        for row in largest.to_dict("records")
    ]
    names = ("point_to_visit", "township", "to_visit", "mean_minutes", "farthest_minutes")
    caption = words("visits.loads", n=len(rows), of=len(loads))
    return Table(caption, tuple(words(f"col.{name}") for name in names), tuple(rows))


def _villages_beyond(told: Told, beyond: pd.DataFrame) -> Table | None:
    """Return the villages with most people whom no point may visit in time, beside how far the nearest of all is."""
    words = told.words
    applied = beyond[beyond["serves_rule"] == "applied"]
    left = applied.assign(left=applied["persons_beyond"] + applied["persons_unreached"])
    left = left[left["left"] > 0.0].sort_values(["left", "village_code"], ascending=[False, True], kind="stable")
    if left.empty:
        return None
    freed = beyond[beyond["serves_rule"] == "ignored"].set_index("village_code")["time_s"]
    study, asked = told.result.study, told.result.study.measures.visits
    group = asked.group if asked else ""
    rows = [
        (
            text(str(row["name_zh"]) if isinstance(row["name_zh"], str) else str(row["village_code"])),
            text(told.townships.get(str(row["township_code"]), wording.NOTHING)),
            number(discretion.persons(study, group, row["persons"])),
            number(discretion.persons(study, group, row["persons_beyond"])),
            number(discretion.persons(study, group, row["persons_unreached"])),
            number(wording.minutes(float(freed.get(row["village_code"], row["time_s"])))),
        )
        for row in left.head(_MOST_VILLAGES).to_dict("records")
    ]
    names = ("village", "township", "to_visit", "visit_beyond", "visit_unreached", "anywhere_minutes")
    caption = words("visits.villages", n=len(rows), of=len(left))
    return Table(caption, tuple(words(f"col.{name}") for name in names), tuple(rows))
