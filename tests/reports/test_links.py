"""The chapter on the network of levels, and the geometry of its tree map."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from chongming_gis import measuremodel
from chongming_gis.maps import shares
from chongming_gis.reports import links
from chongming_gis.reports.figures import Told
from chongming_gis.wording import Words

HOSTILE = "</svg><script>alert(1)</script>&"
LEVELS = [
    {"id": "low", "name_zh": "村级", "name_en": "low", "area": "village", "services": ["meal_point"]},
    {"id": "high", "name_zh": "区级", "name_en": "high", "area": "district", "services": ["care_home"]},
]
LINKS = measuremodel.LinksConfig.model_validate(
    {"levels": LEVELS, "group": "a60_plus", "base": "resident", "source": "依据", "source_en": "reason"}
)


def table(changes=()):
    """Two villages: the first lacks both links, the second none."""
    rows = [
        ["10101", HOSTILE, "101", "low", 30.0, 0, "none", np.inf, 0.0, np.inf],
        ["10101", HOSTILE, "101", "high", 30.0, 1, "beyond", 2400.0, 0.2, 2400.0],
        ["10201", "北村", "102", "low", 5.0, 1, "linked", 120.0, 1.0, 120.0],
        ["10201", "北村", "102", "high", 5.0, 1, "linked", 600.0, 1.0, 600.0],
    ]
    names = ["village_code", "name_zh", "township_code", "level", "persons", "n_own", "status"]
    names += ["time_s", "share_within", "elsewhere_s"]
    found = pd.DataFrame(rows, columns=names)
    for row, name, value in changes:
        found.loc[row, name] = value
    return found.astype(dict.fromkeys((*names[:4], "status"), "str"))


def section(result, found, language="en"):
    measures = result.study.measures.model_copy(update={"links": LINKS})
    study = result.study.model_copy(update={"measures": measures})
    result = dataclasses.replace(result, study=study, measured={} if found is None else {"links": found})
    words = Words(language)
    told = Told(result, words, shares.read_shares(result), shares.township_names(result, words))
    return links.sections(told)


def blocks(found, kind):
    return [block for block in found.blocks if block.kind == kind]


def shown(table_):
    return [[cell.shown for cell in row] for row in table_.rows]


def test_missing_links_are_counted_by_level(toy_result):
    (found,) = section(toy_result, table())
    assert "Of 2 villages 1 lack at least one link; 30 persons live there." in found.blocks[0].text
    by_level = shown(blocks(found, "table")[0])
    assert [row[2:] for row in by_level] == [
        ["2", "1", "1", "0", "0", "30", "2.0"],
        ["2", "1", "0", "1", "0", "30", "25.0"],
    ]


def test_missing_links_are_counted_by_township_and_listed(toy_result):
    (found,) = section(toy_result, table(), "zh")
    _, by_township, listed = blocks(found, "table")
    assert [row[1:] for row in shown(by_township)] == [["1", "1", "1", "1", "30"], ["1", "0", "0", "0", "0"]]
    assert [row[2:] for row in shown(listed)] == [
        ["村级", "没有设施", "—", "0%", "—", "30"],
        ["区级", "超出时限", "40.0", "20.0%", "40.0", "30"],
    ]
    assert listed.folded


def test_schematic_files_are_told(toy_result):
    """The toy's meal points are schematic, its care homes are not."""
    (found,) = section(toy_result, table(), "zh")
    notes = blocks(found, "notes")[0].items
    assert any(note.startswith("示意 – 待填：老年助餐点的设施文件") for note in notes)


def test_a_network_without_gaps_has_no_list(toy_result):
    linked = [(row, "status", "linked") for row in range(4)]
    (found,) = section(toy_result, table(linked))
    assert "All 2 villages have every link." in found.blocks[0].text
    assert len(blocks(found, "table")) == 2


def test_no_chapter_without_the_table(toy_result):
    assert section(toy_result, None) == ()


def test_the_tree_map_is_sound_whatever_names_say(toy_result):
    """Names come from files of other people: they are text in the drawing, never markup."""
    (found,) = section(toy_result, table())
    (picture,) = blocks(found, "picture")
    root = ElementTree.fromstring(picture.svg)
    titles = [element.text for element in root.iter("title")]
    assert f"{HOSTILE}: 30 persons, missing links 2" in titles
    assert "<script" not in picture.svg
    filled = [element.get("fill") for element in root.iter("rect")]
    assert filled.count(links._COLOURS[2]) == 2  # the legend's and the village's


def test_villages_without_people_are_not_drawn(toy_result):
    (found,) = section(toy_result, table([(2, "persons", 0.0), (3, "persons", 0.0)]))
    titles = [element.text for element in ElementTree.fromstring(blocks(found, "picture")[0].svg).iter("title")]
    assert len(titles) == 2  # the drawing's own, and one village


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=60))
def test_the_rectangles_fill_the_box_in_proportion(sizes):
    """Areas are in proportion, nothing sticks out, nothing overlaps: their areas add up to the box."""
    sizes = sorted((float(size) for size in sizes), reverse=True)
    box = links.Box(10.0, 20.0, 480.0, 830.0)
    found = links.squarify(sizes, box)
    area = box.wide * box.tall
    assert [b.wide * b.tall for b in found] == pytest.approx([size / sum(sizes) * area for size in sizes])
    for b in found:
        assert b.x >= box.x - 1e-6
        assert b.y >= box.y - 1e-6
        assert b.x + b.wide <= box.x + box.wide + 1e-6
        assert b.y + b.tall <= box.y + box.tall + 1e-6
    for i, one in enumerate(found):
        for other in found[i + 1 :]:
            across = min(one.x + one.wide, other.x + other.wide) - max(one.x, other.x)
            down = min(one.y + one.tall, other.y + other.tall) - max(one.y, other.y)
            assert min(across, down) <= 1e-6


def test_the_published_example_of_squarified_treemaps():
    """Bruls, Huizing & van Wijk (2000), figure 4: 6, 6, 4, 3, 2, 2, 1 in a box of 6 x 4."""
    found = links.squarify([6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], links.Box(0.0, 0.0, 6.0, 4.0))
    corners = [(b.x, b.y, b.wide, b.tall) for b in found[:5]]
    expected = [
        (0, 0, 3, 2),
        (0, 2, 3, 2),
        (3, 0, 12 / 7, 7 / 3),
        (3 + 12 / 7, 0, 9 / 7, 7 / 3),
        (3, 7 / 3, 1.2, 5 / 3),
    ]
    assert np.array(corners) == pytest.approx(np.array(expected))
