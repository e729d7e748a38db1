"""What is wrong with a page of HTML: errors of its parsing, and rules of the standard that a parser does not judge."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

from tinyhtml5.parser import HTMLParser

GLOBAL = {"id", "class", "lang", "dir", "title", "tabindex", "hidden", "role", "style"}
OWN = {
    "html": set(), "head": set(), "body": set(), "title": set(), "style": set(), "script": {"type"},
    "meta": {"charset", "name", "content", "http-equiv"}, "link": {"rel", "href"}, "a": {"href"},
    "header": set(), "nav": set(), "main": set(), "section": set(), "footer": set(), "article": set(), "aside": set(),
    "h1": set(), "h2": set(), "h3": set(), "h4": set(), "p": set(), "div": set(), "span": set(), "b": set(), "i": set(),
    "strong": set(), "small": set(), "bdi": set(), "br": set(), "noscript": set(), "ul": set(), "ol": {"start"},
    "li": {"value"}, "dl": set(), "dt": set(), "dd": set(), "figure": set(), "figcaption": set(), "time": {"datetime"},
    "details": {"open"}, "summary": set(), "table": set(), "caption": set(), "thead": set(), "tbody": set(),
    "tr": set(), "th": {"scope", "colspan", "rowspan"}, "td": {"colspan", "rowspan"},
    "img": {"src", "alt", "width", "height"},
    "iframe": {"srcdoc", "width", "height"}, "canvas": {"width", "height"}, "label": {"for"}, "output": {"for"},
    "select": {"name"}, "optgroup": {"label"}, "option": {"value", "selected"}, "button": {"type"},
    "input": {"type", "value", "min", "max", "step", "placeholder", "autocomplete", "checked", "name", "disabled"},
    "form": set(),
}  # fmt: skip
PARENTS = {
    "li": {"ul", "ol"}, "dt": {"dl"}, "dd": {"dl"}, "figcaption": {"figure"}, "summary": {"details"},
    "caption": {"table"}, "tr": {"thead", "tbody"}, "option": {"select", "optgroup"},
}  # fmt: skip
CHILDREN = {
    "ul": {"li"}, "ol": {"li"}, "dl": {"dt", "dd"}, "tr": {"th", "td"}, "table": {"caption", "thead", "tbody"},
}  # fmt: skip
FLOW = {"p", "div", "section", "ul", "ol", "dl", "table", "details", "figure", "h1", "h2", "h3", "h4", "main", "nav"}
PHRASING = {"p", "span", "b", "i", "strong", "small", "bdi", "button", "label", "h1", "h2", "h3", "h4", "dt", "caption"}
CONTROLS = {"a", "button", "input", "select", "summary", "iframe"}
NAMED_ROLES = {"img", "listbox", "combobox", "group", "search", "slider", "region"}
SVG = {"svg", "path", "rect", "circle", "polygon", "polyline", "line", "text", "tspan", "title", "desc", "g"}
POINTING = ("aria-labelledby", "aria-describedby", "aria-controls", "for")


def faults(html: str) -> list[str]:
    """Return every fault of a page; a page without one validates."""
    parser = HTMLParser(namespace_html_elements=False)
    root = parser.parse(html)
    found = [f"parse error {code} at line {at[0]}, column {at[1]}" for at, code, _ in parser.errors]
    return found + faults_of_tree(root)


def faults_of_tree(root: ET.Element) -> list[str]:
    """Return the faults of a page that was parsed."""
    parent_of = {child: parent for parent in root.iter() for child in parent}
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    ids = [element.get("id") for element in elements if element.get("id") is not None]
    found = [f"the id {name!r} is given twice" for name in sorted({name for name in ids if ids.count(name) > 1})]
    found += [f"an id is empty or has a blank: {name!r}" for name in ids if not name or re.search(r"\s", name)]
    found += [] if re.match(r"^(zh-CN|en)$", root.get("lang", "")) else ["html has no lang"]
    for element in elements:
        said = _of_element(element, parent_of, set(ids))
        found += [f"{_path(element, parent_of)}: {fault}" for fault in said]
    found += _of_page(root)
    return found


def _of_element(element: ET.Element, parent_of: dict, ids: set[str]) -> list[str]:
    tag, parent = _tag(element), parent_of.get(element)
    if _is_svg(element):
        return _of_svg(element, ids)
    if tag not in OWN:
        return [f"<{tag}> is no element that pages use"]
    allowed = GLOBAL | OWN[tag]
    found = [
        f"<{tag} {name}> is not allowed"
        for name in element.attrib
        if name not in allowed and not re.match(r"^(data|aria)-[a-z-]+$", name)
    ]
    above = _tag(parent) if parent is not None else ""
    if tag in PARENTS and above not in PARENTS[tag]:
        found.append(f"<{tag}> in <{above}>")
    found += [f"<{_tag(child)}> in <{tag}>" for child in element if _tag(child) not in CHILDREN.get(tag, {_tag(child)})]
    if tag in PHRASING:
        found += [f"<{_tag(child)}> in <{tag}>" for child in element if _tag(child) in FLOW]
    for name in POINTING:
        found += [
            f"{name} points to nothing: {target!r}" for target in element.get(name, "").split() if target not in ids
        ]
    leads = tag == "a" and element.get("role") != "button"
    if leads and element.get("href", "").startswith("#") and len(element.get("href")) > 1:
        found += [] if element.get("href")[1:] in ids else [f"a link leads nowhere: {element.get('href')!r}"]
    if tag == "img" and element.get("alt") is None:
        found.append("an image without alt")
    if (tag in CONTROLS or element.get("role") in NAMED_ROLES) and not _name(element, parent_of):
        found.append(f"<{tag}> has no name")
    if tag == "button" and element.get("type") != "button":
        found.append("a button without type=button")
    if element.get("tabindex") not in {None, "0", "-1"}:
        found.append("a tabindex above 0")
    return found


def _of_svg(element: ET.Element, ids: set[str]) -> list[str]:
    tag = _tag(element)
    found = [] if tag in SVG else [f"<{tag}> is no element that drawings use"]
    if tag == "svg" and element.get("aria-hidden") != "true":
        named = element.get("aria-label") or element.get("aria-labelledby")
        found += [] if element.get("role") == "img" and named else ["a drawing without role=img and a name"]
    for target in element.get("aria-labelledby", "").split():
        found += [] if target in ids else [f"aria-labelledby points to nothing: {target!r}"]
    return found


def _of_page(root: ET.Element) -> list[str]:
    found = []
    title = root.find("head/title")
    found += ["the page has no title"] if title is None or not (title.text or "").strip() else []
    names = [meta.get("name") for meta in root.iter("meta")]
    found += [] if "viewport" in names else ["no viewport"]
    mains = list(root.iter("main"))
    found += [] if len(mains) == 1 else [f"{len(mains)} <main>"]
    levels = [int(element.tag[1]) for element in root.iter() if re.match(r"^h[1-6]$", str(element.tag))]
    found += [f"h{a} is followed by h{b}" for a, b in pairwise(levels) if b > a + 1]
    for table in root.iter("table"):
        cells = [sum(int(cell.get("colspan", 1)) for cell in row) for row in table.iter("tr")]
        found += [] if len(set(cells)) <= 1 else [f"a table whose rows have {sorted(set(cells))} cells"]
        is_named = table.find("caption") is not None or table.get("aria-labelledby")
        found += [] if is_named else ["a table without a caption"]
        found += ["a column without scope" for cell in table.iterfind("thead/tr/th") if cell.get("scope") != "col"]
    return found


def _name(element: ET.Element, parent_of: dict) -> str:
    """Return by what a control is known, as far as a tree without layout can tell."""
    for attribute in ("aria-label", "aria-labelledby", "title"):
        if (element.get(attribute) or "").strip():
            return element.get(attribute)
    above = element
    while (above := parent_of.get(above)) is not None:
        if _tag(above) == "label":
            return "".join(above.itertext()).strip()
    if _tag(element) in {"input", "select", "iframe"}:
        return ""
    return "".join(element.itertext()).strip() or "".join(image.get("alt", "") for image in element.iter("img"))


def _tag(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _is_svg(element: ET.Element) -> bool:
    return "svg" in str(element.tag).split("}")[0] or _tag(element) == "svg"


def _path(element: ET.Element, parent_of: dict) -> str:
    parts = []
    while element is not None and len(parts) < 4:
        name = element.get("id") or (element.get("class") or "").split(" ")[0]
        parts.append(_tag(element) + (f".{name}" if name else ""))
        element = parent_of.get(element)
    return " < ".join(parts)
