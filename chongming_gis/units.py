"""Conversions between what people write and what the core works in (metres, seconds, persons)."""

from __future__ import annotations

import re

SECONDS_PER_MINUTE = 60.0
SECONDS_PER_HOUR = 3600.0
M2_PER_KM2 = 1_000_000.0
KMH_PER_MS = 3.6
KM_PER_MILE = 1.609344  # international mile, exact
KM_PER_NAUTICAL_MILE = 1.852  # exact

_CLOCK = re.compile(r"^(?:(\d{1,3}):)?(\d{1,4})(?::(\d{1,2}))?$")
_ISO_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
_SPEED = re.compile(r"^(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots)?$")


def minutes_to_seconds(minutes: float) -> float:
    """Return seconds, to the microsecond that travel times are kept to.

    A limit of 4.1 minutes must not become 245.99999999999997 s, which would leave out who is exactly on it.

    Examples
    --------
    >>> minutes_to_seconds(15), minutes_to_seconds(4.1)
    (900.0, 246.0)
    """
    return round(float(minutes) * SECONDS_PER_MINUTE, 6)


def seconds_to_minutes(seconds: float) -> float:
    """Return minutes.

    Examples
    --------
    >>> seconds_to_minutes(900)
    15.0
    """
    return float(seconds) / SECONDS_PER_MINUTE


def kmh_to_ms(speed_kmh: float) -> float:
    """Return metres per second.

    Examples
    --------
    >>> kmh_to_ms(3.6)
    1.0
    """
    return float(speed_kmh) / KMH_PER_MS


def parse_duration_s(text: str) -> float | None:
    """Return the seconds of an OSM ``duration`` or ``interval`` tag, or None where it says nothing readable.

    Accepted are ``MM``, ``HH:MM``, ``HH:MM:SS`` and ISO 8601 (``PT1H30M``), as in the OSM wiki's *Key:duration*.

    Examples
    --------
    >>> parse_duration_s("10"), parse_duration_s("1:30"), parse_duration_s("00:05:30"), parse_duration_s("PT1H")
    (600.0, 5400.0, 330.0, 3600.0)
    >>> parse_duration_s("soon") is None
    True
    """
    text = text.strip()
    iso = _ISO_DURATION.match(text)
    if iso and any(iso.groups()):
        days, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    clock = _CLOCK.match(text)
    if not clock:
        return None
    first, second, third = clock.groups()
    if third is not None and first is None:
        return None
    return float(int(first or 0) * 3600 + int(second) * 60 + int(third or 0))


def parse_speed_kmh(text: str) -> float | None:
    """Return km/h of one number with an optional unit (``50``, ``30 mph``, ``10 knots``), or None.

    Examples
    --------
    >>> parse_speed_kmh("50"), parse_speed_kmh("50 km/h"), round(parse_speed_kmh("30 mph"), 2)
    (50.0, 50.0, 48.28)
    >>> parse_speed_kmh("walk") is None
    True
    """
    match = _SPEED.match(text.strip().lower())
    if not match:
        return None
    value = float(match.group(1))
    factor = {"mph": KM_PER_MILE, "knots": KM_PER_NAUTICAL_MILE}.get(match.group(2) or "", 1.0)
    return value * factor
