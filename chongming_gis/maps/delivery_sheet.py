"""The map of meals to the door: every round on its roads, drops by what they get, vehicles that move with a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import shapely

from chongming_gis import crs, discretion, wording
from chongming_gis.deliverymodel import minutes_of_day
from chongming_gis.maps import sheets
from chongming_gis.maps.base import lon_lat, text_list
from chongming_gis.maps.layers import Choice, Drawn, Panel, Slot, ViewChoice
from chongming_gis.maps.packing import pack_coordinates, pack_shapes
from chongming_gis.maps.page import Data
from chongming_gis.units import minutes_to_seconds, seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    from chongming_gis.maps.page import PlanMap
    from chongming_gis.maps.views import Material
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

NAME = "delivery"
LINE_TOLERANCE_M = 3.0
_KM = 1000.0
_ALL = -1
#: Reasons that no kitchen reaches a drop in time, whatever it cooks.
OUT_OF_RANGE = ("no_road", "no_kitchen", "out_of_range", "ferry", "not_back")


def delivery_map(material: Material) -> PlanMap | None:
    """Return the map of the rounds of a day, or None where the result has none."""
    found = material.result.measured
    if "routes" not in found or "delivery_drops" not in found:
        return None
    words = material.words
    title = words("delivery.map")
    sheet = sheets.new_sheet(material, title)
    slots = [Slot(words(f"delivery.layer.{name}"), show=True) for name in ("rounds", "drops", "kitchens", "carts")]
    for slot in slots:
        slot.add_to(sheet)
    data = rounds_data(material)
    kitchens = _kitchens_data(material)
    choices: list[Choice] = []
    table = found["delivery_kitchens"]
    used = [(_ALL, None), *((n, row) for n, row in enumerate(_records(table)) if row["n_rounds"])]
    for number, kitchen in used:
        own = {"kitchen": number}
        parts = [
            (slot, Drawn(draws, {"data": data}, options=own, show=False))
            for slot, draws in zip((slots[0], slots[1], slots[3]), ("rounds", "drops", "carts"), strict=True)
        ]
        parts.append((slots[2], Drawn("kitchens", {"data": kitchens}, show=False)))
        name = words("delivery.all_kitchens") if kitchen is None else _name(kitchen)
        added = sheets.add_view(sheet, _view(material, number, kitchen), parts, is_first=not choices)
        choices.append((name, "", added))
    sheets.add_base_layers(sheet, material.base, words)
    sheets.finish(sheet, material, None, title, ViewChoice(words("delivery.choose_kitchen"), choices))
    Panel("player", data).add_to(sheet)
    return sheet


def hidden_drops(result: StudyResult) -> frozenset[str]:
    """Return the drops whose meals are not told: fewer than five are wanted, and sensitive people are among who eats.

    Notes
    -----
    Of five or more meals for several groups none tells how many are for one. Drivers' sheets tell all meals: they are
    what is handed over.
    """
    study, drops = result.study, result.measured["delivery_drops"]
    groups = {entry.group for entry in study.delivery.shares} if study.delivery else set()
    meals = drops["meals"].to_numpy(float)
    hidden = np.zeros(len(drops), dtype=bool)
    for group in groups:
        hidden |= discretion.is_hidden(study, group, meals)
    return frozenset(drops["drop_id"].astype(str)[hidden])


def sum_of_round(stops: pd.DataFrame, hidden: frozenset[str]) -> float | None:
    """Return the meals on a round, or None where they would tell those of a drop that are not told."""
    meals = stops.loc[stops["drop_id"].isin(hidden), "meals"]
    is_safe = meals.empty or (len(meals) > 1 and meals.sum() >= discretion.LEAST_SHOWN)
    return float(stops["meals"].sum()) if is_safe else None


def rounds_data(material: Material) -> Data:
    """Return the rounds, their clocks and the drops, as the layers of the page read them."""
    words, found, study = material.words, material.result.measured, material.result.study
    routes = cast("gpd.GeoDataFrame", found["routes"])
    stops = found["route_stops"]
    order = {str(name): number for number, name in enumerate(found["delivery_kitchens"]["kitchen_id"])}
    vehicles = {vehicle.id: words.name(vehicle) for vehicle in study.delivery.vehicles} if study.delivery else {}
    kinds = [name for name in vehicles if name in set(routes["vehicle"])]
    handover_s = minutes_to_seconds(study.delivery.handover_min) if study.delivery else 0.0
    by_round = dict(tuple(stops.groupby("round_id", sort=False)))
    hidden = hidden_drops(material.result)
    small = stops["drop_id"].isin(hidden).to_numpy(bool)
    stand_in = discretion.stand_in(stops["meals"].to_numpy(float), small)
    lines = shapely.simplify(routes.geometry.to_numpy(), LINE_TOLERANCE_M)
    metric = crs.parse(routes.crs, where="routes")
    content: dict[str, Any] = {
        "title": words("delivery.legend"),
        "note": words("delivery.legend_note"),
        "lines": pack_shapes(crs.transform(lines, metric, crs.parse(crs.GEOGRAPHIC, where="maps"))),
        "vehicles": [vehicles[name] for name in kinds],
        "about": words("delivery.about") if small.any() else "",
        **{key: [] for key in ("names", "rows", "colours", "kitchen", "vehicle", "depart", "times", "along", "handed")},
    }
    for number, (one, line) in enumerate(zip(_records(routes), routes.geometry, strict=True)):
        mine = by_round[one["round_id"]]
        arrive, whole = mine["arrive_s"].to_numpy(float), max(float(line.length), 1.0)
        along = (mine["along_m"].to_numpy(float) / whole).tolist()
        content["names"].append(round_name(one, words))
        content["rows"].append(_round_card(one, mine, (vehicles, hidden), words))
        content["colours"].append(number)
        content["kitchen"].append(order[one["kitchen_id"]])
        content["vehicle"].append(kinds.index(one["vehicle"]))
        content["depart"].append(int(minutes_to_seconds(minutes_of_day(one["depart"]))))
        times = [t for at in arrive.tolist() for t in (round(at), round(at + handover_s))]
        content["times"].append([0, *times, round(one["back_s"])])
        content["along"].append([0.0, *(round(share, 5) for at in along for share in (at, at)), 1.0])
        told = mine["meals"].mask(mine["drop_id"].isin(hidden), stand_in)
        content["handed"].append([[round(at), meals] for at, meals in zip(arrive.tolist(), told.tolist(), strict=True)])
    content["drops"] = _drops(material, order, hidden)
    return Data.of("delivery", content)


def round_name(one: Mapping[str, Any], words: Words) -> str:
    """Return what a round is called: its kitchen and its number there."""
    return words("delivery.round_name", kitchen=_name(one), n=int(str(one["round_id"]).rpartition("-")[2]))


def _round_card(
    one: dict[str, Any], stops: pd.DataFrame, named: tuple[Mapping[str, str], frozenset[str]], words: Words
) -> list[tuple[str, str]]:
    vehicles, hidden = named
    rows = [
        (words("delivery.col.vehicle"), f"{vehicles.get(one['vehicle'], one['vehicle'])} {one['cart']}"),
        (words("delivery.col.depart"), str(one["depart"])),
        (words("delivery.col.meals"), wording.quantity(sum_of_round(stops, hidden))),
        (words("delivery.col.stops"), str(one["n_stops"])),
        (words("delivery.col.oldest"), minutes(float(stops["arrive_s"].max()))),
        (words("delivery.col.back"), minutes(one["back_s"])),
        (words("delivery.col.km"), f"{one['length_m'] / _KM:.1f}"),
    ]
    if one["uses_ferry"]:
        rows.append((words("delivery.col.ferry"), words("yes")))
    return rows


def minutes(seconds: float) -> str:
    """Return seconds as minutes with one decimal, or the mark of nothing."""
    return f"{seconds_to_minutes(seconds):.1f}" if np.isfinite(seconds) else wording.NOTHING


def _drops(material: Material, order: Mapping[str, int], hidden: frozenset[str]) -> dict[str, Any]:
    """Return the drops with what each gets; one without a round belongs to no kitchen's view."""
    words = material.words
    table = cast("gpd.GeoDataFrame", material.result.measured["delivery_drops"])
    kitchens = material.result.measured["delivery_kitchens"].set_index("kitchen_id")["name_zh"]
    villages = material.result.villages.set_index("village_code")["name_zh"]
    small = table["drop_id"].isin(hidden)
    sizes = table["meals"].mask(small, discretion.stand_in(table["meals"].to_numpy(float), small.to_numpy(bool)))
    rows, states = [], []
    for drop in _records(table):
        states.append(state_of(drop))
        told = drop["drop_id"] not in hidden
        card = [
            (words("js.village"), _text(villages.get(drop["village_code"]))),
            *(
                (words(f"delivery.col.{name}"), wording.quantity(n) if told or n == 0 else discretion.HIDDEN)
                for name, n in (("wanted", drop["meals"]), ("brought", drop["meals_brought"]))
            ),
        ]
        if not pd.isna(drop["kitchen_id"]):
            card.append((words("delivery.col.kitchen"), _text(kitchens.get(drop["kitchen_id"])) or drop["kitchen_id"]))
            card.append((words("delivery.col.age"), minutes(drop["arrive_s"])))
        if drop["reason"] in OUT_OF_RANGE:
            card.append((words("delivery.col.nearest"), minutes(drop["nearest_s"])))
        if not pd.isna(drop["reason"]):
            card.append((words("delivery.col.reason"), words(f"delivery.reason.{drop['reason']}")))
        rows.append([pair for pair in card if pair[1]])
    return {
        "title": words("delivery.drops_legend"),
        "note": words("delivery.masked_note") if hidden else "",
        "xy": pack_coordinates(lon_lat(table)),
        "names": [_text(name) or str(code) for name, code in zip(table["name_zh"], table["drop_id"], strict=True)],
        "states": states,
        "meals": sizes.round(1).tolist(),
        "kitchen": [_ALL if pd.isna(name) else order[str(name)] for name in table["kitchen_id"]],
        "rows": rows,
    }


def state_of(drop: Mapping[str, Any]) -> str:
    """Return how a drop stands: none (nobody asks), whole, part, far (no kitchen reaches it in time), left."""
    if drop["meals"] == 0:
        return "none"
    if drop["meals_left"] == 0:
        return "whole"
    if drop["meals_brought"] > 0:
        return "part"
    return "far" if drop["reason"] in OUT_OF_RANGE else "left"


def _kitchens_data(material: Material) -> Data:
    words = material.words
    table = cast("gpd.GeoDataFrame", material.result.measured["delivery_kitchens"])
    cards = [
        [
            (words("delivery.col.cooked"), wording.quantity(row["meals_cooked"])),
            (words("delivery.col.brought"), wording.quantity(row["meals_brought"])),
            (words("delivery.col.rounds"), str(row["n_rounds"])),
            (words("delivery.col.status"), words(f"delivery.status.{row['status']}")),
        ]
        for row in _records(table)
    ]
    content = {
        "title": words("delivery.layer.kitchens"),
        "xy": pack_coordinates(lon_lat(table)),
        "names": text_list(table["name_zh"]),
        "levels": ["district"],
        "level": [0] * len(table),
        "statuses": ["existing"],
        "status": [0] * len(table),
        "kinds": ["kitchen"],
        "kind": [0] * len(table),
        "rows": cards,
    }
    return Data.of("delivery-kitchens", content)


def _view(material: Material, number: int, kitchen: dict[str, Any] | None) -> Data:
    words, found = material.words, material.result.measured
    whole = _records(found["delivery"])[0]
    row = whole if kitchen is None else kitchen
    brought, of = row["meals_brought"], row["meals_wanted" if kitchen is None else "meals_cooked"]
    key = "delivery.figure" if kitchen is None else "delivery.figure_kitchen"
    content = {
        "kitchen": number,
        "standard": words(
            "delivery.standard", minutes=f"{seconds_to_minutes(whole['deadline_s']):g}", rounds=row["n_rounds"]
        ),
        "figure": {
            "share": wording.share(brought / of if of else None),
            "text": words(key, brought=wording.quantity(brought), of=wording.quantity(of)),
        },
        "areas": [],
    }
    return Data.of(f"view-delivery-{number if number >= 0 else 'all'}", content)


def _name(row: Mapping[str, Any]) -> str:
    return _text(row["name_zh"]) or str(row["kitchen_id"])


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    bare = frame.drop(columns="geometry", errors="ignore")
    return cast("list[dict[str, Any]]", bare.to_dict("records"))
