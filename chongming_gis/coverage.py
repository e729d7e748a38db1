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

from chongming_gis import reach, travel
from chongming_gis.reach import APPLIED, IGNORED, Places, rows_of_limit
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig, StandardConfig, StudyConfig
    from chongming_gis.network import Network
    from chongming_gis.tables import Demand

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Claims = npt.NDArray[np.bool_]

DISTRICT = "district"


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
    rules = (APPLIED, IGNORED) if reach.is_restricted(facilities.points).any() else (APPLIED,)
    longest_s = max(limit.limit_s for standard in service.standards for limit in standard.limits)
    search_limit_s = max(search_limit_s, longest_s)
    answers: list[_Answer] = []
    for rule in rules:
        found = {mode: _reach(service, demand, facilities, networks[mode], rule, search_limit_s) for mode in modes}
        asked = dict.fromkeys((limit.mode, limit.limit_s) for entry in service.standards for limit in entry.limits)
        within = {
            (mode, limit_s): _count(service, found[mode], demand, facilities, networks[mode], limit_s)
            for mode, limit_s in asked
        }
        answers += [_answer(service, standard, demand, found, within, rule) for standard in service.standards]
    n, n_answers = len(demand.points), len(answers)
    number = np.repeat(np.arange(n_answers), n)
    time_s, limit_s = (np.concatenate([getattr(a, name) for a in answers]) for name in ("time_s", "limit_s"))
    return pd.DataFrame(
        {
            "demand_id": _texts(demand.points["demand_id"], np.tile(np.arange(n), n_answers)),
            "service": _texts([service.id], np.zeros(n * n_answers, dtype=np.intp)),
            "standard": _texts([answer.standard.id for answer in answers], number),
            "serves_rule": _texts([answer.rule for answer in answers], number),
            "mode": _texts(modes, np.concatenate([np.searchsorted(modes, a.modes)[a.limit] for a in answers])),
            "standard_s": limit_s,
            "time_s": time_s,
            "facility_id": _texts(facilities.points["facility_id"], np.concatenate([a.facility for a in answers])),
            "covered": time_s <= limit_s,
            "n_within": np.concatenate([answer.n_within for answer in answers]).astype(np.int64),
        }
    )


def nearest_usable_s(
    service: ServiceConfig, *, demand: Places, facilities: Places, network: Network, search_limit_s: float
) -> Floats:
    """Return the seconds from each demand point to its nearest usable facility by one mode (inf = none within)."""
    return _reach(service, demand, facilities, network, APPLIED, search_limit_s).time_s


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
    questions = list(_questions(access, study, len(demand.points)))
    shares = [_shares(unit, question, demand.persons) for question in questions for unit in units]
    sizes = [len(part.persons) for part in shares]
    question = np.repeat(np.repeat(np.arange(len(questions)), len(units)), sizes)
    unit = np.repeat(np.tile(np.arange(len(units)), len(questions)), sizes)
    first = np.cumsum([0, *(len(entry.codes) for entry in units)])[unit]  # of the unit's areas in the lists of all
    area = first + np.concatenate([part.area for part in shares])
    column = np.concatenate([part.column for part in shares])
    bases, groups = zip(*(name.split(":") for name in demand.persons.columns), strict=True)
    standards = [entry.standard for entry in questions]
    limits = [np.nan if s.common_limit_s is None else s.common_limit_s for s in standards]
    return pd.DataFrame(
        {
            "scope": _texts([entry.scope for entry in units], unit),
            "scope_code": _texts([code for entry in units for code in entry.codes], area),
            "name_zh": _texts([name for entry in units for name in entry.names], area),
            "service": _texts([entry.service.id for entry in questions], question),
            "standard": _texts([standard.id for standard in standards], question),
            "serves_rule": _texts([entry.rule for entry in questions], question),
            "mode": _texts([standard.mode_label for standard in standards], question),
            "group": _texts(groups, column),
            "base": _texts(bases, column),
            "standard_s": np.array(limits, dtype=float)[question],
            "persons": np.concatenate([part.persons for part in shares]),
            "persons_covered": np.concatenate([part.covered for part in shares]),
            "share_covered": np.concatenate([part.share for part in shares]),
        }
    )


def answers_of(access: pd.DataFrame, service_id: str, standard_id: str, rule: str) -> pd.DataFrame:
    """Return the rows of one question of an access table, one a demand point."""
    for name, value in {"service": service_id, "standard": standard_id, "serves_rule": rule}.items():
        rows = np.flatnonzero((access[name] == value).to_numpy(bool))
        if len(rows) and rows[-1] - rows[0] + 1 == len(rows):  # as measured: a slice copies no text
            access = access.iloc[rows[0] : rows[-1] + 1]
        else:
            access = access.take(rows)
    return access.reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class _Question:
    """One standard of a service under one serves rule, and who is covered by it (1 or 0, a number a demand point)."""

    service: ServiceConfig
    standard: StandardConfig
    rule: str
    covered: Floats


def _questions(access: pd.DataFrame, study: StudyConfig, n_points: int) -> Iterator[_Question]:
    """Yield the questions of an access table; each has one row a demand point, in the order of the points."""
    keys = access[["service", "standard", "serves_rule"]].iloc[::n_points]
    covered = access["covered"].to_numpy(float)
    for number, (service_id, standard_id, rule) in enumerate(keys.itertuples(index=False)):
        service = study.service(str(service_id))
        standard = next(s for s in service.standards if s.id == standard_id)
        yield _Question(service, standard, str(rule), covered[number * n_points : (number + 1) * n_points])


def _reach(
    service: ServiceConfig,
    demand: Places,
    facilities: Places,
    network: Network,
    rule: str,
    search_limit_s: float,
) -> _Reach:
    """Search from the facilities open to all at once, and from the restricted ones towards their own people."""
    direction = reach.DIRECTIONS[service.direction]
    here, there = demand.snapped[network.mode.name], facilities.snapped[network.mode.name]
    restricted = reach.is_restricted(facilities.points) & (rule == APPLIED)
    open_to_all = np.flatnonzero(~restricted)
    near = travel.nearest(network, here, there.take(open_to_all), cutoff_s=search_limit_s, direction=direction)
    time_s = near.time_s[:, 0]
    facility = np.full(len(here), -1, dtype=np.int32)
    found = near.destination[:, 0] >= 0
    facility[found] = open_to_all[near.destination[found, 0]]
    if not restricted.any():
        return _Reach(time_s, facility, None, open_to_all)
    pairs = reach.own_facility_times(demand, facilities, network, direction, search_limit_s)
    own_time, own = _row_minimum(pairs)
    takes_own = (own >= 0) & ((own_time < time_s) | ((own_time == time_s) & ((facility < 0) | (own < facility))))
    return _Reach(np.where(takes_own, own_time, time_s), np.where(takes_own, own, facility), pairs, open_to_all)


def _row_minimum(pairs: sparse.csr_matrix) -> tuple[Floats, Ints]:
    """Return the smallest stored value of each row and its column (inf, -1 for an empty row), ties to the left."""
    time = np.full(pairs.shape[0], np.inf)
    column = np.full(pairs.shape[0], -1, dtype=np.int32)
    sizes = np.diff(pairs.indptr)
    rows = np.flatnonzero(sizes)
    if len(rows):
        first = pairs.indptr[rows]
        time[rows] = np.minimum.reduceat(pairs.data, first)
        is_least = pairs.data == np.repeat(time, sizes)
        column[rows] = np.minimum.reduceat(np.where(is_least, pairs.indices, pairs.shape[1]), first)
    return time, column


@dataclass(frozen=True, slots=True)
class _Answer:
    """One standard under one serves rule: numbers a demand point."""

    standard: StandardConfig
    rule: str
    limit: Ints  # which of the standard's limits the point is measured by
    limit_s: Floats
    time_s: Floats
    facility: Ints
    n_within: Ints

    @property
    def modes(self) -> list[str]:
        """The mode of each limit."""
        return [limit.mode for limit in self.standard.limits]


def _answer(
    service: ServiceConfig,
    standard: StandardConfig,
    demand: Places,
    reached: Mapping[str, _Reach],
    within: Mapping[tuple[str, float], Ints],
    rule: str,
) -> _Answer:
    """Return what a standard finds: each point measured by the mode and limit of its settlement class.

    ``within`` has the number of usable facilities of every point by mode and limit.
    """
    n = len(demand.points)
    which = np.full(n, -1, dtype=np.int32)
    limit_s, time_s = np.zeros(n), np.full(n, np.inf)
    facility, n_within = np.full(n, -1, dtype=np.int32), np.zeros(n, dtype=np.int32)
    for number, (limit, at) in enumerate(rows_of_limit(service, standard, demand.points)):
        found = reached[limit.mode]
        which[at], limit_s[at] = number, limit.limit_s
        time_s[at], facility[at] = found.time_s[at], found.facility[at]
        n_within[at] = within[limit.mode, limit.limit_s][at]
    return _Answer(standard, rule, which, limit_s, time_s, facility, n_within)


def _texts(values: Sequence[str | None] | pd.Series, at: npt.NDArray[np.integer]) -> pd.Series:
    """Return a text column that repeats a few values; -1 = missing. Making it from objects takes ten times as long."""
    distinct = values if isinstance(values, pd.Series) else pd.Series(list(values), dtype="str")
    return pd.Series(distinct.array.take(at, allow_fill=True))


def _count(
    service: ServiceConfig,
    found: _Reach,
    demand: Places,
    facilities: Places,
    network: Network,
    limit_s: float,
) -> Ints:
    """Return how many facilities each demand point may use within a limit."""
    name, n = network.mode.name, len(demand.points)
    count = travel.count_within(
        network,
        demand.snapped[name],
        facilities.snapped[name].take(found.open_to_all),
        limit_s=np.full(n, limit_s),
        direction=reach.DIRECTIONS[service.direction],
    )
    if found.pairs is not None:
        row = np.repeat(np.arange(n), np.diff(found.pairs.indptr))
        count = count + np.bincount(row[found.pairs.data <= limit_s], minlength=n).astype(np.int32)
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


@dataclass(frozen=True, slots=True)
class _Shares:
    """The figures of one question in the areas of one scope, area by area: arrays (n areas x n columns,)."""

    area: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]  # of the persons table
    persons: Floats
    covered: Floats
    share: Floats


def _shares(units: _Units, question: _Question, persons: pd.DataFrame) -> _Shares:
    own = persons_column(question.service.base, question.service.group)
    columns = np.arange(persons.shape[1])
    if units.scope == "village":
        columns = persons.columns.get_indexer(pd.Index([own]))
    counts = persons.to_numpy(float)[:, columns]
    total = units.member @ counts
    # a sum's last bit must not exceed the whole
    reached = np.minimum(units.member @ (counts * question.covered[:, np.newaxis]), total)
    share = np.divide(reached, total, out=np.full_like(total, np.nan), where=total > 0)
    n_areas, n_columns = total.shape
    return _Shares(
        area=np.repeat(np.arange(n_areas), n_columns),
        column=np.tile(columns, n_areas),
        persons=total.ravel(),
        covered=reached.ravel(),
        share=share.ravel(),
    )
