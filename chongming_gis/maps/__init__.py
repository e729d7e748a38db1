"""Self-contained folium maps of a result: ``sheets`` says what they show, ``layers`` what goes on any other map."""

from chongming_gis.maps.page import OnlineLoadError
from chongming_gis.maps.sheets import all_maps, coverage, overview, write_maps
from chongming_gis.maps.views import Material, prepare

__all__ = ["Material", "OnlineLoadError", "all_maps", "coverage", "overview", "prepare", "write_maps"]
