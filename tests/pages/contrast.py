"""Contrast as a reader has it: of every text with the pixels behind it, of every sign in a legend with the paper."""

import io

import numpy as np
from PIL import Image

LEAST, LEAST_LARGE, LEAST_SIGN = 4.5, 3.0, 3.0  # WCAG 2 AA: 1.4.3 and 1.4.11
CHUNK_PX = 6000  # a picture taller than this is taken in parts
SLACK = 0.2
SHARE_BEHIND = 0.9  # of the pixels behind a text that must be far enough from its colour

# Every text that can be seen: where it is, its colour without what lies behind, and whether it counts as large.
TEXTS = """() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const opaque = (colour) => colour.match(/[\\d.]+/g).map(Number);
  function tell(box, element, text) {
    const style = getComputedStyle(element), isSvg = element.namespaceURI.endsWith("svg");
    const size = parseFloat(style.fontSize), colour = opaque(isSvg ? style.fill : style.webkitTextFillColor);
    let opacity = colour.length > 3 ? colour[3] : 1;
    for (let up = element; up; up = up.parentElement) { opacity *= parseFloat(getComputedStyle(up).opacity); }
    for (let up = element; up && up !== document.body; up = up.parentElement) { // what is scrolled out of a panel
      const kind = getComputedStyle(up), frame = up.getBoundingClientRect();
      const isOut = box.bottom > frame.bottom + 1 || box.top < frame.top - 1;
      if (kind.overflowY !== "visible" && kind.display !== "inline" && isOut) { return; }
    }
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    if (y < innerHeight && y > 0 && x > 0 && x < innerWidth) {
      const top = document.elementFromPoint(x, y);
      const isUnder = top && !top.contains(element) && !element.contains(top);
      if (isUnder && style.pointerEvents !== "none") { return; }
    }
    found.push({
      box: [box.left + scrollX, box.top + scrollY, box.right + scrollX, box.bottom + scrollY],
      colour: colour.slice(0, 3), opacity: opacity,
      isLarge: size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700), text: text.trim().slice(0, 40),
    });
  }
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim() || /^(SCRIPT|STYLE|NOSCRIPT|OPTION|TITLE|DESC)$/i.test(element.tagName)) { continue; }
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) { continue; }
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width > 3 && box.height > 3) { tell(box, element, node.data); }
    }
  }
  for (const field of document.querySelectorAll("select, input[type=search], input[type=text]")) {
    const box = field.getBoundingClientRect();
    const inner = new DOMRect(box.left + 8, box.top + 4, box.width - 32, box.height - 8); // without the arrow
    if (box.width) { tell(inner, field, field.value || field.placeholder); }
  }
  return found;
}"""
HIDE_TEXT = """
* { color: transparent !important; -webkit-text-fill-color: transparent !important; }
svg text { fill: transparent !important; }
::placeholder { color: transparent !important; }
"""


def luminance(colours):
    """Return the relative luminance (n) of colours (n, 3), 0 to 255 (WCAG 2)."""
    parts = np.asarray(colours, dtype=float) / 255.0
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(one, other):
    """Return the contrast of colours, each with each in order."""
    a, b = luminance(one), luminance(other)
    return (np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05)


def faint_texts(page):
    """Return every text of a page that stands out too little from what is behind it."""
    texts = page.evaluate(TEXTS)
    style = page.add_style_tag(content=HIDE_TEXT)
    height = page.evaluate("document.documentElement.scrollHeight")
    width = page.evaluate("innerWidth")
    faint = []
    for top in range(0, height, CHUNK_PX):
        clip = {"x": 0, "y": top, "width": width, "height": min(CHUNK_PX, height - top)}
        pixels = np.asarray(Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip))).convert("RGB"))
        faint += [said for text in texts if (said := _judge(text, pixels, top))]
    style.evaluate("element => element.remove()")
    return faint


def _judge(text, pixels, top):
    left, upper, right, lower = text["box"]
    slack = SLACK * (lower - upper)  # a line of text is taller than its letters
    left, upper, right, lower = round(left), round(upper + slack), round(right), round(lower - slack)
    behind = pixels[max(upper - top, 0) : max(lower - top, 0), max(left, 0) : max(right, 0)].reshape(-1, 3)
    if not top <= (upper + lower) / 2 < top + len(pixels) or not len(behind):
        return ""
    colour = np.array(text["colour"]) * text["opacity"] + behind * (1.0 - text["opacity"])
    least = LEAST_LARGE if text["isLarge"] else LEAST
    reached = float(np.quantile(contrast(colour, behind), 1.0 - SHARE_BEHIND))
    return "" if reached >= least - 0.005 else f"{text['text']!r}: {reached:.2f}, at {left}, {upper}"


# The signs of a legend: fill and border of each, as they are drawn on white.
SIGNS = """() => [...document.querySelectorAll(".cgis-legend .cgis-key:not(.is-line)")].map((key) => {
  const mark = key.querySelector("path, rect, circle, polygon") || key.querySelector("i");
  const style = getComputedStyle(mark), isSvg = mark.namespaceURI.endsWith("svg");
  const numbers = (colour) => colour.startsWith("rgb") ? colour.match(/[\\d.]+/g).map(Number) : null;
  return {
    fill: numbers(isSvg ? style.fill : style.backgroundColor),
    border: numbers(isSvg ? style.stroke : style.borderTopColor),
    label: key.parentElement.textContent,
  };
})"""


def faint_signs(page):
    """Return every sign of a legend that neither its fill nor its border sets apart from the paper."""
    faint = []
    for sign in page.evaluate(SIGNS):
        parts = [_on_white(colour) for colour in (sign["fill"], sign["border"]) if colour]
        if not parts or max(float(contrast(part, [255, 255, 255])) for part in parts) < LEAST_SIGN:
            faint.append(sign)
    return faint


def _on_white(colour):
    opacity = colour[3] if len(colour) > 3 else 1.0
    return [value * opacity + 255.0 * (1.0 - opacity) for value in colour[:3]]
