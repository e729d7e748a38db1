"""What changed between two results: coverage, indicators, who gained, who lost, and why.

Both results are taken as they are; nothing is computed anew. People are compared point by point where both results have
the same demand points, else by area only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from chongming_gis import crs
from chongming_gis.coverage import answers_of
from chongming_gis.errors import CrsError, InputFileError
from chongming_gis.reach import APPLIED
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chongming_gis.config import ServiceConfig, StandardConfig
    from chongming_gis.results import StudyResult

Cause = Literal["new_site", "closed", "standard", "road", "position", "people"]
CAUSES: tuple[Cause, ...] = ("new_site", "closed", "standard", "road", "position", "people")

LEAST_PERSONS = 1e-6  # sums of persons that differ by less are the same

_MOST_NAMED = 5
_SAME_PLACE_M = 1.0  # a table written and read again may differ in the last digit

_COVERAGE_KEY = ["scope", "scope_code", "service", "standard", "serves_rule", "group", "base"]
_INDICATOR_KEY = ["indicator_id", "target_set", "scope", "scope_code"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of two results: ``before`` and ``after`` as they were given."""

    before: StudyResult
    after: StudyResult
    coverage: pd.DataFrame  # the key of tables.COVERAGE, name_zh; persons, persons_covered and share of both, change
    indicators: pd.DataFrame  # the key of tables.INDICATORS, name_zh, unit; value and status of both
    facilities: (
        pd.DataFrame
    )  # facility_id, service, name_zh, township_code, change (new | gone | capacity | moved), detail
    points: pd.DataFrame  # demand_id, service, standard, change (gained | lost), cause, persons, time_s of both
    provision: pd.DataFrame  # service, unit; need, served, no_place and out_of_reach of both, over the district
    inputs: pd.DataFrame  # role, path and sha256 of both: the files that differ
    has_same_points: bool  # False: points is empty, because the two results count people at other places

    @property
    def services(self) -> list[ServiceConfig]:
        """The services of both results, as the second one has them."""
        known = {service.id for service in self.before.study.services}
        return [service for service in self.after.study.services if service.id in known]


def compare_results(before: StudyResult, after: StudyResult) -> Comparison:
    """Return what changed from one result to another.

    Raises
    ------
    InputFileError
        They have no service, or no township, in common.
    CrsError
        Their coordinates are in different CRSs.

    Notes
    -----
    The cause of a gain or a loss is the first that holds: the facility now nearest is new; the one that was nearest is
    gone; the standard's limit or mode changed; the road file changed; the facility moved; else people (whom a facility
    serves, or where they live).
    """
    known = {service.id for service in after.study.services}
    shared = [service.id for service in before.study.services if service.id in known]
    _refuse_unlike(before, after, shared)
    facilities = _facility_changes(before, after)
    same_points = _has_same_points(before, after)
    return Comparison(
        before=before,
        after=after,
        coverage=_coverage_changes(before, after),
        indicators=_indicator_changes(before, after),
        facilities=facilities,
        points=_point_changes(before, after, facilities, shared) if same_points else _no_points(),
        provision=_provision_changes(before, after),
        inputs=_input_changes(before, after),
        has_same_points=same_points,
    )


def _refuse_unlike(before: StudyResult, after: StudyResult, shared: list[str]) -> None:
    """Raise where two results have nothing in common that could have changed."""
    if not shared:
        raise InputFileError(
            "the two results have no service in common, so there is nothing to compare: "
            f"{before.study.id} has {_some(s.id for s in before.study.services)}; "
            f"{after.study.id} has {_some(s.id for s in after.study.services)}"
        )
    old, new = (crs.parse(result.demand.points.crs, where="a result") for result in (before, after))
    if old != new:
        raise CrsError(
            f"the two results are in different coordinate systems ({old.to_string()} and {new.to_string()}): write the "
            "same crs into both study files and run both again"
        )
    codes = [set(result.townships["township_code"]) for result in (before, after)]
    if all(codes) and not codes[0] & codes[1]:
        raise InputFileError(
            f"the two results are of different places: {before.study.id} has the townships {_some(codes[0])}; "
            f"{after.study.id} has {_some(codes[1])}"
        )


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = len(listed) - _MOST_NAMED
    return ", ".join(listed[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _of_district(table: pd.DataFrame, study_id: str) -> pd.DataFrame:
    """Return a table in which the district has the id of another study: the whole is the whole, whatever its name."""
    return table.assign(scope_code=table["scope_code"].mask(table["scope"] == "district", study_id))


def _coverage_changes(before: StudyResult, after: StudyResult) -> pd.DataFrame:
    numbers = ["persons", "persons_covered", "share_covered"]
    joined = before.coverage[[*_COVERAGE_KEY, "name_zh", *numbers]].merge(
        _of_district(after.coverage, before.study.id)[[*_COVERAGE_KEY, *numbers]],
        on=_COVERAGE_KEY,
        suffixes=("_before", "_after"),
    )
    return joined.assign(
        change_covered=joined["persons_covered_after"] - joined["persons_covered_before"],
        change_share=joined["share_covered_after"] - joined["share_covered_before"],
    )


def _indicator_changes(before: StudyResult, after: StudyResult) -> pd.DataFrame:
    kept = ["value", "target", "status"]
    return before.indicators[[*_INDICATOR_KEY, "name_zh", "unit", *kept]].merge(
        _of_district(after.indicators, before.study.id)[[*_INDICATOR_KEY, *kept]],
        on=_INDICATOR_KEY,
        suffixes=("_before", "_after"),
    )


def _facility_changes(before: StudyResult, after: StudyResult) -> pd.DataFrame:
    keys = ["service", "facility_id"]
    old, new = before.facilities.places, after.facilities.places
    joined = old.merge(new, on=keys, how="outer", suffixes=("_before", "_after"), indicator="side")
    both = joined[joined["side"] == "both"]
    moved_m = gpd.GeoSeries(both["geometry_before"]).distance(gpd.GeoSeries(both["geometry_after"]), align=False)
    moved = both[moved_m > _SAME_PLACE_M]
    parts = [
        _changed(joined[joined["side"] == "right_only"], "new", "after"),
        _changed(joined[joined["side"] == "left_only"], "gone", "before"),
        _changed(moved, "moved", "after", [f"{metres:.0f} m" for metres in moved_m[moved.index]]),
    ]
    capacity = before.facilities.capacity.merge(
        after.facilities.capacity, on=["facility_id", "unit"], suffixes=("_before", "_after")
    )
    capacity = capacity[capacity["value_before"] != capacity["value_after"]].merge(both, on="facility_id")
    said = [
        f"{unit}: {was:g} -> {now:g}"
        for unit, was, now in zip(capacity["unit"], capacity["value_before"], capacity["value_after"], strict=True)
    ]
    table = pd.concat([*parts, _changed(capacity, "capacity", "after", said)], ignore_index=True)
    return table.sort_values(["service", "change", "facility_id"], kind="stable").reset_index(drop=True)


def _provision_changes(before: StudyResult, after: StudyResult) -> pd.DataFrame:
    """Return what is needed and what finds a place in both results, service by service."""
    numbers = ["need", "served", "no_place", "out_of_reach"]
    keys = ["service", "unit"]
    old, new = (r.provision.groupby(keys, sort=False, as_index=False)[numbers].sum() for r in (before, after))
    return old.merge(new, on=keys, suffixes=("_before", "_after"))


def _input_changes(before: StudyResult, after: StudyResult) -> pd.DataFrame:
    """Return the files whose content differs, by what they are for."""
    kept = ["role", "path", "sha256"]
    tables = [pd.DataFrame(list(r.manifest.get("inputs") or ())).reindex(columns=kept) for r in (before, after)]
    old, new = (table.drop_duplicates("role") for table in tables)
    joined = old.merge(new, on="role", how="outer", suffixes=("_before", "_after"))
    return joined[joined["sha256_before"].ne(joined["sha256_after"])].reset_index(drop=True).astype("str")


def _changed(rows: pd.DataFrame, change: str, side: str, detail: list[str] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "facility_id": rows["facility_id"].to_numpy(),
            "service": rows["service"].to_numpy(),
            "name_zh": rows[f"name_zh_{side}"].to_numpy(),
            "township_code": rows[f"township_code_{side}"].to_numpy(),
            "change": change,
            "detail": [""] * len(rows) if detail is None else detail,
        }
    ).astype("str")


def _has_same_points(before: StudyResult, after: StudyResult) -> bool:
    old, new = before.demand.points["demand_id"], after.demand.points["demand_id"]
    return len(old) == len(new) and bool((old.to_numpy() == new.to_numpy()).all())


def _no_points() -> pd.DataFrame:
    texts = dict.fromkeys(["demand_id", "service", "standard", "change", "cause"], "str")
    numbers = dict.fromkeys(["persons", "time_s_before", "time_s_after"], "float64")
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in (texts | numbers).items()})


def _point_changes(
    before: StudyResult, after: StudyResult, facilities: pd.DataFrame, shared: list[str]
) -> pd.DataFrame:
    """Return everyone who is covered in one result and not in the other, by the headline standard of each service."""
    parts = [_no_points()]
    for service_id in shared:
        old, new = before.study.service(service_id), after.study.service(service_id)
        rows_before, rows_after = (
            answers_of(result.access, service_id, service.standards[0].id, APPLIED)
            for result, service in ((before, old), (after, new))
        )
        was, now = rows_before["covered"].to_numpy(bool), rows_after["covered"].to_numpy(bool)
        at = np.flatnonzero(was != now)
        if len(at) == 0:
            continue
        persons = after.demand.persons[persons_column(new.base, new.group)].to_numpy(float)
        mine = facilities[facilities["service"] == service_id]
        causes = _causes(rows_before.iloc[at], rows_after.iloc[at], mine, _general_cause(before, after, old, new))
        parts.append(
            pd.DataFrame(
                {
                    "demand_id": rows_after["demand_id"].to_numpy()[at],
                    "service": service_id,
                    "standard": new.standards[0].id,
                    "change": np.where(now[at], "gained", "lost"),
                    "cause": causes,
                    "persons": persons[at],
                    "time_s_before": rows_before["time_s"].to_numpy()[at],
                    "time_s_after": rows_after["time_s"].to_numpy()[at],
                }
            )
        )
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _causes(before: pd.DataFrame, after: pd.DataFrame, facilities: pd.DataFrame, general: Cause) -> list[Cause]:
    of_kind = {
        kind: set(facilities.loc[facilities["change"] == kind, "facility_id"]) for kind in ("new", "gone", "moved")
    }
    found: list[Cause] = []
    for was, now in zip(before["facility_id"], after["facility_id"], strict=True):
        if now in of_kind["new"]:
            found.append("new_site")
        elif was in of_kind["gone"]:
            found.append("closed")
        elif general == "people" and ({was, now} & of_kind["moved"]):
            found.append("position")
        else:
            found.append(general)
    return found


def _general_cause(before: StudyResult, after: StudyResult, old: ServiceConfig, new: ServiceConfig) -> Cause:
    """Return what else differs between the two results for a service."""
    if _asked(old.standards[0]) != _asked(new.standards[0]) or before.study.modes != after.study.modes:
        return "standard"
    if _digest(before, "roads") != _digest(after, "roads"):
        return "road"
    return "people"


def _asked(standard: StandardConfig) -> Mapping[str, tuple[str, float]]:
    return {limit.settlement: (limit.mode, limit.limit_s) for limit in standard.limits}


def _digest(result: StudyResult, role: str) -> str | None:
    entries = result.manifest.get("inputs") or ()
    return next((entry.get("sha256") for entry in entries if entry.get("role") == role), None)
