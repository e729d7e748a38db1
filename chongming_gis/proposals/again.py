"""A proposal of a saved result asked again, without networks: other numbers and rules, sites locked or forbidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
from scipy import sparse

from chongming_gis import reach
from chongming_gis.errors import SitingError
from chongming_gis.proposals.question import Question, Setting, ask, replace_rules, standing_sites

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from chongming_gis.config import StudyConfig
    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.tables import Demand, Facilities


def setting_of(
    study: StudyConfig,
    *,
    demand: Demand,
    facilities: Facilities,
    townships: gpd.GeoDataFrame,
    access: pd.DataFrame,
) -> Setting:
    """Return the setting of a saved result: all of a run's but the networks."""
    services = facilities.places["service"]
    by_service = {
        service.id: reach.Places(gpd.GeoDataFrame(facilities.places[services == service.id].reset_index(drop=True)), {})
        for service in study.services
    }
    return Setting(study, demand, townships, reach.Places(demand.points, {}), by_service, {}, access)


def find_proposal(study: StudyConfig, proposal_id: str) -> ProposalConfig:
    """Return a proposal of a study.

    Raises
    ------
    SitingError
        The study has none of that id.
    """
    for proposal in study.proposals:
        if proposal.id == proposal_id:
            return proposal
    known = ", ".join(proposal.id for proposal in study.proposals) or "none"
    raise SitingError(f"the study has no proposal {proposal_id!r}; it has {known}")


def ask_again(
    proposal: ProposalConfig, setting: Setting, *, candidates: gpd.GeoDataFrame, site_times: pd.DataFrame
) -> Question:
    """Return the siting problem of a proposal from the times that a run saved.

    Parameters
    ----------
    proposal : as the study has it, or with other numbers and rules (``model_copy``)
    candidates, site_times : ``measured_tables.CANDIDATES`` and ``SITE_TIMES`` of the result

    Raises
    ------
    SitingError
        The result holds no times of this proposal, or it cannot be asked.
    """
    mine = site_times[site_times["proposal"] == proposal.id]
    looked_at = candidates[candidates["service"] == proposal.service].reset_index(drop=True)
    if mine.empty or looked_at.empty:
        raise SitingError(f"the result holds no travel times of the proposal {proposal.id!r}; make it again with `run`")
    shape = (len(setting.demand.points), len(standing_sites(proposal, setting).points) + len(looked_at))
    pairs = (mine["time_s"].to_numpy(), (mine["demand_row"].to_numpy(), mine["site_row"].to_numpy()))
    return ask(proposal, setting, gpd.GeoDataFrame(looked_at), time_s=sparse.csr_array(pairs, shape=shape))


def with_choice(question: Question, *, lock: Sequence[str] = (), forbid: Sequence[str] = ()) -> Question:
    """Return the question with some candidates locked into every plan, and others left out of it.

    Parameters
    ----------
    lock, forbid : ``place_id`` of candidates

    Raises
    ------
    SitingError
        An id is no candidate, may not be built on, or is both locked and forbidden; every fault is listed.
    """
    rows = {str(name): row for row, name in enumerate(question.sites["place_id"]) if question.sites["is_new"].iloc[row]}
    told = [f"{name}: is no candidate of {question.proposal.id}" for name in (*lock, *forbid) if name not in rows]
    told += [f"{name}: is locked and forbidden at once" for name in lock if name in forbid]
    for name in lock:
        row = rows.get(name)
        if row is not None and not question.sites["allowed"].iloc[row]:
            told.append(f"{name}: may not be built on ({question.sites['reason'].iloc[row]})")
    if told:
        raise SitingError("\n".join(told))
    rules = question.problem.rules
    forced = tuple(sorted({*rules.forced, *(rows[name] for name in lock)}))
    forbidden = tuple(sorted({*rules.forbidden, *(rows[name] for name in forbid)}))
    asked = question.new_sites
    return replace(
        question,
        problem=replace_rules(question.problem, replace(rules, forced=forced, forbidden=forbidden)),
        new_sites=None if asked is None else max(asked, len(np.unique(forced))),
    )
