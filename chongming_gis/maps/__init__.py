"""Self-contained folium maps of a result: ``sheets`` says what they show, ``layers`` what goes on any other map."""

from chongming_gis.maps.page import OnlineLoadError
from chongming_gis.maps.sheets import all_maps, coverage, overview, write_maps

__all__ = ["OnlineLoadError", "all_maps", "coverage", "overview", "write_maps"]
