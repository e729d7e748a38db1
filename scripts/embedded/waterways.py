"""Canals and dykes: main canals (竖河) across each island about every kilometre, two (横引河) along the main island."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from embedded import shapes
    from embedded.coast import Ground
    from embedded.shapes import Floats

CANAL_GAP_M = (820.0, 1220.0)  # between main canals
CANAL_WIDTH_M = 22.0
ALONG_CANALS = {"Chongming": (-0.62, 0.66), "Changxing": (), "Hengsha": ()}  # share of the half-width from the axis
LINE_STEP_M = 120.0
DYKE_INSIDE_COAST_M = 45.0


@dataclass(frozen=True, slots=True)
class Waterways:
    """Canals of one island: where they cross the axis, their centre lines, and the water itself."""

    crossing_s: Floats
    lines: Any  # array of LineString
    names: list[str]
    water: Any
    dyke: Any


def make_waterways(ground: Ground, island: str, rng: np.random.Generator) -> Waterways:
    """Return the canals of an island, cut at the land of its township(s)."""
    frame, land = ground.frames[island], ground.township_land[island]
    s_from, s_to, n_from, n_to = frame.span(land)
    gaps = rng.uniform(*CANAL_GAP_M, size=int((s_to - s_from) / CANAL_GAP_M[0]) + 2)
    crossing = s_from + np.cumsum(gaps)
    crossing = crossing[crossing < s_to]
    n = np.arange(n_from, n_to, LINE_STEP_M)
    lines = [frame.to_line(s, n) for s in crossing]
    names = [f"竖河{number:02d}(示意)" for number in range(1, len(lines) + 1)]
    s = np.arange(s_from, s_to, LINE_STEP_M)
    for share, name in zip(ALONG_CANALS[island], ("南横引河(示意)", "北横引河(示意)"), strict=False):
        lines.append(frame.to_line(s, _along_n(frame, land, s, share)))
        names.append(name)
    inside = land.buffer(-30.0)
    cut = [shapely.intersection(line, inside) for line in lines]
    water = shapely.buffer(shapely.union_all(cut), CANAL_WIDTH_M / 2, cap_style="flat")
    return Waterways(crossing, np.array(cut, dtype=object), names, water, _dyke(ground.islands[island], land))


def _along_n(frame: shapes.IslandFrame, land: Any, s: Floats, share: float) -> Floats:
    """Return n of a line that keeps a share of the land's half-width away from the axis, smoothed."""
    ring = shapely.get_coordinates(shapely.segmentize(land.exterior, 200.0))
    near = shapely.STRtree(shapely.points(frame.axis)).nearest(shapely.points(ring))
    across = ((ring - frame.axis[near]) * frame.normal[near]).sum(axis=1)
    side = np.sign(share) * across > 0
    order = np.argsort(frame.along_m[near][side], kind="stable")
    shore = np.interp(s, frame.along_m[near][side][order], across[side][order])
    window = np.ones(61) / 61
    smooth = np.convolve(np.pad(shore, 30, mode="edge"), window, mode="valid")
    return smooth * abs(share)


def _dyke(island: Any, land: Any) -> Any:
    """Return the river dyke: the coast of the townships' land, a little inside."""
    ring = shapely.buffer(island, -DYKE_INSIDE_COAST_M).exterior
    return shapely.line_merge(shapely.intersection(ring, land.buffer(DYKE_INSIDE_COAST_M * 2)))
