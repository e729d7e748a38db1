"""Where a result's data comes from, how far it can be trusted, and what must be printed for it.

The manifest says it; a result without that part of the manifest is answered from its study file, so that schematic
data is never shown without its notice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chongming_gis import wording
from chongming_gis.config import Provenance

if TYPE_CHECKING:
    from chongming_gis.config import StudyConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

MOST_SERVICES_NAMED = 3
_ASKS_FOR_CREDIT = re.compile(r"\bCC[ -]BY\b", re.IGNORECASE)
_LAYERS = ("roads", "demand", "townships", "villages", "land")


def sources(result: StudyResult) -> list[dict[str, Any]]:
    """Return the sources, one a role: path, kind, source, licence, date, position quality and how it was made."""
    listed = result.manifest.get("sources")
    if listed:
        return [dict(entry) for entry in listed]
    study = result.study
    named: dict[str, Any] = {name: getattr(study.sources, name) for name in _LAYERS}
    named |= {f"facilities:{service.id}": service.facilities for service in study.services}
    return [
        {"role": role, **{field: getattr(entry, field) for field in ("path", *Provenance.model_fields)}}
        for role, entry in named.items()
        if entry
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
    named = [words.inside(name) for name in named]
    return words("notice_schematic", roles=words.join(list(dict.fromkeys(named))))


def attribution(entries: list[dict[str, Any]], words: Words) -> list[str]:
    """Return the lines that licences ask to be printed on the map itself, each once; the panel lists every source."""
    lines = []
    for entry in entries:
        licence = words.told(entry, "licence")
        if "openstreetmap" in f"{entry.get('source')} {licence}".lower() or "odbl" in licence.lower():
            lines.append(words("osm_attribution"))
        elif _ASKS_FOR_CREDIT.search(licence):
            lines.append(f"{words.told(entry, 'source')} ({licence})".strip())
    return list(dict.fromkeys(lines))


def badge(entries: list[dict[str, Any]], words: Words) -> str:
    """Return the stamp of a page: that it shows schematic data, or no text where it shows none."""
    return words("schematic_badge") if any(entry.get("kind") == "schematic" for entry in entries) else ""


def foot(study: StudyConfig, entries: list[dict[str, Any]], words: Words) -> str:
    """Return the last line of a title block: the mark of the page, the date of the data, and its kinds."""
    kinds = [str(entry.get("kind") or "") for entry in entries]
    counts = [
        words("map.kind_count", kind=words.or_raw("kind", kind), n=kinds.count(kind))
        for kind in dict.fromkeys(kinds)
        if kind
    ]
    parts = [words.mark(study), words("data_date", date=study.data_date.isoformat())]
    parts += [words("map.kinds", kinds=words.join(counts))] if counts else []
    return " · ".join(parts)


def lines(study: StudyConfig, entries: list[dict[str, Any]], words: Words) -> list[dict[str, Any]]:
    """Return for each source what it is for, of which kind it is, and a line with the rest."""
    return [
        {
            "role": words.role(study, str(entry["role"])),
            "kind": words.or_raw("kind", str(entry.get("kind") or "")),
            "isSchematic": entry.get("kind") == "schematic",
            "line": wording.provenance(words, entry),
        }
        for entry in entries
    ]


def _last(role: str) -> str:
    return role.replace(".", ":").rpartition(":")[2]
