"""Small numbers of sensitive people are not told: in texts, in shares that would give them away, in sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chongming_gis import config, discretion
from chongming_gis.sources import embedded
from chongming_gis.wording import Words
from tests.maps.toy import study as toy_study


def sensitive_study(*names, internal=False):
    """The toy study with some groups marked as sensitive."""
    study = toy_study()
    groups = tuple(group.model_copy(update={"sensitive": group.id in names}) for group in study.groups)
    study = study.model_copy(update={"groups": groups})
    return study.for_internal_use() if internal else study


STUDY = sensitive_study("a80_plus")


def test_many_counts_are_told_as_each_by_itself():
    counts = [0.0, 0.4, 4.9, 5.0, 1234.0, float("nan")]
    for group in ("a80_plus", "a60_plus"):
        each = [discretion.persons(STUDY, group, count) for count in counts]
        assert discretion.persons_of_each(STUDY, group, counts) == each


@pytest.mark.parametrize(
    ("value", "told"), [(0.0, "0"), (0.4, "<5"), (1.0, "<5"), (4.9, "<5"), (5.0, "5"), (1234.0, "1,234"), (None, "—")]
)
def test_one_to_four_are_hidden_and_nobody_is_told(value, told):
    assert discretion.persons(STUDY, "a80_plus", value) == told


def test_other_groups_and_internal_studies_are_told_as_they_are():
    assert discretion.persons(STUDY, "a60_plus", 3.0) == "3"
    assert discretion.persons(sensitive_study("a80_plus", internal=True), "a80_plus", 3.0) == "3"
    assert not discretion.hides_any(sensitive_study())
    assert discretion.hides_any(STUDY)


def test_a_share_is_not_told_where_it_gives_a_hidden_number_away():
    assert discretion.share(STUDY, "a80_plus", 0.75, of_persons=8.0) == "—"  # 2 of 8 are left
    assert discretion.share(STUDY, "a80_plus", 0.5, of_persons=4.0) == "—"
    assert discretion.share(STUDY, "a80_plus", 0.5, of_persons=10.0) == "50.0%"
    assert discretion.share(STUDY, "a80_plus", 1.0, of_persons=8.0) == "100%"
    assert discretion.share(STUDY, "a60_plus", 0.75, of_persons=8.0) == "75.0%"
    assert discretion.share(STUDY, "a80_plus", float("nan"), of_persons=0.0) == "—"


@given(st.lists(st.integers(0, 40), max_size=60))
def test_what_is_hidden_is_exactly_one_to_four(counts):
    values = np.array(counts, dtype=float)
    hidden = discretion.is_hidden(STUDY, "a80_plus", values)
    assert hidden.tolist() == [0 < n < 5 for n in counts]
    assert not discretion.is_hidden(STUDY, "a60_plus", values).any()


def test_the_mean_stands_for_hidden_numbers_only_where_they_are_many():
    few, many = np.array([4.0, 9.0]), np.full(20, 2.0)
    assert discretion.stand_in(few, few < 5.0) == 2.5
    assert discretion.stand_in(many, many < 5.0) == 2.0


def test_the_embedded_study_marks_its_sensitive_groups():
    study = config.read_study(embedded.embedded_study_path())
    marked = {group.id for group in study.groups if group.sensitive}
    assert marked == {"a80_plus", "mobility_limited", "a80_plus_alone"}


def test_the_mark_is_the_review_number_where_the_study_has_one():
    outputs = STUDY.outputs.model_copy(update={"map_review_number": "GS(2024)1"})
    numbered = STUDY.model_copy(update={"outputs": outputs})
    assert Words("zh").mark(STUDY) == "内部工作用图"
    assert Words("zh").mark(numbered) == "审图号：GS(2024)1"
    assert Words("en").mark(numbered) == "Map review number: GS(2024)1"
