"""Writing the shipped files, and comparing them with what the generator makes (decoded content, not bytes)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from embedded import raster, shapes, study

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from embedded.facts import Facts
    from embedded.study import EmbeddedStudy

GRID_PATH = "demand/population_100m.tif"
SAME_DEGREES = 2e-6  # coordinates of another PROJ or GEOS build may differ in the last rounded digit
# Another GEOS build may start a ring elsewhere, list rings in another order or leave out a vertex on a straight line:
SAME_OUTLINE_M = 0.5  # so areas are the same where no outline lies farther than this from the other,
SAME_STRIP_M = 0.05  # and what belongs to only one of them is narrower than this all along the outline, on average


def write_study(made: EmbeddedStudy, facts: Facts, folder: Path) -> list[Path]:
    """Write every file and return their paths."""
    written = []
    for name, layer in study.layers(made).items():
        path = _make_room(folder / name)
        layer.to_parquet(path, compression="zstd", compression_level=15, index=False)
        written.append(path)
    for name, table in study.tables(made, facts).items():
        path = _make_room(folder / name)
        table.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")
        written.append(path)
    path = _make_room(folder / GRID_PATH)
    raster.write_grid(study.grid(made), path)
    return [*written, path]


def _make_room(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def differences(made: EmbeddedStudy, facts: Facts, folder: Path) -> list[str]:
    """Return in what the files of a folder differ from what was made; empty = nothing."""
    faults: list[str] = []
    for name, layer in study.layers(made).items():
        if not (folder / name).exists():
            faults.append(f"{name}: is missing")
            continue
        faults += _layer_differences(name, layer, gpd.read_parquet(folder / name))
    for name, table in study.tables(made, facts).items():
        if not (folder / name).exists():
            faults.append(f"{name}: is missing")
            continue
        text = table.to_csv(index=False, lineterminator="\n")
        if text != (folder / name).read_text(encoding="utf-8-sig"):
            faults.append(f"{name}: has other rows")
    grid, stored = study.grid(made), raster.read_grid(folder / GRID_PATH)
    if grid.bands != stored.bands or not np.array_equal(grid.counts, stored.counts):
        faults.append(f"{GRID_PATH}: has other counts")
    return faults


def _layer_differences(name: str, made: gpd.GeoDataFrame, stored: gpd.GeoDataFrame) -> list[str]:
    if list(made.columns) != list(stored.columns) or len(made) != len(stored):
        return [f"{name}: has other columns or another number of rows"]
    faults = [
        f"{name}: column {column} differs"
        for column in made.columns.drop("geometry")
        if not _same(made[column], stored[column])
    ]
    if not _same_shapes(made.geometry.to_numpy(), stored.geometry.to_numpy()).all():
        faults.append(f"{name}: geometries differ")
    return faults


def _same_shapes(made: shapes.Geometries, stored: shapes.Geometries) -> Any:
    """Return which geometries are the same: points and lines vertex by vertex, areas by what they cover."""
    same = shapely.equals_exact(made, stored, SAME_DEGREES)
    are_areas = (shapely.get_dimensions(made) == 2) & (shapely.get_dimensions(stored) == 2)
    can_cover = shapely.is_valid(made) & shapely.is_valid(stored)
    doubtful = np.flatnonzero(~same & are_areas & can_cover)
    a, b = (shapely.transform(some[doubtful], _in_metres) for some in (made, stored))
    apart_m = shapely.hausdorff_distance(shapely.boundary(a), shapely.boundary(b))
    only_one_m2 = shapely.area(shapely.symmetric_difference(a, b))
    same[doubtful] = (apart_m <= SAME_OUTLINE_M) & (only_one_m2 <= SAME_STRIP_M * shapely.length(b))
    return same


def _in_metres(lon_lat: Any) -> Any:
    return shapes.to_metric(lon_lat[:, 0], lon_lat[:, 1])


def _same(made: pd.Series, stored: pd.Series) -> bool:
    blank = made.isna().to_numpy()
    if not np.array_equal(blank, stored.isna().to_numpy()):
        return False
    a: Any = made.to_numpy()[~blank]
    return bool(np.array_equal(a, stored.to_numpy()[~blank]))
