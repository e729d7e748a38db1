"""Where those live whom a service does not reach: the gap areas of ``[measures.gaps]``, with a name and an outline.

People are gathered by the mode that their own standard measures them by, so that one new site could serve an area. Who
is near whom is asked once a mode and limit for all services; ``gaps`` does the gathering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from chongming_gis import gaps, reach, tables
from chongming_gis.errors import StudyError
from chongming_gis.measured.groundwork import Measured, Step
from chongming_gis.measured_tables import GAPS
from chongming_gis.tables import persons_column
from chongming_gis.wording import LANGUAGES, Language, Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from chongming_gis.config import LimitConfig, ServiceConfig, StudyConfig
    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.measuremodel import GapsConfig

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Rows = npt.NDArray[np.intp]

_AROUND_M = 100.0  # an outline keeps so far from the places inside: about half-way to the next cluster of houses
_OUTLINE_TOLERANCE_M = 25.0
_CONCAVE = 0.3  # of shapely's concave hull: 0 = as tight as can be, 1 = convex
_ROUND_CORNERS = 2  # straight pieces a quarter circle
_TYPES = tables.column_types(GAPS)


@dataclass(frozen=True, slots=True)
class _Question:
    """The headline standard of a service: who is out of reach, and by which mode and limit each point is measured."""

    service: ServiceConfig
    limits: tuple[tuple[LimitConfig, Rows], ...]
    persons: Floats
    time_s: Floats
    uncovered: npt.NDArray[np.bool_]


def measure_gaps(ground: Groundwork) -> Measured:
    """Return the gap areas of every service that the study asks for (``measured_tables.GAPS``).

    Raises
    ------
    StudyError
        The study asks for no gaps.
    """
    config = ground.study.measures.gaps
    if config is None:
        raise StudyError("measures.gaps: the study has no such section")
    first_rows = first_row_of_questions(ground.access, len(ground.demand.points))
    questions = [_question(service, ground, first_rows) for service in services_asked(ground.study, config)]
    around = _Around(ground, config, questions)
    found = [_areas(question, around.near(question), config, ground) for question in questions]
    table = gpd.GeoDataFrame(pd.concat(found, ignore_index=True), geometry="geometry", crs=ground.inputs.crs)
    return Measured({GAPS.name: table})


STEP = Step("gaps", "daily", lambda study: study.measures.gaps is not None, measure_gaps)


def services_asked(study: StudyConfig, config: GapsConfig) -> tuple[ServiceConfig, ...]:
    """Return the services whose gaps are asked for, in the order of the study."""
    return tuple(service for service in study.services if not config.services or service.id in config.services)


def first_row_of_questions(access: pd.DataFrame, n_points: int) -> dict[tuple[str, str, str], int]:
    """Return where the rows of each service, standard and rule start; each has one a demand point, in their order."""
    keys = access[["service", "standard", "serves_rule"]].iloc[::n_points]
    return {key: number * n_points for number, key in enumerate(keys.itertuples(index=False, name=None))}


def _question(service: ServiceConfig, ground: Groundwork, first_rows: Mapping[tuple[str, str, str], int]) -> _Question:
    standard = service.standards[0]
    first = first_rows[service.id, standard.id, reach.APPLIED]
    rows = ground.access[["time_s", "covered"]].iloc[first : first + len(ground.demand.points)]
    persons = ground.inputs.demand.persons[persons_column(service.base, service.group)].to_numpy(float)
    return _Question(
        service=service,
        limits=tuple(reach.rows_of_limit(service, standard, ground.demand.points)),
        persons=persons,
        time_s=rows["time_s"].to_numpy(float),
        uncovered=~rows["covered"].to_numpy(bool) & (persons > 0.0),
    )


class _Around:
    """Who lives near whom: asked once for all services whose people are measured by one mode within one limit."""

    def __init__(self, ground: Groundwork, config: GapsConfig, questions: Sequence[_Question]) -> None:
        self._ground, self._radius_s = ground, config.radius_s
        self._wanted: dict[tuple[str, float, str], npt.NDArray[np.bool_]] = {}
        for question in questions:
            for limit, at in question.limits:
                wanted = self._wanted.setdefault(self._key(limit), np.zeros(len(question.persons), dtype=bool))
                wanted[at] |= question.uncovered[at]
        self._found = {key: self._pairs(key) for key in self._wanted}

    def _key(self, limit: LimitConfig) -> tuple[str, float, str]:
        return limit.mode, min(limit.limit_s, self._radius_s), limit.settlement

    def _pairs(self, key: tuple[str, float, str]) -> sparse.csr_matrix:
        """Return the neighbours among the points of one key: CSR over all points."""
        mode, radius_s, _ = key
        points = self._ground.demand.points
        rows = np.flatnonzero(self._wanted[key])
        near = gaps.times_around(
            self._ground.networks[mode],
            self._ground.demand.snapped[mode].take(rows),
            radius_s=radius_s,
            townships=points["township_code"].iloc[rows],
        )
        sizes = np.zeros(len(points), dtype=np.int64)
        sizes[rows] = np.diff(near.indptr)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        return sparse.csr_matrix((near.data, rows[near.indices], starts), shape=(len(points), len(points)))

    def near(self, question: _Question) -> sparse.csr_matrix:
        """Return the neighbours among the points of a question that are not covered."""
        rows = np.flatnonzero(question.uncovered)
        parts = [self._found[self._key(limit)][_among(question.uncovered, at)] for limit, at in question.limits]
        places = np.concatenate([np.flatnonzero(_among(question.uncovered, at)) for _, at in question.limits])
        stacked = sparse.vstack(parts, format="csr")[np.argsort(places, kind="stable")]
        among: sparse.csr_matrix = stacked[:, rows]
        return among


def _among(uncovered: npt.NDArray[np.bool_], at: Rows) -> npt.NDArray[np.bool_]:
    inside = np.zeros(len(uncovered), dtype=bool)
    inside[at] = True
    return inside & uncovered


def _areas(question: _Question, near: sparse.csr_matrix, config: GapsConfig, ground: Groundwork) -> pd.DataFrame:
    service, points = question.service, ground.demand.points
    rows = np.flatnonzero(question.uncovered)
    found = gaps.gather_gaps(points, near, rows=rows, persons=question.persons, least_persons=config.least_persons)
    member = np.flatnonzero(found.area_of_point >= 0)
    area = found.area_of_point[member]
    count = len(found.areas)
    geometry = points.geometry.to_numpy()[member]
    outlines = _outlines(geometry, area, count)
    middles = found.areas["demand_id"].to_numpy(object)
    village = _village_of(found.areas, ground.inputs.villages)
    names = _names(found.areas["township_code"], village, ground)
    median_s, nearest_s = _times(question.time_s[member], question.persons[member], area, count)
    unreached = np.isinf(question.time_s[member]) * question.persons[member]
    table = pd.DataFrame(
        {
            "gap_id": [f"{service.id}-{middle}" for middle in middles],
            "service": service.id,
            "standard": service.standards[0].id,
            "mode": _modes(question, points["demand_id"], middles),
            "rank": np.arange(1, count + 1),
            **{f"name_{language}": names[language] for language in LANGUAGES},
            "township_code": found.areas["township_code"],
            "village_code": village,
            "demand_id": middles,
            "n_points": found.areas["n_points"],
            "base": service.base,
            "group": service.group,
            "persons": found.areas["persons"],
            "persons_unreached": np.bincount(area, weights=unreached, minlength=count),
            "nearest_s": nearest_s,
            "median_s": median_s,
        }
    ).astype(_TYPES)
    return table.assign(**_by_group(service, member, area, count, ground), geometry=outlines)


def _by_group(service: ServiceConfig, member: Rows, area: Ints, count: int, ground: Groundwork) -> dict[str, Floats]:
    """Return the persons of every group of a service's base, a number an area."""
    counted = [group.id for group in ground.study.groups if service.base in group.columns]
    persons = ground.inputs.demand.persons
    return {
        f"persons_{group}": np.bincount(
            area, weights=persons[persons_column(service.base, group)].to_numpy(float)[member], minlength=count
        ).astype(float)
        for group in counted
    }


def _modes(question: _Question, ids: pd.Series, middles: npt.NDArray[np.object_]) -> list[str]:
    mode = np.empty(len(ids), dtype=object)
    for limit, at in question.limits:
        mode[at] = limit.mode
    return list(mode[pd.Index(ids).get_indexer(pd.Index(middles))])


def _outlines(places: npt.NDArray[np.object_], area: Ints, count: int) -> npt.NDArray[np.object_]:
    """Return an outline around the places of each area; it may hold others between them."""
    order = np.argsort(area, kind="stable")
    if count == 0:
        return np.empty(0, dtype=object)
    together = np.asarray(shapely.multipoints(places[order], indices=area[order]))
    hulls = shapely.concave_hull(together, ratio=_CONCAVE)
    around = shapely.buffer(hulls, _AROUND_M, quad_segs=_ROUND_CORNERS)
    return np.asarray(shapely.simplify(around, _OUTLINE_TOLERANCE_M))


def _times(time_s: Floats, persons: Floats, area: Ints, count: int) -> tuple[Floats, Floats]:
    """Return the median of persons' seconds and the least, by area; inf where most, or all, reach no facility."""
    median_s, nearest_s = np.full(count, np.inf), np.full(count, np.inf)
    np.minimum.at(nearest_s, area, time_s)
    order = np.lexsort((time_s, area))
    up_to = np.cumsum(persons[order])
    first = np.searchsorted(area[order], np.arange(count))
    before = np.concatenate([[0.0], up_to])[first]
    half = before + 0.5 * np.bincount(area, weights=persons, minlength=count)
    last = np.append(first[1:], len(order)) - 1
    place = np.clip(np.searchsorted(up_to, half * (1.0 - 1e-12)), first, last) if count else first
    median_s = time_s[order][place] if count else median_s
    return median_s, nearest_s


def _village_of(areas: pd.DataFrame, villages: gpd.GeoDataFrame) -> pd.Series:
    """Return the village where most people of each area live; where none is known, the nearest to its middle."""
    code = areas["village_code"].copy()
    unknown = code.isna().to_numpy()
    if unknown.any() and len(villages):
        middles = shapely.points(areas.loc[unknown, ["x", "y"]].to_numpy(float))
        nearest = villages.sindex.nearest(middles, return_all=False)[1]
        code[unknown] = villages["village_code"].to_numpy(object)[nearest]
    return code.astype("str")


def _names(township: pd.Series, village: pd.Series, ground: Groundwork) -> dict[Language, list[str]]:
    """Return what each area is called, by language; of several around one village all but the first are numbered."""
    number = pd.DataFrame({"t": township.fillna(""), "v": village.fillna("")}).groupby(["t", "v"]).cumcount() + 1
    towns, villages = ground.inputs.townships, ground.inputs.villages
    in_villages = [_spoken(name) for name in _looked_up(village, villages["village_code"], villages["name_zh"])]
    english = towns["name_en"].fillna(towns["name_zh"])
    in_towns: dict[Language, list[str]] = {
        "zh": _looked_up(township, towns["township_code"], towns["name_zh"]),
        "en": _looked_up(township, towns["township_code"], english),
    }
    return {
        language: [_name(Words(language), *parts) for parts in zip(names, in_villages, number.tolist(), strict=True)]
        for language, names in in_towns.items()
    }


def _spoken(name: str) -> str:
    """Return the name of a place as it is said, without the committee: of 北双村村委会 and 光明社区居委会.

    A name that would lose its meaning (新南居委会) stays whole.
    """
    for committee in ("村民委员会", "居民委员会", "村委会", "居委会"):
        bare = name.removesuffix(committee)
        if bare != name and bare.endswith(("村", "社区")):
            return bare
    return name


def _looked_up(codes: pd.Series, known: pd.Series, names: pd.Series) -> list[str]:
    """Return the name of each code; a code without one stands for itself, a missing code is empty."""
    name_of = dict(zip(known.tolist(), names.tolist(), strict=True))
    return [str(name_of.get(code, code)) for code in codes.fillna("").tolist()]


def _name(words: Words, township: str, village: str, number: int) -> str:
    known = [part for part in (township, village) if part]
    name = words("gaps.around", place="-".join(known)) if known else words("gaps.somewhere")
    return words("gaps.numbered", name=name, n=number) if number > 1 else name
