"""The chapter on where to build next: each proposal's certificate, its sites in order, and the reasons for each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pandas as pd

from chongming_gis import discretion, wording
from chongming_gis.maps.proposal_layer import site_names
from chongming_gis.reports.blocks import Bullets, Notes, Paragraph, Section, Table, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.reports.figures import Told
    from chongming_gis.wording import Words

Row: TypeAlias = dict[str, Any]

_MOST_VILLAGES = 3
_MONEY = 10_000.0  # shown in ten thousands
_LEAST_TOLD = 1.0  # persons: a smaller loss or gain is none


def sections(told: Told) -> tuple[Section, ...]:
    """Return the chapter, where the study asks for proposals."""
    plans = told.result.measured.get("plans")
    if plans is None or plans.empty:
        return ()
    words = told.words
    rows = {row["proposal"]: row for row in _records(plans)}
    asked = [proposal for proposal in told.result.study.proposals if proposal.id in rows]
    return (
        Section(
            "proposals",
            words("proposals.chapter"),
            (Paragraph(words("proposals.opening")), _overview(told, asked, rows), Notes(_notes(told))),
            tuple(_proposal(told, proposal, rows[proposal.id]) for proposal in asked),
        ),
    )


def in_a_line(told: Told) -> str:
    """Return what all proposals come to, in a sentence; nothing where none builds anything."""
    plans = told.result.measured.get("plans")
    if plans is None or not plans["n_new"].sum():
        return ""
    words = told.words
    names = {proposal.id: words.name(proposal) for proposal in told.result.study.proposals}
    built = [
        words(
            "summary.proposal",
            proposal=names.get(row["proposal"], row["proposal"]),
            n=f"{row['n_new']:,}",
            before=wording.share(_ratio(row["covered_before"], row["persons"])),
            after=wording.share(_ratio(row["covered_after"], row["persons"])),
        )
        for row in _records(plans)
        if row["n_new"]
    ]
    return words("summary.proposals", n=f"{int(plans['n_new'].sum()):,}", proposals=words.join_clauses(built))


def _notes(told: Told) -> tuple[str, ...]:
    words = told.words
    weighed = words.join([words(f"criterion.{name}") for name in words.starting("criterion.")])
    return (words("proposals.rank_note", criteria=weighed), words("proposals.certificate_note"))


def _overview(told: Told, asked: list[ProposalConfig], plans: Mapping[str, Row]) -> Table:
    words = told.words
    rows = []
    for proposal in asked:
        plan = plans[proposal.id]
        rows.append(
            (
                text(words.name(proposal)),
                number(f"{plan['n_new']:,}"),
                number(wording.share(_ratio(plan["covered_before"], plan["persons"]))),
                number(wording.share(_ratio(plan["covered_after"], plan["persons"]))),
                number(wording.persons(plan["covered_after"] - plan["covered_before"])),
                number(_money(told, plan["cost"])),
                text(certificate(plan, words)),
            )
        )
    columns = ("proposal", "new_sites", "share_before", "share_after", "newly_covered", "cost_total", "certificate")
    titles = tuple(words(f"col.{name}", **_price(told)) for name in columns)
    return Table(words("proposals.overview"), titles, tuple(rows))


def _records(frame: pd.DataFrame) -> list[Row]:
    return cast("list[Row]", frame.to_dict("records"))


def _said(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0.0 else None


def _price(told: Told) -> dict[str, str]:
    """Return currency and price year of the study's site costs, as the headings say them."""
    costs = [cost for cost in told.result.study.costs if cost.what == "site"]
    years = sorted({str(cost.year) for cost in costs})
    return {"currency": told.words.or_raw("currency", costs[0].currency) if costs else "", "year": "/".join(years)}


def _money(told: Told, value: float) -> str:
    if math.isnan(value):
        return wording.NOTHING
    return f"{value / _MONEY:,.0f}" if told.words.language == "zh" else f"{value:,.0f}"


def certificate(plan: Row, words: Words) -> str:
    """Return how good a plan is at least."""
    if plan["status"] in {"infeasible", "unknown"}:
        return words(f"proposals.{plan['status']}")
    if plan["n_new"] == 0 and plan["n_asked"] is not pd.NA and plan["n_asked"] == 0:
        return words("proposals.nothing_short")
    if plan["status"] == "optimal":
        return words("proposals.proven")
    return words("proposals.within", gap=f"{100.0 * plan['gap']:.2g}%")


def summary(plan: Row, words: Words) -> list[str]:
    """Return what a plan reaches, in one line, or why there is none."""
    if plan["status"] in {"infeasible", "unknown"}:
        return [words.reason(_said(plan["reason"])) or certificate(plan, words)]
    return [
        words(
            "proposals.summary",
            before=wording.share(_ratio(plan["covered_before"], plan["persons"])),
            after=wording.share(_ratio(plan["covered_after"], plan["persons"])),
            more=wording.persons(plan["covered_after"] - plan["covered_before"]),
        )
    ]


def _proposal(told: Told, proposal: ProposalConfig, plan: Row) -> Section:
    words, study = told.words, told.result.study
    service = study.service(proposal.service)
    standard = next(s for s in service.standards if s.id == plan["standard"])
    said: dict[str, Any] = {
        "service": words.name(service),
        "who": words.group(study, service.group, service.base),
        "standard": words.standard(study, standard),
        "n": f"{plan['n_new']:,}",
        "existing": f"{plan['n_existing']:,}",
        "candidates": f"{plan['n_candidates']:,}",
        "refused": f"{plan['n_refused']:,}",
        "before": wording.share(_ratio(plan["covered_before"], plan["persons"])),
        "after": wording.share(_ratio(plan["covered_after"], plan["persons"])),
        "more": wording.persons(plan["covered_after"] - plan["covered_before"]),
        "source": words.source(proposal),
    }
    blocks: list[Block] = []
    if plan["status"] in {"infeasible", "unknown"}:
        why = words.reason(_said(plan["reason"]))
        blocks.append(Paragraph(words(f"proposals.{plan['status']}_sentence", reason=why, **said)))
    elif plan["n_new"] == 0:
        blocks.append(Paragraph(words("proposals.none_sentence", **said)))
    else:
        blocks.append(Paragraph(words("proposals.sentence", certificate=_certificate(plan, words), **said)))
        sites = told.result.measured["sites"]
        mine = sites[sites["proposal"] == proposal.id]
        blocks += [
            _sites(told, mine),
            _bullets(told, proposal, mine),
        ]
    return Section(f"proposal-{proposal.id}", words.name(proposal), tuple(blocks))


def _certificate(plan: Row, words: Words) -> str:
    if plan["status"] == "optimal":
        return words("proposals.proven_sentence")
    return words(
        "proposals.within_sentence",
        bound=wording.persons(plan["bound"]),
        gap=f"{100.0 * plan['gap']:.2g}%",
        stopped=words.or_raw("stop_reason", str(plan["stop_reason"]).replace(" ", "_")),
    )


def _sites(told: Told, sites: pd.DataFrame) -> Table:
    words, study = told.words, told.result.study
    group = {service.id: service.group for service in study.services}
    rows = []
    for name, site in zip(site_names(told.result, sites, words), _records(sites), strict=True):
        cells: list[Cell] = [
            text(name),
            number(str(site["rank"])),
            text(told.townships.get(site["township_code"], wording.NOTHING)),
            number(discretion.persons(study, group[site["service"]], site["newly_covered"])),
            number(discretion.persons(study, group[site["service"]], site["lost_without"])),
            number(wording.NOTHING if math.isnan(site["minutes_saved"]) else f"{site['minutes_saved']:.1f}"),
            number(discretion.persons(study, group[site["service"]], site["backup_gained"])),
            number(_money(told, site["cost"])),
            number(wording.NOTHING if math.isnan(site["cost_per_person"]) else f"{site['cost_per_person']:,.0f}"),
            number(wording.share(site["share_first"])),
        ]
        rows.append(tuple(cells))
    columns = (
        *("site", "rank", "township", "newly_covered", "lost_without", "minutes_saved", "backup_gained"),
        *("cost", "cost_per_person", "share_first"),
    )
    titles = tuple(words(f"col.{name}", **_price(told)) for name in columns)
    return Table(words("proposals.sites"), titles, tuple(rows))


def _bullets(told: Told, proposal: ProposalConfig, sites: pd.DataFrame) -> Bullets:
    names = site_names(told.result, sites, told.words)
    return Bullets(tuple(_reasons(told, proposal, *pair) for pair in zip(_records(sites), names, strict=True)))


def _reasons(told: Told, proposal: ProposalConfig, site: Row, name: str) -> str:
    """Return why a site: for whom, which duty, what shares it, what stands in for it, which better ground is shut."""
    words, study = told.words, told.result.study
    group = study.service(proposal.service).group
    sentences = [_for_whom(told, proposal, site, name)]
    if site["meets_duty"]:
        town = told.townships.get(site["township_code"], wording.NOTHING)
        sentences.append(words("proposals.duty", township=town, n=proposal.each_township))
    if site["co_location"]:
        sentences.append(words("proposals.shared", n=site["co_location"]))
    if not pd.isna(site["stand_in_id"]):
        lost = site["stand_in_loss"]
        key = "proposals.stand_in" if lost >= _LEAST_TOLD else "proposals.stand_in_same"
        other = _other(site, "stand_in", words)
        sentences.append(words(key, other=other, lost=discretion.persons(study, group, max(lost, 0.0))))
    if not pd.isna(site["refused_id"]) and site["refused_gain"] >= _LEAST_TOLD:
        sentences.append(
            words(
                "proposals.refused",
                other=_other(site, "refused", words),
                gain=discretion.persons(study, group, site["refused_gain"]),
                why=_why_refused(told, proposal, site),
            )
        )
    return ("" if words.language == "zh" else " ").join(sentences)


def _other(site: Row, what: str, words: Words) -> str:
    name = site[f"{what}_name"]
    return words("proposals.a_place_near") if pd.isna(name) else str(name)


def _for_whom(told: Told, proposal: ProposalConfig, site: Row, name: str) -> str:
    words, result = told.words, told.result
    service = result.study.service(proposal.service)
    gains = result.measured["site_gains"]
    mine = gains[(gains["proposal"] == proposal.id) & (gains["place_id"] == site["place_id"])]
    own = mine[mine["group"] == service.group]
    villages = result.villages.set_index("village_code")["name_zh"]
    best = own[own["village_code"].notna() & (own["persons"] >= _LEAST_TOLD)].sort_values(
        ["persons", "village_code"], ascending=[False, True], kind="stable"
    )
    named = [
        words("report.place_count", place=villages.get(row["village_code"], row["village_code"]),
              persons=discretion.persons(result.study, service.group, row["persons"]))
        for row in _records(best.head(_MOST_VILLAGES))
    ]  # fmt: skip
    said = {
        "rank": site["rank"],
        "name": name,
        "persons": discretion.persons(result.study, service.group, site["newly_covered"]),
        "who": words.group(result.study, service.group, service.base),
        "n": len(best),
        "villages": words.join(named),
    }
    key = "proposals.for_whom_many" if len(best) > _MOST_VILLAGES else "proposals.for_whom"
    return words(key if named else "proposals.for_nobody", **said)


def _why_refused(told: Told, proposal: ProposalConfig, site: Row) -> str:
    """Return the rule that refuses better ground, with its source as the study gives it."""
    words = told.words
    rule = _said(site["refused_reason"]).split(" | ", maxsplit=1)[0]
    source = _said(site["refused_source"]).split(" | ", maxsplit=1)[0]
    return words("proposals.by_rule", rule=words.refusal(told.result.study, proposal.service, rule), source=source)
