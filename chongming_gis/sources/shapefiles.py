"""What GDAL does not say of a shapefile: that it was cut, and in which encoding its texts are where nothing tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chongming_gis.errors import InputFileError

if TYPE_CHECKING:
    from pathlib import Path

_TO_LOOK_AT = 2**20  # bytes of the .dbf
_LANGUAGE_DRIVER = 29  # its place in the header of a .dbf
_NOT_SAID = frozenset({0x00, 0x57})  # nothing, or "ANSI", which GDAL takes for Latin-1
_IDEOGRAPHS = re.compile("[\u3400-\u9fff]")
_BYTES_PER_DAMAGED = 10  # texts are cut at the width of their column, some in the middle of a character


def refuse_short(path: Path) -> None:
    """Raise for a truncated .shp, which GDAL reads without a word, as rows without geometry.

    Raises
    ------
    InputFileError
        The file is shorter than its header says.
    """
    if path.suffix.lower() != ".shp":
        return
    with path.open("rb") as file:
        header = file.read(28)
    words = int.from_bytes(header[24:28], "big")  # of 16 bits (ESRI Shapefile Technical Description, 1998, p. 4)
    if path.stat().st_size < 2 * words:
        raise InputFileError(f"{path}: is incomplete (its header says {2 * words:,} bytes); copy it again")


def encoding_of(path: Path) -> str | None:
    """Return the encoding of a shapefile's Chinese texts where neither a .cpg nor the .dbf tells it; else None.

    None leaves it to GDAL. UTF-8 is recognised by its form; what is not UTF-8 and holds Chinese is GB 18030.
    """
    if path.suffix.lower() != ".shp":
        return None
    beside = {entry.suffix.lower(): entry for entry in path.parent.glob(f"{_literal(path.stem)}.*")}
    table = beside.get(".dbf")
    if table is None or ".cpg" in beside:
        return None
    with table.open("rb") as file:
        data = file.read(_TO_LOOK_AT)
    if len(data) <= _LANGUAGE_DRIVER or data[_LANGUAGE_DRIVER] not in _NOT_SAID:
        return None
    texts = data[_LANGUAGE_DRIVER + 3 :]
    if texts.isascii():
        return None
    return next((encoding for encoding in ("utf-8", "gb18030") if _is_chinese_in(texts, encoding)), None)


def _literal(name: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", name)


def _is_chinese_in(texts: bytes, encoding: str) -> bool:
    text = texts.decode(encoding, errors="replace")
    return len(_IDEOGRAPHS.findall(text)) > _BYTES_PER_DAMAGED * text.count("\ufffd")
