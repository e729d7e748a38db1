"""Conversions, and the tags that people write times and speeds in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import units


@pytest.mark.parametrize(("minutes", "seconds"), [(15, 900.0), (0.5, 30.0), (4.1, 246.0), (16.4, 984.0), (1 / 3, 20.0)])
def test_minutes_are_seconds_to_the_microsecond(minutes, seconds):
    assert units.minutes_to_seconds(minutes) == seconds


@settings(max_examples=200)
@given(st.integers(1, 100_000))
def test_tenths_of_minutes_are_whole_multiples_of_six_seconds(tenths):
    """A limit that a person writes with one decimal loses nothing, so "inclusive" means inclusive."""
    assert units.minutes_to_seconds(tenths / 10) == 6 * tenths
    assert units.seconds_to_minutes(6.0 * tenths) == pytest.approx(tenths / 10)


def test_speeds_are_metres_a_second():
    assert units.kmh_to_ms(36) == 10.0
    assert units.kmh_to_ms(3.6) == 1.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 600.0),
        ("90", 5400.0),
        ("0:10", 600.0),
        ("1:30", 5400.0),
        ("01:30", 5400.0),
        ("00:05:30", 330.0),
        ("100:00", 360_000.0),
        (" 00:20 ", 1200.0),
        ("PT1H30M", 5400.0),
        ("PT45S", 45.0),
        ("P1D", 86_400.0),
        ("P1DT2H", 93_600.0),
        ("0", 0.0),
    ],
)
def test_durations_as_osm_writes_them(text, seconds):
    """Key:duration: minutes, HH:MM, HH:MM:SS, or ISO 8601."""
    assert units.parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10 min", "-10", "1:2:3:4", "PT", "P", ":30", "1.5", "P1W", "10;20", "²"])
def test_durations_that_say_nothing(text):
    assert units.parse_duration_s(text) is None


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50.0),
        ("7.5", 7.5),
        (" 50 ", 50.0),
        ("50 km/h", 50.0),
        ("50KMH", 50.0),
        ("50 kph", 50.0),
        ("30 mph", 48.28032),
        ("30mph", 48.28032),
        ("10 knots", 18.52),
        ("0", 0.0),
    ],
)
def test_speeds_of_one_number(text, kmh):
    """1 mile = 1.609344 km, 1 nautical mile = 1.852 km, both exact by definition."""
    assert units.parse_speed_kmh(text) == pytest.approx(kmh, rel=1e-12)


@pytest.mark.parametrize("text", ["", "walk", "none", "50;80", "-50", "50 m/s", "CN:urban", "5 0", "1e2", "km/h", "."])
def test_speeds_that_say_nothing(text):
    assert units.parse_speed_kmh(text) is None


@settings(max_examples=200)
@given(st.text(max_size=12))
def test_no_tag_breaks_a_parser(text):
    """Whatever a mapper wrote: a number that is not negative, or nothing."""
    for parse in (units.parse_duration_s, units.parse_speed_kmh):
        value = parse(text)
        assert value is None or value >= 0.0
