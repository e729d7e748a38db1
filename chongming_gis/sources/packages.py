"""Workbook files as containers: what they are by content, and whether it is safe to parse them.

An .xlsx or .ods is a ZIP of XML files. Before a parser sees one, this module counts what it unpacks to (the sizes that
the ZIP states may lie, so each part is inflated and counted, and thrown away), refuses parts that unpack to hundreds of
times their size, and refuses XML with a document type: neither format has one, and all entity attacks need one.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from enum import Enum
from typing import TYPE_CHECKING
from xml.parsers import expat

from chongming_gis.errors import InputFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_FILE_BYTES = 64 * 2**20  # as stored; a table of 100,000 facilities takes a tenth of it
MAX_UNPACKED_BYTES = 256 * 2**20
MAX_RATIO = 100  # unpacked : packed; Apache POI refuses beyond 100, too (ZipSecureFile, min inflate ratio 0.01)
MIN_SUSPECT_BYTES = 2**20  # small parts of one repeated character are no danger
MAX_PARTS = 5_000

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CHUNK = 2**16
_WEB_PAGE = (b"<html", b"<!doctype html", b"<table", b"<?xml")


class Kind(Enum):
    """What a workbook file is by its content."""

    XLSX = "xlsx"
    ODS = "ods"
    XLS = "xls"


def check_package(data: bytes, *, where: str) -> Kind:
    """Return what a workbook file is, after making sure that it can be parsed safely.

    Raises
    ------
    InputFileError
        It is no workbook, is protected by a password, unpacks to too much, or has a part that no workbook has.
    """
    if len(data) > MAX_FILE_BYTES:
        size, limit = len(data) // 2**20, MAX_FILE_BYTES // 2**20
        raise InputFileError(f"{where}: is too large ({size} MB; at most {limit} MB are read); split it by service")
    if data.startswith(_ZIP):
        return _check_zip(data, where=where)
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise InputFileError(f"{where}: is protected by a password; save it without one")
        if "WordDocument".encode("utf-16-le") in data and "Workbook".encode("utf-16-le") not in data:
            raise InputFileError(f"{where}: is a text document, not a workbook; copy its table into an .xlsx")
        return Kind.XLS
    if data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB_PAGE):
        raise InputFileError(f"{where}: is a web page or XML, whatever its name says; open it and save it as .xlsx")
    raise InputFileError(
        f"{where}: is not a workbook, whatever its name says; save it as .xlsx (or .csv if it is text)"
    )


def _check_zip(data: bytes, *, where: str) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = package.infolist()
            names = [part.filename for part in parts]
            if "EncryptionInfo" in names or any(part.flag_bits & 1 for part in parts):
                raise InputFileError(f"{where}: is protected by a password; save it without one")
            _check_directory(parts, where=where)
            kind = _kind_of(names, package, where=where)
            unpacked = 0
            for part in parts:
                unpacked += _check_part(package, part, left=MAX_UNPACKED_BYTES - unpacked, where=where)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        if isinstance(error, InputFileError):
            raise
        raise InputFileError(f"{where}: is damaged ({error}); save it again") from error
    return kind


def _check_directory(parts: list[zipfile.ZipInfo], *, where: str) -> None:
    names = [part.filename for part in parts]
    if len(parts) > MAX_PARTS:
        raise InputFileError(f"{where}: holds {len(parts):,} files inside, more than a workbook has; it is not read")
    if len(set(names)) < len(names):
        raise InputFileError(f"{where}: holds two files of one name inside; it is not read")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED_BYTES:
        raise InputFileError(f"{where}: unpacks to {unpacked // 2**20:,} MB; {_TOO_MUCH}")
    for part in parts:
        _check_ratio(part, part.file_size, where=where)


def _check_ratio(part: zipfile.ZipInfo, unpacked: int, *, where: str) -> None:
    if unpacked > MIN_SUSPECT_BYTES and unpacked > MAX_RATIO * max(part.compress_size, 1):
        times = unpacked // max(part.compress_size, 1)
        raise InputFileError(f"{where}: its part {part.filename} unpacks to {times:,} times its size; {_TOO_MUCH}")


_TOO_MUCH = "such a file is not read: copy the table alone into a new workbook"


def _kind_of(names: list[str], package: zipfile.ZipFile, *, where: str) -> Kind:
    if "xl/workbook.xml" in names:
        return Kind.XLSX
    if "content.xml" in names and "mimetype" in names:
        with package.open("mimetype") as file:
            if b"opendocument.spreadsheet" in file.read(200):
                return Kind.ODS
    if any(name.startswith("word/") for name in names):
        raise InputFileError(f"{where}: is a text document, not a workbook; copy its table into an .xlsx")
    if "xl/workbook.bin" in names:
        raise InputFileError(f"{where}: is a binary workbook (.xlsb); save it as .xlsx")
    raise InputFileError(f"{where}: is a ZIP file, but not a workbook; unpack it and name the table in it")


def _check_part(package: zipfile.ZipFile, part: zipfile.ZipInfo, *, left: int, where: str) -> int:
    """Return how many bytes a part really unpacks to; XML is looked at as far as its first element."""
    is_xml = part.filename.lower().endswith((".xml", ".rels", ".vml"))
    watch = _Prolog(where, part.filename) if is_xml else None
    unpacked = 0
    for chunk in _inflated(package, part):
        unpacked += len(chunk)
        if unpacked > left:
            raise InputFileError(f"{where}: unpacks to more than {MAX_UNPACKED_BYTES // 2**20} MB; {_TOO_MUCH}")
        _check_ratio(part, unpacked, where=where)
        if watch is not None:
            watch.feed(chunk)
    return unpacked


def _inflated(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the real content of a part in chunks: ``ZipFile.open`` would stop at the length the ZIP states."""
    if part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise zipfile.BadZipFile(f"{part.filename} is packed in a way that workbooks are not")
    as_stored = zipfile.ZipInfo(part.filename)
    as_stored.header_offset = part.header_offset
    as_stored.compress_size = as_stored.file_size = part.compress_size
    as_stored.flag_bits = part.flag_bits
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    with package.open(as_stored) as file:
        while packed := file.read(_CHUNK):
            if part.compress_type == zipfile.ZIP_STORED:
                yield packed
                continue
            while packed:
                yield inflate.decompress(packed, _CHUNK)
                packed = inflate.unconsumed_tail


class _Prolog:
    """Looks at XML as far as its first element and refuses a document type."""

    def __init__(self, where: str, part: str) -> None:
        self._parser = guarded_parser(where, part)
        self._parser.StartElementHandler = self._begin
        self._is_done = False
        self._where, self._part = where, part

    def _begin(self, _name: str, _attributes: dict[str, str]) -> None:
        self._is_done = True
        self._parser.StartElementHandler = None

    def feed(self, chunk: bytes) -> None:
        if self._is_done:
            return
        try:
            self._parser.Parse(chunk, False)  # noqa: FBT003 - expat's own signature
        except expat.ExpatError as error:
            if not self._is_done:
                raise InputFileError(
                    f"{self._where}: its part {self._part} is no XML ({error}); save it again"
                ) from error


def guarded_parser(where: str, part: str) -> expat.XMLParserType:
    """Return an XML parser that refuses a document type, and with it every entity."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise InputFileError(
            f"{where}: its part {part} declares a document type (entities), which no workbook has; it is not read"
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = _never
    return parser


def _never(*_: object) -> int:
    return 0


def parse_part(
    data: bytes, part: str, *, where: str, begin: Callable[[expat.XMLParserType, str, dict[str, str]], None]
) -> None:
    """Parse a part of a package, calling ``begin(parser, name, attributes)`` at the start of every element.

    Raises
    ------
    InputFileError
        The part is missing, is no XML, or declares a document type.
    """
    parser = guarded_parser(where, part)
    parser.StartElementHandler = lambda name, attributes: begin(parser, name, attributes)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package, package.open(part) as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise InputFileError(f"{where}: its part {part} is no XML ({error}); save it again") from error
    except (KeyError, ValueError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        if isinstance(error, InputFileError):
            raise
        raise InputFileError(f"{where}: is damaged ({error}); save it again") from error


def has_part(data: bytes, part: str) -> bool:
    """Return whether a package has a part."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return part in package.namelist()
