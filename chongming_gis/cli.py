"""The command line: ``chongming-gis run | check | compare | map | report | init | template | fetch``.

A fault in the inputs is one line on standard error and exit code 2; nothing is written then. Heavy packages are
imported when a command needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chongming_gis import __version__, batching, choosing, delivering, online, redrawing
from chongming_gis.errors import ChongmingError, OutputError

if TYPE_CHECKING:
    from chongming_gis.config import Language, StudyConfig
    from chongming_gis.results import StudyResult

FAULT = 2
_LOG_WIDTH = 120  # of the closing table where it goes to a file

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Who reaches each public service in time over the real roads, who does not, and where. "
    "谁能按时到达各项公共服务、谁不能、在哪里。",
)
app.command(context_settings={"ignore_unknown_options": True})(online.fetch)  # a box may begin with a minus
app.command()(online.geocode)
app.command()(choosing.site)
app.command()(batching.batch)
app.command()(choosing.rank)
app.command()(delivering.deliver)
app.command(name="map")(redrawing.redraw_maps)
app.command(name="report")(redrawing.redraw_report)


class Lang(StrEnum):
    """The language of everything a command prints and writes."""

    zh = "zh"
    en = "en"


Study = Annotated[
    Path | None, typer.Argument(help="study file (.toml); none = the embedded Chongming study", show_default=False)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="print nothing but errors")]
LangOption = Annotated[Lang | None, typer.Option("--lang", help="language; default: the study's", show_default=False)]


def main() -> None:
    """Run the program; faults a user can mend become one line and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # GBK has no "²" and no emoji: a name with one is no reason to stop
    try:
        app()
    except ChongmingError as error:
        typer.echo(f"error: {error}", err=True)
        if len(error.findings) > 1:
            typer.echo("`chongming-gis check` tells every fault with its row and marks it in a workbook", err=True)
        raise SystemExit(FAULT) from None
    except KeyboardInterrupt:
        typer.echo("stopped; nothing was written", err=True)
        raise SystemExit(130) from None


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if wanted:
        typer.echo(f"chongming-gis {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print it")] = False,  # noqa: FBT002
) -> None:
    pass


@app.command()
def run(
    study: Study = None,
    out: Annotated[
        Path | None, typer.Option(help="result folder; default: ./chongming-result/<study id>", show_default=False)
    ] = None,
    full: Annotated[  # noqa: FBT002
        bool, typer.Option("--full", help="also what takes longer: certainty draws, report.docx and report.xlsx")
    ] = False,
    internal: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--internal", help="show small numbers of sensitive groups in maps and report; do not share them"),
    ] = False,
    lang: LangOption = None,
    quiet: Quiet = False,  # noqa: FBT002 - typer makes an option of it
) -> None:
    """Compute a study and write its tables, maps and report."""
    from chongming_gis import pipeline, results
    from chongming_gis.terminal import progress_bar

    config = _read(study)
    config = config.for_internal_use() if internal else config
    language = _language(lang, config)
    folder = out or _default_folder(config)
    results.refuse_unwritable(folder)
    with progress_bar(language, quiet=quiet) as progress:
        result = pipeline.run_study(config, depth="full" if full else "daily", progress=progress)
        formats = redrawing.FORMATS if full else None
        result = pipeline.write_result(result, folder, language=language, formats=formats, progress=progress)
    if not quiet:
        _print_summary(result, folder, language)


@app.command()
def check(
    study: Study = None,
    out: Annotated[
        Path | None, typer.Option(help="folder for check.json and check.xlsx; default: ./chongming-check/<study id>")
    ] = None,
    lang: LangOption = None,
    quiet: Quiet = False,  # noqa: FBT002
) -> None:
    """Say everything that is wrong with a study and its inputs, without computing it; mark the faults in a workbook."""
    from chongming_gis import check as verdicts
    from chongming_gis import pipeline, results
    from chongming_gis.reports.check_files import JSON
    from chongming_gis.terminal import print_verdict, progress_bar
    from chongming_gis.wording import Words

    config = _read(study)
    language = _language(lang, config)
    folder = out or Path("chongming-check") / config.id
    results.refuse_unwritable(folder, marker=JSON)
    with progress_bar(language, quiet=quiet) as progress:
        verdict = pipeline.check_study(config, progress=progress)
        pipeline.write_check(verdict, config, folder, language=language)
    if not quiet:
        print_verdict(verdict, config, Words(language), folder=folder)
    if verdict.errors:
        if quiet:
            for sentence in verdicts.sentences(verdict.errors):
                typer.echo(f"error: {sentence}", err=True)
        raise typer.Exit(FAULT)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="result folder to start from")],
    after: Annotated[Path, typer.Argument(help="result folder to compare with it")],
    out: Annotated[
        Path | None, typer.Option(help="folder to write; default: ./chongming-compare/<study id>", show_default=False)
    ] = None,
    lang: LangOption = None,
    quiet: Quiet = False,  # noqa: FBT002
) -> None:
    """Say what changed from one result to another: coverage, indicators, who gained, who lost and why."""
    from chongming_gis import compare as comparing
    from chongming_gis import results
    from chongming_gis.reports import comparison
    from chongming_gis.terminal import print_comparison
    from chongming_gis.wording import Words

    old, new = results.load(before), results.load(after)
    language = _language(lang, new.study)
    folder = out or Path("chongming-compare") / new.study.id
    results.refuse_unwritable(folder, marker=comparison.JSON)
    found = comparing.compare_results(old, new)
    with results.staged_folder(folder, marker=comparison.JSON) as stage:
        comparison.write_comparison(found, stage, language=language)
    if not quiet:
        print_comparison(found, Words(language), folder=folder)


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="where to write the study file")] = Path("study.toml"),
) -> None:
    """Write a commented study file to start from."""
    from importlib.resources import files

    if path.exists():
        raise OutputError(f"{path}: exists already and is not overwritten; name another file")
    text = files("chongming_gis").joinpath("study_template.toml").read_text(encoding="utf-8")
    try:
        _write_whole(path, text)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); name another file") from error
    typer.echo(f"{path}: edit it, then `chongming-gis check {path}` and `chongming-gis run {path}`")


@app.command()
def template(
    path: Annotated[Path, typer.Argument(help="where to write the workbook (.xlsx)")] = Path("facilities.xlsx"),
    study: Annotated[
        Path | None, typer.Option(help="study file (.toml); default: the embedded Chongming study", show_default=False)
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="id of a service, may be repeated; default: all", show_default=False)
    ] = None,
    lang: LangOption = None,
) -> None:
    """Write an empty workbook for facilities, to be filled in by an office: a sheet per service."""
    from chongming_gis import template as templates
    from chongming_gis.wording import Words

    config = _read(study)
    language = _language(lang, config)
    services = [config.service(name) for name in service] if service else list(config.services)
    templates.write_template(path, config, services=services, language=language)
    typer.echo(Words(language)("cli.template", path=path))


def _write_whole(path: Path, text: str) -> None:
    """Write a file in a temporary place and move it, so that no half-written one is left."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read(study: Path | None) -> StudyConfig:
    from chongming_gis.config import read_study
    from chongming_gis.sources import embedded_study_path

    return read_study(study or embedded_study_path())


def _language(asked: Lang | None, config: StudyConfig) -> Language:
    if asked is None:
        return config.outputs.language
    return "en" if asked is Lang.en else "zh"


def _default_folder(config: StudyConfig) -> Path:
    if config.outputs.folder is not None:
        return config.resolve(config.outputs.folder)
    return Path("chongming-result") / config.id


def _print_summary(result: StudyResult, folder: Path, language: Language) -> None:
    """Print who is covered by each service's headline standard, and where the files are."""
    from rich.console import Console
    from rich.table import Table

    from chongming_gis.maps.shares import headline, in_words, read_shares
    from chongming_gis.reports.plan import count_of_statuses
    from chongming_gis.reports.verdict import notes
    from chongming_gis.wording import Words

    words = Words(language)
    table = Table(title=words.name(result.study), title_justify="left")
    for key in ("service", "standard", "who"):
        table.add_column(words(f"cli.column.{key}"), overflow="fold")
    for key in ("facilities", "persons", "uncovered", "share"):
        table.add_column(words(f"cli.column.{key}"), justify="right", no_wrap=True)
    shares = read_shares(result)
    n_facilities = result.facilities.places["service"].value_counts()
    for service in result.study.services:
        question = headline(service)
        figures = shares.whole(question)
        if figures is None:
            continue  # only in a coverage table cut down by hand: a run has every service in it
        said = in_words(figures)
        table.add_row(
            words.name(service),
            words.name(question.standard),
            words.group(result.study, service.group, service.base),
            f"{n_facilities.get(service.id, 0):,}",
            said["persons"],
            said["uncovered"],
            said["share"],
        )
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=_LOG_WIDTH)
    console.print(table)
    for target_set in result.study.plan.target_sets if result.study.plan else ():
        counts = count_of_statuses(result.indicators, target_set.id, words)
        console.print(words("cli.plan", target_set=words.name(target_set), counts=counts), highlight=False)
    for notice in notes(result, words):
        console.print(words("cli.notice", notice=notice), highlight=False, markup=False)
    typer.echo(words("cli.written", report=folder / "report.html", folder=folder))  # whole, so that it can be copied
