"""The shipped files of the embedded study, opened once."""

import sys
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))


@dataclass(frozen=True)
class Shipped:
    """The data folder; layers come in metres."""

    folder: Path

    def layer(self, name: str) -> gpd.GeoDataFrame:
        return gpd.read_parquet(self.folder / name).to_crs("EPSG:32651")

    def table(self, name: str, **types) -> pd.DataFrame:
        return pd.read_csv(self.folder / name, encoding="utf-8-sig", dtype=types or None)

    def facilities(self, service: str) -> gpd.GeoDataFrame:
        codes = {"township_code": str, "village_code": str}
        table = pd.read_csv(self.folder / "facilities" / f"{service}.csv", encoding="utf-8-sig", dtype=codes)
        points = gpd.points_from_xy(table["lon"], table["lat"])
        return gpd.GeoDataFrame(table, geometry=points, crs="EPSG:4326").to_crs("EPSG:32651")


@pytest.fixture(scope="session")
def shipped() -> Shipped:
    return Shipped(ROOT / "data")


@pytest.fixture(scope="session")
def townships(shipped):
    return shipped.layer("boundaries/townships.parquet")


@pytest.fixture(scope="session")
def villages(shipped):
    return shipped.layer("boundaries/villages.parquet")


@pytest.fixture(scope="session")
def land(shipped):
    return shipped.layer("boundaries/land.parquet")


@pytest.fixture(scope="session")
def demand(shipped):
    return shipped.layer("demand/demand.parquet")


@pytest.fixture(scope="session")
def roads(shipped):
    return shipped.layer("network/roads.parquet")


@pytest.fixture(scope="session")
def services(shipped):
    return sorted(path.stem for path in (shipped.folder / "facilities").glob("*.csv"))
