"""One tile on a worker: read the part of the region that was written for it, measure access, write the table.

Where sites are asked for, it also writes who of the tile is within the standard of which candidate.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from chongming_gis import coverage, network, results, tables
from chongming_gis.batch import covering, shards
from chongming_gis.batch.shards import SHARD, Outcome
from chongming_gis.reach import Places, usable_times

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chongming_gis.config import StudyConfig
    from chongming_gis.proposalmodel import ProposalConfig

ACCESS, COVER = "access.parquet", "cover.npz"


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile to be measured: its shard, and how far to look."""

    name: str
    key: str
    folder: Path
    study: StudyConfig
    reach_s: float
    version: str
    proposal: ProposalConfig | None = None
    n_sites: int = 0  # candidates of the whole region

    @property
    def task(self) -> str:
        """The name of the task; the same shard never has another one."""
        return f"{self.name.replace('/', '-')}-{self.key[:16]}"

    @property
    def inputs(self) -> Path:
        """Where its part of the region stands while it is to be done."""
        return self.folder.with_name(f"{self.folder.name}.inputs")


@dataclass(frozen=True, slots=True)
class TileInputs:
    """The part of a region that can matter to the people of a tile."""

    roads: tables.RoadTables  # whole edges, with their ``piece_column`` for every mode
    demand: gpd.GeoDataFrame  # with ``WEIGHT`` where sites are asked for
    facilities: Mapping[str, gpd.GeoDataFrame]  # by service id
    candidates: gpd.GeoDataFrame | None = None  # with ``NUMBER``


WEIGHT, NUMBER = "weight", "number"  # persons of a point; a candidate's number in the whole region


def piece_column(mode: str) -> str:
    """Return the column of edges that says how long the piece of a mode's network is that they belong to."""
    return f"piece_m:{mode}"


def modes_of_standards(study: StudyConfig) -> list[network.TravelMode]:
    """Return the modes that some standard names, in the order of the study."""
    used = {limit.mode for service in study.services for standard in service.standards for limit in standard.limits}
    return network.modes_of_study(study, used)


def write_inputs(inputs: TileInputs, one: Tile) -> None:
    """Write what a worker reads; what stood there before is replaced."""
    shutil.rmtree(one.inputs, ignore_errors=True)
    one.inputs.mkdir(parents=True)
    frames = {"nodes": inputs.roads.nodes, "edges": inputs.roads.edges, "demand": inputs.demand}
    frames |= {f"facilities-{name}": places for name, places in inputs.facilities.items()}
    frames |= {} if inputs.candidates is None else {"candidates": inputs.candidates}
    for name, frame in frames.items():
        bare = frame.copy(deep=False)
        bare.attrs = {}
        bare.to_parquet(one.inputs / f"{name}.parquet", compression="zstd", index=False)


def run_tile(one: Tile) -> Outcome:
    """Measure one tile and write its table; a worker that gets a task again finds what is whole."""
    return shards.attempt(one.name, lambda: _job(one), version=one.version)


def measure_tile(inputs: TileInputs, study: StudyConfig, *, reach_s: float) -> pd.DataFrame:
    """Return the access of a tile's people to every service (``tables.ACCESS``)."""
    nets = _networks(inputs, study)
    demand = _snapped(nets, inputs.demand)
    parts = [
        coverage.measure_access(
            service,
            demand=demand,
            facilities=_snapped(nets, inputs.facilities[service.id]),
            networks=nets,
            search_limit_s=reach_s,
        )
        for service in study.services
    ]
    return pd.concat(parts, ignore_index=True)


def cover_of_tile(inputs: TileInputs, study: StudyConfig, proposal: ProposalConfig, n_sites: int) -> covering.CoverPart:
    """Return which candidates of the region cover whom of a tile who is not covered yet, as ``proposals.ask`` does."""
    if inputs.candidates is None:
        raise ValueError("a tile without candidates was asked for sites")
    nets = _networks(inputs, study)
    service = study.service(proposal.service)
    standard = next(one for one in service.standards if proposal.standard in {None, one.id})
    standing = inputs.facilities[service.id]
    if proposal.kinds:
        standing = standing[standing["kind"].isin(proposal.kinds).to_numpy(bool)].reset_index(drop=True)
    demand = _snapped(nets, inputs.demand)
    now, then = (
        usable_times(service, standard, demand=demand, facilities=_snapped(nets, places), networks=nets)
        for places in (standing, inputs.candidates.assign(serves=proposal.serves))
    )
    number = inputs.candidates[NUMBER].to_numpy(np.int64)
    covers = sparse.csr_array((then.data, number[then.indices], then.indptr), shape=(then.shape[0], n_sites))
    is_settled = np.diff(now.indptr) > 0
    return covering.part_of(covers, inputs.demand[WEIGHT].to_numpy(float), is_settled=is_settled)


def _job(one: Tile) -> str:
    digest = shards.whole_digest(one.folder, one.key)
    if digest is not None:
        return digest
    inputs = _read_inputs(one)
    access = measure_tile(inputs, one.study, reach_s=one.reach_s)
    with results.staged_folder(one.folder, marker=SHARD) as stage:
        access.to_parquet(stage / ACCESS, compression="zstd", index=False)
        if one.proposal is not None:
            covering.write_part(cover_of_tile(inputs, one.study, one.proposal, one.n_sites), stage / COVER)
        digest = shards.write_shard(stage, one.key, name=one.name)
    shutil.rmtree(one.inputs, ignore_errors=True)
    return digest


def _read_inputs(one: Tile) -> TileInputs:
    def read(name: str) -> gpd.GeoDataFrame:
        return gpd.read_parquet(one.inputs / f"{name}.parquet")

    return TileInputs(
        roads=tables.RoadTables(read("nodes"), read("edges")),
        demand=read("demand"),
        facilities={service.id: read(f"facilities-{service.id}") for service in one.study.services},
        candidates=None if one.proposal is None else read("candidates"),
    )


def _networks(inputs: TileInputs, study: StudyConfig) -> dict[str, network.Network]:
    return {mode.name: _compiled(inputs.roads, mode) for mode in modes_of_standards(study)}


def _compiled(roads: tables.RoadTables, mode: network.TravelMode) -> network.Network:
    """Return the network of a tile, which knows of every edge how long its piece is in the whole region."""
    net = network.compile_network(roads, mode)
    return replace(net, piece_m=roads.edges[piece_column(mode.name)].to_numpy(float)[net.row])


def _snapped(nets: Mapping[str, network.Network], points: gpd.GeoDataFrame) -> Places:
    return Places(points, {name: network.snap_points(net, points.geometry) for name, net in nets.items()})
