"""Tagged objects of an OSM file: nodes, ways and multipolygon relations with their shapes.

Buildings, places, amenities and administrative areas all come through here; what their tags mean is decided by the
readers of demand, facilities and boundaries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import osmium
import shapely
from osmium.filter import KeyFilter

from chongming_gis.sources import pbf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy.typing as npt

ANY_VALUE = "*"


@dataclass(frozen=True, slots=True)
class TaggedObjects:
    """Objects that bear one of the wanted tags, ordered by id; WGS 84."""

    osm_id: list[str]  # n123, w123 or r123
    tags: list[dict[str, str]]
    geometry: npt.NDArray[np.object_]  # Point, LineString, Polygon or MultiPolygon
    without_position: list[str]  # objects that lie outside the extract, or whose outline is broken


@dataclass(slots=True)
class _Found:
    """What one pass over a file collects."""

    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    shapes: dict[str, shapely.Geometry] = field(default_factory=dict)
    areas_wkb: dict[str, str] = field(default_factory=dict)


def read_tagged(path: Path, wanted: Mapping[str, tuple[str, ...]]) -> TaggedObjects:
    """Return the objects of an OSM file that bear any of the wanted tags.

    Parameters
    ----------
    wanted : tag -> accepted values, ``"*"`` = any value. One match is enough.

    Raises
    ------
    InputFileError
        The file cannot be read.
    """

    def is_wanted(tags: dict[str, str]) -> bool:
        return any(is_match(tags, key, values) for key, values in wanted.items())

    found = _read(path, KeyFilter(*wanted), is_wanted)
    shapes = {**found.shapes, **_from_wkb(found.areas_wkb)}
    ids = sorted(found.tags, key=lambda osm_id: (osm_id[0], int(osm_id[1:])))
    placed = [osm_id for osm_id in ids if osm_id in shapes]
    return TaggedObjects(
        osm_id=placed,
        tags=[found.tags[osm_id] for osm_id in placed],
        geometry=np.array([shapes[osm_id] for osm_id in placed], dtype=object),
        without_position=[osm_id for osm_id in ids if osm_id not in shapes],
    )


def is_match(tags: Mapping[str, str], key: str, values: tuple[str, ...]) -> bool:
    """Return whether an object bears a tag with one of these values."""
    return key in tags and (ANY_VALUE in values or tags[key] in values)


def name_of(tags: Mapping[str, str]) -> str | None:
    """Return the Chinese name of an object, else its name in the language of the place."""
    return tags.get("name:zh") or tags.get("name")


def _read(path: Path, keys: KeyFilter, is_wanted: Callable[[dict[str, str]], bool]) -> _Found:
    found = _Found()
    to_wkb = osmium.geom.WKBFactory()
    for item in pbf.iterate(path, osmium.FileProcessor(path).with_areas(keys).with_filter(keys)):
        tags = dict(item.tags)
        if not is_wanted(tags):
            continue
        if item.is_area():
            found.areas_wkb[f"{'w' if item.from_way() else 'r'}{item.orig_id()}"] = to_wkb.create_multipolygon(item)
            continue
        osm_id = f"{item.type_str()}{item.id}"
        found.tags[osm_id] = tags
        shape = _outline(item)
        if shape is not None:
            found.shapes[osm_id] = shape
    return found


def _outline(item: Any) -> shapely.Geometry | None:
    """Return a node's point, or the known part of a way's line; relations get their shape from osmium's areas."""
    if item.is_node():
        return shapely.Point(item.lon, item.lat)
    if not item.is_way():
        return None
    known = [(node.lon, node.lat) for node in item.nodes if node.location.valid()]
    if len(known) > 1:
        return shapely.LineString(known)
    return shapely.Point(known[0]) if known else None


def _from_wkb(areas_wkb: dict[str, str]) -> dict[str, shapely.Geometry]:
    return dict(zip(areas_wkb, shapely.from_wkb(list(areas_wkb.values())), strict=True))
