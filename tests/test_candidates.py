"""Candidates of a toy district, every number worked by hand.

Two townships side by side, A (x 0-2000) and B (x 2000-4000), both y 0-2000. Village a1 is the west half of A, a2 the
east half; b1 is all of B. The land is one box, with a field (x 1200-1600, y 900-1100), a pond (x 3400-3600, y 900-1100)
and a dyke along y = 1900. A lane runs along y = 1000 with side lanes to the north at x = 500, 1000, 2500; a trunk road
along x = 3000 crosses it.

People: 10 at (500, 1000), 30 at (900, 1000), both in a1; 20 at (2500, 1000) in b1; a2 has none. A clinic stands on site
s1 (700, 1000), a shop on s2 (2600, 1000), meals on s3 (1500, 1000), in the field, together with a second shop.
"""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from chongming_gis import candidates, config, network, tables
from chongming_gis.candidates import places
from chongming_gis.errors import StudyError

CRS = "EPSG:32651"
X0, Y0 = 340_000.0, 3_500_000.0
ORIGIN = np.array([X0, Y0])
_SOURCE = {"path": "x.csv", "kind": "sourced", "source": "test"}
_NAMES = {"name_zh": "名", "name_en": "name"}


def text(values):
    return pd.Series(values, dtype="str")


def frame(columns, shapes):
    moved = [shapely.transform(shape, lambda xy: xy + ORIGIN) for shape in shapes]
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(moved, crs=CRS), crs=CRS)


def service(name, **more):
    standards = [{"id": "walk", **_NAMES, "source": "test", "limits": [{"mode": "foot", "minutes": 15}]}]
    entry = {"id": name, **_NAMES, "facilities": {**_SOURCE, "path": "f.csv"}, "group": "all", "base": "resident"}
    return {**entry, "standards": standards, **more}


def study(rules=(), layers=(), folder=Path(), **section):
    section = {"services": ["meal"], "villages": True, "source": "test", **section}
    content = {
        "id": "toy",
        **_NAMES,
        "data_date": "2024-12-31",
        "crs": CRS,
        "sources": {"roads": {**_SOURCE, "path": "r.osm"}, "demand": {**_SOURCE, "kind": "derived"}},
        "bases": [{"id": "resident", **_NAMES, "source": "test"}],
        "groups": [{"id": "all", **_NAMES, "columns": {"resident": ["n"]}}],
        "settlement_classes": [{"id": "village", **_NAMES}],
        "modes": [{"id": "foot", **_NAMES, "preset": "older_walk", "source": "test"}],
        "services": [service("meal"), service("clinic"), service("shop")],
        "siting_rules": [{"service": "meal", "source": f"source {i}", **rule} for i, rule in enumerate(rules)],
        "layers": [{**_NAMES, "source": "test", **layer} for layer in layers],
        "candidates": [section],
    }
    return config.parse_study(content, folder=folder)


def facilities(name, rows):
    """Facilities by id, site, x."""
    n = len(rows)
    columns = {
        "facility_id": text([row[0] for row in rows]),
        "service": text([name] * n),
        "name_zh": text([f"名{row[0]}" for row in rows]),
        "township_code": text(["A" if row[2] < 2000 else "B" for row in rows]),
        "village_code": text([None] * n),
        "site_id": text([row[1] for row in rows]),
        "data_kind": text(["schematic"] * n),
    }
    points = frame(columns, [Point(row[2], 1000.0) for row in rows])
    return tables.Facilities(places=points, capacity=tables.no_table(tables.FACILITY_CAPACITY))


LANES = [  # from, to, class, tunnel
    ((0, 1000), (500, 1000), "residential"),
    ((500, 1000), (1000, 1000), "residential"),
    ((1000, 1000), (2500, 1000), "residential"),
    ((2500, 1000), (3000, 1000), "residential"),
    ((3000, 1000), (4000, 1000), "residential"),
    ((500, 1000), (500, 1500), "track"),
    ((1000, 1000), (1000, 1500), "residential"),
    ((2500, 1000), (2500, 1500), "residential"),
    ((3000, 0), (3000, 1000), "trunk"),
    ((3000, 1000), (3000, 2000), "trunk"),
]


def roads(lanes=LANES):
    ends = sorted({end for lane in lanes for end in lane[:2]})
    columns = {"node_id": np.arange(len(ends), dtype=np.int64)}
    columns |= {name: text([None] * len(ends)) for name in tables.NODES.columns if name != "node_id"}
    nodes = frame(columns, [Point(end) for end in ends])
    n = len(lanes)
    edges = {
        "edge_id": np.arange(n, dtype=np.int64),
        "u": np.array([ends.index(lane[0]) for lane in lanes], dtype=np.int64),
        "v": np.array([ends.index(lane[1]) for lane in lanes], dtype=np.int64),
        "way_id": np.arange(n, dtype=np.int64),
        "length_m": np.array([float(np.hypot(*np.subtract(lane[0], lane[1]))) for lane in lanes]),
        **{tag: text([None] * n) for tag in tables.EDGE_TAGS},
        "highway": text([lane[2] for lane in lanes]),
        "tunnel": text([lane[3] if len(lane) > 3 else None for lane in lanes]),
        **{name: np.full(n, np.nan) for name in ("duration_s", "headway_s")},
        "way_share": np.ones(n),
    }
    return tables.RoadTables(nodes=nodes, edges=frame(edges, [LineString(lane[:2]) for lane in lanes]))


def inputs():
    homes = [(500, "A", "a1", 10.0), (900, "A", "a1", 30.0), (2500, "B", "b1", 20.0)]
    ids = [f"d{i}" for i in range(len(homes))]
    columns = {
        "demand_id": text(ids),
        "name_zh": text([None] * 3),
        "township_code": text([home[1] for home in homes]),
        "village_code": text([home[2] for home in homes]),
        "island": text([None] * 3),
        "settlement_class": text(["village"] * 3),
    }
    persons = pd.DataFrame({"resident:all": [home[3] for home in homes]}, index=pd.Index(ids, name="demand_id"))
    villages = {"village_code": text(["a1", "a2", "b1"]), "name_zh": text(["甲", "乙", "丙"])}
    villages |= {"township_code": text(["A", "A", "B"])}
    land = {
        "land_id": text(["1", "2", "3", "4"]),
        "kind": text(["coast", "field", "pond", "dyke"]),
        "name_zh": text([None] * 4),
        "data_kind": text(["derived", "surveyed", "schematic", "sourced"]),
    }
    return tables.StudyInputs(
        roads=roads(),
        demand=tables.Demand(points=frame(columns, [Point(home[0], 1000.0) for home in homes]), persons=persons),
        facilities={
            "meal": facilities("meal", [("m1", "s3", 1500.0)]),
            "clinic": facilities("clinic", [("c1", "s1", 700.0)]),
            "shop": facilities("shop", [("p1", "s2", 2600.0), ("p2", "s3", 1500.0)]),
        },
        townships=frame(
            {"township_code": text(["A", "B"]), "name_zh": text(["甲镇", "乙镇"]), "name_en": text([None] * 2)},
            [box(0, 0, 2000, 2000), box(2000, 0, 4000, 2000)],
        ),
        villages=frame(villages, [box(0, 0, 1000, 2000), box(1000, 0, 2000, 2000), box(2000, 0, 4000, 2000)]),
        land=frame(
            land,
            [
                box(0, 0, 4000, 2000),
                box(1200, 900, 1600, 1100),
                box(3400, 900, 3600, 1100),
                LineString([(0, 1900), (4000, 1900)]),
            ],
        ),
        region=shapely.transform(box(0, 0, 4000, 2000), lambda xy: xy + ORIGIN),
    )


def make(rules=(), layers=(), folder=Path(), **section):
    return candidates.make_candidates(study(rules, layers, folder, **section), inputs(), "meal")


def at(made):
    """Where each candidate stands, in metres of the toy."""
    return {id_: (p.x - X0, p.y - Y0) for id_, p in zip(made["candidate_id"], made.geometry, strict=True)}


def rules_told(made):
    return {finding.rule for finding in made.attrs["report"]["findings"]}


# ---- places -----------------------------------------------------------------------------------------------------


def test_a_village_is_where_people_live_nearest_to_the_middle_of_its_people():
    """a1: mean x = (10 x 500 + 30 x 900) / 40 = 800; the people at 900 are nearer to it than those at 500."""
    made = make()
    assert at(made) == {"village:a1": (900, 1000), "village:a2": (1500, 1000), "village:b1": (2500, 1000)}
    assert made["name_zh"].tolist() == ["甲", "乙", "丙"]
    assert made["township_code"].tolist() == ["A", "A", "B"]
    assert set(made["kind"]) == {"village"}


def test_sites_of_other_services_are_taken_once_and_refused_where_the_service_stands_already():
    made = make(villages=False, sites_of=["clinic", "shop"])
    assert at(made) == {"site:s1": (700, 1000), "site:s2": (2600, 1000), "site:s3": (1500, 1000)}
    assert made["reason"].fillna("").tolist() == ["", "", "service_is_there"]
    assert made.loc[2, "source"] == "services.meal"
    assert made["village_code"].tolist() == ["a1", "b1", "a2"]  # by the area they lie in


def test_a_facility_without_a_site_is_a_site_of_its_own():
    bare = replace(inputs(), facilities={"meal": facilities("meal", [("m1", None, 1500.0)])})
    made = candidates.make_candidates(study(villages=False, sites_of=["meal", "shop"]), bare, "meal")
    assert made[["candidate_id", "reason"]].to_numpy().tolist() == [["site:m1", "service_is_there"]]


def test_junctions_have_three_road_ends_and_lie_on_a_class_that_is_built_along():
    """(500, 1000), (1000, 1000), (2500, 1000) and the crossing with the trunk road; ends of lanes are none."""
    made = make(villages=False, nodes_every_m=1)
    assert list(at(made).values()) == [(500, 1000), (1000, 1000), (2500, 1000), (3000, 1000)]
    assert made.loc[0, "candidate_id"] == f"node:{X0 + 500:.0f}:{Y0 + 1000:.0f}"
    assert list(at(make(villages=False, nodes_every_m=1, node_classes=["track"])).values()) == [(500, 1000)]


def test_junctions_are_thinned_from_west_to_east_around_what_is_taken():
    """500 is kept, 1000 lies exactly 500 m from it, 2500 and 3000 likewise; with villages 2500 is taken."""
    assert [x for x, _ in at(make(villages=False, nodes_every_m=501)).values()] == [500, 2500]
    assert [x for x, _ in at(make(villages=False, nodes_every_m=500)).values()] == [500, 1000, 2500, 3000]
    assert [id_ for id_ in at(make(nodes_every_m=500)) if id_.startswith("node")] == [
        f"node:{X0 + 3000:.0f}:{Y0 + 1000:.0f}"
    ]


def test_a_grid_hangs_on_whole_multiples_of_its_spacing_inside_the_region():
    """The border itself is outside: x 1000, 2000, 3000 and y 1000 only."""
    made = make(villages=False, grid_every_m=1000)
    assert list(at(made).values()) == [(1000, 1000), (2000, 1000), (3000, 1000)]
    assert made.loc[0, "candidate_id"] == "grid:1000:341:3501"
    finer = make(villages=False, grid_every_m=500)
    assert len(finer) == 7 * 3
    assert set(at(made).values()) <= set(at(finer).values())


def test_a_grid_needs_a_border_and_has_an_end():
    nowhere = replace(inputs(), region=None, townships=tables.no_rows(tables.TOWNSHIPS, inputs().crs))
    with pytest.raises(StudyError, match=r"needs region.boundary or sources.townships"):
        candidates.make_candidates(study(villages=False, grid_every_m=1000), nowhere, "meal")
    with pytest.raises(StudyError, match="widen it"):
        make(villages=False, grid_every_m=1)


def test_what_is_nearer_than_least_apart_to_an_earlier_place_is_left_out_and_counted():
    """The site of the clinic is 200 m from the village of a1, that of the shop 100 m from b1, s3 on that of a2."""
    made = make(sites_of=["clinic", "shop"], least_apart_m=150)
    assert list(at(made)) == ["site:s1", "site:s2", "site:s3", "village:a1"]
    assert made.attrs["report"]["left_out"] == {"village": 2}
    assert make(sites_of=["clinic", "shop"]).attrs["report"]["left_out"] == {}


def test_ids_do_not_depend_on_the_order_of_the_inputs():
    given_inputs = inputs()
    turned = replace(
        given_inputs,
        facilities={
            name: tables.Facilities(places=table.places[::-1].reset_index(drop=True), capacity=table.capacity)
            for name, table in reversed(given_inputs.facilities.items())
        },
    )
    asked = study(villages=False, sites_of=["clinic", "shop"], nodes_every_m=600)
    one, other = (candidates.make_candidates(asked, given, "meal") for given in (given_inputs, turned))
    assert at(one) == at(other)


# ---- attributes -------------------------------------------------------------------------------------------------


def test_what_is_known_of_a_place():
    """The clinic's site: on the lane; 10 + 30 people within 200 m; 900 m from the dyke, 500 m from the field."""
    made = make(villages=False, sites_of=["clinic", "shop"], near={"metres": 200}, measure_to=["dyke", "field"])
    first, third = made.iloc[0], made.iloc[2]
    assert first[["road_class", "road_m", "persons_near", "to_dyke_m", "to_field_m"]].tolist() == [
        *("residential", 0.0, 40.0, 900.0, 500.0)
    ]
    assert pd.isna(first["land_kind"])
    assert third[["land_kind", "to_field_m", "persons_near"]].tolist() == ["field", 0.0, 0.0]
    assert made.iloc[1]["persons_near"] == 20.0  # 100 m off


def test_people_near_may_be_counted_by_minutes_on_the_network():
    """10 minutes at 3.6 km/h are 600 m: from 700 both 500 and 900; from 1500 the 900 (exactly 600 m off)."""
    mode = network.TravelMode(name="foot", access="foot", speed_kmh=3.6, off_network_speed_kmh=3.6, max_snap_m=300)
    net = network.compile_network(inputs().roads, mode)
    asked = study(villages=False, sites_of=["clinic", "shop"], near={"mode": "foot", "minutes": 10})
    made = candidates.make_candidates(asked, inputs(), "meal", networks={"foot": net})
    assert made["persons_near"].tolist() == [40.0, 20.0, 30.0]
    unknown = candidates.make_candidates(asked, inputs(), "meal")
    assert unknown["persons_near"].isna().all()
    assert rules_told(unknown) == {"candidates_near_unknown"}


def test_the_nearest_of_equally_near_roads_is_the_first_edge():
    made = make(villages=False, nodes_every_m=1)
    assert made["road_class"].tolist() == ["residential"] * 4  # the junctions lie on a track and a trunk road too


# ---- rules ------------------------------------------------------------------------------------------------------


def test_every_rule_that_refuses_a_place_is_kept_with_its_source():
    """a2 (1500): in the field, and 800 m from the clinic; b1 (2500): 1800 m from it, 500 m from the trunk road."""
    rules = [
        {"rule": "not_inside", "layer": "field"},
        {"rule": "beside", "layer": "clinic", "distance_m": 300},
        {"rule": "not_within", "layer": "trunk", "distance_m": 501},
    ]
    made = make(rules)
    assert made["allowed"].tolist() == [True, False, False]
    assert made["reason"].fillna("").tolist() == [
        "",
        "not_inside:field | beside:clinic:300",
        "beside:clinic:300 | not_within:trunk:501",
    ]
    assert made["source"].fillna("").tolist() == ["", "source 0 | source 1", "source 1 | source 2"]
    told = candidates.refusals(made)
    assert told[["rule", "source", "count", "alone"]].to_numpy().tolist() == [
        ["beside:clinic:300", "source 1", 2, 0],
        ["not_inside:field", "source 0", 1, 0],
        ["not_within:trunk:501", "source 2", 1, 0],
    ]


def test_at_exactly_the_distance_both_kinds_of_rule_allow():
    """The village of a1 is 200 m from the clinic; b1 is 500 m from the trunk road."""
    assert make([{"rule": "beside", "layer": "clinic", "distance_m": 200}])["allowed"].tolist() == [True, False, False]
    assert not make([{"rule": "beside", "layer": "clinic", "distance_m": 199.9}])["allowed"].any()
    assert make([{"rule": "not_within", "layer": "trunk", "distance_m": 500}])["allowed"].all()


def test_on_the_site_itself_is_beside_whatever_the_distance():
    moved = inputs()
    far = facilities("clinic", [("c1", "s2", 100.0)])
    moved = replace(moved, facilities={**moved.facilities, "clinic": far})
    asked = study(
        [{"rule": "beside", "layer": "clinic", "distance_m": 10}], villages=False, sites_of=["shop"]
    )  # the shop of s2 shares the clinic's site, though its list places it elsewhere
    made = candidates.make_candidates(asked, moved, "meal")
    assert made.set_index("candidate_id")["allowed"].to_dict() == {"site:s2": True, "site:s3": False}


def test_a_rule_for_new_ground_spares_what_stands_already():
    rules = [{"rule": "not_inside", "layer": "field", "only_new_ground": True}]
    made = make(rules, sites_of=["shop"]).set_index("candidate_id")
    assert made.loc["village:a2", "reason"] == "not_inside:field"
    assert made.loc["site:s3", "reason"] == "service_is_there"


def test_dwellings_are_where_people_live():
    rules = [{"rule": "not_within", "layer": "dwelling", "distance_m": 101}]
    made = make(rules, sites_of=["clinic", "shop"]).set_index("candidate_id")
    assert made["allowed"].to_dict() == {
        "site:s1": True, "site:s2": False, "site:s3": False, "village:a1": False, "village:a2": True,
        "village:b1": False,
    }  # fmt: skip
    assert made.loc["site:s3", "reason"] == "service_is_there"


def test_a_rule_whose_layer_is_not_there_refuses_nothing_and_is_told():
    made = make(
        [{"rule": "not_within", "layer": "railway", "distance_m": 100}, {"rule": "not_inside", "layer": "feild"}]
    )
    assert made["allowed"].all()
    assert set(made["unjudged"]) == {"not_within:railway:100 | not_inside:feild"}
    told = [finding for finding in made.attrs["report"]["findings"] if finding.rule == "candidates_rule_unjudged"]
    assert [finding.severity for finding in told] == ["warning", "warning"]
    assert "did you mean field?" in told[1].message
    entries = {entry["rule"]: entry for entry in made.attrs["report"]["rules"]}
    assert entries["not_within:railway:100"]["unjudged"] == 3


def test_one_cannot_be_inside_of_a_line():
    made = make([{"rule": "not_inside", "layer": "dyke"}])
    assert made["unjudged"].tolist() == ["not_inside:dyke"] * 3
    assert "has no areas" in made.attrs["report"]["findings"][0].message


def test_a_road_in_a_tunnel_has_no_roadside():
    buried = [lane if lane[2] != "trunk" else (*lane, "yes") for lane in LANES]
    asked = study([{"rule": "not_within", "layer": "trunk", "distance_m": 600}])
    made = candidates.make_candidates(asked, replace(inputs(), roads=roads(buried)), "meal")
    assert made["allowed"].all()
    assert made["unjudged"].tolist() == ["not_within:trunk:600"] * 3


def test_layers_of_the_study_name_kinds_of_land_classes_of_road_and_services():
    layers = [
        {"id": "wet", "land": ["pond", "lake"]},
        {"id": "big", "roads": ["trunk", "motorway"]},
        {"id": "small", "roads_except": ["trunk"]},
        {"id": "care", "services": ["clinic", "shop"]},
    ]
    rules = [
        {"rule": "not_within", "layer": "wet", "distance_m": 901},
        {"rule": "not_within", "layer": "big", "distance_m": 501},
        {"rule": "not_within", "layer": "small", "distance_m": 1},
        {"rule": "beside", "layer": "care", "distance_m": 150},
    ]
    made = make(rules, layers)
    assert made["reason"].fillna("").tolist() == [
        "not_within:small:1 | beside:care:150",
        "not_within:small:1",  # the shop of s3 stands there
        "not_within:wet:901 | not_within:big:501 | not_within:small:1",
    ]
    entries = {entry["rule"]: entry for entry in made.attrs["report"]["rules"]}
    assert entries["not_within:wet:901"]["data_kind"] == "schematic"
    assert entries["beside:care:150"]["judged_by"] == "service"


def test_only_townships_without_the_service_are_left_if_the_study_says_so():
    made = make(only_townships_without=True)
    assert made["reason"].fillna("").tolist() == ["township_has_service", "township_has_service", ""]
    assert made.loc[0, "source"] == "test"


def test_what_is_no_ground_of_the_district_is_refused():
    given_inputs = inputs()
    one = replace(given_inputs, townships=given_inputs.townships[:1])
    made = candidates.make_candidates(study(), one, "meal")
    assert made["reason"].fillna("").tolist() == ["", "", "in_no_township"]
    small = replace(given_inputs, region=shapely.transform(box(0, 0, 2000, 2000), lambda xy: xy + ORIGIN))
    assert candidates.make_candidates(study(), small, "meal").loc[2, "reason"] == "outside_district"
    dry = given_inputs.land.copy()
    dry.loc[0, "geometry"] = shapely.transform(box(0, 0, 1000, 2000), lambda xy: xy + ORIGIN)
    wet = candidates.make_candidates(study(), replace(given_inputs, land=dry), "meal")
    assert wet["reason"].fillna("").tolist() == ["", "off_land", "off_land"]


def test_no_place_at_all_is_an_answer():
    bare = replace(inputs(), facilities={})
    made = candidates.make_candidates(study(villages=False, sites_of=["shop"], measure_to=["dyke"]), bare, "meal")
    assert len(made) == 0
    assert "to_dyke_m" in made.columns
    assert rules_told(made) == {"candidates_none"}
    assert candidates.refusals(made).empty
    assert set(candidates.choose_ground(made, bare.townships)["choice"]) == {"not_looked_at"}


def test_that_everything_is_refused_is_told_with_the_rule_that_refuses_most():
    made = make([{"rule": "beside", "layer": "clinic", "distance_m": 1}])
    assert not made["allowed"].any()
    assert made.attrs["report"]["findings"][-1].details == {"count": "3", "rule": "beside:clinic:1"}


def test_a_service_without_candidates_is_refused_with_what_to_do():
    with pytest.raises(StudyError, match=r"no candidates for 'shop'; add the service to a section \[\[candidates\]\]"):
        candidates.make_candidates(study(), inputs(), "shop")
    with pytest.raises(StudyError, match="has no service 'zoo'"):
        candidates.make_candidates(study(), inputs(), "zoo")


def test_a_township_where_no_ground_is_allowed_can_have_a_columbarium_only():
    """In B every place of the grid lies within 1,100 m of the trunk road; in A those at x = 500 to 1500 do not."""
    rules = [{"rule": "not_within", "layer": "trunk", "distance_m": 1100}]
    made = make(rules, villages=False, grid_every_m=500)
    told = candidates.choose_ground(made, inputs().townships)
    assert told[["township_code", "n_places", "n_allowed", "choice"]].to_numpy().tolist() == [
        ["A", 12, 9, "ground"],  # x = 2000 lies in both: it counts for the first
        ["B", 9, 0, "columbarium"],
    ]
    assert told["reason"].fillna("").tolist() == ["", "not_within:trunk:1100"]


def test_ground_is_surveyed_on_a_grid_of_any_fineness():
    """As above; at 250 m A has 8 columns (x = 250 to 2000), the first 7 of which are 1,250 m or more from the road."""
    rules = [{"rule": "not_within", "layer": "trunk", "distance_m": 1100}]
    coarse = candidates.survey_ground(study(rules), inputs(), "meal", every_m=500)
    assert coarse[["n_places", "n_allowed"]].to_numpy().tolist() == [[12, 9], [9, 0]]
    fine = candidates.survey_ground(study(rules), inputs(), "meal", every_m=250)
    assert fine[["n_places", "n_allowed"]].to_numpy().tolist() == [[56, 49], [49, 0]]
    assert fine["choice"].tolist() == ["ground", "columbarium"]


def test_the_table_satisfies_its_contract_and_says_what_was_done():
    made = make([{"rule": "not_inside", "layer": "field", "date": "2012"}], sites_of=["clinic"])
    tables.validate(made, tables.CANDIDATES, where="made")
    report = made.attrs["report"]
    assert (report["candidates"], report["allowed"]) == (4, 3)
    assert report["by_kind"] == {
        "site": {"places": 1, "allowed": 1},
        "village": {"places": 3, "allowed": 2},
    }
    assert report["rules"][-1] == {
        "rule": "not_inside:field", "source": "source 0", "date": "2012", "judged_by": "land", "data_kind": "surveyed",
        "refused": 1, "unjudged": 0, "why_unjudged": "",
    }  # fmt: skip
    assert report["near"] == {"metres": 1000.0}


# ---- properties -------------------------------------------------------------------------------------------------

positions = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=40)


@given(
    xy=positions, taken=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5), step=st.integers(1, 15)
)
def test_thinned_places_keep_their_distance_and_leave_no_hole(xy, taken, step):
    points, others = np.array(xy, dtype=float), np.array(taken, dtype=float).reshape(-1, 2)
    kept = places.thin(points, spacing_m=float(step), taken=others)
    stay = np.concatenate([others, points[kept]])
    apart = np.hypot(*(points[:, None, :] - stay[None, :, :]).transpose(2, 0, 1))
    nearest_kept = np.where(apart == 0.0, np.inf, apart)[kept]
    assert (nearest_kept >= step).all()
    assert len({tuple(place) for place in points[kept]}) == kept.sum()
    assert (apart[~kept].min(axis=1, initial=np.inf) < step).all()
    turned = places.thin(points[::-1], spacing_m=float(step), taken=others)
    assert {tuple(place) for place in points[kept]} == {tuple(place) for place in points[::-1][turned]}
