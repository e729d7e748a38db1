"""What the command line shows while it works: a bar on a terminal, one line a stage in a log file."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from chongming_gis.progress import Progress, silent
from chongming_gis.wording import Words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chongming_gis.check import Verdict
    from chongming_gis.compare import Comparison
    from chongming_gis.config import Language, StudyConfig

_LOG_WIDTH = 120  # of a table where it goes to a file
_MOST_LINES = 10  # of one kind of finding about one file


@contextlib.contextmanager
def progress_bar(language: Language, *, quiet: bool) -> Iterator[Progress]:
    """Show a bar with what is being done and how long it has taken, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    if quiet:
        yield silent
        return
    words = Words(language)
    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(words("cli.stage.start"), total=None)
        said: list[str] = []

        def progress(stage: str, detail: str, done: int, of: int) -> None:
            text = f"{words.or_raw('cli.stage', stage)} {detail}".strip()
            bar.update(task, description=text, completed=done, total=of)
            if not console.is_terminal and stage not in said:  # a log file gets one line a stage, no bar
                said.append(stage)
                console.print(text, highlight=False)

        yield progress


def print_verdict(verdict: Verdict, study: StudyConfig, words: Words, *, folder: Path) -> None:
    """Print the lights and the findings, file by file; what is left out is counted, and stands in check.xlsx."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from chongming_gis import check
    from chongming_gis.reports import check_files
    from chongming_gis.reports import verdict as told_verdict

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=_LOG_WIDTH)
    workbook = folder / check_files.XLSX
    table = Table(title=words("verdict.title", study=words.name(study)), title_justify="left")
    for name in ("light", "input", "errors", "warnings", "notes", "effect"):
        is_number = name in {"errors", "warnings", "notes"}
        table.add_column(words(f"col.{name}"), justify="right" if is_number else "left", overflow="fold")
    for light in verdict.lights:
        counts = (f"{n:,}" if n else "" for n in (light.errors, light.warnings, light.notes))
        colour = f"[{light.colour}]● {words(f'verdict.{light.colour}')}[/]"
        role, effect = words.role(study, light.role), told_verdict.effect(light, words)
        table.add_row(colour, escape(role), *counts, escape(effect))
    console.print(table)
    for group in check.group(verdict.findings):
        first, *_ = told = told_verdict.tell(group[:_MOST_LINES], study, words)
        finding = first.finding
        role = words.role(study, finding.role) if finding.role else ""
        head = " · ".join(part for part in (role, finding.where, finding.sheet) if part)
        console.print(f"{words(f'severity.{finding.severity}')} · {head}", style="bold", highlight=False, markup=False)
        for entry in told:
            row = words("verdict.row", row=entry.finding.row) if entry.finding.row is not None else ""
            place = " ".join(part for part in (row, told_verdict.who(entry.finding)) if part)
            line = " — ".join(part for part in (place, entry.said) if part)
            console.print(f"  {line}", highlight=False, markup=False)
        if len(group) > len(told):
            more = words("verdict.more", n=f"{len(group) - len(told):,}", file=workbook.name)
            console.print(f"  {more}", highlight=False, markup=False)
        if first.remedy:
            console.print(f"  {words('verdict.do', remedy=first.remedy)}", highlight=False, markup=False)
    console.print(told_verdict.overall(verdict, words), style="bold", highlight=False, markup=False)
    print(words("verdict.written", file=workbook))  # noqa: T201 - whole, so that it can be copied


def print_comparison(found: Comparison, words: Words, *, folder: Path) -> None:
    """Print each service's share in both results with who gained and who lost, and where the files are."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from chongming_gis import wording
    from chongming_gis.reports import comparison

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=_LOG_WIDTH)
    table = Table(title=escape(words("compare.title", study=words.name(found.after.study))), title_justify="left")
    table.add_column(words("compare.col.service"), overflow="fold")
    for name in ("before", "after", "points", "gained", "lost"):
        table.add_column(words(f"compare.col.{name}"), justify="right", no_wrap=True)
    for service in found.services:
        row, sums = comparison.headline_row(found, service), comparison.gained_and_lost(found, service)
        shares = ["", "", ""]
        if row is not None:
            shares = [wording.share(row["share_covered_before"]), wording.share(row["share_covered_after"])]
            shares.append(wording.points(row["change_share"]))
        persons = [wording.persons(sums[change]) if sums else "" for change in ("gained", "lost")]
        table.add_row(escape(words.name(service)), *shares, *persons)
    console.print(table)
    print(words("compare.written", page=folder / comparison.HTML, folder=folder))  # noqa: T201 - whole, to be copied
