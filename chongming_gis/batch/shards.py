"""Shards: what an answer depends on, whether a folder holds it whole, and what became of it."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from chongming_gis import __version__, manifest, results
from chongming_gis.errors import ChongmingError, InputFileError
from chongming_gis.kernels.threads import THREADS_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from chongming_gis.config import StudyConfig

SHARD = "shard.json"
Status = Literal["done", "kept", "failed"]

#: Files that are read along with one that a study names: the other parts of a shapefile, what places a picture.
_BESIDE: Mapping[str, tuple[str, ...]] = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg"),
    ".tif": (".tfw", ".tif.aux.xml"),
    ".tiff": (".tfw", ".tiff.aux.xml"),
}
_ONE_AT_A_TIME = threading.Lock()  # a worker with several threads still does one shard after the other


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a shard: done now, kept from before, or failed for a reason.

    ``digest`` is that of the files of its folder (the same for the same answer), empty where it failed.
    """

    name: str
    status: Status
    digest: str = ""
    error: str = ""


def key_of(study: StudyConfig, **about: object) -> str:
    """Return the key of a shard: everything that its answer depends on, hashed.

    Parameters
    ----------
    about : what else it depends on: depth, language, a tile

    Raises
    ------
    InputFileError
        An input cannot be read.

    Notes
    -----
    The study's content, every input file's sha256, the version of this package and of the result format.
    """
    content = {
        "study": study.digest,
        "inputs": input_digests(study),
        "version": __version__,
        "format": results.FORMAT,
        **about,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def tile_key(key: str, tile: str) -> str:
    """Return the key of one tile of a region with a key."""
    return hashlib.sha256(f"{key} {tile}".encode()).hexdigest()


def input_digests(study: StudyConfig) -> dict[str, str]:
    """Return the sha256 of every file that a study reads, by its path as the study names it.

    Raises
    ------
    InputFileError
        One cannot be read.
    """
    named = [source.path for _, source in manifest.named_files(study)]
    named += [] if study.region.boundary is None else [study.region.boundary]
    found: dict[str, str] = {}
    for path in dict.fromkeys(named):
        whole = study.resolve(path)
        found[path.as_posix()] = _sha256(whole)
        for ending in _BESIDE.get(whole.suffix.lower(), ()):
            beside = whole.with_suffix(ending)
            if beside.is_file():
                found[path.with_suffix(ending).as_posix()] = _sha256(beside)
    return found


def write_shard(folder: Path, key: str, **about: object) -> str:
    """Write the manifest of a shard into its folder, last of all, and return the digest of the folder's files."""
    files = _files_of(folder)
    digest = _digest_of(files)
    record = {"key": key, "version": __version__, **about, "digest": digest, "files": files}
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
    stage = folder / f".{SHARD}"
    stage.write_text(text, encoding="utf-8")
    stage.replace(folder / SHARD)
    return digest


def is_whole(folder: Path, key: str) -> bool:
    """Return whether a folder holds the answer with this key, every file as it was written."""
    return whole_digest(folder, key) is not None


def whole_digest(folder: Path, key: str) -> str | None:
    """Return the digest of a folder that holds the answer with this key whole; None where it does not."""
    try:
        record = json.loads((folder / SHARD).read_text(encoding="utf-8"))
        if record["key"] == key and record["files"] == _files_of(folder):
            return str(record["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no shard, or half of one: it is done again
    return None


def attempt(name: str, job: Callable[[], str], *, version: str) -> Outcome:
    """Return what became of a shard whose job returns the digest of its folder; for workers, one thread each.

    Parameters
    ----------
    version : of the package where the batch was started; a worker with another one refuses
    """
    if version != __version__:
        return Outcome(name, "failed", error=f"the worker has version {__version__}, the batch {version}: install one")
    try:
        with _ONE_AT_A_TIME, _one_thread():
            return Outcome(name, "done", job())
    except ChongmingError as error:
        return Outcome(name, "failed", error=str(error))
    except Exception as error:  # noqa: BLE001 - one district must not end the batch; its name is told
        return Outcome(name, "failed", error=f"{type(error).__name__}: {error}")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let kernels run on one thread: the workers share the machine among them already."""
    before = os.environ.get(THREADS_VARIABLE)
    os.environ[THREADS_VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(THREADS_VARIABLE, None)
        else:
            os.environ[THREADS_VARIABLE] = before


def _files_of(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file of a shard's folder; the manifest of a result without what its stages took."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in {SHARD, f".{SHARD}"}:
            found[name] = _without_timings(path) if name == results.MANIFEST else _sha256(path)
    return found


def _without_timings(path: Path) -> str:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    record.pop("timings", None)
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _digest_of(files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputFileError(f"{path}: cannot be read ({error.strerror or error})") from error
