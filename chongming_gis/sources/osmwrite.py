"""Elements of Overpass -> one .osm.pbf, which the readers of this package open like any other extract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import osmium

from chongming_gis import __version__
from chongming_gis.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    Element = dict[str, Any]

_ORDER = ("node", "way", "relation")
_SHORT = {"node": "n", "way": "w", "relation": "r"}


def merge(parts: Iterable[Iterable[Element]]) -> list[Element]:
    """Return every element once, its newest version, ordered by type and id.

    Of two copies of one version the first is kept: tiles of different moments agree on it.

    Raises
    ------
    FetchError
        An element is none of OpenStreetMap's.
    """
    found: dict[tuple[int, int], Element] = {}
    for elements in parts:
        for element in elements:
            try:
                key = (_ORDER.index(element["type"]), int(element["id"]))
            except (KeyError, ValueError, TypeError) as error:
                raise FetchError(f"the answer has an element that is none of OpenStreetMap's: {element!r}") from error
            known = found.get(key)
            if known is None or _version(element) > _version(known):
                found[key] = element
    return [found[key] for key in sorted(found)]


def write_pbf(elements: Iterable[Element], path: Path, *, osm_date: str) -> None:
    """Write merged elements; editors' names are left out. The same elements make the same bytes.

    Parameters
    ----------
    osm_date : the moment the data are of, as Overpass writes it; empty where it did not say.
    """
    header = osmium.io.Header()
    header.set("generator", f"chongming-gis {__version__}")
    header.set("sorting", "Type_then_ID")
    if osm_date:
        header.set("osmosis_replication_timestamp", osm_date)
    writer = osmium.SimpleWriter(str(path), header=header, overwrite=True)
    try:
        for element in elements:
            _write(writer, element)
    finally:
        writer.close()


def _version(element: Element) -> int:
    return int(element.get("version", 0))


def _write(writer: osmium.SimpleWriter, element: Element) -> None:
    common = {
        "id": element["id"],
        "version": max(_version(element), 1),
        "tags": dict(sorted(element.get("tags", {}).items())),
        "timestamp": element.get("timestamp", "1970-01-01T00:00:00Z"),
        "visible": True,
    }
    if element["type"] == "node":
        writer.add_node(osmium.osm.mutable.Node(location=(element["lon"], element["lat"]), **common))
    elif element["type"] == "way":
        writer.add_way(osmium.osm.mutable.Way(nodes=element.get("nodes", []), **common))
    else:
        members = [(_SHORT[member["type"]], member["ref"], member["role"]) for member in element.get("members", [])]
        writer.add_relation(osmium.osm.mutable.Relation(members=members, **common))
