"""Run the jobs that are named, or all, and print one table; the rows are also written as JSON."""

from __future__ import annotations

import importlib
import json
import platform
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

JOBS = (
    "read_compile",
    "snap",
    "catchments",
    "nearest",
    "isochrones",
    "million",
    "two_step",
    "drop_one",
    "draws",
    "mclp",
    "delivery",
    "whole_run",
)
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the jobs."""
    wanted = sys.argv[1:] or list(JOBS)
    unknown = [name for name in wanted if name not in JOBS]
    if unknown:
        raise SystemExit(f"no such job: {', '.join(unknown)}; there are {', '.join(JOBS)}")
    console = Console(width=150)
    records = []
    table = Table(title=f"Python {platform.python_version()}, {platform.machine()}, seconds")
    for name, justify in (("job", "left"), ("this project", "right"), ("peer", "left"), ("peer's", "right")):
        table.add_column(name, justify=justify)
    table.add_column("ratio", justify="right")
    table.add_column("note")
    for name in wanted:
        console.print(f"{name} ...", highlight=False)
        for row in importlib.import_module(f"benchmarks.{name}").run():
            records.append(row.as_record())
            peer_s = "" if row.peer_s is None else f"{row.peer_s:.4g}"
            ratio = "" if row.ratio is None else f"{row.ratio:.1f}x"
            table.add_row(row.job, f"{row.ours_s:.4g}", row.peer, peer_s, ratio, row.note)
    console.print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(records, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
