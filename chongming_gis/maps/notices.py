"""Where a result's data comes from, how far it can be trusted, and what must be printed for it.

The manifest says it; a result without that part of the manifest is answered from its study file, so that schematic
data is never shown without its notice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chongming_gis import wording

if TYPE_CHECKING:
    from chongming_gis.config import Provenance, StudyConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

MOST_SERVICES_NAMED = 3
_ASKS_FOR_CREDIT = re.compile(r"\bCC[ -]BY\b", re.IGNORECASE)
_LAYERS = ("roads", "demand", "townships", "villages", "land")
_FIELDS = ("kind", "source", "licence", "date", "position_quality_m")


def sources(result: StudyResult) -> list[dict[str, Any]]:
    """Return the sources, one a role, with kind, source, licence, date, position quality and path as far as known."""
    listed = result.manifest.get("sources")
    if listed:
        return [dict(entry) for entry in listed]
    study = result.study
    named: dict[str, Provenance | None] = {name: getattr(study.sources, name) for name in _LAYERS}
    named |= {f"facilities:{service.id}": service.facilities for service in study.services}
    return [
        {"role": role, **{field: getattr(entry, field) for field in _FIELDS}} for role, entry in named.items() if entry
    ]


def relevant(result: StudyResult, service_id: str | None) -> list[dict[str, Any]]:
    """Return the sources behind a map: all of them, or without the facilities of other services."""
    others = {service.id for service in result.study.services} - {service_id}
    return [entry for entry in sources(result) if service_id is None or _last(entry["role"]) not in others]


def schematic_notice(study: StudyConfig, entries: list[dict[str, Any]], words: Words) -> str:
    """Return the notice that names what is schematic, or no text where nothing is."""
    roles = [str(entry["role"]) for entry in entries if entry.get("kind") == "schematic"]
    if not roles:
        return ""
    services = [role for role in roles if any(_last(role) == service.id for service in study.services)]
    if len(services) > MOST_SERVICES_NAMED:
        named = [words.role(study, role) for role in roles if role not in services]
        named.append(words("facilities_of_services", n=len(services)))
    else:
        named = [words.role(study, role) for role in roles]
    return words("notice_schematic", roles=words.join(list(dict.fromkeys(named))))


def attribution(entries: list[dict[str, Any]], words: Words) -> list[str]:
    """Return the lines that licences ask to be printed on the map itself, each once; the panel lists every source."""
    lines = []
    for entry in entries:
        licence = str(entry.get("licence") or "")
        if "openstreetmap" in f"{entry.get('source')} {licence}".lower() or "odbl" in licence.lower():
            lines.append(words("osm_attribution"))
        elif _ASKS_FOR_CREDIT.search(licence):
            lines.append(f"{entry.get('source') or ''} ({licence})".strip())
    return list(dict.fromkeys(lines))


def lines(study: StudyConfig, entries: list[dict[str, Any]], words: Words) -> list[tuple[str, str]]:
    """Return what each source is for and a line about it."""
    return [(words.role(study, str(entry["role"])), wording.provenance(words, entry)) for entry in entries]


def _last(role: str) -> str:
    return role.replace(".", ":").rpartition(":")[2]
