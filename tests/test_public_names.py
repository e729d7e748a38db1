"""The names that users and scripts import, as DESIGN.md promises them, and what importing them costs."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import chongming_gis
from chongming_gis import maps, network, pipeline, results, sources, travel

NOT_PUBLIC = {
    *("__main__", "cell_text", "cli", "datum_evidence", "datums", "geotiff", "kernels", "manifest", "online"),
    *(
        "bedmodel",
        "batching",
        "choosing",
        "delivering",
        "deliverymodel",
        "measured_tables",
        "measuremodel",
        "phasemodel",
        "proposalmodel",
        "redrawing",
    ),
    *("peoplemodel", "progress", "readings", "sitingmodel", "studymodel", "template", "terminal", "wording"),
}  # programs and inner parts


def test_all_lists_every_public_module():
    found = {module.name for module in pkgutil.iter_modules(chongming_gis.__path__)}
    assert set(chongming_gis.__all__) == found - NOT_PUBLIC - {name for name in found if name.startswith("_")}
    assert chongming_gis.__all__ == sorted(chongming_gis.__all__)


def test_every_public_module_can_be_taken_from_the_package():
    for name in chongming_gis.__all__:
        assert getattr(chongming_gis, name) is importlib.import_module(f"chongming_gis.{name}")
    assert set(dir(chongming_gis)) >= {*chongming_gis.__all__, "__version__"}
    with pytest.raises(AttributeError, match="no attribute 'siting_'"):
        _ = chongming_gis.siting_


@pytest.mark.parametrize("module", [network, sources, maps])
def test_all_of_a_package_is_there(module):
    assert module.__all__ == sorted(module.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize(
    ("function", "positional", "named"),
    [
        (sources.read_roads, ["path"], {"bbox": None, "crs": None}),
        (network.compile_network, ["roads", "mode"], {}),
        (network.snap_points, ["network", "points"], {}),
        (travel.travel_times, ["network", "origins", "destinations"], {"cutoff_s": inspect.Parameter.empty}),
        (travel.nearest, ["network", "origins", "destinations"], {"k": 1, "direction": "to_destination"}),
        (pipeline.run_study, ["study"], {}),
        (results.save, ["result", "folder"], {}),
        (results.load, ["folder"], {}),
        (maps.coverage, ["result", "service_id"], {}),
    ],
)
def test_entry_points_keep_their_names(function, positional, named):
    """What comes by position, in its order, and what only by name, with its default."""
    parameters = inspect.signature(function).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == positional
    by_name = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert {name: by_name[name] for name in named} == named


def test_results_of_a_search_keep_their_names():
    assert {"matrix", "cutoff_s", "n_pairs"} <= set(dir(travel.TravelTimes))
    assert {"time_s", "destination"} <= set(dir(travel.Nearest))
    assert {"edge", "fraction", "off_network_m", "reason", "is_reachable"} <= set(dir(network.SnappedPoints))


def test_the_help_of_the_program_loads_nothing_heavy():
    """It is asked for more often than anything else, and must be there at once."""
    heavy = "numba numpy pandas geopandas shapely pyproj scipy pydantic openpyxl jinja2 folium rasterio highspy dask"
    code = (
        "import sys\nfrom chongming_gis import cli\nsys.argv = ['chongming-gis', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', [name for name in {heavy.split()} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "loaded: []"
    assert "Usage" in done.stdout


def test_importing_the_package_loads_and_prints_nothing():
    code = "import chongming_gis, sys; print([m for m in ('numba', 'geopandas', 'folium') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
