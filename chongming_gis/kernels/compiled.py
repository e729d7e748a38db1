"""The one decorator of all kernels: compiled without the GIL, and kept between runs wherever a folder is writable.

Numba keeps compiled code beside the source, else in the user's cache folder. Where neither can be written it refuses
to compile at all; this decorator then compiles without keeping the code and warns once.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

from chongming_gis.errors import KernelCacheWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])


@functools.cache
def warn_once() -> None:
    """Warn that compiled code cannot be kept; one warning a process, however many kernels there are."""
    warnings.warn(
        "no folder can be written for compiled code, so every run compiles anew; set NUMBA_CACHE_DIR to one",
        KernelCacheWarning,
        stacklevel=3,
    )


def compiled(function: Function) -> Function:
    """Return the function compiled by numba on its first call."""
    try:
        kernel: Any = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # "no locator available": nowhere to keep the compiled code
        warn_once()
        kernel = numba.njit(nogil=True)(function)
    return cast("Function", kernel)
