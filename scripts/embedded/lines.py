"""Road lines before they are noded: geometry and tags side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import shapely

RANK = ("motorway", "trunk", "secondary", "tertiary", "unclassified", "residential", "service", "track", "footway")


@dataclass(slots=True)
class LineBook:
    """Lines being collected; the only mutable thing in the generator, emptied into a table at the end."""

    geometry: list[Any] = field(default_factory=list)
    highway: list[str] = field(default_factory=list)
    name: list[str | None] = field(default_factory=list)
    lanes: list[str | None] = field(default_factory=list)

    def add(self, line: Any, highway: str, *, name: str | None = None, lanes: str | None = None) -> None:
        """Add one line (or the parts of a multi-line)."""
        for part in shapely.get_parts(line):
            if part.geom_type == "LineString" and part.length > 1.0:
                self.geometry.append(part)
                self.highway.append(highway)
                self.name.append(name)
                self.lanes.append(lanes)

    def table(self) -> pd.DataFrame:
        """Return the lines as a table with a rank (0 = most important) that decides where lines run together."""
        return pd.DataFrame(
            {
                "geometry": np.array(self.geometry, dtype=object),
                "highway": self.highway,
                "name": self.name,
                "lanes": self.lanes,
                "rank": [RANK.index(highway) for highway in self.highway],
            }
        )
