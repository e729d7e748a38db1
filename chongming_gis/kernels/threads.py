"""How many threads a search may use: the processors this process is allowed, or what the environment says."""

from __future__ import annotations

import os

THREADS_VARIABLE = "CHONGMING_THREADS"


def thread_count() -> int:
    """Return the number of threads, at least 1; results never depend on it."""
    asked = os.environ.get(THREADS_VARIABLE, "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
