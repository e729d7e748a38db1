"""OSM files (.osm.pbf, .osm, packed .osm) through osmium: ways that are roads or ferries, as drawn.

osmium keeps node positions and drops what is no highway before Python sees it; the loop below only sees road ways
and barrier nodes.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np
import osmium
import pandas as pd
from osmium.filter import KeyFilter
from osmium.osm import NODE, WAY

from chongming_gis import crs as crs_module
from chongming_gis.errors import InputFileError
from chongming_gis.sources import tags
from chongming_gis.sources.drawn import DrawnLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from osmium.osm import osm_entity_bits

    from chongming_gis.sources.noding import Ints

_UNITS_PER_DEGREE = 1e7  # OSM stores degrees as whole numbers of 1e-7
_NO_POSITION = 2**31 - 1  # libosmium's mark of a location that is not in the file


def iterate(path: Path, processor: osmium.FileProcessor) -> Iterator[Any]:
    """Yield the objects of an OSM file.

    Raises
    ------
    InputFileError
        The file is damaged, incomplete, or of another format than its name says.
    """
    try:
        yield from processor
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise InputFileError(
            f"{path}: cannot be read as OSM data ({reason}); the file is incomplete or misnamed: fetch it again"
        ) from error


def read_ways(path: Path) -> DrawnLines:
    """Return the highway and ferry ways of an OSM file, in WGS 84.

    Raises
    ------
    InputFileError
        The file cannot be read.
    """
    way_ids, sizes = array("q"), array("q")
    refs, positions = array("q"), array("l")
    way_tags: list[dict[str, str]] = []
    barriers: dict[int, dict[str, str]] = {}
    for item in iterate(path, _road_processor(path)):
        if item.is_node():
            barriers[item.id] = dict(item.tags)
            continue
        found = dict(item.tags)
        if "highway" not in found and found["route"] != "ferry":
            continue
        before = len(refs)
        for node in item.nodes:
            refs.append(node.ref)
            positions.append(node.x)
            positions.append(node.y)
        way_ids.append(item.id)
        sizes.append(len(refs) - before)
        way_tags.append(found)
    return _drawn(way_ids, sizes, refs, positions, way_tags=way_tags, barriers=barriers)


def _road_processor(path: Path) -> osmium.FileProcessor:
    return (
        osmium.FileProcessor(path, NODE | WAY)
        .with_locations()
        .with_filter(_only_for(NODE, KeyFilter("barrier")))
        .with_filter(_only_for(WAY, KeyFilter("highway", "route")))
    )


def _only_for(entities: osm_entity_bits, wanted: KeyFilter) -> KeyFilter:
    """Return a filter that lets objects of other kinds pass."""
    wanted.enable_for(entities)
    return wanted


def _drawn(
    way_ids: array[int],
    sizes: array[int],
    refs: array[int],
    positions: array[int],
    *,
    way_tags: list[dict[str, str]],
    barriers: dict[int, dict[str, str]],
) -> DrawnLines:
    node_id, first, vertex = np.unique(np.asarray(refs, dtype=np.int64), return_index=True, return_inverse=True)
    place = np.asarray(positions, dtype=np.int64).reshape(-1, 2)[first]
    coords = np.where(place == _NO_POSITION, np.nan, place / _UNITS_PER_DEGREE)
    return DrawnLines(
        way_id=np.asarray(way_ids, dtype=np.int64),
        raw=_text_columns(way_tags, tags.RAW_KEYS),
        offsets=np.r_[0, np.cumsum(np.asarray(sizes, dtype=np.int64))],
        vertex=vertex.astype(np.int64),
        coords=coords,
        crs=crs_module.parse(crs_module.GEOGRAPHIC, where="OSM"),
        node_id=node_id,
        node_raw=_barriers_on(node_id, barriers),
    )


def _text_columns(tag_sets: list[dict[str, str]], keys: tuple[str, ...]) -> pd.DataFrame:
    used = set().union(*tag_sets)
    columns = {key: pd.Series([found.get(key) for found in tag_sets], dtype="str") for key in keys if key in used}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(tag_sets)))


def _barriers_on(node_id: Ints, barriers: dict[int, dict[str, str]]) -> pd.DataFrame:
    """Return the raw tags of the barriers that stand on a road, index = row of ``node_id``."""
    ids = np.array(sorted(barriers), dtype=np.int64)
    on_road = ids[np.isin(ids, node_id)]
    frame = _text_columns([barriers[int(i)] for i in on_road], tags.RAW_NODE_KEYS)
    return frame.set_axis(np.searchsorted(node_id, on_road))
