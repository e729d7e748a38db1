"""Village and neighbourhood areas inside their township, and the built-up land of the towns.

Neighbourhoods (居委会) share the town around the township's seat; villages (村委会) share the rest. Which cell gets
which name is a rule, not knowledge: in the order of their codes, clockwise around the seat beginning in the north.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from embedded import areas, shapes
from embedded.townships import one_piece_each

if TYPE_CHECKING:
    from embedded.facts import Facts

    Floats = areas.Floats

NEIGHBOURHOOD_M2 = {"310151101": 0.50e6, "310151116": 0.62e6, "310151110": 0.55e6}  # of town land each
NEIGHBOURHOOD_ELSEWHERE_M2 = 0.58e6
FARM_NUCLEUS_M2 = 0.42e6  # built-up land of each neighbourhood of the former farm townships
MARKET_TOWN_M2 = 0.35e6  # built-up land around the seat of a township without neighbourhoods
FARM_TOWNSHIPS = ("310151114", "310151115")  # 新海, 东平: neighbourhoods only, each with its own settlement
SIZE_SPREAD = 0.22  # villages of one township differ in size by about this share
LLOYD_TURNS = 40


def make_villages(facts: Facts, townships: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return the 358 cells in metres, with ``kind`` (village | neighbourhood) and the built-up part of each."""
    units = facts["villages"]
    units = units[units["kind"] != "其他"].sort_values("village_code", ignore_index=True)
    made = [
        _divide_township(row, units[units["township_code"] == row.township_code], rng)
        for row in townships.itertuples(index=False)
    ]
    cells = pd.concat(made, ignore_index=True).sort_values("village_code", ignore_index=True)
    return gpd.GeoDataFrame(cells, geometry="geometry", crs=shapes.METRIC)


def _divide_township(township: Any, units: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    is_town = (units["kind"] == "居委会").to_numpy()
    seat = shapes.to_metric([township.seat_lon], [township.seat_lat])[0]
    land = township.geometry
    town, rest = units[is_town], units[~is_town]
    if township.township_code in FARM_TOWNSHIPS:
        cells = _divide(land, len(town), rng, seat)
        built = [
            _disc(point, FARM_NUCLEUS_M2).intersection(cell)
            for point, cell in zip(_inner_points(cells, seat), cells, strict=True)
        ]
        return _table(town, cells, built, seat)
    core = _town_core(seat, land, len(town) * NEIGHBOURHOOD_M2.get(township.township_code, NEIGHBOURHOOD_ELSEWHERE_M2))
    cells = _divide(core, len(town), rng, seat) if len(town) else []
    fields = _divide(land.difference(core), len(rest), rng, seat)
    market = _disc(seat, MARKET_TOWN_M2) if not len(town) else shapely.Polygon()
    built = [market.intersection(cell) if cell.contains(shapely.Point(seat)) else shapely.Polygon() for cell in fields]
    return pd.concat([_table(town, cells, cells, seat), _table(rest, fields, built, seat)])


def _town_core(seat: Floats, land: Any, area_m2: float) -> Any:
    """Return the town's land: a bent ellipse around the seat, as large as asked for, clipped to the township."""
    if area_m2 == 0:
        return shapely.Polygon()
    wanted = area_m2
    for _ in range(12):
        core = shapes.largest_part(shapely.set_precision(_disc(seat, wanted).intersection(land), shapes.GRID_M))
        wanted *= area_m2 / core.area
    return core


def _disc(centre: Floats, area_m2: float, stretch: float = 1.35) -> Any:
    """Return an ellipse along the island (its axis falls by about 24 degrees to the east), bent."""
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.sqrt(area_m2 / np.pi)
    ripple = 1 + 0.10 * np.sin(3 * angle + centre[0] / 900) + 0.06 * np.sin(5 * angle + centre[1] / 700)
    x, y = radius * ripple * np.sqrt(stretch) * np.cos(angle), radius * ripple / np.sqrt(stretch) * np.sin(angle)
    turn = np.deg2rad(-24)
    ring = np.column_stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)])
    return shapely.Polygon(centre + ring).buffer(0)


def _divide(land: Any, count: int, rng: np.random.Generator, seat: Floats) -> list[Any]:
    """Return ``count`` compact cells of nearly equal size, clockwise around the seat from the north."""
    if count == 1:
        return [land]
    sample = areas.sample_land(land, float(np.clip(np.sqrt(land.area / count / 120), 20.0, 150.0)))
    seeds = _lloyd(sample, sample[rng.choice(len(sample), count, replace=False)])
    middle = seeds - seat
    seeds = seeds[np.argsort(np.arctan2(middle[:, 0], middle[:, 1]) % (2 * np.pi), kind="stable")]
    wanted = np.exp(rng.normal(0, SIZE_SPREAD, count))
    sized = areas.Seeds(seeds, np.arange(count), wanted)
    return one_piece_each(areas.power_cells(sized, areas.fit_weights(sized, sample), land))


def _lloyd(sample: Floats, seeds: Floats) -> Floats:
    """Return seeds moved to the middle of the sample points nearest to them, many times (Lloyd 1982)."""
    for _ in range(LLOYD_TURNS):
        holder = np.argmin(((sample[:, None, :] - seeds[None]) ** 2).sum(axis=2), axis=1)
        size = np.maximum(np.bincount(holder, minlength=len(seeds)), 1)
        moved = [np.bincount(holder, weights=sample[:, k], minlength=len(seeds)) / size for k in (0, 1)]
        seeds = np.column_stack(moved)
    return seeds


def _inner_points(cells: list[Any], seat: Floats) -> list[Floats]:
    """Return one point well inside each cell; the cell that holds the seat keeps the seat."""
    points = []
    for cell in cells:
        inner = shapely.maximum_inscribed_circle(cell, tolerance=20.0)
        points.append(seat if cell.contains(shapely.Point(seat)) else shapely.get_coordinates(inner)[0])
    return points


def _table(units: pd.DataFrame, cells: list[Any], built: list[Any], seat: Floats) -> pd.DataFrame:
    centres = _inner_points(cells, np.array([np.inf, np.inf]))
    if cells:
        hold = [cell.contains(shapely.Point(seat)) for cell in cells]
        centres = [seat if held else centre for held, centre in zip(hold, centres, strict=True)]
    xy = np.array(centres, dtype=float).reshape(-1, 2)
    return units.assign(
        kind=np.where(units["kind"] == "居委会", "neighbourhood", "village"),
        x=xy[:, 0],
        y=xy[:, 1],
        built_up=np.asarray(built, dtype=object),
        geometry=np.asarray(cells, dtype=object),
    )
