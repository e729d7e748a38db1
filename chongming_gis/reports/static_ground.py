"""The ground of static maps: land, water and roads below the people, borders, names, scale and north above them.

Drawn once for all maps of a result, in the colours of the pages of ``maps``; north is up in the study's metric CRS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.patheffects import Normal, Stroke

from chongming_gis.maps import shares
from chongming_gis.maps.base import ground_roles, road_classes
from chongming_gis.reports.static_pictures import new_figure, steady, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chongming_gis.maps.views import Material
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

    Geometries = npt.NDArray[np.object_]

WIDTH_PX = 1240  # 157 mm at 200 dots an inch: the text width of an A4 page
INK, SMALL_PT = "#1c2529", 6.5
_MARGIN = 0.02  # of the extent, around it
_TALLEST, _FLATTEST = 1.05, 0.42  # height of the ground over its width
_SEA = "#e6eff4"

# The looks of maps/assets/own/layers.js; widths there are in pixels of a screen.
_GROUND = {
    "land": ("#f6f3ea", "#a9b7bf", 0.5), "other": ("#e7e5df", "#bdbbb4", 0.5), "flat": ("#e4ead8", "#b9c4ad", 0.3),
    "town": ("#ead9cf", "#d9c2b4", 0.3), "water": ("#cfe2ee", "#a7c6d9", 0.4), "coast": ("none", "#8fa1ab", 0.6),
}  # fmt: skip


_ROADS = {
    "tertiary": ("#c4bcaa", 0.35), "secondary": ("#b5a98f", 0.5), "primary": ("#a08f6d", 0.75),
    "motorway": ("#8a6f52", 1.0), "tunnel": ("#8a6f52", 0.7), "ferry": ("#5b86a8", 0.6),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ground:
    """What lies below and above the people on every map of a result, drawn once, with its extent in metres."""

    below: npt.NDArray[np.uint8]
    above: npt.NDArray[np.uint8]
    extent: tuple[float, float, float, float]  # west, south, east, north

    @property
    def height_px(self) -> int:
        """Return how high the ground is drawn."""
        return int(self.below.shape[0])


def draw_ground(material: Material) -> Ground:
    """Return land, water and roads, and apart from them borders and names, in pixels of the maps."""
    result = material.result
    extent = _extent(result)
    west, south, east, north = extent
    height = round(WIDTH_PX * (north - south) / (east - west))
    metres = (east - west) / WIDTH_PX
    with steady():
        below, axes = _bare(extent, height)
        axes.set_facecolor("white" if result.land.empty else _SEA)
        for look, outline in _ground_outlines(result, metres):
            fill, edge, width = look
            axes.add_artist(PathPatch(outline, facecolor=fill, edgecolor=edge, linewidth=width))
        for (colour, width), outline in _road_outlines(result.roads_drawn, metres):
            axes.add_artist(PathPatch(outline, facecolor="none", edgecolor=colour, linewidth=width))
        above, axes = _bare(extent, height)
        axes.set_axis_off()
        above.patch.set_alpha(0.0)
        _draw_townships(axes, material, metres)
        _draw_scale(axes, extent, material.words)
        return Ground(_pixels(below), _pixels(above), extent)


def _extent(result: StudyResult) -> tuple[float, float, float, float]:
    """Return what is drawn: the townships, else the people, else the roads; neither a strip nor a tower."""
    layers = (result.townships, result.demand.points, result.facilities.places, result.roads_drawn)
    shown = next((layer for layer in layers if len(layer)), None)
    box = np.array([0.0, 0.0, 1.0, 1.0]) if shown is None else np.asarray(shown.total_bounds, dtype=float)
    width, height = max(box[2] - box[0], 1.0), max(box[3] - box[1], 1.0)
    wide = max(width, height / _TALLEST) * (1.0 + 2.0 * _MARGIN)
    tall = max(height * (1.0 + 2.0 * _MARGIN), _FLATTEST * wide)
    x, y = (box[0] + box[2]) / 2.0, (box[1] + box[3]) / 2.0
    return (x - wide / 2.0, y - tall / 2.0, x + wide / 2.0, y + tall / 2.0)


def _bare(extent: tuple[float, float, float, float], height_px: int) -> tuple[Figure, Axes]:
    """Return a figure that is all ground, a pixel of the map each."""
    figure = new_figure(WIDTH_PX, height_px)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    fit(axes, extent)
    return figure, axes


def fit(axes: Axes, extent: tuple[float, float, float, float]) -> None:
    """Let axes show an extent, and nothing around it."""
    west, south, east, north = extent
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _pixels(figure: Figure) -> npt.NDArray[np.uint8]:
    canvas: Any = figure.canvas
    canvas.draw()
    return np.array(canvas.buffer_rgba(), dtype=np.uint8)


def _ground_outlines(result: StudyResult, metres: float) -> Iterator[tuple[tuple[str, str, float], Outline]]:
    """Yield land, flats, water and coast with their looks; without a layer of land the townships are it."""
    land = result.land
    if land.empty:
        if not result.townships.empty:
            whole = np.array([shapely.union_all(result.townships.geometry.to_numpy())], dtype=object)
            yield _GROUND["land"], trace(whole, metres)
        return
    shapes = land.geometry.to_numpy()
    roles, is_area = ground_roles(land)
    for role, look in _GROUND.items():
        for of_area, chosen in ((True, (roles == role) & is_area), (False, (roles == role) & ~is_area)):
            if chosen.any():
                yield (look if of_area else ("none", *look[1:])), trace(shapes[chosen], metres)


def _road_outlines(roads: gpd.GeoDataFrame, metres: float) -> Iterator[tuple[tuple[str, float], Outline]]:
    """Yield the roads that are drawn at this scale, the largest last, with their looks."""
    classes = road_classes(roads)
    for name, look in _ROADS.items():
        chosen = roads.geometry.to_numpy()[classes == name]
        if len(chosen):
            yield look, trace(chosen, metres)


def trace(shapes: Geometries, metres: float) -> Outline:
    """Return shapes as one outline, simplified to half a pixel."""
    simple = shapely.simplify(shapes, metres / 2.0)
    parts = shapely.get_parts(simple)
    rings = np.concatenate([shapely.get_rings(parts[shapely.get_dimensions(parts) == 2]),
                            parts[shapely.get_dimensions(parts) == 1]])  # fmt: skip
    points, ring_of = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(points), Outline.LINETO, dtype=np.uint8)
    codes[np.unique(ring_of, return_index=True)[1]] = Outline.MOVETO
    return Outline(points, codes)


def township_outlines(townships: gpd.GeoDataFrame, metres: float) -> dict[str, Outline]:
    """Return the townships' outlines by code, simplified together so that neighbours keep one border."""
    simple = shapely.coverage_simplify(townships.geometry.to_numpy(), metres)
    found = {
        str(code): np.array([shape], dtype=object)
        for code, shape in zip(townships["township_code"], simple, strict=True)
    }
    return {code: trace(shape, 0.0) for code, shape in found.items()}


def _draw_townships(axes: Axes, material: Material, metres: float) -> None:
    townships = material.result.townships
    if townships.empty:
        return
    axes.add_artist(
        PathPatch(trace(townships.geometry.to_numpy(), metres), facecolor="none", edgecolor="#6d6a75", linewidth=0.5)
    )
    names = shares.township_names(material.result, material.words)
    anchors = shapely.get_coordinates(shapely.point_on_surface(townships.geometry.to_numpy()))
    for code, (x, y) in zip(townships["township_code"], anchors.tolist(), strict=True):
        middle = {"ha": "center", "va": "center", "path_effects": halo(1.8)}
        write(axes, x, y, names.get(code, code), fontsize=SMALL_PT, color=INK, **middle)


def halo(width: float) -> list[Any]:
    """Return what sets letters off from a map: a white edge."""
    return [Stroke(linewidth=width, foreground="white"), Normal()]


def _draw_scale(axes: Axes, extent: tuple[float, float, float, float], words: Words) -> None:
    """Draw a bar of a round length and an arrow to the north, in the lower right corner."""
    west, south, east, north = extent
    wide, tall = east - west, north - south
    length = next(
        (f * 10.0**power for power in (5, 4, 3, 2, 1) for f in (5, 2, 1) if f * 10.0**power <= 0.2 * wide), wide / 5.0
    )
    x, y, thick = east - 0.03 * wide - length, south + 0.035 * tall, 0.006 * wide / 2.0
    for part, colour in ((0, INK), (1, "white")):
        half = (x + part * length / 2.0, y)
        axes.add_artist(Rectangle(half, length / 2.0, thick, facecolor=colour, edgecolor=INK, linewidth=0.5))
    shown = f"{length / 1000.0:g} {words('static.km')}" if length >= 1000.0 else f"{length:g} {words('static.m')}"
    above = {"ha": "center", "va": "bottom", "path_effects": halo(1.8)}
    write(axes, x + length / 2.0, y + 1.5 * thick, shown, fontsize=SMALL_PT, color=INK, **above)
    top, high = north - 0.04 * tall, 0.035 * wide
    arrow = [(0.0, 0.0), (-0.35 * high, -high), (0.0, -0.75 * high), (0.35 * high, -high)]
    at = np.add(arrow, (east - 0.035 * wide, top))
    axes.add_artist(PathPatch(Outline(np.vstack([at, at[:1]])), facecolor=INK, edgecolor="white", linewidth=0.4))
    below = {"ha": "center", "va": "top", "path_effects": halo(1.8)}
    write(axes, east - 0.035 * wide, top - 1.1 * high, words("static.north"), fontsize=SMALL_PT, color=INK, **below)
