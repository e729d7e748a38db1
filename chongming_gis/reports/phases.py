"""The chapters on proposals over the years and on services planned together: what nesting costs and sharing saves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pandas as pd

from chongming_gis import discretion, wording
from chongming_gis.reports.blocks import Notes, Paragraph, Section, Table, number, short, text

if TYPE_CHECKING:
    from chongming_gis.phasemodel import JointProposalConfig, PhasesConfig
    from chongming_gis.planning import CostConfig
    from chongming_gis.reports.blocks import Block
    from chongming_gis.reports.figures import Told
    from chongming_gis.wording import Words

Row: TypeAlias = dict[str, Any]

_MONEY = 10_000.0  # shown in ten thousands
_NO_PLAN = ("infeasible", "unknown")
_LEAST_TOLD = 0.5  # persons: a smaller price is none
ALL = "all"


def sections(told: Told) -> tuple[Section, ...]:
    """Return both chapters, as far as a run has taken them."""
    return (*_phases_chapter(told), *_joint_chapter(told))


def money(told: Told, value: float) -> str:
    """Return money as the tables show it: in ten thousands in Chinese."""
    if math.isnan(value):
        return wording.NOTHING
    return f"{value / _MONEY:,.0f}" if told.words.language == "zh" else f"{value:,.0f}"


def certificate(row: Row, words: Words, *, best: str) -> str:
    """Return how good a plan is at least; ``best`` says what none can better."""
    if row["status"] == "optimal":
        return words("proposals.proven_sentence")
    return words(
        "phases.within",
        best=best,
        gap=f"{100.0 * row['gap']:.2g}%",
        stopped=words.or_raw("stop_reason", str(row["stop_reason"]).replace(" ", "_")),
    )


def said(value: Any) -> str:
    """Return a text of a table; of a missing one nothing."""
    return "" if pd.isna(value) else str(value)


def named_site(told: Told, row: Row) -> str:
    """Return the name of a site; a junction or a point of a grid is named after its village or township."""
    if not pd.isna(row["name_zh"]):
        return str(row["name_zh"])
    villages = told.result.villages.set_index("village_code")["name_zh"]
    place = villages.get(row["village_code"]) if not pd.isna(row["village_code"]) else None
    place = place or (told.townships.get(str(row["township_code"])) if not pd.isna(row["township_code"]) else None)
    if not place:
        return str(row["place_id"])
    return told.words("proposals.near", place=place, kind=told.words.or_raw("candidate_kind", str(row["kind"])))


def _records(frame: pd.DataFrame) -> list[Row]:
    return cast("list[Row]", pd.DataFrame(frame.drop(columns="geometry", errors="ignore")).to_dict("records"))


def _price(told: Told, cost: CostConfig | None) -> dict[str, str]:
    currency = told.words.or_raw("currency", cost.currency) if cost else ""
    return {"currency": currency, "year": str(cost.year) if cost else ""}


def _cost_of(told: Told, proposal: str) -> CostConfig | None:
    study = told.result.study
    name = next((one.cost for one in study.proposals if one.id == proposal), None)
    return next((cost for cost in study.costs if cost.id == name), None)


def _phases_chapter(told: Told) -> tuple[Section, ...]:
    table = told.result.measured.get("phases")
    if table is None or table.empty:
        return ()
    inner = []
    for entry in told.result.study.phases:
        rows = _records(table[table["phases"] == entry.id])
        if rows:
            inner.append(_phased(told, entry, rows))
    words = told.words
    blocks = (Paragraph(words("phases.opening")), Notes((words("phases.note"), words("proposals.certificate_note"))))
    return (Section("phases", words("phases.chapter"), blocks, tuple(inner)),)


def _phased(told: Told, entry: PhasesConfig, rows: list[Row]) -> Section:
    words, first = told.words, rows[0]
    service = told.result.study.service(first["service"])
    told_of: dict[str, Any] = {
        "service": words.name(service),
        "who": words.group(told.result.study, service.group, service.base),
        "source": words.source(entry),
        "from_year": first["year"],
        "to_year": rows[-1]["year"],
    }
    if first["status"] in _NO_PLAN:
        reason = told.words.reason(said(first["reason"]))
        return Section(
            f"phases-{entry.id}",
            words.name(entry),
            (Paragraph(words(f"phases.{first['status']}", reason=reason, **told_of)),),
        )
    told_of |= {
        "n": sum(row["n_new"] for row in rows),
        "before": wording.share(_ratio(first["covered_before"], first["persons"])),
        "after": wording.share(_ratio(rows[-1]["covered"], first["persons"])),
        "certificate": certificate(first, words, best=f"{first['bound']:,.0f}"),
        "prefer": words(f"phases.prefer_{entry.prefer}"),
    }
    price = _price(told, _cost_of(told, entry.proposal))
    blocks: list[Block] = [Paragraph(words("phases.sentence", **told_of)), Paragraph(_nesting(told, rows))]
    blocks.append(_years(told, rows, price))
    sites = told.result.measured["phase_sites"]
    mine = _records(sites[sites["phases"] == entry.id])
    blocks += [_phase_sites(told, mine, price)] if mine else []
    return Section(f"phases-{entry.id}", words.name(entry), tuple(blocks))


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0.0 else None


def _nesting(told: Told, rows: list[Row]) -> str:
    """Return what keeping what stands costs the years that give way."""
    words = told.words
    dear = [row for row in rows if row["price_of_nesting"] >= _LEAST_TOLD]
    if not dear:
        return words("phases.free")
    named = [
        words("phases.year_price", year=row["year"], persons=wording.persons(row["price_of_nesting"])) for row in dear
    ]
    return words("phases.price", years=words.join(named))


def _years(told: Told, rows: list[Row], price: dict[str, str]) -> Table:
    words = told.words
    cells = tuple(
        (
            short(str(row["year"])),
            number(_limit(told, row)),
            number(f"{row['n_new']:,}"),
            number(money(told, row["cost"])),
            number(wording.persons(row["covered"])),
            number(wording.share(_ratio(row["covered"], row["persons"]))),
            number(wording.persons(row["unphased"])),
            number(wording.persons(max(row["price_of_nesting"], 0.0))),
        )
        for row in rows
    )
    columns = ("year", "year_limit", "new_sites", "cost_total", "covered", "share", "unphased", "price_of_nesting")
    return Table(words("phases.years"), tuple(words(f"col.{name}", **price) for name in columns), cells)


def _limit(told: Told, row: Row) -> str:
    return money(told, row["limit"]) if row["limit_unit"] == "money" else f"{row['limit']:,.0f}"


def _phase_sites(told: Told, rows: list[Row], price: dict[str, str]) -> Table:
    words = told.words
    groups = {service.id: service.group for service in told.result.study.services}
    cells = tuple(
        (
            text(named_site(told, row)),
            text(told.townships.get(row["township_code"], wording.NOTHING)),
            short(str(row["year"])),
            number(discretion.persons(told.result.study, groups[row["service"]], row["added"])),
            number(money(told, row["cost"])),
        )
        for row in rows
    )
    columns = ("site", "township", "year_built", "newly_covered", "cost_total")
    return Table(words("phases.sites"), tuple(words(f"col.{name}", **price) for name in columns), cells)


def _joint_chapter(told: Told) -> tuple[Section, ...]:
    table = told.result.measured.get("joint_plans")
    if table is None or table.empty:
        return ()
    inner = []
    for entry in told.result.study.joint_proposals:
        rows = _records(table[table["joint"] == entry.id])
        if rows:
            inner.append(_joined(told, entry, rows))
    words = told.words
    blocks = (Paragraph(words("joint.opening")), Notes((words("joint.note"), words("proposals.certificate_note"))))
    return (Section("joint", words("joint.chapter"), blocks, tuple(inner)),)


def _joined(told: Told, entry: JointProposalConfig, rows: list[Row]) -> Section:
    words, study = told.words, told.result.study
    whole = next(row for row in rows if row["service"] == ALL)
    services = [row for row in rows if row["service"] != ALL]
    cost = _cost_of(told, services[0]["proposal"])
    price = _price(told, cost)
    saving = next((one.value for one in study.costs if one.id == entry.saving), 0.0)
    told_of: dict[str, Any] = {
        "services": words.join([words.name(study.service(row["service"])) for row in services]),
        "budget": money(told, entry.budget),
        "saving": wording.share(saving),
        "source": words.source(entry),
        **price,
    }
    if whole["status"] in _NO_PLAN:
        reason = words.reason(said(whole["reason"]))
        paragraph = Paragraph(words(f"joint.{whole['status']}", reason=reason, **told_of))
        return Section(f"joint-{entry.id}", words.name(entry), (paragraph,))
    shared = told.result.measured["joint_sites"]
    mine = _records(shared[shared["joint"] == entry.id])
    grounds = {row["place_id"] for row in mine if not pd.isna(row["shared_with"])}
    told_of |= {
        "n": f"{whole['n_new']:,}",
        "shared": len(grounds),
        "saved": money(told, whole["saved"]),
        "certificate": certificate(whole, words, best=f"{whole['bound']:,.0f}"),
    }
    blocks: list[Block] = [Paragraph(words("joint.sentence", **told_of))]
    if not math.isnan(whole["apart_covered"]):
        more = whole["covered"] - whole["apart_covered"]
        key = "joint.gain" if more >= _LEAST_TOLD else "joint.no_gain" if more > -_LEAST_TOLD else "joint.duties_cost"
        blocks.append(Paragraph(words(key, more=wording.persons(abs(more)))))
    blocks.append(_services(told, services, whole, price))
    blocks += [_joint_sites(told, mine, price)] if mine else []
    return Section(f"joint-{entry.id}", words.name(entry), tuple(blocks))


def _services(told: Told, services: list[Row], whole: Row, price: dict[str, str]) -> Table:
    words, study = told.words, told.result.study
    rows = []
    for row in [*services, whole]:
        name = words("joint.weighed") if row["service"] == ALL else words.name(study.service(row["service"]))
        rows.append(
            (
                text(name),
                number(wording.persons(row["covered_before"])),
                number(_count(row["n_new"])),
                number(money(told, row["spent"])),
                number(money(told, row["saved"])),
                number(wording.persons(row["covered"])),
                number(_count(row["apart_n_new"])),
                number(money(told, row["apart_spent"])),
                number(_persons(row["apart_covered"])),
            )
        )
    columns = ("service", "covered_now", "new_sites", "joint_spent", "joint_saved", "covered")
    titles = tuple(words(f"col.{name}", **price) for name in (*columns, "apart_new", "apart_spent", "apart_covered"))
    return Table(words("joint.services"), titles, tuple(rows), strong_rows=(len(rows) - 1,))


def _count(value: Any) -> str:
    return wording.NOTHING if pd.isna(value) else f"{int(value):,}"


def _persons(value: float) -> str:
    return wording.NOTHING if math.isnan(value) else wording.persons(value)


def _joint_sites(told: Told, rows: list[Row], price: dict[str, str]) -> Table:
    words, study = told.words, told.result.study
    cells = []
    for row in rows:
        others = [name for name in said(row["shared_with"]).split(" | ") if name]
        cells.append(
            (
                text(named_site(told, row)),
                text(told.townships.get(row["township_code"], wording.NOTHING)),
                text(words.name(study.service(row["service"]))),
                text(words.join([words.name(study.service(name)) for name in others]) or wording.NOTHING),
                number(money(told, row["cost"] - row["saved"])),
                number(money(told, row["saved"]) if row["saved"] else wording.NOTHING),
                number(discretion.persons(study, study.service(row["service"]).group, row["lost_without"])),
            )
        )
    columns = ("site", "township", "service", "shared_with", "joint_spent", "joint_saved", "lost_without")
    titles = tuple(words(f"col.{name}", **price) for name in columns)
    return Table(words("joint.sites"), titles, tuple(cells), folded=words("joint.sites_folded", n=len(cells)))
