"""What a report says, as plain blocks: sentences, tables and places for maps. No HTML here; ``document`` renders it.

Sentences are made from numbers: where there is no number there is no sentence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chongming_gis import wording
from chongming_gis.maps import notices, shares
from chongming_gis.reports import (
    areas,
    beds,
    burial,
    capacity,
    certainty,
    circle,
    delivery,
    fair,
    figures,
    links,
    method,
    phases,
    plan,
    proposals,
    robust,
    uncovered,
    verdict,
)
from chongming_gis.reports.blocks import Bullets, MapFrame, Paragraph, Section
from chongming_gis.reports.figures import Told

if TYPE_CHECKING:
    from chongming_gis.config import ServiceConfig
    from chongming_gis.maps.shares import Figures, Question
    from chongming_gis.reports.blocks import Block
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


def build_content(result: StudyResult, words: Words, *, read: shares.Shares | None = None) -> Report:
    """Return what the report of a result says; ``read`` = its shares, where they are there already."""
    study = result.study
    told = Told(result, words, read or shares.read_shares(result), shares.township_names(result, words))
    return Report(
        title=words("report.title", study=words.name(study)),
        date=words("report.date", date=study.data_date.isoformat(), mark=words.mark_of_report(study)),
        badge=notices.badge(notices.sources(result), words),
        notice=notices.schematic_notice(study, notices.sources(result), words),
        sections=(
            Section("summary", words("report.summary"), _summary(told)),
            Section("overview", words("report.overview_map"), (_map(told, "overview", words("map_overview")),)),
            *_matrix(told),
            Section("standards", words("report.standards_chapter"), (figures.standards_table(told),)),
            Section("services", words("report.services_chapter"), (), tuple(_service(told, s) for s in study.services)),
            *uncovered.sections(told),
            *areas.sections(told),
            *capacity.sections(told),
            *circle.sections(told),
            *links.sections(told),
            *burial.sections(told),
            *fair.sections(told),
            *proposals.sections(told),
            *robust.sections(told),
            *phases.sections(told),
            *beds.sections(told),
            *delivery.sections(told),
            *certainty.sections(told),
            *plan.sections(result, words),
            *verdict.section(result, words),
            Section("method", words("report.method"), method.blocks(result, words)),
            Section("not-counted", words("report.not_counted"), (Bullets(tuple(words.starting("missing.").values())),)),
        ),
    )


def _summary(told: Told) -> tuple[Block, ...]:
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
    return (opening, Bullets((*points, *_further_sentences(told))), *figures.headline_table(told))


def _further_sentences(told: Told) -> list[str]:
    """Return in a line each what the chapters on the circle, the plan and the proposals come to."""
    result, words = told.result, told.words
    lines = [circle.in_a_line(told)]
    for target_set in result.study.plan.target_sets if result.study.plan else ():
        if target_set.stage == "review":
            counts = plan.count_of_statuses(result.indicators, target_set.id, words)
            lines.append(words("summary.plan", target_set=words.name(target_set), counts=counts) if counts else "")
    return [line for line in (*lines, proposals.in_a_line(told)) if line]


def _matrix(told: Told) -> tuple[Section, ...]:
    """Return the chapter on townships and services, where townships have figures."""
    table = figures.matrix(told)
    if table is None:
        return ()
    return (Section("by-township", told.words("report.matrix_chapter"), (table,)),)


def _headline_shares(told: Told) -> list[tuple[ServiceConfig, float]]:
    """Return the services whose headline share is known."""
    found = [(service, told.shares.whole(shares.headline(service))) for service in told.result.study.services]
    return [(service, whole.share) for service, whole in found if whole and not math.isnan(whole.share)]


def _range_sentence(told: Told) -> list[str]:
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


def _band_sentences(told: Told) -> list[str]:
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


def _service_sentences(told: Told, service: ServiceConfig) -> str:
    """Return how a service stands under its headline standard, and where those live who are left out."""
    words, question = told.words, shares.headline(service)
    found = told.shares.whole(question)
    if found is None:
        return ""
    said = {
        "service": words.heading(words.name(service)),
        "who": words.group(told.result.study, service.group, service.base),
        "standard": words.name(question.standard),
        "limits": words.standard(told.result.study, question.standard),
        **shares.in_words(found),
    }
    if math.isnan(found.share):
        return words("report.nobody_sentence", **said)
    if found.uncovered == 0:
        return words("report.all_covered_sentence", **said)
    sentences = [
        words("report.service_sentence", **said),
        *_beyond_sentence(told, found),
        *_worst_sentence(told, question),
    ]
    return _joined(sentences, words)


def _beyond_sentence(told: Told, found: Figures) -> list[str]:
    """Return how many of the uncovered come too late and how many do not get there at all, where there are such."""
    unreached, uncovered = round(found.unreached), round(found.persons) - round(found.covered)
    if unreached == 0:
        return []
    key = "report.none_reach_sentence" if unreached >= uncovered else "report.beyond_sentence"
    said = {"unreached": wording.persons(unreached), "beyond": wording.persons(max(uncovered - unreached, 0))}
    return [told.words(key, minutes=figures.search_limit(told), **said)]


def _worst_sentence(told: Told, question: Question) -> list[str]:
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


def _service(told: Told, service: ServiceConfig) -> Section:
    words, question = told.words, shares.headline(service)
    existing, planned = figures.facility_counts(told, service)
    key = "report.planned_sentence" if planned else "report.facilities_sentence"
    sentences = [_service_sentences(told, service), words(key, existing=f"{existing:,}", planned=f"{planned:,}")]
    freed = figures.freed_figures(told, question)
    if freed:
        shown = shares.in_words(freed)
        sentences.append(words("report.rule_sentence", share=shown["share"], covered=shown["covered"]))
    blocks: list[Block] = [
        Paragraph(_joined(sentences, words)),
        _map(told, service.id, words("map_coverage", service=words.name(service))),
        *figures.place_tables(told, question),
    ]
    return Section(f"service-{service.id}", words.heading(words.name(service)), tuple(blocks))


def _map(told: Told, name: str, title: str) -> MapFrame:
    words, file = told.words, f"{name}.html"
    return MapFrame(
        name=name,
        title=title,
        caption=words("report.map_caption", title=title, file=file),
        waiting=words("report.map_waits"),
        without_script=words("report.map_needs_script", file=file),
    )
