"""Online base maps as layers of a page, off until a reader switches one on; the drawn base is always below.

Only maps in WGS 84, or in CGCS2000, which is less than 0.1 m from it: the study file refuses those drawn in GCJ-02
(``config.MapsConfig``). The browser may load images of their hosts, and asks none before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chongming_gis.maps.layers import Drawn
from chongming_gis.maps.page import Data
from chongming_gis.wording import Words

if TYPE_CHECKING:
    from chongming_gis.config import OnlineMap, StudyConfig
    from chongming_gis.maps.page import PlanMap

_OSM_URL = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"  # the one address its tile usage policy allows
_OSM_CREDIT = '&copy; <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a>'
_OSM_DEEPEST = 19
_TIANDITU_URL = (  # WMTS in Web Mercator ("w"), tiles of levels 1 to 18
    "https://t{s}.tianditu.gov.cn/%(layer)s_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=%(layer)s"
    "&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=%(key)s"
)
_TIANDITU_SERVERS = "01234567"
_TIANDITU_DEEPEST = 18
_TIANDITU_LAYERS = {"tianditu": ("vec", "cva"), "tianditu_imagery": ("img", "cia")}  # ground, and names over it


def offer(sheet: PlanMap, study: StudyConfig) -> PlanMap:
    """Add the online base maps of a study to a map as layers that are off, and return the map."""
    words = Words(sheet.language)
    for name in study.maps.online:
        data = Data.of(f"online-{name}", _described(name, study.maps.tianditu_key, words))
        Drawn("online", {"data": data}, name=words(f"online.{name}"), show=False).add_to(sheet)
        host = "https://tile.openstreetmap.org" if name == "osm" else "https://*.tianditu.gov.cn"
        sheet.page.allow_images([host])
    return sheet


def _described(name: OnlineMap, key: str | None, words: Words) -> dict[str, object]:
    title = words(f"online.{name}")
    if name == "osm":
        tiles = {"urls": [_OSM_URL], "servers": "", "deepest": _OSM_DEEPEST}
        return {**tiles, "title": title, "note": "", "credit": _OSM_CREDIT, "needsSite": True}
    urls = [_TIANDITU_URL % {"layer": layer, "key": key} for layer in _TIANDITU_LAYERS[name]]
    tiles = {"urls": urls, "servers": _TIANDITU_SERVERS, "deepest": _TIANDITU_DEEPEST}
    credit = words("online.tianditu_credit")
    return {**tiles, "title": title, "note": words("online.cgcs2000"), "credit": credit, "needsSite": False}
