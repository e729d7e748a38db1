"""One address weighed against the atlas: the finest place it names for certain, or why there is none.

From fine to coarse: a facility of that name, a junction of two roads, a road within its village or township, a village,
and (only where the study allows it) a township. Whatever contradicts itself, or could be several places, is not placed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import shapely

from chongming_gis.sources.addresses import Address, read_address
from chongming_gis.sources.atlas import JUNCTION_REACH_M
from chongming_gis.sources.placenames import bare_village_name, one_spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chongming_gis.sources.addresses import Kind
    from chongming_gis.sources.atlas import Atlas, Places

Coarsest = Literal["village", "township"]
#: Planning assumption: what may lie farther off than this is no place, unless the study takes townships' middles too.
COARSEST_M = 6000.0
_MOST_NAMED = 5
#: What an address says that its row's name cannot mend.
_DECIDED = {"place_contradicts", "place_ambiguous", "place_elsewhere", "road_ambiguous", "road_elsewhere"}


class Asked(NamedTuple):
    """What a table says of where a row lies; empty = nothing."""

    name_zh: str
    address: str
    township_name: str
    village_name: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a row lies and by which rule, or (without a point) by which rule it could not be placed."""

    rule: str
    column: str = ""  # the column that told
    details: Mapping[str, str] = field(default_factory=dict)  # what fills the blanks of the rule's text
    point: shapely.Point | None = None
    quality_m: float = math.nan
    township: int = -1
    village: int = -1


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What one column's text names, seen with the township that is known."""

    atlas: Atlas
    column: str
    address: Address
    township: int | None
    village: int | None = None

    @property
    def township_name(self) -> str:
        return "" if self.township is None else self.atlas.townships.names[self.township]

    @property
    def unknown(self) -> list[tuple[Kind, str]]:
        """The villages and roads that the text names and nobody knows."""
        villages: list[tuple[Kind, str]] = [("village", name) for name in self.address.unknown_villages]
        return [*villages, *(("road", name) for name in self.address.unknown_roads)]

    def lost(self, rule: str, **details: str) -> Outcome:
        """Return that the row cannot be placed."""
        return Outcome(rule, self.column, details)

    def found(self, rule: str, point: shapely.Point, quality_m: float, **details: str) -> Outcome:
        """Return the place; what the text names besides and nobody knows is told with it."""
        unknown = [_with_near(self, kind, name) for kind, name in self.unknown]
        if unknown and rule != "located_facility":
            rule, details = f"{rule}_but", {**details, "unknown": "、".join(unknown)}
        shown = "—" if math.isnan(quality_m) else f"{quality_m:.0f}"
        return Outcome(
            rule,
            self.column,
            {**details, "metres": shown},
            point,
            quality_m,
            -1 if self.township is None else self.township,
            -1 if self.village is None else self.village,
        )


def find_place(asked: Asked, atlas: Atlas, *, coarsest: Coarsest) -> Outcome:
    """Return where a row of a table lies, by its address and columns, else by its name."""
    found = _find_place(asked, atlas, coarsest=coarsest)
    if coarsest == "township" or found.point is None or not found.quality_m > COARSEST_M:
        return found
    return Outcome("place_too_vague", found.column, {"metres": f"{found.quality_m:.0f}"})


def _find_place(asked: Asked, atlas: Atlas, *, coarsest: Coarsest) -> Outcome:
    if not any(asked):
        return Outcome("place_empty")
    township = _township_of_column(asked.township_name, atlas)
    if isinstance(township, Outcome):
        return township
    same_name = _facility_of_name(asked, atlas, township)
    if same_name is not None:
        return same_name
    first = _by_text("address", asked.address, asked, atlas, township=township, coarsest=coarsest)
    if first.point is not None and not first.rule.startswith("located_township"):
        return first
    if first.rule in _DECIDED or not asked.name_zh:
        return first
    stated = replace_none(township, read_address(asked.address, atlas.lexicon))
    second = _by_text("name_zh", asked.name_zh, asked, atlas, township=stated, coarsest=coarsest)
    if second.point is not None and not second.rule.startswith("located_township"):
        return second
    return first if first.rule != "place_empty" else second


def replace_none(township: int | None, address: Address) -> int | None:
    """Return the township that is known, else the only one that an address names."""
    rows = {row for mention in address.of("township") for row in mention.rows}
    return township if township is not None or len(rows) != 1 else rows.pop()


def _township_of_column(text: str, atlas: Atlas) -> int | Outcome | None:
    if not text:
        return None
    rows: tuple[int, ...] = atlas.township_columns.get(one_spelling(text), ())
    if not rows:
        rows = tuple({row for mention in read_address(text, atlas.lexicon).of("township") for row in mention.rows})
    if len(rows) == 1:
        return rows[0]
    if rows:
        return _ambiguous(text, [atlas.townships.names[row] for row in sorted(rows)], "township_name")
    near = atlas.near["township"].near(one_spelling(text))
    details = {"name": text, "near": "、".join(near)}
    return Outcome("place_township_unknown_near" if near else "place_township_unknown", "township_name", details)


def _ambiguous(name: str, candidates: Iterable[str], column: str) -> Outcome:
    return Outcome("place_ambiguous", column, {"name": name, "candidates": _listed(candidates)})


def _listed(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    more = f" … ({len(found)})" if len(found) > _MOST_NAMED else ""
    return "、".join(found[:_MOST_NAMED]) + more


def _facility_of_name(asked: Asked, atlas: Atlas, township: int | None) -> Outcome | None:
    """Return the place of the only facility that bears the row's whole name and does not contradict its township."""
    refs = atlas.lexicon.names.get(one_spelling(asked.name_zh), ()) if asked.name_zh else ()
    rows = [ref.row for ref in refs if ref.kind == "facility"]
    if not rows:
        return None
    address = read_address(asked.address, atlas.lexicon)
    stated = replace_none(township, address)
    fitting = atlas.facilities.in_township(rows, stated)
    if len(_places_apart(atlas.facilities, fitting)) != 1 or address.of("village") or asked.village_name:
        return None  # what the address says decides
    evidence = _Evidence(atlas, "name_zh", Address(), stated)
    return _at_facility(evidence, fitting[0])


def _places_apart(places: Places, rows: tuple[int, ...]) -> set[tuple[float, float]]:
    return {(places.points[row].x, places.points[row].y) for row in rows}


def _at_facility(evidence: _Evidence, row: int) -> Outcome:
    places = evidence.atlas.facilities
    township = int(places.township[row])
    at = replace(evidence, township=township if township >= 0 else evidence.township)
    return at.found(
        "located_facility", places.points[row], float(places.quality_m[row]), place=evidence.atlas.facility_label(row)
    )


def _by_text(
    column: str, text: str, asked: Asked, atlas: Atlas, *, township: int | None, coarsest: Coarsest
) -> Outcome:
    address = read_address(text, atlas.lexicon) if text else Address()
    named = sorted({row for mention in address.of("township") for row in mention.rows})
    if len(named) > 1:
        names = [atlas.townships.names[row] for row in named]
        return Outcome("place_contradicts", column, {"first": names[0], "second": names[1]})
    if named and township is not None and named[0] != township:
        names = [atlas.townships.names[township], atlas.townships.names[named[0]]]
        return Outcome("place_contradicts", column, {"first": names[0], "second": names[1]})
    if named:
        township = named[0]
    evidence = _Evidence(atlas, column, address, township)
    facility = _facility_in(evidence)
    if facility is not None:
        return facility
    village = _village(evidence, asked.village_name)
    if isinstance(village, Outcome):
        return village
    if village is not None:
        of = int(atlas.villages.township[village])
        evidence = replace(evidence, village=village, township=of if of >= 0 else township)
    return _on_road(evidence) or _in_area(evidence, coarsest)


def _facility_in(evidence: _Evidence) -> Outcome | None:
    places = evidence.atlas.facilities
    if evidence.column == "name_zh":
        return None  # a branch bears the name of its house, and stands elsewhere
    for mention in evidence.address.of("facility"):
        rows = places.in_township(mention.rows, evidence.township)
        if len(_places_apart(places, rows)) == 1:
            return _at_facility(evidence, rows[0])
    return None


def _village(evidence: _Evidence, column: str) -> int | Outcome | None:
    """Return the village that the column or the text names, None where neither names one, else why it is not known."""
    found: list[int] = []
    mentions: list[tuple[str, str, tuple[int, ...]]] = []
    if column:
        mentions.append(("village_name", column, _rows_of_column(column, evidence.atlas)))
    mentions += [(evidence.column, mention.text, mention.rows) for mention in evidence.address.of("village")]
    for where, text, rows in mentions:
        one = _one_village(replace(evidence, column=where), text, rows)
        if isinstance(one, Outcome):
            return one
        found.append(one)
    if len(set(found)) > 1:
        first, second = (evidence.atlas.village_label(row) for row in found[:2])
        if found[0] == found[1]:
            second = evidence.atlas.village_label(next(row for row in found if row != found[0]))
        return evidence.lost("place_contradicts", first=first, second=second)
    return found[0] if found else None


def _rows_of_column(text: str, atlas: Atlas) -> tuple[int, ...]:
    spelling = one_spelling(text)
    rows = atlas.village_columns.get(spelling)
    if rows is None:
        mentioned = read_address(text, atlas.lexicon).of("village")
        rows = mentioned[0].rows if mentioned else ()
    return rows


def _one_village(evidence: _Evidence, text: str, rows: tuple[int, ...]) -> int | Outcome:
    atlas = evidence.atlas
    fitting = atlas.villages.in_township(rows, evidence.township)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        return _ambiguous(text, [atlas.village_label(row) for row in fitting], evidence.column)
    if rows:
        candidates = _listed(atlas.village_label(row) for row in rows)
        return evidence.lost("place_elsewhere", name=text, township=evidence.township_name, candidates=candidates)
    return _unknown(evidence, [("village", one_spelling(text))])


def _unknown(evidence: _Evidence, names: list[tuple[Kind, str]]) -> Outcome:
    """Return that what is named is not known, with the known names that are one character off."""
    near: list[str] = []
    for kind, name in names:
        near += _suggestions(evidence, kind, name)
    details = {"name": "、".join(name for _, name in names), "near": _listed(near)}
    if evidence.township is None:
        rule = "place_unknown"
    else:
        rule, details["township"] = "place_unknown_in", evidence.township_name
    return evidence.lost(f"{rule}_near" if near else rule, **details)


def _with_near(evidence: _Evidence, kind: Kind, name: str) -> str:
    near = _suggestions(evidence, kind, name)
    return f"{name}（{_listed(near)}？）" if near else name


def _suggestions(evidence: _Evidence, kind: Kind, name: str) -> list[str]:
    atlas = evidence.atlas
    if kind != "village":
        return list(atlas.near[kind].near(name))
    spellings = dict.fromkeys((name, f"{bare_village_name(name)}村", f"{bare_village_name(name)}社区"))
    rows = [
        row
        for spelling in spellings
        for found in (*atlas.near["village"].near(spelling), *((spelling,) if spelling != name else ()))
        for row in atlas.by_village_name.get(found, ())
    ]
    own = [row for row in rows if evidence.township in {None, int(atlas.villages.township[row])}]
    return [atlas.village_label(row) for row in own or rows]


def _on_road(evidence: _Evidence) -> Outcome | None:
    """Return the place on the roads that the text names; None where it names none, or the village tells more."""
    atlas = evidence.atlas
    mentions = evidence.address.of("road")
    if not mentions:
        return None
    several = next((mention for mention in mentions if len(mention.rows) > 1), None)
    if several is not None:
        return _ambiguous(several.text, [atlas.roads.names[row] for row in several.rows], evidence.column)
    roads = [mention.rows[0] for mention in mentions]
    if len(roads) > 1:
        met = _at_junction(evidence, roads)
        if met is not None or evidence.village is None:
            names = "、".join(atlas.roads.names[road] for road in roads)
            return met or evidence.lost("roads_do_not_meet", roads=names, township=evidence.township_name)
        return None
    road = roads[0]
    name = atlas.roads.names[road]
    if evidence.village is not None:
        area = atlas.villages.areas[evidence.village]
        middle = None if area is None else atlas.roads.middle_in(road, "village", evidence.village, area)
        if middle is None:
            return None
        return _on(evidence, middle, road=name, place=atlas.village_label(evidence.village))
    if len(atlas.townships.codes) == 0:
        whole = atlas.roads.middle(road)
        return None if whole is None else _on(evidence, whole, road=name, place="")
    return _on_road_of_township(evidence, road, name)


def _on_road_of_township(evidence: _Evidence, road: int, name: str) -> Outcome:
    atlas = evidence.atlas
    through = atlas.townships_of_road(road)
    names = [atlas.townships.names[row] for row in through]
    if evidence.township is None and len(through) != 1:
        if not through:
            return evidence.lost("place_unknown", name=name, near="")
        return evidence.lost("road_ambiguous", name=name, candidates=_listed(names))
    at = through[0] if evidence.township is None else evidence.township
    middle = atlas.roads.middle_in(road, "township", at, atlas.townships.areas[at])
    if middle is None:
        return evidence.lost(
            "road_elsewhere", name=name, township=evidence.township_name, candidates=_listed(names) or "—"
        )
    return _on(replace(evidence, township=at), middle, road=name, place=atlas.townships.names[at])


def _on(evidence: _Evidence, middle: tuple[shapely.Point, float], **details: str) -> Outcome:
    point, reach_m = middle
    atlas = evidence.atlas
    outlines = atlas.townships if evidence.village is None else atlas.villages
    quality_m = math.hypot(reach_m + evidence.address.offset_m, atlas.roads_quality_m, outlines.outline_quality_m)
    return evidence.found("located_road", point, quality_m, **details)


def _at_junction(evidence: _Evidence, roads: list[int]) -> Outcome | None:
    """Return the junction of the first road with any of the others, in the township where one is known."""
    atlas = evidence.atlas
    points = atlas.roads.junctions(roads[0], roads[1:])
    townships = atlas.townships
    if evidence.township is not None:
        points = points[shapely.intersects(townships.areas[evidence.township], points)]
    if len(points) == 0:
        return None
    middle = shapely.centroid(shapely.multipoints(points))
    point = points[int(np.argmin(shapely.distance(points, middle)))]
    spread_m = float(shapely.distance(points, point).max())
    quality_m = math.hypot(max(JUNCTION_REACH_M, spread_m) + evidence.address.offset_m, atlas.roads_quality_m)
    at = evidence.township
    if at is None and len(townships.codes):
        inside = sorted(atlas.township_tree.query(point, predicate="intersects").tolist())
        at = inside[0] if inside else None
    evidence = replace(evidence, township=at)
    names = "、".join(atlas.roads.names[road] for road in roads)
    return evidence.found("located_junction", point, quality_m, roads=names, place=evidence.township_name)


def _in_area(evidence: _Evidence, coarsest: Coarsest) -> Outcome:
    """Return the place in the village, else in the township where that is fine enough, else what is missing."""
    atlas, address = evidence.atlas, evidence.address
    if evidence.village is not None:
        row = evidence.village
        at: dict[str, Any] = {"place": atlas.village_label(row)}
        return evidence.found("located_village", atlas.villages.points[row], float(atlas.villages.quality_m[row]), **at)
    unknown = evidence.unknown
    if evidence.township is None:
        unknown += [("township", name) for name in address.unknown_townships]
        if unknown:
            return _unknown(evidence, unknown)
        told = bool(address.mentions or address.number)
        return evidence.lost("place_nothing_named" if told or evidence.column == "name_zh" else "place_empty")
    row = evidence.township
    if coarsest == "township":
        places = atlas.townships
        return evidence.found(
            "located_township", places.points[row], float(places.quality_m[row]), place=places.names[row]
        )
    if unknown:
        return _unknown(evidence, unknown)
    return evidence.lost(
        "place_township_only", township=evidence.township_name, metres=f"{atlas.townships.quality_m[row]:.0f}"
    )
