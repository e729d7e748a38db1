"""The study file: what a person writes, checked before anything is computed.

A study is one TOML file. ``read_study`` returns a frozen ``StudyConfig``; unknown keys are refused, and every fault is
reported at once with its key, its value and what is allowed. People write minutes; the properties ``limit_s`` turn
them into seconds and nothing below sees minutes. Paths are relative to the study file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, ValidationError, model_validator

from chongming_gis import (
    bedmodel,
    datums,
    deliverymodel,
    measuremodel,
    phasemodel,
    planning,
    proposalmodel,
    sitingmodel,
)
from chongming_gis import crs as crs_module
from chongming_gis.bedmodel import BedPlanConfig
from chongming_gis.deliverymodel import DeliveryConfig
from chongming_gis.errors import CrsError, InputFileError, StudyError
from chongming_gis.measuremodel import MeasuresConfig
from chongming_gis.peoplemodel import NOBODY_LIVES_IN, DemandPart, PeopleTable, RasterConfig, SharesTable, SpreadConfig
from chongming_gis.phasemodel import JointProposalConfig, PhasesConfig
from chongming_gis.planning import CostConfig, NeedConfig, PlanConfig, SitingRuleConfig
from chongming_gis.proposalmodel import ProposalConfig
from chongming_gis.sitingmodel import CandidatesConfig, LayerConfig
from chongming_gis.studymodel import Identifier, NotNegative, Positive, StudyModel, Text, repeated_ids
from chongming_gis.units import minutes_to_seconds

ALL_CLASSES = "all"
BY_SETTLEMENT = "by_settlement"
PLANNING_ASSUMPTION = "planning assumption"

Language = Literal["zh", "en"]
ReportFormat = Literal["html", "docx", "xlsx"]
DataKind = Literal["surveyed", "official_statistic", "sourced", "derived", "schematic"]
Access = Literal["foot", "bicycle", "motor_vehicle"]
Preset = Literal["older_walk", "older_walk_frail", "older_walk_fit", "ebike", "car"]
Direction = Literal["to_facility", "from_facility"]

# Web maps whose tiles are drawn in a shifted datum: GCJ-02, or BD-09 on top of it.
_SHIFTED_MAPS = ("amap", "autonavi", "gaode", "tencent", "qq", "baidu", "google", "高德", "腾讯", "百度", "谷歌")

_ARMS = ("one speed", "speed per class", *planning.TARGET_ARMS)


def _metric(value: str) -> str:
    try:
        crs_module.parse_metric(value, where="crs")
    except CrsError as error:
        raise ValueError(str(error)) from error
    return value


def _datum(value: str) -> str:
    try:
        return datums.parse(value)
    except CrsError as error:
        raise ValueError(str(error)) from error


Datum = Annotated[str, AfterValidator(_datum)]
Speed = Annotated[
    Annotated[Positive, Tag(_ARMS[0])] | Annotated[dict[str, Positive], Tag(_ARMS[1])],
    Discriminator(lambda value: _ARMS[isinstance(value, dict)]),
]
Limits = Annotated[tuple["LimitConfig", ...], Field(min_length=1)]


class Provenance(StudyModel):
    """Where a dataset comes from; printed in the manifest, on the maps and in the report.

    Each text may stand beside itself in English (``_en``), for English pages; without it they show the one there is.
    """

    kind: DataKind  # how far the file can be trusted; required, so that schematic is never shown as surveyed
    source: Text  # who made it
    source_en: str = ""
    licence: str = ""
    licence_en: str = ""
    date: str = ""
    position_quality_m: NotNegative | None = None
    how: str = ""  # how it was made: a program, a rule, a survey
    how_en: str = ""


class RegionConfig(StudyModel):
    """The area of the study. Without a boundary the study takes all the demand it is given."""

    boundary: Path | None = None
    snap_tiny_piece_m: NotNegative = 500.0  # planning assumption: shorter road pieces are avoided when snapping
    search_limit_min: Positive = 240.0  # planning assumption: beyond it a place counts as not reachable


class RoadSource(Provenance):
    """The roads: .osm.pbf .osm .graphml .gpkg .shp .geojson .parquet."""

    path: Path
    layer: str | None = None
    clip_margin_m: NotNegative | None = None  # roads beyond the region by more than this are left out; none = keep all
    columns: dict[str, str] = Field(default_factory=dict)  # line layers: our tag name -> the file's column
    ferry_speed_kmh: Positive = 15.0  # where a ferry has no duration; planning assumption
    ferry_headway_min: NotNegative = 30.0  # where a ferry has no headway; planning assumption


class AreaSource(Provenance):
    """Townships, villages or land: a polygon layer, or the admin relations of an OSM extract."""

    path: Path
    layer: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)  # our column -> the file's column
    admin_level: int | None = Field(default=None, ge=2, le=11)  # for .osm.pbf and .osm
    codes: Path | None = None  # townships, villages: a table of codes, names and aliases; the file needs names only
    sliver_m2: NotNegative = 1000.0  # planning assumption: smaller overlaps, gaps and parts are drawing errors


class GazetteerConfig(StudyModel):
    """How rows of facilities that have no coordinates are placed by their address."""

    aliases: Path | None = None  # a table of other names: alias, name (as in the study's data), township
    regions: tuple[Text, ...] = ()  # what may stand before a township, without 市, 区 (上海, 崇明); none = from name_zh
    coarsest: Literal["village", "township"] = "village"  # township: also where only that is known, in its middle
    source: str = ""
    licence: str = ""
    date: str = ""


class PointSource(Provenance):
    """Places in a table or a layer. Tables declare what their coordinates are; layers carry their own CRS."""

    datum: Datum | None = None  # wgs84 | cgcs2000 | gcj02 | bd09 with columns lon and lat; epsg:N with columns x and y
    axes: datums.Axes | None = None  # for epsg:N: what x and y are, in this order

    @model_validator(mode="after")
    def _axes_fit_the_datum(self) -> PointSource:
        if self.datum is None:
            if self.axes is not None:
                raise ValueError("axes is given without a datum; write datum = 'epsg:N', or remove axes")
            return self
        try:
            datums.check(self.datum, self.axes)
        except CrsError as error:
            raise ValueError(str(error)) from error
        return self


class DemandSource(PointSource):
    """Where people live: points, a population grid, objects of an OSM extract, or tables by village or township."""

    path: Path  # with tables: that of the first one
    layer: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    osm: Literal["buildings", "places"] | None = None
    persons_per_building: Positive = 2.4  # with osm = "buildings"; planning assumption
    settlement_class: Identifier | None = None  # for files without that column: one class for all
    settlement_by_name: dict[Text, Identifier] = Field(default_factory=dict)  # tables: end of an area's name -> class
    raster: RasterConfig | None = None  # for .tif
    tables: tuple[PeopleTable, ...] = ()
    spread: SpreadConfig | None = None  # with tables; none = one point an area
    shares: tuple[SharesTable, ...] = ()  # with a grid or tables
    nobody_lives_in: tuple[str, ...] = NOBODY_LIVES_IN  # kinds of sources.land
    url: Text | None = None  # where `chongming-gis fetch --study` gets the file at path; a run never does
    sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None = None  # of the file at path
    size_bytes: Annotated[int, Field(gt=0)] | None = None  # of the file at path

    @model_validator(mode="before")
    @classmethod
    def _path_of_tables(cls, content: Any) -> Any:
        """Take the first table's path where only tables are given: everything that names demand names a file."""
        if not isinstance(content, dict) or not content.get("tables"):
            return content
        if "path" in content:
            raise ValueError("give path (points or a grid) or tables, not both")
        tables = content["tables"]
        first = tables[0] if isinstance(tables, (list, tuple)) else None
        return {**content, "path": first["path"]} if isinstance(first, dict) and "path" in first else content

    @model_validator(mode="after")
    def _parts_fit(self) -> DemandSource:
        if self.spread is not None and not self.tables:
            raise ValueError("spread is given without tables; points and grids say themselves where people live")
        return self

    @property
    def parts(self) -> tuple[tuple[str, Provenance | DemandPart | SpreadConfig], ...]:
        """Every file of people with its role, the source itself first; parts inherit what they do not say."""
        rest: list[tuple[str, DemandPart | SpreadConfig]] = [("demand:table", part) for part in self.tables[1:]]
        if self.spread is not None and self.spread.path is not None:
            rest.append(("demand:spread", self.spread))
        rest += [("demand:shares", part) for part in self.shares]
        return (("demand", self), *((role, part.inheriting(self)) for role, part in rest))


class FacilitySource(PointSource):
    """The facilities of one service: a table or a point layer, or tagged objects of an OSM extract."""

    path: Path
    layer: str | None = None
    sheet: Text | None = None  # of a workbook; none = the only one, or the one named as the service
    header_row: Annotated[int, Field(ge=1)] | None = None  # as the file numbers it; none = where most headers are known
    columns: dict[str, str] = Field(default_factory=dict)  # our column -> the file's header
    unplaced: Literal["error", "leave_out"] = "error"  # rows without coordinates that nothing can place
    tags: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # OSM: tag -> accepted values; any one is enough
    level: Literal["district", "township", "village"] = "township"  # for files without that column
    serves: Literal["district", "township", "village", "all"] = "all"


class SourcesConfig(StudyModel):
    """The files a study is made from."""

    roads: RoadSource
    demand: DemandSource
    townships: AreaSource | None = None
    villages: AreaSource | None = None
    land: AreaSource | None = None


class ModeConfig(StudyModel):
    """A way of getting there: a preset with cited values, and what this study changes in it."""

    id: Identifier
    name_zh: Text
    name_en: Text
    preset: Preset
    speed_kmh: Speed | None = None  # one speed, or a speed per highway class
    off_network_speed_kmh: Positive | None = None
    max_snap_m: Positive | None = None
    source: Text
    source_en: str = ""


class BaseConfig(StudyModel):
    """A way of counting people: residents (census) or registered."""

    id: Identifier
    name_zh: Text
    name_en: Text
    source: Text
    source_en: str = ""


class GroupConfig(StudyModel):
    """A group of people: for each base, the columns of the demand table that add up to it."""

    id: Identifier
    name_zh: Text
    name_en: Text
    columns: dict[Identifier, Annotated[tuple[str, ...], Field(min_length=1)]]
    sensitive: bool = False  # fewer than five of them at one place are not shown (see ``discretion``)


class SettlementConfig(StudyModel):
    """A settlement class of the demand (town, village): standards may differ between them."""

    id: Identifier
    name_zh: Text
    name_en: Text


class LimitConfig(StudyModel):
    """Minutes by a mode, for one settlement class or for all."""

    settlement: Identifier = ALL_CLASSES
    mode: Identifier
    minutes: Positive

    @property
    def limit_s(self) -> float:
        """The limit in seconds."""
        return minutes_to_seconds(self.minutes)


class StandardConfig(StudyModel):
    """A standard of a service: within how many minutes, by which mode, in which settlement class."""

    id: Identifier
    name_zh: Text
    name_en: Text
    source: Text
    source_en: str = ""
    limits: Limits

    @model_validator(mode="after")
    def _one_limit_per_class(self) -> StandardConfig:
        classes = [limit.settlement for limit in self.limits]
        if len(set(classes)) < len(classes) or (ALL_CLASSES in classes and len(classes) > 1):
            raise ValueError("give one limit per settlement class, or a single one for all")
        return self

    @property
    def mode_label(self) -> str:
        """The mode, or ``by_settlement`` where it differs between settlement classes."""
        modes = {limit.mode for limit in self.limits}
        return modes.pop() if len(modes) == 1 else BY_SETTLEMENT

    @property
    def common_limit_s(self) -> float | None:
        """The limit in seconds, or None where it differs between settlement classes."""
        limits = {limit.limit_s for limit in self.limits}
        return limits.pop() if len(limits) == 1 else None


class ServiceConfig(StudyModel):
    """A service of the plan: its facilities, for whom it is, and the standards it is held to.

    The first standard is the headline one: maps and the summary show it.
    """

    id: Identifier
    name_zh: Text
    name_en: Text
    facilities: FacilitySource
    capacity_unit: str | None = None
    direction: Direction = "to_facility"
    group: Identifier
    base: Identifier
    standards: Annotated[tuple[StandardConfig, ...], Field(min_length=1)]


class GeocodingConfig(StudyModel):
    """An online geocoder for `chongming-gis geocode`; a run never asks one."""

    provider: Literal["nominatim", "tianditu"]
    url: Text | None = None  # none = the provider's own
    key_env: Text | None = None  # tianditu: the environment variable that holds the user's key
    pause_s: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = 1.0  # between requests; the policy of Nominatim
    within: str = ""  # written before every address, e.g. "上海市崇明区"

    @model_validator(mode="after")
    def _key_is_named(self) -> GeocodingConfig:
        if self.provider == "tianditu" and self.key_env is None:
            raise ValueError("tianditu needs key_env, the environment variable that holds your key")
        return self


def _in_our_datum(value: object) -> object:
    if isinstance(value, str) and any(name in value.lower() for name in _SHIFTED_MAPS):
        raise ValueError(
            f"{value!r} draws its tiles in GCJ-02 or BD-09, some 500 m off the data of this study, which is in WGS 84: "
            "everything would stand beside its place; use osm, tianditu or tianditu_imagery"
        )
    return value


OnlineMap = Annotated[Literal["osm", "tianditu", "tianditu_imagery"], BeforeValidator(_in_our_datum)]
TiandituKey = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{8,64}$")]


class MapsConfig(StudyModel):
    """Online base maps that pages offer as layers, off until a reader switches one on; the drawn base stays below."""

    online: tuple[OnlineMap, ...] = ("osm",)
    tianditu_key: TiandituKey | None = None  # of the kind for browsers; it stands in every page

    @model_validator(mode="after")
    def _key_is_there(self) -> MapsConfig:
        faults = repeated_ids("online", list(self.online))
        if self.tianditu_key is None and any(name.startswith("tianditu") for name in self.online):
            faults.append("tianditu needs tianditu_key, a key of your own for browsers")
        if faults:
            raise ValueError("; ".join(faults))
        return self


class OutputConfig(StudyModel):
    """What a run writes and in which language."""

    language: Language = "zh"
    folder: Path | None = None  # default: ./chongming-result/<study id>/
    formats: Annotated[tuple[ReportFormat, ...], Field(min_length=1)] = ("html",)  # of the report; `run --full`: all
    internal: bool = False  # numbers below five of sensitive groups are shown as they are; also `run --internal`
    map_review_number: str = ""  # 审图号 of maps that may be published; none = every page says it is an internal map


class StudyConfig(StudyModel):
    """The whole study. ``folder`` (where the file lies) and ``digest`` (of its content) are set on reading."""

    id: Identifier
    name_zh: Text
    name_en: Text
    data_date: dt.date  # what "today" is for everything the run writes
    crs: Annotated[str, AfterValidator(_metric)] | None = None  # metric; none = UTM zone of the roads
    seed: Annotated[int, Field(ge=0)] = 20261124
    region: RegionConfig = RegionConfig()
    sources: SourcesConfig
    bases: Annotated[tuple[BaseConfig, ...], Field(min_length=1)]
    groups: Annotated[tuple[GroupConfig, ...], Field(min_length=1)]
    settlement_classes: Annotated[tuple[SettlementConfig, ...], Field(min_length=1)]
    modes: Annotated[tuple[ModeConfig, ...], Field(min_length=1)]
    services: Annotated[tuple[ServiceConfig, ...], Field(min_length=1)]
    plan: PlanConfig | None = None
    needs: tuple[NeedConfig, ...] = ()
    costs: tuple[CostConfig, ...] = ()
    siting_rules: tuple[SitingRuleConfig, ...] = ()
    layers: tuple[LayerConfig, ...] = ()
    candidates: tuple[CandidatesConfig, ...] = ()
    proposals: tuple[ProposalConfig, ...] = ()
    phases: tuple[PhasesConfig, ...] = ()
    joint_proposals: tuple[JointProposalConfig, ...] = ()
    bed_plans: tuple[BedPlanConfig, ...] = ()
    delivery: DeliveryConfig | None = None
    measures: MeasuresConfig = MeasuresConfig()
    geocoding: GeocodingConfig | None = None
    gazetteer: GazetteerConfig = GazetteerConfig()
    maps: MapsConfig = MapsConfig()
    outputs: OutputConfig = OutputConfig()
    folder: Path = Field(default=Path(), exclude=True)

    @model_validator(mode="after")
    def _names_meet(self) -> StudyConfig:
        faults = [*self._repeated_ids(), *self._unknown_names(), *self._planning_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _repeated_ids(self) -> list[str]:
        faults = []
        for section in ("bases", "groups", "settlement_classes", "modes", "services"):
            faults += repeated_ids(section, [entry.id for entry in getattr(self, section)])
        for service in self.services:
            faults += repeated_ids(f"services.{service.id}.standards", [entry.id for entry in service.standards])
        return faults

    def _planning_faults(self) -> list[str]:
        known = {"services": {entry.id for entry in self.services}, "bases": {entry.id for entry in self.bases}}
        for base in known["bases"]:
            known[f"groups:{base}"] = {group.id for group in self.groups if base in group.columns}
        known |= {"modes": {m.id for m in self.modes}, "settlement_classes": {c.id for c in self.settlement_classes}}
        for service in self.services:
            known[f"base:{service.id}"] = {service.base}
            known[f"capacity:{service.id}"] = {service.capacity_unit} if service.capacity_unit else set()
            known[f"needs:{service.id}"] = {need.unit for need in self.needs if need.service == service.id}
        known["needs_per_year"] = {need.service for need in self.needs if need.unit.endswith("_per_year")}
        return [
            *planning.faults(
                plan=self.plan, needs=self.needs, costs=self.costs, siting_rules=self.siting_rules, known=known
            ),
            *sitingmodel.faults(self.layers, self.candidates, self.siting_rules, known),
            *measuremodel.faults(self.measures, known),
            *proposalmodel.faults(
                self.proposals,
                plan=self.plan,
                costs=self.costs,
                standards={service.id: {s.id for s in service.standards} for service in self.services},
                candidates={name for section in self.candidates for name in section.services},
            ),
            *phasemodel.faults(self.phases, self.joint_proposals, proposals=self.proposals, costs=self.costs),
            *deliverymodel.faults(self.delivery, plan=self.plan, needs=self.needs, known=known),
            *bedmodel.faults(
                self.bed_plans,
                plan=self.plan,
                costs=self.costs,
                known=known,
                candidates={name for section in self.candidates for name in section.services},
            ),
        ]

    def _unknown_names(self) -> list[str]:
        modes, bases, groups = ({e.id for e in s} for s in (self.modes, self.bases, self.groups))
        classes = {entry.id for entry in self.settlement_classes}
        named = self.sources.demand.settlement_class
        wanted = [("sources.demand.settlement_class", named, classes)] if named else []
        dense = self.sources.demand.raster.dense_class if self.sources.demand.raster else None
        wanted += [("sources.demand.raster.dense_class", dense, classes)] if dense else []
        spread = self.sources.demand.spread
        dense = spread.raster.dense_class if spread else None
        wanted += [("sources.demand.spread.raster.dense_class", dense, classes)] if dense else []
        by_name = self.sources.demand.settlement_by_name
        wanted += [(f"sources.demand.settlement_by_name.{end}", named, classes) for end, named in by_name.items()]
        wanted += [(f"groups.{g.id}.columns", base, bases) for g in self.groups for base in g.columns]
        for service in self.services:
            at = f"services.{service.id}"
            wanted += [(f"{at}.group", service.group, groups), (f"{at}.base", service.base, bases)]
            for standard in service.standards:
                for limit in standard.limits:
                    inside = f"{at}.standards.{standard.id}"
                    wanted.append((f"{inside}.mode", limit.mode, modes))
                    wanted.append((f"{inside}.settlement", limit.settlement, classes | {ALL_CLASSES}))
        faults = [
            f"{key}: {value!r} is not declared in this study; allowed: {', '.join(sorted(allowed))}"
            for key, value, allowed in wanted
            if value not in allowed
        ]
        faults += [
            f"services.{s.id}.standards.{standard.id}.limits: none for settlement class {', '.join(sorted(lost))}"
            for s in self.services
            for standard in s.standards
            if (lost := classes - {limit.settlement for limit in standard.limits})
            and ALL_CLASSES not in {limit.settlement for limit in standard.limits}
        ]
        by_id = {group.id: group for group in self.groups}
        faults += [
            f"services.{s.id}: group {s.group!r} has no columns for base {s.base!r}; add them or choose another base"
            for s in self.services
            if s.group in by_id and s.base in bases and s.base not in by_id[s.group].columns
        ]
        return faults

    @property
    def digest(self) -> str:
        """The hash of the study's content (not of its layout, comments or place)."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def search_limit_s(self) -> float:
        """The time in seconds beyond which a place counts as not reachable."""
        return minutes_to_seconds(self.region.search_limit_min)

    def for_internal_use(self) -> StudyConfig:
        """Return the study with small numbers of sensitive groups shown as they are (see ``discretion``)."""
        return self.model_copy(update={"outputs": self.outputs.model_copy(update={"internal": True})})

    def resolve(self, path: Path) -> Path:
        """Return a path of the study file as a path that opens: relative ones start at the study file."""
        return path if path.is_absolute() else Path(os.path.normpath(self.folder / path))

    def service(self, service_id: str) -> ServiceConfig:
        """Return a service by its id.

        Raises
        ------
        StudyError
            The study has no such service.
        """
        for service in self.services:
            if service.id == service_id:
                return service
        known = ", ".join(service.id for service in self.services)
        raise StudyError(f"the study has no service {service_id!r}; it has {known}")


def read_study(path: Path | str) -> StudyConfig:
    """Return the study that a TOML file defines.

    Raises
    ------
    InputFileError
        The file is missing or is not TOML (the message names the line).
    StudyError
        Keys or values are not allowed; every fault is listed.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputFileError(f"{path}: there is no such study file; `chongming-gis init` writes one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputFileError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise InputFileError(f"{path}: is not valid TOML: {error}") from error
    return parse_study(content, folder=path.resolve().parent, where=str(path))


def parse_study(content: dict[str, Any], *, folder: Path, where: str = "study") -> StudyConfig:
    """Return the study that a mapping defines; ``folder`` is where its relative paths start.

    Raises
    ------
    StudyError
        Keys or values are not allowed; every fault is listed.
    """
    if "folder" in content:
        raise StudyError(f"{where}: folder: unknown key; paths start at the study file")
    try:
        return StudyConfig.model_validate({**content, "folder": folder})
    except ValidationError as error:
        faults = list(dict.fromkeys(_fault_in_words(f, content) for f in error.errors() if not _is_knock_on(f)))
        listed = "\n  ".join(faults)
        raise StudyError(f"{where}: {len(faults)} fault(s)\n  {listed}") from error


def _is_knock_on(fault: Any) -> bool:
    """Return whether a list only counts as too short because the entries it has are themselves at fault."""
    return fault["type"] == "too_short" and len(fault["input"]) > 0


def _fault_in_words(fault: Any, content: dict[str, Any]) -> str:
    key = _key_in_words(fault["loc"], content)
    kind, value = fault["type"], fault["input"]
    if kind == "extra_forbidden":
        return f"{key}: unknown key (value {_short(value)}); check its spelling or remove it"
    if kind == "missing":
        return f"{key}: is missing and has no default"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if isinstance(value, dict) else f"{key} = {_short(value)}: {message}"


def _key_in_words(location: tuple[int | str, ...], content: dict[str, Any]) -> str:
    """Return services.meal_point.standards... in place of services.0.standards...."""
    words: list[str] = []
    here: Any = content
    for part in location:
        if part in _ARMS:
            continue  # pydantic's name for one arm of a union, not a key of the file
        inside = _inside(here, part)
        if isinstance(here, dict) and here.get("of") == part:
            continue  # pydantic's name for one kind of measure
        if isinstance(part, int) and isinstance(inside, dict) and isinstance(inside.get("id"), str):
            words.append(inside["id"])
        else:
            words.append(str(part))
        here = inside
    return ".".join(words) or "study"


def _inside(container: Any, part: int | str) -> Any:
    if isinstance(container, dict):
        return container.get(part)
    if isinstance(container, list) and isinstance(part, int) and part < len(container):
        return container[part]
    return None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
