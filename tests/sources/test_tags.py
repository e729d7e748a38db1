import numpy as np
import pandas as pd
import pytest

from chongming_gis import tables
from chongming_gis.sources import tags


def frame(**columns):
    return pd.DataFrame({name.replace("__", ":"): pd.Series(values, dtype="str") for name, values in columns.items()})


def one(result, column):
    value = result[column].iloc[0]
    return None if pd.isna(value) else value


@pytest.mark.parametrize(
    ("raw", "column", "expected"),
    [
        ({"motorcar": "yes", "motor_vehicle": "no", "vehicle": "no"}, "motor_vehicle", "yes"),
        ({"motor_vehicle": "no", "vehicle": "yes"}, "motor_vehicle", "no"),
        ({"vehicle": "private"}, "motor_vehicle", "private"),
        ({"vehicle": "private"}, "bicycle", "private"),
        ({"vehicle": "private", "bicycle": "yes"}, "bicycle", "yes"),
        ({"vehicle": "no"}, "foot", None),
        ({"oneway__bicycle": "yes", "cycleway": "opposite"}, "oneway_bicycle", "yes"),
        ({"cycleway__both": "opposite_track"}, "oneway_bicycle", "no"),
        ({"cycleway": "lane"}, "oneway_bicycle", None),
        ({"maxspeed": "30", "maxspeed__type": "CN:urban"}, "maxspeed", "30"),
        ({"maxspeed__type": "CN:urban"}, "maxspeed", "CN:urban"),
        ({"source__maxspeed": "DE:zone:30"}, "maxspeed", "DE:zone:30"),
        ({"source__maxspeed": "survey"}, "maxspeed", None),
    ],
)
def test_edge_tags(raw, column, expected):
    result = tags.edge_tags(frame(**{name: [value] for name, value in raw.items()}))
    assert one(result, column) == expected
    assert tuple(result.columns) == tables.EDGE_TAGS
    assert {str(dtype) for dtype in result.dtypes} == {"str"}


def test_drop_reasons():
    highway = ["residential", "proposed", "rest_area", "platform", "platform", "pedestrian", None, None, "trail"]
    raw = frame(highway=highway, area=[None] * 5 + ["yes"] + [None] * 3, route=[None] * 6 + ["ferry", "bus", None])
    closed = np.array([False, False, False, True, False, True, False, False, False])
    reasons = tags.drop_reasons(raw, is_closed=closed)
    none = None
    assert [none if pd.isna(r) else r for r in reasons] == [
        none, "not_existing", "not_a_way", "area", none, "area", none, "not_a_road", none,
    ]  # fmt: skip


def test_a_road_on_a_ferry_route_is_a_road():
    raw = frame(highway=["service", None, None], route=["ferry", "ferry", "road"])
    assert tags.is_ferry(raw).tolist() == [False, True, False]


def test_ferry_seconds_only_for_ferries_and_readable_text():
    raw = frame(route=["ferry", "ferry", None], highway=[None, None, "path"], duration=["00:20", "soon", "01:00"])
    seconds = tags.ferry_seconds(raw, stated="duration_s", tag="duration")
    np.testing.assert_array_equal(seconds, [1200.0, np.nan, np.nan])
    stated = tags.ferry_seconds(raw.assign(duration_s=[60.0, np.nan, 1.0]), stated="duration_s", tag="duration")
    np.testing.assert_array_equal(stated, [60.0, np.nan, np.nan])
