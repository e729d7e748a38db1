"""How evenly access is spread over people: closed forms, an oracle of persons, properties, nothing, errors."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chongming_gis import fairness
from chongming_gis.errors import StudyError, TableError

INF, NAN = np.inf, np.nan


def total_theil(scores, persons):
    return fairness.theil(scores, persons).total


INEQUALITY = {
    "gini": fairness.gini,
    "theil": total_theil,
    "atkinson 0.5": lambda s, p: fairness.atkinson(s, p, epsilon=0.5),
    "atkinson 1": lambda s, p: fairness.atkinson(s, p, epsilon=1.0),
    "atkinson 2": lambda s, p: fairness.atkinson(s, p, epsilon=2.0),
    "palma": fairness.palma,
}
EVERYONE_SAME = {"palma": 0.25}
every = pytest.mark.parametrize("name", INEQUALITY)


@st.composite
def places(draw, least_score=0):
    """Some places with people and scores, some of both 0; at least one person and some access."""
    n = draw(st.integers(1, 8))
    persons = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=float)
    scores = np.array(draw(st.lists(st.integers(least_score, 20), min_size=n, max_size=n)), dtype=float)
    assume((persons * scores).sum() > 0)
    return scores, persons


# ------------------------------------------------------------------ closed forms


def test_one_who_has_all():
    """n people, one has everything: Gini 1 - 1/n, Theil ln n, Atkinson 1 - 1/n for e = 1/2, 1 from e = 1."""
    for n in (2, 10, 1000):
        scores, persons = [0.0, 7.0], [n - 1, 1]
        assert fairness.gini(scores, persons) == pytest.approx(1 - 1 / n)
        assert total_theil(scores, persons) == pytest.approx(math.log(n))
        assert fairness.atkinson(scores, persons, epsilon=0.5) == pytest.approx(1 - 1 / n)
        assert fairness.atkinson(scores, persons, epsilon=1.0) == 1.0
        assert fairness.atkinson(scores, persons, epsilon=3.0) == 1.0


def test_one_to_n():
    """Scores 1, 2, ..., n of one person each: Gini (n - 1) / 3n, Palma from the sums."""
    n = 10
    scores, persons = np.arange(1.0, n + 1), np.ones(n)
    assert fairness.gini(scores, persons) == pytest.approx((n - 1) / (3 * n))
    assert fairness.palma(scores, persons) == pytest.approx(10 / (1 + 2 + 3 + 4))


def test_two_groups():
    """A share p has the share l of all: Gini p - l, Theil l ln(l/p) + (1-l) ln((1-l)/(1-p))."""
    p, poor = 0.6, 0.2
    scores, persons = [poor / p, (1 - poor) / (1 - p)], [60, 40]
    assert fairness.gini(scores, persons) == pytest.approx(p - poor)
    expected = poor * math.log(poor / p) + (1 - poor) * math.log((1 - poor) / (1 - p))
    assert total_theil(scores, persons) == pytest.approx(expected)


def test_atkinson_in_two_halves():
    """Scores 1 and 4, mean 2.5: e = 2 the harmonic mean 1.6, e = 1 the geometric 2, e = 0 nothing."""
    of = {e: fairness.atkinson([1, 4], [3, 3], epsilon=e) for e in (0.0, 0.5, 1.0, 2.0)}
    assert of == pytest.approx({0.0: 0.0, 0.5: 1 - 2.25 / 2.5, 1.0: 1 - 2 / 2.5, 2.0: 1 - 1.6 / 2.5})


def test_theil_between_townships_only_and_within_only():
    between = fairness.theil([1, 1, 3], [1, 1, 2], ["a", "a", "b"])
    assert between.within == 0.0
    assert between.between == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))
    within = fairness.theil([1, 3, 1, 3], [1, 1, 5, 5], ["a", "a", "b", "b"])
    assert within.between == pytest.approx(0.0, abs=1e-15)
    assert within.groups["theil"].tolist() == pytest.approx([within.total] * 2)
    assert within.groups["share_score"].tolist() == pytest.approx([1 / 6, 5 / 6])


def test_concentration_ends():
    """All with the least deprived of n: 1 - 1/n; with the most deprived: -(1 - 1/n); by its own order: the Gini."""
    worse = [4.0, 3.0, 2.0, 1.0]
    assert fairness.concentration_index([0, 0, 0, 8], np.ones(4), deprivation=worse) == pytest.approx(0.75)
    assert fairness.concentration_index([8, 0, 0, 0], np.ones(4), deprivation=worse) == pytest.approx(-0.75)
    assert fairness.concentration_index([8, 0, 0, 0], np.ones(4), deprivation=[1, 1, 1, 1]) == pytest.approx(0.0)
    scores, persons = np.array([1.0, 5.0, 2.0]), np.array([3.0, 1.0, 2.0])
    assert fairness.concentration_index(scores, persons, deprivation=-scores) == pytest.approx(
        fairness.gini(scores, persons)
    )


def test_poverty_by_hand():
    """Line 4: people with 0 (gap 1) twice, with 3 (gap 1/4) once, with 4 (not poor) once."""
    scores, persons = [0, 3, 4], [2, 1, 1]
    of = [fairness.fgt(scores, persons, line=4.0, alpha=a) for a in (0.0, 1.0, 2.0)]
    assert of == pytest.approx([3 / 4, 2.25 / 4, (2 + 1 / 16) / 4])


def test_groups_beside_their_part_of_the_people():
    table = fairness.shares_by_group([1.0, 3.0], {"old": [20, 0], "young": [10, 10], "none": [0, 0]})
    assert table["persons"].tolist() == [20, 20, 0]
    assert table["mean_score"].tolist()[:2] == [1.0, 2.0]
    assert table["share_score"].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert table["ratio"].tolist()[:2] == pytest.approx([2 / 3, 4 / 3])
    assert table.loc[2, ["mean_score", "ratio"]].isna().all()


def test_the_worst_villages_first():
    scores = [0.0, 4.0, 2.0, 2.0, 9.0, NAN]
    persons = [5, 5, 8, 20, 0, 0]
    areas = ["v1", "v1", "v2", "v3", "v4", None]
    table = fairness.worst_areas(scores, persons, areas)
    assert table["area"].tolist() == ["v3", "v1", "v2"]  # all 2.0 a person: 20, 10, 8 people; v4 is empty
    assert table["mean_score"].tolist() == [2.0, 2.0, 2.0]
    assert table["rank"].tolist() == [1, 2, 3]
    assert fairness.worst_areas(scores, persons, areas, n=1)["area"].tolist() == ["v3"]
    assert len(fairness.worst_areas(scores, persons, areas, n=0)) == 0


def test_the_worst_by_time_are_the_farthest():
    table = fairness.worst_areas([600, INF, 60, 1200], [9, 1, 9, 9], ["a", "a", "b", "c"], worst="highest", n=2)
    assert table.to_dict("list") == {"area": ["a", "c"], "persons": [10, 9], "mean_score": [INF, 1200], "rank": [1, 2]}


def test_townships_may_be_text_of_a_frame():
    frame = pd.DataFrame({"t": pd.Series(["y", "x", "y"], dtype="str"), "s": [1.0, 2.0, 3.0], "p": [1, 2, 3]})
    assert fairness.theil(frame["s"], frame["p"], frame["t"]).groups["group"].tolist() == ["x", "y"]
    assert fairness.worst_areas(frame["s"], frame["p"], frame["t"])["area"].tolist() == ["x", "y"]


# ------------------------------------------------------------------ the oracle: one person at a time


def people(scores, persons):
    return np.repeat(scores, persons.astype(int))


@settings(max_examples=80)
@given(places())
def test_every_measure_is_its_definition_over_persons(town):
    scores, persons = town
    each = sorted(people(scores, persons))
    n, mean = len(each), sum(each) / len(each)
    assert fairness.gini(scores, persons) == pytest.approx(
        sum(abs(a - b) for a in each for b in each) / (2 * n * n * mean), abs=1e-12
    )
    assert total_theil(scores, persons) == pytest.approx(
        sum(y / mean * math.log(y / mean) for y in each if y > 0) / n, abs=1e-12
    )
    assert fairness.atkinson(scores, persons, epsilon=0.5) == pytest.approx(
        1 - (sum(math.sqrt(y) for y in each) / n) ** 2 / mean, abs=1e-12
    )
    tenths = [y for y in each for _ in range(10)]  # so that 10 % and 40 % of the people are whole
    poorest, richest = sum(tenths[: 4 * n]), sum(tenths[9 * n :])
    assert fairness.palma(scores, persons) == pytest.approx(richest / poorest if poorest else INF)
    for line, alpha in ((5.0, 0.0), (5.0, 1.0), (12.0, 2.0)):
        poor = sum(((line - y) / line) ** alpha for y in each if y < line) / n
        assert fairness.fgt(scores, persons, line=line, alpha=alpha) == pytest.approx(poor, abs=1e-12)


@settings(max_examples=60)
@given(places(), st.data())
def test_concentration_is_the_covariance_with_the_rank(town, data):
    scores, persons = town
    worse = np.array(data.draw(st.lists(st.integers(0, 4), min_size=scores.size, max_size=scores.size)), dtype=float)
    each, bad = people(scores, persons), people(worse, persons)
    rank = np.array([(bad > b).sum() + 0.5 * (bad == b).sum() for b in bad]) / bad.size
    expected = 2 / each.mean() * ((each - each.mean()) * (rank - rank.mean())).mean()
    found = fairness.concentration_index(scores, persons, deprivation=worse)
    assert found == pytest.approx(expected, abs=1e-12)
    assert abs(found) <= fairness.gini(scores, persons) + 1e-12


# ------------------------------------------------------------------ what must hold


@every
@settings(max_examples=40)
@given(town=places(1), factor=st.sampled_from([0.001, 0.5, 7.0, 1e6]), copies=st.integers(2, 5))
def test_neither_the_unit_nor_the_number_of_people_matters(name, town, factor, copies):
    """Scale invariance and population replication; cutting a place in two changes nothing either."""
    scores, persons = town
    measure, whole = INEQUALITY[name], INEQUALITY[name](scores, persons)
    assert measure(factor * scores, persons) == pytest.approx(whole, abs=1e-9)
    assert measure(scores, copies * persons) == pytest.approx(whole, abs=1e-9)
    assert measure(np.tile(scores, copies), np.tile(persons, copies)) == pytest.approx(whole, abs=1e-9)
    assert measure(scores[::-1], persons[::-1]) == pytest.approx(whole, abs=1e-9)


@every
@settings(max_examples=40)
@given(town=places(1), data=st.data())
def test_giving_to_the_poorer_never_raises_inequality(name, town, data):
    """Transfer principle (Pigou-Dalton): strict for all but Palma, which looks at the ends only."""
    scores, persons = town
    living = np.flatnonzero(persons)
    rich, poor = living[scores[living].argmax()], living[scores[living].argmin()]
    assume(scores[rich] > scores[poor])
    weight = min(persons[rich], persons[poor])
    given_up = data.draw(st.floats(0.05, 0.5)) * (scores[rich] - scores[poor]) / 2 * weight
    after = scores.copy()
    after[rich] -= given_up / persons[rich]
    after[poor] += given_up / persons[poor]
    before, now = INEQUALITY[name](scores, persons), INEQUALITY[name](after, persons)
    assert now <= before + 1e-12
    if name != "palma":
        assert now < before


@every
@given(score=st.floats(0.01, 1e6), persons=st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_where_all_have_the_same_there_is_no_inequality(name, score, persons):
    assume(sum(persons) > 0)
    found = INEQUALITY[name]([score] * len(persons), persons)
    assert found == pytest.approx(EVERYONE_SAME.get(name, 0.0), abs=1e-12)


@settings(max_examples=80)
@given(places(), st.data())
def test_measures_stay_in_their_bounds_and_theil_adds_up(town, data):
    scores, persons = town
    groups = data.draw(st.lists(st.sampled_from("abc"), min_size=scores.size, max_size=scores.size))
    parts = fairness.theil(scores, persons, groups)
    assert parts.total == pytest.approx(total_theil(scores, persons), abs=1e-12)
    assert parts.between + parts.within == pytest.approx(parts.total, abs=1e-12)
    assert parts.groups["contribution_within"].sum() == pytest.approx(parts.within, abs=1e-12)
    assert parts.between >= -1e-12
    assert parts.within >= -1e-12
    assert parts.total <= math.log(persons.sum()) + 1e-12
    assert 0.0 <= fairness.gini(scores, persons) < 1.0
    assert all(0.0 <= fairness.atkinson(scores, persons, epsilon=e) <= 1.0 for e in (0.0, 0.3, 1.0, 5.0))
    curve = fairness.lorenz(scores, persons)
    assert (np.diff(curve.share_score) >= 0).all()
    assert (curve.share_score <= curve.share_persons + 1e-12).all()
    assert [curve.share_persons[-1], curve.share_score[-1]] == [1.0, 1.0]


def test_atkinson_minds_more_with_epsilon():
    values = [
        fairness.atkinson([1, 2, 8], [1, 1, 1], epsilon=e) for e in (0.0, 0.5, 0.999999, 1.0, 1.000001, 2.0, 50.0)
    ]
    assert values == sorted(values)
    assert values[2] == pytest.approx(values[3], abs=1e-5)
    assert values[-1] < 1 - 1 / (11 / 3)  # the poorest has 1 of a mean of 11/3


# ------------------------------------------------------------------ nothing there, and what is wrong


@every
@pytest.mark.parametrize(
    ("scores", "persons"), [([], []), ([1.0, 2.0], [0, 0]), ([0.0, 0.0], [3, 4]), ([NAN], [0])], ids=str
)
def test_without_people_or_access_inequality_is_not_defined(name, scores, persons):
    assert math.isnan(INEQUALITY[name](scores, persons))


def test_without_people_or_access_the_others_say_so():
    assert math.isnan(fairness.fgt([], [], line=1.0))
    assert math.isnan(fairness.fgt([1.0], [0], line=1.0))
    assert [fairness.fgt([0.0], [5], line=1.0, alpha=a) for a in (0, 1, 2)] == [1.0, 1.0, 1.0]
    assert math.isnan(fairness.concentration_index([0.0, 0.0], [1, 1], deprivation=[1, 2]))
    nobody = fairness.theil([1.0], [0], ["a"])
    assert math.isnan(nobody.between)
    assert len(nobody.groups) == 0
    no_access = fairness.theil([0.0, 2.0], [1, 1], ["a", "b"])
    assert no_access.groups["theil"].isna().tolist() == [True, False]
    assert no_access.total == pytest.approx(math.log(2))
    assert fairness.palma([0.0, 1.0], [9, 1]) == INF
    assert len(fairness.worst_areas([1.0], [0], ["v"])) == 0
    assert fairness.shares_by_group([], {}).empty


def test_places_without_people_count_for_nothing():
    for measure in INEQUALITY.values():
        assert measure([1.0, 3.0, 99.0, NAN], [2, 3, 0, 0]) == measure([1.0, 3.0], [2, 3])


@pytest.mark.parametrize(
    ("scores", "persons", "said"),
    [
        ([1.0, -1.0], [1, 1], "scores: negative, infinite or missing where people live at position 1"),
        ([INF, 1.0], [1, 1], "scores: negative, infinite or missing where people live at position 0"),
        ([1.0, NAN], [1, 1], "scores: .* at position 1"),
        ([1.0, 1.0], [1, -1], "persons: negative, infinite or missing at position 1"),
        ([-1.0, 1.0], [1, NAN], "persons: .* at position 1 .*; scores: .* at position 0"),
        ([1.0], [1, 1], r"scores \(1,\), persons \(2,\)"),
        ([[1.0]], [[1.0]], r"scores \(1, 1\)"),
        ([-1.0] * 7, [1] * 7, "at position 0, 1, 2, 3, 4 and 2 more"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(scores, persons, said):
    for measure in INEQUALITY.values():
        with pytest.raises(TableError, match=said):
            measure(scores, persons)


def test_missing_groups_and_ranks_are_refused():
    with pytest.raises(TableError, match="groups: missing where people live at position 1"):
        fairness.theil([1, 2], [1, 1], ["a", None])
    with pytest.raises(TableError, match="areas: missing where people live at position 0"):
        fairness.worst_areas([1, 2], [1, 1], [None, "b"])
    with pytest.raises(TableError, match="deprivation: missing"):
        fairness.concentration_index([1, 2], [1, 1], deprivation=[NAN, 1.0])
    with pytest.raises(TableError, match="deprivation: infinite"):
        fairness.concentration_index([1, 2], [1, 1], deprivation=[INF, 1.0])


def test_parameters_out_of_range_are_refused():
    for call_it in (
        lambda: fairness.atkinson([1], [1], epsilon=-0.1),
        lambda: fairness.atkinson([1], [1], epsilon=NAN),
        lambda: fairness.fgt([1], [1], line=0.0),
        lambda: fairness.fgt([1], [1], line=1.0, alpha=-1.0),
    ):
        with pytest.raises(StudyError, match="must be a number"):
            call_it()
