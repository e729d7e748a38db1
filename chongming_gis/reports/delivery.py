"""The chapter on meals to the door: what can be brought, by which rounds, who is left and why, and what would help."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from chongming_gis import discretion, wording
from chongming_gis.maps.delivery_sheet import OUT_OF_RANGE, hidden_drops, minutes, round_name, sum_of_round
from chongming_gis.reports.blocks import Notes, Paragraph, Picture, Section, Table, number, short, text
from chongming_gis.reports.pictures import CurveTexts, draw_curves
from chongming_gis.units import seconds_to_minutes

if TYPE_CHECKING:
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.reports.figures import Told

_KM = 1000.0


def sections(told: Told) -> tuple[Section, ...]:
    """Return the chapter, where the study asks for deliveries and the run went so deep."""
    table = told.result.measured.get("delivery")
    if table is None or table.empty:
        return ()
    words, whole = told.words, _records(table)[0]
    blocks: list[Block] = [
        Paragraph(_opening(told, whole)),
        Paragraph(_rounds(told, whole)),
        Paragraph(_bound(told, whole)),
    ]
    blocks += [Paragraph(sentence) for sentence in (_target(told, whole), _left(told)) if sentence]
    blocks += [_kitchens(told), *_townships(told), *_routes(told), *_out_of_range(told), Notes(_notes(told, whole))]
    inner = (Section("delivery-whatif", words("delivery.whatif"), _whatif(told, whole)),)
    return (Section("delivery", words("delivery.chapter"), tuple(blocks), inner if inner[0].blocks else ()),)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    bare = frame.drop(columns="geometry", errors="ignore")
    return cast("list[dict[str, Any]]", bare.to_dict("records"))


def _count(value: float) -> str:
    return wording.NOTHING if math.isnan(value) else f"{value:,.0f}"


def _ratio(part: float, whole: float) -> str:
    return wording.share(part / whole if whole > 0.0 else None)


def _opening(told: Told, whole: dict[str, Any]) -> str:
    said = {key: _count(whole[f"meals_{key}"]) for key in ("wanted", "needed", "stated", "cooked", "in_range")}
    return told.words(
        "delivery.opening",
        **said,
        share=_ratio(whole["meals_wanted"], whole["meals_needed"]),
        kitchens=f"{whole['n_kitchens']:,}",
        minutes=f"{seconds_to_minutes(whole['deadline_s']):g}",
    )


def _rounds(told: Told, whole: dict[str, Any]) -> str:
    if whole["n_rounds"] == 0:
        return told.words("delivery.no_rounds")
    return told.words(
        "delivery.rounds_sentence",
        rounds=f"{whole['n_rounds']:,}",
        vehicles=f"{whole['n_vehicles']:,}",
        km=_count(whole["length_m"] / _KM),
        brought=_count(whole["meals_brought"]),
        drops=f"{whole['n_drops']:,}",
        whole=f"{whole['n_drops_whole']:,}",
        ride=minutes(whole["ride_s"]),
        oldest=minutes(whole["oldest_s"]),
        cost=_count(whole["cost"]),
        each=f"{whole['cost'] / whole['meals_brought']:.2f}",
    )


def _bound(told: Told, whole: dict[str, Any]) -> str:
    total, bound = whole["cost"] + whole["price_of_missed"], whole["bound"]
    said = {"most": _count(whole["meals_at_most"]), "share": _ratio(whole["meals_brought"], whole["meals_at_most"])}
    if math.isnan(bound):
        return told.words("delivery.no_bound", **said)
    missed = _count(whole["price_of_missed"])
    gap = wording.share((total - bound) / total if total > 0.0 else 0.0)
    return told.words(
        "delivery.bound_sentence", **said, total=_count(total), missed=missed, bound=_count(bound), gap=gap
    )


def _target(told: Told, whole: dict[str, Any]) -> str:
    target = whole["meals_target"]
    if math.isnan(target) or target <= 0.0:
        return ""
    return told.words(
        "delivery.target_sentence",
        target=_count(target),
        stated=_count(whole["meals_stated"]),
        cook_share=_ratio(whole["meals_stated"], target),
        brought=_count(whole["meals_brought"]),
        carry_share=_ratio(whole["meals_brought"], target),
    )


def _left(told: Told) -> str:
    words = told.words
    drops = told.result.measured["delivery_drops"]
    by_reason = drops.groupby("reason", sort=False)["meals_left"].sum().sort_values(ascending=False, kind="stable")
    if by_reason.empty:
        return ""
    named = [
        words("delivery.reason_count", reason=words(f"delivery.reason.{reason}"), meals=_count(meals))
        for reason, meals in by_reason.items()
    ]
    return words("delivery.left_sentence", left=_count(float(by_reason.sum())), reasons=words.join_clauses(named))


def _kitchens(told: Told) -> Table:
    rows = [
        (
            text(row["name_zh"] if not pd.isna(row["name_zh"]) else row["kitchen_id"]),
            number(_count(row["meals_cooked"])),
            number(_count(row["meals_in_range"])),
            number(_count(row["meals_brought"])),
            number(f"{row['n_rounds']:,}"),
            number(f"{row['n_drops']:,}"),
            number(f"{row['length_m'] / _KM:,.1f}"),
            number(_count(row["cost"])),
            text(told.words(f"delivery.status.{row['status']}")),
        )
        for row in _records(told.result.measured["delivery_kitchens"])
    ]
    columns = ("kitchen", "cooked", "in_range", "brought", "rounds", "drops", "km", "cost", "status")
    return Table(told.words("delivery.kitchens_table"), _titles(told, columns), tuple(rows))


def _titles(told: Told, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(told.words(f"delivery.col.{name}") for name in columns)


def _townships(told: Told) -> tuple[Table, ...]:
    words = told.words
    drops = told.result.measured["delivery_drops"]
    wanted = drops[drops["meals"] > 0]
    if wanted["township_code"].notna().sum() == 0:
        return ()
    rows: list[tuple[Cell, ...]] = []
    for code, own in wanted.groupby("township_code", sort=True):
        reasons = own.groupby("reason", sort=False)["meals_left"].sum().sort_values(ascending=False, kind="stable")
        named = [
            words("delivery.reason_count", reason=words(f"delivery.reason.{reason}"), meals=_count(meals))
            for reason, meals in reasons.items()
        ]
        meals, brought = float(own["meals"].sum()), float(own["meals_brought"].sum())
        rows.append(
            (
                text(told.townships.get(str(code), str(code))),
                number(_count(meals)),
                number(_count(brought)),
                number(_ratio(brought, meals)),
                text(words.join_clauses(named) or wording.NOTHING),
            )
        )
    columns = (
        *_titles(told, ("township", "wanted", "brought")),
        words("delivery.col.share"),
        words("delivery.col.reason"),
    )
    return (Table(words("delivery.townships_table"), columns, tuple(rows)),)


def _routes(told: Told) -> tuple[Table, ...]:
    words, found = told.words, told.result.measured
    if found["routes"].empty:
        return ()
    hidden = hidden_drops(told.result)
    stops = dict(tuple(found["route_stops"].groupby("round_id", sort=False)))
    delivery = told.result.study.delivery
    names = {vehicle.id: words.name(vehicle) for vehicle in delivery.vehicles} if delivery else {}
    rows = [
        (
            text(round_name(row, words)),
            text(f"{names.get(row['vehicle'], row['vehicle'])} {row['cart']}"),
            short(row["depart"]),
            number(f"{row['n_stops']:,}"),
            number(wording.quantity(sum_of_round(stops[row["round_id"]], hidden))),
            number(minutes(float(stops[row["round_id"]]["arrive_s"].max()))),
            number(minutes(row["back_s"])),
            number(f"{row['length_m'] / _KM:,.1f}"),
        )
        for row in _records(found["routes"])
    ]
    columns = ("kitchen", "vehicle", "depart", "stops", "meals", "oldest", "back", "km")
    folded = words("delivery.routes_folded", n=len(rows))
    return (Table(words("delivery.routes_table"), _titles(told, columns), tuple(rows), folded=folded),)


def _out_of_range(told: Told) -> tuple[Table, ...]:
    words = told.words
    drops = told.result.measured["delivery_drops"]
    out = drops[drops["reason"].isin(OUT_OF_RANGE) & (drops["meals"] > 0)]
    if out.empty:
        return ()
    hidden = hidden_drops(told.result)
    rows = [
        (
            text(row["name_zh"] if not pd.isna(row["name_zh"]) else row["drop_id"]),
            text(told.townships.get(row["township_code"], wording.NOTHING)),
            number(discretion.HIDDEN if row["drop_id"] in hidden else _count(row["meals"])),
            number(minutes(row["nearest_s"])),
            text(words(f"delivery.reason.{row['reason']}")),
        )
        for row in _records(out)
    ]
    columns = (words("delivery.layer.drops"), *_titles(told, ("township", "wanted", "nearest", "reason")))
    folded = words("delivery.out_folded", n=len(rows))
    return (Table(words("delivery.out_table"), columns, tuple(rows), folded=folded),)


def _notes(told: Told, whole: dict[str, Any]) -> tuple[str, ...]:
    words = told.words
    notes = [
        words("delivery.note_model"),
        words("delivery.note_search", n=whole["iterations"], seed=whole["seed"]),
        words("delivery.note_assumptions"),
        words("delivery.note_files"),
    ]
    notes += [words("delivery.masked_note")] if hidden_drops(told.result) else []
    return (*notes, *([words("delivery.note_schematic")] if whole["evidence"] == "schematic" else []))


def _whatif(told: Told, whole: dict[str, Any]) -> tuple[Block, ...]:
    words, table = told.words, told.result.measured["delivery_whatif"]
    blocks: list[Block] = []
    deadlines = _records(table[table["what"] == "deadline"].sort_values("value", kind="stable"))
    if deadlines:
        rows = [
            (
                text(f"{row['value']:g}"),
                *(number(_count(row[name])) for name in ("meals_in_range", "meals_at_most", "meals_brought", "cost")),
            )
            for row in deadlines
        ]
        columns = ("deadline", "in_range", "at_most", "brought", "cost")
        blocks.append(Table(words("delivery.deadline_table"), _titles(told, columns), tuple(rows)))
        if len(deadlines) > 1:
            blocks.append(_curve(told, deadlines))
    vehicles = _records(table[table["what"] == "vehicle"])
    delivery = told.result.study.delivery
    if vehicles and delivery:
        largest = max(delivery.vehicles, key=lambda vehicle: vehicle.capacity_meals)
        rows = [
            (text(_named(row)), number(_count(row["meals_more"])), number(_count(row["cost"] - whole["cost"])))
            for row in sorted(vehicles, key=lambda row: (-row["meals_more"], row["id"]))
        ]
        caption = words("delivery.vehicle_table", vehicle=words.name(largest))
        blocks.append(Table(caption, _titles(told, ("kitchen", "more", "more_cost")), tuple(rows)))
        blocks.append(Notes((words("delivery.note_vehicle"),)))
    kitchens = _records(table[table["what"] == "kitchen"])
    if kitchens:
        rows = [
            (
                text(_named(row)),
                text(told.townships.get(row["township_code"], wording.NOTHING)),
                number(_count(row["meals_in_range"] - whole["meals_in_range"])),
                number(_count(row["meals_at_most"] - whole["meals_at_most"])),
                number(_count(row["meals_more"])),
                number(wording.NOTHING if math.isnan(row["minutes_saved"]) else f"{row['minutes_saved']:.2f}"),
            )
            for row in kitchens
        ]
        titles = _titles(told, ("place", "township", "more_in_range", "more_at_most", "more", "saved"))
        caption = words("delivery.kitchen_table", meals=_count(kitchens[0]["value"]))
        blocks += [Table(caption, titles, tuple(rows)), Notes((words("delivery.note_kitchen"),))]
    return tuple(blocks)


def _named(row: dict[str, Any]) -> str:
    return str(row["id"] if pd.isna(row["name_zh"]) else row["name_zh"])


def _curve(told: Told, deadlines: list[dict[str, Any]]) -> Picture:
    words = told.words
    texts = CurveTexts(
        title=words("delivery.curve_title"),
        description=words("delivery.curve_description"),
        across=words("delivery.curve_across"),
        names=tuple(words(f"delivery.curve_{name}") for name in ("in_range", "at_most", "brought")),
    )
    across = np.array([row["value"] for row in deadlines])
    up = np.array([[row[f"meals_{name}"] for row in deadlines] for name in ("in_range", "at_most", "brought")])
    return Picture(draw_curves("delivery-deadline", across, up, texts), words("delivery.curve_title"))
