"""How much of each service people can use when others use it too: the questions of ``[measures.accessibility]``.

Here settlement classes, modes and needs become the times, catchments, demand and supply that ``accessibility`` takes;
the arithmetic is there. Facilities that serve one village or township count for its own people only. How evenly the
scores are spread is measured in ``fair``, from the same table and in the same step.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from chongming_gis import accessibility, provision, reach
from chongming_gis.config import ALL_CLASSES, LimitConfig, StandardConfig
from chongming_gis.errors import StudyError
from chongming_gis.measured import fair
from chongming_gis.measured.groundwork import Measured, Step
from chongming_gis.measured_tables import ACCESSIBILITY
from chongming_gis.measuremodel import AccessConfig, CatchmentConfig
from chongming_gis.tables import column_types, persons_column
from chongming_gis.units import seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig, StudyConfig
    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.tables import Demand, Facilities

    Floats = npt.NDArray[np.float64]
    ByClass = Mapping[str, tuple[CatchmentConfig, ...]]

FACILITIES = "facilities"  # the unit where facilities are counted
_UNIT_OF_METHOD = {"raam": "cost", "closest": "seconds", "gravity": "supply", "cumulative": "supply"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what it is asked of: the catchments of each settlement class, demand and supply in one unit."""

    config: AccessConfig
    service: ServiceConfig
    catchments: ByClass  # by settlement class that occurs; within one, the modes by share
    unit: str
    demand: Floats
    supply: Floats


@dataclass(frozen=True, slots=True)
class _Leg:
    """What some of the people of each settlement class travel by: seconds, their share and catchment by origin."""

    seconds: sparse.csr_matrix
    share: Floats
    limit_s: Floats

    def within(self) -> sparse.csr_matrix:
        """Return which pairs are in the catchment."""
        limit_s = np.repeat(self.limit_s, np.diff(self.seconds.indptr))
        claims = (self.seconds.data <= limit_s).astype(float)
        shape = self.seconds.shape
        found = sparse.csr_matrix((claims, self.seconds.indices.copy(), self.seconds.indptr.copy()), shape=shape)
        found.eliminate_zeros()
        return found


def measure_accessibility(ground: Groundwork) -> Measured:
    """Return the scores of every question of the study, and how evenly they are spread where it asks that.

    Raises
    ------
    StudyError
        No facility states capacity in the unit of a question; every such question is listed.
    """
    asked = _asked(ground)
    pairs = _times_by_service_and_mode(ground, asked)
    scores = pd.concat([_scores(question, ground, pairs) for question in asked], ignore_index=True)
    tables = {ACCESSIBILITY.name: scores.astype(column_types(ACCESSIBILITY))}
    if ground.study.measures.fairness is not None:
        tables["fairness"] = fair.measure_fairness(
            scores, ground.study.measures.fairness, study=ground.study, demand=ground.inputs.demand
        )
    return Measured(tables)


STEP = Step("accessibility", "daily", lambda study: study.measures.accessibility is not None, measure_accessibility)


def catchments_of(question: AccessConfig, study: StudyConfig) -> tuple[CatchmentConfig, ...]:
    """Return how far people go in a question: its own catchments, else the service's headline standard."""
    if question.catchments:
        return question.catchments
    limits = study.service(question.service).standards[0].limits
    return tuple(
        CatchmentConfig(settlement=limit.settlement, mode=limit.mode, minutes=limit.minutes) for limit in limits
    )


def unit_of(question: AccessConfig, study: StudyConfig) -> str:
    """Return the unit of a question's supply: a capacity unit, or ``facilities``."""
    if question.unit is not None:
        return question.unit
    unit = study.service(question.service).capacity_unit if question.demand == "need" else None
    return unit or FACILITIES


def supply_of(facilities: Facilities, unit: str) -> Floats:
    """Return what each facility gives: its capacity in a unit, 0 where it states none; 1 where they are counted."""
    return np.ones(len(facilities.places)) if unit == FACILITIES else provision.capacity_of(facilities, unit)


def demand_of(question: AccessConfig, study: StudyConfig, unit: str, demand: Demand) -> Floats:
    """Return what each demand point asks for: its need in a unit, or the people whom the service is for."""
    if question.demand == "need":
        return provision.needs_of(study, question.service, unit, demand)
    service = study.service(question.service)
    return demand.persons[persons_column(service.base, service.group)].to_numpy(float)


def _asked(ground: Groundwork) -> list[Asked]:
    study, faults, found = ground.study, [], []
    classes = sorted(set(ground.demand.points["settlement_class"].astype(str)))
    for question in study.measures.accessibility.questions if study.measures.accessibility else ():
        unit, facilities = unit_of(question, study), ground.inputs.facilities[question.service]
        stated = set(facilities.capacity["unit"])
        if unit not in {FACILITIES, *stated} and len(facilities.places):
            there = ", ".join(sorted(stated)) or "none"
            faults.append(
                f"measures.accessibility.questions.{question.id}: no facility of {question.service} states capacity in "
                f"{unit}; its file has {there}"
            )
        by_class: dict[str, tuple[CatchmentConfig, ...]] = {}
        for name in classes:
            of_class = [entry for entry in catchments_of(question, study) if entry.settlement in {name, ALL_CLASSES}]
            by_class[name] = tuple(sorted(of_class, key=lambda entry: (-entry.share, entry.mode)))
            if not of_class:
                faults.append(
                    f"measures.accessibility.questions.{question.id}: no catchment for settlement class {name}"
                )
        demand = demand_of(question, study, unit, ground.inputs.demand)
        service = study.service(question.service)
        found.append(Asked(question, service, by_class, unit, demand, supply_of(facilities, unit)))
    if faults:
        raise StudyError("; ".join(faults))
    return found


def _times_by_service_and_mode(ground: Groundwork, asked: Sequence[Asked]) -> dict[tuple[str, str], sparse.csr_matrix]:
    """Return the seconds of all pairs that some question may use: searched once, as far as the widest catchment."""
    widest: dict[tuple[str, str], dict[str, float]] = {}
    for question in asked:
        for name, entries in question.catchments.items():
            for entry in entries:
                by_class = widest.setdefault((question.service.id, entry.mode), {})
                by_class[name] = max(by_class.get(name, 0.0), entry.limit_s)
    return {key: _usable_times(ground, *key, by_class) for key, by_class in widest.items()}


def _usable_times(
    ground: Groundwork, service_id: str, mode: str, limit_s_by_class: Mapping[str, float]
) -> sparse.csr_matrix:
    """Return the seconds to what people of some settlement classes may use: CSR (n demand, n facilities)."""
    points, facilities = ground.demand.points, ground.facilities[service_id]
    shape = (len(points), len(facilities.points))
    rows = np.flatnonzero(points["settlement_class"].astype(str).isin(list(limit_s_by_class)).to_numpy())
    if not (len(rows) and shape[1]):
        return sparse.csr_matrix(shape)
    limits = [
        LimitConfig(settlement=name, mode=mode, minutes=seconds_to_minutes(seconds))
        for name, seconds in sorted(limit_s_by_class.items())
    ]
    reached = StandardConfig(id="widest", name_zh="-", name_en="-", source="-", limits=tuple(limits))
    people = reach.Places(points.iloc[rows], {mode: ground.demand.snapped[mode].take(rows)})
    found = reach.usable_times(
        ground.study.service(service_id), reached, demand=people, facilities=facilities, networks=ground.networks
    )
    return _spread_rows(found, rows, shape)


def _spread_rows(found: sparse.csr_matrix, rows: npt.NDArray[np.intp], shape: tuple[int, int]) -> sparse.csr_matrix:
    """Return a matrix of more rows, in which the found ones stand at their places; a stored 0 stays one."""
    per_row = np.zeros(shape[0], dtype=np.int64)
    per_row[rows] = np.diff(found.indptr)
    indptr = np.concatenate([[0], np.cumsum(per_row)])
    return sparse.csr_matrix((found.data, found.indices, indptr), shape=shape)


def _scores(question: Asked, ground: Groundwork, pairs: Mapping[tuple[str, str], sparse.csr_matrix]) -> pd.DataFrame:
    legs = _legs(question, ground, pairs)
    config = question.config
    modes = [accessibility.Mode(leg.seconds, leg.share, catchment_s=leg.limit_s) for leg in legs]
    score = getattr(accessibility, config.method)(modes, question.demand, question.supply, **config.more)
    within = functools.reduce(lambda one, other: one.maximum(other), (leg.within() for leg in legs))
    per_demand = "supply_per_need" if config.demand == "need" else "supply_per_person"
    return pd.DataFrame(
        {
            "demand_id": ground.demand.points["demand_id"].to_numpy(),
            "question": config.id,
            "service": config.service,
            "method": config.method,
            "unit": question.unit,
            "demand": question.demand,
            "score": score,
            "score_unit": _UNIT_OF_METHOD.get(config.method, per_demand),
            "reachable_supply": within @ question.supply,
            "n_reachable": np.diff(within.indptr),
        }
    )


def _legs(question: Asked, ground: Groundwork, pairs: Mapping[tuple[str, str], sparse.csr_matrix]) -> list[_Leg]:
    """Return the times by mode: the first holds what most people of each settlement class use, and so on.

    Classes that differ in their mode still make one leg where nobody has a choice, as methods for one mode want it.
    """
    settlement = ground.demand.points["settlement_class"].astype(str).to_numpy()
    n_legs = max((len(entries) for entries in question.catchments.values()), default=0)
    legs = []
    for leg in range(n_legs):
        share, limit_s = np.zeros(len(settlement)), np.zeros(len(settlement))
        seconds: sparse.csr_matrix | None = None
        for name, entries in question.catchments.items():
            if leg >= len(entries):
                continue
            here = settlement == name
            share[here], limit_s[here] = entries[leg].share, entries[leg].limit_s
            own = _only_rows(pairs[question.service.id, entries[leg].mode], here)
            seconds = own if seconds is None else _stacked(seconds, own)
        assert seconds is not None  # noqa: S101  # some class has as many modes as there are legs
        legs.append(_Leg(seconds, share, limit_s))
    return legs


def _only_rows(matrix: sparse.csr_matrix, kept: npt.NDArray[np.bool_]) -> sparse.csr_matrix:
    """Return a matrix with nothing stored in the other rows."""
    per_row = np.diff(matrix.indptr)
    stored = np.repeat(kept, per_row)
    indptr = np.concatenate([[0], np.cumsum(np.where(kept, per_row, 0))])
    return sparse.csr_matrix((matrix.data[stored], matrix.indices[stored], indptr), shape=matrix.shape)


def _stacked(one: sparse.csr_matrix, other: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return two matrices with no row in common as one; adding them would drop a stored 0."""
    one_coo, other_coo = one.tocoo(), other.tocoo()
    where = (np.concatenate([one_coo.row, other_coo.row]), np.concatenate([one_coo.col, other_coo.col]))
    joined = sparse.csr_matrix((np.concatenate([one_coo.data, other_coo.data]), where), shape=one.shape)
    joined.sort_indices()
    return joined
