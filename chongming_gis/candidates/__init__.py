"""Where a service could be built: places that are looked at, what is known of each, and which rule refuses it.

``make_candidates`` brings the parts together: ``places`` finds them, ``attributes`` describes them, ``exclusion``
judges them by the study's rules on the layers that ``ground`` holds. Nothing is chosen here: that is ``siting``.
"""

from __future__ import annotations

from chongming_gis.candidates.exclusion import choose_ground, refusals
from chongming_gis.candidates.ground import Ground, Layer, read_ground
from chongming_gis.candidates.making import HAS_SERVICE, make_candidates, survey_ground
from chongming_gis.candidates.places import thin

__all__ = [
    "HAS_SERVICE",
    "Ground",
    "Layer",
    "choose_ground",
    "make_candidates",
    "read_ground",
    "refusals",
    "survey_ground",
    "thin",
]
