"""What a map shows of one question (a service under a standard): people by minutes, shares by township, facilities.

Every figure that a page prints is made into text here from the coverage table; the page only places it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chongming_gis import discretion, wording
from chongming_gis.maps import shares
from chongming_gis.maps.base import Base, build_base, indexed, lon_lat, text_list
from chongming_gis.maps.packing import pack, pack_coordinates
from chongming_gis.maps.page import Data
from chongming_gis.maps.times import AccessRows, read_access
from chongming_gis.tables import persons_column, rows_where
from chongming_gis.units import minutes_to_seconds
from chongming_gis.wording import Words

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig
    from chongming_gis.maps.shares import Figures, Question
    from chongming_gis.maps.times import Times
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Language

# Blues for the covered and orange to dark red for the others: told apart with every kind of colour vision.
COVERED_FILLS = ("#08457e", "#2b7bba", "#5aa9cf", "#8fcbd6")  # near to far
UNCOVERED_FILLS = ("#f28e2b", "#cf3a24", "#7a1414")
UNREACHED_FILL = "#2b2b2b"
_HIDDEN_TENTHS = 1  # where small numbers are hidden, no place has a tenth of a person
_NICE_MINUTES = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240)


@dataclass(frozen=True, slots=True)
class Material:
    """What all maps of a result are drawn from, made once."""

    result: StudyResult
    words: Words
    base: Base
    shares: shares.Shares
    access: AccessRows
    _places: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)  # by service, made when first asked for
    _facilities: dict[str, Data] = field(default_factory=dict)  # by service, likewise
    _persons: dict[str, Data] = field(default_factory=dict)  # by column of persons, likewise
    _views: dict[str, Data] = field(default_factory=dict)  # by question, likewise

    def places(self, service: ServiceConfig) -> gpd.GeoDataFrame:
        """Return the facilities of a service in order of their id."""
        if service.id not in self._places:
            self._places[service.id] = facilities_of(self.result, service)
        return self._places[service.id]

    def facilities(self, service: ServiceConfig) -> Data:
        """Return the facilities of a service with what their cards say."""
        if service.id not in self._facilities:
            self._facilities[service.id] = facilities_data(self, service)
        return self._facilities[service.id]

    def persons(self, service: ServiceConfig) -> Data:
        """Return the persons of a service's group and base at each demand point."""
        column = persons_column(service.base, service.group)
        if column not in self._persons:
            self._persons[column] = persons_data(self.result, service)
        return self._persons[column]

    def view(self, question: Question) -> Data:
        """Return one question's times, classes and figures."""
        if question.key not in self._views:
            self._views[question.key] = view_data(self, question)
        return self._views[question.key]


def prepare(result: StudyResult, language: Language) -> Material:
    """Return what all maps of a result are drawn from; the maps and the report of a run share it."""
    base = build_base(result, language)
    return Material(result, Words(language), base, shares.read_shares(result), read_access(result))


def persons_data(result: StudyResult, service: ServiceConfig) -> Data:
    """Return the persons of a service's group and base at each demand point, in tenths.

    Small numbers of a sensitive group do not stand on the page: one tenth is written for each of them, and ``hidden``
    is the number by which a page draws and sums it.
    """
    persons = result.demand.persons[persons_column(service.base, service.group)].to_numpy(dtype=np.float64)
    hidden = discretion.is_hidden(result.study, service.group, persons)
    tenths = np.where(hidden, _HIDDEN_TENTHS, np.rint(persons * 10.0)).astype(np.int64)
    content: dict[str, Any] = {"tenths": pack(tenths)}
    if hidden.any():
        content["hidden"] = discretion.stand_in(persons, hidden)
    return Data.of(f"persons-{service.base}-{service.group}", content)


def facilities_data(material: Material, service: ServiceConfig) -> Data:
    """Return the facilities of a service with what their cards say."""
    places, words = material.places(service), material.words
    levels, level_of = indexed(text_list(places["level"]))
    statuses, status_of = indexed(text_list(places["status"]))
    kinds, kind_of = indexed(text_list(places["data_kind"]))
    content = {
        "title": words.heading(words.name(service)),
        "xy": pack_coordinates(lon_lat(places)),
        "names": text_list(places["name_zh"]),
        "levels": levels,
        "level": _digits(level_of),
        "statuses": statuses,
        "status": _digits(status_of),
        "kinds": kinds,
        "kind": _digits(kind_of),
        "rows": _facility_rows(material.result, places, words),
    }
    return Data.of(f"facilities-{service.id}", content)


def facilities_of(result: StudyResult, service: ServiceConfig) -> gpd.GeoDataFrame:
    """Return the facilities of a service in order of their id."""
    places = rows_where(result.facilities.places, "service", service.id)
    return places.sort_values("facility_id", kind="stable")


def view_data(material: Material, question: shares.Question) -> Data:
    """Return one question's times, classes and figures, in the order of the demand points and townships."""
    return Data.of(f"view-{question.key}", view_content(material, question))


def view_content(material: Material, question: shares.Question) -> dict[str, Any]:
    """Return what stands in the data of one question, for a view that says more of it."""
    times = material.access.times(question, material.places(question.service)["facility_id"])
    content = {**heading(material, question), "areas": _township_figures(material, question)}
    return content | times_content(material, times)


def times_content(material: Material, times: Times) -> dict[str, Any]:
    """Return how every demand point stands, as the layers of people read it."""
    words = material.words
    limit_minutes = times.limit_s / minutes_to_seconds(1.0)
    classes, class_of = minute_classes(times.time_s, times.covered, limit_minutes, words)
    names = {mode.id: words.name(mode) for mode in material.result.study.modes}
    modes = [names.get(mode, mode) for mode in times.modes]
    limits, limit_of = _pairs(limit_minutes, times.mode)
    reached = np.isfinite(times.time_s)
    tenths = np.rint(np.where(reached, times.time_s, 0.0) / minutes_to_seconds(0.1)) + 1  # 0 = not reached
    return {
        "limits": [{"minutes": f"{minutes:g}", "mode": modes[mode]} for minutes, mode in limits],
        "limit": pack_or_constant(limit_of),
        "time": pack(np.where(reached, tenths, 0).astype(np.int64)),
        "classes": classes,
        "cls": pack_or_constant(class_of),
        "facility": pack(times.facility + 1),
        "within": pack_or_constant(times.within),
    }


def _pairs(
    limit_minutes: npt.NDArray[np.float64], mode: npt.NDArray[np.int64]
) -> tuple[list[tuple[float, int]], npt.NDArray[np.int64]]:
    """Return the pairs of limit and mode that occur, and the place of each row's pair among them."""
    limits, limit = np.unique(limit_minutes, return_inverse=True)
    base = int(mode.max(initial=0)) + 1
    pairs, place = np.unique(limit * base + mode, return_inverse=True)
    return [(float(limits[pair // base]), int(pair % base)) for pair in pairs.tolist()], place.astype(np.int64)


def pack_or_constant(values: npt.NDArray[np.int64]) -> str | int:
    """Return packed numbers, or the number itself where all are the same."""
    return int(values[0]) if len(values) and (values == values[0]).all() else pack(values)


def minute_classes(
    time_s: npt.NDArray[np.float64],
    covered: npt.NDArray[np.bool_],
    limit_minutes: npt.NDArray[np.float64],
    words: Words,
) -> tuple[list[dict[str, Any]], npt.NDArray[np.int64]]:
    """Return the classes of travel time that occur, and the class of each place.

    Covered and not covered never share a class: where the limit differs between settlement classes, the same minutes
    can be within one limit and beyond another.
    """
    most = float(limit_minutes.max()) if len(limit_minutes) else 15.0
    least = float(limit_minutes.min()) if len(limit_minutes) else 15.0
    inner = [m for m in _NICE_MINUTES if m < most] + [most]
    while len(inner) > len(COVERED_FILLS):
        inner = inner[::-1][::2][::-1]
    outer = [2.0 * most, 4.0 * most, math.inf]
    starts = [0.0, *inner[:-1], least, *outer[:-1]]
    ends = [*inner, *outer]
    covered_fills = COVERED_FILLS[: len(inner)] if len(inner) > 1 else COVERED_FILLS[1:2]
    classes = [
        {"fill": fill, "covered": k < len(inner), "label": _minutes_label(starts[k], ends[k], words)}
        for k, fill in enumerate([*covered_fills, *UNCOVERED_FILLS])
    ]
    classes.append({"fill": UNREACHED_FILL, "covered": False, "label": words("class_unreached")})
    within = np.searchsorted(minutes_to_seconds(1.0) * np.array(inner), time_s).clip(max=len(inner) - 1)
    beyond = len(inner) + np.searchsorted(minutes_to_seconds(1.0) * np.array(outer), time_s).clip(max=len(outer) - 1)
    class_of = np.where(covered, within, np.where(np.isfinite(time_s), beyond, len(classes) - 1))
    occurs = np.bincount(class_of, minlength=len(classes)) > 0
    return [classes[k] for k in np.flatnonzero(occurs)], (np.cumsum(occurs) - 1)[class_of]


def _minutes_label(start: float, end: float, words: Words) -> str:
    if math.isinf(end):
        return words("class_over", start=f"{start:g}")
    return words("class_between", start=f"{start:g}", to=f"{end:g}") if start else words("class_upto", to=f"{end:g}")


def heading(material: Material, question: shares.Question, figures: Figures | None = None) -> dict[str, Any]:
    """Return what the title says of a question; ``figures`` in place of those that the coverage table has."""
    words, service = material.words, question.service
    who = words.group(material.result.study, service.group, service.base)
    figures = figures or material.shares.whole(question)
    figure = None
    if figures:
        shown = shares.in_words(figures)
        key = "figure_unreached" if round(figures.unreached) else "figure"
        figure = {"share": shown["share"], "text": words(key, who=who, **shown)}
    return {
        "service": words.name(service),
        "standard": words.standard(material.result.study, question.standard),
        "who": who,
        "figure": figure,
    }


def _township_figures(material: Material, question: shares.Question) -> list[dict[str, Any] | None]:
    """Return what the card of each township says, and the share that colours it; None for one without figures."""
    found = material.shares.by_code(question, "township")
    freed = material.shares.by_code(question.freed, "township") if question.rule == "applied" else {}
    out: list[dict[str, Any] | None] = []
    for code in material.base.township_codes:
        figures = found.get(code)
        if figures is None:
            out.append(None)
            continue
        value = None if math.isnan(figures.share) else round(figures.share, 6)
        entry = {**shares.in_words(figures), "value": value}
        if code in freed and freed[code].covered != figures.covered:
            entry["shareIgnored"] = wording.share(freed[code].share)
        out.append(entry)
    return out


def _facility_rows(result: StudyResult, places: gpd.GeoDataFrame, words: Words) -> list[list[tuple[str, str]]]:
    capacity = _capacity_rows(result, places, words)
    above = {
        words("facility_level"): _of_each(places["level"], lambda level: words(f"level.{level}")),
        words("facility_kind"): _of_each(places["kind"], lambda kind: words.or_raw("facility", _text(kind))),
    }
    kinds = _of_each(places["data_kind"], lambda kind: words.or_raw("kind", kind))
    quality = [
        words("quality_m", metres=wording.quantity(metres)) if math.isfinite(metres) else ""
        for metres in places["position_quality_m"].to_numpy(dtype=float).tolist()
    ]
    years = zip(*(_of_each(places[name], _text) for name in ("open_year", "close_year")), strict=True)
    below = {
        words("facility_serves"): _of_each(places["serves"], lambda serves: words(f"serves.{serves}")),
        words("facility_status"): _of_each(places["status"], lambda status: words(f"status.{status}")),
        words("facility_years"): [" – ".join(pair) if any(pair) else "" for pair in years],
        words("facility_data"): [" · ".join(filter(None, pair)) for pair in zip(kinds, quality, strict=True)],
        words("facility_source"): _of_each(places["source"], _text),
    }
    first, last = (zip(*columns.values(), strict=True) for columns in (above, below))
    return [
        [
            *((label, said) for label, said in zip(above, one, strict=True) if said),
            *capacity.get(facility_id, []),
            *((label, said) for label, said in zip(below, other, strict=True) if said),
        ]
        for facility_id, one, other in zip(places["facility_id"].tolist(), first, last, strict=True)
    ]


def _capacity_rows(result: StudyResult, places: gpd.GeoDataFrame, words: Words) -> dict[str, list[tuple[str, str]]]:
    """Return what each facility has room for and how much of it is used, in the order of the units."""
    table = result.facilities.capacity
    table = table[table["facility_id"].isin(places["facility_id"])].sort_values(["facility_id", "unit"], kind="stable")
    found: dict[str, list[tuple[str, str]]] = {}
    columns = (table[name].tolist() for name in ("facility_id", "unit", "value", "used"))
    for facility_id, unit, value, used in zip(*columns, strict=True):
        text = wording.quantity(float(value))
        if pd.notna(used):
            text = words("facility_used", value=text, used=wording.quantity(float(used)))
        found.setdefault(facility_id, []).append((words("facility_capacity", unit=words.or_raw("unit", unit)), text))
    return found


def _of_each(column: pd.Series, say: Callable[[Any], str]) -> list[str]:
    """Return what is said of each value of a column; few of them differ."""
    values = column.tolist()
    said = {value: say(value) for value in dict.fromkeys(values)}
    return [said[value] for value in values]


def _text(value: object) -> str:
    return str(value) if pd.notna(value) else ""  # type: ignore[call-overload]


def _digits(packed: str) -> list[int]:
    """Return the values of packed numbers below 32 (codes of a short list)."""
    return [ord(letter) - ord("A") for letter in packed]
