"""Answers of servers, kept by the hash of their request, so that a fetch that stopped goes on where it was.

One file an answer, ``<hash>.answer``: a line of JSON (what was asked, of whom, when, the checksum) and the packed body.
It is written beside its place and moved there whole, and verified whenever it is read: a damaged or old one is not an
answer, and is asked for again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import hashlib
import json
import os
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chongming_gis.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER_VARIABLE = "CHONGMING_GIS_CACHE"


def default_folder() -> Path:
    """Return where answers are kept: ``CHONGMING_GIS_CACHE``, else the user's cache folder of this system."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    if sys.platform == "win32":
        above = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        above = str(Path.home() / "Library" / "Caches")
    else:
        above = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(above) / "chongming-gis"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer with where and when it came from."""

    key: str
    server: str
    date: dt.datetime  # UTC
    sha256: str  # of the body
    body: bytes = field(repr=False)
    is_new: bool = True  # asked for now, not read from the folder


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of answers."""

    folder: Path
    max_age: dt.timedelta | None = None  # older answers are asked for again; none = they never grow old
    now: Callable[[], dt.datetime] = _now

    def path(self, key: str) -> Path:
        """Return the file of an answer."""
        return self.folder / f"{key}.answer"

    def get(self, key: str) -> Kept | None:
        """Return a kept answer, or None where there is none, or it is damaged or too old."""
        try:
            with self.path(key).open("rb") as file:
                note = json.loads(file.readline())
                body = gzip.decompress(file.read())
            kept = Kept(
                key=note["key"],
                server=note["server"],
                date=dt.datetime.fromisoformat(note["date"]),
                sha256=note["sha256"],
                body=body,
                is_new=False,
            )
        except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error):  # gzip.BadGzipFile is an OSError
            return None
        if kept.key != key or hashlib.sha256(body).hexdigest() != kept.sha256:
            return None
        if self.max_age is not None and self.now() - kept.date > self.max_age:
            return None
        return kept

    def put(self, key: str, *, server: str, body: bytes) -> Kept:
        """Keep an answer and return it.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        kept = Kept(key, server, self.now().replace(microsecond=0), hashlib.sha256(body).hexdigest(), body)
        note = {"key": key, "server": server, "date": kept.date.isoformat(), "sha256": kept.sha256}
        line = json.dumps(note, ensure_ascii=False).encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.path(key), line + b"\n" + gzip.compress(body, compresslevel=6, mtime=0))
        except OSError as error:
            raise OutputError(
                f"{self.folder}: answers cannot be kept there ({error.strerror or error}); name another folder with "
                f"--cache or {FOLDER_VARIABLE}"
            ) from error
        return kept

    def forget(self, key: str) -> None:
        """Remove an answer."""
        with contextlib.suppress(OSError):
            self.path(key).unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there, so that nobody ever meets half of it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
