"""Take the pictures of docs/gallery: every map and every chapter of the report of a saved result, in both languages.

    python scripts/make_gallery.py RESULT [--out docs/gallery] [--languages zh en]

RESULT is what `chongming-gis run --full` wrote. Needs the extra `test` (playwright) and a Chromium. Pictures are WebP,
together below 4 MB; README.md beside them lists all.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from chongming_gis import maps, results
from chongming_gis.reports import document
from chongming_gis.wording import LANGUAGES, Language

if TYPE_CHECKING:
    from collections.abc import Iterator

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MOST_BYTES = 40_000  # of a picture: a hundred of them stay below 4 MB
LOOKS = ((1.0, 60), (1.0, 40), (0.85, 45), (0.7, 45), (0.7, 30), (0.6, 20))  # size and quality, the best first
SIZE = {"width": 1200, "height": 800}
TALLEST_PX = 1500  # of a chapter: what follows looks like it
IS_DRAWN_MS, PATIENCE_MS = 900, 120_000
TITLES: dict[Language, str] = {"zh": "中文", "en": "English"}


def main() -> int:
    """Take the pictures and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("result", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "gallery")
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=LANGUAGES)
    asked = parser.parse_args()
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print('playwright is missing: pip install "chongming-gis[test]"', file=sys.stderr)
        return 2
    if executable is None:
        print(f"no browser found ({', '.join(BROWSERS)}): install chromium", file=sys.stderr)
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport=SIZE, offline=True)
        context.set_default_timeout(PATIENCE_MS)
        for language in asked.languages:
            for name, picture in _pictures(context.new_page(), asked.result, Path(folder), language):
                image = Image.open(io.BytesIO(picture)).convert("RGB")
                (asked.out / f"{name}.{language}.webp").write_bytes(_compressed(image))
        browser.close()
    _list(asked.out)
    return 0


def _pictures(page: Any, result: Path, folder: Path, language: Language) -> Iterator[tuple[str, bytes]]:
    """Yield every map and every chapter of the report as PNG, by name."""
    saved = results.load(result)
    material = maps.prepare(saved, language)
    path = folder / f"page.{language}.html"
    for name, sheet in maps.every_map(material):
        path.write_text(sheet.page.render(), encoding="utf-8")
        page.goto(path.as_uri())
        page.wait_for_selector(".leaflet-map-pane", state="attached")
        page.wait_for_timeout(IS_DRAWN_MS)
        yield f"map-{name}", page.screenshot()
    path.write_text(document.render_report(saved, language=language, material=material), encoding="utf-8")
    page.goto(path.as_uri())
    yield "report-top", page.screenshot()
    page.set_viewport_size({**SIZE, "height": TALLEST_PX})
    for section in page.query_selector_all("main > section"):
        box = page.evaluate(
            "(s) => { s.scrollIntoView(); const b = s.getBoundingClientRect(); return b.toJSON(); }", section
        )
        page.wait_for_timeout(IS_DRAWN_MS)
        height = min(box["height"], TALLEST_PX - max(box["y"], 0))
        clip = {"x": box["x"], "y": max(box["y"], 0), "width": box["width"], "height": height}
        yield f"report-{section.get_attribute('id')}", page.screenshot(clip=clip)


def _list(out: Path) -> None:
    """Write the page that lists the pictures."""
    files = sorted(path.stem for path in out.glob("*.webp"))
    lines = [
        "# Gallery",
        "",
        "Every map and every chapter of the report of the embedded study, which is schematic data.",
    ]
    lines += ["Made by `scripts/make_gallery.py` from a full run (`chongming-gis run --full`).", ""]
    for kind, title in (("map-", "Maps"), ("report-", "Report")):
        names = dict.fromkeys(stem.rpartition(".")[0] for stem in files if stem.startswith(kind))
        lines += [f"## {title}", "", f"| {TITLES['zh']} | {TITLES['en']} |", "| --- | --- |"]
        for name in names:
            cells = [f"![{name}]({name}.{language}.webp)" for language in LANGUAGES]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    (out / "README.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"{len(files)} pictures, {sum(path.stat().st_size for path in out.iterdir()) / 1e6:.1f} MB in {out}")


def _compressed(image: Image.Image) -> bytes:
    """Return a picture as WebP, smaller and coarser until it is no larger than its part of the whole."""
    for scale, quality in LOOKS:
        size = (round(image.width * scale), round(image.height * scale))
        written = io.BytesIO()
        image.resize(size, Image.Resampling.LANCZOS).save(written, "WEBP", quality=quality, method=4)
        if written.tell() <= MOST_BYTES:
            break
    return written.getvalue()


if __name__ == "__main__":
    sys.exit(main())
