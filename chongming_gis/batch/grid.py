"""One large region in tiles: each knows the people of one square, and the roads and facilities that can matter to them.

The joined answer is that of the whole region, to the last bit: see ``run_grid`` for what equals what. This process
holds the tables of the region once; workers hold a tile each.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from chongming_gis import __version__, check, coverage, network, pipeline, results, tables
from chongming_gis.batch import cluster, halo, shards, tile
from chongming_gis.batch.shards import SHARD, Outcome
from chongming_gis.errors import StudyError
from chongming_gis.reach import is_restricted
from chongming_gis.units import minutes_to_seconds

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.batch.scenarios import Case
    from chongming_gis.config import StudyConfig

    Rows = npt.NDArray[np.intp]

ACCESS, COVERAGE = "access.parquet", "coverage.csv"


@dataclass(frozen=True, slots=True)
class GridQuestion:
    """How a region is cut.

    Parameters
    ----------
    tile_km : side of the squares, aligned to multiples of it in the study's CRS
    reach_min : times up to here are given even where every standard is shorter; 0 = the standards decide
    """

    tile_km: float = 20.0
    reach_min: float = 0.0

    def __post_init__(self) -> None:
        if not self.tile_km > 0 or not 0 <= self.reach_min < np.inf:
            raise StudyError(f"tile_km = {self.tile_km}, reach_min = {self.reach_min}: must be positive numbers")


@dataclass(frozen=True, slots=True)
class Region:
    """The whole region, ready to be cut."""

    study: StudyConfig
    inputs: tables.StudyInputs
    edges: gpd.GeoDataFrame  # with the columns that a tile cannot find out by itself
    tree: shapely.STRtree  # of the edges
    paces: tuple[halo.Pace, ...]
    anchors: Rows  # an edge of each mode that every tile has, so that none is without roads
    snap_m: float


def run_grid(
    case: Case, folder: Path, *, client: Any, question: GridQuestion, heard: cluster.Heard = cluster.hear_nothing
) -> list[Outcome]:
    """Measure access and coverage of a region tile by tile on Dask, into ``folder / name``; whole tiles are kept.

    Parameters
    ----------
    folder : seen by all workers under the same path
    client : of ``connect``, or any ``distributed.Client``; None runs one tile after the other in this process

    Returns
    -------
    list of Outcome
        The tiles that failed, if any; else the one of the region.

    Raises
    ------
    ChongmingError
        Inputs are missing, broken or do not fit together; or the scheduler is lost.

    Notes
    -----
    ``coverage.csv`` is that of ``pipeline.run_study``, to the last bit. So is ``access.parquet`` in every column but
    two, ``time_s`` and ``facility_id``: a facility farther than the reach (the longer of ``reach_min`` and the longest
    standard of the service) counts as not reached there, time inf, while a run looks as far as the study's
    ``search_limit_min``; with a reach of that limit the tables are the same. Tiles stand in
    ``folder / <name>.tiles`` until all are whole.
    """
    study, target = case.study, folder.absolute() / case.name
    key = shards.key_of(study, grid=[question.tile_km, question.reach_min])
    digest = shards.whole_digest(target, key)
    if digest is not None:
        outcome = Outcome(case.name, "kept", digest)
        heard(outcome, 1, 1)
        return [outcome]
    results.refuse_unwritable(target, marker=SHARD)
    reach_s = minutes_to_seconds(question.reach_min)
    region = region_of(study, _read(study), reach_s=reach_s)
    rows = cut(region.inputs.demand.points, 1000.0 * question.tile_km)
    tiles_folder = folder.absolute() / f"{case.name}.tiles"
    tiles = {
        name: _tile(tiles_folder, f"{case.name}/{name}", shards.tile_key(key, name), reach_s, study) for name in rows
    }
    counter = cluster.Counter(heard, of=len(tiles))
    missing = []
    for name, one in tiles.items():
        whole = shards.whole_digest(one.folder, one.key)
        if whole is None:
            missing.append(name)
        else:
            counter(Outcome(one.name, "kept", whole))
    written = (_write_inputs(region, rows[name], tiles[name]) for name in missing)
    done = cluster.run_all(client, tile.run_tile, written, heard=counter)
    failed = [outcome for outcome in done if outcome.status == "failed"]
    if failed:
        return failed
    access = join([pd.read_parquet(one.folder / ACCESS) for one in tiles.values()], list(rows.values()))
    outcome = Outcome(case.name, "done", _write(region, access, target, key, question, len(rows)))
    shutil.rmtree(tiles_folder, ignore_errors=True)
    return [outcome]


def _read(study: StudyConfig) -> tables.StudyInputs:
    inputs = pipeline.read_inputs(study)
    errors = [found for found in (*inputs.findings, *check.judge(inputs, study)) if found.severity == "error"]
    if errors:
        raise StudyError("\n".join(check.sentences(errors)), errors)
    return inputs


def region_of(study: StudyConfig, inputs: tables.StudyInputs, *, reach_s: float) -> Region:
    """Return a region with what only the whole of it tells: pieces of network, and how far each mode gets."""
    modes = tile.modes_of_standards(study)
    columns, paces, anchors = {}, [], []
    for mode in modes:
        net = network.compile_network(inputs.roads, mode)
        piece_m = np.full(len(inputs.roads.edges), np.nan)
        piece_m[net.row] = net.piece_m  # how long a piece of network is, no tile can see
        columns[tile.piece_column(mode.name)] = piece_m
        paces.append(halo.pace_of(net, inputs.roads, reach_s=_reach_of(study, mode.name, reach_s)))
        anchors.append(net.row[0])
    return Region(
        study=study,
        inputs=inputs,
        edges=inputs.roads.edges.assign(**columns),
        tree=shapely.STRtree(inputs.roads.edges.geometry.to_numpy()),
        paces=tuple(paces),
        anchors=np.array(anchors, dtype=np.intp),
        snap_m=max(mode.max_snap_m for mode in modes),
    )


def _reach_of(study: StudyConfig, mode: str, reach_s: float) -> float:
    """Return how far a mode is searched: as far as any service that uses it is, by whatever mode."""
    limits = [[limit for standard in service.standards for limit in standard.limits] for service in study.services]
    used = [own for own in limits if any(limit.mode == mode for limit in own)]
    return max(reach_s, *(limit.limit_s for own in used for limit in own))


def cut(points: gpd.GeoDataFrame, side_m: float) -> dict[str, Rows]:
    """Return the rows of the people in each square that has some, by the name of the square."""
    xy = np.column_stack([points.geometry.x, points.geometry.y])
    square = np.floor(xy / side_m).astype(np.int64)
    squares, which = np.unique(square, axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    cuts = np.cumsum(np.bincount(which.ravel(), minlength=len(squares)))[:-1]
    return {f"x{x}_y{y}": rows for (x, y), rows in zip(squares, np.split(order, cuts), strict=True)}


def _tile(folder: Path, name: str, key: str, reach_s: float, study: StudyConfig) -> tile.Tile:
    return tile.Tile(name, key, folder / name.rpartition("/")[2], study, reach_s, __version__)


def _write_inputs(region: Region, rows: Rows, one: tile.Tile) -> tile.Tile:
    """Write what a worker is to read, and return what it is to do."""
    tile.write_inputs(inputs_of(region, rows), one)
    return one


def inputs_of(region: Region, rows: Rows) -> tile.TileInputs:
    """Return some people, and all roads and facilities of the region that can matter to them."""
    demand = region.inputs.demand.points.iloc[rows].reset_index(drop=True)
    west, south, east, north = demand.total_bounds
    area = shapely.box(west - 1.0, south - 1.0, east + 1.0, north + 1.0)  # a box even where one person is alone
    edges = np.concatenate([halo.rows_within(p, area, tree=region.tree, snap_m=region.snap_m) for p in region.paces])
    edges = np.union1d(edges, region.anchors)
    lines = region.edges.geometry.to_numpy()
    near = shapely.STRtree(lines[edges])
    facilities = {}
    beside = [edges]
    for service in region.study.services:
        places = region.inputs.facilities[service.id].places
        at = places.geometry.to_numpy()
        found = np.unique(near.query(at, predicate="dwithin", distance=region.snap_m + 1.0)[0])
        # one of each kind at least, so that the tables of all tiles have the same questions
        firsts = [np.flatnonzero(kind)[:1] for kind in (is_restricted(places), ~is_restricted(places))]
        chosen = np.unique(np.concatenate([found, *firsts]))
        facilities[service.id] = places.iloc[chosen].reset_index(drop=True)
        # whoever is taken along steps onto the same road as in the whole region
        beside.append(np.unique(region.tree.query(at[chosen], predicate="dwithin", distance=region.snap_m + 1.0)[1]))
    edges = np.unique(np.concatenate(beside))
    taken = region.edges.iloc[edges].reset_index(drop=True)
    nodes = region.inputs.roads.nodes
    ends = nodes["node_id"].isin(np.union1d(taken["u"], taken["v"])).to_numpy()
    return tile.TileInputs(tables.RoadTables(nodes[ends].reset_index(drop=True), taken), demand, facilities)


def join(parts: list[pd.DataFrame], rows: list[Rows]) -> pd.DataFrame:
    """Return the tables of all tiles as one, in the order in which a run has its rows."""
    # a tile's rows are its people, again and again: question by question
    question = np.concatenate([np.arange(len(p)) // len(r) for p, r in zip(parts, rows, strict=True)])
    point = np.concatenate([np.tile(r, len(p) // len(r)) for p, r in zip(parts, rows, strict=True)])
    order = np.lexsort((point, question))
    access = pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)
    tables.validate(access, tables.ACCESS, where="access")
    return access


def _write(region: Region, access: pd.DataFrame, target: Path, key: str, question: GridQuestion, n_tiles: int) -> str:
    """Write the joined answer, whole or not at all, and return its digest."""
    inputs = region.inputs
    shares = coverage.measure_coverage(
        access, demand=inputs.demand, study=region.study, townships=inputs.townships, villages=inputs.villages
    )
    tables.validate(shares, tables.COVERAGE, where="coverage")
    halos = [
        {"mode": p.mode, "reach_s": round(p.reach_s), "halo_m": round(p.halo_m), "jumps": len(p.jump_s)}
        for p in region.paces
    ]
    with results.staged_folder(target, marker=SHARD) as stage:
        access.to_parquet(stage / ACCESS, compression="zstd", index=False)
        results.write_table(shares, stage / COVERAGE)
        about = {"tile_km": question.tile_km, "reach_min": question.reach_min, "tiles": n_tiles, "halos": halos}
        return shards.write_shard(stage, key, name=target.name, study=region.study.digest, **about)
