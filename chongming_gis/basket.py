"""How much of the circle a person has: how many services are within their standards, and which are missing where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Basket:
    """What each demand point has within reach of the services of a basket."""

    services: tuple[str, ...]
    has: npt.NDArray[np.bool_]  # (n demand, n services)

    @property
    def count(self) -> npt.NDArray[np.int64]:
        """How many services each point has within their standards."""
        return np.asarray(self.has.sum(axis=1), dtype=np.int64)

    @property
    def is_complete(self) -> npt.NDArray[np.bool_]:
        """Which points have all of them."""
        return np.asarray(self.has.all(axis=1), dtype=bool)


def fill_basket(covered: Mapping[str, npt.NDArray[np.bool_]]) -> Basket:
    """Return the basket of some services.

    Parameters
    ----------
    covered : for each service, which demand points are within its standard; all in the order of the demand.

    Raises
    ------
    TableError
        There is no service, or they have different numbers of points.
    """
    sizes = {len(values) for values in covered.values()}
    if len(sizes) != 1:
        raise TableError(
            f"fill_basket: {len(covered)} services with {sorted(sizes)} points; give the same points for all"
        )
    return Basket(tuple(covered), np.column_stack([np.asarray(values, dtype=bool) for values in covered.values()]))


def measure_basket(basket: Basket, persons: Floats, areas: pd.Series) -> pd.DataFrame:
    """Return the basket by area, those without an area left out.

    Parameters
    ----------
    persons : a number a demand point.
    areas : the code of the area each point lies in (missing = none).

    Returns
    -------
    DataFrame
        One row an area, by code: persons, mean_count (services a person reaches), share_complete (all of them), and
        ``missing:<service>``, the persons without it. Means and shares of an area without people are NA.
    """
    codes = np.sort(areas.dropna().unique().astype(object))
    at = pd.Index(codes).get_indexer(pd.Index(areas))
    inside = at >= 0

    def total(values: Floats) -> Floats:
        sums = np.bincount(at[inside], weights=(values * persons)[inside], minlength=len(codes))
        return sums.astype(np.float64)

    whole = total(np.ones(len(persons)))
    is_empty = whole == 0.0
    divisor = np.where(is_empty, np.nan, whole)
    missing = {
        f"missing:{name}": total((~basket.has[:, number]).astype(float)) for number, name in enumerate(basket.services)
    }
    return pd.DataFrame(
        {
            "code": pd.Series(codes, dtype="str"),
            "persons": whole,
            "mean_count": total(basket.count.astype(float)) / divisor,
            "share_complete": total(basket.is_complete.astype(float)) / divisor,
            **missing,
        }
    )


def spread_basket(basket: Basket, persons: Floats, areas: pd.Series) -> pd.DataFrame:
    """Return how many people of each area have 0, 1, ... all of the services, those without an area left out.

    Parameters
    ----------
    persons : a number a demand point.
    areas : the code of the area each point lies in (missing = none).

    Returns
    -------
    DataFrame
        One row an area and number of services, by code and number: code, n_within, persons.
    """
    codes = np.sort(areas.dropna().unique().astype(object))
    at = pd.Index(codes).get_indexer(pd.Index(areas))
    inside = at >= 0
    levels = len(basket.services) + 1
    cell = (at * levels + basket.count)[inside]
    sums = np.bincount(cell, weights=np.asarray(persons, float)[inside], minlength=len(codes) * levels)
    return pd.DataFrame(
        {
            "code": pd.Series(np.repeat(codes, levels), dtype="str"),
            "n_within": np.tile(np.arange(levels, dtype=np.int64), len(codes)),
            "persons": sums.astype(np.float64),
        }
    )
