"""The candidates of the embedded study: how many, what refuses them, what was not judged; against a slow oracle."""

import numpy as np
import pytest
import shapely

from chongming_gis import candidates, config, pipeline, sources, tables
from chongming_gis.sitingmodel import DWELLING
from chongming_gis.wording import Words

SERVICES = ("elder_centre", "small_home", "day_care", "meal_point", "elder_home", "rehab_rental", "burial_ground")
UNJUDGED = {  # on the old regulation's list, and no layer of the study
    "not_inside:cultivated_land",
    "not_inside:park",
    "not_inside:scenic_area",
    "not_inside:heritage_area",
    "not_within:railway:100",
}


@pytest.fixture(scope="module")
def study():
    return config.read_study(sources.embedded_study_path())


@pytest.fixture(scope="module")
def inputs(study):
    return pipeline.read_inputs(study)


@pytest.fixture(scope="module")
def ground(study, inputs):
    return candidates.read_ground(study, inputs)


@pytest.fixture(scope="module")
def made(study, inputs, ground):
    names = (*SERVICES, "columbarium")
    return {name: candidates.make_candidates(study, inputs, name, read=ground) for name in names}


def test_how_many_places_are_looked_at_and_allowed(made):
    counts = {name: (len(frame), int(frame["allowed"].sum())) for name, frame in made.items()}
    assert counts == {
        "elder_centre": (880, 457),
        "small_home": (880, 832),
        "day_care": (880, 796),
        "meal_point": (880, 742),
        "elder_home": (880, 832),
        "rehab_rental": (561, 71),
        "burial_ground": (1536, 396),
        "columbarium": (420, 420),
    }


def test_what_refuses_burial_grounds(made):
    told = candidates.refusals(made["burial_ground"]).set_index("rule")
    assert told["count"].to_dict() == {
        "not_inside:farmland": 425,
        "not_within:other_road:30": 378,
        "not_within:dwelling:100": 269,
        "in_no_township": 267,
        "not_within:canal:50": 176,
        "not_inside:reserve": 90,
        "not_inside:other_district": 83,
        "not_inside:tidal_flat": 79,
        "not_inside:water": 25,
        "not_within:dyke:100": 20,
        "not_inside:forest": 15,
        "not_inside:port": 15,
        "not_within:trunk_road:100": 15,
        "not_inside:reservoir_protection": 9,
        "not_inside:forest_park": 3,
    }
    assert (told["alone"] <= told["count"]).all()
    assert told["source"].str.len().gt(0).all()


def test_what_could_not_be_judged_is_told_for_every_place(made, study):
    report = made["burial_ground"].attrs["report"]
    assert {f.details["rule"] for f in report["findings"] if f.rule == "candidates_rule_unjudged"} == UNJUDGED
    assert {rule["rule"] for rule in report["rules"] if rule["why_unjudged"]} == UNJUDGED
    assert set(made["burial_ground"]["unjudged"].iloc[0].split(" | ")) == UNJUDGED
    for name in set(made) - {"burial_ground"}:
        assert made[name]["unjudged"].isna().all(), name
        assert made[name].attrs["report"]["findings"] == []
    for words in (Words("zh"), Words("en")):  # each refusal can be said
        for rule in {*UNJUDGED, *candidates.refusals(made["burial_ground"])["rule"]}:
            assert words.refusal(study, "burial_ground", rule) != rule


def test_nothing_that_judges_is_surveyed(made):
    kinds = {rule["data_kind"] for rule in made["burial_ground"].attrs["report"]["rules"] if rule["judged_by"]}
    assert kinds == {"schematic", "derived"}


def test_each_table_satisfies_its_contract_and_places_keep_their_ids(made):
    for name, frame in made.items():
        tables.validate(frame, tables.CANDIDATES, where=name)
    for name in ("small_home", "day_care", "meal_point", "elder_home"):
        assert made[name]["candidate_id"].equals(made["elder_centre"]["candidate_id"])
        assert made[name].geometry.geom_equals(made["elder_centre"].geometry).all()


def test_every_township_has_ground(made, inputs):
    told = candidates.choose_ground(made["burial_ground"], inputs.townships)
    assert set(told["choice"]) == {"ground"}
    assert told["n_allowed"].sum() == 396
    assert told["n_allowed"].min() == 10  # 绿华镇


def test_a_finer_survey_finds_the_same_choice_and_about_the_same_area(made, study, inputs, ground):
    """396 places of 1 km² each and 2,337 of 0.16 km² speak of about the same ground."""
    fine = candidates.survey_ground(study, inputs, "burial_ground", every_m=400.0, read=ground)
    assert set(fine["choice"]) == {"ground"}
    assert fine["n_allowed"].sum() == 2337
    assert fine["n_allowed"].sum() * 0.4**2 == pytest.approx(made["burial_ground"]["allowed"].sum(), rel=0.1)


def test_rental_is_looked_for_in_the_five_townships_without(made, inputs):
    frame = made["rehab_rental"]
    served = set(inputs.facilities["rehab_rental"].places["township_code"])
    allowed = set(frame.loc[frame["allowed"], "township_code"])
    assert allowed == set(inputs.townships["township_code"]) - served
    assert len(allowed) == 5


def test_elder_centres_stand_beside_a_health_site(made, study):
    frame = made["elder_centre"]
    assert frame.loc[frame["allowed"], "to_health_site_m"].max() <= 500.0
    lost = frame.loc[frame["reason"] == "beside:health_site:500", "to_health_site_m"]
    assert lost.min() > 500.0


@pytest.mark.parametrize("name", ["burial_ground", "day_care"])
def test_rules_agree_with_a_slow_oracle(name, made, study, ground):
    """60 places, each rule by the distances to every shape, one place at a time."""
    frame = made[name]
    rows = np.random.default_rng(11).choice(len(frame), 60, replace=False)
    for rule in (rule for rule in study.siting_rules if rule.service == name and rule.id not in UNJUDGED):
        layer = ground.layers[rule.layer]
        for row in rows:
            place = frame.geometry.iloc[row]
            if rule.rule == "not_inside":
                breaks = bool(shapely.intersects(layer.areas, place).any())
            else:
                near = shapely.distance(layer.geometry, place).min()
                breaks = near < rule.distance_m if rule.rule == "not_within" else near > rule.distance_m
            breaks &= not (rule.only_new_ground and frame["kind"].iloc[row] == "site")
            said = frame["reason"].iloc[row]
            assert (isinstance(said, str) and rule.id in said.split(" | ")) == breaks, (rule.id, row)


def test_dwellings_are_all_places_where_people_live(ground, inputs):
    assert len(ground.layers[DWELLING].geometry) == len(inputs.demand.points)
