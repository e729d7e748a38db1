"""RAAM: what people bear, on the way and in the queue, when everyone goes where it is best for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.accessibility.question import ask
from chongming_gis.errors import StudyError, TableError
from chongming_gis.kernels import competition

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.accessibility.question import CatchmentLike, Times

    Floats = npt.NDArray[np.float64]

TAU_S = 3600.0  # Saxon & Snow (2020): an hour of travel weighs as much as a facility loaded to the average
RAAM_TOLERANCE = 1e-6  # nobody could save more by going elsewhere; a part of the average load, or of a cost above it
_MOST_ROUNDS = 2000


def raam(
    times: Times,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    catchment_s: CatchmentLike = None,
    tau_s: float = TAU_S,
    persons_per_place: float | None = None,
) -> Floats:
    """Return the cost of access of each origin, congestion and travel, at equilibrium: *less is better*.

    Parameters
    ----------
    times, demand, supply, catchment_s : as in ``two_step``, for one mode of travel.
    tau_s : seconds of travel that weigh as much as a load of ``persons_per_place``, above 0.
    persons_per_place : the load that costs 1, above 0; without it all demand over all supply. Give it when results of
        two years or plans are compared, or each would be measured by its own average.

    Raises
    ------
    TableError
        The numbers do not fit together, or the crowds did not settle (message: the excess left).
    StudyError
        ``tau_s`` or ``persons_per_place`` is not a number above 0.

    Notes
    -----
    At facility j the people of i bear D_j / (S_j rho) + t_ij / tau, where D_j are all who go there (Saxon & Snow 2020).
    They shift until nobody can bear less elsewhere in reach. The authors shift people step by step with a shrinking
    step; here the equilibrium is computed as the minimum of Beckmann's convex program, to ``RAAM_TOLERANCE``: the
    people of no origin bear on average more than that (times the cost, where it is above 1) over the least in reach.
    inf: no supply in reach. An origin without people has the cost that a first person would bear.

    Examples
    --------
    Two homes of one bed, twenty people in the west and ten in the east, an hour between the homes. Four of the west
    travel: sixteen people a bed in the west cost 16/15, fourteen in the east 14/15, and the way 2/15 (tau 7.5 hours).

    >>> from scipy import sparse
    >>> times = sparse.csr_matrix(([0.0, 3600.0, 3600.0, 0.0], [0, 1, 0, 1], [0, 2, 4]), shape=(2, 2))
    >>> raam(times, [20, 10], [1, 1], catchment_s=3600.0, tau_s=27_000.0).round(4).tolist()
    [1.0667, 0.9333]
    """
    wrong = [
        f"{name} = {value}"
        for name, value in (("tau_s", tau_s), ("persons_per_place", persons_per_place))
        if value is not None and not 0.0 < value < np.inf
    ]
    if wrong:
        raise StudyError(f"raam: {', '.join(wrong)}; it must be a number above 0")
    question = ask(times, demand, supply, catchment_s=catchment_s, decay="binary")
    leg = question.only_leg("raam")
    kept = leg.where(leg.within() & (question.supply[leg.seconds.indices] > 0.0)).seconds
    total_supply, total_demand = question.supply.sum(), question.demand.sum()
    if persons_per_place is None:
        persons_per_place = total_demand / total_supply if total_supply > 0.0 and total_demand > 0.0 else 1.0
    slope = 1.0 / (np.where(question.supply > 0.0, question.supply, 1.0) * persons_per_place)
    travel = kept.data / tau_s
    load, excess, rounds = competition.settle(
        kept.indptr, kept.indices, travel, question.demand, slope, RAAM_TOLERANCE, _MOST_ROUNDS
    )
    if excess > RAAM_TOLERANCE:
        raise TableError(
            f"raam: after {rounds} rounds people could still save {excess:.2g} by going elsewhere; "
            "supply or demand of very different sizes in one place? Leave out facilities of next to no supply"
        )
    cost = np.append(travel + (load * slope)[kept.indices], np.inf)  # the last keeps empty rows in range
    least = np.minimum.reduceat(cost, kept.indptr[:-1]) if question.demand.size else np.zeros(0)
    least[np.diff(kept.indptr) == 0] = np.inf
    return np.asarray(least)
