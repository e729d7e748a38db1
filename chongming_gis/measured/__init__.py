"""The measures a run takes beside coverage and capacity, each joined to the study by one step.

The arithmetic is in the modules below (``accessibility``, ``fairness``, ``basket``, ``gaps``, ``isochrones``,
``uncertainty``); here it meets the study's services, standards and people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chongming_gis.measured import (
    areas,
    beds,
    burial,
    certainty,
    circle,
    deliveries,
    joint,
    links,
    phased,
    proposed,
    robust,
    scores,
    uncovered,
    visits,
)
from chongming_gis.measured.groundwork import Depth, Groundwork, Measured, Step

if TYPE_CHECKING:
    from chongming_gis.config import StudyConfig

__all__ = ["Depth", "Groundwork", "Measured", "Step", "steps_of"]

#: In the order they are taken and told.
STEPS: tuple[Step, ...] = (
    scores.STEP,
    circle.STEP,
    links.STEP,
    burial.STEP,
    visits.STEP,
    uncovered.STEP,
    areas.STEP,
    areas.FULL_STEP,
    certainty.STEP,
    proposed.STEP,
    robust.STEP,
    joint.STEP,
    phased.STEP,
    beds.STEP,
    deliveries.STEP,
)


def steps_of(study: StudyConfig, depth: Depth) -> tuple[Step, ...]:
    """Return the measures that a study asks for and a run of this depth takes."""
    return tuple(step for step in STEPS if (depth == "full" or step.depth == "daily") and step.is_asked(study))
