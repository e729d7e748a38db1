"""A surface of seconds as a cloud-optimised GeoTIFF: one band, tiles, overviews, the same bytes for the same surface.

Seconds are rounded *up* to whole ones: "at most 900" is then true of exactly those cells that are within 900 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.windows import Window

from chongming_gis.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from chongming_gis.isochrones import Surface

NOT_REACHED = 65_535
_ROWS_AT_ONCE = 512
_DESCRIPTION = "seconds to the nearest facility, rounded up"


def write_surface(surface: Surface, path: Path) -> None:
    """Write a surface as seconds (uint16) in its metric CRS; cells that are not reached have no data.

    Raises
    ------
    OutputError
        The file cannot be written, or the surface holds times that whole seconds below 65,535 cannot say.
    """
    longest_s = float(np.max(surface.time_s, where=np.isfinite(surface.time_s), initial=0.0))
    if longest_s > NOT_REACHED - 1:
        raise OutputError(f"{path}: times up to {longest_s:g} s do not fit; lower the surface's cutoff below 65,535 s")
    try:
        path.write_bytes(_as_bytes(surface))
    except (OSError, RasterioError) as error:
        raise OutputError(f"{path}: the surface cannot be written ({error})") from error


def _as_bytes(surface: Surface) -> bytes:
    n_rows, n_columns = surface.time_s.shape
    profile = {
        "driver": "COG",
        "height": n_rows,
        "width": n_columns,
        "count": 1,
        "dtype": "uint16",
        "nodata": NOT_REACHED,
        "crs": rasterio.CRS.from_wkt(surface.crs.to_wkt()),
        "transform": rasterio.Affine(*surface.transform),
        "compress": "DEFLATE",
        "predictor": "YES",
        "overview_resampling": "NEAREST",  # an overview shows times that are somewhere, and no mixture of them
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            for first in range(0, n_rows, _ROWS_AT_ONCE):
                rows = surface.time_s[first : first + _ROWS_AT_ONCE]
                seconds = np.where(np.isfinite(rows), np.ceil(rows), NOT_REACHED).astype(np.uint16)
                file.write(seconds, 1, window=Window(0, first, n_columns, len(rows)))
            file.set_band_description(1, _DESCRIPTION)
            file.set_band_unit(1, "s")
        return bytes(memory.getbuffer())
