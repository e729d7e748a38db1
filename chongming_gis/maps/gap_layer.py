"""The gap areas of a service on its map: outlines with their rank, and a card with what is known of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import shapely

from chongming_gis import crs, discretion, wording
from chongming_gis.maps import shares
from chongming_gis.maps.base import AREA_TOLERANCE_M
from chongming_gis.maps.packing import pack_shapes
from chongming_gis.maps.page import Data
from chongming_gis.tables import rows_where

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from chongming_gis.config import ServiceConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words


def gaps_of(result: StudyResult, service: ServiceConfig) -> gpd.GeoDataFrame | None:
    """Return the gap areas of a service by rank, or None where none were asked for or found."""
    table = result.measured.get("gaps")
    if table is None:
        return None
    own = rows_where(table, "service", service.id).sort_values("rank", kind="stable")
    return own if len(own) else None


def gaps_data(result: StudyResult, service: ServiceConfig, words: Words) -> Data | None:
    """Return the gap areas of a service with what their cards say."""
    gaps = gaps_of(result, service)
    if gaps is None:
        return None
    shapes = shapely.simplify(gaps.geometry.to_numpy(), AREA_TOLERANCE_M)
    degrees = crs.shapes_to_degrees(shapes, crs.parse(gaps.crs, where="gaps"))
    columns = _columns(result, service, gaps, words)
    who = words.group(result.study, service.group, service.base)
    content = {
        "title": words("layer.gaps"),
        "legend": words("gaps.legend", n=f"{len(gaps):,}"),
        "note": words("gaps.legend_note", who=who, standard=words.standard(result.study, service.standards[0])),
        "names": gaps[f"name_{words.language}"].tolist(),
        "labels": list(columns),
        "values": [list(row) for row in zip(*columns.values(), strict=True)],
        "shapes": pack_shapes(degrees),
    }
    return Data.of(f"gaps-{service.id}", content)


def _columns(result: StudyResult, service: ServiceConfig, gaps: pd.DataFrame, words: Words) -> dict[str, list[str]]:
    """Return what a card says by its label; what is none of an area's business is empty."""
    study = result.study
    modes = {mode.id: words.name(mode) for mode in study.modes}
    towns = shares.township_names(result, words)
    villages = dict(zip(result.villages["village_code"], result.villages["name_zh"], strict=True))

    def shown(name: str, group: str) -> list[str]:
        return discretion.persons_of_each(study, group, gaps[name])

    def shown_if_any(name: str, group: str) -> list[str]:
        texts = zip(gaps[name].tolist(), discretion.persons_of_each(study, group, gaps[name]), strict=True)
        return [text if value else "" for value, text in texts]

    columns = {
        words.group(study, service.group, service.base): shown("persons", service.group),
        words("gaps.nearest"): [_minutes(value, words) for value in gaps["nearest_s"].tolist()],
        words("gaps.median"): [_minutes(value, words) for value in gaps["median_s"].tolist()],
        words("gaps.unreached"): shown_if_any("persons_unreached", service.group),
        words("gaps.mode"): [modes.get(mode, mode) for mode in gaps["mode"].tolist()],
        words("js.township"): [towns.get(code, code) for code in gaps["township_code"].fillna("").tolist()],
        words("js.village"): [villages.get(code, code) for code in gaps["village_code"].fillna("").tolist()],
        words("gaps.places"): [str(value) for value in gaps["n_points"].tolist()],
    }
    for group in study.groups:
        name = f"persons_{group.id}"
        if group.id != service.group and name in gaps:
            label = words("gaps.of_group", group=words.name(group))
            columns[label] = shown_if_any(name, group.id)
    return columns


def _minutes(seconds: float, words: Words) -> str:
    return words("minutes_n", n=wording.minutes(seconds)) if math.isfinite(seconds) else words("js.not_reached")
