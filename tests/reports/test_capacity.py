"""The chapter on capacity of the toy town: its numbers are those of the provision and access tables."""

import dataclasses

from chongming_gis import tables
from chongming_gis.maps import shares
from chongming_gis.reports import capacity
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words


def chapter(result, language="en"):
    words = Words(language)
    return capacity.sections(Told(result, words, shares.read_shares(result), shares.township_names(result, words)))[0]


def shown(table):
    return [[cell.shown for cell in row] for row in table.rows]


def test_the_three_numbers_by_service_and_township(toy_result):
    """Of 9 meals 4 are served, 3 find no place, 2 are out of reach; all three points lie in the first township."""
    section = chapter(toy_result)
    overview = section.blocks[1]
    assert shown(overview)[0][1:] == ["44.4%", "9.0", "4.0", "3.0", "2.0", "0"]
    (own,) = section.inner
    assert "9 meals a day needed; 4 served, 3 in reach but without a place, 2 out of reach" in own.blocks[0].text
    assert [row[1:] for row in shown(own.blocks[1])] == [["44.4%", "9.0", "4.0", "3.0", "2.0"]]


def test_villages_left_out_stand_with_the_way_to_the_nearest_place(toy_result):
    """d1's village: 1 left, 1200 s to a place. d2 lies in no village and is told by its township only."""
    table = chapter(toy_result).inner[0].blocks[2]
    assert [row[2:] for row in shown(table)] == [["1.0", "1.0", "0.0", "20.0"]]


def test_who_depends_on_one_site(toy_result):
    """Under the serves rule d0 and d1 (30 people) are covered; n_within of the access table says by how many."""
    access = toy_result.access
    rows = access[
        (access["service"] == "meal_point")
        & (access["standard"] == "draft_2024")
        & (access["serves_rule"] == "applied")
    ]
    persons = toy_result.demand.persons["resident:a60_plus"].to_numpy()
    alone = persons[(rows["covered"] & (rows["n_within"] == 1)).to_numpy()].sum()
    table = chapter(toy_result).blocks[-1]
    assert shown(table)[0][2] == f"{alone:,.0f}"


def test_without_needs_there_is_the_backup_only(toy_result):
    bare = dataclasses.replace(toy_result, provision=tables.no_table(tables.PROVISION))
    section = chapter(bare, "zh")
    assert section.inner == ()
    assert len(section.blocks) == 2
