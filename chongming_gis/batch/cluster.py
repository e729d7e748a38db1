"""Dask: a cluster to work on, and tasks run on it a few at a time, whatever happens to its workers.

Dask gives the task of a worker that died to another one; what it cannot mend (a task that has ended three workers, a
scheduler that is gone) is told.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from chongming_gis.batch.shards import Outcome
from chongming_gis.errors import BatchError
from chongming_gis.kernels.threads import THREADS_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_CONNECT_S = 30.0  # to reach a scheduler, and until it has a worker
_AHEAD = 3  # tasks a worker that are handed out at a time


class Task(Protocol):
    """What is run on a worker."""

    @property
    def name(self) -> str:
        """What the outcome is called."""

    @property
    def task(self) -> str:
        """The name of the task for Dask: the same for the same work."""


AnyTask = TypeVar("AnyTask", bound=Task)


class Heard(Protocol):
    """What hears of each shard as it ends."""

    def __call__(self, outcome: Outcome, done: int, of: int) -> None:
        """Hear that shard ``done`` of ``of`` has ended."""


def hear_nothing(outcome: Outcome, done: int, of: int) -> None:
    """Hear nothing."""


@dataclass(slots=True)
class Counter:
    """Counts outcomes as they come."""

    heard: Heard
    of: int
    done: int = 0

    def __call__(self, outcome: Outcome) -> None:
        """Count one more."""
        self.done += 1
        self.heard(outcome, self.done, self.of)


@contextlib.contextmanager
def connect(scheduler: str | None = None, *, workers: int = 1, dashboard: bool = True) -> Iterator[Any]:
    """Give a Dask client: of a cluster of processes on this machine, or of a scheduler that runs already.

    Parameters
    ----------
    scheduler : address, as ``tcp://host:8786``; none = start worker processes here, one thread each, and end them after
    workers : how many processes to start; 0 = none, and no Dask: the client is None, and all is done in this process
    dashboard : whether the local cluster shows its page (on a free port of this machine only)

    Raises
    ------
    BatchError
        Dask is not installed, or the scheduler cannot be reached or has no worker.
    """
    if scheduler is None and workers == 0:
        yield None
        return
    distributed = _distributed()
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0" if dashboard else None,
                memory_limit=0,  # a district is one task: a limit could only end it
                env={THREADS_VARIABLE: "1"},
                silence_logs=logging.CRITICAL,  # what matters of a dead worker is told by its task
            )
            stack.enter_context(cluster)
            yield stack.enter_context(distributed.Client(cluster))
            return
        try:
            client = stack.enter_context(distributed.Client(scheduler, timeout=_CONNECT_S))
            client.wait_for_workers(1, timeout=_CONNECT_S)
        except (OSError, ValueError, TimeoutError) as error:
            raise BatchError(f"--scheduler {scheduler}: no scheduler with a worker answers there ({error})") from error
        yield client


def _distributed() -> Any:
    """Return the package, which has no types; it is loaded when a batch is run."""
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise BatchError(f"`batch` needs Dask ({error}): pip install chongming-gis[batch]") from error


def run_all(
    client: Any, run: Callable[[AnyTask], Outcome], tasks: Iterable[AnyTask], *, heard: Callable[[Outcome], None]
) -> list[Outcome]:
    """Return the outcome of every task, in the order in which they end; a few are handed out at a time.

    Parameters
    ----------
    client : None runs one after the other in this process
    run : from a module that workers can import; it returns failures, it does not raise them

    Raises
    ------
    BatchError
        The scheduler is lost; shards that are whole stay.
    """
    if client is None:
        found = []
        for task in tasks:
            found.append(run(task))
            heard(found[-1])
        return found
    return _run_on(client, run, tasks, heard)


def _run_on(
    client: Any, run: Callable[[AnyTask], Outcome], tasks: Iterable[AnyTask], heard: Callable[[Outcome], None]
) -> list[Outcome]:
    distributed = _distributed()
    waiting = iter(tasks)
    names: dict[str, str] = {}
    found: list[Outcome] = []
    ending = distributed.as_completed(raise_errors=False)

    def hand_out(number: int) -> None:
        for task in itertools.islice(waiting, number):
            names[task.task] = task.name
            ending.add(client.submit(run, task, key=task.task, pure=False))

    try:
        with loss_told():
            hand_out(_AHEAD * max(1, len(client.scheduler_info(n_workers=-1)["workers"])))
            for future in ending:
                outcome = _outcome(future, names[future.key])
                found.append(outcome)
                heard(outcome)
                future.release()
                hand_out(1)
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            client.cancel(list(ending.futures), force=True)
    return found


_LOST = "the scheduler is lost; shards that are whole are kept: give the same command again to go on"


@contextlib.contextmanager
def loss_told() -> Iterator[None]:
    """Tell the loss of the scheduler, which shows itself in many ways, as what it is."""
    try:
        yield
    except BatchError:
        raise
    except (OSError, RuntimeError, TimeoutError, _distributed().CancelledError) as error:
        raise BatchError(_LOST) from error


def _outcome(future: Any, name: str) -> Outcome:
    """Return what a task came to; the reason where it was Dask that gave it up."""
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status in {"cancelled", "lost"}:
        raise BatchError(_LOST)
    reason = future.exception()
    if type(reason).__name__ == "KilledWorker":
        told = "several workers died of it, most likely for want of memory: try it with fewer --workers"
    else:
        told = f"{type(reason).__name__}: {reason}"
    return Outcome(name, "failed", error=told)


def clear_stages(folder: Path, names: Iterable[str]) -> None:
    """Remove what workers that were killed have left half written; nothing of it is being written any more."""
    for name in names:
        for stage in folder.glob(f".{name}-*"):
            shutil.rmtree(stage, ignore_errors=True)
