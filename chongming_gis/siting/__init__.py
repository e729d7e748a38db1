"""Where to build next: the models of location science, each with a proven bound."""

from __future__ import annotations

from chongming_gis.siting.alternatives import Alternatives, best_plans, site_frequency, solve_again
from chongming_gis.siting.capacitated import (
    CapacitatedPlan,
    CapacityRules,
    Extension,
    Move,
    capacitated_mclp,
    capacitated_p_median,
)
from chongming_gis.siting.equity import FloorPrice, floor_frontier, floor_price, highest_floor
from chongming_gis.siting.gradual import Backup, BackupPlan, backup_coverage, gradual_cover
from chongming_gis.siting.lscp import lscp, psclp
from chongming_gis.siting.mclp import mclp
from chongming_gis.siting.p_center import p_center
from chongming_gis.siting.p_dispersion import p_dispersion
from chongming_gis.siting.p_median import p_median
from chongming_gis.siting.problem import SideRules, SitingPlan, SitingProblem

__all__ = [
    "Alternatives",
    "Backup",
    "BackupPlan",
    "CapacitatedPlan",
    "CapacityRules",
    "Extension",
    "FloorPrice",
    "Move",
    "SideRules",
    "SitingPlan",
    "SitingProblem",
    "backup_coverage",
    "best_plans",
    "capacitated_mclp",
    "capacitated_p_median",
    "floor_frontier",
    "floor_price",
    "gradual_cover",
    "highest_floor",
    "lscp",
    "mclp",
    "p_center",
    "p_dispersion",
    "p_median",
    "psclp",
    "site_frequency",
    "solve_again",
]
