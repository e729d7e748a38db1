"""Where to build next: each proposal of the study as a siting question, its plan, and the reasons for every site."""

from __future__ import annotations

from chongming_gis.proposals.gains import Gains, measure_gains
from chongming_gis.proposals.plan import Proposal, answer, make_proposal
from chongming_gis.proposals.question import Question, Setting, ask

__all__ = ["Gains", "Proposal", "Question", "Setting", "answer", "ask", "make_proposal", "measure_gains"]
