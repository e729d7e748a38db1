"""The whole run on Liechtenstein and on the embedded study: seconds and peak memory of each stage."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Row

STUDIES = {
    "Liechtenstein": Path(__file__).resolve().parents[1] / "tests" / "studies" / "liechtenstein.toml",
    "embedded Chongming": Path(__file__).resolve().parents[1] / "studies" / "chongming.toml",
}


def run() -> list[Row]:
    """Return a row a stage; the run is a process of its own, after one that compiled the kernels."""
    rows = []
    for name, study in STUDIES.items():
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "result"
            command = [sys.executable, "-m", "chongming_gis", "run", str(study), "--out", str(out), "--quiet"]
            for _ in range(2):
                subprocess.run(command, check=True)
            timings = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["timings"]
        for stage, took in timings.items():
            rows.append(Row(f"{name}: {stage}", took["seconds"], peak_mb=took.get("peak_mb")))
        total = sum(took["seconds"] for took in timings.values())
        peak = max(took.get("peak_mb", 0.0) for took in timings.values())
        rows.append(Row(f"{name}: whole run", total, peak_mb=peak))
    return rows
