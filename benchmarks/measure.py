"""Rows of the benchmark table, timing, and the input that several jobs share."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely

from chongming_gis import network, sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from chongming_gis.tables import RoadTables

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SEED = 20261124
RESULTS = Path(__file__).parent / "results"
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Row:
    """One line of the table: our seconds, a peer's, how often ours fits into the peer's, and our highest memory.

    ``peak_mb`` is that of the process while our job ran, with all that it stood on (packages, network, tables).
    """

    job: str
    ours_s: float
    peer: str = ""
    peer_s: float | None = None
    note: str = ""
    peak_mb: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times faster than the peer."""
        return None if self.peer_s is None else self.peer_s / self.ours_s

    def as_record(self) -> dict[str, object]:
        """Return the row as a plain record."""
        return {**asdict(self), "ratio": self.ratio}


@dataclass(frozen=True)
class Taken:
    """What a job took."""

    seconds: float
    peak_mb: float | None


def take(job: Callable[[], object], *, runs: int = 5) -> Taken:
    """Return the median wall time of a job after one run that is not counted, and the highest memory meanwhile."""
    forget_peak()
    seconds = median_seconds(job, runs=runs)
    return Taken(seconds, peak_mb())


def forget_peak() -> None:
    """Give freed memory back, and watch the highest memory anew (Linux only)."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    if _STATUS.exists():
        ctypes.CDLL(None).malloc_trim(0)
        _STATUS.with_name("clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> float | None:
    """Return the highest memory of this process since ``forget_peak`` (Linux), None where that cannot be told."""
    if not _STATUS.exists():
        return None
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024.0


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


def machine() -> str:
    """Return what the figures were measured on, in general terms."""
    pages, size = (os.sysconf(name) for name in ("SC_PHYS_PAGES", "SC_PAGE_SIZE"))
    cores = len(os.sched_getaffinity(0))
    busy = os.getloadavg()[0]
    state = f"busy with other work (load {busy:.1f})" if busy > 1.5 * cores else "otherwise idle"
    memory = f"{pages * size / 2**30:.0f} GB"
    return f"{cores} processors ({platform.machine()}), {memory}, {state}; Python {platform.python_version()}"


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
