"""Rows of the benchmark table, timing, and the input that several jobs share."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from chongming_gis import network, sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from chongming_gis.tables import RoadTables

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SEED = 20261124


@dataclass(frozen=True)
class Row:
    """One line of the table: our seconds, a peer's, and how often ours fits into the peer's."""

    job: str
    ours_s: float
    peer: str = ""
    peer_s: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times faster than the peer."""
        return None if self.peer_s is None else self.peer_s / self.ours_s

    def as_record(self) -> dict[str, object]:
        """Return the row as a plain record."""
        return {**asdict(self), "ratio": self.ratio}


def median_seconds(job: Callable[[], object], *, runs: int = 5) -> float:
    """Return the median wall time of a job after one run that is not counted."""
    job()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def seconds(job: Callable[[], object]) -> float:
    """Return the wall time of one run, for peers too slow to repeat."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def refuse_unless(same: bool, what: str) -> None:  # noqa: FBT001
    """End a job whose contestants disagree: a time without the same answer means nothing."""
    if not same:
        message = f"the answers differ: {what}"
        raise SystemExit(message)


@cache
def wuhan() -> RoadTables:
    """Return the Wuhan road network (92,667 edges)."""
    return sources.read_roads(SHARED / "roads" / "wuhan.parquet", crs="EPSG:32650")


@cache
def wuhan_network(preset: str) -> network.Network:
    """Return the Wuhan network of a mode."""
    return network.compile_network(wuhan(), network.preset(preset))


def node_points(net: network.Network, nodes: np.ndarray) -> gpd.GeoSeries:
    """Return points that stand exactly on some nodes."""
    return gpd.GeoSeries(shapely.points(net.node_x[nodes], net.node_y[nodes]), crs=net.crs)


def large_piece(net: network.Network) -> np.ndarray:
    """Return the nodes of the largest strongly connected piece."""
    return np.flatnonzero(net.piece == np.bincount(net.piece).argmax())


def undirected_arcs(net: network.Network) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return tail, head and seconds of the shortest edge between each pair of nodes, for peers without parallels."""
    low, high = np.minimum(net.tail, net.head), np.maximum(net.tail, net.head)
    order = np.lexsort((net.forward_s, high, low))
    keys = np.stack([low[order], high[order]])
    first = np.r_[True, (np.diff(keys, axis=1) != 0).any(axis=0)]
    chosen = order[first]
    return low[chosen], high[chosen], net.forward_s[chosen]
