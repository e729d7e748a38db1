"""The commands that draw a saved result again, ``map`` and ``report``: nothing is computed, no study file is read."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chongming_gis.errors import OutputError, StudyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chongming_gis.config import Language, ReportFormat
    from chongming_gis.maps.page import PlanMap
    from chongming_gis.results import StudyResult

FORMATS: tuple[ReportFormat, ...] = ("html", "docx", "xlsx")

Result = Annotated[Path, typer.Argument(help="result folder that `chongming-gis run` wrote")]
Lang = Annotated[Literal["zh", "en"] | None, typer.Option(help="language; default: the study's", show_default=False)]
Internal = Annotated[
    bool, typer.Option("--internal", help="show small numbers of sensitive groups; do not share what is written")
]


def redraw_maps(
    result: Result,
    service: Annotated[
        list[str] | None,
        typer.Option(help="id of a service, or name of another map; may be repeated; default: all", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder to write to; default: RESULT/maps", show_default=False)
    ] = None,
    lang: Lang = None,
    internal: Internal = False,  # noqa: FBT002
) -> None:
    """Draw the maps of a result again, all or some of them."""
    only = service[0] if service and len(service) == 1 else None
    saved = _loaded(result, is_internal=internal, service_id=only)
    language = lang or saved.study.outputs.language
    folder = _made(out or result / "maps")
    for name, sheet in _sheets(saved, service or (), language):
        typer.echo(_write(folder / f"{name}.html", sheet.page.render().encode("utf-8")))


def redraw_report(
    result: Result,
    out: Annotated[Path | None, typer.Option(help="folder to write to; default: RESULT", show_default=False)] = None,
    formats: Annotated[
        str, typer.Option("--format", help="html, docx, xlsx, or several with commas between")
    ] = "html,docx,xlsx",
    lang: Lang = None,
    internal: Internal = False,  # noqa: FBT002
) -> None:
    """Write the report of a result again: report.html, report.docx and report.xlsx."""
    wanted = _parsed(formats)
    saved = _loaded(result, is_internal=internal)
    from chongming_gis import reports

    folder = _made(out or result)
    with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as stage:
        language = lang or saved.study.outputs.language
        written = reports.write_reports(saved, Path(stage), formats=wanted, language=language)
        for path in written:
            typer.echo(_write(folder / path.name, path.read_bytes()))


def _parsed(formats: str) -> tuple[ReportFormat, ...]:
    """Return the formats of a text with commas between, in the order in which they are written."""
    asked = {part.strip().lower() for part in formats.split(",")}
    strangers = sorted(asked - set(FORMATS))
    if strangers:
        raise OutputError(f"--format: {', '.join(map(repr, strangers))} is no format; use {', '.join(FORMATS)}")
    return tuple(name for name in FORMATS if name in asked)


def _loaded(folder: Path, *, is_internal: bool, service_id: str | None = None) -> StudyResult:
    from chongming_gis import results

    saved = results.load(folder, service_id=service_id)
    return replace(saved, study=saved.study.for_internal_use()) if is_internal else saved


def _sheets(saved: StudyResult, wanted: Sequence[str], language: Language) -> Iterator[tuple[str, PlanMap]]:
    """Yield the maps asked for, each by its name.

    Raises
    ------
    StudyError
        There is no map of some name; the others are not drawn either.
    """
    from chongming_gis import maps

    if not wanted:
        yield from maps.every_map(maps.prepare(saved, language))
    elif len(wanted) == 1 and wanted[0] in {service.id for service in saved.study.services}:
        yield wanted[0], maps.coverage(saved, wanted[0], language=language)
    elif list(wanted) == ["overview"]:
        yield "overview", maps.overview(saved, language=language)
    else:
        drawn = dict(maps.every_map(maps.prepare(saved, language)))  # what they are drawn from is shared
        strangers = sorted(set(wanted) - set(drawn))
        if strangers:
            raise StudyError(f"--service: {', '.join(strangers)} is no map of this result; use {', '.join(drawn)}")
        yield from ((name, sheet) for name, sheet in drawn.items() if name in wanted)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error}); choose another --out") from error
    return folder


def _write(path: Path, content: bytes) -> Path:
    """Write a file in a temporary place and move it, so that the last good one stays until the new one is whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another --out") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path
