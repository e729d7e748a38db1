"""The layers that siting rules and attributes name, found once for a whole study.

A name means, in this order: a layer of the study (``[[layers]]``), the dwellings, a service, a kind of
``sources.land``, a class of road. A name that means nothing here is no error: the rule cannot be judged, and
``Ground.absent`` says why.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from chongming_gis import crs as crs_module
from chongming_gis.errors import ChongmingError, StudyError, TableError
from chongming_gis.sitingmodel import DWELLING
from chongming_gis.sources import layers as files
from chongming_gis.tables import DATA_KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd
    from pyproj import CRS

    from chongming_gis.config import StudyConfig
    from chongming_gis.sitingmodel import LayerConfig
    from chongming_gis.tables import StudyInputs

    Objects = npt.NDArray[np.object_]
    Texts = tuple[str, ...]


_NAMES = ("name_zh", "name", "名称")
_KEYS = ("feature_id", "id", "osm_id", "code", "编号")


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid of cells that is asked place by place."""

    path: Path
    config: LayerConfig


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a file, whole, with what it calls them."""

    geometry: Objects
    names: Texts  # empty where it has none
    keys: Texts


@dataclass(frozen=True, slots=True)
class Layer:
    """What a rule's layer stands for: simple shapes in the study's metric CRS, or a grid."""

    name: str
    geometry: Objects  # points, lines and polygons, no collections of them
    origin: str  # layer, dwelling, service, land, road, grid
    data_kind: str  # the least sure of what it is made from
    features: Features | None = None  # of a file: one place each
    sites: frozenset[str] = frozenset()  # the sites that its facilities stand on
    grid: Grid | None = None

    @property
    def areas(self) -> Objects:
        """Its polygons: what one can be inside of."""
        return np.asarray(self.geometry[shapely.get_dimensions(self.geometry) == 2], dtype=object)


@dataclass(frozen=True, slots=True)
class Ground:
    """The layers of a study by name, and why some names mean nothing in it."""

    crs: CRS
    layers: Mapping[str, Layer]
    absent: Mapping[str, str] = field(default_factory=dict)  # name -> why
    described: dict[int, Any] = field(default_factory=dict, compare=False)  # places by section, for its next service


def read_ground(study: StudyConfig, inputs: StudyInputs) -> Ground:
    """Return every layer that the study's rules and candidates name.

    Raises
    ------
    StudyError
        Files of layers cannot be read; the faults of all of them are listed.
    """
    wanted = {rule.layer for rule in study.siting_rules}
    for section in study.candidates:
        wanted |= {*section.measure_to, *section.features_of}
    known, absent, told = {}, {}, []
    for name in sorted(wanted):
        try:
            found = _find(name, study, inputs)
        except ChongmingError as error:
            told.append(f"layers.{name}: {error}")
            continue
        if isinstance(found, Layer):
            known[name] = found
        else:
            absent[name] = found
    if told:
        raise StudyError("\n".join(told))
    return Ground(inputs.crs, known, absent)


def _find(name: str, study: StudyConfig, inputs: StudyInputs) -> Layer | str:
    """Return a layer, or why there is none of that name."""
    declared = next((layer for layer in study.layers if layer.id == name), None)
    if declared is not None:
        return _declared(declared, study, inputs)
    if name == DWELLING:
        return _dwellings(study, inputs)
    if any(service.id == name for service in study.services):
        return _of_services(name, (name,), inputs)
    if name in set(inputs.land["kind"]):
        return _of_land(name, (name,), inputs)
    classes = set(inputs.roads.edges["highway"].dropna())
    if name in classes:
        return _of_roads(name, study, inputs, classes={name})
    known = {layer.id for layer in study.layers} | {service.id for service in study.services}
    return _unknown(name, known | {DWELLING} | set(inputs.land["kind"]) | classes)


def _unknown(name: str, known: Collection[str]) -> str:
    alike = difflib.get_close_matches(name, sorted(known), n=3)
    hint = f"; did you mean {', '.join(alike)}?" if alike else ""
    return f"the study has no layer, service, kind of land or class of road {name!r}{hint}"


def _declared(layer: LayerConfig, study: StudyConfig, inputs: StudyInputs) -> Layer | str:
    if layer.land:
        return _of_land(layer.id, layer.land, inputs)
    if layer.services:
        return _of_services(layer.id, layer.services, inputs)
    if layer.roads:
        return _of_roads(layer.id, study, inputs, classes=set(layer.roads))
    if layer.roads_except:
        classes = set(inputs.roads.edges["highway"].dropna()) - set(layer.roads_except)
        return _of_roads(layer.id, study, inputs, classes=classes)
    return _of_file(layer, study, inputs)


def _of_file(layer: LayerConfig, study: StudyConfig, inputs: StudyInputs) -> Layer | str:
    if layer.path is None or layer.kind is None:  # the model does not let this happen
        raise StudyError("the layer names no file")
    path = study.resolve(layer.path)
    if layer.is_grid:
        nothing = np.empty(0, dtype=object)
        return Layer(layer.id, nothing, "grid", layer.kind, grid=Grid(path, layer))
    files.check_suffix(path, files.LAYER)
    frame = files.read_layer(path, layer=layer.layer)
    if layer.kind_column is not None:
        if layer.kind_column not in frame.columns:
            have = files.name_columns(frame)
            raise TableError(f"{path}: no column {layer.kind_column!r}; the file has {have}")
        frame = frame[files.as_text(frame[layer.kind_column]).isin(layer.kinds)]
    moved = crs_module.to_metric(frame, inputs.crs, where=str(path))
    shapes = moved.geometry.to_numpy()
    kept = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if not kept.any():
        return f"{layer.path.as_posix()} has no such feature"
    shapes = np.asarray(shapely.make_valid(shapes[kept]), dtype=object)
    features = Features(shapes, *(_texts(moved[kept], columns) for columns in (_NAMES, _KEYS)))
    return Layer(layer.id, _simple(shapes), "layer", layer.kind, features=features)


def _texts(frame: pd.DataFrame, columns: tuple[str, ...]) -> Texts:
    """Return the first of some columns that a file has, as text; empty where it has none of them."""
    column = next((name for name in columns if name in frame.columns), None)
    return ("",) * len(frame) if column is None else tuple(files.as_text(frame[column]).fillna(""))


def _simple(shapes: Objects) -> Objects:
    """Return points, lines and polygons: the parts of whatever holds several."""
    parts = shapely.get_parts(shapely.get_parts(shapes))  # twice: a collection may hold a multipolygon
    return np.asarray(parts[~shapely.is_empty(parts)], dtype=object)


def _of_land(name: str, kinds: tuple[str, ...], inputs: StudyInputs) -> Layer | str:
    rows = inputs.land[inputs.land["kind"].isin(kinds)]
    if rows.empty:
        have = ", ".join(sorted(set(inputs.land["kind"]))) or "none"
        return f"sources.land has no {' or '.join(kinds)}; its kinds: {have}"
    return Layer(name, _simple(rows.geometry.to_numpy()), "land", least_sure(rows["data_kind"]))


def _of_roads(name: str, study: StudyConfig, inputs: StudyInputs, *, classes: Collection[str]) -> Layer | str:
    edges = inputs.roads.edges
    on_ground = ~edges["tunnel"].fillna("no").ne("no").to_numpy(bool)  # a tunnel has no roadside
    chosen = edges["highway"].isin(list(classes)).to_numpy(bool) & on_ground
    if not chosen.any():
        return f"the roads have none of {', '.join(sorted(classes)) or 'these classes'}"
    return Layer(name, edges.geometry.to_numpy()[chosen], "road", study.sources.roads.kind)


def _of_services(name: str, services: tuple[str, ...], inputs: StudyInputs) -> Layer | str:
    frames = [inputs.facilities[service].places for service in services if service in inputs.facilities]
    if not sum(len(frame) for frame in frames):
        return f"no facility of {', '.join(services)} was read"
    kinds = [kind for frame in frames for kind in frame["data_kind"]]
    sites = frozenset(site for frame in frames for site in frame["site_id"].dropna())
    points = np.concatenate([frame.geometry.to_numpy() for frame in frames])
    return Layer(name, points, "service", least_sure(kinds), sites=sites)


def _dwellings(study: StudyConfig, inputs: StudyInputs) -> Layer | str:
    lived_in = (inputs.demand.persons.to_numpy(dtype=float) > 0.0).any(axis=1)
    points = inputs.demand.points.geometry.to_numpy()[lived_in]
    if not len(points):
        return "nobody lives in this study"
    return Layer(DWELLING, points, "dwelling", study.sources.demand.kind)


def least_sure(kinds: Iterable[str]) -> str:
    """Return the least sure of some data kinds.

    Examples
    --------
    >>> least_sure(["surveyed", "schematic", "derived"])
    'schematic'
    """
    return DATA_KINDS[max(DATA_KINDS.index(kind) for kind in kinds)]
