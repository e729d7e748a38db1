"""What a gazetteer knows of places: townships, villages, named roads and facilities with their positions and names."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from chongming_gis.sources.addresses import Lexicon, Ref
from chongming_gis.sources.arearows import TOWNSHIP_ENDS, stem
from chongming_gis.sources.namedroads import NamedRoads, named_roads
from chongming_gis.sources.placenames import (
    NearNames,
    bare_village_name,
    one_spelling,
    township_names,
    village_names,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import geopandas as gpd
    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Objects = npt.NDArray[np.object_]

#: How far a village reaches around a point that stands for it; planning assumption.
VILLAGE_REACH_M = 1000.0
#: How far from the junction an address at a road crossing lies; planning assumption.
JUNCTION_REACH_M = 50.0
_SHORTEST_FACILITY = 4  # shorter names of facilities (超市) are words, not names


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """The study's own places in its metric CRS, and how good their positions are (metres; none = not said)."""

    townships: gpd.GeoDataFrame
    villages: gpd.GeoDataFrame
    edges: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    townships_quality_m: float | None = None
    villages_quality_m: float | None = None
    roads_quality_m: float | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Places of one kind: a point for each, how far from it what bears its name may lie, and its area."""

    names: tuple[str, ...]
    codes: tuple[str, ...]
    township: Ints  # row of the townships, -1 = not known
    points: Objects
    quality_m: Floats
    areas: Objects  # polygons, or None
    outline_quality_m: float = 0.0  # how far off the outlines may be

    def in_township(self, rows: Iterable[int], township: int | None) -> tuple[int, ...]:
        """Return those of some rows that lie in a township; all where none is given."""
        return tuple(row for row in rows if township is None or self.township[row] == township)


@dataclass(frozen=True, slots=True)
class Atlas:
    """Places and the names they are known by."""

    townships: Places
    villages: Places
    facilities: Places
    roads: NamedRoads
    roads_quality_m: float
    lexicon: Lexicon
    township_columns: Mapping[str, tuple[int, ...]]  # what a column of townships may hold, codes and 堡 included
    village_columns: Mapping[str, tuple[int, ...]]
    near: Mapping[str, NearNames]  # by kind
    by_village_name: Mapping[str, tuple[int, ...]]
    by_road_name: Mapping[str, int]
    township_tree: shapely.STRtree

    def townships_of_road(self, road: int) -> tuple[int, ...]:
        """Return the townships that a road runs through (by more than a point), by row."""
        lines = shapely.multilinestrings(self.roads.lines[self.roads.edges[road]])
        found = sorted(self.township_tree.query(lines, predicate="intersects").tolist())
        return tuple(
            row for row in found if self.roads.middle_in(road, "township", row, self.townships.areas[row]) is not None
        )

    def village_label(self, row: int) -> str:
        """Return a village's name with its township in brackets."""
        return _with_township(village_names(self.villages.names[row])[0], self.villages.township[row], self.townships)

    def facility_label(self, row: int) -> str:
        """Return a facility's name with its township in brackets."""
        return _with_township(self.facilities.names[row], self.facilities.township[row], self.townships)


def _with_township(name: str, township: int, townships: Places) -> str:
    return f"{name} ({townships.names[township]})" if township >= 0 else name


def make_atlas(known: KnownPlaces, aliases: pd.DataFrame | None = None, *, regions: tuple[str, ...] = ()) -> Atlas:
    """Return the names and positions of a study's places.

    Parameters
    ----------
    known : the places; facilities carry their township_code where it is known.
    aliases : columns ``alias``, ``name`` and ``township`` (may be missing); names that nothing bears are left out.
    regions : names of province, city and district without 省, 市, 区: what may stand before a township.

    Notes
    -----
    The quality of a village or township is the distance from its middle to its farthest corner, joined with the
    quality of its outline as the root of the sum of squares.
    """
    townships = _areas(known.townships, "township_code", _zero(known.townships_quality_m), None)
    villages = _areas(known.villages, "village_code", _zero(known.villages_quality_m), townships)
    facilities = _facilities(known.facilities, townships)
    roads = named_roads(known.edges)
    names, bare = _names(townships, villages, facilities, roads)
    township_columns, village_columns = _columns(townships, villages, bare)
    for alias, refs in _alias_refs(aliases, names, townships, villages):
        names[alias] |= refs
        for ref in refs:
            if ref.kind in {"township", "village"}:
                (township_columns if ref.kind == "township" else village_columns)[alias].add(ref.row)
    return Atlas(
        townships=townships,
        villages=villages,
        facilities=facilities,
        roads=roads,
        roads_quality_m=_zero(known.roads_quality_m),
        lexicon=Lexicon(
            {name: tuple(sorted(refs)) for name, refs in names.items()}, _settled(bare), tuple(sorted(regions))
        ),
        township_columns=_settled(township_columns),
        village_columns=_settled(village_columns),
        near={
            "township": NearNames.of(townships.names),
            "village": NearNames.of(village_names(name)[0] for name in villages.names),
            "road": NearNames.of(roads.names),
        },
        by_village_name=_settled(_grouped((village_names(name)[0], row) for row, name in enumerate(villages.names))),
        by_road_name={name: row for row, name in enumerate(roads.names)},
        township_tree=shapely.STRtree(townships.areas),
    )


def _zero(quality_m: float | None) -> float:
    return 0.0 if quality_m is None else quality_m


def _settled(sets: Mapping[str, set[int]]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(sorted(rows)) for name, rows in sets.items()}


def _grouped(pairs: Iterable[tuple[str, int]]) -> defaultdict[str, set[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for name, row in pairs:
        found[name].add(row)
    return found


def _areas(frame: gpd.GeoDataFrame, key: str, quality_m: float, townships: Places | None) -> Places:
    frame = frame.sort_values(key, kind="stable")
    codes = tuple(frame[key].astype("str"))
    shapes = frame.geometry.to_numpy()
    is_area = shapely.get_dimensions(shapes) == 2
    points, reach_m = shapes.copy(), np.full(len(shapes), VILLAGE_REACH_M)
    if is_area.any():
        middle = shapely.centroid(shapes[is_area])
        outside = ~shapely.contains(shapes[is_area], middle)
        middle[outside] = shapely.point_on_surface(shapes[is_area][outside])
        points[is_area] = middle
        reach_m[is_area] = shapely.hausdorff_distance(shapely.boundary(shapes[is_area]), middle)
    areas = shapes.copy()
    areas[~is_area] = None
    own = np.arange(len(codes)) if townships is None else _township_rows(frame["township_code"], townships)
    return Places(
        tuple(frame["name_zh"].astype("str")), codes, own, points, np.hypot(reach_m, quality_m), areas, quality_m
    )


def _township_rows(code: pd.Series, townships: Places) -> Ints:
    row_of = {code: row for row, code in enumerate(townships.codes)}
    return np.array([row_of.get(value, -1) for value in code.tolist()], dtype=np.int64)


def _facilities(frame: gpd.GeoDataFrame, townships: Places) -> Places:
    frame = frame.sort_values("facility_id", kind="stable")
    return Places(
        names=tuple(frame["name_zh"].astype("str")),
        codes=tuple(frame["facility_id"].astype("str")),
        township=_township_rows(frame["township_code"], townships),
        points=frame.geometry.to_numpy(),
        quality_m=frame["position_quality_m"].to_numpy(dtype=float, na_value=np.nan),
        areas=np.full(len(frame), None, dtype=object),
    )


def _names(
    townships: Places, villages: Places, facilities: Places, roads: NamedRoads
) -> tuple[defaultdict[str, set[Ref]], defaultdict[str, set[int]]]:
    """Return who bears each name, and the villages by their names without 村."""
    names: defaultdict[str, set[Ref]] = defaultdict(set)
    for row, name in enumerate(townships.names):
        for spelling in township_names(name):
            names[spelling].add(Ref("township", row))
    for row, name in enumerate(villages.names):
        for spelling in village_names(name):
            names[spelling].add(Ref("village", row))
    for row, name in enumerate(roads.names):
        names[name].add(Ref("road", row))
    for row, name in enumerate(facilities.names):
        spelling = one_spelling(name)
        if len(spelling) >= _SHORTEST_FACILITY:
            names[spelling].add(Ref("facility", row))
    return names, _grouped((bare_village_name(name), row) for row, name in enumerate(villages.names))


def _columns(
    townships: Places, villages: Places, bare: Mapping[str, set[int]]
) -> tuple[defaultdict[str, set[int]], defaultdict[str, set[int]]]:
    """Return what the columns of townships and villages may hold besides what an address may: codes and bare names."""
    of_townships: defaultdict[str, set[int]] = defaultdict(set)
    for row, (name, code) in enumerate(zip(townships.names, townships.codes, strict=True)):
        for text in (*township_names(name), stem(name, TOWNSHIP_ENDS), code, code.removesuffix("000"), f"{code}000"):
            of_townships[text].add(row)
    of_villages: defaultdict[str, set[int]] = defaultdict(set, {name: set(rows) for name, rows in bare.items()})
    for row, (name, code) in enumerate(zip(villages.names, villages.codes, strict=True)):
        for text in (*village_names(name), code):
            of_villages[text].add(row)
    return of_townships, of_villages


def _alias_refs(
    aliases: pd.DataFrame | None, names: Mapping[str, set[Ref]], townships: Places, villages: Places
) -> list[tuple[str, set[Ref]]]:
    """Return what each alias stands for, in every spelling of it."""
    found: list[tuple[str, set[Ref]]] = []
    if aliases is None:
        return found
    within = {spelling: row for row, name in enumerate(townships.names) for spelling in township_names(name)}
    rows = zip(aliases["alias"], aliases["name"], aliases["township"], strict=True)
    for alias, name, township in rows:
        refs = set(names.get(one_spelling(name), ()))
        row = within.get(one_spelling(township)) if isinstance(township, str) else None
        if row is not None:
            refs = {ref for ref in refs if ref.kind != "village" or villages.township[ref.row] == row}
        kinds = {ref.kind for ref in refs}
        spellings = {one_spelling(alias)}
        if kinds == {"village"}:
            spellings |= set(village_names(alias))
        elif kinds == {"township"}:
            spellings |= set(township_names(alias))
        found += [(spelling, refs) for spelling in sorted(spellings)]
    return found
