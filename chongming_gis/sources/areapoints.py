"""Totals of areas put on points: over support points where there are some, else on one point of the area.

A point that several tables use is one point with the persons of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from chongming_gis.findings import Finding
from chongming_gis.sources import spread
from chongming_gis.sources.surroundings import clip, without

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.sources.surroundings import Surroundings, Zones

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Objects = npt.NDArray[np.object_]

MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Counted:
    """What one table counts: persons of areas."""

    level: str
    area: Ints  # row of the zones of the level, each once, ascending
    township: Objects  # the code of each area's township
    counts: pd.DataFrame  # columns of persons, in the order of ``area``
    settlement: Objects  # the class that the table tells, or None
    findings: list[Finding]
    report: dict[str, Any]
    where: str


@dataclass(frozen=True, slots=True)
class Placed:
    """Points with the persons of one table or all."""

    ids: list[str]
    points: Objects
    village: Objects
    township: Objects
    name: Objects
    settlement: Objects  # None = by rule
    is_dense: Bools
    counts: pd.DataFrame


def place_people(
    counted: list[Counted],
    support: spread.Support,
    fine: Zones,
    zones: dict[str, Zones],
    *,
    around: Surroundings,
    wet: shapely.Geometry | None,
    whole: bool,
) -> tuple[Placed, list[Finding]]:
    """Return the people of all tables on the support points, and on a point of their own where an area has none."""
    placed: list[Placed] = []
    findings: list[Finding] = []
    for entry in counted:
        areas = zones[entry.level]
        of_point = _areas_of_points(support, fine, areas)
        known = pd.Series(np.arange(len(entry.area)), index=entry.area).reindex(of_point).to_numpy()
        mine = np.flatnonzero(~np.isnan(known))
        row = known[mine].astype(np.int64)
        counts = entry.counts.to_numpy(dtype=float)
        values = spread.share_out(counts, row, support.weight[mine], whole=whole)
        placed.append(_on_support(support, mine, values, row, entry, fine))
        alone = np.setdiff1d(np.flatnonzero(counts.any(axis=1)), row)
        if len(alone):
            placed.append(_on_surface(alone, entry, areas, around=around, wet=wet))
            if len(support.ids):
                findings += _unsupported(entry.area[alone], areas, entry.where)
    return _joined(placed), findings


def _areas_of_points(support: spread.Support, fine: Zones, areas: Zones) -> Ints:
    """Return the row of a table's areas for each support point, -1 where it has none."""
    if areas.level == fine.level:
        return support.area
    row_of = {code: row for row, code in enumerate(areas.code.tolist())}
    return np.array([row_of.get(fine.township[area], -1) for area in support.area.tolist()], dtype=np.int64)


def _on_support(support: spread.Support, mine: Ints, values: Floats, row: Ints, entry: Counted, fine: Zones) -> Placed:
    area = support.area[mine]
    is_village = fine.level == "village"
    return Placed(
        ids=[support.ids[point] for point in mine.tolist()],
        points=support.points[mine],
        village=fine.code[area] if is_village else np.full(len(mine), None, dtype=object),
        township=fine.township[area],
        name=fine.name[area],
        settlement=entry.settlement[row],
        is_dense=support.is_dense[mine],
        counts=pd.DataFrame(values, columns=entry.counts.columns),
    )


def _on_surface(
    alone: Ints, entry: Counted, areas: Zones, *, around: Surroundings, wet: shapely.Geometry | None
) -> Placed:
    """Return one point an area: on its dry land, else anywhere in it; where an area is a point, that."""
    area = entry.area[alone]
    shapes = areas.geometry[area]
    inside = clip(shapes, around.region)
    dry = without(inside, wet)
    best = np.where(~shapely.is_empty(dry), dry, np.where(~shapely.is_empty(inside), inside, shapes))
    is_village = areas.level == "village"
    return Placed(
        ids=[f"{areas.level}-{code}" for code in areas.code[area].tolist()],
        points=np.asarray(shapely.point_on_surface(best), dtype=object),
        village=areas.code[area] if is_village else np.full(len(area), None, dtype=object),
        township=areas.township[area],
        name=areas.name[area],
        settlement=entry.settlement[alone],
        is_dense=np.zeros(len(area), dtype=bool),
        counts=entry.counts.iloc[alone].reset_index(drop=True),
    )


def _unsupported(area: Ints, areas: Zones, where: str) -> list[Finding]:
    polygonal = shapely.get_dimensions(areas.geometry[area]) == 2
    names = [f"{areas.name[row]} ({areas.code[row]})" for row in area[polygonal].tolist()]
    if not names:
        return []
    shown = ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")
    return [
        Finding(
            "warning",
            where,
            f"nothing in {len(names)} {areas.level}(s) tells where people live (no cell, road or building), so all are "
            f"put on one point: {shown}",
            "check the file that spreads them, or the areas",
            rule=f"{areas.level}_without_support",
            details={"number": str(len(names)), "names": shown},
        )
    ]


def _joined(placed: list[Placed]) -> Placed:
    """Return all tables' points as one set: a point that several tables use is one point."""
    ids = np.concatenate([np.array(part.ids, dtype=object) for part in placed])
    counts = pd.concat([part.counts for part in placed], ignore_index=True).fillna(0.0)
    keys, first, group = np.unique(ids.astype(str), return_index=True, return_inverse=True)
    sums = counts.groupby(group).sum()

    def of(name: str) -> Objects:
        values: Objects = np.concatenate([getattr(part, name) for part in placed])
        return values

    told = pd.Series(of("settlement"), dtype=object)
    settlement = told.groupby(group).first().reindex(range(len(keys))).to_numpy(dtype=object)
    return Placed(
        ids=keys.tolist(),
        points=of("points")[first],
        village=of("village")[first],
        township=of("township")[first],
        name=of("name")[first],
        settlement=settlement,
        is_dense=of("is_dense").astype(bool)[first],
        counts=sums.reset_index(drop=True),
    )
