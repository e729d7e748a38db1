"""The chapters on beds, phases and joint plans: their numbers are those of the tables, in whole sentences."""

import dataclasses

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from chongming_gis.bedmodel import BedPlanConfig
from chongming_gis.maps import shares
from chongming_gis.measured_tables import (
    BED_DUTIES,
    BED_FRONTIER,
    BED_PLAN,
    BED_PLANS,
    JOINT_PLANS,
    JOINT_SITES,
    PHASE_SITES,
    PHASES,
)
from chongming_gis.phasemodel import JointProposalConfig, PhasesConfig
from chongming_gis.planning import CostConfig
from chongming_gis.reports import beds, phases
from chongming_gis.reports.blocks import Bullets, Paragraph, Table
from chongming_gis.reports.figures import Told
from chongming_gis.tables import column_types
from chongming_gis.wording import Words
from tests.toy.proposed import HOSTILE, with_proposals

SAYS = {"name_zh": "名", "name_en": "name", "source": "文件", "source_en": "document"}


def frame(contract, *rows):
    table = pd.DataFrame([{**dict.fromkeys(contract.columns), **row} for row in rows], columns=list(contract.columns))
    table = table.astype(column_types(contract))
    return gpd.GeoDataFrame(table, geometry=[shapely.Point(0, 0)] * len(table)) if contract.geometry_types else table


def cost(name, what, value, **more):
    return CostConfig(id=name, what=what, value=value, year=2021, **SAYS, **more)


def told_of(result, tables, language="en", **study):
    words = Words(language)
    costs = (*result.study.costs, cost("new", "site", 300_000.0), cost("sharing", "co_location_saving", 0.2))
    costs += (cost("bed", "capacity", 100.0, unit="beds"),)
    study = result.study.model_copy(update={"costs": costs, **study})
    result = dataclasses.replace(result, study=study, measured={**result.measured, **tables})
    return Told(result, words, shares.read_shares(result), shares.township_names(result, words))


def shown(table):
    return [[cell.shown for cell in row] for row in table.rows]


def of(section, kind):
    return [block for block in section.blocks if isinstance(block, kind)]


BED_ENTRY = BedPlanConfig(
    id="plan", service="meal_point", target_set="next", targets=("beds", "later"),
    extend={"cost": "bed", "least": 2, "most": 5}, **SAYS,
)  # fmt: skip
BEDS_ROW = {
    "plan": "plan", "service": "meal_point", "target_set": "next", "status": "optimal", "stop_reason": "proven",
    "cost": 660_000.0, "bound": 660_000.0, "gap": 0.0, "currency": "CNY", "price_year": 2021, "beds_before": 18.0,
    "beds_after": 24.0, "n_homes": 2, "n_ground": 0, "n_new": 0, "n_extended": 1, "need": 30.0, "minutes_before": 20.0,
    "minutes": 12.5, "share_in_time_before": 0.5, "share_in_time": 0.75,
}  # fmt: skip
DUTY = {"plan": "plan", "indicator_id": "beds", "target_set": "next", "unit": "beds", "before": 18.0, "target": 24.0,
        "after": 24.0, "status": "met", "evidence": "data"}  # fmt: skip


def bed_tables(points=2, duty=None, **row):
    action = {"plan": "plan", "place_id": "h1", "name_zh": HOSTILE, "township_code": "101", "what": "extended",
              "unit": "beds", "beds": 6, "beds_before": 10.0, "cost": 600_000.0, "targets": "beds"}  # fmt: skip
    converted = {**action, "what": "converted", "unit": "nursing_beds", "beds": 2, "cost": 60_000.0, "targets": ""}
    point = {"plan": "plan", "cost": 660_000.0, "minutes": 12.5, "minutes_bound": 12.4, "share_in_time": 0.75,
             "new_beds": 0, "extended_beds": 6, "n_new": 0, "n_extended": 1}  # fmt: skip
    dearer = {"cost": 960_000.0, "minutes": 10.0, "new_beds": 4, "n_new": 1}
    has_plan = row.get("status", "optimal") in {"optimal", "feasible"}
    return {
        "bed_plans": frame(BED_PLANS, {**BEDS_ROW, **row}),
        "bed_plan": frame(BED_PLAN, *([action, converted] if has_plan else [])),
        "bed_duties": frame(
            BED_DUTIES, {**DUTY, **(duty or {})},
            {"plan": "plan", "indicator_id": "later", "target_set": "next", "unit": "beds", "status": "to_fill",
             "evidence": "data"},
        ),
        "bed_frontier": frame(
            BED_FRONTIER, *[{**point, **(dearer if at else {}), "point": at + 1} for at in range(points * has_plan)]
        ),
    }  # fmt: skip


def bed_chapter(result, language="en", **changes):
    (section,) = beds.sections(told_of(result, bed_tables(**changes), language, bed_plans=(BED_ENTRY,)))
    (own,) = section.inner
    return own


def test_without_the_tables_there_are_no_chapters(toy_result):
    told = told_of(toy_result, {})
    assert beds.sections(told) == ()
    assert phases.sections(told) == ()


def test_the_least_cost_stands_with_what_is_done_and_the_year_of_its_prices(toy_result):
    first = bed_chapter(toy_result).blocks[0].text
    assert "takes at least CNY 660,000 (prices of 2021): 6 beds added at 1 homes" in first
    assert "2 beds converted to nursing beds" in first
    assert "No better plan exists: this is proven." in first
    assert "至少需要 66 万元（2021年价）：扩建 1 家（6 张）" in bed_chapter(toy_result, "zh").blocks[0].text
    hasty = bed_chapter(toy_result, status="feasible", stop_reason="time limit", bound=600_000.0, gap=0.0909)
    assert "No plan can be better than 600,000; this one is within 9.1% of that" in hasty.blocks[0].text


def test_ways_before_and_after_are_told(toy_result):
    second = bed_chapter(toy_result).blocks[1].text
    assert "the 30 beds" in second
    assert "from 20.0 to 12.5 minutes" in second
    assert "from 50.0% to 75.0%" in second
    assert "Who finds no bed counts 60 minutes" in second


def test_targets_townships_and_homes_stand_in_tables(toy_result):
    duties, towns, homes, frontier = of(bed_chapter(toy_result), Table)
    assert shown(duties)[0] == ["beds", "beds", "18", "24", "24", "met with the plan"]
    assert shown(duties)[1][3:] == ["to fill", "—", "target to fill"]
    total = shown(towns)[-1]
    assert total == ["All", "18", "—", "6", "2", "—", "24", "660,000"]
    assert [row[3:6] for row in shown(towns) if row[3] != "—"] == [["6", "2", "—"], ["6", "2", "—"]]
    assert shown(homes)[0][0] == HOSTILE
    assert shown(homes)[0][2:] == ["beds added", "6", "10", "600,000", "beds"]
    assert shown(homes)[1][2] == "converted to nursing beds"
    assert [row[1:4] for row in shown(frontier)] == [["660,000", "12.50", "12.40"], ["960,000", "10.00", "12.40"]]


def test_what_more_money_buys_is_a_sentence_where_there_are_two_points(toy_result):
    texts = [block.text for block in of(bed_chapter(toy_result), Paragraph)]
    assert any("CNY 300,000 more (prices of 2021) shorten the mean way from 12.5 to 10.0" in text for text in texts)
    assert len(of(bed_chapter(toy_result, points=1), Table)) == 3


def test_no_verdict_rests_on_a_rule_of_schematic_data(toy_result):
    duties = of(bed_chapter(toy_result, duty={"evidence": "schematic"}), Table)[0]
    assert shown(duties)[0][-1] == Words("en")("indicator_status.schematic")


def test_a_target_to_be_filled_is_said(toy_result):
    (bullets,) = of(bed_chapter(toy_result), Bullets)
    assert bullets.items == ("Targets still to be filled, which the plan leaves out: later.",)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("status", ["infeasible", "unknown", "to_fill"])
def test_no_plan_is_told_with_the_duties(toy_result, language, status):
    own = bed_chapter(toy_result, language, status=status, reason="budget: 5 is too little", cost=None)
    words = Words(language)
    assert own.blocks[0].text == words(
        f"beds.{status}", target_set="next", reason=words.reason("budget: 5 is too little")
    )
    assert len(of(own, Table)) == 1


PHASE_ENTRY = PhasesConfig(id="steps", proposal="more", years=({"year": 2026, "new_sites": 1},), **SAYS)
YEAR = {
    "phases": "steps", "proposal": "more", "service": "meal_point", "limit": 1.0, "limit_unit": "new_sites",
    "weight": 1.0, "n_new": 1, "cost": 300_000.0, "persons": 65.0, "covered_before": 30.0, "status": "optimal",
    "stop_reason": "proven", "objective": 100.0, "bound": 100.0, "gap": 0.0,
}  # fmt: skip


def phase_chapter(result, language="en", *, price=5.0, **changes):
    years = [
        {**YEAR, "year": 2026, "covered": 40.0, "unphased": 40.0 + price, "price_of_nesting": price, **changes},
        {**YEAR, "year": 2027, "covered": 60.0, "unphased": 60.0, "price_of_nesting": 0.0, **changes},
    ]
    site = {"phases": "steps", "service": "meal_point", "year": 2026, "place_id": "c1", "name_zh": HOSTILE,
            "township_code": "101", "kind": "site", "added": 10.0, "cost": 300_000.0}  # fmt: skip
    tables = {"phases": frame(PHASES, *years), "phase_sites": frame(PHASE_SITES, site)}
    (section,) = phases.sections(told_of(with_proposals(result), tables, language, phases=(PHASE_ENTRY,)))
    (own,) = section.inner
    return own


def test_years_stand_with_the_price_of_nesting(toy_result):
    own = phase_chapter(toy_result)
    first, second = (block.text for block in of(own, Paragraph))
    assert "From 2026 to 2027, 2 new sites of" in first
    assert "rises from 46.2% to 92.3%" in first
    assert second == "The price of building step by step: 5 persons fewer in 2026."
    years, sites = of(own, Table)
    assert shown(years)[0] == ["2026", "1", "1", "300,000", "40", "61.5%", "45", "5"]
    assert shown(sites)[0][0] == HOSTILE
    assert "没有代价" in of(phase_chapter(toy_result, "zh", price=0.0), Paragraph)[1].text


def test_phases_without_a_plan_say_why(toy_result):
    own = phase_chapter(toy_result, status="infeasible", reason="budget: 5 buys nothing")
    assert len(own.blocks) == 1
    assert "budget: 5 buys nothing" in own.blocks[0].text


JOINT_ENTRY = JointProposalConfig(
    id="both", parts=({"proposal": "more"}, {"proposal": "other"}), budget=900_000.0, saving="sharing", **SAYS
)


def joint_chapter(result, language="en", *, lost_without=7.0, **changes):
    row = {
        "joint": "both", "service": "meal_point", "proposal": "more", "weight": 1.0, "persons": 65.0,
        "covered_before": 30.0, "n_new": 1, "spent": 240_000.0, "saved": 60_000.0, "covered": 60.0,
        "apart_budget": 450_000.0, "apart_n_new": 1, "apart_spent": 300_000.0, "apart_covered": 50.0,
        "budget": 900_000.0, "status": "optimal", "stop_reason": "proven", "objective": 60.0, "bound": 60.0, "gap": 0.0,
        **changes,
    }  # fmt: skip
    site = {"joint": "both", "service": "meal_point", "place_id": "c1", "name_zh": HOSTILE, "township_code": "101",
            "kind": "site", "cost": 300_000.0, "saved": 60_000.0, "shared_with": "meal_point",
            "lost_without": lost_without, "is_apart": False}  # fmt: skip
    tables = {
        "joint_plans": frame(JOINT_PLANS, row, {**row, "service": "all", "proposal": None, "weight": None}),
        "joint_sites": frame(JOINT_SITES, site),
    }
    (section,) = phases.sections(told_of(with_proposals(result), tables, language, joint_proposals=(JOINT_ENTRY,)))
    (own,) = section.inner
    return own


def test_a_joint_plan_stands_beside_the_same_planned_apart(toy_result):
    own = joint_chapter(toy_result)
    first, second = (block.text for block in of(own, Paragraph))
    assert "share CNY 900,000 (prices of 2021); a shared site saves 20.0%" in first
    assert "1 places shared, CNY 60,000 saved" in first
    assert second == "That is 10 more than planned apart (weighted, summed over services)."
    services, sites = of(own, Table)
    assert shown(services)[-1] == ["All (weighted)", "30", "1", "240,000", "60,000", "60", "1", "300,000", "50"]
    assert shown(sites)[0][4:] == ["240,000", "60,000", "7"]
    assert "少覆盖 10 人次" in of(joint_chapter(toy_result, "zh", apart_covered=70.0), Paragraph)[1].text
    assert "as many are covered" in of(joint_chapter(toy_result, apart_covered=60.0), Paragraph)[1].text
    assert len(of(joint_chapter(toy_result, apart_covered=None), Paragraph)) == 1


def test_few_people_of_a_sensitive_group_are_not_told_of_a_joint_site(toy_result):
    groups = tuple(g.model_copy(update={"sensitive": g.id == "a60_plus"}) for g in toy_result.study.groups)
    result = dataclasses.replace(toy_result, study=toy_result.study.model_copy(update={"groups": groups}))
    _, sites = of(joint_chapter(result, lost_without=3.0), Table)
    assert shown(sites)[0][-1] == "<5"


def test_a_joint_plan_that_cannot_be_says_why(toy_result):
    own = joint_chapter(toy_result, status="infeasible", reason="budget: 5 buys nothing")
    assert len(own.blocks) == 1
    assert "no plan obeys every rule: budget: 5 buys nothing" in own.blocks[0].text
