"""Contracts: every fault of a table at once, each with its rows; and nothing that is right is refused."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from chongming_gis import tables
from chongming_gis.errors import ChongmingError, TableError
from tests.toy import study as toy
from tests.toy.roads import CRS, town

CONTRACTS = [value for value in vars(tables).values() if isinstance(value, tables.Contract)]


def demand():
    return toy.demand(
        [(0, 0), (10, 0), (20, 0)], persons={"all": [1, 2, 3]}, township=["t1", "t1", None], village=["v1", None, None]
    ).points


def faults(frame, contract=tables.DEMAND, where="people.csv"):
    with pytest.raises(TableError) as caught:
        tables.validate(frame, contract, where=where)
    return str(caught.value)


def test_there_is_a_contract_for_every_table():
    assert {contract.name for contract in CONTRACTS} >= {
        "nodes", "edges", "townships", "villages", "land", "facilities", "facility_capacity", "demand",
        "access", "coverage",
    }  # fmt: skip
    assert all(contract.meaning and set(contract.key) <= set(contract.columns) for contract in CONTRACTS)


@pytest.mark.parametrize("contract", [c for c in CONTRACTS if c.is_spatial], ids=lambda contract: contract.name)
def test_an_empty_table_satisfies_its_contract(contract):
    frame = tables.no_rows(contract, town().crs)
    tables.validate(frame, contract, where="nothing")
    assert (len(frame), frame.crs) == (0, town().crs)


def test_whole_tables_pass_and_more_columns_than_asked_are_kept():
    tables.validate(demand().assign(more=[1, 2, 3]), tables.DEMAND, where="people.csv")
    tables.validate(toy.facilities([(0, 0), (1, 0)]), tables.FACILITIES, where="places.csv")
    tables.validate(town().edges, tables.EDGES, where="roads")
    tables.validate(town().nodes, tables.NODES, where="roads")


def test_every_fault_is_told_at_once_with_its_rows():
    frame = demand().drop(columns="island")
    frame["demand_id"] = toy.text(["d0", "d0", "d2"])
    frame["settlement_class"] = toy.text(["town", None, "town"])
    frame["geometry"] = [shapely.Point(0, 0), None, shapely.box(0, 0, 1, 1)]
    message = faults(frame)
    assert message.startswith("people.csv: ")
    assert message.count(";") == 4
    assert "column 'island' is missing" in message
    assert "'settlement_class' must be filled in 1 row(s), e.g. demand_id d0" in message
    assert "1 row(s) repeat the key demand_id, e.g. d0" in message
    assert "1 row(s) have no geometry, e.g. demand_id d0" in message
    assert "1 row(s) are Polygon where Point is needed" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"length_m": [1.0, -1.0]}, r"'length_m' must be at least 0.* in 1 row\(s\), e\.g\. edge_id 1: -1\.0"),
        ({"length_m": [1.0, np.nan]}, r"'length_m' must be filled in 1 row\(s\), e\.g\. edge_id 1"),
        ({"way_share": [0.5, 1.5]}, r"'way_share' must be at most 1.*edge_id 1: 1\.5"),
        ({"u": [1.0, 2.0]}, r"'u' must be a whole number \(is float64\)"),
        ({"length_m": ["long", "short"]}, r"'length_m' must be a number with decimals"),
        ({"highway": [1, 2]}, r"'highway' must be text in 2 row\(s\), e\.g\. edge_id 0: 1"),
        ({"edge_id": [0, 0]}, r"1 row\(s\) repeat the key edge_id, e\.g\. 0"),
    ],
)
def test_a_wrong_column_is_named_with_what_is_wanted(change, words):
    edges = town().edges.iloc[:2].assign(**change)
    with pytest.raises(TableError, match=words):
        tables.validate(edges, tables.EDGES, where="roads")


def test_values_outside_a_vocabulary_are_named_with_it():
    frame = toy.facilities([(0, 0), (1, 0)]).assign(serves=toy.text(["all", "county"]))
    assert "'serves' must be one of" in faults(frame, tables.FACILITIES)
    assert "e.g. facility_id f1: 'county'" in faults(frame, tables.FACILITIES)
    assert all(word in faults(frame, tables.FACILITIES) for word in tables.SERVES)


def test_a_wrong_type_brings_no_stray_messages_of_the_checks_behind_it():
    """Text in a column of numbers is one fault, not a TypeError of a comparison beside it."""
    message = faults(town().edges.assign(length_m="long"), tables.EDGES)
    assert message.count("length_m") == 1
    assert "TypeError" not in message


def test_keys_of_two_columns():
    capacity = pd.DataFrame(
        {
            "facility_id": toy.text(["f", "f", "f"]),
            "unit": toy.text(["bed", "meal", "bed"]),
            "value": 1.0,
            "used": np.nan,
        }
    )
    assert "1 row(s) repeat the key facility_id + unit, e.g. f, bed" in faults(capacity, tables.FACILITY_CAPACITY)
    tables.validate(capacity[:2], tables.FACILITY_CAPACITY, where="x")


@pytest.mark.parametrize("bad", [shapely.Point(np.nan, 0), shapely.Point(0, np.inf)])
def test_coordinates_must_be_numbers(bad):
    frame = demand()
    frame["geometry"] = [bad, *frame.geometry[1:]]
    assert "1 row(s) have coordinates that are not finite numbers" in faults(frame)


def test_empty_geometries_are_no_geometries():
    frame = demand()
    frame["geometry"] = [shapely.Point(), *frame.geometry[1:]]
    assert "1 row(s) have no geometry, e.g. demand_id d0" in faults(frame)


def test_a_table_without_geometry_or_crs_is_refused():
    assert "geometry column is missing" in faults(pd.DataFrame(demand().drop(columns="geometry")))
    assert "geometry column is missing" in faults(pd.DataFrame(demand()))
    assert "CRS is missing" in faults(demand().set_crs(None, allow_override=True))


def test_a_fault_in_a_frame_with_a_strange_index_still_names_its_row():
    """Rows of several files joined have repeated labels; the key says which row is meant."""
    frame = demand()
    frame["settlement_class"] = toy.text(["town", "town", None])
    assert "demand_id d2" in faults(frame.set_axis(["x", "y", "z"]))
    message = faults(frame.set_axis([7, 7, 7]))
    assert "in 1 row(s)" in message
    assert "\n" not in message


def test_a_great_many_faults_are_cut_short():
    """An empty frame lacks all 25 columns and its geometry: twelve faults, and how many more."""
    message = faults(pd.DataFrame({"x": [1]}), tables.EDGES)
    assert message.count("is missing") == tables.MOST_FAULTS_SHOWN
    assert f"and {len(tables.EDGES.columns) + 1 - tables.MOST_FAULTS_SHOWN} more" in message


def test_the_frame_is_not_written_into():
    frame = demand()
    before = frame.copy()
    tables.validate(frame, tables.DEMAND, where="x")
    assert frame.equals(before)


def test_errors_are_the_package_s_and_a_value_error():
    with pytest.raises(ChongmingError):
        tables.validate(pd.DataFrame(), tables.ACCESS, where="x")
    with pytest.raises(ValueError, match="x: "):
        tables.validate(pd.DataFrame(), tables.ACCESS, where="x")


def test_missing_text_is_missing_and_of_the_dtype_that_contracts_want():
    text = tables.empty_text(3)
    assert (text.dtype, text.isna().all(), len(text)) == ("str", True, 3)
    assert tables.empty_text(0).dtype == "str"


def test_roads_without_a_crs_cannot_be_asked_for_it():
    roads = town()
    assert roads.crs == CRS
    nameless = tables.RoadTables(
        nodes=roads.nodes, edges=gpd.GeoDataFrame(pd.DataFrame(roads.edges), geometry="geometry")
    )
    with pytest.raises(ValueError, match="no CRS"):
        _ = tables.RoadTables(nodes=nameless.nodes, edges=nameless.edges.set_crs(None, allow_override=True)).crs


CELLS = {
    "facility_id": st.one_of(st.none(), st.sampled_from(["a", "b"])),
    "unit": st.one_of(st.none(), st.sampled_from(["beds", "meals"])),
    "value": st.one_of(st.none(), st.floats(-1.0, 9.0)),
    "used": st.one_of(st.none(), st.floats(-1.0, 9.0), st.just(float("nan"))),
}


@settings(max_examples=50)
@given(
    st.lists(st.fixed_dictionaries(CELLS), max_size=4), st.sampled_from(["float64", "object", "Int64"]), st.booleans()
)
def test_the_quick_look_passes_only_what_pandera_passes(rows, kind, has_used):
    frame = pd.DataFrame(rows, columns=list(CELLS)).astype({"facility_id": "str", "unit": "str"})
    frame["used"] = frame["used"].astype(float)
    frame["value"] = frame["value"].astype(float).round().astype(kind)
    if not has_used:
        frame = frame.drop(columns="used")
    try:
        columns = {name: column.as_pandera() for name, column in tables.FACILITY_CAPACITY.columns.items()}
        pa.DataFrameSchema(columns).validate(frame, lazy=True)
        passes = True
    except SchemaErrors:
        passes = False
    assert tables._is_faultless(frame, tables.FACILITY_CAPACITY) is passes
