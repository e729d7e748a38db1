"""The facts that the embedded study is made from: the tables of data/sources, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

TABLES = {
    "townships": {"township_code": str, "stat_code": str},
    "township_anchors": {"township_code": str},
    "villages": {"village_code": str, "township_code": str, "urban_rural_code_2016": str},
    "roads": {"lanes": str},
    "road_waypoints": {},
    "island_outlines": {},
    "ferries_ports": {"minutes": str, "headway": str},
    "district_counts": {"value": str},
    "facility_counts": {},
    "facilities_named": {},
    "model_parameters": {},
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Every table of facts that the generator reads, by the name of its file."""

    tables: dict[str, pd.DataFrame]

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a table by the name of its file."""
        return self.tables[name]

    def parameter(self, name: str) -> float:
        """Return one number of model_parameters.csv."""
        table = self.tables["model_parameters"].set_index("parameter")["value"]
        return float(table[name])

    def count(self, service: str, kind: str = "") -> int:
        """Return how many facilities of a service (and kind) there are in the base year."""
        table = self.tables["facility_counts"]
        rows = table[(table["service"] == service) & (table["kind"].fillna("") == kind)]
        return int(rows["value"].iloc[0])


def read_facts(folder: Path) -> Facts:
    """Return the tables of ``data/sources``; text columns that hold codes stay text."""
    return Facts(
        {name: pd.read_csv(folder / f"{name}.csv", encoding="utf-8-sig", dtype=types) for name, types in TABLES.items()}
    )
