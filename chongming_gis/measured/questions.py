"""What several steps of a run ask of the same ground: candidates and siting questions, each worked out once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chongming_gis import candidates, proposals

if TYPE_CHECKING:
    import geopandas as gpd

    from chongming_gis.candidates import Ground
    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.proposals import Question, Setting


def setting_of(ground: Groundwork) -> Setting:
    """Return what the proposals of a study are asked over."""
    return proposals.Setting(
        ground.study,
        ground.inputs.demand,
        ground.inputs.townships,
        ground.demand,
        ground.facilities,
        ground.networks,
        ground.access,
    )


def candidates_of(ground: Groundwork, service: str) -> gpd.GeoDataFrame:
    """Return where a service could be built (``candidates.make_candidates``).

    Raises
    ------
    StudyError
        The study has no candidates for the service, or files of its layers cannot be read.
    TableError
        The own list of sites has faults.
    """
    key = ("candidates", service)
    if key not in ground.remembered:
        ground.remembered[key] = candidates.make_candidates(
            ground.study, ground.inputs, service, read=_layers_of(ground), networks=ground.networks
        )
    found: gpd.GeoDataFrame = ground.remembered[key]
    return found


def _layers_of(ground: Groundwork) -> Ground:
    if "layers" not in ground.remembered:
        ground.remembered["layers"] = candidates.read_ground(ground.study, ground.inputs)
    read: Ground = ground.remembered["layers"]
    return read


def question_of(ground: Groundwork, proposal: ProposalConfig) -> Question:
    """Return the siting question of a proposal of the study.

    Raises
    ------
    SitingError
        The proposal cannot be asked: a target that is still to be filled.
    """
    whole = uncounted_question_of(ground, proposal)
    standing, short = len(whole.problem.existing), whole.problem.rules.at_least
    return replace(
        whole, proposal=proposal, new_sites=proposals.how_many(proposal, ground.study, standing, dict(short))
    )


def uncounted_question_of(ground: Groundwork, proposal: ProposalConfig) -> Question:
    """Return the siting question of a proposal of the study; how many sites it asks for is left to the caller."""
    key = ("question", proposal.id)
    if key not in ground.remembered:
        uncounted = proposal.model_copy(update={"target": None, "target_set": None, "new_sites": 0})
        looked_at = candidates_of(ground, proposal.service)
        ground.remembered[key] = proposals.ask(uncounted, setting_of(ground), looked_at)
    question: Question = ground.remembered[key]
    return question
