"""Need against capacity in the toy town (tests/toy/roads.py); on foot metres are seconds."""

import numpy as np
import pandas as pd
import pytest

from chongming_gis import network, provision, reach, tables
from tests.toy import roads
from tests.toy import study as toy


@pytest.fixture(scope="module")
def nets():
    return [network.compile_network(roads.town(), mode) for mode in (roads.FOOT, roads.BIKE)]


def people(**changes):
    """Three points on A - B and one on the island: 10, 20, 30 and 40 people of 60 and over."""
    made = {
        "persons": {"all": [100.0] * 4, "old": [10.0, 20.0, 30.0, 40.0]},
        "township": ["t1", "t1", "t2", "t2"],
        "village": ["v1", "v1", "v2", "v4"],
        **changes,
    }
    return toy.demand([(0, 0), (20, 0), (40, 0), (1300, 0)], **made)


def measure(nets, demand, places, capacity, *, need):
    study = toy.study()
    service = study.services[0]
    return provision.measure_provision(
        service,
        need=np.asarray(need, dtype=float),
        capacity=np.asarray(capacity, dtype=float),
        demand=toy.places(nets, demand.points),
        facilities=toy.places(nets, places),
        networks={net.mode.name: net for net in nets},
        search_limit_s=7200.0,
    )


def test_three_numbers_and_the_way_to_a_place_by_hand(nets):
    """f0 at 60 m from A has 5 places, f1 at H on the island has 100; on A - B only f0 is within 900 s.

    Needs are 1, 2, 3 (A - B) and 4 (island): f0 serves 5 of the 6. With least travel the third (20 m away) and the
    second (40 m) are served whole; the first gets nothing and would find a place at H:
    300 + ferry 300 + 600 / 2 + 100 = 1000 s.
    """
    places = toy.facilities([(60, 0), (1400, 0)])
    found = measure(nets, people(), places, [5.0, 100.0], need=[1, 2, 3, 4])
    given = found.assignment
    assert given.served.tolist() == pytest.approx([0.0, 2.0, 3.0, 4.0])
    assert given.no_place.tolist() == pytest.approx([1.0, 0.0, 0.0, 0.0])
    assert given.out_of_reach.tolist() == [0.0] * 4
    assert found.nearest_with_place_s.tolist() == pytest.approx([1000.0, np.inf, np.inf, np.inf])


def test_a_place_that_serves_others_is_none(nets):
    """f0 serves village v2 only: the first two have nobody in reach, and nowhere to go."""
    places = toy.facilities([(60, 0)], serves=["village"], village=["v2"])
    found = measure(nets, people(), places, [50.0], need=[1, 2, 3, 0])
    assert found.assignment.served.tolist() == [0.0, 0.0, 3.0, 0.0]
    assert found.assignment.out_of_reach.tolist() == [1.0, 2.0, 0.0, 0.0]
    assert np.isinf(found.nearest_with_place_s).all()


def test_the_table_has_those_who_need_something(nets):
    places = toy.facilities([(60, 0), (1300, 0)])
    demand = people()
    table = provision.provision_table(measure(nets, demand, places, [5.0, 100.0], need=[1, 0, 3, 4]), demand)
    tables.validate(table, tables.PROVISION, where="t")
    assert table["demand_id"].tolist() == ["d0", "d2", "d3"]
    assert (table["served"] + table["no_place"] + table["out_of_reach"]).tolist() == table["need"].tolist()


def test_need_is_persons_times_rate():
    content = {
        "needs": [
            {
                "service": "meal",
                "unit": "meals",
                "group": "old",
                "base": "resident",
                "factors": [
                    {"value": 0.5, "name_zh": "一", "name_en": "a", "source": "t"},
                    {"value": 0.1, "name_zh": "二", "name_en": "b", "source": "t"},
                ],
            }
        ]
    }
    study = toy.study(**content)
    assert provision.needs_of(study, "meal", "meals", people()).tolist() == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert provision.needs_of(study, "meal", "beds", people()).tolist() == [0.0] * 4


def test_a_capacity_that_is_not_stated_is_none():
    places = toy.facilities([(60, 0), (70, 0)])
    capacity = pd.DataFrame(
        {"facility_id": ["f1", "f1"], "unit": ["meals", "beds"], "value": [5.0, 9.0], "used": np.nan}
    )
    facilities = tables.Facilities(places=places, capacity=capacity)
    assert provision.capacity_of(facilities, "meals").tolist() == [0.0, 5.0]


def test_usable_times_are_those_of_coverage(nets):
    """A point may use what measure_access counts: the same number within the standard."""
    from chongming_gis import coverage

    study, demand = toy.study(), people()
    places = toy.facilities([(60, 0), (80, 0), (1300, 0)], serves=["all", "village", "township"],
                            village=[None, "v1", None], township=[None, None, "t2"])  # fmt: skip
    arguments = {
        "demand": toy.places(nets, demand.points),
        "facilities": toy.places(nets, places),
        "networks": {net.mode.name: net for net in nets},
    }
    for rule in (reach.APPLIED, reach.IGNORED):
        service = study.services[0]
        access = coverage.measure_access(service, **arguments, search_limit_s=7200.0)
        for standard in service.standards:
            rows = access[(access["standard"] == standard.id) & (access["serves_rule"] == rule)]
            times = reach.usable_times(service, standard, **arguments, rule=rule)
            assert np.diff(times.indptr).tolist() == rows["n_within"].tolist()
