"""The chapter on the network of levels: which villages lack which link, in tables and as a tree map."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chongming_gis import discretion, wording
from chongming_gis.measured.links import MISSING
from chongming_gis.reports.blocks import Notes, Paragraph, Picture, Section, Table, number, short, text

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from chongming_gis.measuremodel import LinkConfig, LinksConfig
    from chongming_gis.reports.blocks import Block
    from chongming_gis.reports.figures import Told

# The drawing, in pixels, narrow and tall: readable on a phone too.
_WIDE, _TALL, _LEGEND, _HEAD, _LEAST_DIGIT = 480.0, 860.0, 30.0, 18.0, 11.0
_COLOURS = ("#dfe9ee", "#f6c85f", "#e5762f", "#b3261e", "#6d0f0f")  # none, one, two, three, more links missing
_DARK_FROM = 3  # from so many missing links the digit is white
_REASONS = ("none", "beyond", "unreached")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the tree map."""

    x: float
    y: float
    wide: float
    tall: float


def squarify(sizes: Sequence[float], box: Box) -> list[Box]:
    """Return a rectangle for each size inside a box, areas in proportion, as near to squares as rows allow.

    Parameters
    ----------
    sizes : above 0, in descending order.

    Notes
    -----
    Bruls, Huizing & van Wijk (2000), Squarified treemaps: a row along the shorter side takes the next rectangle as
    long as the worst proportion in the row does not grow.

    Examples
    --------
    >>> squarify([3.0, 1.0], Box(0.0, 0.0, 8.0, 4.0))
    [Box(x=0.0, y=0.0, wide=6.0, tall=4.0), Box(x=6.0, y=0.0, wide=2.0, tall=4.0)]
    """
    found: list[Box] = []
    scale = box.wide * box.tall / sum(sizes) if sizes else 0.0
    areas = [size * scale for size in sizes]
    while areas:
        side = min(box.wide, box.tall)
        n = 1
        while n < len(areas) and _worst(areas[: n + 1], side) <= _worst(areas[:n], side):
            n += 1
        row, areas = areas[:n], areas[n:]
        placed, box = _place(row, box)
        found += placed
    return found


def _worst(row: Sequence[float], side: float) -> float:
    """Return the proportion of the least square rectangle of a row along a side."""
    thick = sum(row) / side
    return max(max(thick * thick / area, area / (thick * thick)) for area in row)


def _place(row: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """Return the rectangles of a row along the shorter side of a box, and what is left of the box."""
    along_y = box.wide >= box.tall
    thick = sum(row) / (box.tall if along_y else box.wide)
    placed, at = [], 0.0
    for area in row:
        length = area / thick
        placed.append(
            Box(box.x, box.y + at, thick, length) if along_y else Box(box.x + at, box.y, length, thick)
        )  # fmt: skip
        at += length
    if along_y:
        return placed, Box(box.x + thick, box.y, max(box.wide - thick, 0.0), box.tall)
    return placed, Box(box.x, box.y + thick, box.wide, max(box.tall - thick, 0.0))


def sections(told: Told) -> tuple[Section, ...]:
    """Return the chapter; nothing where the study asks for no network."""
    asked, table = told.result.study.measures.links, told.result.measured.get("links")
    if asked is None or table is None or table.empty:
        return ()
    words = told.words
    table = table.assign(is_missing=table["status"].isin(MISSING))
    villages = _by_village(table)
    blocks: list[Block] = [Paragraph(_opening(told, asked, villages)), _by_level(told, asked, table)]
    if (villages["persons"] > 0.0).any():
        blocks.append(Picture(draw(told, villages, len(asked.levels)), words("links.drawing")))
    blocks += [part for part in (_by_township(told, asked, table, villages), _listed(told, asked, table)) if part]
    blocks.append(Notes(tuple(_notes(told, asked))))
    return (Section("links", words("links.chapter"), tuple(blocks)),)


def _by_village(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a village: name_zh, township_code, persons, missing (links)."""
    return table.groupby("village_code", as_index=False, sort=True).agg(
        name_zh=("name_zh", "first"), township_code=("township_code", "first"), persons=("persons", "first"),
        missing=("is_missing", "sum"),
    )  # fmt: skip


def _opening(told: Told, asked: LinksConfig, villages: pd.DataFrame) -> str:
    words = told.words
    lacking = villages[villages["missing"] > 0]
    sentences = [
        words(
            "links.opening",
            levels=words.join([words.name(level) for level in asked.levels]),
            share=f"{100.0 * asked.linked_from_share:g}%",
            who=words.group(told.result.study, asked.group, asked.base),
        )
    ]
    key = "links.some_lack" if len(lacking) else "links.all_linked"
    said = {"n": len(villages), "lacking": len(lacking), "persons": wording.persons(float(lacking["persons"].sum()))}
    sentences.append(words(key, **said))
    return ("" if words.language == "zh" else " ").join(sentences)


def _standard(told: Told, level: LinkConfig) -> str:
    words, study = told.words, told.result.study
    parts = [words.standard(study, study.service(name).standards[0]) for name in level.services]
    return words.join_clauses(list(dict.fromkeys(parts)))


def _by_level(told: Told, asked: LinksConfig, table: pd.DataFrame) -> Table:
    words = told.words
    rows = []
    for level in asked.levels:
        mine = table[table["level"] == level.id]
        counts = mine["status"].value_counts()
        missing = mine[mine["is_missing"]]
        known = mine.loc[np.isfinite(mine["time_s"]), "time_s"]
        rows.append(
            (
                text(words.name(level)),
                text(_standard(told, level)),
                number(f"{len(mine):,}"),
                number(f"{len(missing):,}"),
                *(number(f"{counts.get(reason, 0):,}") for reason in _REASONS),
                number(wording.persons(float(missing["persons"].sum()))),
                number(wording.minutes(float(known.median())) if len(known) else wording.NOTHING),
            )
        )
    names = (
        "level",
        "limits",
        "villages",
        "missing_links",
        "link_none",
        "link_beyond",
        "link_unreached",
        "persons_there",
    )
    columns = (*(words(f"col.{name}") for name in names), words("col.middle_minutes"))
    return Table(words("links.by_level"), columns, tuple(rows))


def _by_township(told: Told, asked: LinksConfig, table: pd.DataFrame, villages: pd.DataFrame) -> Table | None:
    words = told.words
    known = villages.dropna(subset="township_code")
    if known.empty:
        return None
    by_level = table[table["is_missing"]].groupby(["township_code", "level"]).size()
    sums = known.assign(
        lacking=known["missing"] > 0, persons_there=known["persons"].where(known["missing"] > 0, 0.0)
    ).groupby("township_code", sort=True)
    counted = sums.agg(n=("missing", "size"), lacking=("lacking", "sum"), persons_there=("persons_there", "sum"))
    counted = counted.sort_values("persons_there", ascending=False, kind="stable")
    rows = [
        (
            text(told.townships.get(str(code), str(code))),
            number(f"{row['n']:,.0f}"),
            number(f"{row['lacking']:,.0f}"),
            *(number(f"{by_level.get((code, level.id), 0):,}") for level in asked.levels),
            number(wording.persons(row["persons_there"])),
        )
        for code, row in counted.to_dict("index").items()
    ]
    levels = tuple(words("links.lacks", level=words.name(level)) for level in asked.levels)
    names = tuple(words(f"col.{name}") for name in ("township", "villages", "villages_lacking"))
    return Table(words("links.by_township"), (*names, *levels, words("col.persons_there")), tuple(rows))


def _listed(told: Told, asked: LinksConfig, table: pd.DataFrame) -> Table | None:
    """Return every missing link, for the work in the field."""
    words, study = told.words, told.result.study
    missing = table[table["is_missing"]]
    if missing.empty:
        return None
    levels = {level.id: words.name(level) for level in asked.levels}
    order = missing.sort_values(["persons", "village_code"], ascending=[False, True], kind="stable")
    rows = [
        (
            text(str(row["name_zh"] if pd.notna(row["name_zh"]) else row["village_code"])),
            text(told.townships.get(str(row["township_code"]), wording.NOTHING)),
            text(levels.get(row["level"], row["level"])),
            short(words(f"links.status.{row['status']}")),
            number(wording.minutes(float(row["time_s"]))),
            number(discretion.share(study, asked.group, row["share_within"], of_persons=row["persons"])),
            number(wording.minutes(float(row["elsewhere_s"]))),
            number(discretion.persons(study, asked.group, row["persons"])),
        )
        for row in order.to_dict("records")
    ]
    names = ("village", "township", "level", "reason", "own_minutes", "share_in_time", "anywhere_minutes", "persons")
    caption = words("links.listed", n=len(rows))
    return Table(caption, tuple(words(f"col.{name}") for name in names), tuple(rows), folded=caption)


def _notes(told: Told, asked: LinksConfig) -> list[str]:
    words, study = told.words, told.result.study
    notes = [words("links.note_middle"), words("links.note_source", source=words.source(asked))]
    services = dict.fromkeys(name for level in asked.levels for name in level.services)
    schematic = [words.service(study, n) for n in services if study.service(n).facilities.kind == "schematic"]
    if schematic:
        label = words.heading(words("indicator_status.schematic"))
        notes.append(words("links.note_schematic", label=label, services=words.join(schematic)))
    return notes


def draw(told: Told, villages: pd.DataFrame, n_levels: int) -> str:
    """Return the tree map as SVG: townships, in them their villages, as large as their people, by missing links."""
    words = told.words
    lived_in = villages[villages["persons"] > 0.0]
    groups = [
        (str(code) if pd.notna(code) else "", rows) for code, rows in lived_in.groupby("township_code", dropna=False)
    ]
    groups.sort(key=lambda entry: (-float(entry[1]["persons"].sum()), entry[0]))
    boxes = squarify([float(rows["persons"].sum()) for _, rows in groups], Box(0.0, _LEGEND, _WIDE, _TALL - _LEGEND))
    size = f'viewBox="0 0 {_WIDE:.0f} {_TALL:.0f}" width="{_WIDE:.0f}" height="{_TALL:.0f}"'
    parts = [
        f'<svg {size} role="img" aria-labelledby="links-map-title">',
        f'<title id="links-map-title">{html.escape(words("links.drawing"))}</title>',
        *_legend(told, n_levels),
    ]
    for (code, rows), box in zip(groups, boxes, strict=True):
        parts += _township(told, code, rows, box)
    return "\n".join([*parts, "</svg>"])


def _township(told: Told, code: str, rows: pd.DataFrame, box: Box) -> list[str]:
    """Return one township: its name with the villages that lack a link, and its villages below."""
    name = told.townships.get(code, code) or told.words("links.no_township")
    lacking = int((rows["missing"] > 0).sum())
    head = min(_HEAD, box.tall / 2.0)
    label = f"{name} {lacking}/{len(rows)}"
    inner = Box(box.x + 1.0, box.y + head, max(box.wide - 2.0, 0.1), max(box.tall - head - 1.0, 0.1))
    order = rows.sort_values(["persons", "village_code"], ascending=[False, True], kind="stable")
    boxes = squarify(list(_as_drawn(told, order)["persons"]), inner)
    parts = [_village(told, row, at) for row, at in zip(order.to_dict("records"), boxes, strict=True)]
    size = min(13.0, (box.wide - 6.0) / max(_width_in_letters(label), 1.0))
    at, outline = f'x="{box.x + 3.0:.1f}" y="{box.y + head - 4.5:.1f}"', _place_of(box)
    return [
        "<g>",
        *parts,
        f'<text {at} font-size="{size:.1f}" font-weight="600" fill="#1c2529">{html.escape(label)}</text>',
        f'<rect {outline} fill="none" stroke="#1c2529"/>',
        "</g>",
    ]


def _told_persons(told: Told, persons: float) -> str:
    asked = told.result.study.measures.links
    return discretion.persons(told.result.study, asked.group if asked else "", persons)


def _as_drawn(told: Told, villages: pd.DataFrame) -> pd.DataFrame:
    """Return villages with the persons that set their size: a box must not tell a number that is not to be told."""
    asked = told.result.study.measures.links
    hidden = discretion.is_hidden(told.result.study, asked.group if asked else "", villages["persons"])
    return villages.assign(persons=villages["persons"].mask(hidden, discretion.LEAST_SHOWN))


def _place_of(box: Box) -> str:
    return f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.wide:.1f}" height="{box.tall:.1f}"'


def _width_in_letters(shown: str) -> float:
    """Return about how wide a text is, in its own font size: Chinese letters are square."""
    return sum(1.0 if ord(letter) > 0x2E7F else 0.58 for letter in shown)


def _village(told: Told, row: Mapping[Hashable, Any], box: Box) -> str:
    missing = int(row["missing"])
    name = row["name_zh"] if pd.notna(row["name_zh"]) else row["village_code"]
    persons = _told_persons(told, float(row["persons"]))
    title = told.words("links.village_title", village=name, persons=persons, n=missing)
    colour = _COLOURS[min(missing, len(_COLOURS) - 1)]
    rect = f'<rect {_place_of(box)} fill="{colour}" stroke="#fff" stroke-width="0.7">'
    rect += f"<title>{html.escape(title)}</title></rect>"
    if missing == 0 or min(box.wide, box.tall) < _LEAST_DIGIT:
        return rect
    fill = "#fff" if missing >= _DARK_FROM else "#1c2529"
    at = f'x="{box.x + box.wide / 2.0:.1f}" y="{box.y + box.tall / 2.0 + 3.5:.1f}"'
    return rect + f'<text {at} text-anchor="middle" font-size="10" fill="{fill}">{missing}</text>'


def _legend(told: Told, n_levels: int) -> list[str]:
    parts, step = [], _WIDE / (n_levels + 1)
    for missing in range(n_levels + 1):
        x = missing * step
        shown = html.escape(told.words("links.legend_none" if missing == 0 else "links.legend", n=missing))
        colour = _COLOURS[min(missing, len(_COLOURS) - 1)]
        parts += [
            f'<rect x="{x:.1f}" y="6" width="14" height="14" fill="{colour}" stroke="#4a565d" stroke-width="0.5"/>',
            f'<text x="{x + 19.0:.1f}" y="17.5" font-size="13" fill="#1c2529">{shown}</text>',
        ]
    return parts
