"""Data in: files of any accepted format -> frames that satisfy the contracts of ``tables``, in one metric CRS."""

from chongming_gis.sources.areacodes import fill_codes_by_name
from chongming_gis.sources.boundaries import AreaRules, read_areas, read_region, tell_gaps
from chongming_gis.sources.demand_points import read_demand
from chongming_gis.sources.embedded import embedded_study_path
from chongming_gis.sources.facilities import read_facilities
from chongming_gis.sources.gazetteer import make_gazetteer
from chongming_gis.sources.placing import Locator
from chongming_gis.sources.roads import read_roads
from chongming_gis.sources.surroundings import Surroundings, uninhabited

__all__ = [
    "AreaRules",
    "Locator",
    "Surroundings",
    "embedded_study_path",
    "fill_codes_by_name",
    "make_gazetteer",
    "read_areas",
    "read_demand",
    "read_facilities",
    "read_region",
    "read_roads",
    "tell_gaps",
    "uninhabited",
]
