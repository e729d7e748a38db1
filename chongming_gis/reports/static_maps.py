"""Plain maps of a result as PNG, for pages that cannot hold a live one: a map a service, and an overview of all.

They show what the pages of ``maps`` show first, in the same colours and classes: people by minutes under the headline
standard, facilities, gap areas, proposed sites, over land, roads and townships. North is up in the study's metric CRS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import shapely
from matplotlib.patches import PathPatch

from chongming_gis import wording
from chongming_gis.maps import gap_layer, notices, proposal_layer, shares, views
from chongming_gis.reports.static_ground import (
    INK,
    SMALL_PT,
    WIDTH_PX,
    draw_ground,
    fit,
    halo,
    township_outlines,
    trace,
)
from chongming_gis.reports.static_pictures import DPI, Pixels, as_png, new_figure, steady, write
from chongming_gis.tables import persons_column
from chongming_gis.units import minutes_to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path as Outline

    from chongming_gis.config import ServiceConfig
    from chongming_gis.maps.views import Material
    from chongming_gis.reports.static_ground import Ground


_HEAD_PX, _LINE_PX, _TEXT, _TITLE = 92, 40, 7.5, 10.0  # pixels; points
_SOFT = "#4a565d"

# The looks of maps/assets/own: layers.js, areas.js, map.css. Widths there are in pixels of a screen.
SHARE_FILLS = ("#ffffcc", "#c7e9b4", "#7fcdbb", "#41b6c4", "#2c7fb8")  # up to 20, 40, 60, 80, 100 %
NO_SHARE = "#d9d9d9"
_GAP, _SITE, _FACILITY = "#542788", "#b0005a", "#ffffff"
_PER_ROW = 4
_WIDEST_NAME = 13.5  # letters of a service's name above its small map
_SIGN_PX = 52.0  # a sign of the legend and the room after its text


def draw_maps(material: Material) -> Iterator[tuple[str, bytes]]:
    """Yield ``overview`` and then every service, each by its name and as PNG: the names of ``maps.all_maps``."""
    ground = draw_ground(material)
    yield "overview", draw_overview(material, ground)
    for service in material.result.study.services:
        yield service.id, draw_coverage(material, service, ground)


def draw_coverage(material: Material, service: ServiceConfig, ground: Ground) -> bytes:
    """Return the map of a service under its headline standard."""
    words, question = material.words, shares.headline(service)
    title = words.heading(words("map_coverage", service=words.name(service)))
    said = f"{words.name(question.standard)} · {words.standard(material.result.study, question.standard)}"
    facility_ids = material.places(service)["facility_id"]
    times = material.access.times(question, facility_ids)
    classes, class_of = views.minute_classes(
        times.time_s, times.covered, times.limit_s / minutes_to_seconds(1.0), words
    )
    key = [_Key(entry["label"], "o", entry["fill"]) for entry in classes]
    with steady():
        marks = [*_gap_marks(material, service), *_facility_marks(material, service)]
        sites = _site_marks(material, service)
        key += [mark.key for mark in (*marks, *sites)]
        figure, (below, above), legend = _sheet(material, service, ground, (title, said), rows=_in_rows(key))
        _draw_people(below, material, service, (classes, class_of))
        for mark in marks:
            mark.draw(below)
        for mark in sites:
            mark.draw(above)
        _draw_legend(legend, _in_rows(key))
        return as_png(figure)


def draw_overview(material: Material, ground: Ground) -> bytes:
    """Return the headline share of every township, a small map a service; without townships, where facilities are."""
    study, words = material.result.study, material.words
    title = words("map_overview")
    if material.result.townships.empty or not any(
        material.shares.by_code(shares.headline(service), "township") for service in study.services
    ):
        return _draw_facilities(material, ground, title)
    rows = math.ceil(len(study.services) / _PER_ROW)
    west, south, east, north = ground.extent
    cell_px = WIDTH_PX / _PER_ROW
    tall_px = round(cell_px * (north - south) / (east - west)) + 10
    key = [_Key(f"{20 * k}–{20 * k + 20}%", "s", fill) for k, fill in enumerate(SHARE_FILLS)]
    key.append(_Key(words("static.no_share"), "s", NO_SHARE))
    with steady():
        body = rows * tall_px
        figure, legend = _frame(material, None, (title, words("static.overview")), body, rows=_in_rows(key))
        height = float(figure.get_size_inches()[1]) * DPI
        outlines = township_outlines(material.result.townships, (east - west) / cell_px)
        for place, service in enumerate(study.services):
            left, down = place % _PER_ROW * cell_px, (place // _PER_ROW + 1) * tall_px
            box = (left / WIDTH_PX, (height - _HEAD_PX - down) / height, cell_px / WIDTH_PX, tall_px / height)
            _draw_shares(figure.add_axes(box), material, service, outlines, ground)
        _draw_legend(legend, _in_rows(key))
        return as_png(figure)


@dataclass(frozen=True, slots=True)
class _Key:
    """A line of the legend: what a sign means."""

    label: str
    marker: str
    fill: str
    edge: str = "none"


_Rows: TypeAlias = "list[list[tuple[float, _Key]]]"


@dataclass(frozen=True, slots=True)
class _Mark:
    """Signs of one kind on a map, each with a number or without."""

    key: _Key
    xy: npt.NDArray[np.float64]
    size: float
    numbers: tuple[str, ...] = ()
    outline: Outline | None = None

    def draw(self, axes: Axes) -> None:
        """Draw the signs, and their numbers on top."""
        look: dict[str, Any]
        if self.outline is not None:
            look = {"facecolor": f"{_GAP}29", "edgecolor": self.key.edge, "linewidth": 0.6}
            axes.add_artist(PathPatch(self.outline, zorder=7, **look))
        else:
            look = {
                "markerfacecolor": self.key.fill,
                "markeredgecolor": self.key.edge,
                "markeredgewidth": 0.5,
            }
            axes.plot(*self.xy.T, linestyle="none", marker=self.key.marker, markersize=self.size, zorder=8, **look)
        for (x, y), number in zip(self.xy.tolist(), self.numbers, strict=False):  # either none or all have one
            on_sign = {"ha": "center", "va": "center", "path_effects": halo(1.4)}
            write(axes, x, y, number, fontsize=SMALL_PT - 1.0, color=self.key.edge, zorder=9, **on_sign)


def _sheet(
    material: Material, service: ServiceConfig | None, ground: Ground, titles: tuple[str, str], *, rows: _Rows
) -> tuple[Figure, tuple[Axes, Axes], Axes]:
    """Return a figure with its ground, axes in metres below and above its names, and axes in pixels for the legend."""
    figure, legend = _frame(material, service, titles, ground.height_px, rows=rows)
    height = float(figure.get_size_inches()[1]) * DPI
    bottom = _ground_bottom(len(rows))
    figure.add_artist(Pixels(ground.below, bottom, 0.0))
    figure.add_artist(Pixels(ground.above, bottom, 5.0))
    pair = []
    for place, order in enumerate((4.0, 6.0)):
        axes = figure.add_axes((0.0, bottom / height, 1.0, ground.height_px / height), label=f"map-{place}")
        axes.patch.set_visible(False)
        axes.set_zorder(order)
        fit(axes, ground.extent)
        pair.append(axes)
    return figure, (pair[0], pair[1]), legend


def _ground_bottom(n_rows: int) -> int:
    """Return how many pixels legend and source take below the ground."""
    return (n_rows + 1) * _LINE_PX


def _in_rows(key: Sequence[_Key]) -> _Rows:
    """Return the legend's lines as they are set: with the pixels from the left, as many in a row as fit."""
    rows: _Rows = [[]]
    x = 16.0
    for entry in key:
        wide = _SIGN_PX + _TEXT * DPI / 72.0 * _width(entry.label)
        if rows[-1] and x + wide > WIDTH_PX:
            rows.append([])
            x = 16.0
        rows[-1].append((x, entry))
        x += wide
    return rows


def _width(shown: str) -> float:
    """Return about how wide a text is, in its own font size."""
    return sum(1.0 if ord(letter) > 0x2E7F else 0.56 for letter in shown)


def _frame(
    material: Material, service: ServiceConfig | None, titles: tuple[str, str], body_px: int, *, rows: _Rows
) -> tuple[Figure, Axes]:
    """Return a figure with its title and sources, and axes in pixels over all of it for the legend."""
    study, words = material.result.study, material.words
    height = _HEAD_PX + body_px + _ground_bottom(len(rows))
    figure = new_figure(WIDTH_PX, height)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_zorder(10.0)
    axes.set_xlim(0.0, WIDTH_PX)
    axes.set_ylim(height, 0.0)
    entries = notices.relevant(material.result, None if service is None else service.id)
    title, said = titles
    write(axes, 6.0, 30.0, title, fontsize=_TITLE, color=INK, va="center")
    write(axes, 6.0, 70.0, said, fontsize=_TEXT, color=_SOFT, va="center")
    stamp = " · ".join(filter(None, (words.mark(study), notices.badge(entries, words))))
    write(axes, WIDTH_PX - 6.0, 30.0, stamp, fontsize=_TEXT, color=INK, va="center", ha="right")
    date = words("data_date", date=study.data_date.isoformat())
    credit = _clipped(" · ".join([words.name(study), date, *notices.attribution(entries, words)]), 75.0)
    write(axes, 6.0, height - 18.0, credit, fontsize=SMALL_PT - 1.0, color=_SOFT, va="center")
    return figure, axes


def _clipped(shown: str, most: float) -> str:
    """Return a line cut where it would be wider than so many of its letters' size."""
    width = 0.0
    for place, letter in enumerate(shown):
        width += _width(letter)
        if width > most:
            return f"{shown[:place]}…"
    return shown


def _draw_legend(axes: Axes, rows: _Rows) -> None:
    top = axes.get_ylim()[0] - _ground_bottom(len(rows)) + _LINE_PX / 2.0
    for place, row in enumerate(rows):
        y = top + place * _LINE_PX
        for x, entry in row:
            edge = entry.edge if entry.edge != "none" else _SOFT
            look: dict[str, Any] = {
                "markerfacecolor": entry.fill,
                "markeredgecolor": edge,
                "markeredgewidth": 0.4,
                "markersize": 6.0,
            }
            axes.plot([x], [y], linestyle="none", marker=entry.marker, **look)
            write(axes, x + 18.0, y, entry.label, fontsize=_TEXT, color=INK, va="center")


def _draw_people(
    axes: Axes, material: Material, service: ServiceConfig, classed: tuple[list[dict[str, Any]], npt.NDArray[np.int64]]
) -> None:
    """Draw where people of the service's group live, by class of minutes, the uncovered on top."""
    classes, class_of = classed
    persons = material.result.demand.persons[persons_column(service.base, service.group)].to_numpy(float)
    xy = shapely.get_coordinates(material.result.demand.points.geometry.to_numpy())
    size = float(np.clip(130.0 / math.sqrt(max(len(xy), 1)), 1.3, 7.0))  # smaller where there are many
    for number, entry in enumerate(classes):
        at = xy[(class_of == number) & (persons > 0.0)]
        look: dict[str, Any] = {"markerfacecolor": entry["fill"], "markeredgecolor": "none", "markersize": size}
        axes.plot(*at.T, linestyle="none", marker="o", zorder=3.0 + 0.01 * number, **look)


def _facility_marks(material: Material, service: ServiceConfig) -> list[_Mark]:
    words, places = material.words, material.places(service)
    found = []
    for status, fill in (("existing", INK), ("planned", _FACILITY)):
        at = shapely.get_coordinates(places.geometry.to_numpy()[(places["status"] == status).to_numpy()])
        if len(at):
            label = f"{words.heading(words.name(service))} · {words(f'status.{status}')}"
            edge = "white" if status == "existing" else INK
            found.append(_Mark(_Key(label, "s", fill, edge), at, 3.0))
    return found


def _gap_marks(material: Material, service: ServiceConfig) -> list[_Mark]:
    gaps = gap_layer.gaps_of(material.result, service)
    if gaps is None:
        return []
    shapes = gaps.geometry.to_numpy()
    key = _Key(material.words("layer.gaps"), "s", "#e2dbec", _GAP)
    return [_Mark(key, np.empty((0, 2)), 0.0, outline=trace(shapes, 20.0))]


def _site_marks(material: Material, service: ServiceConfig) -> list[_Mark]:
    found = []
    for proposal in proposal_layer.proposals_of(material.result, service):
        sites = proposal_layer.sites_of(material.result, proposal)
        key = _Key(material.words("layer.sites", proposal=material.words.name(proposal)), "*", "#ffd9ec", _SITE)
        xy = shapely.get_coordinates(sites.geometry.to_numpy())
        found.append(_Mark(key, xy, 11.0, tuple(map(str, sites["rank"]))))
    return found


def _draw_shares(
    axes: Axes, material: Material, service: ServiceConfig, outlines: dict[str, Outline], ground: Ground
) -> None:
    """Draw the townships of a service in the colours of their share, with its name and share above."""
    words, question = material.words, shares.headline(service)
    fit(axes, ground.extent)
    axes.patch.set_visible(False)
    west, south, east, north = ground.extent
    axes.set_ylim(south, north + (north - south) * 0.1)
    places = material.shares.by_code(question, "township")
    for code, outline in outlines.items():
        figures = places.get(code)
        is_known = figures is not None and not math.isnan(figures.share)
        fill = SHARE_FILLS[min(int(figures.share * 5.0), 4)] if figures is not None and is_known else NO_SHARE
        axes.add_artist(PathPatch(outline, facecolor=fill, edgecolor="#6d6a75", linewidth=0.3))
    whole = material.shares.whole(question)
    shown = _clipped(words.heading(words.name(service)), _WIDEST_NAME)
    label = f"{shown}  {wording.share(whole.share) if whole else wording.NOTHING}"
    middle = {"ha": "center", "va": "top"}
    write(axes, (west + east) / 2.0, north + (north - south) * 0.09, label, fontsize=SMALL_PT, color=INK, **middle)


def _draw_facilities(material: Material, ground: Ground, title: str) -> bytes:
    """Return a map with the facilities of all services, where there are no shares of townships to show."""
    marks = []
    for number, service in enumerate(material.result.study.services):
        places = material.places(service)
        label = material.words.heading(material.words.name(service))
        fill = f"C{number % 10}"
        marks.append(_Mark(_Key(label, "o", fill, INK), shapely.get_coordinates(places.geometry.to_numpy()), 4.0))
    with steady():
        figure, (_, above), legend = _sheet(
            material, None, ground, (title, ""), rows=_in_rows([mark.key for mark in marks])
        )
        for mark in marks:
            mark.draw(above)
        _draw_legend(legend, _in_rows([mark.key for mark in marks]))
        return as_png(figure)
