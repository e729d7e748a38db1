"""Population grids: little ones worked by hand, properties, exactextract and a fine raster as oracles, broken files.

The toy grid has cells of 100 m; cell (row 0, column 0) has its upper left corner at (340000, 3500200)::

    340000  340100  340200  340300
        +-------+-------+-------+ 3500200
        |  10   |  20   |  30   |
        +-------+-------+-------+ 3500100
        |  40   |   0   |  50   |
        +-------+-------+-------+ 3500000
"""

import subprocess
import sys
import textwrap

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from exactextract import exact_extract
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from rasterio import Affine

from chongming_gis import sources
from chongming_gis.errors import CrsError, InputFileError, StudyError, TableError
from chongming_gis.peoplemodel import RasterConfig
from chongming_gis.sources import gridparts, grids

METRIC = CRS.from_epsg(32651)
X0, Y0 = 340_000.0, 3_500_200.0
COUNTS = np.array([[10, 20, 30], [40, 0, 50]], dtype="float32")
POPULATION = [{"id": "all", "name_zh": "全部", "name_en": "All", "columns": {"resident": ["population"]}}]


def write(path, counts=COUNTS, *, transform=None, **profile):
    bands = counts if counts.ndim == 3 else counts[None]
    given = {"driver": "GTiff", "dtype": bands.dtype, "count": len(bands), "height": bands.shape[1],
             "width": bands.shape[2], "crs": "EPSG:32651", "nodata": None,
             "transform": transform or Affine(100, 0, X0, 0, -100, Y0), **profile}  # fmt: skip
    with rasterio.open(path, "w", **given) as grid:
        grid.write(bands)
    return path


def areas(codes, shapes):
    columns = {"township_code": codes, "name_zh": codes, "name_en": codes}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=METRIC)


def land(kinds, shapes):
    return gpd.GeoDataFrame(
        {"land_id": [f"l{n}" for n in range(len(kinds))], "kind": kinds}, geometry=shapes, crs=METRIC
    )


def box(west, south, east, north):
    """A rectangle in units of cells: (0, 0) is the lower left corner of the toy grid."""
    return shapely.box(X0 + 100 * west, Y0 - 200 + 100 * south, X0 + 100 * east, Y0 - 200 + 100 * north)


@pytest.fixture
def read(toy_study):
    def make(path, *, raster=None, around=None, groups=POPULATION, **demand):
        study = toy_study(groups=groups, settlement_class="village", raster=raster or {}, path=str(path), **demand)
        source = study.sources.demand
        return sources.read_demand(source, path=path, study=study, crs=METRIC, around=around)

    return make


def persons_of(demand):
    return demand.persons["resident:all"]


def by_township(demand):
    return persons_of(demand).groupby(demand.points["township_code"].fillna("").to_numpy()).sum().to_dict()


class TestSplit:
    """Regions, townships and water over the toy grid."""

    def test_without_areas_every_cell_is_a_point_in_its_middle(self, tmp_path, read):
        demand = read(write(tmp_path / "p.tif"))
        assert demand.points["demand_id"].tolist() == [
            "cell-00000-00000", "cell-00000-00001", "cell-00000-00002", "cell-00001-00000", "cell-00001-00002"
        ]  # fmt: skip
        assert persons_of(demand).tolist() == [10.0, 20.0, 30.0, 40.0, 50.0]
        assert demand.points.geometry[3].equals(shapely.Point(X0 + 50, Y0 - 150))
        assert demand.report["cells_without_people"] == 1

    def test_cells_on_the_border_count_by_the_part_inside(self, tmp_path, read):
        region = box(0.5, 0, 3, 2)  # half of the first column is outside
        demand = read(write(tmp_path / "p.tif"), around=sources.Surroundings(region=region))
        assert persons_of(demand).tolist() == pytest.approx([5.0, 20.0, 30.0, 20.0, 50.0])
        assert shapely.intersects(region, demand.points.geometry.to_numpy()).all()
        assert demand.report["cells_partly_outside"] == 2
        assert demand.report["persons_read"] == {"population": 150.0}
        assert demand.report["persons_kept"] == {"population": pytest.approx(125.0)}

    def test_cells_on_a_coast_can_count_whole(self, tmp_path, read):
        around = sources.Surroundings(region=box(0.75, 0, 2, 2))
        demand = read(write(tmp_path / "p.tif"), raster={"border": "whole"}, around=around)
        assert persons_of(demand).tolist() == pytest.approx([10.0, 20.0, 40.0])
        assert shapely.intersects(around.region, demand.points.geometry.to_numpy()).all()

    def test_a_cell_across_a_township_line_is_split_by_area(self, tmp_path, read):
        towns = areas(["a", "b"], [box(0, 0, 1.25, 2), box(1.25, 0, 3, 2)])
        demand = read(write(tmp_path / "p.tif"), around=sources.Surroundings(townships=towns))
        assert by_township(demand) == pytest.approx({"a": 10 + 40 + 5, "b": 15 + 30 + 50})
        assert demand.points["demand_id"].tolist()[1:3] == ["cell-00000-00001-a", "cell-00000-00001-b"]
        inside = towns.set_index("township_code").geometry.loc[demand.points["township_code"]]
        assert shapely.contains_properly(inside.to_numpy(), demand.points.geometry.to_numpy()).all()

    def test_what_lies_in_no_township_is_kept_without_one(self, tmp_path, read):
        demand = read(
            write(tmp_path / "p.tif"), around=sources.Surroundings(townships=areas(["a"], [box(0, 0, 1.5, 2)]))
        )
        assert by_township(demand) == pytest.approx({"a": 60.0, "": 90.0})
        assert "cell-00000-00001-rest" in demand.points["demand_id"].tolist()

    def test_where_townships_overlap_nobody_counts_twice(self, tmp_path, read):
        towns = areas(["a", "b"], [box(0, 0, 2, 2), box(1, 0, 3, 2)])
        demand = read(write(tmp_path / "p.tif"), around=sources.Surroundings(townships=towns))
        assert by_township(demand) == pytest.approx({"a": 60.0, "b": 90.0})

    def test_nobody_is_put_in_water_where_there_is_land(self, tmp_path, read):
        lake = box(0.2, 1.2, 0.8, 1.8)  # around the middle of the first cell
        sea = box(2, 1, 3, 2)  # all of the third
        around = sources.Surroundings(land=land(["lake", "sea", "farmland"], [lake, sea, box(0, 0, 3, 1)]))
        demand = read(write(tmp_path / "p.tif"), around=around)
        assert persons_of(demand).sum() == 150.0
        wet = shapely.intersects(shapely.union(lake, sea), demand.points.geometry.to_numpy())
        assert demand.points["demand_id"][wet].tolist() == ["cell-00000-00002"]
        (finding,) = demand.report["findings"]
        assert (finding.rule, finding.severity, finding.details["points"]) == ("grid_in_water", "warning", "1")

    def test_a_part_that_is_all_water_gives_its_people_to_the_dry_part(self, tmp_path, read):
        towns = areas(["a", "b"], [box(0, 0, 1.25, 2), box(1.25, 0, 3, 2)])
        around = sources.Surroundings(townships=towns, land=land(["river"], [box(1.2, 0, 2, 2)]))
        demand = read(write(tmp_path / "p.tif"), around=around)
        assert by_township(demand) == pytest.approx({"a": 10 + 40 + 20, "b": 30 + 50})

    def test_the_land_s_outline_makes_the_rest_water(self, tmp_path, read):
        around = sources.Surroundings(region=box(0, 0, 3, 2), land=land(["coast"], [box(0, 0, 2.25, 2)]))
        demand = read(write(tmp_path / "p.tif"), around=around)
        assert persons_of(demand).sum() == pytest.approx(150.0)
        assert shapely.intersects(box(0, 0, 2.25, 2), demand.points.geometry.to_numpy()).all()

    def test_cells_can_be_merged_within_township_and_class(self, tmp_path, read):
        towns = areas(["a", "b"], [box(0, 0, 2, 2), box(2, 0, 3, 2)])
        demand = read(
            write(tmp_path / "p.tif"),
            raster={"merge_cells": 3, "dense_class": "town", "dense_from_persons": 35},
            around=sources.Surroundings(townships=towns),
        )
        found = dict(zip(demand.points["demand_id"], persons_of(demand), strict=True))
        assert found == {
            "cell-00000-00001": 30.0, "cell-00000-00002": 30.0, "cell-00001-00000": 40.0, "cell-00001-00002": 50.0
        }  # fmt: skip
        assert demand.points["settlement_class"].tolist() == ["village", "village", "town", "town"]


class TestOtherCrs:
    """The grid keeps its CRS; only points move."""

    DEGREES = Affine(0.001, 0, 121.5, 0, -0.001, 31.7)

    def test_counts_of_a_grid_in_degrees_are_not_warped(self, tmp_path, read):
        demand = read(write(tmp_path / "p.tif", crs="EPSG:4326", transform=self.DEGREES))
        assert persons_of(demand).tolist() == [10.0, 20.0, 30.0, 40.0, 50.0]
        middle = demand.points.to_crs(4326).geometry[0]
        assert middle.equals_exact(shapely.Point(121.5005, 31.6995), 1e-9)

    def test_split_in_degrees_equals_exactextract_s_zonal_sums(self, tmp_path, read):
        rng = np.random.default_rng(7)
        counts = rng.uniform(0, 30, (40, 50)).astype("float32")
        path = write(tmp_path / "p.tif", counts, crs="EPSG:4326", transform=self.DEGREES)
        x = [121.497, 121.513, 121.531, 121.553]
        shapes = [
            shapely.Polygon(
                [(x[k], 31.655), (x[k + 1], 31.655), (x[k + 1] + 0.002, 31.71), (x[k] + 0.002 * (k > 0), 31.71)]
            )
            for k in range(3)
        ]
        towns = gpd.GeoDataFrame(
            {"township_code": ["a", "b", "c"], "name_zh": ["a", "b", "c"], "name_en": None},
            geometry=shapely.segmentize(shapes, 0.001),  # so that straight means the same in both CRSs
            crs=4326,
        )
        expected = exact_extract(str(path), towns, ["sum"], output="pandas")["sum"]
        demand = read(path, around=sources.Surroundings(townships=towns.to_crs(METRIC)))
        found = by_township(demand)
        assert [found[code] for code in "abc"] == pytest.approx(expected.tolist(), rel=1e-6)
        assert sum(found.values()) == pytest.approx(float(counts.sum(dtype=float)), rel=1e-9)

    def test_densities_become_persons_by_the_area_on_the_ground(self, tmp_path, read):
        path = write(tmp_path / "p.tif", np.full((1, 1), 1000, "float32"), crs="EPSG:4326", transform=self.DEGREES)
        demand = read(path, raster={"unit": "persons_per_km2"})
        from pyproj import Geod

        ring = [121.5, 121.501, 121.501, 121.5], [31.699, 31.699, 31.7, 31.7]
        area_km2 = abs(Geod(ellps="WGS84").polygon_area_perimeter(*ring)[0]) / 1e6
        assert persons_of(demand).sum() == pytest.approx(1000 * area_km2, rel=1e-6)

    def test_a_turned_grid(self, tmp_path, read):
        c, s = 100 * np.cos(0.5), 100 * np.sin(0.5)
        turned = Affine(c, s, X0, s, -c, Y0)
        corner, *ring = (
            (turned.a * x + turned.b * y + turned.c, turned.d * x + turned.e * y + turned.f)
            for x, y in ((0.5, 0.5), (0, 0), (1.5, 0), (1.5, 2), (0, 2))
        )
        half = shapely.Polygon(ring)
        demand = read(write(tmp_path / "p.tif", transform=turned), around=sources.Surroundings(region=half))
        assert persons_of(demand).sum() == pytest.approx(10 + 40 + 10)
        assert demand.points.geometry[0].equals_exact(shapely.Point(corner), 1e-6)


class TestValues:
    def test_nodata_and_nan_hold_nobody(self, tmp_path, read):
        counts = np.array([[10, -99999], [np.nan, 5]], dtype="float32")
        demand = read(write(tmp_path / "p.tif", counts, nodata=-99999))
        assert persons_of(demand).tolist() == [10.0, 5.0]

    def test_undeclared_negative_numbers_are_told_with_what_to_do(self, tmp_path, read):
        path = write(tmp_path / "p.tif", np.array([[10, -99999], [-99999, 5]], dtype="float32"))
        with pytest.raises(TableError, match=r"2 cell\(s\) hold no number of persons but a negative one") as caught:
            read(path)
        (finding,) = caught.value.findings
        assert (finding.rule, finding.value) == ("grid_negative", "-99999")
        assert "write nodata = -99999 in the raster section" in finding.suggestion
        assert finding.details == {"cells": "2", "place": "row 0, column 1, band 1"}
        assert persons_of(read(path, raster={"nodata": -99999})).tolist() == [10.0, 5.0]

    def test_infinite_numbers_are_told(self, tmp_path, read):
        with pytest.raises(TableError, match=r"an infinite one, e\.g\. inf in row 0, column 1"):
            read(write(tmp_path / "p.tif", np.array([[10, np.inf]], dtype="float32")))

    def test_faults_outside_the_study_do_not_matter(self, tmp_path, read):
        path = write(tmp_path / "p.tif", np.array([[10, 20, -1]], dtype="float32"))
        demand = read(path, around=sources.Surroundings(region=box(0, 1, 2, 2)))
        assert persons_of(demand).tolist() == [10.0, 20.0]

    def test_a_grid_without_crs_is_refused_unless_the_study_declares_it(self, tmp_path, read):
        path = write(tmp_path / "p.tif", crs=None)
        with pytest.raises(CrsError, match=r"does not say its CRS; declare it in the study, as in crs = 'EPSG:4326'"):
            read(path)
        assert persons_of(read(path, raster={"crs": "EPSG:32651"})).sum() == 150.0

    def test_a_declared_crs_that_contradicts_the_file_is_refused(self, tmp_path, read):
        path = write(tmp_path / "p.tif")
        with pytest.raises(CrsError, match="the study that it is in EPSG:4326; remove crs"):
            read(path, raster={"crs": "EPSG:4326"})
        assert persons_of(read(path, raster={"crs": "EPSG:32651"})).sum() == 150.0

    def test_a_grid_elsewhere(self, tmp_path, read):
        with pytest.raises(InputFileError, match="does not reach the study's region"):
            read(write(tmp_path / "p.tif"), around=sources.Surroundings(region=box(10, 0, 12, 2)))

    def test_several_bands_must_be_named(self, tmp_path, read):
        path = write(tmp_path / "p.tif", np.stack([COUNTS, COUNTS]))
        with pytest.raises(StudyError, match=r"no band for 'population'; the grid has 2 band\(s\) without names"):
            read(path)
        assert persons_of(read(path, raster={"bands": {"population": 2}})).sum() == 150.0


class TestDamage:
    """Files that end too early, or whose tail is zeros."""

    @pytest.fixture
    def whole(self, tmp_path):
        counts = np.random.default_rng(1).uniform(1, 9, (512, 512)).astype("float32")
        return {
            name: write(tmp_path / f"{name}.tif", counts, tiled=True, blockxsize=128, blockysize=128, **options)
            for name, options in {"plain": {}, "packed": {"compress": "deflate"}}.items()
        }

    @pytest.mark.parametrize("name", ["plain", "packed"])
    @pytest.mark.parametrize("share", [0.0, 0.001, 0.4, 0.9, 0.99])
    def test_cut_short(self, whole, read, name, share):
        content = whole[name].read_bytes()
        whole[name].write_bytes(content[: int(len(content) * share)])
        with pytest.raises(InputFileError, match=r"incomplete.*fetch it again"):
            read(whole[name])

    @pytest.mark.parametrize("share", [0.001, 0.4, 0.9, 0.99])
    def test_tail_of_zeros(self, whole, read, share):
        content = whole["packed"].read_bytes()
        kept = int(len(content) * share)
        whole["packed"].write_bytes(content[:kept] + bytes(len(content) - kept))
        with pytest.raises(InputFileError, match="incomplete"):
            read(whole["packed"])

    def test_blocks_too_large_for_the_memory(self, tmp_path, read):
        path = tmp_path / "p.tif"
        profile = {"driver": "GTiff", "dtype": "float64", "count": 1, "height": 8000, "width": 8000,
                   "crs": "EPSG:32651",
                   "blockysize": 8000, "compress": "deflate", "SPARSE_OK": True,
                   "transform": Affine(100, 0, X0, 0, -100, Y0)}  # fmt: skip
        rasterio.open(path, "w", **profile).close()
        with pytest.raises(InputFileError, match=r"in blocks of 8,000 x 8,000 cells \(0.5 GB each\).*TILED=YES"):
            read(path)


def test_forty_thousand_by_forty_thousand_cells_stay_below_a_gigabyte(tmp_path):
    """A sparse file of 40,000 x 40,000 cells with people in a few blocks, read whole in a process of its own."""
    program = textwrap.dedent("""
        import sys
        import numpy as np, rasterio, pyproj
        from pathlib import Path
        from rasterio import Affine
        from rasterio.windows import Window
        from chongming_gis.peoplemodel import RasterConfig
        from chongming_gis.progress import peak_memory
        from chongming_gis.sources import grids
        path = Path(sys.argv[1])
        profile = dict(driver="GTiff", dtype="float32", count=1, height=40_000, width=40_000, crs="EPSG:4326",
                       nodata=-99999, tiled=True, blockxsize=512, blockysize=512, compress="deflate", SPARSE_OK=True,
                       transform=Affine(1 / 1200, 0, 100, 0, -1 / 1200, 50))
        block = np.full((512, 512), -99999, "float32")
        block[100, 200] = 7.0
        with rasterio.open(path, "w", **profile) as grid:
            for number in range(0, 78, 7):
                grid.write(block, 1, window=Window(512 * number, 512 * (77 - number), 512, 512))
        found = grids.read_cells(path, ["p"], raster=RasterConfig(), within=None, crs=pyproj.CRS.from_epsg(32651))
        print(found.n_read, found.counts.sum(), peak_memory()["peak_mb"])
    """)
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "large.tif")],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    n_read, persons, peak_mb = map(float, done.stdout.split())
    assert n_read == 1.6e9
    assert persons == 12 * 7.0
    assert peak_mb < 1000


def fractions_by_sampling(polygon, size, n=200):
    """The oracle: the part of each unit cell in a polygon, by n x n points a cell."""
    steps = (np.arange(size * n) + 0.5) / n
    x, y = np.meshgrid(steps, steps)
    inside = shapely.contains_xy(polygon, x, y)
    return inside.reshape(size, n, size, n).mean(axis=(1, 3))[::-1]  # rows from the top


@settings(max_examples=20)
@given(st.lists(st.tuples(st.floats(0, 4), st.floats(0, 4)), min_size=3, max_size=6))
def test_covered_fractions_equal_those_of_a_fine_grid_of_points(corners):
    polygon = shapely.convex_hull(shapely.MultiPoint(corners))
    if polygon.geom_type != "Polygon":
        return
    frame = grids.Frame(Affine(1, 0, 0, 0, -1, 4), METRIC, 4, 4)
    row, column = (part.ravel() for part in np.indices((4, 4)))
    found = gridparts.covered_fractions(frame, row, column, np.array([polygon]), METRIC)
    dense = np.zeros(16)
    dense[found.cell] = found.fraction
    assert dense.reshape(4, 4) == pytest.approx(fractions_by_sampling(polygon, 4), abs=0.02)
    assert dense.sum() == pytest.approx(polygon.area, abs=1e-6)


FRACTIONS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.floats(0.001, 1.0)),
    unique_by=lambda entry: entry[:2],
    max_size=20,
)


@given(FRACTIONS, st.lists(st.floats(0.01, 1.0), min_size=6, max_size=6))
def test_parts_of_a_cell_always_add_up_to_what_counts_of_it(entries, inside):
    entries = sorted(entries)
    covered = gridparts.Covered(
        np.array([e[0] for e in entries], dtype=np.int64),
        np.array([e[1] for e in entries], dtype=np.int64),
        np.array([e[2] for e in entries], dtype=float),
    )
    parts = gridparts.split_cells(6, covered, inside=np.array(inside))
    sums = np.bincount(parts.cell, weights=parts.fraction, minlength=6)
    assert sums == pytest.approx(inside, rel=1e-5)
    assert (parts.fraction > 0).all()
    assert set(zip(parts.cell.tolist(), parts.area.tolist(), strict=True)) >= {e[:2] for e in entries}


@pytest.mark.parametrize("factor", [2, 5])
def test_splitting_cells_changes_nothing(tmp_path, read, factor):
    """A grid of cells cut into k x k, each with its share of the people, gives every township the same."""
    towns = areas(
        ["a", "b"], [shapely.Polygon([*box(0, 0, 1.3, 2).exterior.coords[:3], (X0 + 170, Y0)]), box(2.2, 0, 3, 2)]
    )
    around = sources.Surroundings(townships=towns)
    coarse = read(write(tmp_path / "a.tif"), around=around)
    fine = np.kron(COUNTS, np.ones((factor, factor))).astype("float64") / factor**2
    transform = Affine(100 / factor, 0, X0, 0, -100 / factor, Y0)
    finer = read(write(tmp_path / "b.tif", fine, transform=transform), around=around)
    assert by_township(finer) == pytest.approx(by_township(coarse), rel=1e-6)


def test_storage_of_the_file_changes_nothing(tmp_path, read):
    counts = np.random.default_rng(3).poisson(1.0, (300, 420)).astype("float32")
    stored = [
        {},
        {"tiled": True, "blockxsize": 64, "blockysize": 16},
        {"blockysize": 1},
        {"compress": "lzw", "blockysize": 77},
    ]
    found = [read(write(tmp_path / f"{n}.tif", counts, **options)) for n, options in enumerate(stored)]
    for other in found[1:]:
        assert other.points.equals(found[0].points)
        assert other.persons.equals(found[0].persons)


def test_windows_of_any_size_read_every_cell_once(tmp_path, monkeypatch):
    counts = np.random.default_rng(4).poisson(0.5, (130, 170)).astype("float32")
    path = write(tmp_path / "p.tif", counts, tiled=True, blockxsize=32, blockysize=48)
    for numbers in (100, 1600, 5000, 1_000_000):
        monkeypatch.setattr(grids, "_WINDOW_NUMBERS", numbers)
        found = grids.read_cells(path, ["p"], raster=RasterConfig(), within=None, crs=METRIC)
        assert found.n_read == counts.size
        dense = np.zeros_like(counts)
        dense[found.row, found.column] = found.counts[:, 0]
        assert (dense == counts).all()
