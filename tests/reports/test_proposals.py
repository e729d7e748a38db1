"""The chapter on where to build next: its numbers are those of the tables, its reasons whole sentences."""

import pytest

from chongming_gis.maps import shares
from chongming_gis.reports import proposals
from chongming_gis.reports.blocks import Bullets, Table
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words
from tests.toy.proposed import HOSTILE, INFEASIBLE, NOTHING, with_proposals


def chapter(result, language="en"):
    words = Words(language)
    told = Told(result, words, shares.read_shares(result), shares.township_names(result, words))
    (found,) = proposals.sections(told)
    return found


def shown(table):
    return [[cell.shown for cell in row] for row in table.rows]


def of(section, kind):
    return next(block for block in section.blocks if isinstance(block, kind))


def test_without_proposals_there_is_no_chapter(toy_result):
    words = Words("zh")
    told = Told(toy_result, words, shares.read_shares(toy_result), shares.township_names(toy_result, words))
    assert proposals.sections(told) == ()


def test_the_overview_says_before_after_and_how_good_at_least(toy_result):
    section = chapter(with_proposals(toy_result))
    assert shown(of(section, Table)) == [
        ["more meal points", "1", "46.2%", "92.3%", "30", "300,000", "proven optimal"]
    ]  # 30 and 60 of 65
    section = chapter(with_proposals(toy_result), "zh")
    assert shown(of(section, Table)) == [["新增助餐点", "1", "46.2%", "92.3%", "30", "30", "已证明最优"]]  # 30 万元
    section = chapter(with_proposals(toy_result, status="feasible", stop_reason="time limit", bound=63.0, gap=0.05))
    assert shown(of(section, Table))[0][-1] == "within 5% of the best possible"
    assert "No plan can cover more than 63 persons" in section.inner[0].blocks[0].text
    assert "time limit" in section.inner[0].blocks[0].text


def test_a_site_stands_with_what_it_brings(toy_result):
    (own,) = chapter(with_proposals(toy_result)).inner
    assert "rises from 46.2% to 92.3%, 30 persons more" in own.blocks[0].text
    assert "2 stand; of 7 candidates that are allowed (3 are refused by rules) 1 are proposed" in own.blocks[0].text
    (row,) = shown(of(own, Table))
    assert row[0] == HOSTILE
    assert row[3:] == ["30", "30", "12.5", "10", "300,000", "10,000", "100%"]


def test_the_reasons_are_told_in_order(toy_result):
    (reason,) = of(chapter(with_proposals(toy_result)).inner[0], Bullets).items
    wanted = [
        f"1. {HOSTILE}: newly covers 30 persons (60 and over, residents)",
        "had fewer than 1; with it the plan's duty is met there.",
        "shares a site with 2 other services",
        "丙村 nearby would cover 4 persons fewer",
        "Nearby, another candidate would cover 9 persons more, but is refused: not on land (sources.land).",
    ]
    places = [reason.find(part) for part in wanted]
    assert all(place >= 0 for place in places), reason
    assert places == sorted(places)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_to_build_and_nothing_possible_are_told(toy_result, language):
    words = Words(language)
    section = chapter(with_proposals(toy_result, **NOTHING), language)
    assert shown(of(section, Table))[0][-1] == words("proposals.nothing_short")
    assert len(section.inner[0].blocks) == 1
    section = chapter(with_proposals(toy_result, **INFEASIBLE), language)
    assert shown(of(section, Table))[0][-1] == words("proposals.infeasible")
    assert words.reason(INFEASIBLE["reason"]) in section.inner[0].blocks[0].text
