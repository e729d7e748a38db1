"""report.html: one self-contained file with the whole report and its maps.

The maps are the pages of ``maps``, cut into the parts they share (scripts, ground, roads, people), so that each part
stands in the file once; a small script puts a map together when the reader comes near it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, FunctionLoader, StrictUndefined

from chongming_gis import maps
from chongming_gis.errors import OutputError
from chongming_gis.maps.page import POLICY, safe_json
from chongming_gis.reports.content import build_content
from chongming_gis.wording import HTML_LANG, Language, Words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jinja2 import Template

    from chongming_gis.config import ReportFormat
    from chongming_gis.maps.page import PlanMap
    from chongming_gis.reports.content import Report
    from chongming_gis.results import StudyResult

FILE = "report.html"


def write_reports(
    result: StudyResult,
    folder: Path,
    *,
    formats: Iterable[ReportFormat] = ("html",),
    language: Language = "zh",
    material: maps.Material | None = None,
) -> list[Path]:
    """Write the report in some formats into a folder and return their paths; all say the same.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    asked = set(formats)
    material = maps.prepare(result, language) if material is None and asked != {"xlsx"} else material
    content = build_content(result, Words(language), read=material.shares if material else None)
    paths = []
    if "html" in asked:
        paths.append(write_report(result, folder, language=language, material=material, content=content))
    if "docx" in asked:
        from chongming_gis.reports import docx_file  # python-docx and matplotlib: two seconds to load

        paths.append(docx_file.write_docx(result, folder, language=language, material=material, content=content))
    if "xlsx" in asked:
        from chongming_gis.reports import workbook

        paths.append(workbook.write_workbook(result, folder, language=language, content=content))
    return paths


def write_report(
    result: StudyResult,
    folder: Path,
    *,
    language: Language = "zh",
    material: maps.Material | None = None,
    content: Report | None = None,
) -> Path:
    """Write ``report.html`` into a result folder and return its path.

    Parameters
    ----------
    material, content : what ``maps.prepare`` and ``build_content`` made of the same result in the same language,
        where they are there already.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    path = folder / FILE
    page = render_report(result, language=language, material=material, content=content)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{path}: the report cannot be written ({error.strerror or error})") from error
    return path


def render_report(
    result: StudyResult,
    *,
    language: Language = "zh",
    material: maps.Material | None = None,
    content: Report | None = None,
) -> str:
    """Return the report as one HTML page; ``material`` and ``content`` where they are there already."""
    words = Words(language)
    sheets = maps.all_maps(result, language=language, standards="headline", material=material)
    return render_page(content or build_content(result, words), sheets, words)


def render_page(report: Report, sheets: Iterable[tuple[str, PlanMap]], words: Words) -> str:
    """Return a report and its maps, by the names of its frames, as one HTML page."""
    parts: dict[str, int] = {}
    frames = {name: [parts.setdefault(part, len(parts)) for part in sheet.page.parts()] for name, sheet in sheets}
    return _template().render(
        lang=HTML_LANG[words.language],
        policy=POLICY,
        words=words,
        report=report,
        css=_asset("report.css"),
        script=_asset("report.js"),
        frames=frames,
        parts=safe_json(list(parts)),
    )


def _asset(name: str) -> str:
    return files("chongming_gis.reports").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _template() -> Template:
    return _environment().get_template("report.html.jinja")
