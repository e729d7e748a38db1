import geopandas as gpd
import osmium
import pytest
import shapely
from pyproj import CRS, Transformer

from chongming_gis import sources
from chongming_gis.errors import CrsError, InputFileError, StudyError, TableError
from chongming_gis.sources.demand_points import NOT_LIVED_IN

METRIC = CRS.from_epsg(32651)
HEADER = "demand_id,name_zh,village_code,settlement_class,lon,lat,pop,pop_reg,a60_79,a80_plus\n"
GOOD = (
    HEADER
    + "b,乙村,310151002002,village,121.51,31.61,200,190,50,10\na,甲村,310151001001,town,121.50,31.60,100.5,120,0,0\n"
)
POPULATION = [{"id": "all", "name_zh": "全部", "name_en": "All", "columns": {"resident": ["population"]}}]


def read(study, path):
    return sources.read_demand(study.sources.demand, path=path, study=study, crs=METRIC)


def saved(tmp_path, text, encoding="utf-8-sig"):
    path = tmp_path / "demand.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_table_of_longitude_and_latitude(tmp_path, toy_study, encoding):
    demand = read(toy_study(datum="cgcs2000"), saved(tmp_path, GOOD, encoding))
    assert demand.points["demand_id"].tolist() == demand.persons.index.tolist() == ["a", "b"]
    assert demand.points["name_zh"].tolist() == ["甲村", "乙村"]
    assert demand.points["village_code"].tolist() == ["310151001001", "310151002002"]
    assert demand.points["township_code"].isna().all()
    assert demand.persons.to_dict("list") == {
        "resident:all": [100.5, 200.0],
        "registered:all": [120.0, 190.0],
        "resident:old": [0.0, 60.0],
    }
    east, north = Transformer.from_crs(4326, 32651, always_xy=True).transform(121.5, 31.6)
    assert demand.points.geometry[0].equals_exact(shapely.Point(east, north), 1e-6)
    assert demand.points.crs == METRIC


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg", ".geojson", ".shp"])
def test_point_layers_are_the_same_door(tmp_path, toy_study, suffix):
    study = toy_study(datum="wgs84", columns={"settlement_class": "class"} if suffix == ".shp" else {})
    expected = read(toy_study(datum="wgs84"), saved(tmp_path, GOOD))
    layer = gpd.GeoDataFrame(
        {
            **expected.points.drop(columns="geometry"),
            "pop": [100.5, 200.0],
            "pop_reg": [120, 190],
            "a60_79": [0, 50],
            "a80_plus": [0, 10],
        },
        geometry=expected.points.geometry.to_crs(4326),
    ).drop(columns=["island", "township_code"])
    path = tmp_path / f"demand{suffix}"
    if suffix == ".shp":
        layer = layer.rename(columns={"settlement_class": "class", "village_code": "village"})
    layer.to_parquet(path) if suffix == ".parquet" else layer.to_file(path)
    demand = read(study, path)
    assert demand.persons.equals(expected.persons)
    assert demand.points["demand_id"].tolist() == ["a", "b"]
    assert demand.points.geometry.geom_equals_exact(expected.points.geometry, tolerance=0.02).all()


def test_class_of_the_study_fills_what_the_file_leaves_open(tmp_path, toy_study):
    text = GOOD.replace(",village,", ",,")
    demand = read(toy_study(datum="wgs84", settlement_class="village"), saved(tmp_path, text))
    assert demand.points["settlement_class"].tolist() == ["town", "village"]


def test_every_fault_is_told_at_once_with_its_rows(tmp_path, toy_study):
    text = HEADER + (
        "a,甲村,,town,121.50,31.60,100,120,1,1\n"
        "a,乙村,,hamlet,121.51,31.61,-3,190,50,10\n"
        ",丙村,,,31.6,121.5,many,190,,10\n"
        "d,丁村,,town,,31.6,1,1,1,1\n"
    )
    with pytest.raises(TableError) as caught:
        read(toy_study(datum="wgs84"), saved(tmp_path, text))
    message = str(caught.value)
    for fault in (
        "row 5: lon or lat is missing or not a number",
        "row 4: lon and lat are swapped",
        "row 4: demand_id is missing",
        "row 2, 3: demand_id is given more than once",
        "row 4: settlement_class is missing",
        "row 3: settlement_class is none of the study's: town, village",
        "row 4: pop is missing or not a number",
        "row 3: pop is negative",
        "row 4: a60_79 is missing or not a number",
    ):
        assert fault in message
    assert "\n" not in message


def test_persons_column_that_is_not_there(tmp_path, toy_study):
    with pytest.raises(TableError, match=r"no column 'a80_plus'; the file has demand_id, .*a80"):
        read(toy_study(datum="wgs84"), saved(tmp_path, GOOD.replace("a80_plus", "a80")))


def test_id_column_that_is_not_there_can_be_mapped(tmp_path, toy_study):
    path = saved(tmp_path, GOOD.replace("demand_id", "编号"))
    with pytest.raises(TableError, match="no column 'demand_id'; the file has 编号"):
        read(toy_study(datum="wgs84"), path)
    demand = read(toy_study(datum="wgs84", columns={"demand_id": "编号"}), path)
    assert demand.points["demand_id"].tolist() == ["a", "b"]


def test_undeclared_datum_is_refused(tmp_path, toy_study):
    with pytest.raises(CrsError, match=r"demand\.csv: the datum of lon and lat is not declared; write datum"):
        read(toy_study(), saved(tmp_path, GOOD))


def test_no_class_at_all(tmp_path, toy_study):
    with pytest.raises(TableError, match="no settlement_class; add the column, or one class for all"):
        read(toy_study(datum="wgs84"), saved(tmp_path, GOOD.replace("settlement_class", "kind")))


def test_empty_table(tmp_path, toy_study):
    with pytest.raises(InputFileError, match="there is no demand point in this file"):
        read(toy_study(datum="wgs84"), saved(tmp_path, HEADER))


def test_ragged_and_undecodable_tables(tmp_path, toy_study):
    with pytest.raises(InputFileError, match="cannot be read as CSV"):
        read(toy_study(datum="wgs84"), saved(tmp_path, GOOD + "x,y,z,1,2,3,4,5,6,7,8,9,10\n"))
    path = tmp_path / "demand.csv"
    path.write_bytes(HEADER.encode() + b"\xff\xff\x80\n")
    with pytest.raises(InputFileError, match="neither UTF-8 nor GB 18030"):
        read(toy_study(datum="wgs84"), path)


def test_lines_among_the_points(tmp_path, toy_study):
    shapes = [shapely.Point(121.5, 31.6), shapely.LineString([(121.5, 31.6), (121.6, 31.6)])]
    frame = {"demand_id": ["a", "b"], "pop": [1, 1], "pop_reg": [1, 1], "a60_79": [1, 1], "a80_plus": [1, 1]}
    gpd.GeoDataFrame(frame, geometry=shapes, crs=4326).to_parquet(tmp_path / "demand.parquet")
    with pytest.raises(TableError, match=r"row 2: 1 LineString where Point is needed; keep the points alone"):
        read(toy_study(settlement_class="town"), tmp_path / "demand.parquet")


class TestOsm:
    """Four houses and a garage; two places, one of which says how many live there."""

    @pytest.fixture
    def town(self, tmp_path, osm_writer):
        square = {1: (121.5, 31.6), 2: (121.502, 31.6), 3: (121.502, 31.602), 4: (121.5, 31.602)}
        nodes = {i: (*place, {}) for i, place in square.items()}
        nodes[7] = (121.51, 31.6, {"building": "house", "name": "House", "name:zh": "小屋"})
        nodes[8] = (121.51, 31.61, {"place": "village", "population": "1 234", "name": "竖新"})
        nodes[9] = (121.51, 31.62, {"place": "hamlet", "name": "五滧"})
        ways = {
            50: ((1, 2, 3, 4, 1), {"building": "yes"}),
            51: ((1, 2, 3, 1), {"building": "garage"}),
            52: ((98, 99), {"building": "yes"}),
        }
        return osm_writer(tmp_path / "town.osm", nodes, ways)

    def test_buildings(self, town, toy_study):
        study = toy_study(osm="buildings", settlement_class="town", persons_per_building=3.0, groups=POPULATION)
        demand = read(study, town)
        assert demand.points[["demand_id", "name_zh"]].fillna("").to_numpy().tolist() == [["n7", "小屋"], ["w50", ""]]
        assert demand.persons["resident:all"].tolist() == [3.0, 3.0]
        middle = demand.points.to_crs(4326).geometry[1]
        assert middle.equals_exact(shapely.Point(121.501, 31.601), 1e-6)
        assert (demand.report["points_read"], demand.report["points_dropped"]) == (4, 2)
        assert demand.report["dropped"] == ["w52: no position in the extract", "w51: building=garage"]

    def test_places(self, town, toy_study):
        demand = read(toy_study(osm="places", settlement_class="village", groups=POPULATION), town)
        assert demand.points[["demand_id", "name_zh"]].to_numpy().tolist() == [["n8", "竖新"]]
        assert demand.persons["resident:all"].tolist() == [1234.0]
        assert demand.report["dropped"] == ["n9: hamlet 五滧 has no population that is a number"]

    def test_groups_must_ask_for_population(self, town, toy_study):
        with pytest.raises(TableError, match=r"no column 'pop'; the file has demand_id, name_zh, population"):
            read(toy_study(osm="places", settlement_class="town"), town)

    def test_osm_key_and_file_must_agree(self, town, tmp_path, toy_study):
        with pytest.raises(StudyError, match=r"sources\.demand\.osm \('buildings' or 'places'\) is needed"):
            read(toy_study(settlement_class="town"), town)
        with pytest.raises(StudyError, match="is only for OSM files"):
            read(toy_study(osm="places", datum="wgs84"), saved(tmp_path, GOOD))


@pytest.mark.extract
def test_people_of_the_extract_s_villages_are_counted_by_hand(shared_data, toy_study):
    """Every place node of Liechtenstein that says its population, added up by a plain loop."""
    path = shared_data / "osm" / "liechtenstein.osm.pbf"
    places = {f"n{n.id}": dict(n.tags) for n in osmium.FileProcessor(path, osmium.osm.NODE) if "place" in n.tags}
    expected = {osm_id: float(tags["population"]) for osm_id, tags in places.items() if "population" in tags}
    demand = read(toy_study(osm="places", settlement_class="village", groups=POPULATION), path)
    assert demand.persons["resident:all"].to_dict() == dict(sorted(expected.items()))
    assert len(demand.report["dropped"]) == len(places) - len(expected)


@pytest.mark.extract
def test_buildings_of_the_extract(shared_data, toy_study):
    path = shared_data / "osm" / "liechtenstein.osm.pbf"
    found = [(o.type_str(), o.tags["building"]) for o in osmium.FileProcessor(path) if "building" in o.tags]
    study = toy_study(osm="buildings", settlement_class="village", persons_per_building=2.0, groups=POPULATION)
    demand = read(study, path)
    report = demand.report
    assert report["points_read"] == len(found)
    homes = sum(value not in NOT_LIVED_IN for _, value in found)
    assert len(demand.points) == homes - sum("no position" in text for text in demand.report["dropped"])
    assert demand.persons["resident:all"].sum() == 2.0 * len(demand.points)
