"""p-dispersion: the best of all choices, its bound, and clear answers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis.errors import SitingError
from chongming_gis.siting import highs, p_dispersion


@st.composite
def tables(draw):
    n = draw(st.integers(1, 12))
    cell = st.one_of(st.integers(0, 12).map(float), st.just(math.inf))
    return np.array(draw(st.lists(st.lists(cell, min_size=n, max_size=n), min_size=n, max_size=n)))


@settings(max_examples=80)
@given(
    table=tables(),
    new_sites=st.integers(0, 6),
    existing=st.sets(st.integers(0, 11), max_size=2),
    forbidden=st.sets(st.integers(0, 11), max_size=2),
)
def test_the_choice_is_the_best_of_all(table, new_sites, existing, forbidden):
    existing, forbidden = (sorted(j for j in some if j < len(table)) for some in (existing, forbidden))
    apart = np.minimum(table, table.T)
    free = [j for j in range(len(table)) if j not in existing and j not in forbidden]

    def least(sites):
        pairs = [apart[pair] for pair in itertools.combinations(sites, 2)]
        return min(pairs + [apart[a, b] for a in sites for b in existing], default=math.inf)

    plan = p_dispersion(table, new_sites=new_sites, existing=existing, forbidden=forbidden)
    if new_sites > len(free):
        assert plan.status == "infeasible"
        assert f"only {len(free)}" in plan.reason
        return
    assert plan.status == "optimal"
    assert len(plan.chosen) == new_sites
    assert set(plan.chosen.tolist()) <= set(free)
    assert plan.objective == plan.bound == least(plan.chosen.tolist())
    assert plan.objective == max(least(sites) for sites in itertools.combinations(free, new_sites))


def test_a_worked_case():
    """Sites at 0, 1, 5, 9, 10 on a line."""
    at = np.array([0.0, 1.0, 5.0, 9.0, 10.0])
    table = np.abs(at[:, None] - at)
    assert p_dispersion(table, new_sites=3).chosen.tolist() == [0, 2, 4]
    assert p_dispersion(table, new_sites=3).objective == 5.0
    assert p_dispersion(table, new_sites=1, existing=[0, 2]).chosen.tolist() == [4]
    assert p_dispersion(table, new_sites=2, forbidden=[0, 4]).objective == 8.0
    assert p_dispersion(table, new_sites=1).objective == math.inf


def test_more_sites_stand_nearer_and_time_out_keeps_the_bound(monkeypatch):
    points = np.random.default_rng(1).uniform(0, 100, (60, 2))
    table = np.hypot(*(points[:, None] - points).transpose(2, 0, 1))
    plans = [p_dispersion(table, new_sites=p) for p in (3, 6, 9)]
    assert [plan.status for plan in plans] == ["optimal"] * 3
    assert plans[0].objective >= plans[1].objective >= plans[2].objective
    hasty = p_dispersion(table, new_sites=9, time_limit_s=0.0)
    assert hasty.objective <= plans[2].objective <= hasty.bound
    assert hasty.stop_reason == "time limit"

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(highs, "solve", interrupt)
    stopped = p_dispersion(table, new_sites=9)
    assert stopped.objective <= plans[2].objective <= stopped.bound


def test_all_faults_are_told_at_once():
    with pytest.raises(SitingError, match="NaN") as told:
        p_dispersion([[0.0, math.nan], [-1.0, 0.0]], new_sites=-1, existing=[5], target_gap=-1)
    assert all(name in str(told.value) for name in ("2 values", "new_sites", "existing", "target_gap"))
    with pytest.raises(SitingError, match="square"):
        p_dispersion([[0.0, 1.0]], new_sites=1)
