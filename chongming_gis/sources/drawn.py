"""What every road door hands over: lines as drawn, their raw tags, and which vertices they share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyproj import CRS

    from chongming_gis.sources.noding import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class DrawnLines:
    """Ways of an extract, features of a layer, or edges of a graph; not yet split."""

    way_id: Ints  # (n_lines,)
    raw: pd.DataFrame  # (n_lines) text columns named by OSM keys, index 0 .. n-1
    offsets: Ints  # (n_lines + 1,) where the positions of each line begin and end in ``vertex``
    vertex: Ints  # (n_positions,) row of coords
    coords: Floats  # (n_vertices, 2) in ``crs``; NaN where the position of a vertex is not known
    crs: CRS
    node_id: Ints  # (n_vertices,)
    node_raw: pd.DataFrame = field(default_factory=pd.DataFrame)  # raw tags of vertices, index = row of coords
    report: Mapping[str, int] = field(default_factory=dict)

    def take(self, rows: Ints) -> DrawnLines:
        """Return the lines of these rows, in the order of the rows."""
        sizes = np.diff(self.offsets)[rows]
        before = np.cumsum(sizes) - sizes
        positions = np.arange(sizes.sum()) - np.repeat(before - self.offsets[:-1][rows], sizes)
        return replace(
            self,
            way_id=self.way_id[rows],
            raw=self.raw.take(rows).reset_index(drop=True),
            offsets=np.r_[0, np.cumsum(sizes)],
            vertex=self.vertex[positions],
        )

    @property
    def is_closed(self) -> Bools:
        """Whether a line ends where it begins."""
        first, last = self.offsets[:-1], self.offsets[1:] - 1
        has_any = last >= first
        closed = np.zeros(len(self.way_id), dtype=bool)
        closed[has_any] = self.vertex[first[has_any]] == self.vertex[last[has_any]]
        return closed
