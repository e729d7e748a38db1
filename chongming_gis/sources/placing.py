"""Where the rows of a table lie: by their coordinates, else by whoever can find a name and an address (a ``Locator``).

A row that has neither stays without a place and is told, with what was known of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import crs as crs_module
from chongming_gis import datums
from chongming_gis.sources import cells, layers

if TYPE_CHECKING:
    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.config import FacilitySource
    from chongming_gis.findings import Finding, Severity

    Claims = npt.NDArray[np.bool_]

#: What a locator is told of a row; columns the file does not have are missing throughout.
WANTED = ("name_zh", "address", "township_name", "village_name")

_DEGREES, _METRES = ("lon", "lat"), ("x", "y")
_MOST_DEGREES = 180.0


class Locator(Protocol):
    """Finds places by what people call them."""

    def locate(self, wanted: pd.DataFrame) -> gpd.GeoDataFrame:
        """Return where places are.

        Parameters
        ----------
        wanted : text columns ``name_zh``, ``address``, ``township_name``, ``village_name``, NA = not given.

        Returns
        -------
        GeoDataFrame
            The same index, in the study's metric CRS: a point, or None where nothing certain was found;
            ``position_quality_m`` (how far off it may be), ``how`` (by what it was found), ``reason`` (why not). Where
            there are columns ``rule``, ``column`` and ``details``, findings are made with them; ``township_code`` and
            ``village_code`` fill what the table does not say.
        """
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """A table with a point a row in EPSG:4326 (empty where there is none), and how each came by it."""

    table: layers.PointTable
    quality_m: pd.Series  # of located rows; NA elsewhere
    how: pd.Series  # by what a row was located; NA = by its coordinates, or not at all
    unplaced: Claims  # rows that nobody can place
    findings: list[Finding] = field(default_factory=list)  # errors, or warnings where the study leaves such rows out


def place_rows(table: layers.PointTable, source: FacilitySource, *, crs: CRS, locate: Locator | None) -> Placed:
    """Return a table of texts with its points.

    Raises
    ------
    UndeclaredDatumError
        There are coordinates, but the study does not say what they are.
    CrsError
        The datum does not fit.
    TableError
        There is nothing to place any row by.
    """
    table = _with_coordinates(table, source)
    given = _given(table)
    told = _has_words(table.frame)
    geometry = np.full(len(table.frame), shapely.Point(), dtype=object)
    faults: list[Finding] = []
    if given.any() or not told.any() or (locate is None and not _has(table.frame, "address")):
        located = layers.positions_of(table.take(given), datum=source.datum, axes=source.axes)
        geometry[given] = located.frame.geometry.to_numpy()
        faults = located.faults[len(table.faults) :]
    answers = _ask(table.frame[~given & told], locate)
    points = np.asarray(answers.geometry.to_numpy(), dtype=object)
    hit = ~(shapely.is_missing(points) | shapely.is_empty(points))
    found = answers[hit]
    if hit.any():
        geometry[found.index] = crs_module.transform(
            points[hit], crs, crs_module.parse(crs_module.GEOGRAPHIC, where="")
        )
    index = table.frame.index
    frame = _with_codes_found(table.frame, found)
    frame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(geometry, index=index, crs=crs_module.GEOGRAPHIC))
    table = replace(table, frame=frame, faults=[*table.faults, *faults])
    unplaced = ~given & ~index.isin(found.index)
    return Placed(
        table,
        quality_m=found["position_quality_m"].astype(float).reindex(index),
        how=found["how"].astype("str").reindex(index),
        unplaced=unplaced,
        findings=[
            *_told(table, unplaced, answers[~hit], leave_out=source.unplaced == "leave_out"),
            *_told_located(table, found),
        ],
    )


def describe(table: layers.PointTable, row: int | np.signedinteger[Any]) -> str:
    """Return a row's number and what it says of its place, for a list of rows."""
    texts = [table.frame[name].iloc[row] for name in WANTED if name in table.frame.columns]
    return f"row {table.row_numbers[row]}: {', '.join(str(text) for text in texts if isinstance(text, str))}"


def _ask(frame: pd.DataFrame, locate: Locator | None) -> gpd.GeoDataFrame:
    """Return the locator's answers about some rows; without one, that nothing is known of them."""
    if locate is not None and len(frame):
        return locate.locate(_wanted(frame))
    texts = pd.Series(np.nan, index=frame.index, dtype="str")
    nowhere = np.full(len(frame), None, dtype=object)
    columns = {"position_quality_m": pd.Series(np.nan, index=frame.index, dtype=float), "how": texts, "reason": texts}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(nowhere, index=frame.index))


def _with_codes_found(frame: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the codes of the areas in which rows were found, where it does not say them itself."""
    for name in ("township_code", "village_code"):
        if name in found.columns and len(found):
            said = layers.text_column(frame, name)
            frame = frame.assign(**{name: said.fillna(found[name].reindex(frame.index))})
    return frame


def _told(table: layers.PointTable, unplaced: Claims, answers: pd.DataFrame, *, leave_out: bool) -> list[Finding]:
    """Return one finding a row without a position: with the locator's reason, where one was asked."""
    column = next((name for name in ("address", "name_zh") if _has(table.frame, name)), "lon")
    end = "; it is left out" if leave_out else ""
    remedy = "" if leave_out else "write its coordinates, or unplaced = 'leave_out' to go on without such rows"
    severity: Severity = "warning" if leave_out else "error"
    found: list[Finding] = []
    for row in np.flatnonzero(unplaced):
        answer: dict[Any, Any] = answers.loc[row].dropna().to_dict() if row in answers.index else {}
        reason, rule = answer.get("reason", ""), answer.get("rule", "")
        found += table.fault(
            np.arange(len(table.frame)) == row,
            f"the row has no coordinates and cannot be placed{f' ({reason})' if reason else ''}{end}",
            rule=rule or ("unplaced_left_out" if leave_out else "unplaced"),
            column=answer.get("column", "") or column,
            suggestion=remedy,
            severity=severity,
            details={str(name): str(text) for name, text in answer.get("details", {}).items()},
        )
    return found


def _told_located(table: layers.PointTable, found: pd.DataFrame) -> list[Finding]:
    """Return a note for each row that was located: by what, and how far off it may be."""
    notes: list[Finding] = []
    for row in found.index:
        answer: dict[Any, Any] = found.loc[row].dropna().to_dict()
        within = answer.get("position_quality_m")
        off = "" if within is None else f", within {within:,.0f} m"
        notes += table.fault(
            np.arange(len(table.frame)) == row,
            f"the row has no coordinates; it was placed by its words: {answer.get('how', '')}{off}",
            rule=answer.get("rule", "") or "located",
            column=answer.get("column", "") or ("address" if _has(table.frame, "address") else "name_zh"),
            severity="note",
            details={str(name): str(text) for name, text in answer.get("details", {}).items()},
        )
    return notes


def _with_coordinates(table: layers.PointTable, source: FacilitySource) -> layers.PointTable:
    """Return the table with its coordinate columns as numbers under the names that the datum wants."""
    frame, names = table.frame, dict(table.names)
    shown = table.frame if table.shown is None else table.shown
    in_degrees = source.datum is None or source.datum in datums.DEGREES
    if _has(frame, "lon_lat") and not any(_has(frame, name) for name in (*_DEGREES, *_METRES)):
        pair = _DEGREES if in_degrees else _METRES
        frame = frame.assign(**dict(zip(pair, cells.split_pairs(frame["lon_lat"]), strict=True)))
        shown = shown.assign(**dict.fromkeys(pair, shown["lon_lat"]))
        names |= dict.fromkeys(pair, names.get("lon_lat", "lon_lat"))
    if source.datum in datums.DEGREES and _are_degrees(frame):
        frame, shown = (part.rename(columns={"x": "lon", "y": "lat"}) for part in (frame, shown))
        names |= {"lon": names.get("x", "x"), "lat": names.get("y", "y")}
    read = {name: cells.read_degrees(frame[name]) for name in _DEGREES if _has(frame, name)}
    read |= {name: cells.read_numbers(frame[name]).numbers for name in _METRES if _has(frame, name)}
    return replace(table, frame=frame.assign(**read), shown=shown, names=names)


def _are_degrees(frame: pd.DataFrame) -> bool:
    """Return whether a table without lon and lat holds degrees under the headers x and y."""
    if any(_has(frame, name) for name in _DEGREES) or not all(_has(frame, name) for name in _METRES):
        return False
    numbers = np.concatenate([cells.read_degrees(frame[name]) for name in _METRES])
    finite = numbers[np.isfinite(numbers)]
    return bool(finite.size) and bool((np.abs(finite) <= _MOST_DEGREES).all())


def _given(table: layers.PointTable) -> Claims:
    """Return which rows have something in a coordinate column, readable or not."""
    frame = table.frame if table.shown is None else table.shown  # texts: an unreadable one is a fault, not a gap
    return _any_filled(frame, (*_DEGREES, *_METRES))


def _has(frame: pd.DataFrame, name: str) -> bool:
    return name in frame.columns


def _has_words(frame: pd.DataFrame) -> Claims:
    """Return which rows say something a place can be found by."""
    return _any_filled(frame, ("name_zh", "address", "village_name"))


def _any_filled(frame: pd.DataFrame, names: tuple[str, ...]) -> Claims:
    found = np.zeros(len(frame), dtype=bool)
    for name in names:
        if _has(frame, name):
            found |= frame[name].notna().to_numpy()
    return found


def _wanted(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: layers.text_column(frame, name) for name in WANTED})
