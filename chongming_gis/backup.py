"""What hangs on one facility: people with a second one in reach, and what is lost if a single one closes.

Both are read off the table of access: who has exactly one facility within the standard depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Backup:
    """Persons by how many facilities they have within the standard, and those who depend on each one alone."""

    persons: float
    covered: float
    with_second: float  # at least two within the standard
    lost_if_closed: (
        pd.Series
    )  # index facility_id (all of the service), persons no longer covered; descending, then by id


def measure_backup(access: pd.DataFrame, persons: Floats, facility_ids: pd.Series) -> Backup:
    """Return who has a second facility in reach, and what the closing of each single facility would cost.

    Parameters
    ----------
    access : rows of one service, standard and serves rule (``tables.ACCESS``), one a demand point.
    persons : of the service's group, in the order of the rows.
    facility_ids : of the whole service, so that those nobody depends on are there with 0.

    Notes
    -----
    Exact for all facilities in one pass: closing one uncovers those for whom it is the only one within the standard,
    and nobody else. A client with one possible site is not backed up (Hogan & ReVelle 1986).
    """
    covered = access["covered"].to_numpy(bool)
    n_within = access["n_within"].to_numpy()
    depends = covered & (n_within == 1)
    ids = pd.Index(facility_ids)
    at = ids.get_indexer(pd.Index(access["facility_id"]))
    lost = np.bincount(at[depends], weights=persons[depends], minlength=len(ids))
    order = np.lexsort((ids.to_numpy(object).astype(str), -lost))
    return Backup(
        persons=float(persons.sum()),
        covered=float(persons[covered].sum()),
        with_second=float(persons[covered & (n_within >= 2)].sum()),
        lost_if_closed=pd.Series(lost[order], index=ids[order], name="persons"),
    )
