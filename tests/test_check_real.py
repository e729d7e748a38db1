"""The verdict on real, dirty data: the village table of Chongming, and places written in a web map's datum.

The village table lists 349 units, 154 with a point; ten villages lie more than 8 km from the seat of their town.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from chongming_gis import check, crs, pipeline
from chongming_gis.config import read_study
from chongming_gis.reports.verdict import tell
from chongming_gis.wording import Words
from tests.conftest import REPOSITORY
from tests.test_cli import STUDY

pytestmark = pytest.mark.extract

FAR = {
    *("推虾港村村委会", "前卫村村委会", "北港村村委会", "富民村村委会", "前哨新村居委会", "农建村村委会"),
    *("圆东村村委会", "庆丰村村委会", "石沙村村委会", "东海村村委会"),
}


def study_of(folder, *, places, datum, roads, kind, columns="", townships=None):
    """A study of one service with its people in one point, over other roads."""
    text = STUDY.replace('path = "roads.geojson"\\nkind = "schematic"', "")
    text = text.replace('path = "roads.geojson"', f'path = "{roads}"').replace(
        'kind = "schematic"', f'kind = "{kind}"', 1
    )
    text = text.replace(
        'facilities = { path = "places.csv", datum = "wgs84"',
        f'facilities = {{ path = "{places}", datum = "{datum}"{columns}',
    )
    if townships is not None:
        text = text.replace(
            "[sources.demand]",
            f'[sources.townships]\npath = "{townships}"\nkind = "schematic"\nsource = "test"\n[sources.demand]',
        )
    (folder / "study.toml").write_text(text, encoding="utf-8")
    (folder / "people.csv").write_text("demand_id,lon,lat,population,old\nw,121.4,31.63,100,40\n", encoding="utf-8")
    return read_study(folder / "study.toml")


def test_the_ten_far_villages_are_named_and_the_datum_cannot_be_told(shared_data, tmp_path):
    """All ten and no other, each with its row; against the schematic roads the datum stays open."""
    path = shared_data / "villages" / "chongming_village_points.csv"
    table = pd.read_csv(path, dtype="str")
    rows = dict(zip(table["code12_2016"], range(2, len(table) + 2), strict=True))
    names = {"facility_id": "code12_2016", "name_zh": "name", "township_name": "town"}
    names |= {"lon": "lon_gcj02", "lat": "lat_gcj02"}
    columns = f", columns = {{ {', '.join(f'{ours} = {theirs!r}' for ours, theirs in names.items())} }}"
    study = study_of(
        tmp_path,
        places=path,
        datum="gcj02",
        roads=REPOSITORY / "data" / "network" / "roads.parquet",
        kind="schematic",
        columns=columns,
        townships=REPOSITORY / "data" / "boundaries" / "townships.parquet",
    )
    verdict = pipeline.check_study(study)
    far = [finding for finding in verdict.findings if finding.rule == "far_from_town"]
    assert {finding.details["name"] for finding in far} == FAR
    assert all(finding.row == rows[finding.details["id"]] for finding in far)
    said = tell(far, study, Words("zh"))
    assert any("距其所属的港西镇 51." in entry.said for entry in said)
    (open_datum,) = [finding for finding in verdict.findings if finding.rule.startswith("datum_untold")]
    assert Words("zh").finding(open_datum) == "道路是示意数据，无法由道路核实各表所声明的坐标基准"


@pytest.fixture(scope="module")
def beside_roads(shared_data):
    """Sixty places 10 m beside the real roads of Wuhan, in WGS 84 degrees."""
    roads = gpd.read_parquet(shared_data / "roads" / "wuhan.parquet")
    lines = roads.geometry.to_numpy()
    chosen = np.random.default_rng(7).choice(len(lines), 60, replace=False)
    middles = shapely.line_interpolate_point(lines[chosen], 0.5, normalized=True)
    points = gpd.GeoSeries(shapely.transform(middles, lambda xy: xy + 7.0), crs=roads.crs).to_crs("EPSG:4326")
    return points.x.to_numpy(), points.y.to_numpy(), shared_data / "roads" / "wuhan.parquet"


@pytest.mark.parametrize(("written", "suspected"), [("gcj02", True), ("wgs84", False)])
def test_places_of_a_web_map_declared_as_wgs84_are_suspected(beside_roads, tmp_path, written, suspected):
    lon, lat, roads = beside_roads
    if written == "gcj02":
        lon, lat = crs.wgs84_to_gcj02(lon, lat)
    frame = pd.DataFrame({"facility_id": [f"p{k}" for k in range(60)], "lon": lon, "lat": lat})
    frame.assign(name_zh="店" + frame["facility_id"]).to_csv(tmp_path / "places.csv", index=False)
    made = gpd.read_parquet(roads).assign(highway="residential")
    made[["highway", "geometry"]].to_parquet(tmp_path / "roads.parquet")
    study = study_of(tmp_path, places="places.csv", datum="wgs84", roads="roads.parquet", kind="sourced")
    study = study.model_copy(update={"crs": None})
    verdict = pipeline.check_study(study)
    found = [finding for finding in verdict.findings if finding.rule == "datum_suspect"]
    assert bool(found) is suspected
    if suspected:
        (finding,) = found
        assert (finding.severity, finding.role) == ("warning", "facilities:meal_point")
        assert finding.details["likely"] == "gcj02"
        light = next(entry for entry in verdict.lights if entry.role == "facilities:meal_point")
        assert light.colour == "yellow"
    assert check.DEMAND in {finding.role for finding in verdict.errors}  # the people are of Chongming
