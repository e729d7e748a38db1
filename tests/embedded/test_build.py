"""The generator: same facts, same study; and its files are the shipped ones (build_embedded_study.py --check)."""

import csv

import geopandas as gpd
import numpy as np
import pytest
import shapely
from embedded import areas, counting, facts, study
from embedded import shipped as writing

from chongming_gis.sources import layers


@pytest.fixture(scope="module")
def known(shipped):
    return facts.read_facts(shipped.folder / "sources")


def test_the_shipped_files_are_what_the_program_makes(shipped, known):
    lines = []
    made = study.make_study(known, lines.append)
    assert writing.differences(made, known, shipped.folder) == []
    assert len(lines) == 4


def test_a_changed_file_is_told(shipped):
    stored = gpd.read_parquet(shipped.folder / "boundaries/townships.parquet")
    changed = stored.assign(name_zh=stored["name_zh"].where(stored["township_code"] != "310151101", "别名"))
    assert writing._layer_differences("towns", stored, stored) == []
    assert writing._layer_differences("towns", stored, changed) == ["towns: column name_zh differs"]
    moved = stored.set_geometry(stored.geometry.translate(xoff=0.001))
    assert writing._layer_differences("towns", stored, moved) == ["towns: geometries differ"]


def with_first_geometry(layer, geometry):
    """Return a layer whose first geometry is another one."""
    return layer.set_geometry([geometry, *layer.geometry.iloc[1:]], crs=layer.crs)


@pytest.mark.parametrize("name", ["townships", "villages", "islands", "land"])
def test_one_vertex_moved_by_50_metres_is_told(shipped, name):
    """0.0005 degrees of latitude are 55 m, 0.00002 are 2.2 m: both are changes, in any area."""
    stored = gpd.read_parquet(shipped.folder / f"boundaries/{name}.parquet")
    outline = stored.geometry.iloc[0]
    for moved_degrees in (0.0005, 0.00002):
        xy = shapely.get_coordinates(outline)
        xy[5, 1] += moved_degrees
        moved = with_first_geometry(stored, shapely.set_coordinates(shapely.transform(outline, np.copy), xy))
        assert writing._layer_differences(name, stored, moved) == [f"{name}: geometries differ"]


def test_the_same_area_with_other_vertices_is_no_change(shipped):
    """Another start of the ring, another order of parts, a vertex more on a straight side: no area has changed."""
    stored = gpd.read_parquet(shipped.folder / "boundaries/land.parquet")
    outline = shapely.get_parts(stored.geometry.iloc[0])[0]
    ring = shapely.get_coordinates(shapely.get_exterior_ring(outline))
    middle = (ring[0] + ring[1]) / 2
    turned = np.vstack([middle, ring[1:], middle])
    holes = list(shapely.get_rings(outline)[1:])
    first = with_first_geometry(stored, outline)
    again = with_first_geometry(stored, shapely.polygons(turned, holes=holes or None))
    assert not shapely.equals_exact(first.geometry.iloc[0], again.geometry.iloc[0], 1e-6)
    assert writing._layer_differences("land", first, again) == []


def test_roads_are_compared_vertex_by_vertex(shipped):
    """A road that runs the other way lies in the same place and is another road."""
    stored = gpd.read_parquet(shipped.folder / "network/roads.parquet")
    turned = with_first_geometry(stored, stored.geometry.iloc[0].reverse())
    assert writing._layer_differences("roads", stored, turned) == ["roads: geometries differ"]


def test_shipped_data_is_at_most_10_mb_and_every_file_is_in_the_catalogue(shipped):
    files = [path for path in shipped.folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 10e6
    catalogue = shipped.table("catalogue.csv")
    listed = set(catalogue["file"])
    here = {path.relative_to(shipped.folder).as_posix() for path in files} - {"catalogue.csv", "SOURCES.md"}
    assert listed == here
    text = (shipped.folder / "SOURCES.md").read_text(encoding="utf-8")
    assert all(name.split("/")[-1] in text for name in listed)


def test_every_fact_has_a_source_and_a_confidence(shipped):
    for path in sorted((shipped.folder / "sources").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert rows, path.name
        assert all(row["source"] and row["confidence"] for row in rows), path.name


def test_no_file_names_a_folder_of_a_machine(shipped):
    for path in [*shipped.folder.rglob("*.csv"), *shipped.folder.rglob("*.md")]:
        text = path.read_text(encoding="utf-8-sig")
        assert "/work" not in text
        assert "/home/" not in text


def test_tables_open_through_the_door_of_the_package(shipped):
    table = layers.read_points(shipped.folder / "facilities/day_care.csv", columns={}, layer=None, datum="wgs84")
    assert len(table.frame) == 37


def test_largest_remainder_by_hand():
    """Shares of 10 for 5, 3, 2.5: exact 4.76, 2.86, 2.38 -> 4, 2, 2 and the two largest remainders are .86, .76."""
    assert counting.largest_remainder([5.0, 3.0, 2.5], 10).tolist() == [5, 3, 2]
    assert counting.at_least_one([1.0, 0.0], 5).tolist() == [4, 1]


def test_running_rounding_keeps_every_stretch_within_one():
    rng = np.random.default_rng(1)
    expected = rng.uniform(0, 3, 500)
    made = counting.running_rounding(expected, 700, 0.3)
    assert made.sum() == 700
    assert made.min() >= 0
    assert np.abs(np.cumsum(made) - np.cumsum(expected) / expected.sum() * 700).max() <= 1.0


def test_power_cells_of_a_square_by_hand():
    """Two seeds on a 4 km square, three parts to one: the border lies three quarters of the way across."""
    square = shapely.box(0, 0, 4000, 4000)
    seeds = areas.Seeds(np.array([[1000.0, 2000.0], [3000.0, 2000.0]]), np.array([0, 1]), np.array([12e6, 4e6]))
    weights = areas.fit_weights(seeds, areas.sample_land(square, 50.0))
    cells = areas.power_cells(seeds, weights, square)
    assert cells[0].area / 16e6 == pytest.approx(0.75, abs=0.03)
    assert cells[0].area + cells[1].area == pytest.approx(16e6, rel=1e-6)
