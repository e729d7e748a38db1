"""The command that runs many studies, or one large region in tiles, on Dask: ``batch``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chongming_gis.errors import ChongmingError, OutputError, StudyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chongming_gis.batch import Case, GridQuestion, Heard, Outcome
    from chongming_gis.config import Language
    from chongming_gis.measured import Depth
    from chongming_gis.wording import Words

FAULT, STOPPED = 2, 130
SUMMARY = "batch.json"

Lang = Annotated[Literal["zh", "en"] | None, typer.Option(help="language; default: each study's", show_default=False)]


def batch(
    studies: Annotated[list[Path], typer.Argument(help="study files (.toml)", show_default=False)],
    out: Annotated[Path, typer.Option(help="folder with one folder a study")] = Path("chongming-batch"),
    scheduler: Annotated[
        str | None, typer.Option(help="a running Dask scheduler, as tcp://host:8786", show_default=False)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0, help="processes on this machine; default: one a processor; 0 = no Dask", show_default=False
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="KEY=A|B|C: a scenario for each; KEY=LOW..HIGH: a range to draw from", show_default=False
        ),
    ] = None,
    draws: Annotated[int, typer.Option(min=0, help="how often to draw from the ranges of --set")] = 0,
    grid: Annotated[bool, typer.Option("--grid", help="access and coverage only, in tiles")] = False,  # noqa: FBT002
    tile_km: Annotated[float, typer.Option(min=0.1, help="with --grid: side of a tile")] = 20.0,
    reach_min: Annotated[
        float, typer.Option(min=0.0, help="with --grid: times up to here, even where standards are shorter")
    ] = 0.0,
    site: Annotated[
        str | None, typer.Option(help="with --grid: also where a proposal's next sites go (its id)", show_default=False)
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="also what takes minutes: certainty draws")] = False,  # noqa: FBT002
    lang: Lang = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="print nothing but errors")] = False,  # noqa: FBT002
) -> None:
    """Run many studies on Dask, or large ones in tiles; what is whole is kept, so a batch that was stopped goes on."""
    from chongming_gis import batch as batches
    from chongming_gis.kernels.threads import thread_count
    from chongming_gis.terminal import progress_bar
    from chongming_gis.wording import Words

    if grid and full:
        raise StudyError("--grid measures access and coverage only; leave --full away")
    if site and not grid:
        raise StudyError("--site goes with --grid; a batch without tiles answers every proposal of its studies")
    cases, failed = batches.cases_of(studies, batches.read_changes(changes or []), draws=draws)
    language: Language = lang or (cases[0].study.outputs.language if cases else "zh")
    words = Words(language)
    _make_folder(out)
    outcomes = list(failed)
    asked = batches.GridQuestion(tile_km, reach_min, site) if grid else None
    depth: Depth = "full" if full else "daily"
    try:
        with (
            batches.connect(scheduler, workers=thread_count() if workers is None else workers) as client,
            progress_bar(language, quiet=quiet or not sys.stderr.isatty()) as progress,
        ):
            if client is not None and client.dashboard_link and not quiet:
                typer.echo(words("batch.dashboard", link=client.dashboard_link), err=True)

            def heard(outcome: Outcome, done: int, of: int) -> None:
                stage = f"batch_{outcome.status}"
                progress(stage, outcome.name, done, of)
                if not quiet and not sys.stderr.isatty():  # a log gets a line a shard
                    typer.echo(f"{done}/{of} {words(f'cli.stage.{stage}')} {outcome.name}", err=True)

            progress("batch", "", 0, len(cases))
            if asked is None:
                outcomes += batches.run_districts(cases, out, client=client, depth=depth, language=lang, heard=heard)
            else:
                for case in cases:
                    outcomes += _in_tiles(case, out, client, asked, heard)
    except KeyboardInterrupt:
        typer.echo(words("batch.stopped", folder=out), err=True)
        raise typer.Exit(STOPPED) from None
    _write_summary(outcomes, out)
    batches.gather_coverage(cases, out, whole={one.name for one in outcomes if one.status != "failed"})
    _say(outcomes, out, words, quiet=quiet)
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(FAULT)


def _in_tiles(case: Case, out: Path, client: Any, asked: GridQuestion, heard: Heard) -> list[Outcome]:
    """Return what became of one region; its faults end it, and not the batch."""
    from chongming_gis import batch as batches
    from chongming_gis.errors import BatchError

    try:
        return batches.run_grid(case, out, client=client, question=asked, heard=heard)
    except BatchError:
        raise
    except ChongmingError as error:
        return [batches.Outcome(case.name, "failed", error=str(error))]


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror or error}); choose another --out") from error


def _write_summary(outcomes: Sequence[Outcome], out: Path) -> None:
    """Write what became of every shard; the same for the same answers, whoever computed them and when."""
    records = [
        {"name": outcome.name, "is_whole": outcome.status != "failed", "digest": outcome.digest, "error": outcome.error}
        for outcome in sorted(outcomes, key=lambda outcome: outcome.name)
    ]
    stage = out / f".{SUMMARY}"
    try:
        stage.write_text(json.dumps(records, ensure_ascii=False, indent=1), encoding="utf-8")
        stage.replace(out / SUMMARY)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror or error}); choose another --out") from error


def _say(outcomes: Sequence[Outcome], out: Path, words: Words, *, quiet: bool) -> None:
    """Print how many are done, kept and failed; the reason of each failure goes to standard error."""
    counts = {status: sum(outcome.status == status for outcome in outcomes) for status in ("done", "kept", "failed")}
    if not quiet:
        typer.echo(words("batch.summary", folder=out, **counts))
    for outcome in outcomes:
        if outcome.status == "failed":
            typer.echo(f"error: {outcome.name}: {outcome.error}", err=True)
