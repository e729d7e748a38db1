"""The access table as arrays in the order of the demand points, one set a question.

The table has one row a demand point, service, standard and rule (millions of rows of text keys); it is sorted out once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from chongming_gis.maps.shares import Question
    from chongming_gis.results import StudyResult

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Times:
    """How every demand point stands to one question, in the order of the demand points."""

    time_s: Floats  # inf = not reached
    covered: npt.NDArray[np.bool_]
    limit_s: Floats
    within: Ints  # number of facilities within the standard
    mode: Ints  # place in ``modes``
    modes: tuple[str, ...]
    facility: Ints  # place among the facility ids asked for, -1 = none


@dataclass(frozen=True, slots=True)
class AccessRows:
    """Where the rows of each question stand in the access table, and its text columns as numbers."""

    table: pd.DataFrame
    rows: Mapping[tuple[str, str, str], Ints]
    demand: Ints  # place of each row's demand point among the demand points, -1 = none of them
    mode: Ints
    modes: tuple[str, ...]
    facility: Ints
    facility_ids: pd.Index
    n_demand: int

    def times(self, question: Question, facility_ids: pd.Index) -> Times:
        """Return the arrays of a question.

        Parameters
        ----------
        facility_ids : the facilities in the order in which they are to be numbered.

        Raises
        ------
        TableError
            The access table does not have exactly one row a demand point for this question.
        """
        rows = self.rows.get(question.parts, np.empty(0, dtype=np.int64))
        order = np.full(self.n_demand, -1, dtype=np.int64)
        order[self.demand[rows]] = rows
        if len(rows) != self.n_demand or (order < 0).any():
            raise TableError(
                f"access: {' / '.join(question.parts)} has {len(rows)} row(s) where there are {self.n_demand} demand "
                "points; there must be one a point"
            )
        numbered = np.append(facility_ids.get_indexer(self.facility_ids), -1)  # code -1 (no facility) finds the last

        def column(name: str, kind: type) -> npt.NDArray[np.generic]:
            return self.table[name].to_numpy(dtype=kind)[order]

        return Times(
            time_s=column("time_s", np.float64).astype(np.float64),
            covered=column("covered", np.bool_).astype(np.bool_),
            limit_s=column("standard_s", np.float64).astype(np.float64),
            within=column("n_within", np.int64).astype(np.int64),
            mode=self.mode[order],
            modes=self.modes,
            facility=numbered[self.facility[order]],
        )


def read_access(result: StudyResult) -> AccessRows:
    """Return the access table of a result sorted out by question."""
    table = result.access
    mode, modes = pd.factorize(table["mode"])
    facility, facility_ids = pd.factorize(table["facility_id"])
    demand_codes, demand_ids = pd.factorize(table["demand_id"])
    place = pd.Index(result.demand.points["demand_id"]).get_indexer(pd.Index(demand_ids))
    return AccessRows(
        table=table,
        rows=_rows_by_question(table),
        demand=place[demand_codes].astype(np.int64),
        mode=mode.astype(np.int64),
        modes=tuple(str(name) for name in modes),
        facility=facility.astype(np.int64),
        facility_ids=pd.Index(facility_ids),
        n_demand=len(result.demand.points),
    )


def _rows_by_question(table: pd.DataFrame) -> dict[tuple[str, str, str], Ints]:
    combined = np.zeros(len(table), dtype=np.int64)
    names: list[list[str]] = []
    for column in ("service", "standard", "serves_rule"):
        codes, values = pd.factorize(table[column])
        combined = combined * len(values) + codes
        names.append([str(value) for value in values])
    order = np.argsort(combined, kind="stable")
    found, start = np.unique(combined[order], return_index=True)
    services, standards, rules = names
    keys = [
        (
            services[k // (len(standards) * len(rules))],
            standards[k // len(rules) % len(standards)],
            rules[k % len(rules)],
        )
        for k in found.tolist()
    ]
    return dict(zip(keys, np.split(order, start[1:]), strict=True)) if keys else {}
