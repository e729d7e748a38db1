"""The maps of a result: one a service, and an overview of all."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from chongming_gis import discretion
from chongming_gis.errors import OutputError
from chongming_gis.maps import (
    gap_layer,
    isochrone_layer,
    notices,
    online,
    plan_layer,
    proposal_layer,
    shares,
    theme_layers,
    views,
)
from chongming_gis.maps.layers import Choice, Drawn, Panel, PlanLayerControl, Slot, View, ViewChoice
from chongming_gis.maps.page import Data, PlanMap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from chongming_gis.config import ServiceConfig
    from chongming_gis.maps.base import Base
    from chongming_gis.maps.views import Material
    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Language, Words

Standards = Literal["all", "headline"]

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
    sheet = _coverage(views.prepare(result, language), result.study.service(service_id), "all")
    return online.offer(sheet, result.study)


def overview(result: StudyResult, *, language: Language = "zh") -> PlanMap:
    """Return the map of all services under their first standard, one shown at a time."""
    return online.offer(_overview(views.prepare(result, language)), result.study)


def all_maps(
    result: StudyResult, *, language: Language = "zh", standards: Standards = "all", material: Material | None = None
) -> Iterator[tuple[str, PlanMap]]:
    """Yield ``overview`` and then every service, each by its name and with its map; all stand over one base.

    Parameters
    ----------
    standards : what the services' maps let choose: ``"all"`` standards, or the ``"headline"`` one only.
    material : what ``prepare`` made of the same result in the same language, where it is there already.
    """
    material = material or views.prepare(result, language)
    yield "overview", _overview(material)
    for service in result.study.services:
        yield service.id, _coverage(material, service, standards)


def every_map(material: Material) -> Iterator[tuple[str, PlanMap]]:
    """Yield all maps of a result by their name: overview, services, and those of other themes that it has."""
    from chongming_gis.maps.other_sheets import further_maps  # which stands on this module

    own = all_maps(material.result, language=material.words.language, material=material)
    for name, sheet in chain(own, further_maps(material)):
        yield name, online.offer(sheet, material.result.study)


def write_maps(
    result: StudyResult, folder: Path, *, language: Language = "zh", material: Material | None = None
) -> list[Path]:
    """Write every map of a result as ``<name>.html`` into a folder, made where it is missing, and return their paths.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    paths = []
    material = material or views.prepare(result, language)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, sheet in every_map(material):
            path = folder / f"{name}.html"
            path.write_text(sheet.page.render(), encoding="utf-8", newline="\n")
            paths.append(path)
    except OSError as error:
        raise OutputError(f"{folder}: the maps cannot be written ({error.strerror or error})") from error
    return paths


def _coverage(material: Material, service: ServiceConfig, standards: Standards) -> PlanMap:
    words, base = material.words, material.base
    title = words("map_coverage", service=words.name(service))
    sheet = new_sheet(material, title)
    people = Slot(words("layer.people"), show=True)
    uncovered = Slot(words("layer.uncovered"), show=False)
    choropleth = Slot(words("layer.choropleth"), show=False)
    for slot in [people, uncovered, choropleth] if base.townships else [people, uncovered]:
        slot.add_to(sheet)
    of_headline = _measured_parts(material, service, standards)
    for slot, _ in of_headline:
        slot.add_to(sheet)
    facilities = material.facilities(service)
    Drawn("facilities", {"data": facilities}, name=words("layer.facilities")).add_to(sheet)
    asked = tuple(shares.Question(service, standard) for standard in service.standards)
    choices: list[Choice] = []
    for question in material.shares.questions(asked if standards == "all" else asked[:1]):
        view = material.view(question)
        data = people_data(material, view, facilities, service)
        parts = [(people, Drawn("people", data, show=False)), (uncovered, Drawn("uncovered", data, show=False))]
        parts += _choropleth_part(base, view, choropleth)
        parts += [] if choices else of_headline
        group = words("anyone_may_use") if question.rule == "ignored" else ""
        name = words.heading(words.name(question.standard))
        choices.append((name, group, add_view(sheet, view, parts, is_first=not choices)))
    for number, proposal in enumerate(proposal_layer.proposals_of(material.result, service)):
        sites, name = proposal_layer.sites_data(material, proposal), words("layer.sites", proposal=words.name(proposal))
        Drawn("sites", {"data": sites}, name=name, show=number == 0).add_to(sheet)
        after = proposal_layer.after_view(material, proposal)
        if after is not None and standards == "all":
            view, then = after
            data = {**people_data(material, view, facilities, service), "facilities": then}
            parts = [(people, Drawn("people", data, show=False)), (uncovered, Drawn("uncovered", data, show=False))]
            parts += _choropleth_part(base, view, choropleth)
            choices.append((words.name(proposal), words("map.after"), add_view(sheet, view, parts, is_first=False)))
            choices.append(_swipe_choice(sheet, material, proposal, (people, data)))
    if standards == "all":
        choices += _theme_choices(sheet, material, service, {"people": people, "choropleth": choropleth})
        for phases in theme_layers.phased_of(material, service):
            by_year = proposal_layer.phases_data(material, phases)
            if by_year is not None:
                Drawn(
                    "phases", {"data": by_year}, name=words("layer.phases", phases=words.name(phases)), show=False
                ).add_to(sheet)
    add_base_layers(sheet, base, words)
    finish(sheet, material, service.id, title, ViewChoice(words("choose_standard"), choices))
    return sheet


def _swipe_choice(
    sheet: PlanMap, material: Material, proposal: ProposalConfig, shown: tuple[Slot, Mapping[str, Data]]
) -> Choice:
    """Add the view of a proposal with a slider between before and after.

    Parameters
    ----------
    shown : the slot of the people, and the data of the people once the sites stand.
    """
    slot, after = shown
    service = material.result.study.service(proposal.service)
    before = material.view(shares.headline(service))
    data = {
        "demand": after["demand"], "persons": after["persons"], "before": before, "after": after["view"],
        "facilities": material.facilities(service), "then": after["facilities"],
    }  # fmt: skip
    view = proposal_layer.swipe_view(material, proposal, after["view"])
    added = add_view(sheet, view, [(slot, Drawn("swipe", data, show=False))], is_first=False)
    return (material.words("map.swipe", proposal=material.words.name(proposal)), material.words("map.after"), added)


def _theme_choices(
    sheet: PlanMap, material: Material, service: ServiceConfig, slots: Mapping[str, Slot]
) -> list[Choice]:
    """Add the views of capacity and access that the result has for a service."""
    words, base = material.words, material.base
    choices: list[Choice] = []
    view = theme_layers.three_numbers_view(material, service)
    if view is not None and base.townships is not None:
        pies = Slot(words("map.three.title"), show=True)
        pies.add_to(sheet)
        names = next(entry for entry in base.names if entry.key == "names-townships")
        parts = [(pies, Drawn("pies", {"view": view, "names": names}, show=False))]
        parts += _choropleth_part(base, view, slots["choropleth"])
        choices.append((words("map.three"), words("map.themes"), add_view(sheet, view, parts, is_first=False)))
    for asked in theme_layers.access_questions(material, service):
        view = theme_layers.access_view(material, service, asked)
        data = {"demand": base.demand, "persons": material.persons(service), "view": view}
        parts = [(slots["people"], Drawn("scores", data, show=False))]
        name = words("map.access", method=words.or_raw("map.method", asked.method))
        choices.append((name, words("map.themes"), add_view(sheet, view, parts, is_first=False)))
    return choices


def _overview(material: Material) -> PlanMap:
    result, words, base = material.result, material.words, material.base
    title = words("map_overview")
    sheet = new_sheet(material, title)
    choropleth = Slot(words("layer.choropleth"), show=True)
    uncovered = Slot(words("layer.uncovered"), show=True)
    facility = Slot(words("layer.facilities"), show=True)
    for slot in [choropleth, uncovered, facility] if base.townships else [uncovered, facility]:
        slot.add_to(sheet)
    choices: list[Choice] = []
    for service in result.study.services:
        view = material.view(shares.headline(service))
        facilities = material.facilities(service)
        data = people_data(material, view, facilities, service)
        parts = [
            *_choropleth_part(base, view, choropleth),
            (uncovered, Drawn("uncovered", data, show=False)),
            (facility, Drawn("facilities", {"data": facilities}, show=False)),
        ]
        choices.append((words.heading(words.name(service)), "", add_view(sheet, view, parts, is_first=not choices)))
    for layer in plan_layer.plan_layers(material):
        layer.add_to(sheet)
    add_base_layers(sheet, base, words)
    finish(sheet, material, None, title, ViewChoice(words("choose_service"), choices))
    return sheet


def people_data(material: Material, view: Data, facilities: Data, service: ServiceConfig) -> dict[str, Data]:
    """Return the data of a layer of people by the names under which the layer reads it."""
    persons = material.persons(service)
    return {"demand": material.base.demand, "persons": persons, "view": view, "facilities": facilities}


def _choropleth_part(base: Base, view: Data, slot: Slot) -> list[tuple[Slot, Drawn]]:
    """Return the layer of shares by township with its slot, where there are townships."""
    if base.townships is None:
        return []
    return [(slot, Drawn("choropleth", {"areas": base.townships, "view": view}, show=False))]


def _measured_parts(material: Material, service: ServiceConfig, standards: Standards) -> list[tuple[Slot, Drawn]]:
    """Return the layers that stand for the headline standard only: gaps, and on the map by itself the ground reached.

    The report leaves that ground to the maps beside it: drawn for every service it would be larger than all the rest.
    """
    words = material.words
    found: list[tuple[str, str, Data]] = []
    gaps = gap_layer.gaps_data(material.result, service, words)
    if gaps is not None:
        found.append((words("layer.gaps"), "gaps", gaps))
    if standards == "all":
        areas = isochrone_layer.areas_data(material.result, service, words)
        found += [(title, "reached", data) for title, data in areas]
    return [(Slot(name, show=False), Drawn(draws, {"data": data}, show=False)) for name, draws, data in found]


def new_sheet(material: Material, title: str) -> PlanMap:
    """Return a map with its ground."""
    result, words, base = material.result, material.words, material.base
    around = "nothing" if result.land.empty else "sea"
    page_title = f"{title} · {words.name(result.study)}"
    sheet = PlanMap(title=page_title, language=words.language, bounds=base.bounds, around=around)
    if base.ground:
        Drawn("ground", {"data": base.ground}).add_to(sheet)
    return sheet


def add_base_layers(sheet: PlanMap, base: Base, words: Words, *, show_zones: bool = False) -> None:
    """Add roads, borders and names: below the theme in the layer control, in panes of their own on the map."""
    if base.names:
        names = {f"set{i}": entry for i, entry in enumerate(base.names)}
        names |= {"areas": base.townships} if base.townships else {}
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
        Drawn("ground", {"data": base.zones}, name=words("layer.zones"), show=show_zones).add_to(sheet)


def add_view(sheet: PlanMap, view: Data, parts: Sequence[tuple[Slot, Drawn]], *, is_first: bool) -> View:
    """Add a view and its layers to a map and return it; the first one is shown."""
    for _, drawn in parts:
        drawn.add_to(sheet)
    added = View(view, parts, show=is_first)
    added.add_to(sheet)
    return added


def _drawn_places(sheet: PlanMap) -> list[str]:
    """Return the datasets of all facilities and proposed sites on a map, shown or not, for its search."""
    drawn = [child for child in sheet._children.values() if isinstance(child, Drawn)]  # noqa: SLF001 - branca has no other way
    return list(dict.fromkeys(str(child.options["data"]) for child in drawn if child.draws in {"facilities", "sites"}))


def finish(sheet: PlanMap, material: Material, service_id: str | None, title: str, choice: ViewChoice) -> None:
    """Put the panels around the map."""
    study, words = material.result.study, material.words
    entries = notices.relevant(material.result, service_id)
    heading = {
        "study": words.name(study),
        "badge": notices.badge(entries, words),
        "title": title,
        "notice": notices.schematic_notice(study, entries, words),
        "sources": notices.lines(study, entries, words),
        "masked": words("discretion.note") if discretion.hides_any(study) else "",
        "isMasked": any(discretion.is_sensitive(study, s.group) for s in study.services if s.id == service_id),
        "foot": notices.foot(study, entries, words),
        "attribution": [words.mark(study), *notices.attribution(entries, words)],
    }
    Panel("title", Data.of("title", heading)).add_to(sheet)
    found = {"facilities": _drawn_places(sheet), "areas": [names.key for names in material.base.names]}
    Panel("tools", Data.of("tools", found)).add_to(sheet)
    choice.add_to(sheet)
    control = Data.of("control", {"layers": words("layers"), "ground": words("base_map")})
    PlanLayerControl(control).add_to(sheet)
    Panel("legend").add_to(sheet)
    Panel("inspect").add_to(sheet)
