"""How report.docx looks: page, fonts and styles after GB/T 9704-2012, the standard for papers of state organs.

Sizes are those of the standard (title 二号 22 pt, text 三号 16 pt, 28 pt from line to line, margins 37, 35, 28 and
26 mm), tables and notes smaller. English documents keep sizes and margins and take Latin fonts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

if TYPE_CHECKING:
    from docx.document import Document as WordDocument
    from docx.section import Section as WordSection
    from docx.styles.styles import Styles

    from chongming_gis.wording import Language

_SONG, _HEI, _KAI, _FANG = "方正小标宋简体", "黑体", "楷体", "仿宋"
_LATIN = "Times New Roman"
#: What is set in place of a font that is not installed (the names Word and LibreOffice look for, in their order).
_OTHER_NAMES = {
    _SONG: "FZXiaoBiaoSong-B05S,方正小标宋_GBK,华文中宋,STZhongsong,宋体,SimSun,Noto Serif CJK SC",
    _HEI: "SimHei,华文黑体,STHeiti,Noto Sans CJK SC",
    _KAI: "KaiTi,楷体_GB2312,华文楷体,STKaiti,Noto Serif CJK SC",
    _FANG: "FangSong,仿宋_GB2312,华文仿宋,STFangsong,Noto Serif CJK SC",
}
_PANOSE = {
    _SONG: "03000509000000000000",
    _HEI: "02010609060101010101",
    _KAI: "02010609060101010101",
    _FANG: "02010609060101010101",
}


@dataclass(frozen=True, slots=True)
class _Look:
    """Font, size and spacing of a style of paragraphs."""

    font: str
    size_pt: float
    line_pt: float = 28.0
    side: WD_ALIGN_PARAGRAPH = WD_ALIGN_PARAGRAPH.LEFT
    before_pt: float = 0.0
    after_pt: float = 0.0
    first_letters: float = 0.0  # the first line is moved in by so many letters
    is_bold: bool = False
    keeps_next: bool = False
    is_exact: bool = True  # the line's height, whatever stands in it


_MIDDLE, _BOTH, _LEFT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.JUSTIFY, WD_ALIGN_PARAGRAPH.LEFT
_LOOKS = {
    "Stamp": _Look(_HEI, 16.0),
    "Title": _Look(_SONG, 22.0, 34.0, _MIDDLE, before_pt=28.0, after_pt=14.0),
    "Subtitle": _Look(_KAI, 14.0, 24.0, _MIDDLE),
    "Notice": _Look(_KAI, 12.0, 20.0, _BOTH, before_pt=8.0, after_pt=8.0),
    "Contents Heading": _Look(_HEI, 16.0, 28.0, _MIDDLE, before_pt=14.0, after_pt=4.0),
    "TOC 1": _Look(_FANG, 14.0, 22.0),
    "TOC 2": _Look(_FANG, 12.0, 18.0, first_letters=2.0),
    "Heading 1": _Look(_HEI, 16.0, 28.0, before_pt=14.0, after_pt=4.0, first_letters=2.0, keeps_next=True),
    "Heading 2": _Look(_KAI, 16.0, 28.0, before_pt=8.0, first_letters=2.0, is_bold=True, keeps_next=True),
    "Body Text": _Look(_FANG, 16.0, 28.0, _BOTH, first_letters=2.0),
    "List Bullet": _Look(_FANG, 16.0, 28.0, _BOTH),
    "Note": _Look(_KAI, 10.5, 16.0, _BOTH),
    "Caption": _Look(_HEI, 12.0, 18.0, _MIDDLE, before_pt=8.0, after_pt=3.0, keeps_next=True),
    "Figure": _Look(_FANG, 10.5, 0.0, _MIDDLE, before_pt=8.0, keeps_next=True, is_exact=False),
    "Figure Caption": _Look(_HEI, 12.0, 18.0, _MIDDLE, after_pt=8.0),
    "After Table": _Look(_FANG, 6.0, 8.0),
    "Table Text": _Look(_FANG, 10.5, 14.0),
    "Table Small": _Look(_FANG, 9.0, 12.0),
    "Table Tiny": _Look(_FANG, 7.5, 10.0),
    "Footer": _Look(_LATIN, 14.0, 20.0),
}  # fmt: skip
STYLE_IDS = {name: name.replace(" ", "") for name in _LOOKS}
_FEW, _SOME = 6, 9  # columns


def set_up(document: WordDocument, language: Language) -> None:
    """Give a new document its page, styles, language and page numbers."""
    package = document.part.package
    for key in [key for key, rel in package.rels.items() if rel.reltype.endswith("/thumbnail")]:
        del package.rels[key]  # the picture of another document
    _set_defaults(document.styles, language)
    for name, look in _LOOKS.items():
        _set_style(document.styles, name, look, language)
    document.settings.odd_and_even_pages_header_footer = True
    section = document.sections[0]
    set_page(section, is_across=False)
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        _number_pages(footer.paragraphs[0], side)


def set_page(section: WordSection, *, is_across: bool) -> None:
    """Set A4 and its margins; across, the head of the page is at the left."""
    edges = {"top": 37, "bottom": 35, "left": 28, "right": 26}
    if is_across:
        edges = {"left": 37, "right": 35, "top": 28, "bottom": 26}
    section.page_width, section.page_height = (Mm(297), Mm(210)) if is_across else (Mm(210), Mm(297))
    for edge, size_mm in edges.items():
        setattr(section, f"{edge}_margin", Mm(size_mm))
    section.footer_distance, section.header_distance = Mm(20 if is_across else 28), Mm(15)


def table_text_style(n_columns: int, *, is_across: bool) -> tuple[str, float]:
    """Return the id of the style for a table's texts, and its size in points: smaller the more columns there are."""
    if is_across:
        name = "Table Small" if n_columns <= 2 * _SOME else "Table Tiny"
    else:
        name = "Table Text" if n_columns <= _FEW else "Table Small" if n_columns <= _SOME else "Table Tiny"
    return STYLE_IDS[name], _LOOKS[name].size_pt


def font_table() -> str:
    """Return word/fontTable.xml: each font with the names to look for where it is not installed."""
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:panose1 w:val="{_PANOSE[name]}"/>'
        '<w:charset w:val="86"/><w:family w:val="auto"/><w:pitch w:val="default"/></w:font>'
        for name, others in _OTHER_NAMES.items()
    )
    latin = (
        f'<w:font w:name="{_LATIN}"><w:altName w:val="Liberation Serif"/><w:charset w:val="00"/>'
        '<w:family w:val="roman"/></w:font>'
    )
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return f"{head}\n<w:fonts {nsdecls('w')}>{latin}{fonts}</w:fonts>"


def _set_defaults(styles: Styles, language: Language) -> None:
    """Set the language, and take the theme's fonts away: they would win over every font named here."""
    for fonts in styles.element.iter(qn("w:rFonts")):
        for name in [name for name in fonts.attrib if name.endswith("Theme")]:
            del fonts.attrib[name]
    for tongue in styles.element.iter(qn("w:lang")):
        # Of Latin letters and digits alone: said to be Chinese, LibreOffice breaks a line inside "9.6%".
        tongue.set(qn("w:val"), "en-US" if language == "zh" else "en-GB")
        tongue.set(qn("w:eastAsia"), "zh-CN")


def _set_style(styles: Styles, name: str, look: _Look, language: Language) -> None:
    known = {style.name for style in styles}
    open_styles: Any = styles  # python-docx leaves its adding of styles untyped
    style = (
        styles[name]
        if name in known
        else open_styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH, builtin=name.startswith("TOC"))
    )
    style.element.set(qn("w:styleId"), STYLE_IDS[name])
    if name.startswith("TOC"):
        style.element.find(qn("w:name")).set(qn("w:val"), name.lower())  # the names by which Word knows its own
    properties = style.element.get_or_add_rPr()
    for child in list(properties):
        properties.remove(child)
    for child in [
        child
        for child in style.element.get_or_add_pPr()
        if child.tag != qn("w:numPr") and child.tag != qn("w:outlineLvl")
    ]:
        style.element.pPr.remove(child)
    style.font.name, style.font.size, style.font.bold = _LATIN, Pt(look.size_pt), look.is_bold
    style.font.color.rgb = RGBColor(0, 0, 0)
    fonts = properties.find(qn("w:rFonts"))
    for script in ("eastAsia", "cs"):
        fonts.set(qn(f"w:{script}"), look.font if script == "eastAsia" else _LATIN)
    layout = style.paragraph_format
    layout.alignment = look.side
    layout.space_before, layout.space_after = Pt(look.before_pt), Pt(look.after_pt)
    layout.keep_with_next = look.keeps_next
    if look.is_exact:
        layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(look.line_pt)
    if look.first_letters:
        letters = look.first_letters if language == "zh" or name.startswith("TOC") else 0.0
        layout.first_line_indent = Pt(letters * look.size_pt)
        if letters:
            style.element.pPr.find(qn("w:ind")).set(qn("w:firstLineChars"), str(round(100 * letters)))


def _number_pages(paragraph: Any, side: str) -> None:
    """Write the page number between dashes, at the outer side: 一字线 of the standard."""
    element = paragraph._p  # noqa: SLF001 - fields have no interface of their own
    content = (
        f'<w:p {nsdecls("w")}><w:pPr><w:pStyle w:val="{STYLE_IDS["Footer"]}"/><w:jc w:val="{side}"/></w:pPr>'
        '<w:r><w:t xml:space="preserve">— </w:t></w:r>'
        '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>'
        '<w:r><w:t xml:space="preserve"> —</w:t></w:r></w:p>'
    )
    element.getparent().replace(element, parse_xml(content))
