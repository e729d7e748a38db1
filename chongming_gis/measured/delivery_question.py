"""What a study's ``[delivery]`` asks, as the planner of rounds takes it: kitchens, drops, meals, vehicles, ferries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import delivery, network
from chongming_gis.delivery import Question, Rules, Stands
from chongming_gis.findings import Finding
from chongming_gis.tables import persons_column
from chongming_gis.units import minutes_to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from chongming_gis.deliverymodel import DeliveryConfig
    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.network import Network, SnappedPoints

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

_NEVER_S = 1e9  # a ferry that does not run takes longer than any deadline
_WHERE = "delivery"
_MOST_NAMED = 5
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class AskedDelivery:
    """The question, with what is behind its kitchens and drops."""

    config: DeliveryConfig
    question: Question
    with_ferry: Question | None  # the same if the ferry ran, where it does not
    kitchens: gpd.GeoDataFrame  # id, name_zh, township_code, village_code, capacity (meals a day), geometry
    drops: gpd.GeoDataFrame  # id, name_zh, township_code, village_code, geometry
    wanted: float  # meals a day to the door, before they are whole
    findings: tuple[Finding, ...]


def ask_delivery(ground: Groundwork) -> AskedDelivery:
    """Return what a study's section asks. Kitchens without meals or roads stay in it and are told.

    Raises
    ------
    ValueError
        The study has no such section: a fault of the caller.
    """
    config = ground.study.delivery
    if config is None:
        raise ValueError("the study has no [delivery]")
    unit = ground.study.service(config.service).capacity_unit or ""
    kitchens, kitchen_at = _kitchens(ground, config, unit)
    drops, drop_at = _drops(ground, config)
    wanted = _meals_of_people(ground, config, unit)
    meals = whole_meals(wanted, _drop_of_people(ground, drops), len(drops))
    rules = Rules(
        deadline_s=config.deadline_s,
        back_s=minutes_to_seconds(config.back_min),
        handover_s=minutes_to_seconds(config.handover_min),
        n_waves=len(config.starts),
        missed_meal_price=config.missed_meal_price,
        iterations=config.iterations,
        time_limit_s=config.time_limit_s,
        seed=ground.study.seed,
    )
    networks = {mode: ground.networks[mode] for mode in sorted(config.modes)}
    cooks = np.floor(kitchens["capacity"].to_numpy(float) * config.kitchens.share_delivered + _ROUNDING)
    asked = Question(
        kitchens=_stands(kitchens, kitchen_at),
        cooks=cooks.astype(np.int64),
        drops=_stands(drops, drop_at),
        meals=meals,
        vehicles=config.vehicles,
        fleet=np.tile(np.array([v.per_kitchen for v in config.vehicles], dtype=np.int64), (len(kitchens), 1)),
        rules=rules,
        networks=networks,
    )
    with_ferry = None
    if config.ferry == "not_running":
        with_ferry = asked
        asked = Question(
            **{name: getattr(asked, name) for name in Question.__slots__ if name != "networks"},
            networks={mode: without_ferries(net, ground) for mode, net in networks.items()},
        )
    return AskedDelivery(
        config,
        asked,
        with_ferry,
        kitchens,
        drops,
        float(wanted.sum()),
        tuple(_findings(with_ferry or asked, kitchens, config, wanted)),
    )


def whole_meals(wanted: Floats, drop: Longs, n_drops: int) -> Longs:
    """Return whole meals at each drop: rounded so that all together are the meals wanted, rounded.

    Parameters
    ----------
    wanted : meals of each demand point, parts of meals among them.
    drop : where each point's meals are handed over.

    Notes
    -----
    Largest remainders (Hamilton's method): whole parts first, the rest to the largest fractions, ties to the drop that
    stands first.

    Examples
    --------
    >>> whole_meals(np.array([1.4, 0.4, 2.4]), np.array([0, 1, 2]), 3).tolist()
    [2, 0, 2]
    """
    sums = np.bincount(drop, weights=wanted, minlength=n_drops) if len(drop) else np.zeros(n_drops)
    meals = np.floor(sums + _ROUNDING).astype(np.int64)
    missing = round(float(sums.sum())) - int(meals.sum())
    rest = sums - meals
    order = np.lexsort((np.arange(n_drops), -np.round(rest, 9)))
    meals[order[: max(missing, 0)]] += 1
    return meals


def without_ferries(net: Network, ground: Groundwork) -> Network:
    """Return a network on which no ferry is ever worth waiting for."""
    is_ferry = network.ferry_parts(ground.inputs.roads.edges, net.mode)[0][net.row]
    forward, backward = (
        np.where(is_ferry & np.isfinite(seconds), _NEVER_S, seconds) for seconds in (net.forward_s, net.backward_s)
    )
    return network.with_seconds(net, forward_s=forward, backward_s=backward)


def _stands(frame: gpd.GeoDataFrame, snapped: Mapping[str, SnappedPoints]) -> Stands:
    xy = shapely.get_coordinates(frame.geometry.to_numpy()).reshape(-1, 2)
    return Stands(tuple(str(name) for name in frame["id"]), xy, snapped)


def _facilities(
    ground: Groundwork, services: Iterable[str], modes: set[str], kinds: tuple[str, ...] = ()
) -> tuple[gpd.GeoDataFrame, dict[str, SnappedPoints]]:
    """Return the existing facilities of some services, by id, with where they stand on the networks."""
    frames, snapped = [], []
    for service in services:
        places = ground.facilities[service]
        keep = (places.points["status"] == "existing").to_numpy(bool)
        if kinds:
            keep = keep & places.points["kind"].isin(kinds).to_numpy(bool)
        rows = np.flatnonzero(keep)
        frames.append(places.points.iloc[rows])
        snapped.append({mode: places.snapped[mode].take(rows) for mode in sorted(modes)})
    joined = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=ground.demand.points.crs)
    order = np.argsort(joined["facility_id"].to_numpy(str), kind="stable")
    at = {}
    for mode in sorted(modes):
        whole = snapped[0][mode]
        for other in snapped[1:]:
            whole = whole.joined(other[mode])
        at[mode] = whole.take(order)
    frame = joined.iloc[order].rename(columns={"facility_id": "id"}).reset_index(drop=True)
    return frame[["id", "name_zh", "township_code", "village_code", "geometry"]], at


def _kitchens(
    ground: Groundwork, config: DeliveryConfig, unit: str
) -> tuple[gpd.GeoDataFrame, dict[str, SnappedPoints]]:
    frame, at = _facilities(ground, config.kitchens.services, config.modes, config.kitchens.kinds)
    stated = pd.concat([ground.inputs.facilities[name].capacity for name in config.kitchens.services])
    by_id = stated[stated["unit"] == unit].set_index("facility_id")["value"]
    return frame.assign(capacity=by_id.reindex(frame["id"]).fillna(0.0).to_numpy(float)), at


def _drops(ground: Groundwork, config: DeliveryConfig) -> tuple[gpd.GeoDataFrame, dict[str, SnappedPoints]]:
    if config.drop_services:
        return _facilities(ground, config.drop_services, config.modes)
    points = ground.demand.points.rename(columns={"demand_id": "id"})
    frame = points[["id", "name_zh", "township_code", "village_code", "geometry"]].reset_index(drop=True)
    return frame, {mode: ground.demand.snapped[mode] for mode in sorted(config.modes)}


def _meals_of_people(ground: Groundwork, config: DeliveryConfig, unit: str) -> Floats:
    """Return the meals a day that are brought to each demand point: persons x need x share brought."""
    demand = ground.inputs.demand
    shares = {(entry.group, entry.base): entry.share for entry in config.shares}
    wanted = np.zeros(len(demand.points))
    for need in ground.study.needs:
        if (need.service, need.unit) == (config.service, unit) and (need.group, need.base) in shares:
            persons = demand.persons[persons_column(need.base, need.group)].to_numpy(float)
            wanted += persons * need.rate * shares[(need.group, need.base)]
    return wanted


def _drop_of_people(ground: Groundwork, drops: gpd.GeoDataFrame) -> Longs:
    """Return the drop of each demand point: the nearest of its own village, else of all, in a straight line."""
    points = ground.demand.points
    if not (ground.study.delivery and ground.study.delivery.drop_services):
        return np.arange(len(points), dtype=np.int64)
    if drops.empty:
        return np.zeros(0, dtype=np.int64)
    found = _nearest(points.geometry.to_numpy(), drops.geometry.to_numpy())
    own = points["village_code"].to_numpy(object)
    village = drops["village_code"].to_numpy(object)
    rows_of = {code: np.flatnonzero(village == code) for code in set(village) if isinstance(code, str)}
    for code, rows in rows_of.items():
        people = np.flatnonzero(own == code)
        if len(people):
            at = _nearest(points.geometry.to_numpy()[people], drops.geometry.to_numpy()[rows])
            found[people] = rows[at]
    return found


def _nearest(points: npt.NDArray[np.object_], others: npt.NDArray[np.object_]) -> Longs:
    """Return the nearest of the others to each point; ties go to the one that stands first."""
    pairs = shapely.STRtree(others).query_nearest(points, all_matches=True)
    first = np.full(len(points), len(others), dtype=np.int64)
    np.minimum.at(first, pairs[0], pairs[1])
    return np.minimum(first, len(others) - 1)


def _findings(question: Question, kitchens: gpd.GeoDataFrame, config: DeliveryConfig, wanted: Floats) -> list[Finding]:
    """Return what is wrong with the kitchens, the drops and the day as a whole; the rest is planned."""
    told = []
    if kitchens.empty:
        said = "no kitchen: no facility of the services and kinds named exists, so that nothing can be brought"
        told.append(
            Finding("warning", f"{_WHERE}.kitchens", said, "check services and kinds", rule="delivery_no_kitchen")
        )
    told += _about(
        kitchens["id"][question.cooks == 0],
        "kitchen(s) cook nothing that leaves the house: no capacity is stated, or it is 0",
        "fill their capacity",
        "delivery_no_meals",
    )
    told += _about(
        kitchens["id"][~question.kitchens.is_on_road],
        "kitchen(s) are reached by no road",
        "check their position",
        "delivery_kitchen_off_road",
    )
    lost = ~question.drops.is_on_road
    if question.kitchens.is_on_road.any():
        lost = lost | np.isinf(delivery.measure_nearest(question))
    lost = lost & (question.meals > 0)
    told += _about(
        pd.Series(question.drops.ids, dtype="str")[lost],
        "drop(s) are reached from no kitchen by a road that a vehicle may use",
        "check their position and the roads",
        "delivery_no_road",
    )
    if config.ferry == "not_running":
        said = "the ferry is said not to run: what is reached across it only is left without meals"
        told.append(Finding("warning", f"{_WHERE}.ferry", said, rule="delivery_no_ferry"))
    if len(question.drops) == 0 and wanted.sum() > 0.0:
        said = f"no drop exists for {wanted.sum():.0f} meals a day"
        told.append(
            Finding(
                "warning",
                f"{_WHERE}.drop_services",
                said,
                rule="delivery_no_drop",
                details={"meals": f"{wanted.sum():.0f}"},
            )
        )
    cooked = int(question.cooks.sum())
    if 0 < cooked < question.meals.sum():
        details = {"wanted": f"{int(question.meals.sum()):,}", "cooked": f"{cooked:,}"}
        said = f"{details['wanted']} meals are wanted at the door, all kitchens together send out {details['cooked']}"
        told.append(Finding("warning", _WHERE, said, rule="delivery_more_meals", details=details))
    return told


def _about(ids: pd.Series, said: str, suggestion: str, rule: str) -> list[Finding]:
    if len(ids) == 0:
        return []
    named = ", ".join(str(name) for name in ids[:_MOST_NAMED]) + (", ..." if len(ids) > _MOST_NAMED else "")
    details = {"n": str(len(ids)), "ids": named}
    return [Finding("warning", _WHERE, f"{len(ids)} {said}: {named}", suggestion, rule=rule, details=details)]
