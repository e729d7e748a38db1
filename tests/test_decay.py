"""How much a facility counts at some travel time: every curve at 0, inside, at the catchment and beyond; bad ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chongming_gis import decay
from chongming_gis.errors import StudyError

EVERY = [
    *(decay.as_decay(name) for name in decay.NAMES),
    decay.Step(bounds=(0.5, 1.0), weights=(1.0, 0.09)),
    decay.Exponential(scale_s=120.0),
    decay.Bell(sigma_s=200.0),
    decay.Power(exponent=2.0, floor_s=30.0),
    decay.Own(lambda time_s: np.exp(-time_s / 400.0)),
]

# Seconds -> weight at a catchment of 900 s, from the formulas by hand.
BY_HAND = {
    "binary": {450: 1, 900: 1},
    "step": {300: 1, 300.5: 0.68, 600: 0.68, 601: 0.22, 900: 0.22},
    "linear": {225: 0.75, 900: 0},
    "exponential": {450: 0.1, 900: 0.01},
    "gaussian": {450: (math.exp(-1 / 8) - math.exp(-1 / 2)) / (1 - math.exp(-1 / 2)), 900: 0},
    "bell": {450: 0.01**0.25, 900: 0.01},
    "epanechnikov": {300: 8 / 9, 900: 0},
    "power": {30: 1, 60: 1, 120: 0.5, 900: 1 / 15},
}


@pytest.mark.parametrize("name", BY_HAND)
def test_every_named_decay_is_its_formula(name):
    curve = decay.as_decay(name)
    for time_s, weight in BY_HAND[name].items():
        assert curve(float(time_s), 900.0) == pytest.approx(weight, abs=1e-12), time_s


@pytest.mark.parametrize("curve", EVERY, ids=lambda curve: type(curve).__name__)
@given(times=st.lists(st.floats(0, 3000), min_size=1, max_size=20), catchment_s=st.floats(1, 2000))
def test_every_decay_starts_at_one_never_rises_and_ends(curve, times, catchment_s):
    ordered = np.sort(np.array([0.0, *times, catchment_s]))
    before = ordered.copy()
    weights = curve(ordered, catchment_s)
    assert weights[0] == 1.0
    assert (np.diff(weights) <= 1e-15).all()
    assert ((weights >= 0.0) & (weights <= 1.0)).all()
    assert (weights[ordered > catchment_s] == 0.0).all()
    assert (ordered == before).all()  # the times are not written over


@pytest.mark.parametrize("curve", EVERY, ids=lambda curve: type(curve).__name__)
def test_one_catchment_a_pair_gives_what_each_catchment_gives_alone(curve):
    times, catchments = np.array([0.0, 100.0, 500.0, 900.0]), np.array([0.0, 200.0, 400.0, 900.0])
    alone = [float(curve(t, c)) for t, c in zip(times, catchments, strict=True)]
    assert curve(times, catchments).tolist() == alone


def test_zones_end_where_they_say():
    """A third of 900 s is 300 s, though 900 * (1/3) may differ in the last bit; the same for all whole minutes."""
    for minutes in range(3, 120, 3):
        third = 60.0 * minutes / 3
        assert decay.Step()([third, 2 * third, 3 * third], 60.0 * minutes).tolist() == [1.0, 0.68, 0.22]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda t: 1.0 - t / 300.0, "gave -1 for 600 s"),
        (lambda t: np.where(t > 500.0, np.nan, 1.0), "gave nan for 600 s"),
        (lambda t: np.where(t > 500.0, np.inf, 1.0), "gave inf for 600 s"),
        (lambda t: t[:1], r"\(1,\) weights for \(2,\) times"),
    ],
)
def test_weights_that_are_none_are_refused(function, said):
    with pytest.raises(StudyError, match=said):
        decay.Own(function)([0.0, 600.0], 900.0)


def test_a_function_is_not_asked_beyond_the_catchment():
    """1 - t/900 is negative beyond 900 s; nobody needs to know."""
    assert decay.as_decay(lambda t: 1.0 - t / 900.0)([450.0, 2000.0], 900.0).tolist() == [0.5, 0.0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: decay.Step(bounds=(0.5, 0.4, 1.0)),
        lambda: decay.Step(bounds=(0.5, 0.9), weights=(1.0, 0.5)),
        lambda: decay.Step(bounds=(0.5, 1.0)),
        lambda: decay.Step(weights=(1.0, 0.5, 0.6)),
        lambda: decay.Step(weights=(1.0, 0.5, -0.6)),
        lambda: decay.Exponential(scale_s=0.0),
        lambda: decay.Bell(sigma_s=float("nan")),
        lambda: decay.Power(exponent=-1.0),
        lambda: decay.as_decay("cubic"),
        lambda: decay.as_decay(3),
    ],
)
def test_parameters_out_of_range_are_refused(make):
    with pytest.raises(StudyError):
        make()
