"""The study's sections on people: grids, tables by village or township, what spreads them, and shares of age groups.

They are parts of ``sources.demand``. Each file says in its own words where it comes from, or inherits what
``sources.demand`` says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from chongming_gis import crs as crs_module
from chongming_gis.errors import CrsError
from chongming_gis.studymodel import Identifier, NotNegative, Positive, StudyModel, Text

PartKind = Literal["surveyed", "official_statistic", "sourced", "derived", "schematic"]
GridUnit = Literal["persons", "persons_per_km2"]
Border = Literal["fraction", "whole"]
TableLevel = Literal["village", "township"]
ShareLevel = Literal["district", "township", "village"]
ShareUnit = Literal["share", "percent"]
SpreadBy = Literal["raster", "roads", "buildings", "point"]

#: Kinds of ``sources.land`` in which nobody lives; planning assumption.
NOBODY_LIVES_IN = (
    *("water", "sea", "river", "lake", "pond", "canal", "reservoir", "tidal_flat", "wetland"),
    *("reserve", "port", "other_district"),
)
#: Classes of road along which people live; planning assumption.
LIVED_ALONG = ("residential", "living_street", "unclassified", "tertiary", "pedestrian", "road")


def _known_crs(value: str) -> str:
    try:
        crs_module.parse(value, where="crs")
    except CrsError as error:
        raise ValueError(str(error)) from error
    return value


class RasterConfig(StudyModel):
    """How a population grid is read: its bands, its unit, what holds no data, its border, and which cells are dense."""

    bands: dict[Text, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)  # none = the bands' own descriptions
    unit: GridUnit = "persons"  # persons per cell, or density
    crs: Annotated[str, AfterValidator(_known_crs)] | None = None  # for a grid that does not say its own
    nodata: float | None = None  # a value that means "no data" besides what the grid declares
    border: Border = "fraction"  # cells on the region's border: by the part inside, or whole (coasts: the rest is sea)
    merge_cells: Annotated[int, Field(ge=1, le=100)] = 1  # k = k x k cells make one demand point in each township
    dense_class: Identifier | None = None  # settlement class of dense cells; others have the source's settlement_class
    dense_from_persons: Positive | None = None  # per cell, summed over the first base of the study's first group

    @model_validator(mode="after")
    def _dense_is_whole(self) -> RasterConfig:
        if (self.dense_class is None) != (self.dense_from_persons is None):
            raise ValueError("dense_class and dense_from_persons belong together: give both or neither")
        return self


class PartOrigin(StudyModel):
    """Where a part of demand comes from; what it does not say is that of ``sources.demand``."""

    kind: PartKind | None = None
    source: str = ""
    source_en: str = ""
    licence: str = ""
    licence_en: str = ""
    date: str = ""
    position_quality_m: NotNegative | None = None
    how: str = ""
    how_en: str = ""

    def inheriting(self, whole: object) -> Self:
        """Return the part with what it does not say of its origin taken from the whole.

        A text and its English are inherited together: the English of another text would not belong to it.
        """
        open_keys = [key for key in PartOrigin.model_fields if getattr(self, key.removesuffix("_en")) in {None, ""}]
        return self.model_copy(update={key: getattr(whole, key) for key in open_keys})


class DemandPart(PartOrigin):
    """A file that demand is made from."""

    path: Path


class PeopleTable(DemandPart):
    """Persons by village or township: one row an area, which a code or a name tells; columns of persons."""

    by: TableLevel
    sheet: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)  # village_name, township_name, ... -> the file's


class SharesTable(DemandPart):
    """What share of a persons column belongs to each age group, for the district or by township or village."""

    of: Text  # the persons column that is divided; the columns of the file name the new ones
    by: ShareLevel = "district"
    unit: ShareUnit = "share"
    complete: bool = True  # the shares of a row make up the whole, so that the groups add up to ``of``
    sheet: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)


class SpreadConfig(PartOrigin):
    """Where inside an area its people are put: by the cells of a grid, along roads, at buildings, or on one point."""

    by: SpreadBy
    path: Path | None = None  # raster and buildings: the file; roads: another file than sources.roads
    layer: str | None = None
    raster: RasterConfig = RasterConfig()  # for by = "raster": its first named band is the weight
    every_m: Positive = 100.0  # for by = "roads": one point for so much road; planning assumption
    classes: tuple[str, ...] = LIVED_ALONG  # for by = "roads"
    weight: Text | None = None  # for by = "buildings" from a layer: its column of weights; none = floor area
    whole_persons: bool = False  # largest remainder: no fractions of persons, sums kept

    @model_validator(mode="after")
    def _has_its_file(self) -> SpreadConfig:
        if self.path is None and self.by in {"raster", "buildings"}:
            raise ValueError(f"path is missing: by = {self.by!r} needs a file")
        if self.path is not None and self.by == "point":
            raise ValueError("path is given, but by = 'point' needs no file")
        return self
