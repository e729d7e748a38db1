"""Small numbers of sensitive people, kept out of what is shared: fewer than five at one place are shown as "<5".

A study marks groups as ``sensitive`` (very old, disabled or living alone: a handful of them at one address are people
whom neighbours can name). Wherever a page, popup or table tells of one place (a cell, a hamlet, a village, a gap, what
one site gains), it asks here for the text. Nobody (0) is told as it is; sums of townships and districts are too. The
tables of a result folder keep every number: they are for the office that made them. ``outputs.internal`` (``run
--internal``) shows everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis import wording

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.config import StudyConfig

LEAST_SHOWN = 5.0  # persons; planning assumption: the usual threshold of statistical offices for small cells
HIDDEN = "<5"
_LEAST_AVERAGED = 20  # so many hidden places at least before their mean stands for one of them


def is_sensitive(study: StudyConfig, group_id: str) -> bool:
    """Return whether small numbers of a group are kept out of what this study shares."""
    return not study.outputs.internal and any(group.sensitive for group in study.groups if group.id == group_id)


def hides_any(study: StudyConfig) -> bool:
    """Return whether small numbers of some group are kept out, so that pages and reports say so."""
    return any(is_sensitive(study, group.id) for group in study.groups)


def is_hidden(study: StudyConfig, group_id: str, persons: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return which counts of a group's people at one place are not to be shown."""
    counts = np.asarray(persons, dtype=np.float64)
    if not is_sensitive(study, group_id):
        return np.zeros(counts.shape, dtype=np.bool_)
    return np.asarray((counts > 0.0) & (counts < LEAST_SHOWN), dtype=np.bool_)


def persons(study: StudyConfig, group_id: str, value: float | None) -> str:
    """Return the count of a group's people at one place as it may be shown."""
    if value is not None and bool(is_hidden(study, group_id, value)):
        return HIDDEN
    return wording.persons(value)


def persons_of_each(study: StudyConfig, group_id: str, values: npt.ArrayLike) -> list[str]:
    """Return the counts of a group's people at many places as they may be shown."""
    counts = np.asarray(values, dtype=np.float64)
    hidden = is_hidden(study, group_id, counts).tolist()
    pairs = zip(counts.tolist(), hidden, strict=True)
    return [HIDDEN if is_hidden_here else wording.persons(count) for count, is_hidden_here in pairs]


def share(study: StudyConfig, group_id: str, value: float | None, *, of_persons: float) -> str:
    """Return the share of a place's people as it may be shown: not where it would tell a hidden number of them.

    With a known total a share tells how many they are and how many are left; both must be none or enough.
    """
    if value is not None and of_persons > 0.0 and not np.isnan(value):
        parts = (of_persons, value * of_persons, (1.0 - value) * of_persons)
        if any(bool(is_hidden(study, group_id, round(part, 6))) for part in parts):
            return wording.NOTHING
    return wording.share(value)


def stand_in(persons: npt.NDArray[np.float64], hidden: npt.NDArray[np.bool_]) -> float:
    """Return the number that stands for every hidden one where a sum is drawn: their mean, if it tells of none of them.

    Of a few places the mean would tell too much: then it is half of the threshold.
    """
    if int(hidden.sum()) < _LEAST_AVERAGED:
        return LEAST_SHOWN / 2.0
    return float(np.round(persons[hidden].mean(), 1))
