"""A gazetteer of the study's own places: finds by address what has no coordinates, and says how well, or why not.

It knows the study's townships, villages, named roads, the facilities that have coordinates, and a table of other names
(old ones, of villages that were merged). It never guesses: a name one character off is only suggested.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from chongming_gis import tables
from chongming_gis.errors import TableError
from chongming_gis.sources import headers, layers, records
from chongming_gis.sources.atlas import Atlas, KnownPlaces, make_atlas
from chongming_gis.sources.whereabouts import Asked, Outcome, find_place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyproj import CRS

    from chongming_gis.config import StudyConfig
    from chongming_gis.sources.surroundings import Surroundings
    from chongming_gis.sources.whereabouts import Coarsest

__all__ = ["Gazetteer", "KnownPlaces", "build_gazetteer", "read_aliases"]

_HOW = {
    "located_facility": "at the facility of that name, {place}",
    "located_junction": "where {roads} meet, {place}",
    "located_road": "the middle of {road} in {place}",
    "located_village": "the middle of {place}",
    "located_township": "the middle of {place}",
}
_BUT = "; {unknown} is not known to the study"
_WHY = {
    "place_empty": "neither an address nor a village is given",
    "place_too_vague": "what the words name may be {metres} m off",
    "place_nothing_named": "no village, road or township is named",
    "place_township_unknown": "the study has no township {name!r}",
    "place_township_unknown_near": "the study has no township {name!r}; did you mean {near}?",
    "place_contradicts": "it is said to be in {first} and in {second}",
    "place_ambiguous": "{name} can be {candidates}; give the township",
    "place_elsewhere": "{name} is not in {township}, but in {candidates}",
    "road_ambiguous": "{name} runs through {candidates}; give the township",
    "road_elsewhere": "{name} does not run through {township}, but through {candidates}",
    "place_unknown": "the study knows no {name}",
    "place_unknown_near": "the study knows no {name}; did you mean {near}?",
    "place_unknown_in": "the study knows no {name} in {township}",
    "place_unknown_in_near": "the study knows no {name} in {township}; did you mean {near}?",
    "place_township_only": "only {township} is known, where it may be {metres} m off",
    "roads_do_not_meet": "{roads} have no junction {township}",
}
_ALIASES = headers.Vocabulary(
    {
        "alias": ("别名", "曾用名", "旧名", "又名", "原名"),
        "name": ("名称", "现名", "现用名", "标准名称", "name_zh"),
        "township": ("乡镇", "所属乡镇", "街镇", "乡镇名称", "township_name"),
    }
)


_REGION = re.compile(r"([\u3400-\u9fff]{2,4}?)[省市区县岛]")  # of a study's name: 上海市崇明区


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The study's own places, to be asked by name and address (a ``Locator``)."""

    atlas: Atlas
    crs: CRS
    coarsest: Coarsest = "village"
    _known: dict[Asked, Outcome] = field(default_factory=dict, repr=False)

    def locate(self, wanted: pd.DataFrame) -> gpd.GeoDataFrame:
        """Return where places are.

        Parameters
        ----------
        wanted : text columns ``name_zh``, ``address``, ``township_name`` (a code or any form of the name) and
            ``village_name``; NA, or a column that is not there = not given.

        Returns
        -------
        GeoDataFrame
            The same index, in the study's metric CRS: a point or None; ``position_quality_m``, how far off it may be
            (NA where that is not known); ``how`` it was found, in words; ``reason`` why it was not; ``township_code``
            and ``village_code`` where it lies; and for findings ``rule``, ``column`` and ``details`` (the blanks of
            the text ``finding.<rule>``).
        """
        texts = {name: layers.text_column(wanted, name, default="").tolist() for name in Asked._fields}
        asked = [Asked(*row) for row in zip(*texts.values(), strict=True)]
        return self._frame([self._find(one) for one in asked], wanted.index)

    def _find(self, asked: Asked) -> Outcome:
        if asked not in self._known:
            self._known[asked] = find_place(asked, self.atlas, coarsest=self.coarsest)
        return self._known[asked]

    def _frame(self, outcomes: list[Outcome], index: pd.Index) -> gpd.GeoDataFrame:
        points = np.empty(len(outcomes), dtype=object)
        points[:] = [outcome.point for outcome in outcomes]
        details = np.empty(len(outcomes), dtype=object)
        details[:] = [dict(outcome.details) for outcome in outcomes]
        hit = [outcome.point is not None for outcome in outcomes]
        words = [in_words(outcome) for outcome in outcomes]
        townships, villages = self.atlas.townships.codes, self.atlas.villages.codes
        columns: dict[str, list[str | None]] = {
            "how": [text if is_hit else None for text, is_hit in zip(words, hit, strict=True)],
            "reason": [None if is_hit else text for text, is_hit in zip(words, hit, strict=True)],
            "township_code": [townships[o.township] if o.township >= 0 else None for o in outcomes],
            "village_code": [villages[o.village] if o.village >= 0 else None for o in outcomes],
            "rule": [outcome.rule for outcome in outcomes],
            "column": [outcome.column for outcome in outcomes],
        }
        frame = {name: pd.Series(values, index=index, dtype="str") for name, values in columns.items()}
        frame["position_quality_m"] = pd.Series([o.quality_m for o in outcomes], index=index, dtype=float)
        frame["details"] = pd.Series(details, index=index, dtype=object)
        return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(points, index=index, crs=self.crs), crs=self.crs)


def in_words(outcome: Outcome) -> str:
    """Return how a place was found, or why not, as a sentence."""
    rule = outcome.rule.removesuffix("_but")
    if outcome.point is None:
        return _WHY[rule].format(**outcome.details)
    text = _HOW[rule].format(**outcome.details) + (_BUT.format(**outcome.details) if rule != outcome.rule else "")
    return f"by its name: {text}" if outcome.column == "name_zh" else text


def build_gazetteer(
    known: KnownPlaces,
    *,
    crs: CRS,
    aliases: pd.DataFrame | None = None,
    regions: tuple[str, ...] = (),
    coarsest: Coarsest = "village",
) -> Gazetteer:
    """Return a gazetteer of the study's places.

    Parameters
    ----------
    known : townships, villages, roads and facilities in the metric CRS; frames without rows for what there is not.
    aliases : from ``read_aliases``.
    regions : names of the province, city and district without their ends: what may stand before a township.
    coarsest : whether a place of which only the township is known is put into its middle.
    """
    return Gazetteer(make_atlas(known, aliases, regions=regions), crs, coarsest)


def make_gazetteer(
    study: StudyConfig, around: Surroundings, facilities: Iterable[gpd.GeoDataFrame], *, crs: CRS
) -> Gazetteer:
    """Return the gazetteer of a study: its townships, villages, roads and facilities, and its table of aliases.

    Parameters
    ----------
    around : what was read of the study's areas and roads.
    facilities : tables that satisfy ``tables.FACILITIES``, with codes filled in where they are known.

    Raises
    ------
    InputFileError, TableError
        The table of aliases cannot be read.
    """
    settings, named = study.gazetteer, study.sources
    known = KnownPlaces(
        townships=_or_no_rows(around.townships, tables.TOWNSHIPS, crs),
        villages=_or_no_rows(around.villages, tables.VILLAGES, crs),
        edges=tables.no_rows(tables.EDGES, crs) if around.roads is None else around.roads.edges,
        facilities=_together(facilities, crs),
        townships_quality_m=None if named.townships is None else named.townships.position_quality_m,
        villages_quality_m=None if named.villages is None else named.villages.position_quality_m,
        roads_quality_m=named.roads.position_quality_m,
    )
    aliases = None if settings.aliases is None else read_aliases(study.resolve(settings.aliases))
    regions = settings.regions or tuple(dict.fromkeys(_REGION.findall(study.name_zh)))
    return build_gazetteer(known, crs=crs, aliases=aliases, regions=regions, coarsest=settings.coarsest)


def _together(facilities: Iterable[gpd.GeoDataFrame], crs: CRS) -> gpd.GeoDataFrame:
    filled = [frame[[*tables.FACILITIES.columns, "geometry"]] for frame in facilities if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else tables.no_rows(tables.FACILITIES, crs)


def _or_no_rows(frame: gpd.GeoDataFrame | None, contract: tables.Contract, crs: CRS) -> gpd.GeoDataFrame:
    return tables.no_rows(contract, crs) if frame is None else frame


def read_aliases(path: Path) -> pd.DataFrame:
    """Return the table of other names: columns ``alias``, ``name`` (as in the study's own data) and ``township``.

    Raises
    ------
    InputFileError
        The file cannot be opened.
    TableError
        A column is missing, or a row lacks the alias or the name; every fault is listed.
    """
    table = records.read_records(path, vocabulary=_ALIASES).table
    missing = [name for name in ("alias", "name") if name not in table.frame.columns]
    if missing:
        have = layers.name_columns(table.frame)
        raise TableError(f"{path}: no column {', '.join(map(repr, missing))}; the file has {have}")
    texts = pd.DataFrame({name: layers.text_column(table.frame, name) for name in _ALIASES.synonyms})
    faults = list(table.faults)
    for name in ("alias", "name"):
        faults += table.fault(texts[name].isna(), f"{name} is missing", rule="alias_incomplete", column=name)
    if faults:
        raise TableError.of(faults, where=str(path))
    return texts
