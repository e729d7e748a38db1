"""The access table by question: whatever the order of its rows, each question is told in the order of the points."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chongming_gis.errors import TableError
from chongming_gis.maps import shares, times, views


def asked(result):
    return [
        shares.Question(service, standard, rule)
        for service in result.study.services
        for standard in service.standards
        for rule in ("applied", "ignored")
    ]


def test_rows_as_they_were_measured_are_cut_out(toy_result):
    access = times.read_access(toy_result)
    assert access.rows
    assert all(isinstance(rows, slice) for rows in access.rows.values())
    for (service, standard, rule), rows in access.rows.items():
        found = access.table.iloc[rows]
        assert set(found["service"]) == {service}
        assert set(found["standard"]) == {standard}
        assert set(found["serves_rule"]) == {rule}
    assert sum(len(access.table.iloc[rows]) for rows in access.rows.values()) == len(toy_result.access)


@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_changes_no_answer(toy_result, seed):
    mixed = toy_result.access.sample(frac=1.0, random_state=seed).reset_index(drop=True)
    own, other = times.read_access(toy_result), times.read_access(replace(toy_result, access=mixed))
    assert set(own.rows) == set(other.rows)
    for question in asked(toy_result):
        if question.parts not in own.rows:
            continue
        facilities = views.facilities_of(toy_result, question.service)["facility_id"]
        one, two = own.times(question, facilities), other.times(question, facilities)
        for name in ("time_s", "covered", "limit_s", "within", "facility"):
            assert np.array_equal(getattr(one, name), getattr(two, name)), name
        assert [one.modes[k] for k in one.mode] == [two.modes[k] for k in two.mode]


def test_facilities_are_numbered_as_asked_and_none_is_minus_one(toy_result):
    question = shares.headline(toy_result.study.service("meal_point"))
    facilities = views.facilities_of(toy_result, question.service)["facility_id"]
    access = times.read_access(toy_result)
    told = access.answers(question.parts)["facility_id"]
    for order in (facilities, facilities.iloc[::-1]):
        known = [*order, None]  # -1 is the last
        numbered = [known[k] for k in access.times(question, order).facility]
        assert numbered == told.astype(object).where(told.notna(), None).tolist()


@pytest.mark.parametrize("change", [lambda t: t.iloc[1:], lambda t: pd.concat([t, t.iloc[:1]]), lambda t: t.iloc[:0]])
def test_a_question_without_one_row_a_point_is_refused(toy_result, change):
    service = toy_result.study.service("meal_point")
    question = shares.headline(service)
    is_asked = (toy_result.access["service"] == service.id) & (toy_result.access["standard"] == question.standard.id)
    broken = pd.concat([change(toy_result.access[is_asked]), toy_result.access[~is_asked]], ignore_index=True)
    with pytest.raises(TableError, match="there must be one a point"):
        times.read_access(replace(toy_result, access=broken)).answers(question.parts)
