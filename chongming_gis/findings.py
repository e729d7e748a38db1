"""Findings: everything the program has to say about the data it was given, row by row.

Readers make them for what a file holds, ``check`` for how the files fit together. One finding is one thing in one
place; ``in_words`` brings many of one kind into one sentence for an error message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")  # error: the run stops

MOST_ROWS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (``error``), that readers of the results must know (``warning``), or was done (``note``).

    ``row`` is the number the file itself shows: 2 is the first record under the header of a CSV, 1 that of a layer.
    """

    severity: Severity
    where: str  # the file as the study names it, or the key of the study
    message: str
    suggestion: str = ""  # what to do
    rule: str = ""  # a stable id of what was checked, e.g. "capacity_negative"
    sheet: str = ""
    row: int | None = None
    column: str = ""  # as the file calls it
    value: str = ""
    details: Mapping[str, str] = field(default_factory=dict)  # what fills the blanks of the rule's text in wording.json
    role: str = ""  # the input of the study ("roads", "demand", "facilities:<service>"); the pipeline fills it in

    def __str__(self) -> str:
        return f"{self.place}: {self.said}"

    @property
    def place(self) -> str:
        """Where it is: file, sheet and row."""
        sheet = f" [{self.sheet}]" if self.sheet else ""
        row = f", row {self.row}" if self.row is not None else ""
        return f"{self.where}{sheet}{row}"

    @property
    def said(self) -> str:
        """What is wrong and what to do."""
        return f"{self.message}; {self.suggestion}" if self.suggestion else self.message


def in_words(findings: Iterable[Finding]) -> list[str]:
    """Return one sentence for all findings of one message, naming the first rows.

    Examples
    --------
    >>> in_words(Finding("error", "homes.csv", "lat is missing", row=row) for row in (3, 4))
    ['row 3, 4: lat is missing']
    >>> in_words([Finding("error", "homes.csv", "has no rows")])
    ['has no rows']
    """
    rows: dict[tuple[str, str], list[int]] = {}
    for finding in findings:
        numbers = rows.setdefault((finding.sheet, finding.said), [])
        if finding.row is not None:
            numbers.append(finding.row)
    return [_sentence(sheet, said, numbers) for (sheet, said), numbers in rows.items()]


def _sentence(sheet: str, said: str, rows: Sequence[int]) -> str:
    shown = ", ".join(map(str, rows[:MOST_ROWS_SHOWN]))
    more = f" and {len(rows) - MOST_ROWS_SHOWN} more" if len(rows) > MOST_ROWS_SHOWN else ""
    at = f"row {shown}{more}" if rows else ""
    place = " ".join(part for part in (f"sheet {sheet!r}" if sheet else "", at) if part)
    return f"{place}: {said}" if place else said
