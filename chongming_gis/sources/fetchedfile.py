"""Files that a study names by their address: there, or told how to get them. Nothing is fetched here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from chongming_gis.errors import InputFileError

if TYPE_CHECKING:
    from pathlib import Path

    from chongming_gis.config import DemandSource


def require_fetched(source: DemandSource, path: Path) -> None:
    """Raise where a file that the study names by ``url`` is not there yet, or is another than it says.

    Raises
    ------
    InputFileError
        The file is missing (the message says how to fetch it), or has another size or checksum.
    """
    if source.url is not None and not path.exists():
        raise InputFileError(
            f"{path}: is not there yet; `chongming-gis fetch --study` with this study gets it from {source.url}"
        )
    if not path.is_file():
        return
    size = path.stat().st_size
    if source.size_bytes is not None and size != source.size_bytes:
        raise InputFileError(
            f"{path}: has {size:,} bytes, not the {source.size_bytes:,} of sources.demand.size_bytes; fetch it again"
        )
    if source.sha256 is not None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != source.sha256.lower():
            raise InputFileError(f"{path}: its sha256 is {digest}, not that of sources.demand.sha256; fetch it again")
