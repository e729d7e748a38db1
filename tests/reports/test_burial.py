"""The chapters on burial plots and on visits of the toy town: sentences and tables from given numbers."""

import dataclasses

import numpy as np
import pandas as pd

from chongming_gis import measuremodel
from chongming_gis.maps import shares
from chongming_gis.reports import burial
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words

SECTIONS = {
    "burial": measuremodel.BurialConfig(services=("care_home",), source="依据"),
    "visits": measuremodel.VisitsConfig(service="meal_point", group="a80_plus", base="resident", source="依据"),
}


def plots(**changes):
    """The district, two townships and a village; the second township has not said how many plots are in use."""
    rows = {
        "scope": ["district", "township", "township", "village"],
        "scope_code": ["toy", "101", "102", "10101"],
        "name_zh": ["镇", "甲", "乙", "南村"],
        "service": ["care_home"] * 4,
        "n_grounds": [3, 2, 1, 1],
        "n_unknown": [1, 0, 1, 0],
        "plots": [200.0, 150.0, 50.0, 100.0],
        "used": [134.0, 134.0, 0.0, 90.0],
        "plots_left": [np.nan, 16.0, np.nan, 10.0],
        "persons": [65.0, 60.0, 5.0, 30.0],
        "per_year_low": [1.6, 1.5, 0.1, 0.5],
        "per_year": [3.25, 3.0, 0.25, 0.0],
        "per_year_high": [6.5, 6.0, 0.5, 2.0],
        "years_low": [np.nan, 3.0, np.nan, 5.0],
        "years": [np.nan, 6.0, np.nan, np.inf],
        "years_high": [np.nan, 12.0, np.nan, np.inf],
        "years_pooled": [np.nan, 5.33, np.nan, np.inf],
        "evidence": ["schematic", "schematic", "data", "data"],
    }
    table = pd.DataFrame(rows | changes)
    return table.astype(dict.fromkeys(("scope", "scope_code", "name_zh", "service", "evidence"), "str"))


def loads():
    rows = [("F1", "applied", 4.5, 2, 1.0, 300.0, 1000.0), ("F2", "applied", 0.0, 0, 0.0, np.nan, np.nan)]
    rows += [("F1", "ignored", 4.5, 2, 1.0, 300.0, 1000.0), ("F2", "ignored", 2.5, 1, 0.0, 120.0, 240.0)]
    names = ["facility_id", "serves_rule", "persons", "n_villages", "persons_beyond", "time_s", "farthest_s"]
    table = pd.DataFrame(rows, columns=names)
    table["name_zh"], table["township_code"] = ["点<b>", "点二"] * 2, ["101", "102"] * 2
    return table.astype(dict.fromkeys(("facility_id", "serves_rule", "name_zh", "township_code"), "str"))


def left():
    rows = [("10101", "applied", "101", 4.5, 1.0, 0.0, 300.0), ("10201", "applied", "102", 2.5, 0.0, 2.5, np.inf)]
    rows += [("10101", "ignored", "101", 4.5, 1.0, 0.0, 300.0), ("10201", "ignored", "102", 2.5, 0.0, 0.0, 120.0)]
    names = ["village_code", "serves_rule", "township_code", "persons", "persons_beyond", "persons_unreached", "time_s"]
    table = pd.DataFrame(rows, columns=names).assign(name_zh=["南村", "北村"] * 2)
    return table.astype(dict.fromkeys((*names[:3], "name_zh"), "str"))


def sections(result, language="en", **tables):
    measures = result.study.measures.model_copy(update=SECTIONS)
    result = dataclasses.replace(result, study=result.study.model_copy(update={"measures": measures}), measured=tables)
    words = Words(language)
    return burial.sections(Told(result, words, shares.read_shares(result), shares.township_names(result, words)))


def shown(table):
    return [[cell.shown for cell in row] for row in table.rows]


def test_years_by_township_with_their_interval(toy_result):
    """16 plots left, the first are short in 6 years: full in 2030, six years after the end of 2024."""
    (chapter,) = sections(toy_result, burial=plots())
    table = chapter.inner[0].blocks[1]
    assert shown(table)[0][1:] == ["2", "150", "16", "3.0", "6.0", "3.0–12.0", "2030", "5.3", "schematic – to fill"]


def test_what_is_not_filled_in_is_said_in_place_of_years(toy_result):
    (chapter,) = sections(toy_result, "zh", burial=plots())
    table = chapter.inner[0].blocks[1]
    assert shown(table)[1][3:] == ["—", "0.2", "—", "—", "—", "—", "1 处未填"]
    said = chapter.inner[0].blocks[0].text
    assert "合计" not in said  # there is no number for the district
    assert "示意 – 待填" in said


def test_never_is_a_word(toy_result):
    (chapter,) = sections(toy_result, burial=plots())
    village = chapter.inner[0].blocks[2]
    assert village.folded
    assert shown(village)[0][5:8] == ["never", "5.0–never", "—"]


def test_surveyed_grounds_carry_no_mark(toy_result):
    (chapter,) = sections(toy_result, burial=plots(evidence=["data"] * 4))
    assert shown(chapter.inner[0].blocks[1])[0][-1] == "—"
    assert "schematic" not in chapter.inner[0].blocks[0].text


def test_visits_are_told_under_both_rules(toy_result):
    """7 people of 80 and over: 4.5 are visited under the rule, all of them without it."""
    (chapter,) = sections(toy_result, visits=loads(), visits_beyond=left())
    said = chapter.blocks[0].text
    assert "7 persons (80 and over, residents) are visited from 2 sites (Meal points)" in said
    assert "on average 2.2 persons a point, 4 at most; 1 live beyond" in said
    assert "2 have none they reach, in 2 villages" in said
    assert "on average 3.5 persons a point, 4 at most; 1 live beyond the limit, 0 reach none, in 1 villages" in said


def test_visits_by_township_load_and_village(toy_result):
    (chapter,) = sections(toy_result, "zh", visits=loads(), visits_beyond=left())
    by_township, largest, villages = (block for block in chapter.blocks if block.kind == "table")
    assert [row[1:] for row in shown(by_township)] == [
        ["4", "1", "4.5", "4", "1", "0"],
        ["2", "1", "0.0", "0", "0", "2"],
    ]
    assert [row[2:] for row in shown(largest)] == [["4", "5.0", "16.7"]]
    assert [row[2:] for row in shown(villages)] == [["2", "0", "2", "2.0"], ["4", "1", "0", "5.0"]]


def test_no_chapters_without_tables(toy_result):
    assert sections(toy_result) == ()
