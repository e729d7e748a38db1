"""Workbooks written by hand: formats that no library here writes, and files that are meant to do harm."""

import io
import struct
import zipfile
from xml.sax.saxutils import escape

import openpyxl

SECTOR = 512
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def xlsx(path, sheets, *, merge=(), hidden_rows=(), hidden_sheets=()):
    """Write sheets {name: rows} with openpyxl; merges and hidden rows are those of the first."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, (name, rows) in enumerate(sheets.items()):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        sheet.sheet_state = "hidden" if name in hidden_sheets else "visible"
        if number == 0:
            for place in merge:
                sheet.merge_cells(place)
            for row in hidden_rows:
                sheet.row_dimensions[row].hidden = True
    book.save(path)
    return path


def repacked(path, change, *, compression=zipfile.ZIP_DEFLATED):
    """Pack a ZIP again with the content of its parts changed: ``change(name, content)`` -> content."""
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    with zipfile.ZipFile(path, "w", compression) as package:
        for name, content in parts.items():
            package.writestr(name, change(name, content))
    return path


def ods(path, sheets, *, row_attributes=None):
    """Write sheets {name: rows}; ``row_attributes`` {row number: XML} are those of the first sheet."""
    tables = []
    for number, (name, rows) in enumerate(sheets.items()):
        lines = []
        for at, row in enumerate(rows, start=1):
            cells = "".join(_ods_cell(value) for value in row)
            extra = (row_attributes or {}).get(at, "") if number == 0 else ""
            lines.append(f"<table:table-row {extra}>{cells}</table:table-row>")
        tables.append(f'<table:table table:name="{escape(name)}">{"".join(lines)}</table:table>')
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3">'
        f"<office:body><office:spreadsheet>{''.join(tables)}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="/" '
        'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
    )
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("content.xml", content)
        package.writestr("META-INF/manifest.xml", manifest)
    return path


def _ods_cell(value):
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, int | float):
        stored = f'office:value-type="float" office:value="{value}"'
        return f"<table:table-cell {stored}><text:p>{value}</text:p></table:table-cell>"
    return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'


def xls(path, sheets, *, merge=()):
    """Write sheets {name: rows} as BIFF8 ([MS-XLS]); ``merge`` ranges (row, to row, column, to column)."""
    bodies = [_biff_sheet(rows, merge if number == 0 else ()) for number, rows in enumerate(sheets.values())]
    names = [_unicode(name, length="B") for name in sheets]
    head = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 1996, 0, 0x0600))
    head += _record(0x0042, struct.pack("<H", 1200))
    at = len(head) + sum(4 + 6 + len(name) for name in names) + 4
    bound = b""
    for name, body in zip(names, bodies, strict=True):
        bound += _record(0x0085, struct.pack("<IBB", at, 0, 0) + name)
        at += len(body)
    path.write_bytes(compound(head + bound + _record(0x000A, b"") + b"".join(bodies), "Workbook"))
    return path


def _biff_sheet(rows, merge):
    body = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 1996, 0, 0x0600))
    width = max(map(len, rows), default=0)
    body += _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if value is None:
                continue
            place = struct.pack("<HHH", r, c, 0)
            if isinstance(value, int | float):
                body += _record(0x0203, place + struct.pack("<d", value))
            else:
                body += _record(0x0204, place + _unicode(value, length="H"))
    if merge:
        body += _record(0x00E5, struct.pack("<H", len(merge)) + b"".join(struct.pack("<HHHH", *m) for m in merge))
    return body + _record(0x000A, b"")


def _record(kind, data):
    return struct.pack("<HH", kind, len(data)) + data


def _unicode(text, *, length):
    raw = text.encode("utf-16-le")
    return struct.pack(f"<{length}B", len(raw) // 2, 1) + raw


def compound(stream, name):
    """Return a compound file ([MS-CFB]) with one stream, long enough to need no mini stream."""
    stream = stream.ljust(4096, b"\0")
    n_data = -(-len(stream) // SECTOR)
    n_fat = 1
    while (n_fat + 1 + n_data) * 4 > n_fat * SECTOR:
        n_fat += 1
    first = n_fat + 1  # sectors: the FAT, the directory, the stream
    chain = [FAT] * n_fat + [END] + [*range(first + 1, first + n_data), END]
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(n_fat * SECTOR, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, n_fat, n_fat, 0, 4096, END, 0, END, 0)
    header += struct.pack("<109I", *range(n_fat), *[FREE] * (109 - n_fat))
    entries = _entry("Root Entry", 5, END, 0, child=1) + _entry(name, 2, first, len(stream))
    return header + fat + entries.ljust(SECTOR, b"\0") + stream.ljust(n_data * SECTOR, b"\0")


def _entry(name, kind, start, size, *, child=FREE):
    raw = (name + "\0").encode("utf-16-le")
    entry = raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, FREE, FREE, child)
    return entry + bytes(36) + struct.pack("<IQ", start, size)


def bomb(path, *, size, stated=None):
    """Write an .xlsx whose shared texts unpack to ``size`` bytes; ``stated`` is what its directory says instead."""
    xlsx(path, {"A": [["名称"], ["甲"]]})
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    parts["xl/sharedStrings.xml"] = b"<sst><si><t>" + b"A" * size + b"</t></si></sst>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    data = buffer.getvalue()
    if stated is not None:  # the last entry's length, in its local header and in the directory
        real, said = struct.pack("<I", len(parts["xl/sharedStrings.xml"])), struct.pack("<I", stated)
        data = data.replace(real, said)
    path.write_bytes(data)
    return path
