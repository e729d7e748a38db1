"""The chapter on meals to the door, and the drivers' sheets, from a plan drawn by hand."""

import dataclasses
import io
import re

import numpy as np
import openpyxl
import pytest

from chongming_gis import reports
from chongming_gis.maps import shares
from chongming_gis.reports import delivery, workbook
from chongming_gis.reports.blocks import Paragraph, Picture, Table
from chongming_gis.reports.delivery_sheets import FILE, render_sheets
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words
from tests.maps import delivery_toy
from tests.maps.themed_toy import with_sensitive


@pytest.fixture(scope="module")
def delivered(toy, toy_result):
    return delivery_toy.with_rounds(toy, toy_result)


def chapter(result, language="en"):
    words = Words(language)
    return delivery.sections(Told(result, words, shares.read_shares(result), shares.township_names(result, words)))


def sentences(section):
    return " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))


def test_no_chapter_without_a_plan(toy_result):
    assert chapter(toy_result) == ()


def test_what_is_said_is_what_was_counted(delivered):
    (section,) = chapter(delivered)
    said = sentences(section)
    assert "24 meals a day are wanted at the door" in said
    assert "2 rounds by 2 vehicles over 9 km bring 12 meals a day: 2 of 5 drops get all of theirs" in said
    assert "no rounds bring more than 16 meals; this plan brings 75.0% of them" in said
    assert "count CNY 630 (600 of it for missed meals); no plan counts less than 420" in said
    assert "(a relaxation), 33.3% below" in said
    assert "these kitchens cook 40 of them (50.0%), and these rounds bring 12 to the door (15.0%)" in said
    assert "The 12 meals not brought, by reason: no vehicle has room or time left: 6" in said


def test_tables_and_curve(delivered):
    (section,) = chapter(delivered)
    tables = {block.caption: block for block in section.blocks if isinstance(block, Table)}
    kitchens = next(iter(tables.values()))
    assert [row[0].shown for row in kitchens.rows][1] == "F2"
    assert sum(int(row[3].shown) for row in kitchens.rows) == 12
    (whatif,) = section.inner
    assert sum(isinstance(block, Picture) for block in whatif.blocks) == 1
    *_, new = [block for block in whatif.blocks if isinstance(block, Table)]
    assert [cell.shown for cell in new.rows[0]][2:] == ["4", "6", "6", "1.50"]


def test_no_bound_and_no_rounds_are_said(delivered):
    whole = delivered.measured["delivery"].assign(bound=np.nan, n_rounds=0, meals_target=np.nan)
    none = dataclasses.replace(delivered, measured={**delivered.measured, "delivery": whole})
    said = sentences(chapter(none)[0])
    assert "Not one meal can be brought" in said
    assert "No bound on the cost was found" in said
    assert "The plan asks for" not in said


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_report_has_the_chapter(delivered, language):
    page = reports.render_report(delivered, language=language)
    assert Words(language)("delivery.chapter") in page
    assert 'id="delivery-deadline-title"' in page
    assert "<i>新址" not in page
    assert "新址 <i>" not in page


def test_a_sheet_a_round_with_every_stop(delivered, toy):
    page = render_sheets(delivered, language="zh")
    assert page.count('<section class="sheet"') == 2
    assert re.findall(r'<td class="clock">([^<]+)</td>', page) == ["10:35", "10:45", "11:40"]
    assert "装车 9 份" in page
    assert "最迟 11:00 前送完" in page
    assert "返回厨房 10:55" in page
    assert page.count("本趟过渡轮") == 1
    assert toy.HOSTILE not in page
    assert "default-src" in page
    assert page.count("示意数据，不能据此派车") == 2
    assert "不外传" not in page


def test_drivers_are_told_all_meals_and_not_to_pass_them_on(delivered):
    page = render_sheets(with_sensitive(delivered, "a60_plus"), language="zh")
    assert page.count("列有各点份数，只供送餐使用，不外传") == 2
    assert '<td class="number">4</td>' in page
    assert "&lt;5" not in page


def test_the_chapter_tells_no_small_number_of_meals_of_sensitive_people(delivered):
    (section,) = chapter(with_sensitive(delivered, "a60_plus"))
    tables = {block.caption: block for block in section.blocks if isinstance(block, Table)}
    rounds, out = (tables[name].rows for name in ("All rounds", "Drops within range of no kitchen"))
    assert [row[4].shown for row in rounds] == ["—", "3"]
    assert [row[2].shown for row in out] == ["<5"]
    assert "fewer than 5 meals at a drop" in " ".join(section.blocks[-1].items)


def sheet_rows(result, title):
    book = openpyxl.load_workbook(io.BytesIO(workbook.render_workbook(result, language="en")))
    return [[cell.value for cell in row] for row in book[title].iter_rows()]


def test_the_workbook_has_rounds_kitchens_drops_and_changes(delivered):
    head, *stops = sheet_rows(delivered, "Meal rounds")
    assert head[3:6] == ["Stop", "There at", "Age on arrival (min)"]
    assert [row[1:6] for row in stops] == [
        ["bike <b> 1", "10:30", 1, "10:35", 5],
        ["bike <b> 1", "10:30", 2, "10:45", 15],
        ["van 1", "11:30", 1, "11:40", 10],
    ]
    assert [row[head.index("Still on board (meals)")] for row in stops] == [4, 0, 0]
    assert [row[4] for row in sheet_rows(delivered, "Meal kitchens")] == ["Brought (meals)", 12, 0]
    drops = sheet_rows(delivered, "Meal drops")
    assert [row[3] for row in drops[1:]] == [5, 4, 5, 6, 4]
    assert drops[4][-1] == "no vehicle has room or time left"
    assert drops[5][-2] == "not reached"
    changes = sheet_rows(delivered, "Meals, one change")
    assert [row[0] for row in changes[1:3]] == ["deadline (min)", "deadline (min)"]
    assert [row[7] for row in changes[1:]] == [-2, 0, 2, 6]


def test_the_workbook_tells_no_small_number_of_meals_of_sensitive_people(delivered):
    masked = with_sensitive(delivered, "a60_plus")
    head, *stops = sheet_rows(masked, "Meal rounds")
    assert "Still on board (meals)" not in head
    assert [row[head.index("Meals")] for row in stops] == [5, "<5", 3]
    assert [row[3:5] for row in sheet_rows(masked, "Meal drops")[1:]] == [
        [5, 5],
        ["<5", "<5"],
        [5, 3],
        [6, 0],
        ["<5", 0],
    ]


def test_a_result_without_rounds_has_no_such_sheets(toy_result):
    with pytest.raises(KeyError):
        sheet_rows(toy_result, "Meal rounds")


def test_sheets_are_written_where_there_are_rounds(delivered, toy_result, tmp_path):
    assert reports.write_sheets(toy_result, tmp_path) is None
    assert reports.write_sheets(delivered, tmp_path, language="en") == tmp_path / FILE
    assert "Driver" in (tmp_path / FILE).read_text(encoding="utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_sheets_fit_the_screen(delivered, chromium, tmp_path, width):
    path = reports.write_sheets(delivered, tmp_path)
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.goto(path.as_uri())
    assert page.locator("section.sheet").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
