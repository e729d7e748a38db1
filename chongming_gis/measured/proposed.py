"""Where the next sites go: every proposal of the study, its plan with certificate, its sites with reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from chongming_gis import proposals
from chongming_gis.measured.groundwork import Measured, Step
from chongming_gis.measured.questions import candidates_of, question_of, setting_of

if TYPE_CHECKING:
    from chongming_gis.measured.groundwork import Groundwork


def propose(ground: Groundwork) -> Measured:
    """Return the plans, sites and gains of all proposals, and the candidates they chose from."""
    entries = ground.study.proposals
    setting = setting_of(ground)
    looked_at = {entry.service: candidates_of(ground, entry.service) for entry in entries}
    asked = [question_of(ground, entry) for entry in entries]
    made = [proposals.answer(question, setting, proposals.solve(question)) for question in asked]
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
