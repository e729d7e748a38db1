"""Self-contained folium maps of a result: ``sheets`` says what they show, ``layers`` what goes on any other map."""

from chongming_gis.maps.on_any_map import (
    facilities_layer,
    gaps_layer,
    legend,
    people_layer,
    roads_layer,
    sites_layer,
    townships_layer,
    uncovered_layer,
)
from chongming_gis.maps.page import OnlineLoadError
from chongming_gis.maps.sheets import all_maps, coverage, every_map, overview, write_maps
from chongming_gis.maps.views import Material, prepare

__all__ = [
    "Material",
    "OnlineLoadError",
    "all_maps",
    "coverage",
    "every_map",
    "facilities_layer",
    "gaps_layer",
    "legend",
    "overview",
    "people_layer",
    "prepare",
    "roads_layer",
    "sites_layer",
    "townships_layer",
    "uncovered_layer",
    "write_maps",
]
