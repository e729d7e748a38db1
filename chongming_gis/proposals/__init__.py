"""Where to build next: each proposal of the study as a siting question, its plan, and the reasons for every site."""

from __future__ import annotations

from chongming_gis.proposals.again import ask_again, find_proposal, setting_of, with_choice
from chongming_gis.proposals.gains import Gains, measure_gains
from chongming_gis.proposals.plan import CRITERIA, LESS_IS_BETTER, Proposal, answer, make_proposal
from chongming_gis.proposals.question import Question, Setting, ask, how_many
from chongming_gis.proposals.solving import PLANNED, solve

__all__ = [
    "CRITERIA",
    "LESS_IS_BETTER",
    "PLANNED",
    "Gains",
    "Proposal",
    "Question",
    "Setting",
    "answer",
    "ask",
    "ask_again",
    "find_proposal",
    "how_many",
    "make_proposal",
    "measure_gains",
    "setting_of",
    "solve",
    "with_choice",
]
