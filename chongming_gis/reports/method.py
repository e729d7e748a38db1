"""The chapter on data and method: sources, files, modes, standards, networks, snapping, counts and versions.

It says what the manifest says; a part that the manifest lacks is left out, except the sources, which the study knows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chongming_gis import discretion, wording
from chongming_gis.maps import notices
from chongming_gis.reports.blocks import Bullets, Cell, Paragraph, References, Table, number, short, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chongming_gis.reports.blocks import Block
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Sourced, Words

_DIGEST_SHOWN = 12
_REFERENCES = "ref"  # what the ids of numbered references begin with
_SCHEMATIC = "schematic"


def blocks(result: StudyResult, words: Words) -> tuple[Block, ...]:
    """Return the blocks of the chapter."""
    manifest, cited = result.manifest, _Cited(words)
    found: list[Block | None] = [
        Bullets(tuple(words(f"method.{key}") for key in ("time", "nearest", "serves", "missing", "tables"))),
        Paragraph(words("discretion.note")) if discretion.hides_any(result.study) else None,
        _sources(result, words),
        _decided_by_rule(result, words),
        _bases(result, words, cited),
        _modes(result, words, cited),
        _standards(result, words, cited),
        cited.block(),
        _networks(result, manifest.get("network") or (), words),
        _snapping(result, manifest.get("snapping") or (), words),
        _counts(result, manifest.get("counts") or {}, words),
        _inputs(result, manifest.get("inputs") or (), words),
        _versions(manifest.get("versions") or {}, words),
        Paragraph(words("method.digest", digest=manifest["study_digest"])) if manifest.get("study_digest") else None,
    ]
    return tuple(block for block in found if block)


class _Cited:
    """The references of the chapter, each text once, numbered in order of appearance."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._number: dict[str, int] = {}

    def cell(self, entry: Sourced) -> Cell:
        """Return a cell that refers to where an entry of the study comes from."""
        place = self._number.setdefault(self._words.source(entry), len(self._number) + 1)
        return Cell(f"[{place}]", "short", link=f"{_REFERENCES}-{place}")

    def block(self) -> References | None:
        """Return the list of references."""
        listed = tuple(self._number)
        return References(_REFERENCES, self._words("method.references"), listed) if listed else None


def _table(caption: str, columns: Iterable[str], rows: Sequence[tuple[Cell, ...]], words: Words) -> Table | None:
    return Table(words(caption), tuple(words(f"col.{c}") for c in columns), tuple(rows)) if rows else None


def _given(value: object) -> str:
    """Return a value of the manifest as it stands, or a dash where it is not given."""
    if value is None or value == "":
        return wording.NOTHING
    return wording.quantity(float(value)) if isinstance(value, (int, float)) else str(value)


def _sources(result: StudyResult, words: Words) -> Table | None:
    rows = [
        (
            text(words.role(result.study, str(entry["role"]))),
            short(wording.file_name(entry.get("path")) or wording.NOTHING),
            _kind(str(entry.get("kind") or ""), words),
            number(_given(entry.get("position_quality_m"))),
            text(words.told(entry, "source") or wording.NOTHING),
            short(_given(entry.get("date"))),
            text(words.told(entry, "licence") or wording.NOTHING),
            text(words.told(entry, "how") or wording.NOTHING),
        )
        for entry in notices.sources(result)
    ]
    columns = ("role", "file", "kind", "quality", "source", "date", "licence", "how")
    return _table("method.sources", columns, rows, words)


def _kind(kind: str, words: Words) -> Cell:
    shown = words.or_raw("kind", kind) or wording.NOTHING
    return Cell(shown, "short", mark="schematic" if kind == _SCHEMATIC else "")


def _decided_by_rule(result: StudyResult, words: Words) -> Paragraph | None:
    """Return where the indicators are listed whose value a placing rule decides."""
    plan = result.study.plan
    if plan is None or not any(indicator.decided_by_rule for indicator in plan.indicators):
        return None
    return Paragraph(words("method.decided_by_rule"), link=("plan-schematic", words("plan.schematic")))


def _bases(result: StudyResult, words: Words, cited: _Cited) -> Table | None:
    rows = [(text(words.name(base)), cited.cell(base)) for base in result.study.bases]
    return _table("method.bases", ("base", "reference"), rows, words)


def _standards(result: StudyResult, words: Words, cited: _Cited) -> Table | None:
    rows = [
        (
            text(f"{words.heading(words.name(service))} · {words.name(standard)}"),
            text(words.standard(result.study, standard)),
            cited.cell(standard),
        )
        for service in result.study.services
        for standard in service.standards
    ]
    return _table("method.standards", ("service_standard", "limits", "reference"), rows, words)


def _modes(result: StudyResult, words: Words, cited: _Cited) -> Table | None:
    rows = [
        (text(words.name(mode)), text(words.or_raw("preset", mode.preset)), cited.cell(mode))
        for mode in result.study.modes
    ]
    return _table("method.modes", ("mode", "preset", "reference"), rows, words)


def _mode_name(result: StudyResult, mode_id: object, words: Words) -> str:
    return next((words.name(mode) for mode in result.study.modes if mode.id == mode_id), str(mode_id))


def _networks(result: StudyResult, entries: Iterable[Mapping[str, Any]], words: Words) -> Table | None:
    rows = []
    for entry in entries:
        largest = entry.get("largest_component_share")
        sizes = [number(_given(entry.get(key))) for key in ("nodes", "edges", "length_km", "components")]
        share = wording.share(None if largest is None else float(largest))
        rows.append((text(_mode_name(result, entry.get("mode"), words)), *sizes, number(share)))
    return _table("method.networks", ("mode", "nodes", "edges", "length_km", "components", "largest"), rows, words)


def _snapping(result: StudyResult, entries: Sequence[Mapping[str, Any]], words: Words) -> Table | None:
    """Return how many points meet a road, by mode; folded where all do."""
    rows = []
    for entry in entries:
        what = str(entry.get("what"))
        name = words.or_raw("what", what) if what == "demand" else words.service(result.study, what)
        reasons = [
            words("reason_count", reason=words.or_raw("reason", str(reason)), n=_given(n))
            for reason, n in (entry.get("reasons") or {}).items()
        ]
        counts = [number(_given(entry.get(key))) for key in ("points", "snapped", "out_of_reach", "moved_from_tiny")]
        mode = text(_mode_name(result, entry.get("mode"), words))
        rows.append((text(name), mode, *counts, text(words.join(reasons))))
    columns = ("what", "mode", "points", "snapped", "out_of_reach", "moved", "reasons")
    table = _table("method.snapping", columns, rows, words)
    if table is None or any(entry.get("out_of_reach") for entry in entries):
        return table
    return replace(table, folded=words("method.snapping_folded", n=len(rows)))


def _counts(result: StudyResult, counts: Mapping[str, Any], words: Words) -> Table | None:
    rows = []
    for key, value in counts.items():
        what, _, rest = key.partition(":")
        if what == "persons":
            base, _, group = rest.partition(":")
            name = words("count.persons", who=words.group(result.study, group, base))
            rows.append((text(name), number(wording.persons(float(value)))))
        elif what == "facilities":
            rows.append((text(words.role(result.study, key)), number(_given(value))))
        else:
            rows.append((text(words.or_raw("count", key)), number(_given(value))))
    return _table("method.counts", ("item", "number"), rows, words)


def _inputs(result: StudyResult, entries: Iterable[Mapping[str, Any]], words: Words) -> Table | None:
    rows = []
    for entry in entries:
        read, kept = entry.get("rows_read"), entry.get("rows_kept")
        shown = _given(read)
        if read is not None and kept is not None and kept != read:
            waiting = entry.get("not_in_service")
            key = "rows.read_kept_waiting" if waiting else "rows.read_kept"
            shown = words(key, read=shown, kept=_given(kept), waiting=_given(waiting))
        digest = str(entry.get("sha256") or wording.NOTHING)[:_DIGEST_SHOWN]
        role = words.role(result.study, str(entry.get("role")))
        name = wording.file_name(entry.get("path")) or wording.NOTHING
        rows.append((text(role), text(name), short(digest), number(shown)))
    return _table("method.inputs", ("role", "file", "sha256", "rows"), rows, words)


def _versions(versions: Mapping[str, Any], words: Words) -> Table | None:
    rows = [(text(str(name)), text(str(version))) for name, version in versions.items()]
    return _table("method.versions", ("item", "version"), rows, words)
