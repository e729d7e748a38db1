"""The plan in the embedded study: its figures against the carried-over facts, and what its files count."""

import re

import pytest

from chongming_gis import indicators, pipeline
from chongming_gis.config import read_study
from chongming_gis.sources import embedded_study_path

BASELINES_OF_RULES = {  # what a placing rule decides (data/SOURCES.md): no verdict may be printed
    "rental_townships",
    "standardised_home_each_township",
    "home_beds_of_registered_elders",
    "canteen_each_township",
    "activity_room_each_village",
    "centre_beside_health_station",
    "charity_shop_beside_shop_or_room",
    "former_town_units",
    "donation_point_townships",
    "visits_to_people_alone",
    "burial_each_township",
}


@pytest.fixture(scope="module")
def study():
    return read_study(embedded_study_path())


@pytest.fixture(scope="module")
def table(study):
    inputs = pipeline.read_inputs(study)
    return indicators.measure_indicators(
        study,
        facilities=pipeline.all_facilities(inputs),
        demand=inputs.demand,
        townships=inputs.townships,
        villages=inputs.villages,
    )


def test_seventeen_indicators_of_the_plan_in_its_order(study):
    assert [i.number for i in study.plan.indicators if i.number] == list(range(1, 18))
    kinds = [i.type for i in study.plan.indicators]
    assert kinds.count("duty") == 16
    assert kinds.count("binding") == 5  # 约束性: 1, 4, 5, 8, 10


def test_targets_are_those_of_the_facts(study, shipped):
    """District counts of the facts: each item with a 2025 target must stand in the study with the same numbers."""
    facts = {row["item"]: row["value"] for row in shipped.table("sources/district_counts.csv").to_dict("records")}
    by_id = {indicator.id: indicator for indicator in study.plan.indicators}
    for id_, baseline, target in (
        ("beds", "养老床位总数", "养老床位总数 (target)"),
        ("elder_centres", "社区综合为老服务中心", "社区综合为老服务中心(含分中心) target"),
        ("day_care_centres", "老年人日间照护中心", "日间照护机构 target"),
        ("small_homes", "长者照护之家", "长者照护之家 target"),
        ("meals_per_day", "老年助餐供客能力", "老年助餐供客能力 target"),
    ):
        assert by_id[id_].baseline == float(facts[baseline])
        assert by_id[id_].targets["review_2020_2025"] == float(facts[target])
    assert by_id["meal_points"].targets["review_2020_2025"] == float(facts["助餐服务场所 target"])
    assert by_id["meal_points"].targets["scenario_2022"] == 111
    assert by_id["beds"].targets["scenario_2022"] == 9125


def test_what_the_files_count_is_the_plans_baseline(study, table):
    district = table[(table["scope"] == "district") & (table["target_set"] == "review_2020_2025")]
    rows = district.set_index("indicator_id")
    for id_ in (
        "beds",
        "nursing_share",
        "dementia_beds",
        "meals_per_day",
        "elder_centres",
        "small_homes",
        "day_care_centres",
        "meal_points",
        "former_town_units",
    ):
        assert rows.loc[id_, "value"] == pytest.approx(rows.loc[id_, "baseline"], abs=0.02), id_
    assert rows.loc["rental_townships", "value"] == pytest.approx(100 * 13 / 18)
    assert rows.loc["beds", ["status", "shortfall"]].tolist() == ["not_met", 10105 - 8439]
    assert rows.loc["affairs_centre_each_township", "status"] == "met"


def test_no_verdict_rests_on_a_rule(study, table):
    ruled = {indicator.id for indicator in study.plan.indicators if indicator.decided_by_rule}
    assert ruled == BASELINES_OF_RULES
    assert all(i.decided_by_rule_en for i in study.plan.indicators if i.decided_by_rule)
    assert set(table.loc[table["indicator_id"].isin(ruled), "status"]) <= {"schematic", "to_fill", "not_measured"}


def test_the_next_plan_is_open(study, table):
    rows = table[table["target_set"] == "plan_2026_2030"]
    assert set(rows["status"]) == {"to_fill"}
    assert rows["indicator_id"].nunique() == 9


def test_every_figure_has_a_source_in_both_languages_or_says_it_is_an_assumption(study):
    entries = [*study.plan.target_sets, *study.plan.indicators, *study.costs, *study.siting_rules]
    entries += [factor for need in study.needs for factor in need.factors]
    chinese = re.compile("[\u4e00-\u9fff]")
    for entry in entries:
        assert entry.source
        plain = re.sub(
            r"沪崇府办发〔2021〕15号|[一二三四]\([一二三四]\)\d?|殡葬管理条例|陈家镇敬老院|同址或邻近|邻近设置|、",
            "",
            entry.source,
        )
        if chinese.search(plain):
            assert entry.source_en, entry


def test_services_with_capacity_have_a_need_in_a_stated_unit(study):
    units = {(need.service, need.unit) for need in study.needs}
    assert {("meal_point", "meals_per_day"), ("elder_home", "beds"), ("day_care", "places")} <= units
    meal = [need for need in study.needs if need.service == "meal_point"]
    assert [need.group for need in meal] == ["a60_69", "a70_79", "a80_plus"]
