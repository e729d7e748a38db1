"""Contracts of every frame that crosses a module boundary, and the few values that carry such frames.

A contract names columns, types, ranges, key, geometry type and what the table means. ``validate`` reports *every*
fault at once. Columns beyond the contract are kept: a contract says what must be there, not what may not.

Text columns have pandas' ``str`` dtype (missing = NA); keys are int64 or text, never missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis.errors import CrsError, TableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from pyproj import CRS
    from shapely.geometry import MultiPolygon, Polygon

    from chongming_gis.findings import Finding

Frame = TypeVar("Frame", bound=pd.DataFrame)

MOST_FAULTS_SHOWN = 12

LEVELS = ("district", "township", "village")
SERVES = ("district", "township", "village", "all")
STATUSES = ("existing", "planned")
DATA_KINDS = ("surveyed", "official_statistic", "sourced", "derived", "schematic")


@dataclass(frozen=True, slots=True)
class Column:
    """What one column must hold; values are checked where they are not missing."""

    dtype: str
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    allowed: tuple[str, ...] = ()

    def as_pandera(self) -> Any:
        """Return the same as a pandera column, which words the faults. It is loaded only where there are some."""
        import pandera.pandas as pa

        checks = [pa.Check.ge(self.low)] if self.low is not None else []
        checks += [pa.Check.le(self.high)] if self.high is not None else []
        checks += [pa.Check.isin(self.allowed)] if self.allowed else []
        return pa.Column(str if self.dtype == "str" else self.dtype, checks, nullable=self.nullable)


@dataclass(frozen=True, slots=True)
class Contract:
    """What a table must hold: columns with their checks, the key, and the geometry."""

    name: str
    meaning: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    geometry_types: tuple[str, ...] = ()

    @property
    def is_spatial(self) -> bool:
        """Whether the table has a geometry column."""
        return bool(self.geometry_types)


def _text(*allowed: str) -> Column:
    """Return a text column that may not be empty; ``allowed`` narrows its values."""
    return Column("str", allowed=allowed)


def _maybe_text() -> Column:
    return Column("str", nullable=True)


def _number(low: float | None = None, high: float | None = None, *, nullable: bool = False) -> Column:
    return Column("float64", nullable, low, high)


def _whole(low: int | None = None) -> Column:
    return Column("int64", low=low)


def _claim() -> Column:
    return Column("bool")


NODES = Contract(
    name="nodes",
    meaning="junctions, ends and barriers of the roads",
    columns={
        "node_id": _whole(),
        "barrier": _maybe_text(),
        "access": _maybe_text(),
        "foot": _maybe_text(),
        "bicycle": _maybe_text(),
        "motor_vehicle": _maybe_text(),
    },
    key=("node_id",),
    geometry_types=("Point",),
)

#: Tags of an edge that network rules read. They are raw OSM text whatever the door; NA = not tagged.
EDGE_TAGS = (
    "highway",
    "route",
    "access",
    "foot",
    "bicycle",
    "motor_vehicle",
    "oneway",
    "oneway_bicycle",
    "junction",
    "maxspeed",
    "bridge",
    "tunnel",
    "surface",
    "service",
    "motorroad",
    "name",
)

EDGES = Contract(
    name="edges",
    meaning="pieces of road or ferry between two nodes; u -> v is the direction in which the way was drawn",
    columns={
        "edge_id": _whole(),
        "u": _whole(),
        "v": _whole(),
        "way_id": _whole(),  # the OSM way or the row of the line layer that the edge is cut from
        "length_m": _number(0.0),  # geodesic
        **{tag: _maybe_text() for tag in EDGE_TAGS},
        "duration_s": _number(0.0, nullable=True),  # ferries: crossing time of this edge (its share of the way's)
        "headway_s": _number(0.0, nullable=True),  # ferries: time between two sailings of the whole way
        "way_share": _number(0.0, 1.0 + 1e-9),  # this edge's share of its way's length
    },
    key=("edge_id",),
    geometry_types=("LineString",),
)

TOWNSHIPS = Contract(
    name="townships",
    meaning="township areas; several rows of one code never occur (islands are multipolygons)",
    columns={"township_code": _text(), "name_zh": _text(), "name_en": _maybe_text()},
    key=("township_code",),
    geometry_types=("Polygon", "MultiPolygon"),
)

VILLAGES = Contract(
    name="villages",
    meaning="village and neighbourhood areas",
    columns={"village_code": _text(), "name_zh": _text(), "township_code": _text()},
    key=("village_code",),
    geometry_types=("Polygon", "MultiPolygon", "Point"),
)

LAND = Contract(
    name="land",
    meaning="coast, water and zones that the maps draw and siting rules refer to",
    columns={"land_id": _text(), "kind": _text(), "name_zh": _maybe_text(), "data_kind": _text(*DATA_KINDS)},
    key=("land_id",),
    geometry_types=("Polygon", "MultiPolygon", "LineString", "MultiLineString"),
)

FACILITIES = Contract(
    name="facilities",
    meaning="places that give a service",
    columns={
        "facility_id": _text(),
        "service": _text(),
        "name_zh": _text(),
        "township_code": _maybe_text(),
        "village_code": _maybe_text(),
        "site_id": _maybe_text(),  # what stands on one site shares it
        "kind": _maybe_text(),
        "level": _text(*LEVELS),
        "serves": _text(*SERVES),
        "status": _text(*STATUSES),
        "open_year": Column("Int64", nullable=True),
        "close_year": Column("Int64", nullable=True),
        "standardised": Column("boolean", nullable=True),
        "position_quality_m": _number(0.0, nullable=True),
        "data_kind": _text(*DATA_KINDS),
        "source": _maybe_text(),
    },
    key=("facility_id",),
    geometry_types=("Point",),
)

FACILITY_CAPACITY = Contract(
    name="facility_capacity",
    meaning="how much of which unit a facility gives and how much of it is in use",
    columns={
        "facility_id": _text(),
        "unit": _text(),
        "value": _number(0.0),
        "used": _number(0.0, nullable=True),
    },
    key=("facility_id", "unit"),
)

DEMAND = Contract(
    name="demand",
    meaning="places where people live, one row a place; persons stand beside it by base and group",
    columns={
        "demand_id": _text(),
        "name_zh": _maybe_text(),
        "township_code": _maybe_text(),
        "village_code": _maybe_text(),
        "island": _maybe_text(),
        "settlement_class": _text(),
    },
    key=("demand_id",),
    geometry_types=("Point",),
)

ACCESS = Contract(
    name="access",
    meaning="one row a demand point, service, standard and serves rule: the nearest facility it may use",
    columns={
        "demand_id": _text(),
        "service": _text(),
        "standard": _text(),
        "serves_rule": _text("applied", "ignored"),
        "mode": _text(),  # the mode this point is measured by under this standard
        "standard_s": _number(0.0),
        "time_s": _number(0.0),  # inf = not reached within the search limit
        "facility_id": _maybe_text(),
        "covered": _claim(),
        "n_within": _whole(0),
    },
    key=("demand_id", "service", "standard", "serves_rule"),
)

COVERAGE = Contract(
    name="coverage",
    meaning="persons within a standard, by scope, group and base; share is NA where nobody lives",
    columns={
        "scope": _text("district", "island", "township", "village"),
        "scope_code": _text(),
        "name_zh": _maybe_text(),
        "service": _text(),
        "standard": _text(),
        "serves_rule": _text("applied", "ignored"),
        "mode": _text(),  # a mode, or "by_settlement" where the standard has one per settlement class
        "group": _text(),
        "base": _text(),
        "standard_s": _number(0.0, nullable=True),  # NA where the limit differs by settlement class
        "persons": _number(0.0),
        "persons_covered": _number(0.0),
        "share_covered": _number(0.0, 1.0 + 1e-9, nullable=True),
    },
    key=("scope", "scope_code", "service", "standard", "serves_rule", "group", "base"),
)


INDICATORS = Contract(
    name="indicators",
    meaning="each indicator of the plan under each target set, for the district and the areas it is asked of",
    columns={
        "indicator_id": _text(),
        "target_set": _text(),
        "scope": _text("district", "township", "village"),
        "scope_code": _text(),
        "name_zh": _maybe_text(),  # of the area
        "unit": _text(),  # as the plan states it; "percent" or the study's word
        "value": _number(nullable=True),  # measured from the study's files; NA = known from the plan only
        "baseline": _number(nullable=True),  # as the plan states it for its base year
        "target": _number(nullable=True),  # NA = to be filled
        "target_year": _whole(1900),
        "shortfall": _number(0.0, nullable=True),  # in the indicator's unit; NA where there is no verdict
        "places_short": _number(0.0, nullable=True),  # facilities or areas that are missing; NA where none are counted
        "persons_short": _number(0.0, nullable=True),  # who live where it is missing; NA where that cannot be told
        "status": _text("met", "not_met", "schematic", "to_fill", "not_measured"),
        "evidence": _text("data", "schematic", "stated"),
    },
    key=("indicator_id", "target_set", "scope", "scope_code"),
)


PROVISION = Contract(
    name="provision",
    meaning="what a demand point needs of a service, and how much of it finds a place within the headline standard",
    columns={
        "demand_id": _text(),
        "service": _text(),
        "unit": _text(),  # of need and capacity
        "need": _number(0.0),
        "served": _number(0.0),
        "no_place": _number(0.0),  # a facility is in reach, but has no place left
        "out_of_reach": _number(0.0),
        "nearest_with_place_s": _number(0.0),  # to a place left over, beyond the standard; inf = none, or wholly served
    },
    key=("demand_id", "service"),
)


CANDIDATES = Contract(
    name="candidates",
    meaning="places where a service could be built, the refused ones with every rule that refuses them",
    columns={
        "candidate_id": _text(),  # the same for every service that could stand there, and in every run
        "service": _text(),
        "name_zh": _maybe_text(),
        "township_code": _maybe_text(),
        "village_code": _maybe_text(),
        "site_id": _maybe_text(),  # what stands there already shares it
        "kind": _text("own", "site", "feature", "village", "node", "grid"),
        "allowed": _claim(),
        "reason": _maybe_text(),  # the rules that refuse it, " | " between; NA = allowed
        "source": _maybe_text(),  # of each of these, in their order
        "unjudged": _maybe_text(),  # the rules that no data could answer here, " | " between
        "land_kind": _maybe_text(),  # what sources.land has there, " | " between
        "road_class": _maybe_text(),  # of the nearest road
        "road_m": _number(0.0, nullable=True),  # straight line; NA = the study has no roads
        "persons_near": _number(0.0, nullable=True),  # of the service's group; within what: report["near"]
    },
    key=("service", "candidate_id"),
    geometry_types=("Point",),
)

GROUND_CHOICE = Contract(
    name="ground_choice",
    meaning="whether any of the looked-at places of a township may become a burial ground",
    columns={
        "township_code": _text(),
        "name_zh": _maybe_text(),
        "n_places": _whole(0),
        "n_allowed": _whole(0),
        "choice": _text("ground", "columbarium", "not_looked_at"),
        "reason": _maybe_text(),  # where no place is allowed: the rule that refuses most of them
    },
    key=("township_code",),
)


@dataclass(frozen=True, slots=True)
class RoadTables:
    """Roads in one pair of tables, whatever file they came from, in one metric CRS."""

    nodes: gpd.GeoDataFrame
    edges: gpd.GeoDataFrame
    report: Mapping[str, int] = field(default_factory=dict)  # rows read, kept and dropped, by reason

    @property
    def crs(self) -> CRS:
        """The metric CRS of both tables."""
        if self.edges.crs is None:
            raise CrsError("the road tables carry no CRS; read them through sources.read_roads")
        metric: CRS = self.edges.crs
        return metric


@dataclass(frozen=True, slots=True)
class Demand:
    """Where people live, and how many of each group under each population base."""

    points: gpd.GeoDataFrame
    persons: pd.DataFrame  # index = demand_id in the order of points; columns = persons_column(base, group)
    report: Mapping[str, Any] = field(default_factory=dict)  # rows read and dropped; "dropped" names them


@dataclass(frozen=True, slots=True)
class Facilities:
    """Facilities of every service, and what each can give."""

    places: gpd.GeoDataFrame
    capacity: pd.DataFrame
    report: Mapping[str, Any] = field(default_factory=dict)  # rows read and dropped; "dropped" names them

    def only(self, kept: npt.NDArray[np.bool_] | pd.Series, **told: Any) -> Facilities:
        """Return some of the places with their capacity; ``told`` goes into the report."""
        places = self.places[kept].reset_index(drop=True)
        capacity = self.capacity[self.capacity["facility_id"].isin(places["facility_id"])].reset_index(drop=True)
        return Facilities(places=places, capacity=capacity, report={**self.report, **told})


@dataclass(frozen=True, slots=True)
class StudyInputs:
    """Everything a study reads, in its metric CRS; areas it does not name have no rows."""

    roads: RoadTables
    demand: Demand
    facilities: Mapping[str, Facilities]  # by service id
    townships: gpd.GeoDataFrame
    villages: gpd.GeoDataFrame
    land: gpd.GeoDataFrame
    region: Polygon | MultiPolygon | None
    findings: tuple[Finding, ...] = ()  # what the readers had to say: warnings and notes

    @property
    def crs(self) -> CRS:
        """The study's metric CRS."""
        return self.roads.crs


def rows_where(frame: Frame, column: str, value: str) -> Frame:
    """Return the rows of a table that have a value in a text column; where they stand together no text is copied.

    Examples
    --------
    >>> rows_where(pd.DataFrame({"service": ["a", "b", "a"]}), "service", "a").index.tolist()
    [0, 2]
    """
    at = np.flatnonzero((frame[column] == value).to_numpy(bool))
    if len(at) and at[-1] - at[0] + 1 == len(at):
        return frame.iloc[at[0] : at[-1] + 1]
    return frame.iloc[at]


def persons_column(base: str, group: str) -> str:
    """Return the name of the column of persons of a group under a population base.

    Examples
    --------
    >>> persons_column("registered", "a60_plus")
    'registered:a60_plus'
    """
    return f"{base}:{group}"


def validate(frame: pd.DataFrame, contract: Contract, *, where: str) -> None:
    """Raise one error that lists everything in which a frame breaks its contract.

    Parameters
    ----------
    where : what the reader calls this table (a file, a sheet), named in the error.

    Raises
    ------
    TableError
        Columns are missing or of the wrong type, values out of range, keys duplicate, geometries of another type.
    """
    frame = frame.reset_index(drop=True)  # rows of joined files may share a label; faults name them by key
    faults = [*_column_faults(frame, contract), *_key_faults(frame, contract), *_geometry_faults(frame, contract)]
    if faults:
        shown = faults[:MOST_FAULTS_SHOWN]
        more = [f"and {len(faults) - len(shown)} more"] if len(faults) > len(shown) else []
        raise TableError(f"{where}: {'; '.join([*shown, *more])}")


def no_table(contract: Contract) -> pd.DataFrame:
    """Return an empty table without geometry that satisfies a contract."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in column_types(contract).items()})


def no_rows(contract: Contract, crs: CRS) -> gpd.GeoDataFrame:
    """Return an empty table that satisfies a contract, for what a study does not have."""
    columns: dict[str, pd.Series] = {name: pd.Series(dtype=kind) for name, kind in column_types(contract).items()}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=crs), crs=crs)


def column_types(contract: Contract) -> dict[str, str]:
    """Return the pandas type of each column of a contract, as ``astype`` and ``read_csv`` take them."""
    return {name: column.dtype for name, column in contract.columns.items()}


def empty_text(length: int) -> pd.Series:
    """Return a text column of missing values, as optional columns of a contract want it."""
    return pd.Series(np.nan, index=pd.RangeIndex(length), dtype="str")


def _is_faultless(frame: pd.DataFrame, contract: Contract) -> bool:
    """Return whether the columns satisfy the contract, some ten times as fast as pandera, which words the faults."""
    return all(name in frame.columns and _passes(frame[name], rule) for name, rule in contract.columns.items())


def _passes(column: pd.Series, rule: Column) -> bool:
    if column.dtype != rule.dtype:
        return False
    missing = column.isna()
    if missing.any():
        if not rule.nullable:
            return False
        column = column[~missing]
    return not (
        (rule.low is not None and not (column >= rule.low).all())
        or (rule.high is not None and not (column <= rule.high).all())
        or (rule.allowed and not column.isin(rule.allowed).all())
    )


def _column_faults(frame: pd.DataFrame, contract: Contract) -> list[str]:
    if _is_faultless(frame, contract):
        return []
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

    try:
        schema = {name: column.as_pandera() for name, column in contract.columns.items()}
        pa.DataFrameSchema(schema).validate(pd.DataFrame(frame), lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    faults: list[str] = []
    for (column, check), rows in cases.groupby(["column", "check"], sort=False, dropna=False):
        if check == "column_in_dataframe":
            faults.extend(f"column {name!r} is missing" for name in rows["failure_case"])
            continue
        if str(rows["failure_case"].iloc[0]).startswith("TypeError("):
            continue  # a range check that could not compare: the wrong type is told already
        index = [row for row in rows["index"] if pd.notna(row)]
        values = [value for value, row in zip(rows["failure_case"], rows["index"], strict=True) if pd.notna(row)]
        at = f" in {len(index)} row(s), e.g. {_row_name(frame, contract, index[0])}: {values[0]!r}" if index else ""
        got = "" if index else f" (is {rows['failure_case'].iloc[0]})"
        faults.append(f"column {column!r} must be {_in_words(str(check))}{got}{at}")
    return faults


_TYPE_WORDS = {
    "string[pyarrow]": "text",
    "str": "text",
    "float64": "a number with decimals",
    "int64": "a whole number",
    "bool": "true or false",
}


def _in_words(check: str) -> str:
    name, _, argument = check.partition("(")
    argument = argument.rstrip(")")
    words = {
        "greater_than_or_equal_to": f"at least {argument}",
        "less_than_or_equal_to": f"at most {argument}",
        "not_nullable": "filled",
        "isin": f"one of {argument}",
        "dtype": _TYPE_WORDS.get(argument.strip("'"), f"of type {argument}"),
    }
    return words.get(name, check)


def _row_name(frame: pd.DataFrame, contract: Contract, row: Any) -> str:
    keys = [key for key in contract.key if key in frame.columns]
    if not keys:
        return f"row {row}"
    return ", ".join(f"{key} {frame[key].loc[row]}" for key in keys)


def _key_faults(frame: pd.DataFrame, contract: Contract) -> list[str]:
    if not set(contract.key) <= set(frame.columns):
        return []
    repeated = frame.loc[frame.duplicated(list(contract.key), keep="first"), list(contract.key)]
    if repeated.empty:
        return []
    first = ", ".join(str(value) for value in repeated.iloc[0])
    return [f"{len(repeated)} row(s) repeat the key {' + '.join(contract.key)}, e.g. {first}: make it unique"]


def _geometry_faults(frame: pd.DataFrame, contract: Contract) -> list[str]:
    if not contract.is_spatial:
        return []
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return ["the geometry column is missing"]
    if frame.crs is None:
        return ["the CRS is missing: declare the coordinate system of the file"]
    geometry = frame.geometry.to_numpy()
    faults = []
    empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    if empty.any():
        rows = frame.index[empty]
        faults.append(f"{empty.sum()} row(s) have no geometry, e.g. {_row_name(frame, contract, rows[0])}")
    kinds = frame.geometry.geom_type
    wrong = ~empty & ~kinds.isin(contract.geometry_types).to_numpy()
    if wrong.any():
        found = ", ".join(sorted(set(kinds[wrong])))
        faults.append(f"{wrong.sum()} row(s) are {found} where {' or '.join(contract.geometry_types)} is needed")
    infinite = ~empty & ~np.isfinite(shapely.bounds(geometry)).all(axis=1)
    if infinite.any():
        faults.append(f"{infinite.sum()} row(s) have coordinates that are not finite numbers")
    return faults
