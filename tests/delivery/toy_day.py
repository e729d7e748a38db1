"""Days of deliveries in a town of streets every 100 m, small enough to work out by hand.

Bicycles ride 5 m/s, cars 10 m/s; kitchens and drops stand on the crossings named by (column, row), so that a way takes
20 s or 10 s a block. The ferry leads from crossing (5, 0) to an island 1 km to the east: 300 s and 300 s of waiting.
Two streets farther on are joined to nothing.
"""

import functools

import numpy as np

from chongming_gis import network
from chongming_gis.delivery import Question, Rules, Stands
from chongming_gis.deliverymodel import VehicleConfig
from tests.toy import roads as toy

SIDE = 6
ISLAND = (15, 0)  # beyond the ferry, with one street to (16, 0)
APART = (30, 0)  # on a street of its own to (31, 0)


@functools.cache
def town(mode=toy.BIKE):
    number = {(x, y): 1 + x + SIDE * y for x in range(SIDE) for y in range(SIDE)}
    number |= {ISLAND: 900, (16, 0): 901, APART: 902, (31, 0): 903}
    streets = [
        (number[a], number[b], {"highway": "residential"})
        for a in number
        for b in ((a[0] + 1, a[1]), (a[0], a[1] + 1))
        if b in number
    ]
    streets.append((number[(5, 0)], number[ISLAND], {"route": "ferry", "duration_s": 300.0, "headway_s": 600.0}))
    places = {n: (100 * x, 100 * y) for (x, y), n in number.items()}
    return network.compile_network(toy.road_tables(places, streets), mode)


def vehicle(name="bike", **changes):
    content = {
        "id": name, "name_zh": "车", "name_en": name, "mode": "bike", "capacity_meals": 10, "per_kitchen": 1,
        "cost_per_km": 1.0, "cost_per_hour": 36.0, "cost_per_round": 1.0, "source": "test",
    }  # fmt: skip
    return VehicleConfig(**{**content, **changes})


def stands(prefix, crossings):
    """Places at crossings; None is nowhere near a road."""
    xy = [(9000, 9000) if at is None else (100 * at[0], 100 * at[1]) for at in crossings]
    points = toy.points(*xy)
    return Stands(
        tuple(f"{prefix}{i}" for i in range(len(xy))),
        np.array(xy, dtype=float).reshape(-1, 2) + toy.SOUTH_WEST,
        {mode.name: network.snap_points(town(mode), points) for mode in (toy.BIKE, toy.CAR)},
    )


def day(kitchens, drops, *, cooks, meals, vehicles=None, fleet=None, **rules):
    """A question; ``rules`` change deadline 600 s, back 1200 s, handover 0 s, one wave, price 100, 40 iterations."""
    vehicles = tuple(vehicles or (vehicle(),))
    known = {
        "deadline_s": 600.0,
        "back_s": 1200.0,
        "handover_s": 0.0,
        "n_waves": 1,
        "missed_meal_price": 100.0,
        "time_limit_s": 60.0,
    }
    fleet = [[v.per_kitchen for v in vehicles]] * len(kitchens) if fleet is None else fleet
    return Question(
        kitchens=stands("k", kitchens),
        cooks=np.array(cooks, dtype=np.int64),
        drops=stands("d", drops),
        meals=np.array(meals, dtype=np.int64),
        vehicles=vehicles,
        fleet=np.array(fleet, dtype=np.int64).reshape(len(kitchens), len(vehicles)),
        rules=Rules(**{**known, "iterations": 40, "seed": 1, **rules}),
        networks={mode.name: town(mode) for mode in (toy.BIKE, toy.CAR)},
    )
