"""How much of a service each place can use: the floating-catchment family and the plain measures beside it.

Every measure is one function of the travel times (resident to facility), the demand of the origins and the supply of
the destinations, and gives one number an origin: ``two_step(times, demand, supply, catchment_s=900.0)``. Times are
``TravelTimes`` or a sparse matrix of seconds (origins by destinations; not stored = beyond the cutoff, a stored 0 is a
0), or several ``Mode`` of travel with the share of people who use each. Demand and supply are in one unit
(beds, meals a day). Everything is arithmetic on the times; no road is travelled here. docs/methods.md has formulas,
sources and conventions.
"""

from chongming_gis.accessibility.floating import bfca, bfca_by_place, e2sfca, m2sfca, three_step, two_step
from chongming_gis.accessibility.plain import closest, cumulative, gravity
from chongming_gis.accessibility.question import Catchments, Mode
from chongming_gis.accessibility.rational import RAAM_TOLERANCE, raam
from chongming_gis.accessibility.variable import catchments_with_people, ev2sfca

__all__ = [
    "RAAM_TOLERANCE",
    "Catchments",
    "Mode",
    "bfca",
    "bfca_by_place",
    "catchments_with_people",
    "closest",
    "cumulative",
    "e2sfca",
    "ev2sfca",
    "gravity",
    "m2sfca",
    "raam",
    "three_step",
    "two_step",
]
