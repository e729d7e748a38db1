"""Files from the internet: whole or not at all, continued where they stopped, checked against what they must be."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from chongming_gis.errors import FetchError, OutputError
from chongming_gis.sources.web import Failure, ServerError, WebClient, failures_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was fetched."""

    url: str
    sha256: str
    size_bytes: int
    resumed_from_bytes: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What a download must be."""

    sha256: str | None = None
    size_bytes: int | None = None
    max_bytes: int = 8 << 30


def fetch_file(
    client: WebClient, url: str, path: Path, *, expected: Expected | None = None, instead: str = ""
) -> Download:
    """Fetch a file, whole or not at all; what an earlier call left half-way is continued where the server can.

    Raises
    ------
    FetchError
        The server cannot be reached, or the file is larger than allowed or has another checksum than expected.
    OutputError
        The file cannot be written.
    """
    expected = expected or Expected()
    half = _Half(path)
    failure = Failure("")
    for tried in range(client.patience.rounds):
        try:
            before = _continue(client, url, half, expected)
            digest = _checked(half.part, url, expected)
            half.finish()
        except ServerError as error:
            failure = error.failure
            if failure.status == requests.codes.requested_range_not_satisfiable:
                half.drop()  # what is there is no beginning of it
                continue
            if client.is_hopeless(failure) or tried == client.patience.rounds - 1:
                break
            client.wait(client.pause_before(tried, [failure]))
        except OSError as error:
            if isinstance(error, FetchError):
                raise
            raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
        else:
            return Download(url, digest, path.stat().st_size, before)
    raise FetchError(failures_in_words({url: failure}, instead))


def _continue(client: WebClient, url: str, half: _Half, expected: Expected) -> int:
    """Append to what is there of a file; return how many bytes of it were there before."""
    before, headers = half.size(url), {"Accept-Encoding": "identity"}
    if before:
        headers |= {"Range": f"bytes={before}-", "If-Range": half.mark}
    with client.response("GET", url, headers=headers) as got:
        if got.status_code != requests.codes.partial_content:
            before = 0
        half.begin(url, got.headers, keeps=bool(before))
        length = got.headers.get("Content-Length")
        _refuse_size(before + int(length or 0), expected)
        with half.part.open("ab" if before else "wb") as file:
            for chunk in client.chunks(got):
                file.write(chunk)
                _refuse_size(file.tell(), expected)
    return before


@dataclass(slots=True)
class _Half:
    """A file on its way: what is there already, and which version of the original it is a part of."""

    path: Path
    mark: str = ""

    @property
    def part(self) -> Path:
        return self.path.with_name(f".{self.path.name}.part")

    @property
    def note(self) -> Path:
        return self.path.with_name(f".{self.path.name}.part.json")

    def size(self, url: str) -> int:
        """Return how many bytes are there of the version that ``note`` names; 0 where that is not known."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            self.mark = note["mark"]
            return self.part.stat().st_size if note["url"] == url and self.mark else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def begin(self, url: str, headers: Mapping[str, str], *, keeps: bool) -> None:
        """Note which version is being fetched; a weak tag does not promise the same bytes (RFC 9110, 13.1.5)."""
        tag = headers.get("ETag", "")
        mark = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
        if keeps:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.part.unlink(missing_ok=True)
        self.note.write_text(json.dumps({"url": url, "mark": mark}), encoding="utf-8")

    def drop(self) -> None:
        """Forget what is there."""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def finish(self) -> None:
        """Put the file in its place."""
        self.part.replace(self.path)
        self.note.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(part: Path, url: str, expected: Expected) -> str:
    """Return the checksum of what was fetched, after comparing; a wrong file is thrown away.

    Raises
    ------
    FetchError
        It is another file than expected.
    """
    digest, size = sha256_of(part), part.stat().st_size
    faults = []
    if expected.size_bytes is not None and size != expected.size_bytes:
        faults.append(f"it has {size:,} bytes, not the {expected.size_bytes:,} that the study names")
    if expected.sha256 is not None and digest != expected.sha256.lower():
        faults.append(f"its sha256 is {digest}, not the {expected.sha256.lower()} that the study names")
    if faults:
        _Half(part.with_name(part.name.removeprefix(".").removesuffix(".part"))).drop()
        raise FetchError(f"{url}: is not the file that was expected: {'; '.join(faults)}; check url and sha256")
    return digest


def _refuse_size(size: int, expected: Expected) -> None:
    limit = expected.max_bytes if expected.size_bytes is None else expected.size_bytes
    if size > limit:
        raise ServerError(f"gives more than the {limit:,} bytes that are allowed", is_final=True)
