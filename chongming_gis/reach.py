"""Who may use which facility, and how long it takes them: what coverage, capacity and siting start from.

A facility whose ``serves`` is ``village`` or ``township`` may be used by the people of its own village or township
only.
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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.config import LimitConfig, ServiceConfig, StandardConfig
    from chongming_gis.network import Network, SnappedPoints

    Ints = npt.NDArray[np.int32]
    Rows = npt.NDArray[np.intp]

APPLIED, IGNORED = "applied", "ignored"  # is the serves rule applied?
DIRECTIONS: Mapping[str, travel.Direction] = {"to_facility": "to_destination", "from_facility": "from_destination"}


@dataclass(frozen=True, slots=True)
class Places:
    """Points of one kind on every network: demand, or the facilities of one service."""

    points: gpd.GeoDataFrame
    snapped: Mapping[str, SnappedPoints]  # by mode


def is_restricted(places: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which facilities serve their own village or township only."""
    return np.asarray(places["serves"].isin(["village", "township"]), dtype=bool)


def rows_of_limit(
    service: ServiceConfig, standard: StandardConfig, points: pd.DataFrame
) -> Iterator[tuple[LimitConfig, Rows]]:
    """Yield each limit of a standard with the demand points that it holds for.

    Raises
    ------
    StudyError
        A point is of a settlement class that no limit names.
    """
    code, names = pd.factorize(points["settlement_class"])
    named = {limit.settlement for limit in standard.limits}
    lost = sorted({str(name) for name in names} - named)
    if lost and ALL_CLASSES not in named:
        raise StudyError(
            f"services.{service.id}.standards.{standard.id}: no limit for settlement class {', '.join(lost)}; add one"
        )
    for limit in standard.limits:
        is_meant = (names == limit.settlement) | (limit.settlement == ALL_CLASSES)
        yield limit, np.flatnonzero(np.append(is_meant, False)[code])  # code -1: a point without a class


def usable_times(
    service: ServiceConfig,
    standard: StandardConfig,
    *,
    demand: Places,
    facilities: Places,
    networks: Mapping[str, Network],
    rule: str = APPLIED,
    cutoff_s: float = 0.0,
) -> sparse.csr_matrix:
    """Return the seconds to every facility that a point may use within a standard: CSR (n demand, n facilities).

    Parameters
    ----------
    cutoff_s : pairs up to here are given even where the standard is shorter
    rule : ``applied`` or ``ignored``: whether facilities that serve one village or township count for others too.

    Notes
    -----
    Each point is measured by the mode and limit of its settlement class. A pair that is not stored is not usable.
    """
    restricted = is_restricted(facilities.points) & (rule == APPLIED)
    open_to_all = np.flatnonzero(~restricted)
    rows: list[npt.NDArray[np.integer]] = [np.empty(0, np.intp)]
    columns: list[npt.NDArray[np.integer]] = [np.empty(0, np.intp)]
    seconds = [np.empty(0)]
    for limit, at in rows_of_limit(service, standard, demand.points):
        network, direction = networks[limit.mode], DIRECTIONS[service.direction]
        here, there = demand.snapped[limit.mode].take(at), facilities.snapped[limit.mode]
        found = _pair_times(network, here, there.take(open_to_all), direction, max(limit.limit_s, cutoff_s))
        rows.append(at[found.row])
        columns.append(open_to_all[found.col])
        seconds.append(found.data)
        if restricted.any():
            people = Places(demand.points.iloc[at], {limit.mode: here})
            own = own_facility_times(people, facilities, network, direction, max(limit.limit_s, cutoff_s)).tocoo()
            rows.append(at[own.row])
            columns.append(own.col)
            seconds.append(own.data)
    shape = (len(demand.points), len(facilities.points))
    pairs = (np.concatenate(seconds), (np.concatenate(rows), np.concatenate(columns)))
    matrix = sparse.csr_matrix(pairs, shape=shape)
    matrix.sort_indices()
    return matrix


def _pair_times(
    network: Network, here: SnappedPoints, there: SnappedPoints, direction: travel.Direction, cutoff_s: float
) -> sparse.coo_matrix:
    if direction == "to_destination":
        return travel.travel_times(network, here, there, cutoff_s=cutoff_s).matrix.tocoo()
    return travel.travel_times(network, there, here, cutoff_s=cutoff_s).matrix.transpose().tocoo()


def own_facility_times(
    demand: Places, facilities: Places, network: Network, direction: travel.Direction, search_limit_s: float
) -> sparse.csr_matrix:
    """Return the seconds between people and the restricted facilities that serve them: (n demand, n facilities)."""
    here, there = demand.snapped[network.mode.name], facilities.snapped[network.mode.name]
    person_codes, facility_codes, level = serving_codes(demand.points, facilities.points)
    stored = []
    for number in np.unique(level[level >= 0]):
        columns = np.flatnonzero(level == number)
        times = travel.times_within_groups(
            network,
            here,
            there.take(columns),
            groups=(person_codes[number], facility_codes[columns]),
            cutoff_s=search_limit_s,
            direction=direction,
        ).matrix.tocoo()
        stored.append((times.row, columns[times.col], times.data))
    if not stored:
        return sparse.csr_matrix((len(here), len(there)))
    row, column, seconds = (np.concatenate(parts) for parts in zip(*stored, strict=True))
    return sparse.csr_matrix((seconds, (row, column)), shape=(len(here), len(there)))


def serving_codes(people: pd.DataFrame, places: pd.DataFrame) -> tuple[Ints, Ints, Ints]:
    """Return numbers that are equal where a facility serves a person.

    ``person_codes`` is (2, n demand): village and township; ``facility_codes`` the village or township a facility
    serves; ``level`` which of the two rows to compare with (-1 = open to all). Missing codes equal nothing, and a level
    that binds no facility numbers nobody.
    """
    levels = ("village", "township")
    person_codes = np.full((2, len(people)), -1, dtype=np.int32)
    facility_codes = np.full(len(places), -2, dtype=np.int32)
    level = np.full(len(places), -1, dtype=np.int32)
    start = 0
    for number, name in enumerate(levels):
        serves = np.flatnonzero((places["serves"] == name).to_numpy(bool))
        if not len(serves):
            continue
        column = f"{name}_code"
        codes, known = pd.factorize(people[column])
        person_codes[number] = np.where(codes >= 0, codes + start, -1)
        own = pd.Index(known).get_indexer(pd.Index(places[column].iloc[serves]))
        facility_codes[serves] = np.where(own >= 0, own + start, -2)
        level[serves] = number
        start += len(known)
    return person_codes, facility_codes, level
