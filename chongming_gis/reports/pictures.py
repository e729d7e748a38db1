"""Drawings of a report as inline SVG: small, the same bytes every time, texts escaped, readable aloud.

They carry no style sheet, no script and nothing that loads: attributes only. Colours and letters are those of the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_INK, _SOFT, _LINE, _ACCENT, _FILL = "#1c2529", "#4a565d", "#c3ccd1", "#0a4a7d", "#d6e5f1"
_PAPER = "#ffffff"
_STEPS = 100  # a curve is drawn through so many points: a third of a per cent of the drawing's width apart
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class LorenzTexts:
    """What is written on a Lorenz curve, and read aloud in its place."""

    title: str
    description: str
    across: str  # what is counted along the bottom
    up: str  # what is counted along the side
    equal: str  # the line on which all have the same
    mark: str  # what the lower half of the people has


def draw_lorenz(name: str, share_persons: Floats, share_score: Floats, texts: LorenzTexts) -> str:
    """Return a Lorenz curve with the line of equality and a mark at the lower half of the people, as SVG.

    Parameters
    ----------
    name : an id that no other drawing on the page has.
    share_persons, share_score : of the curve's points, from 0 to 1, ascending.
    """
    left, top, side = 62.0, 14.0, 360.0
    bottom = top + side

    def at(across: float, up: float) -> str:
        return f"{left + side * across:.1f},{bottom - side * up:.1f}"

    across = np.linspace(0.0, 1.0, _STEPS + 1)
    up = np.interp(across, share_persons, share_score)
    half = float(np.interp(_HALF, share_persons, share_score))
    curve = " ".join(at(x, y) for x, y in zip(across.tolist(), up.tolist(), strict=True))
    mark_x, mark_y = at(_HALF, half).split(",")
    parts = [
        f'<svg viewBox="0 0 450 436" width="450" height="436" role="img" aria-labelledby="{name}-title {name}-text">',
        f'<title id="{name}-title">{escape(texts.title)}</title>',
        f'<desc id="{name}-text">{escape(texts.description)}</desc>',
        *_ticks(left, top, side),
        f'<polygon points="{curve} {at(0.0, 0.0)}" fill="{_FILL}"/>',
        f'<path d="M{at(0.0, 0.0)} L{at(1.0, 1.0)}" stroke="{_SOFT}" stroke-dasharray="6 4" fill="none"/>',
        f'<polyline points="{curve}" stroke="{_ACCENT}" stroke-width="2.5" fill="none"/>',
        f'<path d="M{at(_HALF, 0.0)} L{at(_HALF, half)} L{at(0.0, half)}" stroke="{_ACCENT}" fill="none"/>',
        f'<circle cx="{mark_x}" cy="{mark_y}" r="4.5" fill="{_ACCENT}"/>',
        _text(left + 12.0, top + 22.0, texts.mark, fill=_ACCENT, weight="600"),
        _text(left + 12.0, top + 44.0, f"- - {texts.equal}", fill=_SOFT),
        _text(left + side / 2.0, bottom + 50.0, texts.across, anchor="middle"),
        _text(0.0, 0.0, texts.up, anchor="middle", turned=(15.0, top + side / 2.0)),
        "</svg>",
    ]
    return "\n".join(parts)


def _ticks(left: float, top: float, side: float) -> list[str]:
    """Return the grid of a square plot with percent along both sides."""
    parts = []
    for percent in range(0, 101, 20):
        x, y = left + side * percent / 100.0, top + side * (1.0 - percent / 100.0)
        parts += [
            f'<path d="M{x:.1f},{top:.1f} V{top + side:.1f}" stroke="{_LINE}"/>',
            f'<path d="M{left:.1f},{y:.1f} H{left + side:.1f}" stroke="{_LINE}"/>',
            _text(x, top + side + 22.0, f"{percent}%", anchor="middle", fill=_SOFT),
            _text(left - 8.0, y + 5.0, f"{percent}%", anchor="end", fill=_SOFT),
        ]
    return parts


def _text(
    x: float,
    y: float,
    shown: str,
    *,
    anchor: str = "start",
    fill: str = _INK,
    weight: str = "",
    halo: str = "",
    turned: tuple[float, float] | None = None,
) -> str:
    """Return a line of text at a place, or turned upright around one; a halo sets it off from the lines it crosses."""
    where = f'x="{x:.1f}" y="{y:.1f}"'
    if turned is not None:
        where = f'transform="translate({turned[0]:.1f},{turned[1]:.1f}) rotate(-90)"'
    strong = f' font-weight="{weight}"' if weight else ""
    strong += f' stroke="{halo}" stroke-width="4" paint-order="stroke"' if halo else ""
    return f'<text {where} text-anchor="{anchor}" font-size="15" fill="{fill}"{strong}>{escape(shown)}</text>'


@dataclass(frozen=True, slots=True)
class CurveTexts:
    """What is written on a drawing of several curves, and read aloud in its place."""

    title: str
    description: str
    across: str
    names: tuple[str, ...]  # of the curves, in their order


_CURVE_LOOKS = ((_SOFT, "2 4"), ("#9a5b00", "9 4"), (_ACCENT, ""))


def draw_curves(name: str, across: Floats, up: Floats, texts: CurveTexts) -> str:
    """Return up to three curves over the same numbers, from 0 up, each with its values and its name, as SVG.

    Parameters
    ----------
    name : an id that no other drawing on the page has.
    across : where the curves are known, ascending; ``up`` one row a curve.
    """
    left, top, width, height = 62.0, 40.0, 480.0, 220.0
    low, high = float(across.min()), float(across.max())
    most = max(float(np.nanmax(up)), 1.0) * 1.12

    def at(x: float, y: float) -> tuple[float, float]:
        return left + 24.0 + (width - 48.0) * (x - low) / max(high - low, 1e-9), top + height * (1.0 - y / most)

    parts = [
        f'<svg viewBox="0 0 560 310" width="560" height="310" role="img" aria-labelledby="{name}-title {name}-text">',
        f'<title id="{name}-title">{escape(texts.title)}</title>',
        f'<desc id="{name}-text">{escape(texts.description)}</desc>',
        f'<path d="M{left:.1f},{top + height:.1f} H{left + width:.1f}" stroke="{_LINE}"/>',
    ]
    parts += [_text(at(x, 0.0)[0], top + height + 22.0, f"{x:g}", anchor="middle", fill=_SOFT) for x in across.tolist()]
    values = []
    for number, (row, (colour, dash)) in enumerate(zip(up, _CURVE_LOOKS, strict=False)):
        corners = [at(x, y) for x, y in zip(across.tolist(), row.tolist(), strict=True)]
        line = " L".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(f'<path d="M{line}" stroke="{colour}" stroke-width="2.5" fill="none"{dashed}/>')
        for (x, y), value in zip(corners, row.tolist(), strict=True):
            drop = 19.0 if number == len(up) - 1 else -8.0  # the lowest curve is labelled below, the others above
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
            values.append(_text(x, y + drop, f"{value:,.0f}", anchor="middle", fill=colour, halo=_PAPER))
        key_x = left + 160.0 * number
        parts.append(f'<path d="M{key_x:.1f},14.0 H{key_x + 28.0:.1f}" stroke="{colour}" stroke-width="2.5"{dashed}/>')
        parts.append(_text(key_x + 34.0, 19.0, texts.names[number], fill=colour))
    parts += [*values, _text(left + width / 2.0, top + height + 46.0, texts.across, anchor="middle"), "</svg>"]
    return "\n".join(parts)
