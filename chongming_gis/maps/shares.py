"""What the coverage table says, picked out for showing: one lookup, so that maps and report show the same number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from chongming_gis import wording
from chongming_gis.maps.times import read_access
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chongming_gis.config import ServiceConfig, StandardConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

Scope = Literal["district", "island", "township", "village"]
Rule = Literal["applied", "ignored"]

_KEYS = ("service", "standard", "serves_rule", "scope")
_NUMBERS = ("persons", "persons_covered", "share_covered")


@dataclass(frozen=True, slots=True)
class Figures:
    """Persons of one place and how many of them are within the standard; ``share`` is NaN where nobody lives.

    ``unreached`` are those of the uncovered who cannot get to any facility they may use, however long they travel.
    """

    persons: float
    covered: float
    share: float
    unreached: float = 0.0

    @property
    def uncovered(self) -> float:
        """Persons not within the standard."""
        return self.persons - self.covered


@dataclass(frozen=True, slots=True)
class Question:
    """A service under one of its standards, for the people it is meant for."""

    service: ServiceConfig
    standard: StandardConfig
    rule: Rule = "applied"

    @property
    def parts(self) -> tuple[str, str, str]:
        """Service, standard and rule, as the tables name them."""
        return (self.service.id, self.standard.id, self.rule)

    @property
    def key(self) -> str:
        """An id of the question, unique in a study."""
        return "-".join(self.parts)

    @property
    def freed(self) -> Question:
        """The same question without the rule on who may use which facility."""
        return Question(self.service, self.standard, "ignored")


def headline(service: ServiceConfig) -> Question:
    """Return the question that stands for a service: its first standard."""
    return Question(service, service.standards[0])


@dataclass(frozen=True, slots=True)
class Shares:
    """The figures of a result by question and scope, each for the service's own group and base of people."""

    table: pd.DataFrame  # rows of the coverage table, those of a question and scope together
    rows: Mapping[tuple[str, str, str, str], tuple[int, int]]  # from and below
    unreached: Mapping[tuple[str, str, str, str], Mapping[str, float]]
    _found: dict[tuple[str, str, str, str], dict[str, Figures]] = field(default_factory=dict)  # made when asked for

    def by_code(self, question: Question, scope: Scope) -> Mapping[str, Figures]:
        """Return the figures of every place of a scope by its code, in order of code."""
        key = (*question.parts, scope)
        if key not in self._found:
            rows = self.table.iloc[slice(*self.rows.get(key, (0, 0)))]
            unreached = self.unreached.get(key, {})
            numbers = zip(*(rows[name].to_numpy(dtype=float).tolist() for name in _NUMBERS), strict=True)
            self._found[key] = {
                code: Figures(persons, covered, share, unreached.get(code, 0.0))
                for code, (persons, covered, share) in zip(rows["scope_code"].tolist(), numbers, strict=True)
            }
        return self._found[key]

    def whole(self, question: Question) -> Figures | None:
        """Return the figures of the whole study area, or None where the table has none."""
        return next(iter(self.by_code(question, "district").values()), None)

    def rule_matters(self, question: Question) -> bool:
        """Return whether lifting the rule on who may use which facility changes any number of this question."""
        scopes: tuple[Scope, ...] = ("district", "township")
        for scope in scopes:
            freed = self.by_code(question.freed, scope)
            for code, figures in self.by_code(question, scope).items():
                if code in freed and freed[code].covered != figures.covered:
                    return True
        return False

    def questions(self, standards: tuple[Question, ...]) -> list[Question]:
        """Return questions, and after them the same without the serves rule where that changes a number."""
        return [*standards, *(question.freed for question in standards if self.rule_matters(question))]


def read_shares(result: StudyResult) -> Shares:
    """Return the figures of a result's coverage table for looking up."""
    table = result.coverage
    is_own = np.zeros(len(table), dtype=np.bool_)
    for service in result.study.services:
        who = {"service": service.id, "group": service.group, "base": service.base}
        is_own |= np.logical_and.reduce([(table[name] == value).to_numpy(dtype=bool) for name, value in who.items()])
    rows = table.loc[is_own, [*_KEYS, "scope_code", *_NUMBERS]].sort_values([*_KEYS, "scope_code"], kind="stable")
    keys = rows[list(_KEYS)]
    starts = np.flatnonzero((keys != keys.shift()).any(axis=1).to_numpy(dtype=bool))
    ends = np.append(starts, len(rows))[1:].tolist()
    of = zip(*(keys[name].iloc[starts].tolist() for name in _KEYS), strict=True)
    return Shares(rows, dict(zip(of, zip(starts.tolist(), ends, strict=True), strict=True)), _unreached(result))


def _unreached(result: StudyResult) -> dict[tuple[str, str, str, str], dict[str, float]]:
    """Return the persons who reach no facility at all, by code, for every service, standard, rule and scope."""
    access = read_access(result)
    points = result.demand.points
    scopes = {"island": pd.factorize(points["island"]), "township": pd.factorize(points["township_code"])}
    people = {
        service.id: result.demand.persons[persons_column(service.base, service.group)].to_numpy(dtype=float)
        for service in result.study.services
    }
    found: dict[tuple[str, str, str, str], dict[str, float]] = {}
    for parts in (known for known in access.rows if known[0] in people):
        time_s = access.answers(parts)["time_s"].to_numpy(dtype=float)
        persons = np.where(np.isinf(time_s), people[parts[0]], 0.0)
        found[*parts, "district"] = {result.study.id: float(persons.sum())}
        for scope, (place, codes) in scopes.items():
            sums = np.bincount(place[place >= 0], weights=persons[place >= 0], minlength=len(codes))
            found[*parts, scope] = dict(zip(map(str, codes), sums.tolist(), strict=True))
    return found


def township_names(result: StudyResult, words: Words) -> dict[str, str]:
    """Return the townships' names by code, in English where they have one and English is asked for."""
    table = result.townships
    chinese = dict(zip(table["township_code"], table["name_zh"], strict=True))
    if words.language == "zh":
        return chinese
    english = zip(table["township_code"], table["name_en"], strict=True)
    return {**chinese, **{code: str(name) for code, name in english if pd.notna(name)}}


def in_words(figures: Figures) -> dict[str, str]:
    """Return figures as they are shown: persons, covered, uncovered and share, and those who reach none at all.

    Persons can be fractions of spread totals; the uncovered are shown as the difference of the two whole numbers
    beside them, so that the three always add up for the reader.
    """
    difference = round(figures.persons) - round(figures.covered)
    return {
        "persons": wording.persons(figures.persons),
        "covered": wording.persons(figures.covered),
        "uncovered": wording.persons(difference or figures.uncovered),
        "share": wording.share(figures.share),
        "unreached": wording.persons(figures.unreached),
    }
