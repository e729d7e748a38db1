"""Measures without competition: what is in reach, whoever else may use it. Demand is checked, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.accessibility.question import ask, weigh

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.accessibility.question import CatchmentLike, Times
    from chongming_gis.decay import DecayLike

    Floats = npt.NDArray[np.float64]


def gravity(
    times: Times,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    catchment_s: CatchmentLike = None,
    decay: DecayLike = "exponential",
) -> Floats:
    """Return the supply in reach of each origin, near supply counted for more (Hansen 1959).

    Parameters and errors are those of ``two_step``. The gravity measure *with* competition (Joseph & Bantock 1982) is
    ``two_step`` with a power or exponential decay.

    Notes
    -----
    A_i = sum_j S_j W_ij.

    Examples
    --------
    >>> from scipy import sparse
    >>> times = sparse.csr_matrix([[450.0, 900.0]])
    >>> gravity(times, [10], [4, 100], catchment_s=900.0, decay="linear").tolist()
    [2.0]
    """
    question = ask(times, demand, supply, catchment_s=catchment_s, decay=decay)
    return np.asarray(weigh(question) @ question.supply)


def cumulative(
    times: Times, demand: npt.ArrayLike, supply: npt.ArrayLike, *, catchment_s: CatchmentLike = None
) -> Floats:
    """Return the supply within the catchment of each origin (cumulative opportunities); of several modes, weighted.

    Parameters and errors are those of ``two_step``.

    Notes
    -----
    A_i = sum of S_j over the j with t_ij <= c. With a supply of 1 each it counts facilities.

    Examples
    --------
    >>> from scipy import sparse
    >>> cumulative(sparse.csr_matrix([[450.0, 900.0]]), [10], [4, 100], catchment_s=900.0).tolist()
    [104.0]
    """
    question = ask(times, demand, supply, catchment_s=catchment_s, decay="binary")
    return np.asarray(weigh(question) @ question.supply)


def closest(times: Times, demand: npt.ArrayLike, supply: npt.ArrayLike, *, catchment_s: CatchmentLike = None) -> Floats:
    """Return the seconds to the nearest destination that has any supply; inf where none is in the catchment.

    Parameters and errors are those of ``two_step``. Of several modes, the fastest that anyone there uses.

    Examples
    --------
    >>> from scipy import sparse
    >>> closest(sparse.csr_matrix([[450.0, 900.0]]), [10], [0, 100], catchment_s=900.0).tolist()
    [900.0]
    """
    question = ask(times, demand, supply, catchment_s=catchment_s, decay="binary")
    nearest = np.full(question.demand.size, np.inf)
    for leg in question.legs:
        usable = leg.within() & (question.supply[leg.seconds.indices] > 0.0)
        seconds = np.append(np.where(usable, leg.seconds.data, np.inf), np.inf)  # the last keeps empty rows in range
        least = np.minimum.reduceat(seconds, leg.seconds.indptr[:-1]) if nearest.size else nearest
        least[np.diff(leg.seconds.indptr) == 0] = np.inf
        least[np.broadcast_to(leg.share, least.shape) == 0.0] = np.inf
        nearest = np.minimum(nearest, least)
    return nearest
