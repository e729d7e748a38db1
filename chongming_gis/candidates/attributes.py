"""What is known of a place: its township and village, the land there, the nearest road, who lives near.

Pure: points and layers in, columns out. What cannot be known is NA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from chongming_gis import travel
from chongming_gis.candidates import rasters
from chongming_gis.sources.surroundings import DRY_LAND

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.candidates.ground import Ground, Layer
    from chongming_gis.network import Network
    from chongming_gis.tables import RoadTables

    Floats = npt.NDArray[np.float64]
    Claims = npt.NDArray[np.bool_]
    Objects = npt.NDArray[np.object_]

SEPARATOR = " | "


def area_codes(points: Objects, areas: gpd.GeoDataFrame, column: str) -> pd.Series:
    """Return the code of the area that each point lies in (the first of several), NA where in none."""
    codes = pd.Series(pd.NA, index=pd.RangeIndex(len(points)), dtype="str")
    if areas.empty:
        return codes
    row, point = shapely.STRtree(points).query(areas.geometry.to_numpy(), predicate="intersects")
    found = pd.Series(areas[column].to_numpy(object)[row], index=point, dtype="str")
    return found.groupby(level=0).min().reindex(codes.index).astype("str")


def land_kinds(points: Objects, land: gpd.GeoDataFrame) -> pd.Series:
    """Return the kinds of land at each point, outlines of the dry land left out, NA where there is none."""
    areal = land[(shapely.get_dimensions(land.geometry.to_numpy()) == 2) & ~land["kind"].isin(DRY_LAND)]
    kinds = sorted(set(areal["kind"]))
    claims = np.zeros((len(points), len(kinds)), dtype=bool)
    row, point = shapely.STRtree(points).query(areal.geometry.to_numpy(), predicate="intersects")
    claims[point, pd.Index(kinds, dtype=object).get_indexer(areal["kind"].to_numpy(object)[row])] = True
    return join_claims(claims, kinds)


def join_claims(claims: Claims, words: list[str]) -> pd.Series:
    """Return for each row of claims the words it makes true, NA where none.

    Examples
    --------
    >>> join_claims(np.array([[True, True], [False, True], [False, False]]), ["a", "b"]).tolist()
    ['a | b', 'b', nan]
    """
    texts = np.full(len(claims), "", dtype=object)
    for column, word in enumerate(words):
        rows = np.flatnonzero(claims[:, column])
        texts[rows] = [f"{text}{SEPARATOR}{word}" if text else word for text in texts[rows]]
    joined = pd.Series(texts, dtype="str")
    return joined.mask(joined == "")


def nearest_roads(points: Objects, roads: RoadTables) -> tuple[pd.Series, Floats]:
    """Return the class of the nearest road of each point (of equally near ones, the first edge's), and metres to it."""
    is_road = roads.edges["highway"].notna().to_numpy(bool)
    edges = roads.edges[is_road]
    if edges.empty or not len(points):
        return pd.Series(pd.NA, index=pd.RangeIndex(len(points)), dtype="str"), np.full(len(points), np.nan)
    (point, edge), distance_m = shapely.STRtree(edges.geometry.to_numpy()).query_nearest(points, return_distance=True)
    order = np.lexsort((edge, point))
    first = order[np.unique(point[order], return_index=True)[1]]
    return pd.Series(edges["highway"].to_numpy(object)[edge[first]], dtype="str"), distance_m[first]


def distances_m(points: Objects, layer: Layer) -> Floats:
    """Return the straight line from each point to a layer, 0 inside its areas."""
    if not len(points):
        return np.empty(0)
    (point, _), distance = shapely.STRtree(_pieces(layer.geometry)).query_nearest(
        points, return_distance=True, all_matches=False
    )
    result = np.full(len(points), np.nan)
    result[point] = distance
    _, inside = shapely.STRtree(points).query(layer.areas, predicate="intersects")
    result[inside] = 0.0
    return result


def _pieces(shapes: Objects) -> Objects:
    """Return points as they are, and lines and outlines as straight pieces: a tree finds one of those at once."""
    dimension = shapely.get_dimensions(shapes)
    lines = np.concatenate([shapes[dimension == 1], shapely.get_parts(shapely.boundary(shapes[dimension == 2]))])
    coords, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    pieces = shapely.linestrings(np.stack([coords[:-1][same], coords[1:][same]], axis=1))
    return np.concatenate([shapes[dimension == 0], np.asarray(pieces, dtype=object)])


def measure_to(points: Objects, name: str, ground: Ground) -> tuple[str, Floats]:
    """Return the name and the values of the column for one layer: metres to it, or the value of a grid."""
    layer = ground.layers.get(name)
    if layer is None:
        return f"to_{name}_m", np.full(len(points), np.nan)
    if layer.grid is None:
        return f"to_{name}_m", distances_m(points, layer)
    return f"value_{name}", rasters.sample(layer.grid.path, layer.grid.config, points, ground.crs)


def persons_around(points: Objects, homes: Objects, persons: Floats, *, metres: float) -> Floats:
    """Return the persons within a straight distance of each point, the distance itself included."""
    if not len(points):
        return np.empty(0)
    home, point = shapely.STRtree(points).query(homes, predicate="dwithin", distance=metres)
    return np.bincount(point, weights=persons[home], minlength=len(points)).astype(np.float64)


def persons_on_network(
    points: gpd.GeoSeries, homes: gpd.GeoSeries, persons: Floats, *, network: Network, limit_s: float
) -> Floats:
    """Return the persons who reach each point within some seconds."""
    times = travel.travel_times(network, homes, points, cutoff_s=limit_s)
    reached = times.matrix.copy()
    reached.data = np.ones_like(reached.data)  # a stored 0 is a 0
    return np.asarray(reached.T @ persons, dtype=np.float64)
