"""Raw OSM tags -> the tag columns of the road tables. What they allow is decided in ``network.rules``, not here.

Doors coalesce only where OSM itself says that one key refines another (wiki *Key:access*, transport mode hierarchy:
a motorcar is a motor_vehicle is a vehicle; a bicycle is a vehicle). Nothing else is interpreted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from chongming_gis import tables, units

#: Our column -> the OSM keys that may fill it, the most specific first.
FIRST_OF = {
    "motor_vehicle": ("motorcar", "motor_vehicle", "vehicle"),
    "bicycle": ("bicycle", "vehicle"),
}
NODE_TAGS = ("barrier", "access", "foot", "bicycle", "motor_vehicle")
_CYCLEWAYS = ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
_MAXSPEED_TYPES = ("maxspeed:type", "source:maxspeed")
_ZONE = r"^[A-Za-z]{2}(?:-[A-Za-z]+)?:\S+$"  # CN:urban; other values of these keys ("sign", "survey") are no speed

#: Keys that a door reads off a way, besides those that are the edge tags themselves.
RAW_KEYS = (
    *(tag for tag in tables.EDGE_TAGS if tag != "oneway_bicycle"),
    "oneway:bicycle",
    "motorcar",
    "vehicle",
    *_CYCLEWAYS,
    *_MAXSPEED_TYPES,
    "area",
    "duration",
    "interval",
)
#: Numbers that our own tables carry; a layer or graph written from them gives them back.
NUMBERS = ("duration_s", "headway_s", "way_share")
RAW_NODE_KEYS = (*NODE_TAGS, "motorcar", "vehicle")

#: Values of ``highway`` that are drawn but not there, so nobody can use them (wiki *Lifecycle prefix*).
NOT_EXISTING = (
    *("proposed", "construction", "planned", "abandoned", "razed", "disused"),
    *("demolished", "removed", "dismantled", "historic", "no"),
)
#: Values of ``highway`` on ways that outline a place instead of a line of travel, or are closed to all traffic.
NOT_A_WAY = ("rest_area", "services", "raceway", "toll_gantry", "traffic_signals", "bus_stop", "street_lamp")


def coalesce(raw: pd.DataFrame, keys: tuple[str, ...]) -> pd.Series:
    """Return the first present value of several columns (missing columns are skipped), NA where none has one."""
    present = [raw[key] for key in keys if key in raw.columns]
    result = present[0] if present else no_text(raw.index)
    for column in present[1:]:
        result = result.fillna(column)
    return result


def no_text(index: pd.Index) -> pd.Series:
    """Return a text column of missing values over an index."""
    return pd.Series(np.nan, index=index, dtype="str")


def edge_tags(raw: pd.DataFrame) -> pd.DataFrame:
    """Return the columns ``tables.EDGE_TAGS`` of ways or edges.

    Parameters
    ----------
    raw : text columns named by OSM keys (``RAW_KEYS``; any may be missing), one row a way. A column that is already
        called ``oneway_bicycle`` is taken as it is.

    Examples
    --------
    >>> raw = pd.DataFrame({"highway": ["primary", "path"], "vehicle": ["no", None], "cycleway": ["opposite", None]})
    >>> edge_tags(raw)[["highway", "bicycle", "motor_vehicle", "oneway_bicycle"]].iloc[0].tolist()
    ['primary', 'no', 'no', 'no']
    """
    columns = {tag: coalesce(raw, FIRST_OF.get(tag, (tag,))) for tag in tables.EDGE_TAGS}
    columns["oneway_bicycle"] = _oneway_bicycle(raw)
    zone = coalesce(raw, _MAXSPEED_TYPES)
    columns["maxspeed"] = columns["maxspeed"].fillna(zone.where(zone.str.match(_ZONE, na=False)))
    return pd.DataFrame(columns)


def node_tags(raw: pd.DataFrame) -> pd.DataFrame:
    """Return the columns ``barrier``, ``access``, ``foot``, ``bicycle``, ``motor_vehicle`` of nodes."""
    return pd.DataFrame({tag: coalesce(raw, FIRST_OF.get(tag, (tag,))) for tag in NODE_TAGS})


def _oneway_bicycle(raw: pd.DataFrame) -> pd.Series:
    stated = coalesce(raw, ("oneway:bicycle", "oneway_bicycle"))
    opposite = pd.Series(data=False, index=raw.index)
    for key in _CYCLEWAYS:
        if key in raw.columns:
            opposite |= raw[key].str.startswith("opposite", na=False)
    return stated.mask(stated.isna() & opposite, "no")


def is_ferry(raw: pd.DataFrame) -> pd.Series:
    """Return which ways are ferries: ``route=ferry`` and no ``highway``."""
    return (coalesce(raw, ("route",)) == "ferry").fillna(value=False) & coalesce(raw, ("highway",)).isna()


def drop_reasons(raw: pd.DataFrame, *, is_closed: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pd.Series:
    """Return why each way is not taken as a road, NA where it is.

    Who may use a road is no reason: a private drive stays. Dropped are what is not there (``not_existing``), what is
    drawn with ``highway`` but is not a line to travel on (``not_a_way``), squares and platforms drawn as areas
    (``area``: walking along the outline of a square is not walking across it), and the rest (``not_a_road``).
    """
    highway = coalesce(raw, ("highway",))
    area = coalesce(raw, ("area",)) == "yes"
    reasons = no_text(raw.index).mask(area | ((highway == "platform") & is_closed), "area")
    reasons = reasons.mask(highway.isin(NOT_A_WAY), "not_a_way")
    reasons = reasons.mask(highway.isin(NOT_EXISTING), "not_existing")
    return reasons.mask(highway.isna() & ~is_ferry(raw), "not_a_road")


def ferry_seconds(raw: pd.DataFrame, *, stated: str, tag: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return seconds for each ferry, NaN for roads and where nothing readable is said.

    Parameters
    ----------
    stated : a numeric column in seconds (``duration_s``), used where the layer has one.
    tag : the OSM tag (``duration``) that is parsed otherwise.
    """
    seconds = pd.to_numeric(raw[stated], errors="coerce") if stated in raw.columns else pd.Series(np.nan, raw.index)
    text = coalesce(raw, (tag,))
    parsed = {value: units.parse_duration_s(value) for value in text.dropna().unique()}
    seconds = seconds.astype(float).fillna(text.map(parsed).astype(float))
    return np.asarray(seconds.where(is_ferry(raw)), dtype=np.float64)
