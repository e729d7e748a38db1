"""How far people and facilities are from the roads they are to use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from chongming_gis.check.material import DEMAND, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from chongming_gis.check.material import PlaceTable
    from chongming_gis.check.roads import ModeNetwork
    from chongming_gis.findings import Finding

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

BINS_M = (10.0, 25.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1000.0)  # upper ends; the last is all beyond


class Snapped(Protocol):
    """What of snapped points is looked at; see ``network.SnappedPoints``."""

    @property
    def off_network_m(self) -> Floats:
        """From each point to its road; inf where none is within reach."""

    @property
    def is_reachable(self) -> Bools:
        """Which points have a road within reach."""


@dataclass(frozen=True, slots=True)
class OnRoads:
    """Networks by mode, and where people and the facilities of each service meet them."""

    networks: Mapping[str, ModeNetwork]
    demand: Mapping[str, Snapped]  # by mode
    facilities: Mapping[str, Mapping[str, Snapped]]  # by service, then mode


@dataclass(frozen=True, slots=True)
class SnapHistogram:
    """How many places of one input are how far from a road of one mode."""

    role: str
    mode: str
    places: tuple[int, ...]  # by BINS_M, then farther, then out of reach
    persons: tuple[float, ...] | None  # demand: of the study's first service's group and base

    def record(self) -> dict[str, Any]:
        """Return it as plain values."""
        limits: list[float | None] = [*BINS_M, None]
        bins = [
            {"up_to_m": limit, "places": n, **({} if self.persons is None else {"persons": round(self.persons[k], 3)})}
            for k, (limit, n) in enumerate(zip(limits, self.places, strict=False))
        ]
        out: dict[str, Any] = {"places": self.places[-1]}
        if self.persons is not None:
            out["persons"] = round(self.persons[-1], 3)
        return {"role": self.role, "mode": self.mode, "bins": bins, "out_of_reach": out}


def histogram(role: str, mode: str, snapped: Snapped, persons: Floats | None) -> SnapHistogram:
    """Return the distances to the road in bins; a distance equal to a bin's end counts in it."""
    n_bins = len(BINS_M) + 2
    bins = np.searchsorted(BINS_M, np.round(snapped.off_network_m, 6), side="left")
    bins = np.where(snapped.is_reachable, bins, n_bins - 1)
    places = np.bincount(bins, minlength=n_bins)
    weights = None if persons is None else tuple(np.bincount(bins, weights=persons, minlength=n_bins).tolist())
    return SnapHistogram(role, mode, tuple(places.tolist()), weights)


def judge_people_off_road(table: PlaceTable, snapped: Mapping[str, Snapped], persons: Floats) -> list[Finding]:
    """Return the points with no road within reach, mode by mode in one finding a point, and the people they are."""
    found: list[Finding] = []
    total = float(persons.sum())
    for mode, points in snapped.items():
        lost = ~points.is_reachable & (persons > 0)
        if not lost.any():
            continue
        details = {
            "mode": mode,
            "persons": f"{persons[lost].sum():,.0f}",
            "share": percent(float(persons[lost].sum() / total)),
        }
        said = "{persons} people ({share} %) have no road of mode {mode} within reach: they count as not covered"
        found.append(table.source.finding(said, rule="people_off_road", details=details))
    return found + _off_road(table, snapped, persons > 0)


def judge_facilities_off_road(table: PlaceTable, snapped: Mapping[str, Snapped]) -> list[Finding]:
    """Return the facilities with no road within reach of some mode: nobody gets there by it."""
    return _off_road(table, snapped, np.ones(len(table.frame), dtype=bool))


def _off_road(table: PlaceTable, snapped: Mapping[str, Snapped], wanted: Bools) -> list[Finding]:
    modes = list(snapped)
    if not modes:
        return []
    lost = np.array([~snapped[mode].is_reachable for mode in modes]).reshape(len(modes), -1)
    faulty = lost.any(axis=0) & wanted
    named = [", ".join(mode for mode, is_lost in zip(modes, row, strict=True) if is_lost) for row in lost.T[faulty]]
    return table.findings(
        faulty,
        "has no road within reach ({modes})",
        rule="off_road" if table.source.role == DEMAND else "facility_off_road",
        suggestion="check its position, or draw the road that leads there",
        details={"modes": named},
    )
