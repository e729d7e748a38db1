"""Opening files: which formats a door takes, vector layers, and tables of longitude and latitude.

Every reader of this package comes through here, so that a missing file, a wrong suffix or a file without its CRS is
told in the same words. It knows nothing of roads, people or facilities.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from chongming_gis import crs as crs_module
from chongming_gis.errors import CrsError, InputFileError, TableError
from chongming_gis.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.findings import Severity

OSM = (".osm.pbf", ".pbf", ".osm", ".osm.bz2", ".osm.gz")
LAYER = (".gpkg", ".shp", ".geojson", ".parquet")
GRAPH = (".graphml",)
TABLE = (".csv",)

#: What a table of longitude and latitude may say its datum is. CGCS2000 and WGS 84 differ by less than 0.1 m
#: (Cheng et al. 2009), far below any position used here; the encrypted map datums are off by 500 m and refused.
DATUMS = ("wgs84", "cgcs2000")


def check_suffix(path: Path, *families: tuple[str, ...]) -> tuple[str, ...]:
    """Return the family of formats (``OSM``, ``LAYER``, ...) that a file belongs to by its suffix.

    Raises
    ------
    InputFileError
        The file is missing, a folder, or its suffix is in none of the families.
    """
    if not path.exists():
        raise InputFileError(f"{path}: there is no such file; check the path")
    if path.is_dir():
        raise InputFileError(f"{path}: is a folder; name a file in it")
    for family in families:
        if path.name.lower().endswith(family):
            return family
    accepted = ", ".join(suffix for family in families for suffix in family)
    raise InputFileError(f"{path}: the format {path.suffix or 'without suffix'} is not read here; accepted: {accepted}")


def read_layer(path: Path, *, layer: str | None = None) -> gpd.GeoDataFrame:
    """Return a vector layer in its own CRS, two-dimensional, one row a feature, index 0 .. n-1.

    Raises
    ------
    InputFileError
        The file cannot be opened, or holds several layers and none (or an unknown one) is named.
    CrsError
        The file does not say its CRS.
    """
    frame = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_ogr(path, layer)
    if frame.crs is None:
        raise CrsError(
            f"{path}: the file does not say its CRS (a .prj or a crs entry is missing); declare it in the file"
        )
    flat = shapely.force_2d(frame.geometry.to_numpy())
    return frame.set_geometry(gpd.GeoSeries(flat, index=frame.index, crs=frame.crs)).reset_index(drop=True)


def _read_parquet(path: Path) -> gpd.GeoDataFrame:
    try:
        return gpd.read_parquet(path)
    except (ValueError, OSError) as error:  # pyarrow's errors are ValueErrors; geopandas' for plain Parquet is one too
        raise InputFileError(f"{path}: cannot be read as GeoParquet ({_one_line(error)}); write it again") from error


def _read_ogr(path: Path, layer: str | None) -> gpd.GeoDataFrame:
    try:
        spatial = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        found = ", ".join(spatial) or "none"
        if layer is None and len(spatial) != 1:
            raise InputFileError(f"{path}: name one layer (layer = ...); layers with geometry in the file: {found}")
        if layer is not None and layer not in spatial:
            raise InputFileError(
                f"{path}: has no layer {layer!r}; layers with geometry: {', '.join(spatial) or 'none'}"
            )
        _refuse_short_shapefile(path)
        with warnings.catch_warnings():
            # Outlines are repaired and heights and measures dropped by who reads them; dates are read as text.
            warnings.filterwarnings("ignore", message="(?i).*(winding|organizePolygons)", category=RuntimeWarning)
            warnings.filterwarnings("ignore", message="(?i).*(measured|parse)", category=UserWarning)
            return pyogrio.read_dataframe(path, layer=layer)
    except (DataSourceError, DataLayerError) as error:
        reason = _one_line(error)
        raise InputFileError(
            f"{path}: cannot be read as {path.suffix} ({reason}); it is damaged or misnamed"
        ) from error


def _refuse_short_shapefile(path: Path) -> None:
    """GDAL reads a truncated .shp without a word, as rows without geometry; the header tells how long it was."""
    if path.suffix.lower() != ".shp":
        return
    with path.open("rb") as file:
        header = file.read(28)
    words = int.from_bytes(header[24:28], "big")  # of 16 bits (ESRI Shapefile Technical Description, 1998, p. 4)
    if path.stat().st_size < 2 * words:
        raise InputFileError(f"{path}: is incomplete (its header says {2 * words:,} bytes); copy it again")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def rename_columns(frame: pd.DataFrame, columns: Mapping[str, str], *, where: str) -> pd.DataFrame:
    """Return the frame under our names.

    Parameters
    ----------
    columns : our name -> the file's column. Columns that are not mentioned keep their names; a column of ours that
        the file already has under another meaning gives way to the mapped one.

    Raises
    ------
    TableError
        A mapped column is not in the file; the message lists what is.
    """
    absent = sorted(theirs for theirs in columns.values() if theirs not in frame.columns)
    if absent:
        raise TableError(f"{where}: no column {', '.join(map(repr, absent))}; the file has {name_columns(frame)}")
    taken = {ours: frame[theirs] for ours, theirs in columns.items()}
    kept = frame.drop(columns=[name for name in {*columns.values(), *columns} if name in frame.columns])
    return kept.assign(**taken)


def name_columns(frame: pd.DataFrame) -> str:
    """Return the names of a frame's columns for a message, geometry left out."""
    return ", ".join(str(name) for name in frame.columns if name != "geometry") or "no columns"


def read_csv(path: Path) -> pd.DataFrame:
    """Return a CSV table as text (missing = NA), UTF-8 with or without a byte order mark, else GB 18030.

    Everything is read as text: codes such as ``310151001001`` and years keep their digits, and each reader turns
    into numbers what it knows to be numbers.

    Raises
    ------
    InputFileError
        It cannot be opened, the bytes are neither encoding, or the lines have unequal numbers of fields.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            frame = pd.read_csv(path, dtype="str", encoding=encoding, encoding_errors="strict", skipinitialspace=True)
        except UnicodeDecodeError:
            continue
        except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError) as error:
            raise InputFileError(f"{path}: cannot be read as CSV ({_one_line(error)})") from error
        return frame.rename(columns=str.strip)
    raise InputFileError(f"{path}: is neither UTF-8 nor GB 18030 text; save it as CSV UTF-8")


def _located(table: PointTable, *, datum: str | None) -> PointTable:
    """Return a table with the points of its columns ``lon`` and ``lat`` (WGS 84), and what is wrong with them.

    Raises
    ------
    CrsError
        The datum is not declared, or is another one.
    TableError
        The columns are missing.
    """
    frame, where = table.frame, table.where
    if datum not in DATUMS:
        got = "is not declared" if datum is None else f"{datum!r} is not accepted"
        raise CrsError(f"{where}: the datum of lon and lat {got}; write datum = 'wgs84' or 'cgcs2000'")
    absent = [name for name in ("lon", "lat") if name not in frame.columns]
    if absent:
        raise TableError(f"{where}: no column {' and '.join(absent)}; the file has {name_columns(frame)}")
    lon, lat = (to_numbers(frame[name]) for name in ("lon", "lat"))
    is_number = np.isfinite(lon) & np.isfinite(lat)
    in_range = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
    swapped = (np.abs(lon) <= 90.0) & (np.abs(lat) > 90.0) & (np.abs(lat) <= 180.0)
    faults = [
        *table.fault(~is_number, "lon or lat is missing or not a number", rule="position_missing", column="lon"),
        *table.fault(swapped, "lon and lat are swapped", rule="position_swapped", column="lon"),
        *table.fault(
            is_number & ~in_range & ~swapped, "lon or lat is out of range", rule="position_range", column="lon"
        ),
    ]
    points = gpd.GeoSeries(shapely.points(lon, lat), index=frame.index, crs=crs_module.GEOGRAPHIC)
    return replace(table, frame=gpd.GeoDataFrame(frame, geometry=points), faults=faults)


def to_numbers(column: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a column as float64; what is not a number becomes NaN."""
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def geometry_faults(frame: gpd.GeoDataFrame, accepted: Sequence[str], *, where: str, remedy: str) -> list[Finding]:
    """Return what is wrong with the kinds of geometry in a layer, row by row."""
    layer = PointTable(frame, [], first_row=1, where=where)
    kinds = frame.geometry.geom_type
    missing = frame.geometry.isna() | frame.geometry.is_empty
    faults = layer.fault(missing, "no geometry", rule="geometry_missing")
    for kind in sorted(set(kinds[~missing]) - set(accepted)):
        faulty = (kinds == kind) & ~missing
        words = f"{faulty.sum()} {kind} where {' or '.join(accepted)} is needed"
        faults += layer.fault(faulty, words, rule="geometry_kind", suggestion=remedy)
    return faults


def as_text(column: pd.Series) -> pd.Series:
    """Return a column as text, stripped, with empty cells missing; whole numbers lose their ``.0``."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    text = column.astype("str").str.strip()
    return text.mask(text == "")


def utm_zone_of(geometry: npt.NDArray[np.object_], crs: CRS) -> CRS:
    """Return the UTM zone of the centre of some geometries."""
    west, south, east, north = shapely.total_bounds(geometry)
    centre = np.array([shapely.Point((west + east) / 2.0, (south + north) / 2.0)], dtype=object)
    place = crs_module.transform(centre, crs, pyproj.CRS.from_user_input(crs_module.GEOGRAPHIC))[0]
    return crs_module.utm_zone(place.x, place.y)


@dataclass(frozen=True, slots=True)
class PointTable:
    """Records with a position each, under our column names, and what is wrong with their positions."""

    frame: gpd.GeoDataFrame  # index 0 .. n-1, in the CRS of the file
    faults: list[Finding]
    first_row: int  # the number the file shows beside its first record: 2 under the header of a CSV, 1 in a layer
    where: str = ""  # the file, as messages name it
    names: Mapping[str, str] = field(default_factory=dict)  # our column -> the file's, where they differ

    def fault(
        self,
        faulty: npt.ArrayLike | pd.Series,
        words: str,
        *,
        rule: str,
        column: str = "",
        suggestion: str = "",
        severity: Severity = "error",
        details: Mapping[str, str] | None = None,
    ) -> list[Finding]:
        """Return one finding a faulty row, with the value that the row has in ``column`` (our name)."""
        rows = np.flatnonzero(np.asarray(faulty, dtype=bool))
        values = self.frame[column] if column in self.frame.columns else None
        return [
            Finding(
                severity,
                self.where,
                words,
                suggestion,
                rule=rule,
                row=int(row) + self.first_row,
                column=self.names.get(column, column),
                value="" if values is None or pd.isna(values.iloc[row]) else str(values.iloc[row]),
                details=details or {},
            )
            for row in rows
        ]

    def table_fault(self, words: str, *, rule: str, suggestion: str = "") -> list[Finding]:
        """Return the finding that the whole table has a fault."""
        return [Finding("error", self.where, words, suggestion, rule=rule)]


def read_points(
    path: Path, *, columns: Mapping[str, str], layer: str | None = None, datum: str | None = None
) -> PointTable:
    """Return the records of a point layer, or of a CSV with columns ``lon`` and ``lat``.

    Parameters
    ----------
    columns : our column -> the file's column.
    datum : CSV: the datum of its positions.

    Raises
    ------
    InputFileError
        The file is missing, damaged, or of a format that is not read.
    CrsError
        A layer without CRS, or a table whose datum is not declared.
    TableError
        A mapped column is missing, or lon and lat are.
    """
    family = check_suffix(path, TABLE, LAYER)
    if family is TABLE:
        table = rename_columns(read_csv(path), columns, where=str(path))
        return _located(PointTable(table, [], first_row=2, where=str(path), names=dict(columns)), datum=datum)
    frame = rename_columns(read_layer(path, layer=layer), columns, where=str(path))
    remedy = "keep the points alone in a layer of their own"
    faults = geometry_faults(frame, ("Point",), where=str(path), remedy=remedy)
    return PointTable(gpd.GeoDataFrame(frame), faults, first_row=1, where=str(path), names=dict(columns))


def text_column(frame: pd.DataFrame, name: str, *, default: str | None = None) -> pd.Series:
    """Return a column as text; empty cells, and a column that is not there, take the default (or stay missing)."""
    text = as_text(frame[name]) if name in frame.columns else pd.Series(np.nan, index=frame.index, dtype="str")
    return text if default is None else text.fillna(default)
