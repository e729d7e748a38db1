"""The tables of a report that show coverage, and the notes beneath them; each number is one of the coverage table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chongming_gis import wording
from chongming_gis.maps import shares, views
from chongming_gis.reports.blocks import Cell, Notes, Table, number, text
from chongming_gis.units import seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chongming_gis.config import ModeConfig, ServiceConfig
    from chongming_gis.maps.shares import Figures, Question, Shares
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

CLASS_WIDTH = 0.2  # of the colours of the matrix; those of the maps
_OLDER_WALK = "older_walk"  # the presets of older people on foot begin so


@dataclass(frozen=True, slots=True)
class Told:
    """What sentences and tables are made from."""

    result: StudyResult
    words: Words
    shares: Shares
    townships: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns of figures a table has besides share, persons, covered and uncovered."""

    freed: bool  # the share if anyone may use any facility
    unreached: bool  # those who reach none at all

    @classmethod
    def of(cls, told: Told, questions: Sequence[Question]) -> _Columns:
        scopes: tuple[shares.Scope, ...] = ("district", "township")
        figures = [f for q in questions for scope in scopes for f in told.shares.by_code(q, scope).values()]
        return cls(
            freed=any(told.shares.rule_matters(question) for question in questions),
            unreached=any(entry.unreached > 0 for entry in figures),
        )

    def share_names(self) -> list[str]:
        return ["share", *["share_ignored"] * self.freed]

    def count_names(self) -> list[str]:
        return ["persons", "covered", "uncovered", *["unreached"] * self.unreached]

    def share_cells(self, figures: Figures | None, freed: Figures | None) -> list[Cell]:
        cells = [_share_cell(figures)]
        return [*cells, number(wording.share(freed.share) if freed else wording.NOTHING)] if self.freed else cells

    def count_cells(self, figures: Figures | None) -> list[Cell]:
        names = self.count_names()
        if figures is None:
            return [number(wording.NOTHING)] * len(names)
        shown = shares.in_words(figures)
        return [number(shown[name]) for name in names]


def headline_table(told: Told) -> tuple[Table, Notes]:
    """Return every service under its headline standard, and what must be known to read it."""
    words, study = told.words, told.result.study
    questions = [shares.headline(service) for service in study.services]
    columns = _Columns.of(told, questions)
    rows = [
        (
            text(words.heading(words.name(question.service))),
            *columns.share_cells(told.shares.whole(question), freed_figures(told, question)),
            text(words.standard(study, question.standard)),
            text(words.group(study, question.service.group, question.service.base)),
            *columns.count_cells(told.shares.whole(question)),
            number(_facility_count(told, question.service)),
        )
        for question in questions
    ]
    names = ["service", *columns.share_names(), "limits", "who", *columns.count_names(), "facilities"]
    table = Table(words("report.by_service"), _headings(names, words), tuple(rows))
    return table, Notes((*_note_of_speed(told), *_note_of_bases(told), *_note_of_unreached(told, columns)))


def standards_table(told: Told) -> Table:
    """Return every service under every standard, the headline one first and set off."""
    words, study = told.words, told.result.study
    questions = [shares.Question(service, standard) for service in study.services for standard in service.standards]
    columns = _Columns.of(told, questions)
    rows = [
        (
            text(f"{words.heading(words.name(question.service))} · {words.name(question.standard)}"),
            *columns.share_cells(told.shares.whole(question), freed_figures(told, question)),
            text(words.standard(study, question.standard)),
            *columns.count_cells(told.shares.whole(question)),
        )
        for question in questions
    ]
    names = ["service_standard", *columns.share_names(), "limits", *columns.count_names()]
    strong = tuple(k for k, q in enumerate(questions) if q.standard is q.service.standards[0])
    return Table(words("report.by_standard"), _headings(names, words), tuple(rows), strong_rows=strong)


def matrix(told: Told) -> Table | None:
    """Return the headline share of every service in every township, coloured; nothing where no township has figures."""
    words = told.words
    questions = [shares.headline(service) for service in told.result.study.services]
    found = [told.shares.by_code(question, "township") for question in questions]
    codes = sorted({code for places in found for code in places})
    if not codes:
        return None
    rows = [
        (
            text(words.heading(words.name(question.service))),
            _coloured(told.shares.whole(question)),
            *(_coloured(places.get(code)) for code in codes),
        )
        for question, places in zip(questions, found, strict=True)
    ]
    columns = (words("col.service"), words("report.whole"), *(told.townships.get(code, code) for code in codes))
    return Table(words("report.matrix"), columns, tuple(rows), is_matrix=True)


def place_tables(told: Told, question: Question) -> list[Table]:
    """Return the figures by township, and by island where there are several."""
    words, tables = told.words, []
    columns = _Columns.of(told, [question])
    scopes: tuple[tuple[shares.Scope, int], ...] = (("township", 1), ("island", 2))
    for scope, least in scopes:
        places = told.shares.by_code(question, scope)
        if len(places) < least:
            continue
        names = told.townships if scope == "township" else {code: words.or_raw("island", code) for code in places}
        freed = told.shares.by_code(question.freed, scope)
        rows = [
            (text(names.get(code, code)), *columns.share_cells(place, freed.get(code)), *columns.count_cells(place))
            for code, place in places.items()
        ]
        whole = told.shares.whole(question)
        whole_shares = columns.share_cells(whole, told.shares.whole(question.freed))
        rows.append((text(words("report.whole")), *whole_shares, *columns.count_cells(whole)))
        named = {"service": words.name(question.service), "standard": words.name(question.standard)}
        caption = words.heading(words(f"report.by_{scope}", **named))
        shown = _headings([scope, *columns.share_names(), *columns.count_names()], words)
        tables.append(Table(caption, shown, tuple(rows), strong_rows=(len(rows) - 1,)))
    return tables


def freed_figures(told: Told, question: Question) -> Figures | None:
    """Return the figures without the serves rule, or None where the rule changes no figure."""
    return told.shares.whole(question.freed) if told.shares.rule_matters(question) else None


def facility_counts(told: Told, service: ServiceConfig) -> tuple[int, int]:
    """Return how many facilities of a service exist, and how many are planned."""
    status = views.facilities_of(told.result, service)["status"]
    return int((status == "existing").sum()), int((status == "planned").sum())


def search_limit(told: Told) -> str:
    """Return the minutes beyond which a place counts as not reached."""
    return wording.quantity(seconds_to_minutes(told.result.study.search_limit_s))


def _headings(names: Sequence[str], words: Words) -> tuple[str, ...]:
    return tuple(words(f"col.{name}") for name in names)


def _facility_count(told: Told, service: ServiceConfig) -> str:
    existing, planned = facility_counts(told, service)
    if not planned:
        return f"{existing:,}"
    return told.words("cell.with_planned", existing=f"{existing:,}", planned=f"{planned:,}")


def _share_cell(figures: Figures | None) -> Cell:
    return number(wording.share(figures.share) if figures else wording.NOTHING)


def _coloured(figures: Figures | None) -> Cell:
    """Return a share as a cell of the matrix: its percent without the sign, in the colour of its class."""
    if figures is None or math.isnan(figures.share):
        return Cell(wording.NOTHING, "number", mark="share-none")
    place = min(int(figures.share / CLASS_WIDTH), round(1.0 / CLASS_WIDTH) - 1)
    return Cell(wording.share(figures.share).rstrip("%"), "number", mark=f"share-{place}")


def _note_of_speed(told: Told) -> list[str]:
    """Return that everybody is measured at an older person's pace, where services for other people are."""
    groups: dict[str, set[str]] = {}
    for service in told.result.study.services:
        for limit in service.standards[0].limits:
            groups.setdefault(limit.mode, set()).add(service.group)
    return [
        told.words("report.note_speed", mode=told.words.name(mode), speed=_speed(mode, told.words))
        for mode in told.result.study.modes
        if mode.preset.startswith(_OLDER_WALK) and len(groups.get(mode.id, ())) > 1
    ]


def _speed(mode: ModeConfig, words: Words) -> str:
    is_one = isinstance(mode.speed_kmh, float)
    return words("report.at_speed", speed=wording.quantity(mode.speed_kmh)) if is_one else ""  # type: ignore[arg-type]


def _note_of_bases(told: Told) -> list[str]:
    """Return which services count which people, where they count them differently."""
    words, study = told.words, told.result.study
    services_of: dict[str, list[str]] = {}
    for service in study.services:
        services_of.setdefault(service.base, []).append(words.name(service))
    if len(services_of) < 2:
        return []
    names = {base.id: words.name(base) for base in study.bases}
    most = max(services_of, key=lambda base: len(services_of[base]))
    others = [
        words("report.note_base", base=names[base], services=words.join(listed))
        for base, listed in services_of.items()
        if base != most
    ]
    return [words("report.note_bases", others=words.join_clauses(others), most=names[most])]


def _note_of_unreached(told: Told, columns: _Columns) -> list[str]:
    return [told.words("report.note_unreached", minutes=search_limit(told))] if columns.unreached else []
