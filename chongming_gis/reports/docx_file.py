"""report.docx: the blocks of the report as a Word document in the look of Chinese official papers (GB/T 9704-2012).

A4 with its margins, 小标宋, 黑体, 楷体 and 仿宋 by name (with the names to use where they are not installed), numbered
captions, header rows that repeat, wide tables on pages across, a list of contents, page numbers outside at the foot.
The same result gives the same bytes: every time in the file is the study's data date.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections import Counter
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from docx import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Emu, Mm

from chongming_gis import discretion, maps
from chongming_gis.cell_text import printable
from chongming_gis.errors import OutputError
from chongming_gis.maps import notices
from chongming_gis.reports import docx_style
from chongming_gis.reports.blocks import MARK_FILLS, Bullets, MapFrame, Notes, Paragraph, Picture, References, Table
from chongming_gis.reports.content import build_content
from chongming_gis.reports.static_maps import draw_maps
from chongming_gis.reports.static_pictures import svg_as_png, svg_size
from chongming_gis.wording import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from docx.document import Document as WordDocument

    from chongming_gis.reports.blocks import Block, Section
    from chongming_gis.reports.content import Report
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Language

FILE = "report.docx"
_NS = nsdecls("w")
_TEXT_MM, _ACROSS_MM = 156.0, 225.0  # what the margins leave of A4, upright and across
_MOST_UPRIGHT = 10  # columns; a table with more stands on a page across
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_BOLD = 1.1  # how much wider bold letters are
_TALLEST_PICTURE_MM = 198.0  # a heading above and a caption of two lines stay on its page
_MM_PER_CSS_PIXEL = 25.4 / 96.0
_TWIPS_PER_MM = 1440.0 / 25.4
_MM_PER_POINT = 25.4 / 72.0
_EDGES_MM = 2.6  # of a cell, both sides
_LEAST_COLUMN, _LEAST_HEADING = 4.0, 3.0  # letters
_MOST_WEIGHT = 26.0  # letters: a longer text wraps
_OLDEST_ZIP = dt.date(1980, 1, 1)
#: Word has no isolates: a letter that turns the direction would turn the sentence around a name, so it is left out.
_TURNS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FILLS = {**MARK_FILLS, "strong": "F0F4F7"}
_DIGITS = "零一二三四五六七八九"


def write_docx(
    result: StudyResult,
    folder: Path,
    *,
    language: Language = "zh",
    material: maps.Material | None = None,
    content: Report | None = None,
) -> Path:
    """Write ``report.docx`` into a folder, made where it is missing, and return its path.

    Parameters
    ----------
    material, content : what ``maps.prepare`` and ``build_content`` made of the same result in the same language,
        where they are there already.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    path = folder / FILE
    made = render_docx(result, language=language, material=material, content=content)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made)
    except OSError as error:
        raise OutputError(f"{path}: the report cannot be written ({error.strerror or error})") from error
    return path


def render_docx(
    result: StudyResult,
    *,
    language: Language = "zh",
    material: maps.Material | None = None,
    content: Report | None = None,
) -> bytes:
    """Return the report as the bytes of a Word document; ``material`` and ``content`` where they are there already."""
    words = Words(language)
    material = material or maps.prepare(result, language)
    kinds = Counter(str(entry.get("kind") or "") for entry in notices.sources(result))
    listed = [words("map.kind_count", kind=words.or_raw("kind", kind), n=n) for kind, n in kinds.items() if kind]
    front = [words.mark(result.study), *([words("map.kinds", kinds=words.join(listed))] if listed else [])]
    front += [words("discretion.note")] if discretion.hides_any(result.study) else []
    return render_report(
        content or build_content(result, words),
        dict(draw_maps(material)),
        words,
        front=front,
        date=result.study.data_date,
    )


def render_report(
    report: Report, pictures: Mapping[str, bytes], words: Words, *, front: Sequence[str], date: dt.date
) -> bytes:
    """Return a report and its maps (PNG, by the names of its frames) as the bytes of a Word document.

    Parameters
    ----------
    front : lines for the title block: the mark of the page, and what stands below the date.
    date : what the times in the file are.
    """
    document = Document()
    docx_style.set_up(document, words.language)
    writer = _Writer(document, words, pictures)
    writer.title_block(report, front)
    writer.contents(report.sections)
    for number, section in enumerate(report.sections, start=1):
        writer.section(section, (number,))
    _set_properties(document, report, date)
    stream = io.BytesIO()
    document.save(stream)
    return _packed(stream.getvalue(), date)


class _Writer:
    """Puts blocks on a document one after the other, numbering tables and figures."""

    def __init__(self, document: WordDocument, words: Words, pictures: Mapping[str, bytes]) -> None:
        self._document = document
        self._words = words
        self._pictures = pictures
        self._counts: Counter[str] = Counter()
        self._marks: dict[str, str] = {}  # bookmarks by the ids of the page
        self._is_across = False

    def title_block(self, report: Report, front: Sequence[str]) -> None:
        """Write what stands on the head: whom it is for, title, date, kinds of data, what is schematic."""
        stamp, *more = front
        self._paragraph(_run(" · ".join(filter(None, (stamp, report.badge)))), "Stamp")
        self._paragraph(_run(report.title), "Title")
        for line in (report.date, *more):
            self._paragraph(_run(line), "Subtitle")
        if report.notice:
            self._paragraph(_run(report.notice), "Notice")

    def contents(self, sections: Sequence[Section]) -> None:
        """Write the contents as a field that Word can renew, filled with links so that it is complete as it is."""
        self._paragraph(_run(self._words("report.contents")), "Contents Heading")
        lines: list[tuple[Section, tuple[int, ...], str]] = []
        for number, section in enumerate(sections, start=1):
            lines.append((section, (number,), "TOC 1"))
            lines += [(inner, (number, place), "TOC 2") for place, inner in enumerate(section.inner, start=1)]
        asked = '<w:r><w:instrText xml:space="preserve"> TOC \\o "1-2" \\h \\z \\u </w:instrText></w:r>'
        start = f"{_field_part('begin')}{asked}{_field_part('separate')}"
        for place, (section, numbers, style) in enumerate(lines):
            link = _link(_run(self._headed(section, numbers)), self._mark(section.id))
            opening, closing = start if place == 0 else "", _field_part("end") if place == len(lines) - 1 else ""
            self._paragraph(opening + link + closing, style)
        self._paragraph(_run(self._words("docx.contents_note")), "Note")

    def section(self, section: Section, numbers: tuple[int, ...]) -> None:
        """Write a chapter with its blocks and the sections inside it."""
        heading = _run(self._headed(section, numbers))
        first = section.blocks[0] if section.blocks else None
        self._turn(is_across=isinstance(first, Table) and _is_wide(first))
        self._paragraph(_bookmarked(heading, self._mark(section.id)), f"Heading {len(numbers)}")
        for block in section.blocks:
            self._block(block)
        for place, inner in enumerate(section.inner, start=1):
            self.section(inner, (*numbers, place))

    def _headed(self, section: Section, numbers: tuple[int, ...]) -> str:
        """Return a heading with its number, as official papers number: 一、 and （一）."""
        if self._words.language == "zh":
            number = _in_chinese(numbers[-1])
            return f"{number}、{section.title}" if len(numbers) == 1 else f"（{number}）{section.title}"
        return f"{'.'.join(map(str, numbers))} {section.title}"

    def _mark(self, name: str) -> str:
        """Return the bookmark of an id of the page: letters and digits, at most forty."""
        return self._marks.setdefault(name, f"_Toc{len(self._marks) + 1:08d}")

    def _block(self, block: Block) -> None:
        if not isinstance(block, Table):
            self._turn(is_across=False)
        match block:
            case Paragraph():
                self._running(block)
            case Notes():
                for item in block.items:
                    self._paragraph(_run(self._words("docx.note", note=item)), "Note")
            case Bullets():
                for item in filter(None, block.items):
                    self._paragraph(_run(item), "List Bullet")
            case References():
                self._references(block)
            case Table():
                self._table(block)
            case MapFrame():
                self._map(block)
            case Picture():
                self._drawing(block)

    def _running(self, block: Paragraph) -> None:
        """Write a paragraph, and the place to read on as a link."""
        more = ""
        if block.link is not None:
            more = _run(" ") + _link(_run(block.link[1]), self._mark(block.link[0]))
        self._paragraph(_run(block.text) + more, "Body Text")

    def _references(self, block: References) -> None:
        self._paragraph(_run(block.caption), "Caption")
        for number, item in enumerate(block.items, start=1):
            mark = self._mark(f"{block.id}-{number}")
            self._paragraph(_bookmarked(_run(f"[{number}] {item}"), mark), "Note")

    def _caption(self, kind: str, shown: str, style: str) -> None:
        """Write a caption whose number is a field, so that a list of tables or figures can be made."""
        self._counts[kind] += 1
        lead, _, rest = self._words(f"docx.{kind}", n="\0").partition("\0")
        name = lead.strip()
        number = _run(str(self._counts[kind]))
        counted = quoteattr(f" SEQ {name} \\* ARABIC ")
        field = f"<w:fldSimple w:instr={counted}>{number}</w:fldSimple>"
        self._paragraph(_run(lead) + field + _run(f"{rest}　{shown}"), style)

    def _table(self, block: Table) -> None:
        """Write a table under its caption; a wide one on a page across."""
        self._turn(is_across=_is_wide(block))
        self._caption("table", block.caption, "Caption")
        room_mm = _ACROSS_MM if self._is_across else _TEXT_MM
        self._append(_table_xml(block, room_mm, {name: self._mark(name) for name in _links(block)}))
        self._paragraph("", "After Table")

    def _map(self, block: MapFrame) -> None:
        caption = self._words("docx.map_caption", title=block.title, file=f"{block.name}.html")
        if block.name in self._pictures:
            self._picture(self._pictures[block.name], caption, _TEXT_MM)
        else:
            self._paragraph(_run(caption), "Note")  # its page is beside the report

    def _drawing(self, block: Picture) -> None:
        width = min(svg_size(block.svg)[0] * _MM_PER_CSS_PIXEL, _TEXT_MM)
        self._picture(svg_as_png(block.svg), block.caption, width)

    def _picture(self, png: bytes, caption: str, width_mm: float) -> None:
        """Put a picture on the page with its caption below, no taller than a page, with a text to be read aloud."""
        paragraph = self._document.add_paragraph(style="Figure")
        shape = paragraph.add_run().add_picture(io.BytesIO(png), width=Mm(width_mm))
        tallest = int(Mm(_TALLEST_PICTURE_MM))
        if shape.height > tallest:
            shape.width, shape.height = Emu(int(shape.width * tallest / shape.height)), Emu(tallest)
        said = shape._inline.docPr  # noqa: SLF001 - python-docx has no other way to a picture's description
        said.set("descr", _clean(caption))
        said.set("name", f"picture {self._counts['figure'] + 1}")
        self._caption("figure", caption, "Figure Caption")

    def _turn(self, *, is_across: bool) -> None:
        """Begin a page of the other orientation, where it is not this one."""
        if is_across == self._is_across:
            return
        section = self._document.add_section(WD_SECTION.NEW_PAGE)
        section.orientation = WD_ORIENT.LANDSCAPE if is_across else WD_ORIENT.PORTRAIT
        docx_style.set_page(section, is_across=is_across)
        self._is_across = is_across

    def _paragraph(self, content: str, style: str) -> None:
        style_id = docx_style.STYLE_IDS[style]
        self._append(f'<w:p {_NS}><w:pPr><w:pStyle w:val="{style_id}"/></w:pPr>{content}</w:p>')

    def _append(self, xml: str) -> None:
        """Put an element at the end: before the properties of the last section."""
        self._document.element.body[-1].addprevious(parse_xml(xml))


def _is_wide(block: Table) -> bool:
    return block.is_matrix or len(block.columns) > _MOST_UPRIGHT


def _clean(shown: str) -> str:
    return _TURNS.sub("", printable(shown))


def _run(shown: str) -> str:
    """Return a text as a run."""
    return f'<w:r><w:t xml:space="preserve">{escape(_clean(shown))}</w:t></w:r>' if shown else ""


def _link(content: str, mark: str) -> str:
    return f'<w:hyperlink w:anchor="{mark}" w:history="1">{content}</w:hyperlink>'


def _bookmarked(content: str, mark: str) -> str:
    number = int(mark.removeprefix("_Toc"))
    return f'<w:bookmarkStart w:id="{number}" w:name="{mark}"/>{content}<w:bookmarkEnd w:id="{number}"/>'


def _field_part(kind: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


def _in_chinese(number: int) -> str:
    """Return a number below a hundred in Chinese.

    Examples
    --------
    >>> [_in_chinese(number) for number in (3, 10, 12, 20, 21)]
    ['三', '十', '十二', '二十', '二十一']
    """
    tens, ones = divmod(number, 10)
    if not tens:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def _links(block: Table) -> set[str]:
    return {cell.link for row in block.rows for cell in row if cell.link}


def _table_xml(block: Table, room_mm: float, marks: Mapping[str, str]) -> str:
    """Return a table: heavy lines above and below, light ones between, a header row that repeats on every page."""
    style, size_pt = docx_style.table_text_style(len(block.columns), is_across=room_mm > _TEXT_MM)
    widths = [round(width * _TWIPS_PER_MM) for width in _column_widths(block, room_mm, size_pt)]
    kinds = [cell.kind for cell in block.rows[0]] if block.rows else ["text"] * len(block.columns)
    head = [
        _cell_xml(
            _run(name), style, width, side="center" if kind == "number" else "left", fill="strong", is_strong=True
        )
        for name, width, kind in zip(block.columns, widths, kinds, strict=True)
    ]
    rows = [f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{''.join(head)}</w:tr>"]
    for place, row in enumerate(block.rows):
        is_strong = place in block.strong_rows
        cells = []
        for cell, width in zip(row, widths, strict=True):
            content = _run(cell.shown) if not cell.link else _link(_run(cell.shown), marks[cell.link])
            side = "right" if cell.kind == "number" else "left"
            fill = cell.mark or ("strong" if is_strong else "")
            cells.append(_cell_xml(content, style, width, side=side, fill=fill, is_strong=is_strong))
        rows.append(f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{''.join(cells)}</w:tr>")
    lines = "".join(
        f'<w:{side} w:val="single" w:sz="{size}" w:space="0" w:color="{colour}"/>'
        for side, size, colour in (("top", 12, "000000"), ("bottom", 12, "000000"), ("insideH", 4, "A0A0A0"))
    )
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    return (
        f'<w:tbl {_NS}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:jc w:val="center"/>'
        f'<w:tblBorders>{lines}</w:tblBorders><w:tblLayout w:type="fixed"/>'
        '<w:tblCellMar><w:left w:w="57" w:type="dxa"/><w:right w:w="57" w:type="dxa"/></w:tblCellMar>'
        '<w:tblLook w:val="0020" w:firstRow="1"/>'
        f"<w:tblCaption w:val={quoteattr(_clean(block.caption))}/></w:tblPr>"
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>"
    )


def _cell_xml(content: str, style: str, width: int, *, side: str, fill: str, is_strong: bool) -> str:
    shade = f'<w:shd w:val="clear" w:color="auto" w:fill="{_FILLS[fill]}"/>' if fill else ""
    strong = content.replace("<w:r>", "<w:r><w:rPr><w:b/></w:rPr>") if is_strong else content
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}<w:vAlign w:val="center"/></w:tcPr>'
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/><w:jc w:val="{side}"/></w:pPr>{strong}</w:p></w:tc>'
    )


def _column_widths(block: Table, room_mm: float, size_pt: float) -> list[float]:
    """Return the widths of columns in mm: numbers and codes stay on one line, texts share the rest by their length."""
    letter_mm = size_pt * _MM_PER_POINT
    needed, weights, words = [], [], []
    for place, name in enumerate(block.columns):
        cells = [row[place] for row in block.rows]
        longest = max((_width(cell.shown) for cell in cells), default=0.0)
        wraps = not cells or any(cell.kind == "text" for cell in cells)
        letters = max(longest, min(_width(name), _LEAST_HEADING))
        needed.append(_LEAST_COLUMN * letter_mm + _EDGES_MM if wraps else letters * letter_mm + _EDGES_MM)
        words.append(_BOLD * max(map(_width, _LATIN_WORD.findall(name)), default=0.0) * letter_mm + _EDGES_MM)
        weights.append(min(max(letters - _LEAST_COLUMN, 0.0), _MOST_WEIGHT) if wraps else 0.0)
    whole = list(map(max, needed, words))  # no word of a heading is cut in two
    needed = whole if sum(whole) <= room_mm else needed
    rest = room_mm - sum(needed)
    if rest < 0.0:
        return [width * room_mm / sum(needed) for width in needed]
    if not sum(weights):
        return [width + rest / len(needed) for width in needed]
    return [width + rest * weight / sum(weights) for width, weight in zip(needed, weights, strict=True)]


def _width(shown: str) -> float:
    """Return how wide a text is in Chinese letters."""
    return sum(1.0 if ord(letter) > 0x2E7F else 0.55 for letter in shown)


def _set_properties(document: WordDocument, report: Report, date: dt.date) -> None:
    """Say what the document is; nobody is named as its author, and its times are the data date."""
    known, day = document.core_properties, dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC)
    known.title, known.author, known.comments, known.last_modified_by = _clean(report.title)[:255], "", "", ""
    known.created, known.modified, known.last_printed, known.revision = day, day, day, 1


def _packed(content: bytes, date: dt.date) -> bytes:
    """Return the parts of a document packed again with the data date, and with the table of fonts."""
    day = max(date, _OLDEST_ZIP)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            part = docx_style.font_table().encode() if name == "word/fontTable.xml" else old.read(name)
            new.writestr(entry, part)
    return stream.getvalue()
