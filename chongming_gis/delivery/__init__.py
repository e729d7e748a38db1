"""Meals to the door while they are hot: who cooks for whom, by which rounds, and what one thing more would bring.

``question`` says what is asked and who is in hot range, ``sharing`` assigns meals to kitchens exactly, ``rounds`` plans
the rounds with PyVRP, ``checker`` checks each of them again, ``bound`` says what no plan can beat, ``plan`` puts a day
together, ``whatif`` changes one thing, ``ways`` knows the roads that are ridden. No file, no study section: that is
``measured.deliveries``.
"""

from __future__ import annotations

from chongming_gis.delivery.bound import bound_cost
from chongming_gis.delivery.checker import RoundError, check_rounds
from chongming_gis.delivery.plan import REASONS, DayPlan, plan_day
from chongming_gis.delivery.question import HotRange, Question, Rules, Stands, measure_nearest, measure_range
from chongming_gis.delivery.rounds import Round
from chongming_gis.delivery.sharing import Sharing, share_kitchens
from chongming_gis.delivery.ways import arcs_of, measure_ways, trace_way
from chongming_gis.delivery.whatif import WhatIf, try_deadlines, try_kitchens, try_vehicles

__all__ = [
    "REASONS",
    "DayPlan",
    "HotRange",
    "Question",
    "Round",
    "RoundError",
    "Rules",
    "Sharing",
    "Stands",
    "WhatIf",
    "arcs_of",
    "bound_cost",
    "check_rounds",
    "measure_nearest",
    "measure_range",
    "measure_ways",
    "plan_day",
    "share_kitchens",
    "trace_way",
    "try_deadlines",
    "try_kitchens",
    "try_vehicles",
]
