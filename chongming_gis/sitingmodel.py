"""The part of a study on places to build: the layers that siting rules name, and where candidate sites come from.

``[[layers]]`` gives a name to a file of the planner's (areas, lines, points or a grid), to kinds of ``sources.land``,
to classes of road or to services. ``[[candidates]]`` says for some services which places are looked at. What binds
there is in ``[[siting_rules]]`` (``planning``); ``faults`` says where the three do not fit each other or the study.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from chongming_gis import crs as crs_module
from chongming_gis import datums
from chongming_gis.errors import CrsError
from chongming_gis.studymodel import Identifier, NotNegative, Positive, StudyModel, Text, repeated_ids
from chongming_gis.units import minutes_to_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chongming_gis.planning import SitingRuleConfig

DataKind = Literal["surveyed", "official_statistic", "sourced", "derived", "schematic"]
Finite = Annotated[float, Field(allow_inf_nan=False)]

#: What a rule may name beside layers, services, road classes and kinds of land: the places where people live.
DWELLING = "dwelling"
GRID_SUFFIXES = (".tif", ".tiff")
#: Classes of road at whose junctions one may build; planning assumption.
BUILT_ALONG = (
    *("primary", "secondary", "tertiary", "unclassified", "residential", "living_street", "pedestrian"),
    *("primary_link", "secondary_link", "tertiary_link", "road"),
)


def _known_crs(value: str) -> str:
    try:
        crs_module.parse(value, where="crs")
    except CrsError as error:
        raise ValueError(str(error)) from error
    return value


def _datum(value: str) -> str:
    try:
        return datums.parse(value)
    except CrsError as error:
        raise ValueError(str(error)) from error


class SiteOrigin(StudyModel):
    """Where something comes from, in the words of every source of a study."""

    source: Text
    source_en: str = ""
    licence: str = ""
    licence_en: str = ""
    date: str = ""
    position_quality_m: NotNegative | None = None
    how: str = ""
    how_en: str = ""


class LayerConfig(SiteOrigin):
    """A named layer: of exactly one of a file, kinds of land, classes of road, services.

    A grid (.tif) has no outlines: rules ask which cell a place lies in (``not_inside``), and the cells that count are
    those with one of ``values``, or with a number from ``at_least`` to ``at_most``.
    """

    id: Identifier
    name_zh: Text
    name_en: Text
    path: Path | None = None
    kind: DataKind | None = None  # how far the file can be trusted; needed with path
    layer: str | None = None  # of a file with several
    kind_column: Text | None = None  # only features whose text in this column is one of ``kinds``
    kinds: tuple[Text, ...] = ()
    band: Annotated[int, Field(ge=1)] = 1  # of a grid
    crs: Annotated[str, AfterValidator(_known_crs)] | None = None  # for a grid that does not say its own
    values: tuple[Finite, ...] = ()
    at_least: Finite | None = None
    at_most: Finite | None = None
    land: tuple[Text, ...] = ()
    roads: tuple[Text, ...] = ()
    roads_except: tuple[Text, ...] = ()  # every class of road but these
    services: tuple[Identifier, ...] = ()

    @model_validator(mode="after")
    def _one_origin(self) -> LayerConfig:
        given = [name for name in ("path", "land", "roads", "roads_except", "services") if getattr(self, name)]
        if len(given) != 1:
            said = ", ".join(given) or "none"
            raise ValueError(f"give exactly one of path, land, roads, roads_except, services (given: {said})")
        if (self.path is None) != (self.kind is None):
            raise ValueError("kind (surveyed, official_statistic, ...) goes with path, and only with it")
        if bool(self.kinds) != (self.kind_column is not None):
            raise ValueError("kind_column and kinds belong together: give both or neither")
        grid_keys = [key for key in ("crs", "at_least", "at_most") if getattr(self, key) is not None]
        grid_keys += ["values"] if self.values else []
        if grid_keys and not self.is_grid:
            raise ValueError(f"{', '.join(grid_keys)}: only for a grid (path = ....tif)")
        if self.is_grid and self.kinds:
            raise ValueError("kinds is for features; say which cells of a grid count with values, at_least or at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} is above at_most {self.at_most:g}")
        return self

    @property
    def is_grid(self) -> bool:
        """Whether the layer is a grid of cells."""
        return self.path is not None and self.path.suffix.lower() in GRID_SUFFIXES

    @property
    def has_class(self) -> bool:
        """Whether the layer says which cells of its grid count."""
        return bool(self.values) or self.at_least is not None or self.at_most is not None


class OwnListConfig(SiteOrigin):
    """A planner's own list of sites: a table that declares its datum, or a point layer."""

    path: Path
    kind: DataKind
    datum: Annotated[str, AfterValidator(_datum)] | None = None
    axes: datums.Axes | None = None  # for epsg:N: what x and y are
    layer: str | None = None
    sheet: Text | None = None
    header_row: Annotated[int, Field(ge=1)] | None = None
    columns: dict[str, str] = Field(default_factory=dict)  # our column -> the file's


class NearConfig(StudyModel):
    """Within what people count as near a candidate: metres in a straight line, or minutes by a mode."""

    metres: Positive | None = None
    mode: Identifier | None = None
    minutes: Positive | None = None

    @model_validator(mode="after")
    def _one_way(self) -> NearConfig:
        if (self.mode is None) != (self.minutes is None) or (self.metres is None) == (self.mode is None):
            raise ValueError("give metres (straight line), or mode and minutes")
        return self

    @property
    def limit_s(self) -> float | None:
        """The minutes in seconds."""
        return None if self.minutes is None else minutes_to_seconds(self.minutes)


class CandidatesConfig(StudyModel):
    """Where some services could be built: which places are looked at, before any rule refuses one.

    Kinds of places are taken in this order: own list, sites of other services, features of layers, villages, network
    nodes, grid. One nearer than ``least_apart_m`` to a place taken before is the same place and left out.
    """

    services: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    own: OwnListConfig | None = None
    sites_of: tuple[Identifier, ...] = ()  # services that may be joined on their sites
    features_of: tuple[Identifier, ...] = ()  # layers whose features are places: public buildings, vacant plots
    villages: bool = False  # the middle of the people of every village and neighbourhood
    nodes_every_m: Positive | None = None  # junctions of roads, thinned to this spacing
    node_classes: Annotated[tuple[Text, ...], Field(min_length=1)] = BUILT_ALONG
    grid_every_m: Positive | None = None
    least_apart_m: NotNegative = 0.0
    only_townships_without: bool = False  # refuse townships that have a facility of the service already
    near: NearConfig = NearConfig(metres=1000.0)  # planning assumption
    measure_to: tuple[Text, ...] = ()  # layers: a column to_<layer>_m with the distance, value_<layer> of a grid
    source: Text
    source_en: str = ""

    @model_validator(mode="after")
    def _has_places(self) -> CandidatesConfig:
        kinds = ("own", "sites_of", "features_of", "villages", "nodes_every_m", "grid_every_m")
        if not any(getattr(self, kind) for kind in kinds):
            raise ValueError(f"names no places; give at least one of {', '.join(kinds)}")
        return self


def faults(
    layers: Sequence[LayerConfig],
    candidates: Sequence[CandidatesConfig],
    rules: Sequence[SitingRuleConfig],
    known: Mapping[str, set[str]],
) -> list[str]:
    """Return where layers, candidates and rules name what the study does not have, or contradict each other.

    Parameters
    ----------
    known : the ids of ``services`` and ``modes``.
    """
    by_id = {layer.id: layer for layer in layers}
    services, modes = known["services"], known["modes"]
    found = repeated_ids("layers", [layer.id for layer in layers])
    taken = services | {DWELLING}
    found += [f"layers.{name}.id: a service or {DWELLING!r} has this id already" for name in by_id if name in taken]
    wanted = [(f"layers.{layer.id}.services", name, services) for layer in layers for name in layer.services]
    claimed = [service for section in candidates for service in section.services]
    twice = sorted({service for service in claimed if claimed.count(service) > 1})
    found += [f"candidates: the service {service!r} is in two sections; put it into one" for service in twice]
    for row, section in enumerate(candidates):
        at = f"candidates.{row}"
        wanted += [(f"{at}.services", name, services) for name in section.services]
        wanted += [(f"{at}.sites_of", name, services) for name in section.sites_of]
        wanted += [(f"{at}.features_of", name, set(by_id)) for name in section.features_of]
        wanted += [(f"{at}.near.mode", section.near.mode, modes)] if section.near.mode else []
        grids = [name for name in section.features_of if name in by_id and by_id[name].is_grid]
        found += [f"{at}.features_of: {name!r} is a grid, which has no features" for name in grids]
    for rule in rules:
        layer = by_id.get(rule.layer)
        at = f"siting_rules.{rule.service}.{rule.layer}"
        if layer is not None and layer.is_grid and rule.rule != "not_inside":
            found.append(f"{at}: {rule.rule} needs outlines; a grid can only be used with not_inside")
        if layer is not None and layer.is_grid and not layer.has_class:
            found.append(f"{at}: the grid does not say which cells count; give values, at_least or at_most in layers")
    rules_of = [f"{rule.service}: {rule.id}" for rule in rules]
    found += repeated_ids("siting_rules", rules_of)
    return found + [
        f"{key}: {value!r} is not declared in this study; allowed: {', '.join(sorted(allowed)) or 'none'}"
        for key, value, allowed in wanted
        if value not in allowed
    ]
