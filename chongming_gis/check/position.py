"""Whether places lie where they are said to lie: in the region, on dry land, in and near their township.

A place is called wrong only where it is farther off than its own and the areas' stated position quality allow.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from chongming_gis.check.material import metres

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt
    from shapely.geometry.base import BaseGeometry

    from chongming_gis.check.material import PlaceTable
    from chongming_gis.config import StudyConfig
    from chongming_gis.findings import Finding
    from chongming_gis.tables import StudyInputs

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Objects = npt.NDArray[np.object_]

WATER = ("water", "sea", "river", "lake", "pond", "canal", "reservoir", "tidal_flat")  # kinds of sources.land
DRY_LAND = ("coast", "land", "island")  # kinds that outline the dry land; where there are some, all else is water
ROADS_MARGIN_M = 5000.0  # without a region, a place this far from all roads is in the wrong coordinates
TOWNSHIP_MARGIN_M = 100.0  # planning assumption: boundaries are simplified; nearer than this is not "outside"
FAR_M = 8000.0  # planning assumption: no village of a township is farther than this from its seat
_SAME_PLACE_M = 0.01
_FEWEST_FOR_A_MIDDLE = 5
_TOWNSHIP_ENDS = ("街道办事处", "人民政府", "镇政府", "乡政府", "街道", "镇", "乡")


def judge_positions(table: PlaceTable, inputs: StudyInputs, study: StudyConfig) -> list[Finding]:
    """Return what is wrong with where the places of one input lie."""
    area = _study_area(inputs)
    inside = np.ones(len(table.frame), dtype=bool) if area is None else is_inside(table.frame, area)
    return [
        *_outside(table, ~inside, has_region=inputs.region is not None),
        *_in_water(table, inputs, study, inside),
        *_townships(table, inputs, study, inside),
        *_far_from_seat(table, inputs, inside),
    ]


def is_inside(frame: gpd.GeoDataFrame, area: BaseGeometry) -> Bools:
    """Return which places of a frame lie in an area, its border included to a centimetre (rounding)."""
    shapely.prepare(area)
    return np.asarray(shapely.dwithin(area, frame.geometry.to_numpy(), _SAME_PLACE_M), dtype=bool)


def _study_area(inputs: StudyInputs) -> BaseGeometry | None:
    """Return where places must lie, or None where neither region nor roads were read."""
    area: BaseGeometry | None = inputs.region
    if area is None and len(inputs.roads.edges):
        area = shapely.buffer(shapely.box(*inputs.roads.edges.total_bounds), ROADS_MARGIN_M)
    return area


def _outside(table: PlaceTable, lost: Bools, *, has_region: bool) -> list[Finding]:
    if has_region:
        message, rule = "lies outside the region", "outside_region"
    else:
        message, rule = "lies more than {margin} outside the roads", "far_from_roads"
    details = {} if has_region else {"margin": metres(ROADS_MARGIN_M)}
    advice = "check the datum and the order of lon and lat, or remove it"
    return table.findings(lost, message, rule=rule, severity="error", suggestion=advice, details=details)


def _in_water(table: PlaceTable, inputs: StudyInputs, study: StudyConfig, inside: Bools) -> list[Finding]:
    land = inputs.land
    if len(land) == 0 or len(table.frame) == 0:
        return []
    areal = shapely.get_dimensions(land.geometry.to_numpy()) == 2
    source = study.sources.land
    tolerance_m = np.maximum(table.quality_m, (source and source.position_quality_m) or 0.0)
    points = table.frame.geometry.to_numpy()
    water, dry = (land[areal & land["kind"].isin(kinds).to_numpy()] for kinds in (WATER, DRY_LAND))
    depth_m, kind = _depths(points, water)
    wet = inside & (depth_m > tolerance_m)
    found = table.findings(
        wet,
        "lies in {water}, {metres} from its edge",
        rule="in_water",
        suggestion="check its position",
        details={"water": [str(of) for of in kind[wet]], "metres": [metres(depth) for depth in depth_m[wet]]},
    )
    if len(dry) == 0:
        return found
    off_m = _distances(points, dry.geometry.to_numpy())
    off = inside & ~wet & (off_m > tolerance_m)
    return found + table.findings(
        off,
        "lies {metres} off the land",
        rule="off_land",
        suggestion="check its position",
        details={"metres": [metres(distance) for distance in off_m[off]]},
    )


def _depths(points: Objects, water: gpd.GeoDataFrame) -> tuple[Floats, Objects]:
    """Return how deep each point lies inside a water area (0 outside) and the name or kind of that area."""
    depth_m, named = np.zeros(len(points)), np.full(len(points), "", dtype=object)
    shapes = water.geometry.to_numpy()
    if len(shapes) == 0:
        return depth_m, named
    area, which = shapely.STRtree(points).query(shapes, predicate="intersects")  # this way round shapes are prepared
    depths = shapely.distance(points[which], shapely.boundary(shapes[area]))
    names = water["name_zh"].fillna(water["kind"]).to_numpy(object)
    order = np.argsort(depths, kind="stable")  # of several areas the one it lies deepest in
    depth_m[which[order]] = depths[order]
    named[which[order]] = names[area[order]]
    return depth_m, named


def _distances(points: Objects, shapes: Objects) -> Floats:
    """Return the distance of each point to the nearest shape, 0 inside one."""
    outside = np.ones(len(points), dtype=bool)
    outside[shapely.STRtree(points).query(shapes, predicate="intersects")[1]] = False
    distance_m = np.zeros(len(points))
    _, distance_m[outside] = shapely.STRtree(shapes).query_nearest(
        points[outside], return_distance=True, all_matches=False
    )
    return distance_m


def stated_townships(table: PlaceTable, townships: gpd.GeoDataFrame) -> pd.Series:
    """Return the code of the township each place is said to lie in: its code, else its township's name."""
    codes: pd.Series = table.frame["township_code"].astype("str")
    if "township_name" not in table.frame.columns or len(townships) == 0:
        return codes
    of_name = dict(zip(map(_stem, townships["name_zh"]), townships["township_code"], strict=True))
    named = table.frame["township_name"].map(lambda name: of_name.get(_stem(name)), na_action="ignore")
    filled: pd.Series = named.astype("str").fillna(codes)
    return filled


def _stem(name: object) -> str:
    """Return a township's name without spaces and without what offices add to it."""
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", str(name)))
    end = next((end for end in _TOWNSHIP_ENDS if text.endswith(end) and len(text) > len(end)), "")
    return text.removesuffix(end)


def _townships(table: PlaceTable, inputs: StudyInputs, study: StudyConfig, inside: Bools) -> list[Finding]:
    townships = inputs.townships
    if len(townships) == 0 or len(table.frame) == 0:
        return []
    codes = stated_townships(table, townships)
    known = {code: row for row, code in enumerate(townships["township_code"])}
    row = codes.map(known).fillna(-1).to_numpy(int)
    unknown = codes.notna().to_numpy() & (row < 0)
    found = table.findings(
        unknown,
        "names a township that the boundaries do not have",
        rule="township_unknown",
        column="township_code",
        suggestion="write a code of the boundaries",
    )
    found += table.findings(
        codes.isna().to_numpy() & inside,
        "lies in no township",
        rule="in_no_township",
        suggestion="check its position and the boundaries",
    )
    said = np.flatnonzero((row >= 0) & inside)
    points, shapes = table.frame.geometry.to_numpy(), townships.geometry.to_numpy()
    shapely.prepare(shapes)
    out = said[~shapely.intersects(shapes[row[said]], points[said])]
    off_m = np.zeros(len(points))
    off_m[out] = shapely.distance(shapes[row[out]], points[out])
    source = study.sources.townships
    tolerance_m = np.maximum(table.quality_m, (source and source.position_quality_m) or 0.0)
    outside = off_m > np.maximum(tolerance_m, TOWNSHIP_MARGIN_M)
    names = townships["name_zh"].to_numpy(object)
    found += table.findings(
        outside,
        "lies {metres} outside its township {township}, in {found}",
        rule="outside_township",
        column="township_name" if "township_name" in table.frame.columns else "township_code",
        suggestion="check the position or the township",
        details={
            "metres": [metres(distance) for distance in off_m[outside]],
            "township": [str(name) for name in names[row[outside]]],
            "found": _names_at(points[outside], shapes, names),
        },
    )
    return found


def _names_at(points: Objects, shapes: Objects, names: Objects) -> list[str]:
    """Return the name of the area each point lies in, a dash where it lies in none."""
    found = np.full(len(points), "—", dtype=object)
    area, which = shapely.STRtree(points).query(shapes, predicate="intersects")
    order = np.argsort(-area, kind="stable")  # of several areas the first
    found[which[order]] = names[area[order]]
    return [str(name) for name in found]


def _far_from_seat(table: PlaceTable, inputs: StudyInputs, inside: Bools) -> list[Finding]:
    """Return the places far from the seat of their township.

    The seat is the place of the same table that bears the township's name; where there is none and no boundary either,
    it is the middle (median) of the places of that township, if there are five.
    """
    column = "township_name" if "township_name" in table.frame.columns else "township_code"
    stated = table.frame[column]
    names = table.frame["name_zh"]
    if len(table.frame) == 0 or stated.isna().all():
        return []
    by_code = dict(zip(inputs.townships["township_code"], inputs.townships["name_zh"], strict=True))
    townships = stated if column == "township_name" else stated.map(by_code)
    x, y = table.frame.geometry.x, table.frame.geometry.y
    usable = pd.Series(inside) & stated.notna()
    is_seat = usable & townships.notna() & (names.map(_stem, na_action="ignore") == townships.map(_stem, "ignore"))
    xy = pd.DataFrame({"stated": stated, "x": x, "y": y})
    seat = xy[is_seat].groupby("stated")[["x", "y"]].first()
    groups = xy[usable].groupby("stated")[["x", "y"]]
    middle = groups.median()[groups.size() >= _FEWEST_FOR_A_MIDDLE]
    is_drawn = middle.index.isin(by_code) | middle.index.isin(by_code.values())
    centre = pd.concat([seat, middle[~middle.index.isin(seat.index) & ~is_drawn]]).reindex(stated)
    off_m = np.hypot(x.to_numpy() - centre["x"].to_numpy(), y.to_numpy() - centre["y"].to_numpy())
    far = usable.to_numpy() & (off_m > np.maximum(FAR_M, table.quality_m))
    return table.findings(
        far,
        "lies {metres} from {township}, its township",
        rule="far_from_town",
        column=column,
        suggestion="check the position or the township",
        details={
            "metres": [metres(distance) for distance in off_m[far]],
            "township": [str(a if pd.notna(a) else b) for a, b in zip(townships[far], stated[far], strict=True)],
        },
    )
