"""Ranking: known cases of the methods, weights against their formulas, and how firm a rank is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chongming_gis import ranking
from chongming_gis.errors import RankingError
from chongming_gis.ranking import Criteria

# Three sites; newly covered persons (more is better), cost in 10,000 yuan (less), minutes saved (more). By hand:
# normalised persons 0, 0.5, 1; cost 1, 0.75, 0; minutes 0.5, 1, 0.
TOY = Criteria(
    np.array([[100.0, 20.0, 4.0], [200.0, 25.0, 6.0], [300.0, 40.0, 2.0]]), ("more", "less", "more"), ("p", "c", "m")
)
SOME = hnp.arrays(np.float64, st.tuples(st.integers(2, 7), st.integers(1, 4)), elements=st.integers(0, 5).map(float))


def named(values):
    return Criteria(values, ("more",) * values.shape[1], tuple(f"c{j}" for j in range(values.shape[1])))


def test_values_are_normalised_from_the_worst_to_the_best_site():
    assert ranking.normalise(TOY).tolist() == [[0.0, 1.0, 0.5], [0.5, 0.75, 1.0], [1.0, 0.0, 0.0]]


def test_weighted_sum_by_hand():
    scores = ranking.score(TOY, [2, 1, 1])
    assert scores == pytest.approx([0.375, 0.6875, 0.5])
    assert ranking.ranks(scores).tolist() == [3, 1, 2]


def test_topsis_by_hand():
    """Distances to (1, 1, 1) and (0, 0, 0) of the weighted normalised values, weights a third each."""
    values = ranking.normalise(TOY) / 3
    to_best, to_worst = np.linalg.norm(values - 1 / 3, axis=1), np.linalg.norm(values, axis=1)
    assert ranking.score(TOY, [1, 1, 1], method="topsis") == pytest.approx(to_worst / (to_best + to_worst))


def test_vikor_by_hand():
    """S = sum, R = largest weighted distance from the best; Q halves both. S = (1.5, .75, 2)/3, R = (1, .5, 1)/3."""
    q = [0.5 * (1.5 - 0.75) / 1.25 + 0.5, 0.0, 1.0]
    assert ranking.score(TOY, [1, 1, 1], method="vikor") == pytest.approx(1 - np.array(q))


def test_promethee_by_hand():
    """Site 2 beats 1 in two criteria of three and 3 in two; 1 beats 3 in two."""
    assert ranking.score(TOY, [1, 1, 1], method="promethee") == pytest.approx([0.0, 1 / 3, -1 / 3])


@pytest.mark.parametrize("method", ranking.METHODS)
@given(values=SOME)
def test_a_site_that_dominates_never_ranks_behind(method, values):
    criteria = named(values)
    scores = ranking.score(criteria, np.ones(values.shape[1]), method=method)
    ahead, behind = np.nonzero(ranking.dominates(criteria))
    assert (scores[ahead] >= scores[behind] - 1e-9).all()


@pytest.mark.parametrize("method", ranking.METHODS)
@given(values=SOME, data=st.data())
def test_the_order_of_sites_and_units_do_not_matter(method, values, data):
    order = np.array(data.draw(st.permutations(range(len(values)))))
    scores = ranking.score(named(values), np.ones(values.shape[1]), method=method)
    assert ranking.score(named(values[order]), np.ones(values.shape[1]), method=method) == pytest.approx(scores[order])
    assert ranking.score(named(values * 60), np.ones(values.shape[1]), method=method) == pytest.approx(scores)


@pytest.mark.parametrize("method", ranking.METHODS)
def test_criteria_that_tell_nothing_apart_change_nothing(method):
    more = Criteria(np.column_stack([TOY.amounts, np.full(3, 7.0)]), (*TOY.better, "more"), (*TOY.names, "same"))
    assert ranking.score(more, [1, 1, 1, 5], method=method) == pytest.approx(
        ranking.score(TOY, [1, 1, 1], method=method)
    )
    same = named(np.ones((3, 2)))
    assert ranking.score(same, [1, 1], method=method).tolist() == [0, 0, 0]
    assert ranking.ranks(ranking.score(same, [1, 1], method=method)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("method", ranking.METHODS)
def test_two_sites_and_one_criterion(method):
    scores = ranking.score(named(np.array([[1.0], [3.0]])), [1], method=method)
    assert ranking.ranks(scores).tolist() == [2, 1]


def test_one_site_is_first():
    one = named(np.array([[4.0, 2.0]]))
    assert ranking.ranks(ranking.score(one, [1, 1])).tolist() == [1]
    assert ranking.entropy_weights(one).tolist() == ranking.critic_weights(one).tolist() == [0.5, 0.5]


def test_ahp_of_a_published_case():
    """Saaty 1980: a perfectly consistent matrix has ratio 0; the 3 x 3 below has lambda 3.0385 and CR 0.033."""
    consistent = ranking.ahp_weights([[1, 2, 4], [1 / 2, 1, 2], [1 / 4, 1 / 2, 1]])
    assert consistent.weights == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert consistent.consistency_ratio == pytest.approx(0.0, abs=1e-12)
    found = ranking.ahp_weights([[1, 3, 5], [1 / 3, 1, 3], [1 / 5, 1 / 3, 1]])
    assert found.weights == pytest.approx([0.637, 0.258, 0.105], abs=5e-4)
    assert found.consistency_ratio == pytest.approx(0.0332, abs=5e-4)
    assert found.is_consistent
    assert not ranking.ahp_weights([[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]]).is_consistent


def test_ahp_says_which_judgements_contradict():
    with pytest.raises(RankingError, match=r"\(0, 1\) = 3 and \(1, 0\) = 0.5 must be reciprocals"):
        ranking.ahp_weights([[1, 3], [0.5, 1]])
    with pytest.raises(RankingError, match="must be above 0"):
        ranking.ahp_weights([[1, 0], [np.inf, 1]])
    with pytest.raises(RankingError, match="one row and one column"):
        ranking.ahp_weights([[1, 2]])


def test_entropy_gives_weight_where_sites_differ():
    """Shares (0, 1/3, 2/3), (4/7, 3/7, 0), (1/3, 2/3, 0): entropies by hand."""

    def entropy(*shares):
        return -sum(p * np.log(p) for p in shares if p) / np.log(3)

    spread = 1 - np.array([entropy(1 / 3, 2 / 3), entropy(4 / 7, 3 / 7), entropy(1 / 3, 2 / 3)])
    assert ranking.entropy_weights(TOY) == pytest.approx(spread / spread.sum())


def test_critic_halves_the_weight_of_a_criterion_told_twice():
    values = np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [2.0, 2.0, 1.0], [3.0, 3.0, 0.0]])
    weights = ranking.critic_weights(named(values))
    assert weights.sum() == pytest.approx(1.0)
    assert weights[0] == pytest.approx(weights[1])
    assert weights[2] > weights[0]


@given(values=SOME)
def test_weights_from_data_sum_to_one_and_leave_out_what_tells_nothing(values):
    criteria = named(values)
    for weigh in (ranking.equal_weights, ranking.entropy_weights, ranking.critic_weights):
        weights = weigh(criteria)
        assert (weights >= 0.0).all()
        assert weights.sum() == pytest.approx(1.0)
        if criteria.decides.any():
            assert (weights[~criteria.decides] == 0.0).all()


def test_rank_stability_finds_the_share_of_weights_by_geometry():
    """Two criteria, sites (1, 0) and (0, 1): each is first for half of all weights. (0.4, 0.4) never is."""
    found = ranking.rank_stability(
        named(np.array([[1.0, 0.0], [0.0, 1.0], [0.4, 0.4]])), generator=np.random.default_rng(7), draws=20_000
    )
    assert found.probability.sum(axis=1) == pytest.approx([1, 1, 1])
    assert found.probability[:2, 0] == pytest.approx([0.5, 0.5], abs=5 * found.standard_error)
    assert found.within(1)[2] == 0.0


def test_rank_stability_is_seeded_and_narrow_where_weights_are_known():
    wide = [ranking.rank_stability(TOY, generator=np.random.default_rng(1), draws=500).probability for _ in range(2)]
    assert (wide[0] == wide[1]).all()
    known = ranking.rank_stability(TOY, generator=np.random.default_rng(1), draws=50, around=[2, 1, 1], spread=0.0)
    assert known.probability.argmax(axis=1).tolist() == [2, 0, 1]


@given(
    scores=hnp.arrays(
        np.float64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.integers(0, 4).map(float)
    )
)
def test_ranks_of_many_rows_equal_those_of_each(scores):
    assert ranking.ranks_of_rows(scores).tolist() == [ranking.ranks(row).tolist() for row in scores]


def test_the_table_keeps_raw_values_and_all_ranks():
    table = ranking.ranking_table(TOY, site_ids=["a", "b", "c"], weights={"by_hand": [2, 1, 1]})
    assert table["c"].tolist() == [20, 25, 40]
    assert table["rank:weighted_sum:by_hand"].tolist() == [3, 1, 2]
    assert {f"rank:{method}:by_hand" for method in ranking.METHODS} <= set(table.columns)


def test_faults_are_told_at_once():
    with pytest.raises(RankingError, match=r"'p', site 1: nan(?s:.*)'sideways'(?s:.*)stand twice"):
        Criteria(np.array([[1.0, 2.0], [np.nan, 1.0]]), ("more", "sideways"), ("p", "p"))
    with pytest.raises(RankingError, match="do not fit"):
        Criteria(np.ones((2, 3)), ("more",), ("p",))
    with pytest.raises(RankingError, match="weight of 'c'"):
        ranking.score(TOY, [1, -1, 1])
    with pytest.raises(RankingError, match="give one each"):
        ranking.score(TOY, [1, 1])
    with pytest.raises(RankingError, match="one of them above 0"):
        ranking.score(TOY, [0, 0, 0])
    with pytest.raises(RankingError, match="not known"):
        ranking.score(TOY, [1, 1, 1], method="luck")
    with pytest.raises(RankingError, match="draws = 0"):
        ranking.rank_stability(TOY, generator=np.random.default_rng(0), draws=0)
    with pytest.raises(RankingError, match="2 different ids for 3"):
        ranking.ranking_table(TOY, site_ids=["a", "b", "b"], weights={})
