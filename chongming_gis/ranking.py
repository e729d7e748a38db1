"""Which of the proposed sites first: several criteria, weights by hand or from the data, and how firm a rank is.

Scores of every method are turned so that *more is better*. A criterion in which all sites are equal decides nothing and
is left out of every method (each of them would divide by zero, or call it the most important). TOPSIS and PROMETHEE
II come from pymcdm, which is loaded when one of them is asked for.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from chongming_gis.errors import RankingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

Better = Literal["more", "less"]
Method = Literal["weighted_sum", "topsis", "vikor", "promethee"]

METHODS: tuple[Method, ...] = ("weighted_sum", "topsis", "vikor", "promethee")
CONSISTENT = 0.1  # Saaty 1980: judgements with a larger consistency ratio should be made again
_VIKOR_MAJORITY = 0.5  # Opricovic & Tzeng 2004: weight of the majority of criteria against the worst one
_DRAWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Criteria:
    """What sites are compared by.

    Parameters
    ----------
    amounts : (n_sites, n_criteria), finite; in each criterion's own unit, as counted
    better : by criterion, whether more of it is better or less
    names : of the criteria, for messages and tables

    Raises
    ------
    RankingError
        Shapes differ, a value is not finite, or a name is used twice; every fault is listed.
    """

    amounts: Floats
    better: tuple[Better, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        object.__setattr__(self, "amounts", np.asarray(self.amounts, dtype=np.float64))
        told = []
        if self.amounts.ndim != 2 or self.amounts.shape[1] != len(self.names) or len(self.better) != len(self.names):
            told.append(
                f"amounts {self.amounts.shape}, {len(self.better)} directions and {len(self.names)} names do not fit:"
                " one column, one direction and one name a criterion"
            )
        elif not np.isfinite(self.amounts).all():
            rows, columns = np.nonzero(~np.isfinite(self.amounts))
            told += [
                f"criterion {self.names[j]!r}, site {i}: {self.amounts[i, j]} is no finite number"
                for i, j in zip(rows[:10], columns[:10], strict=True)
            ]
        wrong = sorted({str(side) for side in self.better} - {"more", "less"})
        told += [f"better: {wrong} must be 'more' or 'less'"] if wrong else []
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        told += [f"names: {repeated} stand twice"] if repeated else []
        if told:
            raise RankingError("\n".join(told))

    @property
    def decides(self) -> npt.NDArray[np.bool_]:
        """Which criteria tell sites apart: (n_criteria,)."""
        if not len(self.amounts):
            return np.zeros(len(self.names), dtype=bool)
        return np.asarray(np.ptp(self.amounts, axis=0) > 0.0)

    @property
    def signs(self) -> npt.NDArray[np.int64]:
        """+1 where more is better, -1 where less is."""
        return np.array([1 if side == "more" else -1 for side in self.better], dtype=np.int64)


def normalise(criteria: Criteria) -> Floats:
    """Return the values from 0 (worst site) to 1 (best site) in each criterion; 0.5 where all sites are equal.

    Notes
    -----
    Min-max normalisation: ``(x - worst) / (best - worst)``.
    """
    if not len(criteria.amounts):
        return criteria.amounts.copy()
    turned = criteria.amounts * criteria.signs
    low, span = turned.min(axis=0), np.ptp(turned, axis=0)
    return np.where(span > 0.0, (turned - low) / np.where(span > 0.0, span, 1.0), 0.5)


@dataclass(frozen=True, slots=True)
class AhpWeights:
    """Weights from judgements by pairs, and how far the judgements contradict one another (``CONSISTENT`` at most)."""

    weights: Floats
    consistency_ratio: float

    @property
    def is_consistent(self) -> bool:
        """Whether the judgements may be used."""
        return self.consistency_ratio <= CONSISTENT


#: Random consistency index by number of criteria (Saaty 1980, table of 500 random matrices each).
_RANDOM_INDEX = (0.0, 0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)


def ahp_weights(comparisons: npt.ArrayLike) -> AhpWeights:
    """Return weights from a matrix of judgements by pairs (analytic hierarchy process).

    Parameters
    ----------
    comparisons : (n, n); entry (i, j) says how many times as important i is as j, (j, i) is its reciprocal

    Raises
    ------
    RankingError
        The matrix is not square, has entries that are not above 0, or entries that are not reciprocal; or it has more
        criteria (15) than the consistency index is published for.

    Notes
    -----
    Weights are the principal eigenvector; consistency index ``(lambda_max - n) / (n - 1)`` over the random index
    (Saaty 1980).
    """
    matrix = np.asarray(comparisons, dtype=np.float64)
    n = len(matrix) if matrix.ndim else 0
    if matrix.shape != (n, n) or n == 0:
        raise RankingError(f"comparisons: has shape {matrix.shape}; one row and one column a criterion are needed")
    if n >= len(_RANDOM_INDEX):
        raise RankingError(f"comparisons: {n} criteria; the consistency index is known up to {len(_RANDOM_INDEX) - 1}")
    told = [f"({i}, {j}): {matrix[i, j]} must be above 0" for i, j in np.argwhere(~(matrix > 0.0))[:10]]
    if not told:
        rows, columns = np.nonzero(~np.isclose(matrix * matrix.T, 1.0, rtol=1e-2) & np.tri(n, dtype=bool))
        told = [
            f"({j}, {i}) = {matrix[j, i]:g} and ({i}, {j}) = {matrix[i, j]:g} must be reciprocals"
            for i, j in zip(rows[:10], columns[:10], strict=True)
        ]
    if told:
        raise RankingError("comparisons:\n" + "\n".join(told))
    values, vectors = np.linalg.eig(matrix)
    first = int(np.argmax(values.real))
    weights = np.abs(vectors[:, first].real)
    index = (values[first].real - n) / (n - 1) if n > 1 else 0.0
    random = _RANDOM_INDEX[n]
    return AhpWeights(weights / weights.sum(), max(float(index / random), 0.0) if random else 0.0)


def equal_weights(criteria: Criteria) -> Floats:
    """Return the same weight for every criterion that tells sites apart, 0 for the others."""
    return _shared(criteria.decides.astype(np.float64))


def entropy_weights(criteria: Criteria) -> Floats:
    """Return more weight to criteria in which sites differ more, by Shannon entropy.

    Notes
    -----
    ``1 - e_j`` with ``e_j = -sum p ln p / ln n`` over ``p = x_ij / sum x_ij`` of the normalised values (Shannon 1948;
    Zeleny 1982). Normalised, since the entropy of raw values depends on the zero of their unit.
    """
    values = normalise(criteria)
    if len(values) < 2:
        return equal_weights(criteria)
    sums = values.sum(axis=0)
    shares = values / np.where(sums > 0.0, sums, 1.0)
    logs = np.log(shares, where=shares > 0.0, out=np.zeros_like(shares))
    entropy = -(shares * logs).sum(axis=0) / np.log(len(values))
    return _shared(np.where(criteria.decides, np.clip(1.0 - entropy, 0.0, 1.0), 0.0))


def critic_weights(criteria: Criteria) -> Floats:
    """Return more weight to criteria that differ much and repeat no other criterion.

    Notes
    -----
    ``s_j * sum_k (1 - r_jk)``: standard deviation times how little it correlates with the others, of normalised values
    (Diakoulaki, Mavrotas & Papayannakis 1995).
    """
    decides = criteria.decides
    if len(criteria.amounts) < 2 or decides.sum() < 2:
        return equal_weights(criteria)
    values = normalise(criteria)[:, decides]
    found = values.std(axis=0, ddof=1) * (1.0 - np.corrcoef(values, rowvar=False)).sum(axis=0)
    weights = np.zeros(len(decides))
    weights[decides] = np.clip(found, 0.0, None)
    return _shared(weights) if weights.sum() > 0.0 else equal_weights(criteria)


def check_weights(weights: npt.ArrayLike, criteria: Criteria) -> Floats:
    """Return weights that a person gave, scaled to sum to 1.

    Raises
    ------
    RankingError
        There is not one for each criterion, one is negative or not finite, or all are 0.
    """
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (len(criteria.names),):
        raise RankingError(f"weights: {given.size} for {len(criteria.names)} criteria; give one each")
    wrong = [
        f"weight of {n!r}: {w} must be at least 0" for n, w in zip(criteria.names, given, strict=True) if not w >= 0
    ]
    if wrong or not np.isfinite(given).all() or given.sum() <= 0.0:
        raise RankingError("\n".join(wrong) or "weights: must be finite, and one of them above 0")
    return np.asarray(given / given.sum())


def score(criteria: Criteria, weights: npt.ArrayLike, *, method: Method = "weighted_sum") -> Floats:
    """Return one number a site, more is better; all 0 where no criterion with weight tells sites apart.

    Raises
    ------
    RankingError
        The weights do not fit the criteria, or the method is not known.

    Notes
    -----
    ``weighted_sum`` and ``topsis`` (Hwang & Yoon 1981) from 0 to 1 on min-max values; ``vikor`` is 1 - Q (Opricovic &
    Tzeng 2004, v = 0.5); ``promethee`` is the net flow of PROMETHEE II with the usual preference function (Brans &
    Vincke 1985), from -1 to 1.
    """
    if method not in METHODS:
        raise RankingError(f"method {method!r} is not known; use one of {', '.join(METHODS)}")
    shares = check_weights(weights, criteria)
    used = criteria.decides & (shares > 0.0)
    if not used.any():
        return np.zeros(len(criteria.amounts))
    left = shares[used] / shares[used].sum()
    if method == "weighted_sum":
        return np.asarray(normalise(criteria)[:, used] @ left)
    if method == "vikor":
        return _vikor(1.0 - normalise(criteria)[:, used], left)
    return _by_pymcdm(criteria.amounts[:, used], left, criteria.signs[used], method)


def _by_pymcdm(values: Floats, weights: Floats, signs: npt.NDArray[np.int64], method: Method) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matplotlib's, which it brings along and nothing here uses
        from pymcdm import methods
    if method == "topsis":
        return np.asarray(methods.TOPSIS()(values, weights, signs, validation=False), dtype=np.float64)
    return np.asarray(methods.PROMETHEE_II("usual")(values, weights, signs, validation=False), dtype=np.float64)


def _vikor(apart: Floats, weights: Floats) -> Floats:
    """Return 1 - Q of how far sites are from the best. pymcdm's divides by zero where all S, or all R, are equal."""
    weighted = apart * weights
    sums, most = weighted.sum(axis=1), weighted.max(axis=1)
    return 1.0 - _VIKOR_MAJORITY * _from_best(sums) - (1.0 - _VIKOR_MAJORITY) * _from_best(most)


def _from_best(values: Floats) -> Floats:
    span = np.ptp(values)
    return (values - values.min()) / span if span > 0.0 else np.zeros_like(values)


def ranks(scores: npt.ArrayLike, *, within: float = 1e-9) -> npt.NDArray[np.int64]:
    """Return the rank of each site, 1 the best; equal scores share the better rank (1, 2, 2, 4).

    Parameters
    ----------
    within : scores that differ by less count as equal: sums of floats in another order do
    """
    values = np.round(np.asarray(scores, dtype=np.float64) / within) * within
    return np.asarray((values[None, :] > values[:, None]).sum(axis=1) + 1, dtype=np.int64)


def dominates(criteria: Criteria) -> npt.NDArray[np.bool_]:
    """Return (n_sites, n_sites): whether site i is nowhere worse than j and somewhere better, whatever the weights."""
    turned = criteria.amounts * criteria.signs
    n = len(turned)
    is_nowhere_worse = np.ones((n, n), dtype=bool)
    is_better = np.zeros((n, n), dtype=bool)
    for column in turned.T:
        is_nowhere_worse &= column[:, None] >= column[None, :]
        is_better |= column[:, None] > column[None, :]
    return is_nowhere_worse & is_better


@dataclass(frozen=True, slots=True)
class RankStability:
    """How often a site takes each rank when the weights are not known exactly.

    Attributes
    ----------
    probability : (n_sites, n_sites); entry (i, r) is the share of draws in which site i has rank r + 1
    draws : how many weights were drawn
    standard_error : the largest standard error of an entry
    """

    probability: Floats
    draws: int

    @property
    def standard_error(self) -> float:
        """The largest standard error of an entry: of a share of independent draws."""
        return float(np.sqrt(self.probability * (1.0 - self.probability) / self.draws).max(initial=0.0))

    def within(self, best: int) -> Floats:
        """Return by site the share of draws in which it is among the ``best`` first."""
        return np.asarray(self.probability[:, :best].sum(axis=1))


def rank_stability(
    criteria: Criteria,
    *,
    generator: np.random.Generator,
    draws: int = 10_000,
    around: npt.ArrayLike | None = None,
    spread: float = 0.5,
) -> RankStability:
    """Return how often each site takes each rank over many weights, by weighted sum.

    Parameters
    ----------
    generator : made from the study's seed
    around : weights to stay near; each is then drawn from (1 - spread) to (1 + spread) times its value. None: all
        weights from none to all, uniform over those that sum to 1
    spread : from 0 to 1

    Raises
    ------
    RankingError
        ``draws`` is below 1, ``spread`` is not from 0 to 1, or the weights do not fit.

    Notes
    -----
    Stochastic multicriteria acceptability analysis (SMAA-2; Lahdelma & Salminen 2001). Equal scores share the better
    rank in a draw, so a row sums to 1 and columns need not.
    """
    if draws < 1 or not 0.0 <= spread <= 1.0:
        raise RankingError(f"draws = {draws} must be at least 1 and spread = {spread} from 0 to 1")
    values = normalise(criteria)[:, criteria.decides]
    n = len(values)
    counts = np.zeros((n, n))
    centre = None if around is None else check_weights(around, criteria)[criteria.decides]
    for first in range(0, draws, _DRAWS_AT_ONCE):
        size = (min(_DRAWS_AT_ONCE, draws - first), values.shape[1])
        drawn = (
            generator.exponential(size=size)
            if centre is None
            else centre * generator.uniform(1 - spread, 1 + spread, size)
        )
        sums = drawn.sum(axis=1, keepdims=True)
        scores = drawn / np.where(sums > 0.0, sums, 1.0) @ values.T
        place = ranks_of_rows(scores)
        np.add.at(counts, (np.broadcast_to(np.arange(n), place.shape), place - 1), 1.0)
    return RankStability(counts / draws, draws)


def ranks_of_rows(scores: Floats) -> npt.NDArray[np.int64]:
    """Return ``ranks`` of each row of (n_draws, n_sites) scores."""
    rounded = np.round(scores, 9)
    ordered = np.sort(-rounded, axis=1)
    found = np.empty(scores.shape, dtype=np.int64)
    for row, (order, values) in enumerate(zip(ordered, -rounded, strict=True)):
        found[row] = np.searchsorted(order, values, side="left") + 1
    return found


def ranking_table(
    criteria: Criteria,
    *,
    site_ids: Sequence[object],
    weights: Mapping[str, npt.ArrayLike],
    stability: RankStability | None = None,
) -> pd.DataFrame:
    """Return every site with each criterion's raw value, its score and rank by each method and set of weights.

    Parameters
    ----------
    site_ids : (n_sites,) unique
    weights : by the name of the set ("by_hand", "entropy", ...); ranks come in columns ``rank:<method>:<set>``

    Raises
    ------
    RankingError
        There is not one id a site, or weights do not fit.
    """
    if len(site_ids) != len(criteria.amounts) or len(set(site_ids)) != len(site_ids):
        raise RankingError(
            f"site_ids: {len(set(site_ids))} different ids for {len(criteria.amounts)} sites; give one each"
        )
    columns: dict[str, object] = {"site_id": list(site_ids)}
    columns |= {name: criteria.amounts[:, j] for j, name in enumerate(criteria.names)}
    for name, given in weights.items():
        for method in METHODS:
            scores = score(criteria, given, method=method)
            columns |= {f"score:{method}:{name}": scores, f"rank:{method}:{name}": ranks(scores)}
    columns["n_dominated_by"] = dominates(criteria).sum(axis=0)
    if stability is not None:
        columns["share_first"] = stability.within(1)
        columns["mean_rank"] = stability.probability @ np.arange(1, len(criteria.amounts) + 1)
    return pd.DataFrame(columns)


def _shared(weights: Floats) -> Floats:
    """Return weights scaled to sum to 1; equal where none is above 0."""
    total = weights.sum()
    return weights / total if total > 0.0 else np.full(len(weights), 1.0 / max(len(weights), 1))
