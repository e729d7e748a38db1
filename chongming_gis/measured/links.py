"""The network of levels that every village hangs on: its room, its township's centre, the district's institutions.

A link leads from the people of a village to the facility of their *own* village or township (or, at district level, to
any), by the headline standard of the service. It counts where enough of the village's people get there within it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chongming_gis import reach
from chongming_gis.config import BY_SETTLEMENT
from chongming_gis.coverage import DISTRICT, answers_of
from chongming_gis.measured.groundwork import Groundwork, Measured, Step
from chongming_gis.measured_tables import LINKS
from chongming_gis.reach import APPLIED, IGNORED, Places
from chongming_gis.tables import column_types, persons_column

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig, StudyConfig
    from chongming_gis.measuremodel import LinkConfig

    Floats = npt.NDArray[np.float64]
    Texts = npt.NDArray[np.object_]
    Rows = npt.NDArray[np.intp]

#: A link with one of these is missing; that a village without people has no facility is one too.
MISSING = ("none", "beyond", "unreached")
_SLACK = 1e-9  # a share's last bit must not break a link
_NOTHING = np.array(None, dtype=object)


@dataclass(frozen=True, slots=True)
class Ways:
    """How each demand point gets to the facility of its own area: one entry a point."""

    time_s: Floats  # inf = none, or not reached
    standard_s: Floats
    mode: Texts
    facility: Texts  # None = none
    elsewhere_s: Floats  # to the nearest facility of the service, wherever it is and whomever it serves

    def shorter(self, other: Ways) -> Ways:
        """Return for each point the way with the most time to spare before its limit, the first where equal."""
        takes = (other.time_s - other.standard_s < self.time_s - self.standard_s) & np.isfinite(other.time_s)
        return Ways(
            time_s=np.where(takes, other.time_s, self.time_s),
            standard_s=np.where(takes, other.standard_s, self.standard_s),
            mode=np.where(takes, other.mode, self.mode),
            facility=np.where(takes, other.facility, self.facility),
            elsewhere_s=np.minimum(self.elsewhere_s, other.elsewhere_s),
        )


def _is_asked(study: StudyConfig) -> bool:
    return study.measures.links is not None


def _measure(ground: Groundwork) -> Measured:
    asked = ground.study.measures.links
    if asked is None:
        return Measured()
    persons = ground.inputs.demand.persons[persons_column(asked.base, asked.group)].to_numpy(float)
    levels = [_link(ground, level, persons, asked.linked_from_share) for level in asked.levels]
    order = {level.id: number for number, level in enumerate(asked.levels)}
    table = pd.concat(levels, ignore_index=True)
    table = table.sort_values(["village_code", "level"], key=lambda c: c.map(order) if c.name == "level" else c)
    types = column_types(LINKS)
    return Measured(tables={LINKS.name: table[list(types)].astype(types).reset_index(drop=True)})


def _link(ground: Groundwork, level: LinkConfig, persons: Floats, from_share: float) -> pd.DataFrame:
    """Return the link of every village at one level."""
    first, *rest = (own_ways(ground, ground.study.service(name), level.area) for name in level.services)
    ways = first
    for other in rest:
        ways = ways.shorter(other)
    villages = known_villages(ground)
    found = summarise(ways, ground.demand.points["village_code"], persons, villages["village_code"])
    table = villages.assign(level=level.id, n_own=_count_own(ground, level, villages), **found)
    is_reached = np.isfinite(table["time_s"].to_numpy(float))
    within = table["share_within"].to_numpy(float) >= from_share - _SLACK
    conditions = [table["n_own"] == 0, table["persons"] == 0.0, within, is_reached]
    status = np.select(conditions, ["none", "nobody", "linked", "beyond"], "unreached")
    return table.assign(status=pd.Series(status, dtype="str"))


def known_villages(ground: Groundwork) -> pd.DataFrame:
    """Return every village by code, those that only demand names included."""
    listed = pd.DataFrame(ground.inputs.villages[["village_code", "name_zh", "township_code"]])
    points = ground.demand.points[["village_code", "township_code"]].dropna(subset="village_code")
    both = pd.concat([listed, points], ignore_index=True).drop_duplicates("village_code")
    found: pd.DataFrame = both.sort_values("village_code", ignore_index=True)
    return found


def _count_own(ground: Groundwork, level: LinkConfig, villages: pd.DataFrame) -> npt.NDArray[np.int64]:
    places = [ground.facilities[name].points for name in level.services if name in ground.facilities]
    if level.area == DISTRICT:
        return np.full(len(villages), sum(len(frame) for frame in places), dtype=np.int64)
    column = f"{level.area}_code"
    counts = pd.concat([frame[column] for frame in places]).value_counts() if places else pd.Series(dtype="int64")
    return villages[column].map(counts).fillna(0).to_numpy(np.int64)


def own_ways(ground: Groundwork, service: ServiceConfig, area: str) -> Ways:
    """Return the way of every demand point to the facility of its own village or township, or to any (district).

    Where the nearest facility that people may use (``access``) lies in their own area, that is the answer; only for the
    others is there a search of their own.
    """
    headline = service.standards[0]
    usable = answers_of(ground.access, service.id, headline.id, APPLIED)
    free = answers_of(ground.access, service.id, headline.id, IGNORED)
    nearest = free if len(free) else usable
    ways = Ways(
        time_s=usable["time_s"].to_numpy(float),
        standard_s=usable["standard_s"].to_numpy(float),
        mode=usable["mode"].to_numpy(object),
        facility=usable["facility_id"].astype(object).where(usable["facility_id"].notna(), None).to_numpy(object),
        elsewhere_s=nearest["time_s"].to_numpy(float),
    )
    if area == DISTRICT or service.id not in ground.facilities:
        return ways
    return _within_own_area(ground, service, area, ways)


def _within_own_area(ground: Groundwork, service: ServiceConfig, area: str, ways: Ways) -> Ways:
    column = f"{area}_code"
    facilities, points = ground.facilities[service.id], ground.demand.points
    area_of = facilities.points.set_index("facility_id")[column].to_dict()
    there = pd.Series(ways.facility, dtype=object).map(area_of).to_numpy(object)
    here = points[column].to_numpy(object)
    is_own = (there == here) & pd.notna(here)
    time_s = np.where(is_own, ways.time_s, np.inf)
    facility = np.where(is_own, ways.facility, _NOTHING)
    has_one = points[column].isin(facilities.points[column].dropna()).to_numpy(bool)
    asked = np.flatnonzero(~is_own & has_one)
    if len(asked):
        own = _search(ground, service, area, asked)
        time_s[asked], facility[asked] = own.time_s, own.facility
    return Ways(time_s, ways.standard_s, ways.mode, facility, ways.elsewhere_s)


@dataclass(frozen=True, slots=True)
class _Found:
    time_s: Floats
    facility: Texts


def _search(ground: Groundwork, service: ServiceConfig, area: str, asked: Rows) -> _Found:
    """Search from some demand points to the facilities of their own area that they may use."""
    facilities = ground.facilities[service.id]
    serves = facilities.points["serves"]
    own_only = facilities.points.assign(serves=serves.where(serves == "village", area))
    ids = facilities.points["facility_id"].to_numpy(object)
    time_s, facility = np.full(len(asked), np.inf), np.full(len(asked), None, dtype=object)
    people = ground.demand.points.iloc[asked]
    for limit, at in reach.rows_of_limit(service, service.standards[0], people):
        there = Places(own_only, {limit.mode: facilities.snapped[limit.mode]})
        here = Places(people.iloc[at], {limit.mode: ground.demand.snapped[limit.mode].take(asked[at])})
        pairs = reach.own_facility_times(
            here,
            there,
            ground.networks[limit.mode],
            reach.DIRECTIONS[service.direction],
            max(ground.study.search_limit_s, limit.limit_s),
        ).tocoo()
        order = np.lexsort((pairs.col, pairs.data, pairs.row))
        rows, first = np.unique(pairs.row[order], return_index=True)
        time_s[at[rows]] = pairs.data[order][first]
        facility[at[rows]] = ids[pairs.col[order][first]]
    return _Found(time_s, facility)


def summarise(ways: Ways, village_of: pd.Series, persons: Floats, villages: pd.Series) -> dict[str, npt.NDArray[Any]]:
    """Return how the people of each village get there, as columns of the table: its middle person stands for it.

    Parameters
    ----------
    village_of : the code of the village of each demand point (missing = none).
    persons : a number a demand point; points without persons do not count.
    villages : the codes to tell of.

    Notes
    -----
    The middle person is the first, by time, with at least half of the village at or below that time.
    """
    number = pd.Index(villages).get_indexer(pd.Index(village_of))
    counted = np.flatnonzero((number >= 0) & (persons > 0.0))
    n, at, weights = len(villages), number[counted], persons[counted]
    whole = np.bincount(at, weights, minlength=n)
    is_within = ways.time_s[counted] <= ways.standard_s[counted]
    within = np.bincount(at, weights * is_within, minlength=n)
    reaches = np.isfinite(ways.time_s[counted])
    no_one = whole == 0.0
    return {
        "persons": whole,
        "time_s": middle(ways.time_s[counted], at, weights, n),
        "share_within": np.minimum(np.divide(within, whole, out=np.full(n, np.nan), where=~no_one), 1.0),
        "elsewhere_s": middle(ways.elsewhere_s[counted], at, weights, n),
        "standard_s": _common_number(ways.standard_s[counted], at, n),
        "mode": _common_mode(ways.mode[counted], at, n),
        "facility_id": _most_common(ways.facility[counted][reaches], at[reaches], weights[reaches], n),
    }


def middle(values: Floats, group: Rows, weights: Floats, n_groups: int) -> Floats:
    """Return the weighted lower median of each group; NaN for a group without members. inf is a value."""
    found = np.full(n_groups, np.nan)
    order = np.lexsort((values, group))
    values, group, weights = values[order], group[order], weights[order]
    groups, first = np.unique(group, return_index=True)
    if not len(groups):
        return found
    running = np.cumsum(weights)
    before = np.concatenate([[0.0], running])[first]
    whole = np.add.reduceat(weights, first)
    half = np.repeat(before + 0.5 * whole, np.diff([*first, len(values)]))
    reached = running >= half * (1.0 - 1e-12)
    reached[np.append(first[1:], len(values)) - 1] = True  # a last bit must not push the median out of its group
    hits = np.flatnonzero(reached)
    found[groups] = values[hits[np.searchsorted(hits, first)]]
    return found


def _common_number(values: Floats, group: Rows, n_groups: int) -> Floats:
    """Return the number that all of a group have, NaN where they differ or there are none."""
    low, high = np.full(n_groups, np.inf), np.full(n_groups, -np.inf)
    np.minimum.at(low, group, values)
    np.maximum.at(high, group, values)
    return np.where(low == high, low, np.nan)


def _common_mode(modes: Texts, group: Rows, n_groups: int) -> Texts:
    names, codes = np.unique(modes.astype(str), return_inverse=True)
    low = np.full(n_groups, len(names), dtype=np.intp)
    high = np.full(n_groups, len(names), dtype=np.intp)
    high[group] = -1
    np.minimum.at(low, group, codes)
    np.maximum.at(high, group, codes)
    found = np.array([*names, None], dtype=object)[low]
    found[low < high] = BY_SETTLEMENT
    return found


def _most_common(values: Texts, group: Rows, weights: Floats, n_groups: int) -> Texts:
    """Return the value with the most weight in each group, the first by name where equal; None where there is none."""
    found = np.full(n_groups, None, dtype=object)
    table = pd.DataFrame({"group": group, "value": pd.Series(values, dtype="str"), "weight": weights})
    sums = table.groupby(["group", "value"], as_index=False, sort=True).agg(weight=("weight", "sum"))
    order = np.lexsort((-sums["weight"].to_numpy(float), sums["group"].to_numpy(np.intp)))  # stable: by name
    best = sums.iloc[order].drop_duplicates("group")
    found[best["group"].to_numpy(np.intp)] = best["value"].to_numpy(object)
    return found


STEP = Step(name="links", depth="daily", is_asked=_is_asked, measure=_measure)
