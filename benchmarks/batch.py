"""Eight districts: on two Dask workers of one thread each, and one after the other with one thread and with two.

Each is Liechtenstein with another limit. All three ways must give the same bytes. Each way is a process of its own, the
start of Dask and of its workers counted; the kernels are compiled before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis.kernels.threads import THREADS_VARIABLE

STUDY = Path(__file__).resolve().parents[1] / "tests" / "studies" / "liechtenstein.toml"
LIMITS_MIN = (31, 32, 33, 34, 35, 36, 37, 38)
JOB = f"{len(LIMITS_MIN)} districts"


def run() -> list[Row]:
    """Return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        _in_sequence(Path(folder) / "warm", limits=LIMITS_MIN[:1], threads=1)
        one_s, one = _in_sequence(Path(folder) / "one", limits=LIMITS_MIN, threads=1)
        two_s, two = _in_sequence(Path(folder) / "two", limits=LIMITS_MIN, threads=2)
        dask_s, dask = _timed(_batch(Path(folder) / "dask", LIMITS_MIN, workers=2), threads=1)
    unlike = [name for name in one if not one[name] == two.get(name) == dask.get(name)]
    measure.refuse_unless(dask == one == two, f"bytes of {', '.join(unlike) or 'the districts'}")
    job = f"{JOB} on 2 Dask workers, one thread each"
    return [
        Row(job, dask_s, "one after the other, one thread", one_s, "the target is 1.6x"),
        Row(job, dask_s, "one after the other, two threads", two_s, "never slower"),
    ]


def _batch(out: Path, limits: tuple[int, ...], *, workers: int) -> list[str]:
    changed = "region.search_limit_min=" + "|".join(map(str, limits))
    command = [sys.executable, "-m", "chongming_gis", "batch", str(STUDY), "--set", changed, "--out", str(out), "-q"]
    return [*command, "--workers", str(workers)]


def _in_sequence(out: Path, *, limits: tuple[int, ...], threads: int) -> tuple[float, dict[str, str]]:
    """Run the districts in one process; with one thread a batch without Dask, with two a plain run of each."""
    if threads == 1:
        return _timed(_batch(out, limits, workers=0), threads=1)
    code = (
        "import json, sys; from pathlib import Path\n"
        "from chongming_gis import batch, pipeline; from chongming_gis.batch import shards\n"
        "cases, _ = batch.cases_of([sys.argv[1]], batch.read_changes([sys.argv[2]]))\n"
        "out = Path(sys.argv[3])\n"
        "for case in cases:\n"
        "    pipeline.write_result(pipeline.run_study(case.study), out / case.name)\n"
        "found = {case.name: shards.write_shard(out / case.name, 'x', name=case.name) for case in cases}\n"
        "(out / 'batch.json').write_text(json.dumps([{'name': n, 'digest': d} for n, d in found.items()]))"
    )
    changed = "region.search_limit_min=" + "|".join(map(str, limits))
    return _timed([sys.executable, "-c", code, str(STUDY), changed, str(out)], threads=threads, out=out)


def _timed(command: list[str], *, threads: int, out: Path | None = None) -> tuple[float, dict[str, str]]:
    """Return seconds and the digest of each district."""
    folder = out or Path(command[command.index("--out") + 1])
    start = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, THREADS_VARIABLE: str(threads)})
    seconds = time.perf_counter() - start
    records = json.loads((folder / "batch.json").read_text(encoding="utf-8"))
    return seconds, {record["name"]: record["digest"] for record in records}
