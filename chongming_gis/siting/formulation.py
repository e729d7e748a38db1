"""A siting model as columns and rows: the sites first, then what follows from them, and each rule as rows with a name.

Column j < n_sites is 1 where site j is open: existing sites that may not close are fixed at 1. The parts that follow
(who is covered, who goes where) are filled in by the solver, or by ``complete`` from the open sites alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from chongming_gis.siting.highs import MipModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from chongming_gis.siting.problem import Sense, SitingProblem

    Entry: TypeAlias = tuple[
        Sequence[int] | npt.NDArray[np.integer], Sequence[float] | npt.NDArray[np.float64], float, float
    ]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

_TOLERANCE = 1e-6  # of rows, relative to their bounds: ten times what the solver allows itself


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as coordinates: ``low <= sum of values * x[columns] <= high``, rows counted from 0."""

    rows: Ints
    columns: Ints
    values: Floats
    low: Floats
    high: Floats

    def matrix(self, n_columns: int) -> sparse.csr_array:
        """Return the rows as a matrix of so many columns; entries of one place are added."""
        at = (self.rows, self.columns)
        return sparse.coo_array((self.values, at), shape=(len(self.low), n_columns)).tocsr()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as rows, with what it takes to tell about it.

    Attributes
    ----------
    name : the field of ``SideRules``, or "new_sites", "target", "reach"
    place : the area or site it names; None where it names none
    offset : what stands already adds this to the row (persons served whatever is built, money never spent)
    total : what would be all of it, where the rule is a share
    cuts : rows that follow from the rule for whole sites; the solver finds its way sooner with them
    """

    name: str
    body: Rows
    place: int | None = None
    offset: float = 0.0
    total: float = 0.0
    cuts: Rows | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Columns that follow from the open sites.

    Attributes
    ----------
    costs : objective of each column
    high : upper bound of each column; the lower is 0
    is_whole : which columns are whole numbers; parts that become whole by themselves leave it False
    rows : how they hang on the sites; columns are numbered in the whole model
    values_of : from the open sites, the best values of the columns
    separate : from the values of all columns, rows that they break although they are not among ``rows``; None where
        they break none. Parts without it tell all their rows
    """

    costs: Floats
    high: Floats
    is_whole: Bools
    rows: Rows
    values_of: Callable[[Bools], Floats] | None = None
    separate: Callable[[Floats], Rows | None] | None = None


@dataclass(frozen=True, slots=True)
class Formulation:
    """A model ready for the solver.

    Attributes
    ----------
    site_costs : (n_sites,) what an open site adds to the objective
    offset : what the objective is with nothing open
    measure : from the values of all columns, the objective and who goes where, counted from the problem itself
    """

    model: str
    problem: SitingProblem
    sense: Sense
    site_costs: Floats
    offset: float
    parts: tuple[Part, ...]
    rules: tuple[Rule, ...]
    measure: Callable[[Floats], tuple[float, Ints]] = field(repr=False)

    @property
    def n_columns(self) -> int:
        """How many columns there are, sites included."""
        return self.problem.n_sites + sum(len(part.costs) for part in self.parts)

    @property
    def is_fixed(self) -> Bools:
        """Which sites stand and may not close."""
        return stands(self.problem)

    @property
    def can_complete(self) -> bool:
        """Whether everything follows from the open sites without a solver."""
        return all(part.values_of is not None for part in self.parts)

    def complete(self, is_open: Bools) -> Floats:
        """Return the best values of all columns for these open sites; ask ``can_complete`` first."""
        return np.concatenate(
            [is_open.astype(np.float64), *(p.values_of(is_open) for p in self.parts if p.values_of is not None)]
        )

    def objective(self) -> Floats:
        """Return the objective of every column."""
        return np.concatenate([self.site_costs, *(part.costs for part in self.parts)])

    def broken(self, values: Floats) -> list[Rule]:
        """Return the rules that these values do not obey."""
        return [rule for rule in self.rules if not holds(rule.body, values)]


def stands(problem: SitingProblem) -> Bools:
    """Return which sites stand and may not close."""
    is_fixed = np.zeros(problem.n_sites, dtype=bool)
    is_fixed[problem.existing] = True
    is_fixed[list(problem.rules.closable)] = False
    return is_fixed


def rows_of(entries: Iterable[Entry]) -> Rows:
    """Return rows from (columns, values, low, high) each."""
    told = list(entries)
    sizes = [len(columns) for columns, *_ in told]
    return Rows(
        np.repeat(np.arange(len(told), dtype=np.int64), sizes),
        np.concatenate([np.empty(0, dtype=np.int64), *(np.asarray(c, dtype=np.int64) for c, *_ in told)]),
        np.concatenate([np.empty(0), *(np.asarray(v, dtype=np.float64) for _, v, *_ in told)]),
        np.array([low for *_, low, _ in told], dtype=np.float64),
        np.array([high for *_, high in told], dtype=np.float64),
    )


def as_mip(
    formulation: Formulation,
    *,
    rules: Sequence[Rule] | None = None,
    objective: Floats | None = None,
    sense: Sense | None = None,
    more: Sequence[Rows] = (),
) -> MipModel:
    """Return what HiGHS is given: the formulation with some of its rules, another objective, or more rows."""
    kept = formulation.rules if rules is None else rules
    bodies = [*(part.rows for part in formulation.parts), *(rule.body for rule in kept), *more]
    bodies += [rule.cuts for rule in kept if rule.cuts is not None]
    n_sites, n = formulation.problem.n_sites, formulation.n_columns
    if bodies:
        matrix = sparse.csr_array(sparse.vstack([body.matrix(n) for body in bodies], format="csr"))
    else:
        matrix = sparse.csr_array((0, n))
    low = np.zeros(n)
    low[:n_sites] = formulation.is_fixed
    return MipModel(
        formulation.objective() if objective is None else objective,
        matrix,
        np.concatenate([np.empty(0), *(body.low for body in bodies)]),
        np.concatenate([np.empty(0), *(body.high for body in bodies)]),
        low,
        np.concatenate([np.ones(n_sites), *(part.high for part in formulation.parts)]),
        np.concatenate([np.ones(n_sites, dtype=bool), *(part.is_whole for part in formulation.parts)]),
        formulation.sense if sense is None else sense,
    )


def holds(body: Rows, values: Floats) -> bool:
    """Return whether the values obey the rows."""
    reached = np.bincount(body.rows, weights=body.values * values[body.columns], minlength=len(body.low))
    slack_low = _TOLERANCE * np.maximum(1.0, np.abs(np.where(np.isfinite(body.low), body.low, 0.0)))
    slack_high = _TOLERANCE * np.maximum(1.0, np.abs(np.where(np.isfinite(body.high), body.high, 0.0)))
    return bool(((reached >= body.low - slack_low) & (reached <= body.high + slack_high)).all())


def unlimited(size: int) -> Floats:
    """Return bounds that bind nothing."""
    return np.full(size, math.inf)


def sums(at: npt.NDArray[np.integer], values: Floats, size: int) -> Floats:
    """Return the sum of the values at each number below ``size``."""
    return np.bincount(at, weights=values, minlength=size).astype(np.float64)
