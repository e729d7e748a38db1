"""The chapter on beds: what is built, added and converted where, what that costs at least, and what nearness costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pandas as pd

from chongming_gis import wording
from chongming_gis.reports.blocks import Bullets, Notes, Paragraph, Section, Table, number, short, text
from chongming_gis.reports.phases import certificate, money, named_site, said

if TYPE_CHECKING:
    from chongming_gis.bedmodel import BedPlanConfig
    from chongming_gis.planning import IndicatorConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.reports.figures import Told

Row: TypeAlias = dict[str, Any]

_SIGNS = {"at_least": "≥ ", "at_most": "≤ ", "equal": ""}
_NO_PLAN = ("infeasible", "unknown", "to_fill")


def sections(told: Told) -> tuple[Section, ...]:
    """Return the chapter, where a run has taken the bed plans."""
    plans = told.result.measured.get("bed_plans")
    if plans is None or plans.empty:
        return ()
    rows = {row["plan"]: row for row in _records(plans)}
    inner = tuple(_plan(told, entry, rows[entry.id]) for entry in told.result.study.bed_plans if entry.id in rows)
    return (Section("beds", told.words("beds.chapter"), (Paragraph(told.words("beds.opening")),), inner),)


def _records(frame: pd.DataFrame) -> list[Row]:
    return cast("list[Row]", frame.to_dict("records"))


def _of(told: Told, table: str, plan: str) -> pd.DataFrame:
    frame = told.result.measured[table]
    return frame[frame["plan"] == plan]


def _plan(told: Told, entry: BedPlanConfig, row: Row) -> Section:
    words = told.words
    blocks: list[Block] = []
    if row["status"] in _NO_PLAN:
        reason = words.reason(said(row["reason"]))
        blocks.append(Paragraph(words(f"beds.{row['status']}", target_set=_set_name(told, entry), reason=reason)))
        blocks.append(_duties(told, entry))
    else:
        blocks.append(Paragraph(_summary(told, entry, row)))
        blocks += [Paragraph(_ways(told, entry, row))] if not math.isnan(row["minutes"]) else []
        blocks.append(_duties(told, entry))
        actions = _records(_of(told, "bed_plan", entry.id).drop(columns="geometry", errors="ignore"))
        if actions:
            blocks += [_townships(told, entry, row, actions), _homes(told, row, actions)]
        frontier = _records(_of(told, "bed_frontier", entry.id))
        if len(frontier) > 1:
            blocks += [Paragraph(_trade(told, row, frontier)), _frontier(told, row, frontier)]
    blocks += _open(told, entry)
    blocks.append(Notes(_notes(told, entry, row)))
    return Section(f"beds-{entry.id}", words.name(entry), tuple(blocks))


def _set_name(told: Told, entry: BedPlanConfig) -> str:
    plan = told.result.study.plan
    sets = plan.target_sets if plan else ()
    return next((told.words.name(one) for one in sets if one.id == entry.target_set), entry.target_set)


def _price(told: Told, row: Row) -> dict[str, str]:
    year = said(row["price_year"])
    return {"currency": told.words.or_raw("currency", row["currency"]), "year": year}


def _summary(told: Told, entry: BedPlanConfig, row: Row) -> str:
    words = told.words
    actions = _of(told, "bed_plan", entry.id)
    beds = actions.groupby("what")["beds"].sum()
    parts = []
    for what, count in (("new", row["n_new"]), ("extended", row["n_extended"])):
        if count:
            parts.append(words(f"beds.did_{what}", n=f"{count:,}", beds=f"{beds[what]:,}"))
    converted = actions[actions["what"] == "converted"].groupby("unit", sort=False)["beds"].sum()
    parts += [
        words("beds.did_converted", beds=f"{n:,}", unit=words.or_raw("unit", str(unit)))
        for unit, n in converted.items()
    ]
    raised = int((actions["what"] == "standardised").sum())
    parts += [words("beds.did_standardised", n=raised)] if raised else []
    n_targets = int((_of(told, "bed_duties", entry.id)["status"] != "to_fill").sum())
    key = "beds.sentence" if parts else "beds.nothing"
    sentence = words(
        key,
        target_set=_set_name(told, entry),
        n=n_targets,
        cost=money(told, row["cost"]),
        did=words.join(parts),
        **_price(told, row),
    )
    proof = certificate(row, words, best=money(told, row["bound"]))
    return ("" if words.language == "zh" else " ").join([sentence, words("beds.certified", certificate=proof)])


def _ways(told: Told, entry: BedPlanConfig, row: Row) -> str:
    service = told.result.study.service(entry.service)
    return told.words(
        "beds.ways",
        need=f"{row['need']:,.0f}",
        before=f"{row['minutes_before']:.1f}",
        after=f"{row['minutes']:.1f}",
        standard=told.words.standard(told.result.study, service.standards[0]),
        share_before=wording.share(row["share_in_time_before"]),
        share_after=wording.share(row["share_in_time"]),
        most=f"{entry.unreachable_min:g}",
    )


def _indicator(told: Told, name: str) -> IndicatorConfig | None:
    plan = told.result.study.plan
    return next((one for one in plan.indicators if one.id == name), None) if plan else None


def _indicator_name(told: Told, name: str) -> str:
    indicator = _indicator(told, name)
    return told.words.name(indicator) if indicator else name


def _duties(told: Told, entry: BedPlanConfig) -> Table:
    words, rows = told.words, []
    for duty in _records(_of(told, "bed_duties", entry.id)):
        indicator = _indicator(told, duty["indicator_id"])
        sign = _SIGNS[indicator.direction] if indicator else ""
        is_open = math.isnan(duty["target"])
        status = words(f"beds.status_{duty['status']}")
        if duty["evidence"] == "schematic" and not is_open:  # no verdict rests on a rule of schematic data
            status = words("indicator_status.schematic")
        rows.append(
            (
                text(_indicator_name(told, duty["indicator_id"])),
                short(words.or_raw("unit", duty["unit"])),
                number(_amount(duty["before"])),
                number(words("plan.to_fill") if is_open else sign + _amount(duty["target"])),
                number(_amount(duty["after"])),
                short(status),
            )
        )
    columns = ("indicator", "unit", "beds_before", "target_value", "beds_after", "target_status")
    return Table(words("beds.duties"), tuple(words(f"col.{name}") for name in columns), tuple(rows))


def _amount(value: float) -> str:
    return wording.NOTHING if math.isnan(value) else wording.quantity(round(float(value), 2))


def _kinds(actions: list[Row]) -> list[str]:
    return list(dict.fromkeys(row["unit"] for row in actions if row["what"] == "converted"))


def _townships(told: Told, entry: BedPlanConfig, plan: Row, actions: list[Row]) -> Table:
    """Return what each township gets, and what that costs."""
    words, frame = told.words, pd.DataFrame(actions)
    before = _beds_of_townships(told, entry)
    kinds = _kinds(actions)
    codes = [*told.townships, *sorted({str(c) for c in frame["township_code"].dropna()} - set(told.townships))]
    rows = []
    for code in codes:
        mine = frame[frame["township_code"] == code]
        if mine.empty and not before.get(code, 0.0):
            continue
        added = mine[mine["what"].isin(["new", "extended"])]["beds"].sum()
        cells: list[Cell] = [text(told.townships.get(code, code)), number(f"{before.get(code, 0.0):,.0f}")]
        cells += [number(_count(mine[mine["what"] == what]["beds"].sum())) for what in ("new", "extended")]
        cells += [
            number(_count(mine[(mine["what"] == "converted") & (mine["unit"] == kind)]["beds"].sum())) for kind in kinds
        ]
        cells.append(number(_count((mine["what"] == "standardised").sum())))
        cells += [number(f"{before.get(code, 0.0) + added:,.0f}"), number(money(told, float(mine["cost"].sum())))]
        rows.append(tuple(cells))
    total = [text(words("report.whole"))]
    total += [number(f"{plan['beds_before']:,.0f}")]
    total += [number(_count(frame[frame["what"] == what]["beds"].sum())) for what in ("new", "extended")]
    converted = frame[frame["what"] == "converted"]
    total += [number(_count(converted[converted["unit"] == kind]["beds"].sum())) for kind in kinds]
    total += [number(_count((frame["what"] == "standardised").sum()))]
    total += [number(f"{plan['beds_after']:,.0f}"), number(money(told, plan["cost"]))]
    rows.append(tuple(total))
    titles = [words("col.township"), words("col.beds_now"), words("col.beds_new"), words("col.beds_extended")]
    titles += [words("col.beds_converted", unit=words.or_raw("unit", kind)) for kind in kinds]
    titles += [words("col.homes_standardised"), words("col.beds_then"), words("col.cost_total", **_price(told, plan))]
    return Table(words("beds.by_township"), tuple(titles), tuple(rows), strong_rows=(len(rows) - 1,))


def _beds_of_townships(told: Told, entry: BedPlanConfig) -> dict[str, float]:
    result = told.result
    service = result.study.service(entry.service)
    places = result.facilities.places
    places = places[(places["service"] == entry.service) & (places["status"] == "existing")]
    capacity = result.facilities.capacity
    own = capacity[capacity["unit"] == service.capacity_unit].set_index("facility_id")["value"]
    beds = places["facility_id"].map(own).fillna(0.0)
    return {str(code): float(n) for code, n in beds.groupby(places["township_code"]).sum().items()}


def _count(value: float) -> str:
    return f"{int(value):,}" if value else wording.NOTHING


def _homes(told: Told, plan: Row, actions: list[Row]) -> Table:
    words = told.words
    rows = []
    for row in actions:
        targets = [_indicator_name(told, name) for name in str(row["targets"]).split(" | ") if name]
        what = words(f"beds.what_{row['what']}", unit=words.or_raw("unit", row["unit"]))
        rows.append(
            (
                text(named_site(told, row)),
                text(told.townships.get(row["township_code"], wording.NOTHING)),
                short(what),
                number(f"{row['beds']:,}"),
                number(f"{row['beds_before']:,.0f}"),
                number(money(told, row["cost"])),
                text(words.join(targets) or wording.NOTHING),
            )
        )
    columns = ("home", "township", "done", "beds", "beds_now", "cost_total", "counts_towards")
    titles = tuple(words(f"col.{name}", **_price(told, plan)) for name in columns)
    caption = words("beds.by_home")
    return Table(caption, titles, tuple(rows), folded=words("beds.by_home_folded", n=len(rows)))


def _trade(told: Told, row: Row, frontier: list[Row]) -> str:
    first, last = frontier[0], frontier[-1]
    return told.words(
        "beds.trade",
        more=money(told, last["cost"] - first["cost"]),
        slow=f"{first['minutes']:.1f}",
        fast=f"{last['minutes']:.1f}",
        **_price(told, row),
    )


def _frontier(told: Told, plan: Row, frontier: list[Row]) -> Table:
    words = told.words
    rows = tuple(
        (
            number(f"{row['point']}"),
            number(money(told, row["cost"])),
            number(f"{row['minutes']:.2f}"),
            number(f"{row['minutes_bound']:.2f}"),
            number(wording.share(row["share_in_time"])),
            number(_count(row["n_new"])),
            number(_count(row["new_beds"])),
            number(_count(row["n_extended"])),
            number(_count(row["extended_beds"])),
        )
        for row in frontier
    )
    columns = ("plan_point", "cost_total", "mean_minutes", "best_minutes", "share_in_time", "homes_new", "beds_new")
    titles = [words(f"col.{name}", **_price(told, plan)) for name in (*columns, "homes_extended", "beds_extended")]
    return Table(words("beds.frontier"), tuple(titles), rows)


def _open(told: Told, entry: BedPlanConfig) -> list[Block]:
    duties = _of(told, "bed_duties", entry.id)
    names = [_indicator_name(told, name) for name in duties.loc[duties["status"] == "to_fill", "indicator_id"]]
    if not names:
        return []
    return [Bullets((told.words("beds.left_out", indicators=told.words.join(names)),))]


def _notes(told: Told, entry: BedPlanConfig, row: Row) -> tuple[str, ...]:
    words, study = told.words, told.result.study
    costs = [cost for cost in study.costs if cost.id in entry.cost_ids]
    prices = [
        words("beds.price", name=words.name(cost), value=f"{cost.value:,.0f}", source=words.source(cost))
        for cost in costs
    ]
    notes = [words("beds.note_prices", prices=words.join(prices), **_price(told, row))]
    if entry.new is not None and row["n_ground"]:
        notes.append(words("beds.note_ground", n=entry.new.sites_per_township))
    if entry.conversions:
        notes.append(words("beds.note_shared"))
    rules = [
        words.in_language(indicator.decided_by_rule, indicator.decided_by_rule_en)
        for indicator in (_indicator(told, name) for name in entry.targets)
        if indicator is not None and indicator.decided_by_rule
    ]
    is_schematic = study.service(entry.service).facilities.kind == "schematic"
    if is_schematic:
        notes.append(words("beds.note_schematic"))
    notes += (
        [words("beds.note_rules", rules="；".join(rules) if words.language == "zh" else "; ".join(rules))]
        if rules
        else []
    )
    notes.append(words("beds.note_source", source=words.source(entry)))
    return tuple(notes)
