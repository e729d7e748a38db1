"""Candidates from files: a planner's own list, layers of areas and grids, and what is wrong with each."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio import Affine

from chongming_gis import candidates, crs
from chongming_gis.candidates import rasters
from chongming_gis.errors import CrsError, InputFileError, StudyError, TableError
from chongming_gis.sitingmodel import LayerConfig
from tests.test_candidates import CRS, ORIGIN, X0, Y0, at, inputs, make, rules_told, study

_SOURCE = {"kind": "sourced", "source": "test"}
METRIC = crs.parse(CRS, where="test")


def write_list(folder, rows, *, name="own.csv"):
    """Write sites at metres of the toy as GCJ-02, the datum of most Chinese web maps."""
    x, y = (np.array([X0 + row[1] for row in rows]), np.array([Y0 + row[2] for row in rows]))
    lon, lat = crs.wgs84_to_gcj02(*crs.to_degrees(x, y, METRIC))
    table = pd.DataFrame({"facility_id": [row[0] for row in rows], "name_zh": [f"地{row[0]}" for row in rows]})
    table.assign(lon=lon, lat=lat).to_csv(folder / name, index=False)
    return {"path": name, "datum": "gcj02", **_SOURCE}


def write_grid(folder, values, *, corner=(0.0, 2000.0), cell_m=1000.0, declared=CRS, name="cover.tif", nodata=255):
    height, width = np.shape(values)
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "uint8", "nodata": nodata}
    profile |= {"transform": Affine(cell_m, 0, X0 + corner[0], 0, -cell_m, Y0 + corner[1]), "crs": declared}
    with rasterio.open(folder / name, "w", **profile) as grid:
        grid.write(np.array(values, dtype=np.uint8), 1)
    return folder / name


# ---- own list ---------------------------------------------------------------------------------------------------


def test_an_own_list_is_read_in_its_datum_and_comes_first(tmp_path):
    own = write_list(tmp_path, [("x1", 300, 400), ("x2", 3500, 1000)])
    made = make([{"rule": "not_inside", "layer": "pond"}], folder=tmp_path, own=own)
    assert made["candidate_id"].tolist()[:2] == ["own:x1", "own:x2"]
    assert np.allclose([at(made)["own:x1"], at(made)["own:x2"]], [(300, 400), (3500, 1000)], atol=0.01)
    assert made["reason"].fillna("").tolist()[:2] == ["", "not_inside:pond"]
    assert made["village_code"].tolist()[:2] == ["a1", "b1"]


def test_a_place_of_the_own_list_outside_the_district_is_refused_and_told_with_its_row(tmp_path):
    own = write_list(tmp_path, [("x1", 300, 400), ("x2", 9000, 1000)])
    made = make(folder=tmp_path, own=own)
    assert made.loc[1, "reason"] == "outside_district | in_no_township | off_land"
    told = [finding for finding in made.attrs["report"]["findings"] if finding.rule == "candidate_outside"]
    assert [(finding.where, finding.row, finding.value) for finding in told] == [("own.csv", 3, "x2")]


def test_an_own_list_that_lies_elsewhere_as_a_whole_is_an_error(tmp_path):
    own = write_list(tmp_path, [("x1", 9000, 400), ("x2", 9000, 1000)])
    with pytest.raises(TableError, match="all 2 sites lie outside the district; check the datum"):
        make(folder=tmp_path, own=own)


def test_an_own_list_with_repeated_ids_or_without_a_datum_is_refused(tmp_path):
    own = write_list(tmp_path, [("x1", 300, 400), ("x1", 500, 400)])
    with pytest.raises(TableError, match="row 2, 3: facility_id is given more than once"):
        make(folder=tmp_path, own=own)
    with pytest.raises(CrsError, match="datum of lon and lat is not declared"):
        make(folder=tmp_path, own={**own, "datum": None})
    with pytest.raises(InputFileError, match="there is no such file"):
        make(folder=tmp_path, own={**own, "path": "absent.csv"})


# ---- layers of features -----------------------------------------------------------------------------------------


@pytest.fixture
def plots(tmp_path):
    """Two plots and a road reserve in degrees, as a planner's GIS writes them."""
    shapes = [shapely.box(100, 100, 300, 300), shapely.box(2400, 900, 2600, 1100), shapely.box(800, 0, 850, 2000)]
    moved = [shapely.transform(shape, lambda xy: xy + ORIGIN) for shape in shapes]
    columns = {"id": ["p1", "p2", "r1"], "name": ["甲地", "乙地", "路"], "use": ["vacant", "vacant", "road"]}
    gpd.GeoDataFrame(columns, geometry=moved, crs=CRS).to_crs("EPSG:4326").to_file(tmp_path / "plots.gpkg")
    return {"id": "plot", "path": "plots.gpkg", "kind_column": "use", "kinds": ["vacant"], **_SOURCE}


def test_features_of_a_layer_are_places(tmp_path, plots):
    made = make(layers=[plots], folder=tmp_path, villages=False, features_of=["plot"])
    assert made[["candidate_id", "name_zh", "kind"]].to_numpy().tolist() == [
        ["feature:plot:p1", "甲地", "feature"],
        ["feature:plot:p2", "乙地", "feature"],
    ]
    assert np.allclose(list(at(made).values()), [(200, 200), (2500, 1000)], atol=0.5)


def test_a_layer_of_a_file_refuses_what_lies_in_its_kinds(tmp_path, plots):
    made = make([{"rule": "not_inside", "layer": "plot"}], [plots], folder=tmp_path)
    assert made["reason"].fillna("").tolist() == ["", "", "not_inside:plot"]
    none = make([{"rule": "not_inside", "layer": "plot"}], [{**plots, "kinds": ["park"]}], folder=tmp_path)
    assert none["unjudged"].tolist() == ["not_inside:plot"] * 3
    assert "plots.gpkg has no such feature" in none.attrs["report"]["findings"][0].message


def test_features_of_one_id_are_refused(tmp_path, plots):
    shapes = [shapely.transform(shapely.box(x, 100, x + 50, 300), lambda xy: xy + ORIGIN) for x in (100, 900)]
    gpd.GeoDataFrame({"id": ["p1", "p1"]}, geometry=shapes, crs=CRS).to_file(tmp_path / "twins.gpkg")
    layer = {"id": "plot", "path": "twins.gpkg", **_SOURCE}
    with pytest.raises(TableError, match=r"repeat the key service \+ candidate_id, e.g. meal, feature:plot:p1"):
        make(layers=[layer], folder=tmp_path, villages=False, features_of=["plot"])


def test_lines_and_points_are_places_too_and_may_have_no_id(tmp_path):
    """Half-way along a line, and known by where it is."""
    shapes = [shapely.LineString([(100, 100), (300, 100)]), shapely.Point(700, 100)]
    moved = [shapely.transform(shape, lambda xy: xy + ORIGIN) for shape in shapes]
    gpd.GeoDataFrame({"use": ["x", "y"]}, geometry=moved, crs=CRS).to_parquet(tmp_path / "mixed.parquet")
    layer = {"id": "spot", "path": "mixed.parquet", **_SOURCE}
    made = make(layers=[layer], folder=tmp_path, villages=False, features_of=["spot"])
    assert at(made) == {"feature:spot:340200:3500100": (200, 100), "feature:spot:340700:3500100": (700, 100)}


def test_every_layer_that_cannot_be_read_is_told_at_once(tmp_path, plots):
    layers = [{**plots, "kind_column": "usage"}, {**plots, "id": "lost", "path": "lost.gpkg"}]
    rules = [{"rule": "not_inside", "layer": layer} for layer in ("plot", "lost")]
    with pytest.raises(StudyError) as error:
        make(rules, layers, folder=tmp_path)
    assert "layers.plot" in str(error.value)
    assert "no column 'usage'; the file has id, name, use" in str(error.value)
    assert "layers.lost" in str(error.value)


# ---- grids ------------------------------------------------------------------------------------------------------


def test_a_grid_refuses_the_cells_that_count_and_says_where_it_has_no_data(tmp_path):
    """Cells of 1 km: the villages at x = 900, 1500, 2500 and y = 1000 lie in the lower row (a cell owns its top)."""
    write_grid(tmp_path, [[1, 1, 1, 1], [7, 3, 255, 3]])
    layer = {"id": "cover", "path": "cover.tif", "values": [7], **_SOURCE}
    made = make([{"rule": "not_inside", "layer": "cover"}], [layer], folder=tmp_path, measure_to=["cover"])
    assert made["reason"].fillna("").tolist() == ["not_inside:cover", "", ""]
    assert made["unjudged"].fillna("").tolist() == ["", "", "not_inside:cover"]
    assert made["value_cover"].tolist()[:2] == [7.0, 3.0]
    assert np.isnan(made["value_cover"].iloc[2])
    assert rules_told(made) == {"candidates_rule_gaps"}


@pytest.mark.parametrize(
    ("bounds", "refused"),
    [
        ({"at_least": 5}, ["a1"]),
        ({"at_most": 3}, ["a2", "b1"]),
        ({"at_least": 4, "at_most": 6}, []),
        ({"values": [3]}, ["a2", "b1"]),
    ],
)
def test_slopes_and_classes_by_bounds(tmp_path, bounds, refused):
    write_grid(tmp_path, [[1, 1, 1, 1], [7, 3, 2, 2] if "values" not in bounds else [7, 3, 3, 2]])
    made = make(
        [{"rule": "not_inside", "layer": "slope"}],
        [{"id": "slope", "path": "cover.tif", **bounds, **_SOURCE}],
        folder=tmp_path,
    )
    assert made.loc[~made["allowed"], "village_code"].tolist() == refused


def test_a_grid_elsewhere_or_in_degrees_or_without_a_crs(tmp_path):
    """What lies beyond the grid is not judged; degrees are met in degrees; no CRS is an error unless declared."""
    layer = {"id": "cover", "path": "cover.tif", "values": [7], **_SOURCE}
    rule = [{"rule": "not_inside", "layer": "cover"}]
    write_grid(tmp_path, [[7, 7]], corner=(9000.0, 2000.0))
    away = make(rule, [layer], folder=tmp_path)
    assert away["allowed"].all()
    assert away["unjudged"].tolist() == ["not_inside:cover"] * 3
    lon, lat = crs.to_degrees(np.array([X0]), np.array([Y0 + 2000.0]), METRIC)
    profile = {"driver": "GTiff", "height": 2, "width": 2, "count": 1, "dtype": "uint8", "crs": "EPSG:4326"}
    profile["transform"] = Affine(0.02, 0, float(lon[0]) - 0.001, 0, -0.02, float(lat[0]) + 0.001)
    with rasterio.open(tmp_path / "cover.tif", "w", **profile) as grid:
        grid.write(np.array([[7, 0], [0, 0]], dtype=np.uint8), 1)
    assert make(rule, [layer], folder=tmp_path)["allowed"].tolist() == [False, False, True]
    write_grid(tmp_path, [[1, 1, 1, 1], [7, 3, 3, 3]], declared=None)
    with pytest.raises(CrsError, match=r"does not say its CRS; declare it as layers.cover.crs"):
        make(rule, [layer], folder=tmp_path)
    assert make(rule, [{**layer, "crs": CRS}], folder=tmp_path)["allowed"].tolist() == [False, True, True]
    write_grid(tmp_path, [[1, 1, 1, 1], [7, 3, 3, 3]])
    with pytest.raises(CrsError, match=r"layers.cover.crs says EPSG:4326; remove crs"):
        make(rule, [{**layer, "crs": "EPSG:4326"}], folder=tmp_path)


def test_a_grid_that_is_none_or_is_not_there(tmp_path):
    layer = {"id": "cover", "path": "cover.tif", "values": [7], **_SOURCE}
    rule = [{"rule": "not_inside", "layer": "cover"}]
    with pytest.raises(InputFileError, match="there is no such file"):
        make(rule, [layer], folder=tmp_path)
    (tmp_path / "cover.tif").write_bytes(b"no grid at all")
    with pytest.raises(InputFileError, match="damaged or misnamed"):
        make(rule, [layer], folder=tmp_path)
    write_grid(tmp_path, [[1, 1], [7, 3]])
    with pytest.raises(StudyError, match=r"layers.cover.band = 2, but the grid has 1"):
        make(rule, [{**layer, "band": 2}], folder=tmp_path)


def test_a_grid_is_sampled_alike_whatever_is_read_at_once(tmp_path, monkeypatch):
    """Against indexing the whole array, with places off the grid among them, in any order."""
    rng = np.random.default_rng(7)
    values = rng.integers(0, 9, (60, 50))
    path = write_grid(tmp_path, values, cell_m=10.0, corner=(0.0, 600.0), nodata=8)
    layer = LayerConfig(id="x", name_zh="x", name_en="x", path=path, kind="sourced", source="t")
    x, y = rng.uniform(-50, 550, 400), rng.uniform(-50, 650, 400)
    row, column = np.floor((600.0 - y) / 10).astype(int), np.floor(x / 10).astype(int)
    on = (row >= 0) & (row < 60) & (column >= 0) & (column < 50)
    slow = np.full(400, np.nan)
    slow[on] = values[row[on], column[on]]
    slow[slow == 8] = np.nan
    points = np.asarray(shapely.points(x + X0, y + Y0), dtype=object)
    for at_once in (1, 500, 10_000):
        monkeypatch.setattr(rasters, "_CELLS_AT_ONCE", at_once)
        np.testing.assert_array_equal(rasters.sample(path, layer, points, METRIC), slow)
    assert len(rasters.sample(path, layer, points[:0], METRIC)) == 0


def test_layers_are_read_once_for_all_services(tmp_path, plots):
    """What was read can be handed over; the file may be gone by then."""
    asked = study([{"rule": "not_inside", "layer": "plot"}], [plots], tmp_path)
    read = candidates.read_ground(asked, inputs())
    (tmp_path / "plots.gpkg").unlink()
    made = candidates.make_candidates(asked, inputs(), "meal", read=read)
    assert made["reason"].fillna("").tolist() == ["", "", "not_inside:plot"]
