"""What the coverage table says, picked out for showing: one lookup, so that maps and report show the same number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from chongming_gis import wording

if TYPE_CHECKING:
    from chongming_gis.config import ServiceConfig, StandardConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

Scope = Literal["district", "island", "township", "village"]
Rule = Literal["applied", "ignored"]
_RULES: tuple[Rule, Rule] = ("applied", "ignored")


@dataclass(frozen=True, slots=True)
class Figures:
    """Persons of one place and how many of them are within the standard; ``share`` is NaN where nobody lives."""

    persons: float
    covered: float
    share: float

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
    def key(self) -> str:
        """An id of the question, unique in a study."""
        return f"{self.service.id}-{self.standard.id}-{self.rule}"


def headline(service: ServiceConfig) -> Question:
    """Return the question that stands for a service: its first standard."""
    return Question(service, service.standards[0])


def questions(result: StudyResult, service: ServiceConfig) -> list[Question]:
    """Return what can be asked of a service: each standard, and without the serves rule if that changes a number."""
    asked = [Question(service, standard) for standard in service.standards]
    freed = [Question(q.service, q.standard, "ignored") for q in asked if rule_matters(result, q)]
    return [*asked, *freed]


def rows(result: StudyResult, question: Question, scope: Scope) -> pd.DataFrame:
    """Return the coverage rows of a question at one scope, for the service's own group and base, in order of code."""
    table = result.coverage
    service = question.service
    wanted = (
        (table["service"] == service.id)
        & (table["standard"] == question.standard.id)
        & (table["serves_rule"] == question.rule)
        & (table["scope"] == scope)
        & (table["group"] == service.group)
        & (table["base"] == service.base)
    )
    return table.loc[wanted].sort_values("scope_code", kind="stable")


def by_code(result: StudyResult, question: Question, scope: Scope) -> dict[str, Figures]:
    """Return the figures of every place of a scope, by its code."""
    found = rows(result, question, scope)
    columns = (found[name] for name in ("scope_code", "persons", "persons_covered", "share_covered"))
    return {
        str(code): Figures(float(persons), float(covered), float(share) if pd.notna(share) else float("nan"))
        for code, persons, covered, share in zip(*columns, strict=True)
    }


def whole(result: StudyResult, question: Question) -> Figures | None:
    """Return the figures of the whole study area, or None where the table has none."""
    return next(iter(by_code(result, question, "district").values()), None)


def rule_matters(result: StudyResult, question: Question) -> bool:
    """Return whether lifting the rule on who may use which facility changes any number of this question."""
    covered = []
    for rule in _RULES:
        asked = Question(question.service, question.standard, rule)
        scopes: tuple[Scope, ...] = ("district", "township")
        covered.append([by_code(result, asked, scope) for scope in scopes])
    applied, ignored = covered
    return any(
        figures.covered != ignored[i][code].covered
        for i, places in enumerate(applied)
        for code, figures in places.items()
        if code in ignored[i]
    )


def township_names(result: StudyResult, words: Words) -> dict[str, str]:
    """Return the townships' names by code, in English where they have one and English is asked for."""
    table = result.townships
    chinese = dict(zip(table["township_code"], table["name_zh"], strict=True))
    if words.language == "zh":
        return chinese
    english = zip(table["township_code"], table["name_en"], strict=True)
    return {**chinese, **{code: str(name) for code, name in english if pd.notna(name)}}


def in_words(figures: Figures) -> dict[str, str]:
    """Return figures as they are shown: persons, covered, uncovered and share.

    Persons can be fractions of spread totals; the uncovered are shown as the difference of the two whole numbers
    beside them, so that the three always add up for the reader.
    """
    difference = round(figures.persons) - round(figures.covered)
    return {
        "persons": wording.persons(figures.persons),
        "covered": wording.persons(figures.covered),
        "uncovered": wording.persons(difference or figures.uncovered),
        "share": wording.share(figures.share),
    }
