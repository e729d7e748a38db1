"""Township areas from their seats and known sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from embedded import areas, shapes

if TYPE_CHECKING:
    import pandas as pd

    from embedded.coast import Ground
    from embedded.facts import Facts


def make_townships(facts: Facts, ground: Ground) -> gpd.GeoDataFrame:
    """Return the 18 township areas, in metres, in the order of their codes."""
    table = facts["townships"].sort_values("township_code", ignore_index=True)
    seats = shapes.to_metric(table["seat_lon"], table["seat_lat"])
    cells: list[Any] = [None] * len(table)
    for island, land in ground.township_land.items():
        rows = np.flatnonzero(table["island"] == island)
        for row, cell in zip(rows, _divide(facts, table.loc[rows], seats[rows], land), strict=True):
            cells[row] = cell
    return gpd.GeoDataFrame(table, geometry=cells, crs=shapes.METRIC)


def _divide(facts: Facts, table: pd.DataFrame, seats: Any, land: Any) -> list[Any]:
    if len(table) == 1:
        return [land]
    codes = table["township_code"].to_list()
    anchors = facts["township_anchors"]
    anchors = anchors[anchors["township_code"].isin(codes)]
    more = shapes.to_metric(anchors["lon"], anchors["lat"])
    owner = np.concatenate([np.arange(len(codes)), [codes.index(code) for code in anchors["township_code"]]])
    seeds = areas.Seeds(np.vstack([seats, more]), owner.astype(np.int64), table["area_km2"].to_numpy() * 1e6)
    weights = areas.fit_weights(seeds, areas.sample_land(land, 150.0), fixed=seats)
    return one_piece_each(areas.power_cells(seeds, weights, land))


def one_piece_each(cells: list[Any]) -> list[Any]:
    """Return cells that are one piece: a stray piece goes to the neighbour with the longest common border."""
    main = [shapes.largest_part(cell) for cell in cells]
    strays = [
        piece for cell, keep in zip(cells, main, strict=True) for piece in shapes.parts(cell) if piece is not keep
    ]
    for stray in strays:
        if any(stray.equals(keep) for keep in main):
            continue
        shared = [shapely.length(shapely.intersection(stray, cell)) for cell in main]
        taker = int(np.argmax(shared))
        main[taker] = shapely.union(main[taker], stray)
    return main
