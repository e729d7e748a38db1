"""The section on how firm the proposed sites are: other good plans, and the draws in which each site stays.

In a daily run it is one sentence: what ``--full`` would add.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pandas as pd

from chongming_gis import wording
from chongming_gis.maps.proposal_layer import site_names
from chongming_gis.reports.blocks import Bullets, Notes, Paragraph, Section, Table, number, text

if TYPE_CHECKING:
    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.reports.figures import Told
    from chongming_gis.wording import Words

Row: TypeAlias = dict[str, Any]

_MOST_OTHERS = 3  # sites told that are not proposed
_OFTEN = 0.1  # of the draws: rarer ones are left to the table
_LOOSE = 0.5
_BETWEEN = " | "


def sections(told: Told) -> tuple[Section, ...]:
    """Return the section; nothing where the study proposes nothing, one sentence in a daily run."""
    words, measured = told.words, told.result.measured
    plans = measured.get("plans")
    if plans is None or not (plans["n_new"] > 0).any():
        return ()
    title = words("robust.chapter")
    whole = measured.get("plan_robustness")
    if whole is None:
        return (Section("robustness", title, (Paragraph(words("robust.daily")),)),)
    if whole.empty:
        return ()
    rows = {row["proposal"]: row for row in _records(whole)}
    asked = [proposal for proposal in told.result.study.proposals if proposal.id in rows]
    n_draws = int(whole["n_draws"].max())
    drawn = [words("robust.drawn", n=f"{n_draws:,}")] if n_draws else []
    notes = ("lost", "refused", *(("drawn",) if n_draws else ()))
    said = [line for proposal in asked for line in _sentences(told, proposal, rows[proposal.id])]
    blocks: list[Block] = [
        Paragraph(("" if words.language == "zh" else " ").join([words("robust.opening"), *drawn])),
        _overview(asked, rows, words),
        *([Bullets(tuple(said))] if said else []),
        Notes(tuple(words(f"robust.note.{note}") for note in notes)),
    ]
    for proposal in asked:
        blocks += [_sites(told, proposal), *_plans(told, proposal)]
    return (Section("robustness", title, tuple(blocks)),)


def _records(frame: pd.DataFrame) -> list[Row]:
    return cast("list[Row]", frame.to_dict("records"))


def _share(value: float) -> str:
    return wording.NOTHING if math.isnan(value) else wording.share(value)


def _of(told: Told, name: str, proposal: ProposalConfig) -> pd.DataFrame:
    table = told.result.measured[name]
    return table[table["proposal"] == proposal.id].reset_index(drop=True)


def _overview(asked: list[ProposalConfig], rows: dict[str, Row], words: Words) -> Table:
    lines: list[tuple[Cell, ...]] = []
    for proposal in asked:
        row = rows[proposal.id]
        more = row["stop_reason"] != "no more within the share"
        found = f"{row['n_alternatives']:,}"
        lines.append(
            (
                text(words.name(proposal)),
                number(words("robust.many", n=found) if more and row["n_alternatives"] else found),
                number(wording.share(row["within_share"])),
                number(_share(row["lost_median"])),
                number(_share(row["lost_high"])),
                number(f"{row['n_proven']:,} / {row['n_draws']:,}" if row["n_draws"] else wording.NOTHING),
            )
        )
    columns = ("others", "within", "lost_median", "lost_high", "proven")
    titles = (words("col.proposal"), *(words(f"robust.col.{name}") for name in columns))
    return Table(words("robust.overview"), titles, tuple(lines))


def _sentences(told: Told, proposal: ProposalConfig, row: Row) -> list[str]:
    """Return what keeping the plan is worth at least, and which of its sites the draws move away."""
    words = told.words
    if math.isnan(row["lost_high"]):
        return []
    said = [words("robust.firm", proposal=words.name(proposal), kept=wording.share(1.0 - row["lost_high"]))]
    sites = _of(told, "site_robustness", proposal)
    loose = sites[sites["is_chosen"] & (sites["share_draws_near"] < _LOOSE)]
    if len(loose):
        names = words.join(site_names(told.result, loose, words))
        said.append(words("robust.loose", proposal=words.name(proposal), sites=names))
    return said


def _sites(told: Told, proposal: ProposalConfig) -> Table:
    """Return the proposed sites, and those that come in most often instead."""
    words = told.words
    table = _of(told, "site_robustness", proposal)
    covers = proposal.model == "mclp"
    others = table[~table["is_chosen"] & (table["share_draws"] >= _OFTEN)].head(_MOST_OTHERS)
    shown = pd.concat([table[table["is_chosen"]], others])
    rows: list[tuple[Cell, ...]] = []
    for name, site in zip(site_names(told.result, shown, words), _records(shown), strict=True):
        lost = site["lost_if_refused"] if covers or math.isinf(site["lost_if_refused"]) else math.nan
        missing = words("robust.no_plan") if math.isinf(lost) else wording.NOTHING if math.isnan(lost) else None
        rows.append(
            (
                text(name),
                text(told.townships.get(site["township_code"], wording.NOTHING)),
                text(words("yes") if site["is_chosen"] else wording.NOTHING),
                number(wording.share(site["share_good_plans"])),
                number(_share(site["share_draws"])),
                number(_share(site["share_draws_near"])),
                number(wording.persons(max(lost, 0.0)) if missing is None else missing),
            )
        )
    columns = ("chosen", "good_plans", "draws", "near", "refused")
    titles = (words("col.site"), words("col.township"), *(words(f"robust.col.{name}") for name in columns))
    caption = words("robust.sites", proposal=words.name(proposal))
    return Table(caption, titles, tuple(rows), folded=caption)


def _plans(told: Told, proposal: ProposalConfig) -> list[Block]:
    """Return the other good plans as what each does without and builds instead."""
    words = told.words
    plans = _of(told, "plan_alternatives", proposal)
    plans = plans[plans["number"] > 1]
    if plans.empty:
        return []
    sites = _of(told, "site_robustness", proposal)
    covers = proposal.model == "mclp"  # else what is lost is no number of persons
    names = dict(zip(sites["place_id"], site_names(told.result, sites, words), strict=True))
    rows = tuple(
        (
            number(str(row["number"])),
            number(wording.persons(max(row["lost"], 0.0)) if covers else wording.NOTHING),
            number(_share(row["lost_share"])),
            text(_named(row["left_out"], names, words)),
            text(_named(row["brought_in"], names, words)),
        )
        for row in _records(plans)
    )
    columns = tuple(words(f"robust.col.{name}") for name in ("number", "lost", "lost_share", "left_out", "brought_in"))
    caption = words("robust.plans", proposal=words.name(proposal))
    return [Table(caption, columns, rows, folded=caption)]


def _named(ids: Any, names: dict[str, str], words: Words) -> str:
    return wording.NOTHING if pd.isna(ids) else words.join([names.get(name, name) for name in str(ids).split(_BETWEEN)])
