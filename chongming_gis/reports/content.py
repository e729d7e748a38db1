"""What a report says, as plain blocks: sentences, tables and places for maps. No HTML here; ``document`` renders it.

Sentences are made from numbers: where there is no number there is no sentence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chongming_gis import wording
from chongming_gis.maps import notices, shares, views
from chongming_gis.reports import method
from chongming_gis.reports.blocks import Bullets, MapFrame, Paragraph, Section, Table, number, text

if TYPE_CHECKING:
    from chongming_gis.config import ServiceConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

MOST_PLACES_NAMED = 3


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report: what stands on its head, and its chapters."""

    title: str
    date: str
    badge: str
    notice: str
    sections: tuple[Section, ...]


def build_content(result: StudyResult, words: Words) -> Report:
    """Return what the report of a result says."""
    study = result.study
    entries = notices.sources(result)
    services = tuple(_service_section(result, service, words) for service in study.services)
    return Report(
        title=words("report.title", study=words.name(study)),
        date=words("data_date", date=study.data_date.isoformat()),
        badge=words("internal"),
        notice=notices.schematic_notice(study, entries, words),
        sections=(
            Section("summary", words("report.summary"), _summary(result, words)),
            Section("overview", words("report.overview_map"), (_map("overview", words("map_overview"), words),)),
            Section("services", words("report.services_chapter"), (), services),
            Section("method", words("report.method"), method.blocks(result, words)),
            Section("not-counted", words("report.not_counted"), (_not_counted(words),)),
        ),
    )


def _summary(result: StudyResult, words: Words) -> tuple[Block, ...]:
    study = result.study
    sentences = [_service_sentences(result, service, words) for service in study.services]
    scale = words(
        "report.scale_sentence",
        services=len(study.services),
        facilities=f"{len(result.facilities.places):,}",
        points=f"{len(result.demand.points):,}",
        date=study.data_date.isoformat(),
    )
    opening = [scale, *_range_sentence(result, words)]
    return (Paragraph("".join(_spaced(opening, words))), Bullets(tuple(sentences)), _standards_table(result, words))


def _range_sentence(result: StudyResult, words: Words) -> list[str]:
    """Return the services with the highest and the lowest share, where there are two that differ."""
    found = [(s, shares.whole(result, shares.headline(s))) for s in result.study.services]
    known = [(service, f.share) for service, f in found if f and not math.isnan(f.share)]
    if len(known) < 2:
        return []
    best, worst = max(known, key=lambda pair: pair[1]), min(known, key=lambda pair: pair[1])
    if wording.share(best[1]) == wording.share(worst[1]):
        return []
    return [
        words(
            "report.range_sentence",
            best=words.name(best[0]),
            best_share=wording.share(best[1]),
            worst=words.name(worst[0]),
            worst_share=wording.share(worst[1]),
        )
    ]


def _service_sentences(result: StudyResult, service: ServiceConfig, words: Words) -> str:
    """Return how a service stands under its headline standard, and where those live who are left out."""
    question = shares.headline(service)
    figures = shares.whole(result, question)
    if figures is None:
        return ""
    said = {
        "service": words.name(service),
        "who": words.group(result.study, service.group, service.base),
        "standard": words.name(question.standard),
        "limits": words.standard(result.study, question.standard),
        **shares.in_words(figures),
    }
    if math.isnan(figures.share):
        return words("report.nobody_sentence", **said)
    if figures.uncovered == 0:
        return words("report.all_covered_sentence", **said)
    sentences = [words("report.service_sentence", **said)]
    places = shares.by_code(result, question, "township")
    worst = sorted(places.items(), key=lambda item: (-item[1].uncovered, item[0]))[:MOST_PLACES_NAMED]
    names = shares.township_names(result, words)
    named = [
        words("report.place_count", place=names.get(code, code), persons=wording.persons(place.uncovered))
        for code, place in worst
        if place.uncovered > 0
    ]
    if named and len(places) > 1:
        sentences.append(words("report.worst_sentence", places=words.join(named)))
    return "".join(_spaced(sentences, words))


def _spaced(sentences: list[str], words: Words) -> list[str]:
    """Return sentences ready to be joined: English ones with a space between."""
    return sentences if words.language == "zh" else [s if i == 0 else f" {s}" for i, s in enumerate(sentences)]


def _standards_table(result: StudyResult, words: Words) -> Table:
    """Return every service under every standard; a column without the serves rule where it changes anything."""
    study = result.study
    matters = any(shares.rule_matters(result, shares.Question(s, st)) for s in study.services for st in s.standards)
    rows: list[tuple[Cell, ...]] = []
    strong: list[int] = []
    for service in study.services:
        for k, standard in enumerate(service.standards):
            question = shares.Question(service, standard)
            is_headline = k == 0
            if is_headline:
                strong.append(len(rows))
            name = f"{words.name(service)} · {words.name(standard)}" if is_headline else words.name(standard)
            row = [
                text(name),
                text(words.standard(study, standard)),
                text(words.group(study, service.group, service.base) if is_headline else ""),
                *_figure_cells(shares.whole(result, question)),
            ]
            if matters:
                row.append(number(_share_ignored(result, question)))
            row.append(number(_facility_count(result, service, words) if is_headline else ""))
            rows.append(tuple(row))
    named = ("service_standard", "limits", "who", "persons", "covered", "uncovered", "share")
    columns = [words(f"col.{name}") for name in named]
    columns += [words("col.share_ignored")] if matters else []
    columns.append(words("col.facilities"))
    return Table(words("report.by_standard"), tuple(columns), tuple(rows), strong_rows=tuple(strong))


def _figure_cells(figures: shares.Figures | None) -> list[Cell]:
    if figures is None:
        return [number(wording.NOTHING)] * 4
    shown = shares.in_words(figures)
    return [number(shown[key]) for key in ("persons", "covered", "uncovered", "share")]


def _share_ignored(result: StudyResult, question: shares.Question) -> str:
    """Return the share without the serves rule, or nothing where the rule changes no figure."""
    if not shares.rule_matters(result, question):
        return wording.NOTHING
    freed = shares.whole(result, shares.Question(question.service, question.standard, "ignored"))
    return wording.share(freed.share) if freed else wording.NOTHING


def _facility_count(result: StudyResult, service: ServiceConfig, words: Words) -> str:
    existing, planned = _facility_counts(result, service)
    return words("cell.with_planned", existing=f"{existing:,}", planned=f"{planned:,}") if planned else f"{existing:,}"


def _facility_counts(result: StudyResult, service: ServiceConfig) -> tuple[int, int]:
    status = views.facilities_of(result, service)["status"]
    return int((status == "existing").sum()), int((status == "planned").sum())


def _service_section(result: StudyResult, service: ServiceConfig, words: Words) -> Section:
    question = shares.headline(service)
    existing, planned = _facility_counts(result, service)
    key = "report.planned_sentence" if planned else "report.facilities_sentence"
    sentences = [_service_sentences(result, service, words)]
    sentences.append(words(key, existing=f"{existing:,}", planned=f"{planned:,}"))
    freed = shares.whole(result, shares.Question(service, question.standard, "ignored"))
    if freed and shares.rule_matters(result, question):
        shown = shares.in_words(freed)
        sentences.append(words("report.rule_sentence", share=shown["share"], covered=shown["covered"]))
    blocks: list[Block] = [Paragraph("".join(_spaced([s for s in sentences if s], words)))]
    blocks.append(_map(service.id, words("map_coverage", service=words.name(service)), words))
    blocks += _place_tables(result, question, words)
    return Section(f"service-{service.id}", words.name(service), tuple(blocks))


def _place_tables(result: StudyResult, question: shares.Question, words: Words) -> list[Table]:
    """Return the figures by township, and by island where there are several."""
    tables = []
    scopes: tuple[tuple[shares.Scope, int], ...] = (("township", 1), ("island", 2))
    for scope, least in scopes:
        places = shares.by_code(result, question, scope)
        if len(places) < least:
            continue
        names = shares.township_names(result, words) if scope == "township" else {}
        matters = shares.rule_matters(result, question)
        freed = shares.by_code(result, shares.Question(question.service, question.standard, "ignored"), scope)
        rows = [
            (text(names.get(code, code)), *_figure_cells(place), *_freed_cells(freed.get(code), matters=matters))
            for code, place in places.items()
        ]
        whole = shares.whole(result, question)
        whole_freed = shares.whole(result, shares.Question(question.service, question.standard, "ignored"))
        rows.append((text(words("report.whole")), *_figure_cells(whole), *_freed_cells(whole_freed, matters=matters)))
        columns = [words(f"col.{c}") for c in (scope, "persons", "covered", "uncovered", "share")]
        columns += [words("col.share_ignored")] if matters else []
        named = {"service": words.name(question.service), "standard": words.name(question.standard)}
        caption = words(f"report.by_{scope}", **named)
        tables.append(Table(caption, tuple(columns), tuple(rows), strong_rows=(len(rows) - 1,)))
    return tables


def _freed_cells(figures: shares.Figures | None, *, matters: bool) -> list[Cell]:
    if not matters:
        return []
    return [number(wording.share(figures.share) if figures else wording.NOTHING)]


def _map(name: str, title: str, words: Words) -> MapFrame:
    file = f"{name}.html"
    return MapFrame(
        name=name,
        title=title,
        caption=words("report.map_caption", title=title, file=file),
        waiting=words("report.map_waits"),
        without_script=words("report.map_needs_script", file=file),
    )


def _not_counted(words: Words) -> Bullets:
    return Bullets(tuple(words.starting("missing.").values()))
