"""Meals to the door: the rounds of a day, their ways on the roads, and what one thing more would bring.

The arithmetic is in ``delivery``; here its answer becomes tables, with names, clocks and lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import delivery, network, provision
from chongming_gis.deliverymodel import clock_after
from chongming_gis.findings import Finding
from chongming_gis.measured.delivery_question import ask_delivery
from chongming_gis.measured.groundwork import Measured, Step
from chongming_gis.measured.questions import candidates_of
from chongming_gis.measured_tables import (
    DELIVERY,
    DELIVERY_DROPS,
    DELIVERY_KITCHENS,
    DELIVERY_WHATIF,
    ROUTE_STOPS,
    ROUTES,
)
from chongming_gis.tables import column_types
from chongming_gis.units import minutes_to_seconds

if TYPE_CHECKING:
    from chongming_gis.delivery import DayPlan, Question, Round, WhatIf
    from chongming_gis.measured.delivery_question import AskedDelivery
    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.tables import Contract

_SCHEMATIC = "schematic"


def deliver(ground: Groundwork) -> Measured:
    """Return the tables of a day's meals to the door."""
    asked = ask_delivery(ground)
    ferry = None if asked.with_ferry is None else delivery.measure_range(asked.with_ferry)
    plan = delivery.plan_day(asked.question, if_ferry_ran=ferry, progress=ground.progress)
    routes, stops = _rounds(ground, asked, plan)
    return Measured(
        tables={
            DELIVERY.name: _whole(ground, asked, plan),
            DELIVERY_KITCHENS.name: _kitchens(asked, plan),
            DELIVERY_DROPS.name: _drops(asked, plan, stops, routes),
            ROUTES.name: routes,
            ROUTE_STOPS.name: stops,
            DELIVERY_WHATIF.name: _whatif(ground, asked, plan),
        },
        findings=(*asked.findings, *_cut(asked, plan)),
    )


def _cut(asked: AskedDelivery, plan: DayPlan) -> list[Finding]:
    """Return that the time limit ended the search, where it did."""
    if plan.n_cut == 0:
        return []
    limit = f"{asked.config.time_limit_s:g}"
    details = {"n": str(plan.n_cut), "of": str(plan.n_groups), "seconds": limit}
    said = (
        f"the search for rounds was ended by its time limit of {limit} s for {plan.n_cut} of {plan.n_groups} groups of "
        "kitchens: another machine, or this one at another hour, may find other rounds"
    )
    suggestion = "raise delivery.time_limit_s, or lower delivery.iterations"
    return [Finding("warning", "delivery", said, suggestion, rule="delivery_time_limit", details=details)]


def _table(contract: Contract, rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(contract.columns)).astype(column_types(contract))


def _layer(contract: Contract, rows: list[dict[str, Any]], geometry: Any, crs: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(_table(contract, rows), geometry=gpd.GeoSeries(geometry, crs=crs), crs=crs)


def _whole(ground: Groundwork, asked: AskedDelivery, plan: DayPlan) -> pd.DataFrame:
    question, config, study = asked.question, asked.config, ground.study
    target = None
    if study.plan is not None and config.target_indicator is not None and config.target_set is not None:
        named = next(entry for entry in study.plan.indicators if entry.id == config.target_indicator)
        target = named.target(config.target_set)
    ages = np.array([age for one in plan.rounds for age in one.arrive_s])
    weights = np.array([float(item.meals) for one in plan.rounds for item in one.items])
    reached = np.logical_or.reduce(plan.hot.any_vehicle, axis=0)
    sources = [study.sources.roads.kind, study.sources.demand.kind]
    sources += [study.service(name).facilities.kind for name in sorted(config.services)]
    unit = study.service(config.service).capacity_unit or ""
    wanted = question.meals > 0
    row = {
        "service": config.service,
        "deadline_s": question.rules.deadline_s,
        "n_kitchens": len(question.kitchens),
        "n_drops": int(np.count_nonzero(wanted)),
        "n_drops_whole": int(np.count_nonzero(wanted & (plan.left == 0))),
        "meals_needed": float(provision.needs_of(study, config.service, unit, ground.inputs.demand).sum()),
        "meals_wanted": float(question.meals.sum()),
        "meals_stated": float(asked.kitchens["capacity"].sum()),
        "meals_cooked": float(question.cooks.sum()),
        "meals_carried": float(question.carries.sum()),
        "meals_in_range": float(question.meals[reached].sum()),
        "meals_at_most": float(plan.most_served),
        "meals_brought": float(plan.n_served),
        "meals_target": np.nan if target is None else target,
        "n_rounds": len(plan.rounds),
        "n_vehicles": len({(r.kitchen, r.vehicle, c) for r, c in zip(plan.rounds, plan.carts, strict=True)}),
        "length_m": float(sum(one.length_m for one in plan.rounds)),
        "ride_s": float(np.average(ages, weights=weights)) if len(ages) else np.nan,
        "oldest_s": float(ages.max()) if len(ages) else np.nan,
        "cost": plan.cost,
        "price_of_missed": float(plan.left.sum()) * question.rules.missed_meal_price,
        "bound": plan.cost_bound,
        "currency": config.currency,
        "price_year": config.price_year,
        "iterations": question.rules.iterations,
        "seed": question.rules.seed,
        "evidence": "schematic" if _SCHEMATIC in sources else "data",
    }
    return _table(DELIVERY, [row])


def _kitchens(asked: AskedDelivery, plan: DayPlan) -> gpd.GeoDataFrame:
    question = asked.question
    rows = []
    for number, kitchen in enumerate(asked.kitchens.drop(columns="geometry").to_dict("records")):
        mine = [one for one in plan.rounds if one.kitchen == number]
        reached = plan.hot.any_vehicle[number]
        rows.append(
            {
                "kitchen_id": kitchen["id"],
                **{name: kitchen[name] for name in ("name_zh", "township_code", "village_code")},
                "meals_stated": kitchen["capacity"],
                "meals_cooked": float(question.cooks[number]),
                "meals_assigned": float(plan.sharing.flow[number].sum()),
                "meals_brought": float(sum(one.meals for one in mine)),
                "meals_in_range": float(question.meals[reached].sum()),
                "n_rounds": len(mine),
                "n_drops": len({item.drop for one in mine for item in one.items}),
                "length_m": float(sum(one.length_m for one in mine)),
                "cost": float(sum(one.cost for one in mine)),
                "status": _status(question, number, has_rounds=bool(mine)),
            }
        )
    return _layer(DELIVERY_KITCHENS, rows, asked.kitchens.geometry.to_numpy(), asked.kitchens.crs)


def _status(question: Question, kitchen: int, *, has_rounds: bool) -> str:
    if has_rounds:
        return "sends"
    if question.cooks[kitchen] == 0:
        return "no_meals"
    if not question.kitchens.is_on_road[kitchen]:
        return "no_road"
    return "no_vehicle" if question.fleet[kitchen].sum() == 0 else "idle"


def _drops(asked: AskedDelivery, plan: DayPlan, stops: pd.DataFrame, routes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    kitchen_of = dict(zip(routes["round_id"], routes["kitchen_id"], strict=True))
    first = stops.sort_values(["arrive_s", "round_id"], kind="stable").drop_duplicates("drop_id").set_index("drop_id")
    oldest = stops.groupby("drop_id", sort=False)["arrive_s"].max()
    served = plan.served
    rows = []
    for number, drop in enumerate(asked.drops.drop(columns="geometry").to_dict("records")):
        is_served = drop["id"] in first.index
        rows.append(
            {
                "drop_id": drop["id"],
                **{name: drop[name] for name in ("name_zh", "township_code", "village_code")},
                "meals": float(asked.question.meals[number]),
                "meals_brought": float(served[number]),
                "meals_left": float(plan.left[number]),
                "kitchen_id": kitchen_of[first.loc[drop["id"], "round_id"]] if is_served else None,
                "arrive_s": float(oldest[drop["id"]]) if is_served else np.nan,
                "nearest_s": float(plan.hot.nearest_s[number]),
                "reason": plan.reason[number] or None,
            }
        )
    return _layer(DELIVERY_DROPS, rows, asked.drops.geometry.to_numpy(), asked.drops.crs)


def _rounds(ground: Groundwork, asked: AskedDelivery, plan: DayPlan) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the rounds with their lines, and their stops."""
    question, config = asked.question, asked.config
    is_ferry = {
        mode: network.ferry_parts(ground.inputs.roads.edges, net.mode)[0][net.row]
        for mode, net in question.networks.items()
    }
    arcs = {mode: delivery.arcs_of(net) for mode, net in question.networks.items()}
    kitchens = asked.kitchens.drop(columns="geometry").to_dict("records")
    drops = asked.drops.drop(columns="geometry").to_dict("records")
    rows: list[dict[str, Any]] = []
    stops: list[dict[str, Any]] = []
    lines = []
    count: dict[int, int] = {}
    for one, wave, cart in zip(plan.rounds, plan.waves, plan.carts, strict=True):
        count[one.kitchen] = count.get(one.kitchen, 0) + 1
        kitchen, vehicle = kitchens[one.kitchen], question.vehicles[one.vehicle]
        round_id = f"{kitchen['id']}-{count[one.kitchen]:02d}"
        depart = config.starts[wave]
        line, along_m, edges = _line(question, one, arcs[vehicle.mode])
        lines.append(line)
        rows.append(
            {
                "round_id": round_id,
                "kitchen_id": kitchen["id"],
                "name_zh": kitchen["name_zh"],
                "vehicle": vehicle.id,
                "cart": cart + 1,
                "wave": wave + 1,
                "depart": depart,
                "back_s": one.back_s,
                "n_stops": len(one.items),
                "meals": float(one.meals),
                "length_m": one.length_m,
                "cost": one.cost,
                "uses_ferry": bool(is_ferry[vehicle.mode][edges].any()),
            }
        )
        load = one.meals
        for number, (item, arrive_s) in enumerate(zip(one.items, one.arrive_s, strict=True)):
            load -= item.meals
            drop = drops[item.drop]
            stops.append(
                {
                    "round_id": round_id,
                    "stop": number + 1,
                    "drop_id": drop["id"],
                    **{name: drop[name] for name in ("name_zh", "township_code", "village_code")},
                    "arrive": clock_after(depart, arrive_s),
                    "arrive_s": arrive_s,
                    "meals": float(item.meals),
                    "load_after": float(load),
                    "along_m": along_m[number],
                }
            )
    return _layer(ROUTES, rows, lines, asked.kitchens.crs), _table(ROUTE_STOPS, stops)


def _line(question: Question, one: Round, arcs: Any) -> tuple[shapely.LineString, list[float], Any]:
    """Return a round's line, how far along it each stop lies, and the edges it runs on."""
    mode = question.vehicles[one.vehicle].mode
    net = question.networks[mode]
    at = np.array([item.drop for item in one.items], dtype=np.intp)
    home = np.array([one.kitchen], dtype=np.intp)
    kitchen, drops = question.kitchens.snapped[mode].take(home), question.drops.snapped[mode].take(at)
    points = kitchen.joined(drops).joined(kitchen)
    xy = np.vstack([question.kitchens.xy[home], question.drops.xy[at], question.kitchens.xy[home]])
    cutoff_s = max(question.rules.deadline_s, question.rules.back_s)
    parts, along_m, edges, length_m = [], [], [], 0.0
    for leg in range(len(xy) - 1):
        pair = np.array([leg, leg + 1])
        way = delivery.trace_way(net, arcs, points.take(pair), xy[pair], cutoff_s=cutoff_s)
        parts.append(shapely.get_coordinates(way.line))
        length_m += way.line.length
        along_m.append(float(length_m))
        edges.append(way.edges)
    return shapely.LineString(np.concatenate(parts)), along_m[:-1], np.concatenate(edges)


def _whatif(ground: Groundwork, asked: AskedDelivery, plan: DayPlan) -> pd.DataFrame:
    question, config, progress = asked.question, asked.config, ground.progress
    if len(question.drops) == 0:
        return _table(DELIVERY_WHATIF, [])
    largest = int(np.argmax([vehicle.capacity_meals for vehicle in question.vehicles]))
    names = asked.kitchens.set_index("id")
    told = delivery.try_deadlines(
        question, plan, [minutes_to_seconds(minutes) for minutes in config.deadlines_min], progress=progress
    )
    rows = [_change(change, plan, None, None) for change in told]
    rows += [
        _change(change, plan, names.loc[change.id, "name_zh"], names.loc[change.id, "township_code"])
        for change in delivery.try_vehicles(question, plan, largest, progress=progress)
    ]
    places, stands = _places(ground, asked)
    for change in delivery.try_kitchens(
        question,
        plan,
        stands,
        cooks=config.kitchens.new_capacity_meals,
        fleet=[vehicle.per_kitchen for vehicle in question.vehicles],
        areas=[str(code) for code in places["township_code"]],
        progress=progress,
    ):
        place = places.loc[change.id]
        rows.append(_change(change, plan, place["name_zh"], place["township_code"]))
    return _table(DELIVERY_WHATIF, rows)


def _change(change: WhatIf, plan: DayPlan, name: Any, township: Any) -> dict[str, Any]:
    return {
        "what": change.what,
        "id": change.id,
        "name_zh": name,
        "township_code": township,
        "value": change.value,
        "meals_in_range": change.in_range,
        "meals_at_most": change.most_served,
        "meals_brought": change.served,
        "meals_more": change.served - plan.n_served,
        "minutes_saved": change.minutes_saved,
        "cost": change.cost,
    }


def _places(ground: Groundwork, asked: AskedDelivery) -> tuple[pd.DataFrame, delivery.Stands]:
    """Return where one more kitchen could stand: candidates of its service, else facilities that do not cook."""
    study, config = ground.study, asked.config
    service = config.kitchens.services[0]
    if any(service in section.services for section in study.candidates):
        frame = candidates_of(ground, service)
        frame = frame[frame["allowed"].to_numpy(bool)].rename(columns={"candidate_id": "id"})
    else:
        others = ground.facilities[service].points
        frame = others[~others["facility_id"].isin(asked.kitchens["id"])].rename(columns={"facility_id": "id"})
    frame = frame.sort_values("id", kind="stable").reset_index(drop=True)
    snapped = {mode: network.snap_points(net, frame.geometry) for mode, net in asked.question.networks.items()}
    xy = shapely.get_coordinates(frame.geometry.to_numpy()).reshape(-1, 2)
    ids = tuple(str(name) for name in frame["id"])
    return pd.DataFrame(frame.set_index("id")[["name_zh", "township_code"]]), delivery.Stands(ids, xy, snapped)


STEP = Step("delivery", "full", lambda study: study.delivery is not None, deliver)
