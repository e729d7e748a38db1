"""The chapter on how sure the coverage is: intervals, the villages whose status they decide, and what drives them.

In a daily run it is one sentence: what ``--full`` would add.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any, TypeAlias

from chongming_gis import discretion, wording
from chongming_gis.reports.blocks import Notes, Paragraph, Picture, Section, Table, number, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from chongming_gis.config import ServiceConfig, StudyConfig
    from chongming_gis.measuremodel import CertaintyConfig, RangeConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.reports.figures import Told
    from chongming_gis.wording import Words

    District: TypeAlias = Mapping[str, Mapping[Any, Any]]  # the district's row of the table, by service

DRIVERS = ("speed", "path", "wait", "snap", "people")
_MOST_NAMED = 3
_MOST_VILLAGES = 30

# the drawing, in pixels of a phone's width: it is never enlarged
_WIDE, _LEFT, _RIGHT, _ROW, _TOP = 480, 4, 476, 36, 8
_BAR, _LIKELY, _RUN = "#8fcbd6", "#08457e", "#cf3a24"


def sections(told: Told) -> tuple[Section, ...]:
    """Return the chapter; nothing where the study states no ranges."""
    config, words = told.result.study.measures.certainty, told.words
    if config is None:
        return ()
    title = words("certainty.chapter")
    shares = told.result.measured.get("certainty")
    if shares is None:
        return (Section("certainty", title, (Paragraph(words("certainty.daily", draws=f"{config.draws:,}")),)),)
    district = {row["service"]: row for row in shares[shares["scope"] == "district"].to_dict("records")}
    services = [service for service in told.result.study.services if service.id in district]
    blocks: list[Block] = [
        Paragraph(_opening(told, config, district, services)),
        Picture(_drawing(district, services, words), words("certainty.drawing", percent=_percent(config.confidence))),
        _table(told, district, services),
        Notes(tuple(words(f"certainty.note.{key}") for key in ("likely", "alone", "fixed"))),
    ]
    villages = told.result.measured.get("certainty_villages")
    if villages is not None and len(villages):
        blocks += _villages(told, villages, services, config)
    blocks.append(_ranges(told.result.study, config, words))
    return (Section("certainty", title, tuple(blocks)),)


def _percent(share: float) -> str:
    return f"{100.0 * share:g}"


def _opening(told: Told, config: CertaintyConfig, district: District, services: list[ServiceConfig]) -> str:
    words = told.words
    sentences = [words("certainty.opening", draws=f"{config.draws:,}", percent=_percent(config.confidence))]
    known = [service for service in services if not math.isnan(district[service.id]["share_low"])]
    by_width = sorted(known, key=lambda s: district[s.id]["share_low"] - district[s.id]["share_high"])
    if by_width:
        widest = [_span(words, service, district[service.id]) for service in by_width[:_MOST_NAMED]]
        sentences.append(words("certainty.widest", services=words.join(widest)))
    driver = _main_driver(told, list(district))
    if driver:
        sentences.append(words("certainty.driver_sentence", driver=words(f"certainty.driver.{driver}")))
    return ("" if words.language == "zh" else " ").join(sentences)


def _span(words: Words, service: ServiceConfig, row: Mapping[Any, Any]) -> str:
    low, high = (wording.share(float(row[name])) for name in ("share_low", "share_high"))
    return words("certainty.span", service=words.name(service), low=low, high=high)


def _main_driver(told: Told, services: list[str]) -> str:
    """Return the range that moves most services farthest, or nothing where none moves any."""
    widths = _driver_widths(told, services)
    if widths is None or not (widths.to_numpy() > 0).any():
        return ""
    return str(widths.sum().sort_index(kind="stable").idxmax())


def _driver_widths(told: Told, services: list[str]) -> pd.DataFrame | None:
    """Return how far each range alone moves the district's share: a row a service, a column a range."""
    table = told.result.measured.get("certainty_drivers")
    if table is None:
        return None
    table = table.assign(width=table["share_high"] - table["share_low"])
    return table[table["service"].isin(services)].pivot_table(index="service", columns="driver", values="width")


def _drawing(district: District, services: list[ServiceConfig], words: Words) -> str:
    """Return a bar a service from its low to its high share, with the middle of the draws and the run's own value."""
    rows = []
    for place, service in enumerate(services):
        row, y = district[service.id], _TOP + _ROW * place
        name = html.escape(words.heading(words.name(service)))
        low, likely, high, run = (float(row[f"share_{key}"]) for key in ("low", "likely", "high", "run"))
        shown = f"{wording.share(low)} – {wording.share(high)}" if math.isfinite(low) else wording.NOTHING
        rows.append(f'<text x="{_LEFT}" y="{y + 12}">{name}</text>')
        rows.append(f'<text x="{_RIGHT}" y="{y + 12}" text-anchor="end">{shown}</text>')
        rows.append(_rect(0.0, 1.0, y + 18, 8, "#e8eef2"))
        if math.isfinite(low):
            rows.append(_rect(low, high, y + 18, 8, _BAR))
            rows.append(f'<path d="M{_x(likely):.1f} {y + 16}v12" stroke="{_LIKELY}" stroke-width="2.5"/>')
            rows.append(f'<circle cx="{_x(run):.1f}" cy="{y + 22}" r="3.5" fill="{_RUN}" stroke="#fff"/>')
    bottom = _TOP + _ROW * len(services)
    for percent in range(0, 101, 25):
        anchor = {0: "start", 100: "end"}.get(percent, "middle")
        at = _x(percent / 100.0)
        rows.append(f'<text x="{at:.1f}" y="{bottom + 14}" text-anchor="{anchor}" fill="#4a565d">{percent}%</text>')
    label = html.escape(words("certainty.drawing_label"), quote=True)
    return (
        f'<svg viewBox="0 0 {_WIDE} {bottom + 20}" width="{_WIDE}" height="{bottom + 20}" role="img" '
        f'aria-label="{label}" font-size="13" fill="#1c2529">{"".join(rows)}</svg>'
    )


def _x(share: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * share


def _rect(start: float, end: float, y: float, height: float, fill: str) -> str:
    width = max(_x(end) - _x(start), 1.0)
    return f'<rect x="{_x(start):.1f}" y="{y}" width="{width:.1f}" height="{height}" fill="{fill}"/>'


def _table(told: Told, district: District, services: list[ServiceConfig]) -> Table:
    words = told.words
    widths = _driver_widths(told, list(district))
    rows = []
    for service in services:
        row = district[service.id]
        shares = [number(wording.share(float(row[f"share_{key}"]))) for key in ("run", "low", "likely", "high")]
        own = [
            number(_points(float(widths[driver].get(service.id, math.nan)))) if widths is not None else number("")
            for driver in DRIVERS
        ]
        rows.append((text(words.heading(words.name(service))), *shares, *own))
    names = [words(f"certainty.col.{key}") for key in ("service", "run", "low", "likely", "high")]
    names += [words.heading(words(f"certainty.driver.{driver}")) for driver in DRIVERS]
    return Table(words("certainty.table"), tuple(names), tuple(rows))


def _points(share: float) -> str:
    """Return a difference of shares in percentage points."""
    return wording.NOTHING if math.isnan(share) else f"{100.0 * share:.1f}"


def _villages(
    told: Told, villages: pd.DataFrame, services: list[ServiceConfig], config: CertaintyConfig
) -> Iterable[Block]:
    """Return how many villages are sure, and those whose status depends on the draw."""
    words = told.words
    rows: list[tuple[Cell, ...]] = []
    for service in services:
        mine = villages[villages["service"] == service.id]
        counts = mine["status"].value_counts()
        unsure = mine[mine["status"] == "uncertain"]
        cells = [number(f"{counts.get(status, 0):,}") for status in ("reached", "uncertain", "not_reached")]
        rows.append(
            (text(words.heading(words.name(service))), *cells, number(wording.persons(unsure["persons"].sum())))
        )
    keys = ("service", "sure", "unsure", "sure_not", "persons_unsure")
    blocks: list[Block] = [
        Paragraph(
            words(
                "certainty.villages",
                level=_percent(config.reached_from_share),
                percent=_percent(config.confidence),
                rest=_percent(round(1.0 - config.confidence, 9)),
            )
        ),
        Table(words("certainty.villages_table"), tuple(words(f"certainty.col.{k}") for k in keys), tuple(rows)),
    ]
    changing = villages[villages["status"] == "uncertain"]
    if len(changing):
        blocks.append(_changing(told, changing))
    return blocks


def _changing(told: Told, changing: pd.DataFrame) -> Table:
    """Return the villages with most people whose status the draws decide, folded."""
    words = told.words
    groups = {service.id: service.group for service in told.result.study.services}
    order = changing.sort_values(["persons", "village_code", "service"], ascending=[False, True, True], kind="stable")
    rows = [
        (
            text(str(row["name_zh"])),
            text(told.townships.get(row["township_code"], str(row["township_code"]))),
            text(words.heading(words.service(told.result.study, row["service"]))),
            number(discretion.persons(told.result.study, groups[row["service"]], float(row["persons"]))),
            text(words(f"certainty.status.{row['status_run']}")),
            number(wording.share(float(row["draws_reached_share"]))),
        )
        for row in order.head(_MOST_VILLAGES).to_dict("records")
    ]
    columns = tuple(
        words(f"certainty.col.{k}") for k in ("village", "township", "service", "persons", "in_run", "often")
    )
    caption = words("certainty.changing", n=f"{len(rows):,}", of=f"{len(changing):,}")
    return Table(caption, columns, tuple(rows), folded=caption)


def _ranges(study: StudyConfig, config: CertaintyConfig, words: Words) -> Table:
    """Return what was drawn, from where to where, and by which source."""
    modes = {mode.id: words.name(mode) for mode in study.modes}
    rows = [
        (text(words("certainty.range.speed", mode=modes[entry.mode])), *_numbers(entry, words, times=True))
        for entry in config.speeds
    ]
    rows.append((text(words("certainty.range.path")), *_numbers(config.path, words, times=True)))
    waits = [number(shown) for shown in ("0", "0.5", "1")]
    rows.append((text(words("certainty.range.wait")), *waits, text(words("certainty.range.wait_source"))))
    rows.append((text(words("certainty.range.snap")), *_numbers(config.snap_m, words, times=False)))
    spread = f"± {100.0 * config.population_sigma:g}%"
    source = words.in_language(config.population_source, config.population_source_en)
    rows.append((text(words("certainty.range.people")), number(""), number(spread), number(""), text(source)))
    columns = tuple(words(f"certainty.col.{key}") for key in ("what", "low", "likely", "high", "source"))
    return Table(words("certainty.ranges"), columns, tuple(rows))


def _numbers(entry: RangeConfig, words: Words, *, times: bool) -> tuple[Cell, ...]:
    sign = "× " if times else ""
    cells = [number(f"{sign}{wording.quantity(value)}") for value in (entry.low, entry.likely, entry.high)]
    return (*cells, text(words.source(entry)))
