"""How evenly the scores of access are spread over the people whom a service is for: ``[measures.fairness]``.

The arithmetic is in ``fairness``; here it is asked for the district, its islands, townships, villages and groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from chongming_gis import fairness
from chongming_gis.errors import StudyError
from chongming_gis.measured_tables import FAIRNESS
from chongming_gis.tables import column_types, persons_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig, StudyConfig
    from chongming_gis.measuremodel import DeprivationConfig, FairnessConfig
    from chongming_gis.tables import Demand

    Floats = npt.NDArray[np.float64]
    Row: TypeAlias = tuple[str, str, str, float, float, int | None]  # scope, code, measure, persons, value, rank

_MOST_SHOWN = 5
_SLACK = 1e-9  # relative: the persons of a group are sums of decimals


@dataclass(frozen=True, slots=True)
class Spread:
    """Scores with the people who have them, the line below which a score is poor, and how much inequality is minded."""

    score: Floats
    persons: Floats
    line: float | None
    epsilon: float

    @property
    def total(self) -> float:
        """All people."""
        return float(self.persons.sum())

    def of(self, chosen: npt.NDArray[np.bool_]) -> Spread:
        """Return the same for some of the places."""
        return replace(self, score=self.score[chosen], persons=self.persons[chosen])

    def means(self) -> dict[str, float]:
        """Return the mean over persons, the share of people with nothing, and of those below the line; NaN: nobody."""
        of_all = self.total if self.total > 0.0 else np.nan
        found = {
            "mean_score": float((self.persons * np.where(self.persons > 0.0, self.score, 0.0)).sum() / of_all),
            "share_without": float(self.persons[self.score == 0.0].sum() / of_all),
        }
        if self.line is not None:
            found["share_below_line"] = fairness.fgt(self.score, self.persons, line=self.line)
        return found

    def measures(self) -> dict[str, float]:
        """Return means and inequality; NaN where that is not defined."""
        found = self.means()
        if self.line is not None:
            found["gap_to_line"] = fairness.fgt(self.score, self.persons, line=self.line, alpha=1.0)
            found["severity"] = fairness.fgt(self.score, self.persons, line=self.line, alpha=2.0)
        return found | {
            "gini": fairness.gini(self.score, self.persons),
            "palma": fairness.palma(self.score, self.persons),
            "atkinson": fairness.atkinson(self.score, self.persons, epsilon=self.epsilon),
        }


def measure_fairness(
    scores: pd.DataFrame, config: FairnessConfig, *, study: StudyConfig, demand: Demand
) -> pd.DataFrame:
    """Return how evenly the scores of the chosen questions are spread (``measured_tables.FAIRNESS``).

    Parameters
    ----------
    scores : the table of access; of each question one row a demand point, in the order of the points.

    Raises
    ------
    StudyError
        The groups of the deprivation do not fit: one is not part of the other, or nobody is counted where people live.
    """
    made = []
    for entry in config.questions:
        mine = scores[scores["question"] == entry.question]
        service = study.service(str(mine["service"].iloc[0]))
        persons = demand.persons[persons_column(service.base, service.group)].to_numpy(float)
        spread = Spread(mine["score"].to_numpy(float), persons, entry.line, config.epsilon)
        rows = [
            *_of_district(spread, study.id, demand.points["township_code"]),
            *_of_areas(spread, "island", demand.points["island"]),
            *_of_townships(spread, demand.points["township_code"]),
            *_of_villages(spread, demand.points["village_code"]),
            *_of_groups(spread, service, config.groups or groups_of_base(study, service.base), demand),
        ]
        if config.deprivation is not None:
            worse = deprivation_of(config.deprivation, demand, where=persons > 0.0)
            value = fairness.concentration_index(spread.score, persons, deprivation=worse)
            rows.append(("district", study.id, "concentration", spread.total, value, None))
        columns = ["scope", "scope_code", "measure", "persons", "value", "rank"]
        made.append(pd.DataFrame(rows, columns=columns).assign(question=entry.question, service=service.id))
    return pd.concat(made, ignore_index=True)[list(FAIRNESS.columns)].astype(column_types(FAIRNESS))


def groups_of_base(study: StudyConfig, base: str) -> tuple[str, ...]:
    """Return the groups of people that are counted under a base."""
    return tuple(group.id for group in study.groups if base in group.columns)


def deprivation_of(config: DeprivationConfig, demand: Demand, *, where: npt.NDArray[np.bool_]) -> Floats:
    """Return the share that one group has in another at each place, or in the area that the place lies in.

    Parameters
    ----------
    where : the places that must have one, since people live there; a place outside all areas is its own area.

    Raises
    ------
    StudyError
        Somewhere the part is larger than the whole, or the whole is nobody at all.
    """
    names = demand.points["demand_id"]
    if config.area != "point":
        names = demand.points[f"{config.area}_code"].fillna(names)
    codes, areas = pd.factorize(names)
    part, whole = (
        np.bincount(codes, demand.persons[persons_column(config.base, name)].to_numpy(float), minlength=len(areas))
        for name in (config.group, config.of)
    )
    lived_in = np.bincount(codes, where, minlength=len(areas)) > 0
    at = "measures.fairness.deprivation"
    faults = [
        f"{at}: {said} in {', '.join(map(str, areas[wrong][:_MOST_SHOWN]))}"
        + (f" and {wrong.sum() - _MOST_SHOWN} more" if wrong.sum() > _MOST_SHOWN else "")
        for said, wrong in (
            (f"there are more of {config.group} than of {config.of}", part > whole * (1.0 + _SLACK)),
            (f"{config.of} is nobody, though people live there: name a wider group", lived_in & ~(whole > 0.0)),
        )
        if wrong.any()
    ]
    if faults:
        raise StudyError("; ".join(faults))
    share: Floats = np.divide(part, whole, out=np.full(len(areas), np.nan), where=whole > 0.0)
    return share[codes]


def _of_district(spread: Spread, code: str, townships: pd.Series) -> Iterator[Row]:
    """Yield the measures of the whole, and what of Theil's index lies between townships and within them."""
    for name, value in spread.measures().items():
        yield "district", code, name, spread.total, value, None
    in_one = townships.notna().to_numpy() & (spread.persons > 0.0)
    keys = townships.fillna("").astype(str).to_numpy(object)  # who lives in no township is a group of its own
    parts = fairness.theil(spread.score, spread.persons, keys)
    between, within = (parts.between, parts.within) if in_one.any() else (np.nan, np.nan)
    for name, value in (("theil", parts.total), ("theil_between", between), ("theil_within", within)):
        yield "district", code, name, spread.total, value, None


def _of_areas(spread: Spread, scope: str, codes: pd.Series) -> Iterator[Row]:
    """Yield the measures of each area by its code."""
    keys = codes.to_numpy(object)
    for code in sorted(set(codes.dropna())):
        own = spread.of(keys == code)
        for name, value in own.measures().items():
            yield scope, str(code), name, own.total, value, None


def _of_townships(spread: Spread, codes: pd.Series) -> Iterator[Row]:
    """Yield the measures of each township, and its part in all people, in all access and in Theil's index."""
    yield from _of_areas(spread, "township", codes)
    groups = fairness.theil(spread.score, spread.persons, codes.fillna("").astype(str).to_numpy(object)).groups
    for row in groups[groups["group"] != ""].to_dict("records"):
        parts = {
            "share_persons": row["persons"] / spread.total,
            "share_score": row["share_score"],
            "theil": row["theil"],
            "theil_within": row["contribution_within"],
        }
        for name, value in parts.items():
            yield "township", str(row["group"]), name, float(row["persons"]), float(value), None


def _of_villages(spread: Spread, codes: pd.Series) -> Iterator[Row]:
    """Yield what each village has, the worst first; those where nobody lives are left out, as they have no mean."""
    known = codes.notna().to_numpy()
    own = spread.of(known)
    keys = codes[known].astype(str).to_numpy(object)
    ranked = fairness.worst_areas(own.score, own.persons, keys, n=len(keys))
    below: Sequence[float] = ()
    if spread.line is not None:
        poor = pd.Series(own.persons * (own.score < spread.line)).groupby(keys).sum()
        below = (poor.reindex(ranked["area"]).to_numpy(float) / ranked["persons"].to_numpy(float)).tolist()
    for number, row in enumerate(ranked.to_dict("records")):
        code, persons = str(row["area"]), float(row["persons"])
        yield "village", code, "mean_score", persons, float(row["mean_score"]), int(row["rank"])
        if spread.line is not None:
            yield "village", code, "share_below_line", persons, below[number], None


def _of_groups(spread: Spread, service: ServiceConfig, groups: Sequence[str], demand: Demand) -> Iterator[Row]:
    """Yield what each group of people has, and its mean over that of the people whom the service is for."""
    of_all = spread.means()["mean_score"]
    for group in groups:
        persons = demand.persons[persons_column(service.base, group)].to_numpy(float)
        own = replace(spread, persons=persons)
        means = own.means()
        ratio = means["mean_score"] / of_all if of_all > 0.0 else np.nan
        for name, value in {**means, "ratio": ratio}.items():
            yield "group", group, name, own.total, value, None
