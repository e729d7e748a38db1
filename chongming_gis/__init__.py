"""Who reaches each public service in time over the real roads, who does not, and where the next sites go.

The parts are modules: ``from chongming_gis import sources, network, travel, coverage, pipeline, results, maps``. They
are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

__version__ = "0.1.0"

__all__ = [
    "accessibility",
    "assignment",
    "backup",
    "basket",
    "batch",
    "candidates",
    "check",
    "compare",
    "config",
    "coverage",
    "crs",
    "decay",
    "delivery",
    "discretion",
    "errors",
    "fairness",
    "findings",
    "gaps",
    "indicators",
    "isochrones",
    "maps",
    "measured",
    "network",
    "pipeline",
    "planning",
    "proposals",
    "provision",
    "ranking",
    "reach",
    "reports",
    "results",
    "siting",
    "sources",
    "tables",
    "travel",
    "uncertainty",
    "units",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
