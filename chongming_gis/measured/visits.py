"""Visits to people who live alone: how many each point has to visit, and who lives beyond the standard of one.

Everyone is visited from the nearest point that may visit them. Where points serve their own village only, both answers
are given: with this rule applied (villages without a point are reached by none), and with it ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis.coverage import answers_of
from chongming_gis.measured.groundwork import Groundwork, Measured, Step
from chongming_gis.measured.links import known_villages, middle
from chongming_gis.measured_tables import VISITS, VISITS_BEYOND
from chongming_gis.reach import APPLIED, IGNORED
from chongming_gis.tables import column_types, persons_column

if TYPE_CHECKING:
    from chongming_gis.config import StudyConfig
    from chongming_gis.tables import Contract


def _is_asked(study: StudyConfig) -> bool:
    return study.measures.visits is not None


def _measure(ground: Groundwork) -> Measured:
    asked = ground.study.measures.visits
    if asked is None:
        return Measured()
    service = ground.study.service(asked.service)
    persons = ground.inputs.demand.persons[persons_column(asked.base, asked.group)].to_numpy(float)
    loads, beyond = [], []
    for rule in (APPLIED, IGNORED):
        answers = answers_of(ground.access, service.id, service.standards[0].id, rule)
        if len(answers):
            asks = _asks(ground, answers, persons)
            loads.append(_loads(ground, service.id, asks).assign(serves_rule=rule))
            beyond.append(_beyond(ground, asks).assign(serves_rule=rule))
    return Measured(tables={VISITS.name: _joined(loads, VISITS), VISITS_BEYOND.name: _joined(beyond, VISITS_BEYOND)})


def _asks(ground: Groundwork, answers: pd.DataFrame, persons: np.ndarray) -> pd.DataFrame:
    """Return the demand points where someone is to be visited: persons, village, point, seconds, whether too late."""
    table = pd.DataFrame(
        {
            "persons": persons,
            "village_code": ground.demand.points["village_code"].to_numpy(object),
            "facility_id": answers["facility_id"].to_numpy(object),
            "time_s": answers["time_s"].to_numpy(float),
            "is_beyond": ~answers["covered"].to_numpy(bool),
        }
    )
    return table[table["persons"] > 0.0].reset_index(drop=True)


def _loads(ground: Groundwork, service_id: str, asks: pd.DataFrame) -> pd.DataFrame:
    """Return every point with whom it visits; those that visit nobody have no time."""
    visited = asks[np.isfinite(asks["time_s"])]
    weighted = visited.assign(
        beyond=visited["persons"] * visited["is_beyond"], way=visited["persons"] * visited["time_s"]
    )
    sums = weighted.groupby("facility_id").agg(
        persons=("persons", "sum"), n_villages=("village_code", "nunique"), persons_beyond=("beyond", "sum"),
        way=("way", "sum"), farthest_s=("time_s", "max"),
    )  # fmt: skip
    points = ground.facilities[service_id].points[["facility_id", "name_zh", "township_code", "village_code"]]
    table = pd.DataFrame(points).merge(sums, on="facility_id", how="left")
    counts = ["persons", "n_villages", "persons_beyond"]
    table[counts] = table[counts].fillna(0.0)
    return table.assign(time_s=table["way"] / table["persons"].where(table["persons"] > 0.0))


def _beyond(ground: Groundwork, asks: pd.DataFrame) -> pd.DataFrame:
    """Return every village with who is to be visited there, who of them too far away, and who by nobody."""
    villages = known_villages(ground)
    at = pd.Index(villages["village_code"]).get_indexer(pd.Index(asks["village_code"]))
    inside = np.flatnonzero(at >= 0)
    at, persons, time_s = at[inside], asks["persons"].to_numpy(float)[inside], asks["time_s"].to_numpy(float)[inside]
    is_beyond, reaches = asks["is_beyond"].to_numpy(bool)[inside], np.isfinite(time_s)
    n = len(villages)
    return villages.assign(
        persons=np.bincount(at, persons, minlength=n),
        persons_beyond=np.bincount(at, persons * (is_beyond & reaches), minlength=n),
        persons_unreached=np.bincount(at, persons * ~reaches, minlength=n),
        time_s=middle(time_s, at, persons, n),
    )


def _joined(parts: list[pd.DataFrame], contract: Contract) -> pd.DataFrame:
    types = column_types(contract)
    return pd.concat(parts, ignore_index=True)[list(types)].astype(types)


STEP = Step(name="visits", depth="daily", is_asked=_is_asked, measure=_measure)
