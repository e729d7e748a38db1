"""What the coverage table says, picked out for showing: one lookup, so that maps and report show the same number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from chongming_gis import wording
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chongming_gis.config import ServiceConfig, StandardConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

Scope = Literal["district", "island", "township", "village"]
Rule = Literal["applied", "ignored"]


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

    found: Mapping[tuple[str, str, str, str], Mapping[str, Figures]]

    def by_code(self, question: Question, scope: Scope) -> Mapping[str, Figures]:
        """Return the figures of every place of a scope by its code, in order of code."""
        return self.found.get((*question.parts, scope), {})

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
    keys = pd.MultiIndex.from_arrays([table["service"], table["group"], table["base"]])
    own = pd.MultiIndex.from_tuples([(s.id, s.group, s.base) for s in result.study.services])
    rows = table.loc[keys.isin(own)].sort_values("scope_code", kind="stable")
    found: dict[tuple[str, str, str, str], dict[str, Figures]] = {}
    unreached = _unreached(result)
    key_columns = ("service", "standard", "serves_rule", "scope", "scope_code")
    number_columns = ("persons", "persons_covered", "share_covered")
    keyed = zip(*(rows[name].tolist() for name in key_columns), strict=True)
    numbers = zip(*(rows[name].to_numpy(dtype=float).tolist() for name in number_columns), strict=True)
    for (service, standard, rule, scope, code), (persons, covered, share) in zip(keyed, numbers, strict=True):
        key = (service, standard, rule, scope)
        left_out = unreached.get((*key, str(code)), 0.0)
        found.setdefault(key, {})[str(code)] = Figures(persons, covered, share, left_out)
    return Shares(found)


def _unreached(result: StudyResult) -> dict[tuple[str, str, str, str, str], float]:
    """Return the persons who reach no facility at all, by service, standard, rule, scope and code."""
    rows = result.access.loc[np.isinf(result.access["time_s"].to_numpy(dtype=float))]
    if rows.empty:
        return {}
    points = result.demand.points.set_index("demand_id")
    at = points.index.get_indexer(pd.Index(rows["demand_id"]))
    persons = np.zeros(len(rows))
    for service in result.study.services:
        column = result.demand.persons[persons_column(service.base, service.group)].to_numpy(dtype=float)
        chosen = (rows["service"] == service.id).to_numpy() & (at >= 0)
        persons[chosen] = column[at[chosen]]
    places = points.iloc[at]
    scopes = {"district": None, "island": places["island"], "township": places["township_code"]}
    found: dict[tuple[str, str, str, str, str], float] = {}
    for scope, code in scopes.items():
        codes = np.full(len(rows), result.study.id, dtype=object) if code is None else code.to_numpy(dtype=object)
        keyed = rows[["service", "standard", "serves_rule"]].assign(code=codes, persons=persons)
        sums = keyed.groupby(["service", "standard", "serves_rule", "code"], observed=True)["persons"].sum()
        found |= {(*key[:3], scope, str(key[3])): float(total) for key, total in sums.items() if total > 0}
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
