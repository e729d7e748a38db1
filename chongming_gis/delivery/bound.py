"""What no plan of rounds can beat: the most meals, and the least money, by a relaxation that is solved exactly.

The cost of a round is at least that of going straight to its farthest drop and back. Shared out over the meals on
board, a full vehicle at most, this gives a price for each meal, kitchen and vehicle (the radial bound of Haimovich and
Rinnooy Kan 1985); the cheapest assignment of all meals under these prices, within what kitchens cook and vehicles
carry, is a linear program. Kilometres are left out: the fastest way need not be the shortest, and obeys no triangle in
metres.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, sparse

from chongming_gis.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.delivery.question import HotRange, Question

    Floats = npt.NDArray[np.float64]

_SOLVED = 0


def bound_cost(question: Question, hot: HotRange) -> float:
    """Return what rounds and missed meals cost at least, in the study's currency; NaN where no bound was found.

    Notes
    -----
    x = meals of a drop brought by a kitchen's vehicle, u = meals missed: minimise prices x + missed price u, with
    x + u = meals of each drop, x <= what each kitchen cooks, x <= what its vehicles of each kind carry.
    """
    vehicle, kitchen, drop = np.nonzero(hot.is_usable & (question.meals > 0)[None, None, :])
    missed = question.rules.missed_meal_price
    n_drops, n_kitchens, n_vehicles = len(question.drops), len(question.kitchens), len(question.vehicles)
    if len(drop) == 0:
        return missed * float(question.meals.sum())
    n_ways = len(drop)
    column = np.arange(n_ways)
    stays = sparse.coo_matrix((np.ones(n_ways), (drop, column)), shape=(n_drops, n_ways))
    cooked = sparse.coo_matrix((np.ones(n_ways), (kitchen, column)), shape=(n_kitchens, n_ways))
    carried = sparse.coo_matrix(
        (np.ones(n_ways), (kitchen * n_vehicles + vehicle, column)), shape=(n_kitchens * n_vehicles, n_ways)
    )
    linprog: Any = optimize.linprog  # takes sparse matrices, which its types do not say
    stack: Any = sparse.hstack
    missing = sparse.csr_matrix((n_kitchens * (1 + n_vehicles), n_drops))
    most = stack([sparse.vstack([cooked, carried]), missing]).tocsr()
    solved = linprog(
        np.concatenate([_prices(question, hot)[vehicle, kitchen, drop], np.full(n_drops, missed)]),
        A_ub=most,
        b_ub=np.concatenate([question.cooks, question.carries.ravel()]).astype(float),
        A_eq=stack([stays, sparse.identity(n_drops)]).tocsr(),
        b_eq=question.meals.astype(float),
        method="highs",
    )
    return float(solved.fun) if solved.status == _SOLVED else float("nan")


def _prices(question: Question, hot: HotRange) -> Floats:
    """Return what a meal costs at least, (n vehicles, n kitchens, n drops); inf where it is not usable."""
    meals = np.maximum(question.meals, 1)
    prices = np.full(hot.out_s.shape, np.inf)
    for number, vehicle in enumerate(question.vehicles):
        hour = vehicle.cost_per_hour / SECONDS_PER_HOUR
        there_and_back = np.where(hot.is_usable[number], hot.out_s[number] + hot.back_s[number], np.inf)
        ride = vehicle.cost_per_round + hour * there_and_back if hour > 0.0 else np.where(
            hot.is_usable[number], vehicle.cost_per_round, np.inf
        )  # fmt: skip
        prices[number] = ride / vehicle.capacity_meals + hour * question.rules.handover_s / meals
    return prices
