"""Which datum a table's coordinates are in, told from how its places fall on the roads.

Facilities and houses stand beside roads. Coordinates read in the wrong datum are all moved together by 300 m or more,
and then lie anywhere between the roads. So each datum in question is compared with places of its own that are as wrong
as that: the same pattern moved by 150-400 m in many directions. Pure: coordinates and road lines in, a verdict out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely

from chongming_gis import crs as crs_module
from chongming_gis import datums
from chongming_gis.errors import CrsError
from chongming_gis.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Pair = tuple[Floats, Floats]

#: Map datums are 300 m or more apart (450-490 m on Chongming); roads placed worse than this cannot tell them apart.
WORST_ROADS_M = 100.0
FEWEST_POINTS = 10
NEAR_M = 50.0  # "beside a road", for the sentence people read

_NEAREST_M, _FARTHEST_M = 15.0, 300.0  # nearer is no better, farther no worse: outliers count once
_RING_M = (150.0, 220.0, 300.0, 400.0)
_DIRECTIONS = 12
_MOST_POINTS = 400  # more would not tell more
_MOST_DEGREES = 360.0  # more is meant in metres
_ON_ROADS_M = 1000.0  # beyond this from every road, a place is not on this map
# Thresholds in standard deviations of the moved patterns, by trial on 1,600 made tables (docs/decisions.md, 17).
_SURE, _SURE_LEAD = 3.5, 1.5
_LEANING, _LEANING_LEAD = 2.0, 1.0


@dataclass(frozen=True, slots=True)
class DatumVerdict:
    """What the roads say about the datum of some coordinates.

    ``reason`` is a stable id: ``told`` (confident), ``leaning`` (likely, not certain), ``same_everywhere`` (outside
    China, where the map datums do not differ), or why it cannot be told: ``roads_schematic``, ``roads_coarse``,
    ``few_points``, ``no_roads_there``, ``no_match``.
    """

    likely: str | None  # a datum as a study declares it; wgs84 stands for cgcs2000 too, which no road can tell apart
    confident: bool
    reason: str
    points: int  # distinct positions that were looked at
    axes: str | None = None  # for a datum epsg:N
    scores: Mapping[str, float] = field(default_factory=dict)  # by hypothesis: standard deviations above moved patterns
    near: Mapping[str, float] = field(default_factory=dict)  # by hypothesis: share of places beside a road

    @property
    def to_write(self) -> str:
        """What to write into the study."""
        axes = "" if self.axes is None else f", axes = {self.axes!r}"
        return f"datum = {self.likely!r}{axes}"

    @property
    def name(self) -> str:
        """The likely datum as people read it."""
        return "wgs84 (or cgcs2000)" if self.likely == "wgs84" else self.likely or ""

    @property
    def counts(self) -> str:
        """How many percent of the places stand beside a road, by hypothesis; without those that lie elsewhere."""
        named = [f"{name} {100.0 * share:.0f} %" for name, share in self.near.items() if share > 0.0]
        return ", ".join(named) or "0 %"


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    datum: str
    axes: str | None
    x: Floats  # in the CRS of the roads, metres
    y: Floats

    @property
    def name(self) -> str:
        return self.datum if self.axes is None else f"{self.datum} {self.axes}"

    @property
    def is_known(self) -> bool:
        return bool((np.isfinite(self.x) & np.isfinite(self.y)).any())


def tell_datum(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    roads: gpd.GeoDataFrame,
    *,
    kind: str = "sourced",
    position_quality_m: float | None = None,
) -> DatumVerdict:
    """Return which datum two columns of undeclared coordinates are in.

    Parameters
    ----------
    first, second : longitude and latitude in degrees as written; or two columns in metres, in either order.
    roads : road edges in a metric CRS; ferries (no ``highway``) are left out.
    kind : the data kind of the roads; schematic ones tell nothing.
    position_quality_m : how far off the roads may be; none = unknown, taken as good.

    Raises
    ------
    CrsError
        The roads are not in a metric CRS.

    Notes
    -----
    With d the distance to the nearest road, cut to 15-300 m, the score of a hypothesis is the mean of -log(d) over the
    places, minus its mean over 48 moved patterns (12 directions, 150-400 m), in standard deviations of those. Moving
    the whole pattern keeps what places have in common (one village, one street), so that crowded places do not count
    as independent witnesses; and since the moved patterns stay close by, dense towns and open fields both get their
    own yardstick.
    """
    crs_module.parse_metric(roads.crs, where="the roads that a datum is told from")
    one, other = _distinct(first, second)
    points = len(one)
    unusable = _unusable(points, kind, position_quality_m)
    if unusable:
        return DatumVerdict(None, confident=False, reason=unusable, points=points)
    if np.median(np.abs(one)) > _MOST_DEGREES or np.median(np.abs(other)) > _MOST_DEGREES:
        return _judge(_in_metres(one, other, roads), roads, points=points)
    candidates = _in_degrees(one, other, roads)
    if candidates[0].is_known and not any(_is_apart(candidates[0], rival) for rival in candidates[1:]):
        return DatumVerdict("wgs84", confident=True, reason="same_everywhere", points=points)
    return _judge(candidates, roads, points=points)


def suspect_datum(
    positions: gpd.GeoSeries,
    declared: str,
    roads: gpd.GeoDataFrame,
    *,
    kind: str = "sourced",
    position_quality_m: float | None = None,
) -> DatumVerdict | None:
    """Return the verdict of the roads where it is confident and is not what was declared, else None.

    Parameters
    ----------
    positions : points in any CRS, as they are after the declared datum was applied.
    declared : ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or ``epsg:N``.
    roads, kind, position_quality_m : as in ``tell_datum``.

    Notes
    -----
    For ``epsg:N`` what is compared is whether the positions were taken from a web map before they were projected.
    """
    known = positions[~(positions.is_empty | positions.isna())]
    degrees = crs_module.to_geographic(known.to_frame("geometry")).geometry
    lon, lat = degrees.x.to_numpy(), degrees.y.to_numpy()
    written = {"gcj02": crs_module.wgs84_to_gcj02, "bd09": crs_module.wgs84_to_bd09}
    if declared in written:
        lon, lat = written[declared](lon, lat)
    verdict = tell_datum(lon, lat, roads, kind=kind, position_quality_m=position_quality_m)
    same = declared if declared in written else "wgs84"
    return verdict if verdict.confident and verdict.reason == "told" and verdict.likely != same else None


def suspicion(verdict: DatumVerdict, declared: str, *, where: str) -> Finding:
    """Return the warning that a declared datum is contradicted by the roads."""
    return Finding(
        "warning",
        where,
        f"declared as {declared}, but its {verdict.points} places lie beside roads as if they were {verdict.name} "
        f"(within {NEAR_M:.0f} m of a road: {verdict.counts})",
        f"ask where the coordinates come from; if from such a map, write {verdict.to_write}",
        rule="datum_suspect",
        details={"declared": declared, **_details(verdict)},
    )


def datum_fault(verdict: DatumVerdict, *, where: str) -> CrsError:
    """Return the error that a table declares no datum, with what the roads say it is."""
    said, remedy = _ADVICE[verdict.reason]
    details = _details(verdict)
    message = f"the datum of its coordinates is not declared; {said.format(**details)}"
    rule = f"datum_undeclared_{verdict.reason}"
    finding = Finding("error", where, message, remedy.format(**details), rule=rule, details=details)
    return CrsError(str(finding), [finding])


_ASK = f"find out which map or survey the coordinates were taken from and write datum = one of {datums.CHOICES}"
_ADVICE = {
    "told": (
        "judging by the roads it is {likely}, almost surely ({points} places; within {near} m of a road: {counts})",
        "write {to_write}",
    ),
    "leaning": (
        "judging by the roads it is probably {likely} ({points} places; within {near} m of a road: {counts})",
        "make sure, then write {to_write}",
    ),
    "same_everywhere": ("its places lie where the map datums do not differ from WGS 84", "write {to_write}"),
    "roads_schematic": ("it cannot be told from the roads, because they are schematic", _ASK),
    "roads_coarse": ("it cannot be told from the roads, because their positions are not good to {worst} m", _ASK),
    "few_points": ("it cannot be told from the roads with {points} different positions ({fewest} are needed)", _ASK),
    "no_roads_there": ("it cannot be told from the roads: most places are over {far} m from every road", _ASK),
    "no_match": ("it cannot be told: under no datum do its {points} places lie beside the roads ({counts})", _ASK),
}


def _details(verdict: DatumVerdict) -> dict[str, str]:
    return {
        "likely": verdict.name,
        "points": str(verdict.points),
        "counts": verdict.counts,
        "to_write": verdict.to_write,
        "near": f"{NEAR_M:.0f}",
        "worst": f"{WORST_ROADS_M:.0f}",
        "fewest": str(FEWEST_POINTS),
        "far": f"{_ON_ROADS_M:.0f}",
    }


def _distinct(first: npt.ArrayLike, second: npt.ArrayLike) -> Pair:
    """Return the distinct known positions, thinned out evenly where there are very many."""
    pairs = np.column_stack([np.asarray(first, dtype=float).ravel(), np.asarray(second, dtype=float).ravel()])
    pairs = np.unique(pairs[np.isfinite(pairs).all(axis=1)], axis=0)
    if len(pairs) > _MOST_POINTS:
        pairs = pairs[np.linspace(0, len(pairs) - 1, _MOST_POINTS).round().astype(int)]
    return pairs[:, 0], pairs[:, 1]


def _unusable(points: int, kind: str, position_quality_m: float | None) -> str:
    """Return why nothing can be told at all, or nothing."""
    if kind == "schematic":
        return "roads_schematic"
    if position_quality_m is not None and position_quality_m > WORST_ROADS_M:
        return "roads_coarse"
    return "few_points" if points < FEWEST_POINTS else ""


def _in_degrees(lon: Floats, lat: Floats, roads: gpd.GeoDataFrame) -> list[_Hypothesis]:
    is_place = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
    lon, lat = np.where(is_place, lon, np.nan), np.where(is_place, lat, np.nan)
    return [
        _Hypothesis(datum, None, *crs_module.from_degrees(*convert(lon, lat), roads.crs))
        for datum, convert in datums.DEGREES.items()
        if datum != "cgcs2000"
    ]


def _in_metres(first: Floats, second: Floats, roads: gpd.GeoDataFrame) -> list[_Hypothesis]:
    """Return the grids of the region in which the columns may be written, in either order, without repeats."""
    west, south, east, north = roads.total_bounds
    lon = float(crs_module.to_degrees(np.array([(west + east) / 2]), np.array([(south + north) / 2]), roads.crs)[0][0])
    found: list[_Hypothesis] = []
    for datum in _grids(lon, float(np.median(first)), float(np.median(second))):
        for axes in datums.AXES:
            degrees = datums.to_wgs84(first, second, datum=datum, axes=axes)
            hypothesis = _Hypothesis(datum, axes, *crs_module.from_degrees(*degrees, roads.crs))
            if hypothesis.is_known and all(_is_apart(hypothesis, rival) for rival in found):
                found.append(hypothesis)
    return found


def _is_apart(one: _Hypothesis, other: _Hypothesis) -> bool:
    """Return whether two hypotheses place anything differently."""
    return bool(
        (np.isfinite(one.x) != np.isfinite(other.x)).any() or (np.hypot(one.x - other.x, one.y - other.y) > 1.0).any()
    )


def _grids(lon: float, first: float, second: float) -> list[str]:
    """Return the grids in use about a longitude; a number in front of the eastings names one alone."""
    for value in (first, second):
        try:
            return [f"epsg:{crs_module.numbered_gauss_kruger_zone(int(value // 1e6)).to_epsg()}"]
        except CrsError:
            continue
    zones = []
    for degrees in (lon, lon - 3.0, lon + 3.0):
        for width in (3, 6):
            try:
                zones.append(crs_module.gauss_kruger_zone(degrees, width_deg=3 if width == 3 else 6).to_epsg())
            except CrsError:
                continue
    utm = crs_module.utm_zone(lon, 1.0).to_epsg()
    return [f"epsg:{code}" for code in dict.fromkeys([*zones, utm])]


def _judge(candidates: list[_Hypothesis], roads: gpd.GeoDataFrame, *, points: int) -> DatumVerdict:
    lines = roads.geometry[roads["highway"].notna()] if "highway" in roads.columns else roads.geometry
    if not candidates:
        return DatumVerdict(None, confident=False, reason="no_roads_there", points=points)
    tree = shapely.STRtree(lines.to_numpy())
    measured = {h.name: (h, _score(h, tree)) for h in candidates}
    scores = {name: score for name, (_, (score, _, _)) in measured.items()}
    near = {name: share for name, (_, (_, share, _)) in measured.items()}
    best, *others = sorted(scores, key=lambda name: -scores[name])
    on_roads = max(share for _, (_, _, share) in measured.values())
    lead = scores[best] - max((scores[name] for name in others), default=0.0)
    hypothesis = measured[best][0]
    if on_roads < 0.5:
        return DatumVerdict(None, confident=False, reason="no_roads_there", points=points, scores=scores, near=near)
    if scores[best] < _LEANING or lead < _LEANING_LEAD:
        return DatumVerdict(None, confident=False, reason="no_match", points=points, scores=scores, near=near)
    sure = scores[best] >= _SURE and lead >= _SURE_LEAD
    return DatumVerdict(
        hypothesis.datum,
        confident=sure,
        reason="told" if sure else "leaning",
        points=points,
        axes=hypothesis.axes,
        scores=scores,
        near=near,
    )


def _score(hypothesis: _Hypothesis, tree: shapely.STRtree) -> tuple[float, float, float]:
    """Return the score, the share of places beside a road, and the share of places that are on this map at all."""
    known = np.isfinite(hypothesis.x) & np.isfinite(hypothesis.y)
    if not known.any():
        return 0.0, 0.0, 0.0
    moves = _moves()
    x = hypothesis.x[known] + moves[:, :1]
    y = hypothesis.y[known] + moves[:, 1:]
    distance_m = _distances(x, y, tree)
    closeness = -np.log(np.clip(distance_m, _NEAREST_M, _FARTHEST_M)).mean(axis=1)
    spread = closeness[1:].std(ddof=1)
    score = 0.0 if spread < 1e-9 else float((closeness[0] - closeness[1:].mean()) / spread)
    share = known.mean()
    beside, on_map = (distance_m[0] <= NEAR_M).mean() * share, (distance_m[0] <= _ON_ROADS_M).mean() * share
    return score, float(beside), float(on_map)


def _moves() -> Floats:
    """Return the moves of the whole pattern in metres: none, then all directions at each distance, turned a little."""
    moves = [(0.0, 0.0)]
    for ring, radius in enumerate(_RING_M):
        angles = 2.0 * np.pi * (np.arange(_DIRECTIONS) + ring / len(_RING_M)) / _DIRECTIONS
        moves += [(radius * np.cos(angle), radius * np.sin(angle)) for angle in angles]
    return np.array(moves, dtype=np.float64)


def _distances(x: Floats, y: Floats, tree: shapely.STRtree) -> Floats:
    """Return the distance in metres to the nearest road; infinite where none is within ``_ON_ROADS_M``."""
    distance_m = np.full(x.size, np.inf)
    places = shapely.points(x.ravel(), y.ravel())
    (which, _), found = tree.query_nearest(places, max_distance=_ON_ROADS_M, return_distance=True, all_matches=False)
    distance_m[which] = found
    return distance_m.reshape(x.shape)
