import numpy as np
import pytest

from chongming_gis.maps import views
from chongming_gis.wording import Words

ZH = Words("zh")


def classify(minutes, covered, limits):
    time_s = 60.0 * np.array(minutes, dtype=float)
    return views.minute_classes(time_s, np.array(covered, dtype=bool), np.array(limits, dtype=float), ZH)


def test_covered_and_uncovered_get_their_own_classes():
    classes, class_of = classify([3, 5, 12, 15, 15.5, 31, 61, np.inf], [1, 1, 1, 1, 0, 0, 0, 0], [15] * 8)
    labels = [classes[k]["label"] for k in class_of]
    assert labels == [
        "≤ 5 分钟",
        "≤ 5 分钟",
        "10–15 分钟",
        "10–15 分钟",
        "15–30 分钟",
        "30–60 分钟",
        "> 60 分钟",
        "无法到达",
    ]
    assert [c["covered"] for c in classes] == [True, True, False, False, False, False]


def test_the_same_minutes_can_be_covered_in_one_place_and_not_in_another():
    classes, class_of = classify([12, 12], [1, 0], [15, 10])
    assert [classes[k]["covered"] for k in class_of] == [True, False]
    assert classes[class_of[1]]["label"] == "10–30 分钟"


def test_long_limits_keep_few_classes():
    classes, _ = classify(range(1, 61), [1] * 60, [60] * 60)
    assert [c["label"] for c in classes] == ["≤ 5 分钟", "5–15 分钟", "15–30 分钟", "30–60 分钟"]


def test_a_limit_below_the_first_nice_number_is_one_class():
    classes, class_of = classify([1, 2, 4], [1, 1, 0], [3] * 3)
    assert [classes[k]["label"] for k in class_of] == ["≤ 3 分钟", "≤ 3 分钟", "3–6 分钟"]


@pytest.mark.parametrize("n", [0])
def test_no_places_no_classes(n):
    classes, class_of = classify([], [], [])
    assert (classes, class_of.tolist()) == ([], [])


def test_fills_of_covered_and_uncovered_never_meet():
    assert not set(views.COVERED_FILLS) & {*views.UNCOVERED_FILLS, views.UNREACHED_FILL}
