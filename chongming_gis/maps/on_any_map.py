"""Single layers of a result for any folium.Map, the user's own included; cards open on a click as on our maps.

What a layer draws stands on the page as data, so one page holds layers of one result. Making a layer of a result packs
its base (a second or two): ``prepare`` once and hand the ``Material`` to all layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from folium.template import Template

from chongming_gis.errors import StudyError
from chongming_gis.maps import gap_layer, proposal_layer, shares, views
from chongming_gis.maps.layers import Drawn, Panel
from chongming_gis.maps.page import Data
from chongming_gis.maps.views import Material
from chongming_gis.wording import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chongming_gis.config import ServiceConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Language


class LooseLayer(Drawn):
    """A layer that brings along the texts and the cards that our own maps have anyway."""

    _template = Template("""
{% macro script(this, kwargs) %}
var {{ this.get_name() }} = cgis.loose(cgis.{{ this.draws }}({{ this.options|tojson }}));
{% endmacro %}
""")

    def __init__(self, draws: str, data: Mapping[str, Data], *, name: str, language: Language) -> None:
        super().__init__(draws, data, name=name)
        self._name = "LooseLayer"
        self.data = (*self.data, _texts(language))


def people_layer(
    result: StudyResult | Material, service_id: str, *, standard_id: str | None = None, language: Language = "zh"
) -> LooseLayer:
    """Return the places where people live, coloured by the time to the nearest facility.

    Parameters
    ----------
    result : a result, or what ``prepare`` made of it (its language is then used).
    standard_id : of the service; none = its first.

    Raises
    ------
    StudyError
        The study has no such service, or the service no such standard.
    """
    return _of_people(result, service_id, standard_id, language, "people")


def uncovered_layer(
    result: StudyResult | Material, service_id: str, *, standard_id: str | None = None, language: Language = "zh"
) -> LooseLayer:
    """Return the people left out as circles; see ``people_layer``."""
    return _of_people(result, service_id, standard_id, language, "uncovered")


def townships_layer(
    result: StudyResult | Material, service_id: str, *, standard_id: str | None = None, language: Language = "zh"
) -> LooseLayer:
    """Return the townships coloured by the share of people within the standard; see ``people_layer``.

    Raises
    ------
    StudyError
        The study has no townships, no such service, or the service no such standard.
    """
    material = _material(result, language)
    if material.base.townships is None:
        raise StudyError("the study has no townships: give it sources.townships to colour them")
    view = material.view(_question(material, service_id, standard_id))
    data = {"areas": material.base.townships, "view": view}
    return _loose(material, "choropleth", data, material.words("layer.choropleth"))


def facilities_layer(result: StudyResult | Material, service_id: str, *, language: Language = "zh") -> LooseLayer:
    """Return the facilities of a service as symbols with their cards.

    Raises
    ------
    StudyError
        The study has no such service.
    """
    material = _material(result, language)
    service = material.result.study.service(service_id)
    return _loose(material, "facilities", {"data": material.facilities(service)}, material.words("layer.facilities"))


def gaps_layer(result: StudyResult | Material, service_id: str, *, language: Language = "zh") -> LooseLayer:
    """Return the outlines of where people are left out, the largest first.

    Raises
    ------
    StudyError
        The study has no such service, or the result has no gaps of it.
    """
    material = _material(result, language)
    service = material.result.study.service(service_id)
    data = gap_layer.gaps_data(material.result, service, material.words)
    if data is None:
        raise StudyError(f"the result has no gaps of {service_id}: ask for them with [measures.gaps]")
    return _loose(material, "gaps", {"data": data}, material.words("layer.gaps"))


def sites_layer(result: StudyResult | Material, proposal_id: str, *, language: Language = "zh") -> LooseLayer:
    """Return the sites of a proposal as stars with their rank.

    Raises
    ------
    StudyError
        The result has no sites of such a proposal.
    """
    material = _material(result, language)
    sites = material.result.measured.get("sites")
    built = [] if sites is None else sorted(set(sites["proposal"]))
    proposal = next((entry for entry in material.result.study.proposals if entry.id == proposal_id), None)
    if proposal is None or proposal_id not in built:
        raise StudyError(f"the result has no sites of a proposal {proposal_id!r}; it has {', '.join(built) or 'none'}")
    name = material.words("layer.sites", proposal=material.words.name(proposal))
    return _loose(material, "sites", {"data": proposal_layer.sites_data(material, proposal)}, name)


def roads_layer(result: StudyResult | Material, *, language: Language = "zh") -> LooseLayer:
    """Return the roads by class.

    Raises
    ------
    StudyError
        The result has no roads to draw.
    """
    material = _material(result, language)
    if material.base.roads is None:
        raise StudyError("the result has no roads to draw")
    return _loose(material, "roads", {"data": material.base.roads}, material.words("layer.roads"))


def legend(*, language: Language = "zh") -> Panel:
    """Return the legend of whatever layers of ours are shown; add it to a map after them."""
    return Panel("legend", _texts(language))


def _texts(language: Language) -> Data:
    return Data.of("texts", Words(language).starting("js."))


def _material(result: StudyResult | Material, language: Language) -> Material:
    return result if isinstance(result, Material) else views.prepare(result, language)


def _question(material: Material, service_id: str, standard_id: str | None) -> shares.Question:
    service: ServiceConfig = material.result.study.service(service_id)
    if standard_id is None:
        return shares.headline(service)
    for standard in service.standards:
        if standard.id == standard_id:
            return shares.Question(service, standard)
    known = ", ".join(standard.id for standard in service.standards)
    raise StudyError(f"{service_id} has no standard {standard_id!r}; it has {known}")


def _of_people(
    result: StudyResult | Material, service_id: str, standard_id: str | None, language: Language, draws: str
) -> LooseLayer:
    material = _material(result, language)
    question = _question(material, service_id, standard_id)
    data: dict[str, Any] = {
        "demand": material.base.demand,
        "persons": material.persons(question.service),
        "view": material.view(question),
        "facilities": material.facilities(question.service),
    }
    return _loose(material, draws, data, material.words(f"layer.{draws}"))


def _loose(material: Material, draws: str, data: Mapping[str, Data], name: str) -> LooseLayer:
    return LooseLayer(draws, data, name=name, language=material.words.language)
