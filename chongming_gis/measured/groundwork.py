"""What every measure stands on: the study, what was read, the networks, the places on them, and who reaches what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from chongming_gis.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    import pandas as pd

    from chongming_gis.config import StudyConfig
    from chongming_gis.findings import Finding
    from chongming_gis.network import Network
    from chongming_gis.reach import Places
    from chongming_gis.tables import StudyInputs

Depth = Literal["daily", "full"]  # "full" adds what takes minutes: certainty draws and the like


@dataclass(frozen=True, slots=True)
class Groundwork:
    """What every measure stands on. Frames are in the study's metric CRS; see ``tables`` for their contracts.

    ``remembered`` holds what several measures need, worked out by the first of them (``questions``).
    """

    study: StudyConfig
    inputs: StudyInputs
    networks: Mapping[str, Network]  # by mode
    demand: Places
    facilities: Mapping[str, Places]  # by service
    access: pd.DataFrame
    coverage: pd.DataFrame
    progress: Progress = silent  # for measures that take long
    remembered: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a measure found: tables by the name of their contract, surfaces by file name, and what is to be told.

    Surfaces are packed (``geotiff.pack_surface``): a full run has dozens of millions of cells each.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    surfaces: Mapping[str, bytes] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One measure of a run: its name, how deep a run must go for it, whether a study asks for it, how it is taken."""

    name: str
    depth: Depth
    is_asked: Callable[[StudyConfig], bool]
    measure: Callable[[Groundwork], Measured]
