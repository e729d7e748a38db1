"""What is asked of OpenStreetMap for a study, as statements of Overpass QL, and what its land is called here."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from chongming_gis.sources.tagged import ANY_VALUE, is_match

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Tags = Mapping[str, tuple[str, ...]]

People = Literal["buildings", "places", "none"]

#: Roads and boats; the barriers that stand on them come with their nodes.
_ROADS = ('way["highway"]', 'way["route"="ferry"]')
_PEOPLE = {
    "buildings": ('way["building"]', 'rel["building"]["type"="multipolygon"]'),
    "places": ('node["place"]',),
    "none": (),
}
#: Kind of land (as ``sources.land`` has it) -> the tags that make it one; the first that fits decides.
LAND: tuple[tuple[str, Tags], ...] = (
    ("river", {"water": ("river", "stream"), "waterway": ("riverbank",)}),
    ("canal", {"water": ("canal", "ditch")}),
    ("reservoir", {"water": ("reservoir",), "landuse": ("reservoir",)}),
    ("pond", {"water": ("pond", "basin", "fishpond"), "landuse": ("basin", "aquaculture")}),
    ("lake", {"water": ("lake", "lagoon", "oxbow")}),
    ("water", {"natural": ("water", "bay")}),
    ("tidal_flat", {"wetland": ("tidalflat",)}),
    ("wetland", {"natural": ("wetland",)}),
    # IUCN Ia to IV (wiki Key:protect_class): strictly kept; V and VI are lived in
    ("reserve", {"leisure": ("nature_reserve",), "protect_class": ("1", "1a", "1b", "2", "3", "4")}),
    ("protected_area", {"boundary": ("protected_area",)}),
    ("port", {"landuse": ("port",), "industrial": ("port",)}),
    ("industrial", {"landuse": ("industrial",)}),
    ("military", {"landuse": ("military",)}),
    ("forest", {"landuse": ("forest",), "natural": ("wood",)}),
    ("farmland", {"landuse": ("farmland", "orchard", "vineyard")}),
)
#: Levels of administrative boundaries that are asked for where none are named: 8 townships, 10 (else 9) villages, as
#: in China (wiki Tag:boundary=administrative); 8 is the municipality in most of Europe too.
TOWNSHIP_LEVEL = 8
VILLAGE_LEVELS = (10, 9)


@dataclass(frozen=True, slots=True)
class ServiceTags:
    """How a service is mapped in OpenStreetMap; without tags ``note`` says why it is not."""

    tags: Tags = field(default_factory=dict)
    note: str = ""


def default_service_tags() -> dict[str, ServiceTags]:
    """Return how each service of the plan is mapped in OpenStreetMap (``service_tags.toml``)."""
    text = files("chongming_gis").joinpath("service_tags.toml").read_text(encoding="utf-8")
    return {
        service: ServiceTags(
            {key: tuple(values) for key, values in entry.get("tags", {}).items()}, str(entry.get("note", ""))
        )
        for service, entry in tomllib.loads(text).items()
    }


def tile_statements(*, services: Iterable[Tags], people: People) -> list[str]:
    """Return what is asked of every tile: roads, facilities, people and land, each statement once."""
    facilities = together(services)
    land = together(tags for _, tags in LAND)
    statements = [
        *_ROADS,
        *(f"nwr{_filter(key, values)}" for key, values in facilities.items()),
        *_PEOPLE[people],
        *(f"{kind}{_filter(key, values)}" for key, values in land.items() for kind in ("way", "rel")),
    ]
    return list(dict.fromkeys(statements))


def boundary_statements(levels: Sequence[int]) -> list[str]:
    """Return what is asked of the whole area: its administrative areas, whole."""
    return [f"rel{_admin_filter(levels)}"]


def around_statements(levels: Sequence[int]) -> list[str]:
    """Return what is asked of the areas around a point (``Overpass.fetch_around``): the administrative ones, whole."""
    return [f"rel(pivot.here){_admin_filter(levels)}"]


def _admin_filter(levels: Sequence[int]) -> str:
    values = tuple(str(level) for level in dict.fromkeys(levels))
    return f'["boundary"="administrative"]{_filter("admin_level", values)}'


def together(parts: Iterable[Tags]) -> dict[str, tuple[str, ...]]:
    """Return every tag with all of its values, sorted.

    Examples
    --------
    >>> together([{"shop": ("charity",)}, {"shop": ("books", "charity"), "amenity": ("*",)}])
    {'amenity': ('*',), 'shop': ('books', 'charity')}
    """
    found: dict[str, set[str]] = {}
    for tags in parts:
        for key, values in tags.items():
            found.setdefault(key, set()).update(values)
    return {key: (ANY_VALUE,) if ANY_VALUE in found[key] else tuple(sorted(found[key])) for key in sorted(found)}


def land_kind(tags: Mapping[str, str]) -> str | None:
    """Return what kind of land an object is, None where it is none of those that matter.

    Examples
    --------
    >>> land_kind({"natural": "water", "water": "reservoir"}), land_kind({"landuse": "residential"})
    ('reservoir', None)
    """
    for kind, wanted in LAND:
        if any(is_match(tags, key, values) for key, values in wanted.items()):
            return kind
    return None


def _filter(key: str, values: tuple[str, ...]) -> str:
    r"""Return a tag filter of Overpass QL.

    Examples
    --------
    >>> _filter("shop", ("charity",)), _filter("shop", ("a.b", "c")), _filter("shop", ("*",))
    ('["shop"="charity"]', '["shop"~"^(a\\\\.b|c)$"]', '["shop"]')
    """
    if ANY_VALUE in values:
        return f"[{_quoted(key)}]"
    if len(values) == 1:
        return f"[{_quoted(key)}={_quoted(values[0])}]"
    either = "|".join(re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", value) for value in values)
    return f"[{_quoted(key)}~{_quoted(f'^({either})$')}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
