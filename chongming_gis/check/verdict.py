"""The verdict: all findings in a fixed order, and a traffic light for each input of the study."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from chongming_gis.findings import MOST_ROWS_SHOWN, SEVERITIES, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chongming_gis.check.reach import SnapHistogram

Colour = Literal["green", "yellow", "red"]
COLOURS: tuple[Colour, ...] = ("green", "yellow", "red")

STUDY = "study"  # the role of what concerns no single input
_MOST_KEPT = 20


@dataclass(frozen=True, slots=True)
class InputFile:
    """An input of the study, for its light."""

    role: str
    path: str
    kind: str
    rows: int | None  # places or areas that were read; None where nothing was


@dataclass(frozen=True, slots=True)
class Light:
    """How one input stands, and the one thing about it that matters most for the results."""

    role: str
    path: str
    kind: str
    colour: Colour
    errors: int
    warnings: int
    notes: int
    rule: str = ""  # of the errors, else of the warnings, the one with the most findings
    n: int = 0  # findings of that rule
    of: int | None = None  # rows of the input


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said about the inputs before any result."""

    findings: tuple[Finding, ...]
    lights: tuple[Light, ...]
    distances: tuple[SnapHistogram, ...] = ()

    @property
    def colour(self) -> Colour:
        """The worst light's."""
        return max((light.colour for light in self.lights), key=COLOURS.index, default="green")

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What stops a run."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def record(self) -> dict[str, Any]:
        """Return lights and distances as plain values."""
        return {
            "colour": self.colour,
            "lights": [asdict(light) for light in self.lights],
            "distances_to_road": [entry.record() for entry in self.distances],
        }


def make_verdict(
    findings: Iterable[Finding], inputs: Sequence[InputFile], distances: Sequence[SnapHistogram] = ()
) -> Verdict:
    """Return the verdict on some inputs; findings about none of them stand under the study itself."""
    roles = [entry.role for entry in inputs]
    ordered = in_order(findings, roles)
    named = [*inputs, *([] if all(f.role in roles for f in ordered) else [InputFile(STUDY, "", "", None)])]
    by_role: dict[str, list[Finding]] = {entry.role: [] for entry in named}
    for finding in ordered:
        by_role[finding.role if finding.role in roles else STUDY].append(finding)
    lights = tuple(_light(entry, by_role[entry.role]) for entry in named)
    return Verdict(tuple(ordered), lights, tuple(distances))


def in_order(findings: Iterable[Finding], roles: Sequence[str] = ()) -> list[Finding]:
    """Return findings with errors first, then in the order of the inputs, by rule, row and id; each once."""
    place = {role: number for number, role in enumerate(roles)}

    def key(finding: Finding) -> tuple[Any, ...]:
        row = finding.row if finding.row is not None else -1
        severity = SEVERITIES.index(finding.severity)
        at = (place.get(finding.role, len(place)), finding.role, finding.where, finding.sheet, finding.rule, row)
        return (severity, *at, finding.details.get("id", ""), finding.column, finding.value, finding.message)

    return list({(*key(finding), finding.suggestion): finding for finding in sorted(findings, key=key)}.values())


def _light(entry: InputFile, findings: list[Finding]) -> Light:
    count = {severity: sum(finding.severity == severity for finding in findings) for severity in SEVERITIES}
    colour: Colour = "red" if count["error"] else "yellow" if count["warning"] else "green"
    worst = "error" if count["error"] else "warning"
    by_rule: dict[str, int] = {}
    for finding in findings:
        if finding.severity == worst:
            by_rule[finding.rule] = by_rule.get(finding.rule, 0) + 1
    rule = max(by_rule, key=lambda name: (by_rule[name], name), default="")
    return Light(
        role=entry.role,
        path=entry.path,
        kind=entry.kind,
        colour=colour,
        errors=count["error"],
        warnings=count["warning"],
        notes=count["note"],
        rule=rule,
        n=by_rule.get(rule, 0),
        of=entry.rows,
    )


def record_of(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain values; ``finding_of`` gives it back."""
    return {**asdict(finding), "details": dict(finding.details)}


def finding_of(record: Mapping[str, Any]) -> Finding:
    """Return the finding of a record."""
    return Finding(**record)


def group(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Return findings of one rule about one file together, in the order in which they first come."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        kind = finding.rule or finding.message
        groups.setdefault((finding.severity, finding.role, finding.where, finding.sheet, kind), []).append(finding)
    return list(groups.values())


def grouped_records(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return for each rule and file how many findings there are, and the first of them, for the manifest."""
    return [
        {
            "severity": members[0].severity,
            "role": members[0].role,
            "rule": members[0].rule,
            "count": len(members),
            "first": [record_of(finding) for finding in members[:_MOST_KEPT]],
        }
        for members in group(findings)
    ]


def sentences(findings: Iterable[Finding]) -> list[str]:
    """Return one sentence for each rule and file, naming the first rows and ids, for an error message.

    Examples
    --------
    >>> sentences(Finding("error", "m.csv", "lies outside", row=k, details={"id": f"c{k}"}) for k in (2, 3))
    ['m.csv, row 2, 3 (c2, c3): lies outside']
    """
    said = []
    for members in group(findings):
        first = members[0]
        rows = _listed([str(finding.row) for finding in members if finding.row is not None])
        ids = _listed([finding.details["id"] for finding in members if finding.details.get("id")])
        place = f"{first.where} [{first.sheet}]" if first.sheet else first.where
        place += f", row {rows}" if rows else ""
        place += f" ({ids})" if ids else ""
        said.append(f"{place}: {first.said}")
    return said


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - MOST_ROWS_SHOWN} more" if len(texts) > MOST_ROWS_SHOWN else ""
    return ", ".join(texts[:MOST_ROWS_SHOWN]) + more
