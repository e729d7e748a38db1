"""A study whose tables do not say their datum: refused with the answer of its own roads, and every other fault."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS

from chongming_gis import config, crs, pipeline
from chongming_gis.errors import StudyError
from tests.toy.study import content

UTM = CRS.from_epsg(32651)
HEADER = "facility_id,name_zh,lon,lat,open_year"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Lanes by chance, demand points, and 40 facilities 20 m beside lanes, in GCJ-02 and without a word about it."""
    path = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(7)
    x, y = crs.from_degrees(np.array([121.5]), np.array([31.6]), UTM)
    start = rng.uniform(-2500, 2500, (200, 2)) + np.column_stack([x, y])
    angle, length = rng.uniform(0, np.pi, 200), rng.uniform(200, 1200, 200)
    along = np.column_stack([np.cos(angle), np.sin(angle)])
    lines = shapely.linestrings(np.stack([start, start + along * length[:, None]], axis=1))
    gpd.GeoDataFrame({"highway": ["residential"] * 200}, geometry=lines, crs=UTM).to_file(path / "roads.gpkg")
    place = start + along * (length / 2)[:, None] + np.column_stack([-along[:, 1], along[:, 0]]) * 20.0
    lon, lat = crs.to_degrees(place[:, 0], place[:, 1], UTM)
    homes = [f"h{i},town,{lon[i]},{lat[i]},5,2" for i in range(40, 60)]
    (path / "homes.csv").write_text("\n".join(["demand_id,settlement_class,lon,lat,n,n_old", *homes]), encoding="utf-8")
    lon, lat = crs.wgs84_to_gcj02(lon, lat)
    rows = [f"f{i},食堂{i},{lon[i]:.6f},{lat[i]:.6f},2020" for i in range(40)]
    (path / "meals.csv").write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    (path / "faulty.csv").write_text("\n".join([HEADER, *rows, rows[0].replace("2020", "soon")]), encoding="utf-8")
    return path


def read(folder, *, facilities, roads=None, demand=None):
    source = {"kind": "sourced", "source": "test"}
    made = content(
        sources__roads={**source, "path": "roads.gpkg", **(roads or {})},
        sources__demand={**source, "path": "homes.csv", "datum": "wgs84", **(demand or {})},
        services__0__facilities={**source, **facilities},
        crs="EPSG:32651",
    )
    return pipeline.read_inputs(config.parse_study(made, folder=folder))


def refused(folder, **sources):
    with pytest.raises(StudyError) as caught:
        read(folder, **sources)
    return str(caught.value), caught.value.findings


def test_the_roads_tell_what_to_write_and_writing_it_helps(folder):
    told, findings = refused(folder, facilities={"path": "meals.csv"})
    assert "meals.csv: the datum of its coordinates is not declared; judging by the roads it is gcj02" in told
    assert "almost surely (40 places; within 50 m of a road: " in told
    assert told.endswith("write datum = 'gcj02'")
    assert [finding.rule for finding in findings] == ["datum_undeclared_told"]
    found = read(folder, facilities={"path": "meals.csv", "datum": "gcj02"}).facilities["meal"].places
    roads = gpd.read_file(folder / "roads.gpkg").union_all()
    assert found.distance(roads).max() < 20.1


def test_the_other_faults_of_the_table_are_told_with_it(folder):
    _, findings = refused(folder, facilities={"path": "faulty.csv"}, demand={"datum": None})
    by_rule = {finding.rule: finding for finding in findings}
    assert list(by_rule) == ["datum_undeclared_told", "id_repeated", "year"]
    assert [f.details["likely"] for f in findings if f.rule == "datum_undeclared_told"] == [
        "wgs84 (or cgcs2000)",
        "gcj02",
    ]
    assert by_rule["year"].row == 42


def test_schematic_roads_do_not_tell(folder):
    told, _ = refused(folder, facilities={"path": "meals.csv"}, roads={"kind": "schematic"})
    assert "it cannot be told from the roads, because they are schematic; find out which map or survey" in told


def test_without_roads_only_the_missing_word_is_told(folder):
    told, findings = refused(folder, facilities={"path": "meals.csv"}, roads={"path": "none.gpkg"})
    assert "none.gpkg: there is no such file" in told
    assert "meals.csv: the datum of lon and lat is not declared; write datum = one of wgs84, cgcs2000" in told
    assert "datum_undeclared" in [finding.rule for finding in findings]
