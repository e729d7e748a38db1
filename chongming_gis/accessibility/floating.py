"""The floating-catchment measures with one catchment a pair: 2SFCA, E2SFCA, 3SFCA, M2SFCA and BFCA.

All share one matrix of weights W (0 beyond the catchment) and one idea: a facility's supply is divided by the demand
that reaches it, and what each person gets there is summed over the facilities in reach. Scores are supply per person:
beds per resident, meals per older person. An origin that reaches nothing has 0; supply that nobody reaches goes
nowhere. An origin without people has the score that a person living there would have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.accessibility.question import ask, ratios, split_rows, weigh, with_weights

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.accessibility.question import CatchmentLike, Times
    from chongming_gis.decay import DecayLike

    Floats = npt.NDArray[np.float64]


def two_step(
    times: Times,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    catchment_s: CatchmentLike = None,
    decay: DecayLike = "binary",
) -> Floats:
    """Return the supply per person that each origin can reach, competition counted (2SFCA).

    Parameters
    ----------
    times : seconds from origins to destinations; ``TravelTimes``, a CSR matrix, or several ``Mode``.
    demand : persons or need of each origin, not negative.
    supply : of each destination, in the unit of the demand, not negative.
    catchment_s : upper bound, inclusive: one number, one an origin, or ``Catchments``; without it the cutoff of the
        ``TravelTimes``.
    decay : a name, a value of ``decay`` or a function of seconds.

    Raises
    ------
    TableError
        The numbers do not fit together; the message lists every fault.
    StudyError
        There is no such decay, or it gives a weight that is negative, infinite or not a number.

    Notes
    -----
    R_j = S_j / sum_k P_k W_kj; A_i = sum_j R_j W_ij (Luo & Wang 2003, with any W: Dai 2010 for the Gaussian, Dai & Wang
    2011 for kernels).

    Examples
    --------
    Ten people beside a home of two beds, and thirty who reach this and another of three beds:

    >>> from scipy import sparse
    >>> times = sparse.csr_matrix(([0.0, 600.0, 300.0], [0, 0, 1], [0, 1, 3]), shape=(2, 2))
    >>> two_step(times, [10, 30], [2, 3], catchment_s=900.0).tolist()
    [0.05, 0.15000000000000002]
    """
    question = ask(times, demand, supply, catchment_s=catchment_s, decay=decay)
    weights = weigh(question)
    return np.asarray(weights @ ratios(question.supply, weights.T @ question.demand))


def e2sfca(
    times: Times,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    catchment_s: CatchmentLike = None,
    decay: DecayLike = "step",
) -> Floats:
    """Return the supply per person with less for those in the outer zones of a catchment (E2SFCA, Luo & Qi 2009).

    It is ``two_step`` with the step decay; parameters and errors are the same.

    Examples
    --------
    >>> from scipy import sparse
    >>> times = sparse.csr_matrix([[300.0], [600.0]])
    >>> e2sfca(times, [10, 10], [1.68], catchment_s=900.0).round(3).tolist()
    [0.1, 0.068]
    """
    return two_step(times, demand, supply, catchment_s=catchment_s, decay=decay)


def three_step(
    times: Times,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    catchment_s: CatchmentLike = None,
    decay: DecayLike = "bell",
) -> Floats:
    """Return the supply per person where people with more choice ask less of each facility (3SFCA).

    Parameters and errors are those of ``two_step``.

    Notes
    -----
    G_ij = W_ij / sum_l W_il; R_j = S_j / sum_k G_kj P_k W_kj; A_i = sum_j G_ij R_j W_ij (Wan, Zou & Sternberg 2012).
    The sum in G runs over the facilities in the catchment, those without supply among them.

    Examples
    --------
    >>> from scipy import sparse
    >>> times = sparse.csr_matrix(([0.0, 600.0, 300.0], [0, 0, 1], [0, 1, 3]), shape=(2, 2))
    >>> three_step(times, [10, 30], [2, 3], catchment_s=900.0, decay="binary").round(4).tolist()
    [0.08, 0.14]
    """
    question = ask(times, demand, supply, catchment_s=catchment_s, decay=decay)
    weights = weigh(question)
    both = with_weights(weights, split_rows(weights).data * weights.data)
    return np.asarray(both @ ratios(question.supply, both.T @ question.demand))


def m2sfca(
    times: Times,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    catchment_s: CatchmentLike = None,
    decay: DecayLike = "gaussian",
) -> Floats:
    """Return the supply per person where distance also costs those who have a facility to themselves (M2SFCA).

    Parameters and errors are those of ``two_step``.

    Notes
    -----
    A_i = sum_j S_j W_ij^2 / sum_k P_k W_kj (Delamater 2013). Not all supply is handed out: people far from what they
    use get less of it, also without competitors. Several modes are combined before the weights are squared.

    Examples
    --------
    One village, half of the weight lost on the way: two_step would give all of the ten beds to its people.

    >>> from scipy import sparse
    >>> times = sparse.csr_matrix([[450.0]])
    >>> m2sfca(times, [10], [10], catchment_s=900.0, decay="linear").tolist()
    [0.5]
    """
    question = ask(times, demand, supply, catchment_s=catchment_s, decay=decay)
    weights = weigh(question)
    per_person = ratios(question.supply, weights.T @ question.demand)
    return np.asarray(with_weights(weights, weights.data**2) @ per_person)


def bfca(
    times: Times,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    catchment_s: CatchmentLike = None,
    decay: DecayLike = "gaussian",
) -> Floats:
    """Return the supply per person where nobody and no place is counted twice (balanced FCA, by person).

    Parameters and errors are those of ``two_step``.

    Notes
    -----
    B_ij = W_ij / sum_l W_il splits the people of an origin over the facilities in reach, so that no one counts twice;
    R_j = S_j / sum_k P_k B_kj; A_i = sum_j R_j B_ij hands each facility's supply out in the same proportion, person by
    person. The paper (Paez, Higgins & Vivona 2019) hands it out origin by origin, whatever their size: see
    ``bfca_by_place``. By person, persons x score is the supply in reach, and splitting an origin changes nothing.

    Examples
    --------
    >>> from scipy import sparse
    >>> times = sparse.csr_matrix(([0.0, 600.0, 300.0], [0, 0, 1], [0, 1, 3]), shape=(2, 2))
    >>> bfca(times, [10, 30], [2, 3], catchment_s=900.0, decay="binary").round(4).tolist()
    [0.08, 0.14]
    """
    question = ask(times, demand, supply, catchment_s=catchment_s, decay=decay)
    weights = weigh(question)
    split = split_rows(weights)
    return np.asarray(split @ ratios(question.supply, split.T @ question.demand))


def bfca_by_place(
    times: Times,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    catchment_s: CatchmentLike = None,
    decay: DecayLike = "gaussian",
) -> Floats:
    """Return the balanced level of service of each origin as published (Paez, Higgins & Vivona 2019).

    Parameters and errors are those of ``two_step``.

    Notes
    -----
    B_ij and R_j as in ``bfca``; A_i = sum_j R_j W_ij / sum_k W_kj. The scores of the *origins* sum to the R_j of the
    facilities that someone reaches; they depend on how the demand is cut into points.

    Examples
    --------
    >>> from scipy import sparse
    >>> times = sparse.csr_matrix(([0.0, 600.0, 300.0], [0, 0, 1], [0, 1, 3]), shape=(2, 2))
    >>> bfca_by_place(times, [10, 30], [2, 3], catchment_s=900.0, decay="binary").round(4).tolist()
    [0.04, 0.24]
    """
    question = ask(times, demand, supply, catchment_s=catchment_s, decay=decay)
    weights = weigh(question)
    per_person = ratios(question.supply, split_rows(weights).T @ question.demand)
    reached_from = weights.T @ np.ones(weights.shape[0])
    return np.asarray(weights @ ratios(per_person, reached_from))
