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
from chongming_gis import datums
from chongming_gis.errors import CrsError, InputFileError, TableError, UndeclaredDatumError
from chongming_gis.findings import Finding
from chongming_gis.sources import shapefiles
from chongming_gis.sources.positions import position_faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.findings import Severity

    Floats = npt.NDArray[np.float64]

OSM = (".osm.pbf", ".pbf", ".osm", ".osm.bz2", ".osm.gz")
LAYER = (".gpkg", ".shp", ".geojson", ".parquet")
GRAPH = (".graphml",)
TABLE = (".csv",)


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
        shapefiles.refuse_short(path)
        with warnings.catch_warnings():
            # Outlines are repaired and heights and measures dropped by who reads them; dates are read as text.
            warnings.filterwarnings("ignore", message="(?i).*(winding|organizePolygons)", category=RuntimeWarning)
            warnings.filterwarnings("ignore", message="(?i).*(measured|parse)", category=UserWarning)
            return pyogrio.read_dataframe(path, layer=layer, encoding=shapefiles.encoding_of(path))
    except (DataSourceError, DataLayerError) as error:
        reason = _one_line(error)
        raise InputFileError(
            f"{path}: cannot be read as {path.suffix} ({reason}); it is damaged or misnamed"
        ) from error


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


def positions_of(table: PointTable, *, datum: str | None, axes: str | None = None) -> PointTable:
    """Return a table of coordinates with its points in EPSG:4326, and what is wrong with them added to its faults.

    Parameters
    ----------
    table : with columns ``lon`` and ``lat``, or ``x`` and ``y`` for a datum ``epsg:N``. Rows without a usable position
        have an empty point and a fault.
    datum : ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or ``epsg:N``.
    axes : for ``epsg:N``: ``easting_northing`` or ``northing_easting``, the order of x and y.

    Raises
    ------
    UndeclaredDatumError
        The datum is not declared; the error carries the coordinates.
    CrsError
        The datum is unknown, or ``axes`` does not fit it.
    TableError
        The columns are missing.
    """
    frame, where = table.frame, table.where
    if datum is None:
        raise _undeclared(table)
    try:
        datum = datums.parse(datum)
        datums.check(datum, axes)
    except CrsError as error:
        raise CrsError(f"{where}: {error}") from error
    first, second = _coordinates(frame, datums.columns_of(datum), where=where)
    found = position_faults(first, second, datum=datum, axes=axes)
    is_faulty = np.any([fault.rows for fault in found], axis=0)
    lon, lat = datums.to_wgs84(
        np.where(is_faulty, np.nan, first), np.where(is_faulty, np.nan, second), datum=datum, axes=axes
    )
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    points[is_faulty] = shapely.Point()
    faults = [
        finding
        for fault in found
        for finding in table.fault(
            fault.rows,
            fault.words,
            rule=fault.rule,
            column=fault.column,
            suggestion=fault.suggestion,
            details=fault.details,
        )
    ]
    located = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(points, index=frame.index, crs=crs_module.GEOGRAPHIC))
    return replace(table, frame=located, faults=[*table.faults, *faults])


def _coordinates(frame: pd.DataFrame, names: tuple[str, str], *, where: str) -> tuple[Floats, Floats]:
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise TableError(f"{where}: no column {' and '.join(absent)}; the file has {name_columns(frame)}")
    return to_numbers(frame[names[0]]), to_numbers(frame[names[1]])


def _undeclared(table: PointTable) -> UndeclaredDatumError:
    """Return the error that a table declares no datum, with its coordinates: degrees, or metres if it has only those.

    Raises
    ------
    TableError
        It has neither.
    """
    names = (
        ("x", "y") if {"x", "y"} <= set(table.frame.columns) and "lon" not in table.frame.columns else ("lon", "lat")
    )
    coordinates = _coordinates(table.frame, names, where=table.where)
    words = f"the datum of {names[0]} and {names[1]} is not declared"
    remedy = f"write datum = one of {datums.CHOICES}"
    finding = Finding("error", table.where, words, remedy, rule="datum_undeclared", details={"choices": datums.CHOICES})
    return UndeclaredDatumError(finding, columns=names, coordinates=coordinates)


def to_numbers(column: pd.Series) -> Floats:
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
        details = {"kind": kind, "accepted": ", ".join(accepted)}
        faults += layer.fault(faulty, words, rule="geometry_kind", suggestion=remedy, details=details)
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
    rows: npt.NDArray[np.int64] | None = None  # the file's row of each record, where they do not just follow each other
    sheet: str = ""
    shown: pd.DataFrame | None = None  # the texts of the file, where ``frame`` has what was read from them

    @property
    def row_numbers(self) -> npt.NDArray[np.int64]:
        """The number that the file shows beside each record."""
        return np.arange(len(self.frame)) + self.first_row if self.rows is None else self.rows

    def take(self, wanted: npt.NDArray[np.bool_]) -> PointTable:
        """Return some of the records, with the numbers they have in the file."""
        if wanted.all():
            return self
        return replace(
            self,
            frame=self.frame[wanted].reset_index(drop=True),
            rows=self.row_numbers[wanted],
            shown=None if self.shown is None else self.shown[wanted].reset_index(drop=True),
        )

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
        texts = self.frame if self.shown is None else self.shown
        values = texts[column] if column in texts.columns else None
        return [
            Finding(
                severity,
                self.where,
                words,
                suggestion,
                rule=rule,
                sheet=self.sheet,
                row=int(self.row_numbers[row]),
                column=self.names.get(column, column),
                value="" if values is None or pd.isna(values.iloc[row]) else str(values.iloc[row]),
                details=details or {},
            )
            for row in rows
        ]

    def table_fault(
        self, words: str, *, rule: str, suggestion: str = "", details: Mapping[str, str] | None = None
    ) -> list[Finding]:
        """Return the finding that the whole table has a fault."""
        return [Finding("error", self.where, words, suggestion, rule=rule, sheet=self.sheet, details=details or {})]

    def column_fault(self, name: str, *, suggestion: str) -> list[Finding]:
        """Return the finding that the table lacks a column (our name)."""
        have = name_columns(self.frame if self.shown is None else self.shown)
        words, details = f"no column {name!r}; the file has {have}", {"wanted": name, "have": have}
        return self.table_fault(words, rule="column_missing", suggestion=suggestion, details=details)


def read_points(
    path: Path,
    *,
    columns: Mapping[str, str],
    layer: str | None = None,
    datum: str | None = None,
    axes: str | None = None,
) -> PointTable:
    """Return the records of a point layer, or of a CSV with columns ``lon`` and ``lat`` (or ``x`` and ``y``).

    Parameters
    ----------
    columns : our column -> the file's column.
    datum, axes : CSV: what its coordinates are, see ``positions_of``. A layer names its CRS itself; but where it holds
        longitudes and latitudes taken from a Chinese web map, ``gcj02`` or ``bd09`` says so.

    Raises
    ------
    InputFileError
        The file is missing, damaged, or of a format that is not read.
    CrsError
        A layer without CRS, or with one that contradicts the datum; a table whose datum is not declared.
    TableError
        A mapped column is missing, or the coordinate columns are.
    """
    family = check_suffix(path, TABLE, LAYER)
    if family is TABLE:
        table = rename_columns(read_csv(path), columns, where=str(path))
        read = PointTable(table, [], first_row=2, where=str(path), names=dict(columns))
        return positions_of(read, datum=datum, axes=axes)
    frame = rename_columns(
        _from_map_datum(read_layer(path, layer=layer), datum, where=str(path)), columns, where=str(path)
    )
    remedy = "keep the points alone in a layer of their own"
    faults = geometry_faults(frame, ("Point",), where=str(path), remedy=remedy)
    return PointTable(gpd.GeoDataFrame(frame), faults, first_row=1, where=str(path), names=dict(columns))


def _from_map_datum(frame: gpd.GeoDataFrame, datum: str | None, *, where: str) -> gpd.GeoDataFrame:
    """Return a layer with positions of a web map turned into WGS 84; one in a surveyor's CRS stays as it is.

    Raises
    ------
    CrsError
        The layer is in metres, but declared to come from a web map; or the datum names a grid, which the layer does.
    """
    if datum in {None, "wgs84", "cgcs2000"}:
        return frame
    convert = datums.DEGREES.get(datum or "")
    if convert is None or not frame.crs.is_geographic:
        have = frame.crs.name
        raise CrsError(f"{where}: datum = {datum!r} does not fit a layer that says its CRS ({have}); remove the datum")

    def move(coords: Floats) -> Floats:
        return np.column_stack(convert(coords[:, 0], coords[:, 1]))

    moved = np.asarray(shapely.transform(frame.geometry.to_numpy(), move), dtype=object)
    return frame.set_geometry(gpd.GeoSeries(moved, index=frame.index, crs=crs_module.GEOGRAPHIC))


def text_column(frame: pd.DataFrame, name: str, *, default: str | None = None) -> pd.Series:
    """Return a column as text; empty cells, and a column that is not there, take the default (or stay missing)."""
    text = as_text(frame[name]) if name in frame.columns else pd.Series(np.nan, index=frame.index, dtype="str")
    return text if default is None else text.fillna(default)
