"""Line layers (.gpkg .shp .geojson .parquet): features -> lines as drawn, with the vertices they share.

A layer has no node ids, so position decides where lines meet, in the layer's own metric CRS or the UTM zone of its
centre:

* vertices of any lines closer than ``JOIN_TOLERANCE_M`` are one vertex;
* an end of a line that meets nothing, and lies on another line within ``END_TOLERANCE_M``, is joined to that line
  (a side road snapped to the middle of a segment);
* lines that cross without a common vertex do not meet: that is how layers draw a bridge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from chongming_gis import crs as crs_module
from chongming_gis.errors import NetworkError, TableError
from chongming_gis.sources import layers, tags
from chongming_gis.sources.drawn import DrawnLines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import geopandas as gpd
    from pyproj import CRS

    from chongming_gis.sources.noding import Floats, Ints

#: 1 mm: above the rounding of any format that keeps one vertex equal to itself, far below the width of a road.
JOIN_TOLERANCE_M = 0.001
#: 2 cm: an end snapped to the middle of a segment is off by the rounding of its digits, at most 8 mm a coordinate with
#: GeoJSON's seven decimals. A gap wider than that is a fault of the layer, and closing it is for who drew it.
END_TOLERANCE_M = 0.02

_TEXTS = (*tags.RAW_KEYS, "oneway_bicycle")
#: How other programs write what OSM writes as yes, no and -1: booleans, and Geofabrik's shapefiles (F forward, T
#: against the drawing, B both; T and F for bridge and tunnel; maxspeed 0 = not known).
_SPELLINGS = {
    "oneway": {"True": "yes", "False": "no", "F": "yes", "T": "-1", "B": "no"},
    "bridge": {"True": "yes", "False": "no", "T": "yes", "F": "no"},
    "tunnel": {"True": "yes", "False": "no", "T": "yes", "F": "no"},
    "maxspeed": {"0": None},
}


def read_lines(path: Path, *, columns: Mapping[str, str], layer: str | None) -> DrawnLines:
    """Return the lines of a layer.

    Parameters
    ----------
    columns : our name -> the file's column. ``way_id`` may be among them; without it a way is a row of the file.

    Raises
    ------
    InputFileError
        The file cannot be read.
    CrsError
        The layer has no CRS.
    TableError
        Geometries are not lines, or there is no column for ``highway``.
    NetworkError
        No row has a geometry.
    """
    frame = layers.rename_columns(layers.read_layer(path, layer=layer), columns, where=str(path))
    n_rows = len(frame)
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    table = layers.PointTable(frame, [], first_row=1, where=str(path))
    remedy = "save the lines alone in a layer of their own"
    faults = layers.geometry_faults(frame, ("LineString", "MultiLineString"), where=str(path), remedy=remedy)
    if "highway" not in frame.columns:
        remedy = "map the one with the road class, columns = { highway = '...' }"
        faults += table.column_fault("highway", suggestion=remedy)
    if faults:
        raise TableError.of(faults, where=str(path))
    if frame.empty:
        raise NetworkError(f"{path}: there is no road in this file (no row has a geometry)")
    return _drawn(frame, report={"rows_read": n_rows, "rows_without_geometry": n_rows - len(frame)})


def _drawn(frame: gpd.GeoDataFrame, *, report: Mapping[str, int]) -> DrawnLines:
    working = _working_crs(frame)
    geometry = crs_module.transform(frame.geometry.to_numpy(), frame.crs, working)
    parts, row = shapely.get_parts(geometry, return_index=True)
    positions, owner = shapely.get_coordinates(parts, return_index=True)
    offsets = np.searchsorted(owner, np.arange(len(parts) + 1))
    vertex, coords = join_vertices(positions, tolerance_m=JOIN_TOLERANCE_M)
    offsets, joined, n_ends = join_ends(offsets, vertex, coords, tolerance_m=END_TOLERANCE_M)
    return DrawnLines(
        way_id=_way_ids(frame)[row],
        raw=_raw_columns(frame).take(row).reset_index(drop=True),
        offsets=offsets,
        vertex=joined,
        coords=coords,
        crs=working,
        node_id=np.arange(len(coords)),
        report={**report, "ends_joined_to_a_line": n_ends},
    )


def _working_crs(frame: gpd.GeoDataFrame) -> CRS:
    units = {axis.unit_name for axis in frame.crs.axis_info[:2]}
    if frame.crs.is_projected and units == {"metre"}:
        crs: CRS = frame.crs
        return crs
    return layers.utm_zone_of(frame.geometry.to_numpy(), frame.crs)


def _way_ids(frame: gpd.GeoDataFrame) -> Ints:
    """Return the file's way ids where every row has a whole number, else the number of each row."""
    if "way_id" in frame.columns and pd.api.types.is_integer_dtype(frame["way_id"]) and frame["way_id"].notna().all():
        return np.asarray(frame["way_id"], dtype=np.int64)
    return np.asarray(frame.index, dtype=np.int64)


def _raw_columns(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    found = {name: layers.as_text(frame[name]) for name in _TEXTS if name in frame.columns}
    for name, spellings in _SPELLINGS.items():
        if name in found:
            found[name] = found[name].replace(spellings)
    numbers = {name: pd.to_numeric(frame[name], errors="coerce") for name in tags.NUMBERS if name in frame.columns}
    return pd.DataFrame({**found, **numbers})


def join_vertices(positions: Floats, *, tolerance_m: float) -> tuple[Ints, Floats]:
    """Return which vertex each position is, and the vertices ordered by (x, y).

    Positions within the tolerance of each other, directly or through others, are one vertex: the first of them in
    the order of (x, y).

    Parameters
    ----------
    positions : (n, 2) metres.

    Examples
    --------
    >>> vertex, coords = join_vertices(np.array([[5.0, 0.0], [0.0, 0.0], [5.0004, 0.0]]), tolerance_m=0.001)
    >>> vertex.tolist(), coords.tolist()
    ([1, 0, 1], [[0.0, 0.0], [5.0, 0.0]])
    """
    packed = np.ascontiguousarray(positions).view(np.complex128).ravel()  # sorts by x, then y, faster than rows do
    distinct, vertex = np.unique(packed, return_inverse=True)
    coords = distinct.view(np.float64).reshape(-1, 2)
    pairs = KDTree(coords).query_pairs(tolerance_m, output_type="ndarray")
    if len(pairs) == 0:
        return vertex.astype(np.int64), coords
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(coords), len(coords)))
    _, group = connected_components(links, directed=False)
    _, first, merged = np.unique(group, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[merged][vertex].astype(np.int64), coords[np.sort(first)]


def join_ends(offsets: Ints, vertex: Ints, coords: Floats, *, tolerance_m: float) -> tuple[Ints, Ints, int]:
    """Return the lines with every loose end made a vertex of the line that it lies on, and how many were.

    Parameters
    ----------
    offsets, vertex, coords : lines as in ``noding.split_at_junctions``, metres.

    Examples
    --------
    A side road (vertex 2 to 3) ends in the middle of the segment from 0 to 1:

    >>> coords = np.array([[0.0, 0.0], [10.0, 0.0], [4.0, 0.0], [4.0, 9.0]])
    >>> offsets, vertex, n = join_ends(np.array([0, 2, 4]), np.array([0, 1, 2, 3]), coords, tolerance_m=0.02)
    >>> offsets.tolist(), vertex.tolist(), n
    ([0, 3, 5], [0, 2, 1, 2, 3], 1)
    """
    line = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    before = np.flatnonzero(line[1:] == line[:-1])  # position at which a segment starts
    ends = np.unique(np.r_[vertex[offsets[:-1]], vertex[offsets[1:] - 1]])
    loose = ends[np.bincount(vertex, minlength=len(coords))[ends] == 1]
    start, stop = vertex[before], vertex[before + 1]
    segments = np.asarray(shapely.linestrings(np.stack([coords[start], coords[stop]], axis=1)), dtype=object)
    which, on = shapely.STRtree(segments).query(
        shapely.points(coords[loose]), predicate="dwithin", distance=tolerance_m
    )
    end = loose[which]
    own = (start[on] == end) | (stop[on] == end)
    end, on = end[~own], on[~own]
    along = np.hypot(*(coords[end] - coords[start[on]]).T)
    order = np.lexsort((end, along, before[on]))
    at = before[on][order] + 1
    return offsets + np.searchsorted(at, offsets, side="right"), np.insert(vertex, at, end[order]), len(np.unique(end))
