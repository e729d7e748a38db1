"""Pictures for pages that cannot draw: letters that are always there, and the report's SVG drawings as PNG.

Letters come from the bundled font, so that the same result gives the same bytes on every machine; a text with letters
that it lacks is set in a CJK font of the system; a letter that none has becomes ``STAND_IN``, never an empty box.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from defusedxml import ElementTree
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon, Rectangle
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from xml.etree.ElementTree import Element

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.text import Text

STAND_IN = "〓"  # what printers set for a letter that they do not have
DPI = 200
_COLOURS = 128
_SVG_DPI = 96.0  # CSS pixels to the inch, CSS Values 3
_SYSTEM_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
    *("Microsoft YaHei", "SimHei", "DengXian", "SimSun", "PingFang SC", "Heiti SC", "STHeiti"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "FangSong", "Arial Unicode MS"),
)
#: Letters that show nothing: controls, joiners, variation selectors, and those that turn the direction of a line.
_SHOWS_NOTHING = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_STEP = re.compile(r"([MmLlHhVvZz])|(-?\d+(?:\.\d+)?)")
_TURN = re.compile(r"translate\((-?[\d.]+)[, ]+(-?[\d.]+)\)\s*rotate\((-?[\d.]+)\)")


class DrawingError(ValueError):
    """A drawing holds a shape that cannot be turned into a picture: a fault of this program."""


def steady() -> AbstractContextManager[None]:
    """Return a context in which a user's own settings of matplotlib change no picture."""
    return mpl.rc_context({**mpl.rcParamsDefault, "backend": mpl.get_backend(auto_select=False) or "agg"})


def new_figure(width_px: int, height_px: int) -> Figure:
    """Return an empty figure that knows how to become PNG, without pyplot's global state."""
    figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def as_png(figure: Figure) -> bytes:
    """Return a figure as PNG of at most 128 colours: a quarter of the size, and nothing in it but the picture."""
    canvas: Any = figure.canvas
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
    flat = picture.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    stream = io.BytesIO()
    flat.save(stream, format="PNG", compress_level=6, dpi=(DPI, DPI))
    return stream.getvalue()


class Pixels(Artist):
    """Pixels drawn already, put on a figure as they are: matplotlib's own images are worked out anew every time."""

    def __init__(self, pixels: npt.NDArray[np.uint8], bottom_px: int, order: float) -> None:
        super().__init__()
        self._pixels, self._bottom_px = pixels, bottom_px
        self.set_zorder(order)

    def draw(self, renderer: Any) -> None:
        """Put the pixels in their place."""
        context = renderer.new_gc()
        renderer.draw_image(context, 0, self._bottom_px, self._pixels[::-1])  # its first row is the lowest
        context.restore()


def letters(shown: str) -> tuple[str, FontProperties]:
    r"""Return a text as it can be set, and the font that has its letters.

    Examples
    --------
    >>> letters("城桥镇 12%")[0], letters("\u202e甲\U0001f3dd")[0]
    ('城桥镇 12%', '甲〓')
    """
    bare = _SHOWS_NOTHING.sub("", shown)
    wanted = frozenset(bare)
    path, known = _bundled()
    if wanted - known:
        path, known = min((_bundled(), *_of_system()), key=lambda font: len(wanted - font[1]))
    return "".join(letter if letter in known else STAND_IN for letter in bare), FontProperties(fname=path)


@cache
def _bundled() -> tuple[str, frozenset[str]]:
    """Return the bundled font with the letters it has."""
    with as_file(files("chongming_gis.reports").joinpath("assets", "noto-sans-sc", "NotoSansSC-subset.otf")) as path:
        return str(path), _letters_of(str(path))


@cache
def _of_system() -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the CJK fonts of the system, in the order of ``_SYSTEM_FONTS``, each with the letters it has."""
    named = {entry.name: entry.fname for entry in fontManager.ttflist if entry.weight in {400, "normal", "regular"}}
    paths = dict.fromkeys(named[name] for name in _SYSTEM_FONTS if name in named)
    return tuple((path, _letters_of(path)) for path in paths)


def _letters_of(path: str) -> frozenset[str]:
    return frozenset(map(chr, get_font(path).get_charmap()))


def write(axes: Axes, x: float, y: float, shown: str, **style: Any) -> Text:
    """Write a text on axes, in data units unless ``transform`` says otherwise; nothing in it is mathematics."""
    text, font = letters(shown)
    return axes.text(x, y, text, fontproperties=font, parse_math=False, **style)


@dataclass(frozen=True, slots=True)
class _Style:
    """What elements of a drawing inherit."""

    fill: str = "#000000"
    size: float = 16.0
    weight: str = "400"


def svg_size(svg: str) -> tuple[float, float]:
    """Return width and height of a drawing in CSS pixels."""
    root = ElementTree.fromstring(svg)
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    return width, height


def svg_as_png(svg: str) -> bytes:
    """Return one of the report's drawings as PNG: rect, line, path, polygon, polyline, circle and text.

    Raises
    ------
    DrawingError
        It holds another shape.
    """
    width, height = svg_size(svg)
    with steady():
        figure = new_figure(round(width * DPI / _SVG_DPI), round(height * DPI / _SVG_DPI))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set_xlim(0.0, width)
        axes.set_ylim(height, 0.0)
        for number, (element, style) in enumerate(_elements(ElementTree.fromstring(svg), _Style())):
            _draw(axes, element, style, number)
        return as_png(figure)


def _elements(element: Element, above: _Style) -> Iterator[tuple[Element, _Style]]:
    """Yield the shapes of a drawing in their order, with what they inherit."""
    own = element.attrib
    style = replace(
        above,
        fill=own.get("fill", above.fill),
        size=float(own.get("font-size", above.size)),
        weight=own.get("font-weight", above.weight),
    )
    name = _name(element)
    if name in {"svg", "g"}:
        for inner in element:
            yield from _elements(inner, style)
    elif name not in {"title", "desc"}:
        yield element, style


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _number(element: Element, name: str) -> float:
    return float(element.attrib.get(name, 0.0))


def _draw(axes: Axes, element: Element, style: _Style, order: int) -> None:
    name, own = _name(element), element.attrib
    if name == "text":
        _draw_text(axes, element, style, order)
        return
    fill = "none" if style.fill == "none" else style.fill
    line: dict[str, Any] = {"edgecolor": own.get("stroke", "none"), "linewidth": _points(own.get("stroke-width", 1.0))}
    line |= {"linestyle": _dashes(own), "zorder": order}
    if name == "rect":
        at, width, height = (
            (_number(element, "x"), _number(element, "y")),
            _number(element, "width"),
            _number(element, "height"),
        )
        axes.add_artist(Rectangle(at, width, height, facecolor=fill, **line))
    elif name == "circle":
        at, radius = (_number(element, "cx"), _number(element, "cy")), _number(element, "r")
        axes.add_artist(Circle(at, radius, facecolor=fill, **line))
    elif name in {"polygon", "polyline"}:
        pairs = [tuple(map(float, pair.split(","))) for pair in own["points"].split()]
        closed = name == "polygon"
        axes.add_artist(Polygon(pairs, closed=closed, facecolor=fill if closed else "none", **line))
    elif name in {"path", "line"}:
        ends = [_number(element, key) for key in ("x1", "y1", "x2", "y2")]
        pieces = _strokes(own["d"]) if name == "path" else [[(ends[0], ends[1]), (ends[2], ends[3])]]
        for points in pieces:
            across, up = zip(*points, strict=True)
            axes.add_artist(
                Line2D(
                    across,
                    up,
                    color=line["edgecolor"],
                    linewidth=line["linewidth"],
                    linestyle=line["linestyle"],
                    zorder=order,
                )
            )
    else:
        raise DrawingError(f"a drawing holds <{name}>, which no picture can be made of")


def _points(pixels: str | float) -> float:
    """Return a width in typographic points from CSS pixels."""
    return float(pixels) * 72.0 / _SVG_DPI


def _dashes(own: dict[str, str]) -> str | tuple[float, tuple[float, ...]]:
    lengths = own.get("stroke-dasharray")
    width = float(own.get("stroke-width", 1.0))
    return (0.0, tuple(float(length) / width for length in lengths.split())) if lengths else "solid"


def _strokes(path: str) -> list[list[tuple[float, float]]]:
    """Return the straight pieces of a path of moves and lines, as points."""
    if _STEP.sub("", path).strip(" ,\n"):
        raise DrawingError(f"a drawing holds the path {path!r}, which is not of straight lines alone")
    tokens = [match.group(0) for match in _STEP.finditer(path)]
    pieces: list[list[tuple[float, float]]] = []
    x = y = 0.0
    command, place = "M", 0
    while place < len(tokens):
        if tokens[place].isalpha():
            command, place = tokens[place], place + 1
        if command in "Zz":
            pieces[-1].append(pieces[-1][0])
            x, y = pieces[-1][0]
            continue
        n_values = 1 if command in "HhVv" else 2
        values = [float(token) for token in tokens[place : place + n_values]]
        place += n_values
        from_x, from_y = (x, y) if command.islower() else (0.0, 0.0)
        if command in "HhVv":
            x, y = (from_x + values[0], y) if command in "Hh" else (x, from_y + values[0])
        else:
            x, y = from_x + values[0], from_y + values[1]
        if command in "Mm":
            pieces.append([])
            command = "l" if command == "m" else "L"
        pieces[-1].append((x, y))
    return pieces


def _draw_text(axes: Axes, element: Element, style: _Style, order: int) -> None:
    own = element.attrib
    x, y, turned = _number(element, "x"), _number(element, "y"), 0.0
    if "transform" in own:
        found = _TURN.fullmatch(own["transform"])
        if found is None:
            raise DrawingError(f"a drawing turns a text by {own['transform']!r}, which is not known here")
        x, y, turned = float(found[1]), float(found[2]), -float(found[3])
    across = {"start": "left", "middle": "center", "end": "right"}[own.get("text-anchor", "start")]
    said: dict[str, Any] = {"ha": across, "va": "baseline", "rotation": turned, "rotation_mode": "anchor"}
    effects = _strong(style) if style.weight in {"600", "700", "bold"} else []
    if own.get("paint-order") == "stroke":
        effects = [*_halo(own), *effects]
    weight = {"path_effects": effects} if effects else {}
    shown = element.text or ""
    write(axes, x, y, shown, fontsize=_points(style.size), color=style.fill, zorder=order, **said, **weight)


def _halo(own: dict[str, str]) -> list[Any]:
    """Return what sets letters off from the lines behind them."""
    from matplotlib.patheffects import Normal, Stroke

    return [Stroke(linewidth=_points(float(own["stroke-width"])), foreground=own["stroke"]), Normal()]


def _strong(style: _Style) -> list[Any]:
    """Return what makes letters heavier: the font has one weight."""
    from matplotlib.patheffects import Normal, Stroke

    return [Stroke(linewidth=_points(style.size) / 28.0, foreground=style.fill), Normal()]
