"""The ground from which a service is reached, on its map: rings by minutes, and how many people they misjudge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import shapely

from chongming_gis import crs, wording
from chongming_gis.config import ALL_CLASSES
from chongming_gis.maps.base import AREA_TOLERANCE_M
from chongming_gis.maps.packing import pack_shapes
from chongming_gis.maps.page import Data
from chongming_gis.tables import rows_where
from chongming_gis.units import seconds_to_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import pandas as pd

    from chongming_gis.config import ServiceConfig
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words


def areas_of(result: StudyResult, service: ServiceConfig) -> list[gpd.GeoDataFrame]:
    """Return the rings of a service, from near to far: a table for each settlement class and mode of its standard."""
    table = result.measured.get("isochrones")
    if table is None:
        return []
    own = rows_where(table, "service", service.id).sort_values("limit_s", kind="stable")
    return [part for _, part in own.groupby(["settlement", "mode"], sort=False)]


def whose(result: StudyResult, areas: pd.DataFrame, words: Words) -> str:
    """Return by which mode, and for which settlement class, some rings hold."""
    first = areas.iloc[0]
    modes = {mode.id: words.name(mode) for mode in result.study.modes}
    classes = {entry.id: words.name(entry) for entry in result.study.settlement_classes}
    mode = modes.get(first["mode"], first["mode"])
    if first["settlement"] == ALL_CLASSES:
        return words.heading(mode)
    return words.heading(words("limit_of_class", settlement=classes[first["settlement"]], limit=mode))


def areas_data(result: StudyResult, service: ServiceConfig, words: Words) -> list[tuple[str, Data]]:
    """Return the rings of each settlement class and mode with the name of their layer; simplified for the screen."""
    return [_data(result, service, areas, words) for areas in areas_of(result, service)]


def _data(result: StudyResult, service: ServiceConfig, areas: gpd.GeoDataFrame, words: Words) -> tuple[str, Data]:
    title = words("layer.reached", whose=whose(result, areas, words))
    first, last = areas.iloc[0], areas.iloc[-1]
    # ten times as fast, and what it may cross is below a pixel
    shapes = shapely.simplify(areas.geometry.to_numpy(), AREA_TOLERANCE_M, preserve_topology=False)
    note = words(
        "areas.note",
        share=wording.share(last["share_misclassified"]),
        near=wording.share(near_edge_share(last)),
    )
    content = {
        "title": title,
        "note": note if last["persons"] > 0 else "",
        "rings": [
            words("class_upto", to=wording.quantity(round(seconds_to_minutes(limit_s), 2)))
            for limit_s in areas["limit_s"]
        ],
        "rows": [_rows(result, service, ring, words) for ring in areas.to_dict("records")],
        "shapes": pack_shapes(crs.shapes_to_degrees(shapes, crs.parse(areas.crs, where="isochrones"))),
    }
    return title, Data.of(f"reached-{service.id}-{first['settlement']}-{first['mode']}", content)


def near_edge_share(ring: Mapping[Any, Any] | pd.Series) -> float:
    """Return the share of misjudged people among those within 300 m of the edge; NaN where there are none."""
    near = float(ring["near_edge_persons"])
    return float(ring["near_edge_misclassified"]) / near if near > 0 else float("nan")


def _rows(result: StudyResult, service: ServiceConfig, ring: Mapping[Any, Any], words: Words) -> list[tuple[str, str]]:
    error = words(
        "areas.misjudged",
        persons=wording.persons(ring["persons_misclassified"]),
        share=wording.share(ring["share_misclassified"]),
    )
    near = words(
        "areas.misjudged",
        persons=wording.persons(ring["near_edge_misclassified"]),
        share=wording.share(near_edge_share(ring)),
    )
    return [
        (words("areas.area"), words("areas.km2", area=f"{ring['area_km2']:,.1f}")),
        (words.group(result.study, service.group, service.base), wording.persons(ring["persons_inside"])),
        (words("areas.in_time"), wording.persons(ring["persons_in_time"])),
        (words("areas.error"), error),
        (words("areas.error_near"), near),
    ]
