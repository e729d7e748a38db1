"""Roads by name: the part of one that lies in an area, and where two of them meet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely

from chongming_gis.sources.placenames import road_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class NamedRoads:
    """Roads with a name, one row a name, in the study's metric CRS."""

    names: tuple[str, ...]
    edges: tuple[Ints, ...]  # for each name, the rows of the arrays below
    lines: Objects
    ends: Ints  # node ids (u, v) of each line
    _clipped: dict[tuple[int, str, int], tuple[shapely.Point, float] | None] = field(default_factory=dict, repr=False)
    _node_places: dict[int, dict[int, tuple[float, float]]] = field(default_factory=dict, repr=False)

    def middle_in(self, road: int, kind: str, row: int, area: shapely.Geometry) -> tuple[shapely.Point, float] | None:
        """Return the middle of the part of a road in an area and how far the part reaches from it, in metres.

        None where the road does not run through the area.

        Parameters
        ----------
        road : a row of ``names``.
        kind, row : what the area is, e.g. township 3; answers are kept under it.
        area : a polygon in the metric CRS.
        """
        key = (road, kind, row)
        if key not in self._clipped:
            self._clipped[key] = _middle(shapely.intersection(self.lines[self.edges[road]], area))
        return self._clipped[key]

    def middle(self, road: int) -> tuple[shapely.Point, float] | None:
        """Return the middle of a whole road and how far it reaches from there, in metres."""
        key = (road, "", -1)
        if key not in self._clipped:
            self._clipped[key] = _middle(self.lines[self.edges[road]])
        return self._clipped[key]

    def junctions(self, road: int, others: Iterable[int]) -> Objects:
        """Return the junctions that a road shares with any of some others, each once, ordered by node."""
        own = self._nodes(road)
        shared = sorted({node for other in others if other != road for node in own.keys() & self._nodes(other).keys()})
        points = np.empty(len(shared), dtype=object)
        points[:] = [shapely.Point(own[node]) for node in shared]
        return points

    def _nodes(self, road: int) -> dict[int, tuple[float, float]]:
        if road not in self._node_places:
            self._node_places[road] = self._find_nodes(self.edges[road])
        return self._node_places[road]

    def _find_nodes(self, rows: Ints) -> dict[int, tuple[float, float]]:
        first, last = (shapely.get_coordinates(shapely.get_point(self.lines[rows], at)) for at in (0, -1))
        nodes = np.concatenate([self.ends[rows, 0], self.ends[rows, 1]]).tolist()
        places = [*map(tuple, first.tolist()), *map(tuple, last.tolist())]
        return dict(zip(nodes, places, strict=True))


def named_roads(edges: gpd.GeoDataFrame) -> NamedRoads:
    """Return the roads of an edge table that bear a name; ferries are left out.

    Parameters
    ----------
    edges : satisfies ``tables.EDGES``.
    """
    named = edges[(edges["name"].notna() & edges["highway"].notna()).to_numpy()]
    rows: defaultdict[str, list[int]] = defaultdict(list)
    codes, tags = named["name"].factorize()
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(tags) + 1))
    for at, tag in enumerate(tags):
        for name in road_names(str(tag)):
            rows[name] += order[bounds[at] : bounds[at + 1]].tolist()
    names = tuple(sorted(rows))
    return NamedRoads(
        names=names,
        edges=tuple(np.unique(np.array(rows[name], dtype=np.int64)) for name in names),
        lines=named.geometry.to_numpy(),
        ends=named[["u", "v"]].to_numpy(dtype=np.int64),
    )


def _middle(lines: Objects) -> tuple[shapely.Point, float] | None:
    parts = shapely.get_parts(lines)
    parts = parts[(shapely.get_dimensions(parts) == 1) & ~shapely.is_empty(parts)]
    if len(parts) == 0:
        return None
    whole = shapely.multilinestrings(parts)
    point: shapely.Point = shapely.get_point(shapely.shortest_line(whole, shapely.centroid(whole)), 0)
    return point, float(shapely.hausdorff_distance(whole, point))
