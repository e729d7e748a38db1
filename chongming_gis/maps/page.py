"""A folium page that asks nothing of a network: everything it needs is inside, in bytes that depend on content alone.

``Page`` is a branca Figure. When it renders it (1) writes vendored scripts and styles where folium would link to a CDN,
(2) replaces folium's random element ids by numbers in order of appearance, (3) raises where something would still be
loaded, and tells the browser to refuse it too (a Content-Security-Policy). ``PlanMap`` is the folium.Map that lives in
such a page; standard folium elements may be added to it.
"""
# ruff: noqa: SLF001 - branca offers no other way to the parts and ids of an element

from __future__ import annotations

import html as html_module
import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, cast

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink, MacroElement
from folium.elements import ElementAddToElement
from folium.template import Template

from chongming_gis.errors import ChongmingError
from chongming_gis.maps import vendored
from chongming_gis.wording import HTML_LANG, Language, Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Bounds = tuple[tuple[float, float], tuple[float, float]]  # (south, west), (north, east), degrees

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
)
_ID = re.compile(r"(?<=_)[0-9a-f]{32}(?![0-9a-f])")
_TOKEN = re.compile("\x00([^\x00]*)\x00")
_LOADS = {"src", "data", "poster", "background", "srcset", "xlink:href"}
_HARMLESS = re.compile(r"^\s*(data:|blob:|about:|#)", re.IGNORECASE)
_CSS_LOAD = re.compile(r"""@import|url\(\s*["']?(?!data:|#)[^)"'\s]""", re.IGNORECASE)
# An address at the start of a string, unless it is where a link leads: following a link is up to the reader.
_SCRIPT_LOAD = re.compile(r"""(?<!href=)(?<!href=\\)["'`](?:https?:|wss?:)?//[\w{]""")


class OnlineLoadError(ChongmingError, ValueError):
    """A map would load something from a network when it is opened."""


def safe_json(value: object) -> str:
    r"""Return JSON that may stand inside a script element: no text in it can end the element or be read as markup.

    Examples
    --------
    >>> safe_json("</script>")
    '"\\u003c/script>"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<\u2028\u2029\x7f":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def plain(text: str) -> str:
    """Return text as HTML that shows it as it is, wherever folium or Leaflet take it for HTML or for a template."""
    escaped = html_module.escape(text)
    for character in "{}/":
        escaped = escaped.replace(character, f"&#{ord(character)};")
    return escaped


class Shared(Element):
    """A part that several pages carry in the same bytes (a script, a style, a dataset); written as it is."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__()
        self._name = "Shared"
        self.key = key
        self.text = text

    def render(self, **_kwargs: Any) -> str:
        """Return the part, or in a ``Page`` the mark where it goes."""
        return f"\x00{self.key}\x00" if isinstance(self.get_root(), Page) else self.text


class Verbatim(Element):
    """Text that stands on a page as it is: branca takes the text of an ``Element`` for a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.text = text

    def render(self, **_kwargs: Any) -> str:
        """Return the text."""
        return self.text


class Written(MacroElement):
    """The last base of an element whose template's text goes on the page as it is.

    ``MacroElement`` compiles that text as a template once more, which took a third of the time of a map and would run
    what looks like code in it.
    """

    def render(self, **kwargs: Any) -> str:
        """Put what the element says on its page, and then what it holds."""
        _put_verbatim(self, **kwargs)
        return ""


def _put_verbatim(element: MacroElement, **kwargs: Any) -> None:
    figure, macros = element.get_root(), vars(element._template.module)
    for place in ("header", "html", "script"):
        if place in macros:
            text = macros[place](element, kwargs)
            getattr(figure, place).add_child(Verbatim(text), name=element.get_name())
    for child in list(element._children.values()):
        if isinstance(child, ElementAddToElement):  # how folium shows a layer at first
            _put_verbatim(child, **kwargs)
        else:
            child.render(**kwargs)


@dataclass(frozen=True, slots=True)
class Data:
    """Data of a map under a name by which its layers find it, as the element that carries it."""

    key: str
    text: str

    @classmethod
    def of(cls, key: str, value: object) -> Data:
        """Return a value as data that a page can carry."""
        return cls(key, f'<script type="application/json" id="data-{key}">{safe_json(value)}</script>\n')

    def put_on(self, figure: Figure) -> None:
        """Write the data on a page, once."""
        name = f"data-{self.key}"
        figure.html.add_child(Shared(name, self.text), name=name)


class Page(Figure):
    """A whole HTML page, self-contained and the same bytes for the same content."""

    _template = Template("""<!DOCTYPE html>
<html lang="{{ this.html_lang }}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ this.policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ this.title|e }}</title>
{{ this.header.render(**kwargs) }}
</head>
<body>
{{ this.html.render(**kwargs) }}
<script>
{{ this.script.render(**kwargs) }}
</script>
</body>
</html>
""")

    def __init__(self, *, title: str, language: Language) -> None:
        super().__init__(title=title)
        self._name = "Page"
        self.html_lang = HTML_LANG[language]
        self.policy = POLICY
        self.header._children.pop("meta_http", None)

    def allow_images(self, hosts: Sequence[str]) -> None:
        """Let the browser show images of these hosts, such as ``https://tile.example``; none is asked by this alone."""
        known = self.policy.split("img-src ", 1)[1].split(";", 1)[0]
        wanted = [known, *(host for host in hosts if host not in known.split())]
        self.policy = self.policy.replace(f"img-src {known};", f"img-src {' '.join(wanted)};")

    def parts(self) -> tuple[str, ...]:
        """Return the page cut where shared parts begin and end; joined, it is the page.

        Raises
        ------
        OnlineLoadError
            The page would load something from a network.
        """
        places = (self.header, self.html, self.script)
        before = [dict(place._children) for place in places]
        try:
            return self._cut()
        finally:  # rendering puts elements there anew each time; what a user put there stays
            for place, children in zip(places, before, strict=True):
                place._children.clear()
                place._children.update(children)

    def _cut(self) -> tuple[str, ...]:
        for child in list(self._children.values()):
            child.render()
        self._take_vendored()
        elements = list(_walk(self))
        shared = {element.key: element.text for element in elements if isinstance(element, Shared)}
        ids = {element._id for element in elements}
        pieces = _TOKEN.split(_stable_ids(self._template.render(this=self, kwargs={}), ids))
        _refuse_loads("".join(pieces[::2]))
        texts = [shared[piece] if i % 2 else piece for i, piece in enumerate(pieces)]
        return tuple(text for text in texts if text)

    def render(self, **_kwargs: Any) -> str:
        """Return the page.

        Raises
        ------
        OnlineLoadError
            The page would load something from a network.
        """
        return "".join(self.parts())

    def _take_vendored(self) -> None:
        """Put vendored files where folium put links, and what the page's scripts need besides."""
        header = self.header._children
        foreign = []
        wanted = list(vendored.ALWAYS)
        for name, child in list(header.items()):
            if isinstance(child, (JavascriptLink, CssLink)):
                del header[name]
                if vendored.knows(name):
                    wanted.append(name)
                else:
                    foreign.append(child.url)
        if foreign:
            raise OnlineLoadError(
                f"the map would load {', '.join(foreign)} when it is opened; maps must work without a network: "
                "leave that element out, or put it on a plain folium.Map"
            )
        script = "".join(child.render() for child in self.script._children.values())
        for mark, names in vendored.ON_DEMAND.items():
            wanted += names if mark in script else ()
        for index, name in enumerate(dict.fromkeys(wanted)):
            self.header.add_child(Shared(name, vendored.tags(name)), name=name, index=index)


def put_own_files_on(figure: Figure) -> None:
    """Write this project's scripts and style on a page, once; they need Leaflet before them."""
    for path in vendored.OWN:
        if path not in figure.header._children:
            figure.header.add_child(Shared(path, vendored.tag(path)), name=path)


class PlanMap(folium.Map, Written):
    """A folium.Map in a self-contained page, without any online base map.

    Parameters
    ----------
    title : of the page; text, not HTML.
    bounds : what is in view at first.
    around : ``"sea"`` or ``"nothing"``, what lies around the drawn land.
    """

    _template = Template("""
{% macro header(this, kwargs) %}
<style>
html, body { width: 100%; height: 100%; margin: 0; padding: 0; }
#{{ this.get_name() }} { position: {{ this.position }}; width: {{ this.width[0] }}{{ this.width[1] }};
  height: {{ this.height[0] }}{{ this.height[1] }}; left: {{ this.left[0] }}{{ this.left[1] }};
  top: {{ this.top[0] }}{{ this.top[1] }}; }
</style>
<script>var L_NO_TOUCH = false; var L_DISABLE_3D = false;</script>
{% endmacro %}
{% macro html(this, kwargs) %}
<main class="folium-map" id="{{ this.get_name() }}"></main>
{% endmacro %}
{% macro script(this, kwargs) %}
var {{ this.get_name() }} = cgis.map({{ this.get_name()|tojson }}, {{ this.frame|tojson }},
  {{ this.options|tojavascript }});
{% if this.objects_to_stay_in_front %}
{{ this.get_name() }}.on("overlayadd", function () {
  {% for obj in this.objects_to_stay_in_front %}{{ obj.get_name() }}.bringToFront();{% endfor %}
});
{% endif %}
{% endmacro %}
""")

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - folium's own way of naming them
    default_css: list[tuple[str, str]] = []  # noqa: RUF012

    def __init__(self, *, title: str, language: Language, bounds: Bounds, around: str = "sea") -> None:
        (south, west), (north, east) = bounds
        super().__init__(location=[(south + north) / 2.0, (west + east) / 2.0], tiles=None, zoom_control=False)
        self.frame = {"bounds": [list(corner) for corner in bounds], "around": around}
        page = Page(title=title, language=language)
        self.language = language
        page.add_child(self)
        self.texts = Data.of("texts", Words(language).starting("js."))

    @property
    def page(self) -> Page:
        """The page the map is on."""
        return cast("Page", self.get_root())

    def render(self, **kwargs: Any) -> str:
        """Hand the map's parts to its page; controls come last, so that they know every layer added before."""
        children = self._children
        for name in [name for name, child in children.items() if isinstance(child, folium.LayerControl)]:
            children.move_to_end(name)
        put_own_files_on(self.page)
        self.texts.put_on(self.page)
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        return ""


def _walk(root: Element) -> Iterator[Element]:
    """Yield an element and all that it holds, also outside its children (a popup's content, a header)."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if id(element) in seen:
            continue
        seen.add(id(element))
        yield element
        for value in vars(element).values():
            held = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
            waiting.extend(inner for inner in held if isinstance(inner, Element))


def _stable_ids(text: str, known: set[str]) -> str:
    """Return a page with folium's random ids replaced by numbers in their order of appearance.

    Parameters
    ----------
    known : the ids of all elements of the page.
    """
    numbers: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        found = match.group(0)
        return numbers.setdefault(found, f"{len(numbers) + 1:04d}") if found in known else found

    return _ID.sub(number, text)


class _Loads(HTMLParser):
    """Collects what a page would load, by element, style and script."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at what an element refers to."""
        self._inside = tag if tag in {"script", "style"} else ""
        for name, value in attrs:
            text = value or ""
            loads = name in _LOADS or (name == "href" and tag in {"link", "base", "image", "use"})
            if (loads and not _HARMLESS.match(text)) or (name == "style" and _CSS_LOAD.search(text)):
                self.found.append(f"<{tag} {name}={text[:80]!r}>")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the signature is html.parser's
        """Leave a script or style."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Look for addresses that a style or script would load."""
        pattern = {"style": _CSS_LOAD, "script": _SCRIPT_LOAD}.get(self._inside)
        for match in pattern.finditer(data) if pattern else ():
            self.found.append(data[match.start() : match.start() + 80])


def _refuse_loads(text: str) -> None:
    reader = _Loads()
    reader.feed(text)
    reader.close()
    if reader.found:
        raise OnlineLoadError(
            f"the map would load something from a network: {'; '.join(reader.found[:5])}; "
            "maps must work without one: leave that element out, or put it on a plain folium.Map"
        )
