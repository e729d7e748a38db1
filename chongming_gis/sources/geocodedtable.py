"""A facility table with the positions that an online geocoder found: written for a person to look through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from chongming_gis import crs as crs_module
from chongming_gis.cell_text import harmless_column
from chongming_gis.sources import boundaries, headers, placing, records

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

    from chongming_gis.config import FacilitySource, StudyConfig
    from chongming_gis.sources.placing import Locator

    Area = shapely.Polygon | shapely.MultiPolygon

_POSITION = ("lon", "lat", "x", "y", "lon_lat", "position_quality_m")


@dataclass(frozen=True, slots=True)
class Geocoded:
    """A table to be reviewed: every row of the file, with lon and lat in WGS 84 where a position is known."""

    table: pd.DataFrame
    n_given: int  # rows that had coordinates
    n_found: int
    n_lost: int


def metric_region(study: StudyConfig) -> tuple[CRS, Area | None]:
    """Return the metric CRS that places are looked for in, and the study's region in it, if it has one."""
    path = study.region.boundary
    if path is None:
        return crs_module.parse_metric(study.crs or "EPSG:32651", where="crs"), None
    geographic = crs_module.parse(crs_module.GEOGRAPHIC, where="this package")
    middle = boundaries.read_region(study.resolve(path), geographic).centroid
    metric = crs_module.parse_metric(study.crs, where="crs") if study.crs else crs_module.utm_zone(middle.x, middle.y)
    return metric, boundaries.read_region(study.resolve(path), metric)


def geocode_table(path: Path, source: FacilitySource, *, crs: CRS, locate: Locator) -> Geocoded:
    """Return a facility table in which rows without coordinates have those that a locator found.

    Parameters
    ----------
    source : the service's ``facilities`` section, for its columns, sheet and datum.
    crs : the study's metric CRS.

    Returns
    -------
    Geocoded
        Columns ``located_by`` and ``position_quality_m`` say how a position was found and how far off it may be,
        ``not_located_because`` why there is none. The positions are WGS 84, whatever the file's datum.

    Raises
    ------
    InputFileError, TableError, CrsError
        The table cannot be read.
    FetchError
        The geocoder does not answer; what it said before is kept.
    """
    found = records.read_records(
        path,
        vocabulary=headers.FACILITIES,
        columns=source.columns,
        sheet=source.sheet,
        header_row=source.header_row,
    )
    placed = placing.place_rows(found.table, source, crs=crs, locate=locate)
    points = placed.table.frame.geometry.to_numpy()
    known = ~shapely.is_empty(points)
    degrees = np.full((len(points), 2), np.nan)
    degrees[known] = shapely.get_coordinates(points[known])
    texts = pd.DataFrame(found.table.frame if found.table.shown is None else found.table.shown)
    texts = texts.drop(columns=[name for name in _POSITION if name in texts.columns])
    said: dict[int, str] = {f.row: f.message for f in placed.findings if f.row is not None and f.severity != "note"}
    numbers = placed.table.row_numbers.tolist()
    because = [None if is_known else said.get(row) for row, is_known in zip(numbers, known.tolist(), strict=True)]
    out = pd.DataFrame({str(name): harmless_column(texts[name].astype("str")) for name in texts.columns})
    out = out.assign(
        lon=degrees[:, 0].round(7),
        lat=degrees[:, 1].round(7),
        position_quality_m=placed.quality_m.to_numpy(),
        located_by=harmless_column(placed.how.astype("str")).to_numpy(),
        not_located_because=harmless_column(pd.Series(because, dtype="str")).to_numpy(),
    )
    n_found = int(placed.how.notna().sum())
    return Geocoded(out, n_given=int(known.sum()) - n_found, n_found=n_found, n_lost=int((~known).sum()))
