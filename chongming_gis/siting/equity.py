"""What fairness between areas costs: the plan with every area at a floor, the plan without, and what lies between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.siting.answer import find_plan
from chongming_gis.siting.cover_rows import SERVED, classes_of, within
from chongming_gis.siting.formulation import Formulation, Part, rows_of
from chongming_gis.siting.models import mclp_formulation

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.siting.formulation import Entry, Floats, Ints
    from chongming_gis.siting.problem import SitingPlan, SitingProblem


@dataclass(frozen=True, slots=True)
class FloorPrice:
    """The best plan with and without the floor.

    Attributes
    ----------
    price : people whom the best plan without the floor covers, and the one with it does not; NaN where no plan obeys
    least, most : what the price is for certain, from the bounds of both plans
    """

    with_floor: SitingPlan
    without: SitingPlan

    @property
    def price(self) -> float:
        """People lost to the floor; NaN where no plan obeys it."""
        if self.with_floor.status in {"infeasible", "unknown"}:
            return np.nan
        return self.without.objective - self.with_floor.objective

    @property
    def least(self) -> float:
        """The price cannot be lower; NaN where no plan obeys the floor."""
        return np.nan if np.isnan(self.price) else max(self.without.objective - self.with_floor.bound, 0.0)

    @property
    def most(self) -> float:
        """The price cannot be higher; NaN where no plan obeys the floor."""
        return np.nan if np.isnan(self.price) else self.without.bound - self.with_floor.objective


def floor_price(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    new_sites: int | None,
    time_limit_s: float = 60.0,
    target_gap: float = 0.0,
) -> FloorPrice:
    """Return what ``rules.floor`` costs in people covered; the other rules bind both plans.

    Parameters
    ----------
    standard : largest cost that counts as covered, one number or (n_demand,)
    new_sites : most sites to build; None = as many as the budget allows
    time_limit_s : seconds for each of the two plans

    Examples
    --------
    >>> from chongming_gis.siting import SideRules, SitingProblem
    >>> rules = SideRules(floor={2: 0.5})
    >>> problem = SitingProblem([[0.0, 9.0], [9.0, 0.0]], [30, 20], demand_areas=[1, 2], rules=rules)
    >>> floor_price(problem, standard=5.0, new_sites=1).price
    10.0
    """
    with_floor = _covered_most(problem, standard, new_sites, time_limit_s, target_gap)
    free = replace(problem, rules=replace(problem.rules, floor={}))
    without = _covered_most(free, standard, new_sites, time_limit_s, target_gap)
    return FloorPrice(with_floor, without)


def floor_frontier(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    new_sites: int | None,
    shares: Sequence[float],
    time_limit_s: float = 60.0,
) -> dict[float, FloorPrice]:
    """Return what each floor (0-1, the same in every area that has demand) costs, from the lowest to the highest."""
    areas = np.unique(problem.demand_areas[(problem.demand_areas >= 0) & (problem.weights > 0.0)]).tolist()
    without = _covered_most(
        replace(problem, rules=replace(problem.rules, floor={})), standard, new_sites, time_limit_s, 0.0
    )
    found = {}
    for share in sorted(set(shares)):
        rules = replace(problem.rules, floor=dict.fromkeys(areas, share))
        plan = _covered_most(replace(problem, rules=rules), standard, new_sites, time_limit_s, 0.0)
        found[share] = FloorPrice(plan, without)
    return found


def highest_floor(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    new_sites: int | None,
    time_limit_s: float = 60.0,
    target_gap: float = 0.0,
) -> SitingPlan:
    """Return the plan whose worst area is covered best; its objective is that area's share (0-1).

    ``rules.floor`` binds as well; areas without demand do not count.

    Notes
    -----
    max t, t <= covered weight of area a / weight of area a, for every a (a maximin objective).
    """
    base = mclp_formulation(problem, standard=standard, new_sites=new_sites)
    covers = within(problem, standard)
    classes = classes_of(problem, covers, first=problem.n_sites, is_asked=problem.weights > 0.0)
    at = base.n_columns
    totals: dict[int, float] = {}
    entries: list[Entry] = []
    for area in np.unique(problem.demand_areas[(problem.demand_areas >= 0) & (problem.weights > 0.0)]).tolist():
        in_area = np.where(problem.demand_areas == area, problem.weights, 0.0)
        totals[area] = float(in_area.sum())
        weights = classes.weights(in_area)
        used = np.flatnonzero(weights)
        served = float(in_area[classes.of_row == SERVED].sum())
        columns = np.concatenate([[at], classes.column[used]])
        values = np.concatenate([[1.0], -weights[used] / totals[area]])
        entries.append((columns, values, -np.inf, served / totals[area]))

    def worst_share(values: Floats) -> float:
        is_open = (values[: problem.n_sites] > 0.5).astype(np.float64)
        covered = np.where(covers @ is_open > 0.0, problem.weights, 0.0)
        return min(
            (float(covered[problem.demand_areas == a].sum()) / total for a, total in totals.items()), default=1.0
        )

    def measure(values: Floats) -> tuple[float, Ints]:
        return worst_share(values), np.empty(0, dtype=np.int64)

    floor = Part(
        np.ones(1),
        np.ones(1),
        np.zeros(1, dtype=bool),
        rows_of(entries),
        lambda is_open: np.array([worst_share(is_open.astype(np.float64))]),
    )
    parts = tuple(replace(part, costs=np.zeros(len(part.costs))) for part in base.parts)
    nothing = np.zeros(problem.n_sites)
    formulation = Formulation("maximin cover", problem, "maximise", nothing, 0.0, (*parts, floor), base.rules, measure)
    return find_plan(formulation, time_limit_s=time_limit_s, target_gap=target_gap)


def _covered_most(
    problem: SitingProblem, standard: npt.ArrayLike, new_sites: int | None, time_limit_s: float, target_gap: float
) -> SitingPlan:
    formulation = mclp_formulation(problem, standard=standard, new_sites=new_sites)
    return find_plan(formulation, time_limit_s=time_limit_s, target_gap=target_gap)
