"""What OSM tags mean for a way of getting there: who may use an edge, in which direction, how fast.

The rules follow the OSM wiki's *Key:access* (the more specific key wins), *Key:oneway*, *Key:barrier* and
*Tag:route=ferry*. Text tags in, seconds out; no graph is built here. Decisions that differ between routers are listed
in ``docs/decisions.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from chongming_gis.errors import NetworkError
from chongming_gis.units import KMH_PER_MS, SECONDS_PER_MINUTE, kmh_to_ms, minutes_to_seconds, parse_speed_kmh

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.config import ModeConfig, StudyConfig
    from chongming_gis.tables import RoadTables

    Floats = npt.NDArray[np.float64]
    Claims = npt.NDArray[np.bool_]

Access = Literal["foot", "bicycle", "motor_vehicle"]
ACCESS_KINDS: tuple[Access, ...] = ("foot", "bicycle", "motor_vehicle")
ANY_CLASS = "default"  # key of a speed table: the speed of every class that it does not name

#: Mean car speeds of a travel-time study of Nanjing's elder canteens (Land 2025 14(11):2272): motorway 80, primary 60,
#: secondary 40, local 20 km/h; classes between them take the value of the class they serve as.
CAR_SPEED_KMH: Mapping[str, float] = {
    "motorway": 80.0,
    "motorway_link": 40.0,
    "trunk": 60.0,
    "trunk_link": 40.0,
    "primary": 60.0,
    "primary_link": 40.0,
    "secondary": 40.0,
    "secondary_link": 40.0,
    "tertiary": 40.0,
    "tertiary_link": 20.0,
    ANY_CLASS: 20.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TravelMode:
    """A way of getting there.

    Parameters
    ----------
    name : shown in tables.
    access : whose access tags bind: ``foot``, ``bicycle`` (e-bikes too) or ``motor_vehicle``.
    speed_kmh : one speed, or a speed per highway class; the key ``default`` stands for the classes not named, and
        without it those classes are closed.
    off_network_speed_kmh : between a point and the road it snaps to.
    max_snap_m : points farther from every usable road are unreachable.
    ferry_speed_kmh, ferry_headway_s : for ferries whose crossing time or headway is not tagged.
    tiny_piece_m : pieces of network with less length than this are avoided by snapping when a larger one is within
        ``max_snap_m``.

    Raises
    ------
    NetworkError
        An unknown kind of access, or a speed or limit that is not a positive number.
    """

    name: str
    access: Access
    speed_kmh: float | Mapping[str, float]
    off_network_speed_kmh: float
    max_snap_m: float
    ferry_speed_kmh: float = 15.0  # planning assumption
    ferry_headway_s: float = 30.0 * SECONDS_PER_MINUTE  # planning assumption
    tiny_piece_m: float = 500.0  # planning assumption

    def __post_init__(self) -> None:
        if self.access not in ACCESS_KINDS:
            raise NetworkError(f"mode {self.name!r}: access {self.access!r} is not one of {', '.join(ACCESS_KINDS)}")
        speeds = self.speed_kmh if isinstance(self.speed_kmh, Mapping) else {"speed_kmh": self.speed_kmh}
        positive = {**speeds, "off_network_speed_kmh": self.off_network_speed_kmh, "max_snap_m": self.max_snap_m}
        positive["ferry_speed_kmh"] = self.ferry_speed_kmh
        wrong = [f"{key} = {value}" for key, value in positive.items() if not 0 < value < np.inf]
        not_negative = {"ferry_headway_s": self.ferry_headway_s, "tiny_piece_m": self.tiny_piece_m}
        wrong += [f"{key} = {value}" for key, value in not_negative.items() if not 0 <= value < np.inf]
        if wrong:
            raise NetworkError(f"mode {self.name!r}: must be positive numbers: {', '.join(wrong)}")


#: Presets with cited values. Walking speeds: 1.0 m/s is the usual design speed for older people at crossings; the
#: frail value 0.8 m/s is the slow-gait threshold (AWGS 2019); 1.24 m/s is the mean of people over 60 (Kasovic 2021,
#: doi 10.2147/CIA.S290071). E-bike: 15 km/h is the legal limit in lanes for non-motor vehicles (Road Traffic Safety
#: Law, art. 58). Snap limits and off-network speeds are planning assumptions.
PRESETS: Mapping[str, TravelMode] = {
    "older_walk": TravelMode(
        name="older_walk", access="foot", speed_kmh=3.6, off_network_speed_kmh=3.6, max_snap_m=300.0
    ),
    "older_walk_frail": TravelMode(
        name="older_walk_frail", access="foot", speed_kmh=2.88, off_network_speed_kmh=2.88, max_snap_m=300.0
    ),
    "older_walk_fit": TravelMode(
        name="older_walk_fit", access="foot", speed_kmh=4.464, off_network_speed_kmh=4.464, max_snap_m=300.0
    ),
    "ebike": TravelMode(name="ebike", access="bicycle", speed_kmh=15.0, off_network_speed_kmh=3.6, max_snap_m=300.0),
    "car": TravelMode(
        name="car", access="motor_vehicle", speed_kmh=CAR_SPEED_KMH, off_network_speed_kmh=3.6, max_snap_m=500.0
    ),
}

DISMOUNT_SPEED_KMH = 3.6  # bicycle=dismount: pushed at an older person's walking speed

_ALLOWS = frozenset({"yes", "permissive", "designated", "official", "destination", "customers", "delivery", "public"})
_ALLOWS |= {"discouraged", "dismount"}
_FORBIDS = frozenset({"no", "private", "agricultural", "forestry", "emergency", "military", "use_sidepath"})
_FORBIDS |= {"permit", "residents", "restricted"}

_MOTORWAY = frozenset({"motorway", "motorway_link"})
_TRUNK = frozenset({"trunk", "trunk_link"})
_CLOSED_TO_ALL = frozenset({"construction", "proposed", "planned", "abandoned", "razed", "raceway", "bus_guideway"})
_CLOSED_TO_ALL |= {"escape", "emergency_bay"}
_CLOSED_UNLESS_TAGGED: Mapping[Access, frozenset[str]] = {
    "foot": _CLOSED_TO_ALL | _MOTORWAY | {"busway"},
    "bicycle": _CLOSED_TO_ALL
    | _MOTORWAY
    | {"busway", "footway", "pedestrian", "steps", "corridor", "elevator", "bridleway", "platform", "via_ferrata"},
    "motor_vehicle": _CLOSED_TO_ALL
    | {"busway", "footway", "pedestrian", "steps", "corridor", "elevator", "bridleway", "platform", "via_ferrata"}
    | {"path", "cycleway", "track", "trail", "crossing"},
}
_NEVER: Mapping[Access, frozenset[str]] = {  # no tag opens these: there is no such way on the ground
    "foot": _MOTORWAY | _CLOSED_TO_ALL,
    "bicycle": _MOTORWAY | _CLOSED_TO_ALL | {"steps", "elevator", "via_ferrata"},
    "motor_vehicle": _CLOSED_TO_ALL | {"steps", "elevator", "corridor", "via_ferrata"},
}

#: Barriers that let a mode pass when their access tags say nothing; for cars and bicycles every other barrier stops.
_CAR_PASSES = frozenset(
    {"cattle_grid", "border_control", "toll_booth", "sally_port", "gate", "lift_gate", "swing_gate", "no", "entrance"}
    | {"height_restrictor", "arch", "kerb", "bump_gate", "hampshire_gate", "sliding_gate", "checkpoint"}
)
_WHEELS_ON_FOOT_PASS = _CAR_PASSES | frozenset(
    {"bollard", "block", "cycle_barrier", "chain", "bus_trap", "sump_buster", "motorcycle_barrier", "planter", "rope"}
    | {"spikes", "wicket_gate", "swing_gate", "debris", "log", "horse_stile"}
)
_STOPS_FEET = frozenset({"fence", "wall", "hedge", "city_wall", "retaining_wall", "ditch"})

_FORWARD = frozenset({"yes", "true", "1"})
_BACKWARD = frozenset({"-1", "reverse"})
_NEITHER = frozenset({"reversible"})  # open one way at a time, and no tag says when

#: maxspeed values that are words. CN: Road Traffic Safety Law, implementing regulations art. 45(2), and art. 78 for
#: motorways; others by the OSM wiki's table of implicit limits.
_IMPLICIT_KMH: Mapping[str, float] = {
    "urban": 50.0,
    "rural": 70.0,
    "motorway": 120.0,
    "living_street": 20.0,
    "walk": 7.0,
}


def preset(name: str) -> TravelMode:
    """Return one of the modes with cited values.

    Raises
    ------
    NetworkError
        There is no such preset; the message lists them.

    Examples
    --------
    >>> preset("ebike").speed_kmh
    15.0
    """
    if name not in PRESETS:
        raise NetworkError(f"there is no travel mode {name!r}; presets are {', '.join(PRESETS)}")
    return PRESETS[name]


def mode_of_study(
    config: ModeConfig, *, ferry_speed_kmh: float, ferry_headway_min: float, tiny_piece_m: float
) -> TravelMode:
    """Return the travel mode that a study declares: its preset with what the study changes."""
    base = preset(config.preset)
    speed = config.speed_kmh if config.speed_kmh is not None else base.speed_kmh
    off_speed = config.off_network_speed_kmh
    if off_speed is None:  # a walker leaves the road at the speed at which this study lets people walk
        off_speed = speed if base.access == "foot" and isinstance(speed, float) else base.off_network_speed_kmh
    return TravelMode(
        name=config.id,
        access=base.access,
        speed_kmh=speed,
        off_network_speed_kmh=off_speed,
        max_snap_m=config.max_snap_m if config.max_snap_m is not None else base.max_snap_m,
        ferry_speed_kmh=ferry_speed_kmh,
        ferry_headway_s=minutes_to_seconds(ferry_headway_min),
        tiny_piece_m=tiny_piece_m,
    )


def modes_of_study(study: StudyConfig, names: Iterable[str]) -> list[TravelMode]:
    """Return the travel modes of a study that are named, in its order."""
    roads, used = study.sources.roads, set(names)
    return [
        mode_of_study(
            mode,
            ferry_speed_kmh=roads.ferry_speed_kmh,
            ferry_headway_min=roads.ferry_headway_min,
            tiny_piece_m=study.region.snap_tiny_piece_m,
        )
        for mode in study.modes
        if mode.id in used
    ]


@dataclass(frozen=True, slots=True)
class EdgeUse:
    """How a mode uses each edge: seconds each way (inf = closed), and whether points may snap to it."""

    forward_s: Floats
    backward_s: Floats
    can_snap: Claims


def edge_use(roads: RoadTables, mode: TravelMode) -> EdgeUse:
    """Return the seconds along and against each edge, in the order of ``roads.edges``.

    Notes
    -----
    Ferries cost their crossing plus half the headway, each in proportion to the edge's share of its way. Points never
    snap to ferries, tunnels and motorways, from which there is no way to the ground beside them.
    """
    edges = roads.edges
    is_ferry, crossing_s, headway_s = ferry_parts(edges, mode)
    is_open = _is_open(edges, mode, is_ferry)
    along, against = _directions(edges, mode, is_ferry)
    seconds = np.where(is_ferry, crossing_s + headway_s / 2.0, _road_seconds(edges, mode))
    is_open = is_open & np.isfinite(seconds)
    tunnel = edges["tunnel"].notna().to_numpy() & ~_is(edges["tunnel"], "no")
    return EdgeUse(
        forward_s=np.where(is_open & along, seconds, np.inf),
        backward_s=np.where(is_open & against, seconds, np.inf),
        can_snap=is_open & ~is_ferry & ~tunnel & ~_among(edges["highway"], _MOTORWAY),
    )


def blocked_nodes(roads: RoadTables, mode: TravelMode) -> Claims:
    """Return which nodes stop the mode: a barrier it cannot pass, or one whose access tags forbid it."""
    nodes = roads.nodes
    has_barrier = nodes["barrier"].notna().to_numpy()
    tagged = _tagged_access(nodes, mode.access)
    if mode.access == "foot":
        passes = ~_among(nodes["barrier"], _STOPS_FEET)
    else:
        passes = _among(nodes["barrier"], _CAR_PASSES if mode.access == "motor_vehicle" else _WHEELS_ON_FOOT_PASS)
    return np.asarray(has_barrier & np.where(np.isnan(tagged), ~passes, tagged == 0.0), dtype=bool)


def _is_open(edges: pd.DataFrame, mode: TravelMode, is_ferry: Claims) -> Claims:
    highway = edges["highway"]
    tagged = _tagged_access(edges, mode.access)
    is_tagged = ~np.isnan(tagged)
    known = is_ferry | highway.notna().to_numpy()
    closed_by_class = _among(highway, _CLOSED_UNLESS_TAGGED[mode.access])
    never = _among(highway, _NEVER[mode.access])
    if mode.access == "motor_vehicle":  # a ferry takes cars only where it says so
        closed_by_class = closed_by_class | is_ferry
    else:
        tunnel = edges["tunnel"].notna().to_numpy() & ~_is(edges["tunnel"], "no")
        never = never | tunnel & _among(highway, _TRUNK)
        closed_by_class = closed_by_class | _is(edges["motorroad"], "yes")
    # a bare access=yes repeats the default of the class; only the mode's own key opens what its class closes
    own = _own_access(edges, mode.access)
    allowed = np.where(closed_by_class, own == 1.0, ~is_tagged | (tagged == 1.0))
    return np.asarray(known & allowed & ~never, dtype=bool)


def _tagged_access(frame: pd.DataFrame, access: Access) -> Floats:
    """Return 1 allowed, 0 forbidden, NaN not said, by the most specific tag that says something known."""
    own = _own_access(frame, access)
    general = _map_unique(frame["access"], _access_meaning)
    return np.where(np.isnan(own), general, own)


def _own_access(frame: pd.DataFrame, access: Access) -> Floats:
    return _map_unique(frame[access], _access_meaning)


def _access_meaning(text: str) -> float:
    values = {value.strip().lower() for value in text.split(";")}
    if values & _ALLOWS:
        return 1.0
    return 0.0 if values & _FORBIDS else np.nan


def _directions(edges: pd.DataFrame, mode: TravelMode, is_ferry: Claims) -> tuple[Claims, Claims]:
    oneway = edges["oneway"].str.lower()
    if mode.access == "foot":  # one-ways bind wheels, not feet; a boat that sails one way binds everyone
        oneway = oneway.where(is_ferry)
    else:
        implied = _among(edges["junction"], frozenset({"roundabout", "circular"})) | _is(edges["highway"], "motorway")
        oneway = oneway.mask(oneway.isna() & implied & ~is_ferry, "yes")
    if mode.access == "bicycle":
        oneway = edges["oneway_bicycle"].str.lower().combine_first(oneway)
    closed = _among(oneway, _NEITHER)
    return ~_among(oneway, _BACKWARD) & ~closed, ~_among(oneway, _FORWARD) & ~closed


def _road_seconds(edges: pd.DataFrame, mode: TravelMode) -> Floats:
    speed = _class_speed_kmh(edges["highway"], mode)
    if mode.access != "foot":  # a class without a speed (NaN) stays closed, whatever its limit
        limit = _map_unique(edges["maxspeed"], _maxspeed_kmh)
        speed = np.minimum(speed, np.where(np.isnan(limit), np.inf, limit))
    if mode.access == "bicycle":
        speed = np.where(_is(edges["bicycle"], "dismount"), np.minimum(speed, DISMOUNT_SPEED_KMH), speed)
    length_m = edges["length_m"].to_numpy(float)
    seconds: Floats = np.divide(length_m * KMH_PER_MS, speed, out=np.full(len(edges), np.inf), where=speed > 0)
    return seconds


def _class_speed_kmh(highway: pd.Series, mode: TravelMode) -> Floats:
    if not isinstance(mode.speed_kmh, Mapping):
        return np.full(len(highway), float(mode.speed_kmh))
    by_class = mode.speed_kmh
    rest = by_class.get(ANY_CLASS, np.nan)
    return _map_unique(highway, lambda name: by_class.get(name, rest))


def _maxspeed_kmh(text: str) -> float:
    """Return the lowest limit a maxspeed tag gives (NaN = none or not readable)."""
    limits = [_one_limit_kmh(part.strip()) for part in text.replace("|", ";").split(";")]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else np.nan


def _one_limit_kmh(text: str) -> float | None:
    number = parse_speed_kmh(text)
    if number is not None:
        return number if number > 0 else None
    word = text.lower().rpartition(":")[2]
    zone = word.removeprefix("zone")  # DE:zone30, DE:zone:30
    return float(zone) if zone.isdecimal() and int(zone) > 0 else _IMPLICIT_KMH.get(word)


def ferry_parts(edges: pd.DataFrame, mode: TravelMode) -> tuple[Claims, Floats, Floats]:
    """Return which edges are ferries, and of each the seconds of the crossing and its share of the headway (0 = none).

    Notes
    -----
    A missing duration is length by the mode's ferry speed, a missing headway the mode's.
    """
    is_ferry = _is(edges["route"], "ferry") & edges["highway"].isna().to_numpy()
    length_m = edges["length_m"].to_numpy(float)
    crossing = edges["duration_s"].to_numpy(float)
    crossing = np.where(np.isnan(crossing), length_m / kmh_to_ms(mode.ferry_speed_kmh), crossing)
    headway = edges["way_share"].to_numpy(float) * edges["headway_s"].fillna(mode.ferry_headway_s).to_numpy(float)
    return is_ferry, np.where(is_ferry, crossing, 0.0), np.where(is_ferry, headway, 0.0)


def _map_unique(column: pd.Series, meaning: Callable[[str], float]) -> Floats:
    """Return the meaning of each text, worked out once for each different text (NaN where there is none)."""
    codes, texts = pd.factorize(column)
    meanings = np.array([meaning(str(text)) for text in texts] + [np.nan])
    return np.asarray(meanings[codes], dtype=float)


def _is(column: pd.Series, value: str) -> Claims:
    return np.asarray(column.eq(value).fillna(value=False).to_numpy(), dtype=bool)


def _among(column: pd.Series, values: frozenset[str]) -> Claims:
    return np.asarray(column.isin(values).to_numpy(), dtype=bool)
