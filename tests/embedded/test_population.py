"""The raster door: a grid written by the test, and the shipped one."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import CRS
from rasterio import Affine

from chongming_gis.config import parse_study
from chongming_gis.errors import CrsError, InputFileError, StudyError, TableError
from chongming_gis.sources import demand_points, population

METRIC = CRS.from_epsg(32651)
COUNTS = np.array([[[5, 0], [2, -1]], [[1, 0], [0, -1]]], dtype="int16")  # two bands of 2 x 2 cells; -1 = no data


def write(path, counts=COUNTS, *, crs="EPSG:32651", nodata=-1, names=("people_f", "people_m")):
    profile = {"driver": "GTiff", "dtype": counts.dtype, "count": len(counts), "height": 2, "width": 2,
               "crs": crs, "nodata": nodata, "transform": Affine(100, 0, 340_000, 0, -100, 3_500_200)}  # fmt: skip
    with rasterio.open(path, "w", **profile) as grid:
        grid.write(counts)
        for band, name in enumerate(names, start=1):
            grid.set_band_description(band, name)
    return path


def study(path, **raster):
    demand = {"path": str(path), "kind": "derived", "source": "test", "settlement_class": "village", "raster": raster}
    names = {"name_zh": "甲", "name_en": "a"}
    service = {"id": "meal", **names, "group": "everyone", "base": "resident",
               "facilities": {"path": "x.csv", "kind": "schematic", "source": "test"},
               "standards": [{"id": "walk15", **names, "source": "test",
                              "limits": [{"mode": "walk", "minutes": 15}]}]}  # fmt: skip
    return parse_study(
        {
            "id": "toy", **names, "data_date": "2020-01-01",
            "sources": {"demand": demand, "roads": {"path": "r.parquet", "kind": "schematic", "source": "test"}},
            "bases": [{"id": "resident", **names, "source": "test"}],
            "groups": [{"id": "everyone", **names, "columns": {"resident": ["people_f", "people_m"]}}],
            "settlement_classes": [{"id": "town", **names}, {"id": "village", **names}],
            "modes": [{"id": "walk", **names, "preset": "older_walk", "source": "test"}],
            "services": [service],
        },
        folder=Path(),
    )  # fmt: skip


def read(path, **raster):
    config = study(path, **raster)
    return population.read_population(config.sources.demand, path=path, study=config, crs=METRIC)


def test_cells_with_people_become_points_in_their_middle_and_totals_stay(tmp_path):
    demand = read(write(tmp_path / "p.tif"))
    assert demand.points["demand_id"].tolist() == ["cell-00000-00000", "cell-00001-00000"]
    assert [(p.x, p.y) for p in demand.points.geometry] == [(340_050.0, 3_500_150.0), (340_050.0, 3_500_050.0)]
    assert demand.persons["resident:everyone"].tolist() == [6.0, 2.0]
    assert demand.points["settlement_class"].tolist() == ["village", "village"]


def test_bands_can_be_named_in_the_study_and_dense_cells_have_their_class(tmp_path):
    path = write(tmp_path / "p.tif", names=())
    demand = read(path, bands={"people_f": 1, "people_m": 2}, dense_class="town", dense_from_persons=6)
    assert demand.points["settlement_class"].tolist() == ["town", "village"]


def test_a_grid_that_cannot_be_right_is_told(tmp_path):
    with pytest.raises(InputFileError, match="no such file"):
        read(tmp_path / "missing.tif")
    (tmp_path / "text.tif").write_text("no grid")
    with pytest.raises(InputFileError, match="cannot be read as a grid"):
        read(tmp_path / "text.tif")
    with pytest.raises(TableError, match=r"2 cell\(s\) hold no number of persons .*, e.g. -1 in row 1, column 1"):
        read(write(tmp_path / "negative.tif", COUNTS[:, :, :], nodata=None, names=("people_f", "people_m")))
    with pytest.raises(CrsError, match=r"the grid does not say its CRS; declare it in the study"):
        read(write(tmp_path / "zone.tif", crs=None))
    with pytest.raises(StudyError, match="no band for 'people_m'; the grid has people_f, men"):
        read(write(tmp_path / "names.tif", names=("people_f", "men")))
    with pytest.raises(StudyError, match="people_m = 7: the grid has 2 bands"):
        read(write(tmp_path / "beyond.tif"), bands={"people_f": 1, "people_m": 7})
    with pytest.raises(InputFileError, match="nobody lives"):
        read(write(tmp_path / "empty.tif", np.zeros((2, 2, 2), dtype="int16")))


def test_dense_class_and_its_limit_belong_together(tmp_path):
    with pytest.raises(StudyError, match="belong together"):
        study(tmp_path / "p.tif", dense_class="town")
    with pytest.raises(StudyError, match="'city' is not declared"):
        study(tmp_path / "p.tif", dense_class="city", dense_from_persons=5)


def test_the_shipped_grid_holds_the_same_people_as_the_points(shipped):
    from chongming_gis.config import read_study

    path = shipped.folder.parent / "studies" / "chongming.toml"
    config = read_study(path)
    points = demand_points.read_demand(
        config.sources.demand, path=config.resolve(config.sources.demand.path), study=config, crs=METRIC
    )
    source = config.sources.demand.model_copy(update={"settlement_class": "village"})
    grid = population.read_population(
        source, path=shipped.folder / "demand/population_100m.tif", study=config, crs=METRIC
    )
    assert (grid.persons.sum() == points.persons.sum()).all()
    assert len(grid.points) < len(points.points)
