"""How firm a proposal is: other plans that are nearly as good, and the plan under other speeds, ways and people.

Many questions are asked here that differ little, so each goes to the fast covering search wherever its rules can be said
in demand rows (``solve_fast``); what cannot goes to the general model.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis import network, reach, siting
from chongming_gis.errors import SitingError
from chongming_gis.proposals.gains import NEAR_M
from chongming_gis.proposals.plan import TIME_LIMIT_S, solve
from chongming_gis.proposals.question import WITHIN, ask, replace_rules, standing_sites, with_floor
from chongming_gis.siting import SideRules, SitingProblem
from chongming_gis.siting.alternatives import Alternatives, site_frequency
from chongming_gis.siting.problem import status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.proposals.question import Question, Setting
    from chongming_gis.siting import SitingPlan
    from chongming_gis.uncertainty import Draws

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]

ALTERNATIVES_LIMIT_S = 20.0  # of one proposal; the stop reason says where it cut the list short
DRAW_LIMIT_S = 2.0  # of one draw; how many were proven best is told
PLANNED = ("optimal", "feasible")
_AS_ROWS = {"forced", "forbidden", "spacing", "at_least"}  # rules that the fast search can be told
_BONUS = 0.01  # persons: between plans this near to each other, the one that keeps a site wins


@dataclass(frozen=True, slots=True)
class Core:
    """A question without the rows and columns that cannot matter.

    Attributes
    ----------
    question : over ``rows`` and ``columns`` only
    rows, columns : of the whole question
    """

    question: Question
    rows: Ints
    columns: Ints

    def at(self, chosen: npt.ArrayLike) -> Ints:
        """Return where columns of the whole question stand here."""
        return np.searchsorted(self.columns, np.asarray(chosen, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Robustness:
    """A plan over the draws.

    Attributes
    ----------
    share : (n_sites,) share of the draws with a plan whose best plan has the site; NaN where none has a plan
    share_near : the same of any site within ``NEAR_M`` of it
    lost : one number a draw with a plan: what keeping the plan loses, as a share of what the best plan adds
    n_draws, n_proven : draws, and those whose best plan is proven to be
    share_same : share of the draws with a plan in which all sites stay
    """

    share: Floats
    share_near: Floats
    lost: Floats
    n_draws: int
    n_proven: int
    share_same: float


def ask_widely(
    proposal: ProposalConfig,
    setting: Setting,
    candidates: gpd.GeoDataFrame,
    *,
    paces: Mapping[str, tuple[float, float]],
) -> Question:
    """Return the question of a proposal with all times that can matter while they grow or shrink.

    Parameters
    ----------
    candidates : ``tables.CANDIDATES`` of the proposal's service, refused ones included
    paces : by mode, the least and the largest factor on times; a mode that is not named keeps its times

    Raises
    ------
    SitingError
        The proposal cannot be asked.

    Notes
    -----
    Whoever an existing site reaches even at the largest factor is covered whatever is built: such people are not asked
    for their times to candidates, but for the p-median.
    """
    n_standing = len(standing_sites(proposal, setting).points)
    nothing = sparse.csr_array((len(setting.demand.points), n_standing + len(candidates)))
    question = ask(proposal, setting, candidates, time_s=nothing)
    service, standard = question.service, question.standard
    standing = standing_sites(proposal, setting)
    new = question.sites[question.sites["is_new"].to_numpy(bool)].reset_index(drop=True)
    is_median = proposal.model == "p_median"
    rows: list[npt.NDArray[np.integer]] = []
    columns: list[npt.NDArray[np.integer]] = []
    seconds: list[Floats] = []
    for limit, at in reach.rows_of_limit(service, standard, setting.demand.points):
        least, largest = paces.get(limit.mode, (1.0, 1.0))
        narrow = standard.model_copy(update={"limits": (limit,)})
        cutoff_s = max(limit.limit_s, proposal.unreachable_min * 60.0 if is_median else 0.0) / min(least, 1.0)
        snapped = setting.demand.snapped[limit.mode]

        def times(own: Ints, places: reach.Places, narrow=narrow, snapped=snapped, limit=limit, cutoff_s=cutoff_s):  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913, ANN001
            people = reach.Places(setting.demand.points.iloc[own], {limit.mode: snapped.take(own)})
            return reach.usable_times(
                service, narrow, demand=people, facilities=places, networks=setting.networks, cutoff_s=cutoff_s
            )

        raise NotImplementedError
    return question
