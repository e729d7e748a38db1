"""Need and capacity together: who is served, who reaches a service that has no place left, who reaches none.

The need of a group is persons x rate (the study's ``needs``), in the unit of the service's capacity. The standard is
the service's headline one; a facility without a stated capacity in that unit counts as having none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis import assignment, reach, travel
from chongming_gis.tables import PROVISION, column_types, persons_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from chongming_gis.assignment import Assignment
    from chongming_gis.config import ServiceConfig, StudyConfig
    from chongming_gis.network import Network
    from chongming_gis.reach import Places
    from chongming_gis.tables import Demand, Facilities

    Floats = npt.NDArray[np.float64]

_LEAST = 1e-6  # of a unit of need: less than this is served or left over by rounding


@dataclass(frozen=True, slots=True)
class Provision:
    """How one service's capacity meets its need."""

    service: str
    unit: str
    assignment: Assignment
    nearest_with_place_s: Floats  # for those not wholly served: to the nearest facility with room left; inf = none


def needs_of(study: StudyConfig, service_id: str, unit: str, demand: Demand) -> Floats:
    """Return what each demand point needs of a service, in a unit: the sum over its groups of persons x rate."""
    need = np.zeros(len(demand.points))
    for entry in study.needs:
        if (entry.service, entry.unit) == (service_id, unit):
            need += demand.persons[persons_column(entry.base, entry.group)].to_numpy(float) * entry.rate
    return need


def capacity_of(facilities: Facilities, unit: str) -> Floats:
    """Return the capacity of each facility in a unit, 0 where it states none."""
    stated = facilities.capacity[facilities.capacity["unit"] == unit].set_index("facility_id")["value"]
    return stated.reindex(facilities.places["facility_id"]).fillna(0.0).to_numpy(float)


def services_with_provision(study: StudyConfig) -> list[ServiceConfig]:
    """Return the services whose need the study states in the unit of their capacity."""
    stated = {(entry.service, entry.unit) for entry in study.needs}
    return [service for service in study.services if (service.id, service.capacity_unit or "") in stated]


def measure_provision(
    service: ServiceConfig,
    *,
    need: Floats,
    capacity: Floats,
    demand: Places,
    facilities: Places,
    networks: Mapping[str, Network],
    search_limit_s: float,
) -> Provision:
    """Return how a service's capacity meets its need under its headline standard and the serves rule.

    Parameters
    ----------
    need : (n demand,) and ``capacity`` (n facilities,), in one unit.
    search_limit_s : how far a place is looked for by those who are not served.
    """
    standard = service.standards[0]
    times = reach.usable_times(service, standard, demand=demand, facilities=facilities, networks=networks)
    assigned = assignment.assign_needs(times, need, capacity)
    left = assigned.no_place + assigned.out_of_reach
    nearest_s = np.full(len(need), np.inf)
    with_room = np.flatnonzero(assigned.spare > _LEAST)
    for limit, rows in reach.rows_of_limit(service, standard, demand.points):
        wanting = rows[left[rows] > _LEAST]
        if len(wanting) and len(with_room):
            nearest_s[wanting] = _nearest_usable(
                service, limit.mode, wanting, with_room, demand, facilities, networks[limit.mode], search_limit_s
            )
    return Provision(service.id, service.capacity_unit or "", assigned, nearest_s)


def _nearest_usable(
    service: ServiceConfig,
    mode: str,
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    demand: Places,
    facilities: Places,
    network: Network,
    search_limit_s: float,
) -> Floats:
    """Return the seconds from some points to the nearest of some facilities that they may use."""
    here, there = demand.snapped[mode].take(rows), facilities.snapped[mode].take(columns)
    some = facilities.points.iloc[columns]
    direction = reach.DIRECTIONS[service.direction]
    is_open = ~reach.is_restricted(some)
    best = np.full(len(rows), np.inf)
    if is_open.any():
        near = travel.nearest(
            network, here, there.take(np.flatnonzero(is_open)), cutoff_s=search_limit_s, direction=direction
        )
        best = near.time_s[:, 0]
    if not is_open.all():
        people = reach.Places(demand.points.iloc[rows], {mode: here})
        places = reach.Places(some, {mode: there})
        own = reach.own_facility_times(people, places, network, direction, search_limit_s).tocoo()
        np.minimum.at(best, own.row, own.data)
    return best


def provision_table(provision: Provision, demand: Demand) -> pd.DataFrame:
    """Return the three numbers of every demand point that needs something (``tables.PROVISION``)."""
    found = provision.assignment
    need = found.served + found.no_place + found.out_of_reach
    rows = np.flatnonzero(need > 0.0)
    table = pd.DataFrame(
        {
            "demand_id": demand.points["demand_id"].to_numpy()[rows],
            "service": provision.service,
            "unit": provision.unit,
            "need": need[rows],
            "served": found.served[rows],
            "no_place": found.no_place[rows],
            "out_of_reach": found.out_of_reach[rows],
            "nearest_with_place_s": provision.nearest_with_place_s[rows],
        }
    )
    return table.astype(column_types(PROVISION))
