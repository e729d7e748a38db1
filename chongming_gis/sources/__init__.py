"""Data in: files of any accepted format -> frames that satisfy the contracts of ``tables``, in one metric CRS."""

from chongming_gis.sources.boundaries import read_areas, read_region
from chongming_gis.sources.demand_points import read_demand
from chongming_gis.sources.embedded import embedded_study_path
from chongming_gis.sources.facilities import read_facilities
from chongming_gis.sources.roads import read_roads

__all__ = ["embedded_study_path", "read_areas", "read_demand", "read_facilities", "read_region", "read_roads"]
