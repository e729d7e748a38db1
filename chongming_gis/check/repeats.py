"""Places given twice: the same name near by, or several on one spot."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from chongming_gis.check.material import metres

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from chongming_gis.check.material import PlaceTable
    from chongming_gis.findings import Finding

    Ints = npt.NDArray[np.intp]
    Objects = npt.NDArray[np.object_]
    Pairs = tuple[Ints, Ints, npt.NDArray[np.float64]]  # rows of both, metres between them

SAME_NAME_M = 300.0  # planning assumption: two of one name and service nearer than this are one
SAME_SPOT_M = 3.0  # planning assumption: two of one service nearer than this are one
_MOST_PAIRS = 2_000_000  # of places on one spot: a file of one point alone is told elsewhere


def judge_repeats(table: PlaceTable) -> list[Finding]:
    """Return the facilities of one service that seem to be given twice."""
    frame = table.frame
    points = frame.geometry.to_numpy()
    one, other = _pairs(points, SAME_NAME_M)
    names = frame["name_zh"].map(_plain, na_action="ignore").to_numpy(object)
    same_name = (names[one] == names[other]) & pd.notna(names[one])
    distance_m = shapely.distance(points[one], points[other])
    same_site = _same_site(frame, one, other)
    repeated = same_name
    on_spot = ~same_name & (distance_m <= SAME_SPOT_M) & ~same_site
    ids = frame[table.key].to_numpy(object)
    found = _of_pairs(
        table,
        (one[repeated], other[repeated], distance_m[repeated]),
        ids,
        "has the same name as {other} (row {other_row}), {metres} away",
        rule="same_name_near",
    )
    return found + _of_pairs(
        table,
        (one[on_spot], other[on_spot], distance_m[on_spot]),
        ids,
        "stands on the same spot as {other} (row {other_row})",
        rule="same_spot",
    )


def judge_shared_spots(tables: Mapping[str, PlaceTable]) -> list[Finding]:
    """Return a note on facilities of different services that share a spot but no site_id."""
    if len(tables) < 2:
        return []
    parts = list(tables.values())
    frame = pd.concat([part.frame.assign(_part=number) for number, part in enumerate(parts)], ignore_index=True)
    one, other = _pairs(frame.geometry.to_numpy(), SAME_SPOT_M)
    owner = frame["_part"].to_numpy()
    apart = (owner[one] != owner[other]) & ~_same_site(frame, one, other)
    shared = np.unique(np.concatenate([one[apart], other[apart]]))
    starts = np.cumsum([0, *(len(part.frame) for part in parts)])
    found = []
    for number, part in enumerate(parts):
        mine = shared[(shared >= starts[number]) & (shared < starts[number + 1])]
        if len(mine):
            said = "{n} facilities share their spot with one of another service without a common site_id"
            found.append(part.source.finding(said, rule="shared_spot", severity="note", details={"n": str(len(mine))}))
    return found


def judge_repeated_people(table: PlaceTable, persons: pd.DataFrame) -> list[Finding]:
    """Return demand points that are given twice: the same spot, the same name and the same persons."""
    x, y = (values.round(1) for values in (table.frame.geometry.x, table.frame.geometry.y))
    known = pd.DataFrame({"x": x, "y": y, "name": table.frame["name_zh"].fillna("")})
    rows = pd.concat([known, persons.reset_index(drop=True)], axis=1)
    peopled = persons.sum(axis=1).to_numpy() > 0
    return table.findings(
        rows.duplicated(keep="first").to_numpy() & peopled,
        "repeats another point: same spot, name and persons",
        rule="people_repeated",
        suggestion="remove one of the two",
    )


def _of_pairs(table: PlaceTable, pairs: Pairs, ids: Objects, message: str, *, rule: str) -> list[Finding]:
    """Return one finding a place, about the nearest of the places it repeats; of a pair the later id is told."""
    one, other, distance_m = pairs
    if len(one) == 0:
        return []
    later = np.where(ids[one].astype(str) > ids[other].astype(str), one, other)
    earlier = np.where(later == one, other, one)
    order = np.lexsort((ids[earlier].astype(str), distance_m, later))
    rows, first = np.unique(later[order], return_index=True)
    chosen = order[first]
    faulty = np.zeros(len(ids), dtype=bool)
    faulty[rows] = True
    others = ids[earlier[chosen]].astype(str).tolist()
    details = {"other": others, "other_row": [str(table.row_of.get(place, "—")) for place in others]}
    if "{metres}" in message:
        details["metres"] = [metres(distance) for distance in distance_m[chosen]]
    return table.findings(
        faulty,
        message,
        rule=rule,
        column="name_zh",
        suggestion="remove one of the two, or give both the same site_id if they are two",
        details=details,
    )


def _pairs(points: npt.NDArray[np.object_], within_m: float) -> tuple[Ints, Ints]:
    """Return the pairs of different points within a distance, each once."""
    tree = shapely.STRtree(points)
    one, other = tree.query(points, predicate="dwithin", distance=within_m)
    once = one < other
    one, other = one[once], other[once]
    return one[:_MOST_PAIRS], other[:_MOST_PAIRS]


def _same_site(frame: pd.DataFrame, one: Ints, other: Ints) -> npt.NDArray[np.bool_]:
    site = frame["site_id"].to_numpy(object)
    return np.asarray((site[one] == site[other]) & pd.notna(site[one]), dtype=bool)


def _plain(name: object) -> str:
    """Return a name in half-width letters without spaces."""
    return "".join(unicodedata.normalize("NFKC", str(name)).split()).casefold()
