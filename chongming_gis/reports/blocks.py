"""The blocks a report is made of; each form of a report (HTML now) renders the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

#: The fills of marked cells where no style sheet sets them; report.css has the same.
MARK_FILLS = {
    "share-0": "FFFFD9",
    "share-1": "D9F0CB",
    "share-2": "B2E1D6",
    "share-3": "8DD3DC",
    "share-4": "80B2D4",
    "share-none": "E6E6E6",
    "schematic": "FFF4D6",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: what it shows, how it is set, the style that sets it off, and the id to which it leads."""

    shown: str
    kind: Literal["text", "short", "number"]
    mark: str = ""
    link: str = ""


def text(shown: str) -> Cell:
    """Return a cell of text."""
    return Cell(shown, "text")


def short(shown: str) -> Cell:
    """Return a cell of text that stays on one line (a date, a code)."""
    return Cell(shown, "short")


def number(shown: str) -> Cell:
    """Return a cell of a number that is formatted already, set to the right."""
    return Cell(shown, "number")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; ``link`` is the id and the title of a section to read on in."""

    text: str
    kind: str = "paragraph"
    link: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Notes:
    """What must be known to read the table above, in small letters."""

    items: tuple[str, ...]
    kind: str = "notes"


@dataclass(frozen=True, slots=True)
class References:
    """A numbered list that cells refer to by ``<id>-<number>``."""

    id: str
    caption: str
    items: tuple[str, ...]
    kind: str = "references"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; empty items are left out when it is rendered."""

    items: tuple[str, ...]
    kind: str = "bullets"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of a row is its heading. One with ``folded`` shows that line until it is opened."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    strong_rows: tuple[int, ...] = ()
    folded: str = ""
    is_matrix: bool = False  # many narrow columns: one a place
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class MapFrame:
    """The place of a map, by its name."""

    name: str
    title: str
    caption: str
    waiting: str
    without_script: str
    kind: str = "map"


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with its caption; ``svg`` stands on the page as it is: ``pictures`` makes it, and escapes texts."""

    svg: str
    caption: str
    kind: str = "picture"


Block: TypeAlias = Paragraph | Notes | Bullets | References | Table | MapFrame | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter with its blocks and the sections inside it."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    inner: tuple[Section, ...] = ()
