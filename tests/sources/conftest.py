"""A toy town as an .osm file, and the sameness of road tables read through different doors.

The town (degrees: column * 0.001 + 121.5, row * 0.001 + 31.6)::

    row 3            15
                     |  w107 bridge, no common node with w100
    row 2      13    |     8 ----- (999) ----- 9      w108: node 999 is not in the file
                     |     | w108
    row 1  1 ---- 2 -+---- 3 ---- 4 ---- 5            w100; 4 is a bollard; w109 is a second line 2 - 3
           |      |  14    |             |
    row 0  |      6 ------ 7             10 -- 11     w101 = 2 6 7 3, w102 = 5 10 11 12 10 (a lasso)
           |                               \\    |
    row -1 20 -- 22   (w104)                `- 12
           |
    row -2 21                                         w103 = 1 20 21, a ferry of 20 minutes, every hour

Worked by hand: w100 is split at 2, 3, 4 (used twice, or a barrier); w101 is whole, because 6 and 7 are shared only
with the proposed w105; w102 is split at 10, where it touches itself; w103 at 20, where the pier w104 begins; w107 is
whole; w108 keeps 3 - 8, and its node 9 is left alone; w109 is parallel to a piece of w100.
"""

import copy
from pathlib import Path

import numpy as np
import pytest

from chongming_gis import config, tables

GRID = {
    1: (0, 1), 2: (1, 1), 3: (3, 1), 4: (4, 1), 5: (5, 1), 6: (1, 0), 7: (3, 0), 8: (3, 2), 9: (5, 2), 10: (5, 0),
    11: (6, 0), 12: (6, -1), 13: (1, 2), 14: (2, 0.5), 15: (2, 3), 20: (0, -1), 21: (0, -2), 22: (1, -1),
}  # fmt: skip

WAYS = {
    100: ((1, 2, 3, 4, 5), {"highway": "residential", "name": "主街", "maxspeed": "40", "vehicle": "destination"}),
    101: ((2, 6, 7, 3), {"highway": "service", "access": "private", "motorcar": "yes", "motor_vehicle": "no"}),
    102: ((5, 10, 11, 12, 10), {"highway": "footway", "bicycle": "dismount", "vehicle": "no"}),
    103: ((1, 20, 21), {"route": "ferry", "duration": "00:20", "interval": "01:00", "foot": "yes"}),
    104: ((20, 22), {"highway": "pedestrian"}),
    105: ((6, 7), {"highway": "proposed"}),
    106: ((13, 8, 9, 13), {"highway": "pedestrian", "area": "yes"}),
    107: ((14, 15), {"highway": "primary", "bridge": "yes", "oneway": "-1", "source:maxspeed": "CN:urban"}),
    108: ((3, 8, 999, 9), {"highway": "living_street", "source:maxspeed": "sign"}),
    109: ((2, 3), {"highway": "residential", "oneway": "yes", "cycleway:left": "opposite_lane"}),
    110: ((8, 9), {"waterway": "ditch"}),
}

#: (way, u, v, the nodes along it)
TOY_EDGES = [
    (100, 1, 2, (1, 2)),
    (100, 2, 3, (2, 3)),
    (100, 3, 4, (3, 4)),
    (100, 4, 5, (4, 5)),
    (101, 2, 3, (2, 6, 7, 3)),
    (102, 5, 10, (5, 10)),
    (102, 10, 10, (10, 11, 12, 10)),
    (103, 1, 20, (1, 20)),
    (103, 20, 21, (20, 21)),
    (104, 20, 22, (20, 22)),
    (107, 14, 15, (14, 15)),
    (108, 3, 8, (3, 8)),
    (109, 2, 3, (2, 3)),
]


def lon_lat(node):
    column, row = GRID[node]
    return round(121.5 + 0.001 * column, 7), round(31.6 + 0.001 * row, 7)


def write_osm(path, nodes, ways):
    """Write nodes {id: (lon, lat, tags)} and ways {id: (nodes, tags)} as OSM XML."""

    def tag_lines(tags):
        return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())

    lines = ['<osm version="0.6">']
    lines += [
        f'<node id="{i}" lon="{lon}" lat="{lat}">{tag_lines(tags)}</node>' for i, (lon, lat, tags) in nodes.items()
    ]
    lines += [
        f'<way id="{i}">{"".join(f"""<nd ref="{n}"/>""" for n in refs)}{tag_lines(tags)}</way>'
        for i, (refs, tags) in ways.items()
    ]
    path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def osm_writer():
    return write_osm


@pytest.fixture(scope="session")
def toy_osm(tmp_path_factory) -> Path:
    barrier = {4: {"barrier": "bollard", "motorcar": "no", "bicycle": "yes"}, 13: {"barrier": "gate"}}
    nodes = {node: (*lon_lat(node), barrier.get(node, {})) for node in GRID}
    return write_osm(tmp_path_factory.mktemp("toy") / "town.osm", nodes, WAYS)


@pytest.fixture(scope="session")
def toy_edges():
    return TOY_EDGES


@pytest.fixture(scope="session")
def toy_position():
    return lon_lat


def assert_same_edges(one, other, *, ignoring=()):
    """Edges are the same roads: same way, shape, length and tags; node ids only as far as they tell who meets whom."""
    names = [name for name in tables.EDGES.columns if name not in {"edge_id", "u", "v", *ignoring}]
    left, right = _in_order(one), _in_order(other)
    assert len(left) == len(right)
    for name in names:
        if left[name].dtype.kind == "f":
            np.testing.assert_allclose(left[name], right[name], rtol=1e-6, atol=1e-6, err_msg=name)
        else:
            assert left[name].fillna("").tolist() == right[name].fillna("").tolist(), name
    assert left.geometry.geom_equals_exact(right.geometry, tolerance=0.02, align=False).all()
    meeting = {}
    for a, b in zip(np.r_[left["u"], left["v"]], np.r_[right["u"], right["v"]], strict=True):
        assert meeting.setdefault(a, b) == b
    assert len(set(meeting.values())) == len(meeting)


def _in_order(edges):
    start = edges.geometry.get_coordinates().groupby(level=0).first().round(0)
    key = edges.assign(x=start["x"], y=start["y"], whole_m=edges["length_m"].round(1))
    return key.sort_values(["way_id", "whole_m", "x", "y"], kind="stable").reset_index(drop=True)


@pytest.fixture(scope="session")
def same_edges():
    return assert_same_edges


STUDY = {
    "id": "toy",
    "name_zh": "小镇",
    "name_en": "Toy",
    "data_date": "2024-12-31",
    "sources": {
        "roads": {"path": "roads.osm", "kind": "schematic", "source": "drawn by hand"},
        "demand": {"path": "demand.csv", "kind": "schematic", "source": "drawn by hand"},
    },
    "bases": [
        {"id": "resident", "name_zh": "常住", "name_en": "Resident", "source": "census"},
        {"id": "registered", "name_zh": "户籍", "name_en": "Registered", "source": "police"},
    ],
    "groups": [
        {"id": "all", "name_zh": "全部", "name_en": "All", "columns": {"resident": ["pop"], "registered": ["pop_reg"]}},
        {"id": "old", "name_zh": "老人", "name_en": "Old", "columns": {"resident": ["a60_79", "a80_plus"]}},
    ],
    "settlement_classes": [
        {"id": "town", "name_zh": "城镇", "name_en": "Town"},
        {"id": "village", "name_zh": "农村", "name_en": "Village"},
    ],
    "modes": [{"id": "walk", "name_zh": "步行", "name_en": "Walk", "preset": "older_walk", "source": "test"}],
    "services": [
        {
            "id": "meal_point",
            "name_zh": "助餐点",
            "name_en": "Meal point",
            "facilities": {"path": "meals.csv", "kind": "schematic", "source": "drawn by hand"},
            "group": "old",
            "base": "resident",
            "standards": [
                {
                    "id": "near",
                    "name_zh": "近",
                    "name_en": "Near",
                    "source": "test",
                    "limits": [{"mode": "walk", "minutes": 15}],
                }
            ],
        }
    ],
}


@pytest.fixture
def toy_study(tmp_path):
    """Makes a study: keyword arguments change ``sources.demand`` and ``groups``."""

    def make(*, groups=None, **demand):
        content = copy.deepcopy(STUDY)
        content["sources"]["demand"].update(demand)
        if groups is not None:
            content["groups"] = groups
            content["services"][0]["group"] = groups[0]["id"]
        return config.parse_study(content, folder=tmp_path)

    return make
