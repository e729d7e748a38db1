"""The sheets of report.xlsx on meals to the door: every stop of every round, kitchens, drops, what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from chongming_gis import discretion
from chongming_gis.maps.delivery_sheet import hidden_drops, round_name
from chongming_gis.reports.workbook_columns import (
    Column,
    cell_value,
    column,
    make_sheet,
    measured_table,
    township_names,
    village_names,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chongming_gis.reports.figures import Told
    from chongming_gis.reports.workbook_columns import Form, Sheet

_NAMED = ("round_id", "kitchen_id", "name_zh")
_KM = 1000.0


def sheets(told: Told) -> list[Sheet | None]:
    """Return the sheets of a day's deliveries, none where none was planned."""
    return [_stops(told), _kitchens(told), _drops(told), _changes(told)]


def _column(told: Told, key: str, values: Iterable[object], form: Form = "text") -> Column:
    """Return a column under a heading of the chapter on deliveries."""
    return Column(told.words(f"delivery.col.{key}"), [cell_value(told, value, form) for value in values], form)


def _meals(told: Told, key: str, table: pd.DataFrame, name: str) -> Column:
    """Return a column of meals at a drop each; those that are not to be told are not."""
    hidden = hidden_drops(told.result)
    made = _column(told, key, table[name], "count")
    pairs = zip(made.values, table["drop_id"], strict=True)
    return Column(
        made.title, [discretion.HIDDEN if value and drop in hidden else value for value, drop in pairs], "count"
    )


def _stops(told: Told) -> Sheet | None:
    """Return every stop of every round in its order; what is left on board only where no meals are kept back."""
    stops, routes = measured_table(told, "route_stops"), measured_table(told, "routes")
    if stops is None or routes is None:
        return None
    delivery = told.result.study.delivery
    vehicles = {vehicle.id: told.words.name(vehicle) for vehicle in delivery.vehicles} if delivery else {}
    each = routes.set_index("round_id").loc[stops["round_id"]].reset_index()
    numbers = zip(each["round_id"], each["kitchen_id"], each["name_zh"], strict=True)
    names = [round_name(dict(zip(_NAMED, one, strict=True)), told.words) for one in numbers]
    columns = [
        _column(told, "round", names),
        _column(
            told, "vehicle", [f"{vehicles.get(v, v)} {n}" for v, n in zip(each["vehicle"], each["cart"], strict=True)]
        ),
        _column(told, "depart", each["depart"]),
        _column(told, "stop", stops["stop"], "year"),
        _column(told, "arrive", stops["arrive"]),
        _column(told, "age", stops["arrive_s"], "minutes"),
        _column(told, "drop", stops["name_zh"].fillna(stops["drop_id"])),
        column(told, "township", township_names(told, stops["township_code"])),
        column(told, "village", village_names(told, stops["village_code"])),
        _meals(told, "meals", stops, "meals"),
    ]
    if not stops["drop_id"].isin(hidden_drops(told.result)).any():
        columns.append(_column(told, "on_board", stops["load_after"], "count"))
    columns += [
        _column(told, "back", each["back_s"], "minutes"),
        _column(told, "km", each["length_m"] / _KM, "amount"),
    ]
    return make_sheet(told, "delivery_stops", columns)


def _kitchens(told: Told) -> Sheet | None:
    table = measured_table(told, "delivery_kitchens")
    if table is None:
        return None
    columns = [
        column(told, "township", township_names(told, table["township_code"])),
        _column(told, "kitchen", table["name_zh"].fillna(table["kitchen_id"])),
        _column(told, "cooked", table["meals_cooked"], "count"),
        _column(told, "in_range", table["meals_in_range"], "count"),
        _column(told, "brought", table["meals_brought"], "count"),
        _column(told, "rounds", table["n_rounds"], "count"),
        _column(told, "drops", table["n_drops"], "count"),
        _column(told, "km", table["length_m"] / _KM, "amount"),
        _column(told, "cost", table["cost"], "count"),
        _column(told, "status", [told.words(f"delivery.status.{name}") for name in table["status"]]),
    ]
    return make_sheet(told, "delivery_kitchens", columns)


def _drops(told: Told) -> Sheet | None:
    table, kitchens = measured_table(told, "delivery_drops"), measured_table(told, "delivery_kitchens")
    if table is None:
        return None
    shown = table[table["meals"] > 0]
    names = {} if kitchens is None else kitchens.set_index("kitchen_id")["name_zh"].to_dict()
    reasons = [told.words(f"delivery.reason.{name}") if pd.notna(name) else "" for name in shown["reason"]]
    columns = [
        column(told, "township", township_names(told, shown["township_code"])),
        column(told, "village", village_names(told, shown["village_code"])),
        _column(told, "drop", shown["name_zh"].fillna(shown["drop_id"])),
        _meals(told, "wanted", shown, "meals"),
        _meals(told, "brought", shown, "meals_brought"),
        _column(told, "kitchen", [names.get(name, name) if pd.notna(name) else "" for name in shown["kitchen_id"]]),
        _column(told, "age", shown["arrive_s"], "minutes"),
        _column(told, "nearest", shown["nearest_s"], "minutes"),
        _column(told, "reason", reasons),
    ]
    return make_sheet(told, "delivery_drops", columns)


def _changes(told: Told) -> Sheet | None:
    table = measured_table(told, "delivery_whatif")
    if table is None:
        return None
    columns = [
        _column(told, "change", [told.words(f"delivery.change.{what}") for what in table["what"]]),
        _column(told, "value", table["value"], "amount"),
        _column(told, "place", table["name_zh"].fillna(table["id"].where(table["what"] != "deadline", ""))),
        column(told, "township", township_names(told, table["township_code"])),
        _column(told, "in_range", table["meals_in_range"], "count"),
        _column(told, "at_most", table["meals_at_most"], "count"),
        _column(told, "brought", table["meals_brought"], "count"),
        _column(told, "more", table["meals_more"], "count"),
        _column(told, "saved", table["minutes_saved"], "score"),
        _column(told, "cost", table["cost"], "count"),
    ]
    return make_sheet(told, "delivery_whatif", columns)
