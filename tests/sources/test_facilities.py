import geopandas as gpd
import osmium
import pandas as pd
import pytest
import shapely
from pyproj import CRS, Transformer

from chongming_gis import config, sources
from chongming_gis.errors import CrsError, InputFileError, StudyError, TableError

METRIC = CRS.from_epsg(32651)


def source(**changes):
    return config.FacilitySource(
        **{
            "path": "f.csv",
            "kind": "sourced",
            "source": "公示",
            "datum": "wgs84",
            "position_quality_m": 50.0,
            **changes,
        }
    )


def read(path, *, unit="meals", **changes):
    return sources.read_facilities(
        source(**changes), path=path, service_id="meal_point", capacity_unit=unit, crs=METRIC
    )


def saved(tmp_path, text, encoding="utf-8-sig"):
    path = tmp_path / "f.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_the_shortest_table(tmp_path):
    facilities = read(saved(tmp_path, "name_zh,lon,lat\n甲,121.5,31.6\n乙,121.6,31.6\n"))
    places = facilities.places
    assert places["facility_id"].tolist() == ["meal_point-0001", "meal_point-0002"]
    assert places["service"].tolist() == ["meal_point"] * 2
    assert places[["level", "serves", "status", "data_kind", "source"]].iloc[0].tolist() == [
        "township", "all", "existing", "sourced", "公示",
    ]  # fmt: skip
    assert places["position_quality_m"].tolist() == [50.0, 50.0]
    assert facilities.capacity.empty
    east, north = Transformer.from_crs(4326, 32651, always_xy=True).transform(121.5, 31.6)
    assert places.geometry[0].equals_exact(shapely.Point(east, north), 1e-6)


def test_a_full_table(tmp_path):
    text = (
        "facility_id,service,name_zh,township_code,level,serves,status,open_year,standardised,position_quality_m,"
        "capacity,used,capacity_beds,lon,lat\n"
        "m2,meal_point,乙,310151101,village,village,planned,2026,是,,80,,,121.6,31.6\n"
        "m1,meal_point,甲,310151101,township,all,,2019,no,5,120,90.5,30,121.5,31.6\n"
        "c1,care_home,丙,310151101,district,all,existing,,,,,,200,121.5,31.6\n"
    )
    facilities = read(saved(tmp_path, text, "gb18030"))
    places = facilities.places
    assert places["facility_id"].tolist() == ["m1", "m2"]
    assert places["township_code"].tolist() == ["310151101"] * 2
    assert places["status"].tolist() == ["existing", "planned"]
    assert places["open_year"].tolist() == [2019, 2026]
    assert places["standardised"].tolist() == [False, True]
    assert places["position_quality_m"].tolist() == [5.0, 50.0]
    assert facilities.capacity.fillna(-1).to_numpy().tolist() == [
        ["m1", "beds", 30.0, -1], ["m1", "meals", 120.0, 90.5], ["m2", "meals", 80.0, -1],
    ]  # fmt: skip
    assert facilities.report == {
        "rows_read": 3, "rows_of_other_services": 1, "rows_dropped": {"other_service": 1}, "dropped": [],
        "encoding": "gb18030", "row_of": {"m2": 2, "m1": 3},
    }  # fmt: skip


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg", ".geojson", ".shp"])
def test_point_layers(tmp_path, suffix):
    frame = gpd.GeoDataFrame({"名称": ["甲"], "capacity": [40]}, geometry=[shapely.Point(121.5, 31.6)], crs=4326)
    path = tmp_path / f"f{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_file(path, encoding="utf-8")
    facilities = read(path, datum=None, columns={"name_zh": "名称"})
    assert facilities.places["name_zh"].tolist() == ["甲"]
    assert facilities.capacity[["unit", "value"]].to_numpy().tolist() == [["meals", 40.0]]


def test_every_fault_is_told_at_once_with_its_rows(tmp_path):
    text = (
        "facility_id,name_zh,level,open_year,standardised,capacity,used,position_quality_m,lon,lat\n"
        "a,甲,township,2019.55,maybe,-1,,,121.5,31.6\n"
        "a,,county,,,many,,-5,31.6,121.5\n"
        "c,丙,village,,,,3,,999,31.6\n"
    )
    with pytest.raises(TableError) as caught:
        read(saved(tmp_path, text))
    message = str(caught.value)
    for fault in (
        "row 3: lon and lat are swapped",
        "row 4: lon or lat is out of range",
        "row 2, 3: facility_id is given more than once",
        "row 3: name_zh is missing",
        "row 3: level is none of district, township, village",
        "row 2: open_year is no year",
        "row 2: standardised is neither yes nor no",
        "row 3: position_quality_m is not a number of metres",
        "row 2: capacity is negative",
        "row 3: capacity is not a number",
    ):
        assert fault in message
    assert "\n" not in message


def test_use_without_capacity_and_capacity_without_unit(tmp_path):
    path = saved(tmp_path, "name_zh,capacity,used,lon,lat\n甲,,3,121.5,31.6\n")
    with pytest.raises(TableError, match="row 2: used is given without capacity"):
        read(path)
    with pytest.raises(TableError, match=r"column 'capacity' has no unit; set capacity_unit"):
        read(path, unit=None)


@pytest.mark.parametrize("text", ["name_zh,lon,lat\n", "name_zh,service,lon,lat\n甲,care_home,121.5,31.6\n"])
def test_no_facility_of_the_service(tmp_path, text):
    with pytest.raises(InputFileError, match=r"f\.csv: there is no facility of service 'meal_point' in this file"):
        read(saved(tmp_path, text))


def test_missing_columns_list_what_the_file_has(tmp_path):
    with pytest.raises(TableError, match="no column 'name_zh'; the file has lon, lat, 谁; map"):
        read(saved(tmp_path, "谁,lon,lat\n甲,121.5,31.6\n"))
    with pytest.raises(TableError, match="no column lon and lat; the file has name_zh, a, b"):
        read(saved(tmp_path, "name_zh,a,b\n甲,121.5,31.6\n"))


def test_undeclared_datum_and_unread_formats(tmp_path):
    path = saved(tmp_path, "name_zh,lon,lat\n甲,121.5,31.6\n")
    with pytest.raises(CrsError, match="the datum of lon and lat is not declared"):
        read(path, datum=None)
    document = tmp_path / "f.docx"
    document.write_bytes(b"PK")
    with pytest.raises(InputFileError, match=r"\.docx is not read here; accepted: \.csv, \.txt, \.xlsx"):
        read(document)


class TestOsm:
    @pytest.fixture
    def town(self, tmp_path, osm_writer):
        """A school ground with the shape of an L, a school node, an office without name, a track that is a line."""
        corner = {1: (0, 0), 2: (4, 0), 3: (4, 1), 4: (1, 1), 5: (1, 4), 6: (0, 4)}
        nodes = {i: (121.5 + x / 1000, 31.6 + y / 1000, {}) for i, (x, y) in corner.items()}
        nodes[9] = (121.52, 31.6, {"amenity": "school", "name": "小学"})
        nodes[8] = (121.53, 31.6, {"office": "government"})
        nodes[7] = (121.53, 31.6, {"amenity": "bench"})
        ways = {
            50: ((1, 2, 3, 4, 5, 6, 1), {"amenity": "school", "name": "School", "name:zh": "学校"}),
            51: ((1, 2), {"leisure": "track", "amenity": "school"}),
        }
        return osm_writer(tmp_path / "town.osm", nodes, ways)

    def test_any_tag_is_enough(self, town):
        places = read(town, tags={"amenity": ("school",), "office": ("*",)}).places
        assert places[["facility_id", "name_zh", "kind"]].to_numpy().tolist() == [
            ["n8", "government", "government"],
            ["n9", "小学", "school"],
            ["w50", "学校", "school"],
            ["w51", "school", "school"],
        ]
        ground = shapely.Polygon([(0, 0), (4, 0), (4, 1), (1, 1), (1, 4), (0, 4)])
        inside = places.to_crs(4326).geometry[2]
        assert ground.contains(shapely.Point((inside.x - 121.5) * 1000, (inside.y - 31.6) * 1000))

    def test_nothing_tagged_so(self, town):
        with pytest.raises(InputFileError, match="no facility of service 'meal_point'"):
            read(town, tags={"amenity": ("hospital",)})

    def test_tags_and_file_must_agree(self, town, tmp_path):
        with pytest.raises(StudyError, match=r"facilities\.tags \(tag = \[values\]\) is needed for an OSM file"):
            read(town)
        with pytest.raises(StudyError, match="is only for OSM files"):
            read(saved(tmp_path, "name_zh,lon,lat\n"), tags={"amenity": ("school",)})


@pytest.mark.extract
def test_amenities_of_the_extract_are_counted_by_hand(shared_data):
    path = shared_data / "osm" / "liechtenstein.osm.pbf"
    wanted = {"school", "kindergarten"}
    expected = sorted(
        f"{item.type_str()}{item.id}" for item in osmium.FileProcessor(path) if item.tags.get("amenity") in wanted
    )
    places = sources.read_facilities(
        source(tags={"amenity": ("school", "kindergarten")}),
        path=path,
        service_id="school",
        capacity_unit=None,
        crs=CRS.from_epsg(32632),
    ).places
    assert places["facility_id"].tolist() == expected
    frame = pd.DataFrame(places.to_crs(4326).geometry.get_coordinates())
    assert frame["x"].between(9.4, 9.7).all()
    assert frame["y"].between(47.0, 47.3).all()
