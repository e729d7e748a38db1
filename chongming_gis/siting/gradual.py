"""Cover that is not yes or no: it fades with the way (gradual cover), or counts twice where a second site stands by.

Backup cover has two definitions in the literature, both by Hogan & ReVelle (1986):

- *BACOP1*: everyone is covered once, that is a rule; the most people are covered twice.
- *BACOP2*: both are goals; ``first_share`` x people covered + (1 - ``first_share``) x people covered twice.

Covered twice means two open sites within the standard. Who has one possible site is never backed up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from chongming_gis.decay import as_decay
from chongming_gis.errors import SitingError
from chongming_gis.siting.answer import find_plan, opened
from chongming_gis.siting.choice_rows import best_open, choice_part, fewest_columns
from chongming_gis.siting.cover_rows import classes_of, cover_part, floor_rules, within
from chongming_gis.siting.formulation import Formulation, Part, Rule, rows_of, stands
from chongming_gis.siting.models import covered_weight, gains_over, reach_rule
from chongming_gis.siting.rules import site_rules

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.decay import DecayLike
    from chongming_gis.siting.cover_rows import CoverClasses
    from chongming_gis.siting.formulation import Bools, Entry, Floats, Ints
    from chongming_gis.siting.problem import SitingPlan, SitingProblem

BackupDefinition = Literal["BACOP1", "BACOP2"]

TIME_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Backup:
    """Which definition of backup cover, and for BACOP2 how much the first cover counts (0-1)."""

    definition: BackupDefinition = "BACOP2"
    first_share: float = 0.5


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """A plan for backup cover, with the weight covered at least once and at least twice; NaN where there is no plan."""

    plan: SitingPlan
    covered_weight: float
    backed_up_weight: float


def gradual_cover(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    new_sites: int | None,
    decay: DecayLike = "linear",
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> SitingPlan:
    """Return at most ``new_sites`` sites with the most cover, each person counting as much as the best open site gives.

    Parameters
    ----------
    standard : cost beyond which nothing counts, one number or (n_demand,)
    decay : how cover fades with the cost; see ``chongming_gis.decay``. "binary" makes it the MCLP

    Raises
    ------
    SitingError
        Nothing limits what is built.
    StudyError
        There is no such decay.

    Notes
    -----
    Church & Roberts (1983); Berman & Krass (2002): max sum w_i max over open j of f(c_ij). A floor counts faded cover.

    Examples
    --------
    Ten people at the door of site 0 and ten at its limit; site 1 is a third of the limit from all of them.

    >>> from chongming_gis.siting import SitingProblem
    >>> problem = SitingProblem([[0.0, 300.0], [900.0, 300.0]], [10, 10])
    >>> plan = gradual_cover(problem, standard=900.0, new_sites=1, decay="linear")
    >>> plan.chosen.tolist(), round(plan.objective, 3)
    ([1], 13.333)
    """
    formulation = gradual_formulation(problem, standard=standard, new_sites=new_sites, decay=decay)
    return find_plan(formulation, time_limit_s=time_limit_s, target_gap=target_gap)


def gradual_formulation(
    problem: SitingProblem, *, standard: npt.ArrayLike, new_sites: int | None, decay: DecayLike
) -> Formulation:
    """Return the gradual covering model with its rules."""
    weights, nothing = problem.weights, np.zeros(problem.n_demand)
    cover = _faded(problem, standard, decay)
    standing = best_open(cover, stands(problem), nothing=nothing).value
    gains = gains_over(cover, standing, weights)
    rules = site_rules(problem, new_sites=new_sites)
    offset = float(standing @ weights)

    def measure(values: Floats) -> tuple[float, Ints]:
        best = best_open(cover, values[: problem.n_sites] > 0.5, nothing=nothing)
        return float(best.value @ weights), best.site

    if not problem.rules.floor:
        part, site_gains = fewest_columns(gains, first=problem.n_sites)
        return Formulation("gradual cover", problem, "maximise", site_gains, offset, (part,), tuple(rules), measure)
    choice = choice_part(gains, first=problem.n_sites)  # a floor needs to know every pair, or it could not be told why
    areas = np.repeat(problem.demand_areas, np.diff(gains.indptr))
    for area, share in sorted(problem.rules.floor.items()):
        in_area = problem.demand_areas == area
        total = float(weights[in_area].sum())
        served = float(weights[in_area] @ standing[in_area])
        low = share * total - served - 1e-9 * max(total, 1.0)
        inside = areas == area
        rules.append(
            Rule("floor", rows_of([(choice.column[inside], gains.data[inside], low, np.inf)]), area, served, total)
        )
    return Formulation(
        "gradual cover", problem, "maximise", choice.site_gains, offset, (choice.part,), tuple(rules), measure
    )


def backup_coverage(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    new_sites: int | None,
    backup: Backup | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> BackupPlan:
    """Return at most ``new_sites`` sites with the most people whom a second site covers, existing sites counted.

    Parameters
    ----------
    backup : the definition; BACOP2 with both goals equal unless given. In BACOP1 everyone whom any site could cover
        has to be covered once

    Raises
    ------
    SitingError
        Nothing limits what is built, or the definition is none of the two.

    Examples
    --------
    >>> from chongming_gis.siting import SitingProblem
    >>> problem = SitingProblem([[300.0, 600.0, 2000.0], [2000.0, 2000.0, 300.0]], [8, 5])
    >>> found = backup_coverage(problem, standard=900.0, new_sites=3)
    >>> found.covered_weight, found.backed_up_weight  # the five have one possible site
    (13.0, 8.0)
    """
    how = backup or Backup()
    if how.definition not in {"BACOP1", "BACOP2"} or not 0.0 <= how.first_share <= 1.0:
        raise SitingError(f"backup: {how} must be BACOP1, or BACOP2 with a first_share from 0 to 1")
    formulation = backup_formulation(problem, standard=standard, new_sites=new_sites, backup=how)
    plan = find_plan(formulation, time_limit_s=time_limit_s, target_gap=target_gap)
    if plan.status in {"infeasible", "unknown"}:
        return BackupPlan(plan, np.nan, np.nan)
    count = within(problem, standard) @ opened(problem, plan.chosen, plan.closed).astype(np.float64)
    weights = problem.weights
    return BackupPlan(plan, float(weights[count >= 1.0].sum()), float(weights[count >= 2.0].sum()))


def backup_formulation(
    problem: SitingProblem, *, standard: npt.ArrayLike, new_sites: int | None, backup: Backup
) -> Formulation:
    """Return the backup covering model with its rules."""
    must_cover = backup.definition == "BACOP1"
    first_share = 0.0 if must_cover else backup.first_share
    covers, weights, n_sites = within(problem, standard), problem.weights, problem.n_sites
    everyone = np.ones(problem.n_demand, dtype=bool)
    first = classes_of(problem, covers, first=n_sites, is_asked=everyone)
    first_part, site_gains = cover_part(first, first_share * first.weights(weights))
    second_part = _second_cover(first, (1.0 - first_share) * first.weights(weights), n_sites + len(first_part.costs))
    is_fixed = stands(problem)
    standing = covers @ is_fixed.astype(np.float64)
    loose = sparse.csr_array(covers @ sparse.diags_array((~is_fixed).astype(np.float64)))
    loose.eliminate_zeros()
    at = n_sites + len(first_part.costs) + len(second_part.costs)
    seconds = classes_of(problem, loose, first=at, is_asked=standing == 1.0)
    standby_part, standby_gains = cover_part(seconds, (1.0 - first_share) * seconds.weights(weights))
    rules = site_rules(problem, new_sites=new_sites) + floor_rules(problem, first)
    rules += [reach_rule(first)] if must_cover else []

    def measure(values: Floats) -> tuple[float, Ints]:
        count = covers @ (values[:n_sites] > 0.5).astype(np.float64)
        reached = first_share * weights[count >= 1.0].sum() + (1.0 - first_share) * weights[count >= 2.0].sum()
        return float(reached), np.empty(0, dtype=np.int64)

    offset = first_share * covered_weight(problem, covers, is_fixed.astype(np.float64))
    offset += (1.0 - first_share) * float(weights[standing >= 2.0].sum())
    parts = (first_part, second_part, standby_part)
    name = f"backup cover ({backup.definition})"
    return Formulation(name, problem, "maximise", site_gains + standby_gains, offset, parts, tuple(rules), measure)


def _second_cover(first: CoverClasses, gains: Floats, at: int) -> Part:
    """Return a column a class that is 1 where two of its sites are open; classes of a single site have none."""
    own = np.flatnonzero(first.has_own)
    table = first.sites[own]
    entries: list[Entry] = []
    for number, (kind, start, end) in enumerate(
        zip(own.tolist(), table.indptr[:-1].tolist(), table.indptr[1:].tolist(), strict=True)
    ):
        sites, covered = table.indices[start:end], int(first.column[kind])
        columns = np.concatenate([[at + number, covered], sites])
        entries.append((columns, np.concatenate([[1.0, 1.0], -np.ones(len(sites))]), -np.inf, 0.0))
        entries.append(([at + number, covered], [1.0, -1.0], -np.inf, 0.0))

    def values_of(is_open: Bools) -> Floats:
        return (table @ is_open.astype(np.float64) >= 2.0).astype(np.float64)

    n = len(own)  # whole: half covered once and half twice would be a way out of the two rows
    return Part(gains[own], np.ones(n), np.ones(n, dtype=bool), rows_of(entries), values_of)


def _faded(problem: SitingProblem, standard: npt.ArrayLike, decay: DecayLike) -> sparse.csr_array:
    """Return how much each pair covers, above 0 where stored."""
    covers = within(problem, standard)
    rows = np.repeat(np.arange(problem.n_demand), np.diff(problem.costs.indptr))
    limit = np.broadcast_to(np.asarray(standard, dtype=np.float64), (problem.n_demand,))
    is_within = problem.costs.data <= limit[rows]
    cover = as_decay(decay)(problem.costs.data[is_within], limit[rows[is_within]])
    table = sparse.csr_array((cover, covers.indices, covers.indptr), shape=covers.shape)
    table.eliminate_zeros()
    return table
