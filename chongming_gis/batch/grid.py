"""One large region in tiles: each knows the people of one square, and the roads and facilities that can matter to them.

The joined answer is that of the whole region, to the last bit: see ``run_grid`` for what equals what. This process
holds the tables of the region once; workers hold a tile each.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from chongming_gis import __version__, candidates, check, coverage, network, pipeline, proposals, results, tables
from chongming_gis.batch import cluster, covering, halo, shards, tile
from chongming_gis.batch.shards import SHARD, Outcome
from chongming_gis.batch.tile import ACCESS, COVER
from chongming_gis.errors import StudyError
from chongming_gis.reach import is_restricted
from chongming_gis.units import minutes_to_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.batch.scenarios import Case
    from chongming_gis.config import StudyConfig
    from chongming_gis.proposalmodel import ProposalConfig

    Rows = npt.NDArray[np.intp]

COVERAGE, SITES, PLAN = "coverage.csv", "sites.csv", "plan.json"
#: What a proposal may ask for that people in tiles cannot be asked: it binds sites or people of several tiles.
_NOT_IN_TILES = ("budget", "each_township", "most_per_township", "floor", "spacing_m")


@dataclass(frozen=True, slots=True)
class GridQuestion:
    """How a region is cut.

    Parameters
    ----------
    tile_km : side of the squares, aligned to multiples of it in the study's CRS
    reach_min : times up to here are given even where every standard is shorter; 0 = the standards decide
    proposal : id of a proposal of the study: where its next sites go
    """

    tile_km: float = 20.0
    reach_min: float = 0.0
    proposal: str | None = None

    def __post_init__(self) -> None:
        if not self.tile_km > 0 or not 0 <= self.reach_min < np.inf:
            raise StudyError(f"tile_km = {self.tile_km}, reach_min = {self.reach_min}: must be positive numbers")


@dataclass(frozen=True, slots=True)
class AskedSites:
    """A proposal that is asked of people in tiles."""

    proposal: ProposalConfig
    candidates: gpd.GeoDataFrame  # the allowed ones, with their ``tile.NUMBER``
    new_sites: int


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
    sites: AskedSites | None = None


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
    ``search_limit_min``; with a reach of that limit the tables are the same. ``sites.csv`` and ``plan.json`` answer a
    proposal (``covering.cover_most``), the same for every size of tile. Tiles stand in ``folder / <name>.tiles`` until
    all are whole.
    """
    study, target = case.study, folder.absolute() / case.name
    key = shards.key_of(study, grid=[question.tile_km, question.reach_min, question.proposal])
    digest = shards.whole_digest(target, key)
    if digest is not None:
        outcome = Outcome(case.name, "kept", digest)
        heard(outcome, 1, 1)
        return [outcome]
    results.refuse_unwritable(target, marker=SHARD)
    reach_s = minutes_to_seconds(question.reach_min)
    proposal = None if question.proposal is None else _plain_proposal(study, question.proposal)
    region = region_of(study, _read(study), reach_s=reach_s, proposal=proposal)
    rows = cut(region.inputs.demand.points, 1000.0 * question.tile_km)
    tiles_folder = folder.absolute() / f"{case.name}.tiles"
    tiles = {
        name: _tile(tiles_folder, f"{case.name}/{name}", shards.tile_key(key, name), reach_s, region) for name in rows
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
    plan = _site_plan(client, region, [one.folder / COVER for one in tiles.values()])
    about = {"tile_km": question.tile_km, "reach_min": question.reach_min, "tiles": len(rows)}
    outcome = Outcome(case.name, "done", _write(region, access, plan, target, key, about))
    shutil.rmtree(tiles_folder, ignore_errors=True)
    return [outcome]


def _read(study: StudyConfig) -> tables.StudyInputs:
    inputs = pipeline.read_inputs(study)
    errors = [found for found in (*inputs.findings, *check.judge(inputs, study)) if found.severity == "error"]
    if errors:
        raise StudyError("\n".join(check.sentences(errors)), errors)
    return inputs


def _plain_proposal(study: StudyConfig, name: str) -> ProposalConfig:
    """Return a proposal that can be asked of people in tiles."""
    proposal = proposals.find_proposal(study, name)
    unfit = [rule for rule in _NOT_IN_TILES if getattr(proposal, rule)]
    unfit += ["model"] if proposal.model != "mclp" else []
    if unfit:
        raise StudyError(
            f"proposals.{name}: {', '.join(unfit)}: in tiles a proposal may only say how many new sites cover most "
            "people; ask for it in a run of the whole region, or leave these away"
        )
    return proposal


def region_of(
    study: StudyConfig, inputs: tables.StudyInputs, *, reach_s: float, proposal: ProposalConfig | None = None
) -> Region:
    """Return a region with what only the whole of it tells: pieces of network, how far each mode gets, candidates."""
    modes = tile.modes_of_standards(study)
    columns, paces, anchors = {}, [], []
    nets = {mode.name: network.compile_network(inputs.roads, mode) for mode in modes}
    for mode in modes:
        net = nets[mode.name]
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
        sites=None if proposal is None else _asked_sites(study, inputs, proposal, nets),
    )


def _asked_sites(
    study: StudyConfig, inputs: tables.StudyInputs, proposal: ProposalConfig, nets: dict[str, network.Network]
) -> AskedSites:
    """Return a proposal with the candidates of the whole region: rules look far beyond a tile."""
    others = network.modes_of_study(study, {mode.id for mode in study.modes} - set(nets))
    nets = nets | {mode.name: network.compile_network(inputs.roads, mode) for mode in others}
    made = candidates.make_candidates(study, inputs, proposal.service, networks=nets)
    is_open = made["allowed"].to_numpy(bool)
    standing = inputs.facilities[proposal.service].places
    if proposal.kinds:  # what stands there may become one of these kinds
        is_open = is_open | (made["reason"] == candidates.HAS_SERVICE).to_numpy(bool)
        standing = standing[standing["kind"].isin(proposal.kinds)]
    chosen = made[is_open].reset_index(drop=True)
    new_sites = proposals.how_many(proposal, study, len(standing), {})
    return AskedSites(proposal, chosen.assign(**{tile.NUMBER: np.arange(len(chosen))}), int(new_sites or 0))


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


def _tile(folder: Path, name: str, key: str, reach_s: float, region: Region) -> tile.Tile:
    asked = (None, 0) if region.sites is None else (region.sites.proposal, len(region.sites.candidates))
    return tile.Tile(name, key, folder / name.rpartition("/")[2], region.study, reach_s, __version__, *asked)


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
    near_m = region.snap_m + 1.0
    facilities = {}
    for service in region.study.services:
        places = region.inputs.facilities[service.id].places
        found = np.unique(near.query(places.geometry.to_numpy(), predicate="dwithin", distance=near_m)[0])
        # one of each kind at least, so that the tables of all tiles have the same questions
        firsts = [np.flatnonzero(kind)[:1] for kind in (is_restricted(places), ~is_restricted(places))]
        facilities[service.id] = places.iloc[np.unique(np.concatenate([found, *firsts]))].reset_index(drop=True)
    sites, all_taken = None, list(facilities.values())
    if region.sites is not None:
        everywhere, proposal = region.sites.candidates, region.sites.proposal
        found = np.unique(near.query(everywhere.geometry.to_numpy(), predicate="dwithin", distance=near_m)[0])
        sites = everywhere.iloc[found].reset_index(drop=True)
        all_taken.append(sites)
        service = region.study.service(proposal.service)
        persons = region.inputs.demand.persons[tables.persons_column(service.base, service.group)]
        demand[tile.WEIGHT] = persons.to_numpy(float)[rows]
    # whoever is taken along steps onto the same road as in the whole region
    at = np.concatenate([places.geometry.to_numpy() for places in all_taken])
    beside = np.unique(region.tree.query(at, predicate="dwithin", distance=near_m)[1])
    edges = np.union1d(edges, beside)
    taken = region.edges.iloc[edges].reset_index(drop=True)
    nodes = region.inputs.roads.nodes
    ends = nodes["node_id"].isin(np.union1d(taken["u"], taken["v"])).to_numpy()
    return tile.TileInputs(tables.RoadTables(nodes[ends].reset_index(drop=True), taken), demand, facilities, sites)


def join(parts: list[pd.DataFrame], rows: list[Rows]) -> pd.DataFrame:
    """Return the tables of all tiles as one, in the order in which a run has its rows."""
    # a tile's rows are its people, again and again: question by question
    question = np.concatenate([np.arange(len(p)) // len(r) for p, r in zip(parts, rows, strict=True)])
    point = np.concatenate([np.tile(r, len(p) // len(r)) for p, r in zip(parts, rows, strict=True)])
    order = np.lexsort((point, question))
    access = pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)
    tables.validate(access, tables.ACCESS, where="access")
    return access


def _site_plan(client: Any, region: Region, covers: list[Path]) -> covering.TiledPlan | None:
    """Return where the next sites of the proposal go, from what the tiles wrote; None where none was asked for."""
    if region.sites is None:
        return None
    return covering.cover_most(
        client,
        covering.read_part,
        covers,
        n_sites=len(region.sites.candidates),
        new_sites=region.sites.new_sites,
    )


def _write(
    region: Region,
    access: pd.DataFrame,
    plan: covering.TiledPlan | None,
    target: Path,
    key: str,
    about: Mapping[str, object],
) -> str:
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
        if plan is not None and region.sites is not None:
            results.write_table(_site_rows(region.sites, plan), stage / SITES)
            text = json.dumps(_certificate(region.sites, plan), ensure_ascii=False, indent=1)
            (stage / PLAN).write_text(text, encoding="utf-8")
        return shards.write_shard(stage, key, name=target.name, study=region.study.digest, **about, halos=halos)


def _site_rows(asked: AskedSites, found: covering.TiledPlan) -> pd.DataFrame:
    """Return the sites in the order in which they were chosen, with the persons that each adds to those before it."""
    rows = asked.candidates.iloc[found.order][["candidate_id", "name_zh", "township_code", "village_code", "geometry"]]
    table = results.sites_table(rows).reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    table.insert(len(table.columns) - 2, "newly_covered", found.gains)
    return table


def _certificate(asked: AskedSites, found: covering.TiledPlan) -> dict[str, object]:
    plan = found.plan
    return {
        "proposal": asked.proposal.id,
        "model": plan.model,
        "new_sites": asked.new_sites,
        "candidates": len(asked.candidates),
        "persons_covered": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
        "status": plan.status,
    }
