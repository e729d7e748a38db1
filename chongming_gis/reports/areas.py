"""The chapter on the ground that is reached: how large it is, who lives there, and how many people it misjudges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chongming_gis import wording
from chongming_gis.isochrones import CELL_M, NEAR_EDGE_M
from chongming_gis.maps import isochrone_layer
from chongming_gis.reports.blocks import Notes, Paragraph, Section, Table, number, text
from chongming_gis.units import seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    from chongming_gis.config import ServiceConfig
    from chongming_gis.reports.blocks import Cell
    from chongming_gis.reports.figures import Told


def sections(told: Told) -> tuple[Section, ...]:
    """Return the chapter, or nothing where no area was drawn."""
    words, study = told.words, told.result.study
    found = [(service, isochrone_layer.areas_of(told.result, service)) for service in study.services]
    drawn = [(service, areas) for service, areas in found if areas]
    if not drawn:
        return ()
    named = words.join([words.name(service) for service, _ in drawn])
    opening = Paragraph(words("areas.opening", services=named, cell=wording.quantity(CELL_M)))
    rows = [
        _cells(told, service, areas, ring)
        for service, parts in drawn
        for areas in parts
        for ring in areas.to_dict("records")
    ]
    columns = (
        "service", "whose", "minutes", "area_km2", "persons_inside", "persons_in_time", "misjudged",
        "share_misjudged", "share_misjudged_near",
    )  # fmt: skip
    table = Table(words("areas.table"), tuple(words(f"col.{name}") for name in columns), tuple(rows))
    return (Section("areas", words("areas.chapter"), (opening, table, Notes(_notes(told, drawn)))),)


def _cells(told: Told, service: ServiceConfig, areas: gpd.GeoDataFrame, ring: Mapping[Any, Any]) -> tuple[Cell, ...]:
    words = told.words
    return (
        text(words.name(service)),
        text(isochrone_layer.whose(told.result, areas, words)),
        number(wording.quantity(round(seconds_to_minutes(ring["limit_s"]), 2))),
        number(f"{ring['area_km2']:,.1f}"),
        number(wording.persons(ring["persons_inside"])),
        number(wording.persons(ring["persons_in_time"])),
        number(wording.persons(ring["persons_misclassified"])),
        number(wording.share(ring["share_misclassified"])),
        number(wording.share(isochrone_layer.near_edge_share(ring))),
    )


def _notes(told: Told, drawn: list[tuple[ServiceConfig, list[gpd.GeoDataFrame]]]) -> tuple[str, ...]:
    """Return what the error means, which services are not drawn, and where the surfaces are."""
    words, result = told.words, told.result
    notes = [words("areas.error_note", near=wording.quantity(NEAR_EDGE_M))]
    config = result.study.measures.isochrones
    shown = {service.id for service, _ in drawn}
    left = [s for s in result.study.services if config and s.id in config.full_services and s.id not in shown]
    if left:
        notes.append(words("areas.left_to_full", n=len(left)))
    if len(result.surfaces):
        notes.append(words("areas.surfaces", files=words.join([f"{name}.tif" for name in sorted(result.surfaces)])))
    return tuple(notes)
