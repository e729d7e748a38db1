"""StudyResult: every table a run made, and where each came from; saved as a folder, loaded back, never recomputed.

Maps and reports are drawn from a ``StudyResult`` alone. ``staged_folder`` is how anything is written: into a temporary
folder beside the target, moved into place when whole, so that a failed run never damages the last good result.
"""

from __future__ import annotations

import contextlib
import csv
import html
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyarrow import parquet

from chongming_gis import cell_text, crs, geotiff, measured_tables, tables
from chongming_gis.config import StudyConfig
from chongming_gis.errors import InputFileError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyproj import CRS

    from chongming_gis.isochrones import Surface

FORMAT = 3  # raised when a saved folder of an older version can no longer be read
MANIFEST = "manifest.json"
_NUMBER = "%.10g"  # persons of the largest city to the last one, and no noise of the last bit
_ROWS_READ_TOGETHER = 131_072  # of the access table: few of them hold the answers on one service
_TABLES = {"coverage": tables.COVERAGE, "indicators": tables.INDICATORS}
_MANY_DIGITS = re.compile(r"\.\d{7}")  # looked for first, since it is found six times as fast
_NUMBER_OF_MANY_DIGITS = re.compile(r"-?\d+\.\d{7,}")
_LAYERS = ("townships", "villages", "land", "roads_drawn")


@dataclass(frozen=True, slots=True)
class StudyResult:
    """Everything a run found. Frames are in the study's metric CRS; see ``tables`` for their contracts."""

    study: StudyConfig
    demand: tables.Demand
    facilities: tables.Facilities
    townships: gpd.GeoDataFrame  # no rows where the study has none, likewise the next three
    villages: gpd.GeoDataFrame
    land: gpd.GeoDataFrame
    roads_drawn: gpd.GeoDataFrame  # highway, route, name, bridge, tunnel, geometry: simplified, for drawing only
    access: pd.DataFrame
    coverage: pd.DataFrame
    indicators: pd.DataFrame  # no rows where the study has no plan
    provision: pd.DataFrame  # no rows where it states no needs
    measured: Mapping[str, pd.DataFrame]  # by the names in ``measured_tables``; absent = not asked for
    surfaces: Mapping[str, Surface]  # travel times by file name without ending
    manifest: Mapping[str, Any]

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the study and its tables by name; nothing is read for it."""
        fields = (*_LAYERS, "access", "coverage", "indicators", "provision")
        own = {"demand.points": self.demand.points, "facilities.places": self.facilities.places}
        own |= {name: getattr(self, name) for name in fields}
        lines = "".join(
            f"<tr><td>{html.escape(name)}</td><td style='text-align:right'>{len(table):,}</td>"
            f"<td>{html.escape(', '.join(str(column) for column in table.columns))}</td></tr>"
            for name, table in own.items()
        )
        lines += "".join(f"<tr><td colspan='3'>measured[{html.escape(repr(name))}]</td></tr>" for name in self.measured)
        title = f"{self.study.name_zh} · {self.study.name_en} · {self.study.data_date.isoformat()}"
        head = "<tr><th>table</th><th>rows</th><th>columns</th></tr>"
        return f"<table><caption>{html.escape(title)}</caption><thead>{head}</thead><tbody>{lines}</tbody></table>"


def save(result: StudyResult, folder: Path) -> None:
    """Write every table of a result into an existing folder (see ``staged_folder``).

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    try:
        for name in ("layers", "tables"):
            (folder / name).mkdir(exist_ok=True)
        for name in _TABLES:
            write_table(getattr(result, name), folder / f"{name}.csv")
        result.access.to_parquet(
            folder / "access.parquet", compression="zstd", index=False, row_group_size=_ROWS_READ_TOGETHER
        )
        result.provision.to_parquet(folder / "tables" / "provision.parquet", compression="zstd", index=False)
        _write_measured(result, folder)
        demand = result.demand.points.join(result.demand.persons, on="demand_id")
        _write_layer(demand, folder, "demand")
        _write_layer(result.facilities.places, folder, "facilities")
        result.facilities.capacity.to_parquet(folder / "layers" / "facility_capacity.parquet", index=False)
        for name in _LAYERS:
            _write_layer(getattr(result, name), folder, name)
        manifest = {**result.manifest, "format": FORMAT, "study": result.study.model_dump(mode="json")}
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        (folder / MANIFEST).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder}: the result cannot be written ({error.strerror or error})") from error


def load(folder: Path | str, *, service_id: str | None = None) -> StudyResult:
    """Return the result that ``save`` wrote; measured tables and surfaces are read when they are asked for.

    Parameters
    ----------
    service_id : the access and coverage tables are to hold the answers on this service only, which is read sooner; an
        id that is no service of the study leaves nothing out.

    Raises
    ------
    InputFileError
        The folder is not a result, or was written in a format this version does not read.
    """
    folder = Path(folder)
    try:
        return _loaded(folder, service_id)
    except FileNotFoundError as error:
        missing = Path(error.filename or folder).name
        raise InputFileError(f"{folder}: is not a result folder ({missing} is missing); make one with `run`") from error
    except InputFileError:
        raise
    except (OSError, ValueError, KeyError) as error:  # pyarrow's errors and pydantic's are ValueErrors
        reason = str(error).partition("\n")[0]
        raise InputFileError(f"{folder}: cannot be read as a result ({reason}); make it again with `run`") from error


def _loaded(folder: Path, service_id: str | None) -> StudyResult:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise InputFileError(f"{folder}: is a result in format {found}, not {FORMAT}: make it again with `run`")
    study = StudyConfig.model_validate({**manifest.pop("study"), "folder": Path()})
    asked = [service.id for service in study.services if service.id == service_id]
    read = {name: _read_table(folder / f"{name}.csv", contract) for name, contract in _TABLES.items()}
    if asked:
        read["coverage"] = tables.rows_where(read["coverage"], "service", asked[0])
    layers = {name: _read_layer(folder / "layers" / f"{name}.parquet") for name in _LAYERS}
    demand = _read_layer(folder / "layers" / "demand.parquet")
    counted = {tables.persons_column(base, group.id) for group in study.groups for base in group.columns}
    counts = [name for name in demand.columns if name in counted]
    persons = pd.DataFrame(demand[counts]).set_index(pd.Index(demand["demand_id"]))
    return StudyResult(
        study=study,
        demand=tables.Demand(points=demand.drop(columns=counts), persons=persons),
        facilities=tables.Facilities(
            places=_read_layer(folder / "layers" / "facilities.parquet"),
            capacity=pd.read_parquet(folder / "layers" / "facility_capacity.parquet"),
        ),
        access=pd.read_parquet(folder / "access.parquet", filters=[("service", "in", asked)] if asked else None),
        provision=pd.read_parquet(folder / "tables" / "provision.parquet"),
        measured=SavedTables(folder),
        surfaces=geotiff.SavedSurfaces(folder),
        **read,
        manifest=manifest,
        **layers,
    )


def _write_measured(result: StudyResult, folder: Path) -> None:
    for name, table in result.measured.items():
        tables.validate(table, measured_tables.MEASURED[name], where=name)
        if measured_tables.MEASURED[name].is_spatial:
            _write_layer(table, folder, name)
            if name not in measured_tables.WITHOUT_GEOJSON:
                (folder / f"{name}.geojson").write_text(_as_geojson(table), encoding="utf-8")
        else:
            table.to_parquet(folder / "tables" / f"{name}.parquet", compression="zstd", index=False)
    if {"routes", "route_stops"} <= set(result.measured):
        write_table(routes_table(result.measured), folder / "routes.csv")
    if {"plans", "sites"} <= set(result.measured):
        _write_plans(result.measured["plans"], result.measured["sites"], folder)
    geotiff.write_surfaces(result.surfaces, folder)


def _write_plans(plans: pd.DataFrame, sites: pd.DataFrame, folder: Path) -> None:
    """Write proposed sites as a table people open (positions in WGS 84), and certificates with their sites as JSON."""
    write_table(sites_table(sites), folder / "sites.csv")
    records = {row.pop("proposal"): row for row in json.loads(plans.to_json(orient="records", double_precision=15))}
    for name, record in records.items():
        record["sites"] = sites.loc[sites["proposal"] == name, "place_id"].tolist()
    text = json.dumps(records, ensure_ascii=False, indent=1)
    (folder / "plan.json").write_text(text, encoding="utf-8")


def routes_table(measured: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the stops of all rounds as a table people open: round, vehicle, departure, order, drop, arrival, load."""
    columns = ["round_id", "kitchen_id", "name_zh", "vehicle", "cart", "wave", "depart"]
    rounds = pd.DataFrame(measured["routes"])[columns].rename(columns={"name_zh": "kitchen_name_zh"})
    return rounds.merge(measured["route_stops"], on="round_id", how="inner", validate="one_to_many")


def sites_table(sites: pd.DataFrame) -> pd.DataFrame:
    """Return proposed sites as a table people open: positions as longitude and latitude (WGS 84)."""
    points = gpd.GeoDataFrame(sites)
    lon, lat = crs.to_degrees(points.geometry.x.to_numpy(), points.geometry.y.to_numpy(), points.crs)
    return pd.DataFrame(points.drop(columns="geometry")).assign(lon=np.round(lon, 6), lat=np.round(lat, 6))


def _as_geojson(layer: gpd.GeoDataFrame) -> str:
    """Return a layer as RFC 7946 asks for it: longitude and latitude, to about a decimetre.

    JSON has no infinity: what is not reached is null there, as what is missing.
    """
    there = crs.shapes_to_degrees(layer.geometry.to_numpy(), crs.parse(layer.crs, where="a layer of the result"))
    shapes = shapely.set_precision(there, 1e-6, mode="pointwise")
    broken = ~shapely.is_valid(shapes)  # rounded across itself: the careful way takes six times as long
    shapes[broken] = shapely.set_precision(there[broken], 1e-6)
    geometries = ["null" if text is None else _spaced(text) for text in shapely.to_geojson(shapes).tolist()]
    names = [str(name) for name in layer.columns if name != layer.active_geometry_name]
    rows = zip(*(_json_values(layer[name]) for name in names), strict=True)
    encode = json.JSONEncoder(ensure_ascii=False).encode
    features = ", ".join(
        f'{{"type": "Feature", "properties": {encode(dict(zip(names, row, strict=True)))}, "geometry": {geometry}}}'
        for row, geometry in zip(rows, geometries, strict=True)
    )
    return f'{{"type": "FeatureCollection", "features": [{features}]}}'


def _spaced(geometry: str) -> str:
    """Return a geometry as Python's json would write it: GEOS sometimes writes more digits than a number needs."""
    spaced = geometry.replace(",", ", ").replace(":", ": ")
    if _MANY_DIGITS.search(spaced) is None:
        return spaced
    return _NUMBER_OF_MANY_DIGITS.sub(lambda match: repr(float(match.group())), spaced)


def _json_values(column: pd.Series) -> list[Any]:
    if column.dtype == "str":
        return list(pa.array(column).to_pylist())
    is_known = column.notna() & np.isfinite(column) if column.dtype == "float64" else column.notna()
    return [value if known else None for value, known in zip(column.tolist(), is_known.tolist(), strict=True)]


class SavedTables(Mapping[str, pd.DataFrame]):
    """The measured tables of a folder, each read when it is first asked for: a map wants few of them."""

    def __init__(self, folder: Path) -> None:
        places = {
            name: folder / ("layers" if contract.is_spatial else "tables") / f"{name}.parquet"
            for name, contract in measured_tables.MEASURED.items()
        }
        self._paths = {name: path for name, path in places.items() if path.exists()}
        self._read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a table.

        Raises
        ------
        InputFileError
            Its file cannot be read.
        """
        if name not in self._read:
            path = self._paths[name]
            is_spatial = measured_tables.MEASURED[name].is_spatial
            try:
                self._read[name] = _read_layer(path) if is_spatial else pd.read_parquet(path)
            except (OSError, ValueError, KeyError) as error:
                reason = str(error).partition("\n")[0]
                raise InputFileError(f"{path}: cannot be read ({reason}); make the result again with `run`") from error
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a table of this name, without reading it."""
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        """Go through the names, in the order of ``MEASURED``."""
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV: harmless texts, empty where missing. pandas takes ten times as long for text columns."""
    table = _changed(table, cell_text.harmless_column)
    cells = [_cells(table[name]) for name in table.columns]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(zip(*cells, strict=True))


def _cells(column: pd.Series) -> list[str]:
    if column.dtype == "float64":
        return ["" if number != number else _NUMBER % number for number in column.tolist()]
    return [str(value) for value in column.astype("str").fillna("").tolist()]


def _changed(table: pd.DataFrame, change: Callable[[pd.Series], pd.Series]) -> pd.DataFrame:
    """Return a table with each text column changed: names come from files of other people."""
    return table.assign(**{name: change(table[name]) for name in table.columns if table[name].dtype == "str"})


def _read_table(path: Path, contract: tables.Contract) -> pd.DataFrame:
    """Return a table with the types of its contract: a code of digits stays text, only an empty cell is missing."""
    types = tables.column_types(contract)
    table = pd.read_csv(path, encoding="utf-8-sig", dtype=types, keep_default_na=False, na_values=[""])
    table = _changed(table, cell_text.as_written)
    tables.validate(table, contract, where=path.name)  # people open it in a spreadsheet, and save it
    return table


@contextlib.contextmanager
def staged_folder(target: Path, *, marker: str = MANIFEST) -> Iterator[Path]:
    """Give a temporary folder that becomes ``target`` when the block ends well, and vanishes when it does not.

    The last good result stays in place until the new one is complete; it is then replaced whole. ``marker`` is the file
    by which a folder is known to be one that may be replaced.

    Raises
    ------
    OutputError
        Something other than a result stands at ``target``, or its parent cannot be written.
    """
    refuse_unwritable(target, marker=marker)
    above = [parent for parent in target.absolute().parents if not parent.exists()]  # nearest first
    stage = None
    is_whole = False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        yield stage
        stage.chmod(0o755)
        _replace(stage, target)
        is_whole = True
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{target}: cannot be written ({error.strerror or error}); choose another --out") from error
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
        for parent in [] if is_whole else above:
            with contextlib.suppress(OSError):
                parent.rmdir()


def refuse_unwritable(target: Path, *, marker: str = MANIFEST) -> None:
    """Raise before any work is done where a result could not be put in place at its end.

    Raises
    ------
    OutputError
        A file or a folder that is no result stands there, or the folder above cannot be written.
    """
    try:
        _refuse(target, marker)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{target}: cannot be written ({error.strerror or error}); choose another --out") from error


def _refuse(target: Path, marker: str) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise OutputError(f"{target}: is not a folder; choose another --out")
    if target.is_dir() and any(target.iterdir()) and not (target / marker).is_file():
        raise OutputError(f"{target}: holds other files than a result, which would be lost; choose another --out")
    above = next(parent for parent in target.absolute().parents if parent.exists())
    as_who = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK, **as_who):
        raise OutputError(f"{target}: {above} cannot be written by this user; choose another --out")


def _replace(stage: Path, target: Path) -> None:
    if not target.exists():
        stage.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    last = old / "result"
    try:
        target.rename(last)
        stage.rename(target)
    except BaseException:  # an interruption between the two moves, too
        if last.exists():
            last.rename(target)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)


def _read_layer(path: Path) -> gpd.GeoDataFrame:
    """Return a layer as ``_write_layer`` wrote it; all of a folder name one CRS, which takes longest to make."""
    table = parquet.read_table(path)
    about = json.loads((table.schema.metadata or {})[b"geo"])
    name = about["primary_column"]
    frame = table.to_pandas()
    shapes = shapely.from_wkb(frame[name].to_numpy())
    series = gpd.GeoSeries(shapes, index=frame.index, crs=_crs_of(json.dumps(about["columns"][name]["crs"])))
    return gpd.GeoDataFrame(frame.assign(**{name: series}), geometry=name)


@cache
def _crs_of(projjson: str) -> CRS:
    return crs.parse(json.loads(projjson), where="a layer of the result")


def _write_layer(frame: gpd.GeoDataFrame, folder: Path, name: str) -> None:
    bare = frame.copy(deep=False)
    bare.attrs = {}  # the reader's report is told in the manifest; its findings are no JSON
    bare.to_parquet(folder / "layers" / f"{name}.parquet", compression="zstd", index=False)
