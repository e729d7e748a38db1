"""What the manifest says of each input: its file and digest, where it comes from, and what became of its rows.

Every row that was read is either kept or dropped for a reason that is named: ``rows_read`` is the sum of the two.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chongming_gis.config import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from chongming_gis.config import StudyConfig
    from chongming_gis.tables import StudyInputs

_MOST_NAMED = 20
_NOT_SHOWN = {"findings", "row_of", "rows_read", "rows_kept", "rows_dropped"}  # told elsewhere, or put in front
_READ = ("rows_read", "points_read", "areas_read", "ways_read")  # as the readers call what they count
#: What readers and the pipeline count as dropped -> the reason, as the manifest names it.
_REASONS = {
    "rows_of_other_services": "other_service",
    "not_in_service": "not_in_service",
    "dropped_outside_region": "outside_region",
    "rows_of_totals": "row_of_totals",
    "rows_empty": "empty",
    "rows_without_geometry": "no_geometry",
    "ways_without_edge": "no_edge",
    "relations_not_whole": "not_whole",
}
_WAYS_DROPPED = "ways_dropped_"


def reports_of(inputs: StudyInputs) -> dict[str, Mapping[str, Any]]:
    """Return the report of the reader of each input, by role."""
    reports: dict[str, Mapping[str, Any]] = {"roads": inputs.roads.report, "demand": inputs.demand.report}
    areas = {"townships": inputs.townships, "villages": inputs.villages, "land": inputs.land}
    reports |= {name: frame.attrs.get("report", {}) for name, frame in areas.items()}
    return reports | {f"facilities:{name}": table.report for name, table in inputs.facilities.items()}


def input_files(study: StudyConfig, named: Iterable[tuple[str, Any]], inputs: StudyInputs) -> list[dict[str, Any]]:
    """Return one entry an input: role, path as given, sha256, origin, rows read, kept and dropped by reason.

    Parameters
    ----------
    named : role and section of the study of each input.
    """
    reports = reports_of(inputs)
    kept = {"townships": len(inputs.townships), "villages": len(inputs.villages), "land": len(inputs.land)}
    kept |= {"demand": len(inputs.demand.points)}
    kept |= {f"facilities:{name}": len(table.places) for name, table in inputs.facilities.items()}
    digests: dict[Path, str] = {}
    entries = []
    for role, source in named:
        report = reports.get(role, {})
        entries.append(
            {
                "role": role,
                "path": source.path.as_posix(),
                "sha256": _digest(study.resolve(source.path), digests),
                "datum": getattr(source, "datum", None),
                **{key: getattr(source, key, None) for key in ("kind", "licence", "position_quality_m")},
                **count_rows(report, kept.get(role)),
                **_shortened(report),
            }
        )
    boundary = study.region.boundary
    if boundary is not None:
        digest = _digest(study.resolve(boundary), digests)
        entries.append({"role": "region", "path": boundary.as_posix(), "sha256": digest})
    return entries


def _digest(path: Path, known: dict[Path, str]) -> str:
    if path not in known:
        known[path] = hashlib.sha256(path.read_bytes()).hexdigest()
    return known[path]


def count_rows(report: Mapping[str, Any], kept: int | None) -> dict[str, Any]:
    """Return rows read, kept and dropped by reason, from a reader's report and what is left of its table.

    Examples
    --------
    >>> count_rows({"rows_read": 7, "rows_of_other_services": 2, "not_in_service": 1}, 4)
    {'rows_read': 7, 'rows_kept': 4, 'rows_dropped': {'other_service': 2, 'not_in_service': 1}}
    >>> count_rows({}, 3)
    {}
    """
    read = next((int(report[key]) for key in _READ if key in report), None)
    if read is None:
        return {}
    dropped = {str(reason): int(n) for reason, n in (report.get("rows_dropped") or {}).items() if n}
    for key, reason in _REASONS.items():
        if report.get(key) and reason not in dropped:
            dropped[reason] = int(report[key])
    for key, n in report.items():
        if key.startswith(_WAYS_DROPPED) and n:
            dropped[key.removeprefix(_WAYS_DROPPED)] = int(n)
    if "rows_dropped" not in report:
        for text in report.get("dropped") or ():
            reason = _reason(str(text))
            dropped[reason] = dropped.get(reason, 0) + 1
    if "ways_kept" in report:
        kept = int(report["ways_kept"]) - int(report.get("ways_without_edge", 0))
    elif "rows_kept" in report:
        kept = int(report["rows_kept"])
    if "relations_not_whole" in report:
        read += int(report["relations_not_whole"])  # they were met, but are none of the areas read
    return {"rows_read": read, "rows_kept": kept, "rows_dropped": dropped}


def _reason(text: str) -> str:
    """Return why an object of an OSM extract was dropped, from how its reader names it: ``n12: building=barn``."""
    if "building=" in text:
        return "not_lived_in"
    return "no_population" if "population" in text else "no_position"


def _shortened(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reader's report with long lists of names cut to the first few; their number stands beside them."""
    return {
        key: value[:_MOST_NAMED] if isinstance(value, list) else value
        for key, value in report.items()
        if key not in _NOT_SHOWN
    }


def named_sources(study: StudyConfig) -> list[tuple[str, Any]]:
    """Return the role and the section of every source of a study, in the order in which it is told."""
    areas = study.sources
    named: list[tuple[str, Any]] = [("roads", areas.roads), *areas.demand.parts, ("townships", areas.townships)]
    named += [("villages", areas.villages), ("land", areas.land)]
    named += [(f"facilities:{service.id}", service.facilities) for service in study.services]
    named += [(f"layer:{layer.id}", layer) for layer in study.layers if layer.path is not None]
    named += [("candidates:own", section.own) for section in study.candidates]
    return [(role, source) for role, source in named if source is not None]


@dataclass(frozen=True, slots=True)
class _NameTable:
    """A table of codes or of other names: a file of the study that is no source of places."""

    path: Path
    licence: str = ""


def named_files(study: StudyConfig) -> list[tuple[str, Any]]:
    """Return the sources, and the tables that say what their names mean."""
    named = named_sources(study)
    for name in ("townships", "villages"):
        source = getattr(study.sources, name)
        if source is not None and source.codes is not None:
            named.append((f"{name}:codes", _NameTable(source.codes)))
    if study.gazetteer.aliases is not None:
        named.append(("gazetteer", _NameTable(study.gazetteer.aliases, study.gazetteer.licence)))
    return named


def provenance(study: StudyConfig) -> list[dict[str, Any]]:
    """Return where each source comes from, as the study states it."""
    return [
        {
            "role": role,
            "path": source.path.as_posix(),
            **{key: getattr(source, key) for key in Provenance.model_fields},
        }
        for role, source in named_sources(study)
    ]
