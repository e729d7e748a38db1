"""The question every siting model is asked, and the plan each gives back.

A problem is arithmetic only: who (weights), where one may build (sites), and what getting there costs (seconds, metres,
money: the models do not mind). A plan carries its certificate: the objective reached, the best bound proven, the gap
between them, and why the search stopped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from chongming_gis.errors import SitingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

Status = Literal["optimal", "feasible", "infeasible", "unknown"]
Sense = Literal["maximise", "minimise"]

PROVEN_GAP = 1e-9  # relative: below this a plan is called optimal; two sums of floats in another order differ by less


@dataclass(frozen=True, slots=True)
class SideRules:
    """Rules that bind whatever the model. Sites are named by their index; areas by their code.

    Attributes
    ----------
    budget : most money that new sites may cost together (``SitingProblem.site_costs``)
    at_least, at_most : by area code, how many *new* sites stand there
    forced, forbidden : candidates that are, or are not, part of every plan
    exclusive : groups of candidates of which at most one may be built
    spacing : pairs of sites (rows of two indices) that stand too near to each other for both; a pair of an existing
        site and a candidate forbids the candidate
    floor : by area code, the least share (0-1) of the area's weight that must be covered, existing sites counted
    closable : existing sites that a plan may close; closing one saves its ``site_costs`` (0 where it saves nothing)
    """

    budget: float | None = None
    at_least: Mapping[int, int] = field(default_factory=dict)
    at_most: Mapping[int, int] = field(default_factory=dict)
    forced: tuple[int, ...] = ()
    forbidden: tuple[int, ...] = ()
    exclusive: tuple[tuple[int, ...], ...] = ()
    spacing: tuple[tuple[int, int], ...] = ()
    floor: Mapping[int, float] = field(default_factory=dict)
    closable: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The rules that are set, in the order above: an infeasible plan says which of them made it so."""
        return tuple(name for name in self.__slots__ if getattr(self, name))


@dataclass(frozen=True, slots=True)
class SitingProblem:
    """Who is to be served, where one may build, and what getting there costs.

    Parameters
    ----------
    costs : (n_demand, n_sites), dense or sparse; not stored (sparse) or inf (dense) = unreachable; a stored 0 is a 0.
        Sites are the columns: existing ones and candidates alike. Who may not use a site (the ``serves`` rule) has no
        pair with it, so the rule binds in every model.
    weights : (n_demand,) persons or need, at least 0
    existing : columns that stand already
    site_costs : (n_sites,) money for a new site, at least 0; 1 each where not given
    capacities : (n_sites,) in the unit of the weights; inf = no limit; only the capacitated models read them
    demand_areas, site_areas : (n_demand,), (n_sites,) area codes that ``rules`` name; -1 = in none
    rules : what binds whatever the model

    Raises
    ------
    SitingError
        Shapes differ, or a value is NaN, negative or not a site; every fault is listed.
    """

    costs: sparse.csr_array
    weights: npt.NDArray[np.float64]
    existing: npt.NDArray[np.int64]
    site_costs: npt.NDArray[np.float64]
    capacities: npt.NDArray[np.float64]
    demand_areas: npt.NDArray[np.int64]
    site_areas: npt.NDArray[np.int64]
    rules: SideRules

    def __init__(
        self,
        costs: sparse.sparray | sparse.spmatrix | npt.ArrayLike,
        weights: npt.ArrayLike,
        *,
        existing: Sequence[int] | npt.NDArray[np.int64] = (),
        site_costs: npt.ArrayLike | None = None,
        capacities: npt.ArrayLike | None = None,
        demand_areas: npt.ArrayLike | None = None,
        site_areas: npt.ArrayLike | None = None,
        rules: SideRules | None = None,
    ) -> None:
        table = _as_csr(costs)
        n_demand, n_sites = table.shape
        values = {
            "costs": table,
            "weights": np.asarray(weights, dtype=np.float64),
            "existing": np.unique(np.asarray(existing, dtype=np.int64)),
            "site_costs": _filled(site_costs, n_sites, 1.0),
            "capacities": _filled(capacities, n_sites, math.inf),
            "demand_areas": _codes(demand_areas, n_demand),
            "site_areas": _codes(site_areas, n_sites),
            "rules": rules or SideRules(),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        told = _faults(self)
        if told:
            raise SitingError("\n".join(told))

    @property
    def n_demand(self) -> int:
        """How many demand rows there are."""
        return int(self.costs.shape[0])

    @property
    def n_sites(self) -> int:
        """How many sites there are, existing ones included."""
        return int(self.costs.shape[1])

    @property
    def candidates(self) -> npt.NDArray[np.int64]:
        """Columns where something may be built: neither existing nor forbidden nor too near an existing site."""
        is_free = np.ones(self.n_sites, dtype=bool)
        is_free[self.existing] = False
        is_free[list(self.rules.forbidden)] = False
        stands = set(self.existing.tolist()) - set(self.rules.closable)
        for one, other in self.rules.spacing:
            if one in stands:
                is_free[other] = False
            if other in stands:
                is_free[one] = False
        return np.flatnonzero(is_free)

    @property
    def is_plain(self) -> bool:
        """Whether the rules only say which sites are in or out: no rule binds several free sites, or people."""
        rules = self.rules
        if rules.budget is not None or set(rules.names) - {"forced", "forbidden", "spacing"}:
            return False
        free = set(self.candidates.tolist())
        return not any(one in free and other in free and one != other for one, other in rules.spacing)

    @property
    def refusal(self) -> str:
        """Why a forced site cannot be part of any plan, as a sentence; empty where all can."""
        possible = {*self.candidates.tolist(), *self.existing.tolist()}
        barred = sorted(set(self.rules.forced) - possible)
        if not barred:
            return ""
        return f"forced: sites {barred} are forbidden or too near to an existing site (spacing), so none can be built"


@dataclass(frozen=True, slots=True)
class SitingPlan:
    """What a model chose, and how good that is at least.

    Attributes
    ----------
    model : the model's name as in the literature ("MCLP", "LSCP", "p-median", ...)
    status : "optimal" only where proven; "infeasible" where no plan obeys the rules (``reason`` names the rule);
        "unknown" where time ended before a plan was found or excluded
    chosen : columns to build, ascending; without the existing sites
    closed : existing columns to close, ascending
    objective : what the plan reaches: persons covered (existing sites counted), sites, money, weighted cost, radius
    bound : no plan can be better than this (upper bound when maximising, lower when minimising)
    sense : whether more or less is better
    stop_reason : "proven", "target gap", "time limit", "interrupted", "search exhausted"
    reason : for an infeasible plan, the rule that makes it so, as a sentence; else empty
    time_s : seconds the solver took
    assigned : (n_demand,) column that serves each row, -1 where none; empty where the model assigns nobody
    unreachable_weight : weight of the demand that no site could serve, which the covering models set apart
    """

    model: str
    status: Status
    chosen: npt.NDArray[np.int64]
    objective: float
    bound: float
    sense: Sense
    stop_reason: str
    reason: str = ""
    time_s: float = 0.0
    closed: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    assigned: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    unreachable_weight: float = 0.0

    @property
    def gap(self) -> float:
        """How far the objective may be from the best possible, as a share of the objective; inf where there is none."""
        return relative_gap(self.objective, self.bound)


def relative_gap(objective: float, bound: float) -> float:
    """Return ``|bound - objective| / |objective|``; 0 where both are equal, inf where one is not finite."""
    if not (math.isfinite(objective) and math.isfinite(bound)):
        return math.inf
    difference = abs(bound - objective)
    if difference == 0.0:
        return 0.0
    return difference / abs(objective) if objective else math.inf


def status_of(objective: float, bound: float) -> Status:
    """Return "optimal" where the bound proves the objective, else "feasible"."""
    return "optimal" if relative_gap(objective, bound) <= PROVEN_GAP else "feasible"


def infeasible(model: str, sense: Sense, reason: str, *, time_s: float = 0.0) -> SitingPlan:
    """Return the answer that no plan obeys the rules."""
    nothing = np.empty(0, dtype=np.int64)
    worst = -math.inf if sense == "maximise" else math.inf
    return SitingPlan(model, "infeasible", nothing, worst, worst, sense, "proven", reason, time_s)


def _as_csr(costs: sparse.sparray | sparse.spmatrix | npt.ArrayLike) -> sparse.csr_array:
    if sparse.issparse(costs):
        table = sparse.csr_array(costs, dtype=np.float64)
        if not table.has_sorted_indices:
            table = table.copy()
            table.sort_indices()
        return table
    dense = np.atleast_2d(np.asarray(costs, dtype=np.float64))
    rows, columns = np.nonzero(~np.isposinf(dense))  # NaN stays, to be refused
    indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(dense)))))
    return sparse.csr_array((dense[rows, columns], columns, indptr), shape=dense.shape)


def _filled(values: npt.ArrayLike | None, size: int, default: float) -> npt.NDArray[np.float64]:
    return np.full(size, default) if values is None else np.asarray(values, dtype=np.float64)


def _codes(values: npt.ArrayLike | None, size: int) -> npt.NDArray[np.int64]:
    return np.full(size, -1, dtype=np.int64) if values is None else np.asarray(values, dtype=np.int64)


def _faults(problem: SitingProblem) -> list[str]:
    n_demand, n_sites = problem.costs.shape
    sizes = {"weights": n_demand, "demand_areas": n_demand}
    sizes |= dict.fromkeys(("site_costs", "capacities", "site_areas"), n_sites)
    told = [
        f"{name}: has shape {getattr(problem, name).shape}, must be ({size},) to fit costs {problem.costs.shape}"
        for name, size in sizes.items()
        if getattr(problem, name).shape != (size,)
    ]
    for name in ("weights", "site_costs", "capacities"):
        values = getattr(problem, name)
        is_wrong = ~(values >= 0.0) | (np.isinf(values) if name != "capacities" else False)
        told += _named(name, is_wrong, "is NaN, negative or infinite; give a number of at least 0")
    costs = problem.costs.data
    if len(costs) and not (costs.min() >= 0.0 and math.isfinite(costs.max())):
        n_wrong = int(np.count_nonzero(~((costs >= 0.0) & np.isfinite(costs))))
        told.append(f"costs: {n_wrong} pairs are NaN, negative or infinite; leave unreachable pairs out of the matrix")
    rules = problem.rules
    named = {"existing": problem.existing.tolist(), "forced": rules.forced, "forbidden": rules.forbidden}
    named |= {"closable": rules.closable, "exclusive": [i for group in rules.exclusive for i in group]}
    named |= {"spacing": [i for pair in rules.spacing for i in pair]}
    for name, sites in named.items():
        outside = sorted({int(i) for i in sites if not 0 <= i < n_sites})
        told += [f"{name}: {outside} are no sites; columns run from 0 to {n_sites - 1}"] if outside else []
    strangers = sorted(set(rules.closable) - set(problem.existing.tolist()))
    told += [f"closable: {strangers} do not stand; name existing sites"] if strangers else []
    told += [] if rules.budget is None or rules.budget >= 0.0 else [f"budget: {rules.budget} must be at least 0"]
    told += [f"floor of area {a}: {s} must be a share from 0 to 1" for a, s in rules.floor.items() if not 0 <= s <= 1]
    counts = [("at_least", rules.at_least), ("at_most", rules.at_most)]
    return told + [f"{name} of area {a}: {k} must be at least 0" for name, of in counts for a, k in of.items() if k < 0]


def _named(name: str, is_wrong: npt.NDArray[np.bool_], what: str) -> list[str]:
    rows = np.flatnonzero(is_wrong)
    if not len(rows):
        return []
    shown = ", ".join(str(i) for i in rows[:10]) + (", ..." if len(rows) > 10 else "")
    return [f"{name}[{shown}]: {what}"]
