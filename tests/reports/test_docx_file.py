"""report.docx of the toy town: the same words and numbers as the blocks, in a document that office programs open."""

import dataclasses
import datetime as dt
import io
import re
import zipfile
from importlib.resources import files

import docx
import pytest
from docx.oxml.ns import qn

from chongming_gis import reports
from chongming_gis.errors import OutputError
from chongming_gis.reports import docx_file, docx_style
from chongming_gis.reports.blocks import MARK_FILLS, MapFrame, Paragraph, Picture, Section, Table, number, text
from chongming_gis.reports.content import Report, build_content
from chongming_gis.wording import Words
from tests.maps import measured_toy
from tests.toy.proposed import with_proposals

# The order in which Word asks for the parts of these properties (ECMA-376, part 1, annex A).
ORDER = {
    "pPr": "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd tabs "
    "suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE autoSpaceDN bidi adjustRightInd "
    "snapToGrid spacing ind contextualSpacing mirrorIndents suppressOverlap jc textDirection textAlignment "
    "textboxTightWrap outlineLvl divId cnfStyle rPr sectPr pPrChange",
    "rPr": "rStyle rFonts b bCs i iCs caps smallCaps strike dstrike outline shadow emboss imprint noProof snapToGrid "
    "vanish webHidden color spacing w kern position sz szCs highlight u effect bdr shd fitText vertAlign rtl cs "
    "em lang",
    "tblPr": "tblStyle tblpPr tblOverlap bidiVisual tblStyleRowBandSize tblStyleColBandSize tblW jc tblCellSpacing "
    "tblInd tblBorders shd tblLayout tblCellMar tblLook tblCaption tblDescription",
    "tcPr": "cnfStyle tcW gridSpan hMerge vMerge tcBorders shd noWrap tcMar textDirection tcFitText vAlign hideMark",
    "sectPr": "headerReference footerReference footnotePr endnotePr type pgSz pgMar paperSrc pgBorders lnNumType "
    "pgNumType cols formProt vAlign noEndnote titlePg textDirection bidi rtlGutter docGrid",
}


@pytest.fixture(scope="module")
def result(toy_result):
    return with_proposals(measured_toy.with_areas(toy_result))


@pytest.fixture(scope="module", params=["zh", "en"])
def written(request, result):
    """The document, what it was made from, and its bytes."""
    content = docx_file.render_docx(result, language=request.param)
    return docx.Document(io.BytesIO(content)), build_content(result, Words(request.param)), content


def blocks_of(report):
    def walk(section):
        yield from section.blocks
        for inner in section.inner:
            yield from walk(inner)

    return [block for section in report.sections for block in walk(section)]


def cells_of(table):
    return [
        ["".join(t.text or "" for t in cell.iter(qn("w:t"))) for cell in row.iter(qn("w:tc"))]
        for row in table.iter(qn("w:tr"))
    ]


def text_of(paragraph):
    return "".join(t.text or "" for t in paragraph.iter(qn("w:t")))


def clean(shown):
    return re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", shown)


def test_every_table_of_the_report_stands_in_the_document_with_the_same_cells(written):
    document, report, _ = written
    tables = [block for block in blocks_of(report) if isinstance(block, Table)]
    found = list(document.element.body.iter(qn("w:tbl")))
    assert len(tables) == len(found) > 20
    for block, table in zip(tables, found, strict=True):
        head, *rows = cells_of(table)
        assert head == [clean(name) for name in block.columns]
        assert rows == [[clean(cell.shown) for cell in row] for row in block.rows]


def test_every_sentence_heading_and_caption_stands_in_the_document_in_its_order(written):
    document, report, _ = written
    said = [text_of(p) for p in document.element.body.iter(qn("w:p"))]
    wanted = [
        clean(shown)
        for block in blocks_of(report)
        if not isinstance(block, MapFrame)
        for shown in (getattr(block, "text", ""), getattr(block, "caption", ""), *getattr(block, "items", ()))
        if shown
    ]
    place = 0
    for shown in wanted:
        place = next(k for k in range(place, len(said)) if shown in said[k])
    titles = [section.title for section in report.sections]
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert [clean(title) for title in titles] == [
        re.sub(r"^(\d+ |[一二三四五六七八九十]+、)", "", shown) for shown in headings
    ]


def test_tables_and_figures_are_numbered_and_their_heads_repeat(written):
    document, report, _ = written
    captions = [text_of(p._p) for p in document.paragraphs if p.style.name == "Caption"]
    numbers = [
        int(re.match(r"(?:表|Table) (\d+)", shown).group(1)) for shown in captions if re.match("表|Table", shown)
    ]
    assert numbers == list(range(1, len(document.tables) + 1))
    for table in document.tables:
        assert table._tbl.tr_lst[0].trPr.find(qn("w:tblHeader")) is not None
    pictures = [block for block in blocks_of(report) if isinstance(block, MapFrame | Picture)]
    assert len(document.inline_shapes) == len(pictures) == 3
    assert all(shape._inline.docPr.get("descr") for shape in document.inline_shapes)


def test_the_page_is_that_of_an_official_paper(written):
    document, _, _ = written
    first = document.sections[0]
    edges = [first.top_margin.mm, first.bottom_margin.mm, first.left_margin.mm, first.right_margin.mm]
    assert [round(edge) for edge in edges] == [37, 35, 28, 26]
    assert (round(first.page_width.mm), round(first.page_height.mm)) == (210, 297)
    fonts = {
        name: document.styles[name].element.rPr.find(qn("w:rFonts")).get(qn("w:eastAsia"))
        for name in ("Title", "Heading 1", "Heading 2", "Body Text")
    }
    assert list(fonts.values()) == ["方正小标宋简体", "黑体", "楷体", "仿宋"]
    assert document.settings.odd_and_even_pages_header_footer
    for footer in (first.footer, first.even_page_footer):
        assert "PAGE" in footer._element.xml
    assert "华文中宋" in docx_style.font_table()


def test_latin_letters_and_digits_are_not_said_to_be_chinese(written):
    """LibreOffice breaks lines of Chinese between any two letters: "9." / "6%"."""
    document, _, _ = written
    tongues = [
        (tongue.get(qn("w:val"))[:2], tongue.get(qn("w:eastAsia")))
        for tongue in document.styles.element.iter(qn("w:lang"))
    ]
    assert tongues == [("en", "zh-CN")]


def test_wide_tables_stand_across_the_page_with_their_heading():
    row = (text("甲"), *(number(str(k)) for k in range(11)))
    wide = Table("宽表", tuple(f"c{k}" for k in range(12)), (row,))
    narrow = Table("窄表", ("a",), ((text("b"),),))
    sections = (Section("one", "一章", (Paragraph("句"), narrow)), Section("two", "二章", (wide, Paragraph("后"))))
    document = docx.Document(io.BytesIO(render(sections)))
    assert [section.orientation for section in document.sections] == [0, 1, 0]
    bodies = document.element.body
    place = {text_of(p): k for k, p in enumerate(bodies) if p.tag == qn("w:p")}
    breaks = [k for k, p in enumerate(bodies) if p.find(f"{qn('w:pPr')}/{qn('w:sectPr')}") is not None]
    assert breaks[0] < place["二、二章"] < breaks[1] < place["后"]


def render(sections, pictures=None, words="zh", **changes):
    report = Report("题", "日期", "", "", sections)
    made = dataclasses.replace(report, **changes)
    return docx_file.render_report(made, pictures or {}, Words(words), front=["印"], date=dt.date(2024, 12, 31))


def test_numbers_of_a_table_never_wrap_and_texts_share_the_rest():
    rows = tuple((text("很长的说明" * 8), number("1,234,567"), number("63.2%")) for _ in range(3))
    widths = docx_file._column_widths(Table("t", ("说明", "人数", "占比"), rows), 156.0, 10.5)
    assert sum(widths) == pytest.approx(156.0)
    assert widths[1] > 9 * 0.5 * 10.5 * 25.4 / 72.0
    assert widths[0] > widths[1] > widths[2]
    headed = Table("t", ("Service", "uncovered"), ((text("很长的说明" * 8), number("7")),))
    assert docx_file._column_widths(headed, 156.0, 10.5)[1] > 9 * 0.55 * 10.5 * 25.4 / 72.0  # no word of a head is cut
    many = Table("t", tuple("abcdefgh"), (tuple(number("1,234,567,890,123") for _ in range(8)),))
    assert sum(docx_file._column_widths(many, 156.0, 10.5)) == pytest.approx(156.0)


def test_names_are_text_and_turn_nothing(written, toy):
    document, _, content = written
    whole = "\n".join(text_of(p) for p in document.element.body.iter(qn("w:p")))
    assert toy.NAMES["township"][0] in whole or "Bao <b>" in whole
    assert "🏝" in whole or "Third" in whole
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        main = package.read("word/document.xml").decode()
    assert "<b>" not in main
    assert "<script" not in main
    assert not re.search("[\u202a-\u202e]", main)


def test_control_letters_do_not_break_the_file():
    hostile = "a\x00b\x0b\ud800]]>&lt;\ufffe{{7*7}}"
    sections = (Section("s", hostile, (Paragraph(hostile), Table(hostile, (hostile,), ((text(hostile),),)))),)
    document = docx.Document(io.BytesIO(render(sections, title=hostile)))
    assert cells_of(document.tables[0]._tbl) == [["ab]]>&lt;{{7*7}}"]] * 2


def test_links_lead_to_marks_that_are_there_once(written):
    document, _, _ = written
    body = document.element.body
    marks = [mark.get(qn("w:name")) for mark in body.iter(qn("w:bookmarkStart"))]
    ids = [mark.get(qn("w:id")) for mark in body.iter(qn("w:bookmarkStart"))]
    anchors = {link.get(qn("w:anchor")) for link in body.iter(qn("w:hyperlink"))}
    assert len(marks) == len(set(marks)) == len(set(ids))
    assert anchors <= set(marks)
    assert all(len(mark) <= 40 for mark in marks)
    instructions = [field.text for field in body.iter(qn("w:instrText"))]
    assert any("TOC" in text for text in instructions)
    begins = [char.get(qn("w:fldCharType")) for char in body.iter(qn("w:fldChar"))]
    assert begins.count("begin") == begins.count("separate") == begins.count("end") == 1


def test_the_parts_of_properties_come_in_the_order_that_word_asks_for(written):
    _, _, content = written
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        names = package.namelist()
        parts = [name for name in names if name.startswith("word/") and name.endswith(".xml")]
        roots = [docx.oxml.parse_xml(package.read(name)) for name in parts]
    assert not any("thumbnail" in name for name in names)
    for root in roots:
        for name, order in ORDER.items():
            places = {qn(f"w:{part}"): k for k, part in enumerate(order.split())}
            for properties in root.iter(qn(f"w:{name}")):
                found = [places[child.tag] for child in properties if child.tag in places]
                assert found == sorted(found), (name, [child.tag for child in properties])


def test_the_same_result_gives_the_same_bytes_and_no_time_but_the_data_date(result, written):
    document, _, content = written
    language = "zh" if document.paragraphs[1].text.endswith("报告") else "en"
    assert docx_file.render_docx(result, language=language) == content
    known = document.core_properties
    assert {known.created.date(), known.modified.date()} == {dt.date(2024, 12, 31)}
    assert (known.author, known.comments, known.last_modified_by) == ("", "", "")
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert {entry.date_time for entry in package.infolist()} == {(2024, 12, 31, 0, 0, 0)}


def test_an_english_document_is_english_but_for_names_in_the_data(result):
    document = docx.Document(io.BytesIO(docx_file.render_docx(result, language="en")))
    whole = " ".join(text_of(p) for p in document.element.body.iter(qn("w:p")))
    html = reports.render_report(result, language="en").split('id="map-parts">')[0]
    chinese = set(re.findall(r"[\u4e00-\u9fff]+", whole))
    assert chinese <= set(re.findall(r"[\u4e00-\u9fff]+", html))


def test_a_bare_result_has_a_report_too(toy_result):
    bare = {
        name: getattr(toy_result, name).iloc[:0]
        for name in ("townships", "villages", "land", "roads_drawn", "provision")
    }
    study = toy_result.study.model_copy(update={"plan": None, "needs": (), "costs": (), "siting_rules": ()})
    scopes = toy_result.coverage["scope"].isin(["district", "island"])
    made = dataclasses.replace(
        toy_result,
        study=study,
        coverage=toy_result.coverage[scopes],
        indicators=toy_result.indicators.iloc[:0],
        manifest={},
        **bare,
    )
    document = docx.Document(io.BytesIO(docx_file.render_docx(made)))
    assert document.tables
    assert len(document.inline_shapes) == 3


def test_a_map_without_a_picture_is_named_all_the_same():
    frame = MapFrame("elsewhere", "别的地图", "c", "w", "n")
    document = docx.Document(io.BytesIO(render((Section("s", "章", (frame,)),))))
    assert any("maps/elsewhere.html" in p.text for p in document.paragraphs)


def test_fills_are_those_of_the_page():
    css = files("chongming_gis.reports").joinpath("assets", "report.css").read_text(encoding="utf-8")
    for name, fill in MARK_FILLS.items():
        assert re.search(rf"td\.{name}(?: span)? {{ background: #{fill};", css, flags=re.IGNORECASE), name


def test_a_folder_that_cannot_be_written_is_named(toy_result, tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OutputError, match="report cannot be written"):
        docx_file.write_docx(toy_result, tmp_path / "out")
