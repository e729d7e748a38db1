"""A plan in phases as columns and rows: a copy of the covering model for each year, tied by "what is built stays"."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from chongming_gis.siting.answer import opened
from chongming_gis.siting.formulation import as_mip, rows_of
from chongming_gis.siting.stacked import side_by_side, with_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.formulation import Bools, Entry, Floats, Formulation, Ints
    from chongming_gis.siting.highs import MipModel
    from chongming_gis.siting.problem import SideRules, SitingPlan, SitingProblem

Unit = Literal["new_sites", "money"]
Unspent = Literal["carries_over", "lapses"]
Prefer = Literal["every_year", "last_year"]

SLACK = 1e-9  # relative: sums of money in another order


@dataclass(frozen=True, slots=True)
class Phases:
    """How much may be built in each year.

    Attributes
    ----------
    limits : (n_years,) most new sites, or most money, of each year
    unit : what the limits count; money is that of ``SitingProblem.site_costs``
    weights : (n_years,) what a person covered in that year counts; none = 1 each
    unspent : whether what a year leaves may be used later
    prefer : "every_year" maximises the weighted sum over the years; "last_year" first makes the last year as good as
        it can be, then the weighted sum
    """

    limits: tuple[float, ...]
    unit: Unit = "new_sites"
    weights: tuple[float, ...] = ()
    unspent: Unspent = "carries_over"
    prefer: Prefer = "every_year"

    @property
    def weight_of_year(self) -> Floats:
        """What a person covered counts in each year."""
        return np.asarray(self.weights or (1.0,) * len(self.limits), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class PhaseSearch:
    """What is known while a plan in phases is looked for; ``unphased`` grows year by year."""

    problem: SitingProblem
    phases: Phases
    standard: npt.ArrayLike
    formulation: Formulation
    ends: float
    target_gap: float
    unphased: list[SitingPlan] = field(default_factory=list)

    @property
    def n_years(self) -> int:
        """How many years there are."""
        return len(self.phases.limits)

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        return max(self.ends - time.perf_counter(), 0.0)

    @property
    def is_new(self) -> Bools:
        """Which sites do not stand yet."""
        is_new = np.ones(self.problem.n_sites, dtype=bool)
        is_new[self.problem.existing] = False
        return is_new


def lasting(rules: SideRules) -> SideRules:
    """Return the rules that hold in every year of a nested plan: those that only take sites away."""
    return replace(rules, at_least={}, forced=(), floor={})


def phase_model(search: PhaseSearch) -> MipModel:
    """Return a copy of the covering model for each year; only the last obeys all rules."""
    formulation = search.formulation
    is_usable = opened(search.problem, search.problem.candidates)
    whole = as_mip(formulation)
    high = np.concatenate([is_usable, np.ones(formulation.n_columns - search.problem.n_sites)])
    lasting = replace(as_mip(formulation, rules=()), high=high * whole.high)
    models = [lasting] * (search.n_years - 1) + [replace(whole, high=high * whole.high)]
    model = side_by_side(models, [1.0] * search.n_years)
    return with_rows(model, rows_of([*_nested(search), *_limits(search), *_own_bounds(search)]))


def _column(search: PhaseSearch, year: int, column: npt.ArrayLike) -> Ints:
    return np.asarray(column, dtype=np.int64) + year * search.formulation.n_columns


def _nested(search: PhaseSearch) -> list[Entry]:
    return [
        ([*_column(search, year, [site]), *_column(search, year + 1, [site])], [1.0, -1.0], -math.inf, 0.0)
        for year in range(search.n_years - 1)
        for site in search.problem.candidates.tolist()
    ]


def _limits(search: PhaseSearch) -> list[Entry]:
    phases, sites = search.phases, np.flatnonzero(search.is_new)
    each = search.problem.site_costs[sites] if phases.unit == "money" else np.ones(len(sites))
    entries: list[Entry] = []
    for year, limit in enumerate(phases.limits):
        columns, values = _column(search, year, sites), each
        high = math.fsum(phases.limits[: year + 1])
        if phases.unspent == "lapses":
            high = limit
            if year:
                columns = np.concatenate([columns, _column(search, year - 1, sites)])
                values = np.concatenate([each, -each])
        entries.append((columns, values, -math.inf, high + SLACK * max(high, 1.0)))
    return entries


def _own_bounds(search: PhaseSearch) -> list[Entry]:
    """Return that no year has more than its own best plan: the search ends sooner with it."""
    return [
        covered_row(search, year, at_most=plan.bound)
        for year, plan in enumerate(search.unphased)
        if math.isfinite(plan.bound)
    ]


def covered_row(search: PhaseSearch, year: int, *, at_least: float = -math.inf, at_most: float = math.inf) -> Entry:
    """Return the row that bounds the weight covered in a year, existing sites counted."""
    gains, offset = search.formulation.objective(), search.formulation.offset
    used = np.flatnonzero(gains)
    slack = 1e-7 * max(1.0, abs(at_least) if math.isfinite(at_least) else abs(at_most))
    return _column(search, year, used), gains[used], at_least - offset - slack, at_most - offset + slack


def weighted(search: PhaseSearch, model: MipModel, weights: Floats) -> MipModel:
    """Return the model with the weighted sum over the years as its objective."""
    return replace(model, costs=np.concatenate([weight * search.formulation.objective() for weight in weights]))


def open_years(search: PhaseSearch, values: Floats) -> Bools:
    """Return which sites are open in each year: (n_years, n_sites)."""
    return values.reshape(search.n_years, -1)[:, : search.problem.n_sites] > 0.5


def covered_of(search: PhaseSearch, is_open: Bools) -> Floats:
    """Return the weight covered in each year."""
    return np.array([search.formulation.measure(row.astype(np.float64))[0] for row in is_open])


def obeys(search: PhaseSearch, is_open: Bools) -> bool:
    """Return whether a nested plan keeps to the limits of the years and to the rules."""
    each = search.problem.site_costs if search.phases.unit == "money" else np.ones(search.problem.n_sites)
    used = (is_open & search.is_new) @ each
    limits = np.asarray(search.phases.limits)
    if search.phases.unspent == "lapses":
        used = np.diff(used, prepend=0.0)
    else:
        limits = np.cumsum(limits)
    is_within = bool((used <= limits + SLACK * np.maximum(limits, 1.0)).all())
    return is_within and not search.formulation.broken(search.formulation.complete(is_open[-1]))
