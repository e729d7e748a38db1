"""The chapter on certainty of the toy town: its numbers are those of the tables, and it is whole in both languages."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from chongming_gis import measured_tables, tables
from chongming_gis.config import parse_study
from chongming_gis.maps import shares
from chongming_gis.reports import certainty
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words

SOURCE = {"source": "规划假设", "source_en": "planning assumption"}
RANGES = {
    "draws": 1200,
    "confidence": 0.9,
    "speeds": [{"mode": "walk", "low": 0.8, "high": 1.24, **SOURCE}],
    "path": {"low": 0.86, "likely": 1.0, "high": 1.0, **SOURCE},
    "snap_m": {"low": 200, "likely": 300, "high": 500, **SOURCE},
    "population_sigma": 0.2,
    "population_source": "规划假设",
    "population_source_en": "planning assumption",
}


def stated(result):
    """The toy result with ranges in its study."""
    content = result.study.model_dump(mode="json", exclude_none=True)
    content["measures"]["certainty"] = RANGES
    return dataclasses.replace(result, study=parse_study(content, folder=result.study.folder))


def frame(contract, **columns):
    made = pd.DataFrame(columns).astype(tables.column_types(contract))
    tables.validate(made, contract, where="test")
    return made


def measured(result):
    """Meal points 40 to 60 %, driven by speed; homes: nobody of the group lives anywhere."""
    both = {"service": ["meal_point", "care_home"], "standard": ["draft_2024", "drive_30"]}
    district = frame(
        measured_tables.CERTAINTY,
        scope=["district"] * 2, scope_code=["toy"] * 2, name_zh=[None] * 2, **both, group=["a60_plus", "a80_plus"],
        base=["resident"] * 2, persons=[65.0, 0.0], share_run=[0.462, np.nan], share_low=[0.4, np.nan],
        share_likely=[0.5, np.nan], share_high=[0.6, np.nan],
    )  # fmt: skip
    villages = frame(
        measured_tables.CERTAINTY_VILLAGES,
        village_code=["10101", "10201"] * 2, name_zh=["<i>甲村", "乙村"] * 2, township_code=["101", "102"] * 2,
        service=["meal_point"] * 2 + ["care_home"] * 2, standard=["draft_2024"] * 2 + ["drive_30"] * 2,
        persons=[30.0, 5.0, 0.0, 0.0], status_run=["reached", "not_reached", "nobody", "nobody"],
        draws_reached_share=[0.75, 0.0, np.nan, np.nan], status=["uncertain", "not_reached", "nobody", "nobody"],
    )  # fmt: skip
    low = {"speed": 0.42, "path": 0.46, "wait": 0.462, "snap": 0.462, "people": 0.45}
    high = {"speed": 0.58, "path": 0.5, "wait": 0.462, "snap": 0.462, "people": 0.47}
    drivers = frame(
        measured_tables.CERTAINTY_DRIVERS,
        service=["meal_point"] * 5 + ["care_home"] * 5, standard=["draft_2024"] * 5 + ["drive_30"] * 5,
        driver=[*low, *low], share_low=[*low.values(), *[np.nan] * 5], share_high=[*high.values(), *[np.nan] * 5],
    )  # fmt: skip
    found = {"certainty": district, "certainty_villages": villages, "certainty_drivers": drivers}
    return dataclasses.replace(stated(result), measured=found)


def chapter(result, language="en"):
    words = Words(language)
    return certainty.sections(Told(result, words, shares.read_shares(result), shares.township_names(result, words)))


def shown(table):
    return [[cell.shown for cell in row] for row in table.rows]


def of_kind(section, kind):
    return [block for block in section.blocks if block.kind == kind]


def test_no_ranges_no_chapter_and_a_daily_run_says_what_full_adds(toy_result):
    assert chapter(toy_result) == ()
    (section,) = chapter(stated(toy_result))
    assert len(section.blocks) == 1
    assert "--full" in section.blocks[0].text
    assert "1,200 times" in section.blocks[0].text
    assert "1,200 次" in chapter(stated(toy_result), "zh")[0].blocks[0].text


def test_sentences_and_table_say_the_intervals_and_what_drives_them(toy_result):
    (section,) = chapter(measured(toy_result))
    opening = section.blocks[0].text
    assert "1,200 times" in opening
    assert "90 % of the results" in opening
    assert "The widest are Meal points (40.0% to 60.0%)." in opening
    assert "What matters most is speed." in opening
    intervals, status, _, ranges = of_kind(section, "table")
    assert shown(intervals) == [
        ["Meal points", "46.2%", "40.0%", "50.0%", "60.0%", "16.0", "4.0", "0.0", "0.0", "2.0"],
        ["Care homes", *["—"] * 9],
    ]
    assert shown(status) == [["Meal points", "0", "1", "1", "30"], ["Care homes", "0", "0", "0", "0"]]
    assert [row[0] for row in shown(ranges)] == [
        "Speed: walking",
        "Ways on foot and by bicycle (small paths not on the map)",
        "Wait for a ferry (share of the headway)",
        "How far from a road still counts as reached (m)",
        "People of each village (log-normal)",
    ]
    assert shown(ranges)[0][1:] == ["× 0.8", "× 1", "× 1.24", "planning assumption"]
    assert shown(ranges)[4][2] == "± 20%"


def test_villages_whose_status_changes_are_listed_folded(toy_result):
    (section,) = chapter(measured(toy_result))
    changing = of_kind(section, "table")[2]
    assert changing.folded
    assert [row[3:] for row in shown(changing)] == [["30", "reached", "75.0%"]]


def test_the_drawing_has_a_bar_for_each_known_interval_and_escapes_names(toy_result):
    content = measured(toy_result).study.model_dump(mode="json", exclude_none=True)
    content["services"][0]["name_zh"] = "助餐点 <script>&"
    study = parse_study(content, folder=toy_result.study.folder)
    (section,) = chapter(dataclasses.replace(measured(toy_result), study=study), "zh")
    (picture,) = of_kind(section, "picture")
    assert picture.svg.count("<circle") == 1
    assert "助餐点 &lt;script&gt;&amp;" in picture.svg
    assert "<script" not in picture.svg
    assert "40.0% – 60.0%" in picture.svg
    left, right = 4 + 472 * 0.4, 472 * (0.6 - 0.4)
    assert f'x="{left:.1f}" y="26" width="{right:.1f}"' in picture.svg


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_blank_is_left_open(toy_result, language):
    (section,) = chapter(measured(toy_result), language)
    texts = [block.text for block in of_kind(section, "paragraph")]
    texts += [cell for table in of_kind(section, "table") for row in shown(table) for cell in row]
    texts += [column for table in of_kind(section, "table") for column in table.columns]
    assert not [text for text in texts if "{" in text and "7*7" not in text and "raw" not in text]
