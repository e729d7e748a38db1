"""The words and number formats of everything people read, in Chinese and English: one home, both complete.

Maps, report and command line take their labels from ``Words``. Numbers are formatted here too, so that the same number
looks the same wherever it stands. This module knows no geometry, no HTML and no result.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from chongming_gis.config import ALL_CLASSES
from chongming_gis.units import seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chongming_gis.config import StandardConfig, StudyConfig
    from chongming_gis.findings import Finding
    from chongming_gis.planning import SitingRuleConfig

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
NOTHING = "—"  # shown where a value is missing or has no meaning
HTML_LANG = {"zh": "zh-CN", "en": "en"}


class Named(Protocol):
    """What carries a Chinese and an English name: services, groups, bases, modes, standards, the study."""

    @property
    def name_zh(self) -> str:
        """The Chinese name."""

    @property
    def name_en(self) -> str:
        """The English name."""


class Sourced(Protocol):
    """What says where it comes from, in Chinese (or whatever the study is written in) and perhaps in English."""

    @property
    def source(self) -> str:
        """The source."""

    @property
    def source_en(self) -> str:
        """The source in English, or nothing."""


@cache
def _reasons() -> list[tuple[re.Pattern[str], str]]:
    """Return the English texts of ``why`` as patterns, the most telling first; "rest" and "raw" may hold anything."""
    told = []
    for key, texts in _catalogue().items():
        if key.startswith("why."):
            parts = re.split(r"\{(\w+)\}", texts["en"])
            for at, name in enumerate(parts):
                is_open = at % 2 == 1 and name in {"rest", "raw", "names"}
                filled = ".+" if is_open else r"\[[^\]]*\]" if name == "sites" else r"[^;:]+?"
                parts[at] = f"(?P<{name}>{filled})" if at % 2 == 1 else re.escape(name)
            told.append((len(texts["en"]), re.compile("".join(parts)), key))
    return [(pattern, key) for _, pattern, key in sorted(told, key=lambda entry: (-entry[0], entry[2]))]


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    text = files("chongming_gis").joinpath("wording.json").read_text(encoding="utf-8")
    catalogue: dict[str, dict[str, str]] = json.loads(text)
    return catalogue


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language.

    Examples
    --------
    >>> Words("zh")("minutes_n", n="12.5"), Words("en")("minutes_n", n="12.5")
    ('12.5 分钟', '12.5 min')
    """

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return a text of the catalogue with its blanks filled."""
        text = _catalogue()[key][self.language]
        return text.format(**values) if values else text

    def knows(self, key: str) -> bool:
        """Return whether the catalogue has a text."""
        return key in _catalogue()

    def or_raw(self, prefix: str, value: str) -> str:
        """Return the word for a code such as a data kind, or the code itself where the catalogue has none."""
        key = f"{prefix}.{value}"
        return self(key) if self.knows(key) else value

    def starting(self, prefix: str) -> dict[str, str]:
        """Return all texts whose key starts with ``prefix``, by the rest of their key."""
        return {
            key.removeprefix(prefix): texts[self.language]
            for key, texts in _catalogue().items()
            if key.startswith(prefix)
        }

    def finding(self, finding: Finding) -> str:
        """Return what is wrong or was done; a rule without a text is told in its English message."""
        return self._of_rule(f"finding.{finding.rule}", finding, finding.message)

    def remedy(self, finding: Finding) -> str:
        """Return what to do about a finding, or nothing."""
        return self._of_rule(f"finding.{finding.rule}.do", finding, finding.suggestion)

    def reason(self, sentence: str) -> str:
        """Return why there is no plan, which ``siting`` says in English, in the language.

        Tables, logs and errors keep the English sentence; its parts are told apart by the English texts of ``why``.
        What none of them says stays as it is.

        Examples
        --------
        >>> Words("zh").reason("no plan obeys all rules: budget: 2 is too little; the other rules need at least 3")
        '没有符合全部规则的方案：预算 2 不够；其他规则至少需要 3'
        """
        if self.language == "en":
            return sentence
        for pattern, key in _reasons():
            found = pattern.fullmatch(sentence)
            if found is None:
                continue
            blanks = found.groupdict()
            if "rest" in blanks:
                blanks["rest"] = self.reason(blanks["rest"])
            if "names" in blanks:
                names = re.split(r", (?![^\[]*\])", blanks["names"])
                blanks["names"] = self.join([self.reason(name) for name in names])
            return self(key, **blanks) if blanks else self(key)
        clauses = re.split(r"; ", sentence)
        if len(clauses) > 1:
            return self.join_clauses([self.reason(clause) for clause in clauses])
        head = re.match(r"\(\d+\) ", sentence)
        if head:
            return f"（{head[0][1:-2]}）{self.reason(sentence[head.end() :])}"
        name, colon, rest = sentence.partition(": ")
        return f"{name}：{self.reason(rest)}" if colon else sentence

    def _of_rule(self, key: str, finding: Finding, otherwise: str) -> str:
        if not otherwise or not self.knows(key):
            return otherwise
        details = {name: self.reason(text) if name == "reason" else text for name, text in finding.details.items()}
        blanks = {**details, "column": finding.column, "value": finding.value}
        try:
            return (
                _catalogue()[key][self.language].format(**blanks).rstrip("：: ")
            )  # an empty cell has no value to show
        except KeyError:  # a finding of an older result that lacks a blank of today's text
            return otherwise

    def name(self, entry: Named) -> str:
        """Return the name of a service, group, base, mode, standard or study."""
        return entry.name_zh if self.language == "zh" else entry.name_en

    def in_language(self, zh: str, en: str) -> str:
        """Return the text of this language; one that has no English is shown as it is."""
        return en or zh if self.language == "en" else zh

    def told(self, entry: Mapping[str, Any], key: str) -> str:
        """Return a text of a source as the manifest keeps it: ``key``, beside it ``key_en``."""
        return self.in_language(str(entry.get(key) or ""), str(entry.get(f"{key}_en") or ""))

    def mark(self, study: StudyConfig) -> str:
        """Return what every page is marked with: the number of its review, else that it is for internal use."""
        return self._reviewed(study) or self("internal")

    def mark_of_report(self, study: StudyConfig) -> str:
        """Return what a report says of its use: the number of its maps' review, else that it is internal material."""
        return self._reviewed(study) or self("internal_material")

    def _reviewed(self, study: StudyConfig) -> str:
        number = study.outputs.map_review_number
        return self("map_review", number=number) if number else ""

    def heading(self, text: str) -> str:
        """Return a text as it begins a line: in English with a capital."""
        return text[:1].upper() + text[1:] if self.language == "en" else text

    def inside(self, text: str) -> str:
        """Return a heading as it stands inside a sentence: in English without its capital."""
        return text[:1].lower() + text[1:] if self.language == "en" else text

    def source(self, entry: Sourced) -> str:
        """Return where an entry of the study comes from."""
        return self.in_language(entry.source, entry.source_en)

    def join(self, parts: list[str]) -> str:
        """Return names as an enumeration."""
        return ("、" if self.language == "zh" else ", ").join(parts)

    def join_clauses(self, parts: list[str]) -> str:
        """Return clauses as one: each may hold an enumeration."""
        return ("；" if self.language == "zh" else "; ").join(parts)

    def standard(self, study: StudyConfig, standard: StandardConfig) -> str:
        """Return what a standard asks for: minutes and mode, by settlement class where they differ."""
        modes = {mode.id: self.name(mode) for mode in study.modes}
        classes = {entry.id: self.name(entry) for entry in study.settlement_classes}
        parts = []
        for limit in standard.limits:
            text = self("limit", mode=modes[limit.mode], minutes=f"{limit.minutes:g}")
            if limit.settlement != ALL_CLASSES:
                text = self("limit_of_class", settlement=classes[limit.settlement], limit=text)
            parts.append(text)
        return self.join_clauses(parts)

    def service(self, study: StudyConfig, service_id: str) -> str:
        """Return the name of a service of the study, or the id where it has none of that id."""
        return next((self.name(s) for s in study.services if s.id == service_id), service_id)

    def siting_rule(self, study: StudyConfig, rule: SitingRuleConfig) -> str:
        """Return what a siting rule asks for."""
        named = next((layer for layer in study.layers if layer.id == rule.layer), None)
        layer = self.service(study, rule.layer) if named is None else self.name(named)
        for prefix in ("siting_layer", "zone", "land"):
            if layer == rule.layer:
                layer = self.or_raw(prefix, rule.layer)
        return self(f"siting_rule.{rule.rule}", layer=layer, metres=quantity(rule.distance_m))

    def refusal(self, study: StudyConfig, service_id: str, rule_id: str) -> str:
        """Return why a candidate of a service is refused, by the id of the rule that its table names."""
        rules = (rule for rule in study.siting_rules if rule.service == service_id and rule.id == rule_id)
        rule = next(rules, None)
        return self.or_raw("refusal", rule_id) if rule is None else self.siting_rule(study, rule)

    def group(self, study: StudyConfig, group_id: str, base_id: str) -> str:
        """Return who is counted: a group under a population base."""
        group = next((self.name(g) for g in study.groups if g.id == group_id), group_id)
        base = next((self.name(b) for b in study.bases if b.id == base_id), base_id)
        return self("group_of_base", group=group, base=base)

    def role(self, study: StudyConfig, role: str) -> str:
        """Return what a source is for; roles of facilities carry their service's id."""
        service_id = role.replace(".", ":").rpartition(":")[2]
        if any(service.id == service_id for service in study.services):
            return self("role.facilities_of", service=self.service(study, service_id))
        layer = next((layer for layer in study.layers if role == f"layer:{layer.id}"), None)
        return self.or_raw("role", role) if layer is None else self.name(layer)


def persons(value: float | None) -> str:
    """Return a count of people as whole persons with thousands separators.

    Examples
    --------
    >>> persons(12345.6), persons(0), persons(0.2), persons(float("nan"))
    ('12,346', '0', '<1', '—')
    """
    if value is None or math.isnan(value):
        return NOTHING
    return "<1" if value > 0 and round(value) == 0 else f"{value:,.0f}"


def share(value: float | None) -> str:
    """Return a share (0-1) in percent; neither all nor none is claimed where rounding alone would say so.

    Examples
    --------
    >>> share(0.6321), share(1.0), share(0.99996), share(0.00001), share(float("nan"))
    ('63.2%', '100%', '>99.9%', '<0.1%', '—')
    """
    if value is None or math.isnan(value):
        return NOTHING
    percent = 100.0 * value
    if percent in {0.0, 100.0}:
        return f"{percent:.0f}%"
    text = f"{percent:.1f}"
    return {"0.0": "<0.1%", "100.0": ">99.9%"}.get(text, f"{text}%")


def minutes(seconds: float) -> str:
    """Return minutes with one decimal, or a dash for a place that was not reached.

    Examples
    --------
    >>> minutes(754.0), minutes(float("inf"))
    ('12.6', '—')
    """
    return f"{seconds_to_minutes(seconds):.1f}" if math.isfinite(seconds) else NOTHING


def quantity(value: float | None) -> str:
    """Return a plain quantity without needless decimals.

    Examples
    --------
    >>> quantity(120.0), quantity(2.5), quantity(None)
    ('120', '2.5', '—')
    """
    return NOTHING if value is None or math.isnan(value) else f"{value:,.10g}"


def provenance(words: Words, source: Mapping[str, Any]) -> str:
    """Return one source in a line: file, position quality, who made it, how, date and licence, as far as stated.

    Its kind is not among them: whoever shows a source shows that apart, so that schematic cannot be missed.
    """
    quality = source.get("position_quality_m")
    parts = [
        file_name(source.get("path")),
        words("quality_m", metres=quantity(float(quality))) if quality is not None else "",
        words.told(source, "source"),
        words.told(source, "how"),
        str(source.get("date") or ""),
        words.told(source, "licence"),
    ]
    return " · ".join(part for part in parts if part)


def file_name(path: object) -> str:
    """Return the name of a file by which a reader knows it; where it lies is of no use to him.

    Examples
    --------
    >>> file_name("../data/demand/demand.parquet"), file_name(None)
    ('demand.parquet', '')
    """
    return PurePosixPath(str(path)).name if path else ""


def points(difference: float | None) -> str:
    """Return a difference of two shares in percentage points, with its sign.

    Examples
    --------
    >>> points(0.0321), points(-0.1), points(0.0), points(float("nan"))
    ('+3.2', '−10.0', '0.0', '—')
    """
    if difference is None or math.isnan(difference):
        return NOTHING
    shown = f"{abs(100.0 * difference):.1f}"
    return shown if shown == "0.0" else f"{'+' if difference > 0 else '−'}{shown}"


def signed(value: float | None) -> str:
    """Return a difference of counts of people, with its sign.

    Examples
    --------
    >>> signed(1234.4), signed(-0.3), signed(0.0)
    ('+1,234', '−<1', '0')
    """
    if value is None or math.isnan(value):
        return NOTHING
    return "0" if value == 0 else f"{'+' if value > 0 else '−'}{persons(abs(value))}"
