"""Isochrones drawn from what the roads allow: reached pieces of road, areas that agree with coverage, and surfaces.

A place belongs to the road that a person there would step onto, as in all other measures. So no area covers ground
whose nearest road is not reached, and each area says how many people it misjudges. See docs/methods.md.
"""

from chongming_gis.isochrones.areas import CELL_M, NEAR_EDGE_M, AreaError, area_error, service_areas
from chongming_gis.isochrones.lines import lines_by_facility, service_lines, usable_lines
from chongming_gis.isochrones.surface import Surface, areas_of_cells, time_surface
from chongming_gis.isochrones.usable import Ground, ground_of_cells, usable_surface

__all__ = [
    "CELL_M",
    "NEAR_EDGE_M",
    "AreaError",
    "Ground",
    "Surface",
    "area_error",
    "areas_of_cells",
    "ground_of_cells",
    "lines_by_facility",
    "service_areas",
    "service_lines",
    "time_surface",
    "usable_lines",
    "usable_surface",
]
