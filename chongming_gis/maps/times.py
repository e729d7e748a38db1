"""The access table as arrays in the order of the demand points, one set a question.

The table has one row a demand point, service, standard and rule (millions of rows of text keys). Where the rows of a
question stand together in the order of the points, as they are measured, they are cut out and not copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from chongming_gis.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from chongming_gis.maps.shares import Question
    from chongming_gis.results import StudyResult

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_KEYS = ("service", "standard", "serves_rule")


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
    """The access table by question: service, standard and rule."""

    table: pd.DataFrame
    rows: Mapping[tuple[str, str, str], slice | Ints]
    demand_ids: pd.Series

    def answers(self, parts: tuple[str, str, str]) -> pd.DataFrame:
        """Return the rows of a question, in the order of the demand points.

        Raises
        ------
        TableError
            The access table does not have exactly one row a demand point for this question.
        """
        rows = self.rows.get(parts, slice(0, 0))
        found: pd.DataFrame = self.table.iloc[rows]
        if len(found) == len(self.demand_ids):
            if _arrow(found["demand_id"]).equals(_arrow(self.demand_ids)):
                return found
            order = pd.Index(found["demand_id"]).get_indexer_for(pd.Index(self.demand_ids))
            if len(order) == len(found) and (order >= 0).all():
                return found.take(order)
        raise TableError(
            f"access: {' / '.join(parts)} has {len(found)} row(s) where there are {len(self.demand_ids)} demand "
            "points; there must be one a point"
        )

    def times(self, question: Question, facility_ids: pd.Series) -> Times:
        """Return the arrays of a question.

        Parameters
        ----------
        facility_ids : the facilities in the order in which they are to be numbered.

        Raises
        ------
        TableError
            The access table does not have exactly one row a demand point for this question.
        """
        found = self.answers(question.parts)
        mode, modes = pd.factorize(found["mode"])
        return Times(
            time_s=found["time_s"].to_numpy(np.float64),
            covered=found["covered"].to_numpy(np.bool_),
            limit_s=found["standard_s"].to_numpy(np.float64),
            within=found["n_within"].to_numpy(np.int64),
            mode=mode.astype(np.int64),
            modes=tuple(str(name) for name in modes),
            facility=_place_of(found["facility_id"], facility_ids),
        )


def read_access(result: StudyResult) -> AccessRows:
    """Return the access table of a result sorted out by question."""
    return AccessRows(result.access, _rows_by_question(result.access), result.demand.points["demand_id"])


def _place_of(values: pd.Series, among: pd.Series) -> Ints:
    """Return the place of each value among others, -1 for none of them and for the missing."""
    place = pc.index_in(_arrow(values), value_set=_arrow(among).combine_chunks(), skip_nulls=True)
    return np.asarray(pc.fill_null(place, -1)).astype(np.int64)


def _arrow(column: pd.Series) -> pa.ChunkedArray:
    """Return a text column as Arrow has it, not copied."""
    array = pa.array(column)
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _rows_by_question(table: pd.DataFrame) -> dict[tuple[str, str, str], slice | Ints]:
    if table.empty:
        return {}
    starts = np.flatnonzero(np.logical_or.reduce([_differs_from_above(table[name]) for name in _KEYS]))
    ends = np.append(starts[1:], len(table))
    pieces: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    keys = zip(*(table[name].iloc[starts].tolist() for name in _KEYS), strict=True)
    for key, start, end in zip(keys, starts.tolist(), ends.tolist(), strict=True):
        pieces.setdefault(key, []).append((start, end))
    return {
        key: slice(*found[0]) if len(found) == 1 else np.concatenate([np.arange(*piece) for piece in found])
        for key, found in pieces.items()
    }


def _differs_from_above(column: pd.Series) -> npt.NDArray[np.bool_]:
    values = _arrow(column)
    same = pc.equal(values.slice(1), values.slice(0, len(values) - 1))
    return np.append(True, ~np.asarray(same, dtype=np.bool_))
