"""What a report says, as plain blocks: sentences, tables and places for maps. No HTML here; ``document`` renders it.

Sentences are made from numbers: where there is no number there is no sentence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chongming_gis import wording
from chongming_gis.maps import notices, shares, views
from chongming_gis.reports import method, plan
from chongming_gis.reports.blocks import Bullets, MapFrame, Paragraph, Section, Table, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chongming_gis.config import ServiceConfig
    from chongming_gis.maps.shares import Figures, Question, Shares
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

MOST_PLACES_NAMED = 3
MOST_SENTENCES = 6  # with more services than this the summary sorts them into bands: a minute is enough to read it
_BANDS = ((0.9, math.inf), (0.5, 0.9), (-math.inf, 0.5))  # from and below


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report: what stands on its head, and its chapters."""

    title: str
    date: str
    badge: str
    notice: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """What sentences and tables are made from."""

    result: StudyResult
    words: Words
    shares: Shares
    townships: Mapping[str, str]


def build_content(result: StudyResult, words: Words) -> Report:
    """Return what the report of a result says."""
    study = result.study
    told = _Told(result, words, shares.read_shares(result), shares.township_names(result, words))
    return Report(
        title=words("report.title", study=words.name(study)),
        date=words("data_date", date=study.data_date.isoformat()),
        badge=words("internal"),
        notice=notices.schematic_notice(study, notices.sources(result), words),
        sections=(
            Section("summary", words("report.summary"), _summary(told)),
            Section("overview", words("report.overview_map"), (_map(told, "overview", words("map_overview")),)),
            Section("standards", words("report.standards_chapter"), (_all_standards(told),)),
            Section("services", words("report.services_chapter"), (), tuple(_service(told, s) for s in study.services)),
            *plan.sections(result, words),
            Section("method", words("report.method"), method.blocks(result, words)),
            Section("not-counted", words("report.not_counted"), (Bullets(tuple(words.starting("missing.").values())),)),
        ),
    )


def _summary(told: _Told) -> tuple[Block, ...]:
    result, words = told.result, told.words
    services = result.study.services
    scale = words(
        "report.scale_sentence",
        services=len(services),
        facilities=f"{len(result.facilities.places):,}",
        points=f"{len(result.demand.points):,}",
        date=result.study.data_date.isoformat(),
    )
    opening = Paragraph(_joined([scale, *_range_sentence(told)], words))
    few = len(services) <= MOST_SENTENCES
    points = [_service_sentences(told, service) for service in services] if few else _band_sentences(told)
    return (opening, Bullets(tuple(points)), _headline_table(told))


def _headline_shares(told: _Told) -> list[tuple[ServiceConfig, float]]:
    """Return the services whose headline share is known."""
    found = [(service, told.shares.whole(shares.headline(service))) for service in told.result.study.services]
    return [(service, figures.share) for service, figures in found if figures and not math.isnan(figures.share)]


def _range_sentence(told: _Told) -> list[str]:
    """Return the services with the highest and the lowest share, where there are two that differ."""
    known = _headline_shares(told)
    if not known:
        return []
    best, worst = max(known, key=lambda pair: pair[1]), min(known, key=lambda pair: pair[1])
    if wording.share(best[1]) == wording.share(worst[1]):
        return []
    return [
        told.words(
            "report.range_sentence",
            best=told.words.name(best[0]),
            best_share=wording.share(best[1]),
            worst=told.words.name(worst[0]),
            worst_share=wording.share(worst[1]),
        )
    ]


def _band_sentences(told: _Told) -> list[str]:
    """Return the services sorted into bands of their share, the lowest share last in each."""
    sentences = []
    known = sorted(_headline_shares(told), key=lambda pair: -pair[1])
    for (low, below), key in zip(_BANDS, ("high", "middle", "low"), strict=True):
        named = [
            told.words("report.share_of", service=told.words.name(service), share=wording.share(share))
            for service, share in known
            if low <= share < below
        ]
        if named:
            sentences.append(told.words(f"report.band_{key}", n=len(named), services=told.words.join(named)))
    return sentences


def _service_sentences(told: _Told, service: ServiceConfig) -> str:
    """Return how a service stands under its headline standard, and where those live who are left out."""
    words, question = told.words, shares.headline(service)
    figures = told.shares.whole(question)
    if figures is None:
        return ""
    said = {
        "service": words.name(service),
        "who": words.group(told.result.study, service.group, service.base),
        "standard": words.name(question.standard),
        "limits": words.standard(told.result.study, question.standard),
        **shares.in_words(figures),
    }
    if math.isnan(figures.share):
        return words("report.nobody_sentence", **said)
    if figures.uncovered == 0:
        return words("report.all_covered_sentence", **said)
    return _joined([words("report.service_sentence", **said), *_worst_sentence(told, question)], words)


def _worst_sentence(told: _Told, question: Question) -> list[str]:
    """Return the townships with the most people left out, where there are several townships."""
    places = told.shares.by_code(question, "township")
    worst = sorted(places.items(), key=lambda item: (-item[1].uncovered, item[0]))[:MOST_PLACES_NAMED]
    named = [
        told.words("report.place_count", place=told.townships.get(code, code), persons=wording.persons(place.uncovered))
        for code, place in worst
        if place.uncovered > 0
    ]
    if not named or len(places) == 1:
        return []
    return [told.words("report.worst_sentence", places=told.words.join(named))]


def _joined(sentences: list[str], words: Words) -> str:
    """Return sentences as one text: in English with a space between."""
    return ("" if words.language == "zh" else " ").join(sentence for sentence in sentences if sentence)


def _headline_table(told: _Told) -> Table:
    """Return every service under its headline standard."""
    words, study = told.words, told.result.study
    questions = [shares.headline(service) for service in study.services]
    matters = any(told.shares.rule_matters(question) for question in questions)
    rows = [
        (
            text(words.name(question.service)),
            text(words.standard(study, question.standard)),
            text(words.group(study, question.service.group, question.service.base)),
            *_figure_cells(told.shares.whole(question)),
            *_freed_cells(_freed(told, question), matters=matters),
            number(_facility_count(told, question.service)),
        )
        for question in questions
    ]
    names = ["service", "limits", "who", "persons", "covered", "uncovered", "share"]
    names += ["share_ignored"] * matters + ["facilities"]
    return Table(words("report.by_service"), tuple(words(f"col.{name}") for name in names), tuple(rows))


def _all_standards(told: _Told) -> Table:
    """Return every service under every standard, the headline one first and set off."""
    words, study = told.words, told.result.study
    questions = [shares.Question(service, standard) for service in study.services for standard in service.standards]
    matters = any(told.shares.rule_matters(question) for question in questions)
    rows = [
        (
            text(f"{words.name(question.service)} · {words.name(question.standard)}"),
            text(words.standard(study, question.standard)),
            *_figure_cells(told.shares.whole(question)),
            *_freed_cells(_freed(told, question), matters=matters),
        )
        for question in questions
    ]
    names = ["service_standard", "limits", "persons", "covered", "uncovered", "share"]
    columns = tuple(words(f"col.{name}") for name in names + ["share_ignored"] * matters)
    strong = tuple(k for k, q in enumerate(questions) if q.standard is q.service.standards[0])
    return Table(words("report.by_standard"), columns, tuple(rows), strong_rows=strong)


def _figure_cells(figures: Figures | None) -> list[Cell]:
    if figures is None:
        return [number(wording.NOTHING)] * 4
    shown = shares.in_words(figures)
    return [number(shown[key]) for key in ("persons", "covered", "uncovered", "share")]


def _freed(told: _Told, question: Question) -> Figures | None:
    """Return the figures without the serves rule, or None where the rule changes no figure."""
    return told.shares.whole(question.freed) if told.shares.rule_matters(question) else None


def _freed_cells(figures: Figures | None, *, matters: bool) -> list[Cell]:
    return [number(wording.share(figures.share) if figures else wording.NOTHING)] if matters else []


def _facility_count(told: _Told, service: ServiceConfig) -> str:
    existing, planned = _facility_counts(told, service)
    if not planned:
        return f"{existing:,}"
    return told.words("cell.with_planned", existing=f"{existing:,}", planned=f"{planned:,}")


def _facility_counts(told: _Told, service: ServiceConfig) -> tuple[int, int]:
    status = views.facilities_of(told.result, service)["status"]
    return int((status == "existing").sum()), int((status == "planned").sum())


def _service(told: _Told, service: ServiceConfig) -> Section:
    words, question = told.words, shares.headline(service)
    existing, planned = _facility_counts(told, service)
    key = "report.planned_sentence" if planned else "report.facilities_sentence"
    sentences = [_service_sentences(told, service), words(key, existing=f"{existing:,}", planned=f"{planned:,}")]
    freed = _freed(told, question)
    if freed:
        shown = shares.in_words(freed)
        sentences.append(words("report.rule_sentence", share=shown["share"], covered=shown["covered"]))
    blocks: list[Block] = [
        Paragraph(_joined(sentences, words)),
        _map(told, service.id, words("map_coverage", service=words.name(service))),
        *_place_tables(told, question),
    ]
    return Section(f"service-{service.id}", words.name(service), tuple(blocks))


def _place_tables(told: _Told, question: Question) -> list[Table]:
    """Return the figures by township, and by island where there are several."""
    words, tables = told.words, []
    matters = told.shares.rule_matters(question)
    scopes: tuple[tuple[shares.Scope, int], ...] = (("township", 1), ("island", 2))
    for scope, least in scopes:
        places = told.shares.by_code(question, scope)
        if len(places) < least:
            continue
        names = told.townships if scope == "township" else {code: words.or_raw("island", code) for code in places}
        freed = told.shares.by_code(question.freed, scope)
        rows = [
            (text(names.get(code, code)), *_figure_cells(place), *_freed_cells(freed.get(code), matters=matters))
            for code, place in places.items()
        ]
        whole = told.shares.whole(question)
        whole_freed = _freed_cells(told.shares.whole(question.freed), matters=matters)
        rows.append((text(words("report.whole")), *_figure_cells(whole), *whole_freed))
        columns = [scope, "persons", "covered", "uncovered", "share", *["share_ignored"] * matters]
        named = {"service": words.name(question.service), "standard": words.name(question.standard)}
        caption = words(f"report.by_{scope}", **named)
        shown = tuple(words(f"col.{name}") for name in columns)
        tables.append(Table(caption, shown, tuple(rows), strong_rows=(len(rows) - 1,)))
    return tables


def _map(told: _Told, name: str, title: str) -> MapFrame:
    words, file = told.words, f"{name}.html"
    return MapFrame(
        name=name,
        title=title,
        caption=words("report.map_caption", title=title, file=file),
        waiting=words("report.map_waits"),
        without_script=words("report.map_needs_script", file=file),
    )
