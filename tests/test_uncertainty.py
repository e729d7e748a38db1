"""Certainty: draws by hand, a loop as the slow twin, and what must always hold."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chongming_gis import uncertainty
from chongming_gis.errors import TableError
from chongming_gis.measuremodel import CertaintyConfig

SOURCE = "test"


def config(**changes):
    content = {
        "draws": 2000,
        "speeds": [{"mode": "walk", "low": 0.8, "high": 1.25, "source": SOURCE}],
        "path": {"low": 0.9, "likely": 0.95, "high": 1.0, "source": SOURCE},
        "snap_m": {"low": 100, "likely": 200, "high": 300, "source": SOURCE},
        "population_sigma": 0.2,
        "population_source": SOURCE,
    }
    return CertaintyConfig.model_validate({**content, **changes})


def trip(moving, *, mode="walk", crossing=0.0, headway=0.0, snap=10.0, limit=900.0):
    n = len(moving)
    full = {"crossing_s": crossing, "headway_s": headway, "snap_m": snap, "limit_s": limit}
    parts = {name: np.broadcast_to(np.asarray(value, dtype=float), n).copy() for name, value in full.items()}
    return [uncertainty.Trip(mode=np.full(n, mode, dtype=object), moving_s=np.asarray(moving, dtype=float), **parts)]


def fixed(*, speed, path, wait, snap_m, people=None):
    n = len(speed)
    numbers = [np.asarray(values, dtype=float) for values in (path, wait, snap_m)]
    people = np.ones((n, 1)) if people is None else np.asarray(people, dtype=float)
    return uncertainty.Draws({"walk": np.asarray(speed, dtype=float)}, *numbers, people)


def whole(n):
    return sparse.csr_matrix(np.ones((1, n)))


def test_three_draws_by_hand():
    """At 1, 1.25 and 0.8 of the speed 900 s become 900, 720, 1125; 1000 s become 1000, 800, 1250; the limit is 900."""
    draws = fixed(speed=[1, 1.25, 0.8], path=[1, 1, 1], wait=[0, 0, 0], snap_m=[50, 50, 50])
    found = uncertainty.measure_certainty(
        trip([900, 1000, np.inf]), draws, persons=np.array([10.0, 20, 30]), area=np.zeros(3, int), member=whole(3)
    )
    assert found.share[:, 0].tolist() == pytest.approx([10 / 60, 30 / 60, 0.0])
    assert found.covered_share.tolist() == pytest.approx([2 / 3, 1 / 3, 0.0])


def test_a_ferry_keeps_its_times_and_a_far_home_its_distance():
    """400 s of walking, 300 s of crossing, a headway of 600 s: 700 + wait x 600; a short snap limit loses it."""
    draws = fixed(speed=[1, 1, 2, 1], path=[1, 1, 1, 0.5], wait=[0, 0.5, 0.5, 0.5], snap_m=[50, 50, 50, 5])
    found = uncertainty.measure_certainty(
        trip([400], crossing=300, headway=600), draws, persons=np.ones(1), area=np.zeros(1, int), member=whole(1)
    )
    # 700, 1000, 200 + 600 = 800, and too far from a road
    assert found.share[:, 0].tolist() == [1.0, 0.0, 1.0, 0.0]


def test_cars_miss_no_paths():
    """1,000 s of driving stay 1,000 s, of walking become 800 s."""
    draws = dataclasses.replace(fixed(speed=[1], path=[0.8], wait=[0], snap_m=[50]), on_map=frozenset({"car"}))
    draws = dataclasses.replace(draws, speed={**draws.speed, "car": np.ones(1)})
    for mode, share in (("walk", 1.0), ("car", 0.0)):
        found = uncertainty.measure_certainty(
            trip([1000], mode=mode), draws, persons=np.ones(1), area=np.zeros(1, int), member=whole(1)
        )
        assert found.share.tolist() == [[share]]


def test_the_quickest_of_several_ways_counts_in_each_draw():
    """On foot 900 s, by ferry 300 s and a wait of up to 1,200 s: slow feet take the boat when it comes soon."""
    draws = fixed(speed=[1, 0.5, 0.5], path=[1, 1, 1], wait=[1, 0, 1], snap_m=[50, 50, 50])
    ways = [*trip([900, 900]), *trip([300, np.inf], headway=1200)]
    found = uncertainty.measure_certainty(
        ways, draws, persons=np.ones(2), area=np.zeros(2, int), member=sparse.csr_matrix(np.eye(2))
    )
    assert found.share.T.tolist() == [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_people_count_by_their_area():
    draws = fixed(speed=[1, 1], path=[1, 1], wait=[0, 0], snap_m=[50, 50], people=[[1.0, 3.0], [2.0, 1.0]])
    member = sparse.csr_matrix(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))
    found = uncertainty.measure_certainty(
        trip([100, 2000, 100]), draws, persons=np.array([1.0, 1.0, 2.0]), area=np.array([0, 1, -1]), member=member
    )
    assert found.share[:, 0].tolist() == pytest.approx([(1 + 2) / (1 + 3 + 2), (2 + 2) / (2 + 1 + 2)])
    assert np.isnan(found.share[:, 1]).all()
    assert uncertainty.status_changes(found, level=0.5, confidence=0.9).tolist() == ["reached", "nobody"]


def test_status_by_hand():
    """Of ten draws the three units are above the half in 10, 5 and 0."""
    share = np.array([[0.9, 0.9 if i < 5 else 0.1, 0.2] for i in range(10)])
    found = uncertainty.Certainty(share, np.zeros(1))
    assert uncertainty.status_changes(found, level=0.5, confidence=0.9).tolist() == [
        "reached",
        "uncertain",
        "not_reached",
    ]
    low, middle, high = found.interval(0.8)
    assert low[0] == middle[0] == high[0] == pytest.approx(0.9)
    assert (low[1], high[1]) == pytest.approx((0.1, 0.9))


def test_draws_keep_to_their_ranges_and_means():
    drawn = uncertainty.draw(config(draws=20_000), modes=["walk", "ebike"], n_areas=3, seed=7)
    assert (drawn.speed["walk"] >= 0.8).all()
    assert (drawn.speed["walk"] <= 1.25).all()
    assert drawn.speed["walk"].mean() == pytest.approx((0.8 + 1.0 + 1.25) / 3, abs=0.005)  # of a triangle
    assert drawn.path.mean() == pytest.approx(0.95, abs=0.001)
    assert (drawn.speed["ebike"] == 1.0).all()
    assert drawn.wait.mean() == pytest.approx(0.5, abs=0.01)
    assert drawn.people.mean() == pytest.approx(1.0, abs=0.01)
    assert (drawn.snap_m.min(), drawn.snap_m.max()) == pytest.approx((100.0, 300.0), abs=0.5)


def test_the_same_seed_gives_the_same_draws_and_a_range_less_shifts_no_other():
    one = uncertainty.draw(config(), modes=["walk", "ebike"], n_areas=2, seed=1)
    other = uncertainty.draw(config(speeds=[]), modes=["walk", "ebike"], n_areas=2, seed=1)
    assert one.path.tobytes() == other.path.tobytes()
    assert one.people.tobytes() == other.people.tobytes()
    assert uncertainty.draw(config(), modes=["walk"], n_areas=2, seed=2).path.tobytes() != one.path.tobytes()


def test_a_range_of_no_width_is_a_number():
    point = {"low": 1.0, "likely": 1.0, "high": 1.0, "source": SOURCE}
    drawn = uncertainty.draw(config(path=point, speeds=[]), modes=["walk"], n_areas=1, seed=1)
    assert (drawn.path == 1.0).all()


def test_ranges_must_ascend():
    with pytest.raises(ValueError, match="must ascend"):
        config(path={"low": 1.0, "likely": 0.9, "high": 1.1, "source": SOURCE})


def test_lengths_must_agree():
    draws = fixed(speed=[1], path=[1], wait=[0], snap_m=[50])
    with pytest.raises(TableError, match="2 persons, 1 trips and 1 areas must agree"):
        uncertainty.measure_certainty(trip([1]), draws, persons=np.ones(2), area=np.zeros(1, int), member=whole(2))


@settings(max_examples=40)
@given(st.integers(1, 9), st.integers(1, 130), st.integers(0, 2**32 - 1))
def test_it_equals_a_loop_over_draws_and_points(n, n_draws, seed):
    rng = np.random.default_rng(seed)
    some = trip(rng.choice([100.0, 600.0, 900.0, np.inf], n), crossing=rng.choice([0.0, 200.0], n),
                headway=rng.choice([0.0, 600.0], n), snap=rng.uniform(0, 100, n))  # fmt: skip
    draws = fixed(speed=rng.uniform(0.8, 1.2, n_draws), path=rng.uniform(0.9, 1, n_draws), wait=rng.random(n_draws),
                  snap_m=rng.uniform(0, 120, n_draws), people=rng.uniform(0.5, 2, (n_draws, 3)))  # fmt: skip
    persons, area = rng.integers(0, 5, n).astype(float), rng.integers(-1, 3, n)
    member = sparse.csr_matrix((rng.random((2, n)) < 0.7).astype(float))
    found = uncertainty.measure_certainty(some, draws, persons=persons, area=area, member=member)
    for d in range(n_draws):
        reached, counted = np.zeros(2), np.zeros(2)
        for i in range(n):
            time_s = some[0].moving_s[i] * draws.path[d] / draws.speed["walk"][d]
            time_s += some[0].crossing_s[i] + draws.wait[d] * some[0].headway_s[i]
            count = persons[i] * (draws.people[d, area[i]] if area[i] >= 0 else 1.0)
            for unit in range(2):
                if member[unit, i]:
                    counted[unit] += count
                    reached[unit] += count * (time_s <= some[0].limit_s[i] and some[0].snap_m[i] <= draws.snap_m[d])
        expected = np.divide(reached, counted, out=np.full(2, np.nan), where=counted > 0)
        np.testing.assert_allclose(found.share[d], expected, atol=1e-12)


def test_faster_never_covers_less():
    draws = fixed(speed=np.linspace(0.5, 2, 50), path=np.ones(50), wait=np.full(50, 0.5), snap_m=np.full(50, 50.0))
    rng = np.random.default_rng(3)
    found = uncertainty.measure_certainty(
        trip(rng.uniform(0, 2000, 200)), draws, persons=np.ones(200), area=np.zeros(200, int), member=whole(200)
    )
    assert (np.diff(found.share[:, 0]) >= 0).all()
