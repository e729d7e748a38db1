"""The chapter on access and fairness of the toy town, and the Lorenz curve: numbers by hand, hostile names as text.

Meal points (60 and over, residents): d0 to d4 have 10, 20, 30, 5 and 0 people, scores 2, 1, 0, 0 and 7. So 40 of 65 can
be had: 20 and 20 of it by d0 and d1; the 35 with least have nothing.
"""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from defusedxml import ElementTree

from chongming_gis import measured_tables, reports, tables
from chongming_gis.maps import shares
from chongming_gis.measured import fair as measured_fair
from chongming_gis.measuremodel import MeasuresConfig
from chongming_gis.reports import fair, pictures
from chongming_gis.reports.blocks import Notes, Paragraph, Picture, Table
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words

QUESTION = {"id": "meals", "service": "meal_point", "source": "来源 <b>", "source_en": "source <b>"}
FAIR = {
    "questions": [{"question": "meals", "line": 1.5}],
    "deprivation": {"group": "a80_plus", "of": "a60_plus", "base": "resident", "area": "point"},
    "source": "底线来源",
    "source_en": "source of the line",
}


def answered(
    toy_result, *, score=(2.0, 1.0, 0.0, 0.0, 7.0), question=None, fairness=None, score_unit="supply_per_need"
):
    """The toy result with one question answered, and its fairness where asked."""
    asked = {"accessibility": {"questions": [{**QUESTION, **(question or {})}]}}
    asked |= {"fairness": fairness} if fairness else {}
    measures = MeasuresConfig.model_validate(asked)
    study = toy_result.study.model_copy(update={"measures": measures})
    table = pd.DataFrame(
        {
            "demand_id": toy_result.demand.points["demand_id"],
            "question": "meals",
            "service": "meal_point",
            "method": measures.accessibility.questions[0].method,
            "unit": "meals_per_day",
            "demand": [1.0, 2.0, 3.0, 1.0, 0.0],
            "score": np.asarray(score, dtype=float),
            "score_unit": score_unit,
            "reachable_supply": 1.0,
            "n_reachable": 1,
        }
    )
    table = table.astype(tables.column_types(measured_tables.ACCESSIBILITY))
    found = {"accessibility": table}
    if fairness:
        found["fairness"] = measured_fair.measure_fairness(
            table, measures.fairness, study=study, demand=toy_result.demand
        )
    return dataclasses.replace(toy_result, study=study, measured=found)


def chapter(result, language="en"):
    words = Words(language)
    told = Told(result, words, shares.read_shares(result), shares.township_names(result, words))
    return fair.sections(told)


def shown(table):
    return [[cell.shown for cell in row] for row in table.rows]


def blocks(section, kind):
    return [block for block in section.blocks if isinstance(block, kind)]


def test_the_overview_says_how_much_and_how_even(toy_result):
    """The Lorenz points are (35/65, 0), (55/65, 1/2) and (1, 1)."""
    (section,) = chapter(answered(toy_result, fairness=FAIR))
    gini = 1 - (20 * 0.5 + 10 * 1.5) / 65
    row = shown(blocks(section, Table)[0])[0]
    assert row[:7] == ["Meal points", "0.62", "meals a day per unit needed", "53.8%", "84.6%", f"{gini:.2f}", "0%"]
    limits = "town: walking 15 min; village: e-bike 15 min"
    assert row[7:] == [limits, "two-step floating catchments (2SFCA); no decay in the catchment"]


def test_the_sentences_say_what_the_numbers_mean(toy_result):
    (section,) = chapter(answered(toy_result, fairness=FAIR))
    said = blocks(section.inner[0], Paragraph)[0].text
    assert "53.8% of them have nothing in reach" in said
    assert "84.6% are below the line of 1.50" in said
    assert "two people taken at random differ on average by 123.1% of the mean" in said
    assert "The half with least has 0% of all access, the tenth with most 32.5%" in said
    # 80 and over in 60 and over: 0.1, 0.125, 0.1, 0.1. d1 is worst off: 2 (20 x 10 + 20 x 42.5) / 65 / 40 - 1
    assert "Where the share of 80 and over in 60 and over is higher there is more access" in said
    assert "(concentration index -0.19)" in said


def test_every_measure_stands_with_how_to_read_it(toy_result):
    (section,) = chapter(answered(toy_result, fairness=FAIR))
    rows = {row[0]: row for row in shown(blocks(section, Table)[1])}
    assert rows["Palma ratio"][1] == "∞"
    assert rows["People below the line"][1] == "84.6%"
    assert "0.4 means 80%" in rows["Gini coefficient"][2]
    assert "ε = 0.5" in rows["Atkinson index"][2]
    assert len(rows) == 11


def test_townships_villages_and_groups(toy_result, toy):
    """A has 60 people with 40, B 5 with nothing; village 10101 (d0, d1) has 30 with 40, 10201 (d3) 5 with nothing."""
    (section,) = chapter(answered(toy_result, fairness=FAIR))
    by_township, villages, groups = blocks(section.inner[0], Table)
    assert [row[1:4] for row in shown(by_township)] == [
        ["60", "0.67", "50.0%"],
        ["5", "0", "100%"],
        ["65", "0.62", "53.8%"],
    ]
    assert by_township.strong_rows == (2,)
    assert [row[2:] for row in shown(villages)] == [["5", "0", "100%"], ["30", "1.33", "66.7%"]]
    assert "1 villages with 5 people have nothing" in blocks(section.inner[0], Notes)[0].items[0]
    # of 80 and over 1, 2.5, 3 and 0.5 people: 2 + 2.5 over 7
    assert [row[1:4] for row in shown(groups)] == [["65", "0.62", "100.0%"], ["7", "0.64", "104.5%"]]


def test_without_fairness_there_is_access_only(toy_result):
    (section,) = chapter(answered(toy_result))
    assert section.title == "Access"
    assert len(blocks(section, Table)) == 1
    assert [type(block) for block in section.inner[0].blocks] == [Paragraph]


def test_without_a_question_there_is_no_chapter(toy_result):
    assert chapter(toy_result) == ()


@pytest.mark.parametrize(
    ("method", "score_unit", "shows"),
    [
        ("closest", "seconds", "5.0 minutes to the nearest on average of those who have one in reach; 53.8% of them"),
        ("raam", "cost", "burden (1 = average load); less is better"),
    ],
)
def test_times_and_costs_are_told_as_such(toy_result, method, score_unit, shows):
    """d0 and d1 bear 300 (s, or a cost); the others reach nothing."""
    score = (300.0, 300.0, np.inf, np.inf, 0.0)
    result = answered(toy_result, score=score, question={"method": method}, score_unit=score_unit)
    assert shows in blocks(chapter(result)[0].inner[0], Paragraph)[0].text


def test_sites_are_told_per_thousand_people(toy_result):
    result = answered(toy_result, score=(0.001, 0.0005, 0, 0, 0), score_unit="supply_per_person")
    row = shown(blocks(chapter(result)[0], Table)[0])[0]
    assert row[1:3] == ["0.31", "meals a day per 1,000 people"]


def test_where_nobody_has_anything_there_is_no_curve(toy_result):
    (section,) = chapter(answered(toy_result, score=(0,) * 5, fairness=FAIR))
    own = section.inner[0]
    assert blocks(own, Picture) == []
    assert "nothing to be even or uneven about" in blocks(own, Paragraph)[0].text
    assert "Gini coefficient" not in [row[0] for row in shown(blocks(section, Table)[1])]


def test_two_questions_of_one_service_are_told_apart(toy_result):
    result = answered(toy_result)
    other = result.measured["accessibility"].assign(question="other", method="bfca")
    questions = [{**QUESTION}, {**QUESTION, "id": "other", "method": "bfca"}]
    measures = MeasuresConfig.model_validate({"accessibility": {"questions": questions}})
    table = pd.concat([result.measured["accessibility"], other], ignore_index=True)
    study = result.study.model_copy(update={"measures": measures})
    both = dataclasses.replace(result, study=study, measured={"accessibility": table})
    titles = [section.title for section in chapter(both)[0].inner]
    assert len(set(titles)) == 2
    assert "BFCA" in titles[1]


def test_shares_of_modes_stand_in_the_limits(toy_result):
    catchments = [{"mode": "walk", "minutes": 10, "share": 0.7}, {"mode": "car", "minutes": 5, "share": 0.3}]
    result = answered(toy_result, question={"catchments": catchments})
    row = shown(blocks(chapter(result)[0], Table)[0])[0]
    assert row[4] == "walking 10 min (70% of people), car 5 min (30% of people)"


# ------------------------------------------------------------------ the drawing

HOSTILE = '</svg><script>window.pwned=1</script> & "quoted" <b>'


def draw(**changes):
    texts = pictures.LorenzTexts(**dict.fromkeys(("title", "description", "across", "up", "equal", "mark"), HOSTILE))
    made = {"share_persons": np.array([0.0, 0.5, 1.0]), "share_score": np.array([0.0, 0.2, 1.0]), **changes}
    return pictures.draw_lorenz("curve", made["share_persons"], made["share_score"], texts)


def test_the_curve_goes_through_its_points():
    """The plot is 360 wide from x = 62, its bottom at y = 374: half of the people have a fifth."""
    svg = ElementTree.fromstring(draw())
    (line,) = svg.iter("polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
    assert points[0] == (62.0, 374.0)
    assert points[-1] == (422.0, 14.0)
    assert points[50] == (242.0, 302.0)
    (mark,) = svg.iter("circle")
    assert (mark.get("cx"), mark.get("cy")) == ("242.0", "302.0")
    assert len(points) == 101


def test_the_drawing_is_read_aloud_and_escapes_every_text():
    drawn = draw()
    svg = ElementTree.fromstring(drawn)
    assert svg.get("role") == "img"
    named = {part.get("id"): part.text for part in svg if part.tag in {"title", "desc"}}
    assert [named[key] for key in svg.get("aria-labelledby").split()] == [HOSTILE, HOSTILE]
    assert "<script" not in drawn
    assert sum(text.text.endswith(HOSTILE) for text in svg.iter("text")) == 4
    assert draw() == drawn


def test_the_drawing_loads_nothing_and_keeps_inside_its_box():
    svg = ElementTree.fromstring(draw())
    assert not re.search(r"href|style|url\(|on\w+=|//", draw().replace(HOSTILE, ""))
    width, height = map(float, svg.get("viewBox").split()[2:])
    for text in (text for text in svg.iter("text") if text.get("transform") is None):
        assert 0.0 <= float(text.get("x")) <= width
        assert 0.0 <= float(text.get("y")) <= height


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_shows_the_curve(toy_result, language):
    page = reports.render_report(answered(toy_result, fairness=FAIR), language=language)
    figure = re.search(r'<figure class="picture">\s*(<svg.*?</svg>)\s*<figcaption>(.*?)</figcaption>', page, re.DOTALL)
    assert figure is not None
    assert 'aria-labelledby="lorenz-meals-title lorenz-meals-text"' in figure.group(1)
    assert "来源 &lt;b&gt;" in page if language == "zh" else "source &lt;b&gt;" in page


def test_a_browser_draws_it_under_the_page_s_policy(visit, toy_result):
    opened = visit(reports.render_report(answered(toy_result, fairness=FAIR)), width=390, height=800)
    box = opened.evaluate("(() => { const b = document.querySelector('.picture svg').getBoundingClientRect();"
                          " return [b.width, b.height, document.documentElement.scrollWidth]; })()")  # fmt: skip
    assert 300 < box[0] <= 366
    assert box[1] == pytest.approx(box[0] * 436 / 450, abs=1)
    assert box[2] <= 390
