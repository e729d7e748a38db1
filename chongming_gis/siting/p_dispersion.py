"""p sites as far from each other, and from what stands, as can be; with a proven bound.

Whether a distance can be kept is asked for one distance after another: a greedy choice says yes, a cover by groups of
sites that are all too near to each other says no, and HiGHS decides the rest.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.siting import highs
from chongming_gis.siting.problem import SitingPlan, infeasible, relative_gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.siting.problem import Status

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]
    Sites = Sequence[int] | Longs

TIME_LIMIT_S = 60.0


def p_dispersion(
    distances: npt.ArrayLike,
    *,
    new_sites: int,
    existing: Sites = (),
    forbidden: Sites = (),
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> SitingPlan:
    """Return exactly ``new_sites`` sites whose smallest distance to each other and to existing sites is largest.

    Parameters
    ----------
    distances : (n_sites, n_sites) from site to site, any unit, inf = out of reach; where the two ways differ the
        shorter one counts, and the diagonal does not
    new_sites : how many to choose
    existing : sites that stand; the distances among them do not count
    forbidden : sites that cannot be chosen
    time_limit_s : seconds after which the best found is returned
    target_gap : relative gap at which the search may stop

    Raises
    ------
    SitingError
        The table is not square or holds NaN or negative values, or a number is out of range; all faults are listed.

    Notes
    -----
    Kuby (1987); a search over the distances that occur, each an independent set (Erkut 1990). Where nothing is to be
    kept apart, as with one site and none standing, the objective is inf.
    """
    began = time.perf_counter()
    table = np.asarray(distances, dtype=np.float64)
    _check(table, new_sites, (existing, forbidden), (time_limit_s, target_gap))
    standing = np.unique(np.asarray(existing, dtype=np.int64))
    is_free = np.ones(len(table), dtype=bool)
    is_free[standing] = False
    is_free[np.asarray(forbidden, dtype=np.int64)] = False
    free = np.flatnonzero(is_free)
    if new_sites > len(free):
        reason = f"new_sites: {new_sites} sites are to be chosen and only {len(free)} may be"
        return infeasible("p-dispersion", "maximise", reason, time_s=time.perf_counter() - began)
    apart = np.minimum(table, table.T)
    from_standing = apart[free][:, standing].min(axis=1, initial=math.inf)
    work = _Work(apart[np.ix_(free, free)], from_standing, new_sites, began + time_limit_s, target_gap)
    stop = work.run()
    objective, bound = work.objective, work.bound
    status: Status = "optimal" if objective == bound else "feasible"
    return SitingPlan(
        "p-dispersion", status, free[work.plan], objective, bound, "maximise",
        "proven" if objective == bound else stop, time_s=time.perf_counter() - began,
    )  # fmt: skip


def _check(
    table: Floats,
    new_sites: int,
    sites: tuple[Sequence[int] | Longs, Sequence[int] | Longs],
    numbers: tuple[float, float],
) -> None:
    told = []
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise SitingError(f"distances: has shape {table.shape}, must be square: from each site to each")
    beside = ~np.eye(len(table), dtype=bool)
    n_wrong = int(np.count_nonzero(~(table >= 0.0) & beside))
    told += [f"distances: {n_wrong} values are NaN or negative; give numbers of at least 0, inf = out of reach"] * (
        n_wrong > 0
    )
    told += [f"new_sites: {new_sites} must be at least 0"] * (new_sites < 0)
    for name, some in zip(("existing", "forbidden"), sites, strict=True):
        outside = sorted({int(i) for i in some if not 0 <= i < len(table)})
        told += [f"{name}: {outside} are no sites; they run from 0 to {len(table) - 1}"] * bool(outside)
    for name, value in zip(("time_limit_s", "target_gap"), numbers, strict=True):
        told += [f"{name}: {value} must be a number of at least 0"] * (not value >= 0.0)
    if told:
        raise SitingError("\n".join(told))


@dataclass(slots=True)
class _Work:
    """The distances left: ``steps[low]`` is kept by the best plan, none after ``steps[high]`` can be."""

    apart: Floats
    from_standing: Floats
    n_sites: int
    deadline_s: float
    target_gap: float
    plan: Longs = field(init=False)
    steps: Floats = field(init=False)
    low: int = 0
    high: int = 0

    @property
    def objective(self) -> float:
        return float(self.steps[self.low])

    @property
    def bound(self) -> float:
        return float(self.steps[self.high])

    def run(self) -> str:
        """Narrow the distances down until done or out of time, and return why it ended."""
        if self.n_sites <= 1:
            self.plan = np.argsort(-self.from_standing, kind="stable")[: self.n_sites]
            self.steps = np.array([self.from_standing[self.plan].min(initial=math.inf)])
            return "proven"
        upper = self.apart[np.triu_indices(len(self.apart), 1)]
        self.steps = np.unique(np.concatenate([upper, self.from_standing]))
        self.high = len(self.steps) - 1
        self._keep(_farthest_first(self.apart, self.from_standing, self.n_sites))
        try:
            return self._narrow()
        except KeyboardInterrupt:
            return "interrupted"

    def _keep(self, plan: Longs) -> None:
        within = self.apart[np.ix_(plan, plan)][np.triu_indices(len(plan), 1)]
        least = min(within.min(), self.from_standing[plan].min())
        at = int(np.searchsorted(self.steps, least))
        if at >= self.low:
            self.plan, self.low = np.sort(plan), at

    def _narrow(self) -> str:
        while self.low < self.high:
            if relative_gap(self.objective, self.bound) <= self.target_gap:
                return "target gap"
            if time.perf_counter() >= self.deadline_s:
                return "time limit"
            at = (self.low + self.high + 1) // 2
            distance = self.steps[at]
            sites = np.flatnonzero(self.from_standing >= distance)
            is_near = self.apart[np.ix_(sites, sites)] < distance
            np.fill_diagonal(is_near, val=False)
            greedy = _greedy_apart(is_near)
            if len(greedy) >= self.n_sites:
                self._keep(sites[greedy[: self.n_sites]])
            elif _count_groups(is_near) < self.n_sites:
                self.high = at - 1
            else:
                found = highs.solve(_model(is_near, self.n_sites), time_limit_s=self.deadline_s - time.perf_counter())
                if len(found.values):
                    self._keep(sites[np.flatnonzero(found.values > 0.5)[: self.n_sites]])
                elif found.outcome == "infeasible":
                    self.high = at - 1
                else:
                    return "interrupted" if found.is_interrupted else "time limit"
        return "proven"


def _farthest_first(apart: Floats, from_standing: Floats, n_sites: int) -> Longs:
    """Return sites chosen one by one as far as can be from those before (Gonzalez 1985: at least half of the best)."""
    best, plan = -1.0, np.empty(0, dtype=np.int64)
    for first in np.argsort(-from_standing, kind="stable")[:20]:
        chosen, near = [first], np.minimum(from_standing, apart[first])
        for _ in range(n_sites - 1):
            near[chosen] = -1.0
            chosen.append(int(near.argmax()))
            near = np.minimum(near, apart[chosen[-1]])
        some = np.array(chosen)
        worst = min(apart[np.ix_(some, some)][np.triu_indices(n_sites, 1)].min(), from_standing[some].min())
        if worst > best:
            best, plan = worst, some
    return plan


def _greedy_apart(is_near: Bools) -> Longs:
    """Return sites none of which are near to each other, the one with the fewest neighbours first."""
    is_left = np.ones(len(is_near), dtype=bool)
    chosen = []
    while is_left.any():
        degree = np.where(is_left, is_near[:, is_left].sum(axis=1), len(is_near) + 1)
        site = int(degree.argmin())
        chosen.append(site)
        is_left &= ~is_near[site]
        is_left[site] = False
    return np.array(chosen, dtype=np.int64)


def _count_groups(is_near: Bools) -> int:
    """Return into how many groups of sites all near to each other the sites fall: no more can be chosen."""
    is_left = np.ones(len(is_near), dtype=bool)
    n_groups = 0
    while is_left.any():
        first = int(np.flatnonzero(is_left)[0])
        group, allowed = [first], is_near[first] & is_left
        while allowed.any():
            inside = np.flatnonzero(allowed)
            following = int(inside[is_near[np.ix_(inside, inside)].sum(axis=1).argmax()])
            group.append(following)
            allowed &= is_near[following]
        is_left[group] = False
        n_groups += 1
    return n_groups


def _model(is_near: Bools, n_sites: int) -> highs.MipModel:
    """Return the question whether so many sites can be chosen: at most one of each group that is all near."""
    is_open = np.triu(is_near)
    rows: list[Longs] = []
    while is_open.any():
        one, other = (int(i[0]) for i in np.nonzero(is_open))
        group = np.array([one, other])
        allowed = is_near[one] & is_near[other]
        while allowed.any():
            inside = np.flatnonzero(allowed)
            new = is_open[np.ix_(group, inside)].sum(axis=0) + is_open[np.ix_(inside, group)].sum(axis=1)
            following = int(inside[new.argmax()])
            group = np.append(group, following)
            allowed &= is_near[following]
        is_open[np.ix_(group, group)] = False
        rows.append(group)
    n = len(is_near)
    sizes = [len(row) for row in rows] + [n]
    matrix = sparse.csr_array(
        (np.ones(sum(sizes)), np.concatenate([*rows, np.arange(n)]), np.concatenate(([0], np.cumsum(sizes)))),
        shape=(len(rows) + 1, n),
    )
    low = np.append(np.full(len(rows), -np.inf), float(n_sites))
    high = np.append(np.ones(len(rows)), np.inf)
    return highs.MipModel(np.zeros(n), matrix, low, high, np.zeros(n), np.ones(n), np.ones(n, dtype=bool), "minimise")
