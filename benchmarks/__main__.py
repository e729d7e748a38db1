"""Run the jobs that are named, or all, and print one table; the rows are also written as JSON.

``python -m benchmarks [NAME...] [--write PAGE]``. Each job is a process of its own. A job whose contestants disagree
has no row, and the command ends with code 1. With ``--write`` the table stands on the page between its marks.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import growth
from benchmarks.measure import RESULTS, machine

JOBS = (
    "read_compile",
    "snap",
    "catchments",
    "nearest",
    "matrix",
    "isochrones",
    "million",
    "two_step",
    "drop_one",
    "draws",
    "mclp",
    "set_cover_and_median",
    "siting_peers",
    "siting_embedded",
    "delivery",
    "maps",
    "batch",
    "whole_run",
    "growth",
)
_ROWS = "rows: "  # before a job's rows on its standard output
_CHILD = (
    "import importlib, json, sys; rows = importlib.import_module('benchmarks.' + sys.argv[1]).run(); "
    f"print({_ROWS!r} + json.dumps([row.as_record() for row in rows]))"
)
Record = dict[str, Any]


def main() -> None:
    """Run the jobs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(JOBS)}; default: all")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into a page, as docs/performance.md")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in JOBS]
    if unknown:
        raise SystemExit(f"no such job: {', '.join(unknown)}; there are {', '.join(JOBS)}")
    console = Console(width=150)
    records: list[Record] = []
    failed = []
    for name in asked.names or JOBS:
        console.print(f"{name} ...", highlight=False)
        found = _run(name)
        if found is None:
            failed.append(name)
        else:
            records += found
    console.print(_table(records))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(records, indent=1), encoding="utf-8")
    if asked.write:
        text = asked.write.read_text(encoding="utf-8")
        text = put_between(text, "table", _page_table(records))
        if growth.FOUND.exists():
            text = put_between(text, "growth", growth.page())
        asked.write.write_text(text, encoding="utf-8")
    if failed:
        raise SystemExit(f"without rows: {', '.join(failed)}")


def _run(name: str) -> list[Record] | None:
    """Return the rows of a job, run as a process of its own; None where it ended without any."""
    done = subprocess.run([sys.executable, "-c", _CHILD, name], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return None
    found: list[Record] = json.loads(done.stdout.rpartition(_ROWS)[2])
    return found


def _cells(record: Record) -> tuple[str, ...]:
    peer_s, ratio, peak_mb = record["peer_s"], record["ratio"], record["peak_mb"]
    return (
        record["job"],
        f"{record['ours_s']:.4g}",
        record["peer"],
        "" if peer_s is None else f"{peer_s:.4g}",
        "" if ratio is None else f"{ratio:.1f}x",
        "" if peak_mb is None else f"{peak_mb:,.0f}",
        record["note"],
    )


_COLUMNS = ("job", "this project, s", "peer", "peer's, s", "ratio", "peak, MB", "note")
_TEXTS = ("job", "peer", "note")


def _table(records: list[Record]) -> Table:
    table = Table(title=machine())
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in _TEXTS else "right")
    for record in records:
        table.add_row(*_cells(record))
    return table


def _page_table(records: list[Record]) -> str:
    head = "| " + " | ".join(_COLUMNS) + " |"
    rule = "| " + " | ".join("---" if name in _TEXTS else "---:" for name in _COLUMNS) + " |"
    rows = ["| " + " | ".join(cell.replace("|", "/") for cell in _cells(record)) + " |" for record in records]
    return "\n".join([f"*{machine()}*", "", head, rule, *rows])


def put_between(text: str, mark: str, content: str) -> str:
    """Return a page with other content between ``<!-- mark -->`` and ``<!-- /mark -->``."""
    before, start, rest = text.partition(f"<!-- {mark} -->")
    _, end, after = rest.partition(f"<!-- /{mark} -->")
    if not (start and end):
        raise SystemExit(f"the page has no <!-- {mark} --> ... <!-- /{mark} -->")
    return f"{before}{start}\n{content}\n{end}{after}"


if __name__ == "__main__":
    main()
