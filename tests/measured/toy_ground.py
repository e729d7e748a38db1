"""The ground of a measure in the toy town (tests/toy/roads.py): the people of four places, and facilities at will.

On foot, 1 m/s. d0 at (30, 10), d1 at (250, -20), d2 at (1350, 40) on the island, d3 nowhere near a road.

::

                  A (0, 0)   F (200, -50)   H (1400, 0) on the island
    d0, village v1      40            230           980
    d1, village v2     270            120           770
    d2, village v3     990            840            90
    d3, no village     inf            inf           inf

v1 and v2 belong to township t1, v3 and the empty v4 to t2; the limit of every service is 15 minutes.
"""

import copy
import functools

import pandas as pd

from chongming_gis import coverage, measured, network, tables
from tests.toy import study as toy
from tests.toy.roads import FOOT, town

A, F, H = (0, 0), (200, -50), (1400, 0)
WALK = [{"mode": "foot", "minutes": 15}]


def the_people(**changes):
    table = {
        "persons": {"all": [10, 20, 30, 5], "old": [1, 2, 0, 5]},
        "township": ["t1", "t1", "t2", None],
        "village": ["v1", "v2", "v3", None],
    }
    return toy.demand([(30, 10), (250, -20), (1350, 40), (9000, 0)], **{**table, **changes})


def the_study(services, **sections):
    """A study with one service of each name, and the sections given (``measures``, ``needs``)."""
    content = toy.content(**sections) if not sections else {**toy.content(), **sections}
    model = content["services"][0]
    content["services"] = [
        {**copy.deepcopy(model), "id": name, "standards": [{**model["standards"][0], "limits": WALK}], **more}
        for name, more in services.items()
    ]
    return toy.config.parse_study(content, folder=toy.Path())


def places_of(service, xy, **columns):
    """Facilities <service>0, <service>1, ..."""
    frame = toy.facilities(xy, **columns)
    return frame.assign(
        facility_id=toy.text([f"{service}{i}" for i in range(len(xy))]), service=toy.text([service] * len(xy))
    )


def capacities(rows):
    """A table of capacity from (facility, unit, value, used)."""
    table = pd.DataFrame(rows, columns=["facility_id", "unit", "value", "used"])
    return table.astype({"facility_id": "str", "unit": "str", "value": float, "used": float})


@functools.cache
def the_network():
    return network.compile_network(town(), FOOT)


def make_ground(study, facilities, *, people=None, capacity=None):
    """What a measure stands on; ``facilities`` are frames by service, ``capacity`` tables by service."""
    people = people or the_people()
    net = the_network()
    at = {name: toy.places([net], frame) for name, frame in facilities.items()}
    demand = toy.places([net], people.points)
    access = pd.concat(
        [
            coverage.measure_access(
                study.service(name), demand=demand, facilities=places, networks={"foot": net}, search_limit_s=14_400.0
            )
            for name, places in at.items()
        ],
        ignore_index=True,
    )
    villages = toy.areas(["v1", "v2", "v3", "v4"], tables.VILLAGES)
    inputs = tables.StudyInputs(
        roads=town(),
        demand=people,
        facilities={
            name: tables.Facilities(frame, (capacity or {}).get(name, capacities([])))
            for name, frame in facilities.items()
        },
        townships=toy.areas(["t1", "t2"]),
        villages=villages.assign(township_code=toy.text(["t1", "t1", "t2", "t2"])),
        land=tables.no_rows(tables.LAND, people.points.crs),
        region=None,
    )
    shares = coverage.measure_coverage(
        access, demand=people, study=study, townships=inputs.townships, villages=inputs.villages
    )
    return measured.Groundwork(study, inputs, {"foot": net}, demand, at, access, shares)
