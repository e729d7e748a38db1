"""How evenly access is spread over people: inequality, concentration, poverty, groups of people, the worst areas.

Every measure counts persons, not places: ``scores`` is the access of each place, ``persons`` how many live there.
Places without people count for nothing, and their score may be missing. Where nobody lives at all, and where nobody has
any access (there is nothing to share), inequality is not defined: NaN, never 0. Scores are good things (more is
better); times and costs are not, and inf has no share: turn them into scores first. ``worst_areas`` takes both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from chongming_gis.errors import StudyError, TableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_MOST_SHOWN = 5
PALMA_TOP, PALMA_BOTTOM = 0.1, 0.4  # Palma (2011): the richest tenth against the poorest four tenths


@dataclass(frozen=True, slots=True)
class Lorenz:
    """The Lorenz curve: from (0, 0) to (1, 1), places in order of score, those of one score as one step."""

    share_persons: Floats
    share_score: Floats

    def share_of_lowest(self, share: float) -> float:
        """Return the share of all access that the lowest part of the people has; within a step it is spread evenly."""
        return float(np.interp(share, self.share_persons, self.share_score))


@dataclass(frozen=True, slots=True)
class Theil:
    """Theil's T: ``total`` = ``between`` + ``within`` groups; ``groups`` has a row each.

    Columns: group, persons, mean_score, theil (inside the group), share_score, contribution_within.
    """

    total: float
    between: float
    within: float
    groups: pd.DataFrame


def lorenz(scores: npt.ArrayLike, persons: npt.ArrayLike) -> Lorenz:
    """Return the Lorenz curve of access over people (Lorenz 1905).

    Parameters
    ----------
    scores : access of each place, finite and not negative where people live.
    persons : of each place, not negative.

    Raises
    ------
    TableError
        Numbers are negative, infinite or missing, or the arrays differ in length; every fault is listed.

    Notes
    -----
    Without people, or without any access, the shares of score are NaN.

    Examples
    --------
    >>> curve = lorenz([3.0, 1.0], [10, 30])
    >>> curve.share_persons.tolist(), curve.share_score.tolist()
    ([0.0, 0.75, 1.0], [0.0, 0.5, 1.0])
    """
    score, people = _of_people(scores, persons)
    levels, level = np.unique(score, return_inverse=True)
    persons_at = np.bincount(level, people, minlength=levels.size)
    totals = np.stack([persons_at, persons_at * levels])
    shares = np.concatenate([np.zeros((2, 1)), np.cumsum(totals, axis=1)], axis=1)
    last = shares[:, -1:]
    shares = np.divide(shares, last, out=np.full_like(shares, np.nan), where=last > 0.0)
    return Lorenz(share_persons=shares[0], share_score=shares[1])


def gini(scores: npt.ArrayLike, persons: npt.ArrayLike) -> float:
    """Return the Gini coefficient of access over people: 0 all have the same, towards 1 one has all.

    Parameters and errors are those of ``lorenz``; NaN without people or without any access.

    Notes
    -----
    G = 1 - sum_k (p_k - p_k-1)(l_k + l_k-1) on the Lorenz points, which is half the mean difference between two people
    over the mean (Gini 1914).

    Examples
    --------
    >>> gini([3.0, 1.0], [10, 30])
    0.25
    """
    curve = lorenz(scores, persons)
    steps = np.diff(curve.share_persons)
    return float(1.0 - (steps * (curve.share_score[1:] + curve.share_score[:-1])).sum()) if steps.size else np.nan


def palma(scores: npt.ArrayLike, persons: npt.ArrayLike) -> float:
    """Return how much access the best-served tenth has for each unit of the worst-served four tenths (Palma 2011).

    Parameters and errors are those of ``lorenz``. 0.25 where all have the same; inf where the four tenths have nothing
    and others something; NaN without people or without any access. People of one score are split as the shares ask.

    Examples
    --------
    >>> palma([1.0, 4.0], [90, 10])
    1.0
    """
    curve = lorenz(scores, persons)
    top, bottom = 1.0 - curve.share_of_lowest(1.0 - PALMA_TOP), curve.share_of_lowest(PALMA_BOTTOM)
    if np.isnan(bottom):
        return np.nan
    return top / bottom if bottom > 0.0 else np.inf


def theil(scores: npt.ArrayLike, persons: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> Theil:
    """Return Theil's T of access over people, and how much of it lies between groups, e.g. townships, and within them.

    Parameters
    ----------
    scores, persons : as in ``lorenz``.
    groups : a key for each place, never missing where people live; without it all are one group.

    Raises
    ------
    TableError
        As ``lorenz``; a group is missing.

    Notes
    -----
    T = sum_i p_i y_i/m ln(y_i/m), with 0 ln 0 = 0, m the mean over people. T_between = sum_g s_g ln(m_g/m) and T_within
    = sum_g s_g T_g, with s_g the share of all access (Theil 1967; Shorrocks 1980). A group without people is not
    listed; one without access has theil NaN and contributes 0. 0 <= T <= ln(persons).

    Examples
    --------
    >>> parts = theil([1.0, 3.0, 2.0], [1, 1, 2], ["a", "a", "b"])
    >>> round(parts.total, 4), round(parts.between, 4), round(parts.within, 4)
    (0.0654, 0.0, 0.0654)
    """
    score, people, keys = _of_people_and(scores, persons, groups, "groups")
    codes, names = pd.factorize(keys, sort=True)
    n_groups = len(names)
    group_persons = np.bincount(codes, people, minlength=n_groups)
    group_score = np.bincount(codes, people * score, minlength=n_groups)
    mean = _ratio(group_score.sum(), group_persons.sum())
    group_mean = group_score / group_persons
    share = _ratio(group_score, group_score.sum())
    amount = people * score
    weighed = np.bincount(codes, amount * _log_or_0(_ratio(score, group_mean[codes])), minlength=n_groups)
    inside = _ratio(weighed, group_score)
    within = np.where(group_score > 0.0, share * inside, 0.0 * share)
    between = share * _log_or_0(_ratio(group_mean, mean))
    table = pd.DataFrame(
        {
            "group": names,
            "persons": group_persons,
            "mean_score": group_mean,
            "theil": inside,
            "share_score": share,
            "contribution_within": within,
        }
    )
    if not mean > 0.0:
        return Theil(np.nan, np.nan, np.nan, table)
    return Theil(float(between.sum() + within.sum()), float(between.sum()), float(within.sum()), table)


def atkinson(scores: npt.ArrayLike, persons: npt.ArrayLike, *, epsilon: float) -> float:
    """Return the Atkinson index: the share of all access that could be given up if the rest were spread evenly.

    Parameters
    ----------
    scores, persons : as in ``lorenz``.
    epsilon : how much inequality is minded, 0 (not at all) or more.

    Raises
    ------
    TableError, StudyError
        As ``lorenz``; epsilon is negative or not a number.

    Notes
    -----
    A = 1 - (sum_i p_i y_i^(1-e))^(1/(1-e)) / m; for e = 1, 1 - exp(sum_i p_i ln y_i) / m (Atkinson 1970). From e = 1
    on it is 1 as soon as someone has nothing.

    Examples
    --------
    >>> round(atkinson([1.0, 4.0], [1, 1], epsilon=1.0), 4), round(atkinson([1.0, 4.0], [1, 1], epsilon=0.5), 4)
    (0.2, 0.1)
    """
    if not 0.0 <= epsilon < np.inf:
        raise StudyError(f"atkinson: epsilon = {epsilon}; it must be a number of 0 or more")
    score, people = _of_people(scores, persons)
    total = people.sum()
    mean = _ratio(float((people * score).sum()), float(total))
    if not mean > 0.0:
        return np.nan
    share, relative = people / total, score / mean
    if epsilon >= 1.0 and (score == 0.0).any():
        return 1.0
    if epsilon == 1.0:
        return max(0.0, 1.0 - float(np.exp((share * np.log(relative)).sum())))
    power = 1.0 - epsilon
    least = relative.min() if epsilon > 1.0 else 1.0  # taken out, so that large powers of small numbers do not overflow
    return max(0.0, 1.0 - float(least * (share * (relative / least) ** power).sum() ** (1.0 / power)))


def concentration_index(scores: npt.ArrayLike, persons: npt.ArrayLike, *, deprivation: npt.ArrayLike) -> float:
    """Return whether access gathers with the better-off (above 0) or with the deprived (below 0), from -1 to 1.

    Parameters
    ----------
    scores, persons : as in ``lorenz``.
    deprivation : of each place, larger is worse off, e.g. the share of people on minimum income; only its order counts.

    Raises
    ------
    TableError
        As ``lorenz``; deprivation is missing or not finite where people live.

    Notes
    -----
    C = 2/m sum_i p_i y_i r_i - 1, with r the fractional rank from the most deprived person (0) to the least (1); equal
    deprivation shares one rank (Kakwani, Wagstaff & van Doorslaer 1997). NaN without people or without any access.

    Examples
    --------
    >>> concentration_index([1.0, 3.0], [1, 1], deprivation=[0.9, 0.1])
    0.25
    """
    score, people, keys = _of_people_and(scores, persons, deprivation, "deprivation")
    worse: Floats = np.asarray(keys, dtype=np.float64)
    if not np.isfinite(worse).all():
        raise TableError("deprivation: infinite where people live")
    total = people.sum()
    mean = _ratio(float((people * score).sum()), float(total))
    if not mean > 0.0:
        return np.nan
    _, level = np.unique(-worse, return_inverse=True)
    at_level = np.bincount(level, people)
    rank = ((np.cumsum(at_level) - 0.5 * at_level) / total)[level]
    return float(2.0 * (people * score * rank).sum() / (total * mean) - 1.0)


def fgt(scores: npt.ArrayLike, persons: npt.ArrayLike, *, line: float, alpha: float = 0.0) -> float:
    """Return the access poverty of Foster, Greer & Thorbecke (1984): whose access is below a line, and how far.

    Parameters
    ----------
    scores, persons : as in ``lorenz``.
    line : the least that a person should have, above 0; a score at the line is not poor.
    alpha : 0 the share of people who are poor, 1 times their mean gap (a share of the line), 2 times its square.

    Raises
    ------
    TableError, StudyError
        As ``lorenz``; line or alpha is out of range.

    Notes
    -----
    FGT = sum over the poor of p_i ((z - y_i)/z)^alpha. NaN without people; where nobody has any access it is 1.

    Examples
    --------
    >>> [fgt([0.0, 1.0, 2.0], [1, 2, 1], line=2.0, alpha=alpha) for alpha in (0, 1, 2)]
    [0.75, 0.5, 0.375]
    """
    wrong = [] if 0.0 < line < np.inf else [f"line = {line}; it must be a number above 0"]
    wrong += [] if 0.0 <= alpha < np.inf else [f"alpha = {alpha}; it must be a number of 0 or more"]
    if wrong:
        raise StudyError(f"fgt: {'; '.join(wrong)}")
    score, people = _of_people(scores, persons)
    is_poor = score < line
    gaps = (1.0 - score[is_poor] / line) ** alpha
    return float(_ratio(float((people[is_poor] * gaps).sum()), float(people.sum())))


def shares_by_group(scores: npt.ArrayLike, persons_by_group: Mapping[str, npt.ArrayLike]) -> pd.DataFrame:
    """Return what part of all access each group of people has, beside its part of the people.

    Parameters
    ----------
    scores : access of each place, finite and not negative where people of any group live.
    persons_by_group : persons of each group at each place; groups that share people make shares that sum to more.

    Returns
    -------
    One row a group: group, persons, mean_score, share_persons, share_score (of the sum over groups) and ratio, the
    group's mean over the mean of all (1 = its fair part). A group without people has persons 0 and mean and ratio NaN.

    Raises
    ------
    TableError
        As ``lorenz``.

    Examples
    --------
    >>> table = shares_by_group([1.0, 3.0], {"under_60": [10, 10], "over_60": [20, 0]})
    >>> table.round(3).to_dict("split")["data"][1]
    ['over_60', 20.0, 1.0, 0.5, 0.333, 0.667]
    """
    sums = []
    for group, persons in persons_by_group.items():
        score, people = _of_people(scores, persons)
        sums.append((group, float(people.sum()), float((people * score).sum())))
    table = pd.DataFrame(sums, columns=["group", "persons", "amount"])
    persons, amount = (table[name].to_numpy(dtype=np.float64) for name in ("persons", "amount"))
    mean = _ratio(amount, persons)
    return pd.DataFrame(
        {
            "group": table["group"],
            "persons": persons,
            "mean_score": mean,
            "share_persons": _ratio(persons, persons.sum()),
            "share_score": _ratio(amount, amount.sum()),
            "ratio": _ratio(mean, _ratio(amount.sum(), persons.sum())),
        }
    )


def worst_areas(
    scores: npt.ArrayLike,
    persons: npt.ArrayLike,
    areas: npt.ArrayLike,
    *,
    n: int = 10,
    worst: Literal["lowest", "highest"] = "lowest",
) -> pd.DataFrame:
    """Return the areas, e.g. villages, whose people have the worst access, worst first.

    Parameters
    ----------
    scores, persons : as in ``lorenz``; inf is allowed (unreachable).
    areas : a key for each place, never missing where people live.
    n : how many areas, at least 0.
    worst : ``lowest`` for scores, ``highest`` for times and costs.

    Returns
    -------
    area, persons, mean_score (over people; inf as soon as someone has inf) and rank from 1; equal means: more people
    first, then by key. Areas without people are left out.

    Raises
    ------
    TableError
        As ``lorenz``; an area is missing.

    Examples
    --------
    >>> worst_areas([0.0, 2.0, 1.0], [5, 5, 8], ["v2", "v2", "v1"], n=1).to_dict("records")
    [{'area': 'v2', 'persons': 10.0, 'mean_score': 1.0, 'rank': 1}]
    """
    score, people, keys = _of_people_and(scores, persons, areas, "areas", most=np.inf)
    codes, names = pd.factorize(keys, sort=True)
    total = np.bincount(codes, people, minlength=len(names))
    mean = np.bincount(codes, people * score, minlength=len(names)) / total
    order = np.lexsort((np.arange(len(names)), -total, mean if worst == "lowest" else -mean))[: max(0, n)]
    return pd.DataFrame(
        {
            "area": np.asarray(names)[order],
            "persons": total[order],
            "mean_score": mean[order],
            "rank": np.arange(1, order.size + 1),
        }
    )


def _of_people(scores: npt.ArrayLike, persons: npt.ArrayLike) -> tuple[Floats, Floats]:
    score, people, _ = _of_people_and(scores, persons, None, "")
    return score, people


def _of_people_and(
    scores: npt.ArrayLike, persons: npt.ArrayLike, keys: npt.ArrayLike | None, name: str, *, most: float = 0.0
) -> tuple[Floats, Floats, npt.NDArray[np.generic]]:
    """Return scores, persons and keys of the places where people live; ``most`` = inf lets scores be inf."""
    score, people = np.asarray(scores, dtype=np.float64), np.asarray(persons, dtype=np.float64)
    key = np.zeros(people.shape, dtype=np.int64) if keys is None else np.asarray(keys)
    if not (score.ndim == 1 and score.shape == people.shape == key.shape):
        shapes = f"scores {score.shape}, persons {people.shape}" + (f", {name} {key.shape}" if name else "")
        raise TableError(f"one number a place is needed of each: {shapes}")
    wrong_people = ~((people >= 0.0) & (people < np.inf))
    lives = people > 0.0
    wrong_score = lives & ~((score >= 0.0) & ((score < np.inf) | (score <= most)))
    faults = [
        f"{what}: {said} at position {', '.join(map(str, np.flatnonzero(wrong)[:_MOST_SHOWN]))}"
        f"{f' and {wrong.sum() - _MOST_SHOWN} more' if wrong.sum() > _MOST_SHOWN else ''} (counted from 0)"
        for what, said, wrong in (
            ("persons", "negative, infinite or missing", wrong_people),
            ("scores", f"negative, {'' if most else 'infinite '}or missing where people live", wrong_score),
            (name, "missing where people live", lives & np.asarray(pd.isna(key))),
        )
        if wrong.any()
    ]
    if faults:
        raise TableError("; ".join(faults))
    return score[lives], people[lives], key[lives]


def _ratio(amount: npt.ArrayLike, of: npt.ArrayLike) -> Floats:
    """Return the quotient; NaN over nothing."""
    amounts, wholes = np.broadcast_arrays(np.asarray(amount, dtype=np.float64), np.asarray(of, dtype=np.float64))
    return np.asarray(np.divide(amounts, wholes, out=np.full(amounts.shape, np.nan), where=wholes > 0.0))


def _log_or_0(numbers: Floats) -> Floats:
    """Return the logarithm, and 0 for 0 and NaN: what is multiplied by nothing."""
    return np.asarray(np.log(numbers, out=np.zeros_like(numbers), where=numbers > 0.0))
