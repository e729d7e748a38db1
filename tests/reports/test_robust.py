"""The section on robustness: one sentence in a daily run; in a full one the shares and plans of the tables."""

import dataclasses

import numpy as np
import pytest

from chongming_gis import tables
from chongming_gis.maps import shares
from chongming_gis.measured_tables import PLAN_ALTERNATIVES, PLAN_ROBUSTNESS, SITE_ROBUSTNESS
from chongming_gis.reports import robust
from chongming_gis.reports.blocks import Bullets, Notes, Paragraph, Table
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words
from tests.toy.proposed import HOSTILE, NOTHING, _frame, with_proposals


def told_of(result, language="en"):
    words = Words(language)
    return Told(result, words, shares.read_shares(result), shares.township_names(result, words))


def _site(name, **changes):
    return {
        "proposal": "more", "service": "meal_point", "place_id": name, "name_zh": name, "township_code": "101",
        "kind": "site", "is_chosen": False, "share_good_plans": 0.5, "share_draws": 0.6, "share_draws_near": 0.7,
        "lost_if_refused": np.nan, **changes,
    }  # fmt: skip


def with_robustness(result, *, whole=None, sites=None):
    """The toy result with its one site in 40 % of the draws, and c2 in the others."""
    result = with_proposals(result)
    row = {
        "proposal": "more", "service": "meal_point", "n_alternatives": 1, "within_share": 0.02,
        "stop_reason": "no more within the share", "n_draws": 50, "n_planned": 50, "n_proven": 49, "share_same": 0.4,
        "lost_median": 0.01, "lost_high": 0.12, **(whole or {}),
    }  # fmt: skip
    plan = {
        "proposal": "more",
        "service": "meal_point",
        "status": "optimal",
        "n_new": 1,
        "cost": np.nan,
        "objective": 60.0,
    }
    plans = [
        {**plan, "number": 1, "lost": 0.0, "lost_share": 0.0, "sites": "c1"},
        {**plan, "number": 2, "lost": 4.0, "lost_share": 4 / 30, "sites": "c2", "left_out": "c1", "brought_in": "c2"},
    ]
    chosen = _site("c1", name_zh=HOSTILE, is_chosen=True, share_draws=0.4, share_draws_near=0.45, lost_if_refused=4.0)
    measured = {
        "plan_robustness": _frame(PLAN_ROBUSTNESS, row),
        "plan_alternatives": _frame(PLAN_ALTERNATIVES, *plans),
        "site_robustness": _frame(
            SITE_ROBUSTNESS, *(sites or (chosen, _site("c2"), _site("c3", share_draws=0.05, share_good_plans=0.0)))
        ),
    }
    for contract in (PLAN_ROBUSTNESS, PLAN_ALTERNATIVES, SITE_ROBUSTNESS):
        tables.validate(measured[contract.name], contract, where=contract.name)
    return dataclasses.replace(result, measured={**result.measured, **measured})


def shown(table):
    return [[cell.shown for cell in row] for row in table.rows]


def blocks_of(result, kind, language="en"):
    (section,) = robust.sections(told_of(result, language))
    return [block for block in section.blocks if isinstance(block, kind)]


def test_nothing_is_told_where_nothing_is_proposed(toy_result):
    assert robust.sections(told_of(toy_result)) == ()
    assert robust.sections(told_of(with_proposals(toy_result, **NOTHING))) == ()


@pytest.mark.parametrize(("language", "said"), [("zh", "完整运行（--full）"), ("en", "A full run (--full)")])
def test_a_daily_run_says_what_a_full_one_adds(toy_result, language, said):
    (section,) = robust.sections(told_of(with_proposals(toy_result), language))
    (only,) = section.blocks
    assert said in only.text


def test_the_numbers_are_those_of_the_tables(toy_result):
    result = with_robustness(toy_result)
    overview, sites, plans = blocks_of(result, Table)
    assert shown(overview) == [["more meal points", "1", "2.0%", "1.0%", "12.0%", "49 / 50"]]
    town = told_of(result).townships["101"]
    assert shown(sites) == [
        [HOSTILE, town, "yes", "50.0%", "40.0%", "45.0%", "4"],
        ["c2", town, "—", "50.0%", "60.0%", "70.0%", "—"],
    ]  # c3 comes in too rarely to be told
    assert shown(plans) == [["2", "4", "13.3%", HOSTILE, "c2"]]
    assert all(len(table.columns) == len(table.rows[0]) for table in (overview, sites, plans))


def test_sentences_say_what_the_plan_is_worth_and_which_site_the_draws_move(toy_result):
    result = with_robustness(toy_result)
    (opening,) = blocks_of(result, Paragraph)
    assert "50 draws" in opening.text
    (bullets,) = blocks_of(result, Bullets)
    assert "adds at least 88.0% of what the best plan would" in bullets.items[0]
    assert HOSTILE in bullets.items[1]
    (chinese,) = blocks_of(result, Bullets, "zh")
    assert "88.0%" in chinese.items[0]


def test_without_draws_no_sentence_speaks_of_them(toy_result):
    whole = {"n_draws": 0, "n_planned": 0, "n_proven": 0, "share_same": np.nan, "lost_median": np.nan,
             "lost_high": np.nan, "stop_reason": "enough"}  # fmt: skip
    site = _site("c1", is_chosen=True, share_draws=np.nan, share_draws_near=np.nan, lost_if_refused=np.inf)
    result = with_robustness(
        toy_result, whole=whole, sites=(site, _site("c2", share_draws=np.nan, share_draws_near=np.nan))
    )
    assert blocks_of(result, Bullets) == []
    (notes,) = blocks_of(result, Notes)
    assert len(notes.items) == 2
    overview, sites, _ = blocks_of(result, Table)
    assert shown(overview)[0][1:] == ["at least 1", "2.0%", "—", "—", "—"]
    assert shown(sites) == [["c1", told_of(result).townships["101"], "yes", "50.0%", "—", "—", "no plan without it"]]
