"""How sure the coverage is: the headline standard of every service over the ranges that the study states.

No search is repeated for a draw. At another pace every time changes by the same factor but for its ferry part; so the
ways of each point are looked for once without ferries and, where a ferry can matter, at the ends and the middle of the
ranges, each taken apart into moving, crossing and headway. ``uncertainty`` then takes the quickest in each draw.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from chongming_gis import coverage, network, tables, uncertainty
from chongming_gis.errors import StudyError
from chongming_gis.measured.groundwork import Groundwork, Measured, Step
from chongming_gis.measured_tables import CERTAINTY, CERTAINTY_DRIVERS, CERTAINTY_VILLAGES
from chongming_gis.network.snap import TOO_FAR
from chongming_gis.reach import APPLIED, Places, rows_of_limit
from chongming_gis.uncertainty import Certainty, Draws, Trip

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig, StudyConfig
    from chongming_gis.measuremodel import CertaintyConfig
    from chongming_gis.network import Network, SnappedPoints

    Floats = npt.NDArray[np.float64]

DRIVERS = ("speed", "path", "wait", "snap", "people")  # what is drawn, in the order of the draws
_LIKELY_WAIT = 0.5  # of the headway: what a run counts
_SCOPE_COLUMNS = {"island": "island", "township": "township_code", "village": "village_code"}
_STEP = 1e-3  # by which ferries are made dearer to see what they weigh: 0.6 s of a crossing of 10 minutes
_SAME_S = 1e-4
_NEVER = 100.0  # a ferry this many times slower than the search goes is not taken


def measure(ground: Groundwork) -> Measured:
    """Return the coverage of every service as an interval, the villages whose status it decides, and what drives it."""
    config = _config(ground.study)
    areas = _Areas.of(ground)
    draws = _draws(ground, config, n_areas=len(areas.villages))
    asked = _Asked(
        ground=replace(ground, demand=_within_snap_range(ground, config)),
        config=config,
        areas=areas,
        draws=draws,
        alone={driver: _only(draws, driver, config) for driver in DRIVERS},
    )
    frames = zip(*(_measure_service(asked, service) for service in ground.study.services), strict=True)
    contracts = (CERTAINTY, CERTAINTY_VILLAGES, CERTAINTY_DRIVERS)
    return Measured(
        tables={
            contract.name: pd.concat(parts, ignore_index=True).astype(tables.column_types(contract))
            for contract, parts in zip(contracts, frames, strict=True)
        }
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is the same for all services."""

    ground: Groundwork
    config: CertaintyConfig
    areas: _Areas
    draws: Draws
    alone: Mapping[str, Draws]  # by driver: the draws of that range, all others at their likely value


def _measure_service(asked: _Asked, service: ServiceConfig) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the rows of one service in the three tables."""
    ground, areas, config = asked.ground, asked.areas, asked.config
    persons = ground.inputs.demand.persons[tables.persons_column(service.base, service.group)].to_numpy(float)
    ways = ways_of(service, ground)
    found = uncertainty.measure_certainty(ways, asked.draws, persons=persons, area=areas.area, member=areas.member)
    parts = {
        driver: uncertainty.measure_certainty(ways, draws, persons=persons, area=areas.area, member=areas.whole)
        for driver, draws in asked.alone.items()
    }
    own = _as_run(ground, service)
    return _shares(found, own, config), _villages(found, own, config, ground), _drivers(service, parts, config)


def _config(study: StudyConfig) -> CertaintyConfig:
    if study.measures.certainty is None:
        raise StudyError("the study has no [measures.certainty]; write one to ask how sure its coverage is")
    return study.measures.certainty


def _is_asked(study: StudyConfig) -> bool:
    return study.measures.certainty is not None


STEP = Step("certainty", "full", _is_asked, measure)


@dataclass(frozen=True, slots=True)
class _Areas:
    """The units that shares are given for, in the order of the coverage table."""

    villages: list[str]
    area: npt.NDArray[np.intp]  # of each demand point among the villages, -1 = none
    member: sparse.csr_matrix
    whole: sparse.csr_matrix  # the district alone

    @classmethod
    def of(cls, ground: Groundwork) -> _Areas:
        points = ground.demand.points
        units = _as_run(ground, ground.study.services[0])[["scope", "scope_code"]]
        rows = [sparse.csr_matrix(np.ones((1, len(points))))]
        codes: list[str] = []
        for scope, column in _SCOPE_COLUMNS.items():
            codes = units.loc[units["scope"] == scope, "scope_code"].tolist()
            at = pd.Index(codes, dtype="str").get_indexer(pd.Index(points[column].astype("str")))
            inside = np.flatnonzero(at >= 0)
            ones = (np.ones(len(inside)), (at[inside], inside))
            rows.append(sparse.csr_matrix(ones, shape=(len(codes), len(points))))
        return cls(codes, at, sparse.vstack(rows, format="csr"), rows[0])


def _as_run(ground: Groundwork, service: ServiceConfig) -> pd.DataFrame:
    """Return what the run itself found of the headline standard: a row a unit, district first."""
    table = ground.coverage
    mine = table[
        (table["service"] == service.id)
        & (table["standard"] == service.standards[0].id)
        & (table["serves_rule"] == APPLIED)
        & (table["group"] == service.group)
        & (table["base"] == service.base)
    ]
    order = {scope: number for number, scope in enumerate(("district", *_SCOPE_COLUMNS))}
    return mine.sort_values("scope", key=lambda scopes: scopes.map(order), kind="stable").reset_index(drop=True)


def _draws(ground: Groundwork, config: CertaintyConfig, *, n_areas: int) -> Draws:
    """Return the draws of the study. Small paths are missing for feet and bicycles, not for cars."""
    return uncertainty.draw(
        config,
        modes=[mode.id for mode in ground.study.modes],
        n_areas=n_areas,
        seed=ground.study.seed,
        on_map=frozenset(name for name, net in ground.networks.items() if net.mode.access == "motor_vehicle"),
    )


def _only(draws: Draws, driver: str, config: CertaintyConfig) -> Draws:
    """Return the same draws with one range alone: all others stand at their likely value."""
    ones = np.ones(len(draws))
    likely = dict.fromkeys(draws.speed, ones) | {entry.mode: ones * entry.likely for entry in config.speeds}
    return replace(
        draws,
        speed=draws.speed if driver == "speed" else likely,
        path=draws.path if driver == "path" else ones * config.path.likely,
        wait=draws.wait if driver == "wait" else ones * _LIKELY_WAIT,
        snap_m=draws.snap_m if driver == "snap" else ones * config.snap_m.likely,
        people=draws.people if driver == "people" else np.ones_like(draws.people),
    )


def _within_snap_range(ground: Groundwork, config: CertaintyConfig) -> Places:
    """Return the demand, where those too far from a road for the run are snapped as far as the range goes."""
    snapped = dict(ground.demand.snapped)
    for mode, net in ground.networks.items():
        far = np.flatnonzero(snapped[mode].reason == TOO_FAR)
        if len(far) and config.snap_m.high > net.mode.max_snap_m:
            wider = replace(net, mode=replace(net.mode, max_snap_m=config.snap_m.high))
            again = network.snap_points(wider, ground.demand.points.geometry.iloc[far])
            snapped[mode] = _put(snapped[mode], far, again)
    return Places(ground.demand.points, snapped)


def _put(points: SnappedPoints, rows: npt.NDArray[np.intp], others: SnappedPoints) -> SnappedPoints:
    """Return points in which some are replaced."""
    changed = {}
    for name in ("edge", "fraction", "off_network_m", "off_network_s", "reason", "left_tiny_piece"):
        values = getattr(points, name).copy()
        values[rows] = getattr(others, name)
        changed[name] = values
    return replace(points, **changed)


def ways_of(service: ServiceConfig, ground: Groundwork) -> list[Trip]:
    """Return the ways of every demand point to the service under its headline standard: the first without ferries.

    Notes
    -----
    With pace q (the factor on moving time) and wait w the time of a way is q x (moving + crossing / q + headway x w/q):
    over (1/q, w/q) the quickest way is a concave function, made of one plane for each way. The planes are taken at the
    corners of the box of both ranges and at the study's own values (q = 1, w = 1/2), so the times are exact there; in
    between a way that is quickest at none of these five is missed, and the time is then slightly too long.
    """
    standard = service.standards[0]
    config = _config(ground.study)
    n = len(ground.demand.points)
    mode, limit_s, snap_m = np.full(n, "", dtype=object), np.zeros(n), np.full(n, np.inf)
    parts = np.full((1 + len(_probes(1.0, 1.0)), 3, n), np.inf)
    for limit, at in rows_of_limit(service, standard, ground.demand.points):
        mode[at], limit_s[at] = limit.mode, limit.limit_s
        snapped = ground.demand.snapped[limit.mode]
        snap_m[at] = np.where(snapped.is_reachable, snapped.off_network_m, np.inf)[at]
        found = _Search(service, ground, limit.mode, _paces(config, ground.networks[limit.mode]), limit.limit_s).parts()
        parts[: len(found), :, at] = found[:, :, at]
    return [
        Trip(mode=mode, moving_s=moving, crossing_s=crossing, headway_s=headway, snap_m=snap_m, limit_s=limit_s)
        for number, (moving, crossing, headway) in enumerate(parts)
        if number == 0 or np.isfinite(moving).any()
    ]


def _paces(config: CertaintyConfig, net: Network) -> tuple[float, float]:
    """Return the least and the largest factor on a mode's moving time."""
    path = (1.0, 1.0) if net.mode.access == "motor_vehicle" else (config.path.low, config.path.high)
    speeds = [(entry.low, entry.high) for entry in config.speeds if entry.mode == net.mode.name] or [(1.0, 1.0)]
    slow, fast = speeds[0]
    return min(path[0] / fast, 1.0), max(path[1] / slow, 1.0)


def _probes(least: float, largest: float) -> list[tuple[float, float]]:
    """Return where ferries are looked at: (1 / pace, wait / pace) as the study has it, and the corners of the ranges.

    The corner at which a ferry costs least stands second.
    """
    return [(1.0, _LIKELY_WAIT), (1.0 / largest, 0.0), (1.0 / largest, 1.0 / least), (1.0 / least, 0.0),
            (1.0 / least, 1.0 / least)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Search:
    """One service by one mode, with ferries at other costs."""

    service: ServiceConfig
    ground: Groundwork
    mode: str
    paces: tuple[float, float]  # least and largest
    limit_s: float

    def parts(self) -> Floats:
        """Return moving, crossing and headway seconds of each way: (n ways, 3, n demand), inf where it is none."""
        net = self.ground.networks[self.mode]
        ferry, crossing_s, headway_s = network.ferry_parts(self.ground.inputs.roads.edges.iloc[net.row], net.mode)
        cutoff_s = self.limit_s / self.paces[0] + 1.0 + _STEP * float(crossing_s.sum() + headway_s.sum())
        by_land = self._time_s(net, np.where(ferry, _NEVER * cutoff_s, np.nan), cutoff_s)
        without = np.stack([by_land, np.zeros_like(by_land), np.zeros_like(by_land)])[np.newaxis]
        if not ferry.any():
            return without
        probes = _probes(*self.paces)

        def at(a: float, b: float) -> Floats:
            return self._time_s(net, np.where(ferry, a * crossing_s + b * headway_s, np.nan), cutoff_s)

        if not (at(*probes[1]) < by_land - _SAME_S).any():
            return without
        ways = [without[0]]
        for a, b in probes:
            time_s = at(a, b)
            dearer = np.stack([at(a + _STEP, b), at(a, b + _STEP)])
            rows = np.flatnonzero((time_s < by_land - _SAME_S) & np.isfinite(dearer).all(axis=0))
            crossing, headway = (dearer[:, rows] - time_s[rows]) / _STEP
            way = np.zeros_like(without[0])
            way[0] = np.inf
            way[:, rows] = time_s[rows] - a * crossing - b * headway, crossing, headway
            ways.append(way)
        return np.stack(ways)

    def _time_s(self, net: Network, ferry_s: Floats, cutoff_s: float) -> Floats:
        """Return the seconds to the nearest usable facility where ferries (not NaN) take other times."""
        changed = [
            np.where(np.isfinite(seconds) & np.isfinite(ferry_s), ferry_s, seconds)
            for seconds in (net.forward_s, net.backward_s)
        ]
        return coverage.nearest_usable_s(
            self.service,
            demand=self.ground.demand,
            facilities=self.ground.facilities[self.service.id],
            network=network.with_seconds(net, forward_s=changed[0], backward_s=changed[1]),
            search_limit_s=cutoff_s,
        )


def _shares(found: Certainty, own: pd.DataFrame, config: CertaintyConfig) -> pd.DataFrame:
    low, likely, high = found.interval(config.confidence)
    kept = own[["scope", "scope_code", "name_zh", "service", "standard", "group", "base", "persons"]]
    return kept.assign(share_run=own["share_covered"], share_low=low, share_likely=likely, share_high=high)


def _villages(found: Certainty, own: pd.DataFrame, config: CertaintyConfig, ground: Groundwork) -> pd.DataFrame:
    level = config.reached_from_share
    status = uncertainty.status_changes(found, level=level, confidence=config.confidence)
    held = np.where(np.isnan(found.share).all(axis=0), np.nan, (np.nan_to_num(found.share) >= level).mean(axis=0))
    in_run = np.where(own["share_covered"].isna(), "nobody", np.where(own["share_covered"] >= level, *_REACHED))
    is_village = (own["scope"] == "village").to_numpy()
    kept = own.loc[is_village, ["scope_code", "name_zh", "service", "standard", "persons"]]
    townships = ground.inputs.villages.set_index("village_code")["township_code"]
    return (
        kept.rename(columns={"scope_code": "village_code"})
        .assign(
            township_code=kept["scope_code"].map(townships),
            status_run=in_run[is_village],
            draws_reached_share=held[is_village],
            status=status[is_village],
        )
        .reset_index(drop=True)
    )


_REACHED = ("reached", "not_reached")


def _drivers(service: ServiceConfig, parts: Mapping[str, Certainty], config: CertaintyConfig) -> pd.DataFrame:
    """Return how far each range alone moves the district's share."""
    low, _, high = zip(*(found.interval(config.confidence) for found in parts.values()), strict=True)
    return pd.DataFrame(
        {
            "service": service.id,
            "standard": service.standards[0].id,
            "driver": list(parts),
            "share_low": np.concatenate(low),
            "share_high": np.concatenate(high),
        }
    )
