"""The verdict on what was read: faults that stop a run, and warnings that the report prints.

Pure: the readers report what they met, this judges how the inputs fit together. A finding says where, what, and what
to do; a verdict adds a traffic light for each input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chongming_gis import datum_evidence
from chongming_gis.check import amounts, areas, position, reach, repeats, roads, written
from chongming_gis.check.material import DEMAND, demand_table, facilities_role, facility_tables, input_of
from chongming_gis.check.position import is_inside
from chongming_gis.check.reach import BINS_M, OnRoads, SnapHistogram
from chongming_gis.check.verdict import (
    COLOURS,
    STUDY,
    Colour,
    InputFile,
    Light,
    Verdict,
    finding_of,
    group,
    grouped_records,
    in_order,
    make_verdict,
    record_of,
    sentences,
)
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    from chongming_gis.config import StudyConfig
    from chongming_gis.findings import Finding
    from chongming_gis.tables import StudyInputs

__all__ = [
    "BINS_M",
    "COLOURS",
    "DEMAND",
    "STUDY",
    "Colour",
    "InputFile",
    "Light",
    "OnRoads",
    "SnapHistogram",
    "Verdict",
    "facilities_role",
    "finding_of",
    "group",
    "grouped_records",
    "in_order",
    "is_inside",
    "judge",
    "judge_on_roads",
    "make_verdict",
    "measure_distances",
    "record_of",
    "sentences",
]


def judge(inputs: StudyInputs, study: StudyConfig, *, unread: frozenset[str] = frozenset()) -> list[Finding]:
    """Return every finding about the inputs of a study, errors first.

    Parameters
    ----------
    unread : roles of inputs that could not be read and are empty here: nothing is said about them.
    """
    found: list[Finding] = []
    people = demand_table(inputs, study)
    if DEMAND not in unread:
        found += position.judge_positions(people, inputs, study)
        found += amounts.judge_people(people, inputs, study)
        found += repeats.judge_repeated_people(people, inputs.demand.persons)
        found += written.judge_datum(people, inputs.roads.edges, study.sources.roads)
        if study.sources.demand.path.suffix.lower() == ".csv":
            found += written.judge_written(people)
    tables = facility_tables(inputs, study)
    for service_id, table in tables.items():
        found += position.judge_positions(table, inputs, study)
        found += areas.judge_serving(table)
        found += repeats.judge_repeats(table)
        found += amounts.judge_capacities(table, inputs.facilities[service_id].capacity)
        found += written.judge_written(table)
        found += written.judge_datum(table, inputs.roads.edges, study.sources.roads)
    found += repeats.judge_shared_spots(tables)
    found += areas.judge_areas(inputs, study, unread=unread)
    found += areas.judge_dates(study)
    found += _untold_datum(study)
    return in_order(found, _roles(study))


def judge_on_roads(
    inputs: StudyInputs, study: StudyConfig, on_roads: OnRoads, *, unread: frozenset[str] = frozenset()
) -> list[Finding]:
    """Return every finding about the networks and about how places meet them, errors first."""
    modes = [network.mode for network in on_roads.networks.values()]
    found = roads.judge_classes(inputs.roads, modes, study)
    found += roads.judge_networks(on_roads.networks, study)
    if DEMAND not in unread:
        persons = inputs.demand.persons[_counted(study)].to_numpy(float)
        found += reach.judge_people_off_road(demand_table(inputs, study), on_roads.demand, persons)
    for service_id, table in facility_tables(inputs, study).items():
        found += reach.judge_facilities_off_road(table, on_roads.facilities.get(service_id, {}))
    return in_order(found, _roles(study))


def measure_distances(inputs: StudyInputs, study: StudyConfig, on_roads: OnRoads) -> list[SnapHistogram]:
    """Return how far people and facilities are from the roads, by input and mode."""
    persons = inputs.demand.persons[_counted(study)].to_numpy(float)
    found = [
        reach.histogram(DEMAND, mode, snapped, persons) for mode, snapped in on_roads.demand.items() if len(persons)
    ]
    for service_id, by_mode in on_roads.facilities.items():
        role = facilities_role(service_id)
        found += [reach.histogram(role, mode, snapped, None) for mode, snapped in by_mode.items()]
    return found


def _counted(study: StudyConfig) -> str:
    """Return the column of persons that shares of people are told in: the largest group of the first base."""
    base = study.bases[0].id
    groups = [group for group in study.groups if base in group.columns]
    largest = max(groups, key=lambda group: len(group.columns[base]), default=None)
    service = study.services[0]
    return persons_column(base, largest.id) if largest else persons_column(service.base, service.group)


def _roles(study: StudyConfig) -> list[str]:
    roles = ["roads", DEMAND, "townships", "villages", "land", "region"]
    return [*roles, *(facilities_role(service.id) for service in study.services)]


def _untold_datum(study: StudyConfig) -> list[Finding]:
    """Return a note where the roads cannot bear out the datum that tables declare."""
    source = study.sources.roads
    declared = [study.sources.demand.datum, *(service.facilities.datum for service in study.services)]
    coarse = source.position_quality_m is not None and source.position_quality_m > datum_evidence.WORST_ROADS_M
    if not any(declared) or not (source.kind == "schematic" or coarse):
        return []
    why = "schematic" if source.kind == "schematic" else "coarse"
    said = f"the datum that tables declare cannot be told from the roads, because they are {why}"
    advice = "make sure which map or survey the coordinates were taken from"
    return [input_of("roads", source).finding(said, rule=f"datum_untold_{why}", severity="note", suggestion=advice)]
