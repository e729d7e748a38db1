"""Who is within the standard: the nearest usable facility of every demand point, and shares by area and group.

``measure_access`` asks the network; ``measure_coverage`` is arithmetic on its answer. A facility whose ``serves`` is
``village`` or ``township`` may be used by the people of its own village or township only; both tables are given with
this rule applied and, for services where it binds, with it ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from chongming_gis import travel
from chongming_gis.config import ALL_CLASSES
from chongming_gis.errors import StudyError
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig, StandardConfig, StudyConfig
    from chongming_gis.network import Network, SnappedPoints
    from chongming_gis.tables import Demand

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Claims = npt.NDArray[np.bool_]

APPLIED, IGNORED = "applied", "ignored"
DISTRICT = "district"
_WIDEST_RING_S = 4 * 3600.0  # rings double up to here; who has met no own facility by then is searched for once more
_DIRECTIONS: Mapping[str, travel.Direction] = {"to_facility": "to_destination", "from_facility": "from_destination"}


@dataclass(frozen=True, slots=True)
class Places:
    """Points of one kind on every network: demand, or the facilities of one service."""

    points: gpd.GeoDataFrame
    snapped: Mapping[str, SnappedPoints]  # by mode


@dataclass(frozen=True, slots=True)
class _Reach:
    """What each demand point reaches by one mode under one serves rule."""

    time_s: Floats
    facility: Ints  # row of the service's facilities, -1 = none
    pairs: sparse.csr_matrix | None  # restricted facilities this point may use: seconds
    open_to_all: npt.NDArray[np.intp]  # rows of the facilities that anyone may use


def measure_access(
    service: ServiceConfig,
    *,
    demand: Places,
    facilities: Places,
    networks: Mapping[str, Network],
    search_limit_s: float,
) -> pd.DataFrame:
    """Return the nearest usable facility of every demand point, by every standard of a service (``tables.ACCESS``).

    Parameters
    ----------
    demand, facilities : with their positions on the network of every mode that the standards name.
    networks : by mode id.
    search_limit_s : facilities farther than this, and than every standard, count as not reached (time inf).

    Notes
    -----
    The upper bound of a standard is inclusive. ``n_within`` counts the usable facilities within the standard.
    """
    modes = sorted({limit.mode for standard in service.standards for limit in standard.limits})
    rules = (APPLIED, IGNORED) if _is_restricted(facilities.points).any() else (APPLIED,)
    longest_s = max(limit.limit_s for standard in service.standards for limit in standard.limits)
    search_limit_s = max(search_limit_s, longest_s)
    parts: list[pd.DataFrame] = []
    for rule in rules:
        reach = {
            mode: _reach(service, demand, facilities, networks[mode], rule, (longest_s, search_limit_s))
            for mode in modes
        }
        parts += [
            _by_standard(service, standard, demand, facilities, networks, reach).assign(serves_rule=rule)
            for standard in service.standards
        ]
    columns = ["demand_id", "service", "standard", "serves_rule", "mode", "standard_s", "time_s", "facility_id"]
    return pd.concat(parts, ignore_index=True)[[*columns, "covered", "n_within"]]


def measure_coverage(
    access: pd.DataFrame, *, demand: Demand, study: StudyConfig, townships: pd.DataFrame, villages: pd.DataFrame
) -> pd.DataFrame:
    """Return the persons within each standard by district, island, township and village (``tables.COVERAGE``).

    Parameters
    ----------
    access : rows of ``measure_access`` for one or more services, demand points in the order of ``demand``.
    townships, villages : the units to report on, those without people included (persons 0, share NA).

    Notes
    -----
    District, islands and townships are given for every group and base; villages for the service's own group and base.
    An uncovered point adds 0 to the persons covered.
    """
    units = _units(demand.points, study, townships, villages)
    tables = []
    keys = ["service", "standard", "serves_rule"]
    for (service_id, standard_id, rule), rows in access.groupby(keys, sort=False):
        service = study.service(str(service_id))
        standard = next(s for s in service.standards if s.id == standard_id)
        covered = rows["covered"].to_numpy(float)
        table = pd.concat([_shares(unit, covered, demand.persons, service) for unit in units], ignore_index=True)
        tables.append(
            table.assign(
                service=service.id,
                standard=standard.id,
                serves_rule=str(rule),
                mode=standard.mode_label,
                standard_s=np.nan if standard.common_limit_s is None else standard.common_limit_s,
            )
        )
    columns = ["scope", "scope_code", "name_zh", "service", "standard", "serves_rule", "mode", "group", "base"]
    numbers = ["standard_s", "persons", "persons_covered", "share_covered"]
    return pd.concat(tables, ignore_index=True)[[*columns, *numbers]]


def _is_restricted(places: pd.DataFrame) -> Claims:
    return places["serves"].isin(["village", "township"]).to_numpy()


def _reach(
    service: ServiceConfig,
    demand: Places,
    facilities: Places,
    network: Network,
    rule: str,
    limits_s: tuple[float, float],
) -> _Reach:
    """Search from the facilities open to all at once, and from the restricted ones towards their own people."""
    longest_s, search_limit_s = limits_s
    direction = _DIRECTIONS[service.direction]
    here, there = demand.snapped[network.mode.name], facilities.snapped[network.mode.name]
    restricted = _is_restricted(facilities.points) & (rule == APPLIED)
    open_to_all = np.flatnonzero(~restricted)
    near = travel.nearest(network, here, there.take(open_to_all), cutoff_s=search_limit_s, direction=direction)
    time_s = near.time_s[:, 0]
    facility = np.full(len(here), -1, dtype=np.int32)
    found = near.destination[:, 0] >= 0
    facility[found] = open_to_all[near.destination[found, 0]]
    if not restricted.any():
        return _Reach(time_s, facility, None, open_to_all)
    pairs = _own_facility_times(demand, facilities, network, direction, (longest_s, search_limit_s))
    own_time, own = _row_minimum(pairs)
    takes_own = (own >= 0) & ((own_time < time_s) | ((own_time == time_s) & ((facility < 0) | (own < facility))))
    return _Reach(np.where(takes_own, own_time, time_s), np.where(takes_own, own, facility), pairs, open_to_all)


def _own_facility_times(
    demand: Places,
    facilities: Places,
    network: Network,
    direction: travel.Direction,
    limits_s: tuple[float, float],
) -> sparse.csr_matrix:
    """Return the seconds between people and the restricted facilities that serve them: (n demand, n facilities).

    One's own village room is near, but the way there may be long: the cutoff doubles for those who have not yet met
    any facility of their own, up to the search limit.
    """
    cutoff_s, search_limit_s = limits_s
    here, there = demand.snapped[network.mode.name], facilities.snapped[network.mode.name]
    person_codes, facility_codes, level = _serving_codes(demand.points, facilities.points)
    rows = np.flatnonzero(np.isin(person_codes, facility_codes[level >= 0]).any(axis=0))
    columns = np.flatnonzero(level >= 0)
    shape = (len(here), len(there))
    total = sparse.csr_matrix(shape)
    while len(rows) and len(columns):
        times = _times(network, here.take(rows), there.take(columns), direction, min(cutoff_s, search_limit_s))
        row, column, seconds = rows[times.row], columns[times.col], times.data
        served = person_codes[level[column], row] == facility_codes[column]
        found = (seconds[served], (row[served], column[served]))
        total = _merged(total, sparse.coo_matrix(found, shape=shape))
        if cutoff_s >= search_limit_s:
            break
        cutoff_s = 2.0 * cutoff_s if cutoff_s < _WIDEST_RING_S else search_limit_s
        rows = np.setdiff1d(rows, row[served])
        columns = columns[np.isin(facility_codes[columns], person_codes[:, rows])]
    return total


def _times(
    network: Network, here: SnappedPoints, there: SnappedPoints, direction: travel.Direction, cutoff_s: float
) -> sparse.coo_matrix:
    if direction == "to_destination":
        return travel.travel_times(network, here, there, cutoff_s=cutoff_s).matrix.tocoo()
    return travel.travel_times(network, there, here, cutoff_s=cutoff_s).matrix.transpose().tocoo()


def _merged(first: sparse.csr_matrix, second: sparse.coo_matrix) -> sparse.csr_matrix:
    """Return the pairs of both (none occurs twice), a stored 0 staying a 0."""
    stored = first.tocoo()
    row, column = np.concatenate([stored.row, second.row]), np.concatenate([stored.col, second.col])
    seconds = np.concatenate([stored.data, second.data])
    return sparse.csr_matrix((seconds, (row, column)), shape=stored.shape)


def _serving_codes(people: pd.DataFrame, places: pd.DataFrame) -> tuple[Ints, Ints, Ints]:
    """Return numbers that are equal where a facility serves a person.

    ``person_codes`` is (2, n demand): village and township; ``facility_codes`` the village or township a facility
    serves; ``level`` which of the two rows to compare with (-1 = open to all). Missing codes equal nothing.
    """
    levels = ("village", "township")
    person_codes = np.full((2, len(people)), -1, dtype=np.int32)
    facility_codes = np.full(len(places), -2, dtype=np.int32)
    level = np.full(len(places), -1, dtype=np.int32)
    start = 0
    for number, name in enumerate(levels):
        column = f"{name}_code"
        known = pd.Index(pd.concat([people[column], places[column]]).dropna().unique())
        codes = known.get_indexer(pd.Index(people[column]))
        person_codes[number] = np.where(codes >= 0, codes + start, -1)
        serves = (places["serves"] == name).to_numpy()
        own = known.get_indexer(pd.Index(places[column]))
        facility_codes[serves] = np.where(own >= 0, own + start, -2)[serves]
        level[serves] = number
        start += len(known)
    return person_codes, facility_codes, level


def _row_minimum(pairs: sparse.csr_matrix) -> tuple[Floats, Ints]:
    """Return the smallest stored value of each row and its column (inf, -1 for an empty row), ties to the left."""
    time = np.full(pairs.shape[0], np.inf)
    column = np.full(pairs.shape[0], -1, dtype=np.int32)
    stored = pairs.tocoo()
    order = np.lexsort((stored.col, stored.data, stored.row))
    rows, first = np.unique(stored.row[order], return_index=True)
    time[rows] = stored.data[order][first]
    column[rows] = stored.col[order][first]
    return time, column


def _by_standard(
    service: ServiceConfig,
    standard: StandardConfig,
    demand: Places,
    facilities: Places,
    networks: Mapping[str, Network],
    reach: Mapping[str, _Reach],
) -> pd.DataFrame:
    """Return one row a demand point: each measured by the mode and limit of its settlement class."""
    points = demand.points
    n = len(points)
    mode = np.full(n, "", dtype=object)
    limit_s, time_s = np.zeros(n), np.full(n, np.inf)
    facility, n_within = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    settlement = points["settlement_class"].to_numpy(object)
    for limit in standard.limits:
        at = np.flatnonzero((settlement == limit.settlement) | (limit.settlement == ALL_CLASSES))
        found = reach[limit.mode]
        mode[at], limit_s[at] = limit.mode, limit.limit_s
        time_s[at], facility[at] = found.time_s[at], found.facility[at]
        n_within[at] = _count(service, found, demand, facilities, networks[limit.mode], at, limit.limit_s)
    if (mode == "").any():
        lost = sorted({str(name) for name in settlement[mode == ""]})
        raise StudyError(
            f"services.{service.id}.standards.{standard.id}: no limit for settlement class {', '.join(lost)}; add one"
        )
    ids = facilities.points["facility_id"].to_numpy(object)
    return pd.DataFrame(
        {
            "demand_id": points["demand_id"].to_numpy(),
            "service": pd.Series(np.full(n, service.id, dtype=object), dtype="str"),
            "standard": pd.Series(np.full(n, standard.id, dtype=object), dtype="str"),
            "mode": pd.Series(mode, dtype="str"),
            "standard_s": limit_s,
            "time_s": time_s,
            "facility_id": pd.Series(np.where(facility >= 0, ids[facility], None), dtype="str"),
            "covered": time_s <= limit_s,
            "n_within": n_within,
        }
    )


def _count(
    service: ServiceConfig,
    found: _Reach,
    demand: Places,
    facilities: Places,
    network: Network,
    at: npt.NDArray[np.intp],
    limit_s: float,
) -> Ints:
    """Return how many facilities each of some demand points may use within a limit."""
    name = network.mode.name
    count = travel.count_within(
        network,
        demand.snapped[name].take(at),
        facilities.snapped[name].take(found.open_to_all),
        limit_s=np.full(len(at), limit_s),
        direction=_DIRECTIONS[service.direction],
    )
    if found.pairs is not None:
        own = found.pairs[at].tocoo()
        count = count + np.bincount(own.row[own.data <= limit_s], minlength=len(at)).astype(np.int32)
    return count


@dataclass(frozen=True, slots=True)
class _Units:
    """The areas of one scope, and which one each demand point lies in."""

    scope: str
    codes: Sequence[str]
    names: Sequence[str | None]
    member: sparse.csr_matrix  # (n units, n demand), 1 where the point lies in the unit


def _units(points: pd.DataFrame, study: StudyConfig, townships: pd.DataFrame, villages: pd.DataFrame) -> list[_Units]:
    everyone = sparse.csr_matrix(np.ones((1, len(points))))
    units = [_Units(DISTRICT, [study.id], [study.name_zh], everyone)]
    if points["island"].notna().any():
        islands = sorted(points["island"].dropna().unique())
        units.append(_Units("island", islands, islands, _membership(points["island"], islands)))
    for scope, areas in (("township", townships), ("village", villages)):
        column = f"{scope}_code"
        names = dict(zip(areas[column], areas["name_zh"], strict=True))
        codes = sorted({*names, *points[column].dropna().unique()})
        if codes:
            units.append(_Units(scope, codes, [names.get(c) for c in codes], _membership(points[column], codes)))
    return units


def _membership(column: pd.Series, codes: Sequence[str]) -> sparse.csr_matrix:
    unit = pd.Index(codes).get_indexer(pd.Index(column))
    inside = np.flatnonzero(unit >= 0)
    return sparse.csr_matrix((np.ones(len(inside)), (unit[inside], inside)), shape=(len(codes), len(column)))


def _shares(units: _Units, covered: Floats, persons: pd.DataFrame, service: ServiceConfig) -> pd.DataFrame:
    own = persons_column(service.base, service.group)
    columns = [own] if units.scope == "village" else list(persons.columns)
    counts = persons[columns].to_numpy(float)
    total = units.member @ counts
    reached = np.minimum(units.member @ (counts * covered[:, np.newaxis]), total)  # a sum's last bit must not exceed
    share = np.divide(reached, total, out=np.full_like(total, np.nan), where=total > 0)
    bases, groups = zip(*(column.split(":") for column in columns), strict=True)
    n_units, n_columns = total.shape
    return pd.DataFrame(
        {
            "scope": _repeat([units.scope], n_units * n_columns),
            "scope_code": pd.Series(np.repeat(np.array(units.codes, dtype=object), n_columns), dtype="str"),
            "name_zh": pd.Series(np.repeat(np.array(units.names, dtype=object), n_columns), dtype="str"),
            "group": _repeat(groups, n_units),
            "base": _repeat(bases, n_units),
            "persons": total.ravel(),
            "persons_covered": reached.ravel(),
            "share_covered": share.ravel(),
        }
    )


def _repeat(values: Sequence[str], times: int) -> pd.Series:
    return pd.Series(np.tile(np.array(values, dtype=object), times), dtype="str")
