"""The verdict in words: lights and findings as people read them, on the screen, in the report and in check.xlsx."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chongming_gis import check
from chongming_gis.reports.blocks import Paragraph, Section, Table, number, short, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from chongming_gis.check import Light, Verdict
    from chongming_gis.config import StudyConfig
    from chongming_gis.findings import Finding
    from chongming_gis.reports.blocks import Block
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in the words of one language."""

    finding: Finding
    said: str
    remedy: str


def tell(findings: Iterable[Finding], study: StudyConfig, words: Words) -> list[Told]:
    """Return findings in words, with the names of modes, groups, bases and services in place of their ids."""
    names = {
        "mode": {mode.id: words.name(mode) for mode in study.modes},
        "group": {group.id: words.name(group) for group in study.groups},
        "base": {base.id: words.name(base) for base in study.bases},
        "service": {service.id: words.name(service) for service in study.services},
        "unit": words.starting("unit."),
    }
    names |= {"modes": names["mode"], "everyone": names["group"]}
    told = []
    for finding in findings:
        details = {key: _named(value, names.get(key, {}), words) for key, value in finding.details.items()}
        named = replace(finding, details=details)
        told.append(Told(finding, words.finding(named), words.remedy(named)))
    return told


def _named(value: str, names: Mapping[str, str], words: Words) -> str:
    """Return an id, or several with commas between, by their names."""
    if not names:
        return value
    return words.join([names.get(part, part) for part in value.split(", ")])


def light_of(record: Mapping[str, Any]) -> Light:
    """Return the light of a manifest's record."""
    return check.Light(**record)


def effect(light: Light, words: Words) -> str:
    """Return in one sentence what an input's findings do to the results."""
    if light.colour == "green":
        return words("effect.none")
    n, of = f"{light.n:,}", "—" if light.of is None else f"{light.of:,}"
    if light.rule and words.knows(f"effect.{light.rule}"):
        return words(f"effect.{light.rule}", n=n, of=of)
    if light.colour == "red":
        return words("effect.error", n=f"{light.errors:,}")
    return words("effect.warning", n=f"{light.warnings:,}")


def overall(verdict: Verdict, words: Words) -> str:
    """Return the verdict in one sentence."""
    return _overall(verdict.colour, verdict.lights, words)


def _overall(colour: str, lights: Iterable[Light], words: Words) -> str:
    errors, warnings = (sum(values) for values in zip(*((li.errors, li.warnings) for li in lights), strict=True))
    return words(f"verdict.all.{colour}", errors=f"{errors:,}", warnings=f"{warnings:,}")


def who(finding: Finding) -> str:
    """Return whom or what a finding is about: its name and id, as far as known."""
    parts = (finding.details.get("name", ""), finding.details.get("id", ""))
    return " ".join(dict.fromkeys(part for part in parts if part))


def section(result: StudyResult, words: Words) -> tuple[Section, ...]:
    """Return the chapter on data quality; none where the result has no verdict."""
    kept = result.manifest.get("verdict")
    if not kept:
        return ()
    study = result.study
    lights = [light_of(record) for record in kept["lights"]]
    blocks: list[Block] = [Paragraph(_overall(kept["colour"], lights, words)), _lights(lights, study, words)]
    groups = [entry for entry in result.manifest.get("findings") or () if entry["severity"] != "note"]
    if groups:
        blocks += [_groups(groups, study, words), Paragraph(words("report.quality_more"))]
    return (Section("quality", words("report.quality"), tuple(blocks)),)


def notes(result: StudyResult, words: Words) -> list[str]:
    """Return the warnings of a result in words, the first of each kind with the number of the others."""
    said = []
    for entry in result.manifest.get("findings") or ():
        if entry["severity"] != "warning":
            continue
        (told,) = tell([check.finding_of(entry["first"][0])], result.study, words)
        more = words("verdict.more_here", n=f"{entry['count'] - 1:,}") if entry["count"] > 1 else ""
        said.append(_joined([_place(told.finding, words), told.said, more], words))
    return said


def _place(finding: Finding, words: Words) -> str:
    row = words("verdict.row", row=finding.row) if finding.row is not None else ""
    return " ".join(part for part in (finding.where, row, who(finding)) if part)


def _joined(parts: list[str], words: Words) -> str:
    place, said, more = parts
    colon, semicolon = ("：", "；") if words.language == "zh" else (": ", "; ")
    return f"{place}{colon}{said}" + (f"{semicolon}{more}" if more else "")


def _lights(lights: list[Light], study: StudyConfig, words: Words) -> Table:
    rows = [
        (
            text(words.role(study, light.role)),
            short(words(f"verdict.{light.colour}")),
            number(f"{light.errors:,}"),
            number(f"{light.warnings:,}"),
            number(f"{light.notes:,}"),
            text(effect(light, words)),
        )
        for light in lights
    ]
    columns = tuple(words(f"col.{name}") for name in ("input", "light", "errors", "warnings", "notes", "effect"))
    return Table(words("verdict.lights"), columns, tuple(rows))


def _groups(groups: list[Mapping[str, Any]], study: StudyConfig, words: Words) -> Table:
    rows = []
    for entry in groups:
        (told,) = tell([check.finding_of(entry["first"][0])], study, words)
        finding = told.finding
        example = " ".join(
            part
            for part in (words("verdict.row", row=finding.row) if finding.row is not None else "", who(finding))
            if part
        )
        rows.append(
            (
                text(words.role(study, entry["role"])),
                text(told.said),
                text(example),
                number(f"{entry['count']:,}"),
                text(told.remedy),
            )
        )
    columns = tuple(words(f"col.{name}") for name in ("input", "finding", "example", "count", "remedy"))
    return Table(words("verdict.findings"), columns, tuple(rows))
