"""The chapter on the plan: verdicts, and the rule that a replaced file has made stale."""

from chongming_gis.reports import plan
from chongming_gis.wording import Words


def cells(section):
    table = next(block for block in section.blocks if block.kind == "table")
    return {row[0].shown: [cell.shown for cell in row[1:]] for row in table.rows}


def chapter(result, language="en"):
    (section,) = plan.sections(result, Words(language))
    return {inner.id: inner for inner in section.inner}


def test_targets_stand_beside_what_is_counted(toy_result):
    """One existing meal point of 3 wanted; one of three townships has one; nobody measures what is only stated."""
    rows = cells(chapter(toy_result)["plan-now"])
    assert rows["meal points"][2:] == ["1", "1", "\u2265 3", "2", "not met"]
    assert rows["8. one in each township"][3:] == ["33.33", "\u2265 100", "66.67", "not met"]
    assert rows["stated only"][2:] == ["15", "\u2014", "\u2265 20", "\u2014", "not counted"]
    assert rows["placed by rule"][-1] == "schematic \u2013 to fill"


def test_the_next_plan_is_open_and_has_no_baseline(toy_result):
    rows = cells(chapter(toy_result)["plan-later"])
    assert rows["meal points"][2:] == ["\u2014", "1", "to fill", "\u2014", "target to fill"]


def test_a_rule_that_a_replaced_file_made_stale_says_so(toy_result):
    """The care homes' file is not schematic, and the line that withholds the verdict still stands."""
    rows = cells(chapter(toy_result)["plan-schematic"])
    assert rows["placed by rule"][0].startswith(
        "rule one. The facility file is no longer schematic: remove decided_by_rule"
    )
