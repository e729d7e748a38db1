"""Codes of townships and villages from the names that a table states, where a name means one area only.

A village is looked for in the township that its row states (by name or code), so that two villages of one name are told
apart; without a township only where the study has a single village of that name.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pandas as pd

from chongming_gis.sources.placenames import one_spelling, township_names, village_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import geopandas as gpd

_ANYWHERE = ""


def fill_codes_by_name(
    points: gpd.GeoDataFrame, townships: gpd.GeoDataFrame, villages: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return points with missing township and village codes filled from ``township_name`` and ``village_name``.

    Parameters
    ----------
    points : with ``township_code`` and ``village_code``; without the columns of names it comes back as it is.
    townships, villages : with their codes and ``name_zh``; villages with ``township_code`` where it is known.
    """
    if "township_name" in points.columns and len(townships):
        known = _by_name(zip(townships["township_code"], townships["name_zh"], strict=True), township_names)
        points = points.assign(
            township_code=_filled(points["township_code"], points["township_name"], lambda name, _: known.get(name))
        )
    if "village_name" not in points.columns or not len(villages):
        return points
    inside = _by_township(villages)

    def village(name: str, township: str) -> str | None:
        return inside.get(township, {}).get(name)

    return points.assign(
        village_code=_filled(points["village_code"], points["village_name"], village, points["township_code"])
    )


def _filled(
    codes: pd.Series, names: pd.Series, find: Callable[[str, str], str | None], within: pd.Series | None = None
) -> pd.Series:
    towns = [_ANYWHERE] * len(codes) if within is None else within.fillna(_ANYWHERE).tolist()
    found = [
        code if isinstance(code, str) or not isinstance(name, str) else find(one_spelling(name), town)
        for code, name, town in zip(codes, names, towns, strict=True)
    ]
    return pd.Series([code if isinstance(code, str) else None for code in found], index=codes.index, dtype="str")


def _by_township(villages: gpd.GeoDataFrame) -> dict[str, dict[str, str]]:
    """Return the codes of villages by name, for each township and for all of them together."""
    columns = (villages[name] for name in ("village_code", "name_zh", "township_code"))
    rows = [(code, name, town) for code, name, town in zip(*columns, strict=True) if isinstance(name, str)]
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for code, name, town in rows:
        groups[_ANYWHERE].append((code, name))
        if isinstance(town, str):
            groups[town].append((code, name))
    return {town: _by_name(pairs, village_names) for town, pairs in groups.items()}


def _by_name(pairs: Iterable[tuple[str, str]], spellings: Callable[[str], tuple[str, ...]]) -> dict[str, str]:
    """Return codes by each spelling of a name; a spelling of two areas is none of either, a full name wins."""
    full: dict[str, set[str]] = defaultdict(set)
    short: dict[str, set[str]] = defaultdict(set)
    for code, name in pairs:
        if not isinstance(name, str):
            continue
        first, *others = spellings(name)
        for text in {first, one_spelling(name)}:
            full[text].add(code)
        for text in others:
            short[text].add(code)
    found = _single(short) | _single(full)
    return {text: code for text, code in found.items() if len(full.get(text, ())) <= 1}


def _single(codes: Mapping[str, set[str]]) -> dict[str, str]:
    return {text: next(iter(found)) for text, found in codes.items() if len(found) == 1}
