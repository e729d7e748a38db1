"""The basket of services, by hand."""

import numpy as np
import pandas as pd
import pytest

from chongming_gis import basket
from chongming_gis.errors import TableError


def test_by_hand():
    """Points of 10, 5 and 1 people in areas a, a, b: the first has both services, the second meals, the third none."""
    found = basket.fill_basket({"meal": np.array([True, True, False]), "care": np.array([True, False, False])})
    assert (found.count.tolist(), found.is_complete.tolist()) == ([2, 1, 0], [True, False, False])
    table = basket.measure_basket(found, np.array([10.0, 5.0, 1.0]), pd.Series(["a", "a", "b"], dtype="str"))
    assert table["code"].tolist() == ["a", "b"]
    assert table["mean_count"].tolist() == pytest.approx([25 / 15, 0.0])
    assert table["share_complete"].tolist() == pytest.approx([10 / 15, 0.0])
    assert table["missing:meal"].tolist() == [0.0, 1.0]
    assert table["missing:care"].tolist() == [5.0, 1.0]


def test_an_area_without_people_has_no_share_and_a_point_without_an_area_counts_nowhere():
    found = basket.fill_basket({"meal": np.array([True, True])})
    table = basket.measure_basket(found, np.array([0.0, 4.0]), pd.Series(["a", None], dtype="str"))
    assert table["persons"].tolist() == [0.0]
    assert table[["mean_count", "share_complete"]].isna().all(axis=None)


def test_services_must_have_the_same_points():
    with pytest.raises(TableError, match=r"2 services with \[2, 3\] points"):
        basket.fill_basket({"a": np.ones(2, bool), "b": np.ones(3, bool)})
    with pytest.raises(TableError, match="0 services"):
        basket.fill_basket({})
