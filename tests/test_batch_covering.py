"""Sites for people in tiles: greedy and bound are the same however people are divided, and the bound holds."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from chongming_gis import batch, pipeline, siting
from chongming_gis.batch import covering
from chongming_gis.config import read_study
from chongming_gis.errors import StudyError
from tests.test_batch import LOOPBACK, district


def parts_of(covers, weights, is_settled, which):
    """The people divided as ``which`` says."""
    divided = (np.flatnonzero(which == part) for part in range(which.max(initial=0) + 1))
    return [covering.part_of(covers[rows], weights[rows], is_settled=is_settled[rows]) for rows in divided]


def answer(parts, n_sites, new_sites, *, client=None, n_steps=100):
    return covering.cover_most(client, _itself, parts, n_sites=n_sites, new_sites=new_sites, n_steps=n_steps)


def _itself(part):
    return part


def told(found):
    return found.order.tolist(), found.gains.tolist(), found.plan.objective, found.plan.bound, found.plan.status


def greedy_by_hand(covers, weights, is_settled, new_sites):
    """One site after the other, everything counted anew for each."""
    is_open, order = ~is_settled, []
    dense = covers.toarray() > 0
    for _ in range(new_sites):
        gains = (dense * (weights * is_open)[:, np.newaxis]).sum(axis=0)
        if not gains.size or gains.max() <= 0.0:
            break
        order.append(int(gains.argmax()))
        is_open = is_open & ~dense[:, order[-1]]
    return order, float(weights[~is_open].sum())


@st.composite
def questions(draw):
    """Up to 40 people and 12 sites, some people settled, some out of reach; whole persons, so that ties happen."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m = draw(st.integers(1, 40)), draw(st.integers(1, 12))
    covers = sparse.csr_array((rng.random((n, m)) < draw(st.sampled_from([0.05, 0.2, 0.5]))).astype(float))
    weights = rng.integers(0, 9, n).astype(float)
    return covers, weights, rng.random(n) < 0.2, draw(st.integers(0, 5)), rng


@given(question=questions())
@settings(max_examples=60)
def test_however_people_are_divided(question):
    """Greedy is that of counting anew; order, gains and bound are the same to the last bit; no plan beats the bound."""
    covers, weights, is_settled, new_sites, rng = question
    n, m = covers.shape
    whole = answer(parts_of(covers, weights, is_settled, np.zeros(n, dtype=int)), m, new_sites)
    divided = answer(parts_of(covers, weights, is_settled, rng.integers(0, 4, n)), m, new_sites)
    assert told(whole) == told(divided)
    order, persons = greedy_by_hand(covers, weights, is_settled, new_sites)
    assert (whole.order.tolist(), whole.plan.objective) == (order, persons)
    costs = sparse.csr_array(covers.multiply(~is_settled[:, np.newaxis]))
    costs.eliminate_zeros()
    best = siting.mclp(siting.SitingProblem(costs, weights), standard=1.0, new_sites=new_sites)
    most = best.objective + float(weights[is_settled].sum())
    assert persons <= most + 1e-9
    assert whole.plan.bound >= most - 1e-9


def test_broken_persons_and_a_bound_that_is_nearly_the_best():
    """300 homes of broken persons, 40 sites: divided in 1, 5 and 60 the same bits; the bound within 1 % of the best."""
    rng = np.random.default_rng(5)
    home, place = rng.uniform(0, 10, (300, 2)), rng.uniform(0, 10, (40, 2))
    apart = np.hypot(*(home[:, np.newaxis] - place).transpose(2, 0, 1))
    covers = sparse.csr_array(np.where(apart <= 2.0, 1.0, 0.0))
    weights, is_settled = rng.uniform(0.0, 3.0, 300), np.zeros(300, dtype=bool)
    found = [
        told(answer(parts_of(covers, weights, is_settled, np.arange(300) % n), 40, 6, n_steps=400)) for n in (1, 5, 60)
    ]
    assert found[0] == found[1] == found[2]
    best = siting.mclp(siting.SitingProblem(covers, weights), standard=1.0, new_sites=6)
    assert best.status == "optimal"
    assert best.objective <= found[0][3] <= 1.01 * best.objective


def test_three_villages_by_hand():
    """Sites reach homes 0 and 1, 1 and 2, 2 of 50, 20, 40 persons: 70 first, then 40; that is everyone: proven."""
    covers = sparse.csr_array(np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1]], dtype=float))
    weights = np.array([50.0, 20.0, 40.0])
    found = answer(parts_of(covers, weights, np.zeros(3, dtype=bool), np.array([0, 1, 2])), 3, 3)
    assert found.order.tolist() == [0, 1]  # the third adds nobody
    assert found.gains.tolist() == [70.0, 40.0]
    assert (found.plan.objective, found.plan.bound, found.plan.status) == (110.0, 110.0, "optimal")
    assert found.plan.chosen.tolist() == [0, 1]


def test_nobody_to_cover():
    """No candidate, or everyone settled: no sites, and the certificate says that no plan covers more."""
    nobody = answer(parts_of(sparse.csr_array((2, 0)), np.ones(2), np.zeros(2, dtype=bool), np.zeros(2, int)), 0, 3)
    assert told(nobody) == ([], [], 0.0, 0.0, "optimal")
    covers = sparse.csr_array(np.ones((2, 1)))
    settled = answer(parts_of(covers, np.ones(2), np.ones(2, dtype=bool), np.zeros(2, int)), 1, 3)
    assert told(settled) == ([], [], 2.0, 2.0, "optimal")


def test_a_part_in_a_file_is_the_same_part(tmp_path):
    """Written twice the bytes are the same; read again it answers the same."""
    rng = np.random.default_rng(2)
    covers = sparse.csr_array((rng.random((30, 9)) < 0.3).astype(float))
    parts = parts_of(covers, rng.uniform(0, 5, 30), rng.random(30) < 0.2, np.arange(30) % 3)
    paths = [tmp_path / f"{number}.npz" for number in range(3)]
    for part, path in zip(parts, paths, strict=True):
        covering.write_part(part, path)
    covering.write_part(parts[0], tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == paths[0].read_bytes()
    read = covering.cover_most(None, covering.read_part, paths, n_sites=9, new_sites=3, n_steps=100)
    assert told(read) == told(answer(parts, 9, 3))


@LOOPBACK
def test_on_workers_as_in_this_process():
    """The same bits from Dask's workers (in threads here: what is sent is pickled all the same elsewhere)."""
    distributed = pytest.importorskip("distributed")
    rng = np.random.default_rng(3)
    covers = sparse.csr_array((rng.random((60, 10)) < 0.2).astype(float))
    parts = parts_of(covers, rng.uniform(0, 5, 60), rng.random(60) < 0.2, np.arange(60) % 4)
    with (
        distributed.LocalCluster(
            processes=False, protocol="tcp", host="127.0.0.1", n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as threads,
        distributed.Client(threads) as client,
    ):
        assert told(answer(parts, 10, 4, client=client, n_steps=30)) == told(answer(parts, 10, 4, n_steps=30))


SITING = """
[[candidates]]
services = ["meal_point"]
own = { path = "own.csv", datum = "wgs84", kind = "schematic", source = "test" }
near = { metres = 1000 }
source = "test"
[[proposals]]
id = "next"
name_zh = "新增"
name_en = "next"
service = "meal_point"
new_sites = 3
source = "test"
[[proposals]]
id = "one"
name_zh = "新增一个"
name_en = "one more"
service = "meal_point"
new_sites = 1
source = "test"
[[proposals]]
id = "apart"
name_zh = "间隔"
name_en = "apart"
service = "meal_point"
new_sites = 1
spacing_m = 100
source = "test"
"""


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    """The street of ``test_cli`` with 30 homes and a limit of 4 minutes, its run, and its folder."""
    folder = tmp_path_factory.mktemp("village")
    path = district(folder, "a")
    rng = np.random.default_rng(9)
    lon, lat, old = rng.uniform(121.5, 121.5126, 30), rng.uniform(31.598, 31.602, 30), rng.integers(1, 60, 30)
    homes = [f"h{i:02d},宅,{x:.6f},{y:.6f},100,{n}\n" for i, (x, y, n) in enumerate(zip(lon, lat, old, strict=True))]
    people = "demand_id,name_zh,lon,lat,population,old\n" + "".join(homes)
    (path.parent / "people.csv").write_text(people, encoding="utf-8-sig")
    places = [f"p{i},地块{i},{121.5 + 0.0012 * i:.6f},31.6003\n" for i in range(11)]
    (path.parent / "own.csv").write_text("candidate_id,name_zh,lon,lat\n" + "".join(places), encoding="utf-8-sig")
    text = path.read_text(encoding="utf-8").replace("minutes = 15", "minutes = 4") + SITING
    path.write_text(text, encoding="utf-8")
    study = read_study(path)
    return folder, study, pipeline.run_study(study)


def plan_in_tiles(village, proposal, tile_km):
    folder, study, _ = village
    out = folder / f"{proposal}-{tile_km}"
    question = batch.GridQuestion(tile_km=tile_km, proposal=proposal)
    (outcome,) = batch.run_grid(batch.Case("a", study), out, client=None, question=question)
    assert outcome.status == "done", outcome.error
    certificate = json.loads((out / "a" / "plan.json").read_text(encoding="utf-8"))
    return certificate, pd.read_csv(out / "a" / "sites.csv"), (out / "a" / "sites.csv").read_bytes(), outcome.digest


def test_a_region_in_tiles_proposes_sites(village):
    """The same files at any size of tile; one site is the run's own answer, three lie between greedy and bound."""
    plans = village[2].measured["plans"].set_index("proposal")
    certificate, sites, *files = plan_in_tiles(village, "next", 5.0)
    for tile_km in (0.2, 0.6):
        again = plan_in_tiles(village, "next", tile_km)
        assert (again[0], *again[2:]) == (certificate, *files), tile_km
    assert plans.loc["next", "status"] == "optimal"
    best = plans.loc["next", "objective"]
    assert certificate["persons_covered"] <= best <= certificate["bound"]
    assert certificate["candidates"] == plans.loc["next", "n_candidates"]
    assert sites["rank"].tolist() == [1, 2, 3]
    assert sites["newly_covered"].is_monotonic_decreasing
    one, site, *_ = plan_in_tiles(village, "one", 0.2)
    assert one["persons_covered"] == plans.loc["one", "objective"]
    own = village[2].measured["sites"]
    assert site["newly_covered"].item() == pytest.approx(own.loc[own["proposal"] == "one", "newly_covered"].item())


def test_what_a_proposal_in_tiles_may_not_ask(village):
    """A rule that binds sites of several tiles is refused by name, before anything is computed."""
    _, study, _ = village
    with pytest.raises(StudyError, match=r"proposals\.apart: spacing_m"):
        batch.run_grid(
            batch.Case("a", study), village[0] / "x", client=None, question=batch.GridQuestion(proposal="apart")
        )
    with pytest.raises(ValueError, match="no proposal 'none'"):
        batch.run_grid(
            batch.Case("a", study), village[0] / "x", client=None, question=batch.GridQuestion(proposal="none")
        )
    assert not (village[0] / "x" / "a").exists()
