"""Fixtures that tests of several packages share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every machine, and none is judged by how long it took.
settings.register_profile("project", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def standin_extract(shared_data):
    """The extract of Liechtenstein as a stand-in Overpass server knows it."""
    from tests.standin.overpass import Extract

    return Extract(shared_data / "osm" / "liechtenstein.osm.pbf")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real extracts: CHONGMING_GIS_DATA, else ../shared/data beside the repository."""
    folder = Path(os.environ.get("CHONGMING_GIS_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        reason = f"no real extracts at {folder}; set CHONGMING_GIS_DATA to the folder that holds osm/ and roads/"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
