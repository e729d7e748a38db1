"""compare.html and the tables beside it: what changed from one result to another, who gained, who lost, and why."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from chongming_gis import compare, discretion, maps, results, wording
from chongming_gis.errors import OutputError
from chongming_gis.maps import comparison as comparison_maps
from chongming_gis.maps import notices, shares
from chongming_gis.reports.blocks import Bullets, MapFrame, Notes, Paragraph, Section, Table, number, short, text
from chongming_gis.reports.content import Report
from chongming_gis.reports.document import render_page
from chongming_gis.wording import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chongming_gis.compare import Comparison
    from chongming_gis.config import ServiceConfig, StandardConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Language

FORMAT = 1
HTML, JSON = "compare.html", "compare.json"
TABLES = {"coverage": "compare.csv", "points": "people.csv", "facilities": "facilities.csv",
          "provision": "capacity.csv", "indicators": "indicators.csv", "inputs": "inputs.csv"}  # fmt: skip
_MOST_VILLAGES = 40
_MOST_SITES = 60
_DIGEST_SHOWN = 12


def write_comparison(found: Comparison, folder: Path, *, language: Language) -> None:
    """Write compare.html, compare.json and the tables into an existing folder (see ``results.staged_folder``).

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    try:
        for name, file in TABLES.items():
            results.write_table(getattr(found, name), folder / file)
        (folder / JSON).write_text(json.dumps(record(found), ensure_ascii=False, indent=1), encoding="utf-8")
        (folder / HTML).write_text(render_comparison(found, language), encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{folder}: the comparison cannot be written ({error.strerror or error})") from error


def record(found: Comparison) -> dict[str, Any]:
    """Return the content of compare.json: plain values for programs."""
    services = {}
    for service in found.services:
        row = headline_row(found, service)
        sums = gained_and_lost(found, service)
        services[service.id] = {
            "share_before": _plain(row["share_covered_before"]) if row else None,
            "share_after": _plain(row["share_covered_after"]) if row else None,
            "gained": sums["gained"] if sums else None,
            "lost": sums["lost"] if sums else None,
        }
    return {
        "format": FORMAT,
        "before": _identity(found.before),
        "after": _identity(found.after),
        "has_same_points": found.has_same_points,
        "services": services,
    }


def _identity(result: StudyResult) -> dict[str, str]:
    study = result.study
    return {"id": study.id, "data_date": study.data_date.isoformat(), "digest": result.manifest["study_digest"]}


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def headline_row(found: Comparison, service: ServiceConfig) -> Mapping[Any, Any] | None:
    """Return the district's row of a service's headline standard, or None where both results do not have it."""
    rows = _rows(found, service, service.standards[0], "district")
    return rows[0] if rows else None


def gained_and_lost(found: Comparison, service: ServiceConfig) -> dict[str, float] | None:
    """Return the persons who gained and who lost a service, or None where they were not told apart."""
    if not found.has_same_points:
        return None
    sums = found.points[found.points["service"] == service.id].groupby("change")["persons"].sum()
    return {change: float(sums.get(change, 0.0)) for change in ("gained", "lost")}


def _rows(
    found: Comparison, service: ServiceConfig, standard: StandardConfig, scope: str
) -> Sequence[Mapping[Any, Any]]:
    table = found.coverage
    mine = table[
        (table["service"] == service.id)
        & (table["standard"] == standard.id)
        & (table["group"] == service.group)
        & (table["base"] == service.base)
        & (table["serves_rule"] == "applied")
        & (table["scope"] == scope)
    ]
    return mine.sort_values("scope_code", kind="stable").to_dict("records")


def render_comparison(found: Comparison, language: Language) -> str:
    """Return compare.html."""
    words = Words(language)
    sheet = comparison_maps.comparison_map(found, maps.prepare(found.after, language))
    sheets = [(comparison_maps.NAME, sheet)] if sheet is not None else []
    return render_page(build_content(found, words), sheets, words)


def build_content(found: Comparison, words: Words) -> Report:
    """Return what the page says."""
    after, study = found.after, found.after.study
    entries = notices.sources(after)
    inner = [
        Section("summary", words("report.summary"), _summary(found, words)),
        *_map(found, words),
        Section("coverage", words("compare.coverage"), (_coverage(found, words), *_notes(found, words))),
        *_townships(found, words),
        *_people(found, words),
        *_facilities(found, words),
        *_provision(found, words),
        *_indicators(found, words),
        Section("inputs", words("compare.inputs"), (_inputs(found, words),)),
    ]
    return Report(
        title=words("compare.title", study=words.name(study)),
        date=words("compare.dates", before=_label(found.before, words), after=_label(after, words)),
        badge=notices.badge(entries, words),
        notice=notices.schematic_notice(study, entries, words),
        sections=tuple(inner),
    )


def _label(result: StudyResult, words: Words) -> str:
    digest = str(result.manifest["study_digest"])[:_DIGEST_SHOWN]
    return words("compare.label", name=words.name(result.study), date=result.study.data_date.isoformat(), digest=digest)


def _summary(found: Comparison, words: Words) -> tuple[Block, ...]:
    changed = comparison_maps.changed_services(found)
    if not changed:
        return (Paragraph(words("compare.nothing")),)
    opening = words("compare.opening", changed=len(changed), of=len(found.services))
    sentences = [sentence for service in changed if (sentence := _service_sentence(found, service, words))]
    return (Paragraph(opening), Bullets(tuple(sentences)))


def _service_sentence(found: Comparison, service: ServiceConfig, words: Words) -> str:
    row = headline_row(found, service)
    if row is None:
        return words("compare.other_standard", service=words.name(service))
    said = [
        words(
            "compare.sentence",
            service=words.name(service),
            before=wording.share(row["share_covered_before"]),
            after=wording.share(row["share_covered_after"]),
            points=wording.points(row["change_share"]),
        )
    ]
    for change in ("gained", "lost"):
        causes = _causes(found, service, change, words)
        sums = gained_and_lost(found, service)
        if causes and sums:
            said.append(words(f"compare.{change}_sentence", persons=wording.persons(sums[change]), causes=causes))
    return words.join_clauses(said)


def _causes(found: Comparison, service: ServiceConfig, change: str, words: Words) -> str:
    """Return why people gained or lost a service, by persons, in words."""
    mine = found.points[(found.points["service"] == service.id) & (found.points["change"] == change)]
    sums = mine.groupby("cause")["persons"].sum()
    known = [cause for cause in compare.CAUSES if sums.get(cause, 0.0) > 0.0]
    ordered = sorted(known, key=lambda cause: -sums[cause])
    told = [
        words("compare.by_cause", cause=words(f"compare.cause.{cause}"), persons=wording.persons(float(sums[cause])))
        for cause in ordered
    ]
    return words.join(told)


def _map(found: Comparison, words: Words) -> list[Section]:
    if not comparison_maps.changed_services(found):
        return []
    frame = MapFrame(
        name=comparison_maps.NAME,
        title=words("compare.map"),
        caption=words("compare.map_caption"),
        waiting=words("report.map_waits"),
        without_script=words("compare.map_needs_script"),
    )
    return [Section("map", words("compare.map"), (frame,))]


def _coverage(found: Comparison, words: Words) -> Table:
    """Return share before, after, the difference and why: every standard of a service that changed, else its first."""
    rows: list[tuple[Cell, ...]] = []
    strong = []
    changed = {service.id for service in comparison_maps.changed_services(found)}
    for service in found.services:
        for place, standard in enumerate(service.standards if service.id in changed else service.standards[:1]):
            told = _rows(found, service, standard, "district")
            if not told:
                continue
            if place == 0:
                strong.append(len(rows))
            rows.append(_coverage_row(found, service, standard, told[0], words))
    keys = ("service_standard", "before", "after", "points", "covered_change", "gained", "lost", "why")
    columns = tuple(words(f"compare.col.{key}") for key in keys)
    return Table(words("compare.by_service"), columns, tuple(rows), strong_rows=tuple(strong))


def _coverage_row(
    found: Comparison, service: ServiceConfig, standard: StandardConfig, row: Mapping[Any, Any], words: Words
) -> tuple[Cell, ...]:
    sums = gained_and_lost(found, service) if standard is service.standards[0] else None
    why = [
        words("compare.why", change=words(f"compare.{change}"), causes=causes)
        for change in sums or ()
        if (causes := _causes(found, service, change, words))
    ]
    return (
        text(f"{words.heading(words.name(service))} · {words.name(standard)}"),
        number(wording.share(row["share_covered_before"])),
        number(wording.share(row["share_covered_after"])),
        number(wording.points(row["change_share"])),
        number(wording.signed(row["change_covered"])),
        *(number(wording.persons(sums[c]) if sums else "") for c in ("gained", "lost")),
        text(words.join_clauses(why)),
    )


def _notes(found: Comparison, words: Words) -> tuple[Block, ...]:
    keys = ["cause", "standards"] if found.has_same_points else ["other_points"]
    return (Notes(tuple(words(f"compare.note.{key}") for key in keys)),)


def _townships(found: Comparison, words: Words) -> list[Section]:
    """Return for each service that changed its townships with a change: share before, after and the difference."""
    names = shares.township_names(found.before, words) | shares.township_names(found.after, words)
    rows = []
    for service in comparison_maps.changed_services(found):
        for row in _rows(found, service, service.standards[0], "township"):
            if abs(row["change_covered"]) <= compare.LEAST_PERSONS:
                continue
            rows.append(
                (
                    text(words.heading(words.name(service))),
                    text(names.get(row["scope_code"], row["scope_code"])),
                    number(wording.share(row["share_covered_before"])),
                    number(wording.share(row["share_covered_after"])),
                    number(wording.points(row["change_share"])),
                    number(wording.signed(row["change_covered"])),
                )
            )
    if not rows:
        return []
    keys = ("service", "township", "before", "after", "points", "covered_change")
    table = Table(words("compare.by_township"), tuple(words(f"compare.col.{key}") for key in keys), tuple(rows))
    return [Section("townships", words("compare.townships"), (table,))]


def _people(found: Comparison, words: Words) -> list[Section]:
    """Return the villages in which most people gained or lost, with the cause."""
    if found.points.empty:
        return []
    areas = found.after.demand.points[["demand_id", "village_code", "township_code"]]
    keys = ["service", "township_code", "village_code", "change", "cause"]
    joined = found.points.merge(areas, on="demand_id", how="left")
    sums = joined.groupby(keys, as_index=False, dropna=False)["persons"].sum()
    sums = sums[sums["persons"] > 0.0].sort_values(["persons", *keys], ascending=[False, *[True] * 5], kind="stable")
    villages = found.after.villages.set_index("village_code")["name_zh"]
    townships = shares.township_names(found.after, words)
    groups = {service.id: service.group for service in found.after.study.services}
    rows = [
        (
            text(_name(villages, row["village_code"])),
            text(_name(townships, row["township_code"])),
            text(words.heading(words.service(found.after.study, row["service"]))),
            short(words(f"compare.{row['change']}")),
            text(words(f"compare.cause.{row['cause']}")),
            number(discretion.persons(found.after.study, groups[row["service"]], row["persons"])),
        )
        for row in sums.head(_MOST_VILLAGES).to_dict("records")
    ]
    columns = tuple(words(f"compare.col.{k}") for k in ("village", "township", "service", "change", "cause", "persons"))
    caption = words("compare.by_village", n=f"{len(rows):,}", of=f"{len(sums):,}")
    return [Section("people", words("compare.people"), (Table(caption, columns, tuple(rows)),))]


def _name(names: Any, code: Any) -> str:
    return wording.NOTHING if pd.isna(code) else str(names.get(code, code))


def _facilities(found: Comparison, words: Words) -> list[Section]:
    if found.facilities.empty:
        return []
    townships = shares.township_names(found.after, words)
    rows = [
        (
            text(row["name_zh"]),
            text(words.heading(words.service(found.after.study, row["service"]))),
            text(_name(townships, row["township_code"])),
            short(words(f"compare.facility.{row['change']}")),
            text(_detail(row, words)),
        )
        for row in found.facilities.head(_MOST_SITES).to_dict("records")
    ]
    columns = tuple(words(f"compare.col.{key}") for key in ("facility", "service", "township", "change", "detail"))
    caption = words("compare.facilities_table", n=f"{len(rows):,}", of=f"{len(found.facilities):,}")
    return [Section("facilities", words("compare.facilities"), (Table(caption, columns, tuple(rows)),))]


def _detail(row: Mapping[Any, Any], words: Words) -> str:
    """Return what a change says of itself; the unit of a capacity in words."""
    unit, mark, values = str(row["detail"]).partition(": ")
    return f"{words.or_raw('unit', unit)}{mark}{values}" if mark else unit


def _provision(found: Comparison, words: Words) -> list[Section]:
    """Return the services in which more or fewer find a place."""
    rows = []
    for row in found.provision.to_dict("records"):
        if all(abs(row[f"{key}_after"] - row[f"{key}_before"]) < compare.LEAST_PERSONS for key in _PROVISION):
            continue
        service = words.heading(words.service(found.after.study, row["service"]))
        label = words("capacity.of_unit", service=service, unit=words.or_raw("unit", row["unit"]))
        cells = [number(f"{row[f'{k}_before']:,.1f} → {row[f'{k}_after']:,.1f}") for k in _PROVISION]
        rows.append((text(label), *cells))
    if not rows:
        return []
    columns = tuple(words(f"col.{key}") for key in ("service", "need", "served", "no_place", "beyond_reach"))
    table = Table(words("compare.provision_table"), columns, tuple(rows))
    return [Section("capacity", words("compare.provision"), (table,))]


_PROVISION = ("need", "served", "no_place", "out_of_reach")


def _indicators(found: Comparison, words: Words) -> list[Section]:
    """Return the indicators of the plan whose value, target or verdict changed, over the district."""
    table = found.indicators[found.indicators["scope"] == "district"]
    same = table["status_before"].eq(table["status_after"])
    for name in ("value", "target"):
        same &= (table[f"{name}_before"] - table[f"{name}_after"]).abs().fillna(0.0) < compare.LEAST_PERSONS
        same &= table[f"{name}_before"].isna() == table[f"{name}_after"].isna()
    plan = found.after.study.plan
    if plan is None or same.all():
        return []
    names = {indicator.id: words.name(indicator) for indicator in plan.indicators}
    sets = {target_set.id: words.name(target_set) for target_set in plan.target_sets}
    rows = [
        (
            text(names.get(row["indicator_id"], row["indicator_id"])),
            text(sets.get(row["target_set"], row["target_set"])),
            number(f"{_amount(row['value_before'])} → {_amount(row['value_after'])}"),
            short(words.or_raw("unit", str(row["unit"]))),
            number(_amount(row["target_after"])),
            text(_verdict(row, words)),
        )
        for row in table[~same].to_dict("records")
    ]
    keys = ("indicator", "target_set", "value", "unit", "target", "verdict")
    columns = tuple(words(f"compare.col.{key}") for key in keys)
    return [
        Section("indicators", words("compare.indicators"), (Table(words("compare.indicators"), columns, tuple(rows)),))
    ]


def _amount(value: float) -> str:
    return wording.quantity(round(float(value), 2))


def _verdict(row: Mapping[Any, Any], words: Words) -> str:
    before, after = (words(f"indicator_status.{row[f'status_{side}']}") for side in ("before", "after"))
    return after if before == after else f"{before} → {after}"


def _inputs(found: Comparison, words: Words) -> Block:
    """Return what differs between the two studies: files, dates, ways of getting there, standards."""
    old, new = found.before.study, found.after.study
    said = [
        words("compare.input_file", role=words.role(new, str(row["role"])), file=wording.file_name(row["path_after"]))
        for row in found.inputs.to_dict("records")
    ]
    if old.data_date != new.data_date:
        said.append(words("compare.input_date", before=old.data_date.isoformat(), after=new.data_date.isoformat()))
    known = {mode.id: mode for mode in old.modes}
    said += [
        words("compare.input_mode", mode=words.name(mode))
        for mode in new.modes
        if mode.id in known and mode != known[mode.id]
    ]
    for service in found.services:
        standards = {standard.id: standard for standard in old.service(service.id).standards}
        for standard in service.standards:
            was = standards.get(standard.id)
            if was is not None and was.limits != standard.limits:
                before, after = words.standard(old, was), words.standard(new, standard)
                told = {"service": words.name(service), "standard": words.name(standard)}
                said.append(words("compare.input_standard", before=before, after=after, **told))
    for key, only in (("compare.only_before", (old, new)), ("compare.only_after", (new, old))):
        names = [words.name(s) for s in only[0].services if s.id not in {o.id for o in only[1].services}]
        if names:
            said.append(words(key, services=words.join(names)))
    return Bullets(tuple(said)) if said else Paragraph(words("compare.same_inputs"))
