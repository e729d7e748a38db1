"""The study file of a fetched area: the plan's services, with what OpenStreetMap has of them.

Names, modes and standards are those of a study that is followed (the embedded one, or one's own); OpenStreetMap tells
neither ages nor town from village, so everybody is one group, and standards that differ between settlement classes are
left out.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chongming_gis.config import ALL_CLASSES, parse_study
from chongming_gis.sources.demand_points import POPULATION
from chongming_gis.sources.tomltext import toml_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chongming_gis.config import ServiceConfig, StandardConfig, StudyConfig
    from chongming_gis.sources.osmasked import People, ServiceTags

LICENCE = "ODbL 1.0, © OpenStreetMap contributors"
OSM_FILE, BOUNDARY_FILE, STUDY_FILE, LOG_FILE = "area.osm.pbf", "boundary.geojson", "study.toml", "fetch.json"
AREA_FILES = {"townships": "townships.geojson", "villages": "villages.geojson", "land": "land.geojson"}
POPULATION_FILE = "population.tif"

_GROUP, _BASE, _CLASS = "everyone", "resident", "settlement"
_INLINE = ("limits", "columns", "tags", "speed_kmh", "raster")


@dataclass(frozen=True, slots=True)
class FetchedFacts:
    """What is known of a fetched area when its study is written."""

    study_id: str
    name: str
    osm_date: str  # ISO 8601; empty where the server did not say
    server: str
    today: dt.date
    areas: Mapping[str, str]  # townships, villages, land -> what they are; only those that were found
    people: People
    population: Mapping[str, str | int] = field(default_factory=dict)  # url, sha256, size_bytes of a grid


def identifier_of(text: str) -> str:
    """Return an id for a study from the name of its folder.

    Examples
    --------
    >>> identifier_of("Vaduz-2026"), identifier_of("崇明"), identifier_of("3 islands")
    ('vaduz_2026', 'area', 'area_3_islands')
    """
    cleaned = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return cleaned if cleaned[:1].isalpha() else "_".join(filter(None, ("area", cleaned)))


def study_file(
    facts: FetchedFacts, *, follows: StudyConfig, services: Mapping[str, ServiceTags], found: Mapping[str, int]
) -> str:
    """Return the text of the study file.

    Parameters
    ----------
    follows : the study whose services, modes and standards are taken.
    services : how each of them is mapped in OpenStreetMap.
    found : how many facilities of each lie in the area; a service without any is written as a comment.
    """
    taken, left = [], []
    for service in follows.services:
        how = services.get(service.id)
        if how is not None and how.tags and found.get(service.id, 0):
            taken.append(_service(service, _tagged(how, facts)))
        else:
            why = how.note if how is not None and how.note else "none is mapped in this area"
            left.append((why, _service(service, _own_table(service))))
    modes = [mode.model_dump(mode="json", exclude_defaults=True) for mode in follows.modes]
    text = toml_text(_content(facts, taken, modes), inline=_INLINE, words=_words(facts))
    name = "".join(letter if letter.isprintable() else " " for letter in facts.name)
    head = (
        f"# {name}: fetched by `chongming-gis fetch` on {facts.today.isoformat()}; {LOG_FILE} says what was asked.\n"
        "# Replace any part by a file of your own: name its path, and say kind, source, licence and date.\n\n"
    )
    return head + text + "".join(_as_comment(why, entry) for why, entry in left)


def is_valid(text: str, folder: Path) -> bool:
    """Return whether a study file can be read; one without any service cannot."""
    import tomllib

    from chongming_gis.errors import StudyError

    try:
        parse_study(tomllib.loads(text), folder=folder)
    except StudyError:
        return False
    return True


def _content(facts: FetchedFacts, services: list[dict[str, Any]], modes: list[dict[str, Any]]) -> dict[str, Any]:
    from_osm = _provenance(facts)
    sources: dict[str, Any] = {
        "roads": {"path": OSM_FILE, **from_osm, "position_quality_m": 10},
        "demand": _demand(facts),
    }
    for name, what in facts.areas.items():
        sources[name] = {"path": AREA_FILES[name], **from_osm, "source": f"OpenStreetMap: {what}"}
    return {
        "id": facts.study_id,
        "name_zh": facts.name,
        "name_en": facts.name,
        "data_date": _data_date(facts),
        "region": {"boundary": BOUNDARY_FILE},
        "sources": sources,
        "bases": [{"id": _BASE, "name_zh": "居住人口", "name_en": "residents", "source": sources["demand"]["source"]}],
        "groups": [
            {"id": _GROUP, "name_zh": "全部人口", "name_en": "everyone", "columns": {_BASE: [POPULATION]}},
        ],
        "settlement_classes": [{"id": _CLASS, "name_zh": "居民点", "name_en": "settlement"}],
        "modes": modes,
        "services": services,
    }


def _data_date(facts: FetchedFacts) -> dt.date:
    try:
        return dt.datetime.fromisoformat(facts.osm_date).date()
    except ValueError:
        return facts.today


def _provenance(facts: FetchedFacts) -> dict[str, Any]:
    return {
        "kind": "sourced",
        "source": f"OpenStreetMap, through {facts.server}",
        "licence": LICENCE,
        "date": facts.osm_date or facts.today.isoformat(),
    }


def _demand(facts: FetchedFacts) -> dict[str, Any]:
    common = {"settlement_class": _CLASS}
    if facts.population:
        raster = {"bands": {POPULATION: 1}}
        said = {"kind": "sourced", "source": str(facts.population["url"]), "date": facts.today.isoformat()}
        return {"path": POPULATION_FILE, **facts.population, **said, **common, "raster": raster}
    if facts.people == "none":
        said = {"kind": "official_statistic", "source": "to be named"}
        return {"path": "people.csv", "datum": "wgs84", **said, **common}
    said = {**_provenance(facts), "kind": "derived"}
    what = {"buildings": "persons per building are a planning assumption", "places": "population tags of places"}
    said["source"] = f"{said['source']}; {what[facts.people]}"
    return {"path": OSM_FILE, "osm": facts.people, **said, **common}


def _tagged(how: ServiceTags, facts: FetchedFacts) -> dict[str, Any]:
    return {"path": OSM_FILE, "tags": {key: list(values) for key, values in how.tags.items()}, **_provenance(facts)}


def _own_table(service: ServiceConfig) -> dict[str, Any]:
    return {"path": f"{service.id}.csv", "datum": "wgs84", "kind": "official_statistic", "source": "to be named"}


def _service(service: ServiceConfig, facilities: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": service.id,
        "name_zh": service.name_zh,
        "name_en": service.name_en,
        "direction": service.direction,
        "group": _GROUP,
        "base": _BASE,
        "facilities": facilities,
        "standards": [_standard(standard) for standard in _for_all(service)],
    }


def _for_all(service: ServiceConfig) -> list[StandardConfig]:
    """Return the standards that are the same in town and village; where there is none, the headline one."""
    same = [standard for standard in service.standards if standard.limits[0].settlement == ALL_CLASSES]
    return same or [service.standards[0]]


def _standard(standard: StandardConfig) -> dict[str, Any]:
    limit = standard.limits[-1]  # of several, that of the last class: villages, in the embedded study
    named = {"id": standard.id, "name_zh": standard.name_zh, "name_en": standard.name_en, "source": standard.source}
    return {**named, "limits": [{"mode": limit.mode, "minutes": limit.minutes}]}


def _words(facts: FetchedFacts) -> dict[str, str]:
    words = {
        "sources.roads": "---- sources ----",
        "modes": "---- ways of getting there ----",
        "services": "---- services: what OpenStreetMap has of them ----",
    }
    if facts.people == "none" and not facts.population:
        words["sources.demand"] = (
            "Nothing was fetched of where people live: add people.csv with demand_id, lon, lat and population."
        )
    return words


def _as_comment(why: str, entry: dict[str, Any]) -> str:
    text = toml_text({"services": [{**entry, "standards": entry["standards"][:1]}]}, inline=_INLINE)
    lines = [f"# {line}".rstrip() for line in text.strip().splitlines()]
    return (
        f"\n# {entry['name_zh']} ({entry['id']}): {why}. With a table of your own, remove the marks:\n"
        + "\n".join(lines)
        + "\n"
    )
