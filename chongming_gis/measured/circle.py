"""The complete circle: how many services of the study's basket a person has, and which is missing where.

Each service counts by its headline standard, with the serves rule applied, for the people that ``[measures.basket]``
names, whomever the service itself is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis import basket
from chongming_gis.coverage import DISTRICT, answers_of
from chongming_gis.measured.groundwork import Groundwork, Measured, Step
from chongming_gis.measured_tables import BASKET, BASKET_MISSING
from chongming_gis.reach import APPLIED
from chongming_gis.tables import column_types, persons_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chongming_gis.config import StudyConfig
    from chongming_gis.measuremodel import BasketConfig

_COLUMN_OF = {"island": "island", "township": "township_code", "village": "village_code"}


def _is_asked(study: StudyConfig) -> bool:
    return study.measures.basket is not None


def _measure(ground: Groundwork) -> Measured:
    asked = ground.study.measures.basket
    if asked is None:
        return Measured()
    found = fill(ground, asked)
    persons = ground.inputs.demand.persons[persons_column(asked.base, asked.group)].to_numpy(float)
    counts, missing = [], []
    for scope, areas, names in _scopes(ground):
        counts.append(_counted(basket.spread_basket(found, persons, areas), scope, names, len(asked.services)))
        missing.append(_missing(basket.measure_basket(found, persons, areas), scope, names, asked.services))
    return Measured(
        tables={
            BASKET.name: _as_contract(pd.concat(counts, ignore_index=True), column_types(BASKET)),
            BASKET_MISSING.name: _as_contract(pd.concat(missing, ignore_index=True), column_types(BASKET_MISSING)),
        }
    )


def fill(ground: Groundwork, asked: BasketConfig) -> basket.Basket:
    """Return which services of the basket each demand point has within their headline standards."""
    covered = {}
    for name in asked.services:
        headline = ground.study.service(name).standards[0].id
        covered[name] = answers_of(ground.access, name, headline, APPLIED)["covered"].to_numpy(bool)
    return basket.fill_basket(covered)


def _scopes(ground: Groundwork) -> Iterator[tuple[str, pd.Series, pd.Series]]:
    """Yield each scope with the area of every demand point, and the areas' names by code, in the order of coverage."""
    points = ground.demand.points
    known = ground.coverage[["scope", "scope_code", "name_zh"]].drop_duplicates(["scope", "scope_code"])
    for scope, rows in known.groupby("scope", sort=False):
        names = rows.set_index("scope_code")["name_zh"]
        if scope == DISTRICT:
            everywhere = pd.Series([ground.study.id] * len(points), dtype="str")
            yield DISTRICT, everywhere, names
        else:
            yield str(scope), points[_COLUMN_OF[str(scope)]], names


def _counted(spread: pd.DataFrame, scope: str, names: pd.Series, n_services: int) -> pd.DataFrame:
    """Return the rows of one scope, areas without a demand point with 0 persons."""
    every = pd.MultiIndex.from_product([names.index, range(n_services + 1)], names=["scope_code", "n_within"])
    persons = spread.set_index(["code", "n_within"])["persons"].rename_axis(every.names).reindex(every, fill_value=0.0)
    table = persons.reset_index()
    whole = table.groupby("scope_code")["persons"].transform("sum")
    return table.assign(
        scope=scope,
        name_zh=table["scope_code"].map(names),
        n_services=n_services,
        share=(table["persons"] / whole.where(whole > 0.0)).clip(upper=1.0),
    )


def _missing(measured: pd.DataFrame, scope: str, names: pd.Series, services: tuple[str, ...]) -> pd.DataFrame:
    by_area = measured.set_index("code").reindex(names.index)
    lacking = by_area[[f"missing:{name}" for name in services]].fillna(0.0).to_numpy(float).ravel()
    persons = np.repeat(by_area["persons"].fillna(0.0).to_numpy(float), len(services))
    return pd.DataFrame(
        {
            "scope": scope,
            "scope_code": np.repeat(names.index.to_numpy(object), len(services)),
            "name_zh": np.repeat(names.to_numpy(object), len(services)),
            "service": np.tile(np.array(services, dtype=object), len(names)),
            "persons": persons,
            "persons_missing": lacking,
            "share_missing": np.minimum(lacking / np.where(persons > 0.0, persons, np.nan), 1.0),
        }
    )


def _as_contract(table: pd.DataFrame, types: dict[str, str]) -> pd.DataFrame:
    return table[list(types)].astype(types)


STEP = Step(name="basket", depth="daily", is_asked=_is_asked, measure=_measure)
