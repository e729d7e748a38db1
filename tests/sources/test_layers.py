import csv

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from chongming_gis.errors import CrsError, TableError
from chongming_gis.findings import Finding, in_words
from chongming_gis.sources import layers


def test_mapped_columns_replace_what_bore_our_name():
    frame = pd.DataFrame({"name": ["alley"], "road_name": ["巷"], "kind": [1]})
    renamed = layers.rename_columns(frame, {"name": "road_name"}, where="roads")
    assert renamed.to_dict("list") == {"kind": [1], "name": ["巷"]}
    assert list(frame.columns) == ["name", "road_name", "kind"]


def test_one_column_of_the_file_may_serve_two_of_ours():
    frame = pd.DataFrame({"code": ["1"]})
    renamed = layers.rename_columns(frame, {"village_code": "code", "demand_id": "code"}, where="t")
    assert renamed.to_dict("list") == {"village_code": ["1"], "demand_id": ["1"]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([310151101.0, np.nan], ["310151101", None]),
        ([1.5, 2.0], ["1.5", "2.0"]),
        ([310151101001, 2], ["310151101001", "2"]),
        ([" a ", ""], ["a", None]),
        ([True, False], ["True", "False"]),
    ],
)
def test_codes_keep_their_digits_as_text(values, expected):
    text = layers.as_text(pd.Series(values))
    assert [None if pd.isna(value) else value for value in text] == expected
    assert text.dtype == "str"


def test_many_faulty_rows_are_counted():
    table = layers.PointTable(pd.DataFrame({"a": list("abcdefgh")}), [], first_row=2, where="t.csv", names={"a": "列"})
    found = table.fault([True] * 8, "wrong", rule="r", column="a")
    assert in_words(found) == ["row 2, 3, 4, 5, 6 and 3 more: wrong"]
    assert found[1] == Finding("error", "t.csv", "wrong", rule="r", row=3, column="列", value="b")
    assert table.fault([False] * 8, "wrong", rule="r") == []


def test_height_is_left_out(tmp_path):
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2, 3)], crs=4326)
    frame.to_parquet(tmp_path / "p.parquet")
    assert not layers.read_layer(tmp_path / "p.parquet").geometry.has_z.any()


def test_unknown_datums_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("lon,lat\n121.5,31.6\n")
    with pytest.raises(CrsError, match=r"t.csv: 'local' is not accepted as a datum"):
        layers.read_points(path, columns={}, datum="local")


def test_mapping_to_a_column_that_is_not_there():
    with pytest.raises(TableError, match="t: no column 'x', 'y'; the file has lon"):
        layers.rename_columns(pd.DataFrame({"lon": [1]}), {"a": "y", "b": "x"}, where="t")


@pytest.mark.extract
def test_the_village_table_opens_as_it_is(shared_data):
    """Twelve-digit codes keep their digits, and every position of the file is a number (counted by csv)."""
    path = shared_data / "villages" / "chongming_village_points.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    table = layers.read_points(path, columns={"lon": "lon_wgs84", "lat": "lat_wgs84"}, datum="wgs84")
    assert table.faults == []
    assert table.frame["code12_2016"].tolist() == [row["code12_2016"] for row in rows]
    assert table.frame.geometry.x.tolist() == [float(row["lon_wgs84"]) for row in rows]
