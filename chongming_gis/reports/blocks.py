"""The blocks a report is made of; each form of a report (HTML now) renders the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: what it shows, and how it is set."""

    shown: str
    kind: Literal["text", "short", "number"]


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
    """Running text."""

    text: str
    kind: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; empty items are left out when it is rendered."""

    items: tuple[str, ...]
    kind: str = "bullets"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of a row is its heading."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    strong_rows: tuple[int, ...] = ()
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


Block: TypeAlias = Paragraph | Bullets | Table | MapFrame


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter with its blocks and the sections inside it."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    inner: tuple[Section, ...] = ()
