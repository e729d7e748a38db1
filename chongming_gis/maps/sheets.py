"""The maps of a result: one a service, and an overview of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chongming_gis.errors import OutputError
from chongming_gis.maps import notices, shares, views
from chongming_gis.maps.base import Base, build_base
from chongming_gis.maps.layers import Drawn, Panel, PlanLayerControl, Slot, View
from chongming_gis.maps.page import Data, PlanMap
from chongming_gis.wording import Language, Words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chongming_gis.results import StudyResult

_VILLAGE_BORDERS: dict[str, Any] = {"colour": "#8d8a96", "width": 0.6, "dash": [4, 3], "fromZoom": 11.5}


def coverage(result: StudyResult, service_id: str, *, language: Language = "zh") -> PlanMap:
    """Return the map of a service: people by minutes, people left out, shares by township, facilities.

    Parameters
    ----------
    service_id : a service of the study, such as ``"meal_point"``.

    Raises
    ------
    StudyError
        The study has no such service.
    """
    return _coverage(result, build_base(result, language), service_id, Words(language))


def overview(result: StudyResult, *, language: Language = "zh") -> PlanMap:
    """Return the map of all services under their first standard, one shown at a time."""
    return _overview(result, build_base(result, language), Words(language))


def all_maps(result: StudyResult, *, language: Language = "zh") -> dict[str, PlanMap]:
    """Return ``overview`` and the map of every service by its id, over one base."""
    base, words = build_base(result, language), Words(language)
    services = {s.id: _coverage(result, base, s.id, words) for s in result.study.services}
    return {"overview": _overview(result, base, words), **services}


def write_maps(result: StudyResult, folder: Path, *, language: Language = "zh") -> list[Path]:
    """Write ``overview.html`` and ``<service>.html`` into a folder, made where it is missing, and return their paths.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, sheet in all_maps(result, language=language).items():
            path = folder / f"{name}.html"
            path.write_text(sheet.page.render(), encoding="utf-8", newline="\n")
            paths.append(path)
    except OSError as error:
        raise OutputError(f"{folder}: the maps cannot be written ({error.strerror or error})") from error
    return paths


def _coverage(result: StudyResult, base: Base, service_id: str, words: Words) -> PlanMap:
    service = result.study.service(service_id)
    title = words("map_coverage", service=words.name(service))
    sheet = _sheet(result, base, title, words)
    people = Slot(words("layer.people"), show=True)
    uncovered = Slot(words("layer.uncovered"), show=False)
    choropleth = Slot(words("layer.choropleth"), show=False)
    facilities = views.facilities_data(result, service, words)
    slots = [people, uncovered, choropleth] if base.townships else [people, uncovered]
    for slot in slots:
        slot.add_to(sheet)
    Drawn("facilities", {"data": facilities}, name=words("layer.facilities")).add_to(sheet)
    persons = views.persons_data(result, service)
    names: list[str] = []
    for question in shares.questions(result, service):
        view = views.view_data(result, base, question, words)
        data = {"demand": base.demand, "persons": persons, "view": view, "facilities": facilities}
        parts = [(people, Drawn("people", data, show=False)), (uncovered, Drawn("uncovered", data, show=False))]
        if base.townships:
            drawn = Drawn("choropleth", {"areas": base.townships, "view": view}, show=False)
            parts.append((choropleth, drawn))
        _add_view(sheet, _distinct(views.question_name(question, words), names), view, parts, is_first=len(names) == 1)
    _add_base_layers(sheet, base, words)
    _finish(sheet, result, service_id, title, words)
    return sheet


def _overview(result: StudyResult, base: Base, words: Words) -> PlanMap:
    title = words("map_overview")
    sheet = _sheet(result, base, title, words)
    choropleth = Slot(words("layer.choropleth"), show=True)
    uncovered = Slot(words("layer.uncovered"), show=True)
    facility = Slot(words("layer.facilities"), show=True)
    slots = [choropleth, uncovered, facility] if base.townships else [uncovered, facility]
    for slot in slots:
        slot.add_to(sheet)
    names: list[str] = []
    for service in result.study.services:
        view = views.view_data(result, base, shares.headline(service), words)
        facilities = views.facilities_data(result, service, words)
        persons = views.persons_data(result, service)
        data = {"demand": base.demand, "persons": persons, "view": view, "facilities": facilities}
        parts = [
            (uncovered, Drawn("uncovered", data, show=False)),
            (facility, Drawn("facilities", {"data": facilities}, show=False)),
        ]
        if base.townships:
            drawn = Drawn("choropleth", {"areas": base.townships, "view": view}, show=False)
            parts.insert(0, (choropleth, drawn))
        _add_view(sheet, _distinct(words.name(service), names), view, parts, is_first=len(names) == 1)
    _add_base_layers(sheet, base, words)
    _finish(sheet, result, None, title, words)
    return sheet


def _sheet(result: StudyResult, base: Base, title: str, words: Words) -> PlanMap:
    """Return a map with its ground."""
    study_name = words.name(result.study)
    around = "nothing" if result.land.empty else "sea"
    sheet = PlanMap(title=f"{title} · {study_name}", language=words.language, bounds=base.bounds, around=around)
    if base.ground:
        Drawn("ground", {"data": base.ground}).add_to(sheet)
    return sheet


def _add_base_layers(sheet: PlanMap, base: Base, words: Words) -> None:
    """Add roads, borders and names: below the theme in the layer control, in panes of their own on the map."""
    if base.names:
        names = {f"set{i}": entry for i, entry in enumerate(base.names)}
        keys = [entry.key for entry in base.names]
        Drawn("names", names, options={"data": keys}, name=words("layer.names")).add_to(sheet)
    if base.roads:
        Drawn("roads", {"data": base.roads}, name=words("layer.roads")).add_to(sheet)
    if base.townships:
        Drawn("borders", {"data": base.townships}, name=words("layer.borders")).add_to(sheet)
    if base.villages:
        name = words("layer.villages")
        Drawn("borders", {"data": base.villages}, options=_VILLAGE_BORDERS, name=name, show=False).add_to(sheet)
    if base.zones:
        Drawn("ground", {"data": base.zones}, name=words("layer.zones"), show=False).add_to(sheet)


def _add_view(sheet: PlanMap, name: str, view: Data, parts: Sequence[tuple[Slot, Drawn]], *, is_first: bool) -> None:
    for _, drawn in parts:
        drawn.add_to(sheet)
    View(name, view, parts, show=is_first).add_to(sheet)


def _distinct(name: str, taken: list[str]) -> str:
    """Return a name for the layer control, where equal names would fall together."""
    taken.append(name)
    count = taken.count(name)
    return name if count == 1 else f"{name} ({count})"


def _finish(sheet: PlanMap, result: StudyResult, service_id: str | None, title: str, words: Words) -> None:
    """Put the panels around the map."""
    study = result.study
    entries = notices.relevant(result, service_id)
    heading = {
        "study": words.name(study),
        "badge": words("internal"),
        "title": title,
        "namesService": service_id is None,
        "notice": notices.schematic_notice(study, entries, words),
        "sources": notices.lines(study, entries, words),
        "date": words("data_date", date=study.data_date.isoformat()),
        "attribution": notices.attribution(entries, words),
    }
    Panel("title", Data.of("title", heading)).add_to(sheet)
    choose = "choose_service" if service_id is None else "choose_standard"
    control = Data.of("control", {"layers": words("layers"), "views": words(choose)})
    PlanLayerControl(control).add_to(sheet)
    Panel("legend").add_to(sheet)
    Panel("inspect").add_to(sheet)
