"""The scripts, styles, images and fonts that pages carry inside, as text ready to be written into HTML.

``assets/README.md`` lists them with version and licence. What folium would load from a CDN is answered from here.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_TYPES = {"png": "image/png", "woff2": "font/woff2"}
_URL = re.compile(r"""url\(\s*(["']?)([^"')]+)\1\s*\)""")

#: What folium calls a script or style -> the files here that stand for it. Bootstrap 5 is listed by folium but used by
#: none of its elements, and Leaflet.awesome.rotate only turns icons by classes that Font Awesome has too.
_BY_FOLIUM_NAME: dict[str, tuple[str, ...]] = {
    "leaflet": ("leaflet-1.9.4/leaflet.js",),
    "leaflet_css": ("leaflet-1.9.4/leaflet.css",),
    "jquery": ("jquery-3.7.1/jquery.min.js",),
    "awesome_markers": ("leaflet.awesome-markers-2.0.5/leaflet.awesome-markers.js",),
    "awesome_markers_css": ("leaflet.awesome-markers-2.0.5/leaflet.awesome-markers.css",),
    "awesome_markers_font_css": (
        "fontawesome-free-6.2.0/fontawesome.min.css",
        "fontawesome-free-6.2.0/solid.min.css",
    ),
    "glyphicons_css": ("bootstrap-3.4.1/glyphicons.css",),
    "bootstrap": (),
    "bootstrap_css": (),
    "awesome_rotate_css": (),
}

ALWAYS = ("leaflet", "leaflet_css")
#: What a page's own script mentions -> what it needs for that.
ON_DEMAND = {
    "$(": ("jquery",),
    "L.AwesomeMarkers": ("awesome_markers", "awesome_markers_css", "awesome_markers_font_css", "glyphicons_css"),
}
OWN = (
    *("own/canvas.js", "own/names.js", "own/layers.js", "own/areas.js", "own/sites.js", "own/themes.js"),
    *("own/rounds.js", "own/online.js", "own/panels.js", "own/tools.js", "own/map.css"),
)


def knows(folium_name: str) -> bool:
    """Return whether what folium calls by this name is answered from the files here."""
    return folium_name in _BY_FOLIUM_NAME


def tags(folium_name: str) -> str:
    """Return the script or style elements that stand for what folium would load by this name."""
    return "".join(tag(path) for path in _BY_FOLIUM_NAME[folium_name])


@cache
def tag(path: str) -> str:
    """Return a file of ``assets`` as a script or style element, with everything it refers to inside."""
    file = _assets().joinpath(*path.split("/"))
    text = file.read_text(encoding="utf-8")
    if path.endswith(".css"):
        return f"<style>\n{_with_files_inside(text, path)}</style>\n"
    return f"<script>\n{_script(text)}</script>\n{_leaflet_icons() if path.endswith('leaflet.js') else ''}"


def _assets() -> Traversable:
    return files("chongming_gis.maps").joinpath("assets")


def _script(text: str) -> str:
    """Return a script that cannot end its element early and names no source map (a request when tools are open)."""
    text = re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE)
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _with_files_inside(css: str, path: str) -> str:
    folder = path.rpartition("/")[0]

    def inside(match: re.Match[str]) -> str:
        target = match.group(2)
        if target.startswith(("data:", "#")):
            return match.group(0)
        name = target.partition("?")[0].rpartition("/")[2]
        return f'url("{_data_url(folder, name)}")'

    return _URL.sub(inside, css)


def _data_url(folder: str, name: str) -> str:
    """Return a file as a data URL; an empty one for alternatives that are left out (other font formats, big icons)."""
    for inner in ("", "images"):
        file = _assets().joinpath(folder, inner, name) if inner else _assets().joinpath(folder, name)
        if file.is_file():
            kind = _TYPES[name.rpartition(".")[2]]
            return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode('ascii')}"
    return "data:,"


def _leaflet_icons() -> str:
    """Return the script that gives Leaflet its own marker images: it looks for them beside a style sheet otherwise."""
    urls = {
        "iconUrl": _data_url("leaflet-1.9.4", "marker-icon.png"),
        "iconRetinaUrl": _data_url("leaflet-1.9.4", "marker-icon-2x.png"),
        "shadowUrl": _data_url("leaflet-1.9.4", "marker-shadow.png"),
    }
    options = ", ".join(f'{key}: "{url}"' for key, url in urls.items())
    return f'<script>L.Icon.Default.imagePath = ""; L.Icon.Default.mergeOptions({{{options}}});</script>\n'
