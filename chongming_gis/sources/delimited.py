"""Text tables (.csv, .txt of spreadsheet programs) as rows of texts: encoding and delimiter found, nothing guessed.

UTF-8 and UTF-16 are known by their byte order marks; other text is UTF-8 where all of it is, else GB 18030 where all
of it is. A file of lines in both is refused with the numbers of the lines that differ.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import TYPE_CHECKING

from chongming_gis.errors import InputFileError, TableError
from chongming_gis.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

DELIMITERS = (",", "\t", ";")
MAX_FILE_BYTES = 256 * 2**20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LINES_TO_SNIFF = 20
_IDEOGRAPHS = re.compile("[\u3400-\u9fff]{2}|[\u3001\u3002\uff01-\uff5e]")
_ODD = re.compile("[\u0080-\u00ac\u00ae-\u02ff\u0370-\u1fff\ue000-\uf8ff]")  # what chance makes of other bytes


def read_rows(data: bytes, *, where: str) -> tuple[list[list[str]], str]:
    """Return the records of a text table, each a list of its fields, and the encoding it was in.

    Raises
    ------
    InputFileError
        It is neither UTF-8, UTF-16 nor GB 18030 text, or its quotes do not close.
    TableError
        Its lines are in two encodings; each line that differs from the most is named.
    """
    if len(data) > MAX_FILE_BYTES:
        raise InputFileError(f"{where}: is larger than {MAX_FILE_BYTES // 2**20} MB; split it")
    text, encoding = decode(data, where=where)
    if "\x00" in text:
        raise InputFileError(f"{where}: is not a text table (it has zero bytes in it); save it as CSV UTF-8")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), skipinitialspace=True, strict=True)
    try:
        return list(reader), encoding
    except csv.Error as error:
        raise InputFileError(
            f'{where}: cannot be read as CSV near line {reader.line_num} ({error}); a quote (") is not closed there?'
        ) from error


def decode(data: bytes, *, where: str) -> tuple[str, str]:
    """Return a file's text and its encoding.

    Raises
    ------
    InputFileError
        It is in none of the encodings that are read.
    TableError
        Its lines are in two.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError as error:
                raise _unreadable(data, error, encoding, where=where) from error
    if _is_unmarked_utf16(data):
        raise InputFileError(f"{where}: seems to be UTF-16 without a byte order mark; save it as CSV UTF-8")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        first_fault = error
    _refuse_two_encodings(data, where=where)
    try:
        return data.decode("gb18030"), "gb18030"
    except UnicodeDecodeError:
        raise _unreadable(data, first_fault, "UTF-8 nor GB 18030", where=where) from first_fault


def _is_unmarked_utf16(data: bytes) -> bool:
    head = data[:400]
    return len(head) > 3 and max(head[::2].count(0), head[1::2].count(0)) > len(head) // 4


def _unreadable(data: bytes, error: UnicodeDecodeError, encoding: str, *, where: str) -> InputFileError:
    line = data.count(b"\n", 0, error.start) + 1
    return InputFileError(f"{where}: line {line} is not text in {encoding}; save the table as CSV UTF-8")


def _refuse_two_encodings(data: bytes, *, where: str) -> None:
    """Raise where some lines are surely UTF-8 in a file that is not."""
    lines = data.split(b"\n")
    spoken = [number for number, line in enumerate(lines, start=1) if not line.isascii()]
    in_utf8 = [number for number in spoken if _is_surely_utf8(lines[number - 1])]
    if not in_utf8:
        return
    others = [number for number in spoken if number not in set(in_utf8)]
    few, name = (in_utf8, "UTF-8") if len(in_utf8) <= len(others) else (others, "GB 18030")
    words = f"this line is in another encoding than the rest ({name})"
    remedy = "open both parts in a spreadsheet, put them together there, and save the table as CSV UTF-8"
    findings = [
        Finding("error", where, words, remedy, rule="encoding_mixed", row=number, details={"encoding": name})
        for number in few
    ]
    raise TableError.of(findings, where=where)


def _is_surely_utf8(line: bytes) -> bool:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _IDEOGRAPHS.search(text) is not None and _ODD.search(text) is None


def _delimiter(text: str) -> str:
    """Return the delimiter that is most frequent in the first lines; a comma where there is none."""
    head: Sequence[str] = text.splitlines()[:_LINES_TO_SNIFF] if len(text) < 10_000 else text[:10_000].splitlines()[:20]
    counts = [sum(line.count(sign) for line in head) for sign in DELIMITERS]
    return DELIMITERS[counts.index(max(counts))]
