"""Every page validates as HTML, as it is written."""

import pytest

from tests.pages import every_page
from tests.pages.html_faults import faults


@pytest.fixture(scope="module")
def pages(toy, toy_result):
    return {language: every_page.pages(toy, toy_result, language) for language in every_page.LANGUAGES}


def test_these_are_all_the_pages(pages):
    for language in every_page.LANGUAGES:
        assert sorted(pages[language]) == sorted(every_page.NAMES)


@pytest.mark.parametrize("language", every_page.LANGUAGES)
@pytest.mark.parametrize("name", every_page.NAMES)
def test_a_page_validates_as_it_is_written(pages, name, language):
    assert faults(pages[language][name]) == []


HEAD = '<!DOCTYPE html><html lang="en"><head><title>x</title><meta name="viewport" content="a"></head><body><main>'
TAIL = "</main></body></html>"


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<p>a<div>b</div></p>", "parse error unexpected-end-tag"),
        ("<div>a", "parse error"),
        ("<p title=a title=b>c</p>", "duplicate-attribute"),
        ("<p>a & b &copy c</p>", "named-entity"),
        ('<p id="a">b</p><p id="a">c</p>', "the id 'a' is given twice"),
        ("<center>a</center>", "<center> is no element"),
        ("<p align=left>a</p>", "<p align> is not allowed"),
        ('<img src="data:,">', "an image without alt"),
        ('<input type="text">', "<input> has no name"),
        ('<button type="button"></button>', "<button> has no name"),
        ("<button>a</button>", "a button without type=button"),
        ('<a href="#b">a</a>', "a link leads nowhere: '#b'"),
        ("<iframe></iframe>", "<iframe> has no name"),
        ("<svg></svg>", "a drawing without role=img and a name"),
        ("<ul><p>a</p></ul>", "<p> in <ul>"),
        ("<div><li>a</li></div>", "<li> in <div>"),
        ("<span><section>a</section></span>", "<section> in <span>"),
        ('<p aria-labelledby="b">a</p>', "aria-labelledby points to nothing: 'b'"),
        ("<h1>a</h1><h3>b</h3>", "h1 is followed by h3"),
        ("<table><tbody><tr><td>a</td></tr></tbody></table>", "a table without a caption"),
        ("<p tabindex=3>a</p>", "a tabindex above 0"),
    ],
)
def test_faults_are_found(inside, fault):
    assert any(fault in found for found in faults(HEAD + inside + TAIL))
    assert faults(HEAD + "<p>a</p>" + TAIL) == []
    assert "html has no lang" in faults(HEAD.replace(' lang="en"', "") + TAIL)
    assert "the page has no title" in faults(HEAD.replace("<title>x", "<title>") + TAIL)
