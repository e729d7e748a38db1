"""Instances for the siting models: people in towns along a strip, sites where some of them live, straight lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

SEED = 20261124
STRIP_M = (80_000.0, 18_000.0)
CENTRES, SPREAD_M, MOVED_M = 400, 700.0, 50.0
LEAST, MOST = 1, 29  # persons at a point


@dataclass(frozen=True)
class Instance:
    """Points of people with whole weights, and points of candidates; metres."""

    demand_xy: np.ndarray  # (n_demand, 2)
    weights: np.ndarray  # (n_demand,) whole numbers as floats
    site_xy: np.ndarray  # (n_sites, 2)

    def costs_within(self, radius_m: float) -> sparse.csr_array:
        """Return the straight-line metres of all pairs within a radius, compressed by row, columns ascending."""
        return pairs_within(self.demand_xy, self.site_xy, radius_m)


@cache
def draw(n_demand: int, n_sites: int, seed: int = SEED) -> Instance:
    """Return the instance of a size: the same points whatever the model that asks."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform((0.0, 0.0), STRIP_M, (CENTRES, 2))
    demand = centres[rng.integers(0, CENTRES, n_demand)] + rng.normal(0.0, SPREAD_M, (n_demand, 2))
    weights = rng.integers(LEAST, MOST + 1, n_demand).astype(np.float64)
    sites = demand[rng.choice(n_demand, n_sites, replace=False)] + rng.normal(0.0, MOVED_M, (n_sites, 2))
    return Instance(demand, weights, sites)


def covering(n_demand: int, n_sites: int, radius_m: float, seed: int = SEED) -> tuple[sparse.csr_array, np.ndarray]:
    """Return the metres of all pairs within a radius and the weights, ready for a ``SitingProblem``."""
    instance = draw(n_demand, n_sites, seed)
    return instance.costs_within(radius_m), instance.weights


def pairs_within(demand_xy: np.ndarray, site_xy: np.ndarray, radius_m: float) -> sparse.csr_array:
    """Return the straight-line metres of all pairs within a radius: a stored 0 is a distance of 0."""
    near = cKDTree(site_xy).query_ball_point(demand_xy, radius_m, return_sorted=True)
    counts = np.fromiter(map(len, near), np.int64, len(near))
    columns = np.concatenate([np.asarray(some, dtype=np.int32) for some in near])
    rows = np.repeat(np.arange(len(near)), counts)
    metres = np.hypot(*(demand_xy[rows] - site_xy[columns]).T)
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return sparse.csr_array((metres, columns, indptr), shape=(len(demand_xy), len(site_xy)))
