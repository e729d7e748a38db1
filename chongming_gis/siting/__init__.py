"""Where to build next: the models of location science, each with a proven bound."""

from __future__ import annotations

from chongming_gis.siting.mclp import mclp
from chongming_gis.siting.problem import SideRules, SitingPlan, SitingProblem

__all__ = ["SideRules", "SitingPlan", "SitingProblem", "mclp"]
