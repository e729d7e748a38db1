"""Access with competition in the toy town (tests/measured/toy_ground.py), by hand, and in the embedded study.

Seconds on foot: d0 to A 40, to F 230; d1 to A 270, to F 120; d2 to F 840; d3 reaches nothing. Of 10, 20, 30 and 5
people each needs 0.1 meal a day: 1, 2, 3 and 0.5.
"""

import dataclasses

import numpy as np
import pytest

from chongming_gis import config, fairness, measured, measured_tables, network, pipeline, tables
from chongming_gis.errors import StudyError
from chongming_gis.measured import scores
from chongming_gis.progress import Clock, silent
from tests.measured.toy_ground import A, F, H, capacities, make_ground, places_of, the_people, the_study
from tests.toy import roads
from tests.toy import study as toy

FACTOR = {"value": 0.1, "name_zh": "每人", "name_en": "each", "source": "test"}
NEED = {"service": "meal", "unit": "meals", "group": "all", "base": "resident", "factors": [FACTOR]}
ASKED = {"id": "meal", "service": "meal", "source": "test"}


def study_of(*questions, needs=(NEED,), **measures):
    questions = [{**ASKED, **question} for question in questions]
    asked = {"accessibility": {"questions": questions}, **measures}
    return the_study({"meal": {"capacity_unit": "meals"}}, needs=list(needs), measures=asked)


def table_of(study, xy=(A, F), gives=(2.0, 3.0), *, people=None, wheels=False, **columns):
    """The table of access; facility i gives ``gives[i]`` meals (None: not stated)."""
    frame = places_of("meal", list(xy), **columns)
    stated = [(f"meal{i}", "meals", value, None) for i, value in enumerate(gives) if value is not None]
    ground = make_ground(study, {"meal": frame}, people=people, capacity={"meal": capacities(stated)})
    if wheels:
        nets = [ground.networks["foot"], network.compile_network(roads.town(), roads.BIKE)]
        ground = dataclasses.replace(
            ground,
            networks={net.mode.name: net for net in nets},
            demand=toy.places(nets, ground.inputs.demand.points),
            facilities={"meal": toy.places(nets, frame)},
        )
    found = scores.STEP.measure(ground).tables
    for name, table in found.items():
        tables.validate(table, measured_tables.MEASURED[name], where=name)
    return found["accessibility"]


def scores_of(*questions, **more):
    return table_of(study_of(*questions), **more)["score"].tolist()


def test_the_town_by_hand():
    """A gives 2 / (1 + 2), F 3 / (1 + 2 + 3): d0 and d1 use both, d2 F alone. Need x score is all 5 meals."""
    table = table_of(study_of({}))
    assert table["score"].tolist() == pytest.approx([7 / 6, 7 / 6, 0.5, 0.0])
    assert table["demand"].tolist() == pytest.approx([1.0, 2.0, 3.0, 0.5])
    assert (table["demand"] * table["score"]).sum() == pytest.approx(5.0)
    assert table["reachable_supply"].tolist() == [5.0, 5.0, 3.0, 0.0]
    assert table["n_reachable"].tolist() == [2, 2, 1, 0]
    assert set(table["unit"] + " " + table["score_unit"]) == {"meals supply_per_need"}


def test_people_and_facilities_are_counted_where_no_capacity_is_known():
    """One site a facility: A 1/30, F 1/60 a person."""
    table = table_of(study_of({"demand": "persons"}), gives=())
    assert table["score"].tolist() == pytest.approx([3 / 60, 3 / 60, 1 / 60, 0.0])
    assert set(table["unit"] + " " + table["score_unit"]) == {"facilities supply_per_person"}


def test_capacity_over_people():
    """2 / 30 and 3 / 60 meals a person."""
    found = scores_of({"demand": "persons", "unit": "meals"})
    assert found == pytest.approx([7 / 60, 7 / 60, 3 / 60, 0.0])


def test_each_settlement_class_has_its_catchment():
    """d0 is a town and goes a minute, the others five: A has 1 + 2 meals wanted, F only those of d1."""
    people = the_people(settlement=["town", "village", "village", "village"])
    near = [
        {"settlement": "town", "mode": "foot", "minutes": 1},
        {"settlement": "village", "mode": "foot", "minutes": 5},
    ]
    found = scores_of({"catchments": near}, people=people)
    assert found == pytest.approx([2 / 3, 2 / 3 + 3 / 2, 0.0, 0.0])


def test_modes_are_combined_by_the_share_of_their_users():
    """A minute, half on foot, half by bicycle: d0 reaches A by both and F (54 s) by bicycle; d1 F (40 s) by bicycle.

    A: 2 / 1; F: 3 / (0.5 x 1 + 0.5 x 2). d0 has 2 + 0.5 x 2, d1 0.5 x 2.
    """
    half = [{"mode": mode, "minutes": 1, "share": 0.5} for mode in ("foot", "bike")]
    table = table_of(study_of({"catchments": half}), wheels=True)
    assert table["score"].tolist() == pytest.approx([3.0, 1.0, 0.0, 0.0])
    assert table["n_reachable"].tolist() == [2, 1, 0, 0]
    assert table["reachable_supply"].tolist() == [5.0, 3.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("two_step", [2.0, 1.5, 0.0, 0.0]),
        ("ev2sfca", [2.0, 1.5, 0.0, 0.0]),
        ("closest", [40.0, 40.0, np.inf, np.inf]),
        ("cumulative", [2.0, 3.0, 0.0, 0.0]),
        # 6.5 meals wanted of 5 given: 1.3 a meal costs 1. d0 at A: 1/2 and 40 of 3600 s; d1 at F: 2/3, 40 s
        ("raam", [1 / 2 / 1.3 + 40 / 3600, 2 / 3 / 1.3 + 40 / 3600, np.inf, np.inf]),
    ],
)
def test_a_class_on_foot_and_another_by_bicycle_are_one_mode_each(method, expected):
    """Nobody has a choice, so that methods for one mode of travel can be asked. d1 rides 40 s to F, not 90 to A."""
    people = the_people(settlement=["town", "village", "village", "village"])
    apart = [
        {"settlement": "town", "mode": "foot", "minutes": 1},
        {"settlement": "village", "mode": "bike", "minutes": 1},
    ]
    found = scores_of({"method": method, "catchments": apart}, people=people, wheels=True)
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_widest_catchment_does_not_widen_the_others():
    """Two questions share one search: the second still ends at a minute."""
    near = {"id": "near", "catchments": [{"mode": "foot", "minutes": 1}], "method": "cumulative"}
    found = table_of(study_of({"method": "cumulative"}, near))
    assert found["score"].tolist() == [5.0, 5.0, 3.0, 0.0, 2.0, 0.0, 0.0, 0.0]
    assert found["question"].tolist() == ["meal"] * 4 + ["near"] * 4


def test_a_facility_for_one_village_is_divided_among_its_people():
    """F serves v2: d1 alone has its 3 meals, and A is shared as before."""
    found = scores_of({}, serves=["all", "village"], village=[None, "v2"])
    assert found == pytest.approx([2 / 3, 2 / 3 + 3 / 2, 0.0, 0.0])


def test_decays_and_their_parameters_come_from_the_study():
    """Zones end at 3 and 15 minutes with weights 1 and 0.5. Weights: d0 A 1, F 0.5; d1 A 0.5, F 1; d2 F 0.5."""
    zones = {"curve": "step", "bounds": [0.2, 1.0], "weights": [1.0, 0.5]}
    at_a, at_f = 2 / (1 + 1), 3 / (0.5 + 2 + 1.5)
    expected = [at_a + at_f / 2, at_a / 2 + at_f, at_f / 2, 0.0]
    assert scores_of({"method": "e2sfca", "decay": zones}) == pytest.approx(expected)
    by_time = {"curve": "exponential", "scale_min": 5}
    assert scores_of({"method": "gravity", "decay": by_time})[0] == pytest.approx(
        2 * np.exp(-40 / 300) + 3 * np.exp(-230 / 300)
    )


# ------------------------------------------------------------------ what holds, joined to a study


@pytest.mark.parametrize("method", ["two_step", "e2sfca", "three_step", "bfca"])
def test_need_times_score_is_the_supply_in_reach(method):
    """H on the island is reached by d2 only (90 s): all 12 meals are handed out."""
    table = table_of(study_of({"method": method}), xy=(A, F, H), gives=(2.0, 3.0, 7.0))
    assert (table["demand"] * table["score"]).sum() == pytest.approx(12.0)


def test_twice_the_capacity_is_twice_the_score():
    once, twice = scores_of({}), scores_of({}, gives=(4.0, 6.0))
    assert twice == pytest.approx([2.0 * score for score in once])


def test_splitting_a_demand_point_changes_nothing():
    """The 20 people of d1 as 12 and 8 at one spot."""
    cut = toy.demand(
        [(30, 10), (250, -20), (250, -20), (1350, 40)],
        persons={"all": [10, 12, 8, 30], "old": [0] * 4},
        township=["t1"] * 4,
        village=["v1", "v2", "v2", "v3"],
    )
    found = scores_of({}, people=cut)
    assert found == pytest.approx([7 / 6, 7 / 6, 7 / 6, 0.5])


def test_the_order_of_facilities_does_not_matter():
    assert scores_of({}, xy=(F, A), gives=(3.0, 2.0)) == pytest.approx(scores_of({}))


# ------------------------------------------------------------------ nothing there, and what is wrong


def test_no_capacity_is_none_and_unstated_capacity_too():
    assert scores_of({}, gives=(0.0, 0.0)) == [0.0] * 4
    assert scores_of({}, gives=(2.0, None)) == pytest.approx([2 / 3, 2 / 3, 0.0, 0.0])


def test_nobody_in_reach_and_nobody_who_needs_it():
    """Supply at H with nobody in reach goes nowhere; where nobody needs anything nothing is handed out."""
    alone = [{"mode": "foot", "minutes": 1}]
    assert scores_of({"catchments": alone}, xy=(H,), gives=(3.0,)) == [0.0] * 4
    nobody = the_people(persons={"all": [0.0] * 4, "old": [0.0] * 4})
    table = table_of(study_of({}), people=nobody)
    assert table["score"].tolist() == [0.0] * 4
    assert table["demand"].tolist() == [0.0] * 4
    assert table["reachable_supply"].tolist() == [5.0, 5.0, 3.0, 0.0]


@pytest.mark.parametrize(
    ("method", "nothing"), [("two_step", 0.0), ("bfca", 0.0), ("closest", np.inf), ("raam", np.inf)]
)
def test_a_service_without_facilities(method, nothing):
    table = table_of(study_of({"method": method}), xy=(), gives=())
    assert table["score"].tolist() == [nothing] * 4
    assert table["n_reachable"].tolist() == [0] * 4


def test_capacity_in_another_unit_is_told_for_every_question():
    with pytest.raises(StudyError) as told:
        table_of(study_of({"demand": "persons", "unit": "beds"}, {"id": "b", "demand": "persons", "unit": "rooms"}))
    assert "questions.meal: no facility of meal states capacity in beds; its file has meals" in str(told.value)
    assert "questions.b: no facility of meal states capacity in rooms" in str(told.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"service": "hall"}, "questions.meal.service: 'hall' is not declared"),
        ({"unit": "beds"}, "states no need of meal in beds; add it under [[needs]]"),
        ({"method": "three"}, "method = 'three'"),
        ({"method": "closest", "decay": {"curve": "linear"}}, "decay: closest has none"),
        ({"target_ratio": 1}, "target_ratio: two_step has none"),
        ({"tau_min": 60}, "tau_min: two_step has none"),
        ({"decay": {"curve": "linear", "scale_min": 3}}, "scale_min: is of another curve than linear"),
        ({"decay": {"curve": "step", "bounds": [0.5, 1], "weights": [1, -0.2]}}, "greater than or equal to 0"),
        ({"decay": {"curve": "step", "bounds": [0.5, 0.9], "weights": [1, 0.2]}}, "must ascend from above 0 to 1"),
        ({"decay": {"curve": "bell", "sigma_min": float("nan")}}, "sigma_min"),
        ({"catchments": [{"mode": "car", "minutes": 5}]}, "catchments.mode: 'car' is not declared"),
        ({"catchments": [{"mode": "foot", "minutes": 0}]}, "greater than 0"),
        ({"catchments": [{"settlement": "town", "mode": "foot", "minutes": 5}]}, "none for settlement class village"),
        ({"catchments": [{"settlement": "hut", "mode": "foot", "minutes": 5}]}, "settlement: 'hut' is not declared"),
        (
            {"catchments": [{"mode": m, "minutes": 5, "share": s} for m, s in (("foot", 0.5), ("bike", 0.4))]},
            "the shares of the modes of all sum to 0.9, not 1",
        ),
        (
            {"catchments": [{"mode": "foot", "minutes": m, "share": 0.5} for m in (5, 9)]},
            "foot is given twice for all",
        ),
        (
            {
                "method": "raam",
                "catchments": [{"mode": m, "minutes": 5, "share": 0.5} for m in ("foot", "bike")],
            },
            "raam is defined for one mode of travel, not 2",
        ),
        (
            {"catchments": [{"settlement": "town", "mode": "foot", "minutes": 5}, {"mode": "foot", "minutes": 5}]},
            "for each settlement class, or for all",
        ),
    ],
)  # fmt: skip
def test_what_a_question_may_not_say(changes, said):
    with pytest.raises(StudyError) as told:
        study_of(changes)
    assert said in str(told.value)


def test_all_faults_of_the_questions_are_told_at_once():
    with pytest.raises(StudyError) as told:
        study_of({"service": "hall"}, {"unit": "beds"})
    for said in ("the id 'meal' is given twice", "'hall' is not declared", "no need of meal in beds"):
        assert said in str(told.value)


def test_a_negative_need_is_refused():
    wrong = {**NEED, "factors": [{**FACTOR, "value": -0.1}]}
    with pytest.raises(StudyError, match="greater than or equal to 0"):
        study_of({}, needs=[wrong])


def test_a_study_that_does_not_ask_has_no_such_step():
    bare = the_study({"meal": {}}, measures={})
    assert "accessibility" not in [step.name for step in measured.steps_of(bare, "full")]
    assert "accessibility" in [step.name for step in measured.steps_of(study_of({}), "daily")]


def test_a_saved_study_is_the_same_study():
    """What the manifest keeps of decays and catchments is read back: what is not set is null there."""
    study = study_of({"decay": {"curve": "power", "exponent": 2}}, {"id": "b", "method": "raam", "tau_min": 30})
    again = config.StudyConfig.model_validate({**study.model_dump(mode="json"), "folder": study.folder})
    assert again.measures == study.measures
    assert again.measures.accessibility.questions[0].more["decay"].exponent == 2.0


# ------------------------------------------------------------------ the embedded study


@pytest.fixture(scope="module")
def embedded():
    """The tables of access and fairness of the embedded study, with its inputs."""
    study = config.read_study(pipeline.Path(__file__).parents[2] / "studies" / "chongming.toml")
    inputs = pipeline.read_inputs(study)
    nets = {mode.name: network.compile_network(inputs.roads, mode) for mode in pipeline._modes(study)}
    demand, facilities = pipeline._snap_all(inputs, study, nets, Clock(silent, of=99))
    empty = tables.no_table(tables.ACCESS)
    ground = measured.Groundwork(study, inputs, nets, demand, facilities, empty, empty)
    return study, inputs, scores.STEP.measure(ground).tables


def test_the_embedded_meals_are_all_handed_out(embedded):
    """The plan's 5,500 meals a day over a need of 8,430.85: 0.652 on average, as everyone's meals have somebody."""
    _, inputs, found = embedded
    table = found["accessibility"]
    mine = table[table["question"] == "meal_point"]
    assert (mine["demand"] * mine["score"]).sum() == pytest.approx(5500.0)
    assert mine["demand"].sum() == pytest.approx(8430.85)
    beds = table[table["question"] == "elder_home"]
    stated = inputs.facilities["elder_home"].capacity
    assert (beds["demand"] * beds["score"]).sum() == pytest.approx(stated[stated["unit"] == "beds"]["value"].sum())


def test_the_embedded_fairness_is_that_of_a_slow_count(embedded):
    """Gini from its definition by sorted persons, poverty by a loop, Theil's parts and all villages adding up."""
    study, inputs, found = embedded
    table, even = found["accessibility"], found["fairness"]
    score = table.loc[table["question"] == "meal_point", "score"].to_numpy()
    persons = inputs.demand.persons["resident:a60_plus"].to_numpy()
    mine = even[even["question"] == "meal_point"].set_index(["scope", "measure", "scope_code"])["value"].sort_index()
    whole = {name: mine["district", name, study.id] for name in ("gini", "theil", "theil_between", "theil_within")}
    order = np.argsort(score, kind="stable")
    cumulated = np.cumsum(persons[order]) - persons[order] / 2.0
    mean = (persons * score).sum() / persons.sum()
    gini = 2.0 * (persons[order] * score[order] * cumulated).sum() / (persons.sum() ** 2 * mean) - 1.0
    assert whole["gini"] == pytest.approx(gini)
    assert whole["theil"] == pytest.approx(whole["theil_between"] + whole["theil_within"])
    poor = sum(count for count, each in zip(persons.tolist(), score.tolist(), strict=True) if each < 0.5)
    assert mine["district", "share_below_line", study.id] == pytest.approx(poor / persons.sum())
    assert mine["township", "share_score"].sum() == pytest.approx(1.0)
    villages = even[(even["question"] == "meal_point") & (even["scope"] == "village") & even["rank"].notna()]
    assert (villages["persons"] * villages["value"]).sum() == pytest.approx((persons * score).sum())
    assert villages["rank"].tolist() == list(range(1, len(villages) + 1))
    assert villages["value"].is_monotonic_increasing
    assert fairness.lorenz(score, persons).share_of_lowest(0.5) == pytest.approx(0.078, abs=0.001)
