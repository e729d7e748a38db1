"""A bed plan of the study as arithmetic: the homes that stand, where one may be built, the duties, who needs a bed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from chongming_gis import network, planning, provision, reach
from chongming_gis.measured.questions import candidates_of
from chongming_gis.siting.bed_problem import AreaDuty, BedDuty, BedKind, BedQuestion, BedSites, BedTravel
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.bedmodel import BedPlanConfig
    from chongming_gis.config import ServiceConfig
    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.planning import CostConfig, IndicatorConfig

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_PERCENT = 100.0
_SHORTLIST = 8  # candidates of a township, the nearest in a straight line, that are asked for their ways


@dataclass(frozen=True, slots=True)
class AskedBeds:
    """A bed plan made arithmetic.

    Attributes
    ----------
    sites : one row a column of the question: place_id, name_zh, township_code, village_code, kind, is_new, geometry
    targets, open_targets : the indicators with a duty, in its order, and those whose target is still to be filled
    in_time : (n_rows, n_sites) share of a row's need for whom the site is within the headline standard
    unstated : homes that state no beds; they count as having none
    wholes : for each indicator that is a share, the beds it is a share of, before the plan
    """

    plan: BedPlanConfig
    unit: str
    question: BedQuestion
    travel: BedTravel
    sites: gpd.GeoDataFrame
    targets: tuple[IndicatorConfig, ...]
    open_targets: tuple[IndicatorConfig, ...]
    in_time: sparse.csr_array
    unstated: tuple[str, ...]
    wholes: dict[str, float]


def ask_beds(plan: BedPlanConfig, ground: Groundwork) -> AskedBeds:
    """Return a bed plan as arithmetic."""
    study = ground.study
    service = study.service(plan.service)
    unit = service.capacity_unit or ""
    need = provision.needs_of(study, service.id, unit, ground.inputs.demand)
    codes = pd.Index(sorted({str(code) for code in ground.inputs.townships["township_code"]}))
    homes = _standing(ground, service.id)
    chosen = _new_ground(plan, ground, need)
    sites = _sites(homes, chosen)
    places = _bed_sites(plan, ground, sites, codes, len(homes.points))
    indicators = {i.id: i for i in study.plan.indicators} if study.plan else {}
    asked = [indicators[name] for name in plan.targets]
    filled = tuple(i for i in asked if i.target(plan.target_set) is not None)
    duties = tuple(_duty(i, plan, ground, codes) for i in filled)
    travel, in_time = _travel(plan, ground, need, (homes, chosen))
    stated = ground.inputs.facilities[service.id].capacity
    has_beds = set(stated.loc[stated["unit"] == unit, "facility_id"])
    return AskedBeds(
        plan,
        unit,
        BedQuestion(places, duties, plan.budget),
        travel,
        sites,
        filled,
        tuple(i for i in asked if i.target(plan.target_set) is None),
        in_time,
        tuple(str(i) for i in homes.points["facility_id"] if i not in has_beds),
        {
            i.id: _capacity(ground, i.measure.services, i.measure.whole_unit)
            for i in filled
            if isinstance(i.measure, planning.CapacityShare)
        },
    )


def _standing(ground: Groundwork, service: str) -> reach.Places:
    places = ground.facilities[service]
    rows = np.flatnonzero((places.points["status"] == "existing").to_numpy(bool))
    return reach.Places(places.points.iloc[rows], {mode: p.take(rows) for mode, p in places.snapped.items()})


def _new_ground(plan: BedPlanConfig, ground: Groundwork, need: Floats) -> reach.Places:
    """Return in each township the allowed candidates with the shortest ways for its own people, one after the other."""
    service = ground.study.service(plan.service)
    frame = candidates_of(ground, service.id) if plan.new is not None else None
    if frame is None:
        empty = ground.facilities[service.id].points.iloc[:0]
        return reach.Places(empty, {m: p.take(np.arange(0)) for m, p in ground.facilities[service.id].snapped.items()})
    usable = frame[frame["allowed"].to_numpy(bool) & frame["township_code"].notna().to_numpy(bool)]
    usable = usable.iloc[_shortlist(usable, ground, need)].reset_index(drop=True)
    modes = sorted({limit.mode for limit in service.standards[0].limits})
    snapped = {mode: network.snap_points(ground.networks[mode], usable.geometry) for mode in modes}
    own = reach.Places(usable.assign(serves="township"), snapped)
    saved = _saved(plan, ground, own, service)
    towns = usable["township_code"].to_numpy(object)
    best = np.zeros(saved.shape[0])
    picked: list[int] = []
    columns = saved.tocsc()
    rounds = plan.new.sites_per_township if plan.new is not None else 0
    for _ in range(rounds):
        gains = sparse.csc_array(columns)
        gains.data = need[columns.indices] * np.maximum(columns.data - best[columns.indices], 0.0)
        gain = np.asarray(gains.sum(axis=0)).ravel()
        gain[picked] = -1.0
        order = np.lexsort((np.arange(len(gain)), -gain))
        first = pd.Series(towns[order]).drop_duplicates().index.to_numpy()
        new = [int(i) for i in order[first] if gain[i] >= 0.0]
        picked += new
        for column in new:
            part = slice(columns.indptr[column], columns.indptr[column + 1])
            rows = columns.indices[part]
            best[rows] = np.maximum(best[rows], columns.data[part])
    kept = np.array(sorted(picked), dtype=np.int64)
    return reach.Places(usable.iloc[kept].assign(serves="all"), {mode: p.take(kept) for mode, p in snapped.items()})


def _shortlist(usable: gpd.GeoDataFrame, ground: Groundwork, need: Floats) -> npt.NDArray[np.intp]:
    """Return the rows of the candidates that are nearest, in a straight line, to the need of their own township."""
    points = ground.demand.points
    at = np.column_stack([points.geometry.x, points.geometry.y])
    ground_at = np.column_stack([usable.geometry.x, usable.geometry.y])
    towns, lived_in = usable["township_code"].to_numpy(object), points["township_code"].to_numpy(object)
    kept: list[int] = []
    for town in sorted(set(towns)):
        mine, people = np.flatnonzero(towns == town), np.flatnonzero((lived_in == town) & (need > 0.0))
        apart = np.hypot(*(ground_at[mine, None] - at[None, people]).transpose(2, 0, 1))
        order = np.lexsort((mine, apart @ need[people]))
        kept += mine[order[:_SHORTLIST]].tolist()
    return np.array(sorted(kept), dtype=np.intp)


def _saved(plan: BedPlanConfig, ground: Groundwork, places: reach.Places, service: ServiceConfig) -> sparse.csr_array:
    """Return by how many minutes each point's way is shorter than what counts for no bed at all; 0 is not stored."""
    times = reach.usable_times(
        service,
        service.standards[0],
        demand=ground.demand,
        facilities=places,
        networks=ground.networks,
        cutoff_s=plan.unreachable_min * 60.0,
    )
    saved = sparse.csr_array(times)
    saved.data = np.maximum(plan.unreachable_min - saved.data / 60.0, 0.0)
    saved.eliminate_zeros()
    return saved


def _sites(homes: reach.Places, chosen: reach.Places) -> gpd.GeoDataFrame:
    texts = ["name_zh", "township_code", "village_code", "kind"]
    columns = ["place_id", *texts, "geometry"]
    old = homes.points.assign(place_id=homes.points["facility_id"])[columns].assign(is_new=False)
    key = "candidate_id" if "candidate_id" in chosen.points.columns else "facility_id"
    new = chosen.points.assign(place_id=chosen.points[key])[columns].assign(is_new=True)
    both = [frame.astype(dict.fromkeys(texts, "str")) for frame in (old, new)]
    return gpd.GeoDataFrame(pd.concat(both, ignore_index=True), crs=homes.points.crs)


def _bed_sites(
    plan: BedPlanConfig, ground: Groundwork, sites: gpd.GeoDataFrame, codes: pd.Index, n_homes: int
) -> BedSites:
    study, n = ground.study, len(sites)
    is_new = sites["is_new"].to_numpy(bool)
    costs = {cost.id: cost for cost in study.costs}
    unit = study.service(plan.service).capacity_unit or ""
    least, most = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    bed_costs, build_costs = np.zeros(n), np.zeros(n)
    for size, rows in ((plan.new, is_new), (plan.extend, ~is_new)):
        if size is not None:
            least[rows], most[rows] = size.least, size.most
            bed_costs[rows] = costs[size.cost].value
            build_costs[rows] = costs[size.site_cost].value if size.site_cost else 0.0
    facilities = ground.inputs.facilities[plan.service]
    standing = facilities.places.set_index("facility_id").reindex(sites["place_id"])
    is_standard = np.zeros(n, dtype=bool)
    is_standard[:n_homes] = standing["standardised"].fillna(value=False).to_numpy(bool)[:n_homes]

    def beds_of(kind: str) -> Floats:
        stated = facilities.capacity[facilities.capacity["unit"] == kind].set_index("facility_id")["value"]
        return stated.reindex(sites["place_id"]).fillna(0.0).to_numpy(float)

    kinds = []
    beds = beds_of(unit)
    by_unit = {costs[one.cost].unit: one for one in plan.conversions}
    for kind in dict.fromkeys([*(k for k in by_unit if k is not None), *plan.new_beds_are]):
        one = by_unit.get(kind)
        now = np.minimum(beds_of(kind), beds)
        room = beds if one is not None else now  # a kind without a conversion only grows with new beds
        kinds.append(
            BedKind(
                kind,
                now if one is not None else room,
                costs[one.cost].value if one is not None else 0.0,
                one.least if one is not None else 1,
                kind in plan.new_beds_are,
            )
        )
    standard = plan.standardise
    return BedSites(
        beds,
        is_new,
        codes.get_indexer(pd.Index(sites["township_code"])).astype(np.int64),
        least,
        most,
        bed_costs,
        build_costs,
        is_standard,
        costs[standard.cost].value if standard else math.inf,
        standard.least_beds if standard else 1,
        tuple(kinds),
    )


def _duty(indicator: IndicatorConfig, plan: BedPlanConfig, ground: Groundwork, codes: pd.Index) -> BedDuty | AreaDuty:
    measure, target = indicator.measure, indicator.target(plan.target_set)
    value = math.nan if target is None else target
    scale = _PERCENT if indicator.unit == "percent" else 1.0
    match measure:
        case planning.CapacitySum():
            return _sum(indicator, value, 1.0, {measure.unit: 1.0}, measure.services, plan, ground)
        case planning.CapacityShare():
            amounts = {measure.unit: 1.0}
            amounts[measure.whole_unit] = amounts.get(measure.whole_unit, 0.0) - value / scale
            return _sum(indicator, 0.0, 1.0, amounts, measure.services, plan, ground)
        case planning.CapacityPerPerson():
            persons = float(ground.inputs.demand.persons[persons_column(measure.base, measure.group)].sum())
            return _sum(
                indicator, value * persons / scale, persons / scale, {measure.unit: 1.0}, measure.services, plan, ground
            )
        case planning.AreasWith():
            has = _areas_with(measure, ground, codes)
            return AreaDuty(
                indicator.id, has, math.ceil(value / scale * len(codes) - 1e-9), measure.standardised is True
            )
        case planning.FacilityCount():
            standing = sum(len(_standing(ground, name).points) for name in measure.services)
            return _bounded(indicator, BedDuty(indicator.id, float(standing), per_site=1.0), value)
    raise AssertionError(indicator.id)  # the study refuses other measures when it is read


def _sum(
    indicator: IndicatorConfig,
    value: float,
    scale: float,
    amounts: dict[str, float],
    services: Sequence[str],
    plan: BedPlanConfig,
    ground: Groundwork,
) -> BedDuty:
    unit = ground.study.service(plan.service).capacity_unit
    standing = sum(weight * _capacity(ground, services, kind) for kind, weight in amounts.items())
    per_kind = {kind: weight for kind, weight in amounts.items() if kind != unit and kind in _kinds(plan, ground)}
    duty = BedDuty(indicator.id, standing, per_bed=amounts.get(unit or "", 0.0), per_kind=per_kind, scale=scale)
    return _bounded(indicator, duty, value)


def _kinds(plan: BedPlanConfig, ground: Groundwork) -> set[str]:
    costs = {cost.id: cost for cost in ground.study.costs}
    return {*plan.new_beds_are, *(costs[one.cost].unit or "" for one in plan.conversions)}


def _bounded(indicator: IndicatorConfig, duty: BedDuty, value: float) -> BedDuty:
    low = value if indicator.direction in {"at_least", "equal"} else -math.inf
    high = value if indicator.direction in {"at_most", "equal"} else math.inf
    return replace(duty, low=low, high=high)


def _capacity(ground: Groundwork, services: Sequence[str], unit: str) -> float:
    total = 0.0
    for name in services:
        facilities = ground.inputs.facilities[name]
        ids = facilities.places.loc[facilities.places["status"] == "existing", "facility_id"]
        capacity = facilities.capacity
        own = capacity["facility_id"].isin(ids) & (capacity["unit"] == unit)
        total += float(capacity.loc[own, "value"].sum())
    return total


def _areas_with(measure: planning.AreasWith, ground: Groundwork, codes: pd.Index) -> npt.NDArray[np.bool_]:
    has = np.zeros(len(codes), dtype=bool)
    for name in measure.services:
        places = _standing(ground, name).points
        if measure.standardised:
            places = places[places["standardised"].fillna(value=False).to_numpy(bool)]
        at = codes.get_indexer(pd.Index(places["township_code"]))
        has[at[at >= 0]] = True
    return has


def _travel(
    plan: BedPlanConfig, ground: Groundwork, need: Floats, places: tuple[reach.Places, reach.Places]
) -> tuple[BedTravel, sparse.csr_array]:
    """Return the ways of each village's need, as means over its points, none longer than what counts for no bed."""
    service = ground.study.service(plan.service)
    saved = sparse.csr_array(sparse.hstack([_saved(plan, ground, one, service) for one in places], format="csr"))
    points = ground.demand.points
    limit_s = np.empty(len(points))
    for limit, rows in reach.rows_of_limit(service, service.standards[0], points):
        limit_s[rows] = limit.limit_s
    is_in_time = sparse.csr_array(saved)
    rows = np.repeat(np.arange(saved.shape[0]), np.diff(saved.indptr))
    is_in_time.data = (plan.unreachable_min - saved.data <= limit_s[rows] / 60.0 + 1e-9).astype(np.float64)
    keys = points["village_code"].astype(object).where(points["village_code"].notna(), points["demand_id"])
    number, _ = pd.factorize(keys, sort=True)
    total = np.bincount(number, weights=need).astype(np.float64)
    weight = np.divide(need, total[number], out=np.zeros(len(need)), where=total[number] > 0.0)
    gather = sparse.csr_array((weight, (number, np.arange(len(need)))), shape=(len(total), len(need)))
    mean_saved = sparse.csr_array(gather @ saved)
    mean_saved.eliminate_zeros()
    minutes = sparse.csr_array(
        (plan.unreachable_min - mean_saved.data, mean_saved.indices, mean_saved.indptr), shape=mean_saved.shape
    )
    return BedTravel(minutes, total, plan.unreachable_min), sparse.csr_array(gather @ is_in_time)


def costs_of(plan: BedPlanConfig, costs: Sequence[CostConfig]) -> tuple[CostConfig, ...]:
    """Return the costs that a bed plan names."""
    return tuple(cost for cost in costs if cost.id in plan.cost_ids)
