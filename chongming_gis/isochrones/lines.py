"""Reached pieces of road as a layer: cut exactly where a limit is met, with the seconds that remain at both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from chongming_gis import reach, travel
from chongming_gis.errors import CrsError, NetworkError
from chongming_gis.isochrones.areas import checked_limits
from chongming_gis.isochrones.pieces import Pieces, join, reached_pieces
from chongming_gis.isochrones.surface import served_areas

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from chongming_gis.network import Network, SnappedPoints
    from chongming_gis.tables import RoadTables

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]
    Rows = npt.NDArray[np.intp]
    Geometries = npt.NDArray[np.object_]


def service_lines(
    network: Network,
    roads: RoadTables,
    facilities: SnappedPoints,
    *,
    limits_s: Sequence[float],
    direction: travel.Direction = "to_destination",
) -> gpd.GeoDataFrame:
    """Return the pieces of road from which some facility is reached within each limit.

    Parameters
    ----------
    roads : the tables that the network was made from; ferries are travelled on, but are no road to draw.
    limits_s : upper bounds, inclusive. A piece is listed under the least limit that it is within.
    direction : ``to_destination`` (a resident goes there) or ``from_destination`` (it is brought to the resident).

    Returns
    -------
    GeoDataFrame
        ``limit_s``, ``edge_id``, ``from_share`` and ``to_share`` (where on the edge, 0 = tail), ``length_m``,
        ``from_s`` and ``to_s`` (seconds to the facility at both ends), ``remaining_from_s`` and ``remaining_to_s``
        (the limit less these; in between it falls or rises evenly), ``facility`` (row of the nearest, by way of which
        the piece is reached), geometry. Ordered by limit, edge, place and facility.

    Raises
    ------
    NetworkError
        No limits, limits that are not positive, facilities snapped to another network, or other roads.
    """
    ordered = checked_limits(limits_s)
    pieces = reached_pieces(network, _drawn_edges(network, roads), facilities, limits_s=ordered, direction=direction)
    return _table(network, pieces, ordered)


def lines_by_facility(
    network: Network,
    roads: RoadTables,
    facilities: SnappedPoints,
    *,
    limits_s: Sequence[float],
    direction: travel.Direction = "to_destination",
) -> gpd.GeoDataFrame:
    """Return the pieces of road from which each single facility is reached, whatever others are nearer.

    The columns are those of ``service_lines``, and rows are ordered by facility first.

    Raises
    ------
    NetworkError
        See ``service_lines``.
    """
    ordered = checked_limits(limits_s)
    drawn = np.zeros(network.n_edges, dtype=bool)
    drawn[_drawn_edges(network, roads)] = True
    back: travel.Direction = "from_destination" if direction == "to_destination" else "to_destination"
    reached = travel.reached_nodes(network, facilities, cutoff_s=ordered[-1], direction=back)
    ends = np.concatenate([network.tail, network.head])
    at_node = np.argsort(ends, kind="stable")
    first = np.searchsorted(ends[at_node], np.arange(network.n_nodes + 1))
    found = [_none()]
    for row in range(len(facilities)):
        nodes = reached.indices[reached.indptr[row] : reached.indptr[row + 1]]
        around = at_node[_ranges(first[nodes], first[nodes + 1])] % network.n_edges
        own = facilities.edge[row : row + 1]
        edges = np.unique(np.concatenate([around, own[own >= 0]]))
        alone = facilities.take(np.array([row]))
        pieces = reached_pieces(network, edges[drawn[edges]], alone, limits_s=ordered, direction=direction)
        found.append(pieces.of_facilities(np.array([row])))
    table = _table(network, join(found), ordered)
    return table.sort_values("facility", kind="stable").reset_index(drop=True)


def usable_lines(
    network: Network,
    roads: RoadTables,
    facilities: reach.Places,
    *,
    areas: Mapping[str, gpd.GeoDataFrame],
    limits_s: Sequence[float],
    direction: travel.Direction = "to_destination",
) -> gpd.GeoDataFrame:
    """Return the pieces of road from which people who live there reach a facility that they may use.

    Parameters
    ----------
    areas : ``township`` and ``village``: the ground on which facilities that serve one of them count. Pieces are cut
        at its border; people travel beyond it all the same.

    Returns
    -------
    GeoDataFrame
        The columns of ``service_lines``, ``facility`` a row of all facilities. Where facilities of different ``serves``
        reach one piece of road it is listed for each; such lengths are not to be added.

    Raises
    ------
    NetworkError
        See ``service_lines``.
    CrsError
        The areas are in another CRS.
    """
    ordered = checked_limits(limits_s)
    edges = _drawn_edges(network, roads)
    snapped = facilities.snapped[network.mode.name]
    questions: list[tuple[Rows, Rows, object]] = [
        (np.flatnonzero(~reach.is_restricted(facilities.points)), edges, None)
    ]
    tree = shapely.STRtree(network.lines[edges])
    for level, frame in areas.items():
        if frame.crs != network.crs:
            raise CrsError(f"the {level} areas are in another CRS than the roads: convert them on reading")
        rows, area = served_areas(facilities.points, frame, level)
        for number in np.unique(area):
            ground = frame.geometry.iloc[int(number)]
            touched = np.sort(tree.query(ground, predicate="intersects"))
            questions.append((rows[area == number], edges[touched], ground))
    found, grounds = [_none()], []
    for rows, of, ground in questions:
        pieces = reached_pieces(network, of, snapped.take(rows), limits_s=ordered, direction=direction)
        found.append(pieces.of_facilities(rows))
        grounds.append(np.full(len(pieces), ground, dtype=object))
    pieces = join(found)
    return _clipped(_table(network, pieces, ordered), np.concatenate(grounds)[pieces.in_order()])


def _none() -> Pieces:
    whole, floats = np.empty(0, dtype=np.int32), np.empty(0)
    return Pieces(whole.astype(np.intp), whole, floats, floats, floats, floats, whole)


def _drawn_edges(network: Network, roads: RoadTables) -> Rows:
    """Return the edges of a network that are roads: a ferry's line is water."""
    if network.n_edges and int(network.row.max()) >= len(roads.edges):
        raise NetworkError("the network was made from other roads than these")
    is_ferry = (roads.edges["route"] == "ferry") & roads.edges["highway"].isna()  # as in network.rules
    return np.flatnonzero(~is_ferry.to_numpy(dtype=bool)[network.row])


def _table(network: Network, pieces: Pieces, limits_s: Sequence[float]) -> gpd.GeoDataFrame:
    pieces = pieces.take(pieces.in_order())
    limit_s = np.array(limits_s)[pieces.limit]
    return gpd.GeoDataFrame(
        {
            "limit_s": limit_s,
            "edge_id": network.edge_id[pieces.edge],
            "from_share": pieces.start,
            "to_share": pieces.end,
            "length_m": (pieces.end - pieces.start) * network.length_m[pieces.edge],
            "from_s": pieces.start_s,
            "to_s": pieces.end_s,
            "remaining_from_s": limit_s - pieces.start_s,
            "remaining_to_s": limit_s - pieces.end_s,
            "facility": pieces.facility,
        },
        geometry=_cut(network.lines, pieces.edge, pieces.start, pieces.end),
        crs=network.crs,
    )


def _clipped(lines: gpd.GeoDataFrame, grounds: Geometries) -> gpd.GeoDataFrame:
    """Return the parts of pieces on their ground, with shares, metres and seconds in proportion; None: everywhere."""
    shapes = lines.geometry.to_numpy()
    shapely.prepare(grounds)
    whole = shapely.is_missing(grounds) | shapely.contains_properly(grounds, shapes)
    crossing = np.flatnonzero(~whole)
    on_ground = shapely.line_merge(shapely.intersection(shapes[crossing], grounds[crossing]))
    cut, owner = shapely.get_parts(on_ground, return_index=True)
    nested, at = shapely.get_parts(cut, return_index=True)  # collections: points where a piece only touches
    is_line = shapely.get_type_id(nested) == shapely.GeometryType.LINESTRING
    parts, row = nested[is_line], crossing[owner[at[is_line]]]
    ends = [
        shapely.line_locate_point(shapes[row], shapely.get_point(parts, place), normalized=True) for place in (0, -1)
    ]
    table = lines.iloc[np.concatenate([np.flatnonzero(whole), row])].copy()
    n_whole = len(table) - len(row)
    low = np.concatenate([np.zeros(n_whole), np.minimum(*ends)])
    high = np.concatenate([np.ones(n_whole), np.maximum(*ends)])
    for name in ("share", "s"):
        start, end = table[f"from_{name}"].to_numpy(), table[f"to_{name}"].to_numpy()
        table[f"from_{name}"] = np.where(low == 0.0, start, start + low * (end - start))
        table[f"to_{name}"] = np.where(high == 1.0, end, start + high * (end - start))
    table["length_m"] = table["length_m"] * (high - low)
    table["remaining_from_s"], table["remaining_to_s"] = (
        table["limit_s"] - table[f"{end}_s"] for end in ("from", "to")
    )
    table["geometry"] = np.concatenate([shapes[whole], parts])
    return table.sort_values(["limit_s", "edge_id", "from_share", "facility"], kind="stable").reset_index(drop=True)


def _cut(lines: npt.NDArray[np.object_], edge: Ints, start: Floats, end: Floats) -> npt.NDArray[np.object_]:
    """Return pieces of lines, by shares of their planar length; a whole line stays as it is."""
    shapes = lines[edge].copy()
    part = np.flatnonzero((start > 0.0) | (end < 1.0))
    used, at = np.unique(edge[part], return_inverse=True)
    coords, owner = shapely.get_coordinates(lines[used], return_index=True)
    steps = np.hypot(*np.diff(coords, axis=0).T) if len(coords) else np.empty(0)
    steps = np.where(owner[1:] == owner[:-1], steps, 0.0)
    along = np.concatenate([[0.0], np.cumsum(steps)])[: len(coords)]
    first = np.searchsorted(owner, np.arange(len(used) + 1))
    from_m = along[first[:-1]][at]
    length_m = along[first[1:] - 1][at] - from_m
    start_m, end_m = from_m + start[part] * length_m, from_m + end[part] * length_m
    # corners strictly inside; ``along`` never falls, and an edge's own corners stand between its first and last
    low = np.clip(np.searchsorted(along, start_m, side="right"), first[:-1][at] + 1, first[1:][at] - 1)
    high = np.clip(np.searchsorted(along, end_m, side="left"), low, first[1:][at] - 1)
    inner = _ranges(low, high)
    counts = high - low
    piece = np.concatenate([np.arange(len(part)), np.repeat(np.arange(len(part)), counts), np.arange(len(part))])
    place = np.concatenate([np.full(len(part), -1), inner, np.full(len(part), len(coords))])
    heads = shapely.get_coordinates(shapely.line_interpolate_point(lines[edge[part]], start[part], normalized=True))
    tails = shapely.get_coordinates(shapely.line_interpolate_point(lines[edge[part]], end[part], normalized=True))
    xy = np.concatenate([heads, coords[inner], tails])
    order = np.lexsort((place, piece))
    shapes[part] = shapely.linestrings(xy[order], indices=piece[order])
    return shapes


def _ranges(start: Longs, stop: Longs) -> Longs:
    """Return start, start + 1, ..., stop - 1 for each pair, one after the other."""
    counts = stop - start
    before = np.cumsum(counts) - counts
    return np.asarray(np.arange(int(counts.sum())) + np.repeat(start - before, counts))
