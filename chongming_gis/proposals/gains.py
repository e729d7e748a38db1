"""What each proposed site brings: who is newly covered, minutes saved, what is lost without it, what stands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse

    from chongming_gis.proposals.question import Question
    from chongming_gis.siting import SitingPlan

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]

NEAR_M = (
    3000.0  # planning assumption: a site this near may stand in for another, or be the better ground it gave way to
)


@dataclass(frozen=True, slots=True)
class Gains:
    """What a plan brings, by demand point and by chosen site (in the order of ``plan.chosen``).

    Attributes
    ----------
    before, after : (n_demand,) who is within the standard without and with the plan
    credited : (n_demand,) position in ``plan.chosen`` of the site that newly covers a point (the nearest), else -1
    newly_covered : persons credited to each site; they add up to what the plan covers more
    lost_without : persons covered no more if this site alone is left out
    seconds_saved : mean over the persons credited to a site who had one in reach, if a far one; NaN for nobody
    backup_gained : persons with exactly one existing site in reach for whom it is a second one; NaN where not asked
    stand_in : column of the allowed candidate nearby that stands in best, -1 where none; and what is then lost
    stand_in_loss : persons
    refused : column of the refused candidate nearby that would cover most more, -1 where none would
    refused_gain : persons that it would cover more than the site does
    """

    before: Claims
    after: Claims
    credited: Ints
    newly_covered: Floats
    lost_without: Floats
    seconds_saved: Floats
    backup_gained: Floats
    stand_in: Ints
    stand_in_loss: Floats
    refused: Ints
    refused_gain: Floats


def measure_gains(question: Question, plan: SitingPlan, nearest_before_s: Floats) -> Gains:
    """Return what a plan brings.

    Parameters
    ----------
    nearest_before_s : (n_demand,) seconds to the nearest existing site; inf = none in reach
    """
    problem, covers = question.problem, question.covers
    weights = problem.weights
    standing = np.asarray(covers[:, problem.existing].sum(axis=1)).ravel()
    mine = covers[:, plan.chosen]
    count = np.asarray(mine.sum(axis=1)).ravel()
    before, after = standing > 0, (standing > 0) | (count > 0)
    nearest, new_s = _nearest(question, plan)
    credited = np.where(~before & after, nearest, -1)
    had_one = (credited >= 0) & np.isfinite(nearest_before_s)
    saved_s = np.where(had_one, nearest_before_s - np.where(had_one, new_s, 0.0), 0.0)
    persons = _by_site(credited, weights * had_one, len(plan.chosen))
    saved = _by_site(credited, weights * saved_s, len(plan.chosen))
    mean_s = np.divide(saved, persons, out=np.full(len(persons), np.nan), where=persons > 0.0)
    alone = weights * (~before & (count == 1))
    nobody = np.full(len(plan.chosen), np.nan)
    stand_in, loss, refused, gain = _neighbours(question, plan, weights * ~before, mine)
    return Gains(
        before=before,
        after=after,
        credited=credited,
        newly_covered=_by_site(credited, weights, len(plan.chosen)),
        lost_without=np.asarray(alone @ mine).ravel(),
        seconds_saved=mean_s,
        backup_gained=np.asarray((weights * (standing == 1)) @ mine).ravel()
        if question.proposal.counts_backup
        else nobody,
        stand_in=stand_in,
        stand_in_loss=loss,
        refused=refused,
        refused_gain=gain,
    )


def _nearest(question: Question, plan: SitingPlan) -> tuple[Ints, Floats]:
    """Return position in ``plan.chosen`` and seconds of the nearest chosen site; -1 and inf where none is in reach."""
    times = question.time_s[:, plan.chosen]
    rows = np.repeat(np.arange(times.shape[0]), np.diff(times.indptr))
    order = np.lexsort((times.indices, times.data, rows))
    first = np.flatnonzero(np.diff(rows[order], prepend=-1))
    nearest, seconds = np.full(times.shape[0], -1, dtype=np.int64), np.full(times.shape[0], np.inf)
    nearest[rows[order][first]] = times.indices[order][first]
    seconds[rows[order][first]] = times.data[order][first]
    return nearest, seconds


def _by_site(site: Ints, amounts: Floats, n_sites: int) -> Floats:
    kept = site >= 0
    return np.bincount(site[kept], weights=amounts[kept], minlength=n_sites).astype(np.float64)


def _neighbours(
    question: Question, plan: SitingPlan, uncovered: Floats, mine: sparse.csr_array
) -> tuple[Ints, Floats, Ints, Floats]:
    """Return for each chosen site the best allowed and the best refused candidate nearby, with loss and gain."""
    sites, problem, covers = question.sites, question.problem, question.covers
    points = np.column_stack([sites.geometry.x, sites.geometry.y])
    free = np.zeros(len(sites), dtype=bool)
    free[problem.candidates] = True
    free[plan.chosen] = False
    is_refused = (sites["is_new"] & ~sites["allowed"]).to_numpy(bool)
    count = np.asarray(mine.sum(axis=1)).ravel()
    n = len(plan.chosen)
    stand_in, refused = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    loss, gain = np.full(n, np.nan), np.full(n, np.nan)
    columns = mine.tocsc()
    for position, site in enumerate(plan.chosen):  # a dozen sites, each one product of a vector and a matrix
        own = np.zeros(len(count))
        own[columns.indices[columns.indptr[position] : columns.indptr[position + 1]]] = 1.0
        left = uncovered * (count - own == 0)
        reach = np.asarray(left @ covers).ravel()
        is_near = np.hypot(*(points - points[site]).T) <= NEAR_M
        allowed = np.flatnonzero(is_near & free & _keeps_rules(question, plan, int(site)))
        better = np.flatnonzero(is_near & is_refused & (reach > reach[site]))
        if len(allowed):
            stand_in[position] = allowed[np.argmax(reach[allowed])]
            loss[position] = reach[site] - reach[stand_in[position]]
        if len(better):
            refused[position] = better[np.argmax(reach[better])]
            gain[position] = reach[refused[position]] - reach[site]
    return stand_in, loss, refused, gain


def _keeps_rules(question: Question, plan: SitingPlan, site: int) -> Claims:
    """Return which columns may take the place of a chosen site without breaking spacing or the duty of a township."""
    problem = question.problem
    others = {int(s) for s in plan.chosen if s != site}
    fits = np.ones(problem.n_sites, dtype=bool)
    for one, other in problem.rules.spacing:
        if one in others:
            fits[other] = False
        if other in others:
            fits[one] = False
    areas = problem.site_areas
    here = int(areas[site])
    in_use = np.bincount(areas[plan.chosen][areas[plan.chosen] >= 0], minlength=int(areas.max(initial=0)) + 1)
    if here >= 0 and in_use[here] <= problem.rules.at_least.get(here, 0):
        fits &= areas == here
    for area, most in problem.rules.at_most.items():
        if area != here and area < len(in_use) and in_use[area] >= most:
            fits &= areas != area
    return fits
