"""Catchments that depend on what is there: grown until they hold enough people, or enough places for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.accessibility.question import ask, by_row, ratios, weigh_leg, with_weights
from chongming_gis.errors import StudyError
from chongming_gis.kernels import competition

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.accessibility.question import CatchmentLike, Times
    from chongming_gis.decay import DecayLike

    Floats = npt.NDArray[np.float64]

_SLACK = 1e-9  # relative: thirty people are enough for three beds at one bed to ten


def ev2sfca(
    times: Times,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    catchment_s: CatchmentLike = None,
    decay: DecayLike = "binary",
    target_ratio: float | None = None,
) -> Floats:
    """Return the supply per person with catchments that end where there is enough (EV2SFCA).

    Parameters
    ----------
    times, demand, supply, decay : as in ``two_step``, for one mode of travel.
    catchment_s : the widest catchments, inclusive.
    target_ratio : supply per person that counts as enough, above 0; without it all supply over all demand.

    Raises
    ------
    TableError, StudyError
        As ``two_step``; ``target_ratio`` is not a number above 0.

    Notes
    -----
    A facility's catchment grows, from near to far, until its supply per person in it is no more than the target (Ni et
    al. 2015); an origin's until the ratios of the facilities in it, among those that serve it, sum to the target (Luo &
    Whippo 2012). Places at one time enter together; the papers grow by fixed minutes, here each time is a step. A pair
    counts where both catchments contain the other (Ni et al. 2015), in both steps of E2SFCA. Decays are stretched over
    the widest catchment, so that a minute weighs the same everywhere.

    Examples
    --------
    One bed to ten people is enough. The home of one bed stops at the ten people beside it; that of three beds goes on
    to the twenty who are 10 minutes away. The ten have enough at their door, so they do not go to the second home:

    >>> from scipy import sparse
    >>> times = sparse.csr_matrix(([60.0, 300.0, 660.0, 600.0], [0, 1, 0, 1], [0, 2, 4]), shape=(2, 2))
    >>> ev2sfca(times, [10, 20], [1, 3], catchment_s=900.0, target_ratio=0.1).round(3).tolist()
    [0.1, 0.15]
    """
    if target_ratio is not None and not 0.0 < target_ratio < np.inf:
        raise StudyError(f"ev2sfca: target_ratio = {target_ratio}; it must be a number above 0")
    question = ask(times, demand, supply, catchment_s=catchment_s, decay=decay)
    leg = question.only_leg("ev2sfca")
    demand, supply = question.demand, question.supply
    if target_ratio is None:
        target_ratio = float(supply.sum() / demand.sum()) if demand.sum() > 0.0 else 0.0
    if not target_ratio > 0.0:
        return np.zeros(demand.size)
    near = leg.where(leg.within())
    by_facility = near.seconds.tocsc()
    people_for_it = (1.0 - _SLACK) * supply / target_ratio
    ends = competition.grow(by_facility.indptr, by_facility.data, demand[by_facility.indices], people_for_it)
    served = near.where(near.seconds.data <= ends[near.seconds.indices])
    per_person = ratios(supply, with_weights(served.seconds, np.ones(served.seconds.nnz)).T @ demand)
    enough = np.full(demand.size, (1.0 - _SLACK) * target_ratio)
    reach = competition.grow(served.seconds.indptr, served.seconds.data, per_person[served.seconds.indices], enough)
    mutual = served.where(served.seconds.data <= by_row(served.seconds, reach))
    weights = weigh_leg(mutual)
    return np.asarray(weights @ ratios(supply, weights.T @ demand))


def catchments_with_people(
    times: Times, demand: npt.ArrayLike, *, persons: float, catchment_s: CatchmentLike = None
) -> Floats:
    """Return how far each destination must reach to have some number of people, seconds (Luo & Whippo 2012).

    Parameters
    ----------
    times, demand : as in ``two_step``, for one mode of travel.
    persons : the base population of a facility, above 0.
    catchment_s : the widest catchments, inclusive; a facility that never has so many people gets its widest.

    Raises
    ------
    TableError, StudyError
        As ``two_step``; ``persons`` is not a number above 0.

    Notes
    -----
    The result is for ``Catchments(destination_s=...)`` of any measure.

    Examples
    --------
    >>> from scipy import sparse
    >>> times = sparse.csr_matrix([[60.0], [300.0]])
    >>> catchments_with_people(times, [10, 20], persons=15, catchment_s=900.0).tolist()
    [300.0]
    """
    if not 0.0 < persons < np.inf:
        raise StudyError(f"catchments_with_people: persons = {persons}; it must be a number above 0")
    question = ask(times, demand, None, catchment_s=catchment_s, decay="binary")
    leg = question.only_leg("catchments_with_people")
    near = leg.where(leg.within()).seconds.tocsc()
    enough = np.full(near.shape[1], (1.0 - _SLACK) * persons)
    ends = competition.grow(near.indptr, near.data, question.demand[near.indices], enough)
    widest = np.minimum(leg.origin_s.max(initial=0.0), leg.destination_s)
    return np.asarray(np.minimum(ends, widest))
