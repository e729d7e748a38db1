"""Meals to the door in the toy town (tests/measured/toy_ground.py), carried on foot at 1 m/s, by hand.

One old person needs two meals a day, half of them at the door: d0 1, d1 2, d3 5 (nowhere near a road). Kitchen meal0
stands at A, rooms at (30, 10) in v1, (250, -20) in v2 and (1350, 40) on the island in v3; d3 has no village and is
nearest to the room of v3. So the rooms want 1, 2 and 5 meals; from A they are 40, 270 and 990 s away.
"""

import dataclasses

import numpy as np
import pytest

from chongming_gis import measured_tables, results, tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import deliveries, steps_of
from chongming_gis.measured.delivery_question import ask_delivery, whole_meals
from tests.measured.toy_ground import A, F, capacities, make_ground, places_of, the_study

FACTOR = {"value": 2.0, "name_zh": "份", "name_en": "meals", "source": "test"}
NEEDS = [{"service": "meal", "unit": "meals", "group": "old", "base": "resident", "factors": [FACTOR]}]
WALKER = {
    "id": "walker", "name_zh": "步行", "name_en": "walker", "mode": "foot", "capacity_meals": 10, "per_kitchen": 1,
    "cost_per_km": 0.0, "cost_per_hour": 36.0, "source": "test",
}  # fmt: skip
SECTION = {
    "service": "meal", "kitchens": {"services": ["meal"], "source": "test", "new_capacity_meals": 4},
    "drop_services": ["room"], "shares": [{"group": "old", "base": "resident", "share": 0.5, "source": "test"}],
    "vehicles": [WALKER], "starts": ["10:30", "11:30"], "deadline_min": 20, "handover_min": 1,
    "missed_meal_price": 50, "price_year": 2023, "deadlines_min": [5, 20], "iterations": 20, "source": "test",
}  # fmt: skip
ROOMS = [(30, 10), (250, -20), (1350, 40)]


def study(**changes):
    services = {"meal": {"capacity_unit": "meals"}, "room": {}}
    return the_study(services, needs=NEEDS, delivery={**SECTION, **changes})


def ground(capacity=(("meal0", "meals", 6.0, np.nan),), kitchens=(A,), rooms=ROOMS, **changes):
    meals = places_of("meal", list(kitchens), village=["v1"] * len(kitchens), township=["t1"] * len(kitchens))
    room = places_of("room", rooms, village=["v1", "v2", "v3"][: len(rooms)], township=["t1", "t1", "t2"][: len(rooms)])
    return make_ground(study(**changes), {"meal": meals, "room": room}, capacity={"meal": capacities(list(capacity))})


def measure(**changes):
    found = deliveries.STEP.measure(ground(**changes))
    for name, table in found.tables.items():
        tables.validate(table, measured_tables.MEASURED[name], where=name)
    return found


def test_what_is_asked_is_by_hand():
    asked = ask_delivery(ground())
    assert asked.question.meals.tolist() == [1, 2, 5]
    assert asked.question.cooks.tolist() == [6]
    assert asked.question.rules.back_s == 3600.0
    assert asked.wanted == 8.0


def test_a_day_by_hand():
    """Six meals: the nearest three first, then three of the five on the island, on one round or two of 60 minutes."""
    found = measure()
    whole = found.tables["delivery"].iloc[0]
    assert whole[["meals_needed", "meals_wanted", "meals_cooked", "meals_at_most", "meals_brought"]].tolist() == [
        16.0, 8.0, 6.0, 6.0, 6.0,
    ]  # fmt: skip
    drops = found.tables["delivery_drops"].set_index("drop_id")
    assert drops["meals_left"].tolist() == [0.0, 0.0, 2.0]
    assert drops["reason"].fillna("").tolist() == ["", "", "no_capacity"]
    assert drops["nearest_s"].tolist() == [40.0, 270.0, 990.0]
    stops = found.tables["route_stops"]
    assert stops["meals"].sum() == 6.0
    assert (stops.groupby("round_id")["load_after"].min() == 0.0).all()
    routes = found.tables["routes"]
    assert set(routes["depart"]) <= {"10:30", "11:30"}
    assert routes["uses_ferry"].any()
    np.testing.assert_allclose(routes.geometry.length, routes["length_m"])
    assert [finding.rule for finding in found.findings] == ["delivery_more_meals"]


def test_arrivals_are_told_by_the_clock():
    stops = measure(rooms=ROOMS[:1]).tables["route_stops"]
    assert stops["arrive"].tolist() == ["10:30"]
    assert stops["arrive_s"].tolist() == [40.0]
    assert stops["along_m"].tolist() == [40.0]


def test_a_ferry_that_does_not_run_is_told_as_the_reason():
    found = measure(ferry="not_running")
    drops = found.tables["delivery_drops"].set_index("drop_id")
    assert drops["reason"].fillna("").tolist() == ["", "", "ferry"]
    assert "delivery_no_ferry" in {finding.rule for finding in found.findings}


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"kitchens": ()}, {"delivery_no_kitchen"}),
        ({"capacity": ()}, {"delivery_no_meals"}),
        ({"kitchens": ((9000, 0),)}, {"delivery_kitchen_off_road", "delivery_more_meals"}),
        ({"rooms": [*ROOMS[:2], (9000, 0)]}, {"delivery_no_road", "delivery_more_meals"}),
    ],
)
def test_bad_input_is_told_and_the_rest_is_planned(changes, rules):
    found = measure(**changes)
    assert {finding.rule for finding in found.findings} == rules
    drops = found.tables["delivery_drops"]
    assert drops["meals_brought"].sum() + drops["meals_left"].sum() == 8.0
    assert drops.loc[drops["meals_left"] > 0, "reason"].notna().all()
    if "rooms" in changes:
        assert drops["meals_brought"].tolist() == [1.0, 2.0, 0.0]


def test_without_a_kitchen_every_drop_says_so_and_a_first_kitchen_is_proposed():
    found = measure(kitchens=())
    assert set(found.tables["delivery_drops"]["reason"]) == {"no_kitchen"}
    assert set(found.tables["delivery_whatif"]["what"]) == {"deadline"}
    new = places_of("meal", [A, F], township=["t1", "t1"], village=["v1", "v2"])
    new = new.assign(kind="other")
    none = make_ground(
        study(kitchens={**SECTION["kitchens"], "kinds": ["canteen"]}), {"meal": new, "room": places_of("room", ROOMS)}
    )
    changes = deliveries.STEP.measure(none).tables["delivery_whatif"]
    assert changes.loc[changes["what"] == "kitchen", ["meals_at_most", "meals_brought"]].to_numpy().tolist() == [
        [4.0, 4.0]
    ]


def test_a_search_that_its_time_limit_ended_is_told():
    cut = measure(iterations=10**7, time_limit_s=0.2)
    assert "delivery_time_limit" in {finding.rule for finding in cut.findings}
    assert cut.tables["delivery"].loc[0, "meals_brought"] == 6.0


def test_the_planner_is_told_how_far_the_planning_is():
    told = []
    ground_of = ground()
    deliveries.STEP.measure(dataclasses.replace(ground_of, progress=lambda *said: told.append(said)))
    assert ("delivery_rounds", "meal0", 0, 1) in told
    assert {stage for stage, *_ in told} >= {"delivery_rounds", "delivery_deadline", "delivery_vehicle"}


def test_kitchens_say_why_they_send_nothing():
    twice = measure(kitchens=(A, F), capacity=[("meal0", "meals", 8.0, np.nan)])
    assert twice.tables["delivery_kitchens"]["status"].tolist() == ["sends", "no_meals"]
    assert measure(kitchens=((9000, 0),)).tables["delivery_kitchens"]["status"].tolist() == ["no_road"]


def test_half_of_what_is_cooked_leaves_the_house():
    kitchens = {**SECTION["kitchens"], "share_delivered": 0.5}
    asked = ask_delivery(
        make_ground(
            study(kitchens=kitchens),
            {"meal": places_of("meal", [A]), "room": places_of("room", ROOMS)},
            capacity={"meal": capacities([("meal0", "meals", 7.0, np.nan)])},
        )
    )
    assert asked.question.cooks.tolist() == [3]


def test_meals_at_the_doors_themselves():
    asked = ask_delivery(ground(drop_services=[]))
    assert asked.question.drops.ids == ("d0", "d1", "d2", "d3")
    assert asked.question.meals.tolist() == [1, 2, 0, 5]


def test_whole_meals_keep_the_sum():
    wanted = np.array([0.5, 0.5, 0.5, 0.5])
    assert whole_meals(wanted, np.array([0, 1, 2, 3]), 4).tolist() == [1, 1, 0, 0]


def test_what_if_tells_deadlines_and_vehicles():
    changes = measure().tables["delivery_whatif"]
    assert changes.loc[changes["what"] == "deadline", "id"].tolist() == ["5", "20"]
    assert changes.loc[changes["what"] == "deadline", "meals_brought"].tolist() == [3.0, 6.0]
    assert changes.loc[changes["what"] == "vehicle", "meals_more"].tolist() == [0.0]


def test_only_a_full_run_of_a_study_with_the_section_plans_rounds():
    assert "delivery" in {step.name for step in steps_of(study(), "full")}
    assert "delivery" not in {step.name for step in steps_of(study(), "daily")}
    assert "delivery" not in {step.name for step in steps_of(the_study({"meal": {}}), "full")}


def test_stops_are_written_with_their_rounds():
    table = results.routes_table(measure().tables)
    assert table.columns[:3].tolist() == ["round_id", "kitchen_id", "kitchen_name_zh"]
    assert {"stop", "drop_id", "arrive", "load_after", "vehicle", "depart"} <= set(table.columns)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"starts": ["11:30", "10:30"]}, "must ascend"),
        ({"starts": ["25:00"]}, "a time of day is hh:mm"),
        ({"turnaround_min": 60}, "no time is left between two starts"),
        ({"service": "room"}, "has no capacity_unit"),
        ({"drop_services": ["nowhere"]}, "delivery.drop_services: 'nowhere' is not declared"),
        ({"vehicles": [{**WALKER, "mode": "boat"}]}, "delivery.vehicles.walker.mode: 'boat' is not declared"),
        ({"vehicles": [WALKER, WALKER]}, "the id 'walker' is given twice"),
        ({"shares": [{"group": "all", "base": "resident", "share": 0.5, "source": "t"}]}, "no [[needs]] of 'meal'"),
        ({"target_indicator": "x"}, "go together"),
        ({"target_indicator": "x", "target_set": "y"}, "delivery.target_indicator: 'x' is not declared"),
        ({"shares": [*SECTION["shares"], *SECTION["shares"]]}, "named more than once"),
        ({"kitchens": {"services": ["room"], "source": "t"}}, "another capacity_unit"),
    ],
)
def test_faults_of_the_section(changes, message):
    with pytest.raises(StudyError, match=message.replace("[", r"\[").replace("]", r"\]")):
        study(**changes)
