"""The part of a study that asks for more than coverage: one section ``[measures.<name>]`` for each measure.

A measure whose section is absent is not taken. What a section names (services, groups, modes, units) must be declared
in the study; ``faults`` says where it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chongming_gis.studymodel import StudyModel

if TYPE_CHECKING:
    from collections.abc import Mapping


class MeasuresConfig(StudyModel):
    """Which measures a run takes beside coverage, capacity and the plan's indicators."""


def faults(measures: MeasuresConfig, known: Mapping[str, set[str]]) -> list[str]:
    """Return where the measures name what the study does not have.

    Parameters
    ----------
    known : the ids of ``services``, ``modes``, ``bases``, ``settlement_classes``, and for each base its groups under
        ``groups:<base>``.
    """
    wanted: list[tuple[str, str, set[str]]] = []
    _ = measures, known  # each measure adds what it names
    return [
        f"{key}: {value!r} is not declared in this study; allowed: {', '.join(sorted(allowed))}"
        for key, value, allowed in wanted
        if value not in allowed
    ]
