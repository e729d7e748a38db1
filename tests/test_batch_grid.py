"""A region in tiles gives the table of the whole region, to the last bit, whatever lies across the borders of tiles.

Hand-made cases first, each with the ways and tiles that it is about; then random towns with ferries, one-ways,
barriers, tiny pieces and roads that are longer on the map than they say; then a real extract through files and workers.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from chongming_gis import batch, coverage, network, pipeline, reach, results, tables
from chongming_gis.batch import grid, halo, tile
from chongming_gis.config import read_study
from tests.test_batch import district
from tests.toy import roads as toy_roads
from tests.toy import study as toy

STREET = {"highway": "residential"}


def study_of(minutes=15.0, *, mode="foot", **changes):
    """The toy study with one standard of so many minutes by one mode; tiny pieces are below 60 m."""
    standard = {**toy.CONTENT["services"][0]["standards"][0], "limits": [{"mode": mode, "minutes": minutes}]}
    return toy.study(services__0__standards=[standard], region={"snap_tiny_piece_m": 60.0}, **changes)


def whole(study, inputs, reach_s=0.0):
    """The table of the whole region, as a run makes it with a search limit of ``reach_s``."""
    nets = {mode.name: network.compile_network(inputs.roads, mode) for mode in tile.modes_of_standards(study)}

    def places(frame):
        return reach.Places(frame, {name: network.snap_points(net, frame.geometry) for name, net in nets.items()})

    demand = places(inputs.demand.points)
    parts = [
        coverage.measure_access(
            service,
            demand=demand,
            facilities=places(inputs.facilities[service.id].places),
            networks=nets,
            search_limit_s=reach_s,
        )
        for service in study.services
    ]
    return pd.concat(parts, ignore_index=True)


def in_tiles(study, inputs, side_m, reach_s=0.0):
    """The joined table of all tiles, and what each tile was given."""
    region = grid.region_of(study, inputs, reach_s=reach_s)
    rows = grid.cut(inputs.demand.points, side_m)
    given_to = {name: grid.inputs_of(region, at) for name, at in rows.items()}
    parts = [tile.measure_tile(part, study, reach_s=reach_s) for part in given_to.values()]
    return grid.join(parts, list(rows.values())), given_to


def inputs_of(roads, people, facilities, **columns):
    """A region from road tables and metres from the toy's south-west."""
    n = len(people)
    demand = toy.demand(people, persons={"all": [1.0] * n}, township=["t1"] * n, village=["v1"] * n)
    places = tables.Facilities(toy.facilities(facilities, **columns), pd.DataFrame())
    areas = [tables.no_rows(contract, roads.crs) for contract in (tables.TOWNSHIPS, tables.VILLAGES, tables.LAND)]
    return tables.StudyInputs(roads, demand, {"meal": places}, *areas, region=None)


def same(study, inputs, side_m, reach_s=0.0):
    """Assert that tiles and whole agree in every column; return the table and what the tiles were given."""
    joined, given_to = in_tiles(study, inputs, side_m, reach_s)
    pd.testing.assert_frame_equal(joined, whole(study, inputs, reach_s), check_exact=True)
    return joined, given_to


def test_facility_in_another_tile():
    """A straight street of 800 m in tiles of 100 m: everyone within 900 s of the one canteen at its end finds it."""
    places = {i: (100 * i, 5) for i in range(9)}
    roads = toy_roads.road_tables(places, [(i, i + 1, STREET) for i in range(8)])
    people = [(100 * i + 50, 0) for i in range(8)]
    access, given_to = same(study_of(10), inputs_of(roads, people, [(800, 5)]), 100.0)
    assert len(given_to) == 8
    # 5 m to the street, then along it: the first two are 755 and 655 s away, beyond 600
    assert list(access["covered"]) == [False, False, True, True, True, True, True, True]
    assert access["time_s"].tolist()[2:] == pytest.approx([555, 455, 355, 255, 155, 55])
    assert np.isinf(access["time_s"].tolist()[:2]).all()


def test_shortest_path_through_a_third_tile():
    """Person and canteen 60 m apart across a canal; the way round (420 m) runs through tiles where nobody lives."""
    places = {1: (10, 10), 2: (10, 190), 3: (70, 190), 4: (70, 10)}
    roads = toy_roads.road_tables(places, [(1, 2, STREET), (2, 3, STREET), (3, 4, STREET)])
    access, given_to = same(study_of(7), inputs_of(roads, [(10, 10), (70, 190)], [(70, 10)]), 60.0)
    assert len(given_to) == 2
    assert access["time_s"].tolist() == pytest.approx([420, 180])
    assert access["covered"].all()


def test_ferry_across_tiles():
    """The toy town's ferry is 1000 m long and costs 600 s: no walker gets so far in the 800 s, the ferry does."""
    inputs = inputs_of(toy_roads.town(), [(200, 0), (0, 0)], [(1400, 0)])
    access, given_to = same(study_of(15), inputs, 100.0)
    assert access["time_s"].tolist() == pytest.approx([800.0, np.inf])
    (pace,) = grid.region_of(study_of(15), inputs, reach_s=0.0).paces
    assert pace.speed_ms == pytest.approx(1.0)
    assert list(pace.jump_s) == [600.0]
    assert pace.halo_m < 1000
    assert all(len(part.facilities["meal"]) == 1 for part in given_to.values())


def test_two_ferries_one_after_the_other():
    """An island between: 5 km, then 200 m on foot, then 5 km more; far beyond any walker's halo, and back the same."""
    ferry = {"route": "ferry", "duration_s": 100.0, "headway_s": 20.0}
    places = {1: (0, 0), 2: (100, 0), 3: (5100, 0), 4: (5300, 0), 5: (10300, 0), 6: (10400, 0)}
    streets = [(1, 2, STREET), (2, 3, ferry), (3, 4, STREET), (4, 5, ferry), (5, 6, STREET)]
    roads = toy_roads.road_tables(places, streets)
    # 100 + 110 + 200 + 110 + 100
    access, given_to = same(study_of(11), inputs_of(roads, [(0, 0), (10400, 0), (5200, 0)], [(10400, 0)]), 1000.0)
    assert access["time_s"].tolist() == pytest.approx([620.0, 0.0, 310.0])
    short, _ = same(study_of(10), inputs_of(roads, [(0, 0)], [(10400, 0)]), 1000.0)
    assert not short["covered"].any()
    assert len(given_to) == 3


def test_a_ferry_is_taken_whole_or_not_at_all():
    """Of two ferries the one that nobody can board in time is left out, with the roads beyond it."""
    ferry = {"route": "ferry", "duration_s": 100.0, "headway_s": 0.0}
    places = {1: (0, 0), 2: (100, 0), 3: (9000, 0), 4: (9100, 0), 5: (3000, 0), 6: (3000, 9000), 7: (3100, 9000)}
    streets = [(1, 2, STREET), (2, 3, ferry), (3, 4, STREET), (2, 5, STREET), (5, 6, ferry), (6, 7, STREET)]
    roads = toy_roads.road_tables(places, streets)
    _, given_to = same(study_of(10), inputs_of(roads, [(0, 0)], [(9100, 0), (3100, 9000)]), 500.0)
    (part,) = given_to.values()
    assert set(part.roads.edges["edge_id"]) == {0, 1, 2, 3}
    assert 6 not in set(part.roads.nodes["node_id"])


def test_a_road_that_says_it_is_shorter_than_it_is_drawn():
    """100 m by its tag, 4 km on the map: a jump, however it came about."""
    places = {1: (0, 0), 2: (100, 0), 3: (4100, 0), 4: (4200, 0)}
    roads = toy_roads.road_tables(places, [(1, 2, STREET), (2, 3, {**STREET, "length_m": 100.0}), (3, 4, STREET)])
    people = [(0, 0), (2100, 30), (4200, 0)]  # the second stands beside the middle of it
    access, _ = same(study_of(6), inputs_of(roads, people, [(4200, 0)]), 300.0)
    assert access["time_s"].tolist() == pytest.approx([300.0, 180.0, 0.0])


def test_snapping_at_the_border_of_a_clip():
    """A canteen beside the border is nearer to a road that the halo does not hold: it still steps onto that one.

    The person's street ends 250 m from the canteen; the canteen's own road, 10 m from it, is joined to nothing near.
    Stepping onto the street instead, it would be reached in 100 + 250 s.
    """
    places = {1: (0, 0), 2: (100, 0), 3: (355, -400), 4: (355, 400)}
    roads = toy_roads.road_tables(places, [(1, 2, STREET), (3, 4, STREET)])
    access, given_to = same(study_of(6), inputs_of(roads, [(0, 0)], [(345, 0)]), 50.0)
    assert not access["covered"].any()
    (part,) = given_to.values()
    assert len(part.roads.edges) == 2


def test_a_long_road_is_no_tiny_piece_where_a_tile_sees_its_end():
    """How long a piece is, the whole region decides: 55 m edges of a long chain are no tiny pieces in any tile.

    Between its chain, 40 m off, and a stub of 50 m, 10 m off, everyone takes the chain.
    """
    n = 40
    places = {i: (55 * i, 40) for i in range(n + 1)} | {100: (0, -10), 101: (50, -10)}
    chain = [(i, i + 1, STREET) for i in range(n)]
    roads = toy_roads.road_tables(places, [*chain, (100, 101, STREET)])
    access, given_to = same(study_of(1), inputs_of(roads, [(25, 0), (800, 0)], [(30, 0), (2000, 0)]), 50.0)
    assert access["time_s"].tolist() == pytest.approx([np.inf, np.inf])  # 40 + 5 + 40 s by the chain; 10 + 5 + 10 not
    assert all(len(part.roads.edges) < n for part in given_to.values())
    near, _ = same(study_of(2), inputs_of(roads, [(25, 0)], [(30, 0)]), 50.0)
    assert near["time_s"].tolist() == pytest.approx([85.0])


def test_restricted_facilities_and_a_tile_that_has_none():
    """The one that serves its own village only is far from some tiles; both questions stand for everyone."""
    places = {i: (100 * i, 0) for i in range(31)}
    roads = toy_roads.road_tables(places, [(i, i + 1, STREET) for i in range(30)])
    inputs = inputs_of(
        roads,
        [(0, 0), (300, 0), (2900, 0)],
        [(100, 0), (2800, 0)],
        serves=["village", "all"],
        township=["t1", "t1"],
        village=["v2", "v1"],
    )
    access, _ = same(study_of(5), inputs, 200.0)
    assert access["serves_rule"].tolist() == ["applied"] * 3 + ["ignored"] * 3
    assert access["covered"].tolist() == [False, False, True, True, True, True]


def test_everyone_alone_in_a_tile_and_out_of_reach_of_roads():
    """A tile with one person who is far from every road is no fault; nobody reaches anything from there."""
    inputs = inputs_of(toy_roads.town(), [(0, 0), (50_000, 50_000)], [(100, 0)])
    access, given_to = same(study_of(5), inputs, 100.0)
    assert access["time_s"].tolist() == pytest.approx([100.0, np.inf])
    assert len(given_to) == 2


def test_times_beyond_the_standard_need_a_reach():
    """With a reach of 20 minutes times up to there are told, and the tables agree with a run that looks as far."""
    places = {i: (100 * i, 0) for i in range(16)}
    roads = toy_roads.road_tables(places, [(i, i + 1, STREET) for i in range(15)])
    inputs = inputs_of(roads, [(0, 0), (1000, 0), (1500, 0)], [(0, 0)])
    near, _ = same(study_of(5), inputs, 100.0)
    far, _ = same(study_of(5), inputs, 100.0, reach_s=1200.0)
    assert near["time_s"].tolist() == [0.0, np.inf, np.inf]
    assert far["time_s"].tolist() == pytest.approx([0.0, 1000.0, np.inf])
    assert near["covered"].equals(far["covered"])


@st.composite
def regions(draw):
    """A lattice of streets with what bends a halo: ferries, one-ways, bollards, stubs, and lengths that do not fit."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(3, 6))
    step = draw(st.sampled_from([60.0, 150.0, 400.0]))
    xy = {i * n + j: (step * i, step * j) + rng.uniform(-0.3, 0.3, 2) * step for i in range(n) for j in range(n)}
    streets = []
    for i in range(n):
        for j in range(n):
            for a, b in ((i + 1, j), (i, j + 1)):
                if a < n and b < n and rng.random() < 0.75:
                    tags = dict(STREET)
                    if rng.random() < 0.2:
                        tags["oneway"] = "yes"
                    if rng.random() < 0.1:
                        tags["length_m"] = float(rng.uniform(5.0, 3.0 * step))
                    streets.append((i * n + j, a * n + b, tags))
    for _ in range(draw(st.integers(0, 4))):
        u, v = (int(k) for k in rng.choice(n * n, 2, replace=False))
        seconds = float(rng.uniform(1.0, 200.0))
        streets.append((u, v, {"route": "ferry", "duration_s": seconds, "headway_s": float(rng.uniform(0.0, 60.0))}))
    streets.append((n * n, n * n + 1, STREET))  # a stub of its own
    xy |= {n * n: rng.uniform(0, n * step, 2), n * n + 1: rng.uniform(0, n * step, 2)}
    barriers = {int(rng.integers(n * n)): {"barrier": "fence"}} if rng.random() < 0.5 else {}
    people = rng.uniform(-0.5 * step, n * step, (draw(st.integers(1, 25)), 2))
    facilities = rng.uniform(-0.5 * step, n * step, (draw(st.integers(1, 6)), 2))
    serves = [str(kind) for kind in rng.choice(["all", "all", "village", "township"], len(facilities))]
    codes = [str(code) for code in rng.choice(["v1", "v2"], len(facilities))]
    inputs = inputs_of(
        toy_roads.road_tables(xy, streets, barriers),
        [tuple(at) for at in people],
        [tuple(at) for at in facilities],
        serves=serves,
        township=["t1"] * len(facilities),
        village=codes,
    )
    return inputs, step * draw(st.sampled_from([0.5, 1.0, 3.0]))


@settings(max_examples=40)
@given(
    region=regions(),
    minutes=st.sampled_from([0.5, 2.0, 5.0, 15.0]),
    mode=st.sampled_from(["foot", "bike"]),
    direction=st.sampled_from(["to_facility", "from_facility"]),
    reach_s=st.sampled_from([0.0, 400.0]),
)
def test_random_regions(region, minutes, mode, direction, reach_s):
    """Whatever the roads and the tiles: the same table to the last bit."""
    inputs, side_m = region
    same(study_of(minutes, mode=mode, services__0__direction=direction), inputs, side_m, reach_s)


def test_no_way_leaves_the_halo():
    """By brute force: every edge within the reach of a node of the town is in the halo of that node."""
    roads = toy_roads.town()
    net = network.compile_network(roads, toy_roads.BIKE)
    tree = shapely.STRtree(roads.edges.geometry.to_numpy())
    for reach_s in (5.0, 30.0, 100.0, 700.0):
        pace = halo.pace_of(net, roads, reach_s=reach_s)
        for node in range(net.n_nodes):
            at = shapely.Point(net.node_x[node], net.node_y[node])
            rows = set(halo.rows_within(pace, shapely.box(*at.buffer(1.0).bounds), tree=tree, snap_m=1.0))
            reached = _nodes_within(net, node, reach_s)
            used = (np.isin(net.tail, reached) | np.isin(net.head, reached)) & np.isfinite(net.forward_s)
            assert set(net.row[used]) <= rows, (reach_s, node)


def _nodes_within(net, node, reach_s):
    """The nodes within so many seconds of one, either way round (Bellman and Ford)."""
    time = np.full(net.n_nodes, np.inf)
    time[node] = 0.0
    seconds = np.minimum(net.forward_s, net.backward_s)
    for _ in range(net.n_nodes):
        for a, b, s in zip(net.tail, net.head, seconds, strict=True):
            time[b], time[a] = min(time[b], time[a] + s), min(time[a], time[b] + s)
    return np.flatnonzero(time <= reach_s)


def test_tiles_of_files_are_a_run(tmp_path):
    """From study file to coverage.csv, without Dask: what a run writes, at any size of tile; then it is kept."""
    study = read_study(district(tmp_path, "a"))
    run = pipeline.run_study(study)
    results.write_table(run.coverage, tmp_path / "coverage.csv")
    digests = set()
    for tile_km in (0.3, 5.0):
        out = tmp_path / str(tile_km)
        question = batch.GridQuestion(tile_km=tile_km, reach_min=study.region.search_limit_min)
        case, heard = batch.Case("a", study), []
        (outcome,) = batch.run_grid(case, out, client=None, question=question, heard=partial(_note, heard))
        assert outcome.status == "done"
        assert (out / "a" / "coverage.csv").read_bytes() == (tmp_path / "coverage.csv").read_bytes()
        pd.testing.assert_frame_equal(pd.read_parquet(out / "a" / "access.parquet"), run.access, check_exact=True)
        record = json.loads((out / "a" / batch.SHARD).read_text(encoding="utf-8"))
        assert record["tiles"] == len(heard) == (2 if tile_km < 1 else 1)
        assert [path.name for path in out.iterdir()] == ["a"]  # the tiles are gone
        (again,) = batch.run_grid(case, out, client=None, question=question)
        assert (again.status, again.digest) == ("kept", outcome.digest)
        digests.add(outcome.digest)
    assert len(digests) == 1


def _note(heard, *told):
    heard.append(told)


def test_a_failed_tile_keeps_the_others(tmp_path, monkeypatch):
    """One tile fails: it is named, nothing is joined; the next batch does that one only."""
    study = read_study(district(tmp_path, "a"))
    question = batch.GridQuestion(tile_km=0.3)
    case, measure = batch.Case("a", study), tile.measure_tile
    seen = []

    def fails_in_the_east(inputs, *arguments, **rest):
        seen.append(inputs.demand["demand_id"].tolist())
        if "e" in seen[-1] and len(seen) <= 2:
            raise MemoryError("too large")
        return measure(inputs, *arguments, **rest)

    monkeypatch.setattr(tile, "measure_tile", fails_in_the_east)
    (failed,) = batch.run_grid(case, tmp_path / "out", client=None, question=question)
    assert failed.name.startswith("a/x")
    assert (failed.status, failed.error) == ("failed", "MemoryError: too large")
    assert not (tmp_path / "out" / "a").exists()
    (outcome,) = batch.run_grid(case, tmp_path / "out", client=None, question=question)
    assert outcome.status == "done"
    assert seen == [["w"], ["e"], ["e"]]


@pytest.mark.extract
def test_a_real_extract_in_tiles(shared_data):
    """Helsinki in tiles: walking and e-bike, every service of its study."""
    study = read_study(Path(__file__).parent / "studies" / "helsinki.toml")
    inputs = pipeline.read_inputs(study)
    access, given_to = same(study, inputs, 500.0)
    assert len(given_to) > 3
    assert access["covered"].any()
