"""What a long job tells while it works, and how long each of its stages took."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class Progress(Protocol):
    """What a run tells while it works."""

    def __call__(self, stage: str, detail: str, done: int, of: int) -> None:
        """Hear that step ``done`` of ``of`` begins; ``stage`` is an id, ``detail`` a file, mode or service."""


def silent(stage: str, detail: str, done: int, of: int) -> None:
    """Hear nothing."""


def job_of(function: Callable[..., Value], *arguments: Any) -> Callable[[], Value]:
    """Return the job of calling a function with some arguments."""
    return lambda: function(*arguments)


@dataclass(slots=True)
class Clock:
    """Tells the progress and keeps what each stage took."""

    progress: Progress
    of: int
    done: int = 0
    stages: dict[str, dict[str, float]] = field(default_factory=dict)

    def run(self, stage: str, detail: str, job: Callable[[], Value]) -> Value:
        """Return what the job returns, after telling the progress that it begins."""
        self.progress(stage, detail, self.done, self.of)
        start = time.perf_counter()
        value = job()
        kept = self.stages.setdefault(stage, {"seconds": 0.0})
        kept["seconds"] = round(kept["seconds"] + time.perf_counter() - start, 3)
        kept.update(peak_memory())
        self.done += 1
        return value


def peak_memory() -> dict[str, float]:
    """Return the process's peak memory so far, where the system tells it."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux: unlike getrusage, not that of the program which started this one
        peak_kb = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return {"peak_mb": round(int(peak_kb) / 1024.0, 1)}
    try:
        import resource
    except ImportError:  # Windows
        return {}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_mb": round(peak / (1024.0**2 if sys.platform == "darwin" else 1024.0), 1)}
