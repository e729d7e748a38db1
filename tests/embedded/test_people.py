"""The grid and tables by village through the doors of people, with the shipped townships, villages, land and roads."""

import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from pyproj import CRS
from rasterio import Affine

from chongming_gis import sources, tables
from chongming_gis.config import read_study
from chongming_gis.peoplemodel import PeopleTable, RasterConfig, SpreadConfig

METRIC = CRS.from_epsg(32651)
RESIDENTS = 637_921  # census 2020
LIVED_IN_KINDS = ("reservoir", "canal", "tidal_flat", "reserve", "port", "other_district")


@pytest.fixture(scope="module")
def study(shipped):
    return read_study(shipped.folder.parent / "studies" / "chongming.toml")


@pytest.fixture(scope="module")
def around(shipped, study, townships, villages, land):
    region = sources.read_region(study.resolve(study.region.boundary), METRIC)
    roads = sources.read_roads(study.resolve(study.sources.roads.path), crs="EPSG:32651")
    order = {"townships": "township_code", "villages": "village_code"}
    return sources.Surroundings(
        region=region,
        townships=townships.sort_values(order["townships"]).reset_index(drop=True),
        villages=villages.sort_values(order["villages"]).reset_index(drop=True),
        land=land,
        roads=roads,
    )


def read_grid(study, path, around=None, **raster):
    source = study.sources.demand.model_copy(
        update={"settlement_class": "village", "raster": RasterConfig.model_validate(raster)}
    )
    return sources.read_demand(source, path=path, study=study, crs=METRIC, around=around)


def wet_of(land):
    return shapely.union_all(land.geometry[land["kind"].isin(LIVED_IN_KINDS)].to_numpy())


def test_the_grid_split_between_the_townships_keeps_the_district_and_stays_dry(shipped, study, around):
    demand = read_grid(study, shipped.folder / "demand/population_100m.tif", around, border="whole")
    assert demand.persons["resident:everyone"].sum() == pytest.approx(RESIDENTS, abs=1e-6)
    areas = around.townships.set_index("township_code").geometry
    of_points = areas.loc[demand.points["township_code"]].to_numpy()
    assert shapely.intersects(of_points, demand.points.geometry.to_numpy()).all()
    assert not shapely.intersects(wet_of(around.land), demand.points.geometry.to_numpy()).any()
    assert demand.report["findings"] == []


def test_cells_on_the_coast_lose_next_to_nobody_under_the_rule_of_fractions(shipped, study, around):
    demand = read_grid(study, shipped.folder / "demand/population_100m.tif", around)
    assert demand.persons["resident:everyone"].sum() == pytest.approx(RESIDENTS, abs=1.0)


def test_the_same_people_on_a_grid_in_degrees_count_the_same_district(tmp_path, shipped, study, around):
    """The cells of 100 m summed by their middles over cells of 3 arc-seconds, read in degrees.

    No township differs by more than 2 percent: what moves is half a cell's people along its border.
    """
    path = shipped.folder / "demand/population_100m.tif"
    metric = read_grid(study, path, around, border="whole")
    cells = read_grid(study, path)
    places = cells.points.to_crs(4326).geometry
    to = Affine(1 / 1200, 0, 121.1, 0, -1 / 1200, 31.95)
    counts = np.zeros((840, 1080))
    at = ((31.95 - places.y) * 1200).astype(int), ((places.x - 121.1) * 1200).astype(int)
    np.add.at(counts, at, cells.persons["resident:everyone"].to_numpy())
    profile = {"driver": "GTiff", "dtype": "float64", "count": 1, "height": 840, "width": 1080,
               "crs": "EPSG:4326", "transform": to}  # fmt: skip
    with rasterio.open(tmp_path / "degrees.tif", "w", **profile) as grid:
        grid.write(counts, 1)
    one = study.groups[0].model_copy(update={"columns": {"resident": ("population",)}})
    simple = study.model_copy(update={"groups": (one,)})
    degrees = read_grid(simple, tmp_path / "degrees.tif", around, border="whole")
    assert degrees.persons["resident:everyone"].sum() == pytest.approx(RESIDENTS, abs=1e-6)
    here, there = (
        demand.persons["resident:everyone"].groupby(demand.points["township_code"].to_numpy()).sum()
        for demand in (degrees, metric)
    )
    assert here.index.tolist() == there.index.tolist()
    assert (here / there - 1).abs().max() < 0.02


@pytest.fixture(scope="module")
def village_table(tmp_path_factory, villages):
    """A list of all villages, each with some persons and its township's name; rows in another order."""
    names = {"village": villages["name_zh"], "code": villages["village_code"], "township": villages["township_code"]}
    table = pd.DataFrame(names).assign(persons=np.arange(len(villages)) * 7 % 900 + 1)
    path = tmp_path_factory.mktemp("people") / "村居人口.csv"
    shuffled = table.sample(frac=1.0, random_state=5)
    shuffled.rename(columns={"village": "村居", "township": "乡镇代码", "persons": "人口"}).drop(columns="code").to_csv(
        path, index=False, encoding="gb18030"
    )
    return path, table.set_index("code")["persons"].sort_index()


@pytest.mark.parametrize("by", ["raster", "roads"])
def test_totals_of_all_villages_are_kept_whatever_spreads_them(shipped, study, around, village_table, by):
    path, expected = village_table
    group = study.groups[0].model_copy(update={"columns": {"resident": ("population",)}})
    file = (
        {"path": shipped.folder / "demand/population_100m.tif", "raster": {"bands": {"all": 1}}}
        if by == "raster"
        else {}
    )
    source = study.sources.demand.model_copy(
        update={
            "settlement_class": "village",
            "settlement_by_name": {"居委会": "town"},
            "tables": (PeopleTable(path=path, by="village", columns={"population": "人口"}),),
            "spread": SpreadConfig.model_validate({"by": by, **file}),
        }
    )
    simple = study.model_copy(update={"groups": (group,)})
    demand = sources.read_demand(source, path=path, study=simple, crs=METRIC, around=around)
    tables.validate(demand.points, tables.DEMAND, where="test")
    found = demand.persons["resident:everyone"].groupby(demand.points["village_code"].to_numpy()).sum()
    assert found.index.tolist() == expected.index.tolist()
    assert found.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9)
    areas = around.villages.set_index("village_code").geometry
    of_points = areas.loc[demand.points["village_code"]].to_numpy()
    assert shapely.intersects(of_points, demand.points.geometry.to_numpy()).all()
    assert not shapely.intersects(wet_of(around.land), demand.points.geometry.to_numpy()).any()
    town = demand.points["name_zh"].str.endswith("居委会")
    assert (demand.points["settlement_class"] == town.map({True: "town", False: "village"})).all()
    assert len(demand.points) > 3000
