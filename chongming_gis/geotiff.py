"""A surface of seconds as a cloud-optimised GeoTIFF: one band, tiles, overviews, the same bytes for the same surface.

Seconds are rounded *up* to whole ones: "at most 900" is then true of exactly those cells that are within 900 s. What
else a surface knows (where it ends, how slow the ground off the roads is) stands in the file's tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS

from chongming_gis.errors import InputFileError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chongming_gis.isochrones import Surface

NOT_REACHED = 65_535
_ROWS_AT_ONCE = 512
_DESCRIPTION = "seconds to the nearest facility, rounded up"
_CUTOFF, _SLOWNESS = "CUTOFF_S", "OFF_NETWORK_S_PER_M"  # tags


def write_surface(surface: Surface, path: Path) -> None:
    """Write a surface as seconds (uint16) in its metric CRS; cells that are not reached have no data.

    Raises
    ------
    OutputError
        The file cannot be written, or the surface holds times that whole seconds below 65,535 cannot say.
    """
    _write(pack_surface(surface, path.name), path)


def write_surfaces(surfaces: Mapping[str, Surface], folder: Path) -> None:
    """Write surfaces into a folder, each as the file of its name; those that are packed are written as they are.

    Raises
    ------
    OutputError
        See ``write_surface``.
    """
    for name in surfaces:
        path = folder / f"{name}.tif"
        if isinstance(surfaces, PackedSurfaces):
            _write(surfaces.files[name], path)
        else:
            write_surface(surfaces[name], path)


def _write(content: bytes, path: Path) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OutputError(f"{path}: the surface cannot be written ({error})") from error


def pack_surface(surface: Surface, name: str) -> bytes:
    """Return the file of a surface: a hundredth of what its seconds take in memory.

    Raises
    ------
    OutputError
        The surface holds times that whole seconds below 65,535 cannot say; ``name`` says which one it is.
    """
    from rasterio.errors import RasterioError  # half a second to load, and few who open a result want a surface

    longest_s = float(np.max(surface.time_s, where=np.isfinite(surface.time_s), initial=0.0))
    if longest_s > NOT_REACHED - 1:
        raise OutputError(f"{name}: times up to {longest_s:g} s do not fit; lower the surface's cutoff below 65,535 s")
    try:
        return _as_bytes(surface)
    except (OSError, RasterioError) as error:
        raise OutputError(f"{name}: the surface cannot be written ({error})") from error


def read_surface(path: Path) -> Surface:
    """Return the surface that ``write_surface`` wrote, in whole seconds; writing it again gives the same bytes.

    Raises
    ------
    InputFileError
        The file cannot be read, or is no such surface.
    """
    import rasterio

    return _read(lambda: rasterio.open(path), str(path))


def _read(open_file: Callable[[], Any], name: str) -> Surface:
    from rasterio.errors import RasterioError

    from chongming_gis.isochrones import Surface
    from chongming_gis.network import Raster

    try:
        with open_file() as file:
            seconds, tags, transform = file.read(1), file.tags(), file.transform
            crs = CRS.from_wkt(file.crs.to_wkt())
        cutoff_s, slowness_s_per_m = float(tags[_CUTOFF]), float(tags[_SLOWNESS])
    except (OSError, RasterioError, KeyError, ValueError, AttributeError) as error:
        raise InputFileError(f"{name}: cannot be read as a surface of travel times ({error})") from error
    raster = Raster(transform.c, transform.f, transform.a, seconds.shape[1], seconds.shape[0], crs)
    time_s = np.where(seconds == NOT_REACHED, np.inf, seconds.astype(np.float64))
    return Surface(time_s, raster, cutoff_s, slowness_s_per_m)


class SavedSurfaces(Mapping[str, "Surface"]):
    """The surfaces of a folder by file name without ending, each read when it is asked for: most readers want none."""

    def __init__(self, folder: Path) -> None:
        self._paths = {path.stem: path for path in sorted(folder.glob("*.tif"))}

    def __getitem__(self, name: str) -> Surface:
        """Return a surface, read anew each time."""
        return read_surface(self._paths[name])

    def __iter__(self) -> Iterator[str]:
        """Go through the names, in their order."""
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


class PackedSurfaces(Mapping[str, "Surface"]):
    """Surfaces in memory as the bytes of their files, by name; each is unpacked when it is asked for."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    def __getitem__(self, name: str) -> Surface:
        """Return a surface, unpacked anew each time."""
        from rasterio.io import MemoryFile

        with MemoryFile(self.files[name]) as memory:
            return _read(memory.open, name)

    def __iter__(self) -> Iterator[str]:
        """Go through the names, in the order in which they were made."""
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


def _as_bytes(surface: Surface) -> bytes:
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.windows import Window

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
            file.update_tags(
                **{_CUTOFF: repr(float(surface.cutoff_s)), _SLOWNESS: repr(float(surface.off_network_s_per_m))}
            )
        return bytes(memory.getbuffer())
