"""Where a result's data comes from, how far it can be trusted, and what must be printed for it.

The manifest says it; a result without that part of the manifest is answered from its study file, so that schematic
data is never shown without its notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chongming_gis import wording

if TYPE_CHECKING:
    from chongming_gis.config import Provenance, StudyConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

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
    roles = [words.role(study, str(entry["role"])) for entry in entries if entry.get("kind") == "schematic"]
    return words("notice_schematic", roles=words.join(list(dict.fromkeys(roles)))) if roles else ""


def attribution(entries: list[dict[str, Any]], words: Words) -> list[str]:
    """Return the lines that licences ask to be printed on a map, each once."""
    lines = []
    for entry in entries:
        text = f"{entry.get('source') or ''} {entry.get('licence') or ''}"
        if "openstreetmap" in text.lower() or "odbl" in text.lower():
            lines.append(words("osm_attribution"))
        elif entry.get("licence"):
            lines.append(f"{entry.get('source') or ''} ({entry['licence']})".strip())
    return list(dict.fromkeys(lines))


def lines(study: StudyConfig, entries: list[dict[str, Any]], words: Words) -> list[tuple[str, str]]:
    """Return what each source is for and a line about it."""
    return [(words.role(study, str(entry["role"])), wording.provenance(words, entry)) for entry in entries]


def _last(role: str) -> str:
    return role.replace(".", ":").rpartition(":")[2]
