"""Roads as one mode can use them: rules, compiled graph, snapping, and the way to and from networkx."""

from chongming_gis.network.cells import Raster, SnappedCells, raster_around, raster_of_network, snap_cells
from chongming_gis.network.compile import Graph, Network, compile_network, with_seconds
from chongming_gis.network.exchange import to_networkx
from chongming_gis.network.rules import PRESETS, TravelMode, ferry_parts, mode_of_study, modes_of_study, preset
from chongming_gis.network.snap import SnappedPoints, snap_points

__all__ = [
    "PRESETS",
    "Graph",
    "Network",
    "Raster",
    "SnappedCells",
    "SnappedPoints",
    "TravelMode",
    "compile_network",
    "ferry_parts",
    "mode_of_study",
    "modes_of_study",
    "preset",
    "raster_around",
    "raster_of_network",
    "snap_cells",
    "snap_points",
    "to_networkx",
    "with_seconds",
]
