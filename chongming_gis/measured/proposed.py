"""Where the next sites go: every proposal of the study, its plan with certificate, its sites with reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from chongming_gis import candidates, proposals
from chongming_gis.measured.groundwork import Measured, Step

if TYPE_CHECKING:
    from chongming_gis.measured.groundwork import Groundwork


def propose(ground: Groundwork) -> Measured:
    """Return the plans, sites and gains of all proposals, and the candidates they chose from."""
    study, inputs = ground.study, ground.inputs
    setting = proposals.Setting(
        study, inputs.demand, inputs.townships, ground.demand, ground.facilities, ground.networks, ground.access
    )
    read = candidates.read_ground(study, inputs)
    looked_at = {
        service: candidates.make_candidates(study, inputs, service, read=read, networks=ground.networks)
        for service in dict.fromkeys(proposal.service for proposal in study.proposals)
    }
    made = [proposals.make_proposal(of, setting, looked_at[of.service]) for of in study.proposals]
    findings = [finding for frame in looked_at.values() for finding in frame.attrs["report"]["findings"]]
    return Measured(
        tables={
            "plans": pd.concat([proposal.plan_row for proposal in made], ignore_index=True),
            "sites": pd.concat([proposal.sites for proposal in made], ignore_index=True),
            "site_gains": pd.concat([proposal.site_gains for proposal in made], ignore_index=True),
            "plan_access": pd.concat([proposal.plan_access for proposal in made], ignore_index=True),
            "site_times": pd.concat([proposal.site_times for proposal in made], ignore_index=True),
            "candidates": pd.concat(list(looked_at.values()), ignore_index=True),
        },
        findings=tuple(finding for i, finding in enumerate(findings) if finding not in findings[:i]),
    )


STEP = Step("proposals", "daily", lambda study: bool(study.proposals), propose)
